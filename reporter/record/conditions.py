"""The conditions of a verdict that follow from the rest of its record.

Who writes a record takes them from here, who reads one asks here what has to stand in it, and who
judges without one (an audit) gives the same grounds. What only the response or the policies tell,
such as a misspelt value in a rule, is not among them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from reporter.record.dates import parse_duration

if TYPE_CHECKING:
    from reporter.record.model import (
        Change,
        EvidenceLine,
        Gate,
        Instant,
        Statement,
        Verdict,
        WaiverUse,
    )

CLOCK_SKEW = timedelta(minutes=5)
"""How far in the future an update time may lie before it is not believed."""

LONG_DAYS = 3_650
"""A waiver that holds longer is as good as permanent."""

QUIET = frozenset(
    {
        "condition.no-nodes",
        "condition.files-passed-over",
        "condition.names-absent",
        "condition.exclusions-unmet",
        "condition.fail-on-warn",
        "condition.advisory",
        "condition.redacted",
    }
)
"""Conditions that alone don't make a pass a conditional one."""

SOME = 5
"""Names that are told where nobody knows all of them."""

SLIPS = frozenset(
    {
        "condition.misspelt-values",
        "condition.excluded-values",
        "condition.unknown-fields",
        "condition.ordered-texts",
        "condition.undocumented-values",
        "condition.names-nearly",
        "condition.unlike-values",
    }
)
"""Conditions by which a policy asks in vain: it decides less than whoever wrote it meant."""

REGISTER = frozenset(
    f"condition.waivers-{status}"
    for status in ("expired", "not-yet-valid", "exceeded", "not-applicable", "unused")
)
"""Conditions about waivers that covered nothing."""

Told = dict[str, int | str | datetime | Sequence[str | None]]
"""The parameters of a condition; a check without a name is None."""

Due = tuple[str, Told | None]
"""A condition by its code, and what it says where it holds; None where it does not."""


class Ruling(NamedTuple):
    """A rule that counted findings against a limit, or warned of one."""

    id: str
    effect: str
    """At the instant; `written_effect` is that of its file."""

    written_effect: str
    effective_on: str | None
    exceeded: bool | None
    """Of its limit; None for a rule without one."""

    warned: bool
    """Whether it warned of a finding."""


@dataclass(frozen=True)
class Grounds:
    """What these conditions follow from: of a record, or of a judgement that has none yet."""

    outcome: str
    instant: Instant
    gate: Gate
    change: Change
    phase: str | None
    created: datetime | None
    updated: datetime | None
    expires: datetime | None
    is_expected: bool
    """Whether somebody said which cluster or target version was meant."""

    cluster: str | None
    newer: int
    """How many other tasks of the file are newer than the one that was named."""

    elsewhere: int
    """How many are of another cluster, where nobody said which is meant."""

    lines_around: int
    """How many lines of other text the response stood among."""

    passed_over: Sequence[str]
    """The first of the files beside the response that were not judged."""

    passed_over_count: int
    findings: int
    nodes: int
    warned: int
    """Findings that warn."""

    tolerated: Sequence[str | None]
    """The check of each failed Exception that is tolerated."""

    evidence: Sequence[EvidenceLine]
    skipped: Sequence[tuple[str | None, str]]
    """Name and outcome of each check that was skipped on the server."""

    waivers: Sequence[WaiverUse]
    covered: Collection[tuple[str, ...]]
    """The waivers that together cover a finding or a skipped check."""

    rules: Sequence[Ruling]


