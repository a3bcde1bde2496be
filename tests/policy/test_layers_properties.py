"""What holds for any policies: a layer never makes anything milder, and order never matters.

Judged are a response in which every kind of finding fails, each finding by itself, and one in which
nothing fails but the evidence is thin. The dice are seeded; `LAYER_CASES=5000` rolls them longer.
"""

from __future__ import annotations

import copy
import itertools
import json
import os
import random
from datetime import UTC, datetime
from typing import Any

import yaml

from reporter.errors import PolicyError
from reporter.policy.evaluate import evaluate
from reporter.policy.layers import SETTINGS
from reporter.policy.load import Policy
from reporter.sources.read import read
from tests.policy.build import AT, item, outcomes, policy, response, stage

CASES = int(os.environ.get("LAYER_CASES", "80"))
LATER = datetime(2026, 3, 3, tzinfo=UTC)
"""After the day that rules are postponed to, where they are not postponed for good."""
MILDNESS = {"pass": 0, "note": 1, "waived": 1, "warn": 2, "unknown": 3, "fail": 4}
VERDICTS = ("pass", "inconclusive", "fail")
IDS = ("a", "b", "c")

FAILING = response(
    *(
        item(name, kind=kind, level=level, message=message, flag=flag)
        for name, kind, level, message, flag in (
            ("A", "Risk", "Info", "one", True),
            ("A", "Risk", "Fatal", None, 1),
            ("B", "Risk", "Warning", "two", False),
            ("A", "Exception", "Fatal", "one", True),
            ("B", "Exception", "Info", "two", 1),
            ("A", "Hazard", "Fatal", "one", 0),
            ("B", "Hazard", None, "one", True),
            ("C", None, "Warning", "two", 1),
        )
    ),
    nodes=[stage("n-1", item("A", "Running"), item("C", level="Odd"), item("B", "Success"))],
    spec={"skippedCheckItemList": [{"name": "B"}]},
)
THIN = response(item("A", "Success"), addons=[], spec={"skippedCheckItemList": [{"name": "B"}]})
del THIN["status"]["expireTimeStamp"]
RESPONSES = [read(json.dumps(body).encode()) for body in (FAILING, THIN)]


MATCHES: dict[str, tuple[Any, ...]] = {
    "check": ("A", "B", "*", ["A", "C"]),
    "kind": ("Risk", "Exception", "Hazard", "Hazard"),
    "level": ("Info", "Fatal", "Odd", {"regex": "I.*|F.*"}),
    "message": ("one", "two"),
}
RARER: dict[str, tuple[Any, ...]] = {
    "phase": ("Failed", "Running", "*"),
    "scope": ("cluster", "node"),
    "node": ({"name": "name-n-1"}, {"name": "n-9", "type": "node"}),
    "target_version": (">=1.31", "<1.31"),
    "any": ([{"kind": "Risk"}, {"level": "Odd"}], [{"check": "B", "kind": "Hazard"}]),
    "not": ({"level": "Fatal"}, {"kind": "Risk", "check": "A"}, {"message": "one"}),
}
EFFECTS = ("fail", "warn", "note")
FLAGS = (True, 1, False, 0)
EVIDENCE: dict[str, tuple[Any, ...]] = {
    "recognised": ("require", "warn", "warn"),
    "finished": ("warn", "require"),
    "consistent": ("warn", "off"),
    "complete": (
        "warn",
        {"sections": {"addon": "optional"}},
        {"required_checks": ["A", "Z"], "sections": {"node": "optional"}},
        {"level": "off", "min_nodes": 2},
        {"required_on_every_node": "B", "min_nodes": 1},
    ),
    "unexpired": ("warn", {"validity": "1h"}, {"validity": "9d"}, {"level": "off"}),
    "fresh": ({"max_age": "20m"}, {"max_age": "9d"}, {"level": "warn", "max_age": "1h"}),
    "identity": ("warn", "off"),
}
DEMANDS: dict[str, tuple[Any, ...]] = {
    "waivers_may_be_permanent": (True, False),
    "max_waiver_days": (30, 400, 36_500),
    "waiver_requires": (["ticket"], ["approved_by"], ["max_findings"]),
}
WAIVERS: dict[str, tuple[Any, ...]] = {
    "check": ("A", "B", "*", "SampleAddon"),
    "expires": ("2026-03-01", "2026-03-20", "2026-12-31"),
    "ticket": ("CHG-1",),
    "approved_by": ("somebody",),
    "max_findings": (99,),  # one that is exceeded covers more when a layer keeps some from it
    "level": ("Info", "Warning", "Odd"),
}


