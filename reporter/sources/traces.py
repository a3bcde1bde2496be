"""What tells of a response or of a part of one: its keys, fields and classes, wherever they stand.

In a log somebody else's words stand around a response. A response inside a message that stands
there must not be taken for the one that was meant: where the text around it holds anything of a
part of a response, or the one that was found stands inside something, it is refused.
"""

from __future__ import annotations

import re
from typing import Any

from reporter.errors import InputError
from reporter.sources.api_errors import api_error, holds_an_error, told_in, told_over_http
from reporter.sources.text import SAVE_RAW, one_page

RESPONSES = (
    "ShowAutopilotPreCheckResponse",
    "ShowPreCheckResponse",
    "ListAutopilotPreCheckTasksResponse",
    "ListPreCheckTasksResponse",
    "CreateAutopilotPreCheckResponse",
    "CreatePreCheckResponse",
    "PrecheckClusterTask",
)
"""How the SDKs name what holds a whole response; the last is one task of a list."""

PARTS = (
    "PrecheckTaskMetadata",
    "PrecheckCluserResponseMetadata",
    "PrecheckSpec",
    "PrecheckStatus",
    "ClusterCheckStatus",
    "AddonCheckStatus",
    "NodeCheckStatus",
    "NodeStageStatus",
    "PreCheckItemStatus",
    "NodeInfo",
    "RiskSource",
    "ConfigurationRisks",
    "DeprecatedAPIRisks",
    "NodeRisks",
    "AddonRisks",
    "SkippedCheckItemList",
    "ResourceSelector",
)
"""What holds a part of one."""

REQUESTS = re.compile(
    r"(?:Show|List|Create)(?:Autopilot)?PreCheck(?:Tasks)?Request|PrecheckCluster\w+"
)
"""What a caller sends."""

_SECTIONS = (
    rb"[Cc]luster_?[Cc]heck_?[Ss]tatus|[Aa]ddon_?[Cc]heck_?[Ss]tatus"
    rb"|[Nn]ode_?[Cc]heck_?[Ss]tatus|[Ii]tems_?[Ss]tatus"
)
MARKERS = re.compile(rb"PreCheckTask|" + _SECTIONS)
"""Words of a response, in prose too."""

# As a key, a value, a field or a class of a response, also inside a text; not a word in prose.
_SPEAKS = re.compile(
    rb"(?i:kind[\"'\\]*\s*[:=]\s*[\"'\\]*PreCheckTask|(?:" + MARKERS.pattern + rb")[\"'\\]*\s*[:=]"
    rb"|class (?:" + "|".join(RESPONSES + PARTS).encode() + rb") \{)"
)
_ESCAPED = re.compile(rb"(?<!\\)\\+(?:u00|x)([2-7][0-9a-fA-F])")


def speaks_of_a_response(data: bytes) -> bool:
    """Whether bytes that are not read as a response hold something of one, in any encoding."""
    return _SPEAKS.search(_unescaped(data)) is not None


def _unescaped(data: bytes) -> bytes:
    """Text as it can be searched: UTF-16 and escaped letters are turned, however they are put."""
    plain = data.replace(b"\x00", b"")
    if b"\\u00" in plain or b"\\x" in plain:
        plain = _ESCAPED.sub(lambda match: bytes([int(match[1], 16)]), plain)
    return plain


# Around a response ----------------------------------------------------------------------------

