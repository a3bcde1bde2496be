"""Does a match fit: yes, no, or left open. Key by key, as a rule and as a waiver reads it."""

from __future__ import annotations

from typing import Any

import pytest

from reporter.policy.match import Facts, Match, Patterns, Target, Trace, all_of, any_of, negate
from reporter.policy.model import MatchSpec
from reporter.precheck.finding import Finding, Node
from reporter.precheck.model import CheckItem, PrecheckTask

YES, NO, OPEN = True, False, None
DOCUMENT = {"status": {"phase": "Failed"}}


def match(**keys: Any) -> Match:
    return Match(MatchSpec.model_validate(keys))


def topic_of(check: str) -> str | None:
    return {"Sample": "topic-a"}.get(check[:])


def target(**fields: Any) -> Target:
    """A failed Risk in the cluster section; everything else is missing."""
    facts = {
        name: fields.pop(name, default)
        for name, default in (
            ("cluster", "c-1"),
            ("from_version", "v1.29.8-r0"),
            ("target_version", "v1.31.4-r2"),
        )
    }
    task = PrecheckTask.model_validate(DOCUMENT)
    whole = {"kind": "Risk", "level": "Warning", "phase": "Failed"} | fields
    return Target(
        check=whole.pop("check", "Sample"),
        scope=whole.pop("scope", "cluster"),
        facts=Facts(topic_of=topic_of, task=task, **facts),
        **whole,
    )


def reads(place: Target, **keys: Any) -> tuple[bool | None, bool | None]:
    """As a rule reads it, as a waiver reads it; with and without a trace alike."""
    compiled = match(**keys)
    found = compiled.fits_rule(place), compiled.fits_waiver(place)
    traced = compiled.fits_rule(place, Trace()), compiled.fits_waiver(place, Trace())
    assert traced == found
    return found


@pytest.mark.parametrize("nothing", [None, ""])
def test_of_a_finding_what_is_empty_is_missing(nothing: Any) -> None:
    facts = Facts(None, None, None, topic_of)
    texts = ("name", "kind", "group", "level", "phase", "message")
    addons = [{"addonTemplateName": "a", "alias": "b"}, {"addonTemplateName": nothing},
              {"alias": nothing}]  # fmt: skip
    whole = {"errorCodes": ["E1", ""], "riskSource": {"addonRisks": addons}}
    full = CheckItem.model_validate({name: name for name in texts} | whole)
    bare = CheckItem.model_validate(dict.fromkeys(texts, nothing) | {"errorCodes": None})
    assert Target.of(Finding(full, "addon", ""), facts) == Target(
        *("name", "addon", facts, "kind", "group", "level", "phase", "message"),
        error_codes=("E1", None),
        addons=(("a", "b"), (None, None), (None, None)),
        item=full,
    )
    assert Target.of(Finding(bare, "cluster", ""), facts) == Target(
        None, "cluster", facts, item=bare
    )


@pytest.mark.parametrize(
    ("parts", "both", "either"),
    [
        ([], YES, NO),
        ([YES], YES, YES),
        ([NO], NO, NO),
        ([OPEN], OPEN, OPEN),
        ([YES, NO], NO, YES),
        ([YES, OPEN], OPEN, YES),
        ([OPEN, YES], OPEN, YES),
        ([NO, OPEN], NO, OPEN),
        ([OPEN, NO], NO, OPEN),
        ([OPEN, YES, NO], NO, YES),
    ],
)
def test_three_values(parts: list[bool | None], both: bool | None, either: bool | None) -> None:
    assert all_of(parts) is both
    assert any_of(parts) is either
    assert [negate(part) for part in (YES, NO, OPEN)] == [NO, YES, OPEN]


