"""What waivers would silence, over any number of responses, before anyone signs them.

Each response is judged without the previewed waivers, with them, and once more as if all of them
held without end and without bound: how broad a waiver is must not hide behind its dates.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from reporter.errors import InputError
from reporter.policy.evaluate import Decided, Judgement, evaluate, judge, settle_instant
from reporter.policy.load import Policy, Waiver, places_of_waivers
from reporter.precheck.finding import Node, Scope
from reporter.precheck.response import Response
from reporter.record.model import ClusterType, FindingOutcome, Outcome

Read = Response | InputError
"""A response, or why it could not be read: a value, so that one bad file never hides the others."""

_Group = tuple[str, Scope, str | None, FindingOutcome]


@dataclass(frozen=True)
class Silenced:
    """Findings of one check and level in one response that a waiver would turn."""

    response: str
    cluster: str
    check: str
    scope: Scope
    level: str | None
    before: FindingOutcome
    findings: int
    nodes: tuple[Node, ...]


@dataclass(frozen=True)
class Standing:
    """What became of a waiver in one response, as things are at the instant."""

    response: str
    status: str
    text: str


@dataclass
class WaiverPreview:
    """One waiver, and all it would silence."""

    id: str
    place: str
    reason: str
    match: dict[str, Any]
    marks: tuple[str, ...] = ()
    """As the record has them: `permanent`, `undated`, `broad`, `todo`."""
    silenced: list[Silenced] = field(default_factory=list)
    skips: int = 0
    """Checks skipped on the server that it would cover."""
    already: int = 0
    """Of the findings, those that a waiver in force covers already."""
    not_applicable: int = 0
    """Exceptions and the like that it matches and can never cover."""
    standings: list[Standing] = field(default_factory=list)
    stands: str | None = None
    """Where it stands already: in a policy, or in a list that is in force."""

    @property
    def findings(self) -> int:
        """How many findings it would turn."""
        return sum(part.findings for part in self.silenced)

    @property
    def clusters(self) -> list[str]:
        """On which clusters."""
        return sorted({part.cluster for part in self.silenced})

    @property
    def nodes(self) -> int:
        """On how many nodes; one without uid counts as its own."""
        named = {
            (part.cluster, node.uid) for part in self.silenced for node in part.nodes if node.uid
        }
        nameless = sum(not node.uid for part in self.silenced for node in part.nodes)
        return len(named) + nameless

    @property
    def covers_nothing(self) -> bool:
        """Whether no response holds anything it would turn or cover."""
        return not self.silenced and not self.skips


@dataclass(frozen=True)
class ResponsePreview:
    """One response: its verdict without and with the previewed waivers, or why there is none."""

    response: str
    cluster: str | None = None
    at: datetime | None = None
    before: Outcome | None = None
    after: Outcome | None = None
    turned: int = 0
    """Findings and skips that become waived."""
    left: tuple[str, ...] = ()
    """What still stands in the way with the waivers."""
    error: str | None = None

    @property
    def changes(self) -> bool:
        """Whether the verdict would be another one."""
        return self.before != self.after


@dataclass(frozen=True)
class Preview:
    """Everything the previewed waivers would do."""

    waivers: tuple[WaiverPreview, ...]
    responses: tuple[ResponsePreview, ...]
    could_be_waived: int
    """Failed and warning Risks that a waiver could turn at all, over all responses."""
    in_force: int
    """Other waivers that are in force already."""


def preview(
    responses: Iterable[tuple[str, Read]],
    policies: Sequence[str],
    waivers: Sequence[str],
    *,
    in_force: Sequence[str] = (),
    at: str = "now",
    now: datetime,
    cluster_type: ClusterType | None = None,
) -> Preview:
    """What the waiver lists `waivers` would silence under `policies`, beside those `in_force`.

    Responses may come one at a time; none is kept. An instant that can't be settled for one of
    them makes that one a row with its reason.
    """
    policy = Policy.load(*policies, waivers=[*in_force, *waivers])
    # One that stands in the policy as well is kept there, under its place there.
    places = places_of_waivers(waivers)
    new = tuple(waiver for waiver in policy.waivers if waiver.id in places)
    standing = tuple(waiver for waiver in policy.waivers if waiver.id not in places)
    bench = _Bench(policy, standing, new, at, now, cluster_type)
    for waiver in new:
        bench.told[waiver.id] = told = _told(waiver)
        if waiver.source not in waivers or waiver.source in in_force:
            told.place, told.stands = places[waiver.id], told.place
    rows = [bench.row(name, read) for name, read in responses]
    return Preview(
        waivers=tuple(bench.told.values()),
        responses=tuple(rows),
        could_be_waived=bench.could_be_waived,
        in_force=len(standing),
    )


class _Bench:
    """Gathers over responses what each waiver would do."""

    def __init__(
        self,
        policy: Policy,
        standing: tuple[Waiver, ...],
        new: tuple[Waiver, ...],
        at: str,
        now: datetime,
        cluster_type: ClusterType | None,
    ) -> None:
        self._without = replace(policy, waivers=standing)
        self._with = policy
        timeless = tuple(
            replace(waiver, valid_from=None, valid_until=None, max_findings=None) for waiver in new
        )
        self._supposed = replace(policy, waivers=(*standing, *timeless))
        self._at, self._now, self._type = at, now, cluster_type
        self.told: dict[str, WaiverPreview] = {}
        self.could_be_waived = 0

    def row(self, name: str, read: Read) -> ResponsePreview:
        """Judge one response with and without, and note what each waiver does to it."""
        if isinstance(read, InputError):
            return ResponsePreview(name, error=read.message)
        try:
            instant = settle_instant(read, self._at, self._now)
        except InputError as error:
            return ResponsePreview(name, error=error.message)

        before = judge(read, self._without, instant=instant, cluster_type=self._type)
        after = evaluate(read, self._with, at=instant.at, now=self._now, cluster_type=self._type)
        supposed = judge(read, self._supposed, instant=instant, cluster_type=self._type)
        for use in after.waivers:
            if use.id in self.told:
                told = self.told[use.id]
                told.standings.append(Standing(name, use.status, use.why.text))
                told.marks = tuple(dict.fromkeys([*told.marks, *use.marks]))
        self._note(name, before.facts.cluster or name, before, supposed)
        return ResponsePreview(
            response=name,
            cluster=before.facts.cluster,
            at=instant.at,
            before=before.outcome,
            after=after.outcome,
            turned=after.counts.findings.waived + after.counts.skipped_covered - _waived(before),
            left=tuple(reason.what.text for reason in after.reasons),
        )

    def _note(self, name: str, cluster: str, before: Judgement, supposed: Judgement) -> None:
        earlier = {part.finding.pointer: part.outcome for part in before.decided}
        self.could_be_waived += sum(
            part.waivable or part.outcome == "waived" for part in before.decided
        )
        for tally in supposed.waivers:
            if tally.waiver.id in self.told:
                told = self.told[tally.waiver.id]
                told.not_applicable += tally.not_applicable
                told.skips += tally.skipped
        groups: dict[tuple[str, _Group], list[Decided]] = {}
        for part in supposed.decided:
            was = earlier[part.finding.pointer]
            group = (part.target.check or "", part.finding.scope, part.target.level, was)
            for waiver in part.waived_by:
                if waiver in self.told:
                    groups.setdefault((waiver, group), []).append(part)
        for (waiver, (check, scope, level, was)), parts in groups.items():
            told = self.told[waiver]
            told.already += len(parts) if was == "waived" else 0
            told.silenced.append(
                Silenced(
                    response=name,
                    cluster=cluster,
                    check=check,
                    scope=scope,
                    level=level,
                    before=was,
                    findings=len(parts),
                    nodes=tuple(node for part in parts for node in part.finding.nodes),
                )
            )


def _told(waiver: Waiver) -> WaiverPreview:
    place = f"{waiver.source}:{waiver.line}"
    return WaiverPreview(waiver.id, place, reason=waiver.reason, match=waiver.written)


def _waived(judgement: Judgement) -> int:
    return sum(part.outcome == "waived" for part in judgement.decided) + sum(
        skip.outcome == "waived" for skip in judgement.skips
    )
