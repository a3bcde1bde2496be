"""Every documented value is one that is known, wherever it may stand."""

from __future__ import annotations

import pytest

from reporter.precheck.model import NODE_STATUSES, NODE_TYPES
from tests.policy.build import item, judged, response


def _recognised(body: dict[str, object]) -> bool:
    line = next(part for part in judged(body).evidence if part.id == "recognised")
    return line.state == "ok"


@pytest.mark.parametrize("phase", ["Init", "Running", "Success", "Failed", "Error"])
def test_phases(phase: str) -> None:
    assert _recognised(response(phase=phase))
    assert _recognised(response(item(phase=phase))) is (phase != "Error")


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("kind", ["Exception", "Risk"]),
        ("level", ["Info", "Warning", "Fatal"]),
        ("group", ["LimitCheck", "MasterCheck", "NodeCheck", "AddonCheck", "ExecuteException"]),
    ],
)
def test_traits(field: str, values: list[str]) -> None:
    for value in values:
        assert _recognised(response(item(**{field: value})))
        assert not _recognised(response(item(**{field: value.lower()})))


def test_nodes() -> None:
    """Nothing is judged by them; what a policy asks for beside them is named."""
    assert set(NODE_TYPES) == {"node", "master"}
    assert set(NODE_STATUSES) == {
        "Build", "Installing", "Upgrading", "Active", "Abnormal", "Deleting", "Error",
        "Repairing", "RepairFailed",
    }  # fmt: skip
