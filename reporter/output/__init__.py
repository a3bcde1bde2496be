"""How a verdict gets out: one module per format, all of them functions of the record alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from reporter.output.exhibits import AttachedExhibit, attach
from reporter.output.own import OwnTemplates
from reporter.record.explanation import Explanation
from reporter.record.model import Verdict
from reporter.words import LanguageTag

Reader = Literal["approver", "operator", "auditor"]
"""For whom a report is: one page to sign, what to fix, or everything."""

Paper = Literal["a4", "letter"]
"""What a PDF is set for."""

Warn = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """What a reader may choose about a report; never what it says of the verdict."""

    lang: LanguageTag = "en"
    """The language of what people read: HTML, PDF and Markdown. Machines are told English."""

    view: Reader = "auditor"
    """For whom HTML, PDF and Markdown are: one page to sign, what to fix, or everything."""

    sarif_waived: Literal["omit", "suppress"] = "omit"
    """Waived findings in SARIF: left out and counted, or results with a suppression."""

    paper: Paper = "a4"
    """What the PDF is set for."""

    templates: OwnTemplates | None = None
    """A user's own templates for HTML and PDF."""

    own: Mapping[str, Explanation] = field(default_factory=dict)
    """What a user's file of names says, by item name; for people, so never in the record."""

    described: bytes | None = None
    """Of a report that is rendered again: how it says it was rendered (`rendering.py`)."""


Writer = Callable[[Verdict, Sequence[AttachedExhibit], Warn, Options], bytes]


def _html(
    verdict: Verdict, exhibits: Sequence[AttachedExhibit], warn: Warn, options: Options
) -> bytes:
    from reporter.output.html import write

    return write(verdict, exhibits, options)


def _pdf(
    verdict: Verdict, exhibits: Sequence[AttachedExhibit], warn: Warn, options: Options
) -> bytes:
    from reporter.output.pdf import write

    return write(verdict, exhibits, options, warn=warn)


def _junit(
    verdict: Verdict, exhibits: Sequence[AttachedExhibit], warn: Warn, options: Options
) -> bytes:
    from reporter.output.junit import write

    return write(verdict, exhibits)


def _json(
    verdict: Verdict, exhibits: Sequence[AttachedExhibit], warn: Warn, options: Options
) -> bytes:
    from reporter.output.json_record import write

    return write(verdict, exhibits)


def _markdown(
    verdict: Verdict, exhibits: Sequence[AttachedExhibit], warn: Warn, options: Options
) -> bytes:
    from reporter.output.markdown import write

    return write(verdict, exhibits, own=options.own, lang=options.lang, reader=options.view)


def _sarif(
    verdict: Verdict, exhibits: Sequence[AttachedExhibit], warn: Warn, options: Options
) -> bytes:
    from reporter.output.sarif import write

    return write(verdict, exhibits, waived=options.sarif_waived)


def _csv(
    verdict: Verdict, exhibits: Sequence[AttachedExhibit], warn: Warn, options: Options
) -> bytes:
    from reporter.output.csv_rows import write

    return write(verdict, exhibits, warn=warn)


def _skip_list_json(
    verdict: Verdict, exhibits: Sequence[AttachedExhibit], warn: Warn, options: Options
) -> bytes:
    from reporter.output.skip_list import write_json

    return write_json(verdict, exhibits, warn)


def _skip_list_tf(
    verdict: Verdict, exhibits: Sequence[AttachedExhibit], warn: Warn, options: Options
) -> bytes:
    from reporter.output.skip_list import write_terraform

    return write_terraform(verdict, exhibits, warn)


WRITERS: dict[str, Writer] = {
    "html": _html,
    "pdf": _pdf,
    "junit": _junit,
    "json": _json,
    "markdown": _markdown,
    "sarif": _sarif,
    "csv": _csv,
    "skip-list.json": _skip_list_json,
    "skip-list.tf": _skip_list_tf,
}
"""Every format by its name, which is also its option on the command line; `--skip-list` takes its
format from the file's ending."""

TEXT_FORMATS = frozenset(WRITERS) - {"pdf"}
"""Formats that are text, and so may go to a terminal."""


def render(
    verdict: Verdict,
    form: str,
    exhibits: Iterable[bytes] = (),
    warn: Warn | None = None,
    options: Options | None = None,
) -> bytes:
    """A report in one of `WRITERS`. `exhibits` are files the record lists, by their digest."""
    files = attach(verdict, exhibits)
    return WRITERS[form](verdict, files, warn or (lambda _: None), options or Options())
