"""What programs read of an audit: two CSVs, JUnit and the manifest, written row by row.

Everything comes out of the store in the order of names, so that the bytes depend on nothing else;
nothing is held, so that five million findings need no more memory than five.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from reporter.audit import words
from reporter.audit.store import Store
from reporter.audit.summary import is_conditional
from reporter.errors import OutputError
from reporter.output.audit.facts import AuditFacts, WaiverFacts
from reporter.output.clean import one_line
from reporter.output.csv_rows import BOM, safe_cell
from reporter.output.files import replacing
from reporter.output.junit import Case, distinct, suite
from reporter.record.instants import second_of
from reporter.record.model import SEMANTICS

RESPONSES = (
    "name",
    "pointer",
    "outcome",
    "reason",
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
    "nodes",
    "failed",
    "unknown",
    "warned",
    "waived",
    "noted",
    "passed",
    "tolerated",
    "skipped",
    "form",
    "size",
    "sha256",
    "task_sha256",
    "copy_of",
    "same_uid",
    "upgraded_at",
    "upgrade_change",
    "report",
    "hint",
    "id",
    "holds_until",
    "conditions",
    "condition_codes",
)
"""The columns of responses.csv. New ones are added at the end."""

FINDINGS = (
    "outcome",
    "check_name",
    "scope",
    "kind",
    "level",
    "group_name",
    "phase",
    "node",
    "node_uid",
    "message",
    "why",
    "rules",
    "waivers",
    "near_misses",
    "pointer",
)
"""The columns of findings.csv behind those that say of which response."""

FINDINGS_FRAME = ("response", "cluster_id", "cluster_version", "target_version", "updated_at")

CLASS = "precheck.audit"
_END = b"</testsuites>\n"


def write_tables(store: Store, folder: Path, facts: AuditFacts, *, unused_fails: bool) -> None:
    """All four. `OutputError` where one can't be written."""
    _write_csv(folder / "responses.csv", RESPONSES, _responses(store))
    _write_csv(folder / "findings.csv", (*FINDINGS_FRAME, *FINDINGS), _findings(store))
    with replacing(folder / "junit.xml", hint=words.NO_ROOM) as file:
        for part in _junit(store, facts, unused_fails=unused_fails):
            file.write(part)
    with replacing(folder / "manifest.json", hint=words.NO_ROOM) as file:
        for text in _manifest(store, facts):
            file.write(text.encode())


# CSV ------------------------------------------------------------------------------------------


@lru_cache(maxsize=50_000)
def _cell(value: str | int | None) -> str:
    """A cell as it stands in the file, quoted where it has to be: most of them repeat."""
    text = "" if value is None else safe_cell(str(value))
    if not text:
        return ""  # alone in a row it would be quoted
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow([text])
    return line.getvalue()


