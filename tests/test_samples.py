"""Every sample keeps its promise, and every shipped policy and waiver list says what it should."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from reporter.policy.evaluate import evaluate
from reporter.policy.load import Policy, builtin_names
from reporter.precheck.finding import iter_findings
from reporter.sources.read import read
from tests.acceptance import run

Json = dict[str, Any]

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "samples"
STORIES = sorted(path.parent.name for path in SAMPLES.glob("*/README.md"))
WAIVER_LISTS = sorted((ROOT / "policies" / "waivers").glob("*.yaml"))
SHIPPED = ["allow-listed-risks", "fatal-exceptions", "recommended", "strict"]
PUBLISHED_NAMES = {
    "AddonLimit",
    "BlackLimit",
    "ClusterNoArm",
    "CoreDNSConfLimit",
    "DeprecatedApiCheck",
    "EverestLimitHungVersion",
    "MasterSSH",
    "NodeContainerdPodRestartRisk",
    "ReleaseLimit",
    "ResiduePackageVersion",
}

_COMMAND = re.compile(r"^```console\n(cce-precheck .+)\n```$", re.MULTILINE)
_PROMISE = re.compile(r"^Verdict: \*\*([a-z]+)\*\* \(exit code ([0-9]+)\)$", re.MULTILINE)
_INDEX_ROW = re.compile(r"^\| \[([a-z0-9-]+)\]\(\1/README\.md\) \|.*\| ([a-z]+) \| ([0-9]+) \|$")


def promises(story: str) -> list[tuple[str, str, int]]:
    """The commands of a README, each with the verdict and the exit code it promises."""
    text = (SAMPLES / story / "README.md").read_text(encoding="utf-8")
    commands = _COMMAND.findall(text)
    verdicts = _PROMISE.findall(text)
    assert commands, f"{story}: no command"
    assert len(commands) == len(verdicts), f"{story}: not one promise for each command"
    assert text.count("```console") == len(commands), f"{story}: a command that is not understood"
    return [
        (command, outcome, int(code))
        for command, (outcome, code) in zip(commands, verdicts, strict=True)
    ]


ALL_PROMISES = [
    pytest.param(*promise, id=f"{story}-{number}")
    for story in STORIES
    for number, promise in enumerate(promises(story), start=1)
]


@pytest.mark.parametrize(("command", "outcome", "code"), ALL_PROMISES)
def test_a_sample_keeps_its_promise(command: str, outcome: str, code: int) -> None:
    program, *arguments = shlex.split(command)
    assert program == "cce-precheck"
    done = run.command(*arguments)
    assert done.code == code, done.out + done.err
    assert re.search(rf"\b{outcome}\b", done.out, re.IGNORECASE), done.out


@pytest.mark.parametrize(("command", "outcome", "code"), ALL_PROMISES)
def test_the_library_says_the_same(command: str, outcome: str, code: int) -> None:
    options: dict[str, list[str]] = {}
    _, check, path, *rest = shlex.split(command)
    assert check == "check"
    for name, value in zip(rest[::2], rest[1::2], strict=True):
        options.setdefault(name, []).append(value)
    assert set(options) <= {"--type", "--at", "--policy", "--waivers"}
    policy = Policy.load(
        *options.get("--policy", ["builtin:recommended"]),
        waivers=[ROOT / name for name in options.get("--waivers", [])],
    )
    verdict = evaluate(
        read(str(ROOT / path)),
        policy,
        at=options["--at"][0],
        cluster_type="standard" if options["--type"] == ["standard"] else "autopilot",
    )
    assert (verdict.outcome, verdict.exit_code) == (outcome, code)


def test_the_index_lists_every_sample() -> None:
    rows: dict[str, tuple[str, int]] = {}
    for line in (SAMPLES / "README.md").read_text(encoding="utf-8").splitlines():
        if found := _INDEX_ROW.match(line):
            rows[found[1]] = (found[2], int(found[3]))
    assert rows == {story: promises(story)[0][1:] for story in STORIES}
    assert sorted(path.parent.name for path in SAMPLES.glob("*/response.json")) == STORIES


@pytest.mark.parametrize("story", STORIES)
def test_invented_names_look_invented(story: str) -> None:
    task = read(str(SAMPLES / story / "response.json")).task
    names = {finding.item.name or "" for finding in iter_findings(task)}
    skipped = (task.spec.skipped_check_item_list if task.spec else None) or []
    names |= {skip.name or "" for skip in skipped}
    assert all(name in PUBLISHED_NAMES or name.startswith("Sample") for name in names)


def test_the_generated_sample_can_be_generated_again() -> None:
    text = (SAMPLES / "standard-40-nodes" / "README.md").read_text(encoding="utf-8")
    found = re.search(r"^```sh\npython (.+) > (.+)\n```$", text, re.MULTILINE)
    assert found is not None
    made = subprocess.run(
        [sys.executable, *shlex.split(found[1])],
        cwd=ROOT,
        capture_output=True,
        timeout=120,
        check=True,
    )
    assert made.stdout == (ROOT / found[2]).read_bytes()


# Shipped policies -----------------------------------------------------------------------------

AT = "2026-11-20T09:30:00Z"
PASSING: Json = json.loads((SAMPLES / "server-side-skip" / "response.json").read_bytes())


def outcome_of(policy: str, *waivers: Path, skips: list[Json] | None = None, **item: Any) -> str:
    """The outcome over a response in which one more check failed, or some were skipped."""
    task = deepcopy(PASSING)
    task["spec"]["skippedCheckItemList"] = skips or []
    if item:
        failed = {"name": "SampleCheck", "group": "LimitCheck", "phase": "Failed", **item}
        task["status"]["clusterCheckStatus"]["itemsStatus"].append(failed)
        task["status"]["clusterCheckStatus"]["phase"] = "Failed"
    loaded = Policy.load(f"builtin:{policy}", waivers=list(waivers))
    return evaluate(read(json.dumps(task).encode()), loaded, at=AT).outcome


@pytest.fixture
def waivers(tmp_path: Path) -> Path:
    """A waiver list that covers SampleCheck."""
    path = tmp_path / "waivers.yaml"
    path.write_text(
        "apiVersion: precheck.policy/v1\nkind: WaiverList\nmetadata: {name: test}\n"
        "waivers:\n  - {id: w, check: SampleCheck, reason: for the test, expires: 2026-12-31}\n",
        encoding="utf-8",
    )
    return path


def test_four_policies_are_shipped() -> None:
    assert builtin_names() == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_policy_loads_and_says_who_it_is(name: str) -> None:
    (file,) = Policy.load(f"builtin:{name}").files
    assert file.name == name
    assert file.title
    assert file.owner
    assert file.version
    assert file.data.startswith(f"# {name}: ".encode())
    assert outcome_of(name) == "pass"


@pytest.mark.parametrize("path", WAIVER_LISTS, ids=lambda path: path.stem)
def test_a_shipped_waiver_list_loads_with_every_policy(path: Path) -> None:
    for name in SHIPPED:
        policy = Policy.load(f"builtin:{name}", waivers=[path])
        assert all(
            waiver.approved_by and waiver.approved_on and waiver.ticket and waiver.expires
            for waiver in policy.waivers
        )


@pytest.mark.parametrize(
    ("kind", "level", "expected"),
    [
        # recommended, strict, fatal-exceptions, allow-listed-risks
        ("Exception", "Fatal", "fail fail fail fail"),
        ("Exception", "Warning", "fail fail pass fail"),
        ("Exception", "Info", "fail fail pass fail"),
        ("Risk", "Fatal", "fail fail pass fail"),
        ("Risk", "Warning", "fail fail pass fail"),
        ("Risk", "Info", "pass fail pass fail"),
        ("Exception", "", "fail fail fail inconclusive"),
        ("Exception", "SampleLevel", "fail fail inconclusive inconclusive"),
        ("Risk", "", "fail fail inconclusive inconclusive"),
        ("Risk", "SampleLevel", "inconclusive fail inconclusive inconclusive"),
        ("", "Fatal", "fail fail fail inconclusive"),
        ("", "Warning", "fail fail inconclusive inconclusive"),
        ("SampleKind", "Fatal", "inconclusive fail inconclusive inconclusive"),
    ],
)
def test_what_a_failed_check_comes_to(kind: str, level: str, expected: str) -> None:
    order = ["recommended", "strict", "fatal-exceptions", "allow-listed-risks"]
    found = [outcome_of(name, kind=kind, level=level) for name in order]
    assert found == expected.split()


@pytest.mark.parametrize("name", SHIPPED)
def test_waivers_lift_risks_and_nothing_else(name: str, waivers: Path) -> None:
    assert outcome_of(name, waivers, kind="Risk", level="Fatal") == "pass"
    assert outcome_of(name, waivers, kind="Exception", level="Fatal") == "fail"
    broken = outcome_of(name, waivers, kind="Risk", level="Warning", group="ExecuteException")
    assert broken != "pass"


@pytest.mark.parametrize("name", SHIPPED)
def test_a_skip_needs_a_waiver_and_strict_refuses_it_even_so(name: str, waivers: Path) -> None:
    skips = [{"name": "SampleCheck"}]
    assert outcome_of(name, skips=skips) == "fail"
    assert outcome_of(name, waivers, skips=skips) == ("fail" if name == "strict" else "pass")
