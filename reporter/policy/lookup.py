"""Which of very many rules or waivers may fit a finding, by its nodes, words, codes or add-ons.

A list that is written node by node, or finding by finding, is as long as the cluster is large:
asked one by one, lists and nodes multiply. What is found here is asked whether it fits; what is
not, surely does not.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

from reporter.precheck.finding import Node
from reporter.signs import legible

if TYPE_CHECKING:
    from reporter.policy.match import Anchor, Match, Target  # which looks up its alternatives

Part = TypeVar("Part")


class _Anchors:
    """The numbers of parts by what a value has to hold to fit them."""

    def __init__(self) -> None:
        self.every: set[int] = set()
        self._at: dict[str, set[int]] = {}
        self._by: dict[str, dict[int, dict[str, list[int]]]] = {}

    def add(self, number: int, anchor: Anchor) -> None:
        """`whole` values are found in small letters and with narrow signs too, as they may fit."""
        place, text = anchor
        texts = {text}
        if place == "whole":
            texts |= {text.lower(), unicodedata.normalize("NFKC", text)}
        for one in texts:
            of_length = self._by.setdefault(place, {}).setdefault(len(one), {})
            of_length.setdefault(one, []).append(number)
        self._at.setdefault(place, set()).add(number)
        self.every.add(number)

    def find(self, value: str) -> Iterable[int]:
        """The parts that a value may fit."""
        size = len(value)
        for place, lengths in self._by.items():
            if place == "inside" and size * len(lengths) > len(self._at[place]):
                yield from self._at[place]  # to ask them is less work than to look through it
                continue
            for length, texts in lengths.items():
                if length > size:
                    continue
                for text in _held(value, place, length):
                    yield from texts.get(text, ())


def _held(value: str, place: str, length: int) -> list[str]:
    """The texts of a length that a value holds at a place."""
    last = len(value) - length
    if place == "inside":
        return [value[at : at + length] for at in range(last + 1)]
    if place == "whole" and last:
        return []
    return [value[last:] if place == "end" else value[:length]]


_AS_WRITTEN = frozenset({"message", "error_code"})
"""Of these a value in other capitals, or with wide signs, fits nothing."""

OF_NODES = frozenset({"uid", "name"})
"""The keys by which a node is looked up."""

Held = tuple[str, "Anchor"]
"""A key, and what a value of it has to hold."""


class Lookup(Generic[Part]):
    """Parts of a policy with their matches, in their order."""

    def __init__(
        self, parts: Sequence[tuple[Match, Part]], keys: frozenset[str] | None = None
    ) -> None:
        """By some keys alone, where they are given."""
        self._parts = [part for _, part in parts]
        self._for_any: list[int] = []
        self._by_key: dict[str, _Anchors] = {}
        self._latest: tuple[tuple[object, ...], list[Part]] | None = None
        shared = Counter(held for match, _ in parts for held in _every(match))
        for number, (match, _) in enumerate(parts):
            found = _least_shared(match, shared, keys)
            for key, anchor in found or ():
                self._by_key.setdefault(key, _Anchors()).add(number, anchor)
            if found is None:
                self._for_any.append(number)

    def of(self, target: Target, *, sure: bool) -> list[Part]:
        """All but those that surely do not fit.

        With `sure` also without those that are only left open, by a value that is missing or that
        nobody can read.
        """
        if not self._by_key:
            return self._parts
        # The findings of a node come one after the other.
        asked = (sure, *(_raw(key, target) for key in self._by_key))
        if self._latest is None or self._latest[0] != asked:
            told = {key: _told(key, target) for key in self._by_key}
            self._latest = asked, self._of(told, sure=sure)
        return self._latest[1]

    def for_nodes(self, nodes: Sequence[Node]) -> list[Part]:
        """All but those that surely fit none of the nodes, whatever else a finding says."""
        told = {key: _names(key, nodes) for key in self._by_key if key in OF_NODES}
        return self._of(told, sure=False) if told else self._parts

    def _of(self, told: Mapping[str, Sequence[str | None]], *, sure: bool) -> list[Part]:
        found = set(self._for_any)
        for key, anchors in self._by_key.items():
            if key not in told:
                found |= anchors.every
                continue
            for value in told[key]:
                if value is None:
                    if not sure:
                        found |= anchors.every
                    continue
                found.update(anchors.find(value))
                if key in _AS_WRITTEN:
                    continue
                if (small := value.lower()) != value:
                    found.update(anchors.find(small))
                if not value.isascii():
                    narrow = unicodedata.normalize("NFKC", value)
                    if narrow != value:
                        found.update(anchors.find(narrow))
        return [self._parts[number] for number in sorted(found)]


def _every(match: Match) -> Iterator[Held]:
    for key, anchors in match.anchors.items():
        yield from ((key, anchor) for anchor in anchors)
    for part in match.alternatives:
        yield from _every(part)


def _least_shared(
    match: Match, shared: Mapping[Held, int], keys: frozenset[str] | None
) -> list[Held] | None:
    """What a finding has to hold one of to fit, or to leave it open: what fewest others ask for.

    None where it may hold anything. Each of several alternatives has its own.
    """
    found = [
        [(key, anchor) for anchor in anchors]
        for key, anchors in match.anchors.items()
        if keys is None or key in keys
    ]
    parts = [_least_shared(part, shared, keys) for part in match.alternatives]
    known = [part for part in parts if part is not None]
    if parts and len(known) == len(parts):
        found.append([held for part in known for held in part])
    return min(
        found, key=lambda some: max((shared[held] for held in some), default=0), default=None
    )


def is_for_nodes(match: Match) -> bool:
    """Whether a match is looked up by nodes, its alternatives each for themselves too."""
    return _least_shared(match, Counter(), OF_NODES) is not None


def _raw(key: str, target: Target) -> object:
    """What the values of a key are made of."""
    if key in OF_NODES:
        return target.nodes
    if key == "message":
        return target.message
    return target.error_codes if key == "error_code" else target.addons


def _told(key: str, target: Target) -> Sequence[str | None]:
    """The values of a key as a match reads them; None is a value that leaves it open."""
    if key in OF_NODES:
        return _names(key, target.nodes)
    if key == "message":
        return (target.message,)
    if key == "error_code":
        return [legible(code) for code in target.error_codes] or (None,)
    return [legible(name) for names in target.addons for name in names] or (None,)


def _names(key: str, nodes: Sequence[Node]) -> Sequence[str | None]:
    return [legible(getattr(node, key)) for node in nodes]
