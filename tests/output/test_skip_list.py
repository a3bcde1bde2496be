"""The skip list holds what is waived and nothing more, escaped for its format."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pygohcl
import pytest

from reporter.errors import OutputError
from reporter.output import render
from reporter.output.skip_list import skips
from reporter.policy.evaluate import evaluate
from reporter.policy.load import Policy
from reporter.record.model import ClusterType, Verdict
from reporter.sources.read import read
from tests.acceptance.run import command

HOSTILE = 'x"${file("/etc/passwd")}%{if true}\\\n\u202e节'


def _item(name: str, phase: str = "Failed", kind: str = "Risk", **more: Any) -> dict[str, Any]:
    return {"name": name, "kind": kind, "group": "LimitCheck", "level": "Warning", "phase": phase,
            **more}  # fmt: skip


def _node(uid: str | None, *items: dict[str, Any]) -> dict[str, Any]:
    return {"nodeInfo": {"uid": uid, "name": f"name-{uid}"}, "itemsStatus": list(items)}


def _verdict(
    cluster: list[dict[str, Any]],
    nodes: list[dict[str, Any]],
    *waived: str,
    kind: ClusterType = "standard",
    addons: list[dict[str, Any]] | None = None,
    narrowed: dict[str, Any] | None = None,
) -> Verdict:
    task = {
        "kind": "PreCheckTask",
        "apiVersion": "v3",
        "metadata": {"updateTimestamp": "2026-03-01 10:00:00 +0000 UTC"},
        "status": {
            "phase": "Failed",
            "clusterCheckStatus": {"phase": "Failed", "itemsStatus": cluster},
            "addonCheckStatus": {"phase": "Failed", "itemsStatus": addons or []},
            "nodeCheckStatus": {"phase": "Failed", "nodeStageStatus": nodes},
        },
    }
    waivers = [
        {"id": f"w-{n}", "check": name, "reason": "known", "expires": "2027-01-01"}
        | (narrowed or {})
        for n, name in enumerate(waived)
    ]
    head = {"apiVersion": "precheck.policy/v1", "kind": "Policy", "metadata": {"name": "p"}}
    policy = Policy.parse(json.dumps({**head, "waivers": waivers}).encode())
    response = read(json.dumps(task).encode())
    return evaluate(response, policy, at="2026-03-01T10:30:00Z", cluster_type=kind)


def _written(verdict: Verdict, form: str = "skip-list.json") -> tuple[str, list[str]]:
    warnings: list[str] = []
    return render(verdict, form, warn=warnings.append).decode(), warnings


def _entries(verdict: Verdict) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads(_written(verdict)[0])["skippedCheckItemList"]
    return entries


def test_waived_risks_become_entries_and_nodes_their_selectors() -> None:
    verdict = _verdict(
        [_item("A"), _item("B"), _item("C", "Success")],
        [_node("n-1", _item("N")), _node("n-2", _item("N", "Success")), _node("n-3", _item("N"))],
        "A", "C", "N",
    )  # fmt: skip
    assert _entries(verdict) == [
        {"name": "A"},
        {
            "name": "N",
            "resourceSelector": {
                "key": "node.uid", "operator": "In", "values": ["n-1", "n-3"],
            },
        },
    ]  # fmt: skip
    assert _written(verdict)[1] == []
    assert _written(verdict, "skip-list.tf")[0] == (
        "# For huaweicloud_cce_cluster_upgrade (standard clusters, provider 1.91.0 or newer).\n"
        "# Waived by the policy; made by cce-precheck.\n"
        "skipped_check_item_list {\n"
        '  name = "A"\n'
        "}\n"
        "skipped_check_item_list {\n"
        '  name = "N"\n'
        "  resource_selector {\n"
        '    key      = "node.uid"\n'
        '    operator = "In"\n'
        '    values   = ["n-1", "n-3"]\n'
        "  }\n"
        "}\n"
    )


@pytest.mark.parametrize(
    ("cluster", "nodes", "says"),
    [
        ([_item("A"), _item("A", kind="Exception")], [], "not all that it found is waived"),
        ([_item("A"), _item("A", "Running")], [], "not all that it found is waived"),
        ([_item("A")], [_node("n", _item("A", "Success"))], "would skip its nodes too"),
        ([], [_node("n", _item("A"), _item("A", kind="Exception"))], "for 1 of its nodes"),
        ([], [_node(None, _item("A"))], "for 1 of its nodes"),
    ],
)
def test_nothing_is_skipped_that_is_not_waived(
    cluster: list[dict[str, Any]], nodes: list[dict[str, Any]], says: str
) -> None:
    text, warnings = _written(_verdict(cluster, nodes, "A"))
    assert json.loads(text) == {"skippedCheckItemList": []}
    assert says in warnings[0]


@pytest.mark.parametrize(("kind", "entries"), [("Risk", [{"name": "A"}]), ("Exception", [])])
def test_one_name_in_two_sections_is_one_entry_for_both(
    kind: str, entries: list[dict[str, Any]]
) -> None:
    """The API's entry has a name and no section: it would skip the add-ons' check too."""
    verdict = _verdict([_item("A")], [], "A", addons=[_item("A", kind=kind)])
    assert _entries(verdict) == entries
    warnings = _written(verdict)[1]
    assert ["not all that it found is waived" in text for text in warnings] == [True] * (
        not entries
    )


def test_a_waived_exception_or_an_unused_waiver_leaves_no_entry() -> None:
    assert _entries(_verdict([_item("A", kind="Exception"), _item("B")], [], "A", "X*")) == []
    assert "there is nothing to skip" in _written(_verdict([], []), "skip-list.tf")[0]


def test_hostile_names_are_data_in_both_formats() -> None:
    verdict = _verdict([_item(HOSTILE)], [_node(HOSTILE, _item("N"))], "x*", "N")
    assert {entry["name"] for entry in _entries(verdict)} == {HOSTILE, "N"}
    text = _written(verdict, "skip-list.tf")[0]
    quoted = r'"x\"$${file(\"/etc/passwd\")}%%{if true}\\\n\u202e\u8282"'
    assert text.count(quoted) == 2
    assert re.fullmatch(r"[\x20-\x7e\n]*", text)


TRICKY = ("$${x}", "$$${x}", "%%%{if x}", "$", "a%{", "${", "$%{", "\\${x}", "\\n",
          "\x00\x1b\t\r\n", "\U0001f600", "\u2028", "${~x~}",
          '"', "}", "#", "/*", "<<EOT")  # fmt: skip


def test_hashicorps_own_parser_reads_the_blocks_as_the_api_has_the_entries() -> None:
    names = (*TRICKY, HOSTILE)
    verdict = _verdict(
        [_item(name) for name in names],
        [_node(name, _item("N"), _item("M", "Success")) for name in names],
        "*",
    )
    blocks = pygohcl.loads(_written(verdict, "skip-list.tf")[0])["skipped_check_item_list"]
    assert [
        {"name": block["name"]}
        | ({"resourceSelector": selector} if (selector := block.get("resource_selector")) else {})
        for block in blocks
    ] == _entries(verdict)
    assert len(blocks) == len(names) + 1


def test_autopilot_has_no_terraform_blocks() -> None:
    verdict = _verdict([_item("A")], [], "A", kind="autopilot")
    assert _entries(verdict) == [{"name": "A"}]
    with pytest.raises(OutputError, match="Autopilot"):
        render(verdict, "skip-list.tf")


# The command -----------------------------------------------------------------------------------

SAMPLE = Path(__file__).parents[2] / "samples" / "waived-risk"
WAIVED = ["check", str(SAMPLE / "response.json"), "--at", "response", "-q", "-w",
          str(SAMPLE / "waivers.yaml")]  # fmt: skip


def test_the_file_name_says_which_format(tmp_path: Path) -> None:
    api, terraform = tmp_path / "skip.json", tmp_path / "skip.tf"
    assert command(*WAIVED, "--skip-list", str(api)).code == 0
    assert json.loads(api.read_text()) == {
        "skippedCheckItemList": [{"name": "NodeContainerdPodRestartRisk"}]
    }
    assert command(*WAIVED, "--skip-list", str(terraform)).code == 0
    assert '  name = "NodeContainerdPodRestartRisk"\n' in terraform.read_text()
    assert command(*WAIVED, "--skip-list", str(tmp_path / "skip.txt")).code == 2
    assert command(*WAIVED, "--type", "autopilot", "--skip-list", str(terraform)).code == 2


def test_no_skip_list_is_made_from_a_check_that_cannot_be_relied_on(tmp_path: Path) -> None:
    stale = tmp_path / "skip.json"
    stale.write_text("from an earlier run")
    done = command(*WAIVED, "--expect-cluster", "another", "--skip-list", str(stale))
    assert done.code == 3
    assert "no skip list is made" in done.err
    assert not stale.exists()


@pytest.mark.parametrize(
    ("narrowed", "kept", "warned"),
    [
        ({"id": "w-0"}, True, None),
        ({"scope": ["cluster", "node"]}, True, "it asks for scope, which a skipped check does not"),
        ({"node": {"uid": "n-1"}}, True, "takes no less; waiver w-0 is for some alone (node)"),
        ({"message": "one"}, False, "Whole is left out: waiver w-0 is for a part of it (message)"),
        ({"where": [{"path": "$.message", "equals": "one"}]}, False, "a part of it (where)"),
        ({"not": {"message": "two"}}, False, "a part of it (not)"),
    ],
)  # fmt: skip
def test_a_check_that_is_waived_in_part_is_not_skipped_as_a_whole(
    narrowed: dict[str, Any], kept: bool, warned: str | None
) -> None:
    risks = {"nodeRisks": [{"NodeID": "n-1"}]}
    item = _item("Whole", message="one", riskSource=risks)
    for whole, nodes in (([item], []), ([], [_node("n-1", item)])):
        said: list[str] = []
        verdict = _verdict(whole, nodes, "Whole", narrowed=narrowed)
        assert verdict.counts.findings.waived == 1
        assert len(list(skips(verdict, said.append))) == kept
        needs_none = warned is None or (kept and nodes)
        assert len(said) == (not needs_none)
        assert needs_none or str(warned) in said[0]


@pytest.mark.parametrize(
    ("narrowed", "asked"),
    [({"level": "Warning"}, "level"), ({"kind": "Risk", "group": "LimitCheck"}, "group, kind")],
)
def test_a_waiver_that_a_skipped_check_can_not_meet_is_told(
    narrowed: dict[str, Any], asked: str
) -> None:
    for whole, nodes in (([_item("A")], []), ([], [_node("n-1", _item("A"))])):
        said: list[str] = []
        assert len(list(skips(_verdict(whole, nodes, "A", narrowed=narrowed), said.append))) == 1
        assert said == [
            "skip list: waiver w-0 will not cover A once it is skipped: it asks for "
            f"{asked}, which a skipped check does not show; write one without"
        ]
