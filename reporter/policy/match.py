"""Does a match mapping fit a finding? Yes, no, or left open by a value that is missing.

Three values throughout: True, False, and None for "can't be decided". The combinators follow
Kleene: a conjunction is False as soon as one part is, and open when none is but one is open.
"""

from __future__ import annotations

import fnmatch
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache, partial
from typing import Any, Literal

from reporter.policy.jsonpath import Condition, Found, Outcome
from reporter.policy.lookup import Lookup
from reporter.policy.model import MATCH_KEYS, Equals, MatchSpec, NodeSpec, Regex
from reporter.policy.regex import fits_whole
from reporter.precheck.finding import Finding, Node
from reporter.precheck.model import CheckItem, PrecheckTask
from reporter.precheck.versions import VersionRange, parse_range, parse_version
from reporter.signs import legible

Tri = bool | None
Predicate = Callable[[str], Tri]

SIGNATURE_KEYS = ("check", "kind", "group", "level", "phase", "scope")
"""Keys decided by a finding's signature; thousands of nodes share a few dozen of those."""
_SETTLED_KEYS = frozenset(
    {*SIGNATURE_KEYS, "cluster", "from_version", "target_version", "topic", "not", "any"}
)
_RESPONSE_KEYS = frozenset({"cluster", "from_version", "target_version"})
FINDING_KEYS = frozenset({"kind", "level", "group", "phase", "message", "error_code", "where"})
"""Keys that need a finding: a waiver that uses one can't cover a check skipped on the server."""


def all_of(parts: Iterable[Tri]) -> Tri:
    """Kleene's conjunction; True over nothing."""
    result: Tri = True
    for part in parts:
        if part is False:
            return False
        if part is None:
            result = None
    return result


def any_of(parts: Iterable[Tri]) -> Tri:
    """Kleene's disjunction; False over nothing."""
    result: Tri = False
    for part in parts:
        if part is True:
            return True
        if part is None:
            result = None
    return result


def negate(part: Tri) -> Tri:
    """Kleene's negation."""
    return None if part is None else not part


@dataclass
class Facts:
    """What is the same for every finding of a response."""

    cluster: str | None
    from_version: str | None
    target_version: str | None
    topic_of: Callable[[str], str | None]
    task: PrecheckTask | None = None
    cluster_disputed: bool = False
    """Whether the note of `fetch` names another cluster than the response: which it is is open."""
    found: dict[str, Found] = field(default_factory=dict)
    """What was found in the response, by path."""
    decided: dict[tuple[int, bool], Outcome] = field(default_factory=dict)
    """Answers of `on: response` conditions: the same for every finding."""
    unlike: set[int] = field(default_factory=set)
    """Conditions, by identity, that were once not met because a value was of another type."""
    met: set[int] = field(default_factory=set)
    """Those whose path found a value somewhere."""
    missed: set[int] = field(default_factory=set)
    """Those whose path found none, at least once."""

    @cached_property
    def document(self) -> dict[str, object] | None:
        """The response as plain JSON data, as it came."""
        return _as_it_came(self.task) if self.task is not None else None


@dataclass
class Target:
    """A finding, or a check skipped on the server, as match keys see it. None: missing."""

    check: str | None
    scope: str | None
    facts: Facts
    kind: str | None = None
    group: str | None = None
    level: str | None = None
    phase: str | None = None
    message: str | None = None
    error_codes: tuple[str | None, ...] = ()
    nodes: tuple[Node, ...] = ()
    addons: tuple[tuple[str | None, str | None], ...] = ()
    item: CheckItem | None = None

    @classmethod
    def of(cls, finding: Finding, facts: Facts) -> Target:
        """A finding as match keys see it: empty is missing."""
        item = finding.item
        risks = item.risk_source.addon_risks if item.risk_source else None
        return cls(
            check=item.name or None,
            scope=finding.scope,
            facts=facts,
            kind=item.kind or None,
            group=item.group or None,
            level=item.level or None,
            phase=item.phase or None,
            message=item.message or None,
            error_codes=tuple(code or None for code in item.error_codes or ()),
            nodes=finding.nodes,
            addons=tuple(
                (risk.addon_template_name or None, risk.alias or None) for risk in risks or ()
            ),
            item=item,
        )

    @cached_property
    def data(self) -> dict[str, object] | None:
        """The check item as plain JSON data, as it came."""
        return _as_it_came(self.item) if self.item is not None else None

    @cached_property
    def found(self) -> dict[str, Found]:
        """What was found in it, by path."""
        return {}

    @cached_property
    def topic(self) -> str | None:
        """The catalogue's topic for this check item name."""
        return self.facts.topic_of(self.check) if self.check is not None else None