_PART = re.compile(
    _SPEAKS.pattern
    + rb"|(?i:"
    + _SECTIONS
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
# Behind a response only: what failed before it may have been tried again.
_FAILED_LATER = re.compile(
    rb"\b[45]\d\d (?:Bad Request|Unauthorized|Forbidden|Not Found|Too Many Requests"
    rb"|Internal Server Error|Bad Gateway|Service Unavailable|Gateway Time-?out)\b"
    rb"|\b[45]\d\d (?:Client|Server) Error\b|HTTP Error [45]\d\d\b|<-- [45]\d\d\b"
    rb"|(?i:\b(?:http|status|response|error)[ _-]?code)\W{1,4}[45]\d\d\b|\([45]\d\d\) [A-Z]"
    rb"|\b[A-Z]\w{1,60}(?:Exception|Error|Timeout)\b[^\n]{0,3}[:(]|\bdial tcp\b"
    rb"|(?:Connection|Timeout|Response|Request|Sdk|Outage|Unreachable|Shake)Exception\b"
)
# What says in a header that the answer is one page, or a part: the API knows neither.
_OF_A_PAGE = re.compile(
    rb"\brel[ \t]{0,9}=[ \t]{0,9}[\"'\\]{0,3}(?:[\w-]{1,30}[ \t]{1,9}){0,9}next\b[\"']?"
    rb"|\bx-(?:continuation-token|pagination)[\"']?[ \t]*+:[ \t]*+\S"
    rb"|\bx-(?:next-[a-z]{1,20}|has-?more)[\"']?[ \t]*+:[ \t]*+(?!false)\w"
    rb"|\bcontent-range[\"']?[ \t]*+:[ \t]*+[a-z]{1,20} (\d{1,18}|\*)(?:-(\d{1,18}))?/(\d{1,18}|\*)"
)
_TOTAL = re.compile(rb"(?im)^x-total(?:-(?:count|items|(pages)))?[ \t]*+:[ \t]*+(\d{1,18})")
_LINE = 4096


def doubt_about(value: Any, text: bytes) -> str | None:
    """What a JSON value, which `text` was, says against the response it stands in one text with."""
    if any(word in text for word in _OF_AN_ERROR) and holds_an_error(value):
        return _AN_ERROR
    if isinstance(value, dict) and value.get("kind") == "Status":
        return None if value.get("status") == "Success" else _AN_ERROR
    if not isinstance(value, dict) or value.get("kind"):
        return None
    status = value.get("status")
    if isinstance(status, dict) and "phase" in status and ("metadata" in value or "spec" in value):
        return "what may be another task also stands in the text around it"
    return None


_OF_AN_ERROR = (b'ode"', b'ode\\"', b'"Status"', b'Status\\"')
_AN_ERROR = "an error of the API also stands in the text around it"


def check_around(text: bytes, start: int, end: int, label: str, doubt: str | None) -> None:
    """Refuse what stands around the response at `start` to `end` and throws doubt on it.

    `doubt`: what `doubt_about` said of a JSON value there.
    """
    from reporter.sources.credentials import holds_credentials

    before, behind = (_DECORATION.sub(b"", part) for part in (text[:start], text[end:]))
    for part in (before, behind):
        plain = _unescaped(part)
        if marker := _part_in(plain) or (part is before and _OBJECT.search(plain)):
            shown = " ".join(marker[0].decode("utf-8", "replace").split())
            raise _ambiguous(label, f"{shown!r} also stands in the text around the response")
        if _ERROR.search(plain) or told_in(plain):
            raise _ambiguous(label, _AN_ERROR)
        if holds_credentials(plain):
            raise _holds_credentials(label)
        if mark := _mark_of_a_page(plain):
            raise one_page(label, mark)
    if doubt is not None:
        raise _ambiguous(label, doubt)
    line = before[-_LINE:]
    if _INSIDE.search(line) or _FIELD_BEHIND.search(line) or _leaves_open(before):
        raise _ambiguous(
            label, "the response stands inside something (quotes, a cell, a field), as a text would"
        )
    if behind.partition(b"\n")[0].strip() or behind.lstrip().startswith(b"</"):
        raise _ambiguous(label, "more text follows on the line where the response ends")
    status, _ = _last_status(before)
    if status is not None and status not in ANSWERED:
        raise no_success(label, status, text[start:end])
    status, further = _last_status(behind)
    failed = status is not None and status not in ANSWERED
    if failed or _FAILED_LATER.search(further) or any(map(_CURL_GAVE_UP.search, (before, behind))):
        said = f" (HTTP {status.decode('ascii', 'replace')})" if status and failed else ""
        raise _ambiguous(label, f"an answer that failed{said} also stands in the text around it")


def _last_status(text: bytes) -> tuple[bytes | None, bytes]:
    """The status of the last answer that a text shows, and what stands behind its line."""
    found = [*_STATUS_LINE.finditer(text), *_LOGGED_STATUS.finditer(text)]
    if not found:
        return None, text
    last = max(found, key=lambda match: match.start(1))
    return last[1], text[last.end() :].partition(b"\n")[2]


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


def check_headers(headers: bytes, tasks: int, label: str) -> None:
    """Refuse headers that hold what must not stand in a report, or tell of more than `tasks`."""
    from reporter.sources.credentials import holds_credentials

    if holds_credentials(headers):
        raise _holds_credentials(label)
    if mark := _mark_of_a_page(headers):
        raise one_page(label, mark)
    for total in _TOTAL.finditer(headers):
        if int(total[2]) > (1 if total[1] else tasks):
            raise one_page(label, total[0].decode())


def _mark_of_a_page(text: bytes) -> str | None:
    """What says that an answer is one page of several, in small letters."""
    small = text.lower()
    if not any(
        word in small
        for word in (b"rel", b"x-next", b"x-has", b"x-cont", b"x-pag", b"content-range")
    ):
        return None
    for mark in _OF_A_PAGE.finditer(small):
        first, last, whole = mark.groups()
        if first is None or not (last and whole.isdigit()):
            return mark[0].decode()
        if int(first) or int(last) + 1 < int(whole):
            return mark[0].decode()
    return None


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
