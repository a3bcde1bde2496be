"""Cases for policies: loading them, comparing, and what they say of the rules."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from reporter.errors import PolicyError
from reporter.policy.cases import (
    CaseResult,
    coverage,
    load_cases,
    run_cases,
    shipped_case_files,
)
from reporter.policy.load import builtin_names
from reporter.sources.read import read
from tests.policy.build import item, policy, response, stage, waiver

BODY = response(
    item("SampleSwap"),
    item("SampleFine", "Success"),
    nodes=[stage("n-1", item("SampleDisk", kind="Exception")), stage("n-2", item("SampleSwap"))],
    spec={"skippedCheckItemList": [{"name": "SampleNotice"}]},
)
POLICY = policy(
    rules=[
        {"id": "exceptions", "match": {"kind": "Exception"}, "effect": "fail"},
        {"id": "never", "match": {"check": "SampleElsewhere"}, "effect": "fail"},
    ],
    waivers=[waiver("w-1", "SampleSwap", scope="cluster"), waiver("w-2", "SampleOld")],
)


def case(name: str = "one", **more: Any) -> dict[str, Any]:
    return {"name": name, "response": BODY, "at": "2026-03-01T10:30:00Z"} | more


def written(folder: Path, *cases: dict[str, Any], **more: Any) -> Path:
    (folder / "policy.yaml").write_bytes(POLICY)
    document = {
        "apiVersion": "precheck.policy/v1",
        "kind": "PolicyTest",
        "metadata": {"name": "test"},
        "policy": "policy.yaml",
        "cases": list(cases),
    }
    path = folder / "cases.yaml"
    path.write_text(yaml.safe_dump(document | more, sort_keys=False))
    return path


def results(folder: Path, *cases: dict[str, Any], **more: Any) -> list[CaseResult]:
    return run_cases(load_cases(str(written(folder, *cases, **more)), read))


def differing(folder: Path, expect: dict[str, Any]) -> dict[str, tuple[str, str]]:
    (result,) = results(folder, case(expect=expect))
    assert result.error is None
    return {part.what: (part.expected, part.found) for part in result.differences}


def test_everything_as_expected(tmp_path: Path) -> None:
    expect = {
        "outcome": "fail",
        "checks": {
            "SampleSwap": {"cluster": "waived", "node": "fail"},
            "SampleDisk": "fail",
            "SampleFine": "pass",
        },
        "skipped": {"SampleNotice": "fail"},
        "waivers": {"w-1": "used", "w-2": "unused"},
        "evidence": {"recognised": "ok", "fresh": "not-applicable"},
        "conditions": ["names-absent", "waivers-unused", "waivers-used"],
    }
    assert differing(tmp_path, expect) == {}


@pytest.mark.parametrize(
    ("expect", "what", "difference"),
    [
        ({"outcome": "pass"}, "outcome", ("pass", "fail")),
        ({"checks": {"SampleSwap": "waived"}}, "check SampleSwap", ("waived", "fail")),
        ({"checks": {"SampleSwop": "fail"}}, "check SampleSwop", ("fail", "not in this response")),
        (
            {"checks": {"SampleSwap": {"node": "warn"}}},
            "check SampleSwap (node)",
            ("warn", "fail"),
        ),
        (
            {"checks": {"SampleFine": {"addon": "pass"}}},
            "check SampleFine (addon)",
            ("pass", "not in this response"),
        ),
        ({"skipped": {"SampleNotice": "waived"}}, "skipped SampleNotice", ("waived", "fail")),
        ({"skipped": {"SampleX": "fail"}}, "skipped SampleX", ("fail", "not on the skip list")),
        ({"waivers": {"w-2": "used"}}, "waiver w-2", ("used", "unused")),
        ({"evidence": {"complete": "not-ok"}}, "evidence complete", ("not-ok", "ok")),
        ({"conditions": []}, "condition waivers-used", ("not there", "there")),
        (
            {"conditions": ["no-nodes", "waivers-used", "waivers-unused"]},
            "condition no-nodes",
            ("there", "not there"),
        ),
    ],
)
def test_what_differs_is_named(
    tmp_path: Path, expect: dict[str, Any], what: str, difference: tuple[str, str]
) -> None:
    assert differing(tmp_path, expect)[what] == difference


def test_a_difference_says_why(tmp_path: Path) -> None:
    (result,) = results(
        tmp_path,
        case(expect={"checks": {"SampleDisk": "pass", "SampleSwop": "fail"}}),
    )
    disk, swap = result.differences
    assert disk.because == ("rule exceptions says fail [Exception Warning]",)
    assert swap.because == ('did you mean "SampleSwap"?',)


def test_a_case_does_not_depend_on_today(tmp_path: Path) -> None:
    future = case(at="2999-01-01", expect={"conditions": ["waivers-expired"]})
    past = case("two", expect={"conditions": ["waivers-used", "waivers-unused"]})
    for result in results(tmp_path, future, past):
        assert not any("backdated" in part.what for part in result.differences)


def test_at_response_and_a_response_file(tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text(json.dumps(BODY))
    (result,) = results(
        tmp_path, case(response="r.json", at="response", expect={"evidence": {"unexpired": "ok"}})
    )
    assert result.as_expected
    assert result.verdict is not None
    assert result.verdict.instant.basis == "response"


def test_a_case_that_cannot_be_judged_is_an_error_of_its_own(tmp_path: Path) -> None:
    body = {**BODY, "metadata": {"uid": "t"}}
    wrong, right = results(
        tmp_path,
        case("wrong", response=body, at="response", expect={"outcome": "fail"}),
        case("right", expect={"outcome": "fail"}),
    )
    assert wrong.error is not None
    assert "update time" in wrong.error
    assert not wrong.as_expected
    assert right.as_expected


def test_rules_that_no_case_fires_and_that_every_case_fires(tmp_path: Path) -> None:
    found = coverage(
        results(
            tmp_path,
            case("one", expect={"outcome": "fail"}),
            case("two", expect={"outcome": "pass"}),
        )
    )
    assert [use.id for use in found.unfired] == ["never"]
    assert [use.id for use in found.always] == ["exceptions"]


def test_one_case_says_nothing_about_every_case(tmp_path: Path) -> None:
    assert coverage(results(tmp_path, case(expect={"outcome": "fail"}))).always == ()


def problems(folder: Path, text: str) -> list[str]:
    (folder / "policy.yaml").write_bytes(POLICY)
    path = folder / "cases.yaml"
    path.write_text(text)
    with pytest.raises(PolicyError) as caught:
        load_cases(str(path), read)
    return [line.removeprefix(f"{path}:") for line in caught.value.problems]


HEAD = """\
apiVersion: precheck.policy/v1
kind: PolicyTest
metadata: {name: x}
policy: policy.yaml
cases:
"""


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("  - {name: a, respnse: r, at: response, expect: {outcome: pass}}",
         '6:15: unknown key "respnse"; did you mean "response"?'),
        ("  - {name: a, response: {}, at: response, expect: {outcom: pass}}",
         '6:52: unknown key "outcom"; did you mean "outcome"?'),
        ("  - {name: a, response: {}, at: response, expect: {outcome: passed}}",
         '6:61: "passed" should be pass, fail or inconclusive; did you mean "pass"?'),
        ("  - {name: a, response: {}, at: response, expect: {checks: {A: {nodes: fail}}}}",
         '6:65: unknown key "nodes"; did you mean "node"?'),
        ("  - {name: a, response: {}, at: response, expect: {evidence: {complet: ok}}}",
         '6:63: unknown key "complet"; did you mean "complete"?'),
        ("  - {name: a, response: {}, at: response, expect: {}}",
         "6:51: nothing is expected here; leave the key out or fill it"),
        *((f"  - {{name: a, response: {{}}, at: response, expect: {{{key}: {{}}}}}}",
           f"6:{len(key) + 54}: nothing is expected here; leave the key out or fill it")
          for key in ("checks", "skipped", "waivers", "evidence")),
        ("  - {name: a, response: {}, expect: {outcome: pass}}", '6:5: "at" is missing'),
        ("  - {name: a, response: {}, at: , expect: {outcome: pass}}", '6:33: "at" has no value'),
        ("  - {name: a, response: {}, at: now, expect: {outcome: pass}}",
         '6:33: "now" is not a date; write a day as 2026-03-01 or an instant as '
         "2026-03-01T10:30:00Z; or write response, for its own update time"),
        ("  - {name: a, response: nowhere.json, at: response, expect: {outcome: pass}}",
         "no such file"),
        ("  - {name: a, response: {}, at: response, expect: {outcome: pass}}", "an empty object"),
        ("  - {name: a, response: {kind: PreCheckTask}, at: 2026-01-01, "
         "expect: {conditions: [warning]}}",
         'unknown condition "warning"; did you mean "warnings"?'),
        ("  - {name: a, response: {kind: PreCheckTask}, at: 2026-01-01, "
         "expect: {waivers: {w-3: used}}}", 'no waiver "w-3" in the policy or its waiver lists'),
        ("  []", "6:3: an empty list; there has to be at least one"),
    ],
)  # fmt: skip
def test_mistakes_are_named_by_place(tmp_path: Path, text: str, problem: str) -> None:
    found = problems(tmp_path, HEAD + text + "\n")
    assert len(found) == 1, found
    assert problem in found[0]


def test_all_mistakes_at_once_and_nulls_inside_a_response_are_data(tmp_path: Path) -> None:
    text = HEAD + (
        "  - {name: a, response: {kind: PreCheckTask, spec: null}, at: 2026-01-01,"
        " expect: {outcome: inconclusive}}\n"
        "  - {name: a, response: gone.json, at: 2026-01-01, expect: {outcome: pass}}\n"
    )
    found = problems(tmp_path, text)
    assert [line.split(": ")[0] for line in found] == ["7:12", "7:25"]
    assert 'case "a" is there twice; first on line 6' in found[0]


def test_a_missing_policy_or_list_is_named_in_the_case_file(tmp_path: Path) -> None:
    text = HEAD.replace(
        "policy: policy.yaml", "policy: [builtin:strict, p.yaml]\nwaivers: [w.yaml]"
    )
    text += (
        "  - {name: a, response: {kind: PreCheckTask}, at: 2026-01-01, expect: {outcome: fail}}\n"
    )
    found = problems(tmp_path, text)
    assert [line.split(": ")[:2] for line in found] == [
        ["4:26", "no such file"],
        ["5:11", "no such file"],
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [("", "the file is empty"), ("- a", "not a mapping"), (POLICY.decode(), "is a Policy, not")],
)
def test_other_files_are_refused(tmp_path: Path, text: str, problem: str) -> None:
    assert problem in problems(tmp_path, text)[0]


def test_every_shipped_policy_has_cases_that_fire_every_rule_and_leave_it_silent() -> None:
    files = shipped_case_files()
    assert files == [f"builtin:{name}" for name in builtin_names()]
    judged = [result for name in files for result in run_cases(load_cases(name, read))]
    for result in judged:
        assert result.as_expected, (result.case.name, result.differences, result.error)
    assert coverage(judged).unfired == ()
    assert coverage(judged).always == ()


def test_an_unknown_shipped_name() -> None:
    with pytest.raises(PolicyError, match='did you mean "builtin:recommended"'):
        load_cases("builtin:recomended", read)
