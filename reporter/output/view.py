"""What a page shows: the record turned into words, in the order people read them.

Plain frozen data for templates to loop over. Everything is cleaned, sorted worst first and
formatted here, and a function of the record alone: no clock, no random, no machine.
"""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import PurePath

from reporter.output import Reader, phrases, pictures
from reporter.output import guidance as guide
from reporter.output.clean import cleaned, for_paper, one_line, shortened
from reporter.output.cover import COVER_LINES, cover
from reporter.output.node_map import node_map
from reporter.output.phrases import Phrases
from reporter.output.pictures import Segment
from reporter.output.risk_tables import risk_tables
from reporter.output.shown import (
    Accepted,
    Bar,
    CheckView,
    Concern,
    Count,
    EvidenceRow,
    Facets,
    Fact,
    File,
    Group,
    Help,
    Member,
    NodeName,
    NodeSet,
    Passed,
    PolicyFile,
    Report,
    Rule,
    Skip,
    Tag,
    Waiver,
    Why,
    worst,
)
from reporter.record.instants import exactly_of, second_of
from reporter.record.model import (
    NOT_FILES,
    OUTCOMES_WORST_FIRST,
    Change,
    Check,
    Entry,
    EvidenceLine,
    NearMiss,
    OutcomeCounts,
    Place,
    PolicyUse,
    Reason,
    SkippedCheck,
    Verdict,
    WaiverUse,
)
from reporter.words import LanguageTag, statement

ENTRIES_AT_ONCE = 20_000
"""Up to how many differing findings a page shows every one; of more it shows the worst."""

ENTRIES_OF_MANY = 1_000
"""How many it shows of more, fairly shared among the checks."""

ENTRIES_IN_FULL = 200
"""How many differing findings of one check are shown one by one at most; the rest is counted."""


MOST_CHECKS = 2_000
"""How many checks a report lists, worst first: there are some sixty. The rest is counted. A page
lists no more reasons, passed checks and skipped checks either, each."""

ACCEPTED = 3
"""How much of what a waiver accepts is said; more than an approver is shown is counted alone."""

WAIVERS_IN_FULL = 20
"""How many lines are about the waivers of one finding; of more the last one counts the rest."""

CONCERNS_IN_FULL = 5_000
"""How many lines "this check fails on these nodes" the list of nodes has; the rest is counted."""

_OUTCOME_SHAPE = {"pass": "pass", "fail": "fail", "inconclusive": "unknown"}
_WAIVER_ORDER = (
    "exceeded",
    "expired",
    "not-yet-valid",
    "not-applicable",
    "used",
    "unused",
    "elsewhere",
)
_WAIVER_SHAPE = {"used": "waived", "unused": "note", "elsewhere": "note"}
# Said at the top in a frame of their own, so not among the conditions a second time.
_NOTICED = ("condition.advisory", "condition.backdated", "condition.postdated")


def report(
    verdict: Verdict,
    *,
    entries_in_all: int | None = None,
    most_checks: int = 0,
    on_paper: bool = False,
    own: guide.Own | None = None,
    lang: LanguageTag = "en",
    reader: Reader = "auditor",
    cover_less: int = 0,
) -> Report:
    """The view of a record. The record is cleaned here, so callers hand over what they have.

    `entries_in_all` bounds how many differing findings are shown one by one over all checks, and
    `most_checks` how many checks that did not pass, instead of `MOST_CHECKS`;
    `own` is what a user's file of names says of checks; a cover is `cover_less` lines shorter.
    """
    shown = shown_record(verdict, on_paper=on_paper)
    known = guide.guidance(shown, own, for_paper if on_paper else None, lang=lang)
    listed = _concerned(shown)[: most_checks or MOST_CHECKS]
    share = _fair_share(listed, entries_in_all)
    builder = _Builder(shown, listed, share, known, Phrases(lang), reader)
    return builder.report(COVER_LINES.get(lang, COVER_LINES["en"]) - cover_less)


def shown_record(verdict: Verdict, *, on_paper: bool = False) -> Verdict:
    """The record as pages show it: cleaned, and for paper with its texts cut."""
    shown = cleaned(verdict)
    return shortened(shown) if on_paper else shown


def check_id(name: str | None, scope: str) -> str:
    """The anchor of a check: the same in every report that speaks of it."""
    return f"check-{_hash(name or '', scope, 'named' if name is not None else 'unnamed')}"


def _hash(*parts: str) -> str:
    return sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:10]


def _fair_share(checks: Sequence[Check], in_all: int | None) -> int:
    """How many entries each check may show, so that all checks together keep to `in_all`.

    Without `in_all` it is a page for a screen: everything, unless there is far too much.
    """
    sizes = Counter(len(check.entries) for check in checks)
    if in_all is None:
        if sizes.total() and sum(size * count for size, count in sizes.items()) <= ENTRIES_AT_ONCE:
            return max(sizes)
        in_all = ENTRIES_OF_MANY
    share = ENTRIES_IN_FULL
    while share > 3 and sum(min(size, share) * count for size, count in sizes.items()) > in_all:
        share -= 1
    return share


def _concerned(verdict: Verdict) -> list[Check]:
    """The checks that did not pass everywhere, worst first."""
    concerned = [check for check in verdict.checks if check.entries]
    return sorted(concerned, key=lambda check: worst([check.outcome]))


def _tag(words: Phrases, outcome: str) -> Tag:
    return Tag(words.named("finding", outcome), outcome)


def _kind(words: Phrases, kind: str | None) -> str:
    return one_line(kind) if kind else words.text("no kind")


def _level(words: Phrases, level: str | None) -> str:
    return one_line(level) if level else words.text("no level")


def _kind_level(words: Phrases, kind: str | None, level: str | None) -> str:
    return f"{_kind(words, kind)} · {_level(words, level)}"


def _name(words: Phrases, name: str | None) -> str:
    return one_line(name) if name else words.say("reason.unnamed")


