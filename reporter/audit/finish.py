"""From a full store to everything that stands beside it."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path

from reporter import __version__
from reporter.audit import words
from reporter.audit.settings import Settings
from reporter.audit.store import Store
from reporter.audit.summary import settle, summarise
from reporter.audit.tables import write_tables
from reporter.errors import OutputError
from reporter.output.audit.facts import AuditFacts
from reporter.output.files import (
    changed_at,
    is_file,
    mark,
    microseconds_of,
    remove_unfinished,
    write_file,
)
from reporter.output.rendering import writer_digest

REPORTS = "reports"
MADE = ("index.html", "audit.pdf", "responses.csv", "findings.csv", "junit.xml", "manifest.json")
"""What a finished audit leaves beside its store."""

_PAGE = re.compile(r"[0-9a-f]{16}\.html")
"""What the page of a response is called in `reports`."""


@dataclass(frozen=True)
class Wanted:
    """What is wanted of the reports, beside how was judged."""

    locations: tuple[str, ...]
    basis: str
    upgrades: Path | None = None
    allow_unreadable: bool = False
    unused_fails: bool = False
    pdf: bool = True
    verbose: bool = False


def made_from(settings: Settings, wanted: Wanted) -> str:
    """What the reports depend on beside the rows: where it is the same, they would be too."""
    upgrades = None
    if wanted.upgrades is not None:
        with contextlib.suppress(OSError):
            upgrades = sha256(wanted.upgrades.read_bytes()).hexdigest()
    parts: Sequence[object] = (
        __version__,
        writer_digest(),
        wanted.locations,
        wanted.basis,
        wanted.allow_unreadable,
        wanted.unused_fails,
        wanted.pdf,
        upgrades,
        settings.policies,
        settings.waivers,
        settings.others,
        settings.at,
        settings.reports,
        settings.max_bytes,
        [(name, sha256(data).hexdigest()) for name, data in settings.files],
    )
    return sha256(repr(parts).encode("utf-8", "surrogatepass")).hexdigest()


def finish(
    store: Store,
    settings: Settings,
    wanted: Wanted,
    out: Path,
    warn: Callable[[str], None],
) -> AuditFacts:
    """Settle what only the whole can tell, write every report and seal the store. `OutputError`."""
    from reporter.output.audit import html, pdf, text

    made = made_from(settings, wanted)
    with store.reading():
        settle(store, settings, wanted.upgrades)
        facts = summarise(
            store, settings, wanted.locations, basis=wanted.basis, allow=wanted.allow_unreadable
        )
    _drop_old_pages(store, out)
    write_tables(store, out, facts, unused_fails=wanted.unused_fails)
    write_file(out / "index.html", html.write(facts), hint=words.NO_ROOM)
    left_out = {"audit.pdf"}
    if wanted.pdf:
        try:
            data = pdf.write(facts, warn=warn)
        except OutputError as error:
            warn(f"audit.pdf is left out: {error.message}")
        else:
            write_file(out / "audit.pdf", data, hint=words.NO_ROOM)
            left_out.clear()
    summary = text.write(facts, verbose=wanted.verbose)
    written = {name: _sealed(out / name) for name in MADE if name not in left_out}
    store.complete({"made_from": made, "summary": summary, "written": json.dumps(written)})
    return facts


def is_as_written(store: Store, out: Path, names: Sequence[str]) -> bool:
    """Whether these reports lie beside a sealed store as it was written down, and no others do.

    One whose time nobody changed is not read again: a CSV may have a gigabyte. What is no file is
    never read: a pipe or a device has no end.
    """
    with store.reading("the meta row written"):
        written = dict(json.loads(store.meta().get("written", "{}")))
    if not set(names) <= set(written):
        return False
    return all(
        _is(out / name, written[name]) if name in written else not os.path.lexists(out / name)
        for name in MADE
    )


def _is(target: Path, digest: str) -> bool:
    changed = changed_at(target) if is_file(target) else None
    if changed is None:
        return False
    if changed % 1_000_000 == microseconds_of(digest):
        return True
    with contextlib.suppress(OSError):
        if _digest_of(target) == digest:  # a copy, whose time is its own
            mark(target, digest)
            return True
    return False


def _sealed(target: Path) -> str:
    """The SHA-256 of a report, of which the time of its file tells from now on."""
    try:
        digest = _digest_of(target)
    except OSError as error:
        raise OutputError(
            f"{target}: can't be read again: {error.strerror}", hint=words.NO_ROOM
        ) from None
    mark(target, digest)
    return digest


def _digest_of(target: Path) -> str:
    with target.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def remove_unfinished_reports(out: Path) -> None:
    """Remove what killed audits left half-written here. Nobody else may be writing (`locked`)."""
    remove_unfinished(out, MADE.__contains__)
    remove_unfinished(out / REPORTS, lambda name: _PAGE.fullmatch(name) is not None)


def _drop_old_pages(store: Store, out: Path) -> None:
    """Pages of responses that have changed or gone, or that are wanted no more."""
    rows = store.ask("SELECT report FROM responses WHERE report NOTNULL")
    remove_pages(out, keep={name for (name,) in rows})


def remove_pages(out: Path, *, keep: Collection[str] = ()) -> None:
    """Remove the pages of responses but these, and their folder when it is empty then."""
    folder = out / REPORTS
    if folder.is_symlink():
        return  # whose files those are nobody knows
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            if f"{REPORTS}/{name}" not in keep and _PAGE.fullmatch(name):
                with contextlib.suppress(OSError):
                    (folder / name).unlink()
        folder.rmdir()  # somebody's own file lies there, or there are pages
