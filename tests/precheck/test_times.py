"""Every timestamp form that was seen in the API, and what must not be read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporter.precheck.times import format_instant, is_missing, parse_timestamp


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2023-11-25 07:20:04.592972 +0000 UTC", "2023-11-25T07:20:04.592972Z"),
        ("2023-11-25 07:20:04.75671 +0000 UTC", "2023-11-25T07:20:04.756710Z"),
        ("2025-01-06 16:00:00 +0000 UTC", "2025-01-06T16:00:00Z"),
        ("2023-11-25 07:20:04.123456789 +0000 UTC", "2023-11-25T07:20:04.123456Z"),
        ("2023-11-25 15:20:04 +0800 CST", "2023-11-25T07:20:04Z"),
        ("2023-11-25 01:20:04 -0600 CST", "2023-11-25T07:20:04Z"),
        ("2023-11-25 12:50:04 +0530 +0530", "2023-11-25T07:20:04Z"),
        ("2023-11-25 04:20:04 -0300 -03", "2023-11-25T07:20:04Z"),
        ("2023-11-25 02:20:04 -0500 EST", "2023-11-25T07:20:04Z"),
        ("2023-06-25 08:20:04 +0100 BST", "2023-06-25T07:20:04Z"),
        ("2023-11-25 07:20:04 +0000 GMT", "2023-11-25T07:20:04Z"),
        ("2023-11-25 07:20:04.5 +0000 UTC m=+0.123456", "2023-11-25T07:20:04.500000Z"),
        ("2023-11-25T07:20:04Z", "2023-11-25T07:20:04Z"),
        ("2023-11-25T15:20:04.592972+08:00", "2023-11-25T07:20:04.592972Z"),
        ("2024-01-01 00:00:00Z", "2024-01-01T00:00:00Z"),
        ("2024-01-01 00:00:00+23:59", "2023-12-31T00:01:00Z"),
        ("2024-01-01 00:00:00-23:59", "2024-01-01T23:59:00Z"),
        ("2024-01-01 00:00:00.123456999Z", "2024-01-01T00:00:00.123456Z"),
    ],
)
def test_known_forms(text: str, expected: str) -> None:
    moment = parse_timestamp(text)
    assert moment is not None
    assert format_instant(moment) == expected
    assert not is_missing(text)


@pytest.mark.parametrize(
    "text",
    [
        "2023-11-25",
        "2023-11-25 07:20:04",
        "2023-13-25 07:20:04 +0000 UTC",
        "2023-11-25 24:20:04 +0000 UTC",
        "2023-11-25 07:20:04 UTC",
        "2023-11-25 07:20:04 +2400",
        "2023-11-25 07:20:04 -2400",
        "2023-11-25 07:20:04 +2360",
        "2023-11-25 07:20:04.1234567890 +0000 UTC",
        "2023-11-25 07:20:04 +0000 UTC\n",
        " 2023-11-25 07:20:04 +0000 UTC",
        "２０２３-11-25 07:20:04 +0000 UTC",
        "2023-11-25 07:30:00 -0500 UTC",
        "2023-11-25 07:30:00 +0001 utc",
        "2023-11-25 07:30:00 +0100 GMT",
        "2023-11-25 07:30:00 +0800 Z",
        "2023-11-25 07:30:00 -0500 UT",
        "2023-11-25 07:30:00 -0500 UCT",
        "2023-11-25 07:30:00 -0500 Zulu",
        "2023-11-25 07:30:00 +0800 +18",
        "2023-11-25 07:30:00 +0800 +0830",
        "2023-11-25 07:30:00 +0800 +07",
        "2023-11-25 07:30:00 +0300 -03",
        "2023-11-25 07:30:00 -0500 UTC m=+0.123456",
        "1700896804",
        "soon",
    ],
)
def test_anything_else_is_kept_as_text_and_not_read(text: str) -> None:
    assert parse_timestamp(text) is None
    assert not is_missing(text)


@pytest.mark.parametrize(
    "text", [None, "", "0001-01-01 00:00:00 +0000 UTC", "0001-01-01T00:00:00Z"]
)
def test_missing(text: str | None) -> None:
    assert parse_timestamp(text) is None
    assert is_missing(text)


@given(
    st.integers(0, 7_000_000_000_000_000).map(
        lambda micros: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
    ),
    st.integers(-12 * 60, 14 * 60),
    st.integers(0, 9),
)
def test_go_prints_it_and_we_read_it(naive: datetime, minutes: int, digits: int) -> None:
    zone = timezone(timedelta(minutes=minutes))
    fraction = f"{naive.microsecond:06d}000"[:digits].rstrip("0")
    text = naive.strftime("%Y-%m-%d %H:%M:%S") + (f".{fraction}" if fraction else "")
    sign = "-" if minutes < 0 else "+"
    offset = f"{sign}{abs(minutes) // 60:02d}{abs(minutes) % 60:02d}"
    micro = int(fraction.ljust(6, "0")[:6]) if fraction else 0
    expected = naive.replace(microsecond=micro, tzinfo=zone).astimezone(UTC)
    assert parse_timestamp(f"{text} {offset} XYZ") == expected