@pytest.mark.parametrize(
    ("pattern", "value", "fits"),
    [
        ("a", "a", YES),
        ("a", "A", NO),
        ("a", "ab", NO),
        ("a", None, OPEN),
        ("*", None, OPEN),
        ("*", "", YES),
        ("a*", "ab\nc", YES),
        ("a*", "ba", NO),
        ("*a", "ba", YES),
        ("*a", "bab", NO),
        ("?", "b", YES),
        ("?", "bb", NO),
        ("a?*", "a", NO),
        ("a?*", "abc", YES),
        ("[ab]", "b", YES),
        ("[ab]", "[ab]", NO),
        ({"equals": "[ab]*"}, "[ab]*", YES),
        ({"equals": "[ab]*"}, "a", NO),
        ({"equals": ["a", "b"]}, "b", YES),
        ({"regex": "a|b"}, "b", YES),
        ({"regex": "a|b"}, "ab", NO),
        ({"regex": "a"}, "xax", NO),
        (["x", "b*"], "bc", YES),
        (["x", {"regex": "y"}], "y", YES),
        (["x", {"regex": "y"}], "z", NO),
        (["x", "y*"], "z", NO),
    ],
)
def test_patterns(pattern: Any, value: str | None, fits: bool | None) -> None:
    spec = MatchSpec.model_validate({"check": pattern}).check
    assert Patterns(spec).fits(value) is fits


@pytest.mark.parametrize("key", ["check", "kind", "group", "level", "phase", "scope", "message"])
def test_a_text_key_is_open_where_the_value_is_missing(key: str) -> None:
    for value, fits in (("a", YES), ("b", NO), (None, OPEN)):
        assert reads(target(**{key: value}), **{key: "a"}) == (fits, fits)


@pytest.mark.parametrize(
    ("keys", "fields", "fits"),
    [
        ({"cluster": "c-*"}, {}, YES),
        ({"cluster": "d-*"}, {}, NO),
        ({"cluster": "*"}, {"cluster": None}, OPEN),
        ({"topic": "topic-a"}, {}, YES),
        ({"topic": "topic-b"}, {}, NO),
        ({"topic": "*"}, {"check": "Other"}, OPEN),
        ({"topic": "*"}, {"check": None}, OPEN),
        ({"from_version": ">=1.29"}, {}, YES),
        ({"from_version": "<1.29"}, {}, NO),
        ({"from_version": ["<1.29", "1.29"]}, {}, YES),
        ({"from_version": ">=1.0"}, {"from_version": None}, OPEN),
        ({"from_version": ">=1.0"}, {"from_version": "newest"}, NO),
        ({"target_version": "1.31"}, {}, YES),
        ({"target_version": "1.3"}, {}, NO),
        ({"kind": "Risk", "level": "Fatal"}, {}, NO),
        ({"kind": "Risk", "message": "x"}, {}, OPEN),
        ({"message": "x", "level": "Fatal"}, {}, NO),
        ({"message": "x", "kind": "Risk"}, {}, OPEN),
    ],
)
def test_keys_and_their_conjunction(
    keys: dict[str, Any], fields: dict[str, Any], fits: bool | None
) -> None:
    assert reads(target(**fields), **keys) == (fits, fits)


A, B = Node(uid="a", name="alpha", status="Active", type="node"), Node(uid="b")


