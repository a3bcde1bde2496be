"""How much a record may hold, told before it is parsed.

An object or list of three bytes takes more than twenty times as much memory once it is parsed, and
packs to nothing: 500 kB of a page would take all there is.
"""

from __future__ import annotations

MAX_CONTAINERS = 24_000_000
"""Objects and lists. A finding takes 24, and a response has at most 600,000."""

MAX_FINDINGS = 600_000
"""Findings a packed record may stand for, each with its places: no response has more check items.

A row that says nothing is two bytes of a page, a thousand of them pack to three, and each takes
hundreds of bytes once it is read.
"""


def is_crowded(data: bytes | str, *, values: bool = False) -> bool:
    """Whether JSON may hold more objects and lists than that; signs within texts count as well.

    With `values` whatever a comma sets apart counts, too: numbers take ten times their bytes.
    """
    signs = "[{," if values else "[{"
    if isinstance(data, str):
        return sum(map(data.count, signs)) > MAX_CONTAINERS
    return sum(data.count(sign.encode()) for sign in signs) > MAX_CONTAINERS
