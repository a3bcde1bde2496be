"""What lint finds, where, and that what it claims about matches is so."""

from __future__ import annotations

import os
import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from reporter.errors import PolicyError
from reporter.policy.lint import CODES, Problem, Report, lint
from reporter.policy.load import Policy
from reporter.record.dates import parse_instant
from tests.policy.build import item, judged, outcomes, policy, response, stage

ROOT = Path(__file__).parents[2]
SHIPPED = sorted([*ROOT.glob("policies/*.yaml"), *ROOT.glob("policies/waivers/*.yaml")])
AT = parse_instant("2026-11-20T12:00:00Z")
HEAD = "apiVersion: precheck.policy/v1\nkind: Policy\nmetadata: {name: x}\n"
LIST = HEAD.replace("Policy", "WaiverList")
FAIL = "  - {id: f, title: t, match: {topic: t}, effect: fail}\n"

Run = Callable[..., Report]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Lint texts as a.yaml, b.yaml, …"""
    monkeypatch.chdir(tmp_path)

    def texts(*texts: str, at: datetime = AT, **options: Any) -> Report:
        names = [f"{chr(ord('a') + index)}.yaml" for index in range(len(texts))]
        for name, text in zip(names, texts, strict=True):
            Path(name).write_text(text, encoding="utf-8", newline="")
        return lint(names, at=at, **options)

    return texts


def told(report: Report, *codes: str) -> list[str]:
    """`file:line:column: severity: message` of the problems with these codes."""
    return [
        f"{one.file}:{one.line}:{one.column}: {one.severity}: {one.message}"
        for one in report.problems
        if one.code in codes
    ]


def codes(report: Report, *, but: tuple[str, ...] = ("unknown-check", "unknown-topic")) -> set[str]:
    return {problem.code for problem in report.problems} - set(but)


def rules(*matches: str, effect: str = "fail", more: str = "") -> str:
    """A policy of rules r0, r1, … with these matches (flow style)."""
    rows = [
        f"  - {{id: r{number}, match: {{{match}}}, effect: {effect}, title: t{more}}}\n"
        for number, match in enumerate(matches)
    ]
    return HEAD + "rules:\n" + "".join(rows)


def waivers(*parts: str) -> str:
    """A waiver list of w0, w1, …, complete but for what the parts say."""
    rows = []
    for number, part in enumerate(parts):
        given = yaml.safe_load("{" + part + "}")
        base = {
            "id": f"w{number}",
            "check": f"DeprecatedApiCheck{number}",
            "reason": "r",
            "approved_by": "b",
            "ticket": "T-1",
            "approved_on": "2026-11-01",
            "expires": "2026-12-31",
        }
        lines = [f"{key}: {value}" for key, value in base.items() if key not in given]
        rows.append(f"  - {{{', '.join([part, *lines])}}}\n")
    return LIST + "waivers:\n" + "".join(rows)


# What ships --------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_what_ships_has_neither_errors_nor_warnings(path: Path) -> None:
    report = lint([str(path)], at=AT)
    assert {problem.severity for problem in report.problems} <= {"note"}, report.problems


def test_all_that_ships_may_be_looked_at_together() -> None:
    report = lint([*map(str, SHIPPED), "builtin:strict"], at=AT)
    assert {problem.severity for problem in report.problems} <= {"note"}, report.problems


def test_the_page_names_every_code_once() -> None:
    page = (ROOT / "docs" / "policy-lint.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([\w-]+)` \| (\w+) \| (.*) \|$", page, re.MULTILINE)
    assert [(code, severity, meaning) for code, severity, meaning in rows] == [
        (code, severity, meaning) for code, (severity, meaning) in CODES.items()
    ]


# What the loader refuses -------------------------------------------------------------------------


def test_other_mistakes_hide_neither_a_missing_end_nor_an_id_that_is_used_twice(run: Run) -> None:
    text = waivers("id: a, expires: null", "id: b, expires: 31.12.2026", "id: b", "id: c")
    bad = text.replace("expires: null, ", "").replace("WaiverList", "Policy")
    report = run(bad.replace("waivers:", "defaults: {unmatched: no-such}\nwaivers:"))
    assert told(report, "duplicate-id") == [
        'a.yaml:8:10: error: waiver id "b" is used twice; first on line 7'
    ]
    assert told(report, "waiver-demand") == [
        'a.yaml:6:10: error: waiver "a" needs "expires": only waivers_may_be_permanent: true lets '
        "it be left out"
    ]
    # What a policy demands that can't be read is not known.
    report = run(bad.replace("waivers:", "waivers_may_be_permanent: maybe\nwaivers:"))
    assert told(report, "waiver-demand") == []
    assert "invalid-value" in codes(report)
    twice = rules("kind: Risk", "kind: Exception").replace("id: r1", "id: r0")
    report = run(twice.replace("kind: Risk", "kind: []"))
    assert "duplicate-id" in codes(report)


def test_a_waiver_that_is_refused_makes_none_beside_it_redundant(run: Run) -> None:
    two = waivers("id: a, check: Same", "id: b, check: Same")
    endless = two.replace(", expires: 2026-12-31}", "}", 1)
    assert endless != two
    assert told(run(endless.replace("WaiverList", "Policy")), "redundant-waiver") == []
    assert told(run(endless), "redundant-waiver") == []
    allowed = endless.replace("WaiverList", "Policy") + "waivers_may_be_permanent: true\n"
    assert len(told(run(allowed), "redundant-waiver")) == 1
    never = two.replace("2026-12-31", "2027-12-31", 1).replace("2026-11-01", "2028-11-01", 1)
    assert told(run(never), "redundant-waiver") == []
    assert len(told(run(two), "redundant-waiver")) == 1


def test_every_mistake_of_every_file_is_told_with_its_place(run: Run) -> None:
    first = HEAD + (
        "wibble: 1\n"
        "defaults: {unmatched: wran}\n"
        "rules:\n"
        "  - {id: a, mach: {check: X}, effect: fail}\n"
        "  - {id: b, match: {check: }, effect: fail}\n"
        "  - {id: c, match: {check: 1.30}, effect: fial}\n"
        "  - {id: d, match: {check: {regex: '('}}, effect: fail}\n"
        "  - {id: d, match: {scope: nod}, effect: fail, message: '{chek}'}\n"
    )
    second = LIST + "waivers:\n  - {id: w, check: X, reason: r, expires: 2026-3-1}\n"
    report = run(first, second, "a: [\n")
    assert told(report, "unknown-key") == [
        'a.yaml:4:1: error: unknown key "wibble"; allowed are '
        + told(report, "unknown-key")[0].partition("allowed are ")[2],
        'a.yaml:7:13: error: unknown key "mach"; did you mean "match"?',
    ]
    assert told(report, "missing-value") == ['a.yaml:8:28: error: "check" has no value']
    assert told(report, "unquoted-scalar") == [
        'a.yaml:9:28: error: 1.30 is a number in YAML; write "1.30" in quotes'
    ]
    assert told(report, "invalid-regex")[0].startswith("a.yaml:10:36: error: RE2 can't use")
    assert told(report, "duplicate-id") == [
        'a.yaml:11:10: error: rule id "d" is used twice; first on line 10'
    ]
    invalid = told(report, "invalid-value")
    assert (
        'a.yaml:5:23: error: "wran" should be fail, warn or note; did you mean "warn"?' in invalid
    )
    assert any(row.startswith("a.yaml:11:28: ") and '"node"' in row for row in invalid)
    assert any("unknown placeholder {chek}; did you mean {check}?" in row for row in invalid)
    assert any(row.startswith("b.yaml:5:43: ") and "is not a date" in row for row in invalid)
    assert told(report, "yaml")[0].startswith("c.yaml:2:1: error: ")
    assert [one.file for one in report.problems] == sorted(one.file for one in report.problems)


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("", "yaml", "empty"),
        ("- a\n", "yaml", "not a mapping"),
        ("a: 1\na: 2\n", "duplicate-key", "appears twice"),
        (HEAD.replace("Policy", "Polcy"), "invalid-value", 'did you mean "Policy"'),
        (HEAD.replace("Policy", "WaiverLst"), "invalid-value", 'did you mean "WaiverList"'),
        (HEAD.replace("Policy", "Apple"), "invalid-value", '"Apple" should be Policy'),
        (HEAD.replace("metadata: {name: x}\n", ""), "missing-key", '"metadata" is missing'),
        (HEAD + "rules: 7\n", "invalid-value", "should be a list"),
        (HEAD + "rules: [7]\n", "invalid-value", "should be a mapping"),
        (HEAD + "evidence: {fresh: require}\n", "invalid-value", "needs a max_age"),
    ],
)
def test_files_that_are_hardly_policies(run: Run, text: str, code: str, says: str) -> None:
    report = run(text)
    assert any(says in row for row in told(report, code)), report.problems
    assert all(one.line > 0 and one.column > 0 for one in report.problems)


def test_files_that_are_not_there() -> None:
    report = lint(["nope.yaml", "builtin:recomended", "."], at=AT)
    assert [one.code for one in report.problems] == ["unreadable"] * 3
    assert 'did you mean "builtin:recommended"' in report.problems[1].message


def test_what_loads_beside_a_mistake_is_looked_at_where_it_stands(run: Run) -> None:
    report = run(
        HEAD + "rules:\n  - {id: a}\n  - {id: b, match: {kind: Exeption}, effect: fail}\n"
        "waivers:\n  - {id: w}\n  - {id: v, check: '*', reason: r, expires: 2020-01-01}\n"
    )
    assert told(report, "undocumented-value") == [
        'a.yaml:6:27: warning: no kind is called "Exeption"; did you mean "Exception"?'
    ]
    assert told(report, "waiver-expired")[0].startswith("a.yaml:9:45: ")
    assert "nothing-can-fail" not in codes(report)


def test_a_file_the_loader_accepts_has_no_loader_errors_and_the_other_way_round(run: Run) -> None:
    from tests.policy.test_load import test_a_mistake_is_named_with_its_place as cases

    marks: Any = cases.pytestmark  # type: ignore[attr-defined]
    for text, problem in marks[0].args[1]:
        report = run(text)
        assert any(
            one.severity == "error" and problem.rpartition("policy-1.yaml:")[2] in f"{row}"
            for one in report.problems
            for row in [f"{one.line}:{one.column}: {one.message}"]
        ), (text, problem, report.problems)


def test_damaged_policies_are_refused_by_both_or_neither(run: Run) -> None:
    pick = random.Random(11)
    texts = [path.read_text(encoding="utf-8") for path in SHIPPED if "waivers" not in path.parts]
    texts.append(HEAD + "waivers_may_be_permanent: true\n" + waivers("check: A")[len(LIST) :])
    own = {"waiver-todo"}
    refused = 0
    for _ in range(300):
        lines = [row for row in pick.choice(texts).splitlines() if not row.startswith("#")]
        for _ in range(pick.randint(1, 3)):
            at = pick.randrange(len(lines))
            words = re.split(r"(\W)", lines[at])
            word = pick.randrange(len(words))
            words[word] = pick.choice(["", "1.30", "null", "{}", "[", "x", "'*'", words[word][:-1]])
            lines[at] = "".join(words)
            if pick.random() < 0.3:
                lines.insert(at, pick.choice(lines))
        text = "\n".join(lines) + "\n"
        report = run(text)
        errors = [one for one in report.problems if one.severity == "error"]
        try:
            Policy.load("a.yaml")
        except PolicyError:
            refused += 1
            assert errors, text
        else:
            assert all(one.code in own for one in errors), (text, errors)
    assert 30 < refused < 290


def test_places_fit_whatever_the_line_breaks(run: Run) -> None:
    for newline in ("\n", "\r\n", "\r"):
        text = ("\ufeff" + rules("check: A", "kind: Exeption")).replace("\n", newline)
        report = run(text)
        (problem,) = [one for one in report.problems if one.code == "undocumented-value"]
        assert (problem.line, problem.column) == (6, 28)
        line = report.source_line(problem)
        assert line is not None
        assert line[problem.column - 1 :].startswith("Exeption")


def test_what_a_policy_demands_is_told_for_every_waiver(run: Run) -> None:
    demands = "waiver_requires: [ticket, approved_by]\nmax_waiver_days: 30\n"
    own = (
        "waivers:\n  - {id: v, check: X, reason: r, expires: 2026-12-31}\n"
        "  - {id: u, check: X, reason: r}\n"
    )
    report = run(HEAD + demands + own, waivers("ticket: T", "expires: 2027-12-31"))
    found = told(report, "waiver-demand")
    places = [row.partition(": error: ")[0] for row in found]
    assert places == ["a.yaml:7:10"] * 3 + ["a.yaml:8:10"] * 4 + ["b.yaml:5:21", "b.yaml:6:31"]
    assert any('"w1" holds longer than the 30 days a.yaml allows' in row for row in found)
    # A list that no single policy is named for is not held against any.
    assert "waiver-demand" not in codes(run(waivers("check: X")))


# Waivers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "code", "says"),
    [
        ("expires: 2026-11-19", "waiver-expired", "expired less than a day ago"),
        ("expires: 2026-11-18", "waiver-expired", "expired 1 day ago"),
        ("expires: 2026-11-01", "waiver-expired", "expired 18 days ago"),
        ("expires: 2026-11-20", "waiver-expiring", "expires within a day (2026-11-20)"),
        ("expires: 2026-11-30", "waiver-expiring", "expires in 10 days (2026-11-30)"),
        ("starts: 2027-03-01, expires: 2027-04-01", "waiver-not-yet-valid", "from 2027-03-01 on"),
        ("starts: 2027-03-01, expires: 2027-02-01", "waiver-never-valid", "(starts: 2027-03-01)"),
        ("approved_on: 2026-12-02, expires: 2026-12-01", "waiver-never-valid", "approved_on: "),
        ("approved_on: 2026-11-21", "waiver-approved-later", "in the future"),
        ("starts: 2026-10-01", "waiver-approved-later", "before it was approved"),
        ("reason: TODO", "waiver-todo", "still says TODO for its reason"),
        ("reason: todo - ask", "waiver-todo", "still says todo for its reason"),
        ("approved_by: TODO", "waiver-todo", "for its approver"),
        ("check: '*'", "waiver-broad", "for every check there is"),
        ("check: '*', kind: Risk", "waiver-broad", "for every check there is"),
        ("check: [A, {regex: '.*'}]", "waiver-broad", "for every check there is"),
        ("check: 'Node*'", "waiver-broad", "any check of such a name"),
        ("check: [A, 'Node*'], kind: Risk", "waiver-broad", "any check of such a name"),
        ("kind: Exception", "waiver-unusable", "only a Risk can be waived"),
        ("kind: [Exception, Rsk]", "waiver-unusable", "only a Risk can be waived"),
        ("level: Fatale", "waiver-unusable", "a finding of another level is unknown"),
        ("phase: Running", "waiver-unusable", "only a check that has ended"),
        ("group: ExecuteException", "waiver-unusable", "a check that broke"),
        ("check: [AddonLimit, MasterSSH]", "waiver-unusable", "AddonLimit, MasterSSH is only kn"),
        ("scope: cluster, node: {name: a}", "never-matches", "only the uid is known"),
    ],
)
def test_a_waiver_that_is_not_what_it_seems(run: Run, part: str, code: str, says: str) -> None:
    report = run(waivers(part))
    (row,) = told(report, code)
    assert says in row
    assert row.startswith("a.yaml:5:")
    assert f" {CODES[code][0]}: " in row


@pytest.mark.parametrize(
    "part",
    [
        "check: A",
        "check: 'Node*', node: {uid: a}",
        "check: 'Node*', target_version: '<1.30'",
        "check: 'Node*', not: {check: NodeA}",
        "check: [AddonLimit, DeprecatedApiCheck]",
        "kind: Risk, level: [Info, Warning], group: NodeCheck, phase: Failed",
        "expires: 2026-12-05",
        "starts: 2026-11-10",
        "starts: 2027-01-01, expires: 2027-02-01",
        "reason: The TODO list is done",
        "scope: cluster, node: {uid: a}",
    ],
)
def test_a_waiver_that_is_fine(run: Run, part: str) -> None:
    assert codes(run(waivers(part))) == set()


@pytest.mark.parametrize(
    ("rest", "place"),
    [("waivers: []\n", "4:10"), ("# waivers:\n#   - {id: a, check: A}\n", "3:11"), ("", "3:11")],
)
def test_a_waiver_list_without_a_waiver(run: Run, rest: str, place: str) -> None:
    assert told(run(LIST + rest), "empty-waiver-list") == [
        f"a.yaml:{place}: warning: this list holds no waiver: nothing is waived by it"
    ]
    assert "empty-waiver-list" not in codes(run(waivers("check: A")))


def test_a_waiver_that_nobody_signed_or_ends(run: Run) -> None:
    text = LIST + "waivers:\n  - {id: a, check: A, reason: r}\n"
    assert told(run(text), "waiver-unsigned", "waiver-permanent") == [
        'a.yaml:5:5: note: waiver "a" never expires',
        'a.yaml:5:5: note: waiver "a" names no approver and no ticket',
    ]


def test_the_time_before_the_end_can_be_chosen(run: Run) -> None:
    text = waivers("expires: 2026-12-30")
    assert codes(run(text)) == set()
    assert codes(run(text, expiring_within=timedelta(days=60))) == {"waiver-expiring"}
    assert codes(run(text, at=parse_instant("2027-01-01"))) == {"waiver-expired"}


def test_a_waiver_that_a_rule_blocks(run: Run) -> None:
    blocking = rules("check: [A, B], kind: Risk", more=", waivable: false")
    partly = rules("check: A, scope: node", more=", waivable: false")
    listed = waivers("check: A", "check: [A, C]", "check: C")
    assert told(run(blocking, listed), "waiver-unusable", "waiver-partly-blocked") == [
        'b.yaml:5:13: warning: waiver "w0" can never be used: rule "r0" (a.yaml:5) is waivable: '
        "false and matches all of it",
        'b.yaml:6:13: note: waiver "w1" is blocked where rule "r0" (a.yaml:5) matches A, and '
        "wherever the check is skipped",
    ]
    assert len(told(run(partly, listed), "waiver-partly-blocked")) == 2
    assert not told(run(partly, listed), "waiver-unusable")
    # Of two policies nobody knows which one the list is for.
    assert not told(run(blocking, blocking, listed), "waiver-unusable", "waiver-partly-blocked")


def test_what_keeps_no_waiver_from_a_skipped_check_is_not_said_to(run: Run) -> None:
    """Only a rule that names the check does."""
    blocking = rules("kind: Risk", more=", waivable: false")
    listed = waivers("check: A", "check: A, level: Info")
    assert told(run(blocking, listed), "waiver-unusable", "waiver-partly-blocked") == [
        'b.yaml:5:13: note: waiver "w0" can cover a skipped check alone: rule "r0" (a.yaml:5) is '
        "waivable: false and matches all of it",
        'b.yaml:6:13: warning: waiver "w1" can never be used: rule "r0" (a.yaml:5) is waivable: '
        "false and matches all of it",
    ]
    unfinished = rules("check: A, phase: Running", effect="note", more=", reason: r")
    assert "no-effect" in codes(run(unfinished))
    blocks = rules("check: A, phase: Running", effect="note", more=", reason: r, waivable: false")
    assert "no-effect" not in codes(run(blocks))


def test_a_waiver_that_another_one_covers(run: Run) -> None:
    report = run(
        waivers(
            "check: A",
            "check: A, node: {uid: n}, expires: 2026-12-01",
            "check: A, node: {uid: n}, expires: 2027-12-01",
            "check: B, max_findings: 2",
            "check: B, node: {uid: n}",
            "check: A",
        )
    )
    assert [row.partition(": note")[0] for row in told(report, "redundant-waiver")] == [
        "a.yaml:6:57",
        "a.yaml:10:20",
    ]


# Rules -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("match", "code"),
    [
        ("kind: Risk, not: {kind: Risk}", "never-matches"),
        ("check: Node, not: {check: 'N*'}", "never-matches"),
        ("check: 'Node*', not: {check: 'N*'}", "never-matches"),
        ("kind: Risk, level: Info, not: {level: [Info, Fatal]}", "never-matches"),
        ("kind: Risk, any: [{kind: Exception}, {kind: 'E*'}]", "never-matches"),
        ("kind: Risk, any: [{kind: Exception}, {level: Info}]", "dead-alternative"),
        ("target_version: '<1.28', any: [{target_version: '>=1.28'}, {level: Info}]",
         "dead-alternative"),
        ("from_version: '>=1.30', target_version: '<1.28'", "never-matches"),
        ("from_version: ['1.30', '>1.30'], target_version: '<=1.29'", "never-matches"),
        ("kind: Risk, not: {kind: Exception}", "useless-not"),
        ("scope: [cluster, addon], node: {type: master}", "undecidable"),
        ("phase: Success, addon: coredns", "undecidable"),
        ("phase: Success, error_code: '*'", "undecidable"),
        ("kind: Exeption", "undocumented-value"),
        ("level: [Fatal, Critical]", "undocumented-value"),
        ("level: 'Crit*'", "undocumented-value"),
        ("any: [{group: {equals: [NodeChek]}}]", "undocumented-value"),
        ("not: {phase: Sucess}", "undocumented-value"),
        ("scope: {regex: 'nodes?x'}", "invalid-value"),
        ("message: 'disk [sda] full'", "bracket-in-glob"),
        ("message: {regex: '.*'}", "regex-everything"),
        ("check: {regex: '(?s).+'}", "regex-everything"),
        ("check: {regex: 'Node*'}", "regex-like-glob"),
        ("node: {name: [{regex: 'pool-a*'}]}", "regex-like-glob"),
        ("check: 'Node* '", "blank-at-edge"),
        ("node: {type: Master}", "undocumented-value"),
        ("node: {status: [Active, ready]}", "undocumented-value"),
        ("message: {regex: ' a'}", "blank-at-edge"),
        ("check: AddonLimt", "unknown-check"),
        ("topic: cce_10_043", "unknown-topic"),
        ("check: no", "ambiguous-scalar"),
        ("check: 0x1F", "ambiguous-scalar"),
        ("check: 12:30", "ambiguous-scalar"),
        ("check: 2026-03-01", "ambiguous-scalar"),
    ],
)  # fmt: skip
def test_a_match_that_is_not_what_it_seems(run: Run, match: str, code: str) -> None:
    report = run(rules(match))
    found = codes(report, but=("unknown-check",) if code != "unknown-check" else ())
    assert found == {code}, report.problems
    assert {problem.severity for problem in report.problems if problem.code == code} == {
        CODES[code][0]
    }


@pytest.mark.parametrize(
    "match",
    [
        "kind: Risk, not: {level: Info}",
        "check: 'Node*', not: {check: [NodeA, NodeB]}",
        "kind: Risk, any: [{level: Info}, {level: Fatal}]",
        "kind: 'E*', level: '*', group: {regex: '.*Check'}, phase: Success",
        "scope: node, node: {name: 'a-*', type: master}",
        "scope: ['*'], node: {name: a}",
        "scope: cluster, node: {uid: a}",
        "error_code: A, not: {error_code: B}",
        "error_code: A, not: {error_code: A, message: b}",
        "node: {name: a}, any: [{node: {name: b}}]",
        "from_version: '>=1.27,<1.28', target_version: '>1.27,<=1.28'",
        "from_version: '1.28', target_version: '1.28'",
        "from_version: '<1.30', target_version: '>=1.25,!=1.27'",
        "from_version: 1.23-r3",
        "message: {equals: 'disk [sda] full'}",
        "message: {regex: 'disk .* full'}",
        "message: '* full?'",
        "check: {regex: 'Node[A-Z]*'}",
        "check: 'no'",
        "check: nope",
    ],
)
def test_a_match_that_is_fine(run: Run, match: str) -> None:
    report = run(rules(match))
    assert codes(report) == set(), report.problems


def test_a_note_rule_needs_to_be_sure(run: Run) -> None:
    text = rules("scope: cluster, node: {type: master}", effect="note") + FAIL
    assert "never-matches" in codes(run(text))


@pytest.mark.parametrize("effect", ["warn", "note"])
def test_effects_that_change_nothing(run: Run, effect: str) -> None:
    for match in ("phase: [Init, Running]", "group: ExecuteException"):
        assert codes(run(rules(match, effect=effect) + FAIL)) == {"no-effect"}
        assert codes(run(rules(match))) == set()
    for match in ("phase: Success", "group: ExecuteException, phase: Success", "group: '*'"):
        assert codes(run(rules(match, effect=effect) + FAIL)) == set()


def shadows(run: Run, *parts: str) -> list[tuple[str, str]]:
    """Code and rule of what is shadowed; parts are rules' keys beside their ids."""
    rows = [f"  - {{id: r{number}, {part}}}\n" for number, part in enumerate(parts)]
    report = run(HEAD + "rules:\n" + "".join(rows))
    return [
        (one.code, one.message.split('"')[1])
        for one in report.problems
        if one.code in ("overridden-rule", "redundant-rule", "duplicate-rule")
    ]


