"""The one place where verdicts are reached.

Findings, skipped checks and waivers are decided here; `assemble.py` then writes down what was
decided. Nothing in here depends on the order of rules, waivers, files or findings.
"""

from __future__ import annotations

import gc
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from itertools import chain
from typing import Literal, NamedTuple

from reporter.errors import InputError, PolicyError
from reporter.policy import evidence as evidence_lines
from reporter.policy.load import Policy, Rule, Waiver
from reporter.policy.lookup import Lookup
from reporter.policy.match import FINDING_KEYS, Facts, Match, Target, Trace
from reporter.policy.model import LimitSpec
from reporter.policy.waivers import (
    AllNaming,
    Fits,
    NearMisses,
    Tallies,
    WaiverTally,
    Why,
    why_other,
)
from reporter.precheck.finding import (
    Finding,
    Node,
    Scope,
    Signature,
    Survey,
    survey,
)
from reporter.precheck.model import (
    FINAL_PHASES,
    KINDS,
    LEVELS,
    PrecheckTask,
    ResourceSelector,
    SkippedCheckItem,
    is_empty,
)
from reporter.precheck.response import Response
from reporter.precheck.times import parse_timestamp
from reporter.precheck.unknown_fields import UnknownFields
from reporter.record.conditions import CLOCK_SKEW
from reporter.record.coverage import exceptions_alone
from reporter.record.dates import parse_instant
from reporter.record.limits import is_exceeded
from reporter.record.model import (
    Change,
    ClusterType,
    Effect,
    EvidenceLine,
    FindingOutcome,
    Gate,
    Instant,
    NearMiss,
    Outcome,
    SkipOutcome,
    Statement,
    Verdict,
)
from reporter.signs import reads_as_written
from reporter.words import statement

STRICTNESS: dict[Effect, int] = {"fail": 3, "warn": 2, "note": 1}


@dataclass(frozen=True)
class Decided:
    """A finding that is not a plain pass, and everything that decided it."""

    finding: Finding
    target: Target
    outcome: FindingOutcome
    why: Statement
    rules: tuple[tuple[Rule, Effect, Trace], ...]
    waived_by: tuple[str, ...]
    near_misses: tuple[NearMiss, ...]
    tolerated: bool
    waivable: bool
    standing_in: tuple[str, ...] = ()
    """Rules that let it through where another policy's own, stricter default would have held."""


@dataclass(frozen=True)
class DecidedSkip:
    """A check skipped on the server, and whether a waiver covers it."""

    skip: SkippedCheckItem
    index: int
    node_uids: tuple[str, ...]
    has_selector: bool
    outcome: SkipOutcome
    why: Statement
    waived_by: tuple[str, ...]
    near_misses: tuple[NearMiss, ...]


@dataclass
class LimitTally:
    """What a limit rule counted: of all it matches, how many failed."""

    rule: Rule
    limit: LimitSpec
    failed: int
    base: int

    @property
    def exceeded(self) -> bool:
        """Whether more failed than the limit allows."""
        return is_exceeded(self.failed, self.base, self.limit.max, self.limit.max_percent)


@dataclass
class RuleTally:
    """How often a rule matched, and decided."""

    hits: int = 0
    decided: int = 0


@dataclass
class PassCount:
    """Passing findings of one check and scope: counted, never listed."""

    name: str | None
    scope: Scope
    passed: int = 0
    kinds: set[str] = field(default_factory=set)
    levels: set[str] = field(default_factory=set)


@dataclass
class Judgement:
    """All that was decided about one response."""

    response: Response
    doubts: tuple[str, ...]
    """Codes of `reporter.words` that say why this may be the wrong task of several."""

    policy: Policy
    instant: Instant
    facts: Facts
    cluster_type: ClusterType | None
    outcome: Outcome
    decided: list[Decided]
    passes: dict[tuple[str | None, Scope], PassCount]
    skips: list[DecidedSkip]
    evidence: list[EvidenceLine]
    waivers: list[WaiverTally]
    rules: dict[str, RuleTally]
    limits: list[LimitTally]
    unknown: UnknownFields
    found: evidence_lines.Tally
    expect_cluster: str | None
    expect_target: str | None


def evaluate(
    response: Response,
    policy: Policy,
    *,
    at: str | datetime | Instant = "now",
    now: datetime | None = None,
    expect_cluster: str | None = None,
    expect_target: str | None = None,
    cluster_type: ClusterType | None = None,
    cluster_name: str | None = None,
    change: Change | None = None,
    gate: Gate | None = None,
) -> Verdict:
    """Judge a response against a policy at an instant.

    `at` is `now`, `response` (the response's own update time) or an instant (aware datetime,
    RFC 3339 text, or a day, which means 00:00 UTC); the `Instant` of a record judges for it again.
    `now` is the clock, for tests.
    """
    from reporter.policy.assemble import assemble

    clock = (now or datetime.now(UTC)).astimezone(UTC)
    with _collector_off():
        judgement = judge(
            response,
            policy,
            instant=settle_instant(response, at, clock),
            expect_cluster=expect_cluster,
            expect_target=expect_target,
            cluster_type=cluster_type,
        )
        return assemble(
            judgement,
            cluster_name=cluster_name,
            change=change or Change(),
            gate=gate or Gate(),
        )


