"""Each line of evidence, whole: its state, what it says, and where in the response."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reporter.policy.evaluate import evaluate
from reporter.policy.load import Policy
from reporter.precheck.response import Response, Sidecar, Source
from reporter.record.model import Change, Verdict
from reporter.sources.read import read
from tests.policy.build import AT, item, judged, policy, response, stage

GONE = ...
"""In `changed`: the key is left out."""

Line = tuple[str, list[Any], list[str]]


def line(verdict: Verdict, name: str) -> Line:
    """State, codes with parameters (a bare code has none), pointers."""
    found = next(part for part in verdict.evidence if part.id == name)
    said = [
        (part.code.removeprefix("evidence."), part.params)
        if part.params
        else part.code.removeprefix("evidence.")
        for part in found.statements
    ]
    return found.state, said, found.pointers


def changed(body: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Some values of a response set, by their path with `__` between keys."""
    for path, value in changes.items():
        *above, last = path.split("__")
        holder = body
        for key in above:
            holder = holder[key]
        if value is GONE:
            del holder[last]
        else:
            holder[last] = value
    return body


def passing(**changes: Any) -> dict[str, Any]:
    return changed(
        response(item("A", "Success"), nodes=[stage("a", item("N", "Success"))]), **changes
    )


CLUSTER = "/status/clusterCheckStatus"
ADDON = "/status/addonCheckStatus"
NODE = "/status/nodeCheckStatus"


def test_a_sound_response_says_what_was_seen() -> None:
    verdict = judged(passing())
    assert {part.id: line(verdict, part.id) for part in verdict.evidence} == {
        "recognised": ("ok", ["recognised.ok"], []),
        "finished": ("ok", [("finished.ok", {"count": 3})], []),
        "consistent": ("ok", ["consistent.ok"], []),
        "complete": ("ok", [("complete.ok", {"items": 3, "nodes": 1})], []),
        "unexpired": ("ok", [("unexpired.ok", {"at": "2026-03-01T11:00:00Z"})], []),
        "fresh": ("not-applicable", ["off"], []),
        "identity": ("not-applicable", ["identity.not-given"], []),
        "provider": ("ok", [("provider.phase", {"phase": "Success"})], []),
    }
    assert {part.id: part.level for part in verdict.evidence} == {
        "recognised": "require",
        "finished": "require",
        "consistent": "require",
        "complete": "require",
        "unexpired": "require",
        "fresh": "off",
        "identity": "require",
        "provider": "note",
    }
    assert verdict.outcome == "pass"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("A ", "A "),
        ("\tA", "\\tA"),
        ("A\u200b", "A\\u200b"),
        ("\u0410b", "\\u0410b"),
        ("\u0410", "\\u0410"),
        ("A b", None),
        ("\u8282\u70b9", None),
        ("\u8282\u70b9CPU\u68c0\u67e5", None),
        ("\u8282\u70b9CPU\u0410", "\\u8282\\u70b9CPU\\u0410"),
    ],
)
def test_a_name_is_what_it_looks_like(name: str, shown: str | None) -> None:
    """Or nobody knows which check it is: rules, waivers and required checks go by it."""
    for phase in ("Success", "Failed"):
        body = response(item("B", "Success"), item(name, phase))
        verdict = judged(body, policy(defaults={"unmatched": "note"}))
        pointer = f"{CLUSTER}/itemsStatus/1/name"
        wanted: Line = ("not-ok", [("recognised.name", {"value": shown})], [pointer])
        assert line(verdict, "recognised") == (
            wanted if shown is not None else ("ok", ["recognised.ok"], [])
        )


def test_of_very_many_reasons_the_first_are_told_and_the_rest_counted() -> None:
    skips = [
        {"name": f"S{number}", "resourceSelector": {"key": "x"}} for number in (*range(130), 0, 1)
    ]
    found = line(judged(response(spec={"skippedCheckItemList": skips})), "recognised")
    assert found[1][:2] == [("recognised.selector", {"check": f"S{number}"}) for number in (0, 1)]
    assert [len(found[1]), found[1][-1]] == [101, ("left-out", {"count": 30})]


