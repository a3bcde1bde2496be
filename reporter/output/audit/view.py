"""What the dashboard shows: an audit's facts turned into words, in the order people read them.

Plain frozen data for templates to loop over, cleaned and sorted, a function of the facts alone.
Every word of the page, the PDF and the summary stands here or in a template.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from reporter.output import phrases, pictures
from reporter.output.audit.english import ENGLISH, counted
from reporter.output.audit.facts import (
    MOST_RECENT,
    AuditFacts,
    CheckFacts,
    Cluster,
    Comparison,
    ConditionFacts,
    ResponseFacts,
    Tally,
    UpgradeFacts,
    WaiverFacts,
)
from reporter.output.clean import one_line
from reporter.output.pictures import Segment
from reporter.output.shown import Fact, Tag
from reporter.record.instants import second_of
from reporter.words import LanguageTag

SHOWN_CLUSTERS = 500
SHOWN_CHECKS = 200
SHOWN_ROWS = 200
NAMED_INPUTS = 5
NAMED_SLIPS = 3
OPEN_ROWS = 12
"""Of longer tables the rest is folded away."""

CHART_HEIGHT = 240
COLUMN = 10
"""Units of the chart of verdicts over time: its height, and the width of a period."""

_WORD = {"fail": "Fail", "inconclusive": "Inconclusive", "pass": "Pass", "unreadable": "Unreadable"}
_SHAPE = {"fail": "fail", "inconclusive": "unknown", "pass": "pass", "unreadable": "warn"}
_ORDER = ("fail", "inconclusive", "pass")
_STATUS = {
    "used": Tag("Used", "waived"),
    "unused": Tag("Unused anywhere", "note"),
    "relied-on": Tag("Expired, still relied on", "fail"),
    "exceeded": Tag("Exceeded", "warn"),
    "not-applicable": Tag("Not applicable", "note"),
    "not-yet-valid": Tag("Not yet valid", "note"),
}
_REGISTER = ("used", "relied-on", "unused", "exceeded", "not-applicable", "not-yet-valid")
_MARKS = {
    "broad": "too broad: covers any check",
    "wide": "too broad: covers several checks",
    "permanent": "never expires",
    "undated": "names no start date",
    "todo": "still says TODO",
    "expired": "expired by now",
    "expiring": "about to expire",
}
_SCOPES = {"cluster": "cluster", "addon": "add-on", "node": "nodes"}
_LEVELS = {"require": "required", "warn": "only warns"}
_BASIS = {
    "response": "each response as of its own time",
    "now": "as of {at}, by the clock",
    "given": "as of {at}",
}
_ROLES = {"judged by": (), "compared with": ("the policy compared with",)}
_NONE = "–"

LONGEST = 300
"""Characters shown of a name from the cloud; the CSVs have all of them."""
LONGEST_TEXT = 1_000
LONGEST_VERSION = 40
_END = 60


def _line(text: str, most: int = LONGEST) -> str:
    """A clean text on a single line; of a very long one its beginning and its end."""
    line = one_line(text)
    if len(line) <= most:
        return line
    end = min(_END, most // 4)
    return f"{line[: most - end - 1]}…{line[-end:]}"


@dataclass(frozen=True)
class Cell:
    """A cell: text, with what may stand beside and below it."""

    text: str = ""
    notes: tuple[str, ...] = ()
    tag: Tag | None = None
    link: str = ""
    bar: tuple[Segment, ...] = ()
    strip: tuple[Tag, ...] = ()
    mono: bool = False
    only: str = ""
    """The key of the choice the list of responses is narrowed down to when this is followed."""


@dataclass(frozen=True)
class Column:
    """A column's heading; numbers stand right, `wide` ones get the room."""

    name: str
    number: bool = False
    wide: bool = False


@dataclass(frozen=True)
class Row:
    """A row; the first cell heads it. It is found by its text, its outcome and its choices."""

    cells: tuple[Cell, ...]
    outcome: str = ""
    only: str = ""
    """The keys of the choices it belongs to, with blanks between."""


@dataclass(frozen=True)
class Table:
    """A table of one kind of thing."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    more: str = ""
    """What is said of rows that are not shown."""

    open_rows: int = OPEN_ROWS


@dataclass(frozen=True)
class Bar:
    """A period's column in the chart: rectangles from the bottom up."""

    x: int
    parts: tuple[tuple[str, int, int], ...]
    """Shape, top and height."""


@dataclass(frozen=True)
class Chart:
    """Verdicts over time, as a picture of the table beside it."""

    width: int
    height: int
    bars: tuple[Bar, ...]
    first: str
    last: str
    scale: str
    legend: tuple[Tag, ...]


@dataclass(frozen=True)
class Choice:
    """What a list can be narrowed down to: the rows that bear its key."""

    key: str
    name: str
    count: int
    """How many there are of it in the whole audit, on the page or not."""


@dataclass(frozen=True)
class Choices:
    """Choices of one kind."""

    name: str
    all: tuple[Choice, ...]
    missing: str
    """What is said where some of its rows are not on the page."""


@dataclass(frozen=True)
class Section:
    """A part of the page."""

    id: str
    title: str
    lead: str
    tables: tuple[Table, ...]
    short: str
    """Its name in the navigation; empty to leave it out."""

    chart: Chart | None = None
    finder: tuple[Tag, ...] = ()
    """Outcomes its rows can be narrowed down to; empty where nothing is searched."""

    choices: tuple[Choices, ...] = ()
    found: str = ""
    """What is said of a search: how many were found, and of how many."""


@dataclass(frozen=True)
class Attention:
    """Something somebody has to look at, and what to do."""

    tag: Tag
    what: str
    details: tuple[str, ...]
    action: str
    section: str
    most: int = 1
    """How many of the details a terminal shows."""


