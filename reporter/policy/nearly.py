"""What a policy asks for and a response has only in another form: slips that a response shows.

A name in other capitals, among the signs of a list, with another letter; a message, or a part of
a name, that is asked for as the whole and stands within others. It is told where the form that was
probably meant would have made a difference, and only there.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cached_property, lru_cache
from hashlib import sha256
from heapq import nsmallest
from itertools import islice
from typing import Any, TypeVar

from reporter.policy.by_node import ByNode
from reporter.policy.match import SIGNATURE_KEYS, Match, Patterns, Target, is_glob
from reporter.policy.model import Comparison, Equals, MatchSpec, Regex, WhereSpec
from reporter.precheck.finding import Node

MOST_ALIKE = 200
"""Names of a response that are compared letter by letter: there are some sixty."""

MOST_TRIED = 500
"""Findings, unlike in what is asked, on which it is tried whether a form makes a difference."""

MOST_LOOKED_AT = 500_000
"""Findings that are looked at in all, each rule and waiver counted: some seconds."""

MOST_SEARCHED = 2_000
"""Names that are tried against globs and regular expressions, messages that are looked into."""

MOST_MEANT = 20
"""Names that are tried in the place of one pattern."""

MOST_SIGNS = 400_000_000
"""Of names and messages, that patterns are held against: some seconds."""

_ONE_ASK = 40
"""Signs that could be looked through while a pattern is put to an empty text."""

_LIST = re.compile(r"[!|,{}();]")
_WORD = re.compile(r"[\w.-]+")
_STAR = re.compile(r"(?<=[\w/:-])(?<!\\\w)\*")
"""A star that repeats a letter (not a class, `\\d*`): in a glob it stands for any text."""
_DIGITS = re.compile(r"\d+")
_NO_SPECIAL = re.compile(r"[\w .:/-]+")


_Asks = TypeVar("_Asks", bound=Comparison)


@dataclass(frozen=True)
class Written:
    """A pattern for a name or message, as a policy has it."""

    key: str
    """`check`, `addon`, `node` (its name), `message`, `$.name`, or `matches` of a path."""
    text: str
    is_regex: bool = False
    path: str | None = None
    """Where a value is asked whether it `matches`; None of a path in the response."""

    @property
    def is_plain(self) -> bool:
        """Whether it spells what it asks for; a text under `equals` may hold any sign."""
        return not self.is_regex and (self.key == "$.name" or not is_glob(self.text))

    @property
    def is_for_a_part(self) -> bool:
        """Whether nobody writes it for a whole name or value, as which it is asked for.

        An anchor at one edge alone, a regular expression that is nothing but a text, a name that
        ends where none does.
        """
        text = self.text
        if not self.is_regex:
            return self.key != "$.name" and not is_glob(text) and text[-1:] in _NO_END
        ends = text.endswith("$") and not text.endswith("\\$")
        return (
            text.startswith("^") is not ends
            or _NO_SPECIAL.fullmatch(text) is not None
            or text[-1:] in _NO_END
        )

    def fits(self) -> Callable[[str | None], bool | None]:
        """What it asks of a text."""
        return Patterns(Regex(regex=self.text) if self.is_regex else self.text).fits

    def within(self) -> str:
        """The form that asks whether a text holds it."""
        if not self.is_regex:
            return f"{self.text}*" if self.text[-1:] in _NO_END else f"*{self.text}*"
        # A quotation that nothing ends goes on to the end of the pattern.
        quotes = self.text.rfind("\\Q") > self.text.rfind("\\E")
        return f"(?s).*(?:{self.text}{_END_OF_QUOTE * quotes}).*"


_NO_END = ("-", "_")
_END_OF_QUOTE = "\\E"


@dataclass(frozen=True)
class Asking:
    """A rule or waiver that has such a pattern."""

    id: str
    match: Match
    is_waiver: bool


def written_in(spec: MatchSpec) -> Iterator[Written]:
    """Every such pattern of a match, nested ones included."""
    node = spec.node.name if spec.node is not None else None
    for key, value in (
        ("check", spec.check),
        ("addon", spec.addon),
        ("message", spec.message),
        ("node", node),
    ):
        for pattern in _listed(value):
            if isinstance(pattern, Regex):
                yield Written(key, pattern.regex, is_regex=True)
            elif isinstance(pattern, Equals):
                yield from (Written(key, text) for text in _listed(pattern.equals))
            else:
                yield Written(key, pattern)
    for condition in spec.where or []:
        if pattern_text := _innermost(condition).matches:
            path = None if condition.on == "response" else condition.path
            written = Written("matches", pattern_text, is_regex=True, path=path)
            if _STAR.search(pattern_text) or (path is not None and written.is_for_a_part):
                yield written
        if _is_about_name(condition):
            for text in [condition.equals, *(condition.in_ or [])]:
                if isinstance(text, str):
                    yield Written("$.name", text)
    for part in [*([spec.not_] if spec.not_ is not None else []), *(spec.any or [])]:
        yield from written_in(part)


def nearly_met(
    asking: Mapping[Written, Sequence[Asking]],
    targets: Sequence[Target],
    names: Iterable[str],
    known: Callable[[str], bool],
) -> dict[str, str]:
    """For a rule or waiver, by its id: what it asks for, and what the response has.

    `targets`: what was decided, skipped checks among it; `names`: every check of the response;
    `known`: whether a name is that of a check.
    """
    if not asking or not targets:
        return {}
    here = _Here(targets, names)
    found: dict[str, str] = {}
    # By the alphabet: what is told depends neither on the order of rules nor on that of findings.
    for written in sorted(asking, key=_in_order):
        told = [
            part
            for part in sorted(asking[written], key=lambda part: (part.id, part.is_waiver))
            if part.id not in found and (written.key == "check" or here.has_checks_of(part))
        ]
        if not told:
            continue
        for meant, having in here.meant(written, known):
            left = [part for part in told if part.id not in found]
            for part, tried in here.tried(left, written, having):
                if part.id not in found and _differs(part, written, meant, tried):
                    found[part.id] = f"{written.text} → {meant}"
    return found


def _in_order(written: Written) -> tuple[str, str, bool, str]:
    return written.text, written.key, written.is_regex, written.path or ""


class _Here:
    """The names and messages of a response."""

    def __init__(self, targets: Sequence[Target], names: Iterable[str]) -> None:
        self._targets = targets
        self._left = _Left(MOST_SIGNS)
        self._looked_at = 0
        self._unlike: dict[tuple[int, frozenset[str]], list[Target]] = {}
        checks = ((target.check, target) for target in targets if target.check)
        self._checks = _Names(_spelled_alike(frozenset(names)), checks, self._left)

    @cached_property
    def _addons(self) -> _Names:
        pairs = [
            (name, target)
            for target in self._targets
            for name in dict.fromkeys(name for pair in target.addons for name in pair if name)
        ]
        return _Names(_Spelled(frozenset(name for name, _ in pairs)), pairs, self._left)

    @cached_property
    def _nodes(self) -> _Names:
        pairs = [
            (name, target)
            for target in self._targets
            for name in dict.fromkeys(node.name for node in target.nodes if node.name)
        ]
        return _Names(_Spelled(frozenset(name for name, _ in pairs)), pairs, self._left)

    @cached_property
    def _messages(self) -> dict[str, list[Target]]:
        """Some messages by the alphabet, and the findings that have them."""
        found: dict[str, list[Target]] = {}
        for target in self._targets:
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
            if written.key != "node" and part.match.node_anchors is not None:
                by_node.setdefault(keys, []).append(part)
                continue
            unlike = (target for one in lists for target in self._unlike_in(one, keys))
            if some := self._counted(islice(unlike, MOST_TRIED)):
                yield part, some
        for keys, group in by_node.items():
            of_nodes: dict[str, list[Target]] = {part.id: [] for part in group}
            looking = ByNode([(part.match, part) for part in group])
            unlike = (target for one in lists for target in self._unlike_in(one, keys))
            for target in self._counted(unlike):
                for part in looking.of(target.nodes, sure=False) if target.nodes else ():
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
        names = {"addon": self._addons, "node": self._nodes}.get(written.key, self._checks)
        if written.is_plain:
            alike = written.key in ("check", "$.name") and not known(written.text)
            found = names.meant(written.text, alike=alike)
            if found is not None:
                yield found, [names.having(found)]
                return
        if not written.is_plain or written.is_for_a_part:
            for name in names.fitted_otherwise(written):
                yield name, [names.having(name)]

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
        if within := _asked(wider, is_regex=written.is_regex):
            found = [message for message in self._left.of(self._messages) if within(message)]
            if found:
                yield wider, self._with(found)

    def _with(self, messages: Iterable[str]) -> Iterator[Sequence[Target]]:
        return (self._messages[message] for message in messages)

    def _other_values(self, written: Written) -> Iterator[tuple[str, Iterable[Sequence[Target]]]]:
        if _STAR.search(written.text):
            yield _STAR.sub(".*", written.text), [self._targets]
        elif written.path is not None:
            where = [{"path": written.path, "matches": written.text}]
            own = Match(MatchSpec.model_validate({"where": where}))
            some = self._unlike_in(self._targets, frozenset({"where"}))[:MOST_SEARCHED]
            if not any(map(own.fits_rule, _apart(self._counted(some)))):
                yield written.within(), [self._targets]


class _Left:
    """How much may still be looked through."""

    def __init__(self, signs: int) -> None:
        self._signs = signs

    def of(self, texts: Iterable[str]) -> Iterator[str]:
        """The texts, as long as there is time for them."""
        for text in texts:
            self._signs -= len(text) + _ONE_ASK
            if self._signs < 0:
                return
            yield text


class _Spelled:
    """Names, by how they are folded."""

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names
        self._folded = {_fold(name): name for name in sorted(names)}
        self._known: dict[tuple[str, bool], str | None] = {}

    def __contains__(self, text: str) -> bool:
        return text in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._folded.values())

    def meant(self, text: str, *, alike: bool) -> str | None:
        """The name somebody meant by a text that is none of them; looked for once.

        In other capitals or wide signs, or among signs that lists are written with elsewhere (`!A`,
        `A|B`); `alike`: with a letter more, less or another as well.
        """
        key = text, alike
        if key not in self._known:
            self._known[key] = self._meant(text, alike=alike)
        return self._known[key]

    def _meant(self, text: str, *, alike: bool) -> str | None:
        if text in self._names:
            return None
        if (meant := self._folded.get(_fold(text))) is not None:
            return meant
        parts = _WORD.findall(text) if _LIST.search(text) else ()
        found = next((part for part in parts if part in self._names), None)
        if found is not None or not alike:
            return found
        near = [name for name in self._some if abs(len(name) - len(text)) <= 2]
        # With another number it is another check: of two partitions, say.
        near = [name for name in near if _DIGITS.findall(name) == _DIGITS.findall(text)]
        near = [name for name in near if not _is_another(self._folded[name], text)]
        close = get_close_matches(_fold(text), near, n=1, cutoff=0.9)
        return self._folded[close[0]] if close else None

    @cached_property
    def _some(self) -> list[str]:
        return list(islice(self._folded, MOST_ALIKE))


@lru_cache(maxsize=16)
def _spelled_alike(names: frozenset[str]) -> _Spelled:
    """The checks of a response: of an audit's thousands many have the same."""
    return _Spelled(names)


