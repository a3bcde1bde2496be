"""From where inputs lie to validated pre-upgrade check tasks: one of them, or many."""

from __future__ import annotations

import gc
import json
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from reporter.errors import InputError
from reporter.precheck.model import PrecheckTask
from reporter.precheck.response import Locate, Response, Sidecar, Source, Wanted
from reporter.precheck.times import parse_timestamp
from reporter.precheck.unknown_fields import too_many_names
from reporter.precheck.versions import meets, parse_version
from reporter.signs import folded, says_nothing
from reporter.sources import containers, snake_case
from reporter.sources.containers import MANY, ONE, Limits, Member, Refused
from reporter.sources.documents import Document, documents
from reporter.sources.locations import (
    MAX_SIDECAR,
    SIDECAR_SUFFIX,
    STDIN_NAME,
    File,
    files_at,
    is_one_file,
    notes_of,
    public_name,
)
from reporter.sources.marks import speaks_of_a_response
from reporter.sources.tasks import tasks_of
from reporter.sources.text import (
    SAVE_RAW,
    OtherDocumentError,
    Text,
    UnrecognisedError,
    text_of,
)

_PACKED = "|".join(map(re.escape, containers.PACKED_SUFFIXES))
_SEALED = r"\.(?:bz2|lzma|br|lz|lz4|lzo|z|7z|rar|gpg|asc|age|enc)"
"""How a response is called that was packed or locked in a way nothing here opens."""
_JSON_NAME = re.compile(rf"(?i)\.(?:json|jsonl|ndjson)(?:{_PACKED}|{_SEALED})?$")


@dataclass(frozen=True)
class Unreadable:
    """An input that could not be read, on the way of many that could."""

    name: str
    error: InputError

    @property
    def foreign(self) -> bool:
        """Nothing about it says that it was ever meant to be a response."""
        return isinstance(self.error, UnrecognisedError)


Beside = tuple[tuple[str, ...], int]
"""The first names of the files beside a response that were passed over, and how many there are."""

MAX_NOTES = 64 * 1024 * 1024
"""So many bytes of notes of `fetch` are kept of one archive: some 130,000 notes."""

MAX_PASSED_OVER = 20
"""So many of them are told by their names."""
LONGEST_PASSED_OVER = 500
"""So many signs of a name are told: an archive may say what it likes."""


@dataclass(frozen=True)
class _Candidate:
    """A task that was found, and where."""

    task: PrecheckTask
    pointer: str
    document: Document
    text: Text
    member: Member
    sidecar: Sidecar | None
    misfit: bool


def read(
    source: str | Path | bytes,
    *,
    name: str | None = None,
    task: str | None = None,
    expect_cluster: str | None = None,
    expect_target: str | None = None,
    limits: Limits = ONE,
) -> Response:
    """Read one response: a path, an object store's URL, `-` for standard input, or the bytes.

    An archive or folder has to hold one response and no second. Of a list response, and of JSON
    Lines, the newest task by creation time is taken; `task` picks another by its uid, and with an
    expectation the newest that meets it is preferred. Raises `InputError`, whose message says
    what the input looks like instead.
    """
    with _collector_off():
        if isinstance(source, bytes):
            label = name or "bytes"
            again = partial(_of_bytes, source)
            lies = _in_stream(BytesIO(source), label, limits, len(source), again=again)
        else:
            location = str(source)
            label = name or _label(location)
            lies = _in_location(location, name, limits)
        found, names = _only(lies, label)
        told = (_shortened(name) for name in sorted(names)[:MAX_PASSED_OVER])
        beside = tuple(told), len(names)
        return _response(found, Wanted(task, expect_cluster, expect_target), label, beside)


def read_kept(
    data: bytes,
    name: str,
    *,
    wanted: Wanted | None,
    pointer: str,
    uid: str | None,
    containers: tuple[str, ...] = (),
    passed_over: Beside = ((), 0),
    sidecar: tuple[str, bytes] | None = None,
) -> Response:
    """A response again, from the bytes that were kept of it.

    The task is chosen by what it was chosen by then; `wanted` None takes the one at `pointer`,
    with this `uid` where one is given. `passed_over` are the names, and the number, of the files
    that lay beside it; `sidecar` is the name and the bytes of the note it was fetched with.
    Raises `InputError`.
    """
    with _collector_off():
        note = _fitting_sidecar(*sidecar, data) if sidecar is not None else None
        if sidecar is not None and note is None:
            raise InputError(f"{sidecar[0]}: is not the note of {name}, or holds a key twice")
        candidates = _candidates((Member(name, data, containers), note, False))
        if wanted is not None:
            return _response(candidates, wanted, name, passed_over)
        there = [c for c in candidates if c.pointer == pointer and uid in (None, _uid(c.task))]
        if len(there) != 1:
            raise InputError(f"{name}: holds {len(there) or 'no'} such task at {pointer or '/'}")
        document = [c for c in candidates if c.document is there[0].document]
        return _built(there[0], len(document) - 1, (), None, passed_over)


