"""A line of progress on a terminal that stays where it is; the only module that imports rich."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.text import Text

from reporter.output.clean import console_safe, one_line


@contextmanager
def live_line(
    first: str = "asking CCE",
) -> Iterator[tuple[Callable[[str], None], Callable[[str], None]]]:
    """Two functions: one says a line above, one sets what the standing line shows."""
    console = Console(stderr=True, highlight=False)
    with console.status(Text(first)) as status:
        yield (
            lambda text: console.print(Text(console_safe(one_line(text)))),
            lambda text: status.update(Text(console_safe(one_line(text)))),
        )