class _Names:
    """Names that are here, and what has them."""

    def __init__(
        self, spelled: _Spelled, having: Iterable[tuple[str, Target]], left: _Left
    ) -> None:
        self._spelled, self._pairs, self._left = spelled, having, left
        self.meant = spelled.meant

    @cached_property
    def _having(self) -> dict[str, list[Target]]:
        found: dict[str, list[Target]] = {}
        for name, target in self._pairs:
            found.setdefault(name, []).append(target)
        return found

    def having(self, name: str) -> Sequence[Target]:
        """The findings that have it."""
        return self._having.get(name, ())

    def may_mean(self, text: str) -> bool:
        """Whether a text is a name that is here, or may be one written in another form."""
        return text in self._spelled or self.meant(text, alike=False) is not None

    def fitted_otherwise(self, written: Written) -> list[str]:
        """Names that a pattern fits but for its capitals, or that hold it, where it fits none."""
        some = list(islice(self._spelled, MOST_SEARCHED))
        text, own = written.text, written.fits()
        if any(own(name) is not False for name in self._left.of(some)):
            return []
        fold = (lambda name: name) if written.is_regex else str.lower
        capitals = f"(?i:{text})" if written.is_regex else text.lower()
        found: list[str] = []
        if other := _asked(capitals, is_regex=written.is_regex):
            fitted = (name for name in self._left.of(some) if other(fold(name)))
            found = list(islice(fitted, MOST_MEANT))
        if not found and written.is_for_a_part:
            within = _asked(written.within(), is_regex=written.is_regex)
            fitted = (name for name in self._left.of(some) if within and within(name))
            found = list(islice(fitted, MOST_MEANT))
        return found


