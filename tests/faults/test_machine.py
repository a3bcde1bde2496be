"""A machine that lacks things: libraries, fonts, rights, a reader, a clock one can trust."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest

from reporter.cli import run
from reporter.policy import evaluate
from tests.acceptance.run import PUBLISHED, ROOT, Run, command
from tests.faults.test_faults import (
    FORMS,
    NODES,
    THOROUGH,
    UNFINISHED,
    nothing_half_written,
    reports,
)

long = pytest.mark.skipif(not THOROUGH, reason="make hostile")

# What a PDF is drawn with ---------------------------------------------------------------------

NOBODY_ELSE = 64_321
"""A user of whom no process runs."""
LIBRARIES = ("libpango-1.0.so.0", "libpangoft2-1.0.so.0", "libfontconfig.so.1")


def without_pdf(folder: Path, env: dict[str, str], before: Sequence[str] = ()) -> Run:
    """A check that asks for every report; the PDF's is the only one that is missing."""
    made = folder / "made"
    ran = command("check", NODES, "--at", "response", "-q", "--json", "-",
                  *reports(made, [form for form in FORMS if form != "json"]),
                  env=env, before=before)  # fmt: skip
    assert ran.code == 5, ran.err
    assert json.loads(ran.out)["outcome"] == "fail"  # nothing else got into it
    nothing_half_written(made)
    left = {path.name for path in made.iterdir()}
    assert left == {f"r.{form}" for form in FORMS if form not in ("json", "pdf")}
    told = [line for line in ran.err.splitlines() if "pdf" in line or "→" in line]
    assert len(told) == 2, ran.err
    assert told[0].startswith("--pdf: ")
    assert told[1].startswith("  → ")
    assert "Traceback" not in ran.err
    junit = (made / "r.junit").read_text()
    assert "<error" in junit
    assert "r.pdf" in junit
    return ran


