"""`cce-precheck policy preview`: what waivers would silence, before anyone signs them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reporter.cli.common import CliExit, file_name, policies_option, waivers_option
from reporter.cli.judging import DEFAULT_POLICY
from reporter.errors import InputError

if TYPE_CHECKING:
    from reporter.policy.preview import Preview, Read, ResponsePreview, Silenced, WaiverPreview

API_VERSION = "precheck.preview/v1alpha"
WIDTH = 80
SHOWN_NODES = 5
SHOWN_ROWS = 12
SHOWN_REASONS = 3
NO_FILE = "the folder holds no response (*.json)"

_MARKS = {
    "permanent": "never expires",
    "undated": "names no date from which it holds",
    "todo": "still says TODO for its reason",
    "broad": "names no check: it covers whatever it meets",
}


@click.command("preview")
@click.argument("files", metavar="WAIVERS... [RESPONSE]...", nargs=-1, required=True)
@click.option(
    "--response",
    "more",
    multiple=True,
    type=file_name,
    metavar="RESPONSE",
    help="A response or a folder of them, whatever its name; may be repeated.",
)
@policies_option("What to judge by; several are a union.", default=DEFAULT_POLICY)
@waivers_option("in_force", what="A waiver list that is in force already; may be repeated.")
@click.option("--at", default="now", metavar="now|response|TIME", help="The instant to judge for.")
@click.option(
    "--type", "cluster_type", type=click.Choice(["autopilot", "standard"]), help="Kind of cluster."
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def command(files: tuple[str, ...], more: tuple[str, ...], **options: Any) -> None:
    """Show what each waiver of the WAIVERS lists would silence in the RESPONSEs.

    The first FILE is a waiver list, and so is every other one named .yaml or .yml; all others
    are responses, or folders searched for *.json. A response that can't be read is a row with its
    reason. Exit 0; 4 when no response could be read at all.
    """
    from reporter.policy.preview import preview

    waivers, responses = _sorted_out(files, more)
    found = preview(
        _read_all(responses),
        options["policies"] or (DEFAULT_POLICY,),
        waivers,
        in_force=options["in_force"],
        at=options["at"],
        now=datetime.now(UTC),
        cluster_type=options["cluster_type"],
    )
    if options["form"] == "json":
        click.echo(json.dumps(_plain(found), indent=2))
    else:
        for first, text in _rows(found):
            _put(first, text)
    if all(row.error is not None for row in found.responses):
        raise CliExit(4)


def _sorted_out(files: Sequence[str], more: Sequence[str]) -> tuple[list[str], list[str]]:
    waivers, responses = [files[0]], list[str]()
    for name in files[1:]:
        is_list = name.lower().endswith((".yaml", ".yml")) and not Path(name).is_dir()
        (waivers if is_list else responses).append(name)
    responses += more
    if not responses:
        raise click.UsageError("name at least one RESPONSE to preview the waivers on")
    return list(dict.fromkeys(waivers)), list(dict.fromkeys(responses))


def _read_all(names: Sequence[str]) -> Iterator[tuple[str, Read]]:
    """Each response as it comes, or why it can't be read; each file once."""
    from reporter.sources.read import read

    seen: set[str] = set()
    for name in _files(names):
        if name in seen:
            continue
        seen.add(name)
        try:
            if Path(name).is_dir():
                raise InputError(f"{name}: {NO_FILE}")
            yield name, read(name)
        except InputError as error:
            yield name, error


def _files(names: Sequence[str]) -> Iterator[str]:
    for name in names:
        path = Path(name)
        if name == "-" or not path.is_dir():
            yield name
            continue
        found = sorted(
            part
            for part in path.rglob("*.json")
            if part.is_file() and not part.name.endswith(".meta.json")
        )
        yield from (str(part) for part in found) if found else (name,)


def _plain(found: Preview) -> dict[str, Any]:
    from reporter.record.instants import exactly_of

    plain = asdict(found)
    for part, told in zip(plain["waivers"], found.waivers, strict=True):
        part["matches"] = {
            "findings": told.findings,
            "clusters": told.clusters,
            "nodes": told.nodes,
        }
        part["covers_nothing"] = told.covers_nothing
    for row, seen in zip(plain["responses"], found.responses, strict=True):
        row["at"] = exactly_of(seen.at) if seen.at else None
    return {"apiVersion": API_VERSION, "kind": "WaiverPreview", **plain}


def _put(first: str, text: str) -> None:
    from reporter.output.clean import console_safe, one_line
    from reporter.output.text import columns, wrap

    rows = wrap(one_line(text), WIDTH - columns(first)) or [""]
    for index, row in enumerate(rows):
        lead = first if index == 0 else " " * columns(first)
        click.echo(console_safe(lead + row).rstrip())


