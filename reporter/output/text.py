"""The summary people read in a terminal or a pipeline's log."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime

from reporter.output.clean import cleaned, console_safe, one_line
from reporter.output.guidance import Own, actions, guidance, heading
from reporter.record.explanation import Explanation
from reporter.record.model import (
    Entry,
    EvidenceLine,
    Reason,
    SkippedCheck,
    Statement,
    Verdict,
    WaiverUse,
)
from reporter.words import say

SHOWN_REASONS = 8
SHOWN_NODES = 5
LABEL = 10

_RED, _GREEN, _YELLOW, _BLUE, _VIOLET, _GREY, _BOLD, _END = (
    "\x1b[31m",
    "\x1b[32m",
    "\x1b[33m",
    "\x1b[34m",
    "\x1b[35m",
    "\x1b[2m",
    "\x1b[1m",
    "\x1b[0m",
)
_SIGNS = {
    "fail": ("✕", _RED),
    "unknown": ("?", _VIOLET),
    "inconclusive": ("?", _VIOLET),
    "warn": ("!", _YELLOW),
    "waived": ("w", _BLUE),
    "note": ("·", _GREY),
    "pass": ("✓", _GREEN),
}


def write(
    verdict: Verdict,
    *,
    width: int = 80,
    color: bool = False,
    verbose: bool = False,
    notes: Sequence[str] = (),
    own: Own | None = None,
) -> str:
    """The summary. `notes` are lines the command line adds, such as a default that was used;
    `own` is what a user's file of names says of checks."""
    page = _Page(width, color)
    shown = cleaned(verdict)
    _head(page, shown)
    _facts(page, shown, notes)
    _why(page, shown.reasons, guidance(shown, own), verbose)
    _conditions(page, shown.conditions)
    _evidence(page, shown.evidence, verbose)
    if verbose:
        _entries(page, shown)
        _waivers(page, shown.waivers)
        _skipped(page, shown.skipped)
    _totals(page, shown)
    return page.text()


class _Page:
    """Lines of bounded width; wide (Chinese) characters count two columns."""

    def __init__(self, width: int, color: bool) -> None:
        self.width = max(40, min(width, 120))
        self.color = color
        self.lines: list[str] = []

    def paint(self, text: str, *codes: str) -> str:
        return "".join(codes) + text + _END if self.color and codes else text

    def blank(self) -> None:
        if self.lines and self.lines[-1]:
            self.lines.append("")

    def title(self, text: str) -> None:
        self.blank()
        self.lines.append(self.paint(text, _BOLD))

    def add(
        self, first: str, text: str, *, sign: str | None = None, codes: Sequence[str] = ()
    ) -> None:
        """`text` wrapped behind `first`, continuation lines hanging below it."""
        indent = " " * columns(first)
        rows = wrap(one_line(text), self.width - columns(first))
        lead = first
        if sign is not None:
            lead = first.replace(_SIGNS[sign][0], self.paint(*_SIGNS[sign]), 1)
        for index, row in enumerate(rows or [""]):
            start = lead if index == 0 else indent
            row = console_safe(row) if start.strip() else console_safe(start + row)[len(start) :]
            self.lines.append((start + self.paint(row, *codes)).rstrip())

    def raw(self, row: str) -> None:
        """A row that must keep its blanks, such as YAML to paste."""
        self.lines.append(console_safe(row))

    def text(self) -> str:
        return "\n".join(self.lines).strip("\n") + "\n"


def columns(text: str) -> int:
    """How many terminal columns a text takes."""
    return sum(
        0 if unicodedata.combining(sign) else 2 if unicodedata.east_asian_width(sign) in "WF" else 1
        for sign in text
    )


def wrap(text: str, width: int) -> list[str]:
    """Break a text into rows of at most `width` columns, between words where there are any."""
    rows: list[str] = []
    row, used = "", 0
    for word in text.split(" "):
        for piece in _pieces(word, width):
            size = columns(piece)
            gap = 1 if row else 0
            if used + gap + size > width:
                rows.append(row)
                row, used, gap = "", 0, 0
            row += " " * gap + piece
            used += gap + size
    return [*rows, row] if row else rows


