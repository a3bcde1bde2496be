"""From policy files to one compiled policy. Every mistake is named by file, line and column."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from string import Formatter
from typing import Any, Literal

from pydantic import ValidationError

from reporter import resources, yamlfile
from reporter.catalogue.read import Catalogue
from reporter.errors import PolicyError
from reporter.mistakes import Mistakes, at_path, not_one_of
from reporter.policy import layers, regex
from reporter.policy.jsonpath import Condition
from reporter.policy.match import Match, Ranges, fits_id
from reporter.policy.match import Patterns as CompiledPatterns
from reporter.policy.model import (
    MATCH_KEYS,
    Comparison,
    CountSpec,
    Effect,
    Equals,
    EvidenceSpec,
    LimitSpec,
    MatchSpec,
    PolicySpec,
    Regex,
    RuleSpec,
    WaiverListSpec,
    WaiverSpec,
    WhereSpec,
)
from reporter.policy.slips import Slips, ends_in_a_list, model_within, slips_of
from reporter.policy.written import Asking, Written, left_out_in, names_in, written_in
from reporter.record.dates import parse_end, parse_instant
from reporter.signs import hides_a_sign, is_todo
from reporter.yamlfile import Document

API_VERSION = "precheck.policy/v1"
PLACEHOLDERS = (
    "check",
    "kind",
    "level",
    "group",
    "phase",
    "scope",
    "message",
    "error_code",
    "node.uid",
    "node.name",
    "node.status",
    "node.type",
    "addon",
    "cluster",
    "from_version",
    "target_version",
    "topic",
)
"""What a rule's `message` may name in braces; `{{` and `}}` are braces themselves."""

_SCOPES = ("cluster", "addon", "node")


@dataclass(frozen=True)
class Rule:
    """A compiled rule, and where it stands."""

    id: str
    effect: Effect
    match: Match
    source: str
    line: int
    title: str | None = None
    message: str | None = None
    remediation: str | None = None
    reason: str | None = None
    waivable: bool = True
    locked: bool = False
    effective_on: str | None = None
    effective_from: datetime | None = None
    limit: LimitSpec | None = None
    below: Effect = "warn"
    softens: bool = True
    """Whether it may stand in for `defaults.unmatched`, see `layers.PlacedRule`."""
    lifts_doubt: bool = True
    """Whether it may make an undocumented kind or level known, see there too."""

    def effect_at(self, instant: datetime) -> Effect:
        """Its effect at an instant: before `effective_on` a fail is a warn."""
        early = self.effective_from is not None and instant < self.effective_from
        return "warn" if early and self.effect == "fail" else self.effect


@dataclass(frozen=True)
class Waiver:
    """A compiled waiver, and where it stands."""

    id: str
    match: Match
    reason: str
    written: dict[str, Any]
    """The match keys as written."""
    source: str
    line: int
    starts: str | None = None
    expires: str | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    approved_by: str | None = None
    approved_on: str | None = None
    ticket: str | None = None
    max_findings: int | None = None


@dataclass(frozen=True)
class PolicyFile:
    """A file that was loaded: its bytes are evidence."""

    kind: Literal["Policy", "WaiverList"]
    source: str
    data: bytes
    name: str
    version: str | None
    owner: str | None
    title: str | None
    rules: int
    waivers: int
    given: tuple[int, ...] = ()
    """Its places among the files that were named, from 1; none: a base that a policy extends."""

    @property
    def digest(self) -> str:
        """SHA-256 of the file's bytes."""
        return sha256(self.data).hexdigest()


@dataclass(frozen=True)
class Scoping:
    """A policy's `applies_to`, compiled."""

    source: str
    cluster: CompiledPatterns | None
    cluster_text: str
    target_version: Ranges | None
    target_text: str