class Dice(random.Random):
    """Chances in per cent."""

    def rolls(self, percent: int) -> bool:
        return self.random() * 100 < percent


def ruled(dice: Dice, name: str) -> dict[str, Any]:
    match: dict[str, Any] = {
        key: dice.choice(values) for key, values in MATCHES.items() if dice.rolls(30)
    }
    for key, values in RARER.items():
        if dice.rolls(7):
            match[key] = dice.choice(values)
    if dice.rolls(35):
        match["where"] = [{"path": "$.flag", "equals": dice.choice(FLAGS)}]
    rule: dict[str, Any] = {
        "id": name,
        "match": match or {"check": "*"},
        "effect": dice.choice(EFFECTS),
    }
    rule["reason"] = "agreed"
    if dice.rolls(60 if rule["effect"] == "fail" else 5):
        rule["effective_on"] = dice.choice(("2026-03-02", "9999-12-31"))
    if dice.rolls(25):
        counted = {"of": dice.choice(("findings", "checks", "nodes")), "max": dice.randint(0, 4)}
        if dice.rolls(25):
            counted["max_percent"] = 20 * counted.pop("max")
        rule |= {"limit": counted, "below": dice.choice(("fail", *EFFECTS))}
    for key in ("waivable", "locked"):
        if dice.rolls(10):
            rule[key] = dice.rolls(50)
    return rule


def changed(dice: Dice, rule: dict[str, Any]) -> dict[str, Any]:
    """A rule with one thing changed, often for the stricter or for what looks the same."""
    new = copy.deepcopy(rule)
    if "limit" in new and dice.rolls(60):
        bound = "max" if "max" in new["limit"] else "max_percent"
        new["limit"][bound] = dice.randint(0, new["limit"][bound])
    elif "where" in new["match"] and dice.rolls(60):
        flag = new["match"]["where"][0]["equals"]
        new["match"]["where"][0]["equals"] = int(flag) if isinstance(flag, bool) else bool(flag)
    elif dice.rolls(20):
        new["effective_on"] = "2026-03-02"
    elif dice.rolls(20):
        key, values = dice.choice([*MATCHES.items(), *RARER.items()])
        new["match"][key] = dice.choice(values)
    elif dice.rolls(10):
        new["waivable"] = dice.rolls(50)
    else:
        new["effect"] = dice.choice(("fail", "fail", "warn", "note"))
    return new


def stack(dice: Dice, count: int, *, bases: int) -> list[dict[str, Any]]:
    """Policies, the later ones made of new rules and of rules of the earlier ones, changed.

    The first `bases` of them mostly repeat rules as they are: they stand side by side.
    """
    made: list[dict[str, Any]] = []
    known: dict[str, dict[str, Any]] = {}
    for number in range(count):
        written: dict[str, Any] = {}
        if dice.rolls(60 if number < bases else 30):
            written["defaults"] = {"unmatched": dice.choice(("warn", *EFFECTS))}
        if dice.rolls(15):
            written["defaults"] = {"skipped": dice.choice(EFFECTS)}
        if dice.rolls(40 if number < bases else 15):
            line = dice.choice(list(EVIDENCE))
            written["evidence"] = {line: dice.choice(EVIDENCE[line])}
        if dice.rolls(15):
            demand = dice.choice(list(DEMANDS))
            written[demand] = dice.choice(DEMANDS[demand])
        if dice.rolls(50):
            written["overridable"] = dice.sample((*IDS, *SETTINGS), 3)
        rules: dict[str, dict[str, Any]] = {}
        for name in dice.sample(IDS, dice.choice((0, 1, 1, 2))):
            if name not in known:
                rules[name] = ruled(dice, name)
            elif dice.rolls(85 if number < bases else 20):
                rules[name] = known[name]
            else:
                rules[name] = changed(dice, known[name])
        known |= rules
        made.append(written | {"rules": list(rules.values())})
    return made


