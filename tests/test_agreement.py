"""The evaluator and the slow one, written apart from it from the contract alone, must agree.

A false pass is the worst bug this project can have. `make prove` runs many more examples.
"""

from __future__ import annotations

import json
import os
from itertools import product
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import yaml
from hypothesis import HealthCheck, given, settings

from reporter.catalogue.read import Catalogue
from reporter.policy import match
from reporter.policy.evaluate import evaluate
from reporter.policy.load import Policy
from reporter.policy.model import MatchSpec
from reporter.precheck.finding import Finding
from reporter.precheck.model import CheckItem, PrecheckTask
from reporter.precheck.response import Response, Sidecar
from reporter.precheck.unknown_fields import unknown_fields
from reporter.record.model import Verdict
from reporter.signs import reads_as_written
from reporter.sources.read import read
from tests.policy.build import AT, item, policy, response
from tests.slow import evaluator, generator, million

EXAMPLES = int(os.environ.get("AGREEMENT_EXAMPLES", "120"))


def dump(document: dict[str, Any]) -> bytes:
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True).encode()


def judge_case(case: dict[str, Any]) -> Verdict:
    policy = Policy.parse(
        *[dump(part) for part in case["policies"]],
        waivers=[dump(part) for part in case.get("waiver_lists", ())],
    )
    return verdict_on(policy, read(json.dumps(case["response"]).encode()), case)


def verdict_on(policy: Policy, response: Response, case: dict[str, Any]) -> Verdict:
    """The evaluator's verdict, everything but policy and response as the case has it."""
    meta = case.get("sidecar")
    if meta is not None:
        sidecar = Sidecar(
            meta.get("cluster"), meta.get("target_version"), meta.get("type"), None, "s", b""
        )
        source = response.source
        response = Response(response.task, type(source)(source.name, source.data, sidecar=sidecar))
    topics = case.get("topics") or {}
    # The catalogue's words are not part of the slow evaluator's input.
    with (
        mock.patch.object(Catalogue, "topic_of", lambda _, name: topics.get(name)),
        mock.patch.object(Catalogue, "only_as_exception", return_value=False),
    ):
        return evaluate(
            response,
            policy,
            at=case["at"],
            now=case.get("now") or case["at"],
            expect_cluster=case.get("expect_cluster"),
            expect_target=case.get("expect_target"),
            cluster_type=case.get("cluster_type"),
        )


def _by_pointer(verdict: Verdict) -> dict[str, str]:
    return {
        place.pointer: entry.outcome
        for check in verdict.checks
        for entry in check.entries
        for place in entry.places
    }


def _warnings(verdict: Verdict) -> int:
    """Findings, skipped checks, exceeded limits and evidence lines that warn."""
    lines = [line for line in verdict.evidence if line.state == "not-ok" and line.level == "warn"]
    skips = [skip for skip in verdict.skipped if skip.outcome == "warn"]
    limits = [
        rule
        for rule in verdict.rules
        if rule.limit is not None and rule.limit.exceeded and rule.effect == "warn"
    ]
    return verdict.counts.findings.warn + len(skips) + len(lines) + len(limits)


def compare(case: dict[str, Any]) -> None:
    """Both evaluators on one case; everything they have in common must be equal."""
    compare_verdict(judge_case(case), evaluator.judge(**case))


