"""Hand cases for the slow evaluator itself, and what must hold for every generated case."""

from __future__ import annotations

import random
from collections import Counter
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.examples import MANY, examples

from .evaluator import duration, fits, in_range, instant, judge, keys_in, read_time
from .generator import AT, cases, go_time, policies, responses, waiver_lists

Json = dict[str, Any]


# ------------------------------------------------------------------------------------------------
# Building blocks


def item(name: str = "NodeDisk", phase: str = "Success", **fields: Any) -> Json:
    """A Risk of level Warning, unless the fields say otherwise; None leaves a field out."""
    full = {"name": name, "kind": "Risk", "group": "NodeCheck", "level": "Warning", "phase": phase}
    full |= {"message": "disk is full" if phase == "Failed" else "check item succeed"} | fields
    return {key: value for key, value in full.items() if value is not None}


def response(*cluster: Json, nodes: list[Json] | None = None, **spec: Any) -> Json:
    """A complete, current response; its phases follow from the items."""
    items = list(cluster) or [item("BlackLimit")]
    stages = nodes or []
    failed = [one for one in items if one.get("phase") == "Failed"]
    failed_on_nodes = [
        one for stage in stages for one in stage["itemsStatus"] if one.get("phase") == "Failed"
    ]
    status: Json = {"phase": "Failed" if failed or failed_on_nodes else "Success"}
    if status["phase"] == "Success":
        status["expireTimeStamp"] = go_time(AT + timedelta(minutes=50))
    status["clusterCheckStatus"] = {"phase": "Failed" if failed else "Success"}
    status["clusterCheckStatus"]["itemsStatus"] = items
    status["addonCheckStatus"] = {"phase": "Success", "itemsStatus": [item("AddonLimit")]}
    status["nodeCheckStatus"] = {"phase": "Failed" if failed_on_nodes else "Success"}
    status["nodeCheckStatus"]["nodeStageStatus"] = stages
    return {
        "kind": "PreCheckTask",
        "apiVersion": "v3",
        "metadata": {"updateTimestamp": go_time(AT - timedelta(minutes=10))},
        "spec": {"clusterID": "c-one", "targetVersion": "v1.31.4-r2", **spec},
        "status": status,
    }


def stage(uid: str, *items: Json) -> Json:
    """A worker node and its items."""
    info = {"uid": uid, "name": f"name-{uid}", "status": "Active", "nodeType": "node"}
    return {"nodeInfo": info, "itemsStatus": list(items)}


def rule(effect: str, rule_id: str = "r", *, more: Json | None = None, **match: Any) -> Json:
    """A rule; a trailing underscore in a key is dropped (`not_`)."""
    cleaned = {key.rstrip("_"): value for key, value in match.items()}
    return {"id": rule_id, "match": cleaned, "effect": effect, **(more or {})}


def waiver(check: Any = "NodeDisk", waiver_id: str = "w", **fields: Any) -> Json:
    """A waiver in force at AT."""
    full = {"id": waiver_id, "check": check, "reason": "Sunday", "approved_on": "2026-02-20"}
    full |= {"expires": "2026-12-31"} | {key.rstrip("_"): value for key, value in fields.items()}
    return {key: value for key, value in full.items() if value is not None}


def run(answer: Json, *parts: Json, waivers: tuple[Json, ...] = (), **policy: Any) -> Json:
    """Judge with one policy of these rules and waivers."""
    return judge(answer, [{"rules": list(parts), "waivers": list(waivers), **policy}], at=AT)


def first(answer: Json, *parts: Json, **policy: Any) -> str:
    """The outcome of the first finding."""
    outcome: str = run(answer, *parts, **policy)["findings"][0]["outcome"]
    return outcome


FAILED = item(phase="Failed")


# ------------------------------------------------------------------------------------------------
# Values


def test_values() -> None:
    """Times, dates, durations, versions and patterns."""
    moment = datetime(2023, 11, 25, 7, 20, 4, 592972, tzinfo=UTC)
    assert read_time("2023-11-25 07:20:04.592972 +0000 UTC") == moment
    assert read_time("2023-11-25 15:20:04.592972999 +0800 CST") == moment
    assert read_time("2023-11-25T07:20:04.592972Z") == moment
    assert read_time("2023-11-25T15:20:04.592972+08:00") == moment
    assert read_time("2024-01-01 00:00:00Z") == datetime(2024, 1, 1, tzinfo=UTC)
    assert read_time("0001-01-01 00:00:00 +0000 UTC") == read_time(None) == read_time("")
    for odd in ("yesterday", "2026-02-30 00:00:00 +0000 UTC", "2026-03-01 10:00:00", " "):
        assert read_time(odd) == "unreadable"
    assert instant("2026-03-01", end_of_day=True) == datetime(2026, 3, 2, tzinfo=UTC)
    with pytest.raises(ValueError, match="not a date"):
        instant("01.03.2026")
    assert duration("1h30m") == timedelta(minutes=90)

    assert in_range("v1.31.4-r2", "v1.31")
    assert not in_range("v1.3", "v1.31")
    assert not in_range("v1.31.4-r2", "v1.3")
    assert in_range("v1.27.9-r1", "<=1.27")
    assert not in_range("v1.27.9", ">1.27")
    assert in_range("v1.23", ">=1.23.0,<1.27")
    assert not in_range("latest", ">=0.0")
    assert in_range("v1.19.16-r80", ">1.19.16-r9")

    assert fits("Node*", "NodeDisk")
    assert fits("node*", "NodeDisk") is False
    assert fits("*", "") is None
    assert fits({"regex": "Node"}, "NodeDisk") is False
    assert fits([{"equals": "a*"}, "b"], "abc") is False


