"""Judging one response, as the command line asks for it: what `check` and `bundle` share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

from reporter.cli.common import (
    MEGABYTES,
    own_words,
    policies_option,
    redact_options,
    waivers_option,
)
from reporter.cli.terminal import working
from reporter.errors import PolicyError
from reporter.signs import says_nothing

if TYPE_CHECKING:
    from reporter.output.guidance import Own
    from reporter.precheck.model import PrecheckTask
    from reporter.precheck.response import Source
    from reporter.record.model import RedactionProfile, Verdict
    from reporter.words import Language

DEFAULT_POLICY = "builtin:recommended"

_Function = TypeVar("_Function", bound=Callable[..., Any])
_OPTIONS = (
    policies_option("What to judge by; several are a union.", default=DEFAULT_POLICY),
    waivers_option(),
    click.option(
        "--at",
        default="now",
        metavar="now|response|TIME",
        help="The instant to judge for: now (default), the response's own time, or RFC 3339.",
    ),
    click.option(
        "--type",
        "cluster_type",
        type=click.Choice(["autopilot", "standard"]),
        help="What kind of cluster it is; a standard one must list nodes.",
    ),
    click.option("--expect-cluster", metavar="ID", help="The cluster id it has to be about."),
    click.option(
        "--expect-target", metavar="VERSION", help="The target version; v1.31 is met by v1.31.4-r2."
    ),
    click.option("--task", metavar="UID", help="Which task of a list response to judge."),
    click.option(
        "--max-size",
        type=MEGABYTES,
        metavar="MB",
        help="The largest response that is read, unpacked. Default: 256.",
    ),
    click.option(
        "--fail-on",
        type=click.Choice(["fail", "warn"]),
        default="fail",
        help="warn: exit 1 also when there are only warnings.",
    ),
    click.option(
        "--advisory",
        metavar="REASON",
        help="Exit 0 on fail and inconclusive; every report says so, with the reason.",
    ),
    click.option("--cluster-name", metavar="NAME", help="The cluster's name, for the reports."),
    click.option("--change", "change_id", metavar="ID", help="The change this belongs to."),
    click.option(
        "--window",
        metavar="START/END",
        help="The change window, as RFC 3339 instants or days (of UTC; END counts as a whole).",
    ),
    click.option("--prepared-by", metavar="NAME", help="Who prepares the reports."),
)


def judging_options(function: _Function) -> _Function:
    """`--policy`, `--at` and all else that a verdict depends on, and what reports say of it."""
    function = redact_options(function)
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def inputs_of(response: str, options: dict[str, Any]) -> list[str]:
    """The files that such a run reads: no report is written over one."""
    named = [options[name] for name in ("names", "redact_key") if options[name]]
    policies = policy_files(options["policies"])
    return [response, f"{response}.meta.json", *policies, *options["waivers"], *named]


def policy_files(named: Sequence[str]) -> list[str]:
    """The files of some policies on the disk: those that are named, and the bases they extend."""
    from reporter.policy.load import bases_of

    return [*(name for name in named if not name.startswith("builtin:")), *bases_of(named)]


def check_options(options: dict[str, Any]) -> None:
    """Refuse options that can't be meant, before anything is read."""
    if options["advisory"] is not None and says_nothing(options["advisory"]):
        raise click.UsageError("--advisory needs a reason")
    if (cluster := options["expect_cluster"]) is not None and _text(cluster) != cluster:
        # Shown with U+FFFD it could be taken for a cluster that is called so.
        raise click.UsageError(f"--expect-cluster {cluster!r} is no id: it is not UTF-8")
    if (target := options["expect_target"]) is not None:
        from reporter.precheck.versions import parse_version

        if parse_version(target) is None:
            raise click.UsageError(
                f"--expect-target {target!r} is no version; write for example v1.31 or v1.31.4-r2"
            )