def test_rules_that_another_rule_makes_pointless(run: Run) -> None:
    risk = "match: {kind: Risk}"
    node = "match: {kind: Risk, check: 'Node*'}"
    assert shadows(run, f"{risk}, effect: fail", f"{node}, effect: warn") == [
        ("overridden-rule", "r1")
    ]
    assert shadows(run, f"{node}, effect: note", f"{risk}, effect: warn") == [
        ("overridden-rule", "r0")
    ]
    assert shadows(run, f"{risk}, effect: fail", f"{node}, effect: fail") == [
        ("redundant-rule", "r1")
    ]
    assert shadows(run, f"{risk}, effect: fail", f"{node}, effect: fail, title: t") == []
    assert shadows(run, f"{risk}, effect: warn", f"{node}, effect: fail") == []
    assert shadows(run, f"{risk}, effect: warn, title: a", f"{risk}, effect: warn") == [
        ("duplicate-rule", "r1")
    ]
    assert shadows(run, f"{risk}, effect: fail", f"{risk}, effect: warn") == [
        ("overridden-rule", "r1")
    ]


@pytest.mark.parametrize(
    ("broad", "narrow"),
    [
        # It blocks waivers, which the broad one does not.
        ("match: {check: '*'}, effect: fail", "match: {check: A}, effect: fail, waivable: false"),
        # Until then the broad one only warns.
        ("match: {check: '*'}, effect: fail, effective_on: 2027-01-01",
         "match: {check: A}, effect: fail"),
        # Another phase.
        ("match: {check: '*'}, effect: fail", "match: {check: A, phase: Success}, effect: warn"),
        # Not every finding names a node.
        ("match: {node: {name: '*'}}, effect: fail", "match: {check: A}, effect: warn"),
        # A name that is missing leaves the broad one open: that warns less surely.
        ("match: {check: '*'}, effect: warn", "match: {kind: Risk}, effect: note"),
        # It settles a kind nobody documents.
        ("match: {check: '*'}, effect: warn", "match: {check: A, kind: New}, effect: warn"),
        ("match: {check: A*}, effect: fail", "match: {check: '*A'}, effect: warn"),
        ("match: {check: A, not: {level: Info}}, effect: fail", "match: {check: A}, effect: warn"),
        ("match: {check: A, not: {level: Info}}, effect: fail",
         "match: {check: A, not: {level: Fatal}}, effect: warn"),
        ("match: {from_version: '<1.27,!=1.25'}, effect: fail",
         "match: {from_version: '<1.26'}, effect: warn"),
    ],
)  # fmt: skip
def test_rules_that_only_look_pointless(run: Run, broad: str, narrow: str) -> None:
    assert shadows(run, broad, narrow) == []
    assert shadows(run, narrow, broad) == []