@pytest.mark.parametrize(
    ("node", "nodes", "rule", "waiver"),
    [
        ({"uid": "a"}, (), NO, NO),
        ({"uid": "a"}, (A,), YES, YES),
        ({"uid": "b"}, (A,), NO, NO),
        ({"uid": "a"}, (A, B), YES, NO),
        ({"uid": "*"}, (A, B), YES, YES),
        ({"uid": "*"}, (A, Node()), YES, OPEN),
        ({"uid": "b"}, (A, Node()), OPEN, NO),
        ({"name": "alpha"}, (A, B), YES, OPEN),
        ({"name": "alpha"}, (B,), OPEN, OPEN),
        ({"uid": "a", "name": "beta"}, (A,), NO, NO),
        ({"uid": "a", "status": "Active", "type": "node", "name": "al*"}, (A,), YES, YES),
        # A uid in other capitals may be the same; one that is not what it looks like any.
        ({"uid": "a"}, (Node(uid="A"),), OPEN, OPEN),
        ({"uid": "A"}, (A,), OPEN, OPEN),
        ({"uid": "[a-b]"}, (Node(uid="B"),), OPEN, OPEN),
        ({"uid": "c"}, (Node(uid="A"),), NO, NO),
        ({"uid": "a"}, (Node(uid="a\u200b"),), OPEN, OPEN),
        ({"name": "Alpha"}, (A,), NO, NO),
        ({"name": "a(b)"}, (Node(uid="a", name="a\uff08b\uff09"),), OPEN, OPEN),
        ({"name": "a\uff08b\uff09"}, (Node(uid="a", name="a\uff08b\uff09"),), YES, YES),
        ({"name": "c"}, (Node(uid="a", name="a\uff08b\uff09"),), NO, NO),
        ({"name": "a\uff08b\uff09"}, (Node(uid="a", name="a(b)"),), OPEN, OPEN),
        ({"name": ["c", "\u8282"]}, (Node(uid="a", name="a(b)"),), NO, NO),
        # All keys over the same node: neither of the two is an `a` that is called beta.
        ({"uid": "a", "name": "beta"}, (A, Node(uid="b", name="beta")), NO, NO),
    ],
)
def test_nodes(
    node: dict[str, Any], nodes: tuple[Node, ...], rule: bool | None, waiver: bool | None
) -> None:
    assert reads(target(nodes=nodes), node=node) == (rule, waiver)


@pytest.mark.parametrize(
    ("codes", "rule", "waiver"),
    [
        ((), OPEN, OPEN),
        (("E1",), YES, YES),
        (("E2",), NO, NO),
        (("E1", "E2"), YES, NO),
        (("E1", "E1"), YES, YES),
        (("E1", None), YES, OPEN),
        (("E2", None), OPEN, NO),
        ((None,), OPEN, OPEN),
    ],
)
def test_error_codes(codes: tuple[str | None, ...], rule: bool | None, waiver: bool | None) -> None:
    assert reads(target(error_codes=codes), error_code="E1") == (rule, waiver)


CORE, EVEREST = ("coredns", "CoreDNS"), ("everest", "Storage")


@pytest.mark.parametrize(
    ("addons", "rule", "waiver"),
    [
        ((), OPEN, OPEN),
        ((CORE,), YES, YES),
        ((("x", "coredns"),), YES, YES),
        (((None, "coredns"),), YES, YES),
        ((("coredns", None),), YES, YES),
        ((EVEREST,), NO, NO),
        ((("everest", None),), OPEN, OPEN),
        (((None, "Storage"),), OPEN, OPEN),
        (((None, None),), OPEN, OPEN),
        ((("\u5b58\u50a8\uff08Everest\uff09", "CSI"),), NO, NO),
        ((("\uff43oredns", "CSI"),), OPEN, OPEN),
        ((CORE, EVEREST), YES, NO),
        ((CORE, (None, None)), YES, OPEN),
    ],
)
def test_addons(addons: tuple[Any, ...], rule: bool | None, waiver: bool | None) -> None:
    assert reads(target(addons=addons), addon="coredns") == (rule, waiver)


@pytest.mark.parametrize(
    ("inner", "fields", "rule", "waiver"),
    [
        ({"kind": "Risk"}, {}, NO, NO),
        ({"kind": "Exception"}, {}, YES, YES),
        ({"message": "x"}, {}, OPEN, OPEN),
        # Under a waiver's not, one value is enough to exclude; a rule takes any value as before.
        ({"node": {"uid": "a"}}, {"nodes": (A, B)}, NO, NO),
        ({"node": {"uid": "c"}}, {"nodes": (A, B)}, YES, YES),
        ({"error_code": "E1"}, {"error_codes": ("E1", "E2")}, NO, NO),
        ({"addon": "coredns"}, {"addons": (CORE, EVEREST)}, NO, NO),
        ({"not": {"node": {"uid": "a"}}}, {"nodes": (A, B)}, YES, NO),
        ({"not": {"not": {"node": {"uid": "a"}}}}, {"nodes": (A, B)}, NO, NO),
        ({"not": {"not": {"node": {"uid": "*"}}}}, {"nodes": (A, B)}, NO, NO),
    ],
)
def test_not(
    inner: dict[str, Any], fields: dict[str, Any], rule: bool | None, waiver: bool | None
) -> None:
    assert reads(target(**fields), **{"not": inner}) == (rule, waiver)


