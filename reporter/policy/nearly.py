"""What a policy asks for and a response has only in another form: slips that a response shows.

A name in other capitals, among the signs of a list, with another letter; a message that is asked
for as the whole and stands within others. It is told where the form that was probably meant would
have made a difference, and only there.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cached_property, lru_cache
from itertools import islice
from typing import Any, TypeVar

from reporter.policy.match import Facts, Match, Patterns, Target, is_glob
from reporter.policy.model import Comparison, Equals, MatchSpec, Regex, WhereSpec

MOST_ALIKE = 200
"""Names of a response that are compared letter by letter: there are some sixty."""

MOST_TRIED = 200
"""Findings on which it is tried whether another form makes a difference."""

MOST_SEARCHED = 2_000
"""Names that are tried against globs and regular expressions, messages that are looked into."""

MOST_MEANT = 20
"""Names that are tried in the place of one pattern."""

_LIST = re.compile(r"[!|,{}();]")
_WORD = re.compile(r"[\w.-]+")
_STAR = re.compile(r"(?<=[\w/:-])\*")
"""A star that repeats a letter: in a glob it stands for any text."""
_DIGITS = re.compile(r"\d+")


_Asks = TypeVar("_Asks", bound=Comparison)


@dataclass(frozen=True)
class Written:
    """A pattern for a name or message, as a policy has it."""

    key: str
    """`check`, `addon`, `node` (its name), `message`, `$.name`, or `matches` of any path."""
    text: str
    is_regex: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether it spells what it asks for; a text under `equals` may hold any sign."""
        return not self.is_regex and (self.key == "$.name" or not is_glob(self.text))


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
        if (pattern_text := _innermost(condition).matches) and _STAR.search(pattern_text):
            yield Written("matches", pattern_text, is_regex=True)
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
    for written, parts in asking.items():
        for meant in here.meant(written, known):
            tried = list(islice(here.with_it(written, meant), MOST_TRIED))
            for part in parts:
                if part.id not in found and _differs(part, written, meant, tried):
                    found[part.id] = f"{written.text} → {meant}"
    return found


class _Here:
    """The names and messages of a response."""

    def __init__(self, targets: Sequence[Target], names: Iterable[str]) -> None:
        self._targets = targets
        self._checks = _checks_called(frozenset(names))

    @cached_property
    def _addons(self) -> _Names:
        return _Names(
            name for target in self._targets for pair in target.addons for name in pair if name
        )

    @cached_property
    def _nodes(self) -> _Names:
        return _Names(node.name for target in self._targets for node in target.nodes if node.name)

    @cached_property
    def _messages(self) -> list[str]:
        every = dict.fromkeys(target.message for target in self._targets if target.message)
        return list(islice(every, MOST_SEARCHED))

    def meant(self, written: Written, known: Callable[[str], bool]) -> list[str]:
        """What was probably meant by a pattern; nothing where it fits something."""
        if written.key == "message":
            wider = self._meant_within(written)
            return [] if wider is None else [wider]
        if written.key == "matches":
            return [_STAR.sub(".*", written.text)]
        names = {"addon": self._addons, "node": self._nodes}.get(written.key, self._checks)
        if not written.is_plain:
            return names.fitted_in_other_capitals(written)
        alike = written.key in ("check", "$.name") and not known(written.text)
        name = names.meant(written.text, alike=alike)
        return [] if name is None else [name]

    def _meant_within(self, written: Written) -> str | None:
        text = written.text
        # A message is copied with its brackets, which in a glob are a set of signs.
        plain = text.replace("[", "[[]") if not written.is_regex and "[" in text else text
        if any(text in message for message in self._messages if plain != text):
            return f"*{plain}*"
        wider = f"(?s).*(?:{text}).*" if written.is_regex else f"*{text}*"
        own = Patterns(Regex(regex=text) if written.is_regex else text).fits
        within = Patterns(Regex(regex=wider) if written.is_regex else wider).fits
        if any(own(message) is not False for message in self._messages):
            return None
        return wider if any(map(within, self._messages)) else None

    def with_it(self, written: Written, meant: str) -> Iterator[Target]:
        """The findings that have what was meant."""
        if written.key == "message":
            pattern = Regex(regex=meant) if written.is_regex else meant
            fits = Patterns(pattern).fits
            return (target for target in self._targets if fits(target.message))
        if written.key == "matches":
            return iter(self._targets)
        if written.key == "addon":
            return (target for target in self._targets if any(meant in p for p in target.addons))
        if written.key == "node":
            return (t for t in self._targets if any(node.name == meant for node in t.nodes))
        return (target for target in self._targets if target.check == meant)


class _Names:
    """Names that are here, by how they are folded."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)
        self._looked_up: dict[tuple[str, bool], str | None] = {}
        self._folded = {_fold(name): name for name in sorted(self._names)}

    def meant(self, text: str, *, alike: bool) -> str | None:
        """The name somebody meant by a text that is none of them; looked for once."""
        key = text, alike
        if key not in self._looked_up:
            self._looked_up[key] = self._meant(text, alike=alike)
        return self._looked_up[key]

    def _meant(self, text: str, *, alike: bool) -> str | None:
        """The name somebody meant by a text that is none of them.

        In other capitals or wide signs, or among signs that lists are written with elsewhere (`!A`,
        `A|B`); `alike`: with a letter more, less or another as well.
        """
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
        close = get_close_matches(_fold(text), near, n=1, cutoff=0.9)
        return self._folded[close[0]] if close else None

    @cached_property
    def _some(self) -> list[str]:
        return list(islice(self._folded, MOST_ALIKE))

    def fitted_in_other_capitals(self, written: Written) -> list[str]:
        """Names that a glob or regular expression fits but for its capitals, where it fits none."""
        some = list(islice(self._folded.values(), MOST_SEARCHED))
        text = written.text
        own = Patterns(Regex(regex=text) if written.is_regex else text).fits
        if any(own(name) is not False for name in some):
            return []
        other = Patterns(Regex(regex=f"(?i:{text})") if written.is_regex else text.lower()).fits
        fold = (lambda name: name) if written.is_regex else str.lower
        return list(islice((name for name in some if other(fold(name))), MOST_MEANT))


@lru_cache(maxsize=16)
def _checks_called(names: frozenset[str]) -> _Names:
    """The checks of a response: many have the same."""
    return _Names(names)


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _differs(part: Asking, written: Written, meant: str, tried: Sequence[Target]) -> bool:
    """Whether it decides otherwise about one of the findings where the other form stands."""
    try:
        other = Match(_with(part.match.spec, written, meant))
    except ValueError:  # larger than RE2 takes
        return False
    reads = Match.fits_waiver if part.is_waiver else Match.fits_rule
    for target in tried:
        # What is asked here leaves no trace in what is told of the verdict.
        apart = replace(target, facts=_untouched(target.facts))
        if reads(part.match, apart) is not reads(other, apart):
            return True
    return False


def _untouched(facts: Facts) -> Facts:
    return replace(facts, found={}, decided={}, unlike=set(), met=set(), missed=set())


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
