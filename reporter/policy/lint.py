"""What is wrong with a policy or waiver list, and what only looks right.

First everything the loader refuses, all of it at once; then whatever loads is looked at for rules
and waivers that can't do what they seem to do. A part that could not be read is left out of that
second look and never called fine: the mistake that kept it out is an error of its own.

"Always matches too" and "can never match" are only said where they follow from what is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache, cached_property
from typing import Any, Final, Literal

from pydantic import ValidationError

from reporter import yamlfile
from reporter.catalogue.read import Catalogue
from reporter.errors import PolicyError
from reporter.mistakes import at_path
from reporter.policy import load, regex
from reporter.policy.compare import Key, Keys, Versions, regex_fits_everything
from reporter.policy.match import FINDING_KEYS, Patterns, is_glob
from reporter.policy.model import (
    MATCH_KEYS,
    Equals,
    MatchSpec,
    PolicySpec,
    Regex,
    RuleSpec,
    Spec,
    WaiverListSpec,
    WaiverSpec,
    alike,
)
from reporter.policy.slips import (
    DOCUMENTED,
    NODE_WORDS,
    ORDERED,
    asked_by,
    compares_texts_with_numbers,
    orders_numbers_as_texts,
    path_of,
)
from reporter.precheck.model import (
    LEVELS,
)
from reporter.record.dates import is_day, parse_end, parse_instant
from reporter.signs import is_todo
from reporter.yamlfile import Document, Path

Severity = Literal["error", "warning", "note"]

CODES: Final[dict[str, tuple[Severity, str]]] = {
    # What the loader refuses
    "unreadable": ("error", "The file can't be read, or no shipped policy has this name."),
    "yaml": ("error", "The file is not the YAML that policies are written in."),
    "duplicate-key": ("error", "A key stands twice in one mapping; only one of them would count."),
    "unknown-key": ("error", "A key the language does not have."),
    "missing-key": ("error", "A key that has to be there is not."),
    "missing-value": ("error", "A key without a value; leave it out or give it one."),
    "unquoted-scalar": ("error", "YAML reads this as a number, true or false; quote it."),
    "invalid-value": ("error", "A value the key does not take."),
    "invalid-regex": ("error", "RE2 can't use this regular expression."),
    "duplicate-id": ("error", "Two rules or two waivers of a file have the same id."),
    "refused": ("error", "The loader refuses the file for another reason, which it names."),
    "waiver-demand": ("error", "A waiver lacks what a policy demands of every waiver."),
    "conflicting-id": ("warning", "One id, different content: these files can't be used together."),
    # Waivers
    "waiver-todo": ("error", "A waiver's reason, approver or ticket still says TODO."),
    "waiver-never-valid": ("error", "A waiver expires before it starts."),
    "waiver-expired": ("warning", "A waiver has expired and waives nothing any more."),
    "waiver-unusable": ("warning", "A waiver that no finding can ever use."),
    "waiver-broad": ("warning", "A waiver that covers more than one check by name."),
    "waiver-approved-later": ("warning", "A waiver was approved in the future, or after it began."),
    "waiver-expiring": ("note", "A waiver expires soon."),
    "waiver-not-yet-valid": ("note", "A waiver only begins long after the instant."),
    "waiver-permanent": ("note", "A waiver never expires; most policies refuse it."),
    "waiver-unsigned": ("note", "A waiver names no approver or no ticket."),
    "waiver-partly-blocked": ("note", "A rule with waivable: false blocks part of a waiver."),
    "redundant-waiver": ("note", "Another waiver covers the same findings for as long."),
    # Rules
    "never-matches": ("warning", "A match whose keys contradict one another."),
    "dead-alternative": ("warning", "One mapping under any: contradicts the keys beside it."),
    "useless-not": ("note", "A not: that excludes nothing the other keys would match."),
    "undecidable": ("warning", "A match that asks for what such findings never say."),
    "duplicate-rule": ("warning", "Two rules with the same match and the same effect."),
    "redundant-rule": ("warning", "A broader rule says the same, and this one adds nothing."),
    "overridden-rule": ("warning", "A stricter rule matches whenever this one does."),
    "no-effect": ("warning", "A rule whose effect can't change what it matches."),
    "limit-never-exceeded": ("warning", "A limit that no number can exceed."),
    "not-yet-effective": ("note", "A rule that only warns until its effective_on."),
    # Patterns
    "undocumented-value": (
        "warning",
        "A kind, level, group, phase, scope or node type nobody documents.",
    ),
    "unknown-check": ("note", "A check name the catalogue does not know; most are not public."),
    "unknown-topic": ("note", "A topic id the catalogue does not know, or knows no check name of."),
    "blank-at-edge": ("warning", "A pattern that begins or ends with a blank."),
    "bracket-in-glob": ("warning", "[ ] in a glob over a message is one character of a set."),
    "regex-everything": ("warning", "A regular expression that fits every value."),
    "regex-like-glob": ("warning", "A regular expression that looks like a glob."),
    "base-refused": ("error", "A policy that a policy extends is refused."),
    "glob-like-regex": ("warning", "A glob that looks like a regular expression."),
    "glob-under-equals": ("warning", "A wildcard under equals, where it is a sign like others."),
    "list-in-a-name": ("warning", "A name with the signs that lists are written with elsewhere."),
    "waiver-any-value": ("warning", "A waiver whose condition is met by one value among others."),
    "unknown-path": ("warning", "A path to a field the API does not document."),
    "ordered-texts": ("warning", "A number or version in quotes that lt, le, gt or ge order by."),
    "not-a-text": ("warning", "A number or true/false compared with a field that is a text."),
    "ambiguous-scalar": ("warning", "Text here, but other YAML tools read something else."),
    # The policy as a whole
    "nothing-can-fail": ("warning", "No rule fails and the default does not either."),
    "empty-waiver-list": ("warning", "A waiver list in which no waiver is switched on."),
    "empty-policy": ("note", "Neither rules nor waivers: the defaults decide everything."),
    "skips-tolerated": ("note", "Checks skipped on the server do not fail."),
    "repeated-id": ("note", "The same rule or waiver stands in two files."),
    "not-compared": ("note", "So many rules or waivers that not all were compared."),
    "not-examined": ("note", "Keys that lint does not know were only loaded, not looked at."),
}
"""Every code: its usual severity, and what it means."""

MOST_COMPARED = 200_000
"""Pairs of rules, or of waivers, that are compared for what one of them adds."""

_LETTERS = 'as texts "9" is above "110": write matches, with a regular expression'

EXPIRING_WITHIN = timedelta(days=14)
LONG_AHEAD = timedelta(days=90)

_VOCABULARIES = {
    **DOCUMENTED,
    "scope": frozenset({"cluster", "addon", "node"}),
    **{f"node.{key}": words for key, words in NODE_WORDS.items()},
}
_KNOWN_KEYS: dict[type[Spec], frozenset[str]] = {
    PolicySpec: frozenset({
        "apiVersion", "kind", "metadata", "extends", "overridable", "applies_to", "defaults",
        "evidence", "rules", "waivers", "waivers_may_be_permanent", "waiver_requires",
        "max_waiver_days",
    }),
    WaiverListSpec: frozenset({"apiVersion", "kind", "metadata", "waivers"}),
    RuleSpec: frozenset({
        "id", "title", "match", "effect", "message", "remediation", "reason", "waivable",
        "locked", "effective_on", "limit", "below",
    }),
    MatchSpec: frozenset({
        "check", "kind", "level", "group", "phase", "scope", "message", "error_code", "node",
        "addon", "cluster", "from_version", "target_version", "topic", "not", "any", "where",
    }),
    WaiverSpec: frozenset({
        "id", "reason", "expires", "starts", "approved_by", "approved_on", "ticket",
        "max_findings",
    }),
}  # fmt: skip
"""What this module looks at; other keys of the models are named in a note."""

_DATE_KEYS = frozenset({"expires", "starts", "approved_on", "effective_on"})


@dataclass(frozen=True)
class Problem:
    """One finding of lint, and where it is."""

    code: str
    severity: Severity
    file: str
    line: int
    column: int
    message: str
    hint: str | None = None


@dataclass(frozen=True)
class Report:
    """The problems of some files, by file in the order given, then by line."""

    files: tuple[str, ...]
    problems: tuple[Problem, ...]
    lines: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The lines of every file that could be read as text."""

    def source_line(self, problem: Problem) -> str | None:
        """The line a problem is on."""
        lines = self.lines.get(problem.file, ())
        return lines[problem.line - 1] if 0 < problem.line <= len(lines) else None


