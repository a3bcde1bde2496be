"""From a full store to what its reports say: copies found, waivers counted over the fleet, totals.

Everything is sorted by what it says, so that the same rows give the same summary.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reporter import __version__
from reporter.audit import words
from reporter.audit.settings import Bench, Settings, court_of
from reporter.audit.store import Store
from reporter.errors import PolicyError
from reporter.output.audit.facts import (
    MOST_RECENT,
    AuditFacts,
    ChangeFacts,
    CheckFacts,
    Cluster,
    Comparison,
    ConditionFacts,
    EvidenceFacts,
    Period,
    PolicyFacts,
    ResponseFacts,
    SkippedFacts,
    Tally,
    TwinFacts,
    UnreadableFacts,
    UpgradeFacts,
    VersionFacts,
    WaiverFacts,
    exit_code,
)
from reporter.policy.assemble import waiver_use
from reporter.policy.load import pattern_text
from reporter.policy.waivers import WaiverTally
from reporter.precheck.model import FINAL_PHASES
from reporter.precheck.times import format_instant
from reporter.record.conditions import QUIET, REGISTER, SLIPS
from reporter.record.dates import is_day, parse_instant
from reporter.words import statement

SOON_DAYS = 30
"""A waiver that ends within so many days is about to expire."""

BY_INSTANT = "rtrim(updated_at, 'Z')"
"""What responses are put in the order of their times by: as text, 58.9Z comes before 58Z."""


def _codes(conditions: Iterable[str]) -> str:
    """Codes as the store has them, in SQL."""
    return ", ".join(repr(code.removeprefix("condition.")) for code in sorted(conditions))


def is_conditional(table: str, quiet: Iterable[str] = QUIET) -> str:
    """Whether a response of a table passes with conditions other than the quiet ones, as SQL."""
    return (
        f"({table}.outcome = 'pass' AND EXISTS (SELECT 1 FROM conditions AS told "
        f"WHERE told.response_id = {table}.id AND told.role = 'judged by' "
        f"AND told.code NOT IN ({_codes(quiet)})))"
    )


MOST_LISTED = 2_000
MOST_SLIPS = 200
MOST_CHANGES = 300
MOST_UNREADABLE = 500
MOST_TWINS = 200
MOST_OF_UPGRADES = 16 * 1024 * 1024
MOST_PERIODS = 36


# What only the whole can tell -----------------------------------------------------------------


def settle(store: Store, settings: Settings, upgrades: Path | None) -> None:
    """Mark copies, count waivers over the fleet, join upgrades. Changes nothing the second time."""
    store.index()
    bench = court_of(settings).bench
    with store.writing():
        store.unseal()
        store.run("DELETE FROM check_sets WHERE id NOT IN (SELECT set_id FROM tallies)")
        _mark_twins(store)
        _note_policies(store, settings)
        _count_waivers(store, bench, as_of(store, settings))
        _join_upgrades(store, upgrades)


def as_of(store: Store, settings: Settings) -> datetime | None:
    """The instant from which the days left of waivers are counted."""
    if settings.at != "response":
        return parse_instant(settings.at)
    newest = store.one("SELECT max(rtrim(judged_at, 'Z')) FROM responses")
    return parse_instant(f"{newest}Z") if newest else None


def _mark_twins(store: Store) -> None:
    store.run(
        "UPDATE responses SET copy_of = NULL, same_uid = NULL "
        "WHERE copy_of IS NOT NULL OR same_uid IS NOT NULL"
    )
    query = (
        "SELECT id, task_uid, task_sha256, outcome, cluster_id, condition_codes "
        "FROM responses WHERE task_uid IN "
        "(SELECT task_uid FROM responses WHERE task_uid IS NOT NULL "
        "GROUP BY task_uid HAVING count(*) > 1) ORDER BY task_uid, name, pointer, id"
    )
    groups: dict[str, list[tuple[str, str, tuple[str | None, ...]]]] = {}
    for identity, uid, digest, *judged in store.ask(query):
        groups.setdefault(uid, []).append((identity, digest, tuple(judged)))
    for group in groups.values():
        firsts: dict[tuple[str, tuple[str | None, ...]], str] = {}
        several = len({digest for _, digest, _ in group}) > 1
        for identity, digest, so_judged in group:
            # The same bytes of another cluster, or judged otherwise, as beside another sidecar,
            # are no mere copy.
            first = firsts.setdefault((digest, so_judged), identity)
            store.run(
                "UPDATE responses SET copy_of = ?, same_uid = ? WHERE id = ?",
                (
                    first if first != identity else None,
                    "different bytes" if several else "same bytes",
                    identity,
                ),
            )


def _note_policies(store: Store, settings: Settings) -> None:
    court = court_of(settings)
    store.run("DELETE FROM policies")
    for role, bench in (("judged by", court.bench), ("compared with", court.others)):
        if bench is not None:
            store.put(
                "policies",
                [
                    (file.kind, file.name, file.version, file.owner, file.source, file.digest, role)
                    for file in bench.files
                ],
                replace=True,
            )


def _count_waivers(store: Store, bench: Bench, instant: datetime | None) -> None:
    store.run("DELETE FROM waivers")
    uses: dict[tuple[str, str], list[Any]] = {}
    names: dict[tuple[str, str], set[str]] = {}
    clusters: dict[tuple[str, str], set[str | None]] = {}
    query = (
        "SELECT source, waiver, status, u.findings, u.skipped, u.not_applicable, missed, checks, "
        "cluster_id, updated_at FROM waiver_uses u JOIN counted ON id = response_id"
    )
    for source, waiver, status, findings, skipped, never, missed, checks, cluster, at in store.ask(
        query
    ):
        key = (source, waiver)
        row = uses.setdefault(key, [0, 0, 0, 0, 0, 0, 0, None, None])
        used = status == "used"
        row[0] += used
        row[1] += findings
        row[2] += skipped
        row[3] += missed
        row[4] += missed > 0
        row[5] += never
        row[6] += status == "exceeded"
        if used:
            names.setdefault(key, set()).update(json.loads(checks))
            clusters.setdefault(key, set()).add(cluster)
            row[7] = min(filter(None, (row[7], at)), default=None, key=_instant)
            row[8] = max(filter(None, (row[8], at)), default=None, key=_instant)
    rows = []
    for key, waiver in bench.waivers.items():
        row = uses.get(key, [0, 0, 0, 0, 0, 0, 0, None, None])
        covered = len(names.get(key, ()))
        status = (
            "relied-on"
            if row[3]
            else "used"
            if row[0]
            else "exceeded"
            if row[6]
            else "not-applicable"
            if row[5]
            # It begins after every instant that was judged for: nothing could have needed it.
            else "not-yet-valid"
            if instant is not None and waiver.valid_from is not None and waiver.valid_from > instant
            else "unused"
        )
        marks: list[str] = []
        if instant is not None:
            marks += waiver_use(WaiverTally(waiver, "valid", elsewhere=False), instant).marks
            if waiver.valid_until is not None:
                left = (waiver.valid_until - instant).days
                if waiver.valid_until <= instant:
                    marks.append("expired")
                elif left < SOON_DAYS:
                    marks.append("expiring")
        if covered > 1 and "broad" not in marks:
            marks.append("wide")
        rows.append(
            (
                waiver.source,
                waiver.id,
                waiver.line,
                status,
                " ".join(marks),
                pattern_text(waiver.written.get("check")),
                json.dumps(waiver.written, ensure_ascii=False, sort_keys=True, default=str),
                waiver.reason,
                waiver.approved_by,
                waiver.approved_on,
                waiver.ticket,
                waiver.starts,
                waiver.expires,
                format_instant(waiver.valid_until) if waiver.valid_until else None,
                row[0],
                len(clusters.get(key, ())),
                *row[1:6],
                covered,
                row[7],
                row[8],
            )
        )
    store.put("waivers", rows)


def _instant(text: str) -> str:
    """What the order of texts is that of the instants by, as `BY_INSTANT`."""
    return text.removesuffix("Z")


def _join_upgrades(store: Store, path: Path | None) -> None:
    """The last response of its cluster beside each upgrade; one response is for one upgrade.

    A response that was there for an earlier upgrade is of the cluster as it was before that one.
    """
    store.run("DELETE FROM upgrades")
    store.run(
        "UPDATE responses SET upgraded_at = NULL, upgrade_change = NULL "
        "WHERE upgraded_at IS NOT NULL"
    )
    if path is None:
        return
    used: dict[str, tuple[datetime, str]] = {}
    """Of a response the upgrade it was used for: the first behind it."""
    made = sorted(read_upgrades(path), key=lambda part: (part[2], part[0]))
    for line, cluster, moment, change in made:
        at = format_instant(moment)
        row = next(
            store.ask(
                f"SELECT id, outcome, updated_at, holds_until, {is_conditional('counted')} "
                "FROM counted "
                # Of two of one instant the worse one counts.
                f"WHERE cluster_id = ? AND {BY_INSTANT} <= rtrim(?, 'Z') "
                f"ORDER BY {BY_INSTANT} DESC, "
                "outcome = 'pass', outcome = 'inconclusive', name, pointer, id LIMIT 1",
                (cluster, at),
            ),
            None,
        )
        if row is None:
            said, identity, outcome = words.UPGRADE_UNCHECKED, None, None
        else:
            identity, outcome, updated, holds_until, conditional = row
            days = (moment.date() - parse_instant(updated).date()).days
            form = words.UPGRADE_SAME_DAY if not days else words.UPGRADE
            says = words.UPGRADE_CONDITIONAL if conditional else outcome
            said = form[days != 1].format(days=days, outcome=says)
            if holds_until is not None and parse_instant(holds_until) <= moment:
                said += words.UPGRADE_EXPIRED
            if identity not in used:
                used[identity] = moment, change
                store.run(
                    "UPDATE responses SET upgraded_at = ?, upgrade_change = ? WHERE id = ?",
                    (at, change, identity),
                )
            elif used[identity][0] < moment:
                said += words.used_for(format_instant(used[identity][0]), used[identity][1])
        store.put("upgrades", [(line, cluster, at, change, identity, outcome, said)])


def read_upgrades(path: Path) -> Iterator[tuple[int, str, datetime, str]]:
    """Line, cluster, instant and change of every upgrade in a CSV. `PolicyError` for mistakes."""
    if path.exists() and not path.is_file():
        raise PolicyError(f"{path}: is no file: it is read twice", hint="save it as one")
    try:
        with path.open("rb") as opened:
            data = opened.read(MOST_OF_UPGRADES + 1)
        text = data.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise PolicyError(f"{path}: can't be read: {reason}") from None
    if len(data) > MOST_OF_UPGRADES:
        raise PolicyError(
            f"{path}: more than {MOST_OF_UPGRADES >> 20} MB of upgrades",
            hint="leave out what lies before the archive",
        )
    try:
        yield from _upgrades_in(text, path)
    except csv.Error as error:
        raise PolicyError(f"{path}: is no CSV: {error}") from None


def _upgrades_in(text: str, path: Path) -> Iterator[tuple[int, str, datetime, str]]:
    reader = csv.DictReader(io.StringIO(text))
    named = [name.strip().lower() for name in reader.fieldnames or ()]
    fields = dict(zip(named, reader.fieldnames or (), strict=True))
    for name in ("cluster", "time", "change"):
        if named.count(name) > 1:
            raise PolicyError(
                f'{path}:1: has {named.count(name)} columns "{name}"',
                hint="which of them counts? rename or remove the others",
            )
    for name in ("cluster", "time"):
        if name not in fields:
            raise PolicyError(
                f'{path}:1: has no column "{name}"',
                hint="the first line names the columns: cluster,time,change",
            )
    for row in reader:
        cluster = (row[fields["cluster"]] or "").strip()
        when = (row[fields["time"]] or "").strip()
        change = (row[fields["change"]] or "").strip() if "change" in fields else ""
        if not cluster:
            raise PolicyError(f"{path}:{reader.line_num}: names no cluster")
        if is_day(when):
            raise PolicyError(
                f'{path}:{reader.line_num}: "{when}" is a day: a check of that day may have come '
                "before the upgrade or after it",
                hint=f"write when it began, as {when}T10:30:00Z; "
                f"{when}T00:00:00Z counts no check of that day",
            )
        try:
            moment = parse_instant(when)
        except ValueError:
            raise PolicyError(
                f'{path}:{reader.line_num}: "{when}" is no instant of RFC 3339',
                hint="write 2026-03-01T10:30:00Z",
            ) from None
        yield reader.line_num, cluster, moment.astimezone(UTC), change


# The summary ----------------------------------------------------------------------------------


def summarise(
    store: Store, settings: Settings, locations: Sequence[str], *, basis: str, allow: bool
) -> AuditFacts:
    """Everything the reports say."""
    instant = as_of(store, settings)
    bounds = next(
        store.ask(f"SELECT min({BY_INSTANT}) || 'Z', max({BY_INSTANT}) || 'Z' FROM counted")
    )
    tallies = _tallies(store, "1")
    number = store.one
    return AuditFacts(
        tool_version=__version__,
        basis=basis,
        given=None if settings.at == "response" else instant,
        as_of=instant,
        locations=tuple(locations),
        policies=tuple(
            PolicyFacts(*row)
            for row in store.ask(
                "SELECT kind, name, version, owner, source, sha256, role FROM policies "
                "ORDER BY role DESC, kind, source, sha256"
            )
        ),
        inputs=number("SELECT count(*) FROM inputs"),
        archives=number("SELECT count(*) FROM inputs WHERE archive"),
        responses=number("SELECT count(*) FROM responses WHERE outcome != 'unreadable'"),
        copies=number("SELECT count(*) FROM responses WHERE copy_of IS NOT NULL"),
        unreadable=number("SELECT count(*) FROM responses WHERE outcome = 'unreadable'"),
        tally=tallies.get(1, Tally()),
        clusters=number("SELECT count(DISTINCT cluster_id) FROM counted"),
        first=bounds[0],
        last=bounds[1],
        undated=number("SELECT count(*) FROM counted WHERE updated_at IS NULL"),
        periods=_periods(store, *bounds),
        by_cluster=_clusters(store),
        checks=_checks(store, _middle(store)),
        waivers=_waivers(store, instant),
        twins=_twins(store),
        unreadable_inputs=tuple(
            UnreadableFacts(*row)
            for row in store.ask(
                "SELECT name, reason, hint FROM responses WHERE outcome = 'unreadable' "
                "ORDER BY name, pointer, id LIMIT ?",
                (MOST_UNREADABLE,),
            )
        ),
        evidence=tuple(
            EvidenceFacts(*row)
            for row in store.ask(
                "SELECT line, level, count(*), min(text) FROM evidence JOIN counted "
                "ON id = response_id "
                "GROUP BY line, level ORDER BY level, count(*) DESC, line"
            )
        ),
        versions=_versions(store),
        skipped=tuple(
            SkippedFacts(*row)
            for row in store.ask(
                "SELECT check_name, count(DISTINCT response_id), "
                "count(DISTINCT CASE WHEN s.outcome = 'waived' THEN response_id END) "
                "FROM skipped s JOIN responses r ON r.id = response_id "
                "WHERE copy_of IS NULL GROUP BY check_name ORDER BY 2 DESC, 1"
            )
        ),
        listed=_listed(store),
        reports=settings.reports,
        allow_unreadable=allow,
        only_expired=_only_expired(store),
        conditions=_conditions(store),
        slips=_slips(store),
        conditional=_conditional(store, QUIET),
        conditional_in_deed=_conditional(store, QUIET | REGISTER),
        comparison=_comparison(store, settings),
        upgrades=tuple(
            UpgradeFacts(*(*row[:6], *map(bool, row[6:])))
            for row in store.ask(
                "SELECT u.cluster, u.at, u.change, u.outcome, u.said, r.name || r.pointer, "
                "ifnull(rtrim(r.holds_until, 'Z') <= rtrim(u.at, 'Z'), 0), "
                "ifnull(rtrim(r.upgraded_at, 'Z') < rtrim(u.at, 'Z'), 0), "
                f"{is_conditional('r')} FROM upgrades u "
                "LEFT JOIN responses r ON r.id = u.response_id "
                "ORDER BY rtrim(u.at, 'Z'), u.cluster, u.line"
            )
        ),
    )


_IS_SLIP = f"code IN ({_codes(SLIPS)})"


def _conditions(store: Store) -> tuple[ConditionFacts, ...]:
    """Where the policies ask in vain, by what they ask for; other conditions by their kind."""
    found = []
    # Of others the text names what is in one response: one of them stands for all.
    for is_slip, text, key, most in (
        (True, "text", "role, code, text", MOST_SLIPS),
        (False, "min(text)", "role, code", -1),
    ):
        found += [
            ConditionFacts(code, said, role, is_slip, responses, passing)
            for code, said, role, responses, passing in store.ask(
                f"SELECT code, {text}, role, count(DISTINCT response_id), "
                "count(DISTINCT CASE WHEN outcome = 'pass' THEN response_id END) "
                f"FROM conditions JOIN counted ON id = response_id WHERE {_IS_SLIP} = ? "
                f"GROUP BY {key} ORDER BY role DESC, 4 DESC, code, 2 LIMIT ?",
                (is_slip, most),
            )
        ]
    # What the register of waivers says over the fleet comes last.
    return tuple(sorted(found, key=lambda part: f"condition.{part.code}" in REGISTER))


def _conditional(store: Store, quiet: Iterable[str]) -> int:
    query = f"SELECT count(*) FROM counted WHERE {is_conditional('counted', quiet)}"
    return store.one(query)  # type: ignore[no-any-return]


def _slips(store: Store) -> dict[str, int]:
    return dict(
        store.ask(
            "SELECT role, count(DISTINCT code || ' ' || text) FROM conditions JOIN counted "
            f"ON id = response_id WHERE {_IS_SLIP} GROUP BY role ORDER BY role"
        )
    )


def exit_code_of(store: Store, *, allow_unreadable: bool, unused_fails: bool) -> int:
    """What `AuditFacts.exit_code` says, from the rows of a finished audit alone."""
    unreadable = store.one("SELECT count(*) FROM responses WHERE outcome = 'unreadable'")
    unused = store.one("SELECT count(*) FROM waivers WHERE status = 'unused'")
    return exit_code(
        _tallies(store, "1").get(1, Tally()),
        unreadable=0 if allow_unreadable else unreadable,
        unused=unused if unused_fails else 0,
    )


def _tallies(store: Store, key: str, more: str = "1") -> dict[Any, Tally]:
    found: dict[Any, dict[str, int]] = {}
    for name, outcome, count in store.ask(
        f"SELECT {key}, outcome, count(*) FROM counted WHERE {more} GROUP BY 1, 2 ORDER BY 1, 2"
    ):
        found.setdefault(name, {})["passed" if outcome == "pass" else outcome] = count
    return {name: Tally(**counts) for name, counts in found.items()}


def _periods(store: Store, first: str | None, last: str | None) -> tuple[Period, ...]:
    """Months; quarters or years where there would be too many. None is left out between."""
    if first is None or last is None:
        return ()
    months = _month_number(last) - _month_number(first) + 1
    length = 1 if months <= MOST_PERIODS else 3 if months <= 3 * MOST_PERIODS else 12
    by_month = _tallies(store, "substr(updated_at, 1, 7)", "updated_at IS NOT NULL")
    folded: dict[int, Tally] = {}
    for name, tally in by_month.items():
        number = _month_number(name) // length
        old = folded.get(number, Tally())
        folded[number] = Tally(
            old.fail + tally.fail,
            old.inconclusive + tally.inconclusive,
            old.passed + tally.passed,
        )
    numbers = range(_month_number(first) // length, _month_number(last) // length + 1)
    return tuple(
        Period(_period_name(number, length), folded.get(number, Tally())) for number in numbers
    )


def _month_number(text: str) -> int:
    return int(text[:4]) * 12 + int(text[5:7]) - 1


def _period_name(number: int, length: int) -> str:
    year, month = divmod(number * length, 12)
    if length == 12:
        return f"{year:04}"
    return f"{year:04}-Q{month // 3 + 1}" if length == 3 else f"{year:04}-{month + 1:02}"


def _clusters(store: Store) -> tuple[Cluster, ...]:
    tallies = _tallies(store, "cluster_id")
    latest: dict[Any, tuple[Any, ...]] = {}
    recent: dict[Any, list[str]] = {}
    for row in store.ask(
        "SELECT cluster_id, outcome, updated_at, cluster_version, target_version, reason, id "
        # Of two of one instant the worse one counts, and so comes last.
        f"FROM counted ORDER BY cluster_id, {BY_INSTANT}, outcome = 'fail', "
        "outcome = 'inconclusive', name, pointer, id"
    ):
        latest[row[0]] = row
        last = recent.setdefault(row[0], [])
        last.append(row[1])
        del last[:-MOST_RECENT]
    asked = f"SELECT {is_conditional('responses')} FROM responses WHERE id = ?"
    conditional = {key for key, row in latest.items() if store.one(asked, (row[6],))}
    found = [
        Cluster(
            id=key,
            tally=tally,
            latest_outcome=latest[key][1],
            latest_at=latest[key][2],
            latest_upgrade=_upgrade(*latest[key][3:5]),
            latest_reason=latest[key][5],
            recent=tuple(recent[key]),
            latest_conditional=key in conditional,
        )
        for key, tally in tallies.items()
    ]
    order = ("fail", "inconclusive", "pass")
    return tuple(
        sorted(
            found,
            key=lambda part: (
                order.index(part.latest_outcome),
                -part.tally.fail,
                -part.tally.inconclusive,
                part.id or "",
            ),
        )
    )


def _upgrade(before: str | None, target: str | None) -> str:
    return f"{before or '?'} → {target or '?'}"


def _middle(store: Store) -> str | None:
    """The time half of the dated responses lie before."""
    return store.one(  # type: ignore[no-any-return]
        "SELECT updated_at FROM counted WHERE updated_at IS NOT NULL "
        f"ORDER BY {BY_INSTANT} LIMIT 1 OFFSET (SELECT count(*) / 2 FROM counted "
        "WHERE updated_at IS NOT NULL)"
    )


def _check_sets(store: Store) -> dict[str, list[tuple[str, str | None, str | None, str | None]]]:
    """Scope, name, kind and level of the checks that stand together, by the id of their set."""
    return {
        name: [(*row,) for row in json.loads(text)]
        for name, text in store.ask("SELECT id, checks FROM check_sets")
    }


def _checks(store: Store, middle: str | None) -> tuple[CheckFacts, ...]:
    """Every check over the fleet, out of the counts beside each response: no finding is read."""
    sets = _check_sets(store)
    keys = {name: [(row[0], row[1]) for row in rows] for name, rows in sets.items()}
    totals: dict[tuple[str, str | None], list[int]] = {}
    clusters: dict[tuple[str, str | None], set[str | None]] = {}
    # Responses and findings that merely passed are counted by set, not check by check.
    for set_id, cluster, at, text in store.ask(
        "SELECT set_id, cluster_id, updated_at, counts FROM tallies JOIN counted "
        "ON id = response_id"
    ):
        late = middle is not None and at is not None and _instant(at) >= _instant(middle)
        for key, count in zip(keys[set_id], json.loads(text), strict=True):
            row = totals.get(key)
            if row is None:
                row = totals[key] = [0] * 15
            row[0] += 1
            row[11 if late else 10] += 1
            if type(count) is int:
                row[7] += count
                continue
            for index, number in enumerate(count, 2):
                row[index] += number
            # The worst of its findings here: it fails, is unknown, warns or is waived.
            worst = next((index for index in range(4) if count[index]), None)
            if worst == 0:
                row[1] += 1
                row[9 if late else 8] += 1
                clusters.setdefault(key, set()).add(cluster)
            elif worst is not None:
                row[11 + worst] += 1
    kinds = {
        (row[0], row[1]): (row[2], row[3])
        for name in sorted(sets)
        for row in sets[name]
        if row[2] is not None
    }
    found = [
        CheckFacts(
            name=key[1],
            scope=key[0],
            kind=kinds.get(key, (None, None))[0],
            level=kinds.get(key, (None, None))[1],
            responses=row[0],
            failing=row[1],
            unknown_in=row[12],
            warned_in=row[13],
            waived_in=row[14],
            clusters=len(clusters.get(key, ())),
            fail=row[2],
            unknown=row[3],
            warn=row[4],
            waived=row[5],
            note=row[6],
            passed=row[7],
            first=(row[8], row[10]),
            second=(row[9], row[11]),
        )
        for key, row in totals.items()
    ]
    return tuple(
        sorted(
            found,
            key=lambda part: (
                -part.failing,
                -part.fail,
                -part.unknown_in,
                -part.warned_in,
                -part.waived_in,
                part.scope,
                part.name or "",
            ),
        )
    )


_WAIVER_ORDER = ("relied-on", "unused", "exceeded", "not-applicable", "used", "not-yet-valid")


def _waivers(store: Store, instant: datetime | None) -> tuple[WaiverFacts, ...]:
    exceeded = {
        (source, waiver): count
        for source, waiver, count in store.ask(
            "SELECT source, waiver, count(*) FROM waiver_uses JOIN counted ON id = response_id "
            "WHERE status = 'exceeded' GROUP BY source, waiver"
        )
    }
    found = []
    for row in store.ask(
        "SELECT waiver, source, line, status, marks, check_name, reason, approved_by, ticket, "
        "starts, expires, valid_until, responses, clusters, findings, skipped, missed, "
        "missed_responses, not_applicable, checks, first_used, last_used FROM waivers"
    ):
        until = row[11]
        left = None
        if until is not None and instant is not None:
            left = (parse_instant(until) - instant).days
        over = exceeded.get((row[1], row[0]), 0)
        values: list[Any] = [*row[:4], tuple(row[4].split()), *row[5:11], left, *row[12:19]]
        values += [over, *row[19:]]
        found.append(WaiverFacts(*values))
    return tuple(
        sorted(found, key=lambda part: (_WAIVER_ORDER.index(part.status), part.id, part.source))
    )


def _only_expired(store: Store) -> int:
    """Inconclusive responses whose one reason is that they had expired."""
    # No other line of evidence, no check that can't be judged: the reason would name it.
    start = statement("evidence.unexpired.expired", at="").text
    return store.one(  # type: ignore[no-any-return]
        "SELECT count(*) FROM counted JOIN evidence ON response_id = id "
        "WHERE outcome = 'inconclusive' AND line = 'unexpired' AND level = 'require' "
        "AND reason = text AND substr(text, 1, length(?)) = ? "
        f"AND task_phase IN ({', '.join(repr(phase) for phase in sorted(FINAL_PHASES))})",
        (start, start),
    )


def _twins(store: Store) -> tuple[TwinFacts, ...]:
    groups: dict[str, list[tuple[str, str]]] = {}
    for uid, name, pointer, digest in store.ask(
        "SELECT task_uid, name, pointer, task_sha256 FROM responses WHERE same_uid IS NOT NULL "
        "ORDER BY same_uid, task_uid, name, pointer, id"
    ):
        groups.setdefault(uid, []).append((name + pointer, digest))
    found = [
        TwinFacts(uid, tuple(name for name, _ in group[:5]), len({d for _, d in group}), len(group))
        for uid, group in groups.items()
    ]
    return tuple(sorted(found, key=lambda part: (-part.versions, part.uid))[:MOST_TWINS])


def _versions(store: Store) -> tuple[VersionFacts, ...]:
    found: Mapping[Any, Tally] = _tallies(
        store, "coalesce(cluster_version, '?') || char(10) || coalesce(target_version, '?')"
    )
    rows = [
        VersionFacts(before, target, tally)
        for key, tally in found.items()
        for before, target in [key.split("\n", 1)]
    ]
    return tuple(sorted(rows, key=lambda part: (-part.tally.total, part.before, part.target)))


def _listed(store: Store) -> tuple[ResponseFacts, ...]:
    sets = _check_sets(store)

    def failing(set_id: str | None, counts: str | None) -> tuple[tuple[str, str | None], ...]:
        if set_id is None or counts is None:
            return ()
        # A plain number is a check that has passed everywhere.
        pairs = zip(sets[set_id], json.loads(counts), strict=True)
        return tuple((row[0], row[1]) for row, count in pairs if type(count) is list and count[0])

    return tuple(
        ResponseFacts(
            id=row[0],
            name=row[1] + row[2],
            cluster=row[3],
            upgrade=_upgrade(row[4], row[5]),
            at=row[6],
            outcome=row[7],
            reason=row[8],
            report=row[9],
            copy=row[10] is not None,
            failing=failing(*row[11:13]) if row[10] is None else (),
            conditional=bool(row[13]),
        )
        for row in store.ask(
            "SELECT id, name, pointer, cluster_id, cluster_version, target_version, updated_at, "
            "outcome, reason, report, copy_of, set_id, counts, "
            f"{is_conditional('responses')} FROM responses "
            "LEFT JOIN tallies ON response_id = id WHERE outcome != 'unreadable' "
            "ORDER BY CASE outcome WHEN 'fail' THEN 0 WHEN 'inconclusive' THEN 1 ELSE 2 END, "
            f"{BY_INSTANT} DESC, name, pointer, id LIMIT ?",
            (MOST_LISTED,),
        )
    )


def _comparison(store: Store, settings: Settings) -> Comparison | None:
    if not settings.others:
        return None
    moves = tuple(
        store.ask(
            "SELECT was, becomes, count(*) FROM changes JOIN counted ON id = response_id "
            "WHERE number = 0 GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2"
        )
    )
    compared = store.one("SELECT count(*) FROM counted WHERE compared_by IS NOT NULL")
    changes = []
    for row in list(
        store.ask(
            "SELECT id, name || pointer, cluster_id, updated_at, was, becomes, report FROM changes "
            "JOIN counted ON id = response_id WHERE number = 0 "
            f"ORDER BY becomes, was, {BY_INSTANT} DESC, name, pointer, id LIMIT ?",
            (MOST_CHANGES,),
        )
    ):
        why = tuple(
            text
            for (text,) in store.ask(
                "SELECT what FROM changes WHERE response_id = ? ORDER BY number", (row[0],)
            )
        )
        values: list[Any] = [*row[:6], why, row[6]]
        changes.append(ChangeFacts(*values))
    return Comparison(
        settings.others, moves, compared - sum(part[2] for part in moves), tuple(changes)
    )
