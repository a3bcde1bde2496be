"""How the Go and Java SDKs print a response, written from their source code.

Held against what the SDKs really printed by `test_printouts.py`.
"""

from __future__ import annotations

import json
from typing import Any

_TASK = {
    "apiVersion": None,
    "kind": None,
    "metadata": (
        "PrecheckTaskMetadata",
        {"uid": None, "creationTimestamp": None, "updateTimestamp": None},
    ),
}
_ITEM = (
    "PreCheckItemStatus",
    {
        "name": None,
        "kind": None,
        "group": None,
        "level": None,
        "phase": None,
        "message": None,
        "riskSource": (
            "RiskSource",
            {
                "configurationRisks": (
                    "ConfigurationRisks",
                    dict.fromkeys(
                        [
                            "package",
                            "sourceFile",
                            "nodeMsg",
                            "field",
                            "operation",
                            "originalValue",
                            "value",
                        ]
                    ),
                ),
                "deprecatedAPIRisks": ("DeprecatedAPIRisks", {"url": None, "userAgent": None}),
                "nodeRisks": ("NodeRisks", {"NodeID": None}),
                "addonRisks": ("AddonRisks", {"addonTemplateName": None, "alias": None}),
            },
        ),
        "errorCodes": None,
    },
)
_SPEC = (
    "PrecheckSpec",
    {
        "clusterID": None,
        "clusterVersion": None,
        "targetVersion": None,
        "skippedCheckItemList": (
            "SkippedCheckItemList",
            {
                "name": None,
                "resourceSelector": (
                    "ResourceSelector",
                    {"key": None, "values": None, "operator": None},
                ),
            },
        ),
    },
)
_STATUS = (
    "PrecheckStatus",
    {
        "phase": None,
        "expireTimeStamp": None,
        "message": None,
        "clusterCheckStatus": ("ClusterCheckStatus", {"phase": None, "itemsStatus": _ITEM}),
        "addonCheckStatus": ("AddonCheckStatus", {"phase": None, "itemsStatus": _ITEM}),
        "nodeCheckStatus": (
            "NodeCheckStatus",
            {
                "phase": None,
                "nodeStageStatus": (
                    "NodeStageStatus",
                    {
                        "nodeInfo": (
                            "NodeInfo",
                            dict.fromkeys(["uid", "name", "status", "nodeType"]),
                        ),
                        "itemsStatus": _ITEM,
                    },
                ),
            },
        ),
    },
)
_RESPONSE = {**_TASK, "spec": _SPEC, "status": _STATUS}
_JAVA_NAMES = {"package": "_package", "NodeID": "nodeID"}


def java(value: dict[str, Any], name: str = "ShowAutopilotPreCheckResponse") -> str:
    """`System.out.println(response.toString())`."""
    return _java_object(value, (name, _RESPONSE)) + "\n"


def _java_object(value: dict[str, Any], shape: Any) -> str:
    name, fields = shape
    lines = [f"class {name} {{"]
    for key, inner in fields.items():
        text = _java_value(value.get(key), inner).replace("\n", "\n    ")
        lines.append(f"    {_JAVA_NAMES.get(key, key)}: {text}")
    return "\n".join([*lines, "}"])


def _java_value(value: Any, shape: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, list):
        return "[" + ", ".join(_java_value(part, shape) for part in value) + "]"
    return _java_object(value, shape) if isinstance(value, dict) else str(value)


def go(value: dict[str, Any], name: str = "ShowAutopilotPreCheckResponse") -> str:
    """`fmt.Printf("%+v\\n", response)`: nil pointers are left out, and so are unknown fields."""
    ordered = _go_value(value, (name, _RESPONSE))
    return f"{name} " + json.dumps(ordered, separators=(",", ":"), ensure_ascii=False) + "\n\n"


def _go_value(value: Any, shape: Any) -> Any:
    if isinstance(value, list):
        return [_go_value(part, shape) for part in value]
    if isinstance(value, dict):
        return {k: _go_value(value[k], s) for k, s in shape[1].items() if value.get(k) is not None}
    return value
