"""What a policy means, sentence by sentence where a property test would not show it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from unittest import mock

import pytest

from reporter.errors import InputError, PolicyError
from reporter.policy.match import Match
from reporter.record.model import Verdict
from tests.policy.build import (
    AT,
    codes,
    item,
    judged,
    outcomes,
    policy,
    response,
    stage,
    waiver,
)

CLUSTER_0 = "/status/clusterCheckStatus/itemsStatus/0"
FAIL_ALL = {"id": "all", "match": {"check": "*"}, "effect": "fail"}


def test_an_empty_policy_fails_what_failed_and_passes_what_passed() -> None:
    assert judged(response(item())).outcome == "fail"
    verdict = judged(response(item(phase="Success")))
    assert verdict.outcome == "pass"
    assert verdict.exit_code == 0


def test_the_strictest_effect_wins_in_any_order() -> None:
    rules = [
        {"id": "a", "match": {"kind": "Risk"}, "effect": "note"},
        {"id": "b", "match": {"check": "Sample*"}, "effect": "warn", "reason": "known"},
        {"id": "c", "match": {"level": "Warning"}, "effect": "fail"},
    ]
    for order in (rules, rules[::-1]):
        assert outcomes(judged(response(item()), policy(order))) == {CLUSTER_0: "fail"}
    two = judged(response(item()), policy(rules[:2], defaults={"unmatched": "note"}))
    assert outcomes(two) == {CLUSTER_0: "warn"}


def test_an_exception_is_never_waived() -> None:
    verdict = judged(response(item(kind="Exception")), policy(waivers=[waiver(check="*")]))
    assert verdict.outcome == "fail"
    (use,) = verdict.waivers
    assert (use.status, use.why.text) == ("not-applicable", "not applicable: Exception")
    (entry,) = verdict.checks[0].entries
    assert [miss.why.code for miss in entry.near_misses] == ["waiver.exception"]


def test_a_waiver_for_one_node_does_not_cover_another() -> None:
    body = response(nodes=[stage("a", item()), stage("b", item())])
    verdict = judged(body, policy(waivers=[waiver(node={"uid": "a"})]))
    base = "/status/nodeCheckStatus/nodeStageStatus"
    assert outcomes(verdict) == {
        f"{base}/0/itemsStatus/0": "waived",
        f"{base}/1/itemsStatus/0": "fail",
    }
    missed = next(entry for entry in verdict.checks[0].entries if entry.outcome == "fail")
    assert missed.near_misses[0].why.text == "it is for node.uid a"


def test_a_finding_over_several_nodes_needs_a_waiver_for_all_of_them() -> None:
    body = response(item(riskSource={"nodeRisks": [{"NodeID": "a"}, {"NodeID": "b"}]}))
    one = judged(body, policy(waivers=[waiver(node={"uid": "a"})]))
    assert one.outcome == "fail"
    both = judged(body, policy(waivers=[waiver(node={"uid": ["a", "b"]})]))
    assert both.outcome == "pass"
    excluded = judged(body, policy(waivers=[{**waiver(), "not": {"node": {"uid": "b"}}}]))
    assert excluded.outcome == "fail"


def test_a_waiver_for_one_add_on_does_not_cover_another() -> None:
    risks = [
        {"addonTemplateName": "coredns", "alias": "CoreDNS"},
        {"addonTemplateName": "everest", "alias": "CCE Storage"},
    ]
    body = response(item(riskSource={"addonRisks": risks}))
    assert judged(body, policy(waivers=[waiver(addon="coredns")])).outcome == "fail"
    assert judged(body, policy(waivers=[waiver(addon=["CoreDNS", "everest"])])).outcome == "pass"


@pytest.mark.parametrize(
    ("dates", "at", "status"),
    [
        ({"expires": "2026-03-01"}, "2026-03-01T23:59:59Z", "used"),
        ({"expires": "2026-03-01"}, "2026-03-02T00:00:00Z", "expired"),
        ({"expires": "2026-03-01T10:30:00Z"}, "2026-03-01T10:30:00Z", "expired"),
        ({"expires": "2026-03-01T18:30:01+08:00"}, "2026-03-01T10:30:00Z", "used"),
        ({"starts": "2026-03-01"}, "2026-02-28T23:59:59Z", "not-yet-valid"),
        ({"starts": "2026-03-01"}, "2026-03-01T00:00:00Z", "used"),
        ({"approved_on": "2026-03-02"}, "2026-03-01T10:30:00Z", "not-yet-valid"),
        ({"starts": "2026-02-01", "approved_on": "2026-03-09"}, "2026-03-01T00:00:00Z", "used"),
        ({"expires": "9999-12-31"}, "2026-03-01T10:30:00Z", "used"),
    ],
)
def test_when_a_waiver_holds(dates: dict[str, str], at: str, status: str) -> None:
    body = response(item(), expireTimeStamp="2026-04-01 11:00:00 +0000 UTC")
    verdict = judged(body, policy(waivers=[waiver(**dates)]), at=at)
    assert verdict.waivers[0].status == status
    assert (verdict.outcome == "pass") is (status == "used")


def test_a_waiver_over_its_limit_covers_none() -> None:
    body = response(nodes=[stage("a", item()), stage("b", item())])
    verdict = judged(body, policy(waivers=[waiver(max_findings=1)]))
    assert verdict.waivers[0].status == "exceeded"
    assert verdict.counts.findings.fail == 2
    assert judged(body, policy(waivers=[waiver(max_findings=2)])).outcome == "pass"


def test_marks_of_a_waiver_are_conditions_when_it_is_used() -> None:
    undated = waiver(approved_on=None, reason="TODO")
    undated.pop("approved_on")
    permanent = waiver("w-2")
    permanent.pop("expires")
    text = policy(waivers=[undated, permanent], waivers_may_be_permanent=True)
    verdict = judged(response(item()), text)
    assert verdict.waivers[0].marks == ["undated", "todo"]
    assert verdict.waivers[1].marks == ["permanent"]
    found = codes(verdict)
    assert {"waivers-undated", "waivers-permanent", "waivers-todo"} <= set(found)


def test_a_doubtful_finding_is_unknown_and_no_waiver_lifts_it() -> None:
    body = response(item(level="Severe"))
    lenient: dict[str, Any] = {"defaults": {"unmatched": "note"}, "evidence": {"recognised": "off"}}
    assert judged(body, policy(**lenient)).outcome == "inconclusive"
    assert judged(body, policy(waivers=[waiver()], **lenient)).outcome == "inconclusive"
    failing = policy([FAIL_ALL], [waiver()], **lenient)
    assert judged(body, failing).outcome == "fail"
    spelled = [{"id": "s", "match": {"level": "Severe"}, "effect": "warn"}]
    assert judged(body, policy(spelled, **lenient)).outcome == "pass"
    globbed = [{"id": "s", "match": {"level": "Sev*"}, "effect": "warn"}]
    assert judged(body, policy(globbed, **lenient)).outcome == "inconclusive"


def test_a_check_that_broke_is_unknown_and_never_waivable() -> None:
    body = response(item(group="ExecuteException"))
    assert judged(body, policy(waivers=[waiver()])).outcome == "inconclusive"
    verdict = judged(body, policy([FAIL_ALL], [waiver()]))
    assert verdict.outcome == "fail"
    assert verdict.waivers[0].status == "not-applicable"


def test_one_rule_that_forbids_waivers_blocks_them_all() -> None:
    rules = [{"id": "n", "match": {"kind": "Risk"}, "effect": "note", "waivable": False}]
    verdict = judged(response(item()), policy([*rules, FAIL_ALL], [waiver()]))
    assert verdict.outcome == "fail"
    assert verdict.checks[0].entries[0].waiver_stub is None


def test_a_rule_not_yet_effective_warns() -> None:
    rules = [{**FAIL_ALL, "effective_on": "2026-03-02"}]
    assert judged(response(item()), policy(rules)).counts.findings.warn == 1
    body = response(item(), expireTimeStamp="2026-04-01 11:00:00 +0000 UTC")
    assert judged(body, policy(rules), at="2026-03-02T00:00:00Z").outcome == "fail"


def test_tolerated_exceptions_come_first_among_the_conditions() -> None:
    body = response(item(kind="Exception"), item("SampleRisk"))
    verdict = judged(body, policy(defaults={"unmatched": "warn"}))
    assert verdict.outcome == "pass"
    assert codes(verdict)[0] == "tolerated-exceptions"
    assert verdict.counts.tolerated_exceptions == 1
    assert "SampleCheck" in verdict.conditions[0].text


def test_tolerating_an_exception_by_name_needs_a_reason() -> None:
    rule: dict[str, Any] = {"id": "t", "match": {"check": "SampleCheck"}, "effect": "warn"}
    body = response(item(kind="Exception"))
    with pytest.raises(PolicyError, match='rule "t" tolerates the failed Exception'):
        judged(body, policy([rule]))
    assert judged(body, policy([{**rule, "reason": "accepted"}])).outcome == "pass"
    assert judged(response(item()), policy([rule])).outcome == "pass"
    spelled = {**rule, "match": {"check": "SampleCheck", "kind": "Exception"}}
    with pytest.raises(PolicyError, match='by name and needs a "reason"'):
        judged(response(item()), policy([spelled]))


def test_recheck_needed_when_cce_says_failed() -> None:
    verdict = judged(response(item()), policy(waivers=[waiver()]))
    assert verdict.outcome == "pass"
    assert "recheck-needed" in codes(verdict)
    assert verdict.headline.code == "headline.pass-conditions"


def test_no_item_or_no_final_task_is_never_a_pass() -> None:
    lax = dict.fromkeys(("recognised", "consistent", "complete", "unexpired", "identity"), "off")
    loose = policy(evidence={**lax, "finished": "warn"}, defaults={"unmatched": "note"})
    bare = {"kind": "PreCheckTask", "status": {"phase": "Success"}}
    assert judged(bare, loose).outcome == "inconclusive"
    for phase in ("Init", "Running", "Error", "Paused", None):
        assert judged(response(phase=phase), loose).outcome == "inconclusive"
    assert judged(response(), loose).outcome == "pass"


@pytest.mark.parametrize(
    ("change", "line", "code"),
    [
        ({"kind": "PreCheckTasks"}, "recognised", "evidence.recognised.value"),
        ({"apiVersion": None}, "recognised", "evidence.recognised.missing"),
        ({"later": {"x": [{"PHASE": "Failed"}]}}, "recognised", "evidence.recognised.hidden"),
        ({"Status": "x"}, "recognised", "evidence.recognised.hidden"),
    ],
)
def test_recognised(change: dict[str, Any], line: str, code: str) -> None:
    verdict = judged({**response(), **change})
    assert verdict.outcome == "inconclusive"
    found = next(part for part in verdict.evidence if part.id == line)
    assert found.state == "not-ok"
    assert code in [part.code for part in found.statements]


def test_unknown_fields_alone_are_noted_and_counted() -> None:
    verdict = judged({**response(), "later": {"colour": "blue"}})
    assert verdict.outcome == "pass"
    assert verdict.source.unknown_fields == 1
    assert verdict.source.unknown_field_pointers == ["/later"]


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ({"expireTimeStamp": "2026-03-01 10:30:00 +0000 UTC"}, "evidence.unexpired.expired"),
        ({"expireTimeStamp": "soon"}, "evidence.unexpired.unreadable"),
        ({"expireTimeStamp": None}, "evidence.unexpired.missing"),
    ],
)
def test_unexpired(status: dict[str, Any], code: str) -> None:
    verdict = judged(response(**status))
    assert verdict.outcome == "inconclusive"
    assert verdict.reasons[0].what.code == code


def test_a_validity_stands_in_for_a_missing_expiry() -> None:
    body = response(expireTimeStamp=None)
    assert judged(body, policy(evidence={"unexpired": {"validity": "1h"}})).outcome == "pass"
    short = judged(body, policy(evidence={"unexpired": {"validity": "30m"}}))
    assert short.outcome == "inconclusive"
    body["metadata"]["updateTimestamp"] = "2026-03-01 10:35:01 +0000 UTC"
    future = judged(body, policy(evidence={"unexpired": {"validity": "1h"}}))
    assert future.outcome == "inconclusive"


def test_fresh() -> None:
    old = policy(evidence={"fresh": {"max_age": "30m"}})
    assert judged(response(), old).outcome == "inconclusive"
    assert judged(response(), policy(evidence={"fresh": {"max_age": "31m"}})).outcome == "pass"


@pytest.mark.parametrize(
    ("options", "passes"),
    [
        ({"expect_cluster": "c-1"}, True),
        ({"expect_cluster": "C-1"}, False),
        ({"expect_target": "v1.31"}, True),
        ({"expect_target": "v1.3"}, False),
        ({"expect_cluster": "c-1", "expect_target": "v1.32"}, False),
    ],
)
def test_identity(options: dict[str, str], passes: bool) -> None:
    assert (judged(response(), **options).outcome == "pass") is passes


def test_applies_to_is_an_expectation_too() -> None:
    fits = policy(applies_to={"cluster": "c-*", "target_version": ">=1.31"})
    assert judged(response(), fits).outcome == "pass"
    other = policy(applies_to={"cluster": "prod-*"})
    assert judged(response(), other).outcome == "inconclusive"
    unnamed = response(spec={"clusterID": None})
    assert judged(unnamed, fits).outcome == "inconclusive"


def test_complete() -> None:
    def lines(body: dict[str, Any], **options: Any) -> str:
        return judged(body, policy(evidence={"complete": options} if options else {})).outcome

    missing = response()
    del missing["status"]["addonCheckStatus"]
    assert lines(missing) == "inconclusive"
    assert lines(missing, sections={"addon": "optional"}) == "pass"
    assert lines(response(addons=[])) == "inconclusive"
    good = item("SampleDisk", "Success")
    nodes = [stage("a", good), stage("b", good), stage("m", good, nodeType="master")]
    assert lines(response(nodes=nodes), min_nodes=2) == "pass"
    assert lines(response(nodes=nodes), min_nodes=3) == "inconclusive"
    assert lines(response(nodes=[*nodes, stage("c")])) == "inconclusive"
    assert lines(response(nodes=nodes), required_on_every_node=["SampleD*"]) == "pass"
    assert lines(response(nodes=nodes), required_checks=["SampleNone"]) == "inconclusive"
    without = [*nodes, stage("d", item("SampleX", "Success"))]
    assert lines(response(nodes=without), required_on_every_node=["SampleDisk"]) == "inconclusive"


def test_a_standard_cluster_must_list_nodes() -> None:
    assert judged(response(), cluster_type="autopilot").outcome == "pass"
    assert judged(response(), cluster_type="standard").outcome == "inconclusive"
    assert "no-nodes" in codes(judged(response()))


def test_checks_skipped_on_the_server() -> None:
    def skip(name: str | None, *uids: str) -> dict[str, Any]:
        entry: dict[str, Any] = {"name": name}
        if uids:
            selector = {"key": "node.uid", "operator": "In", "values": list(uids)}
            entry["resourceSelector"] = selector
        return entry

    def outcome(entry: dict[str, Any], *waivers: dict[str, Any], **more: Any) -> str:
        body = response(spec={"skippedCheckItemList": [entry]})
        return judged(body, policy(waivers=list(waivers), **more)).skipped[0].outcome

    everywhere = waiver(check="SampleGone")
    for_node = waiver("w-2", "SampleGone", node={"uid": ["a", "b"]})
    assert outcome(skip("SampleGone")) == "fail"
    assert outcome(skip("SampleGone"), everywhere) == "waived"
    assert outcome(skip("SampleGone"), for_node) == "fail"
    assert outcome(skip("SampleGone", "a", "b"), for_node) == "waived"
    assert outcome(skip("SampleGone", "a", "c"), for_node) == "fail"
    assert outcome(skip("SampleGone", "a"), everywhere) == "waived"
    assert outcome(skip(None), waiver(check="*")) == "fail"
    assert outcome(skip("SampleGone"), {**everywhere, "kind": "Risk"}) == "fail"
    assert outcome(skip("AddonLimit"), waiver(check="AddonLimit")) == "fail"
    assert outcome(skip("SampleGone"), defaults={"skipped": "note"}) == "note"
    forbidding = {
        "id": "f",
        "match": {"check": "Sample*", "phase": "Init"},
        "effect": "fail",
        "waivable": False,
    }
    assert outcome(skip("SampleGone"), everywhere, rules=[forbidding]) == "fail"
    body = response(spec={"skippedCheckItemList": [skip("SampleGone")]})
    assert judged(body).outcome == "fail"
    assert judged(body, policy(waivers=[everywhere])).outcome == "pass"


def test_several_policies_are_a_union() -> None:
    gentle = policy(defaults={"unmatched": "note", "skipped": "note"})
    assert judged(response(item()), gentle).outcome == "pass"
    assert judged(response(item()), gentle, policy()).outcome == "fail"
    strict = policy([FAIL_ALL], defaults={"unmatched": "note"})
    assert judged(response(item()), gentle, strict).outcome == "fail"
    other = policy([{**FAIL_ALL, "effect": "warn", "reason": "x"}])
    with pytest.raises(PolicyError, match="differs from the rule of that id"):
        judged(response(item()), strict, other)
    permanent = waiver()
    permanent.pop("expires")
    allows = policy(waivers=[permanent], waivers_may_be_permanent=True)
    assert judged(response(item()), allows).outcome == "pass"
    with pytest.raises(PolicyError, match='needs "expires"'):
        judged(response(item()), allows, gentle)


def test_the_instant_decides_and_is_said() -> None:
    verdict = judged(response(), at="response")
    assert verdict.instant.basis == "response"
    assert verdict.instant.backdated
    assert "backdated" in codes(verdict)
    assert not judged(response(), at=AT).instant.backdated
    later = judged(response(), at="2026-03-01T10:45:00Z")
    assert not later.instant.backdated
    with pytest.raises(PolicyError, match="is not a date"):
        judged(response(), at="tomorrow")
    with pytest.raises(PolicyError, match="no offset"):
        judged(response(), at=datetime(2026, 3, 1))  # noqa: DTZ001
    silent = response()
    silent["metadata"] = {}
    with pytest.raises(InputError, match="update time"):
        judged(silent, at="response")


def test_an_advisory_run_keeps_its_verdict() -> None:
    from reporter.record.model import Gate

    verdict = judged(response(item()), gate=Gate(advisory="trial run"))
    assert (verdict.outcome, verdict.exit_code) == ("fail", 0)
    assert "advisory" in codes(verdict)
    warned = judged(
        response(item()), policy(defaults={"unmatched": "warn"}), gate=Gate(fail_on="warn")
    )
    assert (warned.outcome, warned.exit_code) == ("pass", 1)
    assert warned.headline.code == "headline.pass-refused"


def test_a_change_window_after_the_expiry_is_said() -> None:
    from reporter.record.model import Change

    window = Change(
        window_start=datetime(2026, 3, 1, 22, tzinfo=UTC),
        window_end=datetime(2026, 3, 2, 2, tzinfo=UTC),
    )
    assert "expires-before-window" in codes(judged(response(), change=window))
    early = window.model_copy(update={"window_start": datetime(2026, 3, 1, 10, 40, tzinfo=UTC)})
    assert "expires-in-window" in codes(judged(response(), change=early))


@pytest.mark.parametrize(
    ("evidence", "told"),
    [
        ({"unexpired": {"validity": "24h"}}, "expires-before-window"),
        ({"unexpired": {"validity": "90d"}}, None),
        ({"unexpired": "off", "fresh": {"max_age": "24h"}}, "expires-before-window"),
        ({"unexpired": {"validity": "90d"}, "fresh": {"max_age": "36h"}}, "expires-in-window"),
        ({"unexpired": "off", "fresh": {"max_age": "90d"}}, None),
    ],
)
def test_an_end_that_the_policy_counts_is_held_against_the_window(
    evidence: dict[str, Any], told: str | None
) -> None:
    from reporter.record.model import Change

    body = response()
    del body["status"]["expireTimeStamp"]
    window = Change(
        window_start=datetime(2026, 3, 2, 12, tzinfo=UTC),
        window_end=datetime(2026, 3, 3, 2, tzinfo=UTC),
    )
    verdict = judged(body, policy(evidence=evidence), change=window)
    assert verdict.outcome == "pass"
    ends = {"expires-before-window", "expires-in-window"}
    assert ends.intersection(codes(verdict)) == {told} - {None}


@pytest.mark.parametrize(
    ("expires", "told"), [("2026-03-02", True), ("2026-03-03", False), ("2026-03-04", False)]
)
def test_a_used_waiver_that_ends_before_the_window_does_is_said(expires: str, told: bool) -> None:
    from reporter.record.model import Change

    window = Change(
        window_start=datetime(2026, 3, 3, tzinfo=UTC), window_end=datetime(2026, 3, 4, tzinfo=UTC)
    )
    waivers = [waiver("w", expires=expires), waiver("unused", "Other", expires="2026-03-02")]
    # Of what is covered twice, one may end.
    renewed = [waiver("old", "B", expires="2026-03-02"), waiver("new", "B")]
    verdict = judged(response(item(), item("B")), policy(waivers=waivers + renewed), change=window)
    said = [part for part in verdict.conditions if part.code == "condition.waivers-end-before"]
    assert [part.params["waivers"] for part in said] == [["w"]] * told


@pytest.mark.parametrize(
    ("check", "broad"),
    [
        *(("[A-Z]*", True), ("[A-Za-z]*", True), ({"regex": r"\w+"}, True), ("*", True)),
        *((({"regex": "[A-Z].*"}), True), ("[a-z]*", True), ("?*", True), ("[!_]*", True)),
        ({"regex": "[A-Z][a-z]+[A-Z].*"}, True),
        ({"regex": r"\w{5,}"}, True),
        ("[A-Z]????*", True),
        ({"regex": "[[:alpha:]]{8,}"}, True),
        ("Q*", False),
        ("*x", False),
        *(("S*", False), ("[S]*", False), ({"regex": "Sample.*"}, False), ("*Risk", False)),
    ],
)
def test_a_waiver_for_names_of_any_kind_is_broad(check: Any, broad: bool) -> None:
    verdict = judged(response(item("SampleRisk")), policy(waivers=[waiver(check=check)]))
    assert ("broad" in verdict.waivers[0].marks) is broad


@pytest.mark.parametrize(
    "more",
    [{"names": ["MasterSSH"]}, {"resourceSelectors": ["n2"]}, {"x": {"a": 1}},
     {"names": "MasterSSH"}, {"all": True}, {"note": "of May"},
     {"name": "SampleRisk,BlackLimit"}, {"name": "SampleRisk BlackLimit"}, {"name": "Sample*"},
     {"name": "SampleRisk\uff0cBlackLimit"}, {"name": "SampleRisk/BlackLimit"},
     {"name": "SampleRisk\uff08BlackLimit\uff09"}],
)  # fmt: skip
def test_a_skip_entry_that_says_more_is_covered_by_no_waiver(more: dict[str, Any]) -> None:
    waivers = policy(waivers=[waiver(check="SampleRisk*")], defaults={"skipped": "fail"})
    for entry, outcome in (({"name": "SampleRisk"}, "waived"),
                           ({"name": "SampleRisk", "note": "", "x": []}, "waived"),
                           ({"name": "SampleRisk"} | more, "fail")):  # fmt: skip
        body = response()
        body["spec"]["skippedCheckItemList"] = [entry]
        assert [skip.outcome for skip in judged(body, waivers).skipped] == [outcome]


def test_findings_alike_are_folded_and_counted() -> None:
    nodes = [stage(f"n{number:03}", item("SampleDisk")) for number in range(50)]
    verdict = judged(response(nodes=nodes))
    (entry,) = verdict.checks[0].entries
    assert len(entry.places) == 50
    assert verdict.counts.findings.fail == 50
    assert verdict.checks[0].nodes_seen == 50
    assert verdict.reasons[0].what.text == "SampleDisk fails on 50 of 50 nodes"


def test_a_stub_can_be_pasted_and_covers_just_its_findings() -> None:
    import yaml

    body = response(nodes=[stage("a", item()), stage("b", item(level="Fatal"))])
    verdict = judged(body)
    stubs = [entry.waiver_stub for entry in verdict.checks[0].entries]
    assert all(stubs)
    pasted = [part for stub in stubs for part in yaml.safe_load(stub or "")]
    assert {part["reason"] for part in pasted} == {"TODO"}
    for number, part in enumerate(pasted):
        part["id"] = f"pasted-{number}"
    listed = {
        "apiVersion": "precheck.policy/v1",
        "kind": "WaiverList",
        "metadata": {"name": "pasted"},
        "waivers": pasted,
    }
    again = judged(body, policy(), waiver_files=[yaml.safe_dump(listed).encode()])
    assert again.outcome == "pass"
    assert "waivers-todo" in codes(again)


def test_a_rules_message_is_filled_in() -> None:
    rule = {**FAIL_ALL, "message": "{check} on {node.name} ({level}) {{kept}} {error_code}"}
    verdict = judged(response(nodes=[stage("a", item())]), policy([rule]))
    assert verdict.checks[0].entries[0].said == ["SampleCheck on name-a (Warning) {kept} –"]


def test_a_rule_that_asks_for_an_undocumented_value_in_vain_is_named() -> None:
    rule = {"id": "slip", "match": {"kind": "Exception", "level": "fatal"}, "effect": "fail"}
    body = response(item(kind="Exception", level="Fatal"))
    lenient: dict[str, Any] = {"defaults": {"unmatched": "warn"}}
    assert "misspelt-values" in codes(judged(body, policy([rule], **lenient)))
    for asked in ("Critical", "Crit*", {"regex": "Critical|High"}, ["Critical", "High*"]):
        odd = {**rule, "match": {"kind": "Exception", "level": asked}}
        assert "undocumented-values" in codes(judged(body, policy([odd], **lenient)))
    right = {**rule, "match": {"kind": "Exception", "level": "Fatal"}}
    assert not {"misspelt-values", "undocumented-values"} & set(
        codes(judged(body, policy([right], **lenient)))
    )


@pytest.mark.parametrize(
    ("slip", "said"),
    [
        ({"level": ["fatal", "Warning"]}, "fatal → Fatal"),
        ({"not": {"kind": "exception"}}, "exception → Exception"),
        ({"any": [{"check": "X"}, {"group": {"equals": "NodeChek"}}]}, "NodeChek → NodeCheck"),
        ({"level": "fatal*"}, "fatal* → Fatal"),
        ({"level": {"regex": "fatal|warning"}}, "fatal|warning → Fatal"),
        ({"where": [{"path": "$.level", "equals": "fatal"}]}, "fatal → Fatal"),
        ({"where": [{"path": "$.kind", "not": {"in": ["risk"]}}]}, "risk → Risk"),
        ({"where": [{"path": "$['level']", "matches": "fatal"}]}, "fatal → Fatal"),
        ({"where": [{"path": "$..[?(@.level != 'fatal')].name", "exists": False}]}, "→ Fatal"),
        ({"node": {"type": "Master"}}, "Master → master"),
        ({"not": {"node": {"status": ["active"]}}}, "active → Active"),
        ({"node": {"type": "*", "name": "active"}}, None),
        ({"level": ["Fatal", "Critical"]}, None),
        ({"level": "Crit*"}, None),
        ({"where": [{"path": "$.message", "equals": "fatal"}]}, None),
    ],
)
def test_a_slip_of_the_pen_is_named_whatever_it_matches(slip: Any, said: str | None) -> None:
    """In a rule and in a waiver, under `not:` too: a waiver may cover what it was to leave out."""
    rule = {"id": "slip", "match": slip, "effect": "fail"}
    waiver = {"id": "slip", "check": "*", "reason": "r", "expires": "2099-01-01"} | slip
    for written in (policy([rule]), policy(waivers=[waiver])):
        found = [part for part in judged(response(item()), written).conditions
                 if part.code == "condition.misspelt-values"]  # fmt: skip
        assert [said in part.text for part in found if said] == [True] * (said is not None)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"check": "sampleRisk"}, "sampleRisk → SampleRisk"),
        ({"check": "SampleRsk"}, "SampleRsk → SampleRisk"),
        ({"check": "!SampleRisk"}, "!SampleRisk → SampleRisk"),
        ({"check": "Other|SampleRisk"}, "Other|SampleRisk → SampleRisk"),
        ({"check": {"equals": ["X", "SampleRisk, Y"]}}, "SampleRisk, Y → SampleRisk"),
        ({"check": "*", "not": {"check": "samplerisk"}}, "samplerisk → SampleRisk"),
        ({"any": [{"addon": "Everest"}, {"check": "Z"}]}, "Everest → everest"),
        ({"message": "forbidden"}, "forbidden → *forbidden*"),
        ({"message": {"regex": "forbidden|denied"}}, "→ (?s).*(?:forbidden|denied).*"),
        ({"check": "*", "not": {"message": "forbidden"}}, "forbidden → *forbidden*"),
        ({"check": "sample*"}, "sample* → SampleRisk"),
        ({"check": {"regex": "sample.*"}}, "sample.* → SampleRisk"),
        ({"where": [{"path": "$.name", "equals": "samplerisk"}]}, "samplerisk → SampleRisk"),
        ({"message": "forbidden*"}, "forbidden* → *forbidden**"),
        ({"message": "is [ odd ] it"}, "is [ odd ] it → *is [[] odd ] it*"),
        ({"where": [{"path": "$..alias", "matches": "x|CS*"}]}, "x|CS* → x|CS.*"),
        ({"where": [{"path": "$..alias", "not": {"matches": "^CS*$"}}]}, "^CS*$ → ^CS.*$"),
        ({"where": [{"path": "$..alias", "matches": "CSI*|x"}]}, None),
        ({"check": "*", "not": {"addon": "EVEREST"}}, "EVEREST → everest"),
        ({"check": "SampleRisk"}, None),
        ({"check": ["SampleRisk", "samplerisk"]}, None),
        ({"check": "Other", "message": "forbidden"}, None),
        ({"message": ["forbidden", "*forbidden*"]}, None),
        ({"message": {"regex": "(?s).*forbidden"}, "check": "Other"}, None),
        ({"cluster": "another", "check": "samplerisk"}, None),
        ({"check": "SampleRisk2"}, None),
        ({"check": "Sample*"}, None),
        ({"check": "AnotherRisk"}, None),
        ({"check": "NodeReady"}, None),
        ({"addon": "coredns"}, None),
        ({"message": "*forbidden*"}, None),
        ({"message": "it is forbidden here, is [[] odd ] it"}, None),
        ({"message": "unheard of"}, None),
        ({"message": {"regex": ".*forbidden.*"}}, None),
        ({"message": {"regex": r"\Qis [ odd"}}, r"(?s).*(?:\Qis [ odd\E).*"),
        ({"check": {"regex": r"\Qsamplerisk"}}, None),
        ({"check": {"regex": "^Sample"}}, "^Sample → SampleRisk"),
        ({"check": {"regex": "Risk$"}}, "Risk$ → SampleRisk"),
        ({"check": {"regex": "SampleR"}}, "SampleR → SampleRisk"),
        ({"check": {"regex": "^Sample.*"}}, None),
        ({"check": {"regex": "^Sample$"}}, None),
        ({"check": {"regex": "Sampl(e|es)"}}, None),
        ({"check": {"regex": "(Sample-)"}}, None),
        ({"addon": "eve"}, None),
        ({"where": [{"path": "$.message", "matches": "forbidden"}]}, "forbidden → (?s).*(?:forb"),
        ({"where": [{"path": "$.message", "matches": "^it is"}]}, "^it is → (?s).*(?:^it is).*"),
        ({"where": [{"path": "$.message", "matches": "^it.*"}]}, None),
        ({"where": [{"path": "$.name", "matches": "SampleRisk"}]}, None),
        ({"where": [{"path": "$.level", "matches": "a?rning"}]}, None),
        ({"where": [{"path": "$.level", "matches": r"W\w*"}]}, None),
        ({"check": "SampleDisk"}, None),
        ({"message": "*is [ odd ]*"}, "*is [ odd ]* → *is [[] odd ]*"),
        ({"message": "*[fh]orbidden*"}, None),
        ({"message": "*Forbidden*"}, "*Forbidden* → it is forbidden here, is [[] odd ] it"),
        ({"message": "IT IS FORBIDDEN"}, "IT IS FORBIDDEN → it is forbidden here, is [[] odd"),
        ({"message": {"regex": ".*Forbidden.*"}}, "→ (?i).*Forbidden.*"),
        ({"where": [{"path": "$.message", "matches": ".*Forbidden.*"}]}, "→ (?i).*Forbidden.*"),
        ({"check": "*", "not": {"message": "*Forbidden*"}}, "*Forbidden* → it is forbidden"),
        ({"message": "*For*"}, None),  # which may well be within another word
        ({"message": "*Unheard*"}, None),
        ({"check": "Other", "message": "*Forbidden*"}, None),
    ],
)
def test_a_name_in_other_letters_than_the_response_has_it_is_named(
    asked: Any, said: str | None
) -> None:
    """It meets nothing: a rule then finds less than it reads, and a waiver leaves out less."""
    found = item(
        "SampleRisk",
        message="it is forbidden here, is [ odd ] it",
        riskSource={"addonRisks": [{"addonTemplateName": "everest", "alias": "CSI"}]},
    )
    rule = {"id": "r", "match": asked, "effect": "fail"}
    for written in (policy([rule]), policy(waivers=[waiver("r", **{"check": "*", **asked})])):
        conditions = judged(response(found), written).conditions
        near = [part for part in conditions if part.code == "condition.names-nearly"]
        assert [said in part.text for part in near if said] == [True] * (said is not None)
        assert bool(near) is (said is not None)


@pytest.mark.parametrize("cluster", [None, "", " ", "\u200b"])
def test_a_cluster_whose_id_says_nothing_is_none(cluster: str | None) -> None:
    body = response(item("A", "Success"), spec={"clusterID": cluster})
    codes = {part.code for part in judged(body, policy()).conditions}
    assert "condition.no-cluster" in codes


def _judged_and_compiled(body: dict[str, Any], given: bytes) -> tuple[Verdict, int]:
    """The verdict, and how many matches were compiled for it."""
    with mock.patch.object(Match, "__init__", autospec=True, side_effect=Match.__init__) as made:
        return judged(body, given), made.call_count


@pytest.mark.parametrize("level", ["Info", "Warning"])
@pytest.mark.parametrize("is_any", [True, False])
def test_names_in_other_capitals_are_not_compiled_by_the_square(is_any: bool, level: str) -> None:
    names = [f"prod-{number}" for number in range(600)]
    nodes = [stage(f"u-{name}", item("Disk"), name=name.upper()) for name in names]
    nodes += [stage("last", item("Disk"), name="Other")]
    asked = {"any": [{"node": {"name": name}} for name in names]}
    waived = waiver("w", "Disk", level=level, **(asked if is_any else {"node": {"name": names}}))
    given = policy(waivers=[waived], defaults={"unmatched": "note"})
    verdict, made = _judged_and_compiled(response(nodes=nodes), given)
    assert made < (3 * len(names) if is_any else 10)
    is_told = "condition.names-nearly" in {part.code for part in verdict.conditions}
    assert is_told is (level == "Warning")


def test_names_that_make_a_difference_only_together_are_told() -> None:
    names = [f"addon-{number}" for number in range(300)]
    risks = {"addonRisks": [{"addonTemplateName": name.upper()} for name in names]}
    body = response(item("Disk", riskSource=risks))
    given = policy(waivers=[waiver("w", "Disk", addon=names)], defaults={"unmatched": "warn"})
    verdict, made = _judged_and_compiled(body, given)
    assert "condition.names-nearly" in {part.code for part in verdict.conditions}
    assert made < 10


def test_a_long_list_keeps_no_other_slip_from_being_told() -> None:
    names = [f"prod-{number}" for number in range(800)]
    nodes = [stage(f"u-{name}", item("Disk"), name=name.upper()) for name in names]
    nodes += [stage("last", item("Swap", message="the swap is enabled here"))]
    elsewhere = waiver("w", "Disk", message="another", node={"name": names})
    rule = {"id": "swap", "match": {"message": "swap is enabled"}, "effect": "fail"}
    verdict = judged(
        response(nodes=nodes), policy([rule], [elsewhere], defaults={"unmatched": "note"})
    )
    (told,) = [part for part in verdict.conditions if part.code == "condition.names-nearly"]
    assert "swap is enabled → *swap is enabled*" in told.text


@pytest.mark.parametrize(
    ("asked", "is_told"), [({"node": {"name": "prod-1"}}, False), ({"addon": "everest"}, True)]
)
def test_a_node_that_is_here_in_that_very_form_is_not_said_to_be_here_in_another(
    asked: Any, is_told: bool
) -> None:
    """If only where a check passes. An add-on in other capitals is the same add-on."""

    def conditions(*passing: dict[str, Any]) -> set[str]:
        risks = {"addonRisks": [{"addonTemplateName": "Everest"}]}
        found = item("Disk", message="Disk is full on node 3", riskSource=risks)
        body = response(nodes=[stage("n1", found, name="Prod-1"), *passing])
        written = policy([{"id": "f", "match": asked, "effect": "fail"}],
                         defaults={"unmatched": "warn"})  # fmt: skip
        return {part.code for part in judged(body, written).conditions}

    risks = {"addonRisks": [{"addonTemplateName": "everest"}]}
    passes = item("Other", "Success", message="is full", riskSource=risks)
    assert "condition.names-nearly" in conditions()
    told = conditions(stage("n2", passes, name="prod-1"))
    assert ("condition.names-nearly" in told) is is_told
    assert "condition.names-absent" not in told


ABSENT = [
    ({"node": {"name": {"regex": "prod|live"}}}, "prod|live"),
    ({"node": {"name": ["a-*", "prod-*|live-*"]}}, "prod-*|live-*"),
    ({"node": {"name": "{prod,live}-*"}}, "{prod,live}-*"),
    ({"node": {"name": "prod-2"}}, "prod-2"),
    ({"any": [{"node": {"name": "b*"}}, {"check": "Disk*|Node*"}]}, "Disk*|Node*"),
    ({"check": {"regex": "Disk|Memory"}}, "Disk|Memory"),
    ({"where": [{"path": "$.name", "not": {"equals": "N"}}], "check": "Gone"}, "Gone"),
    ({"where": [{"path": "$.name", "in": ["Gone", "N"]}]}, "Gone"),
    ({"check": {"equals": ["N*", "Other"]}}, "N*"),
    ({"node": {"uid": "prod-1"}}, "prod-1"),
    ({"node": {"uid": ["N1", "n2"]}}, None),
    ({"node": {"uid": ["n-A2c", "n1"]}}, None),
    ({"check": ["N", "Other"]}, None),  # one failed, one passed
    ({"check": ["BlackLimit", "BlackLimi*"]}, None),  # what CCE may check elsewhere
    ({"node": {"name": "a-*"}}, None),  # a node on which everything passes
    ({"message": "as it was"}, None),  # a message where it passes
    ({"node": {"uid": "far-1"}}, None),  # a node that only a check which passes names
    ({"not": {"node": {"name": "zzz"}}}, None),
    ({"addon": "zzz"}, None),  # whether it is here nothing tells
]


@pytest.mark.parametrize(("asked", "said"), ABSENT)
def test_a_name_that_nothing_here_has_is_told_where_something_was_let_through(
    asked: Any, said: str | None
) -> None:
    """Of what fails, and of what leniency leaves out; it changes no verdict.

    `N` is what the pattern may be meant for; `M` is let through by the other half of the policy.
    """
    far: dict[str, Any] = {"riskSource": {"nodeRisks": [{"NodeID": "far-1"}]}}
    body = response(
        item("Elsewhere", "Success", **far),
        nodes=[
            stage("n1", item("N", message="it is full"), name="prod-1"),
            stage("N-a2C", item("M"), name="x-1"),
            stage("n2", item("Other", "Success", message="as it was"), name="a-1"),
        ],
    )
    fails = {"id": "fails", "match": asked, "effect": "fail"}
    lets = {"id": "lets", "match": {"kind": "Risk", "not": asked}, "effect": "note"}
    warns: dict[str, Any] = {"defaults": {"unmatched": "warn"}}
    for written in (
        policy([fails], **warns),
        policy([lets]),
        policy(waivers=[waiver("w", "*", **{"not": asked})]),
    ):
        verdict = judged(body, written)
        assert (
            "M" in {check.name for check in verdict.checks if not check.findings.fail} or not said
        )
        found = [part.params for part in verdict.conditions if part.code == ABSENT_CODE]
        assert [part["values"] for part in found] == ([[said]] if said else [])
    # What would refuse a waiver, or fail whatever one says, is told where one is used.
    never = {"id": "never", "match": asked, "effect": "warn", "waivable": False, "reason": "r"}
    none = {**fails, "limit": {"of": "findings", "max": 0}}
    covers = [waiver("w", "M")]
    guarded = (policy([never], waivers=covers), policy([none, FAIL_ALL], waivers=covers))
    for written in guarded if "not" not in asked else ():
        conditions = judged(body, written).conditions
        found = [part.params for part in conditions if part.code == ABSENT_CODE]
        assert [part["values"] for part in found] == ([[said]] if said else [])
    # Where nothing is let through by it, it is nothing to tell of.
    everything = response(nodes=[stage("n1", item("N", "Success"), name="prod-1")])
    for written in (policy([fails], **warns), policy([lets, FAIL_ALL]), policy([fails])):
        assert ABSENT_CODE not in {part.code for part in judged(everything, written).conditions}


ABSENT_CODE = "condition.names-absent"


def test_a_guard_that_is_misspelt_is_told_where_a_skip_is_covered() -> None:
    guard = {"id": "r", "match": {"check": "*DiskPresure"}, "effect": "fail", "waivable": False}
    body = response(item(phase="Success"))
    for skipped, told in (([{"name": "NodeDiskPressure"}], True), ([], False)):
        body["spec"]["skippedCheckItemList"] = skipped
        verdict = judged(body, policy([guard], waivers=[waiver("w", "*")]))
        assert verdict.outcome == "pass"
        assert ("names-absent" in codes(verdict)) is told


@pytest.mark.parametrize(
    "left_out", [{"addon": "CoreDNS"}, {"addon": "coredns"}, {"node": {"uid": "n-9"}}]
)
def test_a_name_that_is_here_in_whatever_place_is_not_said_to_be_absent(left_out: Any) -> None:
    risks = {"addonRisks": [{"addonTemplateName": "coredns", "alias": "CoreDNS"}],
             "nodeRisks": [{"NodeID": "n-9"}]}  # fmt: skip
    body = response(item("A", riskSource=risks), item("B"), item("b", phase="Success"))
    written = policy(waivers=[waiver("w", ["A", "B"], **{"not": left_out})])
    assert "names-absent" not in codes(judged(body, written))


@pytest.mark.parametrize(
    ("left_out", "said"),
    [
        ({"message": {"regex": "disk|memory"}}, "disk|memory"),
        ({"message": "*full"}, None),
        ({"where": [{"path": "$.message", "matches": r"Disk\w* failed"}]}, r"Disk\w* failed"),
        ({"where": [{"path": "$.message", "matches": ".*other.*"}]}, None),
        ({"addon": "coredns"}, "coredns"),
        ({"addon": "everest"}, None),
    ],
)
def test_a_text_that_nothing_here_has_is_told_of_what_a_waiver_leaves_out(
    left_out: Any, said: str | None
) -> None:
    risks: dict[str, Any] = {
        "riskSource": {"addonRisks": [{"addonTemplateName": "everest", "alias": "CSI"}]}
    }
    body = response(
        item("N", message="it is full", **risks), item("M", message="some other", **risks),
        item("L", message="a third", riskSource={"addonRisks": [{"alias": "DNS"}]}),
    )  # fmt: skip
    excepting = waiver("w", "*", **{"not": left_out})
    verdict = judged(body, policy([{**FAIL_ALL, "effect": "warn"}], waivers=[excepting]))
    found = [part.params for part in verdict.conditions if part.code == ABSENT_CODE]
    assert [part["values"] for part in found] == ([[said]] if said else [])
    quantified = {"path": "$.message", "matches": "nothing", "quantifier": "none"}
    verdict = judged(body, policy(waivers=[waiver("w", "*", where=[quantified])]))
    (found_,) = (part for part in verdict.conditions if part.code == ABSENT_CODE)
    assert (found_.params["values"], found_.params["keys"]) == (["nothing"], ["matches"])


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"not": {"level": "Fatal", "kind": "Exception"}}, "not: kind, level"),
        ({"not": {"error_code": {"regex": "E"}}}, "not: error_code"),
        ({"not": {"cluster": {"regex": "5e8a|7c2"}}}, "not: cluster"),
        ({"any": [{"check": "M"}, {"check": "N", "not": {"level": "F*"}}]}, "not: level"),
        ({"where": [{"path": "$..alias", "not": {"equals": "coredns"}}]}, "$..alias"),
        ({"where": [{"path": "$..alias", "equals": "coredns", "quantifier": "none"}]}, "$..alias"),
        ({"where": [{"path": "$..[?(@.alias == 'coredns')]", "exists": False}]}, "@.alias =="),
        ({"where": [{"path": "$..alias", "count": {"le": 3}}]}, "$..alias"),
        ({"not": {"level": "Warning", "check": "M"}}, None),
        ({"not": {"error_code": "E*"}}, None),
        ({"where": [{"path": "$..alias", "not": {"equals": "CoreDNS"}}]}, None),
        ({"where": [{"path": "$..alias", "not": {"not": {"equals": "CSI"}}}]}, None),
        ({"where": [{"path": "$..alias", "exists": True}]}, None),
        ({"level": "Warning"}, None),
    ],
)
def test_a_used_waiver_that_leaves_nothing_out_is_told(asked: Any, said: str | None) -> None:
    """Whatever the slip: kinds that waivers never cover, part of a code, other capitals."""

    def of(alias: str) -> dict[str, Any]:
        return {"riskSource": {"addonRisks": [{"alias": alias}]}, "errorCodes": ["E1"]}

    body = response(item("N", **of("CSI")), item("M", **of("CoreDNS")))
    warns = [{**FAIL_ALL, "effect": "warn"}]
    verdict = judged(body, policy(warns, waivers=[waiver("w", "*", **asked)]))
    found = [part for part in verdict.conditions if part.code == "condition.exclusions-unmet"]
    texts = [str(part.params["values"]) for part in found]
    assert len(texts) == (said is not None), texts
    assert all(said in text for text in texts if said)
    # One that covers nothing has nothing to be told of.
    elsewhere = judged(body, policy(warns, waivers=[waiver("w", "*", **asked, cluster="c-9")]))
    assert "exclusions-unmet" not in codes(elsewhere)


def test_an_id_of_another_cluster_is_no_slip_and_a_name_is_one() -> None:
    uuid = "5e8a04d1-b1f3-11f1-a7c2-0255ac10017b"
    warns: dict[str, Any] = {"defaults": {"unmatched": "warn"}}
    for own, asked, told in (
        (uuid, "prod-eu", True),
        (uuid, uuid.replace("5", "6"), False),
        (uuid, "prod-*", False),
        ("c-1", "prod-eu", False),
    ):
        body = response(item())
        body["spec"]["clusterID"] = own
        rule = {"id": "r", "match": {"cluster": asked}, "effect": "fail"}
        verdict = judged(body, policy([rule], **warns))
        assert (ABSENT_CODE in {part.code for part in verdict.conditions}) is told


def test_brackets_of_a_message_that_cover_more_than_they_read_are_named() -> None:
    body = response(item(message="addon [ CoreDNS ] is old"), item(message="addon [ CSI ] fails"))
    verdict = judged(body, policy(waivers=[waiver(message="*[ CoreDNS ]*")]))
    (near,) = (part for part in verdict.conditions if part.code == "condition.names-nearly")
    assert near.params["values"] == ["*[ CoreDNS ]* → *[[] CoreDNS ]*"]


def test_an_abbreviation_is_no_slip_of_another() -> None:
    for asked, told in (("NodeGPUCheck", False), ("NodeCPUChek", True), ("NodeCpxCheck", True)):
        rule = {"id": "r", "match": {"check": asked}, "effect": "fail"}
        verdict = judged(
            response(item("NodeCPUCheck")), policy([rule], defaults={"unmatched": "warn"})
        )
        assert ("names-nearly" in codes(verdict)) is told


def test_a_slip_about_a_skipped_check_or_a_node_is_named() -> None:
    rule = {"id": "r", "match": {"check": "samplerisk"}, "effect": "fail", "waivable": False}
    body = response(nodes=[stage("n1", item("N", "Success"))])
    body["spec"]["skippedCheckItemList"] = [{"name": "SampleRisk"}]
    waived = [waiver("w", "Sample*", **{"not": {"check": "Samplerisk"}})]
    verdict = judged(body, policy([rule], waivers=waived))
    (near,) = (part for part in verdict.conditions if part.code == "condition.names-nearly")
    assert near.params["rules"] == ["r", "w"]
    body = response(nodes=[stage("n1", item("N"), name="prod-1")])
    verdict = judged(
        body, policy(waivers=[waiver("w", "N", **{"not": {"node": {"name": "Prod-1"}}})])
    )
    (near,) = (part for part in verdict.conditions if part.code == "condition.names-nearly")
    assert near.params["values"] == ["Prod-1 → prod-1"]
    for name in ("prod-", {"regex": "^prod-"}, {"regex": "prod-"}):
        spared = waiver("w", "N", **{"not": {"node": {"name": name}}})
        verdict = judged(body, policy(waivers=[spared]))
        assert verdict.outcome == "pass"
        assert any(part.code == "condition.names-nearly" for part in verdict.conditions)


def _near(body: dict[str, Any], *policies: bytes) -> list[Any]:
    conditions = judged(body, *policies).conditions
    return [part.params for part in conditions if part.code == "condition.names-nearly"]


def test_a_slip_is_named_in_whatever_order_findings_come() -> None:
    """Of very many findings too: what a rule can't tell apart is tried once."""
    told = [{"check": "Nodedisk", "node": {"name": "prod-*"}}, {"check": "Nodedisk", "level": "W*"}]
    rules = [{"id": f"r{at}", "match": match, "effect": "fail"} for at, match in enumerate(told)]
    rules += [{"id": "r2", "match": {"check": "Nodedisk", "level": "Fatal"}, "effect": "fail"}]
    warns = policy(rules, defaults={"unmatched": "warn"})
    alike = [stage(f"n{at}", item("NodeDisk", message=f"disk {at}")) for at in range(600)]
    prod = stage("p", item("NodeDisk"), name="prod-1")
    for nodes in ([prod, *alike], [*alike, prod]):
        (near,) = _near(response(nodes=nodes), warns)
        assert near["values"] == ["Nodedisk → NodeDisk"] * 2


