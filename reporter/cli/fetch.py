"""`cce-precheck fetch`: the raw answer of CCE, saved with where it came from."""

from __future__ import annotations

import math
import os
import re
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from reporter.cli.common import Outputs, file_name, put, say, say_hint, target_of
from reporter.cli.targets import TakenError, Target, Writer
from reporter.errors import LiveError
from reporter.record.instants import second_of

if TYPE_CHECKING:
    from reporter.live.checks import Progress
    from reporter.live.client import Client
    from reporter.live.secrets import Secrets
    from reporter.live.transport import Answer
    from reporter.live.wait import Pace
    from reporter.precheck.model import PrecheckTask

WAIT_SECONDS = 1800.0
ASK_SECONDS = 60.0
POLL_SECONDS = 10.0
TELL_EVERY = 60.0
"""Without a terminal, an unchanged state is told again after so many seconds."""

_READ = ("token_file", "ca_bundle")
"""The options that name files to read."""

_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")


class _Fetcher(Writer):
    """An answer goes with its note."""

    def is_surely_of_before(self, target: str, name: str) -> bool:
        """What is read here are keys and certificates: a response is an answer of before."""
        from reporter.sources.marks import speaks_of_a_response

        try:
            return speaks_of_a_response(Path(target).read_bytes())
        except OSError:
            return False

    def clear(self, arguments: Sequence[str], error: click.ClickException | None) -> None:
        from reporter.live.archive import forget

        given = self.read(arguments)
        if isinstance(error, TakenError):
            return
        options = {name: given.values.get(name, [""])[-1] for name in _READ}
        for _, target in self.to_clear(given, error):
            if target != "-":
                _spare_inputs(Path(target), options)
                forget(Path(target))


@click.command("fetch", cls=_Fetcher)
@click.option(
    "--type",
    "cluster_type",
    type=click.Choice(["autopilot", "standard"]),
    required=True,
    help="What kind of cluster it is; the API has a path for each.",
)
@click.option("--cluster", "cluster_id", required=True, metavar="ID", help="The cluster's id.")
@click.option("--region", required=True, metavar="R", help="The region, such as eu-west-101.")
@click.option(
    "--project-id", metavar="ID", help="The project; looked up by the region when not given."
)
@click.option("--endpoint", metavar="URL", help="Another address of the API than the region's.")
@click.option("--task", metavar="UID", help="The pre-upgrade check to fetch.")
@click.option("--latest", is_flag=True, help="The newest check by its creation time.")
@click.option("--list", "list_", is_flag=True, help="Show which checks there are.")
@click.option("--wait", is_flag=True, help="Ask until the check has ended.")
@click.option(
    "--poll",
    type=click.FloatRange(min=0.1),
    default=POLL_SECONDS,
    metavar="SECONDS",
    help="With --wait: how long between two questions. Default: 10.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.1),
    metavar="SECONDS",
    help="When to give up. Default: 60, with --wait 1800.",
)
@click.option(
    "--profile", metavar="NAME", help="A section of the profile file (~/.huaweicloud/credentials)."
)
@click.option("--token-file", type=file_name, metavar="F", help="A file that holds an IAM token.")
@click.option("--ca-bundle", type=file_name, metavar="F", help="CA certificates to trust (PEM).")
@click.option("--proxy", metavar="URL", help="A proxy; one with a password goes to HTTPS_PROXY.")
@click.option(
    "-o",
    "--output",
    cls=Target,
    metavar="FILE",
    help="Where to save the answer (- for stdout).",
)
@click.option(
    "--archive",
    type=file_name,
    metavar="DIR",
    help="Save below DIR as <cluster>/<created>--<task>.json.",
)
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def command(**options: Any) -> None:
    """Fetch a pre-upgrade check from CCE, through its official SDK (extra: live).

    The raw answer is saved byte for byte, with FILE.meta.json beside it. Credentials come from the
    environment, a profile or token file, or the machine; never from an option. Exit code 6: CCE
    could not be asked or answered with an error; then no file is left.
    """
    from reporter.live.secrets import Secrets

    if options["output"]:
        options["output"] = target_of(options["output"])
    _check_output(options)
    secrets = Secrets(os.environ)
    try:
        _check(options)
        _fetch(options, secrets)
    except BaseException as error:
        if options["output"] not in (None, "-"):
            from reporter.live.archive import forget

            forget(Path(options["output"]))
        told = secrets.taken_out_of(error)
        if told is error:
            raise
        raise told from None


