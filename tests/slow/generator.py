"""Hypothesis strategies for responses, policies, waiver lists, and whole cases.

The vocabularies are small on purpose: rules, waivers and responses have to meet. Every draw puts
the plainest choice first, so that failures shrink towards a healthy response and an empty policy.
Nothing here imports the product.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Protocol

from hypothesis import strategies as st

Json = dict[str, Any]

AT = datetime(2026, 3, 1, 10, 30, tzinfo=UTC)
# Midnights and the last second of a day, where dates change their meaning.
INSTANTS = (
    AT,
    datetime(2026, 3, 1, tzinfo=UTC),
    datetime(2026, 3, 2, tzinfo=UTC),
    datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC),
)

# ------------------------------------------------------------------------------------------------
# Vocabularies

# name, kind, group, level: as published where that is known
CLUSTER_CHECKS = (
    ("NodeContainerdPodRestartRisk", "Risk", "LimitCheck", "Warning"),
    ("DeprecatedApiCheck", "Risk", "LimitCheck", "Info"),
    ("ResiduePackageVersion", "Exception", "LimitCheck", "Fatal"),
)
ADDON_CHECKS = (
    ("EverestLimitHungVersion", "Risk", "AddonCheck", "Fatal"),
    ("AddonLimit", "Exception", "AddonCheck", "Warning"),
)
NODE_CHECKS = (
    ("NodeDisk", "Risk", "NodeCheck", "Warning"),
    ("NodeSSH", "Exception", "NodeCheck", "Fatal"),
    ("NodeContainerdPodRestartRisk", "Risk", "NodeCheck", "Warning"),
)
NAMES = (
    "NodeContainerdPodRestartRisk",
    "NodeDisk",
    "EverestLimitHungVersion",
    "DeprecatedApiCheck",
    "AddonLimit",
    "ResiduePackageVersion",
    "NodeSSH",
)
TOPICS = {
    "NodeContainerdPodRestartRisk": "pod-restart",
    "NodeDisk": "node-disk",
    "AddonLimit": "addons",
    "DeprecatedApiCheck": "deprecated-apis",
}
NODES = (
    {"uid": "n-a", "name": "alpha", "status": "Active", "nodeType": "node"},
    {"uid": "n-b", "name": "beta", "status": "Abnormal", "nodeType": "node"},
    {"uid": "n-m", "name": "main", "status": "Active", "nodeType": "master"},
)
UIDS = ("n-a", "n-b", "n-m")
SUCCEEDED = "check item succeed"
MESSAGES = (
    "addon [ CoreDNS ] status is abnormal, check and try again",
    "disk is full",
    "you cce-agent no update,\nplease restart it",
)
CODES = ("ErrorCommandNotExist", "ErrorDisk")
CLUSTERS = ("c-one", "c-two")
FROM_VERSIONS = ("v1.29.8-r10", "v1.28.1")
TARGETS = ("v1.31.4-r2", "v1.31", "v1.31.4", "v1.3")
ADDONS = (
    {"addonTemplateName": "coredns", "alias": "CoreDNS"},
    {"addonTemplateName": "everest"},
    {"alias": "CoreDNS"},
)

# What a field may hold instead of a proper value. `_DROP` removes it.
_DROP = object()
ODD_VALUES: dict[str, tuple[Any, ...]] = {
    "name": (_DROP, None, "", "NodeDisk", "nodedisk", "Odd[1]", "N\u043edeDisk", "NodeDisk "),
    "kind": ("Hazard", _DROP, None, "", "risk", "Risk", "Exception"),
    "level": ("Severe", _DROP, None, "", "fatal", "Info", "Fatal"),
    "group": ("ExecuteException", "PodCheck", _DROP, None, "ExecuteException"),
    "phase": ("Running", "Init", "Error", "Skipped", _DROP, None, "", "success", "Success "),
    "message": (_DROP, None, "", "disk is full"),
}
ODD_FIELDS: tuple[tuple[str, Any], ...] = (
    ("owner", "somebody"),
    ("extra", {"a": [1, {"b": None}]}),
    ("Phase", "Failed"),
    ("subChecks", [{"name": "Hidden", "Phase": "Failed"}]),
    ("more", {"deep": [{"LEVEL": "Fatal"}]}),
    ("nested", {"itemsStatus": []}),
    ("skipped_check_item_list", [{"name": "NodeDisk"}]),
    ("skipReason", False),
    ("checkItems", {"result": "bad"}),
    ("phase\u3164", "odd"),
    ("ph\u0251se", "odd"),
    ("\u039aind", "odd"),
    ("s\u0198ippedNodes", ["n-a"]),
    ("CPU\u4f7f\u7528", "90 %"),
    ("\u5907\u6ce8", "harmless"),
)

# ------------------------------------------------------------------------------------------------
# Small draws

_PERCENT = st.integers(0, 99)


class Dice(Protocol):
    """Where the chances come from; the first option of each pick is the plainest."""

    def percent(self) -> int:
        """0 to 99."""

    def pick(self, options: Sequence[Any]) -> Any:
        """One of the options, itself."""


class Drawn:
    """Hypothesis: shrinks what it finds, at some milliseconds a case."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw

    def percent(self) -> int:
        return self._draw(_PERCENT)

    def pick(self, options: Sequence[Any]) -> Any:
        if not isinstance(options, tuple):
            return self._draw(st.sampled_from(options))
        # The tuple is kept beside its strategy, so its id can't be given to another one.
        if id(options) not in _pools:
            _pools[id(options)] = (options, st.sampled_from(options))
        return self._draw(_pools[id(options)][1])


_pools: dict[int, tuple[Any, st.SearchStrategy[Any]]] = {}