def grounds_of(record: Verdict) -> Grounds:
    """What the conditions of a record follow from."""
    subject = record.subject
    entries = [(check.name, entry) for check in record.checks for entry in check.entries]
    warned = {match.rule for _, entry in entries for match in entry.rules if match.effect == "warn"}
    return Grounds(
        outcome=record.outcome,
        instant=record.instant,
        gate=record.gate,
        change=subject.change,
        phase=subject.task_phase,
        created=subject.created.at if subject.created else None,
        updated=subject.updated.at if subject.updated else None,
        expires=subject.expires.at if subject.expires else None,
        is_expected=subject.expected_cluster is not None or subject.expected_target is not None,
        cluster=subject.cluster_id,
        newer=record.source.newer,
        elsewhere=record.source.elsewhere,
        lines_around=record.source.lines_around,
        passed_over=record.source.passed_over,
        passed_over_count=record.source.passed_over_count,
        findings=record.counts.findings.total,
        nodes=record.counts.nodes,
        warned=record.counts.findings.warn,
        tolerated=[name for name, entry in entries if entry.tolerated for _ in entry.places],
        evidence=record.evidence,
        skipped=[(skip.name, skip.outcome) for skip in record.skipped],
        waivers=record.waivers,
        covered={
            *(tuple(entry.waived_by) for _, entry in entries),
            *(tuple(skip.waived_by) for skip in record.skipped),
        },
        rules=[
            Ruling(
                id=rule.id,
                effect=rule.effect,
                written_effect=rule.written_effect,
                effective_on=rule.effective_on,
                exceeded=rule.limit.exceeded if rule.limit is not None else None,
                warned=rule.id in warned,
            )
            for rule in record.rules
        ],
    )


def of_what_is_listed(grounds: Grounds) -> Iterator[Due]:
    """What was let through, and what became of waivers and rules."""

    def counted(code: str, count: int, **names: Sequence[str | None]) -> Due:
        return f"condition.{code}", {"count": count, **names} if count else None

    tolerated = grounds.tolerated
    yield counted("tolerated-exceptions", len(tolerated), checks=_names(tolerated))
    yield counted("warnings", grounds.warned)
    lines = [part.id for part in grounds.evidence if (part.state, part.level) == ("not-ok", "warn")]
    yield counted("evidence-warnings", len(lines), lines=lines)
    for outcome, code in (("warn", "skipped-warnings"), ("note", "skipped-noted")):
        skipped = [name for name, became in grounds.skipped if became == outcome]
        yield counted(code, len(skipped), checks=_names(skipped))
    exceeded = [rule for rule in grounds.rules if rule.exceeded]
    for effect, code in (("warn", "limit-warnings"), ("note", "limits-noted")):
        rules = sorted(rule.id for rule in exceeded if rule.effect == effect)
        yield counted(code, len(rules), rules=rules)
    used = [use for use in grounds.waivers if use.status == "used"]
    yield counted("waivers-used", len(used), waivers=sorted(use.id for use in used))
    for mark in ("undated", "permanent", "broad", "todo"):
        waivers = sorted(use.id for use in used if mark in use.marks)
        yield counted(f"waivers-{mark}", len(waivers), waivers=waivers)
    # `elsewhere` is no condition: a pooled list speaks of many clusters.
    for status in ("expired", "not-yet-valid", "exceeded", "not-applicable", "unused"):
        waivers = sorted(use.id for use in grounds.waivers if use.status == status)
        yield counted(f"waivers-{status}", len(waivers), waivers=waivers)
    late = _postponed(grounds)
    yield counted("rules-postponed", len(late), rules=sorted(late), dates=sorted({*late.values()}))


