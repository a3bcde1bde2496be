"""How one finding came to its outcome: every rule tried, the default, the doubt, every waiver.

Nothing is decided here a second time. Outcomes come from `judge`, where need be asked again with
fewer rules or another waiver; this module adds which key of a match made the difference, with
what was wanted and what was there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import Any, Literal

from reporter import yamlfile
from reporter.errors import PolicyError
from reporter.policy.evaluate import (
    STRICTNESS,
    Decided,
    DecidedSkip,
    Judgement,
    judge,
)
from reporter.policy.load import Policy, Rule, Waiver, pattern_text
from reporter.policy.lookup import Lookup
from reporter.policy.match import SIGNATURE_KEYS, Match, Target, Trace, Tri, all_of, any_of, negate
from reporter.policy.model import MATCH_KEYS, Equals, MatchSpec
from reporter.policy.waivers import COUNTING, WaiverTally
from reporter.precheck.finding import Finding, Node, iter_findings
from reporter.precheck.response import Response
from reporter.record.model import (
    OUTCOMES_WORST_FIRST,
    ClusterType,
    Effect,
    FindingOutcome,
    Instant,
    Statement,
)
from reporter.words import statement

MISSING = "missing"
MOST_WAIVERS = 20
"""Of a finding so many waivers that name its check are told, beside all that cover it."""
MOST_RULES = 60
"""Of a finding so many rules are told, or all that took part."""
Fits = Literal["yes", "no", "open"]

_FITS: dict[Tri, Fits] = {True: "yes", False: "no", None: "open"}
_PROBE = "a waiver for exactly this check"
_LAYER = "a layer that may not weaken its base"
_NOT_ITS_BASES_DEFAULT = f"{_LAYER}: it does not soften the default"
_DECIDED_BY_PHASE = "a rule without the key phase looks at Failed findings only"


@dataclass(frozen=True)
class KeyTried:
    """A key of a match: what it asks for, what was there, and what came of it."""

    key: str
    fits: Fits
    wanted: str
    found: str
    inner: tuple[KeyTried, ...] = ()


@dataclass(frozen=True)
class RuleTried:
    """A rule held against a finding. `counts`: its effect took part in the outcome."""

    id: str
    title: str | None
    place: str
    fits: Fits
    counts: bool
    effect: Effect
    keys: tuple[KeyTried, ...]
    note: str | None = None


@dataclass(frozen=True)
class WaiverTried:
    """A waiver that names the check. `lacks` is None for one that covers the finding."""

    id: str
    place: str
    covers: bool
    lacks: str | None
    keys: tuple[KeyTried, ...]


@dataclass(frozen=True)
class Step:
    """A step of the decision, what it says, and where that stands."""

    name: str
    says: str
    places: tuple[str, ...] = ()


@dataclass(frozen=True)
class Place:
    """Where a finding was seen."""

    pointer: str
    nodes: tuple[Node, ...]


@dataclass(frozen=True)
class Derivation:
    """Findings that came to their outcome in the same way; the first stands for all of them."""

    outcome: FindingOutcome
    why: Statement
    scope: str
    kind: str | None
    level: str | None
    group: str | None
    phase: str | None
    message: str | None
    other_messages: int
    error_codes: tuple[str, ...]
    rules: tuple[RuleTried, ...]
    more_rules: int
    steps: tuple[Step, ...]
    waivers: tuple[WaiverTried, ...]
    more_waivers: int
    """How many more name the check: of very many, those that tell most of it are told."""
    places: tuple[Place, ...]


@dataclass(frozen=True)
class SkipExplained:
    """The check on the response's skip list: it leaves no finding."""

    outcome: str
    why: Statement
    pointer: str
    node_uids: tuple[str, ...]
    waivers: tuple[WaiverTried, ...]


@dataclass(frozen=True)
class Explanation:
    """Everything about one check in one response."""

    check: str
    node: str | None
    source: str
    cluster: str | None
    instant: Instant
    outcome: str
    derivations: tuple[Derivation, ...]
    """Worst first."""
    skips: tuple[SkipExplained, ...]
    other_waivers: int
    """Waivers that do not name this check."""