def _irregular() -> dict[str, Any]:
    selectors: list[Any] = [
        {"key": "node.name", "operator": "In", "values": ["a"]},
        {"key": "node.uid", "operator": "NotIn", "values": ["a"]},
        {"key": "node.uid", "operator": "In", "values": ["a"], "more": 1},
        {"key": "node.uid", "operator": "In", "values": ["a"]},
        {},
    ]
    skips = [{"name": f"S{n}", "resourceSelector": part} for n, part in enumerate(selectors)]
    skips[1]["name"] = ""
    items = [
        item("Fine", "Success"),
        item("Kind", kind="Hazard"),
        item("Level", "Success", level="Severe"),
        item("Group", "Success", group="PodCheck"),
        item("Phase", "Skipped"),
        item("Running", "Running"),
        item("Bare", None),  # type: ignore[arg-type]
        item("Again", "Success"),
        item("", "Failed", kind="", level="", group=""),
    ]
    node = stage("a", item("N", "Init"), item("M", "Success", level="Severe"))
    body = response(*items, nodes=[node], spec={"skippedCheckItemList": skips}, phase="Stopped")
    return changed(
        body,
        kind="Task",
        apiVersion=GONE,
        metadata__Phase="x",
        spec__deep={"a": [{"LEVEL": 1}]},
        status__owner="me",
        status__clusterCheckStatus__phase="Error",
        status__addonCheckStatus__phase=GONE,
        status__nodeCheckStatus__phase="Running",
    )


def test_whatever_is_not_documented_is_named_and_placed() -> None:
    verdict = judged(_irregular())
    assert line(verdict, "recognised") == (
        "not-ok",
        [
            ("recognised.value", {"field": "kind", "value": "Task"}),
            ("recognised.missing", {"field": "apiVersion", "wanted": "v3"}),
            ("recognised.value", {"field": "phase", "value": "Stopped"}),
            ("recognised.value", {"field": "phase", "value": "Error"}),
            ("recognised.value", {"field": "kind", "value": "Hazard"}),
            ("recognised.value", {"field": "level", "value": "Severe"}),
            ("recognised.value", {"field": "group", "value": "PodCheck"}),
            ("recognised.value", {"field": "phase", "value": "Skipped"}),
            ("recognised.selector", {"check": "S0"}),
            ("recognised.selector", {"check": None}),
            ("recognised.selector", {"check": "S2"}),
            ("recognised.hidden", {"count": 2}),
            ("recognised.fields", {"count": 4}),
        ],
        [
            "/kind",
            "/apiVersion",
            "/status/phase",
            f"{CLUSTER}/phase",
            f"{CLUSTER}/itemsStatus/1/kind",
            f"{CLUSTER}/itemsStatus/2/level",
            f"{CLUSTER}/itemsStatus/3/group",
            f"{CLUSTER}/itemsStatus/4/phase",
            f"{NODE}/nodeStageStatus/0/itemsStatus/1/level",
            "/spec/skippedCheckItemList/0/resourceSelector",
            "/spec/skippedCheckItemList/1/resourceSelector",
            "/spec/skippedCheckItemList/2/resourceSelector",
            "/metadata/Phase",
            "/spec/deep",
        ],
    )
    assert line(verdict, "finished") == (
        "not-ok",
        [
            ("finished.task", {"phase": "Stopped"}),
            ("finished.cluster", {"phase": "Error"}),
            "finished.addon-missing",
            ("finished.node", {"phase": "Running"}),
            ("finished.items", {"count": 4, "total": 12}),
        ],
        [
            "/status/phase",
            f"{CLUSTER}/phase",
            f"{ADDON}/phase",
            f"{NODE}/phase",
            f"{CLUSTER}/itemsStatus/4",
            f"{CLUSTER}/itemsStatus/5",
            f"{CLUSTER}/itemsStatus/6",
            f"{NODE}/nodeStageStatus/0/itemsStatus/0",
        ],
    )


@pytest.mark.parametrize(
    ("field", "value"), [("kind", "risk"), ("level", "fatal"), ("group", "nodeCheck")]
)
def test_one_undocumented_value_anywhere_is_enough(field: str, value: str) -> None:
    odd = item("Odd", "Success", **{field: value})
    for body in (
        response(item("A", "Success"), odd),
        response(addons=[odd]),
        response(nodes=[stage("a", item("N", "Success"), odd)]),
    ):
        verdict = judged(body)
        assert line(verdict, "recognised")[:2] == (
            "not-ok",
            [("recognised.value", {"field": field, "value": value})],
        )
        assert verdict.outcome == "inconclusive"