def _as_it_came(value: CheckItem | PrecheckTask) -> dict[str, object]:
    return value.model_dump(by_alias=True, exclude_unset=True)


class Patterns:
    """A list of patterns, any of which may fit; each over the whole value, case-sensitive."""

    def __init__(self, spec: Any) -> None:
        self.literals: frozenset[str] = frozenset()
        """Values spelled out: no glob, no regular expression."""
        literals: set[str] = set()
        anchors: list[Anchor | None] = []
        self._predicates: list[Predicate] = []
        for pattern in spec if isinstance(spec, list) else [spec]:
            if isinstance(pattern, Regex):
                self._predicates.append(fits_whole(pattern.regex))
                anchors.append(_anchor_of_regex(pattern.regex))
            elif isinstance(pattern, Equals):
                values = pattern.equals
                literals.update([values] if isinstance(values, str) else values)
            elif is_glob(pattern):
                self._predicates.append(_glob(pattern))
                anchors.append(_anchor_of_glob(pattern))
            else:
                literals.add(pattern)
        self.literals = frozenset(literals)
        anchors += [("whole", literal) for literal in self.literals]
        surely = [anchor for anchor in anchors if anchor is not None]
        self.anchors: list[Anchor] | None = surely if len(surely) == len(anchors) else None
        """What a value has to hold one of to fit or be left open; None where any may do."""

        self.spells_only = not self._predicates
        """No glob and no regular expression among them."""
        self.are_ascii = all(map(str.isascii, literals))
        self.narrow = frozenset(unicodedata.normalize("NFKC", text) for text in literals)
        self.matches_everything = not isinstance(spec, list) and spec == "*"

    def fits(self, value: str | None) -> Tri:
        """Open when the value is missing, even for `*`, and where a regular expression is."""
        if value is None:
            return None
        if value in self.literals:
            return True
        result: Tri = False
        for predicate in self._predicates:
            if fits := predicate(value):
                return True
            if fits is None:
                result = None
        return result


def fits_id(patterns: Patterns, cluster: str | None) -> Tri:
    """Whether the id of a cluster or node fits; open for one that fits but for its capitals.

    A UUID in capitals is the same UUID. One that is not what it looks like is open as well.
    """
    name = legible(cluster)
    fits = patterns.fits(name)
    if name is not None and fits is False:
        small = name.lower()
        if patterns.fits(small) or small in map(str.lower, patterns.literals):
            return None
    return fits


def fits_name(patterns: Patterns, name: str | None) -> Tri:
    """Whether the name of an add-on or node fits; open for one that is not what it looks like.

    One that fits where wide signs are narrow, such as `Everest（CSI）`, is open as well.
    """
    name = legible(name)
    fits = patterns.fits(name)
    if name is not None and fits is False and not (name.isascii() and patterns.are_ascii):
        narrow = unicodedata.normalize("NFKC", name)
        if patterns.fits(narrow) or narrow in patterns.narrow:
            return None
    return fits


@lru_cache(maxsize=4096)
def is_glob(pattern: str) -> bool:
    """Whether a string pattern is more than the value it spells."""
    return any(sign in pattern for sign in "*?[")


def spelled(text: str) -> str:
    """A string pattern that fits this text and no other."""
    return re.sub(r"[*?[]", r"[\g<0>]", text)