def read_responses(
    locations: str | Path | Iterable[str | Path], *, limits: Limits = MANY
) -> Iterator[Response | Unreadable]:
    """Every response that lies at the locations: files, folders, globs, archives, URLs, `-`.

    They come one by one, in the order of their names, and one is held at a time. Every task of a
    list or of JSON Lines is a response of its own. What can't be read is yielded in its place and
    never hides the others.
    """
    for location in [locations] if isinstance(locations, str | Path) else locations:
        text = str(location)
        try:
            for found in _in_location(text, None, limits):
                yield from responses_in(found)
        except InputError as error:
            yield Unreadable(_label(text), error)


Found = tuple[Member, Sidecar | None, bool] | Refused
"""The bytes of one file, its sidecar if one fits and whether one misfits; or why not."""


def found_in(file: File, limits: Limits = MANY, *, notes: bool = True) -> Iterator[Found]:
    """What lies in a file: its bytes, or every member of an archive, one held at a time.

    An archive is read twice where that can be done: first for the notes of `fetch` in it, in
    whatever order they lie there. Without `notes` nobody looks for them.
    """
    own: Found | None = None
    again = None if file.only_once or not notes else file.open
    try:
        with file.open() as (stream, size):
            for found in _in_stream(stream, file.name, limits, size, file, again):
                if not isinstance(found, Refused) and found[0].name == file.name:
                    own = found  # what changed while it was read is told when it is closed
                else:
                    yield found
        if own is not None:
            yield own
    except InputError as error:
        yield Refused(file.name, error)


def responses_in(found: Found) -> Iterator[Response | Unreadable]:
    """The responses in what was found, in the order of the text."""
    if isinstance(found, Refused):
        yield Unreadable(found.name, found.error)
        return
    member = found[0]
    try:
        with _collector_off():
            text = text_of(member.data, member.name)
        for document in documents(text.data, member.name):
            if isinstance(document, InputError):
                yield Unreadable(member.name, document)
                continue
            label = _document_label(member.name, document)
            try:
                responses = _all_of(document, text, found, label)
            except InputError as error:
                yield Unreadable(label, error)
                continue
            del document  # only what is yielded is held
            while responses:
                yield responses.pop()
    except InputError as error:
        yield Unreadable(member.name, error)


def _all_of(
    document: Document, text: Text, found: tuple[Member, Sidecar | None, bool], label: str
) -> list[Response]:
    """Every task of a document as a response; the first comes last."""
    with _collector_off():
        tasks = tasks_of(document, label)
        document = document.outlined()
        others = len(tasks) - 1
        return [
            _built(_Candidate(task, pointer, document, text, *found), others, (), None)
            for pointer, task in reversed(tasks)
        ]


@contextmanager
def _of_bytes(data: bytes) -> Iterator[tuple[BinaryIO, int | None]]:
    yield BytesIO(data), len(data)


def _in_location(location: str, name: str | None, limits: Limits) -> Iterator[Found]:
    renamed = name is not None and is_one_file(location)
    for file in files_at(location):
        if name is not None and renamed:
            file = replace(file, name=name)
        yield from found_in(file, limits)


Opened = Callable[[], AbstractContextManager[tuple[BinaryIO, int | None]]]


