"""Suggestions load as they stand, waive nothing, and, switched on, cover what they name."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any, Literal

import pytest
import yaml
from hypothesis import HealthCheck, given, reject, settings

from reporter.errors import InputError, PolicyError
from reporter.output.clean import clean, console_safe
from reporter.output.text import wrap
from reporter.policy.evaluate import Judgement, judge
from reporter.policy.load import Policy
from reporter.policy.suggest import suggest
from reporter.record.model import Instant
from reporter.sources.read import read
from tests.examples import examples
from tests.policy.build import AT, item, policy, response, stage
from tests.slow import generator

INSTANT = Instant(at=AT, basis="given", backdated=False)
RECOMMENDED = policy(
    [
        {"id": "exceptions", "match": {"kind": "Exception"}, "effect": "fail"},
        {"id": "info", "match": {"kind": "Risk", "level": "Info"}, "effect": "warn"},
    ]
)
Form = Literal["policy", "waivers"]


def judgement(body: dict[str, Any], *policies: bytes, waivers: tuple[bytes, ...] = ()) -> Judgement:
    return judge(
        read(json.dumps(body).encode(), name="response.json"),
        Policy.parse(*(policies or (RECOMMENDED,)), waivers=waivers),
        instant=INSTANT,
    )


def suggested(body: dict[str, Any], form: Form) -> bytes:
    """As the command line prints it."""
    written = suggest(judgement(body), form, wrap)
    lines = [console_safe(clean(line)) for line in written]
    for line, shown in zip(written, lines, strict=True):
        assert shown == line or line.lstrip().startswith("##"), "only prose may be changed"
    return ("\n".join(lines) + "\n").encode()


def switched_on(data: bytes) -> bytes:
    return re.sub(rb"(?m)^# ", b"", data)


def waived(found: Judgement) -> set[str]:
    return {part.finding.pointer for part in found.decided if part.outcome == "waived"}


def turnable(found: Judgement) -> set[str]:
    return {
        part.finding.pointer for part in found.decided if part.outcome == "fail" and part.waivable
    }


BODY = response(
    item("SampleSwap"),
    item("SampleDisk", kind="Exception", message="no room\n# left"),
    item("SampleNotice", level="Info"),
    item("SampleOdd", level="Critical"),
    item("Sample Names", riskSource={"nodeRisks": [{"NodeID": "n-1"}, {"NodeID": "n-2"}]}),
    addons=[
        item("SampleAddon", riskSource={"addonRisks": [{"addonTemplateName": "a", "alias": "A"}]})
    ],
    nodes=[
        stage("n-1", item("SampleSwap"), item("SampleFine", "Success")),
        stage("n-2", item("SampleSwap", message="else")),
        stage("n-3", item("SampleSwap", "Success"), item("SampleDisk", kind="Exception")),
    ],
)


def test_as_it_stands_a_policy_loads_and_fails_the_same() -> None:
    data = suggested(BODY, "policy")
    loaded = Policy.parse(data)
    assert {rule.id: rule.effect for rule in loaded.rules} == {
        "sample-addon-risk-warning": "fail",
        "sample-disk-exception-warning": "fail",
        "sample-names-risk-warning": "fail",
        "sample-notice-risk-info": "warn",
        "sample-swap-risk-warning": "fail",
    }
    assert loaded.waivers == ()
    before, after = judgement(BODY), judgement(BODY, data)
    assert [(part.finding.pointer, part.outcome) for part in after.decided] == [
        (part.finding.pointer, part.outcome) for part in before.decided
    ]


@pytest.mark.parametrize("form", ["policy", "waivers"])
def test_switched_on_it_covers_just_those_findings(form: Form) -> None:
    data = switched_on(suggested(BODY, form))
    after = (
        judgement(BODY, data) if form == "policy" else judgement(BODY, RECOMMENDED, waivers=(data,))
    )
    assert waived(after) == turnable(judgement(BODY))
    assert len(waived(after)) == 5
    assert all(tally.waived for tally in after.waivers)


def test_a_waiver_is_narrow_and_a_draft() -> None:
    data = yaml.safe_load(switched_on(suggested(BODY, "waivers")))
    found = {(part["check"]["equals"], part.get("scope")): part for part in data["waivers"]}
    node = found["SampleSwap", "node"]
    assert node["node"] == {"uid": {"equals": ["n-1", "n-2"]}}
    assert node["cluster"] == {"equals": "c-1"}
    assert node["reason"] == "TODO"
    assert (node["starts"], node["expires"]) == ("2026-03-01", "2026-03-31")
    assert found["SampleAddon", None]["addon"] == {"equals": "a"}
    assert found["Sample Names", None]["node"] == {"uid": {"equals": ["n-1", "n-2"]}}
    # What tells nothing apart is left out: so it covers the check on the skip list, too.
    assert not any("level" in part for part in data["waivers"])


def test_a_draft_accepts_no_skip_that_stands_beside_it() -> None:
    body = response(item("Own"), spec={"skippedCheckItemList": [{"name": "own"}]})
    (draft,) = yaml.safe_load(switched_on(suggested(body, "waivers")))["waivers"]
    assert (draft["scope"], draft["level"]) == ("cluster", "Warning")


def test_what_no_waiver_helps_against_is_listed() -> None:
    text = suggested(BODY, "waivers").decode()
    assert "## Exceptions: they can't be waived and have to be resolved." in text
    assert "##  - SampleDisk (cluster, Exception Warning): 1 finding; says: no room # left" in text
    assert "##  - SampleDisk (node, Exception Warning): 1 finding on name-n-3" in text
    assert "SampleOdd (cluster, Risk Critical): 1 finding; level Critical is not one" in text
    assert "## These stop nothing under the policy judged by:" in text
    assert "recognised: unknown level: Critical" in text


def test_two_findings_that_only_their_message_sets_apart() -> None:
    body = response(
        item("SampleSwap", message="on purpose"),
        item("SampleSwap", message="by accident"),
    )
    rules = policy([{"id": "r", "match": {"message": "by *"}, "effect": "warn"}])
    found = judgement(body, rules)
    data = "\n".join(suggest(found, "waivers", wrap)).encode()
    assert b"message:" in data
    assert waived(judgement(body, rules, waivers=(switched_on(data),))) == turnable(found)


def test_a_nameless_node_gets_no_waiver() -> None:
    body = response(nodes=[stage("", item("SampleSwap")), stage("n-2", item("SampleSwap"))])
    data = suggested(body, "waivers")
    assert b"does not name the place" in data
    after = judgement(body, RECOMMENDED, waivers=(switched_on(data),))
    assert waived(after) == {"/status/nodeCheckStatus/nodeStageStatus/1/itemsStatus/0"}


def test_nothing_failed() -> None:
    for form in ("policy", "waivers"):
        data = suggested(response(), "policy" if form == "policy" else "waivers")
        assert b"No Risk failed that a waiver could turn." in data
    Policy.parse(suggested(response(), "policy"), waivers=[suggested(response(), "waivers")])


HOSTILE = (
    "a\nreason: b",
    "x\u2028- id: evil",
    "##vso[task.setvariable]x",
    "\x1b[31mred",
    "\u202egnp.exe",
    "'\"#: - {}[]*&!|>%@`",
    "::error::x",
    "\U000e0041\U0001f600",
    "- a",
    "~",
    "1.30",
    "TODO # x",
)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("form", ["policy", "waivers"])
def test_text_from_the_cloud_stays_text(text: str, form: Form) -> None:
    body = response(
        item(text, message=text),
        nodes=[stage("n-1", item("SampleNode", message=text), name=text)],
        spec={"clusterID": text, "skippedCheckItemList": [{"name": text}]},
    )
    data = suggested(body, form)
    assert all(line.isprintable() for line in data.decode().split("\n"))
    on = switched_on(data)
    for part in (data, on):
        after = (
            judgement(body, part)
            if form == "policy"
            else judgement(body, RECOMMENDED, waivers=(part,))
        )
    assert waived(after) == turnable(judgement(body))
    assert len(waived(after)) == 2


def _dump(document: dict[str, Any]) -> bytes:
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True).encode()


@settings(max_examples=examples(30), deadline=None, suppress_health_check=list(HealthCheck))
@given(case=generator.cases())
def test_for_any_response_it_loads_and_covers_what_it_was_made_for(case: dict[str, Any]) -> None:
    policies = [_dump(part) for part in case["policies"]]
    lists = [_dump(part) for part in case["waiver_lists"]]
    try:
        body = read(json.dumps(case["response"]).encode())
        loaded = Policy.parse(*policies, waivers=lists)
    except InputError:
        reject()
    at = case["at"] if isinstance(case["at"], datetime) else AT
    instant = Instant(at=at.astimezone(UTC), basis="given", backdated=False)
    try:
        before = judge(body, loaded, instant=instant)
    except PolicyError:
        reject()
    Policy.parse("\n".join(suggest(before, "policy", wrap)).encode())
    Policy.parse(switched_on("\n".join(suggest(before, "policy", wrap)).encode()))
    text = "\n".join(suggest(before, "waivers", wrap))
    assert all(line.isprintable() for line in text.split("\n"))
    assert Policy.parse(policies[0], waivers=[*lists, text.encode()]).waivers is not None
    try:
        more = Policy.parse(*policies, waivers=[*lists, switched_on(text.encode())])
    except PolicyError as error:
        # A policy may ask more of a waiver than a draft can know.
        if not re.search("waiver_requires|max_waiver_days", error.message):
            raise
        return
    new = waived(judge(body, more, instant=instant)) - waived(before)
    if "careful" not in text:
        assert new <= turnable(before)
    if "narrow enough" not in text:
        named = {
            part.finding.pointer
            for part in before.decided
            if part.finding.pointer in turnable(before) and part.target.check is not None
        }
        assert named <= new