def _glob(pattern: str) -> Predicate:
    if pattern == "*":
        return lambda value: True
    if not is_glob(pattern[:-1]) and pattern.endswith("*"):
        prefix = pattern[:-1]
        return lambda value: value.startswith(prefix)
    # fnmatch's translation uses atomic groups: no backtracking over several stars.
    whole = re.compile(fnmatch.translate(pattern)).match
    return lambda value: whole(value) is not None


Anchor = tuple[Literal["whole", "start", "end", "inside"], str]
"""A text without which a value fits no pattern, and where the value has it."""

_LONGEST_ANCHOR = 64


_WILD = re.compile(r"[*?]|\[!?+\]?+[^\]]*+\]")
"""What a glob doesn't spell, as fnmatch reads it: a bracket that none closes is a plain sign."""


def _anchor_of_glob(pattern: str) -> Anchor | None:
    """The most telling text that a glob spells out."""
    texts = _WILD.split(pattern)
    inside = max(texts, key=_telling)
    found: tuple[Anchor, ...] = (
        ("start", texts[0][:_LONGEST_ANCHOR]),
        ("end", texts[-1][-_LONGEST_ANCHOR:]),
        ("inside", inside[:_LONGEST_ANCHOR]),
    )
    anchor = max(found, key=lambda one: _telling(one[1]))
    return anchor if anchor[1] else None


def _telling(text: str) -> int:
    """How few values a text may stand in, by its look: what many share are its words."""
    return len(text) + 2 * sum(map(str.isdigit, text))


_CLASS_PART = r"(?:[A-Za-z0-9_.:/-]|\\[dDwWsS._/:-])"
_REGEX_PART = re.compile(
    r"(?P<spelled>[A-Za-z0-9_ ,:;%='\"/@#~&<>!-]|[^\x00-\x7f]|\\[!-/:-@\[-`{-~])"
    r"|(?P<repeat>[*?+]|\{[0-9]+(?:,[0-9]*)?\})"
    r"|(?P<open>\((?!\?))|(?P<close>\))|(?P<or>\|)"
    rf"|(?P<any>[.^$]|\[\^?{_CLASS_PART}+\]|\\[dDwWsSbB])",
    re.ASCII,
)


def _anchor_of_regex(text: str) -> Anchor | None:
    """The most telling text that every value holds, outside of groups, where that is sure.

    Sure it is of the few forms that are known here. Of any other (a class of classes, a flag, a
    quotation, a sign by its number) nothing is: a rule must not go unasked.
    """
    runs: list[tuple[bool, list[str]]] = [(True, [])]
    depth = at = 0
    while at < len(text):
        part = _REGEX_PART.match(text, at)
        if part is None or (part["or"] and not depth):
            return None
        at = part.end()
        depth += bool(part["open"]) - bool(part["close"])
        if part["spelled"] and not depth:
            runs[-1][1].append(part[0][-1])
            continue
        if part["repeat"]:  # the sign before it may be missing
            runs[-1][1][-1:] = []
        runs.append((False, []))
    is_start, telling = max(runs, key=lambda run: _telling("".join(run[1])))
    spelled = "".join(telling)[:_LONGEST_ANCHOR]
    return (("start" if is_start else "inside"), spelled) if spelled else None


class Ranges:
    """Version ranges, any of which may fit."""

    def __init__(self, spec: str | list[str]) -> None:
        texts = [spec] if isinstance(spec, str) else spec
        self._ranges: list[VersionRange] = [parse_range(text) for text in texts]

    def fits(self, value: str | None) -> Tri:
        """Open when the version is missing; one that can't be read is in no range."""
        if value is None:
            return None
        version = parse_version(value)
        return version is not None and any(part.holds(version) for part in self._ranges)


_NAMES = ("uid", "name")