@pytest.mark.parametrize(
    ("broad", "narrow"),
    [
        ("check: '*'", "level: Info"),
        ("check: [A, B, C]", "check: {equals: [A, C]}, level: Info"),
        ("check: 'Node*'", "check: ['NodeA*', NodeB]"),
        ("check: {regex: 'A.*'}", "check: [Abc, {regex: 'A.*'}]"),
        ("node: {name: 'a*'}", "node: {name: ab, type: master}"),
        ("from_version: '>=1.25,<1.28'", "from_version: ['>1.25,<=1.26', '1.27']"),
        ("check: A, not: {level: Info}", "check: A, not: {level: 'I*'}"),
        ("check: A, not: {level: Info}", "check: A, level: Fatal"),
        ("any: [{check: A}, {check: B}]", "check: A"),
        ("any: [{check: A}, {check: B}]", "any: [{check: B}, {check: A, level: Info}]"),
        ("phase: [Failed, Success]", "level: Info"),
        ("check: '*', phase: '*'", "check: A, phase: Success"),
    ],
)
def test_one_match_follows_from_another(run: Run, broad: str, narrow: str) -> None:
    parts = (f"match: {{{broad}}}, effect: fail", f"match: {{{narrow}}}, effect: warn")
    assert shadows(run, *parts) == [("overridden-rule", "r1")]
    assert shadows(run, *reversed(parts)) == [("overridden-rule", "r0")]


