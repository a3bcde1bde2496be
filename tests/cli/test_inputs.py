"""No command takes an empty name for no name, or writes over what it reads."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from reporter.cli import app, run
from reporter.cli.common import file_name
from reporter.policy.load import bases_of
from tests.acceptance.run import ROOT, command

RESPONSE = str(ROOT / "samples" / "waived-risk" / "response.json")


def _options(command: click.Command, words: str = "") -> Iterator[tuple[str, click.Option]]:
    """All options, with how they are written."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from _options(found, f"{words} {name}".strip())
    for option in command.params:
        if isinstance(option, click.Option):
            yield f"{words} {option.opts[-1]}", option


def test_every_option_of_a_file_refuses_an_empty_name() -> None:
    """An empty name is a variable that nobody has set: the file it was for would not be read."""
    of_files = {
        written: option
        for written, option in _options(app)
        if (option.metavar or "").startswith(("F", "DIR", "RESPONSE"))
    }
    assert len(of_files) > 40
    missed = [
        written
        for written, option in of_files.items()
        # What is written is refused with the name of its format.
        if not (option.help or "").startswith(("Write ", "Where to save"))
        and getattr(option.type, "func", None) is not file_name
    ]
    assert missed == []


@pytest.mark.parametrize(
    "words",
    [
        ("verify", "{record}", "--attestation", ""),
        ("verify", "{record}", "--redact-key", ""),
        ("verify", "{record}", "--exhibit", ""),
        ("verify", "{record}", "--json", ""),
        ("check", RESPONSE, "--catalogue", ""),
        ("check", RESPONSE, "--redact", "all", "--redact-key", ""),
        ("check", RESPONSE, "-w", ""),
        ("check", RESPONSE, "--html", ""),
        ("bundle", RESPONSE, "-o", "{case}", "--key", ""),
        ("policy", "test", "--junit", ""),
        ("diff", RESPONSE, RESPONSE, "--html", ""),
    ],
)
def test_an_empty_name_is_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    record, case = tmp_path / "record.json", tmp_path / "case.zip"
    record.write_text("{}")
    assert run([word.format(record=record, case=case) for word in words]) == 2
    said = capfd.readouterr().err
    assert "an empty name is no file's" in said or "needs the name of a file" in said
    assert not case.exists()


