"""What follows from the rest of a record is worked out again: a change in one place is refused."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import chain
from typing import Any

import pytest

from reporter.casefile.redact import PROFILES, Redactor
from reporter.output import render
from reporter.output.clean import cleaned
from reporter.output.text import line, write
from reporter.record.conditions import (
    QUIET,
    grounds_of,
    headline_of,
    of_the_circumstances,
    of_what_is_listed,
)
from reporter.record.consistency import contradictions
from reporter.record.model import Change, Gate, Verdict
from reporter.words import statement
from tests.output.example import example, node
from tests.policy.build import AT, codes, item, judged, policy, response, stage, waiver, zipped


@cache
def written() -> str:
    """The example's record as JSON."""
    return example().model_dump_json()


def changed(pointer: str, value: Any) -> Verdict:
    """The example's record with one value changed in its JSON."""
    document = json.loads(written())
    part: Any = document
    *way, last = pointer.split("/")
    for name in way:
        part = part[int(name) if name.isdigit() else name]
    part[int(last) if last.isdigit() else last] = value
    return Verdict.model_validate(document)


CLUSTER = "8978deaa-1743-11ee-8e46-0255ac10004c"
FOR_ANOTHER: tuple[dict[str, Any], ...] = (
    {"check": "NodeContainerd"},
    {"check": [{"equals": ["NodeDisk", "NodeContainerd?"]}, "NodeSSH"]},
    {"kind": "Exception"},
    {"level": ["Fatal", {"equals": "Info"}]},
    {"group": "NodeCheck"},
    {"phase": "Success"},
    {"scope": "addon"},
    {"message": "pods restart"},
    {"error_code": "*"},  # there are none
    {"node": {"uid": node(1).uid}},  # and eleven others
    {"node": {"name": "pool-b-0001"}},
    {"node": {"name": "pool-*", "status": "Abnormal"}},
    {"cluster": "c-two"},
    {"check": None},
)
NOT_FOR_ANOTHER: tuple[dict[str, Any], ...] = (
    {"check": ["NodeDisk", "Node*"]},
    {"check": {"regex": "Other"}},
    {"kind": "Risk", "level": {"equals": ["Warning"]}, "scope": "node", "cluster": CLUSTER},
    {"level": ["Fatal", "[!F]*"]},
    {"node": {"uid": [node(number).uid for number in range(1, 13)], "status": "Active"}},
    {"node": {"name": "pool-b-*"}},
    {"any": [{"check": "Other"}], "not": {"kind": "Risk"}},
    {"where": [{"path": "$.level", "equals": "Fatal"}]},
    {"target_version": ">=1.99", "topic": "other", "addon": "other"},
)


FOR_NO_SKIP: tuple[dict[str, Any], ...] = (
    {"check": "NodeTime"},
    {"check": ["A", {"equals": ["B"]}]},
    {"cluster": "c-two"},
    {"level": "*"},
    {"any": [{"phase": "Failed"}]},
    {"not": {"not": {"where": []}}},
    {"node": {"uid": "n-1"}},
    {"scope": "cluster"},
)
FOR_A_SKIP: tuple[dict[str, Any], ...] = (
    {"check": "Node*"},
    {"cluster": "8978*"},
    {"any": [{"check": "Other"}]},
    {"target_version": ">=1.29"},
)


def test_a_record_of_this_tool_agrees_with_itself() -> None:
    assert example().contradiction() is None


