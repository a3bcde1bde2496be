"""What several waivers say of themselves beside one another."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import Any
from unittest import mock

import pytest
import yaml

from reporter.output import skip_list
from reporter.policy.evaluate import Judgement, evaluate, judge, settle_instant
from reporter.policy.load import Policy
from reporter.policy.match import Match
from reporter.policy.stubs import Stubs
from reporter.precheck.response import Sidecar
from reporter.record.model import Entry, Node, Place, Risks, Verdict
from reporter.sources.read import read
from reporter.words import statement
from tests.policy.build import AT, item, judged, policy, response, stage, waiver


def test_a_waiver_that_is_used_hides_nothing_of_the_others() -> None:
    waivers = [
        waiver("used"),
        waiver("narrow", message="other"),
        waiver("passing", "SampleAddon"),
        waiver("gone", "Gone"),
    ]
    verdict = judged(response(item()), policy(waivers=waivers))
    assert {use.id: use.why.code.removeprefix("waiver-status.") for use in verdict.waivers} == {
        "used": "used-findings",
        "narrow": "unused-elsewhere",
        "passing": "unused-passes",
        "gone": "unused-absent",
    }


@pytest.mark.parametrize(
    ("key", "value"), [("uid", "a"), ("name", "name-a"), ("status", "Active"), ("type", "node")]
)
def test_every_key_of_a_node_is_asked(key: str, value: str) -> None:
    for asked, outcome in ((value, "pass"), ("other", "fail")):
        body = response(nodes=[stage("a", item())])
        assert judged(body, policy(waivers=[waiver(node={key: asked})])).outcome == outcome


def test_of_many_waivers_for_other_nodes_the_first_are_named() -> None:
    """A list that waives node by node, and nodes that are not on it."""
    nodes = [stage(f"n-{number}", item()) for number in range(30)]
    listed = [
        waiver(f"w-{number:02}", node={"uid": {"equals": f"n-{number}"}}) for number in range(25)
    ]
    listed.append(waiver("w-old", node={"name": "name-n-29"}, expires="2026-02-02"))
    verdict = judged(response(nodes=nodes), policy(waivers=listed))
    entries = {
        place.nodes[0].uid: entry
        for check in verdict.checks
        for entry in check.entries
        for place in entry.places
    }
    assert [entries[f"n-{number}"].waived_by for number in (0, 24)] == [["w-00"], ["w-24"]]
    missed = {miss.waiver: miss.why.text for miss in entries["n-29"].near_misses}
    assert list(missed) == [*(f"w-{number:02}" for number in range(20)), "w-old"]
    assert missed["w-old"].startswith("it expired")
    assert missed["w-03"] == "it is for node.uid n-3"
    assert missed["w-19"] == ("it is for something else, and so are 5 more that name this check")


def _misses(verdict: Verdict) -> dict[str, str]:
    (entry,) = verdict.checks[0].entries
    return {miss.waiver: miss.why.text for miss in entry.near_misses}


def test_of_many_waivers_that_match_in_vain_the_first_are_named() -> None:
    """A year of weekly waivers, all expired; or an Exception that none of many can cover."""
    weekly = [waiver(f"w-{week:02}", expires="2026-02-02") for week in range(52)]
    listed = [*weekly, waiver("x", message="other")]
    verdict = judged(response(item()), policy(waivers=listed))
    missed = _misses(verdict)
    assert list(missed) == [*(f"w-{week:02}" for week in range(20)), "x"]
    assert missed["w-18"].startswith("it expired")
    assert missed["w-19"] == "it matches and does not cover it either, like 32 more"
    assert missed["x"] == "it is for message other"
    assert {use.status for use in verdict.waivers if use.id != "x"} == {"expired"}
    missed = _misses(judged(response(item(kind="Exception")), policy(waivers=listed[:21])))
    assert missed["w-18"] == "an Exception has to be resolved; it can't be waived"
    assert missed["w-19"] == "it matches and does not cover it either, like 1 more"
    assert len(_misses(judged(response(item()), policy(waivers=weekly[:20])))) == 20


def test_of_many_waivers_for_something_else_a_skipped_check_names_the_first() -> None:
    skips = [
        {"name": "S", "resourceSelector": {"key": "node.uid", "operator": "In", "values": [uid]}}
        for uid in ("n-0", "n-29", "n-x")
    ]
    listed = [waiver(f"w-{n:02}", "S", node={"uid": f"n-{n}"}) for n in range(30)]
    listed.append(waiver("x-old", "S", expires="2026-02-02"))
    listed.append(waiver("x-risks", "S", kind="Risk"))
    body = response(spec={"skippedCheckItemList": [*skips, {"name": "S\u200b"}, {"name": "S"}]})
    first, last, other, odd, whole = judged(body, policy(waivers=listed)).skipped
    assert (first.waived_by, last.waived_by) == (["w-00"], ["w-29"])
    missed = {miss.waiver: miss.why.text for miss in other.near_misses}
    assert list(missed) == [*(f"w-{n:02}" for n in range(20)), "x-old"]
    assert missed["w-03"] == "it is for node.uid n-3"
    assert missed["w-19"] == "it is for something else, and so are 11 more that name this check"
    assert missed["x-old"].startswith("it expired")
    assert [odd.why.code, odd.near_misses] == ["skip.odd-name", []]
    codes = {miss.why.code for miss in whole.near_misses if miss.waiver < "w-19"}
    assert codes == {"skip.needs-node"}
    never = policy([{"id": "r", "match": {"check": "S"}, "effect": "fail", "waivable": False}],
                   waivers=listed)  # fmt: skip
    refused = judged(body, never)
    missed = {miss.waiver: miss.why.text for miss in refused.skipped[0].near_misses}
    assert len(missed) == 20
    assert missed["w-19"] == "it matches and does not cover it either, like 12 more"


def _decided(body: dict[str, Any], given: bytes) -> Judgement:
    found = read(json.dumps(body).encode(), name="r.json")
    return judge(found, Policy.parse(given), instant=settle_instant(found, AT, AT))


@pytest.mark.parametrize("which", ["others", "expired", "exceptions", "skips"])
def test_what_is_said_of_waivers_that_miss_is_one_object(which: str) -> None:
    """Many findings of many nodes, and more waivers than are named: nothing multiplies."""
    kind = "Exception" if which == "exceptions" else "Risk"
    nodes = [stage(f"n-{number}", item(kind=kind)) for number in range(100)]
    given = [
        waiver(f"w-{n}", node={"uid": f"x-{n}"})
        if which in ("others", "skips")
        else waiver(f"w-{n}", expires="2026-02-02")
        for n in range(60)
    ]
    spec = {}
    if which == "skips":
        spec["skippedCheckItemList"] = [
            {"name": "SampleCheck",
             "resourceSelector": {"key": "node.uid", "operator": "In", "values": [f"n-{n}"]}}
            for n in range(100)
        ]  # fmt: skip
    asked: Counter[int] = Counter()
    fits_waiver = Match.fits_waiver

    def counted(match: Match, *given: Any) -> Any:
        asked[0] += 1
        return fits_waiver(match, *given)

    with mock.patch.object(Match, "fits_waiver", counted):
        judgement = _decided(response(nodes=nodes, spec=spec), policy(waivers=given))
    parts = judgement.skips if which == "skips" else judgement.decided
    assert len(parts) == 100
    assert {len(part.near_misses) for part in parts} == {20}
    assert len({id(part.near_misses) for part in parts}) == 1
    assert asked[0] < 250  # 60 to know what each is for, and what is said of the named ones
    missed = [tally.missed for tally in judgement.waivers]
    assert missed == [100 if which == "expired" else 0] * 60


def test_what_an_expired_waiver_would_have_covered_is_counted() -> None:
    """Findings and skips alike, whether it is for all of a check or looks at each."""
    nodes = [stage(f"n-{n}", item(message=f"m-{n}")) for n in range(3)]
    old = {"expires": "2026-02-02"}
    given = [
        waiver("all", **old),
        waiver("some", **old, message="m-[01]"),
        waiver("other", "B", **old),
        waiver("kind", **old, kind="Risk"),
        waiver("late", starts="2099-01-01", expires="2099-02-01"),
        waiver("narrow", message="none"),
    ]
    skips = [{"name": "SampleCheck"}, {"name": "SampleCheck"}, {"name": "odd name"}]
    without = _decided(response(nodes=nodes), policy(waivers=given))
    missed = {tally.waiver.id: tally.missed for tally in without.waivers}
    assert missed == {"all": 3, "some": 2, "other": 0, "kind": 3, "late": 0, "narrow": 0}
    judgement = _decided(
        response(nodes=nodes, spec={"skippedCheckItemList": skips}), policy(waivers=given)
    )
    missed = {tally.waiver.id: tally.missed for tally in judgement.waivers}
    assert missed == {"all": 5, "some": 2, "other": 0, "kind": 3, "late": 0, "narrow": 0}
    refused = {tally.waiver.id: tally.skips_refused for tally in judgement.waivers}
    assert refused == dict.fromkeys(missed, 0)
    odd = [{"name": "SampleCheck", "resourceSelector": {"key": "node.uid", "operator": "In"}}] * 2
    body = response(nodes=nodes, spec={"skippedCheckItemList": odd})
    judgement = _decided(body, policy(waivers=given))
    refused = {tally.waiver.id: tally.skips_refused for tally in judgement.waivers}
    assert refused == dict.fromkeys(missed, 2) | {"other": 0}


@pytest.mark.parametrize("messages", [("m", "x"), ("x", "m"), ("m", "x", "m"), ("x", "m", "x")])
def test_only_what_covers_a_finding_is_said_to(messages: tuple[str, ...]) -> None:
    """Whatever covered the one before it."""
    given = [waiver("all", ["SampleCheck", "Sample*"]), waiver("some", message="m")]
    judgement = _decided(
        response(*[item(message=message) for message in messages]), policy(waivers=given)
    )
    told = [part.waived_by for part in judgement.decided]
    assert told == [("all", "some") if message == "m" else ("all",) for message in messages]


def test_which_of_the_checks_that_a_waiver_names_are_here() -> None:
    body = response(item("A", "Success"), item("B"), item("C-1", "Success"))
    given = [waiver(name, name, message="none") for name in ("A", "B", "C", "C-*", "A*", "*")]
    judgement = _decided(body, policy(waivers=given))
    seen = {t.waiver.id: (t.check_seen, t.check_failed) for t in judgement.waivers}
    assert seen == {
        "A": (True, False), "B": (True, True), "C": (False, False), "C-*": (True, False),
        "A*": (True, False), "*": (True, True),
    }  # fmt: skip


def test_a_waiver_that_asks_for_more_than_nodes_says_so_of_each_finding() -> None:
    nodes = [stage(f"n-{n}", item(message=f"m-{n % 2}")) for n in range(4)]
    given = [waiver("a", message="m-0", node={"uid": "n-1"}), waiver("b", node={"status": "?"}),
             waiver("c", node={"uid": "N-1"})]  # fmt: skip
    verdict = judged(response(nodes=nodes), policy(waivers=given))
    told = {
        place.nodes[0].uid: [miss.why.text for miss in entry.near_misses]
        for entry in verdict.checks[0].entries
        for place in entry.places
    }
    plain = ["it is for node.status ?", "it is for node.uid N-1"]
    assert told["n-0"] == ["it is for node.uid n-1", *plain]
    assert told["n-1"] == [
        "it is for message m-0",
        plain[0],
        "it asks for node.uid N-1, which the response leaves open",
    ]
    assert told["n-3"] == ["it is for message m-0, node.uid n-1", *plain]


@pytest.mark.parametrize(
    ("risks", "named"),
    [
        ({"nodeRisks": [{"NodeID": "n-1"}]}, "node:"),
        ({"nodeRisks": [{"NodeID": "n-1"}, {}]}, None),
        ({"addonRisks": [{"addonTemplateName": "coredns", "alias": "CoreDNS"}]}, "coredns"),
        ({"addonRisks": [{"alias": "CoreDNS"}]}, "CoreDNS"),
        ({"addonRisks": [{"addonTemplateName": "everest"}, {"alias": ""}]}, None),
        ({}, "check:"),
    ],
)
def test_a_stub_is_for_what_can_be_named(risks: Any, named: str | None) -> None:
    """What it can't name it would cover wherever it stands."""
    entry = judged(response(item(riskSource=risks))).checks[0].entries[0]
    assert (entry.waiver_stub is None) == (named is None)
    assert named is None or named in str(entry.waiver_stub)


