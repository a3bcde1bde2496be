"""What an operator reads: what to fix, grouped by what to do, with the nodes to do it on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from reporter.output.clean import one_line
from reporter.output.phrases import Phrases
from reporter.output.shown import NodeName, Report, Why
from reporter.output.view import node_names
from reporter.record.model import Entry, SkippedCheck, Verdict

MESSAGES_SHOWN: Final = 5
"""How many different messages of a check are told before the rest is counted."""
STUBS_SHOWN: Final = 20
"""How many waiver stubs of one step are there to copy before the rest is counted."""


@dataclass(frozen=True)
class Stub:
    """A waiver to complete, for findings with one message."""

    id: str
    text: str


@dataclass(frozen=True)
class Item:
    """One check, or one line of evidence, that stops the upgrade."""

    reason: Why
    messages: tuple[str, ...]
    more_messages: str | None
    nodes: tuple[NodeName, ...]


@dataclass(frozen=True)
class Step:
    """All that the same has to be done about."""

    id: str
    actions: tuple[str, ...]
    items: tuple[Item, ...]
    count: str
    """How many checks or lines it is about."""
    nodes: tuple[NodeName, ...]
    """Every node of every item, once."""
    node_count: str | None
    names: str
    """The same as text to copy, a name a line."""
    stubs: tuple[Stub, ...]
    more_stubs: str | None


@dataclass(frozen=True)
class Work:
    """The page."""

    line: str
    steps: tuple[Step, ...]


def work(verdict: Verdict, report: Report) -> Work:
    """What is to be done, worst first; `verdict` is the record `report` shows (see `shown_record`).

    Every reason of the record is in exactly one step.
    """
    words = Phrases(report.lang)
    skipped = {"reason.skipped-nodes": _skipped_nodes(verdict.skipped)}
    found = {(check.name, check.scope): check.entries for check in verdict.checks}
    grouped: dict[tuple[str, ...], list[tuple[Item, list[Entry]]]] = {}
    for reason, why in zip(verdict.reasons, report.reasons, strict=True):
        entries = found.get((reason.check, reason.scope), []) if reason.scope else []
        stopping = [entry for entry in entries if entry.outcome == reason.outcome]
        item = _item(words, why, stopping, skipped.get(reason.what.code, {}).get(reason.check, ()))
        grouped.setdefault(why.actions, []).append((item, stopping))
    steps = tuple(
        _step(words, f"step-{number}", actions, members)
        for number, (actions, members) in enumerate(grouped.items(), 1)
    )
    if not steps:
        return Work(words.text("Nothing has to be fixed for this verdict."), ())
    line = words.text(
        "{reasons} in {steps}, worst first.",
        reasons=words.count("{count} reason", "{count} reasons", len(verdict.reasons)),
        steps=words.count("{count} step", "{count} steps", len(steps)),
    )
    return Work(line, steps)


def _skipped_nodes(skipped: Sequence[SkippedCheck]) -> dict[str | None, tuple[NodeName, ...]]:
    """Check → the nodes it was skipped on without anybody having accepted that."""
    found: dict[str | None, dict[str, None]] = {}
    for skip in skipped:
        if skip.outcome == "fail":
            found.setdefault(skip.name, {}).update(dict.fromkeys(skip.node_uids))
    return {
        name: tuple(NodeName(one_line(uid), None, None) for uid in uids)
        for name, uids in found.items()
    }


def _item(
    words: Phrases, why: Why, entries: Sequence[Entry], skipped: tuple[NodeName, ...]
) -> Item:
    messages = list(dict.fromkeys(one_line(entry.message) for entry in entries if entry.message))
    more = len(messages) - MESSAGES_SHOWN
    return Item(
        reason=why,
        # One message stands in the reason itself already, unless the check is one of nodes.
        messages=tuple(messages[:MESSAGES_SHOWN]) if why.details else (),
        more_messages=words.count("and {count} other message", "and {count} other messages", more)
        if more > 0 and why.details
        else None,
        nodes=node_names(words, [place for entry in entries for place in entry.places]) or skipped,
    )


def _step(
    words: Phrases, name: str, actions: tuple[str, ...], members: Sequence[tuple[Item, list[Entry]]]
) -> Step:
    nodes = {node: None for item, _ in members for node in item.nodes}
    ordered = tuple(sorted(nodes, key=lambda node: (node.name, node.uid or "")))
    stubs = [entry.waiver_stub for _, entries in members for entry in entries if entry.waiver_stub]
    more = len(stubs) - STUBS_SHOWN
    return Step(
        id=name,
        actions=actions,
        items=tuple(item for item, _ in members),
        count=words.count("{count} reason", "{count} reasons", len(members)),
        nodes=ordered,
        node_count=words.nodes(len(ordered)) if ordered else None,
        names="\n".join(dict.fromkeys(node.name for node in ordered)),
        stubs=tuple(
            Stub(f"{name}-waiver-{number}", text)
            for number, text in enumerate(stubs[:STUBS_SHOWN], 1)
        ),
        more_stubs=words.count(
            "{count} more waiver stands in the record.",
            "{count} more waivers stand in the record.",
            more,
        )
        if more > 0
        else None,
    )
