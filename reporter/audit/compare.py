"""Two records of one cluster, compared check by check and node by node.

It fails closed: where the two can't be compared, it says why and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from itertools import chain
from typing import Literal, NamedTuple

from reporter.errors import InputError
from reporter.output.clean import said_anew
from reporter.record.diff import (
    REFUSING,
    STATUSES,
    Change,
    Diff,
    DiffSide,
    Field_,
    Obstacle,
    State,
    Status,
    Subject,
    Tally,
)
from reporter.record.model import (
    OUTCOMES_WORST_FIRST,
    FindingOutcome,
    Node,
    OutcomeCounts,
    Scope,
    Statement,
    Verdict,
)
from reporter.words import statement


class SeenNode(NamedTuple):
    """A check item of the node section, whatever came of it."""

    check: str | None
    node: Node


@dataclass(frozen=True)
class Side:
    """A record, what it is called and what it was made from.

    `seen` are the check items of the node section, where the response is at hand: a record does
    not say on which nodes a check passed. None where only the record is.
    """

    name: str
    form: Literal["response", "record"]
    verdict: Verdict
    seen: tuple[SeenNode, ...] | None = None


class _Key(NamedTuple):
    """What makes findings of both sides the same thing."""

    subject: Subject
    check: str | None
    scope: Scope | None
    node: str | None
    addons: tuple[str, ...]


_GRAVITY = {"Exception": 0, "Fatal": 0, "Risk": 2, "Warning": 2, "Info": 3}
"""Of kinds and of levels, the gravest first; what nobody documents stands below the gravest."""

_Grade = tuple[int, int, int]
"""How grave a finding is, by its outcome, kind and level; the lower, the graver."""


@dataclass(slots=True)
class _Found:
    """What one side says under one key."""

    node: Node | None
    outcomes: tuple[FindingOutcome, ...] = ()
    kinds: frozenset[str] = frozenset()
    levels: frozenset[str] = frozenset()
    messages: tuple[str, ...] = ()
    waived_by: frozenset[str] = frozenset()
    grades: tuple[_Grade, ...] = ()
    """Of what fails or is unknown."""
    skipped: bool = False

    def add(
        self, outcome: FindingOutcome, kind: str | None = None, level: str | None = None
    ) -> None:
        self.outcomes += (outcome,)
        self.kinds |= {kind} if kind else set()
        self.levels |= {level} if level else set()
        if outcome in REFUSING:
            grave = _GRAVITY.get(kind or "", 1), _GRAVITY.get(level or "", 1)
            self.grades += ((OUTCOMES_WORST_FIRST.index(outcome), *grave),)

    def state(self, known: dict[object, State]) -> State:
        """What was found on a thousand nodes alike is held once: it is looked for in `known`."""
        told = self.kinds, self.levels, self.messages, self.waived_by
        if (state := known.get((self.outcomes, told, self.skipped))) is None:
            kinds, levels, messages, waived_by = map(sorted, told)
            state = State(
                outcome=min(self.outcomes, key=OUTCOMES_WORST_FIRST.index),
                count=len(self.outcomes),
                failing=sum(outcome in REFUSING for outcome in self.outcomes),
                kinds=kinds,
                levels=levels,
                messages=messages,
                waived_by=waived_by,
                skipped=self.skipped,
            )
            known[self.outcomes, told, self.skipped] = state
        return state


MOST_COMPARED = 500_000
"""Places of one side: 5,000 nodes on each of which a hundred checks fail, or are skipped."""


def compare(old: Side, new: Side) -> Diff:
    """What is new, changed, gone, fixed and still there in `new`.

    `InputError` for a side that tells of more places than can be held against another's.
    """
    for side in (old, new):
        _check_size(side)
    old, new = (replace(side, verdict=said_anew(side.verdict)) for side in (old, new))
    obstacles = list(_obstacles(old, new))
    changes = [] if obstacles else _changes(old, new)
    tally = Tally(
        new_failures=sum(change.new_failure for change in changes),
        **{status: sum(change.status == status for change in changes) for status in STATUSES},
    )
    if obstacles:
        headline = statement("diff.headline.not-comparable")
    elif tally.new_failures:
        headline = statement("diff.headline.new", count=tally.new_failures)
    else:
        headline = statement("diff.headline.none")
    return Diff(
        tool=new.verdict.tool,
        comparable=not obstacles,
        headline=headline,
        obstacles=obstacles,
        notes=list(_notes(old.verdict, new.verdict)),
        old=_side(old),
        new=_side(new),
        tally=tally,
        changes=changes,
    )


def _check_size(side: Side) -> None:
    places = chain.from_iterable(
        entry.places for part in side.verdict.checks for entry in part.entries
    )
    count = sum(len(place.nodes) or 1 for place in places)
    count += sum(len(skip.node_uids) or 1 for skip in side.verdict.skipped)
    if count > MOST_COMPARED:
        raise InputError(
            f"{side.name}: {count:,} places that failed or were skipped are more than the limit of "
            f"{MOST_COMPARED:,} for a comparison",
            hint="check reads it; an entry of the skip list without a selector skips all nodes",
        )


def _side(side: Side) -> DiffSide:
    verdict = side.verdict
    subject = verdict.subject
    digests = [part.sha256 for part in verdict.exhibits if part.role == "response"]
    return DiffSide(
        name=side.name,
        form=side.form,
        outcome=verdict.outcome,
        headline=verdict.headline,
        cluster_id=subject.cluster_id,
        cluster_name=subject.cluster_name,
        cluster_version=subject.cluster_version,
        target_version=subject.target_version,
        task_uid=subject.task_uid,
        updated=subject.updated,
        judged_at=verdict.instant.at,
        response_sha256=digests[0] if digests else None,
        policies=verdict.policies,
        findings=OutcomeCounts.model_validate(verdict.counts.findings.model_dump(by_alias=True)),
    )


# May the two be compared? ---------------------------------------------------------------------


def _obstacles(old: Side, new: Side) -> Iterator[Obstacle]:
    first, second = old.verdict, new.verdict
    yield from _other("cluster", first.subject.cluster_id, second.subject.cluster_id)
    yield from _other("target", first.subject.target_version, second.subject.target_version)
    for side, verdict in (("old", first), ("new", second)):
        # A verdict of fail may rest on half of the evidence: the other half would look fixed.
        doubts = [part.what for part in verdict.reasons if part.outcome == "inconclusive"]
        if verdict.outcome == "inconclusive":
            doubts = [part.what for part in verdict.reasons]
        if doubts:
            yield _obstacle(f"inconclusive-{side}", "inconclusive", why=doubts)
    if _digests(first) != _digests(second):
        yield _obstacle("policy", "policy", old=_policies(first), new=_policies(second))


def _other(what: str, old: str | None, new: str | None) -> Iterator[Obstacle]:
    """The two name different clusters or targets, or only one names any.

    Where neither does, as in the examples of the API's own documentation, a note says so.
    """
    if not old and not new:
        return
    if not old or not new:
        yield _obstacle(f"{what}-missing-{'new' if old else 'old'}", f"{what}-missing")
    elif old != new:
        yield _obstacle(what, what, old=old, new=new)


def _obstacle(
    code: str, action: str, *, why: Sequence[Statement] = (), **params: str | list[str] | None
) -> Obstacle:
    return Obstacle(
        what=statement(f"diff.obstacle.{code}", **params),
        why=list(why),
        action=statement(f"diff.action.{action}"),
    )


def _digests(verdict: Verdict) -> list[str]:
    # Waiver lists come and go; what they do shows as waived and no longer waived.
    return sorted(part.sha256 for part in verdict.policies if part.kind == "Policy")


def _policies(verdict: Verdict) -> list[str]:
    return [
        f"{part.name} {part.version}" if part.version else part.name
        for part in verdict.policies
        if part.kind == "Policy"
    ]


def _notes(old: Verdict, new: Verdict) -> Iterator[Statement]:
    first, second = old.subject, new.subject
    if not first.cluster_id and not second.cluster_id:
        yield statement("diff.note.cluster-missing")
    if not first.target_version and not second.target_version:
        yield statement("diff.note.target-missing")
    times = [part.updated.at if part.updated else None for part in (first, second)]
    if times[0] is not None and times[1] is not None and times[1] < times[0]:
        yield statement("diff.note.order")
    if first.cluster_version != second.cluster_version:
        yield statement("diff.note.version", old=first.cluster_version, new=second.cluster_version)
    lists = [
        sorted(part.sha256 for part in side.policies if part.kind == "WaiverList")
        for side in (old, new)
    ]
    if lists[0] != lists[1]:
        yield statement("diff.note.waivers")
    responses = [
        [part.sha256 for part in side.exhibits if part.role == "response"] for side in (old, new)
    ]
    if responses[0] and responses[0] == responses[1]:
        yield statement("diff.note.same-response")


# What changed ---------------------------------------------------------------------------------


class _Names:
    """Nodes by uid, or by name where there is none; a name that stands for one uid is that uid."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        uids: dict[str, set[str]] = {}
        for node in nodes:
            if node.uid and node.name:
                uids.setdefault(node.name, set()).add(node.uid)
        self.uids = {name: min(found) for name, found in uids.items() if len(found) == 1}
        self._of_uid: dict[str, str] = {}

    def key(self, node: Node) -> str:
        if node.uid:
            return self.of_uid(node.uid)
        name = node.name or ""
        uid = self.uids.get(name)
        return self.of_uid(uid) if uid else f"name {name}"

    def of_uid(self, uid: str) -> str:
        """Held once, for a node stands under many checks."""
        return self._of_uid.setdefault(uid, f"uid {uid}")