def _stubs(verdict: Verdict) -> dict[str | None, str | None]:
    return {e.message: e.waiver_stub for check in verdict.checks for e in check.entries}


def test_a_stub_covers_what_it_stands_below_alone() -> None:
    found = response(
        item(message="the version is old"), item(message="volumes will be lost"),
        item(message="of another level", level="Info"),
    )  # fmt: skip
    for message, stub in _stubs(judged(found)).items():
        assert stub is not None
        assert ("message:" in stub) is (message != "of another level")
        rules = policy(waivers=yaml.safe_load(stub.replace("TODO", "told")))
        waived = {e.message: e.outcome for c in judged(found, rules).checks for e in c.entries}
        assert [said for said, outcome in waived.items() if outcome == "waived"] == [message]
    # What the message does not tell apart can't be waived by a stub.
    alike = response(item(message="same"), item(message="same", errorCodes=["E1"]))
    assert _stubs(judged(alike)) == {"same": None}


def test_a_stub_asks_for_no_more_than_tells_findings_apart() -> None:
    asked = [
        sorted(set(yaml.safe_load(stub)[0]) - {"id", "reason", "approved_by", "starts", "expires"})
        for body in (
            response(item()),
            response(item(), item(level="Info", message="less")),
            response(item(), nodes=[stage("n-1", item("SampleCheck", "Success"))]),
            response(nodes=[stage("n-1", item())]),
        )
        for stub in _stubs(judged(body)).values()
        if stub is not None
    ]
    assert asked == [
        ["check"], ["check", "level"], ["check", "level"], ["check", "scope"], ["check", "node"],
    ]  # fmt: skip


