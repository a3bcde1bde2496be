"""Line, column and offset of places in a JSON text.

Only what was asked for is looked at closely: msgspec skips the rest at the speed of C, and hands
out the skipped parts as slices of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Location:
    """Where a value starts: line and column from 1, the column in characters; offset in bytes."""

    line: int
    column: int
    offset: int


def locate(
    data: bytes,
    pointers: Iterable[str],
    *,
    start: int = 0,
    encoding: str = "utf-8",
    mark: int = 0,
) -> dict[str, Location]:
    """Where the values stand that RFC 6901 `pointers` name in the JSON at `start` of a UTF-8 text.

    Offsets count bytes of the file the text was read from: in `encoding`, behind `mark` bytes of
    byte order mark. A pointer that leads nowhere is left out.
    """
    tree: dict[str, Any] = {}
    wanted: dict[tuple[str, ...], str] = {}
    for pointer in pointers:
        parts = tuple(_plain(part) for part in pointer.split("/")[1:])
        wanted[parts] = pointer
        branch = tree
        for part in parts:
            branch = branch.setdefault(part, {})
    found: dict[tuple[str, ...], int] = {}
    if wanted:
        blanks = _BLANKS.match(data, start)
        first = blanks.end() if blanks else start
        _walk(memoryview(data)[first:], first, tree, (), found)
    places = sorted((at, wanted[parts]) for parts, at in found.items() if parts in wanted)
    return dict(_placed(data, places, encoding, mark))


def _plain(part: str) -> str:
    return part.replace("~1", "/").replace("~0", "~")


_BLANKS = re.compile(rb"[ \t\r\n]*")
_TO_ELEMENT = re.compile(rb"[ \t\r\n,]*")
_TO_MEMBER = re.compile(rb'[ \t\r\n,]*"(?:[^"\\]|\\.)*"[ \t\r\n]*:[ \t\r\n]*')


def _walk(
    value: memoryview,
    base: int,
    tree: Mapping[str, Any],
    path: tuple[str, ...],
    found: dict[tuple[str, ...], int],
) -> None:
    """Note where `value` starts, and go down where the tree of pointers goes on."""
    found[path] = base
    if not tree:
        return
    left = len(tree)
    for part, offset, raw in _inside(value):
        if (child := tree.get(part)) is not None:
            _walk(raw, base + offset, child, (*path, part), found)
            left -= 1
            if not left:
                break


def _inside(value: memoryview) -> Iterator[tuple[str, int, memoryview]]:
    """What stands in an object or list: its name or index, where it starts, and itself."""
    import msgspec

    opener = bytes(value[:1])
    parts: Iterable[tuple[str, msgspec.Raw]]
    try:
        if opener == b"{":
            named = msgspec.json.decode(value, type=dict[str, msgspec.Raw])
            parts, between = named.items(), _TO_MEMBER
        elif opener == b"[":
            listed = msgspec.json.decode(value, type=list[msgspec.Raw])
            parts, between = ((str(i), raw) for i, raw in enumerate(listed)), _TO_ELEMENT
        else:
            return
    except msgspec.MsgspecError:
        return  # trailing text: the caller's slice was no whole JSON; a place is an extra
    at = 1  # behind the opening bracket
    for name, raw in parts:
        match = between.match(value, at)
        if match is None:
            return
        inner = memoryview(raw)
        yield name, match.end(), inner
        at = match.end() + len(inner)


def _placed(
    data: bytes, places: Iterable[tuple[int, str]], encoding: str, mark: int
) -> Iterator[tuple[str, Location]]:
    """Offsets as lines and columns, in one walk from the first to the last."""
    line, line_start = 1, 0
    column_at, column = 0, 0
    counted_at, counted = 0, mark
    for at, pointer in places:
        if lines := data.count(b"\n", column_at, at):
            line += lines
            line_start = data.rfind(b"\n", 0, at) + 1
            column_at, column = line_start, 0
        column += len(data[column_at:at].decode("utf-8", "replace"))
        column_at = at
        if encoding == "utf-8":
            offset = mark + at
        else:
            between = data[counted_at:at].decode("utf-8", "replace")
            counted += len(between.encode(encoding, "replace"))
            counted_at = at
            offset = counted
        yield pointer, Location(line, column + 1, offset)
