"""What several waivers say of themselves beside one another."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import yaml

from reporter.policy.evaluate import evaluate
from reporter.policy.load import Policy
from reporter.policy.stubs import Stubs
from reporter.precheck.response import Sidecar
from reporter.record.model import Entry, Node, Place, Risks, Verdict
from reporter.sources.read import read
from tests.policy.build import AT, item, judged, policy, response, stage, waiver


def test_a_waiver_that_is_used_hides_nothing_of_the_others() -> None:
    waivers = [
        waiver("used"),
        waiver("narrow", message="other"),
        waiver("passing", "SampleAddon"),
        waiver("gone", "Gone"),
    ]
    verdict = judged(response(item()), policy(waivers=waivers))
    assert {use.id: use.why.code.removeprefix("waiver-status.") for use in verdict.waivers} == {
        "used": "used-findings",
        "narrow": "unused-elsewhere",
        "passing": "unused-passes",
        "gone": "unused-absent",
    }


@pytest.mark.parametrize(
    ("key", "value"), [("uid", "a"), ("name", "name-a"), ("status", "Active"), ("type", "node")]
)
def test_every_key_of_a_node_is_asked(key: str, value: str) -> None:
    for asked, outcome in ((value, "pass"), ("other", "fail")):
        body = response(nodes=[stage("a", item())])
        assert judged(body, policy(waivers=[waiver(node={key: asked})])).outcome == outcome


def test_of_many_waivers_for_other_nodes_the_first_are_named() -> None:
    """A list that waives node by node, and nodes that are not on it."""
    nodes = [stage(f"n-{number}", item()) for number in range(30)]
    listed = [
        waiver(f"w-{number:02}", node={"uid": {"equals": f"n-{number}"}}) for number in range(25)
    ]
    listed.append(waiver("w-old", node={"name": "name-n-29"}, expires="2026-02-02"))
    verdict = judged(response(nodes=nodes), policy(waivers=listed))
    entries = {
        place.nodes[0].uid: entry
        for check in verdict.checks
        for entry in check.entries
        for place in entry.places
    }
    assert [entries[f"n-{number}"].waived_by for number in (0, 24)] == [["w-00"], ["w-24"]]
    missed = {miss.waiver: miss.why.text for miss in entries["n-29"].near_misses}
    assert list(missed) == [*(f"w-{number:02}" for number in range(20)), "w-old"]
    assert missed["w-old"].startswith("it expired")
    assert missed["w-03"] == "it is for node.uid n-3"
    assert missed["w-19"] == ("it is for something else, and so are 5 more that name this check")


@pytest.mark.parametrize(
    ("risks", "named"),
    [
        ({"nodeRisks": [{"NodeID": "n-1"}]}, "node:"),
        ({"nodeRisks": [{"NodeID": "n-1"}, {}]}, None),
        ({"addonRisks": [{"addonTemplateName": "coredns", "alias": "CoreDNS"}]}, "coredns"),
        ({"addonRisks": [{"alias": "CoreDNS"}]}, "CoreDNS"),
        ({"addonRisks": [{"addonTemplateName": "everest"}, {"alias": ""}]}, None),
        ({}, "scope: cluster"),
    ],
)
def test_a_stub_is_for_what_can_be_named(risks: Any, named: str | None) -> None:
    """What it can't name it would cover wherever it stands."""
    entry = judged(response(item(riskSource=risks))).checks[0].entries[0]
    assert (entry.waiver_stub is None) == (named is None)
    assert named is None or named in str(entry.waiver_stub)


def _stubs(verdict: Verdict) -> dict[str | None, str | None]:
    return {e.message: e.waiver_stub for check in verdict.checks for e in check.entries}


def test_a_stub_covers_what_it_stands_below_alone() -> None:
    found = response(
        item(message="the version is old"), item(message="volumes will be lost"),
        item(message="of another level", level="Info"),
    )  # fmt: skip
    for message, stub in _stubs(judged(found)).items():
        assert stub is not None
        assert ("message:" in stub) is (message != "of another level")
        rules = policy(waivers=yaml.safe_load(stub.replace("TODO", "told")))
        waived = {e.message: e.outcome for c in judged(found, rules).checks for e in c.entries}
        assert [said for said, outcome in waived.items() if outcome == "waived"] == [message]
    # What the message does not tell apart can't be waived by a stub.
    alike = response(item(message="same"), item(message="same", errorCodes=["E1"]))
    assert _stubs(judged(alike)) == {"same": None}


def test_a_stub_for_an_addon_asks_for_the_message_whichever_name_another_has() -> None:
    one, both = {"alias": "CoreDNS"}, {"addonTemplateName": "coredns", "alias": "CoreDNS"}
    found = response(
        item(message="a", riskSource={"addonRisks": [one]}),
        item(message="b", riskSource={"addonRisks": [both]}),
        item(message="c", riskSource={"addonRisks": [{"addonTemplateName": "everest"}]}),
    )
    told = {message: "message:" in str(stub) for message, stub in _stubs(judged(found)).items()}
    assert told == {"a": True, "b": False, "c": False}


def test_stubs_of_two_levels_on_one_node_are_compared_a_few_times_each() -> None:
    entries = [
        Entry.model_construct(
            outcome="fail", kind="Risk", level=level, message=f"{level} {number}", places=places,
            risks=Risks(),
        )
        for level in ("Fatal", "Warning")
        for number, places in ((number, [_place("n-1")]) for number in range(3_000))
    ]  # fmt: skip
    stubs = Stubs("A", "node", entries, AT)
    assert all("message:" in str(stubs.of(entry)) for entry in entries)


