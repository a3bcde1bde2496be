"""Two checks compared: what is new, fixed, gone and changed, and when nothing may be said."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from reporter.audit.compare import SeenNode, Side, compare
from reporter.record.diff import Diff
from reporter.record.model import Node, Verdict
from tests.policy.build import item, judged, policy, response, stage, waiver
from tests.slow import generator
from tests.test_agreement import judge_case

EXAMPLES = int(os.environ.get("PROPERTY_EXAMPLES", "30"))


def record(*cluster: dict[str, Any], waivers: Any = None, text: bytes | None = None,
           **more: Any) -> Side:  # fmt: skip
    """A side of a small response."""
    files = [_list(waivers)] if waivers else []
    verdict = judged(response(*cluster, **more), text or policy(), waiver_files=files)
    return Side("x.json", "record", verdict)


def _list(waivers: list[dict[str, Any]]) -> bytes:
    document = {
        "apiVersion": "precheck.policy/v1",
        "kind": "WaiverList",
        "metadata": {"name": "list"},
        "waivers": waivers,
    }
    return json.dumps(document).encode()


def said(diff: Diff) -> list[tuple[str, str, str | None, bool]]:
    """(status, check, node, new failure) of each change."""
    return [
        (
            change.status,
            change.check or "",
            (change.node.name or change.node.uid) if change.node else None,
            change.new_failure,
        )
        for change in diff.changes
    ]


def obstacles(old: Side, new: Side) -> list[str]:
    """The codes of the obstacles; with one there is nothing else."""
    diff = compare(old, new)
    assert diff.comparable is (not diff.obstacles)
    if diff.obstacles:
        assert diff.exit_code == 3
        assert diff.changes == []
        assert sum(diff.tally.model_dump().values()) == 0
    return [part.what.code.removeprefix("diff.obstacle.") for part in diff.obstacles]


def test_new_fixed_and_still_there() -> None:
    old = record(item("SampleA"), item("SampleB"), item("SampleC", "Success"))
    new = record(item("SampleA", "Success"), item("SampleB"), item("SampleC"))
    diff = compare(old, new)
    assert said(diff) == [
        ("new", "SampleC", None, True),
        ("fixed", "SampleA", None, False),
        ("same", "SampleB", None, False),
    ]
    assert diff.exit_code == 1
    assert diff.headline.text == "1 new failure"
    assert diff.tally.model_dump() == {
        "new_failures": 1, "new": 1, "changed": 0, "gone": 0, "fixed": 1, "same": 1,
    }  # fmt: skip
    assert compare(new, new).exit_code == 0


def test_each_node_counts() -> None:
    def nodes(*failing: int, of: int = 3) -> list[dict[str, Any]]:
        return [
            stage(f"n-{n}", item("SampleDisk", "Failed" if n in failing else "Success"))
            for n in range(of)
        ]

    old, new = record(nodes=nodes(0, 1)), record(nodes=nodes(1, 2))
    assert said(compare(old, new)) == [
        ("new", "SampleDisk", "name-n-2", True),
        ("fixed", "SampleDisk", "name-n-0", False),
        ("same", "SampleDisk", "name-n-1", False),
    ]
    # With fewer nodes a record can't tell a node that passes from one that is not there.
    fewer = record(nodes=nodes(1, of=2))
    assert said(compare(old, fewer))[0] == ("gone", "SampleDisk", "name-n-0", False)


def test_a_node_that_a_check_of_the_cluster_named_and_that_is_not_listed_is_gone() -> None:
    def side(*failing: str, of: tuple[str, ...]) -> Side:
        risks = {"riskSource": {"nodeRisks": [{"NodeID": uid} for uid in failing]}}
        listed = [stage(uid, item("Other", "Success")) for uid in of]
        phase = "Failed" if failing else "Success"
        verdict = record(item("A", phase, **(risks if failing else {})), nodes=listed).verdict
        seen = tuple(SeenNode("Other", Node(uid=uid, name=f"name-{uid}")) for uid in of)
        return Side("x", "response", verdict, seen)

    old = side("a", "b", of=("a", "b"))
    left = {node: status for status, _, node, _ in said(compare(old, side("b", of=("b",))))}
    assert left["a"] == "gone"
    left = {node: status for status, _, node, _ in said(compare(old, side("b", of=("a", "b"))))}
    assert left["a"] == "fixed"
    # A node that was not listed before, a master, say, has not gone.
    left = {n: status for status, _, n, _ in said(compare(side("m", of=("b",)), side(of=("b",))))}
    assert left["m"] == "fixed"
    # Where no node is listed nothing tells.
    left = {node: status for status, _, node, _ in said(compare(old, side("b", of=())))}
    assert left["a"] == "fixed"


def test_with_the_response_at_hand_fixed_means_seen_to_pass() -> None:
    old = record(nodes=[stage("a", item("SampleDisk")), stage("b", item("SampleDisk"))])
    new = record(nodes=[stage("b", item("SampleDisk")), stage("c", item("SampleDisk", "Success"))])
    b, c = Node(uid="b", name="name-b"), Node(uid="c", name="name-c")
    known = Side(
        "x", "response", new.verdict, (SeenNode("SampleDisk", b), SeenNode("SampleDisk", c))
    )
    assert ("gone", "SampleDisk", "name-a", False) in said(compare(old, known))
    a = SeenNode("SampleDisk", Node(uid="a", name="name-a"))
    known = Side("x", "response", new.verdict, (a, SeenNode("SampleDisk", b)))
    assert ("fixed", "SampleDisk", "name-a", False) in said(compare(old, known))


def test_a_check_that_is_no_longer_run_is_not_fixed() -> None:
    old = record(item("SampleA"), item("SampleB", "Success"))
    new = record(item("SampleB", "Success"))
    assert said(compare(old, new)) == [("gone", "SampleA", None, False)]


def test_a_node_is_its_uid_else_its_name() -> None:
    named = record(nodes=[stage("", item("SampleDisk"), name="one")])
    full = record(nodes=[stage("u-1", item("SampleDisk"), name="one")])
    other = record(nodes=[stage("u-2", item("SampleDisk"), name="one")])
    renamed = record(nodes=[stage("u-1", item("SampleDisk"), name="two")])
    for old, new in ((named, full), (full, named), (full, renamed)):
        assert [part[0] for part in said(compare(old, new))] == ["same"]
    assert [part[0] for part in said(compare(full, other))] == ["new", "fixed"]


def test_what_changed_is_named() -> None:
    def differs(one: dict[str, Any], other: dict[str, Any], **new: Any) -> tuple[Any, ...]:
        diff = compare(record(one), record(other, **new))
        (change,) = diff.changes
        return change.status, change.differs, change.new_failure

    assert differs(item(), item(message="other")) == ("changed", ["message"], False)
    assert differs(item(), item(level="Fatal")) == ("changed", ["level"], True)
    assert differs(item(), item(level="Info")) == ("changed", ["level"], False)
    assert differs(item(), item(kind="Exception")) == ("changed", ["kind"], True)
    assert differs(item(kind="Exception"), item()) == ("changed", ["kind"], False)
    now_waived = differs(item(), item(), waivers=[waiver()])
    assert now_waived == ("changed", ["outcome", "waived"], False)
    back = compare(record(item(), waivers=[waiver()]), record(item()))
    assert back.changes[0].new_failure
    assert back.exit_code == 1
    assert [note.code for note in back.notes] == ["diff.note.waivers", "diff.note.same-response"]


def test_a_failure_that_became_graver_is_a_new_one() -> None:
    def worse(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> bool:
        diff = compare(record(*one), record(*other))
        (change,) = diff.changes
        assert change.new_failure == change.worse == bool(diff.exit_code)
        assert change.status == "changed"
        return change.worse

    risk, fatal = item(), item(level="Fatal")
    grave = item(kind="Exception", level="Fatal")
    assert worse([risk], [grave])
    assert not worse([grave], [risk])
    # One gets better in one way and worse in another.
    assert worse([item(kind="Exception", level="Info")], [fatal])
    # Of several at one place, fewer are left and one of them is graver.
    assert worse([risk, risk], [fatal])
    assert worse([item(kind="Exception"), fatal], [grave])
    assert not worse([risk, fatal], [fatal])
    # What nobody documents is graver than a Risk or a Warning, and not than the gravest.
    rule = {"id": "all", "match": {"kind": "Risk"}, "effect": "fail"}
    text = policy([rule], evidence={"recognised": "warn"})
    odd = record(item(level="Odd"), text=text)
    assert compare(record(risk, text=text), odd).exit_code == 1
    assert compare(record(fatal, text=text), odd).exit_code == 0
    # What is tolerated has not failed.
    mild = policy(defaults={"unmatched": "warn"})
    assert compare(record(risk, text=mild), record(grave, text=mild)).exit_code == 0


def test_what_was_unknown_and_fails_now_is_a_new_failure() -> None:
    broken = item(group="ExecuteException")
    rule = {"id": "risks", "match": {"group": "LimitCheck"}, "effect": "fail"}
    text = policy([rule, {"id": "rest", "match": {"check": "*"}, "effect": "warn"}])
    old, new = (
        record(broken, item("SampleB"), text=text),
        record(item(), item("SampleB"), text=text),
    )
    assert old.verdict.checks[1].outcome == "unknown"
    assert said(compare(old, new))[0] == ("changed", "SampleCheck", None, True)
    assert said(compare(new, old))[0] == ("changed", "SampleCheck", None, False)


def test_another_addon_under_one_name_is_a_new_failure() -> None:
    def addon(name: str, **more: Any) -> dict[str, Any]:
        risks = {"addonRisks": [{"addonTemplateName": name, "alias": name}]}
        return item("AddonLimit", riskSource=risks, **more)

    old = record(addons=[addon("coredns")])
    assert compare(old, record(addons=[addon("everest")])).exit_code == 1
    assert compare(old, record(addons=[addon("coredns"), addon("everest")])).exit_code == 1
    # Even where nothing names the add-on: two fail where one did.
    old, new = record(addons=[item("AddonLimit")]), record(addons=[item("AddonLimit")] * 2)
    assert compare(old, new).exit_code == 1
    assert compare(new, old).exit_code == 0


def test_skips_and_limits_count_too() -> None:
    skip = {"skippedCheckItemList": [{"name": "SampleSkip"}]}
    old, new = record(), record(spec=skip)
    (change,) = compare(old, new).changes
    assert (change.subject, change.status, change.new_failure) == ("skipped", "new", True)
    assert [part.status for part in compare(new, old).changes] == ["fixed"]
    rule = {
        "id": "few", "match": {"check": "Sample*"}, "effect": "fail", "below": "note",
        "limit": {"of": "findings", "max": 1},
    }  # fmt: skip
    text = policy([rule])
    old = record(item("SampleA"), item("SampleB", "Success"), text=text)
    new = record(item("SampleA"), item("SampleB"), text=text)
    found = {(part.subject, part.check): part.new_failure for part in compare(old, new).changes}
    assert found["limit", "few"]


@pytest.mark.parametrize(
    ("was", "now", "statuses", "new_failures"),
    [
        # found → skipped: what failed still fails; what was accepted, or passed, fails anew
        ("found", "skipped", ["changed"], 0),
        ("found", "skipped and covered", ["changed"], 0),
        ("found and covered", "skipped", ["changed"], 1),
        ("found and covered", "skipped and covered", ["changed"], 0),
        ("passed", "skipped", ["new"], 1),
        ("passed", "skipped and covered", ["new"], 0),
        # skipped → found: nobody knew that it fails
        ("skipped", "found", ["changed"], 1),
        ("skipped and covered", "found", ["changed"], 1),
        ("skipped", "found and covered", ["changed"], 0),
        ("skipped and covered", "found and covered", ["changed"], 0),
        ("skipped", "passed", ["fixed"], 0),
        ("skipped and covered", "passed", ["fixed"], 0),
        # on both sides
        ("skipped", "skipped and covered", ["changed"], 0),
        ("skipped and covered", "skipped", ["changed"], 1),
        ("skipped", "skipped", ["same"], 0),
    ],
)
def test_between_a_finding_and_the_skip_list(
    was: str, now: str, statuses: list[str], new_failures: int
) -> None:
    def side(what: str) -> Side:
        kept = {"skippedCheckItemList": [{"name": "SampleA"}]} if "skipped" in what else None
        items = [] if kept else [item("SampleA", "Success" if what == "passed" else "Failed")]
        waivers = [waiver(check="SampleA")] if "covered" in what else None
        return record(*items, item("SampleB", "Success"), waivers=waivers, spec=kept)

    diff = compare(side(was), side(now))
    assert [change.status for change in diff.changes] == statuses
    assert (diff.tally.new_failures, diff.exit_code) == (new_failures, min(new_failures, 1))
    assert_mirrored(diff, compare(side(now), side(was)))


def test_a_skip_is_told_at_the_places_it_hides_and_where_it_hides_more_anew() -> None:
    def side(failing: str, skips: list[dict[str, Any]], seen: str = "abc") -> Side:
        nodes = [
            stage(uid, item("SampleDisk", "Failed" if uid in failing else "Success"))
            for uid in seen
        ] or [stage("a", item("SampleOther", "Success"))]
        return record(nodes=nodes, spec={"skippedCheckItemList": skips} if skips else None)

    everywhere = [{"name": "SampleDisk"}]
    selector = {"key": "node.uid", "operator": "In", "values": ["a"]}
    at_a = [{"name": "SampleDisk", "resourceSelector": selector}]
    all_failed, one_failed = side("abc", []), side("a", [])
    assert said(compare(all_failed, side("", everywhere, ""))) == [
        ("changed", "SampleDisk", "name-a", False),
        ("changed", "SampleDisk", "name-b", False),
        ("changed", "SampleDisk", "name-c", False),
    ]
    assert said(compare(one_failed, side("", at_a, "bc"))) == [
        ("changed", "SampleDisk", "name-a", False),
    ]
    # It passed on b and c: nobody knows whether it does now.
    assert said(compare(one_failed, side("", everywhere, ""))) == [
        ("new", "SampleDisk", None, True),
        ("gone", "SampleDisk", "name-a", False),
    ]
    # The entry grows by a node where it failed, shrinks, and is for all of them now.
    both = [{"name": "SampleDisk", "resourceSelector": selector | {"values": ["a", "b"]}}]
    assert said(compare(side("b", at_a, "bc"), side("", both, "c"))) == [
        ("changed", "SampleDisk", "name-b", False),
        ("same", "SampleDisk", "a", False),
    ]
    assert said(compare(side("", both, "c"), side("b", at_a, "bc"))) == [
        ("changed", "SampleDisk", "name-b", True),
        ("same", "SampleDisk", "a", False),
    ]
    assert said(compare(side("", at_a, "bc"), side("", everywhere, ""))) == [
        ("new", "SampleDisk", None, True),
        ("gone", "SampleDisk", "a", False),
    ]
    # The entry is for one of them now: that hides less.
    assert said(compare(side("", everywhere, ""), side("", at_a, "bc"))) == [
        ("new", "SampleDisk", "a", False),
        ("fixed", "SampleDisk", None, False),
    ]
    accepted = [waiver(check="SampleDisk")]
    covered = record(spec={"skippedCheckItemList": everywhere}, waivers=accepted)
    assert ("new", "SampleDisk", "a", True) in said(compare(covered, side("", at_a, "bc")))
    # It fails at a as before, and is skipped there besides.
    assert said(compare(one_failed, side("a", at_a))) == [
        ("new", "SampleDisk", "a", True),
        ("same", "SampleDisk", "name-a", False),
    ]


def test_what_keeps_two_from_being_compared() -> None:
    fine = record(item("SampleA"))
    assert obstacles(fine, fine) == []
    assert obstacles(fine, record(item("SampleA"), spec={"clusterID": "c-2"})) == ["cluster"]
    nameless = record(item("SampleA"), spec={"clusterID": None, "targetVersion": None})
    assert obstacles(nameless, fine) == ["cluster-missing-old", "target-missing-old"]
    assert obstacles(fine, nameless) == ["cluster-missing-new", "target-missing-new"]
    assert obstacles(fine, record(item("SampleA"), spec={"targetVersion": "v1.32.1-r0"})) == [
        "target"
    ]
    running = record(phase="Running")
    assert obstacles(fine, running) == ["inconclusive-new"]
    assert obstacles(running, running) == ["inconclusive-old", "inconclusive-new"]
    (obstacle,) = compare(fine, running).obstacles
    assert [part.code for part in obstacle.why] == [
        part.what.code for part in running.verdict.reasons
    ]
    unknown = record(item(group="ExecuteException", kind="Exception"))
    assert obstacles(unknown, fine) == ["inconclusive-old"]
    other = policy([{"id": "x", "match": {"check": "y"}, "effect": "fail"}])
    assert obstacles(fine, record(item("SampleA"), text=other)) == ["policy"]


def test_what_is_noted_and_compared() -> None:
    """The API's own examples name no cluster: that can't keep two from being compared."""
    nameless = record(item("SampleA"), spec={"clusterID": None, "targetVersion": None})
    diff = compare(nameless, nameless)
    assert diff.exit_code == 0
    assert [note.code for note in diff.notes] == [
        "diff.note.cluster-missing",
        "diff.note.target-missing",
        "diff.note.same-response",
    ]
    later = record(item("SampleA"), spec={"clusterVersion": "v1.30.1-r0"})
    (note,) = compare(record(item("SampleA")), later).notes
    assert note.text == "The cluster's version differs: v1.29.8-r0, now v1.30.1-r0"


def test_a_failure_beside_doubt_is_not_compared_either() -> None:
    """Fail beats inconclusive in a verdict; the missing half would still look fixed."""
    fine = record(item("SampleA"), nodes=[stage("n", item("SampleB"))])
    half = record(item("SampleA"), nodeCheckStatus=None, addons=[])
    assert half.verdict.outcome == "fail"
    assert obstacles(fine, half) == ["inconclusive-new"]


def test_a_doubtful_choice_of_a_task_is_not_compared_though_it_fails() -> None:
    twin = response(item("SampleA"))
    verdict = judged(
        {"kind": "List", "items": [twin, twin | {"status": response(item("SampleB"))["status"]}]}
    )
    assert verdict.outcome == "fail"
    assert obstacles(record(item("SampleA")), Side("x", "response", verdict)) == [
        "inconclusive-new"
    ]


def test_what_was_skipped_on_the_server_has_not_passed() -> None:
    def nodes(phase: str) -> list[dict[str, Any]]:
        return [stage(uid, item("SampleDisk", phase)) for uid in "ab"]

    def selector(*uids: str) -> dict[str, Any]:
        return {"key": "node.uid", "operator": "In", "values": list(uids)}

    old = record(item("SampleA"), nodes=nodes("Failed"))
    skips = [{"name": "SampleA"}, {"name": "SampleDisk", "resourceSelector": selector("a")}]
    new = record(
        item("SampleA", "Success"), nodes=nodes("Success"), spec={"skippedCheckItemList": skips}
    )
    assert said(compare(old, new)) == [
        ("changed", "SampleA", None, False),
        ("changed", "SampleDisk", "name-a", False),
        ("fixed", "SampleDisk", "name-b", False),
    ]


def test_the_newer_one_first_is_noted() -> None:
    old = response(item())
    new = response(item())
    new["metadata"]["updateTimestamp"] = "2026-03-01 10:10:00 +0000 UTC"
    first, second = (Side("x", "record", judged(body)) for body in (old, new))
    assert compare(first, second).notes == []
    assert [note.code for note in compare(second, first).notes] == ["diff.note.order"]


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(one=generator.cases(), two=generator.cases())
def test_a_comparison_hides_no_failure(one: dict[str, Any], two: dict[str, Any]) -> None:
    two = two | {key: one[key] for key in ("policies", "at")}
    two["waiver_lists"] = one.get("waiver_lists", ())
    first, second = (Side("x", "record", _freed(judge_case(case))) for case in (one, two))
    for old, new in ((first, second), (first, first)):
        diff = compare(old, new)
        if not diff.comparable:
            assert diff.exit_code == 3
            continue
        if old.verdict.outcome == "pass" and new.verdict.outcome == "fail":
            assert diff.exit_code == 1
        if old is new:
            assert {change.status for change in diff.changes} <= {"same"}
        assert_mirrored(diff, compare(new, old))
        total = diff.tally.model_dump()
        assert sum(total.values()) - total["new_failures"] == len(diff.changes)
        assert Diff.model_validate_json(diff.model_dump_json()) == diff


def assert_mirrored(diff: Diff, back: Diff) -> None:
    """Swapped, what is new is what passes or is gone now, and the rest is as it was."""
    mirror = {"new": "left", "fixed": "left", "gone": "left"}

    def told(one: Diff, swapped: bool) -> list[tuple[Any, ...]]:
        found = []
        for part in one.changes:
            states = (part.after, part.before) if swapped else (part.before, part.after)
            name = part.node.uid or part.node.name if part.node else None
            found.append(
                (part.subject, part.check, part.scope, name, part.addons, *states, part.passed,
                 mirror.get(part.status, part.status), part.differs)
            )  # fmt: skip
        return sorted(found, key=repr)

    assert told(diff, swapped=False) == told(back, swapped=True)
    assert diff.tally.new == back.tally.fixed + back.tally.gone
    assert back.tally.new == diff.tally.fixed + diff.tally.gone


def _freed(verdict: Verdict) -> Verdict:
    """Without what would keep most generated pairs from being compared at all."""
    named = {"cluster_id": "c-1", "target_version": "v1.31.4-r2", "updated": None}
    subject = verdict.subject.model_copy(update=named)
    return verdict.model_copy(update={"subject": subject})
