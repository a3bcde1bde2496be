"""From a file as it lies there to the responses in it: compression and archives taken off.

Members are read one by one and held in memory one by one; nothing is ever unpacked to a disk, so
no path can leave an archive. What an archive must not do (links, paths that lead outside, locked
or lying members, more than the limits allow) is refused: such a file is no evidence.
"""

from __future__ import annotations

import copy
import errno
import gzip
import lzma
import os
import posixpath
import re
import stat
import struct
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import IO, BinaryIO, cast

from reporter.errors import InputError
from reporter.sources.marks import speaks_of_a_response
from reporter.sources.streams import (
    AGAIN,
    BLOCK,
    CHUNK,
    MIB,
    Counted,
    Guarded,
    Kept,
    Rejoined,
    Sized,
    TarStream,
    XzStream,
    read_at,
    read_up_to,
    winds_back,
)
from reporter.sources.zip_structure import check_coverage

MAX_BYTES = 256 * 1024 * 1024
PACKED_SUFFIXES = (".gz", ".zst", ".zstd", ".xz")
"""What compressed files are called: what lies in a file is told by its content, never by these."""

_TAR_BUFFER = 512 * 1024
ZSTD_WINDOW = 27  # 128 MB, the most a zstd file may ask for without being asked (`--long` beyond)
_LITTER = {
    re.compile(r"(?:^|[/!])\._[^/!]*$"): re.compile(rb"\x00\x05\x16[\x00\x07]"),
    re.compile(r"(?:^|[/!])\.DS_Store$"): re.compile(rb"\x00\x00\x00\x01Bud1"),
    re.compile(r"(?i)(?:^|[/!])Thumbs\.db$"): re.compile(rb"\xd0\xcf\x11\xe0"),
    re.compile(r"(?i)(?:^|[/!])desktop\.ini$"): re.compile(
        rb"(?:\xef\xbb\xbf|\xff\xfe)?[\x00\s]*\[\x00?(?:[.]\x00?S\x00?h|V\x00?i\x00?e|L\x00?o\x00?c)"
    ),
}
"""What desktops leave behind: how it is called, and how it starts."""

LITTER_HEAD = 64
"""How many bytes tell it."""
_ESCAPES = re.compile(r"^[/\\]|^[A-Za-z]:|(?:^|[/\\])\.\.(?:[/\\]|$)|\x00")

# Read as they are, but named for what they are when nothing reads them.
FOREIGN = {
    b"%PDF": "a PDF",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"\x7fELF": "a program",
    b"SQLite format 3\x00": "an SQLite database",
}
FOREIGN_ARCHIVES = {
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!\x1a\x07": "a RAR archive",
    b"BZh": "a bzip2 file",
    b"\x04\x22\x4d\x18": "an lz4 file",
    b"\x1f\x9d": "a compress (.Z) file",
    b"PK\x07\x08": "a part of a split zip archive",
    b"070701": "a cpio archive",
    b"070707": "a cpio archive",
    b"MSCF": "a cabinet archive",
}


@dataclass(frozen=True)
class Limits:
    """How much is read before an input is refused."""

    max_bytes: int = MAX_BYTES
    """The largest response, in bytes, once unpacked."""

    max_ratio: int = 500
    """How many times larger than packed an input may become, counted from `ratio_from` bytes on.
    Responses shrink to about a seventieth with gzip, a two-hundredth with xz or zstd."""

    ratio_from: int = 64 * MIB
    max_depth: int = 4
    """Containers inside each other; a `.tar.gz` counts two."""

    max_members: int = 10_000
    """Members of one archive."""

    max_unpacked: int = 4096 * MIB
    """Bytes that come out of all compressions together."""

    each_once: bool = True
    """Whether a name may stand once in an archive: of two, some tools unpack the last alone."""


ONE = Limits()
"""For an input that has to hold one response."""

MANY = Limits(
    max_ratio=10_000,
    ratio_from=1024 * MIB,
    max_members=1_000_000,
    max_unpacked=1 << 50,
    each_once=False,
)
"""For archives of many: a year of responses of one cluster repeats itself a thousand times."""


@dataclass(frozen=True)
class Member:
    """The bytes of one file, with the containers they were taken out of, outermost first."""

    name: str
    data: bytes
    containers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Refused:
    """A member that can't be read, and why; the others of its archive may still be."""

    name: str
    error: InputError
    empty: bool = False
    """Whether it is an archive, and nothing lies in it."""
    note: bytes | None = None
    """Of a note of `fetch` that came when its response had been told already, what it says."""


