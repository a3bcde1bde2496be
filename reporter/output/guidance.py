"""What to say of a check beside its findings: the record's copy, and a user's own words over it.

A user's file of names is no part of the record. It changes what people read of a check, here,
and nothing else: not the verdict, not the record, no exit code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from reporter.output.clean import clean
from reporter.record.explanation import Explanation
from reporter.record.model import CatalogueEntry, Reason, Statement, Verdict
from reporter.words import statement

Own = Mapping[str, Explanation]
"""Item name → what a user's file, with the shipped catalogue below it, says."""

_FROM_CATALOGUE = "action.catalogue"


def guidance(
    verdict: Verdict, own: Own | None = None, change: Callable[[str], str] | None = None
) -> Own:
    """Item name → explanation, of everything `verdict` (already clean) or the user knows.

    A user's texts are cleaned here, then put through `change`, as those of the record were.
    """
    found = {
        name: _recorded(name, entries["en"] if "en" in entries else entries[min(entries)])
        for name, entries in verdict.catalogue.items()
        if entries
    }
    for name, said in (own or {}).items():
        found[name] = _cleaned(said, change)
    return found


def _recorded(name: str, entry: CatalogueEntry) -> Explanation:
    return Explanation(
        name=name,
        certainty=entry.certainty,
        as_of=entry.as_of,
        topic=entry.topic,
        title=entry.title,
        checks=entry.checks,
        fix=entry.fix,
        link=entry.link,
    )


def _cleaned(said: Explanation, change: Callable[[str], str] | None) -> Explanation:
    def shown(text: str | None) -> str | None:
        return text if text is None else change(clean(text)) if change else clean(text)

    return replace(
        said,
        title=shown(said.title),
        checks=shown(said.checks),
        fix=shown(said.fix),
        # Addresses stay whole: broken by a blank they lead nowhere.
        link=clean(said.link) if said.link else None,
        runbook=clean(said.runbook) if said.runbook else None,
    )


def heading(known: Explanation) -> str | None:
    """The title, as it stands beside the item's own name: with "likely" where it only is."""
    if known.title is None:
        return None
    return f"likely: {known.title}" if known.likely and "title" not in known.own else known.title


def sureness(known: Explanation) -> str | None:
    """How sure it is, in words; None where it is verified."""
    yours = known.certainty == "user" or bool(known.own)
    if yours and known.likely:
        return "from your own catalogue; the rest is likely, not certain"
    if yours:
        return "from your own catalogue"
    return "likely, not certain" if known.certainty == "likely" else None


def actions(reason: Reason, known: Explanation | None) -> list[Statement]:
    """What to do about a reason: a user's fix takes the place of the catalogue's."""
    if known is None or known.fix is None or not known.own & {"fix", "topic"}:
        return reason.actions
    kept = [part for part in reason.actions if not part.code.startswith(_FROM_CATALOGUE)]
    first = next(
        (index for index, part in enumerate(kept) if part.code != "action.policy"), len(kept)
    )
    return [*kept[:first], statement(_FROM_CATALOGUE, text=known.fix), *kept[first:]]
