"""`cce-precheck verify`: is this what the tool wrote, and does its evidence come to it?"""

from __future__ import annotations

import json
import sys
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reporter.cli.bundle import read_key_file
from reporter.cli.common import (
    CliExit,
    Outputs,
    file_name,
    print_page,
    put,
    read_up_to,
    say,
)
from reporter.cli.judging import read_key
from reporter.cli.targets import Target, Writer
from reporter.cli.terminal import uses_color
from reporter.errors import InputError

if TYPE_CHECKING:
    from reporter.casefile.verify import Line, Verification

MAX_FILE = 1024 * 1024 * 1024
_SIGNS = {"holds": "✓", "differs": "✕", "unchecked": "?", "absent": "–"}
_COLOURS = {"holds": "green", "differs": "red", "unchecked": "yellow", "absent": None}
_CLOSING = {
    "holds": "All of it was checked, and holds. The verdict is: {verdict}.",
    "differs": "Don't rely on it: something differs.",
    "unchecked": "Nothing differs, but not all of it could be checked.",
}


@click.command("verify", cls=Writer)
@click.argument("file", type=file_name, metavar="CASE.zip|REPORT.html|REPORT.pdf|RECORD.json")
@click.option(
    "--key",
    type=file_name,
    metavar="FILE",
    help="The public key the statement has to be signed with.",
)
@click.option(
    "--attestation",
    type=file_name,
    metavar="FILE",
    help="A signed statement (DSSE) that lies beside the file, such as cosign's.",
)
@click.option(
    "--exhibit",
    "exhibits",
    multiple=True,
    type=file_name,
    metavar="FILE",
    help="A file the verdict rests on that is not inside; may be repeated.",
)
@click.option(
    "--redact-key",
    type=file_name,
    metavar="FILE",
    help="The key of its pseudonyms, to judge a redacted one again.",
)
@click.option(
    "--json",
    "json_file",
    cls=Target,
    metavar="F",
    help="Write the result as JSON to F (- stdout).",
)
@click.option("-q", "--quiet", is_flag=True, help="Print only what does not hold.")
@click.option("--no-color", is_flag=True, help="No colour (also: NO_COLOR=1).")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def command(file: str, **options: Any) -> None:
    """Check a case file, a page, a PDF or a record.

    Digests are counted again, the response is judged again under the record's own terms, and what
    people see is rendered again and compared byte by byte. Nothing is unpacked or fetched.

    Exit code 0: all of it was checked and holds. 1: something differs. 3: something could not be
    checked. 4: it is no file of this tool, or of a newer version.
    """
    from reporter.casefile.attest import MAX_ENVELOPE
    from reporter.casefile.verify import Given, verify

    brought = options["exhibits"]
    named = [options[name] for name in ("key", "attestation", "redact_key") if options[name]]
    outputs = Outputs.of_one("json", options["json_file"], [file, *brought, *named])
    target = outputs.targets.get("json")
    key, envelope, pseudonyms = (options[name] for name in ("key", "attestation", "redact_key"))
    try:
        given = Given(
            key=None if key is None else (read_key_file(key), key),
            envelope=_read(envelope, MAX_ENVELOPE) if envelope else None,
            exhibits=[_read(name) for name in brought],
            redact_key=read_key(pseudonyms) if pseudonyms else None,
        )
        data = _read(file)
        found = verify(data, _shown(file), given)
        if target is not None:
            put(target, _as_json(found, file, data))
    except BaseException:
        outputs.drop()
        raise
    stream = sys.stderr if target == "-" else sys.stdout
    color = uses_color(stream, no_color=options["no_color"])
    print_page(_page(found, _shown(file), color=color, quiet=options["quiet"]), stream)
    if target not in (None, "-") and not options["quiet"]:
        say(f"wrote {target}")
    raise CliExit(found.exit_code)


def _shown(name: str) -> str:
    return "standard input" if name == "-" else name


def _read(name: str, most: int | None = None) -> bytes:
    most = MAX_FILE if most is None else most
    try:
        if name == "-":
            data = read_up_to(sys.stdin.buffer, most + 1)
        else:
            with Path(name).open("rb") as stream:
                data = read_up_to(stream, most + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{_shown(name)}: can't be read: {reason}") from None
    if len(data) > most:
        raise InputError(f"{_shown(name)}: is larger than {most >> 20:,} MB")
    return data


def _page(found: Verification, name: str, *, color: bool, quiet: bool) -> str:
    from reporter.output.clean import console_safe, one_line
    from reporter.words import said

    def painted(line: Line) -> str:
        sign = _SIGNS[line.state]
        if color and (colour := _COLOURS[line.state]):
            sign = click.style(sign, fg=colour)
        return f"  {sign} {console_safe(one_line(f'{line.subject}: {line.text}'))}\n"

    rows = []
    if not quiet:
        rows.append(console_safe(one_line(f"{name}: {_heading(found)}")) + "\n")
    for line in found.lines:
        if quiet and line.state in ("holds", "absent"):
            continue
        rows.append(painted(line))
        rows += [f"      {console_safe(one_line(detail))}\n" for detail in line.details]
    if not quiet:
        verdict = said(found.record.headline) if found.record is not None else ""
        rows.append(console_safe(one_line(_CLOSING[found.state].format(verdict=verdict))) + "\n")
    return "".join(rows)


def _heading(found: Verification) -> str:
    record = found.record
    if record is None:
        return found.kind
    from reporter.precheck.times import format_instant
    from reporter.words import said

    subject = record.subject
    about = subject.cluster_name or subject.cluster_id or "a cluster that is not named"
    at = format_instant(record.instant.at)
    return f"{found.kind} about {about}, judged for {at}: {said(record.headline)}"


def _as_json(found: Verification, name: str, data: bytes) -> bytes:
    record = found.record
    text = {
        "format": "precheck.verification/v1",
        "file": _shown(name),
        "sha256": sha256(data).hexdigest(),
        "kind": found.kind,
        "result": found.state,
        "exit_code": found.exit_code,
        "verdict": None if record is None else record.outcome,
        "lines": [
            {
                "subject": line.subject,
                "state": line.state,
                "text": line.text,
                "details": list(line.details),
            }
            for line in found.lines
        ],
    }
    return json.dumps(text, indent=2, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