@pytest.mark.parametrize(
    ("parts", "fields", "rule", "waiver"),
    [
        ([{"kind": "Exception"}, {"level": "Warning"}], {}, YES, YES),
        ([{"kind": "Exception"}, {"level": "Fatal"}], {}, NO, NO),
        ([{"kind": "Exception"}, {"message": "x"}], {}, OPEN, OPEN),
        ([{"kind": "Risk"}, {"message": "x"}], {}, YES, YES),
        # Each alternative is read whole: a waiver's has to cover every node by itself.
        ([{"node": {"uid": "a"}}, {"node": {"uid": "b"}}], {"nodes": (A, B)}, YES, NO),
        ([{"node": {"uid": "*"}}], {"nodes": (A, B)}, YES, YES),
    ],
)
def test_any(
    parts: list[Any], fields: dict[str, Any], rule: bool | None, waiver: bool | None
) -> None:
    assert reads(target(**fields), any=parts) == (rule, waiver)


def _item(**fields: Any) -> Target:
    return target(item=CheckItem.model_validate({"name": "Sample", "phase": "Failed"} | fields))


RETRIES = {"path": "$.retries", "equals": 3}


@pytest.mark.parametrize(
    ("where", "fields", "rule", "waiver", "negated"),
    [
        (RETRIES, {"retries": 3}, YES, YES, NO),
        (RETRIES, {"retries": 4}, NO, NO, YES),
        # Of another type, or not there: that is no proof of the opposite.
        (RETRIES, {"retries": "3"}, NO, NO, OPEN),
        (RETRIES, {}, OPEN, NO, OPEN),
        ({**RETRIES, "on": "response"}, {}, OPEN, NO, OPEN),
        ({"path": "$.status.phase", "on": "response", "equals": "Failed"}, {}, YES, YES, NO),
        ({"path": "$.status.phase", "on": "response", "equals": "Success"}, {}, NO, NO, YES),
        ({"path": "$.status.phase", "equals": "Failed"}, {}, OPEN, NO, OPEN),
    ],
)
def test_where(
    where: dict[str, Any],
    fields: dict[str, Any],
    rule: bool | None,
    waiver: bool | None,
    negated: bool | None,
) -> None:
    here = _item(**fields)
    assert reads(here, where=[where]) == (rule, waiver)
    assert reads(here, **{"not": {"where": [where]}}) == (negated, negated)
    assert reads(here, **{"not": {"any": [{"where": [where]}]}}) == (negated, negated)
    # Twice negated it is plain again, and a no is a no.
    assert reads(here, **{"not": {"not": {"where": [where]}}}) == (rule, waiver)


def test_where_takes_any_value_for_a_rule_and_every_one_for_a_waiver() -> None:
    where = {"path": "$.list[*]", "equals": 1}
    assert reads(_item(list=[1, 2]), where=[where]) == (YES, NO)
    assert reads(_item(list=[1, 1]), where=[where]) == (YES, YES)
    whole = {"path": "$.status", "on": "response", "exists": True}
    assert reads(_item(list=[1, 1]), where=[where, whole]) == (YES, YES)
    assert reads(_item(list=[2]), where=[where, whole]) == (NO, NO)


def test_an_answer_about_the_response_is_kept_apart_for_rules_and_waivers() -> None:
    where = {"path": "$.status.*", "on": "response", "equals": "Failed"}
    compiled = match(where=[where])
    here = _item()
    here.facts.task = PrecheckTask.model_validate(
        {"status": {"phase": "Failed", "message": "other"}}
    )
    for _ in range(2):
        assert compiled.fits_rule(here) is YES
        assert compiled.fits_waiver(here) is NO
    assert len(here.facts.decided) == 2


