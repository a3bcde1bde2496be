"""Keeping what CCE answered: the body byte for byte, and beside it where it came from."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from reporter import __version__
from reporter.errors import OutputError
from reporter.output.files import is_file, remove_stale, write_file
from reporter.record.instants import second_of

if TYPE_CHECKING:
    from reporter.live.transport import Answer

SIDECAR_SUFFIX = ".meta.json"


@dataclass(frozen=True)
class Origin:
    """Where an answer came from. No secret belongs here."""

    cluster_id: str
    cluster_type: str
    project_id: str | None
    region: str
    endpoint: str
    task_uid: str | None
    fetched_at: datetime


def save(answer: Answer, origin: Origin, target: Path) -> None:
    """Write the body to `target` and its sidecar beside it; both or neither. `OutputError`.

    A stream, a pipe or a device gets the body alone: nobody looks for a note beside it.
    """
    write_file(target, answer.body)
    if not is_file(target):
        return
    try:
        write_file(sidecar_of(target), _sidecar(answer, origin))
    except OutputError:
        remove_stale(target)
        raise


def forget(target: Path) -> None:
    """Remove what an earlier run saved at `target`: nobody must take it for an answer of now."""
    remove_stale(target)
    remove_stale(sidecar_of(target))


def archive(answer: Answer, origin: Origin, created: datetime | None, folder: Path) -> Path:
    """Save below `folder` as `<cluster>/<created>--<task>.json` and return the path.

    A file with the same bytes is left as it is. One with other bytes (the task had not ended when
    it was fetched) is never written over: the new one gets a number.
    """
    name = f"{_stamp(created)}--{_plain(origin.task_uid or 'list')}"
    number = 1
    while True:
        suffix = "" if number == 1 else f".{number}"
        target = folder / _plain(origin.cluster_id) / f"{name}{suffix}.json"
        try:
            same = target.read_bytes() == answer.body
        except FileNotFoundError:
            save(answer, origin, target)
            return target
        except OSError as error:
            raise OutputError(f"{target}: can't be read: {error.strerror}") from None
        if same:
            # Unless an earlier run was cut off between the two, its note is there already.
            if not sidecar_of(target).exists():
                write_file(sidecar_of(target), _sidecar(answer, origin))
            return target
        number += 1


def sidecar_of(target: Path) -> Path:
    """Where it is kept where an answer at `target` came from."""
    return target.with_name(target.name + SIDECAR_SUFFIX)


def _sidecar(answer: Answer, origin: Origin) -> bytes:
    found = {
        "sha256": sha256(answer.body).hexdigest(),
        "size": len(answer.body),
        "cluster_id": origin.cluster_id,
        "type": origin.cluster_type,
        "project_id": origin.project_id,
        "region": origin.region,
        "endpoint": origin.endpoint,
        "task_uid": origin.task_uid,
        "request_id": answer.request_id,
        "fetched_at": _rfc3339(origin.fetched_at),
        "tool": f"cce-precheck {__version__}",
    }
    return (json.dumps(found, indent=2) + "\n").encode()


def _rfc3339(instant: datetime) -> str:
    return second_of(instant) + "Z"


def _stamp(instant: datetime | None) -> str:
    """An instant that sorts as it lies in time and may be a file's name on every system."""
    return f"{re.sub('[:-]', '', second_of(instant))}Z" if instant else "undated"


def _plain(text: str) -> str:
    return re.sub(r"[^0-9A-Za-z_-]", "_", text)[:80]
