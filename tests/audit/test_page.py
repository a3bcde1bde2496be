"""The dashboard: what it says, in a browser and without its script, and on paper."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from reporter.output.audit import html, view
from reporter.output.audit.facts import AuditFacts
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
        "21 fail, 1 is inconclusive and 42 pass in 7 clusters from 1 Jan 2026 to 1 Mar 2026.",
        "Of the clusters' latest responses 1 fails, 1 is inconclusive and 5 pass.",
        "1 response is a copy of another and counted once.",
    )
    assert [part.what for part in report.attention] == [
        "1 input could not be read",
        "1 waiver expired and still relied on",
        "2 of 2 upgrades were made without a passing response before",
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
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_in_a_browser(
    browser: Any, facts: AuditFacts, tmp_path: Path, width: int, scheme: str
) -> None:
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