def _nodes(side: Side) -> Iterator[Node]:
    for check in side.verdict.checks:
        for entry in check.entries:
            for place in entry.places:
                yield from place.nodes
    for seen in side.seen or ():
        yield seen.node


def _changes(old: Side, new: Side) -> list[Change]:
    names = _Names((*_nodes(old), *_nodes(new)))
    before, after = _found(old.verdict, names), _found(new.verdict, names)
    skips = [
        {(key.check, key.node) for key in side if key.subject == "skipped"}
        for side in (before, after)
    ]
    _tell_as_findings(old.verdict, before, after, skips[1] - skips[0])
    _tell_as_findings(new.verdict, after, before, skips[0] - skips[1])
    passes = {"old": _Passes(new, old, names), "new": _Passes(old, new, names)}
    changes = []
    known: dict[object, State] = {}
    fields = set(Change.model_fields)
    for key in before.keys() | after.keys():
        was = before[key].state(known) if key in before else None
        now = after[key].state(known) if key in after else None
        found = after.get(key) or before[key]
        grades = [sorted(side[key].grades) if key in side else [] for side in (before, after)]
        everywhere = before.get(key._replace(node=None)) if key.subject == "skipped" else None
        if was is None and everywhere is not None:  # it reaches less far now
            grades[0] = sorted(everywhere.grades)
        differs, worse = _differs(was, now), _is_worse(*grades)
        new_failure = len(grades[1]) > len(grades[0]) or worse
        if was is not None and now is not None and was.skipped != now.skipped:
            # What failed still fails where it is skipped now. Of what was skipped nobody knew.
            worse = bool(grades[0] and grades[1] and was.skipped)
            new_failure = bool(grades[1]) and (worse or not grades[0])
        passed = (was is None or now is None) and passes["old" if was is None else "new"].has(key)
        changes.append(
            Change.model_construct(  # of words that were checked: it takes a third of the memory
                fields,
                subject=key.subject,
                status=_status(was, now, bool(differs) or grades[0] != grades[1], passed),
                new_failure=new_failure,
                worse=worse,
                check=key.check,
                scope=key.scope,
                node=found.node,
                addons=list(key.addons),
                differs=differs,
                before=was,
                after=now,
                passed=passed,
            )
        )
    return sorted(changes, key=_order)


