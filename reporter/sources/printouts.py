"""What an input is: plain JSON, or one of the ways in which SDKs and tools print a response.

One form is recognised by how the text starts, and read by that form's own rules. Where a text can
be read in more than one way, or holds more than the one response that was found, it is refused:
a message inside a response must never be able to pass for a part of it.

How each tool prints was taken from its source code or seen when it ran; `tests/data/printouts`
holds what the Go and Java SDKs really printed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import jiter

from reporter.errors import InputError
from reporter.sources import java, snake_case
from reporter.sources.text import SAVE_RAW

MAX_VALUES = 8_000_000
MAX_CONTAINERS = 1_500_000
"""The most objects and lists a response may hold: a cluster of 10,000 nodes has about 900,000."""


class UnrecognisedError(InputError):
    """Nothing about the input says that it was ever meant to be a response."""


class OtherDocumentError(UnrecognisedError):
    """A whole JSON document, and of another kind."""


@dataclass(frozen=True)
class Document:
    """One JSON document found in an input."""

    body: bytes
    """The document as JSON in UTF-8, with the API's own names."""

    form: str
    """What was recognised; the forms are told in `docs/inputs.md`."""

    value: Any
    """The document, parsed: a list or list response whole, of anything else what stands at the
    top, with the names inside it. A large response would otherwise be held twice."""

    start: int | None = 0
    """Where `body` stands in the text, in bytes; None where it was put together."""

    line: int = 1
    """The line of the text on which it starts."""

    original: bytes | None = None
    """The JSON as it stands in the text, where `body` has other names."""


def documents(text: bytes, label: str) -> Iterator[Document | InputError]:
    """The JSON documents a text holds: one, or one a line in JSON Lines.

    What is wrong with the whole is raised; what is wrong with one line of many is yielded.
    """
    start = text.lstrip(_BLANKS)
    first = start[:1]
    if first in (b"{", b"["):
        yield from _json_text(text, label)
    elif start.startswith(b"HTTP/"):
        yield _http_capture(text, label)
    elif match := _CLASS.match(start):
        yield _class_printout(text, match, label)
    elif match := _GO.match(start):
        yield _go_printout(text, match, label)
    else:
        yield _in_a_log(text, label)


_BLANKS = b" \t\r\n"


# JSON -----------------------------------------------------------------------------------------


def _json_text(text: bytes, label: str) -> Iterator[Document | InputError]:
    if match := re.match(rb"\s*\[[A-Z]+_ERROR\]", text):
        raise _api_error(label, text[match.start() : match.end() + 200].decode("utf-8", "replace"))
    _check_containers(text, label)
    try:
        value = _parse(text)
    except ValueError as error:
        problem = str(error)
        if "trailing characters" in problem and _starts_with_a_line_of_json(text):
            yield from _json_lines(text, label)
            return
        raise _not_json(text, label, problem) from None
    yield _document(text, value, "json", label)


def _parse(body: bytes) -> Any:
    """Parse strictly: duplicate keys, NaN, infinities and depth are refused."""
    return jiter.from_json(body, catch_duplicate_keys=True, allow_inf_nan=False, cache_mode="keys")


def _check_containers(body: bytes, label: str) -> None:
    if len(body) < MAX_CONTAINERS:
        return  # each takes a byte
    containers = body.count(b"{") + body.count(b"[")
    if containers > MAX_CONTAINERS:
        raise InputError(
            f"{label}: {containers:,} objects and lists are more than the limit of "
            f"{MAX_CONTAINERS:,}",
            hint="a pre-upgrade check of 1,000 nodes has about 90,000; is this the right file?",
        )
    values = body.count(b",")
    if values > MAX_VALUES:
        raise InputError(
            f"{label}: {values:,} values are more than the limit of {MAX_VALUES:,}",
            hint="a pre-upgrade check of 1,000 nodes has about 400,000; is this the right file?",
        )


def _document(
    body: bytes, value: Any, form: str, label: str, *, start: int = 0, line: int = 1
) -> Document:
    if snake_case.is_snake_case(value):
        turned = snake_case.api_names(value, label)
        form = "json-snake-case" if form == "json" else f"{form}-snake-case"
        return Document(json.dumps(turned).encode(), form, _outline(turned), start, line, body)
    return Document(body, form, _outline(value), start, line)