# ------------------------------------------------------------------------------------------------
# Findings and rules


def test_healthy_and_default() -> None:
    """A healthy response passes; an unmatched failure fails unless the policy says otherwise."""
    assert run(response())["outcome"] == "pass"
    assert run(response(FAILED))["outcome"] == "fail"
    warned = run(response(FAILED), defaults={"unmatched": "warn"})
    assert warned["outcome"] == "pass"
    assert warned["warnings"] == 1
    assert warned["recheck_needed"] is True


def test_strictest_effect_wins() -> None:
    """… whatever the order."""
    rules = [rule("note", "a", kind="Risk"), rule("fail", "b", level="Warning")]
    assert first(response(FAILED), *rules) == first(response(FAILED), *rules[::-1]) == "fail"


def test_unknown_values() -> None:
    """What nobody knows is unknown unless a rule says fail or spells the value."""
    odd = response(item(phase="Failed", kind="Hazard"))
    assert first(odd, rule("warn", level="Warning")) == "unknown"
    assert first(odd, rule("warn", kind="Haz*")) == "unknown"
    assert first(odd, rule("warn", kind={"regex": "Hazard"})) == "unknown"
    assert first(odd, rule("warn", not_={"kind": "Risk"})) == "unknown"
    assert first(odd, rule("warn", kind="Hazard")) == "warn"
    assert first(odd, rule("warn", any_=[{"kind": {"equals": "Hazard"}}])) == "warn"
    assert first(odd, rule("fail", level="Warning")) == "fail"
    both = response(item(phase="Failed", kind="Hazard", level="Deep"))
    assert first(both, rule("warn", kind="Hazard")) == "unknown"
    assert first(both, rule("warn", kind="Hazard", level="Deep")) == "warn"
    assert first(both, rule("warn", "a", kind="Hazard"), rule("warn", "b", level="Deep")) == (
        "unknown"
    )
    broken = response(item(phase="Failed", group="ExecuteException"))
    assert first(broken, rule("warn", group="ExecuteException")) == "unknown"
    assert first(response(item(phase="Running")), rule("warn", phase="Running")) == "unknown"
    assert first(response(item(phase="Running")), rule("fail", phase="Running")) == "fail"
    assert first(response(item(phase="Running")), rule("fail", level="Warning")) == "unknown"


def test_open_counts_against_passing() -> None:
    """A missing field: fail and warn rules take it, note rules and softening don't."""
    silent = response(item(phase="Failed", message=None))
    lenient = {"unmatched": "note"}
    assert first(silent, rule("fail", message="x"), defaults=lenient) == "fail"
    assert first(silent, rule("warn", message="x"), defaults=lenient) == "warn"
    assert first(silent, rule("note", message="*"), defaults={"unmatched": "warn"}) == "warn"
    # A13: the warn rule may match, or the default does
    assert first(silent, rule("warn", message="x")) == "fail"
    # surely no node, hence `not:` surely holds; no error code leaves it open
    assert first(silent, rule("fail", node={"uid": "*"}), defaults=lenient) == "note"
    assert first(silent, rule("note", not_={"node": {"uid": "*"}})) == "note"
    assert first(silent, rule("fail", error_code="x"), defaults=lenient) == "fail"


def test_several_values() -> None:
    """A rule takes any value, a waiver wants all of them, and `not:` turns that."""
    risks = {"nodeRisks": [{"NodeID": "n-a"}, {"NodeID": "n-b"}]}
    answer = response(item(phase="Failed", riskSource=risks))
    assert first(answer, rule("note", node={"uid": "n-a"})) == "note"
    assert first(answer, rule("note", node={"uid": "n-a", "name": "x"})) == "fail"
    assert first(answer, waivers=(waiver(node={"uid": "n-a"}),)) == "fail"
    assert first(answer, waivers=(waiver(node={"uid": ["n-a", "n-b"]}),)) == "waived"
    assert first(answer, waivers=(waiver(not_={"node": {"uid": "n-a"}}),)) == "fail"
    assert first(answer, waivers=(waiver(not_={"node": {"uid": "n-c"}}),)) == "waived"
    pair = (waiver(node={"uid": "n-a"}), waiver(node={"uid": "n-b"}, waiver_id="v"))
    assert first(answer, waivers=pair) == "fail"


def test_effective_on() -> None:
    """Before its day a fail is a warn, and then no longer says `fail` for an unknown either."""
    later = rule("fail", kind="Risk", more={"effective_on": "2026-03-02"})
    assert first(response(FAILED), later) == "warn"
    today = rule("fail", kind="Risk", more={"effective_on": "2026-03-01"})
    assert first(response(FAILED), today) == "fail"
    odd = response(item(phase="Failed", level="Deep"))
    assert first(odd, later) == "unknown"


def test_tolerated_exceptions() -> None:
    """They are counted, and no waiver touches them."""
    answer = response(item(phase="Failed", kind="Exception"))
    verdict = run(answer, rule("warn", kind="Exception"), waivers=(waiver(),))
    assert (verdict["outcome"], verdict["tolerated_exceptions"]) == ("pass", 1)
    assert verdict["waivers"] == {"w": "not-applicable"}


# ------------------------------------------------------------------------------------------------
# Waivers


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, "used"),
        ({"expires": "2026-03-01"}, "used"),
        ({"expires": "2026-02-28"}, "expired"),
        ({"expires": "2026-03-01T10:30:00Z"}, "expired"),
        ({"starts": "2026-03-02"}, "not-yet-valid"),
        ({"starts": "2026-03-01T10:30:00Z"}, "used"),
        ({"approved_on": "2026-03-02"}, "not-yet-valid"),
        ({"level": "Fatal"}, "unused"),
        ({"cluster": "c-two"}, "elsewhere"),
        ({"target_version": ">=1.32"}, "elsewhere"),
        ({"max_findings": 1}, "used"),
        ({"check": "AddonLimit"}, "unused"),
    ],
)
def test_waiver_status(fields: Json, status: str) -> None:
    """One failed Risk and one waiver."""
    verdict = run(response(FAILED), waivers=(waiver(**{"check": "NodeDisk", **fields}),))
    assert verdict["waivers"] == {"w": status}
    assert verdict["outcome"] == ("pass" if status == "used" else "fail")