class Rolled:
    """A seeded generator: the same seed gives the same case on every Python."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed).random

    def percent(self) -> int:
        return int(self._random() * 100)

    def pick(self, options: Sequence[Any]) -> Any:
        return options[int(self._random() * len(options))]


def _chance(dice: Dice, percent: int) -> bool:
    """True in so many of a hundred cases; shrinks to False."""
    return percent > 0 and dice.percent() >= 100 - percent


def _pick(dice: Dice, options: tuple[Any, ...]) -> Any:
    """One of the options, as a value of its own (no aliases when it is written as YAML)."""
    return _own(dice.pick(options))


def _own(value: Any) -> Any:
    """A copy of JSON data: `deepcopy` takes ten times as long."""
    if isinstance(value, dict):
        return {key: _own(part) for key, part in value.items()}
    return [_own(part) for part in value] if isinstance(value, list) else value


def go_time(moment: datetime) -> str:
    """The way Go prints a time: trailing zeros of the fraction are cut."""
    text = moment.strftime("%Y-%m-%d %H:%M:%S")
    if moment.microsecond:
        text += f".{moment.microsecond:06}".rstrip("0")
    return text + " +0000 UTC"


# ------------------------------------------------------------------------------------------------
# Responses

# calm: what a sound cluster says; failing: failures, well-formed but for a few; flawed: one or two
# things are wrong, which is where a false pass would hide; wild: anything at all
_MOODS = ("calm",) * 3 + ("failing",) * 3 + ("flawed",) * 6 + ("wild",)
_FAILING = {"calm": 18, "failing": 50, "flawed": 25, "wild": 40}
_NOISE = {"calm": 0, "failing": 4, "flawed": 0, "wild": 14}
_FLAWS = ("item",) * 8 + (
    "times",
    "task",
    "section",
    "holds",
    "stage",
    "stage",
    "spec",
    "skip",
    "extra",
    "top",
    "bare",
)
# How sure a flaw is where it is chosen: rare where there are many places for it.
_FLAW_NOISE = {"item": 60, "extra": 25, "section": 50, "holds": 40, "stage": 60}


_FLAW_COUNTS = (1, 1, 2)


def _mood(dice: Dice) -> tuple[dict[str, int], list[str]]:
    """How many in a hundred fail and how many of each thing are odd; and the flaws chosen."""
    name = _pick(dice, _MOODS)
    mood = {"failing": _FAILING[name], **dict.fromkeys(_FLAWS, _NOISE[name])}
    mood["bare"] = 0
    flaws = []
    if name == "flawed":
        flaws = [_pick(dice, _FLAWS) for _ in range(_pick(dice, _FLAW_COUNTS))]
    for flaw in flaws:
        mood[flaw] = _FLAW_NOISE.get(flaw, 80)
    return mood, flaws


_COUNTS = (1, 2, 1, 2, 3)
_NODE_COUNTS = (1, 2, 0, 1, 2, 3)
_UPDATED = (
    timedelta(minutes=-10),
    timedelta(minutes=-10, microseconds=5190),
    timedelta(hours=-2),
    timedelta(0),
    timedelta(minutes=3),
    timedelta(minutes=5),
    timedelta(minutes=5, microseconds=1),
    timedelta(hours=-1),
)
_EXPIRES = (
    timedelta(minutes=50),
    timedelta(microseconds=1),
    timedelta(0),
    timedelta(seconds=-1),
    timedelta(hours=-1),
)
_ODD_TIMES = (
    _DROP,
    None,
    "",
    "yesterday",
    "0001-01-01 00:00:00 +0000 UTC",
    "0001-01-01 00:00:00 +0000 UTC",
    "2026-02-30 00:00:00 +0000 UTC",
    "2026-03-01T10:25:00Z",
    "2026-03-01 18:25:00.5 +0800 CST",
    "2026-03-01 05:25:00 -0500 UTC",
    "2026-03-02 11:00:00Z",
    "2026-03-02 11:00:00Z\n",
    "2026-03-01 10:25:00 +0000 UTC m=+0.1",
    "2026-03-01T10:25:00.123456789+00:00",
    "2026-03-01T10:25:00",
)


def _set(target: Json, key: str, value: Any) -> None:
    if value is _DROP:
        target.pop(key, None)
    else:
        target[key] = value


_SOURCES = ("none", "nodes", "addons", "nodes", "none", "addons", "api", "config", "api", "empty")
_RISK_NODES: tuple[Any, ...] = (
    [{"NodeID": "n-a"}],
    [{"NodeID": "n-a"}, {"NodeID": "n-b"}],
    [{"NodeID": "n-b"}, {"NodeID": "n-b"}],
    [{"NodeID": "n-a"}, {}],
    [{"NodeID": "n-a"}, {"NodeID": None}],
    [{"NodeID": ""}],
    [{}, {}],
    [],
)
_RISK_ADDONS: tuple[Any, ...] = (
    [ADDONS[0]],
    [ADDONS[0], ADDONS[1]],
    [ADDONS[1]],
    [ADDONS[2]],
    [{}],
)
_RISK_APIS: tuple[Any, ...] = (
    [{"url": "/apis/policy/v1beta1/podsecuritypolicies", "userAgent": "coredns"}],
    [
        {"url": "/apis/policy/v1beta1/podsecuritypolicies", "userAgent": "coredns"},
        {"url": "/apis/x/v1beta1/y", "userAgent": "kubectl"},
    ],
    [{"url": "/apis/x/v1beta1/y"}],
    [{"url": "/apis/x/v1beta1/y", "userAgent": None}, {"userAgent": "coredns"}],
    [{}, {"url": "", "userAgent": "coredns"}],
)
_RISK_CONFIGS: tuple[Any, ...] = (
    [{"package": "kubelet", "field": "max-pods", "originalValue": "9", "value": "10"}],
    [{"package": "kubelet", "field": "max-pods"}, {"package": "docker", "value": ""}],
)
_ERROR_CODES: tuple[Any, ...] = (
    [CODES[0]],
    [CODES[0], CODES[1]],
    [CODES[1]],
    [CODES[0], ""],
    [],
    None,
    [""],
)
# Fields the API doesn't document are the only ones that may hold anything but texts.
_MORE_FIELDS: tuple[tuple[str, Any], ...] = (
    ("retries", 3),
    ("retries", "3"),
    ("retries", 0),
    ("retries", 2.5),
    ("soft", True),
    ("soft", False),
    ("retries", True),
    ("retries", [3]),
    ("soft", {"a": None}),
    ("soft", {"a": 1}),
    ("soft", ["", "yes"]),
)
_ODD_FIELDS_OF_ITEMS = ("kind", "level") * 3 + ("phase", "group", "message", "name")


def _item(dice: Dice, checks: tuple[Any, ...], mood: dict[str, int]) -> Json:
    """One check item; the checks of the section lend it name, kind, group and level."""
    name, kind, group, level = _pick(dice, checks)
    item: Json = {"name": name, "kind": kind, "group": group, "level": level}
    # A failed Exception ends most cases at once.
    failed = _chance(dice, mood["failing"] // (1 if kind == "Risk" else 2))
    item["phase"] = "Failed" if failed else "Success"
    item["message"] = SUCCEEDED
    item["riskSource"] = {}
    if failed:
        item["message"] = _pick(dice, MESSAGES)
        source = _pick(dice, _SOURCES)
        if source == "nodes":
            item["riskSource"] = {"nodeRisks": _pick(dice, _RISK_NODES)}
        elif source == "addons":
            item["riskSource"] = {"addonRisks": _pick(dice, _RISK_ADDONS)}
        elif source == "api":
            item["riskSource"] = {"deprecatedAPIRisks": _pick(dice, _RISK_APIS)}
        elif source == "config":
            item["riskSource"] = {"configurationRisks": _pick(dice, _RISK_CONFIGS)}
        elif source == "empty":
            item["riskSource"] = None
        if _chance(dice, 40):
            item["errorCodes"] = _pick(dice, _ERROR_CODES)
        if _chance(dice, 20):
            _set(item, *_pick(dice, _MORE_FIELDS))
    if _chance(dice, mood["item"]):
        # Most of these only matter for what failed.
        if _chance(dice, 80):
            item["phase"] = "Failed"
        field = _pick(dice, _ODD_FIELDS_OF_ITEMS)
        _set(item, field, _pick(dice, ODD_VALUES[field]))
        if _chance(dice, 30):
            field = _pick(dice, _ODD_FIELDS_OF_ITEMS)
            _set(item, field, _pick(dice, ODD_VALUES[field]))
    if _chance(dice, mood["extra"] // 2):
        _set(item, *_pick(dice, ODD_FIELDS))
    return item


def _items(dice: Dice, checks: tuple[Any, ...], mood: dict[str, int]) -> list[Json]:
    return [_item(dice, checks, mood) for _ in range(_pick(dice, _COUNTS))]


def _any_failed(items: list[Json]) -> bool:
    return any(item.get("phase") == "Failed" for item in items)


_ODD_SECTION: tuple[Any, ...] = (
    _DROP,
    None,
    {},
    {"phase": "Success"},
    {"phase": "Success", "itemsStatus": []},
)
_ODD_ITEMS: tuple[Any, ...] = (_DROP, None, [], [{}])
_ODD_STAGES: tuple[Any, ...] = (_DROP, None, [])
_SECTION_PHASES = ("Failed", "Success", "Running", "Init", "Error", _DROP, None, "")
_TASK_PHASES = ("Failed", "Success", "Error", "Running", "Init", "Done", _DROP, None, "", "success")


def _section(dice: Dice, key: str, held: Any, failed: bool, mood: dict[str, int]) -> Any:
    """A section object around its items or nodes, or something odd instead."""
    section: Json = {"phase": "Failed" if failed else "Success", key: held}
    if _chance(dice, mood["section"] // 2):
        _set(section, "phase", _pick(dice, _SECTION_PHASES))
    if _chance(dice, mood["extra"] // 3):
        _set(section, *_pick(dice, ODD_FIELDS))
    if _chance(dice, mood["holds"] // 2):
        return _pick(dice, _ODD_SECTION)
    if _chance(dice, mood["holds"] // 2):
        _set(section, key, _pick(dice, _ODD_STAGES if key == "nodeStageStatus" else _ODD_ITEMS))
    return section


_NODE_FIELDS = tuple(NODES[0])
_ODD_NODE_VALUES = (_DROP, None, "", "master", "Worker", "n-a ", "n-\u0430", "\u0430lpha")
_ODD_INFOS: tuple[Any, ...] = (_DROP, None, {})


def _stages(dice: Dice, mood: dict[str, int]) -> list[Json]:
    """The nodes, with the same checks repeated over them."""
    shared: list[Json] = []
    stages = []
    for number in range(_pick(dice, _NODE_COUNTS)):
        info = dict(NODES[number])
        if _chance(dice, mood["stage"]):
            _set(info, _pick(dice, _NODE_FIELDS), _pick(dice, _ODD_NODE_VALUES))
        stage: Json = {"nodeInfo": info}
        if _chance(dice, mood["stage"] // 3):
            _set(stage, "nodeInfo", _pick(dice, _ODD_INFOS))
        if not shared or _chance(dice, 50):
            shared = _items(dice, NODE_CHECKS, mood)
        _set(stage, "itemsStatus", _own(shared))
        if _chance(dice, mood["stage"] // 3):
            _set(stage, "itemsStatus", _pick(dice, _ODD_ITEMS))
        stages.append(stage)
    if len(stages) > 1 and _chance(dice, mood["stage"] // 2):
        stages[1]["nodeInfo"] = _own(stages[0].get("nodeInfo"))  # listed twice
        if stages[1]["nodeInfo"] and _chance(dice, 50):
            stages[1]["nodeInfo"]["nodeType"] = "master"
    return stages


_SKIP_UIDS = (["n-a"], ["n-a", "n-b"], ["n-b"], ["n-x"])
_BROKEN_SELECTORS = (
    {"key": "node.uid", "operator": "In", "values": []},
    {"key": "node.name", "operator": "In", "values": ["n-a"]},
    {"key": "node.uid", "operator": "NotIn", "values": ["n-a"]},
    {"operator": "In", "values": ["n-a"]},
    {"key": "node.uid", "operator": "In", "values": ["n-a", ""]},
    {"key": "node.uid", "operator": "In"},
    {"key": "node.uid", "operator": "In", "values": ["n-a "]},
    {"key": "node.uid", "operator": "In", "values": ["n-\u0431", "n-a"]},
)
_ODD_SKIP_NAMES = (
    _DROP,
    None,
    "",
    "Unheard",
    "NodeDisk ",
    "N\u043edeDisk",
    "NodeDisk\u3164",
    "\u039dodeDisk",
    "N\u0585deDisk",
    "\u8282\u70b9\u78c1\u76d8",
)


def _skip_entry(dice: Dice, mood: dict[str, int]) -> Json:
    entry: Json = {"name": _pick(dice, NAMES)}
    if _chance(dice, 50):
        entry["resourceSelector"] = {
            "key": "node.uid",
            "operator": "In",
            "values": _pick(dice, _SKIP_UIDS),
        }
    if _chance(dice, mood["skip"]):
        entry["resourceSelector"] = _pick(dice, _BROKEN_SELECTORS)
    if _chance(dice, mood["skip"] // 3):
        _set(entry, "name", _pick(dice, _ODD_SKIP_NAMES))
    return entry


_SKIP_COUNTS = (1, 1, 2)
_SPEC_FIELDS = ("clusterID", "clusterID", "clusterVersion", "targetVersion")
_ODD_SPEC_VALUES = (_DROP, None, "", "latest", "v1.31.4-r2\n", "c-one ", "V1.31", "v1", "v1-r2")
_ODD_TOPS: tuple[Any, ...] = (
    ("status", _DROP),
    ("kind", "List"),
    ("kind", None),
    ("apiVersion", "v4"),
    ("apiVersion", _DROP),
    ("spec", _DROP),
    ("metadata", None),
    ("status", {}),
    ("hidden", {"kind": "x"}),
    ("note", "harmless"),
)


def _response(dice: Dice, at: datetime) -> tuple[Json, list[str]]:
    """A response, and the flaws that were meant to be in it."""
    mood, flaws = _mood(dice)
    cluster = _items(dice, CLUSTER_CHECKS, mood)
    addon = _items(dice, ADDON_CHECKS, mood)
    stages = _stages(dice, mood)
    if mood["bare"]:
        cluster, addon, stages = [], [], []
    on_nodes = [item for stage in stages for item in stage.get("itemsStatus") or []]
    status: Json = {"phase": "Success"}
    if _any_failed(cluster + addon + on_nodes):
        status["phase"] = "Failed"
    if _chance(dice, mood["task"]):
        _set(status, "phase", _pick(dice, _TASK_PHASES))
    if status.get("phase") != "Failed" or _chance(dice, 25):
        status["expireTimeStamp"] = go_time(at + _EXPIRES[0])
        if _chance(dice, 12):
            status["expireTimeStamp"] = go_time(at + _pick(dice, _EXPIRES))
    if _chance(dice, max(mood["times"] // 2, 3)):
        _set(status, "expireTimeStamp", _pick(dice, _ODD_TIMES))
    for name, key, held, failed in (
        ("clusterCheckStatus", "itemsStatus", cluster, _any_failed(cluster)),
        ("addonCheckStatus", "itemsStatus", addon, _any_failed(addon)),
        ("nodeCheckStatus", "nodeStageStatus", stages, _any_failed(on_nodes)),
    ):
        _set(status, name, _section(dice, key, held, failed, mood))
    metadata: Json = {"uid": "task", "updateTimestamp": go_time(at + _UPDATED[0])}
    if _chance(dice, 35):
        metadata["updateTimestamp"] = go_time(at + _pick(dice, _UPDATED))
    if _chance(dice, max(mood["times"] // 2, 3)):
        _set(metadata, "updateTimestamp", _pick(dice, _ODD_TIMES))
    spec: Json = {"clusterID": CLUSTERS[0], "clusterVersion": FROM_VERSIONS[0]}
    spec["targetVersion"] = _pick(dice, TARGETS) if _chance(dice, 20) else TARGETS[0]
    if _chance(dice, 7):
        spec["clusterID"] = CLUSTERS[1]
    if _chance(dice, max(mood["spec"], 4)):
        _set(spec, _pick(dice, _SPEC_FIELDS), _pick(dice, _ODD_SPEC_VALUES))
    if _chance(dice, max(mood["skip"], 25)):
        spec["skippedCheckItemList"] = [
            _skip_entry(dice, mood) for _ in range(_pick(dice, _SKIP_COUNTS))
        ]
    response: Json = {
        "kind": "PreCheckTask",
        "apiVersion": "v3",
        "metadata": metadata,
        "spec": spec,
        "status": status,
    }
    if _chance(dice, mood["top"]):
        _set(response, *_pick(dice, _ODD_TOPS))
    return response, flaws


# ------------------------------------------------------------------------------------------------
# Patterns and matches

PATTERNS: dict[str, tuple[Any, ...]] = {
    "check": (
        *NAMES,
        "Node*",
        "*",
        "*Risk*",
        ["AddonLimit", "NodeDisk"],
        {"equals": "NodeContainerdPodRestartRisk"},
        {"regex": "(Node|Everest).*"},
        [{"equals": "Odd[1]"}, "Everest*"],
        "nodedisk",
    ),
    "kind": (
        "Risk",
        "Exception",
        "Hazard",
        "*",
        "Haz*",
        {"equals": "Hazard"},
        ["Risk", "Hazard"],
        {"regex": "R.*|H.*"},
    ),
    "level": (
        "Warning",
        "Fatal",
        "Info",
        "Severe",
        "Sev*",
        {"equals": "Severe"},
        ["Fatal", "Severe"],
        ["Warning", "Info"],
        {"regex": "[WI].*"},
    ),
    "group": (
        "LimitCheck",
        "NodeCheck",
        "AddonCheck",
        "ExecuteException",
        "*Check",
        ["NodeCheck", "LimitCheck"],
        {"regex": "[A-Z]odCheck|Node.*"},
    ),
    "phase": ("Failed", "Success", "*", "Running", ["Running", "Init"], {"equals": "Skipped"}),
    "scope": ("node", "cluster", "addon", ["node", "cluster"]),
    "message": (
        "disk is full",
        "disk*",
        "*abnormal*",
        "*",
        {"equals": MESSAGES[0]},
        {"regex": "disk is .*"},
        {"regex": "(?s).*restart it"},
        ["disk", "*try again"],
        {"regex": ".*agent.*"},
    ),
    "error_code": (CODES[0], CODES[1], "Error*", [CODES[0], CODES[1]], {"equals": CODES[0]}, "*"),
    "addon": ("coredns", "CoreDNS", "core*", "everest", ["coredns", "everest"], {"regex": "C.*"}),
    "cluster": ("c-one", "c-two", "c-*", ["c-two", "c-three"], {"equals": "c-one"}, "c-one"),
    "from_version": (
        ">=1.23,<1.30",
        "1.29",
        ">1.29-r1",
        "v1.29.8",
        ">1.29",
        ["<1.27", ">=1.29.8-r10"],
    ),
    "target_version": (
        "1.31",
        ">=1.31",
        "<=1.31",
        ">1.31",
        "v1.31.4-r2",
        "<1.31.4-r3",
        [">=1.29,<1.30", "1.31.4"],
        "1.3",
    ),
    "topic": ("pod-restart", "addons", "*", ["node-disk", "pod-restart"], {"equals": "addons"}),
}
NODE_PATTERNS: dict[str, tuple[Any, ...]] = {
    "uid": (
        *("n-a", ["n-a", "n-b"], "n-b", "*", {"equals": "n-a"}, {"regex": "n-[ab]"}, "n-m"),
        *(
            {"regex": text}
            for text in ("(n|m)-(a|b)", "[[:alpha:]-]+", "N?n{1,2}-a", ".*-[[:lower:]]")
        ),
    ),
    "name": (
        *("alpha", "*", ["alpha", "beta"], "b*"),
        *(
            {"regex": text}
            for text in ("(al|be).*a", "[[:alpha:]-]+", "[^[:digit:]a]+.*ta", ".*et?a")
        ),
    ),
    "status": ("Active", "Abnormal", {"equals": "Active"}),
    "type": ("node", "master", ["node", "master"]),
}
_NODE_KEYS = ("uid", "uid", "uid", "type", "name", "status")
_RULE_KEYS = (
    ("check",) * 4
    + ("kind",) * 4
    + ("level",) * 4
    + ("message",) * 2
    + ("group", "phase", "scope", "error_code", "node", "node", "addon", "cluster")
    + ("from_version", "target_version", "topic", "not", "not", "any", "any", "where", "where")
)
_WAIVER_KEYS = (
    ("node",) * 4
    + ("level", "message", "kind", "scope", "error_code", "target_version", "cluster")
    + ("addon", "topic", "not", "any", "group", "from_version", "phase", "where")
)
_FLAT_KEYS = tuple(key for key in _RULE_KEYS if key not in ("not", "any"))
_KEY_COUNTS = (1, 2, 1, 2, 3)
_PART_COUNTS = (1, 2, 1)
_ALTERNATIVES = (2, 1, 2, 3)


# ------------------------------------------------------------------------------------------------
# `where`

# path -> operators that suit it, and some that don't; the plainest first
_COREDNS_URL = '$.riskSource.deprecatedAPIRisks[?(@.userAgent == "coredns")].url'
_OTHER_URL = '$.riskSource.deprecatedAPIRisks[?(@.userAgent != "coredns")].url'
WHERES: dict[str, tuple[Json, ...]] = {
    "$.message": (
        {"matches": "disk.*"},
        {"equals": "disk is full"},
        {"matches": "(?s).*(again|it|full)"},
        {"matches": "disk"},
        {"in": [MESSAGES[0], "disk is full"]},
        {"exists": True},
        {"exists": False},
        {"lt": "e"},
        {"lt": 5},
    ),
    "$.level": (
        {"in": ["Warning", "Info"]},
        {"equals": "Warning"},
        {"ge": "I"},
        {"gt": 3},
        {"equals": True},
        {"matches": "W.*|F.*"},
    ),
    "$.kind": ({"equals": "Risk"}, {"in": ["Risk", "Hazard", 3]}, {"le": "Exception"}),
    "$.name": (
        {"matches": "Node.*"},
        {"in": ["NodeDisk", "NodeContainerdPodRestartRisk", "EverestLimitHungVersion"]},
        {"equals": "NodeDisk"},
        {"lt": "M"},
    ),
    "$.errorCodes[*]": (
        {"equals": CODES[0]},
        {"in": [CODES[0], CODES[1]]},
        {"matches": "Error.*"},
        {"count": {"ge": 1}},
        {"count": {"eq": 0}},
        {"equals": 7},
    ),
    "$.soft[*]": ({"equals": "yes"}, {"count": {"eq": 1}}, {"in": ["yes", True]}),
    "$.errorCodes": ({"exists": True}, {"exists": False}, {"equals": CODES[0]}),
    "$.riskSource": ({"exists": True}, {"exists": False}, {"count": {"ge": 1}}, {"ge": 0}),
    "$.riskSource.nodeRisks[*].NodeID": (
        {"in": ["n-a", "n-b"]},
        {"equals": "n-a"},
        {"equals": "n-b"},
        {"count": {"le": 1}},
        {"count": {"gt": 1}},
        {"exists": True},
        {"matches": "n-[ab]"},
    ),
    "$.riskSource.nodeRisks[*]": ({"count": {"lt": 2}}, {"exists": True}, {"equals": "n-a"}),
    _COREDNS_URL: (
        {"exists": True},
        {"matches": "/apis/policy/.*"},
        {"count": {"eq": 1}},
        {"equals": "/apis/policy/v1beta1/podsecuritypolicies"},
        {"exists": False},
    ),
    _OTHER_URL: ({"exists": False}, {"matches": "/apis/x/.*"}, {"count": {"ge": 1}}),
    "$..url": ({"matches": "/apis/.*"}, {"exists": True}, {"matches": "/apis/x/.*"}),
    "$..addonTemplateName": ({"in": ["coredns", "everest"]}, {"equals": "coredns"}),
    "$.riskSource.configurationRisks[*].value": ({"gt": "1"}, {"ge": 10}, {"exists": False}),
    "$.riskSource.configurationRisks[0].package": ({"equals": "kubelet"},),
    "$.retries": (
        {"lt": 3},
        {"ge": 3},
        {"equals": 3},
        {"gt": 2.5},
        {"in": ["3", 1, 0]},
        {"gt": "2"},
        {"equals": True},
        {"exists": False},
        {"matches": "3"},
        {"equals": 1},
        {"le": 3},
    ),
    "$.soft": (
        {"equals": True},
        {"in": [True, "yes"]},
        {"equals": False},
        {"equals": 1},
        {"ge": 0},
        {"exists": True},
    ),
}
RESPONSE_WHERES: dict[str, tuple[Json, ...]] = {
    "$.status.phase": (
        {"equals": "Failed"},
        {"in": ["Failed", "Success"]},
        {"equals": "Success"},
        {"gt": 1},
    ),
    "$..itemsStatus[*].name": (
        {"equals": "NodeDisk"},
        {"matches": "[A-Z].*"},
        {"equals": "ResiduePackageVersion"},
        {"count": {"le": 5}},
        {"equals": "Unheard"},
    ),
    "$.status.nodeCheckStatus.nodeStageStatus[*]": ({"count": {"ge": 1}}, {"exists": False}),
    "$.status.nodeCheckStatus.nodeStageStatus[*].nodeInfo.status": (
        {"equals": "Active"},
        {"in": ["Active", "Abnormal"]},
        {"equals": "Abnormal"},
    ),
    "$..nodeInfo.status": ({"equals": "Active"}, {"in": ["Active", "Abnormal"]}),
    "$..itemsStatus[*].riskSource.nodeRisks[*].NodeID": (
        {"in": ["n-a", "n-b"]},
        {"matches": "n.*"},
    ),
    '$..itemsStatus[?(@.phase == "Failed")].riskSource.addonRisks[0].alias': (
        {"equals": "CoreDNS"},
        {"exists": False},
    ),
    '$..itemsStatus[?(@.phase == "Failed")].level': (
        {"equals": "Fatal"},
        {"in": ["Info", "Warning"]},
        {"count": {"lt": 3}},
    ),
    "$.spec.targetVersion": ({"ge": "v1.31"}, {"matches": r"v1\.31.*"}, {"gt": 1.3}),
    "$.status.expireTimeStamp": ({"exists": True}, {"exists": False}, {"gt": "2026"}),
    "$.status.message": ({"exists": False}, {"equals": "x"}),
}
_PATHS = tuple(WHERES)
_RESPONSE_PATHS = tuple(RESPONSE_WHERES)
_QUANTIFIERS = ("any", "all", "none")
_CONDITION_COUNTS = (1, 1, 1, 2)
_AIMED_PATHS = ("name", "message", "level", "kind")
_AIMED_FIELDS = {*_AIMED_PATHS, "riskSource"}
_SOURCE_MARKS = {
    "nodeRisks": "odeRisks",
    "deprecatedAPIRisks": "rl",
    "addonRisks": "addon",
    "configurationRisks": "configuration",
}
_AIMED_OPERATORS = ("equals", "in", "matches", "exists", "ge", "not", "wrong")


_CODES_PATH, _NODES_PATH = "$.errorCodes[*]", "$.riskSource.nodeRisks[*].NodeID"
_HALF_KNOWN = {"nodeRisks": [{"NodeID": "n-a"}, {"NodeID": None}]}
# field, value, condition: where types and emptiness decide
_PLANTED: tuple[tuple[str, Any, Json], ...] = (
    ("errorCodes", [CODES[0], ""], {"path": _CODES_PATH, "equals": CODES[0]}),
    ("errorCodes", [CODES[0], ""], {"path": _CODES_PATH, "count": {"eq": 1}}),
    ("errorCodes", [CODES[0], CODES[1]], {"path": _CODES_PATH, "count": {"eq": 1}}),
    ("errorCodes", [""], {"path": _CODES_PATH, "exists": True}),
    ("riskSource", _HALF_KNOWN, {"path": _NODES_PATH, "equals": "n-a"}),
    ("riskSource", _HALF_KNOWN, {"path": "$..NodeID", "in": ["n-a", "n-b"]}),
    ("retries", 1, {"path": "$.retries", "equals": True}),
    ("retries", True, {"path": "$.retries", "equals": 1}),
    ("retries", True, {"path": "$.retries", "in": [1, "x"]}),
    ("soft", True, {"path": "$.soft", "ge": 0}),
    ("soft", False, {"path": "$.soft", "equals": False}),
    ("retries", 3, {"path": "$.retries", "gt": 2.5}),
    ("retries", 3, {"path": "$.retries", "equals": 3.0}),
    ("retries", 0, {"path": "$.retries", "exists": True}),
    ("retries", "10", {"path": "$.retries", "lt": "9"}),
    ("retries", [3, "x"], {"path": "$.retries[*]", "lt": 3}),
    ("retries", [3, "x"], {"path": "$.retries[*]", "equals": 3}),
    ("retries", [1, "x", True], {"path": "$.retries[*]", "in": [1, "x"]}),
    ("retries", [[1], {"a": 1}, "x"], {"path": "$.retries[*]", "matches": "x"}),
    ("retries", [{"a": 1, "b": "x"}, {"a": 2}], {"path": "$.retries[*].b", "equals": "x"}),
    ("soft", {"a": {"b": "x"}, "c": {"b": None}}, {"path": "$..b", "equals": "x"}),
    ("soft", [{"a": {"b": "x"}}, {"a": {"c": "x"}}], {"path": "$.soft[*].a.b", "equals": "x"}),
    ("soft", [{"a": {"b": "x"}}, {"a": {"c": "x"}}], {"path": "$..a.b", "equals": "x"}),
)


def _condition(dice: Dice) -> Json:
    """One condition of a `where`, from the tables."""
    if _chance(dice, 25):
        path = _pick(dice, _RESPONSE_PATHS)
        condition: Json = {"path": path, "on": "response", **_pick(dice, RESPONSE_WHERES[path])}
    else:
        path = _pick(dice, _PATHS)
        condition = {"path": path, **_pick(dice, WHERES[path])}
        if _chance(dice, 10):
            condition["on"] = "item"
    return _modified(dice, condition)


def _modified(dice: Dice, condition: Json) -> Json:
    """Perhaps with `not`, perhaps with a quantifier (`exists` and `count` take none)."""
    beside: Json = {"path": condition.pop("path")}
    if "on" in condition:
        beside["on"] = condition.pop("on")
    if not {"exists", "count"} & set(condition) and _chance(dice, 30):
        beside["quantifier"] = _pick(dice, _QUANTIFIERS)
    if _chance(dice, 15):
        condition = {"not": condition}
    return beside | condition


def _speaking_paths(item: Json) -> list[str]:
    """The paths of the table that may find something in what only some items have."""
    found = [path for path in WHERES if path[2:].split("[")[0] in item.keys() - _AIMED_FIELDS]
    for source, value in (item.get("riskSource") or {}).items():
        found += [path for path in WHERES if value and _SOURCE_MARKS.get(source, "?") in path]
    return found


def _aimed_condition(dice: Dice, target: Json) -> Json:
    """A condition that holds for the target, or nearly."""
    speaking = _speaking_paths(target.get("item", {}))
    if speaking and _chance(dice, 65):
        path = dice.pick(speaking)
        return _modified(dice, {"path": path, **_pick(dice, WHERES[path])})
    field = _pick(dice, _AIMED_PATHS)
    value = target.get("check" if field == "name" else field)
    if not value or any(mark in value for mark in "*?[\n"):
        return _condition(dice)
    operator = _pick(dice, _AIMED_OPERATORS)
    forms: Json = {
        "equals": {"equals": value},
        "in": {"in": ["Nothing", value]},
        "matches": {"matches": value[:3] + ".*"},
        "exists": {"exists": True},
        "ge": {"ge": value},
        "not": {"not": {"equals": "Nothing"}},
        "wrong": {"equals": 3},
    }
    condition: Json = {"path": f"$.{field}", **forms[operator]}
    return condition if operator == "not" else _modified(dice, condition)


def _where(dice: Dice, target: Json | None = None) -> list[Json]:
    """A whole `where`; the first condition is aimed at the target, if there is one."""
    if target and "item" in target and _chance(dice, 25):
        # Too rare to meet by chance: the value is put where the condition will look.
        field, value, condition = _pick(dice, _PLANTED)
        target["item"][field] = _own(value)
        return [_modified(dice, _own(condition))]
    conditions = [_condition(dice) for _ in range(_pick(dice, _CONDITION_COUNTS))]
    if target and _chance(dice, 75):
        conditions[0] = _aimed_condition(dice, target)
    return conditions


def _value(dice: Dice, key: str, depth: int) -> Any:
    if key == "where":
        return _where(dice)
    if key == "not":
        return _match(dice, _RULE_KEYS if depth else _FLAT_KEYS, _PART_COUNTS, depth - 1)
    if key == "any":
        return [
            _match(dice, _RULE_KEYS if depth else _FLAT_KEYS, _PART_COUNTS, depth - 1)
            for _ in range(_pick(dice, _ALTERNATIVES))
        ]
    if key == "node":
        first = _pick(dice, _NODE_KEYS)
        node = {first: _pick(dice, NODE_PATTERNS[first])}
        if _chance(dice, 20):
            second = _pick(dice, _NODE_KEYS)
            node[second] = _pick(dice, NODE_PATTERNS[second])
        return node
    return _pick(dice, PATTERNS[key])


def _match(dice: Dice, keys: tuple[str, ...], counts: tuple[int, ...], depth: int) -> Json:
    match: Json = {}
    for _ in range(_pick(dice, counts)):
        key = _pick(dice, keys)
        match[key] = _value(dice, key, max(depth, 0))
    return match


def _mentions(match: Json, key: str) -> bool:
    """Whether a key occurs anywhere in a match."""
    parts = [*match.get("any", []), *([match["not"]] if "not" in match else [])]
    return key in match or any(_mentions(part, key) for part in parts)


# ------------------------------------------------------------------------------------------------
# Limits

_COUNTED = ("findings", "nodes", "checks")
_MAXIMA = (1, 0, 2, 1, 3)
_PERCENTS = (50, 0, 25, 33, 67, 100, 34)
_BELOWS = (None, "note", "warn", "note", "fail")
_LIMITED: tuple[Json, ...] = (
    {"kind": "Risk"},
    {"check": "*"},
    {"kind": ["Risk", "Exception"]},
    {"level": ["Info", "Warning", "Fatal"]},
    {"scope": "node"},
    {"level": ["Warning", "Info"]},
    {"check": "Node*"},
    {"not": {"kind": "Exception"}},
    {"node": {"uid": "*"}},
    {"node": {"type": "node"}},
    {"error_code": "Error*"},
    {"message": ["*full", "*again"]},
    {"phase": ["Failed", "Running"]},
    {"kind": "Hazard"},
)


def _limit(dice: Dice, rule: Json) -> None:
    """Make a rule one that judges a number."""
    if _chance(dice, 60):
        rule["match"] = _pick(dice, _LIMITED)
    rule["limit"] = {"of": _pick(dice, _COUNTED)}
    if _chance(dice, 45):
        rule["limit"]["max_percent"] = _pick(dice, _PERCENTS)
    else:
        rule["limit"]["max"] = _pick(dice, _MAXIMA)
    below = _pick(dice, _BELOWS)
    if below:
        rule["below"] = below


# ------------------------------------------------------------------------------------------------
# Matches aimed at a response

# What the quantifiers, `not:` and the skip list turn on; a rule or waiver gets one now and then.
_TWISTS: tuple[Json, ...] = (
    {"not": {"node": {"uid": "n-b"}}},
    {"not": {"node": {"uid": "n-x"}}},
    {"not": {"not": {"node": {"uid": "n-a"}}}},
    {"not": {"any": [{"error_code": CODES[1]}, {"level": "Fatal"}]}},
    {"not": {"error_code": CODES[0]}},
    {"not": {"not": {"error_code": CODES[0]}}},
    {"not": {"addon": "everest"}},
    {"addon": "CoreDNS"},
    {"addon": "coredns"},
    {"node": {"uid": "n-a"}},
    {"any": [{"check": "*"}, {"message": "*"}]},
    {"any": [{"check": "*"}, {"node": {"uid": "n-a"}}]},
    {"any": [{"node": {"uid": "n-a"}}, {"node": {"uid": "n-b"}}, {"scope": "addon"}]},
    {"not": {"scope": "addon"}},
    {"not": {"level": "Fatal"}},
    {"node": {"uid": ["n-a", "n-b"]}},
    {"node": {"uid": "n-[ab]", "type": "node"}},
    {"error_code": CODES[0]},
    {"cluster": "c-one"},
)


def _targets(response: Json) -> list[Json]:
    """What a rule or waiver would be written for: items that aren't fine, and skipped names.

    As matches: key to value, where the value is there; and the `item` itself.
    """
    spec, status = response.get("spec") or {}, response.get("status") or {}
    targets: list[Json] = []
    holders = [status.get("clusterCheckStatus"), status.get("addonCheckStatus")]
    holders += (status.get("nodeCheckStatus") or {}).get("nodeStageStatus") or []
    for holder in holders:
        for item in (holder or {}).get("itemsStatus") or []:
            if item.get("phase") == "Success":
                continue
            target = {key: item.get(key) for key in ("kind", "level", "group", "message", "phase")}
            target["check"] = item.get("name")
            target["error_code"] = (item.get("errorCodes") or [None])[0]
            target = {key: value for key, value in target.items() if value}
            target["item"] = item
            if target not in targets:
                targets.append(target)
    skipped = spec.get("skippedCheckItemList") or []
    # A pattern with a sign nobody sees is an error.
    names = [entry.get("name") for entry in skipped]
    return targets + [{"check": name} for name in names if name and "\u3164" not in name]


_FORMS = ("exact", "exact", "equals", "glob", "list", "regex", "other")
_AIMED_KEYS = ("kind", "level", "check") * 3 + ("message", "group", "phase")
_WRAPS = ("plain",) * 7 + ("any", "not", "either")


def _form(dice: Dice, key: str, value: str | None) -> Any:
    """A pattern that fits a value, in one of its forms; without a value any pattern."""
    form = _pick(dice, _FORMS)
    if not value or form == "other":
        return _pick(dice, PATTERNS[key])
    if form == "equals" or any(mark in value for mark in "*?["):
        return {"equals": value}
    if form == "glob":
        return value[:3] + "*"
    if form == "list":
        return ["Nothing", value]
    if form == "regex":
        return {"regex": "(?s)" + value[:3] + ".*"}
    return value


def _aimed_match(dice: Dice, target: Json) -> Json:
    """A match that fits the target, or nearly."""
    match: Json = {}
    for _ in range(_pick(dice, _KEY_COUNTS)):
        key = _pick(dice, _AIMED_KEYS)
        match[key] = _form(dice, key, target.get(key))
    wrap = _pick(dice, _WRAPS)
    if wrap == "any":
        return {"any": [match, _match(dice, _FLAT_KEYS, _PART_COUNTS, 0)]}
    if wrap == "either":
        return {"any": [{key: value} for key, value in match.items()]}
    if wrap == "not":
        return {"not": match}
    return match


# ------------------------------------------------------------------------------------------------
# Policies and waiver lists

_EFFECTS = ("warn", "fail", "note", "warn", "fail", "warn", "note")
_DATES_OF_RULES = (
    "2026-03-02",
    "2026-03-01",
    "2026-02-01",
    "2026-03-01T10:30:00Z",
    "2026-03-01T18:30:01+08:00",
)
# Rules people write: these meet the responses far more often than drawn ones.
_USUAL_RULES: tuple[Json, ...] = (
    {"match": {"kind": "Risk"}, "effect": "warn"},
    {"match": {"kind": "Risk", "level": ["Warning", "Fatal"]}, "effect": "fail"},
    {"match": {"kind": "Exception"}, "effect": "fail"},
    {"match": {"kind": "Exception", "level": "Fatal"}, "effect": "fail"},
    {"match": {"level": "Info"}, "effect": "note"},
    {"match": {"kind": "Hazard"}, "effect": "warn"},
    {"match": {"level": "Severe"}, "effect": "warn"},
    {"match": {"kind": "Exception", "level": "Warning"}, "effect": "warn"},
)


_SPELLINGS = ("exact", "equals", "list", "glob", "regex", "any", "other part fails", "not not")
_KNOWN = {"kind": ("Risk", "Exception"), "level": ("Info", "Warning", "Fatal")}
# Keys that hold surely, perhaps, or not.
_BESIDE: tuple[Json, ...] = (
    {},
    {},
    {"scope": ["cluster", "addon", "node"]},
    {"error_code": "Error*"},
    {"message": "*"},
)


def _doubt_match(dice: Dice, target: Json) -> Json:
    """A match that spells the unknown kind or level of a target, or nearly."""
    match: Json = _pick(dice, _BESIDE)
    for key, known in _KNOWN.items():
        value = target.get(key)
        if value is None or value in known or _chance(dice, 20):
            continue
        form = _pick(dice, _SPELLINGS)
        if form == "any":
            match["any"] = [{key: value}, {"scope": "addon"}]
        elif form == "other part fails":
            match["any"] = [{key: value, "check": "Nothing"}, {"check": "*"}]
        elif form == "not not":
            match["not"] = {"not": {key: value}}
        else:
            spelled = {"equals": {"equals": value}, "list": ["Nothing", value]}
            spelled |= {"glob": value[:3] + "*", "regex": {"regex": value}}
            match[key] = spelled.get(form, value)
    return match or {"check": "*"}


def _is_odd(target: Json) -> bool:
    return any(key in target and target[key] not in known for key, known in _KNOWN.items())


def _rule(dice: Dice, rule_id: str, targets: list[Json]) -> Json:
    origin = dice.percent()
    odd = [target for target in targets if _is_odd(target)]
    if odd and origin < 50:
        match = _doubt_match(dice, dice.pick(odd))
        rule = {"id": rule_id, "match": match, "effect": _pick(dice, _EFFECTS)}
    elif origin < 35:
        rule = {"id": rule_id, **_pick(dice, _USUAL_RULES)}
    elif targets and origin < 75:
        match = _aimed_match(dice, dice.pick(targets))
        rule = {"id": rule_id, "match": match, "effect": _pick(dice, _EFFECTS)}
    else:
        match = _match(dice, _RULE_KEYS, _KEY_COUNTS, 1)
        rule = {"id": rule_id, "match": match, "effect": _pick(dice, _EFFECTS)}
    if _chance(dice, 16):
        rule["match"] |= _pick(dice, _TWISTS)
    # Both only matter where something isn't fine.
    if _chance(dice, 19 if targets else 6):
        _limit(dice, rule)
    if _chance(dice, 17 if targets else 3):
        rule["match"]["where"] = _where(dice, dice.pick(targets) if targets else None)
    elif _chance(dice, 4):
        rule["match"]["not"] = {"where": _where(dice, dice.pick(targets) if targets else None)}
    if _chance(dice, 12):
        day = _pick(dice, _DATES_OF_RULES)
        if "fail" in (rule["effect"], rule.get("below")):  # else it means nothing: an error
            rule["effective_on"] = day
    if _chance(dice, 9):
        rule["waivable"] = False
        if targets and _chance(dice, 40):
            rule["match"]["check"] = dice.pick(targets).get("check", "Node*")
        elif _chance(dice, 30):
            rule["match"]["error_code"] = "Error*"
    softens = rule["effect"] != "fail" or "effective_on" in rule or "limit" in rule
    if softens and (_mentions(rule["match"], "check") or _mentions(rule["match"], "where")):
        rule["reason"] = "Agreed with the owner"
    return rule


# starts, approved_on, expires: each valid in itself, most of them in force at AT
_WAIVER_DATES = (
    (None, "2026-02-20", "2026-12-31"),
    ("2026-02-01", "2026-01-31", "2026-03-02"),
    (None, None, "2026-12-31"),
    ("2026-03-01", None, "2026-03-01"),
    (None, "2026-02-20T09:00:00+08:00", "2026-03-31"),
    ("2026-02-28", None, "2026-03-02T00:00:01Z"),
    (None, "2026-02-28", "2026-03-31T12:00:00Z"),
    ("2026-01-01T00:00:00+08:00", "2026-01-02", "2027-01-01"),
    (None, "2026-01-10", "2026-02-28"),
    ("2026-03-02", "2026-02-20", "2026-04-01"),
    ("2026-02-01", None, "2026-03-01T10:30:00Z"),
    ("2026-03-01T10:30:00Z", None, "2026-03-01T10:30:01Z"),
    (None, "2026-03-02", "2026-12-31"),
    ("2026-02-01", "2026-03-05", "2026-03-01T18:30:01+08:00"),
    (None, None, "2026-02-28"),
)
_LIMITS = (1, 1, 2)
_NODE_MINIMA = (1, 2, 5)
_WAIVER_CHECKS = (
    "NodeContainerdPodRestartRisk",
    "EverestLimitHungVersion",
    "NodeDisk",
    "*",
    "DeprecatedApiCheck",
    {"equals": "NodeContainerdPodRestartRisk"},
    "Node*",
    {"regex": "(Node|Everest).*"},
    ["NodeDisk", "DeprecatedApiCheck"],
    "AddonLimit",
    "NodeSSH",
    "ResiduePackageVersion",
)
_EXTRA_KEYS = (0, 0, 0, 1, 0, 1, 2)


def _waiver(dice: Dice, waiver_id: str, permanent: bool, targets: list[Json]) -> Json:
    waiver: Json = {"id": waiver_id, "check": _pick(dice, _WAIVER_CHECKS)}
    target: Json = {}
    if targets and _chance(dice, 70):
        target = dice.pick(targets)
        waiver["check"] = _form(dice, "check", target.get("check"))
    waiver["reason"] = "Accepted for the Sunday window"
    if target and _chance(dice, 10):
        key = _pick(dice, ("level", "message", "kind"))
        waiver[key] = _form(dice, key, target.get(key))
    if _chance(dice, 26):
        waiver |= _pick(dice, _TWISTS)
    for _ in range(_pick(dice, _EXTRA_KEYS)):
        key = _pick(dice, _WAIVER_KEYS)
        waiver[key] = _value(dice, key, 1)
    if _chance(dice, 18 if target else 5):
        waiver["where"] = _where(dice, target)
    elif _chance(dice, 4):
        waiver["not"] = {"where": _where(dice, target)}
    starts, approved_on, expires = _pick(dice, _WAIVER_DATES)
    if starts:
        waiver["starts"] = starts
    if approved_on:
        waiver["approved_on"] = approved_on
        waiver["approved_by"] = "change-board"
    if not (permanent and _chance(dice, 40)):
        waiver["expires"] = expires
    if _chance(dice, 35):
        waiver["max_findings"] = _pick(dice, _LIMITS)
    return waiver


_UNMATCHED = ("warn", "fail", "note", None, "warn")
_SKIPPED = ("warn", None, "note", "fail", "warn")
_CHECK_GLOBS = (["NodeDisk"], ["Node*"], ["AddonLimit", "*Risk*"], ["Unheard"], ["*"])
_SECTION_OPTIONS = (
    {"addon": "optional"},
    {"cluster": "optional"},
    {"node": "optional"},
    {"cluster": "optional", "addon": "optional", "node": "optional"},
)
_EVIDENCE: dict[str, tuple[Any, ...]] = {
    "recognised": ("warn", "off", "require", {"level": "warn"}),
    "finished": ("warn", "require", {"level": "warn"}),
    "consistent": ("warn", "off", "require"),
    "unexpired": (
        {"validity": "1h"},
        "off",
        "warn",
        {"validity": "10m"},
        {"validity": "1h30m", "level": "warn"},
        "require",
    ),
    "fresh": (
        {"max_age": "1h"},
        {"max_age": "24h", "level": "warn"},
        {"max_age": "10m"},
        {"max_age": "90s", "level": "warn"},
        {"max_age": "7d", "level": "off"},
        "off",
    ),
    "identity": ("warn", "off", "require", {"level": "warn"}),
    "provider": ("off",),
}
_COMPLETE_LEVELS = ("warn", "off", "require")
_EVIDENCE_LINES = ("unexpired", "complete", "fresh", *_EVIDENCE, "complete")
_EVIDENCE_COUNTS = (0, 0, 1, 0, 2, 1, 3)
_APPLIES_CLUSTERS = ("c-one", "c-*", ["c-two", "c-one"], "c-two")
_APPLIES_TARGETS = ("1.31", ">=1.29,<1.32", [">=1.29,<1.30", "1.31.4"], ">1.31")


# With a line off, what still holds "whatever `evidence:` says" can be seen.
_LOOSE_EVIDENCE: tuple[Json, ...] = (
    {"recognised": "off", "complete": "off"},
    {"recognised": "warn", "finished": "warn"},
    {
        "recognised": "off",
        "finished": "warn",
        "consistent": "off",
        "complete": "off",
        "unexpired": "off",
        "identity": "off",
    },
    {"complete": {"sections": {"cluster": "optional", "addon": "optional", "node": "optional"}}},
)
# The same, line by line, for the flaw that is in the response.
_LOOSE_FOR: dict[str, tuple[Json, ...]] = {
    "item": ({"recognised": "off"}, {"recognised": "warn", "finished": "warn"}),
    "times": (
        {"unexpired": {"validity": "1h"}},
        {"unexpired": "off", "fresh": {"max_age": "1h"}},
        {"unexpired": "warn"},
    ),
    "task": ({"finished": "warn", "recognised": "off", "unexpired": "off"}, {"consistent": "off"}),
    "section": ({"finished": "warn", "recognised": "off"}, {"consistent": "off"}),
    "holds": (
        {"complete": {"sections": {"addon": "optional"}}},
        {"complete": {"sections": {"cluster": "optional", "addon": "optional"}}},
        {"complete": {"sections": {"node": "optional"}}},
        {"complete": "off"},
    ),
    "stage": ({"complete": {"min_nodes": 1}}, {"complete": {"min_nodes": 2}}),
    "spec": ({"identity": "warn"}, {"identity": "off"}),
    "skip": ({"recognised": "off"}, {"recognised": "warn"}),
    "extra": ({"recognised": "off"}, {"recognised": "warn"}),
    "top": ({"recognised": "off"}, {"recognised": "off", "unexpired": "off"}),
    "bare": (
        {"complete": "off"},
        {"complete": {"sections": {"cluster": "optional", "addon": "optional"}}},
    ),
}


def _evidence(dice: Dice, flaws: list[str]) -> Json:
    evidence: Json = _pick(dice, _LOOSE_EVIDENCE) if _chance(dice, 12) else {}
    for flaw in flaws:
        if _chance(dice, 40):
            evidence |= _pick(dice, _LOOSE_FOR[flaw])
    for _ in range(_pick(dice, _EVIDENCE_COUNTS)):
        line = _pick(dice, _EVIDENCE_LINES)
        if line != "complete":
            evidence[line] = _pick(dice, _EVIDENCE[line])
            continue
        options: Json = {}
        if _chance(dice, 40):
            options["sections"] = _pick(dice, _SECTION_OPTIONS)
        if _chance(dice, 30):
            options["required_checks"] = _pick(dice, _CHECK_GLOBS)
        if _chance(dice, 25):
            options["required_on_every_node"] = _pick(dice, _CHECK_GLOBS)
        if _chance(dice, 30):
            options["min_nodes"] = _pick(dice, _NODE_MINIMA)
        if _chance(dice, 40) or not options:
            options["level"] = _pick(dice, _COMPLETE_LEVELS)
        evidence[line] = options
    return evidence


_RULE_COUNTS = (0, 1, 2, 1, 3, 4)
_WAIVER_COUNTS = (0, 1, 2, 1, 3)


def _policy(
    dice: Dice,
    prefix: str,
    permanent: bool,
    pooled_permanent: bool,
    targets: list[Json],
    flaws: list[str],
) -> Json:
    policy: Json = {
        "apiVersion": "precheck.policy/v1",
        "kind": "Policy",
        "metadata": {"name": prefix, "owner": "platform-team", "version": "1"},
    }
    defaults = {"unmatched": _pick(dice, _UNMATCHED), "skipped": _pick(dice, _SKIPPED)}
    defaults = {key: value for key, value in defaults.items() if value}
    if defaults:
        policy["defaults"] = defaults
    evidence = _evidence(dice, flaws)
    if evidence:
        policy["evidence"] = evidence
    if _chance(dice, 20):
        policy["applies_to"] = {"cluster": _pick(dice, _APPLIES_CLUSTERS)}
        if _chance(dice, 50):
            policy["applies_to"]["target_version"] = _pick(dice, _APPLIES_TARGETS)
    if permanent:
        policy["waivers_may_be_permanent"] = True
    rules = [_rule(dice, f"{prefix}-r{n}", targets) for n in range(_pick(dice, _RULE_COUNTS))]
    if rules:
        policy["rules"] = rules
    waivers = [
        _waiver(dice, f"{prefix}-w{n}", pooled_permanent, targets)
        for n in range(_pick(dice, _WAIVER_COUNTS))
    ]
    if waivers:
        policy["waivers"] = waivers
    return policy


def _waiver_list(dice: Dice, prefix: str, permanent: bool, targets: list[Json]) -> Json:
    count = max(1, _pick(dice, _WAIVER_COUNTS))
    return {
        "apiVersion": "precheck.policy/v1",
        "kind": "WaiverList",
        "metadata": {"name": prefix, "owner": "change-board", "version": "1"},
        "waivers": [_waiver(dice, f"{prefix}-w{n}", permanent, targets) for n in range(count)],
    }


# ------------------------------------------------------------------------------------------------
# The strategies


@st.composite
def responses(draw: st.DrawFn, at: datetime = AT) -> Json:
    """A response as parsed JSON, its times around `at`."""
    return _response(Drawn(draw), at)[0]


@st.composite
def policies(draw: st.DrawFn, prefix: str = "p") -> Json:
    """One valid policy; the ids in it start with the prefix."""
    dice = Drawn(draw)
    permanent = _chance(dice, 20)
    return _policy(dice, prefix, permanent, permanent, [], [])


@st.composite
def waiver_lists(draw: st.DrawFn, prefix: str = "list") -> Json:
    """One valid waiver list; no waiver in it is permanent."""
    return _waiver_list(Drawn(draw), prefix, False, [])


_NOWS = (timedelta(0), timedelta(hours=1), timedelta(hours=-1), timedelta(microseconds=1))
_POLICY_COUNTS = (1, 1, 1, 2)
_LIST_COUNTS = (0, 0, 1)
_EXPECTED_CLUSTERS = (None,) * 6 + ("c-one",) * 3 + ("c-two",)
_EXPECTED_TARGETS = (None,) * 8 + ("v1.31", "v1.31.4", "v1.31.4-r2", "1.31", "1.3")
_TYPES = (None, "autopilot", None, "standard")
_SIDECARS = (
    None,
    None,
    {"cluster": "c-one", "type": "autopilot"},
    {"cluster": "c-one", "target_version": "v1.31.4-r2", "type": "autopilot"},
    {"cluster": "c-two", "type": "standard"},
)


@st.composite
def cases(draw: st.DrawFn) -> Json:
    """All arguments of `judge`, by name: `judge(**case)`."""
    return case(Drawn(draw))


def case(dice: Dice) -> Json:
    """All arguments of `judge`, by name, from any dice."""
    at = _pick(dice, INSTANTS)
    response, flaws = _response(dice, at)
    targets = _targets(response)
    count = _pick(dice, _POLICY_COUNTS)
    flags = [_chance(dice, 20) for _ in range(count)]
    pooled_permanent = all(flags)
    chosen = [
        _policy(dice, f"p{n}", flags[n], pooled_permanent, targets, flaws) for n in range(count)
    ]
    lists = [
        _waiver_list(dice, f"list{n}", pooled_permanent, targets)
        for n in range(_pick(dice, _LIST_COUNTS))
    ]
    # Rare: the very same rule or waiver in two files, which is allowed.
    if count == 2 and "rules" in chosen[0] and _chance(dice, 10):
        chosen[1].setdefault("rules", []).append(_own(chosen[0]["rules"][0]))
    if lists and "waivers" in chosen[0] and _chance(dice, 10):
        lists[0]["waivers"].append(_own(chosen[0]["waivers"][0]))
    return {
        "response": response,
        "policies": chosen,
        "waiver_lists": lists,
        "at": at,
        "now": at + _pick(dice, _NOWS) if _chance(dice, 30) else None,
        "expect_cluster": _pick(dice, _EXPECTED_CLUSTERS),
        "expect_target": _pick(dice, _EXPECTED_TARGETS),
        "cluster_type": _pick(dice, _TYPES),
        "sidecar": _pick(dice, _SIDECARS),
        "topics": dict(TOPICS) if _chance(dice, 70) else None,
    }
