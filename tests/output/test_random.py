"""Responses made at random from the models' JSON Schema, through every output.

Each output is read by a reader that did not write it, and each says the same totals. A few
examples by default; `make hostile` tries 2,000 for each output (a twentieth of it for the PDF).
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import junitparser
import pikepdf
import pytest
import tinyhtml5
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from reporter.audit.compare import Side, compare
from reporter.casefile import attest, bundle
from reporter.casefile.redact import PROFILES, Redactor
from reporter.casefile.verify import verify
from reporter.errors import InputError
from reporter.output import Options, render
from reporter.output.diff import DIFF_WRITERS
from reporter.output.text import write as write_text
from reporter.policy.evaluate import evaluate
from reporter.policy.load import Policy
from reporter.precheck.model import PrecheckTask
from reporter.precheck.response import Response
from reporter.record.model import Verdict
from reporter.record.schema import DIFF_SCHEMA_FILE, SCHEMA_FILE
from reporter.sources.read import read
from reporter.words import say
from tests.fuzz.printout import told
from tests.output.test_csv import rows_of, totals
from tests.output.test_hostile import PAYLOAD
from tests.output.test_junit import parsed
from tests.output.test_markdown import assert_neutral
from tests.output.test_sarif import run_of

EXAMPLES = int(os.environ.get("OUTPUT_EXAMPLES", "3"))
AT = datetime(2026, 3, 1, 10, 30, tzinfo=UTC)
RECORDS = Path(__file__).parents[2] / "reporter" / "record"
OUTCOMES = ("fail", "unknown", "warn", "waived", "note", "pass")

# Responses from the schema --------------------------------------------------------------------

_DOCUMENTED = {
    "phase": ("Success", "Failed", "Failed", "Running"),
    "kind": ("Risk", "Risk", "Exception"),
    "level": ("Info", "Warning", "Fatal"),
    "group": ("LimitCheck", "NodeCheck", "AddonCheck", "ExecuteException"),
    "name": ("SampleDisk", "SampleWaived", "SampleNoted", "SampleWarned", "SampleAddon"),
    "uid": ("n-1", "n-2", "n-3"),
    "NodeID": ("n-1", "n-2"),
    "nodeType": ("node", "master"),
    "clusterID": ("c-1",),
    "clusterVersion": ("v1.29.8-r10",),
    "targetVersion": ("v1.31.4-r2",),
    "updateTimestamp": ("2026-03-01 10:00:00 +0000 UTC",),
    "expireTimeStamp": ("2026-03-01 11:00:00 +0000 UTC",),
    "key": ("node.uid",),
    "operator": ("In",),
}
_HOSTILE = st.sampled_from(
    [
        PAYLOAD,
        *(
            "",
            " ",
            "\t",
            "null",
            "节点磁盘空间不足",
            "\u202etxt.exe",
            "a\u0000b",
            "\x1b[2J",
            "=1+1",
        ),
        *("]]>", "</script>", "<!--", "--", "&lt;", "```", "| a | b |", "[x](javascript:1)", "\\"),
        *(
            "\u0085\u2028",
            "\ufeff",
            "\U0001f600" * 40,
            "x" * 3000,
            "long words " * 200,
            "%s{check}",
        ),
        *("a\r\nb", "::error::x", "@everyone", "<b>bold</b>", "\u0301" * 50, "\ufffe\uffff"),
        *("=1+1", "%s{check}", "{{7*7}}"),
    ]
)
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
_ODD = st.one_of(_HOSTILE, _TEXT)
_MORE = st.dictionaries(
    st.sampled_from(["owner", "extra", "Phase", PAYLOAD]) | _TEXT,
    st.none() | st.booleans() | st.integers(-3, 10**20) | st.floats(allow_nan=False) | _ODD,
    max_size=2,
)


@cache
def _schema() -> dict[str, Any]:
    return PrecheckTask.model_json_schema(by_alias=True)


@st.composite
def responses(draw: st.DrawFn) -> dict[str, Any]:
    """A response as the schema allows it, with documented values in most places."""
    hostility = draw(st.sampled_from([3, 10, 30]))

    def chance(percent: int) -> bool:
        return draw(st.integers(0, 99)) >= 100 - percent

    def made(part: dict[str, Any], name: str) -> Any:
        if "$ref" in part:
            part = _schema()["$defs"][part["$ref"].rpartition("/")[2]]
        if "anyOf" in part:
            (wanted,) = [one for one in part["anyOf"] if one.get("type") != "null"]
            return None if chance(4) else made(wanted, name)
        if part["type"] == "array":
            most = 3 if name == "itemsStatus" else 2
            return [made(part["items"], name) for _ in range(draw(st.integers(0, most)))]
        if part["type"] == "string":
            known = _DOCUMENTED.get(name)
            if known and not chance(hostility):
                return draw(st.sampled_from(known))
            return draw(_ODD)
        assert part["type"] == "object"
        found = {
            key: made(inner, key) for key, inner in part["properties"].items() if not chance(6)
        }
        return (draw(_MORE) if chance(hostility // 3) else {}) | found

    task: dict[str, Any] = made(_schema(), "")
    return task | {"kind": "PreCheckTask", "apiVersion": "v3"}


@cache
def _policies() -> tuple[Policy, ...]:
    rules = (
        b"apiVersion: precheck.policy/v1\nkind: Policy\nmetadata: {name: some, owner: us}\n"
        b"defaults: {unmatched: warn, skipped: warn}\nwaivers_may_be_permanent: true\n"
        b"rules:\n"
        b"  - {id: fatal, match: {level: Fatal}, effect: fail, message: '{check}: {message}'}\n"
        b"  - {id: noted, match: {check: SampleNoted, kind: Risk}, effect: note}\n"
        b"  - {id: many, match: {kind: Risk}, limit: {of: nodes, max: 1}, effect: warn}\n"
        b"waivers:\n"
        b"  - {id: w-1, check: SampleWaived, reason: Accepted}\n"
        b"  - {id: w-2, check: SampleDisk, node: {uid: n-1}, reason: For now, max_findings: 9}\n"
    )
    return Policy.parse(rules), Policy.load("builtin:recommended"), Policy.load("builtin:strict")


# What the readers are given -------------------------------------------------------------------


class Judged:
    """A verdict with what it was made from, and its record as another reader sees it."""

    def __init__(self, response: Response, policy: Policy) -> None:
        self.response = response
        self.policy = policy
        self.verdict = evaluate(response, policy, at=AT, now=AT)
        self.exhibits = [response.source.data, *(file.data for file in policy.files)]
        self.record: dict[str, Any] = json.loads(render(self.verdict, "json"))
        self.findings: dict[str, int] = self.record["counts"]["findings"]

    def rendered(self, form: str) -> bytes:
        return render(self.verdict, form, self.exhibits)


def _counted(task: Any) -> int:
    """The check items of a response, in the simplest way there is."""
    status = task.get("status") or {}
    holders = [status.get("clusterCheckStatus"), status.get("addonCheckStatus")]
    holders += (status.get("nodeCheckStatus") or {}).get("nodeStageStatus") or []
    return sum(len((holder or {}).get("itemsStatus") or []) for holder in holders)


def _squeezed(text: str) -> str:
    return re.sub(r"[-\s\u00ad\u200b]+", "", text)


def _table_of_outcomes(rows: Iterable[list[str]]) -> dict[str, tuple[int, int]]:
    """Outcome → checks and findings, from the cells of a table."""
    words = {say(f"finding.{outcome}"): outcome for outcome in OUTCOMES}
    found: dict[str, tuple[int, int]] = {}
    for cells in rows:
        word = cells[0].split()[-1] if cells and cells[0].split() else ""
        if len(cells) == 3 and word in words and words[word] not in found:
            numbers = [cell.replace(",", "").strip() for cell in cells[1:]]
            if all(number.isdigit() for number in numbers):
                found[words[word]] = (int(numbers[0]), int(numbers[1]))
    return found


def _expected_table(case: Judged) -> dict[str, tuple[int, int]]:
    checks = case.record["counts"]["checks"]
    return {outcome: (checks[outcome], case.findings[outcome]) for outcome in OUTCOMES}


# The readers ----------------------------------------------------------------------------------


def read_json(case: Judged) -> None:
    record = case.record
    _record_schema().validate(record)
    assert Verdict.model_validate_json(case.rendered("json")) == case.verdict
    listed: Counter[str] = Counter()
    for check in record["checks"]:
        for outcome, number in check["findings"].items():
            listed[outcome] += number
        assert sum(len(entry["places"]) for entry in check["entries"]) == sum(
            check["findings"][outcome] for outcome in OUTCOMES if outcome != "pass"
        )
    assert {outcome: listed[outcome] for outcome in OUTCOMES} == {
        outcome: case.findings[outcome] for outcome in OUTCOMES
    }
    items = _counted(json.loads(case.response.source.data))
    assert sum(case.findings[outcome] for outcome in OUTCOMES) == items


@cache
def _record_schema() -> Any:
    return jsonschema.Draft202012Validator(json.loads((RECORDS / SCHEMA_FILE).read_text()))


@cache
def _diff_schema() -> Any:
    return jsonschema.Draft202012Validator(json.loads((RECORDS / DIFF_SCHEMA_FILE).read_text()))


def read_text(case: Judged) -> None:
    text = write_text(case.verdict, verbose=True)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffe]", text)
    assert not any(line.lstrip().startswith(("::", "##[")) for line in text.splitlines())
    page = _squeezed(text)
    for said in [case.record["headline"], *case.record["summary"]]:
        assert _squeezed(said["text"]) in page
    passed = re.search(r"([\d,]+) of ([\d,]+) checks? passed", " ".join(text.split()))
    checks = case.record["counts"]["checks"]
    if passed:
        assert int(passed[1].replace(",", "")) == checks["pass"]
        assert int(passed[2].replace(",", "")) == sum(checks[outcome] for outcome in OUTCOMES)


def read_html(case: Judged) -> None:
    page = case.rendered("html").decode()
    tree = tinyhtml5.parse(page, namespace_html_elements=False)
    tags = Counter(part.tag for part in tree.iter() if isinstance(part.tag, str))
    assert tags["script"] == 1
    assert not {"img", "iframe", "object", "embed", "base"} & set(tags)
    assert tags["form"] <= 2  # what looks for findings, and the dialog with its keys
    for part in tree.iter():
        assert not any(name.lower().startswith("on") for name in part.attrib)
    rows = [
        ["".join(cell.itertext()) for cell in row if cell.tag in ("td", "th")]
        for row in tree.iter("tr")
    ]
    assert _table_of_outcomes(rows) == _expected_table(case)
    text = _squeezed("".join(tree.itertext()))
    assert _squeezed(case.record["headline"]["text"]) in text


def read_pdf(case: Judged) -> None:
    data = case.rendered("pdf")
    with pikepdf.open(io.BytesIO(data)) as document:
        assert not document.check_pdf_syntax()
        attached = {
            name: part.get_file().read_bytes() for name, part in document.attachments.items()
        }
        pages = len(document.pages)
    assert pages >= 1
    assert any(json.loads(part) == case.record for name, part in attached.items() if "json" in name)
    assert case.response.source.data in attached.values()
    if not shutil.which("pdftotext"):
        return
    done = subprocess.run(
        ["pdftotext", "-", "-"], input=data, check=True, capture_output=True, timeout=60
    )
    text = _squeezed(done.stdout.decode())
    for outcome, (checks, findings) in _expected_table(case).items():
        assert _squeezed(f"{say(f'finding.{outcome}')}{checks:,}{findings:,}") in text, outcome


def read_junit(case: Judged, tmp: Path) -> None:
    data = case.rendered("junit")
    root = parsed(data)
    path = tmp / "junit.xml"
    path.write_bytes(data)
    cases = [one for suite in junitparser.JUnitXml.fromfile(str(path)) for one in suite]
    assert len(cases) == len(list(root.iter("testcase")))
    kinds = Counter(type(part).__name__ for one in cases for part in one.result)
    assert bool(kinds["Failure"] + kinds["Error"]) is (case.record["outcome"] != "pass")
    tags = Counter((one[0].tag if len(one) else "passed") for one in root.iter("testcase"))
    checks = Counter(check["outcome"] for check in case.record["checks"])
    assert tags["failure"] >= checks["fail"]
    assert tags["error"] >= checks["unknown"]
    assert tags["skipped"] >= checks["waived"]
    scopes = [
        one
        for one in root.iter("testcase")
        if one.get("classname").rsplit(".", 1)[-1] in ("cluster", "addon", "node")
    ]
    assert len(scopes) == len(case.record["checks"])
    assert Counter((one[0].tag if len(one) else "passed") for one in scopes) == Counter(
        {"fail": "failure", "unknown": "error", "waived": "skipped"}.get(outcome, "passed")
        for outcome in checks.elements()
    )


def read_markdown(case: Judged) -> None:
    text = case.rendered("markdown").decode()
    assert_neutral(text)
    rows: list[list[str]] = []
    cells: list[str] = []
    inside = False
    for token in MarkdownIt("gfm-like").parse(text):
        if token.type == "tr_open":
            cells = []
        elif token.type in ("td_open", "td_close"):
            inside = token.type == "td_open"
        elif token.type == "inline" and inside:
            cells.append("".join(one.content for one in token.children or []))
        elif token.type == "tr_close":
            rows.append(cells)
    assert _table_of_outcomes(rows) == _expected_table(case)


def read_sarif(case: Judged) -> None:
    run = run_of(case.verdict, "suppress")
    assert run["properties"]["findings"] == case.findings
    assert run["properties"]["verdict"] == case.record["outcome"]
    assert run["invocations"][0]["exitCode"] == case.record["exit_code"]
    listed = Counter(
        part["properties"]["outcome"] for part in run["results"] if "scope" in part["properties"]
    )
    for outcome in OUTCOMES[:-1]:
        assert listed[outcome] == case.findings[outcome], outcome


def read_csv(case: Judged) -> None:
    rows = rows_of(case.verdict)
    assert totals(rows) == {outcome: case.findings[outcome] for outcome in OUTCOMES}
    assert {row["verdict"] for row in rows} == {case.record["outcome"]}


def read_statement(case: Judged) -> None:
    about = [attest.SubjectFile("response.json", hashlib.sha256(b"x").hexdigest())]
    said = json.loads(attest.statement(case.verdict, about))
    assert said["_type"] == "https://in-toto.io/Statement/v1"
    assert said["subject"] == [
        {"name": "response.json", "digest": {"sha256": hashlib.sha256(b"x").hexdigest()}}
    ]
    predicate = said["predicate"]
    assert predicate["precheck"]["outcome"] == case.record["outcome"]
    assert (predicate["result"] == "FAILED") is (case.record["outcome"] != "pass")
    listed = Counter[str]()
    for name in ("passedTests", "warnedTests", "failedTests"):
        listed[name] = sum(test.startswith("check ") for test in predicate.get(name, []))
    kinds = {"fail": "failedTests", "unknown": "failedTests", "warn": "warnedTests"}
    kinds |= {"waived": "warnedTests", "note": "warnedTests", "pass": "passedTests"}
    assert listed == Counter(kinds[check["outcome"]] for check in case.record["checks"])


def read_bundle(case: Judged) -> None:
    data = bundle.write(case.verdict, case.exhibits, options=Options(), forms=("html", "junit"))
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        assert packed.testzip() is None
        files = {name: packed.read(name) for name in packed.namelist()}
    for line in files["SHA256SUMS"].decode().splitlines():
        digest, name = line.split("  ", 1)
        assert hashlib.sha256(files[name]).hexdigest() == digest
    assert json.loads(files["record.json"]) == case.record
    assert case.response.source.data in files.values()
    manifest = json.loads(files["manifest.json"])
    assert manifest["verdict"]["outcome"] == case.record["outcome"]
    assert verify(data, "case.zip").exit_code == 0


def read_diff(case: Judged) -> None:
    """Against itself under another policy, and against a cluster where all is well."""
    other = Judged(case.response, _policies()[0])
    for old, new in ((other, case), (case, _well()), (_well(), case)):
        diff = compare(
            Side("old.json", "record", old.verdict), Side("new.json", "record", new.verdict)
        )
        said = json.loads(DIFF_WRITERS["json"](diff))
        _diff_schema().validate(said)
        for side, judged in (("old", old), ("new", new)):
            assert said[side]["findings"] == judged.findings
            assert said[side]["outcome"] == judged.record["outcome"]
        tree = tinyhtml5.parse(DIFF_WRITERS["html"](diff).decode(), namespace_html_elements=False)
        assert_neutral(DIFF_WRITERS["markdown"](diff).decode())
        heading = _squeezed(said["headline"]["text"])
        assert heading in _squeezed("".join(tree.itertext()))


@cache
def _well() -> Judged:
    item = {"name": "SampleDisk", "kind": "Risk", "group": "LimitCheck", "level": "Warning",
            "phase": "Success", "message": "check item succeed", "riskSource": {}}  # fmt: skip
    section = {"phase": "Success", "itemsStatus": [item]}
    task = {
        "kind": "PreCheckTask",
        "apiVersion": "v3",
        "spec": {"clusterID": "c-1", "targetVersion": "v1.31.4-r2"},
        "status": {
            "phase": "Success",
            "expireTimeStamp": "2026-03-01 11:00:00 +0000 UTC",
            "clusterCheckStatus": section,
            "addonCheckStatus": section,
            "nodeCheckStatus": {"phase": "Success"},
        },
    }
    return Judged(read(json.dumps(task).encode()), _policies()[0])


def read_redacted(case: Judged) -> None:
    redactor = Redactor(case.verdict, PROFILES, b"k" * 32, case.response.task)
    record = redactor.record()
    assert record.contradiction() is None
    said = json.loads(render(record, "json"))
    _record_schema().validate(said)
    assert said["counts"] == case.record["counts"]
    assert (said["outcome"], said["exit_code"]) == (
        case.record["outcome"],
        case.record["exit_code"],
    )
    for form in ("html", "junit", "markdown", "csv", "sarif"):
        assert render(record, form)
    data = bundle.write(record, [], options=Options(), forms=("html", "junit"))
    assert verify(data, "case.zip").exit_code == 3  # who has not the files can't judge again


READERS: dict[str, tuple[Callable[..., None], int]] = {
    "json": (read_json, 1),
    "text": (read_text, 1),
    "html": (read_html, 1),
    "pdf": (read_pdf, 20),
    "junit": (read_junit, 1),
    "markdown": (read_markdown, 1),
    "sarif": (read_sarif, 1),
    "csv": (read_csv, 1),
    "statement": (read_statement, 1),
    "bundle": (read_bundle, 1),
    "diff": (read_diff, 1),
    "redacted": (read_redacted, 1),
}
"""Output → its reader, and in how many examples it is read once."""


@pytest.mark.parametrize("name", READERS)
def test_every_output_of_a_random_response_is_read(name: str, tmp_path: Path) -> None:
    reader, share = READERS[name]

    @settings(
        max_examples=max(1, EXAMPLES // share),
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
        phases=[Phase.explicit, Phase.generate],  # shrinking takes minutes here
    )
    @given(response=responses(), number=st.integers(0, len(_policies()) - 1))
    def attempt(response: dict[str, Any], number: int) -> None:
        try:
            found = read(json.dumps(response).encode())
        except InputError as error:
            told(error.message)
            return
        case = Judged(found, _policies()[number])
        if reader is read_junit:
            reader(case, tmp_path)
        else:
            reader(case)

    attempt()