@pytest.mark.parametrize("nodes", [False, True])
def test_a_stub_accepts_no_skip_that_stands_beside_it(nodes: bool) -> None:
    selector = {"key": "node.uid", "operator": "In", "values": ["n-1"]}
    of_the_node = {"name": "SampleCheck", "resourceSelector": selector}
    spec = {"skippedCheckItemList": [of_the_node, {"name": "samplecheck"}]}
    body = response(*([] if nodes else [item()]), spec=spec,
                    nodes=[stage("n-1", item())] if nodes else None)  # fmt: skip
    stub = next(iter(_stubs(judged(body)).values()))
    assert stub is not None
    verdict = judged(body, policy(waivers=yaml.safe_load(stub.replace("TODO", "told"))))
    assert [skip.outcome for skip in verdict.skipped] == ["fail", "fail"]
    assert verdict.counts.findings.waived == 1


@pytest.mark.parametrize("nodes", [False, True])
def test_a_risk_accepted_by_its_stub_is_so_once_it_is_on_the_skip_list(nodes: bool) -> None:
    """What is accepted, put on the skip list and checked again, as the report advises, passes."""
    first = response(nodes=[stage("n-1", item())]) if nodes else response(item())
    stub = next(iter(_stubs(judged(first)).values()))
    assert stub is not None
    rules = policy(waivers=yaml.safe_load(stub.replace("TODO", "told")))
    said: list[str] = []
    [entry] = skip_list.skips(judged(first, rules), said.append)
    assert said == []
    skip: dict[str, Any] = {"name": entry.name}
    if nodes:
        values = list(entry.node_uids)
        skip["resourceSelector"] = {"key": "node.uid", "operator": "In", "values": values}
    again = judged(response(spec={"skippedCheckItemList": [skip]}), rules)
    assert (again.outcome, again.skipped[0].waived_by) == ("pass", [yaml.safe_load(stub)[0]["id"]])