def test_rules_for_clusters_the_policy_is_not_for(run: Run) -> None:
    scoped = HEAD + "applies_to: {cluster: 'prod-*', target_version: '>=1.31,<1.32'}\n"
    body = rules("cluster: test-1", "target_version: '<1.30'", "cluster: prod-7").removeprefix(HEAD)
    assert [row.partition(": warn")[0] for row in told(run(scoped + body), "never-matches")] == [
        "a.yaml:6:31",
        "a.yaml:7:38",
    ]


@pytest.mark.parametrize(
    ("condition", "code", "says"),
    [
        *(
            (f"path: {path}", "unknown-path", "a list takes [*] before the next name")
            for path in (
                "$.riskSource.deprecatedAPIRisks.userAgent",
                "'$.riskSource[0][*].nodeRisks'",
                "'$.riskSource.nodeRisks[*][*].NodeID'",
                "'$.riskSource.nodeRisks[0].NodeID.name'",
            )
        ),
        ("path: $.status.clusterCheckStatus.itemsStatus.name, on: response", "unknown-path", "[*]"),
        ("path: '$.status.*.itemsStatus[3].riskSource.nodeRisks[1:2]', on: response", None, ""),
        ("path: '$.riskSource.nodeRisks[?(@.NodeId == \"1\")]'", "unknown-path", '"NodeID"'),
        ("path: '$.riskSource.nodeRisks[?(@.NodeID == 1)]'", "not-a-text", "asks for a number"),
        ("path: '$.riskSource.configurationRisks[?(@.value > \"110\")]'", "ordered-texts", '"110"'),
        ("path: \"$.status[?(@.phase=='Failed')]\", on: response", None, ""),
        ("path: $..deprecatedApiRisks", "unknown-path", 'did you mean "deprecatedAPIRisks"'),
        ("path: '$.riskSource.nodeRisks[?(@.nodeId == 1)].NodeID'", "unknown-path", '"NodeID"'),
        ("path: \"$['level']\", equals: fatal", "undocumented-value", 'did you mean "Fatal"'),
        ("path: $.kind, matches: risk", "undocumented-value", 'did you mean "Risk"'),
        ("path: $.kind, not: {in: [Risk, Hazard]}", "undocumented-value", '"Hazard" is no value'),
        (
            "path: '$.riskSource.addonRisks[?(@.level != \"critical\")]'",
            "undocumented-value",
            "crit",
        ),
        ("path: '$.riskSource.configurationRisks[*].value', lt: '110'", "ordered-texts", "letter"),
        ("path: $.message, not: {ge: v1.9}", "ordered-texts", '"v1.9" is a text'),
        ("path: $.message, ge: '2026-01-01T00:00:00Z'", None, ""),
        ("path: $.riskSource.nodeRisk", "unknown-path", 'did you mean "nodeRisks"'),
        ("path: '$.riskSource.nodeRisks[*].nodeId'", "unknown-path", 'did you mean "NodeID"'),
        ("path: status.phase, on: response", None, ""),
        ("path: $.status.phases, on: response", "unknown-path", 'did you mean "phase"'),
        ("path: '$.riskSource[\"addonRisk\"][0]'", "unknown-path", '"addonRisks"'),
        ("path: '$.riskSource.deprecatedAPIRisks[*].url'", None, ""),
        ("path: '$..url'", None, ""),
        ("path: $.message, equals: 110", "not-a-text", "110 is no text"),
        ("path: '$.errorCodes[*]', not: {in: [a, true]}", "not-a-text", "true is no text"),
        (
            "path: '$.riskSource.configurationRisks[*].value', ge: 1.5",
            "not-a-text",
            "1.5 is no text",
        ),
        ("path: $.message, equals: '110'", None, ""),
        ("path: '$.riskSource.nodeRisks[*]', count: {gt: 3}", None, ""),
        ("path: '$.riskSource.nodeRisks[?(@.NodeID == \"n\")].NodeID'", None, ""),
        ("path: $.message, matches: '.*'", "regex-everything", "/.*/ fits every value"),
    ],
)
def test_where_conditions(run: Run, condition: str, code: str | None, says: str) -> None:
    words = ("matches", "equals", "not", "ge", "lt", "count")
    asks = "" if any(f" {word}: " in condition for word in words) else ", exists: true"
    report = run(rules(f"where: [{{{condition}{asks}}}]"))
    assert codes(report) == ({code} if code else set()), report.problems
    assert all(says in problem.message for problem in report.problems)


