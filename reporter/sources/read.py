"""From a file, standard input or bytes to one validated pre-upgrade check task."""

from __future__ import annotations

import gc
import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

import jiter
from pydantic import ValidationError

from reporter.errors import InputError
from reporter.precheck.model import PrecheckTask
from reporter.precheck.response import Response, Sidecar, Source
from reporter.precheck.times import parse_timestamp
from reporter.precheck.versions import meets

MAX_BYTES = 256 * 1024 * 1024
"""The largest response that is read."""

MAX_CONTAINERS = 1_500_000
"""The most objects and lists a response may hold: a cluster of 10,000 nodes has about 900,000."""

STDIN_NAME = "standard input"

_SAVE_RAW = "save the raw JSON body that the API answered with"
_MAGIC = {
    b"\x1f\x8b": "a gzip file",
    b"PK\x03\x04": "a zip archive",
    b"\x28\xb5\x2f\xfd": "a zstd file",
    b"%PDF": "a PDF",
    b"\x89PNG": "a picture",
    b"\x7fELF": "a program",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
}


def read(
    source: str | Path | bytes,
    *,
    name: str | None = None,
    task: str | None = None,
    expect_cluster: str | None = None,
    expect_target: str | None = None,
    max_bytes: int = MAX_BYTES,
) -> Response:
    """Read one response: a path, `-` for standard input, or the bytes themselves.

    Of a list response the newest task by creation time is taken; `task` picks another by its
    uid, and with an expectation the newest that meets it is preferred. Raises `InputError`,
    whose message says what the input looks like instead.
    """
    misfit = False
    if isinstance(source, bytes):
        data, label, sidecar = source, name or "bytes", None
        if len(data) > max_bytes:
            raise _too_large(label, f"{len(data):,} bytes", max_bytes)
    elif str(source) == "-":
        label, sidecar = name or STDIN_NAME, None
        if sys.stdin is None:
            raise InputError(f"{label}: is closed", hint="pipe a response in, or name a file")
        data = _read_stream(sys.stdin.buffer, label, max_bytes)
    else:
        path = Path(source)
        label = name or _readable(str(source))
        data = _read_path(path, label, max_bytes)
        sidecar = _read_sidecar(path, data)
        misfit = sidecar is None and path.with_name(path.name + ".meta.json").exists()
    with _collector_off():
        tasks = parse_tasks(data, label)
        index, others, doubts = _choose(tasks, task, expect_cluster, expect_target, label)
        pointer, chosen = tasks[index]
        form = "json-list" if pointer else "json"
        source_of_it = Source(label, data, form, pointer, others, doubts, sidecar, misfit)
        response = Response(chosen, source_of_it)
        if response.unknown.infinite is not None:
            raise InputError(
                f"{label}: {pointer}{response.unknown.infinite} holds a number too large to be "
                "one (such as 1e999)",
                hint=_SAVE_RAW,
            )
    return response


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


