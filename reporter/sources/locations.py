"""Where inputs lie: files, folders, globs, standard input, and object stores by fsspec URLs."""

from __future__ import annotations

import glob
import os
import re
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit

from reporter.errors import InputError
from reporter.sources.containers import LITTER_HEAD, PACKED_SUFFIXES, is_litter, may_be_litter
from reporter.sources.marks import speaks_of_a_response

STDIN_NAME = "standard input"
SIDECAR_SUFFIX = ".meta.json"
MAX_SIDECAR = 1024 * 1024

_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*(?:://|::)", re.IGNORECASE)
_WEB = ("http", "https")
_WILDCARD = re.compile(r"[*?\[]")
_ABSENT = "none"
_NOTES_AT_ONCE = 128


@dataclass(frozen=True)
class File:
    """One file of a location: `name` is for people and never holds a secret."""

    name: str
    path: str
    store: Any = None
    """The fsspec file system it lies in; None for the machine's own."""

    wrong: InputError | None = None
    """Why it is not read."""

    beside: tuple[str, ...] | None = None
    """Where sidecars of it lie, where the listing has shown that; None: to be looked for."""

    @contextmanager
    def open(self) -> Iterator[tuple[BinaryIO, int | None]]:
        """The file's bytes and, where it is known, its size. Raises `InputError`."""
        if self.wrong is not None:
            raise self.wrong
        if self.path == "-":
            if sys.stdin is None:
                raise InputError(
                    f"{self.name}: is closed", hint="pipe a response in, or name a file"
                )
            yield sys.stdin.buffer, None
        elif self.store is not None:
            yield from _opened_in_store(self)
        else:
            yield from _opened(self)

    @property
    def only_once(self) -> bool:
        """Whether it is a pipe or a device: it can't be opened again, and may never end."""
        if self.path == "-":
            return True
        return self.store is None and not os.path.isfile(self.path) and os.path.exists(self.path)

    def sidecars(self) -> Iterator[tuple[str, bytes]]:
        """The bytes of `FILE.meta.json` beside it, with their name.

        Beside `FILE.gz` the sidecar of the `FILE` that was packed will do.
        """
        for beside in self.notes():
            cut = len(self.path) + len(SIDECAR_SUFFIX) - len(beside)
            name = self.name[: len(self.name) - cut] + SIDECAR_SUFFIX
            try:
                found = self._bytes_of(beside)
            except Exception:
                if self.store is not None or not os.path.lexists(beside):
                    continue
                found = b""  # what is there and can't be read is not used, and that is told
            yield name, found

    def notes(self) -> list[str]:
        """Where a sidecar of this file may lie."""
        if self.path == "-":
            return []
        if self.beside is not None:
            return list(self.beside)
        return notes_of(self.path)

    def stamp(self) -> str | None:
        """What changes when the file or its sidecar does: size and time, or an object's ETag.

        A sidecar that comes or goes changes it too. None where nothing tells: a pipe, a web server
        that names neither.
        """
        if self.wrong is not None:
            return self.wrong.message
        if self.path == "-":
            return None
        parts: list[str] = []
        for path in (self.path, *self.notes()):
            found = _stamp_in_store(self.store, path) if self.store else _stamp_on_disk(path)
            if found is None or (found == _ABSENT and not parts):
                return None
            parts.append(found)
        return " + ".join(parts)

    def _bytes_of(self, path: str) -> bytes:
        if self.store is not None:
            return cast(bytes, self.store.cat_file(path, start=0, end=MAX_SIDECAR))
        if not os.path.isfile(path):  # a pipe would never end
            raise FileNotFoundError(path)
        with Path(path).open("rb") as file:
            return file.read(MAX_SIDECAR)


def notes_of(path: str) -> list[str]:
    """What a note of a file may be called: beside `FILE.gz` that of the `FILE` that was packed."""
    bare = [path.removesuffix(packed) for packed in ("", *PACKED_SUFFIXES)]
    return [found + SIDECAR_SUFFIX for found in dict.fromkeys(bare)]


def _notes_among(names: Iterable[str]) -> set[str]:
    """The names that are notes beside one of the others; a note without its file is a file."""
    every = set(names)
    files = (name for name in every if not name.endswith(SIDECAR_SUFFIX))
    return {note for name in files for note in notes_of(name)} & every


def _lies_beside_its_file(path: str) -> bool:
    bare = path.removesuffix(SIDECAR_SUFFIX)
    return bare != path and any(os.path.isfile(bare + packed) for packed in ("", *PACKED_SUFFIXES))


def _is_note(data: bytes) -> bool:
    """Whether what is called a note may be one: a short text that holds nothing of a response."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return len(data) < MAX_SIDECAR and not speaks_of_a_response(data)


def _is_note_on_disk(path: str) -> bool:
    """What is no file, and would never end, is none to judge either."""
    if not os.path.isfile(path):
        return True
    try:
        with Path(path).open("rb") as file:
            return _is_note(file.read(MAX_SIDECAR))
    except OSError:
        return False  # its reader tells why


def _notes_in_store(store: Any, paths: Iterable[str]) -> set[str]:
    """Those of the paths called notes that are notes; asked for many at a time."""
    called, found = sorted(paths), set[str]()
    for at in range(0, len(called), _NOTES_AT_ONCE):
        some = called[at : at + _NOTES_AT_ONCE]
        held = store.cat_ranges(some, 0, MAX_SIDECAR, on_error="return")
        pairs = zip(some, held, strict=True)
        found.update(path for path, data in pairs if isinstance(data, bytes) and _is_note(data))
    return found


def _is_json(name: str) -> bool:
    """Whether a hidden file calls itself what responses are called: then it counts."""
    bare = name.lower()
    for packed in PACKED_SUFFIXES:
        bare = bare.removesuffix(packed)
    return bare.endswith((".json", ".jsonl", ".ndjson"))


def _stamp_on_disk(path: str) -> str | None:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return _ABSENT
    except (OSError, ValueError):
        return None
    return f"{found.st_size} {found.st_mtime_ns}" if stat.S_ISREG(found.st_mode) else None


def _stamp_in_store(store: Any, path: str) -> str | None:
    try:
        info = store.info(path)
    except FileNotFoundError:
        return _ABSENT
    except Exception:
        return None
    if info.get("type") == "directory":  # also what a listing says of a name that is not in it
        return _ABSENT
    keys = ("ETag", "etag", "LastModified", "last_modified", "mtime", "created")
    told = next((info[key] for key in keys if info.get(key)), None)
    return None if told is None else f"{info.get('size')} {str(told).strip(chr(34))}"


def files_at(location: str) -> Iterator[File]:
    """The files a location names, in the order of their names.

    A folder is walked to its depths, without hidden files, what desktops leave behind, sidecars
    (`*.meta.json`) and links that lead out of it. A wildcard is one always: what literally has that
    name counts among what it finds. Raises `InputError` where there is nothing.
    """
    if location == "-":
        yield File(STDIN_NAME, "-")
    elif _SCHEME.match(location):
        yield from _in_store(location)
    elif _WILDCARD.search(location):
        yield from _or_nothing(_by_glob(location), location)
    elif os.path.isdir(location):
        yield from _or_nothing(_in_folder(location), location)
    else:
        yield File(readable(location), location)


def is_one_file(location: str) -> bool:
    """Whether a location names one file: no folder, and no wildcard that finds any other."""
    if location == "-":
        return True
    if _SCHEME.match(location):
        return not (_WILDCARD.search(urlsplit(location).path) or location.endswith("/"))
    if os.path.isdir(location):
        return False
    return not _WILDCARD.search(location) or _globbed(location) == [location]


def readable(path: str) -> str:
    """A path as text: bytes of a file name that are not UTF-8 are shown as U+FFFD."""
    try:
        return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    except UnicodeEncodeError:  # no name that any file can have
        return path.encode("utf-8", "replace").decode()


def _or_nothing(files: Iterator[File], location: str) -> Iterator[File]:
    empty = True
    for file in files:
        empty = False
        yield file
    if empty:
        raise InputError(f"{readable(location)}: no file there", hint="check the path")


# The machine's own files ----------------------------------------------------------------------


def _in_folder(folder: str) -> Iterator[File]:
    root = os.path.realpath(folder)
    closed: list[OSError] = []
    for where, folders, names in _walked(folder, closed.append):
        yield from _closed_folders(closed)
        folders[:] = sorted(name for name in folders if not _is_hidden(name))
        for name in folders:
            path = os.path.join(where, name)
            if os.path.islink(path) and (wrong := _not_walked(path, root)) is not None:
                yield File(readable(path), path, wrong=wrong)
        sidecars = {os.path.join(where, name) for name in names if name.endswith(SIDECAR_SUFFIX)}
        notes = _notes_among(names)
        for name in sorted(names):
            path = os.path.join(where, name)
            if name in notes and _is_note_on_disk(path):
                continue
            if _is_hidden(name) and not _is_json(name):
                continue
            if may_be_litter(name) and _is_litter(name, _start_on_disk(path)):
                continue
            wrong = None
            if os.path.islink(path) and not _is_below(_target(path), root):
                wrong = _leads_out(path)
            else:
                wrong = _no_file(path)
            yield File(readable(path), path, wrong=wrong, beside=_among(sidecars, path))
    yield from _closed_folders(closed)


def _walked(
    top: str, closed: Callable[[OSError], object]
) -> Iterator[tuple[str, list[str], list[str]]]:
    """What `os.walk` tells, to any depth: before Python 3.12 that calls itself for each level."""
    waiting = [top]
    while waiting:
        where = waiting.pop()
        folders, names = list[str](), list[str]()
        try:
            with os.scandir(where) as entries:
                for entry in entries:
                    (folders if _is_folder(entry) else names).append(entry.name)
        except OSError as error:
            closed(error)
            continue
        yield where, folders, names
        paths = [os.path.join(where, name) for name in reversed(folders)]
        waiting += [path for path in paths if not os.path.islink(path)]


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _among(sidecars: set[str], path: str) -> tuple[str, ...]:
    return tuple(note for note in notes_of(path) if note in sidecars) if sidecars else ()


def _closed_folders(closed: list[OSError]) -> Iterator[File]:
    """Folders that may not be read stand in for the files in them: nothing goes missing unseen."""
    for error in closed:
        path = str(error.filename)
        wrong = InputError(f"{readable(path)}: can't be read: {error.strerror}")
        yield File(readable(path), path, wrong=wrong)
    closed.clear()


def _target(link: str) -> str:
    """Where a link leads; out of everything if nobody may know."""
    try:
        return os.path.realpath(link)
    except OSError:
        return os.sep


def _not_walked(link: str, root: str) -> InputError | None:
    """Why what lies in a linked folder is not come upon under its own name."""
    target = _target(link)
    if not _is_below(target, root):
        return _leads_out(link)
    if any(map(_is_hidden, os.path.relpath(target, root).split(os.sep))) and target != root:
        return InputError(
            f"{readable(link)}: is a link to a hidden folder",
            hint="name the folder, if it is meant",
        )
    return None


def _leads_out(path: str) -> InputError:
    return InputError(
        f"{readable(path)}: is a link that leads out of the folder",
        hint="name what it points to, if it is meant",
    )


def _raise_unreadable(error: OSError) -> None:
    raise InputError(f"{readable(str(error.filename))}: can't be read: {error.strerror}") from None


def _is_hidden(name: str) -> bool:
    return name.startswith(".")


MAX_LITTER = 1 << 20
"""More than a desktop leaves in one file: what is larger counts, whatever it is called."""


def _is_litter(name: str, start: bytes) -> bool:
    """Whether a file is what a desktop leaves behind, and nothing in it is of a response."""
    return (
        len(start) <= MAX_LITTER
        and is_litter(name, start[:LITTER_HEAD])
        and not speaks_of_a_response(start)
    )


def _start_on_disk(path: str) -> bytes:
    """How a file starts; nothing of what is no file or can't be read, which its reader tells."""
    try:
        if not os.path.isfile(path):
            return b""
        with Path(path).open("rb") as file:
            return file.read(MAX_LITTER + 1)
    except (OSError, ValueError):
        return b""


def _start_in_store(store: Any, path: str) -> bytes:
    try:
        return cast(bytes, store.cat_file(path, start=0, end=MAX_LITTER + 1))
    except Exception:
        return b""


def _is_below(path: str, root: str) -> bool:
    return os.path.commonpath([path, root]) == root


def _globbed(pattern: str) -> list[str]:
    """What a pattern finds, and what literally has its name (`report[1].json`)."""
    root = os.path.realpath(_before_wildcards(pattern))
    strays: list[str] = []
    folders = ["/" if pattern.startswith("/") else ""]
    *parts, last = re.sub(r"(?<=/)\*\*/+$", "**", pattern.lstrip("/")).split("/")
    for part in parts:
        named = (path for path in _named(part, folders, root, strays) if os.path.isdir(path or "."))
        folders = _each_once(named)
    if last == "**":  # a folder is walked to its depths
        found = {os.path.join(path, "") for path in folders if path}
        folders, last = [path for path in folders if not path], "*"
    else:
        found = set()
    found.update(_named(last, folders, root, strays), strays)
    return sorted(found | {pattern} if os.path.lexists(pattern) else found)


def _named(part: str, folders: list[str], root: str, strays: list[str]) -> Iterator[str]:
    """What one part of a pattern finds in folders."""
    for folder in folders:
        if part == "**":
            yield from _folders_below(folder, root, strays)
        elif _WILDCARD.search(part):
            yield from (
                os.path.join(folder, name) for name in glob.glob(part, root_dir=folder or None)
            )
        elif os.path.lexists(path := os.path.join(folder, part)):
            yield path


def _each_once(folders: Iterable[str]) -> list[str]:
    """Folders, each by one of its names: its own before a link's."""
    ordered = sorted(set(folders), key=lambda path: (os.path.islink(path), path))
    return list({_target(path or "."): path for path in reversed(ordered)}.values())


def _folders_below(top: str, root: str, strays: list[str]) -> list[str]:
    """A folder and those in it to its depths, each once, however many links lead there.

    Links that lead out of the `root`, and what can't be looked into, are added to the `strays`.
    """
    walked: dict[str, str] = {}
    own, links = [top], list[str]()
    while own or links:
        path = own.pop() if own else links.pop()
        if (real := _target(path or ".")) in walked:
            continue
        walked[real] = path
        try:
            entries = [entry for entry in os.scandir(path or ".") if not _is_hidden(entry.name)]
        except OSError:
            strays.append(path)
            continue
        for entry in sorted(entries, key=lambda entry: entry.name, reverse=True):
            inner = os.path.join(path, entry.name)
            if not entry.is_dir():
                continue
            if not entry.is_symlink():
                own.append(inner)
            elif _is_below(_target(inner), root):
                links.append(inner)
            else:
                strays.append(inner)
    return list(walked.values())


def _before_wildcards(pattern: str) -> str:
    """The folder that a pattern starts in."""
    fixed = _WILDCARD.split(pattern, maxsplit=1)[0].rpartition("/")[0]
    return fixed or ("/" if pattern.startswith("/") else ".")


def _by_glob(pattern: str) -> Iterator[File]:
    # glob passes over folders it may not read: what lies in them would go missing.
    fixed = _before_wildcards(pattern)
    depth = None if "**" in pattern else pattern.count("/") - fixed.rstrip("/").count("/")
    _check_readable(fixed, depth)
    root = os.path.realpath(fixed)

    target = cache(_target)

    def stays(path: str) -> bool:
        return _is_below(target(path), root)

    seen: set[str] = set()
    for path in _globbed(pattern):
        if not stays(os.path.dirname(path)) or (os.path.islink(path) and not stays(path)):
            found = iter([File(readable(path), path, wrong=_leads_out(path))])
        elif os.path.isdir(path):
            found = _in_folder(path)
        elif _lies_beside_its_file(path) and _is_note_on_disk(path):
            continue
        else:
            found = iter([File(readable(path), path, wrong=_no_file(path))])
        for file in found:
            folder, name = os.path.split(os.path.normpath(file.path))
            key = os.path.join(target(folder), name)
            if key not in seen:
                seen.add(key)
                yield file


def _no_file(path: str) -> InputError | None:
    if os.path.isfile(path) or not os.path.exists(path):
        return None
    return InputError(
        f"{readable(path)}: is a device or pipe, not a file", hint="name it alone, if it is meant"
    )


def _check_readable(folder: str, depth: int | None) -> None:
    base = folder.rstrip("/").count("/")
    for where, folders, _ in _walked(folder, _raise_unreadable):
        folders[:] = [name for name in folders if not _is_hidden(name)]
        if depth is not None and where.rstrip("/").count("/") - base >= depth - 1:
            folders[:] = []


def _opened(file: File) -> Iterator[tuple[BinaryIO, int | None]]:
    try:
        stream = Path(file.path).open("rb")  # noqa: SIM115 - closed below
    except FileNotFoundError:
        raise InputError(f"{file.name}: no such file", hint="check the path") from None
    except IsADirectoryError:
        raise InputError(
            f"{file.name}: is a folder, not a response", hint="name a file in it"
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{file.name}: can't be read: {reason}") from None
    with stream:
        before = os.fstat(stream.fileno())
        regular = os.path.isfile(file.path)
        yield stream, before.st_size if regular else None
        after = os.fstat(stream.fileno())
        if regular and (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise InputError(
                f"{file.name}: changed while it was read",
                hint="wait until whoever writes it has finished",
            )


# Object stores --------------------------------------------------------------------------------


def _in_store(url: str) -> Iterator[File]:
    scheme, _, rest = url.partition(":")
    scheme = scheme.lower()
    url = f"{scheme}:{rest}"
    if "::" in url:
        raise InputError(
            f"{_public(url)}: chained locations are not read", hint="name the archive itself"
        )
    store, path = _store_of(url, scheme)
    try:
        if scheme not in _WEB and _WILDCARD.search(path):
            several = {found for found in store.glob(path) if not store.isdir(found)}
            paths = sorted(several | set(store.find(path) if store.exists(path) else ()))
        elif scheme in _WEB or store.info(path).get("type") != "directory":
            yield File(_public(url), path, store)
            return
        else:
            paths = sorted(store.find(path))
        notes = _notes_in_store(store, _notes_among(paths))
    except Exception as error:
        raise _store_error(_public(url), error) from None
    sidecars = {found for found in paths if found.endswith(SIDECAR_SUFFIX)}
    paths = [
        found
        for found in paths
        if found not in notes
        and not found.endswith("/")
        and not (may_be_litter(found) and _is_litter(found, _start_in_store(store, found)))
    ]
    if not paths:
        raise InputError(f"{_public(url)}: no file there", hint="check bucket and prefix")
    for found in paths:
        name = found if "://" in found else f"{scheme}://{found.lstrip('/')}"
        # A pattern may leave sidecars out that lie beside what it names.
        beside = None if _WILDCARD.search(path) else _among(sidecars, found)
        yield File(readable(name), found, store, beside=beside)


def _store_of(url: str, scheme: str) -> tuple[Any, str]:
    try:
        from fsspec.core import url_to_fs
    except ImportError:
        raise InputError(
            f"{_public(url)}: reading from an object store needs more packages",
            hint="pip install 'cce-precheck-reporter[remote]'",
        ) from None
    try:
        found = url_to_fs(url)
    except (ImportError, ValueError):  # its package is missing, or nobody knows the scheme
        hint = "for s3:// pip install 'cce-precheck-reporter[remote]'"
        if scheme == "obs":
            hint = "Huawei OBS is read as s3://…, with its endpoint in AWS_ENDPOINT_URL"
        raise InputError(
            f"{_public(url)}: nothing installed reads {scheme}:// locations", hint=hint
        ) from None
    except Exception as error:
        raise _store_error(_public(url), error) from None
    return cast("tuple[Any, str]", found)


def _opened_in_store(file: File) -> Iterator[tuple[BinaryIO, int | None]]:
    over_http = file.path.startswith(("http://", "https://"))
    # From a web server in one piece: in parts, a file that grew would be cut at its old length.
    options = {"block_size": 0} if over_http else {}
    try:
        stream = file.store.open(file.path, "rb", **options)
    except Exception as error:
        raise _store_error(file.name, error) from None
    with stream:
        if over_http and getattr(getattr(stream, "r", None), "status", 200) != 200:
            raise InputError(
                f"{file.name}: the server sent a part, not the whole (HTTP {stream.r.status})",
                hint="save the body with curl and name the file",
            )
        size = getattr(stream, "size", None)
        remote = _Remote(stream, file.name, winds_back=not over_http)
        yield cast(BinaryIO, remote), size if isinstance(size, int) and not over_http else None


class _Remote:
    """A remote file: whatever its library raises becomes one clear error."""

    def __init__(self, inner: Any, name: str, *, winds_back: bool) -> None:
        self._inner, self._name, self._winds_back = inner, name, winds_back
        self._ended = False

    def read(self, size: int = -1) -> bytes:
        if self._ended:
            return b""
        try:
            part = cast(bytes, self._inner.read(size))
        except Exception as error:
            raise _store_error(self._name, error) from None
        # A stream is not asked again when it has ended; one that can be wound back is.
        self._ended = not part and size != 0 and not self._winds_back
        return part

    def seekable(self) -> bool:
        return self._winds_back and bool(self._inner.seekable())

    def seek(self, offset: int, whence: int = 0) -> int:
        return cast(int, self._inner.seek(offset, whence))

    def tell(self) -> int:
        return cast(int, self._inner.tell())


def _store_error(name: str, error: Exception) -> InputError:
    if isinstance(error, InputError):
        return error
    if getattr(error.__cause__, "status", None) in (401, 403):
        return InputError(
            f"{name}: access was refused (HTTP {error.__cause__.status})",  # type: ignore[union-attr]
            hint="save the body with curl and name the file",
        )
    if isinstance(error, FileNotFoundError):
        if not name.lower().startswith(("http:", "https:")):
            if name.startswith("file:"):
                return InputError(f"{name}: no such file", hint="check the path")
            return InputError(
                f"{name}: no such file or bucket", hint="check bucket, key and endpoint"
            )
        if getattr(error.__cause__, "status", 404) == 404 and not _cause_is_connection(error):
            return InputError(f"{name}: no such file on the server", hint="check the address")
        return InputError(f"{name}: the server can't be reached", hint="check host and network")
    if isinstance(error, PermissionError) or "Credential" in type(error).__name__:
        return InputError(
            f"{name}: access was refused, or no credentials were found",
            hint="the store's own environment variables count, such as AWS_ACCESS_KEY_ID",
        )
    return InputError(
        f"{name}: can't be read: {type(error).__name__}",
        hint="check the endpoint (AWS_ENDPOINT_URL) and the network",
    )


def _cause_is_connection(error: Exception) -> bool:
    """Whether a file was not found because nobody answered."""
    return isinstance(error.__cause__, OSError) or "Connect" in type(error.__cause__).__name__


def public_name(location: str) -> str:
    """A location as people may see it."""
    return _public(location) if _SCHEME.match(location) else readable(location)


def _public(url: str) -> str:
    """A URL without what may be secret: user, password, query and fragment."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        slashes = "//" if "://" in url[: len(parts.scheme) + 3] else ""
        shown = f"{parts.scheme}:{slashes}{host}{parts.path}"
    except ValueError:
        shown = url.split("?", 1)[0]
    return readable(shown)