@dataclass(frozen=True)
class Policy:
    """One or several policy files and waiver lists, merged: what a response is judged against."""

    files: tuple[PolicyFile, ...]
    rules: tuple[Rule, ...]
    waivers: tuple[Waiver, ...]
    evidence: tuple[EvidenceSpec, ...]
    """One per policy file; a line is as strict as the strictest of them."""
    applies_to: tuple[Scoping, ...] = ()
    unmatched: Effect = "fail"
    skipped: Effect = "fail"
    names: tuple[str, ...] = field(default=())
    layered: layers.Layered | None = None
    """What it was merged from, place by place."""
    side_by_side: tuple[layers.Beside, ...] = ()
    """Where several were given, or stand under one, each of them."""

    @cached_property
    def rules_by_signature(self) -> dict[Any, tuple[Rule, ...]]:
        """For whoever judges to remember which rules look at a signature: few, for very many."""
        return {}

    @cached_property
    def verdicts_by_signature(self) -> dict[Any, Any]:
        """And what these rules decide, where nothing but the signature has a say."""
        return {}

    @cached_property
    def asking(self) -> tuple[tuple[Rule | Waiver, Slips, tuple[Condition, ...]], ...]:
        """The rules and waivers that ask for odd values or have JSONPath conditions."""
        parts: tuple[Rule | Waiver, ...] = (*self.rules, *self.waivers)
        found = (
            (part, slips_of(part.match.spec, lambda: self.catalogue), part.match.conditions())
            for part in parts
        )
        return tuple((part, slips, (*asked,)) for part, slips, asked in found if slips or asked)

    @cached_property
    def naming(self) -> Mapping[Written, list[Asking]]:
        """The patterns for names and messages, and the rules and waivers that have them."""
        found: dict[Written, list[Asking]] = {}
        for part in self._parts:
            for written in dict.fromkeys(written_in(part.match.spec)):
                found.setdefault(written, []).append(part)
        return found

    @cached_property
    def leaving_out(self) -> Mapping[Asking, tuple[Written, ...]]:
        """The rules and waivers that leave something out by a name or text, and by which.

        Of rules without those for add-ons: where their check passes nothing names them.
        """
        return {
            part: patterns
            for part in self._parts
            if (patterns := _unlike(left_out_in(part.match.spec), addons=part.is_waiver))
        }

    @cached_property
    def failing_names(self) -> Mapping[str, tuple[Written, ...]]:
        """The names of checks and nodes by which rules fail, or refuse waivers, by the rule."""
        return {
            rule.id: patterns
            for rule in self.rules
            if (rule.effect == "fail" or not rule.waivable)
            and (patterns := _unlike(names_in(rule.match.spec), addons=False))
        }

    @property
    def _parts(self) -> list[Asking]:
        return [
            *(Asking(rule.id, rule.match, is_waiver=False) for rule in self.rules),
            *(Asking(waiver.id, waiver.match, is_waiver=True) for waiver in self.waivers),
        ]

    @cached_property
    def catalogue(self) -> Catalogue:
        """What is known of check items: read once for a policy, and only if something asks."""
        return Catalogue.load()

    @classmethod
    def load(cls, *sources: str | Path, waivers: Sequence[str | Path] = ()) -> Policy:
        """Load policy files (a path, or `builtin:NAME`) and waiver files, and merge them.

        Several policies are a union: all rules, the strictest defaults and evidence, the waivers
        pooled. `PolicyError` names file, line, column and the nearest allowed word.
        """
        if not sources:
            raise PolicyError("no policy given", hint="name a file, or builtin:recommended")
        disk = _Disk()
        loaded = [_load_file(str(source), "Policy", disk) for source in sources]
        lists = [_load_file(str(source), "WaiverList", disk) for source in waivers]
        return _merge(loaded, lists)

    @classmethod
    def load_kept(
        cls, files: Mapping[str, bytes], policies: Sequence[str], waivers: Sequence[str] = ()
    ) -> Policy:
        """The same again from files that were kept, by the names they had then.

        The bases that `policies` extend are looked for among `files` alone: the disk and the
        shipped policies are not read.
        """
        kept = _Kept(files)
        loaded = [_load_file(source, "Policy", kept) for source in policies]
        lists = [_load_file(source, "WaiverList", kept) for source in waivers]
        return _merge(loaded, lists)

    def applies(self, cluster: str | None, target_version: str | None) -> bool:
        """Whether `applies_to` surely lets it judge this cluster's upgrade."""
        return all(
            (scope.cluster is None or fits_id(scope.cluster, cluster) is True)
            and (scope.target_version is None or scope.target_version.fits(target_version) is True)
            for scope in self.applies_to
        )

    @classmethod
    def parse(cls, *policies: bytes, waivers: Sequence[bytes] = ()) -> Policy:
        """The same from the files' bytes; they are called policy-1.yaml, waivers-1.yaml, …"""
        loaded = [
            _parse(data, f"policy-{number}.yaml", "Policy", _Disk())
            for number, data in enumerate(policies, 1)
        ]
        lists = [
            _parse(data, f"waivers-{number}.yaml", "WaiverList", _Disk())
            for number, data in enumerate(waivers, 1)
        ]
        return _merge(loaded, lists)


