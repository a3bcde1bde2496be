"""What decides, one decision at a time: both sides of every condition that keeps a pass away."""

from __future__ import annotations

import gc
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from reporter.errors import InputError, PolicyError
from reporter.policy.evaluate import evaluate
from reporter.policy.load import Policy
from reporter.precheck.response import Response, Sidecar, Source
from reporter.record.model import Instant, Verdict
from reporter.sources.read import read, read_kept
from tests.policy.build import AT, item, judged, outcomes, policy, response, stage, waiver

ITEMS = "/status/clusterCheckStatus/itemsStatus"
LENIENT: dict[str, Any] = {
    "defaults": {"unmatched": "note", "skipped": "note"},
    "evidence": {
        "recognised": "off",
        "finished": "warn",
        "consistent": "off",
        "complete": "off",
        "unexpired": "off",
    },
}
"""A policy after which only what nothing can switch off keeps a pass away."""


def rule(effect: str = "fail", name: str = "r", **match: Any) -> dict[str, Any]:
    return {"id": name, "match": match or {"check": "*"}, "effect": effect, "reason": "why not"}


def one(found: dict[str, Any], *rules: dict[str, Any], **more: Any) -> str:
    """What becomes of one finding; `pass` is not listed."""
    verdict = judged(response(found), policy(list(rules), **more))
    return outcomes(verdict).get(f"{ITEMS}/0", "pass")


def why(found: dict[str, Any], *rules: dict[str, Any], **more: Any) -> str:
    return str(entry_of(judged(response(found), policy(list(rules), **more))).why.code)


def entry_of(verdict: Verdict) -> Any:
    """What is told of the cluster section's first finding."""
    (found,) = [
        entry
        for check in verdict.checks
        for entry in check.entries
        if any(place.pointer == f"{ITEMS}/0" for place in entry.places)
    ]
    return found


# The outcome ----------------------------------------------------------------------------------


@pytest.mark.parametrize("phase", ["Error", "Init", "Running", "Done", "", None])
def test_a_task_that_has_not_ended_is_inconclusive_whatever_the_policy_says(
    phase: str | None,
) -> None:
    assert judged(response(phase="Success"), policy(**LENIENT)).outcome == "pass"
    assert judged(response(phase="Failed"), policy(**LENIENT)).outcome == "pass"
    assert judged(response(phase=phase), policy(**LENIENT)).outcome == "inconclusive"


def test_a_response_without_status_or_items_is_inconclusive_whatever_the_policy_says() -> None:
    for status in ({}, {"phase": "Success"}, None):
        body = response() | {"status": status}
        assert judged(body, policy(**LENIENT)).outcome == "inconclusive"
    only = response(addons=[], clusterCheckStatus=None)
    assert judged(only, policy(**LENIENT)).outcome == "inconclusive"
    node = response(addons=[], clusterCheckStatus=None, nodes=[stage("a", item("N", "Success"))])
    assert judged(node, policy(**LENIENT)).outcome == "pass"


def test_a_doubt_about_the_choice_of_a_task_is_never_a_pass() -> None:
    sure = read(json.dumps(response()).encode())
    loaded = Policy.parse(policy(**LENIENT))
    unsure = Response(sure.task, Source("r.json", b"", doubts=("choice.tie",)))
    assert evaluate(sure, loaded, at=AT, now=AT).outcome == "pass"
    assert evaluate(unsure, loaded, at=AT, now=AT).outcome == "inconclusive"


def test_a_line_of_evidence_counts_where_it_is_required() -> None:
    body = response(expireTimeStamp="2026-03-01T10:00:00Z")
    for level, outcome in (("require", "inconclusive"), ("warn", "pass"), ("off", "pass")):
        assert judged(body, policy(evidence={"unexpired": level})).outcome == outcome


def test_fail_beats_inconclusive_wherever_it_comes_from() -> None:
    unknown = item("Odd", "Running")
    assert judged(response(unknown)).outcome == "inconclusive"
    assert judged(response(unknown, item("B"))).outcome == "fail"
    skips = {"skippedCheckItemList": [{"name": "Gone"}]}
    assert judged(response(unknown, spec=skips)).outcome == "fail"
    for effect, outcome in (("fail", "fail"), ("warn", "pass")):
        limit = {**rule(effect, check="B"), "limit": {"of": "findings", "max": 0}}
        text = policy([{**limit, "below": "note"}], **LENIENT)
        assert judged(response(item("B")), text).outcome == outcome
        assert judged(response(item("B", "Success")), text).outcome == "pass"


@pytest.mark.parametrize("effect", ["fail", "warn", "note"])
def test_a_skip_takes_its_default(effect: str) -> None:
    body = response(spec={"skippedCheckItemList": [{"name": "Gone"}]})
    verdict = judged(body, policy(defaults={"unmatched": "fail", "skipped": effect}))
    assert [skip.outcome for skip in verdict.skipped] == [effect]
    assert verdict.outcome == ("fail" if effect == "fail" else "pass")


# The instant ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "moment", "basis", "backdated"),
    [
        ("now", AT, "now", False),
        (AT, AT, "given", False),
        ("2026-03-01T10:29:59Z", AT - timedelta(seconds=1), "given", True),
        ("2026-03-01T10:30:01Z", AT + timedelta(seconds=1), "given", False),
        ("2026-03-01", datetime(2026, 3, 1, tzinfo=UTC), "given", True),
        (
            datetime(2026, 3, 1, 18, 0, tzinfo=timezone(timedelta(hours=8))),
            datetime(2026, 3, 1, 10, tzinfo=UTC),
            "given",
            True,
        ),
        ("response", datetime(2026, 3, 1, 10, tzinfo=UTC), "response", True),
    ],
)
def test_the_instant_and_whether_it_lay_in_the_past(
    at: Any, moment: datetime, basis: Any, backdated: bool
) -> None:
    expected = Instant(at=moment, basis=basis, backdated=backdated)
    assert judged(response(), at=at).instant == expected
    # That of a record judges for it again.
    assert judged(response(), at=expected).instant == expected


def test_the_responses_own_instant() -> None:
    body = response()
    for text, backdated in (("2026-03-01T10:30:00Z", False), ("2026-03-01T10:29:59Z", True)):
        body["metadata"]["updateTimestamp"] = text
        assert judged(body, at="response").instant.backdated is backdated
    for nothing in ({}, {"updateTimestamp": "lately"}, None):
        with pytest.raises(InputError, match="update time"):
            judged(body | {"metadata": nothing}, at="response")
    for wrong in ("", "2026-02-30", "yesterday", "2026-03-01T10:30:00"):
        with pytest.raises(PolicyError, match="--at: "):
            judged(body, at=wrong)


def test_without_an_instant_it_is_the_clocks() -> None:
    before = datetime.now(UTC)
    verdict = evaluate(read(json.dumps(response()).encode()), Policy.parse(policy()))
    assert before <= verdict.instant.at <= datetime.now(UTC)
    assert (verdict.instant.basis, verdict.instant.backdated) == ("now", False)