def explain(
    response: Response,
    policy: Policy,
    *,
    check: str,
    node: str | None = None,
    instant: Instant,
    cluster_type: ClusterType | None = None,
) -> Explanation:
    """The derivation of every finding of a check, on one node (uid or name) if that is given.

    `PolicyError` for a check or node that the response does not hold.
    """

    def again(other: Policy) -> Judgement:
        return judge(response, other, instant=instant, cluster_type=cluster_type)

    judgement = again(policy)
    findings = _findings(judgement, check, node)
    skips = [skip for skip in judgement.skips if skip.skip.name == check]
    teller = _Teller(judgement, _Suppositions(judgement, check, again))
    told = map(teller.derivation, findings)
    naming = teller.naming(check)
    return Explanation(
        check=check,
        node=node,
        source=response.source.name,
        cluster=judgement.facts.cluster,
        instant=instant,
        outcome=judgement.outcome,
        derivations=tuple(_folded(told)),
        skips=tuple(teller.skip(skip) for skip in skips) if node is None else (),
        other_waivers=len(policy.waivers) - len(naming),
    )


def _findings(judgement: Judgement, check: str, node: str | None) -> list[Finding]:
    everything = list(iter_findings(judgement.response.task))
    findings = [finding for finding in everything if finding.item.name == check]
    skipped = [skip.skip.name for skip in judgement.skips if skip.skip.name]
    name = judgement.response.source.name
    if not findings and check not in skipped:
        known = sorted({part.item.name for part in everything if part.item.name} | set(skipped))
        close = yamlfile.nearest(check, known)
        raise PolicyError(
            f'{name}: no check "{check}"' + (f'; did you mean "{close}"?' if close else ""),
            hint="it holds " + (_some(known) or "no check with a name"),
        )
    if node is None:
        return findings
    here = [
        finding
        for finding in findings
        if any(node in (part.uid, part.name) for part in finding.nodes)
    ]
    if not here:
        nodes = [part for finding in findings for part in finding.nodes]
        known = sorted({value for part in nodes for value in (part.name, part.uid) if value})
        close = yamlfile.nearest(node, known)
        # Each node once, by its name; told apart by uid.
        each = {part.uid or part.name: part.name or part.uid for part in nodes}
        seen = sorted(value for value in each.values() if value)
        raise PolicyError(
            f'{name}: check "{check}" was not seen on a node "{node}"'
            + (f'; did you mean "{close}"?' if close else ""),
            hint=f"it was seen on {_some(seen)}" if seen else "it was seen on no node at all",
        )
    return here


def _some(names: Sequence[str], limit: int = 8) -> str:
    more = f" and {len(names) - limit:,} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more


class _Suppositions:
    """What the evaluator would say without waivers, without `fail` rules, or with one more waiver.

    Each is a judgement of its own, made when it is first asked for.
    """

    def __init__(
        self, judgement: Judgement, check: str, again: Callable[[Policy], Judgement]
    ) -> None:
        self._policy = judgement.policy
        self._instant = judgement.instant.at
        self._check = check
        self._again = again
        self._known: dict[str, dict[str, Decided]] = {}

    def _judged(self, name: str, policy: Policy) -> dict[str, Decided]:
        if name not in self._known:
            decided = self._again(policy).decided
            self._known[name] = {part.finding.pointer: part for part in decided}
        return self._known[name]

    def without_waivers(self, pointer: str) -> Decided:
        """Before any waiver."""
        return self._judged("bare", replace(self._policy, waivers=()))[pointer]

    def without_fail_rules(self, pointer: str) -> Decided | None:
        """Where only doubt or the default could still stop it."""
        # A rule that tolerates an Exception needs a reason; here it is only supposed to.
        rules = tuple(
            replace(rule, reason=rule.reason or "supposed")
            for rule in self._policy.rules
            if rule.limit is None and rule.effect_at(self._instant) != "fail"
        )
        policy = replace(self._policy, rules=rules, waivers=(), unmatched="fail")
        return self._judged("gentle", policy).get(pointer)

    def obstacle(self, pointer: str) -> Statement | None:
        """Why no waiver at all could turn it."""
        match = Match(MatchSpec(check=Equals(equals=self._check)))
        probe = Waiver(_PROBE, match, reason="", written={}, source="", line=0)
        decided = self._judged("probe", replace(self._policy, waivers=(probe,)))[pointer]
        return decided.near_misses[0].why if decided.near_misses else None