def _check_output(options: dict[str, Any]) -> None:
    """Where to: what is told of after this leaves no older answer there."""
    if options["output"] == "" or (options["output"] or "").endswith("/"):
        raise click.UsageError("-o needs the name of a file")
    if options["output"] not in (None, "-"):
        _spare_inputs(Path(options["output"]), options)


def _check(options: dict[str, Any]) -> None:
    ways = [name for name in ("task", "latest", "list_") if options[name]]
    if len(ways) != 1:
        raise click.UsageError("name the check: one of --task UID, --latest and --list")
    for name in ("cluster_id", "task", "project_id"):
        value = options[name]
        if value is not None and not _ID.fullmatch(value):
            option = name.removesuffix("_id") if name == "cluster_id" else name.replace("_", "-")
            raise click.UsageError(f"--{option} {value!r} is no id")
    if options["output"] is not None and options["archive"] is not None:
        raise click.UsageError("either -o FILE or --archive DIR")
    if options["list_"]:
        if options["wait"] or options["archive"]:
            raise click.UsageError("--list goes with neither --wait nor --archive")
    elif options["output"] is None and options["archive"] is None:
        raise click.UsageError("say where to save it: -o FILE (- for stdout) or --archive DIR")
    if options["token_file"] is not None and options["profile"] is not None:
        raise click.UsageError("either --profile or --token-file")
    for name in ("timeout", "poll"):
        if options[name] is not None and not math.isfinite(options[name]):
            raise click.UsageError(f"--{name} takes seconds; {options[name]} never ends")
    for name in ("endpoint", "proxy"):
        _check_url(name, options[name])
    _check_proxy(options)


def _spare_inputs(output: Path, options: dict[str, Any]) -> None:
    """Refuse an answer, or its note, in the place of what is read to ask for it."""
    from reporter.live.archive import sidecar_of

    named = [options[name] for name in _READ]
    variables = ("HUAWEICLOUD_SDK_CREDENTIALS_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
                 "SSL_CERT_FILE")  # fmt: skip
    named += [os.environ.get(name) for name in variables]
    named.append(os.path.expanduser("~/.huaweicloud/credentials"))
    for target in (output, sidecar_of(output)):
        Outputs.of_one("output", str(target), [name for name in named if name])


def _check_url(name: str, url: str | None) -> None:
    if url is None:
        return
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        parts, host = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not host:
        raise click.UsageError(f"--{name} takes an address such as https://cce.example.com")
    if parts.username or parts.password:
        variable = " (the variable HTTPS_PROXY takes one)" if name == "proxy" else ""
        raise click.UsageError(f"--{name}: no password is taken from the command line{variable}")
    from reporter.live.endpoints import may_carry_credentials

    if name == "endpoint" and not may_carry_credentials(url):
        raise click.UsageError("--endpoint: credentials are sent over https only")


def _check_proxy(options: dict[str, Any]) -> None:
    from reporter.live.endpoints import goes_through_no_proxy

    if options["proxy"] and options["endpoint"] and goes_through_no_proxy(options["endpoint"]):
        raise click.UsageError(
            "--proxy: --endpoint is plain http, which is for this machine only, and would go to "
            "another through a proxy; leave one of the two out"
        )


