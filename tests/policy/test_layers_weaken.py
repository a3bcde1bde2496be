"""What a rule of an overlay may leave a finding at, on whatever day."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reporter.errors import PolicyError
from reporter.policy.evaluate import evaluate
from reporter.policy.load import Policy
from reporter.record.model import Verdict
from reporter.sources.read import read
from tests.policy.build import AT, item, policy, response

LATER = {"effect": "fail", "effective_on": "9999-12-31"}
ALL = {"id": "all", "match": {"check": "*"}, "reason": "agreed"}


def files(**written: dict[str, Any]) -> dict[str, bytes]:
    return {f"{name}.yaml": policy(**content) for name, content in written.items()}


def verdict(body: dict[str, Any], kept: dict[str, bytes], *names: str, at: Any = AT) -> Verdict:
    loaded = Policy.load_kept(kept, [f"{name}.yaml" for name in names])
    return evaluate(read(json.dumps(body).encode()), loaded, at=at, now=AT)


def outcome(body: dict[str, Any], kept: dict[str, bytes], *names: str, at: Any = AT) -> str:
    return verdict(body, kept, *names, at=at).outcome


@pytest.mark.parametrize("effect", [LATER, {"effect": "warn"}, {"effect": "note"}])
def test_what_only_warns_for_now_does_not_stand_in_for_the_default(effect: dict[str, Any]) -> None:
    rules = [{**ALL, **effect}]
    kept = files(base={}, top={"extends": "base.yaml", "rules": rules}, alone={"rules": rules})
    assert outcome(response(item()), kept, "base") == "fail"
    assert outcome(response(item()), kept, "top") == "fail"
    assert outcome(response(item()), kept, "alone") == "pass"


def test_an_overlay_may_announce_a_rule() -> None:
    """Over a default that only warns it is told at once, and fails from its day on."""
    rule = {**ALL, "effect": "fail", "effective_on": "2026-03-02"}
    base = {"defaults": {"unmatched": "warn"}}
    kept = files(base=base, top={"extends": "base.yaml", "rules": [rule]})
    body = response(item(), expireTimeStamp="2026-04-01 11:00:00 +0000 UTC")
    before, after = (verdict(body, kept, "top", at=day) for day in ("2026-03-01", "2026-03-02"))
    assert (before.outcome, after.outcome) == ("pass", "fail")
    assert before.checks[0].entries[0].why.code == "decided.rule-postponed"


@pytest.mark.parametrize("default", ["fail", "warn", "note"])
@pytest.mark.parametrize("effect", [LATER, {"effect": "warn"}, {"effect": "note"}])
def test_a_rule_that_is_added_lifts_no_doubt(default: str, effect: dict[str, Any]) -> None:
    rule = {"id": "odd", "match": {"kind": "Hazard"}, **effect}
    base = {"defaults": {"unmatched": default}, "evidence": {"recognised": "warn"}}
    kept = files(
        base=base,
        top={"extends": "base.yaml", "rules": [rule]},
        told={**base, "rules": [rule]},
        released={**base, "overridable": ["defaults.unmatched"]},
        upon={"extends": "released.yaml", "rules": [rule]},
    )
    body = response(item(kind="Hazard"))
    assert outcome(body, kept, "base") == outcome(body, kept, "top") == "inconclusive"
    assert outcome(body, kept, "told") == outcome(body, kept, "upon") == "pass"


def test_a_released_rule_spells_no_more_than_it_did() -> None:
    base = {
        "defaults": {"unmatched": "warn"},
        "evidence": {"recognised": "warn"},
        "rules": [{**ALL, "effect": "warn"}],
        "overridable": ["all"],
    }
    spells = {**ALL, "match": {"check": "*", "kind": "Hazard"}, "effect": "warn"}
    kept = files(base=base, top={"extends": "base.yaml", "rules": [spells]})
    body = response(item(kind="Hazard"))
    assert outcome(body, kept, "base") == outcome(body, kept, "top") == "inconclusive"


def test_of_a_rule_in_two_policies_the_stricter_use_holds() -> None:
    rule = {**ALL, "effect": "note"}
    plain = {"defaults": {"unmatched": "note"}, "rules": [rule]}
    kept = files(plain=plain, base={}, top={"extends": "base.yaml", "rules": [rule]})
    for names in (("plain", "top"), ("top", "plain")):
        assert outcome(response(item()), kept, *names) == "fail"
    kept |= files(both={"extends": ["plain.yaml", "top.yaml"]})
    assert outcome(response(item()), kept, "both") == "fail"
    # Nor does it make a kind known in the one that it does not in the other.
    lenient = {"defaults": {"unmatched": "warn"}, "evidence": {"recognised": "warn"}}
    rules = [{"id": "odd", "match": {"kind": "Hazard"}, "effect": "warn"}]
    kept = files(
        plain={**lenient, "rules": rules},
        base=lenient,
        top={"extends": "base.yaml", "rules": rules},
    )
    for names in (("plain", "top"), ("top", "plain")):
        assert outcome(response(item(kind="Hazard")), kept, *names) == "inconclusive"


def few(allowed: int, **more: Any) -> dict[str, Any]:
    counted = {"of": "findings", "max": allowed}
    return {"id": "few", "match": {"kind": "Exception"}, "limit": counted, "below": "fail",
            "effect": "warn"} | more  # fmt: skip


@pytest.mark.parametrize(
    ("under", "own"),
    [
        (few(5), few(0)),
        (few(5), few(4, effect="fail")),
        (few(5, effect="note"), few(5)),
        (few(5, limit={"of": "nodes", "max_percent": 5}),
         few(5, limit={"of": "nodes", "max_percent": 4.5})),
    ],
)  # fmt: skip
def test_a_limit_that_is_exceeded_sooner_weakens_where_the_default_is_milder(
    under: dict[str, Any], own: dict[str, Any]
) -> None:
    base = {"defaults": {"unmatched": "warn"}, "rules": [under]}
    top = {"extends": "base.yaml", "rules": [own]}
    with pytest.raises(PolicyError) as caught:
        Policy.load_kept(files(base=base, top=top), ["top.yaml"])
    assert caught.value.message.endswith(
        'rule "few" is exceeded sooner and then leaves single findings at warn, weaker than the '
        "one at base.yaml:6:7"
    )
    # With a default as strict as `below`, or a base that releases it, it may be exceeded sooner.
    Policy.load_kept(files(base=base, top={**top, "defaults": {"unmatched": "fail"}}), ["top.yaml"])
    Policy.load_kept(files(base={**base, "overridable": ["few"]}, top=top), ["top.yaml"])
    milder = {**base, "rules": [{**under, "below": "warn"}]}
    Policy.load_kept(files(base=milder, top=top), ["top.yaml"])


def test_a_released_rule_may_look_at_less_and_not_stand_in_for_the_default_elsewhere() -> None:
    info: dict[str, Any] = {
        "id": "info",
        "match": {"kind": "Risk", "level": "Info"},
        "effect": "warn",
    }
    base = {"rules": [info], "overridable": ["info"]}
    narrower = {**info, "match": {**info["match"], "check": "Sample*"}, "effect": "note"}
    kept = files(base=base, top={"extends": "base.yaml", "rules": [narrower]})
    assert outcome(response(item(level="Info")), kept, "top") == "pass"
    assert outcome(response(item("Other", level="Info")), kept, "top") == "fail"
    wider = {"extends": "base.yaml", "rules": [{**info, "match": {"kind": "Risk"}}]}
    with pytest.raises(PolicyError) as caught:
        Policy.load_kept(files(base=base, top=wider), ["top.yaml"])
    assert caught.value.message == (
        'top.yaml:6:7: rule "info" may match what the one at base.yaml:6:7 does not, and says warn '
        "where its base's default says fail (the language's own default)"
    )
    both = {**base, "overridable": ["info", "defaults.unmatched"]}
    assert outcome(response(item()), files(base=both, top=wider), "top") == "pass"
    stricter = {**wider, "rules": [{**info, "match": {"kind": "Risk"}, "effect": "fail"}]}
    assert outcome(response(item()), files(base=base, top=stricter), "top") == "fail"


NARROW = {"id": "r", "match": {"check": "OnlyThisOne"}, "effect": "note", "reason": "agreed"}
WIDE = {**ALL, "id": "r"}


@pytest.mark.parametrize(
    "base",
    [{}, {"rules": [NARROW], "overridable": ["r"]}],
    ids=["the middle adds it", "the middle widens it"],
)
@pytest.mark.parametrize("below", [{}, {"limit": {"of": "findings", "max": 9}}])
def test_two_layers_do_not_together_what_one_may_not(
    base: dict[str, Any], below: dict[str, Any]
) -> None:
    """A rule that fails may be added and released; weakened by the next it replaces no default."""
    says = {"below": "fail"} if below else {}
    middle = {**WIDE, "effect": "fail", **below, **says}
    top = {**WIDE, "effect": "note", **below, **({"below": "note"} if below else {})}
    kept = files(
        base=base,
        middle={"extends": "base.yaml", "rules": [middle], "overridable": ["r"]},
        top={"extends": "middle.yaml", "rules": [top]},
    )
    assert outcome(response(item()), kept, "middle") == "fail"
    assert outcome(response(item()), kept, "top") == "fail"


def test_a_released_rule_that_looks_at_more_lifts_no_doubt() -> None:
    narrow = {"id": "r", "match": {"check": "OnlyThisOne", "kind": "Blocker"}, "effect": "warn"}
    base = {
        "defaults": {"unmatched": "warn"},
        "evidence": {"recognised": "warn"},
        "rules": [narrow],
        "overridable": ["r"],
    }
    wide = {**narrow, "match": {"kind": "Blocker"}}
    kept = files(base=base, top={"extends": "base.yaml", "rules": [wide]})
    body = response(item(kind="Blocker"))
    assert outcome(body, kept, "base") == outcome(body, kept, "top") == "inconclusive"


def test_everything_an_overlay_weakens_is_told_at_once() -> None:
    locked = {"id": "locked", "match": {"kind": "Exception"}, "effect": "fail", "locked": True}
    mine = {"id": "mine", "match": {"check": "a"}, "effect": "fail"}
    weaker = [{**part, "effect": "warn", "reason": "r"} for part in (locked, mine)]
    top = {
        "extends": "base.yaml",
        "defaults": {"unmatched": "warn"},
        "evidence": {"finished": "warn"},
        "rules": weaker,
    }
    kept = files(base={"rules": [locked, mine]}, top=top)
    with pytest.raises(PolicyError) as caught:
        Policy.load_kept(kept, ["top.yaml"])
    said = [line.partition(": ")[2].partition(" (")[0] for line in caught.value.problems]
    assert [line.partition(" than ")[0].partition(",")[0] for line in said] == [
        "defaults.unmatched says warn where its base says fail",
        "evidence.finished says warn where its base says require",
        'rule "locked" says warn',
        'rule "mine" says warn',
    ]
    assert "a locked rule never" in str(caught.value.hint)
    kept = files(base={"rules": [mine]}, top={"extends": "base.yaml", "rules": weaker[1:]})
    with pytest.raises(PolicyError) as caught:
        Policy.load_kept(kept, ["top.yaml"])
    assert (
        caught.value.hint == 'only where the base lists "mine" under overridable may it be weakened'
    )
