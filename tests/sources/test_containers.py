"""Archives by the real tools are read; what is broken, hostile or ambiguous is refused."""

from __future__ import annotations

import gzip
import io
import json
import lzma
import os
import struct
import subprocess
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reporter.errors import InputError
from reporter.precheck.response import Response
from reporter.sources.containers import Limits
from reporter.sources.locations import MAX_SIDECAR
from reporter.sources.read import Unreadable, read, read_responses

TASK: dict[str, Any] = {
    "kind": "PreCheckTask",
    "apiVersion": "v3",
    "metadata": {"uid": "one", "creationTimestamp": "2026-03-01 10:00:00 +0000 UTC"},
    "status": {"phase": "Success", "clusterCheckStatus": {"phase": "Success"}},
}
HOUSE = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
GOOD = json.dumps(TASK).encode()
OTHER = json.dumps({**TASK, "metadata": {"uid": "two"}}).encode()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "r.json").write_bytes(GOOD)
    (tmp_path / "two.json").write_bytes(OTHER)
    (tmp_path / "README.md").write_text("what this is\n")
    return tmp_path


def _refused(source: str | Path | bytes, **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        read(source, **options)
    assert "\n" not in caught.value.message
    return caught.value.message


# The real tools --------------------------------------------------------------------------------

TOOLS = {
    "r.json.gz": ("gzip -k r.json", ("gzip",)),
    "r.json.zst": ("zstd -q r.json", ("zstd",)),
    "r.json.xz": ("xz -k r.json", ("xz",)),
    "a.zip": ("zip -q a.zip r.json README.md", ("zip",)),
    "b.zip": ("bsdtar -acf b.zip r.json", ("zip",)),
    "piped.zip": ("zip -q - r.json | cat > piped.zip", ("zip",)),
    "stdin.zip": ("cat r.json | zip -q - - | cat > stdin.zip", ("zip",)),
    "zip64.zip": ("zip -q -fz zip64.zip r.json", ("zip",)),
    "blocks.zip": ("bsdtar -cf - --format zip r.json | cat > blocks.zip", ("zip",)),
    "stored.zip": ("zip -q -0 stored.zip r.json", ("zip",)),
    "a.tar": ("tar -cf a.tar r.json README.md", ("tar",)),
    "v7.tar": ("tar --format=v7 -cf v7.tar r.json", ("tar",)),
    "pax.tar": ("tar --format=pax -cf pax.tar ./r.json", ("tar",)),
    "gnu.tar": (
        f"mkdir -p {'d' * 99}/{'e' * 99} && mv r.json {'d' * 99}/{'e' * 99}/r.json"
        f" && tar --format=gnu -cf gnu.tar {'d' * 99} && mv {'d' * 99}/{'e' * 99}/r.json .",
        ("tar",),
    ),
    "b.tar": ("bsdtar -cf b.tar README.md r.json", ("tar",)),
    "a.tar.gz": ("tar -czf a.tar.gz r.json", ("gzip", "tar")),
    "a.tgz": ("tar -czf a.tgz r.json", ("gzip", "tar")),
    "a.tar.xz": ("tar -cJf a.tar.xz r.json", ("xz", "tar")),
    "a.tar.zst": ("tar --zstd -cf a.tar.zst r.json", ("zstd", "tar")),
    "deep.tar.gz": (
        "gzip -k r.json && zip -q in.zip r.json.gz && tar -czf deep.tar.gz in.zip",
        ("gzip", "tar", "zip", "gzip"),
    ),
}


@pytest.mark.parametrize("name", sorted(TOOLS))
def test_what_the_real_tools_pack_is_read(folder: Path, name: str) -> None:
    command, containers = TOOLS[name]
    subprocess.run(command, shell=True, check=True)  # noqa: S602 - the commands of this file
    for source in (read(name).source, read(Path(name).read_bytes(), name=name).source):
        assert source.data == GOOD
        assert source.containers == containers
        assert source.name.startswith(name)


def test_a_pipe_is_unpacked_as_a_file_is(folder: Path) -> None:
    packed = subprocess.run(["gzip", "-c", "r.json"], check=True, capture_output=True).stdout
    command = [sys.executable, "-m", "reporter", "check", "-", "--at", "2026-03-01", "-q"]
    done = subprocess.run(command, input=packed, capture_output=True, env=HOUSE)
    assert done.returncode == 3, done.stderr
    assert b"Inconclusive" in done.stdout


def test_desktop_litter_and_sidecars_are_no_responses(folder: Path) -> None:
    with zipfile.ZipFile("mac.zip", "w") as archive:
        archive.writestr("__MACOSX/._r.json", b"\x00\x05\x16\x07")
        archive.writestr("r.json", GOOD)
        archive.writestr("r.json.meta.json", json.dumps({"sha256": "0" * 64}))
        archive.writestr("report/record.json", b'{"kind": "Verdict", "x": {}}')
        archive.writestr("report/index.html", b"<html></html>")
    assert read("mac.zip").source.name == "mac.zip!r.json"


@pytest.mark.parametrize(
    "data", [b"", b"{}", OTHER[:40], b'{"error_code": "CCE.01404001", "sha256": 1}',
             json.dumps({"sha256": "0" * 64}).encode() + b" " * MAX_SIDECAR],
)  # fmt: skip
def test_what_is_called_a_note_and_reads_as_none_is_a_file(folder: Path, data: bytes) -> None:
    with zipfile.ZipFile("n.zip", "w") as archive:
        archive.writestr("r.json", GOOD)
        archive.writestr("r.json.meta.json", data)
    assert [name for name, _ in _outcomes("n.zip")] == ["n.zip!r.json", "n.zip!r.json.meta.json"]
    if 0 < len(data) < MAX_SIDECAR:  # else it may lie beside, as any other file
        assert "n.zip!r.json.meta.json" in _refused("n.zip")


@pytest.mark.parametrize("name", ["b.json.gpg", "b.jsonl.br", "b.JSON.lzma", "b.ndjson.bz2"])
def test_a_response_that_nothing_here_opens_makes_a_folder_unusable(
    folder: Path, name: str
) -> None:
    (folder / "here").mkdir()
    (folder / "here" / "a.json").write_bytes(GOOD)
    (folder / "here" / name).write_bytes(b"\x8c\x0d\x04" + bytes(range(200)))
    assert name in _refused("here")


@pytest.mark.parametrize("packing", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_folder_of_a_zip_archive_holds_nothing(folder: Path, packing: int) -> None:
    """Whatever size its entry names: what reads the entry itself finds what lies there."""
    for content in (b"", OTHER):
        with zipfile.ZipFile("f.zip", "w", packing) as archive:
            archive.writestr("r.json", GOOD)
            archive.writestr("d/", content)
            archive.writestr("d/empty/", b"")
        written = Path("f.zip").read_bytes()
        at = written.index(b"d/", written.index(b"PK\x01\x02")) - 46  # its line of the list
        assert written[at + 24 : at + 28] == struct.pack("<I", len(content))
        Path("g.zip").write_bytes(written[: at + 24] + bytes(4) + written[at + 28 :])
        for name in ("f.zip", "g.zip"):
            if content:
                assert "has content and no name of a file" in _refused(name)
            else:
                assert read(name).source.name == f"{name}!r.json"


def test_only_what_is_litter_by_its_content_is_passed_over(folder: Path) -> None:
    litter = {
        "__MACOSX/._r.json": b"\x00\x05\x16\x07\x00\x02",
        ".DS_Store": b"\x00\x00\x00\x01Bud1\x00",
        "a/Thumbs.db": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "desktop.ini": "\ufeff[.ShellClassInfo]\r\n".encode("utf-16-le"),
    }
    with zipfile.ZipFile("mac.zip", "w") as archive, tarfile.open("mac.tar", "w") as packed:
        for name, data in {**litter, "r.json": GOOD}.items():
            archive.writestr(name, data)
            info = tarfile.TarInfo(name)
            info.size = len(data)
            packed.addfile(info, io.BytesIO(data))
            (Path("mac") / name).parent.mkdir(parents=True, exist_ok=True)
            (Path("mac") / name).write_bytes(data)
    for name in ("mac.zip", "mac.tar", "mac"):
        (found,) = read_responses(name)
        assert isinstance(found, Response)
        assert found.source.name.endswith("r.json")


@pytest.mark.parametrize(
    "name", ["__MACOSX/s.json", "__MACOSX/._s.json", "._s.json", "a/.DS_Store", "desktop.ini"]
)
def test_a_response_under_the_name_of_litter_is_a_response(folder: Path, name: str) -> None:
    with zipfile.ZipFile("two.zip", "w") as archive:
        archive.writestr("r.json", GOOD)
        archive.writestr(name, OTHER)
    assert "holds more than one response" in _refused("two.zip")
    (Path("two") / name).parent.mkdir(parents=True)
    (Path("two") / name).write_bytes(OTHER)
    hidden = name.endswith(".DS_Store")  # a hidden file of a folder, by no name of a response
    found = [part for part in read_responses("two") if isinstance(part, Response)]
    assert len(found) == (0 if hidden else 1)


@pytest.mark.parametrize(
    ("name", "head"),
    [("desktop.ini", b"[.ShellClassInfo] "), ("Thumbs.db", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\n")],
)
def test_what_starts_as_litter_and_holds_a_response_is_not_passed_over(
    folder: Path, name: str, head: bytes
) -> None:
    (folder / "two").mkdir()
    with zipfile.ZipFile("two.zip", "w") as archive:
        for part, data in (("r.json", GOOD), (name, head + OTHER)):
            archive.writestr(part, data)
            (folder / "two" / part).write_bytes(data)
    for place in ("two", "two.zip"):
        with pytest.raises(InputError):
            read(place)
        assert len(list(read_responses(place))) == 2


def test_a_link_to_a_hidden_folder_is_told(folder: Path) -> None:
    (folder / "arch" / ".h").mkdir(parents=True)
    (folder / "arch" / "r.json").write_bytes(GOOD)
    (folder / "arch" / ".h" / "s.json").write_bytes(OTHER)
    assert read("arch").task.metadata.uid == "one"  # type: ignore[union-attr]
    (folder / "arch" / "again").symlink_to(".h")
    with pytest.raises(InputError, match="is a link to a hidden folder"):
        read("arch")


# One response, and no second -------------------------------------------------------------------


@pytest.mark.parametrize(
    "second",
    [OTHER, GOOD, GOOD[:-10], b"not json", b"{}", b'{"error_code": "x", "error_msg": "y"}'],
)
def test_a_second_candidate_makes_an_archive_unusable(folder: Path, second: bytes) -> None:
    with zipfile.ZipFile("two.zip", "w") as archive:
        archive.writestr("r.json", GOOD)
        archive.writestr("s.json", second)
    assert _refused("two.zip").startswith("two.zip")
    (folder / "in").mkdir()
    (folder / "in" / "r.json").write_bytes(GOOD)
    (folder / "in" / "s.json").write_bytes(second)
    assert _refused("in").startswith("in")


def test_both_names_of_two_candidates_are_told(folder: Path) -> None:
    subprocess.run(["tar", "-cf", "a.tar", "r.json", "two.json"], check=True)
    assert "holds more than one response: a.tar!r.json and a.tar!two.json" in _refused("a.tar")


def test_an_archive_without_a_response(folder: Path) -> None:
    with zipfile.ZipFile("none.zip", "w") as archive:
        archive.writestr("a.txt", b"nothing")
        archive.writestr("b.txt", b"nothing")
    assert "holds no pre-upgrade check response among 2 files" in _refused("none.zip")
    with zipfile.ZipFile("empty.zip", "w"):
        pass
    assert "holds no pre-upgrade check response" in _refused("empty.zip")


def _zipped(**files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files.items():
            archive.writestr(name.replace("_", "."), data)
    return out.getvalue()


@pytest.mark.parametrize(
    "empty",
    [_zipped(), bytes(10240), gzip.compress(bytes(10240)), _zipped(a_tar=bytes(10240)),
     _zipped(Thumbs_db=b"\xd0\xcf\x11\xe0")],
    ids=["zip", "tar", "tar.gz", "tar in a zip", "litter alone"],
)  # fmt: skip
def test_an_archive_of_nothing_in_another_is_told(folder: Path, empty: bytes) -> None:
    """An upload that never happened: `check` needs one response, for an audit it is missing."""
    Path("all.zip").write_bytes(_zipped(b_tar=empty, r_json=GOOD))
    missing, there = read_responses("all.zip")
    assert isinstance(missing, Unreadable)
    assert missing.name.startswith("all.zip!b.tar")
    assert missing.error.message == f"{missing.name}: holds no pre-upgrade check response"
    assert isinstance(there, Response)
    assert read("all.zip").source.name == "all.zip!r.json"
    Path("all.zip").write_bytes(_zipped(b_tar=empty))
    assert "holds no pre-upgrade check response" in _refused("all.zip")


# Hostile archives ------------------------------------------------------------------------------


def _tar(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for info, data in members:
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def _info(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def _zip(name: str, data: bytes, mode: int = 0o100644) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        info = zipfile.ZipInfo("r.json")
        info.filename, info.external_attr = name, mode << 16
        info.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(info, data)
    return out.getvalue()


ESCAPES = ["../r.json", "/etc/r.json", "a/../../r.json", "..\\r.json", "C:\\r.json", "C:r.json"]


@pytest.mark.parametrize("name", ESCAPES)
def test_paths_that_lead_out_are_refused(name: str) -> None:
    assert "leads out of the archive" in _refused(_tar((_info(name), GOOD)))
    assert "leads out of the archive" in _refused(_zip(name, GOOD))


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (tarfile.SYMTYPE, "is a link"),
        (tarfile.LNKTYPE, "is a link"),
        (tarfile.FIFOTYPE, "is a device or pipe"),
        (tarfile.CHRTYPE, "is a device or pipe"),
    ],
)
def test_links_and_devices_are_refused(kind: bytes, says: str) -> None:
    data = _tar((_info("r.json"), GOOD), (_info("l.json", kind, "r.json"), b""))
    assert says in _refused(data)


@pytest.mark.parametrize("kind", [b"V", b"D"])
def test_a_label_or_the_names_in_a_folder_are_no_file(kind: bytes) -> None:
    names = b"Yr.json\0\0" if kind == b"D" else b""
    assert read(_tar((_info("x", kind), names), (_info("r.json"), GOOD))).source.data == GOOD


@pytest.mark.parametrize("folder", [b"", b"\0", b"Ya\0Nb\0Dc\0\0", b"Rold/a\0Tnew/a\0X\0Yx\0\0"])
def test_the_names_in_a_folder_are_passed_over(folder: bytes) -> None:
    assert read(_tar((_info("x", b"D"), folder), (_info("r.json"), GOOD))).source.data == GOOD


@pytest.mark.parametrize(
    ("kind", "data"),
    [(b"V", GOOD), (b"V", b"x"), (b"V", b"\0"), (b"D", GOOD), (b"D", b"Y" + GOOD + b"\0\0"),
     (b"D", b"Yr.json\0\0" + GOOD), (b"D", b"Zr.json\0\0"), (b"D", b"Yr.json"),
     (b"D", b"X" + GOOD + b"\0\0")],
)  # fmt: skip
def test_what_a_label_or_a_list_of_names_holds_besides_is_not_passed_over(
    kind: bytes, data: bytes
) -> None:
    says = "is a label" if kind == b"V" else "is the list of a folder's names"
    assert says in _refused(_tar((_info("r.json"), GOOD), (_info("x", kind), data)))


def test_links_in_a_zip_are_refused() -> None:
    assert "is a link" in _refused(_zip("r.json", b"/etc/passwd", mode=0o120777))


def test_a_locked_member_is_refused(folder: Path) -> None:
    subprocess.run(["zip", "-q", "-P", "secret", "locked.zip", "r.json"], check=True)
    assert _refused("locked.zip") == "locked.zip!r.json: is locked with a password"


def _patched_size(data: bytes, size: int) -> bytes:
    """A zip whose directory and header name another size than the member has."""
    at = data.rfind(b"PK\x01\x02")
    patched = bytearray(data)
    patched[at + 24 : at + 28] = struct.pack("<I", size)
    patched[22:26] = struct.pack("<I", size)
    return bytes(patched)


@pytest.mark.parametrize("difference", [-len(GOOD) + 2, -1, 1, 5_000])
def test_members_of_another_size_than_they_say_are_refused(difference: int) -> None:
    said = len(GOOD) + difference
    assert "r.json" in _refused(_patched_size(_zip("r.json", GOOD), said))


def test_a_member_that_hides_more_behind_a_fitting_checksum_is_refused() -> None:
    """The first bytes are a whole response and the checksum is theirs; more follows in the data."""
    good = bytearray(_zip("r.json", GOOD + b" " * 10 + OTHER))
    size, crc = struct.pack("<I", len(GOOD)), struct.pack("<I", zlib.crc32(GOOD))
    at = bytes(good).rfind(b"PK\x01\x02")
    good[at + 16 : at + 20], good[14:18] = crc, crc
    good[at + 24 : at + 28], good[22:26] = size, size
    assert "r.json" in _refused(bytes(good))


def test_overlapping_members_are_refused() -> None:
    """One packed stream under a thousand names."""
    data = _zip("r.json", b" " * 1_000_000 + GOOD)
    at = data.rfind(b"PK\x01\x02")
    end = data.rfind(b"PK\x05\x06")
    entry = data[at:end]
    count = 1000
    tail = bytearray(data[end:])
    tail[8:12] = struct.pack("<HH", count, count)
    tail[12:16] = struct.pack("<I", len(entry) * count)
    assert "built to explode" in _refused(data[:at] + entry * count + bytes(tail))


def _zeros(size: int) -> bytes:
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", mtime=0) as packed:
        for _ in range(size // 1_000_000):
            packed.write(b" " * 1_000_000)
    return out.getvalue()


def test_bombs_are_refused() -> None:
    assert "built to explode" in _refused(_zeros(80_000_000))
    nested = _tar((_info("r.json.gz"), _zeros(80_000_000)))
    assert "built to explode" in _refused(nested)
    assert "built to explode" in _refused(_zip("r.json", b" " * 80_000_000))
    small = Limits(max_bytes=1_000_000)
    assert "limit of 0 MB" in _refused(_zeros(2_000_000), limits=small)
    assert "limit of 0 MB" in _refused(_zip("r.json", b" " * 2_000_000), limits=small)


def test_a_response_that_repeats_itself_is_no_bomb() -> None:
    """A thousand nodes shrink two hundred times: that is what responses are like."""
    items = [{"name": f"Check{n}", "phase": "Success"} for n in range(40)]
    stages = [{"nodeInfo": {"uid": f"n-{n}"}, "itemsStatus": items} for n in range(1000)]
    status = {"phase": "Success", "nodeCheckStatus": {"nodeStageStatus": stages}}
    data = json.dumps({**TASK, "status": status}).encode()
    assert read(lzma.compress(data)).source.data == data


@pytest.mark.parametrize("depth", [4, 5])
def test_containers_inside_each_other_are_counted(depth: int) -> None:
    data = GOOD
    for _ in range(depth):
        data = gzip.compress(data)
    if depth == 4:
        assert read(data).source.containers == ("gzip",) * 4
    else:
        assert "inside each other" in _refused(data)


def test_too_many_members_are_refused(folder: Path) -> None:
    with zipfile.ZipFile("many.zip", "w") as archive:
        for number in range(30):
            archive.writestr(f"{number}.txt", b"x")
    limits = Limits(max_members=20)
    assert "more than 20 members" in _refused("many.zip", limits=limits)
    many = _tar(*((_info(f"{number}.txt"), b"x") for number in range(30)))
    assert "more than 20 members" in _refused(many, limits=limits)


def test_a_header_of_many_megabytes_is_refused() -> None:
    info = tarfile.TarInfo("r.json")
    info.pax_headers = {"comment": "x" * 6_000_000}
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(info)
    assert "a header of more than 4 MB" in _refused(out.getvalue())


@pytest.mark.parametrize("packer", ["gz", "zst", "xz", "tar", "zip"])
def test_no_cut_archive_is_read(folder: Path, packer: str) -> None:
    """Wherever it is cut: a cut at a member's end looks whole to most tools."""
    command = {
        "gz": "gzip -k r.json",
        "zst": "zstd -q r.json",
        "xz": "xz -k r.json",
        "tar": "tar -b 1 -cf r.json.tar r.json",
        "zip": "zip -q r.json.zip r.json",
    }[packer]
    subprocess.run(command, shell=True, check=True)  # noqa: S602
    data = (folder / f"r.json.{packer}").read_bytes()
    step = 512 if packer == "tar" else 7
    ends = range(step, len(data) - (1024 if packer == "tar" else 0), step)
    for end in ends:
        _refused(data[:end], name=f"r.json.{packer}")


def test_glued_and_damaged_archives_are_refused() -> None:
    one = _tar((_info("r.json"), GOOD))
    two = _tar((_info("s.json"), OTHER))
    assert "something follows behind the archive's end" in _refused(one + two)
    assert "something follows" in _refused(gzip.compress(one + b"\0" * 5000 + b"x"))
    both = bytearray(_tar((_info("r.json"), GOOD), (_info("s.json"), OTHER)))
    at = both.find(b"s.json")
    both[at + 148 : at + 156] = b"bad sum\0"  # tarfile takes a broken header for the end
    assert "damaged" in _refused(bytes(both))
    data = bytearray(gzip.compress(GOOD))
    data[-8] ^= 1
    assert "checksum" in _refused(bytes(data))


@pytest.mark.parametrize(
    "magic",
    [b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07", b"%PDF-1.7", b"BZh91AY", b"PK\x07\x08", b"070701"],
)
def test_other_archives_are_named(magic: bytes) -> None:
    assert "looks like a" in _refused(magic + b"xx")


# Many ------------------------------------------------------------------------------------------


def _outcomes(*locations: str | Path) -> Iterator[tuple[str, str | None]]:
    for found in read_responses(locations):
        if isinstance(found, Unreadable):
            yield found.name, None
        else:
            yield found.source.name, found.task.metadata.uid if found.task.metadata else ""


def test_a_broken_member_never_hides_the_others(folder: Path) -> None:
    data = _tar(
        (_info("a.json"), GOOD),
        (_info("../b.json"), b"x" * 6_000_000),
        (_info("c.json"), GOOD[:20]),
        (_info("d.json", tarfile.SYMTYPE, "a.json"), b""),
        (_info("e.json"), OTHER),
    )
    (folder / "a.tar.gz").write_bytes(gzip.compress(data))
    assert list(_outcomes("a.tar.gz", "nowhere", "two.json")) == [
        ("a.tar.gz!a.json", "one"),
        ("a.tar.gz!../b.json", None),
        ("a.tar.gz!c.json", None),
        ("a.tar.gz!d.json", None),
        ("a.tar.gz!e.json", "two"),
        ("nowhere", None),
        ("two.json", "two"),
    ]


def test_folders_and_globs(folder: Path) -> None:
    deep = folder / "archive" / "c-1"
    deep.mkdir(parents=True)
    (deep / "b.json").write_bytes(OTHER)
    (deep / "b.json.meta.json").write_bytes(b"{}")
    (deep / ".hidden").write_bytes(b"x")
    (deep / ".git").mkdir()
    (deep / ".git" / "x.json").write_bytes(b"x")
    (deep / "a.json.gz").write_bytes(gzip.compress(GOOD))
    (deep / "out.json").symlink_to(folder / "r.json")
    (deep / "in.json").symlink_to(deep / "b.json")
    found = dict(_outcomes("archive"))
    assert found == {
        "archive/c-1/a.json.gz": "one",
        "archive/c-1/b.json": "two",
        "archive/c-1/in.json": "two",
        "archive/c-1/out.json": None,
    }
    assert list(_outcomes("archive/**/b*.json")) == [("archive/c-1/b.json", "two")]
    assert list(_outcomes("*.nothing")) == [("*.nothing", None)]
    (folder / "odd[1].json").write_bytes(GOOD)
    assert list(_outcomes("odd[1].json")) == [("odd[1].json", "one")]


@pytest.mark.parametrize("name", ["b.meta.json", ".b.json", ".b.json.gz"])
def test_a_second_response_is_none_that_is_passed_over(folder: Path, name: str) -> None:
    """A note lies beside its file; what is called so and lies alone is a file."""
    deep = folder / "archive"
    deep.mkdir()
    (deep / "a.json").write_bytes(GOOD)
    (deep / name).write_bytes(gzip.compress(OTHER) if name.endswith(".gz") else OTHER)
    subprocess.run(["tar", "-cf", "a.tar", "archive"], cwd=folder, check=True)
    places = ["archive", "a.tar"] + ([] if name.startswith(".") else ["archive/*.json"])
    for place in places:
        assert sorted(str(what) for _, what in _outcomes(place)) == ["one", "two"]
        with pytest.raises(InputError, match="more than one response"):
            read(folder / place)


def test_a_newer_task_that_names_no_cluster_makes_the_choice_doubtful() -> None:
    one = {**json.loads(GOOD), "spec": {"clusterID": "c-1"}}
    one["metadata"] = {"uid": "a", "creationTimestamp": "2026-11-24T00:00:00Z"}
    for spec in ({}, {"clusterID": "c-2"}):
        newer = {**one, "spec": spec}
        newer["metadata"] = {"uid": "b", "creationTimestamp": "2026-11-25T00:00:00Z"}
        data = json.dumps({"kind": "List", "apiVersion": "v3", "items": [one, newer]}).encode()
        found = read(data, expect_cluster="c-1")
        assert ("choice.unnamed" in found.source.doubts) is (not spec)


@pytest.mark.parametrize(
    "version", ["v1", "v1.31.10-r2 ", "V1.31.10", "1.31.10+r2", "v1.31.1\u200b0"]
)
def test_a_newer_task_whose_version_nobody_can_read_makes_the_choice_doubtful(version: str) -> None:
    one = {**json.loads(GOOD), "spec": {"targetVersion": "v1.31.4"}}
    one["metadata"] = {"uid": "a", "creationTimestamp": "2026-11-24T00:00:00Z"}
    for other, doubtful in ((version, True), ("v1.30.4", False)):
        newer = {**one, "spec": {"targetVersion": other}}
        newer["metadata"] = {"uid": "b", "creationTimestamp": "2026-11-25T00:00:00Z"}
        data = json.dumps({"kind": "List", "apiVersion": "v3", "items": [one, newer]}).encode()
        found = read(data, expect_target="v1.31")
        assert ("choice.unnamed" in found.source.doubts) is doubtful


@pytest.mark.parametrize(
    ("created", "cluster", "newer"),
    [
        ("2026-11-25T00:00:00Z", "c-1", 1),
        ("2026-11-24T00:00:00Z", "c-1", 1),  # at once: which of them is the later, nobody knows
        ("2026-11-23T00:00:00Z", "c-1", 0),
        (None, "c-1", 1),
        ("yesterday", "c-1", 1),
        ("2026-11-25T00:00:00Z", "c-2", 0),
        ("2026-11-25T00:00:00Z", " C-1", 1),
        ("2026-11-25T00:00:00Z", "c-1\u200b", 1),
        ("2026-11-25T00:00:00Z", None, 1),
    ],
)
def test_where_a_task_is_named_those_that_may_be_newer_are_counted(
    created: str | None, cluster: str | None, newer: int
) -> None:
    def task(uid: str, created: str | None, cluster: str | None) -> dict[str, Any]:
        metadata = {"uid": uid, "creationTimestamp": created}
        return {**json.loads(GOOD), "metadata": metadata, "spec": {"clusterID": cluster}}

    one, other = task("a", "2026-11-24T00:00:00Z", "c-1"), task("b", created, cluster)
    data = json.dumps({"kind": "List", "apiVersion": "v3", "items": [one, other]}).encode()
    assert read(data, task="a").source.newer == newer
    undated = task("a", None, "c-1")
    data = json.dumps({"kind": "List", "apiVersion": "v3", "items": [undated, other]}).encode()
    assert read(data, task="a").source.newer == (cluster != "c-2")


def _doubts_of_a_newer(spec: dict[str, str], **expected: str) -> tuple[str, ...]:
    """What is open where the older of two tasks is as expected and the newer one says so much."""
    good = {"clusterID": "c-1", "targetVersion": "v1.31.10-r2"}
    tasks = [
        {
            **json.loads(GOOD),
            "metadata": {"uid": f"t-{day}", "creationTimestamp": f"2026-11-2{day}T00:00:00Z"},
            "spec": {**good, **said},
        }
        for day, said in ((4, {}), (5, spec))
    ]
    data = json.dumps({"kind": "List", "apiVersion": "v3", "items": tasks}).encode()
    found = read(data, **expected)  # type: ignore[arg-type]
    assert found.source.pointer == "/items/0"
    return found.source.doubts


@pytest.mark.parametrize(
    ("target", "doubtful"),
    [("v1.31", True), ("v1.31.10", True), ("v1.31.9", False), ("v1.31.10-r3", False)],
)
def test_a_newer_task_for_a_shorter_target_makes_the_choice_doubtful(
    target: str, doubtful: bool
) -> None:
    doubts = _doubts_of_a_newer({"targetVersion": target}, expect_target="v1.31.10-r2")
    assert doubts == (("choice.unnamed",) if doubtful else ())


@pytest.mark.parametrize(
    ("cluster", "doubtful"),
    [
        ("c-1 ", True),
        ("\tc-1", True),
        ("C-1", True),
        ("c-1\u200b", True),
        ("\u0441-1", True),
        ("\u3164", True),
        ("c-l", True),
        ("c-\u0966", True),
        ("c-2", False),
        ("c-11", False),
    ],
)
def test_a_newer_task_of_a_cluster_spelt_otherwise_makes_the_choice_doubtful(
    cluster: str, doubtful: bool
) -> None:
    doubts = _doubts_of_a_newer({"clusterID": cluster}, expect_cluster="c-1")
    assert doubts == (("choice.unnamed",) if doubtful else ())


def test_every_task_of_a_list_is_a_response(folder: Path) -> None:
    items = [json.loads(GOOD), json.loads(OTHER)]
    (folder / "list.json").write_text(json.dumps({"kind": "List", "items": items}))
    found = list(read_responses(["list.json"]))
    assert [part.source.pointer for part in found if isinstance(part, Response)] == [
        "/items/0",
        "/items/1",
    ]


def test_a_file_that_grows_while_it_is_read_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from reporter.sources import streams

    real = streams.read_up_to

    def growing(stream: Any, size: int) -> bytes:
        data = real(stream, size)
        with open("r.json", "ab") as file:
            file.write(b" ")
        return data

    monkeypatch.setattr("reporter.sources.containers.read_up_to", growing)
    assert _refused("r.json") == "r.json: changed while it was read"


def test_the_sidecar_of_the_file_that_was_packed_counts(folder: Path) -> None:
    from hashlib import sha256

    meta = {"sha256": sha256(GOOD).hexdigest(), "cluster_id": "c-9"}
    (folder / "r.json.meta.json").write_text(json.dumps(meta))
    subprocess.run(["gzip", "-k", "r.json"], check=True)
    sidecar = read("r.json.gz").source.sidecar
    assert sidecar is not None
    assert (sidecar.cluster_id, sidecar.name) == ("c-9", "r.json.meta.json")
