"""Fields the API page does not document: kept in the models, counted here."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, wraps
from operator import attrgetter, itemgetter
from typing import Any, TypeVar

from reporter.errors import InputError
from reporter.precheck.model import (
    KINDS,
    LEVELS,
    TASK_PHASES,
    ApiObject,
    CheckItem,
    PrecheckTask,
    is_empty,
)
from reporter.precheck.paging import may_tell_of_pages, tells_of_pages
from reporter.signs import folded, may_be_one_of, may_hold, read_as

MAX_POINTERS = 100

MOST_NAMES = 10_000
"""Different names of undocumented fields that are compared with documented ones."""
_LONG = 200

_CHECK_WORDS = frozenset({"phase", "itemsstatus", "kind", "level", "risksource"})
"""Keys that look like a check, whatever their case."""

_WORDS = TASK_PHASES | KINDS | LEVELS
_SKIPS = ("skip", "ignore", "exclude")
_SKIPPED = ("check", "item", "risk", "node")
_SECTION_PARTS = ("checkstatus", "checkitem", "itemstatus", "itemsstatus", "stagestatus")
_LISTS = ("clustercheckstatus", "addoncheckstatus", "nodecheckstatus", "nodestagestatus")
_ALIKE = 0.87
"""From where on a name is a documented one misspelt: `addonChekStatus` is, `addonStatus` not."""


_EXTRA = attrgetter("__pydantic_extra__")
_FIELDS_SET = attrgetter("__pydantic_fields_set__")
_RISKS = itemgetter("risk_source")
_Told = TypeVar("_Told")


@dataclass(frozen=True)
class UnknownFields:
    """How many there are, where the first are, and which hide what looks like a check.

    What looks like a section of checks or a list of skipped ones, at a place or in a spelling
    that is not documented, counts as such: nothing here hears what it says. So does what says that
    there is more on another page.
    """

    count: int
    pointers: list[str]
    suspicious: list[str]
    infinite: str | None = None
    """Where a number such as 1e999 stands, which is none. Only an unknown field can hold one."""
    uncompared: str | None = None
    """The first of those whose names were too many to look at."""


def are_too_many(names: set[str]) -> bool:
    """Whether so many names were met that no further one is compared."""
    return len(names) > MOST_NAMES


def too_many_names(place: str) -> InputError:
    """What is said of such an input."""
    return InputError(
        f"{place}: more than {MOST_NAMES:,} different names of fields that the API does not "
        "document",
        hint="a response of CCE has some sixty; is this the right file?",
    )


def unknown_fields(task: PrecheckTask) -> UnknownFields:
    """Walk the task and gather what the models did not know."""
    count = 0
    pointers: list[str] = []
    suspicious: list[str] = []
    infinite: str | None = None
    uncompared: str | None = None
    names: set[str] = set()
    found: list[_Extra] = []
    _extras(task, "", set(), found)
    for pointer, owner, extra in found:
        names.update(extra)
        for name, value in extra.items():
            if is_empty(value):
                continue
            count += 1
            here = f"{pointer}/{_escape(name)}"
            if len(pointers) < MAX_POINTERS:
                pointers.append(here)
            # A documented field in another spelling is the same field to a reader that ignores
            # case (Go's does): two values for one field. And a phase or level where none is
            # documented may say what nobody here would hear.
            if len(suspicious) < MAX_POINTERS and uncompared is None:
                hides = not are_too_many(names) and (
                    _may_be_documented(name, type(owner))
                    or tells_of_checks(name, value)
                    or looks_like_a_check(value, names)
                )
                if hides:
                    suspicious.append(here)
                elif are_too_many(names):
                    uncompared = here
            if infinite is None and _holds_infinity(value):
                infinite = here
    return UnknownFields(count, pointers, suspicious, infinite, uncompared)


def _escape(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


@cache
def _folded_names(model: type[ApiObject]) -> frozenset[str]:
    return frozenset(folded(info.alias or name) for name, info in model.model_fields.items())


@cache
def _all_folded_names() -> frozenset[str]:
    """Those of every object a task is made of."""
    return frozenset().union(*map(_folded_names, ApiObject.__subclasses__()))


_Extra = tuple[str, ApiObject, dict[str, Any]]


def _extras(value: ApiObject, pointer: str, plain: set[int], found: list[_Extra]) -> None:
    """Every object with undocumented fields. `plain`: items known to have none, by identity."""
    if value.__pydantic_extra__:
        found.append((pointer, value, value.__pydantic_extra__))
    for name, child in value.__dict__.items():
        if child is None or type(child) is str:  # asking a model's class takes ten times as long
            continue
        if isinstance(child, ApiObject):
            # `{}` is by far the most frequent risk source: nothing to walk, nothing to name.
            if child.__pydantic_fields_set__:
                _extras(child, f"{pointer}/{_alias(type(value), name)}", plain, found)
        elif isinstance(child, list) and child and isinstance(child[0], ApiObject):
            base = f"{pointer}/{_alias(type(value), name)}"
            indexes: Sequence[int] = range(len(child))
            if isinstance(child[0], CheckItem):
                if plain.issuperset(map(id, child)):
                    continue
                # Nearly every item is plain, with `{}` for its risks: nothing to walk.
                risks = filter(None, map(_RISKS, map(vars, child)))
                if not any(map(_EXTRA, child)) and not any(map(_FIELDS_SET, risks)):
                    plain.update(map(id, child))
                    continue
                indexes = [
                    index
                    for index, part in enumerate(child)
                    if id(part) not in plain
                    and (
                        part.__pydantic_extra__
                        or (part.risk_source and part.risk_source.__pydantic_fields_set__)
                    )
                ]
                plain.update(map(id, child))
                plain.difference_update(id(child[index]) for index in indexes)
            for index in indexes:
                _extras(child[index], f"{base}/{index}", plain, found)


@cache
def _alias(model: type[ApiObject], name: str) -> str:
    return model.model_fields[name].alias or name


def _within(value: Any) -> Iterator[Any]:
    """A value and everything inside it."""
    stack = [value]
    while stack:
        part = stack.pop()
        yield part
        if isinstance(part, dict):
            stack.extend(part.values())
        elif isinstance(part, list):
            stack.extend(part)


def looks_like_a_check(value: Any, names: set[str]) -> bool:
    """Whether anything in a value looks like a check, a section, a skip list or a page's mark.

    All its names join `names`; with more than `MOST_NAMES` of them nothing further is looked at.
    """
    for part in _within(value):
        if isinstance(part, dict):
            names.update(part)
            if are_too_many(names):
                return False
            if any(tells_of_checks(key, inner) for key, inner in part.items()):
                return True
    return False


def tells_of_checks(name: str, value: Any) -> bool:
    """Whether an undocumented key and its value look like a check, a section or a skip list.

    Or whether they say that what they stand in goes on elsewhere.
    """
    return (
        _is_of_checks(name)
        or (_is_of_pages(name) and tells_of_pages(name, value))
        or (_is_of_skips(name) and value not in (None, False, "", [], {}))
        # Whose letters look alike, nobody can list; what the value says, everybody can read.
        or (not name.isascii() and isinstance(value, str) and value in _WORDS)
    )


def _remembered(compare: Callable[[str], _Told]) -> Callable[[str], _Told]:
    """What came of each name of a response, but of long ones, which would fill the memory."""
    kept = lru_cache(maxsize=MOST_NAMES)(compare)

    @wraps(compare)
    def ask(name: str) -> _Told:
        return kept(name) if len(name) < _LONG else compare(name)

    return ask


def _may_be_documented(name: str, model: type[ApiObject]) -> bool:
    """Whether a key of an object reads as one of those it is documented to have."""
    return not _folded_names(model).isdisjoint(_documented(name))


@_remembered
def _documented(name: str) -> frozenset[str]:
    """The names that are documented somewhere and that a key reads as.

    Looked for once, in whatever objects it stands.
    """
    return read_as(name, _all_folded_names())


@_remembered
def _is_of_checks(name: str) -> bool:
    """Whether a key looks like a check's or like a section of checks."""
    if may_be_one_of(name, _CHECK_WORDS) or any(may_hold(name, part) for part in _SECTION_PARTS):
        return True
    from difflib import SequenceMatcher

    plain = folded(name)
    # No name that is far longer or shorter is alike, and comparing long ones takes long.
    return any(
        abs(len(plain) - len(known)) < 5 and SequenceMatcher(None, known, plain).ratio() > _ALIKE
        for known in _LISTS
    )


@_remembered
def _is_of_pages(name: str) -> bool:
    """Whether a key is called like one that says that there is more elsewhere."""
    return may_tell_of_pages(name)


@_remembered
def _is_of_skips(name: str) -> bool:
    """Whether a key looks like a list of what was skipped."""
    return any(may_hold(name, word) for word in _SKIPS) and (
        may_hold(name, "skip", at_start=True) or any(may_hold(name, word) for word in _SKIPPED)
    )


def _holds_infinity(value: Any) -> bool:
    return any(isinstance(part, float) and not math.isfinite(part) for part in _within(value))
