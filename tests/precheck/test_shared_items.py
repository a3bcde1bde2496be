"""Undocumented fields where one item stands in several lists, and names that are nearly known."""

from __future__ import annotations

import pytest

from reporter.precheck.model import CheckItem, PrecheckTask
from reporter.precheck.unknown_fields import unknown_fields

CLUSTER, ADDON = "/status/clusterCheckStatus/itemsStatus", "/status/addonCheckStatus/itemsStatus"


def test_an_odd_item_is_found_wherever_it_stands() -> None:
    odd = CheckItem.model_validate({"name": "A", "Phase": "Failed"})
    plain, bare = CheckItem.model_validate({"name": "A", "riskSource": {}}), CheckItem(name="B")
    sections = {
        "clusterCheckStatus": {"itemsStatus": [odd, plain, bare]},
        "addonCheckStatus": {"itemsStatus": [bare, plain, odd]},
    }
    found = unknown_fields(PrecheckTask.model_validate({"status": sections}))
    assert found.suspicious == [f"{CLUSTER}/0/Phase", f"{ADDON}/2/Phase"]


@pytest.mark.parametrize(
    ("name", "alike"), [("clustrChckStts", True), ("xclusterCheckxStatusxxx", False)]
)
def test_names_that_are_nearly_a_sections(name: str, alike: bool) -> None:
    found = unknown_fields(PrecheckTask.model_validate({"status": {name: "x"}}))
    assert (len(found.suspicious), found.count) == (int(alike), 1)
