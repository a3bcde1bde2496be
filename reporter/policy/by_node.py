"""Which of very many rules or waivers may be for a node, or for a message.

A list that is written node by node, or finding by finding, is as long as the cluster is large:
asked one by one, lists and nodes multiply. What is found here is asked whether it fits; what is
not, surely does not.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

from reporter.precheck.finding import Node
from reporter.signs import legible

if TYPE_CHECKING:
    from reporter.policy.match import Anchor, Match  # which looks up its own alternatives

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


class ByNode(Generic[Part]):
    """Parts of a policy with their matches, in their order."""

    def __init__(self, parts: Sequence[tuple[Match, Part]]) -> None:
        self._parts = [part for _, part in parts]
        self._for_any: list[int] = []
        self._by_key: dict[str, _Anchors] = {}
        self._by_message = _Anchors()
        self._latest: tuple[Sequence[Node], bool, str | None, list[Part]] | None = None
        for number, (match, _) in enumerate(parts):
            found, said = match.node_anchors, match.message_anchors
            if found is not None:
                key, anchors = found
                for anchor in anchors:
                    self._by_key.setdefault(key, _Anchors()).add(number, anchor)
            elif said is not None:
                for anchor in said:
                    self._by_message.add(number, anchor)
            else:
                self._for_any.append(number)

    def of(self, nodes: Sequence[Node], *, sure: bool, message: str | None = None) -> list[Part]:
        """All but those that surely fit none of the nodes, or not the message where one is given.

        With `sure` also without those that are only left open by a name nobody can read.
        """
        if not self._by_key and not self._by_message.every:
            return self._parts
        # The findings of a node come one after the other.
        asked = nodes, sure, message if self._by_message.every else None
        if self._latest is None or self._latest[:3] != asked:
            self._latest = *asked, self._of(*asked)
        return self._latest[3]

    def _of(self, nodes: Sequence[Node], sure: bool, message: str | None) -> list[Part]:
        found = set(self._for_any)
        found.update(self._by_message.find(message) if message else self._by_message.every)
        for node in nodes:
            for key, anchors in self._by_key.items():
                name = legible(getattr(node, key))
                if name is None:
                    if not sure:
                        found |= anchors.every
                    continue
                found.update(anchors.find(name))
                if (small := name.lower()) != name:
                    found.update(anchors.find(small))
                if not name.isascii() and (narrow := unicodedata.normalize("NFKC", name)) != name:
                    found.update(anchors.find(narrow))
        return [self._parts[number] for number in sorted(found)]
