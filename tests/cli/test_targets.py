"""A command that ends before it could write leaves nothing of before, and takes nothing else."""

from __future__ import annotations

import gzip
import io
import json
import lzma
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

import pytest

from reporter.cli import app, run
from reporter.cli import judging as cli_judging
from reporter.cli.evidence import Evidence
from reporter.cli.targets import Writer, is_made_here
from reporter.interrupts import Interrupts
from tests.acceptance.run import ROOT

RESPONSE = str(ROOT / "samples" / "failed-addon" / "response.json")
SUITE = '<testsuite name="green" package="precheck.policy"></testsuite>'
GREEN = {
    "page.html": '<!doctype html><meta name="generator" content="cce-precheck 0"><title>green',
    "j.xml": f"<?xml version='1.0' encoding='utf-8'?>\n<testsuites>\n  {SUITE}\n</testsuites>",
}
INTERRUPTED = "interrupted; nothing half-written is left\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a response, and reports of yesterday."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(RESPONSE, "r.json")
    for name in ("page.html", "j.xml", "out.json", "out.json.meta.json"):
        Path(name).write_text(GREEN.get(name, "green"))
    return tmp_path


@pytest.mark.parametrize(
    "slip",
    [
        "--policy=", "--max-size 0", "--skip-list x.txt", "--pdf=", "--pdf d/",
        "--csv r.json", "--pdf page.html", "--json - --markdown -", "--tpye autopilot",
        "--type autopliot", "--lang zh_CN", "--view aprover", "--fail-on warning", "-q=yes",
        "--quiet=yes", "other.json", "--at",
    ],
)  # fmt: skip
def test_whatever_is_wrong_with_an_option_the_reports_asked_for_are_not_of_yesterday(
    folder: Path, slip: str, capfd: pytest.CaptureFixture[str]
) -> None:
    first = ["r.json", "--html", "page.html", "--junit=j.xml"]
    orders = [[*first, *slip.split()]]
    if slip != "--at":  # which has a value anywhere but at the end
        orders.append([*slip.split(), *first])
    for words in orders:
        (folder / "page.html").write_text("green")
        (folder / "j.xml").write_text("green")
        assert run(["check", *words]) == 2
        assert "Error: " in capfd.readouterr().err
        assert not (folder / "page.html").exists()
        assert "<error" in (folder / "j.xml").read_text()
        assert (folder / "r.json").read_bytes() == Path(RESPONSE).read_bytes()


@pytest.mark.parametrize(
    ("words", "target"),
    [
        ("bundle r.json -o page.html --lang fr", "page.html"),
        ("bundle r.json -qopage.html --lang fr", "page.html"),
        ("diff r.json --html page.html", "page.html"),
        ("render r.json --html page.html --bad", "page.html"),
        ("verify r.json --json out.json --bad", "out.json"),
        ("fetch --type autopliot --cluster x --region y --latest -o out.json", "out.json"),
        ("fetch --type autopilot --region y --latest --output out.json", "out.json"),
    ],
)
def test_so_it_is_with_every_command(folder: Path, words: str, target: str) -> None:
    assert run(words.split()) == 2
    assert not (folder / target).exists()
    assert (folder / "out.json.meta.json").exists() == (not words.startswith("fetch"))
    assert (folder / "r.json").exists()


