"""Runs the installed command as a person would."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reporter.output import WRITERS

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "samples" / "published-autopilot" / "response.json"

OPTION_OF = {form: f"--{form.split('.')[0]}" for form in WRITERS if form != "skip-list.tf"}
"""Every format's option; `--skip-list` writes two, and is asked for the one."""


@dataclass(frozen=True)
class Run:
    """What a run left behind."""

    code: int
    out: str
    err: str


def command(
    *arguments: str | Path,
    stdin: bytes = b"",
    cwd: Path = ROOT,
    env: dict[str, str] | None = None,
    before: Sequence[str] = (),
) -> Run:
    """`cce-precheck` with these arguments, run by what comes `before`."""
    done = subprocess.run(
        [*before, sys.executable, "-m", "reporter", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
        check=False,
    )
    return Run(done.returncode, done.stdout.decode(), done.stderr.decode())
