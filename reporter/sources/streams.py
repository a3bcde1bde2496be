"""Streams that watch what is read through them, so that nothing unpacks to more than it may."""

from __future__ import annotations

import io
import lzma
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

from reporter.errors import InputError

MIB = 1024 * 1024
BLOCK = 512
CHUNK = MIB
TAR_HEADER = 4 * MIB
"""The most that headers before one member may take, long names and extended attributes included."""

MOST_IDLE = 3 * MIB // 2
"""How many packed bytes may come to nothing: no compression makes anything twice as long."""

LONGEST_NUMBER = 200
_DIGITS = re.compile(rb"[0-9]{%d}" % LONGEST_NUMBER)

AGAIN = "make the archive again from the saved responses"


def read_up_to(stream: BinaryIO, size: int) -> bytes:
    """`size` bytes, or all there are: a pipe gives fewer at a time."""
    parts = []
    while size > 0 and (part := stream.read(min(size, 16 * MIB))):
        parts.append(part)
        size -= len(part)
    return b"".join(parts) if len(parts) != 1 else parts[0]


def read_at(file: BinaryIO, offset: int, size: int) -> bytes:
    file.seek(offset)
    return read_up_to(file, size)


def winds_back(stream: BinaryIO) -> bool:
    try:
        return stream.seekable()
    except (AttributeError, ValueError):
        return False


class Wrapper(io.RawIOBase):
    """A stream that is read through; closing it leaves the inner one open."""

    def __init__(self, inner: BinaryIO) -> None:
        super().__init__()
        self._inner = inner

    def readable(self) -> bool:
        return True

    def _next(self, size: int) -> bytes:
        raise NotImplementedError

    def read(self, size: int = -1) -> bytes:
        if size is not None and size >= 0:
            return self._next(size)
        parts = []
        while part := self._next(CHUNK):
            parts.append(part)
        return b"".join(parts)

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        part = self._next(len(view))
        view[: len(part)] = part
        return len(part)


class Rejoined(Wrapper):
    """A stream whose head was read to see what it is, from its start."""

    def __init__(self, head: bytes, inner: BinaryIO) -> None:
        super().__init__(inner)
        self._head = head

    def _next(self, size: int) -> bytes:
        if self._head:
            part, self._head = self._head[:size], self._head[size:]
            return part
        return self._inner.read(size)


class Counted(Wrapper):
    """Counts the packed bytes."""

    count = 0
    watched: Callable[[], None] | None = None

    def _next(self, size: int) -> bytes:
        part = self._inner.read(size)
        self.count += len(part)
        if self.watched is not None:
            self.watched()
        return part


class Guarded(Wrapper):
    """Unpacked bytes: what the library raises is explained, and too many of them are refused.

    `wrong` makes an `InputError` of what reading raised, or of `None` when more than `max_ratio`
    times the packed bytes came out, counted from `ratio_from` bytes on. `tell` is told how many
    bytes came out.
    """

    def __init__(
        self,
        inner: BinaryIO,
        packed: Counted,
        *,
        max_ratio: int,
        ratio_from: int,
        wrong: Callable[[BaseException | None], InputError],
        tell: Callable[[int], None],
    ) -> None:
        super().__init__(inner)
        self._packed, self._wrong, self._tell = packed, wrong, tell
        self._max_ratio, self._ratio_from = max_ratio, ratio_from
        self._count = 0
        packed.watched = self._check_idle

    def _check_idle(self) -> None:
        """Millions of empty frames take a minute and come to nothing."""
        if self._packed.count > MOST_IDLE + 2 * self._count:
            raise self._wrong(None)

    def _next(self, size: int) -> bytes:
        try:
            part = self._inner.read(size)
        except InputError:
            raise
        except Exception as error:
            raise self._wrong(error) from None
        self._count += len(part)
        self._tell(len(part))
        if self._count > self._ratio_from and self._count > self._max_ratio * self._packed.count:
            raise self._wrong(None)
        return part


