"""`cce-precheck audit`: an archive of responses, judged again, in one place."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reporter.cli.check import DEFAULT_POLICY
from reporter.cli.common import (
    MEGABYTES,
    CliExit,
    display_options,
    file_name,
    policies_option,
    print_page,
    say,
    say_hint,
    waivers_option,
)
from reporter.cli.judging import policy_files
from reporter.cli.targets import Writer
from reporter.errors import InputError, OutputError, PolicyError, ReporterError

if TYPE_CHECKING:
    from reporter.audit.engines import Engine
    from reporter.audit.finish import Wanted
    from reporter.audit.run import Plan, Progress
    from reporter.audit.settings import Settings
    from reporter.audit.store import Store
    from reporter.output.audit.facts import AuditFacts

MAX_JOBS = 512
"""Worker processes at most: more wait for each other on any machine."""


class _Auditor(Writer):
    """Pages of an earlier audit are no answer to a command that was wrong."""

    def clear(self, arguments: Sequence[str], error: click.ClickException | None) -> None:
        given = self.read(arguments)
        if any(out := given.values.get("out", [])[-1:]):
            hint = "mend that, and run it again"
            told = PolicyError(error.format_message(), hint=hint) if error is not None else None
            _forget(Path(out[0]), given.others, told)


@click.command("audit", cls=_Auditor)
@click.argument("locations", nargs=-1, required=True, type=file_name, metavar="LOCATION...")
@policies_option("What to judge by; each where its applies_to fits.", default=DEFAULT_POLICY)
@waivers_option()
@click.option(
    "--out",
    required=True,
    type=file_name,
    metavar="DIR",
    help="Where the store and the reports go.",
)
@click.option(
    "--at",
    default="response",
    metavar="response|now|TIME",
    help="The instant to judge for: each response's own time (default), now, or RFC 3339.",
)
@click.option(
    "--jobs", type=click.IntRange(min=1, max=MAX_JOBS), metavar="N", help="Worker processes."
)
@click.option("--resume", is_flag=True, help="Finish the run that was interrupted in DIR.")
@click.option("--rehash", is_flag=True, help="Read all again, unchanged or not.")
@click.option(
    "--compare-with",
    "others",
    multiple=True,
    type=file_name,
    metavar="FILE",
    help="Another policy: which verdicts would change, and why.",
)
@click.option(
    "--upgrades",
    type=file_name,
    metavar="FILE.csv",
    help="What was really upgraded: columns cluster, time and change.",
)
@click.option(
    "--reports",
    type=click.Choice(["failed", "all", "none"]),
    default="none",
    help="A page for each response that does not pass, for all, or for none (default).",
)
@click.option(
    "--fail-on-unused-waivers", "unused_fails", is_flag=True, help="Exit 1 if one was never used."
)
@click.option(
    "--allow-unreadable", is_flag=True, help="Inputs that can't be read don't make it exit 4."
)
@click.option("--no-pdf", is_flag=True, help="Leave audit.pdf out.")
@click.option(
    "--engine",
    "engine_name",
    type=click.Choice(["local", "dask"]),
    default="local",
    help="Processes of this machine (default), or a Dask cluster.",
)
@click.option("--scheduler", metavar="ADDRESS", help="The Dask scheduler, as tcp://host:8786.")
@click.option(
    "--max-size",
    type=MEGABYTES,
    metavar="MB",
    help="The largest response that is read, unpacked. Default: 256.",
)
@display_options
def command(locations: tuple[str, ...], **options: Any) -> None:
    """Judge every response at the LOCATIONs again, and put them into DIR.

    A LOCATION is a file, a folder, a glob, an archive, a URL such as s3://bucket/prefix, or -.
    DIR gets index.html and audit.pdf for people, audit.sqlite and CSVs for questions, junit.xml
    and manifest.json for machines. Run again, it judges only what is new, changed, or touched by
    a changed policy.

    Exit 4: an input could not be read; 1: a response fails; 3: one is inconclusive; 0: all pass.
    """
    if (options["engine_name"] == "dask") != (options["scheduler"] is not None):
        raise click.UsageError("--engine dask and --scheduler ADDRESS go together")
    if options["unused_fails"] and not (options["policies"] or options["waivers"]):
        raise click.UsageError("--fail-on-unused-waivers: no policy or waiver list was given")
    out = Path(options["out"])
    _check_folder(out, resume=options["resume"])
    if options["engine_name"] == "local":
        from reporter.audit.engines import begin_to_start_workers

        begin_to_start_workers()
    _spare_inputs(locations, out, options)
    from reporter.audit.store import RefusedStoreError

    try:
        settings, basis = _settings(options)
        if options["upgrades"] is not None:
            from reporter.audit.summary import read_upgrades

            list(read_upgrades(Path(options["upgrades"])))  # its mistakes before any work
        _audit(locations, out, settings, basis, options)
    except RefusedStoreError as error:
        if _is_ours(out, error):
            from reporter.audit.finish import remove_pages

            _take_back(out, error)  # also where it could not be opened
            remove_pages(out)
        raise
    except PolicyError as error:
        named = (options["policies"], options["waivers"], options["others"])
        _forget(out, [*locations, *(name for some in named for name in some)], error)
        raise


def _check_folder(out: Path, *, resume: bool) -> None:
    """Only a folder of ours, or an empty one, is written to."""
    from reporter.audit.store import FILE_NAME

    try:
        if out.exists() and not out.is_dir():
            raise click.UsageError(f"--out {out}: is a file, not a folder")
        there = sorted(os.listdir(out)) if out.exists() else []
    except OSError as error:
        raise OutputError(f"{out}: can't be read: {error.strerror}") from None
    if FILE_NAME in there:
        return
    if resume:
        raise PolicyError(
            f"--resume: no audit was begun in {out}", hint="leave --resume out to begin one"
        )
    if there:
        raise PolicyError(
            f"--out {out}: is not empty and holds no audit ({there[0]})",
            hint="name a new or empty folder",
        )


def _spare_inputs(locations: tuple[str, ...], out: Path, options: dict[str, Any]) -> None:
    """Refuse what is named to be read in the place of what an audit writes and removes."""
    from reporter.audit.run import AuditsOwn, own_refused

    is_own = AuditsOwn(out)
    for location in locations:
        if os.path.isfile(location) and is_own(location):
            raise own_refused(location)
    upgrades = [options["upgrades"]] if options["upgrades"] else []
    named = {
        "--policy": policy_files(options["policies"]),
        "--waivers": options["waivers"],
        "--compare-with": policy_files(options["others"]),
        "--upgrades": upgrades,
    }
    for option, files in named.items():
        for name in files:
            if is_own(name):
                raise PolicyError(
                    f"{option}: {name} lies in --out, whose files an audit writes and removes",
                    hint="keep it elsewhere, or name another --out",
                )


def _settings(options: dict[str, Any]) -> tuple[Settings, str]:
    from reporter.audit.settings import Settings
    from reporter.precheck.times import format_instant
    from reporter.record.dates import parse_instant

    at, basis = options["at"], "given"
    clock = datetime.now(UTC)
    if at == "response":
        basis = at
    elif at == "now":
        basis = at
        at = _begun(Path(options["out"])) if options["resume"] else None
        at = at or format_instant(clock.replace(microsecond=0))
    else:
        try:
            at = format_instant(parse_instant(at))
        except ValueError as error:
            raise PolicyError(
                f"--at: {error}", hint="or --at response for each one's own time, or --at now"
            ) from None
    settings = Settings.load(
        options["policies"] or (DEFAULT_POLICY,),
        options["waivers"],
        options["others"],
        at=at,
        clock=clock,
        reports=options["reports"],
        max_bytes=options["max_size"] * 1024 * 1024 if options["max_size"] else None,
    )
    return settings, basis


def _begun(out: Path) -> str | None:
    """The instant of an interrupted `--at now`: the one that is resumed."""
    from reporter.audit.store import FILE_NAME, Store
    from reporter.precheck.times import format_instant
    from reporter.record.dates import parse_instant

    with Store(out / FILE_NAME) as store, store.reading("the meta row now"):
        now = store.meta().get("now")
        return None if now is None else format_instant(parse_instant(now))


def _audit(
    locations: tuple[str, ...],
    out: Path,
    settings: Settings,
    basis: str,
    options: dict[str, Any],
) -> None:
    from reporter.audit.finish import REPORTS, Wanted, remove_unfinished_reports
    from reporter.audit.store import FILE_NAME, Store, locked
    from reporter.audit.summary import exit_code_of
    from reporter.sources.locations import public_name

    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{out}: can't be made: {error.strerror}") from None
    if (out / REPORTS).is_symlink():
        refused = OutputError(
            f"{out / REPORTS}: is a link, and pages are only written below {out}",
            hint="remove it, or name the folder it points to as --out",
        )
        _forget(out, [], refused)
        raise refused
    wanted = Wanted(
        locations=tuple(public_name(name) for name in locations),
        basis=basis,
        upgrades=Path(options["upgrades"]) if options["upgrades"] else None,
        allow_unreadable=options["allow_unreadable"],
        unused_fails=options["unused_fails"],
        pdf=not options["no_pdf"],
        verbose=options["verbose"],
    )
    with locked(out), contextlib.ExitStack() as opened:
        remove_unfinished_reports(out)
        try:
            store = opened.enter_context(Store(out / FILE_NAME))
        except OutputError as error:
            _take_back(out, error)
            raise
        if options["resume"]:
            _check_same(store, settings, wanted)
        try:
            judged, facts = _judged(store, locations, out, settings, wanted, options)
        except InputError:
            _remove_if_new(store, out)
            raise
        except Exception as error:
            _take_back(out, error)
            raise
        try:
            _tell(store, facts, out, options, judged=judged)
        except OutputError as error:
            _tell_junit(out, error)
            raise
        unused_fails = wanted.unused_fails
        if facts is not None:
            code = facts.exit_code(unused_fails=unused_fails)
        else:
            allow = wanted.allow_unreadable
            code = exit_code_of(store, allow_unreadable=allow, unused_fails=unused_fails)
    raise CliExit(code)


def _tell_junit(out: Path, error: OutputError) -> None:
    """Have JUnit say that nobody was told: beside another exit code than the audit's no green."""
    from reporter.audit.tables import add_unwritten

    try:
        add_unwritten(out / "junit.xml", error)
    except OutputError:  # what is told is the first error
        _take_back(out, error)