def listed(written: dict[str, Any], names: set[str]) -> dict[str, Any]:
    """The same policy, releasing nothing but these."""
    own = {rule["id"] for rule in written["rules"]}
    released = [name for name in written.pop("overridable", []) if name in names]
    released = [name for name in released if name in own or name in SETTINGS]
    return written | ({"overridable": released} if released else {})


def waivers(dice: Dice) -> bytes:
    """A list of some, beside whatever policies there are."""
    made = []
    for number in range(dice.choice((0, 1, 1, 2))):
        keys = {key: dice.choice(values) for key, values in WAIVERS.items() if dice.rolls(50)}
        made.append(
            {"id": f"w-{number}", "check": "A", "reason": "agreed", "approved_on": "2026-02-20"}
            | keys
        )
    head = {"apiVersion": "precheck.policy/v1", "kind": "WaiverList", "metadata": {"name": "w"}}
    return yaml.safe_dump(head | {"waivers": made}).encode()


def loaded(
    written: dict[str, dict[str, Any]], *names: str, waived: bytes | None = None
) -> Policy | None:
    """What they come to; None where they are refused."""
    files = {
        f"{name}.yaml": policy(**{key: value for key, value in content.items() if value})
        for name, content in written.items()
    }
    try:
        lists = {"waivers": waived} if waived else {}
        return Policy.load_kept(files | lists, [f"{name}.yaml" for name in names], list(lists))
    except PolicyError:
        return None


def judged(rules: Policy) -> list[tuple[str, dict[str, str]]]:
    """The verdicts on both responses, on two days: each outcome, and that of each finding."""
    found: list[tuple[str, dict[str, str]]] = []
    for body, day in itertools.product(RESPONSES, (AT, LATER)):
        verdict = evaluate(body, rules, at=day, now=day)
        skips: dict[str, str] = {f"skip {skip.name}": skip.outcome for skip in verdict.skipped}
        found.append((verdict.outcome, outcomes(verdict) | skips))
    return found


def test_nothing_is_milder_under_a_layer_than_under_its_bases() -> None:
    """Whatever the layers between release, and the second base of what the first has too."""
    compared = 0
    for seed in range(CASES):
        dice = Dice(seed)
        first, second, mid, top = stack(dice, 4, bases=2)
        if dice.rolls(15):
            first = {"rules": []}
        first = listed(first, set())
        second = listed(second, {rule["id"] for rule in first["rules"]} | set(SETTINGS))
        below = ["first.yaml", "second.yaml"] if dice.rolls(50) else ["first.yaml"]
        mid = listed(mid, {*IDS, *SETTINGS}) | {"extends": below}
        top = listed(top, set()) | {"extends": ["mid.yaml"] if dice.rolls(35) else below}
        files = {"first": first, "second": second, "mid": mid, "top": top}
        waived = waivers(dice)
        layered = loaded(files, "top", waived=waived)
        bare = layered and loaded(files | {"bare": {"extends": below}}, "bare", waived=waived)
        if layered is None:
            continue
        assert bare is not None, (seed, files, waived)
        compared += 1
        for (verdict, before), (outcome, after) in zip(judged(bare), judged(layered), strict=True):
            assert VERDICTS.index(outcome) >= VERDICTS.index(verdict), (seed, files)
            for place, effect in before.items():
                milder = MILDNESS[after[place]] < MILDNESS[effect]
                assert not milder, (seed, place, files)
    assert compared > CASES // 6


def test_the_order_of_policies_and_of_bases_never_matters() -> None:
    compared = 0
    for seed in range(CASES // 3):
        dice = Dice(seed)
        base, *both, top = stack(dice, 4, bases=3)
        files = {"base": listed(base, set())}
        for name, written in zip(("one", "two"), both, strict=True):
            if dice.rolls(50):
                files[name] = listed(written, set()) | {"extends": "base.yaml"}
            else:
                files[name] = listed(written, set(SETTINGS))
        files["ab"] = listed(top, set()) | {"extends": ["one.yaml", "two.yaml"]}
        files["ba"] = files["ab"] | {"extends": ["two.yaml", "one.yaml"]}
        for orders in ((("one", "two"), ("two", "one")), (("ab",), ("ba",))):
            found, other = (loaded(files, *order) for order in orders)
            assert (found is None) == (other is None), (seed, files)
            if found is not None and other is not None:
                compared += 1
                assert judged(found) == judged(other), (seed, files)
    assert compared > CASES // 6