def lint(
    sources: Sequence[str], *, at: datetime, expiring_within: timedelta = EXPIRING_WITHIN
) -> Report:
    """Look at policies and waiver lists: paths, or `builtin:NAME`."""
    names = tuple(dict.fromkeys(sources))
    files = [_File.read(name) for name in names]
    policies = [file for file in files if isinstance(file.spec, PolicySpec)]
    # With one policy the files are clearly meant for each other; a whole folder of them is not.
    only = policies[0] if len(policies) == 1 else None
    known = Catalogue.load()
    for file in files:
        _Look(file, only or file, at, expiring_within, known).all()
        file.refused_with_its_base()
    _across(files, together=only is not None)
    order = {name: index for index, name in enumerate(names)}
    problems = sorted(
        dict.fromkeys(problem for file in files for problem in file.problems),
        key=lambda one: (
            order.get(one.file, len(order)),
            one.file,
            one.line,
            one.column,
            one.code,
            one.message,
        ),
    )
    return Report(names, tuple(problems), {file.name: file.lines for file in files})


# What the loader refuses -------------------------------------------------------------------------

_PLACE = re.compile(r"(?P<file>.+?):(?P<line>[0-9]+):(?P<column>[0-9]+): (?P<text>.*)", re.DOTALL)
_LOADER_CODES = (
    ("unknown-key", re.compile(r"unknown key |does not go with the other key")),
    ("duplicate-key", re.compile(r'key ".*" appears twice')),
    ("unquoted-scalar", re.compile(r"in YAML; write ")),
    ("duplicate-id", re.compile(r"is used twice; first on")),
    ("missing-value", re.compile(r'^".*" has no value$')),
    ("missing-key", re.compile(r'^".*" is missing$')),
    ("invalid-regex", re.compile(r"RE2 can't use")),
)