@pytest.mark.parametrize("enabled", [True, False])
def test_the_collector_of_garbage_is_as_it_was(enabled: bool) -> None:
    was = gc.isenabled()
    (gc.enable if enabled else gc.disable)()
    try:
        judged(response())
        assert gc.isenabled() is enabled
    finally:
        (gc.enable if was else gc.disable)()


# What a response is about ---------------------------------------------------------------------


def _noted(
    spec: dict[str, Any] | None, note: Sidecar | None, text: bytes, **options: Any
) -> Verdict:
    body = response()
    body["spec"] = spec
    task = read(json.dumps(body).encode()).task
    source = Source("response.json", b"", sidecar=note)
    return evaluate(Response(task, source), Policy.parse(text), at=AT, now=AT, **options)


def _note(cluster: str | None = None, target: str | None = None, kind: Any = None) -> Sidecar:
    return Sidecar(cluster, target, kind, None, "note", b"")


@pytest.mark.parametrize(
    ("spec", "note", "passes"),
    [
        ({"clusterID": "c-1", "targetVersion": "v1.31"}, None, True),
        ({"clusterID": "c-1", "targetVersion": "v1.31"}, _note(), True),
        ({"clusterID": "", "targetVersion": ""}, _note("c-1", "v1.31"), True),
        ({}, _note("c-1", "v1.31"), True),
        (None, _note("c-1", "v1.31"), True),
        ({"clusterID": "c-1"}, _note(None, "v1.31"), True),
        ({"clusterID": "c-1"}, _note("c-1", None), False),
        ({"targetVersion": "v1.31"}, _note("c-2", None), False),
        ({"clusterID": "c-2", "targetVersion": "v1.31"}, _note("c-1", "v1.31"), False),
        ({"clusterID": "c-1", "targetVersion": "v1.30"}, _note("c-1", "v1.31"), False),
        ({"clusterID": "c-1", "targetVersion": "v1.31"}, _note("c-2", "v1.31"), False),
        (None, None, False),
    ],
)
def test_cluster_and_target_are_the_responses_else_the_notes(
    spec: dict[str, Any] | None, note: Sidecar | None, passes: bool
) -> None:
    expected = {"expect_cluster": "c-1", "expect_target": "v1.31"}
    verdict = _noted(spec, note, policy(), **expected)
    assert verdict.outcome == ("pass" if passes else "inconclusive")


@pytest.mark.parametrize(
    ("given", "noted", "standard"),
    [
        (None, None, False),
        ("standard", None, True),
        (None, "standard", True),
        ("standard", "autopilot", True),
        ("autopilot", "standard", True),
        ("autopilot", None, False),
        (None, "autopilot", False),
    ],
)
def test_who_calls_a_cluster_standard_asks_for_nodes(
    given: Any, noted: Any, standard: bool
) -> None:
    note = _note(kind=noted) if noted else None
    verdict = _noted({"clusterID": "c-1"}, note, policy(), cluster_type=given)
    assert verdict.outcome == ("inconclusive" if standard else "pass")
    assert verdict.subject.cluster_type == ("standard" if standard else given or noted)


def test_a_rule_for_a_version_reads_where_the_cluster_comes_from() -> None:
    above = rule(from_version=">=1.29")
    below = rule(from_version="<1.29")
    gentle: dict[str, Any] = {"defaults": {"unmatched": "note"}}
    assert one(item(), above, **gentle) == "fail"
    assert one(item(), below, **gentle) == "note"
    for nothing in ("", None):
        verdict = judged(
            response(item(), spec={"clusterVersion": nothing}), policy([below], **gentle)
        )
        assert verdict.outcome == "fail"  # left open


# Rules ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("phase", "match", "outcome"),
    [
        ("Success", {"check": "*"}, "pass"),
        ("Failed", {"check": "*"}, "fail"),
        ("Running", {"check": "*"}, "unknown"),
        ("Success", {"phase": "*"}, "fail"),
        ("Running", {"phase": "*"}, "fail"),
        ("Success", {"phase": "Failed"}, "pass"),
        ("Success", {"any": [{"phase": "Success"}, {"kind": "Nothing"}]}, "fail"),
        ("Success", {"not": {"phase": "Failed"}}, "fail"),
        ("Success", {"check": "Other", "phase": "Success"}, "pass"),
        (None, {"phase": "*"}, "fail"),
        (None, {"check": "*"}, "unknown"),
    ],
)
def test_rules_look_at_what_failed_unless_they_name_a_phase(
    phase: Any, match: dict[str, Any], outcome: str
) -> None:
    assert one(item(phase=phase), rule(**match)) == outcome


def test_what_passes_is_counted_by_check_whatever_looked_at_it() -> None:
    found = [
        item("A", "Success", message="y"),
        item("A", "Success", level="Info", message="y"),
        item("A", "Success", kind="", level="", message="z"),
        item("B", "Success", message="x"),
        item("", "Success"),
    ]
    for rules in ([], [rule("note", phase="*", message="w")]):
        verdict = judged(response(*found), policy(rules))
        assert outcomes(verdict) == {}
        assert verdict.counts.findings.passed == 6
        assert {
            check.name: (check.findings.passed, check.kinds, check.levels)
            for check in verdict.checks
        } == {
            "A": (3, ["Risk"], ["Info", "Warning"]),
            "B": (1, ["Risk"], ["Warning"]),
            None: (1, ["Risk"], ["Warning"]),
            "SampleAddon": (1, ["Risk"], ["Warning"]),
        }


@pytest.mark.parametrize("effect", ["warn", "note"])
def test_a_rule_makes_an_unfinished_item_no_better(effect: str) -> None:
    for phase in ("Init", "Running", "Skipped", None):
        assert one(item(phase=phase), rule(effect, phase="*")) == "unknown"  # type: ignore[arg-type]
    assert one(item(phase="Success"), rule(effect, phase="Success")) == effect


@pytest.mark.parametrize("default", ["fail", "warn", "note"])
def test_what_a_missing_field_leaves_open_counts_against_passing(default: str) -> None:
    strictness = ["note", "warn", "fail"]
    silent = item(message="")
    for effect in strictness:
        found = one(silent, rule(effect, message="x"), defaults={"unmatched": default})
        # A note rule only when that is sure; the others never below the default.
        expected = default if effect == "note" else max(default, effect, key=strictness.index)
        assert found == expected
        assert one(item(message="x"), rule(effect, message="x"),
                   defaults={"unmatched": default}) == effect  # fmt: skip
        assert one(item(message="y"), rule(effect, message="x"),
                   defaults={"unmatched": default}) == default  # fmt: skip


