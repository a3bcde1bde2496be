"""What a page is made of: plain frozen values for templates to loop over.

Texts are cleaned and in the page's language, lists are sorted worst first: `view.py` sees to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reporter.output.pictures import Segment
from reporter.record.model import OUTCOMES_WORST_FIRST
from reporter.words import LanguageTag


@dataclass(frozen=True)
class Tag:
    """An outcome: its word and the name of its shape, which is also its colour."""

    word: str
    shape: str


@dataclass(frozen=True)
class Fact:
    """A label, what it says, and smaller lines below."""

    label: str
    value: str
    notes: tuple[str, ...] = ()
    mono: bool = False


@dataclass(frozen=True)
class Help:
    """What the catalogue knows of a check."""

    heading: str | None
    """The title as it stands beside the item's name."""
    title: str | None
    checks: str | None
    fix: str | None
    link: str | None
    runbook: str | None
    certainty: str | None
    as_of: str


@dataclass(frozen=True)
class Why:
    """A reason: what, why, what to do, and what nearly covered it."""

    tag: Tag
    what: str
    details: tuple[str, ...]
    why: str
    actions: tuple[str, ...]
    near_misses: tuple[str, ...]
    kind_level: str | None
    check_id: str | None
    link: str | None
    runbook: str | None


@dataclass(frozen=True)
class EvidenceRow:
    """A line of evidence."""

    id: str
    name: str
    tag: Tag
    level: str
    statements: tuple[str, ...]
    pointers: tuple[str, ...]


@dataclass(frozen=True)
class Accepted:
    """A waiver that covers something, as it is named beside what it covers."""

    id: str
    anchor: str
    line: str
    reason: str
    more: str = ""
    """In the place of all else, behind the last of very many: how many more there are."""


@dataclass(frozen=True)
class Skip:
    """A check CCE did not run because somebody put it on the skip list."""

    id: str
    name: str
    tag: Tag
    where: str
    node_uids: tuple[str, ...]
    why: str
    accepted: tuple[Accepted, ...]
    near_misses: tuple[str, ...]
    pointer: str
    help: Help | None


@dataclass(frozen=True)
class Count:
    """How many checks and findings have an outcome."""

    tag: Tag
    checks: str
    findings: str
    some: bool


@dataclass(frozen=True)
class Bar:
    """How often each outcome came, drawn to scale beside the table that says it in numbers."""

    label: str
    segments: tuple[Segment, ...]


@dataclass(frozen=True)
class NodeName:
    """A node by what people call it, with its id and what else is known."""

    name: str
    uid: str | None
    notes: str | None


@dataclass(frozen=True)
class Column:
    """A column's heading, and the name a style sheet knows it by."""

    name: str
    style: str