@pytest.mark.parametrize(
    ("pointer", "value", "wrong"),
    [
        ("checks/0/outcome", "pass", "check SampleNodeDisk: outcome pass where the worst of its "
         "findings is fail"),
        ("checks/0/entries/0/outcome", "note", "check SampleNodeDisk: 3 findings fail, 1 listed"),
        ("checks/0/nodes_seen", 400, "check SampleNodeDisk: 400 nodes seen where it comes to 40"),
        ("checks/0/kinds", [], "check SampleNodeDisk: its kinds are not those of its findings"),
        ("checks/0/entries/0/waived_by", ["w"],
         "check SampleNodeDisk: what is waived does not fit its waivers"),
        ("skipped/0/outcome", "waived",
         "skipped check NodeMount: waived does not fit its waivers"),
        ("waivers/0/findings", 100,
         "waiver containerd: what it covers is not what is waived by it"),
        ("waivers/0/days_left", 3, "waiver containerd: 3 days left where it comes to 305"),
        ("rules/0/hits", 100, "rule fatal-exceptions: 100 hits where its findings say otherwise"),
        ("counts/checks/fail", 0, "the totals are not those of the checks"),
        ("counts/findings/fail", 0, "the totals are not those of the checks"),
        ("counts/skipped", 0, "the totals are not those of the checks"),
        ("counts/tolerated_exceptions", 0, "the totals are not those of the checks"),
        ("outcome", "pass", "outcome pass does not follow from what the record lists"),
        ("headline/code", "headline.fail-hardly", "the headline is not one of a fail"),
        ("reasons", [], "the reasons are not those of what the record lists"),
        ("reasons/0/check", "Other", "the reasons are not those of what the record lists"),
        ("conditions", [],
         "condition.tolerated-exceptions does not follow from what the record lists"),
        ("conditions/3/params/count", 1,
         "condition.waivers-used does not follow from what the record lists"),
        ("summary/0/params/count", 0,
         "summary.exceptions does not follow from what the record lists"),
        ("summary/6/code", "summary.passed-no-nodes",
         "summary.passed-no-nodes does not follow from what the record lists"),
        ("summary", [], "summary.exceptions does not follow from what the record lists"),
        ("instant/basis", "now", "an instant of basis now is not in the past or future so"),
        ("instant/postdated", True, "an instant of basis given is not in the past or future so"),
        ("instant/basis", "response", "the instant is not the update time of the response"),
        ("checks/4/entries/0/tolerated", False,
         "check KubeletConfigDrift: what is tolerated is not what failed and is let through"),
        ("checks/4/entries/0/rules/0/effect", "note",
         "check KubeletConfigDrift: an effect on its findings is not that of the rule"),
        ("checks/4/entries/0/rules", [], "rule drift: 1 hits where its findings say otherwise"),
        ("checks/4/entries/0/group", "ExecuteException",
         "check KubeletConfigDrift: warn is not what its rules come to"),
        ("checks/5/entries/0/group", "ExecuteException",
         "check NodeContainerdPodRestartRisk: waived, and can't be"),
        ("rules/4/waivable", False, "check NodeContainerdPodRestartRisk: waived, and can't be"),
        ("rules/3/effective_on", "2026-02-01", "rule drift: warn is not its effect at the instant"),
        ("waivers/0/marks", [],
         "waiver containerd: its marks are not those of its dates and reason"),
        ("waivers/0/expires", "2027-01-01",
         "waiver containerd: valid_until is not when it expires"),
        ("waivers/0/why/code", "waiver-status.unused-passes",
         "waiver containerd: used and waiver-status.unused-passes differ"),
        ("evidence", [], "the lines of evidence are not the eight there are"),
        ("evidence/4/state", "not-ok",
         "evidence unexpired: not-ok does not follow from what the record says"),
        ("evidence/7/state", "ok",
         "evidence provider: ok does not follow from what the record says"),
        ("subject/expected_cluster", "c-other",
         "evidence identity: ok does not follow from what the record says"),
        ("evidence/1/statements/0/params/count", 3,
         "evidence.finished.ok does not follow from what the record lists"),
        ("checks/5/entries/0/why/code", "decided.unmatched",
         "check NodeContainerdPodRestartRisk: waived and decided.unmatched differ"),
        ("checks/3/entries/0/why/code", "decided.unmatched",
         "check NodeSSH: unknown and decided.unmatched differ"),
        ("skipped/1/why/code", "skip.default",
         "skipped check NodeTimeSync: waived and skip.default differ"),
        ("waivers/0/match", {"check": "*"},
         "waiver containerd: its marks are not those of its dates and reason"),
        ("waivers/1/starts", "some day", "waiver skip-time: nobody can read when it starts"),
        ("checks/5/entries/0/why/params/waivers", ["skip-time"],
         "check NodeContainerdPodRestartRisk: waived and decided.waived differ"),
        ("waivers/0/why/params/count", 1, "waiver containerd: says other numbers than it covers"),
        ("reasons/4/what/params/field", "group",
         "the reasons are not the lines of evidence that do not hold"),
        ("reasons/0/what/code", "reason.unknown-on-nodes",
         "the reason SampleNodeDisk: reason.unknown-on-nodes is not what it is about"),
        ("reasons/0/what/params/count", 1,
         "the reason SampleNodeDisk: reason.fails-on-nodes is not what it is about"),
        ("reasons/3/what/params/count", 1,
         "the reason NodeMount: reason.skipped-nodes is not what it is about"),
        ("reasons/0/level", "Info",
         "the reason SampleNodeDisk is not of the kind and level of what it is about"),
        # Lines of evidence by their own words, and levels that no policy can say.
        ("evidence/0/state", "ok", "evidence recognised: ok and what it says differ"),
        ("evidence/2/statements/0/code", "evidence.consistent.section-success",
         "evidence consistent: ok and what it says differ"),
        ("evidence/3/statements/0/code", "evidence.complete.min-nodes",
         "evidence complete: ok and what it says differ"),
        ("evidence/4/statements/0/code", "evidence.fresh.ok",
         "evidence unexpired: ok and what it says differ"),
        ("evidence/5/state", "not-applicable",
         "evidence fresh: not-applicable and what it says differ"),
        ("evidence/6/statements/0/code", "evidence.identity.of-tomorrow",
         "evidence identity: ok and what it says differ"),
        ("evidence/6/level", "off",
         "evidence identity: ok does not follow from what the record says"),
        ("evidence/7/statements/0/params/phase", "Success",
         "evidence provider: not-ok and what it says differ"),
        ("evidence/0/statements/1/code", "evidence.recognised.of-tomorrow", None),
        ("evidence/1/level", "off", "evidence finished: no policy can make it off"),
        ("evidence/3/level", "note", "evidence complete: no policy can make it note"),
        ("evidence/7/level", "require", "evidence provider: no policy can make it require"),
        # The target that was expected, by the parts that are written.
        *(("subject/expected_target", version,
           "evidence identity: ok does not follow from what the record says")
          for version in ("v1.31", "1.3", "v1.30.4-r1", "1.30-r2", "v1.30.4-r20", "1.31.x")),
        *(("subject/expected_target", version, None)
          for version in ("v1.30", "1.30.4", "1.30.4-r2", "v1.030")),
        # What a waiver spells, beside what is waived by it.
        *(("waivers/0/match", {"check": {"equals": "NodeContainerdPodRestartRisk"}} | match,
           "check NodeContainerdPodRestartRisk: waiver containerd is for something else")
          for match in FOR_ANOTHER),
        *(("waivers/0/match", {"check": "NodeContainerdPodRestartRisk"} | match, None)
          for match in NOT_FOR_ANOTHER),
        ("waivers/0/reason", " \u200b", "waiver containerd: it has no reason"),
        ("waivers/2/reason", "", "waiver api-coredns: it has no reason"),
        *(("waivers/1/match", {"check": "NodeTimeSync"} | match,
           "skipped check NodeTimeSync: waiver skip-time is for something else")
          for match in FOR_NO_SKIP),
        *(("waivers/1/match", {"check": "NodeTimeSync"} | match, None)
          for match in FOR_A_SKIP),
        ("skipped/1/name", "NodeMount",
         "skipped check NodeMount: waiver skip-time is for something else"),
        *(("skipped/1/name", name, f"skipped check {name}: waived, and can't be")
          for name in (None, "NodeTimeSync\u200b", "SampleNodeDisk")),
        ("skipped/1/has_selector", True, "skipped check NodeTimeSync: waived, and can't be"),
        ("skipped/1/why/params/waivers", ["containerd"],
         "skipped check NodeTimeSync: waived and skip.covered differ"),
    ],
)  # fmt: skip
def test_a_value_changed_in_one_place_is_found(pointer: str, value: Any, wrong: str | None) -> None:
    """None: what nobody can ask again is believed."""
    assert changed(pointer, value).contradiction() == wrong