def test_max_findings_and_undated() -> None:
    """Over the maximum a waiver covers none; without dates it is marked."""
    loose = waiver(max_findings=1, approved_on=None)
    verdict = run(response(FAILED, FAILED), waivers=(loose,))
    assert verdict["waivers"] == {"w": "exceeded"}
    assert verdict["undated"] == ["w"]
    assert [found["outcome"] for found in verdict["findings"][:2]] == ["fail", "fail"]


def test_waivers_lift_no_doubt() -> None:
    """Unknown stays, a broken check stays, and a `waivable: false` rule blocks."""
    for fields in ({"kind": "Hazard"}, {"level": "Deep"}, {"group": "ExecuteException"}):
        answer = response(item(phase="Failed", **fields))
        assert first(answer, waivers=(waiver(),)) == "unknown"
        verdict = run(answer, rule("fail", check="NodeDisk"), waivers=(waiver(),))
        assert verdict["findings"][0]["outcome"] == "fail"
        assert verdict["waivers"] == {"w": "not-applicable"}
    spelled = response(item(phase="Failed", level="Deep"))
    rules = (rule("fail", "a", kind="Risk"), rule("warn", "b", level="Deep"))
    assert first(spelled, *rules, waivers=(waiver(),)) == "waived"
    blocking = rule("warn", kind="Risk", more={"waivable": False})
    assert first(response(FAILED), blocking, waivers=(waiver(),)) == "warn"


def skip(answer: Json, *parts: Json, waivers: tuple[Json, ...], **fields: Any) -> str:
    """The outcome of the only entry of the skip list."""
    answer["spec"]["skippedCheckItemList"] = [{"name": "NodeDisk", **fields}]
    outcome: str = run(answer, *parts, waivers=waivers)["skipped"][0]
    return outcome


def selector(*uids: str, key: str = "node.uid") -> Json:
    """A skip selector."""
    return {"resourceSelector": {"key": key, "operator": "In", "values": list(uids)}}


def test_skipped_checks() -> None:
    """They fail unless one valid waiver covers all of it."""
    healthy = response()
    assert skip(healthy, waivers=()) == "fail"
    assert skip(healthy, waivers=(waiver(),)) == "waived"
    assert skip(healthy, waivers=(waiver(expires="2026-02-28"),)) == "fail"
    for fields in (
        {"level": "Warning"},
        {"any_": [{"message": "*"}, {"check": "NodeDisk"}]},
        {"node": {"uid": "n-a"}},
        {"not_": {"scope": "cluster"}},
        {"addon": "*"},
    ):
        assert skip(healthy, waivers=(waiver(**fields),)) == "fail"
    both = selector("n-a", "n-b")
    assert skip(healthy, waivers=(waiver(node={"uid": ["n-a", "n-b"]}),), **both) == "waived"
    assert skip(healthy, waivers=(waiver(scope="node"),), **both) == "waived"
    assert skip(healthy, waivers=(waiver(scope="cluster"),), **both) == "fail"
    assert skip(healthy, waivers=(waiver(node={"name": "*"}),), **both) == "fail"
    assert skip(healthy, waivers=(waiver(not_={"node": {"uid": "n-b"}}),), **both) == "fail"
    pair = (waiver(node={"uid": "n-a"}), waiver(node={"uid": "n-b"}, waiver_id="v"))
    assert skip(healthy, waivers=pair, **both) == "fail"
    # never covered
    assert skip(healthy, waivers=(waiver("*"),), name=None) == "fail"
    assert skip(healthy, waivers=(waiver(),), **selector()) == "fail"
    assert skip(healthy, waivers=(waiver(),), **selector("n-a", key="node.name")) == "fail"
    shown = response(item(kind="Exception"))
    assert skip(shown, waivers=(waiver(),)) == "fail"
    assert skip(response(item(), item(kind="Exception")), waivers=(waiver(),)) == "waived"
    naming = rule("note", check="Node*", message="never", more={"waivable": False})
    assert skip(healthy, naming, waivers=(waiver(),)) == "fail"
    # refused as a default, too
    healthy["spec"]["skippedCheckItemList"] = [{"name": "NodeDisk"}]
    assert run(healthy, defaults={"skipped": "warn"})["skipped"] == ["warn"]


# ------------------------------------------------------------------------------------------------
# `where`

SOURCE: Json = {
    "nodeRisks": [{"NodeID": "n-a"}, {"NodeID": "n-b"}],
    "deprecatedAPIRisks": [
        {"url": "/apis/a", "userAgent": "coredns"},
        {"url": "/apis/b", "userAgent": "kubectl"},
    ],
}
RICH = item(
    phase="Failed", riskSource=SOURCE, errorCodes=["E1", ""], retries=3, soft=True, owner=None
)
NODE_IDS = "$.riskSource.nodeRisks[*].NodeID"
COREDNS = '$.riskSource.deprecatedAPIRisks[?(@.userAgent == "coredns")].url'


def where(path: str, **rest: Any) -> Json:
    """A match of one condition; a trailing underscore in a key is dropped (`in_`, `not_`)."""
    return {"where": [{"path": path, **{key.rstrip("_"): rest[key] for key in rest}}]}