RESUME = "run again with --resume to finish"


def _judged(
    store: Store,
    locations: tuple[str, ...],
    out: Path,
    settings: Settings,
    wanted: Wanted,
    options: dict[str, Any],
) -> tuple[int, AuditFacts | None]:
    """Judge what there is to judge, and write all anew where anything is; None where nothing is."""
    from reporter.audit import run
    from reporter.audit.finish import finish, is_as_written, made_from

    allow = wanted.allow_unreadable
    plan = run.plan(
        store, locations, settings, out=out, rehash=options["rehash"], allow_unreadable=allow
    )
    made = made_from(settings, wanted)
    meta = store.meta()
    known = (meta.get("made_from"), meta.get("state")) == (made, "complete")
    if not plan.todo and known and store.is_sealed() and is_as_written(store, out, _made(options)):
        return 0, None
    _take_back(out)
    with store.writing():
        store.set_meta(_meta(settings, wanted) | {"state": "judging"})
    judged = _work(store, plan, settings, out, options)
    try:
        facts = finish(store, settings, wanted, out, _warn)
    except KeyboardInterrupt:
        _take_back(out)
        say("interrupted: every input is judged and kept, the pages are not written")
        say_hint(RESUME)
        raise
    return judged, facts


def _take_back(out: Path, error: Exception | None = None) -> None:
    """No page of before beside rows of now; a reader of JUnit sees an error until the end."""
    from reporter.audit.finish import MADE
    from reporter.output.files import make_way, remove_stale, write_file
    from reporter.output.junit import write_error

    for name in MADE:
        make_way(out / name)
        if not remove_stale(out / name):
            _warn(f"{out / name}: an earlier run's report holds no longer, and can't be removed")
    message, hint = "the audit has not finished", "run it again with --resume"
    if isinstance(error, ReporterError):
        message, hint = f"{message}: {error.message}", error.hint or hint
    elif error is not None:
        message = f"{message}: internal error: {type(error).__name__}"
    with contextlib.suppress(OutputError):  # what is told is the first error
        write_file(out / "junit.xml", write_error(message, hint))


