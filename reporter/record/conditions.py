"""The conditions of a verdict that follow from the rest of its record.

Who writes a record takes them from here, and who reads one asks here what has to stand in it. What
only the response or the policies tell, such as a misspelt value in a rule, is not among them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from reporter.record.dates import parse_duration

if TYPE_CHECKING:
    from reporter.record.model import Statement, Verdict, WaiverUse

CLOCK_SKEW = timedelta(minutes=5)
"""How far in the future an update time may lie before it is not believed."""

LONG_DAYS = 3_650
"""A waiver that holds longer is as good as permanent."""

_QUIET = frozenset(
    {
        "condition.no-nodes",
        "condition.fail-on-warn",
        "condition.advisory",
        "condition.redacted",
    }
)
"""Conditions that alone don't make a pass a conditional one."""

Told = dict[str, int | str | datetime | Sequence[str | None]]
"""The parameters of a condition; a check without a name is None."""

Due = tuple[str, Told | None]
"""A condition by its code, and what it says where it holds; None where it does not."""


def of_what_is_listed(record: Verdict) -> Iterator[Due]:
    """What was let through, and what became of waivers and rules."""

    def counted(code: str, count: int, **names: Sequence[str | None]) -> Due:
        return f"condition.{code}", {"count": count, **names} if count else None

    checks = [part.name for part in record.checks if any(one.tolerated for one in part.entries)]
    yield counted("tolerated-exceptions", record.counts.tolerated_exceptions, checks=_names(checks))
    yield counted("warnings", record.counts.findings.warn)
    lines = [part.id for part in record.evidence if (part.state, part.level) == ("not-ok", "warn")]
    yield counted("evidence-warnings", len(lines), lines=lines)
    for outcome, code in (("warn", "skipped-warnings"), ("note", "skipped-noted")):
        skipped = [skip.name for skip in record.skipped if skip.outcome == outcome]
        yield counted(code, len(skipped), checks=_names(skipped))
    exceeded = [rule for rule in record.rules if rule.limit is not None and rule.limit.exceeded]
    for effect, code in (("warn", "limit-warnings"), ("note", "limits-noted")):
        rules = sorted(rule.id for rule in exceeded if rule.effect == effect)
        yield counted(code, len(rules), rules=rules)
    used = [use for use in record.waivers if use.status == "used"]
    yield counted("waivers-used", len(used), waivers=sorted(use.id for use in used))
    for mark in ("undated", "permanent", "broad", "todo"):
        waivers = sorted(use.id for use in used if mark in use.marks)
        yield counted(f"waivers-{mark}", len(waivers), waivers=waivers)
    # `elsewhere` is no condition: a pooled list speaks of many clusters.
    for status in ("expired", "not-yet-valid", "exceeded", "not-applicable", "unused"):
        waivers = sorted(use.id for use in record.waivers if use.status == status)
        yield counted(f"waivers-{status}", len(waivers), waivers=waivers)
    late = _postponed(record)
    yield counted("rules-postponed", len(late), rules=sorted(late), dates=sorted({*late.values()}))


def of_the_circumstances(record: Verdict) -> Iterator[Due]:
    """When and how it was judged, and what was left open."""
    subject, at = record.subject, record.instant.at

    def due(code: str, holds: bool, **told: str | datetime | None) -> Due:
        said: Told = {name: value for name, value in told.items() if value is not None}
        return f"condition.{code}", said if holds else None

    yield due("backdated", record.instant.backdated, at=at)
    yield due("postdated", record.instant.postdated, at=at)
    updated = subject.updated.at if subject.updated else None
    early = updated is not None and updated - at > CLOCK_SKEW
    yield due("before-check", early, at=at, updated=updated)
    yield due("recheck-needed", record.outcome == "pass" and subject.task_phase == "Failed")
    yield due("no-nodes", record.counts.findings.total > 0 and not record.counts.nodes)
    expires = _holds_until(record)
    start, end = subject.change.window_start, subject.change.window_end
    before = expires is not None and start is not None and expires <= start
    within = expires is not None and end is not None and expires < end and not before
    yield due("expires-before-window", before, expires=expires, window=start)
    yield due("expires-in-window", within, expires=expires, window=end)
    yield due("window-over", end is not None and end <= at, at=at, window=end)
    ended = _uncovered_at(record, end)
    code = "condition.waivers-end-before"
    told: Told = {"count": len(ended), "waivers": ended}
    yield code, {**told, "window": end} if ended and end is not None else None
    expected = subject.expected_cluster is not None or subject.expected_target is not None
    is_off = any(part.id == "identity" and part.level == "off" for part in record.evidence)
    yield due("expectation-not-checked", expected and is_off)
    yield due("fail-on-warn", record.gate.fail_on == "warn")
    yield due("advisory", record.gate.advisory is not None, reason=record.gate.advisory)


def _uncovered_at(record: Verdict, moment: datetime | None) -> list[str]:
    """Used waivers that end before a moment, where no other goes on covering what they cover."""
    ended = {use.id for use in record.waivers if use.status == "used" and _ends(use, moment)}
    covered = [entry.waived_by for check in record.checks for entry in check.entries]
    covered += [skip.waived_by for skip in record.skipped]
    return sorted({name for names in covered if ended.issuperset(names) for name in names})


def _ends(use: WaiverUse, moment: datetime | None) -> bool:
    return moment is not None and use.valid_until is not None and use.valid_until < moment


def _holds_until(record: Verdict) -> datetime | None:
    """When the check expires: by itself, or as the policy counts from the update time."""
    subject = record.subject
    updated = subject.updated.at if subject.updated else None
    ends = [subject.expires.at] if subject.expires else []
    for line in record.evidence:
        for said in line.statements:
            length = said.params.get(_COUNTED.get(said.code, ""))
            if length is not None and updated is not None:
                # One that ends after all calendars do; a record may say anything.
                with suppress(OverflowError, ValueError):
                    ends.append(updated + parse_duration(str(length)))
    return min((end for end in ends if end is not None), default=None)


_COUNTED = {"evidence.unexpired.validity-ok": "validity", "evidence.fresh.ok": "max_age"}


def headline_of(record: Verdict, conditions: Iterable[Statement]) -> str:
    """The code of the headline, by the outcome and the conditions of a record."""
    if record.outcome != "pass":
        return f"headline.{record.outcome}"
    if record.refused_for_warnings:
        return "headline.pass-refused"
    if any(part.code not in _QUIET for part in conditions):
        return "headline.pass-conditions"
    return "headline.pass"


def never_ends(valid_until: datetime | None, instant: datetime) -> bool:
    """Whether a waiver is as good as permanent: 9999-12-31 is somebody's "never"."""
    return valid_until is None or (valid_until - instant).days > LONG_DAYS


def _names(names: Iterable[str | None]) -> list[str | None]:
    """Each once, sorted, and None last."""
    return sorted(set(names), key=lambda name: (name is None, name or ""))


def _postponed(record: Verdict) -> dict[str, str]:
    """The rules that only warned of something here because they fail from a later day on."""
    warned = {
        match.rule
        for check in record.checks
        for entry in check.entries
        for match in entry.rules
        if match.effect == "warn"
    }
    return {
        rule.id: rule.effective_on
        for rule in record.rules
        if rule.id in warned
        and rule.written_effect == "fail"
        and rule.limit is None
        and rule.effective_on is not None
    }
