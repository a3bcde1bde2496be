"""Several policies side by side, and policies on top of others.

Side by side (`--policy` twice, or two bases) is a union: the strictest of everything. On top
(`extends`) an overlay may add and tighten; to weaken anything it needs the base to list that under
`overridable`, and a `locked` rule is never weakened.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, get_args

from reporter.errors import PolicyError
from reporter.policy.model import (
    AppliesTo,
    Effect,
    EvidenceSpec,
    MatchSpec,
    PolicySpec,
    RuleSpec,
    Spec,
    WaiverSpec,
    alike,
)
from reporter.record.dates import parse_duration, parse_instant
from reporter.yamlfile import Document, Path, nearest

EFFECTS: tuple[Effect, ...] = get_args(Effect)
"""Strictest first."""
EVIDENCE_LINES = tuple(EvidenceSpec.model_fields)
SETTINGS = (
    "defaults.unmatched",
    "defaults.skipped",
    *(f"evidence.{line}" for line in EVIDENCE_LINES),
    "waivers_may_be_permanent",
    "max_waiver_days",
)
"""What `overridable` may list besides rule ids."""
BUILT_IN = "the language's own default"

LEVELS = ("require", "warn", "note", "off")
"""Of evidence, strictest first."""


@dataclass(frozen=True)
class PlacedRule:
    """A rule as written, and where."""

    spec: RuleSpec
    document: Document
    index: int
    softens: bool = True
    """False for a rule an overlay adds that is weaker than its base's default: it may say more
    than the default, never replace it."""
    lifts_doubt: bool = True
    """False for any rule that an overlay adds on its own: that an undocumented kind or level is
    known after all is nothing that its base has said."""
    owned: MatchSpec | None = None
    """What the policy at the bottom, whose default it stands beside, lets it look at; None for a
    rule of an overlay, or one that has come to look at more."""

    @property
    def place(self) -> str:
        return self.document.at(("rules", self.index, "id"))


@dataclass(frozen=True)
class PlacedWaiver:
    """A waiver as written, and where."""

    spec: WaiverSpec
    document: Document
    index: int

    @property
    def place(self) -> str:
        return self.document.at(("waivers", self.index, "id"))


@dataclass(frozen=True)
class PlacedScope:
    """An `applies_to`, and where."""

    spec: AppliesTo
    document: Document


@dataclass(frozen=True)
class Beside:
    """One of several policies that stand side by side, its bases included."""

    unmatched: Effect
    """Its own default for what none of its rules matches."""
    rules: frozenset[str]


@dataclass(frozen=True)
class Layered:
    """What one policy comes to, all its layers included."""

    rules: dict[str, PlacedRule]
    waivers: dict[str, PlacedWaiver]
    unmatched: Effect
    skipped: Effect
    evidence: tuple[EvidenceSpec, ...]
    scopes: tuple[PlacedScope, ...]
    permanent: bool
    requires: frozenset[str]
    max_days: int | None
    permitted: frozenset[str]
    """What a layer on top may weaken: rule ids and names of `SETTINGS`."""
    places: dict[str, str] = field(default_factory=dict)
    """Setting → where it was last said."""
    beside: tuple[Beside, ...] = ()
    """Where several were given, or stand under it, each of them; one alone has none beside it."""

    def place(self, setting: str) -> str:
        return self.places.get(setting, BUILT_IN)

    def has(self, name: str) -> bool:
        """Whether there is such a rule or setting, and so somebody to release it."""
        return name in self.rules or name in SETTINGS


def single(spec: PolicySpec, document: Document) -> Layered:
    """A policy that stands on nothing."""
    nothing = Layered(
        rules={},
        waivers={},
        unmatched="fail",
        skipped="fail",
        evidence=(EvidenceSpec(),),
        scopes=(),
        permanent=False,
        requires=frozenset(),
        max_days=None,
        permitted=frozenset(SETTINGS),  # the language's defaults are anybody's to change
    )
    own = _stacked(nothing, spec, document)
    listed = frozenset(spec.overridable or ())
    _check_overridable(own.rules, document, spec)
    return replace(
        own,
        permitted=listed,
        evidence=(spec.evidence or EvidenceSpec(),),
        rules={
            name: replace(rule, softens=True, lifts_doubt=True, owned=rule.spec.match)
            for name, rule in own.rules.items()
        },
    )


def union(parts: Sequence[Layered]) -> Layered:
    """Side by side: all rules, the strictest of everything, the waivers pooled."""
    rules: dict[str, PlacedRule] = {}
    waivers: dict[str, PlacedWaiver] = {}
    for part in parts:
        for name, rule in part.rules.items():
            _same("rule", name, rules.get(name), rule)
            rules[name] = _stricter(rules.get(name), rule)
        for name, waiver in part.waivers.items():
            _same("waiver", name, waivers.get(name), waiver)
            waivers.setdefault(name, waiver)
    limits = [part.max_days for part in parts if part.max_days is not None]
    return Layered(
        rules=rules,
        waivers=waivers,
        unmatched=min((part.unmatched for part in parts), key=EFFECTS.index),
        skipped=min((part.skipped for part in parts), key=EFFECTS.index),
        evidence=tuple(spec for part in parts for spec in part.evidence),
        scopes=tuple(scope for part in parts for scope in part.scopes),
        permanent=all(part.permanent for part in parts),
        requires=frozenset(name for part in parts for name in part.requires),
        max_days=min(limits) if limits else None,
        permitted=frozenset(
            name
            for name in frozenset[str]().union(*(part.permitted for part in parts))
            if all(name in part.permitted for part in parts if part.has(name))
        ),
        places=_union_places(parts),
        beside=_beside(parts),
    )


def _beside(parts: Sequence[Layered]) -> tuple[Beside, ...]:
    if len(parts) == 1:
        return parts[0].beside
    return tuple(
        policy
        for part in parts
        for policy in part.beside or (Beside(part.unmatched, frozenset(part.rules)),)
    )


def _stricter(first: PlacedRule | None, second: PlacedRule) -> PlacedRule:
    """Of a rule in two policies: what one of them does not let it do, it may not do."""
    if first is None:
        return second
    return replace(
        first,
        softens=first.softens and second.softens,
        lifts_doubt=first.lifts_doubt and second.lifts_doubt,
        owned=first.owned if alike(first.owned, second.owned) else None,
    )


def _union_places(parts: Sequence[Layered]) -> dict[str, str]:
    places: dict[str, str] = {}
    for setting in SETTINGS:
        said = [part.places[setting] for part in parts if setting in part.places]
        if said:
            places[setting] = " and ".join(dict.fromkeys(said))
    return places


def _same(
    what: str,
    name: str,
    first: PlacedRule | PlacedWaiver | None,
    second: PlacedRule | PlacedWaiver,
) -> None:
    if first is not None and not alike(first.spec, second.spec):
        raise PolicyError(
            f'{second.place}: {what} "{name}" differs from the {what} of that id at {first.place}',
            hint=f"give one of the two {what}s another id",
        )


def pool(waivers: dict[str, PlacedWaiver], more: Iterable[PlacedWaiver]) -> dict[str, PlacedWaiver]:
    """Waivers of waiver files beside those of the policies."""
    pooled = dict(waivers)
    for waiver in more:
        _same("waiver", waiver.spec.id, pooled.get(waiver.spec.id), waiver)
        pooled.setdefault(waiver.spec.id, waiver)
    return pooled


def overlay(base: Layered, spec: PolicySpec, document: Document) -> Layered:
    """A policy on top of its base. `PolicyError` names both places of whatever it weakens."""
    stacked = _stacked(base, spec, document)
    _check_overridable(stacked.rules, document, spec)
    _Guard(base, document).listed(spec)
    return stacked


def _stacked(base: Layered, spec: PolicySpec, document: Document) -> Layered:
    guard = _Guard(base, document)
    unmatched, skipped = _defaults(base, spec, guard)
    evidence = _evidence(base, spec, guard)
    permanent, max_days = _demands(base, spec, guard)
    rules = dict(base.rules)
    released = "defaults.unmatched" in base.permitted
    for index, rule in enumerate(spec.rules or []):
        placed = PlacedRule(rule, document, index)
        under = rules.get(rule.id)
        if under is not None:
            guard.rule(under, placed, unmatched)
        owned = under.owned if under is not None else None
        if under is None or owned is None or not _looks_at_no_more(rule.match, owned):
            # An overlay's own, by whatever steps it came to be so.
            placed = replace(
                placed,
                softens=released or not _is_weaker(weakest(rule), base.unmatched),
                lifts_doubt=released,
            )
        else:
            spells = released or all(
                alike(getattr(rule.match, key), getattr(under.spec.match, key))
                for key in ("kind", "level", "any")
            )
            placed = replace(
                placed,
                softens=under.softens,
                lifts_doubt=under.lifts_doubt and spells,
                owned=owned,
            )
        rules[rule.id] = placed
    guard.stop()
    waivers = pool(
        base.waivers,
        [PlacedWaiver(waiver, document, index) for index, waiver in enumerate(spec.waivers or [])],
    )
    listed = frozenset(spec.overridable or ())
    own = frozenset(rule.id for rule in spec.rules or [])
    changed = own | guard.said
    anew = unmatched if "defaults.unmatched" in guard.said else None
    return Layered(
        rules=rules,
        waivers=waivers,
        unmatched=unmatched,
        skipped=skipped,
        evidence=evidence,
        scopes=(
            *base.scopes,
            *([PlacedScope(spec.applies_to, document)] if spec.applies_to else []),
        ),
        permanent=permanent,
        requires=base.requires | frozenset(spec.waiver_requires or ()),
        max_days=max_days,
        # What this layer said anew is its own to release.
        permitted=frozenset(base.permitted - changed) | listed,
        places={**base.places, **guard.places},
        # On top of all of them: a rule that no base has is one of each, and so is a default.
        beside=tuple(
            Beside(anew or one.unmatched, one.rules | (own - base.rules.keys()))
            for one in base.beside
        ),
    )


def weakest(rule: RuleSpec) -> Effect:
    """The weakest a rule may leave a finding, at whatever instant it is judged.

    Before its `effective_on` a fail is a warn; `below` of a limit is never postponed.
    """
    if rule.limit is not None:
        return rule.below or "warn"
    return "warn" if rule.effect == "fail" and rule.effective_on is not None else rule.effect


def _is_weaker(effect: Effect, other: Effect) -> bool:
    """Whether the first of two effects is the weaker one."""
    return EFFECTS.index(effect) > EFFECTS.index(other)


def _defaults(base: Layered, spec: PolicySpec, guard: _Guard) -> tuple[Effect, Effect]:
    values: list[Effect] = []
    for name in ("unmatched", "skipped"):
        under: Effect = getattr(base, name)
        own: Effect | None = getattr(spec.defaults, name) if spec.defaults else None
        if own is None:
            values.append(under)
            continue
        setting = f"defaults.{name}"
        guard.say(setting, ("defaults", name))
        if _is_weaker(own, under):
            guard.weaken(setting, f"says {own} where its base says {under}")
        values.append(own)
    return values[0], values[1]


def _demands(base: Layered, spec: PolicySpec, guard: _Guard) -> tuple[bool, int | None]:
    permanent = base.permanent
    if "waivers_may_be_permanent" in spec.model_fields_set:
        guard.say("waivers_may_be_permanent", ("waivers_may_be_permanent",))
        permanent = spec.waivers_may_be_permanent
        if permanent and not base.permanent:
            guard.weaken("waivers_may_be_permanent", "allows permanent waivers, its base does not")
    max_days = base.max_days
    if spec.max_waiver_days is not None:
        guard.say("max_waiver_days", ("max_waiver_days",))
        if max_days is not None and spec.max_waiver_days > max_days:
            guard.weaken(
                "max_waiver_days", f"allows {spec.max_waiver_days} days, its base {max_days}"
            )
        max_days = spec.max_waiver_days
    return permanent, max_days


def _evidence(base: Layered, spec: PolicySpec, guard: _Guard) -> tuple[EvidenceSpec, ...]:
    if spec.evidence is None:
        return base.evidence
    said = [line for line in EVIDENCE_LINES if line in spec.evidence.model_fields_set]
    released = []
    for line in said:
        setting = f"evidence.{line}"
        guard.say(setting, ("evidence", line))
        own = getattr(spec.evidence, line)
        reasons = [_weaker(getattr(under, line), own) for under in base.evidence]
        if reason := next((reason for reason in reasons if reason), None):
            guard.weaken(setting, reason)
            released.append(line)
    bases = tuple(
        under.model_copy(
            update={
                line: _said_over(getattr(under, line), getattr(spec.evidence, line))
                for line in released
            }
        )
        for under in base.evidence
    )
    # Beside its bases: a line is as strict as the strictest, and lists add up.
    beside = bases[0].model_copy(update={line: getattr(spec.evidence, line) for line in said})
    return bases if beside in bases else (*bases, beside)


def _said_over(under: Spec, own: Spec) -> Spec:
    """What a layer says in place of its base's; what it does not mention stays the base's."""
    said: dict[str, object] = {}
    for name in own.model_fields_set:
        before, after = getattr(under, name), getattr(own, name)
        if isinstance(before, Spec) and isinstance(after, Spec):
            said[name] = _said_over(before, after)
        elif name in _ADDING_UP:
            both = [one for part in (before, after) for one in _each(part)]
            said[name] = both or None
        else:
            said[name] = after
    return under.model_copy(update=said)


_ADDING_UP = ("required_checks", "required_on_every_node")


def _each(patterns: Any) -> list[Any]:
    return patterns if isinstance(patterns, list) else [] if patterns is None else [patterns]


def _weaker(under: object, own: object) -> str | None:
    """How an evidence line falls behind the one below it."""
    old, new = getattr(under, "level", "require"), getattr(own, "level", "require")
    if LEVELS.index(new) > LEVELS.index(old):
        return f"says {new} where its base says {old}"
    if old == "off":
        return None
    if getattr(own, "validity", None) and not getattr(under, "validity", None):
        return "counts a validity where its base accepts no missing expiry"
    for name in ("validity", "max_age"):
        before, after = getattr(under, name, None), getattr(own, name, None)
        if before and after and parse_duration(after) > parse_duration(before):
            return f"has {name} {after} where its base has {before}"
    before, after = getattr(under, "min_nodes", None), getattr(own, "min_nodes", None)
    if before is not None and after is not None and after < before:
        return f"has min_nodes {after} where its base has {before}"
    sections, theirs = getattr(own, "sections", None), getattr(under, "sections", None)
    for name in ("cluster", "addon", "node"):
        if (
            sections is not None
            and getattr(sections, name) == "optional"
            and getattr(theirs, name) == "required"
        ):
            return f"makes the {name} section optional, its base requires it"
    return None


class _Guard:
    """Watches an overlay over its base."""

    def __init__(self, base: Layered, document: Document) -> None:
        self.base = base
        self.document = document
        self.places: dict[str, str] = {}
        self.said: set[str] = set()
        self.weakened: list[PolicyError] = []

    def say(self, setting: str, path: Path) -> None:
        self.places[setting] = self.document.at(path)
        self.said.add(setting)

    def stop(self) -> None:
        """`PolicyError` with everything that is weakened."""
        if len(self.weakened) == 1:
            raise self.weakened[0]
        if self.weakened:
            raise PolicyError(
                self.weakened[0].message,
                hint="only what the base lists under overridable may be weakened, a locked rule "
                "never",
                problems=tuple(error.message for error in self.weakened),
            )

    def weaken(self, setting: str, how: str) -> None:
        if setting in self.base.permitted:
            return
        self._refuse(
            f"{self.places[setting]}: {setting} {how} ({self.base.place(setting)})",
            f'only where the base lists "{setting}" under overridable may it be weakened',
        )

    def _refuse(self, message: str, hint: str) -> None:
        self.weakened.append(PolicyError(message, hint=hint))

    def rule(self, under: PlacedRule, own: PlacedRule, unmatched: Effect) -> None:
        how = _rule_weaker(under.spec, own.spec, unmatched)
        if how is None:
            return
        name = own.spec.id
        if under.spec.locked:
            self._refuse(
                f'{own.place}: rule "{name}" {how}, and the one at {under.place} is locked',
                "a locked rule is never weakened; leave it as its base has it",
            )
            return
        if name not in self.base.permitted:
            self._refuse(
                f'{own.place}: rule "{name}" {how} than the one at {under.place}'.replace(
                    " differs in its match than", " differs in its match from"
                ),
                f'only where the base lists "{name}" under overridable may it be weakened',
            )
            return
        setting = "defaults.unmatched"
        if (
            setting not in self.base.permitted
            and _is_weaker(weakest(own.spec), self.base.unmatched)
            and not _looks_at_no_more(own.spec.match, under.spec.match)
        ):
            self._refuse(
                f'{own.place}: rule "{name}" may match what the one at {under.place} does not, '
                f"and says {weakest(own.spec)} where its base's default says "
                f"{self.base.unmatched} ({self.base.place(setting)})",
                f'only where the base lists "{setting}" too may it stand in for that default; '
                "else keep the keys of its match, and add others",
            )

    def listed(self, spec: PolicySpec) -> None:
        """A layer can't release what its base keeps: its rules, and every setting."""
        for index, name in enumerate(spec.overridable or []):
            if self.base.has(name) and name not in self.base.permitted:
                raise PolicyError(
                    f'{self.document.at(("overridable", index))}: "{name}" is not this '
                    "policy's to release: its base keeps it",
                    hint="the base has to list it under its own overridable",
                )


