"""Numbers as pictures: outcomes as a bar to scale.

Coordinates are whole numbers, so that the same record gives the same bytes everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

BAR_WIDTH = 1000
"""Units of a whole bar."""

LEAST = 6
"""Units of the smallest part that is there at all: one failed check among thousands is seen."""


@dataclass(frozen=True)
class Segment:
    """A part of a bar: its outcome, and from where to where."""

    outcome: str
    x: int
    width: int
    labelled: bool
    """Whether the outcome's shape has room in it."""


def bar(counts: Sequence[tuple[str, int]]) -> tuple[Segment, ...]:
    """A whole bar, in the order given; outcomes nobody has are left out."""
    there = [(outcome, count) for outcome, count in counts if count > 0]
    total = sum(count for _, count in there)
    if not total:
        return ()
    widths = [max(LEAST, round(BAR_WIDTH * count / total)) for _, count in there]
    # What small parts were given is taken from the widest.
    widths[widths.index(max(widths))] -= sum(widths) - BAR_WIDTH
    segments, x = [], 0
    for (outcome, _), width in zip(there, widths, strict=True):
        segments.append(Segment(outcome, x, width, width >= 40))
        x += width
    return tuple(segments)
