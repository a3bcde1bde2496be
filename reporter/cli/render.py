"""`cce-precheck render`: reports again from a saved record."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reporter.cli.common import (
    CliExit,
    Outputs,
    catalogue_option,
    display_options,
    file_name,
    output_options,
    own_words,
    read_up_to,
    reading_options,
    redact_options,
    summarise,
)
from reporter.cli.judging import redaction
from reporter.cli.targets import Writer
from reporter.errors import InputError, OutputError, PolicyError, TemplateError

if TYPE_CHECKING:
    from reporter.precheck.model import PrecheckTask
    from reporter.record.model import Verdict

MIB = 1024 * 1024
MAX_RECORD_BYTES = 512 * MIB


@click.command("render", cls=Writer)
@click.argument("record", type=file_name, metavar="RECORD.json")
@click.option(
    "--exhibit",
    "exhibits",
    multiple=True,
    type=file_name,
    metavar="FILE",
    help="A file the verdict rests on (response, policy, waivers), to attach; may be repeated.",
)
@redact_options
@catalogue_option
@output_options
@display_options
def command(record: str, exhibits: tuple[str, ...], names: str | None, **options: Any) -> None:
    """Write reports again from a saved RECORD. Nothing is judged again.

    The exit code is the one the record holds.
    """
    named = [name for name in (names, options["redact_key"]) if name]
    outputs = Outputs.of(options, [record, *exhibits, *named])
    try:
        _render(record, exhibits, names, outputs, options)
    except (CliExit, OutputError, TemplateError, click.UsageError):
        raise
    except (InputError, PolicyError) as error:
        outputs.fail(error.message, error.hint)
        raise
    except Exception as error:
        outputs.fail(f"internal error: {type(error).__name__}", "nothing was rendered")
        raise


def _render(
    record: str,
    exhibits: Sequence[str],
    names: str | None,
    outputs: Outputs,
    options: dict[str, Any],
) -> None:
    from reporter.words import Language

    words = Language(options["lang"])
    hide = redaction(options)
    explain = own_words(names, words.tag)
    verdict = load_record(record)
    files = [_read_exhibit(name) for name in exhibits]
    own = explain(verdict)
    notes = [words.text("shown from a saved record; not judged again")]
    if own:
        notes.append(words.text("names and runbooks from {file}", file=names))
    if hide is not None:
        verdict, own = hide(verdict, own, _task_of(verdict, files))
        files = []
        notes.append(words.text("redacted: the exhibits are attached to no report"))
    elif verdict.redaction is not None and files:
        raise PolicyError(
            f"{record}: is redacted; its exhibits would tell what it hides",
            hint="leave out --exhibit",
        )
    written = outputs.write(verdict, files, reading_options(options, own))
    try:
        summarise(
            verdict,
            to_stderr=outputs.to_stdout,
            quiet=options["quiet"],
            verbose=options["verbose"],
            no_color=options["no_color"],
            notes=notes,
            own=own,
            lang=words.tag,
        )
    except OutputError as error:
        outputs.tell_no_summary(verdict, error)
        raise
    written.tell(quiet=options["quiet"])
    raise CliExit(verdict.exit_code if written.fine else 5)


def load_record(name: str) -> Verdict:
    """A saved record, also as a page packs it, checked against its model."""
    return parse_record(_unpacked(_read(name, "record"), name), name)


def _unpacked(data: bytes, name: str) -> bytes:
    import gzip
    import zlib

    from reporter.record.packed import TooMuchError, is_packed, unpack

    try:
        if data.startswith(b"\x1f\x8b"):
            with gzip.open(io.BytesIO(data)) as packed:
                data = read_up_to(packed, MAX_RECORD_BYTES + 1)
            if len(data) > MAX_RECORD_BYTES:
                raise _too_large(name, "record")
        return unpack(data, MAX_RECORD_BYTES) if is_packed(data) else data
    except TooMuchError as error:
        raise InputError(
            f"{name}: the packed record stands for more than {error}",
            hint="is this the right file?",
        ) from None
    except (OSError, EOFError, zlib.error, ValueError, RecursionError):
        raise InputError(
            f"{name}: is not a whole packed record", hint="save it from the page again"
        ) from None


def parse_record(data: bytes, name: str) -> Verdict:
    """A record from its bytes, checked against its model."""
    from pydantic import ValidationError

    from reporter.output.clean import one_line
    from reporter.record.bounds import MAX_CONTAINERS, is_crowded
    from reporter.record.model import API_VERSION, Verdict

    if is_crowded(data):
        raise InputError(f"{name}: the record holds more than {MAX_CONTAINERS:,} objects and lists")
    try:
        verdict = Verdict.model_validate_json(data)
        written = json.loads(data).get("exit_code")
    except RecursionError:
        raise InputError(f"{name}: is not a record of this tool: nested too deeply") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = one_line("/".join(str(part) for part in first["loc"]))
        what = f"/{place}: {first['msg']}" if place else str(first["msg"])
        raise InputError(
            f"{name}: is not a record of this tool ({what})",
            hint=f'a record is what --json wrote, with apiVersion "{API_VERSION}"; '
            "a response is for cce-precheck check",
        ) from None
    wrong = verdict.contradiction()
    if wrong is None and written not in (None, verdict.exit_code):
        wrong = f"exit_code {written} where the record comes to {verdict.exit_code}"
    if wrong is not None:
        raise InputError(
            f"{name}: the record contradicts itself: {wrong}",
            hint="it was changed after it was written; judge the response again",
        )
    return verdict


def _task_of(verdict: Verdict, files: Sequence[bytes]) -> PrecheckTask | None:
    """The task that was judged, where its response is among the files."""
    from hashlib import sha256

    from reporter.casefile.replay import response_of

    evidence = {sha256(data).hexdigest(): data for data in files}
    return None if (found := response_of(verdict, evidence)) is None else found.task


def _read_exhibit(name: str) -> bytes:
    return _read(name, "exhibit")


def _read(name: str, what: str) -> bytes:
    try:
        if name == "-":
            data = read_up_to(sys.stdin.buffer, MAX_RECORD_BYTES + 1)
        else:
            with Path(name).open("rb") as file:
                data = read_up_to(file, MAX_RECORD_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{name}: the {what} can't be read: {reason}") from None
    if len(data) > MAX_RECORD_BYTES:
        raise _too_large(name, what)
    return data


def _too_large(name: str, what: str) -> InputError:
    return InputError(
        f"{name}: the {what} is larger than {MAX_RECORD_BYTES // MIB} MB",
        hint="is this the right file?",
    )