def test_which_slip_is_named_does_not_hang_on_the_order_of_a_policy() -> None:
    body = response(item("NodeDisk"), item("ClusterRisk"))
    asked = [{"check": "ClusterRisko"}, {"check": "Nodedisk"}]
    for some in (asked, asked[::-1]):
        (near,) = _near(body, policy(waivers=[waiver("w", "*", any=some)]))
        assert near["values"] == ["ClusterRisko → ClusterRisk"]
    spelled = ["hazard", "exception", "Riks"]
    for kinds in (spelled, spelled[::-1]):
        rule = {"id": "r", "match": {"kind": kinds}, "effect": "fail"}
        (odd,) = (
            part.params["values"]
            for part in judged(body, policy([rule])).conditions
            if part.code == "condition.misspelt-values"
        )
        assert odd == ["Riks → Risk"]


@pytest.mark.parametrize(
    ("topic", "said"),
    [
        ("cce_10_487", "cce_10_487 → cce_10_0487"),
        ("cce_11_0487", "cce_11_0487 → cce_10_0487"),
        ("Discarded Kubernetes APIs", "Discarded Kubernetes APIs → cce_10_0487"),
        ("DeprecatedApiCheck", "DeprecatedApiCheck → cce_10_0487"),
        ("CCE_10_048?", "CCE_10_048? → cce_10_0480"),
        (["cce_10_0487", "x"], "x"),
        ({"regex": "ccf.*"}, "ccf.*"),
        ({"equals": "CCE_10_0487"}, "CCE_10_0487 → cce_10_0487"),
        ("cce_10_0487", None),
        ("cce_10_04*", None),
        ({"regex": "cce_.*"}, None),
    ],
)
def test_a_topic_that_the_catalogue_does_not_have_is_named(topic: Any, said: str | None) -> None:
    """It is never met, and under `not:` leaves nothing out: nothing here can have another."""
    for written in (
        policy([{"id": "r", "match": {"topic": topic}, "effect": "fail"}]),
        policy(waivers=[waiver("r", "*", **{"not": {"topic": topic}})]),
    ):
        conditions = judged(response(item("DeprecatedApiCheck")), written).conditions
        told = [part for part in conditions if part.code == "condition.misspelt-values"]
        assert [part.params["values"] for part in told] == ([[said]] if said else [])