def members(
    stream: BinaryIO,
    name: str,
    limits: Limits,
    *,
    size: int | None = None,
    passed_over: Callable[[Member], bool] = lambda _: False,
) -> Iterator[Member | Refused]:
    """What lies in a stream: the bytes themselves, or every file of an archive, in its order.

    `size` is the stream's length in bytes where it is known; members that are `passed_over` do not
    count. What is wrong with the whole of it is raised as `InputError`; what is wrong with one
    member is yielded, also that an archive among the members holds none.
    """
    try:
        yield from _Reader(limits, passed_over).walk(stream, name, (), size)
    except _UNREADABLE as error:
        raise _broken(name, error) from None


def may_be_litter(name: str) -> bool:
    """Whether a file is called what a desktop leaves behind (`._r.json`, `.DS_Store`)."""
    return any(called.search(name) for called in _LITTER)


def is_litter(name: str, head: bytes) -> bool:
    """Whether a file is what a desktop leaves behind, by its name and by how it starts.

    A response under such a name, or in `__MACOSX/`, is a response.
    """
    return any(called.search(name) and starts.match(head) for called, starts in _LITTER.items())


def escapes(name: str) -> bool:
    """Whether a member's name leads out of its archive."""
    return _ESCAPES.search(name) is not None


def too_large(name: str, size: str, limit: int) -> InputError:
    """A response over the limit."""
    return InputError(
        f"{name}: {size} is more than the limit of {limit // MIB} MB for a response",
        hint="a pre-upgrade check of 1,000 nodes is about 7 MB; is this the right file?",
    )