class NodePatterns:
    """The `node` mapping: all its keys over the same node."""

    def __init__(self, spec: NodeSpec) -> None:
        self._keys = [
            (key, Patterns(value))
            for key in ("uid", "name", "status", "type")
            if (value := getattr(spec, key)) is not None
        ]
        known = (
            (key, found)
            for key, patterns in self._keys
            if key in _NAMES and (found := patterns.anchors) is not None
        )
        self.anchors: tuple[str, list[Anchor]] | None = next(known, None)
        """`uid` or `name`, and what a node's has to hold one of to fit or be left open."""
        self._spelled: tuple[str, frozenset[str]] | None = None
        key, patterns = self._keys[0]
        if len(self._keys) == 1 and key in _NAMES and patterns.spells_only:
            spelled = (text for text in patterns.literals if legible(text) == text)
            self._spelled = key, frozenset(spelled)

    def fit_all(self, nodes: Iterable[Node]) -> Tri:
        """Whether every node fits. A waiver may spell a thousand, and an entry of a skip list."""
        if self._spelled is not None:
            key, spelled = self._spelled
            nodes = (node for node in nodes if getattr(node, key) not in spelled)
        return all_of(map(self.fits, nodes))

    def fits(self, node: Node) -> Tri:
        """Whether one node fits."""
        return all_of(
            fits_id(patterns, node.uid) if key == "uid" else fits_name(patterns, getattr(node, key))
            for key, patterns in self._keys
        )


@dataclass
class Trace:
    """Which keys matched and which were left open, for the record."""

    fields: list[str] = field(default_factory=list)
    undecided: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    paths: list[tuple[str, Outcome]] = field(default_factory=list)

    @property
    def key(self) -> tuple[object, ...]:
        """The same for all traces that say the same."""
        return *self.fields, None, *self.undecided, None, *self.refused, None, *self.paths