def test_a_rule_that_stands_in_for_the_stricter_default_of_another_policy_is_named() -> None:
    """A second policy must not loosen the first unheard; its default is its own."""
    warns = {"id": "warns", "match": {"kind": "Risk"}, "effect": "warn"}
    notes = {"id": "notes", "match": {"check": "SampleCheck"}, "effect": "note"}
    fails = {"id": "fails", "match": {"check": "Other"}, "effect": "fail"}
    lenient: dict[str, Any] = {"defaults": {"unmatched": "note"}}

    def told(*policies: bytes, body: dict[str, Any] | None = None) -> Any:
        for given in (policies, policies[::-1]):
            verdict = judged(body or response(item()), *given)
            assert verdict.contradiction() is None
            found = [p for p in verdict.conditions if p.code == "condition.default-displaced"]
        return found[0].params if found else None

    one = {"count": 1, "rules": ["warns"]}
    assert told(policy([warns]), policy()) == one
    assert told(policy([warns]), policy([fails])) == one
    assert told(policy([warns]), policy([fails], defaults={"unmatched": "fail"}), policy()) == one
    assert told(policy([warns]), policy([fails], **lenient)) is None
    assert told(policy([warns], **lenient), policy(defaults={"unmatched": "warn"})) is None
    assert told(policy([notes], **lenient), policy(defaults={"unmatched": "warn"})) == {
        "count": 1,
        "rules": ["notes"],
    }
    # Its own rule spoke, whatever the other one says beside it.
    assert told(policy([warns]), policy([notes])) is None
    assert told(policy([warns]), policy([notes]), policy()) == {
        "count": 2,
        "rules": ["notes", "warns"],
    }
    # What is open has not spoken: its policy alone would have taken its default.
    is_open = {"id": "open", "match": {"error_code": "E1"}, "effect": "warn"}
    assert told(policy([warns]), policy([is_open])) == one
    # Alone, failed, waived: nothing is let through by a rule.
    assert told(policy([warns])) is None
    assert told(policy([warns]), policy([{**fails, "match": {"check": "*"}}])) is None
    assert told(policy([warns]), policy(waivers=[waiver()])) is None
    passed = response(item(phase="Success"))
    phase = {**warns, "match": {"phase": "Success", "check": "SampleCheck"}}
    assert told(policy([phase]), policy(), body=passed) is None


