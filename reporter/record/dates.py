"""Dates and durations as policies and waivers write them, and as a record holds them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?"
    r"(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_DURATION = re.compile(r"(?:([0-9]{1,6})d)?(?:([0-9]{1,6})h)?(?:([0-9]{1,6})m)?(?:([0-9]{1,6})s)?")

DATE_HINT = "write a day as 2026-03-01 or an instant as 2026-03-01T10:30:00Z"


def is_day(text: str) -> bool:
    """Whether a text is a plain date."""
    return _DATE.fullmatch(text) is not None


def parse_instant(text: str) -> datetime:
    """The start of a UTC day, or an RFC 3339 instant with offset. ValueError otherwise."""
    try:
        if day := _DATE.fullmatch(text):
            return datetime(int(day[1]), int(day[2]), int(day[3]), tzinfo=UTC)
        if _RFC3339.fullmatch(text):
            microseconds = re.sub(r"(\.[0-9]{6})[0-9]+", r"\1", text.upper())
            return datetime.fromisoformat(microseconds).astimezone(UTC)
    except (ValueError, OverflowError):
        pass  # no such day, or an offset that leaves the calendar
    raise ValueError(f'"{text}" is not a date; {DATE_HINT}')


def parse_end(text: str) -> datetime:
    """The first instant after: a date is the whole UTC day, an instant ends at itself."""
    start = parse_instant(text)
    if not is_day(text):
        return start
    try:
        return start + timedelta(days=1)
    except OverflowError:  # 9999-12-31, somebody's "never"
        return datetime.max.replace(tzinfo=UTC)


def parse_duration(text: str) -> timedelta:
    """`90s`, `30m`, `1h`, `7d` or a sum such as `1h30m`. ValueError otherwise."""
    match = _DURATION.fullmatch(text)
    if not text or match is None:
        raise ValueError(f'"{text}" is not a duration; write for example 30m, 24h or 7d')
    days, hours, minutes, seconds = (int(group or 0) for group in match.groups())
    length = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    if length <= timedelta(0):
        raise ValueError(f'"{text}" is no time at all')
    return length