def _count_of(counts: OutcomeCounts, outcome: str) -> int:
    found: int = getattr(counts, "passed" if outcome == "pass" else outcome)
    return found


@dataclass
class _Accepting:
    """What a waiver accepts: how much, and the first of it with its place in the record."""

    count: int = 0
    first: list[tuple[int, str]] = field(default_factory=list)


class _Builder:
    """One record on its way to a page, with the look-ups its parts share."""

    def __init__(
        self,
        verdict: Verdict,
        listed: Sequence[Check],
        entries_in_full: int,
        known: guide.Own,
        words: Phrases,
        reader: Reader,
    ) -> None:
        self.words = words
        self.reader = reader
        self.verdict = verdict
        self.guidance = known
        self.entries_in_full = entries_in_full
        self.waivers = {use.id: use for use in verdict.waivers}
        self.accepts: dict[str, Accepted] = {}
        self.titles = {rule.id: rule.title for rule in verdict.rules}
        self.listed, self.unlisted = listed, _concerned(verdict)[len(listed) :]
        self.stopping = sum(
            check.outcome in ("fail", "unknown") for check in (*self.listed, *self.unlisted)
        )
        self.shown = {(check.name, check.scope) for check in self.listed}
        self.ids: set[str] = set()
        self.held_back = 0

    def report(self, cover_lines: int) -> Report:
        verdict, words = self.verdict, self.words
        subject = verdict.subject
        cluster = subject.cluster_name or subject.cluster_id
        versions = f"{subject.cluster_version or '?'} → {subject.target_version or '?'}"
        headline = words.spoken(verdict.headline)
        summary = tuple(words.sentence(words.spoken(part)) for part in verdict.summary)
        subject_line = (
            words.text("Cluster {name}", name=one_line(cluster))
            if cluster
            else words.text("Cluster not named")
        )
        conditions = tuple(
            words.sentence(words.spoken(part))
            for part in verdict.conditions
            if part.code not in _NOTICED
        )
        reasons = tuple(self._why(reason) for reason in verdict.reasons)
        notices = self._notices()
        facts = tuple(self._facts())
        checks = tuple(self._check(check) for check in self.listed)
        nodes = self._nodes()
        shown_sets = _within(CONCERNS_IN_FULL, [len(group.concerns) for group in nodes])
        files = tuple(
            File(
                words.named("role", part.role),
                one_line(part.name),
                words.size(part.size),
                part.sha256,
            )
            for part in verdict.exhibits
        )
        tool = verdict.tool
        return Report(
            lang=words.tag,
            view=words.named("view", self.reader),
            title=one_line(f"{headline} – {versions} – {subject_line}"),
            description=words.text(". ").join(summary) or headline,
            eyebrow=words.text(
                "CCE pre-upgrade check · judged {at} · {view}",
                at=words.instant(verdict.instant.at),
                view=words.named("view", self.reader),
            ),
            judged_iso=second_of(verdict.instant.at) + "Z",
            tag=Tag(words.named("outcome", verdict.outcome), _OUTCOME_SHAPE[verdict.outcome]),
            outcome=verdict.outcome,
            headline=headline,
            summary=summary,
            notices=notices,
            conditions=conditions,
            running=phrases.shortened(f"{subject_line} · {versions}", 76),
            prepared_by=phrases.shortened(subject.change.prepared_by or "", 22),
            facts=facts,
            cover=cover(words, summary, notices, facts, reasons, conditions, cover_lines),
            reasons=reasons,
            reasons_alike=_alike(reasons),
            evidence_line=self._evidence_line(),
            evidence=tuple(_evidence(words, line) for line in verdict.evidence),
            skipped_line=self._skipped_line(),
            skipped=self._skipped(),
            has_stubs=any(
                entry.waiver_stub for check in self.verdict.checks for entry in check.entries
            ),
            finding_line=self._finding_line(),
            counts=_counts(words, verdict.counts.checks, verdict.counts.findings),
            bars=(
                Bar(words.text("Checks by outcome"), _segments(verdict.counts.checks)),
                Bar(words.text("Findings by outcome"), _segments(verdict.counts.findings)),
            ),
            facets=_facets(words, checks),
            again=shlex.join([*self._command(same=True), "--waivers", "waivers.yaml"]),
            recheck=shlex.join(self._command(same=False)),
            checks=checks,
            checks_more=len(self.unlisted),
            passed_line=words.count(
                "{count} check passed", "{count} checks passed", verdict.counts.checks.passed
            ),
            passed=tuple(
                Passed(_name(words, check.name), _passed_where(words, check))
                for check in verdict.checks
                if not check.entries
            ),
            nodes_line=self._nodes_line(nodes),
            nodes=nodes[:shown_sets],
            nodes_more=_more_sets(words, nodes[shown_sets:]),
            node_map=node_map(words, nodes),
            withheld=self._withheld(),
            waiver_line=self._waiver_line(),
            waivers=self._waivers(),
            policies=tuple(
                PolicyFile(
                    kind=words.named("policy-kind", part.kind),
                    name=one_line(part.name),
                    version=one_line(part.version or ""),
                    owner=one_line(part.owner or words.text("no owner named")),
                    title=one_line(part.title or ""),
                    holds=_holds(words, part.rules, part.waivers),
                    source=one_line(part.source),
                    sha256=part.sha256,
                )
                for part in verdict.policies
            ),
            defaults=self._defaults(),
            rule_line=self._rule_line(),
            rules=self._rules(),
            source=tuple(self._source()),
            files=files,
            stamp=words.text(
                "{tool} {version} · record {form} · semantics {semantics}",
                tool=tool.name,
                version=tool.version,
                form=verdict.apiVersion,
                semantics=verdict.semantics,
            ),
        )

    # The top ---------------------------------------------------------------------------------

    def _notices(self) -> tuple[Fact, ...]:
        verdict, words = self.verdict, self.words
        said = []
        if verdict.gate.advisory is not None:
            said.append(
                Fact(
                    words.text("Advisory run"),
                    words.text("The pipeline goes on whatever the verdict: its exit code is 0."),
                    (words.text("Reason given: {reason}", reason=verdict.gate.advisory),),
                )
            )
        instant, at = verdict.instant, words.instant(verdict.instant.at)
        dated = [
            *(
                [words.text("Judged as of {at}, an instant in the past.", at=at)]
                * instant.backdated
            ),
            *(
                [words.text("Judged as of {at}, an instant in the future.", at=at)]
                * instant.postdated
            ),
        ]
        said += [Fact(words.text("Not a verdict for today"), text) for text in dated]
        return tuple(said)

    def _facts(self) -> Iterable[Fact]:
        verdict, words = self.verdict, self.words
        subject, change = verdict.subject, verdict.subject.change
        notes = []
        if subject.expected_target:
            notes.append(words.text("expected: {value}", value=one_line(subject.expected_target)))
        if subject.target_version_from == "sidecar":
            notes.append(words.text("target from the note of the fetch"))
        unnamed = words.text("not named")
        yield Fact(
            words.text("Upgrade"),
            f"{one_line(subject.cluster_version or unnamed)} → "
            f"{one_line(subject.target_version or unnamed)}",
            tuple(notes),
        )
        yield self._cluster()
        yield self._checked()
        yield Fact(
            words.text("Judged"),
            words.instant(verdict.instant.at),
            (words.named("basis", verdict.instant.basis),),
        )
        for policy in verdict.policies:
            yield Fact(
                words.named("policy-kind", policy.kind),
                phrases.joined((one_line(policy.name), one_line(policy.version or "")), " "),
                (
                    one_line(policy.owner or words.text("no owner named")),
                    _holds(words, policy.rules, policy.waivers),
                ),
            )
        lines = []
        opens = words.window(change.window_start, change.window_end)
        if opens:
            lines.append(words.text("window {opens}", opens=opens))
        if change.prepared_by:
            lines.append(words.text("prepared by {name}", name=one_line(change.prepared_by)))
        if change.id or lines:
            number = one_line(change.id) if change.id else words.text("no number given")
            yield Fact(words.text("Change"), number, tuple(lines))

    def _cluster(self) -> Fact:
        subject, words = self.verdict.subject, self.words
        notes = []
        if subject.cluster_name and subject.cluster_id:
            notes.append(one_line(subject.cluster_id))
        if subject.cluster_type:
            notes.append(words.named("cluster-type", subject.cluster_type))
        if subject.cluster_id_from == "sidecar":
            notes.append(words.text("id from the note of the fetch"))
        if subject.cluster_id is None and subject.cluster_name:
            notes.append(words.text("the response names no cluster"))
        if subject.expected_cluster and subject.expected_cluster != subject.cluster_id:
            notes.append(words.text("expected: {value}", value=one_line(subject.expected_cluster)))
        value = subject.cluster_name or subject.cluster_id
        shown = one_line(value) if value else words.text("not named in the response")
        return Fact(words.text("Cluster"), shown, tuple(notes))

    def _checked(self) -> Fact:
        subject, at, words = self.verdict.subject, self.verdict.instant.at, self.words
        label = words.text("Checked")
        updated = subject.updated.at if subject.updated else None
        if updated is not None:
            value = words.instant(updated)
        else:
            value = (
                one_line(subject.updated.text) if subject.updated else words.text("no time given")
            )
        expires = subject.expires
        if expires is None:
            return Fact(label, value, (words.text("no expiry time given"),))
        if expires.at is None:
            text = one_line(expires.text)
            return Fact(label, value, (words.text("expiry time unreadable: {text}", text=text),))
        length = expires.at - at
        until, span = words.clock(expires.at, updated), words.span(length)
        if length.total_seconds() > 0:
            note = words.text("valid until {until} ({span} left)", until=until, span=span)
        else:
            note = words.text("expired {until} ({span} before)", until=until, span=span)
        return Fact(label, value, (note,))

    # Why -------------------------------------------------------------------------------------

    def _why(self, reason: Reason) -> Why:
        shape = {"fail": "fail", "unknown": "unknown", "inconclusive": "unknown"}[reason.outcome]
        words = self.words
        known = self.guidance.get(reason.check) if reason.check is not None else None
        what = words.spoken(reason.what)
        # A record of other hands may give a reason for a check it does not hold.
        linked = (reason.check, reason.scope) in self.shown
        return Why(
            tag=Tag(words.named("reason-outcome", reason.outcome), shape),
            what=words.sentence(what) if reason.check is None else what,
            details=tuple(words.spoken(part) for part in reason.details),
            why=words.sentence(words.spoken(reason.why)),
            actions=tuple(words.spoken(part) for part in guide.actions(reason, known)),
            near_misses=_misses(words, reason.near_misses),
            kind_level=_kind_level(words, reason.kind, reason.level) if reason.scope else None,
            check_id=check_id(reason.check, reason.scope) if linked and reason.scope else None,
            link=known.link if known else None,
            runbook=known.runbook if known else None,
        )

    def _help(self, name: str | None) -> Help | None:
        known = self.guidance.get(name) if name is not None else None
        if not known:
            return None
        return Help(
            heading=one_line(guide.heading(known, self.words) or "") or None,
            title=one_line(known.title or "") or None,
            checks=one_line(known.checks or "") or None,
            fix=known.fix,
            link=known.link,
            runbook=known.runbook,
            certainty=guide.sureness(known, self.words),
            as_of=self.words.written_date(known.as_of),
        )

    # Evidence --------------------------------------------------------------------------------

    def _evidence_line(self) -> str:
        # What CCE itself concluded is a note: it says nothing about whether to trust the check.
        counted_lines = [line for line in self.verdict.evidence if line.level != "note"]
        lines = [line for line in counted_lines if line.state != "not-applicable"]
        failed = sum(line.state == "not-ok" for line in lines)
        aside = len(counted_lines) - len(lines)
        words, said = self.words, []
        if not lines:
            return words.text("Nothing was checked: no line of evidence applies.")
        if not failed:
            said.append(
                words.text("Yes: all {count} lines of evidence that apply hold", count=len(lines))
            )
        else:
            required = any(line.state == "not-ok" and line.level == "require" for line in lines)
            start = (
                words.text("Not as it stands")
                if required
                else words.text("Yes, with a reservation")
            )
            said.append(
                words.count(
                    "{start}: {count} of {total} lines of evidence does not hold",
                    "{start}: {count} of {total} lines of evidence do not hold",
                    failed,
                    start=start,
                    total=len(lines),
                )
            )
        if aside:
            said.append(words.text("{count} not applicable", count=aside))
        return words.stopped(words.text("; ").join(said))

    def _skipped_line(self) -> str | None:
        skipped, words = self.verdict.skipped, self.words
        if not skipped:
            return None
        covered = sum(skip.outcome == "waived" for skip in skipped)
        what = words.count(
            "{count} check was skipped on the server, so CCE never ran it",
            "{count} checks were skipped on the server, so CCE never ran them",
            len(skipped),
        )
        how = words.count(
            "{count} of {total} is covered by a waiver",
            "{count} of {total} are covered by a waiver",
            covered,
            total=len(skipped),
        )
        return words.text("{what}; {how}.", what=what, how=how)

    def _skipped(self) -> tuple[Skip, ...]:
        ordered = sorted(
            self.verdict.skipped, key=lambda skip: (worst([skip.outcome]), skip.name or "")
        )
        return tuple(self._skip(skip) for skip in ordered)

    def _skip(self, skip: SkippedCheck) -> Skip:
        words = self.words
        if skip.node_uids:
            where = words.count("on {count} node", "on {count} nodes", len(skip.node_uids))
        elif skip.has_selector:
            where = words.text("where, is not known")
        else:
            where = words.text("everywhere")
        return Skip(
            id=self._unique("skip", skip.pointer),
            name=_name(words, skip.name),
            tag=_tag(words, skip.outcome),
            where=where,
            node_uids=tuple(one_line(uid) for uid in skip.node_uids),
            why=words.sentence(words.spoken(skip.why)),
            accepted=self._accepted(skip.waived_by),
            near_misses=_misses(words, skip.near_misses),
            pointer=one_line(skip.pointer),
            help=self._help(skip.name),
        )

    # Findings --------------------------------------------------------------------------------

    def _finding_line(self) -> str:
        counts, words = self.verdict.counts, self.words
        findings = words.findings(counts.findings.total)
        checks = words.checks(counts.checks.total)
        if counts.nodes:
            line = words.text(
                "{findings} of {checks} on {nodes}",
                findings=findings,
                checks=checks,
                nodes=words.nodes(counts.nodes),
            )
        else:
            line = words.text("{findings} of {checks}", findings=findings, checks=checks)
        if counts.tolerated_exceptions:
            tolerated = words.count(
                "{count} failed Exception let through by the policy",
                "{count} failed Exceptions let through by the policy",
                counts.tolerated_exceptions,
            )
            line = words.text("{line}, {more}", line=line, more=tolerated)
        return words.stopped(line)

    def _check(self, check: Check) -> CheckView:
        first, words = check.entries[0], self.words
        counts = [
            words.text(
                "{count} {outcome}",
                count=_count_of(check.findings, outcome),
                outcome=words.inline(words.named("finding", outcome)),
            )
            for outcome in OUTCOMES_WORST_FIRST
            if _count_of(check.findings, outcome)
        ]
        return CheckView(
            id=check_id(check.name, check.scope),
            name=_name(words, check.name),
            tag=_tag(words, check.outcome),
            scope=words.named("scope", check.scope),
            scope_key=check.scope,
            where=_where(words, check, _count_of(check.findings, check.outcome)),
            kind_level=_kind_level(words, first.kind, first.level),
            counts=words.text(", ").join(counts),
            findings=check.findings.total - check.findings.passed,
            # A few stopping checks are what the reader came for; many would bury the page.
            open=check.outcome in ("fail", "unknown") and self.stopping <= 3,
            help=self._help(check.name),
            groups=self._groups(check),
        )

    def _groups(self, check: Check) -> tuple[Group, ...]:
        alike: dict[tuple[object, ...], list[Entry]] = {}
        for entry in sorted(check.entries, key=lambda entry: worst([entry.outcome])):
            alike.setdefault(_likeness(entry), []).append(entry)
        left = self.entries_in_full
        groups = []
        for entries in alike.values():
            # Each way of being decided is shown by one finding at least.
            groups.append(self._group(check, entries, max(left, 1)))
            left = max(left - len(entries), 0)
        return tuple(groups)

    def _group(self, check: Check, entries: Sequence[Entry], limit: int) -> Group:
        first, words = entries[0], self.words
        places = sum(len(entry.places) for entry in entries)
        more = None
        if len(entries) > limit:
            rest = sum(len(entry.places) for entry in entries[limit:])
            more = words.count(
                "{count} more finding of this kind, each with its own message",
                "{count} more findings of this kind, each with its own message",
                rest,
            )
            self.held_back += len(entries) - limit
        traits = [
            words.text("group {name}", name=one_line(first.group)) if first.group else None,
            words.text("phase {name}", name=one_line(first.phase)) if first.phase else None,
            words.text(
                "error code {codes}", codes=words.joined([one_line(c) for c in first.error_codes])
            )
            if first.error_codes
            else None,
        ]
        return Group(
            tag=self._entry_tag(first),
            outcome=first.outcome,
            kind=_kind(words, first.kind),
            level=_level(words, first.level),
            where=_where(words, check, places),
            kind_level=_kind_level(words, first.kind, first.level),
            traits=phrases.joined(traits),
            why=words.sentence(words.spoken(first.why)),
            rules=tuple(self._match(match) for match in _matches(first)),
            remediation=tuple(first.remediation),
            accepted=self._accepted(first.waived_by),
            near_misses=_misses(words, first.near_misses),
            tolerated=first.tolerated,
            members=tuple(self._member(check, entry) for entry in entries[:limit]),
            more=more,
        )

    def _entry_tag(self, entry: Entry) -> Tag:
        if entry.outcome != "waived" or len(entry.waived_by) != 1:
            return _tag(self.words, entry.outcome)
        use = self.waivers.get(entry.waived_by[0])
        if use is None or not use.expires:
            return _tag(self.words, entry.outcome)
        until = one_line(self.words.written_date(use.expires))
        return Tag(self.words.text("Waived to {date}", date=until), "waived")

    def _match(self, match: tuple[str, str, tuple[str, ...], tuple[str, ...]]) -> str:
        rule, effect, fields, undecided = match
        words = self.words
        parts = [words.text("{rule} ({effect})", rule=rule, effect=effect)]
        if title := self.titles.get(rule):
            said = words.text("{label}: {said}", label=parts[0], said=one_line(title))
            parts = [said]
        if fields:
            parts.append(words.text("matched by {fields}", fields=words.joined(fields)))
        if undecided:
            left = words.joined(undecided)
            parts.append(words.text("left open by a missing value: {fields}", fields=left))
        return words.text("; ").join(parts)

    def _member(self, check: Check, entry: Entry) -> Member:
        body = entry.model_dump_json(exclude={"places", "waiver_stub"})
        return Member(
            id=self._unique("finding", check.name or "", check.scope, body),
            message=entry.message,
            said=tuple(entry.said),
            nodes=node_names(self.words, entry.places),
            pointers=tuple(_pointer(self.words, place) for place in entry.places),
            tables=risk_tables(self.words, entry.risks),
            stub=entry.waiver_stub,
        )

    def _withheld(self) -> str | None:
        rest = sum(max(len(check.entries) - self.entries_in_full, 0) for check in self.listed)
        rest += sum(len(check.entries) for check in self.unlisted)
        if not rest:
            return None
        return self.words.count("{count} differing finding", "{count} differing findings", rest)

    def _command(self, *, same: bool) -> list[str]:
        """The words of the command that judges by these policies and on the same terms.

        `same`: this response; otherwise what a new check answers, which has a task and a time of
        its own.
        """
        verdict, subject, choice = self.verdict, self.verdict.subject, self.verdict.source.choice
        words = ["cce-precheck", "check", self._response()]
        for option, kind in (("--policy", "Policy"), ("--waivers", "WaiverList")):
            for source in _named([part for part in verdict.policies if part.kind == kind]):
                words += [option, source]
        terms: dict[str, str | None] = {
            "--type": subject.cluster_type if subject.cluster_type_from == "option" else None,
            "--expect-cluster": subject.expected_cluster,
            "--expect-target": subject.expected_target,
            "--task": choice.task if same and choice is not None else None,
            "--fail-on": verdict.gate.fail_on if verdict.gate.fail_on != "fail" else None,
            "--window": _window_of(subject.change),
        }
        if verdict.instant.basis == "response":
            terms["--at"] = "response"
        elif verdict.instant.basis == "given" and same:
            terms["--at"] = exactly_of(verdict.instant.at)
        for option, value in terms.items():
            words += [] if value is None else [option, value]
        return [one_line(word) for word in words]

    def _response(self) -> str:
        """Where the response was read, as a word of a command."""
        source = self.verdict.source
        if source.name in NOT_FILES:
            return next((p.name for p in self.verdict.exhibits if p.role == "response"), "-")
        packed = {"zip", "tar"} & set(source.containers)  # of these a member is named behind a !
        name = source.name.partition("!")[0] if packed else source.name
        return f"./{name}" if name.startswith("-") else name

    def _unique(self, prefix: str, *parts: str) -> str:
        wanted = f"{prefix}-{_hash(*parts)}"
        name, number = wanted, 2
        while name in self.ids:
            name, number = f"{wanted}-{number}", number + 1
        self.ids.add(name)
        return name

    def _nodes_line(self, sets: Sequence[NodeSet]) -> str | None:
        found = sum(len(group.nodes) for group in sets)
        if not found:
            return None
        total, words = self.verdict.counts.nodes, self.words
        of = words.part_of(found, words.nodes(total)) if total >= found else words.nodes(found)
        if found == 1:
            return words.text("{nodes} has a finding that did not pass", nodes=of)
        return words.text("{nodes} have a finding that did not pass", nodes=of)

    def _nodes(self) -> tuple[NodeSet, ...]:
        """Nodes by what was found on them: thousands fall into a few sets."""
        words = self.words
        names: dict[tuple[str, str], NodeName] = {}
        found: dict[tuple[str, str], set[Concern]] = {}
        for check in self.verdict.checks:
            anchor = check_id(check.name, check.scope)
            linked = (check.name, check.scope) in self.shown
            for entry in check.entries:
                tag, name = _tag(words, entry.outcome), _name(words, check.name)
                concern = Concern(tag, name, anchor, linked)
                for node in (node for place in entry.places for node in place.nodes):
                    key = (node.uid or "", node.name or "")
                    shown = _node_name(words, node.uid, node.name, node.status, node.type)
                    names.setdefault(key, shown)
                    found.setdefault(key, set()).add(concern)
        sets: dict[frozenset[Concern], list[NodeName]] = {}
        for key, concerns in found.items():
            sets.setdefault(frozenset(concerns), []).append(names[key])
        rows = []
        for concerns_of, nodes in sets.items():
            ordered = sorted(
                concerns_of, key=lambda one: (worst([one.tag.shape]), one.check, one.check_id)
            )
            ranks = [worst([one.tag.shape]) for one in ordered]
            order = (ranks[0], -ranks.count(ranks[0]), -len(nodes), [one.check for one in ordered])
            listed = sorted(nodes, key=lambda node: (node.name, node.uid or ""))
            group = NodeSet(words.nodes(len(nodes)), tuple(ordered), tuple(listed))
            rows.append((order, ranks, [one.check_id for one in ordered], group))
        return tuple(row[3] for row in sorted(rows, key=lambda row: row[:3]))

    # Waivers ---------------------------------------------------------------------------------

    def _accepted(self, ids: Sequence[str]) -> tuple[Accepted, ...]:
        shown = ids if len(ids) <= WAIVERS_IN_FULL else ids[: WAIVERS_IN_FULL - 1]
        for waiver in shown:
            if waiver not in self.accepts:
                self.accepts[waiver] = self._accept(waiver)
        named = [self.accepts[waiver] for waiver in shown]
        if left := len(ids) - len(shown):
            said = self.words.count(
                "{count} more waiver stands in the record.",
                "{count} more waivers stand in the record.",
                left,
            )
            named.append(Accepted("", "", "", "", more=said))
        return tuple(named)

    def _accept(self, waiver: str) -> Accepted:
        use = self.waivers.get(waiver)
        if use is None:
            return Accepted(one_line(waiver), _waiver_anchor(waiver), "", "")
        words = self.words
        until = (
            words.text("to {date}", date=words.written_date(use.expires))
            if use.expires
            else words.text("without end")
        )
        by = words.text("by {name}", name=use.approved_by) if use.approved_by else None
        line = phrases.joined((until, by, use.ticket))
        return Accepted(one_line(waiver), _waiver_anchor(waiver), one_line(line), use.reason)

    def _waiver_line(self) -> str:
        waivers, words = self.verdict.waivers, self.words
        if not waivers:
            return words.text("The policy holds no waiver.")
        parts = []
        for status in _WAIVER_ORDER:
            count = sum(use.status == status for use in waivers)
            if count:
                word = words.inline(words.named("status", status))
                parts.append(words.text("{count} {outcome}", count=count, outcome=word))
        return words.text(
            "{waivers}: {parts}.",
            waivers=words.count("{count} waiver", "{count} waivers", len(waivers)),
            parts=words.text(", ").join(parts),
        )

    def _waivers(self) -> tuple[Waiver, ...]:
        ordered = sorted(
            self.verdict.waivers, key=lambda use: (_WAIVER_ORDER.index(use.status), use.id)
        )
        return tuple(self._waiver(use) for use in ordered)

    def _waiver(self, use: WaiverUse) -> Waiver:
        words, accepting = self.words, self._accepting.get(use.id, _Accepting())
        approval = (
            words.text("approved by {name}", name=use.approved_by)
            if use.approved_by
            else words.text("no approver named")
        )
        if use.approved_on:
            on = words.written_date(use.approved_on)
            approval = words.text("{approval} on {date}", approval=approval, date=on)
        begins = use.starts or use.approved_on  # without a start it holds from its approval
        starts = words.written_date(begins) if begins else None
        ends = words.written_date(use.expires) if use.expires else None
        if starts and ends:
            validity = words.text("from {starts} to {ends}", starts=starts, ends=ends)
        elif starts:
            validity = words.text("from {starts} without end", starts=starts)
        elif ends:
            validity = words.text("no start date, to {ends}", ends=ends)
        else:
            validity = words.text("no start date, without end")
        covers = [
            words.findings(use.findings) if use.findings else None,
            words.count("{count} skipped check", "{count} skipped checks", use.skipped)
            if use.skipped
            else None,
            words.count(
                "{count} finding it can never cover",
                "{count} findings it can never cover",
                use.not_applicable,
            )
            if use.not_applicable
            else None,
        ]
        ticket = words.text("ticket {id}", id=use.ticket) if use.ticket else None
        return Waiver(
            anchor=_waiver_anchor(use.id),
            id=one_line(use.id),
            tag=Tag(words.named("status", use.status), _WAIVER_SHAPE.get(use.status, "warn")),
            why=words.sentence(words.spoken(use.why)),
            marks=tuple(words.named("mark", mark) for mark in use.marks),
            reason=use.reason,
            approval=one_line(phrases.joined((approval, ticket))),
            short=self._accept(use.id).line,
            validity=one_line(validity),
            left=_days_left(words, use.days_left),
            covers=phrases.joined(covers) or words.text("nothing"),
            accepts=tuple(said for _, said in accepting.first),
            accepts_more=accepting.count - len(accepting.first),
            rank=accepting.first[0][0] if accepting.first else 0,
            match=tuple(_condition(key, value) for key, value in use.match.items()),
            where=one_line(f"{use.source}:{use.line}"),
        )

    @cached_property
    def _accepting(self) -> dict[str, _Accepting]:
        """By waiver, what it accepts, worst first; each check, kind and level once."""
        words, verdict = self.words, self.verdict
        found: dict[str, _Accepting] = {}
        for rank, check in enumerate(verdict.checks):
            messages: dict[tuple[str, str], dict[str, None] | None] = {}
            for entry in check.entries:
                kind_level = _kind_level(words, entry.kind, entry.level)
                for name in entry.waived_by:
                    if (name, kind_level) not in messages:
                        of_waiver = found.setdefault(name, _Accepting())
                        of_waiver.count += 1
                        room = of_waiver.count <= ACCEPTED
                        messages[name, kind_level] = {} if room else None
                    if (said := messages[name, kind_level]) is not None:
                        said[entry.message or ""] = None
            for (name, kind_level), of_check in messages.items():
                if of_check is not None:
                    text = self._failing(check, kind_level, of_check)
                    found[name].first.append((rank, text))
        for rank, skip in enumerate(verdict.skipped, len(verdict.checks)):
            text = words.spoken(statement("reason.skipped", check=_name(words, skip.name)))
            for name in skip.waived_by:
                of_waiver = found.setdefault(name, _Accepting())
                of_waiver.count += 1
                if of_waiver.count <= ACCEPTED:
                    of_waiver.first.append((rank, text))
        return found

    def _failing(self, check: Check, kind_level: str, messages: Mapping[str, None]) -> str:
        name = _name(self.words, check.name)
        # Before the message, which may be cut.
        name = self.words.text("{what} ({more})", what=name, more=kind_level)
        said = next((message for message in messages if message), None)
        if said is None:
            return self.words.spoken(statement("reason.fails", check=name))
        if others := len(messages) - 1:
            of_several = statement("reason.message-others", count=others, message=said)
            said = self.words.spoken(of_several)
        return self.words.spoken(statement("reason.fails-message", check=name, message=said))

    # Policy and files ------------------------------------------------------------------------

    def _defaults(self) -> tuple[Fact, ...]:
        return tuple(
            Fact(self.words.named("default", key), self.words.named("effect", value))
            for key, value in self.verdict.defaults.items()
        )

    def _rule_line(self) -> str:
        rules, words = self.verdict.rules, self.words
        if not rules:
            return words.text("The policy has no rule; its defaults decide.")
        return words.text(
            "{count} of {rules} decided a finding here.",
            count=sum(rule.decided > 0 for rule in rules),
            rules=words.count("{count} rule", "{count} rules", len(rules)),
        )

    def _rules(self) -> tuple[Rule, ...]:
        rules, words = [], self.words
        for use in self.verdict.rules:
            notes = []
            since = words.written_date(use.effective_on) if use.effective_on else None
            if use.written_effect != use.effect:
                effect = use.written_effect
                notes.append(
                    words.text("written as {effect} from {date}", effect=effect, date=since)
                    if since
                    else words.text("written as {effect}", effect=effect)
                )
            elif since:
                notes.append(words.text("in effect since {date}", date=since))
            if use.limit is not None:
                said = words.spoken(use.limit.said)
                notes.append(
                    words.text("limit exceeded: {said}", said=said)
                    if use.limit.exceeded
                    else words.text("limit holds: {said}", said=said)
                )
            if not use.waivable:
                notes.append(words.text("forbids waivers"))
            if use.reason:
                notes.append(one_line(use.reason))
            rules.append(
                Rule(
                    id=one_line(use.id),
                    title=one_line(use.title) if use.title else None,
                    effect=words.named("effect", use.effect),
                    shape=use.effect,
                    notes=tuple(notes),
                    hits=f"{use.hits:,}",
                    decided=f"{use.decided:,}",
                    where=one_line(f"{use.source}:{use.line}"),
                )
            )
        return tuple(rules)

    def _source(self) -> Iterable[Fact]:
        source, subject, words = self.verdict.source, self.verdict.subject, self.words
        read = [words.text("read as {form}", form=one_line(source.form))]
        if source.pointer:
            read.append(words.text("at {pointer}", pointer=one_line(source.pointer)))
        if source.others:
            read.append(
                words.count(
                    "{count} other task in the same file",
                    "{count} other tasks in the same file",
                    source.others,
                )
            )
        yield Fact(words.text("Response"), one_line(source.name), tuple(read))
        notes = []
        if subject.task_phase:
            notes.append(words.text("CCE concluded {phase}", phase=one_line(subject.task_phase)))
        if subject.task_message:
            notes.append(one_line(subject.task_message))
        if subject.created:
            at = subject.created.at
            begun = words.instant(at) if at else one_line(subject.created.text)
            notes.append(words.text("created {at}", at=begun))
        uid = one_line(subject.task_uid) if subject.task_uid else words.text("no uid given")
        yield Fact(words.text("Task"), uid, tuple(notes), mono=True)
        if source.unknown_fields:
            yield Fact(
                words.text("Undocumented fields"),
                words.count("{count} field", "{count} fields", source.unknown_fields),
                tuple(one_line(pointer) for pointer in source.unknown_field_pointers),
            )


