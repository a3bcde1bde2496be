"""A comparison in every format: the same statements, nothing but text, never too wide or large."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from lxml import html as lxml_html

from reporter.audit.compare import Side, compare
from reporter.output.diff import DIFF_WRITERS
from reporter.output.diff.text import write as write_text
from reporter.output.markdown import MAX_BYTES
from reporter.output.text import columns
from reporter.record.diff import Diff
from tests.output.test_hostile import PAYLOAD
from tests.output.test_markdown import assert_neutral, rendered
from tests.policy.build import item, judged, policy, response, stage, waiver


def sides(one: dict[str, Any], two: dict[str, Any]) -> Diff:
    """Two responses compared."""
    text = policy(waivers=[waiver(check="SampleWaived")])
    return compare(
        Side("old.json", "record", judged(one, text)), Side("new.json", "record", judged(two, text))
    )


@pytest.fixture(scope="module")
def diff() -> Diff:
    """Every status at once."""

    def node(number: int, phase: str = "Failed") -> dict[str, Any]:
        return stage(f"n-{number}", item("SampleDisk", phase, message=f"{number} GB left"))

    old = response(
        item("SampleFixed"),
        item("SampleGone"),
        item("SampleChanged", message="one"),
        item("SampleSame"),
        item("SampleWaived", kind="Risk"),
        nodes=[node(number, "Success") for number in range(30)],
    )
    new = response(
        item("SampleFixed", "Success"),
        item("SampleChanged", message="two"),
        item("SampleSame"),
        item("SampleWaived", kind="Risk", level="Info"),
        item("SampleNew", kind="Exception", level="Fatal", message="检查" * 60),
        nodes=[node(number) for number in range(30)],
    )
    return sides(old, new)


def test_the_text(diff: Diff) -> None:
    text = write_text(diff)
    assert all(columns(line) <= 80 for line in text.splitlines())
    titles = re.findall(r"^(\w[^\n]*) \(([0-9]+)\)$", text, re.MULTILINE)
    assert titles == [
        ("New failures", "31"),
        ("Changed", "2"),
        ("No longer there", "1"),
        ("Fixed", "1"),
        ("Still there", "1"),
    ]
    assert text.startswith("✕ 31 new failures\n  31 new, 2 changed, 1 no longer there, 1 fixed,")
    assert "  - SampleDisk (30 nodes) [Risk · Warning]: Passed → Failed\n" in text
    assert "on name-n-0, name-n-1, name-n-10, name-n-11, name-n-12 and 25 more" in text
    assert "      before: one\n" in text
    assert "  - SampleSame" not in text
    assert "  - SampleSame (cluster) [Risk · Warning]: Failed\n" in write_text(diff, verbose=True)


def test_what_became_graver_is_told_among_the_new_failures() -> None:
    worse = response(item("SampleSame", kind="Exception", level="Fatal"))
    diff = sides(response(item("SampleSame")), worse)
    assert write_text(diff).startswith("✕ 1 new failure\n  1 changed.\n")
    assert write_text(diff).endswith(
        "\nNew failures (1)\n"
        "  - SampleSame (cluster) [Exception · Fatal]: Failed → Failed, worse\n"
        "      something is wrong\n"
        "      kind: Risk → Exception\n"
        "      level: Warning → Fatal\n"
    )
    for form in ("html", "markdown"):
        assert "Failed, worse" in DIFF_WRITERS[form](diff).decode()


def test_what_failed_and_is_skipped_now_is_told_once() -> None:
    skipped = response(spec={"skippedCheckItemList": [{"name": "SampleSame"}]})
    diff = sides(response(item("SampleSame")), skipped)
    assert write_text(diff).startswith("✓ No new failure\n  1 changed.\n")
    assert write_text(diff).endswith(
        "\nChanged (1)\n"
        "  - SampleSame (cluster) [Risk · Warning]: Failed → Failed (skipped on the\n"
        "    server)\n"
        "      something is wrong\n"
    )
    back = sides(skipped, response(item("SampleSame")))
    said = "Failed (skipped on the server) → Failed, worse"
    assert said in " ".join(write_text(back).split())
    assert said in rendered(DIFF_WRITERS["markdown"](back).decode()).text_content()
    for one, code in ((diff, 0), (back, 1)):
        page = lxml_html.document_fromstring(DIFF_WRITERS["html"](one)).text_content()
        assert "Failed (skipped on the server)" in page
        told = json.loads(DIFF_WRITERS["json"](one))
        assert (told["exit_code"], told["tally"]["new_failures"]) == (code, code)
        assert [part["differs"] for part in told["changes"]] == [["skipped"]]


def test_every_format_says_the_same(diff: Diff) -> None:
    shown = {
        "text": write_text(diff, verbose=True),
        "html": lxml_html.document_fromstring(DIFF_WRITERS["html"](diff)).text_content(),
        "markdown": rendered(DIFF_WRITERS["markdown"](diff).decode()).text_content(),
    }
    for name, page in shown.items():
        page = " ".join(page.split())
        for word in ("31 new failures", "31 new, 2 changed, 1 no longer there, 1 fixed, 1 still"):
            assert word in page, name
        for title in ("New failures", "Changed", "No longer there", "Fixed", "Still there"):
            assert title in page, name
        for change in diff.changes:
            assert (change.check or "") in page, name
    record = json.loads(DIFF_WRITERS["json"](diff))
    assert record["apiVersion"] == "precheck.diff/v1alpha"
    assert record["exit_code"] == 1
    assert Diff.model_validate(record) == diff


def test_the_page_has_one_heading_and_fetches_nothing(diff: Diff) -> None:
    page = DIFF_WRITERS["html"](diff).decode()
    root = lxml_html.document_fromstring(page)
    assert len(root.xpath("//h1")) == 1
    assert not root.xpath("//script | //img | //iframe | //*[@style] | //*[@onclick]")
    assert all(link.startswith(("#", "data:")) for link in root.xpath("//@href | //@src"))
    ids = root.xpath("//@id")
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in root.xpath("//a/@href") if link.startswith("#")} <= set(ids)


def test_why_two_can_not_be_compared_stands_everywhere() -> None:
    diff = sides(response(item()), response(item(), spec={"clusterID": "c-2"}))
    for text in (
        write_text(diff),
        DIFF_WRITERS["html"](diff).decode(),
        DIFF_WRITERS["markdown"](diff).decode(),
    ):
        page = " ".join(text.split())
        assert "Not comparable" in page
        assert "The old one is about cluster c-1, the new one about c-2" in page
        assert "Name two checks of one cluster." in page
        assert "Still there" not in page


def test_hostile_text() -> None:
    def bad(message: str) -> dict[str, Any]:
        return response(
            item(PAYLOAD, message=message, kind=PAYLOAD),
            nodes=[stage(PAYLOAD, item(PAYLOAD, message=message), name=PAYLOAD)],
            spec={
                "clusterID": PAYLOAD,
                "clusterVersion": PAYLOAD,
                "targetVersion": PAYLOAD,
                "skippedCheckItemList": [{"name": PAYLOAD}],
            },
        )

    text = policy(evidence={"recognised": "warn"})
    verdicts = [judged(bad(message), text) for message in (PAYLOAD, PAYLOAD + "2")]
    diff = compare(*(Side(PAYLOAD, "record", verdict) for verdict in verdicts))
    assert diff.comparable
    shown = write_text(diff, verbose=True)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffe]", shown)
    assert "##vso[" not in shown
    assert not any(line.lstrip().startswith("::") for line in shown.splitlines())
    assert_neutral(DIFF_WRITERS["markdown"](diff).decode())
    root = lxml_html.document_fromstring(DIFF_WRITERS["html"](diff).decode())
    assert not root.xpath("//script | //img | //*[@onerror]")
    assert ">49<" not in DIFF_WRITERS["html"](diff).decode()


def test_many_changes_keep_to_the_limit() -> None:
    items = [item(f"Sample{number}", message="@x " * 300) for number in range(3_000)]
    diff = sides(response(), response(*items))
    data = DIFF_WRITERS["markdown"](diff)
    assert len(data) < MAX_BYTES
    assert "more rows left out here" in data.decode()