@contextmanager
def _collector_off() -> Iterator[None]:
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def settle_instant(response: Response, at: str | datetime | Instant, clock: datetime) -> Instant:
    """The instant a verdict is for, and whether it lay in the past or the future."""
    if isinstance(at, Instant):
        return at
    if at == "now":
        return Instant(at=clock, basis="now", backdated=False)
    if at == "response":
        metadata = response.task.metadata
        moment = parse_timestamp(metadata.update_timestamp if metadata else None)
        if moment is None:
            raise InputError(
                f"{response.source.name}: --at response needs the response's update time, "
                "which is absent or can't be read",
                hint="name the instant with --at, for example --at 2026-03-01T10:30:00Z",
            )
        return _dated(moment, "response", clock)
    if isinstance(at, str):
        try:
            at = parse_instant(at)
        except ValueError as error:
            raise PolicyError(
                f"--at: {error}", hint="or --at now, or --at response for its update time"
            ) from None
    if at.tzinfo is None:
        raise PolicyError(f"--at: {at.isoformat()} has no offset", hint="add Z for UTC")
    moment = at.astimezone(UTC)
    return _dated(moment, "given", clock)


def _dated(moment: datetime, basis: Literal["response", "given"], clock: datetime) -> Instant:
    # Clocks differ a little: only what is surely ahead is told as such.
    ahead = moment - clock > CLOCK_SKEW
    return Instant(at=moment, basis=basis, backdated=moment < clock, postdated=ahead)


def judge(
    response: Response,
    policy: Policy,
    *,
    instant: Instant,
    expect_cluster: str | None = None,
    expect_target: str | None = None,
    cluster_type: ClusterType | None = None,
) -> Judgement:
    """Decide every finding, skip, waiver and evidence line, and the outcome."""
    task, sidecar = response.task, response.source.sidecar
    spec = task.spec
    clusters = response.clusters
    said_target = spec.target_version if spec else None
    facts = Facts(
        cluster=clusters[0] if clusters else None,
        cluster_disputed=len(clusters) > 1,
        from_version=(spec.cluster_version if spec else None) or None,
        target_version=said_target or (sidecar.target_version if sidecar else None),
        topic_of=policy.catalogue.topic_of,
        task=task,
    )
    # Two voices that differ: a standard cluster asks for more.
    kinds = {cluster_type, sidecar.cluster_type if sidecar else None}
    known_type: ClusterType | None = next(
        (kind for kind in ("standard", "autopilot") if kind in kinds), None
    )
    items = survey(task)
    bench = _Bench(task, items, policy, instant.at, facts)
    bench.measure_limits()
    bench.decide_findings()
    bench.decide_skips()
    found = evidence_lines.tally(task, items)
    unknown = response.unknown
    doubts = (*response.source.doubts, *_doubts_of_time(response, instant.at))
    lines = evidence_lines.judge(
        task,
        found,
        unknown,
        evidence_lines.Circumstances(
            instant=instant.at,
            policy=policy,
            cluster_id=facts.cluster,
            target_version=facts.target_version,
            cluster_type=known_type,
            expect_cluster=expect_cluster,
            expect_target=expect_target,
            sidecar_disagrees=facts.cluster_disputed,
        ),
    )
    return Judgement(
        response=response,
        doubts=doubts,
        policy=policy,
        instant=instant,
        facts=facts,
        cluster_type=known_type,
        outcome=_outcome(task, found, bench, lines, doubts),
        decided=bench.decided,
        passes=bench.passes,
        skips=bench.skips,
        evidence=lines,
        waivers=list(bench.waivers.values()),
        rules=bench.rule_tallies,
        limits=list(bench.limits.values()),
        unknown=unknown,
        found=found,
        expect_cluster=expect_cluster,
        expect_target=expect_target,
    )


def _doubts_of_time(response: Response, at: datetime) -> Iterator[str]:
    """Of several tasks the newest was taken; one from a time that is not yet makes no newest."""
    metadata, wanted = response.task.metadata, response.source.wanted
    if not response.source.others or metadata is None or wanted is None or wanted.task is not None:
        return
    created = parse_timestamp(metadata.creation_timestamp)
    updated = parse_timestamp(metadata.update_timestamp)
    if created is not None and created - min(updated or at, at) > CLOCK_SKEW:
        yield "choice.ahead"


def _outcome(
    task: PrecheckTask,
    found: evidence_lines.Tally,
    bench: _Bench,
    lines: Sequence[EvidenceLine],
    doubts: Sequence[str],
) -> Outcome:
    """`fail` beats `inconclusive` beats `pass`."""
    if (
        any(part.outcome == "fail" for part in bench.decided)
        or any(skip.outcome == "fail" for skip in bench.skips)
        or any(bench.line_effect(limit) == "fail" for limit in bench.limits.values())
    ):
        return "fail"
    phase = task.status.phase if task.status else None
    inconclusive = (
        found.items == 0
        or phase not in FINAL_PHASES
        or any(part.outcome == "unknown" for part in bench.decided)
        or any(line.state == "not-ok" and line.level == "require" for line in lines)
        or bool(doubts)
    )
    return "inconclusive" if inconclusive else "pass"


