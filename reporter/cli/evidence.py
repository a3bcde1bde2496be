"""What a run reads, and whether the file that a report is asked for is, or would be, part of it."""

from __future__ import annotations

import contextlib
import glob
import os
import stat
import sys
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase

from reporter.errors import ReporterError


class Evidence:
    """The files a run may read, by what the disk knows them as: no report is written over one."""

    def __init__(self, inputs: Iterable[str]) -> None:
        self._inputs = [location.removeprefix("file://") for location in inputs]
        self._known: dict[tuple[int, int], str] | None = None

    def role_of(self, target: str) -> str | None:
        """What `target` is, if it is there and is one of them. Locations are walked, once."""
        if (there := _regular(target)) is None:
            return None
        if _is_yaml(target):
            return "a YAML file (a policy's base or a waiver list?)"
        if self._known is None:
            self._known = dict(self._walked())
        return self._known.get((there.st_dev, there.st_ino))

    def is_named(self, target: str) -> bool:
        """Whether `target` is there and, by what is named alone, is read; nothing is walked."""
        if (there := _regular(target)) is None:
            return False
        return _is_yaml(target) or any(
            os.path.samestat(there, found) for found in self._stats_named()
        )

    def location_of(self, target: str) -> str | None:
        """The folder or pattern in which a file at `target` is read, there or not yet.

        By name alone: as long as it takes, a walk through a large or distant folder is nothing
        that an interruption waits for.
        """
        return next((found for found in self._inputs if _finds(found, target)), None)

    def _stats_named(self) -> Iterator[os.stat_result]:
        from reporter.sources.locations import File

        for location in self._inputs:
            with contextlib.suppress(OSError, ValueError, AttributeError):
                if location == "-":
                    yield os.fstat(sys.stdin.fileno())
                    continue
            for path in (location, *File(location, location).notes()):
                with contextlib.suppress(OSError, ValueError):
                    yield os.stat(path)

    def _walked(self) -> Iterator[tuple[tuple[int, int], str]]:
        from reporter.sources.locations import files_at

        for location in self._inputs:
            if location == "-":
                with contextlib.suppress(OSError, ValueError, AttributeError):
                    found = os.fstat(sys.stdin.fileno())
                    yield (found.st_dev, found.st_ino), "what standard input reads"
                continue
            with contextlib.suppress(ReporterError, OSError):
                for file in files_at(location):
                    paths = [(file.path, "an input")]
                    paths += [(path, "the note beside an input") for path in file.notes()]
                    for path, role in paths:
                        with contextlib.suppress(OSError, ValueError):
                            found = os.stat(path)
                            yield (found.st_dev, found.st_ino), role


def _regular(target: str) -> os.stat_result | None:
    try:
        there = os.stat(target)
    except (OSError, ValueError):
        return None
    return there if stat.S_ISREG(there.st_mode) else None


def _is_yaml(target: str) -> bool:
    return target.lower().endswith((".yaml", ".yml"))


# By name ----------------------------------------------------------------------------------------


def _finds(location: str, target: str) -> bool:
    """Whether the walk through a location comes upon a file of this name: `sources.locations`."""
    if location == "-" or "://" in location:
        return False
    with contextlib.suppress(OSError, ValueError, RuntimeError):
        if os.path.isdir(location) and any(map(_is_walked, _below(location, target))):
            return True
        if glob.has_magic(location):
            parts = location.split("/")
            first = next(at for at, part in enumerate(parts) if glob.has_magic(part))
            fixed = "/".join(parts[:first]) or ("/" if location.startswith("/") else ".")
            asked = [part for part in parts[first:-1] if part not in ("", ".")] + parts[-1:]
            return any(_matches(asked, names) for names in _below(fixed, target))
    return False


def _below(folder: str, target: str) -> Iterator[list[str]]:
    """The names that lead from a folder to where `target` lies or is to lie: by the names of its
    folders, and as it is written, by links."""
    root = os.stat(folder)
    above = os.path.dirname(target) or "."
    for path in dict.fromkeys((os.path.realpath(above), os.path.abspath(above))):
        names, left = [os.path.basename(target)], path
        while True:
            with contextlib.suppress(OSError):  # a folder that is yet to be made
                if os.path.samestat(os.stat(left), root):
                    yield names
                    break
            left, name = os.path.split(left)
            if not name:
                break
            names = [name, *names]


def _is_walked(names: Sequence[str]) -> bool:
    """Whether a walk through a folder reads what lies there: hidden folders are passed over."""
    if not names or any(_is_hidden(name) for name in names[:-1]):
        return False
    return not _is_hidden(names[-1]) or "json" in names[-1].lower()


def _matches(parts: Sequence[str], names: Sequence[str]) -> bool:
    """Whether a pattern finds a file by these names, or a folder that it lies in."""
    if not parts:
        return not names or _is_walked(names)
    part, rest = parts[0], parts[1:]
    if part == "":  # of a pattern that ends in a slash: folders
        return _is_walked(names)
    if part == "**":
        seen = next((at for at, name in enumerate(names) if _is_hidden(name)), len(names))
        return any(_matches(rest, names[at:]) for at in range(seen + 1))
    if not names or (_is_hidden(names[0]) and not _is_hidden(part)):
        return False
    return fnmatchcase(names[0], part) and _matches(rest, names[1:])


def _is_hidden(name: str) -> bool:
    return name.startswith(".")