def _forget(out: Path, named: Iterable[str], error: Exception | None) -> None:
    """Take back the pages of an audit that lies there, unless something named is among them."""
    from reporter.audit.finish import remove_pages
    from reporter.audit.run import AuditsOwn
    from reporter.audit.store import FILE_NAME, locked
    from reporter.output.files import is_file

    is_own = AuditsOwn(out)
    if not is_file(out / FILE_NAME) or not _is_of_an_audit(out):
        return
    if any(is_own(name) for name in named if os.path.isfile(name)):
        return
    with contextlib.suppress(OutputError), locked(out):  # another audit is at work there
        _take_back(out, error)
        if error is not None:  # an interrupted run is resumed, with the pages it has
            remove_pages(out)


def _is_ours(out: Path, error: Exception) -> bool:
    """Whether what lies in a folder is an audit's: what is anybody else's is not removed."""
    from reporter.audit.store import NoStoreError

    return not isinstance(error, NoStoreError) or _is_of_an_audit(out)


def _is_of_an_audit(out: Path) -> bool:
    from reporter.audit.store import FILE_NAME
    from reporter.output.files import is_file

    try:
        if not is_file(out / "manifest.json"):  # which may be kept elsewhere
            if not is_file(out / FILE_NAME):
                return False
            with (out / FILE_NAME).open("rb") as file:  # what tables it has stands at its start
                return b"judged_by TEXT" in file.read(1 << 20)
        with (out / "manifest.json").open("rb") as file:
            return b'"precheck.audit/' in file.read(200)
    except OSError:
        return False


