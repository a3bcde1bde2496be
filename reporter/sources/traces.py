"""What stands around a response and throws doubt on it.

In a log somebody else's words stand around a response. A response inside a message that stands
there must not be taken for the one that was meant: where the text around it holds anything of a
part of a response, or the one that was found stands inside something, it is refused.
"""

from __future__ import annotations

import re
from typing import Any

from reporter.errors import InputError
from reporter.sources.api_errors import (
    api_error,
    holds_an_error,
    tells_of_failure,
    told_in,
    told_over_http,
)
from reporter.sources.headers import (
    cache_told_by,
    length_told_by,
    mark_of_a_page,
    page_told_by,
    shown_from,
)
from reporter.sources.marks import PARTS, RESPONSES, SECTIONS, SPEAKS, unescaped
from reporter.sources.text import SAVE_RAW, one_page

_PART = re.compile(
    SPEAKS
    + rb"|(?i:"
    + SECTIONS
    + rb"|risk_?source\b|\berror_?codes\b)|[|\t,\"']\s{0,20}+PreCheckTask"
    + rb"|\b(?:Limit|Master|Node|Addon)Check\b|\bExecuteException\b"
    + rb"|\b(?:"
    + "|".join(RESPONSES + PARTS).encode()
    + rb") ?\{"
    # The head of a Markdown table of check items.
    + rb"|\|[ \t]*(?i:phase)[ \t]*(?:\|[^\n]{0,100}+)?\r?\n[ \t|:]*-{2}"
)
# One of these stands in whatever `_PART` finds, in small letters: a long log is looked through in
# a fraction of the time.
_PART_HOLDS_ONE_OF = (
    *(b"precheck", b"limitcheck", b"mastercheck", b"nodecheck", b"addoncheck", b"checkstatus"),
    *(b"check_status", b"itemsstatus", b"items_status", b"risksource", b"risk_source"),
    *(b"errorcodes", b"error_codes", b"executeexception", b"stagestatus", b"nodeinfo"),
    *(b"risks {", b"risks{", b"skippedcheckitemlist", b"resourceselector", b"|--", b"| --", b"|:"),
)
_OBJECT = re.compile(
    # Before it: a field's line as Java, YAML and PHP print it; a printed class; a table's rule.
    rb"(?m)^[ \t]*(?:- )?\[?[\"']?(?:name|message|level|phase|group|alias|addonTemplateName|nodeMsg"
    rb"|userAgent|originalValue|error_?[mM]sg|error_?[mM]essage)[\"']?\]?[ \t]*(?::[ \r\n]|=>)"
    rb"|\bmessage[\"']?:[ \t]+[\"'|>]|class \w+ \{\r?$|(?<![-+])\+--[-+]*+(?<=\+)[ \t]*+\r?$"
)
_FIELD_BEHIND = re.compile(
    rb"\b(?:name|message|alias|addonTemplateName|nodeMsg|userAgent|originalValue|value|url"
    rb"|error_?[mM]sg|error_?[mM]essage)[\"']?\]?[ \t]*(?:=>?|:)[ \t]*\Z"
)
_INSIDE = re.compile(rb"[\"'`|,(<\[][ \t]*\Z")
_ERROR = re.compile(rb"\[[A-Z]+_ERROR\]|\b(?:CCE|CCE_CM|APIGW)\.\d{4,}")
_DECORATION = re.compile(
    rb"\x1b\[[0-?]*[ -/]*[@-~]|^(?:[\d:.]+ )?[{}] \[\d+ bytes data\]"
    rb"|^(?:\[[\w:.TZ-]{1,40}\] +)?\[Pipeline\] [{}](?: \([\w .:-]{1,80}\))?[ \t\r]*$",
    re.MULTILINE,
)
"""What terminals, `curl -v` and Jenkins add, with brackets that open nothing."""

ANSWERED = (b"200", b"201")
"""The statuses of an answer that holds a response: a part (206) or a proxy's own word (203) is
none, whole though its JSON may look."""

