"""What each sample's summary, record and texts for machines look like, word for word.

`make gold` accepts what comes out now; look at the difference before committing it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reporter import __version__
from reporter.cli.demo import COMPARED, Story, stories
from tests.acceptance.run import ROOT, command

GOLD = Path(__file__).parent.parent / "gold"
ENDINGS = {"junit": "xml", "json": "json", "markdown": "md", "sarif": "sarif", "csv": "csv"}


def assert_gold(name: str, data: bytes) -> None:
    """What came out is what was accepted."""
    expected = GOLD / name
    scrubbed = data.replace(__version__.encode(), b"VERSION")
    if os.environ.get("GOLD") == "accept":
        expected.write_bytes(scrubbed)
    assert scrubbed.decode() == expected.read_bytes().decode(), f"{name}: see `make gold`"


def test_the_outputs_of_a_comparison(tmp_path: Path) -> None:
    sides = [f"samples/{name}/response.json" for name in COMPARED]
    files = {form: tmp_path / f"diff.{ENDINGS[form]}" for form in ("markdown", "json")}
    options = [part for name, path in files.items() for part in (f"--{name}", str(path))]
    run = command("diff", *sides, *options, cwd=ROOT)
    assert run.code == 1
    assert_gold("diff.txt", run.out.encode())
    for path in files.values():
        assert_gold(path.name, path.read_bytes())


@pytest.mark.parametrize("story", list(stories()), ids=lambda story: story.name)
def test_the_outputs_of_a_story(story: Story, tmp_path: Path) -> None:
    files = {form: tmp_path / f"report.{ending}" for form, ending in ENDINGS.items()}
    options = [part for name, path in files.items() for part in (f"--{name}", str(path))]
    run = command("check", *story.arguments, *options, cwd=ROOT)
    actual = {"txt": run.out.encode()}
    actual |= {ENDINGS[form]: path.read_bytes() for form, path in files.items()}
    for ending, data in actual.items():
        assert_gold(f"{story.name}.{ending}", data)