def _tell_as_findings(
    verdict: Verdict,
    findings: Mapping[_Key, _Found],
    others: dict[_Key, _Found],
    skipped: AbstractSet[tuple[str | None, str | None]],
) -> None:
    """A check that one side found and the other skips is one thing: told at the finding's place.

    `verdict` has the `findings`; what the `others` alone have `skipped` moves to their places. A
    skip that reaches further, over places that passed or a finding of its own side, stays.
    """
    skips = {
        key: found
        for key, found in others.items()
        if key.subject == "skipped" and (key.check, key.node) in skipped
    }
    places: dict[tuple[str | None, str | None], list[_Key]] = {}
    for key in findings:
        if key.subject == "finding":
            places.setdefault((key.check, None), []).append(key)
            if key.scope == "node":
                places.setdefault((key.check, key.node), []).append(key)
    passing = {check.name for check in verdict.checks if check.findings.passed}
    told: dict[_Key, _Found] = {}
    for skip, found in skips.items():
        covered = places.get((skip.check, skip.node), [])
        wider = skip.node is None and skip.check in passing
        if not covered or wider or any(key in others for key in covered):
            continue
        for key in covered:
            known = told.get(key)
            if known is None or _rank(found) < _rank(known):
                told[key] = replace(found, node=findings[key].node)
        del others[skip]
    others |= told