@pytest.mark.parametrize("name", ["Sample\u200bNode", "S\u0430mpleNode", " SampleNode"])
def test_a_name_that_does_not_read_as_written_is_not_recognised(name: str) -> None:
    (line,) = (line for line in well().evidence if line.id == "recognised")
    assert (line.state, line.level) == ("ok", "require")
    checks = [check.model_copy(update={"name": name}) for check in well().checks[:1]]
    odd = well().model_copy(update={"checks": [*checks, *well().checks[1:]]})
    assert [*contradictions(odd)] == [
        "evidence recognised: ok does not follow from what the record says"
    ]


def test_a_result_without_an_expiry_is_one_of_a_failed_task() -> None:
    body = response(item(), expireTimeStamp="")
    verdict = judged(body)
    (line,) = (line for line in verdict.evidence if line.id == "unexpired")
    assert (line.state, verdict.contradiction()) == ("not-applicable", None)
    passed = verdict.model_copy(
        update={"subject": verdict.subject.model_copy(update={"task_phase": "Success"})}
    )
    assert "evidence unexpired: not-applicable does not follow from what the record says" in (
        contradictions(passed)
    )


@pytest.mark.parametrize("of", ["findings", "nodes", "checks"])
def test_a_limit_counts_no_less_than_what_is_listed(of: str) -> None:
    rule = {"id": "few", "match": {"kind": "Risk"}, "limit": {"max": 9, "of": of}, "effect": "fail"}
    nodes = [stage(f"n-{n}", item("SampleA"), item("SampleB")) for n in range(3)]
    verdict = judged(response(nodes=nodes), policy(rules=[rule]))
    assert verdict.contradiction() is None
    (use,) = verdict.rules
    assert use.limit is not None
    less = use.limit.failed - 1
    said = use.limit.said.model_copy(update={"params": use.limit.said.params | {"count": less}})
    limit = use.limit.model_copy(update={"failed": less, "said": said})
    forged = verdict.model_copy(update={"rules": [use.model_copy(update={"limit": limit})]})
    assert [*contradictions(forged)] == ["rule few: its limit counted less than the record lists"]