MOST_SIGNATURES = 20_000
"""How many signatures a policy remembers its rules for: a fleet has a few hundred."""


@dataclass(frozen=True)
class _Verdict:
    """A finding decided by rules alone, before waivers."""

    outcome: FindingOutcome
    why: Statement
    rules: tuple[tuple[Rule, Effect, Trace], ...]
    waivable: bool
    doubt: Statement | None = None
    """Why it would be `unknown` without its `fail` rules."""

    deciding: tuple[str, ...] = ()
    """The rules whose effect it is."""

    standing_in: tuple[str, ...] = ()
    """The rules that stand in for the stricter default of another policy."""


class _Looking:
    """The rules that look at a signature."""

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        self.rules = rules
        self.by_signature_alone = all(
            rule.match.by_signature_alone and not (rule.limit and rule.limit.of == "nodes")
            for rule in rules
        )
        self._lookup = Lookup([(rule.match, rule) for rule in rules])

    def at(self, target: Target) -> Sequence[Rule]:
        """All but those that surely do not fit, in the same order."""
        return self._lookup.of(target, sure=False)


class _Bench:
    """One response, one policy, one instant."""

    def __init__(
        self,
        task: PrecheckTask,
        items: Survey,
        policy: Policy,
        instant: datetime,
        facts: Facts,
    ) -> None:
        self.task = task
        self.items = items
        self.policy = policy
        self.instant = instant
        self.facts = facts
        self.decided: list[Decided] = []
        self.passes: dict[tuple[str | None, Scope], PassCount] = {}
        self.skips: list[DecidedSkip] = []
        self.rule_tallies = {rule.id: RuleTally() for rule in policy.rules}
        self.waivers = {waiver.id: self._tally(waiver) for waiver in policy.waivers}
        self._effects = {rule.id: rule.effect_at(instant) for rule in policy.rules}
        self.limits: dict[str, LimitTally] = {}
        self._settled: dict[tuple[str | None, Signature], _Verdict] = {}
        self._looking: dict[tuple[str | None, Signature], _Looking] = {}
        self._same_rules: dict[tuple[int, ...], _Looking] = {}
        self._matchings: dict[object, tuple[tuple[Rule, Effect, Trace], ...]] = {}
        self._naming = AllNaming(list(self.waivers.values()))
        self._near = NearMisses(instant, why_other)
        self._near_skips = NearMisses(instant, _why_no_skip)
        self._usable_alike: dict[int, Tallies] = {}
        self._covered_alike: dict[int, tuple[tuple[str, ...], Statement]] = {}
        self._obstacles: dict[str, Statement] = {}
        self._obstacles_by_name: dict[str, Statement | None] = {}
        self._for_skips: dict[tuple[int, bool], Tallies] = {}

    def _tally(self, waiver: Waiver) -> WaiverTally:
        state: Literal["valid", "expired", "not-yet-valid"] = "valid"
        if waiver.valid_until is not None and self.instant >= waiver.valid_until:
            state = "expired"
        elif waiver.valid_from is not None and self.instant < waiver.valid_from:
            state = "not-yet-valid"
        # Scoped to another cluster or version: the answer is no while all that a finding could
        # say is still open.
        probe = Target(check=None, scope=None, facts=self.facts, nodes=(Node(),))
        return WaiverTally(waiver, state, elsewhere=waiver.match.fits_waiver(probe) is False)

    # Limits -----------------------------------------------------------------------------------

    def measure_limits(self) -> None:
        """Count for every limit rule, before any waiver."""
        rules = [rule for rule in self.policy.rules if rule.limit is not None]
        counts = {rule.id: _Limited(set(), set()) for rule in rules}
        asking = self._asking(rules)
        for part in self.items.lists if rules else ():
            looked_at = asking[part.scope]
            if looked_at.keys().isdisjoint(part.numbers):
                continue
            for index, number in enumerate(part.numbers):
                if (looking := looked_at.get(number)) is None:
                    continue
                finding = Finding(
                    part.items[index], part.scope, f"{part.pointer}/{index}", part.stage
                )
                target = Target.of(finding, self.facts)
                for rule in looking.at(target):
                    _count(rule, finding, target, counts[rule.id])
        for rule in rules:
            if rule.limit is not None:
                failed, base = map(len, counts[rule.id])
                self.limits[rule.id] = LimitTally(rule, rule.limit, failed, max(base, failed))

    def _asking(self, rules: Sequence[Rule]) -> dict[Scope, dict[int, _Looking]]:
        """In each scope, by the number of a signature, which of some rules look at it."""
        found: dict[Scope, dict[int, _Looking]] = {}
        for scope, counts in self.items.counts.items():
            found[scope] = {}
            for number in counts:
                target = self._target_of(scope, self.items.signatures[number])
                looking = tuple(rule for rule in rules if rule.match.by_signature(target))
                if looking:
                    found[scope][number] = self._looking_for(looking)
        return found

    def _looking_for(self, rules: tuple[Rule, ...]) -> _Looking:
        """One object for all signatures that the same rules look at."""
        same = tuple(map(id, rules))
        if same not in self._same_rules:
            self._same_rules[same] = _Looking(rules)
        return self._same_rules[same]

    def line_effect(self, limit: LimitTally) -> Effect | None:
        """The effect of an exceeded limit's own line; None while it holds."""
        return limit.rule.effect_at(self.instant) if limit.exceeded else None

    # Findings ---------------------------------------------------------------------------------

    def decide_findings(self) -> None:
        """Rules first, then waivers over what they would turn."""
        pending: list[tuple[Finding, Target, _Verdict]] = []
        signatures = self.items.signatures
        notable: dict[Scope, dict[int, tuple[Rule, ...]]] = {}
        for scope, counts in self.items.counts.items():
            notable[scope] = {}
            for number, count in counts.items():
                signature = signatures[number]
                rules = self._rules_for(scope, signature)
                if rules or signature[4] != "Success":
                    notable[scope][number] = rules
                else:
                    self._count_pass(scope, signature, count)
        for part in self.items.lists:
            looked_at = notable[part.scope]
            if not looked_at or looked_at.keys().isdisjoint(part.numbers):
                continue
            for index, number in enumerate(part.numbers):
                if (found := looked_at.get(number)) is None:
                    continue
                signature = signatures[number]
                finding = Finding(
                    part.items[index], part.scope, f"{part.pointer}/{index}", part.stage
                )
                target = Target.of(finding, self.facts)
                verdict = self._decided(target, signature, found)
                if verdict.outcome == "pass":
                    self._count_pass(part.scope, signature)
                else:
                    pending.append((finding, target, verdict))
        self._apply_waivers(pending)

    def _count_pass(self, scope: Scope, signature: Signature, count: int = 1) -> None:
        name, kind, _, level, _ = signature
        key = (name or None, scope)
        entry = self.passes.get(key)
        if entry is None:
            entry = self.passes[key] = PassCount(*key)
        entry.passed += count
        if kind:
            entry.kinds.add(kind)
        if level:
            entry.levels.add(level)

    def _rules_for(self, scope: Scope, signature: Signature) -> tuple[Rule, ...]:
        """The rules that look at this signature at all."""
        known = self.policy.rules_by_signature
        key = (scope, signature)
        found = known.get(key)
        if found is not None:
            return found
        target = self._target_of(scope, signature)
        found = tuple(
            rule
            for rule in self.policy.rules
            if (target.phase == "Failed" or "phase" in rule.match.keys)
            and rule.match.by_signature(target)
        )
        if len(known) >= MOST_SIGNATURES:
            known.clear()
        known[key] = found
        return found

    def _target_of(self, scope: Scope, signature: Signature) -> Target:
        """What every finding of a signature has in common."""
        name, kind, group, level, phase = (value or None for value in signature)
        return Target(name, scope, self.facts, kind, group, level, phase)

    def _decided(
        self, target: Target, signature: Signature, candidates: tuple[Rule, ...]
    ) -> _Verdict:
        """By rules; once for all findings that no rule can tell apart."""
        key = (target.scope, signature)
        verdict = self._settled.get(key)
        if verdict is None:
            looking = self._looking.get(key)
            if looking is None:
                looking = self._looking[key] = self._looking_for(candidates)
            verdict = self._settle(key, target, looking)
        for rule, _, _ in verdict.rules:
            self.rule_tallies[rule.id].hits += 1
        for name in verdict.deciding:
            self.rule_tallies[name].decided += 1
        return verdict

    def _settle(
        self, key: tuple[str | None, Signature], target: Target, looking: _Looking
    ) -> _Verdict:
        """Decide, and remember it for as many findings as nothing can tell apart."""
        if not looking.by_signature_alone:
            return self._by_rules(target, looking.at(target))
        candidates = looking.rules
        if any(rule.limit or not rule.match.same_in_every_response for rule in candidates):
            verdict = self._settled[key] = self._by_rules(target, candidates)
            return verdict
        # Of other responses too, while every rule has the same effect.
        known = self.policy.verdicts_by_signature
        for_ever = (key, *[self._effects[rule.id] for rule in candidates])
        found: _Verdict | None = known.get(for_ever)
        if found is None:
            found = self._by_rules(target, candidates)
            if len(known) >= MOST_SIGNATURES:
                known.clear()
            known[for_ever] = found
        self._settled[key] = found
        return found

    def _by_rules(self, target: Target, candidates: Sequence[Rule]) -> _Verdict:
        matching: list[tuple[Rule, Effect, Trace]] = []
        sure: list[Rule] = []
        blocking: list[str] = []
        for rule in candidates:
            effect = self._effects[rule.id]
            fits = rule.match.fits_rule(target)
            if fits is False:
                continue
            if (limit := self.limits.get(rule.id)) is not None:
                # A limit gives single findings no effect of its own.
                effect = self.policy.unmatched if limit.exceeded else rule.below
                if not target.nodes and limit.limit.of == "nodes":
                    fits = None  # it counts nodes: what it thinks of this one is left open
            if fits is True:
                sure.append(rule)
            if not rule.waivable:
                # What is left open counts against passing: it blocks too.
                blocking.append(rule.id)
            if fits is True or effect != "note":
                trace = Trace()
                rule.match.fits_rule(target, trace)
                matching.append((rule, effect, trace))
        found = self._shared(matching)
        strictest = max(
            (effect for _, effect, _ in found), key=STRICTNESS.__getitem__, default=None
        )
        waivable = not blocking
        if target.phase == "Success":
            if strictest is None:
                return _Verdict("pass", statement("decided.success"), found, waivable)
            return self._by_effect(found, strictest, waivable)
        failing = {rule.id for rule, effect, _ in found if effect == "fail"}
        gentle = [
            rule
            for rule in sure
            if rule.lifts_doubt and rule.limit is None and rule.id not in failing
        ]
        doubt = self._doubt(target, gentle)
        if strictest == "fail":
            return self._by_effect(found, "fail", waivable, doubt)
        if doubt is not None:
            return _Verdict("unknown", doubt, found, waivable, doubt)
        default = self.policy.unmatched
        settled = any(rule.softens for rule in sure)
        if strictest is None or (not settled and STRICTNESS[default] >= STRICTNESS[strictest]):
            # What can't be decided, or a layer may not weaken, must not soften the default.
            why = statement("decided.unmatched", effect=default)
            of_nodes = [
                rule.id
                for rule, _, _ in found
                if rule.limit is not None and rule.limit.of == "nodes" and not target.nodes
            ]
            if of_nodes:
                why = statement("decided.limit-of-nodes", effect=default, rules=of_nodes)
            elif found:
                names = sorted(rule.id for rule, _, _ in found)
                why = statement("decided.unmatched-beside", effect=default, rules=names)
            return _Verdict(default, why, found, waivable)
        verdict = self._by_effect(found, strictest, waivable)
        if self.policy.side_by_side:
            return replace(verdict, standing_in=self._standing_in(strictest, sure))
        return verdict

    def _shared(
        self, matching: Sequence[tuple[Rule, Effect, Trace]]
    ) -> tuple[tuple[Rule, Effect, Trace], ...]:
        """One object for all findings of which rules say the same: there may be very many."""
        key = tuple((rule.id, effect, trace.key) for rule, effect, trace in matching)
        return self._matchings.setdefault(key, tuple(matching))

    def _standing_in(self, effect: Effect, sure: Sequence[Rule]) -> tuple[str, ...]:
        """Which rules keep a stricter default of another policy from a finding that is its too.

        A policy beside others has its default where it has no rule of its own that settles it.
        """
        settling = {rule.id for rule in sure if rule.softens}
        for policy in self.policy.side_by_side:
            is_stricter = STRICTNESS[policy.unmatched] > STRICTNESS[effect]
            if is_stricter and settling.isdisjoint(policy.rules):
                return tuple(sorted(settling))
        return ()

    def _by_effect(
        self,
        matching: tuple[tuple[Rule, Effect, Trace], ...],
        effect: Effect,
        waivable: bool,
        doubt: Statement | None = None,
    ) -> _Verdict:
        # An exceeded limit has no effect on single findings: the default speaks through it.
        exceeded = sorted(rule.id for rule, _, _ in matching if self._leaves(rule))
        found = [part for part in matching if part[0].id not in exceeded]
        deciding = sorted(rule.id for rule, its, _ in found if its == effect)
        postponed = [
            rule
            for rule, its, _ in found
            if its == effect == "warn" and rule.effect == "fail" and rule.limit is None
        ]
        if not deciding:
            why = statement("decided.limit-exceeded", effect=effect, rules=exceeded)
        elif postponed and len(postponed) == len(deciding):
            why = statement(
                "decided.rule-postponed", rules=deciding, effective_on=postponed[0].effective_on
            )
        else:
            # What is let through is never so without the reason somebody gave for it.
            reasons = [rule.reason for rule, its, _ in found if its == effect and rule.reason]
            if effect != "fail" and reasons:
                said = "; ".join(sorted(set(reasons)))
                why = statement("decided.rule-reason", rules=deciding, effect=effect, reason=said)
            else:
                why = statement("decided.rule", rules=deciding, effect=effect)
        return _Verdict(effect, why, matching, waivable, doubt, tuple(deciding))

    def _leaves(self, rule: Rule) -> bool:
        """Whether it is a limit that is exceeded, which leaves single findings to the default."""
        limit = self.limits.get(rule.id)
        return limit is not None and limit.exceeded

    def _doubt(self, target: Target, gentle: Sequence[Rule]) -> Statement | None:
        """Why nobody knows what this finding means, which is no success.

        `gentle` are the rules that surely match and do not say `fail`: one of them may spell out
        an undocumented kind or level, and so say that it is known after all.
        """
        phase = target.phase
        if phase is None:
            return statement("doubt.phase-missing")
        if phase != "Failed":
            known = phase in ("Init", "Running")
            return statement("doubt.unfinished" if known else "doubt.phase-unknown", phase=phase)
        if target.group == "ExecuteException":
            return statement("doubt.execute-exception")
        unknown: dict[str, str | None] = {}
        if target.kind not in KINDS:
            unknown["kind"] = target.kind
        if target.level not in LEVELS:
            unknown["level"] = target.level
        if not unknown:
            return None
        if any(set(unknown) <= rule.match.spells(target) for rule in gentle):
            return None
        name, value = next(iter(unknown.items()))
        if len(unknown) == 2:
            shown = {key: value or "–" for key, value in unknown.items()}
            return statement("doubt.kind-and-level", **shown)
        if value is None:
            return statement(f"doubt.{name}-missing")
        return statement(f"doubt.{name}-unknown", value=value)

    # Waivers ----------------------------------------------------------------------------------

    def _apply_waivers(self, pending: Sequence[tuple[Finding, Target, _Verdict]]) -> None:
        fitting: list[Fits] = []
        fits_alike = _Counts()
        for _, target, verdict in pending:
            obstacle = self._obstacle(target, verdict)
            fits = self._naming.of(target.check).fits(target)
            fitting.append(fits)
            would = (obstacle, verdict.outcome in ("fail", "warn"))
            fits_alike.add(fits.alike, would)
            for tally in fits.own:
                self._note_fit(tally, *would)
        for tallies, would, count in fits_alike.items():
            for tally in tallies:
                self._note_fit(tally, *would, count)
        for tally in self.waivers.values():
            limit = tally.waiver.max_findings
            tally.exceeded = limit is not None and tally.would_turn > limit
        waived, missed = _Counts(), _Counts()
        for (finding, target, verdict), fits in zip(pending, fitting, strict=True):
            self.decided.append(self._with_waivers(finding, target, verdict, fits, waived, missed))
        for tallies, _, count in waived.items():
            for tally in tallies:
                tally.waived += count
        self._note_missed(missed)
        self._note_checks_seen()

    def _note_fit(
        self, tally: WaiverTally, obstacle: str | None, turns: bool, count: int = 1
    ) -> None:
        if obstacle is not None:
            tally.not_applicable += count
            tally.not_applicable_why.add(obstacle.removeprefix("waiver."))
        elif turns:
            tally.would_turn += count

    def _obstacle(self, target: Target, verdict: _Verdict) -> str | None:
        """Why no waiver can turn this finding, as a code."""
        if target.kind == "Exception":
            return "waiver.exception"
        if target.kind != "Risk":
            return "waiver.not-a-risk"
        if target.group == "ExecuteException" and target.phase == "Failed":
            return "waiver.execute-exception"
        if not verdict.waivable:
            return "waiver.not-waivable"
        if verdict.doubt is not None:
            # A waiver accepts a Risk; it never lifts the doubt about what a finding means.
            return "waiver.doubt"
        return None

    def _with_waivers(
        self,
        finding: Finding,
        target: Target,
        verdict: _Verdict,
        fits: Fits,
        waived: _Counts,
        missed: _Counts,
    ) -> Decided:
        obstacle = self._obstacle(target, verdict)
        outcome, why = verdict.outcome, verdict.why
        coverable = obstacle is None and outcome in ("fail", "warn")
        waived_by: tuple[str, ...] = ()
        near: tuple[NearMiss, ...] = ()
        usable = self._usable(fits) if coverable else None
        if usable is not None and (usable.alike or usable.own):
            outcome = "waived"
            waived_by, why = self._covered(usable)
            waived.add(usable.alike)
            for tally in usable.own:
                tally.waived += 1
        elif outcome in ("fail", "warn", "unknown"):
            said = self._said(obstacle) if obstacle is not None else None
            near = self._near.of(target, self._naming.of(target.check), fits, said)
            if obstacle is None:
                self._miss(fits, missed)
        tolerated = (
            target.kind == "Exception" and target.phase == "Failed" and outcome in ("warn", "note")
        )
        if tolerated:
            self._demand_reason(target, verdict)
        return Decided(
            finding=finding,
            target=target,
            outcome=outcome,
            why=why,
            rules=verdict.rules,
            waived_by=waived_by,
            near_misses=near,
            tolerated=tolerated,
            standing_in=verdict.standing_in if outcome in ("warn", "note") else (),
            waivable=obstacle is None and outcome in ("fail", "warn"),
        )

    def _usable(self, fits: Fits) -> Fits:
        """Those that may cover what they match, at this instant."""
        key = id(fits.alike)
        if key not in self._usable_alike:
            self._usable_alike[key] = tuple(tally for tally in fits.alike if tally.usable)
        return Fits(self._usable_alike[key], tuple(tally for tally in fits.own if tally.usable))

    def _covered(self, usable: Fits) -> tuple[tuple[str, ...], Statement]:
        """By whom a finding is waived; said once for all that only the same waivers cover."""
        key = id(usable.alike)
        if usable.own or key not in self._covered_alike:
            names = _ids(usable)
            covered = (names, statement("decided.waived", waivers=list(names)))
            if usable.own:
                return covered
            self._covered_alike[key] = covered
        return self._covered_alike[key]

    def _said(self, obstacle: str) -> Statement:
        if obstacle not in self._obstacles:
            self._obstacles[obstacle] = statement(obstacle)
        return self._obstacles[obstacle]

    def _miss(self, fits: Fits, missed: _Counts) -> None:
        missed.add(fits.alike)
        for tally in fits.own:
            tally.missed += tally.state == "expired"

    def _note_missed(self, missed: _Counts) -> None:
        for tallies, _, count in missed.items():
            for tally in tallies:
                tally.missed += count if tally.state == "expired" else 0

    def _demand_reason(self, target: Target, verdict: _Verdict) -> None:
        for rule, effect, _ in verdict.rules:
            # What is only postponed, and a limit that says the default, tolerate nothing by name.
            written = rule.effect if rule.limit is None else rule.below
            if effect == written == verdict.outcome and not rule.reason and rule.match.names_checks:
                raise PolicyError(
                    f'{rule.source}:{rule.line}: rule "{rule.id}" tolerates the failed Exception '
                    f'"{target.check or "(unnamed)"}" by name and has no reason',
                    hint="give the rule a reason: line, or let it match Risks only (kind: Risk)",
                )

    def _note_checks_seen(self) -> None:
        """For a waiver that covered nothing: does its check pass now, or not occur at all?"""
        names: dict[str, bool] = {}
        for count in self.passes.values():
            if count.name is not None:
                names.setdefault(count.name, False)
        for part in self.decided:
            if part.target.check is not None:
                names[part.target.check] = True
        for tally in self.waivers.values():
            check = tally.waiver.match.check
            if check is None or tally.waived:
                continue
            for name in check.literals if check.spells_only else names:
                if name in names and check.fits(name):
                    tally.check_seen = True
                    tally.check_failed = tally.check_failed or names[name]

    # Checks skipped on the server -------------------------------------------------------------

    def decide_skips(self) -> None:
        """Each entry takes `defaults.skipped` unless a waiver covers it."""
        refused, missed = _Counts(), _Counts()
        for index, skip in enumerate(evidence_lines.skip_list(self.task)):
            self.skips.append(self._decide_skip(skip, index, refused, missed))
        for tallies, _, count in refused.items():
            for tally in tallies:
                tally.skips_refused += count
        self._note_missed(missed)

    def _decide_skip(
        self, skip: SkippedCheckItem, index: int, refused: _Counts, missed: _Counts
    ) -> DecidedSkip:
        selector = evidence_lines.selector_of(skip)
        has_selector = selector is not None
        values = (selector.values if selector else None) or []
        uids = tuple(dict.fromkeys(value for value in values if value))
        obstacle = self._skip_obstacle(skip, selector)
        target = Target(
            check=skip.name or None,
            scope="node" if has_selector else "cluster",
            facts=self.facts,
            nodes=tuple(Node(uid=uid) for uid in uids),
        )
        naming = self._naming.of(target.check)
        outcome: SkipOutcome = self.policy.skipped
        why = obstacle or statement("skip.default", effect=self.policy.skipped)
        waived_by: tuple[str, ...] = ()
        near: tuple[NearMiss, ...] = ()
        if obstacle is not None:
            refused.add(naming.every)
            near = self._near_skips.of(target, naming, Fits(naming.every, ()), obstacle)
        else:
            matching = self._meant_for_skips(naming.fits(target), has_selector=has_selector)
            covering = self._usable(matching)
            if covering.alike or covering.own:
                outcome = "waived"
                waived_by = _ids(covering)
                why = statement("skip.covered", waivers=list(waived_by))
                for tally in (*covering.alike, *covering.own):
                    tally.skipped += 1
            else:
                near = self._near_skips.of(target, naming, matching, None)
                self._miss(matching, missed)
        return DecidedSkip(
            skip=skip,
            index=index,
            node_uids=uids,
            has_selector=has_selector,
            outcome=outcome,
            why=why,
            waived_by=waived_by,
            near_misses=near,
        )

    def _meant_for_skips(self, fits: Fits, *, has_selector: bool) -> Fits:
        """Those that ask for nothing that an entry of the skip list doesn't have."""
        key = (id(fits.alike), has_selector)
        if key not in self._for_skips:
            self._for_skips[key] = _asking_for_no_more(fits.alike, has_selector=has_selector)
        return Fits(self._for_skips[key], _asking_for_no_more(fits.own, has_selector=has_selector))

    def _skip_obstacle(
        self, skip: SkippedCheckItem, selector: ResourceSelector | None
    ) -> Statement | None:
        """Why no waiver can ever cover this entry."""
        if not skip.name:
            return statement("skip.unnamed")
        if not reads_as_written(skip.name) or not _ONE_NAME.fullmatch(skip.name):
            return statement("skip.odd-name")
        more = sorted(key for key, value in (skip.model_extra or {}).items() if not is_empty(value))
        if more:
            return statement("skip.more", field=more[0])
        if selector is not None:
            if not evidence_lines.selector_understood(selector):
                return statement("skip.selector")
            if not all(selector.values or [""]):
                return statement("skip.no-values")
        if skip.name not in self._obstacles_by_name:
            self._obstacles_by_name[skip.name] = self._obstacle_by_name(skip.name)
        return self._obstacles_by_name[skip.name]

    def _obstacle_by_name(self, name: str) -> Statement | None:
        if name.casefold() in self._exceptions or self.policy.catalogue.only_as_exception(name):
            return statement("skip.exception")
        topic = self.policy.catalogue.topic_of(name)
        for rule in self.policy.rules:
            if not rule.waivable and rule.match.could_name(name, topic):
                return statement("skip.not-waivable", rule=rule.id)
        return None

    @cached_property
    def _exceptions(self) -> frozenset[str]:
        """The checks that are only Exceptions here, once all are decided."""
        passed = ((check, count.kinds) for (check, _), count in self.passes.items())
        others = {(part.target.check, part.target.kind) for part in self.decided}
        named = ((check, {kind}) for check, kind in others if kind is not None)
        return exceptions_alone(chain(passed, named))