def _in_stream(
    stream: BinaryIO,
    name: str,
    limits: Limits,
    size: int | None,
    file: File | None = None,
    again: Opened | None = None,
) -> Iterator[Found]:
    """`again` opens the same once more; None where it comes only once, or that would be in vain."""
    notes = _Notes(name, heard_first=again is not None)
    heard = again is None
    held: Member | None = None
    try:
        for member in containers.members(
            stream, name, limits, size=size, passed_over=notes.passes_over
        ):
            if isinstance(member, Refused):
                if held is not None:
                    yield notes.found(held)
                    held = None
                yield member
            elif member.name == name:
                yield (member, *_sidecar(list(file.sidecars()) if file is not None else [], member))
            elif notes.comes_late(member.name) and _is_note(member):
                yield Refused(member.name, _late(member.name), note=member.data)
            elif again is None:
                # One is held back: its note may come next, as in the order of the names.
                held, told = member, held
                if told is not None:
                    yield notes.found(told)
            else:
                if not heard:
                    heard = True
                    # What is wrong with the archive is told where its members are.
                    with suppress(InputError), again() as (other, _):
                        deque(containers.members(other, name, limits, passed_over=notes.keeps), 0)
                yield notes.found(member)
    except InputError:
        if held is not None:  # what was whole before it broke off
            yield notes.found(held)
        raise
    if held is not None:
        yield notes.found(held)


def _is_note(member: Member) -> bool:
    """Whether what is called a note reads as one, and as nothing else."""
    return _note_in(member.data) is not None and not speaks_of_a_response(member.data)


def _late(name: str) -> InputError:
    return InputError(
        f"{name}: a note of fetch behind its response, where an archive comes only once",
        hint="name the archive as a file, or pack the notes first",
    )


class _Notes:
    """The notes of `fetch` in an archive, by what they are called there."""

    def __init__(self, name: str, *, heard_first: bool) -> None:
        self._archive = name
        self._heard_first = heard_first
        self._kept: dict[str, list[bytes]] = {}
        self._size = 0
        self._told_of: set[str] = set()

    def passes_over(self, member: Member) -> bool:
        """A note of `fetch`, or what a desktop left behind, among the members of an archive.

        Whether its file lies beside it, another member may have yet to tell; so it has to read as
        one.
        """
        head = member.data[: containers.LITTER_HEAD]
        if containers.is_litter(member.name, head):
            return not speaks_of_a_response(member.data)
        if not member.name.endswith(SIDECAR_SUFFIX) or not _is_note(member):
            return False
        if self._heard_first:
            return True
        self.keeps(member)
        return not self.comes_late(member.name)

    def keeps(self, member: Member) -> bool:
        """Keep what is called a note, whatever it holds; all else is of no account."""
        if member.name.endswith(SIDECAR_SUFFIX) and len(member.data) < MAX_SIDECAR:
            self._size += len(member.data)
            if self._size <= MAX_NOTES:
                self._kept.setdefault(member.name, []).append(member.data)
        return True

    def found(self, member: Member) -> Found:
        """A member with its note; one whose notes contradict each other hides no other member."""
        beside = self.beside(member)
        try:
            return (member, *_sidecar(beside, member))
        except InputError as error:
            return Refused(member.name, error)

    def beside(self, member: Member) -> list[tuple[str, bytes]]:
        """The notes that lie beside a member, as beside a file. Raises `InputError`."""
        if self._size > MAX_NOTES:
            raise InputError(
                f"{self._archive}: holds more than {MAX_NOTES >> 20} MB of notes of fetch",
                hint="unpack it, or split it",
            )
        names = notes_of(member.name)
        found = [(note, data) for note in names for data in self._kept.get(note, [])]
        if not self._heard_first:
            self._told_of.update(names)
        return found

    def comes_late(self, name: str) -> bool:
        """Whether this is the note of a member that was told already."""
        return name in self._told_of


# One response ---------------------------------------------------------------------------------


def _only(found: Iterable[Found], label: str) -> tuple[list[_Candidate], list[str]]:
    """The tasks of the one response there is, and the names of the files that are none.

    Files that nothing marks as a response (a README, a report, a policy) may lie beside it.
    Whatever else can't be read may be the response that was meant, and so makes the whole
    unreadable.
    """
    foreign: list[InputError] = []
    names: list[str] = []
    chosen: list[_Candidate] = []
    late: list[tuple[str, bytes]] = []
    for part in found:
        if isinstance(part, Refused):
            if part.note is not None:
                late.append((part.name, part.note))
                continue
            if not part.empty:
                raise part.error
            foreign.append(part.error)
            names.append(part.name[: LONGEST_PASSED_OVER + 1])
            continue
        member = part[0]
        try:
            candidates = _candidates(part)
        except InputError as error:
            if member.name == label or not _may_lie_beside(member, error):
                raise
            foreign.append(error)
            names.append(member.name[: LONGEST_PASSED_OVER + 1])
            continue
        if chosen:
            raise InputError(
                f"{label}: holds more than one response: {chosen[0].member.name} and {member.name}",
                hint="name the one that counts",
            )
        chosen = candidates
    if chosen and late:
        member = chosen[0].member
        beside = [note for note in late if note[0] in notes_of(member.name)]
        if beside:
            known = chosen[0].sidecar
            beside += [(known.name, known.data)] if known is not None else []
            sidecar, misfit = _sidecar(beside, member)
            chosen = [replace(part, sidecar=sidecar, misfit=misfit) for part in chosen]
    if not chosen:
        if len(foreign) == 1:
            raise foreign[0]
        raise InputError(
            f"{label}: holds no pre-upgrade check response"
            + (f" among {len(foreign):,} files" if foreign else ""),
            hint=SAVE_RAW,
        )
    return chosen, names


