"""The comparison as Markdown, for a merge request or a job summary; bounded like a verdict's."""

from __future__ import annotations

from typing import Final

from reporter.output.diff.view import Row, Section, report
from reporter.output.markdown import SIGNS, fitting
from reporter.output.markup import code, item, prose, strong, word
from reporter.record.diff import Diff
from reporter.words import Language, LanguageTag

SECTION_BYTES: Final = 140 * 1024
SHOWN_NODES: Final = 12


def write(diff: Diff, *, lang: LanguageTag = "en") -> bytes:
    """The comparison as Markdown, in UTF-8, under 900 KiB."""
    shown, words = report(diff, lang=lang), Language(lang)
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
    parts += [_section(section, words) for section in shown.sections]
    parts.append(f"\n---\n\n{prose(shown.stamp)}\n")
    return "".join(parts).encode()


def _section(section: Section, words: Language) -> str:
    kept, left_out = fitting([_row(row, words) for row in section.rows], SECTION_BYTES)
    more = ""
    if left_out:
        said = words.count(
            "{count} more row left out here to keep this short.",
            "{count} more rows left out here to keep this short.",
            left_out,
        )
        more = f"\n{prose(said)}\n"
    line = f"{prose(section.line)}\n\n" if section.line else ""
    title = prose(words.text("{what} ({more})", what=section.title, more=section.count))
    return f"\n### {title}\n\n{line}{''.join(kept)}{more}"


def _row(row: Row, words: Language) -> str:
    what = code(row.name)
    if row.where:
        what += f" {prose(row.where)}"
    if row.kind_level:
        what = words.text("{what} ({more})", what=what, more=prose(row.kind_level))
    *before, after = row.tags
    change = " → ".join([*(prose(tag.word) for tag in before), strong(after.word)])
    lines = [item(words.text("{label}: {said}", label=what, said=change))]
    lines += [item(code(text), 1) for text in row.messages]
    if row.more_messages:
        lines.append(item(prose(row.more_messages), 1))
    lines += [item(words.text("before: {message}", message=code(text)), 1) for text in row.earlier]
    lines += [item(prose(said), 1) for said in row.differs]
    if row.waivers:
        named = words.joined([code(waiver) for waiver in row.waivers[:SHOWN_NODES]])
        lines.append(item(words.text("waiver {waivers}", waivers=named), 1))
    if row.nodes:
        nodes = words.joined([word(name) for name in row.nodes[:SHOWN_NODES]])
        more = len(row.nodes) - SHOWN_NODES
        if more > 0:
            nodes = words.text("{names} and {count} more", names=nodes, count=more)
        lines.append(item(words.text("on {nodes}", nodes=nodes), 1))
    return "".join(lines)
