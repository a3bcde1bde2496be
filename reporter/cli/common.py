"""What the commands share: exit codes, messages, output options and how reports are written."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from io import BufferedIOBase
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TextIO, TypeVar

import click

from reporter.cli.evidence import Evidence
from reporter.cli.streams import is_gone
from reporter.cli.targets import TakenError, Target, is_no_report
from reporter.cli.terminal import uses_color, working
from reporter.errors import (
    InputError,
    LiveError,
    OutputError,
    PolicyError,
    ReporterError,
    TemplateError,
)

if TYPE_CHECKING:
    from reporter.output import Options
    from reporter.output.guidance import Own
    from reporter.output.own import OwnTemplates
    from reporter.record.model import Verdict
    from reporter.words import LanguageTag

EXIT_CODES = {
    0: "pass (waivers and warnings may have been used: they are listed)",
    1: "fail (with --fail-on warn also when there are only warnings)",
    2: "usage or configuration: command line, policy, waiver file, template",
    3: "inconclusive: evidence incomplete, unfinished, expired, about another cluster, or unknown",
    4: "an input could not be read or is not a pre-upgrade check response",
    5: "a report could not be written",
    6: "the live API could not be asked, or answered with an error",
    70: "an internal error: a bug",
    130: "interrupted; nothing half-written is left",
}

OF_NAMES = "mend it there and run again; docs/catalogue.md says what such a file holds"
"""What to do about mistakes in a user's file of names."""

MAX_LINE = 600
"""How much of a message is printed: what it quotes may be as long as somebody likes."""

_Function = TypeVar("_Function", bound=Callable[..., Any])
OUTPUT_OPTIONS = {
    "html": "one self-contained page",
    "pdf": "PDF/A for the change approval",
    "junit": "JUnit XML for CI",
    "json": "the record, to render or judge again",
    "markdown": "Markdown for job summaries and merge requests",
    "sarif": "SARIF 2.1.0 for code scanning",
    "csv": "CSV for spreadsheets",
    "skip-list": "the waived Risks for CCE's skip list, as .json or .tf,",
}
SKIP_LIST = "skip-list"
AN_INPUT = "an input"
FOR_READERS = frozenset({"html", "pdf", "markdown"})
"""What people read, and so what has views and languages."""


def file_name(value: str) -> str:
    """The type of options that name a file or folder: empty is a variable that nobody has set."""
    if not value:
        raise click.BadParameter("an empty name is no file's; is a variable not set?")
    return value


MAX_MEGABYTES = 1_048_576
MEGABYTES = click.IntRange(min=1, max=MAX_MEGABYTES)
"""The type of `--max-size`."""


def policies_option(what: str, *, default: str) -> Callable[[_Function], _Function]:
    """`--policy`, which may be repeated; `what` says what several do."""
    return click.option(
        "-p",
        "--policy",
        "policies",
        multiple=True,
        type=file_name,
        metavar="FILE|builtin:NAME",
        help=f"{what} Default: {default}.",
    )


def waivers_option(
    name: str = "waivers", what: str = "A waiver list; may be repeated."
) -> Callable[[_Function], _Function]:
    """`--waivers`, which may be repeated."""
    return click.option(
        "-w", "--waivers", name, multiple=True, type=file_name, metavar="FILE", help=what
    )