def test_a_stub_for_an_addon_asks_for_the_message_whichever_name_another_has() -> None:
    one, both = {"alias": "CoreDNS"}, {"addonTemplateName": "coredns", "alias": "CoreDNS"}
    found = response(
        item(message="a", riskSource={"addonRisks": [one]}),
        item(message="b", riskSource={"addonRisks": [both]}),
        item(message="c", riskSource={"addonRisks": [{"addonTemplateName": "everest"}]}),
    )
    told = {message: "message:" in str(stub) for message, stub in _stubs(judged(found)).items()}
    assert told == {"a": True, "b": False, "c": False}


def test_stubs_of_two_levels_on_one_node_are_compared_a_few_times_each() -> None:
    entries = [
        Entry.model_construct(
            outcome="fail", kind="Risk", level=level, message=f"{level} {number}", places=places,
            risks=Risks(), why=statement("doubt.unfinished"),
        )
        for level in ("Fatal", "Warning")
        for number, places in ((number, [_place("n-1")]) for number in range(3_000))
    ]  # fmt: skip
    stubs = Stubs("A", "node", entries, AT, elsewhere=False, skipped=False)
    assert all("message:" in str(stubs.of(entry)) for entry in entries)


def _place(uid: str) -> Place:
    return Place(pointer="/x", nodes=[Node(uid=uid)])


