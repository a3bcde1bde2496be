"""`cce-precheck audit` as people run it: what it says, its exit codes, and real kills."""

from __future__ import annotations

import errno
import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from multiprocessing import forkserver
from pathlib import Path
from xml.etree import ElementTree

import pytest
from lxml import etree

from reporter import cli
from reporter.audit import engines, finish
from reporter.audit.store import FILE_NAME, dump
from tests.acceptance.run import ROOT, command
from tests.audit.archive import check, fill, risk
from tests.output.test_junit import PROFILES

ROUNDS = int(os.environ.get("AUDIT_KILLS", "2"))
"""Real kills of a running audit; `make prove` does more."""

MADE = [
    "audit.sqlite",
    "findings.csv",
    "index.html",
    "junit.xml",
    "manifest.json",
    "responses.csv",
]


def everything(out: Path) -> dict[str, object]:
    found: dict[str, object] = {name: (out / name).read_bytes() for name in MADE[1:]}
    found["dump"] = dump(out / FILE_NAME)
    return found


def test_the_whole_command_and_what_it_leaves(tmp_path: Path) -> None:
    folder, out = tmp_path / "archive", tmp_path / "out"
    fill(folder, 7)
    (folder / "broken.json").write_bytes(b"{")
    run = command("audit", folder, "--out", out)
    assert run.code == 4
    assert run.err == ""
    assert run.out.startswith("✕ 3 of 7 responses fail under this policy\n")
    assert "1 input could not be read" in run.out
    assert "no --policy was given: judged by builtin:recommended" in run.out
    assert sorted(path.name for path in out.iterdir()) == sorted([*MADE, "audit.pdf"])
    manifest = json.loads((out / "manifest.json").read_text())
    assert [entry["outcomes"] for entry in manifest["inputs"]][-1] == ["unreadable"]
    assert all(len(entry["sha256"]) == 64 for entry in manifest["inputs"])
    assert [part["name"] for part in manifest["policies"]] == ["recommended"]
    for profile in PROFILES:
        profile.assertValid(etree.parse(out / "junit.xml"))
    suites = ElementTree.parse(out / "junit.xml").getroot()
    totals = {key: sum(int(s.get(key, 0)) for s in suites) for key in ("failures", "errors")}
    assert totals == {"failures": 3, "errors": 1}
    assert (out / "audit.pdf").read_bytes().startswith(b"%PDF")
    # Nothing new: nothing is judged or written again, and the answer is the same.
    stamps = {
        path.name: path.stat().st_mtime_ns for path in out.iterdir() if path.suffix != ".sqlite"
    }
    again = command("audit", folder, "--out", out, "--resume")
    assert again.code == 4
    assert "0 of 8 responses were judged now" in again.out
    assert stamps == {
        path.name: path.stat().st_mtime_ns for path in out.iterdir() if path.suffix != ".sqlite"
    }


def run_here(*arguments: object) -> int:
    return cli.run(["audit", *map(str, arguments), "--no-pdf", "--quiet", "--jobs", "1"])


def test_exit_codes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, out = tmp_path / "archive", tmp_path / "out"
    folder.mkdir()
    (folder / "a.json").write_bytes(check())
    assert run_here(folder, "--out", out) == 0
    assert capsys.readouterr().out == "✓ The one response passes\n"
    (folder / "b.json").write_bytes(check(risk(level="Odd"), uid="b"))
    assert run_here(folder, "--out", out) == 3
    assert capsys.readouterr().out == "? No response fails, and 1 of 2 responses can't be judged\n"
    (folder / "c.json").write_bytes(check(risk(), uid="c"))
    assert run_here(folder, "--out", out) == 1
    (folder / "d.json").write_bytes(b"{")
    assert run_here(folder, "--out", out) == 4
    assert run_here(folder, "--out", out, "--allow-unreadable") == 1
    # It lets through files that are no responses, not a location that is not there.
    assert run_here(folder, tmp_path / "typo", "--out", out) == 4
    capsys.readouterr()
    assert run_here(folder, tmp_path / "typo", "--out", out, "--allow-unreadable") == 4
    assert "typo: no such file or folder" in capsys.readouterr().err
    assert run_here(folder, "--out", out, "--allow-unreadable") == 1
    for name in "bcd":
        (folder / f"{name}.json").unlink()
    waivers = tmp_path / "w.yaml"
    waivers.write_text(
        "apiVersion: precheck.policy/v1\nkind: WaiverList\nmetadata: {name: w, version: '1'}\n"
        "waivers: [{id: w, check: Never, reason: r, starts: 2026-01-01, expires: 2027-01-01}]\n"
    )
    assert run_here(folder, "-w", waivers, "--out", out) == 0
    assert run_here(folder, "-w", waivers, "--out", out, "--fail-on-unused-waivers") == 1
    junit = (out / "junit.xml").read_text()
    assert 'message="UNUSED: ' in junit
    assert "<failure" in junit


