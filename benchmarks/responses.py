"""Seeded, realistic pre-upgrade check responses of any size.

    python benchmarks/responses.py --nodes 1000 --items 40 --failed 3 --seed 1 > big.json

The ten names of the published examples are used as published. All others are invented and say
so: they begin with `Sample`. The same arguments give the same bytes, with every Python.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import sqrt
from random import Random
from typing import Any, TypeVar

Json = dict[str, Any]
T = TypeVar("T")

CREATED = datetime(2026, 11, 20, 9, 12, 41, 204518, tzinfo=UTC)
UPDATED = CREATED + timedelta(seconds=96, microseconds=371204)
SUCCEEDED = "check item succeed"


@dataclass(frozen=True)
class Check:
    """A check item name with what is the same wherever it occurs."""

    name: str
    kind: str
    level: str
    group: str
    message: str = "check item failed"

    def item(self) -> Json:
        """As the API shows it when it succeeded."""
        return {
            "name": self.name,
            "kind": self.kind,
            "group": self.group,
            "level": self.level,
            "phase": "Success",
            "message": SUCCEEDED,
            "riskSource": {},
        }


def _checks(group: str, rows: Sequence[tuple[str, ...]]) -> list[Check]:
    kinds = {"E": "Exception", "R": "Risk"}
    levels = {"I": "Info", "W": "Warning", "F": "Fatal"}
    return [
        Check(name, kinds[code[0]], levels[code[1]], group, *message)
        for name, code, *message in rows
    ]


CLUSTER_CHECKS = _checks(
    "LimitCheck",
    [
        ("DeprecatedApiCheck", "RI", "clients still call APIs that the target version removes"),
        (
            "NodeContainerdPodRestartRisk",
            "RW",
            "containerd will be upgraded on these nodes, their pods may restart",
        ),
        ("ResiduePackageVersion", "EF"),
        ("BlackLimit", "EF"),
        ("MasterSSH", "EF"),
        ("ReleaseLimit", "EW"),
        ("ClusterNoArm", "EW"),
        (
            "SampleConfigurationDrift",
            "RW",
            "组件配置与默认值不一致，升级后将被覆盖，请确认",
        ),
        ("SampleSubnetQuota", "EF"),
        ("SampleCompatibilityNotice", "RW"),
    ],
)
ADDON_CHECKS = _checks(
    "AddonCheck",
    [
        (
            "AddonLimit",
            "EW",
            "addon [ Sample Ingress ] does not support cluster target version, check and try again",
        ),
        ("CoreDNSConfLimit", "EF"),
        ("EverestLimitHungVersion", "RF"),
        ("SampleAddonConfigRisk", "RW"),
    ],
)
NODE_CHECKS = _checks(
    "NodeCheck",
    [
        ("SampleNodeReadiness", "EF", "node is not ready, please check and try again"),
        ("SampleNodeCpuUsage", "RW", "the CPU usage of the node is higher than 90%"),
        ("SampleNodeMemoryUsage", "RW", "节点内存使用率超过90%，请在业务低峰期升级"),
        ("SampleNodeDiskSpace", "EW", "节点磁盘空间不足：/var/lib/containerd 剩余空间小于 1 GB"),
        ("SampleNodeImageCount", "RW", "the number of images on the node exceeds 1000"),
        ("SampleNodeAgentVersion", "EW", "your cce-agent is not the latest version"),
        (
            "SampleNodeCommands",
            "EF",
            "__error_code#ErrorCommandNotExist#chage command is not exists#__",
        ),
        ("SampleNodeClockSync", "RW", "chronyd or ntpd is not running"),
        ("SampleNodeConfigDrift", "RW", "节点配置文件被修改，升级后将恢复为默认值，请确认"),
        (
            "SampleNodeRootPermissions",
            "EF",
            "user paas must have at least read and execute permissions on the root directory",
        ),
        ("SampleNodeDns", "EF", "failed to resolve the package address"),
        ("SampleNodeKubelet", "EF", "kubelet is abnormal, please repair the node"),
        ("SampleNodeSwap", "RW", "swap is enabled on the node"),
        ("SampleNodeSockMount", "RW", "pods mount containerd.sock: map[sample-agent]"),
        ("SampleNodeTaint", "EW", "节点存在 node.kubernetes.io/upgrade 污点"),
        ("SampleNodeImageLayers", "RI", "the number of image layers exceeds 5000"),
        ("SampleNodeRuntime", "RW", "the container runtime of the node is outdated"),
        ("SampleNodeMountPoints", "EW", "hung mount points: [/mnt/sample-share]"),
        ("SampleNodeJournald", "EW", "journald is not active"),
        ("SampleNodeNetworkManager", "EW", "NetworkManager is not active"),
        ("SampleNodeCertificates", "RW", "more than 1000 certificate files"),
        ("SampleNodeSudo", "EW", "sudo: failed to execute as user paas"),
        ("SampleNodeKernel", "RW", "内核版本不在标准镜像列表中"),
        ("SampleNodeIdFile", "EF", "the instance id file is malformed"),
        ("SampleNodeGpuPods", "RF", "GPU pods will be rebuilt: map[sample-train-0]"),
        ("SampleNodePaasLogin", "EW", "user paas has no login shell"),
        ("SampleNodeSystemParameters", "RW", "the MTU of bond0 is not 1500"),
        ("SampleNodeResidualPackages", "EW", "residual package data, please reset the node"),
        ("SampleNodeDrainage", "EW", "unfinished drainage tasks: [sample-drain-1]"),
        ("SampleNodeMountConflict", "EW", "the file path /mnt/paas is mounted"),
        ("SampleNodeKubeProxy", "EF", "kube-proxy is not active"),
        ("SampleNodeCni", "EF", "网络组件异常，请检查后重试"),
        ("SampleNodeTimeZone", "RI", "the time zone differs from the cluster's"),
        ("SampleNodeRpmDatabase", "EW", "rpm: failed to execute rpm -qa"),
        ("SampleNodeContainerdSock", "EW", "stray containerd.sock on the node"),
        ("SampleNodeOsImage", "EF", "the OS does not support the target version"),
        ("SampleNodePoolLabel", "EW", "stray node pool label on the node"),
        ("SampleNodeGpuDriver", "RF", "the kernel needs a newer GPU driver"),
        ("SampleNodePids", "RW", "节点进程数接近上限"),
        ("SampleNodeExecuteCheck", "RW", "failed to execute docker ps -aq"),
    ],
)
MASTER_CHECKS = _checks(
    "MasterCheck",
    [
        ("SampleMasterComponents", "EF", "the control plane component is not healthy"),
        ("SampleMasterCpuCores", "EF", "the master has no more than 2 cores"),
        ("SampleMasterDiskSpace", "EF", "控制节点磁盘空间不足"),
        ("SampleMasterEtcdMemory", "RW", "etcd is close to its memory limit"),
        ("SampleMasterTimeZone", "RW", "the time zone differs from the cluster's"),
        ("SampleMasterCertificates", "EW", "certificates will expire soon"),
    ],
)


def response(
    nodes: int,
    items_per_node: int = 40,
    failed_percent: float = 3.0,
    seed: int = 1,
    distinct_messages: bool = False,
    masters: int = 0,
) -> Json:
    """A finished task over `nodes` worker nodes and `masters` masters.

    About `failed_percent` of the nodes' items fail, a few checks far more often than the rest.
    With any failures at all, three Risks of the cluster section and AddonLimit fail too, each
    with rows of its own. `distinct_messages` makes every failure's message differ.
    """
    maker = _Maker(seed, failed_percent, distinct_messages)
    cluster_id = maker.v1_uuid()
    stages = maker.stages("master", masters, _take(MASTER_CHECKS, items_per_node))
    stages += maker.stages("node", nodes, _take(NODE_CHECKS, items_per_node))
    cluster = [maker.cluster_item(check, stages) for check in CLUSTER_CHECKS]
    addon = [maker.addon_item(check) for check in ADDON_CHECKS]
    on_nodes = [item for stage in stages for item in stage["itemsStatus"]]
    status: Json = {"phase": _phase([*cluster, *addon, *on_nodes])}
    if status["phase"] == "Success":
        status["expireTimeStamp"] = go_time(UPDATED + timedelta(hours=1))
    status["clusterCheckStatus"] = {"phase": _phase(cluster), "itemsStatus": cluster}
    status["addonCheckStatus"] = {"phase": _phase(addon), "itemsStatus": addon}
    status["nodeCheckStatus"] = {"phase": _phase(on_nodes)}
    if stages:
        status["nodeCheckStatus"]["nodeStageStatus"] = stages
    return {
        "kind": "PreCheckTask",
        "apiVersion": "v3",
        "metadata": {
            "uid": maker.v4_uuid(),
            "creationTimestamp": go_time(CREATED),
            "updateTimestamp": go_time(UPDATED),
        },
        "spec": {
            "clusterID": cluster_id,
            "clusterVersion": "v1.29.13-r4",
            "targetVersion": "v1.31.10-r2",
        },
        "status": status,
    }


def go_time(moment: datetime) -> str:
    """As Go prints a time: trailing zeros of the fraction are left out."""
    text = moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f").rstrip("0").rstrip(".")
    return f"{text} +0000 UTC"


def api_text(value: Any, indent: str = "") -> str:
    """JSON laid out as the API's published examples are."""
    deeper = indent + "  "
    if isinstance(value, dict):
        if not value:
            return "{ }"
        pairs = [f"{deeper}{_quoted(key)} : {api_text(val, deeper)}" for key, val in value.items()]
        return "{\n" + ",\n".join(pairs) + f"\n{indent}}}"
    if isinstance(value, list):
        parts = ", ".join(api_text(part, indent) for part in value)
        return f"[ {parts} ]" if parts else "[ ]"
    return _quoted(value)