def test_without_an_item_or_a_response_a_condition_is_open() -> None:
    skip = target()
    assert reads(skip, where=[{"path": "$.name", "exists": True}]) == (OPEN, OPEN)
    whole = {"path": "$.status", "on": "response", "exists": True}
    assert reads(skip, where=[whole]) == (OPEN, OPEN)
    trace = Trace()
    assert match(where=[whole]).fits_rule(skip, trace) is OPEN
    assert (trace.undecided, trace.paths) == (["where"], [])
    alone = _item()
    alone.facts.task = None
    assert reads(alone, where=[whole]) == (OPEN, OPEN)


def test_a_trace_says_which_keys_matched() -> None:
    trace = Trace()
    compiled = match(
        check="Sample",
        level="Fatal",
        message="x",
        node={"uid": "a"},
        addon="coredns",
        error_code="E",
        from_version=">=1.0",
        any=[{"kind": "Risk"}],
        **{"not": {"kind": "Risk"}},
        where=[{"path": "$.name", "equals": "Sample"}, {"path": "$.none", "equals": 1}],
    )
    here = _item()
    assert compiled.fits_rule(here, trace) is NO
    assert trace.fields == ["check", "from_version", "any", "where"]
    assert trace.undecided == ["message", "error_code", "addon", "where"]
    assert trace.refused == ["level", "node", "not"]
    assert [(path, outcome.fits, outcome.matches) for path, outcome in trace.paths] == [
        ("$.name", True, 1),
        ("$.none", None, 0),
    ]


@pytest.mark.parametrize(
    ("keys", "kind", "level", "spelled"),
    [
        ({"kind": "X"}, "X", "L", {"kind"}),
        ({"kind": "X", "level": "L"}, "X", "L", {"kind", "level"}),
        ({"kind": ["X", "Y*"]}, "X", "L", {"kind"}),
        ({"kind": ["Z", "Y*"]}, "Y", "L", set()),
        ({"kind": "Y*", "level": "L"}, "Y", "L", {"level"}),
        ({"kind": {"equals": ["X", "Y"]}}, "Y", "L", {"kind"}),
        ({"not": {"kind": "Y"}}, "X", "L", set()),
        ({"any": [{"kind": "X"}, {"level": "L"}]}, "X", "L", {"kind", "level"}),
        ({"any": [{"kind": "X", "level": "M"}, {"level": "L"}]}, "X", "L", {"level"}),
        ({"any": [{"kind": "X", "message": "open"}]}, "X", "L", set()),
        ({"kind": "X"}, None, "L", set()),
    ],
)
def test_which_undocumented_values_are_spelled(
    keys: dict[str, Any], kind: str | None, level: str, spelled: set[str]
) -> None:
    assert match(**keys).spells(target(kind=kind, level=level)) == spelled


@pytest.mark.parametrize(
    ("keys", "names", "could"),
    [
        ({"check": "Sample"}, True, True),
        ({"check": "Other"}, True, False),
        ({"check": "*"}, False, True),
        ({"check": ["*"]}, True, True),
        ({"kind": "Risk"}, False, False),
        ({"not": {"check": "Sample"}}, False, False),
        ({"any": [{"check": "Sample"}, {"kind": "Risk"}]}, True, True),
        ({"check": "*", "any": [{"check": "Other"}]}, True, True),
        ({"any": [{"any": [{"check": "S*"}]}]}, True, True),
        ({"where": [{"path": "$['name']", "equals": "Sample"}]}, True, True),
        ({"where": [{"path": "$['name']", "equals": "Other"}]}, True, False),
        ({"where": [{"path": "$.name", "not": {"in": ["Sample"]}}]}, True, False),
        ({"where": [{"path": "$.name", "exists": True}]}, True, False),
        ({"any": [{"where": [{"path": "name", "matches": "S.*"}]}]}, True, True),
        ({"topic": "known"}, False, True),
        ({"any": [{"kind": "Risk"}, {"topic": ["a", "kn*"]}]}, False, True),
        ({"topic": "other"}, False, False),
        ({"not": {"topic": "known"}}, False, False),
        ({"not": {"where": [{"path": "$.name", "equals": "Sample"}]}}, False, False),
        ({"where": [{"path": "$.riskSource.name", "equals": "Sample"}]}, False, False),
    ],
)
def test_names_of_checks(keys: dict[str, Any], names: bool, could: bool) -> None:
    compiled = match(**keys)
    assert (compiled.names_checks, compiled.could_name("Sample", "known")) == (names, could)
    if "topic" in str(keys):
        assert not compiled.could_name("Sample", None)