def truth(match: Json, one: Json = RICH, **more: Json) -> str:
    """What a rule's match is for an item: true, open or false."""
    lenient = {"defaults": {"unmatched": "warn"}, **more}
    if first(response(one), rule("note", **match), **lenient) == "note":
        return "true"
    return "open" if first(response(one), rule("fail", **match), **lenient) == "fail" else "false"


@pytest.mark.parametrize(
    ("path", "rest", "expected"),
    [
        ("$.message", {"equals": "disk is full"}, "true"),
        ("$.message", {"equals": "disk"}, "false"),
        ("$.message", {"in_": ["x", "disk is full"]}, "true"),
        ("$.message", {"matches": "disk.*"}, "true"),
        ("$.message", {"matches": "disk"}, "false"),
        ("$.message", {"lt": "e"}, "true"),
        ("$.retries", {"lt": 3.5}, "true"),
        ("$.retries", {"equals": 3.0}, "true"),
        ("$.retries", {"le": 2}, "false"),
        ("$.soft", {"equals": True}, "true"),
        ("$.soft", {"in_": [1, False]}, "false"),
        # unlike types
        ("$.message", {"lt": 5}, "false"),
        ("$.retries", {"equals": "3"}, "false"),
        ("$.retries", {"matches": "3"}, "false"),
        ("$.retries", {"equals": True}, "false"),
        ("$.soft", {"lt": 2}, "false"),
        ("$.riskSource.nodeRisks", {"equals": "n-a"}, "false"),
        ("$.message", {"not_": {"lt": 5}}, "open"),
        ("$.message", {"equals": 5, "quantifier": "none"}, "open"),
        ("$.message", {"not_": {"lt": 5}, "quantifier": "none"}, "false"),
        ("$.message", {"not_": {"in": [5, "x"]}}, "true"),
        # several values
        (NODE_IDS, {"equals": "n-a"}, "true"),
        (NODE_IDS, {"equals": "n-a", "quantifier": "all"}, "false"),
        (NODE_IDS, {"matches": "n-.", "quantifier": "all"}, "true"),
        (NODE_IDS, {"equals": "n-a", "quantifier": "none"}, "false"),
        (NODE_IDS, {"equals": "n-x", "quantifier": "none"}, "true"),
        (NODE_IDS, {"not_": {"equals": "n-a"}}, "true"),
        (NODE_IDS, {"not_": {"equals": "n-a"}, "quantifier": "all"}, "false"),
        (NODE_IDS, {"count": {"eq": 2}}, "true"),
        (NODE_IDS, {"count": {"gt": 2}}, "false"),
        (NODE_IDS, {"not_": {"count": {"gt": 2}}}, "true"),
        ("$..url", {"matches": "/apis/.", "quantifier": "all"}, "true"),
        (COREDNS, {"equals": "/apis/a", "quantifier": "all"}, "true"),
        ("$.errorCodes[*]", {"equals": "E1"}, "true"),
        ("$.errorCodes[*]", {"equals": "E1", "quantifier": "all"}, "open"),
        ("$.errorCodes[*]", {"equals": "E2"}, "open"),
        # nothing there
        ("$.missing", {"equals": "x"}, "open"),
        ("$.owner", {"not_": {"equals": "x"}}, "open"),
        ("$.owner", {"equals": "x", "quantifier": "none"}, "open"),
        ("$.owner", {"equals": "x", "quantifier": "all"}, "false"),
        ("$.owner", {"exists": True}, "false"),
        ("$.owner", {"exists": False}, "true"),
        ("$.message", {"exists": True}, "true"),
        ("$.message", {"not_": {"exists": True}}, "false"),
        ("$.missing[*]", {"count": {"eq": 0}}, "true"),
        # the document
        ("$.status.phase", {"on": "response", "equals": "Failed"}, "true"),
        ("$.status.phase", {"equals": "Failed"}, "open"),
        ("$..itemsStatus[*].name", {"on": "response", "equals": "AddonLimit"}, "true"),
        ("$..itemsStatus[*].name", {"on": "response", "count": {"eq": 2}}, "true"),
    ],
)
def test_where(path: str, rest: Json, expected: str) -> None:
    """One condition; the same under `any:`, the contrary under `not:` (see the next test)."""
    held = {**RICH, "owner": None}
    match = where(path, **rest)
    assert truth(match, held) == expected
    contrary = {"true": ("false",), "open": ("open", "false"), "false": ("true", "open")}
    assert truth({"not_": match}, held) in contrary[expected]
    assert truth({"any_": [{"kind": "Nothing"}, match]}, held) == expected


def test_where_negated() -> None:
    """What is missing or unlike never makes a negation surely true."""
    for match in (
        where("$.message", lt=5),
        where("$.soft", ge=0),
        where("$.missing", equals="x", quantifier="all"),
        where("$.message", not_={"equals": 5}, quantifier="none"),
    ):
        assert truth(match) == "false"
        assert truth({"not_": match}) == "open"
        assert truth({"not_": {"not": match}}) == "false"
    assert truth({"not_": where("$.message", equals="x")}) == "true"


def test_where_of_several_conditions_and_errors() -> None:
    """All of them have to hold; each has one operator."""
    good, bad = where("$.retries", ge=3)["where"], where("$.soft", equals=False)["where"]
    missing = where("$.missing", equals=1)["where"]
    assert truth({"where": good + good}) == "true"
    assert truth({"where": good + bad}) == truth({"where": missing + bad}) == "false"
    assert truth({"where": good + missing}) == "open"
    assert truth({"where": good, "kind": "Exception"}) == "false"
    for broken in (
        [],
        [{"path": "$.name"}],
        [{"path": "$.name", "equals": "x", "exists": True}],
        [{"path": "$.name", "like": "x"}],
        [{"path": "$.name", "not": {"not": {"equals": "x"}}}],
        [{"path": "$.name", "equals": "x", "quantifier": "most"}],
    ):
        with pytest.raises(ValueError, match=r"where|operator|quantifier"):
            truth({"where": broken})


