"""Exhibits: the files a verdict rests on, held against the record by their digests."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from reporter.errors import OutputError
from reporter.record.model import Exhibit, Verdict


@dataclass(frozen=True)
class AttachedExhibit:
    """An exhibit of the record together with its bytes."""

    exhibit: Exhibit
    data: bytes


def attach(verdict: Verdict, files: Iterable[bytes]) -> list[AttachedExhibit]:
    """The given files as exhibits of the record, in the record's order.

    A file whose digest the record does not list is refused: a report must not carry evidence the
    verdict does not rest on.
    """
    listed = {exhibit.sha256: exhibit for exhibit in verdict.exhibits}
    found: dict[str, bytes] = {}
    for data in files:
        digest = sha256(data).hexdigest()
        if digest not in listed:
            raise OutputError(
                f"an exhibit with digest {digest[:12]}… is not one this record rests on",
                hint="give the very files that were judged",
            )
        found[digest] = data
    return [
        AttachedExhibit(exhibit, found[exhibit.sha256])
        for exhibit in verdict.exhibits
        if exhibit.sha256 in found
    ]