# Parts that need nothing but themselves ----------------------------------------------------------


def _likeness(entry: Entry) -> tuple[object, ...]:
    """What entries must share to be told as one: all but message, place and what hangs on them."""
    return (
        entry.outcome,
        entry.kind,
        entry.level,
        entry.group,
        entry.phase,
        tuple(entry.error_codes),
        entry.why.text,
        _matches(entry),
        tuple(entry.remediation),
        tuple(entry.waived_by),
        tuple((miss.waiver, miss.why.text) for miss in entry.near_misses),
        entry.tolerated,
    )


def _matches(entry: Entry) -> tuple[tuple[str, str, tuple[str, ...], tuple[str, ...]], ...]:
    return tuple(
        (match.rule, match.effect, tuple(match.fields), tuple(match.undecided))
        for match in entry.rules
    )


def _alike(reasons: Sequence[Why]) -> tuple[tuple[Why, ...], ...]:
    """Neighbours that share all but what fails: paper tells their cause and cure once."""
    runs: list[list[Why]] = []
    for reason in reasons:
        if runs and _cause(runs[-1][0]) == _cause(reason):
            runs[-1].append(reason)
        else:
            runs.append([reason])
    return tuple(tuple(run) for run in runs)


def _cause(reason: Why) -> tuple[object, ...]:
    return (reason.tag, reason.why, reason.actions, reason.near_misses, reason.kind_level)