def test_where_conditions_are_compared_as_a_whole(run: Run) -> None:
    url = "where: [{path: $.a, equals: b, on: response}]"
    more = "where: [{path: $.c, exists: true, on: response}, {path: $.a, equals: b, on: response}]"
    broad, narrow = f"match: {{{url}}}, effect: fail", f"match: {{{more}}}, effect: warn"
    assert shadows(run, broad, narrow) == [("overridden-rule", "r1")]
    other = narrow.replace("equals: b", "equals: c")
    assert shadows(run, broad, other) == []


def test_limits_are_not_compared_and_can_fail(run: Run) -> None:
    text = HEAD + (
        "defaults: {unmatched: warn}\nrules:\n"
        "  - {id: a, match: {kind: Risk}, effect: fail, limit: {of: nodes, max_percent: 10}}\n"
        "  - {id: b, match: {kind: Risk}, effect: warn}\n"
    )
    assert codes(run(text)) == set()
    assert codes(run(text.replace("10}", "100}"))) == {"limit-never-exceeded"}


def test_layers_are_looked_at_with_what_they_build_on(run: Run) -> None:
    base = HEAD + "rules:\n  - {id: base, match: {kind: Risk}, effect: fail}\n"
    over = HEAD.replace("x}", "y}") + "extends: [a.yaml]\n"
    own = "rules:\n  - {id: own, match: {kind: Risk, level: Info}, effect: warn}\n"
    assert codes(run(base, over)) == set()
    found = told(run(base, over + own), "overridden-rule")
    assert found[0].startswith('b.yaml:6:10: warning: rule "own" says warn, but rule "base" (')
    missing = run(HEAD + "extends: [nope.yaml]\n")
    assert [problem.severity for problem in missing.problems] == ["error"]


