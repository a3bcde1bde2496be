"""The zip of a case file: one way to write it, so that nothing can hide beside its members.

Members are stored, not deflated: the bytes depend on no compressor, none can explode, and whoever
opens the file can compare digests. Nothing is ever unpacked to a disk.
"""

from __future__ import annotations

import re
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO

from reporter.errors import InputError

MAX_BYTES = 1024 * 1024 * 1024
MAX_MEMBERS = 1_000
_END = struct.Struct("<4s4H2LH")
_LOCAL = struct.Struct("<4s5H3L2H")
_NAME = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9._ +@=-]*(?:/[A-Za-z0-9_][A-Za-z0-9._ +@=-]*)*")
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Archive:
    """The members of a case file, and whether its bytes hold them and nothing else."""

    members: Mapping[str, bytes]
    exact: bool


def is_archive(data: bytes) -> bool:
    """Whether these bytes start, or at least end, as a zip."""
    return data.startswith(b"PK\x03\x04") or data[-_END.size :].startswith(b"PK\x05\x06")


def pack(members: Mapping[str, bytes]) -> bytes:
    """A zip of the members, in their order; the same bytes for the same members."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED, allowZip64=False) as archive:
        for name, data in members.items():
            info = zipfile.ZipInfo(name, _EPOCH)
            info.create_system = 3
            info.external_attr = 0o100644 << 16
            archive.writestr(info, data)
    return out.getvalue()


def unpack(data: bytes, name: str) -> Archive:
    """The members of a zip. `InputError` where it can't be one that `pack` made."""
    if len(data) > MAX_BYTES:
        raise _not_ours(name, f"{len(data) / 1e6:,.0f} MB are more than a case file may have")
    # What a directory claims is looked at before anything is made of it.
    end = data[-_END.size :]
    if len(end) < _END.size or not end.startswith(b"PK\x05\x06"):
        raise _not_ours(name, "its end is not that of a zip this tool writes")
    _, disk, _, _, count, *_ = _END.unpack(end)
    if disk or count > MAX_MEMBERS:
        raise _not_ours(name, f"it claims {count:,} members; a case file has fewer")
    try:
        infos = zipfile.ZipFile(BytesIO(data)).infolist()
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError, struct.error) as error:
        raise _not_ours(name, f"its list of members can't be read ({error})") from None
    if len(infos) > MAX_MEMBERS or sum(info.file_size for info in infos) > len(data):
        raise _not_ours(name, "its members say they are larger than the file")
    members: dict[str, bytes] = {}
    for info in infos:
        member = info.orig_filename
        if not _NAME.fullmatch(member) or ".." in member:
            raise _not_ours(name, f"a member has a name no case file uses: {member!r}")
        if member in members:
            raise _not_ours(name, f"it holds {member} twice")
        if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1:
            raise _not_ours(name, f"its member {member} is packed or locked; ours are not")
        members[member] = _content(data, info, name)
    return Archive(members, pack(members) == data)


def _content(data: bytes, info: zipfile.ZipInfo, name: str) -> bytes:
    # Not through zipfile, which stops at a wrong check sum: the digests name what was changed.
    header = data[info.header_offset : info.header_offset + _LOCAL.size]
    if len(header) < _LOCAL.size or not header.startswith(b"PK\x03\x04"):
        raise _not_ours(name, f"its member {info.orig_filename} is not where the list says")
    *_, name_length, extra_length = _LOCAL.unpack(header)
    start = info.header_offset + _LOCAL.size + name_length + extra_length
    content = data[start : start + info.file_size]
    if len(content) < info.file_size:
        raise _not_ours(name, f"its member {info.orig_filename} is cut")
    return content


def _not_ours(name: str, why: str) -> InputError:
    return InputError(
        f"{name}: is not a case file of this tool: {why}",
        hint="a case file is what cce-precheck bundle wrote, byte for byte",
    )
