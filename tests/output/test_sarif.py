"""SARIF: valid, never emptily fine, in step with the verdict, and the same for the same finding."""

from __future__ import annotations

import json
import re
from functools import cache
from itertools import permutations
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings

from reporter.output import sarif
from reporter.record.model import NOT_FILES, Gate, OutcomeCounts, Place, RuleUse, Verdict
from reporter.sources.locations import STDIN_NAME
from tests.examples import examples
from tests.output.example import example, hostile, many
from tests.policy.build import item, judged, policy, response, stage
from tests.slow import generator
from tests.test_agreement import judge_case

DATA = Path(__file__).parent.parent / "data"
URI = re.compile(r"(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-F]{2})+")


@cache
def _validator() -> Any:
    schema = json.loads((DATA / "sarif-2.1.0-rtm.5.json").read_text())
    return jsonschema.Draft4Validator(schema)


def run_of(verdict: Verdict, waived: sarif.Waived = "omit") -> dict[str, Any]:
    """The run of a valid file, with what the schema can't say checked by hand."""
    log = json.loads(sarif.write(verdict, waived=waived))
    _validator().validate(log)
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    ids = [rule["id"] for rule in rules]
    assert len(ids) == len(set(ids))
    prints = [part["partialFingerprints"]["precheckFinding/v1"] for part in run["results"]]
    assert len(prints) == len(set(prints))
    for part in run["results"]:
        assert rules[part["ruleIndex"]]["id"] == part["ruleId"]
        for location in part["locations"]:
            physical = location.get("physicalLocation")
            if physical is not None:
                uri = physical["artifactLocation"]["uri"]
                assert URI.fullmatch(uri)
                index = physical["artifactLocation"].get("index")
                if index is not None:
                    assert run["artifacts"][index]["location"]["uri"] == uri
            assert all(part["name"] for part in location["logicalLocations"])
    result: dict[str, Any] = run
    return result


def levels(run: dict[str, Any]) -> dict[str, int]:
    """How many results by level."""
    found: dict[str, int] = {}
    for part in run["results"]:
        found[part["level"]] = found.get(part["level"], 0) + 1
    return found


def test_a_finding_with_its_line_and_column() -> None:
    run = run_of(example())
    found = [part for part in run["results"] if part["ruleId"] == "SampleNodeDisk"]
    (first, *_) = found
    assert len(found) == 3
    assert first["level"] == "error"
    assert first["message"]["text"] == (
        "SampleNodeDisk (Exception · Fatal): Free space on / is 1.2 GB, 2 GB are needed. "
        "Failed: rule fatal-exceptions says fail. SampleNodeDisk stops the upgrade on this node. "
        "To do: Free at least 2 GB on the system disk. On pool-a-0003."
    )
    (location,) = first["locations"]
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "archive/2026-03/shop-prod-eu.json", "index": 0},
        "region": {"startLine": 1324, "startColumn": 13},
    }
    cluster = "8978deaa-1743-11ee-8e46-0255ac10004c"
    assert location["logicalLocations"] == [
        {"name": cluster, "fullyQualifiedName": cluster, "kind": "cluster"},
        {"name": "pool-a-0003", "fullyQualifiedName": f"{cluster}/pool-a-0003", "kind": "node"},
        {
            "name": "SampleNodeDisk",
            "fullyQualifiedName": f"{cluster}/pool-a-0003/SampleNodeDisk",
            "kind": "check",
        },
    ]
    assert run["columnKind"] == "unicodeCodePoints"


def test_the_frame_of_a_run() -> None:
    verdict = example()
    run = run_of(verdict)
    assert run["artifacts"][0]["hashes"] == {"sha-256": verdict.exhibits[0].sha256}
    (invocation,) = run["invocations"]
    assert invocation["exitCode"] == verdict.exit_code == 0  # an advisory run
    assert run["properties"]["verdict"] == "fail"
    assert run["properties"]["at"] == "2026-03-01T10:30:00Z"
    assert run["properties"]["findings"] == verdict.counts.findings.model_dump(by_alias=True)
    assert {use["id"] for use in run["properties"]["waivers"]} == {
        use.id for use in verdict.waivers
    }
    rules = {rule["id"]: rule for rule in run["tool"]["driver"]["rules"]}
    assert rules["AddonLimit"]["helpUri"].startswith("https://support.huaweicloud.com/")
    assert rules["DeprecatedApiCheck"]["help"]["text"].startswith("Likely, not certain: ")


