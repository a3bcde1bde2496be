"""What a worker does: reads inputs, judges what is in them, and gives rows for the store.

Workers get plain values and give plain values, so that they may be processes of this machine or
of any other. Decisions are `policy/evaluate.py`'s alone; here they are only written down.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from reporter.audit import words
from reporter.audit.settings import Bench, Court, Settings, court_of
from reporter.audit.store import Row, Rows, make_id
from reporter.errors import InputError, OutputError, PolicyError
from reporter.policy.assemble import conditions_of, waiver_use
from reporter.policy.evaluate import Decided, Judgement, judge, settle_instant
from reporter.precheck.response import Response, Sidecar
from reporter.precheck.times import format_instant, parse_timestamp
from reporter.record.conditions import QUIET, REGISTER, SLIPS, are_conditional, holds_until
from reporter.record.model import Change, Gate, Statement, WaiverUse
from reporter.sources.containers import MANY, Limits, Refused
from reporter.sources.locations import File
from reporter.sources.read import Found, Unreadable, found_in, responses_in

if TYPE_CHECKING:
    from reporter.policy.load import Policy

MOST_IN_A_FILE = 50_000
"""How many responses a single text may hold: the rows of a file are held until it is through."""

_COUNTED = ("fail", "unknown", "warn", "waived", "note", "pass")
_ARCHIVES = frozenset({"tar", "zip"})


@dataclass(frozen=True)
class FileTask:
    """A file or object that the worker opens itself."""

    input_id: str
    file: File


@dataclass(frozen=True)
class MemberTask:
    """A member of an archive, which the parent has read: its bytes, or why they can't be."""

    input_id: str
    found: Found
    repeat: int
    """Which of several members of the same name it is, from 0."""


Task = FileTask | MemberTask
NO_FILE = File("", "")


@dataclass
class Judged:
    """What became of a task: rows, or word that it is an archive, to be read as a stream."""

    rows: Rows
    file: File = NO_FILE
    archive: bool = False
    reports: list[tuple[str, bytes]] = field(default_factory=list)
    """Pages by their name below the folder of the audit."""


@dataclass(frozen=True)
class Heard:
    """A response that was judged, and what a person has to know of it."""

    judgement: Judgement
    waivers: list[WaiverUse]
    """In the order of `judgement.waivers`."""

    conditions: list[Statement]


CHUNK_SECONDS = 0.5
"""When a worker hands back what it has: what is slow holds up nothing that is done."""


def judge_chunk(settings: Settings, tasks: Sequence[Task]) -> list[Judged]:
    """Judge some inputs, one after the other: the first, and others while there is time.

    What came of them, in their order; fewer than the tasks where those took long. None is begun
    behind one that was slow.
    """
    court = court_of(settings)
    made: list[Judged] = []
    until = time.monotonic() + CHUNK_SECONDS
    for task in tasks:
        if made and time.monotonic() >= until:
            break
        made.append(_guarded(court, task))
    return made


def limits_of(settings: Settings) -> Limits:
    """How much is read of an input under these settings."""
    return MANY if settings.max_bytes is None else replace(MANY, max_bytes=settings.max_bytes)


def _guarded(court: Court, task: Task) -> Judged:
    """Nothing that stands in an input ends the run; what is wrong with a policy does."""
    try:
        return _judged(court, task)
    except (PolicyError, OutputError):
        raise
    except Exception as error:
        name = task.file.name if isinstance(task, FileTask) else name_of(task.found)
        said = words.INTERNAL.format(name=name, kind=type(error).__name__)
        return refused(task, InputError(said, hint=words.INTERNAL_HINT))


def refused(task: Task, error: InputError) -> Judged:
    """The row of an input that no worker could read."""
    rows = Rows(task.input_id)
    name = task.file.name if isinstance(task, FileTask) else name_of(task.found)
    repeat = 0 if isinstance(task, FileTask) else task.repeat
    rows.responses.append(_unreadable(rows, Unreadable(name, error), repeat, 0, None))
    return Judged(rows)


