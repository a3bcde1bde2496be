"""Writes down what was decided: from a judgement to the record.

Nothing is decided in here. Findings that differ only in their place are folded into one entry,
everything is sorted worst first and otherwise by name, so that the record depends on nothing but
the response, the policy and the instant.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import PurePath
from string import Formatter

from reporter import __version__
from reporter.catalogue.model import LANGUAGES
from reporter.catalogue.read import Catalogue
from reporter.policy.evaluate import (
    Decided,
    DecidedSkip,
    Judgement,
    LimitTally,
)
from reporter.policy.in_vain import asked_in_vain
from reporter.policy.load import Policy, Rule
from reporter.policy.match import Patterns, Target
from reporter.policy.stubs import Stubs
from reporter.policy.waivers import WaiverTally
from reporter.precheck.finding import Finding, Scope
from reporter.precheck.model import RiskSource
from reporter.precheck.times import format_instant, is_missing, parse_timestamp
from reporter.record.conditions import (
    Grounds,
    Ruling,
    Told,
    headline_of,
    never_ends,
    of_the_circumstances,
    of_what_is_listed,
)
from reporter.record.model import (
    OUTCOMES_WORST_FIRST,
    AddonRisk,
    CatalogueEntry,
    Change,
    Check,
    Choice,
    ConfigurationRisk,
    Counts,
    DeprecatedApiRisk,
    Entry,
    EvidenceLine,
    Exhibit,
    FindingOutcome,
    Gate,
    LimitUse,
    Moment,
    NearMiss,
    Node,
    OutcomeCounts,
    Param,
    PathMatches,
    Place,
    PolicyUse,
    Reason,
    Risks,
    RuleMatch,
    RuleUse,
    SkippedCheck,
    Source,
    Statement,
    Subject,
    Tool,
    Verdict,
    WaiverStatus,
    WaiverUse,
)
from reporter.signs import is_todo
from reporter.words import statement

_NO_CHECKS = (
    ("QzxqWxvzKjqy", "WkvjHzqxBnmf", "JxqzPvwkLtrd", "BqkxZvwjMhnt"),
    ("qzxqwxvzkjqy", "wkvjhzqxbnmf", "jxqzpvwkltrd", "bqkxzvwjmhnt"),
    ("QzxqWxvz9", "WkvjHzqx3", "JxqzPvwk5", "BqkxZvwj7"),
    ("\x00 no check is called this",),
)
"""Names that no check has, of one form each: what fits all of a form fits any such name."""
SHOWN_NODES = 5
"""How many nodes a reason names; the finding has all of them."""
SHOWN_MESSAGE = 200
"""How much of a message a reason quotes; the finding has all of it."""

_NOT_APPLICABLE = ("exception", "execute-exception", "not-waivable", "doubt", "not-a-risk")
"""Why a waiver can't cover what it matches, the plainest reason first."""
_KIND_ORDER = {"Exception": 0, "Risk": 2}
_LEVEL_ORDER = {"Fatal": 0, "Warning": 2, "Info": 3}

_Key = tuple[str | None, Scope]


def assemble(
    judgement: Judgement,
    *,
    cluster_name: str | None,
    change: Change,
    gate: Gate,
) -> Verdict:
    """The record of a judgement."""
    checks = _checks(judgement)
    skipped = [_skipped(skip) for skip in judgement.skips]
    waivers = [waiver_use(tally, judgement.instant.at) for tally in judgement.waivers]
    counts = _counts(judgement, checks, skipped)
    rules = _rules(judgement)
    reasons = _reasons(judgement, checks, skipped, rules)
    verdict = Verdict(
        tool=Tool(version=__version__),
        outcome=judgement.outcome,
        headline=statement("headline.pass"),
        instant=judgement.instant,
        gate=gate,
        subject=_subject(judgement, cluster_name, change),
        reasons=reasons,
        counts=counts,
        evidence=judgement.evidence,
        checks=checks,
        skipped=skipped,
        waivers=waivers,
        rules=rules,
        defaults={"unmatched": judgement.policy.unmatched, "skipped": judgement.policy.skipped},
        policies=_policies(judgement.policy),
        catalogue=_catalogue(judgement, checks, skipped),
        source=_source(judgement),
        exhibits=_exhibits(judgement),
    )
    conditions = conditions_of(judgement, waivers, change=change, gate=gate)
    return verdict.model_copy(
        update={
            "headline": statement(headline_of(verdict, conditions)),
            "summary": _summary(verdict),
            "conditions": conditions,
        }
    )