def of_the_circumstances(grounds: Grounds) -> Iterator[Due]:
    """When and how it was judged, and what was left open."""
    at, updated = grounds.instant.at, grounds.updated

    def due(code: str, holds: bool, **told: str | datetime | None) -> Due:
        said: Told = {name: value for name, value in told.items() if value is not None}
        return f"condition.{code}", said if holds else None

    yield due("backdated", grounds.instant.backdated, at=at)
    yield due("postdated", grounds.instant.postdated, at=at)
    made = max((time for time in (grounds.created, updated) if time is not None), default=at)
    yield due("before-check", made - at > CLOCK_SKEW, at=at, updated=made)
    yield due("no-cluster", grounds.cluster is None)
    yield "condition.newer-task", {"count": grounds.newer} if grounds.newer else None
    count = grounds.elsewhere
    yield "condition.other-clusters", {"count": count} if count else None
    lines = grounds.lines_around
    yield "condition.text-around", {"count": lines} if lines else None
    files, count = list(grounds.passed_over), grounds.passed_over_count
    if len(files) < count:  # of these not all have a name here
        files = [*files[:SOME], "…"]
    yield "condition.files-passed-over", {"count": count, "files": files} if count else None
    yield due("recheck-needed", grounds.outcome == "pass" and grounds.phase == "Failed")
    yield due("no-nodes", grounds.findings > 0 and not grounds.nodes)
    expires = holds_until(grounds.evidence, updated, grounds.expires)
    start, end = grounds.change.window_start, grounds.change.window_end
    before = expires is not None and start is not None and expires <= start
    within = expires is not None and end is not None and expires < end and not before
    yield due("expires-before-window", before, expires=expires, window=start)
    yield due("expires-in-window", within, expires=expires, window=end)
    yield due("window-over", end is not None and end <= at, at=at, window=end)
    ended = _uncovered_at(grounds, end)
    code = "condition.waivers-end-before"
    told: Told = {"count": len(ended), "waivers": ended}
    yield code, {**told, "window": end} if ended and end is not None else None
    is_off = any(part.id == "identity" and part.level == "off" for part in grounds.evidence)
    yield due("expectation-not-checked", grounds.is_expected and is_off)
    yield due("fail-on-warn", grounds.gate.fail_on == "warn")
    yield due("advisory", grounds.gate.advisory is not None, reason=grounds.gate.advisory)


def _uncovered_at(grounds: Grounds, moment: datetime | None) -> list[str]:
    """Used waivers that end before a moment, where no other goes on covering what they cover."""
    ended = {use.id for use in grounds.waivers if use.status == "used" and _ends(use, moment)}
    gone = (names for names in grounds.covered if ended.issuperset(names))
    return sorted({name for names in gone for name in names})


def _ends(use: WaiverUse, moment: datetime | None) -> bool:
    return moment is not None and use.valid_until is not None and use.valid_until < moment


def holds_until(
    evidence: Iterable[EvidenceLine], updated: datetime | None, expires: datetime | None
) -> datetime | None:
    """When a check expires: by itself, or as the policy counts from the update time."""
    ends = [] if expires is None else [expires]
    for line in evidence:
        for said in line.statements:
            length = said.params.get(_COUNTED.get(said.code, ""))
            if length is not None and updated is not None:
                # One that ends after all calendars do; a record may say anything.
                with suppress(OverflowError, ValueError):
                    ends.append(updated + parse_duration(str(length)))
    return min(ends, default=None)


_COUNTED = {"evidence.unexpired.validity-ok": "validity", "evidence.fresh.ok": "max_age"}


def are_conditional(conditions: Iterable[Statement]) -> bool:
    """Whether a pass under these is one with conditions."""
    return any(part.code not in QUIET for part in conditions)


def headline_of(record: Verdict, conditions: Iterable[Statement]) -> str:
    """The code of the headline, by the outcome and the conditions of a record."""
    if record.outcome != "pass":
        return f"headline.{record.outcome}"
    if record.refused_for_warnings:
        return "headline.pass-refused"
    if are_conditional(conditions):
        return "headline.pass-conditions"
    return "headline.pass"


def never_ends(valid_until: datetime | None, instant: datetime) -> bool:
    """Whether a waiver is as good as permanent: 9999-12-31 is somebody's "never"."""
    return valid_until is None or (valid_until - instant).days > LONG_DAYS


def _names(names: Iterable[str | None]) -> list[str | None]:
    """Each once, sorted, and None last."""
    return sorted(set(names), key=lambda name: (name is None, name or ""))


def _postponed(grounds: Grounds) -> dict[str, str]:
    """The rules that only warned of something here because they fail from a later day on."""
    return {
        rule.id: rule.effective_on
        for rule in grounds.rules
        if (rule.exceeded if rule.exceeded is not None else rule.warned)
        and (rule.effect, rule.written_effect) == ("warn", "fail")
        and rule.effective_on is not None
    }
