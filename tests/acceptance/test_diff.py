"""`diff` from the outside: responses and records on either side, exit codes, files."""

from __future__ import annotations

import gzip
import json
import os
from hashlib import sha256
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.acceptance.run import PUBLISHED, Run, command
from tests.policy.build import item, response, stage


def put(path: Path, *items: dict[str, Any], at: str = "10:00:00", **more: Any) -> Path:
    """A response in a file."""
    body = response(*items, **more)
    body["metadata"]["updateTimestamp"] = f"2026-03-01 {at} +0000 UTC"
    path.write_text(json.dumps(body))
    return path


def diff(*arguments: str | Path, **options: Any) -> Run:
    return command("diff", *arguments, **options)


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """An old response, and a new one with a new failure."""
    old = put(tmp_path / "old.json", item("SampleA"), item("SampleB", "Success"))
    new = put(tmp_path / "new.json", item("SampleA", "Success"), item("SampleB"), at="10:10:00")
    return old, new


def test_two_responses(pair: tuple[Path, Path], tmp_path: Path) -> None:
    old, new = pair
    files = {name: tmp_path / f"diff.{name}" for name in ("html", "json", "markdown")}
    options = [part for name, path in files.items() for part in (f"--{name}", path)]
    run = diff(old, new, *options)
    assert run.code == 1
    assert run.err == f"wrote {', '.join(map(str, files.values()))}\n"
    assert run.out.startswith("✕ 1 new failure\n  1 new, 1 fixed.\n")
    assert "no --policy was given: judged by builtin:recommended" in " ".join(run.out.split())
    assert max(map(len, run.out.splitlines())) <= 80
    assert json.loads(files["json"].read_text())["tally"]["fixed"] == 1
    assert files["html"].read_text().startswith("<!doctype html>")
    assert files["markdown"].read_text().startswith("## ✕ 1 new failure")
    assert diff(old, old).code == 0
    swapped = diff(new, old)
    assert swapped.code == 1
    assert "The new one was checked before the old one: are they swapped?" in swapped.out


def test_records_on_either_side(pair: tuple[Path, Path], tmp_path: Path) -> None:
    old, new = pair
    first, second = tmp_path / "1.json", tmp_path / "2.json"
    for path, record in ((old, first), (new, second)):
        command("check", path, "--at", "response", "--json", record)
    outs = {diff(*sides, "--json", "-").out for sides in ((first, second),)}
    (text,) = outs
    statuses = [change["status"] for change in json.loads(text)["changes"]]
    assert statuses == ["new", "fixed"]
    for sides in ((first, new), (old, second), (first, second), (old, new)):
        run = diff(*sides, "--quiet")
        assert (run.code, run.out) == (1, "✕ 1 new failure\n")
    other = ("--policy", "builtin:strict")
    assert diff(first, new, *other).code == 3
    assert "different policies" in " ".join(diff(first, new, *other).out.split())
    refused = diff(first, second, *other)
    assert refused.code == 2
    assert "both sides are records" in refused.err


def test_standard_input(pair: tuple[Path, Path]) -> None:
    old, new = pair
    assert diff("-", new, stdin=old.read_bytes()).code == 1
    assert diff(old, "-", stdin=new.read_bytes()).code == 1
    assert diff("-", "-").code == 2


def test_whatever_check_reads_and_records_from_pipes(
    pair: tuple[Path, Path], tmp_path: Path
) -> None:
    old, new = pair
    record, packed = tmp_path / "record.json", tmp_path / "new.json.gz"
    command("check", old, "--at", "response", "--json", record)
    packed.write_bytes(gzip.compress(new.read_bytes()))
    folder = tmp_path / "folder"
    folder.mkdir()
    new.rename(folder / new.name)
    for later in (packed, folder):
        assert diff(record, later, "--quiet").out == "✕ 1 new failure\n"
    assert diff("-", packed, stdin=record.read_bytes()).code == 1
    marked = tmp_path / "marked.json"
    marked.write_bytes(b"\n " + record.read_bytes())
    assert diff(marked, packed).code == 1
    for data in (record, packed):
        pipe = tmp_path / f"{data.name}.pipe"
        os.mkfifo(pipe)
        thread = Thread(target=pipe.write_bytes, args=(data.read_bytes(),))
        thread.start()
        assert diff(*((pipe, packed) if data is record else (old, pipe))).code == 1
        thread.join()


def test_a_response_that_speaks_of_records_is_a_response(tmp_path: Path) -> None:
    told = put(tmp_path / "old.json", item(message='"apiVersion": "precheck.verdict/v1alpha"'))
    assert diff(told, told).code == 0