def _rank(found: _Found) -> int:
    return min(OUTCOMES_WORST_FIRST.index(outcome) for outcome in found.outcomes)


def _order(change: Change) -> tuple[object, ...]:
    state = change.after or change.before
    node = change.node
    return (
        not change.new_failure,
        STATUSES.index(change.status),
        OUTCOMES_WORST_FIRST.index(state.outcome) if state else 0,
        change.subject,
        change.check or "",
        change.check is None,
        change.scope or "",
        ((node.name or node.uid or "") if node else ""),
        ((node.uid or "") if node else ""),
        change.addons,
    )


def _is_worse(before: Sequence[_Grade], after: Sequence[_Grade]) -> bool:
    """Whether, the gravest first, one is graver now than the one in its place: by outcome, kind or
    level alone, or by all three."""
    return bool(before and after) and any(
        now < was
        for old, new in zip(_columns(before), _columns(after), strict=True)
        for was, now in zip(old, new, strict=False)
    )


def _columns(grades: Sequence[_Grade]) -> list[list[_Grade]]:
    alone = [sorted((grade[index], 0, 0) for grade in grades) for index in range(3)]
    return [*alone, sorted(grades)]


def _status(was: State | None, now: State | None, differs: bool, passed: bool) -> Status:
    if was is None:
        return "new"
    if now is None:
        return "fixed" if passed else "gone"
    return "changed" if differs else "same"


def _differs(was: State | None, now: State | None) -> list[Field_]:
    if was is None or now is None:
        return []
    if was.skipped != now.skipped:
        # A skip has no kind, level or message that could differ.
        alike = {"outcome": was.outcome == now.outcome, "waived": was.waived_by == now.waived_by}
        return [name for name in ("outcome", "waived") if not alike[name]] + ["skipped"]
    # What a changed outcome says is not said again as a number.
    failing = (was.failing, now.failing) if was.outcome == now.outcome else (0, 0)
    pairs: tuple[tuple[Field_, object, object], ...] = (
        ("outcome", was.outcome, now.outcome),
        ("kind", was.kinds, now.kinds),
        ("level", was.levels, now.levels),
        ("message", was.messages, now.messages),
        ("waived", was.waived_by, now.waived_by),
        ("count", (was.count, failing[0]), (now.count, failing[1])),
    )
    return [name for name, one, other in pairs if one != other]


