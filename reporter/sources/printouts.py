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
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, cast

from reporter.errors import InputError
from reporter.sources import java, other_texts, snake_case
from reporter.sources.api_errors import api_error, koocli_error, told_in
from reporter.sources.streams import MIB
from reporter.sources.strict_json import parse
from reporter.sources.text import SAVE_RAW, UnrecognisedError
from reporter.sources.traces import (
    ANSWERED,
    MARKERS,
    PARTS,
    REQUESTS,
    RESPONSES,
    check_around,
    check_headers,
    doubt_about,
    no_success,
)

MAX_DEPTH = 200
"""Objects and lists inside each other: jiter's own bound, as a test sees. A response has 10."""

MAX_VALUES = 8_000_000
MAX_CONTAINERS = 1_500_000
"""The most objects and lists a response may hold: a cluster of 10,000 nodes has about 900,000."""


@dataclass(frozen=True)
class Document:
    """One JSON document found in an input."""

    value: Any
    """The document, parsed, with the API's own names."""

    form: str
    """What was recognised; the forms are told in `docs/inputs.md`."""

    span: tuple[int, int] | None
    """Where its JSON stands in the text, in bytes; None where there is no JSON."""

    line: int = 1
    """The line of the text on which it starts."""

    renamed: bool = False
    """Whether the names in the text are others: snake_case."""

    def outlined(self) -> Document:
        """Of the status the names alone, once its tasks are built: it would be held twice."""
        value = self.value
        if isinstance(value, dict) and isinstance(status := value.get("status"), dict):
            value = {**value, "status": dict.fromkeys(status)}
        elif isinstance(value, dict) and isinstance(value.get("items"), list | dict):
            value = {**value, "items": None}
        elif isinstance(value, list):
            value = []
        return replace(self, value=value)


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
    elif (match := _CLASS.match(start)) and (wrong := _no_java_response(start, match, label)):
        raise wrong
    elif match := _GO.match(start):
        yield _go_printout(text, match, label)
    else:
        yield _in_a_log(text, label)


_BLANKS = b" \t\r\n"
_SHORT = 4096


# JSON -----------------------------------------------------------------------------------------


_KOOCLI_ERROR = re.compile(rb"\s*(\[[A-Z]+_ERROR\][^\r\n]*)")
_LOG_TAG = re.compile(rb"\s*\[[^\[\]{}\"\n]{1,200}\](?=[ \t:({\[#$-])")


def _json_text(text: bytes, label: str) -> Iterator[Document | InputError]:
    if match := _KOOCLI_ERROR.match(text):
        raise koocli_error(label, match[1])
    if _LOG_TAG.match(text):
        yield _in_a_log(text, label)
        return
    _check_containers(text, label)
    try:
        parsed = [parse(text)]
    except ValueError as error:
        if _starts_with_a_line_of_json(text):
            yield from _json_lines(text, label)
            return
        raise _not_json(text, label, str(error)) from None
    # Out of hand: while the next document is waited for, nothing here holds this one.
    yield _document(text, parsed.pop(), "json", label)


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
    span = (start, start + len(body))
    if snake_case.is_snake_case(value):
        turned = snake_case.api_names(value, label)
        form = "json-snake-case" if form == "json" else f"{form}-snake-case"
        return Document(turned, form, span, line, renamed=True)
    return Document(value, form, span, line)


def _starts_with_a_line_of_json(text: bytes) -> bool:
    line, _, rest = text.lstrip(_BLANKS).partition(b"\n")
    if not rest.strip():
        return False
    try:
        parse(line)
    except ValueError:
        return False
    return rest.lstrip(_BLANKS)[:1] in (b"{", b"[")


def _json_lines(text: bytes, label: str) -> Iterator[Document | InputError]:
    offset = 0
    for number, line in enumerate(text.split(b"\n"), 1):
        if line.strip():
            where = f"{label}:{number}"
            try:
                yield _document(line, parse(line), "json-lines", where, start=offset, line=number)
            except ValueError as error:
                yield _not_json(line, label, str(error), line=number)
            except InputError as error:
                yield error
        offset += len(line) + 1


