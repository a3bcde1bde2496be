"""`cce-precheck policy …`: tools that find a policy's mistakes before a cluster does."""

from __future__ import annotations

import click

from reporter.cli.lazy import LazyGroup

COMMANDS = ("lint", "test", "show", "explain", "preview", "suggest", "schema")


@click.group("policy", cls=LazyGroup, package=__name__, names=COMMANDS)
def command() -> None:
    """Check, test, show and explain policies, and preview waivers."""
