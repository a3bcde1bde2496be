"""What each sample's summary, record and texts for machines look like, word for word.

`make gold` accepts what comes out now; look at the difference before committing it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reporter import __version__
from reporter.cli.demo import Story, stories
from tests.acceptance.run import ROOT, command

GOLD = Path(__file__).parent.parent / "gold"
ENDINGS = {"junit": "xml", "json": "json", "markdown": "md", "sarif": "sarif", "csv": "csv"}


@pytest.mark.parametrize("story", list(stories()), ids=lambda story: story.name)
def test_the_outputs_of_a_story(story: Story, tmp_path: Path) -> None:
    files = {form: tmp_path / f"report.{ending}" for form, ending in ENDINGS.items()}
    options = [part for name, path in files.items() for part in (f"--{name}", str(path))]
    run = command("check", *story.arguments, *options, cwd=ROOT)
    actual = {"txt": run.out.encode()}
    actual |= {ENDINGS[form]: path.read_bytes() for form, path in files.items()}
    for ending, data in actual.items():
        expected = GOLD / f"{story.name}.{ending}"
        scrubbed = data.replace(__version__.encode(), b"VERSION")
        if os.environ.get("GOLD") == "accept":
            expected.write_bytes(scrubbed)
        assert scrubbed.decode() == expected.read_bytes().decode(), (
            f"{expected.name}: see `make gold`"
        )