class _File:
    """A file, what of it could be loaded, and what was found in it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: tuple[str, ...] = ()
        self.problems: list[Problem] = []
        self.document = Document(None, name)
        self.spec: PolicySpec | WaiverListSpec | None = None
        self.merged: load.Policy | None = None
        """The file as the loader sees it, with the layers below it; None where it refuses."""
        self.whole = False
        """Whether all of it was understood."""

    @classmethod
    def read(cls, name: str) -> _File:
        """Read and load a file; every mistake becomes a problem."""
        file = cls(name)
        try:
            data = load._read(name)
        except PolicyError as error:
            file.refused(error, "unreadable")
            return file
        # The line breaks YAML knows, so that its line numbers fit.
        text = data.decode("utf-8-sig", errors="replace")
        file.lines = tuple(re.split("\r\n|[\n\r\x85\u2028\u2029]", text))
        try:
            file.document = yamlfile.load(data, name)
        except PolicyError as error:
            file.refused(error, "yaml")
            return file
        file._load()
        return file

    def refused_with_its_base(self) -> None:
        """A mistake in a base is told where it is; what stands on the base isn't fine either."""
        own = any(one.file == self.name and one.severity == "error" for one in self.problems)
        others = any(one.file != self.name and one.severity == "error" for one in self.problems)
        if others and not own and self.merged is None:
            self.add("base-refused", ("extends",), "a policy it extends is refused")

    def add(
        self,
        code: str,
        path: Path,
        message: str,
        hint: str | None = None,
        *,
        severity: Severity | None = None,
        key: bool = False,
    ) -> None:
        """A problem at a path of the file."""
        mark = self.document.where(path, key=key)
        self.problems.append(
            Problem(
                code, severity or CODES[code][0], self.name, mark.line, mark.column, message, hint
            )
        )

    def refused(self, error: PolicyError, fallback: str) -> None:
        """What the loader says, with its code and its place."""
        for text in error.problems:
            file, line, column = self.name, 1, 1
            message = text.removeprefix(f"{self.name}: ")
            prefix = re.match(re.escape(self.name) + r":([0-9]+):([0-9]+): ", text)
            if prefix is not None:
                line, column, message = int(prefix[1]), int(prefix[2]), text[prefix.end() :]
            elif found := _PLACE.fullmatch(text):
                file, message = found["file"], found["text"]
                line, column = int(found["line"]), int(found["column"])
            code = next((code for code, says in _LOADER_CODES if says.search(message)), fallback)
            self.problems.append(
                Problem(code, CODES[code][0], file, line, column, message, error.hint)
            )

    def _load(self) -> None:
        data = self.document.data
        kind: Literal["Policy", "WaiverList"] = "Policy"
        if isinstance(data, dict):
            # A misspelled kind is still looked at as the kind that was probably meant.
            meant = yamlfile.nearest(str(data.get("kind")), ("Policy", "WaiverList"))
            kind = "WaiverList" if meant == "WaiverList" else "Policy"
        try:
            load._check_kind(self.document, kind)
        except PolicyError as error:
            self.refused(error, "yaml")
            return
        self._salvage(PolicySpec if kind == "Policy" else WaiverListSpec)
        self.whole = not self.problems
        if isinstance(self.spec, PolicySpec) and (self.whole or self._says_what_it_demands(data)):
            self._demands(self.spec, self.spec.waivers or [], "this policy")
        if self.whole and isinstance(self.spec, PolicySpec):
            try:
                self.merged = load.Policy.load(self.name)
            except PolicyError as error:
                self.whole = False
                before = {(one.file, one.line, one.column) for one in self.problems}
                for index, waiver in enumerate(self.spec.waivers or []):
                    if _never_valid(waiver):  # said below, by its own code
                        mark = self.document.where(("waivers", index, "expires"))
                        before.add((self.name, mark.line, mark.column))
                found = len(self.problems)
                self.refused(error, "refused")
                self.problems[found:] = [
                    one
                    for one in self.problems[found:]
                    if (one.file, one.line, one.column) not in before
                ]

    def _says_what_it_demands(self, data: dict[str, Any]) -> bool:
        """Whether what a policy demands of its waivers was understood, whatever else was not."""
        return all(
            key not in data or key in self.document.data
            for key in ("waivers_may_be_permanent", "waiver_requires", "max_waiver_days")
        )

    def _same_ids(self) -> dict[str, tuple[int, int]]:
        """Ids used twice, also by what is left out for another mistake."""
        problems = load._Problems(self.document)
        for where, what in (("rules", "rule"), ("waivers", "waiver")):
            parts = self.document.data.get(where)
            seen: dict[str, int] = {}
            for index, part in enumerate(parts if isinstance(parts, list) else []):
                if isinstance(part, dict) and isinstance(part.get("id"), str):
                    load._unique(seen, part["id"], index, where, what, problems)
        return problems.found

    def _salvage(self, model: type[PolicySpec | WaiverListSpec]) -> None:
        """Load what can be loaded: each mistake takes its rule, waiver or top key out."""
        nulls, mistakes = load._Problems(self.document), load._Problems(self.document)
        nulls.refuse_nulls()
        drop = {
            _unit(path)
            for path in self.document.values
            if len(path) > 1 and at_path(self.document.data, path) is None
        }
        try:
            spec = model.model_validate(self.document.data)
        except ValidationError as error:
            mistakes.add_validation(error)
            drop |= {_unit(item["loc"]) for item in error.errors(include_url=False)}
        # A key without a value is said once, not again for the type it lacks.
        places = set(nulls.found.values())
        said = nulls.found | {
            text: place for text, place in mistakes.found.items() if place not in places
        }
        said |= self._same_ids()
        if drop:
            pruned = _without(self.document, drop)
            try:
                spec = model.model_validate(pruned.data)
            except ValidationError:
                self._say(said)
                return
            self.document = pruned
        meaning = load._Problems(self.document)
        load._check_meaning(spec, meaning)
        self._say(said | meaning.found)
        if meaning.found:
            # A rule with a pattern that can't be compiled is not looked at either.
            places = set(meaning.found.values())
            drop = {
                _unit(path)
                for path, mark in self.document.values.items()
                if path and (mark.line, mark.column) in places
            }
            self.document = _without(self.document, drop)
            try:
                spec = model.model_validate(self.document.data)
            except ValidationError:
                return
        self.spec = spec

    def _say(self, found: dict[str, tuple[int, int]]) -> None:
        if found:
            self.refused(PolicyError("", problems=tuple(found)), "invalid-value")

    def _demands(
        self, policy: PolicySpec, waivers: Sequence[WaiverSpec], whose: str, *, sure: bool = True
    ) -> None:
        """What a policy asks of every waiver. The loader stops at the first that lacks it."""
        severity: Severity = "error" if sure else "warning"
        for index, waiver in enumerate(waivers):
            place = ("waivers", index, "id")

            def refuse(message: str, place: Path = place, waiver: WaiverSpec = waiver) -> None:
                text = f'waiver "{waiver.id}" {message}'
                self.add("waiver-demand", place, text, severity=severity)

            if waiver.expires is None and not policy.waivers_may_be_permanent:
                refuse('needs "expires": only waivers_may_be_permanent: true lets it be left out')
            for name in sorted(set(policy.waiver_requires or [])):
                given: str | int | None = getattr(waiver, name)
                if given is None:
                    refuse(f'needs "{name}": {whose} lists it under waiver_requires')
                elif isinstance(given, str) and is_todo(given):
                    said = f'says "{name}: {given.strip()}"'
                    here = ("waivers", index, name)
                    refuse(f"{said}: {whose} lists it under waiver_requires", here)
            if policy.max_waiver_days is None:
                continue
            start, end = _period(waiver)
            if start is None:
                refuse(f'needs "starts" or "approved_on": {whose} sets max_waiver_days')
            elif end is None or end - start > timedelta(days=policy.max_waiver_days):
                refuse(
                    f"holds longer than the {policy.max_waiver_days} days {whose} allows "
                    "(max_waiver_days)"
                )


def _never_valid(waiver: WaiverSpec) -> bool:
    start, end = _period(waiver)
    return start is not None and end is not None and start >= end


def _unit(path: Sequence[Any]) -> Path:
    """What has to go where something at a path is wrong: a list's item, or a top key."""
    if len(path) > 1 and path[0] in ("rules", "waivers") and isinstance(path[1], int):
        return (path[0], path[1])
    return tuple(path[:1])


_STUBS: Final[dict[str, Any]] = {"apiVersion": load.API_VERSION, "metadata": {"name": "?"}}


def _without(document: Document, drop: set[Path]) -> Document:
    """A document without some of its parts; every place stays what it was in the file."""
    data = {key: value for key, value in document.data.items() if (key,) not in drop}
    data = _STUBS | data | {"kind": _meant_kind(document)}
    moved: dict[Path, Path] = {}
    for section in ("rules", "waivers"):
        if isinstance(data.get(section), list):
            kept = [i for i in range(len(data[section])) if (section, i) not in drop]
            moved |= {(section, old): (section, new) for new, old in enumerate(kept)}
            data[section] = [data[section][index] for index in kept]

    def move(path: Path) -> Path | None:
        unit = _unit(path)
        if len(unit) < 2:
            return path
        return (*moved[unit], *path[2:]) if unit in moved else None

    def places(table: dict[Path, Any]) -> dict[Path, Any]:
        return {new: mark for path, mark in table.items() if (new := move(path)) is not None}

    return Document(
        data, document.name, places(document.values), places(document.keys),
        places(document.spellings),
    )  # fmt: skip


def _meant_kind(document: Document) -> str:
    meant = yamlfile.nearest(str(document.data.get("kind")), ("Policy", "WaiverList"))
    return meant or "Policy"


# Ready to be compared -----------------------------------------------------------------------------


def _period(waiver: WaiverSpec) -> tuple[datetime | None, datetime | None]:
    begins = waiver.starts or waiver.approved_on
    return (
        parse_instant(begins) if begins else None,
        parse_end(waiver.expires) if waiver.expires else None,
    )


@dataclass(frozen=True)
class _Rule:
    """A rule, ready to be compared."""

    spec: RuleSpec
    path: Path
    where: str

    @cached_property
    def keys(self) -> Keys:
        keys = Keys(self.spec.match)
        # A rule looks at Failed findings unless it speaks of phases.
        return keys if "phase" in keys.everywhere() else keys.also(phase="Failed")

    @cached_property
    def comparable(self) -> bool:
        """Whether its effect on a finding follows from its match alone."""
        return getattr(self.spec, "limit", None) is None and _unexamined(self.spec) == set()

    @cached_property
    def begins(self) -> datetime | None:
        """From when on its fail is a fail."""
        return parse_instant(self.spec.effective_on) if self.spec.effective_on else None