class _Teller:
    """Tells how findings of one judgement came to be what they are."""

    def __init__(self, judgement: Judgement, suppositions: _Suppositions) -> None:
        self.judgement = judgement
        self.policy = judgement.policy
        self.suppositions = suppositions
        self._decided = {part.finding.pointer: part for part in judgement.decided}
        self._tallies = {tally.waiver.id: tally for tally in judgement.waivers}
        self._compiled: dict[int, Match] = {}
        self._naming: dict[str, list[WaiverTally]] = {}
        self._nearest: dict[tuple[object, ...], dict[str, int]] = {}
        self._defaults = _default_places(self.policy)

    def naming(self, check: str) -> list[WaiverTally]:
        """The waivers whose `check` names it, by id."""
        if check not in self._naming:
            self._naming[check] = self._all_naming(check)
        return self._naming[check]

    def _all_naming(self, check: str) -> list[WaiverTally]:
        found = [
            tally
            for tally in self.judgement.waivers
            if tally.waiver.match.check is not None and tally.waiver.match.check.fits(check)
        ]
        return sorted(found, key=lambda tally: tally.waiver.id)

    # Findings ---------------------------------------------------------------------------------

    def derivation(self, finding: Finding) -> Derivation:
        """The derivation of one finding."""
        decided = self._decided.get(finding.pointer)
        target = decided.target if decided else Target.of(finding, self.judgement.facts)
        told = self._telling(target, decided)
        rules = tuple(self._rule(rule, target, decided) for rule in told)
        waivers, more_waivers = self._waivers(target, decided)
        return Derivation(
            outcome=decided.outcome if decided else "pass",
            why=decided.why if decided else statement("decided.success"),
            scope=finding.scope,
            kind=target.kind,
            level=target.level,
            group=target.group,
            phase=target.phase,
            message=target.message,
            other_messages=0,
            error_codes=tuple(code for code in target.error_codes if code),
            rules=rules,
            more_rules=len(self.policy.rules) - len(rules),
            steps=tuple(self._steps(target, decided, rules)),
            waivers=waivers,
            more_waivers=more_waivers,
            places=(
                Place(self.judgement.response.source.pointer + finding.pointer, finding.nodes),
            ),
        )

    @cached_property
    def _ordered_rules(self) -> list[Rule]:
        return sorted(self.policy.rules, key=_place_of)

    @cached_property
    def _lookup(self) -> Lookup[Rule]:
        return Lookup([(rule.match, rule) for rule in self._ordered_rules])

    def _telling(self, target: Target, decided: Decided | None) -> list[Rule]:
        """All of a few rules; of many, those that took part and some that may fit."""
        if len(self._ordered_rules) <= MOST_RULES:
            return self._ordered_rules
        told = {rule.id: rule for rule, _, _ in (decided.rules if decided else ())}
        nearest = self._nearest_to(target)
        some = self._lookup.of(target, sure=False)
        for rule in sorted(some, key=lambda rule: nearest[rule.id]):
            if len(told) >= MOST_RULES and nearest[rule.id] > 0:
                break
            told.setdefault(rule.id, rule)
        return sorted(told.values(), key=_place_of)

    def _nearest_to(self, target: Target) -> dict[str, int]:
        """Of each rule how near it is to findings like this: what forbids waivers first."""
        signature = tuple(getattr(target, key) for key in SIGNATURE_KEYS)
        if signature not in self._nearest:
            self._nearest[signature] = {
                rule.id: 2 if not rule.match.by_signature(target) else int(rule.waivable)
                for rule in self._ordered_rules
            }
        return self._nearest[signature]

    def _rule(self, rule: Rule, target: Target, decided: Decided | None) -> RuleTried:
        keys = self._keys(rule.match, target, every=False, waiver=False)
        fits = all_of(_tri(key) for key in keys)
        effects = {part.id: effect for part, effect, _ in (decided.rules if decided else ())}
        effect = effects.get(rule.id, rule.effect_at(self.judgement.instant.at))
        note = None
        if fits is not False and target.phase != "Failed" and "phase" not in rule.match.keys:
            fits, note = False, _DECIDED_BY_PHASE
        elif rule.limit is not None and fits is not False:
            note = self._limit_note(rule, counted=rule.id in effects)
        elif fits is None and rule.id not in effects:
            note = "open: a note rule has to match surely"
        elif rule.id in effects and effect != rule.effect:
            note = f"written as {rule.effect}, which holds from {rule.effective_on} on"
            if not rule.softens:
                note += f"; {_NOT_ITS_BASES_DEFAULT}"
        elif effect != "fail" and rule.id in effects and (fits is None or not rule.softens):
            open_note = "open: it does not soften the default"
            note = open_note if fits is None else _NOT_ITS_BASES_DEFAULT
        in_doubt = decided is not None and decided.outcome == "unknown"
        if in_doubt and note is None and not rule.lifts_doubt and rule.match.spells(target):
            note = f"{_LAYER}: it does not make an undocumented kind or level known"
        return RuleTried(
            id=rule.id,
            title=rule.title,
            place=f"{rule.source}:{rule.line}",
            fits=_FITS[fits],
            counts=rule.id in effects,
            effect=effect,
            keys=keys,
            note=note,
        )

    def _limit_note(self, rule: Rule, *, counted: bool) -> str:
        found = next(part for part in self.judgement.limits if part.rule.id == rule.id)
        unit = rule.limit.of if rule.limit is not None else "findings"
        said = f"a limit: {found.failed:,} of {found.base:,} {unit} failed, " + (
            "which exceeds it: for single findings the default holds"
            if found.exceeded
            else "which it allows"
        )
        return said if counted else f"{said}; it says nothing about this finding"

    def _steps(
        self, target: Target, decided: Decided | None, rules: Sequence[RuleTried]
    ) -> Iterator[Step]:
        exceeded = {part.rule.id for part in self.judgement.limits if part.exceeded}
        counting = [rule for rule in rules if rule.counts and rule.id not in exceeded]
        strictest = max(
            (rule.effect for rule in counting), key=STRICTNESS.__getitem__, default=None
        )
        said = [rule for rule in counting if rule.effect == strictest]
        leaving = [rule for rule in rules if rule.counts and rule.id in exceeded]
        if strictest is None and leaving:
            names = ", ".join(rule.id for rule in leaving)
            yield Step("rules", f"none says anything of single findings: {names}", _places(leaving))
        elif strictest is None:
            yield Step("rules", "none matches")
        else:
            others = len(counting) - len(said)
            more = f", the strictest of {len(counting)} that match" if others else ""
            names = ", ".join(rule.id for rule in said)
            yield Step("rules", f"{strictest}, by {names}{more}", _places(said))
        if target.phase == "Success" and strictest is None and not leaving:
            yield Step("phase", "Success: a pass")
            return
        if decided is None:
            return
        bare = self.suppositions.without_waivers(decided.finding.pointer)
        if bare.why.code.startswith(("decided.unmatched", "decided.limit-")):
            default = self.policy.unmatched
            is_softer = strictest is not None and STRICTNESS[strictest] < STRICTNESS[default]
            text = f"{default}, and no rule softens it" if is_softer else bare.why.text
            yield Step("default", text, self._defaults)
        yield self._doubt(bare)
        if bare.outcome in ("fail", "warn", "unknown"):
            yield self._waiver_step(decided)
        yield Step("outcome", f"{decided.outcome}: {decided.why.text}")

    def _doubt(self, bare: Decided) -> Step:
        if bare.outcome == "unknown":
            return Step("doubt", bare.why.text)
        gentle = self.suppositions.without_fail_rules(bare.finding.pointer)
        if bare.outcome == "fail" and gentle is not None and gentle.outcome == "unknown":
            return Step("doubt", f"settled by a rule that says fail; else: {gentle.why.text}")
        return Step("doubt", "none")

    def _waiver_step(self, decided: Decided) -> Step:
        if decided.waived_by:
            covering = [self._tallies[name].waiver for name in decided.waived_by]
            text = "waived by " + ", ".join(waiver.id for waiver in covering)
            return Step("waivers", text, tuple(f"{part.source}:{part.line}" for part in covering))
        obstacle = self.suppositions.obstacle(decided.finding.pointer)
        if obstacle is None:
            return Step("waivers", "none covers it; one could")
        places: tuple[str, ...] = ()
        if obstacle.code == "waiver.not-waivable":
            places = tuple(
                f"{rule.source}:{rule.line}"
                for rule in self._ordered_rules
                if not rule.waivable and rule.match.fits_rule(decided.target) is not False
            )
        return Step("waivers", f"none can: {obstacle.text}", places)

    # Waivers ----------------------------------------------------------------------------------

    def _waivers(
        self, target: Target, decided: Decided | None
    ) -> tuple[tuple[WaiverTried, ...], int]:
        """Those that name the check, and how many more there are."""
        missed = {
            miss.waiver: miss.why.text
            for miss in (decided.near_misses if decided else ())
            if miss.why.code not in COUNTING
        }
        covering = decided.waived_by if decided else ()
        tried = []
        naming = self.naming(target.check or "")
        told = _telling_most(naming, {*covering, *missed})
        for tally in told:
            waiver = tally.waiver
            keys = self._keys(waiver.match, target, every=True, waiver=True)
            lacks = None
            if waiver.id not in covering:
                lacks = missed.get(waiver.id) or self._lack(tally, keys, decided)
            tried.append(_tried(waiver, lacks, keys))
        return tuple(tried), len(naming) - len(told)

    def _lack(self, tally: WaiverTally, keys: Sequence[KeyTried], decided: Decided | None) -> str:
        """What a waiver lacks where no near miss is recorded: nothing is left to cover."""
        if decided is None or decided.outcome in ("pass", "note"):
            return "nothing to waive"
        wrong = [key for key in keys if key.fits != "yes"]
        if wrong:
            return "it is for " + "; ".join(f"{key.key} {key.wanted}" for key in wrong)
        if decided.outcome != "waived":
            # One of very many that match: what holds of those that are named holds of it.
            said = {miss.why.code: miss.why.text for miss in decided.near_misses}
            obstacle = next((text for code, text in said.items() if code.startswith("waiver.")), "")
            return obstacle or tally.why_unusable(self.judgement.instant.at).text
        return "it matches more findings than it may cover" if tally.exceeded else tally.state

    def skip(self, skip: DecidedSkip) -> SkipExplained:
        """What became of the check on the skip list."""
        missed = {miss.waiver: miss.why.text for miss in skip.near_misses}
        tried = [
            _tried(tally.waiver, missed.get(tally.waiver.id), ())
            for tally in self.naming(skip.skip.name or "")
            if tally.waiver.id in missed or tally.waiver.id in skip.waived_by
        ]
        return SkipExplained(
            outcome=skip.outcome,
            why=skip.why,
            pointer=f"/spec/skippedCheckItemList/{skip.index}",
            node_uids=skip.node_uids,
            waivers=tuple(tried),
        )

    # Keys -------------------------------------------------------------------------------------

    def _keys(
        self, match: Match, target: Target, *, every: bool, waiver: bool
    ) -> tuple[KeyTried, ...]:
        """Every key of a match. `every` and `waiver` as the matcher has them, see `Match`."""
        trace = Trace()
        (match.fits_waiver if every else match.fits_rule)(target, trace)
        return tuple(self._each_key(match.spec, target, trace, every=every, waiver=waiver))

    def _each_key(
        self, spec: MatchSpec, target: Target, trace: Trace, *, every: bool, waiver: bool
    ) -> Iterator[KeyTried]:
        for name, key in MATCH_KEYS.items():
            value = getattr(spec, name)
            if value is None:
                continue
            if key == "not":
                # Under a waiver's `not:` one value is enough to exclude; and back again below.
                inner = self._keys(
                    self._nested(value), target, every=waiver and not every, waiver=waiver
                )
                fits = negate(all_of(_tri(part) for part in inner))
                yield KeyTried(key, _FITS[fits], "none of", "", inner)
            elif key == "any":
                parts = tuple(
                    self._alternative(number, part, target, every=every, waiver=waiver)
                    for number, part in enumerate(value, 1)
                )
                fits = any_of(_tri(part) for part in parts)
                yield KeyTried(key, _FITS[fits], "one of", "", parts)
            else:
                fits = None if key in trace.undecided else True
                fits = False if key in trace.refused else fits
                yield KeyTried(key, _FITS[fits], _wanted(value), _found(key, value, target, trace))

    def _alternative(
        self, number: int, spec: MatchSpec, target: Target, *, every: bool, waiver: bool
    ) -> KeyTried:
        inner = self._keys(self._nested(spec), target, every=every, waiver=waiver)
        return KeyTried(str(number), _FITS[all_of(_tri(part) for part in inner)], "", "", inner)

    def _nested(self, spec: MatchSpec) -> Match:
        # Specs live as long as the policy does, so their identity is a safe name for them.
        if id(spec) not in self._compiled:
            self._compiled[id(spec)] = Match(spec)
        return self._compiled[id(spec)]