# Checks ---------------------------------------------------------------------------------------


def _checks(judgement: Judgement) -> list[Check]:
    grouped: dict[_Key, list[Decided]] = {key: [] for key in judgement.passes}
    for part in judgement.decided:
        grouped.setdefault((part.target.check, part.finding.scope), []).append(part)
    places: Mapping[str, tuple[int, int]] = {}
    source = judgement.response.source
    if source.locate is not None and judgement.decided:
        places = source.locate([source.pointer + p.finding.pointer for p in judgement.decided])
    scopes = Counter(name for name, _ in grouped)
    skipped = {(skip.skip.name or "").casefold() for skip in judgement.skips}
    checks = []
    for key, parts in grouped.items():
        name = key[0] or ""
        where = {"elsewhere": scopes[key[0]] > 1, "skipped": name.casefold() in skipped}
        checks.append(_check(key, parts, judgement, places, **where))
    return sorted(checks, key=_check_order)


def _check_order(check: Check) -> tuple[int, int, int, str, str]:
    kind, level = _worst_kind_level(check)
    return (
        OUTCOMES_WORST_FIRST.index(check.outcome),
        _KIND_ORDER.get(kind or "", 1),
        _LEVEL_ORDER.get(level or "", 1),
        check.name or "",
        check.scope,
    )


def _worst_kind_level(check: Check) -> tuple[str | None, str | None]:
    if not check.entries:
        kind = check.kinds[0] if check.kinds else None
        return kind, check.levels[0] if check.levels else None
    return check.entries[0].kind, check.entries[0].level


def _check(
    key: _Key,
    parts: Sequence[Decided],
    judgement: Judgement,
    located: Mapping[str, tuple[int, int]],
    *,
    elsewhere: bool,
    skipped: bool,
) -> Check:
    name, scope = key
    passes = judgement.passes.get(key)
    folded: dict[tuple[object, ...], tuple[Decided, list[Place]]] = {}
    prefix = judgement.response.source.pointer
    for part in parts:
        pointer = prefix + part.finding.pointer
        line, column = located.get(pointer, (None, None))
        place = Place(pointer=pointer, line=line, column=column, nodes=_nodes(part.finding))
        folded.setdefault(_fold_key(part, judgement), (part, []))[1].append(place)
    entries = [_entry(part, places, judgement) for part, places in folded.values()]
    if any(part.waivable for part, _ in folded.values()):
        stubs = Stubs(
            name, scope, entries, judgement.instant.at, elsewhere=elsewhere, skipped=skipped
        )
        entries = [
            entry.model_copy(update={"waiver_stub": stubs.of(entry)}) if part.waivable else entry
            for entry, (part, _) in zip(entries, folded.values(), strict=True)
        ]
    counted = dict.fromkeys(OUTCOMES_WORST_FIRST, 0)
    counted["pass"] = passes.passed if passes else 0
    for entry in entries:
        counted[entry.outcome] += len(entry.places)
    findings = OutcomeCounts.model_validate(counted)
    present = [outcome for outcome in OUTCOMES_WORST_FIRST if counted[outcome]]
    kinds = {part.target.kind for part in parts} | (passes.kinds if passes else set())
    levels = {part.target.level for part in parts} | (passes.levels if passes else set())
    return Check(
        name=name,
        scope=scope,
        outcome=present[0],
        findings=findings,
        nodes_seen=min(findings.total, judgement.found.nodes) if scope == "node" else 0,
        kinds=sorted(kind for kind in kinds if kind),
        levels=sorted(level for level in levels if level),
        entries=sorted(entries, key=_entry_order),
    )


def _entry_order(entry: Entry) -> tuple[int, int, int, int, str, str]:
    return (
        OUTCOMES_WORST_FIRST.index(entry.outcome),
        _KIND_ORDER.get(entry.kind or "", 1),
        _LEVEL_ORDER.get(entry.level or "", 1),
        -len(entry.places),
        entry.message or "",
        entry.places[0].pointer,
    )


def _nodes(finding: Finding) -> list[Node]:
    return [
        Node(uid=node.uid, name=node.name, status=node.status, type=node.type)
        for node in finding.nodes
    ]