def _unexamined(spec: Spec) -> set[str]:
    """Keys in use that this module does not look at."""
    known: frozenset[str] = frozenset().union(
        *(keys for cls, keys in _KNOWN_KEYS.items() if isinstance(spec, cls))
    )
    fields = type(spec).model_fields
    return {fields[name].alias or name for name in spec.model_fields_set} - known


# What loads, looked at ---------------------------------------------------------------------------


class _Look:
    """One file, looked at beside the policy it is used with (itself, if it is one)."""

    def __init__(
        self, file: _File, beside: _File, at: datetime, soon: timedelta, known: Catalogue
    ) -> None:
        self.file = file
        self.known = known
        self.beside = beside
        self.at = at
        self.soon = soon
        self.add = file.add
        self.seen: set[str] = set()
        self.unexamined: set[str] = set()

    def all(self) -> None:
        """Everything there is to look at in what could be loaded."""
        spec = self.file.spec
        if spec is None:
            return
        self._scalars(self.file.document.data, ())
        self.unexamined |= _unexamined(spec)
        rules = _rules(self.file)
        for rule in rules:
            self._rule(rule)
        self._shadows(rules)
        self._waivers(spec.waivers or [])
        if isinstance(spec, PolicySpec):
            self._policy(spec)
        elif not spec.waivers and self.file.whole:
            self.add(
                "empty-waiver-list",
                ("waivers",) if "waivers" in self.file.document.data else ("metadata",),
                "this list holds no waiver: nothing is waived by it",
                "lines behind a # are comments; take the # off the waivers that are approved",
            )
        elif isinstance(self.beside.spec, PolicySpec):
            self.file._demands(self.beside.spec, spec.waivers or [], self.beside.name)
        if self.unexamined:
            names = ", ".join(sorted(self.unexamined))
            self.add("not-examined", (), f"lint does not look at {names}; the loader checked it")

    # Scalars

    def _scalars(self, value: Any, path: Path) -> None:
        if isinstance(value, dict):
            for key, part in value.items():
                self._scalars(part, (*path, key))
        elif isinstance(value, list):
            for index, part in enumerate(value):
                self._scalars(part, (*path, index))
        elif isinstance(value, str) and path and _YAML11.fullmatch(value):
            # `off` is how evidence lines are switched off, and days are written bare.
            if path[0] == "evidence" or (path[-1] in _DATE_KEYS and is_day(value)):
                return
            mark = self.file.document.where(path)
            line = self.file.lines[mark.line - 1] if mark.line <= len(self.file.lines) else ""
            if line[mark.column - 1 :].startswith(value):
                what = "a date or number" if value[0].isdigit() else "true or false"
                self.add(
                    "ambiguous-scalar",
                    path,
                    f"{value} is text here, but {what} to many YAML tools",
                    f'write "{value}" in quotes',
                )

    # The policy as a whole

    def _policy(self, spec: PolicySpec) -> None:
        if not self.file.whole or self.file.merged is None:
            return  # what is missing may be among what could not be read
        merged = self.file.merged
        for key in ("required_checks", "required_on_every_node"):
            wanted = getattr(spec.evidence.complete, key) if spec.evidence else None
            if wanted is not None:
                place: Path = ("evidence", "complete", key)
                for pattern, here in _each(wanted, place):
                    self._pattern("check", pattern, here)
        fails = any(rule.effect == "fail" for rule in merged.rules)
        if merged.unmatched != "fail" and not fails:
            self.add(
                "nothing-can-fail",
                ("defaults", "unmatched"),
                f"no rule fails and unmatched is {merged.unmatched}: no failed check can fail",
                "add a rule with effect: fail, or leave unmatched out",
            )
        elif not merged.rules and not merged.waivers:
            self.add(
                "empty-policy", ("metadata",), "no rules and no waivers: whatever failed, fails"
            )
        if merged.skipped != "fail":
            self.add(
                "skips-tolerated",
                ("defaults", "skipped"),
                f"checks skipped on the server count as {merged.skipped} without any waiver",
            )

    # Rules

    def _rule(self, rule: _Rule) -> None:
        spec, path = rule.spec, rule.path
        self.unexamined |= _unexamined(spec)
        match = (*path, "match")
        self._match(spec.match, match, sure_only=spec.effect == "note", top=True)
        if rule.begins is not None and rule.begins > self.at and spec.effect == "fail":
            self.add(
                "not-yet-effective",
                (*path, "effective_on"),
                f'rule "{spec.id}" only warns until {spec.effective_on}',
            )
        limit = getattr(spec, "limit", None)
        if limit is not None and limit.max_percent is not None and limit.max_percent >= 100:
            self.add(
                "limit-never-exceeded",
                (*path, "limit", "max_percent"),
                f'rule "{spec.id}": no more than 100 percent can fail',
            )
        if spec.effect == "fail" or not rule.comparable or not rule.spec.waivable:
            return  # what is not waivable keeps waivers from skipped checks as well
        group, phase = rule.keys.keys.get("group"), rule.keys.keys.get("phase")
        if phase is not None and phase.spelled and phase.literals <= {"Init", "Running"}:
            self.add(
                "no-effect",
                (*match, "phase"),
                f'rule "{spec.id}": a check that has not ended is unknown; only fail changes that',
            )
        elif (
            group is not None
            and group.spelled
            and group.literals == {"ExecuteException"}
            and phase is not None
            and phase.literals == {"Failed"}
        ):
            self.add(
                "no-effect",
                (*match, "group"),
                f'rule "{spec.id}": a check that broke is unknown; only fail changes that',
            )

    def _shadows(self, rules: Sequence[_Rule]) -> None:
        """Rules that another rule makes pointless."""
        others = [other for other in [*rules, *_inherited(self.file)] if other.comparable]
        places = {id(rule): index for index, rule in enumerate(rules)}
        index_of = _Near([other.keys for other in others])
        for rule in rules:
            if not rule.comparable:
                continue
            near = index_of.may_cover(rule.keys)
            if near is None:
                self._not_compared("rules", len(rules))
                return
            named = rule.keys.named
            found: dict[str, _Rule] = {}
            for index in near:
                other = others[index]
                # Most pairs end here: the other asks for a key this one does not name.
                if other.keys.asks <= named and other is not rule:
                    later = places.get(id(other), -1) < places[id(rule)]
                    code = _shadow(rule, other, later=later)
                    if code is not None:
                        found.setdefault(code, other)
            for code in ("overridden-rule", "duplicate-rule", "redundant-rule"):
                if code in found:
                    self._shadowed(rule, code, found[code])
                    break

    def _not_compared(self, section: str, count: int) -> None:
        self.add(
            "not-compared",
            (section,),
            f"{count:,} {section} are too many to compare each with each: of some it is not said "
            "whether they add anything",
        )

    def _shadowed(self, rule: _Rule, code: str, other: _Rule) -> None:
        spec, its = rule.spec, other.spec
        if code == "overridden-rule":
            message = (
                f'rule "{spec.id}" says {spec.effect}, but rule "{its.id}" ({other.where}) '
                f"matches whenever it does and says {its.effect}"
            )
            hint = f'narrow "{its.id}", for example with not:, or remove "{spec.id}"'
        elif code == "duplicate-rule":
            message = f'rule "{spec.id}" matches the same as rule "{its.id}" ({other.where})'
            hint = "keep one of them"
        else:
            message = (
                f'rule "{spec.id}" adds nothing to rule "{its.id}" ({other.where}), which matches '
                f"whenever it does and says {its.effect} too"
            )
            hint = "remove it, or give it a title, message or remediation of its own"
        self.add(code, (*rule.path, "id"), message, hint)

    # Matches

    def _match(self, spec: MatchSpec, path: Path, *, sure_only: bool, top: bool = False) -> None:
        """Everything about one match mapping. `sure_only`: what is left open does not match."""
        self.unexamined |= _unexamined(spec)
        for name, key in MATCH_KEYS.items():
            value = getattr(spec, name)
            here = (*path, key)
            if value is None or key in ("from_version", "target_version"):
                continue
            if key == "node":
                for part in type(value).model_fields:
                    for pattern, place in _each(getattr(value, part), (*here, part)):
                        self._pattern(f"node.{part}", pattern, place)
            elif key == "not":
                self._match(value, here, sure_only=False)
            elif key == "any":
                for index, part in enumerate(value):
                    self._match(part, (*here, index), sure_only=sure_only)
            elif key == "where":
                for index, condition in enumerate(value):
                    self._where(condition, (*here, index))
            else:
                for pattern, place in _each(value, here):
                    self._pattern(key, pattern, place)
        self._contradictions(Keys(spec), path, sure_only=sure_only, top=top)

    def _contradictions(self, keys: Keys, path: Path, *, sure_only: bool, top: bool) -> None:
        dead = [index for index, part in enumerate(keys.alternatives) if keys.apart_from(part)]
        if dead and len(dead) == len(keys.alternatives):
            self.add(
                "never-matches",
                (*path, "any"),
                "none of these can match: each contradicts the keys beside any:",
                key=True,
            )
        else:
            for index in dead:
                self.add(
                    "dead-alternative",
                    (*path, "any", index),
                    "this can't match: it contradicts the keys beside any:",
                )
        if keys.inverse is not None:
            if keys.implies(keys.inverse):
                self.add(
                    "never-matches",
                    (*path, "not"),
                    "not: excludes everything that the keys beside it match",
                    key=True,
                )
            elif keys.apart_from(keys.inverse):
                self.add(
                    "useless-not",
                    (*path, "not"),
                    "not: excludes nothing that the keys beside it match",
                    key=True,
                )
        self._unsaid(keys, path, sure_only=sure_only)
        self._backwards(keys, path)
        if top:
            self._outside(keys, path)

    def _unsaid(self, keys: Keys, path: Path, *, sure_only: bool) -> None:
        """Keys for what findings of the other keys never say: always open, never decided."""
        scope, phase = keys.keys.get("scope"), keys.keys.get("phase")
        found: list[tuple[str, str]] = []
        if scope is not None and scope.spelled and "node" not in scope.literals:
            named = [key for key in ("name", "status", "type") if f"node.{key}" in keys.keys]
            if named:
                where = " and ".join(sorted(scope.literals))
                found.append(("node", f"of the nodes of a {where} finding only the uid is known"))
        if phase is not None and phase.spelled and phase.literals == {"Success"}:
            found += [
                (key, f"a check that succeeded names no {key.replace('_', ' ')}")
                for key in ("addon", "error_code")
                if key in keys.keys
            ]
        for key, why in found:
            if sure_only:
                self.add("never-matches", (*path, key), f"this can never match: {why}", key=True)
            else:
                self.add(
                    "undecidable",
                    (*path, key),
                    f"{why}: that is never decided, and what is undecided counts against passing",
                    key=True,
                )

    def _backwards(self, keys: Keys, path: Path) -> None:
        spans = [
            keys.versions[key].span if key in keys.versions else None
            for key in ("from_version", "target_version")
        ]
        if spans[0] is not None and spans[1] is not None and spans[0][0] >= spans[1][1]:
            self.add(
                "never-matches",
                (*path, "from_version"),
                "no upgrade goes from these versions to those of target_version",
                key=True,
            )

    def _outside(self, keys: Keys, path: Path) -> None:
        """A match for clusters or versions the policy does not apply to."""
        policy = self.beside.spec
        scoping = policy.applies_to if isinstance(policy, PolicySpec) else None
        if scoping is None:
            return
        message = "this can never match: the policy's applies_to leaves no such {}"
        cluster, target = keys.keys.get("cluster"), keys.versions.get("target_version")
        if cluster and scoping.cluster is not None and cluster.apart_from(Key(scoping.cluster)):
            self.add("never-matches", (*path, "cluster"), message.format("cluster"))
        versions = scoping.target_version
        if target and versions is not None and target.apart_from(Versions(versions)):
            self.add("never-matches", (*path, "target_version"), message.format("target version"))

    # Patterns

    def _pattern(self, key: str, pattern: Any, path: Path) -> None:
        if key in _VOCABULARIES:
            self._vocabulary(key, pattern, path)
        text = pattern.regex if isinstance(pattern, Regex) else pattern
        if isinstance(text, str) and text != text.strip():
            self.add(
                "blank-at-edge",
                path,
                f'"{text}" begins or ends with a blank, and fits only what does too',
                "if that is meant, write {equals: …}",
            )
        if isinstance(pattern, Equals) and key in _OF_NAMES:
            for value, place in _each(pattern.equals, (*path, "equals")):
                if "*" in value:
                    self.add(
                        "glob-under-equals",
                        place,
                        f'"{value}" is compared letter by letter: no name has a * in it',
                        "without equals it is a glob",
                    )
        if isinstance(pattern, Regex):
            self._regex(pattern.regex, (*path, "regex"))
        elif isinstance(pattern, str) and _LIKE_REGEX.search(pattern):
            self.add(
                "glob-like-regex",
                path,
                f'"{pattern}" is a glob, and looks like a regular expression',
                "write {regex: …} if it is one; in a glob * alone stands for any text",
            )
        elif key in _OF_NAMES and isinstance(pattern, str) and _LIKE_LIST.search(pattern):
            self.add(
                "list-in-a-name",
                path,
                f'"{pattern}" is one name: |, {{}}, commas and ! are signs like others in it',
                "write several names as a list: [first, second]",
            )
        elif key == "message" and isinstance(pattern, str) and is_glob(pattern) and "[" in pattern:
            self.add(
                "bracket-in-glob",
                path,
                f'"{pattern}" is a glob: [ ] stands for one character of those inside',
                "for the text itself write {equals: …}, or [[] for one bracket",
            )
        elif key in ("check", "topic"):
            for value, place in _literals(pattern, path):
                self._catalogued(key, value, place)

    def _vocabulary(self, key: str, pattern: Any, path: Path) -> None:
        words = sorted(_VOCABULARIES[key])
        for value, place in _literals(pattern, path):
            if value not in words:
                close = yamlfile.nearest(value, words)
                self.add(
                    "undocumented-value",
                    place,
                    f'no {key} is called "{value}"'
                    + (f'; did you mean "{close}"?' if close else ""),
                    None if close else f"documented are {', '.join(words)}",
                )
        open_ended = isinstance(pattern, Regex) or (isinstance(pattern, str) and is_glob(pattern))
        if open_ended and not any(map(Patterns(pattern).fits, words)):
            shown = pattern.regex if isinstance(pattern, Regex) else pattern
            self.add(
                "undocumented-value",
                path,
                f'"{shown}" fits no documented {key}',
                f"documented are {', '.join(words)}",
            )

    def _catalogued(self, key: str, value: str, path: Path) -> None:
        if (name := f"{key}:{value}") in self.seen:
            return
        self.seen.add(name)
        known = self.known
        names = list(known.items) if key == "check" else known.topics_with_items
        if value in names:
            return
        if key == "topic" and value in known.topics:
            self.add(
                "unknown-topic",
                path,
                f'no check name is known to belong to topic "{value}": the key never matches',
            )
            return
        close = _nearest(value, tuple(names))
        self.add(
            "unknown-check" if key == "check" else "unknown-topic",
            path,
            f'the catalogue of {known.as_of} knows no {key} "{value}"'
            + (f'; did you mean "{close}"?' if close else ""),
        )

    def _regex(self, text: str, path: Path) -> None:
        if regex_fits_everything(text):
            hint = "write exists: true instead" if "where" in path else 'write "*" instead'
            self.add("regex-everything", path, f"/{text}/ fits every value", hint)
        elif regex.looks_like_glob(text):
            self.add(
                "regex-like-glob",
                path,
                f"/{text}/ looks like a glob: here * repeats the letter before it",
                f'write the glob "{text}" without regex:, or .* for any text',
            )

    def _where(self, condition: Any, path: Path) -> None:
        if isinstance(matches := getattr(condition, "matches", None), str):
            self._regex(matches, (*path, "matches"))
        text = getattr(condition, "path", None)
        if isinstance(text, str):
            found = path_of(condition)
            if found.unknown is not None:
                close = f'; did you mean "{found.meant}"?' if found.meant else ""
                said = f'the API documents no field "{found.unknown}" here'
                if found.unknown == text:
                    said = "this path finds nothing in any response"
                    close = ": a list takes [*] before the next name, and nothing else does"
                self.add("unknown-path", (*path, "path"), said + close)
            elif found.is_text:
                self._compared_with_text(condition, path)
            for _, asked in asked_by(condition):
                words = sorted(asked.words)
                meant = dict(asked.misspelt())
                for value in asked.unknown():
                    close = f'; did you mean "{meant[value]}"?' if value in meant else ""
                    said = f'"{value}" is no value the API documents here{close}'
                    self.add("undocumented-value", path, said, f"documented are {', '.join(words)}")
            if compares_texts_with_numbers(condition):
                said = "every value the API documents is a text, and this filter asks for a number"
                self.add("not-a-text", (*path, "path"), said, "ask with an operator of its own")
            number = orders_numbers_as_texts(condition)
            if number := number or orders_numbers_as_texts(condition, in_filters=True):
                said = f'"{number}" is a text, and texts compare letter by letter'
                self.add("ordered-texts", path, said, _LETTERS)

    def _compared_with_text(self, comparison: Any, path: Path) -> None:
        while (inner := getattr(comparison, "not_", None)) is not None:
            comparison, path = inner, (*path, "not")
        for key in ("equals", "in", "lt", "le", "gt", "ge"):
            value = getattr(comparison, "in_" if key == "in" else key, None)
            for part in value if isinstance(value, list) else [value]:
                if isinstance(part, (bool, int, float)):
                    written = str(part).lower() if isinstance(part, bool) else part
                    self.add(
                        "not-a-text",
                        (*path, key),
                        f"{written} is no text, and every value the API documents here is one: "
                        "they never compare",
                        f"put it in quotes: '{written}'" if key not in ORDERED else _LETTERS,
                    )

    # Waivers

    def _waivers(self, waivers: Sequence[WaiverSpec]) -> None:
        keys = [Keys(waiver) for waiver in waivers]
        blocking = [
            rule for rule in _rules(self.beside) if not rule.spec.waivable and rule.comparable
        ]
        for index, (waiver, its) in enumerate(zip(waivers, keys, strict=True)):
            path: Path = ("waivers", index)
            self._match(waiver, path, sure_only=True, top=True)
            self._any_value(waiver, path)
            self._leaves_nothing_out(its, path)
            self._signed(waiver, path)
            self._when(waiver, path)
            self._breadth(waiver, its, path)
            self._usable(waiver, its, path, blocking)
        self._redundant(waivers, keys)

    def _leaves_nothing_out(self, keys: Keys, path: Path) -> None:
        """Under not: what no waiver covers anyhow."""
        inverse = keys.inverse.keys if keys.inverse is not None else {}
        kind, group = inverse.get("kind"), inverse.get("group")
        no_risk = kind is not None and kind.spelled and "Risk" not in kind.literals
        broke = group is not None and group.spelled and group.literals == {"ExecuteException"}
        if no_risk or broke:
            said = "nothing that broke (ExecuteException)" if broke else "Risks alone"
            self.add(
                "useless-not",
                (*path, "not"),
                f"not: excludes nothing: its keys hold together, and a waiver covers {said}",
                "put what is left out into waivers of their own, or under not: any:",
                key=True,
            )

    def _any_value(self, waiver: WaiverSpec, path: Path) -> None:
        """A waiver is meant for what it names: "any" lets everything else through beside it."""
        for index, condition in enumerate(waiver.where or []):
            here = (*path, "where", index)
            if condition.quantifier == "any":
                self.add(
                    "waiver-any-value",
                    (*here, "quantifier"),
                    "quantifier any: one value that fits lets all the others through with it",
                    "leave quantifier out: a waiver then asks it of every value",
                )
            elif condition.exists is True:
                self.add(
                    "waiver-any-value",
                    (*here, "exists"),
                    "exists: true lets through whatever the path finds",
                    "say which values are accepted, with equals, in or matches",
                )
            elif (place := _ONE_OF_MANY.search(condition.path)) and condition.on != "response":
                self.add(
                    "waiver-any-value",
                    (*here, "path"),
                    f"{place[0]} asks some of a list, by their place, and lets all the others "
                    "through with them",
                    "write [*]: a waiver then asks it of every value",
                )

    def _signed(self, waiver: WaiverSpec, path: Path) -> None:
        missing = []
        for key, name in (("approved_by", "approver"), ("ticket", "ticket"), ("reason", "reason")):
            value = getattr(waiver, key)
            if value is None:
                missing.append(name)
            elif is_todo(value):
                self.add(
                    "waiver-todo",
                    (*path, key),
                    f'waiver "{waiver.id}" still says {value.split()[0]} for its {name}',
                )
        if missing:
            what = " and no ".join(missing)
            self.add("waiver-unsigned", path, f'waiver "{waiver.id}" names no {what}')

    def _when(self, waiver: WaiverSpec, path: Path) -> None:
        start, end = _period(waiver)
        name = f'waiver "{waiver.id}"'
        approved = parse_instant(waiver.approved_on) if waiver.approved_on else None
        if end is None:
            self.add("waiver-permanent", path, f"{name} never expires")
        if _never_valid(waiver):
            key = "starts" if waiver.starts else "approved_on"
            self.add(
                "waiver-never-valid",
                (*path, "expires"),
                f"{name} is never valid: it expires ({waiver.expires}) before it starts "
                f"({key}: {getattr(waiver, key)})",
            )
        elif end is not None and end <= self.at:
            self.add(
                "waiver-expired",
                (*path, "expires"),
                f"{name} expired {_ago(self.at - end)}",
                "remove it, or have it approved again",
            )
        elif end is not None and end - self.at <= self.soon and not (start and start > self.at):
            days = (end - self.at).days
            when = f"in {days} days" if days > 1 else "in a day" if days else "within a day"
            self.add(
                "waiver-expiring",
                (*path, "expires"),
                f"{name} expires {when} ({waiver.expires})",
            )
        if start is not None and start - self.at > LONG_AHEAD:
            self.add(
                "waiver-not-yet-valid",
                (*path, "starts" if waiver.starts else "approved_on"),
                f"{name} only holds from {waiver.starts or waiver.approved_on} on",
            )
        if approved is None:
            return
        if approved > self.at:
            self.add(
                "waiver-approved-later",
                (*path, "approved_on"),
                f"{name} is said to be approved on {waiver.approved_on}, which is in the future",
            )
        elif waiver.starts and start is not None and start < approved:
            self.add(
                "waiver-approved-later",
                (*path, "starts"),
                f"{name} holds from {waiver.starts}, before it was approved ({waiver.approved_on})",
            )

    def _breadth(self, waiver: WaiverSpec, keys: Keys, path: Path) -> None:
        check = keys.keys["check"]
        if check.spelled:
            return
        # Only failed Risks can be waived: saying so does not narrow anything.
        narrowing = (
            keys.named - {"check"} | set(keys.rest)
            if not ((kind := keys.keys.get("kind")) and kind.compiled.fits("Risk"))
            else keys.named - {"check", "kind"} | set(keys.rest)
        )
        if keys.inverse is not None or keys.alternatives:
            narrowing |= {"not"}
        if check.everything:
            self.add(
                "waiver-broad",
                (*path, "check"),
                f'waiver "{waiver.id}" is for every check there is'
                + (", within its other keys" if narrowing else ""),
                "name the checks it is for",
            )
        elif not narrowing:
            self.add(
                "waiver-broad",
                (*path, "check"),
                f'waiver "{waiver.id}" is for any check of such a name, and names nothing else',
                "name the checks it is for, or add node:, cluster: or target_version:",
            )

    def _usable(
        self, waiver: WaiverSpec, keys: Keys, path: Path, blocking: Sequence[_Rule]
    ) -> None:
        """What the evaluator will never accept of a waiver."""
        name = f'waiver "{waiver.id}" can never be used: '
        for key, (words, why) in _NEVER_WAIVED.items():
            part = keys.keys.get(key)
            if part is not None and not any(map(part.compiled.fits, words)):
                self.add("waiver-unusable", (*path, key), name + why)
                return
        group = keys.keys.get("group")
        if group is not None and group.spelled and group.literals == {"ExecuteException"}:
            said = "a check that broke (ExecuteException) can't be waived"
            self.add("waiver-unusable", (*path, "group"), name + said)
            return
        check = keys.keys["check"]
        exceptions = sorted(filter(self.known.only_as_exception, check.literals))
        if check.spelled and len(exceptions) == len(check.literals):
            said = f"{', '.join(exceptions)} is only known as an Exception, which can't be waived"
            self.add("waiver-unusable", (*path, "check"), name + said)
            return
        known = keys.also(kind="Risk", phase="Failed")
        for rule in blocking:
            where = f'rule "{rule.spec.id}" ({rule.where})'
            # For a rule that blocks, not to be ruled out is enough, whatever its effect.
            if known.implies(rule.keys, open_fits=True):
                # A check skipped on the server is only kept from a waiver by a rule that names it.
                names = rule.spec.match.check is not None or rule.spec.match.any is not None
                whole = names or any(getattr(waiver, key, None) for key in FINDING_KEYS)
                self.add(
                    "waiver-unusable" if whole else "waiver-partly-blocked",
                    (*path, "check"),
                    (name if whole else f'waiver "{waiver.id}" can cover a skipped check alone: ')
                    + f"{where} is waivable: false and matches all of it",
                )
                return
            named = rule.keys.keys.get("check")
            if named is not None and named.spelled and named.literals & check.literals:
                both = ", ".join(sorted(named.literals & check.literals))
                self.add(
                    "waiver-partly-blocked",
                    (*path, "check"),
                    f'waiver "{waiver.id}" is blocked where {where} matches {both}, '
                    "and wherever the check is skipped",
                )

    def _redundant(self, waivers: Sequence[WaiverSpec], keys: Sequence[Keys]) -> None:
        periods = [_period(waiver) for waiver in waivers]
        policy = self.beside.spec
        permanent = isinstance(policy, PolicySpec) and policy.waivers_may_be_permanent
        index_of = _Near(keys)
        for index, waiver in enumerate(waivers):
            near = index_of.may_cover(keys[index])
            if near is None:
                self._not_compared("waivers", len(waivers))
                return
            for other in near:
                its = waivers[other]
                if other == index or its.max_findings is not None:
                    continue
                if _never_valid(its) or (its.expires is None and waiver.expires and not permanent):
                    continue  # one that is refused covers nothing
                if not keys[index].implies(keys[other]):
                    continue
                if keys[other].canonical == keys[index].canonical and (
                    other > index and periods[other] == periods[index]
                ):
                    continue  # of two that are the same, the later one is
                if _holds_longer(periods[other], periods[index]):
                    line = self.file.document.where(("waivers", other)).line
                    self.add(
                        "redundant-waiver",
                        ("waivers", index, "id"),
                        f'waiver "{waiver.id}" covers nothing that "{its.id}" (line {line}) '
                        "does not cover, for at least as long",
                    )
                    break


