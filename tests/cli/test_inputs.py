"""No command takes an empty name for no name, or writes over what it reads."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from reporter.cli import app, run
from reporter.cli.common import file_name
from tests.acceptance.run import ROOT

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
