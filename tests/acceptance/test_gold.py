"""What each sample's summary, JUnit file and record look like, word for word.

`make gold` accepts what comes out now; look at the difference before committing it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from reporter import __version__
from reporter.cli.demo import Story, stories
from tests.acceptance.run import ROOT, command

GOLD = Path(__file__).parent.parent / "gold"


@pytest.mark.parametrize("story", list(stories()), ids=lambda story: story.name)
def test_the_outputs_of_a_story(story: Story, tmp_path: Path) -> None:
    files = {"junit": tmp_path / "junit.xml", "json": tmp_path / "record.json"}
    options = [part for name, path in files.items() for part in (f"--{name}", str(path))]
    run = command("check", *story.arguments, *options, cwd=ROOT)
    actual = {"txt": run.out, "xml": files["junit"].read_text(), "json": files["json"].read_text()}
    for ending, text in actual.items():
        expected = GOLD / f"{story.name}.{ending}"
        scrubbed = re.sub(re.escape(__version__), "VERSION", text)
        if os.environ.get("GOLD") == "accept":
            expected.write_text(scrubbed)
        assert scrubbed == expected.read_text(), f"{expected.name}: see `make gold`"
