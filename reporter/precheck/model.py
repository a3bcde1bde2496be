"""The pre-upgrade check task as the API documents it, table by table.

Source of names and options: the API page "Obtaining Details About a Pre-upgrade Check Task of a
Cluster" (tables 2 to 18; standard and Autopilot clusters share the structure). In real responses
every field may be absent, so every field is optional here. Enumerations stay plain text: a value
nobody documents is kept as it came and judged as unknown, never rejected and never mapped.
Fields the page does not document are kept in `model_extra`. A value of the wrong JSON type does
not validate: such a response is unreadable.
"""

from __future__ import annotations

from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field

TASK_PHASES = frozenset({"Init", "Running", "Success", "Failed", "Error"})
PHASES = frozenset({"Init", "Running", "Success", "Failed"})
"""Documented phases of sections and items: the task's without Error."""
FINAL_PHASES = frozenset({"Success", "Failed"})
KINDS = frozenset({"Exception", "Risk"})
GROUPS = frozenset({"LimitCheck", "MasterCheck", "NodeCheck", "AddonCheck", "ExecuteException"})
LEVELS = frozenset({"Info", "Warning", "Fatal"})
NODE_TYPES = frozenset({"node", "master"})
NODE_STATUSES = frozenset(
    {"Build", "Installing", "Upgrading", "Active", "Abnormal", "Deleting", "Error", "Repairing"}
    | {"RepairFailed"}
)
"""Of nodes, from the models of the SDK: nothing judges by them, a policy may ask for them."""


_Item = TypeVar("_Item")
Items = Annotated[list[_Item], Field(fail_fast=True)]
"""A list that stops at its first wrong member: a million of them need not all be told."""


MAX_TEXT = 1_000_000
"""Characters of one text: of more, a few in another alphabet, all copies together take GBs."""


class ApiObject(BaseModel):
    """An object of the API: frozen, typed strictly, unknown fields kept."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        str_max_length=MAX_TEXT,
        extra="allow",
        defer_build=True,
        hide_input_in_errors=True,
        protected_namespaces=(),
    )


class ConfigurationRisk(ApiObject):
    """Table 15: a configuration that would change or conflict."""

    package: str | None = None
    source_file: str | None = Field(None, alias="sourceFile")
    node_msg: str | None = Field(None, alias="nodeMsg")
    field: str | None = None
    operation: str | None = None
    original_value: str | None = Field(None, alias="originalValue")
    value: str | None = None


class DeprecatedApiRisk(ApiObject):
    """Table 16: a request path that goes away, and the client that still calls it."""

    url: str | None = None
    user_agent: str | None = Field(None, alias="userAgent")


class NodeRisk(ApiObject):
    """Table 17: a worker node concerned. The API spells its id with a capital N."""

    node_id: str | None = Field(None, alias="NodeID")


class AddonRisk(ApiObject):
    """Table 18: an add-on concerned."""

    addon_template_name: str | None = Field(None, alias="addonTemplateName")
    alias: str | None = None


class RiskSource(ApiObject):
    """Table 14: what a check item complains about, by type. `{}` on success."""

    configuration_risks: Items[ConfigurationRisk] | None = Field(None, alias="configurationRisks")
    deprecated_api_risks: Items[DeprecatedApiRisk] | None = Field(None, alias="deprecatedAPIRisks")
    node_risks: Items[NodeRisk] | None = Field(None, alias="nodeRisks")
    addon_risks: Items[AddonRisk] | None = Field(None, alias="addonRisks")


class CheckItem(ApiObject):
    """Table 13, PreCheckItemStatus: one check and what came of it."""

    name: str | None = None
    kind: str | None = None
    group: str | None = None
    level: str | None = None
    phase: str | None = None
    message: str | None = None
    risk_source: RiskSource | None = Field(None, alias="riskSource")
    error_codes: Items[str] | None = Field(None, alias="errorCodes")


class NodeInfo(ApiObject):
    """Table 12: a node that was looked at."""

    uid: str | None = None
    name: str | None = None
    status: str | None = None
    node_type: str | None = Field(None, alias="nodeType")


class NodeStageStatus(ApiObject):
    """Table 11: one node and its check items."""

    node_info: NodeInfo | None = Field(None, alias="nodeInfo")
    items_status: Items[CheckItem] | None = Field(None, alias="itemsStatus")


class ClusterCheckStatus(ApiObject):
    """Table 8: the cluster section."""

    phase: str | None = None
    items_status: Items[CheckItem] | None = Field(None, alias="itemsStatus")


class AddonCheckStatus(ApiObject):
    """Table 9: the add-on section."""

    phase: str | None = None
    items_status: Items[CheckItem] | None = Field(None, alias="itemsStatus")


class NodeCheckStatus(ApiObject):
    """Table 10: the node section."""

    phase: str | None = None
    node_stage_status: Items[NodeStageStatus] | None = Field(None, alias="nodeStageStatus")


class PrecheckStatus(ApiObject):
    """Table 7: the task's state and its three sections. `expireTimeStamp` has a capital S."""

    phase: str | None = None
    expire_time_stamp: str | None = Field(None, alias="expireTimeStamp")
    message: str | None = None
    cluster_check_status: ClusterCheckStatus | None = Field(None, alias="clusterCheckStatus")
    addon_check_status: AddonCheckStatus | None = Field(None, alias="addonCheckStatus")
    node_check_status: NodeCheckStatus | None = Field(None, alias="nodeCheckStatus")


class ResourceSelector(ApiObject):
    """Table 6: which nodes a skip is for (key `node.uid`, operator `In`)."""

    key: str | None = None
    values: Items[str] | None = None
    operator: str | None = None


class SkippedCheckItem(ApiObject):
    """Table 5: a check item the server was told to skip."""

    name: str | None = None
    resource_selector: ResourceSelector | None = Field(None, alias="resourceSelector")


class PrecheckSpec(ApiObject):
    """Table 4: which upgrade was checked."""

    cluster_id: str | None = Field(None, alias="clusterID")
    cluster_version: str | None = Field(None, alias="clusterVersion")
    target_version: str | None = Field(None, alias="targetVersion")
    skipped_check_item_list: Items[SkippedCheckItem] | None = Field(
        None, alias="skippedCheckItemList"
    )


class PrecheckTaskMetadata(ApiObject):
    """Table 3: the task's uid and times."""

    uid: str | None = None
    creation_timestamp: str | None = Field(None, alias="creationTimestamp")
    update_timestamp: str | None = Field(None, alias="updateTimestamp")


class PrecheckTask(ApiObject):
    """Table 2: a pre-upgrade check task, the body of a response."""

    api_version: str | None = Field(None, alias="apiVersion")
    kind: str | None = None
    metadata: PrecheckTaskMetadata | None = None
    spec: PrecheckSpec | None = None
    status: PrecheckStatus | None = None


_PLAIN = frozenset({str, list, dict})


def is_empty(value: object) -> bool:
    """Whether a value says nothing: absent, null, "" and {} and [] are the same everywhere."""
    if value is None:
        return True
    if type(value) in _PLAIN:  # asking a model, or its class, takes ten times as long
        return not value
    if isinstance(value, ApiObject):
        extra = value.__pydantic_extra__ or {}
        return all(is_empty(item) for item in value.__dict__.values()) and all(
            is_hollow(item) for item in extra.values()
        )
    return False


def is_hollow(value: object) -> bool:
    """Whether JSON is null or empty, or holds nothing else; what stands in a list is there."""
    if isinstance(value, dict):
        return all(is_hollow(part) for part in value.values())
    return value is None or value == "" or value == []
