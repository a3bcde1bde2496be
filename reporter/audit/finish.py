"""From a full store to everything that stands beside it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from reporter import __version__
from reporter.audit.settings import Settings
from reporter.audit.store import Store
from reporter.audit.summary import settle, summarise
from reporter.audit.tables import write_tables
from reporter.errors import OutputError
from reporter.output.audit.facts import AuditFacts
from reporter.output.files import write_file

REPORTS = "reports"


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
    write_file(out / "index.html", html.write(facts))
    if wanted.pdf:
        try:
            data = pdf.write(facts, warn=warn)
        except OutputError as error:
            warn(f"audit.pdf is left out: {error.message}")
        else:
            write_file(out / "audit.pdf", data)
    summary = text.write(facts, verbose=wanted.verbose)
    store.complete({"made_from": made, "summary": summary})
    return facts


def _drop_old_pages(store: Store, out: Path) -> None:
    """Pages of responses that have changed or gone."""
    folder = out / REPORTS
    if not folder.is_dir():
        return
    wanted = {name for (name,) in store.ask("SELECT report FROM responses WHERE report NOTNULL")}
    for name in os.listdir(folder):
        if f"{REPORTS}/{name}" not in wanted and name.endswith(".html"):
            with contextlib.suppress(OSError):
                (folder / name).unlink()