def test_a_limit_is_measured_again() -> None:
    few = {
        "id": "few",
        "match": {"kind": "Risk"},
        "limit": {"max": 1, "of": "findings"},
        "effect": "fail",
    }
    verdict = judged(response(item("SampleA"), item("SampleB")), policy(rules=[few]))
    assert verdict.contradiction() is None
    (rule,) = verdict.rules
    assert rule.limit is not None
    wide = rule.limit.model_copy(update={"max": 2, "exceeded": False})
    widened = verdict.model_copy(update={"rules": [rule.model_copy(update={"limit": wide})]})
    assert "rule few: its limit says another bound than it has" in contradictions(widened)
    held = rule.limit.model_copy(update={"exceeded": False})
    forged = verdict.model_copy(update={"rules": [rule.model_copy(update={"limit": held})]})
    assert "rule few: exceeded does not follow from what its limit counted" in contradictions(
        forged
    )


HOUR = timedelta(hours=1)
LENIENT = policy(defaults={"unmatched": "note"})
SKIPPED = response(spec={"skippedCheckItemList": [{"name": "SampleSkip"}]})
WELL = response(nodes=[stage("n-1", item("SampleNode", "Success"))])


def _limited(effect: str) -> bytes:
    limit = {"max": 0, "of": "findings"}
    return policy(
        rules=[
            {"id": "many", "match": {"kind": "Risk"}, "limit": limit, "effect": effect},
            {"id": "risks", "match": {"kind": "Risk"}, "effect": "note"},
        ],
        defaults={"unmatched": "note"},
    )


