"""Runs the installed command as a person would.

Starting Python and importing takes longer than most commands do. So a server that has imported all
of it is forked for each run, unless the run depends on how Python itself starts: with another
environment, behind another command, or where `REAL_STARTS` is set, as in `make prove`.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import TextIO, cast

from reporter.output import WRITERS

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "samples" / "published-autopilot" / "response.json"

OPTION_OF = {form: f"--{form.split('.')[0]}" for form in WRITERS if form != "skip-list.tf"}
"""Every format's option; `--skip-list` writes two, and is asked for the one."""

_IMPORTED = [
    "reporter.__main__",
    "reporter.cli",
    "reporter.cli.check",
    "reporter.cli.judging",
    "reporter.cli.render",
    "reporter.policy.assemble",
    "reporter.policy.evaluate",
    "reporter.policy.load",
    "reporter.output.json_record",
    "reporter.output.junit",
    "reporter.output.text",
    "reporter.sources.read",
]


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
    given = list(map(str, arguments))
    environment = _environment() | (env or {})
    if not before and not os.environ.get("REAL_STARTS") and environment == _server()[1]:
        return _forked(given, stdin, cwd)
    done = subprocess.run(
        [*before, sys.executable, "-m", "reporter", *given],
        input=stdin,
        capture_output=True,
        cwd=cwd,
        env=environment,
        check=False,
    )
    return Run(done.returncode, done.stdout.decode(), done.stderr.decode())


@cache
def _server() -> tuple[ForkServerContext, dict[str, str]]:
    """The server, and the environment it was started in."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_IMPORTED)
    return context, _environment()


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return {**kept, "PYTHONPATH": str(ROOT)}


def _forked(arguments: list[str], stdin: bytes, cwd: Path) -> Run:
    context, _ = _server()
    their_in, to = context.Pipe(duplex=False)
    out, their_out = context.Pipe(duplex=False)
    err, their_err = context.Pipe(duplex=False)
    streams = (their_in, their_out, their_err)
    child = context.Process(target=_as_command, args=(streams, arguments, str(cwd)))
    with to, out, err:
        child.start()
        for stream in streams:
            stream.close()
        with ThreadPoolExecutor(3) as threads:
            threads.submit(_write, to, stdin)
            said = [threads.submit(_read, stream) for stream in (out, err)]
        child.join()
    code = child.exitcode
    child.close()
    assert code is not None
    return Run(code, *(part.result().decode() for part in said))


def _write(to: Connection, stdin: bytes) -> None:
    with suppress(BrokenPipeError), open(to.fileno(), "wb", closefd=False) as file:
        file.write(stdin)
    to.close()


def _read(stream: Connection) -> bytes:
    with open(stream.fileno(), "rb", closefd=False) as file:
        return file.read()


def _as_command(streams: Sequence[Connection], arguments: list[str], cwd: str) -> None:
    """What the child of the server does: streams as Python makes them, then the command."""
    from reporter.__main__ import main

    for number, stream in enumerate(streams):
        os.dup2(stream.fileno(), number)
        stream.close()
    os.chdir(cwd)
    sys.stdin = _opened(0, "r", None)
    sys.stdout = _opened(1, "w", None)
    sys.stderr = _opened(2, "w", "backslashreplace")
    sys.argv[1:] = arguments
    main()


def _opened(number: int, mode: str, errors: str | None) -> TextIO:
    encoding = sys.stdout.encoding
    opened = open(number, mode, encoding=encoding, errors=errors, closefd=False)  # noqa: SIM115
    return cast("TextIO", opened)