@dataclass(frozen=True)
class AuditReport:
    """A whole page."""

    lang: LanguageTag

    title: str
    description: str
    eyebrow: str
    tag: Tag
    headline: str
    summary: tuple[str, ...]
    facts: tuple[Fact, ...]
    attention: tuple[Attention, ...]
    sections: tuple[Section, ...]
    stamp: str
    dated: str


def report(facts: AuditFacts) -> AuditReport:
    """The view of an audit."""
    tag, headline = _headline(facts)
    sections = [
        _over_time(facts),
        _clusters(facts),
        _checks(facts),
        _conditions(facts),
        _comparison(facts, facts.comparison),
        _waivers(facts),
        _upgrades(facts),
        _unreadable(facts),
        _trust(facts),
        _twins(facts),
        _versions(facts),
        _responses(facts),
        _policies(facts),
    ]
    moment = facts.as_of or datetime(1970, 1, 1)  # noqa: DTZ001 - a constant
    return AuditReport(
        lang=ENGLISH.tag,
        title=f"{headline} – audit",
        description=" ".join(_summary(facts)),
        eyebrow="CCE pre-upgrade checks · audit of an archive",
        tag=tag,
        headline=headline,
        summary=tuple(_summary(facts)),
        facts=_facts(facts),
        attention=tuple(_attention(facts)),
        sections=tuple(section for section in sections if section is not None),
        stamp=f"cce-precheck {facts.tool_version} · audit",
        dated=second_of(moment) + "Z",
    )


# The top --------------------------------------------------------------------------------------


def _headline(facts: AuditFacts) -> tuple[Tag, str]:
    tally = facts.tally
    whole = counted(tally.total, "response")
    if not tally.total:
        return Tag("Nothing could be judged", "unknown"), "Nothing could be judged"
    if tally.fail:
        text = f"{tally.fail:,} of {whole} {_verb(tally.fail, 'fails', 'fail')} under this policy"
        return Tag(text, "fail"), text
    if tally.inconclusive or (facts.unreadable and not facts.allow_unreadable):
        text = f"No response fails, and {tally.inconclusive:,} of {whole} can't be judged"
        if not tally.inconclusive:
            text = f"No response fails, and {counted(facts.unreadable, 'input')} can't be read"
        return Tag(text, "unknown"), text
    text = f"All {whole} pass" if tally.total > 1 else "The one response passes"
    if facts.conditional:
        text += f", {_with_conditions(facts)}"
    return Tag(text, "pass"), text


def _with_conditions(facts: AuditFacts) -> str:
    """How many of those that pass do so with conditions."""
    if facts.conditional == facts.tally.passed:
        return "with conditions" if facts.conditional == 1 else "each with conditions"
    return f"{facts.conditional:,} of them with conditions"


def _idle_only(facts: AuditFacts) -> str:
    """Of how many the conditions are no more than what the register says over the fleet."""
    if not (idle := facts.conditional - facts.conditional_in_deed):
        return ""
    return f", {idle:,} only because waivers cover nothing there"


def _verb(count: int, one: str, many: str) -> str:
    return one if count == 1 else many


def _summary(facts: AuditFacts) -> Iterable[str]:
    tally = facts.tally
    if tally.total:
        said = _split({name: tally.of(name) for name in _ORDER})
        if facts.conditional:
            said += f" ({_with_conditions(facts)}{_idle_only(facts)})"
        yield f"{said} in {_clusters_said(facts)}{_span(facts)}."
        latest = dict.fromkeys(_ORDER, 0)
        for cluster in facts.by_cluster:
            latest[cluster.latest_outcome] += cluster.id is not None
        if facts.clusters > 1:
            yield f"Of the {facts.clusters:,} clusters' latest responses {_split(latest)}."
    if facts.only_expired:
        whole = counted(tally.inconclusive, "inconclusive response")
        they = _verb(facts.only_expired, "it", "they")
        by = f"{_verb(facts.only_expired, 'its', 'their')} own time"
        if facts.given is not None:
            by = ENGLISH.instant(facts.given)
        yield (f"{facts.only_expired:,} of {whole} would pass if {they} had not expired by {by}.")
    if (trend := _trend(facts)) is not None:
        yield trend
    if facts.comparison is not None:
        yield compared(facts.comparison)
    if facts.copies:
        copies = counted(facts.copies, "response is a copy", "responses are copies")
        yield f"{copies} of another and counted once."


def _clusters_said(facts: AuditFacts) -> str:
    """In how many clusters; a response that names none is in none of them."""
    unnamed = sum(part.tally.total for part in facts.by_cluster if part.id is None)
    if not unnamed:
        return counted(facts.clusters, "cluster")
    said = counted(unnamed, "response that names", "responses that name") + " no cluster"
    return f"{counted(facts.clusters, 'cluster')} and {said}" if facts.clusters else said


_DOES = {
    "fail": ("{count} fails", "{count} fail"),
    "inconclusive": ("{count} is inconclusive", "{count} are inconclusive"),
    "pass": ("{count} passes", "{count} pass"),
}


def _split(counts: dict[str, int]) -> str:
    """How many fail, are inconclusive and pass; none of a kind goes without saying."""
    parts = [
        _DOES[name][counts[name] != 1].format(count=f"{counts[name]:,}")
        for name in _ORDER
        if counts[name]
    ]
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1]))) if parts else ""


def compared(found: Comparison) -> str:
    """How many verdicts another policy would change, and from what to what."""
    names = _line(", ".join(found.policies))
    whole = counted(found.changing + found.same, "verdict")
    if not found.changing:
        return f"Under {names} none of {whole} would change."
    moves = [f"{count:,} from {was} to {becomes}" for was, becomes, count in found.moves]
    listed = " and ".join(filter(None, (", ".join(moves[:-1]), moves[-1])))
    return f"Under {names} {found.changing:,} of {whole} would change: {listed}."


