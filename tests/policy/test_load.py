"""Mistakes in policies are named by file, line and column, with the nearest allowed word."""

from __future__ import annotations

from pathlib import Path

import pytest

from reporter.errors import PolicyError
from reporter.policy.load import Policy, builtin_names
from tests.policy.build import item, judged, policy, response, waiver

HEAD = "apiVersion: precheck.policy/v1\nkind: Policy\nmetadata: {name: x}\n"
RULE = "rules:\n  - id: a\n    match: {check: X}\n    effect: fail\n"
WHERE = "{where: [{path: $.a, equals: 1}]}"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "1:1: the file is empty"),
        ("- a\n", "1:1: the file is not a mapping"),
        ("kind: Policy\n", '1:1: "apiVersion" is missing'),
        (HEAD + "rules:\n  - id: a\n    mach: {check: X}\n    effect: fail\n",
         '6:5: unknown key "mach"; did you mean "match"?'),
        (HEAD + "wibble: 1\n", '4:1: unknown key "wibble"; allowed are apiVersion'),
        (HEAD + RULE.replace("fail", "fial"), '7:13: "fial" should be fail, warn or note; did'),
        (HEAD + RULE.replace("{check: X}", "{}"), "6:12: an empty match"),
        (HEAD + RULE.replace("{check: X}", "{check: []}"), "6:20: an empty list"),
        (HEAD + RULE.replace("{check: X}", "{check: ''}"), "6:20: an empty text"),
        (HEAD + RULE.replace("{check: X}", "{check: }"), '"check" has no value'),
        (HEAD + RULE.replace("{check: X}", "{node: {}}"), "6:19: an empty match"),
        (HEAD + RULE.replace("{check: X}", "{any: []}"), "6:18: an empty list"),
        (HEAD + RULE.replace("X", "1.30"), '6:20: 1.30 is a number in YAML; write "1.30" in'),
        (HEAD + RULE.replace("X", "true"), '6:20: true is true or false in YAML; write "true"'),
        (HEAD + RULE.replace("X", "{regexp: a}"), '6:21: unknown key "regexp"; did you mean "re'),
        (HEAD + RULE.replace("X", "{regex: '(?=a)'}"), "6:28: RE2 can't use this regular"),
        (HEAD + RULE.replace("check: X", "scope: nodes"), 'cluster, addon or node; did you mean'),
        (HEAD + RULE.replace("check: X", "scope: 'Cluster*'"), 'cluster, addon or node; did you'),
        (HEAD + RULE.replace("check: X", "scope: {regex: clusters}"), 'did you mean "cluster"?'),
        (HEAD + RULE.replace("check: X", "scope: {equals: [node, nodes]}"), '6:36: "nodes" should'),
        (HEAD + RULE.replace("{check: X}", "\n      check: |\n        X"), "ends with a new line"),
        (HEAD + RULE.replace("X", '{regex: "a\\n"}'), "6:28: the pattern begins or ends with"),
        (HEAD + RULE.replace("X", '"Node\\u200bDisk"'), "6:20: the pattern holds a sign that"),
        (HEAD + RULE.replace("check: X", "from_version: '~1'"), "is not a version range"),
        (HEAD + RULE + "    effective_on: 2026-3-1\n", '8:19: "2026-3-1" is not a date; write'),
        (HEAD + RULE + "    waivable: yes\n", '8:15: "yes" should be true or false'),
        (HEAD + RULE + "    message: '{chek}'\n", "8:14: unknown placeholder {chek}; did you mean"),
        (HEAD + RULE + "    message: 'a { b'\n", "8:14: expected '}'"),
        (HEAD + RULE + RULE.removeprefix("rules:\n"), '8:9: rule id "a" is used twice; first on'),
        (HEAD + RULE + "rules: []\n", '8:1: key "rules" appears twice; the first is on line 4'),
        (HEAD + "evidence: {finished: off}\n", '4:22: "off" should be require or warn'),
        (HEAD + "evidence: {fresh: require}\n", '"fresh" needs a max_age'),
        (HEAD + "evidence: {fresh: {max_age: 1 day}}\n", '4:29: "1 day" is not a duration'),
        (HEAD + "evidence: {provider: require}\n", '4:22: "require" should be note or off'),
        (HEAD + "evidence: {complete: {min_nodes: -1}}\n", "-1 should be a whole number of at le"),
        (HEAD + "defaults: {unmatched: pass}\n", '4:23: "pass" should be fail, warn or note'),
        (HEAD + "waivers:\n  - {id: w, check: X, reason: r}\n", 'waiver "w" needs "expires"'),
        (HEAD + "waivers:\n  - {id: w, check: X, expires: 2026-01-01}\n", '"reason" is missing'),
        (HEAD + "waivers:\n  - {id: w, check: X, reason: r, expires: 2026-02-30}\n",
         '5:43: "2026-02-30" is not a date'),
        (HEAD + "waivers:\n  - {id: w, check: X, reason: r, expires: 01/02/2026}\n",
         '"01/02/2026" is not a date'),
        (HEAD + "waivers:\n  - {id: w, check: X, reason: r, expires: 2026-01-01T10:00:00}\n",
         "is not a date"),
        *((HEAD + RULE.replace("fail", effect) + "    effective_on: 2027-01-01\n",
           f'this rule says "{effect}", which holds now') for effect in ("warn", "note")),
        *((HEAD + RULE.replace("check: X", f"check: X, where: [{{path: $.message, {asks}}}]"), said)
          for asks, said in (
              ("equals: 'prod-*'", '"*" is no wildcard in equals'),
              ("in: [a, 'b*']", '"*" is no wildcard in in'),
              ("not: {equals: '*'}", '"*" is no wildcard in equals'),
              ("matches: 'prod-*'", "/prod-*/ looks like a glob"),
              ("not: {matches: 'a*b'}", "/a*b/ looks like a glob"))),
        *((HEAD + RULE.replace("check: X", f"where: [{{path: {path}, {asks}}}]"), said)
          for path, asks, said in (
              *((path, f"count: {asks}", f"write {path}[*], and exists")
                for path in ("$.riskSource.nodeRisks", "$.errorCodes", "$..nodeRisks",
                             "$.riskSource.*")
                for asks in ("{le: 3}", "{gt: 3}", "{ge: 1, le: 3}", "{eq: 1}", "{lt: 2}")),
              ("$.name", "not: {count: {eq: 2}}", "write $.name[*]"),
              ("'$.riskSource.nodeRisks[?(@.NodeID == \"n-*\")]'", "exists: false",
               '"*" is no wildcard in a filter'))),
        (HEAD + "waiver_requires: [ticket]\nwaivers:\n"
         "  - {id: w, check: X, reason: r, expires: 2026-01-01}\n", 'waiver "w" needs "ticket"'),
        *((HEAD + "waiver_requires: [ticket]\nwaivers:\n  - {id: w, check: X, reason: r, "
           f'expires: 2026-01-01, ticket: "{todo}"}}\n', '6:63: waiver "w" says "ticket: ')
          for todo in ("TODO", " todo ", "Todo: ask", "TODO\\u3164", "tbd", "FIXME", "XXX", "TBC",
                       "<TODO>", "(TBD)", "[FIXME]", "**TODO**", "<TICKET>", "TODO.", "< who >",
                       "TODO...", "TODO/TBD", "TBD-", "-TBD-",
                       "To be defined", "to do", "CHG-XXXX", "n/a", "???", "--", "todo later",
                       "Todo Ask Bob", "Todo Later", "\u5f85\u5b9a", "\u5f85\u8865\u5145",
                       "to be approved",
                       "CHG_XXXX", "${APPROVER}", "{{ ticket }}")),
        *((HEAD + "waivers:\n  - {id: w, check: X, reason: r, expires: 2026-01-01, "
           f'{key}: "{mark}"}}\n', "a blank text says nothing")
          for key in ("approved_by", "ticket")
          for mark in ("\\u3164", " \\u2800 ", "\\u200b", "\\u115f\\ufe0f", "\\U000e0020")),
        (HEAD + 'waivers:\n  - {id: "\\u3164", check: X, reason: r, expires: 2026-01-01}\n',
         "5:10: a blank text says nothing"),
        (HEAD + 'waivers:\n  - {id: w, check: X, reason: "\\u2800", expires: 2026-01-01}\n',
         "5:31: a blank text says nothing"),
        (HEAD + RULE.replace("X", '"Node\\u3164"'), "6:20: the pattern holds a sign that"),
        *((HEAD + RULE.replace("{check: X}", f"{{where: [{{path: $.level, {asked}}}]}}"), said)
          for asked, said in (
            ('equals: "Fatal\\n"', ': the text begins or ends with a new line; if'),
            ('in: [Fatal, "Fat\\u200bal"]', ": the text holds a sign that nobody sees"),
            ('not: {matches: "Fatal\\n"}', "begins or ends with a new line"),
            ('not: {not: {ge: "\\ufeffa"}}', "holds a sign that nobody sees"),
          )),
        (HEAD + RULE.replace("{check: X}", "{target_version: ['>=1.32', '<1.33']}"),
         "together these leave no version out: >=1.32, <1.33"),
        (HEAD + "applies_to: {target_version: ['>=1.32', '<1.33']}\n", "leave no version out"),
        *((HEAD + RULE.replace("{check: X}", match), ': no version is in "')
          for match in ("{from_version: '>=1.30,<1.28'}", "{from_version: '>1.28,<1.29'}",
                        "{from_version: ['1.27,!=1.27', '1.28']}", "{target_version: '1.31,1.32'}",
                        "{check: X, not: {target_version: '<1.28,>1.29'}}")),
        (HEAD + "applies_to: {target_version: '>=1.32,<1.32'}\n", ': no version is in "'),
        (HEAD + RULE.replace("{check: X}", "{target_version: '1'}"),
         '6:29: "1" is not a version range'),
        *((HEAD + RULE.replace("{check: X}", WHERE.replace("1", number)),
           f"6:41: {number} ")
          for number in (".inf", "-.INF", ".nan", ".NaN", "1e999", "10000000000000000000000.5")),
        (HEAD + RULE.replace("{check: X}", WHERE.replace("1", "9" * 201)),
         "6:41: a number of more than 200 characters"),
        (HEAD + "max_waiver_days: 30\nwaivers:\n"
         "  - {id: w, check: X, reason: r, expires: 2026-01-01}\n", 'needs "starts" or'),
        (HEAD + "max_waiver_days: 30\nwaivers:\n"
         "  - {id: w, check: X, reason: r, starts: 2026-01-01, expires: 2026-02-01}\n",
         "holds longer than the 30 days"),
        (HEAD + "waivers:\n"
         "  - {id: w, check: X, reason: r, starts: 2026-03-02, expires: 2026-03-01}\n",
         '5:63: waiver "w" is never valid: it expires (2026-03-01) before it starts (starts: '),
        (HEAD + "waivers:\n  - {id: w, check: X, reason: r, approved_on: 2026-03-02,"
         " expires: 2026-03-02T00:00:00Z}\n", "before it starts (approved_on: 2026-03-02)"),
        (HEAD + "a:\n\t- b\n", "5:1: found character that cannot start any token"),
        (HEAD + "a: *b\n", "4:4: alias *b has no anchor"),
        (HEAD + "a: !!python/object:os.system x\n", "4:4: tags such as"),
        ("a: " + "[" * 100_000, "nested more than 40 levels deep"),
        ("---\na: 1\n---\nb: 1\n", "a second YAML document"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place(text: str, problem: str) -> None:
    with pytest.raises(PolicyError) as caught:
        Policy.parse(text.encode())
    assert any(
        line.startswith("policy-1.yaml:") and problem in line for line in caught.value.problems
    ), caught.value.problems


def test_all_mistakes_of_a_file_are_told_at_once_in_its_order() -> None:
    text = HEAD + "rules:\n  - {id: a, match: {chek: X}, effect: no}\n  - {id: 3}\n"
    with pytest.raises(PolicyError) as caught:
        Policy.parse(text.encode())
    places = [line.split(":")[1] for line in caught.value.problems]
    assert places == sorted(places)
    assert len(places) >= 4


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"\xff\xfe", "policy-1.yaml:1:1: not UTF-8 text"),
        ("# a\n# \u00e4\u2028defaults: {}".encode(), "policy-1.yaml:2:4: U+2028 ends a line"),
        ("# a\u0085b: 1".encode(), "policy-1.yaml:1:4: U+0085"),
        ("# a \u202e b".encode(), "policy-1.yaml:1:5: U+202E"),
        (b"# a\r\n# b\rc: 1", "policy-1.yaml:2:4: U+000D ends a line"),
        (b"a" * (5 * 1024 * 1024), "is more than the limit of 4 MB"),
        (
            b"a: &a [x,x,x,x,x,x,x,x,x]\n"
            + b"".join(
                b"%c: &%c [%s]\n" % (c, c, b",".join([b"*%c" % (c - 1)] * 9))
                for c in range(98, 112)
            ),
            "expand to too many values",
        ),
    ],
)
def test_hostile_yaml(data: bytes, problem: str) -> None:
    with pytest.raises(PolicyError) as caught:
        Policy.parse(data)
    assert problem in caught.value.message