def _shortened(name: str) -> str:
    return name if len(name) <= LONGEST_PASSED_OVER else f"{name[:LONGEST_PASSED_OVER]}…"


def _may_lie_beside(member: Member, error: InputError) -> bool:
    """Whether a file that is no response may lie beside one, and be passed over."""
    if speaks_of_a_response(member.data):
        return False
    if _JSON_NAME.search(member.name):
        return isinstance(error, OtherDocumentError)
    # What starts as JSON and is none may have been cut before anything told what it was.
    from reporter.sources.api_errors import KOOCLI_ERROR

    start = member.data.lstrip()[:100]
    beside = start.startswith(_BESIDE) and not KOOCLI_ERROR.match(start)
    return isinstance(error, UnrecognisedError) or not start or beside


_BESIDE = (
    b"%PDF",
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"apiVersi",
    b"# yaml-l",
    b"#",
    b"[",
    b"\xef\xbb\xbf#",
)


_TOLD_OF = 1_000
"""Lines that are none of a response, after which no further one is asked what it is."""


def _candidates(found: tuple[Member, Sidecar | None, bool]) -> list[_Candidate]:
    member = found[0]
    text = text_of(member.data, member.name)
    candidates = []
    other: OtherDocumentError | None = None
    left = _TOLD_OF
    for document in documents(text.data, member.name):
        if isinstance(document, InputError):
            raise document
        label = _document_label(member.name, document)
        try:
            tasks = tasks_of(document, label)
        except OtherDocumentError as error:  # a further line may tell more
            other = other or error
            left -= 1
            if not left:
                break
            continue
        document = document.outlined()
        candidates += [_Candidate(task, pointer, document, text, *found) for pointer, task in tasks]
    if other is not None:
        raise other
    return candidates


def _document_label(name: str, document: Document) -> str:
    return f"{name}:{document.line}" if document.form.startswith("json-lines") else name


def _response(candidates: list[_Candidate], wanted: Wanted, label: str, beside: Beside) -> Response:
    index, others, doubts = _choose(candidates, wanted.task, wanted.cluster, wanted.target, label)
    tasks = [part.task for part in candidates]
    newer = _newer(tasks, index) if wanted.task is not None else 0
    elsewhere = _elsewhere(tasks, index) if wanted.task is wanted.cluster is None else 0
    return _built(candidates[index], others, doubts, wanted, beside, newer, elsewhere)


def _built(
    found: _Candidate,
    others: int,
    doubts: tuple[str, ...],
    wanted: Wanted | None,
    beside: Beside = ((), 0),
    newer: int = 0,
    elsewhere: int = 0,
) -> Response:
    document, member = found.document, found.member
    form = document.form
    if form == "json" and found.pointer:
        form = "json-list" if isinstance(document.value, dict) else "json-array"
    response = Response(
        found.task,
        Source(
            name=member.name,
            data=member.data,
            form=form,
            pointer=found.pointer,
            others=others,
            doubts=doubts,
            newer=newer,
            elsewhere=elsewhere,
            lines_around=document.lines_around,
            passed_over=beside[0],
            passed_over_count=beside[1],
            wanted=wanted,
            sidecar=found.sidecar,
            sidecar_misfit=found.misfit,
            encoding=found.text.encoding,
            containers=member.containers,
            locate=_locator(document, found.text),
        ),
    )
    label = f"{_document_label(member.name, document)}: {found.pointer}"
    if response.unknown.infinite is not None:
        place = f"{label}{response.unknown.infinite}"
        raise InputError(
            f"{place} holds a number too large to be one (such as 1e999)",
            hint=SAVE_RAW,
        )
    if response.unknown.uncompared is not None:
        raise too_many_names(f"{label}{response.unknown.uncompared}")
    return response