def _counts(words: Phrases, checks: OutcomeCounts, findings: OutcomeCounts) -> tuple[Count, ...]:
    return tuple(
        Count(
            _tag(words, outcome),
            f"{_count_of(checks, outcome):,}",
            f"{_count_of(findings, outcome):,}",
            _count_of(findings, outcome) > 0,
        )
        for outcome in OUTCOMES_WORST_FIRST
    )


def _segments(counts: OutcomeCounts) -> tuple[Segment, ...]:
    return pictures.bar([(outcome, _count_of(counts, outcome)) for outcome in OUTCOMES_WORST_FIRST])


def _facets(words: Phrases, checks: Sequence[CheckView]) -> Facets:
    groups = [group for check in checks for group in check.groups]
    outcomes = {group.outcome for group in groups}
    return Facets(
        outcomes=tuple(
            _tag(words, outcome) for outcome in OUTCOMES_WORST_FIRST if outcome in outcomes
        ),
        kinds=tuple(sorted({group.kind for group in groups})),
        levels=tuple(sorted({group.level for group in groups})),
        scopes=tuple(sorted({(check.scope_key, check.scope) for check in checks})),
    )


def _within(limit: int, sizes: Sequence[int]) -> int:
    """How many of the first parts keep to `limit` together; one at least."""
    total = 0
    for index, size in enumerate(sizes):
        total += size
        if total > limit and index:
            return index
    return len(sizes)


