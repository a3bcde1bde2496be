"""The Python SDK's `to_dict()`: the API's structure under snake_case names.

The names are the attributes of the models in `reporter.precheck.model`, which follow the same
tables as the SDK's: what is renamed is what stands at a documented place, nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, get_args

from reporter.errors import InputError
from reporter.precheck.model import ApiObject, PrecheckTask
from reporter.sources.text import SAVE_RAW


def is_snake_case(value: Any) -> bool:
    """Whether a JSON value is a task, or a list response of tasks, under snake_case names."""
    if not isinstance(value, dict):
        return isinstance(value, list) and bool(value) and all(is_snake_case(v) for v in value)
    if "api_version" in value:
        return True
    if isinstance(items := value.get("items"), list | dict):
        return bool(items) and is_snake_case(items)
    return any(
        isinstance(part := value.get(key), dict) and bool(_snake_names(model) & part.keys())
        for key, model in _children(PrecheckTask)
    )


def api_names(value: Any, label: str) -> Any:
    """The same task, list or array under the API's own names.

    A document in which some names are spelt one way and some the other is refused: nothing prints
    that, and which one counts is anybody's guess.
    """
    if isinstance(value, list):
        return [api_names(part, label) for part in value]
    if isinstance(value, dict) and "items" in value:
        renamed = _rename({k: v for k, v in value.items() if k != "items"}, PrecheckTask, label, "")
        # Whatever stands there: `to_dict()` keeps the `None` of a call that found no task.
        return {**renamed, "items": _rename(value["items"], PrecheckTask, label, "/items")}
    return _rename(value, PrecheckTask, label, "")


def pointer_in(pointer: str) -> str:
    """A pointer by the API's names as it is spelt in the snake_case document."""
    return "/".join(_snake_of().get(part, part) for part in pointer.split("/"))


def _rename(value: Any, model: type[ApiObject], label: str, pointer: str) -> Any:
    if isinstance(value, list):
        return [_rename(part, model, label, f"{pointer}/{i}") for i, part in enumerate(value)]
    if not isinstance(value, dict):
        return value
    names = _fields(model)
    spelt_otherwise = {alias for alias, _ in names.values()} - names.keys()
    renamed: dict[str, Any] = {}
    for key, part in value.items():
        if key in spelt_otherwise:
            raise InputError(
                f"{label}: {pointer}/{key} is spelt as the API does, in a document with the "
                "Python SDK's snake_case names",
                hint=SAVE_RAW,
            )
        alias, inner = names.get(key, (key, None))
        renamed[alias] = part if inner is None else _rename(part, inner, label, f"{pointer}/{key}")
    return renamed


@cache
def _fields(model: type[ApiObject]) -> dict[str, tuple[str, type[ApiObject] | None]]:
    """snake_case name → the API's name, and the model of what stands there."""
    return {
        name: (info.alias or name, model_of(info.annotation))
        for name, info in model.model_fields.items()
    }


def _children(model: type[ApiObject]) -> Iterator[tuple[str, type[ApiObject]]]:
    for name, (_, inner) in _fields(model).items():
        if inner is not None:
            yield name, inner


def _snake_names(model: type[ApiObject]) -> set[str]:
    return {name for name, (alias, _) in _fields(model).items() if alias != name}


@cache
def _snake_of() -> dict[str, str]:
    found: dict[str, str] = {}
    models: list[type[ApiObject]] = [PrecheckTask]
    while models:
        for name, (alias, inner) in _fields(models.pop()).items():
            found[alias] = name
            if inner is not None:
                models.append(inner)
    return found


def model_of(annotation: Any) -> type[ApiObject] | None:
    """The model inside an annotation such as `list[CheckItem] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, ApiObject):
        return annotation
    inner = (model_of(part) for part in get_args(annotation))
    return next((model for model in inner if model is not None), None)
