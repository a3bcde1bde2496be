"""An audit from its locations to a full store: what is to be judged, and judging all of it once.

The work is a queue in the store. Whatever ends a run (a signal, a full disk, a lost scheduler),
what was judged is kept, and the next run goes on behind it.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from hashlib import sha256
from itertools import count, islice
from pathlib import Path

from reporter.audit import words
from reporter.audit.engines import Engine, signals_later, starting
from reporter.audit.finish import REPORTS
from reporter.audit.judging import (
    FileTask,
    Judged,
    MemberTask,
    Task,
    digest_of,
    judge_chunk,
    limits_of,
    mark_of,
    name_of,
    refused,
)
from reporter.audit.settings import Court, Settings, court_of
from reporter.audit.store import Store, make_id
from reporter.errors import InputError, LiveError
from reporter.output.files import make_way, write_file
from reporter.output.rendering import writer_digest
from reporter.record.conditions import CLOCK_SKEW
from reporter.record.dates import parse_instant
from reporter.sources.containers import Refused
from reporter.sources.locations import File, files_at, public_name
from reporter.sources.read import Found, found_in

CHUNK_FILES = 48
CHUNK_BYTES = 1_500_000
"""What a worker is given at once: many small files, or one large one."""

AHEAD = 16
"""Chunks in flight for each worker: enough that none waits while the disk is waited for."""

AHEAD_IN_AN_ARCHIVE = 3
"""Of members of an archive, whose bytes are in them: few enough that memory stays flat."""

COMMIT_SECONDS = 0.5
"""How long what came in may wait to be written; each transaction waits for the disk."""

BEAT = 5.0
"""Seconds of silence after which is asked whether anybody is left who could answer."""

MOST_READY = 2_000
"""Inputs whose rows are held at most until they are written."""

LISTED_AT_ONCE = 500

ALONE = 2
"""How often an input may end the process that reads nothing else, before it is given up."""


@dataclass(frozen=True)
class Plan:
    """What there is to do. The queue itself is in the store, so that no archive is too long."""

    locations: tuple[str, ...]
    out: Path
    total: int
    """Inputs at the locations."""

    todo: int
    """Those that are to be judged."""

    gone: int
    """Inputs that the store knew and that are no more."""


@dataclass(frozen=True)
class Progress:
    """How far a run is."""

    done: int
    todo: int
    responses: int
    seconds: float

    @property
    def rate(self) -> float:
        """Responses a second."""
        return self.responses / self.seconds if self.seconds > 0 else 0.0

    @property
    def left(self) -> float | None:
        """Seconds left, at this rate."""
        if not self.done or self.seconds <= 0:
            return None
        return (self.todo - self.done) * self.seconds / self.done


Tell = Callable[[Progress], None]


# What is to be done ---------------------------------------------------------------------------


def plan(
    store: Store,
    locations: Sequence[str],
    settings: Settings,
    *,
    out: Path,
    rehash: bool,
    allow_unreadable: bool = False,
) -> Plan:
    """List the locations and put what is new, changed or judged otherwise into the queue.

    `InputError` where there is nothing at all; with `allow_unreadable`, which is for files that
    are no responses, for every location where nothing is.
    """
    store.check_untouched()
    store.run("CREATE TEMP TABLE listed (id TEXT PRIMARY KEY, name TEXT, stamp TEXT, taken INT)")
    store.run("CREATE TEMP TABLE again (id TEXT PRIMARY KEY)")
    some = False
    first: InputError | None = None
    for batch in _batches(_listed(locations, out), LISTED_AT_ONCE):
        some = some or any(file.wrong is None for file in batch)
        first = first or next((file.wrong for file in batch if file.wrong is not None), None)
        store.list_inputs((_input_id(file), file.name, file.stamp()) for file in batch)
    if first is not None and allow_unreadable:
        hint = f"{first.hint}; " if first.hint else ""
        hint += "--allow-unreadable is for files that are no responses, not for a location of none"
        raise InputError(first.message, hint=hint)
    if first is not None and not some:
        raise first
    with store.writing():
        _let_go_of_pages(store, settings, out)
        with store.reading():
            otherwise = _judged_otherwise(store, settings)
        for identity in otherwise:
            store.run("INSERT OR IGNORE INTO again VALUES (?)", (identity,))
        gone = list(store.ask("SELECT id FROM inputs WHERE id NOT IN (SELECT id FROM listed)"))
        for (identity,) in gone:
            store.forget(identity)
            store.run("DELETE FROM inputs WHERE id = ?", (identity,))
        store.run(
            "UPDATE inputs SET state = 'todo', sha256 = NULL, size = NULL, "
            "stamp = (SELECT stamp FROM listed WHERE listed.id = inputs.id) "
            "WHERE ? OR id IN (SELECT id FROM again) OR stamp IS NULL "
            "OR stamp IS NOT (SELECT stamp FROM listed WHERE listed.id = inputs.id)",
            (rehash,),
        )
        store.run(
            "INSERT INTO inputs SELECT id, name, stamp, 'todo', NULL, NULL, 0 FROM listed "
            "WHERE id NOT IN (SELECT id FROM inputs)"
        )
        todo = store.one("SELECT count(*) FROM inputs WHERE state = 'todo'")
        if todo or gone:
            limit = limits_of(settings).max_bytes
            store.set_meta({"state": "judging", "max_bytes": str(limit)})
        if not settings.others and store.one(_COMPARED):
            store.unseal()
            store.run("DELETE FROM changes")
            store.run("DELETE FROM conditions WHERE role = 'compared with'")
            store.run("UPDATE responses SET compared_by = NULL WHERE compared_by IS NOT NULL")
    total = store.one("SELECT count(*) FROM inputs")
    return Plan(tuple(locations), out, total, todo, len(gone))


def _let_go_of_pages(store: Store, settings: Settings, out: Path) -> None:
    """No response has a page that is not wanted any more, or that somebody has removed.

    A folder, a pipe or a link in its place is not the page.
    """
    there: set[str] = set()
    with (
        contextlib.suppress(FileNotFoundError, NotADirectoryError),
        os.scandir(out / "reports") as entries,
    ):
        there.update(entry.name for entry in entries if entry.is_file(follow_symlinks=False))
    gone = [
        (identity,)
        for identity, outcome, report in store.ask(
            "SELECT id, outcome, report FROM responses WHERE report IS NOT NULL"
        )
        if not settings.wants_page(outcome) or os.path.basename(report) not in there
    ]
    if gone:
        store.unseal()
        for identity in gone:
            store.run("UPDATE responses SET report = NULL WHERE id = ?", identity)


_COMPARED = (
    "SELECT EXISTS (SELECT 1 FROM changes) "
    "OR EXISTS (SELECT 1 FROM responses WHERE compared_by IS NOT NULL)"
)


def _listed(locations: Sequence[str], out: Path) -> Iterator[File]:
    is_own = AuditsOwn(out)
    for location in locations:
        passed_over = counted = False
        try:
            for file in files_at(location):
                local = file.store is None and file.path != "-"
                if local and is_own(file.path):
                    passed_over = True
                    continue
                if local and file.path == location and not os.path.lexists(location):
                    raise InputError(f"{file.name}: no such file or folder", hint="check the path")
                counted = True
                yield file
            if passed_over and not counted:
                raise own_refused(location)
        except InputError as error:
            yield File(public_name(location), location, wrong=error)


def own_refused(location: str) -> InputError:
    """A location of which nothing is left without what an audit wrote."""
    return InputError(
        f"{public_name(location)}: lies in --out, where what an audit wrote is passed over: "
        "nothing of it counts",
        hint="keep responses elsewhere, or name another --out",
    )


def _input_id(file: File) -> str:
    """By where it lies: two names that are no text may look the same to people."""
    return make_id("input", file.name if file.store is not None else file.path)


class AuditsOwn:
    """Tells of a path whether it lies where an audit writes: in its folder itself, or in `reports`.

    A link lies there, too, wherever it leads.
    """

    def __init__(self, out: Path) -> None:
        self._out = os.path.realpath(out)
        self._last = "", False
        """The folder that was asked for last, as many files have the same."""

    def __call__(self, path: str) -> bool:
        return self._holds(path) or (os.path.islink(path) and self._holds(os.path.realpath(path)))

    def _holds(self, path: str) -> bool:
        folder = os.path.dirname(path)
        if folder != self._last[0] or not self._last[0]:
            self._last = folder, self._is_within(folder)
        return self._last[1]

    def _is_within(self, folder: str) -> bool:
        try:
            real = os.path.realpath(folder)
        except (OSError, ValueError):  # a link that nobody may follow
            return False
        below = (real + os.sep).startswith(os.path.join(self._out, REPORTS, ""))
        return real == self._out or below


def _batches(files: Iterable[File], size: int) -> Iterator[list[File]]:
    files = iter(files)
    while batch := list(islice(files, size)):
        yield batch


def _queued(store: Store, plan: Plan) -> Iterator[tuple[str, File]]:
    """The inputs that are to be judged, listed once more: none of them has to be kept in mind."""
    for batch in _batches(_listed(plan.locations, plan.out), LISTED_AT_ONCE):
        files = {_input_id(file): file for file in batch}
        for identity in store.take(list(files)):
            yield identity, files[identity]


def _judged_otherwise(store: Store, settings: Settings) -> list[str]:
    """Inputs that would not have the rows they have.

    Those with a response that these settings judge by something else than it was judged by, or
    that is larger than what they read; those whose own time has come since; and those of which
    not even the bytes could be had: what kept them (permissions, memory, a limit) may be gone. What
    bytes hold that are no response, another version of this tool may find.
    """
    court = court_of(settings)
    meta, limit = store.meta(), limits_of(settings).max_bytes
    query = (
        "SELECT DISTINCT input_id FROM responses "
        "WHERE size > ? OR (outcome = 'unreadable' AND (sha256 IS NULL OR ?))"
    )
    renewed = meta.get("tool_build", "") != writer_digest()
    inputs = [identity for (identity,) in store.ask(query, (limit, renewed))]
    query = (
        "SELECT input_id, updated_at FROM responses "
        "WHERE judged_at IS NULL AND updated_at IS NOT NULL AND reason LIKE ?"
    )
    inputs += [
        identity
        for identity, updated in store.ask(query, (words.NOT_YET.format(at="%"),))
        if parse_instant(updated) - settings.clock <= CLOCK_SKEW
    ]
    if limit < int(meta.get("max_bytes", limit)):
        # Of an archive inside an archive the size is nowhere.
        inputs += [identity for (identity,) in store.ask("SELECT id FROM inputs WHERE archive")]
    query = (
        "SELECT id, input_id, cluster_id, target_version, judged_by, compared_by, report, outcome, "
        "judged_at FROM responses WHERE judged_by IS NOT NULL"
    )
    return inputs + [row[1] for row in store.ask(query) if _is_judged_otherwise(court, row)]


def _is_judged_otherwise(court: Court, row: tuple[str, ...]) -> bool:
    _, _, cluster, target, by, compared, report, outcome, judged = row
    other, wanted = court.others, court.settings.wants_page(outcome)
    return (
        court.bench.key(court.bench.chosen(cluster, target)) != by.partition(" ")[0]
        or (other is not None and other.key(other.chosen(cluster, target)) != compared)
        or (wanted and judged is not None and report is None)
    )


# Doing it -------------------------------------------------------------------------------------


def work(
    store: Store, plan: Plan, settings: Settings, engine: Engine, out: Path, tell: Tell
) -> int:
    """Judge everything in the queue. Returns how many responses were judged."""
    return _Run(store, plan, settings, engine, out, tell).all()


class _Run:
    def __init__(
        self, store: Store, plan: Plan, settings: Settings, engine: Engine, out: Path, tell: Tell
    ) -> None:
        self.store, self.plan, self.settings = store, plan, settings
        self.engine, self.out, self.tell = engine, out, tell
        self.archives: list[tuple[str, File]] = []
        self.ready: list[Judged] = []
        self.started = self.committed = time.monotonic()
        self.done = self.responses = 0
        self.again = bool(store.one("SELECT EXISTS (SELECT 1 FROM responses)"))
        """Whether what is judged may have been judged before."""

    def all(self) -> int:
        """Files first, then the archives that were found among them."""
        if not self.plan.todo:
            return 0
        for judged in self._judged(_chunks(self._files()), self._commit, AHEAD):
            if judged.archive:
                self.archives.append((judged.rows.input_id, judged.file))
            else:
                self._keep(judged)
        self._commit()
        for identity, file in sorted(self.archives, key=lambda part: part[1].name):
            self._archive(identity, file)
        self._drop_what_went()
        return self.responses

    def _files(self) -> Iterator[Task]:
        for identity, file in _queued(self.store, self.plan):
            if file.wrong is None and file.only_once:
                self.archives.append((identity, file))  # nobody else can read it
            else:
                yield FileTask(identity, file)

    def _drop_what_went(self) -> None:
        """Files that were listed, and were gone when it was their turn: as if never listed."""
        with self.store.writing():
            for (identity,) in list(self.store.ask("SELECT id FROM inputs WHERE state = 'todo'")):
                self.store.forget(identity)
                self.store.run("DELETE FROM inputs WHERE id = ?", (identity,))

    # Results ----------------------------------------------------------------------------------

    def _keep(self, judged: Judged) -> None:
        self.ready.append(judged)
        self.responses += len(judged.rows.responses)

    def _wait_left(self) -> float | None:
        """Seconds until what came in has to be written; None where nothing did."""
        if not self.ready:
            return None
        if len(self.ready) > MOST_READY:
            return 0.0
        return max(0.0, self.committed + COMMIT_SECONDS - time.monotonic())

    def _commit(self) -> None:
        """Write what has come in, in one transaction; a report stands before its row does."""
        batch = self._take_ready()
        with self.store.writing():
            if self.again:
                for judged in batch:
                    self.store.forget(judged.rows.input_id)
            self.store.add([judged.rows for judged in batch])
            self.store.finish(
                (judged.rows.sha256, judged.rows.size, judged.rows.input_id) for judged in batch
            )
        self.done += len(batch)
        self._say()

    def _commit_members(self, reading: _Reading) -> None:
        batch = self._take_ready()
        new = [row[0] for judged in batch for row in judged.rows.responses]
        with self.store.writing():
            self.store.forget_responses(reading.left.intersection(new))
            self.store.add([judged.rows for judged in batch])
        reading.left.difference_update(new)
        self._say()

    def _take_ready(self) -> list[Judged]:
        batch, self.ready = self.ready, []
        for judged in batch:
            for name, data in judged.reports:
                make_way(self.out / name)
                write_file(self.out / name, data, hint=words.NO_ROOM)
        self.committed = time.monotonic()
        return batch

    def _say(self) -> None:
        seconds = time.monotonic() - self.started
        self.tell(Progress(self.done, self.plan.todo, self.responses, seconds))

    # Tasks ------------------------------------------------------------------------------------

    def _judged(
        self, chunks: Iterator[list[Task]], commit: Callable[[], None], ahead: float
    ) -> Iterator[Judged]:
        """What becomes of the tasks, as it comes; a lost worker's are done again one by one.

        `commit` is called whenever what was yielded has waited long enough to be written.
        """
        flying: dict[Future[list[Judged]], list[Task]] = {}
        suspects: list[Task] = []
        left: list[list[Task]] = []
        """Of chunks that took long, what their workers have not begun."""
        room = self.engine.jobs * ahead
        more = True
        while more or left or flying:
            given: list[Task] | None = None
            if len(flying) < room and not suspects:
                if left:
                    given = left.pop()
                elif more:
                    given = next(chunks, None)
                    more = given is not None
            if given is not None:
                try:
                    flying[self._submit(given)] = given
                except self.engine.lost:
                    suspects += given
            if flying:
                # Reading an archive may be slow: what is done meanwhile is not left lying.
                patience = self._wait_left() if given is None else 0.0
                for future in self._some_done(flying, patience):
                    chunk = flying.pop(future)
                    try:
                        made = self._result(future)
                    except self.engine.lost:
                        suspects += chunk
                        continue
                    if len(made) < len(chunk):
                        left.append(chunk[len(made) :])
                    yield from made
                if self._wait_left() == 0:
                    commit()
            if suspects and not flying:
                for task in suspects:
                    yield self._alone(task)
                    if self._wait_left() == 0:
                        commit()
                suspects = []

    def _submit(self, chunk: list[Task]) -> Future[list[Judged]]:
        with starting(), signals_later():  # a worker that is just being started is one to be ended
            return self.engine.executor().submit(judge_chunk, self.settings, chunk)

    def _some_done(
        self, flying: Iterable[Future[list[Judged]]], patience: float | None
    ) -> set[Future[list[Judged]]]:
        """Those that are done within so many seconds; without a bound, once one is."""
        end = float("inf") if patience is None else time.monotonic() + patience
        while True:
            left = max(0.0, min(BEAT, end - time.monotonic()))
            done, _ = wait(flying, left, return_when=FIRST_COMPLETED)
            if done or time.monotonic() >= end:
                return done
            self.engine.check()

    def _result(self, future: Future[list[Judged]]) -> list[Judged]:
        self._some_done([future], None)
        try:
            return future.result()
        except self.engine.gone as error:
            raise LiveError(
                f"{self.engine.where()} is gone ({type(error).__name__})",
                hint="bring it back and run again with --resume",
            ) from None

    def _alone(self, task: Task) -> Judged:
        """One task with nothing beside it: if its worker ends, it is its own doing."""
        for _ in range(ALONE):
            try:
                (judged,) = self._result(self._submit([task]))
            except self.engine.lost:
                continue
            return judged
        name = task.file.name if isinstance(task, FileTask) else name_of(task.found)
        said = words.KILLER.format(name=name)
        return refused(task, InputError(said, hint=words.KILLER_HINT))

    # Archives ---------------------------------------------------------------------------------

    def _archive(self, identity: str, file: File) -> None:
        """Read an archive once, here, and hand its members out; those judged before are kept."""
        reading = _Reading(self.store, self.settings, identity)
        for judged in self._judged(
            _chunks(reading.tasks(file)),
            lambda: self._commit_members(reading),
            min(AHEAD, AHEAD_IN_AN_ARCHIVE),
        ):
            self._keep(judged)
        if not reading.members:
            error = InputError(words.EMPTY_ARCHIVE.format(name=file.name), hint=words.EMPTY_HINT)
            self.ready.append(refused(FileTask(identity, file), error))
        self._commit_members(reading)
        digest, size = digest_of(file)
        with self.store.writing():
            self.store.forget_responses(reading.left)
            self.store.run("UPDATE inputs SET archive = 1 WHERE id = ?", (identity,))
            self.store.finish([(digest, size, identity)])
        self.done += 1
        self._say()


class _Reading:
    """One pass over an archive: which members are to be judged, and which are known."""

    def __init__(self, store: Store, settings: Settings, identity: str) -> None:
        self._settings, self._identity = settings, identity
        court = court_of(settings)
        self.left: set[str] = set()
        """Responses that the store has, and that this pass has not come to (yet)."""
        self._known: dict[str, str] = {}
        for row in store.ask(
            "SELECT id, input_id, cluster_id, target_version, judged_by, compared_by, report, "
            "outcome, judged_at, sha256 FROM responses WHERE input_id = ?",
            (identity,),
        ):
            self.left.add(row[0])
            if row[4] is not None and row[9] and not _is_judged_otherwise(court, row[:9]):
                # With the mark of its note, which may be another now, or gone.
                self._known[row[0]] = row[9] + row[4].partition(" ")[2]
        self.members = 0
        self._seen: dict[str, int] = {}

    def tasks(self, file: File) -> Iterator[Task]:
        """The members that are to be judged."""
        for found in found_in(file, limits_of(self._settings)):
            self.members += 1
            name = name_of(found)
            repeat = self._seen.get(name, 0)
            self._seen[name] = repeat + 1
            if not self._is_known(found, name, repeat):
                yield MemberTask(self._identity, found, repeat)

    def _is_known(self, found: Found, name: str, repeat: int) -> bool:
        """Whether the store has every response of this very member; then they stay."""
        if isinstance(found, Refused):
            return False
        digest = sha256(found[0].data).hexdigest() + mark_of(found[1]).strip()
        ids = []
        for number in count():
            response = make_id("response", self._identity, name, repeat, number)
            if response not in self.left:
                break
            ids.append(response)
        if not ids or any(self._known.get(response) != digest for response in ids):
            return False
        self.left.difference_update(ids)
        return True


def _chunks(tasks: Iterable[Task]) -> Iterator[list[Task]]:
    """Tasks in lots: about as much to read in each."""
    chunk: list[Task] = []
    size = 0
    for task in tasks:
        chunk.append(task)
        size += _size(task)
        if len(chunk) >= CHUNK_FILES or size >= CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _size(task: Task) -> int:
    if isinstance(task, MemberTask):
        return 0 if isinstance(task.found, Refused) else len(task.found[0].data)
    try:
        return os.stat(task.file.path).st_size if task.file.store is None else CHUNK_BYTES // 16
    except (OSError, ValueError):
        return 0
