"""Every code of the record, in words, in every language there is.

The record holds codes with parameters; whoever shows one asks here. A message is a text with
`{parameters}`, or a pair (singular, plural) chosen by the parameter `count`. English stands in the
code; other languages are gettext catalogues (`languages/*.po`, compiled beside them), looked up by
the English. A catalogue is read when its language is first spoken, and never for English.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final, Literal

from reporter.record.model import Param, Statement

if TYPE_CHECKING:
    from gettext import NullTranslations

LanguageTag = Literal["en", "zh-CN"]
LANGUAGES: Final[tuple[LanguageTag, ...]] = ("en", "zh-CN")
"""Languages by their BCP 47 tag; the first is the one the code is written in."""

Message = str | tuple[str, str]

LIST_LIMIT = 6
"""How many members of a list are named before the rest is counted."""

MESSAGES: Final[dict[str, Message]] = {
    # The verdict
    "headline.pass": "Pass: the upgrade may go ahead",
    "headline.pass-conditions": "Pass, with conditions",
    "headline.pass-refused": "Pass, but refused for its warnings",
    "headline.fail": "Fail: do not upgrade yet",
    "headline.inconclusive": "Inconclusive: this check can't be relied on",
    "summary.exceptions": (
        "{count} failed check must be resolved: an Exception can't be waived",
        "{count} failed checks must be resolved: an Exception can't be waived",
    ),
    "summary.risks": (
        "{count} failed Risk is not accepted",
        "{count} failed Risks are not accepted",
    ),
    "summary.others": (
        "{count} failed check is neither a known Exception nor a known Risk",
        "{count} failed checks are neither a known Exception nor a known Risk",
    ),
    "summary.skipped": (
        "{count} check was skipped on the server and no waiver covers it",
        "{count} checks were skipped on the server and no waiver covers them",
    ),
    "summary.unknown": (
        "{count} check has findings that nobody can judge",
        "{count} checks have findings that nobody can judge",
    ),
    "summary.waived": (
        "{count} failed finding is waived",
        "{count} failed findings are waived",
    ),
    "summary.evidence": (
        "{count} line of evidence does not hold",
        "{count} lines of evidence do not hold",
    ),
    "summary.passed": "{passed} of {total} checks passed on {nodes} nodes",
    "summary.passed-one-node": "{passed} of {total} checks passed on 1 node",
    "summary.passed-no-nodes": "{passed} of {total} checks passed; no node was listed",
    "summary.nothing": "The response holds no check item at all",
    # Conditions
    "condition.tolerated-exceptions": (
        "{count} failed Exception is tolerated by the policy: {checks}",
        "{count} failed Exceptions are tolerated by the policy: {checks}",
    ),
    "condition.warnings": ("{count} finding warns", "{count} findings warn"),
    "condition.evidence-warnings": (
        "Evidence does not hold and the policy only warns: {lines}",
        "Evidence does not hold and the policy only warns: {lines}",
    ),
    "condition.skipped-warnings": (
        "{count} check was skipped on the server and the policy only warns: {checks}",
        "{count} checks were skipped on the server and the policy only warns: {checks}",
    ),
    "condition.skipped-noted": (
        "{count} check was skipped on the server and the policy only notes it: {checks}",
        "{count} checks were skipped on the server and the policy only notes it: {checks}",
    ),
    "condition.waivers-used": (
        "{count} waiver is used: {waivers}",
        "{count} waivers are used: {waivers}",
    ),
    "condition.waivers-undated": (
        "A used waiver names no date from which it holds: {waivers}",
        "Used waivers name no date from which they hold: {waivers}",
    ),
    "condition.waivers-permanent": (
        "A used waiver never expires: {waivers}",
        "Used waivers never expire: {waivers}",
    ),
    "condition.waivers-broad": (
        "A used waiver names no check and covers whatever it meets: {waivers}",
        "Used waivers name no check and cover whatever they meet: {waivers}",
    ),
    "condition.waivers-todo": (
        "A used waiver still says TODO for its reason: {waivers}",
        "Used waivers still say TODO for their reason: {waivers}",
    ),
    "condition.waivers-unused": (
        "{count} waiver covers nothing here: {waivers}",
        "{count} waivers cover nothing here: {waivers}",
    ),
    "condition.waivers-expired": (
        "{count} waiver has expired: {waivers}",
        "{count} waivers have expired: {waivers}",
    ),
    "condition.waivers-not-yet-valid": (
        "{count} waiver does not hold yet: {waivers}",
        "{count} waivers do not hold yet: {waivers}",
    ),
    "condition.waivers-not-applicable": (
        "{count} waiver can't cover what it names: {waivers}",
        "{count} waivers can't cover what they name: {waivers}",
    ),
    "condition.waivers-exceeded": (
        "{count} waiver matches more findings than it may cover: {waivers}",
        "{count} waivers match more findings than they may cover: {waivers}",
    ),
    "condition.backdated": "Judged as of {at}, an instant in the past: not a verdict for today",
    "condition.postdated": "Judged as of {at}, an instant in the future: not a verdict for today",
    "condition.before-check": (
        "Judged for {at}, before the check was made ({updated}): it says nothing about that time"
    ),
    "condition.rules-postponed": (
        "A rule that would fail only warns until {dates}: {rules}",
        "Rules that would fail only warn until {dates}: {rules}",
    ),
    "condition.default-displaced": (
        "A rule of one policy stands in for the stricter default of another: {rules}",
        "Rules of one policy stand in for the stricter default of another: {rules}",
    ),
    "condition.undocumented-values": (
        "A rule asks for a value the API does not document, and matched nothing: {rules}",
        "Rules ask for values the API does not document, and matched nothing: {rules}",
    ),
    "condition.misspelt-values": (
        "A rule or waiver asks for a value that nobody documents: {rules} ({values})",
        "Rules or waivers ask for values that nobody documents: {rules} ({values})",
    ),
    "condition.names-nearly": (
        "A rule or waiver asks for a name or message that is here only in another form: {rules} "
        "({values})",
        "Rules or waivers ask for names or messages that are here only in another form: {rules} "
        "({values})",
    ),
    "condition.names-absent": (
        "Nothing here has the name or text that a rule or waiver fails or leaves out: {rules} "
        "({values})",
        "Nothing here has the names or texts that rules or waivers fail or leave out: {rules} "
        "({values})",
    ),
    "condition.exclusions-unmet": (
        "A waiver that is used leaves out nothing here: {waivers} ({values})",
        "Waivers that are used leave out nothing here: {waivers} ({values})",
    ),
    "condition.excluded-values": (
        "A rule or waiver leaves out a value the API does not document: {rules} ({values})",
        "Rules or waivers leave out values the API does not document: {rules} ({values})",
    ),
    "condition.unknown-fields": (
        "A rule or waiver asks for a field the API does not document, and found none: {rules} "
        "({values})",
        "Rules or waivers ask for fields the API does not document, and found none: {rules} "
        "({values})",
    ),
    "condition.ordered-texts": (
        "A rule or waiver orders texts by a number, letter by letter: {rules} ({values})",
        "Rules or waivers order texts by a number, letter by letter: {rules} ({values})",
    ),
    "condition.unlike-values": (
        "A rule or waiver compares with a value of another type, which never holds: {rules} "
        "({paths})",
        "Rules or waivers compare with values of another type, which never holds: {rules} "
        "({paths})",
    ),
    "condition.unreadable-version": (
        "The version {version} can't be read and so is in no range: a rule or waiver that asks "
        "for one does not match ({rules})",
        "The version {version} can't be read and so is in no range: rules and waivers that ask "
        "for one do not match ({rules})",
    ),
    "condition.recheck-needed": (
        "CCE itself says Failed; it, Terraform and the console stop on that. Resolve what failed, "
        "put waived Risks on the skip list, and run the check again"
    ),
    "condition.no-cluster": "Nothing tells which cluster this is about: the response names none",
    "condition.newer-task": (
        "{count} task that is newer, or may be, of the same cluster stands in the same file and is "
        "not judged",
        "{count} tasks that are newer, or may be, of the same cluster stand in the same file and "
        "are not judged",
    ),
    "condition.other-clusters": (
        "{count} task in the same file is about another cluster, and nobody said which is meant: "
        "name it with --expect-cluster",
        "{count} tasks in the same file are about other clusters, and nobody said which is meant: "
        "name it with --expect-cluster",
    ),
    "condition.text-around": (
        "Read out of a log: {count} line of other text around the response is not judged. "
        "Save the response alone",
        "Read out of a log: {count} lines of other text around the response are not judged. "
        "Save the response alone",
    ),
    "condition.files-passed-over": (
        "{count} file beside the response is not judged: {files}",
        "{count} files beside the response are not judged: {files}",
    ),
    "condition.no-nodes": "No node is listed in the response: nothing is known about nodes",
    "condition.expires-before-window": (
        "The check expires at {expires}, before the change window opens at {window}: "
        "run it again for the window"
    ),
    "condition.expires-in-window": (
        "The check expires at {expires}, before the change window closes at {window}"
    ),
    "condition.window-over": "The change window was over at {window}, before this verdict ({at})",
    "condition.waivers-end-before": (
        "A waiver that is used ends before the change window does, at {window}: {waivers}",
        "Waivers that are used end before the change window does, at {window}: {waivers}",
    ),
    "condition.advisory": "Advisory run: the exit code is 0 whatever the verdict. Reason: {reason}",
    "condition.redacted": (
        "Redacted: pseudonyms stand for values ({profiles}), and no evidence is attached"
    ),
    "condition.fail-on-warn": "This run refuses warnings (--fail-on warn)",
    "condition.clusters-differ": (
        "The note of fetch is about another cluster ({noted}) than the response ({cluster})"
    ),
    "condition.scope-not-checked": (
        "Whether the policy is for this cluster and target was not checked: it sets identity to off"
    ),
    "condition.expectation-not-checked": (
        "What was expected of cluster or target was not checked: the policy sets identity to off"
    ),
    # Why a task was chosen, where that is doubtful
    "choice.tie": "Several tasks of the list were created at the same, newest time",
    "choice.unnamed": (
        "A task of the list that may be newer leaves open whether it is about this cluster and "
        "this target: which one is meant is open"
    ),
    "choice.no-time": "A task of the list has no readable creation time: the newest is not known",
    "choice.clusters": (
        "The tasks in the file are about different clusters: which is meant is not known"
    ),
    "choice.ahead": (
        "The task that was taken as the newest was created after its own last update, or after the "
        "instant of this verdict: which one is the newest is not known"
    ),
    "choice.same-uid": "Several tasks of the list have this uid",
    # Evidence
    "evidence.off": "not checked: switched off by the policy",
    "evidence.update-missing": "the response names no update time to count from",
    "evidence.update-unreadable": "the update time can't be read: {value}",
    "evidence.update-future": "the update time {at} lies in the future and is not believed",
    "evidence.left-out": ("and {count} more reason", "and {count} more reasons"),
    "evidence.recognised.ok": "every value is one the API documents",
    "evidence.recognised.fields": (
        "{count} field the API page does not document was kept",
        "{count} fields the API page does not document were kept",
    ),
    "evidence.recognised.missing": "{field} is missing (should be {wanted})",
    "evidence.recognised.value": "unknown {field}: {value}",
    "evidence.recognised.name": 'a check\'s name is not what it looks like: "{value}"',
    "evidence.recognised.selector": "the skip of {check} has a selector nobody documents",
    "evidence.recognised.hidden": (
        "{count} undocumented field looks like a check, a list of skipped ones or a next page",
        "{count} undocumented fields look like checks, lists of skipped ones or next pages",
    ),
    "evidence.finished.ok": ("{count} check item, final", "all {count} check items are final"),
    "evidence.finished.error": "the task ended with an error: {message}",
    "evidence.finished.error-silent": "the task ended with an error and no message",
    "evidence.finished.task": "the task is not finished: {phase}",
    "evidence.finished.task-missing": "the task names no phase",
    "evidence.finished.cluster": "the cluster section is not finished: {phase}",
    "evidence.finished.cluster-missing": "the cluster section names no phase",
    "evidence.finished.addon": "the add-on section is not finished: {phase}",
    "evidence.finished.addon-missing": "the add-on section names no phase",
    "evidence.finished.node": "the node section is not finished: {phase}",
    "evidence.finished.node-missing": "the node section names no phase",
    "evidence.finished.items": (
        "{count} of {total} check items has no final phase",
        "{count} of {total} check items have no final phase",
    ),
    "evidence.consistent.ok": "no phase contradicts its check items",
    "evidence.consistent.task": "the task says Failed and no check item does",
    "evidence.consistent.section": "the {section} section says Failed and none of its items does",
    "evidence.consistent.section-success": (
        "the {section} section says Success over {count} failed item (judged anyway)",
        "the {section} section says Success over {count} failed items (judged anyway)",
    ),
    "evidence.complete.ok": "cluster, add-ons and {nodes} nodes are there",
    "evidence.complete.ok-without-nodes": "cluster and add-ons are there; no node is listed",
    "evidence.complete.section": "the {section} section is missing",
    "evidence.complete.empty": "the {section} section holds no check item",
    "evidence.complete.empty-nodes": (
        "{count} listed node holds no check item",
        "{count} listed nodes hold no check item",
    ),
    "evidence.complete.standard-without-nodes": "a standard cluster, and no node is listed",
    "evidence.complete.check": "the required check {check} does not occur",
    "evidence.complete.check-on-nodes": (
        "the check {check} is missing on {count} node",
        "the check {check} is missing on {count} nodes",
    ),
    "evidence.complete.check-on-masters": (
        "the check {check} is missing on {count} node, a master",
        "the check {check} is missing on {count} nodes, which are masters",
    ),
    "evidence.complete.min-nodes": "{found} worker nodes were checked, at least {wanted} must be",
    "evidence.unexpired.ok": "valid until {at}",
    "evidence.unexpired.expired": "expired at {at}",
    "evidence.unexpired.unreadable": "the expiry time can't be read: {value}",
    "evidence.unexpired.missing": "no expiry time is given; the validity is unknown",
    "evidence.unexpired.failed-task": "a failed task names no expiry time",
    "evidence.unexpired.validity-ok": "valid until {at} ({validity} from the update time)",
    "evidence.unexpired.validity-over": "expired at {at} ({validity} from the update time)",
    "evidence.fresh.ok": "updated {at}, within {max_age}",
    "evidence.fresh.old": "updated {at}, more than {max_age} ago",
    "evidence.identity.not-given": "no cluster or target was expected",
    "evidence.identity.ok": "cluster and target are the expected ones",
    "evidence.identity.cluster": "cluster {found} is not the expected {wanted}",
    "evidence.identity.cluster-missing": "the response names no cluster; expected was {wanted}",
    "evidence.identity.target": "target version {found} is not the expected {wanted}",
    "evidence.identity.target-missing": "the response names no target; expected was {wanted}",
    "evidence.identity.sidecar": "the response and its fetch sidecar name different clusters",
    "evidence.provider.phase": "CCE concluded {phase}",
    "evidence.provider.message": "CCE concluded {phase}: {message}",
    "evidence.provider.missing": "CCE gives no conclusion",
    # Limits
    "limit.findings": (
        "{count} of {base} finding failed; at most {max} may",
        "{count} of {base} findings failed; at most {max} may",
    ),
    "limit.nodes": (
        "{count} of {base} nodes has a failed finding; at most {max} may",
        "{count} of {base} nodes have a failed finding; at most {max} may",
    ),
    "limit.checks": (
        "{count} of {base} checks failed; at most {max} may",
        "{count} of {base} checks failed; at most {max} may",
    ),
    "condition.limit-warnings": (
        "A limit is exceeded and its rule only warns: {rules}",
        "Limits are exceeded and their rules only warn: {rules}",
    ),
    "condition.limits-noted": (
        "A limit is exceeded and its rule only notes it: {rules}",
        "Limits are exceeded and their rules only note it: {rules}",
    ),
    "summary.limits": (
        "{count} limit is exceeded",
        "{count} limits are exceeded",
    ),
    "action.limit": "Resolve enough of them; no waiver helps against a limit.",
    # Why a finding is what it is
    "decided.success": "the check succeeded",
    "decided.rule": "rule {rules} says {effect}",
    "decided.rule-reason": "rule {rules} says {effect}: {reason}",
    "decided.rule-postponed": "rule {rules} warns, and fails from {effective_on} on",
    "decided.unmatched": "no rule matches; the policy's default is {effect}",
    "decided.unmatched-beside": (
        "the policy's default is {effect}; {rules} can't stand in for it: undecided, or of a layer "
        "that may not weaken its base"
    ),
    "decided.limit-exceeded": (
        "the limit {rules} is exceeded and says nothing of single findings; the policy's default "
        "is {effect}"
    ),
    "decided.limit-of-nodes": (
        "the finding names no node, so the limit of nodes {rules} can't tolerate it; the policy's "
        "default is {effect}"
    ),
    "decided.waived": "waived by {waivers}",
    "doubt.phase-missing": "the check names no phase: nobody knows whether it succeeded",
    "doubt.phase-unknown": "phase {phase} is not one the API documents",
    "doubt.unfinished": "the check has not finished: {phase}",
    "doubt.execute-exception": "the check itself broke (group ExecuteException)",
    "doubt.kind-missing": "a failed check that names no kind: Exception or Risk?",
    "doubt.kind-unknown": "kind {value} is not one the API documents",
    "doubt.level-missing": "a failed check that names no level",
    "doubt.level-unknown": "level {value} is not one the API documents",
    "doubt.kind-and-level": "neither kind ({kind}) nor level ({level}) is known",
    # Why a waiver does not cover a finding
    "waiver.exception": "an Exception has to be resolved; it can't be waived",
    "waiver.not-a-risk": "only a Risk can be waived, and this is not known to be one",
    "waiver.execute-exception": "the check itself broke; that can't be waived",
    "waiver.not-waivable": "a rule forbids waivers for it",
    "waiver.doubt": "a waiver never lifts doubt about what a finding means",
    "near.refused": "it is for {wanted}",
    "near.undecided": "it asks for {wanted}, which the response leaves open",
    "near.expired": (
        "it expired {count} day ago ({expires})",
        "it expired {count} days ago ({expires})",
    ),
    "near.expired-today": "it expired less than a day ago ({expires})",
    "near.not-yet-valid": "it holds only from {starts}",
    "near.more": (
        "it is for something else, and so is {count} more that names this check",
        "it is for something else, and so are {count} more that name this check",
    ),
    "near.more-match": (
        "it matches and does not cover it either, like {count} more",
        "it matches and does not cover it either, like {count} more",
    ),
    "near.exceeded": "at most {limit} findings are allowed, and it matches {count}",
    # Checks skipped on the server
    "skip.default": "skipped on the server without a waiver; the policy says {effect}",
    "skip.covered": "skipped on the server; covered by {waivers}",
    "skip.unnamed": "an entry without a name can't be covered",
    "skip.odd-name": "its name is not what it looks like: what was skipped is unknown",
    "skip.more": "it holds {field}, which is not documented: what else was skipped is unknown",
    "skip.selector": "its selector is not one the API documents: what was skipped is unknown",
    "skip.no-values": "its selector names no node: what was skipped is unknown",
    "skip.exception": "the check is an Exception; skipping it can't be accepted",
    "skip.not-waivable": "rule {rule} names this check and forbids waivers",
    "skip.needs-finding": "it asks for {keys}, and a skipped check leaves no finding",
    "skip.needs-node": "it is limited by {keys}, and the check was skipped everywhere",
    # What became of a waiver
    "waiver-status.used": "covers {findings} findings and {skipped} checks skipped on the server",
    "waiver-status.used-findings": (
        "covers {count} finding",
        "covers {count} findings",
    ),
    "waiver-status.used-skipped": (
        "covers {count} check skipped on the server",
        "covers {count} checks skipped on the server",
    ),
    "waiver-status.unused-passes": "not needed: the check passes now",
    "waiver-status.unused-absent": "not needed: the check is not in this response",
    "waiver-status.unused-elsewhere": "covers nothing here: the check fails, but not as it asks",
    "waiver-status.unused-skip": "can't be used: no waiver covers the skip it names",
    "waiver-status.elsewhere": "for another cluster or version",
    "waiver-status.expired": "expired on {expires}",
    "waiver-status.not-yet-valid": "holds only from {starts}",
    "waiver-status.not-applicable-exception": "not applicable: Exception",
    "waiver-status.not-applicable-not-a-risk": "not applicable: not known to be a Risk",
    "waiver-status.not-applicable-execute-exception": "not applicable: the check itself broke",
    "waiver-status.not-applicable-not-waivable": "not applicable: a rule forbids waivers",
    "waiver-status.not-applicable-doubt": "not applicable: nobody knows what the finding means",
    "waiver-status.exceeded": "covers none: at most {limit} allowed, and it matches {count}",
    # Reasons and what to do
    "reason.fails": "{check} fails",
    "reason.fails-on-nodes": "{check} fails on {count} of {total} nodes",
    "reason.fails-message": "{check} fails: {message}",
    "reason.message": "{message}",
    "reason.message-others": (
        "{message} (and {count} other message)",
        "{message} (and {count} other messages)",
    ),
    "reason.nodes": "on {nodes}",
    "reason.nodes-more": "on {nodes} and {count} more",
    "reason.unknown": "{check} can't be judged",
    "reason.unknown-on-nodes": "{check} can't be judged on {count} of {total} nodes",
    "reason.unnamed": "(a check without a name)",
    "reason.skipped": "{check} was skipped on the server",
    "reason.skipped-nodes": (
        "{check} was skipped on the server for {count} node",
        "{check} was skipped on the server for {count} nodes",
    ),
    "reason.no-items": "The response holds no check item at all",
    "reason.no-items-why": "A response without a single check item is never a pass",
    "reason.task-phase": "The task ended neither in Success nor in Failed",
    "reason.task-phase-why": "Only a finished task can be judged",
    "reason.evidence-why": "Evidence “{line}” is required",
    "reason.choice-why": "Which task should be judged is not certain",
    "why.rule": "Rule {rule}",
    "why.rule-title": "Rule {rule}: {title}",
    "action.policy": "{text}",
    "action.catalogue": "{text}",
    "action.catalogue-likely": "Likely, not certain: {text}",
    "action.exception": "Resolve it, then run the check again.",
    "action.risk": "Resolve it, or have it accepted: the finding comes with a waiver stub.",
    "action.risk-not-waivable": "Resolve it and run the check again; no waiver is possible.",
    "action.unknown-finding": (
        "Read its message, ask Huawei Cloud support if it stays unclear, and run the check again."
    ),
    "action.skipped": "Take it off the skip list and check again, or have the skip accepted.",
    "action.skipped-never": "Take it off the skip list and check again: no waiver can cover it.",
    "action.recognised": "Save the response again from the API; if it stays, update this tool.",
    "action.finished": "Wait until the task has ended, then save its result; or start a new check.",
    "action.consistent": "Run the check again and ask support if it says the same.",
    "action.complete": "Save the whole response, or run the check again.",
    "action.complete-masters": (
        "The policy requires it of every node, masters too: let the pattern fit a check of theirs "
        "as well, or run the check again."
    ),
    "action.unexpired": "Run the pre-upgrade check again.",
    "action.unexpired-missing": (
        "Save the finished task's response; if it names no expiry, run the check again or set "
        "validity in the policy."
    ),
    "action.fresh": "Run the pre-upgrade check again.",
    "action.identity": "Make sure this is the response for the cluster and target you mean.",
    "action.provider": "Read what CCE says.",
    "action.choose": "Name the task with --task.",
    # Two checks compared
    "diff.headline.new": ("{count} new failure", "{count} new failures"),
    "diff.headline.none": "No new failure",
    "diff.headline.not-comparable": "Not comparable: nothing is said about new failures",
    "diff.obstacle.cluster": "the old one is about cluster {old}, the new one about {new}",
    "diff.obstacle.cluster-missing-old": "only the new one names its cluster",
    "diff.obstacle.cluster-missing-new": "only the old one names its cluster",
    "diff.obstacle.target": "the old one is about an upgrade to {old}, the new one to {new}",
    "diff.obstacle.target-missing-old": "only the new one names its target version",
    "diff.obstacle.target-missing-new": "only the old one names its target version",
    "diff.obstacle.inconclusive-old": "the old one can't be relied on",
    "diff.obstacle.inconclusive-new": "the new one can't be relied on",
    "diff.obstacle.policy": "they were judged by different policies: {old}, and {new}",
    "diff.action.cluster": "Name two checks of one cluster.",
    "diff.action.cluster-missing": "Save the whole response of the API, which names the cluster.",
    "diff.action.target": "Name two checks of one upgrade; judge each alone with check.",
    "diff.action.target-missing": "Save the whole response of the API, which names the target.",
    "diff.action.inconclusive": "Judge it alone with cce-precheck check: it says what to do.",
    "diff.action.policy": "Compare the two responses with --policy instead of their records.",
    "diff.note.cluster-missing": "Neither names its cluster: that it is one is taken on trust",
    "diff.note.target-missing": "Neither names a target version: that it is one is taken on trust",
    "diff.note.order": "The new one was checked before the old one: are they swapped?",
    "diff.note.version": "The cluster's version differs: {old}, now {new}",
    "diff.note.waivers": "The waiver lists differ",
    "diff.note.same-response": "Both rest on the same response",
    # What a bounded section leaves out
    "left-out.head": (
        "{count} more line left out here to keep this short",
        "{count} more lines left out here to keep this short",
    ),
    "left-out.reasons": (
        "{count} more reason left out here to keep this short",
        "{count} more reasons left out here to keep this short",
    ),
    "left-out.conditions": (
        "{count} more condition left out here to keep this short",
        "{count} more conditions left out here to keep this short",
    ),
    "left-out.evidence": (
        "{count} more line left out here to keep this short",
        "{count} more lines left out here to keep this short",
    ),
    "left-out.findings": (
        "{count} more check left out here to keep this short",
        "{count} more checks left out here to keep this short",
    ),
    "left-out.skipped": (
        "{count} more skipped check left out here to keep this short",
        "{count} more skipped checks left out here to keep this short",
    ),
    "left-out.waivers": (
        "{count} more waiver left out here to keep this short",
        "{count} more waivers left out here to keep this short",
    ),
    "left-out.steps": (
        "{count} more step left out here to keep this short",
        "{count} more steps left out here to keep this short",
    ),
    "left-out.policy": (
        "{count} more file left out here to keep this short",
        "{count} more files left out here to keep this short",
    ),
    # Months, as a date has them
    "month.1": "Jan",
    "month.2": "Feb",
    "month.3": "Mar",
    "month.4": "Apr",
    "month.5": "May",
    "month.6": "Jun",
    "month.7": "Jul",
    "month.8": "Aug",
    "month.9": "Sep",
    "month.10": "Oct",
    "month.11": "Nov",
    "month.12": "Dec",
    # Who a report is for
    "view.approver": "Approver's view, one page",
    "view.operator": "Operator's view, what to fix",
    "view.auditor": "Full report",
    # Words of the reports
    "outcome.pass": "Pass",
    "outcome.fail": "Fail",
    "outcome.inconclusive": "Inconclusive",
    "finding.fail": "Failed",
    "finding.unknown": "Unknown",
    "finding.warn": "Warned",
    "finding.waived": "Waived",
    "finding.note": "Noted",
    "finding.pass": "Passed",
    "scope.cluster": "cluster",
    "scope.addon": "add-on",
    "scope.node": "node",
    "evidence-name.recognised": "Recognised",
    "evidence-name.finished": "Finished",
    "evidence-name.consistent": "Consistent",
    "evidence-name.complete": "Complete",
    "evidence-name.unexpired": "Unexpired",
    "evidence-name.fresh": "Fresh",
    "evidence-name.identity": "Right cluster",
    "evidence-name.provider": "CCE's own view",
    "state.ok": "holds",
    "state.not-ok": "does not hold",
    "state.not-applicable": "not applicable",
    "state.noted": "noted",
    "level.require": "required",
    "level.warn": "only warns",
    "level.off": "off",
    "level.note": "for information",
    "reason-outcome.fail": "Failed",
    "reason-outcome.unknown": "Unknown",
    "reason-outcome.inconclusive": "Inconclusive",
    "status.exceeded": "Exceeded",
    "status.expired": "Expired",
    "status.not-yet-valid": "Not yet valid",
    "status.not-applicable": "Not applicable",
    "status.used": "Used",
    "status.unused": "Not needed",
    "status.elsewhere": "For elsewhere",
    "mark.undated": "names no start date",
    "mark.permanent": "never expires",
    "mark.todo": "still says TODO",
    "basis.now": "by the clock",
    "basis.response": "at the response's own update time",
    "basis.given": "at a time given by hand",
    "role.response": "Response of CCE",
    "role.policy": "Policy",
    "role.waivers": "Waiver list",
    "role.sidecar": "Note of the fetch",
    "policy-kind.Policy": "Policy",
    "policy-kind.WaiverList": "Waiver list",
    "cluster-type.autopilot": "Autopilot cluster",
    "cluster-type.standard": "standard cluster",
    "effect.fail": "fail",
    "effect.warn": "warn",
    "effect.note": "note",
    "default.unmatched": "Where no rule matches",
    "default.skipped": "For a check skipped on the server",
}


# Parameters that are codes themselves, and the family of words that says them.
_PARAMETER_NAMES: Final = {"section": "scope", "effect": "effect"}
_PARAMETER = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True)
class Language:
    """A language as a value: whoever shows something is given one, and asks it for the words."""

    tag: LanguageTag = "en"

    def text(self, message: str, /, **params: Param) -> str:
        """An English text of the code in this language, its `{parameters}` filled in."""
        found = message if self.tag == "en" else _catalogue(self.tag).gettext(message)
        return self._filled(found, params) if params else found

    def count(self, one: str, many: str, count: int, /, **params: Param) -> str:
        """One of two English texts by the number `count`, which is also a parameter of them."""
        return self._filled(self._plural(one, many, count), {"count": count, **params})

    def say(self, code: str, params: Mapping[str, Param] | None = None) -> str:
        """A code with its parameters. KeyError for a code that is not one."""
        message = MESSAGES[code]
        values = params or {}
        if isinstance(message, tuple):
            count = values.get("count")
            message = self._plural(*message, count if isinstance(count, int) else 2)
        elif self.tag != "en":
            message = _catalogue(self.tag).gettext(message)
        return self._filled(message, values)

    def named(self, prefix: str, code: str) -> str:
        """The word for a code, or the code itself where there is none."""
        code_of_word = f"{prefix}.{code}"
        return self.say(code_of_word) if code_of_word in MESSAGES else code

    def joined(self, values: Sequence[str]) -> str:
        """A list of names or words on one line."""
        return self.text(", ").join(values)

    @property
    def gap(self) -> str:
        """What stands between two sentences."""
        return "" if self.tag == "zh-CN" else " "

    def sentence(self, text: str) -> str:
        """The same as a sentence begins; the words say it in the middle of a line."""
        return text[:1].upper() + text[1:] if self.tag == "en" else text

    def inline(self, word: str) -> str:
        """A word as it stands in the middle of a line."""
        return word.lower() if self.tag == "en" else word

    def _plural(self, one: str, many: str, count: int) -> str:
        if self.tag == "en":
            return one if count == 1 else many
        return _catalogue(self.tag).ngettext(one, many, count)

    def _filled(self, message: str, values: Mapping[str, Param]) -> str:
        parts = list(_parts(message))
        for index in range(1, len(parts), 2):
            parts[index] = self._shown(parts[index], values.get(parts[index]))
        return "".join(parts)

    def _shown(self, name: str, value: Param) -> str:
        if isinstance(value, str) and name not in _PARAMETER_NAMES:
            return value
        if value is None:
            return self.say("reason.unnamed") if name == "check" else "–"
        if (of := _PARAMETER_NAMES.get(name)) is not None and isinstance(value, str):
            return self.named(of, value)
        if isinstance(value, int):
            return f"{value:,}"
        return value if isinstance(value, str) else self._listed(value)

    def _listed(self, values: Sequence[str]) -> str:
        if len(values) <= LIST_LIMIT:
            return self.joined(values)
        names = self.joined(values[: LIST_LIMIT - 1])
        return self.text(
            "{names} and {count} more", names=names, count=len(values) - LIST_LIMIT + 1
        )


@cache
def _parts(message: str) -> tuple[str, ...]:
    """A message taken apart: text and names of parameters by turns."""
    return tuple(_PARAMETER.split(message))


@cache
def _catalogue(tag: LanguageTag) -> NullTranslations:
    from gettext import GNUTranslations
    from importlib.resources import files

    name = f"{tag.replace('-', '_')}.mo"
    with (files("reporter") / "languages" / name).open("rb") as file:
        return GNUTranslations(file)


ENGLISH: Final = Language()


def say(code: str, params: Mapping[str, Param] | None = None) -> str:
    """A code with its parameters in English, as the record and the machines' formats have it."""
    return ENGLISH.say(code, params)


def statement(code: str, **params: Param) -> Statement:
    """A statement for the record: the code, its parameters, and both in English."""
    return Statement(code=code, params=params, text=say(code, params))


def said(part: Statement) -> str:
    """The English of a statement, by its code: the text beside it is not believed.

    A code this version does not know (the record may be newer) is said in the record's words.
    """
    return say(part.code, part.params) if part.code in MESSAGES else part.text
