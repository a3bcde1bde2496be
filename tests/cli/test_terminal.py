"""Colour, progress, completion and `doctor`: what a person at a terminal gets beside a verdict."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

from reporter.cli import doctor, run, terminal
from reporter.cli.doctor import DRAWING, FONTS, Part, examine
from reporter.cli.terminal import uses_color, working
from reporter.errors import OutputError
from reporter.output import pdf
from tests.acceptance.run import ROOT, command

BIN = Path(sys.executable).parent
SAMPLE = "samples/failed-addon/response.json"


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "CI", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")


# Colour -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variables", "option", "terminal", "pipe"),
    [
        ({}, False, True, False),
        ({}, True, False, False),
        ({"NO_COLOR": "1"}, False, False, False),
        ({"NO_COLOR": ""}, False, True, False),
        ({"FORCE_COLOR": "1"}, False, True, True),
        ({"FORCE_COLOR": "0"}, False, True, False),
        ({"FORCE_COLOR": "1"}, True, False, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, False, False),
        ({"TERM": "dumb"}, False, False, False),
        ({"CI": "true", "GITHUB_ACTIONS": "true"}, False, True, False),
    ],
)
def test_who_gets_colour(
    variables: dict[str, str],
    option: bool,
    terminal: bool,
    pipe: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert uses_color(_Terminal(), no_color=option) is terminal
    assert uses_color(io.StringIO(), no_color=option) is pipe


def test_a_log_in_colour_says_the_same_as_one_without() -> None:
    arguments = ("check", SAMPLE, "--type", "standard", "--at", "2026-11-20T09:30:00Z")
    plain = command(*arguments, env={"CI": "true"})
    colourful = command(*arguments, env={"CI": "true", "FORCE_COLOR": "1"})
    assert "\x1b" not in plain.out
    assert "\x1b[31m" in colourful.out
    assert _without_colour(colourful.out) == plain.out
    assert (plain.code, colourful.code) == (1, 1)
    rows = [row for row in plain.out.splitlines() if "https://" not in row]
    assert max(map(len, rows)) <= 80


def _without_colour(text: str) -> str:
    import re

    return re.sub(r"\x1b\[[0-9]*m", "", text)


# Progress ---------------------------------------------------------------------------------------


def test_long_work_is_told_on_a_terminal_and_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = _Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(terminal, "PATIENCE", 0.01)
    with working("writing \x1b]0;x\x07 a.pdf"):
        deadline = time.monotonic() + 5
        while not stream.getvalue() and time.monotonic() < deadline:
            time.sleep(0.005)
    said = stream.getvalue()
    assert said.startswith("\r… writing \ufffd a.pdf (0 s)\x1b[K")
    assert said.endswith("\r\x1b[K")


def test_short_work_a_pipe_and_quiet_are_told_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = _Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    with working("nothing much"):
        pass
    assert stream.getvalue() == ""
    monkeypatch.setattr(terminal, "PATIENCE", 0.0)
    with working("hidden", quiet=True):
        time.sleep(0.02)
    assert stream.getvalue() == ""
    pipe = io.StringIO()
    monkeypatch.setattr(sys, "stderr", pipe)
    with working("into a pipe"):
        time.sleep(0.02)
    assert pipe.getvalue() == ""


# Completion -------------------------------------------------------------------------------------

_ASKED = [
    ("cce-precheck pol", {"policy"}),
    ("cce-precheck check --expect-", {"--expect-cluster", "--expect-target"}),
    ("cce-precheck check --type ", {"autopilot", "standard"}),
    ("cce-precheck policy ex", {"explain"}),
]


@pytest.mark.parametrize(("typed", "offered"), _ASKED)
def test_bash_completes(typed: str, offered: set[str]) -> None:
    words = typed.split(" ")
    script = (
        'eval "$(cce-precheck completion bash)"; '
        f"COMP_WORDS=({' '.join(word or repr('') for word in words)}); "
        f"COMP_CWORD={len(words) - 1}; "
        '_cce_precheck_completion cce-precheck; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    assert set(_shell("bash", "--norc", "-c", script).split()) == offered


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not on this machine")
def test_fish_completes() -> None:
    loaded = "cce-precheck completion fish | source; "
    for typed, offered in _ASKED[:2]:
        said = _shell("fish", "--no-config", "-c", f'{loaded}complete -C "{typed}"')
        assert {row.split("\t")[0] for row in said.splitlines()} == offered
    files = _shell("fish", "--no-config", "-c", f'{loaded}complete -C "cce-precheck check READ"')
    assert files.split() == ["README.md"]


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not on this machine")
def test_zsh_takes_the_script_and_is_answered(tmp_path: Path) -> None:
    script = tmp_path / "completion.zsh"
    script.write_text(_shell("cce-precheck", "completion", "zsh"))
    assert _shell("zsh", "-n", str(script)) == ""
    loaded = (
        f"autoload -U compinit; compinit -u -D; source {script}; print ${{_comps[cce-precheck]}}"
    )
    assert _shell("zsh", "-f", "-c", loaded).strip() == "_cce_precheck_completion"
    words = {"COMP_WORDS": "cce-precheck check READ", "COMP_CWORD": "2"}
    said = _shell("cce-precheck", **words, _CCE_PRECHECK_COMPLETE="zsh_complete")
    assert said.split() == ["file", "READ", "_"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"COMP_WORDS": "cce-precheck ch"},
        {"COMP_WORDS": "cce-precheck ch", "COMP_CWORD": "x"},
        {"COMP_WORDS": "cce-precheck check \udcff", "COMP_CWORD": "2"},
    ],
    ids=["none", "no cursor", "no number", "no text"],
)
def test_a_question_that_no_shell_asks_is_answered_by_nothing_wrong(
    shell: str, variables: dict[str, str]
) -> None:
    # `_shell` finds nothing on standard error.
    said = _shell(
        sys.executable, "-m", "reporter", **variables, _CCE_PRECHECK_COMPLETE=f"{shell}_complete"
    )
    asked = len(variables) == 2 and (shell == "fish" or variables["COMP_CWORD"] == "2")
    assert bool(said) == asked


def _shell(*arguments: str, **variables: str) -> str:
    import os

    env = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", **variables}
    done = subprocess.run(
        arguments, capture_output=True, text=True, cwd=ROOT, env=env, check=False, timeout=60
    )
    assert done.stderr == ""
    return done.stdout


# Doctor -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def here() -> dict[str, Part]:
    """What this machine, which has everything, is found to have."""
    return {part.id: part for part in examine()}


def test_doctor_finds_everything_on_this_machine(here: dict[str, Part]) -> None:
    assert {part.state for part in here.values()} == {"ok"}
    assert metadata.version("weasyprint") in here["pdf"].said
    for name in ("pydantic", "click", "google-re2", "jinja2"):
        assert f"{name} {metadata.version(name)}" in here["libraries"].said


def test_doctor_says_what_a_pdf_lacks_and_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> None:
        raise OutputError("WeasyPrint can't load the libraries it draws with: no libpango")

    monkeypatch.setattr(pdf, "_weasyprint", broken)
    for system, other in (("Alpine", "brew"), ("macOS", "apk")):
        monkeypatch.setattr(doctor, "_system", lambda system=system: system)
        assert run(["doctor"]) == doctor.MISSING
        said = capsys.readouterr().out
        assert "✕ PDF" in said
        assert "no libpango" in said
        assert DRAWING[system] in said
        assert other not in said
        assert said.rstrip().endswith("Missing for every report: PDF")
    monkeypatch.setattr(doctor, "_system", lambda: None)
    run(["doctor"])
    said = capsys.readouterr().out
    assert all(f"{system}: {how}" in said for system, how in DRAWING.items())


def test_doctor_says_that_no_font_has_chinese(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        "reporter.output.render", lambda *of, warn, **more: warn("no font here has …") or b""
    )
    assert run(["doctor", "--json"]) == doctor.MISSING
    said = json.loads(capsys.readouterr().out)
    assert (said["apiVersion"], said["complete"]) == ("precheck.doctor/v1", False)
    (cjk,) = (part for part in said["parts"] if part["id"] == "cjk")
    assert (cjk["state"], cjk["remedies"]) == ("missing", dict(FONTS))


def test_extras_that_are_not_there_are_no_fault(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    known = metadata.version

    def version(name: str) -> str:
        if name in ("huaweicloudsdkcce", "fsspec", "s3fs"):
            raise metadata.PackageNotFoundError(name)
        return known(name)

    monkeypatch.setattr(metadata, "version", version)
    monkeypatch.setattr("reporter.output.render", lambda *of, **more: b"")
    assert run(["doctor"]) == 0
    said = capsys.readouterr().out
    assert "incomplete, without huaweicloudsdkcce" in said
    assert "pip install 'cce-precheck-reporter[remote]'" in said
    assert "Every report can be made on this machine" in said


def test_doctor_from_a_folder_that_was_never_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def requires(name: str) -> Iterator[str]:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", requires)
    monkeypatch.setattr("reporter.output.render", lambda *of, **more: b"")
    libraries = next(part for part in examine() if part.id == "libraries")
    assert libraries.state == "optional"


def test_a_command_that_is_none_is_told_the_nearest() -> None:
    for words, said in (
        (["chek"], "No such command 'chek'. Did you mean check?"),
        (["policy", "lnt"], "No such command 'lnt'. Did you mean lint?"),
        (["xyz"], "No such command 'xyz'."),
    ):
        ran = command(*words)
        assert ran.code == 2
        assert ran.err.endswith(f"Error: {said}\n")
