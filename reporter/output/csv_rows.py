"""CSV for spreadsheets: a row for every place of a finding, and for what else was decided.

RFC 4180: commas, CRLF, quotes where they are needed, one header. It begins with a byte order
mark, because Excel takes a file without one for the code page of the machine and turns Chinese
into noise; pandas and Python's `utf-8-sig` take it away. A program should read the JSON record.

Findings that passed have no places in the record: a check has one row with their number, so that
the column `count`, summed over the rows `finding` and `passed`, gives the totals of every report.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from reporter.output.clean import cleaned, console_safe, one_line
from reporter.output.exhibits import AttachedExhibit
from reporter.record.instants import exactly_of
from reporter.record.model import OUTCOMES_WORST_FIRST, Check, Entry, Node, Place, Verdict
from reporter.words import say

HEADER: Final = (
    "row",
    "outcome",
    "count",
    "check",
    "scope",
    "node",
    "node_uid",
    "node_status",
    "kind",
    "level",
    "group",
    "phase",
    "error_codes",
    "message",
    "why",
    "rules",
    "waivers",
    "to_do",
    "pointer",
    "line",
    "column",
    "cluster",
    "cluster_version",
    "target_version",
    "verdict",
    "judged_at",
)
"""The columns. New ones are added at the end; these keep their names and places."""

ROWS: Final = ("verdict", "evidence", "finding", "skipped", "limit", "waiver", "passed")
"""What the column `row` may say, in the order of the file."""

MAX_CELL: Final = 32_000
"""Excel cuts a cell at 32,767 characters without a word."""

MAX_ROWS: Final = 1_048_576
"""What a sheet of Excel or LibreOffice holds."""

BOM: Final = "\ufeff"
_CUT: Final = " … (cut; the record has all of it)"
_TOO_MANY: Final = "{count:,} rows are more than the {most:,} a spreadsheet shows"

_Row = dict[str, str]


def write(
    verdict: Verdict,
    exhibits: Sequence[AttachedExhibit] = (),
    *,
    warn: Callable[[str], None] | None = None,
) -> bytes:
    """The verdict as CSV, in UTF-8 with a byte order mark."""
    shown = cleaned(verdict)
    frame = _frame(shown)
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(HEADER)
    count = 1
    for row in _rows(shown):
        filled = row | frame
        writer.writerow([safe_cell(filled.get(name, "")) for name in HEADER])
        count += 1
    if count > MAX_ROWS and warn is not None:
        warn(_TOO_MANY.format(count=count, most=MAX_ROWS))
    return (BOM + file.getvalue()).encode()


# A cell that begins with one of these is a formula, the wide forms of East Asian fonts included.
# Where lists are separated by semicolons a cell may also begin after one of those.
_FORMULA = re.compile(
    r"(^|[;|])([\s'\"]*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u2212])"
)


# What most cells are, and what is left as it is: no doubt can be raised by these signs alone.
_PLAIN = re.compile(r"[A-Za-z0-9/][A-Za-z0-9/._:-]{0,199}", re.ASCII).fullmatch


def safe_cell(text: str) -> str:
    """Text that a spreadsheet shows and never calculates: `=1+1` becomes `'=1+1`.

    On one line, without tabs and controls, and no longer than a cell can hold.
    """
    if _PLAIN(text):
        return text
    text = console_safe(one_line(text))
    text = _FORMULA.sub(lambda match: f"{match[1]}'{match[2]}", text)
    return text if len(text) <= MAX_CELL else text[: MAX_CELL - len(_CUT)] + _CUT


def _frame(verdict: Verdict) -> _Row:
    """What every row repeats, so that the files of many clusters can be put together."""
    subject = verdict.subject
    return {
        "cluster": subject.cluster_id or subject.cluster_name or "",
        "cluster_version": subject.cluster_version or "",
        "target_version": subject.target_version or "",
        "verdict": verdict.outcome,
        "judged_at": exactly_of(verdict.instant.at),
    }


def _rows(verdict: Verdict) -> Iterator[_Row]:
    yield _verdict(verdict)
    yield from _evidence(verdict)
    yield from _findings(verdict)
    yield from _skipped(verdict)
    yield from _limits(verdict)
    yield from _waivers(verdict)
    yield from _passed(verdict)


def _verdict(verdict: Verdict) -> _Row:
    return {
        "row": "verdict",
        "outcome": verdict.outcome,
        "message": verdict.headline.text,
        "why": _listed(part.text for part in (*verdict.summary, *verdict.conditions)),
    }


def _evidence(verdict: Verdict) -> Iterator[_Row]:
    for line in verdict.evidence:
        yield {
            "row": "evidence",
            "outcome": line.state,
            "check": line.id,
            "level": line.level,
            "message": _listed(part.text for part in line.statements),
            "pointer": _listed(line.pointers),
        }


def _findings(verdict: Verdict) -> Iterator[_Row]:
    order: Sequence[str] = OUTCOMES_WORST_FIRST
    found = [(check, entry) for check in verdict.checks for entry in check.entries]
    for check, entry in sorted(found, key=lambda pair: order.index(pair[1].outcome)):
        said = _entry(check, entry)
        for place in entry.places:
            yield said | _place(place)


def _entry(check: Check, entry: Entry) -> _Row:
    waivers = [*entry.waived_by]
    waivers += [f"not {miss.waiver}: {miss.why.text}" for miss in entry.near_misses]
    return {
        "row": "finding",
        "outcome": entry.outcome,
        "count": "1",
        "check": _name(check.name),
        "scope": check.scope,
        "kind": entry.kind or "",
        "level": entry.level or "",
        "group": entry.group or "",
        "phase": entry.phase or "",
        "error_codes": _listed(entry.error_codes),
        "message": entry.message or "",
        "why": _listed((entry.why.text, *entry.said)),
        "rules": _listed(match.rule for match in entry.rules),
        "waivers": _listed(waivers),
        "to_do": _listed(entry.remediation),
    }


def _place(place: Place) -> _Row:
    nodes = place.nodes
    return {
        "node": _listed(_node(node) for node in nodes),
        "node_uid": _listed(node.uid or "" for node in nodes),
        "node_status": _listed(node.status or "" for node in nodes),
        "pointer": place.pointer,
        "line": "" if place.line is None else str(place.line),
        "column": "" if place.column is None else str(place.column),
    }


def _skipped(verdict: Verdict) -> Iterator[_Row]:
    for skip in verdict.skipped:
        misses = [f"not {miss.waiver}: {miss.why.text}" for miss in skip.near_misses]
        yield {
            "row": "skipped",
            "outcome": skip.outcome,
            "count": "1",
            "check": _name(skip.name),
            "node_uid": _listed(skip.node_uids),
            "why": skip.why.text,
            "waivers": _listed((*skip.waived_by, *misses)),
            "pointer": skip.pointer,
        }


def _limits(verdict: Verdict) -> Iterator[_Row]:
    for use in verdict.rules:
        if use.limit is not None:
            yield {
                "row": "limit",
                "outcome": use.effect if use.limit.exceeded else "pass",
                "count": str(use.limit.failed),
                "message": use.limit.said.text,
                "rules": use.id,
                "pointer": f"{use.source}:{use.line}",
            }


def _waivers(verdict: Verdict) -> Iterator[_Row]:
    for use in verdict.waivers:
        terms = (
            f"approved by {use.approved_by}" if use.approved_by else "",
            f"ticket {use.ticket}" if use.ticket else "",
            f"until {use.expires}" if use.expires else "without end",
        )
        yield {
            "row": "waiver",
            "outcome": use.status,
            "count": str(use.findings + use.skipped),
            "check": _listed(_names(use.match.get("check"))),
            "message": use.reason,
            "why": _listed((use.why.text, *terms)),
            "waivers": use.id,
            "pointer": f"{use.source}:{use.line}",
        }


def _passed(verdict: Verdict) -> Iterator[_Row]:
    for check in verdict.checks:
        if check.findings.passed:
            yield {
                "row": "passed",
                "outcome": "pass",
                "count": str(check.findings.passed),
                "check": _name(check.name),
                "scope": check.scope,
            }


def _name(name: str | None) -> str:
    return name or say("reason.unnamed")


def _node(node: Node) -> str:
    return node.name or node.uid or "a node without a name"


def _names(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [str(part) for part in value] if isinstance(value, list) else []


def _listed(parts: Iterable[str]) -> str:
    """Several values in one cell; ` / ` between them, which separates nothing in any locale."""
    return " / ".join(part for part in parts if part)
