"""`cce-precheck policy show`: the merged policy, with the origin of every value."""

from __future__ import annotations

import click

from reporter.cli.common import waivers_option


@click.command("show")
@click.argument("policies", nargs=-1, metavar="[FILE|builtin:NAME]…")
@waivers_option(what="Waiver lists to pool in.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def command(policies: tuple[str, ...], waivers: tuple[str, ...], debug: bool) -> None:
    """Print what several policies, and all their layers, come to.

    Each value is followed by the file and line that says it. Without a name:
    builtin:recommended.
    """
    from reporter.output.clean import clean, console_safe
    from reporter.policy.load import Policy
    from reporter.policy.show import shown

    policy = Policy.load(*(policies or ("builtin:recommended",)), waivers=waivers)
    for row in clean(shown(policy)).splitlines():
        click.echo(console_safe(row))
