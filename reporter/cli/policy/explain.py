"""`cce-precheck policy explain`: the whole derivation for one finding."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from reporter.cli.common import policies_option, waivers_option
from reporter.cli.judging import DEFAULT_POLICY

if TYPE_CHECKING:
    from reporter.policy.explain import (
        Derivation,
        Explanation,
        KeyTried,
        RuleTried,
        SkipExplained,
        WaiverTried,
    )

API_VERSION = "precheck.explanation/v1alpha"
WIDTH = 80
LABEL = 12
SHOWN_NODES = 5
SHOWN_TEXT = 240

_SIGNS = {"yes": "✓", "no": "✕", "open": "?"}
_WORDS = {"yes": "matches", "no": "no match", "open": "open"}


@click.command("explain")
@click.argument("response", metavar="RESPONSE")
@click.option("--check", "check", required=True, metavar="NAME", help="The check item's name.")
@click.option("--node", metavar="N", help="Only on this node: its uid or its name.")
@policies_option("What to judge by; several are a union.", default=DEFAULT_POLICY)
@waivers_option()
@click.option("--at", default="now", metavar="now|response|TIME", help="The instant to judge for.")
@click.option(
    "--type", "cluster_type", type=click.Choice(["autopilot", "standard"]), help="Kind of cluster."
)
@click.option("--task", metavar="UID", help="Which task of a list response to judge.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@click.option("-v", "--verbose", is_flag=True, help="Every group of findings in full.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def command(response: str, **options: Any) -> None:
    """Tell how the findings of one check in RESPONSE came to their outcome.

    Every rule that was tried, the default, the doubt, every waiver that names the check and what
    it lacks, each with the file and line where it stands. The exit code says whether it could be
    told (0), not what the outcome is.
    """
    from reporter.policy.evaluate import settle_instant
    from reporter.policy.explain import explain
    from reporter.policy.load import Policy
    from reporter.sources.read import read

    policy = Policy.load(*(options["policies"] or (DEFAULT_POLICY,)), waivers=options["waivers"])
    judged = read(response, task=options["task"])
    explanation = explain(
        judged,
        policy,
        check=options["check"],
        node=options["node"],
        instant=settle_instant(judged, options["at"], datetime.now(UTC)),
        cluster_type=options["cluster_type"],
    )
    if options["form"] == "json":
        click.echo(json.dumps(_plain(explanation), indent=2))
        return
    for first, text in _rows(explanation, options["verbose"]):
        _put(first, text)


def _plain(explanation: Explanation) -> dict[str, Any]:
    """As JSON data, ASCII only when dumped: text from the cloud can't act on a console."""
    plain = asdict(explanation)
    plain["instant"] = explanation.instant.model_dump(mode="json")
    for part, told in zip(plain["derivations"], explanation.derivations, strict=True):
        part["why"] = told.why.model_dump(mode="json")
    for part, skip in zip(plain["skips"], explanation.skips, strict=True):
        part["why"] = skip.why.model_dump(mode="json")
    return {"apiVersion": API_VERSION, "kind": "Explanation", **plain}


def _put(first: str, text: str) -> None:
    from reporter.output.clean import console_safe, one_line
    from reporter.output.text import columns, wrap

    rows = wrap(one_line(text), WIDTH - columns(first)) or [""]
    for index, row in enumerate(rows):
        lead = first if index == 0 else " " * columns(first)
        click.echo(console_safe(lead + row).rstrip())


_Rows = Iterator[tuple[str, str]]


def _rows(explanation: Explanation, verbose: bool) -> _Rows:
    from reporter.output.text import day_and_time

    instant = explanation.instant
    where = f" on node {explanation.node}" if explanation.node else ""
    yield "", f"{explanation.check}{where} in {explanation.source}"
    yield (
        "",
        f"judged for {day_and_time(instant.at)}"
        + (", an instant in the past" if instant.backdated else "")
        + (", an instant in the future" if instant.postdated else "")
        + f"; cluster {explanation.cluster or 'not named'}; "
        f"the whole verdict is {explanation.outcome}",
    )
    derivations = explanation.derivations
    if len(derivations) > 1:
        yield "", ""
        yield "", f"{_findings(derivations)} in {len(derivations)} groups:"
        for number, part in enumerate(derivations, 1):
            yield f"  {number}. ", _summary(part)
        if explanation.node is None and any(place.nodes for d in derivations for place in d.places):
            yield "     ", "--node NAME narrows this to one node"
    shown = derivations if verbose else derivations[:1]
    for part in shown:
        yield "", ""
        yield from _derivation_rows(part, explanation.other_waivers)
    if len(shown) < len(derivations):
        yield "", ""
        rest = len(derivations) - 1
        yield "", f"{rest} more group{'' if rest == 1 else 's'} in full with --verbose"
    for skip in explanation.skips:
        yield "", ""
        yield from _skip_rows(skip)


def _findings(derivations: Sequence[Derivation]) -> str:
    count = sum(len(part.places) for part in derivations)
    return f"{count:,} finding{'' if count == 1 else 's'}"


