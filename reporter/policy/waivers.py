"""Which waivers name a check and fit a finding, and why the others do not cover it.

Findings are many and waivers may be as many; findings that no waiver can tell apart are asked
about once, and what is said of them is one object.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from heapq import merge
from itertools import islice
from typing import Literal

from reporter.policy.load import Waiver
from reporter.policy.lookup import Lookup
from reporter.policy.match import Target, Trace, Tri
from reporter.precheck.finding import Node
from reporter.record.model import NearMiss, Statement
from reporter.words import statement

MOST_NEAR = 20
"""Waivers that a finding, or a skipped check, names for what they are for, and as many that match
without covering it; the rest is counted."""


@dataclass
class WaiverTally:
    """What became of a waiver over a response."""

    waiver: Waiver
    state: Literal["valid", "expired", "not-yet-valid"]
    elsewhere: bool
    exceeded: bool = False
    would_turn: int = 0
    waived: int = 0
    skipped: int = 0
    missed: int = 0
    """What it matched and did not cover since it had expired."""

    not_applicable: int = 0
    not_applicable_why: set[str] = field(default_factory=set)
    skips_refused: int = 0
    check_seen: bool = False
    check_failed: bool = False

    @property
    def usable(self) -> bool:
        """Whether it can cover anything at this instant."""
        return self.state == "valid" and not self.exceeded

    def why_unusable(self, instant: datetime) -> Statement:
        """Why it covers nothing of what it matches."""
        waiver = self.waiver
        if self.state == "valid":
            limit, count = waiver.max_findings, self.would_turn
            return statement("near.exceeded", limit=limit, count=count)
        if self.state == "expired" and waiver.valid_until is not None:
            days = (instant - waiver.valid_until).days
            if days == 0:
                return statement("near.expired-today", expires=waiver.expires)
            return statement("near.expired", expires=waiver.expires, count=days)
        return statement("near.not-yet-valid", starts=waiver.starts or waiver.approved_on)


Tallies = tuple[WaiverTally, ...]
"""In the order of their ids."""


@dataclass(frozen=True, slots=True)
class Fits:
    """The waivers that match a finding."""

    alike: Tallies
    """By its signature alone: one object for all findings that share it."""

    own: Tallies
    """By more than that, such as its node."""


Alike = tuple[str | None, ...]


def alike(target: Target) -> Alike:
    """What a finding shares with those that only their place and words tell apart."""
    return (target.check, target.scope, target.kind, target.group, target.level, target.phase)


class Naming:
    """The waivers that name a check."""

    def __init__(self, tallies: Sequence[WaiverTally]) -> None:
        self.every: Tallies = tuple(sorted(tallies, key=_id))
        self._alone = [part for part in self.every if part.waiver.match.by_signature_alone]
        others = [part for part in self.every if not part.waiver.match.by_signature_alone]
        self._lookup = Lookup([(part.waiver.match, part) for part in others])
        self._settled: dict[Alike, Tallies] = {}
        self._without: dict[int, tuple[Tallies, Tallies]] = {}
        self._open: tuple[tuple[Node, ...], frozenset[str]] | None = None

    def fits(self, target: Target) -> Fits:
        """Those that match, whatever their dates say."""
        settled: Tallies = ()
        if self._alone:
            key = alike(target)
            if key not in self._settled:
                self._settled[key] = _fitting(self._alone, target)
            settled = self._settled[key]
        found = self._lookup.of(target, sure=True)
        return Fits(settled, _fitting(found, target) if found else ())

    def may_fit(self, nodes: tuple[Node, ...]) -> frozenset[str]:
        """By their ids those that may fit for what is told of nodes, or ask for more than them."""
        if self._open is None or self._open[0] != nodes:
            found = self._lookup.for_nodes(nodes)
            self._open = (nodes, frozenset(map(_id, found)))
        return self._open[1]

    def without(self, some: Tallies) -> Tallies:
        """All but some, remembered for that very object."""
        if id(some) not in self._without:
            names = set(map(_id, some))
            self._without[id(some)] = (
                some, tuple(part for part in self.every if _id(part) not in names)
            )  # fmt: skip
        return self._without[id(some)][1]


def _id(tally: WaiverTally) -> str:
    return tally.waiver.id


def _fitting(tallies: Sequence[WaiverTally], target: Target) -> Tallies:
    return tuple(part for part in tallies if part.waiver.match.fits_waiver(target) is True)


class AllNaming:
    """The waivers that name each check. Checks that the same waivers name share one object."""

    def __init__(self, tallies: Sequence[WaiverTally]) -> None:
        self._spelled: dict[str, list[WaiverTally]] = {}
        self._others: list[WaiverTally] = []
        for tally in tallies:
            check = tally.waiver.match.check
            if check is None:
                continue
            if not check.spells_only:
                self._others.append(tally)
                continue
            for name in check.literals:
                self._spelled.setdefault(name, []).append(tally)
        self._of: dict[str | None, Naming] = {}
        self._same: dict[tuple[int, ...], Naming] = {}

    def of(self, check: str | None) -> Naming:
        """Those whose `check` surely names this one."""
        naming = self._of.get(check)
        if naming is None:
            found = [
                *(self._spelled.get(check, ()) if check is not None else ()),
                *(
                    part
                    for part in self._others
                    if part.waiver.match.check and part.waiver.match.check.fits(check) is True
                ),
            ]
            same = tuple(map(id, found))
            naming = self._same.get(same) or Naming(found)
            self._of[check] = self._same[same] = naming
        return naming


Why = tuple[str, tuple[str, ...]]
"""The code of why a waiver is for something else, and the keys that say so."""


def why_other(tally: WaiverTally, target: Target) -> Why:
    """Why a waiver that names the check of a finding is for something else."""
    trace = Trace()
    tally.waiver.match.fits_waiver(target, trace)
    if trace.refused:
        return "near.refused", tuple(trace.refused)
    return "near.undecided", tuple(trace.undecided)


class NearMisses:
    """What is said of the waivers that name a check and cover nothing. Equal ones are one object,
    and so are equal tuples of them."""

    def __init__(self, instant: datetime, why_other: Callable[[WaiverTally, Target], Why]) -> None:
        self._instant = instant
        self._why_other = why_other
        self._misses: dict[Hashable, NearMiss] = {}
        self._of_others: dict[Hashable, NearMiss] = {}
        self._told: dict[Hashable, tuple[NearMiss, ...]] = {}
        self._same: dict[tuple[int, ...], tuple[NearMiss, ...]] = {}

    def of(
        self, target: Target, naming: Naming, fits: Fits, obstacle: Statement | None
    ) -> tuple[NearMiss, ...]:
        """Of those that match and of those that are for something else the first, by their ids."""
        first = naming.without(fits.alike)
        key = None
        if not fits.own and self._are_alike(first[:MOST_NEAR], naming, target.nodes):
            said = obstacle.text if obstacle else None
            key = (id(naming), id(fits.alike), alike(target), said)
            if (told := self._told.get(key)) is not None:
                return told
        found = [*self._matching(fits, obstacle), *self._others(target, first, fits.own)]
        found.sort(key=lambda miss: miss.waiver)
        same = self._same.setdefault(tuple(map(id, found)), tuple(found))
        if key is not None:
            self._told[key] = same
        return same

    def _are_alike(self, first: Tallies, naming: Naming, nodes: tuple[Node, ...]) -> bool:
        """Whether these say the same of all findings with this signature, but for other nodes."""
        open_ones = naming.may_fit(nodes) if first else frozenset()
        return all(
            part.waiver.match.by_signature_and_node and part.waiver.id not in open_ones
            for part in first
        )

    def _matching(self, fits: Fits, obstacle: Statement | None) -> Iterator[NearMiss]:
        """Those that match and can't cover it, or not now."""
        count = len(fits.alike) + len(fits.own)
        for number, tally in enumerate(islice(merge(fits.alike, fits.own, key=_id), MOST_NEAR), 1):
            if number == MOST_NEAR and count > MOST_NEAR:
                yield self._counting(tally, MORE_MATCH, count - MOST_NEAR)
            elif obstacle is not None:
                yield self._miss(tally, obstacle.text, obstacle)
            else:
                yield self._miss(tally, None, partial(tally.why_unusable, self._instant))

    def _others(self, target: Target, first: Tallies, own: Tallies) -> Iterator[NearMiss]:
        fitting = set(map(_id, own))
        count = len(first) - len(own)
        others = (part for part in first if _id(part) not in fitting)
        for number, tally in enumerate(islice(others, MOST_NEAR), 1):
            if number == MOST_NEAR and count > MOST_NEAR:
                yield self._counting(tally, MORE, count - MOST_NEAR)
            else:
                yield self._other(tally, target)

    def _other(self, tally: WaiverTally, target: Target) -> NearMiss:
        match = tally.waiver.match
        if not match.by_signature_and_node:
            return self._told_why(tally, self._why_other(tally, target))
        on_nodes: Tri = None
        if "node" in match.keys:
            on_nodes = match.node_fits(target.nodes, every=True)
        key = (tally.waiver.id, alike(target), on_nodes)
        if (miss := self._of_others.get(key)) is None:
            miss = self._told_why(tally, self._why_other(tally, target))
            self._of_others[key] = miss
        return miss

    def _told_why(self, tally: WaiverTally, why: Why) -> NearMiss:
        return self._miss(tally, why, partial(_told, tally.waiver, why))

    def _counting(self, tally: WaiverTally, code: str, more: int) -> NearMiss:
        return self._miss(tally, (code, more), partial(statement, code, count=more))

    def _miss(
        self, tally: WaiverTally, key: Hashable, why: Statement | Callable[[], Statement]
    ) -> NearMiss:
        of = (tally.waiver.id, key)
        if (miss := self._misses.get(of)) is None:
            said = why if isinstance(why, Statement) else why()
            miss = self._misses[of] = NearMiss(waiver=tally.waiver.id, why=said)
        return miss