def _fetch(options: dict[str, Any], secrets: Secrets) -> None:
    try:
        from reporter.live.client import Client, Target, UnknownRegionError
        from reporter.live.wait import ATTEMPTS, Pace
    except ImportError:
        raise LiveError(
            "asking CCE needs its SDK, which is not installed",
            hint="pip install 'cce-precheck-reporter[live]'",
        ) from None

    timeout = options["timeout"] or (WAIT_SECONDS if options["wait"] else ASK_SECONDS)
    pace = Pace(
        poll=options["poll"],
        deadline=time.monotonic() + timeout,
        attempts=None if options["wait"] else ATTEMPTS,
    )
    target = Target(
        cluster_type=options["cluster_type"],
        cluster_id=options["cluster_id"],
        region=options["region"],
        endpoint=options["endpoint"],
        project_id=options["project_id"],
        ca_bundle=options["ca_bundle"],
        proxy=options["proxy"],
    )
    try:
        client = Client(
            target,
            token_file=options["token_file"],
            profile=options["profile"],
            secrets=secrets,
        )
    except UnknownRegionError as error:
        raise _unknown_region(options["region"], error.args) from None
    with closing(client):
        _fetch_with(client, pace, options)


def _fetch_with(client: Client, pace: Pace, options: dict[str, Any]) -> None:
    from reporter.live import checks
    from reporter.live.wait import patiently

    tell = _teller(client.secrets)
    if options["list_"]:
        answer = patiently(lambda: client.list(deadline=pace.deadline), pace, tell)
        found = checks.tasks_in(answer, client.target.cluster_id)
        _save(answer, client, None, None, options)
        _tell_table(found, client.secrets, to_stderr=options["output"] == "-")
        return
    uid = options["task"]
    if options["latest"]:
        answer = patiently(lambda: client.list(deadline=pace.deadline), pace, tell)
        uid = checks.newest(checks.tasks_in(answer, client.target.cluster_id))
    answer, task = _asked(client, uid, pace, options)
    if options["latest"] and options["wait"]:
        again = patiently(lambda: client.list(deadline=pace.deadline), pace, tell)
        checks.check_still_newest(uid, checks.tasks_in(again, client.target.cluster_id))
    path = _save(answer, client, uid, checks.created(task), options)
    if not options["quiet"]:
        _tell_saved(task, uid, path, tell)


def _asked(
    client: Client, uid: str, pace: Pace, options: dict[str, Any]
) -> tuple[Answer, PrecheckTask]:
    from reporter.live import checks
    from reporter.live.wait import TimeIsOverError, patiently, until_ended

    cluster = client.target.cluster_id
    show: Callable[[], Answer] = lambda: client.show(uid, deadline=pace.deadline)  # noqa: E731
    if not options["wait"]:
        answer = patiently(show, pace, _teller(client.secrets))
        return answer, checks.task_in(answer, cluster, uid)
    again = _command_again(options, uid)
    try:
        with _progress(client.secrets, quiet=options["quiet"]) as (tell, progress):
            return until_ended(
                show,
                lambda answer: checks.task_in(answer, cluster, uid),
                pace,
                tell=tell,
                progress=progress,
            )
    except TimeIsOverError as error:
        raise LiveError(error.message, hint=f"go on with: {again}") from None
    except KeyboardInterrupt:
        say_hint(client.secrets.hide(f"the check goes on in CCE; wait for it with: {again}"))
        raise


def _command_again(options: dict[str, Any], uid: str) -> str:
    """The command that goes on waiting for this check."""
    words = ["cce-precheck", "fetch", "--task", uid, "--wait"]
    for name in ("type", "cluster", "region", "project-id", "endpoint", "poll", "timeout",
                 "profile", "token-file", "ca-bundle", "proxy", "output", "archive"):  # fmt: skip
        if name == "poll" and options[name] == POLL_SECONDS:
            continue
        key = {"type": "cluster_type", "cluster": "cluster_id"}.get(name, name.replace("-", "_"))
        if options[key] is not None:
            words += [f"--{name}", str(options[key])]
    return shlex.join(words)


def _unknown_region(region: str, known: tuple[str, ...]) -> click.UsageError:
    from difflib import get_close_matches

    close = get_close_matches(region, known, n=1)
    more = f'did you mean "{close[0]}"?' if close else "it knows " + ", ".join(known)
    return click.UsageError(f"--region: the SDK knows no region {region!r}; {more} (or --endpoint)")


