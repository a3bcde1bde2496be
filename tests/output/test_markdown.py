"""Markdown: what it says, and that nothing in it is more than text to GitHub's own reader."""

from __future__ import annotations

import re
from typing import Any

import cmarkgfm
import pytest
from cmarkgfm.cmark import Options
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import html as lxml_html
from markdown_it import MarkdownIt

from reporter.output import markdown
from reporter.output.markup import code, item, link, prose, table, word
from reporter.record.model import Verdict
from tests.examples import examples
from tests.output.example import example, hostile, many
from tests.policy.build import item as check_item
from tests.policy.build import judged, policy, response, stage, waiver

TAGS = {
    *("html", "body", "h2", "h3", "p", "ul", "li", "strong", "code", "hr"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
ATTACKS = [
    "@octocat",
    "@org/team",
    "a @all b",
    "#1",
    "owner/repo#12",
    "GH-7",
    "!12",
    "&3",
    "~bug",
    '~"a label"',
    "%4",
    "$5",
    "^alert#6",
    "[vulnerability:7]",
    "[[wiki page]]",
    "[[_TOC_]]",
    ":tada:",
    "0123456789abcdef0123456789abcdef01234567",
    "deadbee1",
    "http://evil.example",
    "https://evil.example/a?b",
    "ftp://evil.example",
    "www.evil.example",
    "someone@evil.example",
    "mailto:someone@evil.example",
    "xmpp:a@evil.example",
    "[x](http://evil.example)",
    "![x](http://evil.example)",
    "[x]: http://evil.example",
    "[^1]",
    "<http://evil.example>",
    "<img src=x onerror=alert(1)>",
    "<!-- hidden",
    "</details>",
    "&lt;b&gt;",
    "`code` ``more``",
    "``` fence",
    "~~~ fence",
    "# heading",
    "heading\n===",
    "heading\n---",
    "- item",
    "1. item",
    "> quote",
    "> [!WARNING]",
    "a | b",
    "a \\| b",
    "\\",
    "a\\",
    "|---|",
    "**bold** __bold__ *it* _it_ ~~gone~~",
    "$x$ $`y`$ $$z$$",
    "::error::pwned",
    "##vso[task.complete]",
    "/close",
    "/merge",
    "---\ntitle: x\n---",
    "{+ added +} {- gone -}",
    "line\u2028line",
    "    indented",
    "\u202etxt\u2066",
]


def rendered(text: str) -> Any:
    """The text through GitHub's own reader, with every extension and without its filter."""
    options = Options.CMARK_OPT_UNSAFE | Options.CMARK_OPT_FOOTNOTES
    page = cmarkgfm.github_flavored_markdown_to_html(text, options=options)
    return lxml_html.document_fromstring(page)


def tokens(text: str) -> set[str]:
    """The kinds of token a second reader finds."""
    reader = MarkdownIt("gfm-like", {"html": True, "linkify": True}).enable("strikethrough")
    found = set()
    for token in reader.parse(text):
        found |= {token.type, *(child.type for child in token.children or ())}
    return found


def plain(root: Any) -> str:
    """What is no code: where the hosts look for mentions and references."""
    for element in root.iter("code"):
        element.text = ""
    text: str = root.text_content()
    return text


def assert_neutral(text: str, blocks: bool = False) -> None:
    """Nothing of the text is acted on; `blocks`: there may be blocks to copy."""
    root = rendered(text)
    assert {element.tag for element in root.iter()} <= TAGS | ({"h4", "pre"} if blocks else set())
    kinds = tokens(text) - ({"fence"} if blocks else set())
    assert not {kind for kind in kinds if kind.startswith(("link", "image", "html", "fence", "s_"))}
    assert "code_block" not in kinds
    assert "blockquote_open" not in kinds
    shown = plain(root)
    for pattern in (
        r"[@#!~%&$^]\w",
        r"[~%]\"",
        r"\[[\w\[@#]",
        r"\w://",
        r"\bwww\.",
        r":[\w+-]+:",
        r"(?i)\bgh-\d",
        r"\b(?=[a-f]*\d)[0-9a-f]{7,40}\b",
    ):
        assert not re.search(pattern, shown), (pattern, re.search(pattern, shown))
    for line in text.splitlines():
        assert not line.startswith(("::", "/", "---\n"))
        assert "##vso[" not in line


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_text(attack: str) -> None:
    rows = table(["One", "Two"], [(prose(attack), code(attack)), (word(attack), "end")])
    text = (
        "## "
        + prose(attack)
        + "\n\n"
        + item(prose(attack))
        + item(code(attack), 1)
        + item(f"**{prose(attack)}** {prose(attack)}")
        + "\n"
        + "".join(rows)
    )
    assert_neutral(text)
    root = rendered(text)
    assert len(root.xpath("//li")) == 3
    assert [len(row) for row in root.xpath("//tr")] == [2, 2, 2]
    assert len(root.xpath("//h2")) == 1


@settings(max_examples=examples(60), deadline=None)
@given(text=st.text(alphabet=st.sampled_from("`|\\*_[]()<>!@#$&~:-=+.1a \n\t/"), max_size=24))
def test_any_text_is_one_item_and_one_cell(text: str) -> None:
    page = item(prose(text)) + item(code(text)) + "\n" + "".join(
        table(["One", "Two"], [(prose(text), code(text))])
    )  # fmt: skip
    assert_neutral(page)
    root = rendered(page)
    assert len(root.xpath("//li")) == 2
    assert [len(row) for row in root.xpath("//tr")] == [2, 2]
    shown = " ".join(text.split()).replace("##", "# #") if "##" not in text else None
    if shown is not None and not shown.startswith("::"):
        words = root.xpath("//li")[0].text_content().replace("\u200b", "")
        assert " ".join(words.split()) == shown
        assert root.xpath("//li")[1].text_content().strip() == (shown or "–")


def test_only_plain_web_addresses_become_links() -> None:
    assert link("a", "https://example.com/x?y#z") == "[a](<https://example.com/x?y#z>)"
    for address in ("javascript:alert(1)", "https://x/<y>", "https://x/ y", "//x", None, ""):
        assert link("a", address) is None


def test_what_a_verdict_looks_like() -> None:
    body = response(
        check_item("SampleRisk", message="it `broke` | badly"),
        nodes=[stage("n.1", check_item("SampleDisk", kind="Exception", level="Fatal"))],
    )
    text = markdown.write(judged(body, policy(waivers=[waiver(check="SampleRisk")]))).decode()
    assert text.startswith("## ✕ Fail: do not upgrade yet\n")
    assert "- ✕ **Failed** `SampleDisk` 1 of 1 node (Exception · Fatal)\n" in text
    assert "    - ``it `broke` | badly``\n" in text
    assert "    - **Waiver** `w-1` to 31 Dec 2026, accepted for the window\n" in text
    assert "| `w-1` | w **Used** Covers 1 finding | 1 finding |" in text
    assert text.index("SampleDisk") < text.index("SampleRisk")


def test_the_example_is_a_document_with_its_tables() -> None:
    root = rendered(markdown.write(example()).decode())
    assert {element.tag for element in root.iter()} == TAGS | {"a"}
    assert [len(part.xpath(".//tr")) for part in root.xpath("//table")] == [9, 7, 9, 3]
    links = root.xpath("//a/@href")
    assert links
    assert all(address.startswith("https://support.huaweicloud.com/") for address in links)


def test_hostile_text() -> None:
    assert_neutral(markdown.write(hostile()).decode())


def _wide(verdict: Verdict, text: str) -> Verdict:
    check = many(messages=True)
    entries = [entry.model_copy(update={"message": text}) for entry in check.entries[:250]]
    checks = [
        check.model_copy(update={"name": f"Sample{number}", "entries": entries})
        for number in range(8)
    ]
    return verdict.model_copy(
        update={
            "checks": checks,
            "reasons": verdict.reasons * 200,
            "conditions": verdict.conditions * 300,
            "waivers": verdict.waivers * 80,
            "skipped": verdict.skipped * 300,
            "policies": verdict.policies * 200,
        }
    )


@pytest.mark.parametrize("text", ["short", "@#检~" * 400])
def test_it_is_never_too_large_and_says_what_is_missing(text: str) -> None:
    data = markdown.write(_wide(hostile() if text != "short" else example(), text))
    assert len(data) < markdown.MAX_BYTES
    shown = data.decode()
    for noun in ("reasons", "conditions", "skipped checks", "waivers", "files"):
        assert re.search(rf"[0-9,]+ more {noun} left out here", shown), noun
    if text.startswith("@"):
        assert_neutral(shown)
