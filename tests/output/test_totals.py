"""One record, every format, no disagreement."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from reporter.cli.demo import Story, stories
from reporter.words import say
from tests.acceptance.run import OPTION_OF, ROOT, command
from tests.output.test_csv import totals
from tests.output.test_junit import parsed
from tests.output.test_markdown import rendered


def _visible(page: str) -> str:
    """The text of a page, without its head and tags."""
    body = page[page.index("<body") :]
    body = re.sub(r"<(script|style|svg|template)\b.*?</\1>", " ", body, flags=re.S)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


ON_PAPER = {"standard-40-nodes", "expired-waiver", "unknown-values"}
"""A failed cluster, an inconclusive one and waivers: a PDF takes as long as all else together."""


@pytest.mark.parametrize("story", list(stories()), ids=lambda story: story.name)
def test_verdict_reasons_and_waivers_are_the_same_everywhere(story: Story, tmp_path: Path) -> None:
    files = {name: tmp_path / f"r.{name}" for name in OPTION_OF}
    if story.name not in ON_PAPER:
        del files["pdf"]
    options = [part for name, path in files.items() for part in (OPTION_OF[name], str(path))]
    run = command("check", *story.arguments, *options, "--verbose", cwd=ROOT)
    record = json.loads(files["json"].read_text())
    assert run.code == record["exit_code"]
    texts = {
        "text": run.out,
        "html": _visible(files["html"].read_text()),
        "markdown": rendered(files["markdown"].read_text()).text_content(),
    }
    if "pdf" in files and shutil.which("pdftotext"):
        pdf = subprocess.run(
            ["pdftotext", str(files["pdf"]), "-"], check=True, capture_output=True, text=True
        )
        texts["pdf"] = pdf.stdout
    for name, text in texts.items():
        page = _squeezed(text)
        said = [record["headline"], *record["summary"], *record["conditions"]]
        for statement in said:
            if statement["code"] == "condition.backdated":
                # The pages say it in a banner of their own.
                assert _squeezed("an instant in the past") in page, name
                continue
            assert _says(statement["text"], page), (name, statement["text"])
        names = [check["name"] for check in record["checks"] if check["entries"]]
        for word in [*names, *(use["id"] for use in record["waivers"])]:
            assert _squeezed(word) in page, (name, word)
    for name in {"html", "pdf"} & set(texts):
        # The table of outcomes: checks and findings, each with its number.
        page = _squeezed(texts[name])
        for outcome, number in record["counts"]["findings"].items():
            checks = record["counts"]["checks"][outcome]
            row = f"{say(f'finding.{outcome}')}{checks:,}{number:,}"
            assert _squeezed(row) in page, (name, row)
    root = parsed(files["junit"].read_bytes())
    by_class = {
        (case.get("classname").rsplit(".", 1)[-1], case.get("name")): case
        for case in root.iter("testcase")
    }
    wanted = {"fail": "failure", "unknown": "error", "waived": "skipped"}
    for check in record["checks"]:
        case = by_class[(check["scope"], check["name"])]
        assert (case[0].tag if len(case) else None) == wanted.get(check["outcome"])
    counts = record["counts"]["findings"]
    for outcome, number in counts.items():
        assert number == sum(check["findings"][outcome] for check in record["checks"])
    _same_in_sarif(record, json.loads(files["sarif"].read_text()))
    _same_in_csv(record, files["csv"].read_bytes())
    shown = rendered(files["markdown"].read_text())
    table = {
        row.xpath("string(td[1])").split()[-1]: row.xpath("string(td[3])")
        for row in shown.xpath("//table[2]/tbody/tr")
    }
    assert table == {say(f"finding.{outcome}"): f"{number:,}" for outcome, number in counts.items()}


def _same_in_sarif(record: dict[str, Any], log: dict[str, Any]) -> None:
    (run,) = log["runs"]
    assert run["invocations"][0]["exitCode"] == record["exit_code"]
    assert run["properties"]["verdict"] == record["outcome"]
    listed = dict.fromkeys(record["counts"]["findings"], 0)
    for part in run["results"]:
        if "scope" in part["properties"]:
            listed[part["properties"]["outcome"]] += 1
    # Waived findings are left out, and passed ones only counted.
    assert listed | {"waived": 0, "pass": 0} == record["counts"]["findings"] | {
        "waived": 0,
        "pass": 0,
    }
    assert run["properties"]["findings"] == record["counts"]["findings"]
    used = {use["id"] for use in record["waivers"]}
    assert {use["id"] for use in run["properties"]["waivers"]} == used
    errors = sum(part["level"] == "error" for part in run["results"])
    assert (errors > 0) is (record["outcome"] != "pass")


def _same_in_csv(record: dict[str, Any], data: bytes) -> None:
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert totals(rows) == record["counts"]["findings"]
    assert {row["verdict"] for row in rows} == {record["outcome"]}
    skipped = [row for row in rows if row["row"] == "skipped"]
    assert len(skipped) == record["counts"]["skipped"]
    waivers = [row["waivers"] for row in rows if row["row"] == "waiver"]
    assert waivers == [use["id"] for use in record["waivers"]]


def _squeezed(text: str) -> str:
    """Without blanks and hyphens: a page breaks its lines where it likes."""
    return re.sub(r"[-\s\u00ad\u200b]+", "", text)


def _says(sentence: str, page: str) -> bool:
    """Whether a page says a sentence; instants it may spell in its own way."""
    pieces = re.split(r"\d{4}-\d{2}-\d{2}T[0-9:.]+Z", sentence)
    return all(_squeezed(piece) in page for piece in pieces)
