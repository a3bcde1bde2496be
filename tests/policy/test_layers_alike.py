"""The same id twice: `true` is not 1, however alike Python finds them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reporter.errors import PolicyError
from reporter.policy.load import Policy
from tests.policy.build import policy, waiver
from tests.policy.test_layers import write


def asking(value: Any, operator: str = "equals", *, effect: str = "fail") -> dict[str, Any]:
    condition = {"path": "$.blocking", operator: value}
    return {"id": "r", "match": {"any": [{"where": [condition]}]}, "effect": effect, "locked": True}


OTHER = [
    (True, 1, "equals"),
    (False, 0, "equals"),
    (1, True, "equals"),
    (0.0, False, "equals"),
    ([1, "a"], [True, "a"], "in"),
]


@pytest.mark.parametrize(("one", "other", "operator"), OTHER)
def test_a_truth_and_a_number_are_two_conditions(
    tmp_path: Path, one: Any, other: Any, operator: str
) -> None:
    write(tmp_path, "base", rules=[asking(one, operator)])
    top = write(tmp_path, "top", extends="base.yaml", rules=[asking(other, operator)])
    with pytest.raises(PolicyError, match=r'rule "r" differs in its match, .* is locked'):
        Policy.load(top)
    beside = [policy([asking(value, operator)]) for value in (one, other)]
    for files in (beside, beside[::-1]):
        with pytest.raises(PolicyError, match='rule "r" differs from the rule of that id'):
            Policy.parse(*files)


def test_also_in_waivers_and_below_a_not() -> None:
    def listed(value: Any) -> bytes:
        where = [{"path": "$.drained", "not": {"equals": value}}]
        return policy(kind="WaiverList", waivers=[waiver(where=where)])

    for one, other in ((True, 1), (0, False)):
        with pytest.raises(PolicyError, match='waiver "w-1" differs from the waiver of that id'):
            Policy.parse(policy(), waivers=[listed(one), listed(other)])
        own = [waiver(where=[{"path": "$.d", "equals": value}]) for value in (one, other)]
        with pytest.raises(PolicyError, match='waiver "w-1" differs'):
            Policy.parse(policy([], own[:1]), policy([], own[1:]))
    assert len(Policy.parse(policy(), waivers=[listed(True), listed(True)]).waivers) == 1


def test_numbers_are_alike_whether_whole_or_not(tmp_path: Path) -> None:
    write(tmp_path, "base", rules=[asking(1)])
    top = write(tmp_path, "top", extends="base.yaml", rules=[asking(1.0)])
    assert len(Policy.load(top).rules) == 1
    assert len(Policy.parse(policy([asking(1)]), policy([asking(1.0)])).rules) == 1
