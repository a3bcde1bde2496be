"""Errors of the API, its gateway, the SDKs and KooCLI, saved where a response should be.

The shapes are those that are published or were seen: `error_code`/`error_msg`, the same in other
spellings, a Kubernetes `Status`, `code`/`message`, each perhaps one object deeper; and what the
SDKs print of their exceptions.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import Any

from reporter.errors import InputError

_SHOWN = 200
_TOLD = 400
_SHORT = 64 * 1024
_PAIRS = (
    ("error_code", ("error_msg", "error_message")),
    ("errorCode", ("errorMessage", "errorMsg")),
)
KOOCLI_ERROR = re.compile(rb"\[[A-Z]+_ERROR\][^\r\n]*")
_OF_A_TASK = ("metadata", "spec", "status", "items")

_PRINTED = (
    # Python: `ClientRequestException - {status_code:…`, alone or under a traceback.
    re.compile(
        rb"\{status_code:(?P<status>[^,\n]{0,200}),request_id:[^,\n]{0,200}"
        rb",error_code:(?P<code>[^,\n]{0,200}),error_msg:(?P<text>[^\n]{0,400}?)"
        rb"(?:,encoded_authorization_message:[^\n]{0,400})?\}"
    ),
    # Java: the exception's toString().
    re.compile(
        rb"(?:Exception|Error) \{\s{0,100}+httpStatusCode: (?P<status>[^\r\n]{0,200}+)"
        rb"\s{1,100}+errorCode: (?P<code>[^\r\n]{0,200}+)"
        rb"\s{1,100}+errorMsg: (?P<text>[^\r\n]{0,400}+)"
    ),
    # The API page's Python sample: status, request id, code and text, a line each.
    re.compile(
        rb"\A\s*+(?P<status>[45]\d\d)[ \t]*+\r?\n[^\s]*+[ \t]*+\r?\n"
        rb"(?P<code>[A-Za-z_]{1,60}(?<=[A-Za-z])[._][\w.]++|None)[ \t]*+\r?\n"
        rb"(?P<text>[^\r\n]*+)\s*+\Z"
    ),
)
"""What is long is looked through in one go: nothing in them runs on without a bound."""

_EXCEPTION = re.compile(
    rb"(?:Exception|Error)\b[^\n]{0,20}\{\s{0,100}+(?:status_code|httpStatusCode)"
)
_NAME = re.compile(rb"\w*\Z")
_LAST_COMMA = re.compile(rb",\s*\}\Z")  # one published body ends with one
_FLAT = re.compile(rb"\{[^{}]*\}")
_CODE = re.compile(rb"\"error_?[cC]ode\"")
_WELL = ("ok", "success", "succeeded", "none")


def told_by(value: Any) -> str | None:
    """Code and text of an error body, such as `CCE.01404001: not found`; None for another value."""
    while isinstance(value, dict):
        if (told := _code_and_text(value)) is not None:
            return f"{told[0] or 'no code'}: {told[1] or 'no text'}"
        if value.get("kind") or any(key in value for key in _OF_A_TASK):
            return None
        inner = [part for part in value.values() if isinstance(part, dict)]
        value = inner[0] if len(inner) == 1 else None
    return None


def _code_and_text(value: dict[str, Any]) -> tuple[str | None, str | None] | None:
    """What an object says if it is an error body itself."""
    for code_key, text_keys in _PAIRS:
        code = _text(value.get(code_key))
        text = next((t for key in text_keys if (t := _text(value.get(key)))), None)
        if code or (text and not any(key in value for key in _OF_A_TASK)):
            return code, text
    message = _text(value.get("message"))
    if value.get("kind") == "Status" and (message or value.get("status") == "Failure"):
        return _text(value.get("code")) or _text(value.get("reason")), message
    if value.get("kind") or any(key in value for key in _OF_A_TASK):
        return None
    code = _text(value.get("code"))
    return (code, message) if code and message else None


def holds_an_error(value: Any) -> bool:
    """Whether an error body with a code stands anywhere in a JSON value, in its texts too.

    One that tells of success (`"code": 200`, as logs have it) is none.
    """
    left = [value]
    while left:
        part = left.pop()
        if isinstance(part, dict):
            if (told := _code_and_text(part)) and told[0] and not _went_well(told[0], part):
                return True
            left += part.values()
        elif isinstance(part, list):
            left += part
        elif isinstance(part, str) and part.lstrip()[:1] in ("{", "["):
            with suppress(ValueError, RecursionError):
                left.append(json.loads(part))
    return False


_OF_A_FAILURE = frozenset(
    {"error", "errors", "errorcode", "errormsg", "errormessage", "errordescription", "exception"}
    | {"err", "errcode", "errmsg", "fault"}
)
_HTTP_STATUSES = frozenset({"statuscode", "httpstatus", "httpstatuscode", "httpcode"})
_STATUSES = _HTTP_STATUSES | {"status", "code"}
_SAYING = frozenset({"message", "msg", "detail", "title", "reason"})
_BESIDE_IT = _SAYING | {"type", "requestid", "traceid", "timestamp", "path", "instance"}


def tells_of_failure(value: Any) -> bool:
    """Whether an object looks like an answer that failed, as gateways and frameworks write it.

    With a field for an error or a status of 400 or more, perhaps one object deeper, without
    success, or with a message and nothing else but perhaps a code that is none of success. An
    object with a `kind` says by that what it is.
    """
    if not isinstance(value, dict):
        return False
    if value.get("kind"):
        return bool(value["kind"] == "Error")
    inner = [part for part in value.values() if isinstance(part, dict)]
    named = _named(value)
    if _names_an_error(named) or (len(inner) == 1 and _names_an_error(_named(inner[0]))):
        return True
    if named.get("success") is False:
        return True
    code = _text(named.get("code"))
    alone = named.keys() <= _BESIDE_IT | {"code"} and not _SAYING.isdisjoint(named)
    return alone and (code is None or not _went_well(code, value))


_CONTENT = frozenset({"data", "body", "result", "response"})


def tells_of_nothing(value: dict[str, Any]) -> bool:
    """Whether an object looks like an answer without content: `{"code":0,"data":null}`.

    With a field for the content that is empty, or a status of HTTP, and nothing of its own.
    """
    named = _named(value)
    about = _STATUSES | _BESIDE_IT | {"success"}
    return not named.keys().isdisjoint(_HTTP_STATUSES | _CONTENT) and not any(
        part and key not in about for key, part in named.items()
    )


def _names_an_error(named: dict[str, Any]) -> bool:
    said = (named[key] for key in _OF_A_FAILURE & named.keys())
    if any(part and (_text(part) or "told").lower() not in (*_WELL, "0") for part in said):
        return True
    statuses = (_text(named[key]) or "" for key in _STATUSES & named.keys())
    return any(len(status) == 3 and status[0] in "45" and status.isdecimal() for status in statuses)


def _named(value: dict[str, Any]) -> dict[str, Any]:
    """What stands under a key in any of its spellings."""
    return {key.lower().replace("_", "").replace("-", ""): part for key, part in value.items()}


def _went_well(code: str, told: dict[str, Any]) -> bool:
    if code.isascii() and code.isdigit():
        return len(code.lstrip("0")) < 4 and int(code) < 400
    return code.lower() in _WELL or told.get("status") == "Success"


def told_in(text: bytes) -> str | None:
    """The error that a text tells of: printed by an SDK, or a body between a log's lines."""
    python, java = b"status_code" in text, b"httpStatusCode" in text
    for printed, may_be in zip(_PRINTED, (python, java, len(text) < _SHORT), strict=True):
        if may_be and (match := printed.search(text)):
            status, code, said = (_line(match[part]) for part in ("status", "code", "text"))
            return f"HTTP {status}, {code}: {said}"
    if (python or java) and (
        match := _EXCEPTION.search(text)
    ):  # of another version, which tells less or more
        name = _NAME.search(text, max(0, match.start() - 60), match.start())
        start = name.start() if name else match.start()
        return _line(text[start : start + _SHOWN])
    for match in _FLAT.finditer(text) if _CODE.search(text) else ():
        if not _CODE.search(match[0]):
            continue
        try:
            told = told_by(json.loads(_LAST_COMMA.sub(b"}", match[0])))
        except (ValueError, RecursionError):  # lists in lists are flat here
            continue
        if told is not None:
            return told
    return None


