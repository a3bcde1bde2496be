"""A response printed by an SDK or a tool, whose texts come from nobody knows where.

The input's first line names the form (and perhaps how the text was cut), the rest holds the texts,
with a line `--` between them. They go into the slots of one response, which is printed and read.
The reader may refuse; what it reads has to be that response, section by section, value by value.
"""

from __future__ import annotations

import json
import pprint
import re
from collections.abc import Callable
from typing import Any

import yaml

from reporter.errors import InputError
from reporter.precheck.model import PrecheckTask
from reporter.sources.read import read
from tests.sources import printers

BETWEEN = "\n--\n"


def _item(name: str, phase: str = "Failed", **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "kind": "Risk",
        "group": "LimitCheck",
        "level": "Fatal",
        "phase": phase,
        "message": "m",
        "riskSource": None,
        "errorCodes": ["E1"],
    } | more


def _base() -> dict[str, Any]:
    risks = {
        "configurationRisks": [{"package": "kubelet", "value": "1"}],
        "deprecatedAPIRisks": [{"url": "/apis/x", "userAgent": "coredns"}],
        "addonRisks": [{"addonTemplateName": "coredns", "alias": "dns"}],
    }
    info = {"uid": "n-1", "name": "alpha", "status": "Active", "nodeType": "node"}
    return {
        "kind": "PreCheckTask",
        "apiVersion": "v3",
        "metadata": {"uid": "task", "updateTimestamp": "2026-03-01 10:00:00 +0000 UTC"},
        "spec": {
            "clusterID": "c-1",
            "clusterVersion": "v1.29.8-r10",
            "targetVersion": "v1.31.4-r2",
            "skippedCheckItemList": [{"name": "NodeDisk"}],
        },
        "status": {
            "phase": "Failed",
            "message": "m",
            "clusterCheckStatus": {
                "phase": "Failed",
                "itemsStatus": [_item("A", riskSource=risks), _item("B", "Success")],
            },
            "addonCheckStatus": {"phase": "Failed", "itemsStatus": [_item("C")]},
            "nodeCheckStatus": {
                "phase": "Failed",
                "nodeStageStatus": [{"nodeInfo": info, "itemsStatus": [_item("D"), _item("E")]}],
            },
        },
    }


_CLUSTER = "status.clusterCheckStatus.itemsStatus"
_NODE = "status.nodeCheckStatus.nodeStageStatus.0"
SLOTS = (
    f"{_CLUSTER}.0.message",
    f"{_NODE}.itemsStatus.1.message",
    f"{_CLUSTER}.0.name",
    f"{_CLUSTER}.0.errorCodes.0",
    f"{_CLUSTER}.0.riskSource.configurationRisks.0.value",
    f"{_CLUSTER}.0.riskSource.deprecatedAPIRisks.0.userAgent",
    f"{_CLUSTER}.0.riskSource.addonRisks.0.alias",
    "status.message",
    f"{_NODE}.nodeInfo.name",
    f"{_NODE}.itemsStatus.1.errorCodes.0",
    "spec.clusterVersion",
    "spec.skippedCheckItemList.0.name",
    "metadata.uid",
    "apiVersion",
    f"{_CLUSTER}.1.phase",
)


def _put(document: Any, slot: str, value: str) -> None:
    *path, last = (int(part) if part.isdigit() else part for part in slot.split("."))
    for part in path:
        document = document[part]
    document[last] = value


def _snake(value: Any) -> Any:
    """As the Python SDK's `to_dict()` names things."""
    if isinstance(value, list):
        return [_snake(part) for part in value]
    if not isinstance(value, dict):
        return value
    names = {"clusterID": "cluster_id", "deprecatedAPIRisks": "deprecated_api_risks"}
    return {
        names.get(key, re.sub(r"([A-Z])", lambda sign: "_" + sign[1].lower(), key)): _snake(part)
        for key, part in value.items()
    }


_LOG = "2026-03-01 10:30:00 INFO [main] response: "
FORMS: dict[str, Callable[[dict[str, Any]], str]] = {
    "java": printers.java,
    "go": printers.go,
    "json": json.dumps,
    "json-indented": lambda value: json.dumps(value, indent=2, ensure_ascii=False),
    "json-lines": lambda value: json.dumps(value) + "\n",
    "list": lambda value: json.dumps({"kind": "List", "apiVersion": "v3", "items": [value]}),
    "python-sdk": lambda value: json.dumps(_snake(value), ensure_ascii=False),
    "python-repr": lambda value: repr(_snake(value)),
    "python-pprint": lambda value: pprint.pformat(value),
    "curl": lambda value: (
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + json.dumps(value)
    ),
    "curl-v": lambda value: (
        "* Connected\n> GET /api/v3 HTTP/1.1\n>\n< HTTP/1.1 200 OK\n<\n"
        + json.dumps(value, ensure_ascii=False)
        + "\n* Connection #0 left intact\n"
    ),
    "log-json": lambda value: f"{_LOG}{json.dumps(value)}\n10:30:01 INFO done\n",
    "log-go": lambda value: f"start\n{_LOG}{printers.go(value)}end\n",
    "log-java": lambda value: f"start\n{_LOG}{printers.java(value)}10:30:01 INFO done\n",
    "log-java-escaped": lambda value: _LOG + json.dumps(printers.java(value)) + "\n",
    "log-json-escaped": lambda value: _LOG + json.dumps(json.dumps(value)) + "\n",
    "yaml": lambda value: yaml.safe_dump(value, allow_unicode=True),
    "record": lambda value: f"CheckItem[{value}]",
}
_EXACT = {"java", "log-java"}
"""Forms that print a text as it is, so that some texts can't be told apart."""


def printout(data: bytes) -> None:
    """One input; an assertion where a text was read as anything but itself."""
    head, _, rest = data.decode("utf-8", "replace").partition("\n")
    form, cut = _head(head)
    document = _base()
    for slot, value in zip(SLOTS, rest.split(BETWEEN), strict=False):
        _put(document, slot, value)
    text = FORMS[form](document)
    if cut:
        text = text[cut:] if cut > 0 else text[:cut]
    try:
        found = read(text.encode(), name="in.txt").task
    except InputError as error:
        told(error.message)
        return
    expected = _as_printed(document) if form in _EXACT else document
    assert found.model_dump(exclude_none=True) == _task(expected), (form, cut)


def told(message: str) -> None:
    """What a refusal has to be: one line that says something."""
    assert message
    assert "\n" not in message


def _head(head: str) -> tuple[str, int]:
    """The form a first line names, or any; and how much of the text is missing at which end."""
    name, _, number = head.partition(" ")
    form = name if name in FORMS else sorted(FORMS)[sum(map(ord, name)) % len(FORMS)]
    found = re.fullmatch(r"[+-]?[0-9]{1,5}", number, re.ASCII)
    return form, int(number) if found else 0


def _task(value: Any) -> dict[str, Any]:
    return PrecheckTask.model_validate(value).model_dump(exclude_none=True)


def _as_printed(value: Any) -> Any:
    """What is left of a response when Java has printed it: null is null, a comma parts a list."""
    if isinstance(value, dict):
        return {key: _as_printed(part) for key, part in value.items()}
    if isinstance(value, list) and value and all(isinstance(part, str) for part in value):
        inner = ", ".join(value)
        parts: list[str | None] = [None if p == "null" else p for p in inner.split(", ")]
        return parts if inner else []
    if isinstance(value, list):
        return [_as_printed(part) for part in value]
    return None if value == "null" else value
