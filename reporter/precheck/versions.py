"""Kubernetes versions as CCE writes them (`v1.28.8-r0`), and ranges of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

# Real values have several digits in every part (v1.19.16-r80), whatever published patterns say.
# Two parts at least: `v1` may be any of its minor versions, which no upgrade goes to.
_VERSION = re.compile(r"v?([0-9]{1,9})\.([0-9]{1,9})(?:\.([0-9]{1,9}))?(?:-r([0-9]{1,9}))?")
_ONE_PART = re.compile(r"v?[0-9]+(?:-r[0-9]+)?").fullmatch
_TERM = re.compile(r"\s*(<=|>=|==|!=|<|>|=)?\s*(\S+?)\s*")


@dataclass(frozen=True)
class Version:
    """Four numbers, and how many of them were written (`v1.27` writes two)."""

    parts: tuple[int, int, int, int]
    written: tuple[bool, bool, bool, bool]

    def compare_written(self, other: Version) -> int:
        """-1, 0 or 1, comparing only the parts this version writes."""
        mine = tuple(part for part, there in zip(self.parts, self.written, strict=True) if there)
        theirs = tuple(part for part, there in zip(other.parts, self.written, strict=True) if there)
        return (theirs > mine) - (theirs < mine)


def parse_version(text: str) -> Version | None:
    """A version, or None where it can't be read. Missing parts are 0; `-rN` comes last.

    Where `-rN` is written, so is the part before it: `1.31-r1` is 1.31.0-r1.
    """
    match = _VERSION.fullmatch(text)
    if match is None:
        return None
    groups = match.groups()
    numbers = [int(group or 0) for group in groups]
    there = [group is not None for group in groups]
    there[2] = there[2] or there[3]
    return Version(
        (numbers[0], numbers[1], numbers[2], numbers[3]), (there[0], there[1], there[2], there[3])
    )


@dataclass(frozen=True)
class VersionRange:
    """A conjunction such as `>=1.23,<1.27`."""

    text: str
    terms: tuple[tuple[str, Version], ...]

    def holds(self, version: Version) -> bool:
        """Whether a version is in the range.

        `<=1.27`, `>1.27`, `!=1.27` and a bare `1.27` compare only the parts they write, so that
        v1.27.9-r3 is not above 1.27; `>=` and `<` compare whole versions, missing parts as 0.
        """
        return all(_term_holds(operator, bound, version) for operator, bound in self.terms)


def _term_holds(operator: str, bound: Version, version: Version) -> bool:
    if operator == ">=":
        return version.parts >= bound.parts
    if operator == "<":
        return version.parts < bound.parts
    order = bound.compare_written(version)
    if operator == ">":
        return order > 0
    if operator == "<=":
        return order <= 0
    if operator == "!=":
        return order != 0
    return order == 0


def parse_range(text: str) -> VersionRange:
    """A range, or ValueError with what is wrong."""
    terms = []
    for piece in text.split(","):
        match = _TERM.fullmatch(piece)
        version = parse_version(match.group(2)) if match else None
        if match is None or version is None:
            raise ValueError(
                f'"{piece.strip()}" is not a version range; write for example ">=1.23,<1.27"'
                + (", with two parts at least" if match and _ONE_PART(match.group(2)) else "")
            )
        terms.append((match.group(1) or "=", version))
    found = VersionRange(text, tuple(terms))
    low, high = bounds_of(found)
    if low >= high:
        raise ValueError(
            f'no version is in "{text}": all its parts have to hold; a list of ranges says "any of"'
        )
    return found


Parts = tuple[int, int, int, int]
_LOWEST: Parts = (0, 0, 0, 0)
_TOP: Parts = (10**10, 0, 0, 0)


def bounds_of(versions: VersionRange) -> tuple[Parts, Parts]:
    """The versions a range holds, from and below.

    `!=` is left out, so it may hold fewer than these.
    """
    low, high = _LOWEST, _TOP
    for operator, bound in versions.terms:
        following = _following(bound)
        if operator in (">=", "=", "=="):
            low = max(low, bound.parts)
        if operator == ">":
            low = max(low, following)
        if operator == "<":
            high = min(high, bound.parts)
        if operator in ("<=", "=", "=="):
            high = min(high, following)
    for operator, bound in versions.terms:
        following = _following(bound)
        if operator == "!=" and bound.parts <= low:
            low = max(low, following) if high <= following else low
    return low, high


def _following(bound: Version) -> Parts:
    """The first version after all that a bound means: after 1.27 comes 1.28."""
    written = bound.written.index(False) if False in bound.written else 4
    parts = list(bound.parts)
    parts[written - 1] += 1
    return (parts[0], *(part if i < written else 0 for i, part in enumerate(parts[1:], 1)))  # type: ignore[return-value]


def leave_nothing_out(ranges: Sequence[VersionRange]) -> bool:
    """Whether every version there is lies in one of them, as `>=1.32` and `<1.33` have it."""
    held: list[tuple[Parts, Parts]] = []
    for versions in ranges:
        low, high = bounds_of(versions)
        for operator, bound in sorted(versions.terms, key=lambda term: term[1].parts):
            if operator == "!=":
                held.append((low, min(high, bound.parts)))
                low = max(low, _following(bound))
        held.append((low, high))
    reached = _LOWEST
    for low, high in sorted(held):
        if low > reached:
            return False
        reached = max(reached, high)
    return reached == _TOP


def meets(expected: str, actual: str) -> bool:
    """Whether an actual version meets an expected one: `v1.31` is met by `v1.31.4-r2`."""
    wanted, found = parse_version(expected), parse_version(actual)
    if wanted is None or found is None:
        return expected == actual
    return wanted.compare_written(found) == 0