def _asked(text: str, *, is_regex: bool) -> Callable[[str | None], bool | None] | None:
    """What a form of a pattern asks; None where it is more than RE2 takes."""
    try:
        return Patterns(Regex(regex=text) if is_regex else text).fits
    except ValueError:
        return None


def _is_another(name: str, text: str) -> bool:
    """Whether they differ in letters of an abbreviation alone, as `GPU` and `CPU` do."""
    if len(name) != len(text):
        return False
    unlike = [at for at, (one, other) in enumerate(zip(name, text, strict=True)) if one != other]
    return all(name[at].isupper() and text[at].isupper() for at in unlike)


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


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


def _differs(part: Asking, written: Written, meant: str, tried: Sequence[Target]) -> bool:
    """Whether it decides otherwise about one of the findings where the other form stands."""
    try:
        other = Match(_with(part.match.spec, written, meant))
    except ValueError:  # larger than RE2 takes
        return False
    reads = Match.fits_waiver if part.is_waiver else Match.fits_rule
    return any(reads(part.match, target) is not reads(other, target) for target in _apart(tried))


def _apart(targets: Sequence[Target]) -> Iterator[Target]:
    """The same, where what is asked leaves no trace in what is told of the verdict."""
    if targets:
        facts = targets[0].facts
        facts = replace(facts, found={}, decided={}, unlike=set(), met=set(), missed=set())
        yield from (replace(target, facts=facts) for target in targets)


