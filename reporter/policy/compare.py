"""Matches, made comparable: does one follow from another, or rule it out?

Both answers are careful to one side: they are only given where they follow from what is written.
A key this module does not know is compared as a whole, so that it can only make it say less.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

from pydantic import BaseModel

from reporter.policy.match import Patterns, is_glob
from reporter.policy.model import MATCH_KEYS, Equals, MatchSpec, Regex
from reporter.policy.regex import fits_whole
from reporter.precheck.versions import Parts, VersionRange, bounds_of, parse_range

_SINGLE = frozenset({
    "check", "kind", "level", "group", "phase", "scope", "message", "cluster", "topic",
})  # fmt: skip
"""Keys of which a finding has one value at most; of the others it may have several."""


@cache
def regex_fits_everything(text: str) -> bool:
    try:
        fits = fits_whole(text)
    except ValueError:
        return False
    return all(map(fits, ("x", "Zq-7 ü", "\u4e2d [1]: 0.5%", "__")))


class Key:
    """The patterns of one key."""

    def __init__(self, spec: Any) -> None:
        written = spec if isinstance(spec, list) else [spec]
        self.compiled = Patterns(written)
        self.literals = self.compiled.literals
        self.globs = frozenset(one for one in written if isinstance(one, str) and is_glob(one))
        self.regexes = frozenset(one.regex for one in written if isinstance(one, Regex))
        self.spelled = not self.globs and not self.regexes
        """Whether it names its values and nothing else."""
        self.everything = any(set(glob) == {"*"} for glob in self.globs) or any(
            regex_fits_everything(text) for text in self.regexes
        )
        self.canonical = tuple(map(tuple, map(sorted, (self.literals, self.globs, self.regexes))))
        self.prefixes = [
            glob[:-1] for glob in self.globs if glob.endswith("*") and not is_glob(glob[:-1])
        ]
        self.by_beginning = (
            bool(self.prefixes)
            and not self.regexes
            and len(self.prefixes) == len(self.globs)
            and all(self.prefixes)
        )
        """Whether it says of all that fits how it begins, or spells it."""

    def covers(self, other: Key) -> bool:
        """Whether whatever fits the other surely fits this."""
        if self.spelled:
            return other.spelled and other.literals <= self.literals
        return self.everything or (
            other.regexes <= self.regexes
            and all(self.compiled.fits(value) for value in other.literals)
            and all(self._covers_glob(glob) for glob in other.globs)
        )

    def _covers_glob(self, glob: str) -> bool:
        return glob in self.globs or any(
            not is_glob(glob[: len(prefix)]) and glob.startswith(prefix) for prefix in self.prefixes
        )

    def apart_from(self, other: Key) -> bool:
        """Whether surely no value fits both."""
        return (self.spelled and not any(map(other.compiled.fits, self.literals))) or (
            other.spelled and not any(map(self.compiled.fits, other.literals))
        )


class Versions:
    """The ranges of one key."""

    def __init__(self, spec: Any) -> None:
        self.ranges = [parse_range(text) for text in (spec if isinstance(spec, list) else [spec])]
        self.bounds = [bounds_of(one) for one in self.ranges]
        self.canonical = tuple(sorted(re.sub(r"\s", "", one.text) for one in self.ranges))

    @property
    def span(self) -> tuple[Parts, Parts] | None:
        """From the lowest to the highest; None where nothing is in it."""
        known = [one for one in self.bounds if one[0] < one[1]]
        if not known:
            return None
        return min(one[0] for one in known), max(one[1] for one in known)

    def covers(self, other: Versions) -> bool:
        """Whether whatever is in the other is surely in this."""
        return self.canonical == other.canonical or all(
            any(
                self._within(inner, bounds, one)
                for one in zip(self.ranges, self.bounds, strict=True)
            )
            for inner, bounds in zip(other.ranges, other.bounds, strict=True)
        )

    @staticmethod
    def _within(
        inner: VersionRange,
        bounds: tuple[Parts, Parts],
        outer: tuple[VersionRange, tuple[Parts, Parts]],
    ) -> bool:
        if inner.terms == outer[0].terms:
            return True
        # An outer != takes out of its interval what may well be in the inner one.
        if any(op == "!=" for op, _ in outer[0].terms):
            return False
        return outer[1][0] <= bounds[0] and bounds[1] <= outer[1][1]

    def apart_from(self, other: Versions) -> bool:
        """Whether surely no version is in both."""
        return all(
            mine[1] <= theirs[0] or theirs[1] <= mine[0]
            for mine in self.bounds
            for theirs in other.bounds
        )


class Keys:
    """A match mapping, as something to compare."""

    def __init__(self, spec: MatchSpec) -> None:
        self.keys: dict[str, Key] = {}
        self.versions: dict[str, Versions] = {}
        self.inverse: Keys | None = None
        self.alternatives: list[Keys] = []
        self.rest: frozenset[str] = frozenset()
        rest: list[str] = []
        for name, key in MATCH_KEYS.items():
            value = getattr(spec, name)
            if value is None:
                continue
            if key in ("from_version", "target_version"):
                self.versions[key] = Versions(value)
            elif key == "node":
                for part in type(value).model_fields:
                    if (patterns := getattr(value, part)) is not None:
                        self.keys[f"node.{part}"] = Key(patterns)
            elif key == "not":
                self.inverse = Keys(value)
            elif key == "any":
                self.alternatives = [Keys(part) for part in value]
            elif key == "where":
                rest.extend(_canonical(key, part) for part in value)
            elif isinstance(value, (str, Regex, Equals)) or (
                isinstance(value, list)
                and all(isinstance(part, (str, Regex, Equals)) for part in value)
            ):
                self.keys[key] = Key(value)
            else:
                rest.append(_canonical(key, value))
        self.rest = frozenset(rest)
        self._settle()

    def _settle(self) -> None:
        """Once its keys are there: what they come to."""
        self.canonical: tuple[Any, ...] = (
            tuple(sorted((key, part.canonical) for key, part in self.keys.items())),
            tuple(sorted((key, part.canonical) for key, part in self.versions.items())),
            self.inverse.canonical if self.inverse else (),
            tuple(sorted((part.canonical for part in self.alternatives), key=repr)),
            tuple(sorted(self.rest)),
        )
        self.named = frozenset(self.keys) | frozenset(self.versions)
        # `*` on a value that is missing is open, and open is enough for fail and warn.
        self.asks = frozenset(
            key for key, part in self.keys.items() if not part.everything or key.startswith("node.")
        ) | frozenset(self.versions)

    @property
    def most_telling(self) -> str | None:
        """A key by whose values it can be looked up; None where there is none.

        The check before others, one that spells its values before one that says how they begin.
        """
        told = [
            (key != "check", not part.spelled, key)
            for key, part in self.keys.items()
            if key != "phase" and (part.spelled or part.by_beginning)
        ]
        return min(told)[-1] if told else None

    def everywhere(self) -> frozenset[str]:
        """Every key used, nested ones included."""
        nested = [*([self.inverse] if self.inverse else []), *self.alternatives]
        return self.named.union(*(part.everywhere() for part in nested))

    def also(self, **values: str) -> Keys:
        """The same, with values that are known of what it matches."""
        other = object.__new__(Keys)
        other.keys = {**{key: Key(value) for key, value in values.items()}, **self.keys}
        other.versions, other.inverse = self.versions, self.inverse
        other.alternatives, other.rest = self.alternatives, self.rest
        other._settle()
        return other

    def implies(self, other: Keys, *, open_fits: bool = False) -> bool:
        """Whether whatever this matches, the other surely matches too.

        `open_fits`: the other is a rule for which it is enough not to be ruled out.
        """
        if not (other.asks if open_fits else other.named) <= self.named:
            return False
        if not other.rest <= self.rest:
            return False
        for key, part in other.keys.items():
            mine = self.keys.get(key)
            if mine is not None and not part.covers(mine):
                return False
        if any(not part.covers(self.versions[key]) for key, part in other.versions.items()):
            return False
        if other.inverse is not None and not (
            (self.inverse is not None and other.inverse.implies(self.inverse))
            or self.apart_from(other.inverse)
        ):
            return False
        return not other.alternatives or (
            any(self.implies(part) for part in other.alternatives)
            or (
                bool(self.alternatives)
                and all(
                    any(mine.implies(theirs) for theirs in other.alternatives)
                    for mine in self.alternatives
                )
            )
        )

    def apart_from(self, other: Keys) -> bool:
        """Whether surely nothing matches both."""
        return any(
            part.apart_from(self.keys[key])
            for key, part in other.keys.items()
            if key in _SINGLE and key in self.keys
        ) or any(
            part.apart_from(self.versions[key])
            for key, part in other.versions.items()
            if key in self.versions
        )


def _canonical(key: str, value: Any) -> str:
    plain = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
    return f"{key}:{json.dumps(plain, sort_keys=True, default=str)}"