def test_a_stub_for_a_node_asks_for_the_message_where_another_finding_is_of_the_same_node() -> None:
    found = response(
        nodes=[
            stage("n-1", item(message="a"), item(message="b")),
            stage("n-2", item(message="a")),
            stage("n-3", item(message="c")),
        ]
    )
    stubs = _stubs(judged(found))
    told = {message: "message:" in str(stub) for message, stub in stubs.items()}
    assert told == {"a": True, "b": True, "c": False}


def test_a_waiver_for_a_cluster_two_witnesses_differ_about() -> None:
    body = read(json.dumps(response(item())).encode(), name="r.json")
    for noted, outcome in ((None, "waived"), ("c-1", "waived"), ("c-2", "fail")):
        note = Sidecar(noted, None, None, None, "r.json.meta.json", b"{}")
        task = replace(body, source=replace(body.source, sidecar=note))
        for cluster in ("c-1", "c-2"):
            rules = Policy.parse(policy(waivers=[waiver(cluster=cluster)]))
            verdict = evaluate(task, rules, at=AT, now=AT)
            expected = outcome if cluster == "c-1" else "fail"
            assert verdict.checks[0].outcome == expected
            said = [part.text for part in verdict.conditions]
            told = "The note of fetch is about another cluster (c-2) than the response (c-1)"
            assert (told in said) is (noted == "c-2")


@pytest.mark.parametrize("uid", ["n-1 ", "n-1\u200b", "n-\u0430"])
@pytest.mark.parametrize("key", ["uid", "name"])
def test_a_node_that_is_not_what_it_looks_like_is_left_open(key: str, uid: str) -> None:
    """It may be the node that a rule or a waiver's `not:` names."""
    info = {"uid": "n-5", "name": "n-5"} | {key: uid}
    body = response(nodes=[stage(info.pop("uid"), item(), **info)])
    rule = {"id": "r", "match": {"node": {key: "n-1"}}, "effect": "fail"}
    lenient: dict[str, Any] = {"defaults": {"unmatched": "warn"}}
    assert judged(body, policy([rule], **lenient)).outcome == "fail"
    assert judged(body, policy([{**rule, "effect": "note", "reason": "r"}])).outcome == "fail"
    for match in ({"not": {"node": {key: "n-1"}}}, {"node": {key: "*"}}, {"node": {key: "n-*"}}):
        assert judged(body, policy(waivers=[waiver(**match)])).outcome == "fail"
    assert judged(body, policy(waivers=[waiver()])).checks[0].outcome == "waived"
    assert judged(body).checks[0].entries[0].waiver_stub is None or key == "name"


