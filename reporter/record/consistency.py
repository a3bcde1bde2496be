"""What in a record follows from the rest of it, worked out again: none of it is believed.

Whoever changed a record after it was written has to change all of this alike; that the evidence
says something else is then for judging again to find. English texts are not looked at: reports
say each statement by its code.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from reporter.record.model import OUTCOMES_WORST_FIRST, Counts, OutcomeCounts

if TYPE_CHECKING:
    from reporter.record.model import Check, LimitUse, Param, Verdict, WaiverUse


def contradictions(record: Verdict) -> Iterator[str]:
    """Each thing that disagrees with the rest of the record, as the end of an error line."""
    for check in record.checks:
        yield from _of_check(check, record.counts.nodes)
    for skip in record.skipped:
        if (skip.outcome == "waived") != bool(skip.waived_by):
            yield f"skipped check {skip.name}: {skip.outcome} does not fit its waivers"
    yield from _of_waivers(record)
    yield from _of_rules(record)
    if record.counts != _counts(record):
        yield "the totals are not those of the checks"
    if record.outcome != record.implied_outcome():
        yield f"outcome {record.outcome} does not follow from what the record lists"
    if record.headline.code not in _headlines(record):
        yield f"the headline is not one of a {record.outcome}"
    yield from _of_reasons(record)
    yield from _of_conditions(record)
    yield from _of_summary(record)


def _of_check(check: Check, nodes: int) -> Iterator[str]:
    named = f"check {check.name}"
    for outcome in OUTCOMES_WORST_FIRST:
        listed = sum(len(e.places) for e in check.entries if e.outcome == outcome)
        number = check.findings.of(outcome)
        # Most of what passed is only counted.
        if listed > number if outcome == "pass" else listed != number:
            yield f"{named}: {number} findings {outcome}, {listed} listed"
    worst = next((one for one in OUTCOMES_WORST_FIRST if check.findings.of(one)), "pass")
    if check.outcome != worst:
        yield f"{named}: outcome {check.outcome} where the worst of its findings is {worst}"
    if any((entry.outcome == "waived") != bool(entry.waived_by) for entry in check.entries):
        yield f"{named}: what is waived does not fit its waivers"
    seen = min(check.findings.total, nodes) if check.scope == "node" else 0
    if check.nodes_seen != seen:
        yield f"{named}: {check.nodes_seen} nodes seen where it comes to {seen}"
    for what, values in (("kind", check.kinds), ("level", check.levels)):
        if not {getattr(entry, what) or None for entry in check.entries} <= {None, *values}:
            yield f"{named}: its {what}s are not those of its findings"


def _of_waivers(record: Verdict) -> Iterator[str]:
    findings: Counter[str] = Counter()
    for check in record.checks:
        for entry in check.entries:
            for name in entry.waived_by:
                findings[name] += len(entry.places)
    skipped = Counter(name for skip in record.skipped for name in skip.waived_by)
    for use in record.waivers:
        covers = findings.pop(use.id, 0), skipped.pop(use.id, 0)
        if (use.findings, use.skipped) != covers or (use.status == "used") != any(covers):
            yield f"waiver {use.id}: what it covers is not what is waived by it"
        if use.days_left != (left := _days_left(use, record)):
            yield f"waiver {use.id}: {use.days_left} days left where it comes to {left}"
    for name in (*findings, *skipped):
        yield f"waiver {name}: covers something and is not listed"


def _days_left(use: WaiverUse, record: Verdict) -> int | None:
    return (use.valid_until - record.instant.at).days if use.valid_until is not None else None


def _of_rules(record: Verdict) -> Iterator[str]:
    hits: Counter[str] = Counter()
    for check in record.checks:
        for entry in check.entries:
            for match in entry.rules:
                hits[match.rule] += len(entry.places)
    for rule in record.rules:
        if rule.hits != hits.pop(rule.id, 0):
            yield f"rule {rule.id}: {rule.hits} hits where its findings say otherwise"
        if rule.limit is not None and rule.limit.exceeded != _is_exceeded(rule.limit):
            yield f"rule {rule.id}: exceeded does not follow from what its limit counted"
    for name in hits:
        yield f"rule {name}: matches something and is not listed"


def _is_exceeded(limit: LimitUse) -> bool:
    if limit.max is not None:
        return limit.failed > limit.max
    return limit.max_percent is not None and limit.failed * 100 > limit.max_percent * limit.base


def _counts(record: Verdict) -> Counts:
    checks = record.checks
    findings = {one: sum(c.findings.of(one) for c in checks) for one in OUTCOMES_WORST_FIRST}
    by_check = {one: sum(c.outcome == one for c in checks) for one in OUTCOMES_WORST_FIRST}
    return Counts(
        findings=OutcomeCounts.model_validate(findings),
        checks=OutcomeCounts.model_validate(by_check),
        skipped=len(record.skipped),
        skipped_covered=sum(skip.outcome == "waived" for skip in record.skipped),
        nodes=record.counts.nodes,
        tolerated_exceptions=sum(
            len(entry.places) for check in checks for entry in check.entries if entry.tolerated
        ),
    )


def _headlines(record: Verdict) -> set[str]:
    if record.outcome != "pass":
        return {f"headline.{record.outcome}"}
    if record.refused_for_warnings:
        return {"headline.pass-refused"}
    counts = record.counts
    if record.has_warnings or counts.findings.waived or counts.tolerated_exceptions:
        return {"headline.pass-conditions"}
    return {"headline.pass", "headline.pass-conditions"}


def _of_reasons(record: Verdict) -> Iterator[str]:
    """Each failure and each doubt has its reason, and there is no other failure."""
    due: Counter[tuple[str, str | None, str | None]] = Counter()
    for check in record.checks:
        for outcome in ("fail", "unknown"):
            due[outcome, check.name, check.scope] += check.findings.of(outcome) > 0
    for skip in record.skipped:
        due["fail", skip.name, None] += skip.outcome == "fail"
    due["fail", None, None] += _exceeded(record)
    given = Counter((part.outcome, part.check, part.scope) for part in record.reasons)
    doubts = given.pop(("inconclusive", None, None), 0)
    if given != +due or doubts < _not_held(record):
        yield "the reasons are not those of what the record lists"


def _of_conditions(record: Verdict) -> Iterator[str]:
    """What is listed and was let through is said; of other conditions a record says no more."""
    due = Counter(
        {
            "tolerated-exceptions": record.counts.tolerated_exceptions,
            "warnings": record.counts.findings.warn,
            "evidence-warnings": sum(
                line.state == "not-ok" and line.level == "warn" for line in record.evidence
            ),
        }
    )
    for skip in record.skipped:
        due["skipped-warnings"] += skip.outcome == "warn"
        due["skipped-noted"] += skip.outcome == "note"
    for rule in record.rules:
        if rule.limit is not None and rule.limit.exceeded:
            due["limit-warnings"] += rule.effect == "warn"
            due["limits-noted"] += rule.effect == "note"
    for use in record.waivers:
        due[f"waivers-{use.status}"] += use.status != "elsewhere"
        if use.status == "used":
            due.update(f"waivers-{mark}" for mark in use.marks)
    given = {part.code.removeprefix("condition."): part for part in record.conditions}
    for name, number in due.items():
        told = given[name].params.get("count") if name in given else 0
        if told != number:
            yield f"condition.{name} does not follow from what the record lists"


def _of_summary(record: Verdict) -> Iterator[str]:
    """The numbers under the headline."""
    kinds = [part.kind for part in record.reasons if part.outcome == "fail" and part.scope]
    exceptions, risks = kinds.count("Exception"), kinds.count("Risk")
    counts = record.counts
    numbers = {
        "exceptions": exceptions,
        "risks": risks,
        "others": len(kinds) - exceptions - risks,
        "limits": _exceeded(record),
        "skipped": sum(skip.outcome == "fail" for skip in record.skipped),
        "evidence": _not_held(record),
        "waived": counts.findings.waived,
        "unknown": sum(check.findings.unknown > 0 for check in record.checks),
    }
    due: dict[str, dict[str, Param]] = {
        f"summary.{name}": {"count": number} for name, number in numbers.items()
    }
    passed = {0: "-no-nodes", 1: "-one-node"}.get(counts.nodes, "")
    due[f"summary.passed{passed}"] = {
        "passed": counts.checks.passed,
        "total": counts.checks.total,
        "nodes": counts.nodes,
    }
    for part in record.summary:
        known = part.code in due or part.code.startswith("summary.passed")
        if known and part.params != due.get(part.code):
            yield f"{part.code} does not follow from what the record lists"


def _exceeded(record: Verdict) -> int:
    return sum(
        rule.limit is not None and rule.limit.exceeded and rule.effect == "fail"
        for rule in record.rules
    )


def _not_held(record: Verdict) -> int:
    return sum(line.state == "not-ok" and line.level == "require" for line in record.evidence)
