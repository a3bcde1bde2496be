"""What an audit prints: the sentence, what needs attention, and where the rest is."""

from __future__ import annotations

from typing import Final

from reporter.output.audit import view
from reporter.output.audit.english import counted
from reporter.output.audit.facts import AuditFacts, ChangeFacts, Comparison
from reporter.output.clean import console_safe, one_line
from reporter.output.text import columns, wrap

SIGNS: Final = {"pass": "✓", "fail": "✕", "unknown": "?"}
LABEL: Final = 10
MOST_CONDITIONS = 5
MOST_OF_A_KIND = 3
"""Examples of verdicts that another policy would change from one to the other."""


def write(
    facts: AuditFacts,
    *,
    width: int = 80,
    verbose: bool = False,
) -> str:
    """The summary, no wider than `width` columns."""
    report = view.report(facts)
    lines: list[str] = []

    def add(first: str, text: str) -> None:
        indent = " " * columns(first)
        room = max(40, min(width, 120)) - columns(first)
        for index, row in enumerate(wrap(one_line(text), room) or [""]):
            lines.append(console_safe((first if index == 0 else indent) + row).rstrip())

    add(f"{SIGNS[report.tag.shape]} ", report.headline)
    for said in report.summary:
        add("  ", said)
    if report.attention:
        lines.append("")
        for part in report.attention:
            add("  - ", part.what)
            for detail in part.details if verbose else part.details[: part.most]:
                add("      ", detail)
            add("    → ", part.action)
    lines.append("")
    for fact in report.facts:
        add(f"  {fact.label:<{LABEL}}", " · ".join((fact.value, *fact.notes)))
    failing = [part for part in facts.checks if part.failing][: None if verbose else 5]
    if failing:
        lines.append("")
        add("", "What fails most")
        for check in failing:
            name = view.check_name(check)
            add("  - ", f"{name}: in {check.failing:,} of {counted(check.responses, 'response')}")
    conditions = [part for part in facts.conditions if part.passing and part.role == "judged by"]
    if conditions:
        lines.append("")
        add("", "What is to be known of responses that pass")
        for told in conditions[: None if verbose else MOST_CONDITIONS]:
            what = told.text if told.is_slip else view.condition_name(told)
            add("  - ", f"{what}: in {told.passing:,} of {facts.tally.passed:,}")
            if verbose and not told.is_slip:
                add("      ", f"for example: {told.text}")
        if not verbose and len(conditions) > MOST_CONDITIONS:
            add("  - ", f"and {len(conditions) - MOST_CONDITIONS:,} more (-v shows them)")
    if verbose and facts.comparison is not None and facts.comparison.changes:
        lines.append("")
        add("", "Verdicts that would change, for example")
        for change in _examples(facts.comparison):
            add("  - ", f"{view.below(facts, change.name)}: {change.was} → {change.becomes}")
            for why in change.why[:1]:
                add("      ", why)
    return "\n".join(lines) + "\n"


def _examples(found: Comparison) -> list[ChangeFacts]:
    """Some verdicts that would change, of every kind there is."""
    return [
        change
        for was, becomes, _ in found.moves
        for change in [
            part for part in found.changes if (part.was, part.becomes) == (was, becomes)
        ][:MOST_OF_A_KIND]
    ]