class _Near:
    """Of many matches those that may cover one, without looking at all of them for each.

    One that spells its values covers only what spells one of them, and one that says how they
    begin only what begins so: they are looked up. The others are near to everything, which takes
    the square of their number: there is an end to it.
    """

    def __init__(self, every: Sequence[Keys]) -> None:
        self._spelling: dict[tuple[str, str], list[int]] = {}
        self._beginning: dict[tuple[str, str], list[int]] = {}
        self._lengths: dict[str, set[int]] = {}
        self._loose: list[int] = []
        self._left = MOST_COMPARED
        for index, keys in enumerate(every):
            key = keys.most_telling
            if key is None:
                self._loose.append(index)
                continue
            for value in keys.keys[key].literals:
                self._spelling.setdefault((key, value), []).append(index)
            for prefix in keys.keys[key].prefixes:
                self._beginning.setdefault((key, prefix), []).append(index)
                self._lengths.setdefault(key, set()).add(len(prefix))

    def may_cover(self, keys: Keys) -> list[int] | None:
        """Their indexes, in order; None when enough were compared already."""
        near = set(self._loose)
        for key, part in keys.keys.items():
            # Whatever covers the key covers this one of its values, and of its globs.
            one = min(part.literals or part.globs, default=None)
            if one is not None:
                near.update(self._spelling.get((key, one), ()))
                for length in self._lengths.get(key, ()):
                    near.update(self._beginning.get((key, one[:length]), ()))
        self._left -= len(near)
        return sorted(near) if self._left >= 0 else None


