"""What an audit tells of passes: the conditions `check` tells, over the whole fleet."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from reporter.output.audit import view
from reporter.output.audit.facts import ConditionFacts
from reporter.output.audit.text import write
from reporter.output.shown import Tag
from reporter.policy.evaluate import evaluate
from reporter.policy.load import Policy
from reporter.precheck.response import Response
from reporter.record.conditions import are_conditional
from reporter.sources.read import read_responses
from tests.audit.archive import Audit, check, risk
from tests.audit.test_fleet import audited, facts_of, section, texts
from tests.policy.build import item, stage

SAMPLES = Path(__file__).parents[2] / "samples"
BOARD = Path(__file__).parents[2] / "policies" / "waivers" / "change-board.yaml"
ASKS_IN_VAIN = """\
apiVersion: precheck.policy/v1
kind: Policy
metadata: {name: vain, version: "1"}
defaults: {unmatched: note, skipped: warn}
rules:
  - {id: fatal-ones, match: {level: fatal}, effect: fail}
"""
VAIN = "A rule or waiver asks for a value that nobody documents: fatal-ones (fatal → Fatal)"
NODES: dict[str, Any] = {"nodes": [stage("n1", item("SampleNode", "Success"))]}


def vain(folder: Path) -> str:
    (folder / "vain.yaml").write_text(ASKS_IN_VAIN)
    return str(folder / "vain.yaml")


@pytest.fixture(scope="module")
def audit(tmp_path_factory: pytest.TempPathFactory) -> Audit:
    """Two responses that pass where the policy asks in vain, and one that is in doubt."""
    folder = tmp_path_factory.mktemp("conditions")
    return audited(
        folder,
        check(risk("SampleBad", level="Fatal"), uid="1", phase="Failed", **NODES),
        check(uid="2", **NODES),
        check(item("SampleOpen", "Running"), uid="3", phase="Running", cluster_id="c-2", **NODES),
        policies=[vain(folder)],
    )


def test_a_response_says_its_conditions(audit: Audit) -> None:
    rows = csv.DictReader(io.StringIO((audit.out / "responses.csv").read_text("utf-8-sig")))
    assert [(row["outcome"], row["conditions"], row["condition_codes"]) for row in rows] == [
        ("pass", "2", "misspelt-values recheck-needed"),
        ("pass", "1", "misspelt-values"),
        ("inconclusive", "1", "misspelt-values"),
    ]
    assert audit.rows("SELECT reason FROM responses WHERE outcome = 'pass' ORDER BY name") == [
        (f"passes, with conditions: {VAIN}; CCE itself says Failed",),
        (f"passes, with conditions: {VAIN}",),
    ]
    assert audit.rows(
        "SELECT role, c.code, text FROM conditions c JOIN responses ON id = response_id "
        "WHERE task_uid = '2'"
    ) == [("judged by", "misspelt-values", VAIN)]


def test_where_the_policy_asks_in_vain_comes_first(audit: Audit) -> None:
    facts = facts_of(audit)
    assert facts.exit_code(unused_fails=False) == 3  # a pass with conditions is a pass
    report = view.report(facts)
    assert report.attention[0] == view.Attention(
        Tag("Asks in vain", "warn"),
        "The policy asks in vain for what the API or the responses do not have",
        (f"{VAIN}: in 3 of 3 responses",),
        "Mend it and audit again: until then it decides less than it seems to.",
        "conditions",
        most=4,
    )
    part = section(facts, "conditions")
    assert part.lead.startswith("2 of 2 responses that pass do so with conditions: ")
    assert [texts(table) for table in part.tables] == [
        [[VAIN, "3", "2"]],
        [["Recheck needed", "1", "1", audit.rows(
            "SELECT text FROM conditions WHERE code = 'recheck-needed'"
        )[0][0]]],
    ]  # fmt: skip
    assert report.summary[0].startswith("1 is inconclusive and 2 pass (each with conditions) in ")
    listed = section(facts, "responses").tables[0]
    assert [row.cells[1].tag for row in listed.rows] == [
        Tag("Inconclusive", "unknown"),
        *[Tag("Pass, with conditions", "pass")] * 2,
    ]
    text = " ".join(write(facts).split())
    assert f"- {VAIN}: in 2 of 2 - Recheck needed: in 1 of 2" in text


def test_junit_tells_them_and_fails_nothing(audit: Audit) -> None:
    whole, first, second = ElementTree.parse(audit.out / "junit.xml").getroot()
    assert (whole.findtext("system-out") or "").splitlines()[0] == (
        f"{VAIN} (in 3 of 3, 2 of them pass)"
    )
    said = (first.findtext("system-out") or "").splitlines()
    assert [row.partition(": ")[2] for row in said] == [
        reason for (reason,) in audit.rows("SELECT reason FROM responses WHERE outcome = 'pass'")
    ]
    assert (first.get("failures"), first.get("errors"), second.get("errors")) == ("0", "0", "1")


@pytest.mark.parametrize("at", ["response", "2020-01-01T00:00:00Z"])
def test_check_and_audit_tell_the_same(tmp_path: Path, at: str) -> None:
    """But for what day it is: an audit judges as of other days than today."""
    clock = datetime(2027, 1, 1, tzinfo=UTC)
    audit = Audit(SAMPLES, tmp_path / "out", waivers=[str(BOARD)], at=at, clock=clock)
    audit.run()
    policy = Policy.load("builtin:recommended", waivers=[str(BOARD)])
    rows = audit.rows("SELECT name, id, outcome, reason FROM responses WHERE judged_at IS NOT NULL")
    of_a_pass = 0
    for name, identity, outcome, reason in rows:
        (response,) = read_responses(name)
        assert isinstance(response, Response)
        verdict = evaluate(response, policy, at=at, now=clock)
        dated = ("condition.backdated", "condition.postdated")
        due = [part for part in verdict.conditions if part.code not in dated]
        assert audit.rows(
            "SELECT 'condition.' || code, text FROM conditions "  # noqa: S608 - an id of our own
            f"WHERE response_id = '{identity}' ORDER BY rowid"
        ) == [(part.code, part.text) for part in due]
        conditional = verdict.outcome == "pass" and are_conditional(due)
        assert reason.startswith("passes, with conditions: ") == conditional
        of_a_pass += conditional
        assert outcome == verdict.outcome
    assert len(rows) == len(list(SAMPLES.glob("*/response.json")))
    assert facts_of(audit).conditional == of_a_pass


def test_what_is_only_noted_does_not_pass(tmp_path: Path) -> None:
    policy = ASKS_IN_VAIN.replace("level: fatal", "level: Fatal")
    (tmp_path / "p.yaml").write_text(policy)
    audit = audited(
        tmp_path,
        check(risk("SampleNoted"), uid="1", phase="Success", **NODES),
        check(uid="2", **NODES),
        check(uid="3", spec={"skippedCheckItemList": [{"name": "SampleSkipped"}]}, **NODES),
        policies=[str(tmp_path / "p.yaml")],
    )
    assert audit.rows("SELECT reason, conditions FROM responses ORDER BY name") == [
        ("every check passes or is noted", 0),
        ("every check passes", 0),
        (
            "passes, with conditions: 1 check was skipped on the server and the policy only warns: "
            "SampleSkipped",
            1,
        ),
    ]
    facts = facts_of(audit)
    assert (facts.conditional, facts.conditional_in_deed) == (1, 1)
    assert view.report(facts).headline == "All 3 responses pass, 1 of them with conditions"


def test_the_policy_compared_with_is_heard_too(tmp_path: Path) -> None:
    audit = audited(tmp_path, check(uid="1", **NODES), others=[vain(tmp_path)])
    facts = facts_of(audit)
    assert facts.conditions == (
        ConditionFacts("misspelt-values", VAIN, "compared with", True, 1, 1),
    )
    assert view.report(facts).headline == "The one response passes"
    assert view.report(facts).attention[0].what.startswith("The policy compared with asks in vain")
    again = Audit(audit.folder, audit.out)
    again.run()
    assert facts_of(again).conditions == ()


def test_the_end_that_the_policy_counts_is_that_of_an_upgrade(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(
        "apiVersion: precheck.policy/v1\nkind: Policy\nmetadata: {name: p, version: '1'}\n"
        "evidence: {unexpired: {validity: 24h}, fresh: {max_age: 2h}}\n"
        "defaults: {unmatched: fail, skipped: fail}\n"
    )
    audit = audited(
        tmp_path,
        check(uid="1", expireTimeStamp="", **NODES),
        check(uid="2", cluster_id="c-2", **NODES),
        policies=[str(tmp_path / "p.yaml")],
        upgrades=(
            "cluster,time,change\nc-1,2026-03-01T11:59:59Z,a\nc-1,2026-03-01T12:00:00Z,b\n"
            "c-2,2026-03-01T11:00:00Z,c\n"
        ),
    )
    assert audit.rows("SELECT expires_at, holds_until FROM responses ORDER BY name") == [
        (None, "2026-03-01T12:00:00Z"),
        ("2026-03-01T11:00:00Z", "2026-03-01T11:00:00Z"),
    ]
    upgrades = facts_of(audit).upgrades
    assert {part.change: part.expired for part in upgrades} == {"a": False, "b": True, "c": True}
    assert {part.change for part in upgrades if "had expired by then" in part.said} == {"b", "c"}


def test_the_terminal_names_the_first_inputs_that_cant_be_read(tmp_path: Path) -> None:
    facts = facts_of(audited(tmp_path, *[b"{"] * 7, check(uid="1")))
    lines = [line.strip() for line in write(facts).splitlines()]
    first = lines.index("- 7 inputs could not be read") + 1
    assert lines[first : first + 6] == [
        *(f"{number}.json" for number in range(5)),
        "and 2 more, see responses.csv",
    ]
    few = replace(facts, unreadable=2, unreadable_inputs=facts.unreadable_inputs[:2])
    assert "more, see" not in write(few)