def _not_json(body: bytes, label: str, problem: str, *, line: int = 1) -> InputError:
    start = body[:4096].lstrip()
    if wrong := _no_text(body, label):
        return wrong
    place = re.search(r" at line (\d+) column (\d+)$", problem)
    at_line, column = (int(place[1]), int(place[2])) if place else (1, 1)
    what = problem[: place.start()] if place else problem
    where = f"{label}:{line + at_line - 1}:{max(1, column)}"
    if what.startswith("Detected duplicate key"):
        key = what.removeprefix("Detected duplicate key ")
        return InputError(
            f"{where}: key {key} appears twice in one object; which one counts is anybody's guess",
            hint=SAVE_RAW,
        )
    if wrong := other_texts.lookalike(start, label):
        return wrong
    if what == "trailing comma" and len(body) < _SHORT and (told := told_in(body)):
        return api_error(label, told)
    if "EOF while parsing" in what:
        return InputError(f"{where}: the JSON breaks off: the file was cut", hint=SAVE_RAW)
    if "recursion limit" in what:
        return InputError(
            f"{where}: nested too deeply for a pre-upgrade check response (more than {MAX_DEPTH} "
            "levels)",
            hint=SAVE_RAW,
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


def _no_text(body: bytes, label: str) -> InputError | None:
    """What bytes are that are no UTF-8 text."""
    if b"\x00" in body[:4096]:
        return UnrecognisedError(f"{label}: looks like binary data, not JSON text", hint=SAVE_RAW)
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        if any(byte < 9 for byte in body[:4096]):
            said = "looks like binary data, not JSON text"
        else:
            said = f"is no UTF-8 text (byte 0x{body[error.start]:02X} on line {line})"
        return UnrecognisedError(
            f"{label}: {said}",
            hint=f"was it saved as GBK or Latin-1? save it as UTF-8; else {SAVE_RAW}",
        )
    return None


# An HTTP capture ------------------------------------------------------------------------------

_STATUS_LINE = re.compile(rb"HTTP/\d(?:\.\d)? (\d[!-~]*)[^\r\n]*\r?\n")
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
    if status not in ANSWERED:
        raise no_success(label, status, body)
    if not body.strip():
        raise InputError(f"{label}: an HTTP capture without a body", hint=SAVE_RAW)
    if body.startswith(b"\x1f\x8b"):
        raise InputError(
            f"{label}: an HTTP capture whose body is still packed", hint="use curl --compressed"
        )
    if _CHUNK.match(body):
        raise InputError(
            f"{label}: an HTTP capture whose body is still in chunks", hint="use curl without --raw"
        )
    headers = text[:at]
    at += 3 if body.startswith(b"\xef\xbb\xbf") else 0
    document = _embedded(text, at, len(text), "http", label)
    check_headers(headers, _tasks_in(document.value), label)
    return document


def _tasks_in(value: Any) -> int:
    """How many a list has, or an array."""
    items = value["items"] if isinstance(value, dict) and is_list(value) else value
    return len(items) if isinstance(items, list) else 1


_CHUNK = re.compile(rb"[0-9a-fA-F]+(?:;[^\r\n]*)?\r?\n")


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
        value = parse(body)
    except ValueError as error:
        raise _not_json(body, label, str(error), line=line) from None
    return _document(body, value, form, label, start=start, line=line)


# Go -------------------------------------------------------------------------------------------

_GO = re.compile(
    rb"&?(?:model\.)?("
    + "|".join((*RESPONSES, *PARTS, REQUESTS.pattern)).encode()
    + rb") (?=\{\"|\{\}|struct\{\})"
)


def _go_printout(text: bytes, match: re.Match[bytes], label: str) -> Document:
    """Go's `%+v`: the type's name and compact JSON."""
    name = match[1].decode()
    at = len(text) - len(text.lstrip(_BLANKS)) + match.end()
    if text.startswith(b"struct{}", at):
        raise InputError(
            f"{label}: is what Go prints for a {name} it could not turn into JSON", hint=SAVE_RAW
        )
    if name not in RESPONSES:
        raise _other_class(name, "Go", label)
    return _embedded(text, at, len(text), "go", label)


def _other_class(name: str, language: str, label: str) -> InputError:
    """A printout of something else than a response."""
    printed = f"is a {name} as the {language} SDK prints it"
    if REQUESTS.fullmatch(name):
        return InputError(
            f"{label}: {printed}: the request, not the response",
            hint="print what the call returned",
        )
    if name in PARTS:
        printed = f"is a {name} alone as the {language} SDK prints it"
        return InputError(
            f"{label}: {printed}, not the whole response",
            hint="print the whole response: " + ", ".join(RESPONSES[:2]),
        )
    return UnrecognisedError(f"{label}: {printed}, not a pre-upgrade check response", hint=SAVE_RAW)


# Java and .NET --------------------------------------------------------------------------------

_CLASS = re.compile(rb"class ([A-Za-z_]\w*) \{(?=\r?\n)")
_DOT_NET = re.compile(rb"class \w+ \{\r?\n  \S")


def _no_java_response(start: bytes, match: re.Match[bytes], label: str) -> InputError | None:
    """What a text is that starts as a printed class and is no response of the Java SDK."""
    name = match[1].decode()
    if _DOT_NET.match(start) or b"System.Collections.Generic." in start[:_SHORT]:
        return InputError(
            f"{label}: is the .NET SDK's printout, which leaves out what lists contain",
            hint=SAVE_RAW + " instead",
        )
    if name in RESPONSES:
        return None
    if name.endswith(("Exception", "Error")) and (told := told_in(start)):
        return api_error(label, told)
    return _other_class(name, "Java", label)


def _java_printout(text: bytes, label: str) -> Document:
    match = cast("re.Match[bytes]", _CLASS.match(text))
    if wrong := _no_java_response(text, match, label):
        raise wrong
    return Document(java.parse(text, match[1].decode(), label), "java", span=None)


# A log or a terminal --------------------------------------------------------------------------

_OPENER = re.compile(rb"[{\[][ \t\r\n]*[{\[\"\]}]")
_DECODER = json.JSONDecoder()


def _in_a_log(text: bytes, label: str) -> Document:
    """A response behind a log line's prefix, with other lines around it that are none."""
    other_texts.refuse_known(text, label)
    printed = list(islice(_java_spans(text, label), _MOST_PRINTOUTS))
    if (left := len(text) - sum(end - start for start, end in printed)) > MAX_LOG:
        raise InputError(
            f"{label}: {left / 1e6:,.0f} MB of text are more than the limit of "
            f"{MAX_LOG // MIB} MB for a response between other lines",
            hint="save the response alone",
        )
    if not printed:  # in a printout even NUL stands as it came
        if wrong := _no_text(text, label):
            raise wrong
        _refuse_json_of_another_kind(text, label)
    spans = list(printed)
    doubt: str | None = None
    at = 0
    for start, end in [*printed, (len(text), len(text))]:  # what is in a printout is its own
        between = text[at:start]
        for first, last, value in _json_values(between, label):
            if _is_response(value):
                spans.append((at + first, at + last))
            else:
                doubt = doubt or doubt_about(value, between[first:last])
        at = end
    spans.sort()
    if not spans:
        if told := told_in(text):
            raise api_error(label, told)
        raise other_texts.without_response(text, label, speaks=MARKERS.search(text) is not None)
    if len(spans) > 1:
        lines = ", ".join(str(text.count(b"\n", 0, start) + 1) for start, _ in spans[:5])
        raise InputError(
            f"{label}: holds {len(spans)} responses between other text (lines {lines}): "
            "which one counts is anybody's guess",
            hint="save the one that counts alone",
        )
    start, end = spans[0]
    if len(text) - (end - start) > MAX_AROUND:
        raise InputError(
            f"{label}: more than {MAX_AROUND // MIB} MB of other text around the response",
            hint="save the response alone",
        )
    document = _java_printout(text[start:end], label) if printed else None
    check_around(text, start, end, label, doubt)
    return document or _embedded(text, start, end, "log", label)


MAX_AROUND = 32 * MIB
"""The most text that is looked through for what throws doubt on the response in it."""

MAX_LOG = 64 * MIB
"""The most text that is looked through for a response, printouts of it aside."""

_MOST_PRINTOUTS = 20
"""More than one is refused: of these it is said how many."""

_PRINTED = re.compile(rb"class (?:" + "|".join(RESPONSES).encode() + rb") \{\r?\n")
_PRINTED_END = re.compile(rb"\n\}")
# Inside a printout every line stands four deep: one that does not, and begins another, is cut.
_PRINTED_ANEW = re.compile(rb"\n(?! {4})[^\n]*" + _PRINTED.pattern)


def _java_spans(text: bytes, label: str) -> Iterator[tuple[int, int]]:
    """Where the Java SDK's printouts stand: the first `}` without depth is their end."""
    at = 0
    while match := _PRINTED.search(text, at):
        end = _PRINTED_END.search(text, match.end() - 1)
        if end is None:
            raise InputError(
                f"{label}: the Java SDK's printout breaks off: its end is missing, the text was "
                "cut",
                hint=SAVE_RAW,
            )
        if _PRINTED_ANEW.search(text, match.end() - 1, end.start()):
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


def _json_values(text: bytes, label: str) -> Iterator[tuple[int, int, Any]]:
    """The whole JSON values in a text and where they stand, in bytes.

    The text is read as Latin-1, one character a byte: JSON's own signs are ASCII, so what is
    found is found at the same place. Each `{` that can open JSON is tried where the last try
    ended; the work is bounded by a multiple of the text's length. No response may stand in what
    is broken.
    """
    flat = _Flat(text.decode("latin-1"))
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
        if start < broken_until and _is_response(value):
            raise InputError(
                f"{label}: the response stands inside other JSON that is broken or was cut",
                hint=SAVE_RAW,
            )
        yield start, end, value
        at = end


def _is_response(value: Any) -> bool:
    if isinstance(value, list):
        return bool(value) and all(_is_response(part) for part in value)
    if not isinstance(value, dict):
        return False
    if is_task(value):
        return True
    if is_list(value) and isinstance(value["items"], list):
        return any(_is_response(part) for part in value["items"])
    status = value.get("status")
    return isinstance(status, dict) and any(MARKERS.match(key.encode()) for key in status)


def is_task(value: Any) -> bool:
    """Whether a JSON value says that it is a task."""
    return isinstance(value, dict) and value.get("kind") == "PreCheckTask"


def is_list(value: dict[str, Any]) -> bool:
    """Whether an object is a list response; its `kind` may be absent, as every field may."""
    if value.get("kind") is None and isinstance(items := value.get("items"), list):
        return "status" not in value and any(is_task(item) for item in items)
    return value.get("kind") == "List" and "items" in value


def _refuse_json_of_another_kind(text: bytes, label: str) -> None:
    """Refuse a text that is JSON as a whole, and neither an object nor a list."""
    try:
        value = parse(text)
    except ValueError:
        return
    raise UnrecognisedError(
        f"{label}: holds {json_kind(value)}, not a pre-upgrade check response", hint=SAVE_RAW
    )


def json_kind(value: Any) -> str:
    """A JSON value's type, as a person says it."""
    if isinstance(value, list):
        return "a list of something else" if value else "an empty list"
    names = {str: "a text", bool: "true or false", int: "a number", float: "a number"}
    return names.get(type(value), "null")