_NEVER_WAIVED: Final[dict[str, tuple[Iterable[str], str]]] = {
    "kind": (("Risk",), "only a Risk can be waived"),
    "level": (sorted(LEVELS), "a finding of another level is unknown, which no waiver lifts"),
    "phase": (("Failed", "Success"), "only a check that has ended can be waived"),
}
"""Key, the values of which one has to fit for a waiver to be of use, and why."""

_YAML11 = re.compile(
    r"yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF"
    r"|[-+]?0[0-7_]+|[-+]?0[xX][0-9a-fA-F_]+|[-+]?0b[01_]+|[-+]?[1-9][0-9]*_[0-9_]*"
    r"|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
)
"""Plain scalars that are text for this loader and something else under YAML 1.1."""

_LIKE_REGEX = re.compile(r"\.\*|\.\+|^\^|\(\?|\\[dws]|\$$|\[\^")
_LIKE_LIST = re.compile(r"[|{}]|, |^!")
_OF_NAMES = ("check", "addon", "cluster", "node.name", "node.uid", "error_code", "scope", "topic")
_ONE_OF_MANY = re.compile(r"\[\s*-?\d+\s*\]|\[\s*-?\d*\s*:")


def _each(spec: Any, path: Path) -> Iterator[tuple[Any, Path]]:
    """The members of a value that may be a list, each with its path."""
    if isinstance(spec, list):
        for index, part in enumerate(spec):
            yield part, (*path, index)
    elif spec is not None:
        yield spec, path


