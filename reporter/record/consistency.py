"""What in a record follows from the rest of it, worked out again: none of it is believed.

Whoever changed a record after it was written has to change all of this alike; that the evidence
says something else is then for judging again to find. English texts are not looked at: reports
say each statement by its code.

In a redacted record pseudonyms stand for values wherever they occur, also for a word such as
`Failed` where a node is called so: nothing there hangs on a text that may have been one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING

from reporter.record.conditions import (
    Due,
    Told,
    grounds_of,
    headline_of,
    never_ends,
    of_the_circumstances,
    of_what_is_listed,
)
from reporter.record.coverage import Asked, can_be_covered, exceptions_alone
from reporter.record.dates import parse_end, parse_instant
from reporter.record.evidence import FINAL, of_evidence
from reporter.record.limits import is_exceeded
from reporter.record.model import OUTCOMES_WORST_FIRST, Counts, OutcomeCounts
from reporter.signs import is_todo, says_nothing

if TYPE_CHECKING:
    from reporter.record.model import (
        Check,
        Entry,
        EvidenceLine,
        LimitUse,
        Param,
        Reason,
        RuleUse,
        Verdict,
        WaiverUse,
    )

_STRICTNESS: dict[str | None, int] = {"note": 1, "warn": 2, "fail": 3}


def contradictions(record: Verdict) -> Iterator[str]:
    """Each thing that disagrees with the rest of the record, as the end of an error line."""
    # The first of each: of another one of the same id nothing is waived.
    asked = {use.id: Asked(use, record) for use in reversed(record.waivers)}
    for check in record.checks:
        yield from _of_check(check, record.counts.nodes)
        yield from _of_entries(check, record, asked)
    yield from _of_skips(record, asked)
    yield from _of_the_instant(record)
    yield from _of_waivers(record)
    yield from _of_rules(record)
    if record.counts != _counts(record):
        yield "the totals are not those of the checks"
    if record.outcome != record.implied_outcome():
        yield f"outcome {record.outcome} does not follow from what the record lists"
    if record.headline.code != headline_of(record, record.conditions):
        yield f"the headline is not one of a {record.outcome}"
    yield from of_evidence(record)
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


def _of_skips(record: Verdict, asked: dict[str, Asked]) -> Iterator[str]:
    exceptions = exceptions_alone((check.name, check.kinds) for check in record.checks)
    for skip in record.skipped:
        named = f"skipped check {skip.name}"
        if (skip.outcome == "waived") != bool(skip.waived_by):
            yield f"{named}: {skip.outcome} does not fit its waivers"
        elif skip.outcome not in ("waived", record.defaults.get("skipped")):
            yield f"{named}: {skip.outcome} is not the default"
        elif (skip.outcome == "waived") != (skip.why.code == "skip.covered") or (
            skip.waived_by and skip.why.params.get("waivers") != skip.waived_by
        ):
            yield f"{named}: {skip.outcome} and {skip.why.code} differ"
        if skip.waived_by and not can_be_covered(skip, record, exceptions):
            yield f"{named}: waived, and can't be"
        for name in skip.waived_by:
            if name in asked and not asked[name].may_cover_skip(skip):
                yield f"{named}: waiver {name} is for something else"


def _of_entries(check: Check, record: Verdict, asked: dict[str, Asked]) -> Iterator[str]:
    """What a finding says, its rules and the default leave of outcomes."""
    rules = {rule.id: rule for rule in record.rules}
    named = f"check {check.name}"
    for entry in check.entries:
        matched = [(rules[part.rule], part.effect) for part in entry.rules if part.rule in rules]
        if any(effect != _effect_on_findings(rule, record) for rule, effect in matched):
            yield f"{named}: an effect on its findings is not that of the rule"
        if entry.outcome == "waived":
            if not _can_be_waived(entry, [rule for rule, _ in matched], record):
                yield f"{named}: waived, and can't be"
            for name in entry.waived_by:
                if name in asked and not asked[name].may_cover(check, entry):
                    yield f"{named}: waiver {name} is for something else"
        elif entry.outcome not in ("pass", *_outcomes(entry, record)):
            yield f"{named}: {entry.outcome} is not what its rules come to"
        if not _fits_its_words(entry):
            yield f"{named}: {entry.outcome} and {entry.why.code} differ"
        if entry.tolerated != _is_tolerated(entry, record):
            yield f"{named}: what is tolerated is not what failed and is let through"


def _fits_its_words(entry: Entry) -> bool:
    code = entry.why.code
    if entry.outcome == "unknown":
        return code.startswith("doubt.")
    if entry.outcome == "waived":
        return code == "decided.waived" and entry.why.params.get("waivers") == entry.waived_by
    if code == "decided.waived":
        return False
    return code.startswith("decided.") and entry.why.params.get("effect") in (None, entry.outcome)


def _effect_on_findings(rule: RuleUse, record: Verdict) -> str | None:
    if rule.limit is None:
        return rule.effect
    return record.defaults.get("unmatched") if rule.limit.exceeded else rule.limit.below


def _outcomes(entry: Entry, record: Verdict) -> set[str | None]:
    """What a finding that no waiver covers may have come to."""
    effects = {match.effect for match in entry.rules}
    strictest = max(effects, key=_STRICTNESS.__getitem__, default=None)
    if strictest == "fail" or entry.phase == "Success":
        return {strictest}
    if _is_doubtful(entry, record):
        return {"unknown"}
    default = record.defaults.get("unmatched")
    if strictest is None:
        return {"unknown", default}
    # Only some rules soften the default.
    milder = _STRICTNESS.get(default, 0) < _STRICTNESS[strictest]
    return {"unknown", strictest} if milder else {"unknown", strictest, default}


def _is_doubtful(entry: Entry, record: Verdict) -> bool:
    """Whether surely nobody knows what a finding means; a rule may spell an odd kind or level."""
    if entry.group == "ExecuteException" and entry.phase == "Failed":
        return True
    if record.redaction is None and entry.phase not in FINAL:
        return True
    return entry.phase == "Failed" and None in (entry.kind, entry.level) and not entry.rules


def _can_be_waived(entry: Entry, rules: list[RuleUse], record: Verdict) -> bool:
    is_risk = entry.kind == "Risk" or (record.redaction is not None and entry.kind != "Exception")
    return is_risk and all(rule.waivable for rule in rules) and not _is_doubtful(entry, record)


def _is_tolerated(entry: Entry, record: Verdict) -> bool:
    if entry.outcome not in ("warn", "note"):
        return False
    if entry.kind == "Exception" and entry.phase == "Failed":
        return True
    return record.redaction is not None and entry.tolerated


def _of_the_instant(record: Verdict) -> Iterator[str]:
    instant = record.instant
    moved = instant.backdated, instant.postdated
    if all(moved) or (instant.basis == "now" and any(moved)):
        yield f"an instant of basis {instant.basis} is not in the past or future so"
    updated = record.subject.updated.at if record.subject.updated else None
    if instant.basis == "response" and instant.at != updated:
        yield "the instant is not the update time of the response"


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
        yield from _of_waiver(use, record)
    for name in (*findings, *skipped):
        yield f"waiver {name}: covers something and is not listed"


def _of_waiver(use: WaiverUse, record: Verdict) -> Iterator[str]:
    """Its marks, and whether it is over, by its dates."""
    if says_nothing(use.reason):
        yield f"waiver {use.id}: it has no reason"
    at, begins = record.instant.at, use.starts or use.approved_on
    holds = {
        "undated": begins is None,
        "permanent": never_ends(use.valid_until, at),
        "todo": is_todo(use.reason) if record.redaction is None else "todo" in use.marks,
        # What a pattern fits is not asked again.
        "broad": "broad" in use.marks or use.match.get("check") == "*",
    }
    if set(use.marks) != {mark for mark, is_so in holds.items() if is_so}:
        yield f"waiver {use.id}: its marks are not those of its dates and reason"
    if (use.expires is None) != (use.valid_until is None) or (
        record.redaction is None and _read(parse_end, use.expires) != use.valid_until
    ):
        yield f"waiver {use.id}: valid_until is not when it expires"
    if not use.why.code.startswith(f"waiver-status.{use.status}"):
        yield f"waiver {use.id}: {use.status} and {use.why.code} differ"
    told = use.why.params
    if use.status == "used" and (
        told.get("count", use.findings + use.skipped) != use.findings + use.skipped
        or told.get("findings", use.findings) != use.findings
        or told.get("skipped", use.skipped) != use.skipped
    ):
        yield f"waiver {use.id}: says other numbers than it covers"
    if use.status == "elsewhere":
        return
    if use.status in ("not-applicable", "unused") and (
        (use.status == "not-applicable") != (use.not_applicable > 0)
    ):
        yield f"waiver {use.id}: {use.status} is not what it matches comes to"
    is_over = use.valid_until is not None and use.valid_until <= at
    if (use.status == "expired") != is_over:
        yield f"waiver {use.id}: {use.status} is not what its dates come to"
    if record.redaction is not None:
        return
    starts = _read(parse_instant, begins)
    if (starts is None) != (begins is None):
        yield f"waiver {use.id}: nobody can read when it starts"
    if not is_over and (use.status == "not-yet-valid") != (starts is not None and starts > at):
        yield f"waiver {use.id}: {use.status} is not what its dates come to"


def _read(parse: Callable[[str], datetime], text: str | None) -> datetime | None:
    try:
        return parse(text) if text is not None else None
    except ValueError:
        return None


def _days_left(use: WaiverUse, record: Verdict) -> int | None:
    return (use.valid_until - record.instant.at).days if use.valid_until is not None else None


def _of_rules(record: Verdict) -> Iterator[str]:
    hits: Counter[str] = Counter()
    least: dict[str, _Least] = defaultdict(_Least)
    for check in record.checks:
        for entry in check.entries:
            uids = {node.uid for place in entry.places for node in place.nodes if node.uid}
            for match in entry.rules:
                hits[match.rule] += len(entry.places)
                if entry.phase == "Failed" and not match.undecided:
                    least[match.rule].add(check.name, len(entry.places), len(uids))
    for rule in record.rules:
        if rule.hits != hits.pop(rule.id, 0):
            yield f"rule {rule.id}: {rule.hits} hits where its findings say otherwise"
        if rule.limit is not None:
            yield from _of_limit(rule.id, rule.limit, least[rule.id])
            if record.redaction is None and rule.limit.said.params.get("max") != _bound(rule.limit):
                yield f"rule {rule.id}: its limit says another bound than it has"
        if record.redaction is None and rule.effect != _effect_at(rule, record.instant.at):
            yield f"rule {rule.id}: {rule.effect} is not its effect at the instant"
    for name in hits:
        yield f"rule {name}: matches something and is not listed"


@dataclass
class _Least:
    """What a limit has to have counted at least: what surely matches its rule and failed."""

    findings: int = 0
    nodes: int = 0
    checks: set[str | None] = field(default_factory=set)

    def add(self, check: str | None, findings: int, nodes: int) -> None:
        self.findings += findings
        self.nodes = max(self.nodes, nodes)  # other entries may be of the same nodes
        self.checks.add(check)


def _of_limit(rule: str, limit: LimitUse, least: _Least) -> Iterator[str]:
    if limit.exceeded != is_exceeded(limit.failed, limit.base, limit.max, limit.max_percent):
        yield f"rule {rule}: exceeded does not follow from what its limit counted"
    number = {"findings": least.findings, "nodes": least.nodes, "checks": len(least.checks)}
    if limit.failed < number[limit.of]:
        yield f"rule {rule}: its limit counted less than the record lists"
    said = limit.said.params.get("count"), limit.said.params.get("base")
    if limit.said.code != f"limit.{limit.of}" or said != (limit.failed, limit.base):
        yield f"rule {rule}: its limit says other numbers than it counted"


def _bound(limit: LimitUse) -> str:
    return str(limit.max) if limit.max is not None else f"{limit.max_percent or 0:g} %"


def _effect_at(rule: RuleUse, instant: datetime) -> str:
    start = _read(parse_instant, rule.effective_on)
    early = start is not None and instant < start
    return "warn" if early and rule.written_effect == "fail" else rule.written_effect


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
    if given != +due or doubts < _doubts(record):
        yield "the reasons are not those of what the record lists"
    first = {
        (entry.outcome, check.name, check.scope): (entry.kind, entry.level)
        for check in record.checks
        for entry in reversed(check.entries)
    }
    skips: dict[str | None, set[int]] = defaultdict(set)
    for skip in record.skipped:
        skips[skip.name].add(len(skip.node_uids))
    checks = {(check.name, check.scope): check for check in record.checks}
    for part in record.reasons:
        whole = checks.get((part.check, part.scope)) if part.scope is not None else None
        about: tuple[str | None, str | None] = (None, None)
        if part.outcome != "inconclusive" and part.scope is not None:
            about = first.get((part.outcome, part.check, part.scope), about)
        if about != (part.kind, part.level):
            yield f"the reason {part.check} is not of the kind and level of what it is about"
        if not _fits_what_it_is_about(part, whole, skips[part.check]):
            yield f"the reason {part.check}: {part.what.code} is not what it is about"
    limits = [rule.limit.said for rule in record.rules if rule.limit is not None and _fails(rule)]
    said = [part.what for part in record.reasons if part.what.code.startswith("limit.")]
    if [(one.code, one.params) for one in said] != [(one.code, one.params) for one in limits]:
        yield "the reasons are not the limits that are exceeded"
    lines = [line.statements[0] for line in record.evidence if _is_required(line)]
    said = [part.what for part in record.reasons if part.what.code.startswith("evidence.")]
    if [(one.code, one.params) for one in said] != [(one.code, one.params) for one in lines]:
        yield "the reasons are not the lines of evidence that do not hold"


def _fits_what_it_is_about(reason: Reason, check: Check | None, skips: set[int]) -> bool:
    """Whether its first words and numbers are those of a failure, a doubt, a skip or a limit."""
    code, params = reason.what.code, reason.what.params
    if reason.outcome == "inconclusive":
        return code.startswith(("evidence.", "reason.", "choice."))
    if reason.check is None and reason.scope is None and code.startswith("limit."):
        return True
    if params.get("check") != reason.check:
        return False
    if check is None:
        nodes = params.get("count", 0)
        is_skip = code in ("reason.skipped", "reason.skipped-nodes")
        return is_skip and isinstance(nodes, int) and nodes in skips
    fails = reason.outcome == "fail"
    count = check.findings.fail if fails else check.findings.unknown
    verb = "reason.fails" if fails else "reason.unknown"
    numbers = params.get("count", count), params.get("total", check.nodes_seen)
    return code in (verb, f"{verb}-message", f"{verb}-on-nodes") and numbers == (
        count,
        check.nodes_seen,
    )


def _of_conditions(record: Verdict) -> Iterator[str]:
    """Each condition that follows is said, and none that does not; of others it says no more."""
    mark: Due = "condition.redacted", None
    if record.redaction is not None:
        mark = "condition.redacted", {"profiles": list(record.redaction.profiles)}
    grounds = grounds_of(record)
    due = chain([mark], of_what_is_listed(grounds), of_the_circumstances(grounds))
    for code, told in due:
        given = [part.params for part in record.conditions if part.code == code]
        if told is None and record.redaction is not None and code == "condition.recheck-needed":
            continue  # the task's phase may have been a word of another value
        if len(given) != (told is not None) or (
            told is not None and not _says(given[0], told, record)
        ):
            yield f"{code} does not follow from what the record lists"


def _says(given: dict[str, Param], told: Told, record: Verdict) -> bool:
    """Whether a condition has these parameters; of a redacted one only its numbers are known."""
    if given.keys() != told.keys():
        return False
    for name, value in told.items():
        found = given[name]
        if isinstance(value, int):
            if found != value:
                return False
        elif record.redaction is not None and name != "profiles":
            continue
        elif isinstance(value, datetime):
            if not isinstance(found, str) or _read(datetime.fromisoformat, found) != value:
                return False
        elif isinstance(value, str):
            if found != value:
                return False
        elif not isinstance(found, list) or not _names_all(found, list(value)):
            return False
    return True


def _names_all(found: list[str], names: list[str | None]) -> bool:
    """Whether these names are said; what stands for a check without one is of no matter."""
    if None not in names:
        return found == names
    return {*names} - {None} <= {*found} and len(found) <= len(names)


def _of_summary(record: Verdict) -> Iterator[str]:
    """The numbers under the headline: each that is not 0, and no other."""
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
    due: dict[str, dict[str, Param] | None] = {
        f"summary.{name}": {"count": number} if number else None for name, number in numbers.items()
    }
    due |= dict.fromkeys(_PASSED)
    passed = {0: "-no-nodes", 1: "-one-node"}.get(counts.nodes, "")
    due["summary.nothing" if not counts.checks.total else f"summary.passed{passed}"] = (
        {"passed": counts.checks.passed, "total": counts.checks.total, "nodes": counts.nodes}
        if counts.checks.total
        else {}
    )
    given: dict[str, list[dict[str, Param]]] = {code: [] for code in due}
    for part in record.summary:
        given.setdefault(part.code, []).append(part.params)
    if record.redaction is not None:
        # A kind may have been a word of another value: only how many there are is known.
        names = ("exceptions", "risks", "others")
        found = [told.get("count") for name in names for told in given[f"summary.{name}"]]
        if sum(one for one in found if isinstance(one, int)) != len(kinds):
            yield "the summary does not follow from what the record lists"
        for name in names:
            del due[f"summary.{name}"]
    for code, told in due.items():
        if given[code] != ([] if told is None else [told]):
            yield f"{code} does not follow from what the record lists"


_PASSED = (
    "summary.nothing",
    "summary.passed-no-nodes",
    "summary.passed-one-node",
    "summary.passed",
)


def _exceeded(record: Verdict) -> int:
    return sum(_fails(rule) for rule in record.rules)


def _fails(rule: RuleUse) -> bool:
    return rule.limit is not None and rule.limit.exceeded and rule.effect == "fail"


def _doubts(record: Verdict) -> int:
    """The reasons there are at least that this is no evidence to judge by."""
    finished = next((line.level for line in record.evidence if line.id == "finished"), None)
    is_open = record.redaction is None and record.subject.task_phase not in FINAL
    is_empty = not record.counts.findings.total
    return _not_held(record) + (is_open and finished != "require") + is_empty


def _not_held(record: Verdict) -> int:
    return sum(map(_is_required, record.evidence))


def _is_required(line: EvidenceLine) -> bool:
    return line.state == "not-ok" and line.level == "require"