@dataclass(frozen=True)
class Table:
    """Risk sources of one type."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    wide: bool


@dataclass(frozen=True)
class Member:
    """Findings with the same message: where they are and what comes with them."""

    id: str
    message: str | None
    said: tuple[str, ...]
    nodes: tuple[NodeName, ...]
    pointers: tuple[str, ...]
    tables: tuple[Table, ...]
    stub: str | None


@dataclass(frozen=True)
class Group:
    """Findings of a check that were decided alike; their members differ in message and place."""

    tag: Tag
    outcome: str
    kind: str
    level: str
    where: str
    kind_level: str
    traits: str
    why: str
    rules: tuple[str, ...]
    remediation: tuple[str, ...]
    accepted: tuple[Accepted, ...]
    near_misses: tuple[str, ...]
    tolerated: bool
    members: tuple[Member, ...]
    more: str | None


@dataclass(frozen=True)
class CheckView:
    """A check that did not pass everywhere."""

    id: str
    name: str
    tag: Tag
    scope: str
    scope_key: str
    where: str
    kind_level: str
    counts: str
    findings: int
    open: bool
    help: Help | None
    groups: tuple[Group, ...]


@dataclass(frozen=True)
class Passed:
    """A check that passed wherever it ran."""

    name: str
    where: str


@dataclass(frozen=True)
class Concern:
    """What one node has."""

    tag: Tag
    check: str
    check_id: str
    linked: bool = True
    """Whether the check is among those listed."""


@dataclass(frozen=True)
class NodeSet:
    """The nodes that the same was found on."""

    count: str
    concerns: tuple[Concern, ...]
    nodes: tuple[NodeName, ...]


@dataclass(frozen=True)
class MapColumn:
    """A node, or nodes that the same was found on."""

    name: str
    title: str


@dataclass(frozen=True)
class MapRow:
    """A check, and what it found on the nodes of each column; None where it did not fail."""

    check: str
    check_id: str
    cells: tuple[Tag | None, ...]
    linked: bool = True


@dataclass(frozen=True)
class NodeMap:
    """Which checks concern which nodes, as a grid."""

    caption: str
    columns: tuple[MapColumn, ...]
    rows: tuple[MapRow, ...]


@dataclass(frozen=True)
class Facets:
    """What the findings shown can be narrowed down by: values that occur."""

    outcomes: tuple[Tag, ...]
    kinds: tuple[str, ...]
    levels: tuple[str, ...]
    scopes: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Waiver:
    """A waiver of the register."""

    anchor: str
    id: str
    tag: Tag
    why: str
    marks: tuple[str, ...]
    reason: str
    approval: str
    short: str
    """Until when, by whom and on what ticket."""
    validity: str
    left: str
    covers: str
    accepts: tuple[str, ...]
    """What it turns or covers, the worst first: the check, what it says, its kind and level. Of
    very much the first few, which is all that anybody is shown."""
    accepts_more: int
    """How much more it is."""
    rank: int
    """Where the first of that stands in the record, whose worst checks come first."""
    match: tuple[str, ...]
    where: str


@dataclass(frozen=True)
class PolicyFile:
    """A policy or waiver file."""

    kind: str
    name: str
    version: str
    owner: str
    title: str
    holds: str
    source: str
    sha256: str


@dataclass(frozen=True)
class Rule:
    """A rule and how often it mattered."""

    id: str
    title: str | None
    effect: str
    shape: str
    notes: tuple[str, ...]
    hits: str
    decided: str
    where: str


@dataclass(frozen=True)
class File:
    """A file the verdict rests on."""

    role: str
    name: str
    size: str
    sha256: str


@dataclass(frozen=True)
class CoverReason:
    """A reason, short enough for a cover."""

    tag: Tag
    what: str
    action: str


@dataclass(frozen=True)
class Cover:
    """What an approver reads when they read one page: everything cut to fit it."""

    summary: str
    notices: tuple[str, ...]
    facts: tuple[tuple[Fact, Fact | None], ...]
    reasons: tuple[CoverReason, ...]
    more_reasons: str | None
    conditions: tuple[str, ...]
    more_conditions: str | None


@dataclass(frozen=True)
class Report:
    """A whole page."""

    lang: LanguageTag
    view: str
    """For whom this is, in words."""
    title: str
    description: str
    eyebrow: str
    judged_iso: str
    tag: Tag
    outcome: str
    headline: str
    summary: tuple[str, ...]
    notices: tuple[Fact, ...]
    conditions: tuple[str, ...]
    running: str
    prepared_by: str
    facts: tuple[Fact, ...]
    cover: Cover
    reasons: tuple[Why, ...]
    reasons_alike: tuple[tuple[Why, ...], ...]
    evidence_line: str
    evidence: tuple[EvidenceRow, ...]
    skipped_line: str | None
    skipped: tuple[Skip, ...]
    has_stubs: bool
    finding_line: str
    counts: tuple[Count, ...]
    bars: tuple[Bar, ...]
    facets: Facets
    again: str
    """The command that judges the same again, with a waiver list of its own."""
    recheck: str
    """The command that judges a new response by the same policies."""
    checks: tuple[CheckView, ...]
    checks_more: int
    """How many checks that did not pass everywhere are not listed."""
    passed_line: str
    passed: tuple[Passed, ...]
    nodes_line: str | None
    nodes: tuple[NodeSet, ...]
    nodes_more: str | None
    node_map: NodeMap | None
    withheld: str | None
    """How many differing findings are not shown one by one; None where all are."""
    waiver_line: str
    waivers: tuple[Waiver, ...]
    policies: tuple[PolicyFile, ...]
    defaults: tuple[Fact, ...]
    rule_line: str
    rules: tuple[Rule, ...]
    source: tuple[Fact, ...]
    files: tuple[File, ...]
    stamp: str


def worst(outcomes: Iterable[str]) -> int:
    """The place of the worst of some outcomes, from 0; behind all where there is none."""
    order: Sequence[str] = OUTCOMES_WORST_FIRST
    return min((order.index(outcome) for outcome in outcomes), default=len(order))