@pytest.mark.parametrize("missing", [None, ""])
@pytest.mark.parametrize("key", ["check", "kind", "group", "level"])
def test_a_trait_that_is_missing_is_open_too(key: str, missing: Any) -> None:
    field = "name" if key == "check" else key
    gentle: dict[str, Any] = {"defaults": {"unmatched": "note"}}
    assert one(item(**{field: missing}), rule(**{key: "X"}), **gentle) == "fail"
    assert one(item(**{field: "Info"}), rule(**{key: "X"}), **gentle) != "fail"


def test_a_sure_rule_settles_and_an_open_one_does_not_beside_it() -> None:
    sure, open_one = rule("note", "sure", kind="Risk"), rule("warn", "open", message="x")
    assert one(item(message=""), sure) == "note"
    assert one(item(message=""), open_one) == "fail"
    assert one(item(message=""), sure, open_one) == "warn"


def test_only_what_decides_gives_the_reason_and_only_what_is_not_let_through_its_misses() -> None:
    rules = [{**rule("warn", "a"), "reason": "one"}, {**rule("note", "b"), "reason": "other"}]
    for given, outcome, reason in ((rules, "warn", "one"), (rules[1:], "note", "other")):
        verdict = judged(response(item()), policy(given, waivers=[waiver(message="none")]))
        (entry,) = verdict.checks[0].entries
        assert (entry.outcome, entry.why.params["reason"]) == (outcome, reason)
        assert [miss.waiver for miss in entry.near_misses] == (["w-1"] if outcome == "warn" else [])


def test_why_a_finding_is_what_it_is() -> None:
    silent = item(message="")
    open_rule = rule("warn", message="x")
    assert why(item()) == "decided.unmatched"
    assert why(item(), rule()) == "decided.rule"
    assert why(item(), rule("warn")) == "decided.rule-reason"
    bare = {"id": "r", "match": {"kind": "Risk"}, "effect": "warn"}
    assert why(item(), bare) == "decided.rule"
    assert why(silent, open_rule) == "decided.unmatched-beside"
    assert why(silent, open_rule, defaults={"unmatched": "warn"}) == "decided.unmatched-beside"
    assert why(silent, open_rule, defaults={"unmatched": "note"}) == "decided.rule-reason"
    assert why(silent, rule("note", message="x")) == "decided.unmatched"
    late = {**rule(), "effective_on": "2026-03-02"}
    assert why(item(), late) == "decided.rule-postponed"
    assert why(item(), late, rule("warn", "too")) == "decided.rule-reason"
    some = {**rule(check="*"), "limit": {"of": "findings", "max": 5}}
    assert why(item(), some) == "decided.rule-reason"
    assert why(silent, {**some, "match": {"message": "x"}}) == "decided.unmatched-beside"
    nodes = {**some, "limit": {"of": "nodes", "max": 5}}
    assert why(item(), nodes) == "decided.limit-of-nodes"
    here = item(message="", riskSource={"nodeRisks": [{"NodeID": "a"}]})
    assert why(here, {**nodes, "match": {"message": "x"}}) == "decided.unmatched-beside"


def test_which_rules_and_values_it_names() -> None:
    body = response(item(message="", kind="Hazard", level=None))
    rules = [rule("note", "b", kind="Hazard", message="x"), rule("note", "a", check="Sample*")]
    entry = entry_of(judged(body, policy(rules)))
    assert entry.why.params == {"kind": "Hazard", "level": "–"}
    assert [(part.rule, part.fields, part.undecided) for part in entry.rules] == [
        ("a", ["check"], [])
    ]
    rules = [rule("warn", "b", kind="Risk", message="x"), rule("warn", "a", message="y")]
    entry = entry_of(judged(response(item(message="")), policy(rules)))
    assert entry.why.params == {"effect": "fail", "rules": ["a", "b"]}
    assert [(part.rule, part.fields, part.undecided) for part in entry.rules] == [
        ("a", [], ["message"]),
        ("b", ["kind"], ["message"]),
    ]


def test_a_layer_spells_nothing_that_its_base_does_not_let_it_soften() -> None:
    base = policy(defaults={"unmatched": "warn"}, evidence={"recognised": "warn"})
    top = policy([rule("note", kind="Hazard")], extends="base.yaml")
    layered = Policy.load_kept({"base.yaml": base, "top.yaml": top}, ["top.yaml"])
    alone = Policy.parse(policy([rule("note", kind="Hazard")], evidence={"recognised": "warn"}))
    for loaded, outcome in ((alone, "pass"), (layered, "inconclusive")):
        body = json.dumps(response(item(kind="Hazard"))).encode()
        assert evaluate(read(body), loaded, at=AT, now=AT).outcome == outcome
    # Where nobody doubts it, the default stays.
    known = json.dumps(response(item(kind="Risk"))).encode()
    assert outcomes(evaluate(read(known), layered, at=AT, now=AT)) == {f"{ITEMS}/0": "warn"}


def test_items_and_nodes_that_say_nothing_more() -> None:
    assert one(item(riskSource=None), waivers=[waiver()]) == "waived"
    assert one(item(riskSource=None), waivers=[waiver(node={"uid": "*"})]) == "fail"
    bare = {"itemsStatus": [item()]}
    verdict = judged(response(nodes=[bare]), policy(waivers=[waiver(node={"uid": "*"})]))
    assert verdict.outcome == "fail"


@pytest.mark.parametrize("blocked", [True, False])
def test_a_rule_that_forbids_waivers_blocks_them_open_or_sure(blocked: bool) -> None:
    for match, message in (({"message": "x"}, "x"), ({"message": "x"}, "")):
        forbids = {**rule("note", **match), "waivable": not blocked}
        found = one(item(message=message), rule("fail", "f"), forbids, waivers=[waiver()])
        assert found == ("fail" if blocked else "waived")
    other = {**rule("note", message="x"), "waivable": False}
    assert one(item(message="y"), rule("fail", "f"), other, waivers=[waiver()]) == "waived"


# Doubt ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, None),
        ({"phase": None}, "doubt.phase-missing"),
        ({"phase": ""}, "doubt.phase-missing"),
        ({"phase": "Init"}, "doubt.unfinished"),
        ({"phase": "Running"}, "doubt.unfinished"),
        ({"phase": "Skipped"}, "doubt.phase-unknown"),
        ({"group": "ExecuteException"}, "doubt.execute-exception"),
        ({"kind": None}, "doubt.kind-missing"),
        ({"kind": "Hazard"}, "doubt.kind-unknown"),
        ({"level": ""}, "doubt.level-missing"),
        ({"level": "Severe"}, "doubt.level-unknown"),
        ({"kind": "Hazard", "level": None}, "doubt.kind-and-level"),
    ],
)
def test_every_doubt_by_its_name(fields: dict[str, Any], code: str | None) -> None:
    lenient = rule("note", phase="*")
    found = item(**fields)
    assert one(found, lenient, **LENIENT) == ("note" if code is None else "unknown")
    assert why(found, lenient, **LENIENT) == (code or "decided.rule-reason")
    verdict = judged(response(found), policy([lenient], **LENIENT))
    assert verdict.outcome == ("pass" if code is None else "inconclusive")
    # A rule that says fail makes it one; no waiver turns that.
    assert one(found, rule(phase="*"), waivers=[waiver()]) == ("waived" if code is None else "fail")