class CliExit(Exception):  # noqa: N818 - not an error: a verdict's exit code on its way out
    """Ends a command with an exit code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def exit_code_of(error: ReporterError) -> int:
    """The exit code for an error of the family."""
    if isinstance(error, InputError):
        return 4
    if isinstance(error, OutputError):
        return 5
    return 6 if isinstance(error, LiveError) else 2


def say(text: str, *, err: bool = True) -> None:
    """One line for a person: without controls, escapes or workflow commands.

    On standard error nothing is lost but the words when they can't be written.
    """
    from reporter.output.clean import console_safe, one_line

    with contextlib.suppress(OSError) if err else contextlib.nullcontext():
        click.echo(console_safe(_short(one_line(text))), err=err)


def _short(text: str) -> str:
    return text if len(text) <= MAX_LINE else text[: MAX_LINE - 1] + "…"


def say_error(error: ReporterError) -> None:
    """What is wrong and where; then what to do."""
    for problem in error.problems:
        say(problem)
    say_hint(error.hint or _what_next(error))


_PLACE = re.compile(r":\d+:\d+: ")
"""Line and column of a YAML file. What has none of these could not be read at all."""


def _what_next(error: ReporterError) -> str:
    """What to do about an error that names nothing itself."""
    if isinstance(error, PolicyError) and _PLACE.search(error.message):
        return "mend it there and run again; cce-precheck policy lint shows the lines"
    if isinstance(error, OutputError):
        return "name another file, or see to the disk and its permissions"
    if isinstance(error, LiveError):
        return "try again; --debug shows where it happened"
    return "check that it is the file you mean, and that you may read it"


@contextlib.contextmanager
def hinting(hint: str, file: str = "") -> Iterator[None]:
    """What to do about a mistake in a YAML file that is no policy, where nothing else says it."""
    try:
        yield
    except PolicyError as error:
        if error.hint is None and _PLACE.search(error.message) and error.message.startswith(file):
            error.hint = hint
        raise


def say_hint(hint: str) -> None:
    """What to do next, below what is wrong."""
    from reporter.output.clean import console_safe, one_line

    with contextlib.suppress(OSError):
        click.echo(console_safe(f"  → {_short(one_line(hint))}"), err=True)


def language_option(function: _Function) -> _Function:
    """`--lang`: the language of what people read."""
    return click.option(
        "--lang",
        "lang",
        type=click.Choice(["en", "zh-CN"]),
        default="en",
        help="The language of the summary, HTML, PDF and Markdown. Default: en.",
    )(function)


def output_options(function: _Function) -> _Function:
    """`--html F`, `--pdf F` and so on for each format; `-` is standard output."""
    function = click.option(
        "--view",
        type=click.Choice(["approver", "operator", "auditor"]),
        default="auditor",
        help="HTML, PDF and Markdown for: an approver (one page), an operator (what to fix), "
        "an auditor (everything). Default: auditor.",
    )(function)
    function = language_option(function)
    function = click.option(
        "--templates",
        "templates",
        type=file_name,
        metavar="DIR",
        help="Your own templates and brand.yaml, before the shipped ones.",
    )(function)
    function = click.option(
        "--paper",
        type=click.Choice(["a4", "letter"]),
        default=None,
        help="What the PDF is set for. Default: a4.",
    )(function)
    function = click.option(
        "--sarif-waived",
        type=click.Choice(["omit", "suppress"]),
        default="omit",
        help="Waived findings in SARIF: left out and counted (default), or suppressed results.",
    )(function)
    for name, text in reversed(OUTPUT_OPTIONS.items()):
        function = click.option(
            f"--{name}",
            _parameter(name),
            cls=Target,
            metavar="F",
            help=f"Write {text} to F (- for stdout).",
        )(function)
    return function


def _form(name: str, target: str) -> str:
    """The format that an option writes to a file of this name."""
    if name != SKIP_LIST:
        return name
    return f"{name}.tf" if target.endswith(".tf") else f"{name}.json"


def _parameter(name: str) -> str:
    return f"{name.replace('-', '_')}_file"


def catalogue_option(function: _Function) -> _Function:
    """`--catalogue FILE`: a user's file of names."""
    return click.option(
        "--catalogue",
        "names",
        type=file_name,
        metavar="FILE",
        help="Your own item names, fixes and runbooks, to show beside findings.",
    )(function)


def redact_options(function: _Function) -> _Function:
    """`--redact` and `--redact-key`."""
    for option in (
        click.option(
            "--redact-key",
            type=file_name,
            metavar="FILE",
            help="The key that makes the pseudonyms: the same key, the same pseudonyms.",
        ),
        click.option(
            "--redact",
            metavar="all|PROFILES",
            help="Pseudonyms for nodes, uids, cluster, ips, user-agents (with commas between).",
        ),
    ):
        function = option(function)
    return function


