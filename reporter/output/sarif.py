"""SARIF 2.1.0 for code scanning and the readers that show it beside a file.

One result for each place of a finding that did not pass, and results for what else keeps the
upgrade from being let through: evidence that does not hold, checks skipped on the server, limits.
A verdict that refuses never gives a file without an error. Plain dictionaries: the typed SARIF
libraries are unmaintained, and the tests hold every file against the published schema.

What can't stand in the file is told in a notification and in the run's `properties`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import PurePath
from typing import Any, Final, Literal
from urllib.parse import quote

from reporter.output.clean import cleaned, console_safe, one_line, web_address
from reporter.output.exhibits import AttachedExhibit
from reporter.record.instants import exactly_of
from reporter.record.model import (
    NOT_FILES,
    OUTCOMES_WORST_FIRST,
    CatalogueEntry,
    Check,
    Entry,
    Exhibit,
    Place,
    RuleUse,
    Verdict,
)
from reporter.words import say

Waived = Literal["omit", "suppress"]
Json = dict[str, Any]

SCHEMA: Final = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
COLUMN_KIND: Final = "unicodeCodePoints"
"""The unit of `Place.column`."""

MAX_RESULTS: Final = 25_000
"""GitHub refuses a file with more; the worst come first, and what is left out is counted."""

MAX_TEXT: Final = 2_000
MAX_NAME: Final = 255

LEVELS: Final = {
    "fail": "error",
    # The gate refuses for it. The kind `open` would need level `none`, which readers hide.
    "unknown": "error",
    "warn": "warning",
    # Suppressed; a reader that ignores suppressions shows it and does not block on it.
    "waived": "warning",
    "note": "note",
}
"""Outcome of a finding, a skipped check or an effect → level of its result."""

ROLES: Final = {
    "response": ["analysisTarget"],
    "policy": ["userSpecifiedConfiguration"],
    "waivers": ["userSpecifiedConfiguration"],
    "sidecar": ["referencedOnCommandLine"],
}

SKIPPED_RULE: Final = "skipped-check"
LIMIT_RULE: Final = "limit"
VERDICT_RULE: Final = "verdict"

_SKIPPED_TEXT: Final = "A check was skipped on the server, so CCE never ran it"
_LIMIT_TEXT: Final = "A limit of the policy is exceeded"
_VERDICT_TEXT: Final = "The pre-upgrade check does not let the upgrade through"
_EVIDENCE_TEXT: Final = "Can this check be relied on? {name}"
_CHECK_TEXT: Final = "CCE check item {name}"
_WAIVED_LEFT_OUT: Final = "{count:,} waived and not among the results: {waivers}"
_MORE_LEFT_OUT: Final = "{count:,} more results are left out: the file holds at most {most:,}"
_CERTAINTY: Final = {"likely": "Likely, not certain: ", "user": "", "verified": ""}


def write(
    verdict: Verdict, exhibits: Sequence[AttachedExhibit] = (), *, waived: Waived = "omit"
) -> bytes:
    """The verdict as SARIF: UTF-8 JSON, ending in a newline.

    `waived` says what becomes of waived findings and skips: left out and counted in a
    notification, or results with a suppression that names the waiver.
    """
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [_Run(verdict, waived).run()]}
    return json.dumps(log, indent=1, ensure_ascii=False).encode() + b"\n"


@dataclass(frozen=True)
class _Result:
    """A result before it is numbered and written down."""

    rule: str
    level: str
    outcome: str
    text: str
    identity: tuple[str, ...]
    content: str
    logical: tuple[Json, ...]
    place: Place | None = None
    whole_file: bool = False
    deciding: tuple[str, ...] = ()
    waived_by: tuple[str, ...] = ()
    properties: tuple[tuple[str, Any], ...] = ()


class _Run:
    """One record on its way to a run, with the look-ups its parts share."""

    def __init__(self, verdict: Verdict, waived: Waived) -> None:
        self.raw = verdict
        self.shown = cleaned(verdict)
        self.waived = waived
        self.uses = {use.id: use for use in self.shown.waivers}
        # Paths as they came: a cleaned one may name no file.
        self.files = {
            (kind, shown.id): (raw.source, raw.line)
            for kind, pairs in (
                ("rule", zip(verdict.rules, self.shown.rules, strict=True)),
                ("waiver", zip(verdict.waivers, self.shown.waivers, strict=True)),
            )
            for raw, shown in pairs
        }
        self.artifacts, self.indices = self._artifacts()
        self.rules: dict[tuple[str, str | None], Json] = {}
        self.taken: set[str] = set()
        self.numbers: dict[str, int] = {}

    def run(self) -> Json:
        shown = self.shown
        wanted = self._results()
        kept = wanted[:MAX_RESULTS]
        results = self._written(kept)
        return {
            "tool": {
                "driver": {
                    "name": shown.tool.name,
                    "version": shown.tool.version,
                    "language": "en",
                    "rules": list(self.rules.values()),
                }
            },
            "invocations": [self._invocation(len(wanted) - len(kept))],
            "automationDetails": {"id": f"cce-precheck/{quote(_cluster_key(self.raw), safe='')}/"},
            "artifacts": self.artifacts,
            "columnKind": COLUMN_KIND,
            "defaultEncoding": "utf-8",
            "results": results,
            "properties": _plain(self._properties()),
        }

    # What there is ---------------------------------------------------------------------------

    def _results(self) -> list[_Result]:
        aside = [*self._verdict(), *self._evidence(), *self._limits(), *self._skipped()]
        findings = [part for part in self._findings() if self._is_shown(part.outcome)]
        order: Sequence[str] = OUTCOMES_WORST_FIRST
        results = [*aside, *sorted(findings, key=lambda part: order.index(part.outcome))]
        if self._refuses() and not any(part.level == "error" for part in results):
            results.insert(0, self._refusal())
        return results

    def _is_shown(self, outcome: str) -> bool:
        return outcome != "waived" or self.waived == "suppress"

    def _refuses(self) -> bool:
        return self.shown.outcome != "pass" or self.shown.refused_for_warnings

    def _verdict(self) -> Iterator[_Result]:
        if self.shown.outcome == "inconclusive":
            yield self._refusal()

    def _refusal(self) -> _Result:
        shown = self.shown
        said = [shown.headline.text, *(part.text for part in shown.summary)]
        said += [reason.what.text for reason in shown.reasons]
        return _Result(
            rule=self._own_rule(VERDICT_RULE, _VERDICT_TEXT),
            level="error",
            outcome=shown.outcome,
            text=". ".join(said),
            identity=(VERDICT_RULE,),
            content="",
            logical=(self._cluster(),),
            whole_file=True,
        )

    def _evidence(self) -> Iterator[_Result]:
        for line in self.shown.evidence:
            if line.state != "not-ok" or line.level not in ("require", "warn"):
                continue
            said = "; ".join(part.text for part in line.statements)
            name = say(f"evidence-name.{line.id}")
            yield _Result(
                rule=self._own_rule(f"evidence.{line.id}", _EVIDENCE_TEXT.format(name=name)),
                level="error" if line.level == "require" else "warning",
                outcome="inconclusive" if line.level == "require" else "warn",
                text=f"{name}: {said}",
                identity=("evidence", line.id),
                content="",
                logical=(self._cluster(),),
                whole_file=True,
                properties=(("pointers", line.pointers),),
            )

    def _limits(self) -> Iterator[_Result]:
        for use in self.shown.rules:
            if use.limit is None or not use.limit.exceeded:
                continue
            yield _Result(
                rule=self._own_rule(LIMIT_RULE, _LIMIT_TEXT),
                level=LEVELS[use.effect],
                outcome=use.effect,
                text=f"{_titled(use)}: {use.limit.said.text}",
                identity=(LIMIT_RULE, use.id),
                content="",
                logical=(self._cluster(),),
                deciding=(use.id,),
            )

    def _skipped(self) -> Iterator[_Result]:
        for raw, skip in zip(self.raw.skipped, self.shown.skipped, strict=True):
            if not self._is_shown(skip.outcome):
                continue
            name = _name(skip.name)
            nodes = f" (nodes: {', '.join(skip.node_uids[:20])})" if skip.node_uids else ""
            yield _Result(
                rule=self._own_rule(SKIPPED_RULE, _SKIPPED_TEXT),
                level=LEVELS[skip.outcome],
                outcome=skip.outcome,
                text=f"{name}: {skip.why.text}{nodes}",
                identity=(SKIPPED_RULE, raw.name or "", *sorted(raw.node_uids)),
                content=f"{raw.has_selector}",
                logical=(self._cluster(), _logical("check", name, self._cluster())),
                whole_file=True,
                waived_by=tuple(skip.waived_by),
                properties=(("pointer", skip.pointer),),
            )

    def _findings(self) -> Iterator[_Result]:
        for raw, check in zip(self.raw.checks, self.shown.checks, strict=True):
            # Rules stand for every check that ran, so that a reader sees what was looked at.
            rule = self._check_rule(raw.name, check.name)
            for raw_entry, entry in zip(raw.entries, check.entries, strict=True):
                text = self._finding_text(check, entry)
                content = json.dumps(
                    [raw_entry.message, raw_entry.kind, raw_entry.level, raw_entry.error_codes]
                )
                for raw_place, place in zip(raw_entry.places, entry.places, strict=True):
                    yield self._finding(raw, raw_place, check, entry, place, rule, text, content)

    def _finding(
        self,
        raw: Check,
        raw_place: Place,
        check: Check,
        entry: Entry,
        place: Place,
        rule: str,
        text: str,
        content: str,
    ) -> _Result:
        names = [node.name or node.uid or "a node without a name" for node in place.nodes]
        nodes = sorted(node.uid or node.name or "" for node in raw_place.nodes)
        on = f" On {', '.join(names[:20])}." if names else ""
        return _Result(
            rule=rule,
            level=LEVELS[entry.outcome],
            outcome=entry.outcome,
            text=text + on,
            identity=("finding", raw.name or "", check.scope, *nodes),
            content=content,
            logical=self._logical(check, entry, names),
            place=place,
            deciding=tuple(match.rule for match in entry.rules if match.effect == entry.outcome)
            or tuple(match.rule for match in entry.rules),
            waived_by=tuple(entry.waived_by),
            properties=tuple(
                (key, value)
                for key, value in (
                    ("scope", check.scope),
                    ("kind", entry.kind),
                    ("level", entry.level),
                    ("group", entry.group),
                    ("phase", entry.phase),
                    ("errorCodes", entry.error_codes),
                    ("pointer", place.pointer),
                    ("nodes", names),
                    ("rules", [match.rule for match in entry.rules]),
                )
                if value
            ),
        )

    def _finding_text(self, check: Check, entry: Entry) -> str:
        tag = " · ".join(part for part in (entry.kind, entry.level) if part)
        what = f"{_name(check.name)}{f' ({tag})' if tag else ''}"
        parts = [
            _sentence(f"{what}: {entry.message}" if entry.message else what),
            _sentence(f"{say(f'finding.{entry.outcome}')}: {entry.why.text}"),
            *(_sentence(said) for said in entry.said),
            *(f"To do: {_sentence(text)}" for text in entry.remediation),
            *(
                f"Not covered by waiver {miss.waiver}: {_sentence(miss.why.text)}"
                for miss in entry.near_misses
            ),
        ]
        return " ".join(one_line(part) for part in parts)

    # How it is written -----------------------------------------------------------------------

    def _written(self, wanted: Sequence[_Result]) -> list[Json]:
        prints = self._fingerprints(wanted)
        numbers = {rule["id"]: index for index, rule in enumerate(self.rules.values())}
        return [
            self._result(part, prints[index], numbers[part.rule])
            for index, part in enumerate(wanted)
        ]

    def _result(self, part: _Result, fingerprint: str, rule_index: int) -> Json:
        result: Json = {
            "ruleId": part.rule,
            "ruleIndex": rule_index,
            "kind": "fail",
            "level": part.level,
            "message": {"text": _text(part.text)},
            "locations": [self._location(part)],
            "partialFingerprints": {
                # The only name GitHub reads; ours holds no line, so that it stays.
                "primaryLocationLineHash": f"{fingerprint}:1",
                "precheckFinding/v1": fingerprint,
            },
        }
        if part.waived_by:
            result["suppressions"] = [self._suppression(waiver) for waiver in part.waived_by]
        result["properties"] = _plain({"outcome": part.outcome, **dict(part.properties)})
        return result

    def _suppression(self, waiver: str) -> Json:
        use = self.uses.get(waiver)
        if use is None:
            return {"kind": "external", "justification": _text(waiver)}
        said = [
            f"waiver {use.id}: {use.reason}",
            f"approved by {use.approved_by}" if use.approved_by else "no approver named",
            f"ticket {use.ticket}" if use.ticket else None,
            f"until {use.expires}" if use.expires else "without end",
        ]
        suppression: Json = {
            "kind": "external",
            "justification": _text("; ".join(part for part in said if part)),
        }
        location = self._file_location(*self.files["waiver", waiver])
        if location is not None:
            suppression["location"] = {"physicalLocation": location}
        return suppression

    def _location(self, part: _Result) -> Json:
        location: Json = {}
        physical = self._physical(part)
        if physical is not None:
            location["physicalLocation"] = physical
        location["logicalLocations"] = list(part.logical)
        return location

    def _physical(self, part: _Result) -> Json | None:
        """Its place in the response, else the rule that decided it, else nothing."""
        source = self.raw.source.name
        if part.place is not None and part.place.line is not None:
            return self._file_location(source, part.place.line, part.place.column)
        for name in part.deciding:
            if ("rule", name) in self.files:
                found = self._file_location(*self.files["rule", name])
                if found is not None:
                    return found
        # Evidence is about the document as a whole, and that begins on its first line.
        return self._file_location(source, 1) if part.whole_file else None

    def _file_location(self, name: str, line: int, column: int | None = None) -> Json | None:
        uri = _uri(name)
        if uri is None or line < 1:
            return None
        artifact: Json = {"uri": uri}
        if uri in self.indices:
            artifact["index"] = self.indices[uri]
        region: Json = {"startLine": line}
        if column is not None and column >= 1:
            region["startColumn"] = column
        return {"artifactLocation": artifact, "region": region}

    def _fingerprints(self, wanted: Sequence[_Result]) -> list[str]:
        """The same for the same check and node, whatever the order, the line and the time.

        Of several findings with one identity the further ones, in the order of what they say,
        carry a number.
        """
        cluster = _cluster_key(self.raw)
        prints = [_digest(cluster, *part.identity) for part in wanted]
        alike: dict[str, list[int]] = {}
        for index, fingerprint in enumerate(prints):
            alike.setdefault(fingerprint, []).append(index)
        for fingerprint, indices in alike.items():
            ordered = sorted(indices, key=lambda index: wanted[index].content)
            for number, index in enumerate(ordered[1:], 2):
                prints[index] = _digest(fingerprint, str(number))
        return prints

    # The frame -------------------------------------------------------------------------------

    def _check_rule(self, raw: str | None, name: str | None) -> str:
        """The id of a check's rule; names that differ only in what is cleaned away stay apart."""
        key = ("check", raw)
        if key not in self.rules:
            ident = self._distinct(_text(_short(_name(name), MAX_NAME)))
            known = self.shown.catalogue.get(name) if name is not None else None
            if known:
                self.rules[key] = _from_catalogue(ident, known.get("en") or known[min(known)])
            else:
                self.rules[key] = _descriptor(ident, _CHECK_TEXT.format(name=_text(_name(name))))
        found: str = self.rules[key]["id"]
        return found

    def _own_rule(self, name: str, text: str) -> str:
        """The id of a rule that is no check of CCE."""
        key = ("own", name)
        if key not in self.rules:
            self.rules[key] = _descriptor(self._distinct(name), text)
        found: str = self.rules[key]["id"]
        return found

    def _distinct(self, wanted: str) -> str:
        ident, number = wanted, self.numbers.get(wanted, 1)
        while ident in self.taken:
            number += 1
            ident = f"{wanted} ~{number}"
        self.numbers[wanted] = number
        self.taken.add(ident)
        return ident

    def _invocation(self, left_out: int) -> Json:
        shown = self.shown
        said = [self._notification("note", part.text) for part in shown.conditions]
        if self.waived == "omit" and (count := self._waived_count()):
            used = ", ".join(use.id for use in shown.waivers if use.status == "used")
            said.append(
                self._notification("note", _WAIVED_LEFT_OUT.format(count=count, waivers=used))
            )
        if left_out:
            text = _MORE_LEFT_OUT.format(count=left_out, most=MAX_RESULTS)
            said.append(self._notification("warning", text))
        for line in shown.evidence:
            if line.state == "not-ok":
                level = {"require": "error", "warn": "warning"}.get(line.level, "note")
                text = "; ".join(part.text for part in line.statements)
                said.append(self._notification(level, text))
        return {
            # What can't be relied on was no successful analysis: no reader may take it for one.
            "executionSuccessful": shown.outcome != "inconclusive",
            "exitCode": shown.exit_code,
            "exitCodeDescription": _text(shown.headline.text),
            "toolExecutionNotifications": said,
        }

    def _waived_count(self) -> int:
        skips = sum(skip.outcome == "waived" for skip in self.shown.skipped)
        return self.shown.counts.findings.waived + skips

    def _notification(self, level: str, text: str) -> Json:
        return {"level": level, "message": {"text": _text(text)}}

    def _artifacts(self) -> tuple[list[Json], dict[str, int]]:
        paths = {use.sha256: use.source for use in self.raw.policies}
        artifacts: list[Json] = []
        indices: dict[str, int] = {}
        for exhibit in self.raw.exhibits:
            name = paths.get(exhibit.sha256, exhibit.name)
            if exhibit.role == "response":
                name = self.raw.source.name
            uri = _uri(name)
            if uri is not None:
                indices.setdefault(uri, len(artifacts))
            artifacts.append(_artifact(exhibit, uri))
        return artifacts, indices

    def _properties(self) -> Json:
        shown = self.shown
        subject = shown.subject
        return {
            "verdict": shown.outcome,
            "headline": shown.headline.text,
            "exitCode": shown.exit_code,
            "at": _instant(shown),
            "basis": shown.instant.basis,
            "backdated": shown.instant.backdated,
            "postdated": shown.instant.postdated,
            "advisory": shown.gate.advisory,
            "cluster": subject.cluster_id,
            "clusterVersion": subject.cluster_version,
            "targetVersion": subject.target_version,
            "task": subject.task_uid,
            "change": subject.change.id,
            "findings": shown.counts.findings.model_dump(by_alias=True),
            "checks": shown.counts.checks.model_dump(by_alias=True),
            "skipped": shown.counts.skipped,
            "waived": self.waived,
            "waivers": [
                {"id": use.id, "status": use.status, "findings": use.findings, "skips": use.skipped}
                for use in shown.waivers
            ],
            "record": shown.apiVersion,
            "semantics": shown.semantics,
        }

    def _cluster(self) -> Json:
        return _logical("cluster", _cluster_key(self.shown))

    def _logical(self, check: Check, entry: Entry, nodes: Sequence[str]) -> tuple[Json, ...]:
        """The cluster, the nodes or add-ons a finding is about, and the check."""
        cluster = self._cluster()
        # Nodes without names look alike; a place is told once.
        parts = _distinct(_logical("node", name, cluster) for name in nodes)
        if check.scope == "addon":
            addons = [risk.template_name or risk.alias for risk in entry.risks.addons]
            named = [name for name in addons if name] or [say("scope.addon")]
            parts += _distinct(_logical("addon", name, cluster) for name in named)
        parent = parts[0] if len(parts) == 1 else cluster
        return (cluster, *parts, _logical("check", _name(check.name), parent))