def _fold_key(part: Decided, judgement: Judgement) -> tuple[object, ...]:
    item = part.finding.item
    source = item.risk_source
    return (
        part.outcome,
        item.kind,
        item.level,
        item.group,
        item.phase,
        item.message,
        tuple(item.error_codes or ()),
        source.model_dump_json() if source is not None and source.model_fields_set else "",
        part.why.text,
        tuple(
            (
                rule.id,
                effect,
                tuple(trace.fields),
                tuple(trace.undecided),
                tuple(trace.paths),
            )
            for rule, effect, trace in part.rules
        ),
        tuple(_said(part, judgement)),
        part.waived_by,
        id(part.near_misses),  # equal ones are one object
    )


def _said(part: Decided, judgement: Judgement) -> list[str]:
    rules = sorted(
        (rule for rule, _, _ in part.rules if rule.message is not None), key=lambda rule: rule.id
    )
    return [fill(rule.message or "", part.target) for rule in rules]


def fill(message: str, target: Target) -> str:
    """A rule's message with its placeholders filled from a finding; "–" for what is missing."""
    nodes = target.nodes
    values: dict[str, str | None] = {
        "check": target.check,
        "kind": target.kind,
        "level": target.level,
        "group": target.group,
        "phase": target.phase,
        "scope": target.scope,
        "message": target.message,
        "error_code": ", ".join(code for code in target.error_codes if code) or None,
        "addon": ", ".join(alias or name or "" for name, alias in target.addons) or None,
        "cluster": target.facts.cluster,
        "from_version": target.facts.from_version,
        "target_version": target.facts.target_version,
        "topic": target.topic,
    }
    for key in ("uid", "name", "status", "type"):
        found = [value for node in nodes if (value := getattr(node, key))]
        values[f"node.{key}"] = ", ".join(found) or None
    return "".join(
        literal + ((values[name] or "–") if name is not None else "")
        for literal, name, _, _ in Formatter().parse(message)
    )


def _entry(part: Decided, places: list[Place], judgement: Judgement) -> Entry:
    item = part.finding.item
    rules = sorted(part.rules, key=lambda match: match[0].id)
    return Entry(
        outcome=part.outcome,
        kind=item.kind or None,
        level=item.level or None,
        group=item.group or None,
        phase=item.phase or None,
        message=item.message or None,
        error_codes=[code for code in item.error_codes or () if code],
        risks=_risks(item.risk_source),
        why=part.why,
        rules=[
            RuleMatch(
                rule=rule.id,
                effect=effect,
                fields=trace.fields,
                undecided=trace.undecided,
                where=[
                    PathMatches(path=path, matches=found.matches, unlike=found.unlike)
                    for path, found in trace.paths
                ],
            )
            for rule, effect, trace in rules
        ],
        said=_said(part, judgement),
        remediation=list(
            dict.fromkeys(rule.remediation for rule, _, _ in rules if rule.remediation)
        ),
        waived_by=list(part.waived_by),
        near_misses=list(part.near_misses),
        tolerated=part.tolerated,
        waiver_stub=None,
        places=places,
    )


def _risks(source: RiskSource | None) -> Risks:
    if source is None or not source.model_fields_set:
        return Risks()
    return Risks(
        configuration=[
            ConfigurationRisk(
                package=risk.package,
                source_file=risk.source_file,
                node_message=risk.node_msg,
                field=risk.field,
                operation=risk.operation,
                original_value=risk.original_value,
                value=risk.value,
            )
            for risk in source.configuration_risks or ()
        ],
        deprecated_apis=[
            DeprecatedApiRisk(url=risk.url, user_agent=risk.user_agent)
            for risk in source.deprecated_api_risks or ()
        ],
        nodes=list(dict.fromkeys(risk.node_id for risk in source.node_risks or () if risk.node_id)),
        addons=[
            AddonRisk(template_name=risk.addon_template_name, alias=risk.alias)
            for risk in source.addon_risks or ()
        ],
    )


# Skips, waivers, rules, policies ---------------------------------------------------------------


def _skipped(skip: DecidedSkip) -> SkippedCheck:
    return SkippedCheck(
        name=skip.skip.name or None,
        node_uids=list(skip.node_uids),
        has_selector=skip.has_selector,
        outcome=skip.outcome,
        why=skip.why,
        waived_by=list(skip.waived_by),
        near_misses=list(skip.near_misses),
        pointer=f"/spec/skippedCheckItemList/{skip.index}",
    )


def _fits_any(check: Patterns) -> bool:
    """Whether a pattern fits a name that no check has, and so any of that form."""
    return any(all(map(check.fits, names)) for names in _NO_CHECKS)


