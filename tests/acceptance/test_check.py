"""`check` from the outside: exit codes, files, messages."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.acceptance.run import OPTION_OF, PUBLISHED, ROOT, Run, command

AT = ("--at", "2023-11-25T07:30:00Z")
POLICY = "apiVersion: precheck.policy/v1\nkind: Policy\nmetadata: {name: x}\n"


def check(*arguments: str | Path, **options: object) -> Run:
    return command("check", *arguments, **options)  # type: ignore[arg-type]


def test_every_output_of_a_pass(tmp_path: Path) -> None:
    files = {name: tmp_path / "new" / f"r.{name}" for name in OPTION_OF}
    options = [part for name, path in files.items() for part in (OPTION_OF[name], path)]
    run = check(PUBLISHED, *AT, *options)
    assert run.code == 0, run.err
    assert run.out.startswith("✓ Pass")
    assert "no --policy was given: judged by builtin:recommended" in run.out
    assert files["html"].read_bytes().startswith(b"<!doctype html>")
    assert files["pdf"].read_bytes().startswith(b"%PDF")
    assert json.loads(files["json"].read_text())["outcome"] == "pass"
    assert files["markdown"].read_text().startswith("## ✓ Pass")
    assert json.loads(files["sarif"].read_text())["version"] == "2.1.0"
    assert files["csv"].read_bytes().startswith(b"\xef\xbb\xbfrow,outcome,")
    named = run.err.replace("\nwrote ", ", ")  # many long paths stand on lines of their own
    assert named == f"wrote {', '.join(map(str, files.values()))}\n"


def test_the_files_that_were_written_are_named_behind_the_summary(tmp_path: Path) -> None:
    page, lost = tmp_path / "r.html", tmp_path / "file" / "r.csv"
    (tmp_path / "file").write_text("")
    run = check(PUBLISHED, *AT, "--html", page, "--csv", lost, "--markdown", "-")
    assert run.code == 5
    assert run.err.endswith(f"\nwrote {page}\n")
    assert f"wrote {lost}" not in run.err
    far = [tmp_path / ("d" * 200) / f"{number}.out" for number in range(4)]
    forms = zip(("--html", "--csv", "--json", "--sarif"), far, strict=True)
    run = check(PUBLISHED, *AT, *(part for pair in forms for part in pair))
    assert sorted(run.err.splitlines()) == [f"wrote {path}" for path in far]
    assert check(PUBLISHED, *AT, "--html", page, "--quiet").err == ""
    assert check(PUBLISHED, *AT).err == ""


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    sample = ROOT / "samples" / "standard-40-nodes" / "response.json"
    seen = []
    for seed in ("1", "2"):
        forms = sorted(set(OPTION_OF) - {"pdf"})
        files = [tmp_path / f"{seed}.{name}" for name in forms]
        options = [part for name, path in zip(forms, files, strict=True)
                   for part in (OPTION_OF[name], path)]  # fmt: skip
        run = check(
            sample, "--at", "response", *options,
            env={"PYTHONHASHSEED": seed, "TZ": f"UTC-{seed}"},
        )  # fmt: skip
        seen.append([run.out, *(path.read_bytes() for path in files)])
    assert seen[0] == seen[1]


def test_standard_input_and_standard_output() -> None:
    run = check("-", *AT, "--json", "-", stdin=PUBLISHED.read_bytes())
    assert run.code == 0
    assert json.loads(run.out)["outcome"] == "pass"
    assert run.err.startswith("✓ Pass")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty"),
        (b"<html></html>", "an HTML page"),
        (b"\x00\x01", "binary data"),
        (b"[" * 100_000, "nested too deeply"),
        (b"{}", "an empty object"),
        (PUBLISHED.read_bytes()[:900], "the file was cut"),
    ],
)
def test_bad_input_is_exit_4_in_two_lines(tmp_path: Path, data: bytes, says: str) -> None:
    path = tmp_path / "in.json"
    path.write_bytes(data)
    stale = {name: tmp_path / f"report.{name}" for name in ("html", "markdown", "sarif", "csv")}
    for target in stale.values():
        target.write_text("an earlier, green report")
    junit = tmp_path / "junit.xml"
    options = [part for name, target in stale.items() for part in (f"--{name}", target)]
    run = check(path, *options, "--junit", junit)
    assert run.code == 4
    assert says in run.err
    assert run.err.count("\n") == 2
    assert "Traceback" not in run.err
    assert run.out == ""
    assert not any(target.exists() for target in stale.values())
    assert "<error" in junit.read_text()


@pytest.mark.parametrize(
    ("slip", "says"),
    [
        (["--advisory", ""], "--advisory needs a reason"),
        (["--expect-target", "v"], "is no version"),
        (["--window", "2026-01-02"], "--window takes START/END"),
    ],
)
def test_a_slip_in_an_option_leaves_no_report_of_yesterday(
    tmp_path: Path, slip: list[str], says: str
) -> None:
    page, junit = tmp_path / "report.html", tmp_path / "junit.xml"
    for target in (page, junit):
        target.write_text("an earlier, green report")
    run = check(PUBLISHED, *slip, "--html", page, "--junit", junit)
    assert run.code == 2
    assert says in run.err
    assert not page.exists()
    assert says in junit.read_text()
    assert "internal" not in junit.read_text()


def test_a_wrong_policy_is_exit_2_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY + "rules:\n  - {id: a, mach: {check: X}, effect: fail}\n")
    run = check(PUBLISHED, "--policy", path)
    assert run.code == 2
    assert f'{path}:5:13: unknown key "mach"; did you mean "match"?' in run.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("--polcy", "x"),
        ("--at", "tomorrow"),
        ("--window", "now"),
        ("--advisory", " "),
        ("--html", "a.html", "--pdf", "a.html"),
        ("--json", str(PUBLISHED)),
        ("--type", "other"),
        ("--sarif-waived", "suppress"),
    ],
)
def test_usage_is_exit_2(arguments: tuple[str, ...]) -> None:
    run = check(PUBLISHED, *arguments)
    assert run.code == 2
    assert "Traceback" not in run.err
    assert PUBLISHED.exists()


def test_a_report_that_cannot_be_written_is_exit_5_and_the_others_come_out(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("x")
    junit = tmp_path / "junit.xml"
    run = check(PUBLISHED, *AT, "--html", blocked / "r.html", "--junit", junit)
    assert run.code == 5
    assert "--html" in run.err
    assert 'name="exit-code" value="5"' in junit.read_text()
    assert "<error" in junit.read_text()
    assert "Pass" in run.out


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to read-only folders")
def test_a_read_only_folder(tmp_path: Path) -> None:
    folder = tmp_path / "ro"
    folder.mkdir(mode=0o555)
    junit = tmp_path / "junit.xml"
    assert check(PUBLISHED, *AT, "--html", folder / "r.html", "--junit", junit).code == 5
    assert 'name="exit-code" value="5"' in junit.read_text()
    assert "<error" in junit.read_text()


def test_expired_is_inconclusive_and_advisory_is_zero() -> None:
    assert check(PUBLISHED).code == 3
    run = check(PUBLISHED, "--advisory", "trial week")
    assert run.code == 0
    assert "Inconclusive" in run.out
    assert "trial week" in run.out


def test_quiet_is_one_line_and_verbose_tells_all() -> None:
    assert check(PUBLISHED, *AT, "--quiet").out.count("\n") == 1
    assert len(check(PUBLISHED, *AT, "--verbose").out) > len(check(PUBLISHED, *AT).out)


def test_a_reader_that_goes_away_changes_nothing() -> None:
    import subprocess
    import sys

    check_it = f"{sys.executable} -m reporter check {PUBLISHED} --at response"
    script = f"{check_it} | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.stdout.strip() == "0"
    assert "Traceback" not in done.stderr


def test_hostile_text_reaches_neither_console_nor_exit_code(tmp_path: Path) -> None:
    body = json.loads(PUBLISHED.read_text())
    items = body["status"]["clusterCheckStatus"]["itemsStatus"]
    items[0].update(phase="Failed", message="x\n::error::pwned\n\x1b[2J##vso[task.complete]")
    body["status"]["clusterCheckStatus"]["phase"] = body["status"]["phase"] = "Failed"
    path = tmp_path / "in.json"
    path.write_text(json.dumps(body))
    run = check(path, *AT, "--verbose")
    assert "\x1b" not in run.out
    assert "##vso[" not in run.out
    assert not any(line.lstrip().startswith("::") for line in run.out.splitlines())


def test_an_internal_error_is_no_pass(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import reporter.policy.evaluate as e\n"
        "def boom(*a, **k): raise RuntimeError('boom')\n"
        "e.judge = boom\n"
    )
    junit = tmp_path / "junit.xml"
    run = check(PUBLISHED, "--junit", junit, env={"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"})
    assert run.code == 70
    assert "internal error" in run.err
    assert "<error" in junit.read_text()


def test_render_gives_the_same_reports_again(tmp_path: Path) -> None:
    record, html, again = (tmp_path / name for name in ("r.json", "1.html", "2.html"))
    others = {name: tmp_path / f"1.{name}" for name in ("markdown", "sarif", "csv", "junit")}
    options = [part for name, path in others.items() for part in (f"--{name}", path)]
    check(PUBLISHED, *AT, "--json", record, "--html", html, *options)
    first = [path.read_bytes() for path in others.values()]
    assert command("render", record, *options).code == 0
    assert [path.read_bytes() for path in others.values()] == first
    policy = ROOT / "policies" / "recommended.yaml"
    run = command("render", record, "--html", again, "--exhibit", PUBLISHED, "--exhibit", policy)
    assert run.code == 0
    assert "not judged again" in run.out
    assert again.read_bytes() == html.read_bytes()
    wrong = command("render", record, "--html", again, "--exhibit", ROOT / "README.md")
    assert wrong.code == 5
    assert "is not one this record rests on" in wrong.err
    assert not again.exists()
    record.write_text(record.read_text().replace("verdict/v1alpha", "verdict/v7"))
    assert command("render", record).code == 4


def test_a_list_says_how_many_others_there_were(tmp_path: Path) -> None:
    task = json.loads(PUBLISHED.read_text())
    older = json.loads(PUBLISHED.read_text())
    older["metadata"]["creationTimestamp"] = "2023-11-24 07:20:04 +0000 UTC"
    older["metadata"]["uid"] = "older"
    path = tmp_path / "list.json"
    path.write_text(json.dumps({"kind": "List", "apiVersion": "v3", "items": [older, task]}))
    run = check(path, *AT)
    assert run.code == 0
    assert "1 other task in the same file" in " ".join(run.out.split())
    assert check(path, *AT, "--task", "nine").code == 4