def _span(facts: AuditFacts) -> str:
    if facts.first is None or facts.last is None:
        return ""
    first, last = (ENGLISH.day(datetime.fromisoformat(text)) for text in (facts.first, facts.last))
    return f" on {first}" if first == last else f" from {first} to {last}"


def _trend(facts: AuditFacts) -> str | None:
    """Is it getting better? The shares of the two halves of the time, with their wholes."""
    half = len(facts.periods) // 2
    if half < 2:
        return None
    (old, old_all), (new, new_all) = (
        (sum(part.tally.fail for part in periods), sum(part.tally.total for part in periods))
        for periods in (facts.periods[:-half], facts.periods[-half:])
    )
    if not old_all or not new_all:
        return None
    return (
        f"In the last {half} {_unit(facts)} {new:,} of {new_all:,} fail "
        f"({_percent(new, new_all)}); before, {old:,} of {old_all:,} ({_percent(old, old_all)})."
    )


def _unit(facts: AuditFacts) -> str:
    name = facts.periods[0].name
    return "years" if len(name) == 4 else "quarters" if "Q" in name else "months"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else _NONE


def _facts(facts: AuditFacts) -> tuple[Fact, ...]:
    judged = [part for part in facts.policies if part.role == "judged by"]
    policies = [part for part in judged if part.kind == "Policy"]
    lists = len(judged) - len(policies)
    at = ENGLISH.instant(facts.given) if facts.given else ""
    inputs = counted(facts.inputs, "file")
    if facts.archives:
        inputs += f", {counted(facts.archives, 'archive')} among them"
    return (
        Fact("Archive", _line(", ".join(facts.locations)), (inputs,)),
        Fact(
            "Responses",
            f"{facts.responses:,}",
            tuple(
                text
                for text in (
                    f"{facts.copies:,} of them copies" if facts.copies else "",
                    f"{facts.undated:,} without a time" if facts.undated else "",
                    f"{counted(facts.unreadable, 'input')} could not be read"
                    if facts.unreadable
                    else "",
                )
                if text
            ),
        ),
        Fact(
            "Judged",
            ENGLISH.sentence(_BASIS[facts.basis].format(at=at)),
            (f"days left of waivers are counted from {ENGLISH.instant(facts.as_of)}",)
            if facts.as_of
            else (),
        ),
        Fact(
            "Policy",
            ", ".join(_line(f"{part.name} {part.version or ''}") for part in policies[:3])
            + (f" and {len(policies) - 3} more" if len(policies) > 3 else ""),
            (counted(lists, "waiver list"),) if lists else (),
        ),
    )


def _attention(facts: AuditFacts) -> Iterable[Attention]:
    """What somebody has to do something about, worst first."""
    if facts.unreadable:
        yield Attention(
            Tag(_WORD["unreadable"], "warn"),
            f"{counted(facts.unreadable, 'input')} could not be read",
            (
                *(below(facts, part.name) for part in facts.unreadable_inputs[:NAMED_INPUTS]),
                *(
                    [f"and {facts.unreadable - NAMED_INPUTS:,} more, see responses.csv"]
                    if facts.unreadable > NAMED_INPUTS
                    else []
                ),
            ),
            (
                "Allowed by --allow-unreadable: "
                if facts.allow_unreadable
                else _verb(facts.unreadable, "Mend or remove it: ", "Mend or remove them: ")
            )
            + _verb(facts.unreadable, "what it holds", "what they hold")
            + " is not in any number here.",
            "unreadable",
            most=NAMED_INPUTS + 1,
        )
    yield from _asked_in_vain(facts)
    relied = [part for part in facts.waivers if part.status == "relied-on"]
    if relied:
        findings = sum(part.missed for part in relied)
        yield Attention(
            _STATUS["relied-on"],
            f"{counted(len(relied), 'waiver')} expired and still relied on",
            (
                f"{counted(findings, 'finding')} would have been covered: "
                f"{_named([part.id for part in relied])}",
            ),
            _verb(
                len(relied),
                "Renew it with an approval, or resolve what it covered.",
                "Renew them with an approval, or resolve what they covered.",
            ),
            "waivers",
        )
    exceeded = [part for part in facts.waivers if part.exceeded]
    if exceeded:
        yield Attention(
            _STATUS["exceeded"],
            f"{counted(len(exceeded), 'waiver')} exceeded: more findings than allowed",
            (_named([f"{part.id} in {counted(part.exceeded, 'response')}" for part in exceeded]),),
            "Resolve the findings, or have a larger number approved.",
            "waivers",
        )
    risky = [part for part in facts.upgrades if not part.fit]
    if risky:
        yield Attention(
            Tag(_WORD["fail"], "fail"),
            f"{len(risky):,} of {counted(len(facts.upgrades), 'upgrade')} "
            f"{_verb(len(risky), 'was', 'were')} made without a passing response that still held",
            tuple(_line(f"{part.cluster}: {part.said}") for part in risky[:3]),
            "Look at each with whoever approved it.",
            "upgrades",
        )
    changed = [part for part in facts.twins if part.versions > 1]
    if changed:
        yield Attention(
            Tag("Different bytes", "unknown"),
            f"{counted(len(changed), 'task')} {_verb(len(changed), 'stands', 'stand')} in the "
            "archive with different contents under one uid",
            tuple(
                _line(f"{part.uid}: {', '.join(below(facts, name) for name in part.names)}")
                for part in changed[:3]
            ),
            "A task asked for twice while it ran differs; a finished one should not.",
            "twins",
        )
    for status, mark, tag, what, one, many in (
        (
            "unused",
            "",
            _STATUS["unused"],
            "unused anywhere",
            "Remove it: nothing needed it, and what it would cover comes unseen.",
            "Remove them: nothing needed them, and what they would cover comes unseen.",
        ),
        (
            "",
            "broad wide",
            Tag("Too broad", "warn"),
            "too broad",
            "Name the one check it is meant for.",
            "Name the one check each is meant for.",
        ),
        (
            "",
            "expiring",
            Tag("About to expire", "warn"),
            "about to expire",
            "Renew it in time if it is still needed.",
            "Renew those that are still needed in time.",
        ),
    ):
        found = [
            part
            for part in facts.waivers
            if (not status or part.status == status)
            and (not mark or set(mark.split()) & set(part.marks))
        ]
        if found:
            yield Attention(
                tag,
                f"{counted(len(found), 'waiver')} {what}",
                (_named([part.id for part in found]),),
                _verb(len(found), one, many),
                "waivers",
            )