@pytest.mark.parametrize("missing", [None, "", GONE])
def test_what_a_success_leaves_out_is_not_unknown(missing: Any) -> None:
    bare = item("Bare", "Success")
    for field in ("kind", "level", "group"):
        changed(bare, **{field: missing})
    verdict = judged(response(bare))
    assert line(verdict, "recognised") == ("ok", ["recognised.ok"], [])
    assert verdict.outcome == "pass"


def test_a_line_points_at_a_hundred_places_and_counts_them_all() -> None:
    items = [item(f"C{number}", "Running", kind="Hazard") for number in range(101)]
    verdict = judged(response(*items))
    places = [f"{CLUSTER}/itemsStatus/{number}" for number in range(100)]
    assert line(verdict, "finished")[1:] == (
        [("finished.items", {"count": 101, "total": 102})],
        places,
    )
    assert line(verdict, "recognised")[1:] == (
        [("recognised.value", {"field": "kind", "value": "Hazard"})],
        [f"{place}/kind" for place in places],
    )
    empty = [stage(f"n{number}") for number in range(101)]
    assert line(judged(response(nodes=empty)), "complete")[1:] == (
        [("complete.empty-nodes", {"count": 101})],
        [f"{NODE}/nodeStageStatus/{number}" for number in range(100)],
    )


@pytest.mark.parametrize(
    ("changes", "said", "pointers"),
    [
        ({"status__phase": "Init"}, [("finished.task", {"phase": "Init"})], ["/status/phase"]),
        ({"status__phase": GONE}, ["finished.task-missing"], ["/status/phase"]),
        ({"status__phase": ""}, ["finished.task-missing"], ["/status/phase"]),
        ({"status__phase": "Error"}, ["finished.error-silent"], ["/status/phase"]),
        (
            {"status__phase": "Error", "status__message": "broke"},
            [("finished.error", {"message": "broke"})],
            ["/status/phase"],
        ),
        (
            {"status__clusterCheckStatus__phase": None},
            ["finished.cluster-missing"],
            [f"{CLUSTER}/phase"],
        ),
        (
            {"status__addonCheckStatus__phase": "Init"},
            [("finished.addon", {"phase": "Init"})],
            [f"{ADDON}/phase"],
        ),
        (
            {"status__nodeCheckStatus__phase": "Running"},
            [("finished.node", {"phase": "Running"})],
            [f"{NODE}/phase"],
        ),
    ],
)
def test_finished(changes: dict[str, Any], said: list[Any], pointers: list[str]) -> None:
    verdict = judged(passing(**changes))
    assert line(verdict, "finished") == ("not-ok", said, pointers)
    assert verdict.outcome == "inconclusive"


@pytest.mark.parametrize("absent", [GONE, None, {}, {"itemsStatus": [], "phase": ""}])
def test_an_absent_section_is_not_an_unfinished_one(absent: Any) -> None:
    verdict = judged(passing(status__addonCheckStatus=absent))
    assert line(verdict, "finished")[0] == "ok"
    assert line(verdict, "complete") == (
        "not-ok",
        [("complete.section", {"section": "addon"})],
        [ADDON],
    )
    assert verdict.outcome == "inconclusive"


def _consistent(**changes: Any) -> Line:
    # The one failed Risk of the response is only noted: what is asked here is the line.
    rules: list[dict[str, Any]] = [{"id": "n", "match": {"kind": "Risk"}, "effect": "note"}]
    body = changed(
        response(item("A", "Failed"), nodes=[stage("a", item("N", "Success"))]), **changes
    )
    return line(judged(body, policy(rules, defaults={"unmatched": "note"})), "consistent")


