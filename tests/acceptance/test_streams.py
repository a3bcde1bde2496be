"""Streams that close, disks that fill, signals that come, names that are no text."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reporter.cli import run
from reporter.cli.common import Outputs
from tests.acceptance.run import PUBLISHED, ROOT, command

CHECK = f"{sys.executable} -m reporter check"
AT = "--at response"


def bash(script: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a line of bash from the repository's root."""
    return subprocess.run(
        ["bash", "-c", script],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, **env},
        check=False,
        errors="replace",
    )


@pytest.mark.parametrize(
    ("redirect", "code"),
    [(">&-", 0), ("2>&-", 0), (">&- 2>&-", 0), (">/dev/full", 5)],
)
def test_a_stream_that_is_closed_or_full_leaves_the_reports(
    tmp_path: Path, redirect: str, code: int
) -> None:
    html, junit = tmp_path / "r.html", tmp_path / "j.xml"
    run = bash(f"{CHECK} {PUBLISHED} {AT} --html {html} --junit {junit} {redirect}")
    assert run.returncode == code
    assert "Traceback" not in run.stderr
    assert html.exists()
    # Nothing green beside another exit code.
    assert ("<error" in junit.read_text()) is (code == 5)


def test_a_closed_standard_input_is_bad_input() -> None:
    run = bash(f"{CHECK} - <&-")
    assert run.returncode == 4
    assert "standard input" in run.stderr


