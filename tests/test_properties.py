"""What holds for every response and policy, whatever they say."""

from __future__ import annotations

import copy
import os
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from reporter.record.model import Verdict
from tests.slow import generator
from tests.test_agreement import judge_case

EXAMPLES = int(os.environ.get("PROPERTY_EXAMPLES", "25"))
ORDER = {"fail": 2, "inconclusive": 1, "pass": 0}
EFFECTS = ("fail", "warn", "note")

few = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))


def shape(verdict: Verdict) -> Any:
    """What a verdict says, without the order it says it in."""
    return (
        verdict.outcome,
        sorted(
            (place.pointer, entry.outcome, tuple(entry.waived_by))
            for check in verdict.checks
            for entry in check.entries
            for place in entry.places
        ),
        sorted((line.id, line.state, line.level) for line in verdict.evidence),
        sorted((use.id, use.status, use.findings, use.skipped) for use in verdict.waivers),
        sorted((rule.id, rule.hits) for rule in verdict.rules),
        sorted(condition.code for condition in verdict.conditions),
        verdict.counts,
    )


@few
@given(case=generator.cases(), seed=st.randoms(use_true_random=False))
def test_the_order_of_rules_waivers_and_files_never_matters(
    case: dict[str, Any], seed: Any
) -> None:
    other = copy.deepcopy(case)
    for part in [*other["policies"], *other["waiver_lists"]]:
        for key in ("rules", "waivers"):
            if part.get(key):
                seed.shuffle(part[key])
    seed.shuffle(other["policies"])
    seed.shuffle(other["waiver_lists"])
    assert shape(judge_case(case)) == shape(judge_case(other))


@few
@given(case=generator.cases(), seed=st.randoms(use_true_random=False))
def test_the_order_of_findings_never_matters(case: dict[str, Any], seed: Any) -> None:
    other = copy.deepcopy(case)
    status = other["response"].get("status") or {}
    lists = [
        (status.get(name) or {}).get("itemsStatus")
        for name in ("clusterCheckStatus", "addonCheckStatus")
    ]
    for found in lists:
        if found:
            seed.shuffle(found)
    before, after = judge_case(case), judge_case(other)
    assert (before.outcome, before.counts) == (after.outcome, after.counts)


@few
@given(case=generator.cases(), rule=generator.policies())
def test_adding_a_rule_as_strict_as_the_default_never_improves_a_verdict(
    case: dict[str, Any], rule: dict[str, Any]
) -> None:
    rules = rule.get("rules") or []
    assume(rules)
    default = max(
        ((part.get("defaults") or {}).get("unmatched") or "fail" for part in case["policies"]),
        key=lambda effect: -EFFECTS.index(effect),
    )
    added = {**rules[0], "id": "added", "reason": "test"}
    assume("limit" not in added and "effective_on" not in added)
    assume(EFFECTS.index(added["effect"]) <= EFFECTS.index(default))
    other = copy.deepcopy(case)
    other["policies"][0].setdefault("rules", [])
    other["policies"][0]["rules"] = [*(other["policies"][0]["rules"] or []), added]
    assert ORDER[judge_case(other).outcome] >= ORDER[judge_case(case).outcome]


@few
@given(case=generator.cases(), more=generator.waiver_lists())
def test_adding_a_waiver_never_worsens_a_verdict(
    case: dict[str, Any], more: dict[str, Any]
) -> None:
    other = copy.deepcopy(case)
    listed = [
        {**waiver, "id": f"added-{number}"} for number, waiver in enumerate(more["waivers"] or [])
    ]
    assume(all("expires" in waiver for waiver in listed))
    other["waiver_lists"] = [*other["waiver_lists"], {**more, "waivers": listed}]
    assert ORDER[judge_case(other).outcome] <= ORDER[judge_case(case).outcome]


def _removable(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths of phases, kinds and levels of failed items, of sections and of times."""
    found: list[tuple[Any, ...]] = []
    if isinstance(value, dict):
        for key, part in value.items():
            here = (*path, key)
            failed = value.get("phase") == "Failed"
            if (
                key == "phase"
                or (key in ("kind", "level") and failed)
                or key.endswith("CheckStatus")
                or key in ("expireTimeStamp", "updateTimestamp")
            ):
                found.append(here)
            found += _removable(part, here)
    elif isinstance(value, list):
        for index, part in enumerate(value):
            found += _removable(part, (*path, index))
    return found


@few
@given(case=generator.cases(), data=st.data())
def test_what_is_removed_never_turns_anything_into_a_pass(
    case: dict[str, Any], data: st.DataObject
) -> None:
    verdict = judge_case(case)
    assume(verdict.outcome != "pass")
    # A time that is gone can end a policy's own objection to it; those lines stay out.
    assume(verdict.outcome == "fail" or not verdict.counts.findings.fail)
    paths = [path for path in _removable(case["response"]) if path[-1] != "expireTimeStamp"]
    assume(paths)
    path = data.draw(st.sampled_from(paths))
    other = copy.deepcopy(case)
    holder = other["response"]
    for part in path[:-1]:
        holder = holder[part]
    del holder[path[-1]]
    uses_where = "'where'" in str(case["policies"]) + str(case["waiver_lists"])
    assume(not uses_where)  # a path may ask whether something is absent
    optional = "optional" in str(case["policies"])
    assume(not (optional and path[-1].endswith("CheckStatus")))
    assume("'off'" not in str(case["policies"]) and "'warn'" not in _levels(case))
    assert judge_case(other).outcome != "pass"


def _levels(case: dict[str, Any]) -> str:
    return str([policy.get("evidence") for policy in case["policies"]])


@few
@given(case=generator.cases())
def test_an_exception_is_never_waived_and_a_pass_is_one(case: dict[str, Any]) -> None:
    verdict = judge_case(case)
    for check in verdict.checks:
        for entry in check.entries:
            if entry.outcome == "waived":
                assert entry.kind == "Risk"
                assert entry.waived_by
    if verdict.outcome == "pass":
        assert verdict.counts.findings.total
        assert not verdict.counts.findings.fail
        assert not verdict.counts.findings.unknown
        assert verdict.subject.task_phase in ("Success", "Failed")
    assert verdict.contradiction() is None
    assert Verdict.model_validate_json(verdict.model_dump_json()) == verdict