def test_waived_findings_are_left_out_or_suppressed_and_never_forgotten() -> None:
    verdict = example()
    omitted, suppressed = run_of(verdict), run_of(verdict, "suppress")
    said = [
        part["message"]["text"] for part in omitted["invocations"][0]["toolExecutionNotifications"]
    ]
    assert "13 waived and not among the results: containerd, skip-time" in said
    assert not any("suppressions" in part for part in omitted["results"])
    marked = [part for part in suppressed["results"] if "suppressions" in part]
    assert len(marked) == 13
    assert len(suppressed["results"]) == len(omitted["results"]) + 13
    (one,) = next(part for part in marked if part["ruleId"] != "skipped-check")["suppressions"]
    assert one["kind"] == "external"
    assert one["justification"].startswith("waiver containerd: Seen on every node")
    assert "approved by change-board" in one["justification"]
    assert one["location"]["physicalLocation"]["region"]["startLine"] > 0


def test_without_a_line_the_rule_is_the_place_and_without_a_file_there_is_none() -> None:
    entry = example().checks[0].entries[0]
    here = [Place(pointer="/a", nodes=entry.places[0].nodes)]

    def place(rules: list[RuleUse]) -> Any:
        check = (
            example()
            .checks[0]
            .model_copy(
                update={
                    "entries": [entry.model_copy(update={"places": here})],
                    "findings": OutcomeCounts(fail=1),
                }
            )
        )
        run = run_of(example(checks=[check], rules=rules))
        (found,) = [part for part in run["results"] if part["ruleId"] == "SampleNodeDisk"]
        return found["locations"][0].get("physicalLocation")

    deciding = next(rule for rule in example().rules if rule.id == "fatal-exceptions")
    assert place([deciding]) == {
        "artifactLocation": {"uri": "policies/production.yaml", "index": 1},
        "region": {"startLine": deciding.line},
    }
    assert place([deciding.model_copy(update={"source": "builtin:recommended"})]) is None
    assert place([]) is None


@pytest.mark.parametrize(
    ("name", "uri"),
    [
        ("a b/c#1.json", "a%20b/c%231.json"),
        ("./x.json", "x.json"),
        ("c:x.json", "c%3Ax.json"),
        ("/srv/检查.json", "file:///srv/%E6%A3%80%E6%9F%A5.json"),
    ],
)
def test_paths_become_addresses(name: str, uri: str) -> None:
    source = example().source.model_copy(update={"name": name})
    assert run_of(example(source=source))["artifacts"][0]["location"]["uri"] == uri


def test_standard_input_is_no_file() -> None:
    assert STDIN_NAME in NOT_FILES
    source = example().source.model_copy(update={"name": STDIN_NAME})
    run = run_of(example(source=source))
    assert "location" not in run["artifacts"][0]


def test_an_inconclusive_verdict_is_never_an_empty_file() -> None:
    run = run_of(judged({"kind": "PreCheckTask"}))
    assert levels(run)["error"] >= 2
    assert run["invocations"][0]["executionSuccessful"] is False
    assert run["invocations"][0]["exitCode"] == 3
    assert any(part["ruleId"] == "evidence.complete" for part in run["results"])


def test_an_exceeded_limit_and_a_skip_are_results() -> None:
    limit = {"of": "findings", "max": 0}
    rules = [
        {
            "id": "few",
            "match": {"check": "Sample*"},
            "limit": limit,
            "effect": "fail",
            "below": "note",
        }
    ]
    body = response(item(), spec={"skippedCheckItemList": [{"name": "SampleSkip"}]})
    found = {part["ruleId"]: part for part in run_of(judged(body, policy(rules)))["results"]}
    assert found["limit"]["level"] == "error"
    assert found["skipped-check"]["level"] == "error"


def test_a_run_that_refuses_warnings_has_an_error() -> None:
    text = policy(defaults={"unmatched": "warn"})
    assert "error" not in levels(run_of(judged(response(item()), text)))
    refused = run_of(judged(response(item()), text, gate=Gate(fail_on="warn")))
    assert levels(refused) == {"error": 1, "warning": 1}


