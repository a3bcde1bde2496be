"""The summary people read in a terminal or a pipeline's log."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime

from reporter.output.clean import cleaned, console_safe, one_line
from reporter.output.guidance import Own, actions, guidance, heading
from reporter.output.phrases import Phrases, joined
from reporter.record.explanation import Explanation
from reporter.record.instants import minute_of, second_of
from reporter.record.model import (
    OUTCOMES_WORST_FIRST,
    Entry,
    EvidenceLine,
    PolicyUse,
    Reason,
    SkippedCheck,
    Statement,
    Verdict,
    WaiverUse,
)
from reporter.words import LanguageTag

SHOWN_REASONS = 8
SHOWN_NODES = 5
LONGEST_TEXT = 4_000
"""So many signs of a text are shown where not all is asked for: a message may be a book."""
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
    lang: LanguageTag = "en",
) -> str:
    """The summary. `notes` are lines the command line adds, such as a default that was used;
    `own` is what a user's file of names says of checks."""
    page = _Page(width, color, None if verbose else LONGEST_TEXT)
    shown, words = cleaned(verdict), _Words(lang)
    _head(page, words, shown)
    _facts(page, words, shown, notes)
    _why(page, words, shown.reasons, guidance(shown, own, lang=lang), verbose)
    _conditions(page, words, shown.conditions)
    _evidence(page, words, shown, verbose)
    if verbose:
        _entries(page, words, shown)
        _waivers(page, words, shown.waivers)
        _skipped(page, words, shown.skipped)
    _totals(page, words, shown)
    return page.text()


def line(verdict: Verdict, lang: LanguageTag = "en") -> str:
    """The verdict and its reasons in one line."""
    # Only what is said here is cleaned: a large record has much more.
    shown, words = cleaned(verdict.model_copy(update={"checks": [], "reasons": []})), _Words(lang)
    tolerated = [part for part in shown.conditions if part.code == "condition.tolerated-exceptions"]
    said = [shown.headline, *shown.summary, *tolerated]
    return console_safe(one_line(words.sentences([words.said(part) for part in said]))) + "\n"


class _Words(Phrases):
    """The words of a summary; in English it says what the record says, digit by digit."""

    def said(self, statement: Statement) -> str:
        """A statement of the record."""
        return statement.text if self.tag == "en" else self.spoken(statement)

    def moment(self, at: datetime) -> str:
        """An instant, with its seconds where they are not zero."""
        if self.tag == "en":
            return day_and_time(at)
        clock = f"{at:%H:%M}" if at.second == 0 else f"{at:%H:%M:%S}"
        return f"{self.day(at)} {clock} UTC"

    def window(self, start: datetime | None, end: datetime | None) -> str | None:
        """2026-03-01 22:00 UTC – 2026-03-02 02:00 UTC."""
        if start is None or end is None:
            return super().window(start, end)
        return f"{self.moment(start)} – {self.moment(end)}"


def day_and_time(moment: datetime) -> str:
    """`2026-03-01 10:30 UTC`; seconds only where they are not zero."""
    return minute_of(moment) if moment.second == 0 else f"{second_of(moment).replace('T', ' ')} UTC"


class _Page:
    """Lines of bounded width; wide (Chinese) characters count two columns."""

    def __init__(self, width: int, color: bool, most: int | None = None) -> None:
        self.width = max(40, min(width, 120))
        self.most = most
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
        if self.most is not None and len(text) > self.most:
            text = text[: self.most] + " …"
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


def padded(label: str, width: int) -> str:
    """A label with blanks up to `width` columns."""
    return label + " " * max(width - columns(label), 1)


def wrap(text: str, width: int) -> list[str]:
    """Break a text into rows of at most `width` columns: between words, and in Chinese between
    characters, but not so that a row begins or ends with the wrong punctuation."""
    rows: list[str] = []
    row, used = "", 0
    for word in text.split(" "):
        gap = 1
        for unit in _units(word):
            for piece in _pieces(unit, width):
                size = columns(piece)
                gap = gap if row else 0
                if used + gap + size > width:
                    rows.append(row)
                    row, used, gap = "", 0, 0
                row += " " * gap + piece
                used += gap + size
                gap = 0
    return [*rows, row] if row else rows


_WIDE = "\u2e80-\u303f\u3040-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff"
_OPENING, _CLOSING = "（“《【", "，。、；：！？）”》】…"
_UNIT = f"[{_OPENING}]*(?:(?:[0-9]+[年月日])+|[^{_WIDE}“”…]+|[^{_OPENING}]|$)[{_CLOSING}]*"
"""Compiled where a word is asked: that takes long, and most runs never do."""


def _units(word: str) -> list[str]:
    """The parts of a word that a row may end after; one where no character is Chinese."""
    if word.isascii():
        return [word]
    return [unit for unit in re.findall(_UNIT, word) if unit]


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


