"""What a match asks for and the API does not have: slips of the pen, or values it learnt since."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from reporter.catalogue.read import Catalogue
from reporter.policy.jsonpath import names_in, values_found
from reporter.policy.match import Patterns, is_glob
from reporter.policy.model import Comparison, Equals, MatchSpec, Regex, WhereSpec
from reporter.precheck.model import (
    GROUPS,
    KINDS,
    LEVELS,
    NODE_STATUSES,
    NODE_TYPES,
    PHASES,
    TASK_PHASES,
    CheckItem,
    PrecheckTask,
)
from reporter.yamlfile import nearest

DOCUMENTED = {"kind": KINDS, "level": LEVELS, "group": GROUPS, "phase": PHASES}
NODE_WORDS = {"type": NODE_TYPES, "status": NODE_STATUSES}
_FIELDS = {
    **DOCUMENTED,
    "kind": KINDS | {"PreCheckTask"},
    "phase": TASK_PHASES,
    "nodeType": NODE_TYPES,
}
"""By the API's own names, at whatever place a path ends in one."""


@dataclass(frozen=True)
class Asked:
    """A pattern, and the values that are documented for what it is asked of.

    `excludes`: under an odd number of negations, so that in vain means more than was meant.
    """

    words: frozenset[str]
    pattern: Any
    excludes: bool

    @property
    def spelled(self) -> list[str] | None:
        """The values it spells; None for a glob or a regular expression."""
        pattern = self.pattern
        if isinstance(pattern, Equals):
            return [pattern.equals] if isinstance(pattern.equals, str) else pattern.equals
        return [pattern] if isinstance(pattern, str) and not is_glob(pattern) else None

    def unknown(self) -> list[str]:
        """What it asks for and nobody documents; a glob or regular expression that fits nothing."""
        if self.spelled is not None:
            return [text for text in self.spelled if text not in self.words]
        if any(map(Patterns(self.pattern).fits, self.words)):
            return []
        return [self.pattern.regex if isinstance(self.pattern, Regex) else self.pattern]

    def misspelt(self) -> Iterator[tuple[str, str | None]]:
        """What was written and what was probably meant.

        A value that is far from any documented one may be one that the API has learnt since.
        """
        spelled = self.spelled
        if spelled is not None:
            for text in spelled:
                if text not in self.words and (meant := nearest(text, sorted(self.words))):
                    yield text, meant
            return
        for written in self.unknown():
            if (word := self.in_other_capitals()) is not None:
                yield written, word

    def in_other_capitals(self) -> str | None:
        """The first value that a pattern fits but for its capitals."""
        fits = Patterns(self.pattern).fits
        words = (word for word in sorted(self.words) if fits(word.lower()) or fits(word.upper()))
        return next(words, None)


@dataclass(frozen=True)
class AskedTopic(Asked):
    """One of the catalogue's topics: what it does not hold, no response can have."""

    meant: Callable[[str], str | None]

    def misspelt(self) -> Iterator[tuple[str, str | None]]:
        """What was written, and the topic nearest to it, if any is near."""
        for written in self.unknown():
            spelled = self.spelled is not None
            yield written, self.meant(written) if spelled else self.in_other_capitals()


@dataclass(frozen=True)
class Slips:
    """Of one match, all that is nested in it included."""

    misspelt: tuple[tuple[str, str | None], ...]
    """What was written, and what was probably meant."""
    excluded: tuple[str, ...]
    """Values it leaves out that nobody documents."""
    in_vain: bool
    """Whether something that has to hold asks only for values that nobody documents."""

    def __bool__(self) -> bool:
        return bool(self.misspelt or self.excluded or self.in_vain)


ORDERED = ("lt", "le", "gt", "ge")


def orders_numbers_as_texts(condition: WhereSpec, *, in_filters: bool = False) -> str | None:
    """A number or version in quotes that a condition orders by: "9" is above "110".

    By its operator, or else in the filters of its path.
    """
    comparison: Comparison = condition
    while comparison.not_ is not None:
        comparison = comparison.not_
    bounds = [getattr(comparison, name) for name in ORDERED]
    if in_filters:
        compared = names_in(condition.path).compared
        bounds = [value for _, sign, value in compared if sign[0] in "<>"]
    texts = (bound for bound in bounds if isinstance(bound, str))
    return next((text for text in texts if _NUMBER.fullmatch(text)), None)


def compares_texts_with_numbers(condition: WhereSpec) -> bool:
    """Whether a filter holds a number against a field that the API documents, which is a text."""
    return any(
        isinstance(value, (int, float)) and field in _all_fields()
        for field, _, value in names_in(condition.path).compared
    )


# With a unit or without: "90%" is above "100%", too. Dates and times sort as they are.
_NUMBER = re.compile(r"(?!\d{4}-?\d\d-?\d\d(?!\d)|\d\d:\d\d)[+-]?[vV]?\d.*", re.ASCII)


def slips_of(spec: MatchSpec, known: Callable[[], Catalogue]) -> Slips:
    """What is odd about the values that a match asks for; `known` is only called for topics."""
    every = list(_asked(spec, known, excludes=False))
    misspelt = [slip for _, asked in every for slip in asked.misspelt()]
    written = {value for value, _ in misspelt}
    excluded, in_vain = [], False
    found: dict[Any, list[Asked]] = {}
    for key, asked in every:
        found.setdefault(key, []).append(asked)
    for together in found.values():
        unknown = [asked.unknown() for asked in together]
        if together[0].excludes:
            excluded += sorted({value for part in unknown for value in part} - written)
        elif all(
            len(values) == len(asked.spelled or [""])
            for values, asked in zip(unknown, together, strict=True)
        ):
            in_vain = True
    return Slips(tuple(misspelt), tuple(excluded), in_vain)


