"""The derivation of a finding: it tells what the evaluator did, and where that stands."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, reject, settings

from reporter.errors import InputError, PolicyError
from reporter.policy.evaluate import judge
from reporter.policy.explain import Explanation, KeyTried, RuleTried, explain
from reporter.policy.load import Policy
from reporter.record.model import Instant
from reporter.sources.read import read
from tests.examples import examples
from tests.policy.build import AT, item, policy, response, stage, waiver
from tests.slow import generator

INSTANT = Instant(at=AT, basis="given", backdated=False)


def explained(
    body: dict[str, Any],
    *policies: bytes,
    check: str = "SampleCheck",
    node: str | None = None,
    waiver_files: tuple[bytes, ...] = (),
) -> Explanation:
    return explain(
        read(json.dumps(body).encode(), name="response.json"),
        Policy.parse(*(policies or (policy(),)), waivers=waiver_files),
        check=check,
        node=node,
        instant=INSTANT,
    )


def rules(explanation: Explanation) -> dict[str, RuleTried]:
    return {rule.id: rule for rule in explanation.derivations[0].rules}


def keys(tried: tuple[KeyTried, ...]) -> dict[str, tuple[str, str, str]]:
    return {key.key: (key.fits, key.wanted, key.found) for key in tried}


def steps(explanation: Explanation) -> dict[str, str]:
    return {step.name: step.says for step in explanation.derivations[0].steps}


def rule(name: str, effect: str = "fail", **match: Any) -> dict[str, Any]:
    return {"id": name, "effect": effect, "match": match}


def test_every_rule_says_which_key_decided() -> None:
    tried = rules(
        explained(
            response(item(errorCodes=None, level=None)),
            policy(
                [
                    rule("yes", kind="Risk", check="Sample*"),
                    rule("no", kind="Exception", check=["A", {"equals": "B"}, {"regex": "C+"}]),
                    rule("open", "warn", level="Warning"),
                    rule("open-note", "note", error_code="E1"),
                ]
            ),
        )
    )
    assert (tried["yes"].fits, tried["yes"].counts) == ("yes", True)
    assert keys(tried["yes"].keys) == {
        "check": ("yes", "Sample*", "SampleCheck"),
        "kind": ("yes", "Risk", "Risk"),
    }
    assert (tried["no"].fits, tried["no"].counts) == ("no", False)
    assert keys(tried["no"].keys) == {
        "check": ("no", "A or B or /C+/", "SampleCheck"),
        "kind": ("no", "Exception", "Risk"),
    }
    assert (tried["open"].fits, tried["open"].counts) == ("open", True)
    assert keys(tried["open"].keys) == {"level": ("open", "Warning", "missing")}
    assert (tried["open-note"].fits, tried["open-note"].counts) == ("open", False)
    assert tried["open-note"].note == "open: a note rule has to match surely"


def test_nested_keys_and_nodes() -> None:
    body = response(nodes=[stage("n-1", item())])
    tried = rules(
        explained(
            body,
            policy(
                [
                    {
                        "id": "r",
                        "effect": "fail",
                        "match": {
                            "node": {"name": "name-*", "uid": "n-2"},
                            "not": {"kind": "Risk", "level": "Fatal"},
                            "any": [{"scope": "cluster"}, {"scope": "node"}],
                        },
                    }
                ]
            ),
        )
    )["r"]
    assert keys(tried.keys)["node"] == ("no", "uid n-2, name name-*", "uid n-1 name name-n-1")
    inner = {key.key: key for key in tried.keys}
    assert inner["not"].fits == "yes"
    assert keys(inner["not"].inner)["level"] == ("no", "Fatal", "Warning")
    assert inner["any"].fits == "yes"
    assert [part.fits for part in inner["any"].inner] == ["no", "yes"]


def test_the_steps_and_where_they_stand() -> None:
    found = explained(
        response(item()),
        policy([rule("a", "warn", kind="Risk"), rule("b", level="Warning")]),
    )
    said = {step.name: step for step in found.derivations[0].steps}
    assert said["rules"].says == "fail, by b, the strictest of 2 that match"
    assert said["rules"].places == ("policy-1.yaml:10",)
    assert said["doubt"].says == "none"
    assert said["waivers"].says == "none covers it; one could"
    assert said["outcome"].says == "fail: rule b says fail"


@pytest.mark.parametrize(
    ("more", "place"),
    [
        ({"defaults": {"unmatched": "warn"}}, "policy-1.yaml:6:14"),
        ({}, "the language's own default"),
    ],
)
def test_the_default_stands_somewhere(more: dict[str, Any], place: str) -> None:
    found = explained(response(item()), policy(**more))
    step = next(part for part in found.derivations[0].steps if part.name == "default")
    assert step.places == (place,)
    assert "no rule matches" in step.says


def test_an_open_warning_does_not_soften_the_default() -> None:
    found = explained(response(item()), policy([rule("open", "warn", error_code="E1")]))
    assert rules(found)["open"].note == "open: it does not soften the default"
    assert steps(found)["rules"] == "warn, by open"
    assert steps(found)["default"] == "fail, and no rule softens it"


def test_doubt_that_a_rule_settled() -> None:
    odd = item(level="Critical")
    assert steps(explained(response(odd)))["doubt"] == (
        "level Critical is not one the API documents"
    )
    settled = steps(explained(response(odd), policy([rule("all", check="*")])))
    assert settled["doubt"].startswith("settled by a rule that says fail; else: level Critical")
    assert settled["waivers"] == "none can: a waiver never lifts doubt about what a finding means"


def test_supposing_fewer_rules_needs_no_reason_for_an_exception() -> None:
    body = response(item(kind="Exception"))
    found = explained(
        body, policy([rule("all", kind="Exception"), rule("named", "warn", check="SampleCheck")])
    )
    assert steps(found)["doubt"] == "none"


def test_a_rule_that_forbids_waivers_is_named() -> None:
    found = explained(response(item()), policy([rule("hard", kind="Risk") | {"waivable": False}]))
    step = next(part for part in found.derivations[0].steps if part.name == "waivers")
    assert step.says == "none can: a rule forbids waivers for it"
    assert step.places == ("policy-1.yaml:6",)


def test_waivers_say_what_each_lacks() -> None:
    waivers = [
        waiver("w-covers", scope="node"),
        waiver("w-expired", expires="2026-02-20"),
        waiver("w-node", node={"uid": "n-2"}),
        waiver("w-other", "SampleOther"),
    ]
    body = response(nodes=[stage("n-1", item())])
    found = explained(body, policy(waivers=waivers[1:]))
    tried = {part.id: part for part in found.derivations[0].waivers}
    assert found.other_waivers == 1
    assert tried["w-expired"].lacks == "it expired 8 days ago (2026-02-20)"
    assert tried["w-node"].lacks == "it is for node.uid n-2"
    assert keys(tried["w-node"].keys)["node"] == ("no", "uid n-2", "uid n-1")
    covered = explained(body, policy(waivers=waivers)).derivations[0]
    assert covered.outcome == "waived"
    assert {part.id: part.lacks for part in covered.waivers} == {
        "w-covers": None,
        "w-expired": "expired",
        "w-node": "it is for node uid n-2",
    }


def test_of_very_many_waivers_those_are_told_that_matter() -> None:
    """Findings times waivers is more than anybody reads; what is left out is counted."""
    listed = [waiver(f"w{at:02}", node={"name": f"name-n{at}"}) for at in range(40)]
    body = response(nodes=[stage(f"n{at}", item()) for at in range(25, 60)])
    told = explained(body, policy(waivers=listed)).derivations
    assert [len(part.places) for part in told] == [20, *[1] * 15]
    for part in told[1:]:
        (covering,) = (one.id for one in part.waivers if one.covers)
        assert part.places[0].nodes[0].name == f"name-n{covering[1:]}"
    assert {len(part.waivers) + part.more_waivers for part in told} == {40}
    assert {part.more_waivers for part in told} == {20}
    few = explained(body, policy(waivers=listed[:20])).derivations
    assert {(len(part.waivers), part.more_waivers) for part in few} == {(20, 0)}


def test_of_very_many_rules_those_are_told_that_may_be_for_the_node() -> None:
    rules = [
        {"id": f"r{at:02}", "match": {"node": {"name": f"name-n{at}"}}, "effect": "fail"}
        for at in range(70)
    ]
    body = response(nodes=[stage(f"n{at}", item()) for at in (3, 5)])
    told = explained(body, policy(rules)).derivations
    assert [[one.id for one in part.rules if one.counts] for part in told] == [["r03"], ["r05"]]
    assert [(len(part.rules), part.more_rules) for part in told] == [(1, 69)] * 2
    (part,) = explained(body, policy(rules[:60])).derivations[:1]
    assert (len(part.rules), part.more_rules) == (60, 0)
    forbids = {"id": "z", "match": {"error_code": "E"}, "effect": "note", "waivable": False}
    for more in ({}, {"match": {"error_code": "E2"}}):
        wide = [
            {"id": f"r{at:02}", "match": {"kind": "Exception"}, "effect": "fail"} | more
            for at in range(70)
        ]
        (part,) = explained(body, policy([*wide, forbids])).derivations
        assert "z" in {one.id for one in part.rules}
    wide = [
        {"id": f"r{at:02}", "match": {"kind": "Exception"}, "effect": "fail"} for at in range(70)
    ]
    (part,) = explained(body, policy(wide)).derivations
    assert (len(part.rules), part.more_rules) == (60, 10)


def test_an_exceeded_limit_leaves_it_to_the_default() -> None:
    limit = {**rule("few"), "limit": {"of": "findings", "max": 0}, "below": "note"}
    limit["match"] = {"check": "SampleCheck"}
    told = explained(response(item()), policy([limit], defaults={"unmatched": "warn"}))
    says = steps(told)
    assert says["rules"] == "none says anything of single findings: few"
    assert says["default"] == (
        "the limit few is exceeded and says nothing of single findings; the policy's default is "
        "warn"
    )
    assert says["outcome"] == f"warn: {says['default']}"


def test_a_pass_is_explained_too() -> None:
    found = explained(response(item(phase="Success")), policy([rule("a", kind="Risk")]))
    (derivation,) = found.derivations
    assert derivation.outcome == "pass"
    assert derivation.rules[0].note == "a rule without the key phase looks at Failed findings only"
    assert steps(found)["phase"] == "Success: a pass"


def test_groups_and_one_node() -> None:
    body = response(
        nodes=[
            stage("n-1", item()),
            stage("n-2", item(phase="Success")),
            stage("n-3", item(message="else")),
        ]
    )
    found = explained(body)
    assert [(part.outcome, len(part.places)) for part in found.derivations] == [
        ("fail", 2),
        ("pass", 1),
    ]
    assert found.derivations[0].other_messages == 1
    for name in ("n-3", "name-n-3"):
        (one,) = explained(body, node=name).derivations
        assert one.message == "else"


def test_unknown_names() -> None:
    body = response(item(), nodes=[stage("node-1", item("SampleNode"))])
    with pytest.raises(PolicyError, match='no check "SampleChek"; did you mean "SampleCheck"'):
        explained(body, check="SampleChek")
    with pytest.raises(PolicyError, match='on a node "node-2"; did you mean "node-1"') as caught:
        explained(body, check="SampleNode", node="node-2")
    assert caught.value.hint == "it was seen on name-node-1"
    many = response(
        nodes=[stage(f"n-{number}", item("SampleNode")) for number in range(10)]
        + [stage("n-0", item("SampleNode")), stage("", item("SampleNode"), name="n-x")]
        + [stage("n-y", item("SampleNode"), name=None)]
    )
    with pytest.raises(PolicyError) as caught:
        explained(many, check="SampleNode", node="zz")
    names = ", ".join(["n-x", "n-y", *(f"name-n-{number}" for number in range(6))])
    assert caught.value.hint == f"it was seen on {names} and 4 more"
    with pytest.raises(PolicyError) as caught:
        explained(body, node="node-1")
    assert caught.value.hint == "it was seen on no node at all"


def test_a_check_that_was_only_skipped() -> None:
    body = response(spec={"skippedCheckItemList": [{"name": "SampleCheck"}]})
    found = explained(body, policy(waivers=[waiver("w-1"), waiver("w-2", kind="Risk")]))
    assert found.derivations == ()
    (skip,) = found.skips
    assert skip.outcome == "waived"
    assert [(part.id, part.covers) for part in skip.waivers] == [("w-1", True)]
    found = explained(body, policy(waivers=[waiver("w-2", kind="Risk")]))
    assert found.skips[0].waivers[0].lacks == (
        "it asks for kind, and a skipped check leaves no finding"
    )


def _dump(document: dict[str, Any]) -> bytes:
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True).encode()


@settings(max_examples=examples(60), deadline=None, suppress_health_check=list(HealthCheck))
@given(case=generator.cases())
def test_it_tells_what_the_evaluator_did(case: dict[str, Any]) -> None:
    policies = Policy.parse(
        *[_dump(part) for part in case["policies"]],
        waivers=[_dump(part) for part in case["waiver_lists"]],
    )
    try:
        body = read(json.dumps(case["response"]).encode())
    except InputError:
        reject()
    at = case["at"] if isinstance(case["at"], datetime) else AT
    instant = Instant(at=at.astimezone(UTC), basis="given", backdated=False)
    judgement = judge(body, policies, instant=instant)
    decided = {part.finding.pointer: part for part in judgement.decided}
    names = {part.target.check for part in judgement.decided if part.target.check is not None}
    for name in sorted(names)[:3]:
        told = explain(body, policies, check=name, instant=instant)
        assert told.outcome == judgement.outcome
        for derivation in told.derivations:
            for place in derivation.places:
                if place.pointer not in decided:
                    assert derivation.outcome == "pass"
                    continue
                part = decided[place.pointer]
                assert derivation.outcome == part.outcome
                assert derivation.why == part.why
                assert {rule.id: rule.effect for rule in derivation.rules if rule.counts} == {
                    rule.id: effect for rule, effect, _ in part.rules
                }
                assert {w.id for w in derivation.waivers if w.covers} == set(part.waived_by)
                for rule_, _, trace in part.rules:
                    tried = next(rule for rule in derivation.rules if rule.id == rule_.id)
                    open_keys = {key.key for key in tried.keys if key.fits == "open"}
                    assert open_keys == set(trace.undecided)
                    assert tried.fits == ("open" if trace.undecided else "yes")
