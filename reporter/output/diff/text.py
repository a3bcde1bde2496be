"""The comparison in a terminal or a pipeline's log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from reporter.output.clean import console_safe, one_line
from reporter.output.diff.view import Row, Section, report
from reporter.output.text import columns, padded, wrap
from reporter.record.diff import Diff
from reporter.words import Language, LanguageTag

LABEL: Final = 9
SHOWN_NODES: Final = 5
SHOWN_ROWS: Final = 12
SIGNS: Final = {"pass": "✓", "fail": "✕", "unknown": "?"}


def write(
    diff: Diff,
    *,
    width: int = 80,
    verbose: bool = False,
    notes: Sequence[str] = (),
    lang: LanguageTag = "en",
) -> str:
    """The summary, no wider than `width` columns. `notes` are the command line's own."""
    shown, words = report(diff, lang=lang), Language(lang)
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
        page.add(f"  {padded(fact.label, LABEL)}", " · ".join((fact.value, *fact.notes)))
    for note in (*shown.notes, *notes):
        page.add(f"  {padded(words.text('Note'), LABEL)}", note)
    for section in shown.sections:
        _section(page, section, verbose, words)
    return page.text()


def _section(page: _Page, section: Section, verbose: bool, words: Language) -> None:
    page.blank()
    page.add("", words.text("{what} ({more})", what=section.title, more=section.count))
    if section.line:
        page.add("  ", section.line)
    if section.id == "same" and not verbose:
        rows = words.count("{count} row", "{count} rows", len(section.rows))
        said = words.text(
            "{count} in {rows} (--verbose shows them)", count=section.count, rows=rows
        )
        page.add("  ", said)
        return
    shown = section.rows if verbose else section.rows[:SHOWN_ROWS]
    for row in shown:
        _row(page, row, verbose, words)
    if len(shown) < len(section.rows):
        more = len(section.rows) - len(shown)
        page.add("  ", words.text("and {count} more (--verbose shows them)", count=more))


def _row(page: _Page, row: Row, verbose: bool, words: Language) -> None:
    what = row.name
    if row.where:
        what = words.text("{what} ({more})", what=what, more=row.where)
    if row.kind_level:
        what += f" [{row.kind_level}]"
    change = " → ".join(tag.word for tag in row.tags)
    page.add("  - ", words.text("{label}: {said}", label=what, said=change))
    for message in row.messages:
        page.add("      ", message)
    if row.more_messages:
        page.add("      ", row.more_messages)
    for message in row.earlier:
        page.add("      ", words.text("before: {message}", message=message))
    for said in row.differs:
        page.add("      ", said)
    if row.waivers:
        page.add("      ", words.text("waiver {waivers}", waivers=words.joined(row.waivers)))
    if row.nodes:
        names = row.nodes if verbose else row.nodes[:SHOWN_NODES]
        more = len(row.nodes) - len(names)
        nodes = words.joined(names)
        if more:
            nodes = words.text("{names} and {count} more", names=nodes, count=more)
        page.add("      ", words.text("on {nodes}", nodes=nodes))


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
