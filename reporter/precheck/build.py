"""From parsed JSON to a task, in which equal check items are one object.

A cluster of a thousand nodes answers with the same few dozen items a thousand times, and an
archive of a year with the same again. Items are frozen, so the ones that are equal are validated
once and shared: that is faster than validating the text, and takes a fraction of the memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from operator import itemgetter
from typing import Any

from reporter.precheck.model import CheckItem, PrecheckTask

MOST_SHARED = 4_096
LONGEST_SHARED = 500
"""Items that are kept to be shared, and characters of each at most: bounded, whatever comes."""

_SECTIONS = ("clusterCheckStatus", "addonCheckStatus")
_TEXTS = ("name", "kind", "group", "level", "phase", "message")
_RISKS = "riskSource"
_texts = itemgetter(*_TEXTS)
_risks = itemgetter(_RISKS)
_NAMES = frozenset((*_TEXTS, _RISKS))
_DOCUMENTED = len(_NAMES)

_shared: dict[tuple[Any, ...], CheckItem] = {}
"""Plain items by their six texts: with `riskSource: {}`, and nothing besides."""


def build_task(value: Any) -> PrecheckTask:
    """The task that `PrecheckTask.model_validate_json` makes of the same JSON.

    `value` is what a strict parser gave, and is left as it is; plain items may be `plain_item`s.
    Raises pydantic's `ValidationError`, whose places are those of a part; validate the text to
    name them.
    """
    status = value.get("status") if type(value) is dict else None
    if type(status) is dict:
        value = {**value, "status": _with_items(status)}
    return PrecheckTask.model_validate(value)


def holders_of_items(value: Any) -> Iterator[dict[str, Any]]:
    """The sections and nodes of a task that have a list of check items, as JSON objects.

    `value` is a task, a list response or an array of tasks.
    """
    tasks = value if type(value) is list else [value]
    if type(value) is dict and type(value.get("items")) is list:
        tasks = [value, *value["items"]]
    for task in tasks:
        status = task.get("status") if type(task) is dict else None
        if type(status) is not dict:
            continue
        nodes = status.get("nodeCheckStatus")
        stages = nodes.get("nodeStageStatus") if type(nodes) is dict else None
        for holder in (*map(status.get, _SECTIONS), *(stages if type(stages) is list else ())):
            if type(holder) is dict and type(holder.get("itemsStatus")) is list:
                yield holder


def _with_items(status: dict[str, Any]) -> dict[str, Any]:
    status = dict(status)
    for name in _SECTIONS:
        if name in status:
            status[name] = _section(status[name])
    nodes = status.get("nodeCheckStatus")
    if type(nodes) is dict and type(stages := nodes.get("nodeStageStatus")) is list:
        status["nodeCheckStatus"] = {**nodes, "nodeStageStatus": list(map(_section, stages))}
    return status


def _section(section: Any) -> Any:
    """A section, or a node's stage, with its items built; anything else is left to the model."""
    if type(section) is dict and type(items := section.get("itemsStatus")) is list:
        return {**section, "itemsStatus": _items(items)}
    return section


def _items(found: list[Any]) -> list[Any]:
    """The items of a list. The usual list takes no step of Python for a single item."""
    kinds = set(map(type, found))
    if kinds == {dict, CheckItem}:
        built = iter(_items([part for part in found if type(part) is dict]))
        return [next(built) if type(part) is dict else part for part in found]
    if kinds != {dict}:
        return found
    try:
        texts, risks = list(map(_texts, found)), list(map(_risks, found))
        items: list[Any] = list(map(_shared.get, texts))
    except (KeyError, TypeError):  # another shape, or a text that is none
        return [_item(part) for part in found]
    plain = set(map(len, found)) == {_DOCUMENTED} and not any(risks) and set(map(type, risks))
    if plain == {dict} and all(items):
        return items
    return [
        item if item is not None and _is_plain(part) else _item(part)
        for item, part in zip(items, found, strict=True)
    ]


def _is_plain(part: dict[str, Any]) -> bool:
    """Whether an item has the six texts, no risks, and nothing else."""
    return len(part) == _DOCUMENTED and part.get(_RISKS) == {} and part.keys() >= _NAMES


def _item(part: dict[str, Any]) -> CheckItem:
    return plain_item(part) or CheckItem.model_validate(part)


def plain_item(part: dict[str, Any]) -> CheckItem | None:
    """The one object of an item with the six texts, `riskSource: {}` and nothing besides.

    None where it is another, or too long to be kept. Raises pydantic's `ValidationError`.
    """
    if not _is_plain(part):
        return None
    item = CheckItem.model_validate(part)
    texts = _texts(part)
    if sum(len(text or "") for text in texts) > LONGEST_SHARED:
        return None
    if len(_shared) >= MOST_SHARED:
        _shared.clear()
    # What is valid holds texts and nulls: nothing that equals another value, as 1 equals true.
    return _shared.setdefault(texts, item)
