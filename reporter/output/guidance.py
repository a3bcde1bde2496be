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
from reporter.words import ENGLISH, Language, LanguageTag, statement

Own = Mapping[str, Explanation]
"""Item name → what a user's file, with the shipped catalogue below it, says."""

_FROM_CATALOGUE = "action.catalogue"


def guidance(
    verdict: Verdict,
    own: Own | None = None,
    change: Callable[[str], str] | None = None,
    *,
    lang: LanguageTag = "en",
) -> Own:
    """Item name → explanation, of everything `verdict` (already clean) or the user knows.

    Of the record's entries it is the one in `lang`; where there is none, English. A user's texts
    are cleaned here, then put through `change`, as those of the record were.
    """
    found = {
        name: _recorded(name, entries.get(lang) or entries.get("en") or entries[min(entries)])
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


def heading(known: Explanation, words: Language = ENGLISH) -> str | None:
    """The title, as it stands beside the item's own name: with "likely" where it only is."""
    if known.title is None:
        return None
    if known.likely and "title" not in known.own:
        return words.text("likely: {title}", title=known.title)
    return known.title


def sureness(known: Explanation, words: Language = ENGLISH) -> str | None:
    """How sure it is, in words; None where it is verified."""
    yours = known.certainty == "user" or bool(known.own)
    if yours and known.likely:
        return words.text("from your own catalogue; the rest is likely, not certain")
    if yours:
        return words.text("from your own catalogue")
    return words.text("likely, not certain") if known.certainty == "likely" else None


def actions(reason: Reason, known: Explanation | None) -> list[Statement]:
    """What to do about a reason: the fix in the reader's language; a user's takes its place."""
    if known is None or known.fix is None:
        return reason.actions
    if not known.own & {"fix", "topic"}:
        return [
            statement(part.code, text=known.fix) if part.code.startswith(_FROM_CATALOGUE) else part
            for part in reason.actions
        ]
    kept = [part for part in reason.actions if not part.code.startswith(_FROM_CATALOGUE)]
    first = next(
        (index for index, part in enumerate(kept) if part.code != "action.policy"), len(kept)
    )
    return [*kept[:first], statement(_FROM_CATALOGUE, text=known.fix), *kept[first:]]
