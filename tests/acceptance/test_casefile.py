"""`bundle`, `verify` and `--redact` from the outside: exit codes, files, messages."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest

from reporter.cli import run as run_command
from tests.acceptance.run import PUBLISHED, ROOT, Run, command

ADDON = ROOT / "samples" / "failed-addon" / "response.json"
AT = ("--at", "response")


def inside(*arguments: str | Path, stdin: bytes = b"") -> Run:
    """The command in this process: most of a short run's time is its start."""
    kept = sys.stdin, sys.stdout, sys.stderr
    streams = [io.TextIOWrapper(io.BytesIO(part), encoding="utf-8") for part in (stdin, b"", b"")]
    sys.stdin, sys.stdout, sys.stderr = streams
    try:
        code = run_command([str(argument) for argument in arguments])
    finally:
        sys.stdin, sys.stdout, sys.stderr = kept
    texts = []
    for stream in streams[1:]:
        stream.flush()
        texts.append(stream.buffer.getvalue().decode())
    return Run(code, *texts)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key, a key of pseudonyms, and a signed case file of a failing check."""
    folder = tmp_path_factory.mktemp("case")
    make: list[str | Path] = [
        "openssl",
        "genpkey",
        "-algorithm",
        "ed25519",
        "-out",
        folder / "key.pem",
    ]
    subprocess.run(make, check=True, capture_output=True)
    show: list[str | Path] = [
        "openssl",
        "pkey",
        "-in",
        folder / "key.pem",
        "-pubout",
        "-out",
        folder / "key.pub",
    ]
    subprocess.run(show, check=True, capture_output=True)
    (folder / "redact.key").write_text("0123456789abcdef" * 2)
    run = command(
        "bundle", ADDON, *AT, "--no-pdf", "--key", folder / "key.pem", "-o", folder / "case.zip"
    )
    assert (run.code, run.err) == (1, ""), run.err
    assert "case.zip" in run.out
    assert run.out.startswith("✕ Fail")
    return folder


def test_the_case_file_explains_itself_to_whoever_has_no_tool(place: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(place / "case.zip") as archive:
        archive.extractall(tmp_path)
    sums = subprocess.run(
        ["sha256sum", "-c", "--strict", "SHA256SUMS"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert sums.returncode == 0, sums.stderr
    text = (tmp_path / "README.txt").read_text()
    assert "Verdict:    Fail: do not upgrade yet" in text
    assert "sha256sum -c SHA256SUMS" in text
    assert all(len(row) <= 100 for row in text.splitlines())
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    for row in manifest["files"]:
        data = (tmp_path / row["path"]).read_bytes()
        assert (row["sha256"], row["size"]) == (sha256(data).hexdigest(), len(data))
        assert row["path"] in text
    assert (tmp_path / "evidence" / "1-response.json").read_bytes() == ADDON.read_bytes()
    assert {"click", "pydantic", "weasyprint"} <= set(manifest["tool"]["dependencies"])
    assert (
        json.loads((tmp_path / "attestation.json").read_text())["predicate"]["result"] == "FAILED"
    )


def test_the_same_case_gives_the_same_bytes(place: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.zip"
    run = command(
        "bundle", ADDON, *AT, "--no-pdf", "--key", place / "key.pem", "-o", again, "-q",
        env={"PYTHONHASHSEED": "7", "TZ": "UTC-9", "LC_ALL": "C"},
    )  # fmt: skip
    assert run.code == 1
    assert again.read_bytes() == (place / "case.zip").read_bytes()


def test_verify_says_what_it_checked(place: Path) -> None:
    run = command("verify", place / "case.zip", "--key", place / "key.pub", cwd=place)
    assert run.code == 0, run.out
    assert "✓ digests: 10 of 10 hold" in run.out
    assert "✓ re-judged: same (8 findings)" in run.out
    assert run.out.endswith("and holds. The verdict is: Fail: do not upgrade yet.\n")
    assert inside("verify", place / "case.zip").code == 3
    quiet = inside("verify", place / "case.zip", "-q")
    assert quiet.out.count("\n") == 1
    assert "give it with --key" in quiet.out


def test_verify_for_machines(place: Path, tmp_path: Path) -> None:
    changed = tmp_path / "changed.zip"
    changed.write_bytes((place / "case.zip").read_bytes().replace(b"Fail", b"Pass", 1))
    run = inside("verify", changed, "--json", "-")
    found = json.loads(run.out)
    assert (run.code, found["exit_code"], found["result"]) == (1, 1, "differs")
    assert found["format"] == "precheck.verification/v1"
    assert [part["subject"] for part in found["lines"] if part["state"] == "differs"] == [
        "archive",
        "digests",
        "manifest",
        "README",
    ]
    assert "Don't rely on it" in run.err


def test_what_verify_can_not_read(place: Path, tmp_path: Path) -> None:
    for data in (b"", b"hello", b"PK\x03\x04", b"%PDF-1.4", b"<!doctype html>x", b"{}"):
        file = tmp_path / "scrap"
        file.write_bytes(data)
        run = inside("verify", file, "--json", tmp_path / "out.json")
        assert (run.code, run.out) == (4, "")
        assert run.err.count("\n") <= 2
        assert not (tmp_path / "out.json").exists()
    assert inside("verify", tmp_path / "none").code == 4
    assert inside("verify", place / "case.zip", "--key", place / "key.pem").code == 2
    assert inside("verify", place / "case.zip", "--json", place / "case.zip").code == 2


def test_a_page_that_check_wrote(tmp_path: Path) -> None:
    page, record = tmp_path / "page.html", tmp_path / "record.json"
    run = inside(
        "check", PUBLISHED, *AT, "--html", page, "--json", record, "--cluster-name", "sandbox"
    )
    assert run.code == 0
    assert inside("verify", page).code == 0
    run = inside("verify", record)
    assert run.code == 3
    assert "not inside: response.json; who has" in run.out
    run = inside("verify", record, "--exhibit", PUBLISHED)
    assert run.code == 0
    assert "builtin:recommended taken from this tool" in run.out
    policy = ROOT / "policies" / "recommended.yaml"
    assert inside("verify", record, "--exhibit", PUBLISHED, "--exhibit", policy).code == 0
    page.write_text(page.read_text().replace("sandbox", "production", 1))
    run = inside("verify", page)
    assert run.code == 1
    assert "✕ page: differs from what its record gives, from line" in run.out


def test_the_exit_code_is_the_verdict_and_keys_are_looked_at_first(
    place: Path, tmp_path: Path
) -> None:
    out = tmp_path / "case.zip"
    assert inside("bundle", PUBLISHED, "--no-pdf", "-o", out, "-q").code == 3
    assert inside("bundle", PUBLISHED, *AT, "--no-pdf", "-o", out, "-q").code == 0
    run = inside("bundle", PUBLISHED, *AT, "--key", place / "key.pub", "-o", out)
    assert run.code == 2
    assert "is not a key to sign with" in run.err
    assert not out.exists()
    assert inside("bundle", PUBLISHED, "-o", PUBLISHED).code == 2
    assert inside("bundle", tmp_path / "none.json", "-o", out).code == 4


def test_a_locked_key(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    locked, out = tmp_path / "locked.pem", tmp_path / "case.zip"
    lock: list[str | Path] = [
        "openssl",
        "pkey",
        "-in",
        place / "key.pem",
        "-aes256",
        "-passout",
        "pass:word",
    ]
    subprocess.run([*lock, "-out", locked], check=True, capture_output=True)
    arguments = ("bundle", PUBLISHED, *AT, "--no-pdf", "--key", locked, "-o", out, "-q")
    run = inside(*arguments)
    assert run.code == 2
    assert "CCE_PRECHECK_KEY_PASSPHRASE" in run.err
    monkeypatch.setenv("CCE_PRECHECK_KEY_PASSPHRASE", "no")
    assert inside(*arguments).code == 2
    monkeypatch.setenv("CCE_PRECHECK_KEY_PASSPHRASE", "word")
    run = inside(*arguments)
    assert run.code == 0
    assert "word" not in run.out + run.err


def test_redacted_reports(place: Path, tmp_path: Path) -> None:
    cluster = json.loads(ADDON.read_text())["spec"]["clusterID"]
    files = {form: tmp_path / f"r.{form}" for form in ("html", "junit", "json", "markdown", "csv")}
    options = [part for form, path in files.items() for part in (f"--{form}", path)]
    hide = ("--redact", "all", "--redact-key", place / "redact.key")
    run = inside("check", ADDON, *AT, *hide, "--expect-cluster", cluster, *options)
    assert run.code == 1, run.err
    assert "Redacted" in run.out
    for text in (run.out, *(path.read_text() for path in files.values())):
        assert cluster not in text
    assert inside("verify", files["html"]).code == 3
    again = tmp_path / "again.html"
    assert inside("render", files["json"], "--html", again).code == 1
    assert again.read_bytes() == files["html"].read_bytes()
    run = inside("render", files["json"], "--exhibit", ADDON, "--html", again)
    assert (run.code, again.exists()) == (2, False)


def test_a_saved_record_is_redacted_by_render(place: Path, tmp_path: Path) -> None:
    record, page, other = (tmp_path / name for name in ("record.json", "a.html", "b.html"))
    assert inside("check", ADDON, *AT, "--json", record).code == 1
    hide = ("--redact", "all", "--redact-key", place / "redact.key")
    assert inside("render", record, *hide, "--exhibit", ADDON, "--html", page).code == 1
    assert inside("check", ADDON, *AT, *hide, "--html", other).code == 1
    assert page.read_bytes() == other.read_bytes()


def test_redaction_needs_a_key_and_a_profile_that_is_one(place: Path, tmp_path: Path) -> None:
    page = tmp_path / "a.html"
    run = inside("check", ADDON, "--redact", "all", "--html", page)
    assert (run.code, page.exists()) == (2, False)
    assert "openssl rand -hex 32 > redact.key" in run.err
    (tmp_path / "short").write_text("x")
    for wrong in (
        ("--redact", "names", "--redact-key", place / "redact.key"),
        ("--redact", "all", "--redact-key", tmp_path / "short"),
        ("--redact", "all", "--redact-key", tmp_path / "none"),
        ("--redact-key", place / "redact.key"),
        ("--redact", "all", "--redact-key", place / "redact.key", "--skip-list", "s.json"),
    ):
        run = inside("check", ADDON, *wrong)
        assert run.code == 2, wrong
        assert "Traceback" not in run.err


def test_a_case_file_through_a_pipe(place: Path) -> None:
    run = inside("verify", "-", "--key", place / "key.pub", stdin=(place / "case.zip").read_bytes())
    assert run.code == 0
    assert run.out.startswith("standard input: case file about")
