"""What a location names: nothing that lies there may hide, or be hidden by, something else."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from reporter.errors import InputError
from reporter.sources.locations import MAX_SIDECAR, files_at, is_one_file
from reporter.sources.read import Unreadable, read, read_responses

TASK = {"kind": "PreCheckTask", "apiVersion": "v3", "metadata": {"uid": "one"}, "spec": {}}
GOOD = json.dumps(TASK).encode()
OTHER = json.dumps({**TASK, "metadata": {"uid": "two"}}).encode()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _names(location: str) -> list[str]:
    return [file.name for file in files_at(location)]


def _outcomes(location: str) -> dict[str, str | None]:
    return {
        part.name if isinstance(part, Unreadable) else part.source.name: None
        if isinstance(part, Unreadable)
        else part.task.metadata.uid  # type: ignore[union-attr]
        for part in read_responses(location)
    }


# Wildcards --------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", ["", "file://{here}/"])
def test_a_file_called_as_the_pattern_hides_no_other(here: Path, start: str) -> None:
    for name in ("*.json", "a.json", "report[1].json", "report1.json"):
        (here / name).write_bytes(OTHER if name == "a.json" else GOOD)
    for pattern, names in {
        "*.json": ["*.json", "a.json", "report1.json", "report[1].json"],
        "report[1].json": ["report1.json", "report[1].json"],
        "report[[]1].json": ["report[1].json"],
        "[*].json": ["*.json"],
    }.items():
        location = start.format(here=here) + pattern
        assert [name.rpartition("/")[2] for name in _names(location)] == names
        if len(names) > 1:
            with pytest.raises(InputError, match="more than one response"):
                read(location)
    assert (is_one_file("report[1].json"), is_one_file("*.json")) == (False, False)


def test_a_name_with_a_wildcard_that_finds_nothing_else_is_one_file(here: Path) -> None:
    (here / "report[1].json").write_bytes(GOOD)
    assert is_one_file("report[1].json")
    assert read("report[1].json", name="ours").source.name == "ours"
    (here / "[x]").mkdir()
    assert not is_one_file("[x]")


@pytest.mark.parametrize("name", ["*", "**", "[ab]"])
def test_a_folder_called_as_the_pattern_hides_no_other(here: Path, name: str) -> None:
    for folder, data in ((name, GOOD), ("a", OTHER)):
        (here / folder).mkdir()
        (here / folder / "r.json").write_bytes(data)
    assert _outcomes(name) == {f"{name}/r.json": "one", "a/r.json": "two"}


def test_a_pattern_follows_no_link_out_of_the_folder_it_starts_in(here: Path) -> None:
    for folder, data in (("links", GOOD), ("elsewhere", OTHER)):
        (here / folder / "deep").mkdir(parents=True)
        (here / folder / "deep" / "r.json").write_bytes(data)
    (here / "links" / "in.json").symlink_to("deep/r.json")
    (here / "links" / "out.json").symlink_to("../elsewhere/deep/r.json")
    (here / "links" / "out").symlink_to("../elsewhere")
    found = {"links/in.json": "one", "links/deep/r.json": "one", "links/out.json": None}
    assert _outcomes("links/*.json") == {"links/in.json": "one", "links/out.json": None}
    assert _outcomes("links") == found | {"links/out": None}
    assert _outcomes("links/*") == found | {"links/out": None}
    assert _outcomes("links/*/*/*.json") == {"links/out/deep/r.json": None}
    assert _outcomes("links/**/*.json") == found | {"links/out": None}
    with pytest.raises(InputError, match="leads out of the folder"):
        read("links/ou*.json")
    assert _outcomes("*/out.json") == {"links/out.json": "two"}  # not out of this one
    (here / "other").symlink_to("links")  # the folder itself is what it points to
    assert _outcomes("other/i*.json") == {"other/in.json": "one"}


BOTH = ["saved/a/r.json", "saved/r.json"]


@pytest.mark.parametrize(
    "pattern",
    ["saved/**/*.json", "saved/**/r.json", "saved/**", "saved/**/", "saved/**/**/*.json",
     "saved/*", "**/r.json", "**/*/r.json", "saved/*/r.json", f"saved/{'*/' * 30}r.json",
     "saved/a/back/**/r.json", "saved/**/a/**/r.json"],
)  # fmt: skip
def test_a_pattern_comes_upon_a_folder_once_however_many_links_lead_there(
    here: Path, pattern: str
) -> None:
    """So it ends, and one file is one input."""
    (here / "saved" / "a").mkdir(parents=True)
    for path, data in zip(BOTH, (OTHER, GOOD), strict=True):
        (here / path).write_bytes(data)
    for link, to in (("latest", "."), ("current", "."), ("newest", "a"), ("a/back", "../a")):
        (here / "saved" / link).symlink_to(to)
    files = [file for file in files_at(pattern) if file.wrong is None]
    real = [os.path.relpath(os.path.realpath(file.path)) for file in files]
    assert sorted(real) == (BOTH if "a/" not in pattern else BOTH[:1])
    if pattern.startswith("saved/**/") and "/a/" not in pattern:
        assert sorted(file.name for file in files) == BOTH


def test_what_a_link_alone_leads_to_is_found_by_a_pattern(here: Path) -> None:
    (here / "saved" / ".kept").mkdir(parents=True)
    (here / "saved" / ".kept" / "r.json").write_bytes(GOOD)
    (here / "saved" / "now").symlink_to(".kept")
    assert _outcomes("saved/**/*.json") == {"saved/now/r.json": "one"}


# Notes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("location", ["x", "x/*", "file://{here}/x", "file://{here}/x/*"])
@pytest.mark.parametrize(
    "data",
    [OTHER, OTHER[:-1], gzip.compress(OTHER), OTHER.decode().encode("utf-16"),
     b" " * MAX_SIDECAR + OTHER],
    ids=["whole", "cut", "packed", "UTF-16", "late"],
)  # fmt: skip
def test_a_response_called_a_note_is_a_response(here: Path, location: str, data: bytes) -> None:
    (here / "x").mkdir()
    (here / "x" / "a.json").write_bytes(GOOD)
    (here / "x" / "a.json.meta.json").write_bytes(data)
    assert len(_names(location.format(here=here))) == 2
    with pytest.raises(InputError):
        read(location.format(here=here))
    note = {"sha256": "0" * 64, "cluster_id": "c", "type": "standard", "task_uid": "one"}
    (here / "x" / "a.json.meta.json").write_text(json.dumps(note, indent=2))
    assert read(location.format(here=here)).source.sidecar_misfit


@pytest.mark.parametrize("start", ["", "file://{here}/"])
@pytest.mark.parametrize("pattern", ["x/a.json.gz", "x/*.gz", "x"])
def test_a_note_that_comes_changes_or_goes_changes_the_stamp(
    here: Path, start: str, pattern: str
) -> None:
    (here / "x").mkdir()
    (here / "x" / "a.json.gz").write_bytes(gzip.compress(GOOD))
    location = start.format(here=here) + pattern

    def stamp() -> str:
        (file,) = files_at(location)
        found = file.stamp()
        assert found is not None
        assert found == file.stamp()
        return found

    seen = [stamp()]
    for name in ("a.json.meta.json", "a.json.gz.meta.json"):
        for text in ("{}", '{"sha256":""}'):
            (here / "x" / name).write_text(text)
            seen.append(stamp())
    assert len(set(seen)) == 5
    for path in (here / "x").glob("*.meta.json"):
        path.unlink()
    assert stamp() == seen[0]
    (here / "x" / "a.json.gz").unlink()
    assert all(file.stamp() is None for file in files_at(f"{here}/x/a.json.gz"))


def test_a_link_that_nobody_may_follow_leads_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.json").write_bytes(b"{}")
    (tmp_path / "link").symlink_to("/proc/1/cwd")
    followed = os.path.realpath

    def refused(path: str) -> str:
        if path.endswith("link"):
            raise PermissionError(path)
        return followed(path)

    monkeypatch.setattr(os.path, "realpath", refused)
    found = {file.name: file.wrong for file in files_at(str(tmp_path))}
    assert found.pop(f"{tmp_path}/a.json") is None
    (wrong,) = found.values()
    assert wrong is not None
    assert "leads out of the folder" in wrong.message


def test_a_folder_is_walked_to_any_depth(here: Path) -> None:
    top, limit = here / "deep", sys.getrecursionlimit()
    top.mkdir()
    try:
        os.chdir(top)
        for _ in range(limit + 100):
            os.mkdir("d")
            os.chdir("d")
        Path("r.json").write_bytes(b"{}")
        os.chdir(here)
        (file,) = files_at("deep")
        assert file.path.endswith("/d/r.json")
    finally:
        os.chdir(here)
        subprocess.run(["rm", "-rf", str(top)], check=True)  # shutil calls itself for each level