def places_of_waivers(lists: Sequence[str]) -> dict[str, str]:
    """Id → `file:line` of every waiver of some waiver lists; the first of several."""
    places: dict[str, str] = {}
    for source in lists:
        loaded = _load_file(source, "WaiverList", _Disk())
        for index, waiver in enumerate(loaded.spec.waivers or []):
            line = loaded.document.where(("waivers", index)).line
            places.setdefault(waiver.id, f"{source}:{line}")
    return places


def bases_of(policies: Sequence[str]) -> list[str]:
    """The files on the disk that some policies extend, and their bases in turn, as far as they say.

    For whoever must not write over them, before anything is loaded: mistakes are passed over, as
    loading tells them. What is read once only, as a pipe, is left alone.
    """
    disk, found, left = _Disk(), dict[str, str](), list(policies)
    while left:
        source = left.pop()
        for name in _extended(source):
            try:
                base = _base_source(name, source, source)
            except PolicyError:
                continue
            if not base.startswith("builtin:") and (key := disk.identity(base)) not in found:
                found[key] = base
                left.append(base)
    return sorted(found.values())


def _extended(source: str) -> list[str]:
    """What a policy file says that it extends; where it is no YAML, whatever looks like it."""
    try:
        if source.startswith("builtin:") or not Path(source).is_file():
            return []
        try:
            data = _read(source)
        except PolicyError:  # told where it is read
            return []
        if b"extends" not in data and b"\\" not in data:  # most have none, and YAML takes its time
            return []
        written = yamlfile.load(data, source).data
    except (OSError, ValueError):
        return []
    except PolicyError:
        said = re.findall(r"extends[\"']?\s*:(.*(?:\n\s*-.*)*)", data.decode("utf-8", "replace"))
        return [word for text in said for word in re.findall(r"[^\s\[\],'\"]+", text)]
    named = written.get("extends") if isinstance(written, dict) else None
    return [name for name in (named if isinstance(named, list) else [named]) if type(name) is str]


def builtin_names() -> list[str]:
    """The policies that ship with the tool."""
    folder = resources.bundled("policies")
    return sorted(
        entry.name.removesuffix(".yaml")
        for entry in folder.iterdir()
        if entry.name.endswith(".yaml")
    )


MAX_LAYERS = 10
MAX_REGEX = 10_000
"""Steps of a regular expression, compiled: at worst RE2 takes each of them at each character."""


@dataclass(frozen=True)
class _Loaded:
    document: Document
    spec: PolicySpec | WaiverListSpec
    files: tuple[PolicyFile, ...]
    layered: layers.Layered | None = None


class _Disk:
    """Files as they lie on the disk, and the shipped policies."""

    def read(self, source: str) -> bytes:
        return _read(source)

    def identity(self, source: str) -> str:
        try:
            return source if source.startswith("builtin:") else str(Path(source).resolve())
        except (OSError, ValueError):
            return source  # reading it says what is wrong


@dataclass(frozen=True)
class _Kept:
    """Files that were kept, by the names they had."""

    files: Mapping[str, bytes]

    def read(self, source: str) -> bytes:
        if source not in self.files:
            raise PolicyError(f"{source}: no such file among those that were kept")
        return self.files[source]

    def identity(self, source: str) -> str:
        return source if source.startswith("builtin:") else posixpath.normpath(source)


def _load_file(
    source: str,
    kind: Literal["Policy", "WaiverList"],
    shelf: _Disk | _Kept,
    above: tuple[str, ...] = (),
) -> _Loaded:
    return _parse(shelf.read(source), source, kind, shelf, above)


