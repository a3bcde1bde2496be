"""The names and messages of a response, for whoever asks what a policy may have meant by others.

Bounded: so many findings are looked at, and so many signs looked through, in all.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from hashlib import sha256
from heapq import nsmallest
from itertools import islice
from typing import Any

from reporter.policy.lookup import OF_NODES, Lookup, is_for_nodes
from reporter.policy.match import SIGNATURE_KEYS, Match, Patterns, Target, is_glob, spelled
from reporter.policy.model import MatchSpec
from reporter.policy.names import MOST_MEANT, MOST_SEARCHED, Left, Names, Spelled, spelled_alike
from reporter.policy.written import STAR, Asking, Written, asked
from reporter.precheck.finding import Node

MOST_TRIED = 500
"""Findings, unlike in what is asked, on which it is tried whether a form makes a difference."""

MOST_LOOKED_AT = 500_000
"""Findings that are looked at in all, each rule and waiver counted: some seconds."""

MOST_SIGNS = 400_000_000
"""Of names and messages, that patterns are held against: some seconds."""


class Here:
    """The names and messages of a response."""

    def __init__(
        self,
        targets: Sequence[Target],
        names: Iterable[str],
        every: Callable[[], Iterable[Target]],
    ) -> None:
        """`targets` are what was decided about, `every` gives all there are, that pass too."""
        self.targets = targets
        self._every = every
        self._left = Left(MOST_SIGNS)
        self._looked_at = 0
        self._unlike: dict[tuple[int, frozenset[str]], list[Target]] = {}
        checks = ((target.check, target) for target in targets if target.check)
        self._checks = Names(spelled_alike(frozenset(names)), checks, self._left)

    @cached_property
    def _addons(self) -> Names:
        pairs = [
            (name, target)
            for target in self.targets
            for name in dict.fromkeys(name for pair in target.addons for name in pair if name)
        ]
        return Names(Spelled(frozenset(name for name, _ in pairs)), pairs, self._left)

    @cached_property
    def _nodes(self) -> Names:
        pairs = [
            (name, target)
            for target in self.targets
            for name in dict.fromkeys(node.name for node in target.nodes if node.name)
        ]
        return Names(Spelled(frozenset(name for name, _ in pairs)), pairs, self._left)

    @cached_property
    def _messages(self) -> dict[str, list[Target]]:
        """Some messages by the alphabet, and the findings that have them."""
        found: dict[str, list[Target]] = {}
        for target in self.targets:
            if target.message:
                found.setdefault(target.message, []).append(target)
        return {message: found[message] for message in nsmallest(MOST_SEARCHED, found)}

    def tried(
        self, parts: Sequence[Asking], written: Written, having: Iterable[Sequence[Target]]
    ) -> Iterator[tuple[Asking, Sequence[Target]]]:
        """For each rule or waiver, findings that it may tell apart: of those alike, one.

        What is surely for other nodes is left out. `having`: lists that are kept.
        """
        by_node: dict[frozenset[str], list[Asking]] = {}
        lists = list(having)
        for part in parts:
            keys = part.match.keys & _APART
            if written.key != "node" and is_for_nodes(part.match):
                by_node.setdefault(keys, []).append(part)
                continue
            unlike = (target for one in lists for target in self._unlike_in(one, keys))
            if some := self._counted(islice(unlike, MOST_TRIED)):
                yield part, some
        for keys, group in by_node.items():
            of_nodes: dict[str, list[Target]] = {part.id: [] for part in group}
            looking = Lookup([(part.match, part) for part in group], OF_NODES)
            unlike = (target for one in lists for target in self._unlike_in(one, keys))
            for target in self._counted(unlike):
                for part in looking.for_nodes(target.nodes) if target.nodes else ():
                    if len(of_nodes[part.id]) < MOST_TRIED:
                        of_nodes[part.id].append(target)
            yield from ((part, self._counted(of_nodes[part.id])) for part in group)

    def _counted(self, targets: Iterable[Target]) -> list[Target]:
        """As many of them as may still be looked at."""
        found = list(islice(targets, max(0, MOST_LOOKED_AT - self._looked_at)))
        self._looked_at += len(found)
        return found

    def _unlike_in(self, targets: Sequence[Target], keys: frozenset[str]) -> list[Target]:
        """One of each that are alike in their signature and some keys; of many, by the alphabet."""
        known = id(targets), keys
        if known not in self._unlike:
            found = {_trait(target, keys): target for target in targets}
            unlike = list(found.values())
            if len(unlike) > MOST_TRIED:
                unlike.sort(key=lambda target: _place(target, keys))
            self._unlike[known] = unlike
        return self._unlike[known]

    def unlike_for(self, match: Match) -> Sequence[Target] | None:
        """Of the findings that a match can't tell apart one each; None where there's no time."""
        unlike = self._unlike_in(self.targets, match.keys & _APART)
        found = self._counted(unlike)
        return found if len(found) == len(unlike) else None

    def has_checks_of(self, part: Asking) -> bool:
        """Whether a check it spells is here; what asks for others is not asked further."""
        asked = part.match.check
        if asked is None or not asked.spells_only:
            return True
        return any(map(self._checks.may_mean, asked.literals))

    def meant(
        self, written: Written, known: Callable[[str], bool]
    ) -> Iterator[tuple[str, Iterable[Sequence[Target]]]]:
        """What was probably meant by a pattern, and lists of what has it; nothing where it fits."""
        if written.key == "message":
            yield from self._within_messages(written)
            return
        if written.key == "matches":
            yield from self._other_values(written)
            return
        names = self._names_for(written)
        if written.is_plain:
            alike = written.key in ("check", "$.name") and not known(written.text)
            found = names.meant(written.text, alike=alike)
            if found is not None:
                yield found, [names.having(found)]
                return
        if not written.is_plain or written.is_for_a_part:
            for name in names.fitted_otherwise(written):
                yield name, [names.having(name)]

    @cached_property
    def _all(self) -> Sequence[Target]:
        return list(self._every())

    @cached_property
    def _texts(self) -> dict[str, frozenset[str]]:
        """Names and messages of all that is here, by the key that asks for them."""
        nodes = [node for target in self._all for node in target.nodes]
        found = {
            "message": (target.message for target in self._all),
            "addon": (name for target in self._all for pair in target.addons for name in pair),
            "node": (node.name for node in nodes),
            "node.uid": (node.uid for node in nodes),
        }
        return {key: frozenset(filter(None, texts)) for key, texts in found.items()}

    def may_have(self, written: Written, others: Iterable[str]) -> bool:
        """Whether a pattern fits anything here, or may: so too where not all could be tried.

        `others`: names of the kind it asks for, beside those of findings.
        """
        if written.key == "matches":
            return written.path is None or self._has_value(written, self._all)
        texts = {*self._texts.get(written.key, ()), *others}
        if written.key != "message":
            texts.update(self._names_for(written).spelled)
            if written.is_plain:
                return written.text in texts
        own = written.fits()
        return any(own(text) is not False for text in self._left.of(texts)) or self._left.is_spent

    def has(self, written: Written) -> bool:
        """Whether the name of a node is here in that very form, if only where a check passes: in
        other capitals it is another node. An add-on is the same."""
        return written.key == "node" and written.text in self._texts[written.key]

    def other_form(self, written: Written) -> str | None:
        """The name that is here where one is asked for in other capitals, say."""
        if written.key not in ("node", "addon", "check") or self.has(written):
            return None
        return self._names_for(written).meant(written.text, alike=False)

    def _has_value(self, written: Written, targets: Sequence[Target]) -> bool:
        where = [{"path": written.path, "matches": written.text}]
        own = Match(MatchSpec.model_validate({"where": where}))
        unlike = self._unlike_in(targets, frozenset({"where"}))
        some = self._counted(unlike[:MOST_SEARCHED])
        return len(some) < len(unlike) or any(map(own.fits_rule, without_trace(some)))

    def _names_for(self, written: Written) -> Names:
        return {"addon": self._addons, "node": self._nodes}.get(written.key, self._checks)

    def _within_messages(
        self, written: Written
    ) -> Iterator[tuple[str, Iterable[Sequence[Target]]]]:
        text = written.text
        # A message is copied with its brackets, which in a glob are a set of signs.
        plain = text.replace("[", "[[]") if not written.is_regex and "[" in text else text
        if plain != text:
            found = [message for message in self._left.of(self._messages) if text in message]
            if found:
                yield f"*{plain}*", self._with(found)
                return
        own = written.fits()
        if plain != text and is_glob(text):
            # With its stars: the set of signs may fit others as well.
            other = Patterns(plain).fits
            if any(map(other, self._left.of(self._messages))):
                unlike = (m for m in self._left.of(self._messages) if own(m) is not other(m))
                yield plain, self._with(unlike)
                return
        if any(own(message) is not False for message in self._left.of(self._messages)):
            return
        wider = written.within() if written.is_regex else f"*{text}*"
        if within := asked(wider, is_regex=written.is_regex):
            found = [message for message in self._left.of(self._messages) if within(message)]
            if found:
                yield wider, self._with(found)
                return
        capitals = written.in_capitals() if written.has_a_word else None
        if capitals is not None:
            found = [message for message in self._left.of(self._messages) if capitals(message)]
            for message in found[:MOST_MEANT]:
                meant = spelled(message) if not written.is_regex else written.within_in_capitals()
                yield meant, self._with([message])

    def _with(self, messages: Iterable[str]) -> Iterator[Sequence[Target]]:
        return (self._messages[message] for message in messages)

    def _other_values(self, written: Written) -> Iterator[tuple[str, Iterable[Sequence[Target]]]]:
        if STAR.search(written.text):
            yield STAR.sub(".*", written.text), [self.targets]
        elif written.path is not None and not self._has_value(written, self.targets):
            if written.is_for_a_part:
                yield written.within(), [self.targets]
            if written.has_a_word:
                yield written.within_in_capitals(), [self.targets]


_APART = frozenset({"node", "message", "error_code", "addon", "where"})
"""Keys by which findings of one signature may be told apart."""


def _trait(target: Target, keys: frozenset[str]) -> tuple[object, ...]:
    """What a match that uses these keys can tell of a finding, beside what all have in common."""
    return (
        *(getattr(target, key) for key in SIGNATURE_KEYS),
        target.nodes if "node" in keys else None,
        target.message if "message" in keys else None,
        target.error_codes if "error_code" in keys else None,
        target.addons if "addon" in keys else None,
        id(target.item) if "where" in keys else None,
    )


def _place(target: Target, keys: frozenset[str]) -> tuple[object, ...]:
    """By what such findings are sorted: the same in whatever order they came."""
    trait: tuple[object, ...] = _trait(target, keys - {"where"})
    item = target.item
    if "where" in keys and item is not None:
        # Not pydantic's own JSON: a response may hold half of a surrogate pair.
        written = json.dumps(item.model_dump(by_alias=True), default=str)
        trait = (*trait, sha256(written.encode()).digest())
    found: tuple[object, ...] = _sortable(trait)
    return found


def _sortable(value: Any) -> Any:
    if isinstance(value, Node):
        value = (value.uid, value.name, value.status, value.type)
    if isinstance(value, tuple):
        return tuple(map(_sortable, value))
    return value is not None, value if value is not None else ""


def without_trace(targets: Sequence[Target]) -> Iterator[Target]:
    """The same, where what is asked leaves no trace in what is told of the verdict."""
    if targets:
        facts = targets[0].facts
        facts = replace(facts, found={}, decided={}, unlike=set(), met=set(), missed=set())
        yield from (replace(target, facts=facts) for target in targets)