def compare_verdict(verdict: Verdict, expected: dict[str, Any]) -> None:
    """The evaluator's verdict on a case against what the slow one said of it."""
    found = _by_pointer(verdict)
    assert {
        part["pointer"]: part["outcome"]
        for part in expected["findings"]
        if part["outcome"] != "pass"
    } == found
    assert verdict.counts.findings.total == len(expected["findings"])
    assert {line.id: line.state for line in verdict.evidence} == expected["evidence"]
    assert [skip.outcome for skip in verdict.skipped] == expected["skipped"]
    assert {use.id: use.status for use in verdict.waivers} == expected["waivers"]
    undated = sorted(use.id for use in verdict.waivers if "undated" in use.marks)
    assert undated == sorted(expected["undated"])
    limits = {
        rule.id: {
            "failed": rule.limit.failed,
            "base": rule.limit.base,
            "exceeded": rule.limit.exceeded,
        }
        for rule in verdict.rules
        if rule.limit is not None
    }
    assert limits == expected["limits"]
    assert verdict.counts.tolerated_exceptions == expected["tolerated_exceptions"]
    assert _warnings(verdict) == expected["warnings"]
    codes = {condition.code for condition in verdict.conditions}
    displaced = [
        condition.params["rules"]
        for condition in verdict.conditions
        if condition.code == "condition.default-displaced"
    ]
    assert displaced == ([expected["standing_in"]] if expected["standing_in"] else [])
    assert ("condition.backdated" in codes) == expected["backdated"]
    assert ("condition.recheck-needed" in codes) == expected["recheck_needed"]
    assert verdict.outcome == expected["outcome"]


@settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
)
@given(case=generator.cases())
def test_both_evaluators_agree(case: dict[str, Any]) -> None:
    compare(case)


_WHERE_WRAPS = ("plain", "not", "not not", "any", "not any")


def _a_match_with_where(dice: generator.Dice, target: dict[str, Any]) -> dict[str, Any]:
    where: dict[str, Any] = {"where": generator._where(dice, target)}
    wrap = dice.pick(_WHERE_WRAPS)
    if wrap == "any":
        return {"any": [where, {"where": generator._where(dice, target)}]}
    if wrap == "not any":
        return {"not": {"any": [where, {"level": "Fatal"}]}}
    for _ in range(wrap.count("not")):
        where = {"not": where}
    return where


def test_both_answer_conditions_alike() -> None:
    """Yes, no and open one by one: in a whole verdict most differences between two don't show."""
    for seed in range(2 * EXAMPLES):
        dice = generator.Rolled(seed)
        response = generator._response(dice, generator.AT)[0]
        targets = [one for one in generator._targets(response) if "item" in one]
        if not targets:
            continue
        target = dice.pick(targets)
        wanted = _a_match_with_where(dice, target)
        item = target["item"]
        facts = match.Facts(None, None, None, lambda _: None, PrecheckTask.model_validate(response))
        finding = Finding(CheckItem.model_validate(item), "cluster", "/x")
        compiled = match.Match(MatchSpec.model_validate(wanted))
        seen = {"item": evaluator.without_empty(item), "raw": item, "nodes": [], "scope": "cluster"}
        for is_waiver, fits in ((False, compiled.fits_rule), (True, compiled.fits_waiver)):
            about = {"document": response, "found": {}, "topics": {}, "is_waiver": is_waiver}
            theirs = evaluator.matches(wanted, seen, about, every_value=is_waiver)
            assert fits(match.Target.of(finding, facts)) is theirs, (seed, is_waiver, wanted, item)