def _made(options: dict[str, Any]) -> list[str]:
    from reporter.audit.finish import MADE

    return [name for name in MADE if name != "audit.pdf" or not options["no_pdf"]]


def _meta(settings: Settings, wanted: Wanted) -> dict[str, str]:
    from reporter import __version__
    from reporter.audit.store import VERSION
    from reporter.output.rendering import writer_digest

    found = {
        "store_version": str(VERSION),
        "tool_version": __version__,
        "tool_build": writer_digest(),
        # In ASCII, which also holds names of files that are no text.
        "run": json.dumps(_run(settings, wanted), sort_keys=True),
    }
    if wanted.basis == "now":
        found["now"] = settings.at
    return found


def _run(settings: Settings, wanted: Wanted) -> dict[str, Any]:
    """What has to be the same for a run to be resumed."""
    from hashlib import sha256

    return {
        "locations": list(wanted.locations),
        "--policy": list(settings.policies),
        "--waivers": list(settings.waivers),
        "--compare-with": list(settings.others),
        "--at": settings.at if wanted.basis == "given" else wanted.basis,
        "--reports": settings.reports,
        "--max-size": settings.max_bytes,
        "the files of the policies": {
            name: sha256(data).hexdigest() for name, data in settings.files
        },
    }


def _check_same(store: Store, settings: Settings, wanted: Wanted) -> None:
    with store.reading("the meta row run"):
        before = dict(json.loads(store.meta().get("run", "{}")))
    for name, value in _run(settings, wanted).items():
        if before and before.get(name) != value:
            raise PolicyError(
                f"--resume: {name} differ from those of the run that was begun"
                if not name.startswith("--")
                else f"--resume: {name} is not what the run was begun with",
                hint="leave --resume out: what is judged already under the same policy is kept",
            )


