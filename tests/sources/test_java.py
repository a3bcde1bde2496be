"""Reading a printout straight on gives what trying all readings gives, whatever stands in it."""

from __future__ import annotations

import json
from itertools import pairwise, product
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reporter.errors import InputError
from reporter.sources import java
from tests.sources import printers

DATA = Path(__file__).parent.parent / "data" / "printouts"
NAME = "ShowAutopilotPreCheckResponse"
SHOW: dict[str, Any] = json.loads((DATA / "show.json").read_text(encoding="utf-8"))


def _nodes(count: int) -> str:
    """A printout whose nodes repeat their items, as they do."""
    response = json.loads(json.dumps(SHOW))
    stages = response["status"]["nodeCheckStatus"]["nodeStageStatus"]
    response["status"]["nodeCheckStatus"]["nodeStageStatus"] = stages[:1] * count
    return printers.java(response, NAME).rstrip("\n")


LINES = _nodes(3).split("\n")
_LINE = st.integers(0, len(LINES) - 1)
_EDIT = st.tuples(
    st.sampled_from(["drop", "twice", "deeper", "less deep", "blank", "copy", "cut"]), _LINE, _LINE
)


def _edited(edits: list[tuple[str, int, int]]) -> str:
    lines = list(LINES)
    for what, at, other in edits:
        if at >= len(lines):
            continue
        line = lines[at]
        lines[at : at + 1] = {
            "drop": [],
            "twice": [line, line],
            "deeper": ["    " + line],
            "less deep": [line.removeprefix("    ")],
            "blank": [line, ""],
            "copy": [line, LINES[other]],
            "cut": [line[: other % (len(line) + 1)]],
        }[what]
    return "\n".join(lines)


def _read(text: str) -> Any:
    try:
        return java.parse(text.encode(), NAME, "in.txt")
    except InputError as error:
        return error.message, error.hint


def _read_by_trying(text: str) -> Any:
    with patch.object(java._Parser, "_straight_from", return_value=None):
        return _read(text)


@given(st.lists(_EDIT, max_size=4))
@example([])
@example([("copy", 30, 31), ("copy", 31, 30)])
def test_straight_on_is_the_reading_that_trying_finds(edits: list[tuple[str, int, int]]) -> None:
    text = _edited(edits)
    assert _read(text) == _read_by_trying(text)


_RISKS = [
    "riskSource: class RiskSource {",
    *(f"    {name}: null" for name in ("configurationRisks", "deprecatedAPIRisks", "nodeRisks")),
    "    addonRisks: null",
    "}",
]
_LOOKALIKE = st.sampled_from(
    [
        *(f"{name}: {name}" for name in ("kind", "group", "level", "phase", "message")),
        *("errorCodes: []", "errorCodes: null", "errorCodes: [x", "y]", "errorCodes:"),
        *(*_RISKS, "riskSource: null", "    addonRisks: [class AddonRisks {"),
        *("}, class A {", "}]", "", "x"),
    ]
)


def _with_messages(*lines: list[str]) -> str:
    response = json.loads(json.dumps(SHOW))
    items = response["status"]["clusterCheckStatus"]["itemsStatus"]
    for item, message in zip(items, lines, strict=False):
        item["message"] = "\n".join(["m", *message])
    return printers.java(response, NAME).rstrip("\n")


def _all_readings(
    parser: Any, places: list[list[int]], end: int, shape: Any, depth: int
) -> dict[str, Any]:
    """What `_the_one_reading` finds, by trying every way to cut."""
    readings: list[dict[str, Any]] = []
    for starts in product(*places):
        if all(one < other for one, other in pairwise(starts)):
            try:
                reading = parser._joined(starts, end, shape, depth, {})
            except java._Unread:
                continue
            readings += [reading] if reading not in readings else []
    if len(readings) != 1:
        raise java._Ambiguous if readings else java._Unread("none")
    return readings[0]


@given(st.lists(_LOOKALIKE, max_size=9))
@example([*_RISKS, "errorCodes: []"])
@example(["phase: x", "message: y", *_RISKS])
@example(["errorCodes: [", *_RISKS])
@example(["riskSource: null", "errorCodes: [x", "errorCodes: y]"])
def test_the_one_reading_is_what_trying_all_finds(lines: list[str]) -> None:
    text = _with_messages(lines)
    found = _read(text)
    with patch.object(java._Parser, "_the_one_reading", _all_readings):
        tried = _read(text)
    if isinstance(found, dict):
        assert found == tried
    else:  # what is wrong with a printout that is wrong twice may be told of either
        assert found[0].split(":")[1] == tried[0].split(":")[1]


@pytest.mark.parametrize(
    ("like", "end"),
    [([], "nope"), (_RISKS, "nope"), (_RISKS, "["), (_RISKS[:-2], "nope"), (_RISKS, "[]")],
)
def test_many_lookalikes_are_no_work(like: list[str], end: str) -> None:
    """Each line is read a few times, whatever it looks like: not once for each pair of them."""
    names = ["kind: x", "group: x", "level: x", "phase: x", "message: x", "riskSource: y"]
    lines = [*names[: 5 if like else 6], *like, f"errorCodes: {end}", "z"] * 30
    text = _with_messages(lines).replace("errorCodes: []", f"errorCodes: {end}")
    value = java._Parser._value
    with patch.object(java._Parser, "_value", autospec=True, side_effect=value) as read:
        assert isinstance(_read(text), tuple)
    spans = sum(call.args[3] - call.args[2] for call in read.call_args_list)
    assert spans < 20 * len(text)


def test_what_a_node_repeats_is_read_once() -> None:
    read = _read("\n".join(LINES))
    first, *others = read["status"]["nodeCheckStatus"]["nodeStageStatus"]
    assert first["itemsStatus"]
    for other in others:
        assert [id(item) for item in other["itemsStatus"]] == [
            id(item) for item in first["itemsStatus"]
        ]


@pytest.mark.parametrize("where", ["item", "status"])
def test_a_text_of_several_lines_leaves_the_other_objects_as_they_are(where: str) -> None:
    """Only the object with such a text is read by trying: the whole would take several times."""
    response = json.loads(json.dumps(SHOW))
    status = response["status"]
    holder = status if where == "status" else status["clusterCheckStatus"]["itemsStatus"][0]
    holder["message"] = "one\nkind: two\nthree"
    text = printers.java(response, NAME)
    with patch.object(java._Parser, "_cut", autospec=True, side_effect=java._Parser._cut) as cut:
        assert java.parse(text.encode(), NAME, "in.txt") == _without_nulls(response)
    cut_open = [call.args[3].name for call in cut.call_args_list]
    around = ["PrecheckTask", "PrecheckStatus"] if where == "status" else []
    assert cut_open == [*around, "CheckItem"]  # one message is of several lines anyway


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_nulls(part) for k, part in value.items() if part is not None}
    return [_without_nulls(part) for part in value] if isinstance(value, list) else value