@pytest.mark.parametrize(
    ("fields", "match", "outcome"),
    [
        ({"kind": "Hazard"}, {"kind": "Hazard"}, "note"),
        ({"kind": "Hazard"}, {"kind": ["Risk", "Hazard"]}, "note"),
        ({"kind": "Hazard"}, {"kind": {"equals": "Hazard"}}, "note"),
        ({"kind": "Hazard"}, {"kind": "Haz*"}, "unknown"),
        ({"kind": "Hazard"}, {"kind": {"regex": "Hazard"}}, "unknown"),
        ({"kind": "Hazard"}, {"check": "*"}, "unknown"),
        ({"kind": "Hazard"}, {"level": "Warning"}, "unknown"),
        ({"kind": "Hazard"}, {"not": {"kind": "Risk"}}, "unknown"),
        ({"kind": "Hazard"}, {"not": {"not": {"kind": "Hazard"}}}, "unknown"),
        ({"kind": "Hazard"}, {"any": [{"kind": "Hazard"}, {"kind": "Risk"}]}, "note"),
        ({"kind": "Hazard"}, {"any": [{"kind": "Hazard", "level": "X"}, {"kind": "H*"}]}, "unknown"),  # noqa: E501
        ({"kind": "Hazard"}, {"kind": "Hazard", "message": "other"}, "unknown"),
        ({"kind": "Hazard", "message": ""}, {"kind": "Hazard", "message": "x"}, "unknown"),
        ({"level": "Severe"}, {"level": "Severe"}, "note"),
        ({"level": "Severe"}, {"kind": "Risk"}, "unknown"),
        ({"kind": "Hazard", "level": "Severe"}, {"kind": "Hazard", "level": "Severe"}, "note"),
        ({"kind": "Hazard", "level": "Severe"}, {"kind": "Hazard"}, "unknown"),
        ({"kind": "Hazard", "level": "Severe"}, {"level": "Severe"}, "unknown"),
        ({"kind": None}, {"level": "Warning"}, "unknown"),
        ({"kind": "Hazard", "group": "ExecuteException"}, {"kind": "Hazard"}, "unknown"),
    ],
)  # fmt: skip
def test_only_a_rule_that_spells_a_value_says_it_is_known(
    fields: dict[str, Any], match: dict[str, Any], outcome: str
) -> None:
    assert one(item(**fields), rule("note", **match), **LENIENT) == outcome


def test_rules_do_not_spell_values_together_and_a_limit_spells_none() -> None:
    both = item(kind="Hazard", level="Severe")
    kind, level = rule("note", "k", kind="Hazard"), rule("note", "l", level="Severe")
    assert one(both, kind, level, **LENIENT) == "unknown"
    limit = {**rule("note", kind="Hazard"), "limit": {"of": "findings", "max": 9}, "below": "note"}
    assert one(item(kind="Hazard"), limit, **LENIENT) == "unknown"
    # A rule that says fail lifts nothing: a waiver would else turn what nobody knows.
    spelled = rule("fail", level="Severe")
    assert one(item(level="Severe"), spelled, waivers=[waiver()], **LENIENT) == "fail"
    gentle = rule("note", "g", level="Severe")
    assert one(item(level="Severe"), spelled, gentle, waivers=[waiver()], **LENIENT) == "waived"


# Waivers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "miss"),
    [
        ({"kind": "Exception"}, "waiver.exception"),
        ({"kind": "Exception", "level": "Severe"}, "waiver.exception"),
        ({"kind": "Hazard"}, "waiver.not-a-risk"),
        ({"kind": ""}, "waiver.not-a-risk"),
        ({"group": "ExecuteException"}, "waiver.execute-exception"),
        ({"level": "Severe"}, "waiver.doubt"),
        ({"phase": "Running"}, "waiver.doubt"),
    ],
)
def test_what_no_waiver_turns(fields: dict[str, Any], miss: str) -> None:
    for effect in ("fail", "warn"):
        text = policy([rule(effect, phase="*")], [waiver()], **LENIENT)
        verdict = judged(response(item(**fields)), text)
        entry = entry_of(verdict)
        assert entry.outcome != "waived"
        assert [(near.waiver, near.why.code) for near in entry.near_misses] == [("w-1", miss)]
        (use,) = verdict.waivers
        assert (use.status, use.findings, use.not_applicable) == ("not-applicable", 0, 1)


def test_a_waiver_turns_what_fails_or_warns_and_nothing_else() -> None:
    for effect, outcome in (("fail", "waived"), ("warn", "waived"), ("note", "note")):
        assert one(item(), rule(effect), waivers=[waiver()]) == outcome
        text = policy([rule(effect)], [waiver(max_findings=1)])
        two = judged(response(item(), item()), text)
        assert two.waivers[0].status == ("unused" if effect == "note" else "exceeded")
    for effect, has_stub in (("fail", True), ("warn", True), ("note", False)):
        entry = entry_of(judged(response(item()), policy([rule(effect)])))
        assert (entry.waiver_stub is not None) is has_stub
    ended = item(phase="Success", group="ExecuteException")
    assert one(ended, rule(phase="Success"), waivers=[waiver()]) == "waived"
    assert one(item("Other"), waivers=[waiver()]) == "fail"
    assert one(item(""), waivers=[waiver(check="*")]) == "fail"
    assert one(item(message=""), waivers=[waiver(message="x")]) == "fail"


def test_an_expired_waiver_is_expired_however_much_it_would_have_covered() -> None:
    old = waiver(max_findings=1, expires="2026-02-20")
    verdict = judged(response(item(), item()), policy(waivers=[old]))
    assert (verdict.waivers[0].status, verdict.outcome) == ("expired", "fail")


def test_one_waiver_that_holds_is_enough_beside_those_that_do_not() -> None:
    waivers = [
        waiver("old", expires="2026-02-20"),
        waiver("w-2"),
        waiver("w-1"),
        waiver("few", max_findings=1),
        waiver("narrow", message="other"),
    ]
    verdict = judged(response(item(), item()), policy(waivers=waivers))
    entry = entry_of(verdict)
    assert (entry.outcome, entry.waived_by) == ("waived", ["w-1", "w-2"])
    assert (entry.why.code, entry.why.params) == ("decided.waived", {"waivers": ["w-1", "w-2"]})
    assert entry.near_misses == []
    assert entry.waiver_stub is None
    assert {use.id: (use.status, use.findings) for use in verdict.waivers} == {
        "old": ("expired", 0),
        "w-2": ("used", 2),
        "w-1": ("used", 2),
        "few": ("exceeded", 0),
        "narrow": ("unused", 0),
    }