def _pieces(word: str, width: int) -> Iterable[str]:
    if columns(word) <= width:
        return [word]
    pieces, piece, used = [], "", 0
    for sign in word:
        size = columns(sign)
        if used + size > width:
            pieces.append(piece)
            piece, used = "", 0
        piece += sign
        used += size
    return [*pieces, piece]


def day_and_time(moment: datetime) -> str:
    """`2026-03-01 10:30 UTC`; seconds only where they are not zero."""
    form = "%Y-%m-%d %H:%M UTC" if moment.second == 0 else "%Y-%m-%d %H:%M:%S UTC"
    return moment.strftime(form)


def _head(page: _Page, verdict: Verdict) -> None:
    sign, color = _SIGNS[verdict.outcome]
    page.lines.append(page.paint(f"{sign} {verdict.headline.text}", _BOLD, color))
    page.add("  ", ". ".join(part.text for part in verdict.summary) + ".")


def _facts(page: _Page, verdict: Verdict, notes: Sequence[str]) -> None:
    subject = verdict.subject
    page.blank()

    def fact(label: str, text: str) -> None:
        page.add(f"  {label:<{LABEL}}", text)

    fact("Upgrade", f"{subject.cluster_version or '?'} → {subject.target_version or '?'}")
    cluster = " · ".join(
        part
        for part in (
            subject.cluster_name,
            subject.cluster_id or "id not in the response",
            subject.cluster_type,
        )
        if part
    )
    if subject.cluster_id_from == "sidecar":
        cluster += " (from the fetch sidecar)"
    fact("Cluster", cluster)
    checked = f"task {subject.task_uid or 'without uid'}"
    if subject.updated:
        when = subject.updated.at
        checked += f", updated {day_and_time(when) if when else subject.updated.text}"
    if verdict.source.others:
        others = verdict.source.others
        checked += f"; {others} other task{'s' if others > 1 else ''} in the same file"
    fact("Checked", checked)
    basis = {"now": "now", "response": "the response's own time", "given": "as given with --at"}
    fact("Judged", f"{day_and_time(verdict.instant.at)} ({basis[verdict.instant.basis]})")
    fact("Policy", ", ".join(_policy_name(part) for part in verdict.policies))
    if subject.change.id:
        fact("Change", subject.change.id)
    for note in notes:
        fact("Note", note)


def _policy_name(part: object) -> str:
    name = getattr(part, "name", "")
    version = getattr(part, "version", None)
    source = getattr(part, "source", "")
    return f"{name}{f' v{version}' if version else ''} ({source})"


def _tag(reason: Reason | Entry) -> str:
    return " · ".join(part for part in (reason.kind, reason.level) if part)


def _why(page: _Page, reasons: Sequence[Reason], known: Own, verbose: bool) -> None:
    if not reasons:
        return
    page.title("Why")
    shown = reasons if verbose else reasons[:SHOWN_REASONS]
    for number, reason in enumerate(shown, 1):
        tag = _tag(reason)
        sign = _SIGNS[reason.outcome][0]
        what = reason.what.text + (f" [{tag}]" if tag else "")
        page.add(f"{number:>3}. {sign} ", what, sign=reason.outcome, codes=[_BOLD])
        for detail in reason.details:
            page.add("       ", detail.text)
        page.add("       ", reason.why.text)
        for miss in reason.near_misses[:3]:
            page.add("       ", f"waiver {miss.waiver}: {miss.why.text}")
        about = known.get(reason.check) if reason.check is not None else None
        for action in actions(reason, about):
            page.add("       → ", action.text)
        if about is not None:
            _about(page, about)
    if len(reasons) > len(shown):
        more = len(reasons) - len(shown)
        noun = "reason" if more == 1 else "reasons"
        page.add("     ", f"and {more} more {noun} (--verbose shows all)")


def _about(page: _Page, known: Explanation) -> None:
    """The documented topic, and where to read on."""
    if (title := heading(known)) is not None:
        page.add("       ", f"Topic: {title}")
    for address in (known.runbook, known.link):
        if address is not None:
            # In one piece however narrow the page is: half an address is none.
            page.raw(f"         {one_line(address)}")