def _save(
    answer: Answer,
    client: Client,
    uid: str | None,
    created: datetime | None,
    options: dict[str, Any],
) -> Path | None:
    from reporter.live.archive import Origin, archive, save

    origin = Origin(
        cluster_id=client.target.cluster_id,
        cluster_type=client.target.cluster_type,
        project_id=client.project_id,
        region=client.target.region,
        endpoint=answer.endpoint,
        task_uid=uid,
        fetched_at=datetime.now(UTC),
    )
    if (options["archive"] or options["output"]) and client.secrets.are_in(answer.body):
        say("warning: the answer holds the credentials it was asked with, and is saved as it came")
        say_hint("hand it to nobody, and renew them")
    # Of the headers only a note is kept, and no secret belongs there.
    request = answer.request_id
    answer = replace(
        answer, headers={"X-Request-Id": client.secrets.hide(request)} if request else {}
    )
    if options["archive"] is not None:
        return archive(answer, origin, created, Path(options["archive"]))
    if options["output"] is None:
        return None
    if options["output"] == "-":
        put("-", answer.body)
        return None
    path = Path(options["output"])
    save(answer, origin, path)
    return path


# What is said ---------------------------------------------------------------------------------


def _teller(secrets: Secrets) -> Callable[[str], None]:
    """Says a line without what is secret."""
    return lambda text: say(secrets.hide(text))


def _tell_saved(
    task: PrecheckTask, uid: str, path: Path | None, tell: Callable[[str], None]
) -> None:
    from reporter.live.checks import has_ended

    phase = task.status.phase if task.status and task.status.phase else "in no phase"
    where = f" → {path}" if path else ""
    tell(f"check {uid}: {phase}{where}")
    if not has_ended(task):
        say_hint("it has not ended, so no verdict on it can pass; --wait waits for its end")


def _tell_table(tasks: list[PrecheckTask], secrets: Secrets, *, to_stderr: bool) -> None:
    from reporter.output.clean import console_safe, one_line

    if not tasks:
        say("the cluster has no pre-upgrade check", err=True)
        return

    def told(text: str | None) -> str:
        return one_line(secrets.hide(text or "-"))

    rows = [("CREATED", "PHASE", "TARGET", "TASK")]
    for task in tasks:
        metadata, status, spec = task.metadata, task.status, task.spec
        rows.append(
            (
                _shown_time(told(metadata.creation_timestamp if metadata else None)),
                told(status.phase if status else None)[:12],
                told(spec.target_version if spec else None)[:16],
                told(metadata.uid if metadata else None)[:64],
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        click.echo(console_safe("  ".join([*cells, row[3]])), err=to_stderr)


def _shown_time(text: str) -> str:
    from reporter.precheck.times import parse_timestamp

    instant = parse_timestamp(text)
    if instant is None:
        return text[:23]
    return f"{second_of(instant).replace('T', ' ')} UTC"


def _line(found: Progress) -> str:
    items = f"{found.done:,} of {found.items:,} items done" if found.items else "no items yet"
    nodes = f" on {found.nodes:,} nodes" if found.nodes else ""
    return f"{found.phase or 'in no phase'}: {items}{nodes}"


@contextmanager
def _progress(
    secrets: Secrets, *, quiet: bool
) -> Iterator[tuple[Callable[[str], None], Callable[[Progress], None]]]:
    """How far the check has come: one line that changes, or lines where there is no terminal."""
    if quiet:
        yield _nothing, _nothing
        return
    if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        from reporter.cli.live_line import live_line

        with live_line() as (tell, show):
            yield (
                lambda text: tell(secrets.hide(text)),
                lambda found: show(secrets.hide(_line(found))),
            )
        return
    tell = _teller(secrets)
    last: tuple[str, float] = ("", 0.0)

    def told(found: Progress) -> None:
        nonlocal last
        line, now = _line(found), time.monotonic()
        if line != last[0] or now - last[1] >= TELL_EVERY:
            last = (line, now)
            tell(line)

    yield tell, told


def _nothing(_: Any) -> None:
    pass
