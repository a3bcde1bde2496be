"""The case files of every release hold for ever, and their evidence comes to the same verdict."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reporter.casefile import archive
from reporter.casefile.verify import Given, verify
from reporter.errors import InputError

from .build import HERE, PSEUDONYMS, public_pem

ROOT = HERE.parents[1]
RELEASES = sorted(folder for folder in HERE.iterdir() if (folder / "case.zip").is_file())
KEY = public_pem(), "compat.pub"


@pytest.mark.parametrize("folder", RELEASES, ids=lambda folder: str(folder.name))
def test_a_case_file_of_a_release(folder: Path) -> None:
    found = verify((folder / "case.zip").read_bytes(), "case.zip", Given(key=KEY))
    lines = {line.subject: line for line in found.lines}
    assert found.state != "differs", found.lines
    for subject in ("archive", "digests", "manifest", "signature"):
        assert lines[subject].state == "holds", lines[subject]
    assert lines["re-judged"].text.startswith("same ("), lines["re-judged"]
    # What the release wrote is compared by the release itself; its fonts may be elsewhere too.
    for line in found.lines:
        assert line.state == "holds" or re.search(r"check it with that one|font|wording", line.text)


@pytest.mark.parametrize("folder", RELEASES, ids=lambda folder: str(folder.name))
def test_a_redacted_case_file_of_a_release(folder: Path) -> None:
    whole = archive.unpack((folder / "case.zip").read_bytes(), "case.zip").members
    exhibits = [data for name, data in whole.items() if name.startswith("evidence/")]
    data = (folder / "redacted.zip").read_bytes()
    assert verify(data, "redacted.zip", Given(key=KEY)).exit_code == 3
    found = verify(data, "redacted.zip", Given(KEY, None, exhibits, PSEUDONYMS))
    assert found.state != "differs", found.lines
    judged = next(line for line in found.lines if line.subject == "re-judged")
    assert judged.text.startswith("same ("), judged


@pytest.mark.parametrize("folder", RELEASES, ids=lambda folder: str(folder.name))
def test_a_byte_of_it_changed_is_found(folder: Path) -> None:
    data = bytearray((folder / "redacted.zip").read_bytes())
    for place in range(200, len(data), len(data) // 9):
        data[place] ^= 1
        assert not _whole(bytes(data)), place
        data[place] ^= 1


def _whole(data: bytes) -> bool:
    try:
        return verify(data, "case.zip").state != "differs"
    except InputError:
        return False


def test_every_release_has_a_case_file() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    released = set(re.findall(r"^## \[(\d[^\]]*)\]", text, re.MULTILINE))
    assert released <= {folder.name for folder in RELEASES}
    assert RELEASES