def own_words(names: str | None, lang: LanguageTag = "en") -> Callable[[Verdict], Own]:
    """Read a user's file of names; what is returned says it for the cluster of a verdict.

    `PolicyError` for its mistakes, before anything is judged.
    """
    if names is None:
        return lambda verdict: {}
    from reporter.catalogue.read import Catalogue

    with hinting(OF_NAMES):
        known = Catalogue.load(names)
    return lambda verdict: known.own_explained(verdict.subject.cluster_type, lang)


def display_options(function: _Function) -> _Function:
    """`--quiet`, `--verbose`, `--no-color`, `--debug`."""
    options = (
        click.option("-q", "--quiet", is_flag=True, help="Print the verdict's line alone."),
        click.option("-v", "--verbose", is_flag=True, help="Print every finding and line."),
        click.option("--no-color", is_flag=True, help="No colour (also: NO_COLOR=1)."),
        click.option("--debug", is_flag=True, help="Show the traceback of an error."),
    )
    for option in reversed(options):
        function = option(function)
    return function


@dataclass(frozen=True)
class Outputs:
    """The reports a run was asked for, by format."""

    targets: dict[str, str]
    quiet: bool = False
    templates: OwnTemplates | None = None
    at: str | None = None
    """The instant that was asked for, as written."""

    @classmethod
    def of(
        cls, options: dict[str, Any], inputs: Iterable[str], *, responses: Sequence[str] = ()
    ) -> Outputs:
        """From the command line's options; refuses to write over an input or twice to one place.

        `responses` are the locations of which all that lies there is read, the next time too.
        """
        targets = {
            name: target_of(value)
            for name in OUTPUT_OPTIONS
            if (value := options.get(_parameter(name))) is not None
        }
        skip_list = targets.get(SKIP_LIST, "-")
        if skip_list != "-" and not skip_list.endswith((".json", ".tf")):
            raise click.UsageError(
                f"--{SKIP_LIST} writes a file that ends in .json (for the API) or .tf (Terraform); "
                f"it got {skip_list!r}"
            )
        if skip_list.endswith(".tf") and options.get("cluster_type") == "autopilot":
            raise click.UsageError(
                f"--{SKIP_LIST} {skip_list}: Terraform's resource for Autopilot clusters has no "
                "skip list; name a .json file, for the API"
            )
        for name, target in targets.items():
            if not target or target.endswith(("/", os.sep)):
                raise click.UsageError(f"--{name} needs the name of a file; it got {target!r}")
        taken = {_identity(path): AN_INPUT for path in inputs if path != "-"}
        evidence = Evidence(inputs)
        for name, target in targets.items():
            key = target if target == "-" else _identity(target)
            if key in taken and target == "-":
                raise click.UsageError("only one report can go to standard output")
            if key in taken:
                said = f"--{name} {target}: the same file is {taken[key]}"
                raise TakenError(said, target) if taken[key] == AN_INPUT else click.UsageError(said)
            _spare_locations(responses, name, target)
            if target != "-" and (role := evidence.role_of(target)) is not None:
                said = f"--{name} {target}: is {role}; a report would write over it"
                raise TakenError(said, target)
            taken[key] = f"written by --{name}"
        _tell_of_links(targets.values())
        made = cls(targets, quiet=bool(options.get("quiet")))
        made._spare_templates(options.get("templates"))
        if (misfit := _misfit(options, targets)) is not None:
            raise click.UsageError(misfit)
        return replace(made, at=options.get("at"))._with_templates(options.get("templates"))

    @classmethod
    def of_one(
        cls,
        name: str,
        target: str | None,
        inputs: Iterable[str],
        *,
        responses: Sequence[str] = (),
    ) -> Outputs:
        """For a command that writes one file of its own: the same care for its inputs."""
        if target is None:
            return cls({})
        if not target or target.endswith(("/", os.sep)):
            raise click.UsageError(f"--{name} needs the name of a file; it got {target!r}")
        if target != "-":
            for path in inputs:
                if path != "-" and _identity(path) == _identity(target):
                    raise TakenError(f"--{name} {target}: the same file is an input", target)
            _spare_locations(responses, name, target)
            if (role := Evidence(inputs).role_of(target)) is not None:
                said = f"--{name} {target}: is {role}; it would be written over"
                raise TakenError(said, target)
        _tell_of_links([target])
        return cls({name: target_of(target)})

    def drop(self) -> None:
        """Remove what an earlier run left in the place of what could not be made."""
        for name, target in self.targets.items():
            self._drop(name, target)

    def _spare_templates(self, folder: str | None) -> None:
        if folder is None:
            return
        from reporter.cli.brand import is_part

        for name, target in self.targets.items():
            if target != "-" and is_part(folder, target):
                raise TakenError(f"--{name} {target}: the same file is an input", target)

    def _with_templates(self, folder: str | None) -> Outputs:
        if folder is None:
            return self
        from reporter.cli.brand import load, strays

        try:
            found = replace(self, templates=load(folder))
            for stray in strays(folder):
                say(f"warning: {stray}")
            return found
        except PolicyError as error:
            self.fail(error.message, error.hint)
            raise
        except Exception as error:
            self.fail(f"internal error: {type(error).__name__}", "nothing was made")
            raise

    @property
    def to_stdout(self) -> bool:
        """Whether a report goes to standard output, and the summary so to standard error."""
        return "-" in self.targets.values()

    def write(self, verdict: Verdict, exhibits: Sequence[bytes], chosen: Options) -> Written:
        """Write every report; one that fails is said and the others still come out."""
        from reporter.output import render

        chosen = replace(chosen, templates=self.templates)
        targets = dict(self.targets)
        if SKIP_LIST in targets and verdict.outcome == "inconclusive":
            say("warning: no skip list is made from a check that can't be relied on")
            self._drop(SKIP_LIST, targets.pop(SKIP_LIST))
        lost: dict[str, int] = {}

        def make(name: str) -> bytes:
            if name == "junit" and lost:
                return _junit_of(verdict, lost)
            return render(verdict, _form(name, targets[name]), exhibits, _warn, chosen)

        return replace(self, targets=targets).put(make, lost)

    def tell_no_summary(self, verdict: Verdict, why: OutputError) -> None:
        """Have JUnit say that nobody was told the verdict: nothing green stays where a run's code
        is not the verdict's."""
        target = self.targets.get("junit", "-")
        if target == "-":
            return
        try:
            put(target, _junit_of(verdict, {"the summary": exit_code_of(why)}))
        except OutputError as error:
            say(f"--junit: {error.message}")
            self._drop("junit", target)

    def put(self, make: Callable[[str], bytes], lost: dict[str, int] | None = None) -> Written:
        """Write what `make` gives for each option; one that fails is said, the others come out.

        A mistake of the user's own templates is raised, once the others are out. `lost` gets the
        targets that could not be written, with the exit code for it.
        """
        from reporter.output.files import remove_stale

        # Before anything heavy: with little memory a library may end the process as it stands.
        for target in self.targets.values():
            if target != "-":
                remove_stale(Path(target))
        written: list[str] = []
        lost = {} if lost is None else lost
        broken: TemplateError | None = None
        left = dict(self.targets)
        for name, target in sorted(self.targets.items(), key=_turn):
            try:
                with working(f"writing {target}", quiet=self.quiet):
                    data = make(name)
                put(target, data)
                written.append(name)
                del left[name]
            except TemplateError as error:
                broken = broken or self._placed(error)
                lost[target] = exit_code_of(error)
                self._drop(name, target)
            except OutputError as error:
                say(f"--{name}: {error.message}")
                if error.hint:
                    say_hint(error.hint)
                lost[target] = exit_code_of(error)
                self._drop(name, target)
            except BaseException:
                # Whatever it was: what an earlier run left in the place of these holds no longer.
                replace(self, targets=left).drop()
                raise
        if broken is not None:
            raise broken
        return Written(
            tuple(
                target for name, target in self.targets.items() if name in written and target != "-"
            ),
            fine=len(written) == len(self.targets),
        )

    def _placed(self, error: TemplateError) -> TemplateError:
        """The error of a template, with the folder where it names no file itself."""
        if self.templates is None or self.templates.folder in error.message:
            return error
        return TemplateError(f"{self.templates.folder}: {error.message}", hint=error.hint)

    def fail(self, message: str, hint: str | None) -> None:
        """No verdict: JUnit says so, and reports of an earlier run are removed."""
        from reporter.output.files import remove_stale
        from reporter.output.junit import write_error

        junit = self.targets.get("junit")
        for name, target in self.targets.items():
            if target != junit:
                self._drop(name, target)
        if junit is None:
            return
        if is_no_report(junit, "junit"):
            self._drop("junit", junit)
            return
        if junit != "-":
            remove_stale(Path(junit))  # there may not be the memory to write it anew
        try:
            put(junit, write_error(message, hint, _instant_of(self.at)))
        except OutputError as error:
            say(f"--junit: {error.message}")
            self._drop("junit", junit)

    def _drop(self, name: str, target: str) -> None:
        from reporter.output.files import remove_stale

        if target != "-" and is_no_report(target, name):
            said = "it is no report of before, and may be needed"
            say(f"warning: {target}: is left as it is: {said}")
        elif target != "-" and not remove_stale(Path(target)):
            say(f"warning: {target}: an earlier run's report holds no longer, and can't be removed")