def _waived(**more: Any) -> tuple[dict[str, Any], bytes]:
    also: dict[str, Any] = {"waivers_may_be_permanent": True} if "expires" in more else {}
    given = {key: value for key, value in (waiver() | more).items() if value is not None}
    return response(item(level="Info")), policy(
        waivers=[given], defaults={"unmatched": "warn"}, **also
    )


CONDITIONS: dict[str, tuple[dict[str, Any] | bytes, bytes, dict[str, Any]]] = {
    "tolerated-exceptions": (response(item(kind="Exception", level="Fatal")), LENIENT, {}),
    "warnings": (response(item()), policy(defaults={"unmatched": "warn"}), {}),
    "evidence-warnings": (
        WELL, policy(evidence={"fresh": {"level": "warn", "max_age": "1m"}}), {}
    ),
    "skipped-warnings": (SKIPPED, policy(defaults={"skipped": "warn"}), {}),
    "skipped-noted": (SKIPPED, policy(defaults={"skipped": "note"}), {}),
    "limit-warnings": (response(item()), _limited("warn"), {}),
    "limits-noted": (response(item()), _limited("note"), {}),
    "waivers-used": (*_waived(), {}),
    "waivers-undated": (*_waived(approved_on=None), {}),
    "waivers-permanent": (*_waived(expires=None), {}),
    "waivers-broad": (*_waived(check="*"), {}),
    "waivers-todo": (*_waived(reason="TODO"), {}),
    "waivers-expired": (*_waived(expires="2026-02-28"), {}),
    "waivers-not-yet-valid": (*_waived(starts="2026-03-02"), {}),
    "waivers-exceeded": (
        response(item(), item()), policy(waivers=[waiver(max_findings=1)]), {}
    ),
    "waivers-not-applicable": (
        response(item(kind="Exception")), policy(waivers=[waiver()]), {}
    ),
    "waivers-unused": (*_waived(check="SampleOther"), {}),
    "rules-postponed": (
        response(item()),
        policy(
            rules=[
                {
                    "id": "soon",
                    "match": {"kind": "Risk"},
                    "effect": "fail",
                    "effective_on": "2026-04-01",
                }
            ]
        ),
        {},
    ),
    "backdated": (WELL, policy(), {"now": AT + HOUR}),
    "postdated": (WELL, policy(), {"now": AT - HOUR}),
    "before-check": (WELL, policy(), {"at": AT - HOUR, "now": AT - HOUR}),
    "no-cluster": ({**WELL, "spec": {"targetVersion": "v1.31.4-r2"}}, policy(), {}),
    "newer-task": (
        json.dumps({"items": [
            {**WELL, "metadata": {"uid": uid, "creationTimestamp": f"2026-03-01 {time} +0000 UTC"}}
            for uid, time in (("a", "09:00:00"), ("b", "08:00:00"), ("c", "09:30:00"))
        ]}).encode(), policy(), {"task": "a"},
    ),
    "other-clusters": (
        json.dumps({"items": [
            {**WELL, "metadata": {"uid": uid, "creationTimestamp": f"2026-03-01 {time} +0000 UTC"},
             "spec": {**WELL["spec"], "clusterID": uid}}
            for uid, time in (("a", "09:00:00"), ("b", "08:00:00"), ("c", "09:30:00"))
        ]}).encode(), policy(), {},
    ),
    "text-around": (b"$ ask\n" + json.dumps(WELL).encode() + b"\n\ndone\n", policy(), {}),
    "files-passed-over": (
        zipped({"r.json": json.dumps(WELL).encode(), "README.md": b"# Notes", "b.txt": b"note"}),
        policy(),
        {},
    ),
    "recheck-needed": (response(item()), LENIENT, {}),
    "no-nodes": (response(), policy(), {}),
    "expires-before-window": (WELL, policy(), {"change": Change(window_start=AT + HOUR)}),
    "expires-in-window": (
        WELL, policy(), {"change": Change(window_start=AT, window_end=AT + HOUR)}
    ),
    "window-over": (
        WELL, policy(), {"change": Change(window_start=AT - HOUR, window_end=AT)}
    ),
    "waivers-end-before": (
        response(item()),
        policy(waivers=[waiver(expires="2026-03-02")]),
        {"change": Change(window_end=datetime(2026, 3, 4, tzinfo=UTC))},
    ),
    "expectation-not-checked": (
        WELL, policy(evidence={"identity": "off"}), {"expect_cluster": "c-other"}
    ),
    "fail-on-warn": (WELL, policy(), {"gate": Gate(fail_on="warn")}),
    "advisory": (WELL, policy(), {"gate": Gate(advisory="a pilot")}),
}  # fmt: skip