def _outline(value: Any) -> Any:
    if not isinstance(value, dict) or value.get("kind") == "List":
        return value
    return {key: dict.fromkeys(v) if isinstance(v, dict) else v for key, v in value.items()}


def _starts_with_a_line_of_json(text: bytes) -> bool:
    line, _, rest = text.lstrip(_BLANKS).partition(b"\n")
    if not rest.strip():
        return False
    try:
        _parse(line)
    except ValueError:
        return False
    return rest.lstrip(_BLANKS)[:1] in (b"{", b"[")


def _json_lines(text: bytes, label: str) -> Iterator[Document | InputError]:
    offset = 0
    for number, line in enumerate(text.split(b"\n"), 1):
        if line.strip():
            where = f"{label}:{number}"
            try:
                yield _document(line, _parse(line), "json-lines", where, start=offset, line=number)
            except ValueError as error:
                yield _not_json(line, label, str(error), line=number)
            except InputError as error:
                yield error
        offset += len(line) + 1


def _not_json(body: bytes, label: str, problem: str, *, line: int = 1) -> InputError:
    start = body[:4096].lstrip()
    if b"\x00" in start or _undecodable(body):
        return UnrecognisedError(f"{label}: looks like binary data, not JSON text", hint=SAVE_RAW)
    place = re.search(r" at line (\d+) column (\d+)$", problem)
    at_line, column = (int(place[1]), int(place[2])) if place else (1, 1)
    what = problem[: place.start()] if place else problem
    where = f"{label}:{line + at_line - 1}:{column}"
    if what.startswith("Detected duplicate key"):
        key = what.removeprefix("Detected duplicate key ")
        return InputError(
            f"{where}: key {key} appears twice in one object; which one counts is anybody's guess",
            hint=SAVE_RAW,
        )
    if re.match(rb"\{\s*(?:'|None\b)", start):
        return InputError(
            f"{label}: looks like a Python dict as print shows it, not JSON",
            hint="print json.dumps(response.to_dict()), or " + SAVE_RAW,
        )
    if re.match(rb"\{\s*[A-Za-z_]\w*:\s", start):
        return InputError(
            f"{label}: looks like what JavaScript's console.log shows, which leaves inner parts "
            "out, not JSON",
            hint="print JSON.stringify(response), or " + SAVE_RAW,
        )
    if "EOF while parsing" in what:
        return InputError(f"{where}: the JSON breaks off: the file was cut", hint=SAVE_RAW)
    if "recursion limit" in what:
        return InputError(
            f"{where}: nested too deeply for a pre-upgrade check response", hint=SAVE_RAW
        )
    if "hex escape" in what or "surrogate" in what:
        return InputError(f"{where}: half a character (a lone surrogate) in a text", hint=SAVE_RAW)
    lines = body.split(b"\n")
    text = lines[at_line - 1] if at_line <= len(lines) else b""
    if re.search(rb"NaN|Infinity", text[max(0, column - 10) : column + 10]):
        return InputError(f"{where}: NaN and Infinity are not JSON", hint=SAVE_RAW)
    if "trailing characters" in what:
        more = text[column - 1 :].lstrip()[:1] in (b"{", b"[")
        said = "one JSON document follows another" if more else "something follows behind the JSON"
        return InputError(
            f"{where}: {said} (trailing characters)",
            hint="keep one response, or write one a line (JSON Lines)" if more else SAVE_RAW,
        )
    return InputError(f"{where}: not JSON: {what}", hint=SAVE_RAW)


def _undecodable(body: bytes) -> bool:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return True
    return False


def _api_error(label: str, text: str) -> InputError:
    words = " ".join(text.split())
    return InputError(
        f"{label}: is an error the API answered with ({words[:300]}), "
        "not a pre-upgrade check response",
        hint="mend what it names and ask again",
    )


# An HTTP capture ------------------------------------------------------------------------------

_STATUS_LINE = re.compile(rb"HTTP/\d(?:\.\d)? (\d{3})[^\r\n]*\r?\n")
_HEADER = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\r\n]*\r?\n")


