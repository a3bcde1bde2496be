"""Whether a zip archive is nothing but its members: no gap, nothing before them, nothing behind.

A zip file is read from its end: whatever the last list of members does not name is not seen. A
second archive glued on, a member struck off the list or bytes behind the end would be evidence
that nobody looks at.
"""

from __future__ import annotations

import struct
import zipfile
from typing import BinaryIO

from reporter.errors import InputError
from reporter.sources.streams import AGAIN, read_at

_END = b"PK\x05\x06"
_END_64 = b"PK\x06\x06"
_LOCATOR_64 = b"PK\x06\x07"
_LOCAL = b"PK\x03\x04"
_DESCRIPTORS = (12, 16, 20, 24)
"""Lengths of what may stand behind a member that was packed in a stream."""


def check_coverage(file: BinaryIO, size: int, archive: zipfile.ZipFile, name: str) -> None:
    """Raise `InputError` unless members, their list and the end follow each other without a gap."""
    infos = sorted(archive.infolist(), key=lambda info: info.header_offset)
    at = 0
    ends: tuple[int, ...] = (0,)
    for info in infos:
        if info.header_offset not in ends:
            raise _gap(name)
        header = read_at(file, info.header_offset, 30)
        if len(header) < 30 or not header.startswith(_LOCAL):
            raise _gap(name)
        at = info.header_offset + 30 + sum(struct.unpack("<HH", header[26:30]))
        at += info.compress_size
        ends = (at, *(at + length for length in _DESCRIPTORS)) if info.flag_bits & 0x08 else (at,)
    start = archive.start_dir
    if start not in ends:
        raise _gap(name)
    _check_list_and_end(read_at(file, start, size - start), len(infos), name)
    file.seek(0)


def _check_list_and_end(tail: bytes, members: int, name: str) -> None:
    at = 0
    for _ in range(members):
        if tail[at : at + 4] != b"PK\x01\x02":
            raise _gap(name)
        at += 46 + sum(struct.unpack("<HHH", tail[at + 28 : at + 34]))
    listed = -1
    if tail[at : at + 4] == _END_64:
        listed = int.from_bytes(tail[at + 32 : at + 40], "little")
        at += 12 + int.from_bytes(tail[at + 4 : at + 12], "little")
        if tail[at : at + 4] != _LOCATOR_64:
            raise _gap(name)
        at += 20
    if tail[at : at + 4] != _END or len(tail) < at + 22:
        raise _gap(name)
    here, total, comment = struct.unpack("<8xHHxxxxxxxxH", tail[at : at + 22])
    if listed < 0 or total != 0xFFFF:
        listed = total if listed in (-1, total) else -1
    if listed != members or here not in (members, 0xFFFF) or len(tail) < at + 22 + comment:
        raise _gap(name)
    if tail[at + 22 + comment :].strip(b"\0"):  # a tape's blocks are filled up with zeros
        raise _gap(name)


def _gap(name: str) -> InputError:
    return InputError(
        f"{name}: holds something that its list of members does not name, or it is damaged",
        hint="keep archives apart; " + AGAIN,
    )