def _locator(document: Document, text: Text) -> Locate | None:
    if document.span is None:
        return None
    start, end = document.span  # what follows is none of the document
    return partial(_locate, text, start=start, end=end, snake=document.renamed)


def _locate(
    text: Text, pointers: Iterable[str], *, start: int, end: int, snake: bool
) -> Mapping[str, tuple[int, int]]:
    """Line and column of pointers by the API's names."""
    from reporter.sources.locate import locate

    spelt = {(snake_case.pointer_in(name) if snake else name): name for name in pointers}
    data = text.data if end == len(text.data) else text.data[:end]
    places = locate(data, spelt, start=start, encoding=text.encoding, mark=text.mark)
    return {spelt[name]: (place.line, place.column) for name, place in places.items()}


# Sidecars -------------------------------------------------------------------------------------


def _sidecar(beside: Sequence[tuple[str, bytes]], member: Member) -> tuple[Sidecar | None, bool]:
    """What `fetch` wrote beside a body, if its digest fits the body; and whether one misfits."""
    fitting = [note for part in beside if (note := _fitting_sidecar(*part, member.data))]
    if len({note.data for note in fitting}) > 1:
        names = " and ".join(dict.fromkeys(note.name for note in fitting))
        raise InputError(
            f"{member.name}: two notes of fetch lie beside it and fit it, and differ: {names}",
            hint="keep the one that counts",
        )
    return fitting[0] if fitting else None, bool(beside) and not fitting


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object, every key of which counts: of two the last would win unseen."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _note_in(raw: bytes) -> dict[str, Any] | None:
    """What a note says; None if it is none: no object, or one that names no digest of a body."""
    if len(raw) >= MAX_SIDECAR:
        return None
    try:
        meta = json.loads(raw, object_pairs_hook=_each_once)
        json.dumps(meta, ensure_ascii=False).encode()  # no half of a surrogate pair
    except (ValueError, RecursionError):
        return None
    digest = meta.get("sha256") if isinstance(meta, dict) else None
    return meta if isinstance(digest, str) and _DIGEST.fullmatch(digest) else None


_DIGEST = re.compile("[0-9a-f]{64}")


_CLUSTER_KEYS = ("cluster_id", "cluster")


def _fitting_sidecar(name: str, raw: bytes, data: bytes) -> Sidecar | None:
    meta = _note_in(raw)
    if meta is None or meta["sha256"] != sha256(data).hexdigest():
        return None
    if len({meta[key] for key in _CLUSTER_KEYS if isinstance(meta.get(key), str)} - {""}) > 1:
        return None  # a witness of two clusters is one of none

    def text(*keys: str) -> str | None:
        values = [meta[key] for key in keys if isinstance(meta.get(key), str) and meta[key]]
        return values[0] if values else None

    kind = text("type")
    return Sidecar(
        cluster_id=text(*_CLUSTER_KEYS),
        target_version=text("target_version"),
        cluster_type="autopilot"
        if kind == "autopilot"
        else "standard"
        if kind == "standard"
        else None,
        fetched_at=parse_timestamp(text("fetched_at")),
        name=name,
        data=raw,
    )


# Choosing -------------------------------------------------------------------------------------


def _choose(
    found: list[_Candidate],
    uid: str | None,
    cluster: str | None,
    target: str | None,
    label: str,
) -> tuple[int, int, tuple[str, ...]]:
    """Index of the task to judge, how many others there are, and what makes the choice doubtful."""
    tasks = [part.task for part in found]
    others = len(tasks) - 1
    indexes = range(len(tasks))
    if uid is not None:
        named = [i for i in indexes if _uid(tasks[i]) == uid]
        if not named:
            known = [one for task in tasks if (one := _uid(task))]
            raise InputError(
                f'{label}: holds no task "{uid}"',
                hint="it holds " + (", ".join(known[:5]) or "no task with a uid"),
            )
        return _one_of(named, tasks), others, ("choice.same-uid",) if len(named) > 1 else ()
    if not others:
        return 0, 0, ()
    fitting = [i for i in indexes if _fits(tasks[i], cluster, target)] or list(indexes)
    doubts = ("choice.clusters",) if _mixed(found, fitting) else ()
    if (cluster or target) and _another_may_be_meant(tasks, fitting, cluster, target):
        doubts = (*doubts, "choice.unnamed")
    created = {i: _created(tasks[i]) for i in fitting}
    dated = [i for i in fitting if created[i] is not None]
    latest = max((created[i] for i in dated), default=None)
    newest = [i for i in dated if created[i] == latest] or fitting
    if len(dated) < len(fitting):
        doubts = ("choice.no-time", *doubts)
    elif len(newest) > 1:
        doubts = ("choice.tie", *doubts)
    return _one_of(newest, tasks), others, doubts


