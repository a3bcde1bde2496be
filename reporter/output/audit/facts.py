"""What an audit found, as plain numbers and names: what its reports are made from.

Filled from the store by `audit/summary.py`. Copies of a response are counted once, unless a field
says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

OUTCOMES = ("fail", "inconclusive", "pass")
"""Verdicts, worst first."""


MOST_RECENT = 12
"""How many of a cluster's last verdicts are shown."""


@dataclass(frozen=True)
class Tally:
    """How many responses had which verdict."""

    fail: int = 0
    inconclusive: int = 0
    passed: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.fail + self.inconclusive + self.passed

    def of(self, outcome: str) -> int:
        """The number of one verdict."""
        number: int = getattr(self, "passed" if outcome == "pass" else outcome)
        return number


@dataclass(frozen=True)
class Period:
    """A month, quarter or year, and the verdicts on checks made in it."""

    name: str
    tally: Tally


@dataclass(frozen=True)
class Cluster:
    """A cluster over the whole time."""

    id: str | None
    tally: Tally
    latest_outcome: str
    latest_at: str | None
    latest_upgrade: str
    latest_reason: str
    recent: tuple[str, ...]
    """The outcomes of its last checks, oldest first."""

    latest_conditional: bool = False
    """Whether its latest response passes with conditions."""


@dataclass(frozen=True)
class CheckFacts:
    """A check item over the whole fleet."""

    name: str | None
    scope: str
    kind: str | None
    level: str | None
    responses: int
    """Responses that hold it."""

    failing: int
    """Of these, those in which a finding of it fails; each counts by the worst of its findings."""

    unknown_in: int
    """Those in which none fails and one can't be judged; so on, down to the waived."""

    warned_in: int
    waived_in: int
    clusters: int
    """Clusters it fails in."""

    fail: int
    unknown: int
    warn: int
    waived: int
    note: int
    passed: int
    first: tuple[int, int]
    """Failing and holding responses in the first half of the time; `second` in the rest."""

    second: tuple[int, int]

    @property
    def elsewhere(self) -> int:
        """Responses in which it does not fail, and does not simply pass either."""
        return self.unknown_in + self.warned_in + self.waived_in


@dataclass(frozen=True)
class WaiverFacts:
    """A waiver over the whole fleet."""

    id: str
    source: str
    line: int
    status: str
    marks: tuple[str, ...]
    check: str
    reason: str
    approved_by: str | None
    ticket: str | None
    starts: str | None
    expires: str | None
    days_left: int | None
    responses: int
    clusters: int
    findings: int
    skipped: int
    missed: int
    missed_responses: int
    not_applicable: int
    exceeded: int
    """Responses in which it matched more than its `max_findings`."""

    checks: int
    first_used: str | None
    last_used: str | None


@dataclass(frozen=True)
class UnreadableFacts:
    """An input that could not be read, and why."""

    name: str
    reason: str
    hint: str | None


@dataclass(frozen=True)
class TwinFacts:
    """A task uid that stands in the archive more than once."""

    uid: str
    names: tuple[str, ...]
    versions: int
    """How many different contents it has; 1: they are copies."""

    count: int


@dataclass(frozen=True)
class EvidenceFacts:
    """A line of evidence that did not hold."""

    line: str
    level: str
    responses: int
    example: str


@dataclass(frozen=True)
class ConditionFacts:
    """A condition over the whole fleet: what a person has to know of a verdict."""

    code: str
    text: str
    """Of a slip what it is about; of others, which differ by response, that of one of them."""

    role: str
    """`judged by` or `compared with`: of which policy it is told."""

    is_slip: bool
    """Whether by it the policy asks in vain."""

    responses: int
    passing: int


@dataclass(frozen=True)
class VersionFacts:
    """An upgrade path that was checked."""

    before: str
    target: str
    tally: Tally


@dataclass(frozen=True)
class SkippedFacts:
    """A check that was skipped on the server."""

    name: str | None
    responses: int
    covered: int


@dataclass(frozen=True)
class ChangeFacts:
    """A response whose verdict another policy would change."""

    id: str
    name: str
    cluster: str | None
    at: str | None
    was: str
    becomes: str
    why: tuple[str, ...]
    report: str | None