def _asking_for_no_more(tallies: Tallies, *, has_selector: bool) -> Tallies:
    return tuple(
        tally
        for tally in tallies
        if _lacking_in_skips(tally.waiver.match, has_selector=has_selector) is None
    )


def _lacking_in_skips(match: Match, *, has_selector: bool) -> Why | None:
    """What a match asks for that an entry of the skip list doesn't have."""
    if needs := match.keys & FINDING_KEYS:
        return "skip.needs-finding", tuple(sorted(needs))
    if not has_selector and (places := match.keys & {"node", "scope"}):
        return "skip.needs-node", tuple(sorted(places))
    return None


def _why_no_skip(tally: WaiverTally, target: Target) -> Why:
    """Why a waiver that names a skipped check does not cover it."""
    lacking = _lacking_in_skips(tally.waiver.match, has_selector=target.scope == "node")
    return lacking or why_other(tally, target)


def _ids(fits: Fits) -> tuple[str, ...]:
    return tuple(sorted(tally.waiver.id for tally in (*fits.alike, *fits.own)))


class _Counts:
    """How often each of some shared tuples of waivers was met, and under what circumstances."""

    def __init__(self) -> None:
        self._tallies: dict[int, Tallies] = {}
        self._counts: Counter[tuple[int, tuple[str | None, bool]]] = Counter()

    def add(self, tallies: Tallies, told: tuple[str | None, bool] = (None, False)) -> None:
        if tallies:
            self._tallies[id(tallies)] = tallies
            self._counts[id(tallies), told] += 1

    def items(self) -> Iterator[tuple[Tallies, tuple[str | None, bool], int]]:
        for (identity, told), count in self._counts.items():
            yield self._tallies[identity], told, count