def _asked_in_vain(facts: AuditFacts) -> Iterable[Attention]:
    """Where a policy asks for what is nowhere: whoever judges by it must hear that first."""
    for role, whose in (
        ("judged by", "The policy asks"),
        ("compared with", "The policy compared with asks"),
    ):
        slips = [part for part in facts.conditions if part.is_slip and part.role == role]
        if not slips:
            continue
        details = [_line(_in_how_many(facts, part), LONGEST_TEXT) for part in slips[:NAMED_SLIPS]]
        if (more := facts.slips[role] - NAMED_SLIPS) > 0:
            details.append(f"and {more:,} more, see Conditions")
        yield Attention(
            Tag("Asks in vain", "warn"),
            f"{whose} in vain for what the API or the responses do not have",
            tuple(details),
            "Mend it and audit again: until then it decides less than it seems to.",
            "conditions",
            most=NAMED_SLIPS + 1,
        )


def _in_how_many(facts: AuditFacts, part: ConditionFacts) -> str:
    return f"{part.text}: in {part.responses:,} of {counted(facts.tally.total, 'response')}"


def _named(names: Sequence[str], most: int = 5) -> str:
    shown = ", ".join(_line(name) for name in names[:most])
    return f"{shown} and {len(names) - most:,} more" if len(names) > most else shown


# Over time ------------------------------------------------------------------------------------


def _tag(outcome: str, *, conditional: bool = False) -> Tag:
    return Tag("Pass, with conditions" if conditional else _WORD[outcome], _SHAPE[outcome])


def _over_time(facts: AuditFacts) -> Section | None:
    if not facts.periods:
        return None
    rows = tuple(
        Row((Cell(part.name), *_numbers(part.tally), Cell(bar=_bar(part.tally))))
        for part in facts.periods
    )
    table = Table(
        "Verdicts by the time of the response",
        (Column("Time"), *_TALLY_COLUMNS, Column("Shares")),
        rows,
        open_rows=0 if len(rows) > OPEN_ROWS else len(rows),
    )
    undated = (
        f" {counted(facts.undated, 'response')} without a readable time "
        f"{_verb(facts.undated, 'is', 'are')} left out."
        if facts.undated
        else ""
    )
    lead = f"Verdicts of this policy on the responses of each period.{undated}"
    return Section("time", "Over time", lead, (table,), "Time", chart=_chart(facts))


_TALLY_COLUMNS = (
    Column("Responses", number=True),
    Column("Fail", number=True),
    Column("Inconclusive", number=True),
    Column("Pass", number=True),
)


def _numbers(tally: Tally) -> tuple[Cell, ...]:
    return tuple(
        Cell(f"{number:,}" if number else _NONE)
        for number in (tally.total, tally.fail, tally.inconclusive, tally.passed)
    )


def _bar(tally: Tally) -> tuple[Segment, ...]:
    return pictures.bar([(_SHAPE[name], tally.of(name)) for name in _ORDER])


def _chart(facts: AuditFacts) -> Chart:
    most = max(part.tally.total for part in facts.periods)
    bars = []
    for index, part in enumerate(facts.periods):
        bottom, parts = CHART_HEIGHT, []
        for outcome in _ORDER:
            count = part.tally.of(outcome)
            if count:
                height = max(2, round(CHART_HEIGHT * count / most))
                height = min(height, bottom)
                bottom -= height
                parts.append((_SHAPE[outcome], bottom, height))
        bars.append(Bar(index * COLUMN, tuple(parts)))
    return Chart(
        width=COLUMN * len(facts.periods),
        height=CHART_HEIGHT,
        bars=tuple(bars),
        first=facts.periods[0].name,
        last=facts.periods[-1].name,
        scale=f"highest column: {counted(most, 'response')}",
        legend=tuple(_tag(outcome) for outcome in _ORDER),
    )


# Clusters and checks --------------------------------------------------------------------------


def below(facts: AuditFacts, name: str) -> str:
    """A name without the one location all names begin with."""
    if len(facts.locations) == 1:
        name = name.removeprefix(facts.locations[0].rstrip("/") + "/")
    return _line(name)


def _when(text: str | None) -> str:
    return ENGLISH.instant(datetime.fromisoformat(text)) if text else "no time given"


def _more(shown: int, count: int, where: str) -> str:
    rest = count - shown
    return f"and {rest:,} more: {where} has them all" if rest > 0 else ""


