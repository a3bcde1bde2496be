"""`cce-precheck bundle`: a verdict and everything it rests on, as one file."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reporter.cli.common import (
    CliExit,
    Outputs,
    catalogue_option,
    display_options,
    file_name,
    language_option,
    put,
    reading_options,
    say,
    summarise,
)
from reporter.cli.judging import check_options, inputs_of, judged, judging_options
from reporter.cli.targets import Target, Writer
from reporter.errors import PolicyError

if TYPE_CHECKING:
    from reporter.casefile.bundle import Signing

MAX_KEY = 65_536
PASSPHRASE = "CCE_PRECHECK_KEY_PASSPHRASE"  # noqa: S105 - the name of a variable


@click.command("bundle", cls=Writer)
@click.argument("response", type=file_name, metavar="RESPONSE")
@judging_options
@catalogue_option
@click.option(
    "-o",
    "--output",
    "case_file",
    cls=Target,
    required=True,
    metavar="CASE.zip",
    help="The case file.",
)
@click.option(
    "--key",
    type=file_name,
    metavar="FILE",
    help=f"Sign the statement: a private ed25519 or ECDSA key, as PEM ({PASSPHRASE} unlocks it).",
)
@language_option
@click.option("--no-pdf", is_flag=True, help="Leave the PDF out.")
@display_options
def command(response: str, **options: Any) -> None:
    """Judge a RESPONSE and keep the verdict with all it rests on in one file.

    In it are the response, every policy and waiver file, the record, the page, the PDF and the
    JUnit file, with digests, an in-toto statement and a text for whoever opens it. The same
    input, policy, instant and key give the same bytes.

    The exit code is the verdict, as with check: 0 pass, 1 fail, 3 inconclusive.
    """
    key = [options["key"]] if options["key"] else []
    inputs = [*inputs_of(response, options), *key]
    outputs = Outputs.of_one("output", options["case_file"], inputs, responses=[response])
    try:
        check_options(options)
        data, found = _made(response, options)
        put(outputs.targets["output"], data)
    except BaseException:
        outputs.drop()
        raise
    summarise(
        found.verdict,
        to_stderr=outputs.to_stdout,
        quiet=options["quiet"],
        verbose=options["verbose"],
        no_color=options["no_color"],
        notes=[*found.notes, *_told(options, len(data))],
        own=found.own,
        lang=options["lang"],
    )
    raise CliExit(found.verdict.exit_code)


def _made(response: str, options: dict[str, Any]) -> tuple[bytes, Any]:
    from reporter.casefile import bundle

    signing = _signing(options["key"])
    found = judged(response, options)
    data = bundle.write(
        found.verdict,
        found.exhibits,
        options=reading_options(options, found.own),
        forms=[form for form in bundle.REPORTS if form != "pdf" or not options["no_pdf"]],
        signing=signing,
        warn=lambda text: say(f"warning: {text}"),
    )
    return data, found


def _told(options: dict[str, Any], size: int) -> list[str]:
    from reporter.words import Language

    words, file, much = Language(options["lang"]), options["case_file"], f"{size / 1e6:,.1f}"
    if options["key"] is None:
        said = words.text("case file {file}, {size} MB, not signed", file=file, size=much)
        return [words.text("{said} (--key signs it)", said=said)]
    said = words.text("case file {file}, {size} MB", file=file, size=much)
    return [words.text("{said}, signed with {key}", said=said, key=options["key"])]


def _signing(name: str | None) -> Signing | None:
    from reporter.casefile.attest import check_private_key
    from reporter.casefile.bundle import Signing

    if name is None:
        return None
    asked: list[bytes | None] = []

    def password() -> bytes | None:
        if not asked:
            asked.append(_passphrase(name))
        return asked[0]

    signing = Signing(read_key_file(name), name, password)
    check_private_key(signing.key, name, password)
    return signing


def _passphrase(name: str) -> bytes | None:
    if PASSPHRASE in os.environ:
        return os.environb[PASSPHRASE.encode()]
    if sys.stdin is None or not sys.stdin.isatty():
        raise PolicyError(
            f"{name}: the key is locked, and nobody is there to ask",
            hint=f"set {PASSPHRASE}, or run it in a terminal",
        )
    word: str = click.prompt(f"Passphrase of {name}", hide_input=True, err=True)
    return word.encode()


def read_key_file(name: str) -> bytes:
    """The bytes of a key. `PolicyError` where it can't be read."""
    try:
        with Path(name).open("rb") as file:
            data = file.read(MAX_KEY + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise PolicyError(f"{name}: the key can't be read: {reason}") from None
    if len(data) > MAX_KEY:
        raise PolicyError(f"{name}: more than {MAX_KEY:,} bytes are no key")
    return data