def test_findings_under_an_exceeded_limit_name_the_default() -> None:
    """No line of the policy says `warn` of them: only its default does."""
    limit = {
        "id": "few",
        "match": {"check": "SampleCheck"},
        "limit": {"of": "findings", "max": 1},
        "effect": "fail",
        "below": "note",
    }
    body = response(item(), item(message="another"))
    warns: dict[str, Any] = {"defaults": {"unmatched": "warn"}}
    verdict = judged(body, policy([limit], **warns))
    (check,) = (part for part in verdict.checks if part.entries)
    assert {entry.why.code for entry in check.entries} == {"decided.limit-exceeded"}
    assert check.entries[0].why.params == {"effect": "warn", "rules": ["few"]}
    assert (verdict.rules[0].hits, verdict.rules[0].decided) == (2, 0)
    assert verdict.contradiction() is None
    # The rule that says so itself stays named.
    verdict = judged(
        body, policy([limit, {"id": "own", "match": {"kind": "Risk"}, "effect": "warn"}], **warns)
    )
    (check,) = (part for part in verdict.checks if part.entries)
    assert check.entries[0].why.params == {"effect": "warn", "rules": ["own"]}
    verdict = judged(body, policy([limit]))
    assert [reason.why.code for reason in verdict.reasons] == ["decided.limit-exceeded", "why.rule"]