def test_every_failed_section_needs_a_failed_item_of_its_own() -> None:
    assert _consistent() == ("ok", ["consistent.ok"], [])
    for section, key in (("addon", ADDON), ("node", NODE)):
        name = key.rpartition("/")[2]
        assert _consistent(**{f"status__{name}__phase": "Failed"}) == (
            "not-ok",
            [("consistent.section", {"section": section})],
            [f"{key}/phase"],
        )
    assert _consistent(status__clusterCheckStatus__phase="Success") == (
        "ok",
        ["consistent.ok", ("consistent.section-success", {"section": "cluster", "count": 1})],
        [],
    )
    verdict = judged(passing(status__phase="Failed"))
    assert line(verdict, "consistent") == ("not-ok", ["consistent.task"], ["/status/phase"])
    assert verdict.outcome == "inconclusive"


def test_a_failed_item_in_any_section_explains_a_failed_task() -> None:
    failed = item("A", "Failed")
    for body in (
        response(failed),
        response(addons=[failed]),
        response(nodes=[stage("a", failed)]),
    ):
        assert line(judged(body), "consistent") == ("ok", ["consistent.ok"], [])


def _complete(body: dict[str, Any], **options: Any) -> Line:
    loaded = policy(evidence={"complete": options}) if options else policy()
    return line(judged(body, loaded), "complete")


@pytest.mark.parametrize("name", ["cluster", "addon", "node"])
def test_a_section_is_required_unless_the_policy_says_otherwise(name: str) -> None:
    key = f"{name}CheckStatus"
    absent = {f"status__{key}": GONE}
    found = _complete(passing(**absent))
    assert found == (
        "not-ok",
        [("complete.section", {"section": name})],
        [f"/status/{key}"],
    )
    assert _complete(passing(**absent), sections={name: "optional"})[0] == "ok"
    others = {"cluster", "addon", "node"} - {name}
    for other in others:
        assert _complete(passing(**absent), sections={other: "optional"}) == found


@pytest.mark.parametrize("name", ["cluster", "addon"])
@pytest.mark.parametrize("held", [GONE, None, []])
def test_a_section_without_items_is_not_complete(name: str, held: Any) -> None:
    key = f"{name}CheckStatus"
    empty = {f"status__{key}__itemsStatus": held}
    assert _complete(passing(**empty)) == (
        "not-ok",
        [("complete.empty", {"section": name})],
        [f"/status/{key}"],
    )
    assert _complete(passing(**empty), sections={name: "optional"})[0] == "ok"


def test_a_node_section_without_nodes_is_complete_unless_the_cluster_is_standard() -> None:
    def bare() -> dict[str, Any]:
        return response(item("A", "Success"), nodes=[])

    said = [("complete.ok-without-nodes", {"items": 2, "nodes": 0})]
    assert _complete(bare()) == ("ok", said, [])
    for known, state in (("standard", "not-ok"), ("autopilot", "ok")):
        assert line(judged(bare(), cluster_type=known), "complete")[0] == state
    assert line(judged(passing(), cluster_type="standard"), "complete")[0] == "ok"
    assert line(judged(bare(), cluster_type="standard"), "complete")[1:] == (
        ["complete.standard-without-nodes"],
        [NODE],
    )
    optional = policy(evidence={"complete": {"sections": {"node": "optional"}}})
    gone = passing(status__nodeCheckStatus=GONE)
    assert line(judged(gone, optional, cluster_type="standard"), "complete")[0] == "not-ok"


def test_every_node_listed_holds_an_item() -> None:
    body = response(nodes=[stage("a", item("N", "Success")), stage("b"), stage("c")])
    assert _complete(body) == (
        "not-ok",
        [("complete.empty-nodes", {"count": 2})],
        [f"{NODE}/nodeStageStatus/1", f"{NODE}/nodeStageStatus/2"],
    )


@pytest.mark.parametrize(
    ("wanted", "lacking"),
    [
        ("A", []),
        ("N", []),
        ("SampleAddon", []),
        (["A", "Missing", "Other"], ["Missing", "Other"]),
        ({"equals": ["A", "Missing"]}, ["Missing"]),
        ({"equals": "Missing"}, ["Missing"]),
        ({"equals": ["X", "Y"]}, ["X", "Y"]),
        ([{"equals": ["A", "N"]}, "Missing"], ["Missing"]),
        ("Sample*", []),
        ("B*", ["B*"]),
        ([{"regex": "A|B"}, {"regex": "B|C"}], ["/B|C/"]),
        ("*", []),
    ],
)
def test_required_checks_each_occur(wanted: Any, lacking: list[str]) -> None:
    state, said, pointers = _complete(passing(), required_checks=wanted)
    assert (state, pointers) == ("not-ok" if lacking else "ok", [])
    if lacking:
        assert said == [("complete.check", {"check": name}) for name in lacking]


