"""The dashboard: what it says, in a browser and without its script, and on paper."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from reporter.output.audit import html, view
from reporter.output.audit.facts import AuditFacts, ConditionFacts
from reporter.output.audit.text import write
from tests.audit.archive import Audit, check, fill, risk
from tests.audit.test_run import WAIVERS

CHROMIUM = Path("/usr/bin/chromium")
HOSTILE = "<script>document.title='owned'</script>\x1b[31m\u202e=1+1::error::"


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> AuditFacts:
    """An audit in which everything there is to say occurs."""
    folder = tmp_path_factory.mktemp("archive")
    waivers, upgrades = folder.parent / "waivers.yaml", folder.parent / "upgrades.csv"
    fill(folder, 60, clusters=7)
    (folder / "a.json").write_bytes(check(risk("SampleA"), risk("SampleB"), uid="a"))
    (folder / "b.json").write_bytes(check(risk("SampleD"), risk("SampleE"), uid="b"))
    (folder / "b-copy.json").write_bytes((folder / "b.json").read_bytes())
    (folder / "b-other.json").write_bytes(check(uid="b"))
    (folder / "odd.json").write_bytes(check(risk(HOSTILE, level="Odd"), uid=HOSTILE))
    (folder / f"{'long-' * 40}.json").write_bytes(b"{")
    waivers.write_text(WAIVERS)
    upgrades.write_text(
        "cluster,time,change\nc-1,2026-03-02T00:00:00Z,CHG-1\nc-x,2026-03-02T00:00:00Z,CHG-2\n"
    )
    audit = Audit(
        folder, folder.parent / "out", waivers=[str(waivers)], others=["builtin:fatal-exceptions"]
    )
    audit.run(upgrades=upgrades)
    assert audit.facts is not None
    return audit.facts


def test_the_sentence_first_and_what_needs_somebody(facts: AuditFacts) -> None:
    report = view.report(facts)
    assert report.headline == "21 of 64 responses fail under this policy"
    assert report.summary == (
        "21 fail, 1 is inconclusive and 42 pass (each with conditions, 41 only because waivers "
        "cover nothing there) in 7 clusters from 1 Jan 2026 to 1 Mar 2026.",
        "Of the 7 clusters' latest responses 2 fail and 5 pass.",
        "Under builtin:fatal-exceptions 21 of 64 verdicts would change: 21 from fail to pass.",
        "1 response is a copy of another and counted once.",
    )
    assert [part.what for part in report.attention] == [
        "1 input could not be read",
        "1 waiver expired and still relied on",
        "2 of 2 upgrades were made without a passing response that still held",
        "1 task stands in the archive with different contents under one uid",
        "2 waivers unused anywhere",
        "1 waiver too broad",
        "1 waiver about to expire",
    ]


def test_numbers_carry_their_whole_and_agree(facts: AuditFacts) -> None:
    page = html.write(facts).decode()
    assert sum(part.tally.total for part in facts.periods) == facts.tally.total
    assert sum(part.tally.total for part in facts.by_cluster) == facts.tally.total
    assert sum(part.tally.total for part in facts.versions) == facts.tally.total
    assert "<script>document" not in page
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert len(re.findall(r'<tr data-outcome="', page)) >= 65
    # Every picture stands beside a table that says the same in numbers.
    assert page.count('<figure class="chart">') == 1
    assert "Verdicts by the time of the response" in page


def test_the_summary_of_a_terminal(facts: AuditFacts) -> None:
    text = write(facts, width=80)
    assert text.startswith("✕ 21 of 64 responses fail under this policy\n")
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "\x1b" not in text
    assert not any(line.lstrip().startswith("::") for line in text.splitlines())


def test_paper(facts: AuditFacts) -> None:
    from reporter.output.audit import pdf

    told: list[str] = []
    data = pdf.write(facts, warn=told.append)
    assert data.startswith(b"%PDF")
    assert data == pdf.write(facts)
    assert "unfolded" not in words_on_paper(data)


def test_a_search_says_what_it_searched(facts: AuditFacts) -> None:
    assert 'data-said="{shown} of {all} responses"' in html.write(facts).decode()
    page = html.write(replace(facts, listed=facts.listed[:40])).decode()
    assert 'data-said="{shown} of the {all} listed here; of 65 in all see responses.csv"' in page


MORE_SCREENS = [(1280, "light")] if "PROPERTY_EXAMPLES" in os.environ else []
"""Under `make prove`."""


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM.exists(), reason="no /usr/bin/chromium")
def test_a_link_says_what_is_missing_on_the_page(browser: Any, facts: AuditFacts) -> None:
    tab = browser.new_page()
    tab.set_content(html.write(replace(facts, listed=facts.listed[:12])).decode())
    key = tab.get_attribute("section[aria-labelledby=checks] a:text-is('SampleRisk')", "data-only")
    here = sum(("cluster", "SampleRisk") in part.failing for part in facts.listed[:12])
    assert 0 < here < 20
    tab.select_option("#only", key)
    assert tab.text_content("#found") == (
        f"{here} of the {here} listed here; of 20 in all see findings.csv"
    )
    tab.close()


def endless(facts: AuditFacts) -> AuditFacts:
    """As it would be where somebody gives everything a name of 5,000 letters."""
    word = "x" * 5_000
    return replace(
        facts,
        locations=(word,),
        by_cluster=tuple(
            replace(part, id=f"{number}{word}", latest_upgrade=word, latest_reason=word)
            for number, part in enumerate(facts.by_cluster)
        ),
        checks=tuple(replace(part, name=word, kind=word, level=word) for part in facts.checks),
        waivers=tuple(
            replace(part, id=word, check=word, reason=word, approved_by=word, ticket=word)
            for part in facts.waivers
        ),
        twins=tuple(replace(part, uid=word, names=(word, word)) for part in facts.twins),
        unreadable_inputs=tuple(
            replace(part, name=word, reason=word, hint=word) for part in facts.unreadable_inputs
        ),
        conditions=(
            *(replace(part, text=word) for part in facts.conditions),
            ConditionFacts("misspelt-values", word, "judged by", True, 7, 1),
        ),
        slips={"judged by": 1},
        versions=tuple(replace(part, before=word, target=word) for part in facts.versions),
        listed=tuple(
            replace(part, name=word, cluster=word, upgrade=word, reason=word)
            for part in facts.listed[:30]
        ),
        upgrades=tuple(
            replace(part, cluster=word, change=word, said=word, response=word)
            for part in facts.upgrades
        ),
        policies=tuple(
            replace(part, name=word, version=word, owner=word, source=word)
            for part in facts.policies
        ),
    )


def test_names_without_end_are_cut_to_their_ends(facts: AuditFacts) -> None:
    page = html.write(endless(facts)).decode()
    assert "x" * 200 in page
    assert "x" * 1_001 not in page
    assert len(page) < 400_000
    assert max(map(len, write(endless(facts), width=80).splitlines())) <= 80


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM.exists(), reason="no /usr/bin/chromium")
@pytest.mark.parametrize("width", [320, 1280])
def test_names_without_end_widen_no_page(browser: Any, facts: AuditFacts, width: int) -> None:
    tab = browser.new_page(viewport={"width": width, "height": 844})
    tab.set_content(html.write(endless(facts)).decode())
    tab.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    regions = "[...document.querySelectorAll('.scroll')].map(part => part.scrollWidth)"
    assert max(tab.evaluate(regions)) <= max(width, 1100)
    tab.close()


def words_on_paper(data: bytes) -> set[str]:
    """What a PDF says: nothing leaves its sheet, and the heads of columns are whole words."""
    shown = subprocess.run(
        ["pdftotext", "-bbox", "-", "-"], input=data, capture_output=True, check=True
    ).stdout.decode()
    assert max(float(right) for right in re.findall(r'xMax="([0-9.]+)"', shown)) < 210 / 25.4 * 72
    words = set(re.findall(r">([^<>]+)</word>", shown))
    assert {"Responses", "Inconclusive", "Clusters", "Findings", "Reason"} <= words
    assert len(re.findall("<page ", shown)) <= 14
    return words


AXE = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield running
        running.close()


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM.exists(), reason="no /usr/bin/chromium")
@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), *MORE_SCREENS])
def test_in_a_browser(
    browser: Any, facts: AuditFacts, tmp_path: Path, width: int, scheme: str
) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    file = tmp_path / "index.html"
    file.write_bytes(html.write(facts))
    tab = browser.new_page(viewport={"width": width, "height": 844}, color_scheme=scheme)
    said: list[str] = []
    requests: list[str] = []
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("request", lambda request: requests.append(request.url))
    tab.goto(file.as_uri())
    tab.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert [url for url in requests if not url.startswith("data:")] == [file.as_uri()]
    tab.evaluate(AXE)
    run = f"axe.run(document, {{runOnly: {{type: 'tag', values: {_RULES}}}}})"
    found = tab.evaluate(f"{run}.then(result => result.violations)")
    assert [(one["id"], [n["html"][:150] for n in one["nodes"][:3]]) for one in found] == []
    # Finding: by words and by verdict, as a link that shows the same again.
    rows = "section[aria-labelledby=responses] tr[data-outcome]:not([hidden])"
    shown = f"document.querySelectorAll('{rows}').length"
    tab.fill("#q", "SampleB")
    assert tab.evaluate(shown) == 1
    assert tab.evaluate("location.hash") == "#q=SampleB"
    assert tab.text_content("#found") == "1 of 65 responses"
    # Printed narrowed down it says so, and is as fit for everybody as on the screen.
    assert tab.is_hidden("#narrowed")
    tab.emulate_media(media="print")
    assert tab.inner_text("#narrowed") == (
        "1 of 65 responses, narrowed down to “SampleB”, Fail, Inconclusive, Pass"
    )
    found = tab.evaluate(f"{run}.then(result => result.violations)")
    assert [(one["id"], [n["html"][:150] for n in one["nodes"][:3]]) for one in found] == []
    tab.emulate_media(media="screen")
    tab.click("button[type=reset]")
    tab.wait_for_function("location.hash === ''")
    tab.uncheck("input[value=fail]")
    assert tab.text_content("#found") == "44 of 65 responses"
    tab.click("button[type=reset]")
    assert tab.is_hidden("#narrowed")
    # A check's link shows the responses it fails in, no more and no less, and can be shared.
    for name, fails in (("SampleRisk", 20), ("SampleNode", 10)):
        tab.click(f"section[aria-labelledby=checks] a:text-is('{name}')")
        playwright.expect(tab.locator("#found")).to_have_text(f"{fails} of 65 responses")
        assert tab.evaluate(shown) == fails
    hash_ = tab.evaluate("location.hash")
    assert hash_ == "#only=SampleNode+%28nodes%29"
    tab.goto("about:blank")
    tab.goto(file.as_uri() + hash_)
    assert tab.evaluate(shown) == 10
    tab.click("section[aria-labelledby=clusters] a:text-is('c-1')")
    (cluster,) = [part for part in facts.by_cluster if part.id == "c-1"]
    # The copy among its files is not counted.
    text = f"{cluster.tally.total} of 65 responses"
    playwright.expect(tab.locator("#found")).to_have_text(text)
    assert tab.evaluate(shown) == cluster.tally.total
    assert said == []
    tab.close()


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM.exists(), reason="no /usr/bin/chromium")
def test_the_page_on_paper(browser: Any, facts: AuditFacts) -> None:
    tab = browser.new_page()
    tab.set_content(html.write(facts).decode())
    words = words_on_paper(tab.pdf(format="A4", prefer_css_page_size=True))
    tab.close()
    assert "unfolded" in words  # a list of hundreds is not printed, and that is said


def test_no_sign_of_a_response_or_a_name_breaks_a_file(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    odd = "x\x1b[2J\x00\ufffe\u2028::error::\u202e"
    made = json.loads(check(risk(f"Sample{odd}", message=odd, kind=f"Risk{odd}"), uid="t"))
    made["status"]["phase"] = f"Failed{odd}"
    made["spec"]["clusterID"] = f"c{odd}"
    (folder / "odd.json").write_text(json.dumps(made))
    (folder / "name\x01\x1b[2J\n::error::x.json").write_bytes(b"{")
    audit = Audit(folder, tmp_path / "out")
    audit.run()
    names = ("responses.csv", "findings.csv", "junit.xml", "manifest.json", "index.html")
    for name in names:
        text = (tmp_path / "out" / name).read_text(encoding="utf-8")
        assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\u202e\ufffe]", text), name
        if name == "junit.xml":
            ElementTree.fromstring(text)
            assert not re.search(r"(?m)^\s*::error::", text)


def test_the_signatures_on_paper_stand_behind_what_they_sign(facts: AuditFacts) -> None:
    from reporter.output.audit import pdf

    text = subprocess.run(
        ["pdftotext", "-layout", "-", "-"], input=pdf.write(facts), capture_output=True, check=True
    ).stdout.decode()
    pages = [page for page in text.split("\f") if page.strip()]
    assert [number for number, page in enumerate(pages) if "Sign-off" in page] == [len(pages) - 1]
    assert "Kind" in pages[-1]  # the list of files: no sheet of signatures alone
