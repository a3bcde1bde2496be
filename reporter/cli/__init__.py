"""The command line: the only place with prints, flags and exit codes."""

from __future__ import annotations

import codecs
import contextlib
import errno
import gc
import io
import os
import re
import sys
from collections.abc import Iterator, Sequence

import click

from reporter import __version__
from reporter.cli import completion
from reporter.cli.common import EXIT_CODES, CliExit, exit_code_of, say_error, silence
from reporter.cli.lazy import LazyGroup
from reporter.cli.streams import still_heard, unheard
from reporter.cli.targets import written_by
from reporter.errors import OutputError, ReporterError
from reporter.interrupts import Interrupts

INTERNAL_ERROR = 70
INTERRUPTED = 130

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


def main(interrupts: Interrupts | None = None) -> None:
    """Run the command that this process was started with, and end it.

    `interrupts` are heard already where they were before this module was imported.
    """
    # A short life: collecting garbage on the way, and taking everything apart at the end, would
    # take a third of the time of a small check.
    gc.disable()
    if interrupts is None:
        interrupts = Interrupts()
        interrupts.hear()
    _prepare_streams()
    # Nothing that happens to be installed may hook into a gate's validation.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    code = run(sys.argv[1:], interrupts)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()
    os._exit(code)


def _prepare_streams() -> None:
    """Streams that are closed, or whose reader goes away, swallow what is said."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, unheard())
        elif isinstance(stream, io.TextIOWrapper):
            setattr(sys, name, still_heard(stream))


_PLAIN_SIGNS = {"✓": "+", "✕": "x", "→": ">", "·": "-", "…": "...", "“": '"', "”": '"', "–": "-"}


def _plain_sign(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    return "".join(_PLAIN_SIGNS.get(sign, "?") for sign in text), error.end


def run(arguments: Sequence[str], interrupts: Interrupts | None = None) -> int:
    """Run one command; returns its exit code and never raises.

    Once a signal came, nothing but "interrupted" is the end of the run, whatever became of its
    exception.
    """
    heard = Interrupts() if interrupts is None else interrupts
    try:
        try:
            heard.obey()
            code = _run(arguments, heard)
        except KeyboardInterrupt:
            code = INTERRUPTED
        if heard.came or code == INTERRUPTED:
            code = INTERRUPTED
            _clear(arguments, None)
    except KeyboardInterrupt:  # once more, while it was taken back
        code = INTERRUPTED
    finally:
        heard.hold()
    if code == INTERRUPTED:
        with _even_unheard():
            click.echo("interrupted; nothing half-written is left", err=True)
    return code


def _clear(arguments: Sequence[str], error: click.ClickException | None) -> None:
    """What an earlier run left holds no longer where this one ended before it could write."""
    # Whatever happens here, what is told is how the run ended.
    with contextlib.suppress(Exception):
        if (found := written_by(app, arguments)) is not None:
            command, own = found
            command.clear(own, error)


@contextlib.contextmanager
def _even_unheard() -> Iterator[None]:
    """Last words: where nobody can be told (standard error's disk is full), the code says it."""
    with contextlib.suppress(OSError):
        yield


def _run(arguments: Sequence[str], heard: Interrupts) -> int:
    codecs.register_error("cce-precheck", _plain_sign)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="cce-precheck")
    completion.prepare(arguments)
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
        _clear(arguments, error)
        with _even_unheard():
            _show_usage(error)
        return 2
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:
        if heard.came or (
            isinstance(error, click.Abort) and not isinstance(error.__cause__, EOFError)
        ):
            return INTERRUPTED
        if not isinstance(error, ReporterError):
            said = f"internal error: {type(error).__name__}"
            _clear(arguments, click.ClickException(said))
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
        elif isinstance(error, MemoryError):
            click.echo("internal error: there is not enough memory for it", err=True)
            click.echo("allow it more (ulimit -v, the container's limit)", err=True)
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
