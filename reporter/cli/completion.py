"""`cce-precheck completion`: what a shell needs to complete commands, options and file names."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final, Literal

import click

PROGRAM: Final = "cce-precheck"
VARIABLE: Final = "_CCE_PRECHECK_COMPLETE"
"""Set by the shell's own function when it asks what could stand at the cursor."""


def prepare(arguments: Sequence[str]) -> None:
    """Answer a shell's question with file names too, if this run is one.

    A shell asks without arguments. Where there are some, a gate is to judge, whatever stands in
    its environment.
    """
    if arguments:
        os.environ.pop(VARIABLE, None)
    if VARIABLE in os.environ:
        from reporter.cli.shells import register

        register()


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.pass_context
def command(context: click.Context, shell: Literal["bash", "zsh", "fish"], debug: bool) -> None:
    """Print the completion of this command for a SHELL.

    \b
      bash  echo 'eval "$(cce-precheck completion bash)"' >> ~/.bashrc     (bash 4.4 or newer)
      zsh   echo 'eval "$(cce-precheck completion zsh)"' >> ~/.zshrc       (after compinit)
      fish  cce-precheck completion fish > ~/.config/fish/completions/cce-precheck.fish
    """
    del debug  # read by the entry point
    from reporter.cli.shells import SHELLS

    completion = SHELLS[shell](context.find_root().command, {}, PROGRAM, VARIABLE)
    # Not `source`, which for bash starts one only to ask its version.
    click.echo(completion.source_template % completion.source_vars())
