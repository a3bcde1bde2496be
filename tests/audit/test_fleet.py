"""What an audit says of the whole fleet: each number of one thing, and the same wherever it stands.

Small archives, each for one thing that may be counted in more than one way.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reporter.output.audit import view
from reporter.output.audit.facts import AuditFacts
from reporter.output.audit.text import write
from reporter.output.shown import Tag
from tests.audit.archive import Audit, check, risk
from tests.policy.build import item, stage


def audited(folder: Path, *responses: bytes, waivers: str = "", **more: Any) -> Audit:
    """An audit of some responses, in files by their number."""
    (folder / "in").mkdir()
    for number, data in enumerate(responses):
        (folder / "in" / f"{number}.json").write_bytes(data)
    if waivers:
        (folder / "w.yaml").write_text(waivers)
        more["waivers"] = [str(folder / "w.yaml")]
    upgrades = more.pop("upgrades", None)
    if upgrades is not None:
        (folder / "upgrades.csv").write_text(upgrades)
    audit = Audit(folder / "in", folder / "out", **more)
    audit.run(upgrades=None if upgrades is None else folder / "upgrades.csv")
    return audit


def facts_of(audit: Audit) -> AuditFacts:
    """What it found."""
    assert audit.facts is not None
    return audit.facts


def section(facts: AuditFacts, name: str) -> view.Section:
    """A part of the page."""
    (found,) = [part for part in view.report(facts).sections if part.id == name]
    return found


def texts(table: view.Table) -> list[list[str]]:
    """What stands in the cells of a table."""
    return [
        [cell.text or (cell.tag.word if cell.tag else "") for cell in row.cells]
        for row in table.rows
    ]


# Checks ---------------------------------------------------------------------------------------


def test_a_check_fails_only_where_a_finding_of_it_fails(tmp_path: Path) -> None:
    open_item = item("SampleOpen", "Running")
    facts = facts_of(
        audited(
            tmp_path,
            check(risk("SampleBad"), uid="1"),
            check(risk("SampleBad"), open_item, uid="2", cluster_id="c-2"),
            check(open_item, uid="3"),
            check(risk("SampleWarned", level="Info"), uid="4"),
            # On one node it fails, on the other it warns: it counts as failing.
            check(
                uid="5",
                nodes=[
                    stage("n1", risk("SampleMixed", level="Info")),
                    stage("n2", risk("SampleMixed")),
                ],
            ),
            check(risk("SampleAllowed"), uid="6"),
            check(uid="7"),
            waivers=(
                "apiVersion: precheck.policy/v1\nkind: WaiverList\n"
                'metadata: {name: board, version: "1"}\nwaivers:\n'
                "  - {id: allowed, check: SampleAllowed, reason: fine, expires: 2027-01-01}\n"
            ),
        )
    )
    part = section(facts, "checks")
    assert part.lead.startswith(
        "2 checks fail somewhere; 3 never fail, but are unknown, warn or are waived somewhere; "
        "2 others do nothing of the kind. "
    )
    assert [row[:8] for row in texts(part.tables[0])] == [
        # Fails, is unknown, warns, is waived in so many of all.
        ["SampleBad", "2", "–", "–", "–", "2", "100 %", "2"],
        ["SampleMixed", "1", "–", "–", "–", "1", "100 %", "1"],
        ["SampleOpen", "–", "2", "–", "–", "2", "0 %", "–"],
        ["SampleWarned", "–", "–", "1", "–", "1", "0 %", "–"],
        ["SampleAllowed", "–", "–", "–", "1", "1", "0 %", "–"],
    ]
    summary = write(facts)
    assert "SampleMixed: in 1 of 1 response\n" in summary
    assert "SampleOpen" not in summary


def test_the_rows_of_a_check_are_those_it_fails_in(tmp_path: Path) -> None:
    """Not those that name it: of many failing checks a reason names three, and waived ones too."""
    names = [f"Sample{number:02}" for number in range(13)]
    everything = check(*map(risk, names), uid="1")
    facts = facts_of(
        audited(
            tmp_path,
            everything,
            everything,  # a copy, counted once
            check(risk("Sample12"), uid="2", cluster_id="c-10"),
            check(risk("Sample00"), risk("Sample01", level="Info"), uid="3"),
            check(uid="4", nodes=[stage("n1", risk("Sample12"))]),
        )
    )
    found = section(facts, "responses")
    rows = [set(row.only.split()) for row in found.tables[0].rows]
    checks, clusters = found.choices
    assert [(choice.name, choice.count) for choice in checks.all][:3] == [
        ("Sample00 (cluster)", 2),
        ("Sample12 (cluster)", 2),
        ("Sample01 (cluster)", 1),
    ]
    assert [(choice.name, choice.count) for choice in clusters.all] == [("c-1", 3), ("c-10", 1)]
    for choice in (*checks.all, *clusters.all):
        assert sum(choice.key in row for row in rows) == choice.count, choice
    # Each number in the tables that can be followed leads to as many.
    for part in (section(facts, "checks"), section(facts, "clusters")):
        for row in part.tables[0].rows:
            number = row.cells[1 if part.id == "checks" else 2].text
            assert sum(row.cells[0].only in keys for keys in rows) == int(number)


# Waivers --------------------------------------------------------------------------------------

FUTURE = """\
apiVersion: precheck.policy/v1
kind: WaiverList
metadata: {name: board, version: "1"}
waivers:
  - {id: later, check: SampleA, reason: the window, starts: 2026-04-01, expires: 2027-01-01}
  - {id: never, check: SampleZ, reason: fine, starts: 2026-01-01, expires: 2027-01-01}