def test_mistakes_are_told_before_anything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out = tmp_path / "archive", tmp_path / "out"
    fill(folder, 1)

    def told(code: int, *arguments: object) -> str:
        assert cli.run(["audit", *map(str, arguments)]) == code
        return capsys.readouterr().err

    assert "no audit was begun" in told(2, folder, "--out", out, "--resume")
    assert "go together" in told(2, folder, "--out", out, "--engine", "dask")
    assert "no such file or folder" in told(4, tmp_path / "nowhere", "--out", out)
    assert not out.exists()
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "thesis.txt").write_text("mine")
    assert "is not empty and holds no audit (thesis.txt)" in told(2, folder, "--out", foreign)
    upgrades = tmp_path / "u.csv"
    upgrades.write_text("cluster,time\nc-1,yesterday\n")
    assert "u.csv:2: " in told(2, folder, "--out", out, "--upgrades", upgrades)
    upgrades.write_text("a,b\n")
    assert 'u.csv:1: has no column "cluster"' in told(
        2, folder, "--out", out, "--upgrades", upgrades
    )
    bad = tmp_path / "p.yaml"
    bad.write_text("apiVersion: precheck.policy/v1\nkind: Policy\nmetadata: {name: x}\nrulez: []\n")
    assert 'did you mean "rules"' in told(2, folder, "--out", out, "--policy", bad)
    assert not out.exists()


