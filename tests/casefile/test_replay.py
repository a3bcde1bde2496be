"""Judged again from the evidence alone: the record comes out, whatever it was asked with."""

from __future__ import annotations

import gzip
import json
import os
import zipfile
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reporter.casefile.redact import PROFILES, Redactor
from reporter.casefile.replay import compare, judge_again
from reporter.errors import InputError, PolicyError, ReporterError
from reporter.policy.load import Policy
from reporter.record.model import Change, Gate, Verdict
from reporter.sources.read import read, read_kept, read_responses
from tests.examples import examples
from tests.slow import generator

from .build import SAMPLES, WAIVERS, Case, judge, sample

NAMES = sorted(folder.name for folder in SAMPLES.iterdir() if folder.is_dir())
PUBLISHED = SAMPLES / "published-autopilot" / "response.json"
FORTY = SAMPLES / "standard-40-nodes" / "response.json"


def holds(case: Case) -> None:
    # Through JSON, as it is kept.
    record = Verdict.model_validate_json(case.verdict.model_dump_json())
    again, _ = judge_again(record, case.evidence)
    assert compare(record, again, strict=True).differences == ()
    assert again.model_dump_json() == case.verdict.model_dump_json()


@pytest.mark.parametrize("name", NAMES)
def test_every_sample(name: str) -> None:
    holds(sample(name))


def test_every_option_that_a_verdict_depends_on() -> None:
    case = judge(
        read(FORTY, expect_target="v1.31"),
        Policy.load("builtin:strict", "builtin:allow-listed-risks"),
        at=datetime(2026, 11, 20, 10, tzinfo=UTC),
        expect_cluster="another",
        expect_target="v1.31",
        cluster_type="standard",
        cluster_name="sandbox",
        change=Change(id="CHG-1", prepared_by="a person"),
        gate=Gate(fail_on="warn", advisory="pilot"),
    )
    holds(case)
    assert case.verdict.gate.advisory == "pilot"


def test_a_verdict_of_now_is_not_a_verdict_of_the_day_it_is_checked() -> None:
    now = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
    case = judge(read(FORTY), Policy.load("builtin:recommended"), at="now", now=now)
    holds(case)
    assert not case.verdict.instant.backdated