def _found(verdict: Verdict, names: _Names) -> dict[_Key, _Found]:
    found: dict[_Key, _Found] = {}

    def at(key: _Key, node: Node | None = None) -> _Found:
        if key not in found:
            found[key] = _Found(node)
        return found[key]

    for check in verdict.checks:
        for entry in check.entries:
            addons: tuple[str, ...] = ()
            if check.scope == "addon":
                named = {risk.template_name or risk.alias or "" for risk in entry.risks.addons}
                addons = tuple(sorted(named - {""}))
            for place in entry.places:
                nodes: list[Node | None] = [*place.nodes] or [None]
                for node in nodes:
                    name = names.key(node) if node else None
                    one = at(_Key("finding", check.name, check.scope, name, addons), node)
                    one.add(entry.outcome, entry.kind, entry.level)
                    one.messages += (entry.message,) if entry.message else ()
                    one.waived_by = one.waived_by.union(entry.waived_by)
    known: dict[str, Node] = {}
    for skip in verdict.skipped:
        for uid in skip.node_uids:
            known.setdefault(uid, Node(uid=uid))
        listed: list[Node | None] = [known[uid] for uid in skip.node_uids] or [None]
        for node in listed:
            name = names.key(node) if node else None
            one = at(_Key("skipped", skip.name, None, name, ()), node)
            one.add(skip.outcome)
            one.waived_by = one.waived_by.union(skip.waived_by)
            one.skipped = True
    for rule in verdict.rules:
        if rule.limit is not None and rule.limit.exceeded:
            one = at(_Key("limit", rule.id, None, None, ()))
            one.add(rule.effect)
            one.messages += (rule.limit.said.text,)
    for line in verdict.evidence:
        if line.state == "not-ok" and line.level == "warn":
            one = at(_Key("evidence", line.id, None, None, ()))
            one.add("warn")
            one.messages += tuple(part.text for part in line.statements)
    return found


def _seen(side: Side, names: _Names) -> set[tuple[str | None, str]] | None:
    if side.seen is None:
        return None
    return {(part.check, names.key(part.node)) for part in side.seen}


class _Passes:
    """What `side` does not list while `other` does: whether it passed, rather than not being there.

    A skip, an exceeded limit and evidence that warns pass by not being listed.
    """

    def __init__(self, other: Side, side: Side, names: _Names) -> None:
        self.other = {(check.name, check.scope): check for check in other.verdict.checks}
        self.side = {(check.name, check.scope): check for check in side.verdict.checks}
        self.seen = _seen(side, names)
        nodes = {node for _, node in self.seen or ()}
        was_listed = {node for _, node in _seen(other, names) or ()}
        self.gone = was_listed - nodes if nodes else set()
        # What CCE skipped has not passed, whatever its phase says.
        self.skipped: dict[str | None, set[str | None]] = {}
        for skip in side.verdict.skipped:
            uids: list[str | None] = [*skip.node_uids] or [None]
            keys = (names.of_uid(uid) if uid else None for uid in uids)
            self.skipped.setdefault(skip.name, set()).update(keys)

    def has(self, key: _Key) -> bool:
        skipped = self.skipped.get(key.check, ())
        if key.subject == "skipped":
            return None not in skipped and key.node not in skipped
        if key.subject != "finding":
            return True
        check = self.side.get((key.check, key.scope or "cluster"))
        if check is None or None in skipped or key.node in skipped:
            return False
        if key.scope != "node":
            # A node that a check of the cluster named, and that is not listed any more, is gone.
            return key.node not in self.gone
        if self.seen is not None:
            return (key.check, key.node or "") in self.seen
        # Of a record only the number is known: with fewer nodes, some may not be there.
        other = self.other.get((key.check, "node"))
        return other is None or check.nodes_seen >= other.nodes_seen