def _readable(path: str) -> str:
    """A path as text: bytes of a file name that are not UTF-8 are shown as U+FFFD."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _too_large(label: str, size: str, limit: int) -> InputError:
    return InputError(
        f"{label}: {size} is more than the limit of {limit // (1024 * 1024)} MB for a response",
        hint="a pre-upgrade check of 1,000 nodes is about 7 MB; is this the right file?",
    )


def _read_path(path: Path, label: str, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size > limit:
                raise _too_large(label, f"{size / 1e6:,.0f} MB", limit)
            return _read_stream(file, label, limit)
    except FileNotFoundError:
        raise InputError(f"{label}: no such file", hint="check the path") from None
    except IsADirectoryError:
        raise InputError(
            f"{label}: is a folder, not a response", hint="name a file in it"
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{label}: can't be read: {reason}") from None


def _read_stream(file: BinaryIO, label: str, limit: int) -> bytes:
    data = file.read(limit + 1)
    if len(data) > limit:
        raise _too_large(label, "what comes in", limit)
    return data


def _read_sidecar(path: Path, data: bytes) -> Sidecar | None:
    """`FILE.meta.json` beside a fetched body, if its digest fits the body."""
    beside = path.with_name(path.name + ".meta.json")
    try:
        with beside.open("rb") as file:
            raw = file.read(1024 * 1024)
        meta = json.loads(raw)
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(meta, dict) or meta.get("sha256") != sha256(data).hexdigest():
        return None

    def text(*keys: str) -> str | None:
        values = [meta[key] for key in keys if isinstance(meta.get(key), str) and meta[key]]
        return values[0] if values else None

    kind = text("type")
    return Sidecar(
        cluster_id=text("cluster_id", "cluster"),
        target_version=text("target_version"),
        cluster_type="autopilot"
        if kind == "autopilot"
        else "standard"
        if kind == "standard"
        else None,
        fetched_at=parse_timestamp(text("fetched_at")),
        name=str(beside),
        data=raw,
    )


def parse_tasks(data: bytes, label: str) -> list[tuple[str, PrecheckTask]]:
    """Every task in a JSON document with its pointer: one, or those of a list response."""
    body = data.removeprefix(b"\xef\xbb\xbf")
    document = _check_json(body, label)
    if not isinstance(document, dict):
        raise InputError(
            f"{label}: holds {_json_kind(document)}, not a pre-upgrade check response",
            hint=_SAVE_RAW,
        )
    if document.get("kind") == "List" and "items" in document:
        return _parse_list(document, body, label)
    _refuse_other_objects(document, label)
    return [("", _validate(body, label, ""))]


def _check_json(body: bytes, label: str) -> Any:
    """Parse strictly: duplicate keys, NaN, infinities and depth are refused."""
    if not body.strip():
        what = "is empty" if not body else "holds nothing but blanks"
        raise InputError(
            f"{label}: {what}", hint="did the command that saved it fail? " + _SAVE_RAW
        )
    for magic, what in _MAGIC.items():
        if body.startswith(magic):
            raise InputError(
                f"{label}: looks like {what}, not JSON", hint="unpack or convert it to plain JSON"
            )
    containers = body.count(b"{") + body.count(b"[")
    if containers > MAX_CONTAINERS:
        raise InputError(
            f"{label}: {containers:,} objects and lists are more than the limit of "
            f"{MAX_CONTAINERS:,}",
            hint="a pre-upgrade check of 1,000 nodes has about 90,000; is this the right file?",
        )
    try:
        return jiter.from_json(
            body, catch_duplicate_keys=True, allow_inf_nan=False, cache_mode="keys"
        )
    except ValueError as error:
        raise _not_json(body, label, str(error)) from None


def _not_json(body: bytes, label: str, problem: str) -> InputError:
    start = body[:4096].lstrip()
    lowered = start[:512].lower()
    if lowered.startswith((b"<!doctype html", b"<html")) or b"<html" in lowered:
        return InputError(
            f"{label}: looks like an HTML page (a proxy's or login page?), not JSON", hint=_SAVE_RAW
        )
    if start.startswith(b"<"):
        return InputError(f"{label}: looks like XML, not JSON", hint=_SAVE_RAW)
    if b"\x00" in start or _undecodable(body):
        return InputError(f"{label}: looks like binary data, not JSON text", hint=_SAVE_RAW)
    place = re.search(r" at line (\d+) column (\d+)$", problem)
    line, column = (int(place[1]), int(place[2])) if place else (1, 1)
    what = problem[: place.start()] if place else problem
    where = f"{label}:{line}:{column}"
    if what.startswith("Detected duplicate key"):
        key = what.removeprefix("Detected duplicate key ")
        return InputError(
            f"{where}: key {key} appears twice in one object; which one counts is anybody's guess",
            hint=_SAVE_RAW,
        )
    if "EOF while parsing" in what:
        return InputError(f"{where}: the JSON breaks off: the file was cut", hint=_SAVE_RAW)
    if "recursion limit" in what:
        return InputError(
            f"{where}: nested too deeply for a pre-upgrade check response", hint=_SAVE_RAW
        )
    if "hex escape" in what or "surrogate" in what:
        return InputError(f"{where}: half a character (a lone surrogate) in a text", hint=_SAVE_RAW)
    text = body.split(b"\n")[line - 1] if line <= body.count(b"\n") + 1 else b""
    if re.search(rb"NaN|Infinity", text[max(0, column - 10) : column + 10]):
        return InputError(f"{where}: NaN and Infinity are not JSON", hint=_SAVE_RAW)
    if not start.startswith((b"{", b"[")):
        return InputError(
            f"{label}: starts with text, not JSON: {start[:40].decode('utf-8', 'replace')!r}",
            hint=_SAVE_RAW,
        )
    return InputError(f"{where}: not JSON: {what}", hint=_SAVE_RAW)


def _undecodable(body: bytes) -> bool:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return True
    return False


def _json_kind(value: Any) -> str:
    if isinstance(value, list):
        return "a list of something else" if value else "an empty list"
    names = {str: "a text", bool: "true or false", int: "a number", float: "a number"}
    return names.get(type(value), "null")


def _text(value: Any) -> str | None:
    return str(value) if isinstance(value, (str, int)) and value != "" else None


def _refuse_other_objects(document: dict[str, Any], label: str) -> None:
    """Say what an object is that holds no task at all."""
    for code_key, text_keys in (
        ("error_code", ("error_msg", "error_message")),
        ("errorCode", ("errorMessage", "errorMsg")),
    ):
        if _text(document.get(code_key)):
            text = next((t for key in text_keys if (t := _text(document.get(key)))), "no text")
            raise _api_error(label, f"{document[code_key]}: {text}")
    if document.get("kind") == "Status" and _text(document.get("message")):
        reason = _text(document.get("code")) or _text(document.get("reason")) or "no code"
        raise _api_error(label, f"{reason}: {document['message']}")
    if set(document) == {"cluster_id", "task_id"}:
        raise InputError(
            f"{label}: is the request (cluster and task id), not the response",
            hint="print or save what the call returned",
        )
    parts = [key for key in ("metadata", "spec", "status") if document.get(key)]
    status = document.get("status")
    sections = ("clusterCheckStatus", "addonCheckStatus", "nodeCheckStatus")
    kind = document.get("kind")
    if kind == "PreCheckTask" or (
        isinstance(status, dict) and any(section in status for section in sections)
    ):
        return
    if isinstance(kind, str) and kind:
        raise InputError(
            f'{label}: is a "{kind}", not a pre-upgrade check response', hint=_SAVE_RAW
        )
    if isinstance(document.get("code"), (str, int)) and _text(document.get("message")):
        raise _api_error(label, f"{document['code']}: {document['message']}")
    if not parts:
        what = "is an empty object" if not document else "holds no metadata, spec or status"
        raise InputError(f"{label}: {what}: not a pre-upgrade check response", hint=_SAVE_RAW)


def _api_error(label: str, text: str) -> InputError:
    return InputError(
        f"{label}: is an error the API answered with ({text}), not a pre-upgrade check response",
        hint="mend what it names and ask again",
    )


def _validate(body: bytes, label: str, pointer: str) -> PrecheckTask:
    try:
        return PrecheckTask.model_validate_json(body)
    except ValidationError as error:
        raise _wrong_type(error, label, pointer) from None


def _parse_list(
    document: dict[str, Any], body: bytes, label: str
) -> list[tuple[str, PrecheckTask]]:
    items = document["items"]
    # One published list holds a single object where the array should be.
    single = isinstance(items, dict)
    found = [items] if single else items
    if not isinstance(found, list) or not found:
        raise InputError(
            f"{label}: is a list response without a single task",
            hint="was a pre-upgrade check ever started for this cluster?",
        )
    tasks = []
    for index, item in enumerate(found):
        pointer = "/items" if single else f"/items/{index}"
        if not isinstance(item, dict) or (item.get("kind") or "PreCheckTask") != "PreCheckTask":
            what = item.get("kind") if isinstance(item, dict) else _json_kind(item)
            raise InputError(
                f'{label}{pointer}: a list of something else ("{what}"), not of pre-upgrade checks',
                hint=_SAVE_RAW,
            )
        try:
            task = PrecheckTask.model_validate_json(json.dumps(item))
        except ValidationError as error:
            raise _wrong_type(error, label, pointer) from None
        tasks.append((pointer, task))
    return tasks


def _wrong_type(error: ValidationError, label: str, pointer: str) -> InputError:
    first = error.errors(include_url=False)[0]
    wanted = {
        "string_type": "a text",
        "list_type": "a list",
        "model_type": "an object",
        "model_attributes_type": "an object",
    }.get(first["type"], first["msg"])
    where = pointer + "".join(
        "/" + str(part).replace("~", "~0").replace("/", "~1") for part in first["loc"]
    )
    found = _json_kind(first["input"]) if not isinstance(first["input"], dict) else "an object"
    if isinstance(first["input"], list):
        found = "a list"
    return InputError(
        f"{label}: {where or 'the document'} should be {wanted} and is {found}: "
        "not what the API documents",
        hint=_SAVE_RAW,
    )


def _choose(
    tasks: list[tuple[str, PrecheckTask]],
    uid: str | None,
    cluster: str | None,
    target: str | None,
    label: str,
) -> tuple[int, int, tuple[str, ...]]:
    """Index of the task to judge, how many others there are, and what makes the choice doubtful."""
    others = len(tasks) - 1
    indexes = range(len(tasks))
    if uid is not None:
        named = [i for i in indexes if _uid(tasks[i][1]) == uid]
        if not named:
            known = [found for _, task in tasks if (found := _uid(task))]
            raise InputError(
                f'{label}: holds no task "{uid}"',
                hint="it holds " + (", ".join(known[:5]) or "no task with a uid"),
            )
        return named[0], others, ("choice.same-uid",) if len(named) > 1 else ()
    if not others:
        return 0, 0, ()
    fitting = [i for i in indexes if _fits(tasks[i][1], cluster, target)] or list(indexes)
    created = {i: _created(tasks[i][1]) for i in fitting}
    dated = [i for i in fitting if created[i] is not None]
    if len(dated) < len(fitting):
        return (dated or fitting)[0], others, ("choice.no-time",)
    newest = max(fitting, key=lambda i: created[i])
    tie = sum(created[i] == created[newest] for i in fitting) > 1
    return newest, others, ("choice.tie",) if tie else ()


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
