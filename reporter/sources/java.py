"""The Java SDK's `toString()`: `class T {`, one `field: value` a line, nothing quoted or escaped.

    class PreCheckItemStatus {
        name: AddonLimit
        message: first line
        second line
        riskSource: class RiskSource {
            addonRisks: [class AddonRisks {
                alias: CoreDNS
            }]
        }
    }

Every field is printed, in the order of the class, `null` where there is none. A nested object's
lines stand four spaces deeper. In a text of several lines each new line is put at its field's own
depth and marked by nothing: such a line can look like a field. But it can never stand less deep
than its field, so no text can end the object it is in. What is left open is decided by trying:
all ways to cut an object into its fields in their order are read, and one printout that can be
read in two ways is refused. Of truthful printouts the true reading is always among them.

Two things are lost in print and are read in one way: the text `null` is no value, and `, ` parts
a list of texts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from reporter.errors import InputError
from reporter.precheck.model import ApiObject, PrecheckTask
from reporter.sources.snake_case import model_of
from reporter.sources.text import SAVE_RAW

MAX_LOOKALIKES = 64
"""The most lines of one object that may look like the same field of it."""

_DEPTH = 4
_REPEATED = 4096
"""The longest object that is kept for when it comes again: items do, nodes do not."""

_OWN_NAMES = {"package": "_package", "NodeID": "nodeID"}
"""Where Java calls a property otherwise than the API."""

_BRACKETS = {"texts": ("[", "]"), "map": ("{", "}")}

_CLASS = re.compile(r"class \w+ \{\n")
_LISTED = re.compile(r"\w+ \{\n")


def parse(text: bytes, name: str, label: str) -> _Object:
    """A printed response, whose class is `name`, as a JSON object with the API's names.

    What is `null` is left out; equal objects of lists may be one and the same. Raises
    `InputError` for what is broken or cut, and for what can be read in two ways.
    """
    try:
        decoded = text.decode()
    except UnicodeDecodeError:
        raise InputError(
            f"{label}: the Java SDK's printout, with bytes that are no UTF-8", hint=SAVE_RAW
        ) from None
    if "\r" in decoded and decoded.count("\r\n") == decoded.count("\n"):
        decoded = decoded.replace("\r\n", "\n")  # a copy made on Windows
    printed = decoded.strip("\n\r \t")
    try:
        return _Parser(printed).whole(name)
    except _Unread as error:
        where = error.pointer or "the whole"
        raise InputError(
            f"{label}: the Java SDK's printout can't be read at {where}: {error.reason}",
            hint="is it whole, and printed by toString()? else " + SAVE_RAW,
        ) from None
    except _Ambiguous as error:
        raise InputError(
            f"{label}: ambiguous: the Java SDK's printout can be read in more than one way at "
            f"{error.pointer or 'the whole'}: a text of several lines looks like fields",
            hint=SAVE_RAW + ", which is never ambiguous",
        ) from None


_Object = dict[str, Any]


class _Problem(Exception):  # noqa: N818 - never leaves this module
    """Something at a place, which is named from the inside out."""

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.pointer = ""

    def within(self, part: str | int) -> _Problem:
        self.pointer = f"/{part}{self.pointer}"
        return self


class _Unread(_Problem):
    """No way to read it."""


class _Ambiguous(_Problem):
    """More than one way to read it."""


class _Bent(Exception):  # noqa: N818 - never leaves this module
    """Something does not stand where it does if there is nothing to be tried."""


@dataclass(frozen=True)
class _Field:
    """A field of a class: its name in print and in the API, and what stands there."""

    printed: str
    api: str
    kind: Literal["text", "texts", "object", "objects", "map"]
    inner: _Class | None = None

    @property
    def shape(self) -> _Class:
        """The class of what stands there, where that is an object or a list of them."""
        if self.inner is None:
            raise TypeError(self.kind)
        return self.inner


@dataclass(frozen=True, eq=False)
class _Class:
    """A class of the SDK: there is one of each name and each form of it."""

    name: str
    fields: tuple[_Field, ...]

    @cache  # noqa: B019 - there are two dozen, for ever
    def marks(self, depth: int) -> tuple[str, ...]:
        """How the line of each field begins, with the end of the line before."""
        return tuple(f"\n{' ' * depth}{field.printed}: " for field in self.fields)


@cache
def _class_of(model: type[ApiObject]) -> _Class:
    """The SDK's classes have the fields of the API page's tables, in their order."""
    fields = []
    for name, info in model.model_fields.items():
        api = info.alias or name
        fields.append(_Field(_OWN_NAMES.get(api, api), api, *_kind_of(info.annotation)))
    return _Class(model.__name__, tuple(fields))


def _kind_of(annotation: Any) -> tuple[Any, _Class | None]:
    inner = model_of(annotation)
    listed = "list[" in str(annotation)
    if inner is not None:
        return ("objects" if listed else "object"), _class_of(inner)
    return ("texts" if listed else "text"), None


@cache
def _response_class(name: str) -> _Class:
    task = _class_of(PrecheckTask)
    if name.startswith("List"):
        generic = _Class(
            "Metadata",
            tuple(
                _Field(part, part, "map" if part in ("labels", "annotations") else "text")
                for part in (
                    "uid",
                    "name",
                    "labels",
                    "annotations",
                    "updateTimestamp",
                    "creationTimestamp",
                )
            ),
        )
        head = task.fields[:2]
        metadata = _Field("metadata", "metadata", "object", generic)
        return _Class(name, (*head, metadata, _Field("items", "items", "objects", task)))
    if name.startswith("Create"):
        # The answer to a create request has a metadata class of its own, with the uid alone.
        uid = _Class("PrecheckCluserResponseMetadata", (_Field("uid", "uid", "text"),))
        fields = tuple(
            _Field("metadata", "metadata", "object", uid) if field.api == "metadata" else field
            for field in task.fields
        )
        return _Class(name, fields)
    return task


@dataclass
class _Part:
    """An object of a list that was read."""

    printed: str
    """Its lines and the bracket behind them; nothing for a long one."""

    value: _Object
    followed_by: _Part | None = None


class _Series:
    """What was read of the lists of one class at one depth."""

    def __init__(self) -> None:
        self.start = _Part("", {})
        self.parts: dict[str, _Part] = {}
        self.long = False
        """Whether an object was too long to be kept: others will be."""


class _Parser:
    """Reads values. Nodes repeat the same items: what was read once is kept.

    Spans are pairs of offsets into the one text, so that nothing large is copied at each depth.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._known: dict[tuple[str, int], dict[str, _Object]] = {}
        self._series: dict[tuple[str, int], _Series] = {}

    def whole(self, name: str) -> _Object:
        return self._enclosed(0, len(self._text), _response_class(name), 0)

    # Straight on: each field where it is expected, on one line or an object's lines. Nothing has
    # to be tried then, for a field's name stands once at its depth: what else stands there are
    # brackets, and what is in an object stands deeper. `_cut` would find the same places, and go
    # through the whole text for each of them. So what is straight on from end to end is that, in
    # any span that `_cut` asks about; what is not (in another reading, what is broken may be part
    # of a text) is for `_cut` to try. Of a list that is one object: in any reading it ends at the
    # first bracket that is less deep than its fields, since no line of a text in it is less deep.

    def _straight_from(
        self,
        read: Callable[[int, _Class, int], tuple[Any, int]],
        start: int,
        end: int,
        shape: _Class,
        depth: int,
    ) -> Any:
        """What is straight on from `start` to just `end`; None where that is nothing."""
        try:
            value, reached = read(start, shape, depth)
        except (_Bent, _Problem):
            return None
        return value if reached == end else None

    def _straight_object(self, start: int, shape: _Class, depth: int) -> tuple[_Object, int]:
        """The object that starts at an offset, and where it ends."""
        head = _CLASS.match(self._text, start)
        if head is None:
            raise _Bent
        value, end = self._straight_fields(head.end(), shape, depth + _DEPTH)
        close = "\n" + " " * depth + "}"
        if not self._text.startswith(close, end):
            raise _Bent
        return value, end + len(close)

    def _straight_fields(self, start: int, shape: _Class, depth: int) -> tuple[_Object, int]:
        text = self._text
        values: _Object = {}
        end = start - 1  # of the line before
        for field, mark in zip(shape.fields, shape.marks(depth), strict=True):
            if not text.startswith(mark, end):
                raise _Bent
            start = end + len(mark)
            value: Any
            if field.kind == "object" and text.startswith("class ", start):
                value, end = self._straight_object(start, field.shape, depth)
            elif field.kind == "objects" and text.startswith("[class ", start):
                value, end = self._straight_objects(start, field.shape, depth)
            else:
                end = text.find("\n", start)
                if end < 0:
                    raise _Bent
                value = self._value(field, start, end, depth)
            if value is not None:
                values[field.api] = value
        return values, end

    def _straight_objects(self, start: int, shape: _Class, depth: int) -> tuple[list[_Object], int]:
        """The objects of a list, and where it ends.

        Nodes repeat their items in the same order: what followed the one before is tried first.
        """
        text = self._text
        close = "\n" + " " * depth + "}"
        series = self._series.setdefault((shape.name, depth), _Series())
        last = series.start
        found: list[_Object] = []
        at = start + len("[class ")
        while True:
            part = last.followed_by
            if part is not None and text.startswith(part.printed, at):
                at += len(part.printed)
            else:
                part, at = self._listed_straight(at, close, shape, depth, series)
                last.followed_by = part if part.printed else None
            found.append(part.value)
            last = part
            if text.startswith("]", at):
                return found, at + 1
            if not text.startswith(", class ", at):
                raise _Bent
            at += len(", class ")

    def _listed_straight(
        self, start: int, close: str, shape: _Class, depth: int, series: _Series
    ) -> tuple[_Part, int]:
        """An object of a list and where its bracket ends."""
        text = self._text
        if not series.long:
            end = text.find(close, start)
            if end < 0:
                raise _Bent
            end += len(close)
            if end - start <= _REPEATED:
                printed = text[start:end]
                part = series.parts.get(printed)
                if part is None:
                    value = self._straight_or_cut(start, close, shape, depth)[0]
                    part = series.parts[printed] = _Part(printed, value)
                return part, end
            series.long = True
        value, end = self._straight_or_cut(start, close, shape, depth)
        return _Part("", value), end + len(close)

    def _straight_or_cut(
        self, start: int, close: str, shape: _Class, depth: int
    ) -> tuple[_Object, int]:
        head = _LISTED.match(self._text, start)
        if head is None:
            raise _Bent
        try:
            value, end = self._straight_fields(head.end(), shape, depth + _DEPTH)
            if self._text.startswith(close, end):
                return value, end
        except _Bent:
            pass
        end = self._text.find(close, head.end() - 1)
        if end < 0:
            raise _Bent
        return self._cut(head.end(), end, shape, depth + _DEPTH), end

    def _enclosed(self, start: int, end: int, shape: _Class, depth: int) -> _Object:
        """`class T {`, the fields one step deeper, `}` at `depth`."""
        head = _CLASS.match(self._text, start, end)
        if head is None:
            raise _Unread(f"an object was expected, not {self._text[start : start + 30]!r}")
        close = "\n" + " " * depth + "}"
        if not self._text.endswith(close, head.end(), end):
            raise _Unread("its end is missing: the text was cut")
        straight: _Object | None
        straight = self._straight_from(self._straight_object, start, end, shape, depth)
        if straight is not None:
            return straight
        return self._cut(head.end(), end - len(close), shape, depth + _DEPTH)

    def _cut(self, start: int, end: int, shape: _Class, depth: int) -> _Object:
        """The one way to cut a block of lines into the fields of its class."""
        first, *others = shape.fields
        mark, *marks = (mark[:-1] for mark in shape.marks(depth))  # a text may be cut off
        if not self._text.startswith(mark[1:], start, end):
            raise _Unread(f"{shape.name} does not start with {first.printed}")
        places = [[start]]
        for field, mark in zip(others, marks, strict=True):
            found = self._places(mark, start, end)
            if not found:
                raise _Unread(f"no field {field.printed} in {shape.name}")
            if len(found) > MAX_LOOKALIKES:
                raise _Ambiguous().within(field.api)
            places.append(found)
        if all(len(found) == 1 for found in places):
            only = [found[0] for found in places]
            if only != sorted(only):
                raise _Unread(f"the fields of {shape.name} stand in another order")
            return self._joined(only, end, shape, depth, {})
        return self._the_one_reading(places, end, shape, depth)

    def _places(self, mark: str, start: int, end: int) -> list[int]:
        """Where the lines start that begin with the mark; no more than are looked at."""
        find = self._text.find
        found: list[int] = []
        at = find(mark, start, end)
        while at >= 0 and len(found) <= MAX_LOOKALIKES:
            found.append(at + 1)
            at = find(mark, at + 1, end)
        return found

    def _joined(
        self, starts: Sequence[int], end: int, shape: _Class, depth: int, read: dict[int, Any]
    ) -> _Object:
        """The fields that start there; `read` has values that are known, by the start."""
        values: _Object = {}
        ends = [at - 1 for at in starts[1:]] + [end]
        for field, start, until in zip(shape.fields, starts, ends, strict=True):
            value = read[start] if start in read else self._field(field, start, until, depth)
            if value is not None:
                values[field.api] = value
        return values

    def _the_one_reading(
        self, places: list[list[int]], end: int, shape: _Class, depth: int
    ) -> _Object:
        """The one way to cut the block, where lines of its texts look like fields.

        However many do, each byte is looked at a few times: a text may end wherever the next field
        may start, but an object ends at its first line that is no deeper than its field.
        """
        broken = _Unread(f"the fields of {shape.name} stand in another order, or are broken")
        if _less_deep(depth).search(self._text, places[0][0], end):
            raise broken
        read: dict[int, Any] = {}
        ends_of: dict[int, int] = {}

        def may_be(field: _Field, start: int, at: int, until: int) -> bool:
            """Whether what stands from `at` to `until` can be the value of the field."""
            if field.kind == "text" or (until - at == 4 and self._text.startswith("null", at)):
                return True
            if field.kind in _BRACKETS:
                outermost = (self._text[at], self._text[until - 1])
                return until - at > 1 and outermost == _BRACKETS[field.kind]
            if start not in ends_of:
                ends_of[start] = self._end_of_object(at, end, depth)
            if ends_of[start] != until:
                return False
            try:
                read[start] = self._field(field, start, until, depth)
            except _Unread:
                return False
            return True

        # By where a field may start: where those before it then do, two ways at most.
        ways: dict[int, list[tuple[int, ...]]] = {places[0][0]: [()]}
        for field, following in zip(shape.fields, [*places[1:], [end + 1]], strict=True):
            begun = [
                (start, at, before)
                for start, before in ways.items()
                if (at := self._value_at(field, start, end, depth)) is not None
            ]
            ways = {}
            for there in following:
                found: list[tuple[int, ...]] = []
                for start, at, before in begun:
                    if at >= there or len(found) > 1:
                        break
                    if may_be(field, start, at, there - 1):
                        found += [(*way, start) for way in before]
                if found:
                    ways[there] = found[:2]
        if not ways:
            raise broken
        ((one, *another),) = ways.values()
        if another:
            raise _Ambiguous
        return self._joined(one, end, shape, depth, read)

    def _end_of_object(self, at: int, end: int, depth: int) -> int:
        """Where the only value ends that is no text and can start there."""
        text = self._text
        line = at
        if text.startswith(("class ", "[class "), at):
            between = "\n" + " " * depth + "}, class "
            for found in _less_deep(depth + _DEPTH).finditer(text, at, end):
                if not text.startswith(between, found.start()):
                    line = found.end()
                    break
        until = text.find("\n", line, end)
        return end if until < 0 else until

    def _value_at(self, field: _Field, start: int, end: int, depth: int) -> int | None:
        """Where the value of a field starts; None where none does."""
        start += depth + len(field.printed) + 1
        if start < end and self._text[start] == " ":
            return start + 1
        return start if start >= end or self._text[start] == "\n" else None

    def _field(self, field: _Field, start: int, end: int, depth: int) -> Any:
        at = self._value_at(field, start, end, depth)
        if at is None:
            raise _Unread("no blank behind the colon").within(field.api)
        try:
            return self._value(field, at, end, depth)
        except _Problem as error:
            raise error.within(field.api) from None

    def _value(self, field: _Field, start: int, end: int, depth: int) -> Any:
        if end - start == 4 and self._text.startswith("null", start):
            return None
        if field.kind == "text":
            return _outdented(self._text[start:end], depth)
        if field.kind == "object":
            return self._enclosed(start, end, field.shape, depth)
        if field.kind == "objects":
            return self._objects(start, end, field.shape, depth)
        text = self._text[start:end]
        return _texts(text, depth) if field.kind == "texts" else _map(text, depth)

    def _objects(self, start: int, end: int, shape: _Class, depth: int) -> list[_Object]:
        text = self._text
        if end - start == 2 and text.startswith("[]", start):
            return []
        close = "\n" + " " * depth + "}]"
        between = "\n" + " " * depth + "}, class "
        if not text.startswith("[class ", start, end) or not text.endswith(close, start, end):
            raise _Unread("a list was expected, or its end is missing")
        straight: list[_Object] | None
        straight = self._straight_from(self._straight_objects, start, end, shape, depth)
        if straight is not None:
            return straight
        at, end = start + len("[class "), end - len(close)
        known = self._known.setdefault((shape.name, depth), {})
        found: list[_Object] = []
        find = text.find
        while at >= 0:
            until = find(between, at, end)
            stop = end if until < 0 else until
            part = text[at:stop] if stop - at <= _REPEATED else ""
            value = known.get(part)
            if value is None:
                try:
                    value = self._listed(at, stop, shape, depth)
                except _Problem as error:
                    raise error.within(len(found)) from None
                if part:
                    known[part] = value
            found.append(value)
            at = -1 if until < 0 else until + len(between)
        return found

    def _listed(self, start: int, end: int, shape: _Class, depth: int) -> _Object:
        head = _LISTED.match(self._text, start, end)
        if head is None:
            raise _Unread("an object was expected")
        return self._cut(head.end(), end, shape, depth + _DEPTH)