class Match:
    """A compiled match mapping: a conjunction of keys.

    Where a key yields several values (nodes, add-ons, error codes) a rule matches when any of
    them does, a waiver only when every one does and there is at least one.
    """

    def __init__(self, spec: MatchSpec) -> None:
        self.spec = spec
        self._simple: dict[str, Patterns] = {}
        for key in (*SIGNATURE_KEYS, "message", "cluster", "topic"):
            if (value := getattr(spec, key)) is not None:
                self._simple[key] = Patterns(value)
        self._ranges = {
            key: Ranges(value)
            for key in ("from_version", "target_version")
            if (value := getattr(spec, key)) is not None
        }
        self._error_code = Patterns(spec.error_code) if spec.error_code is not None else None
        self._addon = Patterns(spec.addon) if spec.addon is not None else None
        self._node = NodePatterns(spec.node) if spec.node is not None else None
        self._not = Match(spec.not_) if spec.not_ is not None else None
        self._any = [Match(part) for part in spec.any] if spec.any is not None else None
        self._alternatives_at = Lookup([(part, part) for part in self._any or []])
        self._where = [Condition(part) for part in spec.where or []]
        self.keys = self._collect_keys()
        """Every key used anywhere, nested ones included."""
        self.by_signature_alone = self.keys <= _SETTLED_KEYS
        """Whether it says the same of all findings of a response that share their signature."""

        self.same_in_every_response = self.by_signature_alone and not self.keys & _RESPONSE_KEYS
        """Whether it says that of the findings of any response."""

        self.by_signature_and_node = not (self.keys - _SETTLED_KEYS - {"node"}) and not any(
            "node" in part.keys for part in self._nested()
        )
        """Whether it says the same of findings with one signature, but for its `node` key."""

    def _collect_keys(self) -> frozenset[str]:
        keys = {key for name, key in MATCH_KEYS.items() if getattr(self.spec, name) is not None}
        for part in self._nested():
            keys |= part.keys
        return frozenset(keys)

    def _nested(self) -> list[Match]:
        return [*([self._not] if self._not else []), *(self._any or [])]

    @property
    def check(self) -> Patterns | None:
        """The patterns of the top-level `check` key."""
        return self._simple.get("check")

    @cached_property
    def anchors(self) -> dict[str, list[Anchor]]:
        """What a value has to hold one of, by its key; without keys of which any value may do.

        `uid` and `name` are those of nodes. What `alternatives` ask for is not among them.
        """
        found: dict[str, list[Anchor]] = {}
        if self._node is not None and self._node.anchors is not None:
            key, anchors = self._node.anchors
            found[key] = anchors
        for key, patterns in (
            ("message", self._simple.get("message")),
            ("error_code", self._error_code),
            ("addon", self._addon),
        ):
            if patterns is not None and patterns.anchors is not None:
                found[key] = patterns.anchors
        return found

    @property
    def alternatives(self) -> Sequence[Match]:
        """Those under `any:`."""
        return self._any or ()

    def node_fits(self, nodes: Sequence[Node], *, every: bool) -> Tri:
        """What its `node` key says: as a waiver reads it with `every`, else as a rule does."""
        assert self._node is not None  # noqa: S101 - only called when there is one
        if not nodes:
            return False
        return self._node.fit_all(nodes) if every else any_of(map(self._node.fits, nodes))

    @property
    def names_checks(self) -> bool:
        """Whether it picks checks by name: by `check`, more narrowly than `*`, or by `$.name`."""
        return any(not patterns.matches_everything for patterns in self._of("check")) or any(
            part.asks_for_name for part in self._name_conditions()
        )

    def _name_conditions(self) -> list[Condition]:
        own = [part for part in self._where if part.may_ask_for_name]
        return own + [found for part in self._any or [] for found in part._name_conditions()]

    def _of(self, key: str) -> list[Patterns]:
        """The patterns of every use of a key, outside `not:`."""
        own = [self._simple[key]] if key in self._simple else []
        return own + [found for part in self._any or [] for found in part._of(key)]

    def could_name(self, check: str, topic: str | None) -> bool:
        """Whether what asks for checks by name, outside `not:`, fits this one or may.

        By `check`, by `$.name` or, where its `topic` is known, by that.
        """
        own = [patterns.fits(check) for patterns in self._of("check")]
        own += [patterns.fits(topic) for patterns in self._of("topic") if topic is not None]
        own += [part.fits_alone(check) for part in self._name_conditions() if part.compares]
        return any(fits is not False for fits in own)

    def literals(self, key: str) -> Iterable[frozenset[str]]:
        """For each use of a key, under `any:` too, the values it spells if it does only that."""
        if key in self._simple and self._simple[key].spells_only:
            yield self._simple[key].literals
        for part in self._any or []:
            yield from part.literals(key)

    def conditions(self) -> list[Condition]:
        """Its JSONPath conditions, nested ones included."""
        return self._where + [found for part in self._nested() for found in part.conditions()]

    def by_signature(self, target: Target, keys: Iterable[str] = SIGNATURE_KEYS) -> bool:
        """False only when the signature alone, or some keys of it, already rules a match out."""
        simple = self._simple
        return not any(
            simple[key].fits(getattr(target, key)) is False for key in keys if key in simple
        )

    def fits_rule(self, target: Target, trace: Trace | None = None) -> Tri:
        """As a rule reads it: any value of a key will do, under `not:` too."""
        return self._fits(target, every=False, waiver=False, trace=trace)

    def fits_waiver(self, target: Target, trace: Trace | None = None) -> Tri:
        """As a waiver reads it: every value of a key must fit; under `not:` one excludes."""
        return self._fits(target, every=True, waiver=True, trace=trace)

    def _fits(
        self,
        target: Target,
        *,
        every: bool,
        waiver: bool,
        trace: Trace | None,
        negated: bool = False,
    ) -> Tri:
        result: Tri = True
        for key, part in self._parts(
            target, every=every, waiver=waiver, trace=trace, negated=negated
        ):
            if trace is not None:
                bucket = {True: trace.fields, None: trace.undecided, False: trace.refused}[part]
                bucket.append(key)
            if part is False:
                if trace is None:
                    return False
                result = False
            elif part is None and result is True:
                result = None
        return result

    def _parts(
        self, target: Target, *, every: bool, waiver: bool, trace: Trace | None, negated: bool
    ) -> Iterable[tuple[str, Tri]]:
        for key, patterns in self._simple.items():
            if key == "cluster":
                facts = target.facts
                yield key, None if facts.cluster_disputed else fits_id(patterns, facts.cluster)
            else:
                yield key, patterns.fits(getattr(target, key))
        for key, ranges in self._ranges.items():
            yield key, ranges.fits(getattr(target.facts, key))
        several = all_of if every else any_of
        if self._error_code is not None:
            # An item without error codes leaves the key open: no published example has any.
            codes = target.error_codes
            fits = self._error_code.fits
            yield "error_code", several([fits(legible(code)) for code in codes]) if codes else None
        if self._addon is not None:
            addons = target.addons
            yield (
                "addon",
                several([self._fits_addon(addon) for addon in addons]) if addons else None,
            )
        if self._node is not None:
            # Without nodes it is no node finding: surely no match, not an open one.
            yield "node", self.node_fits(target.nodes, every=every)
        if self._not is not None:
            inner = self._not._fits(
                target,
                every=waiver and not every,
                waiver=waiver,
                trace=None,
                negated=not negated,
            )
            yield "not", negate(inner)
        if self._any is not None:
            yield (
                "any",
                any_of(
                    [
                        part._fits(target, every=every, waiver=waiver, trace=None, negated=negated)
                        # The others surely do not fit.
                        for part in self._alternatives_at.of(target, sure=False)
                    ]
                ),
            )

        # Last, because a path costs more than all the other keys together.
        for condition in self._where:
            outcome = _ask(condition, target, every=every)
            if outcome is not None:
                asked = target.facts.met if outcome.matches else target.facts.missed
                asked.add(id(condition))
            if outcome is not None and trace is not None:
                trace.paths.append((condition.path, outcome))
            elif outcome is not None and outcome.unlike and outcome.fits is False:
                target.facts.unlike.add(id(condition))
            if outcome is None or (negated and outcome.no_proof):
                yield "where", None  # `not:` would turn the want of a proof into a proof
            else:
                yield "where", outcome.fits

    def _fits_addon(self, names: tuple[str | None, str | None]) -> Tri:
        # Template name and alias are two names of one add-on: either may be meant.
        patterns = self._addon
        assert patterns is not None  # noqa: S101 - only called when there is one
        return any_of(fits_name(patterns, name) for name in names)

    def leaving_out(self) -> Iterator[tuple[str, Callable[[Target], Tri]]]:
        """By what a waiver leaves something out, and whether it leaves out a finding, or may."""
        if self._not is not None:
            inner = self._not
            keys = sorted(inner.keys - {"not", "any"})
            yield (
                f"not: {', '.join(keys)}",
                lambda target: inner._fits(
                    target, every=False, waiver=True, trace=None, negated=True
                ),
            )
        for condition in self._where:
            if condition.leaves_out and not condition.on_response:
                yield condition.path, partial(_is_left_out, condition)
        for part in self._any or []:
            yield from part.leaving_out()

    def spells(self, target: Target) -> set[str]:
        """Which of `kind` and `level` it spells out just as the target has them.

        No glob, no regular expression, not under `not:`; under `any:` only where that
        alternative surely matches.
        """
        keys: tuple[str, ...] = ("kind", "level")
        spelled = {
            key
            for key in keys
            if key in self._simple and getattr(target, key) in self._simple[key].literals
        }
        for part in self._alternatives_at.of(target, sure=False):
            if part.fits_rule(target) is True:
                spelled |= part.spells(target)
        return spelled


def _is_left_out(condition: Condition, target: Target) -> Tri:
    outcome = _ask(condition, target, every=True)
    return None if outcome is None else negate(outcome.fits)


def _ask(condition: Condition, target: Target, *, every: bool) -> Outcome | None:
    """A condition's answer; None where there is nothing to ask yet."""
    if not condition.on_response:
        data = target.data
        return condition.decide(data, target.found, every=every) if data is not None else None
    facts = target.facts
    if target.item is None:
        return None
    key = (id(condition), every)
    if key not in facts.decided:
        if facts.document is None:
            return None
        facts.decided[key] = condition.decide(facts.document, facts.found, every=every)
    return facts.decided[key]