def _literals(pattern: Any, path: Path) -> Iterator[tuple[str, Path]]:
    """The values a pattern spells out."""
    if isinstance(pattern, Equals):
        yield from _each(pattern.equals, (*path, "equals"))
    elif isinstance(pattern, str) and not is_glob(pattern):
        yield pattern, path


@cache
def _nearest(word: str, words: tuple[str, ...]) -> str | None:
    return yamlfile.nearest(word, words)


def _ago(span: timedelta) -> str:
    if span.days == 0:
        return "less than a day ago"
    return "1 day ago" if span.days == 1 else f"{span.days} days ago"


def _rules(file: _File) -> list[_Rule]:
    if not isinstance(file.spec, PolicySpec):
        return []
    return [
        _Rule(
            rule,
            ("rules", index),
            f"{file.name}:{file.document.where(('rules', index)).line}",
        )
        for index, rule in enumerate(file.spec.rules or [])
    ]


def _inherited(file: _File) -> list[_Rule]:
    """Rules of the layers below, as far as they can be compared."""
    if file.merged is None:
        return []
    found = []
    for rule in file.merged.rules:
        if rule.source != file.name and getattr(rule, "limit", None) is None:
            spec = RuleSpec.model_construct(
                id=rule.id, match=rule.match.spec, effect=rule.effect, title=rule.title,
                message=rule.message, remediation=rule.remediation, reason=rule.reason,
                waivable=rule.waivable, locked=rule.locked, effective_on=rule.effective_on,
                _fields_set={"id", "match", "effect"},
            )  # fmt: skip
            found.append(_Rule(spec, (), f"{rule.source}:{rule.line}"))
    return found


