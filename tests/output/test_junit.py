"""JUnit XML: valid under both profiles, never empty, and in step with the verdict."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from lxml import etree

from reporter.output import junit
from reporter.record.model import Gate, Verdict
from tests.examples import examples
from tests.output.example import example, hostile
from tests.policy.build import item, judged, policy, response, stage, waiver
from tests.slow import generator
from tests.test_agreement import judge_case

DATA = Path(__file__).parent.parent / "data"
PROFILES = [etree.XMLSchema(etree.parse(DATA / f"junit-{name}.xsd")) for name in ("ant", "jenkins")]


def parsed(data: bytes) -> Any:
    """The XML, checked against both profiles and its own counters."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
    root = etree.fromstring(data, parser)
    for profile in PROFILES:
        profile.assertValid(root)
    for suite in root:
        cases = suite.findall("testcase")
        assert int(suite.get("tests")) == len(cases) > 0
        for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.get(name)) == len(suite.findall(f"testcase/{tag}"))
    return root


def results(verdict: Verdict) -> dict[str, str | None]:
    """Case name → failure, error, skipped or None."""
    root = parsed(junit.write(verdict))
    return {case.get("name"): case[0].tag if len(case) else None for case in root.iter("testcase")}


Counts = tuple[int, int, int]
"""All cases, those that failed or could not be decided, those that were skipped."""


def counted_by(reader: str, path: Path) -> tuple[Counts, Counts]:
    """What stands in the XML, and what a reader that is not ours makes of it."""
    cases = list(parsed(path.read_bytes()).iter("testcase"))
    red_cases = sum(len(case) > 0 and case[0].tag != "skipped" for case in cases)
    ours = (len(cases), red_cases, sum(case.find("skipped") is not None for case in cases))
    if reader == "junitparser":
        import junitparser

        read = [case for suite in junitparser.JUnitXml.fromfile(str(path)) for case in suite]
        kinds = [type(part).__name__ for case in read for part in case.result]
        return ours, (
            len(read),
            kinds.count("Failure") + kinds.count("Error"),
            kinds.count("Skipped"),
        )
    from junit2htmlreport.parser import Junit

    suites = Junit(str(path)).suites
    return ours, (
        sum(len(suite.all()) for suite in suites),
        sum(len(suite.failed()) for suite in suites),
        sum(len(suite.skipped()) for suite in suites),
    )


@pytest.mark.parametrize("reader", ["junitparser", "junit2html"])
@pytest.mark.parametrize("verdict", [example(), hostile()], ids=["example", "hostile"])
def test_readers_that_are_not_ours_count_the_same(
    reader: str, verdict: Verdict, tmp_path: Path
) -> None:
    file = tmp_path / "junit.xml"
    file.write_bytes(junit.write(verdict))
    ours, theirs = counted_by(reader, file)
    assert theirs == ours
    assert min(ours) > 0


def red(verdict: Verdict) -> bool:
    """Whether a reader of this file alone would see something fail."""
    return bool({"failure", "error"} & set(results(verdict).values()))


def test_one_case_per_check_and_scope() -> None:
    body = response(
        item("SampleFails"),
        item("SamplePasses", "Success"),
        item("SampleWaived"),
        item("SampleUnknown", level="Odd"),
        nodes=[stage("n.1", item("SampleFails")), stage("n.2", item("SampleFails"))],
    )
    found = results(judged(body, policy(waivers=[waiver(check="SampleWaived")])))
    assert found["SampleFails"] == "failure"
    assert found["SamplePasses"] is None
    assert found["SampleWaived"] == "skipped"
    assert found["SampleUnknown"] == "error"
    assert found["verdict"] == "failure"
    assert found["waiver w-1"] is None


def test_case_names_hold_no_dots_from_the_cluster() -> None:
    body = response(item(), spec={"clusterID": "a.b c"})
    root = parsed(junit.write(judged(body)))
    classes = {case.get("classname") for case in root.iter("testcase")}
    assert classes == {"precheck.policy", "precheck.a_b_c.cluster", "precheck.a_b_c.addon"}


def test_the_meta_suite_is_never_empty() -> None:
    found = results(judged({"kind": "PreCheckTask"}))
    assert found["verdict"] == "error"
    assert found["evidence complete"] == "error"


def test_warnings_are_green_unless_the_run_refuses_them() -> None:
    text = policy(defaults={"unmatched": "warn"})
    assert not red(judged(response(item()), text))
    assert red(judged(response(item()), text, gate=Gate(fail_on="warn")))


