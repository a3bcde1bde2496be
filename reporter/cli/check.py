"""`cce-precheck check`: one response in, a verdict and its reports out."""

from __future__ import annotations

from typing import Any

import click

from reporter.cli.common import (
    CliExit,
    Outputs,
    catalogue_option,
    display_options,
    file_name,
    output_options,
    reading_options,
    summarise,
)
from reporter.cli.judging import (
    DEFAULT_POLICY,
    check_options,
    inputs_of,
    judged,
    judging_options,
)
from reporter.cli.targets import Writer
from reporter.errors import InputError, OutputError, PolicyError, TemplateError


@click.command("check", cls=Writer)
@click.argument("response", type=file_name, metavar="RESPONSE")
@judging_options
@catalogue_option
@output_options
@display_options
def command(response: str, **options: Any) -> None:
    """Judge a pre-upgrade check RESPONSE.

    It is a file (JSON, what an SDK or curl printed, or an archive that holds one), - for standard
    input, a folder, a pattern in quotes, or a URL such as s3://bucket/key.

    Without outputs it prints a summary. The exit code is the verdict: 0 pass, 1 fail,
    3 inconclusive.
    """
    outputs = Outputs.of(options, inputs_of(response, options), responses=[response])
    try:
        check_options(options)
        _check(response, outputs, options)
    except (CliExit, OutputError, TemplateError, click.UsageError):
        raise
    except (InputError, PolicyError) as error:
        outputs.fail(error.message, error.hint)
        raise
    except Exception as error:
        outputs.fail(f"internal error: {type(error).__name__}", "no verdict was reached")
        raise


def _check(response_name: str, outputs: Outputs, options: dict[str, Any]) -> None:
    found = judged(response_name, options)
    written = outputs.write(found.verdict, found.exhibits, reading_options(options, found.own))
    try:
        summarise(
            found.verdict,
            to_stderr=outputs.to_stdout,
            quiet=options["quiet"],
            verbose=options["verbose"],
            no_color=options["no_color"],
            notes=found.notes,
            own=found.own,
            lang=options["lang"],
        )
    except OutputError as error:
        outputs.tell_no_summary(found.verdict, error)
        raise
    written.tell(quiet=options["quiet"])
    raise CliExit(found.verdict.exit_code if written.fine else 5)


__all__ = ["DEFAULT_POLICY", "command"]