# The policy as a whole ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (HEAD, {"empty-policy"}),
        (HEAD + "defaults: {unmatched: note}\n", {"nothing-can-fail"}),
        (HEAD + "defaults: {unmatched: warn}\n" + rules("check: A", effect="warn")[len(HEAD):],
         {"nothing-can-fail"}),
        (HEAD + "defaults: {unmatched: warn}\n" + rules("check: A")[len(HEAD):], set()),
        (rules("check: A", effect="warn"), set()),
        (HEAD + "defaults: {skipped: warn}\n" + rules("check: A")[len(HEAD):], {"skips-tolerated"}),
        (rules("check: A", more=", effective_on: 2027-01-01"), {"not-yet-effective"}),
        (rules("check: A", more=", effective_on: 2026-01-01"), set()),
    ],
)  # fmt: skip
def test_a_policy_as_a_whole(run: Run, text: str, found: set[str]) -> None:
    assert codes(run(text)) == found


def test_the_same_id_in_two_files(run: Run) -> None:
    one, other = rules("check: A"), rules("check: B")
    assert told(run(one, one), "repeated-id", "conflicting-id") == [
        'b.yaml:5:10: note: rule "r0" also stands at a.yaml:5:10'
    ]
    assert told(run(one, other), "conflicting-id") == [
        'b.yaml:5:10: warning: rule "r0" differs from the rule of that id at a.yaml:5:10'
    ]
    lists = waivers("check: A"), waivers("check: B")
    assert " warning: " in told(run(*lists), "conflicting-id")[0]
    # Beside the one policy they are for, a run would refuse them.
    assert " error: " in told(run(one, *lists), "conflicting-id")[0]