def test_where_of_waivers() -> None:
    """Every value, at least one; turned under `not:`; and never a skipped check."""
    for match, outcome in (
        (where(NODE_IDS, equals="n-a"), "fail"),
        (where(NODE_IDS, in_=["n-a", "n-b"]), "waived"),
        (where(NODE_IDS, equals="n-a", quantifier="any"), "waived"),
        (where(NODE_IDS, not_={"equals": "n-c"}), "waived"),
        (where(NODE_IDS, not_={"equals": "n-a"}), "fail"),
        (where("$.errorCodes[*]", equals="E1"), "fail"),
        (where("$.missing", equals="x"), "fail"),
        (where("$.missing", exists=False), "waived"),
        ({"not": where(NODE_IDS, equals="n-a")}, "fail"),
        ({"not": where(NODE_IDS, equals="n-c")}, "waived"),
        ({"not": where("$.missing", equals="x")}, "fail"),
        ({"not": where("$.message", equals=5)}, "fail"),
        ({"any": [where("$.retries", lt=9), {"level": "Fatal"}]}, "waived"),
    ):
        assert first(response(RICH), waivers=(waiver(**match),)) == outcome
    always = where("$.status", on="response", exists=True)
    assert first(response(RICH), waivers=(waiver(**always),)) == "waived"
    assert skip(response(), waivers=(waiver(**always),)) == "fail"
    assert skip(response(), waivers=(waiver(any_=[always, {"check": "*"}]),)) == "fail"
    assert skip(response(), waivers=(waiver(not_=where("$.x", exists=True)),)) == "fail"


# ------------------------------------------------------------------------------------------------
# Limits


def limited(
    answer: Json, effect: str, limit: Json, *parts: Json, more: Json | None = None, **match: Any
) -> tuple[Json, Json]:
    """The number, and the whole verdict."""
    cleaned = match or {"check": "*"}
    counting = rule(effect, "limit", more={"limit": limit, **(more or {})}, **cleaned)
    verdict = run(answer, counting, *parts)
    return verdict["limits"]["limit"], verdict


def three_nodes() -> Json:
    """Two of three nodes fail in one check, one of them in two."""
    nodes = [
        stage("n-a", FAILED, item("NodeSSH", "Failed")),
        stage("n-b", FAILED, item("NodeSSH")),
        stage("n-c", item(), item("NodeSSH")),
    ]
    return response(nodes=nodes)


@pytest.mark.parametrize(
    ("limit", "failed", "base", "exceeded"),
    [
        ({"of": "findings", "max": 3}, 3, 8, False),
        ({"of": "findings", "max": 2}, 3, 8, True),
        ({"of": "findings", "max_percent": 37}, 3, 8, True),
        ({"of": "findings", "max_percent": 38}, 3, 8, False),
        ({"of": "nodes", "max": 2}, 2, 3, False),
        ({"of": "nodes", "max_percent": 66}, 2, 3, True),
        ({"of": "nodes", "max_percent": 67}, 2, 3, False),
        ({"of": "checks", "max": 1}, 2, 4, True),
        ({"of": "checks", "max_percent": 50}, 2, 4, False),
    ],
)
def test_limits(limit: Json, failed: int, base: int, exceeded: bool) -> None:
    """How many, of how many, and what follows."""
    number, verdict = limited(three_nodes(), "fail", limit)
    assert number == {"failed": failed, "base": base, "exceeded": exceeded}
    outcomes = {found["outcome"] for found in verdict["findings"]}
    # `below` is `warn`, `defaults.unmatched` is `fail`
    assert outcomes == ({"pass", "fail"} if exceeded else {"pass", "warn"})
    assert verdict["outcome"] == ("fail" if exceeded else "pass")
    assert verdict["warnings"] == (0 if exceeded else 3)


def test_limits_and_single_findings() -> None:
    """`below:`, the default, other rules, waivers."""
    below: Json = {"more": {"below": "note"}}
    one = {"of": "findings", "max": 1}
    none = {"of": "findings", "max": 0}
    answer = response(FAILED)
    assert limited(answer, "fail", one, **below)[1]["findings"][0]["outcome"] == "note"
    assert limited(answer, "note", none, **below)[1]["outcome"] == "fail"
    # other rules still hold, and the strictest wins
    noted, failing = rule("note", kind="Risk"), rule("fail", kind="Risk")
    assert limited(answer, "fail", one, failing, **below)[1]["outcome"] == "fail"
    assert limited(answer, "note", none, noted, **below)[1]["outcome"] == "fail"
    # nothing waives an exceeded limit, though the findings are waived
    counting = rule("fail", "limit", kind="Risk", more={"limit": none})
    verdict = run(answer, counting, waivers=(waiver(),))
    assert verdict["findings"][0]["outcome"] == "waived"
    assert verdict["waivers"] == {"w": "used"}
    assert (verdict["limits"]["limit"]["failed"], verdict["outcome"]) == (1, "fail")
    # a warning, or nothing
    for effect, warnings in (("warn", 1), ("note", 0)):
        counting = rule(effect, "limit", kind="Risk", more={"limit": none})
        verdict = run(answer, counting, waivers=(waiver(),))
        assert (verdict["outcome"], verdict["warnings"]) == ("pass", warnings)
    later: Json = {"limit": none, "effective_on": "2026-03-02"}
    verdict = run(answer, rule("fail", "l", kind="Risk", more=later), waivers=(waiver(),))
    assert (verdict["outcome"], verdict["warnings"]) == ("pass", 1)
    # no doubt is lifted
    odd = response(item(phase="Failed", kind="Hazard"))
    assert limited(odd, "warn", one, kind="Hazard", **below)[1]["findings"][0]["outcome"] == (
        "unknown"
    )