def _parse(
    data: bytes,
    source: str,
    kind: Literal["Policy", "WaiverList"],
    shelf: _Disk | _Kept,
    above: tuple[str, ...] = (),
) -> _Loaded:
    document = yamlfile.load(data, source)
    _check_kind(document, kind)
    problems = _Problems(document)
    problems.refuse_nulls()
    problems.stop()
    model = PolicySpec if kind == "Policy" else WaiverListSpec
    spec: PolicySpec | WaiverListSpec
    try:
        spec = model.model_validate(document.data)
    except ValidationError as error:
        problems.add_validation(error)
        problems.stop()
        raise  # pragma: no cover - add_validation always adds at least one problem
    _check_meaning(spec, problems)
    problems.stop()
    file = PolicyFile(
        kind=kind,
        source=source,
        data=data,
        name=spec.metadata.name,
        version=spec.metadata.version,
        owner=spec.metadata.owner,
        title=spec.metadata.title,
        rules=len(spec.rules or []) if isinstance(spec, PolicySpec) else 0,
        waivers=len(spec.waivers or []),
    )
    if not isinstance(spec, PolicySpec):
        return _Loaded(document, spec, (file,))
    bases = _bases(spec, document, shelf, (*above, shelf.identity(source)))
    files = (file, *(part for base in bases for part in base.files))
    if not bases:
        return _Loaded(document, spec, files, layers.single(spec, document))
    below = layers.union([base.layered for base in bases if base.layered is not None])
    return _Loaded(document, spec, files, layers.overlay(below, spec, document))


def _bases(
    spec: PolicySpec, document: Document, shelf: _Disk | _Kept, above: tuple[str, ...]
) -> list[_Loaded]:
    """The policies a policy extends: relative to its own file, or shipped."""
    named = [spec.extends] if isinstance(spec.extends, str) else spec.extends or []
    loaded = []
    for index, name in enumerate(named):
        path = ("extends", index) if isinstance(spec.extends, list) else ("extends",)
        place = document.at(path)
        source = _base_source(name, document.name, place)
        if shelf.identity(source) in above:
            raise PolicyError(
                f"{place}: {name} extends this policy in turn: a circle",
                hint="a base knows nothing of what stands on it",
            )
        if len(above) > MAX_LAYERS:
            raise PolicyError(f"{place}: more than {MAX_LAYERS} layers")
        try:
            loaded.append(_load_file(source, "Policy", shelf, above))
        except PolicyError as error:
            if error.message.startswith(f"{source}:") and "no such" in error.message:
                raise PolicyError(f"{place}: {error.message}", hint=error.hint) from None
            raise
    return loaded


def _base_source(name: str, document: str, place: str) -> str:
    if name.startswith("builtin:"):
        return name
    if "://" in name or "\0" in name or Path(name).is_absolute():
        raise PolicyError(
            f'{place}: "{name}" is no base',
            hint="a base is a path relative to this file, or builtin:NAME",
        )
    folder = "" if document.startswith("builtin:") else str(Path(document).parent)
    return str(Path(folder) / name)


def _read(source: str) -> bytes:
    if source.startswith("builtin:"):
        name = source.removeprefix("builtin:")
        names = builtin_names()
        if name not in names:
            close = yamlfile.nearest(name, names)
            raise PolicyError(
                f"{source}: no such shipped policy"
                + (f'; did you mean "builtin:{close}"?' if close else ""),
                hint="shipped are " + ", ".join(f"builtin:{known}" for known in names),
            )
        return (resources.bundled("policies") / f"{name}.yaml").read_bytes()
    path = Path(source)
    try:
        with path.open("rb") as file:
            return file.read(yamlfile.MAX_BYTES + 1)
    except FileNotFoundError:
        hint = "check the path; shipped policies are named builtin:NAME, as builtin:recommended"
        raise PolicyError(f"{source}: no such file", hint=hint) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise PolicyError(f"{source}: can't be read: {reason}") from None


def _unlike(patterns: Iterable[Written], *, addons: bool) -> tuple[Written, ...]:
    return tuple(dict.fromkeys(one for one in patterns if addons or one.key != "addon"))


def _check_kind(document: Document, kind: str) -> None:
    data = document.data
    if not isinstance(data, dict):
        what = "empty" if data is None else "not a mapping"
        raise PolicyError(
            f"{document.name}:1:1: the file is {what}; a policy begins with "
            f'"apiVersion: {API_VERSION}"',
            hint="start from one of the shipped policies",
        )
    found = data.get("kind")
    other = {"Policy": "WaiverList", "WaiverList": "Policy"}[kind]
    if found == other:
        option = "--waivers" if other == "WaiverList" else "--policy"
        raise PolicyError(
            f"{document.at(('kind',))}: this file is a {other}, not a {kind}",
            hint=f"give it with {option}",
        )


