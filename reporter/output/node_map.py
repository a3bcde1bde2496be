"""The grid of checks and nodes."""

from __future__ import annotations

from collections.abc import Sequence

from reporter.output.phrases import Phrases
from reporter.output.shown import MapColumn, MapRow, NodeMap, NodeSet, Tag, worst

MAP_COLUMNS = 40
MAP_ROWS = 60
"""How large a grid of checks and nodes is drawn; the list below it has everything."""


def node_map(words: Phrases, sets: Sequence[NodeSet]) -> NodeMap | None:
    """A grid of checks and nodes; where there are too many nodes, of checks and sets of nodes."""
    columns: list[tuple[MapColumn, NodeSet]] = []
    if sum(len(group.nodes) for group in sets) <= MAP_COLUMNS:
        for group in sets:
            columns += [(MapColumn(node.name, node.uid or ""), group) for node in group.nodes]
        singly = True
    else:
        for group in sets[:MAP_COLUMNS]:
            names = words.joined([node.name for node in group.nodes[:3]])
            more = len(group.nodes) - 3
            if more > 0:
                names = words.text("{names} and {count} more", names=names, count=more)
            columns.append((MapColumn(group.count, names), group))
        singly = False
    found: dict[str, tuple[str, dict[int, Tag]]] = {}
    unlinked: set[str] = set()
    for index, (_, group) in enumerate(columns):
        for concern in group.concerns:
            _, cells = found.setdefault(concern.check_id, (concern.check, {}))
            if not concern.linked:
                unlinked.add(concern.check_id)
            # Of several findings of one check on one node the worst is shown.
            if index not in cells or worst([concern.tag.shape]) < worst([cells[index].shape]):
                cells[index] = concern.tag
    if len(columns) < 2 or len(found) < 2:
        return None  # a grid of one row or column says nothing that the list does not
    ordered = sorted(
        found.items(),
        key=lambda item: (
            worst(tag.shape for tag in item[1][1].values()),
            -len(item[1][1]),
            item[1][0],
            item[0],
        ),
    )
    rows = tuple(
        MapRow(
            check,
            anchor,
            tuple(cells.get(index) for index in range(len(columns))),
            anchor not in unlinked,
        )
        for anchor, (check, cells) in ordered[:MAP_ROWS]
    )
    checks = words.checks(len(found))
    shown = [checks if len(rows) >= len(found) else words.part_of(len(rows), checks)]
    if singly:
        shown.append(words.nodes(len(columns)))
        caption = words.text("Checks and nodes, worst first: {shown}", shown=words.joined(shown))
    else:
        groups = words.count("{count} group", "{count} groups", len(sets))
        shown.append(groups if len(columns) >= len(sets) else words.part_of(len(columns), groups))
        caption = words.text(
            "Checks and groups of nodes that the same was found on, worst first: {shown}",
            shown=words.joined(shown),
        )
    return NodeMap(caption, tuple(column for column, _ in columns), rows)
