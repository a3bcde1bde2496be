"""What a terminal is told beside the summary: whether in colour, and that something takes time."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, TextIO

PATIENCE: Final = 1.0
"""Seconds before anything is said about work that goes on."""


def uses_color(stream: TextIO, *, no_color: bool) -> bool:
    """Whether to write colours to this stream.

    `--no-color` and NO_COLOR say no, FORCE_COLOR says yes, in this order; else a terminal that
    is not a dumb one has them, and a pipe, a file and a pipeline's log have not.
    """
    if no_color or os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0").lower() not in ("", "0", "false"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


@contextmanager
def working(what: str, *, quiet: bool = False) -> Iterator[None]:
    """Show on a terminal that `what` goes on, once that takes longer than `PATIENCE`.

    One line of standard error, taken back at the end. In a pipe or a log nothing is written.
    """
    stream = sys.stderr
    if quiet or not stream.isatty() or os.environ.get("TERM") == "dumb":
        yield
        return
    done = threading.Event()
    teller = threading.Thread(target=_tell, args=(what, stream, done), daemon=True)
    teller.start()
    try:
        yield
    finally:
        done.set()
        teller.join()


def _tell(what: str, stream: TextIO, done: threading.Event) -> None:
    from reporter.output.clean import one_line

    begun = time.monotonic()
    if done.wait(PATIENCE):
        return
    while True:
        seconds = round(time.monotonic() - begun)
        room = shutil.get_terminal_size().columns - 12
        stream.write(f"\r… {one_line(what)[:room]} ({seconds} s)\x1b[K")
        stream.flush()
        if done.wait(1.0):
            break
    stream.write("\r\x1b[K")
    stream.flush()
