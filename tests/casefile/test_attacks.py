"""What a stranger found: small files that kept a command busy for minutes, or took all memory."""

from __future__ import annotations

import base64
import gzip
import subprocess
import sys
from pathlib import Path

from tests.acceptance.run import ROOT

RESPONSE = ROOT / "samples" / "waived-risk" / "response.json"


def run(*arguments: str | Path, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """What a command does within its time; beyond it the test fails."""
    return subprocess.run(
        [sys.executable, "-m", "reporter", *map(str, arguments)],
        capture_output=True, text=True, timeout=timeout, check=False,
    )  # fmt: skip


def test_a_page_with_a_long_name_of_an_attribute_is_refused_at_once(tmp_path: Path) -> None:
    """Its time grew by the square: minutes for 300 kB."""
    page = tmp_path / "page.html"
    page.write_bytes(b"<!doctype html>\n<a data-role= " + b"a" * 2_000_000 + b"></a>\n")
    done = run("verify", page)
    assert (done.returncode, "not a report of this tool" in done.stderr) == (4, True)


def test_a_long_text_that_was_cut_short_is_redacted_at_once(tmp_path: Path) -> None:
    """Each of its words took minutes when its time grew by the square."""
    text = RESPONSE.read_text(encoding="utf-8")
    said = "containerd will be upgraded on these nodes, their pods may restart"
    assert text.count(said) == 1
    words = ("a" * 300_000, "x" + "1." * 150_000, "x" + "1-" * 150_000, "…")
    changed, key = tmp_path / "r.json", tmp_path / "key"
    changed.write_text(text.replace(said, " ".join(words)), encoding="utf-8")
    key.write_text("k" * 40)
    done = run("check", changed, "-q", "--at", "response", "--redact", "all", "--redact-key", key)
    assert done.returncode == 1, done.stderr


def test_a_record_of_nothing_but_lists_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    """80 kB of a page took 1.6 GB: a list of three bytes takes 64 once it is parsed."""
    record = gzip.compress(b'{"a":[' + b"[]," * 24_000_000 + b"[]]}", 1)
    page = tmp_path / "page.html"
    page.write_bytes(
        b'<!doctype html><a download="record.json.gz" data-role="record" '
        b'href="data:application/gzip;base64,%b">' % base64.b64encode(record)
    )
    done = run("verify", page)
    assert done.returncode == 4
    assert "its record holds more than 24,000,000 objects and lists" in done.stderr
