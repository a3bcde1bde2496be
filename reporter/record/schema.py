"""The record and the comparison as JSON Schema, kept in files.

`python -m reporter.record.schema` writes them.
"""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import BaseModel

from reporter.record.diff import Diff
from reporter.record.model import Verdict

SCHEMA_FILE = "verdict.schema.json"
DIFF_SCHEMA_FILE = "diff.schema.json"


def schema_text() -> str:
    """The schema of a record as it is written."""
    return _text(Verdict, "Verdict of a CCE pre-upgrade check")


def diff_schema_text() -> str:
    """The schema of what `diff --json` writes."""
    return _text(Diff, "Two CCE pre-upgrade checks compared")


def _text(model: type[BaseModel], title: str) -> str:
    schema = model.model_json_schema(mode="serialization")
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = title
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    here = Path(__file__).parent
    (here / SCHEMA_FILE).write_text(schema_text(), encoding="utf-8")
    (here / DIFF_SCHEMA_FILE).write_text(diff_schema_text(), encoding="utf-8")
