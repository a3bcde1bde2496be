"""What stands around a response and throws doubt on it.

In a log somebody else's words stand around a response. A response inside a message that stands
there must not be taken for the one that was meant: where the text around it holds anything of a
part of a response, or the one that was found stands inside something, it is refused.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from reporter.errors import InputError
from reporter.sources.api_errors import (
    api_error,
    holds_an_error,
    tells_of_failure,
    tells_of_nothing,
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

_OF_A_STEP = re.compile(rb"(?m)^[ \t]*+(?:with|env):[ \t\r]*+\n(?:[ \t]++[^\n]*+\n)++")
"""What GitHub shows of a step before it runs: settings, `name:` among them."""

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
# Alone on its line, as `curl -w '\n%{http_code}\n'` writes it; 000 where no answer came.
_STATUS_ALONE = re.compile(rb"(?m)^[ \t]*+([1-5]\d\d|000)[ \t\r]*+$")
# The rest of a status line, and headers as they came: what stands behind them is the body.
_UP_TO_A_BODY = re.compile(
    rb"[^\n]*+\n(?:[!#$%&'*+.^_`|~0-9A-Za-z-]++:[^\n]*+\n)*+\r?\n[ \t\r\n]*+"
)
_CURL_GAVE_UP = re.compile(rb"\bcurl: \([1-9]\d{0,2}\)")
# Behind a response only: what failed before it may have been tried again. In any words: whoever
# asked once more got no answer, and the one that was found is an older one.
_FAILED_LATER = re.compile(
    # Where any of it can begin, which is soon seen.
    rb"(?:(?<!\w)(?=[a-z45])|(?=[<:=\x80-\xff]))"
    rb"(?:(?<!\bno )(?<!\b0 )(?<!\bany )(?<!\bnot )(?<!\bwithout )(?<!-found: )"
    rb"(?:\b(?:errors?|fail(?:ed|ures?|s)?|exceptions?|traceback|refused|denied"
    rb"|unauthori[sz]ed|forbidden|unreachable|unavailable|exceeded|expired|aborted|unable to"
    rb"|cancel(?:l?ed|lation)|interrupted|killed|rejected|invalid|panic(?:ked)?|unsuccessful(?:ly)?"
    rb"|could not|couldn't|cannot|can't|not found)\b"
    rb"(?![^\w\n]{1,4}(?:0|none|null|nil|false|ok)\b|[^\w\n]{1,4}\[\]|\(\))"
    # With a number it is a setting, where that is no status; behind `error` any is a status.
    rb"|\btimed[ -]?out\b|\btime[ -]?outs?\b"
    rb"(?![=: ]{1,3}(?:(?![45]\d\d\b)\d{1,6}(?:ms|s|m)?|none|null|nil)\b)"
    # A status of HTTP, by its name or with one of the words it is explained with.
    rb"|\b(?:http|(?:http[ _-]?)?(?:status|code|response)(?:[ _-]?code)?)\W{1,4}[45]\d\d\b"
    rb"|<-- [45]\d\d\b|\b[45]\d\d[ -](?:bad|conflict|gone|internal|length required|locked"
    rb"|method not|network auth|not (?:acceptable|extended|found|implemented)|payload|payment"
    rb"|precondition|proxy auth|request|service un|gateway|too many|unprocessable|unsupported)"
    rb"|\bbad (?:request|gateway)\b|\btoo many requests\b"
    # What curl writes where no answer came; a newer check that is not through.
    rb"|\bhttp_code\W{1,3}000\b|^phase: (?:init|pending|running)[ \t\r]*$"
    # A program's status, as shells and languages tell it.
    rb"|\bnon-?zero\b|\b(?:exit|return)(?:ed)?(?: with)?[ _-](?:status|code|value)[ :=]{1,3}-?[1-9]"
    rb"|\bexited (?:with )?-?[1-9]"
    rb"|\bdial tcp\b|\bbroken pipe\b"
    rb"|\bconnection (?:was |has been )?(?:reset|lost|dropped|broken)\b"
    # Go's whole error; not the end of a shell's here-document.
    rb"|(?-i:(?:(?<=[^<>\s+-] )|[:=])EOF\b)"
    rb"|\bno (?:healthy|route|response|such|answer|content)\b"
    rb"|\bempty (?:reply|response|answer|body)\b|\bstruct\{\}"
    rb"|<!doctype html|<html\b|"
    + "失败|超时|拒绝|错误|异常|无法|不存在|不可用|未授权|过期|取消|中断".encode()
    + rb")|(?-i:\b[A-Z]\w{1,60}(?:Exception|Error|Timeout)\b))",
    re.IGNORECASE | re.MULTILINE,
)
_SETTING = re.compile(
    rb"(?<![^\s'\"(\[=])--[a-z][\w-]*+|(?<!\w)(?:abort|break|cancel|clean|continue|exit|fail"
    rb"|halt|ignore|notify|pause|retry|rollback|run|skip|stop|terminate|warn)"
    rb"-on-(?:errors?|fail(?:ed|ures?)?)\b"
    rb"|\bfail-(?:fast|on-[\w-]{1,40})\b|\becho EOF\b|\bhttps? \d{1,5}/TCP\b"
    rb"|\btimeout-(?:minutes|seconds)\b|^[ \t-]*+timeout: \d{1,6}[ \t\r]*+$"
    rb"|\bTimeout set to expire\b|\bCache not found\b"
    rb"|\[Pipeline\] (?:// )?timeout[ \t\r]*+$|\btimeouts[ \t]*+\{",
    re.MULTILINE,
)
"""Names of options and settings, and what CI services say on every run: nothing failed by them."""
LEAST = len('{"msg":1}')
"""What is shorter tells neither of a task nor of an error, whatever JSON it is."""
_NOTHING = (
    rb"(?:null|none|nil|<nil>|undefined|\"\"|''|map\[\]|\{\s*+\}"
    rb"|\[\s*+(?:(?:null|none|nil|\{\s*+\})\s*+)?\])"
)
"""What programs print where nothing came."""
_OF_AN_ANSWER = rb"(?:response|resp|answer|reply|result|output|body|returned|received|got)"
# What names an answer, and what is put between it and the answer.
_NAMES_AN_ANSWER = re.compile(rb"(?i)(?:=|" + _OF_AN_ANSWER + rb"[ :>-]*)\Z")
_WHEN = rb"(?:[\d\[](?:[\d\[\]TZ:., -]|\+\d){0,60}+)?+"
"""The time a line may begin with."""
# A line that shows what was asked: behind a prompt, by a shell's `set -x`, `curl -v` or GitHub, or
# with an address in it that stands in no header.
_COMMAND = re.compile(
    rb"(?m)^"
    + _WHEN
    # The banner of an Azure task is none.
    + rb"(?!Help[ \t]{1,20}: )"
    rb"((?:\[?[\w.-]{1,60}@[^\n$#]{1,80}[$#]|\$|\++|> [A-Z]{3,7}|##\[group\]Run) ++[^\s][^\n]*+"
    rb"|(?![<*] |(?i:location|link|[a-z\d]+(?:-[a-z\d]+)+): )[^\n]*?://[^\n]*+)"
)
_LINE = 4096
_OF_A_WORD = 100
_ENDS = (b"=", b":", b">")
"""How a word ends that stands before a value."""
_LETTER = re.compile(rb"[^\W_]|[\x80-\xff]")


@dataclass(frozen=True)
class Asked:
    """How a program's lines name the answer it got: by the word right before the response.

    Where that word stands again there was another answer. `2026-03-01 INFO response={…}` is told
    by `response=`; digits (times, counts) may be others the next time.
    """

    word: bytes
    line_above: bool = False
    """Whether the word ends the line above the response, as a heading does."""

    @classmethod
    def by_what_stands_before(cls, text: bytes) -> Asked:
        text = text[-_LINE:]
        above = b"\n" in text[len(text.rstrip()) :]
        word = _last_word(text)
        heads = word.endswith(_ENDS) and _LETTER.search(word)
        return cls(b"" if above and not heads else word, above)

    @cached_property
    def _pattern(self) -> bytes:
        return re.sub(rb"\d+", rb"\\d+", re.escape(self.word))

    @cached_property
    def _named_again(self) -> re.Pattern[bytes] | None:
        return re.compile(self._pattern) if _NAMES_AN_ANSWER.search(self.word) else None

    def names(self, value: Any, text: bytes, at: int) -> bool:
        """Whether a JSON value that stands at `at` is called by a word for an answer, the same.

        What says of itself that it is of another kind is another's answer.
        """
        again = self._named_again
        if again is None or text[max(0, at - 8) : at].rstrip()[-1:] != self.word[-1:]:
            return False  # as nearly always
        if not again.fullmatch(_last_word(text[max(0, at - 2 * _OF_A_WORD) : at])):
            return False
        parts = value if isinstance(value, list) else [value]
        return not parts or not all(isinstance(one, dict) and one.get("kind") for one in parts)

    def again_in(self, text: bytes) -> re.Match[bytes] | None:
        """Where a text, JSON that holds something aside, says that another answer or none came.

        Nothing alone in its line, behind the word, or behind any word for an answer; behind such
        a word, where it is the same, whatever else. What isn't told to be an answer (`errors=[]`,
        `emptyDir: {}`) may well be nothing.
        """
        between = rb"\s*+" if self.line_above else rb"[ \t]*+"
        same = rb"(?<!\S)" + self._pattern + between
        named = [rb"^[ \t]*+", _OF_AN_ANSWER + rb"[ \t]*+(?:[:=]|=>|->|is|was)?[ \t]*+"]
        found = b"|".join([*named, same] if self.word else named)
        found = rb"(?:" + found + rb")" + _NOTHING + rb"[ \t\r]*+$"
        if self.word.endswith((*_ENDS, b"-")):
            of_an_answer = re.search(rb"(?i)" + _OF_AN_ANSWER + rb"\W++\Z", self.word)
            others = rb"(?![{\[]\s*+[{\[\"])" if of_an_answer else rb"\r?$"
            found += rb"|" + same + others
        return re.search(found, text, re.IGNORECASE | re.MULTILINE)


def _last_word(text: bytes) -> bytes:
    """The last word of a text; with the one before it where it is a sign alone (` = `)."""
    words = text.rstrip().rpartition(b"\n")[2].split()
    few = words[-1:] if words and _LETTER.search(words[-1]) else words[-2:]
    return b" ".join(few)[-_OF_A_WORD:]


def is_an_answer(value: Any) -> bool:
    """Whether a JSON value looks like what some API answered with, and holds nothing of a task.

    An error, an empty list, an object of the API's form without content, in whatever lists. Behind
    a response it is a newer answer.
    """
    left = [value]
    while left:
        part = left.pop()
        if isinstance(part, list):
            left += part
        elif isinstance(part, dict) and _is_an_answer(part):
            return True
    return False


def _is_an_answer(value: dict[str, Any]) -> bool:
    if value.get("kind") not in (None, "", "List", "Error"):
        return False
    if "items" in value or value.get("kind") == "List":
        return not value.get("items")
    of_the_form = "apiVersion" in value or len(_OF_THE_FORM & value.keys()) > 1
    of_the_form = of_the_form or ("phase" in value and value.keys() <= _OF_A_PHASE)
    return of_the_form or tells_of_failure(value) or tells_of_nothing(value)


_OF_THE_FORM = frozenset({"metadata", "spec", "status"})
_OF_A_PHASE = frozenset({"phase", "uid", "name", "message"})


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
        marker = _part_in(plain)
        if part is before and marker is None:
            marker = _OBJECT.search(_OF_A_STEP.sub(b"", plain))
        if marker is not None:
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
        if _UP_TO_A_BODY.fullmatch(before, answer.end()):
            _check_length(headers, text[start:end], label)
    if (answer := _last_status(behind)) is not None and answer[1] not in ANSWERED:
        said = f"an answer that failed (HTTP {answer[1].decode('ascii', 'replace')})"
        raise _ambiguous(label, f"{said} also stands in the text around it")
    alone = (match[1] for match in _STATUS_ALONE.finditer(behind))
    if failed := next((status for status in alone if status not in ANSWERED), None):
        said = f"an answer that failed (HTTP {failed.decode()})"
        raise _ambiguous(label, f"{said} also stands in the text around it")
    if any(map(_CURL_GAVE_UP.search, (before, behind))):
        raise _ambiguous(label, "an answer that failed also stands in the text around it")
    asked = Asked.by_what_stands_before(before)
    without = _SETTING.sub(b"", behind)
    if word := _FAILED_LATER.search(without) or asked.again_in(without):
        said = " ".join(word[0].decode("utf-8", "replace").split())
        raise _ambiguous(
            label, f"{said!r} stands behind it, as where it was asked for again, and that failed"
        )
    if command := _asked_again(before, behind):
        said = " ".join(command.decode("utf-8", "replace").split())
        raise _ambiguous(
            label,
            f"{said[:_OF_A_WORD]!r} stands above it and again behind it, and no answer follows",
        )


def _asked_again(before: bytes, behind: bytes) -> bytes | None:
    """The command that brought a response on lines of its own, where it stands again behind it.

    Had it been answered, there were two responses.
    """
    if before.rpartition(b"\n")[2].strip():
        return None  # behind a word, which tells more
    found = deque(_COMMAND.finditer(before), maxlen=1)
    command = found[0][1].strip()[:_LINE] if found else b""
    if not command:
        return None
    again = rb"(?m)^[ \t]*+" + _WHEN + rb"[ \t]*+" + re.escape(command)
    ends = rb"[ \t\r]*+$" if len(command) < _LINE else b""
    return command if re.search(again + ends, behind) else None


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
    _check_length(last, body, label)


def _check_length(headers: bytes, body: bytes, label: str) -> None:
    """Refuse a body of another length than its headers say."""
    if mark := length_told_by(headers, body):
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