def _place_of(rule: Rule) -> tuple[str, int, str]:
    return rule.source, rule.line, rule.id


def _telling_most(naming: list[WaiverTally], named: set[str]) -> list[WaiverTally]:
    """All of a few waivers; of many, those that cover a finding or nearly do, and some more."""
    if len(naming) <= MOST_WAIVERS:
        return naming
    found = [tally for tally in naming if tally.waiver.id in named]
    others = (tally for tally in naming if tally.waiver.id not in named)
    found += islice(others, max(0, MOST_WAIVERS - len(found)))
    return sorted(found, key=lambda tally: tally.waiver.id)


def _tri(key: KeyTried) -> Tri:
    return {"yes": True, "no": False, "open": None}[key.fits]


def _tried(waiver: Waiver, lacks: str | None, keys: tuple[KeyTried, ...]) -> WaiverTried:
    return WaiverTried(waiver.id, f"{waiver.source}:{waiver.line}", lacks is None, lacks, keys)


def _places(rules: Sequence[RuleTried]) -> tuple[str, ...]:
    return tuple(rule.place for rule in rules)


def _default_places(policy: Policy) -> tuple[str, ...]:
    return (policy.layered.place("defaults.unmatched"),) if policy.layered is not None else ()


def _wanted(value: Any) -> str:
    if isinstance(value, list):
        return " or ".join(_wanted(part) for part in value)
    if isinstance(value, str):
        return value
    plain = value.model_dump(by_alias=True, exclude_none=True)
    if set(plain) <= {"equals", "regex"}:
        return pattern_text(plain)
    return ", ".join(f"{key} {_plain(part)}" for key, part in plain.items())


