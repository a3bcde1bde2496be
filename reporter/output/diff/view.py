"""What a comparison shows: changes that are alike told once, with their nodes, worst first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from reporter.output import phrases
from reporter.output.clean import cleaned, one_line
from reporter.output.phrases import counted, named, sentence, spoken
from reporter.output.view import Fact, Tag
from reporter.record.diff import Change, Diff, DiffSide, State, Status
from reporter.words import say

SHOWN_MESSAGES: Final = 3
SHOWN_REASONS: Final = 5

NEW_FAILURES: Final = "New failures"
TITLES: Final[dict[Status, str]] = {
    "new": "New, and no failure",
    "changed": "Changed",
    "gone": "No longer there",
    "fixed": "Fixed",
    "same": "Still there",
}
LINES: Final[dict[str, str]] = {
    "gone": "The new check does not show whether these pass: the check or the node is not in it.",
}
TALLY: Final[dict[Status, str]] = {
    "new": "{count:,} new",
    "changed": "{count:,} changed",
    "gone": "{count:,} no longer there",
    "fixed": "{count:,} fixed",
    "same": "{count:,} still there",
}
DIFFERS: Final = {
    "kind": "kind: {before} → {after}",
    "level": "level: {before} → {after}",
    "waived": "waiver: {before} → {after}",
    "count": "findings: {before} → {after}",
}
"""What else differs; the outcome and the messages are shown anyway."""
NONE: Final = "none"
PASSED: Final = "Passed"
ABSENT: Final = "Not listed"
WITHOUT: Final = {"skipped": "Not skipped", "limit": "Held", "evidence": "Held"}
KINDS: Final = {"skipped": "skipped on the server", "limit": "limit", "evidence": "evidence"}
_SHAPES: Final = {"pass": "pass", "fail": "fail", "inconclusive": "unknown"}


@dataclass(frozen=True)
class Row:
    """Changes of one check that differ in nothing but their node and what their message says."""

    name: str
    where: str
    tags: tuple[Tag, ...]
    """Before and after; one where both are the same."""

    kind_level: str
    differs: tuple[str, ...]
    messages: tuple[str, ...]
    earlier: tuple[str, ...]
    more_messages: str | None
    waivers: tuple[str, ...]
    nodes: tuple[str, ...]


@dataclass(frozen=True)
class Section:
    """Changes of one status."""

    id: str
    title: str
    line: str
    count: str
    folded: bool
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Hindrance:
    """Why the two can't be compared, and what to do."""

    what: str
    why: tuple[str, ...]
    action: str


@dataclass(frozen=True)
class DiffReport:
    """A whole page."""

    title: str
    tag: Tag
    headline: str
    summary: str
    obstacles: tuple[Hindrance, ...]
    notes: tuple[str, ...]
    facts: tuple[Fact, ...]
    sections: tuple[Section, ...]
    stamp: str


def report(diff: Diff) -> DiffReport:
    """The view of a comparison. It is cleaned here, so callers hand over what they have."""
    shown = cleaned(diff)
    headline = spoken(shown.headline)
    shape = {0: "pass", 1: "fail", 3: "unknown"}[shown.exit_code]
    names = (side.cluster_name or side.cluster_id for side in (shown.old, shown.new))
    cluster = ", ".join(dict.fromkeys(name for name in names if name)) or "not named"
    return DiffReport(
        title=one_line(f"{headline} – {cluster}"),
        tag=Tag(headline, shape),
        headline=headline,
        summary=_summary(shown),
        obstacles=tuple(
            Hindrance(
                sentence(spoken(part.what)),
                _shortly([sentence(spoken(said)) for said in part.why]),
                spoken(part.action),
            )
            for part in shown.obstacles
        ),
        notes=tuple(spoken(part) for part in shown.notes),
        facts=(
            Fact("Cluster", one_line(cluster)),
            _side("Old", shown.old),
            _side("New", shown.new),
            _policy(shown.new),
        ),
        sections=_sections(shown.changes),
        stamp=f"{shown.tool.name} {shown.tool.version} · comparison {shown.apiVersion}",
    )


def _shortly(said: Sequence[str]) -> tuple[str, ...]:
    more = len(said) - SHOWN_REASONS
    return (*said[:SHOWN_REASONS], *((f"and {more:,} more",) if more > 0 else ()))


def _summary(diff: Diff) -> str:
    if not diff.comparable:
        return ""
    parts = [
        TALLY[status].format(count=diff.tally.of(status))
        for status in TALLY
        if diff.tally.of(status)
    ]
    return f"{', '.join(parts)}." if parts else "Everything passes, then and now."


