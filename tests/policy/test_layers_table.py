"""Each way in which a layer may fall behind its base, and the same step where it does not."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from reporter.errors import PolicyError
from reporter.policy.evaluate import evaluate
from reporter.policy.layers import PlacedRule, _stricter
from reporter.policy.load import Policy
from reporter.policy.model import MatchSpec, RuleSpec
from reporter.sources.read import read
from reporter.yamlfile import Document
from tests.policy.build import AT, item, policy, response

RULE: dict[str, Any] = {"id": "r", "match": {"kind": "Risk"}, "effect": "fail"}
COUNTED = RULE | {"limit": {"of": "findings", "max": 2}, "below": "warn"}
SHARE = COUNTED | {"limit": {"of": "findings", "max_percent": 20}}
LATER = RULE | {"effective_on": "2027-01-01"}


def refused(base: dict[str, Any], top: dict[str, Any]) -> str | None:
    """What is said of a policy on top of another; None where it may stand there."""
    files = {"base.yaml": policy(**base), "top.yaml": policy(extends="base.yaml", **top)}
    try:
        Policy.load_kept(files, ["top.yaml"])
    except PolicyError as error:
        return error.message
    return None


@pytest.mark.parametrize(
    ("under", "own", "said"),
    [
        (RULE | {"waivable": False}, RULE, "allows waivers, weaker than the one at"),
        (RULE | {"waivable": False}, RULE | {"waivable": False}, None),
        (RULE, RULE | {"waivable": False}, None),
        (RULE | {"locked": True}, RULE, "is no longer locked, weaker, and the one at"),
        (RULE | {"locked": True}, RULE | {"locked": True}, None),
        (RULE, RULE | {"locked": True}, None),
        (LATER, LATER | {"effective_on": "2027-01-02"}, "takes effect later, weaker"),
        (LATER, LATER, None),
        (LATER, LATER | {"effective_on": "2026-12-31"}, None),
        (LATER, RULE, None),
        (RULE, LATER, "takes effect later, weaker"),
        (RULE, COUNTED, "says warn below its limit, weaker"),
        (RULE, COUNTED | {"below": "fail"}, "counts otherwise, weaker"),
        (COUNTED, RULE, "counts otherwise, weaker"),
        (COUNTED, COUNTED | {"below": "note"}, "says note below its limit, weaker"),
        (COUNTED | {"below": "note"}, COUNTED, None),
        (COUNTED, {k: v for k, v in COUNTED.items() if k != "below"}, None),
        (COUNTED, COUNTED | {"limit": {"of": "checks", "max": 2}}, "counts otherwise, weaker"),
        (COUNTED, COUNTED | {"limit": {"of": "findings", "max": 3}}, "allows more under its limit"),
        (COUNTED, COUNTED, None),
        (COUNTED, COUNTED | {"limit": {"of": "findings", "max": 1}}, None),
        (COUNTED, SHARE, "allows more under its limit, weaker"),
        (SHARE, COUNTED, "allows more under its limit, weaker"),
        (SHARE, SHARE | {"limit": {"of": "findings", "max_percent": 21}}, "allows more under its"),
        (SHARE, SHARE | {"limit": {"of": "findings", "max_percent": 19}}, None),
        (RULE, RULE | {"effect": "warn"}, "says warn, weaker than the one at"),
        (RULE | {"effect": "warn"}, RULE, None),
        (RULE, RULE | {"match": {"kind": "Exception"}}, "differs in its match from the one at"),
    ],
)  # fmt: skip
def test_a_rule_of_the_same_id(
    under: dict[str, Any], own: dict[str, Any], said: str | None
) -> None:
    found = refused({"rules": [under | {"reason": "r"}]}, {"rules": [own | {"reason": "r"}]})
    assert (found is None) if said is None else (said in str(found)), found


@pytest.mark.parametrize(
    ("under", "own", "said"),
    [
        # A default milder than `below`: a limit that is exceeded sooner leaves findings to it.
        (COUNTED, COUNTED | {"limit": {"of": "findings", "max": 1}}, "is exceeded sooner"),
        (COUNTED, COUNTED, None),
        (COUNTED | {"effect": "note"}, COUNTED, "is exceeded sooner"),
        (COUNTED | {"effect": "warn"}, COUNTED, None),
        (COUNTED | {"effect": "note"}, COUNTED | {"effect": "note"}, None),
        (COUNTED | {"below": "note"}, COUNTED | {"below": "note", "limit": {
            "of": "findings", "max": 1}}, None),
        (RULE, RULE, None),
    ],
)  # fmt: skip
def test_a_limit_over_a_milder_default(
    under: dict[str, Any], own: dict[str, Any], said: str | None
) -> None:
    milder = {"defaults": {"unmatched": "note"}}
    both = ({"rules": [under | {"reason": "r"}]} | milder, {"rules": [own | {"reason": "r"}]})
    found = refused(*both)
    assert (found is None) if said is None else (said in str(found)), found


COMPLETE: dict[str, Any] = {"min_nodes": 3}


@pytest.mark.parametrize(
    ("line", "under", "own", "said"),
    [
        ("complete", COMPLETE, {"min_nodes": 2}, "has min_nodes 2 where its base has 3"),
        ("complete", COMPLETE, {"min_nodes": 3}, None),
        ("complete", COMPLETE, {"min_nodes": 4}, None),
        ("complete", COMPLETE, {"required_checks": "A"}, None),
        *(("complete", COMPLETE, {"sections": {part: "optional"}}, f"makes the {part} section")
          for part in ("cluster", "addon", "node")),
        ("complete", {"sections": {"node": "optional"}}, {"sections": {"node": "optional"}}, None),
        ("complete", {"level": "off", "min_nodes": 3}, {"min_nodes": 2}, None),
        ("complete", "warn", "off", "says off where its base says warn"),
        ("unexpired", {"validity": "2h"}, {"validity": "3h"}, "has validity 3h where its base has"),
        ("unexpired", {"validity": "2h"}, {"validity": "2h"}, None),
        ("unexpired", {"validity": "2h"}, {"validity": "1h"}, None),
        ("unexpired", {"level": "warn"}, {"level": "warn", "validity": "1h"}, "counts a validity"),
        ("fresh", {"max_age": "2h"}, {"max_age": "121m"}, "has max_age 121m where its base has 2h"),
        ("fresh", {"max_age": "2h"}, {"max_age": "120m"}, None),
        ("fresh", {"max_age": "2h"}, {"max_age": "1h"}, None),
        ("fresh", "off", {"max_age": "9d"}, None),
        ("unexpired", {"validity": "2h"}, "require", None),
        ("finished", "warn", "require", None),
    ],
)  # fmt: skip
def test_a_line_of_evidence(line: str, under: Any, own: Any, said: str | None) -> None:
    found = refused({"evidence": {line: under}}, {"evidence": {line: own}})
    assert (found is None) if said is None else (said in str(found)), found


@pytest.mark.parametrize(
    ("under", "own", "said"),
    [
        ({"max_waiver_days": 90}, {"max_waiver_days": 91}, "allows 91 days, its base 90"),
        ({"max_waiver_days": 90}, {"max_waiver_days": 90}, None),
        ({}, {"max_waiver_days": 90}, None),
        ({}, {"waivers_may_be_permanent": True}, "allows permanent waivers, its base does not"),
        ({}, {"waivers_may_be_permanent": False}, None),
        ({"waivers_may_be_permanent": True}, {"waivers_may_be_permanent": True}, None),
        ({"waivers_may_be_permanent": True}, {"waivers_may_be_permanent": False}, None),
        ({"waiver_requires": ["ticket"]}, {"waiver_requires": ["approved_by"]}, None),
    ],
)
def test_a_demand_on_waivers(under: dict[str, Any], own: dict[str, Any], said: str | None) -> None:
    found = refused(under, own)
    assert (found is None) if said is None else (said in str(found)), found


def test_what_holds_after_all_of_it() -> None:
    """Silence keeps what the base says; demands add up; of two bases the stricter counts."""
    base: dict[str, Any] = {
        "waivers_may_be_permanent": True,
        "max_waiver_days": 90,
        "waiver_requires": ["ticket"],
    }
    files = {
        "a.yaml": policy(**base),
        "b.yaml": policy(max_waiver_days=30),
        "silent.yaml": policy(extends="a.yaml", evidence={"fresh": {"max_age": "1h"}}),
        "more.yaml": policy(extends="a.yaml", waiver_requires=["approved_by"]),
        "both.yaml": policy(extends=["a.yaml", "b.yaml"]),
    }
    found = {
        name: whole
        for name in ("silent", "more", "both")
        if (whole := Policy.load_kept(files, [f"{name}.yaml"]).layered) is not None
    }
    assert [found[name].permanent for name in found] == [True, True, False]
    assert [found[name].max_days for name in found] == [90, 90, 30]
    assert [sorted(found[name].requires) for name in found] == [
        ["ticket"], ["approved_by", "ticket"], ["ticket"],
    ]  # fmt: skip
    places = found["both"].places["max_waiver_days"]
    assert places == "a.yaml:6:18 and b.yaml:5:18"
    # Said once more, a line counts once.
    again = Policy.load_kept(
        files
        | {"again.yaml": policy(extends="silent.yaml", evidence={"fresh": {"max_age": "1h"}})},
        ["again.yaml"],
    )
    assert [spec.fresh.max_age for spec in again.evidence] == [None, "1h"]


def test_a_layer_says_nothing_of_the_lines_that_it_does_not_name() -> None:
    strict = {"fresh": {"max_age": "1h"}, "complete": {"min_nodes": 3}}
    assert refused({"evidence": strict}, {"evidence": {"finished": "require"}}) is None


@pytest.mark.parametrize("first", ["strict.yaml", "mild.yaml"])
def test_a_layer_on_two_bases_is_held_to_the_stricter_one(first: str) -> None:
    files = {
        "strict.yaml": policy(evidence={"complete": {"min_nodes": 3}}),
        "mild.yaml": policy(evidence={"complete": {"min_nodes": 1}}),
    }
    second = (files.keys() - {first}).pop()
    files["top.yaml"] = policy(extends=[first, second], evidence={"complete": {"min_nodes": 2}})
    with pytest.raises(PolicyError, match="has min_nodes 2 where its base has 3"):
        Policy.load_kept(files, ["top.yaml"])


@pytest.mark.parametrize(
    ("setting", "strict", "mild"),
    [
        ("evidence.fresh", {"evidence": {"fresh": {"max_age": "1h"}}},
         {"evidence": {"fresh": {"max_age": "9h"}}}),
        ("defaults.skipped", {"defaults": {"skipped": "fail"}}, {"defaults": {"skipped": "warn"}}),
    ],
)  # fmt: skip
def test_what_a_layer_says_anew_is_released_by_nobody_else(
    setting: str, strict: dict[str, Any], mild: dict[str, Any]
) -> None:
    files = {
        "base.yaml": policy(overridable=[setting], **mild),
        "mid.yaml": policy(extends="base.yaml", **strict),
        "top.yaml": policy(extends="mid.yaml", **mild),
    }
    with pytest.raises(PolicyError, match=re.escape(setting)):
        Policy.load_kept(files, ["top.yaml"])
    files["mid.yaml"] = policy(extends="base.yaml", overridable=[setting], **strict)
    Policy.load_kept(files, ["top.yaml"])


@pytest.mark.parametrize("line", ["required_checks", "required_on_every_node"])
@pytest.mark.parametrize("under", [None, "A", ["A", "B"]])
def test_the_lists_of_a_released_line_add_up(line: str, under: Any) -> None:
    below = {} if under is None else {line: under}
    files = {
        "base.yaml": policy(
            evidence={"complete": {"min_nodes": 3, **below}}, overridable=["evidence.complete"]
        ),
        "top.yaml": policy(extends="base.yaml", evidence={"complete": {"min_nodes": 1, line: "C"}}),
    }
    wanted = [
        getattr(spec.complete, line) for spec in Policy.load_kept(files, ["top.yaml"]).evidence
    ]
    assert [[*(under or []), "C"]] == wanted[:1]


@pytest.mark.parametrize("released", [False, True])
@pytest.mark.parametrize(
    ("under", "own", "odd"),
    [
        ({"check": "A"}, {"kind": "Hazard"}, {"kind": "Hazard"}),
        ({"check": "A"}, {"level": "Critical"}, {"level": "Critical"}),
        ({"check": "A"}, {"any": [{"level": "Critical"}, {"check": "B"}]}, {"level": "Critical"}),
        ({"check": "A", "level": "Critical"}, {"message": "*"}, {"level": "Critical"}),
    ],
)
def test_a_value_nobody_documents_is_known_after_all_by_no_layer_of_its_own(
    under: dict[str, Any], own: dict[str, Any], odd: dict[str, Any], released: bool
) -> None:
    """Unless its base releases the default, or says so itself."""
    rule = {"id": "r", "effect": "warn", "reason": "r"}
    free = ["r", "defaults.unmatched"] if released else ["r"]
    files = {
        "base.yaml": policy([rule | {"match": under}], overridable=free),
        "mid.yaml": policy([rule | {"match": under | own}], extends="base.yaml"),
        "top.yaml": policy([rule | {"match": under | own}], extends="mid.yaml"),
    }
    body = read(json.dumps(response(item("A", **odd))).encode())
    for name in ("mid.yaml", "top.yaml"):
        verdict = evaluate(body, Policy.load_kept(files, [name]), at=AT, now=AT)
        known = released or "level" in under
        assert verdict.checks[0].outcome == ("warn" if known else "unknown")


@pytest.mark.parametrize("extends", [False, True])
def test_what_is_released_has_to_be_there(extends: bool) -> None:
    base = {"base.yaml": policy([RULE])}
    more: dict[str, Any] = {"extends": "base.yaml"} if extends else {}
    for name, said in (("r2", 'did you mean "r"?' if extends else "a rule here nor a setting\n"),
                       ("zzzzzz", "is neither a rule here nor a setting")):  # fmt: skip
        files = base | {"top.yaml": policy(overridable=[name], **more)}
        with pytest.raises(PolicyError) as caught:
            Policy.load_kept(files, ["top.yaml"])
        assert said.strip() in caught.value.message
        assert ("did you mean" in caught.value.message) is (name == "r2" and extends)


def test_of_a_rule_in_two_policies_what_one_keeps_from_it_is_kept() -> None:
    owned = MatchSpec(check="A")
    document = Document({}, "p.yaml")
    rule = RuleSpec.model_validate(RULE)
    free = PlacedRule(rule, document, 0, softens=True, lifts_doubt=True, owned=owned)
    for kept in (free, replace(free, softens=False), replace(free, lifts_doubt=False),
                 replace(free, owned=None), replace(free, owned=MatchSpec(check="B"))):  # fmt: skip
        both = _stricter(free, kept), _stricter(kept, free)
        assert {(one.softens, one.lifts_doubt) for one in both} == {
            (kept.softens, kept.lifts_doubt)
        }
        assert [one.owned for one in both] == [kept.owned if kept.owned == owned else None] * 2
