"""What follows from the rest of a record is worked out again: a change in one place is refused."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from reporter.output import render
from reporter.output.clean import cleaned
from reporter.output.text import line, write
from reporter.record.model import Verdict
from tests.output.example import example
from tests.policy.build import item, judged, policy, response


def changed(pointer: str, value: Any) -> Verdict:
    """The example's record with one value changed in its JSON."""
    document = json.loads(example().model_dump_json())
    part: Any = document
    *way, last = pointer.split("/")
    for name in way:
        part = part[int(name) if name.isdigit() else name]
    part[int(last) if last.isdigit() else last] = value
    return Verdict.model_validate(document)


def test_a_record_of_this_tool_agrees_with_itself() -> None:
    assert example().contradiction() is None


@pytest.mark.parametrize(
    ("pointer", "value", "wrong"),
    [
        ("checks/0/outcome", "pass", "check SampleNodeDisk: outcome pass where the worst of its "
         "findings is fail"),
        ("checks/0/entries/0/outcome", "note", "check SampleNodeDisk: 3 findings fail, 1 listed"),
        ("checks/0/nodes_seen", 400, "check SampleNodeDisk: 400 nodes seen where it comes to 40"),
        ("checks/0/kinds", [], "check SampleNodeDisk: its kinds are not those of its findings"),
        ("checks/0/entries/0/waived_by", ["w"],
         "check SampleNodeDisk: what is waived does not fit its waivers"),
        ("skipped/0/outcome", "waived",
         "skipped check NodeMount: waived does not fit its waivers"),
        ("waivers/0/findings", 100,
         "waiver containerd: what it covers is not what is waived by it"),
        ("waivers/0/days_left", 3, "waiver containerd: 3 days left where it comes to 305"),
        ("rules/0/hits", 100, "rule fatal-exceptions: 100 hits where its findings say otherwise"),
        ("counts/checks/fail", 0, "the totals are not those of the checks"),
        ("counts/findings/fail", 0, "the totals are not those of the checks"),
        ("counts/skipped", 0, "the totals are not those of the checks"),
        ("counts/tolerated_exceptions", 0, "the totals are not those of the checks"),
        ("outcome", "pass", "outcome pass does not follow from what the record lists"),
        ("headline/code", "headline.fail-hardly", "the headline is not one of a fail"),
        ("reasons", [], "the reasons are not those of what the record lists"),
        ("reasons/0/check", "Other", "the reasons are not those of what the record lists"),
        ("conditions", [],
         "condition.tolerated-exceptions does not follow from what the record lists"),
        ("conditions/3/params/count", 1,
         "condition.waivers-used does not follow from what the record lists"),
        ("summary/0/params/count", 0,
         "summary.exceptions does not follow from what the record lists"),
        ("summary/4/code", "summary.passed-no-nodes",
         "summary.passed-no-nodes does not follow from what the record lists"),
    ],
)  # fmt: skip
def test_a_value_changed_in_one_place_is_found(pointer: str, value: Any, wrong: str) -> None:
    assert changed(pointer, value).contradiction() == wrong


def test_a_limit_is_measured_again() -> None:
    few = {
        "id": "few",
        "match": {"kind": "Risk"},
        "limit": {"max": 1, "of": "findings"},
        "effect": "fail",
    }
    verdict = judged(response(item("SampleA"), item("SampleB")), policy(rules=[few]))
    assert verdict.contradiction() is None
    (rule,) = verdict.rules
    assert rule.limit is not None
    held = rule.limit.model_copy(update={"exceeded": False})
    forged = verdict.model_copy(update={"rules": [rule.model_copy(update={"limit": held})]})
    assert forged.contradiction() == (
        "rule few: exceeded does not follow from what its limit counted"
    )


@pytest.mark.parametrize("form", ["html", "markdown", "junit", "sarif", "csv"])
def test_a_text_that_says_something_else_than_its_code_is_shown_nowhere(form: str) -> None:
    document = example().model_dump_json()
    forged = json.loads(document, object_hook=_lying)
    assert document.count('"text"') > 40
    lying = Verdict.model_validate(forged)
    assert lying.contradiction() is None
    # The page carries the record as it came, and its digest.
    lies, honest = (
        re.sub('href="data:[^"]*"|[0-9a-f]{64}', "", render(record, form).decode())
        for record in (lying, example())
    )
    assert lies == honest
    assert (line(lying), write(lying)) == (line(example()), write(example()))
    assert json.loads(render(lying, "json"))["headline"]["text"] == "Pass: all is well"


def _lying(part: dict[str, Any]) -> dict[str, Any]:
    return part | {"text": "Pass: all is well"} if "code" in part and "params" in part else part


def test_a_code_of_a_newer_version_keeps_the_words_of_the_record() -> None:
    newer = {"code": "condition.of-tomorrow", "params": {}, "text": "something of tomorrow"}
    record = changed("conditions/12", newer)
    assert record.contradiction() is None
    assert cleaned(record).conditions[12].text == "something of tomorrow"


def test_what_holds_is_not_copied() -> None:
    verdict = example()
    assert cleaned(verdict).checks is verdict.checks
