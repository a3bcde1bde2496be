"""How a verdict gets out: one module per format, all of them functions of the record alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from reporter.output.exhibits import AttachedExhibit, attach
from reporter.record.model import Verdict

Warn = Callable[[str], None]
Writer = Callable[[Verdict, Sequence[AttachedExhibit], Warn], bytes]


def _html(verdict: Verdict, exhibits: Sequence[AttachedExhibit], warn: Warn) -> bytes:
    from reporter.output import html

    return html.write(verdict, exhibits)


def _pdf(verdict: Verdict, exhibits: Sequence[AttachedExhibit], warn: Warn) -> bytes:
    from reporter.output import pdf

    return pdf.write(verdict, exhibits, warn=warn)


def _junit(verdict: Verdict, exhibits: Sequence[AttachedExhibit], warn: Warn) -> bytes:
    from reporter.output import junit

    return junit.write(verdict, exhibits)


def _json(verdict: Verdict, exhibits: Sequence[AttachedExhibit], warn: Warn) -> bytes:
    from reporter.output import json_record

    return json_record.write(verdict, exhibits)


WRITERS: dict[str, Writer] = {"html": _html, "pdf": _pdf, "junit": _junit, "json": _json}
"""Every format by its name, which is also its option on the command line."""

TEXT_FORMATS = frozenset({"html", "junit", "json"})
"""Formats that are text, and so may go to a terminal."""


def render(
    verdict: Verdict,
    form: str,
    exhibits: Iterable[bytes] = (),
    warn: Warn | None = None,
) -> bytes:
    """A report in one of `WRITERS`. `exhibits` are files the record lists, by their digest."""
    return WRITERS[form](verdict, attach(verdict, exhibits), warn or (lambda _: None))