def test_required_on_every_node() -> None:
    nodes = [
        stage("a", item("N", "Success"), item("M", "Failed")),
        stage("b", item("N", "Success")),
        stage("c", item("Other", "Success"), item("", "Success")),
    ]
    body = response(nodes=nodes)
    assert _complete(body, required_on_every_node=["N", "M"]) == (
        "not-ok",
        [
            ("complete.check-on-nodes", {"check": "M", "count": 2}),
            ("complete.check-on-nodes", {"check": "N", "count": 1}),
        ],
        [f"{NODE}/nodeStageStatus/1", f"{NODE}/nodeStageStatus/2"],
    )
    assert _complete(response(nodes=nodes[:2]), required_on_every_node="N")[0] == "ok"
    assert _complete(response(nodes=[]), required_on_every_node="N")[0] == "ok"
    # Masters count as well, and it is said that they are masters: most have checks of their own.
    masters = [stage(uid, item("K", "Success"), nodeType="master") for uid in ("m1", "m2")]
    assert _complete(response(nodes=[*masters, nodes[0]]), required_on_every_node=["N", "M"])[
        1
    ] == [
        ("complete.check-on-masters", {"check": "N", "count": 2}),
        ("complete.check-on-masters", {"check": "M", "count": 2}),
    ]
    assert _complete(response(nodes=[masters[0], *nodes]), required_on_every_node="N")[1] == [
        ("complete.check-on-nodes", {"check": "N", "count": 1}),
        ("complete.check-on-masters", {"check": "N", "count": 1}),
    ]
    bare = response(nodes=[stage("d")])
    bare["status"]["nodeCheckStatus"]["nodeStageStatus"][0]["itemsStatus"] = None
    assert _complete(bare, required_on_every_node="N")[1] == [
        ("complete.empty-nodes", {"count": 1}),
        ("complete.check-on-nodes", {"check": "N", "count": 1}),
    ]


@pytest.mark.parametrize(
    ("nodes", "counted"),
    [
        ([stage("a", item()), stage("b", item())], 2),
        ([stage("a", item()), stage("a", item())], 1),
        ([stage("a", item()), stage("b")], 1),
        ([stage("a", item()), stage("b", item(), nodeType="master")], 1),
        ([stage("a", item()), stage("b", item(), nodeType="")], 1),
        ([stage("a", item()), stage("b", item(), nodeType="Worker")], 1),
        ([stage("a", item()), stage("", item())], 1),
        ([stage("a", item()), stage("a", item(), nodeType="master")], 0),
        ([stage("a", item()), stage("a", nodeType="master")], 0),
        ([], 0),
    ],
)
def test_min_nodes_counts_known_workers_once(nodes: list[dict[str, Any]], counted: int) -> None:
    for wanted in range(1, 4):
        _, said, _ = _complete(response(nodes=nodes), min_nodes=wanted)
        lacking = ("complete.min-nodes", {"found": counted, "wanted": wanted})
        assert (lacking in said) is (counted < wanted)


EXPIRY = "/status/expireTimeStamp"
UPDATE = "/metadata/updateTimestamp"


@pytest.mark.parametrize(
    ("expires", "state", "said"),
    [
        ("2026-03-01T10:30:01Z", "ok", ("unexpired.ok", {"at": "2026-03-01T10:30:01Z"})),
        ("2026-03-01T10:30:00Z", "not-ok", ("unexpired.expired", {"at": "2026-03-01T10:30:00Z"})),
        ("soon", "not-ok", ("unexpired.unreadable", {"value": "soon"})),
        ("", "not-ok", "unexpired.missing"),
        ("0001-01-01 00:00:00 +0000 UTC", "not-ok", "unexpired.missing"),
        (None, "not-ok", "unexpired.missing"),
    ],
)
def test_an_expiry_that_is_there_decides_alone(expires: Any, state: str, said: Any) -> None:
    verdict = judged(passing(status__expireTimeStamp=expires))
    assert line(verdict, "unexpired") == (state, [said], [] if state == "ok" else [EXPIRY])
    assert verdict.outcome == ("pass" if state == "ok" else "inconclusive")
    # A validity only stands in for one that is missing.
    lenient = policy(evidence={"unexpired": {"validity": "30d"}})
    found = line(judged(passing(status__expireTimeStamp=expires), lenient), "unexpired")
    if said == "unexpired.missing":
        assert found[0] == "ok"
    else:
        assert found == line(verdict, "unexpired")