def _one_of(alike: Sequence[int], tasks: Sequence[PrecheckTask]) -> int:
    """The same of several tasks, in whatever order they come."""
    if len(alike) == 1:
        return alike[0]

    def content(index: int) -> bytes:
        return sha256(json.dumps(tasks[index].model_dump(), default=str).encode()).digest()

    return min(alike, key=content)


def _newer(tasks: Sequence[PrecheckTask], index: int) -> int:
    """How many other tasks are newer than one of them, and about its cluster, or may be."""
    own, created = _cluster_of(tasks[index]), _created(tasks[index])
    uid = _uid(tasks[index])
    return sum(
        not _is_another_cluster(_cluster_of(task), own)
        for task in tasks
        if _uid(task) != uid
        and (created is None or (other := _created(task)) is None or other >= created)
    )


def _elsewhere(tasks: Sequence[PrecheckTask], index: int) -> int:
    """How many other tasks are surely about another cluster than one of them."""
    own = _cluster_of(tasks[index])
    return sum(_is_another_cluster(_cluster_of(task), own) for task in tasks)


def _cluster_of(task: PrecheckTask) -> str | None:
    return task.spec.cluster_id if task.spec else None


def _mixed(found: list[_Candidate], fitting: list[int]) -> bool:
    """Whether what somebody put together (no list of the API's) is about several clusters."""
    own = not isinstance(found[0].document.value, dict) or len({id(p.document) for p in found}) > 1
    return own and len({_cluster_of(found[i].task) for i in fitting}) > 1


def _uid(task: PrecheckTask) -> str | None:
    return task.metadata.uid if task.metadata else None


def _created(task: PrecheckTask) -> Any:
    return parse_timestamp(task.metadata.creation_timestamp) if task.metadata else None


def _fits(task: PrecheckTask, cluster: str | None, target: str | None) -> bool:
    spec = task.spec
    if cluster is not None and (spec is None or spec.cluster_id != cluster):
        return False
    return target is None or bool(
        spec and spec.target_version and meets(target, spec.target_version)
    )


def _another_may_be_meant(
    tasks: list[PrecheckTask], fitting: list[int], cluster: str | None, target: str | None
) -> bool:
    """Whether a task that leaves open what it is about may be newer than all that surely fit."""
    newest = max((moment for i in fitting if (moment := _created(tasks[i]))), default=None)
    for i in set(range(len(tasks))) - set(fitting):
        spec = tasks[i].spec
        named_cluster = spec.cluster_id if spec else None
        named_target = spec.target_version if spec else None
        contradicts = (cluster is not None and _is_another_cluster(named_cluster, cluster)) or (
            target is not None and _is_another_target(named_target, target)
        )
        moment = _created(tasks[i])
        if not contradicts and (moment is None or newest is None or moment >= newest):
            return True
    return False


def _is_another_cluster(named: str | None, cluster: str | None) -> bool:
    """Whether a task surely is about another cluster, not the same in another spelling."""
    if any(name is None or says_nothing(name) or not name.isascii() for name in (named, cluster)):
        return False  # an id has no such letters: whose it is, nobody knows
    named, cluster = named or "", cluster or ""
    return folded(named).translate(_DIGITS) != folded(cluster).translate(_DIGITS)


_DIGITS = str.maketrans("oil", "011")


def _is_another_target(named: str | None, target: str) -> bool:
    """Whether a task surely is about another target: `v1.31` may be any v1.31.x that is meant."""
    # A version nobody can read may be any.
    unread = named is None or parse_version(named) is None
    return not (unread or meets(target, named or "") or meets(named or "", target))


def _label(location: str) -> str:
    return STDIN_NAME if location == "-" else public_name(location)


@contextmanager
def _collector_off() -> Iterator[None]:
    # Validating 6.5 MB takes six times as long while the collector walks what is being built.
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
