"""Reading a printout straight on gives what trying all readings gives, whatever stands in it."""

from __future__ import annotations

import json
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
