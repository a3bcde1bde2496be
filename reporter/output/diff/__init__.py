"""How a comparison gets out: the summary, and one module per format."""

from __future__ import annotations

from typing import Protocol

from reporter.record.diff import Diff
from reporter.words import LanguageTag


class DiffWriter(Protocol):
    """Writes a comparison in one format; what is for people in their language."""

    def __call__(self, diff: Diff, *, lang: LanguageTag = "en") -> bytes: ...


def _html(diff: Diff, *, lang: LanguageTag = "en") -> bytes:
    from reporter.output.diff.html import write

    return write(diff, lang=lang)


def _markdown(diff: Diff, *, lang: LanguageTag = "en") -> bytes:
    from reporter.output.diff.markdown import write

    return write(diff, lang=lang)


def _json(diff: Diff, *, lang: LanguageTag = "en") -> bytes:
    """The comparison itself: `precheck.diff/v1alpha`, with texts as they came."""
    return diff.model_dump_json(indent=2).encode() + b"\n"


DIFF_WRITERS: dict[str, DiffWriter] = {"html": _html, "markdown": _markdown, "json": _json}
"""Every format of a comparison by its name, which is also its option on the command line."""