@pytest.mark.parametrize("phase", ["Success", "Failed", "Error", "Running", None])
def test_only_a_failed_task_may_do_without_an_expiry(phase: str | None) -> None:
    body = response(item(), phase=phase, expireTimeStamp=None)
    expected: Line = ("not-ok", ["unexpired.missing"], [EXPIRY])
    if phase == "Failed":
        expected = ("not-applicable", ["unexpired.failed-task"], [])
    assert line(judged(body), "unexpired") == expected


def test_a_validity_that_leaves_the_calendar_never_ends() -> None:
    end = datetime(9990, 1, 1, tzinfo=UTC)
    body = response(expireTimeStamp=None)
    body["metadata"]["updateTimestamp"] = "9990-01-01T00:00:00Z"
    rules = policy(evidence={"unexpired": {"validity": "999999d"}, "fresh": {"max_age": "999999d"}})
    window = Change(window_start=end, window_end=end + timedelta(days=1))
    verdict = judged(body, rules, at=end, now=end, change=window)
    assert verdict.outcome == "pass"
    said = {line.id: line.statements[0].params for line in verdict.evidence}
    assert said["unexpired"]["at"] == "9999-12-31T23:59:59.999999Z"


@pytest.mark.parametrize(
    ("updated", "validity", "state", "said"),
    [
        ("2026-03-01T10:00:00Z", "31m", "ok", "unexpired.validity-ok"),
        ("2026-03-01T10:00:00Z", "30m", "not-ok", "unexpired.validity-over"),
        ("2026-03-01T10:00:00Z", "29m59s", "not-ok", "unexpired.validity-over"),
        (None, "31m", "not-ok", "update-missing"),
        ("lately", "31m", "not-ok", "update-unreadable"),
        ("2026-03-01T10:35:00Z", "31m", "ok", "unexpired.validity-ok"),
        ("2026-03-01T10:35:00.000001Z", "31m", "not-ok", "update-future"),
    ],
)
@pytest.mark.parametrize("phase", ["Success", "Failed"])
def test_a_validity_is_counted_from_the_update(
    updated: str | None, validity: str, state: str, said: str, phase: str
) -> None:
    body = response(item(phase=phase), expireTimeStamp=None)
    changed(body, metadata__updateTimestamp=updated)
    lenient = policy(evidence={"unexpired": {"validity": validity}}, defaults={"unmatched": "note"})
    found = line(judged(body, lenient), "unexpired")
    assert (found[0], found[2]) == (state, [] if state == "ok" else [UPDATE])
    assert [part[0] if isinstance(part, tuple) else part for part in found[1]] == [said]


@pytest.mark.parametrize(
    ("updated", "state", "said"),
    [
        ("2026-03-01T10:00:01Z", "ok", "fresh.ok"),
        ("2026-03-01T10:00:00Z", "not-ok", "fresh.old"),
        ("2026-03-01T10:35:00Z", "ok", "fresh.ok"),
        ("2026-03-01T10:35:00.000001Z", "not-ok", "update-future"),
        (None, "not-ok", "update-missing"),
        ("0001-01-01 00:00:00 +0000 UTC", "not-ok", "update-missing"),
        ("2026-02-30 00:00:00 +0000 UTC", "not-ok", "update-unreadable"),
    ],
)
def test_fresh(updated: str | None, state: str, said: str) -> None:
    body = passing(metadata__updateTimestamp=updated)
    verdict = judged(body, policy(evidence={"fresh": {"max_age": "30m", "level": "require"}}))
    found = line(verdict, "fresh")
    assert (found[0], found[2]) == (state, [] if state == "ok" else [UPDATE])
    assert [part[0] if isinstance(part, tuple) else part for part in found[1]] == [said]
    assert verdict.outcome == ("pass" if state == "ok" else "inconclusive")


