"""The library: its promised names, its examples, and what a notebook shows of a verdict."""

from __future__ import annotations

import doctest
import html
import os
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import reporter
from reporter.record.notebook import SHOWN

ROOT = Path(__file__).parents[1]
FAILED = ROOT / "samples" / "failed-addon" / "response.json"


def test_the_examples_say_what_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    tried = doctest.testmod(reporter, optionflags=doctest.ELLIPSIS)
    assert tried.attempted > 8
    assert tried.failed == 0


def test_the_promised_names_are_these() -> None:
    # A name that goes, or comes, is a decision: docs/versions.md says what it takes.
    assert sorted(reporter.__all__) == [
        "InputError",
        "LiveError",
        "OutputError",
        "Policy",
        "PolicyError",
        "ReporterError",
        "Response",
        "Unreadable",
        "Verdict",
        "__version__",
        "evaluate",
        "read",
        "read_responses",
        "render",
    ]


def _verdict() -> reporter.Verdict:
    policy = reporter.Policy.load("builtin:recommended")
    return reporter.evaluate(reporter.read(FAILED), policy, at="2026-11-20T09:30:00Z")


def test_reports_are_typed() -> None:
    text: str = reporter.render(_verdict(), "csv")
    assert text.startswith("\ufeffrow,")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"form": "HTML"}, "'HTML' is none of html, pdf"),
        ({"lang": "../x"}, "'../x' is none of en, zh-CN"),
        ({"view": "x"}, "'x' is none of approver"),
    ],
)
def test_a_report_nobody_writes_is_told(wrong: dict[str, Any], said: str) -> None:
    verdict = reporter.evaluate(
        reporter.read(FAILED), reporter.Policy.load("builtin:recommended"), at="response"
    )
    with pytest.raises(ValueError, match=re.escape(said)):
        reporter.render(verdict, **({"form": "html"} | wrong))
    with pytest.raises(reporter.InputError, match="no/such: can't be read"):
        reporter.render(verdict, "html", ["no/such"])
    with pytest.raises(reporter.InputError, match="can't be read"):
        reporter.read("\ud800")


def test_a_single_location_may_stand_alone() -> None:
    (found,) = reporter.read_responses(os.fspath(FAILED))
    (other,) = reporter.read_responses([FAILED])
    assert isinstance(found, reporter.Response)
    assert isinstance(other, reporter.Response)
    assert found.task == other.task


def test_a_notebook_shows_the_verdict() -> None:
    assert _verdict()._repr_html_() == (
        '<section lang="en" aria-label="Verdict">'
        "<p><strong>✕ Fail: do not upgrade yet</strong> (exit code 1)</p>"
        "<p>1 failed check must be resolved: an Exception can&#x27;t be waived. "
        "7 of 8 checks passed; no node was listed.</p>"
        "<p>Upgrade v1.29.13-r4 → v1.31.10-r2; cluster 3d9e51c7-b8a2-11f1-8d40-0255ac1001f6; "
        "judged for 2026-11-20 09:30 UTC, by recommended</p>"
        "<ol><li>AddonLimit fails: addon [ CoreDNS ] status is abnormal, check and try again "
        "(Rule exceptions: Every failed Exception must be resolved)</li></ol>"
        "<ul><li>Judged as of 2026-11-20T09:30:00Z, an instant in the past: "
        "not a verdict for today</li>"
        "<li>No node is listed in the response: nothing is known about nodes</li></ul>"
        "</section>"
    )


def test_a_notebook_is_shown_text_and_nothing_else() -> None:
    hostile = "<script>alert(1)</script>\u202e\x1b[31m & 'more'"
    verdict = _verdict()
    reason = verdict.reasons[0]
    what = reason.what.model_copy(update={"text": hostile})
    many = [reason.model_copy(update={"what": what})] * (SHOWN + 3)
    shown = verdict.model_copy(update={"reasons": many})._repr_html_()
    section = ElementTree.fromstring(shown)
    assert {element.tag for element in section.iter()} == {
        "section", "p", "strong", "ol", "ul", "li",
    }  # fmt: skip
    rows = [html.unescape(row.text or "") for row in section.findall("ol/li")]
    assert rows[0].startswith("<script>alert(1)</script>\ufffd\ufffd[31m & 'more'")
    assert rows[-1] == "and 3 more"