def test_a_report_nobody_reads_leaves_the_others(tmp_path: Path) -> None:
    html = tmp_path / "r.html"
    big = ROOT / "samples" / "standard-40-nodes" / "response.json"
    run = bash(f"{CHECK} {big} {AT} --json - --html {html} | true; echo ${{PIPESTATUS[0]}}")
    assert run.stdout.strip() in ("1", "5")
    assert html.exists()
    assert "internal error" not in run.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_leaves_nothing_half_written(tmp_path: Path, number: signal.Signals) -> None:
    out = tmp_path / "out"
    out.mkdir()
    response = tmp_path / "in.json"
    os.mkfifo(response)
    process = subprocess.Popen(
        [sys.executable, "-m", "reporter", "check", str(response), "--html", str(out / "r.html")],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    with response.open("w") as pipe:  # opens once the command is reading
        time.sleep(0.3)
        process.send_signal(number)
        _, err = process.communicate(timeout=120)
        pipe.close()
    assert process.returncode == 130
    assert "interrupted" in err
    assert os.listdir(out) == []


def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    odd = os.fsencode(tmp_path) + b"/caf\xe9.json"
    Path(os.fsdecode(odd)).write_bytes(PUBLISHED.read_bytes())
    run = bash(f"cd {tmp_path} && {CHECK} *.json {AT} --json r.out", PYTHONPATH=str(ROOT))
    assert run.returncode == 0, run.stderr
    assert "caf\ufffd.json" in json.loads((tmp_path / "r.out").read_text())["source"]["name"]


@pytest.mark.parametrize("form", ["html", "sarif", "json"])
def test_policies_whose_names_are_no_text_stay_apart(tmp_path: Path, form: str) -> None:
    waivers = (ROOT / "samples" / "waived-risk" / "waivers.yaml").read_text()
    for byte, text in ((b"\xff", waivers), (b"\xfe", waivers.replace("  - id: ", "  - id: x-"))):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/w" + byte + b".yaml")).write_text(text)
    response = ROOT / "samples" / "waived-risk" / "response.json"
    odd = "-w $'w\\xff.yaml' -w $'w\\xfe.yaml'"
    run = bash(
        f"cd {tmp_path} && {CHECK} {response} {AT} {odd} --{form} r.out",
        PYTHONPATH=str(ROOT),
    )
    assert run.returncode == 0, run.stderr
    if form == "json":
        used = json.loads((tmp_path / "r.out").read_text())["waivers"]
        assert {one["source"] for one in used} == {"w\\xff.yaml", "w\\xfe.yaml"}
    if form == "html":
        assert command("verify", tmp_path / "r.out").code == 0


def test_commands_that_name_policies_which_are_no_text(tmp_path: Path) -> None:
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/p\xff.yaml"))
    odd.write_bytes((ROOT / "policies" / "recommended.yaml").read_bytes())
    broken = Path(os.fsdecode(os.fsencode(tmp_path) + b"/b\xff.yaml"))
    broken.write_text("x: [")
    lint = command("policy", "lint", odd, broken, "--format", "sarif")
    assert lint.code == 2
    (result,) = json.loads(lint.out)["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert place.endswith("/b%FF.yaml")
    diff = command("diff", PUBLISHED, PUBLISHED, "-p", odd, "--json", tmp_path / "d.json")
    assert diff.code in (0, 3), diff.err
    assert (tmp_path / "d.json").exists()
    out = tmp_path / "audit"
    audit = ("audit", PUBLISHED, "-p", odd, "--out", out, "--no-pdf", "--jobs", "1")
    assert command(*audit).code in (0, 1, 3)
    assert command(*audit, "--resume").code in (0, 1, 3)


@pytest.mark.parametrize("option", ["--expect-cluster", "--expect-target", "--type"])
def test_options_that_are_no_text_are_refused_in_plain_words(option: str) -> None:
    run = command("check", PUBLISHED, option, "a\udcff")
    assert run.code == 2
    assert "'a\ufffd'" in run.err


def test_an_encoding_without_the_signs_keeps_them_apart() -> None:
    run = bash(f"{CHECK} {PUBLISHED} {AT}", PYTHONIOENCODING="ascii")
    assert run.stdout.startswith("+ Pass")
    failed = ROOT / "samples" / "failed-addon" / "response.json"
    run = bash(f"{CHECK} {failed} {AT}", PYTHONIOENCODING="ascii")
    assert run.stdout.startswith("x Fail")


def test_outputs_without_a_name_or_over_the_sidecar_are_refused(tmp_path: Path) -> None:
    assert command("check", PUBLISHED, "--html", "").code == 2
    assert command("check", PUBLISHED, "--html", f"{tmp_path}/x/").code == 2
    run = command("check", PUBLISHED, "--html", "-", "--json", "-")
    assert run.code == 2
    assert "only one report can go to standard output" in run.err
    path = tmp_path / "in.json"
    path.write_bytes(PUBLISHED.read_bytes())
    assert command("check", path, "--json", f"{path}.meta.json").code == 2


def test_a_stale_report_behind_a_link_goes_too(tmp_path: Path) -> None:
    (tmp_path / "old.html").write_text("GREEN")
    link = tmp_path / "r.html"
    link.symlink_to("old.html")
    broken = tmp_path / "in.json"
    broken.write_text("{")
    assert command("check", broken, "--html", link).code == 4
    assert not link.exists()


def test_a_mistyped_policy_leaves_no_green_report(tmp_path: Path) -> None:
    policy, html, junit = (tmp_path / name for name in ("p.yaml", "r.html", "j.xml"))
    policy.write_text("kind: Policy\n")
    html.write_text("GREEN")
    run = command("check", PUBLISHED, "-p", policy, "--html", html, "--junit", junit)
    assert run.code == 2
    assert not html.exists()
    assert "<error" in junit.read_text()


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ('"outcome": "fail"', '"outcome": "pass"', "does not follow"),
        ('"exit_code": 1', '"exit_code": 0', "exit_code 0 where"),
        ('"code": "headline.fail"', '"code": "headline.pass"', "headline"),
    ],
)
def test_a_record_that_contradicts_itself_is_not_rendered(
    tmp_path: Path, before: str, after: str, says: str
) -> None:
    record = tmp_path / "r.json"
    failed = ROOT / "samples" / "failed-addon" / "response.json"
    assert command("check", failed, "--at", "response", "--json", record).code == 1
    assert command("render", record).code == 1
    text = record.read_text()
    assert before in text
    record.write_text(text.replace(before, after, 1))
    run = command("render", record)
    assert run.code == 4
    assert says in run.err