def _descriptor(ident: str, text: str) -> Json:
    return {
        "id": ident,
        "shortDescription": {"text": text},
        "fullDescription": {"text": text},
        "help": {"text": text},
    }


def _from_catalogue(ident: str, entry: CatalogueEntry) -> Json:
    fix = f"{_CERTAINTY.get(entry.certainty, '')}{entry.fix}"
    descriptor: Json = {
        "id": ident,
        "shortDescription": {"text": _text(entry.title) or ident},
        "fullDescription": {"text": _text(entry.checks) or ident},
        "help": {"text": _text(fix) or ident},
    }
    link = web_address(entry.link)
    if link and _URI.fullmatch(link):
        descriptor["helpUri"] = link
    descriptor["properties"] = {"certainty": entry.certainty, "asOf": _text(entry.as_of)}
    return descriptor


def _distinct(places: Iterable[Json]) -> list[Json]:
    return list({place["fullyQualifiedName"]: place for place in places}.values())


def _logical(kind: str, name: str, parent: Json | None = None) -> Json:
    short = _text(_short(one_line(name), MAX_NAME)) or "?"
    full = f"{parent['fullyQualifiedName']}/{short}" if parent is not None else short
    return {"name": short, "fullyQualifiedName": full, "kind": kind}


def _artifact(exhibit: Exhibit, uri: str | None) -> Json:
    artifact: Json = {
        "description": {"text": _text(exhibit.name) or exhibit.role},
        "length": exhibit.size,
        "mimeType": exhibit.media_type,
        "hashes": {"sha-256": exhibit.sha256},
        "roles": ROLES[exhibit.role],
    }
    if uri is not None:
        artifact["location"] = {"uri": uri}
    return artifact