def name_of(found: Found) -> str:
    """What a file or member is called."""
    return found.name if isinstance(found, Refused) else found[0].name


def _judged(court: Court, task: Task) -> Judged:
    limits = limits_of(court.settings)
    made = Judged(Rows(task.input_id))
    if isinstance(task, MemberTask):
        _write_down(court, task.found, task.repeat, made)
        return made
    whole: str | None = None
    size, packed, empty = 0, False, True
    for found in found_in(task.file, limits, notes=False):
        if _is_in_archive(found, task.file.name):
            return Judged(Rows(task.input_id), task.file, archive=True)
        empty = False
        if not isinstance(found, Refused):
            size, packed = len(found[0].data), bool(found[0].containers)
        whole = _write_down(court, found, 0, made)
    if empty:
        return Judged(Rows(task.input_id), task.file, archive=True)  # one of nothing
    if whole is not None and not packed:
        made.rows.sha256, made.rows.size = whole, size
    else:
        made.rows.sha256, made.rows.size = digest_of(task.file)
    return made


def _is_in_archive(found: Found, name: str) -> bool:
    if isinstance(found, Refused):
        return found.name != name
    return bool(_ARCHIVES & set(found[0].containers))


def digest_of(file: File) -> tuple[str | None, int | None]:
    """SHA-256 and size of a file as it lies there; nothing where it can't be read."""
    if file.only_once:
        return None, None
    digest, size = sha256(), 0
    try:
        with file.open() as (stream, _):
            while part := stream.read(1 << 20):
                digest.update(part)
                size += len(part)
    except InputError:
        return None, None
    return digest.hexdigest(), size


def _write_down(court: Court, found: Found, repeat: int, made: Judged) -> str | None:
    """Judge every response in what was found; returns the digest of its bytes."""
    whole = None if isinstance(found, Refused) else sha256(found[0].data).hexdigest()
    for number, part in enumerate(responses_in(found)):
        if number >= MOST_IN_A_FILE:
            name = name_of(found)
            said = words.TOO_MANY.format(name=name, most=MOST_IN_A_FILE)
            error = InputError(said, hint=words.TOO_MANY_HINT)
            part = Unreadable(name, error)
        if isinstance(part, Unreadable):
            made.rows.responses.append(_unreadable(made.rows, part, repeat, number, whole))
        else:
            _write_down_response(court, part, repeat, number, whole, made)
        if number >= MOST_IN_A_FILE:
            break
    return whole


def _response_id(rows: Rows, name: str, repeat: int, number: int) -> str:
    return make_id("response", rows.input_id, name, repeat, number)


def _unreadable(rows: Rows, part: Unreadable, repeat: int, number: int, whole: str | None) -> Row:
    return _row(
        id=_response_id(rows, part.name, repeat, number),
        input_id=rows.input_id,
        name=part.name,
        outcome="unreadable",
        reason=part.error.message,
        hint=part.error.hint,
        sha256=whole,
    )


_COUNTS = (
    "nodes",
    "failed",
    "unknown",
    "warned",
    "waived",
    "noted",
    "passed",
    "tolerated",
    "skipped",
)
_COLUMNS = (
    "id",
    "input_id",
    "name",
    "pointer",
    "outcome",
    "reason",
    "hint",
    "cluster_id",
    "cluster_type",
    "cluster_version",
    "target_version",
    "task_uid",
    "task_phase",
    "created_at",
    "updated_at",
    "expires_at",
    "judged_at",
    "judged_by",
    "compared_by",
    "form",
    "size",
    "sha256",
    "task_sha256",
    *_COUNTS,
    "report",
    "copy_of",
    "same_uid",
    "upgraded_at",
    "upgrade_change",
    "holds_until",
    "conditions",
    "condition_codes",
)
_DEFAULTS: dict[str, Any] = {
    **dict.fromkeys(_COLUMNS),
    **dict.fromkeys(_COUNTS, 0),
    "pointer": "",
    "conditions": 0,
    "condition_codes": "",
}


def _row(**values: Any) -> Row:
    return tuple((_DEFAULTS | values).values())