def _more_sets(words: Phrases, sets: Sequence[NodeSet]) -> str | None:
    if not sets:
        return None
    nodes = sum(len(group.nodes) for group in sets)
    return words.text(
        "{nodes} in {groups}",
        nodes=words.count("{count} more node", "{count} more nodes", nodes),
        groups=words.count("{count} more group", "{count} more groups", len(sets)),
    )


def _where(words: Phrases, check: Check, count: int) -> str:
    if check.scope == "node":
        nodes = words.nodes(check.nodes_seen)
        return words.part_of(count, nodes) if check.nodes_seen >= count else words.nodes(count)
    scope = words.named("scope", check.scope)
    return scope if count == 1 else words.joined((scope, words.findings(count)))


def _passed_where(words: Phrases, check: Check) -> str:
    if check.scope == "node":
        return words.nodes(check.nodes_seen or check.findings.total)
    scope = words.named("scope", check.scope)
    if check.findings.total <= 1:
        return scope
    return words.text("{scope}, {count} times", scope=scope, count=check.findings.total)


def _evidence(words: Phrases, line: EvidenceLine) -> EvidenceRow:
    shape = "pass"
    if line.state == "not-applicable":
        shape = "skipped"
    elif line.state == "not-ok":
        shape = {"require": "unknown", "warn": "warn"}.get(line.level, "note")
    # A note neither holds nor fails to hold: it only tells what somebody else concluded.
    state = "noted" if line.level == "note" else line.state
    return EvidenceRow(
        id=line.id,
        name=words.named("evidence-name", line.id),
        tag=Tag(words.named("state", state), shape),
        level=words.named("level", line.level),
        statements=tuple(words.sentence(words.spoken(part)) for part in line.statements),
        pointers=tuple(one_line(pointer) for pointer in line.pointers),
    )