@pytest.mark.parametrize("library", LIBRARIES if THOROUGH else LIBRARIES[:1])
def test_without_a_library_the_other_reports_come_out(tmp_path: Path, library: str) -> None:
    """What the loader comes upon first is no library: to it, as to us, there is none."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / library).write_bytes(b"")
    ran = without_pdf(tmp_path, {"LD_LIBRARY_PATH": str(tmp_path / "lib")})
    assert "WeasyPrint can't load a library it draws with: lib" in ran.err
    assert "libpango-1.0-0 libpangoft2-1.0-0" in ran.err


def test_without_fonts_the_other_reports_come_out(tmp_path: Path) -> None:
    config = tmp_path / "fonts.conf"
    config.write_text(f"<fontconfig><dir>{tmp_path}</dir></fontconfig>")
    ran = without_pdf(tmp_path, {"FONTCONFIG_FILE": str(config)})
    assert "a PDF needs fonts, and this machine has none" in ran.err
    assert "fonts-dejavu-core" in ran.err


@pytest.mark.parametrize("space", range(120, 400, 20) if THOROUGH else [180])
def test_with_little_memory_the_other_reports_come_out(tmp_path: Path, space: int) -> None:
    """Pango would end the process: with SIGSEGV, SIGTRAP or SIGABRT, by how far it comes."""
    before = ["sh", "-c", f'ulimit -v {space}000; exec "$@"', "sh"]
    ran = without_pdf(tmp_path, {}, before)
    assert re.search(r"a PDF needs (96 MiB more of memory|3 threads), which this process", ran.err)


def test_with_little_memory_a_record_is_read_all_the_same(tmp_path: Path) -> None:
    """Room for the largest that may come is not set aside."""
    before = ["sh", "-c", 'ulimit -v 300000; exec "$@"', "sh"]
    record, case = tmp_path / "r.json", tmp_path / "c.zip"
    assert command("check", NODES, "--at", "response", "-q", "--json", record).code == 1
    assert command("bundle", NODES, "--at", "response", "-q", "-o", case).code == 1
    assert command("render", record, before=before).code == 1  # the verdict's
    for file in (record, case):
        ran = command("verify", file, before=before)
        assert (ran.code, ran.err) == (3, "")  # a PDF can't be compared
        assert "Nothing differs, but not all of it could be checked." in ran.out


@pytest.mark.parametrize(
    ("form", "space", "code"), [("html", 900, 0), ("pdf", 900, 0), ("pdf", 100, 5)]
)
def test_templates_are_given_what_the_machine_allows(
    tmp_path: Path, form: str, space: int, code: int
) -> None:
    assert command("templates", "export", tmp_path / "own").code == 0
    made = tmp_path / f"r.{form}"
    ran = command("check", PUBLISHED, "--at", "response", "-q", "--templates", tmp_path / "own",
                  f"--{form}", made, before=["sh", "-c", f'ulimit -v {space}000; exec "$@"', "sh"]
                  )  # fmt: skip
    assert (ran.code, made.exists()) == (code, code == 0), ran.err
    assert ("allow it more" in ran.err) is (code == 5)


@pytest.mark.parametrize("processes", [1, 2, 3] if THOROUGH else [2])
def test_without_threads_the_other_reports_come_out(tmp_path: Path, processes: int) -> None:
    """Pango would end the process, or wait for ever."""
    rights = "+dac_override,+dac_read_search"
    user = ["setpriv", f"--reuid={NOBODY_ELSE}", "--clear-groups", f"--inh-caps={rights}",
            f"--ambient-caps={rights}"]  # fmt: skip
    if shutil.which("setpriv") is None or subprocess.run([*user, "true"], check=False).returncode:
        pytest.skip("a user of the test's own takes root, and setpriv")
    tmp_path.chmod(0o777)
    before = [*user, "bash", "-c", f'ulimit -u {processes}; exec "$@"', "bash"]
    ran = without_pdf(tmp_path, {}, before)
    assert "a PDF needs 3 threads, which this process may not have" in ran.err


# Locales --------------------------------------------------------------------------------------


@long
def test_turkish_changes_no_byte(tmp_path: Path) -> None:
    """Where i is no small I: the locale itself is there, made for the test."""
    made = subprocess.run(
        ["localedef", "-i", "tr_TR", "-f", "UTF-8", str(tmp_path / "tr_TR.UTF-8")],
        capture_output=True,
        check=False,
    )
    if made.returncode != 0:
        pytest.skip("no sources of locales (Debian: locales)")
    turkish = {"LOCPATH": str(tmp_path), "LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"}
    asked = "import locale; locale.setlocale(locale.LC_ALL, ''); print(locale.localeconv())"
    tried = subprocess.run(
        [sys.executable, "-c", asked],
        env={**os.environ, **turkish},
        capture_output=True,
        check=True,
    )
    assert b"'decimal_point': ','" in tried.stdout
    for folder, env in (("here", {}), ("there", turkish)):
        asked_for = reports(tmp_path / folder)
        ran = command("check", UNFINISHED, "--at", "response", "-q", *asked_for, env=env)
        assert ran.code == 3, ran.err
    for form in FORMS:
        one, other = (tmp_path / folder / f"r.{form}" for folder in ("here", "there"))
        assert one.read_bytes() == other.read_bytes(), form


# Folders nobody may write to ------------------------------------------------------------------


@cache
def bound() -> list[str]:
    """How to run a command that rights hold for, root's too; nothing where that can't be."""
    if os.geteuid() != 0:
        return []
    bounding = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--"]
    if shutil.which("setpriv") is None:
        pytest.skip("root, and no setpriv")
    return bounding


def as_anybody(*arguments: str | Path, env: dict[str, str] | None = None) -> Run:
    done = subprocess.run(
        [*bound(), sys.executable, "-m", "reporter", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **(env or {})},
        check=False,
    )
    assert b"Traceback" not in done.stderr, done.stderr
    return Run(done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[Path]:
    """A folder that may be read, with a report of an earlier run in it."""
    folder = tmp_path / "closed"
    folder.mkdir()
    (folder / "r.html").write_text("an earlier pass")
    folder.chmod(0o500)
    yield folder
    folder.chmod(0o700)


def test_a_folder_that_is_read_only_is_exit_5(closed: Path, tmp_path: Path) -> None:
    ran = as_anybody("check", PUBLISHED, "--at", "response", *reports(closed, ["html", "junit"]))
    assert ran.code == 5
    assert f"--html: {closed / 'r.html'}: can't be written: Permission denied" in ran.err
    assert f"--junit: {closed / 'r.junit'}: can't be written: Permission denied" in ran.err
    assert f"{closed / 'r.html'}: an earlier run's report holds no longer" in ran.err
    assert [path.name for path in closed.iterdir()] == ["r.html"]


@long
def test_other_commands_in_a_folder_that_is_read_only(closed: Path, tmp_path: Path) -> None:
    asked: list[list[str | Path]] = [
        ["bundle", PUBLISHED, "--at", "response", "--no-pdf", "-o", closed / "c.zip"],
        ["audit", PUBLISHED, "--out", closed / "audit"],
        ["templates", "export", closed / "templates"],
        ["demo", closed / "demo"],
    ]
    for arguments in asked:
        ran = as_anybody(*arguments)
        assert ran.code == 5, ran
        assert "can't be" in ran.err
    assert [path.name for path in closed.iterdir()] == ["r.html"]
    # An archive may be read-only, and so may be home and the place of temporary files.
    env = {"TMPDIR": str(closed), "HOME": str(closed), "XDG_CACHE_HOME": str(closed)}
    assert as_anybody("check", PUBLISHED, "--at", "response", *reports(tmp_path), env=env).code == 0
    out = tmp_path / "out"
    assert as_anybody("audit", PUBLISHED.parent, "--out", out, "--no-pdf", env=env).code in (0, 4)
    (out / "audit.sqlite").chmod(0o400)
    ran = as_anybody("audit", PUBLISHED.parent, "--out", out, "--no-pdf", "--rehash")
    assert ran.code == 5
    assert "readonly" in ran.err


# Readers that went away -----------------------------------------------------------------------

PIPED: list[tuple[list[str], set[int]]] = [
    (["check", str(NODES), "--at", "response"], {1}),
    (["check", str(NODES), "--at", "response", "--json", "-"], {5}),
    (["diff", str(NODES), str(NODES)], {0}),
    (["policy", "show", "builtin:recommended"], {0}),
    (["doctor", "--json"], {0}),
    (["--help"], {0}),
]


@pytest.mark.parametrize(("arguments", "codes"), PIPED if THOROUGH else PIPED[1:2], ids=str)
@pytest.mark.parametrize("gone", [("stdout",), ("stderr",), ("stdout", "stderr")], ids=str)
def test_a_reader_that_went_away(
    arguments: list[str], codes: set[int], gone: tuple[str, ...]
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    out, err = (writing if name in gone else subprocess.PIPE for name in ("stdout", "stderr"))
    done = subprocess.run(
        [sys.executable, "-m", "reporter", *arguments],
        cwd=ROOT,
        stdout=out,
        stderr=err,
        check=False,
    )
    os.close(writing)
    heard = "stdout" not in gone
    plain = {1} if arguments[0] == "check" else {0}
    assert done.returncode in (plain if heard else codes), done
    assert b"Traceback" not in (done.stderr or b"")
    assert b"Exception ignored" not in (done.stderr or b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["policy", "schema"], 5), (["check", "missing.json"], 4), (["nonsense"], 2)],
    ids=str,
)
def test_streams_of_a_full_disk(
    arguments: list[str], code: int, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """What can't be said changes no code: an input that is missing is exit 4, heard or not."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "reporter", *arguments],
            cwd=ROOT,
            stdout=full,
            stderr=subprocess.PIPE if code == 5 else full,
            check=False,
        )
    assert done.returncode == code
    if code == 5:
        assert done.stderr.startswith(b"standard output: can't be written: No space left on device")


