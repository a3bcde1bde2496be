"""`cce-precheck diff`: does the new check fail where the old one did not?"""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from reporter.cli.common import (
    MEGABYTES,
    CliExit,
    Outputs,
    display_options,
    file_name,
    language_option,
    policies_option,
    print_page,
    read_up_to,
    waivers_option,
)
from reporter.cli.judging import DEFAULT_POLICY, policy_files
from reporter.cli.render import MAX_RECORD_BYTES, parse_record
from reporter.cli.targets import Target, Writer
from reporter.errors import InputError, OutputError, PolicyError

if TYPE_CHECKING:
    from reporter.audit.compare import SeenNode, Side
    from reporter.policy.load import Policy
    from reporter.precheck.response import Response

RECORD = b"precheck.verdict/"
"""How the `apiVersion` of a record starts."""


@click.command("diff", cls=Writer)
@click.argument("old", type=file_name, metavar="OLD")
@click.argument("new", type=file_name, metavar="NEW")
@policies_option("What to judge responses by; several are a union.", default=DEFAULT_POLICY)
@waivers_option()
@click.option(
    "--at",
    default="response",
    metavar="response|now|TIME",
    help="The instant to judge responses for: each its own time (default), now, or RFC 3339.",
)
@click.option(
    "--type",
    "cluster_type",
    type=click.Choice(["autopilot", "standard"]),
    help="What kind of cluster it is; a standard one must list nodes.",
)
@click.option(
    "--max-size",
    type=MEGABYTES,
    metavar="MB",
    help="The largest response that is read, unpacked. Default: 256.",
)
@click.option(
    "--html", "html_file", cls=Target, metavar="F", help="Write one page to F (- for stdout)."
)
@click.option("--markdown", "markdown_file", cls=Target, metavar="F", help="Write Markdown to F.")
@click.option(
    "--json", "json_file", cls=Target, metavar="F", help="Write the comparison as JSON to F."
)
@language_option
@display_options
def command(old: str, new: str, **options: Any) -> None:
    """Compare two checks of one cluster: OLD and NEW.

    Each is a response in any form that check reads, which is judged, or a record that check wrote
    with --json; - is standard input. Exit 0: no new failure, 1: new failures, 3: the two can't be
    compared.
    """
    inputs = [old, new, *policy_files(options["policies"]), *options["waivers"]]
    outputs = Outputs.of(options, inputs, responses=[old, new])
    try:
        if old == new == "-":
            raise click.UsageError("only one of the two can come from standard input")
        _diff(old, new, outputs, options)
    except (CliExit, OutputError, click.UsageError):
        raise
    except (InputError, PolicyError) as error:
        outputs.fail(error.message, error.hint)
        raise
    except Exception as error:
        outputs.fail(f"internal error: {type(error).__name__}", "nothing was compared")
        raise


def _diff(old: str, new: str, outputs: Outputs, options: dict[str, Any]) -> None:
    from reporter.audit.compare import compare
    from reporter.output.diff import DIFF_WRITERS
    from reporter.output.diff.text import write
    from reporter.words import Language

    words = Language(options["lang"])
    judge = _Judge(options)
    diff = compare(judge.side(old), judge.side(new))
    if judge.policy is None and (options["policies"] or options["waivers"]):
        raise click.UsageError(
            "--policy and --waivers are for judging responses; both sides are records"
        )
    written = outputs.put(lambda name: DIFF_WRITERS[name](diff, lang=words.tag))
    stream = sys.stderr if outputs.to_stdout else sys.stdout
    width = shutil.get_terminal_size().columns if stream.isatty() else 80
    notes = []
    if judge.policy is not None and not options["policies"]:
        notes.append(words.text("no --policy was given: judged by {policy}", policy=DEFAULT_POLICY))
    page = write(diff, width=width, verbose=options["verbose"], notes=notes, lang=words.tag)
    print_page(page.split("\n", 1)[0] + "\n" if options["quiet"] else page, stream)
    written.tell(quiet=options["quiet"])
    raise CliExit(diff.exit_code if written.fine else 5)


class _Judge:
    """Makes a side of what is named: a record as it is, a response by the policy."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        self.policy: Policy | None = None

    def side(self, name: str) -> Side:
        """A record or a response, by what the file says it is."""
        from reporter.audit.compare import Side
        from reporter.policy.evaluate import evaluate
        from reporter.policy.load import Policy
        from reporter.policy.printable import printable
        from reporter.sources.containers import ONE
        from reporter.sources.locations import STDIN_NAME, public_name
        from reporter.sources.read import read

        size = self.options["max_size"]
        limits = replace(ONE, max_bytes=size * 1024 * 1024) if size else ONE
        label = STDIN_NAME if name == "-" else public_name(name)
        data = _held(name, limits.max_bytes)
        if data is not None and _is_record(data):
            return Side(label, "record", parse_record(data, label))
        if data is None or os.path.isfile(name):
            response = read(name, limits=limits)  # again: a sidecar may lie beside it
        else:
            response = read(data, name=label, limits=limits)
        if self.policy is None:
            named = self.options["policies"] or (DEFAULT_POLICY,)
            self.policy = printable(Policy.load(*named, waivers=self.options["waivers"]))
        verdict = evaluate(
            response,
            self.policy,
            at=self.options["at"],
            cluster_type=self.options["cluster_type"],
        )
        return Side(label, "response", verdict, _seen(response))


def _held(name: str, limit: int) -> bytes | None:
    """The bytes of what may be a record: a file that starts as an object does, a pipe, `-`."""
    from reporter.sources.locations import files_at, is_one_file

    if name != "-" and not (os.path.exists(name) and is_one_file(name)):
        return None
    (file,) = files_at(name)
    with file.open() as (stream, _):
        head = stream.read(4096)
        if os.path.isfile(name) and not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
            return None
        return head + read_up_to(stream, max(limit, MAX_RECORD_BYTES))


def _is_record(data: bytes) -> bool:
    # Whoever reads a response says what is wrong with it; here only records are told apart, and
    # most responses need no parsing for that.
    from reporter.record.bounds import is_crowded

    if RECORD not in data or is_crowded(data):
        return False
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return False
    version = document.get("apiVersion") if isinstance(document, dict) else None
    return isinstance(version, str) and version.startswith(RECORD.decode())


def _seen(response: Response) -> tuple[SeenNode, ...]:
    """The check items of the node section, in the record's words."""
    from reporter.audit.compare import SeenNode
    from reporter.precheck.finding import iter_items, stage_node
    from reporter.record.model import Node

    seen = []
    for _, _, stage, items in iter_items(response.task):
        if stage is None:
            continue
        node = stage_node(stage)
        shown = Node(uid=node.uid, name=node.name)
        seen += [SeenNode(item.name, shown) for item in items]
    return tuple(seen)