@dataclass(frozen=True)
class Comparison:
    """What another policy would say."""

    policies: tuple[str, ...]
    moves: tuple[tuple[str, str, int], ...]
    """From which verdict to which, and how many."""

    same: int
    changes: tuple[ChangeFacts, ...]
    """The first of them."""

    @property
    def changing(self) -> int:
        """How many verdicts would change."""
        return sum(count for _, _, count in self.moves)


@dataclass(frozen=True)
class UpgradeFacts:
    """An upgrade that was really made, and the last check before it."""

    cluster: str
    at: str
    change: str
    outcome: str | None
    said: str
    response: str | None
    expired: bool = False
    """Whether that check had expired by the time of the upgrade, as the policy counts."""

    used: bool = False
    """Whether an earlier upgrade of the cluster has used it: it is of the cluster before that."""

    conditional: bool = False
    """Whether that check passed with conditions."""

    @property
    def fit(self) -> bool:
        """Whether it was made on a response that passed and still held: for no upgrade before."""
        return self.outcome == "pass" and not self.expired and not self.used


@dataclass(frozen=True)
class ResponseFacts:
    """One response."""

    id: str
    name: str
    cluster: str | None
    upgrade: str
    at: str | None
    outcome: str
    reason: str
    report: str | None
    copy: bool
    failing: tuple[tuple[str, str | None], ...] = ()
    """Scope and name of every check that fails in it; none of a copy, which counts nowhere."""

    conditional: bool = False
    """Whether it passes with conditions."""


@dataclass(frozen=True)
class PolicyFacts:
    """A policy or waiver file."""

    kind: str
    name: str
    version: str | None
    owner: str | None
    source: str
    sha256: str
    role: str


def exit_code(tally: Tally, *, unreadable: int, unused: int) -> int:
    """Of a whole audit: unreadable outranks fail, and fail inconclusive."""
    if unreadable:
        return 4
    if tally.fail or unused:
        return 1
    return 3 if tally.inconclusive or not tally.passed else 0


@dataclass(frozen=True)
class AuditFacts:
    """A whole audit."""

    tool_version: str
    basis: str
    """`response`, `now` or `given`."""

    given: datetime | None
    """The instant of `now` and `given`."""

    as_of: datetime | None
    """From when the days left of waivers are counted: the given instant, else the newest judged."""

    locations: tuple[str, ...]
    policies: tuple[PolicyFacts, ...]
    inputs: int
    archives: int
    responses: int
    """Rows that could be read, copies and all."""

    copies: int
    unreadable: int
    tally: Tally
    clusters: int
    first: str | None
    last: str | None
    undated: int
    periods: tuple[Period, ...]
    by_cluster: tuple[Cluster, ...]
    checks: tuple[CheckFacts, ...]
    waivers: tuple[WaiverFacts, ...]
    twins: tuple[TwinFacts, ...]
    unreadable_inputs: tuple[UnreadableFacts, ...]
    evidence: tuple[EvidenceFacts, ...]
    versions: tuple[VersionFacts, ...]
    skipped: tuple[SkippedFacts, ...]
    listed: tuple[ResponseFacts, ...]
    """Responses, the worst and newest first; not all where there are very many."""

    reports: str
    allow_unreadable: bool
    only_expired: int = 0
    """Inconclusive responses that nothing keeps from passing but that they had expired."""

    conditions: tuple[ConditionFacts, ...] = ()
    """Where a policy asks in vain first; each kind by the number of responses."""

    slips: Mapping[str, int] = field(default_factory=dict)
    """By the role of a policy, in how many ways it asks in vain; `conditions` has the first."""

    conditional: int = 0
    """Responses that pass with conditions."""

    conditional_in_deed: int = 0
    """Those with others than that waivers cover nothing there."""

    comparison: Comparison | None = None
    upgrades: tuple[UpgradeFacts, ...] = field(default=())

    def exit_code(self, *, unused_fails: bool) -> int:
        """Of the whole audit."""
        return exit_code(
            self.tally,
            unreadable=0 if self.allow_unreadable else self.unreadable,
            unused=len(self.unused) if unused_fails else 0,
        )

    @property
    def unused(self) -> tuple[WaiverFacts, ...]:
        """Waivers that covered nothing anywhere, and would have covered nothing."""
        return tuple(part for part in self.waivers if part.status == "unused")
