"""Findings: one per check item and place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from operator import itemgetter
from typing import Literal

from reporter.precheck.model import CheckItem, NodeInfo, NodeStageStatus, PrecheckTask

Scope = Literal["cluster", "addon", "node"]


@dataclass(frozen=True, slots=True)
class Node:
    """A node as the response names it. None where it leaves something out."""

    uid: str | None = None
    name: str | None = None
    status: str | None = None
    type: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """A check item and where it was seen.

    `pointer` is the RFC 6901 pointer of the item below the task's own root.
    """

    item: CheckItem
    scope: Scope
    pointer: str
    stage: NodeStageStatus | None = None

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Its stage node; in other scopes the distinct nodes of `riskSource.nodeRisks`.

        A node risk without an id is a node nobody can name: it stays in as such.
        """
        if self.stage is not None:
            return (stage_node(self.stage),)
        risks = self.item.risk_source.node_risks if self.item.risk_source else None
        named = dict.fromkeys(risk.node_id for risk in risks or () if risk.node_id)
        unnamed = sum(not risk.node_id for risk in risks or ())
        return (*(Node(uid=uid) for uid in named), *([Node()] * unnamed))


def stage_node(stage: NodeStageStatus) -> Node:
    """The node a stage of the node section is about."""
    info = stage.node_info
    if info is None:
        return Node()
    return Node(info.uid or None, info.name or None, info.status or None, info.node_type or None)


def iter_items(
    task: PrecheckTask,
) -> Iterator[tuple[Scope, str, NodeStageStatus | None, list[CheckItem]]]:
    """Every list of check items with its scope, its pointer and, in the node section, its stage."""
    status = task.status
    if status is None:
        return
    if status.cluster_check_status and status.cluster_check_status.items_status:
        items = status.cluster_check_status.items_status
        yield "cluster", "/status/clusterCheckStatus/itemsStatus", None, items
    if status.addon_check_status and status.addon_check_status.items_status:
        items = status.addon_check_status.items_status
        yield "addon", "/status/addonCheckStatus/itemsStatus", None, items
    if status.node_check_status and status.node_check_status.node_stage_status:
        for index, stage in enumerate(status.node_check_status.node_stage_status):
            if stage.items_status:
                pointer = f"/status/nodeCheckStatus/nodeStageStatus/{index}/itemsStatus"
                yield "node", pointer, stage, stage.items_status


def listed_nodes(task: PrecheckTask) -> Iterator[NodeInfo]:
    """All nodes of the node section, those too on which everything passes."""
    section = task.status.node_check_status if task.status else None
    for stage in (section.node_stage_status if section else None) or ():
        if stage.node_info is not None:
            yield stage.node_info


Signature = tuple[str | None, str | None, str | None, str | None, str | None]
"""Name, kind, group, level and phase of a check item, as they came."""

_TRAITS = itemgetter("name", "kind", "group", "level", "phase")


@dataclass(frozen=True, slots=True)
class Surveyed:
    """A list of check items with the number of each one's signature."""

    scope: Scope
    pointer: str
    stage: NodeStageStatus | None
    items: list[CheckItem]
    numbers: list[int]


@dataclass(frozen=True, slots=True)
class Survey:
    """All items of a task, and how often each signature occurs in each scope.

    Thousands of nodes share a few dozen signatures: whoever asks about items asks about those
    first.
    """

    lists: tuple[Surveyed, ...]
    signatures: list[Signature]
    """By their numbers."""

    counts: dict[Scope, Counter[int]]
    """In each scope, how often each number occurs; in the order of the document."""


def survey(task: PrecheckTask) -> Survey:
    """Walk the items once; an item that occurs again is looked at once."""
    lists = []
    counts: dict[Scope, Counter[int]] = {}
    numbers: dict[Signature, int] = {}
    of_items: dict[int, int] = {}
    for scope, pointer, stage, items in iter_items(task):
        ids = list(map(id, items))
        if not of_items.keys() >= set(ids):
            for identity, item in zip(ids, items, strict=True):
                if identity not in of_items:
                    # From its dictionary: a model's attributes take three times as long.
                    of_items[identity] = numbers.setdefault(_TRAITS(vars(item)), len(numbers))
        found = list(map(of_items.__getitem__, ids))
        counts.setdefault(scope, Counter()).update(found)
        lists.append(Surveyed(scope, pointer, stage, items, found))
    return Survey(tuple(lists), list(numbers), counts)


def iter_findings(task: PrecheckTask) -> Iterator[Finding]:
    """All findings of a task, in the order of the document."""
    for scope, pointer, stage, items in iter_items(task):
        for index, item in enumerate(items):
            yield Finding(item, scope, f"{pointer}/{index}", stage)
