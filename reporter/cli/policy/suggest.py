"""`cce-precheck policy suggest`: a first policy or waiver list for a response."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

import click

from reporter.cli.common import file_name
from reporter.cli.judging import DEFAULT_POLICY


@click.command("suggest")
@click.argument("response", metavar="RESPONSE")
@click.option("--policy", "form", flag_value="policy", default="policy", help="A policy (default).")
@click.option("--waivers", "form", flag_value="waivers", help="A waiver list.")
@click.option(
    "--by",
    "policies",
    multiple=True,
    type=file_name,
    metavar="FILE|builtin:NAME",
    help=f"By which policy to say what fails; several are a union. Default: {DEFAULT_POLICY}.",
)
@click.option("--at", default="now", metavar="now|response|TIME", help="The instant to judge for.")
@click.option(
    "--type", "cluster_type", type=click.Choice(["autopilot", "standard"]), help="Kind of cluster."
)
@click.option("--task", metavar="UID", help="Which task of a list response to take.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def command(response: str, form: Literal["policy", "waivers"], **options: Any) -> None:
    """Print a starting policy, or a waiver list, for what failed in RESPONSE.

    It loads as it stands and waives nothing: every waiver is a comment until somebody takes the
    leading "# " off, gives a reason and signs it. Exceptions are listed; they can't be waived.
    """
    from reporter.output.clean import clean, console_safe
    from reporter.output.text import wrap
    from reporter.policy.evaluate import judge, settle_instant
    from reporter.policy.load import Policy
    from reporter.policy.suggest import suggest
    from reporter.sources.read import read

    policy = Policy.load(*(options["policies"] or (DEFAULT_POLICY,)))
    judged = read(response, task=options["task"])
    judgement = judge(
        judged,
        policy,
        instant=settle_instant(judged, options["at"], datetime.now(UTC)),
        cluster_type=options["cluster_type"],
    )
    for line in suggest(judgement, form, wrap):
        click.echo(console_safe(clean(line)))
