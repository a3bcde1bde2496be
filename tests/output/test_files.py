"""Reports are written in one step, or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from reporter.errors import OutputError
from reporter.output.files import is_stream, remove_stale, write_file


def test_a_file_appears_whole_with_an_ordinary_mode(tmp_path: Path) -> None:
    target = tmp_path / "new" / "report ünï.html"
    write_file(target, b"one")
    write_file(target, b"two")
    assert target.read_bytes() == b"two"
    umask = os.umask(0)
    os.umask(umask)
    assert target.stat().st_mode & 0o777 == 0o666 & ~umask
    assert os.listdir(target.parent) == [target.name]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_signal_at_any_instruction_leaves_the_old_file_or_the_new(tmp_path: Path) -> None:
    """Python raises what a signal means between two instructions, wherever these are."""
    target = tmp_path / "report.json"
    moments = 0
    while True:
        target.write_bytes(b"old")
        left = moments

        def trace(frame: FrameType, event: str, _: object) -> Any:
            nonlocal left
            frame.f_trace_opcodes = True
            if event == "opcode":
                if left == 0:
                    left -= 1
                    raise KeyboardInterrupt
                left -= 1
            return trace

        before = sys.gettrace()
        sys._getframe().f_trace_opcodes = True  # without it Python 3.12 tells of none
        sys.settrace(trace)
        try:
            write_file(target, b"new")
        except KeyboardInterrupt:
            pass
        finally:
            sys.settrace(before)
        assert os.listdir(tmp_path) == [target.name], f"instruction {moments}"
        assert target.read_bytes() in (b"old", b"new"), f"instruction {moments}"
        if left >= 0:
            break
        moments += 1
    assert moments > 100
    assert target.read_bytes() == b"new"


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


@pytest.mark.parametrize("number", [1, 2])
def test_a_stream_under_another_name_is_written_to_and_stays(tmp_path: Path, number: int) -> None:
    log, link = tmp_path / "log", tmp_path / "std"
    link.symlink_to(f"/proc/self/fd/{number}")
    script = (
        "import os, pathlib, sys\n"
        "from reporter.output.files import is_stream, remove_stale, write_file\n"
        f"os.write({number}, b'before ')\n"
        "target = pathlib.Path(sys.argv[1])\n"
        "assert remove_stale(target)\n"
        "write_file(target, b'report ')\n"
        f"os.write({number}, b'after')\n"
    )
    with log.open("wb") as file:
        words = [sys.executable, "-c", script, str(link)]
        out, err = (file, None) if number == 1 else (None, file)
        subprocess.run(words, check=True, stdout=out, stderr=err)
    assert log.read_bytes() == b"before report after"
    assert link.is_symlink()


def test_an_ordinary_link_is_no_stream(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "loop").symlink_to("loop")
    assert not any(is_stream(tmp_path / name) for name in ("file", "link", "loop", "none"))
    assert is_stream(Path("/dev/stderr"))


def test_an_ordinary_link_below_dev_is_no_stream(tmp_path: Path) -> None:
    shared = Path("/dev/shm")
    if not os.access(shared, os.W_OK):
        pytest.skip("no /dev/shm")
    with tempfile.TemporaryDirectory(dir=shared) as folder:
        report, link = Path(folder, "report"), Path(folder, "latest")
        report.write_bytes(b"of yesterday")
        link.symlink_to(report)
        write_file(link, b"of today")
        assert (link.read_bytes(), link.is_symlink()) == (b"of today", False)
        assert report.read_bytes() == b"of yesterday"
        assert not is_stream(report)
        assert is_stream(Path("/dev/stderr"))