def test_a_response_without_metadata_or_status_has_no_times() -> None:
    body = passing(metadata=GONE, status=GONE)
    lenient = policy(evidence={"unexpired": {"validity": "30d"}, "fresh": {"max_age": "30d"}})
    verdict = judged(body, lenient)
    assert line(verdict, "unexpired") == ("not-ok", ["update-missing"], [UPDATE])
    assert line(verdict, "fresh") == ("not-ok", ["update-missing"], [UPDATE])
    assert line(verdict, "provider") == ("not-applicable", ["provider.missing"], [])
    assert line(judged(body), "unexpired") == ("not-ok", ["unexpired.missing"], [EXPIRY])
    assert verdict.outcome == "inconclusive"


WHO = "/spec/clusterID"
WHITHER = "/spec/targetVersion"


@pytest.mark.parametrize(
    ("spec", "options", "expected"),
    [
        ({}, {"expect_cluster": "c-1"}, ("ok", ["identity.ok"], [])),
        ({}, {"expect_target": "v1.31"}, ("ok", ["identity.ok"], [])),
        (
            {},
            {"expect_cluster": "c-2", "expect_target": "v1.3"},
            (
                "not-ok",
                [
                    ("identity.cluster", {"found": "c-1", "wanted": "c-2"}),
                    ("identity.target", {"found": "v1.31.4-r2", "wanted": "v1.3"}),
                ],
                [WHO, WHITHER],
            ),
        ),
        (
            {"clusterID": "", "targetVersion": None},
            {"expect_cluster": "c-1", "expect_target": "v1.31"},
            (
                "not-ok",
                [
                    ("identity.cluster-missing", {"wanted": "c-1"}),
                    ("identity.target-missing", {"wanted": "v1.31"}),
                ],
                [WHO, WHITHER],
            ),
        ),
    ],
)
def test_identity_as_expected(
    spec: dict[str, Any], options: dict[str, str], expected: Line
) -> None:
    verdict = judged(response(spec=spec), **options)
    assert line(verdict, "identity") == expected
    assert verdict.outcome == ("pass" if expected[0] == "ok" else "inconclusive")


@pytest.mark.parametrize(
    ("spec", "scope", "expected"),
    [
        ({}, {"cluster": "c-*"}, ("ok", ["identity.ok"], [])),
        ({}, {"target_version": ">=1.31,<1.32"}, ("ok", ["identity.ok"], [])),
        (
            {},
            {"cluster": ["c-2", "d-*"], "target_version": "<1.31"},
            (
                "not-ok",
                [
                    ("identity.cluster", {"found": "c-1", "wanted": "c-2 or d-*"}),
                    ("identity.target", {"found": "v1.31.4-r2", "wanted": "<1.31"}),
                ],
                [WHO, WHITHER],
            ),
        ),
        (
            {"clusterID": None, "targetVersion": ""},
            {"cluster": "*", "target_version": ">=1.0"},
            (
                "not-ok",
                [
                    ("identity.cluster-missing", {"wanted": "*"}),
                    ("identity.target-missing", {"wanted": ">=1.0"}),
                ],
                [WHO, WHITHER],
            ),
        ),
    ],
)
def test_identity_as_a_policy_applies(
    spec: dict[str, Any], scope: dict[str, Any], expected: Line
) -> None:
    verdict = judged(response(spec=spec), policy(applies_to=scope))
    assert line(verdict, "identity") == expected
    # Of two policies each has its say.
    both = judged(
        response(spec=spec), policy(applies_to={"cluster": "c-1"}), policy(applies_to=scope)
    )
    assert line(both, "identity")[0] == expected[0]


def _with_sidecar(body: dict[str, Any], cluster: str | None, target: str | None) -> Response:
    task = read(json.dumps(body).encode()).task
    note = Sidecar(cluster, target, None, None, "note", b"")
    return Response(task, Source("response.json", b"", sidecar=note))