class _Reader:
    def __init__(self, limits: Limits, passed_over: Callable[[Member], bool]) -> None:
        self.limits = limits
        self.unpacked = 0
        self._passed_over = passed_over

    def walk(
        self, stream: BinaryIO, name: str, containers: tuple[str, ...], size: int | None
    ) -> Iterator[Member | Refused]:
        head = read_up_to(stream, BLOCK)
        kind = _kind(head, name)
        if kind is None:
            yield Member(name, self._plain(head, stream, name, size), containers)
            return
        if len(containers) == self.limits.max_depth:
            raise InputError(
                f"{name}: more than {self.limits.max_depth} archives and compressions inside each "
                "other",
                hint="unpack it and name the response",
            )
        containers = (*containers, kind)
        whole = cast(BinaryIO, Rejoined(head, stream))
        if kind == "tar":
            yield from self._tar(whole, name, containers)
        elif kind == "zip":
            yield from self._zip(stream, whole, name, containers)
        else:
            yield from self._unpacked(kind, whole, name, containers)

    def _plain(self, head: bytes, stream: BinaryIO, name: str, size: int | None) -> bytes:
        limit = self.limits.max_bytes
        if size is not None and size > limit:
            raise too_large(name, f"{size / 1e6:,.0f} MB", limit)
        data = head + read_up_to(stream, limit + 1 - len(head))
        if len(data) > limit:
            raise too_large(name, "what comes in", limit)
        return data

    # Compression ------------------------------------------------------------------------------

    def _unpacked(
        self, kind: str, stream: BinaryIO, name: str, containers: tuple[str, ...]
    ) -> Iterator[Member | Refused]:
        packed = Counted(stream)
        opened = _OPENERS[kind](cast(BinaryIO, packed))
        words = _KIND_WORDS[kind]

        def wrong(error: BaseException | None) -> InputError:
            return _bomb(name, words, self.limits) if error is None else _broken(name, error, words)

        guarded = Guarded(
            opened,
            packed,
            max_ratio=self.limits.max_ratio,
            ratio_from=self.limits.ratio_from,
            wrong=wrong,
            tell=partial(self._unpacked_more, name),
        )
        with opened:
            yield from self.walk(cast(BinaryIO, guarded), name, containers, None)
            if guarded.read(1):
                raise InputError(f"{name}: holds more than its archive says", hint=AGAIN)

    # tar --------------------------------------------------------------------------------------

    def _tar(
        self, stream: BinaryIO, name: str, containers: tuple[str, ...]
    ) -> Iterator[Member | Refused]:
        watched = TarStream(stream, name)
        count = 0
        names: set[str] = set()
        with watched.headers_alone():
            archive = tarfile.open(  # noqa: SIM115 - closed below
                fileobj=cast(IO[bytes], watched), mode="r|", bufsize=_TAR_BUFFER
            )
        with archive:
            while True:
                with watched.headers_alone():
                    info = archive.next()
                if info is None:
                    break
                vars(archive)["members"] = []  # tarfile keeps every header, a million of them too
                count += 1
                self._count(count, name)
                if not info.isdir() and info.type not in (_LABEL, _DUMP):
                    self._note_name(name, info.name, names)
                yield from self._tar_member(archive, info, name, containers)
                if archive.fileobj is not None:
                    archive.fileobj.seek(archive.offset)  # over what was not read of it
            end = archive.offset
        watched.check_end(end)

    def _tar_member(
        self,
        archive: tarfile.TarFile,
        info: tarfile.TarInfo,
        name: str,
        containers: tuple[str, ...],
    ) -> Iterator[Member | Refused]:
        label = f"{name}!{_readable(info.name)}"
        if info.isdir():
            return
        no_file = info.type in (_LABEL, _DUMP)
        wrong = None if no_file else _wrong_with_tar_member(info)
        # What a header for the whole archive says of sizes is believed, and not where the next
        # member starts: of this one the rest would be passed over.
        blocks = -(-info.size // BLOCK) * BLOCK
        if archive.offset != info.offset_data + blocks or _SIZES & archive.pax_headers.keys():
            wrong = wrong or "names two sizes"
        if info.type == _LABEL and info.size:
            wrong = wrong or "is a label of the archive, and has content"
        if info.type == _DUMP and not wrong and not self._is_dump(archive, info):
            wrong = "is the list of a folder's names, and holds something else"
        if wrong is not None:
            yield Refused(label, _refusal(label, wrong))
        if wrong is not None or no_file:
            return
        # Not the member itself: it says that it can be wound back, and in a stream it can't.
        data = cast(BinaryIO, Counted(cast(BinaryIO, archive.extractfile(info))))
        yield from self._inner(data, label, containers, info.size)

    def _is_dump(self, archive: tarfile.TarFile, info: tarfile.TarInfo) -> bool:
        """Whether a member holds names of a folder and nothing else."""
        if info.size > self.limits.max_bytes:
            return False
        held = cast(IO[bytes], archive.extractfile(info)).read()
        return bool(_DUMPED.fullmatch(held)) and not speaks_of_a_response(held)

    # zip --------------------------------------------------------------------------------------

    def _zip(
        self, stream: BinaryIO, whole: BinaryIO, name: str, containers: tuple[str, ...]
    ) -> Iterator[Member | Refused]:
        with self._seekable(stream, whole, name) as file:
            size = file.seek(0, os.SEEK_END)
            self._check_directory(file, size, name)
            try:
                archive = zipfile.ZipFile(file)
            except (NotImplementedError, zipfile.BadZipFile, *_UNREADABLE) as error:
                raise _broken(name, error, "zip archive") from None
            infos = archive.infolist()
            self._count(len(infos), name)
            packed = sum(info.compress_size for info in infos)
            if packed > size:
                raise InputError(
                    f"{name}: its members lie over each other: built to explode", hint=AGAIN
                )
            whole_size = sum(info.file_size for info in infos)
            if whole_size > self.limits.ratio_from and whole_size > self.limits.max_ratio * size:
                raise _bomb(name, "zip", self.limits)
            check_coverage(file, size, archive, name)
            names: set[str] = set()
            for info in infos:
                # The name in the file itself: zipfile cuts at a NUL and turns slashes.
                raw_name = info.orig_filename
                label = f"{name}!{_readable(raw_name)}"
                if raw_name.endswith("/") and _is_empty(info):
                    continue
                self._note_name(name, raw_name, names)
                wrong = _wrong_with_zip_member(info)
                if wrong is not None:
                    yield Refused(label, _refusal(label, wrong))
                    continue
                yield from self._zip_member(archive, info, label, containers)

    def _zip_member(
        self,
        archive: zipfile.ZipFile,
        info: zipfile.ZipInfo,
        label: str,
        containers: tuple[str, ...],
    ) -> Iterator[Member | Refused]:
        # zipfile stops at the size the directory names, whatever lies behind: told that there is
        # one byte more, it reads on, and a member that says less than it holds is found out.
        lenient = copy.copy(info)
        lenient.file_size = info.file_size + 1
        try:
            opened = archive.open(lenient)
        except (NotImplementedError, RuntimeError, zipfile.BadZipFile, OSError) as error:
            yield Refused(label, _broken(label, error))
            return
        with opened:
            sized = cast(BinaryIO, Sized(cast(BinaryIO, opened), info.file_size, label))
            yield from self._inner(sized, label, containers, info.file_size)

    def _seekable(self, stream: BinaryIO, whole: BinaryIO, name: str) -> BinaryIO:
        """The stream from its start: as it is where it can be wound back, else a copy of it."""
        if winds_back(stream):
            stream.seek(0)
            return cast(BinaryIO, Kept(stream))
        limit = self.limits.max_bytes
        copied = tempfile.SpooledTemporaryFile(max_size=16 * MIB)  # noqa: SIM115 - handed on
        try:
            while chunk := whole.read(CHUNK):
                copied.write(chunk)
                if copied.tell() > limit:
                    raise InputError(
                        f"{name}: a zip archive of more than {limit // MIB} MB through a pipe or "
                        "inside another archive",
                        hint="name it as a file of its own",
                    )
        except BaseException:
            copied.close()
            raise
        copied.seek(0)
        return cast(BinaryIO, copied)

    def _check_directory(self, file: BinaryIO, size: int, name: str) -> None:
        """Refuse a list of members too long to be held, before anything holds it."""
        tail = read_at(file, max(0, size - 66_000), 66_000)
        at = tail.rfind(b"PK\x05\x06")
        if at < 0 or at + 22 > len(tail):
            raise InputError(f"{name}: the zip archive breaks off: the file was cut", hint=AGAIN)
        length = int.from_bytes(tail[at + 12 : at + 16], "little")
        if length == 0xFFFFFFFF:
            large = tail.rfind(b"PK\x06\x06", 0, at)
            length = int.from_bytes(tail[large + 40 : large + 48], "little") if large >= 0 else 0
        self._count(length // 46, name)  # each entry takes 46 bytes and its name
        file.seek(0)

    # Both -------------------------------------------------------------------------------------

    def _inner(
        self, stream: BinaryIO, label: str, containers: tuple[str, ...], size: int
    ) -> Iterator[Member | Refused]:
        """A member of an archive, which may be packed once more."""
        empty = True
        try:
            for part in self.walk(stream, label, containers, size):
                # The member itself, or what lies in it.
                own = part.name == label
                counts = isinstance(part, Refused) or not self._passed_over(part)
                empty = empty and not (own or counts)
                if counts:
                    yield part
            if empty:
                error = InputError(
                    f"{label}: holds no pre-upgrade check response", hint="is it the right archive?"
                )
                yield Refused(label, error, empty=True)
        except InputError as error:
            yield Refused(label, error)
        except _UNREADABLE as error:
            yield Refused(label, _broken(label, error))

    def _unpacked_more(self, name: str, count: int) -> None:
        """Archives in archives may each keep to their limits, and together to none."""
        self.unpacked += count
        if self.unpacked > self.limits.max_unpacked:
            raise InputError(
                f"{name}: more than {self.limits.max_unpacked // MIB:,} MB come out of it",
                hint="unpack what you need, or split it",
            )

    def _note_name(self, archive: str, raw_name: str, names: set[str]) -> None:
        """By the bytes of the path: two that are no text may be shown alike."""
        if not self.limits.each_once:
            return
        path = posixpath.normpath(raw_name)
        if path in names:
            raise InputError(
                f"{archive}!{_readable(raw_name)}: stands twice in its archive",
                hint="unpack it, and name the one that counts",
            )
        names.add(path)

    def _count(self, count: int, name: str) -> None:
        if count > self.limits.max_members:
            raise InputError(
                f"{name}: more than {self.limits.max_members:,} members in one archive",
                hint="unpack what you need, or split it",
            )


# What is wrong --------------------------------------------------------------------------------


_UNREADABLE = (
    OSError,
    EOFError,
    ValueError,  # zipfile and tarfile compute with whatever damaged headers say
    LookupError,
    ArithmeticError,
    struct.error,
    lzma.LZMAError,
    zlib.error,
    tarfile.TarError,
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,  # zipfile: a member is locked with a password
    MemoryError,  # lzma: a dictionary of gigabytes
)


def _broken(name: str, error: BaseException, kind: str = "archive") -> InputError:
    """What a library says of broken bytes, in a person's words."""
    text = str(error)
    if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
        return InputError(f"{name}: can't be read: {error.strerror}")
    if isinstance(error, EOFError) or re.search(
        r"(?i)end-of-stream|unexpected end|end of data|truncat|end of file", text
    ):
        return InputError(
            f"{name}: the {kind} breaks off: the file was cut", hint="copy or pack it again"
        )
    if re.search(r"(?i)crc|check", text):
        return InputError(f"{name}: the {kind} fails its own checksum", hint=AGAIN)
    if isinstance(error, MemoryError):
        return InputError(
            f"{name}: needs more memory to be read than there is",
            hint="allow it more (ulimit -v, the container's limit); pack an archive again, plainly",
        )
    if re.search(r"(?i)window|memory", text):
        return InputError(
            f"{name}: asks for more memory to unpack than it may have",
            hint="pack it again, plainly",
        )
    if re.search(r"(?i)compression (method|type)|not implemented|unsupported", text):
        return InputError(
            f"{name}: packed in a way this tool does not read ({text})",
            hint="pack it again with deflate, as every zip tool does",
        )
    known = (tarfile.TarError, zipfile.BadZipFile, lzma.LZMAError, zlib.error, gzip.BadGzipFile)
    said = f": {text}" if text and isinstance(error, known) else ""
    return InputError(f"{name}: the {kind} is damaged and can't be unpacked{said}", hint=AGAIN)


def _refusal(label: str, wrong: str) -> InputError:
    return InputError(
        f"{label}: {wrong}", hint="an archive of evidence holds plain files; " + AGAIN
    )


_SIZES = {"size", "GNU.sparse.size", "GNU.sparse.realsize", "GNU.sparse.major"}
"""What no header for a whole archive says: sizes are a member's own."""


_LABEL, _DUMP = b"V", b"D"
"""A volume's label (`tar --label`); the names in a folder (`tar --listed-incremental`)."""
_DUMPED = re.compile(rb"(?:[YND][^\0/]{1,1024}+\0|[RTX][^\0]{0,4096}+\0)*+\0?")
"""What became of each name; where a folder was before."""


def _wrong_with_tar_member(info: tarfile.TarInfo) -> str | None:
    if escapes(info.name):
        return "its path leads out of the archive"
    if info.issym() or info.islnk():
        return "is a link, not a file"
    if not info.isreg():
        return "is a device or pipe, not a file"
    return "is a sparse file" if info.issparse() else None


def _wrong_with_zip_member(info: zipfile.ZipInfo) -> str | None:
    if not info.orig_filename or info.orig_filename.endswith("/"):
        return "has content and no name of a file"
    if escapes(info.orig_filename):
        return "its path leads out of the archive"
    if info.flag_bits & 0x2041:  # traditional, strong, and a masked directory
        return "is locked with a password"
    mode = info.external_attr >> 16
    if info.orig_filename == "-" and stat.S_ISFIFO(mode):
        return None  # what zip was given on its standard input: the content is a file's
    if stat.S_ISLNK(mode):
        return "is a link, not a file"
    return "is no plain file" if stat.S_IFMT(mode) not in (0, stat.S_IFREG) else None


def _is_empty(info: zipfile.ZipInfo) -> bool:
    """Whether an entry holds nothing, whatever size it names: deflated, nothing takes two bytes."""
    return not (info.file_size or info.CRC) and info.compress_size <= 2


def _bomb(name: str, kind: str, limits: Limits) -> InputError:
    return InputError(
        f"{name}: grows to more than {limits.max_ratio} times the size of its {kind}: "
        "built to explode",
        hint="is this the right file?",
    )


def _kind(head: bytes, name: str) -> str | None:
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    if head.startswith(b"\x28\xb5\x2f\xfd") or (
        len(head) > 4 and head[1:4] == b"\x2a\x4d\x18" and 0x50 <= head[0] <= 0x5F
    ):
        return "zstd"
    if head.startswith(b"\xfd7zXZ\x00"):
        return "xz"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    if head[257:262] == b"ustar" or (name.lower().endswith(".tar") and len(head) == BLOCK):
        return "tar"
    return None


_KIND_WORDS = {"gzip": "gzip file", "zstd": "zstd file", "xz": "xz file"}


def _open_gzip(stream: BinaryIO) -> BinaryIO:
    return cast(BinaryIO, gzip.GzipFile(fileobj=stream, mode="rb"))


def _open_xz(stream: BinaryIO) -> BinaryIO:
    # Not lzma.LZMAFile: it takes whatever does not start as a stream for the end.
    return cast(BinaryIO, XzStream(stream))


def _open_zstd(stream: BinaryIO) -> BinaryIO:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    options: dict[int, int] = {zstd.DecompressionParameter.window_log_max: ZSTD_WINDOW}
    return cast(BinaryIO, zstd.ZstdFile(stream, options=options))


_OPENERS: dict[str, Callable[[BinaryIO], BinaryIO]] = {
    "gzip": _open_gzip,
    "xz": _open_xz,
    "zstd": _open_zstd,
}


def _readable(path: str) -> str:
    """A path as text: bytes of a file name that are not UTF-8 are shown as U+FFFD."""
    return posixpath.normpath(path.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))
