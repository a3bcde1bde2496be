"""The page in a real browser: nothing is fetched, nothing overflows, and what its script adds."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from reporter.output import Options, Reader, html, view
from reporter.record.model import Verdict
from reporter.words import LanguageTag

from .example import attached, example, hostile, many

CHROMIUM = Path("/usr/bin/chromium")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="no /usr/bin/chromium"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield running
        running.close()


@pytest.mark.parametrize("name", ["example", "hostile"])
@pytest.mark.parametrize("width", [390, 1280])
def test_a_browser_asks_for_nothing_says_nothing_and_needs_no_sideways_scroll(
    browser: Any, tmp_path: Path, name: str, width: int
) -> None:
    verdict = hostile() if name == "hostile" else example()
    file = tmp_path / "report.html"
    file.write_bytes(html.write(verdict, attached(verdict)))
    context = browser.new_context(
        viewport={"width": width, "height": 844}, java_script_enabled=True
    )
    tab = context.new_page()
    requests: list[str] = []
    said: list[str] = []
    tab.on("request", lambda request: requests.append(request.url))
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("dialog", lambda dialog: said.append("dialog"))
    tab.goto(file.as_uri())
    wide = "document.documentElement.scrollWidth"
    assert tab.evaluate(wide) <= width
    tab.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
    assert tab.evaluate(wide) <= width
    assert [url for url in requests if not url.startswith("data:image/svg")] == [file.as_uri()]
    assert said == []
    context.close()


def test_the_policy_blocks_an_injected_script(browser: Any, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    data = html.write(example())
    attack = b"<script>document.title='owned'</script><img src='https://example.invalid/x.png'>"
    file.write_bytes(data.replace(b"</main>", attack + b"</main>"))
    tab = browser.new_page()
    said: list[str] = []
    loaded: list[str] = []
    tab.on("console", lambda message: said.append(message.text))
    tab.on("requestfinished", lambda request: loaded.append(request.url))
    tab.goto(file.as_uri())
    assert tab.title() != "owned"
    assert any("script-src" in line for line in said)
    assert any("img-src" in line for line in said)
    assert not [url for url in loaded if url.startswith("http")]
    tab.close()


def test_a_reason_leads_into_its_folded_check(browser: Any, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_bytes(html.write(example()))
    tab = browser.new_page()
    tab.goto(file.as_uri())
    target = view.check_id("AddonLimit", "addon")
    fold = f"document.getElementById('{target}').closest('details').open"
    assert tab.evaluate(fold) is False
    tab.click(f"a[href='#{target}']")
    assert tab.evaluate(fold) is True
    tab.close()


Open = Callable[..., Any]


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Open]:
    """Opens a report in a new tab; afterwards the console has said nothing."""
    contexts = []
    said: list[str] = []

    def open_it(
        verdict: Verdict,
        view: str = "",
        reader: Reader = "auditor",
        lang: LanguageTag = "en",
        **settings: Any,
    ) -> Any:
        file = tmp_path / "report.html"
        options = Options(lang=lang, view=reader)
        file.write_bytes(html.write(verdict, attached(verdict), options))
        context = browser.new_context(**settings)
        contexts.append(context)
        tab = context.new_page()
        tab.on("console", lambda message: said.append(message.text))
        tab.on("pageerror", lambda error: said.append(str(error)))
        tab.goto(file.as_uri() + view)
        return tab

    yield open_it
    for context in contexts:
        context.close()
    assert said == []


def shown(tab: Any) -> list[str]:
    """The names of the checks to be seen, in order."""
    found: list[str] = tab.eval_on_selector_all(
        ".checks > li", "all => all.filter(one => !one.hidden).map(one => one.dataset.name)"
    )
    return found


def test_without_its_script_the_page_is_whole(opened: Open) -> None:
    tab = opened(example(), java_script_enabled=False)
    assert tab.is_visible("h1")
    assert not tab.is_visible("#finder")
    assert not tab.is_visible("button")
    assert tab.locator(".checks > li:visible").count() == len(
        [check for check in example().checks if check.entries]
    )


def test_the_finder_narrows_and_its_link_gives_the_same_view(opened: Open) -> None:
    tab = opened(example())
    everything = shown(tab)
    assert len(everything) > 3
    assert (
        tab.inner_text("#finder output") == f"{len(everything)} of {len(everything)} checks shown"
    )
    tab.check("#finder input[value=waived]")
    waived = shown(tab)
    assert 0 < len(waived) < len(everything)
    assert tab.inner_text("#finder output").startswith(f"{len(waived)} of ")
    # Of a check that stays, only the entries that fit.
    assert (
        tab.locator(".entry:not([hidden])").count()
        == tab.locator(".entry[data-outcome=waived]").count()
    )
    link = tab.evaluate("location.hash")
    assert link == "#?outcome=waived"
    again = opened(example(), link)
    assert shown(again) == waived
    assert again.is_checked("#finder input[value=waived]")
    again.click("[data-do=clear]")
    assert shown(again) == everything
    assert again.evaluate("location.hash") == "#findings"


@pytest.mark.parametrize(
    ("field", "value", "selector"),
    [
        ("kind", "Risk", ".entry[data-kind=Risk]"),
        ("level", "Fatal", ".entry[data-level=Fatal]"),
    ],
)
def test_the_finder_narrows_by_what_the_api_says(
    opened: Open, field: str, value: str, selector: str
) -> None:
    tab = opened(example())
    tab.select_option(f"#finder [name={field}]", value)
    assert tab.locator(".entry:not([hidden])").count() == tab.locator(selector).count() > 0
    assert tab.locator(f"{selector}[hidden]").count() == 0


def test_search_finds_names_messages_and_nodes(opened: Open) -> None:
    tab = opened(example())
    tab.fill("#finder [name=text]", "samplenodeDISK")
    assert shown(tab) == ["SampleNodeDisk"]
    tab.fill("#finder [name=text]", "nothing has this text")
    assert shown(tab) == []
    tab.fill("#finder [name=text]", "")
    (disk,) = [check for check in example().checks if check.name == "SampleNodeDisk"]
    node = disk.entries[0].places[0].nodes[0]
    tab.fill("#finder [name=node]", (node.name or node.uid or "").upper())
    assert "SampleNodeDisk" in shown(tab)
    assert len(shown(tab)) < len(example().checks)


def test_the_order_can_be_chosen(opened: Open) -> None:
    tab = opened(example())
    worst_first = shown(tab)
    tab.select_option("#finder [name=sort]", "name")
    assert shown(tab) == sorted(worst_first, key=str.lower)
    tab.select_option("#finder [name=sort]", "")
    assert shown(tab) == worst_first


def test_keys_search_and_explain_themselves_and_can_be_put_off(opened: Open) -> None:
    tab = opened(example())
    tab.keyboard.press("/")
    assert tab.evaluate("document.activeElement.name") == "text"
    tab.keyboard.type("/?")
    assert tab.input_value("#finder [name=text]") == "/?"
    tab.evaluate("document.activeElement.blur()")
    tab.keyboard.press("?")
    assert tab.is_visible("#keys")
    tab.uncheck("#keys-wanted")
    tab.keyboard.press("Escape")
    assert not tab.is_visible("#keys")
    tab.keyboard.press("?")
    assert not tab.is_visible("#keys")


def test_a_waiver_and_its_command_are_copied(opened: Open) -> None:
    tab = opened(example(), permissions=["clipboard-read", "clipboard-write"])
    (stub,) = {
        entry.waiver_stub for check in example().checks for entry in check.entries
        if entry.waiver_stub
    }  # fmt: skip
    tab.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
    tab.locator("button.copy").first.click()
    tab.locator("#said", has_text="Copied").wait_for(state="attached")
    assert tab.evaluate("navigator.clipboard.readText()") == stub
    tab.locator("button.copy").nth(1).click()
    tab.wait_for_timeout(50)
    assert tab.evaluate("navigator.clipboard.readText()").startswith("cce-precheck check ")


def test_a_link_to_a_finding_opens_what_folds_it(opened: Open) -> None:
    member = view.report(example()).checks[-1].groups[0].members[0].id
    tab = opened(example(), f"#{member}")
    assert tab.is_visible(f"#{member}")


def test_paper_shows_what_the_screen_folds(opened: Open) -> None:
    tab = opened(example())
    tab.emulate_media(media="print")
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert tab.locator("details:not([open])").count() == 0
    assert not tab.is_visible("#finder")
    tab.evaluate("dispatchEvent(new Event('afterprint'))")
    assert tab.locator("details:not([open])").count() > 0


def test_what_did_not_fit_is_read_from_the_record_inside(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(view, "ENTRIES_AT_ONCE", 999)
    tab = opened(example(checks=[many(messages=True)]))
    tab.click("[data-rest=open]")
    tab.wait_for_selector("#rest li")
    output = tab.locator("#rest output")
    assert output.inner_text() == "Findings 1 to 50 of 1,000"
    assert tab.locator("#rest ol > li").count() == 50
    assert tab.is_disabled("[data-rest=back]")
    tab.click("[data-rest=on]")
    assert output.inner_text() == "Findings 51 to 100 of 1,000"
    assert tab.locator("#rest li").first.locator(".message").inner_text() == "50 bytes left"
    tab.fill("#finder [name=text]", "997 BYTES")
    assert output.inner_text() == "Findings 1 to 1 of 1"
    assert "pool-a-0997" in tab.locator("#rest li").inner_text()
    tab.fill("#finder [name=text]", "no such text")
    assert output.inner_text() == "No finding fits"
    tab.fill("#finder [name=text]", "")
    tab.fill("#finder [name=node]", "pool-a-0996")
    assert tab.locator("#rest ol > li").count() == 1


def test_a_search_reads_what_did_not_fit_by_itself(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(view, "ENTRIES_AT_ONCE", 999)
    stubbed = many(messages=True)
    entries = [
        one.model_copy(update={"waiver_stub": f"- id: w{number}\n  uid: {node.uid}\n"})
        for number, one in enumerate(stubbed.entries)
        for node in one.places[0].nodes
    ]
    verdict = example(checks=[stubbed.model_copy(update={"entries": entries})])
    tab = opened(verdict, "#?text=997+bytes", permissions=["clipboard-read", "clipboard-write"])
    tab.wait_for_selector("#rest li")
    assert tab.inner_text("#rest output") == "Findings 1 to 1 of 1"
    tab.click("#rest li summary")
    tab.click("#rest li button")
    tab.locator("#said", has_text="Copied").wait_for(state="attached")
    assert tab.evaluate("navigator.clipboard.readText()") == entries[997].waiver_stub
    # A word of the check, a part of the node's name and one of the message: all must fit.
    tab.fill("#finder [name=text]", f"{stubbed.name} A-0996 996")
    assert tab.inner_text("#rest output") == "Findings 1 to 1 of 1"
    tab.fill("#finder [name=node]", "pool-a-0995")
    assert tab.inner_text("#rest output") == "No finding fits"


def test_a_hostile_record_is_only_text_when_it_is_read_in_the_page(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(view, "ENTRIES_AT_ONCE", 0)
    monkeypatch.setattr(view, "ENTRIES_OF_MANY", 1)
    tab = opened(hostile())
    if tab.locator("#rest").count() == 0:
        (first, *rest) = hostile().checks
        entries = [first.entries[0].model_copy(update={"said": [str(n)]}) for n in range(300)]
        check = first.model_copy(update={"entries": entries})
        tab = opened(hostile().model_copy(update={"checks": [check, *rest]}))
    tab.click("[data-rest=open]")
    tab.wait_for_selector("#rest li")
    assert tab.locator("#rest ol script, #rest ol img, #rest ol a").count() == 0
    said = tab.inner_text("#rest ol")
    assert "<script>alert(1)</script>" in said
    assert "[U+202E]gpj.exe[U+2066]" in said
    assert not set(said) & set("\x00\x01\x07\x1b\x9b\x85\u202e\u2066\ufffe\uffff")


MORE_SCHEMES = ("dark",) if "PROPERTY_EXAMPLES" in os.environ else ()
"""Under `make prove`; the hostile record is dark, and has all that this one has."""
AXE = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.mark.parametrize(
    ("make", "state", "scheme"),
    [
        *((example, state, "light") for state in ("", "#?text=node", "phone")),
        *((example, "unfolded", scheme) for scheme in ("light", *MORE_SCHEMES)),
        (hostile, "unfolded", "dark"),  # whatever is in it is in sight
    ],
)
def test_axe_finds_nothing(
    opened: Open, make: Callable[[], Verdict], scheme: str, state: str
) -> None:
    verdict = make()
    size = {"width": 390, "height": 844} if state == "phone" else {"width": 1280, "height": 800}
    view = state if state.startswith("#") else ""
    tab = opened(verdict, view, color_scheme=scheme, viewport=size)
    if state in ("unfolded", "phone"):
        tab.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
    assert_accessible(tab)


@pytest.mark.parametrize(
    ("reader", "lang", "scheme", "width"),
    [
        ("auditor", "zh-CN", "light", 1280),
        ("approver", "en", "dark", 390),
        ("operator", "zh-CN", "light", 1280),
    ],
)
def test_every_view_and_language_is_accessible_and_fits(
    opened: Open, reader: Reader, lang: LanguageTag, scheme: str, width: int
) -> None:
    for verdict in (example(),) if reader == "auditor" else (example(), hostile()):
        viewport = {"width": width, "height": 844}
        tab = opened(verdict, "", reader, lang, color_scheme=scheme, viewport=viewport)
        tab.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        assert tab.evaluate("document.documentElement.lang") == lang
        assert_accessible(tab)


def test_a_step_of_an_operator_is_copied(opened: Open) -> None:
    tab = opened(example(), "", "operator", permissions=["clipboard-read", "clipboard-write"])
    button = tab.locator("button[data-copy$='-nodes']").first
    tab.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
    button.click()
    tab.wait_for_function("document.getElementById('said').textContent !== ''")
    copied = tab.evaluate("navigator.clipboard.readText()")
    assert copied == tab.locator(f"#{button.get_attribute('data-copy')}").text_content()


def assert_accessible(tab: Any) -> None:
    """axe-core finds nothing."""
    tab.evaluate(AXE)
    run = f"axe.run(document, {{runOnly: {{type: 'tag', values: {_RULES}}}}})"
    found = tab.evaluate(f"{run}.then(result => result.violations)")
    told = [(one["id"], [node["html"][:120] for node in one["nodes"][:3]]) for one in found]
    assert told == []
