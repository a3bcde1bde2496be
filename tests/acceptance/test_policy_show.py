"""`policy show`: what holds, and where it was said."""

from __future__ import annotations

from pathlib import Path

import yaml

from tests.acceptance.run import ROOT, command

TOP = """apiVersion: precheck.policy/v1
kind: Policy
metadata: {name: top}
extends: builtin:recommended
evidence: {fresh: {max_age: 24h}}
rules:
  - id: mine
    match: {check: X}
    effect: fail
"""


def test_every_value_has_its_origin(tmp_path: Path) -> None:
    path = tmp_path / "top.yaml"
    path.write_text(TOP)
    waivers = ROOT / "policies" / "waivers" / "platform-team.yaml"
    run = command("policy", "show", path, "--waivers", waivers)
    assert run.code == 0, run.err
    assert f"- id: mine  # {path}:7" in run.out
    assert "- id: exceptions  # builtin:recommended:" in run.out
    assert f"fresh: {{level: require, max_age: 24h}}  # {path}:5:19" in run.out
    assert "identity: require  # the language's own default" in run.out
    merged = yaml.safe_load(run.out)
    assert [rule["id"] for rule in merged["rules"]][-1] == "mine"
    assert all({"id", "check", "reason", "expires"} <= set(part) for part in merged["waivers"])


def test_a_mistake_is_exit_2(tmp_path: Path) -> None:
    path = tmp_path / "top.yaml"
    path.write_text(TOP.replace("builtin:recommended", "none.yaml"))
    run = command("policy", "show", path)
    assert run.code == 2
    assert f"{path}:4:10:" in run.err