MORE, MORE_MATCH = "near.more", "near.more-match"
COUNTING = frozenset({MORE, MORE_MATCH})
"""The codes that count the waivers which are not named."""


def _told(waiver: Waiver, why: Why) -> Statement:
    code, keys = why
    if code.startswith("skip."):
        return statement(code, keys=list(keys))
    return statement(code, keys=list(keys), wanted=_wanted(waiver, keys))


def _condition_text(condition: dict[str, object]) -> str:
    """A condition as a person would read it: its path, then what is asked."""
    asked = [
        f"{name} {value}"
        for name, value in condition.items()
        if name not in ("path", "on") and not isinstance(value, dict)
    ]
    nested = [name for name, value in condition.items() if isinstance(value, dict)]
    return " ".join([str(condition.get("path", "")), *asked, *(f"{name} …" for name in nested)])


def _wanted(waiver: Waiver, keys: Sequence[str]) -> list[str]:
    """What a waiver asks for under some keys, as written."""
    from reporter.policy.load import pattern_text

    shown = []
    for key in keys:
        written = waiver.written.get(key)
        if key == "node" and isinstance(written, dict):
            shown += [f"node.{name} {pattern_text(value)}" for name, value in written.items()]
        elif key == "where":
            conditions = written if isinstance(written, list) else []
            shown += [f"where {_condition_text(part)}" for part in conditions]
        elif key in ("not", "any"):
            shown.append(f"{key}: …")
        else:
            shown.append(f"{key} {pattern_text(written)}")
    return shown
