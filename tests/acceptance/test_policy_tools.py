"""`policy test`, `explain`, `preview` and `suggest` from the outside."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from lxml import etree

from tests.acceptance.run import PUBLISHED, ROOT, Run, command

SAMPLES = ROOT / "samples"
AT = ("--at", "2026-11-20T09:30:00Z")
DATA = ROOT / "tests" / "data"


def tool(*arguments: str | Path, **options: Any) -> Run:
    run = command("policy", *arguments, **options)
    assert "Traceback" not in run.err
    assert "internal error" not in run.err
    return run


def narrow(text: str) -> bool:
    """Whether every line fits 80 columns and carries no escape."""
    return all(len(line) <= 80 for line in text.splitlines()) and "\x1b" not in text


def sample(name: str, file: str = "response.json") -> str:
    return f"samples/{name}/{file}"


CASES = """\
apiVersion: precheck.policy/v1
kind: PolicyTest
metadata: {name: mine}
policy: builtin:recommended
cases:
  - name: as expected
    response: RESPONSE
    at: 2026-11-20T09:30:00Z
    expect: {outcome: fail}
  - name: other than expected
    response: RESPONSE
    at: 2026-11-20T09:30:00Z
    expect: {outcome: pass, checks: {AddonLimit: warn}}
"""


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    path = tmp_path / "cases.yaml"
    path.write_text(CASES.replace("RESPONSE", str(ROOT / sample("failed-addon"))))
    return path


def junit(path: Path) -> Any:
    root = etree.parse(path).getroot()
    for name in ("ant", "jenkins"):
        etree.XMLSchema(etree.parse(DATA / f"junit-{name}.xsd")).assertValid(root)
    return root


def test_the_shipped_cases_hold_on_any_day(tmp_path: Path) -> None:
    run = tool("test", "--fail-on-unfired", "--junit", tmp_path / "j.xml")
    assert run.code == 0, run.out + run.err
    assert "as expected" in run.out.splitlines()[-1]
    assert narrow(run.out)
    root = junit(tmp_path / "j.xml")
    assert len(root.findall(".//testcase")) > 40
    assert not root.findall(".//failure")


def test_a_case_that_differs_shows_both_and_why(cases: Path, tmp_path: Path) -> None:
    run = tool("test", cases, "--junit", tmp_path / "j.xml")
    assert run.code == 1
    assert narrow(run.out.replace(str(cases), "cases.yaml"))
    for text in (
        "other than expected",
        "- expected  pass",
        "+ found     fail",
        "because   AddonLimit fails",
        "rule exceptions says fail",
        "Rules that no case fires",
        "serious-risks (builtin:recommended:",
        "Rules that fire in every case",
        "2 cases: 1 as expected, 1 differs",
    ):
        assert text in run.out, text
    results = {
        case.get("name"): case[0].tag if len(case) else None
        for case in junit(tmp_path / "j.xml").iter("testcase")
    }
    assert results == {"as expected": None, "other than expected": "failure"}


def test_unfired_rules_are_an_error_when_asked(cases: Path, tmp_path: Path) -> None:
    cases.write_text(cases.read_text().split("  - name: other")[0])
    assert tool("test", cases).code == 0
    run = tool("test", cases, "--fail-on-unfired", "--junit", tmp_path / "j.xml")
    assert run.code == 1
    assert len(junit(tmp_path / "j.xml").findall(".//failure")) == 1


def test_wrong_files_are_exit_2_and_all_are_named(cases: Path, tmp_path: Path) -> None:
    text = cases.read_text()
    cases.write_text(text.replace("outcome: fail", "outcme: fail"))
    other = tmp_path / "other.yaml"
    other.write_text(text.replace(str(ROOT), "/nowhere"))
    target = tmp_path / "j.xml"
    target.write_text("an earlier, green report")
    run = tool("test", cases, other, "--junit", target)
    assert run.code == 2
    assert f'{cases}:9:14: unknown key "outcme"; did you mean "outcome"?' in run.err
    assert f"{other}:7:15: " in run.err
    assert run.out == ""
    assert junit(target).findall(".//error")


def test_a_policy_that_cannot_judge_is_exit_2(cases: Path, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(
        "apiVersion: precheck.policy/v1\nkind: Policy\nmetadata: {name: p}\n"
        "rules:\n  - {id: r, match: {check: AddonLimit}, effect: warn}\n"
    )
    cases.write_text(cases.read_text().replace("builtin:recommended", "p.yaml"))
    run = tool("test", cases)
    assert run.code == 2
    assert "can't be judged" in run.out
    assert "by name and has no reason" in " ".join(run.out.split())


def test_junit_to_stdout_leaves_the_words_to_stderr() -> None:
    run = tool("test", "builtin:strict", "--junit", "-")
    assert run.code == 0
    assert run.out.startswith("<?xml")
    assert "9 cases" in run.err


def test_test_usage(cases: Path, tmp_path: Path) -> None:
    assert tool("test", cases, "--junit", cases).code == 2
    assert tool("test", tmp_path / "none.yaml").code == 2
    (tmp_path / "empty").mkdir()
    assert "no file of cases (*.yaml) is in this folder" in tool("test", tmp_path / "empty").err
    (tmp_path / "file").write_text("")
    assert tool("test", "builtin:strict", "--junit", tmp_path / "file" / "j.xml").code == 5


def test_the_hook_runs_every_case_when_a_policy_changes(tmp_path: Path) -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    (hook,) = [part for part in hooks if part["id"] == "cce-precheck-policy-test"]
    for changed in ("policies/production.yaml", "a/policies/tests/x.yml", "waivers/board.yaml"):
        assert re.search(hook["files"], changed)
    assert not re.search(hook["files"], "docs/policies.md")
    assert not hook["pass_filenames"]
    words = hook["entry"].split()[1:] + hook["args"]
    run = command(*words, cwd=ROOT)
    assert run.code == 0
    assert run.out.endswith("49 cases: 49 as expected\n")
    assert run.out.count("✓ policies/tests/") == 4
    # A policy that says something else now, and no case that changed with it.
    for part in ("policies", "samples"):
        shutil.copytree(ROOT / part, tmp_path / part)
    cases = tmp_path / "policies" / "tests" / "strict.yaml"
    other = cases.read_text().replace("policy: builtin:strict", "policy: ../recommended.yaml")
    cases.write_text(other)
    assert command(*words, cwd=tmp_path).code == 1


EXPLAIN = ("explain", sample("standard-40-nodes"), "-w", "policies/waivers/change-board.yaml", *AT)


def test_explain_tells_groups_and_narrows_to_a_node() -> None:
    run = tool(*EXPLAIN, "--check", "SampleNodeRuntime")
    assert run.code == 0, run.err
    assert narrow(run.out)
    for text in (
        "40 findings in 3 groups:",
        "--node NAME narrows this to one node",
        "✓ serious-risks (builtin:recommended:",
        "✕ kind: wanted Exception, found Risk",
        "fail, by serious-risks (builtin:recommended:",
        "cb-02-runtime-pool-b (policies/waivers/change-board.yaml:26)",
        "✕ node: wanted name sample-pool-b-*, found name sample-pool-a-00003-ca62f",
        "2 other waivers for other checks",
    ):
        assert text in run.out, text
    one = tool(*EXPLAIN, "--check", "SampleNodeRuntime", "--node", "sample-pool-b-00017-cf5a6")
    assert one.code == 0
    assert "Finding: waived" in one.out
    assert "  waivers     waived by cb-02-runtime-pool-b" in one.out
    assert "groups" not in one.out


def test_explain_as_json_and_again_the_same() -> None:
    first = tool(*EXPLAIN, "--check", "SampleNodeRuntime", "--format", "json")
    again = tool(
        *EXPLAIN, "--check", "SampleNodeRuntime", "--format", "json", env={"PYTHONHASHSEED": "7"}
    )
    assert first.out == again.out
    found = json.loads(first.out)
    assert [part["outcome"] for part in found["derivations"]] == ["fail", "waived", "pass"]
    assert found["derivations"][0]["rules"][0]["keys"][0] == {
        "key": "kind",
        "fits": "no",
        "wanted": "Exception",
        "found": "Risk",
        "inner": [],
    }


def test_explain_errors() -> None:
    run = tool("explain", sample("failed-addon"), "--check", "AddonLimt")
    assert run.code == 2
    assert 'no check "AddonLimt"; did you mean "AddonLimit"?' in run.err
    assert tool("explain", "nowhere.json", "--check", "A").code == 4
    assert tool("explain", sample("failed-addon")).code == 2
    assert tool("explain", sample("failed-addon"), "--check", "AddonLimit", "-p", "no").code == 2


def test_preview_over_a_folder_with_a_bad_file(tmp_path: Path) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text("{")
    run = tool(
        "preview",
        sample("waived-risk", "waivers.yaml"),
        sample("expired-waiver", "waivers.yaml"),
        "samples",
        "--response",
        bad,
        *AT,
    )
    assert run.code == 0, run.err
    assert narrow(run.out.replace(str(bad), "bad.json"))
    for text in (
        "2 waivers over 9 responses, 1 of them unreadable",
        "2 findings on 2 clusters, 8 nodes",
        "expired on 2026-11-16: silences nothing",
        "fail → pass",
        "? unreadable",
    ):
        assert text in run.out, text


def test_preview_as_json() -> None:
    run = tool(
        "preview", sample("waived-risk", "waivers.yaml"), sample("waived-risk"),
        sample("failed-addon"), "--format", "json", *AT,
    )  # fmt: skip
    found = json.loads(run.out)
    (waiver,) = found["waivers"]
    assert waiver["matches"]["findings"] == 1
    assert [(row["before"], row["after"]) for row in found["responses"]] == [
        ("fail", "pass"),
        ("fail", "fail"),
    ]


def test_preview_errors(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    waivers = sample("waived-risk", "waivers.yaml")
    assert tool("preview", waivers).code == 2
    assert tool("preview", sample("failed-addon"), sample("failed-addon")).code == 2
    assert tool("preview", "none.yaml", sample("failed-addon")).code == 2
    run = tool("preview", waivers, tmp_path / "empty")
    assert run.code == 4
    assert "the folder holds no response" in run.out.replace("\n    ", " ")


@pytest.mark.parametrize("name", ["waived-risk", "standard-40-nodes", "failed-addon"])
def test_suggestions_load_and_do_what_they_say(name: str, tmp_path: Path) -> None:
    drafts = {}
    for form in ("policy", "waivers"):
        run = tool("suggest", sample(name), f"--{form}", *AT)
        assert run.code == 0, run.err
        drafts[form] = tmp_path / f"{form}.yaml"
        drafts[form].write_text(run.out)
    judged = ("check", sample(name), *AT, "--json", "-")
    before = json.loads(command(*judged).out)

    def counts(*more: str | Path) -> dict[str, int]:
        found: dict[str, int] = json.loads(command(*judged, *more).out)["counts"]["findings"]
        return found

    assert counts("--policy", drafts["policy"]) == before["counts"]["findings"]
    assert counts("--waivers", drafts["waivers"]) == before["counts"]["findings"]
    risks = sum(
        len(entry["places"])
        for check in before["checks"]
        for entry in check["entries"]
        if entry["kind"] == "Risk" and entry["outcome"] == "fail"
    )
    for path in drafts.values():
        path.write_text(re.sub("(?m)^# ", "", path.read_text()))
    if risks:
        assert counts("--policy", drafts["policy"])["waived"] == risks
        assert counts("--waivers", drafts["waivers"])["waived"] == risks


def test_suggest_errors(tmp_path: Path) -> None:
    assert tool("suggest", "nowhere.json").code == 4
    assert tool("suggest", sample("failed-addon"), "--by", "builtin:strct").code == 2
    assert tool("suggest", sample("failed-addon"), "--at", "soon").code == 2


_UNREADABLE = "check that it is the file you mean, and that you may read it"
_LINT = "mend it there and run again; cce-precheck policy lint shows the lines"


@pytest.mark.parametrize(
    ("words", "text", "hint"),
    [
        (("check", PUBLISHED, "-p"), "apiVersion: x\nkind: Policy\n", _LINT),
        (("check", PUBLISHED, "-w"), "apiVersion: x\nkind: WaiverList\n", _LINT),
        (("bundle", PUBLISHED, "-o", "c.zip", "--key"), None, _UNREADABLE),
        (("audit", PUBLISHED, "--out", "out", "--upgrades"), None, _UNREADABLE),
        (("audit", PUBLISHED, "--out", "out", "--upgrades"), "cluster,time,change\n,2026-01-01,a\n",
         _UNREADABLE),
        (("policy", "test"), "kind: PolicyTest\n",
         "mend it there and run again; docs/policy-tools.md says how"),
        (("catalogue", "--names"), "kind: Catalogue\n",
         "mend it there and run again; docs/catalogue.md says what such a file holds"),
    ],
)  # fmt: skip
def test_what_to_do_next_fits_the_file(
    tmp_path: Path, words: tuple[str | Path, ...], text: str | None, hint: str
) -> None:
    file = tmp_path / "given"
    if text is not None:
        file.write_text(text)
    run = command(*words, file, cwd=tmp_path)
    assert run.code == 2
    assert run.err.splitlines()[-1] == f"  → {hint}"
