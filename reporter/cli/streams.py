"""Standard output and error, whose reader may go away: `| head` is no reason for another code."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class _Heard(io.FileIO):
    """A stream that goes on into nothing once nobody reads it."""

    gone = False

    def write(self, data: ReadableBuffer, /) -> int:
        """Write; what nobody is there to read counts as written."""
        try:
            return super().write(data)
        except BrokenPipeError:
            self.gone = True
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())
            return memoryview(data).nbytes


def still_heard(stream: io.TextIOWrapper) -> io.TextIOWrapper:
    """The same stream, by the same rules, whose reader may go away."""
    stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(_Heard(stream.fileno(), "w", closefd=False)),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


def unheard() -> io.TextIOWrapper:
    """In the place of a stream that was closed before all began: nobody hears it."""
    raw = _Heard(os.open(os.devnull, os.O_WRONLY), "w")
    raw.gone = True
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding="utf-8", write_through=True)


def is_gone(stream: TextIO) -> bool:
    """Whether the reader of a stream went away: what was written there may have reached nobody."""
    return getattr(getattr(getattr(stream, "buffer", None), "raw", None), "gone", False)