# A clock that jumps ---------------------------------------------------------------------------

UPDATED = datetime(2023, 11, 25, 7, 21, 5, tzinfo=UTC)
"""Of the published response; it expires an hour later."""

DAY = timedelta(days=1)
CLOCKS = [
    datetime(1970, 1, 1, tzinfo=UTC),
    UPDATED - 400 * DAY,
    UPDATED - timedelta(hours=1),
    UPDATED + timedelta(minutes=5),
    UPDATED + 2 * DAY,
    datetime(2038, 1, 19, 3, 14, 8, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, tzinfo=UTC),
]


class Jumping(datetime):
    """A clock that says something else each time it is read."""

    times: Iterator[datetime] = iter(())
    read = 0

    @classmethod
    def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
        cls.read += 1
        return next(cls.times)


@pytest.mark.parametrize("first", range(len(CLOCKS)))
def test_a_clock_that_jumps_is_read_once(
    first: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whatever it says afterwards, one instant judges all, and stands in the record."""
    monkeypatch.setattr(evaluate, "datetime", Jumping)
    Jumping.times, Jumping.read = iter(CLOCKS[first:] + CLOCKS[:first]), 0
    record = tmp_path / "r.json"
    code = run(["check", str(PUBLISHED), "-q", "--at", "now", "--json", str(record)])
    assert Jumping.read == 1
    told = json.loads(record.read_text(encoding="utf-8"))
    assert datetime.fromisoformat(told["instant"]["at"]) == CLOCKS[first]
    conditions = {part["code"] for part in told["conditions"]}
    if CLOCKS[first] > UPDATED + timedelta(hours=1):
        assert (code, told["outcome"]) == (3, "inconclusive")
    else:  # before the check was made: never without a word
        assert code == 0
        assert ("condition.before-check" in conditions) is (CLOCKS[first] < UPDATED)


def test_the_clock_is_read_in_these_places_alone() -> None:
    reading = {
        str(path.relative_to(ROOT / "reporter"))
        for path in (ROOT / "reporter").rglob("*.py")
        if "datetime.now(" in (text := path.read_text(encoding="utf-8")) or "time.time(" in text
    }
    assert reading == {
        "policy/evaluate.py",  # --at now, once for a verdict
        "cli/audit.py",  # once for an audit, and kept for its --resume
        "cli/policy/explain.py",
        "cli/policy/lint.py",
        "cli/policy/preview.py",
        "cli/policy/suggest.py",
        "cli/common.py",  # when a run without a verdict was made, in JUnit
        "cli/fetch.py",  # when an answer came, in its note
        "live/client.py",  # Retry-After as a date
    }
