"""What tells of a response, wherever it stands: its keys, its fields, the SDKs' names for it."""

from __future__ import annotations

import re

RESPONSES = (
    "ShowAutopilotPreCheckResponse",
    "ShowPreCheckResponse",
    "ListAutopilotPreCheckTasksResponse",
    "ListPreCheckTasksResponse",
    "CreateAutopilotPreCheckResponse",
    "CreatePreCheckResponse",
    "PrecheckClusterTask",
)
"""How the SDKs name what holds a whole response; the last is one task of a list."""

PARTS = (
    "PrecheckTaskMetadata",
    "PrecheckCluserResponseMetadata",
    "PrecheckSpec",
    "PrecheckStatus",
    "ClusterCheckStatus",
    "AddonCheckStatus",
    "NodeCheckStatus",
    "NodeStageStatus",
    "PreCheckItemStatus",
    "NodeInfo",
    "RiskSource",
    "ConfigurationRisks",
    "DeprecatedAPIRisks",
    "NodeRisks",
    "AddonRisks",
    "SkippedCheckItemList",
    "ResourceSelector",
)
"""What holds a part of one."""

REQUESTS = re.compile(
    r"(?:Show|List|Create)(?:Autopilot)?PreCheck(?:Tasks)?Request|PrecheckCluster\w+"
)
"""What a caller sends."""

SECTIONS = (
    rb"[Cc]luster_?[Cc]heck_?[Ss]tatus|[Aa]ddon_?[Cc]heck_?[Ss]tatus"
    rb"|[Nn]ode_?[Cc]heck_?[Ss]tatus|[Ii]tems_?[Ss]tatus"
)
MARKERS = re.compile(rb"PreCheckTask|" + SECTIONS)
"""Words of a response, in prose too."""

SPEAKS = (
    rb"(?i:kind[\"'\\]*\s*[:=]\s*[\"'\\]*PreCheckTask|(?:" + MARKERS.pattern + rb")[\"'\\]*\s*[:=]"
    rb"|class (?:" + "|".join(RESPONSES + PARTS).encode() + rb") \{)"
)
"""A pattern: a key, a value, a field or a class of a response, also in a text; no word in prose."""
_ESCAPED = re.compile(rb"(?<!\\)\\+(?:u00|x)([2-7][0-9a-fA-F])")


def speaks_of_a_response(data: bytes) -> bool:
    """Whether bytes that are not read as a response hold something of one, in any encoding."""
    return re.search(SPEAKS, unescaped(data)) is not None


def unescaped(data: bytes) -> bytes:
    """Text as it can be searched: UTF-16 and escaped letters are turned, however they are put."""
    plain = data.replace(b"\x00", b"")
    if b"\\u00" in plain or b"\\x" in plain:
        plain = _ESCAPED.sub(lambda match: bytes([int(match[1], 16)]), plain)
    return plain
