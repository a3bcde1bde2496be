"""Writing reports: written beside the target and renamed, so that nothing is left half-written."""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from reporter.errors import OutputError

ELSEWHERE = "name another place for this report"


def write_file(target: Path, data: bytes, *, hint: str = ELSEWHERE) -> None:
    """Put `data` at `target` in one step. `OutputError` with `hint` when that can't be done.

    Missing parent folders are made. A target that is no ordinary file (a pipe, /dev/null) is
    written to directly; so is an open one under the name of a stream (/dev/stderr), behind what
    stands in it.
    """
    with replacing(target, hint=hint) as file:
        file.write(data)


@contextmanager
def replacing(target: Path, *, hint: str = ELSEWHERE) -> Iterator[BinaryIO]:
    """A file to write to, which takes its place at `target` when all of it is there."""
    try:
        if is_stream(target):
            with _opened(target) as file:
                yield file
            return
        if target.exists() and not stat.S_ISREG(target.stat().st_mode):
            with target.open("wb") as file:
                yield file
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        yield from _replaced(target)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise OutputError(f"{target}: can't be written: {reason}", hint=hint) from None


_OPEN_FILES = re.compile(r"/proc/(?:\d+|self|thread-self)(?:/task/\d+)?/fd|/dev/fd")
"""Folders in which a system shows the files that are open."""
_HOPS = 40


def is_stream(target: Path) -> bool:
    """Whether a name leads to an open file by a link of the system's, such as /dev/stderr.

    Such a name is everybody's: put in the place of the link, a report would take it away.
    """
    path = os.path.abspath(target)
    for _ in range(_HOPS):
        try:
            folder = os.path.dirname(path)
            if _OPEN_FILES.fullmatch(folder) or _OPEN_FILES.fullmatch(os.path.realpath(folder)):
                return True
            path = os.path.join(folder, os.readlink(path))
        except (OSError, ValueError):
            return False
    return False


def _opened(target: Path) -> BinaryIO:
    """Where a stream stands now: what comes after it follows, and nothing is written over."""
    found = target.stat()
    for number in (1, 2):
        with contextlib.suppress(OSError):
            if os.path.samestat(found, os.fstat(number)):
                return os.fdopen(os.dup(number), "wb")
    with contextlib.suppress(OSError):
        if os.path.samestat(found, os.fstat(0)) and stat.S_ISREG(found.st_mode):
            raise OutputError(f"{target}: is standard input", hint=ELSEWHERE)
    return target.open("ab")


def _replaced(target: Path) -> Iterator[BinaryIO]:
    # The name is known before the file is there: whatever ends this run in between leaves nothing.
    name = os.path.join(target.parent, f".{target.name[:40]}.{os.urandom(4).hex()}")
    try:
        try:
            file = Path(name).open("xb")  # noqa: SIM115 - closed below
        except FileExistsError:
            name = ""  # somebody else's, by one chance in four billion: it stays
            raise
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


_UNFINISHED = re.compile(r"\.(.+)\.[a-z0-9_]{8}", re.DOTALL)
"""What a file is called that is being written: see `_replaced`."""


def remove_unfinished(folder: Path, is_ours: Callable[[str], bool]) -> None:
    """Remove what a killed run left half-written of targets whose name `is_ours`.

    Only for a folder that nobody else writes to meanwhile. What can't be removed stays.
    """
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            found = _UNFINISHED.fullmatch(entry.name)
            if found and is_ours(found[1]) and entry.is_file(follow_symlinks=False):
                with contextlib.suppress(OSError):
                    os.unlink(entry.path)


def microseconds_of(digest: str) -> int:
    """The part of a second that `mark` puts into a file's time: nobody else writes in it."""
    return 1 + int(digest[:12], 16) % 999_999


def changed_at(target: Path) -> int | None:
    """When a file was last changed, in microseconds; None where there is none."""
    try:
        return os.stat(target).st_mtime_ns // 1000
    except OSError:
        return None


def is_file(target: Path) -> bool:
    """Whether a file lies there, and no link to one: a pipe or a device may have no end."""
    try:
        return stat.S_ISREG(os.lstat(target).st_mode)
    except OSError:
        return False


def mark(target: Path, digest: str) -> None:
    """Have the time of a file tell its digest, in its microseconds: who writes to it changes them.

    Without an effect where the file system keeps no such time.
    """
    if (changed := changed_at(target)) is not None:
        moment = (changed // 1_000_000 * 1_000_000 + microseconds_of(digest)) * 1000
        with contextlib.suppress(OSError):
            os.utime(target, ns=(moment, moment))


def make_way(target: Path) -> None:
    """Remove a pipe, a link or a device from where a file of ours belongs; a folder stays.

    For a folder that is all ours: elsewhere what is no file is written to (`write_file`). What
    can't be removed stays.
    """
    with contextlib.suppress(OSError):
        mode = os.lstat(target).st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            os.unlink(target)


def remove_stale(target: Path) -> bool:
    """Remove a report of an earlier run: a stale green report is worse than none.

    False where one is there and can't be removed.
    """
    try:
        if is_stream(target):
            return True
        # Of a link the link goes, as it would when a new report took its place.
        if stat.S_ISREG(target.stat().st_mode):
            target.unlink()
    except FileNotFoundError:
        return True
    except (OSError, ValueError):
        return not os.path.lexists(target)
    return True
