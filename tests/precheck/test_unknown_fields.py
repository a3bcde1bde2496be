"""Undocumented fields: how many, where the first are, which hide a check, which number is none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reporter.precheck import unknown_fields as module
from reporter.precheck.model import PrecheckTask
from reporter.precheck.unknown_fields import (
    MOST_NAMES,
    UnknownFields,
    looks_like_a_check,
    unknown_fields,
)
from reporter.sources.read import read

X = {"x": 1}
PHASE = {"Phase": "Failed"}


def found(document: dict[str, Any]) -> UnknownFields:
    text = json.dumps(document)
    whole = unknown_fields(PrecheckTask.model_validate_json(text))
    # As it is read, equal items are one object.
    if document.get("status"):
        assert unknown_fields(read(text.encode()).task) == whole
    return whole


def _task(**status: Any) -> dict[str, Any]:
    return {"kind": "PreCheckTask", "apiVersion": "v3", "status": {"phase": "Success"} | status}


def test_every_object_of_a_response_is_asked() -> None:
    item = {
        "name": "A",
        "riskSource": {
            "nodeRisks": [{"NodeID": "a"}, {"NodeID": "b"} | X],
            "addonRisks": [{"alias": "a"} | X],
            "deprecatedAPIRisks": [{"url": "u"} | X],
            "configurationRisks": [{"package": "p"} | X],
        }
        | X,
    } | X
    plain = {"name": "B", "riskSource": {}}
    stage = {"nodeInfo": {"uid": "n"} | X, "itemsStatus": [plain, item]} | X
    skip = {"name": "S", "resourceSelector": {"key": "node.uid"} | X} | X
    document = _task(
        clusterCheckStatus={"itemsStatus": [item, plain, item]} | X,
        addonCheckStatus={"itemsStatus": [plain, plain]} | X,
        nodeCheckStatus={"nodeStageStatus": [{"itemsStatus": [plain]}, stage]} | X,
        **X,
    )
    document |= {"metadata": {"uid": "u"} | X, "spec": {"skippedCheckItemList": [skip]} | X} | X
    risks = ("configurationRisks/0", "deprecatedAPIRisks/0", "nodeRisks/1", "addonRisks/0")

    def of_item(base: str) -> list[str]:
        inner = [f"{base}/riskSource/x", *(f"{base}/riskSource/{risk}/x" for risk in risks)]
        return [f"{base}/x", *inner]

    cluster, node = "/status/clusterCheckStatus", "/status/nodeCheckStatus"
    expected = [
        "/x",
        "/metadata/x",
        "/spec/x",
        "/spec/skippedCheckItemList/0/x",
        "/spec/skippedCheckItemList/0/resourceSelector/x",
        "/status/x",
        f"{cluster}/x",
        *of_item(f"{cluster}/itemsStatus/0"),
        *of_item(f"{cluster}/itemsStatus/2"),
        "/status/addonCheckStatus/x",
        f"{node}/x",
        f"{node}/nodeStageStatus/1/x",
        f"{node}/nodeStageStatus/1/nodeInfo/x",
        *of_item(f"{node}/nodeStageStatus/1/itemsStatus/1"),
    ]
    assert found(document) == UnknownFields(len(expected), expected, [])


def test_an_item_that_is_plain_hides_none_that_is_not() -> None:
    plain, odd = {"name": "A", "riskSource": {}}, {"name": "A", "riskSource": {}} | PHASE
    risky = {"name": "A", "riskSource": PHASE}
    stages = [
        {"itemsStatus": [plain]},
        {"itemsStatus": [plain, odd]},
        {"itemsStatus": [plain]},
        {"itemsStatus": [risky, plain]},
        {"itemsStatus": [odd]},
    ]
    base = "/status/nodeCheckStatus/nodeStageStatus"
    expected = [
        f"{base}/1/itemsStatus/1/Phase",
        f"{base}/3/itemsStatus/0/riskSource/Phase",
        f"{base}/4/itemsStatus/0/Phase",
    ]
    document = _task(nodeCheckStatus={"nodeStageStatus": stages})
    assert found(document) == UnknownFields(3, expected, expected)


@pytest.mark.parametrize("nothing", [None, "", [], {}])
def test_what_says_nothing_is_no_field(nothing: Any) -> None:
    assert found(_task(later=nothing, Phase=nothing)) == UnknownFields(0, [], [])
    places = ["/status/owner", "/status/Phase"]
    beside = found(_task(later=nothing, owner=1, gone=nothing, Phase="x"))
    assert beside == UnknownFields(2, places, places[1:])


UNSEEN = (
    "\xad\u034f\u115f\u1160\u17b4\u17b5\u180b\u180e\u180f\u200b\u200d\u2060\u2800\u3164\ufe0f\ufeff"
    "\uffa0\U000e0041\U000e0101\xa0\u3000\x7f"
)


@pytest.mark.parametrize(
    ("name", "value", "hides"),
    [
        ("owner", "me", False),
        ("owner", {"phase": 1}, True),
        ("owner", [[{"a": {"Level": 1}}]], True),
        ("owner", ["phase"], False),
        ("owner", {"a": [{"skipped": ["x"]}]}, True),
        ("owner", {"a": [{"skipped": []}]}, False),
        ("PHASE", "x", True),
        ("ExpireTimestamp", "x", True),
        ("cluster-check-status", "x", True),
        ("kind", "x", True),
        ("riskSource", "x", True),
        ("itemStatuses", "x", True),
        ("allItemsStatus", "x", True),
        ("stageStatus", "x", True),
        ("checkItemX", "x", True),
        ("theCheckStatus", "x", True),
        ("clusterChckStatus", "x", True),
        ("addonChckStatus", "x", True),
        ("nodeChckStatus", "x", True),
        ("nodeStgeStatus", "x", True),
        ("ignoredNodes", ["x"], True),
        ("ignoredRisks", ["x"], True),
        ("excludedChecks", ["x"], True),
        ("level", 0, True),
        ("uid", "x", False),
        ("skipped", False, False),
        ("skipped", 0, False),
        ("skipped", 1, True),
        ("skipReason", "x", True),
        ("toSkip", ["x"], False),
        ("itemsToSkip", ["x"], True),
        ("noteSkipped", ["x"], False),
        ("ignored", ["x"], False),
        ("ignoredItems", ["x"], True),
        # Signs nobody sees
        *((f"expireTimeStamp{sign}", "x", True) for sign in UNSEEN),
        *((f"expire{sign}TimeStamp", "x", True) for sign in UNSEEN),
        # Letters that look alike
        ("\u03a1hase", "x", True),
        ("\u0421lusterCheckStatus", "x", True),
        ("\u0440\u04bb\u0430\u0455\u0435", "x", True),
        ("ph\u0251se", "x", True),
        ("phas\u212e", "x", True),
        ("ph\u4f7fse", "x", True),
        ("\u13e2h\u13a2s\u13a2", "x", True),
        ("the\u0421heck\u0405tatus", "x", True),
        ("che\u03f2kIt\u04d9m", "x", True),
        ("s\u0199ipped", ["x"], True),
        ("\u0282kip", ["x"], True),
        ("\u0455\u043a\u0456\u01a5ped", ["x"], True),
        ("noteSk\u0268pped", ["x"], False),
        ("ign\u0585redIt\u0454ms", ["x"], True),
        # Names in another language are just unknown
        ("\u5907\u6ce8", "x", False),
        ("\u72b6\u6001", "x", False),
        ("CPU\u4f7f\u7528", "x", False),
        ("\u8282\u70b9name\u5907\u6ce8\u4fe1\u606f", "x", False),
        ("\u72b6\u6001\u5907\u6ce8\u4fe1\u606fX\u8282\u70b9", ["x"], False),
    ],
)
def test_which_fields_hide_a_check(name: str, value: Any, hides: bool) -> None:
    place = [f"/status/{name}"]
    assert found(_task(**{name: value})) == UnknownFields(1, place, place if hides else [])


def test_at_most_a_hundred_places_and_every_one_counted() -> None:
    many = {f"phase{number}": {"phase": 1} for number in range(101)}
    whole = found(_task(**many))
    places = [f"/status/phase{number}" for number in range(100)]
    assert whole == UnknownFields(101, places, places)


def test_names_are_escaped_in_places() -> None:
    assert found(_task(**{"a/b~c": 1})).pointers == ["/status/a~1b~0c"]


def test_a_number_that_is_none_is_found_wherever_it_stands() -> None:
    assert found(_task(a=1.5, b=1e300)).infinite is None
    text = '{"status": {"a": 1, "b": {"c": [1, {"d": [1e999]}]}, "e": -1e999}}'
    assert unknown_fields(PrecheckTask.model_validate_json(text)).infinite == "/status/b"
    text = '{"status": {"a": "Infinity", "e": -1e999}, "f": 1}'
    assert unknown_fields(PrecheckTask.model_validate_json(text)).infinite == "/status/e"


def test_what_says_that_there_is_more_on_another_page_is_suspicious() -> None:
    marks: dict[str, Any] = {
        "nextMarker": "x",
        "next_page_token": "x",
        "hasMore": True,
        "truncated": "true",
    }
    marks |= {"_links": {"next": {"href": "x"}}, "totalPages": 2, "further": {"next": "x"}}
    held = found(_task(nodeCheckStatus=marks))
    assert held.suspicious == [f"/status/nodeCheckStatus/{name}" for name in marks]
    none: dict[str, Any] = {
        "nextMarker": "",
        "next_page_token": None,
        "hasMore": False,
        "truncated": "false",
    }
    none |= {"_links": {"self": "x", "next": None}, "totalPages": 1, "nextUpgrade": "x"}
    assert found(_task(nodeCheckStatus=none, more=1)).suspicious == []


def test_of_very_many_names_the_first_that_is_not_compared_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MOST_NAMES", 3)
    names = dict.fromkeys("abc", 1)

    def told(document: dict[str, Any]) -> UnknownFields:
        return unknown_fields(PrecheckTask.model_validate_json(json.dumps(document)))

    assert told(_task(**names)).uncompared is None
    assert told(_task(a=[names, names])).uncompared is None
    assert told(_task(**names, d=1)).uncompared == "/status/a"
    assert told(_task(a=names, d=1)).uncompared == "/status/a"
    assert told(_task(x=[names])).uncompared == "/status/x"
    # What hides a check is told before; behind what was not compared nothing is.
    hiding = told(_task(Phase="Failed", **names))
    assert (hiding.uncompared, hiding.suspicious) == ("/status/Phase", [])
    early = told({**_task(), "Kind": "x", "status": _task(**names, d=1)["status"]})
    assert (early.uncompared, early.suspicious) == ("/status/a", ["/Kind"])


def test_looking_for_checks_stops_at_very_many_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_NAMES", 3)
    names: set[str] = set()
    assert looks_like_a_check([{"phase": 1}, {"a": 1}], names)
    assert names == {"a", "phase"}
    assert looks_like_a_check({"x": 1, "phase": 1}, set())
    assert not looks_like_a_check({**dict.fromkeys("abcd", 1), "phase": 1}, set())
    assert not looks_like_a_check({"phase": 1}, {"a", "b", "c"})
    assert (MOST_NAMES, module._LONG) == (10_000, 200)


def test_long_names_are_compared_and_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def compare(name: str) -> bool:
        asked.append(name)
        return True

    ask = module._remembered(compare)
    for name in ("a" * 199, "b" * 200, "c" * 201):
        assert ask(name)
        assert ask(name)
    assert asked == ["a" * 199, "b" * 200, "b" * 200, "c" * 201, "c" * 201]


def test_a_name_is_compared_once_in_whatever_objects_it_stands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def read_as(name: str, words: frozenset[str]) -> frozenset[str]:
        asked.append(name)
        return frozenset({"phase"} if name == "thrash-0" else ())

    monkeypatch.setattr(module, "read_as", read_as)
    names = {f"thrash-{number}": 1 for number in range(50)}
    found = unknown_fields(
        PrecheckTask.model_validate_json(
            json.dumps({**names, "metadata": names, "status": names, "spec": names})
        )
    )
    assert asked == list(names)
    # What is documented of one object is so there alone.
    assert found.suspicious == ["/status/thrash-0"]