def _head(page: _Page, words: _Words, verdict: Verdict) -> None:
    sign, color = _SIGNS[verdict.outcome]
    page.lines.append(page.paint(f"{sign} {words.said(verdict.headline)}", _BOLD, color))
    page.add("  ", words.sentences([words.said(part) for part in verdict.summary]))


def _facts(page: _Page, words: _Words, verdict: Verdict, notes: Sequence[str]) -> None:
    subject = verdict.subject
    page.blank()

    def fact(label: str, text: str) -> None:
        page.add(f"  {padded(label, LABEL)}", text)

    versions = f"{subject.cluster_version or '?'} → {subject.target_version or '?'}"
    fact(words.text("Upgrade"), versions)
    cluster = joined(
        (
            subject.cluster_name,
            subject.cluster_id or words.text("id not in the response"),
            subject.cluster_type,
        )
    )
    if subject.cluster_id_from == "sidecar":
        cluster = words.text("{cluster} (from the fetch sidecar)", cluster=cluster)
    fact(words.text("Cluster"), cluster)
    if subject.task_uid:
        checked = words.text("task {uid}", uid=subject.task_uid)
    else:
        checked = words.text("task without uid")
    if subject.updated:
        when = subject.updated.at
        at = words.moment(when) if when else subject.updated.text
        checked = words.text("{task}, updated {at}", task=checked, at=at)
    if others := verdict.source.others:
        more = words.count(
            "{count} other task in the same file", "{count} other tasks in the same file", others
        )
        checked = words.text("; ").join((checked, more))
    fact(words.text("Checked"), checked)
    basis = {
        "now": words.text("now"),
        "response": words.text("the response's own time"),
        "given": words.text("as given with --at"),
    }[verdict.instant.basis]
    judged = words.moment(verdict.instant.at)
    fact(words.text("Judged"), words.text("{what} ({more})", what=judged, more=basis))
    fact(words.text("Policy"), words.joined([_policy(words, part) for part in verdict.policies]))
    change = subject.change
    opens = words.window(change.window_start, change.window_end)
    window = [words.text("window {opens}", opens=opens)] if opens else []
    if change.id or window:
        said = [*([change.id] if change.id else []), *window]
        fact(words.text("Change"), words.text("; ").join(said))
    for note in notes:
        fact(words.text("Note"), note)


def _policy(words: _Words, part: PolicyUse) -> str:
    name = f"{part.name} v{part.version}" if part.version else part.name
    return words.text("{what} ({more})", what=name, more=part.source)


def _tag(reason: Reason | Entry) -> str:
    return joined((reason.kind, reason.level))


def _why(page: _Page, words: _Words, reasons: Sequence[Reason], known: Own, verbose: bool) -> None:
    if not reasons:
        return
    page.title(words.text("Why"))
    shown = reasons if verbose else reasons[:SHOWN_REASONS]
    for number, reason in enumerate(shown, 1):
        tag = _tag(reason)
        sign = _SIGNS[reason.outcome][0]
        what = words.said(reason.what) + (f" [{tag}]" if tag else "")
        page.add(f"{number:>3}. {sign} ", what, sign=reason.outcome, codes=[_BOLD])
        for detail in reason.details:
            page.add("       ", words.said(detail))
        page.add("       ", words.said(reason.why))
        for miss in reason.near_misses[:3]:
            why = words.said(miss.why)
            page.add("       ", words.text("waiver {id}: {why}", id=miss.waiver, why=why))
        about = known.get(reason.check) if reason.check is not None else None
        for action in actions(reason, about):
            page.add("       → ", words.said(action))
        if about is not None:
            _about(page, words, about)
    if (more := len(reasons) - len(shown)) > 0:
        page.add(
            "     ",
            words.count(
                "and {count} more reason (--verbose shows all)",
                "and {count} more reasons (--verbose shows all)",
                more,
            ),
        )


def _about(page: _Page, words: _Words, known: Explanation) -> None:
    """The documented topic, and where to read on."""
    if (title := heading(known, words)) is not None:
        page.add("       ", words.text("Topic: {title}", title=title))
    for address in (known.runbook, known.link):
        if address is not None:
            # In one piece however narrow the page is: half an address is none.
            page.raw(f"         {one_line(address)}")


def _node_names(words: _Words, entry: Entry) -> list[str]:
    unnamed = words.text("a node without a name")
    return [node.name or node.uid or unnamed for place in entry.places for node in place.nodes]


def _listed(words: _Words, names: Sequence[str]) -> str:
    said = words.joined(names[:SHOWN_NODES])
    more = len(names) - SHOWN_NODES
    return words.text("{names} and {count} more", names=said, count=more) if more > 0 else said


