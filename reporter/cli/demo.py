"""`cce-precheck demo`: writes the samples and judges every one of them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reporter.cli.common import CliExit
from reporter.errors import OutputError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

_COMMAND = re.compile(r"^\$?\s*cce-precheck check (.+?)$", re.MULTILINE)
VIEWED = "standard-40-nodes"
COMPARED = ("waived-risk", "expired-waiver")
_FORMATS = {
    "html": "html",
    "pdf": "pdf",
    "junit": "xml",
    "json": "json",
    "markdown": "md",
    "sarif": "sarif",
    "csv": "csv",
}


@dataclass(frozen=True)
class Story:
    """A sample: a folder with a response and a README that says how to judge it."""

    name: str
    title: str
    arguments: tuple[str, ...]


@click.command("demo")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
def command(folder: Path) -> None:
    """Write the samples to DIR, judge each, and write its reports beside them."""
    from reporter.resources import bundled

    for name in ("samples", "policies"):
        _copy(bundled(name), folder / name)
    worst = 0
    for story in stories():
        worst = max(worst, _tell(story, folder))
    worst = max(worst, _views(folder), _compare(folder))
    click.echo(f"\nReports are in {folder / 'reports'}; each story is told in its README.md.")
    if worst:
        raise CliExit(worst)


def stories() -> Iterator[Story]:
    """The samples, by name, with the arguments their README gives to `check`."""
    from reporter.resources import bundled

    folders = (entry for entry in bundled("samples").iterdir() if entry.is_dir())
    for folder in sorted(folders, key=lambda entry: entry.name):
        readme = folder / "README.md"
        if not readme.is_file():
            continue
        text = readme.read_text(encoding="utf-8").replace("\\\n", " ")
        found = _COMMAND.search(text)
        if found:
            title = text.splitlines()[0].lstrip("# ").removeprefix(f"{folder.name}:").strip()
            yield Story(folder.name, title, tuple(shlex.split(found[1])))


def _tell(story: Story, folder: Path) -> int:
    from reporter.cli import run

    arguments = [
        str(folder / part) if part.startswith(("samples/", "policies/")) else part
        for part in story.arguments
    ]
    targets = {form: folder / "reports" / f"{story.name}.{end}" for form, end in _FORMATS.items()}
    for form, target in targets.items():
        arguments += [f"--{form}", str(target)]
    click.echo(f"\n{story.name}: {story.title}")
    code = run(["check", *arguments, "--quiet"])
    click.echo(f"  exit code {code}")
    for target in targets.values():
        if target.exists():
            click.echo(f"  wrote {target}")
    # A verdict is what the tour is there to show; only an error of the tool ends it badly.
    return code if code not in (0, 1, 3) else 0


def _views(folder: Path) -> int:
    """The largest sample for three readers and in Chinese, from its record."""
    from reporter.cli import run

    record = folder / "reports" / f"{VIEWED}.json"
    if not record.is_file():
        return 0
    click.echo(f"\n{VIEWED}, from its record: for an approver, for an operator, and in Chinese")
    worst = 0
    for name, *options in (
        ("approver.pdf", "--view", "approver", "--pdf"),
        ("operator.html", "--view", "operator", "--html"),
        ("zh-CN.html", "--lang", "zh-CN", "--html"),
    ):
        target = folder / "reports" / f"{VIEWED}.{name}"
        code = run(["render", str(record), *options, str(target), "--quiet"])
        worst = max(worst, code if code not in (0, 1, 3) else 0)
        click.echo(f"  wrote {target}")
    return worst


def _compare(folder: Path) -> int:
    """Two checks of one cluster, two minutes apart: one failure is new, and one is fixed."""
    from reporter.cli import run

    old, new = (str(folder / "samples" / name / "response.json") for name in COMPARED)
    targets = [folder / "reports" / f"diff.{end}" for end in ("html", "md", "json")]
    options = [
        part
        for form, target in zip(("html", "markdown", "json"), targets, strict=True)
        for part in (f"--{form}", str(target))
    ]
    click.echo(f"\ndiff: {' and '.join(COMPARED)}, two checks of one cluster")
    code = run(["diff", old, new, *options, "--quiet"])
    click.echo(f"  exit code {code}")
    for target in targets:
        click.echo(f"  wrote {target}")
    return code if code not in (0, 1, 3) else 0


def _copy(source: Traversable, target: Path) -> None:
    try:
        target.mkdir(parents=True, exist_ok=True)
        for entry in source.iterdir():
            if entry.is_dir():
                _copy(entry, target / entry.name)
            else:
                (target / entry.name).write_bytes(entry.read_bytes())
    except OSError as error:
        raise OutputError(
            f"{target}: can't be written: {error.strerror}", hint="name another folder"
        ) from None
