"""The JSON documents an input holds: plain JSON, or what SDKs and tools print of a response.

Plain JSON is read here; everything else in `printouts`, which is loaded only for what is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from reporter.errors import InputError
from reporter.sources import snake_case
from reporter.sources.strict_json import parse
from reporter.sources.text import SAVE_RAW, UnrecognisedError

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

    lines_around: int = 0
    """How many lines hold other text, before it or behind."""

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
    start = text.lstrip(BLANKS)
    if start[:1] in (b"{", b"[") and not _TAGGED.match(start):
        yield from _json_text(text, label)
    else:
        from reporter.sources.printouts import printed

        yield printed(text, start, label)


BLANKS = b" \t\r\n"
_SHORT = 4096
_TAGGED = re.compile(rb"\[[^\[\]{}\"\n]{1,200}\](?:(?=[ \t:({\[#$-])|(?<=_ERROR\]))")
"""What a line of a log, or an error of KooCLI, may start with in brackets."""


# JSON -----------------------------------------------------------------------------------------


def _json_text(text: bytes, label: str) -> Iterator[Document | InputError]:
    check_containers(text, label)
    try:
        parsed = [parse(text)]
    except ValueError as error:
        if (body := before_a_status(text, label)) is not None:
            yield _document(body, parse(body), "json", label)
            return
        if _starts_with_a_line_of_json(text):
            yield from _json_lines(text, label)
            return
        raise _not_json(text, label, str(error)) from None
    # Out of hand: while the next document is waited for, nothing here holds this one.
    yield _document(text, parsed.pop(), "json", label)


def before_a_status(text: bytes, label: str) -> bytes | None:
    """The JSON before an answer's status, which `curl -w '\\n%{http_code}\\n'` puts behind it."""
    body, _, last = text.rstrip(BLANKS).rpartition(b"\n")
    status = last.strip()
    if not re.fullmatch(rb"[1-5]\d\d", status):
        return None
    try:
        parse(body)
    except ValueError:
        return None
    from reporter.sources.traces import ANSWERED, no_success

    if status not in ANSWERED:
        raise no_success(label, status, body)
    return body


def check_containers(body: bytes, label: str) -> None:
    """Refuse more objects, lists or values than a parser may have at once."""
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
    line, _, rest = text.lstrip(BLANKS).partition(b"\n")
    if not rest.strip():
        return False
    try:
        parse(line)
    except ValueError:
        return False
    return rest.lstrip(BLANKS)[:1] in (b"{", b"[")


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
    if wrong := no_text(body, label):
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
    from reporter.sources import other_texts
    from reporter.sources.api_errors import api_error, told_in

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


def no_text(body: bytes, label: str) -> InputError | None:
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


def embedded(text: bytes, start: int, end: int, form: str, label: str) -> Document:
    """The JSON in a part of the text, parsed as strictly as if it stood alone."""
    body = text[start:end]
    line = text.count(b"\n", 0, start) + 1
    check_containers(body, label)
    if (first := body.lstrip(BLANKS)[:1]) not in (b"{", b"["):
        what = "an HTML or XML page" if first == b"<" else "no JSON"
        raise UnrecognisedError(
            f"{label}:{line}: {what} where the response should be", hint=SAVE_RAW
        )
    try:
        value = parse(body)
    except ValueError as error:
        raise _not_json(body, label, str(error), line=line) from None
    return _document(body, value, form, label, start=start, line=line)


def is_task(value: Any) -> bool:
    """Whether a JSON value says that it is a task."""
    return isinstance(value, dict) and value.get("kind") == "PreCheckTask"


def is_list(value: dict[str, Any]) -> bool:
    """Whether an object is a list response; its `kind` may be absent, as every field may."""
    if value.get("kind") is None and isinstance(items := value.get("items"), list):
        return "status" not in value and any(is_task(item) for item in items)
    return value.get("kind") == "List" and ("items" in value or "status" not in value)


def json_kind(value: Any) -> str:
    """A JSON value's type, as a person says it."""
    if isinstance(value, list):
        return "a list of something else" if value else "an empty list"
    names = {str: "a text", bool: "true or false", int: "a number", float: "a number"}
    return names.get(type(value), "null")
