"""Previews: what waivers would silence, over many responses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from reporter.errors import InputError, PolicyError
from reporter.policy.preview import Preview, WaiverPreview, preview
from reporter.sources.read import read
from tests.policy.build import AT, item, policy, response, stage, waiver

BODY = response(
    item("SampleSwap"),
    nodes=[
        stage("n-1", item("SampleSwap")),
        stage("n-2", item("SampleSwap"), item("SampleDisk", kind="Exception")),
    ],
)
FINE = response(item("SampleSwap", "Success"))
RISKS = response(item("SampleSwap"), spec={"clusterID": "c-2"})


def previewed(
    folder: Path,
    waivers: list[dict[str, Any]],
    *bodies: dict[str, Any] | InputError,
    in_force: list[dict[str, Any]] | None = None,
    **options: Any,
) -> Preview:
    def listed(name: str, entries: list[dict[str, Any]]) -> str:
        document = {
            "apiVersion": "precheck.policy/v1",
            "kind": "WaiverList",
            "metadata": {"name": name},
            "waivers": entries,
        }
        path = folder / f"{name}.yaml"
        path.write_text(yaml.safe_dump(document))
        return str(path)

    (folder / "policy.yaml").write_bytes(options.pop("policy", policy()))
    return preview(
        [
            (f"r-{number}", body if isinstance(body, InputError) else _read(body))
            for number, body in enumerate(bodies, 1)
        ],
        [str(folder / "policy.yaml")],
        [listed("new", waivers)],
        in_force=[listed("old", in_force)] if in_force else [],
        at="2026-03-01T10:30:00Z",
        now=AT,
        **options,
    )


def _read(body: dict[str, Any]) -> Any:
    return read(json.dumps(body).encode(), name="response.json")


def breadth(waiver: WaiverPreview) -> tuple[int, int, int]:
    return waiver.findings, len(waiver.clusters), waiver.nodes


def test_how_broad_a_waiver_is(tmp_path: Path) -> None:
    found = previewed(
        tmp_path,
        [waiver("all", "SampleSwap"), waiver("any", "*"), waiver("one", node={"uid": "n-1"})],
        BODY,
        RISKS,
        FINE,
    )
    told = {part.id: part for part in found.waivers}
    assert breadth(told["all"]) == (4, 2, 2)
    assert breadth(told["any"]) == (4, 2, 2)
    assert told["any"].marks == ("broad",)
    assert told["any"].not_applicable == 1
    assert told["one"].covers_nothing
    assert found.could_be_waived == 4


def test_what_it_would_turn(tmp_path: Path) -> None:
    found = previewed(tmp_path, [waiver("w", "SampleSwap", scope="node")], BODY)
    (silenced,) = found.waivers[0].silenced
    assert (silenced.check, silenced.scope, silenced.level) == ("SampleSwap", "node", "Warning")
    assert (silenced.before, silenced.findings, silenced.cluster) == ("fail", 2, "c-1")
    assert [node.uid for node in silenced.nodes] == ["n-1", "n-2"]


def test_verdicts_that_would_change(tmp_path: Path) -> None:
    found = previewed(tmp_path, [waiver("w", "SampleSwap")], BODY, RISKS, FINE)
    assert [(row.before, row.after, row.turned) for row in found.responses] == [
        ("fail", "fail", 3),
        ("fail", "pass", 1),
        ("pass", "pass", 0),
    ]
    assert [row.changes for row in found.responses] == [False, True, False]
    assert found.responses[0].left == ("SampleDisk fails on 1 of 1 nodes",)


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"starts": "2026-04-01"}, "not-yet-valid"),
        ({"expires": "2026-02-27"}, "expired"),
        ({"max_findings": 2}, "exceeded"),
    ],
)
def test_dates_and_bounds_hide_nothing(tmp_path: Path, more: dict[str, Any], status: str) -> None:
    found = previewed(tmp_path, [waiver("w", "SampleSwap", **more)], BODY)
    (told,) = found.waivers
    assert breadth(told) == (3, 1, 2)
    assert [part.status for part in told.standings] == [status]
    assert found.responses[0].turned == 0


def test_what_is_waived_already(tmp_path: Path) -> None:
    found = previewed(
        tmp_path,
        [waiver("new", "SampleSwap")],
        BODY,
        in_force=[waiver("old", "SampleSwap", scope="node")],
    )
    (told,) = found.waivers
    assert (told.findings, told.already, found.in_force) == (3, 2, 1)
    assert {part.before: part.findings for part in told.silenced} == {"fail": 1, "waived": 2}
    assert found.responses[0].turned == 1


def test_one_that_stands_in_the_policy_already_is_shown_all_the_same(tmp_path: Path) -> None:
    same = waiver("w", "SampleSwap")
    found = previewed(tmp_path, [same], RISKS, policy=policy(waivers=[same]))
    (told,) = found.waivers
    assert (told.findings, told.already, found.in_force) == (1, 0, 0)
    assert told.place.startswith(f"{tmp_path / 'new.yaml'}:")
    assert (told.stands or "").startswith(f"{tmp_path / 'policy.yaml'}:")
    assert [(row.before, row.after) for row in found.responses] == [("fail", "pass")]
    found = previewed(tmp_path, [same], RISKS, in_force=[same])
    assert (found.waivers[0].stands or "").startswith(f"{tmp_path / 'old.yaml'}:")
    (told,) = previewed(tmp_path, [same], RISKS).waivers
    assert told.stands is None


def test_skips_it_would_cover(tmp_path: Path) -> None:
    body = response(spec={"skippedCheckItemList": [{"name": "SampleSwap"}]})
    found = previewed(tmp_path, [waiver("w", "SampleSwap")], body)
    (told,) = found.waivers
    assert (told.findings, told.skips, told.covers_nothing) == (0, 1, False)
    assert (found.responses[0].before, found.responses[0].after) == ("fail", "pass")


def test_a_bad_response_is_a_row(tmp_path: Path) -> None:
    found = previewed(tmp_path, [waiver("w", "SampleSwap")], InputError("r-1: is empty"), RISKS)
    assert [row.error for row in found.responses] == ["r-1: is empty", None]
    assert found.waivers[0].findings == 1


def test_an_instant_that_one_response_lacks_is_a_row(tmp_path: Path) -> None:
    (tmp_path / "w.yaml").write_text(
        "apiVersion: precheck.policy/v1\nkind: WaiverList\nmetadata: {name: x}\n"
    )
    body = {**RISKS, "metadata": {"uid": "x"}}
    found = preview(
        [("a", _read(body)), ("b", _read(RISKS))],
        ["builtin:recommended"],
        [str(tmp_path / "w.yaml")],
        at="response",
        now=AT,
    )
    assert "update time" in (found.responses[0].error or "")
    assert found.responses[1].before == "fail"


def test_what_the_policy_demands_of_waivers_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match='waiver "w" needs "ticket"'):
        previewed(tmp_path, [waiver("w")], BODY, policy=policy(waiver_requires=["ticket"]))
