"""Pipelines that can be pasted: their files are well formed, and their shell does what it says."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from junitparser import JUnitXml

from tests.docs import ROOT, check_pipeline

PIPELINES = ROOT / "docs" / "pipelines"
ACTION = ROOT / "action.yml"
BIN = Path(sys.executable).parent
HOSTILE = "$(touch owned) `touch owned`; touch owned \"' ${{ github.token }}"

FILES = {
    ACTION: "GitHub action",
    PIPELINES / "gitlab-ci.yml": "GitLab",
    PIPELINES / "azure-pipelines.yml": "Azure",
}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_fits_the_schema_of_its_service(path: Path) -> None:
    check_pipeline(path.read_text(encoding="utf-8"), FILES[path])


def test_nothing_is_put_into_the_text_of_a_script() -> None:
    for step in _action()["runs"]["steps"]:
        assert "${{" not in step.get("run", "")
    for name in ("gitlab-ci.yml", "azure-pipelines.yml", "codearts-build.yml", "Jenkinsfile"):
        text = (PIPELINES / name).read_text(encoding="utf-8")
        assert not re.search(r"\$\{\{|\$\(PRECHECK|\$\{PRECHECK", text), name
    assert '"""' not in (PIPELINES / "Jenkinsfile").read_text(encoding="utf-8")


def test_other_actions_are_pinned_and_asked_for_on_failure() -> None:
    steps = _action()["runs"]["steps"]
    for step in steps:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", step.get("uses", f"a@{'0' * 40}"))
    assert ["!cancelled()" in step["if"] for step in steps[3:]] == [True, True]