def told_over_http(status: str, body: bytes) -> str:
    """A status that is no success, with what its body says."""
    try:
        told = told_by(json.loads(body))
    except (ValueError, RecursionError):
        told = None
    if told is not None:
        return f"HTTP {status}, {told}"
    if body.lstrip()[:1] == b"<":
        return f"HTTP {status}, an HTML or XML page"
    said = _line(body[:_SHOWN])
    return f"HTTP {status}: {said}" if said else f"HTTP {status}"


def api_error(label: str, told: str) -> InputError:
    """An error that the API answered with."""
    told = " ".join(told.split())
    told = told if len(told) <= _TOLD else told[:_TOLD] + "…"
    return InputError(
        f"{label}: is an error the API answered with ({told}), not a pre-upgrade check response",
        hint="mend what it names and ask again",
    )


def koocli_error(label: str, line: bytes) -> InputError:
    """An error that KooCLI printed of itself, such as `[USE_ERROR]…`."""
    return InputError(
        f"{label}: is an error that KooCLI printed ({_line(line[:_SHOWN])}), "
        "not a pre-upgrade check response",
        hint="mend what it names and run it again",
    )


def _text(value: Any) -> str | None:
    is_text = isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool))
    return str(value) if is_text and value != "" else None


def _line(text: bytes) -> str:
    return " ".join(text.decode("utf-8", "replace").split())
