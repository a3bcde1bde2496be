"""The cases mutants are tried on: generated, with what the slow evaluator says of each."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings

from tests.slow import evaluator, generator
from tests.test_agreement import dump


@dataclass(frozen=True)
class Case:
    """A generated case as the evaluator takes it, and what the slow one says of it."""

    given: dict[str, Any]
    policies: list[bytes]
    waiver_lists: list[bytes]
    response: bytes
    expected: dict[str, Any]


def collect(count: int) -> list[Case]:
    """So many cases, the same in every run."""
    found: list[Case] = []

    @settings(
        max_examples=count,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=generator.cases())
    def gather(case: dict[str, Any]) -> None:
        found.append(
            Case(
                case,
                [dump(part) for part in case["policies"]],
                [dump(part) for part in case.get("waiver_lists", ())],
                json.dumps(case["response"]).encode(),
                evaluator.judge(**case),
            )
        )

    gather()
    return found