@pytest.mark.parametrize(
    ("scope", "status"),
    [
        ({"cluster": "c-1"}, "used"),
        ({"cluster": "c-2"}, "elsewhere"),
        ({"target_version": ">=1.32"}, "elsewhere"),
        ({"from_version": "<1.29"}, "elsewhere"),
        ({"message": "other"}, "unused"),
        ({"node": {"uid": "a"}}, "unused"),
        ({"scope": "node"}, "unused"),
    ],
)
def test_a_waiver_for_another_cluster_is_elsewhere(scope: dict[str, Any], status: str) -> None:
    verdict = judged(response(item()), policy(waivers=[waiver(**scope)]))
    assert verdict.waivers[0].status == status
    assert verdict.outcome == ("pass" if status == "used" else "fail")


@pytest.mark.parametrize(
    ("items", "more", "code"),
    [
        ([item(phase="Success")], {}, "passes"),
        ([item("Other")], {}, "absent"),
        ([item()], {"message": "other"}, "elsewhere"),
        ([item(phase="Success"), item()], {"message": "other"}, "elsewhere"),
        (
            [item("A", "Success"), item("B", "Success"), item("A")],
            {"check": ["A", "B"], "message": "other"},
            "elsewhere",
        ),
    ],
)
def test_why_a_waiver_covered_nothing(
    items: list[dict[str, Any]], more: dict[str, Any], code: str
) -> None:
    (use,) = judged(response(*items), policy(waivers=[waiver(**more)])).waivers
    assert (use.status, use.why.code) == ("unused", f"waiver-status.unused-{code}")


def test_a_waiver_whose_skip_nobody_can_cover_says_so() -> None:
    spec = {"skippedCheckItemList": [skip(values=[])]}
    for name, code in (("Gone", "skip"), ("Other", "absent")):
        (use,) = judged(response(spec=spec), policy(waivers=[waiver(check=name)])).waivers
        assert (use.status, use.why.code) == ("unused", f"waiver-status.unused-{code}")


# Tolerated Exceptions -------------------------------------------------------------------------


@pytest.mark.parametrize("effect", ["warn", "note"])
def test_a_failed_exception_that_does_not_fail_is_counted(effect: str) -> None:
    def tolerated(found: dict[str, Any], *rules: dict[str, Any]) -> int:
        return judged(response(found), policy(list(rules))).counts.tolerated_exceptions

    assert tolerated(item(kind="Exception"), rule(effect)) == 1
    assert tolerated(item(kind="Exception")) == 0
    assert tolerated(item(), rule(effect)) == 0
    assert tolerated(item(kind="Exception", phase="Success"), rule(effect, phase="*")) == 0


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({}, True),
        ({"reason": "known"}, False),
        ({"match": {"kind": "*"}}, False),
        ({"match": {"check": "*"}}, False),
        ({"match": {"any": [{"check": "SampleCheck"}]}}, True),
        ({"effect": "note"}, True),
        ({"effect": "fail"}, False),
        ({"effect": "fail", "effective_on": "2026-03-02"}, False),
        ({"match": {"where": [{"path": "$.kind", "equals": "Exception"}]}}, False),
        ({"match": {"check": "Other"}}, False),
        ({"limit": {"of": "findings", "max": 1}, "effect": "fail", "below": "note"}, True),
        ({"limit": {"of": "findings", "max": 1}, "effect": "warn", "below": "fail"}, False),
    ],
)
def test_by_name_only_with_a_reason(change: dict[str, Any], refused: bool) -> None:
    plain = {"id": "r", "match": {"check": "Sample*"}, "effect": "warn"} | change
    text = policy([plain], defaults={"unmatched": "note"})
    if refused:
        with pytest.raises(PolicyError, match="tolerates the failed Exception"):
            judged(response(item(kind="Exception")), text)
    else:
        judged(response(item(kind="Exception")), text)
    assert judged(response(item()), text)


# Limits ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("of", "found", "failed", "base"),
    [
        ("findings", [item(), item(), item(phase="Success"), item("Other")], 2, 3),
        ("checks", [item(), item(), item("SampleB"), item("SampleC", "Success")], 2, 3),
        ("findings", [item(phase="Running"), item(phase="Success")], 0, 2),
    ],
)
def test_what_a_limit_counts(of: str, found: list[dict[str, Any]], failed: int, base: int) -> None:
    def used(**bound: Any) -> tuple[int, int, bool]:
        limit = {**rule("warn", check="Sample*"), "limit": {"of": of, **bound}}
        addon = item("Addon", "Success")
        (use,) = judged(response(*found, addons=[addon]), policy([limit])).rules
        assert use.limit is not None
        return use.limit.failed, use.limit.base, use.limit.exceeded

    assert used(max=failed) == (failed, base, False)
    if failed:
        assert used(max=failed - 1) == (failed, base, True)


@pytest.mark.parametrize(("percent", "exceeded"), [(9.2, False), (9.19, True), (9.21, False)])
def test_a_percentage_is_counted_as_it_is_written(percent: float, exceeded: bool) -> None:
    """69 of 750 are 9.2 % and no more, which no binary fraction says."""
    found = [item(phase="Failed" if number < 69 else "Success") for number in range(750)]
    every = rule(phase="*", scope="cluster")
    limited = {**every, "limit": {"of": "findings", "max_percent": percent}}
    verdict = judged(response(*found), policy([limited], **LENIENT))
    (use,) = verdict.rules
    assert use.limit is not None
    assert (use.limit.failed, use.limit.base, use.limit.exceeded) == (69, 750, exceeded)
    assert verdict.contradiction() is None


@pytest.mark.parametrize(("percent", "exceeded"), [(50, False), (49, True), (51, False)])
def test_a_percentage_is_of_all_that_match(percent: int, exceeded: bool) -> None:
    limit = {**rule("warn"), "limit": {"of": "findings", "max_percent": percent}}
    body = response(item(), item(phase="Success"), addons=[item("A"), item("B", "Success")])
    (use,) = judged(body, policy([limit])).rules
    assert use.limit is not None
    assert (use.limit.failed, use.limit.base, use.limit.exceeded) == (2, 4, exceeded)


def test_checks_that_differ_in_capitals_are_two_and_nodes_are_one() -> None:
    names = ("Check", "check", "CHECK", "other")
    found = [item(name, "Failed" if name == "Check" else "Success") for name in names]
    every = rule(phase="*", scope="cluster")
    for of in ("checks", "findings"):
        limited = {**every, "limit": {"of": of, "max_percent": 25}}
        (use,) = judged(response(*found), policy([limited], **LENIENT)).rules
        assert use.limit is not None
        assert (use.limit.failed, use.limit.base, use.limit.exceeded) == (1, 4, False)


def test_a_percentage_is_not_rounded() -> None:
    limit = {**rule("warn"), "limit": {"of": "findings", "max_percent": 33}}
    (use,) = judged(response(item(), item(phase="Success")), policy([limit])).rules
    assert use.limit is not None
    assert (use.limit.failed, use.limit.base, use.limit.exceeded) == (1, 3, True)


