"""Mistakes in files that users write, each named by file, line and column.

The models check structure; this turns pydantic's errors, whose locations also name members of
unions, into places in the YAML file and words a person can act on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from reporter import yamlfile
from reporter.errors import PolicyError
from reporter.yamlfile import Document

if TYPE_CHECKING:
    from pydantic import ValidationError


class Mistakes:
    """Mistakes of one file, in the order of the file."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.found: dict[str, tuple[int, int]] = {}

    def add(self, path: yamlfile.Path, message: str, *, key: bool = False) -> None:
        """A mistake at a path; `key`: at the key rather than at its value."""
        mark = self.document.where(path, key=key)
        self.found[f"{self.document.name}:{mark.line}:{mark.column}: {message}"] = (
            mark.line,
            mark.column,
        )

    def stop(self) -> None:
        """Raise `PolicyError` with everything found, if anything was."""
        if self.found:
            lines = tuple(sorted(self.found, key=lambda line: (*self.found[line], line)))
            raise PolicyError(lines[0], problems=lines)

    def refuse_nulls(self) -> None:
        """Null is an error everywhere but in what is data."""
        for path in list(self.document.values):
            if self.may_be_null(path):
                continue
            if at_path(self.document.data, path) is None:
                self.add(path, f'"{path[-1]}" has no value')

    def may_be_null(self, path: yamlfile.Path) -> bool:
        """Whether null at this path is for the model to judge."""
        return len(path) <= 1  # of the keys of the file itself the model speaks

    def allowed_keys(self, path: yamlfile.Path) -> list[str]:
        """The keys that may stand where an unknown one does."""
        raise NotImplementedError

    def add_validation(self, error: ValidationError) -> None:
        """What pydantic found, each at its place."""
        items = [(item, *self._path(item["loc"])) for item in error.errors(include_url=False)]
        mistyped = {
            (*path[:-1], yamlfile.nearest(str(path[-1]), self.allowed_keys(path)))
            for item, path, _ in items
            if item["type"] == "extra_forbidden"
        }
        for item, path, missing in items:
            if item["type"] == "missing" and (*path, missing) in mistyped:
                continue  # it is there, under the name the other message corrects
            self.add(
                path, self._message(item, path, missing), key=item["type"] == "extra_forbidden"
            )

    def _path(self, loc: Iterable[str | int]) -> tuple[yamlfile.Path, str | None]:
        """The path in the file for pydantic's location, which also names union members."""
        path: yamlfile.Path = ()
        last: str | None = None
        for part in loc:
            here = at_path(self.document.data, path)
            if _holds(here, part):
                path = (*path, part)
            elif isinstance(part, str):
                last = part
        return path, last

    def _message(self, item: Any, path: yamlfile.Path, missing: str | None) -> str:
        kind = item["type"]
        value = at_path(self.document.data, path)
        if kind == "extra_forbidden":
            return self._unknown_key(path)
        if kind == "missing":
            return f'"{missing}" is missing'
        if kind == "literal_error":
            allowed = re.findall(r"'([^']*)'", item["ctx"]["expected"])
            return not_one_of(self._shown(path, value), allowed)
        if kind == "string_type":
            return self._wanted_text(path, value, "text")
        if kind == "string_too_short":
            return "an empty text; leave the key out or give it a value"
        if kind == "too_short":
            return "an empty list; leave the key out or fill it"
        if kind in ("model_type", "model_attributes_type", "dict_type"):
            return f"{self._shown(path, value)} should be a mapping of keys"
        if kind == "list_type":
            return f"{self._shown(path, value)} should be a list"
        if kind == "less_than_equal":
            return f"{self._shown(path, value)} should be at most {item['ctx']['le']}"
        if kind in ("int_type", "greater_than_equal"):
            least = item.get("ctx", {}).get("ge")
            more = f" of at least {least}" if least is not None else ""
            return f"{self._shown(path, value)} should be a whole number{more}"
        if kind == "bool_type":
            return f"{self._shown(path, value)} should be true or false"
        return str(item["msg"])

    def _shown(self, path: yamlfile.Path, value: Any) -> str:
        if path in self.document.spellings:
            return self.document.spellings[path]
        if isinstance(value, dict):
            return "a mapping"
        if isinstance(value, list):
            return "a list"
        return f'"{value}"'

    def _wanted_text(self, path: yamlfile.Path, value: Any, forms: str) -> str:
        if path in self.document.spellings:
            spelling = self.document.spellings[path]
            what = "a number" if isinstance(value, (int, float)) else "not text"
            if isinstance(value, bool):
                what = "true or false"
            return f'{spelling} is {what} in YAML; write "{spelling}" in quotes'
        return f"{self._shown(path, value)} should be {forms}"

    def _unknown_key(self, path: yamlfile.Path) -> str:
        key = str(path[-1])
        allowed = self.allowed_keys(path)
        if key in allowed:
            return f'"{key}" does not go with the other key beside it; keep one of them'
        close = yamlfile.nearest(key, allowed)
        message = f'unknown key "{key}"'
        if close:
            return f'{message}; did you mean "{close}"?'
        return f"{message}; allowed are {', '.join(allowed)}"


def _holds(data: Any, part: str | int) -> bool:
    if isinstance(data, list):
        return isinstance(part, int) and part < len(data)
    return isinstance(data, dict) and part in data


def at_path(data: Any, path: yamlfile.Path) -> Any:
    """What stands at a path of plain data, None where nothing does."""
    for part in path:
        if not _holds(data, part):
            return None
        data = data[part]
    return data


def not_one_of(shown: str, allowed: Sequence[str]) -> str:
    """That a value is none of the allowed words, and the nearest of them."""
    close = yamlfile.nearest(shown.strip('"'), list(allowed))
    words = ", ".join(allowed[:-1]) + (" or " if len(allowed) > 1 else "") + allowed[-1]
    return f"{shown} should be {words}" + (f'; did you mean "{close}"?' if close else "")