@pytest.mark.parametrize(
    ("said", "noted", "options", "expected"),
    [
        (None, "c-1", {"expect_cluster": "c-1"}, ("ok", ["identity.ok"], [])),
        ("c-1", "c-1", {"expect_cluster": "c-1"}, ("ok", ["identity.ok"], [])),
        ("c-1", None, {"expect_cluster": "c-1"}, ("ok", ["identity.ok"], [])),
        ("c-1", "c-2", {"expect_cluster": "c-1"}, ("not-ok", ["identity.sidecar"], [WHO])),
        ("c-1", "c-2", {"expect_target": "v1.31"}, ("not-ok", ["identity.sidecar"], [WHO])),
        ("c-1", "c-2", {}, ("not-applicable", ["identity.not-given"], [])),
        (
            None,
            None,
            {"expect_cluster": "c-1"},
            ("not-ok", [("identity.cluster-missing", {"wanted": "c-1"})], [WHO]),
        ),
    ],
)
def test_the_note_of_fetch_stands_in_and_may_not_differ(
    said: str | None, noted: str | None, options: dict[str, Any], expected: Line
) -> None:
    body = response(spec={"clusterID": said})
    verdict = evaluate(
        _with_sidecar(body, noted, None), Policy.parse(policy()), at=AT, now=AT, **options
    )
    assert line(verdict, "identity") == expected


@pytest.mark.parametrize(
    ("phase", "message", "expected"),
    [
        ("Success", None, ("ok", [("provider.phase", {"phase": "Success"})])),
        ("Failed", "", ("not-ok", [("provider.phase", {"phase": "Failed"})])),
        ("Error", "x", ("not-ok", [("provider.message", {"phase": "Error", "message": "x"})])),
        ("Running", None, ("not-applicable", [("provider.phase", {"phase": "Running"})])),
        ("", "x", ("not-applicable", ["provider.missing"])),
    ],
)
def test_provider(phase: str, message: str | None, expected: tuple[str, list[Any]]) -> None:
    verdict = judged(passing(status__phase=phase, status__message=message))
    assert line(verdict, "provider") == (*expected, [])


def test_of_several_policies_the_strictest_level_and_the_worst_state() -> None:
    def level(*wanted: Any) -> tuple[str, str]:
        policies = [policy(evidence={"fresh": part}) for part in wanted]
        body = passing(metadata__updateTimestamp="2026-03-01T10:00:00Z")
        found = next(part for part in judged(body, *policies).evidence if part.id == "fresh")
        return found.level, found.state

    def fresh(name: str, age: str) -> dict[str, str]:
        return {"level": name, "max_age": age}

    assert level(fresh("warn", "1h"), fresh("require", "1h")) == ("require", "ok")
    assert level(fresh("warn", "10m"), fresh("require", "1h")) == ("require", "not-ok")
    assert level(fresh("require", "1h"), fresh("warn", "10m")) == ("require", "not-ok")
    assert level("off", fresh("warn", "10m")) == ("warn", "not-ok")
    assert level("off", fresh("warn", "1h")) == ("warn", "ok")
    assert level("off", "off") == ("off", "not-applicable")


def test_what_several_policies_say_of_a_line_is_said_once() -> None:
    body = passing(metadata__updateTimestamp="2026-03-01T10:00:00Z")
    first = policy(evidence={"fresh": {"max_age": "20m"}, "unexpired": {"validity": "1h"}})
    again = policy(evidence={"fresh": {"max_age": "10m"}, "unexpired": {"validity": "1h"}})
    kind = policy(evidence={"fresh": {"max_age": "1h"}})
    old = {"at": "2026-03-01T10:00:00Z"}
    assert line(judged(body, first, again, first, kind), "fresh") == (
        "not-ok",
        [("fresh.old", old | {"max_age": "20m"}), ("fresh.old", old | {"max_age": "10m"})],
        [UPDATE],
    )
    gone = response(item(), expireTimeStamp=None)
    # Not applicable to the one, and so to both only if it is to the other.
    verdict = judged(
        changed(gone, metadata__updateTimestamp="2026-03-01T10:00:00Z"), policy(), first
    )
    assert line(verdict, "unexpired")[0] == "ok"


def test_a_response_without_its_request_has_no_skips() -> None:
    body = response()
    del body["spec"]
    verdict = judged(body)
    assert (verdict.outcome, verdict.skipped, verdict.subject.cluster_id) == ("pass", [], None)
