"""One hostile response through every format, each read by a reader that did not write it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from lxml import html as lxml_html

from reporter.output import render
from reporter.output.text import write as write_text
from reporter.record.model import Verdict
from tests.output.test_csv import FORMULA, rows_of
from tests.output.test_junit import parsed
from tests.output.test_markdown import assert_neutral
from tests.output.test_sarif import run_of
from tests.policy.build import item, judged, policy, response, stage, waiver

PAYLOAD = (
    "<script>alert(1)</script><img src=x onerror=alert(2)></style></title>--><!--"
    "]]>&amp;&#0;\x1b[31mred\x1b]0;t\x07\x00\x01\ufffe\u202eevil\u2066x"
    "{{7*7}}{% raw %}${7*7}=HYPERLINK(1)\n::error::x\n##vso[task.complete]"
    "[[ATTACHMENT|/etc/passwd]]@everyone javascript:alert(3)"
)

DATA_LINKS = tuple(
    f"data:{kind}"
    for kind in ("image/svg+xml,", "application/json;base64,", "application/yaml;base64,")
)


def hostile() -> Verdict:
    """The payload in every text a cloud can set."""
    bad: dict[str, Any] = {
        "message": PAYLOAD,
        "errorCodes": [PAYLOAD],
        "riskSource": {
            "configurationRisks": [
                dict.fromkeys(
                    ("package", "sourceFile", "nodeMsg", "field", "operation", "originalValue",
                     "value"), PAYLOAD,
                )
            ],
            "deprecatedAPIRisks": [{"url": PAYLOAD, "userAgent": PAYLOAD}],
            "nodeRisks": [{"NodeID": PAYLOAD}],
            "addonRisks": [{"addonTemplateName": PAYLOAD, "alias": PAYLOAD}],
        },
    }  # fmt: skip
    body = response(
        item(PAYLOAD, **bad),
        item("SampleOdd", kind=PAYLOAD, level=PAYLOAD, group=PAYLOAD),
        item("SampleWaived", **bad),
        nodes=[stage(PAYLOAD, item(PAYLOAD, **bad), name=PAYLOAD, status=PAYLOAD)],
        spec={
            "clusterID": PAYLOAD,
            "clusterVersion": PAYLOAD,
            "targetVersion": PAYLOAD,
            "skippedCheckItemList": [{"name": PAYLOAD}],
        },
        message=PAYLOAD,
    )
    body["metadata"]["uid"] = PAYLOAD
    body[PAYLOAD] = PAYLOAD
    rules = [{"id": "r", "match": {"check": "*"}, "effect": "fail", "message": "{message}"}]
    return judged(body, policy(rules, [waiver(check="SampleWaived")]), cluster_name=PAYLOAD)


@pytest.fixture(scope="module")
def verdict() -> Verdict:
    return hostile()


def test_the_record_keeps_what_came(verdict: Verdict) -> None:
    text = render(verdict, "json").decode()
    assert json.loads(text)["subject"]["cluster_id"] == PAYLOAD
    assert Verdict.model_validate_json(text) == verdict


def test_junit(verdict: Verdict) -> None:
    data = render(verdict, "junit").decode()
    parsed(data.encode())
    assert "[[ATTACHMENT|" not in data


def test_markdown(verdict: Verdict) -> None:
    assert_neutral(render(verdict, "markdown").decode())


def test_sarif(verdict: Verdict) -> None:
    text = json.dumps(run_of(verdict, "suppress"), ensure_ascii=False)
    assert not re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffe]", text)
    assert "##vso[" not in text


def test_csv(verdict: Verdict) -> None:
    for row in rows_of(verdict):
        for cell in row.values():
            assert not cell.startswith(FORMULA)
            assert not re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffe]", cell)
            assert "##vso[" not in cell


def test_text(verdict: Verdict) -> None:
    text = write_text(verdict, verbose=True)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffe]", text)
    assert not any(line.lstrip().startswith("::") for line in text.splitlines())
    assert "##vso[" not in text


def test_html(verdict: Verdict) -> None:
    page = render(verdict, "html").decode()
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page)
    root = lxml_html.document_fromstring(page)
    assert not root.xpath("//img | //*[@onerror] | //*[@style] | //iframe | //object | //embed")
    assert all("alert(1)" not in (script.text or "") for script in root.xpath("//script"))
    for link in root.xpath("//@href | //@src"):
        assert link.startswith(("#", "https://", *DATA_LINKS)), link[:80]
    assert "{{7*7}}" in root.text_content()
    assert ">49<" not in page


def test_pdf(verdict: Verdict, tmp_path: Path) -> None:
    warnings: list[str] = []
    data = render(verdict, "pdf", warn=warnings.append)
    path = tmp_path / "r.pdf"
    path.write_bytes(data)
    if shutil.which("qpdf"):
        subprocess.run(["qpdf", "--check", str(path)], check=True, capture_output=True)
    if shutil.which("pdftotext"):
        done = subprocess.run(
            ["pdftotext", str(path), "-"], check=True, capture_output=True, text=True
        )
        assert "{{7*7}}" in done.stdout
        assert "\x1b" not in done.stdout


def test_a_message_as_long_as_a_book_does_not_drown_the_summary() -> None:
    long = "word " * 4_000 + "the end"
    verdict = judged(response(item(message=long)), policy())
    said, whole = write_text(verdict), write_text(verdict, verbose=True)
    assert len(said) < 8_000
    assert " …\n" in said
    assert "the end" not in said
    assert "the end" in whole
