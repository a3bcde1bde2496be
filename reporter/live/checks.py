"""What an answer holds: the pre-upgrade check that was asked for, or why it is none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from reporter.errors import InputError, LiveError
from reporter.live.transport import Answer
from reporter.precheck.finding import iter_items
from reporter.precheck.model import FINAL_PHASES, PrecheckTask
from reporter.precheck.times import parse_timestamp
from reporter.sources.documents import documents
from reporter.sources.headers import cache_told_by, page_told_by
from reporter.sources.tasks import EmptyListError, tasks_of
from reporter.sources.text import text_of

ENDED = FINAL_PHASES | {"Error"}
"""Phases after which a task does not change any more."""


@dataclass(frozen=True)
class Progress:
    """How far a task has come: items done and known so far, by section."""

    phase: str | None
    done: int
    items: int
    nodes: int


def task_in(answer: Answer, cluster_id: str, uid: str) -> PrecheckTask:
    """The task an answer holds, if it is the one that was asked for."""
    tasks = _tasks(answer)
    if len(tasks) != 1 or tasks[0][0]:
        raise _wrong("a list, not the one task that was asked for")
    task = tasks[0][1]
    found = task.metadata.uid if task.metadata else None
    if found != uid:
        raise _wrong(f"task {found or 'without a uid'}, not task {uid}")
    about = task.spec.cluster_id if task.spec else None
    if about and about != cluster_id:
        raise _wrong(f"a check of cluster {about}, not of {cluster_id}")
    return task


def tasks_in(answer: Answer, cluster_id: str) -> list[PrecheckTask]:
    """The tasks of a list answer, newest first; those without a readable time last."""
    tasks = [task for _, task in _tasks(answer)]
    for task in tasks:
        about = task.spec.cluster_id if task.spec else None
        if about and about != cluster_id:
            raise _wrong(f"a check of cluster {about}, not of {cluster_id}")
    return sorted(tasks, key=lambda task: _order(created(task)), reverse=True)


def newest(tasks: list[PrecheckTask]) -> str:
    """The uid of the newest task; which it is has to be certain."""
    if not tasks:
        raise LiveError(
            "the cluster has no pre-upgrade check",
            hint="start one in the console, by Terraform or by the API, then fetch it",
        )
    if any(created(task) is None for task in tasks):
        raise LiveError(
            "a task has no readable creation time: which is the newest is not known",
            hint="see them with --list and name one with --task",
        )
    if len(tasks) > 1 and created(tasks[0]) == created(tasks[1]):
        raise LiveError(
            "two tasks were created at the same, newest time",
            hint="see them with --list and name one with --task",
        )
    uid = tasks[0].metadata.uid if tasks[0].metadata else None
    if not uid:
        raise LiveError("the newest task has no uid", hint="see the tasks with --list")
    return uid


def check_still_newest(uid: str, tasks: list[PrecheckTask]) -> None:
    """`LiveError` where another check became the newest while this one was waited for."""
    if (now := newest(tasks)) == uid:
        return
    when = tasks[0].metadata.creation_timestamp if tasks[0].metadata else None
    raise LiveError(
        f"while check {uid} was waited for, another became the latest: {now}, created {when}",
        hint=f"run it again to wait for that one, or take this one with --task {uid}",
    )


def created(task: PrecheckTask) -> datetime | None:
    """When a task was created, where that can be read."""
    return parse_timestamp(task.metadata.creation_timestamp) if task.metadata else None


def progress(task: PrecheckTask) -> Progress:
    """How far a task has come."""
    done = known = 0
    for _, _, _, items in iter_items(task):
        known += len(items)
        done += sum(item.phase in FINAL_PHASES for item in items)
    section = task.status.node_check_status if task.status else None
    nodes = len(section.node_stage_status or ()) if section else 0
    return Progress(task.status.phase if task.status else None, done, known, nodes)


def has_ended(task: PrecheckTask) -> bool:
    """Whether the task will not change any more."""
    return bool(task.status and task.status.phase in ENDED)


def _tasks(answer: Answer) -> list[tuple[str, PrecheckTask]]:
    """The tasks of an answer and their pointers, read as strictly as a saved file."""
    try:
        text = text_of(answer.body, "the answer")
        found: list[tuple[str, PrecheckTask]] = []
        for document in documents(text.data, "the answer"):
            if isinstance(document, InputError):
                raise document
            if document.form != "json":
                raise _wrong(f"what is no plain JSON ({document.form})")
            found += tasks_of(document, "the answer")
    except EmptyListError:
        found = []
    except InputError as error:
        said = error.message.removeprefix("the answer").lstrip(":/0123456789 ")
        raise LiveError(
            f"HTTP 200, but the answer is no pre-upgrade check: {said}",
            hint="check --endpoint and --type; is there a proxy or login page in between?",
        ) from None
    lines = "".join(f"{name}: {value}\n" for name, value in answer.headers.items())
    headers = lines.encode("utf-8", "replace")
    if mark := page_told_by(headers, len(found)):
        raise _wrong(f"one page of a longer list, or a part ({mark})")
    if mark := cache_told_by(headers):
        raise _wrong(f"a copy of a cache ({mark})")
    return found


def _order(instant: datetime | None) -> float:
    return instant.timestamp() if instant else float("-inf")


def _wrong(what: str) -> LiveError:
    return LiveError(
        f"HTTP 200, but the answer is {what}",
        hint="nothing was saved; check --cluster, --task and --endpoint",
    )