def _http_capture(text: bytes, label: str) -> Document:
    """`curl -i`: status line and headers, perhaps of redirects and proxies first, then the body."""
    at = len(text) - len(text.lstrip(_BLANKS))
    status = b""
    while match := _STATUS_LINE.match(text, at):
        status, at = match[1], match.end()
        while header := _HEADER.match(text, at):
            at = header.end()
        blank = re.compile(rb"\r?\n").match(text, at)
        if blank is None:
            raise InputError(
                f"{label}: starts as an HTTP capture, and has no empty line behind its headers",
                hint="save it with curl -i, or without -i the body alone",
            )
        at = blank.end()
    body = text[at:]
    if not status.startswith(b"2"):
        first = status.decode() or "no status"
        said = body[:200].decode("utf-8", "replace").strip()
        raise _api_error(label, f"HTTP {first}: {said}" if said else f"HTTP {first}")
    if not body.strip():
        raise InputError(f"{label}: an HTTP capture without a body", hint=SAVE_RAW)
    if body.startswith(b"\x1f\x8b"):
        raise InputError(
            f"{label}: an HTTP capture whose body is still packed", hint="use curl --compressed"
        )
    return _embedded(text, at, len(text), "http", label)


def _embedded(text: bytes, start: int, end: int, form: str, label: str) -> Document:
    """The JSON in a part of the text, parsed as strictly as if it stood alone."""
    body = text[start:end]
    line = text.count(b"\n", 0, start) + 1
    _check_containers(body, label)
    if (first := body.lstrip(_BLANKS)[:1]) not in (b"{", b"["):
        what = "an HTML or XML page" if first == b"<" else "no JSON"
        raise UnrecognisedError(
            f"{label}:{line}: {what} where the response should be", hint=SAVE_RAW
        )
    try:
        value = _parse(body)
    except ValueError as error:
        raise _not_json(body, label, str(error), line=line) from None
    return _document(body, value, form, label, start=start, line=line)


# Go -------------------------------------------------------------------------------------------

_RESPONSES = (
    "ShowAutopilotPreCheckResponse",
    "ShowPreCheckResponse",
    "ListAutopilotPreCheckTasksResponse",
    "ListPreCheckTasksResponse",
    "CreateAutopilotPreCheckResponse",
    "CreatePreCheckResponse",
    "PrecheckClusterTask",
)
"""How the SDKs name what holds a whole response; the last is one task of a list."""

_PARTS = (
    "PrecheckTaskMetadata",
    "PrecheckCluserResponseMetadata",
    "PrecheckSpec",
    "PrecheckStatus",
    "ClusterCheckStatus",
    "AddonCheckStatus",
    "NodeCheckStatus",
    "NodeStageStatus",
    "PreCheckItemStatus",
)
"""What holds a part of one."""

_GO = re.compile(
    rb"&?(?:model\.)?(" + "|".join((*_RESPONSES, *_PARTS)).encode() + rb") (?=\{|struct\{\})"
)


def _go_printout(text: bytes, match: re.Match[bytes], label: str) -> Document:
    """Go's `%+v`: the type's name and compact JSON."""
    name = match[1].decode()
    at = len(text) - len(text.lstrip(_BLANKS)) + match.end()
    if text.startswith(b"struct{}", at):
        raise InputError(
            f"{label}: is what Go prints for a {name} it could not turn into JSON", hint=SAVE_RAW
        )
    if name not in _RESPONSES:
        raise InputError(
            f"{label}: is a {name} alone, not the whole response",
            hint="print the whole response: " + ", ".join(_RESPONSES[:2]),
        )
    return _embedded(text, at, len(text), "go", label)


# Java and .NET --------------------------------------------------------------------------------

_CLASS = re.compile(rb"class ([A-Za-z_]\w*) \{(?=\r?\n)")


def _class_printout(text: bytes, match: re.Match[bytes], label: str) -> Document:
    name = match[1].decode()
    if b"System.Collections.Generic." in text or re.match(
        rb"class \w+ \{\r?\n  \S", text.lstrip(_BLANKS)
    ):
        raise InputError(
            f"{label}: is the .NET SDK's printout, which leaves out what lists contain",
            hint=SAVE_RAW + " instead",
        )
    if name.endswith(("Exception", "Error")):
        raise _api_error(label, text[:300].decode("utf-8", "replace"))
    if name not in _RESPONSES:
        raise InputError(
            f"{label}: is a {name} alone as the Java SDK prints it, not the whole response",
            hint="print the whole response: " + ", ".join(_RESPONSES[:2]),
        )
    value = java.parse(text, name, label)
    # NUL and the like are printed as they are; JSON writes them escaped.
    return Document(value, "java", _outline(_parse(value)), start=None)


