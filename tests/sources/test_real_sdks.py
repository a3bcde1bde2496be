"""Hostile responses, printed: each is read as what was printed, or refused, never otherwise.

By default the printers of these tests print them. `make prove-printouts` has the real SDKs do it:
`JAVA_PRINTER` and `GO_PRINTER` are then the commands of the programs in `tests/data/printouts`.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from base64 import b64decode
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from reporter.errors import InputError
from reporter.precheck.model import PrecheckTask
from reporter.sources.read import Unreadable, read_responses
from tests.sources import printers
from tests.sources.hostile import SHOW, Hostile, as_java_tells

COUNT = int(os.environ.get("PRINTED_EXAMPLES", "150"))
SEED = int(os.environ.get("PRINTED_SEED", "1"))
REAL = {"java": "JAVA_PRINTER", "go": "GO_PRINTER"}


def _cases(*, real: bool) -> list[tuple[str, dict[str, Any]]]:
    hostile = Hostile(SEED)
    made = (hostile.named() for _ in range(COUNT))
    return [(name, response) for name, response in made if real or name in SHOW]


def _really_printed(
    language: str, cases: list[tuple[str, dict[str, Any]]], folder: Path
) -> list[bytes]:
    path = folder / "cases.txt"
    path.write_text("".join(f"{name}\t{json.dumps(response)}\n" for name, response in cases))
    command = [*shlex.split(os.environ[REAL[language]]), "-", str(path)]
    done = subprocess.run(command, capture_output=True, check=True)
    return [b64decode(line) for line in done.stdout.splitlines()]


def _known(tasks: list[Any]) -> list[Any]:
    return [
        PrecheckTask.model_validate_json(json.dumps(task)).model_dump(exclude_none=True)
        for task in tasks
    ]


def _expected(language: str, response: dict[str, Any]) -> list[Any] | None:
    told = as_java_tells(response) if language == "java" else response
    try:
        return _known(told["items"] if told["kind"] == "List" else [told])
    except ValidationError:
        return None  # `null` in a list of texts: it has to be refused


def _read(data: bytes, path: Path) -> list[Any] | InputError:
    path.write_bytes(data)
    found = []
    for part in read_responses([path]):
        if isinstance(part, Unreadable):
            return part.error
        found.append(part.task.model_dump(exclude_none=True))
    return found


@pytest.mark.parametrize("language", ["java", "go"])
def test_what_is_printed_is_read_as_it_was_or_refused(language: str, tmp_path: Path) -> None:
    real = bool(os.environ.get(REAL[language]))
    cases = _cases(real=real)
    if real:
        printed = _really_printed(language, cases, tmp_path)
    else:
        printer = {"java": printers.java, "go": printers.go}[language]
        printed = [printer(response, name).encode() for name, response in cases]
    assert len(printed) == len(cases)
    outcomes = Counter[str]()
    for (_, response), text in zip(cases, printed, strict=True):
        expected = _expected(language, response)
        for whole in (text, b"10:30:00 INFO Main - " + text + b"10:30:01 INFO done\n"):
            found = _read(whole, tmp_path / "printed.txt")
            if isinstance(found, InputError):
                assert language == "java", found.message
                assert expected is None or "ambiguous" in found.message, found.message
                outcomes["refused"] += 1
            else:
                assert found == expected
                outcomes["read"] += 1
    assert outcomes["read"] > len(cases) / 2
