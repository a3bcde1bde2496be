"""What an audit finds, and that nothing on the way makes a difference to it."""

from __future__ import annotations

import errno
import gzip
import io
import json
import os
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Future
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from reporter.audit import finish, judging, run, settings, words
from reporter.audit.summary import read_upgrades
from reporter.errors import InputError, OutputError, PolicyError
from reporter.sources import containers
from reporter.sources.locations import File
from tests.audit.archive import Audit, Inline, InlineEngine, Shuffled, check, fill, risk
from tests.policy.build import item, stage


def test_outcomes_of_an_archive_with_everything_in_it(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    files = {
        "a-pass.json": check(),
        "b-fail.json": check(risk(), uid="t-b"),
        "c-unknown.json": check(risk(level="Catastrophic"), uid="t-c"),
        "d-cut.json": check()[:50],
        "e-timeless.json": json.dumps({"kind": "PreCheckTask", "apiVersion": "v3"}).encode(),
        "f-empty.json": b"",
        "g-noise.json": b"\x00\x01\x02",
        "h-deep.json": b"[" * 100_000,
        "i-packed.json.gz": gzip.compress(check(uid="t-i"), mtime=0),
        "j-list.json": json.dumps(
            {"kind": "List", "items": [json.loads(check(uid=f"t-j{n}")) for n in range(2)]}
        ).encode(),
        "k-lines.jsonl": b"\n".join([check(uid="t-k0"), b"{nonsense", check(uid="t-k2")]),
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    audit = Audit(folder, tmp_path / "out")
    audit.run()
    rows = audit.rows("SELECT name || pointer, outcome, reason FROM responses ORDER BY 1")
    found = {name.removeprefix(f"{folder}/"): (outcome, why) for name, outcome, why in rows}
    assert {name: outcome for name, (outcome, _) in found.items()} == {
        "a-pass.json": "pass",
        "b-fail.json": "fail",
        "c-unknown.json": "inconclusive",
        "d-cut.json": "unreadable",
        "e-timeless.json": "inconclusive",
        "f-empty.json": "unreadable",
        "g-noise.json": "unreadable",
        "h-deep.json": "unreadable",
        "i-packed.json.gz": "pass",
        "j-list.json/items/0": "pass",
        "j-list.json/items/1": "pass",
        "k-lines.jsonl": "pass",
        "k-lines.jsonl#3": "pass",
    } | {"k-lines.jsonl": found["k-lines.jsonl"][0]}
    assert sum(outcome == "unreadable" for _, outcome, _ in rows) == 5
    assert found["b-fail.json"][1] == "1 check fails: SampleRisk"
    assert "update time" in found["e-timeless.json"][1]


def test_what_is_stored_of_a_response(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    nodes = [stage("n1", item("N", "Success")), stage("n2", risk("N", message="too full"))]
    (folder / "r.json").write_bytes(check(risk("C"), nodes=nodes))
    audit = Audit(folder, tmp_path / "out")
    audit.run()
    assert audit.rows(
        "SELECT number, outcome, check_name, scope, node, node_uid, message, why, pointer "
        "FROM findings ORDER BY number"
    ) == [
        (
            0,
            "fail",
            "C",
            "cluster",
            None,
            None,
            "something is wrong",
            "rule serious-risks says fail",
            "/status/clusterCheckStatus/itemsStatus/0",
        ),
        (
            1,
            "fail",
            "N",
            "node",
            "name-n2",
            "n2",
            "too full",
            "rule serious-risks says fail",
            "/status/nodeCheckStatus/nodeStageStatus/1/itemsStatus/0",
        ),
    ]
    assert audit.rows(
        "SELECT scope, check_name, failed, passed FROM checks ORDER BY scope, check_name"
    ) == [("addon", "SampleAddon", 0, 1), ("cluster", "C", 1, 0), ("node", "N", 1, 1)]
    assert audit.rows("SELECT failed, passed, nodes, judged_at FROM responses") == [
        (2, 2, 2, "2026-03-01T10:00:00Z")
    ]


def _tar(path: Path, members: dict[str, bytes]) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def test_archives_are_read_once_and_member_by_member(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    members = {f"{n}.json": check(uid=f"t-{n}") for n in range(3)}
    _tar(folder / "a.tar.gz", members | {"broken.json": b"{"})
    with zipfile.ZipFile(folder / "b.zip", "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    _tar(folder / "nothing.tar.gz", {})
    audit = Audit(folder, tmp_path / "out")
    audit.run()
    rows = audit.rows("SELECT name, outcome, copy_of IS NOT NULL FROM responses ORDER BY name")
    assert [(name.removeprefix(f"{folder}/"), *rest) for name, *rest in rows] == [
        ("a.tar.gz!0.json", "pass", 0),
        ("a.tar.gz!1.json", "pass", 0),
        ("a.tar.gz!2.json", "pass", 0),
        ("a.tar.gz!broken.json", "unreadable", 0),
        ("b.zip!0.json", "pass", 1),
        ("b.zip!1.json", "pass", 1),
        ("b.zip!2.json", "pass", 1),
        ("nothing.tar.gz", "unreadable", 0),
    ]
    # Grown: what was in it is known by its bytes, and only the new is judged.
    _tar(folder / "a.tar.gz", members | {"new.json": check(uid="t-new")})
    engine = InlineEngine()
    audit.run(engine)
    judged = [task.found[0].name for task in engine.inline.done if not hasattr(task, "file")]
    assert judged == [f"{folder}/a.tar.gz!new.json"]
    names = {name for (name,) in audit.rows("SELECT name FROM responses")}
    assert f"{folder}/a.tar.gz!new.json" in names
    assert f"{folder}/a.tar.gz!broken.json" not in names
    fresh = Audit(folder, tmp_path / "fresh")
    fresh.run()
    assert audit.everything()["dump"] == fresh.everything()["dump"]


def test_any_order_and_any_engine_gives_the_same_bytes(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    fill(folder, 40)
    plain = Audit(folder, tmp_path / "plain")
    plain.run()
    wanted = plain.everything()
    assert len(wanted["dump"]) > 140
    for seed in range(3):
        other = Audit(folder, tmp_path / f"other-{seed}")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(run, "CHUNK_FILES", 3 + seed)
            other.run(InlineEngine(Shuffled(seed)))
        assert other.everything() == wanted


def test_a_run_that_was_ended_is_finished_without_judging_twice(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    fill(folder, 30)
    _tar(folder / "more.tar.gz", {f"{n}.json": check(uid=f"m-{n}") for n in range(12)})
    undisturbed = Audit(folder, tmp_path / "undisturbed")
    everyone = undisturbed.run()
    for after in (1, 4, 9):
        audit = Audit(folder, tmp_path / f"out-{after}")
        judged: list[str] = []

        class Ends(Inline):
            chunks = 0

            def submit(self, fn: Any, /, *args: Any, **more: Any) -> Any:
                self.chunks += 1
                if self.chunks > after:  # noqa: B023 - used within the round
                    raise KeyboardInterrupt
                return super().submit(fn, *args, **more)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(run, "CHUNK_FILES", 4)
            patch.setattr(run, "COMMIT_SECONDS", 0.0)
            patch.setattr(run, "AHEAD", 0.5)
            ends = Ends()
            with pytest.raises(KeyboardInterrupt):
                audit.run(InlineEngine(ends))
            kept = {name for (name,) in audit.rows("SELECT name FROM responses")}
            engine = InlineEngine()
            audit.run(engine)
            judged = [
                task.file.name if hasattr(task, "file") else task.found[0].name
                for task in engine.inline.done
            ]
        assert kept, after
        assert not kept & set(judged)
        assert audit.everything() == undisturbed.everything()
    assert len(everyone) == 31 + 12


def test_a_second_run_judges_what_is_new_changed_or_gone(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    fill(folder, 12)
    audit = Audit(folder, tmp_path / "out")
    assert len(audit.run()) == 12
    assert audit.run() == []
    (folder / "0003.json").write_bytes(check(uid="changed"))
    (folder / "new.json").write_bytes(check(uid="new"))
    (folder / "0005.json").unlink()
    assert audit.run() == ["0003.json", "new.json"]
    fresh = Audit(folder, tmp_path / "fresh")
    fresh.run()
    assert audit.everything() == fresh.everything()
    # The note of a fetch beside a response belongs to it.
    (folder / "0001.json.meta.json").write_text("{}")
    assert audit.run() == ["0001.json"]
    assert len(audit.run(rehash=True)) == 12


def test_what_could_not_be_read_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of the file tells that it can be read now."""
    folder = tmp_path / "archive"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / f"{name}.json").write_bytes(check(uid=name))
    _tar(folder / "c.tar.gz", {"d.json": check(uid="d"), "e.json": check(uid="e")})
    opened = File.open

    def closed(self: File) -> Any:
        if self.name.endswith(("a.json", "c.tar.gz")):
            raise InputError(f"{self.name}: can't be read: Permission denied")
        return opened(self)

    with monkeypatch.context() as patch:
        patch.setattr(File, "open", closed)
        audit = Audit(folder, tmp_path / "out")
        audit.run()
        assert audit.rows("SELECT outcome, count(*) FROM responses GROUP BY 1") == [
            ("pass", 1),
            ("unreadable", 2),
        ]
    audit.run()
    assert audit.rows("SELECT outcome, count(*) FROM responses GROUP BY 1") == [("pass", 4)]
    fresh = Audit(folder, tmp_path / "fresh")
    fresh.run()
    assert audit.everything() == fresh.everything()
    assert audit.run() == []


@pytest.mark.parametrize("packed", ["", ".gz", ".tar.gz", ".zip.tar"])
def test_another_largest_size_gives_what_a_fresh_run_gives(tmp_path: Path, packed: str) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    large, small = check(uid="l", spec={"padding": "x" * 5_000}), check(uid="s")
    (folder / "small.json").write_bytes(small)
    if packed == ".zip.tar":
        held = io.BytesIO()
        with zipfile.ZipFile(held, "w") as archive:
            for number in range(4):
                archive.writestr(f"{number}.json", check(uid=f"z{number}"))
        with tarfile.open(folder / "large.tar", "w") as outer:
            info = tarfile.TarInfo("in.zip")
            info.size = len(held.getvalue())
            outer.addfile(info, io.BytesIO(held.getvalue()))
    elif packed == ".tar.gz":
        _tar(folder / "large.tar.gz", {"l.json": large, "s.json": check(uid="t")})
    else:
        data = gzip.compress(large, mtime=0) if packed else large
        (folder / f"large.json{packed}").write_bytes(data)
    # A zip in a tar is larger than each of its members.
    below, above = len(small) + 500, 1_000_000

    def fresh(name: str, limit: int) -> dict[str, Any]:
        audit = Audit(folder, tmp_path / name, max_bytes=limit)
        audit.run()
        return audit.everything()

    tight, wide = fresh("tight", below), fresh("wide", above)
    assert tight["responses.csv"].count(b"unreadable") == 1
    assert wide["responses.csv"].count(b"unreadable") == 0
    for limit, expected in ((above, wide), (below, tight), (above, wide)):
        audit = Audit(folder, tmp_path / "out", max_bytes=limit)
        audit.run()
        assert audit.everything() == expected
    # What no limit touches is not judged again.
    assert "small.json" not in Audit(folder, tmp_path / "out", max_bytes=below).run()


@pytest.mark.parametrize("name", ["*.json", "r.json", ""])
def test_a_note_that_comes_or_goes_is_noticed_however_its_file_is_named(
    tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    (folder / "r.json").write_bytes(check())
    audit = Audit(folder / name, tmp_path / "out")
    assert [len(audit.run()), len(audit.run())] == [1, 0]
    note = folder / "r.json.meta.json"
    for change in (lambda: note.write_text("{}"), lambda: note.write_text("{ }"), note.unlink):
        change()
        assert [len(audit.run()), len(audit.run())] == [1, 0]


def test_a_note_in_an_archive_that_comes_changes_or_goes_is_noticed(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    members = {"a.json": check(uid="a"), "r.json": check(uid="r", cluster_id="c-1")}
    audit = Audit(folder, tmp_path / "out")

    def told(cluster: str | None, kind: str | None = None, behind: bool = True) -> list[str]:
        note = {"sha256": sha256(members["r.json"]).hexdigest(), "cluster": cluster, "type": kind}
        held = {} if cluster is None else {"r.json.meta.json": json.dumps(note).encode()}
        _tar(folder / "a.tgz", members | held if behind else held | members)
        names = [name.rpartition("!")[2] for name in audit.run() if "!" in name]
        assert audit.run() == []
        return names

    def row() -> tuple[Any, ...]:
        (found,) = audit.rows(
            "SELECT cluster_id, cluster_type FROM responses WHERE name LIKE '%r.json'"
        )
        return found

    assert (told(None), row()) == (["a.json", "r.json"], ("c-1", None))
    assert (told("c-1", "standard"), row()) == (["r.json"], ("c-1", "standard"))
    # Another cluster is told, so nobody knows which it is.
    assert (told("c-2", "autopilot", behind=False), row()) == (["r.json"], (None, "autopilot"))
    members["b.json"] = check(uid="b")
    assert (told("c-2", "autopilot"), row()) == (["b.json"], (None, "autopilot"))
    assert (told("c-2"), row()) == (["r.json"], (None, None))
    assert (told(None), row()) == (["r.json"], ("c-1", None))


def test_an_audit_ends_where_nobody_is_left_who_could_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread of the pool's own could not be started: its futures stay open for ever."""
    folder = tmp_path / "archive"
    folder.mkdir()
    (folder / "a.json").write_bytes(check())
    monkeypatch.setattr(run, "BEAT", 0.01)

    class Silent(InlineEngine):
        def executor(self) -> Any:
            return SimpleNamespace(submit=lambda *_: Future())

        def check(self) -> None:
            raise OutputError("no thread more")

    with pytest.raises(OutputError, match="no thread more"):
        Audit(folder, tmp_path / "out").run(Silent())


def _policy(path: Path, cluster: str, unmatched: str, rule: str = "r") -> str:
    path.write_text(
        "apiVersion: precheck.policy/v1\nkind: Policy\n"
        f"metadata: {{name: {path.stem}, version: '1'}}\n"
        f"applies_to: {{cluster: '{cluster}'}}\ndefaults: {{unmatched: {unmatched}}}\n"
    )
    return str(path)


def test_each_policy_judges_where_it_applies_and_is_touched_alone(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    for name in ("c-1", "c-2", "d-3"):
        (folder / f"{name}.json").write_bytes(check(risk(), uid=name, cluster_id=name))
    one = _policy(tmp_path / "one.yaml", "c-1", "fail")
    two = _policy(tmp_path / "two.yaml", "c-2", "warn")
    audit = Audit(folder, tmp_path / "out", policies=[one, two])
    audit.run()
    assert audit.rows("SELECT cluster_id, outcome FROM responses ORDER BY 1") == [
        ("c-1", "fail"),
        ("c-2", "pass"),
        ("d-3", "inconclusive"),
    ]
    (reason,) = audit.rows("SELECT reason FROM responses WHERE cluster_id = 'd-3'")
    assert reason == (
        "no policy of this audit applies to cluster d-3 and target version v1.31.4-r2",
    )
    _policy(tmp_path / "two.yaml", "c-2", "fail")
    again = Audit(folder, tmp_path / "out", policies=[one, two])
    assert again.run() == ["c-2.json"]
    assert again.rows("SELECT outcome FROM responses WHERE cluster_id = 'c-2'") == [("fail",)]
    # A policy that comes to apply, too.
    three = _policy(tmp_path / "three.yaml", "d-*", "note")
    assert Audit(folder, tmp_path / "out", policies=[one, two, three]).run() == ["d-3.json"]


def test_a_policy_that_may_apply_judges_too(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()

    def add(name: str, items: tuple[dict[str, Any], ...] = (), **spec: str | None) -> None:
        body = json.loads(check(*items, uid=name))
        body["spec"] |= spec
        (folder / f"{name}.json").write_text(json.dumps(body))

    # A Risk that only the strict policy fails; what names nothing can't be known not to be its own.
    add("risk", (risk(),))
    for name, spec in (
        ("nocluster", {"clusterID": None}),
        ("blank", {"clusterID": " \u3164"}),
        ("edge", {"clusterID": "x-1 "}),
        ("unseen", {"clusterID": "x-\u200b1"}),
        ("mixed", {"clusterID": "\u0445-1"}),
        ("capital", {"clusterID": "C-1"}),
        ("disputed", {"clusterID": "d-1"}),
        ("notarget", {"targetVersion": None}),
        ("odd", {"targetVersion": "latest"}),
        ("short", {"targetVersion": "v1"}),
    ):
        add(f"risk-{name}", (risk(),), **spec)
        add(name, **spec)
    for file in folder.glob("*disputed.json"):
        note = {"sha256": sha256(file.read_bytes()).hexdigest(), "cluster_id": "c-1"}
        (folder / f"{file.name}.meta.json").write_text(json.dumps(note))
    add("elsewhere", (risk(),), clusterID="d-1")
    add("older", (risk(),), targetVersion="v1.27.3-r0", clusterID=None)
    head = "apiVersion: precheck.policy/v1\nkind: Policy\nmetadata: {name: x}\n"
    lenient, strict = tmp_path / "lenient.yaml", tmp_path / "strict.yaml"
    lenient.write_text(head + "defaults: {unmatched: note}\n")
    scope = "applies_to: {cluster: 'c-*', target_version: '>=1.29'}\n"
    strict.write_text(head + scope)
    audit = Audit(folder, tmp_path / "out", policies=[str(lenient), str(strict)])
    audit.run()
    outcomes = dict(audit.rows("SELECT replace(name, '.json', ''), outcome FROM responses"))
    assert {name.rsplit("/", 1)[-1]: said for name, said in outcomes.items()} == {
        **dict.fromkeys(
            (
                "risk",
                "risk-nocluster",
                "risk-blank",
                "risk-notarget",
                "risk-odd",
                "risk-short",
                "risk-edge",
                "risk-unseen",
                "risk-mixed",
                "risk-capital",
                "risk-disputed",
            ),
            "fail",
        ),
        **dict.fromkeys(
            (
                "nocluster",
                "blank",
                "notarget",
                "odd",
                "short",
                "edge",
                "unseen",
                "mixed",
                "capital",
                "disputed",
            ),
            "inconclusive",
        ),
        **dict.fromkeys(("elsewhere", "older"), "pass"),
    }
    # Judged by both, as what surely is theirs; what is surely not the strict one's, by the other.
    found = audit.rows(
        "SELECT substr(judged_by, 1, 16), count(*) FROM responses GROUP BY 1 ORDER BY 2"
    )
    assert [number for _, number in found] == [2, 21]
    # A policy that does not mind whose response it judges has to apply surely.
    strict.write_text(head + scope + "evidence: {identity: off}\n")
    alone = Audit(folder, tmp_path / "alone", policies=[str(strict)])
    alone.run()
    assert alone.rows("SELECT outcome, count(*) FROM responses GROUP BY 1") == [
        ("fail", 1),
        ("inconclusive", 22),
    ]


def test_policies_that_may_apply_and_do_not_fit_together(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    (folder / "a.json").write_bytes(check(cluster_id="c-1"))
    (folder / "b.json").write_bytes(check(cluster_id=""))
    files = []
    for name, effect in (("c-1", "fail"), ("c-2", "warn")):
        file = tmp_path / f"{name}.yaml"
        _policy(file, name, "fail")
        rule = f"rules: [{{id: r, match: {{kind: Risk}}, effect: {effect}}}]\n"
        file.write_text(file.read_text() + rule)
        files.append(str(file))
    audit = Audit(folder, tmp_path / "out", policies=files)
    audit.run()
    (one, other) = audit.rows("SELECT outcome, reason, hint FROM responses ORDER BY name")
    assert one[0] == "pass"
    assert other == (
        "inconclusive",
        "the policies that may apply to it don't go together: "
        f'{files[1]}:6:14: rule "r" differs from the rule of that id at {files[0]}:6:14',
        "give one of the two rules another id",
    )
    assert audit.run() == []


def test_the_same_task_twice(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    (folder / "a.json").write_bytes(check(risk(), uid="same"))
    (folder / "b.json").write_bytes(check(risk(), uid="same"))
    (folder / "c.json").write_bytes(check(risk(), uid="other"))
    (folder / "d.json").write_bytes(check(uid="other"))
    audit = Audit(folder, tmp_path / "out")
    audit.run()
    assert audit.rows(
        "SELECT r.name LIKE '%b.json', f.name LIKE '%a.json', r.same_uid FROM responses r "
        "JOIN responses f ON f.id = r.copy_of"
    ) == [(1, 1, "same bytes")]
    facts = audit.facts
    assert facts is not None
    assert [(twin.uid, twin.versions, twin.count) for twin in facts.twins] == [
        ("other", 2, 2),
        ("same", 1, 2),
    ]
    assert (facts.tally.fail, facts.tally.passed, facts.copies) == (2, 1, 1)


WAIVERS = """\
apiVersion: precheck.policy/v1
kind: WaiverList
metadata: {name: board, version: "1"}
waivers:
  - {id: used, check: SampleA, reason: fine, starts: 2026-01-01, expires: 2026-12-31}
  - {id: over, check: SampleB, reason: fine, starts: 2026-01-01, expires: 2026-02-01}
  - {id: soon, check: SampleC, reason: fine, starts: 2026-01-01, expires: 2026-03-20}
  - {id: wide, check: "Sample[DE]", reason: fine, starts: 2026-01-01, expires: 2026-12-31}
  - {id: never, check: SampleZ, reason: fine, starts: 2026-01-01, expires: 2026-12-31}
"""


def test_the_waiver_register_over_the_fleet(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    waivers = tmp_path / "waivers.yaml"
    waivers.write_text(WAIVERS)
    (folder / "1.json").write_bytes(check(risk("SampleA"), risk("SampleC"), uid="1"))
    (folder / "2.json").write_bytes(
        check(risk("SampleA"), risk("SampleB"), uid="2", cluster_id="c-2")
    )
    (folder / "3.json").write_bytes(check(risk("SampleD"), risk("SampleE"), uid="3"))
    (folder / "4.json").write_bytes(
        # In January the waiver still held: it counts as it stood then.
        check(risk("SampleB"), uid="4", at="2026-01-15 10:00:00 +0000 UTC")
    )
    audit = Audit(folder, tmp_path / "out", waivers=[str(waivers)])
    audit.run()
    assert audit.rows(
        "SELECT waiver, status, marks, findings, responses, clusters, missed FROM waivers "
        "ORDER BY waiver"
    ) == [
        ("never", "unused", "", 0, 0, 0, 0),
        ("over", "relied-on", "expired", 1, 1, 1, 1),
        ("soon", "used", "expiring", 1, 1, 1, 0),
        ("used", "used", "", 2, 2, 2, 0),
        ("wide", "used", "wide", 2, 1, 1, 0),
    ]
    assert [part.id for part in (audit.facts.unused if audit.facts else ())] == ["never"]


def test_another_policy_and_what_was_really_upgraded(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    (folder / "1.json").write_bytes(check(risk("SampleA"), uid="1"))
    (folder / "2.json").write_bytes(check(uid="2", cluster_id="c-2"))
    upgrades = tmp_path / "upgrades.csv"
    upgrades.write_text(
        "Cluster,Time,Change\nc-1,2026-03-03T10:00:00Z,CHG-1\nc-2,2026-03-01T10:10:00Z,CHG-2\n"
        "c-1,2026-02-01T00:00:00Z,CHG-0\n"
    )
    audit = Audit(folder, tmp_path / "out", others=["builtin:fatal-exceptions"])
    audit.run(upgrades=upgrades)
    assert audit.rows("SELECT was, becomes, what FROM changes ORDER BY number") == [
        (
            "fail",
            "pass",
            "passes, with conditions: 1 check warns: SampleA; CCE itself says Failed",
        ),
        (
            "fail",
            "pass",
            "SampleA (cluster): fail → warn (1): no rule matches; the policy's default is warn",
        ),
    ]
    assert audit.rows("SELECT change, outcome, said FROM upgrades ORDER BY line") == [
        ("CHG-1", "fail", "the last response, 2 days before, says fail; it had expired by then"),
        ("CHG-2", "pass", "the last response, of the same day, says pass"),
        ("CHG-0", None, "the archive holds no earlier response of this cluster"),
    ]
    # Without the other policy nothing is left of the comparison, and nothing is judged again.
    assert Audit(folder, tmp_path / "out").run() == []
    assert audit.rows("SELECT count(*) FROM changes") == [(0,)]


def test_an_instant_in_the_future(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    (folder / "1.json").write_bytes(check())
    still = Audit(folder, tmp_path / "still", at="2026-03-01T10:30:00Z")
    still.run()
    assert still.rows("SELECT outcome FROM responses") == [("pass",)]
    later = Audit(folder, tmp_path / "later", at="2027-03-01T10:00:00Z")
    later.run()
    ((outcome, reason),) = later.rows("SELECT outcome, reason FROM responses")
    assert (outcome, reason) == ("inconclusive", "expired at 2026-03-01T11:00:00Z")


def test_pages_of_their_own(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    fill(folder, 4)
    audit = Audit(folder, tmp_path / "out", reports="failed")
    audit.run()
    pages = sorted((tmp_path / "out" / "reports").iterdir())
    assert len(pages) == 2
    assert all(b"do not upgrade" in page.read_bytes() for page in pages)
    # Asked for later, only the missing ones are made.
    assert len(Audit(folder, tmp_path / "out", reports="all").run()) == 2
    assert len(list((tmp_path / "out" / "reports").iterdir())) == 4


def test_pages_are_those_a_fresh_run_makes(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    fill(folder, 4)
    pages = tmp_path / "out" / "reports"
    Audit(folder, tmp_path / "out", reports="all").run()
    (pages / "mine.html").write_text("of somebody else")
    for reports in ("failed", "none", "failed"):
        audit = Audit(folder, tmp_path / "out", reports=reports)
        judged = audit.run()
        fresh = Audit(folder, tmp_path / f"fresh-{reports}", reports=reports)
        fresh.run()
        assert audit.everything() == fresh.everything()
        made = fresh.out / "reports"
        assert made.exists() == (reports != "none")
        wanted = {page.name: page.read_bytes() for page in made.glob("*")}
        there = {page.name: page.read_bytes() for page in pages.glob("*")}
        assert there == wanted | {"mine.html": b"of somebody else"}
    assert judged == ["0000.json", "0003.json"]
    # A page that is not there any more is made again, and no other.
    page = sorted(pages.glob("[0-9a-f]*.html"))[0]
    before = page.read_bytes()
    page.unlink()
    (pages / "mine.html").unlink()
    assert len(audit.run()) == 1
    assert page.read_bytes() == before
    Audit(folder, tmp_path / "out").run()
    assert not pages.exists()


# Faults ---------------------------------------------------------------------------------------


def test_what_is_slow_holds_up_nothing_that_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "archive"
    fill(folder, 5)
    now = [0.0]
    guarded = judging._guarded

    def slow(court: Any, task: Any) -> Any:
        now[0] += 6_000 if task.file.name.endswith("0001.json") else 0.1
        return guarded(court, task)

    monkeypatch.setattr(judging, "_guarded", slow)
    monkeypatch.setattr(judging, "time", SimpleNamespace(monotonic=lambda: now[0]))
    chunks: list[list[str]] = []
    audit, plain = Audit(folder, tmp_path / "out"), Audit(folder, tmp_path / "plain")
    handed = Inline(lambda tasks: chunks.append([task.file.name[-6:-5] for task in tasks]))
    audit.run(InlineEngine(handed))
    assert chunks == [["0", "1", "2", "3", "4"], ["2", "3", "4"]]
    plain.run()
    assert audit.everything() == plain.everything()


def test_what_came_in_is_written_while_the_rest_is_slow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for a slow worker: what the others handed in is written meanwhile."""
    folder = tmp_path / "archive"
    fill(folder, 3)
    monkeypatch.setattr(run, "CHUNK_FILES", 1)
    monkeypatch.setattr(run, "COMMIT_SECONDS", 0.05)
    audit = Audit(folder, tmp_path / "out")
    written: list[int] = []
    slow: list[Callable[[], None]] = []

    class OneWaits(Inline):
        def submit(self, fn: Any, /, *args: Any, **more: Any) -> Any:
            if not args[-1][0].file.name.endswith("0001.json"):
                return super().submit(fn, *args, **more)
            future: Future[Any] = Future()
            slow.append(lambda: future.set_result(fn(*args)))
            at_last.start()
            return future

    def come() -> None:
        if slow:
            slow.pop()()

    at_last = threading.Timer(20, come)
    commit = run._Run._commit

    def noted(work: Any) -> None:
        commit(work)
        written.append(work.done)
        if work.done == 2:
            come()

    monkeypatch.setattr(run._Run, "_commit", noted)
    audit.run(InlineEngine(OneWaits()))
    at_last.cancel()
    assert 2 in written
    assert written[-1] == 3


def test_what_a_killed_run_left_half_written_goes(tmp_path: Path) -> None:
    ours = ["out/.junit.xml.jq4ths3y", "out/.index.html._0azz_9x",
            "out/reports/.0123456789abcdef.html.jq4ths3y"]  # fmt: skip
    others = ["out/.junit.xml", "out/.junit.xml.swp", "out/.notes.txt.jq4ths3y", "out/.lock",
              "out/.index.html.JQ4THS3Y", "out/reports/.index.html.jq4ths3y",
              "out/reports/.0123456789abcdef.html"]  # fmt: skip
    (tmp_path / "out" / "reports").mkdir(parents=True)
    for name in (*ours, *others):
        (tmp_path / name).write_bytes(b"half")
    (tmp_path / "out" / ".findings.csv.abcdefgh").mkdir()
    finish.remove_unfinished_reports(tmp_path / "out")
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert left == set(others)
    finish.remove_unfinished_reports(tmp_path / "nowhere")


def test_a_report_that_cannot_be_written_is_for_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "archive"
    fill(folder, 2)
    audit = Audit(folder, tmp_path / "out", reports="failed")
    synced = os.fsync
    said = []
    for full in (0, 1, 1, 2, 3, 4, 5):  # the page of the one that fails is written once
        calls = iter(range(100))

        def sync(handle: int, full: int = full, calls: Iterator[int] = calls) -> None:
            if next(calls) == full:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            synced(handle)

        monkeypatch.setattr("os.fsync", sync)
        try:
            audit.run()
        except OutputError as error:
            said.append((error.message.rpartition("/")[2], error.hint))
    names = ("responses.csv", "findings.csv", "junit.xml", "manifest.json", "index.html")
    space = "can't be written: No space left on device"
    assert said[0][0].endswith(f".html: {space}")
    assert [name for name, _ in said[1:]] == [f"{name}: {space}" for name in names]
    assert {hint for _, hint in said} == {words.NO_ROOM}
    assert "--resume" in words.NO_ROOM


class Dies(BrokenExecutor):
    pass


def test_an_input_that_ends_its_worker_is_a_row_and_the_others_are_judged(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    fill(folder, 10)

    def before(tasks: Any) -> None:
        if any(task.file.name.endswith("0004.json") for task in tasks):
            raise Dies

    audit = Audit(folder, tmp_path / "out")
    audit.run(InlineEngine(Inline(before), lost=(Dies,)))
    rows = audit.rows("SELECT name, reason FROM responses WHERE outcome = 'unreadable'")
    assert [name.removeprefix(f"{folder}/") for name, _ in rows] == ["0004.json"]
    assert "ended without a word, twice" in rows[0][1]
    assert audit.rows("SELECT count(*) FROM responses") == [(10,)]


def test_a_worker_that_is_lost_once_costs_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    fill(folder, 10)
    deaths = iter([True])

    def before(_: Any) -> None:
        if next(deaths, False):
            raise Dies

    audit, plain = Audit(folder, tmp_path / "out"), Audit(folder, tmp_path / "plain")
    audit.run(InlineEngine(Inline(before), lost=(Dies,)))
    plain.run()
    assert audit.everything() == plain.everything()


def test_a_folder_that_changes_meanwhile(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    fill(folder, 6)

    def before(_: Any) -> None:
        (folder / "0005.json").unlink(missing_ok=True)
        (folder / "later.json").write_bytes(check(uid="later"))

    audit = Audit(folder, tmp_path / "out")
    audit.run(InlineEngine(Inline(before)))
    rows = dict(audit.rows("SELECT name, reason FROM responses WHERE outcome = 'unreadable'"))
    assert rows == {f"{folder}/0005.json": f"{folder}/0005.json: no such file"}
    # The next run takes the folder as it is then.
    audit.run()
    fresh = Audit(folder, tmp_path / "fresh")
    fresh.run()
    assert audit.everything() == fresh.everything()


def test_what_an_audit_wrote_is_not_judged(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    fill(folder, 2)
    audit = Audit(folder, folder / "out")
    audit.run()
    assert audit.run() == []
    assert audit.rows("SELECT count(*) FROM inputs") == [(2,)]


def test_names_that_look_the_same_are_two_inputs(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    for name in (b"\xff.json", b"\xfe.json"):
        (folder / os.fsdecode(name)).write_bytes(check(uid=repr(name)))
    audit = Audit(folder, tmp_path / "out")
    audit.run()
    assert audit.rows("SELECT name, outcome FROM responses") == [
        (f"{folder}/\ufffd.json", "pass"),
        (f"{folder}/\ufffd.json", "pass"),
    ]


def test_nothing_there_at_all(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        Audit(tmp_path / "nowhere", tmp_path / "out").run()


def test_what_another_build_judged_is_judged_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may judge otherwise, though it has the same version."""
    folder = tmp_path / "archive"
    folder.mkdir()
    (folder / "a.json").write_bytes(check())
    (folder / "b.json").write_bytes(b"{")
    assert Audit(folder, tmp_path / "out").run() == ["a.json", "b.json"]
    again = Audit(folder, tmp_path / "out")
    for module in ("settings", "run", "finish"):
        monkeypatch.setattr(f"reporter.audit.{module}.writer_digest", lambda: "another")
    settings._key.cache_clear()
    assert again.run() == ["a.json", "b.json"]
    settings._key.cache_clear()


def test_a_store_of_another_version_or_of_somebody_else(tmp_path: Path) -> None:
    import sqlite3

    folder = tmp_path / "archive"
    fill(folder, 1)
    audit = Audit(folder, tmp_path / "out")
    audit.run()
    db = sqlite3.connect(tmp_path / "out" / "audit.sqlite")
    db.execute("PRAGMA user_version = 7")
    db.close()
    with pytest.raises(PolicyError, match="store of version 7; this cce-precheck writes version"):
        audit.run()
    other = Audit(folder, tmp_path / "other")
    db = sqlite3.connect(tmp_path / "other" / "audit.sqlite")
    db.execute("CREATE TABLE t (x)")
    db.commit()
    db.close()
    with pytest.raises(PolicyError, match="is no store of an audit"):
        other.run()
    third = Audit(folder, tmp_path / "third")
    third.run()
    db = sqlite3.connect(tmp_path / "third" / "audit.sqlite")
    db.execute(
        "CREATE TRIGGER t AFTER INSERT ON responses"
        " BEGIN UPDATE responses SET outcome = 'pass'; END"
    )
    db.close()
    with pytest.raises(PolicyError, match="holds a trigger that is not ours"):
        third.run()
    (tmp_path / "other" / "audit.sqlite").write_bytes(b"nonsense" * 200)
    with pytest.raises(PolicyError, match="is no store of an audit"):
        other.run()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE responses SET outcome = 'pass', reason = 'passes' WHERE outcome = 'fail'",
        "UPDATE responses SET outcome = 'pass', failed = 0 WHERE outcome = 'fail'",
        "UPDATE responses SET cluster_id = 'c-9'",
        "DELETE FROM responses WHERE outcome = 'fail'",
        "DELETE FROM findings",
        "UPDATE waivers SET status = 'used'",
        "UPDATE inputs SET sha256 = NULL",
    ],
)
def test_rows_changed_by_hand_are_nobodys(tmp_path: Path, change: str) -> None:
    import sqlite3

    folder = tmp_path / "archive"
    fill(folder, 4)
    path = tmp_path / "w.yaml"
    path.write_text(
        "apiVersion: precheck.policy/v1\nkind: WaiverList\nmetadata: {name: w, version: '1'}\n"
        "waivers:\n  - {id: w, check: Other, reason: r, starts: 2026-01-01, expires: 2026-12-31}\n"
    )
    audit = Audit(folder, tmp_path / "out", waivers=[str(path)])
    audit.run()
    assert audit.run() == []
    db = sqlite3.connect(tmp_path / "out" / "audit.sqlite")
    assert db.execute(change).rowcount
    db.commit()
    db.close()
    with pytest.raises(PolicyError, match="its rows are not those the last audit wrote"):
        audit.run()


@pytest.mark.parametrize(
    ("change", "contradicts"),
    [
        ("UPDATE responses SET outcome = 'pass' WHERE outcome = 'fail'", True),
        ("UPDATE responses SET outcome = 'pass', failed = 0 WHERE outcome = 'fail'", True),
        ("UPDATE responses SET outcome = 'unreadable' WHERE outcome = 'fail'", True),
        ("UPDATE responses SET outcome = 'Pass' WHERE outcome = 'fail'", True),
        ("UPDATE responses SET reason = 'odd' WHERE outcome = 'fail'", False),
    ],
)
def test_an_interrupted_store_that_contradicts_itself_is_not_resumed(
    tmp_path: Path, change: str, contradicts: bool
) -> None:
    import sqlite3

    folder = tmp_path / "archive"
    fill(folder, 4)
    audit = Audit(folder, tmp_path / "out")
    audit.run()
    db = sqlite3.connect(tmp_path / "out" / "audit.sqlite")
    db.execute("UPDATE meta SET value = '' WHERE key = 'seal'")  # as while it is judged
    assert db.execute(change).rowcount
    db.commit()
    db.close()
    if contradicts:
        with pytest.raises(PolicyError, match="contradicts its findings"):
            audit.run()
    else:
        assert audit.run() == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_folder_that_may_not_be_read_is_a_row(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    fill(folder, 2)
    closed = folder / "closed"
    closed.mkdir(mode=0)
    audit = Audit(folder, tmp_path / "out")
    try:
        audit.run()
    finally:
        closed.chmod(0o700)
    assert audit.rows("SELECT count(*) FROM responses WHERE outcome = 'unreadable'") == [(1,)]


def test_a_full_disk_keeps_what_was_judged(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    fill(folder, 12)
    audit = Audit(folder, tmp_path / "out")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "CHUNK_FILES", 2)
        patch.setattr(run, "COMMIT_SECONDS", 0.0)
        patch.setattr(run, "AHEAD", 0.5)
        from reporter.audit.store import Store

        add, times = Store.add, iter(range(100))

        def full(self: Store, batch: Any) -> None:
            add(self, batch)
            if next(times) == 2:
                self.run("PRAGMA max_page_count = 1")
                self.put("meta", [("x" * 10_000_000, "x" * 10_000_000)])

        patch.setattr(Store, "add", full)
        with pytest.raises(OutputError, match=r"audit\.sqlite: can't be written: .*full") as caught:
            audit.run()
    assert caught.value.hint is not None
    assert "--resume" in caught.value.hint
    judged = audit.run()
    assert 0 < len(judged) < 12
    plain = Audit(folder, tmp_path / "plain")
    plain.run()
    assert audit.everything() == plain.everything()


@pytest.mark.parametrize(
    ("passes", "fails"),
    [
        ("2026-03-01 09:06:58 +0000 UTC", "2026-03-01 09:06:58 +0000 UTC"),
        ("2026-03-01 09:06:58 +0000 UTC", "2026-03-01 09:06:58.9 +0000 UTC"),
    ],
)
def test_of_the_responses_before_an_upgrade_the_last_counts_and_the_worse_of_two(
    tmp_path: Path, passes: str, fails: str
) -> None:
    folder, upgrades = tmp_path / "in", tmp_path / "u.csv"
    folder.mkdir()
    (folder / "a.json").write_bytes(check(uid="a", at=passes))
    (folder / "b.json").write_bytes(check(risk(), uid="b", at=fails))
    upgrades.write_text("cluster,time,change\nc-1,2026-03-02T00:00:00Z,CHG-1\n")
    audit = Audit(folder, tmp_path / "out")
    audit.run(upgrades=upgrades)
    assert audit.facts is not None
    assert [part.outcome for part in audit.facts.upgrades] == ["fail"]


def test_a_file_that_grows_while_it_is_read_is_one_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    (folder / "a.json").write_bytes(check())
    growing = folder / "b.json"
    growing.write_bytes(check(uid="t-b"))
    plain = containers._Reader._plain

    def grows(self: Any, head: bytes, stream: Any, name: str, size: int | None) -> bytes:
        data = plain(self, head, stream, name, size)
        if name.endswith("b.json"):
            with growing.open("ab") as file:
                file.write(b" ")
        return data

    monkeypatch.setattr(containers._Reader, "_plain", grows)
    audit = Audit(folder, tmp_path / "out")
    audit.run()
    rows = audit.rows("SELECT name, outcome, reason FROM responses ORDER BY name")
    assert [row[1] for row in rows] == ["pass", "unreadable"]
    assert "changed while it was read" in rows[1][2]


@pytest.mark.parametrize("packed", [False, True])
def test_a_pipe_is_read_once(tmp_path: Path, packed: bool) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    data = gzip.compress(check()) if packed else check()
    writer = threading.Thread(target=pipe.write_bytes, args=(data,))
    writer.start()
    audit = Audit(pipe, tmp_path / "out")
    audit.run()
    writer.join()
    assert audit.rows("SELECT outcome FROM responses") == [("pass",)]
    assert audit.rows("SELECT sha256 FROM inputs") == [(None,)]


def test_upgrades_that_are_not_clear_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "u.csv"
    for text, said, hint in (
        (
            "cluster,time\nc-1,2026-03-01T10:00:00Z\nc-1,2026-03-02\n",
            '3: "2026-03-02" is a day: a check of that day may have come before the upgrade or '
            "after it",
            "write when it began, as 2026-03-02T10:30:00Z; 2026-03-02T00:00:00Z counts no check "
            "of that day",
        ),
        (
            "cluster,time\nc-1,2026-03-01T10:00:00\n",
            '2: "2026-03-01T10:00:00" is no instant of RFC 3339',
            "write 2026-03-01T10:30:00Z",
        ),
        (
            "cluster, Cluster ,time\nc-1,c-2,2026-03-01T10:00:00Z\n",
            '1: has 2 columns "cluster"',
            "which of them counts? rename or remove the others",
        ),
        (
            "cluster,time,time,TIME\nc-1,2026-03-01T10:00:00Z,,\n",
            '1: has 3 columns "time"',
            "which of them counts? rename or remove the others",
        ),
        ("cluster,time,change,change\n", '1: has 2 columns "change"', None),
    ):
        file.write_text(text)
        with pytest.raises(PolicyError) as caught:
            list(read_upgrades(file))
        assert caught.value.message == f"{file}:{said}"
        assert hint in (None, caught.value.hint)
    file.write_text("cluster,note,note,,time,\nc-1,a,b,c,2026-03-01T10:00:00+02:00,d\n")
    ((line, cluster, moment, change),) = read_upgrades(file)
    assert (line, cluster, change) == (2, "c-1", "")
    assert moment == datetime(2026, 3, 1, 8, tzinfo=UTC)


def test_the_same_bytes_of_two_clusters_are_no_copies(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    made = json.loads(check())
    del made["spec"]["clusterID"]
    data = json.dumps(made).encode()
    for name in ("a", "b"):
        (folder / f"{name}.json").write_bytes(data)
        note = {"sha256": sha256(data).hexdigest(), "cluster_id": f"c-{name}"}
        (folder / f"{name}.json.meta.json").write_text(json.dumps(note))
    audit = Audit(folder, tmp_path / "out")
    audit.run()
    assert audit.rows("SELECT cluster_id, copy_of FROM responses ORDER BY name") == [
        ("c-a", None),
        ("c-b", None),
    ]


def test_what_lies_below_the_folder_of_an_audit_counts(tmp_path: Path) -> None:
    """What an audit wrote is passed over; what somebody put there is not, nor is what is named."""
    out = tmp_path / "archive" / "out"
    (out / "inbox").mkdir(parents=True)
    (out / "reports").mkdir()
    (out / "inbox" / "r.json").write_bytes(check(risk()))
    (out / "reports" / "one.json").write_bytes(check(uid="t-2"))
    (out / "manifest.json").write_text("{}")
    audit = Audit(tmp_path / "archive", out)
    audit.run()
    assert audit.rows("SELECT outcome FROM responses") == [("fail",)]


@pytest.mark.parametrize("named", ["out", "out/r.json", "out/*.json", "out/reports"])
def test_a_location_of_which_nothing_counts_is_refused(tmp_path: Path, named: str) -> None:
    (tmp_path / "out" / "reports").mkdir(parents=True)
    for name in ("out/r.json", "out/reports/r.json"):
        (tmp_path / name).write_bytes(check())
    with pytest.raises(InputError, match=r"lies in --out, .* nothing of it counts"):
        Audit(tmp_path / named, tmp_path / "out").run()


def test_a_response_from_the_future_is_judged_as_of_no_day_yet(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    (folder / "r.json").write_bytes(check(at="2099-01-01 00:00:00 +0000 UTC"))
    audit = Audit(folder, tmp_path / "out")
    audit.run()
    assert audit.rows("SELECT outcome, judged_at FROM responses") == [("inconclusive", None)]
    assert (
        "2099-01-01T00:00:00Z, lies in the future"
        in audit.rows("SELECT reason FROM responses")[0][0]
    )


def test_a_response_whose_time_has_come_is_judged_after_all(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    (folder / "r.json").write_bytes(check(at="2026-06-02 00:00:00 +0000 UTC"))
    for clock, judged_at in (
        (datetime(2026, 6, 1, tzinfo=UTC), None),
        (datetime(2026, 6, 1, 12, tzinfo=UTC), None),
        (datetime(2026, 6, 3, tzinfo=UTC), "2026-06-02T00:00:00Z"),
    ):
        audit = Audit(folder, tmp_path / "out", clock=clock)
        audit.run()
        assert audit.rows("SELECT judged_at FROM responses") == [(judged_at,)]
