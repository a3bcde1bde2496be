"""What must hold for any bytes at all: one function a kind of input.

Each takes bytes from nobody knows where. It returns when the tool kept its promises, and raises
when it did not: anything but the one error family, a verdict that contradicts itself, a report
another program can't read, or a pass that the document's own words speak against.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import re
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lxml import etree

from reporter.errors import InputError, PolicyError
from reporter.output import render
from reporter.policy.evaluate import evaluate
from reporter.policy.load import Policy
from reporter.precheck.times import format_instant, parse_timestamp
from reporter.record.model import Verdict
from reporter.sources.read import Unreadable, read, read_responses
from tests.fuzz import casefiles
from tests.fuzz.printout import FORMS, printout, told
from tests.sources import printers
from tests.sources import test_strict_json as repeating
from tests.sources.test_forged import MESSAGES

ROOT = Path(__file__).parents[2]
CORPUS = Path(__file__).parent / "corpus"
"""Inputs that each reach something no smaller one of them does; `search --keep` chose them."""
TOKENS = [
    b'"phase":"Failed"', b'"phase":"Running"', b'"kind":"Risk"', b"null", b"{}", b"[]", b"\x00",
    b"\xff\xfe", b"\\ud800", b'"', b"\n", b"NaN", b"1e999", b"Success", b"Failed", b"Fatal",
    b"class PreCheckItemStatus {", b"    ", b"}, class ", b"phase: Success", b"\n--\n",
    b"riskSource: null", b"HTTP/1.1 200 OK\r\n", b"sealed\n", b"sums\n", b"record.json ",
    b"report.html ", b"\n}\n", b"kind: Policy", b"!!python", b"*a", b"&a", b"- ", b": ",
    b"[[[[", b"PK\x05\x06",
]  # fmt: skip
AT = datetime(2023, 11, 25, 7, 30, tzinfo=UTC)
RECOMMENDED = Policy.load("builtin:recommended")


def response(data: bytes) -> None:
    """Any form of a response: JSON, printouts, captures, archives."""
    try:
        found = read(data)
    except InputError as error:
        told(error.message)
        return
    verdict = evaluate(found, RECOMMENDED, at=AT, now=AT)
    _keeps_its_promises(verdict)
    if verdict.outcome == "pass":
        objections = list(_objections(data))
        assert not objections, f"a pass in spite of {objections}"


def archive(data: bytes) -> None:
    """An archive of many: every member is a response or a named refusal."""
    path = Path("/dev/shm") if Path("/dev/shm").is_dir() else Path("/tmp")
    target = path / f"cce-precheck-fuzz-{os.getpid()}.bin"
    try:
        target.write_bytes(data)
        members = list(read_responses([target]))
    finally:
        target.unlink(missing_ok=True)
    for found in members:
        if isinstance(found, Unreadable):
            told(found.error.message)
        assert ".." not in Path(getattr(found, "name", "")).parts


def policy(data: bytes) -> None:
    """A policy or waiver list: loads, or says file, line and column."""
    try:
        loaded = Policy.parse(data)
    except PolicyError as error:
        problems = error.problems
    else:
        problems = ()
        _keeps_its_promises(evaluate(_EXAMPLE, loaded, at=AT, now=AT))
    for line in problems:
        assert re.match(r"policy-1\.yaml(:\d+:\d+)?: ", line), line


def timestamp(data: bytes) -> None:
    """A time: read as an aware instant that is written and read again as the same, or not read."""
    moment = parse_timestamp(data.decode("utf-8", "replace"))
    if moment is not None:
        assert moment.tzinfo is UTC
        assert parse_timestamp(format_instant(moment)) == moment


def record(data: bytes) -> None:
    """A saved record: one that contradicts itself is never rendered."""
    from reporter.cli.render import parse_record

    try:
        verdict = parse_record(data, "record.json")
    except InputError as error:
        told(error.message)
        return
    _keeps_its_promises(verdict)


def repeats(data: bytes) -> None:
    """JSON in which items repeat: the value that a parser of every letter gives, or its error."""
    repeating.same(data)


TARGETS: dict[str, Callable[[bytes], None]] = {
    "response": response,
    "archive": archive,
    "policy": policy,
    "timestamp": timestamp,
    "record": record,
    "printout": printout,
    "repeats": repeats,
    "envelope": casefiles.envelope,
    "casefile": casefiles.casefile,
}


def seeds(target: str) -> Iterator[bytes]:
    """Inputs to begin with, so that a fuzzer need not invent JSON."""
    small = [
        path.read_bytes()
        for path in sorted((ROOT / "samples").glob("*/response.json"))
        if path.stat().st_size < 10_000
    ]
    example = json.loads(small[0])
    printed = [
        printers.java(example).encode(),
        printers.go(example).encode(),
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + small[0],
        b"2026-03-01 10:00:00 INFO response=" + json.dumps(example).encode(),
        json.dumps({"kind": "List", "apiVersion": "v3", "items": [example]}).encode(),
        small[0].decode().encode("utf-16"),
    ]
    if target == "response":
        yield from (*small, *printed, gzip.compress(small[0]))
    elif target == "archive":
        yield from _archives(small[0])
    elif target == "policy":
        for path in sorted((ROOT / "policies").rglob("*.yaml")):
            if path.stat().st_size < 4_000:
                yield path.read_bytes()
    elif target == "timestamp":
        yield from (
            b"2023-11-25 07:20:04.592972 +0000 UTC",
            b"2025-01-06 16:00:00 +0800 CST m=+0.1",
            b"2023-11-25T07:20:04.123456+08:00",
            b"2024-01-01 00:00:00Z",
        )
    elif target == "printout":
        messages = list(MESSAGES.values())
        for number, form in enumerate(FORMS):
            forged = messages[number % len(messages)]
            yield f"{form}\n{forged}\n--\n{forged}\n--\nx".encode()
    elif target == "repeats":
        one, other = repeating.item(0), repeating.item(1)
        for layout in repeating.LAYOUTS:
            made = repeating.task([one] * 18, [one, other, other], more=[one] * 3)
            yield json.dumps(made, **layout).encode()
    elif target == "casefile":
        yield from casefiles.casefile_seeds()
    elif target == "envelope":
        yield from casefiles.envelope_seeds()
    elif target == "record":
        yield evaluate(_EXAMPLE, RECOMMENDED, at=AT, now=AT).model_dump_json().encode()


def _archives(member: bytes) -> Iterator[bytes]:
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", method) as zipped:
            zipped.writestr("a/one.json", member)
            zipped.writestr("b.json", member)
        yield packed.getvalue()
    for mode in ("w", "w:gz"):
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode=mode) as tar:
            for name in ("a/one.json", "b.json"):
                info = tarfile.TarInfo(name)
                info.size = len(member)
                tar.addfile(info, io.BytesIO(member))
        yield packed.getvalue()


_EXAMPLE = read(next(seeds("response")))


def _keeps_its_promises(verdict: Verdict) -> None:
    assert verdict.contradiction() is None
    written = verdict.model_dump_json()
    assert Verdict.model_validate_json(written) == verdict
    junit = etree.fromstring(render(verdict, "junit"))
    assert junit.findall(".//testcase"), "an empty JUnit file"
    if verdict.outcome != "pass":
        assert junit.findall(".//failure") or junit.findall(".//error"), "JUnit says all is well"
    page = render(verdict, "html")
    assert page.count(b"<script") == page.count(b"</script") == 1
    json.loads(render(verdict, "sarif"))
    for form in ("markdown", "csv"):
        assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", render(verdict, form).decode())


_ITEMS = ("clusterCheckStatus", "addonCheckStatus")


def _objections(data: bytes) -> Iterator[str]:
    """What a plain JSON document says against a pass, read in the simplest way there is.

    Of other forms nothing is known here, so nothing is said.
    """
    document: Any = None
    with contextlib.suppress(ValueError, RecursionError):
        document = json.loads(data)
    if not isinstance(document, dict) or "status" not in document:
        return
    status = document["status"] or {}
    if status.get("phase") not in ("Success", "Failed"):
        yield "the task's phase"
    items = [item for name in _ITEMS for item in (status.get(name) or {}).get("itemsStatus") or []]
    for stage in (status.get("nodeCheckStatus") or {}).get("nodeStageStatus") or []:
        items += stage.get("itemsStatus") or []
    if not items:
        yield "no item"
    for item in items:
        if item.get("phase") == "Success":
            continue
        if item.get("phase") != "Failed":
            yield f"phase {item.get('phase')!r}"
        elif item.get("kind") != "Risk" or item.get("level") != "Info":
            yield f"{item.get('kind')} {item.get('level')} Failed"
