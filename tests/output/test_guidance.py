"""What a user's own words change in reports, and what they never do."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any

import pikepdf
from lxml import html as lxml_html

from reporter.output import Options, html, render, text, view
from reporter.output.guidance import actions, guidance, heading, sureness
from reporter.record.explanation import Explanation
from tests.output.example import example

PAYLOAD = "<script>alert(1)</script>\x1b[31m\u202ex\n::error::x"


def said(name: str = "AddonLimit", **parts: Any) -> Explanation:
    own = frozenset(parts) & {"topic", "title", "fix", "runbook"}
    return Explanation(name=name, as_of="2026-04-30", own=own, **({"certainty": "user"} | parts))


OURS = {
    "AddonLimit": said(
        title="Our add-ons",
        fix="Call the add-on team.",
        runbook="https://wiki.example.com/add-ons",
        link="https://support.huaweicloud.com/intl/en-us/usermanual-cce/cce_10_0433.html",
        certainty="verified",
    ),
    "NodeSSH": said("NodeSSH", fix="Open port 22."),
}


def page(own: dict[str, Explanation]) -> Any:
    return lxml_html.document_fromstring(html.write(example(), options=Options(own=own)).decode())


def words(element: Any) -> str:
    return " ".join(element.text_content().split())


def test_the_record_stays_as_it_is() -> None:
    verdict = example()
    for form in ("json", "junit", "skip-list.json"):
        assert render(verdict, form, options=Options(own=OURS)) == render(verdict, form)
    links = page(OURS).xpath("//a[@data-role='record']/@data-sha256")
    assert links == page({}).xpath("//a[@data-role='record']/@data-sha256")


def test_without_own_words_the_reports_are_the_same() -> None:
    assert html.write(example(), options=Options(own={})) == html.write(example())
    assert text.write(example(), own={}) == text.write(example())


def test_the_page_shows_them_beside_the_items_name() -> None:
    tree = page(OURS)
    (fold,) = tree.xpath("//details[summary/h3='AddonLimit']")
    assert fold.xpath("string(summary/h3)") == "AddonLimit"
    assert fold.xpath("string(summary/span[@class='where'][1])") == "Our add-ons"
    help_text = words(fold.xpath(".//div[@class='help']")[0])
    assert "Our add-ons from your own catalogue" in help_text
    assert "Call the add-on team." in help_text
    runbooks = tree.xpath("//a[@href='https://wiki.example.com/add-ons']")
    assert {words(link) for link in runbooks} == {"Your runbook", "Runbook"}
    assert {link.get("rel") for link in runbooks} == {"noopener noreferrer external"}
    reasons = [words(part) for part in tree.xpath("//ol[@class='reasons']/li")]
    assert "Call the add-on team." in reasons[1]
    assert "Repair the add-on it names" not in reasons[1]


def test_likely_is_said_in_words() -> None:
    (fold,) = page({}).xpath("//details[summary/h3='DeprecatedApiCheck']")
    assert fold.xpath("string(summary/span[@class='where'][1])") == (
        "likely: Discarded Kubernetes APIs"
    )
    assert "likely, not certain" in words(fold)
    assert "Topic: likely: Discarded Kubernetes APIs" in text.write(example())


def test_the_summary_shows_a_fix_of_ours_and_whole_addresses() -> None:
    shown = text.write(example(), own=OURS, width=40)
    assert "→ Call the add-on team." in shown
    assert "→ Open port 22." in shown
    assert "Repair the add-on" not in shown
    rows = [row.strip() for row in shown.splitlines()]
    assert "https://wiki.example.com/add-ons" in rows
    assert "https://support.huaweicloud.com/intl/en-us/usermanual-cce/cce_10_0433.html" in rows


def test_a_fix_of_ours_follows_the_policys_and_replaces_the_catalogues() -> None:
    verdict = example()
    disk, addon = verdict.reasons[0], verdict.reasons[1]
    texts = [part.text for part in actions(disk, said("SampleNodeDisk", fix="Ours."))]
    assert texts == [
        "Free at least 2 GB on the system disk.",
        "Ours.",
        "Resolve it, then run the check again.",
    ]
    assert [part.text for part in actions(addon, OURS["AddonLimit"])] == [
        "Call the add-on team.",
        "Resolve it, then run the check again.",
    ]
    assert actions(addon, said(runbook="https://x.example")) == addon.actions
    assert actions(addon, None) == addon.actions


def test_how_sure_it_is_in_words() -> None:
    likely = {"certainty": "likely", "checks": "Whether it is"}
    assert sureness(said(certainty="verified")) is None
    assert sureness(said(**likely)) == "likely, not certain"
    assert sureness(said()) == "from your own catalogue"
    assert sureness(said(title="T", **likely)) == (
        "from your own catalogue; the rest is likely, not certain"
    )
    assert heading(said(title="T", certainty="likely")) == "T"
    assert heading(said()) is None


def test_hostile_words_of_a_file_are_only_words() -> None:
    own = {
        "AddonLimit": said(title=PAYLOAD, fix=PAYLOAD, runbook="javascript:alert(1)"),
        PAYLOAD: said(PAYLOAD, fix="x"),
    }
    tree = page(own)
    assert len(tree.xpath("//script")) == 1  # the page's own
    assert not [link for link in tree.xpath("//a/@href") if link.startswith("javascript")]
    shown = text.write(example(), own=own)
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert not re.search(r"^\s*::", shown, re.MULTILINE)


def test_paper_breaks_endless_words_but_no_addresses() -> None:
    address = "https://wiki.example.com/" + "x" * 200
    own = {"AddonLimit": said(fix="y" * 500, runbook=address)}
    report = view.report(example(), on_paper=True, own=own)
    (check,) = [part for part in report.checks if part.name == "AddonLimit"]
    assert check.help is not None
    assert check.help.runbook == address
    assert "\u200b" in (check.help.fix or "")
    assert guidance(example(), own)["AddonLimit"].fix == "y" * 500


def test_the_document_shows_them_too() -> None:
    data = render(example(), "pdf", options=Options(own=OURS))
    with pikepdf.open(BytesIO(data)) as document:
        notes = [note for sheet in document.pages for note in sheet.get("/Annots", [])]
        links = {str(note.A.URI) for note in notes if "/A" in note and "/URI" in note.A}
    assert {OURS["AddonLimit"].runbook, OURS["AddonLimit"].link} <= links
