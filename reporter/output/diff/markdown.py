"""The comparison as Markdown, for a merge request or a job summary; bounded like a verdict's."""

from __future__ import annotations

from typing import Final

from reporter.output.diff.view import Row, Section, report
from reporter.output.markdown import SIGNS, fitting
from reporter.output.markup import code, item, prose, strong, word
from reporter.output.phrases import counted
from reporter.record.diff import Diff

SECTION_BYTES: Final = 140 * 1024
SHOWN_NODES: Final = 12


def write(diff: Diff) -> bytes:
    """The comparison as Markdown, in UTF-8, under 900 KiB."""
    shown = report(diff)
    parts = [f"## {SIGNS[shown.tag.shape]} {prose(shown.headline)}\n\n"]
    if shown.summary:
        parts.append(f"{prose(shown.summary)}\n\n")
    for obstacle in shown.obstacles:
        parts.append(item(prose(obstacle.what)))
        parts += [item(prose(said), 1) for said in obstacle.why]
        parts.append(item(f"→ {prose(obstacle.action)}", 1))
    if shown.obstacles:
        parts.append("\n")
    for fact in shown.facts:
        notes = " · ".join(word(note) for note in fact.notes)
        parts.append(
            item(f"{strong(fact.label)} {word(fact.value)}{f' ({notes})' if notes else ''}")
        )
    parts += [item(prose(note)) for note in shown.notes]
    parts += [_section(section) for section in shown.sections]
    parts.append(f"\n---\n\n{prose(shown.stamp)}\n")
    return "".join(parts).encode()


def _section(section: Section) -> str:
    kept, left_out = fitting([_row(row) for row in section.rows], SECTION_BYTES)
    more = ""
    if left_out:
        rows = counted(left_out, "more row")
        more = f"\n{prose(f'{rows} left out here to keep this short.')}\n"
    line = f"{prose(section.line)}\n\n" if section.line else ""
    title = prose(f"{section.title} ({section.count})")
    return f"\n### {title}\n\n{line}{''.join(kept)}{more}"


def _row(row: Row) -> str:
    where = f" {prose(row.where)}" if row.where else ""
    kind = f" ({prose(row.kind_level)})" if row.kind_level else ""
    *before, after = row.tags
    change = " → ".join([*(prose(tag.word) for tag in before), strong(after.word)])
    lines = [item(f"{code(row.name)}{where}{kind}: {change}")]
    lines += [item(code(text), 1) for text in row.messages]
    if row.more_messages:
        lines.append(item(prose(row.more_messages), 1))
    lines += [item(f"{prose('before:')} {code(text)}", 1) for text in row.earlier]
    lines += [item(prose(said), 1) for said in row.differs]
    if row.waivers:
        named = ", ".join(code(waiver) for waiver in row.waivers[:SHOWN_NODES])
        lines.append(item(f"{prose('waiver')} {named}", 1))
    if row.nodes:
        nodes = ", ".join(word(name) for name in row.nodes[:SHOWN_NODES])
        more = len(row.nodes) - SHOWN_NODES
        rest = f" {prose(f'and {more:,} more')}" if more > 0 else ""
        lines.append(item(f"{prose('on')} {nodes}{rest}", 1))
    return "".join(lines)