@cache
def under(name: str) -> Verdict:
    """The verdict with one of the conditions."""
    body, rules, options = CONDITIONS[name]
    return judged(body, rules, **options)


@cache
def well() -> Verdict:
    """A pass without any."""
    return judged(WELL)


def without(code: str, verdict: Verdict) -> Verdict:
    """A record that says nothing of one of its conditions, under the headline that leaves it."""
    left = [part for part in verdict.conditions if part.code != code]
    return verdict.model_copy(
        update={"conditions": left, "headline": statement(headline_of(verdict, left))}
    )


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_condition_that_follows_can_be_left_out_of_no_record(name: str) -> None:
    verdict = under(name)
    assert verdict.contradiction() is None
    assert name in codes(verdict)
    code = f"condition.{name}"
    wrong = f"{code} does not follow from what the record lists"
    assert [*contradictions(without(code, verdict))] == [wrong]
    (said,) = (part for part in verdict.conditions if part.code == code)
    for key, value in said.params.items():
        other = value + 1 if isinstance(value, int) else ["x"] if isinstance(value, list) else "x"
        lying = said.model_copy(update={"params": said.params | {key: other}})
        told = [lying if part is said else part for part in verdict.conditions]
        assert verdict.model_copy(update={"conditions": told}).contradiction() == wrong
    twice = [*verdict.conditions, said]
    assert verdict.model_copy(update={"conditions": twice}).contradiction() == wrong


def test_every_condition_that_follows_is_tried_here() -> None:
    grounds = grounds_of(example())
    due = chain(of_what_is_listed(grounds), of_the_circumstances(grounds))
    assert [code for code, _ in due] == [f"condition.{name}" for name in CONDITIONS]


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_condition_that_does_not_hold_is_in_no_record(name: str) -> None:
    (said,) = (part for part in under(name).conditions if part.code == f"condition.{name}")
    assert well().contradiction() is None
    assert well().conditions == []
    made_up = well().model_copy(
        update={"conditions": [said], "headline": statement(headline_of(well(), [said]))}
    )
    assert made_up.contradiction() == f"{said.code} does not follow from what the record lists"


@pytest.mark.parametrize("name", [name for name in CONDITIONS if f"condition.{name}" not in QUIET])
def test_the_headline_of_a_pass_is_by_its_conditions(name: str) -> None:
    verdict = under(name)
    bold = verdict.model_copy(update={"headline": statement("headline.pass")})
    assert bold.contradiction() == f"the headline is not one of a {verdict.outcome}"


def test_quiet_conditions_leave_a_pass_one() -> None:
    quiet = judged(response(), gate=Gate(fail_on="warn", advisory="a pilot"))
    assert (quiet.headline.code, len(quiet.conditions)) == ("headline.pass", 3)
    loud = quiet.model_copy(update={"headline": statement("headline.pass-conditions")})
    assert quiet.contradiction() is None
    assert loud.contradiction() == "the headline is not one of a pass"
    assert under("files-passed-over").headline.code == "headline.pass"


