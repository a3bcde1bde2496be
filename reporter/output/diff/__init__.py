"""How a comparison gets out: the summary, and one module per format."""

from __future__ import annotations

from collections.abc import Callable

from reporter.record.diff import Diff

DiffWriter = Callable[[Diff], bytes]


def _html(diff: Diff) -> bytes:
    from reporter.output.diff.html import write

    return write(diff)


def _markdown(diff: Diff) -> bytes:
    from reporter.output.diff.markdown import write

    return write(diff)


def _json(diff: Diff) -> bytes:
    """The comparison itself: `precheck.diff/v1alpha`, with texts as they came."""
    return diff.model_dump_json(indent=2).encode() + b"\n"


DIFF_WRITERS: dict[str, DiffWriter] = {"html": _html, "markdown": _markdown, "json": _json}
"""Every format of a comparison by its name, which is also its option on the command line."""