def test_a_key_that_lint_does_not_know_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from reporter.policy import lint as module
    from reporter.policy.model import RuleSpec

    less = dict(module._KNOWN_KEYS)
    less[RuleSpec] -= {"remediation"}
    monkeypatch.setattr(module, "_KNOWN_KEYS", less)
    text = rules("check: A", "check: A", more=", remediation: r")
    # Rules with such a key are not compared either.
    assert codes(run(text)) == {"not-examined"}


# What it claims is so ----------------------------------------------------------------------------


def _random_match(pick: random.Random, depth: int = 0) -> dict[str, Any]:
    values: dict[str, list[Any]] = {
        "check": ["A", "B", "*", "A*", "*B", ["A", "B"], {"equals": "A"}, {"regex": "A.*"}, "AB"],
        "kind": ["Risk", "Exception", "*", ["Risk", "New"], "R*", "New"],
        "level": ["Info", "Fatal", ["Info", "Warning"], "*", "Odd"],
        "scope": ["cluster", "node", ["node", "addon"]],
        "phase": ["Failed", "Success", "*", ["Failed", "Running"]],
        "group": ["ExecuteException", "NodeCheck", "*Check"],
        "node": [{"uid": "n1"}, {"uid": "*"}, {"uid": ["n1", "n2"], "type": "node"}],
        "error_code": ["E1", "E*", "*"],
        "from_version": [">=1.28,<1.30", "1.29", "<1.29", ">1.29"],
        "target_version": ["1.31", ">=1.30", ["<1.31", ">1.31"]],
    }
    match = {
        key: pick.choice(options)
        for key, options in values.items()
        if pick.random() < (0.05 if key == "phase" else 0.25)
    }
    if depth < 2 and pick.random() < 0.25:
        match["not"] = _random_match(pick, depth + 1)
    if depth < 2 and pick.random() < 0.15:
        match["any"] = [_random_match(pick, depth + 1) for _ in range(2)]
    return match or {"check": pick.choice(values["check"])}


def _random_item(pick: random.Random) -> dict[str, Any]:
    sources: list[dict[str, Any]] = [{}, {"nodeRisks": [{"NodeID": "n1"}, {"NodeID": "n3"}]}]
    fields: dict[str, Any] = {
        "kind": pick.choice(["Risk", "Risk", "Exception", "New", None]),
        "level": pick.choice(["Info", "Warning", "Fatal", "Odd", None]),
        "group": pick.choice(["NodeCheck", "NodeCheck", "ExecuteException", None]),
        "errorCodes": pick.choice((["E1"], ["E1", "F"], [], None)),
        "riskSource": pick.choice(sources),
    }
    phase = pick.choice(["Failed", "Failed", "Failed", "Success", "Running"])
    return item(pick.choice(["A", "AB", "B", ""]), phase, **fields)


def test_taking_out_a_rule_that_lint_calls_pointless_changes_no_outcome(run: Run) -> None:
    pick = random.Random(20261120)
    settings: list[dict[str, Any]] = [
        {}, {}, {"waivable": False}, {"effective_on": "2026-12-01"},
    ]  # fmt: skip
    taken = {"overridden-rule": 0, "redundant-rule": 0, "duplicate-rule": 0, "no-effect": 0}
    for _ in range(int(os.environ.get("PROPERTY_EXAMPLES", "100"))):
        made = [
            {
                "id": f"r{number}",
                "match": _random_match(pick),
                "effect": pick.choice(["fail", "warn", "note"]),
                "reason": "r",
                **pick.choice(settings),
            }
            for number in range(5)
        ]
        if pick.random() < 0.5:
            made.append({**made[0], "id": "r9", "effect": pick.choice(["fail", "warn"])})
        for rule in made:
            if pick.random() < 0.7:
                rule.pop("reason")
            if rule["effect"] != "fail":
                rule.pop("effective_on", None)
        more = {"defaults": {"unmatched": pick.choice(["fail", "warn"])}}
        waived = [
            {"id": "w", "check": ["A", "B"], "reason": "r", "expires": "2026-12-31"},
        ]
        data = policy(made, waived, **more)
        try:
            Policy.parse(data)
        except PolicyError:  # a rule that needs a reason
            continue
        report = run(data.decode(), at=parse_instant("2026-03-01T10:30:00Z"))
        flagged = {
            one.message.split('"')[1]: one.code for one in report.problems if one.code in taken
        }
        if not flagged:
            continue
        body = response(
            *(_random_item(pick) for _ in range(6)),
            nodes=[
                stage("n1", *(_random_item(pick) for _ in range(4))),
                stage("n2", *(_random_item(pick) for _ in range(4)), nodeType="master"),
            ],
        )
        for name, code in flagged.items():
            rest = [rule for rule in made if rule["id"] != name]
            try:
                before = outcomes(judged(body, data))
                after = outcomes(judged(body, policy(rest, waived, **more)))
            except PolicyError:  # an Exception tolerated by name
                continue
            assert before == after, (code, name, made)
            taken[code] += 1
    assert all(number > 5 for number in taken.values()), taken