def test_fingerprints_stay_when_order_line_message_and_time_change() -> None:
    nodes = [stage(f"n-{n}", item("SampleDisk", message=f"{n} GB")) for n in range(3)]
    addons = [item("AddonLimit", message=name) for name in ("a", "b")]

    def prints(order: tuple[int, ...], spec: dict[str, Any]) -> dict[str, str]:
        body = response(
            addons=addons if order[0] < order[1] else addons[::-1],
            nodes=[nodes[n] for n in order],
            spec=spec,
        )
        return {
            part["message"]["text"]: part["partialFingerprints"]["precheckFinding/v1"]
            for part in run_of(judged(body))["results"]
        }

    first = prints((0, 1, 2), {})
    assert len(first) == len(set(first.values())) == 5
    for order in permutations(range(3)):
        found = prints(order, {"targetVersion": "v1.32.1-r0"})
        assert found == first
    other = prints((0, 1, 2), {"clusterID": "c-2"})
    assert not set(other.values()) & set(first.values())


def test_a_fingerprint_outlives_a_changed_message() -> None:
    def prints(message: str) -> list[str]:
        body = response(item(message=message))
        return [
            part["partialFingerprints"]["primaryLocationLineHash"]
            for part in run_of(judged(body))["results"]
        ]

    assert prints("1.2 GB free") == prints("1.1 GB free")


def test_too_many_findings_are_cut_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sarif, "MAX_RESULTS", 100)
    run = run_of(example(checks=[many(messages=True)]))
    assert len(run["results"]) == 100
    said = run["invocations"][0]["toolExecutionNotifications"]
    (cut,) = [part for part in said if "left out: the file holds" in part["message"]["text"]]
    assert cut["level"] == "warning"
    assert run["properties"]["findings"]["fail"] == 5  # as the record says


def test_texts_hold_no_links_holes_or_commands() -> None:
    message = "see [here](https://evil.example) {0} {1}\n::error::x ##vso[task.complete]"
    run = run_of(judged(response(item(message=message))))
    text = run["results"][0]["message"]["text"]
    assert "](" not in text
    assert not re.search(r"\{[0-9]", text)
    assert "##vso[" not in text


def test_names_that_only_differ_in_controls_stay_apart() -> None:
    body = response(item("Sample\x01"), item("Sample\x02"), item("verdict"), item("x" * 5000))
    found = [result["ruleId"] for result in run_of(judged(body))["results"]]
    assert len(found) == 5
    assert found[0] == "evidence.recognised"  # nobody knows what they are


def test_hostile_text() -> None:
    run = run_of(hostile(), "suppress")
    text = json.dumps(run, ensure_ascii=False)
    assert not re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffe\uffff]", text)
    assert all("helpUri" not in rule for rule in run["tool"]["driver"]["rules"])


def test_nodes_that_look_alike_are_one_place() -> None:
    (first, *rest) = example().checks
    entry = first.entries[0]
    place = entry.places[0]
    nameless = place.nodes[0].model_copy(update={"name": None, "uid": None})
    twice = entry.model_copy(
        update={"places": [place.model_copy(update={"nodes": [nameless, nameless]})]}
    )
    check = first.model_copy(update={"entries": [twice, *first.entries[1:]]})
    run = run_of(example(checks=[check, *rest]), "suppress")
    for result in run["results"]:
        for location in result["locations"]:
            names = [part["fullyQualifiedName"] for part in location["logicalLocations"]]
            assert len(names) == len(set(names))


@settings(max_examples=examples(30), deadline=None, suppress_health_check=list(HealthCheck))
@given(case=generator.cases())
def test_every_verdict_makes_a_valid_file_in_step_with_it(case: dict[str, Any]) -> None:
    verdict = judge_case(case)
    run = run_of(verdict, "suppress")
    assert (levels(run).get("error", 0) > 0) is (verdict.outcome != "pass")
    totals = dict.fromkeys(("fail", "unknown", "warn", "waived", "note"), 0)
    for part in run["results"]:
        if "pointer" in part["properties"] and part["ruleId"] != "skipped-check":
            totals[part["properties"]["outcome"]] += 1
    counts = verdict.counts.findings.model_dump(by_alias=True)
    counts.pop("pass")
    assert totals == counts