class XzStream(Wrapper):
    """An xz file, whole: each stream to its end, and nothing between or behind but more streams."""

    _MAGIC = b"\xfd7zXZ\x00"

    def __init__(self, inner: BinaryIO) -> None:
        super().__init__(inner)
        self._stream = lzma.LZMADecompressor(format=lzma.FORMAT_XZ)

    def _next(self, size: int) -> bytes:
        while True:
            if self._stream.eof and not self._begin_another():
                return b""
            packed = b""
            if self._stream.needs_input and not (packed := self._inner.read(CHUNK)):
                raise EOFError("compressed file ended before the end-of-stream marker")
            if part := self._stream.decompress(packed, max_length=size):
                return part

    def _begin_another(self) -> bool:
        left = self._stream.unused_data
        while not (start := left.lstrip(b"\0")) or len(start) < len(self._MAGIC):
            more = self._inner.read(CHUNK)
            if not more and not start:
                return False
            if not more:
                break
            left = start + more
        if not start.startswith(self._MAGIC):
            raise lzma.LZMAError("something follows behind the end")
        self._stream = lzma.LZMADecompressor(format=lzma.FORMAT_XZ)
        self._stream.decompress(start, max_length=0)  # taken in, and given out from here on
        return True


class Sized(Wrapper):
    """A zip member, which must be as long as the archive's directory says."""

    def __init__(self, inner: BinaryIO, size: int, label: str) -> None:
        super().__init__(inner)
        self._size, self._label, self._count = size, label, 0

    def _next(self, size: int) -> bytes:
        part = self._inner.read(size)
        self._count += len(part)
        if self._count > self._size or (not part and size and self._count != self._size):
            raise InputError(
                f"{self._label}: is not as long as the archive says ({self._size:,} bytes)",
                hint=AGAIN,
            )
        return part


class Kept(Wrapper):
    """A file that can be wound back, which somebody else closes."""

    def _next(self, size: int) -> bytes:
        return self._inner.read(size)

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._inner.seek(offset, whence)

    def tell(self) -> int:
        return self._inner.tell()


class TarStream(Wrapper):
    """What tarfile reads from: it trusts headers of any size, takes a cut at a member's end and
    any rubbish for the archive's end, and stops at the first end mark even when another archive
    was glued on."""

    def __init__(self, inner: BinaryIO, name: str) -> None:
        super().__init__(inner)
        self._name = name
        self._count = 0
        self._content_end = 0
        self._allowance: int | None = None

    @contextmanager
    def headers_alone(self) -> Iterator[None]:
        """While it holds no more is read than a header may take."""
        self._allowance = TAR_HEADER
        try:
            yield
        finally:
            self._allowance = None

    def _next(self, size: int) -> bytes:
        part = self._inner.read(size)
        if content := len(part.rstrip(b"\0")):
            self._content_end = self._count + content
        self._count += len(part)
        if self._allowance is not None:
            if _DIGITS.search(part):  # which takes tarfile the square of its length
                raise InputError(
                    f"{self._name}: a number of more than {LONGEST_NUMBER} digits in a header of "
                    "the archive",
                    hint=AGAIN,
                )
            self._allowance -= len(part)
            if self._allowance < 0:
                raise InputError(
                    f"{self._name}: a header of more than {TAR_HEADER // MIB} MB in the archive",
                    hint=AGAIN,
                )
        return part

    def check_end(self, end: int) -> None:
        """Refuse an archive without an end mark at `end`, or with anything behind it."""
        while self._next(CHUNK):
            pass
        if self._content_end > end:
            raise InputError(
                f"{self._name}: something follows behind the archive's end, or it is damaged there",
                hint="keep archives apart; " + AGAIN,
            )
        if self._count < end + BLOCK:
            raise InputError(
                f"{self._name}: the archive has no end mark: the file was cut", hint=AGAIN
            )