def test_files_that_are_not_there_or_of_the_other_kind(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="no such file"):
        Policy.load(tmp_path / "none.yaml")
    with pytest.raises(PolicyError, match='did you mean "builtin:recommended"'):
        Policy.load("builtin:recomended")
    listed = HEAD.replace("kind: Policy", "kind: WaiverList")
    path = tmp_path / "waivers.yaml"
    path.write_text(listed)
    with pytest.raises(PolicyError, match="this file is a WaiverList, not a Policy"):
        Policy.load(path)
    with pytest.raises(PolicyError, match="this file is a Policy, not a WaiverList"):
        Policy.load("builtin:recommended", waivers=["builtin:recommended"])


def test_dates_and_words_that_other_loaders_mangle_stay_text() -> None:
    text = HEAD + "rules:\n  - {id: no, match: {check: off}, effect: fail}\n"
    (rule,) = Policy.parse(text.encode()).rules
    assert rule.id == "no"
    assert rule.match.check is not None
    assert rule.match.check.fits("off") is True


def test_the_four_shipped_policies_load() -> None:
    shipped = ["allow-listed-risks", "fatal-exceptions", "recommended", "strict"]
    assert builtin_names() == shipped
    for name in shipped:
        assert Policy.load(f"builtin:{name}").names == (name,)