def _write_csv(target: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    with replacing(target, hint=words.NO_ROOM) as file:
        text = io.TextIOWrapper(file, encoding="utf-8", newline="")
        text.write(f"{BOM}{','.join(header)}\r\n")
        text.writelines(f"{','.join(map(_cell, row))}\r\n" for row in rows)
        text.flush()
        text.detach()


def _responses(store: Store) -> Iterator[Sequence[Any]]:
    return store.ask(f"SELECT {', '.join(RESPONSES)} FROM responses ORDER BY name, pointer, id")


def _findings(store: Store) -> Iterator[Sequence[Any]]:
    frame = "name || pointer, cluster_id, cluster_version, target_version, updated_at"
    wanted = f"SELECT {', '.join(FINDINGS)} FROM findings WHERE response_id = ? ORDER BY number"
    for identity, *head in store.ask(
        f"SELECT id, {frame} FROM responses ORDER BY name, pointer, id"
    ):
        for row in store.ask(wanted, (identity,)):
            yield (*head, *row)


def add_unwritten(target: Path, error: OutputError) -> None:
    """Have a finished `junit.xml` say what could not be written. `OutputError`.

    It is then none that an audit wrote: the next run writes it anew.
    """
    text = f"could not be written, so the exit code is 5: {one_line(error.message)}"
    case = Case(CLASS, "reports", "error", text, text)
    number, last = 0, b""
    try:
        with target.open("rb") as old, replacing(target, hint=words.NO_ROOM) as new:
            for line in old:
                new.write(last)
                number += line.startswith(b"  <testsuite ")
                last = line
            if last != _END:
                raise OutputError(f"{target}: is not as an audit writes it", hint=words.NO_ROOM)
            name = f"{CLASS}.reports"
            new.write(_suite([case], number, name, name, "1970-01-01T00:00:00", [], []) + _END)
    except OSError as problem:
        reason = problem.strerror
        raise OutputError(f"{target}: can't be read: {reason}", hint=words.NO_ROOM) from None


# JUnit ----------------------------------------------------------------------------------------


def _junit(store: Store, facts: AuditFacts, *, unused_fails: bool) -> Iterator[bytes]:
    """A suite for the waivers and the audit itself, and one for each cluster."""
    yield b"<?xml version='1.0' encoding='utf-8'?>\n<testsuites>\n"
    stamp = second_of(facts.as_of) if facts.as_of else "1970-01-01T00:00:00"
    properties = [
        ("tool", f"cce-precheck {facts.tool_version}"),
        ("judged-at-basis", facts.basis),
        *((f"{part.kind}-sha256-{n}", part.sha256) for n, part in enumerate(facts.policies, 1)),
    ]
    cases = [_waiver_case(part, unused_fails) for part in facts.waivers] or [Case(CLASS, "waivers")]
    told = [
        f"{one_line(part.text)} (in {part.responses:,} of {facts.tally.total:,}, "
        f"{part.passing:,} of them {'passes' if part.passing == 1 else 'pass'})"
        for part in facts.conditions
        if part.role == "judged by"
    ]
    yield _suite(distinct(cases), 0, CLASS, CLASS, stamp, properties, told)
    rows = store.ask(
        "SELECT coalesce(cluster_id, ''), name || pointer, outcome, reason, hint, "
        f"{is_conditional('responses')} "
        "FROM responses ORDER BY coalesce(cluster_id, ''), name, pointer, id"
    )
    for number, (cluster, found) in enumerate(groupby(rows, key=lambda row: row[0]), 1):
        key = "_".join(one_line(cluster).replace(".", "_").split()) or "no-cluster"
        of_cluster, told = [], []
        for _, name, outcome, reason, hint, conditional in found:
            of_cluster.append(
                _case(f"{CLASS}.{key}", name, outcome, reason, hint, facts.allow_unreadable)
            )
            if conditional:  # a pass has no text of its own
                told.append(one_line(f"{name}: {reason}"))
        name = f"precheck audit {key}"
        yield _suite(distinct(of_cluster), number, name, f"{CLASS}.{key}", stamp, [], told)
    yield _END


def _suite(
    cases: Sequence[Case],
    number: int,
    name: str,
    package: str,
    stamp: str,
    properties: Sequence[tuple[str, str]],
    told: Sequence[str],
) -> bytes:
    root = ElementTree.Element("testsuites")
    suite(root, cases, name=name, package=package, timestamp=stamp, properties=properties, out=told)
    (element,) = root
    element.set("id", str(number))
    ElementTree.indent(root)
    text: bytes = ElementTree.tostring(element, encoding="utf-8")
    return b"  " + text.rstrip() + b"\n"


def _case(
    classname: str, name: str, outcome: str, reason: str, hint: str | None, allowed: bool
) -> Case:
    text = f"{reason}\n{hint}" if hint else reason
    if outcome == "pass":
        return Case(classname, name)
    if outcome == "unreadable" and allowed:
        return Case(classname, name, "skipped", f"UNREADABLE, allowed: {reason}", text)
    return Case(classname, name, "failure" if outcome == "fail" else "error", reason, text)


def _waiver_case(waiver: WaiverFacts, unused_fails: bool) -> Case:
    name = f"waiver {waiver.id} ({waiver.source})"
    if waiver.status == "used":
        return Case(CLASS, name)
    text = f"{waiver.status.upper()}: {waiver.source}:{waiver.line}; reason: {waiver.reason}"
    result = "failure" if waiver.status == "unused" and unused_fails else "skipped"
    return Case(CLASS, name, result, text, text)  # type: ignore[arg-type]


# The manifest ---------------------------------------------------------------------------------


def _manifest(store: Store, facts: AuditFacts) -> Iterator[str]:
    """What went in, by digest: a line for each input."""
    head = {
        "apiVersion": "precheck.audit/v1alpha",
        "kind": "AuditManifest",
        "tool": {"name": "cce-precheck", "version": facts.tool_version},
        "semantics": SEMANTICS,
        "at": facts.basis if facts.given is None else facts.given.isoformat(),
        "locations": list(facts.locations),
        "policies": [
            {
                "role": part.role,
                "kind": part.kind,
                "name": part.name,
                "source": part.source,
                "sha256": part.sha256,
            }
            for part in facts.policies
        ],
    }
    text = json.dumps(head, indent=2, ensure_ascii=False)
    yield text.removesuffix("\n}") + ',\n  "inputs": ['
    first = True
    rows = store.ask(
        "SELECT i.name, i.size, i.sha256, archive, r.name || r.pointer, r.size, r.sha256, outcome "
        "FROM inputs i LEFT JOIN responses r ON r.input_id = i.id "
        "ORDER BY i.name, r.name, r.pointer, r.id"
    )
    for key, found in groupby(rows, key=lambda row: row[:4]):
        name, size, digest, archive = key
        entry: dict[str, Any] = {"name": one_line(name), "size": size, "sha256": digest}
        held = list(found)
        if archive:
            entry["members"] = [
                {"name": one_line(row[4]), "size": row[5], "sha256": row[6], "outcome": row[7]}
                for row in held
                if row[4] is not None
            ]
        else:
            entry["outcomes"] = [row[7] for row in held if row[7] is not None]
        yield ("\n    " if first else ",\n    ") + json.dumps(entry, ensure_ascii=False)
        first = False
    yield "\n  ]\n}\n"