_Rows = Iterator[tuple[str, str]]


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _rows(found: Preview) -> _Rows:
    bad = sum(row.error is not None for row in found.responses)
    said = f"{_count(len(found.waivers), 'waiver')} over {_count(len(found.responses), 'response')}"
    said += f", {bad:,} of them unreadable" if bad else ""
    said += f"; {_count(found.in_force, 'waiver')} in force already" if found.in_force else ""
    yield "", said
    for waiver in found.waivers:
        yield "", ""
        yield from _waiver_rows(waiver, found.could_be_waived)
    yield "", ""
    yield from _verdict_rows(found.responses)
    idle = [waiver for waiver in found.waivers if waiver.covers_nothing]
    if idle:
        yield "", ""
        yield "", "Cover nothing in any of these responses"
        for waiver in idle:
            yield "  - ", f"{waiver.id} ({waiver.place}): {_why_idle(waiver)}"


def _why_idle(waiver: WaiverPreview) -> str:
    reasons = list(dict.fromkeys(part.text for part in waiver.standings))
    return "; ".join(reasons) or "no response could be read"


def _waiver_rows(waiver: WaiverPreview, could: int) -> _Rows:
    yield "", f"{waiver.id} ({waiver.place})"
    yield "  for      ", _match_text(waiver.match)
    yield "  because  ", waiver.reason
    yield "  matches  ", _breadth(waiver, could)
    if waiver.skips:
        yield "           ", f"{_count(waiver.skips, 'check')} skipped on the server"
    if waiver.already:
        yield "           ", f"{waiver.already:,} of the findings are waived already"
    if waiver.not_applicable:
        what = _count(waiver.not_applicable, "finding")
        yield "           ", f"and {what} that no waiver can turn (an Exception, or in doubt)"
    for part in waiver.silenced[:SHOWN_ROWS]:
        yield "    - ", _silenced_text(part)
    if len(waiver.silenced) > SHOWN_ROWS:
        yield (
            "    - ",
            f"and {_count(len(waiver.silenced) - SHOWN_ROWS, 'more row')} (JSON has all)",
        )
    if waiver.stands:
        yield "  ! ", f"stands in {waiver.stands} already: this list adds nothing to it"
    for mark in waiver.marks:
        yield "  ! ", _MARKS.get(mark, mark)
    for text in _held_up(waiver):
        yield "  ! ", text


def _held_up(waiver: WaiverPreview) -> Iterator[str]:
    """Why it would silence less than it matches, as things stand at the instant."""
    stopped = [
        part for part in waiver.standings if part.status in ("expired", "not-yet-valid", "exceeded")
    ]
    for text in dict.fromkeys(part.text for part in stopped):
        where = [part.response for part in stopped if part.text == text]
        everywhere = len(where) == len(waiver.standings)
        yield f"{text}: silences nothing" + ("" if everywhere else f" in {_some(where)}")


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN_NODES:,} more" if len(names) > SHOWN_NODES else ""
    return ", ".join(names[:SHOWN_NODES]) + more


def _breadth(waiver: WaiverPreview, could: int) -> str:
    count = waiver.findings
    if not count:
        return f"nothing, of {_count(could, 'finding')} a waiver could turn"
    nodes = f", {_count(waiver.nodes, 'node')}" if waiver.nodes else ""
    share = f"{100 * count / could:.0f} % of what a waiver could turn" if could else ""
    clusters = _count(len(waiver.clusters), "cluster")
    return f"{_count(count, 'finding')} on {clusters}{nodes} ({share})"


def _silenced_text(part: Silenced) -> str:
    level = f", {part.level}" if part.level else ""
    names = [node.name or node.uid or "a node without a name" for node in part.nodes]
    distinct = list(dict.fromkeys(names))
    nodes = f": {_some(distinct)}" if distinct else ""
    return (
        f"{part.check} ({part.scope}{level}) on {part.cluster}: "
        f"{_count(part.findings, 'finding')} {part.before} → waived{nodes}"
    )


def _verdict_rows(responses: Sequence[ResponsePreview]) -> _Rows:
    changed = [row for row in responses if row.error is None and row.changes]
    yield "", f"Verdicts: {_count(len(changed), 'change')} of {len(responses):,}"
    for row in responses:
        if row.error is not None:
            yield "  ? ", f"unreadable  {row.error}"
            continue
        sign = "!" if row.changes else "·"
        verdict = f"{row.before} → {row.after}" if row.changes else f"{row.after}, as before"
        turned = f", {row.turned:,} newly waived"
        where = f"cluster {row.cluster}" if row.cluster else "cluster not named"
        yield f"  {sign} ", f"{verdict}  {row.response} ({where}{turned if row.turned else ''})"
        if row.after != "pass" and row.left:
            more = len(row.left) - SHOWN_REASONS
            shown = "; ".join(row.left[:SHOWN_REASONS])
            yield "      ", f"left: {shown}" + (f"; and {more:,} more" if more > 0 else "")


def _match_text(match: dict[str, Any]) -> str:
    from reporter.policy.load import pattern_text

    def shown(value: Any) -> str:
        if isinstance(value, dict) and not set(value) & {"equals", "regex"}:
            return ", ".join(f"{key} {shown(part)}" for key, part in value.items())
        if isinstance(value, list) and any(isinstance(part, dict) for part in value):
            return " or ".join(shown(part) for part in value)
        return pattern_text(value)

    return "; ".join(f"{key} {shown(value)}" for key, value in match.items())
