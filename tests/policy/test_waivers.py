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


def test_of_many_waivers_for_other_nodes_the_first_are_named() -> None:
    """A list that waives node by node, and nodes that are not on it."""
    nodes = [stage(f"n-{number}", item()) for number in range(30)]
    listed = [
        waiver(f"w-{number:02}", node={"uid": {"equals": f"n-{number}"}}) for number in range(25)
    ]
    listed.append(waiver("w-old", node={"name": "name-n-29"}, expires="2026-02-02"))
    verdict = judged(response(nodes=nodes), policy(waivers=listed))
    entries = {
        place.nodes[0].uid: entry
        for check in verdict.checks
        for entry in check.entries
        for place in entry.places
    }
    assert [entries[f"n-{number}"].waived_by for number in (0, 24)] == [["w-00"], ["w-24"]]
    missed = {miss.waiver: miss.why.text for miss in entries["n-29"].near_misses}
    assert list(missed) == [*(f"w-{number:02}" for number in range(20)), "w-old"]
    assert missed["w-old"].startswith("it expired")
    assert missed["w-03"] == "it is for node.uid n-3"
    assert missed["w-19"] == (
        "it is for something else, and so are 5 more that name this check"
    )