def _waiver_status(tally: WaiverTally) -> tuple[WaiverStatus, Statement]:
    waiver = tally.waiver
    if tally.elsewhere:
        return "elsewhere", statement("waiver-status.elsewhere")
    if tally.state == "expired":
        return "expired", statement("waiver-status.expired", expires=waiver.expires)
    if tally.state == "not-yet-valid":
        begins = waiver.starts or waiver.approved_on
        return "not-yet-valid", statement("waiver-status.not-yet-valid", starts=begins)
    if tally.exceeded:
        return "exceeded", statement(
            "waiver-status.exceeded", limit=waiver.max_findings, count=tally.would_turn
        )
    if tally.waived and tally.skipped:
        return "used", statement("waiver-status.used", findings=tally.waived, skipped=tally.skipped)
    if tally.waived:
        return "used", statement("waiver-status.used-findings", count=tally.waived)
    if tally.skipped:
        return "used", statement("waiver-status.used-skipped", count=tally.skipped)
    if tally.not_applicable:
        first = next(why for why in _NOT_APPLICABLE if why in tally.not_applicable_why)
        return "not-applicable", statement(f"waiver-status.not-applicable-{first}")
    if tally.skips_refused:
        return "unused", statement("waiver-status.unused-skip")
    if tally.check_failed:
        return "unused", statement("waiver-status.unused-elsewhere")
    if tally.check_seen:
        return "unused", statement("waiver-status.unused-passes")
    return "unused", statement("waiver-status.unused-absent")


def waiver_use(tally: WaiverTally, instant: datetime) -> WaiverUse:
    """What became of a waiver, for the register."""
    waiver = tally.waiver
    status, why = _waiver_status(tally)
    marks = [
        mark
        for mark, holds in (
            ("undated", waiver.valid_from is None),
            ("permanent", never_ends(waiver.valid_until, instant)),
            ("broad", waiver.match.check is not None and _fits_any(waiver.match.check)),
            ("todo", is_todo(waiver.reason)),
        )
        if holds
    ]
    until = waiver.valid_until
    return WaiverUse(
        id=waiver.id,
        status=status,
        why=why,
        marks=marks,
        match=waiver.written,
        reason=waiver.reason,
        approved_by=waiver.approved_by,
        approved_on=waiver.approved_on,
        ticket=waiver.ticket,
        starts=waiver.starts,
        expires=waiver.expires,
        valid_until=until,
        days_left=(until - instant).days if until is not None else None,
        findings=tally.waived,
        skipped=tally.skipped,
        not_applicable=tally.not_applicable,
        source=waiver.source,
        line=waiver.line,
    )


def _rules(judgement: Judgement) -> list[RuleUse]:
    limits = {limit.rule.id: _limit(limit) for limit in judgement.limits}

    def use(rule: Rule) -> RuleUse:
        tally = judgement.rules[rule.id]
        return RuleUse(
            id=rule.id,
            title=rule.title,
            effect=rule.effect_at(judgement.instant.at),
            written_effect=rule.effect,
            effective_on=rule.effective_on,
            reason=rule.reason,
            waivable=rule.waivable,
            hits=tally.hits,
            decided=tally.decided,
            limit=limits.get(rule.id),
            source=rule.source,
            line=rule.line,
        )

    return [use(rule) for rule in judgement.policy.rules]


def _limit(tally: LimitTally) -> LimitUse:
    spec = tally.limit
    bound = str(spec.max) if spec.max is not None else f"{spec.max_percent:g} %"
    return LimitUse(
        of=spec.of,
        failed=tally.failed,
        base=tally.base,
        max=spec.max,
        max_percent=spec.max_percent,
        exceeded=tally.exceeded,
        below=tally.rule.below,
        said=statement(f"limit.{spec.of}", count=tally.failed, base=tally.base, max=bound),
    )


def _policies(policy: Policy) -> list[PolicyUse]:
    return [
        PolicyUse(
            kind=file.kind,
            name=file.name,
            version=file.version,
            owner=file.owner,
            title=file.title,
            source=file.source,
            sha256=file.digest,
            rules=file.rules,
            waivers=file.waivers,
            given=list(file.given),
        )
        for file in policy.files
    ]