@pytest.mark.parametrize(
    ("effect", "phase", "counted"),
    [
        ("fail", "Failed", (1, 1)),
        ("warn", "Failed", (1, 1)),
        ("note", "Failed", (0, 0)),
        ("fail", "Success", (0, 0)),
    ],
)
def test_what_a_limit_leaves_open_counts_among_the_failed_alone(
    effect: str, phase: str, counted: tuple[int, int]
) -> None:
    limit = {**rule(effect, message="x"), "limit": {"of": "findings", "max": 5}}
    addon = item("A", "Success", message="y")
    (use,) = judged(response(item(phase=phase, message=""), addons=[addon]), policy([limit])).rules
    assert use.limit is not None
    assert (use.limit.failed, use.limit.base) == counted


def test_nodes_are_counted_by_uid_and_each_unnamed_one_as_its_own() -> None:
    risks = {"nodeRisks": [{"NodeID": "a"}, {}, {"NodeID": "c"}]}
    nodes = [
        stage("a", item(), item("SampleB")),
        stage("b", item(), item("SampleB", "Success")),
        stage("", item(), item("SampleB")),
        stage("", item()),
    ]
    limit = {**rule("warn", check="Sample*"), "limit": {"of": "nodes", "max": 5}}
    body = response(item(riskSource=risks), addons=[item("A", "Success")], nodes=nodes)
    (use,) = judged(body, policy([limit])).rules
    assert use.limit is not None
    # a, b, c; one of the cluster's item without an id; the two stages without a uid.
    assert (use.limit.failed, use.limit.base) == (6, 6)


def test_what_has_no_name_counts_as_its_own() -> None:
    def failed(of: str, *items: dict[str, Any], **more: Any) -> int:
        limit = {**rule("warn"), "limit": {"of": of, "max": 9}}
        (use,) = judged(response(*items, **more), policy([limit])).rules
        assert use.limit is not None
        return use.limit.failed

    assert failed("checks", item(""), item(""), item("A"), item("A")) == 3
    nameless: dict[str, Any] = {"nodeRisks": [{}]}
    assert failed("nodes", item(riskSource=nameless), item(riskSource=nameless)) == 2
    calm = item("C", "Success")
    assert failed("nodes", calm, nodes=[stage("", item()), stage("", item())]) == 2
    assert failed("nodes", calm, nodes=[stage("", item(), item("B"))]) == 1
    assert failed("nodes", calm, nodes=[stage("a", item()), stage("a", item("B"))]) == 1


@pytest.mark.parametrize("below", ["fail", "warn", "note"])
def test_single_findings_take_below_or_the_default(below: str) -> None:
    limit = {**rule("warn"), "limit": {"of": "findings", "max": 1}, "below": below}
    assert one(item(), limit) == below
    for default in ("fail", "warn", "note"):
        two = judged(response(item(), item()), policy([limit], defaults={"unmatched": default}))
        assert set(outcomes(two).values()) == {default}


def test_an_exceeded_limit_that_is_not_yet_in_force_warns() -> None:
    limit = {**rule(check="*"), "limit": {"of": "findings", "max": 0}, "below": "note"}
    late = {**limit, "effective_on": "2026-03-02"}
    gentle: dict[str, Any] = {"defaults": {"unmatched": "note"}}
    assert judged(response(item()), policy([limit], **gentle)).outcome == "fail"
    assert judged(response(item()), policy([late], **gentle)).outcome == "pass"


# One policy over several responses ------------------------------------------------------------


def test_what_a_policy_remembers_of_one_response_does_not_decide_another() -> None:
    def judge(loaded: Policy, at: datetime = AT, **spec: Any) -> str:
        body = response(item(), spec=spec, expireTimeStamp="2026-04-01T00:00:00Z")
        return evaluate(read(json.dumps(body).encode()), loaded, at=at, now=at).outcome

    gentle: dict[str, Any] = {"defaults": {"unmatched": "note"}}
    scoped = Policy.parse(policy([rule(cluster="c-1")], **gentle))
    versions = Policy.parse(policy([rule(target_version=">=1.31")], **gentle))
    beside = Policy.parse(policy([rule(cluster="c-1"), rule("note", "n")], **gentle))
    nested = Policy.parse(policy([rule(any=[{"not": {"cluster": "c-2"}}])], **gentle))
    late = Policy.parse(policy([{**rule(), "effective_on": "2026-03-02"}], **gentle))
    tomorrow = AT + timedelta(days=1)
    for _ in range(2):
        assert judge(scoped, clusterID="c-1") == "fail"
        assert judge(scoped, clusterID="c-2") == "pass"
        assert judge(beside, clusterID="c-2") == "pass"
        assert judge(beside, clusterID="c-1") == "fail"
        assert judge(nested, clusterID="c-1") == "fail"
        assert judge(nested, clusterID="c-2") == "pass"
        assert judge(versions, targetVersion="v1.31.1") == "fail"
        assert judge(versions, targetVersion="v1.30") == "pass"
        assert judge(late) == "pass"
        assert judge(late, at=tomorrow) == "fail"


@pytest.mark.parametrize("more", [[], [rule("note", "n")]])
def test_a_policy_remembers_a_limit_for_one_response_alone(more: list[dict[str, Any]]) -> None:
    limit = {**rule("warn"), "limit": {"of": "findings", "max": 1}, "below": "note"}
    loaded = Policy.parse(policy([limit, *more]))
    for _ in range(2):
        for count, outcome in ((1, "note"), (2, "fail")):
            body = response(*[item()] * count)
            verdict = evaluate(read(json.dumps(body).encode()), loaded, at=AT, now=AT)
            assert set(outcomes(verdict).values()) == {outcome}


def test_a_limit_of_nodes_is_asked_of_every_finding() -> None:
    limit = {**rule(check="*"), "limit": {"of": "nodes", "max": 5}}
    here, nowhere = item(riskSource={"nodeRisks": [{"NodeID": "a"}]}), item()
    for found, expected in (
        ([here, nowhere], ["warn", "fail"]),
        ([nowhere, here], ["fail", "warn"]),
    ):
        verdict = judged(response(*found), policy([limit]))
        assert list(dict(sorted(outcomes(verdict).items())).values()) == expected


def test_findings_alike_by_their_signature_may_differ_in_the_rest() -> None:
    found = [item(message="bad"), item(message="good"), item(message="bad")]
    rules = [rule("note", "all"), rule("fail", "bad", message="bad")]
    verdict = judged(response(*found), policy(rules))
    assert outcomes(verdict) == {f"{ITEMS}/0": "fail", f"{ITEMS}/1": "note", f"{ITEMS}/2": "fail"}
    assert {use.id: (use.hits, use.decided) for use in verdict.rules} == {
        "all": (3, 1),
        "bad": (2, 2),
    }
    same = judged(response(*[item()] * 3), policy([rule("warn", "w"), rule("note", "n")]))
    assert {use.id: (use.hits, use.decided) for use in same.rules} == {"w": (3, 3), "n": (3, 0)}


