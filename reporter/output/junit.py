"""JUnit XML for CI: one case per check and scope, and a suite about the judgement itself.

Written to the intersection of the two schemas in use (Ant's and Jenkins'): a root without
attributes, no case properties, constant times. Failures and errors are there exactly when the
verdict does not let the upgrade through, so that a reader who sees only this file is not misled.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from xml.etree import ElementTree

from reporter.output.clean import clean, cleaned, console_safe, one_line
from reporter.output.exhibits import AttachedExhibit
from reporter.record.instants import exactly_of, second_of
from reporter.record.model import Check, Entry, RuleUse, SkippedCheck, Verdict, WaiverUse
from reporter.words import say

MAX_TEXT = 8_000
MAX_PLACES = 20
MAX_MESSAGE = 300

Result = Literal["failure", "error", "skipped"]

_TYPES = {"failure": "precheck.PolicyFailure", "error": "precheck.Indeterminate"}
# Some readers act on these in any text they find; text from the cloud must not be able to.
_MARKERS = re.compile(r"\[(?=\[(?:ATTACHMENT|PROPERTY)\|)", re.IGNORECASE)
META_CLASS = "precheck.policy"


@dataclass(frozen=True)
class Case:
    """A test case; `result` None is a pass."""

    classname: str
    name: str
    result: Result | None = None
    message: str = ""
    text: str = ""


@dataclass(frozen=True)
class Unwritten:
    """Reports that could not be written, by name, and the exit code that the run has for it."""

    names: tuple[str, ...]
    exit_code: int


def write(
    verdict: Verdict,
    exhibits: Sequence[AttachedExhibit] = (),
    unwritten: Unwritten | None = None,
) -> bytes:
    """The verdict as JUnit XML; with an error beside it where the run has another exit code."""
    shown = cleaned(verdict)
    key = _cluster_key(shown)
    cases = [_check_case(shown, check, f"precheck.{key}.{check.scope}") for check in shown.checks]
    instant = second_of(shown.instant.at)
    root = ElementTree.Element("testsuites")
    upgrade = f"{shown.subject.cluster_version or '?'} to {shown.subject.target_version or '?'}"
    suite(
        root,
        [*_meta_cases(shown), *_unwritten_case(unwritten)],
        name=META_CLASS,
        package=META_CLASS,
        timestamp=instant,
        properties=_properties(shown, unwritten),
        out=[*(statement.text for statement in shown.conditions), *_used(shown)],
    )
    if cases:
        suite(
            root,
            distinct(cases),
            name=f"precheck {key} {upgrade}",
            package=f"precheck.{key}",
            timestamp=instant,
            properties=[],
            out=_warned(shown.checks),
        )
    return to_bytes(root)


def write_error(message: str, hint: str | None, at: datetime | None = None) -> bytes:
    """A file for a run without a verdict: with many readers a missing one would stay green.

    `at` is the instant it was to judge for, which readers show as the run's day; without one
    they show the first day of Unix.
    """
    case = Case(
        META_CLASS, "verdict", "error", one_line(message), clean(f"{message}\n{hint or ''}").strip()
    )
    root = ElementTree.Element("testsuites")
    suite(
        root,
        [case],
        name=META_CLASS,
        package=META_CLASS,
        timestamp="1970-01-01T00:00:00" if at is None else second_of(at),
        properties=[],
        out=[],
    )
    return to_bytes(root)


def _cluster_key(verdict: Verdict) -> str:
    name = verdict.subject.cluster_id or verdict.subject.cluster_name or "cluster"
    return re.sub(r"[.\s]+", "_", one_line(name)) or "cluster"


def _unwritten_case(unwritten: Unwritten | None) -> list[Case]:
    if unwritten is None:
        return []
    names = ", ".join(one_line(name) for name in unwritten.names)
    text = f"could not be written, so the exit code is {unwritten.exit_code}: {names}"
    return [Case(META_CLASS, "reports", "error", text, text)]


def _properties(verdict: Verdict, unwritten: Unwritten | None) -> list[tuple[str, str]]:
    # A closed list: nothing from the command line or the environment gets in by itself.
    pairs = [
        ("tool", f"{verdict.tool.name} {verdict.tool.version}"),
        ("verdict", verdict.outcome),
        ("exit-code", str(unwritten.exit_code if unwritten else verdict.exit_code)),
        ("judged-at", exactly_of(verdict.instant.at)),
        ("judged-at-basis", verdict.instant.basis),
        ("backdated", str(verdict.instant.backdated).lower()),
        ("postdated", str(verdict.instant.postdated).lower()),
    ]
    if verdict.gate.advisory is not None:
        pairs.append(("advisory", one_line(verdict.gate.advisory)))
    for label, value in (
        ("cluster", verdict.subject.cluster_id),
        ("from-version", verdict.subject.cluster_version),
        ("target-version", verdict.subject.target_version),
        ("task", verdict.subject.task_uid),
        ("change", verdict.subject.change.id),
    ):
        if value:
            pairs.append((label, one_line(value)))
    pairs += [
        (f"{exhibit.role}-sha256-{index}", exhibit.sha256)
        for index, exhibit in enumerate(verdict.exhibits, 1)
    ]
    return pairs


def _meta_cases(verdict: Verdict) -> list[Case]:
    cases = [_verdict_case(verdict)]
    for line in verdict.evidence:
        text = "; ".join(statement.text for statement in line.statements)
        result: Result | None = None
        if line.state == "not-ok" and line.level == "require":
            result = "error"
        elif line.state == "not-applicable":
            result = "skipped"
        if line.state == "not-ok" and line.level == "warn" and verdict.gate.fail_on == "warn":
            result = "failure"
        name = f"evidence {line.id}"
        where = "\n".join(line.pointers[:MAX_PLACES])
        prefix = "NOT APPLICABLE: " if result == "skipped" else ""
        cases.append(Case(META_CLASS, name, result, prefix + text, f"{text}\n{where}".strip()))
    if not verdict.skipped:
        cases.append(Case(META_CLASS, "skipped checks"))
    cases += [_skip_case(verdict, skip, index) for index, skip in enumerate(verdict.skipped, 1)]
    cases += [_limit_case(verdict, rule) for rule in verdict.rules if rule.limit is not None]
    for use in verdict.waivers:
        # A waiver that is not used changes no verdict; it is shown, and counted by nobody.
        unused = use.status != "used"
        text = _use_text(use)
        cases.append(
            Case(META_CLASS, f"waiver {use.id}", "skipped" if unused else None, text, text)
        )
    if not verdict.waivers:
        cases.append(Case(META_CLASS, "waivers"))
    return distinct(cases)


def _use_text(use: WaiverUse) -> str:
    return f"{use.status.upper()}: {use.why.text}; reason: {use.reason}"


def _used(verdict: Verdict) -> list[str]:
    """What is said of waivers that are used: a case that passes has no place for it."""
    used = (use for use in verdict.waivers if use.status == "used")
    return [one_line(f"waiver {use.id}: {_use_text(use)}") for use in used]


def _verdict_case(verdict: Verdict) -> Case:
    sentences = ". ".join(part.text for part in verdict.summary)
    text = "\n".join(
        [verdict.headline.text, sentences]
        + [f"- {reason.what.text} ({reason.why.text})" for reason in verdict.reasons]
        + [f"* {condition.text}" for condition in verdict.conditions]
    )
    result: Result | None = None
    if verdict.outcome == "fail" or verdict.refused_for_warnings:
        result = "failure"
    elif verdict.outcome == "inconclusive":
        result = "error"
    return Case(META_CLASS, "verdict", result, verdict.headline.text, text)


def _limit_case(verdict: Verdict, rule: RuleUse) -> Case:
    said = rule.limit.said.text if rule.limit is not None else ""
    refused = rule.effect == "fail" or (rule.effect == "warn" and verdict.gate.fail_on == "warn")
    exceeded = rule.limit is not None and rule.limit.exceeded
    result: Result | None = "failure" if exceeded and refused else None
    return Case(META_CLASS, f"limit {rule.id}", result, said, said)


def _skip_case(verdict: Verdict, skip: SkippedCheck, index: int) -> Case:
    name = f"skipped check {index} {skip.name or say('reason.unnamed')}"
    text = f"{skip.why.text}\n{_nodes_text(skip.node_uids)}".strip()
    if skip.outcome == "fail" or (skip.outcome == "warn" and verdict.gate.fail_on == "warn"):
        misses = [f"{miss.waiver}: {miss.why.text}" for miss in skip.near_misses]
        return Case(META_CLASS, name, "failure", skip.why.text, "\n".join([text, *misses]))
    message = f"SKIPPED: {skip.why.text}"
    if skip.waived_by:
        message = f"WAIVED {_waived_text(verdict, skip.waived_by)}"
    return Case(META_CLASS, name, "skipped", message, text)


def _check_case(verdict: Verdict, check: Check, classname: str) -> Case:
    name = check.name or say("reason.unnamed")
    outcome = check.outcome
    text = _check_text(verdict, check)
    first = check.entries[0] if check.entries else None
    where = f" ({check.nodes_seen} nodes seen)" if check.scope == "node" else ""
    if first is None:
        return Case(classname, name)
    shown = first.message or first.why.text
    if outcome == "fail" or (outcome == "warn" and verdict.gate.fail_on == "warn"):
        return Case(classname, name, "failure", f"{_tag(first)}: {shown}{where}", text)
    if outcome == "unknown":
        return Case(classname, name, "error", f"{_tag(first)}: {first.why.text}{where}", text)
    if outcome == "waived":
        message = f"WAIVED {_waived_text(verdict, first.waived_by)}"
        return Case(classname, name, "skipped", message, text)
    return Case(classname, name)


def _tag(entry: Entry) -> str:
    return " ".join(part for part in (entry.kind, entry.level) if part) or "Unknown"


def _waived_text(verdict: Verdict, ids: Iterable[str]) -> str:
    """Each waiver with its end and who approved it, then the reasons: what is cut is cut there."""
    uses = {use.id: use for use in verdict.waivers}
    shown, reasons = [], []
    for name in ids:
        use = uses[name]
        reasons.append(one_line(use.reason))
        until = f" until {use.expires}" if use.expires else " without end"
        by = f" by {use.approved_by}" if use.approved_by else ""
        ticket = f" ({use.ticket})" if use.ticket else ""
        shown.append(f"{name}{until}{by}{ticket}")
    return f"{', '.join(shown)}; reason: {'; '.join(dict.fromkeys(reasons))}"


def _check_text(verdict: Verdict, check: Check) -> str:
    lines: list[str] = []
    for entry in check.entries:
        lines.append(f"{say(f'finding.{entry.outcome}')}: {entry.why.text}")
        if entry.message:
            lines.append(entry.message)
        lines += entry.said
        lines += [f"To do: {text}" for text in entry.remediation]
        if entry.waived_by:
            lines.append(f"Waived by {_waived_text(verdict, entry.waived_by)}")
        lines += [f"Not covered by {miss.waiver}: {miss.why.text}" for miss in entry.near_misses]
        nodes = [
            node.name or node.uid or "(a node without a name)"
            for place in entry.places
            for node in place.nodes
        ]
        if nodes:
            lines.append(_nodes_text(nodes))
        pointers = [place.pointer for place in entry.places[:MAX_PLACES]]
        lines += [f"at {pointer}" for pointer in pointers]
        if len(entry.places) > MAX_PLACES:
            lines.append(f"and {len(entry.places) - MAX_PLACES:,} more places")
    return "\n".join(lines)


def _nodes_text(nodes: Sequence[str]) -> str:
    if not nodes:
        return ""
    more = f" and {len(nodes) - MAX_PLACES:,} more" if len(nodes) > MAX_PLACES else ""
    return f"Nodes: {', '.join(nodes[:MAX_PLACES])}{more}"


def _warned(checks: Sequence[Check]) -> list[str]:
    """What has no place of its own in JUnit: warnings and notes."""
    return [
        f"{say(f'finding.{entry.outcome}')}: {check.name or say('reason.unnamed')} "
        f"({len(entry.places)}): {_warning(entry)}"
        for check in checks
        for entry in check.entries
        if entry.outcome in ("warn", "note")
    ]


def _warning(entry: Entry) -> str:
    why = entry.why.text
    if not entry.message:
        return why
    return f"{entry.message} ({why})" if entry.why.code == "decided.rule-reason" else entry.message


def distinct(cases: Iterable[Case]) -> list[Case]:
    """Cases with names of their own: a reader that merges equal names would hide a failure."""
    seen: dict[tuple[str, str], int] = {}
    result = []
    for case in cases:
        # A name of blanks is shown as none, which no schema takes.
        name = _safe(one_line(case.name)) or say("reason.unnamed")
        key = (case.classname, name)
        count = seen[key] = seen.get(key, 0) + 1
        while count > 1 and (case.classname, f"{name} ~{count}") in seen:
            count += 1
        if count > 1:
            name = f"{name} ~{count}"
            seen[(case.classname, name)] = 1
        result.append(Case(case.classname, name, case.result, case.message, case.text))
    return result


def suite(
    root: ElementTree.Element,
    cases: Sequence[Case],
    *,
    name: str,
    package: str,
    timestamp: str,
    properties: Sequence[tuple[str, str]],
    out: Sequence[str],
) -> None:
    """Add a suite with its cases to `root`, in the order both schemas ask for."""
    totals = {
        "tests": len(cases),
        "failures": sum(case.result == "failure" for case in cases),
        "errors": sum(case.result == "error" for case in cases),
        "skipped": sum(case.result == "skipped" for case in cases),
    }
    element_of_suite = ElementTree.SubElement(
        root,
        "testsuite",
        {
            "name": _safe(name),
            "package": _safe(package),
            "id": str(len(root)),
            "hostname": "localhost",
            "timestamp": timestamp,
            **{key: str(value) for key, value in totals.items()},
            "time": "0.000",
        },
    )
    holder = ElementTree.SubElement(element_of_suite, "properties")
    for key, value in properties:
        ElementTree.SubElement(holder, "property", {"name": key, "value": _safe(value)})
    for case in cases:
        element = ElementTree.SubElement(
            element_of_suite,
            "testcase",
            {"name": case.name, "classname": _safe(case.classname), "time": "0.000"},
        )
        if case.result is not None:
            attributes = {"message": _safe(_short(one_line(case.message)))}
            if case.result in _TYPES:
                attributes["type"] = _TYPES[case.result]
            inner = ElementTree.SubElement(element, case.result, attributes)
            if case.result != "skipped":
                inner.text = _safe(_short(case.text, MAX_TEXT))
    said = _safe(_short("\n".join(out), MAX_TEXT))
    ElementTree.SubElement(element_of_suite, "system-out").text = said
    ElementTree.SubElement(element_of_suite, "system-err").text = ""


def _short(text: str, most: int = MAX_MESSAGE) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _safe(text: str) -> str:
    # A file that goes to a log is read there too: line by line, for workflow commands.
    rows = [console_safe(row) for row in clean(text).split("\n")]
    return _MARKERS.sub("[\u200b", "\n".join(rows))


def to_bytes(root: ElementTree.Element) -> bytes:
    """The file, indented, ending in a newline."""
    ElementTree.indent(root)
    body: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return body + b"\n"
