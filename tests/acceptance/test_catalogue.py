"""`cce-precheck catalogue`, and `--catalogue` on the commands that write reports."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.acceptance.run import Run, command

HEAD = "apiVersion: precheck.catalogue/v1\nkind: Catalogue\nitems:\n"
OURS = HEAD + (
    "  AddonLimit:\n"
    "    fix: Call the add-on team.\n"
    "    runbook: https://wiki.example.com/add-ons\n"
    "  SampleNodeDisk: {topic: cce_10_0445}\n"
    "  SampleOdd: {title: Something odd}\n"
)
FAILED = ("samples/failed-addon/response.json", "--at", "2026-11-20T09:30:00Z")


def tool(*arguments: str | Path) -> Run:
    run = command("catalogue", *arguments)
    assert "Traceback" not in run.err
    assert "internal error" not in run.err
    return run


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    path = tmp_path / "names.yaml"
    path.write_text(OURS)
    return path


def test_the_table_lists_every_topic_in_80_columns(ours: Path) -> None:
    run = tool("--names", ours)
    assert run.code == 0, run.err
    rows = run.out.splitlines()
    assert all(len(row) <= 80 for row in rows)
    assert len([row for row in rows if re.match(r"cce_10_\d{4}  S", row)]) == 73
    assert len([row for row in rows if re.match(r"cce_1[01]_\d{4}  S?A", row)]) == 10
    assert "cce_10_0433  SA  Add-ons\n                   AddonLimit\n" in run.out
    assert "                   BlackLimit (likely)\n" in run.out
    assert "                   SampleNodeDisk (yours)\n" in run.out
    assert "  SampleOdd: Something odd\n" in run.out
    assert "all other names are" in run.out


def test_the_table_of_autopilot_in_chinese() -> None:
    run = tool("--type", "autopilot", "--lang", "zh-CN")
    rows = [row for row in run.out.splitlines() if row.startswith("cce_")]
    assert len(rows) == 10
    assert rows[0] == "cce_10_0432  SA  升级管控检查"
    assert rows[-1] == "cce_11_0866  A   Pod配置检查"


def test_one_item_word_for_word() -> None:
    run = tool("MasterSSH")
    assert run.code == 0
    assert run.out == (
        "MasterSSH\n"
        "  Sureness   likely, not certain: the name says what the page checks\n"
        "  Topic      cce_10_0435\n"
        "  Title      SSH connectivity of master nodes\n"
        "  Checks     Whether the control plane's nodes can be reached for the upgrade\n"
        "  Fix        Run the check again; open a ticket if it fails again.\n"
        "  Note       no longer in the list for standard clusters\n"
        "  Standard\n"
        "    https://support.huaweicloud.com/intl/en-us/usermanual-cce/cce_10_0435.html\n"
        "  Autopilot\n"
        "    https://support.huaweicloud.com/intl/en-us/usermanual-cce-autopilot/cce_11_0435.html\n"
        "  Seen       as Exception, in the example of ListAutopilotPreCheckTasks\n"
        "  As of      2026-04-30\n"
    )


def test_one_topic_by_either_id() -> None:
    run = tool("cce_11_0529", "--type", "standard")
    assert run.code == 0
    assert run.out.startswith("cce_10_0529\n  Title      Time zone of master nodes\n")
    assert "Autopilot" not in run.out
    assert "  Items      none is known by name\n" in run.out


def test_a_type_without_a_page_is_said() -> None:
    run = tool("CoreDNSConfLimit", "--type", "autopilot")
    assert "  Autopilot  no page is known in the guide for such clusters\n" in run.out


def test_an_unknown_name_says_so_and_what_looks_like_it() -> None:
    run = tool("AddonLmt")
    assert (run.code, run.out) == (2, "")
    assert run.err == (
        'the catalogue of 2026-04-30 knows nothing called "AddonLmt"\n'
        "  → what looks like it: AddonLimit\n"
    )
    run = tool("addonlimit")
    assert run.code == 2
    assert 'it knows "AddonLimit"; names are matched exactly' in run.err
    run = tool("Zzzzzz")
    assert run.code == 2
    assert "most item names are not public" in run.err


def test_a_hostile_name_is_only_shown_clean() -> None:
    run = tool("\x1b[31m\u202eAddon\n::error::x" + "y" * 50_000)
    assert run.code == 2
    assert "\x1b" not in run.err
    assert "\u202e" not in run.err
    assert not re.search(r"^::", run.err, re.MULTILINE)
    assert len(run.err) < 2_000


def test_json_of_all_and_of_one(ours: Path) -> None:
    data = json.loads(tool("--json", "--names", ours).out)
    assert (data["apiVersion"], data["kind"]) == ("precheck.catalogue/v1", "CatalogueListing")
    assert len([topic for topic in data["topics"] if "standard" in topic["listed"]]) == 73
    assert [item["name"] for item in data["items"]][-2:] == ["SampleNodeDisk", "SampleOdd"]
    one = json.loads(tool("AddonLimit", "--json", "--names", ours, "--type", "autopilot").out)
    assert one["known"] is True
    assert one["item"]["runbook"] == "https://wiki.example.com/add-ons"
    assert one["item"]["own"] == ["fix", "runbook"]
    assert list(one["item"]["links"]) == ["autopilot"]
    run = tool("addonlimit", "--json")
    assert run.code == 2
    none = json.loads(run.out)
    assert (none["known"], none["other_case"]) == (False, "AddonLimit")


def test_a_wrong_file_is_refused_before_anything_is_judged(tmp_path: Path, ours: Path) -> None:
    ours.write_text(OURS.replace("runbook", "runbok"))
    report = tmp_path / "report.html"
    next_step = "  → mend it there and run again; docs/catalogue.md says what such a file holds\n"
    for arguments in (
        ("catalogue", "--names", ours),
        ("check", *FAILED, "--catalogue", ours, "--html", report),
    ):
        run = command(*arguments)
        assert (run.code, run.out) == (2, "")
        assert run.err == f'{ours}:6:5: unknown key "runbok"; did you mean "runbook"?\n{next_step}'
    assert not report.exists()


def test_check_and_render_show_it_and_the_record_does_not_change(
    tmp_path: Path, ours: Path
) -> None:
    plain, told, page = (tmp_path / name for name in ("plain.json", "told.json", "page.html"))
    first = command("check", *FAILED, "--json", plain)
    run = command("check", *FAILED, "--json", told, "--html", page, "--catalogue", ours)
    assert run.code == first.code == 1
    assert told.read_bytes() == plain.read_bytes()
    assert "→ Call the add-on team.\n" in run.out
    assert "https://wiki.example.com/add-ons\n" in run.out
    assert "names and runbooks from" in run.out
    assert "Call the add-on team." in page.read_text()
    again = tmp_path / "again.html"
    run = command("render", plain, "--html", again, "--catalogue", ours)
    assert run.code == 1
    assert "Call the add-on team." in again.read_text()
    assert "Call the add-on team." in run.out


def test_a_report_is_not_written_over_the_file(ours: Path) -> None:
    run = command("check", *FAILED, "--catalogue", ours, "--html", ours)
    assert run.code == 2
    assert "the same file is an input" in run.err
    assert ours.read_text() == OURS


def test_a_verdict_does_not_depend_on_a_users_topics(tmp_path: Path, ours: Path) -> None:
    ours.write_text(HEAD + "  AddonLimit: {topic: cce_10_0458}\n")
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        "apiVersion: precheck.policy/v1\nkind: Policy\nmetadata: {name: p}\n"
        "defaults: {unmatched: warn}\nevidence: {provider: off}\n"
        "rules:\n  - {id: r, match: {topic: cce_10_0458}, effect: fail}\n"
    )
    plain = command("check", *FAILED, "--policy", policy)
    told = command("check", *FAILED, "--policy", policy, "--catalogue", ours)
    assert plain.code == told.code
    assert plain.out.splitlines()[0] == told.out.splitlines()[0]