def test_too_many_objects_are_refused_before_they_are_built(tmp_path: Path) -> None:
    text = PUBLISHED.read_text().replace(
        '"itemsStatus" : [', '"itemsStatus" : [' + "{}," * 1_600_000
    )
    path = tmp_path / "in.json"
    path.write_text(text)
    run = command("check", path)
    assert run.code == 4
    assert "objects and lists are more than the limit" in run.err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("--version", 0),
        ("check --help", 0),
        ("policy show", 0),
        ("policy test builtin:strict", 0),
        ("catalogue", 0),
        ("policy lint /dev/null", 2),
        ("policy test builtin:strict --junit -", 5),
        (f"check {PUBLISHED} {AT} --json -", 5),
    ],
)
def test_a_reader_that_went_away_changes_no_code(words: str, code: int) -> None:
    # The reader is gone before the first word is written.
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            ["bash", "-c", f"{sys.executable} -m reporter {words} >&{write}; echo $?"],
            capture_output=True, text=True, cwd=ROOT, pass_fds=[write], check=False,
        )  # fmt: skip
    finally:
        os.close(write)
    assert done.stdout.strip() == str(code)
    assert "internal error" not in done.stderr


# Reports of an earlier run ----------------------------------------------------------------------


@pytest.fixture
def stale(tmp_path: Path) -> list[Path]:
    """Three reports that an earlier run left."""
    names = ("r.html", "r.xml", "r.csv")
    for name in names:
        (tmp_path / name).write_text("GREEN")
    return [tmp_path / name for name in names]


def test_a_bug_leaves_no_report_of_an_earlier_run(
    tmp_path: Path, stale: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    record = tmp_path / "record.json"
    assert run(["check", str(PUBLISHED), "--at", "response", "--json", str(record), "-q"]) == 0
    html, junit, csv = map(str, stale)
    with monkeypatch.context() as patch:
        patch.setattr("reporter.cli.render.load_record", _broken)
        assert run(["render", str(record), "--html", html, "--junit", junit, "--csv", csv]) == 70
    assert not stale[0].exists()
    assert "internal error: ZeroDivisionError" in stale[1].read_text()
    assert not stale[2].exists()


def test_a_library_that_ends_the_process_leaves_none_either(stale: list[Path]) -> None:
    """As where the kernel takes the memory back: what is light has been written by then, and no
    JUnit, which would be green in a run that has no code of ours."""
    targets = dict(zip(("pdf", "junit", "html"), map(str, stale), strict=True))
    ended = (
        "import os\nfrom reporter.cli.common import Outputs\n"
        f"Outputs({targets!r}, quiet=True).put("
        "lambda name: os._exit(9) if name == 'pdf' else b'new')"
    )
    assert subprocess.run([sys.executable, "-c", ended], check=False).returncode == 9
    assert [path.exists() for path in stale] == [False, False, True]
    assert stale[2].read_bytes() == b"new"


def test_a_bug_in_one_report_takes_the_stale_ones_away(
    stale: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs = Outputs(dict(zip(("html", "junit", "csv"), map(str, stale), strict=True)))

    def make(name: str) -> bytes:
        return b"new" if name == "html" else bytes([1 // 0])

    with pytest.raises(ZeroDivisionError):
        outputs.put(make)
    assert [path.exists() for path in stale] == [True, False, False]
    assert stale[0].read_bytes() == b"new"


def test_a_bug_in_a_policy_test_leaves_no_green_junit(
    stale: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reporter.policy.cases.run_cases", _broken)
    assert run(["policy", "test", "builtin:strict", "--junit", str(stale[1])]) == 70
    assert "internal error: ZeroDivisionError" in stale[1].read_text()


def test_what_can_not_be_verified_leaves_no_earlier_result(tmp_path: Path) -> None:
    result = tmp_path / "v.json"
    result.write_text('{"result": "holds"}')
    assert run(["verify", str(PUBLISHED), "--key", "/nowhere", "--json", str(result)]) == 2
    assert not result.exists()


def _broken(*_: object) -> None:
    raise ZeroDivisionError