_Key = tuple[int, str]
"""What is alternative to each other has the same one."""


def _asked(
    spec: MatchSpec, known: Callable[[], Catalogue], *, excludes: bool
) -> Iterator[tuple[_Key, Asked]]:
    """Every pattern over a field whose values are documented."""
    for key, words in DOCUMENTED.items():
        for pattern in _listed(getattr(spec, key)):
            yield (id(spec), key), Asked(words, pattern, excludes)
    for key, words in NODE_WORDS.items():
        for pattern in _listed(getattr(spec.node, key, None)):
            yield (id(spec.node), key), Asked(words, pattern, excludes)
    for pattern in _listed(spec.topic):
        topics = known()
        words = frozenset(topics.topics)
        yield (id(spec), "topic"), AskedTopic(words, pattern, excludes, topics.meant_topic)
    for condition in spec.where or []:
        yield from asked_by(condition, excludes=excludes)
    if spec.not_ is not None:
        yield from _asked(spec.not_, known, excludes=not excludes)
    for part in spec.any or []:
        yield from _asked(part, known, excludes=excludes)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def asked_by(condition: WhereSpec, *, excludes: bool = False) -> Iterator[tuple[_Key, Asked]]:
    """The same of one JSONPath condition, its filters included."""
    names = names_in(condition.path)
    for field, sign, value in names.compared:
        if field in _FIELDS and isinstance(value, str) and sign in ("=", "==", "!="):
            asked = Asked(_FIELDS[field], Equals(equals=value), excludes is not (sign == "!="))
            yield (id(condition), field), asked
    if names.last not in _FIELDS:
        return
    comparison: Comparison = condition
    excludes = excludes is not (condition.quantifier == "none")
    while comparison.not_ is not None:
        comparison, excludes = comparison.not_, not excludes
    patterns: list[Any] = [
        Equals(equals=value)
        for value in [comparison.equals, *(comparison.in_ or [])]
        if isinstance(value, str)
    ]
    if comparison.matches is not None:
        patterns.append(Regex(regex=comparison.matches))
    for pattern in patterns:
        yield (id(condition), ""), Asked(_FIELDS[names.last], pattern, excludes)


# Paths -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Path:
    """What the API documents of a JSONPath.

    `unknown` is its first field that is not documented, `meant` the nearest one that is. Where all
    are and the path still leads nowhere, `unknown` is the path.
    """

    unknown: str | None = None
    meant: str | None = None
    is_text: bool = False
    """Whether it surely ends in a text."""


def path_of(condition: WhereSpec) -> Path:
    """Follow a path through the models.

    Plain steps are followed; behind a filter or `..` a field has to be documented somewhere.
    """
    return _followed(condition.path, PrecheckTask if condition.on == "response" else CheckItem)


@cache
def _followed(text: str, root: type[BaseModel]) -> Path:
    found = _by_names(text, root)
    if found.unknown is None and not values_found(text, _sample(root)):
        return Path(text)
    return found


def ends_in_a_list(condition: WhereSpec) -> bool:
    """Whether a path finds whole lists, where the API documents what it leads to."""
    root = PrecheckTask if condition.on == "response" else CheckItem
    return any(isinstance(value, list) for value in values_found(condition.path, _sample(root)))


@cache
def _sample(model: type[BaseModel]) -> dict[str, Any]:
    """All that a model may hold, once."""
    return {
        info.alias or name: _sample_of(info.annotation) for name, info in model.model_fields.items()
    }


def _sample_of(annotation: Any) -> Any:
    inner = model_within(annotation)
    value = "text" if inner is None else _sample(inner)
    return [value] if _holds_list(annotation) else value


def _holds_list(annotation: Any) -> bool:
    return get_origin(annotation) is list or any(map(_holds_list, get_args(annotation)))


def _by_names(text: str, root: type[BaseModel]) -> Path:
    names = names_in(text)
    model: Any = root
    is_list = False
    for number, name in enumerate(names.plain):
        if name is None and is_list:
            is_list = False
            continue
        if name is None or model is None or is_list:
            behind = [*filter(None, names.plain[number:]), *names.further]
            return _somewhere(behind, is_text=False)
        fields = {info.alias or key: info for key, info in model.model_fields.items()}
        if name not in fields:
            return Path(name, nearest(name, list(fields)))
        annotation = fields[name].annotation
        model, is_list = model_within(annotation), _holds_list(annotation)
    is_text = model is None and not is_list and not names.further
    return _somewhere(names.further, is_text=is_text)


def _somewhere(names: Iterable[str], *, is_text: bool) -> Path:
    """Names at places that are not followed have to be documented at one."""
    known = _all_fields()
    unknown = next((name for name in names if name not in known), None)
    if unknown is not None:
        return Path(unknown, nearest(unknown, sorted(known)))
    return Path(is_text=is_text)


@cache
def _all_fields() -> frozenset[str]:
    """Every field that is documented anywhere in a response."""
    found: set[str] = set()
    waiting: list[Any] = [PrecheckTask]
    seen: set[Any] = set()
    while waiting:
        model = waiting.pop()
        if model is None or model in seen:
            continue
        seen.add(model)
        for name, info in model.model_fields.items():
            found.add(info.alias or name)
            waiting.append(model_within(info.annotation))
    return frozenset(found)


def model_within(annotation: Any) -> Any:
    """The model that a field holds, in a list or not; None where it holds none."""
    if isinstance(annotation, type) and hasattr(annotation, "model_fields"):
        return None if annotation in (Regex, Equals) else annotation
    inner: Iterable[Any] = map(model_within, get_args(annotation))
    return next((found for found in inner if found is not None), None)