def _catalogue(
    judgement: Judgement, checks: Sequence[Check], skipped: Sequence[SkippedCheck]
) -> dict[str, dict[str, CatalogueEntry]]:
    names = {check.name for check in checks if check.entries} | {skip.name for skip in skipped}
    concerned = sorted(name for name in names if name is not None)
    if not concerned:
        return {}
    known = judgement.policy.catalogue
    result: dict[str, dict[str, CatalogueEntry]] = {}
    for name in concerned:
        item = known.items.get(name)
        if item is None:
            continue
        topic = known.topics[item.topic]
        result[name] = {
            language: CatalogueEntry(
                topic=topic.id,
                certainty=item.certainty,
                title=topic.words(language).title,
                checks=topic.words(language).checks,
                fix=topic.words(language).fix,
                link=topic.link(judgement.cluster_type or "standard", language),
                as_of=known.as_of,
            )
            for language in LANGUAGES
        }
    return result


# Subject, source, exhibits ----------------------------------------------------------------------


def _moment(text: str | None) -> Moment | None:
    if text is None or is_missing(text):
        return None
    return Moment(text=text, at=parse_timestamp(text))


def _subject(judgement: Judgement, cluster_name: str | None, change: Change) -> Subject:
    task = judgement.response.task
    metadata, spec, status = task.metadata, task.spec, task.status
    sidecar = judgement.response.source.sidecar
    facts = judgement.facts
    said_cluster = (spec.cluster_id if spec else None) or None
    said_target = (spec.target_version if spec else None) or None
    from_sidecar = sidecar is not None and sidecar.cluster_type == judgement.cluster_type
    return Subject(
        cluster_id=facts.cluster,
        cluster_id_from=_origin(facts.cluster, said_cluster),
        cluster_name=cluster_name,
        cluster_type=judgement.cluster_type,
        cluster_type_from=None
        if judgement.cluster_type is None
        else "sidecar"
        if from_sidecar
        else "option",
        cluster_version=facts.from_version,
        target_version=facts.target_version,
        target_version_from=_origin(facts.target_version, said_target),
        task_uid=(metadata.uid if metadata else None) or None,
        task_phase=(status.phase if status else None) or None,
        task_message=(status.message if status else None) or None,
        created=_moment(metadata.creation_timestamp if metadata else None),
        updated=_moment(metadata.update_timestamp if metadata else None),
        expires=_moment(status.expire_time_stamp if status else None),
        expected_cluster=judgement.expect_cluster,
        expected_target=judgement.expect_target,
        change=change,
    )


def _origin(value: str | None, said: str | None) -> str | None:
    if value is None:
        return None
    return "response" if said is not None else "sidecar"


def _source(judgement: Judgement) -> Source:
    source = judgement.response.source
    prefix = source.pointer
    return Source(
        name=source.name,
        form=source.form,
        encoding=source.encoding,
        containers=list(source.containers),
        pointer=prefix,
        others=source.others,
        newer=source.newer,
        elsewhere=source.elsewhere,
        lines_around=source.lines_around,
        passed_over=list(source.passed_over),
        passed_over_count=source.passed_over_count,
        choice=None
        if source.wanted is None
        else Choice(
            task=source.wanted.task, cluster=source.wanted.cluster, target=source.wanted.target
        ),
        unknown_fields=judgement.unknown.count,
        unknown_field_pointers=[prefix + pointer for pointer in judgement.unknown.pointers],
    )


def _exhibits(judgement: Judgement) -> list[Exhibit]:
    source = judgement.response.source
    files: list[tuple[str, str, bytes, str]] = [
        (
            "response",
            _base_name(_UNPACKED.sub("", source.name), "response.json"),
            source.data,
            "application/json" if source.form.startswith("json") else "text/plain",
        )
    ]
    for file in judgement.policy.files:
        role = "policy" if file.kind == "Policy" else "waivers"
        name = file.source.removeprefix("builtin:")
        name = f"{name}.yaml" if file.source.startswith("builtin:") else name
        files.append((role, _base_name(name, f"{role}.yaml"), file.data, "application/yaml"))
    if source.sidecar is not None:
        name = _base_name(source.sidecar.name, "sidecar.json")
        files.append(("sidecar", name, source.sidecar.data, "application/json"))
    taken: set[str] = set()
    exhibits = []
    for role, name, data, media_type in files:
        unique, number = name, 2
        while unique in taken:
            path = PurePath(name)
            unique, number = f"{path.stem}-{number}{path.suffix}", number + 1
        taken.add(unique)
        exhibits.append(
            Exhibit(
                role=role,
                name=unique,
                sha256=sha256(data).hexdigest(),
                size=len(data),
                media_type=media_type,
            )
        )
    return exhibits