# Checks skipped on the server -----------------------------------------------------------------


def skip(name: Any = "Gone", values: Any = None, **selector: Any) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": name}
    if values is not None or selector:
        whole = {"key": "node.uid", "operator": "In", "values": values} | selector
        entry["resourceSelector"] = {key: part for key, part in whole.items() if part is not ...}
    return entry


def skipped(entry: dict[str, Any], *waivers: dict[str, Any], **more: Any) -> tuple[str, list[str]]:
    """What becomes of a skip, and why its waivers miss it."""
    items = more.pop("items", ())
    body = response(*items, spec={"skippedCheckItemList": [entry]})
    (found,) = judged(body, policy(waivers=list(waivers), **more)).skipped
    return found.outcome, [near.why.code for near in found.near_misses]


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        (skip(), None),
        (skip(values=["a"]), None),
        (skip(values=["a", "a", "b"]), None),
        (skip(values=[], key=None, operator=None), None),
        (skip(None), "skip.unnamed"),
        (skip(""), "skip.unnamed"),
        (skip(values=["a"], key="node.name"), "skip.selector"),
        (skip(values=["a"], operator="NotIn"), "skip.selector"),
        (skip(values=["a"], operator=...), "skip.selector"),
        (skip(values=["a"], more="x"), "skip.selector"),
        (skip(values=[]), "skip.no-values"),
        (skip(values=...), "skip.no-values"),
        (skip(values=["a", ""]), "skip.no-values"),
        (skip("AddonLimit"), "skip.exception"),
    ],
)
def test_which_skips_a_waiver_can_cover(entry: dict[str, Any], code: str | None) -> None:
    outcome, near = skipped(entry, waiver(check=["Gone", "AddonLimit"]))
    assert outcome == ("waived" if code is None else "fail")
    # One without a name is named by no waiver.
    assert near == ([] if code in (None, "skip.unnamed") else [code])
    assert skipped(entry, waiver(check="*")) == (outcome, near)


@pytest.mark.parametrize(
    ("shown", "covered"),
    [
        ([("OwnCheck", "Exception")], False),
        ([("owncheck", "Exception")], False),
        ([("owncheck", "Exception"), ("OwnCheck", "Risk")], False),
        ([("OwnCheck", "Exception"), ("OwnCheck", "Risk")], True),
        ([("OwnCheck", "Risk")], True),
    ],
)
def test_a_check_that_is_an_exception_here_is_one_in_any_capitals(
    shown: list[tuple[str, str]], covered: bool
) -> None:
    body = response(
        *(item(name, "Success", kind=kind) for name, kind in shown),
        spec={"skippedCheckItemList": [skip("OwnCheck")]},
    )
    verdict = judged(body, policy(waivers=[waiver(check="OwnCheck")]))
    assert (verdict.skipped[0].outcome == "waived") is covered
    assert verdict.contradiction() is None


@pytest.mark.parametrize(
    ("entry", "why", "uids"),
    [
        (skip("Other"), "skip.default", []),
        (skip(), "skip.covered", []),
        (skip(values=["b", "a", "b"]), "skip.covered", ["b", "a"]),
        (skip(""), "skip.unnamed", []),
        (skip(values=["a", ""]), "skip.no-values", ["a"]),
        (skip(values=["a"], key="node.name"), "skip.selector", ["a"]),
    ],
)
def test_what_a_skip_says_of_itself(entry: dict[str, Any], why: str, uids: list[str]) -> None:
    body = response(spec={"skippedCheckItemList": [entry]})
    (found,) = judged(body, policy(waivers=[waiver(check="Gone")])).skipped
    assert (found.why.code, found.node_uids) == (why, uids)
    assert found.has_selector is ("resourceSelector" in entry)


@pytest.mark.parametrize(
    ("items", "outcome"),
    [
        ([item("Other")], "waived"),
        ([item("Gone", kind="Risk")], "waived"),
        ([item("Gone", "Success", kind="Risk")], "waived"),
        ([item("Gone", kind="Exception")], "fail"),
        ([item("Gone", "Success", kind="Exception")], "fail"),
        ([item("Gone", "Success", kind=kind) for kind in ("Exception", "Risk")], "waived"),
        ([item("Gone", kind="Exception"), item("Gone", "Success", kind="Risk")], "waived"),
        ([item("Gone", "Success", kind="")], "waived"),
        ([item("Gone", "Success", kind="Exception"), item("Other")], "fail"),
        ([item("Other", kind="Exception")], "waived"),
    ],
)  # fmt: skip
def test_a_check_seen_only_as_an_exception_is_not_covered(
    items: list[dict[str, Any]], outcome: str
) -> None:
    assert skipped(skip(), waiver(check="Gone"), items=items)[0] == outcome


@pytest.mark.parametrize(
    ("more", "node_skip", "cluster_skip"),
    [
        ({}, None, None),
        ({"check": "Other"}, "", ""),
        ({"node": {"uid": "a"}}, None, "skip.needs-node"),
        ({"node": {"uid": "b"}}, "near.refused", "skip.needs-node"),
        ({"node": {"name": "a"}}, "near.undecided", "skip.needs-node"),
        ({"scope": "node"}, None, "skip.needs-node"),
        ({"scope": "cluster"}, "near.refused", "skip.needs-node"),
        ({"kind": "Risk"}, "skip.needs-finding", "skip.needs-finding"),
        ({"level": "*"}, "skip.needs-finding", "skip.needs-finding"),
        ({"not": {"message": "x"}}, "skip.needs-finding", "skip.needs-finding"),
        ({"any": [{"cluster": "c-1"}]}, None, None),
        ({"any": [{"cluster": "c-1"}, {"group": "x"}]}, "skip.needs-finding", "skip.needs-finding"),
        ({"cluster": "c-2"}, "near.refused", "near.refused"),
        ({"expires": "2026-02-20"}, "near.expired", "near.expired"),
        ({"expires": "2026-03-01T10:00:00Z"}, "near.expired-today", "near.expired-today"),
        ({"starts": "2026-03-02"}, "near.not-yet-valid", "near.not-yet-valid"),
    ],
)  # fmt: skip
def test_which_waivers_cover_a_skip(
    more: dict[str, Any], node_skip: str | None, cluster_skip: str | None
) -> None:
    one_waiver = waiver(**({"check": "Gone"} | more))
    for entry, code in ((skip(values=["a"]), node_skip), (skip(), cluster_skip)):
        outcome, near = skipped(entry, one_waiver)
        assert outcome == ("waived" if code is None else "fail")
        assert near == ([code] if code else [])


