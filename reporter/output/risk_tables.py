"""The risks of a check item (`riskSource`) as tables."""

from __future__ import annotations

from collections.abc import Sequence

from reporter.output.phrases import Phrases
from reporter.output.shown import Column, Table
from reporter.record.model import Risks


def risk_tables(words: Phrases, risks: Risks) -> tuple[Table, ...]:
    """What a check item complains about, a table for each kind of risk."""
    found = []
    if rows := risks.configuration:
        columns: list[_Column] = [
            (words.text("Package"), "package", [row.package for row in rows]),
            (words.text("Source file"), "source-file", [row.source_file for row in rows]),
            (words.text("Field"), "field", [row.field for row in rows]),
            (words.text("Operation"), "operation", [row.operation for row in rows]),
            (words.text("Original value"), "original-value", [row.original_value for row in rows]),
            (words.text("Value"), "value", [row.value for row in rows]),
            (words.text("Nodes"), "nodes", [row.node_message for row in rows]),
        ]
        found.append(_table(words, words.text("Configuration"), columns))
    if apis := risks.deprecated_apis:
        columns = [
            (words.text("URL"), "url", [row.url for row in apis]),
            (words.text("User agent"), "user-agent", [row.user_agent for row in apis]),
        ]
        found.append(_table(words, words.text("Deprecated APIs"), columns))
    if risks.nodes:
        columns = [(words.text("Node id"), "node-id", list(risks.nodes))]
        found.append(_table(words, words.text("Nodes at risk"), columns))
    if addons := risks.addons:
        columns = [
            (words.text("Template"), "template", [row.template_name for row in addons]),
            (words.text("Alias"), "alias", [row.alias for row in addons]),
        ]
        found.append(_table(words, words.text("Add-ons"), columns))
    return tuple(table for table in found if table is not None)


_Column = tuple[str, str, Sequence[str | None]]
"""The heading of a column, the name its style goes by, and its cells."""


def _table(words: Phrases, what: str, columns: Sequence[_Column]) -> Table | None:
    # A column nobody filled says nothing and costs the width the others need.
    kept = [column for column in columns if any(column[2])]
    if not kept:
        return None
    cells = ([value or "–" for value in values] for _, _, values in kept)
    rows = list(zip(*cells, strict=True))
    return Table(
        caption=words.text("{what} ({more})", what=what, more=f"{len(rows):,}"),
        columns=tuple(Column(name, style) for name, style, _ in kept),
        rows=tuple(rows),
        wide=len(kept) > 3,
    )
