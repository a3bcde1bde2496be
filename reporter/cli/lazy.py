"""A group whose commands are modules, none of which is imported before it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click


class LazyGroup(click.Group):
    """`package` holds a module for each of `names`, and each module a `command`."""

    def __init__(self, *arguments: Any, package: str, names: Sequence[str], **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._package, self._names = package, names

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order a reader wants them."""
        return list(self._names)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name; imports its module."""
        if cmd_name not in self._names:
            return None
        command: click.Command = import_module(f"{self._package}.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is asked for; of a name that is none, the nearest there is."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            if (near := self.nearest(ctx, args[0])) is not None:
                said = f"{error.message} Did you mean {near.name}?"
                raise click.UsageError(said, ctx) from None
            raise

    def nearest(self, ctx: click.Context, word: str) -> click.Command | None:
        """The command that was probably meant by a word that is none."""
        from difflib import get_close_matches

        near = get_close_matches(word, self._names, n=1)
        return self.get_command(ctx, near[0]) if near else None
