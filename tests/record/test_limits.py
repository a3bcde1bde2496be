"""When a limit is exceeded: one function, for judging and for holding a record to it."""

from __future__ import annotations

import math

import pytest

from reporter.record.limits import is_exceeded


@pytest.mark.parametrize(
    ("failed", "base", "most", "percent", "exceeded"),
    [
        (3, 9, 3, None, False),
        (4, 9, 3, None, True),
        (0, 0, 0, None, False),
        (69, 750, None, 9.2, False),
        (70, 750, None, 9.2, True),
        (1, 3, None, 33.333333333333336, False),
        (1, 3, None, 33.33, True),
        (0, 0, None, 0.0, False),
        (1, 1, None, 100.0, False),
        (4, 9, 3, 100.0, True),  # the number stands before the share
        (9, 9, None, None, False),
        (9, 9, None, math.nan, False),  # no policy has one; a record that was changed may
        (9, 0, None, math.inf, False),
    ],
)
def test_more_than_a_limit_allows(
    failed: int, base: int, most: int | None, percent: float | None, exceeded: bool
) -> None:
    assert is_exceeded(failed, base, most, percent) is exceeded