def _looks_at_no_more(own: MatchSpec, under: MatchSpec) -> bool:
    """Whether a match has all the keys of another, as they are: keys narrow each other."""
    return all(
        alike(value, getattr(own, key)) for key, value in vars(under).items() if value is not None
    )


def _rule_weaker(under: RuleSpec, own: RuleSpec, unmatched: Effect) -> str | None:
    """How a rule falls behind the one of its id below it; None if it is as strict.

    `unmatched` is the default beside it: what single findings take once its limit is exceeded.
    """
    if not alike(own.match, under.match):
        return "differs in its match"
    if _is_weaker(own.effect, under.effect):
        return f"says {own.effect}, weaker"
    if own.limit is not None and _is_weaker(weakest(own), weakest(under)):
        return f"says {weakest(own)} below its limit, weaker"
    if own.waivable and not under.waivable:
        return "allows waivers, weaker"
    if under.locked and not own.locked:
        return "is no longer locked, weaker"
    if own.effective_on is not None and (
        under.effective_on is None
        or parse_instant(own.effective_on) > parse_instant(under.effective_on)
    ):
        return "takes effect later, weaker"
    return _limit_weaker(under, own) or _exceeded_weaker(under, own, unmatched)


def _exceeded_weaker(under: RuleSpec, own: RuleSpec, unmatched: Effect) -> str | None:
    """A limit that is exceeded sooner weakens where `below` is stricter than the default."""
    if under.limit is None or not _is_weaker(unmatched, weakest(under)):
        return None
    # A note counts no failure that it can't be sure of.
    counts_more = under.effect == "note" and own.effect != "note"
    if alike(own.limit, under.limit) and not counts_more:
        return None
    return f"is exceeded sooner and then leaves single findings at {unmatched}, weaker"


def _limit_weaker(under: RuleSpec, own: RuleSpec) -> str | None:
    if alike(own.limit, under.limit):
        return None
    if own.limit is None or under.limit is None or own.limit.of != under.limit.of:
        return "counts otherwise, weaker"
    for name in ("max", "max_percent"):
        before, after = getattr(under.limit, name), getattr(own.limit, name)
        if (before is None) != (after is None) or (before is not None and after > before):
            return "allows more under its limit, weaker"
    return None


def _check_overridable(rules: dict[str, PlacedRule], document: Document, spec: PolicySpec) -> None:
    for index, name in enumerate(spec.overridable or []):
        if name not in rules and name not in SETTINGS:
            close = nearest(name, [*rules, *SETTINGS])
            more = f'; did you mean "{close}"?' if close else ""
            raise PolicyError(
                f'{document.at(("overridable", index))}: "{name}" is neither a rule here nor a '
                f"setting{more}",
                hint="settings are " + ", ".join(SETTINGS),
            )
