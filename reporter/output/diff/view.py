"""What a comparison shows: changes that are alike told once, with their nodes, worst first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from reporter.output import phrases
from reporter.output.clean import cleaned, one_line
from reporter.output.phrases import Phrases
from reporter.output.shown import Fact, Tag
from reporter.record.diff import Change, Diff, DiffSide, State, Status
from reporter.words import LanguageTag

SHOWN_MESSAGES: Final = 3
SHOWN_REASONS: Final = 5

STATUSES: Final[tuple[Status, ...]] = ("new", "changed", "gone", "fixed", "same")
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

    lang: LanguageTag
    title: str
    tag: Tag
    headline: str
    summary: str
    obstacles: tuple[Hindrance, ...]
    notes: tuple[str, ...]
    facts: tuple[Fact, ...]
    sections: tuple[Section, ...]
    stamp: str


def report(diff: Diff, *, lang: LanguageTag = "en") -> DiffReport:
    """The view of a comparison. It is cleaned here, so callers hand over what they have."""
    shown, words = cleaned(diff), Phrases(lang)
    headline = words.spoken(shown.headline)
    shape = {0: "pass", 1: "fail", 3: "unknown"}[shown.exit_code]
    names = (side.cluster_name or side.cluster_id for side in (shown.old, shown.new))
    found = dict.fromkeys(name for name in names if name)
    cluster = words.joined(list(found)) or words.text("not named")
    return DiffReport(
        lang=lang,
        title=one_line(f"{headline} – {cluster}"),
        tag=Tag(headline, shape),
        headline=headline,
        summary=_summary(words, shown),
        obstacles=tuple(
            Hindrance(
                words.sentence(words.spoken(part.what)),
                _shortly(words, [words.sentence(words.spoken(said)) for said in part.why]),
                words.spoken(part.action),
            )
            for part in shown.obstacles
        ),
        notes=tuple(words.spoken(part) for part in shown.notes),
        facts=(
            Fact(words.text("Cluster"), one_line(cluster)),
            _side(words, words.text("Old"), shown.old),
            _side(words, words.text("New"), shown.new),
            _policy(words, shown.new),
        ),
        sections=_sections(words, shown.changes),
        stamp=words.text(
            "{tool} {version} · comparison {form}",
            tool=shown.tool.name,
            version=shown.tool.version,
            form=shown.apiVersion,
        ),
    )


def _shortly(words: Phrases, said: Sequence[str]) -> tuple[str, ...]:
    more = len(said) - SHOWN_REASONS
    rest = (words.text("and {count} more", count=more),) if more > 0 else ()
    return (*said[:SHOWN_REASONS], *rest)


def _summary(words: Phrases, diff: Diff) -> str:
    if not diff.comparable:
        return ""
    tally = {status: diff.tally.of(status) for status in STATUSES}
    if not any(tally.values()):
        return words.text("Everything passes, then and now.")
    said = {
        "new": words.text("{count} new", count=tally["new"]),
        "changed": words.text("{count} changed", count=tally["changed"]),
        "gone": words.text("{count} no longer there", count=tally["gone"]),
        "fixed": words.text("{count} fixed", count=tally["fixed"]),
        "same": words.text("{count} still there", count=tally["same"]),
    }
    parts = [said[status] for status in STATUSES if tally[status]]
    return words.stopped(words.text(", ").join(parts))


def _side(words: Phrases, label: str, side: DiffSide) -> Fact:
    when = words.text("no time given")
    if (updated := side.updated) is not None:
        when = words.instant(updated.at) if updated.at else one_line(updated.text)
    upgrade = f"{side.cluster_version or '?'} → {side.target_version or '?'}"
    if side.form == "record":
        form = words.text("a saved record")
    else:
        form = words.text("judged for {at}", at=words.instant(side.judged_at))
    return Fact(
        label,
        one_line(side.name),
        (
            words.text("checked {when}", when=when),
            words.spoken(side.headline),
            one_line(upgrade),
            form,
        ),
    )


def _policy(words: Phrases, side: DiffSide) -> Fact:
    policies = [
        phrases.joined((one_line(part.name), one_line(part.version or "")), " ")
        for part in side.policies
    ]
    return Fact(words.text("Policy"), words.joined(policies) or "–")


def _sections(words: Phrases, changes: Sequence[Change]) -> tuple[Section, ...]:
    titles: dict[Status, str] = {
        "new": words.text("New, and no failure"),
        "changed": words.text("Changed"),
        "gone": words.text("No longer there"),
        "fixed": words.text("Fixed"),
        "same": words.text("Still there"),
    }
    failures = [part for part in changes if part.new_failure]
    wanted: list[tuple[str, str, list[Change]]] = [
        ("new-failures", words.text("New failures"), failures)
    ]
    rest = [part for part in changes if not part.new_failure]
    wanted += [
        (status, titles[status], [one for one in rest if one.status == status])
        for status in STATUSES
    ]
    unseen = words.text(
        "The new check does not show whether these pass: the check or the node is not in it."
    )
    return tuple(
        Section(
            id=name,
            title=title,
            line=unseen if name == "gone" else "",
            count=f"{len(found):,}",
            folded=name == "same",
            rows=_rows(words, found),
        )
        for name, title, found in wanted
        if found
    )


def _rows(words: Phrases, changes: Sequence[Change]) -> tuple[Row, ...]:
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
            change.worse,
        )
        alike.setdefault(key, []).append(change)
    return tuple(_row(words, found) for found in alike.values())


def _gist(state: State | None) -> tuple[object, ...]:
    if state is None:
        return ()
    return (
        state.outcome,
        state.failing,
        tuple(state.kinds),
        tuple(state.levels),
        tuple(state.waived_by),
        state.skipped,
    )


def _row(words: Phrases, changes: Sequence[Change]) -> Row:
    first = changes[0]
    state = first.after or first.before
    graded = first.before if first.before and state and state.skipped else state
    unnamed = words.text("a node without a name")
    nodes = [
        one_line(change.node.name or change.node.uid or unnamed)
        for change in changes
        if change.node is not None
    ]
    addons = [one_line(name) for change in changes for name in change.addons]
    now, earlier = _messages(changes, after=True), _messages(changes, after=False)
    shown = now or earlier
    more = len(shown) - SHOWN_MESSAGES
    kinds = (*(graded.kinds if graded else ()), *(graded.levels if graded else ()))
    waivers = () if "waived" in first.differs or state is None else state.waived_by
    before, after = _tag(words, first, first.before), _tag(words, first, first.after)
    if first.worse:
        after = replace(after, word=words.text("{outcome}, worse", outcome=after.word))
    return Row(
        name=_name(words, first),
        where=_where(words, first, nodes, addons),
        tags=tuple(dict.fromkeys((before, after))),
        kind_level=" · ".join(one_line(part) for part in kinds),
        differs=_differs(words, first),
        messages=tuple(shown[:SHOWN_MESSAGES]),
        earlier=tuple(earlier[:SHOWN_MESSAGES]) if "message" in first.differs else (),
        more_messages=words.count("and {count} other message", "and {count} other messages", more)
        if more > 0
        else None,
        waivers=tuple(one_line(waiver) for waiver in waivers),
        nodes=tuple(nodes),
    )


def _differs(words: Phrases, change: Change) -> tuple[str, ...]:
    """What else differs; the outcome and the messages are shown anyway."""
    was, now = change.before, change.after
    if was is None or now is None:
        return ()
    counts = (was.count, now.count)
    if counts[0] == counts[1]:
        counts = (was.failing, now.failing)
    values = {
        "kind": (words.text("kind"), was.kinds, now.kinds),
        "level": (words.text("level"), was.levels, now.levels),
        "waived": (words.text("waiver"), was.waived_by, now.waived_by),
        "count": (words.text("findings"), [f"{counts[0]:,}"], [f"{counts[1]:,}"]),
    }
    said = []
    for name in change.differs:
        if name in values:
            label, before, after = values[name]
            step = f"{_values(words, before)} → {_values(words, after)}"
            said.append(words.text("{label}: {said}", label=label, said=step))
    return tuple(said)


def _values(words: Phrases, parts: Sequence[str]) -> str:
    return words.joined([one_line(part) for part in parts]) or words.text("none")


def _messages(changes: Sequence[Change], *, after: bool) -> list[str]:
    states = [change.after if after else change.before for change in changes]
    return list(
        dict.fromkeys(one_line(text) for state in states if state for text in state.messages)
    )


def _name(words: Phrases, change: Change) -> str:
    if change.subject == "evidence":
        return words.named("evidence-name", change.check or "")
    return one_line(change.check) if change.check else words.say("reason.unnamed")


def _where(words: Phrases, change: Change, nodes: Sequence[str], addons: Sequence[str]) -> str:
    kinds = {
        "skipped": words.text("skipped on the server"),
        "limit": words.text("limit"),
        "evidence": words.text("evidence"),
    }
    parts = [kinds.get(change.subject)]
    if change.scope and change.scope != "node":
        parts.append(words.named("scope", change.scope))
    parts.append(words.joined(addons))
    if nodes:
        parts.append(words.nodes(len(nodes)))
    return phrases.joined(parts)


def _tag(words: Phrases, change: Change, state: State | None) -> Tag:
    if state is not None:
        word = words.named("finding", state.outcome)
        if state.skipped and change.subject == "finding":
            skipped = words.text("skipped on the server")
            word = words.text("{what} ({more})", what=word, more=skipped)
        return Tag(word, state.outcome)
    if not change.passed:
        return Tag(words.text("Not listed"), "skipped")
    if change.subject == "skipped":
        return Tag(words.text("Not skipped"), "pass")
    if change.subject in ("limit", "evidence"):
        return Tag(words.text("Held"), "pass")
    return Tag(words.say("finding.pass"), "pass")
