"""The record itself, as JSON: what can be rendered again and judged again years later."""

from __future__ import annotations

from collections.abc import Sequence

from reporter.output.exhibits import AttachedExhibit
from reporter.record.model import Verdict


def write(verdict: Verdict, exhibits: Sequence[AttachedExhibit] = ()) -> bytes:
    """UTF-8 JSON, indented, ending in a newline. Text from the cloud stands as it came."""
    return verdict.model_dump_json(indent=2).encode() + b"\n"
