"""The zip of a case file: one spelling, nothing beside its members."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Callable
from io import BytesIO

import pytest

from reporter.casefile.archive import is_archive, pack, unpack
from reporter.errors import InputError

MEMBERS = {"README.txt": b"read me", "evidence/1-response.json": b"{}", "record.json": b"[1]"}


def zipped(write: Callable[[zipfile.ZipFile], None], **options: int) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", **options) as archive:  # type: ignore[call-overload]
        write(archive)
    return out.getvalue()


def test_what_is_packed_comes_out_and_twice_the_same() -> None:
    data = pack(MEMBERS)
    found = unpack(data, "case.zip")
    assert (dict(found.members), found.exact) == (MEMBERS, True)
    assert list(found.members) == list(MEMBERS)
    assert pack(MEMBERS) == data
    assert is_archive(data)


def test_any_zip_tool_reads_it() -> None:
    with zipfile.ZipFile(BytesIO(pack(MEMBERS))) as archive:
        assert archive.testzip() is None
        assert {info.filename: archive.read(info) for info in archive.infolist()} == MEMBERS
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_a_prefix_is_found() -> None:
    assert not unpack(b"#!/bin/sh\n" + pack(MEMBERS), "case.zip").exact


def test_a_byte_between_the_members_and_their_list_is_found() -> None:
    data = pack(MEMBERS).replace(b"PK\x01\x02", b"\0PK\x01\x02", 1)
    with pytest.raises(InputError, match="is not where the list says"):
        unpack(data, "case.zip")


def test_bytes_behind_it_and_a_comment_are_refused() -> None:
    data = pack(MEMBERS)
    with pytest.raises(InputError, match="its end is not that of a zip this tool writes"):
        unpack(data + b"more", "case.zip")
    commented = zipped(lambda archive: setattr(archive, "comment", b"signed by nobody"))
    with pytest.raises(InputError, match="its end is not"):
        unpack(commented, "case.zip")


def test_members_that_explode_are_not_unpacked() -> None:
    bomb = zipped(
        lambda archive: archive.writestr("record.json", b"0" * 50_000_000),
        compression=zipfile.ZIP_DEFLATED,
    )
    assert len(bomb) < 100_000
    with pytest.raises(InputError, match="larger than the file"):
        unpack(bomb, "case.zip")


def test_a_packed_member_is_refused_even_a_small_one() -> None:
    data = zipped(
        lambda archive: archive.writestr("record.json", b"1" * 20 + b"x" * 200),
        compression=zipfile.ZIP_DEFLATED,
    )
    padded = b"P" * 400 + data
    with pytest.raises(InputError, match=r"record\.json is packed or locked"):
        unpack(padded, "case.zip")


@pytest.mark.parametrize(
    "name", ["../evil", "/etc/passwd", "a/../../b", "C:\\evil", "evidence//x", "é.txt", "a\\b", ""]
)
def test_a_name_that_leads_anywhere_else_is_refused(name: str) -> None:
    data = zipped(lambda archive: archive.writestr(zipfile.ZipInfo(name), b"x"))
    with pytest.raises(InputError, match="a name no case file uses"):
        unpack(data, "case.zip")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_that_is_there_twice_is_refused() -> None:
    def twice(archive: zipfile.ZipFile) -> None:
        archive.writestr("record.json", b"one")
        archive.writestr("record.json", b"two")

    with pytest.raises(InputError, match=r"holds record\.json twice"):
        unpack(zipped(twice), "case.zip")


def test_a_directory_that_claims_a_million_members_is_not_read() -> None:
    data = pack(MEMBERS)
    lying = data[:-22] + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 60_000, 60_000, 9, 9, 0)
    with pytest.raises(InputError, match="claims 60,000 members"):
        unpack(lying, "case.zip")


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"PK" * 50, pack(MEMBERS)[:-1]])
def test_scraps_are_refused_in_one_line(data: bytes) -> None:
    with pytest.raises(InputError) as caught:
        unpack(data, "case.zip")
    assert "\n" not in caught.value.message
