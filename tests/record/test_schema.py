"""The record's JSON Schema in the repository is the model's own."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from pydantic import ValidationError

from reporter.audit.compare import Side, compare
from reporter.record.diff import Diff
from reporter.record.model import Verdict
from reporter.record.schema import (
    DIFF_SCHEMA_FILE,
    SCHEMA_FILE,
    diff_schema_text,
    schema_text,
)
from tests.output.example import example
from tests.policy.build import item, judged, policy, response, stage, waiver


@pytest.mark.parametrize(
    ("name", "text"), [(SCHEMA_FILE, schema_text()), (DIFF_SCHEMA_FILE, diff_schema_text())]
)
def test_the_schema_files_are_current(name: str, text: str) -> None:
    path = Path(__file__).parents[2] / "reporter" / "record" / name
    assert path.read_text() == text, "run `make schema`"


def test_a_comparison_is_valid_under_its_schema_and_reads_back() -> None:
    old, new = (judged(response(item("Sample", message=text))) for text in "ab")
    diff = compare(Side("a", "record", old), Side("b", "record", new))
    text = diff.model_dump_json()
    jsonschema.validate(json.loads(text), json.loads(diff_schema_text()))
    assert Diff.model_validate_json(text) == diff
    assert json.loads(text)["exit_code"] == 0


def test_a_record_is_valid_under_the_schema_and_reads_back() -> None:
    body = response(item(), nodes=[stage("a", item("SampleDisk", level="Odd"))])
    verdict = judged(body, policy(waivers=[waiver(), waiver("w-2", "SampleGone")]))
    text = verdict.model_dump_json()
    jsonschema.validate(json.loads(text), json.loads(schema_text()))
    assert Verdict.model_validate_json(text) == verdict
    assert json.loads(text)["counts"]["findings"]["pass"] == 1
    assert json.loads(text)["exit_code"] == verdict.exit_code


def test_another_version_is_refused() -> None:
    text = judged(response()).model_dump_json().replace("verdict/v1alpha", "verdict/v9")
    with pytest.raises(ValidationError, match="apiVersion"):
        Verdict.model_validate_json(text)


@pytest.mark.parametrize(
    "instant", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-03-01T10:30:00"]
)
def test_an_instant_nobody_can_show_is_no_record(instant: str) -> None:
    record = json.loads(example().model_dump_json())
    record["instant"]["at"] = instant
    with pytest.raises(ValidationError, match="an instant"):
        Verdict.model_validate_json(json.dumps(record))
