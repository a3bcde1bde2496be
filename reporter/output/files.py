"""Writing reports: written beside the target and renamed, so that nothing is left half-written."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from reporter.errors import OutputError


def write_file(target: Path, data: bytes) -> None:
    """Put `data` at `target` in one step. `OutputError` when that can't be done.

    Missing parent folders are made. A target that is no ordinary file (a pipe, /dev/null) is
    written to directly.
    """
    with replacing(target) as file:
        file.write(data)


@contextmanager
def replacing(target: Path) -> Iterator[BinaryIO]:
    """A file to write to, which takes its place at `target` when all of it is there."""
    try:
        if target.exists() and not stat.S_ISREG(target.stat().st_mode):
            with target.open("wb") as file:
                yield file
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        yield from _replaced(target)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise OutputError(
            f"{target}: can't be written: {reason}", hint="name another place for this report"
        ) from None


def _replaced(target: Path) -> Iterator[BinaryIO]:
    handle, name = tempfile.mkstemp(prefix=f".{target.name[:40]}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        # mkstemp is private to its user; a report has the mode any new file would have.
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def remove_stale(target: Path) -> bool:
    """Remove a report of an earlier run: a stale green report is worse than none.

    False where one is there and can't be removed.
    """
    try:
        # Of a link the link goes, as it would when a new report took its place.
        if stat.S_ISREG(target.stat().st_mode):
            target.unlink()
    except FileNotFoundError:
        return True
    except (OSError, ValueError):
        return not os.path.lexists(target)
    return True
