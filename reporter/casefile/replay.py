"""A verdict reached again from the evidence that was kept, and held against the record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from reporter import __version__
from reporter.errors import InputError
from reporter.policy.evaluate import evaluate
from reporter.policy.load import Policy, builtin_names
from reporter.precheck.response import Response, Wanted
from reporter.record.model import Entry, Exhibit, Instant, PolicyUse, Verdict
from reporter.resources import bundled
from reporter.sources.read import read_kept

SHOWN = 20
"""How many differences are told; the rest is counted."""

Evidence = Mapping[str, bytes]
"""Exhibits of a record, by their SHA-256."""


def missing(record: Verdict, evidence: Evidence) -> list[Exhibit]:
    """The exhibits that are not at hand."""
    return [exhibit for exhibit in record.exhibits if exhibit.sha256 not in evidence]


def judge_again(record: Verdict, evidence: Evidence) -> tuple[Verdict, Response]:
    """The verdict for what the record says was asked, from the evidence alone.

    The instant, what was expected, and how the task was chosen are the record's; where it says
    that the instant is the response's own, it is taken from there again. Raises `ReporterError`
    where the evidence can't be judged.
    """
    if record.tool.version == __version__:
        _check_shipped(record.policies)
    policy = _policy(record.policies, evidence)
    response = _response(record, evidence)
    subject, instant = record.subject, record.instant
    if instant.basis == "now":
        instant = instant.model_copy(update={"backdated": False, "postdated": False})
    if instant.basis == "response":
        metadata = response.task.metadata
        instant = _own_instant(instant, metadata.update_timestamp if metadata else None)
    verdict = evaluate(
        response,
        policy,
        at=instant,
        expect_cluster=subject.expected_cluster,
        expect_target=subject.expected_target,
        cluster_type=subject.cluster_type if subject.cluster_type_from == "option" else None,
        cluster_name=subject.cluster_name,
        change=subject.change,
        gate=record.gate,
    )
    return verdict, response


def _own_instant(instant: Instant, update: str | None) -> Instant:
    from reporter.precheck.times import parse_timestamp

    moment = parse_timestamp(update)
    if moment is None:
        raise InputError("the response has no time of its own that it could be judged for")
    return instant.model_copy(update={"at": moment})


def _check_shipped(uses: Sequence[PolicyUse]) -> None:
    """A record of this version names a shipped policy only if it is the shipped one."""
    for use in uses:
        if not use.source.startswith("builtin:"):
            continue
        if shipped(use) is None:
            raise InputError(f"{use.source} is not the policy that is shipped under that name")


def shipped(use: PolicyUse) -> bytes | None:
    """The file this tool ships as `builtin:NAME`; None for any other, or where its digest is not
    the recorded one."""
    name = use.source.removeprefix("builtin:")
    if name == use.source or name not in builtin_names():
        return None
    data = (bundled("policies") / f"{name}.yaml").read_bytes()
    return data if sha256(data).hexdigest() == use.sha256 else None


def _policy(uses: Sequence[PolicyUse], evidence: Evidence) -> Policy:
    files: dict[str, bytes] = {}
    for use in uses:
        if (data := evidence.get(use.sha256)) is None:
            raise InputError(f"the policy {use.source} is none of the files it names as evidence")
        if files.setdefault(use.source, data) != data:
            raise InputError(f"two policy files were called {use.source}: which is meant is open")
    named = {
        kind: [source for _, source in sorted(_named(uses, kind))]
        for kind in ("Policy", "WaiverList")
    }
    if not named["Policy"]:
        raise InputError("the record names no policy that was given")
    return Policy.load_kept(files, named["Policy"], named["WaiverList"])


def _named(uses: Sequence[PolicyUse], kind: str) -> Iterator[tuple[int, str]]:
    for use in uses:
        if use.kind == kind:
            yield from ((place, use.source) for place in use.given)


def response_of(record: Verdict, evidence: Evidence) -> Response | None:
    """The response a record is about, where it and its sidecar are at hand."""
    needed = [part.sha256 for part in record.exhibits if part.role in ("response", "sidecar")]
    if not needed or not all(digest in evidence for digest in needed):
        return None
    return _response(record, evidence)


def response_at(record: Verdict, evidence: Evidence) -> Response:
    """The response at the place a record names, however it was chosen."""
    return _response(record, evidence, chosen=False)


def _response(record: Verdict, evidence: Evidence, *, chosen: bool = True) -> Response:
    roles = {exhibit.role: exhibit for exhibit in record.exhibits}
    response, sidecar = roles.get("response"), roles.get("sidecar")
    if response is None:
        raise InputError("the record names no response")
    choice = record.source.choice if chosen else None
    return read_kept(
        evidence[response.sha256],
        record.source.name,
        wanted=None if choice is None else Wanted(choice.task, choice.cluster, choice.target),
        pointer=record.source.pointer,
        uid=record.subject.task_uid if chosen else None,
        containers=tuple(record.source.containers),
        passed_over=(tuple(record.source.passed_over), record.source.passed_over_count),
        sidecar=None if sidecar is None else (sidecar.name, evidence[sidecar.sha256]),
    )


# Differences ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Comparison:
    """What a record says otherwise than the evidence does."""

    differences: tuple[str, ...]
    findings: int
    """How many were judged again."""


def compare(record: Verdict, again: Verdict, *, strict: bool) -> Comparison:
    """Each place where a record and the verdict reached again part, in words.

    `strict` compares every text too. Otherwise, for a record of another version, what that may
    have worded differently is left out: the English beside the codes, and the catalogue.
    """
    # An older record lacks fields that came later: what it does not say is not compared.
    old = record.model_dump(mode="json", exclude_unset=not strict)
    new = again.model_dump(mode="json")
    if not strict:
        old, new = _without_words(old), _without_words(new)
    told: list[str] = []
    if record.outcome != again.outcome:
        told.append(f"the record says {record.outcome}, the evidence {again.outcome}")
    told += _finding_differences(record, again)
    # A finding that is told by its name is not told a second time by its place in the record.
    told += [
        line
        for line in _paths(old, new, "", said_alone=not strict)
        if not (told and line.startswith(("/checks/", "/outcome", "/exit_code")))
    ]
    return Comparison(tuple(dict.fromkeys(told)), again.counts.findings.total)


_Finding = tuple[str, str, str]


def _finding_differences(record: Verdict, again: Verdict) -> Iterator[str]:
    recorded, judged = _findings(record), _findings(again)
    for key in [*recorded, *(key for key in judged if key not in recorded)]:
        check, scope, pointer = key
        where = f"{check} ({scope}) at {pointer}"
        if key not in judged:
            yield f"{where}: recorded as {recorded[key].outcome}, and not in the evidence as that"
        elif key not in recorded:
            found = judged[key]
            yield f"{where}: {found.outcome} by the evidence ({found.why.text}), not in the record"
        elif recorded[key].outcome != judged[key].outcome:
            found = judged[key]
            yield (
                f"{where}: recorded as {recorded[key].outcome}, judged {found.outcome} "
                f"({found.why.text})"
            )


def _findings(verdict: Verdict) -> dict[_Finding, Entry]:
    return {
        (check.name or "(unnamed)", check.scope, place.pointer): entry
        for check in verdict.checks
        for entry in check.entries
        for place in entry.places
    }


def _paths(old: Any, new: Any, path: str, *, said_alone: bool) -> Iterator[str]:
    if old == new and type(old) is type(new):
        return
    if isinstance(old, dict) and isinstance(new, dict):
        added = [] if said_alone else [key for key in new if key not in old]
        for key in [*old, *added]:
            yield from _paths(old.get(key), new.get(key), f"{path}/{key}", said_alone=said_alone)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from _paths(one, other, f"{path}/{index}", said_alone=said_alone)
    elif isinstance(old, list) and isinstance(new, list):
        yield f"{path}: {len(old)} recorded, {len(new)} by the evidence"
    else:
        yield f"{path}: recorded {_shown(old)}, by the evidence {_shown(new)}"


def _shown(value: Any) -> str:
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= 80 else f"{text[:79]}…"


def _without_words(value: Any) -> Any:
    """What two versions of the tool say alike: no wording, no catalogue, no version."""
    if isinstance(value, list):
        return [_without_words(part) for part in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"code", "params", "text"}:
        words = value["code"].startswith("action.catalogue")
        return {"code": value["code"], "params": {} if words else value["params"]}
    return {
        key: _without_words(part) for key, part in value.items() if key not in ("catalogue", "tool")
    }
