"""What an approver reads: one page that leaves no reason uncounted, and says where the rest is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from reporter.output import phrases
from reporter.output.clean import one_line
from reporter.output.cover import paired_facts
from reporter.output.phrases import Phrases
from reporter.output.shown import CoverReason, EvidenceRow, Fact, Report, Tag, Waiver, Why

COLUMNS: Final = 84
"""About how many columns a line of the page has."""


@dataclass(frozen=True)
class Room:
    """How much of each kind is told one by one, and which part of a text is kept."""

    reasons: int
    conditions: int
    evidence: int
    waivers: int
    kept: float = 1.0
    accepted: int = 0
    """Of each waiver, how much of what it accepts; its reason with the first of it."""


ROOMS: Final = (
    Room(16, 6, 8, 8, accepted=3),
    Room(14, 5, 6, 6, accepted=2),
    Room(12, 4, 5, 5, accepted=1),
    Room(11, 4, 4, 4, accepted=1),
    Room(10, 3, 3, 4, accepted=1),
    Room(9, 3, 3, 3, accepted=1),
    Room(8, 3, 3, 2, accepted=1),
    Room(7, 2, 2, 2, accepted=1),
    Room(6, 2, 2, 2, accepted=1),
    Room(5, 2, 2, 1, accepted=1),
    Room(4, 1, 2, 1, accepted=1),
    Room(3, 1, 1, 1),
    Room(2, 1, 1, 1, 0.6),
    Room(1, 1, 1, 0, 0.3),
    Room(1, 0, 0, 0, 0.1),
)
"""From roomy to narrow: paper takes the first that is one page, whatever fonts a machine has."""


@dataclass(frozen=True)
class Line:
    """A line of evidence or a waiver, in one sentence."""

    tag: Tag
    name: str
    said: str
    more: tuple[str, ...] = ()
    """Of a waiver: what it accepts, and why."""


@dataclass(frozen=True)
class Approval:
    """The page."""

    summary: str
    notices: tuple[str, ...]
    facts: tuple[tuple[Fact, Fact | None], ...]
    reasons: tuple[CoverReason, ...]
    reasons_left: str | None
    conditions: tuple[str, ...]
    conditions_left: str | None
    evidence_line: str
    evidence: tuple[Line, ...]
    """Only what does not hold."""
    evidence_left: str | None
    waiver_line: str
    waivers: tuple[Line, ...]
    """Only those that are used."""
    waivers_left: str | None


def approval(report: Report, room: Room = ROOMS[0]) -> Approval:
    """The page of a report, in a certain room."""
    words = Phrases(report.lang)

    def cut(text: str, columns: int) -> str:
        return phrases.shortened(text, max(int(columns * room.kept), 12))

    def line(row: EvidenceRow) -> Line:
        said = words.text("; ").join(row.statements)
        return Line(row.tag, row.name, cut(said, 2 * COLUMNS - 30))

    broken = [row for row in report.evidence if row.tag.shape in ("unknown", "warn")]
    used = [waiver for waiver in report.waivers if waiver.tag.shape == "waived"]
    used.sort(key=lambda waiver: waiver.rank)
    return Approval(
        summary=cut(words.sentences(report.summary), 3 * COLUMNS),
        notices=tuple(cut(_notice(words, notice), 2 * COLUMNS) for notice in report.notices),
        facts=tuple(
            (_cut_fact(first, room), _cut_fact(second, room) if second else None)
            for first, second in paired_facts(words, report.facts)
        ),
        reasons=_reasons(report.reasons[: room.reasons], room),
        reasons_left=_left(
            words.count(
                "{count} more reason why this does not pass stands in the full record.",
                "{count} more reasons why this does not pass stand in the full record.",
                len(report.reasons) - room.reasons,
            ),
            report.reasons,
            room.reasons,
        ),
        conditions=tuple(
            cut(said, 2 * COLUMNS - 10) for said in report.conditions[: room.conditions]
        ),
        conditions_left=_left(
            words.count(
                "{count} more condition stands in the full record.",
                "{count} more conditions stand in the full record.",
                len(report.conditions) - room.conditions,
            ),
            report.conditions,
            room.conditions,
        ),
        evidence_line=report.evidence_line,
        evidence=tuple(line(row) for row in broken[: room.evidence]),
        evidence_left=_left(
            words.count(
                "{count} more line that does not hold stands in the full record.",
                "{count} more lines that do not hold stand in the full record.",
                len(broken) - room.evidence,
            ),
            broken,
            room.evidence,
        ),
        waiver_line=report.waiver_line,
        waivers=tuple(_waiver(words, waiver, room) for waiver in used[: room.waivers]),
        waivers_left=_left(
            words.count(
                "{count} more used waiver stands in the full record.",
                "{count} more used waivers stand in the full record.",
                len(used) - room.waivers,
            ),
            used,
            room.waivers,
        ),
    )


def _left(said: str, of: Sequence[object], shown: int) -> str | None:
    return said if len(of) > shown else None


def _notice(words: Phrases, notice: Fact) -> str:
    said = phrases.joined((notice.value, *notice.notes), words.gap)
    return words.text("{label}. {said}", label=notice.label, said=said)


def _cut_fact(fact: Fact, room: Room) -> Fact:
    def cut(text: str) -> str:
        return phrases.shortened(text, max(int(88 * room.kept), 12))

    return Fact(fact.label, cut(fact.value), tuple(cut(note) for note in fact.notes))


def _reasons(reasons: Sequence[Why], room: Room) -> tuple[CoverReason, ...]:
    """Reasons with what to do; neighbours with the same to do are told it once, after the last."""

    def cut(text: str, columns: int) -> str:
        return phrases.shortened(text, max(int(columns * room.kept), 12))

    following = [*(reason.actions[0] for reason in reasons[1:]), ""]
    return tuple(
        CoverReason(
            reason.tag,
            cut(phrases.joined((reason.what, reason.kind_level)), 2 * COLUMNS - 10),
            cut(reason.actions[0], 2 * COLUMNS - 10) if reason.actions[0] != after else "",
        )
        for reason, after in zip(reasons, following, strict=False)
    )


def _waiver(words: Phrases, waiver: Waiver, room: Room) -> Line:
    def cut(text: str, columns: int) -> str:
        return phrases.shortened(text, max(int(columns * room.kept), 12))

    said = phrases.joined((waiver.covers, waiver.short))
    more = [cut(accepted, 2 * COLUMNS - 10) for accepted in waiver.accepts[: room.accepted]]
    left = len(waiver.accepts) + waiver.accepts_more - len(more)
    if room.accepted and left:
        more.append(words.count("and {count} more check", "and {count} more checks", left))
    if room.accepted:
        reason = words.text("Reason given: {reason}", reason=one_line(waiver.reason))
        more.append(cut(reason, 2 * COLUMNS - 10))
    return Line(waiver.tag, cut(waiver.id, COLUMNS // 2), cut(said, COLUMNS + 10), tuple(more))
