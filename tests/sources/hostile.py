"""Random responses whose texts imitate what SDKs print; the same seed gives the same ones."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

SHOW = ("ShowAutopilotPreCheckResponse", "ShowPreCheckResponse")
LIST = ("ListAutopilotPreCheckTasksResponse", "ListPreCheckTasksResponse")
CREATE = ("CreateAutopilotPreCheckResponse", "CreatePreCheckResponse")

_HARMLESS = ("v3", "Success", "Failed", "节", "a b", "check item succeed", "n-1")
_PIECES = (
    *("", " ", "null", "}", "}]", "[", "[]", "{", "}, class PreCheckItemStatus {"),
    *("class PreCheckItemStatus {", "class RiskSource {", "class ShowPreCheckResponse {"),
    *("riskSource: null", "riskSource: class RiskSource {", "configurationRisks: null"),
    *("errorCodes: []", "errorCodes: null", "errorCodes: [E1, E2]", "addonRisks: null"),
    *("phase: Success", "message: ok", "name: x", "kind: Risk", "alias: x", "value: 1"),
    *("apiVersion: v3", "kind: PreCheckTask", "metadata: null", "spec: null", "status: null"),
    *("itemsStatus: []", "nodeStageStatus: []", "expireTimeStamp: null", "clusterVersion: v1"),
    *("clusterCheckStatus: null", "addonCheckStatus: null", "nodeCheckStatus: null"),
    *("addonCheckStatus: class AddonCheckStatus {", "operator: In", "values: []", "userAgent: x"),
    *("\r", "\r\n", "\t", "\x00", "\x0b", "\u0085", "\u2028", "é", "节点", "\U0001f600"),
    *('"', "\\", "\\n", "'", "a, b", "x=y", "HTTP/1.1 200 OK", "[USE_ERROR]"),
    '{"kind":"PreCheckTask","status":{"phase":"Success"}}',
    'ShowPreCheckResponse {"kind":"PreCheckTask"}',
)


class Hostile:
    """Makes responses. With `few` only some of their texts are hostile, so that many are read."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._rate = 0.0

    def named(self) -> tuple[str, dict[str, Any]]:
        """A class of the SDKs' and a response of it."""
        name = self._random.choice(SHOW + LIST + CREATE)
        response = self._response()
        if name in CREATE and response["metadata"]:
            response["metadata"] = {"uid": response["metadata"].get("uid")}
        if name in LIST:
            items = [response] + [self._response()] * (self._random.random() < 0.3)
            metadata = self._random.choice([None, {}, {"name": "all", "labels": {"a": "b"}}])
            response = {"kind": "List", "apiVersion": "v3", "metadata": metadata, "items": items}
        return name, response

    def _text(self) -> str | None:
        choose = self._random
        if choose.random() > self._rate:
            return choose.choice((None, *_HARMLESS))
        if choose.random() < 0.3:
            return choose.choice(_PIECES)
        depths = (0, 0, 4, 8, 12, 16, 20, 3, 1)
        lines = range(choose.randint(1, 6))
        return "\n".join(" " * choose.choice(depths) + choose.choice(_PIECES) for _ in lines)

    def _words(self) -> list[str] | None:
        words = [(self._text() or "").replace(",", "") for _ in range(self._random.randint(0, 3))]
        return None if self._random.random() < 0.15 else words

    def _object(self, *texts: str, **others: Callable[[], Any]) -> dict[str, Any]:
        fields: dict[str, Callable[[], Any]] = {**dict.fromkeys(texts, self._text), **others}
        return {key: make() for key, make in fields.items() if self._random.random() < 0.9}

    def _maybe(self, make: Callable[[], Any]) -> Any:
        return make() if self._random.random() < 0.85 else None

    def _list(self, make: Callable[[], Any]) -> Callable[[], Any]:
        return lambda: self._maybe(lambda: [make() for _ in range(self._random.randint(0, 2))])

    def _risks(self) -> dict[str, Any]:
        changes = ("package", "sourceFile", "nodeMsg", "field", "operation", "originalValue")
        return self._object(
            configurationRisks=self._list(lambda: self._object(*changes, "value")),
            deprecatedAPIRisks=self._list(lambda: self._object("url", "userAgent")),
            nodeRisks=self._list(lambda: self._object("NodeID")),
            addonRisks=self._list(lambda: self._object("addonTemplateName", "alias")),
        )

    def _item(self) -> dict[str, Any]:
        return self._object(
            *("name", "kind", "group", "level", "phase", "message"),
            riskSource=lambda: self._maybe(self._risks),
            errorCodes=self._words,
        )

    def _section(self) -> Any:
        return self._maybe(lambda: self._object("phase", itemsStatus=self._list(self._item)))

    def _node(self) -> dict[str, Any]:
        info = ("uid", "name", "status", "nodeType")
        return self._object(
            nodeInfo=lambda: self._maybe(lambda: self._object(*info)),
            itemsStatus=self._list(self._item),
        )

    def _skip(self) -> dict[str, Any]:
        # The SDKs have enumerations of one for key and operator, and print no others.
        return self._object(
            "name",
            resourceSelector=lambda: self._maybe(
                lambda: {"key": "node.uid", "operator": "In", "values": self._words()}
            ),
        )

    def _status(self) -> dict[str, Any]:
        return self._object(
            *("phase", "expireTimeStamp", "message"),
            clusterCheckStatus=self._section,
            addonCheckStatus=self._section,
            nodeCheckStatus=lambda: self._maybe(
                lambda: self._object("phase", nodeStageStatus=self._list(self._node))
            ),
        )

    def _response(self) -> dict[str, Any]:
        self._rate = self._random.choice([1.0, 0.1, 0.05])
        versions = ("clusterID", "clusterVersion", "targetVersion")
        times = ("uid", "creationTimestamp", "updateTimestamp")
        return {
            "kind": "PreCheckTask",
            "apiVersion": "v3",
            "metadata": self._maybe(lambda: self._object(*times)),
            "spec": self._maybe(
                lambda: self._object(*versions, skippedCheckItemList=self._list(self._skip))
            ),
            "status": self._maybe(self._status),
        }


def as_java_tells(value: Any) -> Any:
    """What is left of a response in Java's print: the text `null` is none, `, ` parts a list."""
    if isinstance(value, dict):
        return {key: as_java_tells(part) for key, part in value.items()}
    if not isinstance(value, list):
        return None if value == "null" else value
    if not value or not all(isinstance(part, str) for part in value):
        return [as_java_tells(part) for part in value]
    joined = ", ".join(value)
    return [None if part == "null" else part for part in joined.split(", ")] if joined else []