def _remove_if_new(store: Store, out: Path) -> None:
    """There was nothing to judge: an empty store would only be in the way."""
    if store.meta():
        _take_back(out)
        return
    store.close()
    store.path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        out.rmdir()


def _work(store: Store, plan: Plan, settings: Settings, out: Path, options: dict[str, Any]) -> int:
    from reporter.audit import run

    if not plan.todo:
        return 0
    engine = _engine(options)
    last: Progress | None = None
    try:
        with _progress(options["quiet"]) as show:

            def told(progress: Progress) -> None:
                nonlocal last
                last = progress
                show(progress)

            judged = run.work(store, plan, settings, engine, out, told)
    except BaseException as error:
        engine.close(now=True)
        if isinstance(error, KeyboardInterrupt):
            done = last.done if last is not None else 0
            say(f"interrupted: {done:,} of {plan.todo:,} inputs are judged and kept")
            say_hint(RESUME)
        raise
    engine.close()
    return judged


def _engine(options: dict[str, Any]) -> Engine:
    from reporter.audit.engines import DaskEngine, LocalEngine

    if options["engine_name"] == "dask":
        return DaskEngine(options["scheduler"], options["jobs"], debug=options["debug"])
    return LocalEngine(options["jobs"])


@contextlib.contextmanager
def _progress(quiet: bool) -> Iterator[Callable[[Progress], None]]:
    """Rate and time left on a terminal; nothing in a pipe."""
    if quiet or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield lambda _: None
        return
    try:
        from reporter.cli.live_line import live_line
    except ImportError:  # rich is an extra
        last = 0.0

        def now_and_then(progress: Progress) -> None:
            nonlocal last
            if time.monotonic() - last >= PLAIN_EVERY:
                last = time.monotonic()
                say(_line(progress))

        yield now_and_then
        return
    with live_line("judging") as (_, show):
        yield lambda progress: show(_line(progress))


PLAIN_EVERY = 10
"""Seconds between lines of progress where no line can stay in its place."""


def _line(progress: Progress) -> str:
    text = (
        f"{progress.done:,} of {progress.todo:,} inputs, {progress.responses:,} responses, "
        f"{progress.rate:,.0f} a second"
    )
    if progress.left is None:
        return text
    minutes, seconds = divmod(round(progress.left), 60)
    left = f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
    return f"{text}, about {left} left"


def _warn(text: str) -> None:
    say(f"warning: {text}")


def _tell(
    store: Store,
    facts: AuditFacts | None,
    out: Path,
    options: dict[str, Any],
    *,
    judged: int,
) -> None:
    """Print the summary; of an audit that found nothing new the one from before."""
    from reporter.output.audit.text import write
    from reporter.output.clean import console_safe, one_line

    if facts is None:
        page = store.meta().get("summary", "")
    else:
        terminal = sys.stdout.isatty()
        width = shutil.get_terminal_size().columns if terminal else 80
        page = write(facts, width=width, verbose=options["verbose"])
    held = store.one("SELECT count(*) FROM responses")
    notes = []
    if not options["policies"]:
        notes.append(f"no --policy was given: judged by {DEFAULT_POLICY}")
    if judged < held:
        notes.append(f"{judged:,} of {held:,} responses were judged now, the others before")
    notes.append(f"{out}: index.html for people, audit.sqlite and CSVs for questions")
    page += "\n" + "".join(f"{console_safe(one_line(note))}\n" for note in notes)
    print_page(page.split("\n", 1)[0] + "\n" if options["quiet"] else page, sys.stdout)
