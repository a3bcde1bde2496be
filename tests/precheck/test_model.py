"""The models hold every field of the API page, spelled as it spells them."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from reporter.precheck import model
from reporter.precheck.model import PrecheckTask, is_empty, is_hollow
from reporter.precheck.unknown_fields import unknown_fields

# Tables 2 to 18 of the API page: object → its fields.
TABLES = {
    "PrecheckTask": "apiVersion kind metadata spec status",
    "PrecheckTaskMetadata": "uid creationTimestamp updateTimestamp",
    "PrecheckSpec": "clusterID clusterVersion targetVersion skippedCheckItemList",
    "SkippedCheckItem": "name resourceSelector",
    "ResourceSelector": "key values operator",
    "PrecheckStatus": "phase expireTimeStamp message clusterCheckStatus addonCheckStatus "
    "nodeCheckStatus",
    "ClusterCheckStatus": "phase itemsStatus",
    "AddonCheckStatus": "phase itemsStatus",
    "NodeCheckStatus": "phase nodeStageStatus",
    "NodeStageStatus": "nodeInfo itemsStatus",
    "NodeInfo": "uid name status nodeType",
    "CheckItem": "name kind group level phase message riskSource errorCodes",
    "RiskSource": "configurationRisks deprecatedAPIRisks nodeRisks addonRisks",
    "ConfigurationRisk": "package sourceFile nodeMsg field operation originalValue value",
    "DeprecatedApiRisk": "url userAgent",
    "NodeRisk": "NodeID",
    "AddonRisk": "addonTemplateName alias",
}


@pytest.mark.parametrize("name", sorted(TABLES))
def test_every_field_of_every_table(name: str) -> None:
    fields = getattr(model, name).model_fields
    assert [info.alias or key for key, info in fields.items()] == TABLES[name].split()
    assert all(info.default is None for info in fields.values())


def test_unknown_fields_and_values_are_kept() -> None:
    task = PrecheckTask.model_validate_json(
        '{"kind": "Other", "later": {"a": [1]}, "status": {"phase": "Paused"}}'
    )
    assert task.kind == "Other"
    assert task.model_extra == {"later": {"a": [1]}}
    assert task.status is not None
    assert task.status.phase == "Paused"


def test_a_wrong_type_does_not_validate() -> None:
    with pytest.raises(ValidationError, match="nodeCheckStatus"):
        PrecheckTask.model_validate_json('{"status": {"nodeCheckStatus": []}}')
    with pytest.raises(ValidationError):
        PrecheckTask.model_validate_json('{"kind": 3}')


def test_snake_case_is_not_taken_for_the_apis_spelling() -> None:
    task = PrecheckTask.model_validate_json('{"api_version": "v3"}')
    assert task.api_version is None
    assert task.model_extra == {"api_version": "v3"}


@pytest.mark.parametrize(
    ("text", "empty"),
    [
        ("{}", True),
        ('{"metadata": null, "spec": {}, "kind": ""}', True),
        ('{"spec": {"skippedCheckItemList": []}}', True),
        ('{"later": {}}', True),
        ('{"later": {"deeper": {"items": []}, "more": ""}}', True),
        ('{"later": {"items": [{}]}}', False),
        ('{"later": 0}', False),
        ('{"kind": "x"}', False),
    ],
)
def test_absent_null_and_empty_are_the_same(text: str, empty: bool) -> None:
    assert is_empty(PrecheckTask.model_validate_json(text)) is empty


def test_what_is_called_a_check_or_a_skip_list_is_suspicious() -> None:
    skip = [{"name": "NodeDisk"}]
    loud = {
        "skippedCheckItemList": skip,
        "skipped_check_items": skip,
        "Skipped-Checks": ["NodeDisk"],
        "skipped": ["NodeDisk"],
        "ignoredChecks": ["NodeDisk"],
        "excluded_risks": ["x"],
        "checksToSkip": "NodeDisk",
        "more": {"deep": [{"skipCheckItems": skip}]},
        "master_check_status": {"result": "bad"},
        "nodeCheckStatuses": [{"result": "bad"}],
        "addon_chek_status": {"result": "bad"},
        "nodesStageStatu": [{"result": "bad"}],
        "checkItems": [{"result": "bad"}],
    }
    quiet = {
        "skippedChecks": [],
        "skipReason": False,
        "skipOptions": {},
        "addonStatus": "ok",
        "clusterStatus": "ok",
        "checkedAt": "2026-03-01",
        "duration": 3,
        "ignoredLabels": ["x"],
        "nodeCount": 9,
        "statusMessage": "fine",
        "x" * 100_000: 1,
    }
    for name, value in {**loud, **quiet}.items():
        status = {"phase": "Success", name: value}
        stage = {"nodeInfo": {"uid": "n", name: value}}
        for document in (
            {"status": status},
            {name: value},
            {"status": {"nodeCheckStatus": {"nodeStageStatus": [stage]}}},
        ):
            found = unknown_fields(PrecheckTask.model_validate_json(json.dumps(document)))
            assert len(found.suspicious) == (name in loud), name[:40]


def test_a_documented_word_under_a_name_in_other_letters_is_suspicious() -> None:
    for key, value in (("ph\u0251se", "Failed"), ("l\u212evel", "Fatal"), ("\u72b6\u6001", "Risk")):
        item = {"name": "x", "phase": "Success", key: value}
        status = {"clusterCheckStatus": {"itemsStatus": [item]}}
        found = unknown_fields(PrecheckTask.model_validate_json(json.dumps({"status": status})))
        assert len(found.suspicious) == 1
        item[key] = "fine"
        # Beside ASCII letters another may stand for any: the name alone hides `phase`.
        found = unknown_fields(PrecheckTask.model_validate({"status": status}))
        assert len(found.suspicious) == (key != "\u72b6\u6001")


@pytest.mark.parametrize(
    "key",
    [
        *(
            "items_status",
            "Items_Status",
            "RISK_SOURCE",
            "phase",
            "phase ",
            "pha.se",
            "phase\u200b",
        ),
        *(
            "pha\u00adse",
            "\uff50hase",
            "ph\u0430se",
            "\u0440hase",
            "l\u0435vel",
            "\u212aind",
            "ph\u00e1se",
        ),
    ],
)
def test_what_looks_like_a_check_in_any_spelling_is_suspicious(key: str) -> None:
    status = {"phase": "Success", "more": {key: [{"name": "x"}]}}
    task = PrecheckTask.model_validate_json(json.dumps({"status": status}))
    assert unknown_fields(task).suspicious == ["/status/more"]


def test_a_word_of_the_api_under_a_plain_name_is_no_check() -> None:
    """Under one whose letters may look like others it may be a phase."""
    for key, hides in (("result", False), ("r\u0435sult", True)):
        task = PrecheckTask.model_validate_json(json.dumps({"status": {key: "Failed"}}))
        assert unknown_fields(task).suspicious == ([f"/status/{key}"] if hides else [])


@pytest.mark.parametrize(
    ("value", "hollow"),
    [(None, True), ("", True), ([], True), ({}, True), ({"a": {"b": None}, "c": []}, True),
     (0, False), (False, False), (" ", False), ([None], False), ({"a": 0}, False)],
)  # fmt: skip
def test_what_holds_nothing_is_hollow(value: object, hollow: bool) -> None:
    assert is_hollow(value) is hollow