@dataclass(frozen=True)
class Judged:
    """A verdict, what goes with it into reports, and what the summary adds."""

    verdict: Verdict
    exhibits: list[bytes]
    own: Own
    notes: list[str]


def judged(response_name: str, options: dict[str, Any]) -> Judged:
    """Read, judge and, where it was asked for, redact."""
    from reporter.policy.evaluate import evaluate
    from reporter.policy.load import Policy
    from reporter.policy.printable import printable
    from reporter.record.model import Change, Gate
    from reporter.sources.containers import ONE
    from reporter.sources.read import read
    from reporter.words import Language

    hidden = redaction(options)
    named = options["policies"]
    start, end = _window(options["window"])
    policy = printable(Policy.load(*(named or (DEFAULT_POLICY,)), waivers=options["waivers"]))
    words = Language(options.get("lang", "en"))
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
    if hidden is not None:
        verdict, own = hidden(verdict, own, response.task)
        # Nothing raw is attached, and the notes name files.
        exhibits = []
        notes = [words.text("redacted: the response and the policies are attached to no report")]
    return Judged(verdict, exhibits, own, notes)


Hide = Callable[["Verdict", "Own", "PrecheckTask | None"], "tuple[Verdict, Own]"]


def redaction(options: dict[str, Any]) -> Hide | None:
    """What rewrites a verdict by pseudonyms; None where nothing asks for it.

    Mistakes in its options are told before anything is read.
    """
    profiles, key = redaction_key(options)
    if profiles is None:
        return None

    def hide(verdict: Verdict, own: Own, task: PrecheckTask | None) -> tuple[Verdict, Own]:
        from reporter.casefile.redact import Redactor

        redactor = Redactor(verdict, profiles, key, task)
        return redactor.record(), redactor.own(own)

    return hide


def redaction_key(options: dict[str, Any]) -> tuple[list[RedactionProfile] | None, bytes]:
    """The profiles of `--redact` and the bytes of its key."""
    name = options["redact_key"]
    if options["redact"] is None:
        if name is not None:
            raise click.UsageError("--redact-key is about --redact, which was not asked for")
        return None, b""
    from reporter.casefile import redact

    profiles = redact.chosen(options["redact"])
    if name is None:
        raise PolicyError(
            "--redact needs --redact-key FILE: pseudonyms that anybody can guess hide nothing",
            hint="make a key, and keep it: openssl rand -hex 32 > redact.key",
        )
    if options.get("skip_list_file"):
        raise click.UsageError("--skip-list is for CCE itself, which knows no pseudonyms")
    return profiles, read_key(name)


def read_key(name: str) -> bytes:
    """The bytes of a key of pseudonyms. `PolicyError` where there are too few or too many."""
    from reporter.casefile.redact import LONGEST_KEY, SHORTEST_KEY

    try:
        with Path(name).open("rb") as file:
            key = file.read(LONGEST_KEY + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise PolicyError(f"{name}: the key can't be read: {reason}") from None
    if len(key) > LONGEST_KEY:
        raise PolicyError(f"{name}: more than {LONGEST_KEY:,} bytes are no key of pseudonyms")
    key = key.strip()
    if len(key) < SHORTEST_KEY:
        raise PolicyError(
            f"{name}: a key of pseudonyms has at least {SHORTEST_KEY} bytes, this has {len(key)}",
            hint="openssl rand -hex 32 > redact.key",
        )
    return key


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
    from reporter.record.dates import parse_end, parse_instant

    if text is None:
        return None, None
    parts = text.split("/")
    if len(parts) != 2:
        raise click.UsageError(
            "--window takes START/END, for example 2026-03-01T22:00:00Z/2026-03-02T02:00:00Z"
        )
    try:
        start, end = parse_instant(parts[0]), parse_end(parts[1])
    except ValueError as error:
        raise click.UsageError(f"--window: {error}") from None
    if end <= start:
        raise click.UsageError("--window: the end lies before the start")
    return start, end
