"""Layers: an overlay may add and tighten; weakening needs the base's leave."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from reporter.errors import PolicyError
from reporter.policy.evaluate import evaluate
from reporter.policy.load import Policy
from reporter.sources.read import read
from tests.policy.build import AT, item, response

BASE: dict[str, Any] = {
    "defaults": {"unmatched": "warn", "skipped": "fail"},
    "evidence": {"fresh": {"max_age": "24h"}, "complete": {"min_nodes": 3}},
    "rules": [
        {"id": "exceptions", "match": {"kind": "Exception"}, "effect": "fail", "locked": True},
        {"id": "risks", "match": {"kind": "Risk"}, "effect": "warn"},
    ],
    "max_waiver_days": 90,
}


def write(folder: Path, name: str, **content: Any) -> Path:
    head = {"apiVersion": "precheck.policy/v1", "kind": "Policy", "metadata": {"name": name}}
    path = folder / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(head | content, sort_keys=False))
    return path


def stack(folder: Path, overlay: dict[str, Any], **base: Any) -> Policy:
    write(folder, "base", **(BASE | base))
    return Policy.load(write(folder, "top", extends="base.yaml", **overlay))


def test_bases_that_stand_side_by_side_are_as_policies_that_are_given_so(tmp_path: Path) -> None:
    """A rule of one base that stands in for the other's stricter default is named."""
    warns = {"id": "warns", "match": {"kind": "Risk"}, "effect": "warn"}
    lenient = write(tmp_path, "lenient", rules=[warns], defaults={"unmatched": "warn"})
    strict = write(tmp_path, "strict", overridable=["defaults.unmatched"])
    bases = ["lenient.yaml", "strict.yaml"]
    both = write(tmp_path, "both", extends=bases)
    once_more = write(tmp_path, "once-more", extends="both.yaml")
    own = {"id": "own", "match": {"check": "SampleCheck"}, "effect": "warn"}
    write(tmp_path, "loose", rules=[warns], overridable=["defaults.unmatched"])
    said = {"defaults": {"unmatched": "warn"}}
    anew = write(tmp_path, "anew", extends=["loose.yaml", "strict.yaml"], **said)
    owning = write(tmp_path, "owning", extends=["loose.yaml", "strict.yaml"], rules=[own], **said)

    def displacing(*sources: Path) -> list[Any]:
        given = Policy.load(*sources)
        verdict = evaluate(read(json.dumps(response(item())).encode()), given, at=AT, now=AT)
        code = "condition.default-displaced"
        return [part.params["rules"] for part in verdict.conditions if part.code == code]

    said_again = write(tmp_path, "again", extends=bases, rules=[{**warns, "title": "Anew"}])
    for sources in (
        [lenient, strict], [both], [once_more], [both, lenient], [strict, both], [said_again],
    ):  # fmt: skip
        assert displacing(*sources) == [["warns"]]
    # Whoever says the default anew, on top of both, means it.
    assert displacing(anew) == displacing(owning) == displacing(lenient) == []
    assert displacing(anew, strict) == [["warns"]]


def test_an_overlay_adds_and_tightens(tmp_path: Path) -> None:
    policy = stack(
        tmp_path,
        {
            "defaults": {"unmatched": "fail"},
            "evidence": {"fresh": {"max_age": "12h"}, "complete": {"required_checks": "A"}},
            "rules": [
                {"id": "risks", "match": {"kind": "Risk"}, "effect": "fail", "title": "None"},
                {"id": "mine", "match": {"check": "X"}, "effect": "fail"},
            ],
            "max_waiver_days": 30,
        },
    )
    assert [rule.id for rule in policy.rules] == ["exceptions", "risks", "mine"]
    assert {rule.id: rule.effect for rule in policy.rules}["risks"] == "fail"
    assert (policy.unmatched, policy.skipped) == ("fail", "fail")
    assert [Path(file.source).name for file in policy.files] == ["top.yaml", "base.yaml"]
    ages = [spec.fresh.max_age for spec in policy.evidence]
    assert ages == ["24h", "12h"]