def _write_down_response(
    court: Court,
    response: Response,
    repeat: int,
    number: int,
    whole: str | None,
    made: Judged,
) -> None:
    rows, settings = made.rows, court.settings
    source, task = response.source, response.task
    identity = _response_id(rows, source.name, repeat, number)
    metadata, spec, status = task.metadata, task.spec, task.status
    sidecar = source.sidecar
    cluster = response.clusters[0] if len(response.clusters) == 1 else None
    target = (spec.target_version if spec else None) or (
        sidecar.target_version if sidecar else None
    )
    chosen = court.bench.chosen(cluster, target)
    values: dict[str, Any] = {
        "id": identity,
        "input_id": rows.input_id,
        "name": source.name,
        "pointer": source.pointer or (f"#{number + 1}" if number else ""),
        "cluster_id": cluster,
        "cluster_type": sidecar.cluster_type if sidecar else None,
        "cluster_version": (spec.cluster_version if spec else None) or None,
        "target_version": target,
        "task_uid": (metadata.uid if metadata else None) or None,
        "task_phase": (status.phase if status else None) or None,
        "created_at": _instant(metadata.creation_timestamp if metadata else None),
        "updated_at": _instant(metadata.update_timestamp if metadata else None),
        "expires_at": _instant(status.expire_time_stamp if status else None),
        "judged_by": court.bench.key(chosen) + mark_of(sidecar),
        "form": source.form,
        "size": len(source.data),
        "sha256": whole,
        "task_sha256": whole if source.form == "json" else _task_digest(response),
    }
    values["holds_until"] = values["expires_at"]
    heard = _heard(court, court.bench, chosen, response, values)
    if heard is not None:
        _write_down_judgement(heard, identity, rows, values)
    if court.others is not None:
        _compare(court, response, heard, values, rows, identity)
    if settings.wants_page(values["outcome"]) and heard is not None:
        values["report"] = f"reports/{identity}.html"
        made.reports.append((values["report"], _report(heard.judgement)))
    rows.responses.append(_row(**values))


def mark_of(note: Sidecar | None) -> str:
    """What is put behind the key of policies where a note of `fetch` was heard too."""
    return "" if note is None else f" {sha256(note.data).hexdigest()[:16]}"


def _instant(text: str | None) -> str | None:
    moment = parse_timestamp(text)
    return format_instant(moment) if moment is not None else None


def _task_digest(response: Response) -> str:
    """Of a task in a list or among lines: its own text, as compact JSON."""
    text = response.task.model_dump_json(by_alias=True, exclude_unset=True)
    return sha256(text.encode()).hexdigest()


def _heard(
    court: Court,
    bench: Bench,
    chosen: tuple[str, ...],
    response: Response,
    values: dict[str, Any],
) -> Heard | None:
    """Judge; where that can't be done, say why in `values`."""
    values["outcome"] = "inconclusive"
    try:
        policy: Policy | None = bench.policy(chosen)
    except PolicyError as error:
        if bench.is_sure(values["cluster_id"], values["target_version"]):
            raise
        values["reason"] = words.POLICIES_APART.format(error=error.message)
        values["hint"] = error.hint
        return None
    if policy is None:
        values["reason"] = words.NO_POLICY.format(
            cluster=values["cluster_id"] or words.NOT_NAMED,
            target=values["target_version"] or words.NOT_NAMED,
        )
        return None
    try:
        instant = settle_instant(response, court.settings.at, court.settings.clock)
    except InputError as error:
        values["reason"], values["hint"] = error.message, error.hint
        return None
    if instant.basis == "response" and instant.postdated:
        values["reason"] = words.NOT_YET.format(at=format_instant(instant.at))
        values["hint"] = "is a clock wrong? --at judges all responses for an instant that you name"
        return None
    judgement = judge(response, policy, instant=instant)
    waivers = [waiver_use(tally, instant.at) for tally in judgement.waivers]
    # For which instant it was judged, the audit says of all: what day it is now is no condition.
    undated = instant.model_copy(update={"backdated": False, "postdated": False})
    conditions = conditions_of(
        replace(judgement, instant=undated), waivers, change=_NO_CHANGE, gate=_GATE
    )
    values["outcome"] = judgement.outcome
    values["reason"] = _reason(judgement, conditions)
    values["judged_at"] = format_instant(instant.at)
    return Heard(judgement, waivers, conditions)


