"""The manual says what is so: blocks run, references are current, links lead somewhere."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

import reporter
from reporter.cli.common import EXIT_CODES, OUTPUT_OPTIONS
from reporter.record.model import API_VERSION, SEMANTICS
from tests.docs import PAGES, ROOT, Block, Story, blocks

DOCS = ROOT / "docs"
NOT_RUN = 15
"""How many blocks of all pages are not run; each says why."""

KNOWN = {"console", "sh", "yaml", "json", "python", "text", "sql", "jinja", "xml", ""}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_does_what_it_says(page: Path, tmp_path: Path) -> None:
    story = Story(page, tmp_path)
    for block in blocks(page):
        assert block.language in KNOWN, f"{block.place}: {block.language}"
        story.tell(block)


def test_what_is_not_run_says_why_and_does_not_grow() -> None:
    left_out = [block for page in PAGES for block in blocks(page) if block.not_run is not None]
    assert all(block.not_run for block in left_out)
    assert len(left_out) == NOT_RUN, [block.place for block in left_out]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_command_hides_outside_a_block(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"^(?: {4}|\t)(?:\$ |cce-precheck )", _without_blocks(text), re.MULTILINE)
    untold = [block for block in blocks(page) if block.language in ("", "text")]
    assert not [block.place for block in untold if _is_command(block)]


def _is_command(block: Block) -> bool:
    return block.text.lstrip("$ ").startswith("cce-precheck ") and not block.title


def _without_blocks(text: str) -> str:
    return re.sub(r"^ *```.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL)


def test_the_generated_reference_is_current() -> None:
    pages = runpy.run_path(str(DOCS / "generate.py"))["pages"]()
    assert len(pages) == 3
    for name, text in pages.items():
        assert (DOCS / name).read_text(encoding="utf-8") == text, f"{name}: run `make reference`"


@pytest.mark.parametrize("page", ["README.md", "docs/exit-codes.md"])
def test_exit_codes_are_those_of_the_command(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8").replace("`", "")
    table = text[text.index("| code | meaning |") :].partition("\n\n")[0]
    told = {int(code): said for code, said in re.findall(r"^\| (\d+) \| (.+) \|$", table, re.M)}
    assert len(told) >= 7
    differing = {code for code, said in told.items() if not said.startswith(EXIT_CODES[code])}
    assert not differing


_LINK = re.compile(r"!?\[[^\]\n]*\]\(([^)\s]+)\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_a_file_and_a_heading(page: Path) -> None:
    inside = DOCS in page.parents
    for target in _LINK.findall(_without_blocks(page.read_text(encoding="utf-8"))):
        if target.startswith(("https://", "mailto:")):
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        assert path.exists(), f"{page.name}: {target}"
        # The site holds docs/ alone.
        assert not inside or DOCS in path.parents, f"{page.name}: {target} leads out of docs/"
        assert not anchor or anchor in _anchors(path), f"{page.name}: {target}"


def _anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", _without_blocks(path.read_text(encoding="utf-8")), re.M)
    plain = (re.sub(r"[^\w\- ]", "", heading.replace("`", "")).lower() for heading in headings)
    return {re.sub(r"[-\s]+", "-", heading).strip("-") for heading in plain}


def test_every_page_is_in_the_navigation() -> None:
    listed = set(re.findall(r"[\w/-]+\.md", (ROOT / "mkdocs.yml").read_text(encoding="utf-8")))
    assert listed == {str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md")}


def test_the_changelog_keeps_its_form() -> None:
    """As https://keepachangelog.com has it: Unreleased first, then versions, newest first."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert text.startswith("# Changelog\n")
    first, *versions = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert first == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d{2}-\d{2}", one) for one in versions)
    assert versions == sorted(versions, key=_numbers, reverse=True)
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    for section in re.split(r"^## .+$", text, flags=re.MULTILINE)[1:]:
        headings = re.findall(r"^### (.+)$", section, re.MULTILINE)
        assert set(headings) <= kinds
        assert len(set(headings)) == len(headings)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version.partition("]")[0])))


def test_the_manual_tells_of_every_output() -> None:
    text = (DOCS / "outputs.md").read_text(encoding="utf-8")
    rows = set(re.findall(r"^\| `--([a-z-]+) F`", text, re.MULTILINE))
    assert rows == set(OUTPUT_OPTIONS)


def test_the_versions_are_those_of_the_code() -> None:
    text = (DOCS / "versions.md").read_text(encoding="utf-8")
    table = dict(re.findall(r"^\| the ([a-z ]+) \| `?([^`|]+?)`? \|", text, re.MULTILINE))
    assert table == {
        "tool": reporter.__version__,
        "policy language": "precheck.policy/v1",
        "record": API_VERSION,
        "rules of judging": str(SEMANTICS),
    }
    for form in re.findall(r"`(precheck\.[a-z-]+/v1(?:alpha)?)`", text):
        code = (path.read_text(encoding="utf-8") for path in (ROOT / "reporter").rglob("*.py"))
        assert form == "precheck.verdict/v1" or any(f'"{form}"' in source for source in code), form
