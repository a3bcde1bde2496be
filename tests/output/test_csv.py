"""CSV: the totals of the record, and nothing a spreadsheet would calculate."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from reporter.output import csv_rows
from reporter.output.csv_rows import HEADER, ROWS, safe_cell, write
from reporter.record.model import Verdict
from tests.examples import examples
from tests.output.example import example as full
from tests.output.example import hostile
from tests.policy.build import item, judged, policy, response, stage, waiver
from tests.slow import generator
from tests.test_agreement import judge_case

FORMULA = tuple("=+-@\t\r\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u2212")


def rows_of(verdict: Verdict) -> list[dict[str, str]]:
    """The rows, as another reader sees them."""
    text = write(verdict).decode("utf-8-sig")
    assert not text.startswith("\ufeff")
    lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert tuple(lines[0]) == HEADER
    assert all(len(line) == len(HEADER) for line in lines)
    assert text.count("\r\n") == len(lines)
    return [dict(zip(HEADER, line, strict=True)) for line in lines[1:]]


def totals(rows: list[dict[str, str]]) -> dict[str, int]:
    """Findings by outcome, as a pivot table would count them."""
    found = dict.fromkeys(("fail", "unknown", "warn", "waived", "note", "pass"), 0)
    for row in rows:
        if row["row"] in ("finding", "passed"):
            found[row["outcome"]] += int(row["count"])
    return found


def test_a_row_for_every_place() -> None:
    body = response(
        item("SampleWaived", message='消息, "quoted"\nsecond line'),
        item("SamplePasses", "Success"),
        nodes=[stage("n.1", item("SampleDisk")), stage("n.2", item("SampleDisk", "Success"))],
    )
    verdict = judged(body, policy(waivers=[waiver(check="SampleWaived")]))
    rows = rows_of(verdict)
    assert [
        (row["row"], row["outcome"], row["check"], row["node"], row["count"])
        for row in rows
        if row["row"] in ("finding", "waiver", "passed")
    ] == [
        ("finding", "fail", "SampleDisk", "name-n.1", "1"),
        ("finding", "waived", "SampleWaived", "", "1"),
        ("waiver", "used", "SampleWaived", "", "1"),
        ("passed", "pass", "SampleDisk", "", "1"),
        ("passed", "pass", "SampleAddon", "", "1"),
        ("passed", "pass", "SamplePasses", "", "1"),
    ]
    (waived,) = [row for row in rows if row["outcome"] == "waived"]
    assert waived["message"] == '消息, "quoted" second line'
    assert waived["waivers"] == "w-1"
    assert waived["pointer"] == "/status/clusterCheckStatus/itemsStatus/0"
    assert {row["verdict"] for row in rows} == {"fail"}
    assert {row["cluster"] for row in rows} == {"c-1"}


def test_everything_decided_has_a_row() -> None:
    verdict = full()
    rows = rows_of(verdict)
    by_row = {name: [row for row in rows if row["row"] == name] for name in ROWS}
    assert [row["row"] for row in rows] == [row["row"] for name in ROWS for row in by_row[name]]
    assert [row["check"] for row in by_row["evidence"]] == [line.id for line in verdict.evidence]
    assert len(by_row["skipped"]) == len(verdict.skipped)
    assert {row["waivers"] for row in by_row["waiver"]} == {use.id for use in verdict.waivers}
    assert totals(rows) == verdict.counts.findings.model_dump(by_alias=True)
    (first, *_) = by_row["finding"]
    assert (first["line"], first["column"]) == ("1324", "13")


def test_it_begins_with_a_byte_order_mark() -> None:
    assert write(full()).startswith(b"\xef\xbb\xbfrow,outcome,count,")


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("  =1", "'=1"),
        ("\t=1", "'=1"),
        ("\r=1", "'=1"),
        ('"=1', "'\"=1"),
        ("＝1", "'＝1"),
        ("@SUM(1)", "'@SUM(1)"),
        ("-5", "'-5"),
        ("a;=cmd|' /C calc'!A0", "a;'=cmd|' /C calc'!A0"),
        ("a=b, c-d; e", "a=b, c-d; e"),
        ("", ""),
        ("::error::x", ": :error::x"),
    ],
)
def test_cells(text: str, cell: str) -> None:
    assert safe_cell(text) == cell


@settings(max_examples=examples(100))
@given(
    text=st.text(alphabet=st.sampled_from("=+-@;|'\" \t\r\n\uff1d\uff20a\u202e\x00"), max_size=8)
)
@example("'=1")
def test_no_cell_is_a_formula_in_any_locale(text: str) -> None:
    cell = safe_cell(text)
    for part in (piece for whole in cell.split(";") for piece in whole.split("|")):
        assert not part.strip().strip('"').startswith(FORMULA)
    assert not cell.startswith(FORMULA)


def test_a_cell_fits_a_spreadsheet() -> None:
    assert len(safe_cell("x" * 100_000)) == csv_rows.MAX_CELL
    assert safe_cell("x" * 100_000).endswith("the record has all of it)")


def test_more_rows_than_a_sheet_holds_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    write(full(), warn=said.append)
    assert said == []
    monkeypatch.setattr(csv_rows, "MAX_ROWS", 3)
    write(full(), warn=said.append)
    assert "rows are more than the 3 a spreadsheet shows" in said[0]


def test_hostile_text() -> None:
    for row in rows_of(hostile()):
        for cell in row.values():
            assert not cell.startswith(FORMULA)
            assert cell.isprintable() or "\u200b" in cell


@settings(max_examples=examples(30), deadline=None, suppress_health_check=list(HealthCheck))
@given(case=generator.cases())
def test_the_totals_are_the_records(case: dict[str, Any]) -> None:
    verdict = judge_case(case)
    assert totals(rows_of(verdict)) == verdict.counts.findings.model_dump(by_alias=True)