_NO_CHANGE, _GATE = Change(), Gate()


def _reason(judgement: Judgement, conditions: Sequence[Statement]) -> str:
    """The verdict in one line: everything that keeps it from passing, worst first, or that a
    person has to know of a pass."""
    by: dict[str, list[str]] = {"fail": [], "unknown": [], "warn": [], "waived": [], "note": []}
    for part in judgement.decided:
        if part.outcome in by:
            by[part.outcome].append(part.target.check or words.UNNAMED)
    skips = [skip.skip.name or words.UNNAMED for skip in judgement.skips if skip.outcome == "fail"]
    limits = [
        tally.rule.id
        for tally in judgement.limits
        if tally.exceeded and tally.rule.effect_at(judgement.instant.at) == "fail"
    ]
    said = []
    for names, form in (
        (by["fail"], words.FAILS),
        (limits, words.LIMITS),
        (skips, words.SKIPPED),
    ):
        if names:
            said.append(words.several(form, sorted(names)))
    said += [
        line.statements[0].text
        for line in judgement.evidence
        if line.state == "not-ok" and line.level == "require"
    ]
    if by["unknown"]:
        said.append(words.several(words.UNKNOWN, sorted(by["unknown"])))
    if not judgement.found.items:
        said.append(words.NOTHING)
    said += [words.UNFINISHED] if not said and judgement.outcome == "inconclusive" else []
    if said:
        return "; ".join(said)
    if are_conditional(conditions):
        return words.conditional(_of_a_pass(by, conditions))
    return words.PASSES_NOTED if by["note"] else words.PASSES


def _of_a_pass(by: dict[str, list[str]], conditions: Sequence[Statement]) -> Iterator[str]:
    """What is to be known of a pass: first where the policy asks in vain, last of the register.

    Of warnings and waived findings the checks are named instead.
    """
    yield from (part.text for part in conditions if part.code in SLIPS)
    told = set(SLIPS)
    for name, form, code in (
        ("warn", words.WARNS, "condition.warnings"),
        ("waived", words.WAIVED, "condition.waivers-used"),
    ):
        if by[name]:
            yield words.several(form, sorted(by[name]))
            told.add(code)
    rest = [part for part in conditions if part.code not in told | QUIET]
    for part in sorted(rest, key=lambda part: part.code in REGISTER):
        yield words.SHORT.get(part.code, part.text)


def _write_down_judgement(heard: Heard, identity: str, rows: Rows, values: dict[str, Any]) -> None:
    judgement = heard.judgement
    prefix = judgement.response.source.pointer
    checks, counts = _counts(judgement)
    totals = [sum(column) for column in zip(*counts, strict=True)] or [0] * len(_COUNTED)
    names = ("failed", "unknown", "warned", "waived", "noted", "passed")
    values.update(zip(names, totals, strict=True))
    values["nodes"] = judgement.found.nodes
    values["tolerated"] = sum(part.tolerated for part in judgement.decided)
    values["skipped"] = len(judgement.skips)
    values["cluster_type"] = judgement.cluster_type
    values["holds_until"] = _holds_until(judgement)
    values["conditions"] = len(heard.conditions)
    values["condition_codes"] = " ".join(sorted(map(_code, heard.conditions)))
    details = rows.details
    details["conditions"] += _condition_rows(heard.conditions, identity, "judged by")
    set_id, text = _check_set(tuple(checks))
    rows.check_sets[set_id] = text
    plain = [row if any(row[:5]) else row[5] for row in counts]
    details["tallies"].append((identity, set_id, json.dumps(plain, separators=(",", ":"))))
    details["findings"] += _finding_rows(judgement, identity, prefix)
    details["skipped"] += [
        (
            identity,
            skip.index,
            skip.outcome,
            skip.skip.name or None,
            " / ".join(skip.node_uids),
            skip.why.text,
            " / ".join(skip.waived_by),
        )
        for skip in judgement.skips
    ]
    details["evidence"] += [
        (identity, line.id, line.state, line.level, "; ".join(s.text for s in line.statements))
        for line in judgement.evidence
        if line.state == "not-ok" and line.level in ("require", "warn")
    ]
    details["waiver_uses"] += _waiver_rows(heard, identity)