def test_an_exception_that_is_let_through_is_tolerated_wherever_that_is_said() -> None:
    """The mark, the count and the condition gone: what let it through still stands in it."""
    verdict = judged(response(item(kind="Exception", level="Fatal")), LENIENT)
    document = json.loads(verdict.model_dump_json())
    for check in document["checks"]:
        for entry in check["entries"]:
            entry["tolerated"] = False
    document["counts"]["tolerated_exceptions"] = 0
    forged = without("condition.tolerated-exceptions", Verdict.model_validate(document))
    assert [*contradictions(forged)] == [
        "check SampleCheck: what is tolerated is not what failed and is let through"
    ]


@pytest.mark.parametrize("mark", ["undated", "permanent", "todo"])
def test_the_marks_of_a_waiver_are_those_of_its_dates_and_reason(mark: str) -> None:
    verdict = under(f"waivers-{mark}")
    (use,) = verdict.waivers
    plain = use.model_copy(update={"marks": [one for one in use.marks if one != mark]})
    forged = without(f"condition.waivers-{mark}", verdict.model_copy(update={"waivers": [plain]}))
    assert [*contradictions(forged)] == [
        "waiver w-1: its marks are not those of its dates and reason"
    ]


def test_a_task_that_has_not_ended_is_no_pass() -> None:
    body = response(nodes=[stage("n-1", item("SampleNode", "Success"))], phase="Running")
    verdict = judged(body, policy(evidence={"finished": "warn"}))
    assert verdict.contradiction() is None
    assert [part.what.code for part in verdict.reasons] == ["reason.task-phase"]
    headline = statement("headline.pass-conditions")
    update = {"outcome": "pass", "reasons": [], "headline": headline}
    forged = verdict.model_copy(update=update)
    assert [*contradictions(forged)] == ["the reasons are not those of what the record lists"]


@pytest.mark.parametrize("word", ["Failed", "Exception", "Risk", "Success", "Fatal", "2026-12-31"])
def test_a_redacted_record_whose_values_are_words_of_the_api_is_believed(word: str) -> None:
    node = stage("n-1", item(), item("SampleLimit", kind="Exception", level="Fatal"), name=word)
    rules = policy(
        waivers=[waiver()],
        rules=[{"id": "all", "match": {"level": "Fatal"}, "effect": "note", "reason": "known"}],
    )
    verdict = judged(response(nodes=[node]), rules)
    assert {"tolerated-exceptions", "waivers-used", "recheck-needed"} <= {*codes(verdict)}
    record = Redactor(verdict, PROFILES, b"k" * 32).record()
    assert record.contradiction() is None
    bold = without("condition.redacted", record)
    assert bold.contradiction() == "condition.redacted does not follow from what the record lists"
    few = without("condition.tolerated-exceptions", record)
    assert few.contradiction() == (
        "condition.tolerated-exceptions does not follow from what the record lists"
    )


@pytest.mark.parametrize("form", ["html", "markdown", "junit", "sarif", "csv"])
def test_a_text_that_says_something_else_than_its_code_is_shown_nowhere(form: str) -> None:
    document = written()
    forged = json.loads(document, object_hook=_lying)
    assert document.count('"text"') > 40
    lying = Verdict.model_validate(forged)
    assert lying.contradiction() is None
    # The page carries the record as it came, and its digest.
    lies, honest = (
        re.sub('href="data:[^"]*"|[0-9a-f]{64}', "", render(record, form).decode())
        for record in (lying, example())
    )
    assert lies == honest
    assert (line(lying), write(lying)) == (line(example()), write(example()))
    assert json.loads(render(lying, "json"))["headline"]["text"] == "Pass: all is well"


def _lying(part: dict[str, Any]) -> dict[str, Any]:
    return part | {"text": "Pass: all is well"} if "code" in part and "params" in part else part


def test_a_code_of_a_newer_version_keeps_the_words_of_the_record() -> None:
    newer = {"code": "condition.of-tomorrow", "params": {}, "text": "something of tomorrow"}
    conditions = json.loads(written())["conditions"]
    record = changed("conditions", [newer, *conditions])
    assert record.contradiction() is None
    assert cleaned(record).conditions[0].text == "something of tomorrow"


def test_what_holds_is_not_copied() -> None:
    verdict = example()
    assert cleaned(verdict).checks is verdict.checks