class _Problems(Mistakes):
    """Mistakes of a policy or waiver file."""

    def allowed_keys(self, path: yamlfile.Path) -> list[str]:
        return _allowed_keys(path)

    def _message(self, item: Any, path: yamlfile.Path, missing: str | None) -> str:
        kind = item["type"]
        value = at_path(self.document.data, path)
        if kind in ("empty_match", "one_operator", "one_bound", "blank"):
            return str(item["msg"])
        if kind == "recursion_loop":
            return "nested too deeply: a match may hold a few levels of not and any"
        if kind == "scalar":
            return f"{self._shown(path, value)} should be a single value"
        if kind == "pattern":
            forms = "a text, {regex: …}, {equals: …} or a list of these"
            return self._wanted_text(path, value, forms)
        if kind == "string_too_short":
            return "an empty text matches nothing; leave the key out or give it a value"
        if kind == "too_short":
            return "an empty list matches nothing; leave the key out or fill it"
        if kind in ("date", "duration", "version_range"):
            return str(item["ctx"]["reason"])
        return super()._message(item, path, missing)


def _allowed_keys(path: yamlfile.Path) -> list[str]:
    """The keys allowed beside an unknown one, found by walking the models along its path."""
    model: Any = PolicySpec
    for part in path[:-1]:
        if isinstance(part, int):
            continue
        fields = {info.alias or name: info for name, info in model.model_fields.items()}
        if part not in fields:
            break
        annotation = fields[part].annotation
        inner = model_within(annotation)
        if inner is None and "Pattern" in str(annotation):
            return ["regex", "equals"]
        model = inner or model
    return [info.alias or name for name, info in model.model_fields.items()]


def _check_meaning(spec: PolicySpec | WaiverListSpec, problems: _Problems) -> None:
    """What the structure alone can't say."""
    if isinstance(spec, PolicySpec):
        ids: dict[str, int] = {}
        for index, rule in enumerate(spec.rules or []):
            path: yamlfile.Path = ("rules", index)
            _unique(ids, rule.id, index, "rules", "rule", problems)
            _check_match(rule.match, (*path, "match"), problems)
            _check_rule(rule, path, problems)
        if spec.evidence and spec.evidence.fresh.level != "off" and not spec.evidence.fresh.max_age:
            problems.add(("evidence", "fresh"), 'evidence "fresh" needs a max_age, such as 24h')
        if spec.applies_to is not None:
            _check_patterns(spec.applies_to.cluster, ("applies_to", "cluster"), problems)
            if not spec.applies_to.model_fields_set:
                problems.add(("applies_to",), "an empty applies_to; leave the key out")
        if spec.evidence:
            complete = spec.evidence.complete
            for key in ("required_checks", "required_on_every_node"):
                _check_patterns(getattr(complete, key), ("evidence", "complete", key), problems)
    waiver_ids: dict[str, int] = {}
    for index, waiver in enumerate(spec.waivers or []):
        _unique(waiver_ids, waiver.id, index, "waivers", "waiver", problems)
        _check_match(waiver, ("waivers", index), problems)


def _unique(
    seen: dict[str, int], name: str, index: int, where: str, what: str, problems: _Problems
) -> None:
    if name in seen:
        first = problems.document.where((where, seen[name]))
        problems.add(
            (where, index, "id"), f'{what} id "{name}" is used twice; first on line {first.line}'
        )
    seen.setdefault(name, index)


def _check_rule(rule: RuleSpec, path: yamlfile.Path, problems: _Problems) -> None:
    if rule.below is not None and rule.limit is None:
        problems.add((*path, "below"), "below goes with limit")
    if rule.effective_on is not None and "fail" not in (rule.effect, rule.below):
        problems.add(
            (*path, "effective_on"),
            f'before its day a "fail" only warns; this rule says "{rule.effect}", which holds now',
        )
    if rule.message is not None:
        _check_placeholders(rule.message, (*path, "message"), problems)
    weakest = (rule.below or "warn") if rule.limit is not None else rule.effect
    if weakest != "fail" and rule.reason is None and _spells_exception(rule.match):
        problems.add(
            path,
            f'rule "{rule.id}" tolerates an Exception by name and needs a "reason"',
        )


