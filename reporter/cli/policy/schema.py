"""`cce-precheck policy schema`: the JSON Schema that editors use."""

from __future__ import annotations

from typing import Literal

import click


@click.command("schema")
@click.option(
    "--kind",
    type=click.Choice(["Policy", "WaiverList"]),
    help="The schema of one kind of file alone; both unless said.",
)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def command(kind: Literal["Policy", "WaiverList"] | None, debug: bool) -> None:
    """Print the JSON Schema of policies and waiver lists.

    Save it, and begin your files with a line that names it; editors that run yaml-language-server
    then complete keys, explain them and mark mistakes:

    \b
      cce-precheck policy schema > policy.schema.json
      # yaml-language-server: $schema=policy.schema.json
    """
    from reporter.policy.schema import schema_text

    click.echo(schema_text(kind), nl=False)