@pytest.mark.parametrize("name", ["p.yaml", "p.txt", "w.yaml", "r.json", "cases.yaml"])
def test_policy_test_writes_over_nothing_that_its_cases_name(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    shutil.copy(RESPONSE, tmp_path / "r.json")
    for policy in ("p.yaml", "p.txt"):
        shutil.copy(ROOT / "policies" / "recommended.yaml", tmp_path / policy)
    waivers = "apiVersion: precheck.policy/v1\nkind: WaiverList\nmetadata: {name: w}\nwaivers: []\n"
    (tmp_path / "w.yaml").write_text(waivers)
    (tmp_path / "cases.yaml").write_text(
        "apiVersion: precheck.policy/v1\nkind: PolicyTest\nmetadata: {name: t}\n"
        f"policy: {'p.txt' if name == 'p.txt' else 'p.yaml'}\nwaivers: [w.yaml]\n"
        "cases: [{name: a, response: r.json, at: response, expect: {outcome: fail}}]\n"
    )
    before = (tmp_path / name).read_bytes()
    words = ["policy", "test", str(tmp_path / "cases.yaml"), "--junit"]
    assert run([*words, str(tmp_path / name)]) == 2
    assert f"--junit {tmp_path / name}: " in capfd.readouterr().err
    assert (tmp_path / name).read_bytes() == before
    assert run([*words, str(tmp_path / "j.xml")]) == 0, capfd.readouterr().err


@pytest.mark.parametrize("name", ["shared/parts.j2", "html/own.html", "brand.yaml", "logo.svg"])
def test_no_report_is_written_over_a_template(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    own = tmp_path / "own"
    for folder in ("shared", "html"):
        (own / folder).mkdir(parents=True)
    (own / "brand.yaml").write_text(
        "apiVersion: precheck.brand/v1\nkind: Brand\norganisation: A\nlogo: logo.svg\n"
    )
    (own / "logo.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    (own / "shared" / "parts.j2").write_text('{% include "html/own.html" %}')
    (own / "html" / "own.html").write_text("own")
    before = (own / name).read_bytes()
    words = ["check", RESPONSE, "-q", "--at", "response", "--templates", str(own), "--json"]
    assert run([*words, str(own / name), "--html", str(tmp_path / "r.html")]) == 2
    assert f"--json {own / name}: " in capfd.readouterr().err
    assert (own / name).read_bytes() == before
    assert not (tmp_path / "r.html").exists()


LAYERS = {
    "over.pol": "extends: base.pol\n",
    "base.pol": 'extends: ["builtin:recommended", low/root]\n',
    "low/root": "",
    "wrong.pol": "extends: base.pol\nrules: [\n",
}


@pytest.fixture
def layers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A policy on a base on a base, none of them called .yaml; one that is no YAML."""
    (tmp_path / "low").mkdir()
    for name, text in LAYERS.items():
        head = "apiVersion: precheck.policy/v1\nkind: Policy\nmetadata: {name: p}\n"
        (tmp_path / name).write_text(head + text)
    shutil.copy(RESPONSE, tmp_path / "r.json")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("base", ["base.pol", "low/root"])
@pytest.mark.parametrize(
    "words",
    [
        ("check", "r.json", "-p", "over.pol", "--json"),
        ("check", "r.json", "-p", "wrong.pol", "--junit"),
        ("check", "r.json", "-p", "wrong.pol", "--html"),
        ("bundle", "r.json", "-p", "over.pol", "--no-pdf", "-o"),
        ("diff", "r.json", "r.json", "-p", "over.pol", "--json"),
    ],
)
def test_no_report_is_written_over_a_base(
    layers: Path, capfd: pytest.CaptureFixture[str], words: tuple[str, ...], base: str
) -> None:
    before = (layers / base).read_bytes()
    assert run([*words, base]) == 2
    assert f"{base}: the same file is an input" in capfd.readouterr().err
    assert (layers / base).read_bytes() == before


def test_bases_are_found_as_far_as_files_say(layers: Path) -> None:
    assert bases_of(["over.pol", "builtin:production", "none.pol"]) == ["base.pol", "low/root"]
    assert bases_of(["wrong.pol"]) == ["base.pol", "low/root"]
    (layers / "low" / "root").write_text('"ext\\x65nds": ../over.pol\n')  # a circle, spelled so
    assert bases_of(["over.pol"]) == ["base.pol", "low/../over.pol", "low/root"]
    os.mkfifo("pipe")  # it would be waited for, and read away
    assert bases_of(["pipe"]) == []


@pytest.mark.parametrize(
    ("option", "name"),
    [
        ("-w", "manifest.json"),
        ("-p", "index.html"),
        ("-p", "over.pol"),
        ("--compare-with", "audit.pdf"),
        ("--upgrades", "responses.csv"),
        ("--upgrades", "reports/0123456789abcdef.html"),
    ],
)
def test_an_audit_writes_over_nothing_it_is_told_to_read(
    layers: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    option: str,
    name: str,
) -> None:
    """Nor where the folder is reached by another name, or a base lies in it."""
    out = layers / "low"
    (out / "audit.sqlite").touch()  # as an audit that was begun leaves it
    (out / "reports").mkdir()
    if name != "over.pol":
        (out / name).write_text("kept")
    before = {path: path.read_bytes() for path in layers.rglob("*") if path.is_file()}
    said = "low/root" if name == "over.pol" else f"link/{name}"
    (layers / "link").symlink_to("low")
    given = name if name == "over.pol" else f"link/{name}"
    assert run(["audit", "r.json", "--jobs", "1", "--out", "low", option, given]) == 2
    assert f"{said} lies in --out" in capfd.readouterr().err
    monkeypatch.chdir(out)
    given = "../over.pol" if name == "over.pol" else name
    assert run(["audit", "../r.json", "--jobs", "1", "--out", ".", option, given]) == 2
    assert " lies in --out" in capfd.readouterr().err
    assert {path: path.read_bytes() for path in before} == before


def test_an_audit_judges_nothing_of_its_own_folder_by_whatever_name(
    layers: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = layers / "low"
    (out / "audit.sqlite").touch()
    shutil.copy(RESPONSE, out / "manifest.json")
    (layers / "link").symlink_to("low")
    words = ("--jobs", "1", "--no-pdf", "--out")
    assert run(["audit", "r.json", "link/manifest.json", *words, "low"]) == 4
    monkeypatch.chdir(out)
    assert run(["audit", "manifest.json", *words, "."]) == 4
    assert capfd.readouterr().err.count("lies in --out") == 2
    assert (out / "manifest.json").read_bytes() == Path(RESPONSE).read_bytes()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("check", RESPONSE, "--redact-key", "k"), "--redact-key is about --redact"),
        (("check", RESPONSE, "--paper", "letter"), "--paper is about --pdf"),
        (("check", RESPONSE, "--sarif-waived", "suppress"), "--sarif-waived is about --sarif"),
        (("check", RESPONSE, "--expect-cluster", "\udcff"), "is no id: it is not UTF-8"),
        (("check", RESPONSE, "--window", "2026-01-02/2026-01-01"), "the end lies before the start"),
        (("render", "{record}", "--redact-key", "k"), "--redact-key is about --redact"),
        (("diff", "-", "-"), "only one of the two can come from standard input"),
        (("diff", "{record}", "{record}", "-p", "builtin:recommended"), "both sides are records"),
    ],
)
def test_a_slip_in_the_options_of_any_command_takes_old_reports_away(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], words: tuple[str, ...], says: str
) -> None:
    record, page, junit = (tmp_path / name for name in ("record.json", "page.html", "junit.xml"))
    if "{record}" in words:
        assert run(["check", RESPONSE, "--at", "response", "-q", "--json", str(record)]) in (0, 1)
    given = [word.format(record=record) for word in words] + ["--html", str(page)]
    page.write_text("green")
    if words[0] != "diff":
        junit.write_text("green")
        given += ["--junit", str(junit)]
    assert run(given) == 2
    said = capfd.readouterr().err
    assert says in said
    assert "internal" not in said
    assert not page.exists()
    if words[0] != "diff":
        assert "<error" in junit.read_text()
        assert says in junit.read_text()
        assert "internal" not in junit.read_text()


@pytest.mark.parametrize(
    ("window", "start", "end"),
    [
        ("2026-11-26/2026-11-27", "2026-11-26T00:00:00Z", "2026-11-28T00:00:00Z"),
        ("2026-11-27/2026-11-27", "2026-11-27T00:00:00Z", "2026-11-28T00:00:00Z"),
        ("2026-11-26T20:00:00Z/2026-11-27", "2026-11-26T20:00:00Z", "2026-11-28T00:00:00Z"),
        ("2026-11-26/2026-11-26T08:00:00+08:00", None, None),
    ],
)
def test_a_day_that_ends_a_window_is_in_it(
    capfd: pytest.CaptureFixture[str], window: str, start: str | None, end: str | None
) -> None:
    words = ["check", RESPONSE, "--at", "response", "--json", "-", "--window", window]
    code = run(words)
    said = capfd.readouterr()
    if start is None:
        assert "the end lies before the start" in said.err
        return
    assert code in (0, 1)
    change = json.loads(said.out)["subject"]["change"]
    assert (change["window_start"], change["window_end"]) == (start, end)
    shown = " – ".join(f"{part[:10]} {part[11:16]} UTC" for part in (start, str(end)))
    assert f"Change    window {shown}" in said.err


@pytest.mark.parametrize("words", ["check", "bundle -o x", "render", "diff a", "verify"])
def test_an_empty_name_is_a_variable_that_nobody_has_set(
    capfd: pytest.CaptureFixture[str], words: str
) -> None:
    assert run([*words.split(), ""]) == 2
    assert "an empty name is no file's; is a variable not set?" in capfd.readouterr().err


def test_a_record_and_a_response_taken_for_each_other_are_told_whose_they_are(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    record = tmp_path / "record.json"
    assert run(["check", RESPONSE, "--at", "response", "-q", "--json", str(record)]) in (0, 1)
    assert run(["check", str(record)]) == 4
    assert "a record of this tool is for cce-precheck render, verify" in capfd.readouterr().err
    assert run(["verify", RESPONSE]) == 4
    assert "a response is judged by cce-precheck check" in capfd.readouterr().err


def test_a_report_on_standard_output_that_is_closed_is_not_written() -> None:
    words = f"check {RESPONSE} --at response -q"
    for more, code in (("--junit -", 5), ("", 1)):
        line = f"{sys.executable} -m reporter {words} {more} >&-"
        done = subprocess.run(
            ["sh", "-c", line], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stderr
        assert ("standard output: can't be written" in done.stderr) == (code == 5)


def test_a_link_in_whose_place_a_report_comes_is_told(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "www.html").write_text("of yesterday")
    link = tmp_path / "page.html"
    link.symlink_to("www.html")
    assert run(["check", RESPONSE, "--at", "response", "-q", "--html", str(link)]) == 1
    assert f"warning: {link}: is a link, whose place" in capfd.readouterr().err
    assert not link.is_symlink()
    assert (tmp_path / "www.html").read_text() == "of yesterday"


def test_a_slip_takes_no_template_away(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    brand = tmp_path / "brand.yaml"
    brand.write_text("apiVersion: precheck.brand/v1\nkind: Brand\norganisation: A\n")
    words = ["check", RESPONSE, "--templates", str(tmp_path), "--paper", "letter"]
    assert run([*words, "--json", str(brand)]) == 2
    assert "brand.yaml: " in capfd.readouterr().err
    assert brand.exists()


def test_standard_output_takes_one_report_under_whatever_name() -> None:
    for words in (
        ("--json", "-", "--junit", "/dev/fd/1"),
        ("--html", "/proc/self/fd/1", "--csv", "/dev/fd/1"),
    ):
        done = command("check", RESPONSE, *words)
        assert (done.code, done.out) == (2, "")
        assert "only one report can go to standard output" in done.err


def test_standard_output_under_another_name_has_the_report_alone(tmp_path: Path) -> None:
    """Also where it is a file: the report goes into it, and nothing is put in its place."""
    with (tmp_path / "out.json").open("wb") as file:
        words = ["check", RESPONSE, "-q", "--at", "response", "--json", "/dev/fd/1"]
        subprocess.run(
            [sys.executable, "-m", "reporter", *words],
            stdout=file, stderr=subprocess.PIPE, cwd=ROOT, check=False,
        )  # fmt: skip
    assert json.loads((tmp_path / "out.json").read_bytes())["kind"] == "Verdict"
