"""How much a record may hold, told before it is parsed.

An object or list of three bytes takes more than twenty times as much memory once it is parsed, and
packs to nothing: 500 kB of a page would take all there is.
"""

from __future__ import annotations

MAX_CONTAINERS = 24_000_000
"""Objects and lists. A finding takes 24, and a response has at most 600,000."""


def is_crowded(data: bytes | str) -> bool:
    """Whether JSON may hold more objects and lists than that; signs within texts count as well."""
    if isinstance(data, str):
        return data.count("[") + data.count("{") > MAX_CONTAINERS
    return data.count(b"[") + data.count(b"{") > MAX_CONTAINERS
