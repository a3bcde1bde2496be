"""What a line of evidence can say in a record, by its own words and by the rest of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, get_args

from reporter.record.conditions import CLOCK_SKEW
from reporter.record.model import EvidenceId
from reporter.signs import reads_as_written

if TYPE_CHECKING:
    from reporter.record.model import (
        Counts,
        EvidenceLevel,
        EvidenceLine,
        EvidenceState,
        Verdict,
    )

FINAL = ("Success", "Failed")
_ANY: tuple[EvidenceState, ...] = ("ok", "not-ok", "not-applicable")
_USUAL: tuple[EvidenceLevel, ...] = ("require", "warn", "off")
_LEVELS: dict[EvidenceId, tuple[EvidenceLevel, ...]] = {
    "finished": ("require", "warn"),
    "provider": ("note", "off"),
}
"""What a policy can say; of all others `_USUAL`."""

_SAID: dict[EvidenceId, dict[EvidenceState, tuple[str, ...]]] = {
    "recognised": {
        "ok": ("recognised.ok",),
        "not-ok": (
            "recognised.missing",
            "recognised.value",
            "recognised.name",
            "recognised.selector",
            "recognised.hidden",
        ),
    },
    "finished": {
        "ok": ("finished.ok",),
        "not-ok": (
            "finished.error",
            "finished.error-silent",
            *(
                f"finished.{part}{missing}"
                for part in ("task", "cluster", "addon", "node")
                for missing in ("", "-missing")
            ),
            "finished.items",
        ),
    },
    "consistent": {
        "ok": ("consistent.ok",),
        "not-ok": ("consistent.task", "consistent.section"),
    },
    "complete": {
        "ok": ("complete.ok", "complete.ok-without-nodes"),
        "not-ok": (
            "complete.section",
            "complete.empty",
            "complete.empty-nodes",
            "complete.standard-without-nodes",
            "complete.check",
            "complete.check-on-nodes",
            "complete.check-on-masters",
            "complete.min-nodes",
        ),
    },
    "unexpired": {
        "ok": ("unexpired.ok", "unexpired.validity-ok"),
        "not-ok": (
            "unexpired.expired",
            "unexpired.unreadable",
            "unexpired.missing",
            "unexpired.validity-over",
            "update-missing",
            "update-unreadable",
            "update-future",
        ),
        "not-applicable": ("unexpired.failed-task",),
    },
    "fresh": {
        "ok": ("fresh.ok",),
        "not-ok": ("fresh.old", "update-missing", "update-unreadable", "update-future"),
    },
    "identity": {
        "ok": ("identity.ok",),
        "not-ok": (
            "identity.sidecar",
            "identity.cluster",
            "identity.cluster-missing",
            "identity.target",
            "identity.target-missing",
        ),
        "not-applicable": ("identity.not-given",),
    },
    "provider": {
        "ok": ("provider.message", "provider.phase"),
        "not-ok": ("provider.message", "provider.phase"),
        "not-applicable": ("provider.message", "provider.phase", "provider.missing"),
    },
}
"""Line → state → the codes behind `evidence.` one of which says so."""
_BESIDE: dict[EvidenceId, tuple[str, ...]] = {
    "recognised": ("recognised.fields",),
    "consistent": ("consistent.section-success",),
}
"""What is said beside, whatever the state is."""
_KNOWN = frozenset(
    {code for states in _SAID.values() for codes in states.values() for code in codes}
    | {code for codes in _BESIDE.values() for code in codes}
    | {"off", "left-out"}
)


def of_evidence(record: Verdict) -> Iterator[str]:
    """All lines are there, and those agree that can be asked again."""
    if tuple(line.id for line in record.evidence) != get_args(EvidenceId):
        yield "the lines of evidence are not the eight there are"
    for line in record.evidence:
        if line.level not in _LEVELS.get(line.id, _USUAL):
            yield f"evidence {line.id}: no policy can make it {line.level}"
        if line.state not in _states(line, record):
            yield f"evidence {line.id}: {line.state} does not follow from what the record says"
        if not _fits_its_words(line, record):
            yield f"evidence {line.id}: {line.state} and what it says differ"
        for said in line.statements:
            numbers = _NUMBERS.get(said.code, {})
            if any(said.params.get(name) != of(record.counts) for name, of in numbers.items()):
                yield f"{said.code} does not follow from what the record lists"


_NUMBERS: dict[str, dict[str, Callable[[Counts], int]]] = {
    "evidence.finished.ok": {"count": lambda counts: counts.findings.total},
    "evidence.complete.ok": {
        "items": lambda counts: counts.findings.total,
        "nodes": lambda counts: counts.nodes,
    },
}
_NUMBERS["evidence.complete.ok-without-nodes"] = _NUMBERS["evidence.complete.ok"]


def _fits_its_words(line: EvidenceLine, record: Verdict) -> bool:
    """Whether what is said is of the line's state; a newer version may say more of it."""
    codes = [said.code.removeprefix("evidence.") for said in line.statements]
    if line.level == "off":
        return codes == ["off"]
    if line.id == "provider" and record.redaction is None:
        phases = [said.params.get("phase") for said in line.statements]
        if not phases or any(phase != record.subject.task_phase for phase in phases):
            return False
    due, beside = {*_SAID[line.id].get(line.state, ())}, {*_BESIDE.get(line.id, ())}
    strange = {*codes} - _KNOWN
    if line.state == "not-ok":
        due, beside = due | strange, beside | {"left-out"}
    return not due.isdisjoint(codes) and {*codes} <= due | beside | strange