def test_what_a_rule_asks_over_several_lines_is_no_slip() -> None:
    rule = {"id": "r", "match": {"message": {"regex": ".*forbidden.*"}}, "effect": "fail"}
    verdict = judged(response(item(message="a\nforbidden\nb")), policy([rule]))
    assert "names-nearly" not in codes(verdict)


@pytest.mark.parametrize(
    ("left_out", "said"),
    [
        ({"not": {"level": "Critical"}}, "Critical"),
        ({"not": {"any": [{"check": "X"}, {"group": ["NodeCheck", "Cluster"]}]}}, "Cluster"),
        ({"not": {"node": {"type": "worker"}}}, "worker"),
        ({"where": [{"path": "$.level", "not": {"in": ["Fatal", "Critical"]}}]}, "Critical"),
        ({"where": [{"path": "$.level", "equals": "Critical", "quantifier": "none"}]}, "Critical"),
        ({"not": {"where": [{"path": "$.level", "equals": "Critical"}]}}, "Critical"),
        ({"not": {"not": {"level": "Critical"}}}, None),
        ({"not": {"level": "Fatal"}}, None),
        ({"not": {"level": "Crit*"}}, "Crit*"),
        ({"not": {"level": {"regex": "Critical|High"}}}, "Critical|High"),
        ({"not": {"level": {"regex": "Critical|Fatal"}}}, None),
        ({"not": {"phase": "Error"}}, "Error"),
        ({"where": [{"path": "$.level", "not": {"matches": "Crit.*"}}]}, "Crit.*"),
        ({"where": [{"path": "$.message", "not": {"equals": "Critical"}}]}, None),
    ],
)
def test_what_is_left_out_in_vain_is_named(left_out: Any, said: str | None) -> None:
    """A waiver then covers more than it reads, a warning softens more."""
    rule = {"id": "r", "match": left_out, "effect": "warn"}
    for written in (policy([rule]), policy(waivers=[waiver("r", "*", **left_out)])):
        verdict = judged(response(item()), written)
        found = [part for part in verdict.conditions if part.code == "condition.excluded-values"]
        assert [part.params["values"] for part in found] == [[said]] * (said is not None)
    learnt = judged(response(item(level="Critical")), policy([rule]))
    if said == "Critical":
        assert "Critical" not in str([part.text for part in learnt.conditions])


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ({"path": "$.riskSource.deprecatedApiRisks", "exists": False},
         "deprecatedApiRisks → deprecatedAPIRisks"),
        ({"path": "$.riskSource.nodeRisk[*]", "count": {"le": 3}}, "nodeRisk → nodeRisks"),
        ({"path": "$..userAgents", "exists": False}, "userAgents → userAgent"),
        ({"path": "$.status.phases", "on": "response", "exists": False}, "phases → phase"),
        ({"path": "$.learnt", "exists": True}, None),
        ({"path": "$.riskSource.deprecatedAPIRisks", "exists": False}, None),
    ],
)  # fmt: skip
def test_a_field_nobody_has_is_named(where: Any, said: str | None) -> None:
    for written in (
        policy([{"id": "r", "match": {"where": [where]}, "effect": "warn"}]),
        policy(waivers=[waiver("r", where=[where])]),
    ):
        verdict = judged(response(item(learnt="x")), written)
        found = [part for part in verdict.conditions if part.code == "condition.unknown-fields"]
        assert [part.params["values"] for part in found] == [[said]] * (said is not None)