_UNPACKED = re.compile(r"\.(?:gz|zst|zstd|xz)$")
"""The exhibit is the response itself, without what it was packed in."""


def _base_name(name: str, default: str) -> str:
    return PurePath(name).name if "." in PurePath(name).name else default


# Totals, reasons, conditions, headline -----------------------------------------------------------


def _counts(
    judgement: Judgement, checks: Sequence[Check], skipped: Sequence[SkippedCheck]
) -> Counts:
    findings = dict.fromkeys(OUTCOMES_WORST_FIRST, 0)
    by_check = dict.fromkeys(OUTCOMES_WORST_FIRST, 0)
    for check in checks:
        by_check[check.outcome] += 1
        for outcome in OUTCOMES_WORST_FIRST:
            findings[outcome] += getattr(check.findings, "passed" if outcome == "pass" else outcome)
    return Counts(
        findings=OutcomeCounts.model_validate(findings),
        checks=OutcomeCounts.model_validate(by_check),
        skipped=len(skipped),
        skipped_covered=sum(skip.outcome == "waived" for skip in skipped),
        nodes=judgement.found.nodes,
        tolerated_exceptions=sum(
            len(entry.places) for check in checks for entry in check.entries if entry.tolerated
        ),
    )


def _reasons(
    judgement: Judgement,
    checks: Sequence[Check],
    skipped: Sequence[SkippedCheck],
    rules: Sequence[RuleUse],
) -> list[Reason]:
    """Why the verdict is not `pass`: failures, then evidence, then what nobody can judge."""
    policy = judgement.policy
    failing = [_check_reason(check, "fail", policy) for check in checks if check.findings.fail]
    skips = [_skip_reason(skip) for skip in skipped if skip.outcome == "fail"]
    limits = [
        Reason(
            outcome="fail",
            what=rule.limit.said,
            why=_rule_statement(rule.id, rule.title),
            actions=[statement("action.limit")],
        )
        for rule in rules
        if rule.limit is not None and rule.limit.exceeded and rule.effect == "fail"
    ]
    lines = [
        _evidence_reason(line)
        for line in judgement.evidence
        if line.state == "not-ok" and line.level == "require"
    ]
    if judgement.found.items == 0:
        lines.append(
            Reason(
                outcome="inconclusive",
                what=statement("reason.no-items"),
                why=statement("reason.no-items-why"),
                actions=[statement("action.complete")],
            )
        )
    phase = judgement.response.task.status.phase if judgement.response.task.status else None
    finished = next(line for line in judgement.evidence if line.id == "finished")
    if phase not in ("Success", "Failed") and finished.level != "require":
        lines.append(
            Reason(
                outcome="inconclusive",
                what=statement("reason.task-phase"),
                why=statement("reason.task-phase-why"),
                actions=[statement("action.finished")],
            )
        )
    lines += [
        Reason(
            outcome="inconclusive",
            what=statement(code),
            why=statement("reason.choice-why"),
            actions=[statement("action.choose")],
        )
        for code in judgement.doubts
    ]
    unknown = [
        _check_reason(check, "unknown", policy) for check in checks if check.findings.unknown
    ]
    return [*failing, *limits, *skips, *lines, *unknown]


def _check_reason(check: Check, outcome: FindingOutcome, policy: Policy) -> Reason:
    entries = [entry for entry in check.entries if entry.outcome == outcome]
    first = entries[0]
    places = sum(len(entry.places) for entry in entries)
    name = check.name
    verb = "fails" if outcome == "fail" else "unknown"
    if check.scope == "node":
        what = statement(
            f"reason.{verb}-on-nodes", check=name, count=places, total=check.nodes_seen
        )
    elif outcome == "fail" and len(entries) == 1 and first.message:
        what = statement("reason.fails-message", check=name, message=first.message)
    else:
        what = statement(f"reason.{verb}", check=name)
    why = first.why
    deciding = [match.rule for match in first.rules if match.effect == outcome]
    if why.code == "decided.rule" and deciding:
        titles = {rule.id: rule.title for rule in policy.rules}
        why = _rule_statement(deciding[0], titles.get(deciding[0]))
    return Reason(
        outcome="fail" if outcome == "fail" else "unknown",
        what=what,
        details=_details(check, entries),
        why=why,
        actions=_actions(check, entries, policy.catalogue),
        near_misses=_distinct_misses(entries),
        check=check.name,
        scope=check.scope,
        kind=first.kind,
        level=first.level,
    )