def _spells_exception(match: MatchSpec) -> bool:
    """Whether a match picks Exceptions and checks by name, both in so many words."""
    kinds = match.kind if isinstance(match.kind, list) else [match.kind]
    spelled = any(
        kind == "Exception" or (isinstance(kind, Equals) and "Exception" in _listed(kind.equals))
        for kind in kinds
    )
    return spelled and match.check is not None and match.check != "*"


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _check_placeholders(text: str, path: yamlfile.Path, problems: _Problems) -> None:
    try:
        fields = [name for _, name, _, _ in Formatter().parse(text) if name is not None]
    except ValueError as error:
        problems.add(path, f"{error}; write {{{{ and }}}} for braces")
        return
    for name in fields:
        if name not in PLACEHOLDERS:
            close = yamlfile.nearest(name, PLACEHOLDERS)
            more = f"; did you mean {{{close}}}?" if close else ""
            known = "" if close else f"; known are {', '.join(PLACEHOLDERS)}"
            problems.add(path, f"unknown placeholder {{{name}}}{more}{known}")


def _check_match(match: MatchSpec, path: yamlfile.Path, problems: _Problems) -> None:
    for name, key in MATCH_KEYS.items():
        value = getattr(match, name)
        if value is None or key in ("from_version", "target_version"):
            continue
        here = (*path, key)
        if key == "node":
            for part in ("uid", "name", "status", "type"):
                _check_patterns(getattr(value, part), (*here, part), problems)
        elif key == "not":
            _check_match(value, here, problems)
        elif key == "any":
            for index, part in enumerate(value):
                _check_match(part, (*here, index), problems)
        elif key == "where":
            for index, part in enumerate(value):
                _check_where(part, (*here, index), problems)
        else:
            _check_patterns(value, here, problems)
            if key == "scope":
                _check_scope(value, here, problems)


def _check_where(condition: WhereSpec, path: yamlfile.Path, problems: _Problems) -> None:
    from reporter.policy.jsonpath import compile_path, finds_one_at_most, names_in

    of_one = False
    try:
        compile_path(condition.path)
        of_one = finds_one_at_most(condition.path) or ends_in_a_list(condition)
        for _, sign, value in names_in(condition.path).compared:
            if isinstance(value, str) and "*" in value and sign in ("=", "==", "!="):
                problems.add((*path, "path"), _NO_WILDCARD.format("a filter"))
    except ValueError as error:
        problems.add((*path, "path"), str(error))
    innermost: Comparison = condition
    at = path
    while innermost.not_ is not None:
        innermost, at = innermost.not_, (*at, "not")
    if condition.quantifier is not None and (
        innermost.exists is not None or innermost.count is not None
    ):
        problems.add((*path, "quantifier"), "exists and count take no quantifier")
    count = innermost.count
    if count is not None and of_one and not _asks_whether_any(count):
        problems.add(
            (*at, "count"),
            "a list is one value, however many members it has, as is all at one place; to count "
            f"the members write {condition.path}[*], and exists to ask whether there is any",
        )
    _check_comparison(condition, path, problems)


def _asks_whether_any(count: CountSpec) -> bool:
    """Whether it tells nothing from something, and no more."""
    return (count.eq or 0, count.le or 0) == (0, 0) and all(
        bound in (None, most) for bound, most in ((count.lt, 1), (count.ge, 1), (count.gt, 0))
    )


def _check_comparison(part: Comparison, path: yamlfile.Path, problems: _Problems) -> None:
    if part.matches is not None:
        _check_regex(part.matches, (*path, "matches"), problems)
    for key in ("equals", "in", "matches", "lt", "le", "gt", "ge"):
        written = getattr(part, "in_" if key == "in" else key)
        for index, value in enumerate(written if isinstance(written, list) else [written]):
            if isinstance(value, str) and (what := _slipped_in(value)):
                place = (*path, key, *([index] * isinstance(written, list)))
                escapes = "matches, and in it \\n or \\x{200B}"
                problems.add(place, f"the text {what}; if that is meant, write {escapes}")
    for key, values in (("equals", [part.equals]), ("in", part.in_ or [])):
        for index, value in enumerate(values):
            if isinstance(value, str) and "*" in value:
                problems.add((*path, key, *([index] * (key == "in"))), _NO_WILDCARD.format(key))
    if part.matches is not None and regex.looks_like_glob(part.matches):
        problems.add(
            (*path, "matches"),
            f"/{part.matches}/ looks like a glob: in a regular expression * repeats the sign "
            "before it; write .* for any text, or put what is repeated in ( )",
        )
    for name in ("lt", "le", "gt", "ge"):
        if isinstance(getattr(part, name), bool):
            problems.add((*path, name), "true and false have no order; use equals")
    if part.not_ is not None:
        _check_comparison(part.not_, (*path, "not"), problems)