def test_resume_wants_the_run_it_was(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, out = tmp_path / "archive", tmp_path / "out"
    fill(folder, 1)
    assert run_here(folder, "--out", out) == 1
    assert run_here(folder, "--out", out, "--resume", "--at", "2026-01-02") == 2
    assert "--resume: --at is not what the run was begun with" in capsys.readouterr().err
    assert run_here(folder, "--out", out, "--resume", "--max-size", "1") == 2
    assert "--resume: --max-size is not what the run was begun with" in capsys.readouterr().err
    assert run_here(folder, "--out", out, "--resume") == 1


def _started(
    folder: Path, out: Path, *more: str, limit: int | None = None
) -> subprocess.Popen[bytes]:
    def limited() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return subprocess.Popen(
        [sys.executable, "-m", "reporter", "audit", folder, "--out", out, "--no-pdf", *more],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=limited,
    )


def _children(pid: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == pid:
                found.append(int(entry.name))
    return found


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    """An archive, and what an undisturbed run makes of it."""
    folder = tmp_path_factory.mktemp("archive")
    fill(folder, 400)
    out = tmp_path_factory.mktemp("out")
    done = _started(folder, out, "--jobs", "2")
    done.communicate()
    assert done.returncode == 1
    return folder, everything(out)


@pytest.mark.parametrize("number", range(ROUNDS))
def test_killed_and_resumed(
    archive: tuple[Path, dict[str, object]], tmp_path: Path, number: int
) -> None:
    folder, wanted = archive
    running = _started(folder, tmp_path, "--jobs", "2")
    store = tmp_path / FILE_NAME
    deadline = time.monotonic() + 30
    while not store.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.15 + 0.37 * number % 1.7)
    running.send_signal(signal.SIGKILL)
    running.communicate()
    resumed = _started(folder, tmp_path, "--resume")
    _, err = resumed.communicate()
    assert resumed.returncode == 1, err
    assert everything(tmp_path) == wanted


def test_interrupted_as_by_ctrl_c(archive: tuple[Path, dict[str, object]], tmp_path: Path) -> None:
    folder, wanted = archive
    running = _started(folder, tmp_path, "--jobs", "1")
    deadline = time.monotonic() + 30
    while not _workers(running.pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    _, err = running.communicate()
    assert running.returncode in (130, 1), err  # 1: it was through already
    if running.returncode == 130:
        assert b"run again with --resume" in err
        assert b"Traceback" not in err
    resumed = _started(folder, tmp_path, "--resume")
    resumed.communicate()
    assert everything(tmp_path) == wanted


def _workers(pid: int) -> list[int]:
    """The workers: what the server of the pool has forked."""
    return [part for child in _children(pid) for part in _children(child)]


def test_a_killed_worker_costs_nothing(
    archive: tuple[Path, dict[str, object]], tmp_path: Path
) -> None:
    folder, wanted = archive
    running = _started(folder, tmp_path, "--jobs", "2")
    deadline = time.monotonic() + 30
    while not (workers := _workers(running.pid)) and time.monotonic() < deadline:
        time.sleep(0.005)
    for worker in workers[:1]:
        os.kill(worker, signal.SIGKILL)
    _, err = running.communicate()
    assert running.returncode == 1, err
    assert workers
    assert everything(tmp_path) == wanted


def test_no_room_left_and_resumed(archive: tuple[Path, dict[str, object]], tmp_path: Path) -> None:
    folder, wanted = archive
    running = _started(folder, tmp_path, limit=150_000)
    _, err = running.communicate()
    assert running.returncode == 5, err
    assert b"--resume" in err
    assert b"Traceback" not in err
    assert "the audit has not finished" in (tmp_path / "junit.xml").read_text()
    resumed = _started(folder, tmp_path, "--resume")
    resumed.communicate()
    assert everything(tmp_path) == wanted


def test_a_report_that_somebody_changed_is_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, out = tmp_path / "archive", tmp_path / "out"
    fill(folder, 4)
    read: list[str] = []
    digest = finish._digest_of

    def counted(target: Path) -> str:
        read.append(target.name)
        return digest(target)

    def run(*more: str) -> list[str]:
        read.clear()
        assert run_here(folder, "--out", out, *more) == 1
        return sorted(read)

    monkeypatch.setattr(finish, "_digest_of", counted)
    assert run() == MADE[1:]
    wanted = everything(out)
    assert run("--resume") == []  # a store and reports that nobody wrote to are not read again
    for name in MADE[1:]:
        file = out / name
        file.write_bytes(file.read_bytes()[:-1] + b"!")
        assert run("--resume") == sorted([name, *MADE[1:]])
        assert everything(out) == wanted
        file.unlink()
        assert run() == MADE[1:]
        assert everything(out) == wanted
    (out / "audit.pdf").write_bytes(b"%PDF: all is well")  # with --no-pdf there is none
    run()
    assert not (out / "audit.pdf").exists()
    # A copy has times of its own: it is read once, and known from then on.
    copied = {name: (out / name).stat().st_ino for name in MADE}
    for name in MADE[1:]:
        os.utime(out / name, ns=(10**18, 10**18))
    assert run() == MADE[1:]
    assert run() == []
    assert copied == {name: (out / name).stat().st_ino for name in MADE}


def test_what_is_no_file_is_replaced_and_never_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A pipe has no end until somebody writes to it, and a link may lead to /dev/zero."""
    folder, out, mine = tmp_path / "archive", tmp_path / "out", tmp_path / "mine"
    fill(folder, 2)
    digest = finish._digest_of

    def of_a_file(target: Path) -> str:
        assert target.is_file()
        assert not target.is_symlink()
        return digest(target)

    monkeypatch.setattr(finish, "_digest_of", of_a_file)

    def run() -> int:
        return run_here(folder, "--out", out, "--reports", "all", "--resume")

    assert run_here(folder, "--out", out, "--reports", "all") == 1
    wanted = everything(out)
    pages = {page: page.read_bytes() for page in (out / "reports").iterdir()}
    mine.write_bytes(b"of somebody else")
    page = min(pages)
    pipes = [(place, None) for place in (out / "responses.csv", out / "junit.xml", page)]
    links = [(place, to) for place in (out / "findings.csv", page) for to in ("/dev/zero", mine)]
    for place, to in pipes + links:
        place.unlink()
        os.mkfifo(place) if to is None else place.symlink_to(to)
        assert run() == 1
        assert everything(out) == wanted
        assert {page: page.read_bytes() for page in (out / "reports").iterdir()} == pages
        assert not place.is_symlink()
    assert mine.read_bytes() == b"of somebody else"
    for place in (out / "index.html", page):
        place.unlink()
        place.mkdir()
        capsys.readouterr()
        assert run() == 5  # it may hold anything, and stays
        assert f"{place}: can't be written: Is a directory" in capsys.readouterr().err
        place.rmdir()
        assert run() == 1
        assert everything(out) == wanted


def test_a_store_that_is_refused_takes_its_reports_with_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out = tmp_path / "archive", tmp_path / "out"
    fill(folder, 1)
    assert run_here(folder, "--out", out, "--reports", "all") == 1
    assert (out / "reports").exists()
    whole = {name: (out / name).read_bytes() for name in MADE}
    with closing(sqlite3.connect(out / FILE_NAME)) as db:
        db.execute("PRAGMA user_version = 1")
    older = (out / FILE_NAME).read_bytes()
    for more in ((), ("--resume",), ("--resume", "--at", "now")):
        for name in MADE[1:]:
            (out / name).write_bytes(whole[name])
        assert run_here(folder, "--out", out, *more) == 2
        assert "is a store of version 1; this cce-precheck" in capsys.readouterr().err
        assert sorted(path.name for path in out.iterdir()) == [FILE_NAME, "junit.xml"]
        junit = (out / "junit.xml").read_text()
        assert "the audit has not finished: " in junit
        assert "is a store of version 1" in junit
        assert (out / FILE_NAME).read_bytes() == older
    # Where no audit ever wrote, nothing is anybody's to remove.
    (out / FILE_NAME).write_bytes(b"nonsense" * 200)
    (out / "index.html").write_text("my home page")
    (out / "manifest.json").write_text("{}")
    assert run_here(folder, "--out", out) == 2
    assert "is no store of an audit" in capsys.readouterr().err
    assert (out / "index.html").read_text() == "my home page"
    (out / "manifest.json").write_bytes(whole["manifest.json"])
    assert run_here(folder, "--out", out) == 2
    assert not (out / "index.html").exists()
    assert (out / FILE_NAME).read_bytes() == b"nonsense" * 200


@pytest.mark.parametrize("slip", [("--at", "bogus"), ("--policy", "none.yaml")])
def test_without_its_manifest_it_is_an_audit_all_the_same(
    tmp_path: Path, slip: tuple[str, str]
) -> None:
    folder, out = tmp_path / "archive", tmp_path / "out"
    fill(folder, 1)
    assert run_here(folder, "--out", out) == 1
    (out / "manifest.json").rename(tmp_path / "kept.json")
    page, store = (out / "index.html").read_bytes(), (out / FILE_NAME).read_bytes()
    (out / FILE_NAME).write_bytes(b"SQLite format 3\0 of somebody else")
    assert run_here(folder, "--out", out, *slip) == 2
    assert (out / "index.html").read_bytes() == page
    (out / FILE_NAME).write_bytes(store)
    assert run_here(folder, "--out", out, *slip) == 2
    assert sorted(path.name for path in out.iterdir()) == [FILE_NAME, "junit.xml"]
    assert "<error" in (out / "junit.xml").read_text()


def test_a_link_in_the_place_of_its_pages_takes_its_reports_and_no_page_elsewhere(
    tmp_path: Path,
) -> None:
    folder, out, other = tmp_path / "archive", tmp_path / "out", tmp_path / "other"
    fill(folder, 1)
    assert run_here(folder, "--out", out, "--reports", "all") == 1
    (out / "reports").rename(other)
    (out / "reports").symlink_to(other)
    pages = sorted(other.iterdir())
    assert run_here(folder, "--out", out) == 5
    assert sorted(path.name for path in out.iterdir()) == [FILE_NAME, "junit.xml", "reports"]
    assert "<error" in (out / "junit.xml").read_text()
    assert sorted(other.iterdir()) == pages


@pytest.mark.parametrize("name", ["ensure_running", "ProcessPoolExecutor"])
def test_workers_that_cannot_be_started(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
) -> None:
    folder, out = tmp_path / "archive", tmp_path / "out"
    fill(folder, 1)

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), "/tmp/listener")

    monkeypatch.setattr(engines if name[0].isupper() else forkserver, name, refused)
    assert run_here(folder, "--out", out) == 5
    err = capsys.readouterr().err
    assert "worker processes can't be started: Operation not permitted" in err
    assert "TMPDIR" in err


def test_folders_that_are_none_of_its_own_are_refused(tmp_path: Path) -> None:
    folder, out, other = tmp_path / "in", tmp_path / "out", tmp_path / "other"
    folder.mkdir()
    other.mkdir()
    (folder / "a.json").write_bytes(check(risk()))
    audit = ["audit", str(folder), "--no-pdf", "--reports", "all", "--out"]
    assert command(*audit, str(tmp_path / ("x" * 300))).code == 5
    assert command(*audit, str(out)).code == 1
    shutil.rmtree(out / "reports")
    (out / "reports").symlink_to(other)
    refused = command(*audit, str(out))
    assert refused.code == 5
    assert "is a link" in refused.err
    assert list(other.iterdir()) == []


def test_upgrades_through_a_pipe_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(check())
    os.mkfifo(tmp_path / "u.csv")
    out = str(tmp_path / "out")
    refused = command(
        "audit", str(tmp_path / "a.json"), "--out", out, "--upgrades", str(tmp_path / "u.csv")
    )
    assert refused.code == 2
    assert "save it as one" in refused.err