_STRICTNESS = {"note": 0, "warn": 1, "fail": 2}


def _shadow(rule: _Rule, other: _Rule, *, later: bool) -> str | None:
    """What another rule makes of this one, or None. `later`: it stands after the other."""
    mine, its = rule.spec, other.spec
    if _STRICTNESS[its.effect] < _STRICTNESS[mine.effect]:
        return None
    if not mine.waivable and its.waivable:
        return None  # it blocks waivers, which the other does not
    later_than_mine = rule.begins is None or (other.begins and rule.begins < other.begins)
    if mine.effect == "fail" and other.begins is not None and later_than_mine:
        return None  # until then the other only warns
    # Open is enough for a rule that fails, now and always. A warning that is open does not soften
    # the default, so there a rule that surely matches still counts.
    certain = its.effect == "fail" and other.begins is None
    if not certain and _spells_undocumented(rule.keys):
        return None  # it settles what would be unknown without it
    same = rule.keys.canonical == other.keys.canonical
    if not same and not rule.keys.implies(other.keys, open_fits=certain):
        return None
    if its.effect != mine.effect:
        return "overridden-rule"
    if same:
        kin = (mine.waivable, mine.locked, rule.begins) == (its.waivable, its.locked, other.begins)
        return "duplicate-rule" if later and kin else None
    own = (mine.title, mine.message, mine.remediation, mine.reason)
    return None if any(own) or mine.locked else "redundant-rule"


def _spells_undocumented(keys: Keys) -> bool:
    """Whether it names a kind or level nobody documents, and so makes it known."""
    return any(
        not keys.keys[key].literals <= _VOCABULARIES[key]
        for key in ("kind", "level")
        if key in keys.keys
    ) or any(map(_spells_undocumented, keys.alternatives))


def _holds_longer(
    one: tuple[datetime | None, datetime | None], other: tuple[datetime | None, datetime | None]
) -> bool:
    starts = one[0] is None or (other[0] is not None and one[0] <= other[0])
    ends = one[1] is None or (other[1] is not None and one[1] >= other[1])
    return starts and ends


def _across(files: Sequence[_File], *, together: bool) -> None:
    """The same id in several files."""
    first: dict[tuple[str, str], tuple[_File, RuleSpec | WaiverSpec, str]] = {}
    for file in files:
        if file.spec is None or getattr(file.spec, "extends", None):
            continue  # an overlay repeats ids of its base on purpose
        parts: list[tuple[str, Sequence[RuleSpec | WaiverSpec]]] = [
            ("rule", getattr(file.spec, "rules", None) or []),
            ("waiver", file.spec.waivers or []),
        ]
        for what, specs in parts:
            for index, spec in enumerate(specs):
                path: Path = (f"{what}s", index, "id")
                place = file.document.at(path)
                seen = first.setdefault((what, spec.id), (file, spec, place))
                if seen[0] is file:
                    continue
                if alike(seen[1], spec):
                    file.add("repeated-id", path, f'{what} "{spec.id}" also stands at {seen[2]}')
                else:
                    file.add(
                        "conflicting-id",
                        path,
                        f'{what} "{spec.id}" differs from the {what} of that id at {seen[2]}',
                        "files that are used together need different ids",
                        severity="error" if together else "warning",
                    )