@pytest.fixture
def layered(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "policies"
    (folder / "org").mkdir(parents=True)
    head = "apiVersion: precheck.policy/v1\nkind: Policy\nmetadata: {name: %s}\n"
    (folder / "org" / "base.yaml").write_text(
        head % "base" + "extends: builtin:recommended\ndefaults: {unmatched: fail, skipped: fail}\n"
    )
    (folder / "team.yaml").write_text(
        head % "team" + "extends: [org/base.yaml]\n"
        "rules:\n  - {id: notes, match: {kind: Risk, level: Info}, effect: warn}\n"
    )
    (folder / "other.yaml").write_text(
        head % "other" + "extends: ./org/../org/base.yaml\nrules: []\n"
    )
    return [folder / "team.yaml", folder / "other.yaml", folder / "org" / "base.yaml"]


def test_layers_in_the_order_they_were_given_without_the_disk(layered: list[Path]) -> None:
    policy = Policy.load(
        layered[0], layered[1], layered[2], layered[0], waivers=[WAIVERS / "change-board.yaml"]
    )
    given = [(Path(file.source).name, file.given) for file in policy.files]
    assert given == [
        ("team.yaml", (1, 4)),
        ("base.yaml", (3,)),
        ("recommended", ()),
        ("other.yaml", (2,)),
        ("base.yaml", ()),
        ("change-board.yaml", (1,)),
    ] or [name for name, places in given if places]
    case = judge(read(FORTY), policy)
    for path in layered:
        path.unlink()
    holds(case)


def test_a_base_that_was_not_kept_is_missed_not_fetched(layered: list[Path]) -> None:
    data = layered[0].read_bytes()
    with pytest.raises(PolicyError, match=r"base\.yaml: no such file among those that were kept"):
        Policy.load_kept({str(layered[0]): data}, [str(layered[0])])
    with pytest.raises(PolicyError, match=r"builtin:recommended: no such file among those"):
        Policy.load_kept({}, ["builtin:recommended"])


def test_out_of_archives_and_encodings(tmp_path: Path) -> None:
    data = FORTY.read_bytes()
    packed = tmp_path / "a.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("deep/response.json.gz", gzip.compress(data))
    wide = tmp_path / "wide.json"
    wide.write_bytes(b"\xff\xfe" + data.decode().encode("utf-16-le"))
    for path in (packed, wide):
        case = judge(read(path), Policy.load("builtin:recommended"))
        holds(case)
    assert case.verdict.source.encoding == "utf-16-le"


def listed(*tasks: Any) -> bytes:
    return json.dumps({"kind": "List", "apiVersion": "v3", "items": tasks}).encode()


def tasks_of_two() -> tuple[Any, Any]:
    old = json.loads(PUBLISHED.read_bytes())
    new = json.loads(PUBLISHED.read_bytes())
    old["metadata"]["creationTimestamp"] = "2023-11-25 06:00:00 +0000 UTC"
    old["metadata"]["uid"] = "older"
    return old, new


@pytest.mark.parametrize("task", [None, "older"])
def test_the_task_is_chosen_as_it_was(task: str | None) -> None:
    data = listed(*tasks_of_two())
    case = judge(read(data, name="list.json", task=task), Policy.load("builtin:recommended"))
    holds(case)
    assert case.verdict.source.others == 1
    assert case.verdict.source.pointer == ("/items/1" if task is None else "/items/0")
    assert case.verdict.source.choice is not None
    assert case.verdict.source.choice.task == task


def test_a_record_that_points_at_another_task_differs() -> None:
    case = judge(read(listed(*tasks_of_two()), name="l.json"), Policy.load("builtin:recommended"))
    source = case.verdict.source.model_copy(update={"pointer": "/items/0"})
    record = case.verdict.model_copy(update={"source": source})
    again, _ = judge_again(record, case.evidence)
    assert "/source/pointer: recorded '/items/0', by the evidence '/items/1'" in (
        compare(record, again, strict=True).differences
    )


def test_each_task_of_many(tmp_path: Path) -> None:
    (tmp_path / "list.json").write_bytes(listed(*tasks_of_two()))
    lines = b"\n".join(json.dumps(task).encode() for task in tasks_of_two())
    (tmp_path / "lines.jsonl").write_bytes(lines)
    found = list(read_responses([tmp_path]))
    assert len(found) == 4
    for response in found:
        assert not hasattr(response, "error")
        holds(judge(response, Policy.load("builtin:recommended")))


def test_with_the_note_of_the_fetch(tmp_path: Path) -> None:
    task = json.loads(PUBLISHED.read_bytes())
    task["spec"].pop("clusterID", None)
    data = json.dumps(task).encode()
    (tmp_path / "a.json").write_bytes(data)
    note = {"sha256": sha256(data).hexdigest(), "cluster": "c-1", "type": "autopilot"}
    (tmp_path / "a.json.meta.json").write_text(json.dumps(note))
    case = judge(read(tmp_path / "a.json"), Policy.load("builtin:strict"), expect_cluster="c-1")
    assert case.verdict.subject.cluster_id_from == "sidecar"
    holds(case)


def test_a_note_of_another_response_is_refused() -> None:
    case = sample("published-autopilot")
    exhibit = case.verdict.exhibits[0]
    other = b'{"sha256": "00"}'
    note = exhibit.model_copy(
        update={"role": "sidecar", "sha256": sha256(other).hexdigest(), "name": "x.meta.json"}
    )
    record = case.verdict.model_copy(update={"exhibits": [*case.verdict.exhibits, note]})
    with pytest.raises(InputError, match=r"is not the note of"):
        judge_again(record, {**case.evidence, note.sha256: other})


EXAMPLES = int(os.environ.get("PROPERTY_EXAMPLES", "25"))


def generated(drawn: dict[str, Any]) -> Case:
    """A verdict of a generated case, with everything it was asked."""

    def dumped(document: Any) -> bytes:
        return yaml.safe_dump(document, sort_keys=False, allow_unicode=True).encode()

    data = json.dumps(drawn["response"]).encode()
    response = read(data, name="r.json")
    if (meta := drawn.get("sidecar")) is not None:
        note = json.dumps({**meta, "sha256": sha256(data).hexdigest()}).encode()
        response = read_kept(
            data,
            "r.json",
            wanted=response.source.wanted,
            pointer="",
            uid=None,
            sidecar=("r.json.meta.json", note),
        )
    policy = Policy.parse(
        *map(dumped, drawn["policies"]), waivers=[*map(dumped, drawn.get("waiver_lists", ()))]
    )
    return judge(
        response,
        policy,
        at=drawn["at"],
        now=drawn.get("now") or drawn["at"],
        expect_cluster=drawn.get("expect_cluster"),
        expect_target=drawn.get("expect_target"),
        cluster_type=drawn.get("cluster_type"),
    )


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(generator.cases())
def test_whatever_was_judged_is_judged_the_same_again(drawn: dict[str, Any]) -> None:
    try:
        case = generated(drawn)
    except ReporterError:
        return
    holds(case)
    made = Redactor(case.verdict, PROFILES, b"0" * 16, case.response.task).record()
    assert made.contradiction() is None
    assert Verdict.model_validate_json(made.model_dump_json()) == made


# What differs is told -------------------------------------------------------------------------


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [leaf for key, part in value.items() for leaf in leaves(part, (*path, key))]
    if isinstance(value, list):
        return [leaf for i, part in enumerate(value) for leaf in leaves(part, (*path, i))]
    return [path]


RECORD = json.loads(sample("waived-risk").verdict.model_dump_json())
# What was asked is an input, as the response is: nobody can tell from the evidence what it was.
ASKED = {
    ("subject", "cluster_name"),
    ("subject", "change"),
    ("source", "choice"),
    ("gate",),
    ("tool",),
    ("exit_code",),
}
LEAVES = [path for path in leaves(RECORD) if not {path[:1], path[:2]} & ASKED]


def changed(value: Any, salt: int) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1 + salt
    if value is None:
        return "x"
    return f"{value}x"


@settings(max_examples=examples(25), deadline=None)
@given(path=st.sampled_from(LEAVES), salt=st.integers(0, 3))
def test_whatever_is_changed_in_a_record_is_found(path: tuple[Any, ...], salt: int) -> None:
    record = json.loads(json.dumps(RECORD))
    at = record
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = changed(at[path[-1]], salt)
    try:
        verdict = Verdict.model_validate(record)
    except ValueError:
        return  # not a record any more
    case = sample("waived-risk")
    try:
        again, _ = judge_again(verdict, case.evidence)
    except (InputError, PolicyError, KeyError):
        return  # the evidence it names is not there, or can't be judged
    assert compare(verdict, again, strict=True).differences, path


def test_a_finding_is_told_by_its_name_and_place() -> None:
    case = sample("failed-addon")
    text = case.verdict.model_dump_json()
    record = Verdict.model_validate_json(text)
    check = next(part for part in record.checks if part.findings.fail)
    entry = check.entries[0].model_copy(update={"outcome": "waived"})
    forged = record.model_copy(
        update={
            "outcome": "pass",
            "checks": [
                check.model_copy(update={"entries": [entry, *check.entries[1:]]}),
                *(part for part in record.checks if part is not check),
            ],
        }
    )
    again, _ = judge_again(record, case.evidence)
    told = compare(forged, again, strict=True).differences
    assert told[0] == "the record says pass, the evidence fail"
    assert told[1].startswith(f"{check.name} ({check.scope}) at {entry.places[0].pointer}: ")
    assert "recorded as waived, judged fail (" in told[1]


def test_a_record_of_another_version_is_held_to_its_codes_not_its_words() -> None:
    case = sample("waived-risk")
    record = json.loads(case.verdict.model_dump_json())
    record["tool"]["version"] = "9.9.9"
    record["headline"]["text"] = "Other words"
    record["catalogue"] = {}
    older = Verdict.model_validate(record)
    again, _ = judge_again(older, case.evidence)
    assert compare(older, again, strict=True).differences
    assert compare(older, again, strict=False).differences == ()
    record["counts"]["nodes"] = 99
    told = compare(Verdict.model_validate(record), again, strict=False).differences
    assert [line for line in told if line.startswith("/counts/nodes: recorded 99")]
