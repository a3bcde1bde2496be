"""`policy lint` and `policy schema` from the outside: formats, exit codes, hostile files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import pytest

from tests.acceptance.run import ROOT, Run, command

AT = ("--at", "2026-11-20T12:00:00Z")
HEAD = "apiVersion: precheck.policy/v1\nkind: Policy\nmetadata: {name: x}\n"
FINE = HEAD + "rules:\n  - {id: a, match: {kind: Exception}, effect: fail}\n"
BAD = (
    HEAD
    + "rules:\n  - {id: a, mach: {kind: Risk}, effect: fail}\n"
    + "  - {id: b, match: {kind: Exeption}, effect: fail}\n"
    + "waivers:\n  - {id: w, check: AddonLimt, reason: r, expires: 2026-11-25,\n"
    + "     approved_by: b, approved_on: 2026-11-01, ticket: T}\n"
)


def lint(folder: Path, *arguments: str, **files: str) -> Run:
    """Lint files by name (`.yaml` added), in a folder."""
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    names = [f"{name}.yaml" for name in files]
    return command("policy", "lint", *names, *AT, *arguments, cwd=folder)


def test_a_fine_policy(tmp_path: Path) -> None:
    run = lint(tmp_path, policy=FINE)
    assert (run.code, run.out, run.err) == (0, "policy.yaml: fine\n", "")
    assert lint(tmp_path, "--strict", policy=FINE).code == 0


def test_text_shows_place_line_caret_and_what_was_meant(tmp_path: Path) -> None:
    run = lint(tmp_path, policy=BAD)
    assert run.code == 2
    assert run.err == ""
    assert run.out == (
        'policy.yaml:5:13: error: unknown key "mach"; did you mean "match"? [unknown-key]\n'
        "    5 |   - {id: a, mach: {kind: Risk}, effect: fail}\n"
        "      |             ^\n"
        'policy.yaml:6:27: warning: no kind is called "Exeption"; did you mean "Exception"? '
        "[undocumented-value]\n"
        "    6 |   - {id: b, match: {kind: Exeption}, effect: fail}\n"
        "      |                           ^\n"
        'policy.yaml:8:20: note: the catalogue of 2026-04-30 knows no check "AddonLimt"; did you '
        'mean "AddonLimit"? [unknown-check]\n'
        "    8 |   - {id: w, check: AddonLimt, reason: r, expires: 2026-11-25,\n"
        "      |                    ^\n"
        'policy.yaml:8:51: note: waiver "w" expires in 5 days (2026-11-25) [waiver-expiring]\n'
        "    8 |   - {id: w, check: AddonLimt, reason: r, expires: 2026-11-25,\n"
        "      |                                                   ^\n"
        "1 error, 1 warning, 2 notes in policy.yaml\n"
    )


def test_several_files_are_counted_one_by_one_and_together(tmp_path: Path) -> None:
    run = lint(
        tmp_path, "builtin:strict", "nope.yaml", bad=BAD, fine=FINE.replace("id: a", "id: c")
    )
    assert run.code == 2
    assert run.out.splitlines()[-5:] == [
        "1 error, 1 warning, 2 notes in bad.yaml",
        "fine.yaml: fine",
        "builtin:strict: fine",
        "1 error in nope.yaml",
        "2 errors, 1 warning, 2 notes in 4 files",
    ]
    shipped = [str(path.relative_to(ROOT)) for path in ROOT.glob("policies/*.yaml")]
    run = command("policy", "lint", *shipped, *AT)
    assert (run.code, run.out.splitlines()[-1]) == (0, f"{len(shipped)} files: fine")


def test_warnings_and_notes_are_errors_only_where_asked(tmp_path: Path) -> None:
    text = FINE.replace("kind: Exception", "check: SampleUnknown")
    assert lint(tmp_path, policy=text).code == 0
    run = lint(tmp_path, "--strict", policy=text)
    assert run.code == 2
    assert run.out.endswith("1 error in policy.yaml\n")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--at", "2026-3-1"], '"2026-3-1" is not a date'),
        (["--at", "response"], '"response" is not a date'),
        (["--expiring-within", "soon"], "is not a duration"),
        (["--format", "html"], "not one of"),
    ],
)
def test_what_the_command_line_does_not_take(
    tmp_path: Path, arguments: list[str], says: str
) -> None:
    run = lint(tmp_path, *arguments, policy=FINE)
    assert run.code == 2
    assert says in run.err
    assert command("policy", "lint").code == 2


def test_github_commands_are_escaped(tmp_path: Path) -> None:
    hostile = "::error::100%25 %\\n::warning file=x::y\\r\\x1b[31m"
    text = HEAD + f'rules:\n  - {{id: a, match: {{kind: {{equals: "{hostile}"}}}}, effect: fail}}\n'
    (tmp_path / "a,b:c%.yaml").write_text(text, encoding="utf-8")
    run = command("policy", "lint", "a,b:c%.yaml", "--format", "github", cwd=tmp_path)
    assert run.code == 0
    rows = run.out.splitlines()
    assert [row.partition(" ")[0] for row in rows if row.startswith("::")] == ["::warning"]
    place = (
        "::warning file=a%2Cb%3Ac%25.yaml,line=5,col=36,title=policy lint%3A undocumented-value::"
    )
    assert rows[0].startswith(
        place + 'no kind is called "::error::100%2525 %25 ::warning file=x::y'
    )
    assert "\x1b" not in run.out
    assert rows[0].count("%0A") == 1  # before the hint
    assert rows[-1] == "1 warning in a,b:c%.yaml"


def test_a_hostile_file_does_not_reach_the_terminal(tmp_path: Path) -> None:
    text = (
        HEAD.replace("x}", '"\u202ex"}')
        + 'rules:\n  - {id: "::error::a", "\\x1b[31m##[group]": 1, match: {kind: X\u200b}}\n'
        + "::error::b\n"
    )
    for form in ("text", "json", "sarif", "github"):
        run = lint(tmp_path, "--format", form, policy=text)
        assert run.code == 2
        assert not {"\x1b", "\u202e", "\u200b", "\x9b"} & set(run.out), form
        if form != "github":
            assert not any(row.lstrip().startswith("::") for row in run.out.splitlines())


def test_json_is_versioned_and_whole(tmp_path: Path) -> None:
    run = lint(tmp_path, "--format", "json", policy=BAD)
    assert run.code == 2
    report = json.loads(run.out)
    assert report["apiVersion"] == "precheck.policy-lint/v1"
    assert report["at"] == "2026-11-20T12:00:00Z"
    assert report["files"] == [{"file": "policy.yaml", "errors": 1, "warnings": 1, "notes": 2}]
    assert report["problems"][0] == {
        "code": "unknown-key",
        "severity": "error",
        "file": "policy.yaml",
        "line": 5,
        "column": 13,
        "message": 'unknown key "mach"; did you mean "match"?',
        "hint": None,
    }


def test_sarif_places_every_result_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "a b").mkdir()
    (tmp_path / "a b" / "ü.yaml").write_text(BAD, encoding="utf-8")
    absolute = tmp_path / "c.yaml"
    absolute.write_text("a: [", encoding="utf-8")
    run = command(
        "policy", "lint", "a b/ü.yaml", absolute, "builtin:nope", "--format", "sarif", *AT,
        cwd=tmp_path,
    )  # fmt: skip
    assert run.code == 2
    log = json.loads(run.out)
    assert log["version"] == "2.1.0"
    (only,) = log["runs"]
    rules = only["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    assert all(rule["help"]["text"] and rule["shortDescription"]["text"] for rule in rules)
    uris = []
    for result in only["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note")
        assert result["message"]["text"]
        (place,) = result["locations"]
        region = place["physicalLocation"]["region"]
        assert region["startLine"] > 0
        assert region["startColumn"] > 0
        uris.append(place["physicalLocation"]["artifactLocation"]["uri"])
    assert list(dict.fromkeys(uris)) == ["a%20b/%C3%BC.yaml", absolute.as_uri(), "builtin:nope"]


def test_the_schema_is_printed_and_takes_both_kinds(tmp_path: Path) -> None:
    run = command("policy", "schema")
    assert run.code == 0
    schema = json.loads(run.out)
    validator = jsonschema.Draft202012Validator(schema)
    document = {"apiVersion": "precheck.policy/v1", "kind": "Policy", "metadata": {"name": "x"}}
    assert validator.is_valid(document)
    assert validator.is_valid(document | {"kind": "WaiverList"})
    assert not validator.is_valid(document | {"kind": "WaiverList", "rules": []})
    one = json.loads(command("policy", "schema", "--kind", "WaiverList").out)
    assert not jsonschema.Draft202012Validator(one).is_valid(document)
    assert command("policy", "schema", "--kind", "Polcy").code == 2


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    text = FINE.replace("kind: Exception", "kind: [Rsk, Exeption], level: [A, B, C]")
    (tmp_path / "p.yaml").write_text(text, encoding="utf-8")
    for arguments in (["policy", "schema"], ["policy", "lint", "p.yaml", *AT]):
        runs = [
            command(*arguments, cwd=tmp_path, env={"PYTHONHASHSEED": seed}).out for seed in "12"
        ]
        assert runs[0] == runs[1]


def test_a_reader_that_goes_away_is_no_crash(tmp_path: Path) -> None:
    rows = "".join(f"  - {{id: r{n}, match: {{kind: X{n}}}, effect: fail}}\n" for n in range(3000))
    (tmp_path / "p.yaml").write_text(HEAD + "rules:\n" + rows, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "reporter", "policy", "lint", "p.yaml"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    process.wait(timeout=60)
    assert b"Traceback" not in errors
    assert b"internal error" not in errors


def test_a_large_policy_is_looked_at_in_bounded_time(tmp_path: Path) -> None:
    rows = "".join(
        f"  - {{id: r{n}, match: {{check: Check{n}, kind: Risk, not: {{level: Info}}}}, "
        "effect: fail, title: t}\n"
        for n in range(1000)
    )
    started = time.perf_counter()
    run = lint(tmp_path, policy=HEAD + "rules:\n" + rows)
    assert run.code == 0
    assert time.perf_counter() - started < 30
