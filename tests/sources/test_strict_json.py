"""Items that are lifted out of a text and put back: the value of the whole text, or no value."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporter.precheck.build import holders_of_items
from reporter.precheck.model import CheckItem
from reporter.sources import strict_json
from reporter.sources.strict_json import parse, parse_all


def item(number: int = 0, **more: Any) -> dict[str, Any]:
    plain = dict.fromkeys(("name", "kind", "group", "level", "phase", "message"), f"é{number}")
    return {**plain, "riskSource": {}, **more}


def task(*lists: list[Any], **more: Any) -> dict[str, Any]:
    first, *others = lists
    return {
        "kind": "PreCheckTask",
        "status": {
            "clusterCheckStatus": {"phase": "Success", "itemsStatus": first},
            "nodeCheckStatus": {
                "nodeStageStatus": [
                    {"nodeInfo": {"uid": "u"}, "itemsStatus": items} for items in others
                ]
            },
            **more,
        },
    }


def plain(value: Any) -> Any:
    """The value with every built item as the JSON it was built of."""
    for holder in holders_of_items(value):
        holder["itemsStatus"] = [
            part.model_dump(by_alias=True, exclude_unset=True) if type(part) is CheckItem else part
            for part in holder["itemsStatus"]
        ]
    return value


def lifted(value: Any) -> int:
    items = (part for holder in holders_of_items(value) for part in holder["itemsStatus"])
    return sum(type(part) is CheckItem for part in items)


def parsed(by: Callable[[bytes], Any], text: bytes) -> Any:
    try:
        return by(text)
    except ValueError as error:
        return str(error)


def same(text: bytes) -> int:
    """Hold what is parsed against the strict parser's; how many items were lifted out."""
    wanted, found = parsed(parse_all, text), parsed(parse, text)
    count = lifted(found)
    found = plain(found)
    assert found == wanted
    assert json.dumps(found, sort_keys=True) == json.dumps(wanted, sort_keys=True)  # 1 is not true
    return count


PARTS = [item(number) for number in range(3)] + [
    item(3, message=None),
    item(4, riskSource={"nodeRisks": [{"NodeID": "n"}]}),
    item(5, errorCodes=[]),
    item(6, note=1),
    item(7, message='"},{"name":"x"},{"'),
    {"name": "alone"},
    {},
]
LISTS = st.lists(st.sampled_from(PARTS), max_size=30) | st.lists(
    st.just(PARTS[0]), min_size=17, max_size=30
)
LAYOUTS: list[dict[str, Any]] = [
    {"separators": (",", ":")},
    {},
    {"indent": 2},
    {"indent": 1, "separators": (" , ", " : ")},
]


@given(
    lists=st.lists(LISTS, min_size=1, max_size=4),
    elsewhere=LISTS,
    layout=st.sampled_from(LAYOUTS),
    wrap=st.sampled_from(["task", "list", "array", "other"]),
    ascii_only=st.booleans(),
)
def test_the_value_is_that_of_the_whole_text(
    lists: list[list[Any]], elsewhere: list[Any], layout: Any, wrap: str, ascii_only: bool
) -> None:
    made: Any = task(*lists, more=elsewhere)
    if wrap == "list":
        made = {"kind": "List", "items": [made, made]}
    elif wrap == "array":
        made = [made, {"itemsStatus": elsewhere}]
    elif wrap == "other":
        made = {"status": {"itemsStatus": [made]}}
    same(json.dumps(made, ensure_ascii=ascii_only, **layout).encode())


BASE = json.dumps(task([item(0)] * 20, [item(1)] * 3 + [item(8, extra=True)] * 4)).encode()
TEXT = json.dumps(item(0)).encode()
SNIPPETS = st.sampled_from(
    [
        *(b'"', b"{", b"}", b"[", b"]", b",", b":", b"\\", b" ", b"\n", b"0", b"\xff"),
        *(
            b"},{",
            b"}, {",
            b'"},{"',
            b'\\"',
            b'"itemsStatus":[',
            TEXT,
            b", {" + TEXT[1:-1] + b"}, {",
        ),
    ]
)


@given(st.lists(st.tuples(st.integers(0, len(BASE)), st.integers(0, 9), SNIPPETS), max_size=4))
def test_edited_texts_give_the_same_value_or_the_same_error(
    edits: list[tuple[int, int, bytes]],
) -> None:
    same(BASE)  # what can be lifted is known now
    text = BASE
    for at, gone, put in edits:
        text = text[:at] + put + text[at + gone :]
    same(text)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_stands_there_again_is_lifted_out(layout: Any) -> None:
    made = task([item(0)] * 20, [item(0), item(1), item(1), item(1), item(0)] * 5)
    count = same(json.dumps(made, **layout).encode())
    assert count >= (18 if "indent" in layout else 40)  # an indent differs from list to list


def test_the_name_of_what_was_lifted_is_drawn_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """A text that knew it could have a run put where it never stood."""
    text, seen = json.dumps(task([item(0)] * 20)).encode(), list[bytes]()

    def spied(body: bytes) -> Any:
        seen.append(body)
        return parse_all(body)

    parse(text)
    monkeypatch.setattr(strict_json, "parse_all", spied)
    parse(text)
    parse(text)
    names = [re.findall(rb'{"([0-9a-f]{32})":0}', body) for body in seen]
    assert [len(found) for found in names] == [1, 1]
    assert names[0] != names[1]


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strict_json, "MOST_SHARED", 10)
    for number in range(50):
        same(json.dumps(task([item(number)] * 20)).encode())
    assert len(strict_json._items) <= 10
    same(json.dumps(task([item(0, message="x" * 2_000)] * 20)).encode())
    assert max(map(len, strict_json._items)) <= strict_json._KEPT