@pytest.mark.parametrize(
    ("overlay", "problem"),
    [
        ({"defaults": {"unmatched": "note"}}, "defaults.unmatched says note where its base says"),
        ({"defaults": {"skipped": "warn"}}, "defaults.skipped says warn"),
        ({"evidence": {"recognised": "warn"}}, "evidence.recognised says warn where its base says"),
        ({"evidence": {"fresh": {"max_age": "48h"}}}, "has max_age 48h where its base has 24h"),
        ({"evidence": {"fresh": "off"}}, "evidence.fresh says off"),
        ({"evidence": {"complete": {"min_nodes": 2}}}, "has min_nodes 2"),
        ({"evidence": {"complete": {"sections": {"addon": "optional"}}}}, "makes the addon"),
        ({"evidence": {"unexpired": {"validity": "1h"}}}, "counts a validity"),
        ({"rules": [{"id": "risks", "match": {"kind": "Risk"}, "effect": "note"}]},
         'rule "risks" says note, weaker than the one at'),
        ({"rules": [{"id": "risks", "match": {"check": "X"}, "effect": "fail"}]},
         'rule "risks" differs in its match from the one at'),
        ({"rules": [{"id": "exceptions", "match": {"kind": "Exception"}, "effect": "warn"}]},
         "is locked"),
        ({"rules": [{"id": "risks", "match": {"kind": "Risk"}, "effect": "fail",
                     "effective_on": "2027-01-01"}]}, "takes effect later"),
        ({"max_waiver_days": 120}, "max_waiver_days allows 120 days, its base 90"),
        ({"waivers_may_be_permanent": True}, "allows permanent waivers"),
        ({"overridable": ["exceptions"]}, "is not this policy's to release"),
        ({"overridable": ["excepions"]}, 'did you mean "exceptions"'),
    ],
)  # fmt: skip
def test_weakening_is_refused_with_both_places(
    tmp_path: Path, overlay: dict[str, Any], problem: str
) -> None:
    with pytest.raises(PolicyError) as caught:
        stack(tmp_path, overlay)
    assert problem in caught.value.message
    assert "top.yaml:" in caught.value.message
    if "overridable" not in overlay and "recognised" not in str(overlay):
        assert "base.yaml:" in caught.value.message or "default" in caught.value.message


def test_what_the_base_lists_may_be_weakened_and_a_locked_rule_never(tmp_path: Path) -> None:
    listed = ["risks", "defaults.unmatched", "evidence.fresh", "exceptions"]
    policy = stack(
        tmp_path,
        {
            "defaults": {"unmatched": "note"},
            "evidence": {"fresh": "off"},
            "rules": [{"id": "risks", "match": {"check": "X"}, "effect": "note"}],
        },
        overridable=listed,
    )
    assert policy.unmatched == "note"
    assert {spec.fresh.level for spec in policy.evidence} == {"off"}
    weaker = {"id": "exceptions", "match": {"kind": "Exception"}, "effect": "warn"}
    with pytest.raises(PolicyError, match="is locked"):
        stack(tmp_path, {"rules": [weaker]}, overridable=listed)


def test_a_weaker_rule_that_is_added_does_not_replace_the_base_default(tmp_path: Path) -> None:
    import json

    from reporter.policy.evaluate import evaluate
    from reporter.sources.read import read
    from tests.policy.build import AT, item, response

    write(tmp_path, "base")
    top = write(
        tmp_path,
        "top",
        extends=["base.yaml"],
        rules=[{"id": "all", "match": {"check": "*"}, "effect": "note", "reason": "no"}],
    )
    body = read(json.dumps(response(item())).encode())
    assert evaluate(body, Policy.load(top), at=AT, now=AT).outcome == "fail"
    alone = write(
        tmp_path,
        "alone",
        rules=[{"id": "all", "match": {"check": "*"}, "effect": "note", "reason": "no"}],
    )
    assert evaluate(body, Policy.load(alone), at=AT, now=AT).outcome == "pass"


def test_bases_are_found_beside_the_file_that_names_them(tmp_path: Path) -> None:
    write(tmp_path, "org", rules=[{"id": "o", "match": {"kind": "Exception"}, "effect": "fail"}])
    write(tmp_path / "teams", "team", extends=["../org.yaml", "builtin:recommended"])
    policy = Policy.load(write(tmp_path / "teams" / "a", "top", extends="../team.yaml"))
    assert "o" in {rule.id for rule in policy.rules}
    assert len(policy.files) == 4


@pytest.mark.parametrize(
    ("extends", "problem"),
    [
        ("/etc/passwd", '"/etc/passwd" is no base'),
        ("https://example.com/p.yaml", "is no base"),
        ("none.yaml", "none.yaml: no such file"),
        ("a\0b", "is no base"),
        ("builtin:recomended", 'did you mean "builtin:recommended"'),
        ("top.yaml", "a circle"),
        ([], "an empty list"),
        ("", "an empty text"),
    ],
)
def test_bases_that_are_none(tmp_path: Path, extends: Any, problem: str) -> None:
    path = write(tmp_path, "top", extends=extends)
    with pytest.raises(PolicyError) as caught:
        Policy.load(path)
    assert problem in caught.value.message
    assert caught.value.message.startswith(f"{path}:")


def test_a_longer_circle(tmp_path: Path) -> None:
    write(tmp_path, "a", extends="b.yaml")
    write(tmp_path, "b", extends="c.yaml")
    path = write(tmp_path, "c", extends="a.yaml")
    with pytest.raises(PolicyError, match="a circle"):
        Policy.load(path)


def test_a_released_rule_is_kept_by_a_layer_that_tightens_it(tmp_path: Path) -> None:
    write(tmp_path, "base", **BASE, overridable=["risks"])
    tight = {"id": "risks", "match": {"kind": "Risk"}, "effect": "fail"}
    write(tmp_path, "middle", extends="base.yaml", rules=[tight])
    loose = {"id": "risks", "match": {"kind": "Risk"}, "effect": "note"}
    top = write(tmp_path, "top", extends="middle.yaml", rules=[loose])
    with pytest.raises(PolicyError, match='"risks" says note, weaker'):
        Policy.load(top)