@pytest.mark.parametrize(
    "key", ["kind", "level", "group", "phase", "message", "error_code", "where"]
)
def test_a_waiver_that_needs_a_finding_covers_no_skip_even_in_an_alternative(key: str) -> None:
    value = [{"path": "$.name", "exists": True}] if key == "where" else "*"
    asks = waiver(check="Gone", any=[{"cluster": "c-1"}, {key: value}])
    assert skipped(skip(values=["a"]), asks) == ("fail", ["skip.needs-finding"])


def test_which_keys_kept_a_waiver_from_a_skip() -> None:
    body = response(spec={"skippedCheckItemList": [skip(values=["a"])]})
    waivers = [
        waiver("refused", "Gone", node={"uid": "b"}, from_version="<1.0"),
        waiver("open", "Gone", node={"name": "x"}, topic="x"),
        waiver("both", "Gone", node={"name": "x"}, cluster="c-2"),
    ]
    (found,) = judged(body, policy(waivers=waivers)).skipped
    assert {near.waiver: near.why.params["keys"] for near in found.near_misses} == {
        "refused": ["from_version", "node"],
        "open": ["topic", "node"],
        "both": ["cluster"],
    }


def test_a_waiver_that_is_exceeded_covers_no_skip_either() -> None:
    few = waiver(check="Gone", max_findings=1)
    assert skipped(skip(), few, items=[item("Gone")])[0] == "waived"
    assert skipped(skip(), few, items=[item("Gone")] * 2) == ("fail", ["near.exceeded"])


@pytest.mark.parametrize(
    ("match", "outcome"),
    [
        ({"check": "Gone"}, "fail"),
        ({"check": "G*"}, "fail"),
        ({"any": [{"check": "Gone"}, {"kind": "Risk"}]}, "fail"),
        ({"check": "Other"}, "waived"),
        ({"kind": "Risk"}, "waived"),
        ({"not": {"check": "Gone"}}, "waived"),
    ],
)
def test_a_rule_that_forbids_waivers_and_names_the_check_blocks_its_skip(
    match: dict[str, Any], outcome: str
) -> None:
    for waivable in (True, False):
        rules = [{**rule(**match), "waivable": waivable}]
        found, _ = skipped(skip(), waiver(check="Gone"), rules=rules)
        assert found == ("waived" if waivable else outcome)


def test_several_waivers_of_a_skip() -> None:
    body = response(spec={"skippedCheckItemList": [skip(), skip("Other")]})
    waivers = [waiver("b", "Gone"), waiver("a", "*"), waiver("c", "Gone", expires="2026-02-20")]
    verdict = judged(body, policy(waivers=waivers))
    assert [(part.outcome, part.waived_by, part.near_misses) for part in verdict.skipped] == [
        ("waived", ["a", "b"], []),
        ("waived", ["a"], []),
    ]
    assert {use.id: (use.status, use.skipped) for use in verdict.waivers} == {
        "a": ("used", 2),
        "b": ("used", 1),
        "c": ("expired", 0),
    }
    assert verdict.outcome == "pass"


@pytest.mark.parametrize(
    "name",
    [
        *("NodeDisk ", " NodeDisk", "Node\u200bDisk", "N\u043edeDisk", "NodeDisk\n"),
        # Hangul filler, braille blank, a variation selector, a tag, a soft hyphen
        *("NodeDisk\u3164", "NodeDisk\u2800", "Node\ufe0fDisk", "Node\U000e0041Disk"),
        *("Node\xadDisk", "\uff2eodeDisk", "NodeD\u0131sk"),
        # Greek capital nu, Armenian o, Lisu N, Cherokee D, a click
        *("\u039dodeDisk", "N\u0585deDisk", "\ua4e0odeDisk", "Node\u13a0isk", "NodeD\u01c0sk"),
        # None of them ASCII
        *("\u0392\u0391\u039d", "\u216c\u2170st"),
    ],
)
def test_a_skipped_check_whose_name_is_not_what_it_looks_like_is_never_covered(name: str) -> None:
    every = {"id": "w", "check": "*", "reason": "r", "expires": "2099-01-01"}
    for entry, outcome in (({"name": name}, "fail"), ({"name": "NodeDisk"}, "waived")):
        body = response(spec={"skippedCheckItemList": [entry]})
        assert judged(body, policy(waivers=[every])).skipped[0].outcome == outcome


@pytest.mark.parametrize(
    ("created", "updated", "sure"),
    [
        ("2026-03-01T10:00:00Z", "2026-03-01T10:00:00Z", True),
        ("2026-03-01T10:05:00Z", "2026-03-01T10:00:00Z", True),
        ("2026-03-01T10:05:01Z", "2026-03-01T10:00:00Z", False),
        ("2026-03-01T11:05:01Z", "2026-03-01T11:05:01Z", False),
        ("2099-01-01T00:00:00Z", None, False),
    ],
)
def test_a_task_from_the_future_is_surely_no_newest(
    created: str, updated: str | None, sure: bool
) -> None:
    def task(created: str, updated: str | None, uid: str) -> dict[str, Any]:
        metadata = {"uid": uid, "creationTimestamp": created, "updateTimestamp": updated}
        return {**response(), "metadata": metadata}

    items = [task("2026-02-28T00:00:00Z", None, "old"), task(created, updated, "new")]
    data = json.dumps({"kind": "List", "apiVersion": "v3", "items": items}).encode()
    for task_uid, expected in ((None, sure), ("new", True)):
        found = read(data, task=task_uid)
        verdict = evaluate(found, Policy.parse(policy(**LENIENT)), at="2026-03-01T11:00:00Z")
        assert {reason.what.code for reason in verdict.reasons} == (
            set() if expected else {"choice.ahead"}
        )
        assert verdict.outcome == ("pass" if expected else "inconclusive")


def test_only_of_several_tasks_one_from_the_future_is_doubted() -> None:
    """And nothing is missed where a task has no times, or was not chosen."""
    ahead = {**response(), "metadata": {"uid": "t", "creationTimestamp": "2099-01-01T00:00:00Z"}}
    plain = Policy.parse(policy(**LENIENT))

    def codes(data: bytes, **kept: Any) -> set[str]:
        found = read_kept(data, "r.json", **kept) if kept else read(data)
        reasons = evaluate(found, plain, at="2026-03-01T11:00:00Z").reasons
        return {reason.what.code for reason in reasons}

    assert codes(json.dumps(ahead).encode()) == set()
    pair = json.dumps({"kind": "List", "items": [ahead, {**ahead, "metadata": None}]}).encode()
    assert "choice.ahead" in codes(pair)
    assert codes(pair, wanted=None, pointer="/items/0", uid="t") == set()
    timeless = {**ahead, "metadata": {"uid": "u"}}
    for metadata in ({"uid": "v"}, None):
        other = {**ahead, "metadata": metadata}
        data = json.dumps({"kind": "List", "items": [timeless, other]}).encode()
        assert "choice.ahead" not in codes(data)