def _misfit(options: dict[str, Any], targets: dict[str, str]) -> str | None:
    """An option that says something of a report which was not asked for."""
    if options.get("sarif_waived") == "suppress" and "sarif" not in targets:
        return "--sarif-waived is about --sarif, which was not asked for"
    if options.get("paper") is not None and "pdf" not in targets:
        return "--paper is about --pdf, which was not asked for"
    if options.get("view", "auditor") != "auditor" and not targets.keys() & FOR_READERS:
        return "--view is about --html, --pdf and --markdown, and none of them was asked for"
    if options.get("templates") is not None and not targets.keys() & {"html", "pdf"}:
        return "--templates is about --html and --pdf; neither was asked for"
    return None


def _junit_of(verdict: Verdict, lost: Mapping[str, int]) -> bytes:
    from reporter.output.junit import Unwritten, write

    names = ("standard output" if name == "-" else name for name in lost)
    # A mistake of templates ends the run, with 2.
    return write(verdict, unwritten=Unwritten(tuple(names), min(lost.values())))


def _instant_of(asked: str | None) -> datetime:
    """What a run without a verdict is about: the instant of `--at`, else when it ran."""
    from reporter.record.dates import parse_instant

    if asked not in (None, "now", "response"):
        with contextlib.suppress(ValueError):
            return parse_instant(asked)
    return datetime.now(UTC)


