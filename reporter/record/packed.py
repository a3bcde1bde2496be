"""A record with what repeats written once: for a page that holds hundreds of thousands of findings.

JSON Lines. The first line is the record without its entries; each further line has entries of one
check, and the nodes and shapes (what many entries share) that they are the first to use. Nothing
is lost: `unpack` gives back the record that `pack` was given, field by field.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from reporter.record.model import Entry, Node, Place, Verdict

FORMAT = "precheck.packed-verdict/v1"
ROWS = 2_000
"""How many entries one line holds: a browser reads a line at a time without standing still."""

_OWN = {"message", "waiver_stub", "places"}


def pack(verdict: Verdict) -> bytes:
    """The record, packed; the same bytes for the same record."""
    return b"".join(_dumped(line) for line in _lines(verdict))


def is_packed(data: bytes) -> bool:
    """Whether these bytes are a packed record."""
    return data.startswith(b'{"format":"' + FORMAT.encode() + b'"')


def unpack(data: bytes) -> bytes:
    """The record of `pack` as JSON, to be checked against its model. Raises `ValueError`."""
    try:
        lines = iter(data.splitlines())
        record = json.loads(next(lines))["record"]
        nodes: list[Any] = []
        shapes: list[Any] = []
        for line in lines:
            part = json.loads(line)
            nodes += part["nodes"]
            shapes += part["shapes"]
            entries = record["checks"][part["check"]]["entries"]
            entries += [_entry(row, nodes, shapes) for row in part["rows"]]
    except (LookupError, TypeError, AttributeError, StopIteration) as error:
        raise ValueError("not a packed record") from error
    return json.dumps(record, ensure_ascii=False).encode()


def _lines(verdict: Verdict) -> Iterator[Any]:
    bare = [check.model_copy(update={"entries": []}) for check in verdict.checks]
    yield {
        "format": FORMAT,
        "record": verdict.model_copy(update={"checks": bare}).model_dump(mode="json"),
    }
    nodes: dict[Node, int] = {}
    shapes: dict[str, int] = {}
    for index, check in enumerate(verdict.checks):
        for start in range(0, len(check.entries), ROWS):
            known = len(nodes), len(shapes)
            rows = [_row(entry, nodes, shapes) for entry in check.entries[start : start + ROWS]]
            yield {
                "check": index,
                "nodes": [node.model_dump(mode="json") for node in list(nodes)[known[0] :]],
                "shapes": [json.loads(shape) for shape in list(shapes)[known[1] :]],
                "rows": rows,
            }


def _row(entry: Entry, nodes: dict[Node, int], shapes: dict[str, int]) -> list[Any]:
    shape = entry.model_dump_json(exclude=_OWN)
    places = [
        [place.pointer, place.line, place.column]
        + [nodes.setdefault(node, len(nodes)) for node in place.nodes]
        for place in entry.places
    ]
    stub: Any = entry.waiver_stub
    uid = _first_uid(entry.places)
    if stub is not None and uid:
        # A stub names the node it is for: an id that no compression can guess.
        stub = stub.split(uid)
    return [shapes.setdefault(shape, len(shapes)), entry.message, stub, *places]


def _first_uid(places: list[Place]) -> str | None:
    return next((node.uid for place in places for node in place.nodes), None)


def _entry(row: list[Any], nodes: list[Any], shapes: list[Any]) -> dict[str, Any]:
    shape, message, stub, *places = row
    found = [
        {
            "pointer": pointer,
            "line": line,
            "column": column,
            "nodes": [nodes[node] for node in at],
        }
        for pointer, line, column, *at in places
    ]
    if isinstance(stub, list):
        uid = next(node["uid"] for place in found for node in place["nodes"])
        stub = uid.join(stub)
    return {**shapes[shape], "message": message, "waiver_stub": stub, "places": found}


def _dumped(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
