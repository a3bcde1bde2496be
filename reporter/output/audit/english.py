"""The dashboard's language: what an audit says is English, whoever reads it."""

from __future__ import annotations

from reporter.output.phrases import Phrases

ENGLISH = Phrases()


def counted(count: int, one: str, many: str | None = None) -> str:
    """1 response, 1,200 responses."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