# A log or a terminal --------------------------------------------------------------------------

_OPENER = re.compile(rb"[{\[][ \t\r\n]*[{\[\"\]}]")
_MARKERS = re.compile(
    rb"PreCheckTask|[Cc]luster_?[Cc]heck_?[Ss]tatus|[Aa]ddon_?[Cc]heck_?[Ss]tatus"
    rb"|[Nn]ode_?[Cc]heck_?[Ss]tatus|[Ii]tems_?[Ss]tatus"
)
_DECODER = json.JSONDecoder()
# As a key, a value, a field or a class of a response, also inside a text; not a word in prose.
_SPEAKS = re.compile(
    rb"(?:kind[\"'\\]*\s*[:=]\s*[\"'\\]*PreCheckTask|(?:" + _MARKERS.pattern + rb")[\"'\\]*\s*[:=]"
    rb"|class (?:" + "|".join(_RESPONSES + _PARTS).encode() + rb") \{)"
)
_ESCAPED = re.compile(rb"\\u00([2-7][0-9a-fA-F])")


def speaks_of_a_response(data: bytes) -> bool:
    """Whether bytes that are not read as a response hold something of one, in any encoding."""
    plain = data.replace(b"\x00", b"")
    if b"\\u00" in plain:
        plain = _ESCAPED.sub(lambda match: bytes([int(match[1], 16)]), plain)
    return _SPEAKS.search(plain) is not None


def _in_a_log(text: bytes, label: str) -> Document:
    """A response behind a log line's prefix, with other lines around it that are none."""
    _refuse_known_texts(text, label)
    try:
        decoded = text.decode()
    except UnicodeDecodeError:
        raise UnrecognisedError(
            f"{label}: looks like binary data, not JSON text", hint=SAVE_RAW
        ) from None
    if "\x00" in decoded[:4096]:
        raise UnrecognisedError(f"{label}: looks like binary data, not JSON text", hint=SAVE_RAW)
    found = _response_spans(text, label)
    printed = list(_java_spans(text, label))
    spans = sorted(found + printed)
    if not spans:
        shown = text.lstrip()[:40].decode("utf-8", "replace")
        if _MARKERS.search(text):
            raise UnrecognisedError(
                f"{label}: starts with text, not JSON: {shown!r}, and no whole response follows",
                hint="take the response out of the log and save it alone",
            )
        raise UnrecognisedError(f"{label}: starts with text, not JSON: {shown!r}", hint=SAVE_RAW)
    if len(spans) > 1:
        lines = ", ".join(str(text.count(b"\n", 0, start) + 1) for start, _ in spans[:5])
        raise InputError(
            f"{label}: holds {len(spans)} responses between other text (lines {lines}): "
            "which one counts is anybody's guess",
            hint="save the one that counts alone",
        )
    start, end = spans[0]
    for part in (text[:start], text[end:]):
        if marker := _MARKERS.search(part):
            raise InputError(
                f"{label}: ambiguous: {marker[0].decode()!r} also stands in the text around the "
                "response",
                hint="save the response alone",
            )
    if printed:
        inner = text[start:end]
        return _class_printout(inner, cast("re.Match[bytes]", _CLASS.match(inner)), label)
    return _embedded(text, start, end, "log", label)


_PRINTED = re.compile(rb"class (?:" + "|".join(_RESPONSES).encode() + rb") \{\r?\n")
_PRINTED_END = re.compile(rb"\n\}")


def _java_spans(text: bytes, label: str) -> Iterator[tuple[int, int]]:
    """Where the Java SDK's printouts stand: the first `}` without depth is their end."""
    at = 0
    while match := _PRINTED.search(text, at):
        end = _PRINTED_END.search(text, match.end())
        if end is None:
            raise InputError(
                f"{label}: the Java SDK's printout breaks off: the text was cut", hint=SAVE_RAW
            )
        if _PRINTED.search(text, match.end(), end.start()):
            raise InputError(
                f"{label}: one printout of the Java SDK begins inside another", hint=SAVE_RAW
            )
        yield match.start(), end.end()
        at = end.end()


