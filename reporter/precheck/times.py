"""Timestamps as they occur in responses, to aware UTC datetimes."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

# Go's time.String() `2023-11-25 07:20:04.592972 +0000 UTC` (0 to 9 fraction digits, the zone's
# name is decoration: CST is four different zones), the same with a `m=+0.1` monotonic reading,
# RFC 3339 `2023-11-25T07:20:04+08:00`, and the rarer `2024-01-01 00:00:00Z`.
_TIMESTAMP = re.compile(
    r"""(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})
        (?:[Tt]|[ ])
        (?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})
        (?:\.(?P<fraction>[0-9]{1,9}))?
        (?: [ ]?(?P<zulu>[Zz])
          | [ ]?(?P<sign>[+-])(?P<off_hour>[0-9]{2}):?(?P<off_minute>[0-9]{2})
            (?:[ ](?P<zone>[A-Za-z]{1,6}|[+-][0-9]{2}(?:[0-9]{2})?))?
            (?:[ ]m=[+-][0-9]+\.[0-9]+)?
        )""",
    re.VERBOSE,
)

_ZERO = datetime(1, 1, 1, tzinfo=UTC)


def parse_timestamp(text: str | None) -> datetime | None:
    """The instant a timestamp of the API names, or None where it can't be read.

    Fractions beyond microseconds are cut off. An offset is honoured, a zone name is not needed
    and not believed; where it can only mean another offset (`-0500 UTC`), neither is. Go's zero
    time means "not set" and is None, see `is_missing`.
    """
    moment = _read(text) if text else None
    return None if moment == _ZERO else moment


def is_missing(text: str | None) -> bool:
    """Whether a timestamp says nothing: absent, empty, or Go's zero time."""
    return not text or _read(text) == _ZERO


def _read(text: str) -> datetime | None:
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        return None
    part = match.groupdict()
    micro = int((part["fraction"] or "0")[:6].ljust(6, "0"))
    zone = UTC
    if part["sign"]:
        hours, minutes = int(part["off_hour"]), int(part["off_minute"])
        if hours > 23 or minutes > 59:
            return None
        offset = timedelta(hours=hours, minutes=minutes)
        offset = -offset if part["sign"] == "-" else offset
        if part["zone"] and _says_otherwise(part["zone"], offset):
            return None
        zone = timezone(offset)
    try:
        return datetime(
            int(part["year"]),
            int(part["month"]),
            int(part["day"]),
            int(part["hour"]),
            int(part["minute"]),
            int(part["second"]),
            micro,
            tzinfo=zone,
        ).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


_ZERO_ZONES = frozenset({"UTC", "GMT", "UT", "UCT", "Z", "ZULU"})


def _says_otherwise(zone: str, offset: timedelta) -> bool:
    """Whether a zone's name contradicts its offset: `-0500 UTC`, `+0800 +07`."""
    if zone[0] not in "+-":
        return zone.upper() in _ZERO_ZONES and offset != timedelta(0)
    hours, minutes = int(zone[1:3]), int(zone[3:] or 0)
    named = timedelta(hours=hours, minutes=minutes)
    return offset != (-named if zone[0] == "-" else named)


def format_instant(moment: datetime) -> str:
    """RFC 3339 in UTC, with a fraction only where there is one."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
