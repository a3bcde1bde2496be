"""Check items and where they stand: lists, nodes, and what repeats."""

from __future__ import annotations

from typing import Any

import pytest

from reporter.precheck.finding import (
    Finding,
    Node,
    iter_findings,
    iter_items,
    listed_nodes,
    stage_node,
    survey,
)
from reporter.precheck.model import CheckItem, NodeStageStatus, PrecheckTask

CLUSTER = "/status/clusterCheckStatus/itemsStatus"
ADDON = "/status/addonCheckStatus/itemsStatus"
STAGES = "/status/nodeCheckStatus/nodeStageStatus"


def task(**status: Any) -> PrecheckTask:
    return PrecheckTask.model_validate({"status": status})


@pytest.mark.parametrize("items", [None, []])
def test_what_holds_no_item_is_no_list(items: Any) -> None:
    whole = task(
        clusterCheckStatus={"itemsStatus": items},
        addonCheckStatus={"phase": "Success", "itemsStatus": items},
        nodeCheckStatus={"nodeStageStatus": [{"itemsStatus": items}, {}]},
    )
    assert list(iter_items(whole)) == []
    assert list(iter_items(task(nodeCheckStatus={"nodeStageStatus": items}))) == []
    assert list(iter_items(task())) == list(iter_items(PrecheckTask())) == []
    assert survey(whole).lists == ()


def test_every_list_with_its_place_and_every_item_in_it() -> None:
    stages = [{"itemsStatus": []}, {"itemsStatus": [{"name": "N"}, {"name": "M"}]}]
    whole = task(
        clusterCheckStatus={"itemsStatus": [{"name": "C"}]},
        addonCheckStatus={"itemsStatus": [{"name": "A"}]},
        nodeCheckStatus={"nodeStageStatus": stages},
    )
    found = [(scope, place, stage is None, len(items)) for scope, place, stage, items in
             iter_items(whole)]  # fmt: skip
    assert found == [
        ("cluster", CLUSTER, True, 1),
        ("addon", ADDON, True, 1),
        ("node", f"{STAGES}/1/itemsStatus", False, 2),
    ]
    assert [(part.item.name, part.scope, part.pointer) for part in iter_findings(whole)] == [
        ("C", "cluster", f"{CLUSTER}/0"),
        ("A", "addon", f"{ADDON}/0"),
        ("N", "node", f"{STAGES}/1/itemsStatus/0"),
        ("M", "node", f"{STAGES}/1/itemsStatus/1"),
    ]


def test_a_survey_counts_each_signature_in_each_scope() -> None:
    one = {"name": "A", "kind": "Risk", "group": "G", "level": "Info", "phase": "Failed"}
    stages = [
        {"itemsStatus": [one, one | {"message": "other"}]},
        {"itemsStatus": [one | {"phase": ""}]},
    ]
    found = survey(
        task(
            clusterCheckStatus={"itemsStatus": [one, one | {"level": None}]},
            nodeCheckStatus={"nodeStageStatus": stages},
        )
    )
    assert found.signatures == [
        ("A", "Risk", "G", "Info", "Failed"),
        ("A", "Risk", "G", None, "Failed"),
        ("A", "Risk", "G", "Info", ""),
    ]
    assert found.counts == {"cluster": {0: 1, 1: 1}, "node": {0: 2, 2: 1}}
    assert [(part.scope, part.pointer, part.numbers) for part in found.lists] == [
        ("cluster", CLUSTER, [0, 1]),
        ("node", f"{STAGES}/0/itemsStatus", [0, 0]),
        ("node", f"{STAGES}/1/itemsStatus", [2]),
    ]


@pytest.mark.parametrize(
    ("info", "node"),
    [
        (None, Node()),
        ({}, Node()),
        ({"uid": "", "name": "", "status": "", "nodeType": ""}, Node()),
        (
            {"uid": "u", "name": "n", "status": "s", "nodeType": "t"},
            Node(uid="u", name="n", status="s", type="t"),
        ),
    ],
)
def test_the_node_of_a_stage(info: Any, node: Node) -> None:
    stage = NodeStageStatus.model_validate({"nodeInfo": info})
    assert stage_node(stage) == node
    risky = CheckItem.model_validate({"riskSource": {"nodeRisks": [{"NodeID": "x"}]}})
    assert Finding(risky, "node", "", stage).nodes == (node,)


@pytest.mark.parametrize(
    ("risks", "nodes"),
    [
        (None, ()),
        ({}, ()),
        ({"nodeRisks": None}, ()),
        ({"nodeRisks": [{"NodeID": "b"}, {"NodeID": "a"}, {"NodeID": "b"}]},
         (Node(uid="b"), Node(uid="a"))),
        ({"nodeRisks": [{"NodeID": ""}, {"NodeID": "a"}, {}]}, (Node(uid="a"), Node(), Node())),
    ],
)  # fmt: skip
def test_the_nodes_of_a_finding_elsewhere(risks: Any, nodes: tuple[Node, ...]) -> None:
    item = CheckItem.model_validate({"riskSource": risks})
    assert Finding(item, "cluster", "").nodes == nodes


def test_listed_nodes_are_those_of_the_node_section() -> None:
    def listed(**status: Any) -> list[str | None]:
        return [node.name for node in listed_nodes(PrecheckTask.model_validate(status))]

    assert listed() == listed(status={}) == listed(status={"nodeCheckStatus": {}}) == []
    assert listed(status={"nodeCheckStatus": {"nodeStageStatus": None}}) == []
    stages = [{"nodeInfo": {"name": "a"}}, {}, {"nodeInfo": None}, {"nodeInfo": {"name": "b"}}]
    assert listed(status={"nodeCheckStatus": {"nodeStageStatus": stages}}) == ["a", "b"]
