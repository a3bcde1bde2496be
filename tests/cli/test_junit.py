"""JUnit beside an exit code that is not the verdict's: never green, and of the day of the run."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reporter.cli import run
from reporter.errors import OutputError

ROOT = Path(__file__).parents[2]
PASSES = [
    *("check", str(ROOT / "samples" / "published-autopilot" / "response.json")),
    *("--at", "response", "-q"),
]


@pytest.mark.parametrize("target", ["file", "-"])
def test_beside_a_report_that_can_not_be_written(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], target: str
) -> None:
    (tmp_path / "taken").write_text("x")
    page, junit = tmp_path / "taken" / "page.html", tmp_path / "junit.xml"
    named = "-" if target == "-" else str(junit)
    assert run([*PASSES, "--html", str(page), "--junit", named, "--csv", f"{tmp_path}/a.csv"]) == 5
    text = capfd.readouterr().out if target == "-" else junit.read_text()
    assert f"could not be written, so the exit code is 5: {page}<" in text
    assert 'name="exit-code" value="5"' in text
    assert text.count("<error") == 1
    assert (tmp_path / "a.csv").exists()


def test_beside_templates_with_a_mistake(tmp_path: Path) -> None:
    own = tmp_path / "own" / "html"
    own.mkdir(parents=True)
    (own / "report.html.j2").write_text("{{ nothing.of.that.name }}")
    page, junit = tmp_path / "page.html", tmp_path / "junit.xml"
    words = ["--templates", str(own.parent), "--html", str(page), "--junit", str(junit)]
    assert run([*PASSES, *words]) == 2
    assert f"so the exit code is 2: {page}<" in junit.read_text()


def test_beside_a_summary_that_can_not_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OutputError("the summary can't be written: No space left on device")

    monkeypatch.setattr("reporter.cli.check.summarise", full)
    junit = tmp_path / "junit.xml"
    assert run([*PASSES, "--junit", str(junit)]) == 5
    assert "so the exit code is 5: the summary<" in junit.read_text()


@pytest.mark.parametrize("at", ["2026-03-01T22:00:05+08:00", "response", None])
def test_an_input_nobody_can_read_is_of_the_instant_asked_for_or_of_now(
    tmp_path: Path, at: str | None
) -> None:
    (tmp_path / "r.json").write_text("hello")
    junit = tmp_path / "junit.xml"
    words = ["check", str(tmp_path / "r.json"), "--junit", str(junit)]
    before = datetime.now(UTC).replace(microsecond=0)
    assert run([*words, *(["--at", at] if at else [])]) == 4
    (stamp,) = re.findall('timestamp="([^"]+)"', junit.read_text())
    if at and at != "response":
        assert stamp == "2026-03-01T14:00:05"
    else:
        now = datetime.fromisoformat(stamp).replace(tzinfo=UTC)
        assert before <= now <= datetime.now(UTC) + timedelta(seconds=1)
