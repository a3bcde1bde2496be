"""What the real Python SDK prints of its models, in the ways people save it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from reporter.sources.read import Unreadable, read_responses

# Newer versions warn of it; people go on calling it.
pytestmark = pytest.mark.filterwarnings("ignore:.*to_dict:DeprecationWarning")

DATA = Path(__file__).parent.parent / "data" / "printouts"
CLASSES = {
    "show": "ShowAutopilotPreCheckResponse",
    "odd": "ShowPreCheckResponse",
    "create": "CreatePreCheckResponse",
    "list": "ListAutopilotPreCheckTasksResponse",
    "labelled": "ListPreCheckTasksResponse",
}


@pytest.fixture(scope="module")
def sdk(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))  # the import writes into it
        import huaweicloudsdkcce.v3 as sdk
    return sdk


def _built(sdk: Any, name: str, value: dict[str, Any]) -> Any:
    """A model of the SDK's, as its client fills it from JSON."""
    model = getattr(sdk, name)
    fields = {}
    for attribute, kind in model.openapi_types.items():
        part = value.get(model.attribute_map[attribute])
        inner = re.sub(r"list\[(\w+)\]", r"\1", kind)
        if hasattr(sdk, inner) and isinstance(part, list):
            part = [_built(sdk, inner, one) for one in part]
        elif hasattr(sdk, inner) and isinstance(part, dict):
            part = _built(sdk, inner, part)
        fields[attribute] = part
    return model(**fields)


def _tasks(path: Path) -> list[Any]:
    found = read_responses([path])
    return [part if isinstance(part, Unreadable) else part.task for part in found]


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_what_the_python_sdk_prints_is_read(sdk: Any, name: str, tmp_path: Path) -> None:
    response = _built(sdk, CLASSES[name], json.loads((DATA / f"{name}.json").read_text("utf-8")))
    saved = [task.model_dump(exclude_none=True) for task in _tasks(DATA / f"{name}.json")]
    path = tmp_path / "printed.txt"
    for printed in (str(response), json.dumps(response.to_dict())):
        path.write_text(printed + "\n", encoding="utf-8")
        assert [task.model_dump(exclude_none=True) for task in _tasks(path)] == saved
    path.write_text(str(response.to_dict()), encoding="utf-8")
    (refused,) = _tasks(path)
    assert "a Python dict as print shows it" in refused.error.message