def _turn(output: tuple[str, str]) -> int:
    """When a report is made: those that take more later, as the PDF, whose libraries may end the
    process where the machine is short of memory; JUnit, which says of all whether they are
    there, and where green counts as a pass, at the very end."""
    return {"json": 0, "pdf": 2, "junit": 3}.get(output[0], 1)


@dataclass(frozen=True)
class Written:
    """What came of the reports that were asked for."""

    files: tuple[str, ...]
    fine: bool
    """Whether all of them could be written."""

    def tell(self, *, quiet: bool) -> None:
        """Name the files, on standard error: behind a summary a person wants to open one."""
        if not self.files or quiet:
            return
        line = f"wrote {', '.join(self.files)}"
        # A path that is cut is nobody's path: many long ones stand on lines of their own.
        for said in [line] if len(line) <= MAX_LINE else [f"wrote {file}" for file in self.files]:
            say(said)


def reading_options(options: dict[str, Any], own: Own) -> Options:
    """What the command line says of how reports are to be read: each option of that name."""
    from reporter.output import Options

    given = {
        part.name: options[part.name]
        for part in fields(Options)
        if isinstance(part.default, str) and options.get(part.name) is not None
    }
    return Options(**given, own=own)


def _spare_locations(responses: Sequence[str], name: str, target: str) -> None:
    """Refuse a report among what is read: the next run would read it, or find it in the way."""
    if target == "-" or (location := Evidence(responses).location_of(target)) is None:
        return
    role = "is an input" if os.path.lexists(target) else "would be an input of the next run"
    raise click.UsageError(
        f"--{name} {target}: {role}, for all of {location} is read; write it to a folder of its own"
    )


