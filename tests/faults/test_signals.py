"""SIGINT and SIGTERM at random moments of the commands that take long; `make hostile`.

`test_faults.py` has the same for `check`, in every run.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reporter.audit.store import dump
from tests.acceptance.run import ROOT, command
from tests.audit.archive import fill
from tests.faults.test_faults import NODES, ROUNDS, THOROUGH

pytestmark = pytest.mark.skipif(not THOROUGH, reason="make hostile")
BEFORE_PYTHON = (-signal.SIGINT, -signal.SIGTERM)
"""Before Python has set up its own handling, a signal ends the process as it ends any."""

SAID = "interrupted; nothing half-written is left\n"


def interrupted(seed: int, start: Callable[[int], list[str]], allowed: set[int]) -> Iterator[int]:
    """Rounds of a command, each ended by a signal at some moment; the number of each round."""
    chance = random.Random(seed)
    begun = time.monotonic()
    _run(start(0), None, None)
    longest = (time.monotonic() - begun) * 1.1
    codes: dict[int, int] = {}
    for number in range(1, ROUNDS + 1):
        moment = chance.uniform(0.0, longest)
        code, err = _run(start(number), moment, chance.choice([signal.SIGINT, signal.SIGTERM]))
        codes[code] = codes.get(code, 0) + 1
        told = (number, moment, code, err)
        assert code in {130, *allowed, *BEFORE_PYTHON}, told
        if code == 130:
            assert err.endswith(SAID), told
            assert err.count("\n") <= 4, told
        elif code >= 0:
            assert err == "", told
        yield number
    assert codes.get(130, 0) > ROUNDS // 4, codes


def _run(arguments: list[str], moment: float | None, number: int | None) -> tuple[int, str]:
    running = subprocess.Popen(
        [sys.executable, "-m", "reporter", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    if moment is not None and number is not None:
        time.sleep(moment)
        running.send_signal(number)
        if moment * 1000 % 2 < 1:  # and some of them once more, while the first is being obeyed
            time.sleep(moment * 1000 % 1 / 50)
            running.send_signal(signal.SIGTERM)
    _, err = running.communicate(timeout=60)
    _nobody_left(running.pid)
    # What the interpreter says of a signal before any line of ours ran is not ours to mend.
    text = err.decode()
    early = "Traceback" in text and "reporter/" not in text
    return (-signal.SIGINT if early else running.returncode), text


def _nobody_left(group: int) -> None:
    """Workers end with the command that started them."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.02)
    raise AssertionError(f"processes of the group {group} go on")


def test_bundle(tmp_path: Path) -> None:
    def start(number: int) -> list[str]:
        return ["bundle", str(NODES), "--at", "response", "-q",
                "-o", str(tmp_path / str(number) / "case.zip")]  # fmt: skip

    for number in interrupted(11, start, {1}):
        folder = tmp_path / str(number)
        for path in folder.iterdir() if folder.exists() else ():
            assert path.name == "case.zip"
            assert path.read_bytes() == (tmp_path / "0" / "case.zip").read_bytes()
            assert zipfile.ZipFile(path).testzip() is None


def test_verify(tmp_path: Path) -> None:
    case = tmp_path / "case.zip"
    assert command("bundle", NODES, "--at", "response", "-q", "-o", case).code == 1

    def start(_: int) -> list[str]:
        return ["verify", str(case), "-q"]

    before = sorted(Path("/tmp").glob("cce-*"))
    for _ in interrupted(12, start, {0}):
        assert sorted(path.name for path in tmp_path.iterdir()) == ["case.zip"]
    assert sorted(Path("/tmp").glob("cce-*")) == before


def test_audit(tmp_path: Path) -> None:
    fill(tmp_path / "in", 40)

    def start(number: int) -> list[str]:
        return ["audit", str(tmp_path / "in"), "--out", str(tmp_path / str(number)), "--no-pdf",
                "-q", "--jobs", "2", "--reports", "failed"]  # fmt: skip

    whole = stored(tmp_path / "0") if (tmp_path / "0").exists() else []
    for number in interrupted(13, start, {1}):
        whole = whole or stored(tmp_path / "0")
        out = tmp_path / str(number)
        names = [path.name for path in out.rglob("*")] if out.exists() else []
        assert not [name for name in names if name.startswith(".") and name != ".lock"], names
        again = command(*start(number))
        assert again.code == 1, (number, again)
        assert stored(out) == whole, number
        assert (out / "index.html").read_bytes() == (tmp_path / "0" / "index.html").read_bytes()


def stored(out: Path) -> list[str]:
    return [row for row in dump(out / "audit.sqlite") if not row.startswith("meta")]