def _plain(value: Any) -> str:
    if isinstance(value, dict) and not set(value) <= {"equals", "regex"}:
        return ", ".join(f"{key} {_plain(part)}" for key, part in value.items())
    return pattern_text(value)


def _found(key: str, spec: Any, target: Target, trace: Trace) -> str:
    facts = target.facts
    if key in ("cluster", "from_version", "target_version"):
        return getattr(facts, key) or MISSING
    if key == "error_code":
        return ", ".join(code or MISSING for code in target.error_codes) or MISSING
    if key == "addon":
        shown = [" / ".join(part for part in names if part) for names in target.addons]
        return ", ".join(name or MISSING for name in shown) or MISSING
    if key == "node":
        asked = [part for part in ("uid", "name", "status", "type") if getattr(spec, part)]
        shown = [
            " ".join(f"{part} {getattr(node, part) or MISSING}" for part in asked)
            for node in target.nodes
        ]
        return ", ".join(shown) or "no node"
    if key == "where":
        return ", ".join(
            f"{path}: {found.matches:,} {'value' if found.matches == 1 else 'values'}"
            for path, found in trace.paths
        )
    return getattr(target, key) or MISSING


# Folding -----------------------------------------------------------------------------------------


def _folded(told: Iterable[Derivation]) -> list[Derivation]:
    """One derivation for all findings that differ in nothing but place and message."""
    groups: dict[tuple[object, ...], tuple[Derivation, set[str | None], list[Place]]] = {}
    for part in told:
        _, messages, places = groups.setdefault(_fold_key(part), (part, set(), []))
        messages.add(part.message)
        places += part.places
    folded = [
        replace(part, places=tuple(places), other_messages=len(messages) - 1)
        for part, messages, places in groups.values()
    ]
    return sorted(
        folded,
        key=lambda part: (
            OUTCOMES_WORST_FIRST.index(part.outcome),
            -len(part.places),
            part.places[0].pointer,
        ),
    )


def _fold_key(part: Derivation) -> tuple[object, ...]:
    return (
        part.outcome,
        part.scope,
        part.kind,
        part.level,
        part.group,
        part.phase,
        part.why.text,
        tuple((rule.id, rule.fits, rule.effect, _shape(rule.keys)) for rule in part.rules),
        # What passes asks for no waiver: which of them would have fitted sets nothing apart.
        tuple(
            (waiver.id, waiver.lacks, _shape(waiver.keys))
            for waiver in part.waivers
            if part.outcome != "pass"
        ),
        part.more_rules,
        part.more_waivers,
        tuple(step.says for step in part.steps),
    )


def _shape(keys: Sequence[KeyTried]) -> tuple[object, ...]:
    return tuple((key.key, key.fits, _shape(key.inner)) for key in keys)