def test_the_million_begins(tmp_path: Path) -> None:
    """What `make million` does, a little of it: on plain data, and now and then the whole way."""
    reached = set()
    for seed in range(EXAMPLES // 4):
        case = generator.case(generator.Rolled(seed))
        judgement = million.try_case(case, whole_way=seed % 20 == 0)
        reached |= set(million.features(case, judgement))
    assert {"verdict pass", "verdict fail", "verdict inconclusive", "waiver used"} <= reached
    left = tmp_path / "case.json"
    left.write_text(million._written(case), encoding="utf-8")
    assert million.read_case(left) == case


def test_the_million_goes_on_behind_a_line_that_was_cut(tmp_path: Path) -> None:
    log = tmp_path / "done.jsonl"
    part = {"first": 500, "cases": 500, "seconds": 1.5, "seen": {"verdict pass": 2}}
    log.write_text(json.dumps(part) + "\n" + json.dumps(part | {"first": 1000})[:-9])
    assert million._done(log) == {500: part}
    said = million._report([part, part | {"first": 0}], tmp_path, "d")
    assert said.startswith("1,000 cases, no disagreement; 3.00 ms")
    assert "   0.400 %          4  verdict pass" in said


def test_the_million_notices_a_disagreement() -> None:
    with mock.patch.object(evaluator, "may_turn", return_value=True):
        found = million._run(0)
    assert "here, " in found["why"]
    assert found["failed"] < 100


_NAMES = [
    *("NodeDisk", "NodeDisk ", "Node_Disk", "NodeDisk\u3164", "Node\u2800Disk", "NodeDisk\ufe0f"),
    *("\u039dodeDisk", "N\u0585deDisk", "\ua4e0odeDisk", "CPU\u4f7f\u7528", "\u8282\u70b9"),
    *("phase", "phase\u3164", "ph\u200bse", "ph\u0251se", "\u03a1hase", "\u0440h\u0430se", "fase"),
    *("\u039aind", "le\u03bdel", "a\u4f7f\u7528\u5907\u6ce8", "X\u4f7f\u7528\u5907\u6ce8", "owner"),
    *(
        "s\u0199ipped",
        "\u0282kip",
        "noteSk\u0268pped",
        "ign\u0585redIt\u0454ms",
        "\u4f7f\u7528\u4f7f\u7528nod",
    ),
    *("the\u0421heck\u0405tatus", "che\u03f2kIt\u04d9m", "itemsStat\u222as", "it\u212emstatus"),
]


@pytest.mark.parametrize("name", _NAMES)
def test_both_read_a_name_alike(name: str) -> None:
    assert evaluator.never_covered({"name": name}, [], [], {}) is not reads_as_written(name)
    status = {"clusterCheckStatus": {"itemsStatus": [{"name": "x", name: ["odd"]}]}}
    if name not in ("phase", "kind", "level"):
        found = unknown_fields(PrecheckTask.model_validate({"status": status}))
        hidden = evaluator.hides_check({"status": status}, evaluator._TASK)
        assert bool(found.suspicious) is hidden


def test_both_name_what_stands_in_for_another_policys_default() -> None:
    """By chance two policies rarely differ in just that."""
    body = response(item("A", errorCodes=None), item("B", phase="Success"))
    matches: list[dict[str, Any]] = [{"check": "A"}, {"error_code": "E"}, {"check": "B"}]
    displaced = 0
    for first, second, one, other, match_ in product(
        ("warn", "note"),
        ("warn", "note", None),
        ("fail", "warn", "note"),
        ("warn", "note", None),
        matches,
    ):
        rules = [{"id": "r", "match": {"kind": "Risk"}, "effect": first}]
        others = [{"id": "s", "match": match_, "effect": second}] if second else []
        defaults: dict[str, Any] = {"defaults": {"unmatched": other}} if other else {}
        case: dict[str, Any] = {
            "response": body,
            "at": AT,
            "waiver_lists": [],
            "policies": [
                yaml.safe_load(policy(rules, defaults={"unmatched": one})),
                yaml.safe_load(policy(others, **defaults)),
            ],
        }
        compare(case)
        displaced += bool(evaluator.judge(**case)["standing_in"])
    assert displaced > 10


_PAGES: dict[str, list[Any]] = {
    "nextMarker": ["x", "", None, {"href": "x"}, {}, "null", 0],
    "hasMore": [True, False, "false", "true", 1],
    "more": [True, 1, "x", ["x"], {"x": 1}],
    "truncated": [True, "x", ["x"], {"x": 1}],
    "total_pages": [1, 2, "2", True, "x", []],
    "links": ["<x>; rel=next", "x", [{"rel": "self"}], [{"Rel": ["a", "next"]}]],
    "_links": [{"next": None, "self": "x"}, {"next": "x"}, {"rel": "NEXT"}],
    **{key: ["x"] for key in ("next", "ne\u0445tPage", "n\u0435xt", "nextUpgrade", "Continue")},
}


@pytest.mark.parametrize("name", _PAGES)
def test_both_read_a_mark_of_a_page_alike(name: str) -> None:
    for value in _PAGES[name]:
        status = {"nodeCheckStatus": {name: value}}
        found = unknown_fields(PrecheckTask.model_validate({"status": status}))
        hidden = evaluator.hides_check({"status": status}, evaluator._TASK)
        assert bool(found.suspicious) is hidden, value
