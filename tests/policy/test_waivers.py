"""What several waivers say of themselves beside one another."""

from __future__ import annotations

import pytest

from tests.policy.build import item, judged, policy, response, stage, waiver


def test_a_waiver_that_is_used_hides_nothing_of_the_others() -> None:
    waivers = [
        waiver("used"),
        waiver("narrow", message="other"),
        waiver("passing", "SampleAddon"),
        waiver("gone", "Gone"),
    ]
    verdict = judged(response(item()), policy(waivers=waivers))
    assert {use.id: use.why.code.removeprefix("waiver-status.") for use in verdict.waivers} == {
        "used": "used-findings",
        "narrow": "unused-elsewhere",
        "passing": "unused-passes",
        "gone": "unused-absent",
    }


@pytest.mark.parametrize(
    ("key", "value"), [("uid", "a"), ("name", "name-a"), ("status", "Active"), ("type", "node")]
)
def test_every_key_of_a_node_is_asked(key: str, value: str) -> None:
    for asked, outcome in ((value, "pass"), ("other", "fail")):
        body = response(nodes=[stage("a", item())])
        assert judged(body, policy(waivers=[waiver(node={key: asked})])).outcome == outcome