@pytest.mark.parametrize(
    ("key", "plain", "odd"),
    [
        ("cluster", "c-1", ("c-1 ", "c-1\u200b", "\u0441-1", "C-1")),
        ("addon", "everest", ("everest ", "\u0435verest")),
        ("error_code", "CCE.1", ("CCE.1 ", "\u0421CE.1")),
        ("node", "master", ("master ", "m\u0430ster")),
    ],
)
def test_what_is_not_what_it_looks_like_is_left_open(
    key: str, plain: str, odd: tuple[str, ...]
) -> None:
    asked: Any = {"type": plain} if key == "node" else plain
    rule = {"id": "r", "match": {key: asked}, "effect": "fail"}
    lenient: dict[str, Any] = {"defaults": {"unmatched": "warn"}}
    left_out = waiver() | {"not": {key: asked}}
    for value, outcome in ((plain, "fail"), ("else", "warn"), *((one, "fail") for one in odd)):
        part = item(
            errorCodes=[value],
            riskSource={"addonRisks": [{"addonTemplateName": value, "alias": value}]},
        )
        node = stage("n-1", item("SampleNode"), nodeType=value)
        body = response(part, nodes=[node], spec={"clusterID": value})
        name = "SampleNode" if key == "node" else "SampleCheck"
        for given, expected in (
            (policy([rule], **lenient), outcome),
            (
                policy(waivers=[left_out | {"check": "Sample*"}]),
                "waived" if outcome == "warn" else "fail",
            ),
        ):
            found = {check.name: check.outcome for check in judged(body, given).checks}
            assert found[name] == expected, value


def test_a_node_may_be_called_in_chinese() -> None:
    body = response(nodes=[stage("n-1", item(), name="\u751f\u4ea7-web01")])
    covered = judged(body, policy(waivers=[waiver(node={"name": "\u751f\u4ea7-web01"})]))
    assert covered.checks[0].outcome == "waived"


def test_a_skip_of_such_a_node_is_not_covered_by_a_waiver_that_leaves_one_out() -> None:
    for uid, outcome in (("n-2", "waived"), ("n-1\u200b", "fail")):
        selector = {"key": "node.uid", "operator": "In", "values": [uid]}
        body = response(
            spec={"skippedCheckItemList": [{"name": "S", "resourceSelector": selector}]}
        )
        left_out = waiver(check="S") | {"not": {"node": {"uid": "n-1"}}}
        assert judged(body, policy(waivers=[left_out])).skipped[0].outcome == outcome


def test_an_identity_that_is_off_is_told_where_the_policy_is_for_a_cluster() -> None:
    for scope in ({"cluster": "c-9"}, {"target_version": "1.40"}):
        scoped = judged(response(), policy(applies_to=scope, evidence={"identity": "off"}))
        assert "condition.scope-not-checked" in [part.code for part in scoped.conditions]


def test_what_waivers_by_message_or_node_cover_is_counted() -> None:
    nodes = [stage(f"n-{number}", item(), item("B")) for number in range(3)]
    past = {"approved_on": "2026-01-01", "expires": "2026-02-15"}
    waivers = [
        waiver("by-message", message="*wrong*"),
        waiver("by-node", node={"uid": "n-1"}),
        waiver("enough", message="something*", max_findings=3),
        waiver("too-many", message="*is wrong", max_findings=2),
        waiver("gone", message="*wrong*", **past),
        waiver("gone-elsewhere", message="other", **past),
        waiver("skipped", "Other"),
        waiver("gone-skipped", "Other", **past),
    ]
    skips = {"skippedCheckItemList": [{"name": "Other"}]}
    verdict = judged(response(nodes=nodes, spec=skips), policy(waivers=waivers))
    assert {use.id: (use.status, use.findings, use.skipped) for use in verdict.waivers} == {
        "by-message": ("used", 3, 0),
        "by-node": ("used", 1, 0),
        "enough": ("used", 3, 0),
        "too-many": ("exceeded", 0, 0),
        "gone": ("expired", 0, 0),
        "gone-elsewhere": ("expired", 0, 0),
        "skipped": ("used", 0, 1),
        "gone-skipped": ("expired", 0, 0),
    }
