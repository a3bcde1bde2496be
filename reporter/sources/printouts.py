"""The ways in which SDKs and tools print a response, and the logs that hold one.

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
from dataclasses import replace
from itertools import islice
from typing import Any, cast

from reporter.errors import InputError
from reporter.sources import java, other_texts
from reporter.sources.api_errors import KOOCLI_ERROR, api_error, koocli_error, told_in
from reporter.sources.documents import (
    BLANKS,
    Document,
    before_a_status,
    check_containers,
    embedded,
    is_list,
    is_task,
    json_kind,
    no_text,
)
from reporter.sources.marks import MARKERS, PARTS, REQUESTS, RESPONSES
from reporter.sources.streams import MIB
from reporter.sources.strict_json import parse
from reporter.sources.text import SAVE_RAW, UnrecognisedError
from reporter.sources.traces import (
    ANSWERED,
    LEAST,
    Asked,
    check_around,
    check_headers,
    doubt_about,
    is_an_answer,
    no_success,
)

_SHORT = 4096


def printed(text: bytes, start: bytes, label: str) -> Document:
    """The one document in a text that is no JSON; `start` is the text without leading blanks."""
    if start.startswith(b"HTTP/"):
        return _http_capture(text, label)
    if match := KOOCLI_ERROR.match(start):
        raise koocli_error(label, match[0])
    if (match := _CLASS.match(start)) and (wrong := _no_java_response(start, match, label)):
        raise wrong
    if match := _GO.match(start):
        return _go_printout(text, match, label)
    return _in_a_log(text, label)


# An HTTP capture ------------------------------------------------------------------------------

_STATUS_LINE = re.compile(rb"HTTP/\d(?:\.\d)? (\d[!-~]*)[^\r\n]*\r?\n")
_HEADER = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\r\n]*\r?\n")


def _http_capture(text: bytes, label: str) -> Document:
    """`curl -i`: status line and headers, perhaps of redirects and proxies first, then the body."""
    at = last = len(text) - len(text.lstrip(BLANKS))
    status = b""
    while match := _STATUS_LINE.match(text, at):
        status, last, at = match[1], at, match.end()
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
    start = at + (3 if body.startswith(b"\xef\xbb\xbf") else 0)
    if (bare := before_a_status(text[start:], label)) is not None:
        body = text[at : start + len(bare)]
    document = embedded(text, start, at + len(body), "http", label)
    check_headers(text[:at], text[last:at], body, _tasks_in(document.value), label)
    return document


def _tasks_in(value: Any) -> int:
    """How many a list has, or an array."""
    items = value.get("items") if isinstance(value, dict) and is_list(value) else value
    return len(items) if isinstance(items, list) else 1


_CHUNK = re.compile(rb"[0-9a-fA-F]+(?:;[^\r\n]*)?\r?\n")


# Go -------------------------------------------------------------------------------------------

_GO = re.compile(
    rb"&?(?:model\.)?("
    + "|".join((*RESPONSES, *PARTS, REQUESTS.pattern)).encode()
    + rb") (?=\{\"|\{\}|struct\{\})"
)


def _go_printout(text: bytes, match: re.Match[bytes], label: str) -> Document:
    """Go's `%+v`: the type's name and compact JSON."""
    name = match[1].decode()
    at = len(text) - len(text.lstrip(BLANKS)) + match.end()
    if text.startswith(b"struct{}", at):
        raise InputError(
            f"{label}: is what Go prints for a {name} it could not turn into JSON", hint=SAVE_RAW
        )
    if name not in RESPONSES:
        raise _other_class(name, "Go", label)
    return embedded(text, at, len(text), "go", label)


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
_A_TRY = 40
"""What a value, or a try to read one, costs beside its letters: in letters read."""
_DECODER = json.JSONDecoder()


def _in_a_log(text: bytes, label: str) -> Document:
    """A response behind a log line's prefix, with other lines around it that are none."""
    if (bare := _without_times(text)) is not None:
        return replace(_between_lines(bare, label), span=None)  # its places are another text's
    return _between_lines(text, label)