def _misses(words: Phrases, misses: Sequence[NearMiss]) -> tuple[str, ...]:
    return tuple(
        words.text(
            "{waiver} does not cover it: {why}",
            waiver=one_line(miss.waiver),
            why=words.spoken(miss.why),
        )
        for miss in misses
    )


def _node_name(
    words: Phrases, uid: str | None, name: str | None, status: str | None, kind: str | None
) -> NodeName:
    # What every healthy worker says is not worth a word on each of a thousand lines.
    notes = phrases.joined(
        (
            one_line(status) if status and status != "Active" else None,
            one_line(kind) if kind and kind != "node" else None,
        )
    )
    return NodeName(
        name=one_line(name or uid or words.text("a node without a name")),
        uid=one_line(uid) if uid and name else None,
        notes=notes or None,
    )


def node_names(words: Phrases, places: Sequence[Place]) -> tuple[NodeName, ...]:
    found: dict[tuple[str | None, str | None], NodeName] = {}
    for node in (node for place in places for node in place.nodes):
        shown = _node_name(words, node.uid, node.name, node.status, node.type)
        found.setdefault((node.uid, node.name), shown)
    return tuple(sorted(found.values(), key=lambda node: (node.name, node.uid or "")))


def _pointer(words: Phrases, place: Place) -> str:
    pointer = one_line(place.pointer)
    if place.line is None:
        return pointer
    if place.column is None:
        return words.text("{pointer} (line {line})", pointer=pointer, line=place.line)
    return words.text(
        "{pointer} (line {line}, column {column})",
        pointer=pointer,
        line=place.line,
        column=str(place.column),
    )