def _with(spec: MatchSpec, written: Written, meant: str) -> MatchSpec:
    """The match with another form of one pattern, wherever it stands."""
    update: dict[str, Any] = {}
    for key in ("check", "addon", "message"):
        if key == written.key and (value := getattr(spec, key)) is not None:
            update[key] = _put(value, written, meant)
    if written.key == "node" and spec.node is not None and spec.node.name is not None:
        name = _put(spec.node.name, written, meant)
        update["node"] = spec.node.model_copy(update={"name": name})
    if written.key == "matches" and spec.where:
        update["where"] = [_matching(condition, written, meant) for condition in spec.where]
    if written.key == "$.name" and spec.where:
        update["where"] = [_renamed(condition, written, meant) for condition in spec.where]
    if spec.not_ is not None:
        update["not_"] = _with(spec.not_, written, meant)
    if spec.any is not None:
        update["any"] = [_with(part, written, meant) for part in spec.any]
    return spec.model_copy(update=update)


def _put(value: Any, written: Written, meant: str) -> list[Any]:
    made: list[Any] = []
    for pattern in _listed(value):
        if isinstance(pattern, Equals):
            texts = [meant if text == written.text else text for text in _listed(pattern.equals)]
            is_wider = written.key == "message" and texts != _listed(pattern.equals)
            made += texts if is_wider else [Equals(equals=texts)]
        elif isinstance(pattern, Regex):
            same = written.is_regex and pattern.regex == written.text
            wider = Regex(regex=meant) if written.key == "message" else Equals(equals=meant)
            made.append(wider if same else pattern)
        elif pattern == written.text and not written.is_regex:
            made.append(meant if written.key == "message" else Equals(equals=meant))
        else:
            made.append(pattern)
    return made


def _renamed(condition: WhereSpec, written: Written, meant: str) -> WhereSpec:
    if not _is_about_name(condition):
        return condition
    update: dict[str, Any] = {}
    if condition.equals == written.text:
        update["equals"] = meant
    if condition.in_ is not None:
        update["in_"] = [meant if text == written.text else text for text in condition.in_]
    return condition.model_copy(update=update)


def _innermost(comparison: Comparison) -> Comparison:
    while comparison.not_ is not None:
        comparison = comparison.not_
    return comparison


def _matching(part: _Asks, written: Written, meant: str) -> _Asks:
    if part.matches == written.text:
        return part.model_copy(update={"matches": meant})
    if part.not_ is None:
        return part
    return part.model_copy(update={"not_": _matching(part.not_, written, meant)})


def _is_about_name(condition: WhereSpec) -> bool:
    return condition.path in ("$.name", "name") and condition.on != "response"


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
