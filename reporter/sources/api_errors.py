"""Errors of the API, its gateway, the SDKs and KooCLI, saved where a response should be.

The shapes are those that are published or were seen: `error_code`/`error_msg`, the same in other
spellings, a Kubernetes `Status`, `code`/`message`, each perhaps one object deeper; and what the
SDKs print of their exceptions.
"""

from __future__ import annotations

import json
import re
from typing import Any

from reporter.errors import InputError

_SHOWN = 200
_TOLD = 400
_LOOKED_AT = 64 * 1024
_PAIRS = (
    ("error_code", ("error_msg", "error_message")),
    ("errorCode", ("errorMessage", "errorMsg")),
)
_OF_A_TASK = ("metadata", "spec", "status", "items")

_PRINTED = (
    # Python: `ClientRequestException - {status_code:…`, alone or under a traceback.
    re.compile(
        rb"\{status_code:(?P<status>[^,\n]*),request_id:[^,\n]*,error_code:(?P<code>[^,\n]*),"
        rb"error_msg:(?P<text>[^\n]*?)(?:,encoded_authorization_message:[^\n]*)?\}"
    ),
    # Java: the exception's toString().
    re.compile(
        rb"(?:Exception|Error) \{\s*httpStatusCode: (?P<status>[^\r\n]*)"
        rb"\s*errorCode: (?P<code>[^\r\n]*)\s*errorMsg: (?P<text>[^\r\n]*)"
    ),
    # The API page's Python sample: status, request id, code and text, a line each.
    re.compile(
        rb"\A\s*(?P<status>[45]\d\d)[ \t]*\r?\n[^\s]*[ \t]*\r?\n"
        rb"(?P<code>[A-Za-z_]+[._][\w.]+|None)[ \t]*\r?\n(?P<text>[^\r\n]*)\s*\Z"
    ),
)
_EXCEPTION = re.compile(
    rb"\w{0,60}(?:Exception|Error)\b[^\n]{0,20}\{\s*(?:status_code|httpStatusCode)"
)
_LAST_COMMA = re.compile(rb",\s*\}\Z")  # one published body ends with one
_FLAT = re.compile(rb"\{[^{}]*\"error_?[cC]ode\"[^{}]*\}")


def told_by(value: Any) -> str | None:
    """Code and text of an error body, such as `CCE.01404001: not found`; None for another value."""
    if not isinstance(value, dict):
        return None
    for code_key, text_keys in _PAIRS:
        code = _text(value.get(code_key))
        text = next((t for key in text_keys if (t := _text(value.get(key)))), None)
        if code or (text and not any(key in value for key in _OF_A_TASK)):
            return f"{code or 'no code'}: {text or 'no text'}"
    message = _text(value.get("message"))
    if value.get("kind") == "Status" and message:
        return f"{_text(value.get('code')) or _text(value.get('reason')) or 'no code'}: {message}"
    if value.get("kind") or any(key in value for key in _OF_A_TASK):
        return None
    if (code := _text(value.get("code"))) and message:
        return f"{code}: {message}"
    inner = [part for part in value.values() if isinstance(part, dict)]
    return told_by(inner[0]) if len(inner) == 1 else None


def told_in(text: bytes) -> str | None:
    """The error that a text tells of: printed by an SDK, or a body between a log's lines."""
    text = text[:_LOOKED_AT]
    for printed in _PRINTED:
        if match := printed.search(text):
            status, code, said = (_line(match[part]) for part in ("status", "code", "text"))
            return f"HTTP {status}, {code}: {said}"
    if match := _EXCEPTION.search(text):  # of another version, which tells less or more
        return _line(text[match.start() : match.start() + _SHOWN])
    for match in _FLAT.finditer(text):
        try:
            told = told_by(json.loads(_LAST_COMMA.sub(b"}", match[0])))
        except ValueError:
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