def _clusters(facts: AuditFacts) -> Section | None:
    if not facts.by_cluster:
        return None
    shown = facts.by_cluster[:SHOWN_CLUSTERS]
    rows = tuple(_cluster(part, number) for number, part in enumerate(shown))
    columns = (
        Column("Cluster", wide=True),
        Column("Latest response", wide=True),
        *_TALLY_COLUMNS,
        Column("Last verdicts"),
    )
    table = Table(
        "Clusters, the worst latest response first",
        columns,
        rows,
        _more(len(shown), len(facts.by_cluster), "the table responses of audit.sqlite"),
    )
    lead = (
        f"Every cluster with its latest response. The last column has the verdicts on its last "
        f"{MOST_RECENT} responses, the oldest on the left (on paper F, I and P: fail, "
        "inconclusive, pass)."
    )
    return Section("clusters", "Clusters", lead, (table,), "Clusters")


def _cluster(part: Cluster, number: int) -> Row:
    name = _line(part.id) if part.id else "not named"
    notes = [_when(part.latest_at), _line(part.latest_upgrade)]
    if part.latest_outcome != "pass" or part.latest_conditional:
        notes.append(_line(part.latest_reason, LONGEST_TEXT))
    return Row(
        (
            Cell(name, only=f"k{number}"),
            Cell(
                tag=_tag(part.latest_outcome, conditional=part.latest_conditional),
                notes=tuple(notes),
            ),
            *_numbers(part.tally),
            Cell(strip=tuple(_tag(outcome) for outcome in part.recent)),
        )
    )


def _checks(facts: AuditFacts) -> Section | None:
    if not facts.checks:
        return None
    failing = [part for part in facts.checks if part.failing]
    others = [part for part in facts.checks if not part.failing and part.elsewhere]
    listed = [*failing, *others]
    shown = listed[:SHOWN_CHECKS]
    columns = (
        Column("Check", wide=True),
        Column("Fails in", number=True),
        Column("Unknown in", number=True),
        Column("Warns in", number=True),
        Column("Waived in", number=True),
        Column("of responses", number=True),
        Column("Share that fails"),
        Column("Clusters", number=True),
        Column("First half", number=True),
        Column("Second half", number=True),
    )
    table = Table(
        "Checks by the number of responses in which they fail",
        columns,
        tuple(_check(part, number) for number, part in enumerate(shown)),
        _more(len(shown), len(listed), "the view checks of audit.sqlite"),
    )
    fails = f"{counted(len(failing), 'check')} {_verb(len(failing), 'fails', 'fail')} somewhere"
    said = [fails if failing else "No check fails"]
    if others:
        one = f"{len(others):,} never fails, but is unknown, warns or is waived somewhere"
        many = f"{len(others):,} never fail, but are unknown, warn or are waived somewhere"
        said.append(_verb(len(others), one, many))
    if quiet := len(facts.checks) - len(listed):
        one, many = "other does nothing of the kind", "others do nothing of the kind"
        said.append(counted(quiet, one, many))
    lead = f"{'; '.join(said)}."
    if not listed:
        return Section("checks", "What fails most", lead, (), "Checks")
    lead += (
        " A response counts under the worst that its findings of a check came to; clusters and "
        "shares are of those in which it fails. The halves are those of the time: is it getting "
        "better?"
    )
    return Section("checks", "What fails most", lead, (table,), "Checks")


def _check(part: CheckFacts, number: int) -> Row:
    kind = phrases.joined([part.kind, part.level, _scope(part)])
    findings = [
        f"{number:,} {word}"
        for number, word in (
            (part.fail, "failed"),
            (part.unknown, "unknown"),
            (part.warn, "warned"),
            (part.waived, "waived"),
        )
        if number
    ]
    worst = (
        ("fail", part.failing),
        ("unknown", part.unknown_in),
        ("warn", part.warned_in),
        ("waived", part.waived_in),
    )
    rest = part.responses - part.failing - part.elsewhere
    share = pictures.bar([*worst, ("pass", rest)])
    return Row(
        (
            Cell(
                check_name(part),
                notes=(_line(kind), "findings: " + ", ".join(findings)),
                only=f"c{number}" if part.failing else "",
            ),
            *(Cell(f"{number:,}" if number else _NONE) for _, number in worst),
            Cell(f"{part.responses:,}"),
            Cell(_percent(part.failing, part.responses), bar=share),
            Cell(f"{part.clusters:,}" if part.clusters else _NONE),
            *(
                Cell(_percent(*half), notes=(f"{half[0]:,} of {half[1]:,}",))
                if part.failing
                else Cell(_NONE)
                for half in (part.first, part.second)
            ),
        )
    )


def _scope(part: CheckFacts) -> str:
    return _SCOPES.get(part.scope, part.scope)


def check_name(part: CheckFacts) -> str:
    """What a check is called."""
    return _line(part.name) if part.name else "(a check without a name)"


# Conditions -----------------------------------------------------------------------------------


def _conditions(facts: AuditFacts) -> Section | None:
    if not facts.conditions:
        return None
    slips = [part for part in facts.conditions if part.is_slip]
    others = [part for part in facts.conditions if not part.is_slip]
    numbers = (Column("Responses", number=True), Column("Passing", number=True))
    tables = []
    if slips:
        tables.append(
            Table(
                "Where a policy asks in vain",
                (Column("What it asks for", wide=True), *numbers),
                tuple(
                    Row(
                        (
                            Cell(
                                _line(part.text, LONGEST_TEXT),
                                notes=_ROLES[part.role],
                            ),
                            *_in_numbers(part),
                        )
                    )
                    for part in slips
                ),
                _more(
                    len(slips), sum(facts.slips.values()), "the table conditions of audit.sqlite"
                ),
            )
        )
    if others:
        tables.append(
            Table(
                "Conditions by the number of responses",
                (Column("Condition", wide=True), *numbers, Column("For example", wide=True)),
                tuple(
                    Row(
                        (
                            Cell(condition_name(part)),
                            *_in_numbers(part),
                            Cell(_line(part.text, LONGEST_TEXT)),
                        )
                    )
                    for part in others
                ),
            )
        )
    passed = counted(facts.tally.passed, "response that passes", "responses that pass")
    lead = (
        f"{facts.conditional:,} of {passed} "
        f"{_verb(facts.conditional, 'does so', 'do so')} with conditions{_idle_only(facts)}: a "
        "person has to know of them and to accept them. They change no verdict. Those of each "
        "response stand in responses.csv and in the table conditions of audit.sqlite."
    )
    return Section("conditions", "Conditions", lead, tuple(tables), "Conditions")


