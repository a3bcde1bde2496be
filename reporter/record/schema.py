"""The record as JSON Schema, kept in a file: `python -m reporter.record.schema` writes it."""

from __future__ import annotations

import json
from pathlib import Path

from reporter.record.model import Verdict

SCHEMA_FILE = "verdict.schema.json"


def schema_text() -> str:
    """The schema of a record as it is written."""
    schema = Verdict.model_json_schema(mode="serialization")
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "Verdict of a CCE pre-upgrade check"
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    (Path(__file__).parent / SCHEMA_FILE).write_text(schema_text(), encoding="utf-8")
