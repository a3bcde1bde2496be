"""From one JSON document to the tasks in it: one, those of a list response, or of an array."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from reporter.errors import InputError
from reporter.precheck.build import build_task, holders_of_items
from reporter.precheck.model import CheckItem, PrecheckTask, is_hollow
from reporter.precheck.paging import tells_of_a_longer_list
from reporter.precheck.unknown_fields import (
    are_too_many,
    looks_like_a_check,
    tells_of_checks,
    too_many_names,
)
from reporter.signs import may_be_one_of
from reporter.sources.documents import Document, is_list, is_task, json_kind
from reporter.sources.text import SAVE_RAW, OtherDocumentError, one_page

A_RECORD = "a record of this tool is for cce-precheck render, verify and diff"


class EmptyListError(InputError):
    """A whole list response, and no task in it."""


def tasks_of(document: Document, label: str) -> list[tuple[str, PrecheckTask]]:
    """Every task in a document, each with its pointer."""
    value = document.value
    if isinstance(value, list) and any(is_task(part) for part in value):
        return _tasks_at(enumerate(value), "/{}", label)
    if not isinstance(value, dict):
        if isinstance(value, list) and any("riskSource" in p for p in value if isinstance(p, dict)):
            raise _part_alone(label, "check items")
        raise (InputError if _is_an_answer(value) else OtherDocumentError)(
            f"{label}: holds {json_kind(value)}, not a pre-upgrade check response", hint=SAVE_RAW
        )
    if is_list(value):
        _refuse_half_a_list(value, label)
        return _listed(value.get("items"), label)
    _refuse_other_objects(value, label)
    return [("", _built(value, label, ""))]


MAX_ITEMS = 600_000
"""Check items of a response: a cluster of 10,000 nodes has about 400,000."""

MAX_ITEMS_IN_LIST = 20_000
"""Those of one section or node: there are a few dozen."""


MAX_CHECKS = 25_000
"""Different names of check items, in each section: there are some sixty. A record tells each of
them by itself, which takes a thousand times what one more node of a known check takes."""

MAX_SKIPPED = 20_000
"""Entries of the list of skipped checks: there are a few."""


def _check_items(value: dict[str, Any], label: str) -> None:
    """A hundred bytes of memory for each byte of an item: too many are refused before."""
    total = 0
    for holder in holders_of_items(value):
        count = len(holder["itemsStatus"])
        total += count
        for found, limit, what in (
            (count, MAX_ITEMS_IN_LIST, "check items in one list"),
            (total, MAX_ITEMS, "check items"),
        ):
            if found > limit:
                raise InputError(
                    f"{label}: {found:,} {what} are more than the limit of {limit:,}",
                    hint="a pre-upgrade check of 1,000 nodes has about 40,000; is this the right "
                    "file?",
                )
    if total > MAX_CHECKS:
        _refuse_many_checks(value, label)
    spec = value.get("spec")
    skipped = spec.get("skippedCheckItemList") if isinstance(spec, dict) else None
    if isinstance(skipped, list) and len(skipped) > MAX_SKIPPED:
        raise InputError(
            f"{label}: {len(skipped):,} skipped checks are more than the limit of {MAX_SKIPPED:,}",
            hint="a response has a few; is this the right file?",
        )


def _refuse_many_checks(value: dict[str, Any], label: str) -> None:
    names: dict[int, set[object]] = {}
    sections = [id(part) for part in value["status"].values()]
    for holder in holders_of_items(value):
        of_section = names.setdefault(id(holder) if id(holder) in sections else 0, set())
        of_section.update(map(_name_of, holder["itemsStatus"]))
    if (count := sum(map(len, names.values()))) > MAX_CHECKS:
        raise InputError(
            f"{label}: check items of {count:,} different names are more than the limit of "
            f"{MAX_CHECKS:,}",
            hint="a pre-upgrade check has some sixty; is this the right file?",
        )


def _name_of(item: object) -> str | None:
    found = item.get("name") if isinstance(item, dict) else getattr(item, "name", None)
    return found if isinstance(found, str) else None


def _built(value: dict[str, Any], label: str, pointer: str) -> PrecheckTask:
    _check_items(value, label)
    try:
        return build_task(value)
    except ValidationError:
        pass
    try:  # once more as a whole, for the place and the words
        return PrecheckTask.model_validate_json(json.dumps(value, default=_as_json))
    except ValidationError as error:
        raise _wrong_type(error, label, pointer) from None


def _as_json(item: CheckItem) -> dict[str, Any]:
    return item.model_dump(by_alias=True, exclude_unset=True)


def _refuse_half_a_list(value: dict[str, Any], label: str) -> None:
    """The API knows no pages; whoever cut a list into them, the newest task may be on another."""
    for key in value:
        if key != "items" and key.lower() == "items":
            raise InputError(
                f"{label}: holds both items and {key}; which one counts is anybody's guess",
                hint=SAVE_RAW,
            )
    _refuse_an_error(value, label)
    items = value.get("items")
    tasks = len(items) if isinstance(items, list) else 1
    names = set(value)
    about = {
        key: part
        for key, part in value.items()
        if not are_too_many(names) and isinstance(part, dict) and may_be_one_of(key, _ABOUT_A_LIST)
    }
    beside = {key: part for key, part in value.items() if key not in about and key != "items"}
    within = {
        f"{key}.{inner}": part
        for key, whole in about.items()
        for inner, part in whole.items()
        if isinstance(part, dict) and may_be_one_of(inner, _ABOUT_A_LIST)
    }
    places = [("", beside), *((f"{key}.", part) for key, part in (about | within).items())]
    for where, part in places:
        names.update(part)
        for key in part:
            of_a_check = key != "kind" and _is_of_a_check(key, part[key], names)
            if are_too_many(names):
                raise too_many_names(f"{label}: {where}{key}")
            if tells_of_a_longer_list(key, part[key], tasks):
                raise one_page(label, f"{where}{key}")
            if of_a_check:
                raise InputError(
                    f"{label}: {where}{key} stands beside the tasks of the list and looks like a "
                    "check, a task or a list of skipped ones; for which task is anybody's guess",
                    hint="save the answer for the one task",
                )


_ABOUT_A_LIST = frozenset(
    {"metadata", "meta", "listmeta", "page", "pageable", "pageinfo", "paging", "pagination"}
)


def _is_of_a_check(key: str, value: Any, names: set[str]) -> bool:
    """Whether what stands beside the tasks of a list may be a part of a task, or another."""
    if value in (None, "", [], {}):
        return False
    # Of a list itself, where the API has them at all: names that somebody gave it.
    if key in ("labels", "annotations") and isinstance(value, dict):
        value = [part for part in value.values() if not isinstance(part, str)]
    return (
        key in ("spec", "status") or tells_of_checks(key, value) or looks_like_a_check(value, names)
    )


def _listed(items: Any, label: str) -> list[tuple[str, PrecheckTask]]:
    # One published list holds a single object where the array should be.
    if isinstance(items, dict) and items:
        return _tasks_at([(0, items)], "/items", label)
    if not isinstance(items, list) or not items:
        raise (InputError if items else EmptyListError)(
            f"{label}: is a list response without a single task",
            hint="was a pre-upgrade check ever started for this cluster?",
        )
    return _tasks_at(enumerate(items), "/items/{}", label)


def _tasks_at(
    items: Iterable[tuple[int, Any]], pattern: str, label: str
) -> list[tuple[str, PrecheckTask]]:
    tasks = []
    for index, item in items:
        pointer = pattern.format(index)
        if not isinstance(item, dict) or (item.get("kind") or "PreCheckTask") != "PreCheckTask":
            what = item.get("kind") if isinstance(item, dict) else json_kind(item)
            raise OtherDocumentError(
                f'{label}: {pointer} is "{what}", no pre-upgrade check: a list of something else',
                hint=SAVE_RAW,
            )
        _refuse_an_error(item, f"{label}: {pointer}")
        tasks.append((pointer, _built(item, label, pointer)))
    return tasks


def _refuse_an_error(value: Any, label: str) -> None:
    from reporter.sources.api_errors import api_error, told_by

    if told := told_by(value):
        raise api_error(label, told)


def _is_an_answer(value: Any) -> bool:
    """Whether some API may have answered with a value: it may not lie beside a response."""
    from reporter.sources.api_errors import told_by
    from reporter.sources.traces import is_an_answer

    if isinstance(value, list):
        told = any(told_by(part) or is_an_answer(part) for part in value)
        return told or _holds_nothing(value)
    return is_an_answer(value)


def _holds_nothing(value: Any) -> bool:
    """Whether a list holds nothing but what is hollow, however deep."""
    return all(map(_holds_nothing, value)) if isinstance(value, list) else is_hollow(value)


def _refuse_other_objects(document: dict[str, Any], label: str) -> None:
    """Say what an object is that holds no task at all."""
    _refuse_an_error(document, label)
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
        raise (InputError if kind == "Error" else OtherDocumentError)(
            f'{label}: is a "{kind}", not a pre-upgrade check response',
            hint=A_RECORD if kind == "Verdict" else SAVE_RAW,
        )
    if not document:
        raise InputError(
            f"{label}: is an empty object: not a pre-upgrade check response", hint=SAVE_RAW
        )
    parts_of_one = (*sections, "itemsStatus", "nodeStageStatus", "phase")
    if part := [key for key in parts_of_one if key in document]:
        raise _part_alone(label, part[0])
    if not parts:
        raise (InputError if _is_an_answer(document) else OtherDocumentError)(
            f"{label}: holds no metadata, spec or status: not a pre-upgrade check response",
            hint=SAVE_RAW,
        )


def _part_alone(label: str, what: str) -> InputError:
    return InputError(
        f"{label}: is a part of a response alone ({what}), not the whole",
        hint="save or print the whole response",
    )


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
    if first["type"] == "string_too_long":
        limit = first["ctx"]["max_length"]
        raise InputError(
            f"{label}: {where} is a text of more than {limit:,} characters",
            hint="a message of CCE has some hundreds; is this the right file?",
        )
    found = json_kind(first["input"]) if not isinstance(first["input"], dict) else "an object"
    if isinstance(first["input"], list):
        found = "a list"
    return InputError(
        f"{label}: {where or 'the document'} should be {wanted} and is {found}: "
        "not what the API documents",
        hint=SAVE_RAW,
    )
