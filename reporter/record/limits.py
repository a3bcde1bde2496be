"""When a limit of a policy is exceeded: as it is judged, and as a record is held to it."""

from __future__ import annotations

from math import isfinite


def is_exceeded(failed: int, base: int, most: int | None, most_percent: float | None) -> bool:
    """Whether more of `base` failed than the one of both bounds that is there allows."""
    if most is not None:
        return failed > most
    if most_percent is None or not isfinite(most_percent):
        return False
    from decimal import Decimal

    # As it is written: 9.2 is no binary fraction, and 69 of 750 are 9.2 % and no more.
    return failed * 100 > Decimal(repr(most_percent)) * base