def test_limits_of_what_is_not_known() -> None:
    """Undecided findings count when they failed; who has no name counts as its own."""
    any_number = {"of": "findings", "max": 9}
    silent = item("A", "Failed", message=None)
    answer = response(FAILED, silent, item("B", message=None), item("C", "Running"))
    match: Json = {"message": "*", "scope": "cluster"}
    assert limited(answer, "fail", any_number, **match)[0]["failed"] == 2
    assert limited(answer, "fail", any_number, **match)[0]["base"] == 3
    assert limited(answer, "note", any_number, **match)[0]["failed"] == 1
    # below a note the undecided one takes the default
    verdict = limited(answer, "fail", any_number, more={"below": "note"}, **match)[1]
    assert [found["outcome"] for found in verdict["findings"][:2]] == ["note", "fail"]

    nameless = [stage("", FAILED, FAILED), stage("", FAILED)]
    risks = {"nodeRisks": [{"NodeID": "n-a"}, {"NodeID": "n-a"}, {}, {}]}
    answer = response(item(phase="Failed", riskSource=risks), nodes=nameless)
    assert limited(answer, "fail", {"of": "nodes", "max": 9})[0]["failed"] == 5
    answer = response(*[item(None, "Failed") for _ in range(2)], FAILED, FAILED)  # type: ignore[arg-type]
    assert limited(answer, "fail", {"of": "checks", "max": 9})[0]["failed"] == 3
    # nothing of nothing isn't too much
    number, verdict = limited(response(), "fail", {"of": "nodes", "max_percent": 0})
    assert number == {"failed": 0, "base": 0, "exceeded": False}
    assert verdict["outcome"] == "pass"
    with pytest.raises(ValueError, match="limit"):
        limited(response(), "fail", {"of": "nodes"})


# ------------------------------------------------------------------------------------------------
# Evidence


def evidence(answer: Json, line: str, at: datetime = AT, **more: Any) -> tuple[str, str]:
    """State of a line, and the outcome."""
    options = {key: more.pop(key) for key in list(more) if key.startswith("expect_")}
    options |= {key: more.pop(key) for key in ("sidecar", "cluster_type") if key in more}
    verdict = judge(answer, [{"defaults": {"unmatched": "warn"}, **more}], at=at, **options)
    return verdict["evidence"][line], verdict["outcome"]


def test_recognised() -> None:
    """Documented values, and no hidden checks."""
    answer = response()
    assert evidence(answer, "recognised") == ("ok", "pass")
    assert evidence({**answer, "extra": {"a": [1]}}, "recognised") == ("ok", "pass")
    hiding = {**answer, "extra": {"a": [{"Phase": "Failed"}]}}
    assert evidence(hiding, "recognised") == ("not-ok", "inconclusive")
    assert evidence(hiding, "recognised", evidence={"recognised": "off"}) == (
        "not-applicable",
        "pass",
    )
    assert evidence({**answer, "kind": "List"}, "recognised")[0] == "not-ok"
    assert evidence(response(item(level="Deep")), "recognised") == ("not-ok", "inconclusive")


def test_finished_consistent_complete() -> None:
    """Phases, their causes, and what has to be there."""
    answer = response()
    answer["status"]["phase"] = "Error"
    warned = {"finished": "warn"}
    assert evidence(answer, "finished", evidence=warned) == ("not-ok", "inconclusive")

    answer = response()
    answer["status"]["addonCheckStatus"]["phase"] = "Failed"
    assert evidence(answer, "consistent") == ("not-ok", "inconclusive")

    answer = response()
    del answer["status"]["addonCheckStatus"]
    assert evidence(answer, "finished") == ("ok", "inconclusive")
    assert evidence(answer, "complete")[0] == "not-ok"
    relaxed = {"complete": {"sections": {"addon": "optional"}}}
    assert evidence(answer, "complete", evidence=relaxed) == ("ok", "pass")

    assert evidence(response(), "complete", cluster_type="standard")[0] == "not-ok"
    nodes = [stage("n-a", item()), stage("n-b", item("NodeSSH"))]
    asked: Json = {"complete": {"min_nodes": 2, "required_checks": ["Node*"]}}
    answer = response(nodes=nodes)
    assert evidence(answer, "complete", evidence=asked, cluster_type="standard")[0] == "ok"
    asked["complete"]["required_on_every_node"] = ["NodeDisk"]
    assert evidence(answer, "complete", evidence=asked)[0] == "not-ok"

    empty = response()
    for name in ("clusterCheckStatus", "addonCheckStatus"):
        empty["status"][name]["itemsStatus"] = []
    assert evidence(empty, "complete", evidence={"complete": "off"}) == (
        "not-applicable",
        "inconclusive",
    )


def test_unexpired_and_fresh() -> None:
    """Half-open, and the future isn't trusted."""
    answer = response()
    assert evidence(answer, "unexpired")[0] == "ok"
    assert evidence(answer, "unexpired", AT + timedelta(minutes=50))[0] == "not-ok"
    del answer["status"]["expireTimeStamp"]
    assert evidence(answer, "unexpired")[0] == "not-ok"
    hour, ten = {"unexpired": {"validity": "1h"}}, {"unexpired": {"validity": "10m"}}
    assert evidence(answer, "unexpired", evidence=hour)[0] == "ok"
    assert evidence(answer, "unexpired", evidence=ten)[0] == "not-ok"
    assert evidence(answer, "unexpired", AT - timedelta(hours=1), evidence=hour)[0] == "not-ok"
    assert evidence(response(FAILED), "unexpired")[0] == "not-applicable"
    assert evidence(response(FAILED), "unexpired", evidence=ten)[0] == "not-ok"

    for age, state in (("11m", "ok"), ("10m", "not-ok")):
        assert evidence(answer, "fresh", evidence={"fresh": {"max_age": age}})[0] == state
    asked = {"fresh": {"max_age": "1h"}}
    assert evidence(answer, "fresh", AT - timedelta(minutes=15), evidence=asked)[0] == "ok"
    assert evidence(answer, "fresh", AT - timedelta(minutes=16), evidence=asked)[0] == "not-ok"


