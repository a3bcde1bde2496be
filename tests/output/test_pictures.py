"""Bars are to scale, whole, and show what is there."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from reporter.output.pictures import BAR_WIDTH, LEAST, bar

OUTCOMES = ("fail", "unknown", "warn", "waived", "note", "pass")


@given(st.lists(st.integers(0, 10**7), min_size=6, max_size=6))
def test_a_bar_is_whole_and_shows_everything_there_is(numbers: list[int]) -> None:
    counts = list(zip(OUTCOMES, numbers, strict=True))
    segments = bar(counts)
    assert [part.outcome for part in segments] == [name for name, count in counts if count]
    if not segments:
        assert not any(numbers)
        return
    assert segments[0].x == 0
    assert sum(part.width for part in segments) == BAR_WIDTH
    for one, next_one in itertools.pairwise(segments):
        assert next_one.x == one.x + one.width
    total = sum(numbers)
    for part in segments:
        share = BAR_WIDTH * dict(counts)[part.outcome] / total
        assert part.width >= LEAST
        assert abs(part.width - share) <= LEAST * len(OUTCOMES)


def test_a_known_bar() -> None:
    parts = [(part.outcome, part.x, part.width, part.labelled) for part in bar(
        [("fail", 1), ("warn", 0), ("pass", 39_999)]
    )]  # fmt: skip
    assert parts == [("fail", 0, 6, False), ("pass", 6, 994, True)]