def _states(line: EvidenceLine, record: Verdict) -> tuple[EvidenceState, ...]:
    """What a line can come to; what only the policies or the response tell is left open."""
    if line.level == "off":
        return ("not-applicable",)
    subject = record.subject
    if line.id == "unexpired" and subject.expires is not None:
        expires = subject.expires.at
        return ("ok",) if expires is not None and expires > record.instant.at else ("not-ok",)
    if line.id == "unexpired":
        # Of a failed task alone it may be left out.
        left_out = record.redaction is not None or subject.task_phase == "Failed"
        return (
            *(("ok",) if _is_dated(record) else ()),
            "not-ok",
            *(("not-applicable",) if left_out else ()),
        )
    if line.id == "fresh":
        return _ANY if _is_dated(record) else ("not-ok",)
    if line.id == "identity":
        return _identity(record)
    if line.id == "complete":
        is_short = not record.counts.nodes and subject.cluster_type == "standard"
        return ("not-ok",) if is_short else _ANY
    return _by_phases(line, record) if record.redaction is None else _ANY


def _by_phases(line: EvidenceLine, record: Verdict) -> tuple[EvidenceState, ...]:
    task = record.subject.task_phase
    phases = {entry.phase for check in record.checks for entry in check.entries}
    if line.id == "recognised" and not all(
        check.name is None or reads_as_written(check.name) for check in record.checks
    ):
        return ("not-ok",)
    if line.id == "finished" and not {task, *phases} <= {*FINAL}:
        return ("not-ok",)
    if line.id == "consistent" and task == "Failed" and "Failed" not in phases:
        return ("not-ok",)
    if line.id == "provider":
        if task == "Success":
            return ("ok",)
        return ("not-ok",) if task in ("Failed", "Error") else ("not-applicable",)
    return _ANY


def _is_dated(record: Verdict) -> bool:
    """Whether there is an update time that can be counted from."""
    updated = record.subject.updated.at if record.subject.updated else None
    return updated is not None and updated - record.instant.at <= CLOCK_SKEW


def _identity(record: Verdict) -> tuple[EvidenceState, ...]:
    subject = record.subject
    if subject.expected_cluster not in (None, subject.cluster_id):
        return ("not-ok",)
    wanted, found = subject.expected_target, subject.target_version
    if wanted is not None and (found is None or _is_another(wanted, found, record)):
        return ("not-ok",)
    is_asked = (subject.expected_cluster, wanted) != (None, None)
    return ("ok", "not-ok") if is_asked else _ANY


_VERSION = re.compile(r"v?([0-9]{1,9})\.([0-9]{1,9})(?:\.([0-9]{1,9}))?(?:-r([0-9]{1,9}))?")


def _is_another(wanted: str, found: str, record: Verdict) -> bool:
    """Whether a version surely does not begin with the parts of the one that was expected."""
    asked, given = _VERSION.fullmatch(wanted), _VERSION.fullmatch(found)
    if asked is None or given is None:
        # What is no version is met by itself alone; a pseudonym may have been one.
        return record.redaction is None and wanted != found
    parts = [int(part) if part is not None else None for part in asked.groups()]
    if parts[3] is not None and parts[2] is None:
        parts[2] = 0  # 1.31-r1 is 1.31.0-r1
    there = [int(part or 0) for part in given.groups()]
    return any(part not in (None, own) for part, own in zip(parts, there, strict=True))