def _waiver_anchor(waiver: str) -> str:
    return f"waiver-{_hash(waiver)}"


def _days_left(words: Phrases, days: int | None) -> str:
    if days is None:
        return ""
    if days < 0:
        return words.count("over for {count} day", "over for {count} days", -days)
    if days == 0:
        return words.text("ends within a day")
    return words.count("{count} day left", "{count} days left", days)


def _condition(key: str, value: object) -> str:
    shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return one_line(f"{key}: {shown}")


def _holds(words: Phrases, rules: int, waivers: int) -> str:
    parts = []
    if rules:
        parts.append(words.count("{count} rule", "{count} rules", rules))
    if waivers:
        parts.append(words.count("{count} waiver", "{count} waivers", waivers))
    return words.joined(parts) or words.text("no rules")


def _named(files: Sequence[PolicyUse]) -> list[str]:
    """The files of a kind that were named, in that order: a base comes by what extends it.

    Of a record that does not say which they are, all of them.
    """
    places = sorted((place, part.source) for part in files for place in part.given)
    return [source for _, source in places] or [part.source for part in files]


def _window_of(change: Change) -> str | None:
    """As the option takes it."""
    if change.window_start is None or change.window_end is None:
        return None
    return f"{exactly_of(change.window_start)}/{exactly_of(change.window_end)}"


def file_name(name: str, taken: Iterable[str]) -> str:
    """A name for a file inside a report that is not one of `taken`."""
    used = set(taken)
    path = PurePath(one_line(name) or "file")
    wanted, number = path.name or "file", 2
    while wanted in used:
        wanted, number = f"{path.stem}-{number}{path.suffix}", number + 1
    return wanted
