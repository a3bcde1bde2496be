"""The command line: the only place with prints, flags and exit codes."""

from __future__ import annotations

import codecs
import contextlib
import errno
import gc
import io
import math
import os
import re
import signal
import sys
import time
from collections.abc import Iterator, Sequence

import click

from reporter import __version__
from reporter.cli import completion
from reporter.cli.common import EXIT_CODES, CliExit, exit_code_of, say_error, silence
from reporter.cli.lazy import LazyGroup
from reporter.cli.streams import heard
from reporter.errors import OutputError, ReporterError

INTERNAL_ERROR = 70
INTERRUPTED = 130

SAME_WISH = 1.0
"""Seconds within which several signals are one."""

COMMANDS = (
    "check",
    "render",
    "bundle",
    "verify",
    "fetch",
    "diff",
    "audit",
    "demo",
    "policy",
    "catalogue",
    "doctor",
    "completion",
    "templates",
)


@click.group(
    cls=LazyGroup,
    package=__name__,
    names=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="\b\n" + "\n".join(f"{code:>4}  {meaning}" for code, meaning in EXIT_CODES.items()),
)
@click.version_option(__version__, prog_name="cce-precheck")
def app() -> None:
    """May this Kubernetes cluster be upgraded?

    Judges the answer of a Huawei Cloud CCE pre-upgrade check against YAML policies, and writes
    the reports that a change approval, a pipeline and an auditor need. Exit codes are at the end.
    """


def main() -> None:
    """The entry point of `cce-precheck`."""
    # A short life: collecting garbage on the way, and taking everything apart at the end, would
    # take a third of the time of a small check.
    gc.disable()
    _prepare_streams()
    stopped = _stop_on_signals()
    # Nothing that happens to be installed may hook into a gate's validation.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    code = run(sys.argv[1:], stopped)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()
    os._exit(code)


def _stop_on_signals() -> list[int]:
    """SIGTERM and SIGHUP are as Ctrl-C: what is being written is taken back.

    Returns the signals that came, as they come: a library may swallow the exception, or wrap it
    into an error of its own.
    """
    came: list[int] = []
    latest = -math.inf

    def stop(number: int, _: object) -> None:
        nonlocal latest
        came.append(number)
        before, latest = latest, time.monotonic()
        # A runner sends SIGINT to the group and SIGTERM to each: the second of them must not end
        # the taking back that the first began.
        if latest - before > SAME_WISH:
            raise KeyboardInterrupt

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        # Who starts this in the background with signals ignored (nohup, `&`) means it.
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, stop)
    return came


def _prepare_streams() -> None:
    """Streams that are closed, or whose reader goes away, swallow what is said."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            setattr(sys, name, heard(stream))


_PLAIN_SIGNS = {"✓": "+", "✕": "x", "→": ">", "·": "-", "…": "...", "“": '"', "”": '"', "–": "-"}


def _plain_sign(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    return "".join(_PLAIN_SIGNS.get(sign, "?") for sign in text), error.end


def run(arguments: Sequence[str], stopped: Sequence[int] = ()) -> int:
    """Run one command; returns its exit code and never raises.

    `stopped`: the signals that came (see `_stop_on_signals`). Once there is one, nothing but
    "interrupted" is the end of the run, whatever became of its exception.
    """
    try:
        code = _run(arguments, stopped)
    except KeyboardInterrupt:
        return _interrupted()
    return _interrupted() if stopped and code != INTERRUPTED else code


def _interrupted() -> int:
    with _even_unheard():
        click.echo("interrupted; nothing half-written is left", err=True)
    return INTERRUPTED


@contextlib.contextmanager
def _even_unheard() -> Iterator[None]:
    """Last words: where nobody can be told (standard error's disk is full), the code says it."""
    with contextlib.suppress(OSError):
        yield


def _run(arguments: Sequence[str], stopped: Sequence[int]) -> int:
    codecs.register_error("cce-precheck", _plain_sign)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="cce-precheck")
    completion.prepare()
    debug = "--debug" in arguments
    try:
        result = app.main(list(arguments), prog_name="cce-precheck", standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except CliExit as stop:
        sys.stdout.flush()
        return stop.code
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        with _even_unheard():
            _show_usage(error)
        return 2
    except (KeyboardInterrupt, click.Abort):
        return _interrupted()
    except Exception as error:
        if stopped:
            return _interrupted()
        return _told(error, debug=debug)


_NO_TEXT = re.compile(r"\\udc[89a-f][0-9a-f]")
"""How Python quotes a byte of the command line that is no text."""


def _show_usage(error: click.ClickException) -> None:
    # Declared final, and read when it is shown.
    vars(error).update(message=_NO_TEXT.sub("\ufffd", error.message))
    error.show()


_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def _told(error: Exception, *, debug: bool) -> int:
    """Say what ended a command; returns its exit code."""
    known = error if isinstance(error, ReporterError) else _of_the_disk(error)
    with _even_unheard():
        if debug:
            import traceback

            traceback.print_exception(error)
        if known is not None:
            say_error(known)
        else:
            click.echo(f"internal error: {type(error).__name__}: {error}", err=True)
            click.echo("this is a bug; run again with --debug and report what it prints", err=True)
    return INTERNAL_ERROR if known is None else exit_code_of(known)


def _of_the_disk(error: Exception) -> OutputError | None:
    """What a full or broken disk raised where nobody saw it coming."""
    if not isinstance(error, OSError):
        return None
    if "usable temporary directory" in str(error):
        return OutputError(
            "temporary files can't be written: no folder for them",
            hint="make room in /tmp, or name a folder with TMPDIR",
        )
    if error.errno not in _FULL:
        return None
    if error.filename is None:
        with _even_unheard():
            silence(sys.stdout)
    where = "standard output" if error.filename is None else error.filename
    return OutputError(
        f"{where}: can't be written: {error.strerror}", hint="make room, and run again"
    )