def _warn(text: str) -> None:
    say(f"warning: {text}")


def target_of(name: str) -> str:
    """`-` for standard output under whatever name, as `/dev/stdout`; any other name as it is."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        there = os.stat(name)
        own = os.fstat(sys.stdout.fileno())
        if os.path.samestat(there, own) and not os.path.samestat(there, os.stat(os.devnull)):
            return "-"
    return name


def _tell_of_links(targets: Iterable[str]) -> None:
    """A report takes the place of a link; who publishes by one has to hear of it."""
    links = [target for target in targets if target != "-" and os.path.islink(target)]
    if not links:
        return
    from reporter.output.files import is_stream

    for target in links:
        if not is_stream(Path(target)):
            _warn(f"{target}: is a link, whose place a report takes; what it leads to stays")


def _identity(path: str) -> str:
    try:
        return str(Path(path).resolve())
    except (OSError, ValueError, RuntimeError):
        return path


def read_up_to(stream: IO[bytes] | BufferedIOBase, most: int) -> bytes:
    """What a stream holds, at most so many bytes of it.

    Piece by piece: room for all that may come is not there for everybody.
    """
    parts: list[bytes] = []
    while most > 0 and (part := stream.read(min(most, 1 << 20))):
        parts.append(part)
        most -= len(part)
    return b"".join(parts)


def put(target: str, data: bytes) -> None:
    """Write to a file, or to standard output for `-`. `OutputError` when that can't be done."""
    from reporter.output.files import write_file

    if target == "-":
        try:
            sys.stdout.flush()
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
            if is_gone(sys.stdout):
                raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
        except OSError as error:
            silence(sys.stdout)
            raise OutputError(
                f"standard output: can't be written: {error.strerror}",
                hint="it is closed, whoever reads it went away, or its disk is full",
            ) from None
    else:
        write_file(Path(target), data)


def summarise(
    verdict: Verdict,
    *,
    to_stderr: bool,
    quiet: bool,
    verbose: bool,
    no_color: bool,
    notes: Sequence[str] = (),
    own: Own | None = None,
    lang: LanguageTag = "en",
) -> None:
    """Print the summary, as wide and as colourful as the terminal allows."""
    from reporter.output import text

    stream = sys.stderr if to_stderr else sys.stdout
    terminal = stream.isatty()
    width = shutil.get_terminal_size().columns if terminal else 80
    color = uses_color(stream, no_color=no_color)
    if quiet:
        page = text.line(verdict, lang)
    else:
        page = text.write(
            verdict, width=width, color=color, verbose=verbose, notes=notes, own=own, lang=lang
        )
    print_page(page, stream)


def print_page(page: str, stream: TextIO) -> None:
    """Print a summary."""
    try:
        stream.write(page)
        stream.flush()
    except BrokenPipeError:
        silence(stream)  # a reader that goes away changes nothing about the verdict
    except OSError as error:
        silence(stream)
        raise OutputError(
            f"the summary can't be written: {error.strerror}",
            hint="the reports that were asked for are written all the same",
        ) from None


def silence(stream: TextIO) -> None:
    """Point a stream nobody can be reached by at nothing, so that exiting does not try again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


__all__ = [
    "EXIT_CODES",
    "CliExit",
    "Outputs",
    "PolicyError",
    "catalogue_option",
    "display_options",
    "exit_code_of",
    "language_option",
    "output_options",
    "own_words",
    "print_page",
    "reading_options",
    "redact_options",
    "say",
    "say_error",
    "say_hint",
    "summarise",
    "target_of",
]
