"""The comparison in a terminal or a pipeline's log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from reporter.output.clean import console_safe, one_line
from reporter.output.diff.view import Row, Section, report
from reporter.output.phrases import counted
from reporter.output.text import columns, wrap
from reporter.record.diff import Diff

LABEL: Final = 9
SHOWN_NODES: Final = 5
SHOWN_ROWS: Final = 12
SIGNS: Final = {"pass": "✓", "fail": "✕", "unknown": "?"}
FOLDED: Final = "{count} in {rows} (--verbose shows them)"


def write(diff: Diff, *, width: int = 80, verbose: bool = False, notes: Sequence[str] = ()) -> str:
    """The summary, no wider than `width` columns. `notes` are the command line's own."""
    shown = report(diff)
    page = _Page(width)
    page.add(f"{SIGNS[shown.tag.shape]} ", shown.headline)
    if shown.summary:
        page.add("  ", shown.summary)
    for obstacle in shown.obstacles:
        page.add("  - ", obstacle.what)
        for said in obstacle.why:
            page.add("      ", said)
        page.add("    → ", obstacle.action)
    page.blank()
    for fact in shown.facts:
        page.add(f"  {fact.label:<{LABEL}}", " · ".join((fact.value, *fact.notes)))
    for note in (*shown.notes, *notes):
        page.add(f"  {'Note':<{LABEL}}", note)
    for section in shown.sections:
        _section(page, section, verbose)
    return page.text()


def _section(page: _Page, section: Section, verbose: bool) -> None:
    page.blank()
    page.add("", f"{section.title} ({section.count})")
    if section.line:
        page.add("  ", section.line)
    if section.id == "same" and not verbose:
        page.add("  ", FOLDED.format(count=section.count, rows=counted(len(section.rows), "row")))
        return
    rows = section.rows if verbose else section.rows[:SHOWN_ROWS]
    for row in rows:
        _row(page, row, verbose)
    if len(rows) < len(section.rows):
        page.add("  ", f"and {len(section.rows) - len(rows):,} more (--verbose shows them)")


def _row(page: _Page, row: Row, verbose: bool) -> None:
    where = f" ({row.where})" if row.where else ""
    kind = f" [{row.kind_level}]" if row.kind_level else ""
    page.add("  - ", f"{row.name}{where}{kind}: {' → '.join(tag.word for tag in row.tags)}")
    for message in row.messages:
        page.add("      ", message)
    if row.more_messages:
        page.add("      ", row.more_messages)
    for message in row.earlier:
        page.add("      ", f"before: {message}")
    for said in row.differs:
        page.add("      ", said)
    if row.waivers:
        page.add("      ", f"waiver {', '.join(row.waivers)}")
    if row.nodes:
        names = row.nodes if verbose else row.nodes[:SHOWN_NODES]
        more = len(row.nodes) - len(names)
        page.add("      ", f"on {', '.join(names)}{f' and {more:,} more' if more else ''}")


class _Page:
    """Lines of bounded width; wide (Chinese) characters count two columns."""

    def __init__(self, width: int) -> None:
        self.width = max(40, min(width, 120))
        self.lines: list[str] = []

    def blank(self) -> None:
        self.lines.append("")

    def add(self, first: str, text: str) -> None:
        """`text` wrapped behind `first`, further lines hanging below it."""
        indent = " " * columns(first)
        for index, row in enumerate(wrap(one_line(text), self.width - columns(first)) or [""]):
            start = first if index == 0 else indent
            self.lines.append(console_safe(start + row).rstrip())

    def text(self) -> str:
        return "\n".join(self.lines) + "\n"