_NO_WILDCARD = (
    '"*" is no wildcard in {}: the text is compared letter by letter; write matches with .* for '
    "any text, or with \\* for the sign itself"
)


def _check_scope(value: Any, path: yamlfile.Path, problems: _Problems) -> None:
    """There are three scopes and there will be no others: what fits none of them is a slip."""
    for index, pattern in enumerate(value if isinstance(value, list) else [value]):
        place = (*path, index) if isinstance(value, list) else path
        if isinstance(pattern, Equals):
            for number, name in enumerate(_listed(pattern.equals)):
                if name not in _SCOPES:
                    at = (*place, "equals", *([number] * isinstance(pattern.equals, list)))
                    problems.add(at, not_one_of(f'"{name}"', _SCOPES))
        elif not _fits_one_of(pattern, _SCOPES):
            shown = pattern.regex if isinstance(pattern, Regex) else pattern
            problems.add(place, not_one_of(f'"{shown}"', _SCOPES))


def _fits_one_of(pattern: Any, words: Sequence[str]) -> bool:
    try:
        return any(map(CompiledPatterns(pattern).fits, words))
    except ValueError:
        return True  # what RE2 says of it is told already


def _check_patterns(value: Any, path: yamlfile.Path, problems: _Problems) -> None:
    for index, pattern in enumerate(value if isinstance(value, list) else [value]):
        place = (*path, index) if isinstance(value, list) else path
        if isinstance(pattern, Regex):
            place = (*place, "regex")
            _check_regex(pattern.regex, place, problems)
        text = pattern.regex if isinstance(pattern, Regex) else pattern
        if not isinstance(text, str):
            continue
        if what := _slipped_in(text):
            problems.add(place, f"the pattern {what}; if that is meant, write {{equals: …}}")


def _slipped_in(text: str) -> str | None:
    """YAML's block texts end with a new line; signs of no width come along from web pages."""
    if text != text.strip("\n"):
        return "begins or ends with a new line"
    return "holds a sign that nobody sees" if hides_a_sign(text) else None


def _check_regex(text: str, path: yamlfile.Path, problems: _Problems) -> None:
    try:
        found = regex.steps(text)
    except ValueError as error:
        problems.add(path, f"RE2 can't use this regular expression: {error}")
        return
    if found > MAX_REGEX:
        problems.add(path, f"a regular expression of more than {MAX_REGEX:,} steps ({found:,})")


def _merge(policies: list[_Loaded], lists: list[_Loaded]) -> Policy:
    parts = [loaded.layered for loaded in policies if loaded.layered is not None]
    whole = layers.union(parts)
    listed = [
        layers.PlacedWaiver(spec, loaded.document, index)
        for loaded in lists
        for index, spec in enumerate(loaded.spec.waivers or [])
    ]
    whole = replace(whole, waivers=layers.pool(whole.waivers, listed))
    waivers = []
    for placed in whole.waivers.values():
        waiver = _waiver(placed.spec, placed.document, placed.index)
        _check_period(waiver, placed.document.at(("waivers", placed.index, "expires")))
        _check_demands(waiver, placed, whole)
        waivers.append(waiver)
    return Policy(
        files=_files(policies, lists),
        rules=tuple(_rule(placed) for placed in whole.rules.values()),
        waivers=tuple(waivers),
        evidence=whole.evidence,
        applies_to=tuple(_scoping(scope) for scope in whole.scopes),
        unmatched=whole.unmatched,
        skipped=whole.skipped,
        names=tuple(loaded.spec.metadata.name for loaded in policies),
        layered=whole,
        side_by_side=whole.beside,
    )


def _files(policies: list[_Loaded], lists: list[_Loaded]) -> tuple[PolicyFile, ...]:
    """Each file once, with its places among those that were named."""
    found: dict[tuple[str, str], PolicyFile] = {}
    given: dict[tuple[str, str], list[int]] = {}
    for named in (policies, lists):
        for number, loaded in enumerate(named, 1):
            for index, file in enumerate(loaded.files):
                key = file.source, file.digest
                found.setdefault(key, file)
                if index == 0:
                    given.setdefault(key, []).append(number)
    return tuple(replace(file, given=tuple(given.get(key, ()))) for key, file in found.items())