def condition_name(part: ConditionFacts) -> str:
    """What a kind of condition is called: its code in words."""
    return ENGLISH.sentence(_line(part.code).replace("-", " "))


def _in_numbers(part: ConditionFacts) -> tuple[Cell, Cell]:
    return Cell(f"{part.responses:,}"), Cell(f"{part.passing:,}" if part.passing else _NONE)


# Waivers --------------------------------------------------------------------------------------


def _waivers(facts: AuditFacts) -> Section:
    if not facts.waivers:
        return Section("waivers", "Waivers", "The policy has no waivers.", (), "Waivers")
    counts: dict[str, int] = {}
    for part in facts.waivers:
        counts[part.status] = counts.get(part.status, 0) + 1
    also = sum(part.status == "used" and part.exceeded > 0 for part in facts.waivers)
    said = ", ".join(
        f"{counts[status]:,} {_STATUS[status].word.lower()}"
        + (f" ({also:,} of them exceeded elsewhere)" if status == "used" and also else "")
        for status in _REGISTER
        if status in counts
    )
    columns = (
        Column("Waiver", wide=True),
        Column("Over the fleet", wide=True),
        Column("Findings", number=True),
        Column("Responses", number=True),
        Column("Clusters", number=True),
        Column("Approved and valid", wide=True),
        Column("Reason", wide=True),
    )
    table = Table(
        "The waiver register over the fleet",
        columns,
        tuple(_waiver(part) for part in facts.waivers[:SHOWN_ROWS]),
        _more(SHOWN_ROWS, len(facts.waivers), "the table waivers of audit.sqlite"),
        open_rows=SHOWN_ROWS,
    )
    lead = (
        f"{counted(len(facts.waivers), 'waiver')}: {said}. A waiver counts as it stood at the "
        "instant each response was judged for."
    )
    return Section("waivers", "Waivers", lead, (table,), "Waivers")


def _waiver(part: WaiverFacts) -> Row:
    approved = f"by {_line(part.approved_by)}" if part.approved_by else "by nobody named"
    until = f"until {ENGLISH.written_date(part.expires)}" if part.expires else "without end"
    notes = [until]
    if part.starts:
        notes.insert(0, f"from {ENGLISH.written_date(part.starts)}")
    if part.ticket:
        notes.insert(0, _line(part.ticket))
    if part.days_left is not None and part.days_left >= 0 and part.status != "not-yet-valid":
        notes.append(f"{counted(part.days_left, 'day')} left")
    fleet = []
    if part.first_used and part.last_used:
        days = [ENGLISH.day(datetime.fromisoformat(d)) for d in (part.first_used, part.last_used)]
        fleet.append(f"used {days[0]}" if days[0] == days[1] else f"used {days[0]} to {days[1]}")
    if part.exceeded:
        fleet.append(f"exceeded in {counted(part.exceeded, 'response')}")
    if part.missed:
        fleet.append(
            f"{counted(part.missed, 'finding')} in {counted(part.missed_responses, 'response')} "
            "came after it was over"
        )
    if part.skipped:
        fleet.append(f"{counted(part.skipped, 'skipped check')} covered")
    if part.not_applicable:
        fleet.append(f"{counted(part.not_applicable, 'finding')} it can never cover")
    if part.checks > 1:
        fleet.append(f"covered {part.checks:,} different checks")
    told = {"expired"} if part.status == "relied-on" else set[str]()
    fleet += [_MARKS.get(mark, mark) for mark in part.marks if mark not in told]
    return Row(
        (
            Cell(
                _line(part.id),
                notes=(_line(part.check), f"{_line(part.source)}:{part.line}"),
            ),
            Cell(tag=_STATUS[part.status], notes=tuple(fleet)),
            Cell(f"{part.findings:,}" if part.findings else _NONE),
            Cell(f"{part.responses:,}" if part.responses else _NONE),
            Cell(f"{part.clusters:,}" if part.clusters else _NONE),
            Cell(approved, notes=tuple(notes)),
            Cell(_line(part.reason, LONGEST_TEXT)),
        )
    )


# What else ------------------------------------------------------------------------------------


def _comparison(facts: AuditFacts, found: Comparison | None) -> Section | None:
    if found is None:
        return None
    moves = Table(
        "Verdicts that would change",
        (Column("From"), Column("To"), Column("Responses", number=True)),
        tuple(
            Row((Cell(tag=_tag(was)), Cell(tag=_tag(becomes)), Cell(f"{count:,}")))
            for was, becomes, count in found.moves
        ),
    )
    count = found.changing
    changes = Table(
        "Responses with another verdict, and why",
        (Column("Response", wide=True), Column("From"), Column("To"), Column("Why", wide=True)),
        tuple(
            Row(
                (
                    Cell(
                        below(facts, part.name),
                        notes=(_line(part.cluster or "not named"), _when(part.at)),
                        link=part.report or "",
                    ),
                    Cell(tag=_tag(part.was)),
                    Cell(tag=_tag(part.becomes)),
                    Cell(
                        _line(part.why[0], LONGEST_TEXT) if part.why else "",
                        notes=_few(part.why[1:]),
                    ),
                ),
                part.becomes,
            )
            for part in found.changes
        ),
        _more(len(found.changes), count, "the table changes of audit.sqlite"),
        open_rows=5,
    )
    return Section(
        "compare",
        "Under another policy",
        compared(found),
        (moves, changes) if count else (),
        "Compared",
    )


