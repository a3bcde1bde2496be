"""`cce-precheck policy …`: tools that find a policy's mistakes before a cluster does."""

from __future__ import annotations

from importlib import import_module

import click

COMMANDS = ("lint", "test", "show", "explain", "preview", "suggest", "schema")
"""Each is a module of this package with a `command`; none is imported before it is asked for."""


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"reporter.cli.policy.{cmd_name}").command
        return command


@click.group("policy", cls=_Lazy)
def command() -> None:
    """Check, test, show and explain policies, and preview waivers."""