def _quoted(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _phase(items: Sequence[Json]) -> str:
    return "Failed" if any(item["phase"] == "Failed" for item in items) else "Success"


def _take(checks: Sequence[Check], count: int) -> list[Check]:
    """The first `count` checks, filled up with numbered ones."""
    taken = list(checks[:count])
    stem = "SampleMasterCheck" if checks is MASTER_CHECKS else "SampleNodeCheck"
    shapes = [("Exception", "Fatal"), ("Risk", "Warning"), ("Exception", "Warning")]
    for number in range(len(taken) + 1, count + 1):
        kind, level = shapes[number % len(shapes)]
        taken.append(Check(f"{stem}{number:03}", kind, level, checks[0].group))
    return taken


class _Maker:
    """Draws from one seed. Only `random()` is used: Python promises that it stays the same."""

    def __init__(self, seed: int, failed_percent: float, distinct_messages: bool) -> None:
        self._random = Random(seed)
        self._failed = failed_percent / 100
        self._distinct = distinct_messages
        self._failures = 0

    def below(self, limit: int) -> int:
        return int(self._random.random() * limit)

    def pick(self, choices: Sequence[T]) -> T:
        return choices[self.below(len(choices))]

    def hexadecimal(self, digits: int) -> str:
        return "".join(self.pick("0123456789abcdef") for _ in range(digits))

    def v1_uuid(self) -> str:
        """As clusters and nodes have them."""
        return f"{self.hexadecimal(8)}-c4{self.hexadecimal(2)}-11f1-9c{self.hexadecimal(2)}-" + (
            f"0255ac10{self.hexadecimal(4)}"
        )

    def v4_uuid(self) -> str:
        """As tasks have them."""
        return f"{self.hexadecimal(8)}-{self.hexadecimal(4)}-4{self.hexadecimal(3)}-" + (
            f"{self.pick('89ab')}{self.hexadecimal(3)}-{self.hexadecimal(12)}"
        )

    def stages(self, node_type: str, count: int, checks: Sequence[Check]) -> list[Json]:
        chances = self._chances(len(checks))
        pools = ("a", "b", "c")
        stages: list[Json] = []
        for number in range(1, count + 1):
            name = f"sample-master-{number}"
            if node_type == "node":
                pool = pools[number * len(pools) // (count + 1)]
                name = f"sample-pool-{pool}-{number:05}-{self.hexadecimal(5)}"
            uid = self.v1_uuid()
            info = {"uid": uid, "name": name, "status": "Active", "nodeType": node_type}
            items = [
                self.node_item(check, name)
                if chance and self._random.random() < chance
                else check.item()
                for check, chance in zip(checks, chances, strict=True)
            ]
            stages.append({"nodeInfo": info, "itemsStatus": items})
        return stages

    def _chances(self, count: int) -> list[float]:
        """How often each check fails: the mean is as asked, the spread as in life."""
        if not count or not self._failed:
            return [0.0] * count
        weights = [1 / (rank * sqrt(rank)) for rank in range(1, count + 1)]
        total = sum(weights)
        chances = [min(1.0, self._failed * count * weight / total) for weight in weights]
        for last in range(count - 1, 0, -1):
            other = self.below(last + 1)
            chances[last], chances[other] = chances[other], chances[last]
        return chances

    def failed(self, check: Check, place: str, risks: Json) -> Json:
        message = check.message
        self._failures += 1
        if self._distinct:
            message = f"{message} ({place}, no. {self._failures})"
        item = check.item() | {"phase": "Failed", "message": message, "riskSource": risks}
        if check.name == "SampleNodeCommands":
            item["errorCodes"] = ["SampleErrorCommandNotExist"]
        return item

    def node_item(self, check: Check, name: str) -> Json:
        risks: Json = {}
        if check.name == "SampleNodeConfigDrift":
            risks["configurationRisks"] = [_drift("kubelet", name, "maxPods", "110", "256")]
        return self.failed(check, name, risks)

    def cluster_item(self, check: Check, stages: Sequence[Json]) -> Json:
        if not self._failed:
            return check.item()
        workers = [stage["nodeInfo"] for stage in stages if stage["nodeInfo"]["nodeType"] == "node"]
        if check.name == "DeprecatedApiCheck":
            rows = [
                ("/apis/policy/v1beta1/podsecuritypolicies", "sample-operator/v0.9.1"),
                ("/apis/discovery.k8s.io/v1beta1/endpointslices", "coredns"),
            ]
            listed = [{"url": url, "userAgent": agent} for url, agent in rows]
            return self.failed(check, "cluster", {"deprecatedAPIRisks": listed})
        if check.name == "NodeContainerdPodRestartRisk":
            listed = [{"NodeID": info["uid"]} for info in workers[::7]]
            return self.failed(check, "cluster", {"nodeRisks": listed})
        if check.name == "SampleConfigurationDrift":
            name = workers[0]["name"] if workers else ""
            listed = [
                _drift("kube-proxy", name, "conntrackMin", "131072", "262144"),
                _drift("kubelet", name, "eventRecordQPS", "5", "50"),
            ]
            return self.failed(check, "cluster", {"configurationRisks": listed})
        return check.item()

    def addon_item(self, check: Check) -> Json:
        if not self._failed or check.name != "AddonLimit":
            return check.item()
        row = {"addonTemplateName": "sample-ingress", "alias": "Sample Ingress"}
        return self.failed(check, "add-on", {"addonRisks": [row]})


def _drift(package: str, node: str, field: str, original: str, value: str) -> Json:
    return {
        "package": package,
        "sourceFile": f"/opt/cloud/cce/sample/{package}/config.yaml",
        "nodeMsg": node,
        "field": field,
        "operation": "update",
        "originalValue": original,
        "value": value,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Write a response to standard output."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--nodes", type=int, required=True, help="worker nodes")
    parser.add_argument("--masters", type=int, default=0, help="master nodes besides")
    parser.add_argument("--items", type=int, default=40, help="check items on each node")
    parser.add_argument("--failed", type=float, default=3.0, help="percent that fail on nodes")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--distinct-messages", action="store_true")
    parser.add_argument("--pretty", action="store_true", help="laid out as the API does")
    options = parser.parse_args(arguments)
    made = response(
        options.nodes,
        options.items,
        options.failed,
        options.seed,
        options.distinct_messages,
        options.masters,
    )
    text = (
        api_text(made)
        if options.pretty
        else json.dumps(made, ensure_ascii=False, separators=(",", ":"))
    )
    sys.stdout.buffer.write(text.encode() + b"\n")


if __name__ == "__main__":
    main()