# At the start of a line, but for a time; as curl -v and the clients of languages show what came.
_STATUS_LINE = re.compile(
    rb"(?m)(?:^[\d\[\]TZ:., +-]{0,60}|<[-=]{0,2} ?|reply: [\"'])(?i:HTTP)/\d(?:\.\d)? +(\d[!-~]*)"
)
# As the clients of Python log it: `"GET /api HTTP/1.1" 404 0`, `"HTTP/1.1 404 Not Found"`.
_LOGGED_STATUS = re.compile(
    rb"(?:\"(?:[A-Z]{3,7} [^\"\s]{1,4096} )?HTTP/\d(?:\.\d)?\"? |b'HTTP/\d(?:\.\d)?', )(\d{3})\b"
)
_CURL_GAVE_UP = re.compile(rb"\bcurl: \([1-9]\d{0,2}\)")
# Behind a response only: what failed before it may have been tried again. In any words: whoever
# asked once more got no answer, and the one that was found is an older one.
_FAILED_LATER = re.compile(
    rb"(?<!\bno )(?<!\b0 )(?<!\bany )(?<!\bwithout )(?<! --)(?<!-found: )"
    rb"(?:\b(?:errors?|fail(?:ed|ures?|s)?|exceptions?|traceback|refused|denied"
    rb"|unauthori[sz]ed|forbidden|unreachable|unavailable|exceeded|expired|aborted|unable to"
    rb"|could not|couldn't|cannot|can't|not found)\b"
    rb"(?!\W{1,4}(?:0|none|null|nil|false|ok)\b|\W{1,4}\[\])"
    # With a number it is a setting; behind `error` a number is a status.
    rb"|\btime(?:d[ -])?outs?\b(?!\W{1,3}(?:\d{1,6}(?:ms|s|m)?|none|null|nil)\b)"
    rb"|\bdial tcp\b|\b(?:http[ _-]?)?(?:status|code|response)(?:[ _-]?code)?\W{1,4}[45]\d\d\b"
    rb"|<-- [45]\d\d\b|\bbad gateway\b|\bno (?:healthy|route|response|such|answer)\b|\bstruct\{\}"
    rb"|<!doctype html|<html\b|"
    + "失败|超时|拒绝|错误|异常|无法|不存在|未授权|过期".encode()
    # What programs print where nothing came.
    + rb"|^[ \t]*+(?:null|None|<nil>|undefined|\{\}|\[\])[ \t\r]*+$)"
    rb"|(?-i:\b[A-Z]\w{1,60}(?:Exception|Error|Timeout)\b)",
    re.IGNORECASE | re.MULTILINE,
)
_LINE = 4096


def is_an_answer(value: Any) -> bool:
    """Whether a JSON value looks like what some API answered with, and holds nothing of a task.

    An error, an empty list, an object of the API's form without content. Behind a response it is
    a newer answer.
    """
    if isinstance(value, list):
        return any(map(is_an_answer, value))
    if not isinstance(value, dict) or value.get("kind") not in (None, "", "List", "Error"):
        return False
    if "items" in value or value.get("kind") == "List":
        return not value.get("items")
    return "apiVersion" in value or tells_of_failure(value)


def doubt_about(value: Any, text: bytes) -> str | None:
    """What a JSON value, which `text` was, says against the response it stands in one text with."""
    if any(word in text for word in _OF_AN_ERROR) and holds_an_error(value):
        return _AN_ERROR
    if isinstance(value, dict) and value.get("kind") == "Status":
        return None if value.get("status") == "Success" else _AN_ERROR
    if any(word in text for word in _OF_A_TASK) and _holds_a_task(value):
        return "what may be another task also stands in the text around it"
    return None


_OF_A_TASK = (b'tatus"', b'pec"', b'etadata"', b"\\u")
_SPEC_OF_A_TASK = frozenset({"clusterid", "clusterversion", "targetversion"})
_TIMES_OF_A_TASK = frozenset({"creationtimestamp", "updatetimestamp"})


def _holds_a_task(value: Any) -> bool:
    """Whether a JSON value is a task that doesn't say so, a list of such, or what wraps one.

    An object with a `kind` says by that what it is.
    """
    left = [(value, True)]
    while left:
        part, alone = left.pop()
        if isinstance(part, list):
            left += [(item, alone) for item in part]
        if not isinstance(part, dict) or part.get("kind") not in (None, "", "List"):
            continue
        status, spec, metadata = (part.get(key) for key in ("status", "spec", "metadata"))
        beside = isinstance(spec, dict) or isinstance(metadata, dict)
        if isinstance(status, dict) and "phase" in status and (alone or beside):
            return True
        if _keys(spec) & _SPEC_OF_A_TASK:
            return True
        if "uid" in (said := _keys(metadata)) and said & _TIMES_OF_A_TASK:
            return True
        left += [(found, alone and key == "items") for key, found in part.items()]
    return False


def _keys(value: Any) -> set[str]:
    """The keys of an object as the API and Python's SDK write them."""
    return {key.replace("_", "").lower() for key in value} if isinstance(value, dict) else set()


_OF_AN_ERROR = (b'ode"', b'ode\\"', b'"Status"', b'Status\\"')
_AN_ERROR = "an error of the API also stands in the text around it"


