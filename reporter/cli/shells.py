"""The shells whose completion is known: click's own, which complete names of files as well.

Imported only when a shell asks, or its script is printed.
"""

from __future__ import annotations

from typing import Final

from click.exceptions import Exit
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
)


class _Files(ShellComplete):
    """Where nothing else can stand, the shell completes names of files."""

    def complete(self) -> str:
        """What could stand at the cursor; nothing is said where no shell asks like this."""
        try:
            self.get_completion_args()
        except (LookupError, ValueError):  # variables that are missing, or are no number
            raise Exit(0) from None
        # What was typed so far may be no text.
        return super().complete().encode("utf-8", "replace").decode()

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        known = super().get_completions(args, incomplete)
        if known or incomplete.startswith("-"):
            return known
        return [CompletionItem(incomplete, type="file")]


class _Bash(_Files, BashComplete):
    """bash"""


class _Zsh(_Files, ZshComplete):
    """zsh"""


class _Fish(_Files, FishComplete):
    """fish"""


SHELLS: Final[dict[str, type[ShellComplete]]] = {"bash": _Bash, "zsh": _Zsh, "fish": _Fish}


def register() -> None:
    """Have click answer a shell's question by these."""
    for name, shell in SHELLS.items():
        add_completion_class(shell, name)