def _side(label: str, side: DiffSide) -> Fact:
    updated = side.updated
    when = "no time given"
    if updated is not None:
        when = phrases.instant(updated.at) if updated.at else one_line(updated.text)
    upgrade = f"{side.cluster_version or '?'} → {side.target_version or '?'}"
    judged = f"judged for {phrases.instant(side.judged_at)}"
    form = "a saved record" if side.form == "record" else judged
    return Fact(
        label,
        one_line(side.name),
        (f"checked {when}", spoken(side.headline), one_line(upgrade), form),
    )


def _policy(side: DiffSide) -> Fact:
    policies = [
        phrases.joined((one_line(part.name), one_line(part.version or "")), " ")
        for part in side.policies
    ]
    return Fact("Policy", ", ".join(policies) or "–")


def _sections(changes: Sequence[Change]) -> tuple[Section, ...]:
    wanted: list[tuple[str, str, list[Change]]] = [
        ("new-failures", NEW_FAILURES, [part for part in changes if part.new_failure])
    ]
    rest = [part for part in changes if not part.new_failure]
    for status, title in TITLES.items():
        wanted.append((status, title, [part for part in rest if part.status == status]))
    return tuple(
        Section(
            id=name,
            title=title,
            line=LINES.get(name, ""),
            count=f"{len(found):,}",
            folded=name == "same",
            rows=_rows(found),
        )
        for name, title, found in wanted
        if found
    )


def _rows(changes: Sequence[Change]) -> tuple[Row, ...]:
    alike: dict[tuple[object, ...], list[Change]] = {}
    for change in changes:
        key = (
            change.subject,
            change.check,
            change.scope,
            tuple(change.differs),
            _gist(change.before),
            _gist(change.after),
            change.status,
            change.passed,
        )
        alike.setdefault(key, []).append(change)
    return tuple(_row(found) for found in alike.values())


def _gist(state: State | None) -> tuple[object, ...]:
    if state is None:
        return ()
    return (
        state.outcome,
        state.failing,
        tuple(state.kinds),
        tuple(state.levels),
        tuple(state.waived_by),
    )


def _row(changes: Sequence[Change]) -> Row:
    first = changes[0]
    state = first.after or first.before
    nodes = [
        one_line(change.node.name or change.node.uid or "a node without a name")
        for change in changes
        if change.node is not None
    ]
    addons = [one_line(name) for change in changes for name in change.addons]
    now, earlier = _messages(changes, after=True), _messages(changes, after=False)
    shown = now or earlier
    more = len(shown) - SHOWN_MESSAGES
    kinds = (*(state.kinds if state else ()), *(state.levels if state else ()))
    waivers = () if "waived" in first.differs or state is None else state.waived_by
    return Row(
        name=_name(first),
        where=_where(first, nodes, addons),
        tags=tuple(dict.fromkeys((_tag(first, first.before), _tag(first, first.after)))),
        kind_level=" · ".join(one_line(part) for part in kinds),
        differs=_differs(first),
        messages=tuple(shown[:SHOWN_MESSAGES]),
        earlier=tuple(earlier[:SHOWN_MESSAGES]) if "message" in first.differs else (),
        more_messages=f"and {counted(more, 'other message')}" if more > 0 else None,
        waivers=tuple(one_line(waiver) for waiver in waivers),
        nodes=tuple(nodes),
    )


def _differs(change: Change) -> tuple[str, ...]:
    was, now = change.before, change.after
    if was is None or now is None:
        return ()
    counts = (was.count, now.count)
    if counts[0] == counts[1]:
        counts = (was.failing, now.failing)
    values = {
        "kind": (was.kinds, now.kinds),
        "level": (was.levels, now.levels),
        "waived": (was.waived_by, now.waived_by),
        "count": ([f"{counts[0]:,}"], [f"{counts[1]:,}"]),
    }
    return tuple(
        DIFFERS[name].format(before=_values(values[name][0]), after=_values(values[name][1]))
        for name in change.differs
        if name in DIFFERS
    )


def _values(parts: Sequence[str]) -> str:
    return ", ".join(one_line(part) for part in parts) or NONE


def _messages(changes: Sequence[Change], *, after: bool) -> list[str]:
    states = [change.after if after else change.before for change in changes]
    return list(
        dict.fromkeys(one_line(text) for state in states if state for text in state.messages)
    )


def _name(change: Change) -> str:
    if change.subject == "evidence":
        return named("evidence-name", change.check or "")
    return one_line(change.check) if change.check else say("reason.unnamed")


def _where(change: Change, nodes: Sequence[str], addons: Sequence[str]) -> str:
    parts = [KINDS.get(change.subject)]
    if change.scope and change.scope != "node":
        parts.append(named("scope", change.scope))
    parts.append(", ".join(addons))
    if nodes:
        parts.append(counted(len(nodes), "node"))
    return phrases.joined(parts)


def _tag(change: Change, state: State | None) -> Tag:
    if state is not None:
        return Tag(named("finding", state.outcome), state.outcome)
    if change.passed:
        return Tag(WITHOUT.get(change.subject, PASSED), "pass")
    return Tag(ABSENT, "skipped")