class _Limited(NamedTuple):
    """What a limit counts: what failed, and what that is a part of."""

    failed: set[object]
    base: set[object]


def _count(rule: Rule, finding: Finding, target: Target, counts: _Limited) -> None:
    if rule.limit is None:
        return
    is_failed = target.phase == "Failed"
    fits = rule.match.fits_rule(target)
    # What is left open counts against passing: among the failed, not among the base. A note rule
    # matches only when that is sure, here as everywhere.
    if fits is False or (fits is None and not (is_failed and rule.effect != "note")):
        return
    counted = _counted(rule.limit.of, finding, target)
    if is_failed:
        counts.failed.update(counted)
    counts.base.update(counted if rule.limit.of != "nodes" else _surely_others(counted))


def _counted(of: str, finding: Finding, target: Target) -> set[object]:
    """What a finding adds to a count; what has no name of its own counts as its own."""
    if of == "findings":
        return {finding.pointer}
    if of == "checks":
        return {target.check if target.check is not None else ("unnamed", finding.pointer)}
    # Of a stage without a uid all findings are of one node, whichever that is.
    place = finding.pointer.rpartition("/itemsStatus/")[0] if finding.stage else finding.pointer
    return {
        node.uid if node.uid is not None else ("unnamed", place, number)
        for number, node in enumerate(target.nodes)
    }


_ONE_NAME = re.compile(r"[\w.-]+")
"""What holds another sign reads as a list or a pattern."""


def _surely_others(nodes: set[object]) -> set[object]:
    """Nodes as a base counts them: none twice for its capitals, none that may be another.

    A node without a uid is one of its own.
    """
    names = {node for node in nodes if isinstance(node, str)}
    return (nodes - names) | {name.lower() for name in names if reads_as_written(name)}
