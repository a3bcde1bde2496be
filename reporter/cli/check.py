"""`cce-precheck check`: one response in, a verdict and its reports out."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import click

from reporter.cli.common import (
    CliExit,
    Outputs,
    catalogue_option,
    display_options,
    output_options,
    own_words,
    summarise,
)
from reporter.cli.terminal import working
from reporter.errors import InputError, OutputError, PolicyError

if TYPE_CHECKING:
    from reporter.precheck.response import Source
    from reporter.words import Language

DEFAULT_POLICY = "builtin:recommended"


@click.command("check")
@click.argument("response", metavar="RESPONSE")
@click.option(
    "-p",
    "--policy",
    "policies",
    multiple=True,
    metavar="FILE|builtin:NAME",
    help=f"What to judge by; several are a union. Default: {DEFAULT_POLICY}.",
)
@click.option(
    "-w", "--waivers", multiple=True, metavar="FILE", help="A waiver list; may be repeated."
)
@click.option(
    "--at",
    default="now",
    metavar="now|response|TIME",
    help="The instant to judge for: now (default), the response's own time, or RFC 3339.",
)
@click.option(
    "--type",
    "cluster_type",
    type=click.Choice(["autopilot", "standard"]),
    help="What kind of cluster it is; a standard one must list nodes.",
)
@click.option("--expect-cluster", metavar="ID", help="The cluster id it has to be about.")
@click.option(
    "--expect-target", metavar="VERSION", help="The target version; v1.31 is met by v1.31.4-r2."
)
@click.option("--task", metavar="UID", help="Which task of a list response to judge.")
@click.option(
    "--max-size",
    type=click.IntRange(min=1),
    metavar="MB",
    help="The largest response that is read, unpacked. Default: 256.",
)
@click.option(
    "--fail-on",
    type=click.Choice(["fail", "warn"]),
    default="fail",
    help="warn: exit 1 also when there are only warnings.",
)
@click.option(
    "--advisory",
    metavar="REASON",
    help="Exit 0 on fail and inconclusive; every report says so, with the reason.",
)
@click.option("--cluster-name", metavar="NAME", help="The cluster's name, for the reports.")
@click.option("--change", "change_id", metavar="ID", help="The change this belongs to.")
@click.option("--window", metavar="START/END", help="The change window, as two RFC 3339 instants.")
@click.option("--prepared-by", metavar="NAME", help="Who prepares the reports.")
@catalogue_option
@output_options
@display_options
def command(response: str, **options: Any) -> None:
    """Judge a pre-upgrade check RESPONSE.

    It is a file (JSON, what an SDK or curl printed, or an archive that holds one), - for standard
    input, a folder, or a URL such as s3://bucket/key.

    Without outputs it prints a summary. The exit code is the verdict: 0 pass, 1 fail,
    3 inconclusive.
    """
    inputs = [
        response,
        f"{response}.meta.json",
        *(name for name in options["policies"] if not name.startswith("builtin:")),
        *options["waivers"],
        *([options["names"]] if options["names"] else []),
    ]
    outputs = Outputs.of(options, inputs)
    if options["advisory"] is not None and not options["advisory"].strip():
        raise click.UsageError("--advisory needs a reason")
    if (target := options["expect_target"]) is not None:
        from reporter.precheck.versions import parse_version

        if parse_version(target) is None:
            raise click.UsageError(
                f"--expect-target {target!r} is no version; write for example v1.31 or v1.31.4-r2"
            )
    try:
        _check(response, outputs, options)
    except (CliExit, OutputError):
        raise
    except (InputError, PolicyError) as error:
        outputs.fail(error.message, error.hint)
        raise
    except Exception as error:
        outputs.fail(f"internal error: {type(error).__name__}", "no verdict was reached")
        raise


def _check(response_name: str, outputs: Outputs, options: dict[str, Any]) -> None:
    from reporter.policy.evaluate import evaluate
    from reporter.policy.load import Policy
    from reporter.record.model import Change, Gate
    from reporter.sources.containers import ONE
    from reporter.sources.read import read
    from reporter.words import Language

    named = options["policies"]
    start, end = _window(options["window"])
    policy = Policy.load(*(named or (DEFAULT_POLICY,)), waivers=options["waivers"])
    words = Language(options["lang"])
    explain = own_words(options["names"], words.tag)
    quiet = options["quiet"]
    response = working("reading the response", quiet=quiet)(read)(
        response_name,
        task=options["task"],
        expect_cluster=options["expect_cluster"],
        expect_target=options["expect_target"],
        limits=replace(ONE, max_bytes=size * 1024 * 1024) if (size := options["max_size"]) else ONE,
    )
    verdict = working("judging", quiet=quiet)(evaluate)(
        response,
        policy,
        at=options["at"],
        expect_cluster=options["expect_cluster"],
        expect_target=options["expect_target"],
        cluster_type=options["cluster_type"],
        cluster_name=_text(options["cluster_name"]),
        change=Change(
            id=_text(options["change_id"]),
            window_start=start,
            window_end=end,
            prepared_by=_text(options["prepared_by"]),
        ),
        gate=Gate(fail_on=_fail_on(options["fail_on"]), advisory=_text(options["advisory"])),
    )
    sidecar = response.source.sidecar
    exhibits = [response.source.data, *(file.data for file in policy.files)]
    if sidecar is not None:
        exhibits.append(sidecar.data)
    notes = []
    if not named:
        notes.append(words.text("no --policy was given: judged by {policy}", policy=DEFAULT_POLICY))
    if told := _recognised(words, response.source):
        notes.append(told)
    if response.source.sidecar_misfit:
        notes.append(
            words.text("the fetch sidecar beside the response does not fit it and was not used")
        )
    if sidecar is not None:
        notes.append(words.text("the fetch sidecar {name} fits and was used", name=sidecar.name))
    stubs = any(entry.waiver_stub for check in verdict.checks for entry in check.entries)
    if stubs and not options["verbose"]:
        notes.append(
            words.text(
                "waiver stubs: --verbose shows them, cce-precheck policy suggest --waivers "
                "makes a list of them"
            )
        )
    own = explain(verdict)
    if own:
        notes.append(words.text("names and runbooks from {file}", file=options["names"]))
    fine = outputs.write(verdict, exhibits, own)
    summarise(
        verdict,
        to_stderr=outputs.to_stdout,
        quiet=quiet,
        verbose=options["verbose"],
        no_color=options["no_color"],
        notes=notes,
        own=own,
        lang=words.tag,
    )
    raise CliExit(verdict.exit_code if fine else 5)


def _recognised(words: Language, source: Source) -> str | None:
    """What the input was taken for, where it is not simply the API's JSON."""
    if source.form == "json" and source.encoding == "utf-8" and not source.containers:
        return None
    said = words.text("read as {form}", form=source.form)
    if source.encoding != "utf-8":
        said = words.text("{said} in {encoding}", said=said, encoding=source.encoding)
    if not source.containers:
        return said
    outer = words.text(" in ").join(reversed(source.containers))
    return words.text("{said}, out of {containers}", said=said, containers=outer)


def _text(value: str | None) -> str | None:
    """What the command line said, with bytes that are no UTF-8 shown as U+FFFD."""
    if value is None:
        return None
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _fail_on(value: str) -> Literal["fail", "warn"]:
    return "warn" if value == "warn" else "fail"


def _window(text: str | None) -> tuple[datetime | None, datetime | None]:
    from reporter.policy.dates import parse_instant

    if text is None:
        return None, None
    parts = text.split("/")
    if len(parts) != 2:
        raise click.UsageError(
            "--window takes START/END, for example 2026-03-01T22:00:00Z/2026-03-02T02:00:00Z"
        )
    try:
        start, end = parse_instant(parts[0]), parse_instant(parts[1])
    except ValueError as error:
        raise click.UsageError(f"--window: {error}") from None
    if end <= start:
        raise click.UsageError("--window: the end lies before the start")
    return start, end