def test_identity_and_provider() -> None:
    """Whatever is given has to hold; the sidecar fills gaps."""
    answer = response()
    assert evidence(answer, "identity")[0] == "not-applicable"
    assert evidence(answer, "identity", expect_cluster="c-one", expect_target="1.31")[0] == "ok"
    assert evidence(answer, "identity", expect_cluster="c-two") == ("not-ok", "inconclusive")
    wrong = {"cluster": "c-*", "target_version": ">=1.32"}
    assert evidence(answer, "identity", applies_to=wrong)[0] == "not-ok"
    nameless = response(clusterID=None)
    assert evidence(nameless, "identity", expect_cluster="c-one")[0] == "not-ok"
    sidecar = {"cluster": "c-one", "type": "autopilot"}
    assert evidence(nameless, "identity", expect_cluster="c-one", sidecar=sidecar)[0] == "ok"
    assert evidence(answer, "provider")[0] == "ok"
    assert evidence(response(FAILED), "provider")[0] == "not-ok"


def test_several_policies() -> None:
    """A union: the strictest of everything."""
    lenient: Json = {"defaults": {"unmatched": "note"}, "evidence": {"unexpired": "off"}}
    answer = response(FAILED)
    assert judge(answer, [lenient], at=AT)["outcome"] == "pass"
    assert judge(answer, [lenient, {}], at=AT)["outcome"] == "fail"
    expired = AT + timedelta(hours=1)
    assert judge(response(), [lenient], at=expired)["outcome"] == "pass"
    assert judge(response(), [lenient, {}], at=expired)["outcome"] == "inconclusive"
    eternal: Json = {"waivers": [waiver(expires=None)], "waivers_may_be_permanent": True}
    assert judge(answer, [eternal], at=AT)["outcome"] == "pass"
    with pytest.raises(ValueError, match="needs expires"):
        judge(answer, [eternal, {}], at=AT)
    with pytest.raises(ValueError, match="different content"):
        judge(answer, [{"rules": [rule("note", kind="*")]}, {"rules": [rule("fail", kind="*")]}],
              at=AT)  # fmt: skip


# ------------------------------------------------------------------------------------------------
# Every case

