"""Very many rules and waivers, each for a few nodes of very many: looked up, and none is missed."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reporter.policy.lookup import Lookup, is_for_nodes
from reporter.policy.match import (
    Facts,
    Match,
    NodePatterns,
    Patterns,
    Target,
    all_of,
    any_of,
    fits_name,
)
from reporter.policy.model import MatchSpec, Regex
from reporter.precheck.finding import Node
from tests.policy.build import item, judged, policy, response, stage, waiver

FACTS = Facts("c-1", "v1.29", "v1.31", lambda _: None)

_signs = st.sampled_from(["a", "b", "A", "-", "7", "\u6c60", "\uff08", "\u0430", "("])
_names = st.one_of(st.none(), st.text(_signs, max_size=6))
_globs = st.text(st.one_of(_signs, st.sampled_from("*?[]!*")), min_size=1, max_size=7)
_regexes = st.sampled_from(
    ["a", "ab*", "ab?", "aa+", "a{2}b", "a|b", "(?i)ab", "ab.*", ".*b", "a-\\d", "a-"]
)
_pattern = st.one_of(
    _globs,
    _regexes.map(lambda text: {"regex": text}),
    st.text(_signs, min_size=1, max_size=4).map(lambda text: {"equals": text}),
)
_patterns = st.one_of(_pattern, st.lists(_pattern, min_size=1, max_size=3))
_asked = st.dictionaries(st.sampled_from(["uid", "name"]), _patterns, min_size=1)
_nodes = st.builds(Node, uid=_names, name=_names)


def _at(node: Node) -> Target:
    return Target("A", "node", FACTS, nodes=(node,))


def test_the_status_of_a_node_is_looked_up_by_nothing() -> None:
    spec = MatchSpec.model_validate({"node": {"status": "Active", "type": "master"}})
    assert Match(spec).anchors == {}


def test_each_node_is_judged_by_the_rules_for_it() -> None:
    """Whatever the node before it was."""
    nodes = [stage(f"u-{n}", item(), name=name) for n, name in enumerate(["a-1", "b-1", "a-2"])]
    effects = {"a-*": "fail", "b-*": "note"}
    rules = [
        {"id": name[0], "match": {"node": {"name": name}}, "effect": effect, "reason": "r"}
        for name, effect in effects.items()
    ]
    for body in (nodes, nodes[::-1]):
        verdict = judged(response(nodes=body), policy(rules, defaults={"unmatched": "warn"}))
        assert {
            place.nodes[0].name: entry.outcome
            for entry in verdict.checks[0].entries
            for place in entry.places
        } == {"a-1": "fail", "b-1": "note", "a-2": "fail"}


def test_a_limit_counts_each_node_as_what_it_is() -> None:
    """Its base has none twice for its capitals, and none that may be another."""
    odd, alike = "n-1\u200b", "N-1"
    nodes = [
        stage("n-1", item()),
        stage("n-2", item("SampleCheck", "Success")),
        *(stage(uid, item("SampleCheck", "Success")) for uid in (alike, odd)),
        stage("n-3", item("SampleCheck", "Success")),
    ]
    del nodes[-1]["nodeInfo"]["uid"]
    rule = {"id": "r", "match": {"check": "Sample*", "phase": "*", "scope": "node"},
            "effect": "fail", "reason": "r",
            "limit": {"of": "nodes", "max_percent": 33}}  # fmt: skip
    (use,) = judged(response(nodes=nodes), policy([rule])).rules
    assert use.limit is not None
    # Of n-1, n-2 and the one without a uid.
    assert (use.limit.failed, use.limit.base) == (1, 3)


@given(st.lists(_asked, min_size=1, max_size=6), st.lists(_nodes, max_size=3))
def test_what_is_not_found_surely_does_not_fit(
    asked: list[dict[str, Any]], nodes: list[Node]
) -> None:
    matches = [Match(MatchSpec.model_validate({"node": node})) for node in asked]
    index = Lookup([(match, number) for number, match in enumerate(matches)])
    target = Target("X", "node", FACTS, nodes=tuple(nodes))
    for sure in (True, False):
        found = index.of(target, sure=sure)
        assert found == sorted(set(found))
        for number, match in enumerate(matches):
            rule, covers = match.fits_rule(target), match.fits_waiver(target)
            if number not in found:
                assert rule is not True
                assert covers is not True
                if not sure:
                    assert rule is False
                    assert covers is False


@pytest.mark.parametrize(
    ("pattern", "anchors"),
    [
        ("pool-7*", [("start", "pool-7")]),
        ("*-pool-7", [("end", "-pool-7")]),
        ("*pool*7?", [("inside", "pool")]),
        ("p-*-0123*", [("inside", "-0123")]),
        ("x*[yz]wv", [("end", "wv")]),
        ("[ab]*", None),
        ("*", None),
        (["a", "b*"], [("start", "b"), ("whole", "a")]),
        (["a", "*"], None),
        ({"regex": "pool-\\d+"}, [("start", "pool-")]),
        ({"regex": "pool*"}, [("start", "poo")]),
        ({"regex": "pool?-a"}, [("start", "poo")]),
        ({"regex": "pool+-a"}, [("start", "poo")]),
        ({"regex": "pool{2}"}, [("start", "poo")]),
        ({"regex": "pool|x"}, None),
        ({"regex": "(prod|live)-pool-7-.*"}, [("inside", "-pool-7-")]),
        ({"regex": "(a|b){2}33"}, [("inside", "33")]),
        ({"regex": "a{2,3}x[a-c]yz\\d+(longer|still)"}, [("inside", "yz")]),
        ({"regex": "^p\\.q$"}, [("inside", "p.q")]),
        ({"regex": "a(b(c)?d)*ef"}, [("inside", "ef")]),
        ({"regex": r"[^x.\d]+-7"}, [("inside", "-7")]),
        ({"regex": r"\Qpool\E"}, None),
        ({"regex": r"\x70ool"}, None),
        ({"regex": ".*"}, None),
        ({"regex": "(?i)pool"}, None),
        ({"regex": "message number 5, about"}, [("start", "message number 5, about")]),
        ({"regex": ".*the words that all share.1234.*"}, [("inside", "the words that all share")]),
        ({"regex": ".*the words.123456.*"}, [("inside", "123456")]),
        ({"regex": r".*\[\*\] \(x\).*"}, [("inside", "[*] (x)")]),
        ({"regex": ".*\u6c60\u53f7?7.*"}, [("inside", "7")]),
        ("*a long text [number] 5*", [("inside", "a long text ")]),
        ("*[]x] 55*", [("inside", " 55")]),
        ("*[!]x] 55*", [("inside", " 55")]),
        ("x[]", [("start", "x[]")]),
        ("x[!]*y", [("start", "x[!]")]),
        ("[0-9][a-z]?", None),
        ("a" * 99 + "*", [("start", "a" * 64)]),
    ],
)
def test_what_a_value_has_to_hold(pattern: Any, anchors: Any) -> None:
    spec = MatchSpec.model_validate({"node": {"name": pattern}}).node
    assert spec is not None
    assert Patterns(spec.name).anchors == anchors


@given(asked=_asked, nodes=st.lists(_nodes, max_size=4))
def test_whether_all_nodes_fit_is_the_same_where_they_are_spelled(
    asked: Any, nodes: list[Node]
) -> None:
    spec = MatchSpec.model_validate({"node": asked}).node
    assert spec is not None
    patterns = NodePatterns(spec)
    assert patterns.fit_all(nodes) is all_of(map(patterns.fits, nodes))


# As RE2 reads it, and the same for Python.
_PIECES = [
    *((same, same) for same in ["a", "b7", "-", "_x", r"\.", r"\d", r"\w+", ".", "[ab]", "^", "$"]),
    *(
        (same, same)
        for same in [
            " a",
            "é",
            ",;",
            r"\(",
            r"\*a",
            "=%",
            r"[^\]a]",
            "[(|]",
            "[-a]",
            "[a-]+-",
            r"\x61",
            " ",
            r"\[",
            r"[\[a]b",
        ]
    ),
    ("[[:alnum:]-]", "[a-zA-Z0-9-]"),
    ("[[:digit:]ab]{2}", "[0-9ab]{2}"),
    ("[^[:digit:])]", "[^0-9)]"),
    ("[]a]7", r"[\]a]7"),
    ("(?:[[:lower:]|x])", "[a-z|x]"),
    ("(?i:ab)", "[aA][bB]"),
    (r"\Qa.b\E", r"a\.b"),
    (r"\pN", "[0-9]"),
    ("a{,3}", r"a\{,3\}"),
    ("]", r"\]"),
]
_Pair = tuple[str, str]


def _joined(parts: list[_Pair]) -> _Pair:
    return "".join(one for one, _ in parts), "".join(other for _, other in parts)


def _nested(inner: st.SearchStrategy[_Pair]) -> st.SearchStrategy[_Pair]:
    repeats = st.sampled_from(["", "*", "+?", "?", "{2}", "{0,1}", "{0}", "{1,}"])
    grouped = st.lists(inner, min_size=1, max_size=2).map(
        lambda pairs: (f"({'|'.join(p[0] for p in pairs)})", f"({'|'.join(p[1] for p in pairs)})")
    )
    alone = st.sampled_from([("a", "a"), ("7", "7"), (".", "."), ("[[:alpha:]_]", "[a-zA-Z_]")])
    repeated = st.tuples(st.one_of(grouped, alone), repeats).map(
        lambda pair: (pair[0][0] + pair[1], pair[0][1] + pair[1])
    )
    return st.lists(st.one_of(inner, repeated), min_size=1, max_size=3).map(_joined)


_LEAVES = st.lists(st.sampled_from(_PIECES), min_size=1, max_size=3).map(_joined)


@given(pair=st.recursive(_LEAVES, _nested, max_leaves=6), data=st.data())
def test_what_fits_a_regular_expression_holds_its_anchor(pair: _Pair, data: st.DataObject) -> None:
    text, python = pair
    ascii_only = st.characters(max_codepoint=126, include_characters="é")
    value = data.draw(st.from_regex(rf"\A(?:{python})\Z", alphabet=ascii_only))
    patterns = Patterns(Regex(regex=text))
    assume(patterns.fits(value) is True)
    for place, anchor in patterns.anchors or ():
        assert value.startswith(anchor) if place == "start" else anchor in value


@pytest.mark.parametrize(
    "text",
    ["[[:alnum:]-]+", "[[:lower:]0-9]+", "[[:digit:]a-f]{8}.*", "[]a]b", "a{,3}b", "ab]",
     r"a\x62c", "(?i)abc", "(?i:a)bc", r"\Qabc", r"a\pLb", r"[\pL-]b", "a{b", r"\101b"],
)  # fmt: skip
def test_of_forms_that_are_not_known_here_nothing_is_sure(text: str) -> None:
    assert Patterns(Regex(regex=text)).anchors is None


@pytest.mark.parametrize("others", [0, 40])
def test_a_long_name_is_looked_through_where_that_is_less_work(others: int) -> None:
    asked = ["a*b", "*xa*", "*bx*", *(f"*{number}0*" for number in range(others))]
    matches = [Match(MatchSpec.model_validate({"node": {"name": name}})) for name in asked]
    node = Node(name="a" + "xa" * 9 + "b")
    found = Lookup([(match, at) for at, match in enumerate(matches)]).of(_at(node), sure=True)
    assert found == ([0, 1] if others else [0, 1, 2])  # the last was to be asked


@given(
    st.lists(st.one_of(_asked, st.just({})), min_size=1, max_size=6),
    st.lists(_nodes, max_size=3),
    st.booleans(),
)
def test_alternatives_are_looked_up_and_say_what_each_would(
    asked: list[dict[str, Any]], nodes: list[Node], negated: bool
) -> None:
    parts = [{"node": node} if node else {"check": "X"} for node in asked]
    whole: dict[str, Any] = {"any": parts}
    match = Match(MatchSpec.model_validate({"not": whole} if negated else whole))
    alone = [Match(MatchSpec.model_validate({"not": part} if negated else part)) for part in parts]
    target = Target("X", "node", FACTS, nodes=tuple(nodes))
    together = all_of if negated else any_of
    assert match.fits_rule(target) is together([part.fits_rule(target) for part in alone])
    assert match.fits_waiver(target) is together([part.fits_waiver(target) for part in alone])


def _counted_asking(body: dict[str, Any], given: bytes) -> tuple[str, int]:
    """The outcome, and how often a node was compared with what a rule or waiver asks of it."""
    asked = 0
    fits = NodePatterns.fits

    def counted(patterns: NodePatterns, node: Node) -> Any:
        nonlocal asked
        asked += 1
        return fits(patterns, node)

    with mock.patch.object(NodePatterns, "fits", counted):
        return judged(body, given).outcome, asked


@pytest.mark.parametrize("pattern", ["name-{}-*", "*-{}-x", "*-{}-*", "name-{}-x"])
def test_many_patterns_and_many_nodes_do_not_multiply(pattern: str) -> None:
    nodes = [stage(f"{number}-x", item()) for number in range(300)]
    asked = [{"name": pattern.format(number)} for number in range(0, 600, 2)]
    waived = policy(waivers=[waiver(f"w-{n}", node=part) for n, part in enumerate(asked)])
    outcome, count = _counted_asking(response(nodes=nodes), waived)
    assert outcome == "fail"
    assert count < 3 * len(nodes)  # of 300 × 300
    rules = [
        {"id": f"r-{number}", "match": {"node": part}, "effect": "fail"}
        for number, part in enumerate(asked)
    ]
    lenient: dict[str, Any] = {"defaults": {"unmatched": "warn"}}
    outcome, count = _counted_asking(response(nodes=nodes), policy(rules, **lenient))
    assert outcome == "fail"
    assert count < 3 * len(nodes)


@pytest.mark.parametrize("outer", [{}, {"check": "Sample*"}])
def test_many_alternatives_and_many_nodes_do_not_multiply(outer: dict[str, str]) -> None:
    nodes = [stage(f"{number}-x", item()) for number in range(300)]
    asked = [{"node": {"name": f"name-{number}-x"}} for number in range(0, 600, 2)]
    rule = {"id": "r", "match": {**outer, "any": asked}, "effect": "fail"}
    given = policy([rule], defaults={"unmatched": "warn"})
    outcome, count = _counted_asking(response(nodes=nodes), given)
    assert outcome == "fail"
    assert count < 3 * len(nodes)


def test_many_waivers_with_alternatives_and_many_nodes_do_not_multiply() -> None:
    nodes = [stage(f"{number}-x", item()) for number in range(300)]
    waived = [
        waiver(f"w-{n}", any=[{"node": {"name": f"name-{n + more}-x"}} for more in range(2)])
        for n in range(0, 600, 2)
    ]
    outcome, count = _counted_asking(response(nodes=nodes), policy(waivers=waived))
    assert outcome == "pass"
    assert count < 10 * len(nodes)


def test_alternatives_are_for_some_nodes_only_where_each_is() -> None:
    def is_looked_up(**asked: Any) -> bool:
        return is_for_nodes(Match(MatchSpec.model_validate(asked)))

    one, other = {"node": {"name": "a"}}, {"node": {"name": "b*", "uid": {"regex": ".*"}}}
    assert is_looked_up(any=[one, other])
    assert is_looked_up(any=[{"any": [one]}, other])
    assert is_looked_up(any=[one, {"node": {"uid": "u"}}])
    assert is_looked_up(node={"name": "c"}, any=[{"check": "X"}])
    assert is_looked_up(node={"status": "Active"}, any=[one])
    for more in ({"check": "X"}, {"message": "m"}, {"node": {"name": "*"}}, {"not": one}):
        assert not is_looked_up(any=[one, more])
        assert not is_looked_up(any=[more, one])
    assert not is_looked_up(**{"not": {"any": [one]}})


@pytest.mark.parametrize("key", ["uid", "name"])
def test_whatever_a_name_may_fit_is_found(key: str) -> None:
    """In other capitals, with wide signs on either side: left open, and not passed over."""
    names = ["web-1", "Web-1", "WEB-1", "a(b)", "a\uff08b\uff09", "a\uff08b)", "\u8282-1", "x"]
    parts = [
        (Match(MatchSpec.model_validate({"node": {key: pattern}})), (key, str(pattern)))
        for pattern in [
            *names,
            *({"equals": name} for name in names),
            "web-*",
            "*(b)",
            ["x", "Web-1"],
        ]
    ]
    index = Lookup(parts)
    facts = Facts(None, None, None, lambda _: None)
    for name in names:
        node = Node(**{key: name})
        target = Target(check="A", scope="node", facts=facts, nodes=(node,))
        found = index.of(target, sure=False)
        fitting = [part for match, part in parts if match.fits_rule(target) is not False]
        assert set(fitting) <= set(found)
        assert fitting


def test_a_name_with_wide_signs_may_be_what_a_pattern_fits() -> None:
    wide = "prod\uff081\uff09"
    for pattern in ("prod(*", "prod(1)", ["prod(1)", "\u6c60"]):
        assert fits_name(Patterns(pattern), wide) is None
    assert fits_name(Patterns("test(*"), wide) is False
    assert fits_name(Patterns(["a", "(1\uff09"]), "(1)") is None
    assert fits_name(Patterns(["a", "c"]), "b") is False


def test_all_that_may_be_for_a_node_are_found() -> None:
    """Whatever stands before them in a policy, and whatever of a node is missing."""
    asked: list[dict[str, Any]] = [
        {"check": "A"}, {"node": {"name": "a*"}}, {"check": "B"}, {"node": {"uid": "u"}},
        {"node": {"name": "*bc*"}}, {"node": {"name": "a*"}},
    ]  # fmt: skip
    parts = [(Match(MatchSpec.model_validate(match)), at) for at, match in enumerate(asked)]
    lookup = Lookup(parts)
    # The fourth is asked rather than looked for: a single one, within names of several signs.
    for name, found in (("ax", [1, 4, 5]), ("bc", [4]), ("xbc", [4]), ("bcx", [4]), ("x", []),
                        ("abcx", [1, 4, 5])):  # fmt: skip
        assert lookup.of(_at(Node(name=name)), sure=True) == sorted([0, 2, *found])
        assert lookup.of(_at(Node(uid="u", name=name)), sure=True) == sorted([0, 2, 3, *found])
        assert lookup.of(_at(Node(name=name)), sure=False) == sorted([0, 2, 3, *found])


def test_whatever_else_is_looked_for_each_kind_of_pattern_is_found() -> None:
    """At the very end of a name too, and by the other key of a node whose name nobody can read."""
    within = [{"name": f"*{number}x*"} for number in range(40)]
    asked: list[dict[str, Any]] = [
        *within, {"name": "*pool*"}, {"name": "a-*"}, {"name": "*-z"}, {"uid": "u-1"},
    ]  # fmt: skip
    lookup = Lookup(
        [(Match(MatchSpec.model_validate({"node": node})), at) for at, node in enumerate(asked)]
    )
    for name, found in (("b-pool", [40]), ("pool-b", [40]), ("a-b", [41]), ("b-z", [42]),
                        ("a-pool-z", [40, 41, 42])):  # fmt: skip
        assert lookup.of(_at(Node(uid="n", name=name)), sure=True) == found
    assert lookup.of(_at(Node(uid="u-1", name="a-\u200bb")), sure=True) == [43]
    assert lookup.of(_at(Node(uid="u-1", name=None)), sure=True) == [43]
    assert 43 in lookup.of(_at(Node(uid="u-1", name="a-\u200bb")), sure=False)
    # Asked rather than looked for: of the others none is lost.
    few = Lookup(
        [(Match(MatchSpec.model_validate({"node": node})), at)
         for at, node in enumerate([{"name": "*pool*"}, {"name": "a-*"}, {"name": "*-z"}])]
    )  # fmt: skip
    assert few.of(_at(Node(name="a-b-c-z")), sure=True) == [0, 1, 2]


_said = st.one_of(st.none(), st.text(st.sampled_from("ab-A.\n\uff08 7[]!"), max_size=8))
_texts = st.one_of(
    st.text(st.sampled_from("ab-A.*?[]! 7"), min_size=1, max_size=6),
    st.sampled_from(
        [
            "a.*",
            ".*b",
            "(?s)a.*b",
            "a|b",
            "ab+-?",
            "[ab]a",
            "a\\.b",
            ".*a 7.*",
            "\\[a\\]",
            ".*\uff08?7",
            "a{2}7.*",
            "a +b",
            ".*-!.*",
            "(a|b) 7?.*",
            "7+?a",
        ]
    ).map(lambda text: {"regex": text}),
    st.text(st.sampled_from("ab-A."), min_size=1, max_size=4).map(lambda text: {"equals": text}),
)


@given(
    st.lists(st.one_of(_texts, st.lists(_texts, min_size=1, max_size=3)), min_size=1, max_size=8),
    _said,
    st.booleans(),
)
def test_what_is_for_another_message_is_not_found_and_nothing_else(
    asked: list[Any], message: str | None, sure: bool
) -> None:
    matches = [Match(MatchSpec.model_validate({"message": text})) for text in asked]
    target = Target("X", None, FACTS, message=message or None)
    found = Lookup([(match, at) for at, match in enumerate(matches)]).of(target, sure=sure)
    for number, match in enumerate(matches):
        if number not in found:
            assert match.fits_rule(target) is not True
            assert match.fits_waiver(target) is not True
            if not sure:
                assert match.fits_rule(target) is False
    whole = Match(MatchSpec.model_validate({"any": [{"message": text} for text in asked]}))
    assert whole.fits_rule(target) is any_of(match.fits_rule(target) for match in matches)


_mixed = st.recursive(
    st.one_of(
        st.fixed_dictionaries({"message": _texts}),
        st.fixed_dictionaries({"node": st.fixed_dictionaries({"name": _texts})}),
        st.fixed_dictionaries({"message": _texts, "node": st.just({"uid": "u-1"})}),
        st.fixed_dictionaries({"error_code": _patterns}),
        st.fixed_dictionaries({"addon": _patterns}),
        st.fixed_dictionaries({"error_code": _patterns, "addon": _patterns}),
        st.just({"kind": "Risk"}),
    ),
    lambda parts: st.builds(
        lambda own, key, some: {**own, key: some if key == "any" else some[0]},
        parts, st.sampled_from(["any", "any", "not"]), st.lists(parts, min_size=1, max_size=3),
    ),
    max_leaves=5,
)  # fmt: skip


def _filed(asked: list[dict[str, Any]]) -> Lookup[int]:
    matches = [Match(MatchSpec.model_validate(one)) for one in asked]
    return Lookup([(match, at) for at, match in enumerate(matches)])


def _found(asked: list[dict[str, Any]], **said: Any) -> list[int]:
    """By number what is looked up for a finding."""
    return _filed(asked).of(Target("X", "node", FACTS, **said), sure=True)


def _has(key: str, text: str) -> dict[str, Any]:
    if key == "message":
        return {"message": text}
    return {"error_codes": (text,)} if key == "error_code" else {"addons": ((None, text),)}


@pytest.mark.parametrize("key", ["message", "error_code", "addon"])
def test_by_each_key_a_match_is_looked_up(key: str) -> None:
    risk = {"kind": "Risk"}
    asked: list[dict[str, Any]] = [
        {"any": [{key: "a"}, {key: "b*"}]}, {"any": [{"any": [{key: "a"}]}]},
        {"any": [{key: "a"}, risk]}, {"any": [{key: "a"}, {key: "*"}]},
        {key: "*", "any": [{key: "a"}]}, {key: "b*", "any": [risk]}, {"not": {key: "a"}}, risk,
    ]  # fmt: skip
    always = [2, 3, 6, 7]
    assert _found(asked, **_has(key, "a")) == sorted([0, 1, 4, *always])
    assert _found(asked, **_has(key, "bc")) == sorted([0, 5, *always])
    assert _found(asked, **_has(key, "c")) == always
    assert _found(asked) == always


def test_of_several_keys_each_is_known() -> None:
    asked = {"message": "a", "error_code": "a", "addon": "b*", "node": {"name": "*", "uid": "a"}}
    whole = [("whole", "a")]
    assert Match(MatchSpec.model_validate(asked)).anchors == {
        "uid": whole, "message": whole, "error_code": whole, "addon": [("start", "b")],
    }  # fmt: skip


def test_it_is_looked_up_by_what_fewest_share() -> None:
    """Whichever key that is; and each alternative by its own."""
    codes = [f"code.{at}" for at in range(9)]
    by_code: list[dict[str, Any]] = [
        *({"error_code": code, "node": {"name": "prod-*"}} for code in codes[:3]),
        *({"error_code": code, "message": "file *"} for code in codes[3:6]),
    ]
    here: dict[str, Any] = {"message": "file x", "nodes": (Node(name="prod-1"),)}
    for at, code in enumerate(codes[:6]):
        assert _found(by_code, **here, error_codes=(code,)) == [at]
    mixed: list[dict[str, Any]] = [
        {"any": [{"error_code": f"c-{at}"}, {"message": f"m-{at}"}]} for at in range(9)
    ]
    assert _found(mixed, error_codes=("c-3",), message="m-5") == [3, 5]
    assert _found(mixed, message="m-5") == [5]
    assert _found([*mixed, {"any": [{"error_code": "c-3"}, {"kind": "Risk"}]}]) == [9]


@given(
    st.lists(_mixed, min_size=1, max_size=6), _said, st.lists(_nodes, max_size=2),
    st.lists(_names, max_size=2).map(tuple),
    st.lists(st.tuples(_names, _names), max_size=2).map(tuple), st.booleans(),
)  # fmt: skip
def test_of_nested_matches_none_is_missed_either(
    asked: list[Any],
    message: str | None,
    nodes: list[Node],
    codes: tuple[str | None, ...],
    addons: tuple[tuple[str | None, str | None], ...],
    sure: bool,
) -> None:
    matches = [Match(MatchSpec.model_validate(one)) for one in asked]
    target = Target(
        "X", None, FACTS, kind="Risk", message=message or None, nodes=tuple(nodes),
        error_codes=codes, addons=addons,
    )  # fmt: skip
    lookup = Lookup([(match, at) for at, match in enumerate(matches)])
    found = lookup.of(target, sure=sure)
    assert set(lookup.for_nodes(tuple(nodes))) >= set(lookup.of(target, sure=False))
    for number, match in enumerate(matches):
        if number not in found:
            assert match.fits_waiver(target) is not True
            assert match.fits_rule(target) is not True
            if not sure:
                assert match.fits_rule(target) is False


def _said_by(key: str, text: str) -> dict[str, Any]:
    """The field of a check item that a key reads, with a text."""
    if key == "message":
        return {"message": text}
    if key == "error_code":
        return {"errorCodes": [text]}
    return {"riskSource": {"addonRisks": [{"addonTemplateName": text}]}}


@pytest.mark.parametrize("key", ["message", "error_code", "addon"])
@pytest.mark.parametrize("pattern", ["*node {} is*", {"equals": "the node {} is full"}])
def test_many_waivers_and_many_values_do_not_multiply(pattern: Any, key: str) -> None:
    said = "the node {} is full"
    nodes = [stage(f"n-{at}", item(**_said_by(key, said.format(at)))) for at in range(300)]
    waived = []
    for at in range(0, 600, 2):
        text = pattern.format(at) if isinstance(pattern, str) else {"equals": said.format(at)}
        waived.append(waiver(f"w-{at}", **{key: text}))
    asked = 0
    fits_waiver = Match.fits_waiver

    def counted(match: Match, *given: Any) -> Any:
        nonlocal asked
        asked += 1
        return fits_waiver(match, *given)

    with mock.patch.object(Match, "fits_waiver", counted):
        verdict = judged(response(nodes=nodes), policy(waivers=waived))
    assert sum(use.status == "used" for use in verdict.waivers) == 150
    assert asked < 40 * len(nodes)  # of 300 × 300; most tell why a few of them are for another


def test_for_many_checks_that_the_same_rules_look_at_they_are_filed_once() -> None:
    nodes = [stage(f"n-{at}", item(f"Check{at}"), name=f"node-{at}") for at in range(200)]
    asked = [{"id": f"r-{at}", "match": {"node": {"name": f"node-{at}"}}, "effect": "warn",
              "limit": {"of": "findings", "max": 0}} for at in range(30)]  # fmt: skip
    asked += [{"id": f"s-{at}", "match": {"node": {"name": f"node-{at}"}}, "effect": "warn"}
              for at in range(30)]  # fmt: skip
    filed = 0
    made = Lookup.__init__

    def counted(lookup: Lookup[Any], parts: Any, *keys: Any) -> None:
        nonlocal filed
        filed += len(parts)
        made(lookup, parts, *keys)

    with mock.patch.object(Lookup, "__init__", counted):
        verdict = judged(response(nodes=nodes), policy(asked))
    assert {name: use.hits for use in verdict.rules if (name := use.id) in ("r-7", "s-7")} == {
        "r-7": 1, "s-7": 1,
    }  # fmt: skip
    assert filed < 200  # of 200 × 60


def test_each_of_several_values_is_looked_up() -> None:
    said: dict[str, dict[str, Any]] = {
        "error_code": {"error_codes": ("a", "b")},
        "addon": {"addons": (("a", None), ("x", "b"))},
    }
    for key, values in said.items():
        assert _found([{key: "a"}, {key: "b"}, {key: "c"}], **values) == [0, 1]


def test_what_a_missing_value_leaves_open_is_found() -> None:
    asked: list[dict[str, Any]] = [
        {"error_code": "a"}, {"addon": "a"}, {"message": "a"}, {"node": {"name": "a"}}
    ]  # fmt: skip
    lookup = _filed([*asked, {"kind": "Risk"}])
    nothing = Target("X", "node", FACTS, nodes=(Node(uid="u"),))
    assert lookup.of(nothing, sure=False) == [0, 1, 2, 3, 4]
    assert lookup.of(nothing, sure=True) == [4]


def test_of_what_a_node_says_alone_nothing_else_is_left_out() -> None:
    asked: list[dict[str, Any]] = [
             {"message": "a"}, {"node": {"name": "a"}}, {"error_code": "a"},
             {"node": {"uid": "a"}}, {"addon": "a"}, {"kind": "Risk"}]  # fmt: skip
    lookup = _filed(asked)
    assert lookup.for_nodes((Node(uid="b", name="b"),)) == [0, 2, 4, 5]
    assert lookup.for_nodes((Node(uid="b", name="a"),)) == [0, 1, 2, 4, 5]
    assert lookup.for_nodes((Node(uid="b", name=None),)) == [0, 1, 2, 4, 5]
    assert lookup.for_nodes(()) == [0, 2, 4, 5]
    by_others = _filed([{"message": "a"}, {"addon": "a"}])
    assert by_others.for_nodes((Node(name="b"),)) == [0, 1]
