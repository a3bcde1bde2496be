"""A machine that misbehaves: no space, no rights, signals, odd locales and names.

A few rounds in the ordinary tests; `make hostile` sets `FAULT_ROUNDS=200`.
"""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pikepdf
import pytest
from lxml import etree

from reporter.cli import run
from reporter.interrupts import Interrupts
from tests.acceptance.run import PUBLISHED, ROOT, command

ROUNDS = int(os.environ.get("FAULT_ROUNDS", "2"))
NODES = ROOT / "samples" / "standard-40-nodes" / "response.json"
TEXTS = ("html", "junit", "json", "markdown", "sarif", "csv")
FORMS = ("pdf", *TEXTS)
THOROUGH = ROUNDS > 10
PROCESSES = 16 if THOROUGH else 4
ROOMS = (0, 1, 2_000, 20_000, 60_000, 100_000, 200_000) if THOROUGH else (0, 60_000)
VERDICT = 1  # of NODES
UNFINISHED = ROOT / "samples" / "unfinished-check" / "response.json"
HOSTILE = [
    "plain",
    "with space",
    "emoji-🚀",
    "new\nline",
    "-dash",
    "quote'\"",
    "$(touch owned)",
    "%s{0}",
]


def reports(folder: Path, forms: Sequence[str] = FORMS) -> list[str]:
    """The options that ask for reports in a folder."""
    return [word for form in forms for word in (f"--{form}", str(folder / f"r.{form}"))]


def whole(path: Path) -> None:
    """A report is there from its first byte to its last."""
    form, data = path.suffix[1:], path.read_bytes()
    if form == "pdf":
        with pikepdf.open(path) as pdf:
            assert len(pdf.pages) > 0
    elif form == "junit":
        etree.fromstring(data)
    elif form in ("json", "sarif"):
        json.loads(data)
    elif form == "html":
        assert data.rstrip().endswith(b"</html>")
    else:
        assert data.endswith(b"\n")


def nothing_half_written(folder: Path) -> None:
    for path in folder.iterdir():
        assert path.name.startswith("r."), f"{path.name} was left behind"
        whole(path)


def start(arguments: list[str], limit: Callable[[], None] | None = None) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "reporter", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=limit,
    )


def test_a_signal_at_any_moment_leaves_whole_reports_or_none(tmp_path: Path) -> None:
    chance = random.Random(1)
    begun = time.monotonic()
    start(["check", str(NODES), "--at", "response", "-q", *reports(tmp_path)]).communicate()
    longest = (time.monotonic() - begun) * 1.1
    codes = set()
    for number in range(ROUNDS):
        folder = tmp_path / str(number)
        folder.mkdir()
        running = start(["check", str(NODES), "--at", "response", "-q", *reports(folder)])
        time.sleep(chance.uniform(0.0, longest))
        running.send_signal(chance.choice([signal.SIGINT, signal.SIGTERM]))
        _, err = running.communicate(timeout=60)
        # Before Python has set up its own handling, a signal ends the process as it ends any.
        assert running.returncode in (130, VERDICT, -signal.SIGINT, -signal.SIGTERM), err
        early = any(word in err for word in (b"site", b"runpy"))
        assert b"Traceback" not in err or running.returncode < 0 or early, err
        codes.add(running.returncode)
        nothing_half_written(folder)
    assert codes


@pytest.mark.parametrize("room", ROOMS)
def test_a_disk_without_room_is_exit_5_and_nothing_half_written(tmp_path: Path, room: int) -> None:
    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    running = start(
        ["check", str(NODES), "--at", "response", "-q", *reports(tmp_path)], little_room
    )
    _, err = running.communicate(timeout=60)
    assert running.returncode == 5, err
    assert b"can't be written" in err
    assert b"Traceback" not in err
    nothing_half_written(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0 and not Path("/proc/self/fdinfo").exists(), reason="no /proc")
def test_a_folder_that_takes_no_files_is_exit_5(tmp_path: Path) -> None:
    ran = command("check", PUBLISHED, "--at", "response", *reports(Path("/proc/self/fdinfo")))
    assert ran.code == 5
    assert "Traceback" not in ran.err
    ran = command("check", PUBLISHED, "--at", "response", "--html", tmp_path)
    assert ran.code == 5
    assert "directory" in ran.err.lower()