@pytest.mark.parametrize(
    ("keys", "alone", "everywhere", "signature"),
    [
        ({"check": "Sample"}, True, True, True),
        ({"check": "Other"}, True, True, False),
        ({"kind": "Risk", "level": "Fatal"}, True, True, False),
        ({"group": "x"}, True, True, True),
        ({"phase": "Success"}, True, True, False),
        ({"scope": "node"}, True, True, False),
        ({"topic": "topic-b"}, True, True, True),
        ({"cluster": "c-2"}, True, False, True),
        ({"from_version": ">=1.0"}, True, False, True),
        ({"target_version": ">=1.0"}, True, False, True),
        ({"not": {"cluster": "c-2"}}, True, False, True),
        ({"any": [{"kind": "Exception"}]}, True, True, True),
        ({"message": "x"}, False, False, True),
        ({"any": [{"kind": "Risk", "not": {"message": "x"}}]}, False, False, True),
        ({"node": {"uid": "a"}}, False, False, True),
        ({"addon": "x"}, False, False, True),
        ({"error_code": "x"}, False, False, True),
        ({"where": [{"path": "$", "exists": True}]}, False, False, True),
    ],
)
def test_what_may_be_remembered_of_a_signature(
    keys: dict[str, Any], alone: bool, everywhere: bool, signature: bool
) -> None:
    compiled = match(**keys)
    assert compiled.by_signature_alone is alone
    assert compiled.same_in_every_response is everywhere
    assert compiled.by_signature(target()) is signature
    assert compiled.keys >= {next(iter(keys))}


def test_the_values_a_key_spells() -> None:
    compiled = match(
        kind=["A", "B"], any=[{"kind": "C*"}, {"kind": {"equals": "D"}}, {"level": "x"}]
    )
    assert list(compiled.literals("kind")) == [{"A", "B"}, {"D"}]
    assert list(compiled.literals("level")) == [{"x"}]
    assert list(match(**{"not": {"kind": "A"}}).literals("kind")) == []


TWO_LINES = "you cce-agent no update,\nplease restart it"


@pytest.mark.parametrize(
    ("regex", "fits"),
    [
        (".*cce-agent.*", OPEN),  # only if a point went on over the end of the line
        (".*restart it", OPEN),
        (".*", OPEN),
        ("(?s).*cce-agent.*", YES),
        (".*update,\\n.*", YES),
        ("(?-s:.*)", NO),
        (".*docker.*", NO),
    ],
)
def test_a_point_that_stops_at_the_end_of_a_line_leaves_a_longer_value_open(
    regex: str, fits: bool | None
) -> None:
    """Neither is a rule evaded by a new line, nor does a waiver cover what stands behind one."""
    key = {"regex": regex}
    found = target(message=TWO_LINES)
    assert match(message=key).fits_rule(found) is fits
    assert match(message=key).fits_waiver(found) is fits
    assert match(**{"not": {"message": key}}).fits_waiver(found) is negate(fits)
    assert match(message=[key, TWO_LINES]).fits_rule(found) is YES


def test_a_name_nobody_can_read_is_left_open_whatever_spells_it() -> None:
    """Also as one of several alternatives, and where a list of names is looked up."""
    hidden = "prod\u200b-1"
    at = target(check="Sample", scope="node", nodes=(Node(name=hidden),))
    named: dict[str, Any]
    for named in ({"name": hidden}, {"name": "prod-1"}, {"name": [hidden, "x"]}):
        for keys in ({"node": named}, {"any": [{"node": named}, {"check": "Other"}]}):
            assert match(**keys).fits_rule(at) is None
            assert match(**keys).fits_waiver(at) is None
            assert match(**{"not": keys}).fits_rule(at) is None