def _rule(placed: layers.PlacedRule) -> Rule:
    spec, document, index = placed.spec, placed.document, placed.index
    return Rule(
        id=spec.id,
        effect=spec.effect,
        match=Match(spec.match),
        source=document.name,
        line=document.where(("rules", index)).line,
        title=spec.title,
        message=spec.message,
        remediation=spec.remediation,
        reason=spec.reason,
        waivable=spec.waivable,
        locked=spec.locked,
        effective_on=spec.effective_on,
        effective_from=parse_instant(spec.effective_on) if spec.effective_on else None,
        limit=spec.limit,
        below=spec.below or "warn",
        softens=placed.softens,
        lifts_doubt=placed.lifts_doubt,
    )


def _waiver(spec: WaiverSpec, document: Document, index: int) -> Waiver:
    written = document.data["waivers"][index]
    begins = spec.starts or spec.approved_on
    return Waiver(
        id=spec.id,
        match=Match(spec),
        reason=spec.reason,
        written={key: written[key] for key in MATCH_KEYS.values() if key in written},
        source=document.name,
        line=document.where(("waivers", index)).line,
        starts=spec.starts,
        expires=spec.expires,
        valid_from=parse_instant(begins) if begins else None,
        valid_until=parse_end(spec.expires) if spec.expires else None,
        approved_by=spec.approved_by,
        approved_on=spec.approved_on,
        ticket=spec.ticket,
        max_findings=spec.max_findings,
    )


def _scoping(placed: layers.PlacedScope) -> Scoping:
    spec = placed.spec
    written = placed.document.data["applies_to"]
    return Scoping(
        source=placed.document.name,
        cluster=CompiledPatterns(spec.cluster) if spec.cluster is not None else None,
        cluster_text=pattern_text(written.get("cluster")),
        target_version=Ranges(spec.target_version) if spec.target_version is not None else None,
        target_text=pattern_text(written.get("target_version")),
    )


def pattern_text(written: Any) -> str:
    """A pattern or list of patterns as a person would read it."""
    if isinstance(written, list):
        return " or ".join(pattern_text(part) for part in written)
    if isinstance(written, dict) and "regex" in written:
        return f"/{written['regex']}/"
    if isinstance(written, dict) and "equals" in written:
        return pattern_text(written["equals"])
    return "" if written is None else str(written)


def _check_period(waiver: Waiver, place: str) -> None:
    """One that could never hold has a mistaken date: whoever signed it believes it holds."""
    start, end = waiver.valid_from, waiver.valid_until
    if start is not None and end is not None and start >= end:
        key = "starts" if waiver.starts else "approved_on"
        raise PolicyError(
            f'{place}: waiver "{waiver.id}" is never valid: it expires ({waiver.expires}) before '
            f"it starts ({key}: {waiver.starts or waiver.approved_on})",
            hint="one of the two dates is mistaken; a waiver that is over can be removed",
        )


def _check_demands(waiver: Waiver, placed: layers.PlacedWaiver, whole: layers.Layered) -> None:
    """What the policies ask of every waiver, their own and those of waiver files."""

    def refuse(message: str, hint: str | None = None, place: str = placed.place) -> None:
        raise PolicyError(f'{place}: waiver "{waiver.id}" {message}', hint=hint)

    if waiver.valid_until is None and not whole.permanent:
        refuse(
            'needs "expires"',
            "only where every policy says waivers_may_be_permanent: true may it be left out",
        )
    for name in sorted(whole.requires):
        given: str | int | None = getattr(waiver, name)
        if given is None:
            refuse(f'needs "{name}": a policy lists it under waiver_requires')
        elif isinstance(given, str) and is_todo(given):
            refuse(
                f'says "{name}: {given.strip()}": a policy lists it under waiver_requires',
                f"fill in {name}; TODO only holds the place",
                placed.document.at(("waivers", placed.index, name)),
            )
    if whole.max_days is None:
        return
    if waiver.valid_from is None:
        refuse('needs "starts" or "approved_on": a policy sets max_waiver_days')
    elif waiver.valid_until is None or (
        waiver.valid_until - waiver.valid_from > timedelta(days=whole.max_days)
    ):
        refuse(f"holds longer than the {whole.max_days} days a policy allows (max_waiver_days)")
