"""Markdown for job summaries and merge-request notes: the verdict first, worst first, bounded.

Plain GitHub-flavoured Markdown without HTML, so that it reads the same on GitHub and GitLab. A
summary over 1 MiB is dropped whole, so every section has a share of the space, and what does not
fit is counted in a sentence. What the text of a check may contain is dealt with in `markup`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from reporter.output import view
from reporter.output.exhibits import AttachedExhibit
from reporter.output.guidance import Own
from reporter.output.markup import code, item, link, prose, strong, table, word
from reporter.output.phrases import counted
from reporter.record.model import Verdict

MAX_BYTES: Final = 900 * 1024
"""GitHub takes a job summary of 1 MiB, and drops one near it now and then."""

SHARES: Final = {
    "head": 40,
    "reasons": 240,
    "conditions": 60,
    "evidence": 40,
    "findings": 300,
    "skipped": 60,
    "waivers": 120,
    "policy": 20,
}
"""KiB for each section; together they keep under `MAX_BYTES`."""

SHOWN_NODES: Final = 12
SHOWN_MEMBERS: Final = 20
ENTRIES: Final = 2_000

WHY: Final = "Why"
CONDITIONS: Final = "Conditions"
EVIDENCE: Final = "Can this check be trusted?"
COUNTS: Final = "Findings"
SKIPPED: Final = "Skipped on the server"
WAIVERS: Final = "Waivers"
POLICY: Final = "Judged by"
DOCUMENTATION: Final = "documentation"
RUNBOOK: Final = "runbook"
EVIDENCE_COLUMNS: Final = ("Line", "State", "Level", "What it says")
COUNT_COLUMNS: Final = ("Outcome", "Checks", "Findings")
WAIVER_COLUMNS: Final = ("Waiver", "State", "Covers", "Valid", "Reason", "Approval", "For")
POLICY_COLUMNS: Final = ("File", "Name", "Holds", "SHA-256")
SIGNS: Final = {
    "pass": "✓",
    "fail": "✕",
    "unknown": "?",
    "warn": "!",
    "waived": "w",
    "note": "·",
    "skipped": "–",
}
"""Shapes of the pages as signs; the word stands beside each."""


def write(
    verdict: Verdict, exhibits: Sequence[AttachedExhibit] = (), *, own: Own | None = None
) -> bytes:
    """The verdict as Markdown, in UTF-8, always under `MAX_BYTES`."""
    report = view.report(verdict, entries_in_all=ENTRIES, own=own)
    sections = [
        _section(WHY, "reasons", "reason", [_reason(why) for why in report.reasons]),
        _section(
            CONDITIONS,
            "conditions",
            "condition",
            [item(prose(text)) for text in report.conditions],
        ),
        _table(
            EVIDENCE,
            "evidence",
            "line",
            report.evidence_line,
            table(EVIDENCE_COLUMNS, (_evidence(row) for row in report.evidence)),
        ),
        _table(
            COUNTS,
            "findings",
            "row",
            report.finding_line,
            table(
                COUNT_COLUMNS,
                ((_tag(row.tag), row.checks, row.findings) for row in report.counts),
            ),
        ),
        _section(None, "findings", "check", [_check(check) for check in report.checks]),
        _section(
            SKIPPED,
            "skipped",
            "skipped check",
            [_skip(skip) for skip in report.skipped],
            report.skipped_line,
        ),
        _table(
            WAIVERS,
            "waivers",
            "waiver",
            report.waiver_line,
            table(WAIVER_COLUMNS, (_waiver(use) for use in report.waivers))
            if report.waivers
            else [],
        ),
        _table(
            POLICY,
            "policy",
            "file",
            report.rule_line,
            table(
                POLICY_COLUMNS,
                (
                    (prose(part.kind), _named(part), prose(part.holds), code(part.sha256))
                    for part in report.policies
                ),
            ),
        ),
    ]
    text = _head(report) + "".join(sections) + f"\n---\n\n{prose(report.stamp)}\n"
    return text.encode()


def _head(report: view.Report) -> str:
    lines = [f"## {SIGNS[report.tag.shape]} {prose(report.headline)}\n\n"]
    lines += [item(prose(f"{said}.")) for said in report.summary]
    lines.append("\n")
    for notice in report.notices:
        said = " ".join(prose(part) for part in (notice.value, *notice.notes))
        lines.append(f"{strong(f'{notice.label}.')} {said}\n\n")
    kept, left_out = fitting([*lines, *map(_fact, report.facts)], SHARES["head"] * 1024)
    return "".join(kept) + _left_out(left_out, "line")


def _fact(fact: view.Fact) -> str:
    notes = " · ".join(word(note) for note in fact.notes)
    return item(f"{strong(fact.label)} {word(fact.value)}{f' ({notes})' if notes else ''}")


def _section(
    title: str | None, share: str, noun: str, blocks: Sequence[str], line: str | None = None
) -> str:
    """A heading and as many blocks as its share takes."""
    if not blocks:
        return ""
    head = f"\n### {prose(title)}\n\n" if title else "\n"
    if line:
        head += f"{prose(line)}\n\n"
    kept, left_out = fitting(blocks, SHARES[share] * 1024)
    return head + "".join(kept) + _left_out(left_out, noun)


def _table(title: str, share: str, noun: str, line: str, rows: Sequence[str]) -> str:
    head = f"\n### {prose(title)}\n\n{prose(line)}\n"
    if not rows:
        return head
    kept, left_out = fitting(rows, SHARES[share] * 1024)
    return f"{head}\n{''.join(kept)}{_left_out(left_out, noun)}"


def fitting(blocks: Sequence[str], limit: int) -> tuple[Sequence[str], int]:
    """As many blocks from the first on as `limit` bytes take, and how many are left out."""
    used = 0
    for index, block in enumerate(blocks):
        used += len(block.encode())
        if used > limit:
            return blocks[:index], len(blocks) - index
    return blocks, 0


def _left_out(count: int, noun: str) -> str:
    if not count:
        return ""
    more = prose(f"{counted(count, f'more {noun}')} left out here to keep this short")
    return f"\n{more}; {prose('the record, the page and the CSV file have all of them.')}\n"


def _tag(tag: view.Tag) -> str:
    return f"{SIGNS.get(tag.shape, '')} {strong(tag.word)}".strip()


def _reason(why: view.Why) -> str:
    kind = f" ({prose(why.kind_level)})" if why.kind_level else ""
    lines = [item(f"{_tag(why.tag)} {prose(why.what)}{kind}")]
    lines += [item(prose(text), 1) for text in (*why.details, why.why)]
    lines += [item(f"→ {prose(text)}", 1) for text in why.actions]
    for shown in (link(RUNBOOK, why.runbook), link(DOCUMENTATION, why.link)):
        if shown:
            lines.append(item(shown, 1))
    lines += [item(prose(text), 1) for text in why.near_misses]
    return _bounded(lines)


def _evidence(row: view.EvidenceRow) -> tuple[str, ...]:
    said = "; ".join(prose(text) for text in row.statements[:10])
    return (strong(row.name), _tag(row.tag), prose(row.level), said)


def _check(check: view.CheckView) -> str:
    lines = [
        item(
            f"{_tag(check.tag)} {code(check.name)} {prose(check.where)} ({prose(check.kind_level)})"
        )
    ]
    for group in check.groups:
        lines += _group(group)
    if check.help is not None:
        lines.append(item(_help(check.help), 1))
    return _bounded(lines)


def _help(of: view.Help) -> str:
    sure = f" ({prose(of.certainty)})" if of.certainty else ""
    title = f"{prose(of.title)}{sure}" if of.title else sure.strip()
    said = ": ".join(part for part in (title, prose(of.fix or "")) if part)
    links = [link(RUNBOOK, of.runbook), link(DOCUMENTATION, of.link)]
    more = ", ".join(part for part in links if part)
    return f"{said} ({more})" if more else said


def _group(group: view.Group) -> Iterator[str]:
    yield item(f"{strong(group.tag.word)} {prose(group.where)}: {prose(group.why)}", 1)
    for accepted in group.accepted:
        yield item(_accepted(accepted), 2)
    for text in (*group.near_misses, *group.remediation):
        yield item(prose(text), 2)
    for member in group.members[:SHOWN_MEMBERS]:
        yield item(_member(member), 2)
    rest = len(group.members) - SHOWN_MEMBERS
    if rest > 0:
        yield item(prose(f"and {counted(rest, 'more message')}"), 2)
    if group.more:
        yield item(prose(f"and {group.more}"), 2)


def _member(member: view.Member) -> str:
    said = code(member.message) if member.message else ""
    nodes = [word(node.name) for node in member.nodes[:SHOWN_NODES]]
    if not nodes:
        return said or code(member.pointers[0])
    more = len(member.nodes) - SHOWN_NODES
    listed = ", ".join(nodes) + (f" {prose(f'and {more:,} more')}" if more > 0 else "")
    return f"{said} {prose('on')} {listed}".strip()


def _accepted(accepted: view.Accepted) -> str:
    said = ", ".join(prose(part) for part in (accepted.line, accepted.reason) if part)
    return f"{strong('Waiver')} {code(accepted.id)}{f' {said}' if said else ''}"


def _skip(skip: view.Skip) -> str:
    lines = [item(f"{_tag(skip.tag)} {code(skip.name)} {prose(skip.where)}")]
    lines += [item(prose(text), 1) for text in (skip.why, *skip.near_misses)]
    lines += [item(_accepted(accepted), 1) for accepted in skip.accepted]
    if skip.node_uids:
        nodes = ", ".join(code(uid) for uid in skip.node_uids[:SHOWN_NODES])
        more = len(skip.node_uids) - SHOWN_NODES
        lines.append(item(nodes + (f" {prose(f'and {more:,} more')}" if more > 0 else ""), 1))
    return _bounded(lines)


def _waiver(use: view.Waiver) -> tuple[str, ...]:
    state = _tag(use.tag)
    notes = ", ".join(prose(text) for text in (use.left, *use.marks) if text)
    return (
        code(use.id),
        f"{state} {prose(use.why)}",
        prose(use.covers),
        prose(use.validity) + (f" ({notes})" if notes else ""),
        prose(use.reason),
        prose(use.approval),
        ", ".join(code(text) for text in use.match[:10]),
    )


def _named(part: view.PolicyFile) -> str:
    named = " ".join(word(text) for text in (part.name, part.version) if text)
    return f"{named} ({word(part.source)})"


MAX_BLOCK: Final = 24 * 1024


def _bounded(lines: Iterable[str]) -> str:
    """The lines of one block, as many as fit: one entry never takes the others' space."""
    given = list(lines)
    kept, left_out = fitting(given, MAX_BLOCK)
    more = item(prose(f"and {counted(left_out, 'more line')}"), 1) if left_out else ""
    return "".join(kept) + more