@cache
def _less_deep(depth: int) -> re.Pattern[str]:
    """The start of a line that stands less deep, and is not empty."""
    return re.compile(rf"\n {{0,{depth - 1}}}[^ \n]")


def _outdented(text: str, depth: int) -> str:
    """A text without the depth its lines were printed at; an empty line may have lost it."""
    if "\n" not in text:
        return text
    indent = " " * depth
    first, *rest = text.split("\n")
    lines = [first]
    for line in rest:
        if line.startswith(indent):
            lines.append(line[depth:])
        elif not line.strip(" "):
            lines.append("")
        else:
            raise _Unread("a line that stands less deep than its field")
    return "\n".join(lines)


def _texts(text: str, depth: int) -> list[str | None]:
    if not text.startswith("[") or not text.endswith("]") or len(text) < 2:
        raise _Unread("a list of texts was expected, or its end is missing")
    inner = _outdented(text[1:-1], depth)
    if not inner:
        return []
    return [None if part == "null" else part for part in inner.split(", ")]


def _map(text: str, depth: int) -> dict[str, str]:
    """Labels of the list itself: nothing is judged by them."""
    if not text.startswith("{") or not text.endswith("}") or len(text) < 2:
        raise _Unread("a map was expected, or its end is missing")
    pairs = (part.partition("=") for part in _outdented(text[1:-1], depth).split(", "))
    return {name: value for name, _, value in pairs if name}
