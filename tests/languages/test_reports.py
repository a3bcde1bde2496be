"""Reports in Chinese: whole, and without a word of English that is not somebody's own."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html as lxml_html

from reporter.cli.demo import COMPARED, Story, stories
from reporter.output import Options, render, text
from reporter.output.clean import cleaned
from reporter.record.model import Verdict
from tests.acceptance.run import ROOT, command
from tests.output.example import example
from tests.output.test_markdown import rendered

# What stays as it is in any language: names of products, formats, fields and of the API's values.
OURS = {
    *(
        "CCE",
        "API",
        "UTC",
        "SHA",
        "SHA256",
        "URL",
        "json",
        "jsonlist",
        "UserAgent",
        "URLUserAgent",
        "failonwarn",
        "CSV",
        "HTML",
        "JavaScript",
        "Terraform",
    ),
    *("Exception", "Risk", "ExecuteException", "Success", "Failed", "TODO", "ID", "uid", "phase"),
    *("group", "Autopilot", "Standard", "Kubernetes", "kB", "MB", "Esc", "identity", "validity"),
    *("fail", "warn", "note", "off"),  # as policies write them, in brackets behind the Chinese
    *("cceprecheck", "check", "policy", "verbose", "fail-on", "lang", "at", "task", "policy"),
    "policysuggestwaivers",  # a command to type
    *(
        "waivers.yaml",
        "record.json",
        "precheck.verdict",
        "precheck.diff",
        "v1alpha",
        "sha256",
        "sha",
        "diff.json",
        "rendering.json",
    ),
}
CODES = {
    "code",
    "text",
    "outcome",
    "effect",
    "written_effect",
    "below",
    "state",
    "status",
    "role",
    "form",
}
"""Fields of the record that are codes, and so are said in words."""


def own_words(value: Any, key: str = "") -> Iterator[str]:
    """Every text of the record that is nobody's of ours: the cluster's, a policy's, a user's."""
    if isinstance(value, str):
        if key not in CODES:
            yield value
    elif isinstance(value, list):
        for part in value:
            yield from own_words(part, key)
    elif isinstance(value, dict):
        for name, part in value.items():
            if name == "catalogue":
                yield from part
                yield from own_words([known.get("zh-CN", known["en"]) for known in part.values()])
                continue
            if key == "match":
                yield f"{name}: {json.dumps(part, ensure_ascii=False)}"
                yield f"{name}: "
            yield from own_words(part, name)


def english(shown: str, record: dict[str, Any]) -> set[str]:
    """Words of a page in Latin letters that neither the record nor `OURS` accounts for."""
    left = re.sub(r"https?://\S+", " ", shown)
    left = re.sub(r"[-\s\u200b]+", "", left)  # lines are broken anywhere
    texts = list(own_words(record))
    texts += [line for part in texts for line in part.splitlines()]
    own = {re.sub(r"[-\s]+", "", part) for part in texts}
    for part in sorted(own, key=len, reverse=True):
        if len(part) > 2 and part not in ("node", "cluster", "addon", "warn", "note", "fail"):
            left = left.replace(part, " ")
    left = re.sub(r"[0-9a-f]{6,}|\b[\w/.-]*/[\w/.-]+", " ", left)
    found = set(re.findall(r"[A-Za-z][A-Za-z0-9'.]*[A-Za-z0-9]", left)) - OURS
    return {word for word in found if not re.fullmatch(r"v\d+", word)}


def attributes(tree: Any) -> str:
    """What a page says in attributes."""
    names = ("aria-label", "title", "alt", "data-found", "data-said", "data-none", "data-wait")
    return " ".join(
        value
        for element in tree.iter()
        for name, value in element.attrib.items()
        if name in (*names, "data-copied", "data-no-kind", "data-no-level")
    )


def visible(page: str) -> str:
    """All words of a page but its script and style; text its style sheet says as well."""
    tree = lxml_html.document_fromstring(page)
    assert tree.get("lang") == "zh-CN"
    said = " ".join(re.findall(r'--[a-z-]+:"([^"]+)"', page))
    for part in tree.xpath("//script | //style | //kbd | //pre"):
        part.drop_tree()
    placeholders = re.compile(r"\{(shown|all|start|end)\}")
    return placeholders.sub("", f"{' '.join(tree.itertext())} {attributes(tree)} {said}")


@cache
def judged(story: Story, folder: Path) -> tuple[Verdict, str]:
    file = folder / f"{story.name}.json"
    run = command("check", *story.arguments, "--json", str(file), "--lang", "zh-CN", cwd=ROOT)
    return Verdict.model_validate_json(file.read_bytes()), run.out


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("records")


@pytest.mark.parametrize("story", list(stories()), ids=lambda story: story.name)
def test_no_english_is_left(story: Story, folder: Path) -> None:
    verdict, summary = judged(story, folder)
    record = cleaned(verdict).model_dump(mode="json")
    options = Options(lang="zh-CN")
    assert_chinese(summary.replace("\n", " "), record)
    assert all(text.columns(row) <= 80 for row in summary.splitlines() if "://" not in row)
    assert_chinese(text.write(verdict, lang="zh-CN", verbose=True), record)
    assert_chinese(visible(render(verdict, "html", options=options).decode()), record)
    markdown = rendered(render(verdict, "markdown", options=options).decode())
    assert_chinese(markdown.text_content(), record)


def assert_chinese(shown: str, record: dict[str, Any]) -> None:
    assert re.search("[\u4e00-\u9fff]", shown)
    assert english(shown, record) == set()


def test_a_report_of_everything_is_chinese() -> None:
    verdict = example()
    record = cleaned(verdict).model_dump(mode="json")
    options = Options(lang="zh-CN")
    assert_chinese(text.write(verdict, lang="zh-CN", verbose=True, width=400), record)
    assert_chinese(visible(render(verdict, "html", options=options).decode()), record)
    markdown = rendered(render(verdict, "markdown", options=options).decode())
    assert_chinese(markdown.text_content(), record)


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="no pdftotext")
def test_the_pdf_is_chinese_and_says_so() -> None:
    verdict = example()
    record = cleaned(verdict).model_dump(mode="json")
    data = render(verdict, "pdf", options=Options(lang="zh-CN"))
    done = subprocess.run(["pdftotext", "-", "-"], input=data, capture_output=True, check=True)
    assert_chinese(done.stdout.decode(), record)
    with pikepdf.open(io.BytesIO(data)) as document:
        assert str(document.Root.Lang) == "zh-CN"
        with document.open_metadata() as meta:
            assert meta["dc:title"].startswith("不通过：暂不可升级")


def test_a_comparison_is_chinese(tmp_path: Path) -> None:
    sides = [f"samples/{name}/response.json" for name in COMPARED]
    files = {form: tmp_path / f"diff.{form}" for form in ("html", "markdown", "json")}
    options = [part for form, file in files.items() for part in (f"--{form}", str(file))]
    run = command("diff", *sides, *options, "--lang", "zh-CN", "--verbose", cwd=ROOT)
    record = json.loads(files["json"].read_text())
    assert_chinese(run.out, record)
    assert_chinese(visible(files["html"].read_text()), record)
    assert_chinese(rendered(files["markdown"].read_text()).text_content(), record)


def test_machines_are_told_the_same_in_every_language() -> None:
    verdict = example()
    for form in ("json", "junit", "sarif", "csv", "skip-list.json", "skip-list.tf"):
        assert render(verdict, form, options=Options(lang="zh-CN")) == render(verdict, form)


def test_the_catalogue_speaks_the_language_of_the_report() -> None:
    verdict = example()
    entry = verdict.catalogue["AddonLimit"]
    known = entry | {
        "zh-CN": entry["en"].model_copy(update={"fix": "请修复插件。", "title": "插件"})
    }
    verdict = verdict.model_copy(update={"catalogue": verdict.catalogue | {"AddonLimit": known}})
    page = render(verdict, "html", options=Options(lang="zh-CN")).decode()
    assert "请修复插件。" in page
    assert "请修复插件。" not in render(verdict, "html").decode()
    assert "请修复插件。" in text.write(verdict, lang="zh-CN")
    assert entry["en"].fix not in visible(page)


@given(st.text(alphabet="ab-（）“”，。、中文字 …é", max_size=40), st.integers(2, 20))
def test_rows_hold_everything_and_end_where_chinese_may(said: str, width: int) -> None:
    rows = text.wrap(said, width)
    assert "".join("".join(rows).split()) == "".join(said.split())
    assert all(text.columns(row) <= width for row in rows)
