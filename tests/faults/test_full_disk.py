"""A disk that fills up at any single write: the n-th call of the system fails, for every n.

strace counts the calls that change a disk in a run, then runs it once for each of them and lets
that one fail. `FAULT_ROUNDS` is how many of them are tried of each kind; `make hostile`: all.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from reporter.audit.store import dump
from tests.acceptance.run import ROOT
from tests.audit.archive import fill
from tests.faults.test_faults import FORMS, NODES, ROUNDS, THOROUGH, nothing_half_written, reports
from tests.live import api as served

CALLS = {
    "write": "ENOSPC",
    "pwrite64": "ENOSPC",
    "fsync": "EIO",
    "fdatasync": "EIO",
    "ftruncate": "EIO",
    "rename": "EACCES",
    "chmod": "EPERM",
    "mkdir": "ENOSPC",
}
"""What changes a disk, and how it fails."""


@cache
def can_trace() -> bool:
    if shutil.which("strace") is None:
        return False
    tried = subprocess.run(
        ["strace", "-o", "/dev/null", "-e", "inject=chdir:error=EIO:when=1", "true"],
        capture_output=True,
        check=False,
    )
    return tried.returncode == 0


pytestmark = pytest.mark.skipif(not can_trace(), reason="needs strace, and leave to trace")


@dataclass(frozen=True)
class Ended:
    """How a run ended, and the calls it made."""

    code: int
    out: str
    err: str
    calls: list[tuple[str, int, str]]
    """Name and number of each call that reached for a disk, and the line that tells of it."""
    hit: bool
    """Whether one of them was made to fail."""


def traced(log: Path, arguments: list[str], fault: tuple[str, int] | None = None,
           env: dict[str, str] | None = None) -> Ended:  # fmt: skip
    """Run the command; with a fault, the n-th call of that name fails."""
    extra = []
    if fault is not None:
        name, number = fault
        extra = ["-e", f"inject={name}:error={CALLS[name]}:when={number}"]
    done = subprocess.run(
        ["strace", "-y", "-o", str(log), "-e", f"trace={','.join(CALLS)}", *extra,
         sys.executable, "-m", "reporter", *arguments],
        cwd=ROOT,
        capture_output=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **(env or {})},
        timeout=120,
        check=False,
    )  # fmt: skip
    counts: Counter[str] = Counter()
    calls = []
    for line, name in re.findall(r"^((\w+)\(.*)", log.read_text("utf-8", "replace"), re.M):
        counts[name] += 1
        if not re.match(r"\w+\(\d+<(?!/)", line):  # a pipe or a socket is no disk
            calls.append((name, counts[name], line))
    hit = any("(INJECTED)" in line for *_, line in calls)
    return Ended(done.returncode, done.stdout.decode(), done.stderr.decode(), calls, hit)


def faults(ended: Ended, seed: int) -> Iterator[tuple[str, int]]:
    """Which call fails, in each round."""
    every = [(name, number) for name, number, _ in ended.calls]
    chance = random.Random(seed)
    yield from every if THOROUGH else chance.sample(every, min(ROUNDS, len(every)))


def hold(ended: Ended, verdict: int, what: tuple[str, int]) -> None:
    """It says that it could not write, or nobody missed what was not written."""
    assert ended.code in (verdict, 5), (what, ended)
    assert "Traceback" not in ended.err, (what, ended)
    assert "internal error" not in ended.err, (what, ended)
    if ended.code == 5:
        assert "can't be" in ended.err, (what, ended)


long = pytest.mark.skipif(not THOROUGH, reason="make hostile")


def test_check_with_every_report(tmp_path: Path) -> None:
    forms = FORMS if THOROUGH else tuple(form for form in FORMS if form != "pdf")

    def arguments(folder: Path) -> list[str]:
        asked = reports(folder, forms)
        return ["check", str(NODES), "--at", "response", "-q", *asked]

    counted = traced(tmp_path / "log", arguments(tmp_path / "counted"))
    assert sum(name == "rename" for name, *_ in counted.calls) == len(forms)
    for number, fault in enumerate(faults(counted, 1)):
        folder = tmp_path / str(number)
        ended = traced(tmp_path / "log", arguments(folder), fault)
        hold(ended, 1, fault)
        if folder.exists():
            nothing_half_written(folder)
        if ended.code == 1:
            assert len(list(folder.iterdir())) == len(forms), fault


@long
def test_bundle(tmp_path: Path) -> None:
    def arguments(folder: Path) -> list[str]:
        return ["bundle", str(NODES), "--at", "response", "-q", "--no-pdf",
                "-o", str(folder / "case.zip")]  # fmt: skip

    counted = traced(tmp_path / "log", arguments(tmp_path / "counted"))
    whole = (tmp_path / "counted" / "case.zip").read_bytes()
    for number, fault in enumerate(faults(counted, 2)):
        folder = tmp_path / str(number)
        ended = traced(tmp_path / "log", arguments(folder), fault)
        hold(ended, 1, fault)
        left = sorted(path.name for path in folder.iterdir()) if folder.exists() else []
        assert left == ([] if "case.zip: can't be written" in ended.err else ["case.zip"]), fault
        if left:
            assert (folder / "case.zip").read_bytes() == whole


@long
def test_fetch_into_an_archive(tmp_path: Path) -> None:
    with served.serving() as api:
        api.replies = [served.ok(served.task())]
        env = {"HUAWEICLOUD_SDK_AK": served.AK, "HUAWEICLOUD_SDK_SK": served.SK, "HOME": "/nowhere"}

        def arguments(folder: Path) -> list[str]:
            return ["fetch", "--type", "autopilot", "--cluster", served.CLUSTER, "--region",
                    "eu-west-101", "--endpoint", api.url, "--project-id", served.PROJECT,
                    "--task", served.UID, "--archive", str(folder)]  # fmt: skip

        counted = traced(tmp_path / "log", arguments(tmp_path / "counted"), env=env)
        assert counted.code == 0, counted
        for number, fault in enumerate(faults(counted, 3)):
            folder = tmp_path / str(number)
            ended = traced(tmp_path / "log", arguments(folder), fault, env)
            hold(ended, 0, fault)
            bodies = sorted(folder.rglob("*.json")) if folder.exists() else []
            names = [path.name for path in bodies]
            assert not [name for name in names if name.startswith(".")], (fault, names)
            for path in bodies:
                json.loads(path.read_bytes())
            assert len(bodies) == (2 if ended.code == 0 else 0), (fault, names)


@long
def test_an_audit_goes_on_where_it_was(tmp_path: Path) -> None:
    fill(tmp_path / "in", 3)
    made = {"index.html", "responses.csv", "findings.csv", "junit.xml", "manifest.json"}

    def arguments(out: Path) -> list[str]:
        return ["audit", str(tmp_path / "in"), "--out", str(out), "--reports", "failed",
                "--jobs", "1", "--no-pdf", "-q"]  # fmt: skip

    whole = tmp_path / "counted"
    counted = traced(tmp_path / "log", arguments(whole))
    assert counted.code == 1, counted
    for number, fault in enumerate(faults(counted, 4)):
        out = tmp_path / str(number)
        ended = traced(tmp_path / "log", arguments(out), fault)
        if not ended.hit:  # it was a pipe's turn this time
            continue
        hold(ended, 1, fault)
        there = {path.name for path in out.iterdir()} if out.exists() else set()
        assert not [name for name in there if name.startswith(".") and name != ".lock"], fault
        if ended.code == 5:  # no page of an audit that did not finish
            assert there & made <= {"junit.xml"}, (fault, there, ended)
            if "junit.xml" in there:
                assert "<error" in (out / "junit.xml").read_text(encoding="utf-8"), fault
        else:
            assert made <= there, (fault, there)
        again = traced(tmp_path / "log", arguments(out))
        assert again.code == 1, (fault, ended, again)
        assert stored(out) == stored(whole), fault
        for name in made - {"manifest.json"}:
            assert (out / name).read_bytes() == (whole / name).read_bytes(), (fault, name)


def stored(out: Path) -> list[str]:
    return [row for row in dump(out / "audit.sqlite") if not row.startswith("meta")]