_URI = re.compile(r"(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+")


def _uri(name: str) -> str | None:
    """A path as a URI reference; None for what is no file, such as `builtin:recommended`."""
    if not name or name in NOT_FILES or name.startswith("builtin:"):
        return None
    path = PurePath(name)
    if path.is_absolute():
        return "file://" + quote(path.as_posix(), safe="/", errors="replace")
    # A colon in the first segment would read as a scheme, so it is quoted as well.
    return quote(path.as_posix(), safe="/", errors="replace")


def _cluster_key(verdict: Verdict) -> str:
    return verdict.subject.cluster_id or verdict.subject.cluster_name or "cluster"


def _digest(*parts: str) -> str:
    # What came may hold lone surrogates, which UTF-8 has no bytes for.
    data = json.dumps(parts, ensure_ascii=True).encode()
    return sha256(data).hexdigest()[:32]


def _instant(verdict: Verdict) -> str:
    return exactly_of(verdict.instant.at)


def _name(name: str | None) -> str:
    return one_line(name) if name and one_line(name) else say("reason.unnamed")


def _titled(use: RuleUse) -> str:
    return f"{use.id} ({use.title})" if use.title else use.id


def _sentence(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "!", "?", "。", "！", "？")) else f"{text}."


def _short(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


# `[text](target)` is a link even in a plain message, and `{0}` a hole to be filled.
_LINK = re.compile(r"\](?=\()")
_HOLE = re.compile(r"\{(?=[0-9])")


def _text(text: str) -> str:
    """A text for a message: one line, bounded, without links, holes and workflow commands."""
    text = _short(console_safe(one_line(text)), MAX_TEXT)
    return _HOLE.sub("{\u200b", _LINK.sub("]\u200b", text))


def _plain(value: Any) -> Any:
    """The same with every text fit to be shown."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    return value