def test_attachment_markers_of_others_are_broken() -> None:
    body = response(
        item("[[ATTACHMENT|/etc/passwd]]", message="x [[PROPERTY|a=b]] [[attachment|c]]")
    )
    data = junit.write(judged(body)).decode()
    assert "[[ATTACHMENT|" not in data
    assert "[[PROPERTY|" not in data
    assert "[[attachment|" not in data


def test_an_error_without_a_verdict() -> None:
    at = datetime(2026, 3, 1, 18, 30, 5, 9, timezone(timedelta(hours=8)))
    root = parsed(junit.write_error("in.json: is empty\x1b[31m", "try again", at))
    (case,) = root.iter("testcase")
    assert case[0].tag == "error"
    assert "try again" in case[0].text
    assert root[0].get("timestamp") == "2026-03-01T10:30:05"


def test_what_could_not_be_written_is_an_error_beside_the_verdict() -> None:
    verdict = judged(response())
    assert not red(verdict)
    lost = junit.Unwritten(("a/page.html", "standard\noutput"), 5)
    root = parsed(junit.write(verdict, unwritten=lost))
    (error,) = root.iter("error")
    said = "could not be written, so the exit code is 5: a/page.html, standard output"
    assert (error.getparent().get("name"), error.get("message"), error.text) == (
        "reports", said, said,
    )  # fmt: skip
    codes = [part.get("value") for part in root.iter("property") if part.get("name") == "exit-code"]
    assert codes == ["5"]


def test_a_waiver_gives_its_reason_wherever_it_is_told() -> None:
    """Used ones too, on one line, with who and until when before what may be cut."""
    long = "accepted\nfor the window " + "x" * 400
    approved = {"approved_by": "Jo", "ticket": "CHG-7"}
    accepted = [
        waiver("w-1", check="SampleWaived", **approved),
        waiver("w-2", check="SampleSkipped", reason=long, **approved),
        waiver("w-3", check="SampleElsewhere"),
    ]
    body = response(
        item("SampleWaived"),
        spec={"skippedCheckItemList": [{"name": "SampleSkipped"}]},
        nodes=[
            stage("a", item("SampleWaived")),
            stage("b", item("SampleWaived", kind="Exception")),
        ],
    )
    root = parsed(junit.write(judged(body, policy(waivers=accepted))))
    told = {
        (case.get("classname").rpartition(".")[2], case.get("name")): case
        for case in root.iter("testcase")
    }
    end = "until 2026-12-31 by Jo (CHG-7); reason: accepted for the window"
    assert told["cluster", "SampleWaived"][0].get("message") == f"WAIVED w-1 {end}"
    skipped = told["policy", "skipped check 1 SampleSkipped"][0].get("message")
    assert skipped.startswith(f"WAIVED w-2 {end} xxx")
    assert (len(skipped), skipped[-1]) == (300, "…")
    assert f"Waived by w-1 {end}\n" in told["node", "SampleWaived"][0].text
    unused = told["policy", "waiver w-3"][0].get("message")
    assert unused.startswith("UNUSED: ")
    assert unused.endswith("; reason: accepted for the window")
    assert len(told["policy", "waiver w-1"]) == 0
    out = root[0].find("system-out").text.split("\n")
    said = [line for line in out if line.startswith("waiver w-")]
    assert said[0] == "waiver w-1: USED: covers 2 findings; reason: accepted for the window"
    assert said[1].startswith("waiver w-2: USED: covers 1 check skipped on the server; reason: acc")
    assert len(said) == 2


@settings(max_examples=examples(30), deadline=None, suppress_health_check=list(HealthCheck))
@given(case=generator.cases())
def test_every_verdict_makes_a_valid_file_in_step_with_it(case: dict[str, Any]) -> None:
    verdict = judge_case(case)
    assert red(verdict) is (verdict.outcome != "pass")


@pytest.mark.parametrize("name", ["", " ", "\u3000", "\x00", "a\x1b[0m", "x" * 5000, "同步检查"])
def test_odd_names_stay_distinct(name: str) -> None:
    body = response(item(name), item(name + "\x01"), item("\ufffd"))
    root = parsed(junit.write(judged(body)))
    names = [(case.get("classname"), case.get("name")) for case in root.iter("testcase")]
    assert len(names) == len(set(names))
