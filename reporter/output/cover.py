"""The cover of an approval: all that an approver may read, on one page."""

from __future__ import annotations

from collections.abc import Sequence

from reporter.output import phrases
from reporter.output.phrases import Phrases
from reporter.output.shown import Cover, CoverReason, Fact, Why

COVER_COLUMNS = 80
COVER_LINES = {"en": 31, "zh-CN": 27}
"""What fits on a cover between the summary and the sign-off, on A4 and with a wide font; a test
holds them to it. Lines of Chinese are taller."""
LETTER_LESS = 3
BRAND_LESS = 3
"""How many lines fewer a cover has on Letter, and below somebody's name and logo."""


def cover(
    words: Phrases,
    summary: Sequence[str],
    notices: Sequence[Fact],
    facts: Sequence[Fact],
    reasons: Sequence[Why],
    conditions: Sequence[str],
    lines: int,
) -> Cover:
    """All an approver may read, on one page of so many lines: what does not fit is counted."""
    said = phrases.shortened(words.sentences(summary), 3 * COVER_COLUMNS)
    framed = tuple(
        phrases.shortened(
            words.text(
                "{label}. {said}",
                label=notice.label,
                said=phrases.joined((notice.value, *notice.notes), words.gap),
            ),
            2 * COVER_COLUMNS,
        )
        for notice in notices
    )
    known = paired_facts(words, facts)
    left = lines - sum(1 + _lines(part) for part in framed)
    left -= sum(max(_fact_lines(fact) for fact in pair if fact) for pair in known)
    # Conditions are told even where reasons abound: an approver signs for both.
    kept = min(len(conditions), 3)
    first: list[CoverReason] = []
    for reason in reasons:
        short = CoverReason(
            tag=reason.tag,
            what=phrases.shortened(
                phrases.joined((reason.what, reason.kind_level)), 2 * COVER_COLUMNS - 10
            ),
            action=phrases.shortened(reason.actions[0], COVER_COLUMNS + 10),
        )
        needed = _lines(short.what) + _lines(short.action)
        if first and needed > left - kept:
            break
        first.append(short)
        left -= needed
    second = []
    for condition in conditions:
        text = phrases.shortened(condition, 2 * COVER_COLUMNS - 10)
        if _lines(text) > left:
            break
        second.append(text)
        left -= _lines(text)
    return Cover(
        summary=said,
        notices=framed,
        facts=known,
        reasons=tuple(first),
        more_reasons=_more_reasons(words, len(reasons) - len(first)),
        conditions=tuple(second),
        more_conditions=_more_conditions(words, len(conditions) - len(second)),
    )


def _lines(text: str, width: int = COVER_COLUMNS) -> int:
    return 1 + phrases.columns(text) // width


def _fact_lines(fact: Fact) -> int:
    return _lines(fact.value, 26) + sum(_lines(note, 37) for note in fact.notes)


def paired_facts(words: Phrases, facts: Sequence[Fact]) -> tuple[tuple[Fact, Fact | None], ...]:
    """Facts cut to stand two in a row; several of one label are one."""
    merged: dict[str, Fact] = {}
    for fact in facts:
        notes = phrases.joined(fact.notes)
        if fact.label in merged:
            # Several policies are one fact here; the register has them all.
            value = words.joined((merged[fact.label].value, fact.value))
            notes = ""
        else:
            value = fact.value
        merged[fact.label] = Fact(
            fact.label,
            phrases.shortened(value, 48),
            (phrases.shortened(notes, 88),) if notes else (),
        )
    rows = list(merged.values())
    pairs = [rows[index : index + 2] for index in range(0, len(rows), 2)]
    return tuple((pair[0], pair[1] if len(pair) > 1 else None) for pair in pairs)


def _more_reasons(words: Phrases, count: int) -> str | None:
    if count < 1:
        return None
    return words.count(
        "and {count} more reason on the next pages",
        "and {count} more reasons on the next pages",
        count,
    )


def _more_conditions(words: Phrases, count: int) -> str | None:
    if count < 1:
        return None
    return words.count(
        "and {count} more condition on the next pages",
        "and {count} more conditions on the next pages",
        count,
    )