@pytest.mark.parametrize(
    ("bound", "named"),
    [("110", True), ("v1.9", True), ("1.31.4-r2", True), ("90%", True), ("90 Mi", True),
     (110, False), ("b", False), ("2026-01-01", False), ("12:30", False)],
)  # fmt: skip
def test_a_number_that_texts_are_ordered_by_is_named(bound: Any, named: bool) -> None:
    """Letter by letter "1000" is below "110"."""
    where = [{"path": UNLIKE, "lt": bound}]
    risks = {"configurationRisks": [{"value": "1000"}]}
    verdict = judged(response(item(riskSource=risks)), policy(waivers=[waiver(where=where)]))
    assert ("ordered-texts" in codes(verdict)) is named
    other = judged(response(item()), policy(waivers=[waiver(where=where)]))
    assert "ordered-texts" not in codes(other)


UNLIKE = "$.riskSource.configurationRisks[*].value"


@pytest.mark.parametrize(
    ("match", "said"),
    [
        ({"where": [{"path": UNLIKE, "equals": 110}]}, True),
        ({"where": [{"path": UNLIKE, "ge": 100}]}, True),
        ({"any": [{"where": [{"path": UNLIKE, "equals": 110}]}, {"level": "Info"}]}, True),
        ({"where": [{"path": "$.kind", "on": "response", "equals": True}]}, True),
        ({"where": [{"path": UNLIKE, "equals": "110"}]}, False),
        ({"where": [{"path": UNLIKE, "equals": "111"}]}, False),
        ({"where": [{"path": "$.mixed[*]", "equals": 1}]}, False),
        ({"where": [{"path": "$.mixed[*]", "equals": 2}]}, True),
        ({"where": [{"path": UNLIKE, "in": [110, "110"]}]}, False),
        ({"check": "Other", "where": [{"path": UNLIKE, "equals": 110}]}, False),
        ({"where": [{"path": "$.riskSource.nodeRisks[*].NodeID", "equals": 1}]}, False),
    ],
)
def test_values_of_another_type_are_named(match: Any, said: bool) -> None:
    """A number never equals the text that shows it: the rule looks right, and never holds."""
    risks = {"configurationRisks": [{"value": "110"}]}
    rule = {"id": "r", "match": match, "effect": "fail"}
    verdict = judged(response(item(riskSource=risks, mixed=[1, "1"])), policy([rule]))
    found = [part for part in verdict.conditions if part.code == "condition.unlike-values"]
    assert [part.params["rules"] for part in found] == [["r"]] * said


