"""`where`: JSONPath conditions on the item or the response."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonpath_ng import Descendants, ext

from reporter.errors import PolicyError
from reporter.policy.jsonpath import compile_path
from reporter.policy.model import Comparison
from tests.policy.build import item, judged, policy, response, stage, waiver
from tests.slow.evaluator import COMPARISONS

APIS = [
    {"url": "/apis/policy/v1beta1/podsecuritypolicies", "userAgent": "coredns"},
    {"url": "/apis/x", "userAgent": "kube-controller-manager"},
]
AGENT = "$.riskSource.deprecatedAPIRisks[*].userAgent"


def api_item(*agents: str, **more: Any) -> dict[str, Any]:
    risks = [{"url": "/apis/x", "userAgent": agent} for agent in agents]
    return item("DeprecatedApiCheck", riskSource={"deprecatedAPIRisks": risks}, **more)


def rule_outcome(body: dict[str, Any], *where: dict[str, Any], effect: str = "fail") -> str:
    rule = {
        "id": "r",
        "match": {"check": "*", "where": list(where)},
        "effect": effect,
        "reason": "test",
    }
    other = "note" if effect == "fail" else "fail"
    return str(
        judged(body, policy([rule], defaults={"unmatched": other})).checks[0].entries[0].outcome
    )


@pytest.mark.parametrize(
    ("condition", "matches"),
    [
        ({"path": AGENT, "equals": "coredns"}, True),
        ({"path": AGENT, "equals": "Coredns"}, False),
        ({"path": AGENT, "in": ["x", "kube-controller-manager"]}, True),
        ({"path": AGENT, "matches": "kube-.*"}, True),
        ({"path": AGENT, "matches": "kube-"}, False),
        ({"path": AGENT, "exists": True}, True),
        ({"path": AGENT, "exists": False}, False),
        ({"path": "$.riskSource.nodeRisks", "exists": False}, True),
        ({"path": AGENT, "count": {"eq": 2}}, True),
        ({"path": AGENT, "count": {"gt": 2}}, False),
        ({"path": AGENT, "not": {"equals": "coredns"}}, True),
        ({"path": AGENT, "not": {"equals": "coredns"}, "quantifier": "all"}, False),
        ({"path": AGENT, "quantifier": "none", "equals": "etcd"}, True),
        ({"path": AGENT, "quantifier": "all", "equals": "coredns"}, False),
        ({"path": AGENT, "not": {"count": {"gt": 2}}}, True),
        ({"path": AGENT, "not": {"exists": True}}, False),
        ({"path": AGENT, "not": {"not": {"equals": "coredns"}}}, True),
        ({"path": "$.nowhere", "equals": "x"}, True),  # left open: counts against passing
        ({"path": "$.nowhere", "quantifier": "all", "equals": "x"}, False),
        ({"path": AGENT, "equals": 3}, False),
        ({"path": AGENT, "lt": "d"}, True),
        ({"path": AGENT, "ge": 1}, False),
        ({"path": "$.status.phase", "on": "response", "equals": "Failed"}, True),
        ({"path": "$..itemsStatus[*].name", "on": "response", "equals": "SampleNone"}, False),
        ({"path": "$.riskSource.deprecatedAPIRisks[?(@.userAgent == 'coredns')]",
          "count": {"eq": 1}}, True),
    ],
)  # fmt: skip
def test_operators(condition: dict[str, Any], matches: bool) -> None:
    body = response(api_item("coredns", "kube-controller-manager"))
    assert rule_outcome(body, condition) == ("fail" if matches else "note")


def test_all_conditions_have_to_hold() -> None:
    body = response(api_item("coredns"))
    yes = {"path": AGENT, "equals": "coredns"}
    no = {"path": AGENT, "equals": "etcd"}
    assert rule_outcome(body, yes, yes) == "fail"
    assert rule_outcome(body, yes, no) == "note"


def test_a_waiver_for_one_client_does_not_silence_another() -> None:
    meant = waiver(
        check="DeprecatedApiCheck", where=[{"path": AGENT, "equals": "kube-controller-manager"}]
    )
    alone = response(api_item("kube-controller-manager"))
    both = response(api_item("kube-controller-manager", "coredns"))
    assert judged(alone, policy(waivers=[meant])).outcome == "pass"
    assert judged(both, policy(waivers=[meant])).outcome == "fail"
    assert judged(response(api_item()), policy(waivers=[meant])).outcome == "fail"
    for nameless in ({"url": "/apis/y"}, {"url": "/apis/y", "userAgent": None}, {}):
        body = response(api_item("kube-controller-manager"))
        status = body["status"]["clusterCheckStatus"]["itemsStatus"][0]
        status["riskSource"]["deprecatedAPIRisks"].append(nameless)
        assert judged(body, policy(waivers=[meant])).outcome == "fail"


NODE_STATUS = "$.status.nodeCheckStatus.nodeStageStatus[*].nodeInfo.status"


@pytest.mark.parametrize("path", [NODE_STATUS, "$..nodeInfo.status"])
def test_a_field_missing_below_one_of_several_elements_is_open(path: str) -> None:
    """Found by `make million`: however deep below the element the path goes."""
    condition = {"path": path, "on": "response", "equals": "Active"}
    meant = waiver(check="SampleRisk", where=[condition])
    for missing in ({"status": None}, {"status": ""}):
        nodes = [stage(uid, item("SampleNode", "Success")) for uid in ("n-1", "n-2")]
        body = response(item("SampleRisk"), nodes=nodes)
        assert judged(body, policy(waivers=[meant])).outcome == "pass"
        nodes[1]["nodeInfo"] |= missing
        assert judged(body, policy(waivers=[meant])).outcome == "fail"


def test_an_element_that_says_nothing_is_open_behind_a_filter_too() -> None:
    """Found by `make million`."""
    path = '$.riskSource.deprecatedAPIRisks[?(@.userAgent != "etcd")].userAgent'
    meant = waiver(check="DeprecatedApiCheck", where=[{"path": path, "equals": "coredns"}])
    body = response(api_item("coredns"))
    assert judged(body, policy(waivers=[meant])).outcome == "pass"
    risks = body["status"]["clusterCheckStatus"]["itemsStatus"][0]["riskSource"]
    risks["deprecatedAPIRisks"].append({})
    assert judged(body, policy(waivers=[meant])).outcome == "fail"


@pytest.mark.parametrize(
    ("condition", "covered"),
    [
        ({"quantifier": "all", "lt": 3}, True),  # 7 is not: no other value changes that
        ({"quantifier": "any", "lt": 3}, False),  # nobody knows about "x"
        ({"quantifier": "none", "gt": 3}, True),  # 7 is
        ({"quantifier": "none", "gt": 9}, False),
        ({"not": {"gt": 3}, "quantifier": "none"}, False),
    ],
)
def test_under_not_a_no_has_to_rest_on_values_that_could_be_compared(
    condition: dict[str, Any], covered: bool
) -> None:
    body = response(item("SampleRisk", retries=[7, "x"]))
    meant = waiver(check="SampleRisk")
    meant["not"] = {"where": [{"path": "$.retries[*]"} | condition]}
    assert judged(body, policy(waivers=[meant])).outcome == ("pass" if covered else "fail")


def test_a_field_of_a_mapping_that_says_nothing_is_as_good_as_absent() -> None:
    body = response(item("SampleRisk", soft={"a": "yes", "b": None}))
    meant = waiver(check="SampleRisk", where=[{"path": "$.soft[*]", "equals": "yes"}])
    assert judged(body, policy(waivers=[meant])).outcome == "pass"


def test_nothing_found_is_no_proof_that_none_fits() -> None:
    nothing = {"path": "$.nowhere", "quantifier": "none", "equals": "x"}
    body = response(api_item("coredns"))
    covered = judged(body, policy(waivers=[waiver(check="*", where=[nothing])]))
    assert covered.outcome == "fail"
    assert rule_outcome(body, nothing) == "fail"
    assert rule_outcome(body, nothing, effect="note") == "fail"


def test_the_number_of_matches_is_in_the_record() -> None:
    where = [{"path": AGENT, "count": {"ge": 0}}, {"path": "$.nowhere", "exists": False}]
    rule = {"id": "r", "match": {"check": "*", "where": where}, "effect": "fail"}
    verdict = judged(response(api_item("a", "b")), policy([rule]))
    (found,) = verdict.checks[0].entries[0].rules
    assert [(part.path, part.matches) for part in found.where] == [(AGENT, 2), ("$.nowhere", 0)]


@pytest.mark.parametrize(
    ("condition", "problem"),
    [
        ("{path: '$.a[?(@.x =~ \"b\")]', exists: true}", "=~ is not allowed in a path"),
        ("{path: '$.a.`sub(/x/, y)`', exists: true}", "sub is not allowed in a path"),
        ("{path: '$.a.`sub(/a/,b)`', exists: true}", "is not a JSONPath"),
        ("{path: '$.a.`len`', gt: 1}", "len is not allowed"),
        ("{path: '$.a + $.b', gt: 1}", "operation is not allowed"),
        ("{path: '$.[', exists: true}", "is not a JSONPath"),
        ("{path: $.a}", "exactly one of"),
        ("{path: $.a, lt: 1, gt: 0}", "exactly one of"),
        ("{path: $.a, exists: true, quantifier: all}", "take no quantifier"),
        ("{path: $.a, not: {count: {eq: 1}}, quantifier: all}", "take no quantifier"),
        ("{path: $.a, matches: '(?=x)'}", "RE2 can't use"),
        ("{pth: $.a, exists: true}", 'did you mean "path"'),
    ],
)
def test_mistakes(condition: str, problem: str) -> None:
    text = (
        "apiVersion: precheck.policy/v1\nkind: Policy\nmetadata: {name: x}\n"
        "rules:\n  - id: a\n    effect: fail\n    match:\n      where:\n"
        f"        - {condition}\n"
    )
    with pytest.raises(PolicyError) as caught:
        _load(text)
    assert any(
        line.startswith("policy-1.yaml:9:") and problem in line for line in caught.value.problems
    ), caught.value.problems


def _load(text: str) -> None:
    from reporter.policy.load import Policy

    Policy.parse(text.encode())


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "b"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "c"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(
    json_values,
    st.sampled_from(["$", "$.a", "$.a.b", "$.a[*]", "$..a", "$..b[0]", "$.a[0:2].b", "$.*",
                     "$.a[?(@.b == 'a')]", "$.a[?(@.b > 0)].c", "$..[?(@.a)]"]),
)  # fmt: skip
def test_paths_find_what_the_library_finds(data: Any, path: str) -> None:
    library = [found.value for found in ext.parse(path).find(data)]
    assert compile_path(path)(data).values == library


def limit_policy(of: str, *, effect: str = "fail", below: str | None = None, **bound: Any) -> bytes:
    rule: dict[str, Any] = {
        "id": "sick",
        "title": "Few sick nodes",
        "match": {"check": "SampleDisk"},
        "limit": {"of": of, **bound},
        "effect": effect,
        "reason": "a few are fine",
    }
    if below:
        rule["below"] = below
    return policy([rule])


def sick(failed: int, healthy: int) -> dict[str, Any]:
    nodes = [stage(f"bad-{number}", item("SampleDisk")) for number in range(failed)]
    nodes += [stage(f"good-{number}", item("SampleDisk", "Success")) for number in range(healthy)]
    return response(nodes=nodes)


@pytest.mark.parametrize(
    ("failed", "bound", "outcome"),
    [
        (2, {"max": 2}, "pass"),
        (3, {"max": 2}, "fail"),
        (1, {"max_percent": 10}, "pass"),
        (2, {"max_percent": 10}, "fail"),
        (0, {"max": 0}, "pass"),
    ],
)
def test_a_limit_judges_the_number(failed: int, bound: dict[str, int], outcome: str) -> None:
    text = limit_policy("nodes", **bound)  # type: ignore[arg-type]
    verdict = judged(sick(failed, 10 - failed), text)
    assert verdict.outcome == outcome
    limit = verdict.rules[0].limit
    assert limit is not None
    assert (limit.failed, limit.base, limit.exceeded) == (failed, 10, outcome == "fail")


def test_single_findings_take_below_while_the_limit_holds() -> None:
    verdict = judged(sick(1, 9), limit_policy("nodes", max=2, below="note"))
    assert verdict.counts.findings.note == 1
    exceeded = judged(sick(3, 7), limit_policy("nodes", max=2, below="note"))
    assert exceeded.counts.findings.fail == 3
    assert [reason.what.code for reason in exceeded.reasons][-1] == "limit.nodes"


def test_nothing_waives_an_exceeded_limit() -> None:
    text = limit_policy("nodes", max=2)
    waivers = policy(waivers=[waiver(check="SampleDisk")])
    verdict = judged(sick(3, 7), text, waivers)
    assert verdict.counts.findings.waived == 3
    assert verdict.outcome == "fail"
    warned = judged(sick(3, 7), limit_policy("nodes", max=2, effect="warn"), waivers)
    assert warned.outcome == "pass"
    assert "condition.limit-warnings" in [part.code for part in warned.conditions]


def test_other_rules_still_hold_beside_a_limit() -> None:
    strict = policy([{"id": "f", "match": {"level": "Fatal"}, "effect": "fail"}])
    body = response(nodes=[stage("a", item("SampleDisk", level="Fatal"))])
    assert judged(body, limit_policy("nodes", max=2), strict).outcome == "fail"


def test_a_limit_of_nodes_says_nothing_about_findings_without_nodes() -> None:
    body = response(item("SampleDisk"))
    assert judged(body, limit_policy("nodes", max=2)).outcome == "fail"
    assert judged(body, limit_policy("findings", max=2)).outcome == "pass"
    assert judged(body, limit_policy("checks", max=0)).outcome == "fail"


@pytest.mark.parametrize("quantifier", ["any", "all", "none"])
@pytest.mark.parametrize("negated", [False, True])
def test_what_a_point_leaves_open_stays_open(quantifier: str, negated: bool) -> None:
    """A text of two lines that fits only if a point went on over the end of the first."""
    asked: dict[str, Any] = {"matches": ".*black.*"}
    where: dict[str, Any] = {"path": "$.message", "quantifier": quantifier}
    where |= {"not": asked} if negated else asked
    text = item(message="on the list:\nblack", kind="Risk")
    match: dict[str, Any] = {"where": [where]}
    fails = policy([{"id": "r", "match": match, "effect": "fail"}], defaults={"unmatched": "note"})
    assert judged(response(text), fails).outcome == "fail"
    waived = policy(waivers=[waiver(check="*", **match)])
    assert judged(response(text), waived).outcome == "fail"


@pytest.mark.parametrize("function", ["sub(/x/, y)", "split(-,0,-1)", "str()", "keys", "sorted"])
def test_functions_in_a_path_are_refused(function: str) -> None:
    with pytest.raises(ValueError, match="not allowed in a path"):
        compile_path(f"$.a.`{function}`")


def test_every_operator_has_its_twin_and_its_place_in_the_manual() -> None:
    known = {info.alias or name for name, info in Comparison.model_fields.items()}
    assert known == COMPARISONS | {"exists", "count", "not"}
    manual = (Path(__file__).parents[2] / "docs" / "policy.md").read_text(encoding="utf-8")
    assert not {name for name in known if not re.search(rf"`{name}\b", manual)}


def test_a_path_is_walked_once_however_many_steps_it_has() -> None:
    walks = 0
    find = Descendants.find

    def counted(path: Any, data: Any) -> Any:
        nonlocal walks
        walks += 1
        return find(path, data)

    with mock.patch.object(Descendants, "find", counted):
        found = compile_path("$..a[*][*].b.c[*].d")({"a": [[{"b": {"c": [{"d": 1}, {}, None]}}]]})
    assert (found.values, found.gaps) == ([1], 2)
    assert walks == 2  # for its values, and for what is missing among them