def _rule_statement(name: str, title: str | None) -> Statement:
    if title is None:
        return statement("why.rule", rule=name)
    return statement("why.rule-title", rule=name, title=title)


def _details(check: Check, entries: Sequence[Entry]) -> list[Statement]:
    """What a node finding says and which nodes have it: the first thing anyone asks."""
    if check.scope != "node":
        return []
    details = []
    messages = list(dict.fromkeys(entry.message for entry in entries if entry.message))
    if len(messages) == 1:
        details.append(statement("reason.message", message=_short(messages[0])))
    elif messages:
        others = len(messages) - 1
        first = _short(messages[0])
        details.append(statement("reason.message-others", message=first, count=others))
    named = [
        node.name or node.uid for entry in entries for place in entry.places for node in place.nodes
    ]
    nodes = list(dict.fromkeys(name for name in named if name is not None))
    if len(nodes) > SHOWN_NODES + 1:
        more = len(nodes) - SHOWN_NODES
        details.append(statement("reason.nodes-more", nodes=nodes[:SHOWN_NODES], count=more))
    elif nodes:
        details.append(statement("reason.nodes", nodes=nodes))
    return details


def _short(text: str) -> str:
    return text if len(text) <= SHOWN_MESSAGE else text[: SHOWN_MESSAGE - 1] + "…"


def _distinct_misses(entries: Sequence[Entry]) -> list[NearMiss]:
    found: dict[tuple[str, str], NearMiss] = {}
    for entry in entries:
        for miss in entry.near_misses:
            found.setdefault((miss.waiver, miss.why.text), miss)
    return list(found.values())


def _actions(check: Check, entries: Sequence[Entry], known: Catalogue) -> list[Statement]:
    said = dict.fromkeys(text for entry in entries for text in entry.remediation)
    actions = [statement("action.policy", text=text) for text in said]
    item = known.items.get(check.name) if check.name is not None else None
    if item is not None:
        code = "action.catalogue" + ("" if item.certainty == "verified" else "-likely")
        actions.append(statement(code, text=known.topics[item.topic].en.fix))
    if entries[0].why.code == "doubt.unfinished":
        actions.append(statement("action.finished"))
    elif entries[0].outcome == "unknown":
        actions.append(statement("action.unknown-finding"))
    elif any(entry.waiver_stub for entry in entries):
        actions.append(statement("action.risk"))
    elif entries[0].kind == "Risk":
        actions.append(statement("action.risk-not-waivable"))
    else:
        actions.append(statement("action.exception"))
    return actions


def _skip_reason(skip: SkippedCheck) -> Reason:
    what = statement("reason.skipped", check=skip.name)
    if skip.node_uids:
        what = statement("reason.skipped-nodes", check=skip.name, count=len(skip.node_uids))
    coverable = skip.why.code == "skip.default"
    return Reason(
        outcome="fail",
        what=what,
        why=skip.why,
        actions=[statement("action.skipped" if coverable else "action.skipped-never")],
        near_misses=skip.near_misses,
        check=skip.name,
    )


def _evidence_reason(line: EvidenceLine) -> Reason:
    what = line.statements[0]
    action = f"action.{line.id}"
    if what.code == "evidence.unexpired.missing":
        action = "action.unexpired-missing"
    elif what.code == "evidence.complete.check-on-masters":
        action = "action.complete-masters"
    return Reason(
        outcome="inconclusive",
        what=what,
        why=statement("reason.evidence-why", line=line.id),
        actions=[statement(action)],
    )


def conditions_of(
    judgement: Judgement, waivers: Sequence[WaiverUse], *, change: Change, gate: Gate
) -> list[Statement]:
    """What follows from what was decided, and what the policies alone tell of their rules."""
    grounds = _grounds(judgement, waivers, change, gate)
    return [
        *(_told(code, told) for code, told in of_what_is_listed(grounds) if told is not None),
        *_displaced_defaults(judgement),
        *asked_in_vain(judgement, waivers),
        *_open_clusters(judgement),
        *(_told(code, told) for code, told in of_the_circumstances(grounds) if told is not None),
    ]