def _place(uid: str) -> Place:
    return Place(pointer="/x", nodes=[Node(uid=uid)])


def test_a_stub_for_a_node_asks_for_the_message_where_another_finding_is_of_the_same_node() -> None:
    found = response(
        nodes=[
            stage("n-1", item(message="a"), item(message="b")),
            stage("n-2", item(message="a")),
            stage("n-3", item(message="c")),
        ]
    )
    stubs = _stubs(judged(found))
    told = {message: "message:" in str(stub) for message, stub in stubs.items()}
    assert told == {"a": True, "b": True, "c": False}


def test_a_waiver_for_a_cluster_two_witnesses_differ_about() -> None:
    body = read(json.dumps(response(item())).encode(), name="r.json")
    for noted, outcome in ((None, "waived"), ("c-1", "waived"), ("c-2", "fail")):
        note = Sidecar(noted, None, None, None, "r.json.meta.json", b"{}")
        task = replace(body, source=replace(body.source, sidecar=note))
        for cluster in ("c-1", "c-2"):
            rules = Policy.parse(policy(waivers=[waiver(cluster=cluster)]))
            verdict = evaluate(task, rules, at=AT, now=AT)
            expected = outcome if cluster == "c-1" else "fail"
            assert verdict.checks[0].outcome == expected
            said = [part.text for part in verdict.conditions]
            told = "The note of fetch is about another cluster (c-2) than the response (c-1)"
            assert (told in said) is (noted == "c-2")


@pytest.mark.parametrize("uid", ["n-1 ", "n-1\u200b", "n-\u0430"])
@pytest.mark.parametrize("key", ["uid", "name"])
def test_a_node_that_is_not_what_it_looks_like_is_left_open(key: str, uid: str) -> None:
    """It may be the node that a rule or a waiver's `not:` names."""
    info = {"uid": "n-5", "name": "n-5"} | {key: uid}
    body = response(nodes=[stage(info.pop("uid"), item(), **info)])
    rule = {"id": "r", "match": {"node": {key: "n-1"}}, "effect": "fail"}
    lenient: dict[str, Any] = {"defaults": {"unmatched": "warn"}}
    assert judged(body, policy([rule], **lenient)).outcome == "fail"
    assert judged(body, policy([{**rule, "effect": "note", "reason": "r"}])).outcome == "fail"
    for match in ({"not": {"node": {key: "n-1"}}}, {"node": {key: "*"}}, {"node": {key: "n-*"}}):
        assert judged(body, policy(waivers=[waiver(**match)])).outcome == "fail"
    assert judged(body, policy(waivers=[waiver()])).checks[0].outcome == "waived"
    assert judged(body).checks[0].entries[0].waiver_stub is None or key == "name"


@pytest.mark.parametrize(
    ("key", "plain", "odd"),
    [
        ("cluster", "c-1", ("c-1 ", "c-1\u200b", "\u0441-1", "C-1")),
        ("addon", "everest", ("everest ", "\u0435verest")),
        ("error_code", "CCE.1", ("CCE.1 ", "\u0421CE.1")),
        ("node", "master", ("master ", "m\u0430ster")),
    ],
)
def test_what_is_not_what_it_looks_like_is_left_open(
    key: str, plain: str, odd: tuple[str, ...]
) -> None:
    asked: Any = {"type": plain} if key == "node" else plain
    rule = {"id": "r", "match": {key: asked}, "effect": "fail"}
    lenient: dict[str, Any] = {"defaults": {"unmatched": "warn"}}
    left_out = waiver() | {"not": {key: asked}}
    for value, outcome in ((plain, "fail"), ("else", "warn"), *((one, "fail") for one in odd)):
        part = item(
            errorCodes=[value],
            riskSource={"addonRisks": [{"addonTemplateName": value, "alias": value}]},
        )
        node = stage("n-1", item("SampleNode"), nodeType=value)
        body = response(part, nodes=[node], spec={"clusterID": value})
        name = "SampleNode" if key == "node" else "SampleCheck"
        for given, expected in (
            (policy([rule], **lenient), outcome),
            (
                policy(waivers=[left_out | {"check": "Sample*"}]),
                "waived" if outcome == "warn" else "fail",
            ),
        ):
            found = {check.name: check.outcome for check in judged(body, given).checks}
            assert found[name] == expected, value


def test_a_node_may_be_called_in_chinese() -> None:
    body = response(nodes=[stage("n-1", item(), name="\u751f\u4ea7-web01")])
    covered = judged(body, policy(waivers=[waiver(node={"name": "\u751f\u4ea7-web01"})]))
    assert covered.checks[0].outcome == "waived"


def test_a_skip_of_such_a_node_is_not_covered_by_a_waiver_that_leaves_one_out() -> None:
    for uid, outcome in (("n-2", "waived"), ("n-1\u200b", "fail")):
        selector = {"key": "node.uid", "operator": "In", "values": [uid]}
        body = response(
            spec={"skippedCheckItemList": [{"name": "S", "resourceSelector": selector}]}
        )
        left_out = waiver(check="S") | {"not": {"node": {"uid": "n-1"}}}
        assert judged(body, policy(waivers=[left_out])).skipped[0].outcome == outcome


def test_an_identity_that_is_off_is_told_where_the_policy_is_for_a_cluster() -> None:
    for scope in ({"cluster": "c-9"}, {"target_version": "1.40"}):
        scoped = judged(response(), policy(applies_to=scope, evidence={"identity": "off"}))
        assert "condition.scope-not-checked" in [part.code for part in scoped.conditions]