ENVIRONMENTS: list[dict[str, str]] = [
    {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    {"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"},
    {"TZ": "Pacific/Kiritimati"},
    {"PYTHONHASHSEED": "7"},
    {"COLUMNS": "20", "LINES": "2"},
    {"SOURCE_DATE_EPOCH": "0"},
    {"PYTHONOPTIMIZE": "2"},
]
if not THOROUGH:
    ENVIRONMENTS = [{key: val for env in reversed(ENVIRONMENTS) for key, val in env.items()}]


@pytest.mark.parametrize("env", ENVIRONMENTS, ids=lambda env: "-".join(env))
def test_the_environment_changes_no_byte(tmp_path: Path, env: dict[str, str]) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for folder, extra in ((here, {}), (there, env)):
        asked = reports(folder, TEXTS)
        ran = command("check", UNFINISHED, "--at", "2026-11-20T09:30:00Z", "-q", *asked, env=extra)
        assert ran.code == 3, ran.err
    for form in TEXTS:
        assert (here / f"r.{form}").read_bytes() == (there / f"r.{form}").read_bytes(), form


def test_a_home_that_is_not_there_and_a_strict_umask(tmp_path: Path) -> None:
    def private() -> None:
        os.umask(0o077)

    running = subprocess.run(
        [sys.executable, "-m", "reporter", "check", str(PUBLISHED), "--at", "response",
         *reports(tmp_path)],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": "/nowhere", "XDG_CACHE_HOME": "/nowhere"},
        capture_output=True,
        preexec_fn=private,
        check=False,
    )  # fmt: skip
    assert running.returncode == 0, running.stderr
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    nothing_half_written(tmp_path)


@pytest.mark.parametrize("name", HOSTILE if THOROUGH else [" ".join(HOSTILE)], ids=ascii)
def test_any_name_of_folder_and_file(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    response = folder / f"{name}.json"
    response.write_bytes(PUBLISHED.read_bytes())
    policy = folder / f"{name}.yaml"
    policy.write_bytes((ROOT / "policies" / "recommended.yaml").read_bytes())
    out = folder / "out"
    ran = command(
        "check", response, "-p", policy, "--at", "response", *reports(out, TEXTS), cwd=folder
    )
    assert ran.code == 0, ran.err
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [response.name, policy.name, "out"]
    )
    nothing_half_written(out)


def test_many_processes_write_to_one_folder(tmp_path: Path) -> None:
    asked = reports(tmp_path, TEXTS)
    running = [
        start(["check", str(PUBLISHED), "--at", "2023-11-25T07:30:00Z", "-q", *asked])
        for _ in range(PROCESSES)
    ]
    for process in running:
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
    nothing_half_written(tmp_path)


def test_line_ends_of_windows_say_the_same(tmp_path: Path) -> None:
    response, policy = tmp_path / "r.json", tmp_path / "p.yaml"
    response.write_bytes(PUBLISHED.read_bytes().replace(b"\n", b"\r\n"))
    recommended = (ROOT / "policies" / "recommended.yaml").read_bytes()
    policy.write_bytes(recommended.replace(b"\n", b"\r\n"))
    ran = command("check", response, "-p", policy, "--at", "response", "--json", "-")
    assert ran.code == 0, ran.err
    plain = command("check", PUBLISHED, "-p", ROOT / "policies" / "recommended.yaml",
                    "--at", "response", "--json", "-")  # fmt: skip
    assert json.loads(ran.out)["counts"] == json.loads(plain.out)["counts"]


def test_a_signal_that_a_library_wraps_into_its_own_error_is_still_an_interruption(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = ["check", str(tmp_path / "missing.json")]
    assert run(missing) == 4
    capsys.readouterr()

    class Swallowed(Interrupts):
        def obey(self) -> None:
            self.came.append(signal.SIGINT)

    assert run(missing, Swallowed()) == 130
    assert capsys.readouterr().err == "interrupted; nothing half-written is left\n"
