"""Small things said the same way in every report for people: dates, spans, sizes, statements."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from reporter.record.model import Param, Statement
from reporter.words import MESSAGES, say

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:Z|\+00:00)"
)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# Only parameters the record itself fills with instants: text from the cloud is never rewritten.
_TIMES = frozenset({"at", "expires", "window", "starts", "effective_on"})


def day(moment: date) -> str:
    """1 Mar 2026. Spelled here, because strftime speaks the locale of the machine."""
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year:04}"


def instant(moment: datetime) -> str:
    """1 Mar 2026, 10:02 UTC."""
    moment = moment.astimezone(UTC)
    return f"{day(moment)}, {moment:%H:%M} UTC"


def clock(moment: datetime, beside: datetime | None) -> str:
    """An instant, without its date where it is the date of the instant shown beside it."""
    moment = moment.astimezone(UTC)
    if beside is not None and beside.astimezone(UTC).date() == moment.date():
        return f"{moment:%H:%M} UTC"
    return instant(moment)


def window(start: datetime | None, end: datetime | None) -> str | None:
    """1 Mar 2026, 22:00 – 2 Mar 2026, 02:00 UTC."""
    if start is None or end is None:
        edge = start or end
        if edge is None:
            return None
        return f"{'from' if start else 'until'} {instant(edge)}"
    first = instant(start).removesuffix(" UTC")
    return f"{first} – {clock(end, start)}"


def span(length: timedelta) -> str:
    """A length of time in its two largest units: 32 min, 3 h 5 min, 2 days."""
    minutes = abs(int(length.total_seconds())) // 60
    if minutes < 1:
        return "less than a minute"
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        hours, rest = divmod(minutes, 60)
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    return counted(minutes // (24 * 60), "day")


def written_date(text: str) -> str:
    """A date or an instant as it stands in a file, made readable; other text stays."""
    if _DATE.fullmatch(text):
        try:
            return day(date.fromisoformat(text))
        except ValueError:
            return text
    return _INSTANT.sub(_readable, text)


def _readable(match: re.Match[str]) -> str:
    try:
        return instant(datetime.fromisoformat(match[0]))
    except (ValueError, OverflowError):
        return match[0]


def spoken(statement: Statement) -> str:
    """A statement of the record in words, with readable dates.

    A code this version does not know (the record may be newer) is said in the record's own words.
    """
    if statement.code not in MESSAGES:
        return statement.text
    return say(statement.code, {key: _param(key, value) for key, value in statement.params.items()})


def _param(key: str, value: Param) -> Param:
    if isinstance(value, str) and key in _TIMES:
        return written_date(value)
    if key == "line" and isinstance(value, str):
        return named("evidence-name", value)
    if key == "lines" and isinstance(value, list):
        return [named("evidence-name", part) for part in value]
    return value


def named(prefix: str, code: str) -> str:
    """The word for a code, or the code itself where there is none."""
    code_of_word = f"{prefix}.{code}"
    return say(code_of_word) if code_of_word in MESSAGES else code


def sentence(text: str) -> str:
    """The same with a capital first letter; the words say it in the middle of a line."""
    return text[:1].upper() + text[1:]


def counted(count: int, one: str, many: str | None = None) -> str:
    """1 node, 2 nodes, 1,200 nodes."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def size(count: int) -> str:
    """1,869 bytes, or from 10,000 on in kB and MB."""
    if count < 10_000:
        return counted(count, "byte")
    if count < 1_000_000:
        return f"{count / 1000:,.1f} kB"
    return f"{count / 1_000_000:,.1f} MB"


def joined(parts: Sequence[str | None], between: str = " · ") -> str:
    """The parts that are there, on one line."""
    return between.join(part for part in parts if part)


def shortened(text: str, limit: int) -> str:
    """Text on one line, cut to about `limit` columns; a wide character takes two."""
    text = " ".join(text.split())
    used = 0
    for index, character in enumerate(text):
        used += _width(character)
        if used > limit:
            return text[:index].rstrip() + "…"
    return text


def columns(text: str) -> int:
    """How many columns a text takes."""
    return sum(_width(character) for character in text)


def _width(character: str) -> int:
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
