"""Small things said the same way in every report for people: dates, spans, sizes, statements."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from reporter.record.model import Param, Statement
from reporter.words import MESSAGES, Language

_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:Z|\+00:00)"
)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# Only parameters the record itself fills with instants: text from the cloud is never rewritten.
_TIMES = frozenset({"at", "dates", "effective_on", "expires", "starts", "updated", "window"})


@dataclass(frozen=True)
class Phrases(Language):
    """A language, and how reports say dates, spans, sizes and the record's statements in it."""

    def part_of(self, part: int, whole: str) -> str:
        """3 of 40 nodes."""
        return self.text("{part} of {whole}", part=part, whole=whole)

    def day(self, moment: date) -> str:
        """1 Mar 2026. Spelled here, because strftime speaks the locale of the machine."""
        return self.text(
            "{day} {month} {year}",
            day=moment.day,
            month=self.say(f"month.{moment.month}"),
            year=f"{moment.year:04}",
        )

    def instant(self, moment: datetime) -> str:
        """1 Mar 2026, 10:02 UTC."""
        moment = moment.astimezone(UTC)
        return self.text("{day}, {time} UTC", day=self.day(moment), time=f"{moment:%H:%M}")

    def clock(self, moment: datetime, beside: datetime | None) -> str:
        """An instant, without its date where it is the date of the instant shown beside it."""
        moment = moment.astimezone(UTC)
        if beside is not None and beside.astimezone(UTC).date() == moment.date():
            return f"{moment:%H:%M} UTC"
        return self.instant(moment)

    def window(self, start: datetime | None, end: datetime | None) -> str | None:
        """1 Mar 2026, 22:00 – 2 Mar 2026, 02:00 UTC."""
        if start is not None and end is not None:
            first = self.instant(start).removesuffix(" UTC")
            return f"{first} – {self.clock(end, start)}"
        if start is not None:
            return self.text("from {at}", at=self.instant(start))
        return self.text("until {at}", at=self.instant(end)) if end is not None else None

    def span(self, length: timedelta) -> str:
        """A length of time in its two largest units: 32 min, 3 h 5 min, 2 days."""
        minutes = abs(int(length.total_seconds())) // 60
        if minutes < 1:
            return self.text("less than a minute")
        if minutes < 60:
            return self.text("{minutes} min", minutes=minutes)
        if minutes < 48 * 60:
            hours, rest = divmod(minutes, 60)
            if rest:
                return self.text("{hours} h {minutes} min", hours=hours, minutes=rest)
            return self.text("{hours} h", hours=hours)
        return self.count("{count} day", "{count} days", minutes // (24 * 60))

    def written_date(self, text: str) -> str:
        """A date or an instant as it stands in a file, made readable; other text stays."""
        if _DATE.fullmatch(text):
            try:
                return self.day(date.fromisoformat(text))
            except ValueError:
                return text
        return _INSTANT.sub(self._readable, text)

    def _readable(self, match: re.Match[str]) -> str:
        try:
            return self.instant(datetime.fromisoformat(match[0]))
        except (ValueError, OverflowError):
            return match[0]

    def spoken(self, statement: Statement) -> str:
        """A statement of the record in words, with readable dates.

        A code this version does not know (the record may be newer) is said in the record's words.
        """
        if statement.code not in MESSAGES:
            return statement.text
        params = {key: self._param(key, value) for key, value in statement.params.items()}
        return self.say(statement.code, params)

    def _param(self, key: str, value: Param) -> Param:
        if key in _TIMES:
            if isinstance(value, str):
                return self.written_date(value)
            return [self.written_date(day) for day in value] if isinstance(value, list) else value
        if key == "line" and isinstance(value, str):
            return self.named("evidence-name", value)
        if key == "lines" and isinstance(value, list):
            return [self.named("evidence-name", part) for part in value]
        return value

    def size(self, count: int) -> str:
        """1,869 bytes, or from 10,000 on in kB and MB."""
        if count < 10_000:
            return self.count("{count} byte", "{count} bytes", count)
        if count < 1_000_000:
            return f"{count / 1000:,.1f} kB"
        return f"{count / 1_000_000:,.1f} MB"

    def nodes(self, count: int) -> str:
        """1 node, 1,200 nodes."""
        return self.count("{count} node", "{count} nodes", count)

    def checks(self, count: int) -> str:
        """1 check, 64 checks."""
        return self.count("{count} check", "{count} checks", count)

    def findings(self, count: int) -> str:
        """1 finding, 1,090 findings."""
        return self.count("{count} finding", "{count} findings", count)

    def stopped(self, text: str) -> str:
        """A text as a sentence with its full stop."""
        return self.text("{said}.", said=text)

    def sentences(self, parts: Sequence[str]) -> str:
        """Several texts, each a sentence, one behind the other."""
        return self.gap.join(self.stopped(part) for part in parts)


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
