"""Small responses and policies, built by hand for one test at a time."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import UTC, datetime
from typing import Any

import yaml

from reporter.policy.evaluate import evaluate
from reporter.policy.load import Policy
from reporter.record.model import Verdict
from reporter.sources.read import read

AT = datetime(2026, 3, 1, 10, 30, tzinfo=UTC)


def item(name: str = "SampleCheck", phase: str = "Failed", **fields: Any) -> dict[str, Any]:
    """A check item; a failed Risk of level Warning unless told otherwise."""
    return {
        "name": name,
        "kind": "Risk",
        "group": "LimitCheck",
        "level": "Warning",
        "phase": phase,
        "message": "something is wrong",
        "riskSource": {},
    } | fields


def stage(uid: str, *items: dict[str, Any], **info: Any) -> dict[str, Any]:
    """A node and its items."""
    node = {"uid": uid, "name": f"name-{uid}", "status": "Active", "nodeType": "node"} | info
    return {"nodeInfo": node, "itemsStatus": list(items)}


def response(
    *cluster: dict[str, Any],
    addons: list[dict[str, Any]] | None = None,
    nodes: list[dict[str, Any]] | None = None,
    spec: dict[str, Any] | None = None,
    **status: Any,
) -> dict[str, Any]:
    """A finished, current, complete task around some items; its phases fit them."""
    addon_items = [item("SampleAddon", "Success")] if addons is None else addons
    cluster_items = list(cluster) or [item("SampleOther", "Success")]

    def phase(items: list[dict[str, Any]]) -> str:
        return "Failed" if any(part.get("phase") == "Failed" for part in items) else "Success"

    node_items = [part for node in nodes or [] for part in node["itemsStatus"]]
    return {
        "kind": "PreCheckTask",
        "apiVersion": "v3",
        "metadata": {"uid": "task-1", "updateTimestamp": "2026-03-01 10:00:00 +0000 UTC"},
        "spec": {
            "clusterID": "c-1",
            "clusterVersion": "v1.29.8-r0",
            "targetVersion": "v1.31.4-r2",
        }
        | (spec or {}),
        "status": {
            "phase": phase([*cluster_items, *addon_items, *node_items]),
            "expireTimeStamp": "2026-03-01 11:00:00 +0000 UTC",
            "clusterCheckStatus": {"phase": phase(cluster_items), "itemsStatus": cluster_items},
            "addonCheckStatus": {"phase": phase(addon_items), "itemsStatus": addon_items},
            "nodeCheckStatus": {"phase": phase(node_items), "nodeStageStatus": nodes or []},
        }
        | status,
    }


def policy(
    rules: list[dict[str, Any]] | None = None,
    waivers: list[dict[str, Any]] | None = None,
    **more: object,
) -> bytes:
    """A policy file."""
    document = {
        "apiVersion": "precheck.policy/v1",
        "kind": "Policy",
        "metadata": {"name": "test"},
        **({"rules": rules} if rules else {}),
        **({"waivers": waivers} if waivers else {}),
    }
    return yaml.safe_dump(document | more, sort_keys=False, allow_unicode=True).encode()


def waiver(name: str = "w-1", check: Any = "SampleCheck", **more: Any) -> dict[str, Any]:
    """A waiver that holds at `AT`."""
    return {
        "id": name,
        "check": check,
        "reason": "accepted for the window",
        "approved_on": "2026-02-01",
        "expires": "2026-12-31",
    } | more


def zipped(files: dict[str, bytes]) -> bytes:
    """An archive of files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return out.getvalue()


def judged(body: dict[str, Any] | bytes, *policies: bytes, **options: Any) -> Verdict:
    """The verdict on a response, or on what else a file may hold."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    loaded = Policy.parse(*(policies or (policy(),)), waivers=options.pop("waiver_files", ()))
    return evaluate(
        read(data, name="response.json", task=options.pop("task", None)),
        loaded,
        at=options.pop("at", AT),
        now=options.pop("now", AT),
        **options,
    )


def outcomes(verdict: Verdict) -> dict[str, str]:
    """Pointer of each finding that did not pass, and its outcome."""
    return {
        place.pointer: entry.outcome
        for check in verdict.checks
        for entry in check.entries
        for place in entry.places
    }


def codes(verdict: Verdict) -> list[str]:
    """The codes of the conditions."""
    return [part.code.removeprefix("condition.") for part in verdict.conditions]
