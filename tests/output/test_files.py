"""Reports are written in one step, or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reporter.errors import OutputError
from reporter.output.files import remove_stale, write_file


def test_a_file_appears_whole_with_an_ordinary_mode(tmp_path: Path) -> None:
    target = tmp_path / "new" / "report ünï.html"
    write_file(target, b"one")
    write_file(target, b"two")
    assert target.read_bytes() == b"two"
    umask = os.umask(0)
    os.umask(umask)
    assert target.stat().st_mode & 0o777 == 0o666 & ~umask
    assert os.listdir(target.parent) == [target.name]


def test_what_cannot_be_written_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("x")
    with pytest.raises(OutputError, match="can't be written"):
        write_file(blocked / "report.html", b"x")
    with pytest.raises(OutputError, match="can't be written"):
        write_file(tmp_path, b"x")
    assert os.listdir(tmp_path) == ["file"]


def test_a_device_is_written_to_directly() -> None:
    write_file(Path("/dev/null"), b"x")
    assert not Path("/dev/null").is_file()


def test_only_ordinary_files_are_removed(tmp_path: Path) -> None:
    old = tmp_path / "old.html"
    old.write_text("x")
    remove_stale(old)
    remove_stale(old)
    remove_stale(tmp_path)
    assert os.listdir(tmp_path) == []