def _node_names(entry: Entry) -> list[str]:
    return [
        node.name or node.uid or "a node without a name"
        for place in entry.places
        for node in place.nodes
    ]


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN_NODES:,} more" if len(names) > SHOWN_NODES else ""
    return ", ".join(names[:SHOWN_NODES]) + more


def _conditions(page: _Page, conditions: Sequence[Statement]) -> None:
    if not conditions:
        return
    page.title("Conditions")
    for condition in conditions:
        page.add("  ! ", condition.text, sign="warn")


def _evidence(page: _Page, lines: Sequence[EvidenceLine], verbose: bool) -> None:
    page.title("Evidence")
    fine = [line for line in lines if line.state == "ok" and line.level != "note"]
    if not verbose and fine:
        names = ", ".join(say(f"evidence-name.{line.id}").lower() for line in fine)
        page.add("  ✓ ", f"holds: {names}", sign="pass")
    for line in lines:
        if not verbose and (line.state != "not-ok" and line.level != "note"):
            continue
        sign = "pass" if line.state == "ok" else "note"
        if line.state == "not-ok":
            sign = "inconclusive" if line.level == "require" else "warn"
        elif line.level == "note":
            sign = "note"
        text = "; ".join(part.text for part in line.statements)
        name = say(f"evidence-name.{line.id}")
        page.add(f"  {_SIGNS[sign][0]} ", f"{name}: {text}", sign=sign)


def _entries(page: _Page, verdict: Verdict) -> None:
    if not any(check.entries for check in verdict.checks):
        return
    page.title("Findings")
    for check in verdict.checks:
        for entry in check.entries:
            name = check.name or say("reason.unnamed")
            tag = _tag(entry)
            count = len(entry.places)
            where = (
                say(f"scope.{check.scope}")
                if check.scope != "node"
                else (f"{count:,} of {check.nodes_seen:,} nodes")
            )
            page.add(
                f"  {_SIGNS[entry.outcome][0]} ",
                f"{name} ({where}){f' [{tag}]' if tag else ''}: {entry.message or entry.why.text}",
                sign=entry.outcome,
            )
            page.add("      ", entry.why.text)
            if nodes := _node_names(entry):
                page.add("      ", f"on {_listed(nodes)}")
            if entry.waiver_stub:
                page.add("      ", "to have it accepted, complete this waiver:")
                for row in entry.waiver_stub.splitlines():
                    page.raw("        " + row)


def _waivers(page: _Page, waivers: Sequence[WaiverUse]) -> None:
    if not waivers:
        return
    page.title("Waivers")
    for use in waivers:
        by = ", ".join(part for part in (use.approved_by, use.ticket) if part)
        text = f"{use.id}: {use.status}, {use.why.text}. {use.reason}{f' ({by})' if by else ''}"
        page.add("  - ", text)


def _skipped(page: _Page, skipped: Sequence[SkippedCheck]) -> None:
    if not skipped:
        return
    page.title("Skipped on the server")
    for skip in skipped:
        name = skip.name or say("reason.unnamed")
        page.add(f"  {_SIGNS[skip.outcome][0]} ", f"{name}: {skip.why.text}", sign=skip.outcome)


def _totals(page: _Page, verdict: Verdict) -> None:
    page.blank()
    for label, counts in (("Findings", verdict.counts.findings), ("Checks", verdict.counts.checks)):
        parts = [
            f"{number:,} {say(f'finding.{outcome}').lower()}"
            for outcome in ("fail", "unknown", "warn", "waived", "note", "pass")
            if (number := getattr(counts, "passed" if outcome == "pass" else outcome))
            or outcome in ("fail", "pass")
        ]
        page.add(f"  {label:<{LABEL}}", " · ".join(parts))
    if verdict.counts.skipped:
        covered = verdict.counts.skipped_covered
        page.add(
            f"  {'Skipped':<{LABEL}}",
            f"{verdict.counts.skipped:,} on the server, {covered:,} of them covered by a waiver",
        )