def check_around(
    text: bytes, start: int, end: int, label: str, doubt: str | None, tasks: int
) -> None:
    """Refuse what stands around the response at `start` to `end` and throws doubt on it.

    `doubt`: what `doubt_about` said of a JSON value there. `tasks`: how many the response has.
    """
    from reporter.sources.credentials import holds_credentials

    before, behind = (_DECORATION.sub(b"", part) for part in (text[:start], text[end:]))
    for part in (before, behind):
        plain = unescaped(part)
        if marker := _part_in(plain) or (part is before and _OBJECT.search(plain)):
            shown = " ".join(marker[0].decode("utf-8", "replace").split())
            raise _ambiguous(label, f"{shown!r} also stands in the text around the response")
        if _ERROR.search(plain) or told_in(plain):
            raise _ambiguous(label, _AN_ERROR)
        if holds_credentials(plain):
            raise _holds_credentials(label)
        if mark := mark_of_a_page(plain):
            raise one_page(label, mark)
    if doubt is not None:
        raise _ambiguous(label, doubt)
    line = before[-_LINE:]
    if _INSIDE.search(line) or _FIELD_BEHIND.search(line) or _leaves_open(before):
        raise _ambiguous(
            label, "the response stands inside something (quotes, a cell, a field), as a text would"
        )
    if _leaves_open(behind):
        raise _ambiguous(label, "a quote or bracket that opens behind the response never closes")
    if behind.partition(b"\n")[0].strip() or behind.lstrip().startswith(b"</"):
        raise _ambiguous(label, "more text follows on the line where the response ends")
    if (answer := _last_status(before)) is not None:
        if answer[1] not in ANSWERED:
            raise no_success(label, answer[1], text[start:end])
        headers = shown_from(before, answer.end())
        _check_last(headers, page_told_by(headers, tasks), label)
    if (answer := _last_status(behind)) is not None and answer[1] not in ANSWERED:
        said = f"an answer that failed (HTTP {answer[1].decode('ascii', 'replace')})"
        raise _ambiguous(label, f"{said} also stands in the text around it")
    if any(map(_CURL_GAVE_UP.search, (before, behind))):
        raise _ambiguous(label, "an answer that failed also stands in the text around it")
    if word := _FAILED_LATER.search(behind):
        said = " ".join(word[0].decode("utf-8", "replace").split())
        raise _ambiguous(
            label, f"{said!r} stands behind it, as where it was asked for again, and that failed"
        )


def _last_status(text: bytes) -> re.Match[bytes] | None:
    """Where a text shows the last answer; its first group is the status."""
    found = [*_STATUS_LINE.finditer(text), *_LOGGED_STATUS.finditer(text)]
    return max(found, key=lambda match: match.start(1)) if found else None


def _part_in(text: bytes) -> re.Match[bytes] | None:
    """What tells of a response or a part of one, if there is any."""
    small = text.lower()
    return _PART.search(text) if any(word in small for word in _PART_HOLDS_ONE_OF) else None


def _leaves_open(before: bytes) -> bool:
    """Whether a quote, a bracket or a brace is open at the end of a text."""
    return (
        before.count(b'"') % 2 == 1
        or before.count(b"{") > before.count(b"}")
        or before.count(b"[") > before.count(b"]")
    )


def check_headers(headers: bytes, last: bytes, body: bytes, tasks: int, label: str) -> None:
    """Refuse headers that hold what must not stand in a report, or speak against the `body`.

    `headers` are those of all answers, `last` those of the one with the body, which has `tasks`.
    """
    from reporter.sources.credentials import holds_credentials

    if holds_credentials(headers):
        raise _holds_credentials(label)
    _check_last(last, page_told_by(headers, tasks), label)
    if mark := length_told_by(last, body):
        raise InputError(
            f"{label}: an HTTP capture whose body has another length than its headers say: "
            f"{len(body):,} bytes ({mark}): it was cut or changed",
            hint="save it again with curl -i, or without -i the body alone",
        )


def _check_last(headers: bytes, mark_of_page: str | None, label: str) -> None:
    """Refuse an answer that is a page or a copy of a cache."""
    if mark_of_page:
        raise one_page(label, mark_of_page)
    if mark := cache_told_by(headers):
        raise InputError(
            f"{label}: is a copy of a cache, not an answer of now ({mark})",
            hint="ask again with Cache-Control: no-cache, or past the proxy",
        )


def no_success(label: str, status: bytes, body: bytes) -> InputError:
    """An HTTP capture whose last status is not 200 or 201, with what its body says."""
    if status.startswith((b"1", b"3")) or not status:
        return InputError(
            f"{label}: an HTTP capture of a redirect or interim answer alone (HTTP "
            f"{status.decode()}), not of the response",
            hint="use curl -i -L, or " + SAVE_RAW,
        )
    if status.startswith(b"2"):
        return InputError(
            f"{label}: an HTTP capture of a part or of another's answer (HTTP {status.decode()}), "
            "not of the response (HTTP 200)",
            hint="ask for the whole without Range, past any proxy, or " + SAVE_RAW,
        )
    return api_error(label, told_over_http(status.decode(), body))


def _holds_credentials(label: str) -> InputError:
    """The input stands in records and reports as it came."""
    return InputError(
        f"{label}: holds a token, key, password or signature in the text around the response, "
        "which would stand in every report",
        hint=SAVE_RAW + ", and have what was shown replaced",
    )


def _ambiguous(label: str, why: str) -> InputError:
    return InputError(
        f"{label}: ambiguous: {why}: a message could look the same", hint="save the response alone"
    )
