"""Who may release what: only whoever has it, and of several bases all that have it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reporter.errors import PolicyError
from reporter.policy.load import Policy
from tests.policy.test_layers import write

RULE: dict[str, Any] = {"id": "exceptions", "match": {"kind": "Exception"}, "effect": "fail"}
WARN = {**RULE, "effect": "warn"}


def test_a_rule_of_two_bases_is_released_by_both_or_not_at_all(tmp_path: Path) -> None:
    write(tmp_path, "keeps", rules=[RULE])
    write(tmp_path, "copy", rules=[RULE], overridable=["exceptions"])
    write(tmp_path, "other", rules=[{**RULE, "id": "other"}])
    write(tmp_path, "mid", extends="keeps.yaml")
    for bases in (["keeps.yaml", "copy.yaml"], ["copy.yaml", "keeps.yaml"], ["copy.yaml",
                  "mid.yaml"]):  # fmt: skip
        top = write(tmp_path, "top", extends=bases, rules=[WARN])
        with pytest.raises(PolicyError, match='rule "exceptions" says warn, weaker than the one'):
            Policy.load(top)
        top = write(tmp_path, "top", extends=bases, overridable=["exceptions"])
        with pytest.raises(PolicyError, match='"exceptions" is not this policy\'s to release'):
            Policy.load(top)
    # A base without that rule has nothing to say about it.
    for released in (["copy.yaml"], ["copy.yaml", "other.yaml"], ["other.yaml", "copy.yaml"]):
        top = write(tmp_path, "top", extends=released, rules=[WARN])
        assert {rule.id: rule.effect for rule in Policy.load(top).rules}["exceptions"] == "warn"


def test_a_setting_of_two_bases_is_released_by_both_or_not_at_all(tmp_path: Path) -> None:
    write(tmp_path, "silent", waiver_requires=["ticket"])
    for name in ("one", "two"):
        write(tmp_path, name, overridable=["defaults.unmatched"])
    loose = {"defaults": {"unmatched": "note"}}
    for bases in (["silent.yaml", "one.yaml"], ["one.yaml", "silent.yaml"]):
        with pytest.raises(PolicyError, match=r"defaults\.unmatched says note where its base"):
            Policy.load(write(tmp_path, "top", extends=bases, **loose))
    both = write(tmp_path, "top", extends=["one.yaml", "two.yaml"], **loose)
    assert Policy.load(both).unmatched == "note"


@pytest.mark.parametrize(
    "setting",
    ["defaults.unmatched", "defaults.skipped", "evidence.unexpired", "waivers_may_be_permanent"],
)
@pytest.mark.parametrize("base", [{}, {"waiver_requires": ["ticket"]}, {"rules": [RULE]}])
def test_a_base_that_says_nothing_keeps_the_languages_own_defaults(
    tmp_path: Path, base: dict[str, Any], setting: str
) -> None:
    write(tmp_path, "base", **base)
    top = write(tmp_path, "top", extends="base.yaml", overridable=[setting])
    with pytest.raises(PolicyError, match=f'"{setting}" is not this policy\'s to release'):
        Policy.load(top)


def test_a_rule_called_like_a_setting_does_not_release_the_setting(tmp_path: Path) -> None:
    write(tmp_path, "base", rules=[RULE])
    rule = {"id": "defaults.unmatched", "match": {"check": "X"}, "effect": "fail"}
    write(tmp_path, "middle", extends="base.yaml", rules=[rule], overridable=[rule["id"]])
    top = write(tmp_path, "top", extends="middle.yaml", defaults={"unmatched": "note"})
    with pytest.raises(PolicyError, match=r'"defaults.unmatched" is not this policy\'s to release'):
        Policy.load(top)


def test_an_empty_base_checks_the_names_that_are_released_on_it(tmp_path: Path) -> None:
    write(tmp_path, "base")
    top = write(tmp_path, "top", extends="base.yaml", overridable=["defaults.unmached"])
    with pytest.raises(PolicyError, match=r'did you mean "defaults\.unmatched"'):
        Policy.load(top)


def test_what_a_layer_adds_is_its_own_to_release(tmp_path: Path) -> None:
    write(tmp_path, "base")
    write(tmp_path, "middle", extends="base.yaml", rules=[RULE], overridable=["exceptions"])
    top = write(tmp_path, "top", extends="middle.yaml", rules=[WARN])
    assert [rule.effect for rule in Policy.load(top).rules] == ["warn"]


def test_what_a_released_line_does_not_mention_stays_its_bases(tmp_path: Path) -> None:
    kept = {"min_nodes": 3, "required_checks": ["A", "B"], "sections": {"node": "optional"}}
    released = ["evidence.complete"]
    write(tmp_path, "base", evidence={"complete": kept}, overridable=released)
    for own, changed in (
        ({"min_nodes": 0}, {"min_nodes": 0}),
        ("warn", {"level": "warn"}),
        ({"sections": {"addon": "optional"}},
         {"sections": {"cluster": "required", "addon": "optional", "node": "optional"}}),
        ({"min_nodes": 1, "required_checks": "C"},
         {"min_nodes": 1, "required_checks": ["A", "B", "C"]}),
    ):  # fmt: skip
        top = write(tmp_path, "top", extends="base.yaml", evidence={"complete": own})
        lines = [spec.complete.model_dump(exclude_none=True) for spec in Policy.load(top).evidence]
        under = {"level": "require", **kept, "sections": {
            "cluster": "required", "addon": "required", "node": "optional"}}  # fmt: skip
        assert under | changed in lines
        assert under not in lines
