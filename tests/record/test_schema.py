"""The record's JSON Schema in the repository is the model's own."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from pydantic import ValidationError

from reporter.record.model import Verdict
from reporter.record.schema import SCHEMA_FILE, schema_text
from tests.policy.build import item, judged, policy, response, stage, waiver


def test_the_schema_file_is_current() -> None:
    path = Path(__file__).parents[2] / "reporter" / "record" / SCHEMA_FILE
    assert path.read_text() == schema_text(), "run `make schema`"


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