def test_rules_that_are_looked_up_are_told_as_where_each_is_compared_with_each(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    from reporter.policy.lint import _Near

    def everything(self: _Near, _: object) -> list[int]:
        return self.all  # type: ignore[attr-defined, no-any-return]

    def counting(self: _Near, every: Sequence[object]) -> None:
        self.all = list(range(len(every)))  # type: ignore[attr-defined]

    pick = random.Random(20261126)
    found = Counter[str]()
    for _ in range(int(os.environ.get("PROPERTY_EXAMPLES", "60"))):
        made = [
            {
                "id": f"r{number}",
                "match": _random_match(pick),
                "effect": pick.choice(["fail", "warn"]),
            }
            for number in range(12)
        ]
        text = policy(made).decode()
        looked_up = run(text).problems
        with monkeypatch.context() as patch:
            patch.setattr(_Near, "__init__", counting)
            patch.setattr(_Near, "may_cover", everything)
            assert run(text).problems == looked_up
        found.update(problem.code for problem in looked_up)
    assert found["overridden-rule"] > 5
    assert found["redundant-rule"] > 5


def test_what_lint_calls_never_matching_never_surely_does(run: Run) -> None:
    import json

    from reporter.policy.match import Facts, Target
    from reporter.precheck.finding import iter_findings
    from reporter.sources.read import read

    pick = random.Random(7)
    body = response(
        *(_random_item(pick) for _ in range(60)),
        nodes=[stage("n1", *(_random_item(pick) for _ in range(60)))],
    )
    task = read(json.dumps(body).encode(), name="r.json").task
    facts = Facts("c-1", "v1.29.8-r0", "v1.31.4-r2", lambda name: None)
    targets = [Target.of(finding, facts) for finding in iter_findings(task)]
    found = 0
    for _ in range(3):
        made = [
            {"id": f"r{number}", "match": _random_match(pick), "effect": "fail"}
            for number in range(250)
        ]
        text = policy(made).decode()
        loaded = Policy.parse(text.encode())
        report = run(text)
        for problem in report.problems:
            # Only where the whole match is dead, not a part of it.
            if problem.code != "never-matches":
                continue
            rule = max(
                (rule for rule in loaded.rules if rule.line <= problem.line),
                key=lambda rule: rule.line,
            )
            line = text.splitlines()[problem.line - 1]
            if len(line) - len(line.lstrip()) != 4:
                continue
            found += 1
            assert not any(rule.match.fits_rule(target) is True for target in targets)
    assert found > 5


# Speed -------------------------------------------------------------------------------------------


def test_problems_are_plain_data() -> None:
    problem = Problem("yaml", "error", "a", 1, 2, "m")
    assert problem == Problem("yaml", "error", "a", 1, 2, "m", None)
    assert Report(("a",), (problem,)).source_line(problem) is None


def test_a_glob_that_looks_like_a_regular_expression_and_a_waiver_met_by_any_value() -> None:
    from reporter.policy.load import Policy

    head = "apiVersion: precheck.policy/v1\nkind: Policy\nmetadata: {name: x}\n"
    glob = head + "rules:\n  - {id: a, match: {check: 'Node.*'}, effect: fail}\n"
    assert "glob-like-regex" in _codes_of(glob)
    assert "glob-like-regex" not in _codes_of(glob.replace("Node.*", "Node*"))
    waiver = (
        head + "waivers:\n  - {id: w, check: X, reason: r, expires: 2099-01-01, where: "
        "[{path: $.name, equals: a, quantifier: any}]}\n"
    )
    assert "waiver-any-value" in _codes_of(waiver)
    assert "waiver-any-value" not in _codes_of(waiver.replace(", quantifier: any", ""))
    some = waiver.replace("$.name", "'$.riskSource.addonRisks{}.alias'")
    some = some.replace(", quantifier: any", "")
    for place, told in (("[0]", True), ("[-1]", True), ("[:1]", True), ("[*]", False), ("", False)):
        assert ("waiver-any-value" in _codes_of(some.replace("{}", place))) is told
    Policy.parse(waiver.encode())


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ("node: {name: 'prod-*|live-*'}", "list-in-a-name"),
        ("node: {name: '{prod,live}-*'}", "list-in-a-name"),
        ("node: {name: 'prod-*, live-*'}", "list-in-a-name"),
        ("check: '!Node*'", "list-in-a-name"),
        ("node: {name: '[^p]*'}", "glob-like-regex"),
        ("check: {equals: ['Node*', x]}", "glob-under-equals"),
        ("message: {equals: 'a * b'}", None),
        ("node: {name: ['prod-*', 'live-*']}", None),
        ("node: {name: '[!p]*'}", None),
        ("message: 'a, {b}|c'", None),
    ],
)
def test_a_name_with_the_signs_of_lists(asked: str, code: str | None) -> None:
    head = "apiVersion: precheck.policy/v1\nkind: Policy\nmetadata: {name: x}\n"
    rule = head + f"rules:\n  - {{id: a, match: {{{asked}}}, effect: fail}}\n"
    known = {"list-in-a-name", "glob-like-regex", "glob-under-equals"}
    assert _codes_of(rule) & known == ({code} if code else set())


@pytest.mark.parametrize(
    ("left_out", "told"),
    [
        ("{level: Fatal, kind: Exception}", True),
        ("{group: ExecuteException, level: Fatal}", True),
        ("{level: Fatal}", False),
        ("{any: [{level: Fatal}, {kind: Exception}]}", False),
        ("{kind: [Exception, Risk], level: Fatal}", False),
        ("{kind: 'Ex*', level: Fatal}", False),
    ],
)
def test_what_no_waiver_covers_anyhow_is_no_exclusion(left_out: str, told: bool) -> None:
    waiver = (
        "apiVersion: precheck.policy/v1\nkind: WaiverList\nmetadata: {name: x}\nwaivers:\n"
        f"  - {{id: w, check: X, reason: r, expires: 2099-01-01, not: {left_out}}}\n"
    )
    assert ("useless-not" in _codes_of(waiver)) is told


def _codes_of(text: str) -> set[str]:
    import tempfile
    from datetime import UTC, datetime
    from pathlib import Path

    from reporter.policy.lint import lint

    now = datetime(2026, 3, 1, tzinfo=UTC)

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "policy.yaml"
        path.write_text(text)
        return {problem.code for problem in lint([str(path)], at=now).problems}


def test_so_many_rules_that_not_all_are_compared(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    monkeypatch.setattr("reporter.policy.lint.MOST_COMPARED", 100)
    globs = [f"check: '*{number}*x'" for number in range(12)]
    assert codes(run(rules(*globs[:9], "check: '*1*x'"))) == {"duplicate-rule"}
    assert codes(run(rules(*globs))) == {"not-compared"}
    spelt = [f"check: X{number}" for number in range(60)]
    assert codes(run(rules(*spelt, "check: X7"))) == {"duplicate-rule"}