def _few(texts: Sequence[str], most: int = 6) -> tuple[str, ...]:
    shown = tuple(_line(text, LONGEST_TEXT) for text in texts[:most])
    rest = len(texts) - most
    return (*shown, f"and {rest:,} more") if rest > 0 else shown


def _upgrades(facts: AuditFacts) -> Section | None:
    if not facts.upgrades:
        return None
    fit = sum(part.fit for part in facts.upgrades)
    passed = [part for part in facts.upgrades if part.outcome == "pass"]
    over = sum(part.expired for part in passed)
    used = sum(part.used and not part.expired for part in passed)
    # They come by their times, and stay so.
    shown = sorted(facts.upgrades, key=lambda part: part.fit)[:SHOWN_ROWS]
    table = Table(
        "Upgrades that were made, and the last response before each",
        (
            Column("Cluster", wide=True),
            Column("Upgraded"),
            Column("Last response"),
            Column("Said", wide=True),
        ),
        tuple(
            Row(
                (
                    Cell(
                        _line(part.cluster),
                        notes=(_line(part.change),) if part.change else (),
                    ),
                    Cell(_when(part.at)),
                    Cell(tag=_before(part)),
                    Cell(
                        _line(part.said, LONGEST_TEXT),
                        notes=(_line(part.response),) if part.response else (),
                    ),
                )
            )
            for part in shown
        ),
        _more(len(shown), len(facts.upgrades), "the table upgrades of audit.sqlite"),
    )
    lead = (
        f"{fit:,} of {counted(len(facts.upgrades), 'upgrade')} "
        f"{_verb(fit, 'was', 'were')} made on a passing response that still held."
    )
    if over:
        lead += f" {over:,} more had only one that had expired by then."
    if used:
        lead += f" {used:,} more had only one that an earlier upgrade had used."
    return Section("upgrades", "What was really upgraded", lead, (table,), "Upgrades")


def _before(part: UpgradeFacts) -> Tag:
    """What the last response before an upgrade was worth."""
    if part.outcome is None:
        return Tag("Not checked", "skipped")
    if part.outcome == "pass" and part.expired:
        return Tag("Pass, expired", "warn")
    if part.outcome == "pass" and part.used:
        return Tag("Pass, used before", "warn")
    return _tag(part.outcome, conditional=part.conditional)


def _unreadable(facts: AuditFacts) -> Section | None:
    if not facts.unreadable:
        return None
    table = Table(
        "Inputs that could not be read",
        (Column("Input", wide=True), Column("Why", wide=True)),
        tuple(
            Row(
                (
                    Cell(below(facts, part.name), mono=True),
                    Cell(
                        _without(part.reason, part.name),
                        notes=(_line(part.hint),) if part.hint else (),
                    ),
                )
            )
            for part in facts.unreadable_inputs[:SHOWN_ROWS]
        ),
        _more(SHOWN_ROWS, facts.unreadable, "responses.csv"),
    )
    lead = (
        f"{counted(facts.unreadable, 'input')} could not be read or "
        f"{_verb(facts.unreadable, 'is', 'are')} no pre-upgrade check response. "
        "They are in no number above."
    )
    return Section("unreadable", "Unreadable inputs", lead, (table,), "Unreadable")


def _without(reason: str, name: str) -> str:
    """A reason without the name of the file, which stands beside it."""
    if reason.startswith(f"{name}:"):
        at = re.match(r":(\d+):(\d+): ", place) if (place := reason[len(name) :]) else None
        if at is not None:
            reason = f"line {at[1]}, column {at[2]}: {place[at.end() :]}"
        else:
            reason = reason.removeprefix(f"{name}: ")
    return ENGLISH.sentence(_line(reason, LONGEST_TEXT))


def _trust(facts: AuditFacts) -> Section | None:
    tables = []
    if facts.evidence:
        tables.append(
            Table(
                "Lines of evidence that did not hold",
                (
                    Column("Evidence"),
                    Column("Responses", number=True),
                    Column("For example", wide=True),
                ),
                tuple(
                    Row(
                        (
                            Cell(
                                ENGLISH.sentence(ENGLISH.named("evidence-name", part.line)),
                                notes=(_LEVELS.get(part.level, part.level),),
                            ),
                            Cell(f"{part.responses:,}"),
                            Cell(_line(part.example, LONGEST_TEXT)),
                        )
                    )
                    for part in facts.evidence
                ),
            )
        )
    if facts.skipped:
        tables.append(
            Table(
                "Checks skipped on the server",
                (
                    Column("Check", wide=True),
                    Column("Responses", number=True),
                    Column("Covered by a waiver", number=True),
                ),
                tuple(
                    Row(
                        (
                            Cell(_line(part.name or "(an entry without a name)")),
                            Cell(f"{part.responses:,}"),
                            Cell(f"{part.covered:,}"),
                        )
                    )
                    for part in facts.skipped[:SHOWN_ROWS]
                ),
                _more(SHOWN_ROWS, len(facts.skipped), "the table skipped of audit.sqlite"),
            )
        )
    if not tables:
        return None
    lead = "What kept responses from being relied on, and what CCE was told not to look at."
    return Section("trust", "Can these responses be trusted?", lead, tuple(tables), "Trust")