def _grounds(
    judgement: Judgement, waivers: Sequence[WaiverUse], change: Change, gate: Gate
) -> Grounds:
    """What `grounds_of` its record gives, before there is one."""
    task, at = judgement.response.task, judgement.instant.at
    metadata, status = task.metadata, task.status
    warned = {rule.id for part in judgement.decided for rule, did, _ in part.rules if did == "warn"}
    exceeded = {tally.rule.id: tally.exceeded for tally in judgement.limits}
    return Grounds(
        outcome=judgement.outcome,
        instant=judgement.instant,
        gate=gate,
        change=change,
        phase=(status.phase if status else None) or None,
        created=parse_timestamp(metadata.creation_timestamp if metadata else None),
        updated=parse_timestamp(metadata.update_timestamp if metadata else None),
        expires=parse_timestamp(status.expire_time_stamp if status else None),
        is_expected=judgement.expect_cluster is not None or judgement.expect_target is not None,
        cluster=judgement.facts.cluster,
        newer=judgement.response.source.newer,
        elsewhere=judgement.response.source.elsewhere,
        lines_around=judgement.response.source.lines_around,
        passed_over=judgement.response.source.passed_over,
        passed_over_count=judgement.response.source.passed_over_count,
        findings=len(judgement.decided) + sum(part.passed for part in judgement.passes.values()),
        nodes=judgement.found.nodes,
        warned=sum(part.outcome == "warn" for part in judgement.decided),
        tolerated=[part.target.check for part in judgement.decided if part.tolerated],
        evidence=judgement.evidence,
        skipped=[(skip.skip.name or None, skip.outcome) for skip in judgement.skips],
        waivers=waivers,
        covered={
            *(tuple(part.waived_by) for part in judgement.decided),
            *(tuple(skip.waived_by) for skip in judgement.skips),
        },
        rules=[
            Ruling(
                id=rule.id,
                effect=rule.effect_at(at),
                written_effect=rule.effect,
                effective_on=rule.effective_on,
                exceeded=exceeded.get(rule.id),
                warned=rule.id in warned,
            )
            for rule in judgement.policy.rules
            if rule.id in exceeded or rule.id in warned
        ],
    )


def _told(code: str, told: Told) -> Statement:
    params: dict[str, Param] = {}
    for name, value in told.items():
        if isinstance(value, datetime):
            params[name] = format_instant(value)
        elif isinstance(value, (str, int)):
            params[name] = value
        else:
            params[name] = _named(value)
    return statement(code, **params)


def _named(names: Sequence[str | None]) -> list[str]:
    if None not in names:
        return [name for name in names if name is not None]
    unnamed = statement("reason.unnamed").text
    return sorted({name if name is not None else unnamed for name in names})


def _displaced_defaults(judgement: Judgement) -> Iterator[Statement]:
    """Rules that let through what another of the given policies leaves to a stricter default."""
    found = {part.standing_in for part in judgement.decided}
    rules = sorted({rule for rules in found for rule in rules})
    if rules:
        yield statement("condition.default-displaced", count=len(rules), rules=rules)


def _open_clusters(judgement: Judgement) -> Iterator[Statement]:
    """What was left open about the cluster, and no evidence line tells."""
    identity = next(line for line in judgement.evidence if line.id == "identity")
    if judgement.policy.applies_to and identity.level == "off":
        yield statement("condition.scope-not-checked")
    if judgement.facts.cluster_disputed:
        cluster, noted = judgement.response.clusters
        yield statement("condition.clusters-differ", cluster=cluster, noted=noted)


def _summary(verdict: Verdict) -> list[Statement]:
    said = []

    def add(code: str, count: int) -> None:
        if count:
            said.append(statement(f"summary.{code}", count=count))

    failed = [reason for reason in verdict.reasons if reason.outcome == "fail" and reason.scope]
    add("exceptions", sum(reason.kind == "Exception" for reason in failed))
    add("risks", sum(reason.kind == "Risk" for reason in failed))
    add("others", sum(reason.kind not in ("Exception", "Risk") for reason in failed))
    add("limits", sum(reason.what.code.startswith("limit.") for reason in verdict.reasons))
    add("skipped", sum(skip.outcome == "fail" for skip in verdict.skipped))
    add(
        "evidence",
        sum(line.state == "not-ok" and line.level == "require" for line in verdict.evidence),
    )
    add("waived", verdict.counts.findings.waived)
    add("unknown", sum(check.findings.unknown > 0 for check in verdict.checks))
    checks = verdict.counts.checks
    if not checks.total:
        said.append(statement("summary.nothing"))
        return said
    nodes = verdict.counts.nodes
    code = {0: "summary.passed-no-nodes", 1: "summary.passed-one-node"}.get(nodes, "summary.passed")
    said.append(statement(code, passed=checks.passed, total=checks.total, nodes=nodes))
    return said
