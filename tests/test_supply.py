"""What the project rests on: bounds, locks, and archives that are the same wherever they are built.

None of it asks a network; known vulnerabilities are looked up by `make supply`.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.acceptance.run import ROOT

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]
SHIPPED = [
    *PROJECT["project"]["dependencies"],
    *(part for extra in EXTRAS.values() for part in extra),
]
GROUPS = [part for group in PROJECT["dependency-groups"].values() for part in group]
CALENDAR = {"distributed", "fsspec", "s3fs"}
"""Versions by date: no number says what breaks."""

Lock = dict[str, list[Version]]


@cache
def lock(name: str) -> Lock:
    """The versions of each package; every one of them with its digests."""
    text = (ROOT / name).read_text(encoding="utf-8")
    found: Lock = {}
    for entry in re.split(r"\n(?=\S)", text.strip()):
        first, *rest = entry.replace("\\\n", "\n").split("\n")
        pinned = re.fullmatch(r"([a-z0-9-]+)(?:\[\w+\])?==(\S+)(?: ; .+)?", first.strip())
        assert pinned is not None, first
        assert rest, first
        for digest in rest:
            assert re.fullmatch(r"\s*--hash=sha256:[0-9a-f]{64}\s*", digest), entry
        found.setdefault(pinned[1], []).append(Version(pinned[2]))
    return found


@pytest.mark.parametrize("text", SHIPPED)
def test_what_is_shipped_is_bounded_where_majors_break(text: str) -> None:
    wanted = Requirement(text)
    operators = {part.operator for part in wanted.specifier}
    assert ">=" in operators
    assert "<" in operators or wanted.name in CALENDAR


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("requirements.lock", SHIPPED), ("requirements-dev.lock", [*SHIPPED, *GROUPS])],
)
def test_a_lock_holds_what_the_project_asks_for(name: str, wanted: list[str]) -> None:
    locked = lock(name)
    for text in wanted:
        asked = Requirement(text)
        versions = locked.get(canonicalize_name(asked.name))
        assert versions, f"{name} lacks {asked.name}: make lock"
        for version in versions:
            assert asked.specifier.contains(version), f"{name}: {asked.name} {version}: make lock"


def test_both_locks_say_the_same() -> None:
    every = lock("requirements-dev.lock")
    for name, versions in lock("requirements.lock").items():
        assert every[name] == versions, name


SOURCES = PROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]


def _built(folder: Path, umask: int, year: int) -> dict[str, bytes]:
    """Wheel and source archive of a copy of the sources, made at another time and under a umask."""
    before = os.umask(umask)
    try:
        folder.mkdir(parents=True)
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True
        )
        for name in listed.stdout.decode().split("\0")[:-1]:
            if not (ROOT / name).exists():
                continue
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, target)
            os.utime(target, (year * 31_556_952 - 62_000_000_000,) * 2)
        env = {key: val for key, val in os.environ.items() if key != "SOURCE_DATE_EPOCH"}
        subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "-d", "out"],
            cwd=folder,
            env={**env, "TZ": "Asia/Shanghai" if umask else "UTC", "PYTHONHASHSEED": str(year)},
            check=True,
            capture_output=True,
        )
    finally:
        os.umask(before)
    return {path.name: path.read_bytes() for path in (folder / "out").iterdir()}


@pytest.mark.wheel
def test_the_same_sources_give_the_same_bytes(tmp_path: Path) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("the sources are those of an archive")
    first = _built(tmp_path / "a", 0o022, 2001)
    second = _built(tmp_path / "somewhere else" / "b", 0o077, 2031)
    digests = [{name: sha256(data).hexdigest() for name, data in one.items()}
               for one in (first, second)]  # fmt: skip
    assert sorted(Path(name).suffix for name in first) == [".gz", ".whl"]
    if digests[0] != digests[1]:
        raise AssertionError(_differing(tmp_path))


def _differing(folder: Path) -> list[str]:
    """Which members differ, and in what."""
    found = []
    for one in sorted((folder / "a" / "out").iterdir()):
        other = folder / "somewhere else" / "b" / "out" / one.name
        members = []
        for path in (one, other):
            if path.suffix == ".whl":
                with zipfile.ZipFile(path) as wheel:
                    members.append([(i.filename, i.CRC, i.date_time, i.external_attr)
                                    for i in wheel.infolist()])  # fmt: skip
            else:
                with tarfile.open(path) as archive:
                    members.append([(i.name, i.size, i.mtime, i.mode, i.uid) for i in archive])  # type: ignore[misc]
        found += [f"{a} {b}" for a, b in zip(*members, strict=False) if a != b]
    return found[:20]
