"""Instants as other formats take them, by `isoformat`: `%Y` writes the year 33 as `33`."""

from __future__ import annotations

from datetime import UTC, datetime


def second_of(moment: datetime) -> str:
    """`2026-03-01T10:30:05` in UTC, cut to the second."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds")


def minute_of(moment: datetime) -> str:
    """`2026-03-01 10:30 UTC`."""
    return f"{second_of(moment)[:16]} UTC".replace("T", " ", 1)


def day_of(moment: datetime) -> str:
    """`2026-03-01`, the day in UTC."""
    return second_of(moment)[:10]


def exactly_of(moment: datetime) -> str:
    """`2026-03-01T10:30:05.25Z` in UTC, with a fraction only where there is one: RFC 3339."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