"""


def test_a_waiver_that_begins_later_is_not_unused(tmp_path: Path) -> None:
    audit = audited(tmp_path, check(risk("SampleA"), uid="1"), waivers=FUTURE)
    assert audit.rows("SELECT waiver, status, marks FROM waivers ORDER BY waiver") == [
        ("later", "not-yet-valid", ""),
        ("never", "unused", ""),
    ]
    facts = facts_of(audit)
    assert [part.id for part in facts.unused] == ["never"]
    assert "1 unused anywhere, 1 not yet valid" in section(facts, "waivers").lead
    (said,) = [part for part in view.report(facts).attention if "unused" in part.what]
    assert said.details == ("never",)
    junit = (audit.out / "junit.xml").read_text()
    assert "NOT-YET-VALID" in junit


def test_for_an_instant_after_its_start_it_is_unused(tmp_path: Path) -> None:
    waivers = FUTURE.replace("SampleA", "SampleY")
    audit = audited(
        tmp_path, check(risk("SampleA"), uid="1"), waivers=waivers, at="2026-05-01T00:00:00Z"
    )
    assert [part.id for part in facts_of(audit).unused] == ["later", "never"]


def test_a_waiver_alone_that_begins_later_fails_no_audit(tmp_path: Path) -> None:
    facts = facts_of(audited(tmp_path, check(uid="1"), waivers=FUTURE.rpartition("  - ")[0]))
    assert (len(facts.waivers), facts.exit_code(unused_fails=True)) == (1, 0)


def test_a_waiver_used_here_and_exceeded_there_says_both(tmp_path: Path) -> None:
    waivers = (
        "apiVersion: precheck.policy/v1\nkind: WaiverList\n"
        'metadata: {name: board, version: "1"}\nwaivers:\n'
        "  - {id: small, check: SampleNode, max_findings: 1, reason: one, expires: 2027-01-01}\n"
    )
    one, two = ([stage(f"n{n}", risk("SampleNode")) for n in range(count)] for count in (1, 2))
    facts = facts_of(
        audited(
            tmp_path,
            check(uid="1", nodes=one),
            check(uid="2", nodes=two),
            check(uid="3", nodes=two),
            waivers=waivers,
        )
    )
    part = section(facts, "waivers")
    assert part.lead.startswith("1 waiver: 1 used (1 of them exceeded elsewhere). ")
    fleet = part.tables[0].rows[0].cells[1]
    assert fleet.tag is not None
    assert (fleet.tag.word, fleet.notes[1]) == ("Used", "exceeded in 2 responses")
    assert "1 waiver exceeded: more findings than allowed" in [
        part.what for part in view.report(facts).attention
    ]


# Sentences ------------------------------------------------------------------------------------


def test_a_response_that_names_no_cluster_is_in_none(tmp_path: Path) -> None:
    facts = facts_of(
        audited(
            tmp_path,
            check(risk(), uid="1"),
            check(uid="2", cluster_id="c-2"),
            check(uid="3", cluster_id=""),
        )
    )
    assert view.report(facts).summary[:2] == (
        "1 fails and 2 pass (1 of them with conditions) in 2 clusters and 1 response that names no "
        "cluster on 1 Mar 2026.",
        "Of the 2 clusters' latest responses 1 fails and 1 passes.",
    )


def test_a_pass_that_had_expired_is_no_pass_before_an_upgrade(tmp_path: Path) -> None:
    facts = facts_of(
        audited(
            tmp_path,
            check(uid="1"),  # of 10:00; it expires at 11:00
            check(risk(), uid="2", cluster_id="c-2"),
            upgrades=(
                "cluster,time,change\nc-1,2026-03-01T10:59:59.5Z,a\nc-1,2026-03-01T11:00:00Z,b\n"
                "c-1,2026-03-02T10:00:00Z,c\nc-2,2026-03-01T10:30:00Z,d\n"
            ),
        )
    )
    part = section(facts, "upgrades")
    assert part.lead == (
        "1 of 4 upgrades was made on a passing response that still held. "
        "2 more had only one that had expired by then."
    )
    assert [(row.cells[0].notes[0], row.cells[2].tag) for row in part.tables[0].rows] == [
        ("d", Tag("Fail", "fail")),
        ("b", Tag("Pass, expired", "warn")),
        ("c", Tag("Pass, expired", "warn")),
        ("a", Tag("Pass", "pass")),
    ]
    assert "3 of 4 upgrades were made without a passing response that still held" in [
        part.what for part in view.report(facts).attention
    ]


def test_a_pass_is_for_one_upgrade(tmp_path: Path) -> None:
    """What an upgrade has changed, the check before it says nothing of."""
    audit = audited(
        tmp_path,
        check(uid="1", expireTimeStamp="2026-04-01 00:00:00 +0000 UTC"),
        check(uid="2", cluster_id="c-2"),
        upgrades=(
            "cluster,time,change\nc-1,2026-03-11T10:00:00Z,CHG-2\nc-1,2026-03-01T10:30:00.5Z,CHG-1\n"
            "c-1,2026-03-01T10:30:00.5Z,CHG-1b\nc-2,2026-03-01T10:30:00Z,\n"
            "c-2,2026-03-01T10:40:00Z,\n"
        ),
    )
    facts = facts_of(audit)
    assert [(part.change, part.outcome, part.fit, part.said) for part in facts.upgrades] == [
        ("", "pass", True, "the last response, of the same day, says pass"),
        ("CHG-1", "pass", True, "the last response, of the same day, says pass"),
        ("CHG-1b", "pass", True, "the last response, of the same day, says pass"),
        (
            "",
            "pass",
            False,
            "the last response, of the same day, says pass; it was used already, for the upgrade "
            "of 2026-03-01T10:30:00Z",
        ),
        (
            "CHG-2",
            "pass",
            False,
            "the last response, 10 days before, says pass; it was used already, for the upgrade "
            "of 2026-03-01T10:30:00.500000Z (CHG-1)",
        ),
    ]
    assert audit.rows("SELECT upgraded_at, upgrade_change FROM responses ORDER BY name") == [
        ("2026-03-01T10:30:00.500000Z", "CHG-1"),
        ("2026-03-01T10:30:00Z", ""),
    ]
    part = section(facts, "upgrades")
    assert part.lead == (
        "3 of 5 upgrades were made on a passing response that still held. "
        "2 more had only one that an earlier upgrade had used."
    )
    assert [row.cells[2].tag for row in part.tables[0].rows][:2] == [
        Tag("Pass, used before", "warn")
    ] * 2
    assert "2 of 5 upgrades were made without a passing response that still held" in [
        part.what for part in view.report(facts).attention
    ]


@pytest.mark.parametrize("fraction", ["", ".9"])
def test_the_latest_is_so_by_its_instant_and_the_worse_of_two(
    tmp_path: Path, fraction: str
) -> None:
    """Whatever the files are called: as text, 58.9Z comes before 58Z."""
    earlier = "2026-03-01 09:06:58 +0000 UTC"
    later = f"2026-03-01 09:06:58{fraction} +0000 UTC"
    facts = facts_of(
        audited(
            tmp_path,
            check(risk(), uid="1", at=later),
            check(uid="2", at=earlier),
            check(uid="3", at=earlier, cluster_id="c-2"),
            check(risk(), uid="4", at=later, cluster_id="c-2"),
            check(item("SampleOpen", "Running"), uid="5", at=later, cluster_id="c-2"),
        )
    )
    assert [(part.latest_outcome, part.recent) for part in facts.by_cluster] == [
        ("fail", ("pass", "inconclusive", "fail")),
        ("fail", ("pass", "fail")),
    ]
    digits = ".900000" if fraction else ""
    assert (facts.first, facts.last) == ("2026-03-01T09:06:58Z", f"2026-03-01T09:06:58{digits}Z")
    assert "Of the 2 clusters' latest responses 2 fail." in view.report(facts).summary
    assert [part.at for part in facts.listed] == [
        f"2026-03-01T09:06:58{digits}Z",
        f"2026-03-01T09:06:58{digits}Z",
        f"2026-03-01T09:06:58{digits}Z",
        "2026-03-01T09:06:58Z",
        "2026-03-01T09:06:58Z",
    ]


def test_first_and_last_use_and_the_second_half_are_by_the_instant(tmp_path: Path) -> None:
    waivers = (
        "apiVersion: precheck.policy/v1\nkind: WaiverList\nmetadata: {name: w}\nwaivers:\n"
        "- {id: w, check: SampleRisk, reason: r, approved_by: a, expires: 2027-01-01}\n"
    )
    times = ("58", "58.5", "58.9")
    facts = facts_of(
        audited(
            tmp_path,
            *(check(risk(), uid=time, at=f"2026-03-01 09:06:{time} +0000 UTC") for time in times),
            waivers=waivers,
        )
    )
    (used,) = facts.waivers
    assert (used.first_used, used.last_used) == (
        "2026-03-01T09:06:58Z",
        "2026-03-01T09:06:58.900000Z",
    )
    (found,) = [part for part in facts.checks if part.name == "SampleRisk"]
    assert (found.first[1], found.second[1]) == (1, 2)


def test_what_is_inconclusive_only_because_it_had_expired(tmp_path: Path) -> None:
    facts = facts_of(
        audited(
            tmp_path,
            check(uid="1"),
            check(uid="2"),
            check(item("SampleOpen", "Running"), uid="3"),
            check(uid="4", phase="Running"),
            check(risk(), uid="5"),
            at="2026-04-01T00:00:00Z",
        )
    )
    assert (facts.tally.inconclusive, facts.only_expired) == (4, 2)
    facts = replace(facts, given=facts.as_of)
    assert (
        "2 of 4 inconclusive responses would pass if they had not expired by 1 Apr 2026, 00:00 UTC."
        in view.report(facts).summary
    )


def test_a_terminal_says_what_another_policy_would_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # a long path would be broken over lines
    (tmp_path / "other.yaml").write_text(
        "apiVersion: precheck.policy/v1\nkind: Policy\n"
        'metadata: {name: other, owner: me, version: "1"}\nextends: builtin:recommended\n'
        "rules:\n  - {id: info, title: Info too, match: {kind: Risk, level: Info}, effect: fail}\n"
    )
    other = "other.yaml"
    responses = (
        check(risk("SampleInfo", level="Info"), uid="1"),
        check(risk("SampleInfo", level="Info"), uid="2"),
        check(risk("SampleInfo", level="Info"), item("SampleOpen", "Running"), uid="3"),
        check(uid="4"),
    )
    facts = facts_of(audited(tmp_path, *responses, others=[other]))
    said = (
        f"Under {other} 3 of 4 verdicts would change: 2 from pass to fail and "
        "1 from inconclusive to fail."
    )
    for width in (80, 120):
        text = write(facts, width=width)
        assert said in " ".join(text.split())
        assert "for example" not in text
    example = write(facts, width=80, verbose=True).partition("for example\n")[2]
    assert example.count(": pass → fail") == 2
    assert example.count(": inconclusive → fail") == 1
    assert "1 check fails: SampleInfo" in example
