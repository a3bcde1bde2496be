"""A record with what repeats written once: for a page that holds hundreds of thousands of findings.

JSON Lines. The first line is the record without its entries; each further line holds entries of
one check, column by column, and the nodes that they are the first to name. A column of texts
keeps what its texts share once (`Texts`), and numbers stand as the difference to the one before
them, so that gzip finds little left to tell. Nothing is lost: `unpack` gives back the record that
`pack` was given, field by field. docs/packed-record.md describes the format.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any, TypeVar

from reporter.record.bounds import MAX_CONTAINERS, MAX_FINDINGS, is_crowded
from reporter.record.model import Entry, Node, Verdict

FORMAT = "precheck.packed-verdict/v1"
ROWS = 2_000
"""How many entries one line holds: a browser reads a line at a time without standing still."""

_OWN = {"message", "waiver_stub", "places"}
_NODE = ("uid", "name", "status", "type")

# A word with a digit in it: what sets one text apart from the next of its kind.
_WORD = re.compile(r"((?<![0-9A-Za-z])[A-Za-z]*+[0-9][0-9A-Za-z]*+)")
_NUMBER = re.compile(r"(?:0|[1-9][0-9]{0,14})\Z")
# What stands in a pattern instead of a text: a word of its own, or what another column tells.
_VARIES, _UID, _NAME, _MESSAGE = 0, 1, 2, 3
_APART = re.compile("[^ ]+")
_SHORTEST = 4
"""Shorter names and messages are not looked for: they stand in too much that is not theirs."""


def pack(verdict: Verdict) -> bytes:
    """The record, packed; the same bytes for the same record."""
    return b"".join(_dumped(line) for line in _lines(verdict))


def is_packed(data: bytes) -> bool:
    """Whether these bytes are a packed record."""
    return data.startswith(b'{"format":"' + FORMAT.encode() + b'"')


class TooMuchError(ValueError):
    """A packed record that stands for more than it may: than what, it says."""


def unpack(data: bytes, most: int) -> bytes:
    """The record of `pack` as JSON, to be checked against its model.

    `ValueError` for what is not a packed record, and `TooMuchError` where it stands for more than
    `most` bytes or `MAX_FINDINGS`: what repeats is written once, so a small file could stand for
    an endless one. No line is parsed before it is known to fit into memory.
    """
    try:
        lines = iter(io.BytesIO(data))
        record = _parsed(next(lines))["record"]
        reader = _Reader(most)
        indices = range(len(record["checks"]))
        entries: dict[int, list[bytes]] = {}
        left = most
        for line in lines:
            part = _parsed(line)
            if part["check"] not in indices:
                raise LookupError
            found = entries.setdefault(part["check"], [])
            for entry in reader.entries(part):
                # Written at once: as objects they would take many times as much memory.
                written = _written(entry)
                left -= len(written)
                if left < 0:
                    raise _larger_than(most)
                found.append(written)
        checks = [
            _with_member(check, "entries", entries.get(index, []))
            for index, check in enumerate(record["checks"])
        ]
        return _with_member(record, "checks", checks)
    except (LookupError, TypeError, AttributeError, StopIteration, RuntimeError) as error:
        raise ValueError("not a packed record") from error


def _larger_than(most: int) -> TooMuchError:
    return TooMuchError(f"{most >> 20:,} MB")


def _parsed(data: bytes | str) -> Any:
    """A line, or an entry, as JSON; `TooMuchError` where that could take all the memory there is.

    A finding takes 20 values in a line, and all of them may stand in one.
    """
    if is_crowded(data, values=True):
        raise TooMuchError(f"{MAX_CONTAINERS:,} values in one line")
    return json.loads(data)


def _written(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _with_member(value: dict[str, Any], name: str, parts: list[bytes]) -> bytes:
    """An object as JSON, with a list of what is JSON already as one of its members."""
    members = (
        b"%b: %b" % (_written(key), b"[%b]" % b", ".join(parts) if key == name else _written(part))
        for key, part in value.items()
    )
    return b"{%b}" % b", ".join(members)


# Packing ------------------------------------------------------------------------------------------

_Pattern = tuple[str | int, ...]


@dataclass
class Texts:
    """A column of texts, or of nulls: the patterns they follow, and what each has of its own.

    A pattern is a list of texts and of numbers; 0 stands for a word of the text's own, 1 and 2
    for the id and the name of the first node of its entry, 3 for its message, as JSON spells it.
    """

    patterns: dict[_Pattern, int] = field(default_factory=dict)
    follows: list[int] = field(default_factory=list)
    words: list[list[list[str]]] = field(default_factory=list)
    """By pattern, then by its n-th 0: one word for each text that follows it."""
    _seen: dict[str, tuple[_Pattern, list[str]]] = field(default_factory=dict)

    def add(self, text: str | None, known: Sequence[tuple[int, str]] = ()) -> None:
        """One more text. `known` are texts that other columns tell, with what stands for them."""
        if text is None:
            self.follows.append(-1)
            return
        known = [pair for pair in known if pair[1] in text]
        found = self._seen.get(text) if not known else None
        if found is None:
            found = _cut(text, known)
            if not known:
                self._seen[text] = found
        pattern, words = found
        index = self.patterns.setdefault(pattern, len(self.patterns))
        if index == len(self.words):
            self.words.append([[] for _ in words])
        for column, word in zip(self.words[index], words, strict=True):
            column.append(word)
        self.follows.append(index)

    def packed(self) -> dict[str, Any]:
        return {
            "patterns": list(self.patterns),
            "follows": self.follows,
            "words": [[_packed_words(column) for column in columns] for columns in self.words],
        }


def _cut(text: str, known: Sequence[tuple[int, str]]) -> tuple[_Pattern, list[str]]:
    """The pattern of a text, and its own words."""
    pattern: list[str | int] = [text]
    for mark, part in known:
        pieces: list[str | int] = []
        for piece in pattern:
            if isinstance(piece, int):
                pieces.append(piece)
                continue
            first, *others = piece.split(part)
            pieces.append(first)
            for other in others:
                pieces += (mark, other)
        pattern = pieces
    found: list[str | int] = []
    words: list[str] = []
    for piece in pattern:
        if isinstance(piece, int):
            found.append(piece)
            continue
        parts = _WORD.split(piece)
        words += parts[1::2]
        found.append(parts[0])
        for after in parts[2::2]:
            found += (_VARIES, after)
    return tuple(piece for piece in found if piece != ""), words


def _packed_words(words: Sequence[str]) -> list[int | None] | str | dict[str, Any]:
    """Words with blanks between; of one length, without; numbers that rise, as differences."""
    text = " ".join(words)
    if all(map(_NUMBER.match, words)):
        differences = _differences(map(int, words))
        if sum(len(str(number)) + 1 for number in differences) < len(text):
            return differences
    width = len(words[0])
    if all(len(word) == width for word in words):
        return {"width": width, "text": "".join(words)}
    return text


def _differences(numbers: Iterable[int | None]) -> list[int | None]:
    before = 0
    found: list[int | None] = []
    for number in numbers:
        if number is None:
            found.append(None)
        else:
            found.append(number - before)
            before = number
    return found


def _lines(verdict: Verdict) -> Iterator[Any]:
    bare = [check.model_copy(update={"entries": []}) for check in verdict.checks]
    yield {
        "format": FORMAT,
        "record": verdict.model_copy(update={"checks": bare}).model_dump(mode="json"),
    }
    nodes: dict[Node, int] = {}
    for index, check in enumerate(verdict.checks):
        for start in range(0, len(check.entries), ROWS):
            yield {"check": index, **_block(check.entries[start : start + ROWS], nodes)}


def _block(entries: Sequence[Entry], nodes: dict[Node, int]) -> dict[str, Any]:
    before = len(nodes)
    rest, message, stub, pointer = Texts(), Texts(), Texts(), Texts()
    for entry in entries:
        known = _known(entry)
        message.add(entry.message, known)
        stub.add(entry.waiver_stub, known)
        spelled = [(mark, _spelled(text)) for mark, text in known]
        if entry.message and len(entry.message) >= _SHORTEST:
            spelled.insert(0, (_MESSAGE, _spelled(entry.message)))
        rest.add(entry.model_dump_json(exclude=_OWN), spelled)
        for place in entry.places:
            pointer.add(place.pointer)
    places = [place for entry in entries for place in entry.places]
    at = [nodes.setdefault(node, len(nodes)) for place in places for node in place.nodes]
    return {
        "nodes": _packed_nodes(list(nodes)[before:]) if len(nodes) > before else _NO_NODES,
        "rest": rest.packed(),
        "message": message.packed(),
        "waiver_stub": stub.packed(),
        "places": [len(entry.places) for entry in entries],
        "pointer": pointer.packed(),
        "line": _differences(place.line for place in places),
        "column": _differences(place.column for place in places),
        "nodes_at": [len(place.nodes) for place in places],
        "node": _differences(at),
    }


def _packed_nodes(nodes: Sequence[Node]) -> dict[str, Any]:
    columns = {name: Texts() for name in _NODE}
    for node in nodes:
        for name, column in columns.items():
            column.add(getattr(node, name))
    return {name: column.packed() for name, column in columns.items()}


_NO_NODES = _packed_nodes([])


def _known(entry: Entry) -> list[tuple[int, str]]:
    """What the texts of an entry may repeat of its first node; the longer first."""
    node = next((node for place in entry.places for node in place.nodes), None)
    if node is None:
        return []
    found = [(mark, text) for mark, text in ((_UID, node.uid), (_NAME, node.name)) if text]
    return sorted((pair for pair in found if len(pair[1]) >= _SHORTEST), key=_by_length)


def _by_length(pair: tuple[int, str]) -> int:
    return -len(pair[1])


def _spelled(text: str) -> str:
    """As JSON spells a text, between its quotes."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _dumped(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