def _tag(part: Derivation) -> str:
    return " · ".join(word for word in (part.kind, part.level) if word)


def _summary(part: Derivation) -> str:
    tag = _tag(part)
    count = len(part.places)
    nodes = _nodes(part)
    return (
        f"{part.outcome}, {count:,} finding{'' if count == 1 else 's'}"
        f"{f' [{tag}]' if tag else ''}: {part.why.text}" + (f" – on {nodes}" if nodes else "")
    )


def _nodes(part: Derivation) -> str:
    names = [
        node.name or node.uid or "a node without a name"
        for place in part.places
        for node in place.nodes
    ]
    more = f" and {len(names) - SHOWN_NODES:,} more" if len(names) > SHOWN_NODES else ""
    return ", ".join(names[:SHOWN_NODES]) + more


def _short(text: str) -> str:
    return text if len(text) <= SHOWN_TEXT else text[: SHOWN_TEXT - 1] + "…"


def _derivation_rows(part: Derivation, other_waivers: int) -> _Rows:
    yield "", f"Finding: {part.outcome}"
    for label, value in (
        ("scope", part.scope),
        ("kind", part.kind),
        ("level", part.level),
        ("group", part.group),
        ("phase", part.phase),
        ("message", _message(part)),
        ("error codes", ", ".join(part.error_codes)),
        ("nodes", _nodes(part)),
    ):
        if value or label in ("kind", "level", "group", "phase"):
            yield f"  {label:<{LABEL}}", value or "missing"
    pointers = [place.pointer for place in part.places]
    more = f" and {len(pointers) - 1:,} more places" if len(pointers) > 1 else ""
    yield f"  {'at':<{LABEL}}", pointers[0] + more
    yield "", ""
    yield "", f"Rules tried: {len(part.rules) + part.more_rules:,}"
    for rule in part.rules:
        yield from _rule_rows(rule)
    if part.more_rules:
        yield "  ", f"({part.more_rules:,} more, none of which took part)"
    yield "", ""
    yield "", "Decision"
    for step in part.steps:
        places = f" ({', '.join(step.places)})" if step.places else ""
        yield f"  {step.name:<{LABEL}}", step.says + places
    yield "", ""
    yield "", f"Waivers that name this check: {len(part.waivers) + part.more_waivers:,}"
    for waiver in part.waivers:
        yield from _waiver_rows(waiver)
    if part.more_waivers:
        yield "  ", f"({part.more_waivers:,} more, none of which covers it)"
    if other_waivers:
        plural = "" if other_waivers == 1 else "s"
        yield "  ", f"({other_waivers:,} other waiver{plural} for other checks)"


def _message(part: Derivation) -> str | None:
    if part.message is None or not part.other_messages:
        return _short(part.message) if part.message else None
    plural = "" if part.other_messages == 1 else "s"
    return f"{_short(part.message)} (and {part.other_messages:,} other message{plural})"


def _rule_rows(rule: RuleTried) -> _Rows:
    sign = _SIGNS[rule.fits]
    effect = f", effect {rule.effect}" if rule.counts else ""
    title = f": {rule.title}" if rule.title else ""
    yield f"  {sign} ", f"{rule.id} ({rule.place}){title}"
    yield "      ", f"{_WORDS[rule.fits]}{effect}" + (f" – {rule.note}" if rule.note else "")
    yield from _key_rows(rule.keys, "      ")


def _key_rows(keys: Sequence[KeyTried], indent: str) -> _Rows:
    for key in keys:
        lead = f"{indent}{_SIGNS[key.fits]} {key.key}: "
        if key.inner:
            yield lead, key.wanted
            yield from _key_rows(key.inner, indent + "    ")
        elif key.fits == "yes":
            yield lead, f"{_short(key.found)}, as wanted ({_short(key.wanted)})"
        elif key.fits == "open":
            yield lead, f"wanted {_short(key.wanted)}, and it is {_short(key.found)}"
        else:
            yield lead, f"wanted {_short(key.wanted)}, found {_short(key.found)}"


def _waiver_rows(waiver: WaiverTried) -> _Rows:
    sign = "✓" if waiver.covers else "✕"
    said = "covers it" if waiver.covers else f"does not cover it: {waiver.lacks}"
    yield f"  {sign} ", f"{waiver.id} ({waiver.place})"
    yield "      ", said
    yield from _key_rows(waiver.keys, "      ")


def _skip_rows(skip: SkipExplained) -> _Rows:
    yield "", f"Skipped on the server: {skip.outcome}"
    yield f"  {'why':<{LABEL}}", skip.why.text
    yield f"  {'at':<{LABEL}}", skip.pointer
    if skip.node_uids:
        shown = ", ".join(skip.node_uids[:SHOWN_NODES])
        more = len(skip.node_uids) - SHOWN_NODES
        yield f"  {'nodes':<{LABEL}}", shown + (f" and {more:,} more" if more > 0 else "")
    for waiver in skip.waivers:
        yield from _waiver_rows(waiver)
