"""Dates and durations as policies write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reporter.record.dates import is_day, parse_duration, parse_end, parse_instant


@pytest.mark.parametrize(
    ("text", "begins", "ends"),
    [
        ("2026-03-01", (2026, 3, 1), (2026, 3, 2)),
        ("2026-12-31", (2026, 12, 31), (2027, 1, 1)),
        ("2024-02-28", (2024, 2, 28), (2024, 2, 29)),
        ("2026-03-01T10:30:00Z", (2026, 3, 1, 10, 30), (2026, 3, 1, 10, 30)),
        ("2026-03-01t10:30:00z", (2026, 3, 1, 10, 30), (2026, 3, 1, 10, 30)),
        ("2026-03-01T10:30:00+08:00", (2026, 3, 1, 2, 30), (2026, 3, 1, 2, 30)),
        (
            "2026-03-01T10:30:00.123456789Z",
            (2026, 3, 1, 10, 30, 0, 123456),
            (2026, 3, 1, 10, 30, 0, 123456),
        ),
    ],
)
def test_a_day_is_whole_and_an_instant_ends_at_itself(
    text: str, begins: tuple[int, ...], ends: tuple[int, ...]
) -> None:
    assert parse_instant(text) == datetime(*begins, tzinfo=UTC)  # type: ignore[arg-type, misc]
    assert parse_end(text) == datetime(*ends, tzinfo=UTC)  # type: ignore[arg-type, misc]
    assert is_day(text) is (len(text) == 10)


def test_the_last_day_there_is() -> None:
    assert parse_end("9999-12-31") == datetime.max.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-02-30",
        "2026-3-1",
        "2026-03-01T10:30:00",
        "2026-03-01 10:30:00Z",
        "2026-03-01T25:00:00Z",
        "0001-01-01T00:00:00+08:00",
        "2026-03-01x",
        "never",
    ],
)
def test_any_other_spelling_is_an_error(text: str) -> None:
    for parse in (parse_instant, parse_end):
        with pytest.raises(ValueError, match="is not a date"):
            parse(text)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("90s", timedelta(seconds=90)),
        ("30m", timedelta(minutes=30)),
        ("24h", timedelta(hours=24)),
        ("7d", timedelta(days=7)),
        ("1d2h3m4s", timedelta(days=1, hours=2, minutes=3, seconds=4)),
        ("1s", timedelta(seconds=1)),
        ("0d1s", timedelta(seconds=1)),
    ],
)
def test_durations(text: str, length: timedelta) -> None:
    assert parse_duration(text) == length


@pytest.mark.parametrize("text", ["", "1", "d", "1w", "1h1d", "-1h", "1 h", "1.5h"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["0s", "0d0h0m0s"])
def test_no_time_at_all_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is no time at all"):
        parse_duration(text)