# Unpacking ----------------------------------------------------------------------------------------


_LEAST = 40
"""Characters of JSON that a place or a node takes besides what it tells."""


class _Reader:
    """Reads line after line; knows the nodes named so far, and how much may still be told."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._left = most
        self._rows = 0
        self._nodes: list[dict[str, Any]] = []
        self._sizes: list[int] = []
        """How many characters each node takes wherever it is named."""

    def entries(self, part: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The entries of one line."""
        self._count_rows(part)
        columns = [self._texts(part["nodes"][name]) for name in _NODE]
        for values in zip(*columns, strict=True):
            self._nodes.append(dict(zip(_NODE, values, strict=True)))
            self._sizes.append(_LEAST + sum(len(_spelled(value)) for value in values if value))
        placed = self._places(part)
        known = [_told(found) for found in placed]
        messages = self._texts(part["message"], known)
        stubs = self._texts(part["waiver_stub"], known)
        for told, message in zip(known, messages, strict=True):
            for mark, text in told.items():
                told[mark] = _spelled(text)
            if message:
                told[_MESSAGE] = _spelled(message)
        rests = self._texts(part["rest"], known)
        for rest, message, stub, found in zip(rests, messages, stubs, placed, strict=True):
            entry = _parsed(rest or "")
            yield {**entry, "message": message, "waiver_stub": stub, "places": found}

    def _count_rows(self, part: dict[str, Any]) -> None:
        """Before any is made: a row of nothing but nulls tells no character that would count."""
        texts = ("rest", "message", "waiver_stub", "pointer")
        rows = max(
            *(len(part["nodes"][name]["follows"]) for name in _NODE),
            *(len(part[name]["follows"]) for name in texts),
            *(len(part[name]) for name in ("places", "line", "column", "nodes_at")),
        )
        if not rows:
            raise ValueError("a line without entries")
        self._rows += rows
        if self._rows > MAX_FINDINGS:
            raise TooMuchError(f"{MAX_FINDINGS:,} findings")

    def _places(self, part: dict[str, Any]) -> list[list[dict[str, Any]]]:
        node = _sums(part["node"])
        self._count(_LEAST * len(part["nodes_at"]))
        rows = zip(
            self._texts(part["pointer"]),
            _sums(part["line"]),
            _sums(part["column"]),
            part["nodes_at"],
            strict=True,
        )
        places = iter(
            [
                {
                    "pointer": pointer,
                    "line": line,
                    "column": column,
                    "nodes": [self._named(number) for number in _next(node, count)],
                }
                for pointer, line, column, count in rows
            ]
        )
        return [_next(places, count) for count in part["places"]]

    def _named(self, number: int) -> dict[str, Any]:
        self._count(self._sizes[number])
        return self._nodes[number]

    def _count(self, characters: int) -> None:
        self._left -= characters
        if self._left < 0:
            raise _larger_than(self._most)

    def _texts(
        self, packed: Any, known: Sequence[Mapping[int, str]] | None = None
    ) -> list[str | None]:
        """The texts of a column. `known` has for each what stands for 1, 2 and 3."""
        words = [
            [iter(_unpacked_words(column)) for column in columns] for columns in packed["words"]
        ]
        found: list[str | None] = []
        for row, index in enumerate(packed["follows"]):
            if index < 0:
                found.append(None)
                continue
            told = known[row] if known is not None else {}
            own = iter(words[index])
            parts = [
                part
                if isinstance(part, str)
                else next(next(own))
                if part == _VARIES
                else told[part]
                for part in packed["patterns"][index]
            ]
            self._count(max(len(parts), sum(map(len, parts))))  # a part may be empty
            found.append("".join(parts))
        return found


_Any = TypeVar("_Any")


def _next(values: Iterator[_Any], count: int) -> list[_Any]:
    found = list(islice(values, count))
    if len(found) < count:
        raise ValueError("a column is too short")
    return found


def _unpacked_words(packed: list[int | None] | str | Mapping[str, Any]) -> Iterable[str]:
    if isinstance(packed, str):
        # One by one: a text may be nothing but blanks, and as many words as it has bytes.
        return (word[0] for word in _APART.finditer(packed))
    if isinstance(packed, list):
        return map(str, _sums(packed))
    width, text = packed["width"], packed["text"]
    return (text[start : start + width] for start in range(0, len(text), width))


def _sums(differences: Iterable[int | None]) -> Iterator[Any]:
    before = 0
    for number in differences:
        if number is not None:
            before += number
        yield None if number is None else before


def _told(places: Sequence[Mapping[str, Any]]) -> dict[int, str]:
    node = next(chain.from_iterable(place["nodes"] for place in places), None)
    if node is None:
        return {}
    return {mark: node[name] for mark, name in ((_UID, "uid"), (_NAME, "name")) if node[name]}
