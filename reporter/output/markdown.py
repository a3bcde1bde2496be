"""Markdown for job summaries and merge-request notes: the verdict first, worst first, bounded.

Plain GitHub-flavoured Markdown without HTML, so that it reads the same on GitHub and GitLab. A
summary over 1 MiB is dropped whole, so every section has a share of the space, and what does not
fit is counted in a sentence. What the text of a check may contain is dealt with in `markup`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from reporter.output import Reader, approval, phrases, shown, view
from reporter.output import work as todo
from reporter.output.exhibits import AttachedExhibit
from reporter.output.guidance import Own
from reporter.output.markup import code, fenced, item, link, prose, strong, table, word
from reporter.output.phrases import Phrases
from reporter.record.model import Verdict
from reporter.words import LanguageTag

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
    "steps": 600,
}
"""KiB for each section; together they keep under `MAX_BYTES`."""

MAX_BLOCK: Final = 24 * 1024
"""Bytes for one reason, check or skipped check."""

NODES_TO_COPY: Final = 500
"""Names in the block of one step."""

SHOWN_NODES: Final = 12
SHOWN_MEMBERS: Final = 20
ENTRIES: Final = 2_000

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
    verdict: Verdict,
    exhibits: Sequence[AttachedExhibit] = (),
    *,
    own: Own | None = None,
    lang: LanguageTag = "en",
    reader: Reader = "auditor",
) -> bytes:
    """The verdict as Markdown, in UTF-8, always under `MAX_BYTES`."""
    report = view.report(verdict, entries_in_all=ENTRIES, own=own, lang=lang, reader=reader)
    page = _Page(report)
    if reader == "approver":
        return page.for_approver(approval.approval(report)).encode()
    if reader == "operator":
        return page.for_operator(todo.work(view.shown_record(verdict), report)).encode()
    return page.text().encode()


class _Page:
    """A report on its way to Markdown, in its language."""

    def __init__(self, report: shown.Report) -> None:
        self.report = report
        self.words = Phrases(report.lang)

    def text(self) -> str:
        """The whole page."""
        report, words = self.report, self.words
        named = words.text
        sections = [
            self._section(named("Why"), "reasons", map(self._reason, report.reasons)),
            self._section(
                named("Conditions"), "conditions", (item(prose(said)) for said in report.conditions)
            ),
            self._table(
                named("Can this check be trusted?"),
                "evidence",
                report.evidence_line,
                table(
                    (named("Line"), named("State"), named("Level"), named("What it says")),
                    map(self._evidence, report.evidence),
                ),
            ),
            self._table(
                named("Findings"),
                "findings",
                report.finding_line,
                table(
                    (named("Outcome"), named("Checks"), named("Findings")),
                    ((_tag(row.tag), row.checks, row.findings) for row in report.counts),
                ),
            ),
            self._section(
                None, "findings", map(self._check, report.checks), more=report.checks_more
            ),
            self._section(
                named("Skipped on the server"),
                "skipped",
                map(self._skip, report.skipped),
                report.skipped_line,
            ),
            self._table(
                named("Waivers"), "waivers", report.waiver_line, self._waivers(report.waivers)
            ),
            self._table(
                named("Judged by"),
                "policy",
                report.rule_line,
                table(
                    (named("File"), named("Name"), named("Holds"), "SHA-256"),
                    (
                        (prose(part.kind), self._named(part), prose(part.holds), code(part.sha256))
                        for part in report.policies
                    ),
                ),
            ),
        ]
        return self._head() + "".join(sections) + self._foot()

    def for_approver(self, of: approval.Approval) -> str:
        """One page: nothing is folded away uncounted."""
        report, words = self.report, self.words
        named = words.text
        lines = [f"## {SIGNS[report.tag.shape]} {prose(report.headline)}\n\n"]
        lines.append(f"{prose(of.summary)}\n\n")
        lines += [f"{prose(said)}\n\n" for said in of.notices]
        lines += [self._fact(fact) for pair in of.facts for fact in pair if fact]
        if of.reasons:
            lines.append(f"\n### {prose(named('Why'))}\n\n")
            for reason in of.reasons:
                lines.append(item(f"{_tag(reason.tag)} {prose(reason.what)}"))
                lines += [item(f"→ {prose(said)}", 1) for said in (reason.action,) if said]
            lines += self._rest(of.reasons_left)
        if of.conditions:
            lines.append(f"\n### {prose(named('Conditions'))}\n\n")
            lines += [item(prose(said)) for said in of.conditions]
            lines += self._rest(of.conditions_left)
        for title, line, rows, left in (
            (
                named("Can this check be trusted?"),
                of.evidence_line,
                of.evidence,
                of.evidence_left,
            ),
            (named("Waivers"), of.waiver_line, of.waivers, of.waivers_left),
        ):
            lines.append(f"\n### {prose(title)}\n\n{prose(line)}\n\n")
            for row in rows:
                lines.append(item(f"{_tag(row.tag)} {strong(row.name)} {prose(row.said)}"))
                lines += [item(prose(said), 1) for said in row.more]
            lines += self._rest(left)
        return "".join(lines) + self._totals() + self._foot()

    def for_operator(self, of: todo.Work) -> str:
        """What to fix, grouped by what to do."""
        words = self.words
        title = prose(words.text("What to fix"))
        head = f"{self._head()}\n### {title}\n\n{prose(of.line)}\n"
        steps = [self._step(number, step) for number, step in enumerate(of.steps, 1)]
        kept, left_out = fitting(steps, SHARES["steps"] * 1024)
        conditions = self._section(
            words.text("Conditions"),
            "conditions",
            (item(prose(said)) for said in self.report.conditions),
        )
        rest = self._left_out("steps", left_out)
        if of.steps:
            said = words.text(
                "When it is fixed, run the pre-upgrade check again, save its response, "
                "and judge it:"
            )
            title = prose(words.text("Then"))
            rest += f"\n### {title}\n\n{prose(said)}\n\n{fenced([self.report.recheck])}"
        return head + "".join(kept) + rest + conditions + self._totals() + self._foot()

    def _step(self, number: int, step: todo.Step) -> str:
        actions = self.words.gap.join(prose(action) for action in step.actions)
        lines = []
        for part in step.items:
            what = f"{_tag(part.reason.tag)} {prose(part.reason.what)}"
            if part.reason.kind_level:
                kind = prose(part.reason.kind_level)
                what = self.words.text("{what} ({more})", what=what, more=kind)
            lines.append(item(what))
            lines += [item(code(said), 1) for said in part.messages]
            lines += [item(prose(said), 1) for said in (part.more_messages,) if said]
            lines.append(item(prose(part.reason.why), 1))
            if part.nodes:
                shown = [word(node.name) for node in part.nodes[:SHOWN_NODES]]
                nodes = self._some(shown, len(part.nodes))
                lines.append(item(self.words.text("on {nodes}", nodes=nodes), 1))
            links = self._links(part.reason.runbook, part.reason.link)
            lines += [item(shown, 1) for shown in links]
            lines += [item(prose(text), 1) for text in part.reason.near_misses]
        text = f"\n#### {number}\\. {actions}\n\n{self._bounded(lines)}"
        names = step.names.splitlines()
        if not names:
            return text
        shown = names[:NODES_TO_COPY]
        said = self.words.text("{nodes} to copy, a name a line", nodes=step.node_count or "")
        more = len(names) - len(shown)
        if more > 0:
            left = self.words.text("and {count} more", count=more)
            said = self.words.text("{line}, {more}", line=said, more=left)
        return f"{text}\n{prose(said)}\n\n{fenced(shown)}"

    def _rest(self, left: str | None) -> list[str]:
        return [f"\n{strong(left)}\n"] if left else []

    def _totals(self) -> str:
        report, words = self.report, self.words
        columns = (words.text("Outcome"), words.text("Checks"), words.text("Findings"))
        rows = ((_tag(row.tag), row.checks, row.findings) for row in report.counts)
        rest = words.text(
            "This is one view of the record. Without --view, the report shows all of it; the "
            "record itself is what --json writes."
        )
        counts = self._table(
            words.text("Findings"), "findings", report.finding_line, table(columns, rows)
        )
        return f"{counts}\n{prose(rest)}\n"

    def _foot(self) -> str:
        return f"\n---\n\n{prose(phrases.joined((self.report.stamp, self.report.view)))}\n"

    def _head(self) -> str:
        report, words = self.report, self.words
        lines = [f"## {SIGNS[report.tag.shape]} {prose(report.headline)}\n\n"]
        lines += [item(prose(words.stopped(said))) for said in report.summary]
        lines.append("\n")
        for notice in report.notices:
            said = words.gap.join(prose(part) for part in (notice.value, *notice.notes))
            # The blank behind what is bold has to be there in every language.
            lines.append(f"{strong(words.stopped(notice.label))} {said}\n\n")
        kept, left_out = fitting([*lines, *map(self._fact, report.facts)], SHARES["head"] * 1024)
        return "".join(kept) + self._left_out("head", left_out)

    def _fact(self, fact: shown.Fact) -> str:
        notes = " · ".join(word(note) for note in fact.notes)
        value = word(fact.value)
        if notes:
            value = self.words.text("{what} ({more})", what=value, more=notes)
        return item(f"{strong(fact.label)} {value}")

    def _section(
        self,
        title: str | None,
        share: str,
        blocks: Iterable[str],
        line: str | None = None,
        *,
        more: int = 0,
    ) -> str:
        """A heading and as many blocks as its share takes; `more` there are besides."""
        given = list(blocks)
        if not given:
            return ""
        head = f"\n### {prose(title)}\n\n" if title else "\n"
        if line:
            head += f"{prose(line)}\n\n"
        kept, left_out = fitting(given, SHARES[share] * 1024)
        return head + "".join(kept) + self._left_out(share, left_out + more)

    def _table(self, title: str, share: str, line: str, rows: Sequence[str]) -> str:
        head = f"\n### {prose(title)}\n\n{prose(line)}\n"
        if not rows:
            return head
        kept, left_out = fitting(rows, SHARES[share] * 1024)
        return f"{head}\n{''.join(kept)}{self._left_out(share, left_out)}"

    def _left_out(self, share: str, count: int) -> str:
        if not count:
            return ""
        said = self.words.text(
            "{what}; the record, the page and the CSV file have all of them.",
            what=self.words.say(f"left-out.{share}", {"count": count}),
        )
        return f"\n{prose(said)}\n"

    def _reason(self, why: shown.Why) -> str:
        what = prose(why.what)
        if why.kind_level:
            what = self.words.text("{what} ({more})", what=what, more=prose(why.kind_level))
        lines = [item(f"{_tag(why.tag)} {what}")]
        lines += [item(prose(text), 1) for text in (*why.details, why.why)]
        lines += [item(f"→ {prose(text)}", 1) for text in why.actions]
        lines += [item(shown, 1) for shown in self._links(why.runbook, why.link)]
        lines += [item(prose(text), 1) for text in why.near_misses]
        return self._bounded(lines)

    def _links(self, runbook: str | None, documentation: str | None) -> list[str]:
        found = (
            link(self.words.text("runbook"), runbook),
            link(self.words.text("documentation"), documentation),
        )
        return [shown for shown in found if shown]

    def _evidence(self, row: shown.EvidenceRow) -> tuple[str, ...]:
        said = self.words.text("; ").join(prose(text) for text in row.statements[:10])
        return (strong(row.name), _tag(row.tag), prose(row.level), said)

    def _check(self, check: shown.CheckView) -> str:
        what = f"{_tag(check.tag)} {code(check.name)} {prose(check.where)}"
        kind = prose(check.kind_level)
        lines = [item(self.words.text("{what} ({more})", what=what, more=kind))]
        for group in check.groups:
            lines += self._group(group)
        if check.help is not None:
            lines.append(item(self._help(check.help), 1))
        return self._bounded(lines)

    def _help(self, of: shown.Help) -> str:
        words = self.words
        title = prose(of.title or "")
        if of.certainty:
            title = words.text("{what} ({more})", what=title, more=prose(of.certainty)).strip()
        said = title or prose(of.fix or "")
        if title and of.fix:
            said = words.text("{label}: {said}", label=title, said=prose(of.fix))
        if links := self._links(of.runbook, of.link):
            said = words.text("{what} ({more})", what=said, more=words.joined(links))
        return said

    def _group(self, group: shown.Group) -> Iterator[str]:
        words = self.words
        label = f"{strong(group.tag.word)} {prose(group.where)}"
        yield item(words.text("{label}: {said}", label=label, said=prose(group.why)), 1)
        for accepted in group.accepted:
            yield item(self._accepted(accepted), 2)
        for text in (*group.near_misses, *group.remediation):
            yield item(prose(text), 2)
        for member in group.members[:SHOWN_MEMBERS]:
            yield item(self._member(member), 2)
        rest = len(group.members) - SHOWN_MEMBERS
        if rest > 0:
            said = words.count("and {count} more message", "and {count} more messages", rest)
            yield item(prose(said), 2)
        if group.more:
            yield item(prose(words.text("and {more}", more=group.more)), 2)

    def _member(self, member: shown.Member) -> str:
        said = code(member.message) if member.message else ""
        nodes = [word(node.name) for node in member.nodes[:SHOWN_NODES]]
        if not nodes:
            return said or code(member.pointers[0])
        where = self.words.text("on {nodes}", nodes=self._some(nodes, len(member.nodes)))
        return f"{said} {where}".strip()

    def _some(self, shown: Sequence[str], count: int) -> str:
        """Some of `count` names, and how many there are besides."""
        names = self.words.joined(shown)
        more = count - len(shown)
        if more < 1:
            return names
        return self.words.text("{names} and {count} more", names=names, count=more)

    def _clauses(self, parts: Sequence[str]) -> str:
        """Parts of a sentence, one behind the other."""
        said = "".join(parts[:1])
        for part in parts[1:]:
            said = self.words.text("{line}, {more}", line=said, more=part)
        return said

    def _accepted(self, accepted: shown.Accepted) -> str:
        if accepted.more:
            return prose(accepted.more)
        parts = [prose(part) for part in (accepted.line, accepted.reason) if part]
        said = self._clauses(parts)
        label = strong(self.words.text("Waiver"))
        return f"{label} {code(accepted.id)}{f' {said}' if said else ''}"

    def _skip(self, skip: shown.Skip) -> str:
        lines = [item(f"{_tag(skip.tag)} {code(skip.name)} {prose(skip.where)}")]
        lines += [item(prose(text), 1) for text in (skip.why, *skip.near_misses)]
        lines += [item(self._accepted(accepted), 1) for accepted in skip.accepted]
        if skip.node_uids:
            shown = [code(uid) for uid in skip.node_uids[:SHOWN_NODES]]
            lines.append(item(self._some(shown, len(skip.node_uids)), 1))
        return self._bounded(lines)

    def _waivers(self, waivers: Sequence[shown.Waiver]) -> list[str]:
        if not waivers:
            return []
        named = self.words.text
        columns = (
            *(named("Waiver"), named("State"), named("Covers"), named("Valid")),
            *(named("Reason"), named("Approval"), named("For")),
        )
        return table(columns, map(self._waiver, waivers))

    def _waiver(self, use: shown.Waiver) -> tuple[str, ...]:
        validity = prose(use.validity)
        notes = [prose(text) for text in (use.left, *use.marks) if text]
        if notes:
            more = self._clauses(notes)
            validity = self.words.text("{what} ({more})", what=validity, more=more)
        return (
            code(use.id),
            f"{_tag(use.tag)} {prose(use.why)}",
            prose(use.covers),
            validity,
            prose(use.reason),
            prose(use.approval),
            self.words.joined([code(text) for text in use.match[:10]]),
        )

    def _named(self, part: shown.PolicyFile) -> str:
        named = " ".join(word(text) for text in (part.name, part.version) if text)
        return self.words.text("{what} ({more})", what=named, more=word(part.source))

    def _bounded(self, lines: Iterable[str]) -> str:
        """The lines of one block, as many as fit: one entry never takes the others' space."""
        given = list(lines)
        kept, left_out = fitting(given, MAX_BLOCK)
        if not left_out:
            return "".join(kept)
        said = self.words.count("and {count} more line", "and {count} more lines", left_out)
        return "".join(kept) + item(prose(said), 1)


def fitting(blocks: Sequence[str], limit: int) -> tuple[Sequence[str], int]:
    """As many blocks from the first on as `limit` bytes take, and how many are left out."""
    used = 0
    for index, block in enumerate(blocks):
        used += len(block.encode())
        if used > limit:
            return blocks[:index], len(blocks) - index
    return blocks, 0


def _tag(tag: shown.Tag) -> str:
    return f"{SIGNS.get(tag.shape, '')} {strong(tag.word)}".strip()
