"""Patterns for names and messages, as a policy has them, and the same match with another form.

What `nearly.py` tries: which patterns a rule or waiver has, whether one is written for a part of a
text, and what the rule or waiver would ask with another in its place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from reporter.policy.match import Match, Patterns, is_glob
from reporter.policy.model import Comparison, Equals, MatchSpec, Regex, WhereSpec

STAR = re.compile(r"(?<=[\w/:-])(?<!\\\w)\*")
"""A star that repeats a letter (not a class, `\\d*`): in a glob it stands for any text."""

_NO_SPECIAL = re.compile(r"[\w .:/-]+")

_Asks = TypeVar("_Asks", bound=Comparison)


@dataclass(frozen=True)
class Written:
    """A pattern for a name or message, as a policy has it."""

    key: str
    """`check`, `addon`, `node` (its name), `message`, `$.name`, or `matches` of a path.

    `cluster` and `node.uid` are asked only whether they are here.
    """
    text: str
    is_regex: bool = False
    path: str | None = None
    """Where a value is asked whether it `matches`; None of a path in the response."""
    is_exact: bool = False
    """Whether its wildcards are signs like others: under `equals`."""

    @property
    def is_plain(self) -> bool:
        """Whether it spells what it asks for; a text under `equals` may hold any sign."""
        exact = self.is_exact or self.key == "$.name"
        return not self.is_regex and (exact or not is_glob(self.text))

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
        if self.is_exact:
            return Patterns(Equals(equals=self.text)).fits
        return Patterns(Regex(regex=self.text) if self.is_regex else self.text).fits

    def within(self) -> str:
        """The form that asks whether a text holds it."""
        if not self.is_regex:
            return f"{self.text}*" if self.text[-1:] in _NO_END else f"*{self.text}*"
        # A quotation that nothing ends goes on to the end of the pattern.
        quotes = self.text.rfind("\\Q") > self.text.rfind("\\E")
        return f"(?s).*(?:{self.text}{_END_OF_QUOTE * quotes}).*"

    @property
    def has_a_word(self) -> bool:
        """Whether it asks for more letters than stand within other words by chance."""
        return _WORD.search(self.text) is not None

    def in_capitals(self) -> Callable[[str | None], bool | None] | None:
        """What asks whether a text holds it in whatever capitals; None where RE2 takes no such."""
        if self.is_regex:
            return asked(self.within_in_capitals(), is_regex=True)
        alike = asked(f"*{self.text.lower()}*", is_regex=False)
        return None if alike is None else lambda text: alike(text.lower() if text else text)

    def within_in_capitals(self) -> str:
        """Of a regular expression: the form that asks that."""
        return f"(?i){self.within() if self.is_for_a_part else self.text}"


_WORD = re.compile(r"[^\W\d_]{5}")
_NO_END = ("-", "_")
_END_OF_QUOTE = "\\E"


@dataclass(frozen=True)
class Asking:
    """A rule or waiver that has such a pattern."""

    id: str
    match: Match
    is_waiver: bool


_CLUSTER_ID = re.compile(r"[0-9A-Za-z]{8}(-[0-9A-Za-z]{4}){3}-[0-9A-Za-z]{12}")


def is_cluster_id(text: str) -> bool:
    """Whether a text has the form that the API documents for the id of a cluster."""
    return _CLUSTER_ID.fullmatch(text) is not None


def in_order(written: Written) -> tuple[str, str, bool, str]:
    """By what patterns are sorted: the same in whatever order a policy has them."""
    return written.text, written.key, written.is_regex, written.path or ""


def written_in(spec: MatchSpec) -> Iterator[Written]:
    """Every such pattern of a match, nested ones included."""
    for written, _ in _every(spec):
        if written.key in ("cluster", "node.uid"):
            continue
        of_a_path = written.key == "matches"
        of_a_finding = written.path is not None and (written.is_for_a_part or written.has_a_word)
        if not of_a_path or of_a_finding or STAR.search(written.text):
            yield written


def left_out_in(spec: MatchSpec) -> Iterator[Written]:
    """The patterns by which a match leaves something out: those under `not:`."""
    return (written for written, negated in _every(spec) if negated)


def names_in(spec: MatchSpec) -> Iterator[Written]:
    """The patterns for names that what it matches has to have."""
    return (
        written
        for written, negated in _every(spec)
        if not negated and written.key not in ("message", "matches")
    )


def _every(spec: MatchSpec, *, negated: bool = False) -> Iterator[tuple[Written, bool]]:
    """Every pattern, and whether what it fits is left out."""
    node, uid = (spec.node.name, spec.node.uid) if spec.node is not None else (None, None)
    for key, value in (
        ("check", spec.check),
        ("addon", spec.addon),
        ("message", spec.message),
        ("node", node),
        ("node.uid", uid),
    ):
        for pattern in _listed(value):
            if isinstance(pattern, Regex):
                yield Written(key, pattern.regex, is_regex=True), negated
            elif isinstance(pattern, Equals):
                for text in _listed(pattern.equals):
                    yield Written(key, text, is_exact=is_glob(text)), negated
            else:
                yield Written(key, pattern), negated
    for pattern in _listed(spec.cluster):
        if isinstance(pattern, str) and not is_glob(pattern) and not is_cluster_id(pattern):
            yield Written("cluster", pattern), negated
    for condition in spec.where or []:
        innermost, times = _innermost(condition)
        is_negated = negated is not ((times + (condition.quantifier == "none")) % 2 == 1)
        if innermost.matches:
            path = None if condition.on == "response" else condition.path
            yield Written("matches", innermost.matches, is_regex=True, path=path), is_negated
        if _is_about_name(condition):
            for text in [innermost.equals, *(innermost.in_ or [])]:
                if isinstance(text, str):
                    yield Written("$.name", text), is_negated
    for part in spec.any or []:
        yield from _every(part, negated=negated)
    if spec.not_ is not None:
        yield from _every(spec.not_, negated=not negated)


def asked(text: str, *, is_regex: bool) -> Callable[[str | None], bool | None] | None:
    """What a form of a pattern asks; None where it is more than RE2 takes."""
    try:
        return Patterns(Regex(regex=text) if is_regex else text).fits
    except ValueError:
        return None


Forms = Mapping[tuple[str, str, bool], str]
"""By the key, text and kind of patterns what stands in their place."""


def forms_of(pairs: Iterable[tuple[Written, str]]) -> Forms:
    """Other forms of some patterns."""
    return {(one.key, one.text, one.is_regex): meant for one, meant in pairs}


def with_forms(spec: MatchSpec, forms: Forms) -> MatchSpec:
    """The match with other forms of some patterns, wherever they stand."""
    update: dict[str, Any] = {}
    for key in ("check", "addon", "message"):
        if (value := getattr(spec, key)) is not None:
            update[key] = _put(value, key, forms)
    if spec.node is not None and spec.node.name is not None:
        name = _put(spec.node.name, "node", forms)
        update["node"] = spec.node.model_copy(update={"name": name})
    if spec.where:
        update["where"] = [_asking(condition, forms) for condition in spec.where]
    if spec.not_ is not None:
        update["not_"] = with_forms(spec.not_, forms)
    if spec.any is not None:
        update["any"] = [with_forms(part, forms) for part in spec.any]
    return spec.model_copy(update=update)


def _put(value: Any, key: str, forms: Forms) -> list[Any]:
    made: list[Any] = []
    for pattern in _listed(value):
        if isinstance(pattern, Equals):
            texts = _listed(pattern.equals)
            meant = [forms.get((key, text, False), text) for text in texts]
            made += meant if key == "message" and meant != texts else [Equals(equals=meant)]
            continue
        is_regex = isinstance(pattern, Regex)
        text = pattern.regex if isinstance(pattern, Regex) else pattern
        other = forms.get((key, text, is_regex))
        if other is None:
            made.append(pattern)
        elif key == "message":
            made.append(Regex(regex=other) if is_regex else other)
        else:
            made.append(Equals(equals=other))
    return made


def _asking(condition: WhereSpec, forms: Forms) -> WhereSpec:
    if _is_about_name(condition):
        condition = _renamed(condition, forms)
    return _matching(condition, forms)


def _renamed(part: _Asks, forms: Forms) -> _Asks:
    def other(text: Any) -> Any:
        return forms.get(("$.name", text, False), text) if isinstance(text, str) else text

    update: dict[str, Any] = {"equals": other(part.equals)}
    if part.in_ is not None:
        update["in_"] = [other(text) for text in part.in_]
    if part.not_ is not None:
        update["not_"] = _renamed(part.not_, forms)
    return part.model_copy(update=update)


def _matching(part: _Asks, forms: Forms) -> _Asks:
    if part.matches is not None and (other := forms.get(("matches", part.matches, True))):
        return part.model_copy(update={"matches": other})
    if part.not_ is None:
        return part
    return part.model_copy(update={"not_": _matching(part.not_, forms)})


def _innermost(comparison: Comparison) -> tuple[Comparison, int]:
    """What is asked in the end, and under how many `not`."""
    times = 0
    while comparison.not_ is not None:
        comparison, times = comparison.not_, times + 1
    return comparison, times


def _is_about_name(condition: WhereSpec) -> bool:
    return condition.path in ("$.name", "name") and condition.on != "response"


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