_FAST = settings(
    max_examples=examples(100),
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def at_pointer(document: Any, pointer: str) -> Any:
    """The value a pointer names (no `~` in ours)."""
    for part in pointer.split("/")[1:]:
        document = document[int(part)] if isinstance(document, list) else document[part]
    return document


@_FAST
@given(cases())
def test_a_pass_is_a_pass(case: Json) -> None:
    """What every pass has to have, whatever the policy says."""
    verdict = judge(**case)
    outcomes = [found["outcome"] for found in verdict["findings"]]
    if verdict["outcome"] == "pass":
        assert outcomes
        assert not {"fail", "unknown"} & set(outcomes)
        assert "fail" not in verdict["skipped"]
        assert case["response"]["status"]["phase"] in ("Success", "Failed")
    for found in verdict["findings"]:
        one = at_pointer(case["response"], found["pointer"])
        if found["outcome"] == "waived":
            assert one["kind"] == "Risk"
            assert one.get("group") != "ExecuteException"
        if found["outcome"] == "pass":
            assert one["phase"] == "Success"


@_FAST
@given(cases())
def test_order_and_emptiness_change_nothing(case: Json) -> None:
    """Rules, policies and waivers in any order; absent, null and empty alike."""
    verdict = judge(**case)
    other = deepcopy(case)
    shuffle = random.Random(0).shuffle
    shuffle(other["policies"])
    for source in [*other["policies"], *other["waiver_lists"]]:
        shuffle(source.setdefault("rules", []))
        shuffle(source.setdefault("waivers", []))
    for holder, key in ((other["response"], "spec"), (other["response"], "metadata")):
        if not holder.get(key):
            holder[key] = {"uid": None} if key == "metadata" else ""
    for found in verdict["findings"]:
        one = at_pointer(other["response"], found["pointer"]) or {}
        for key in ("message", "errorCodes", "riskSource", "retries"):
            one.setdefault(key, None)
        for key in ("nodeRisks", "deprecatedAPIRisks", "configurationRisks", "addonRisks"):
            if one["riskSource"]:
                one["riskSource"].setdefault(key, [])
        for risk in (one["riskSource"] or {}).get("deprecatedAPIRisks") or []:
            if risk:
                risk.setdefault("userAgent", None)
                risk.setdefault("url", "")
    again = judge(**other)
    assert sorted(again.pop("undated")) == sorted(verdict.pop("undated"))
    assert again == verdict


@_FAST
@given(cases())
def test_fewer_waivers_are_never_better(case: Json) -> None:
    """Taking the waivers away never turns another verdict into a pass."""
    without = deepcopy(case)
    without["waiver_lists"] = []
    for policy in without["policies"]:
        policy.pop("waivers", None)
    if judge(**case)["outcome"] != "pass":
        assert judge(**without)["outcome"] != "pass"


def asks_for_presence(condition: Json) -> bool:
    """Whether the contract lets this condition be false when message or codes are missing."""
    if condition["path"] not in ("$.message", "$.errorCodes", "$.errorCodes[*]"):
        return False
    operators = set(condition) | set(condition.get("not", {}))
    return bool({"exists", "count"} & operators) or condition.get("quantifier") == "all"


def without_presence(match: Json) -> Json:
    """The match without such conditions."""
    match = {**match}
    if "where" in match:
        match["where"] = [one for one in match["where"] if not asks_for_presence(one)]
    if "not" in match:
        match["not"] = without_presence(match["not"])
    if "any" in match:
        match["any"] = [without_presence(one) for one in match["any"]]
    for key in ("where", "not"):
        if key in match and not match[key]:
            del match[key]
    if not all(match.get("any", [True])):
        del match["any"]  # one of them asks for nothing any more: it holds of everything
    return match


@_FAST
@given(cases())
def test_saying_less_is_never_better(case: Json) -> None:
    """What a missing field leaves open counts against passing: message and error codes.

    `max_findings` is left out: a waiver that matches less may come under its maximum. So are
    conditions that ask whether something is there, and limits that a note rule sets or that
    are stricter below than above.
    """
    for source in [*case["policies"], *case["waiver_lists"]]:
        source["waivers"] = [without_presence(listed) for listed in source.get("waivers", [])]
        for listed in source["waivers"]:
            listed.pop("max_findings", None)
        for one in source.get("rules", []):
            one["match"] = without_presence(one["match"]) or {"check": "*"}
            if "limit" in one:
                one["below"] = "note"
                one["effect"] = "fail" if one["effect"] == "fail" else "warn"
    before = judge(**case)["outcome"]
    for found in judge(**case)["findings"]:
        one = at_pointer(case["response"], found["pointer"])
        one.pop("message", None)
        one.pop("errorCodes", None)
    assert (before, judge(**case)["outcome"]) not in {("fail", "pass"), ("inconclusive", "pass")}


@settings(
    max_examples=800,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(cases())
def _count(case: Json) -> None:
    verdict = judge(**case)
    _seen["cases"] += 1
    sources = [*case["policies"], *case["waiver_lists"]]
    rules = [one["match"] for source in sources for one in source.get("rules", [])]
    listed = [one for source in sources for one in source.get("waivers", [])]
    _seen["where in a rule"] += any("where" in keys_in(one) for one in rules)
    _seen["where in a waiver"] += any("where" in keys_in(one) for one in listed)
    _seen["where"] += any("where" in keys_in(one) for one in rules + listed)
    _seen["limit"] += bool(verdict["limits"])
    for number in verdict["limits"].values():
        state = "exceeded" if number["exceeded"] else "below" if number["failed"] else "idle"
        _seen[f"limit {state}"] += 1
    _seen[verdict["outcome"]] += 1
    _seen.update({f"finding {found['outcome']}" for found in verdict["findings"]})
    _seen.update(f"{line} {state}" for line, state in verdict["evidence"].items())
    _seen.update({f"skipped {outcome}" for outcome in verdict["skipped"]})
    _seen.update({f"waiver {status}" for status in verdict["waivers"].values()})


_seen: Counter[str] = Counter()


@pytest.mark.skipif(not MANY, reason="make prove")
def test_the_generator_reaches_everything() -> None:
    """A net with holes of one size only catches nothing else; `-s` prints the figures."""
    _seen.clear()
    _count()
    for what, count in sorted(_seen.items()):
        print(f"{what:28} {100 * count / _seen['cases']:5.1f} %")
    assert _seen["pass"] >= 0.2 * _seen["cases"]
    assert min(_seen["fail"], _seen["inconclusive"]) >= 0.2 * _seen["cases"]
    assert _seen["where"] >= 0.25 * _seen["cases"]
    assert _seen["limit"] >= 0.15 * _seen["cases"]
    assert min(_seen["limit exceeded"], _seen["limit below"]) >= 0.03 * _seen["cases"]
    expected = {f"finding {o}" for o in ("pass", "fail", "warn", "note", "waived", "unknown")}
    expected |= {f"skipped {o}" for o in ("fail", "warn", "note", "waived")}
    expected |= {
        f"waiver {o}"
        for o in ("used", "unused", "elsewhere", "expired", "not-yet-valid", "not-applicable")
    }
    expected |= {"waiver exceeded", "provider not-applicable", "identity not-applicable"}
    for line in ("recognised", "finished", "consistent", "complete", "unexpired", "fresh"):
        expected |= {f"{line} ok", f"{line} not-ok"}
    assert {what for what in expected if _seen[what] < 3} == set()


@settings(
    max_examples=examples(25), deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
@given(responses(), policies(), waiver_lists())
def test_single_strategies_fit_together(answer: Json, policy: Json, listed: Json) -> None:
    """The strategies for one thing give what `judge` takes."""
    judge(answer, [policy], [listed], at=AT)


@pytest.mark.parametrize("nameless", [{"NodeID": None}, {}, {"NodeID": ""}])
def test_a_waiver_for_one_node_says_nothing_of_a_nameless_second(nameless: Json) -> None:
    """W6: an element without the field that is asked for is a value of which nothing is known."""
    source = {"nodeRisks": [{"NodeID": "n-a"}, nameless]}
    one = item(phase="Failed", riskSource=source)
    accepted = waiver(**where(NODE_IDS, equals="n-a"))
    assert first(response(one), waivers=(accepted,)) == "fail"
    assert truth(where(NODE_IDS, equals="n-a"), one) == "true"
    assert truth(where(NODE_IDS, equals="n-c"), one) == "open"
    assert truth(where(NODE_IDS, count={"eq": 1}), one) == "true"
