"""The wheel, installed elsewhere without the repository, does the same job."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from reporter.cli.demo import VIEWED
from tests.acceptance.run import ROOT

pytestmark = pytest.mark.wheel


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with the wheel in it; its libraries come from this one."""
    folder = tmp_path_factory.mktemp("wheel")
    env = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}
    build = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(folder)]
    subprocess.run([*build, str(ROOT)], check=True, capture_output=True, env=env)
    (wheel,) = folder.glob("*.whl")
    _ready_for_an_index(wheel)
    home = folder / "env"
    venv.create(home, with_pip=True)
    python = home / "bin" / "python"
    subprocess.run(
        [str(python), "-m", "pip", "install", "--quiet", "--no-deps", str(wheel)], check=True
    )
    libraries = next(Path(path) for path in sys.path if path.endswith("site-packages"))
    (target,) = home.glob("lib/python*/site-packages")
    # Only the libraries: this project's own editable install must not be seen.
    (target / "libraries.pth").write_text(f"{libraries}\n")
    return home / "bin" / "cce-precheck"


def _ready_for_an_index(wheel: Path) -> None:
    """What an index shows of it: it renders, and no link leads to where nothing is."""
    check = [sys.executable, "-m", "twine", "--no-color", "check", "--strict", str(wheel)]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        metadata = archive.read(name).decode()
        assert any(name.endswith("licenses/LICENSE") for name in archive.namelist())
    assert "License-Expression: Apache-2.0" in metadata
    shown = metadata.partition("\n\n")[2]
    assert shown.startswith("# cce-precheck")
    assert all(link.startswith("](https://") for link in re.findall(r"\]\(.*?\)", shown))
    assert "<!--" not in shown


def test_the_installed_command_runs_the_tour(installed: Path, tmp_path: Path) -> None:
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    python = installed.parent / "python"
    where = subprocess.run(
        [str(python), "-c", "import reporter; print(reporter.__file__)"],
        check=True, capture_output=True, text=True, cwd=tmp_path, env=env,
    )  # fmt: skip
    assert str(ROOT) not in where.stdout
    done = subprocess.run(
        [str(installed), "demo", "tour"],
        capture_output=True, text=True, cwd=tmp_path, env=env, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "tour" / "reports" / "diff.html").stat().st_size > 500
    chinese = (tmp_path / "tour" / "reports" / f"{VIEWED}.zh-CN.html").read_text()
    assert "暂不可升级" in chinese
    for view in ("approver.pdf", "operator.html"):
        assert (tmp_path / "tour" / "reports" / f"{VIEWED}.{view}").stat().st_size > 500
    package = Path(where.stdout.strip()).parent
    for schema in ("verdict.schema.json", "diff.schema.json"):
        assert (package / "record" / schema).is_file()
    stories = [path.name for path in (ROOT / "samples").iterdir() if path.is_dir()]
    for story in stories:
        for end in ("html", "pdf", "xml", "json", "md", "sarif", "csv"):
            assert (tmp_path / "tour" / "reports" / f"{story}.{end}").stat().st_size > 500