def test_an_instant_ahead_of_the_clock_is_named() -> None:
    """A waiver that only begins then counts then: who signs today has to know."""
    later = judged(response(), at="2026-03-01T10:35:01Z")
    assert later.instant.postdated
    assert "postdated" in codes(later)
    assert not judged(response(), at="2026-03-01T10:35:00Z").instant.postdated
    ahead = response()
    ahead["metadata"]["updateTimestamp"] = "2099-01-01 00:00:00 +0000 UTC"
    assert judged(ahead, at="response").instant.postdated


def test_a_version_nobody_can_read_is_named_where_a_range_was_asked_for() -> None:
    body = response(spec={"targetVersion": "v1.29.4-r0.1"})
    rule = {"id": "r", "match": {"target_version": ">=1.29"}, "effect": "fail"}
    verdict = judged(body, policy([rule]))
    (said,) = [part for part in verdict.conditions if part.code.endswith("unreadable-version")]
    assert said.params["version"] == "v1.29.4-r0.1"
    assert "unreadable-version" not in codes(judged(response(), policy([rule])))
    assert "unreadable-version" not in codes(judged(body, policy()))


def test_a_postponed_rule_is_named_with_its_date() -> None:
    rule = {**FAIL_ALL, "effective_on": "2099-01-01"}
    verdict = judged(response(item()), policy([rule]))
    assert verdict.outcome == "pass"
    said = next(part for part in verdict.conditions if part.code.endswith("rules-postponed"))
    assert "2099-01-01" in said.text