@pytest.mark.parametrize("number", [10**20 + 2, -(10**20) - 2, 10**199, 2**63])
def test_a_whole_number_is_exactly_what_is_written(number: int) -> None:
    given = HEAD + RULE.replace("{check: X}", WHERE.replace("1", str(number)))
    for value, outcome in ((number, "fail"), (number + 2, "warn"), (number - 2, "warn")):
        body = response(item("X", a=value))
        verdict = judged(body, (given + "defaults: {unmatched: warn}\n").encode())
        assert [check.outcome for check in verdict.checks if check.name == "X"] == [outcome]


@pytest.mark.parametrize(
    ("key", "given"),
    [("approved_by", "somebody"), ("approved_on", "2026-01-01"), ("ticket", "CHG-1"),
     ("starts", "2026-01-01"), ("max_findings", 3)],
)  # fmt: skip
def test_what_may_be_asked_of_every_waiver(key: str, given: str | int) -> None:
    asks = policy(waiver_requires=[key])
    lacks = {name: value for name, value in waiver().items() if name != key}
    with pytest.raises(PolicyError, match=f'needs "{key}"'):
        Policy.parse(asks, policy(waivers=[lacks], metadata={"name": "other"}))
    assert Policy.parse(policy(waiver_requires=[key], waivers=[lacks | {key: given}])).waivers


@pytest.mark.parametrize(
    "given",
    [
        "TBC-1042",
        "XXX-77",
        "todo.k@example.jp",
        "Todorov",
        "<a@example.org>",
        "a TODO list",
        "Todo Kenji",
        "<https://jira.example.com/CHG-1042>",
        "<HTTPS://jira.example.com>",
        "Todo Akira",
        "to be sure of it, we looked",
        "CHG-X1",
        "Tobedo N",
    ],
)
def test_what_only_begins_like_a_placeholder_is_none(given: str) -> None:
    named = waiver(approved_by=given, ticket=given, reason=given)
    asks = policy(waiver_requires=["approved_by", "ticket"], waivers=[named])
    assert Policy.parse(asks).waivers[0].ticket == given
    assert "waivers-todo" not in str(
        [part.code for part in judged(response(item()), asks).conditions]
    )


def test_a_reason_of_todo_is_a_condition_and_no_error() -> None:
    given = HEAD + "waiver_requires: [ticket]\nwaivers:\n"
    given += "  - {id: w, check: X, reason: TODO, ticket: CHG-1, expires: 2099-01-01}\n"
    assert Policy.parse(given.encode()).waivers[0].reason == "TODO"