def test_so_it_is_with_a_command_that_is_misspelt(folder: Path) -> None:
    assert run(["chekc", "r.json", "--junit", "j.xml", "--html=page.html"]) == 2
    assert "<error" in (folder / "j.xml").read_text()
    assert not (folder / "page.html").exists()
    assert (folder / "r.json").read_bytes() == Path(RESPONSE).read_bytes()
    for option in ("--policy=p", "--verify", "--fetch-it", "--check"):
        (folder / "j.xml").write_text(GREEN["j.xml"])
        assert run([option, "check", "r.json", "--junit", "j.xml"]) == 2
        assert "<error" in (folder / "j.xml").read_text()
    assert run(["unlike", "r.json", "--junit", "page.xml"]) == 2
    assert not (folder / "page.xml").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("check r.json --html page.html --html b.html", "--html is given twice"),
        ("check r.json --junit b.xml --html page.html --junit=j.xml", "--junit is given twice"),
        ("bundle r.json -o page.html --output b.zip", "--output is given twice"),
    ],
)
def test_of_two_places_for_one_report_neither_stays_of_yesterday(
    folder: Path, words: str, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    (folder / "b.html").write_text(GREEN["page.html"])
    (folder / "b.xml").write_text(GREEN["j.xml"])
    assert run(words.split()) == 2
    assert said in capfd.readouterr().err
    for name in ("page.html", "b.html", "j.xml", "b.xml"):
        if name in words.replace("=", " ").split() and (folder / name).exists():
            assert "<error" in (folder / name).read_text()
    assert run(["check", "r.json", "-q", "--html", "page.html", "--html=page.html"]) == 1


@pytest.mark.parametrize(
    "words",
    [
        "check r.json -p /proc/self/mem --junit j.xml --html page.html",
        "bundle r.json -p /proc/self/mem -o page.html",
        "--lang zh-CN check r.json --junit j.xml --html page.html",
        "-x y --bogus check r.json --junit j.xml --html page.html",
        "--junit j.xml --html=page.html check r.json",
    ],
)
def test_nothing_stays_of_yesterday_whatever_could_not_be_read(folder: Path, words: str) -> None:
    assert run(words.split()) == 2
    assert not (folder / "page.html").exists()
    if "j.xml" in words:
        assert "<error" in (folder / "j.xml").read_text()


def test_nothing_stays_of_yesterday_behind_an_error_of_ours(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reporter.cli.check.inputs_of", lambda *_: 1 // 0)
    assert run(["check", "r.json", "--junit", "j.xml", "--html", "page.html"]) == 70
    assert not (folder / "page.html").exists()
    assert "internal error: ZeroDivisionError" in (folder / "j.xml").read_text()


def test_an_end_of_input_is_no_interruption(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Though the library for command lines takes it for one."""

    def ended(*_: object) -> None:
        raise EOFError

    monkeypatch.setattr("reporter.cli.check.inputs_of", ended)
    assert run(["check", "r.json", "--html", "page.html"]) == 70
    assert "interrupted" not in capfd.readouterr().err
    assert not (folder / "page.html").exists()


def test_want_of_memory_is_no_bug_and_leaves_nothing_of_yesterday(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def greedy(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("reporter.cli.check.inputs_of", greedy)
    assert run(["check", "r.json", "--junit", "j.xml", "--html", "page.html"]) == 70
    assert "there is not enough memory" in (err := capfd.readouterr().err)
    assert "bug" not in err
    assert not (folder / "page.html").exists()


def test_own_templates_that_may_not_be_read_are_an_error_of_the_command_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (folder / "own").mkdir()

    def closed(path: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "exists", closed)
    assert run(["check", "r.json", "-q", "--templates", "own", "--html", "page.html"]) == 2
    assert "own: can't be read: Permission denied" in capfd.readouterr().err


def test_a_shells_question_is_none_where_something_is_to_be_judged(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_CCE_PRECHECK_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "cce-precheck che")
    monkeypatch.setenv("COMP_CWORD", "1")
    assert run(["check", "r.json", "-q", "--junit", "j.xml"]) == 1
    assert "<failure" in (folder / "j.xml").read_text()


def test_the_cases_of_a_policy_say_in_junit_what_was_wrong(folder: Path) -> None:
    assert run(["policy", "test", "--junit", "j.xml", "--bad"]) == 2
    assert "--bad" in (folder / "j.xml").read_text()


@pytest.mark.parametrize(
    "words",
    [
        "check --html r.json",  # which has taken the response for its value
        "check --tpye autopilot --html r.json",
        "check r.json --html r.json --bad",
        "check r.json --html link --bad",
        "check . --html r.json --bad",
        "check x.json -p r.json --html r.json --bad",
        "check x.json --bad r.json --html r.json",
        "check x.json --bad=r.json --html r.json",
        "bundle -o r.json",
        "diff x.json --json r.json",
        "verify --json r.json",
        "verify --bad none --json r.json",
        "check --bad=r.json --json hard",
        "render r.json --exhibit hard --html r.json --bad",
        "policy test --junit r.json --bad",
        "fetch --token-file r.json -o r.json --bad",
        "fetch --token-file n.meta.json -o n --bad",
        "fetch --ca-bundle r.json -o link --bad",
    ],
)
def test_what_is_or_may_be_read_stays(folder: Path, words: str) -> None:
    (folder / "link").symlink_to("r.json")
    (folder / "hard").hardlink_to(folder / "r.json")
    for name in ("n", "n.meta.json"):
        (folder / name).write_text("mine")
    assert run(words.split()) == 2
    assert (folder / "r.json").read_bytes() == Path(RESPONSE).read_bytes()
    assert (folder / "n.meta.json").read_text() == "mine"
    assert (folder / "n").read_text() == "mine"


def test_what_a_policy_extends_stays(folder: Path) -> None:
    (folder / "over.pol").write_text("extends: base.pol\n")
    (folder / "base.pol").write_text("kind: Policy\n")
    assert run(["check", "r.json", "-p", "over.pol", "--html", "base.pol", "--bad"]) == 2
    assert (folder / "base.pol").exists()


def test_a_report_that_nothing_reads_goes_even_where_the_response_is_missing(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (folder / "page.html").write_text(GREEN["page.html"] + "<script>{}</script>")
    (folder / "out.json").write_text("{}")
    words = ["check", "--html", "page.html", "--junit", "j.xml", "--json", "out.json"]
    assert run(words) == 2
    said = "warning: out.json: is left as it is: it may be what is to be read\n"
    assert capfd.readouterr().err.startswith(said)
    assert not (folder / "page.html").exists()
    assert "Missing argument" in (folder / "j.xml").read_text()


def test_an_unknown_flag_takes_no_argument_away(folder: Path) -> None:
    for words in ("--verbos r.json --json out.json", "r.json --verbos --json out.json"):
        (folder / "out.json").write_text('{"of": "yesterday"}')
        assert run(["check", *words.split()]) == 2
        assert not (folder / "out.json").exists()


def test_a_slip_asks_no_store_that_is_far_away(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(location: str) -> None:
        raise AssertionError(location)

    monkeypatch.setattr("reporter.sources.locations._in_store", asked)
    assert run(["check", "s3://bucket/r.json", "--html", "page.html", "--bad"]) == 2
    assert not (folder / "page.html").exists()


def test_an_audit_that_is_asked_wrongly_leaves_no_page_of_before(folder: Path) -> None:
    (folder / "in").mkdir()
    (folder / "r.json").rename(folder / "in" / "r.json")
    (folder / "bad.pol").write_text("rules: [")
    words = ["audit", "in", "--out", "o", "--no-pdf", "-q", "--jobs", "1", "--reports", "all"]
    out = folder / "o"
    for slip in (["-p", "bad.pol"], ["--jobs", "0"], ["--at", "xyz"], ["--engine", "dask"]):
        assert run(words) == 1
        assert (out / "index.html").exists()
        assert len(list((out / "reports").iterdir())) == 1
        assert run([*words, *slip]) == 2
        assert sorted(path.name for path in out.iterdir()) == ["audit.sqlite", "junit.xml"]
        assert "<error" in (out / "junit.xml").read_text()
    assert run(words) == 1
    # What is read there, and a folder of anybody else's, is not touched.
    assert run([*words, "-p", "o/index.html", "--bad"]) == 2
    assert run(["audit", "in", "--out", ".", "--bad"]) == 2
    assert (out / "index.html").exists()
    assert (folder / "page.html").exists()


# Interruptions ----------------------------------------------------------------------------------


def test_an_interruption_while_it_judges_leaves_no_report_of_before(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("reporter.cli.check.judged", interrupted)
    monkeypatch.setattr(cli_judging, "judged", interrupted)
    assert run(["check", "r.json", "--html", "page.html", "--junit", "j.xml"]) == 130
    assert capfd.readouterr().err.endswith(INTERRUPTED)
    assert sorted(path.name for path in folder.iterdir()) == [
        "out.json", "out.json.meta.json", "r.json",
    ]  # fmt: skip


@pytest.mark.parametrize(("moment", "number"), [("click", "SIGINT"), ("yaml._yaml", "SIGTERM")])
def test_a_signal_while_something_is_imported_is_an_interruption_like_any(
    folder: Path, moment: str, number: str
) -> None:
    script = (
        "import os, signal, sys\n"
        "class Early:\n"
        "    def find_spec(self, name, *_):\n"
        f"        if name == '{moment}':\n"
        f"            os.kill(os.getpid(), signal.{number})\n"
        "sys.meta_path.insert(0, Early())\n"
        "from reporter.__main__ import main\n"
        "main()\n"
    )
    words = ["check", "r.json", "-q", "--html", "page.html", "--at", "response"]
    done = subprocess.run(
        [sys.executable, "-c", script, *words],
        capture_output=True, text=True, check=False,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )  # fmt: skip
    # With or without the line that click begins behind a ^C.
    assert (done.returncode, done.stderr.lstrip("\n")) == (130, INTERRUPTED)
    assert not (folder / "page.html").exists()


def test_an_interruption_that_a_library_swallows_is_not_told_as_an_error() -> None:
    """As of pydantic's callbacks: the signal is noted, and the run ends by it."""
    script = (
        "from reporter.interrupts import Interrupts\n"
        "class Swallowing:\n"
        "    def __init__(self, error): self.error = error\n"
        "    def __del__(self): raise self.error\n"
        "Interrupts().hear()\n"
        "Swallowing(KeyboardInterrupt())\n"
        "Swallowing(ValueError('told'))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert "ValueError: told" in done.stderr
    assert "KeyboardInterrupt" not in done.stderr


def test_the_installed_command_hears_signals_first() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["scripts"] == {"cce-precheck": "reporter.__main__:main"}


def test_signals_raise_only_where_somebody_takes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    interrupts = Interrupts()
    interrupts._stop(signal.SIGTERM, None)
    assert interrupts.came == [signal.SIGTERM]
    with pytest.raises(KeyboardInterrupt):
        interrupts.obey()
    interrupts._stop(signal.SIGINT, None)  # of the same wish
    interrupts._latest -= 2
    with pytest.raises(KeyboardInterrupt):
        interrupts._stop(signal.SIGINT, None)
    interrupts.hold()
    interrupts._latest -= 2
    interrupts._stop(signal.SIGINT, None)


def test_every_option_that_names_a_file_to_write_is_known_as_one() -> None:
    """By what their help says; whoever adds one finds this."""
    import click

    def commands(group: click.Group) -> list[click.Command]:
        found = [group.get_command(click.Context(group), name) for name in group.list_commands(
            click.Context(group))]  # fmt: skip
        return [
            part
            for one in found
            if one is not None
            for part in (commands(one) if isinstance(one, click.Group) else [one])
        ]

    for command in commands(app):
        for part in command.params:
            if isinstance(part, click.Option) and part.metavar in ("F", "CASE.zip"):
                reads = "holds an IAM token" in (part.help or "") or "trust" in (part.help or "")
                assert reads or type(part).__name__ == "Target", (command.name, part.name)
                assert reads or isinstance(command, Writer)


def test_what_may_be_the_file_to_read_stays_where_an_option_is_misspelt(folder: Path) -> None:
    """Somebody may take `--json` for a flag, and the policy for the argument."""
    Path("prod.yaml").write_text("metadata: {name: p}")
    response = Path("r.json").read_bytes()
    for words in ("check --polcy prod.yaml --json r.json", "diff --json r.json x.json --polcy p"):
        assert run(words.split()) == 2
        assert Path("r.json").read_bytes() == response


@pytest.mark.parametrize("before", [b"a line of a log\n" * 8_000, b"\n" * 80_000])
def test_a_log_whose_response_begins_late_stays(folder: Path, before: bytes) -> None:
    Path("job.log").write_bytes(before + Path("r.json").read_bytes())
    assert run(["check", "--html", "job.log"]) == 2
    assert Path("job.log").exists()


@pytest.mark.parametrize(
    "words", ["--html --junit j.xml", "--policy --junit j.xml", "--junit j.xml --waivers --html"]
)
def test_an_option_whose_variable_is_not_set_takes_no_other(folder: Path, words: str) -> None:
    assert run(["check", "r.json", *words.split(), *(["page.html"] * words.endswith("html"))]) == 2
    assert "green" not in (folder / "j.xml").read_text()
    assert (folder / "page.html").exists() is not words.endswith("html")


def test_standard_input_and_output_are_two(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["check", "-", "--junit", "-", "--bogus"]) == 2
    assert "<error" in capsys.readouterr().out


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
def test_a_pipe_is_not_looked_into(folder: Path) -> None:
    """Nobody may ever write to it."""
    os.mkfifo("pipe")
    for words in ("check --html pipe", "check --verbos pipe --html page.html", "check --csv pipe"):
        assert run(words.split()) == 2
    assert Path("pipe").is_fifo()


def test_a_response_is_no_report_of_before(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("prod.yaml").write_text("metadata: {name: p}")
    response = Path("r.json").read_bytes()
    for form in ("json", "junit"):
        assert run(["check", f"--{form}", "r.json", "prod.yaml"]) == 4
        assert Path("r.json").read_bytes() == response
    assert "r.json: is left as it is" in capsys.readouterr().err
    assert run(["check", "r.json", "--at", "response", "--json", "record.json", "-q"]) == 1
    assert run(["check", "gone.json", "--json", "record.json"]) == 4
    assert not Path("record.json").exists()


# Among what is read -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("in", "in/page.html"),
        ("in", "in/deep/er/page.html"),
        ("in", "link/page.html"),
        ("link", "in/page.html"),
        ("in", "in/.page.json"),
        ("file://{here}/in", "in/page.html"),
        (".", "page.html"),
        ("in/*", "in/page.html"),
        ("in*/", "in/page.html"),
        ("*", "in/page.html"),
        ("{here}/i?/*.html", "link/page.html"),
        ("**", "in/deep/page.html"),
        ("**/*.html", "page.html"),
        ("**/*.html", "in/deep/page.html"),
        ("in/**/r/*.html", "in/r/page.html"),
        ("./in//./*.html", "in/page.html"),
        ("in/.*.html", "in/.page.html"),
    ],
)
def test_what_the_next_run_would_read_is_refused_on_the_first(
    folder: Path, location: str, target: str, capfd: pytest.CaptureFixture[str]
) -> None:
    (folder / "in").mkdir()
    (folder / "page.html").write_text("of somebody")
    shutil.copy("r.json", "in/r.json")
    (folder / "link").symlink_to("in")
    named = location.format(here=folder)
    assert Evidence([named]).location_of(target) == named.removeprefix("file://")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for words in (
        ["check", named, "--html"],
        ["bundle", named, "-o"],
        ["diff", named, "-", "--html"],
    ):
        assert run([*words, target]) == 2
        role = "is an input" if Path(target).exists() else "would be an input of the next run"
        assert f" {target}: {role}, for all of " in capfd.readouterr().err
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("in", "page.html"),
        ("in", "into/page.html"),
        ("in", "out/in/page.html"),
        ("in", "in/.out/page.html"),
        ("in", "in/.page.html"),
        ("*.json", "page.html"),
        ("in*/", "in.html"),
        ("in/*.json", "in/page.html"),
        ("in/*.html", "in/deep/page.html"),
        ("*/*.html", "page.html"),
        ("*", ".page.html"),
        ("in/[.]*", "in/.page.html"),
        ("**/*.html", "in/.out/page.html"),
        ("in/*.html", "elsewhere/page.html"),
        ("gone/*", "in/page.html"),
        ("r.json", "page.html"),
        ("-", "page.html"),
        ("s3://in/*", "in/page.html"),
        ("in", "/proc/self/fd/1"),
    ],
)
def test_what_no_run_would_read_is_not(folder: Path, location: str, target: str) -> None:
    (folder / "in").mkdir()
    assert Evidence([location]).location_of(target) is None


FORMS = ("html", "pdf", "junit", "json", "markdown", "sarif", "csv", "skip-list")


def test_there_a_report_of_ours_goes_and_nothing_else_does(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for form in FORMS:
        Path(form).mkdir()
    Path("skip-list.tf").mkdir()
    names = {form: f"{form}/{'s.json' if form == 'skip-list' else 'out'}" for form in FORMS}
    orders = [
        [word for form in FORMS for word in (f"--{form}", names[form])],
        ["--skip-list", "skip-list.tf/s.tf"],
    ]
    for words in orders:
        assert run(["check", "r.json", "--at", "response", "-q", *words]) == 1
    places = [(form, Path(names[form])) for form in FORMS]
    for form, path in [*places, ("skip-list", Path("skip-list.tf/s.tf"))]:
        ours = path.read_bytes()
        shutil.copy("r.json", path.parent / "r.json")
        evidence = [
            Path("r.json").read_bytes(),
            b"# how it was saved\n",
            b"\x1f\x8b",
            b"<?xml?><a/>",
            b"<!doctype html><title>console, saved</title>",
            b"%PDF-1.7 signed",
        ]
        for others in evidence:
            path.write_bytes(others)
            for slip in ([], ["--bogus"]):
                assert run(["check", str(path.parent), f"--{form}", str(path), *slip]) == 2
                assert path.read_bytes() == others
                said = f"warning: {path}: is left as it is: it lies in what is read\n"
                assert said in capfd.readouterr().err
        path.write_bytes(ours)
        assert run(["check", str(path.parent), f"--{form}", str(path)]) == 2
        if form == "junit":
            assert "<error" in path.read_text()
            assert run(["check", "junit", "--junit", str(path)]) == 2  # that is ours too
        assert path.exists() is (form == "junit")


@pytest.mark.parametrize("view", ["approver", "operator", "auditor"])
@pytest.mark.parametrize("lang", ["en", "zh-CN"])
def test_ours_are_known_in_every_view_and_language(folder: Path, view: str, lang: str) -> None:
    words = ["--html", "r.html", "--markdown", "r.md", "--view", view, "--lang", lang]
    assert run(["check", "r.json", "--at", "response", "-q", *words]) == 1
    assert is_made_here("r.html", "html")
    assert is_made_here("r.md", "markdown")
    long = Path("r.md").read_bytes()
    Path("r.md").write_bytes(long[:100] + b"- a finding\n" * 10_000 + long[100:])
    assert is_made_here("r.md", "markdown")


def test_junit_of_yesterday_in_a_folder_of_cases_is_written_anew(folder: Path) -> None:
    case = Path("cases")
    case.mkdir()
    shutil.copy(ROOT / "policies" / "tests" / "strict.yaml", case / "a.yaml")
    words = ["policy", "test", "cases", "--junit", "cases/junit.xml"]
    first = run(words), Path("cases/junit.xml").read_bytes()
    assert (run(words), Path("cases/junit.xml").read_bytes()) == first
    assert run([*words, "--bad"]) == 2
    assert "--bad" in Path("cases/junit.xml").read_text()
    Path("cases/junit.xml").write_text("a response of a case?")
    assert run(words) == 2
    assert Path("cases/junit.xml").read_text() == "a response of a case?"


@pytest.mark.parametrize("location", ["in", "in/**/*.json"])
def test_an_interruption_and_a_slip_walk_no_location(
    folder: Path, location: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be large or far away, and has perhaps been walked when the signal came."""
    (folder / "in").mkdir()
    walks: list[str] = []

    def walked(location: str) -> None:
        walks.append(location)
        raise KeyboardInterrupt

    monkeypatch.setattr("reporter.sources.locations.files_at", walked)
    monkeypatch.setattr("reporter.sources.locations.glob.glob", walked)
    words = ["check", location, "--html", "page.html", "--junit", "j.xml"]
    assert run(words) == 130
    assert len(walks) == 1
    assert not (folder / "page.html").exists()
    assert not (folder / "j.xml").exists()
    (folder / "page.html").write_text("green")
    assert run([*words, "--bogus"]) == 2
    assert len(walks) == 1
    assert not (folder / "page.html").exists()


def in_every_form(data: bytes) -> dict[str, bytes]:
    """A response as it is saved, logged, printed and packed."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.add("r.json")
    log = b"INFO 2026-11-20 response=\n"
    return {
        "plain": data,
        "behind a mark": b"\xef\xbb\xbf" + data,
        "UTF-16": data.decode().encode("utf-16"),
        "in a log": log + data,
        "late in a log": log * 5_000 + data,
        "escaped": json.dumps({"body": data.decode()}).encode(),
        "packed": gzip.compress(data),
        "in an archive": packed.getvalue(),
        "in a packed archive": lzma.compress(packed.getvalue()),
        "Java": b"class ShowAutopilotPreCheckResponse {\n    kind: PreCheckTask\n}",
    }


def test_a_response_in_any_form_is_no_report_of_before(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The file to read and an option's value the wrong way round."""
    assert run(["check", "r.json", "--at", "response", "--json", "record.json", "-q"]) == 1
    for form, data in in_every_form(Path("r.json").read_bytes()).items():
        for option in ("--json", "--junit", "--csv"):
            for slip, code in (([], 4), (["--bogus"], 2)):
                Path("saved").write_bytes(data)
                assert run(["check", option, "saved", "record.json", *slip]) == code
                assert Path("saved").read_bytes() == data, form
                assert "warning: saved: is left as it is: " in capfd.readouterr().err
    Path("saved").write_bytes(in_every_form(Path("r.json").read_bytes())["packed"])
    assert run(["bundle", "-o", "saved", "record.json"]) == 4
    assert Path("saved").exists()


@pytest.mark.parametrize(
    "data",
    [
        b"-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n",
        b"0123456789abcdef0123456789abcdef\n",
        b'{"apiVersion": "precheck.policy/v1", "kind": "Policy"}',
    ],
)
@pytest.mark.parametrize(
    "words",
    ["bundle r.json --key case.zip -o KEY", "check r.json --redact-key gone --json KEY",
     "check r.json -p gone.json --json KEY", "check gone.json --json KEY"],
)  # fmt: skip
def test_a_key_or_policy_in_the_place_of_a_report_stays(
    folder: Path, words: str, data: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    Path("k").write_bytes(data)
    assert run(words.replace("KEY", "k").split()) in (2, 4)
    assert Path("k").read_bytes() == data
    assert "warning: k: is left as it is: " in capfd.readouterr().err


def test_an_answer_of_before_goes_where_a_variable_of_fetch_is_not_set(folder: Path) -> None:
    """What is read here is no response; a key stays."""
    Path("key.pem").write_text("-----BEGIN CERTIFICATE-----")
    words = "fetch --type autopilot --cluster --region eu-west-101 --latest -o"
    assert run([*words.split(), "r.json"]) == 2
    assert run([*words.split(), "key.pem"]) == 2
    assert (Path("r.json").exists(), Path("key.pem").exists()) == (False, True)


def test_a_junit_among_what_a_pattern_finds_is_of_before(folder: Path) -> None:
    """However the pattern came upon it: by a link, or by a way up."""
    (folder / "a" / "today").mkdir(parents=True)
    (folder / "a" / "latest").symlink_to("today")
    shutil.copy("r.json", "a/latest/r.json")
    assert Evidence(["*/latest/*"]).location_of("a/latest/j.xml") == "*/latest/*"
    assert run(["check", "*/latest/*", "--junit", "a/latest/j.xml"]) == 2
    for pattern in ("*/latest/*", "a/../*/today/*"):
        shutil.copy("j.xml", "a/today/j.xml")
        assert run(["check", pattern, "--junit", "a/today/j.xml"]) == 2
        assert "<error" in Path("a/today/j.xml").read_text()


def test_a_case_file_of_before_is_none(folder: Path) -> None:
    assert run(["bundle", "r.json", "-o", "c.zip", "--at", "response", "--no-pdf", "-q"]) == 1
    case = Path("c.zip").read_bytes()
    assert run(["check", "gone.json", "--json", "c.zip"]) == 4  # which nobody has written there
    assert Path("c.zip").read_bytes() == case
    assert run(["bundle", "gone.json", "-o", "c.zip"]) == 4
    assert not Path("c.zip").exists()


@pytest.mark.parametrize(
    "words", ["verify c.zip --key --json k.pem x.json", "bundle r.json --key -o k.pem c.zip"]
)
def test_a_key_stays_where_nobody_knows_which_word_belongs_to_what(
    folder: Path, words: str
) -> None:
    Path("k.pem").write_text("-----BEGIN PRIVATE KEY-----\n")
    assert run(words.split()) == 2
    assert Path("k.pem").exists()


def test_what_may_be_the_value_of_an_option_that_lacks_one_is_not_removed(folder: Path) -> None:
    record = folder / "out.json"
    before = record.read_bytes()
    assert run(["--json", "verify", "out.json", "r.json"]) == 2
    assert record.read_bytes() == before