def _holds_until(judgement: Judgement) -> str | None:
    """When the check expires, as its policy counts."""
    task = judgement.response.task
    metadata, status = task.metadata, task.status
    end = holds_until(
        judgement.evidence,
        parse_timestamp(metadata.update_timestamp if metadata else None),
        parse_timestamp(status.expire_time_stamp if status else None),
    )
    return format_instant(end) if end is not None else None


def _code(condition: Statement) -> str:
    return condition.code.removeprefix("condition.")


def _condition_rows(conditions: Sequence[Statement], identity: str, role: str) -> Iterator[Row]:
    return ((identity, role, _code(part), words.cut(part.text)) for part in conditions)


_Check = tuple[str, str | None, str | None, str | None]
"""Scope, name, kind and level."""


def _counts(judgement: Judgement) -> tuple[list[_Check], list[list[int]]]:
    """The checks of a response, sorted, and how many of their findings had which outcome."""
    numbers: dict[tuple[str, str], list[int]] = {}
    traits: dict[tuple[str, str], _Check] = {}
    for part in judgement.decided:
        target, scope = part.target, part.finding.scope
        key = (scope, target.check or "")
        row = numbers.get(key)
        if row is None:
            row = numbers[key] = [0, 0, 0, 0, 0, 0]
            traits[key] = (scope, target.check, target.kind, target.level)
        row[_COUNTED.index(part.outcome)] += 1
    for count in judgement.passes.values():
        key = (count.scope, count.name or "")
        row = numbers.get(key)
        if row is None:
            row = numbers[key] = [0, 0, 0, 0, 0, 0]
            traits[key] = (count.scope, count.name, _least(count.kinds), _least(count.levels))
        row[5] += count.passed
    order = sorted(numbers)
    return [traits[key] for key in order], [numbers[key] for key in order]


def _least(values: set[str]) -> str | None:
    return min(values) if len(values) > 1 else next(iter(values), None)


@lru_cache(maxsize=1_000)
def _check_set(checks: tuple[_Check, ...]) -> tuple[str, str]:
    """Its id and JSON: a fleet has few."""
    text = json.dumps(checks, ensure_ascii=False)
    return make_id("checks", text), text


def _finding_rows(judgement: Judgement, identity: str, prefix: str) -> Iterator[Row]:
    # In the order of the response: judging gathers them in that order.
    for number, part in enumerate(judgement.decided):
        target, nodes = part.target, part.target.nodes
        named = nodes[0] if len(nodes) == 1 else None
        yield (
            identity,
            number,
            part.outcome,
            target.check,
            part.finding.scope,
            target.kind,
            target.level,
            target.group,
            target.phase,
            (named.name if named else " / ".join(node.name or node.uid or "" for node in nodes))
            or None,
            (named.uid if named else " / ".join(node.uid or "" for node in nodes)) or None,
            target.message,
            part.why.text,
            _rules(part),
            " / ".join(part.waived_by),
            " / ".join(f"{miss.waiver}: {miss.why.text}" for miss in part.near_misses),
            prefix + part.finding.pointer,
        )


def _rules(part: Decided) -> str:
    if len(part.rules) == 1:
        return part.rules[0][0].id
    return " / ".join(sorted(rule.id for rule, _, _ in part.rules))


