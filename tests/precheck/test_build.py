"""Building a task from parsed JSON: the same as validating the text, and equal items shared."""

from __future__ import annotations

import json
from typing import Any

import jiter
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from reporter.precheck import build
from reporter.precheck.build import build_task, holders_of_items
from reporter.precheck.model import CheckItem, PrecheckTask

TEXTS = st.sampled_from(["DiskCheck", "Risk", "Exception", "Fatal", "Success", "Failed", "", "é"])
ODD = st.sampled_from([None, 1, True, 1.0, 0, False, [], {}, ["x"], {"a": 1}])
PLAIN = st.fixed_dictionaries(
    dict.fromkeys(("name", "kind", "group", "level", "phase", "message"), TEXTS)
    | {"riskSource": st.just({})}
)
CHANGES: st.SearchStrategy[dict[str, Any]] = st.dictionaries(
    st.sampled_from(
        ["name", "kind", "level", "message", "riskSource", "risk_source", "errorCodes", "extra"]
    ),
    TEXTS
    | ODD
    | st.just({"nodeRisks": [{"NodeID": "n"}]})
    | st.just({"nodeRisks": []})
    | st.just({"configurationRisks": None, "more": 1}),
    max_size=2,
)
ITEMS = st.one_of(
    PLAIN,
    st.builds(lambda item, changes: {**item, **changes}, PLAIN, CHANGES),
    st.builds(lambda item, lost: {k: v for k, v in item.items() if k != lost}, PLAIN, TEXTS),
    st.builds(
        lambda item, lost: {k: v for k, v in item.items() if k != lost},
        PLAIN,
        st.sampled_from(["name", "message", "riskSource"]),
    ),
    ODD,
)
SECTIONS = st.fixed_dictionaries(
    {}, optional={"phase": TEXTS | ODD, "itemsStatus": st.lists(ITEMS, max_size=6) | ODD}
)
NODES = st.fixed_dictionaries(
    {},
    optional={
        "phase": TEXTS,
        "nodeStageStatus": st.lists(
            st.fixed_dictionaries(
                {"nodeInfo": st.just({"uid": "u"}) | ODD},
                optional={"itemsStatus": st.lists(ITEMS, max_size=6) | ODD},
            )
            | ODD,
            max_size=3,
        )
        | ODD,
    },
)
DOCUMENTS = st.fixed_dictionaries(
    {"kind": st.just("PreCheckTask")},
    optional={
        "status": st.fixed_dictionaries(
            {},
            optional={
                "clusterCheckStatus": SECTIONS | ODD,
                "addonCheckStatus": SECTIONS | ODD,
                "nodeCheckStatus": NODES | ODD,
                "more": ODD,
            },
        )
        | ODD,
        "spec": ODD,
        "more": ODD,
    },
)


@given(DOCUMENTS)
def test_built_is_what_validating_the_text_gives(document: dict[str, Any]) -> None:
    text = json.dumps(document).encode()
    value = jiter.from_json(text)
    try:
        wanted = PrecheckTask.model_validate_json(text)
    except ValidationError:
        with pytest.raises(ValidationError):
            build_task(value)
        return
    task = build_task(value)
    assert task == wanted  # undocumented fields, and which fields were given, included
    assert task.model_dump_json(by_alias=True, exclude_unset=True) == wanted.model_dump_json(
        by_alias=True, exclude_unset=True
    )  # 1 and true are equal, and not the same
    assert value == json.loads(text), "what was given was changed"


def item(**more: Any) -> dict[str, Any]:
    return {
        "name": "DiskCheck",
        "kind": "Risk",
        "group": "NodeCheck",
        "level": "Warning",
        "phase": "Success",
        "message": "check item succeed",
        "riskSource": {},
    } | more


def items(*given: dict[str, Any]) -> list[CheckItem]:
    task = build_task({"status": {"clusterCheckStatus": {"itemsStatus": list(given)}}})
    assert task.status is not None
    assert task.status.cluster_check_status is not None
    return list(task.status.cluster_check_status.items_status or [])


def test_equal_items_are_one_object_over_responses_too() -> None:
    first, second = items(item(), item())
    (third,) = items(item())
    assert first is second is third


def test_what_differs_in_anything_is_another_object() -> None:
    plain, *others = items(
        item(),
        item(message=None),
        item(riskSource=None),
        item(riskSource={"nodeRisks": [{"NodeID": "n"}]}),
        item(errorCodes=[]),
        item(note=1),
    )
    assert len({id(one) for one in (plain, *others)}) == 6
    assert others[-1].model_extra == {"note": 1}


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "MOST_SHARED", 10)
    for number in range(50):
        (one,) = items(item(name=f"Check{number}"))
        assert one.name == f"Check{number}"
    assert len(build._shared) <= 10
    long = item(message="x" * 600)
    first, second = items(long, long)
    assert first == second
    assert all(len(key[-1] or "") < 600 for key in build._shared)


def test_items_beside_a_task_hide_none_of_its_own() -> None:
    """Else neither limit of items would hold for them."""
    one = {"status": {"clusterCheckStatus": {"itemsStatus": [item()]}}}
    counts = [
        len(list(holders_of_items(value)))
        for value in (one, [one, one], {"items": [one, one]}, {**one, "items": []}, {"items": one})
    ]
    assert counts == [1, 2, 2, 1, 0]
