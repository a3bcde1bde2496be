"""The code blocks of a Markdown page, and how each is tried.

A page is a story: its blocks run in order, in one folder that holds the repository's `samples`
and `policies`. What a reader sees decides what happens:

- `console`: each `$ command` is run; the rows below it have to occur in what it prints, in this
  order (`…` alone stands for any number of rows, at the end of one for its rest).
  `$ echo $?` shows the exit code; without that it has to be a verdict's: 0, 1 or 3.
- `sh`: a script, which has to end with 0, or with a verdict that it shows.
- `sql`: asked of the store that an `audit` of the page has left.
- `yaml`: a file, or a part of a policy, that has to load; `json` has to be JSON.
- `python`: run; the blocks of a page share their names.
- `title="NAME"` behind the language also writes the block to the file NAME.
- `response.json`, a check with a failed Risk, is there; `<!-- given: NAME = PATH -->` copies a file
  of the repository into the folder.
- `<!-- not run: REASON -->` before a block says why it isn't; those are counted.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import check_jsonschema
import yaml
from click.testing import CliRunner

from reporter.catalogue.read import Catalogue
from reporter.cli import run
from reporter.policy.load import Policy

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    path
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    if path.name != "CHANGELOG.md" and path.parent.name != "reference"
)

_BLOCK = re.compile(
    r"(?:^<!-- (?P<note>[^\n]*) -->\n+)?"
    r"^(?P<indent> *)(?P<fence>```+)(?P<info>[^\n`]*)\n(?P<body>.*?)^ *(?P=fence) *$",
    re.MULTILINE | re.DOTALL,
)
_GIVEN = re.compile(r"^<!-- given: (\S+) = (\S+) -->$", re.MULTILINE)
_TITLE = re.compile(r'title="([^"]+)"')
_SHELL = re.compile(r"[|><;&$`*~]|^[A-Z_]+=")
_VERDICTS = (0, 1, 3)
_VERDICT = re.compile(r"^(?:[✓✕?] )?(?:Pass|Fail|Inconclusive)\b", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: Path
    line: int
    language: str
    title: str | None
    not_run: str | None
    text: str

    @property
    def place(self) -> str:
        """Where it stands, for a message."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path) -> Iterator[Block]:
    """All of them, in order."""
    text = page.read_text(encoding="utf-8")
    for found in _BLOCK.finditer(text):
        language, _, rest = found["info"].strip().partition(" ")
        note = found["note"] or ""
        title = _TITLE.search(rest)
        indent = len(found["indent"])
        yield Block(
            page=page,
            line=text.count("\n", 0, found.start("fence")) + 1,
            language=language,
            title=title[1] if title else None,
            not_run=note.removeprefix("not run: ") if note.startswith("not run: ") else None,
            text="".join(row[indent:] for row in found["body"].splitlines(keepends=True)),
        )


def given(page: Path) -> dict[str, Path]:
    """The files a page starts with."""
    return {name: ROOT / path for name, path in _GIVEN.findall(page.read_text(encoding="utf-8"))}