def _waiver_rows(heard: Heard, identity: str) -> Iterator[Row]:
    """The waivers something can be said of here: used, over their number, or missed when over."""
    judgement = heard.judgement
    if not judgement.waivers:
        return
    covered: dict[str, set[str]] = {}
    for decided in judgement.decided:
        for name in decided.waived_by:
            covered.setdefault(name, set()).add(decided.target.check or words.UNNAMED)
    for skip in judgement.skips:
        for name in skip.waived_by:
            covered.setdefault(name, set()).add(skip.skip.name or words.UNNAMED)
    for tally, use in zip(judgement.waivers, heard.waivers, strict=True):
        waiver = tally.waiver
        over = tally.missed
        if use.status in ("used", "exceeded", "not-applicable") or over:
            yield (
                identity,
                waiver.source,
                waiver.id,
                use.status,
                use.findings,
                use.skipped,
                use.not_applicable,
                over,
                json.dumps(sorted(covered.get(waiver.id, ())), ensure_ascii=False),
            )


def _report(judgement: Judgement) -> bytes:
    from reporter.output import render
    from reporter.policy.assemble import assemble

    verdict = assemble(judgement, cluster_name=None, change=_NO_CHANGE, gate=_GATE)
    source = judgement.response.source
    exhibits = [source.data, *(file.data for file in judgement.policy.files)]
    if source.sidecar is not None:
        exhibits.append(source.sidecar.data)
    return render(verdict, "html", exhibits)


# Another policy -------------------------------------------------------------------------------


def _compare(
    court: Court,
    response: Response,
    mine: Heard | None,
    values: dict[str, Any],
    rows: Rows,
    identity: str,
) -> None:
    """Would another policy say something else of this response, and why?"""
    bench = court.others
    if bench is None:
        return
    chosen = bench.chosen(values["cluster_id"], values["target_version"])
    values["compared_by"] = bench.key(chosen)
    other: dict[str, Any] = {
        "cluster_id": values["cluster_id"],
        "target_version": values["target_version"],
    }
    theirs = _heard(court, bench, chosen, response, other)
    if theirs is not None:
        slips = [part for part in theirs.conditions if part.code in SLIPS]
        rows.details["conditions"] += _condition_rows(slips, identity, "compared with")
    if other["outcome"] == values["outcome"]:
        return
    said = [other["reason"]]
    if mine is not None and theirs is not None:
        said += _differences(mine.judgement, theirs.judgement)
    rows.details["changes"] += [
        (identity, number, values["outcome"], other["outcome"], text)
        for number, text in enumerate(said)
    ]


def _differences(mine: Judgement, theirs: Judgement) -> list[str]:
    """Findings, skipped checks and evidence lines that the two decide differently, folded."""
    folded: dict[tuple[str, str, str, str, str], int] = {}

    def count(check: str | None, where: str, was: str, becomes: str, why: str) -> None:
        key = (check or words.UNNAMED, where, was, becomes, why)
        folded[key] = folded.get(key, 0) + 1

    before = {part.finding.pointer: part for part in mine.decided}
    after = {part.finding.pointer: part for part in theirs.decided}
    for pointer in dict.fromkeys((*before, *after)):
        old, new = before.get(pointer), after.get(pointer)
        was, becomes = old.outcome if old else "pass", new.outcome if new else "pass"
        part = new or old
        if was != becomes and part is not None:
            count(part.target.check, f" ({part.finding.scope})", was, becomes, part.why.text)
    for skip, changed in zip(mine.skips, theirs.skips, strict=True):
        if skip.outcome != changed.outcome:
            count(skip.skip.name, " (skipped)", skip.outcome, changed.outcome, changed.why.text)
    for line, other in zip(mine.evidence, theirs.evidence, strict=True):
        held, holds = (f"{of.state}, {of.level}" for of in (line, other))
        if held != holds:
            count(line.id, " (evidence)", held, holds, other.statements[0].text)
    return [
        words.CHECK_CHANGES.format(
            check=key[0], where=key[1], was=key[2], becomes=key[3], why=key[4], count=number
        )
        for key, number in sorted(folded.items())
    ]


def when(moment: datetime) -> str:
    """An instant as the store writes it."""
    return format_instant(moment)