def test_a_postponed_limit_is_named_with_its_date() -> None:
    limited = {"id": "r", "match": {"kind": "Risk"}, "effect": "fail", "reason": "r",
               "effective_on": "2099-01-01", "limit": {"of": "findings", "max": 1}}  # fmt: skip
    for count, told in ((1, False), (2, True)):
        verdict = judged(
            response(*[item()] * count), policy([limited], defaults={"unmatched": "note"})
        )
        late = [part for part in verdict.conditions if part.code.endswith("rules-postponed")]
        assert [part.params["dates"] for part in late] == [["2099-01-01"]] * told
        assert ("limit-warnings" in codes(verdict)) is told


def test_an_instant_before_the_check_is_said() -> None:
    assert "before-check" in codes(judged(response(), at="2020-01-01"))
    assert "before-check" not in codes(judged(response(), at="response"))
    created = response()
    created["metadata"] = {"uid": "t", "creationTimestamp": "2099-01-01 00:00:00 +0000 UTC"}
    assert "before-check" in codes(judged(created))


def test_a_waiver_for_anything_and_one_for_ever_are_marked() -> None:
    verdict = judged(response(item()), policy(waivers=[waiver(check="*", expires="9999-12-31")]))
    assert verdict.waivers[0].marks == ["permanent", "broad"]
    assert {"waivers-broad", "waivers-permanent"} <= set(codes(verdict))


@pytest.mark.parametrize("key", ["reason", "approved_by", "ticket", "id"])
def test_blank_words_are_no_words(key: str) -> None:
    with pytest.raises(PolicyError, match="blank"):
        judged(response(item()), policy(waivers=[waiver() | {key: " \u200b"}]))


@pytest.mark.parametrize("key", ["check", "kind", "message"])
def test_a_broken_regex_is_a_policy_error_whatever_the_effect(key: str) -> None:
    rule = {"id": "r", "match": {key: {"regex": "(?=a)b"}}, "effect": "note"}
    with pytest.raises(PolicyError, match="RE2 can't use"):
        judged(response(item()), policy([rule]))


def test_a_phase_where_none_is_documented_is_not_overheard() -> None:
    body = response(nodes=[stage("a", item(phase="Success")) | {"phase": "Failed"}])
    assert judged(body).outcome == "inconclusive"


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ("@.value > 110", "unlike-values"),
        ("@.value > '110'", "ordered-texts"),
        ("@.value == '110'", None),
        ("@.unheard > 110", None),
    ],
)
def test_what_a_filter_compares_is_told_as_well(asked: str, code: str | None) -> None:
    where = {"path": f"$.riskSource.configurationRisks[?({asked})]", "exists": False}
    risks = {"configurationRisks": [{"value": "1000"}]}
    body = response(item(riskSource=risks))
    found = codes(judged(body, policy(waivers=[waiver(where=[where])])))
    assert {"unlike-values", "ordered-texts"} & set(found) == ({code} if code else set())