def _twins(facts: AuditFacts) -> Section | None:
    if not facts.twins:
        return None
    table = Table(
        "Tasks that stand in the archive more than once",
        (
            Column("Task", wide=True),
            Column("How"),
            Column("Responses", number=True),
            Column("Where", wide=True),
        ),
        tuple(
            Row(
                (
                    Cell(_line(part.uid), mono=True),
                    Cell(
                        tag=Tag(f"{part.versions:,} contents", "unknown")
                        if part.versions > 1
                        else Tag("Same bytes", "note")
                    ),
                    Cell(f"{part.count:,}"),
                    Cell("", notes=tuple(below(facts, name) for name in part.names)),
                )
            )
            for part in facts.twins
        ),
    )
    lead = (
        "Copies (the same bytes) are counted once. Different contents under one uid are counted "
        "each: a task asked for while it ran, or one that somebody changed."
    )
    return Section("twins", "The same task more than once", lead, (table,), "")


def _versions(facts: AuditFacts) -> Section | None:
    if not facts.versions:
        return None
    shown = facts.versions[:SHOWN_ROWS]
    table = Table(
        "Upgrade paths that were checked",
        (Column("From"), Column("To"), *_TALLY_COLUMNS, Column("Shares")),
        tuple(
            Row(
                (
                    Cell(_line(part.before, LONGEST_VERSION)),
                    Cell(_line(part.target, LONGEST_VERSION)),
                    *_numbers(part.tally),
                    Cell(bar=_bar(part.tally)),
                )
            )
            for part in shown
        ),
        _more(len(shown), len(facts.versions), "the table responses of audit.sqlite"),
    )
    return Section("versions", "Versions", "Which upgrades were asked about.", (table,), "Versions")


def _responses(facts: AuditFacts) -> Section | None:
    if not facts.listed:
        return None
    whole = facts.responses
    # As they are numbered in their tables: those that fail come first there.
    failing = [part for part in facts.checks[:SHOWN_CHECKS] if part.failing]
    checks = {(part.scope, part.name): f"c{number}" for number, part in enumerate(failing)}
    clusters = {
        part.id: f"k{number}" for number, part in enumerate(facts.by_cluster[:SHOWN_CLUSTERS])
    }
    table = Table(
        "Responses, failing and newest first",
        (
            Column("Response", wide=True),
            Column("Verdict"),
            Column("Cluster and upgrade", wide=True),
            Column("Why", wide=True),
        ),
        tuple(
            Row(
                (
                    Cell(
                        below(facts, part.name),
                        notes=(_when(part.at), *(("a copy",) if part.copy else ())),
                        link=part.report or "",
                    ),
                    Cell(tag=_tag(part.outcome, conditional=part.conditional)),
                    Cell(_line(part.cluster or "not named"), notes=(_line(part.upgrade),)),
                    Cell(_line(part.reason, LONGEST_TEXT)),
                ),
                part.outcome,
                _keys(part, checks, clusters),
            )
            for part in facts.listed
        ),
        _more(len(facts.listed), whole, "responses.csv"),
        open_rows=25,
    )
    pages = {
        "none": "With --reports failed or all, each has a page of its own, linked here.",
        "failed": "Each that does not pass is linked to a page of its own.",
        "all": "Each is linked to a page of its own.",
    }[facts.reports]
    outcomes = tuple(
        _tag(outcome) for outcome in _ORDER if any(p.outcome == outcome for p in facts.listed)
    )
    lead = f"{len(facts.listed):,} of {counted(whole, 'response')}. {pages}"
    if any(part.copy for part in facts.listed):
        lead += " A copy counts nowhere else: it is found by its name, not by check or cluster."
    found = "{shown} of {all} responses"
    if len(facts.listed) < whole:
        # Nothing found among these is not nothing there.
        found = f"{{shown}} of the {{all}} listed here; of {whole:,} in all see responses.csv"
    missing = "{{shown}} of the {{there}} listed here; of {{count}} in all see {where}"
    choices = (
        Choices(
            "A check that fails",
            tuple(
                Choice(f"c{number}", f"{check_name(part)} ({_scope(part)})", part.failing)
                for number, part in enumerate(failing)
            ),
            missing.format(where="findings.csv"),
        ),
        Choices(
            "A cluster",
            tuple(
                Choice(key, _line(part.id) if part.id else "not named", part.tally.total)
                for part, key in zip(facts.by_cluster, clusters.values(), strict=False)
            ),
            missing.format(where="responses.csv"),
        ),
    )
    return Section(
        "responses",
        "Responses",
        lead,
        (table,),
        "Responses",
        finder=outcomes,
        choices=tuple(part for part in choices if part.all),
        found=found,
    )


def _keys(
    part: ResponseFacts,
    checks: Mapping[tuple[str, str | None], str],
    clusters: Mapping[str | None, str],
) -> str:
    """The choices a response belongs to; a copy counts nowhere, and belongs to none."""
    if part.copy:
        return ""
    found = [clusters.get(part.cluster), *(checks.get(key) for key in part.failing)]
    return " ".join(filter(None, found))


def _policies(facts: AuditFacts) -> Section:
    table = Table(
        "Policies and waiver lists",
        (
            Column("File", wide=True),
            Column("Kind"),
            Column("Version"),
            Column("SHA-256", wide=True),
        ),
        tuple(
            Row(
                (
                    Cell(_line(part.name), notes=(_line(part.source),)),
                    Cell(
                        "Policy" if part.kind == "Policy" else "Waiver list",
                        notes=(part.role,) if part.role != "judged by" else (),
                    ),
                    Cell(
                        _line(part.version or _NONE),
                        notes=(_line(part.owner),) if part.owner else (),
                    ),
                    Cell(part.sha256, mono=True),
                )
            )
            for part in facts.policies
        ),
        open_rows=SHOWN_ROWS,
    )
    lead = (
        "What was judged by. manifest.json beside this page has the digest of every input; "
        "audit.sqlite has every row."
    )
    return Section("policy", "Policy and files", lead, (table,), "Policy")
