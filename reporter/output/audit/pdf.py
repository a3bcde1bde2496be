"""The audit on paper, for the file: the same view as the page, its long tables cut."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from reporter.output import pdf, templating
from reporter.output.audit import view
from reporter.output.audit.facts import AuditFacts
from reporter.output.clean import for_paper
from reporter.words import Language

MOST_ROWS = 40
"""Rows of a table on paper; the page and the CSVs have more."""


def write(facts: AuditFacts, *, warn: Callable[[str], None] | None = None) -> bytes:
    """The PDF. `warn` is told of characters no font has."""
    report = _cut(view.report(facts))
    css = pdf.styles(Language(report.lang)) + templating.asset("audit/paper.css")
    page = templating.page("audit/report.pdf.j2", report, safe={"css": css})
    moment = datetime.fromisoformat(report.dated).astimezone(UTC)
    data, told = pdf.printed([page], moment)
    for text in told:
        if warn is not None:
            warn(text)
    return data


def _cut(report: view.AuditReport) -> view.AuditReport:
    sections = tuple(
        replace(part, tables=tuple(_shorter(table) for table in part.tables))
        for part in report.sections
    )
    return replace(report, sections=sections)


def _shorter(table: view.Table) -> view.Table:
    rows = tuple(
        replace(row, cells=tuple(_papery(cell) for cell in row.cells))
        for row in table.rows[:MOST_ROWS]
    )
    rest = len(table.rows) - len(rows)
    more = f"and {rest:,} more on the page index.html" if rest > 0 else table.more
    return replace(table, rows=rows, more=more)


def _papery(cell: view.Cell) -> view.Cell:
    return replace(
        cell, text=for_paper(cell.text), notes=tuple(for_paper(note) for note in cell.notes)
    )