def _conditions(page: _Page, words: _Words, conditions: Sequence[Statement]) -> None:
    if not conditions:
        return
    page.title(words.text("Conditions"))
    for condition in conditions:
        page.add("  ! ", words.said(condition), sign="warn")


def _evidence(page: _Page, words: _Words, verdict: Verdict, verbose: bool) -> None:
    page.title(words.text("Evidence"))
    lines = verdict.evidence
    fine = [line for line in lines if line.state == "ok" and line.level != "note"]
    if not verbose and fine:
        names = [words.inline(words.named("evidence-name", line.id)) for line in fine]
        held = words.text("holds: {names}", names=words.text(", ").join(names))
        page.add("  ✓ ", held, sign="pass")
    for line in lines:
        # Who is told that all holds has to know where nothing says how long it does.
        endless = verdict.outcome == "pass" and _says_no_end(line)
        if not verbose and line.state != "not-ok" and line.level != "note" and not endless:
            continue
        sign = "pass" if line.state == "ok" else "note"
        if line.state == "not-ok":
            sign = "inconclusive" if line.level == "require" else "warn"
        elif line.level == "note":
            sign = "note"
        said = words.text("; ").join(words.said(part) for part in line.statements)
        name = words.named("evidence-name", line.id)
        text = words.text("{label}: {said}", label=name, said=said)
        page.add(f"  {_SIGNS[sign][0]} ", text, sign=sign)


def _says_no_end(line: EvidenceLine) -> bool:
    return line.id == "unexpired" and line.state == "not-applicable" and line.level != "off"


def _entries(page: _Page, words: _Words, verdict: Verdict) -> None:
    if not any(check.entries for check in verdict.checks):
        return
    page.title(words.text("Findings"))
    for check in verdict.checks:
        for entry in check.entries:
            name = check.name or words.say("reason.unnamed")
            tag = _tag(entry)
            if check.scope != "node":
                where = words.named("scope", check.scope)
            else:
                where = words.text(
                    "{count} of {total} nodes", count=len(entry.places), total=check.nodes_seen
                )
            what = words.text("{what} ({more})", what=name, more=where)
            said = entry.message or words.said(entry.why)
            page.add(
                f"  {_SIGNS[entry.outcome][0]} ",
                words.text(
                    "{label}: {said}", label=f"{what}{f' [{tag}]' if tag else ''}", said=said
                ),
                sign=entry.outcome,
            )
            page.add("      ", words.said(entry.why))
            if nodes := _node_names(words, entry):
                page.add("      ", words.text("on {nodes}", nodes=_listed(words, nodes)))
            if entry.waiver_stub:
                page.add("      ", words.text("to have it accepted, complete this waiver:"))
                for row in entry.waiver_stub.splitlines():
                    page.raw("        " + row)


def _waivers(page: _Page, words: _Words, waivers: Sequence[WaiverUse]) -> None:
    if not waivers:
        return
    page.title(words.text("Waivers"))
    for use in waivers:
        status = use.status if words.tag == "en" else words.named("status", use.status)
        reason = use.reason
        if by := words.joined([part for part in (use.approved_by, use.ticket) if part]):
            reason = words.text("{what} ({more})", what=reason, more=by)
        said = words.text(
            "{waiver}: {status}, {why}. {reason}",
            waiver=use.id,
            status=status,
            why=words.said(use.why),
            reason=reason,
        )
        page.add("  - ", said)


def _skipped(page: _Page, words: _Words, skipped: Sequence[SkippedCheck]) -> None:
    if not skipped:
        return
    page.title(words.text("Skipped on the server"))
    for skip in skipped:
        name = skip.name or words.say("reason.unnamed")
        said = words.text("{label}: {said}", label=name, said=words.said(skip.why))
        page.add(f"  {_SIGNS[skip.outcome][0]} ", said, sign=skip.outcome)


def _totals(page: _Page, words: _Words, verdict: Verdict) -> None:
    page.blank()
    for label, counts in (
        (words.text("Findings"), verdict.counts.findings),
        (words.text("Checks"), verdict.counts.checks),
    ):
        parts = [
            words.text(
                "{count} {outcome}",
                count=number,
                outcome=words.inline(words.named("finding", outcome)),
            )
            for outcome in OUTCOMES_WORST_FIRST
            if (number := counts.of(outcome)) or outcome in ("fail", "pass")
        ]
        page.add(f"  {padded(label, LABEL)}", " · ".join(parts))
    if verdict.counts.skipped:
        page.add(
            f"  {padded(words.text('Skipped'), LABEL)}",
            words.text(
                "{count} on the server, {covered} of them covered by a waiver",
                count=verdict.counts.skipped,
                covered=verdict.counts.skipped_covered,
            ),
        )