def test_a_sidecar_counts_as_for_check(pair: tuple[Path, Path], tmp_path: Path) -> None:
    old, _ = pair
    new = put(tmp_path / "bare.json", item("SampleA"), spec={"clusterID": None})
    assert diff(old, new).code == 3
    meta = {"sha256": sha256(new.read_bytes()).hexdigest(), "cluster_id": "c-1"}
    (tmp_path / "bare.json.meta.json").write_text(json.dumps(meta))
    assert diff(old, new).code == 0


def test_an_altered_record_is_no_input(pair: tuple[Path, Path], tmp_path: Path) -> None:
    old, new = pair
    record = tmp_path / "record.json"
    command("check", new, "--at", "response", "--json", record)
    body = json.loads(record.read_text())
    body["outcome"] = "pass"
    record.write_text(json.dumps(body))
    run = diff(old, record, "--json", tmp_path / "diff.json")
    assert run.code == 4
    assert "record.json: the record contradicts itself" in run.err
    assert not (tmp_path / "diff.json").exists()


def test_a_large_response_needs_leave(pair: tuple[Path, Path], tmp_path: Path) -> None:
    old, _ = pair
    large = put(
        tmp_path / "large.json",
        item("SampleA", message="x" * 600_000, padding="x" * 500_000),
        at="10:10:00",
    )
    assert diff(old, large, "--max-size", "1").code == 4
    assert diff(old, large, "--max-size", "2").code == 0


def test_a_node_that_left_is_not_fixed(tmp_path: Path) -> None:
    nodes = [stage(f"n-{n}", item("SampleDisk")) for n in range(2)]
    old = put(tmp_path / "old.json", nodes=nodes)
    new = put(tmp_path / "new.json", nodes=[nodes[1], stage("n-2", item("SampleDisk", "Success"))])
    run = diff(old, new)
    assert run.code == 0
    assert "No longer there (1)" in run.out
    assert "Fixed" not in run.out


def test_what_is_not_comparable_says_why(pair: tuple[Path, Path], tmp_path: Path) -> None:
    old, _ = pair
    other = put(tmp_path / "other.json", item("SampleA"), spec={"clusterID": "c-2"})
    report = tmp_path / "diff.md"
    report.write_text("an earlier, green comparison")
    run = diff(old, other, "--markdown", report)
    assert run.code == 3
    assert "about cluster c-1, the new one about c-2" in " ".join(run.out.split())
    assert report.read_text().startswith("## ? Not comparable")
    unfinished = put(tmp_path / "u.json", item("SampleA"), phase="Running", at="10:20:00")
    for sides in ((old, unfinished), (unfinished, old)):
        run = diff(*sides)
        assert run.code == 3
        assert "can't be relied on\n      The task is not finished: Running\n" in run.out
    further = put(tmp_path / "t.json", item("SampleA"), spec={"targetVersion": "v1.32.1-r0"})
    run = diff(old, further)
    assert run.code == 3
    assert "an upgrade to v1.31.4-r2, the new one to v1.32.1-r0" in " ".join(run.out.split())


@pytest.mark.parametrize("data", ["", "{}", "nonsense", '{"apiVersion": "precheck.verdict/v9"}'])
def test_bad_input_is_exit_4_and_removes_old_reports(tmp_path: Path, data: str) -> None:
    bad, stale = tmp_path / "bad.json", tmp_path / "diff.html"
    bad.write_text(data)
    stale.write_text("an earlier, green comparison")
    for sides in ((bad, PUBLISHED), (PUBLISHED, bad)):
        run = diff(*sides, "--html", stale)
        assert run.code == 4
        assert "bad.json" in run.err
        assert run.err.count("\n") == 2
        assert not stale.exists()
    assert diff(tmp_path / "missing.json", PUBLISHED).code == 4


def test_usage(pair: tuple[Path, Path], tmp_path: Path) -> None:
    old, new = pair
    assert diff(old).code == 2
    assert diff(old, new, "--json", old).code == 2
    assert diff(old, new, "--policy", tmp_path / "none.yaml").code == 2
    assert diff(old, new, "--at", "tomorrow").code == 2
    (tmp_path / "file").write_text("x")
    assert diff(old, new, "--html", tmp_path / "file" / "x.html").code == 5


def test_the_same_bytes_every_time(pair: tuple[Path, Path]) -> None:
    for form in ("html", "markdown", "json"):
        seen = {
            diff(*pair, f"--{form}", "-", env={"PYTHONHASHSEED": seed, "TZ": f"UTC-{seed}"}).out
            for seed in ("1", "2")
        }
        assert len(seen) == 1
