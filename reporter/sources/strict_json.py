"""Strict JSON, in which check items that stand there again and again are parsed once.

Nine of ten items of a response say that a check succeeded, letter for letter as on the node
before and in the response of last week. Their texts are known by heart: they are lifted out, what
is left is parsed, and they are put back, built already. The value is that of the whole text, or
the whole text is parsed after all; no item is believed to stand where no parser saw one.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from typing import Any

import jiter

from reporter.precheck.build import LONGEST_SHARED, MOST_SHARED, holders_of_items, plain_item
from reporter.precheck.model import CheckItem

_LEAST = 16
"""Parts of a text from which on it is worth the trouble."""

_KEPT = 2 * LONGEST_SHARED
"""Bytes of an item at most that is known by heart."""

_SEAM = re.compile(rb'"itemsStatus"\s*:\s*\[\s*\{[^{}]*\{\s*\}\s*(\}\s*,\s*\{)')
"""What stands between two items, in the blanks of this text; the first has no risks."""

_items: dict[bytes, CheckItem | None] = {}
"""What stands between the braces of an item, as a strict parser read it; None: no plain item."""


def parse(body: bytes) -> Any:
    """A JSON text as a value: duplicate keys, NaN, infinities and depth raise `ValueError`.

    In the lists of check items of a task, or of a list of tasks, a plain item may already be a
    `CheckItem` (see `build_task`); everything else is plain Python.
    """
    seam = _SEAM.search(body, max(0, body.rfind(b'"itemsStatus"'))) or _SEAM.search(body)
    parts = body.split(seam[1]) if seam is not None else []
    if seam is None or len(parts) < _LEAST:
        return parse_all(body)
    _learn(parts)
    lifted, left = _lift(parts)
    if lifted:
        # Nobody who wrote the text can know the name under which an item is put back.
        name = os.urandom(16).hex()
        for number, at in enumerate(lifted):
            left[at] = b'"%s":%d' % (name.encode(), number)
        try:
            value = parse_all(seam[1].join(left))
        except ValueError:
            pass  # the text itself has to say what is wrong, and where
        else:
            if _put_back(value, name, list(lifted.values())):
                return value
    return parse_all(body)


def parse_all(body: bytes) -> Any:
    """The same, every letter parsed."""
    return jiter.from_json(body, catch_duplicate_keys=True, allow_inf_nan=False, cache_mode="all")


def _learn(parts: list[bytes]) -> None:
    """Read the items that stand there more than once."""
    for part, times in Counter(parts[1:-1]).items():
        if times < 2 or part in _items or len(part) > _KEPT:
            continue
        try:
            item = plain_item(parse_all(b"{%b}" % part))
        except ValueError:
            item = None
        if len(_items) >= MOST_SHARED:
            _items.clear()
        _items[part] = item


def _lift(parts: list[bytes]) -> tuple[dict[int, list[Any]], list[bytes]]:
    """Each run of known items, by where its placeholder goes in what is left.

    The first part and the last are never lifted: what is before the one and behind the other is
    no seam, so that they are no object of their own.
    """
    known: list[CheckItem | None] = list(map(_items.get, parts))
    known[0] = known[-1] = None
    lifted: dict[int, list[Any]] = {}
    left: list[bytes] = []
    before = -1
    for at in [at for at, item in enumerate(known) if item is None]:
        if at > before + 1:
            lifted[len(left)] = known[before + 1 : at]
            left.append(b"")
        left.append(parts[at])
        before = at
    return lifted, left


def _put_back(value: Any, name: str, runs: list[list[Any]]) -> bool:
    """Put each run where its placeholder stands among items; False where one stands elsewhere."""
    placed = 0
    for holder in holders_of_items(value):
        items: list[Any] = []
        for part in holder["itemsStatus"]:
            if type(part) is dict and name in part:
                items += runs[part[name]]
                placed += 1
            else:
                items.append(part)
        holder["itemsStatus"] = items
    return placed == len(runs)