class _Flat(str):
    """A text whose lines nobody counts: an error of the decoder would, from the start each time."""

    def count(self, *_: object) -> int:
        return 0

    def rfind(self, *_: object) -> int:
        return -1


def _response_spans(text: bytes, label: str) -> list[tuple[int, int]]:
    """Where whole responses stand in a text, in bytes.

    The text is read as Latin-1, one character a byte: JSON's own signs are ASCII, so what is
    found is found at the same place. Each `{` that can open JSON is tried where the last try
    ended; the work is bounded by a multiple of the text's length.
    """
    flat = _Flat(text.decode("latin-1"))
    spans: list[tuple[int, int]] = []
    broken_until = 0
    work = 8 * len(text) + 1_000_000
    at = 0
    while opener := _OPENER.search(text, at):
        start = opener.start()
        try:
            value, end = _DECODER.raw_decode(flat, start)
        except (ValueError, RecursionError) as error:
            reached = error.pos if isinstance(error, json.JSONDecodeError) else len(text)
            broken_until = max(broken_until, reached)
            work -= reached - start + 1
            if work < 0:
                raise InputError(
                    f"{label}: too much broken JSON in the text to find a response in",
                    hint="save the response alone",
                ) from None
            at = start + 1
            continue
        if _is_response(value):
            if start < broken_until:
                raise InputError(
                    f"{label}:{text.count(bytes([10]), 0, start) + 1}: the response stands inside "
                    "other JSON that is broken or was cut",
                    hint=SAVE_RAW,
                )
            spans.append((start, end))
        at = end
    return spans


def _is_response(value: Any) -> bool:
    if isinstance(value, list):
        return bool(value) and all(_is_response(part) for part in value)
    if not isinstance(value, dict):
        return False
    if value.get("kind") == "PreCheckTask":
        return True
    if value.get("kind") == "List" and isinstance(value.get("items"), list):
        return any(_is_response(part) for part in value["items"])
    status = value.get("status")
    return isinstance(status, dict) and any(_MARKERS.match(key.encode()) for key in status)


def _refuse_known_texts(text: bytes, label: str) -> None:
    """Texts that are known for what they are, and hold no response."""
    start = text[:4096].lstrip()
    lowered = start[:512].lower()
    if lowered.startswith((b"<!doctype html", b"<html")) or b"<html" in lowered:
        raise UnrecognisedError(
            f"{label}: looks like an HTML page (a proxy's or login page?), not JSON", hint=SAVE_RAW
        )
    if start.strip() in (b"<nil>", b"None", b"undefined", b"null"):
        raise InputError(
            f"{label}: holds {start.strip().decode()}: what a program prints when it got no "
            "response",
            hint="did the call before it fail?",
        )
    if start.startswith(b"<"):
        raise UnrecognisedError(f"{label}: looks like XML, not JSON", hint=SAVE_RAW)
    if re.match(rb"\w*(?:Exception|Error)\b[^\n]{0,20}\{status_code:", start) or re.match(
        rb"[45]\d\d\s*\n\S*\s*\n(?:[A-Z]+[._]\S+)\s*\n", start
    ):
        raise _api_error(label, start[:300].decode("utf-8", "replace"))
    if re.match(rb"(?:---\s*\n)?(?:apiVersion|kind|metadata|api_version): ", start):
        raise InputError(f"{label}: looks like YAML, not JSON", hint=SAVE_RAW)
    kind = {b'"': "a text", b"-": None, b"t": None, b"f": None}.get(start[:1])
    try:
        value = _parse(text)
    except ValueError:
        return
    kind = kind or json_kind(value)
    raise UnrecognisedError(
        f"{label}: holds {kind}, not a pre-upgrade check response", hint=SAVE_RAW
    )


def json_kind(value: Any) -> str:
    """A JSON value's type, as a person says it."""
    if isinstance(value, list):
        return "a list of something else" if value else "an empty list"
    names = {str: "a text", bool: "true or false", int: "a number", float: "a number"}
    return names.get(type(value), "null")