class Story:
    """A folder in which the blocks of one page are tried."""

    def __init__(self, page: Path, folder: Path) -> None:
        self.folder = folder
        self.names: dict[str, Any] = {}
        for name in ("samples", "policies", "templates"):
            (folder / name).symlink_to(ROOT / name)
        shutil.copy(ROOT / "samples" / "waived-risk" / "response.json", folder)
        for name, path in given(page).items():
            shutil.copy(path, folder / name)

    def tell(self, block: Block) -> None:
        """Try one block; AssertionError or the block's own exception when it is not as it says."""
        if block.title is not None:
            target = self.folder / block.title
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(block.text, encoding="utf-8")
        if block.not_run is not None:
            return
        if block.language == "console":
            self._console(block)
        elif block.language == "sh":
            code, said = self._shell(block.text)
            fine = code == 0 or (code in _VERDICTS and _VERDICT.search(said))
            assert fine, f"{block.place}: exit code {code}\n{said}"
        elif block.language == "sql":
            store = min(self.folder.rglob("*.sqlite"))
            with contextlib.closing(sqlite3.connect(store)) as connection:
                for statement in block.text.split(";\n"):
                    connection.execute(statement).fetchall()
        elif block.language == "yaml":
            self._yaml(block)
        elif block.language == "json":
            json.loads(block.text)
        elif block.language == "python":
            with contextlib.chdir(self.folder):
                exec(compile(block.text, block.place, "exec"), self.names)  # noqa: S102

    def _console(self, block: Block) -> None:
        code = 0
        for command, shown in _commands(block.text):
            if command == "echo $?":
                assert shown == [str(code)], f"{block.place}: exit code {code}, not {shown}"
                continue
            code, said = self._run(command)
            _compare(said, shown, f"{block.place}: $ {command}")
            followed = f"$ {command}" in block.text and "$ echo $?" in block.text
            assert code in _VERDICTS or followed, f"{block.place}: exit code {code}\n{said}"

    def _run(self, command: str) -> tuple[int, str]:
        if _SHELL.search(command) or not command.startswith("cce-precheck "):
            return self._shell(command)
        if command.startswith("cce-precheck audit "):  # has processes of its own
            return self._shell(command)
        stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
        with (
            contextlib.chdir(self.folder),
            contextlib.redirect_stdout(stream),
            contextlib.redirect_stderr(stream),
        ):
            code = run(shlex.split(command, comments=True)[1:])
        stream.seek(0)
        return code, stream.read()

    def _shell(self, script: str) -> tuple[int, str]:
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.folder,
            env={"GITHUB_STEP_SUMMARY": "step-summary.md", **os.environ, "PATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )
        return done.returncode, done.stdout

    def _yaml(self, block: Block) -> None:
        for data in yaml.safe_load_all(block.text):
            assert data is not None, f"{block.place}: empty"
            kind = kind_of(data)
            assert kind is not None, f"{block.place}: nobody knows what this YAML is"
            if kind in PIPELINES:
                check_pipeline(block.text, kind)
            elif kind == "Catalogue":
                Catalogue.load(self._saved(block, block.text))
            elif kind == "PolicyTest":
                code, said = self._run(f"cce-precheck policy test {block.title or ''}")
                assert code in (0, 1), f"{block.place}: {said}"
            elif kind == "Brand":
                assert block.title is not None, f"{block.place}: give it a title, and use it"
            elif kind == "WaiverList":
                Policy.load("builtin:recommended", waivers=[self._saved(block, block.text)])
            else:
                text = block.text if kind == "Policy" else yaml.safe_dump(completed(data))
                Policy.load(self._saved(block, text))

    def _saved(self, block: Block, text: str) -> Path:
        path = self.folder / (block.title or f"block-{block.line}.yaml")
        if block.title is None:
            path.write_text(text, encoding="utf-8")
        return path


def _commands(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each command of a console block, with the rows shown below it."""
    command: str | None = None
    shown: list[str] = []
    rows = iter(text.splitlines())
    for row in rows:
        if not row.startswith("$ "):
            assert command is not None, f"output before any command: {row}"
            shown.append(row.rstrip())
            continue
        if command is not None:
            yield command, shown
        command, shown = row[2:], []
        while command.endswith("\\"):
            command = command[:-1] + next(rows).strip()
    if command is not None:
        yield command, shown


def _compare(said: str, shown: list[str], place: str) -> None:
    left = iter([row.rstrip() for row in said.splitlines()])
    for row in shown:
        if row and row != "…":
            assert any(_same(row, other) for other in left), f"{place}: not {row!r}\n{said}"


def _same(shown: str, said: str) -> bool:
    """Whether a row is the one that is shown, which may leave its end to `…`."""
    return said.startswith(shown[:-1].rstrip()) if shown.endswith("…") else said == shown


# YAML -------------------------------------------------------------------------------------------

PIPELINES = {
    "GitHub workflow": "vendor.github-workflows",
    "GitHub action": "vendor.github-actions",
    "GitLab": "vendor.gitlab-ci",
    "Azure": "vendor.azure-pipelines",
    "pre-commit": None,
}
"""A pipeline's file → the schema that check-jsonschema ships for it."""

_MATCH_KEYS = {"check", "kind", "level", "group", "scope", "node", "where", "not", "any", "topic"}
_HEAD = {"apiVersion": "precheck.policy/v1", "kind": "Policy", "metadata": {"name": "docs"}}


def kind_of(data: Any) -> str | None:
    """What a YAML document of a page is; None where that is not clear."""
    if isinstance(data, list):
        return "part" if all(isinstance(row, dict) and "id" in row for row in data) else None
    if "apiVersion" in data:
        return str(data.get("kind"))
    if "jobs" in data and (True in data or "on" in data):
        return "GitHub workflow"
    if "runs" in data:
        return "GitHub action"
    if "repos" in data:
        return "pre-commit"
    if "steps" in data or ("stages" in data and isinstance(data["stages"][0], dict)):
        return "Azure"
    if "include" in data or any(isinstance(v, dict) and "script" in v for v in data.values()):
        return "GitLab"
    return "part"


def completed(data: Any) -> dict[str, Any]:
    """A part of a policy as the smallest policy that holds it."""
    if isinstance(data, list):
        return {**_HEAD, "waivers" if "expires" in data[0] else "rules": data}
    if "match" in data:
        return {**_HEAD, "rules": [{"id": "docs", "effect": "fail", **data}]}
    if set(data) <= _MATCH_KEYS:
        return {**_HEAD, "rules": [{"id": "docs", "effect": "fail", "match": data}]}
    return {**_HEAD, **data}


def check_pipeline(text: str, kind: str) -> None:
    """Hold a pipeline's file to the schema its service publishes, as check-jsonschema ships it."""
    schema = PIPELINES[kind]
    if schema is None:
        return
    options = ["--builtin-schema", schema]
    if kind in _TRANSFORMS:
        options += ["--data-transform", _TRANSFORMS[kind]]
    with tempfile.NamedTemporaryFile("w", suffix=".yml", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        done = CliRunner().invoke(check_jsonschema.main, [*options, file.name])
    assert done.exit_code == 0, done.output


_TRANSFORMS = {"Azure": "azure-pipelines", "GitLab": "gitlab-ci"}