@pytest.mark.parametrize(
    "command",
    [
        ["zizmor", "--offline", "--quiet", "--no-progress", str(ACTION)],
        ["hadolint", str(PIPELINES / "Containerfile")],
    ],
    ids=lambda command: command[0],
)
def test_linters_find_nothing(command: list[str]) -> None:
    done = subprocess.run(command, env=_env(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _action() -> Any:
    return yaml.safe_load(ACTION.read_text(encoding="utf-8"))


def _env(**variables: str) -> dict[str, str]:
    return {"PATH": f"{BIN}:{os.environ['PATH']}", "HOME": os.environ["HOME"], **variables}


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A checkout with a response that fails, one whose Risk is waived, and the tool installed."""
    for name, story in (("failing.json", "failed-addon"), ("waived.json", "waived-risk")):
        shutil.copy(ROOT / "samples" / story / "response.json", tmp_path / name)
    shutil.copy(ROOT / "samples" / "waived-risk" / "waivers.yaml", tmp_path / "waivers.yaml")
    (tmp_path / "broken.json").write_text('{"kind": "\x60\x60\x60\x60"}\n')
    for folder in (".precheck", "temp/cce-precheck"):
        (tmp_path / folder / "bin").mkdir(parents=True)
        (tmp_path / folder / "bin" / "cce-precheck").symlink_to(BIN / "cce-precheck")
    python = tmp_path / "temp" / "cce-precheck" / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    return tmp_path


@dataclass(frozen=True)
class Ended:
    """How a script ended."""

    code: int
    said: str
    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""


def _run(script: str, workspace: Path, shell: list[str], **variables: str) -> Ended:
    done = subprocess.run(
        [*shell, "-c", script],
        cwd=workspace,
        env=_env(**variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    return Ended(done.returncode, done.stdout)


# GitHub -----------------------------------------------------------------------------------------


def _judge(workspace: Path, **inputs: str) -> Ended:
    """The action's own step, with the environment that a runner gives it."""
    action = _action()
    step = next(step for step in action["runs"]["steps"] if step.get("id") == "judge")
    variables = {}
    for name, expression in step["env"].items():
        found = re.fullmatch(r"\$\{\{ inputs\.([a-z-]+) \}\}", expression)
        assert found is not None
        variables[name] = inputs.get(
            found[1].replace("-", "_"), str(action["inputs"][found[1]].get("default", ""))
        )
    (workspace / "outputs").write_text("")
    (workspace / "summary").write_text("")
    ended = _run(
        step["run"],
        workspace,
        ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail"],
        RUNNER_TEMP=str(workspace / "temp"),
        GITHUB_OUTPUT=str(workspace / "outputs"),
        GITHUB_STEP_SUMMARY=str(workspace / "summary"),
        GITHUB_ACTIONS="true",
        CI="true",
        **variables,
    )
    rows = (workspace / "outputs").read_text().splitlines()
    outputs = dict(row.split("=", 1) for row in rows)
    return Ended(ended.code, ended.said, outputs, (workspace / "summary").read_text())


AT = "2026-11-20T09:30:00Z"


def test_the_action_stops_on_a_failure_and_shows_why(workspace: Path) -> None:
    ended = _judge(workspace, response="failing.json", type="standard", at=AT)
    assert ended.code == 1
    assert ended.outputs == {
        "outcome": "fail", "exit-code": "1", "sarif": "true", "keep": "true",
    }  # fmt: skip
    assert "Fail: do not upgrade yet" in ended.summary
    assert "AddonLimit" in ended.summary
    (annotation,) = (row for row in ended.said.splitlines() if row.startswith("::"))
    assert annotation.startswith("::error title=CCE pre-upgrade check::Fail: do not upgrade yet.")
    assert "%0AAddonLimit fails: addon [ CoreDNS ] status is abnormal" in annotation
    reports = {path.name for path in (workspace / "precheck-reports").iterdir()}
    assert reports == {
        "report.html", "junit.xml", "record.json", "summary.md", "precheck.sarif", "findings.csv",
    }  # fmt: skip
    junit = JUnitXml.fromfile(str(workspace / "precheck-reports" / "junit.xml"))
    assert junit.failures + junit.errors == sum(
        1 for suite in junit for case in suite for result in case.result if not _skips(result)
    )
    assert junit.failures >= 1


def _skips(result: object) -> bool:
    return type(result).__name__ == "Skipped"


def test_the_action_passes_several_policies_and_waivers(workspace: Path) -> None:
    ended = _judge(
        workspace,
        response="waived.json",
        policy="\n  builtin:recommended  \nbuiltin:fatal-exceptions\n",
        waivers="waivers.yaml\n",
        at=AT,
    )
    assert (ended.code, ended.outputs["outcome"]) == (0, "pass")
    assert "::notice title=" in ended.said
    assert "fatal-exceptions" in ended.said


def test_the_action_without_a_verdict(workspace: Path) -> None:
    stale = workspace / "precheck-reports" / "report.html"
    stale.parent.mkdir()
    stale.write_text("Pass")
    ended = _judge(workspace, response="broken.json")
    assert (ended.code, ended.outputs["outcome"]) == (4, "error")
    assert not stale.exists()
    assert "No verdict: exit code 4" in ended.summary
    assert ended.summary.count("````") == 2
    junit = JUnitXml.fromfile(str(workspace / "precheck-reports" / "junit.xml"))
    assert junit.errors == 1


def test_the_action_takes_no_response_for_a_report_of_before(workspace: Path) -> None:
    response = (workspace / "failing.json").read_bytes()
    (workspace / "record.json").write_bytes(response)
    ended = _judge(workspace, response="record.json", reports=".")
    assert (ended.code, ended.outputs["outcome"]) == (2, "error")
    assert (workspace / "record.json").read_bytes() == response
    # An old record of a pass is none of this run's either.
    passed = _judge(workspace, response="waived.json", waivers="waivers.yaml", at=AT, reports="old")
    assert passed.outputs["outcome"] == "pass"
    ended = _judge(workspace, response="old/record.json", reports="old")
    assert (ended.code, ended.outputs["outcome"]) == (2, "error")
    assert "::error title=CCE pre-upgrade check::Pass" not in ended.said
    for place in ("all", "all/one"):
        (workspace / place).mkdir()
    (workspace / "all" / "one" / "record.json").write_bytes(response)
    ended = _judge(workspace, response="all", reports="all/one")
    assert (ended.code, ended.outputs["outcome"]) == (2, "error")
    assert (workspace / "all" / "one" / "record.json").read_bytes() == response
    folder = workspace / "precheck"
    folder.mkdir()
    (folder / "findings.csv").write_bytes(response)
    ended = _judge(workspace, response="precheck", reports="./precheck/")
    assert (ended.code, ended.outputs["outcome"]) == (2, "error")
    assert (folder / "findings.csv").read_bytes() == response


def test_the_action_lets_itself_be_told_not_to_stop(workspace: Path) -> None:
    reason = "until the end of the quarter"
    ended = _judge(workspace, response="failing.json", at=AT, advisory=reason)
    assert (ended.code, ended.outputs["outcome"]) == (0, "fail")
    assert "::warning title=" in ended.said
    assert reason in ended.summary


def test_an_expectation_of_the_action_that_nobody_set_is_met_by_nothing(workspace: Path) -> None:
    for name in ("expect_cluster", "expect_target"):
        ended = _judge(workspace, response="waived.json", waivers="waivers.yaml", **{name: ""})
        assert ended.code in (2, 3), ended.said


@pytest.mark.parametrize("given", ["policy", "fail_on"])
@pytest.mark.parametrize("value", ["", " \n \n"])
def test_what_the_action_judges_by_may_not_be_a_variable_that_nobody_set(
    workspace: Path, given: str, value: str
) -> None:
    ended = _judge(workspace, response="waived.json", waivers="waivers.yaml", **{given: value})
    assert (ended.code, ended.outputs["outcome"]) == (2, "error")


def test_the_reports_of_the_action_go_to_a_folder_of_any_name_or_there_is_no_verdict(
    workspace: Path,
) -> None:
    ended = _judge(workspace, response="failing.json", at=AT, reports="-x")
    assert (ended.code, ended.outputs["outcome"]) == (1, "fail")
    assert {path.name for path in (workspace / "-x").iterdir()} >= {"junit.xml", "record.json"}
    ended = _judge(workspace, response="failing.json", at=AT, reports="")
    nothing = {"outcome": "error", "exit-code": "5", "sarif": "", "keep": ""}
    assert (ended.code, ended.outputs) == (5, nothing)


def test_what_the_action_cannot_remove_is_not_kept_as_this_runs(workspace: Path) -> None:
    reports = workspace / "precheck-reports"
    (reports / "summary.md").mkdir(parents=True)
    (reports / "findings.csv").write_text("of yesterday")
    ended = _judge(workspace, response="failing.json", at=AT)
    nothing = {"outcome": "error", "exit-code": "5", "sarif": "", "keep": ""}
    assert (ended.code, ended.outputs) == (5, nothing)
    assert "::No verdict: summary.md of an earlier step can't be removed" in ended.said
    (step,) = (step for step in _action()["runs"]["steps"] if step["name"] == "Keep the reports")
    assert "steps.judge.outputs.keep == 'true'" in step["if"]


@pytest.mark.parametrize(
    ("slip", "says"),
    [
        ({"type": "autopliot"}, "'autopliot' is not one of"),
        ({"response": ""}, "an empty name is no file's; is a variable not set?"),
        ({"response": "none.json"}, "::none.json: "),
    ],
)
def test_the_action_says_what_is_wrong_with_an_input(
    workspace: Path, slip: dict[str, str], says: str
) -> None:
    ended = _judge(workspace, **{"response": "failing.json", **slip})
    (annotation,) = (row for row in ended.said.splitlines() if row.startswith("::"))
    assert says in annotation
    assert "Usage" not in annotation


def test_the_action_says_what_is_wrong_and_not_what_was_left(workspace: Path) -> None:
    """A record of another's stays, which is said first."""
    (workspace / "out").mkdir()
    shutil.copy(workspace / "failing.json", workspace / "out" / "record.json")
    ended = _judge(workspace, response="broken.json", fail_on="bogus", reports="out")
    (annotation,) = (row for row in ended.said.splitlines() if row.startswith("::"))
    assert "warning: " in ended.said
    assert annotation.startswith("::error title=CCE pre-upgrade check::Invalid value for")


def test_one_value_of_the_action_over_several_lines_is_one(workspace: Path) -> None:
    lines = "Trial until the end of Q4,\n  agreed * with the board.\nAsk Jane.\n"
    ended = _judge(workspace, response="failing.json", at=AT, advisory=lines, change="CHG\n1\n")
    assert (ended.code, ended.outputs["outcome"]) == (0, "fail")
    assert "Trial until the end of Q4, agreed" in ended.summary
    record = json.loads((workspace / "precheck-reports" / "record.json").read_text())
    assert record["gate"]["advisory"] == " ".join(lines.split())
    assert record["subject"]["change"]["id"] == "CHG 1"


def test_values_of_the_action_are_never_run(workspace: Path) -> None:
    names = ("policy", "waivers", "type", "at", "expect_target", "expect_cluster", "fail_on")
    assert _judge(workspace, response="failing.json", **dict.fromkeys(names, HOSTILE)).code == 2
    assert _judge(workspace, response="failing.json", advisory=HOSTILE).code == 0
    assert _judge(workspace, response=HOSTILE).code == 4
    assert _judge(workspace, response="--help").code == 4
    # Nor is what lies in the checkout imported.
    (workspace / "json.py").write_text("open('owned', 'w')\n")
    _judge(workspace, response="failing.json")
    assert not list(workspace.rglob("owned"))


# The others -------------------------------------------------------------------------------------


def _gitlab() -> str:
    job = yaml.safe_load((PIPELINES / "gitlab-ci.yml").read_text(encoding="utf-8"))["cce-precheck"]
    assert job["artifacts"]["when"] == "always"
    assert "allow_failure" not in job
    return "\n".join(job["script"])


def _azure() -> str:
    steps = yaml.safe_load((PIPELINES / "azure-pipelines.yml").read_text(encoding="utf-8"))["steps"]
    assert [step.get("condition") for step in steps[3:]] == ["succeededOrFailed()"] * 2
    return str(steps[2]["bash"])


def _jenkins() -> str:
    text = (PIPELINES / "Jenkinsfile").read_text(encoding="utf-8")
    assert re.search(r"always \{.*junit .*allowEmptyResults: false", text, re.DOTALL)
    _, script = re.findall(r"sh '''(.*?)'''", text, re.DOTALL)
    # Groovy's string: a backslash at the end of a row joins it with the next, as the shell's does.
    return str(script)


def _codearts() -> str:
    steps = yaml.safe_load((PIPELINES / "codearts-build.yml").read_text(encoding="utf-8"))["steps"]
    judge, upload, end = steps["BUILD"]
    script = str(judge["sh"]["inputs"]["command"])
    install = [row for row in script.splitlines() if "venv" in row or "pip install" in row]
    assert len(install) == 2
    for row in install:
        script = script.replace(row, ":")
    assert upload["upload_artifact"]["inputs"]["path"] == "precheck.tar.gz"
    # Each step is a shell of its own; the second is only run where the first ended well.
    return f"(\n{script}\n) && (\n{end['sh']['inputs']['command']})"


OTHERS = {
    "GitLab": (_gitlab, ["bash", "-eo", "pipefail"]),
    "Azure": (_azure, ["bash", "--noprofile", "--norc"]),
    "Jenkins": (_jenkins, ["sh", "-xe"]),
    "CodeArts": (_codearts, ["sh"]),
}
EMPTY = {
    "PRECHECK_POLICY": "builtin:recommended",
    "PRECHECK_WAIVERS": "",
    "PRECHECK_TYPE": "",
    "PRECHECK_EXPECT_CLUSTER": "any",
    "PRECHECK_EXPECT_TARGET": "any",
    "PRECHECK_ADVISORY": "",
}


@pytest.mark.parametrize("service", OTHERS)
def test_a_pipeline_stops_on_a_failure_and_publishes(service: str, workspace: Path) -> None:
    extract, shell = OTHERS[service]
    (workspace / "precheck").mkdir()
    (workspace / "precheck" / "report.html").write_text("Pass, of yesterday")
    values = {**EMPTY, "PRECHECK_RESPONSE": "failing.json", "PRECHECK_TYPE": "standard"}
    ended = _run(extract(), workspace, shell, **values)
    assert ended.code == 1, ended.said
    assert "Fail: do not upgrade yet" in (workspace / "precheck" / "report.html").read_text()
    assert JUnitXml.fromfile(str(workspace / "precheck" / "junit.xml")).failures >= 1


@pytest.mark.parametrize("service", OTHERS)
def test_an_expectation_that_nobody_set_is_met_by_nothing(service: str, workspace: Path) -> None:
    """A misspelt variable is empty; that must not become no expectation at all."""
    extract, shell = OTHERS[service]
    values = {**EMPTY, "PRECHECK_RESPONSE": "waived.json", "PRECHECK_WAIVERS": "waivers.yaml"}
    for name in ("PRECHECK_EXPECT_CLUSTER", "PRECHECK_EXPECT_TARGET"):
        assert _run(extract(), workspace, shell, **{**values, name: ""}).code in (2, 3)


@pytest.mark.parametrize("name", ["gitlab-ci.yml", "azure-pipelines.yml", "codearts-build.yml"])
def test_a_pipeline_declares_its_variables_with_what_they_are_until_set(name: str) -> None:
    found = yaml.safe_load((PIPELINES / name).read_text(encoding="utf-8"))
    declared = found["cce-precheck"]["variables"] if "cce-precheck" in found else None
    declared = declared or found.get("variables")
    declared = declared or {part["name"]: part["value"] for part in found["params"]}
    assert {key: declared.get(key) for key in EMPTY} == EMPTY


@pytest.mark.parametrize("service", OTHERS)
def test_a_pipeline_runs_none_of_its_values(service: str, workspace: Path) -> None:
    extract, shell = OTHERS[service]
    values = dict.fromkeys(EMPTY, HOSTILE) | {"PRECHECK_RESPONSE": f"-- {HOSTILE}"}
    ended = _run(extract(), workspace, shell, **values)
    assert ended.code == 2, ended.said
    values = {**EMPTY, "PRECHECK_RESPONSE": "failing.json", "PRECHECK_ADVISORY": HOSTILE}
    ended = _run(extract(), workspace, shell, **values)
    assert ended.code == 0, ended.said
    assert "touch owned" in (workspace / "precheck" / "record.json").read_text()
    assert not list(workspace.rglob("owned"))