def _between_lines(text: bytes, label: str) -> Document:
    other_texts.refuse_known(text, label)
    printed = list(islice(_java_spans(text, label), _MOST_PRINTOUTS))
    if (left := len(text) - sum(end - start for start, end in printed)) > MAX_LOG:
        raise InputError(
            f"{label}: {left / 1e6:,.0f} MB of text are more than the limit of "
            f"{MAX_LOG // MIB} MB for a response between other lines",
            hint="save the response alone",
        )
    if not printed:  # in a printout even NUL stands as it came
        if wrong := no_text(text, label):
            raise wrong
        _refuse_json_of_another_kind(text, label)
    outside = _outside(text, printed)
    check_containers(b"".join(part for _, part in outside), label)
    spans = list(printed)
    doubt: str | None = None
    asked: Asked | None = None
    answered = False
    tasks = 1
    for at, between in outside:
        for first, last, value in _json_values(between, label):
            tells = last - first >= LEAST
            if tells and _is_response(value):
                spans.append((at + first, at + last))
                tasks = _tasks_in(value)
                continue
            if tells and doubt is None:
                doubt = doubt_about(value, between[first:last])
            if spans and at + first > spans[0][0] and not answered:
                asked = asked or Asked.by_what_stands_before(text[: spans[0][0]])
                answered = (tells and is_an_answer(value)) or asked.names(value, between, first)
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
    tasks = _tasks_in(document.value) if document else tasks
    if answered:
        doubt = doubt or "another answer of an API, without a check, stands behind it"
    check_around(text, start, end, label, doubt, tasks)
    document = document or embedded(text, start, end, "log", label)
    around = sum(len(_ANY_LINE.findall(part)) for part in (text[:start], text[end:]))
    return replace(document, lines_around=around)


def _outside(text: bytes, printed: list[tuple[int, int]]) -> list[tuple[int, bytes]]:
    """What stands around the printouts, and where: what is in one is its own."""
    starts = [0, *(end for _, end in printed)]
    ends = [*(start for start, _ in printed), len(text)]
    return [(at, text[at:end]) for at, end in zip(starts, ends, strict=True)]


_ANY_LINE = re.compile(rb"[^ \t\r\n][^\n]*")


_TIME = re.compile(
    rb"(?m)^\[?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)\]?"
    rb"(?: \d\d[OE](?=[ +]|\r?$)\+?)? ?"
)


def _without_times(text: bytes) -> bytes | None:
    """What was logged, where a collector put a time before every line; None where it did not.

    GitHub's raw logs look so, GitLab's (with a stream's number), Jenkins' (in brackets) and
    `kubectl logs --timestamps`. It is put before every line of a
    printout too, so that taking it away gives what was printed, whatever that is.
    """
    if not _TIME.match(text):
        return None
    bare, times = _TIME.subn(b"", text)
    return bare if times == text.rstrip(BLANKS).count(b"\n") + 1 and times > 1 else None


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
    ended; the work is bounded by a multiple of the text's length, and so is what is asked of the
    values. No response may stand in what is broken.
    """
    flat = _Flat(text.decode("latin-1"))
    broken_until = 0
    work = 8 * len(text) + 1_000_000
    at = 0
    while opener := _OPENER.search(text, at):
        start = opener.start()
        work -= _A_TRY
        if work < 0:
            raise InputError(
                f"{label}: too many small or broken pieces of JSON in the text to "
                "find a response in",
                hint="save the response alone",
            )
        try:
            value, end = _DECODER.raw_decode(flat, start)
        except (ValueError, RecursionError) as error:
            reached = error.pos if isinstance(error, json.JSONDecodeError) else len(text)
            broken_until = max(broken_until, reached)
            work -= reached - start
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
    """Whether a JSON value is a task, a list of tasks, or an array of these; nothing nested deeper.

    What tells of a response further inside throws doubt on the one it stands beside.
    """
    parts = value if isinstance(value, list) else [value]
    return bool(parts) and all(map(_is_task_or_list, parts))


def _is_task_or_list(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    items = value.get("items") if is_list(value) else None
    listed = items if isinstance(items, list) else []
    return any(map(_says_it_is_a_task, (value, *listed)))


def _says_it_is_a_task(value: Any) -> bool:
    if is_task(value):
        return True
    status = value.get("status") if isinstance(value, dict) else None
    return isinstance(status, dict) and any(
        MARKERS.match(key.encode("utf-8", "replace")) for key in status
    )


def _refuse_json_of_another_kind(text: bytes, label: str) -> None:
    """Refuse a text that is JSON as a whole, and neither an object nor a list."""
    try:
        value = parse(text)
    except ValueError:
        return
    if not isinstance(value, dict | list):
        raise UnrecognisedError(
            f"{label}: holds {json_kind(value)}, not a pre-upgrade check response", hint=SAVE_RAW
        )
