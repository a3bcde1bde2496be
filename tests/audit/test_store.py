"""A store that somebody else has written to: no verdict comes out of it, and no bug report."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from reporter import cli
from reporter.audit import finish
from reporter.audit.store import CARRIED, DETAILS, FILE_NAME, Store, columns, dump
from reporter.errors import OutputError, PolicyError
from tests.audit.archive import Audit, check, fill, risk

UNSEALED = "UPDATE meta SET value = '' WHERE key = 'seal'"
"""As while it is judged."""

WAIVERS = """\
apiVersion: precheck.policy/v1
kind: WaiverList
metadata: {name: w, version: '1'}
waivers: [{id: w, check: WaivedRisk, reason: r, starts: 2026-01-01, expires: 2026-12-31}]
"""

OTHER = """\
apiVersion: precheck.policy/v1
kind: Policy
metadata: {name: other, version: '1'}
rules:
  - {id: a, effect: note, match: {check: "*"}}
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An audit with a row in nearly every table that an interrupted run leaves."""
    whole = tmp_path_factory.mktemp("made")
    fill(whole / "in", 4)
    waived = check(risk("WaivedRisk"), uid="w", at="2026-02-01 10:00:00 +0000 UTC")
    (whole / "in" / "waived.json").write_bytes(waived)
    (whole / "w.yaml").write_text(WAIVERS)
    (whole / "other.yaml").write_text(OTHER)
    _audit(whole).run()
    return whole


def _audit(whole: Path) -> Audit:
    waivers, others = [str(whole / "w.yaml")], [str(whole / "other.yaml")]
    return Audit(whole / "in", whole / "out", waivers=waivers, others=others)


@pytest.fixture
def audit(made: Path, tmp_path: Path) -> Audit:
    """That audit again, over a copy of its store."""
    again = _audit(made)
    again.out = tmp_path / "out"
    shutil.copytree(made / "out", again.out)
    return again


def write(out: Path, *statements: str | tuple[str, tuple[Any, ...]]) -> None:
    with closing(sqlite3.connect(out / FILE_NAME, isolation_level=None)) as db:
        for part in statements:
            sql, values = (part, ()) if isinstance(part, str) else part
            db.execute(sql, values)


COUNTED = "CREATE VIEW counted AS SELECT * FROM responses WHERE outcome = 'pass'"


@pytest.mark.parametrize("rehash", [False, True])
@pytest.mark.parametrize(
    ("said", "statements"),
    [
        ("its view counted is not the one", ["DROP VIEW counted", COUNTED]),
        ("its view findings is not the one", ["DROP TABLE findings",
                                              "CREATE VIEW findings AS SELECT 1"]),
        ("its table meta is not the one", ["ALTER TABLE meta ADD COLUMN x"]),
        ("its table findings is missing", ["DROP TABLE findings"]),
        ("holds a table that is not ours", ["CREATE TABLE again (a)"]),
        ("holds a view that is not ours", ["CREATE VIEW v AS SELECT * FROM meta"]),
        ("holds a trigger that is not ours", ["CREATE TRIGGER t AFTER INSERT ON inputs BEGIN "
                                              "DELETE FROM responses; END"]),
        ("holds an index that is not ours", ["CREATE UNIQUE INDEX i ON check_sets(checks)"]),
        ("holds an index that is not ours", ["CREATE INDEX i ON findings(abs(number))"]),
        ("holds an index that is not ours", ["CREATE INDEX i ON findings(why) WHERE number"]),
        ("its rows are not those", ["UPDATE meta SET value = 'odd' WHERE key = 'summary'"]),
        ("its rows are not those", ["UPDATE meta SET value = 'judging' WHERE key = 'state'"]),
        ("its rows are not those", ["INSERT INTO meta VALUES ('exit_code', '0')"]),
        ("its rows are not those", ["UPDATE responses SET name = x'ff00'"]),
        ("a row holds what no audit writes", ["UPDATE inputs SET name = CAST(x'ff' AS TEXT)"]),
        ("meta.value holds what no audit writes", ["UPDATE meta SET value = x'ff'"]),
    ],
)  # fmt: skip
def test_a_store_that_was_changed_is_refused(
    audit: Audit, said: str, statements: list[str], rehash: bool
) -> None:
    write(audit.out, *statements)
    with pytest.raises(PolicyError, match=said) as caught:
        audit.run(rehash=rehash)
    assert caught.value.hint == "somebody changed this store: name a new folder with --out"


def test_only_a_store_that_somebody_wrote_to_is_summed_up_again(
    audit: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sum over millions of rows takes longer than all else where nothing is to be done."""
    file = audit.out / FILE_NAME
    summed: list[Path] = []
    digest = Store._digest

    def counted(store: Store) -> str:
        summed.append(store.path)
        return digest(store)

    monkeypatch.setattr(Store, "_digest", counted)
    for expected in (0, 1, 1):
        with Store(file) as store:
            store.check_untouched()
        assert len(summed) == expected
        if not expected:
            os.utime(file)  # as a copy has it
    with Store(file):
        pass
    write(audit.out, "UPDATE responses SET outcome = 'pass' WHERE outcome = 'fail'")
    with Store(file):
        pass  # whoever opens it without a question does not make it good
    with Store(file) as store, pytest.raises(PolicyError, match="not those the last audit wrote"):
        store.check_untouched()


def test_an_index_for_somebody_s_own_questions_is_kept(audit: Audit) -> None:
    index = "CREATE INDEX mine ON findings(node COLLATE NOCASE, why DESC)"
    write(audit.out, index)
    assert audit.run() == []
    assert audit.rows("SELECT sql FROM sqlite_master WHERE name = 'mine'") == [(index,)]
    assert len(audit.run(rehash=True)) == 5


@pytest.mark.parametrize(
    "change",
    [
        "responses SET judged_at = 'abc'",
        "responses SET updated_at = '9999-99-99T00:00:00Z'",
        "responses SET updated_at = '2026-02-31T00:00:00Z'",
        "responses SET cluster_id = x'ff'",
        "responses SET name = CAST(x'ff' AS TEXT)",
        "responses SET passed = -5",
        "responses SET report = '../../x.html'",
        "responses SET input_id = 'x'",
        "inputs SET state = 'x'",
        "findings SET outcome = 'x'",
        "tallies SET counts = 'x'",
        "tallies SET counts = '[]'",
        "tallies SET counts = '[[[1]]]'",
        "tallies SET set_id = 'x'",
        "check_sets SET checks = '[]'",
        "check_sets SET checks = '[1]'",
        "check_sets SET checks = '[[1, 2, 3, 4]]'",
        "waiver_uses SET checks = 'x'",
        "waiver_uses SET checks = '[[1]]'",
        "changes SET becomes = 'x'",
    ],
)
def test_an_interrupted_store_with_values_that_no_audit_writes(audit: Audit, change: str) -> None:
    write(audit.out, UNSEALED, f"UPDATE {change}")
    with pytest.raises(PolicyError, match=r"no audit writes|belongs to no row"):
        audit.run()


def test_an_interrupted_store_that_lost_a_response(audit: Audit) -> None:
    lost = "(SELECT id FROM responses WHERE outcome = 'fail')"
    details = [f"DELETE FROM {name} WHERE response_id IN {lost}" for name in DETAILS]  # noqa: S608
    write(audit.out, UNSEALED, *details, "DELETE FROM responses WHERE outcome = 'fail'")
    with pytest.raises(PolicyError, match=r"what was judged of .*/0000\.json is missing"):
        audit.run()


def test_an_interrupted_store_that_lost_its_counts(audit: Audit) -> None:
    write(audit.out, UNSEALED, "DELETE FROM tallies")
    with pytest.raises(PolicyError, match=r"what was judged of .* is missing"):
        audit.run()


def test_every_column_is_held_to_its_kind(audit: Audit) -> None:
    """A number or text where it can't be is found in each column of each table with a row."""
    with closing(sqlite3.connect(audit.out / FILE_NAME)) as db:
        filled = [
            name
            for name in CARRIED
            if db.execute(f"SELECT 1 FROM {name}").fetchone()  # noqa: S608
        ]
    assert set(CARRIED) - set(filled) <= {"skipped", "evidence"}
    before = (audit.out / FILE_NAME).read_bytes()
    for table in filled:
        for column in columns(table):
            (audit.out / FILE_NAME).write_bytes(before)
            change = f"UPDATE {table} SET {column} = x'ff' WHERE rowid = 1"  # noqa: S608
            write(audit.out, UNSEALED, change)
            with (
                Store(audit.out / FILE_NAME) as store,
                pytest.raises(PolicyError, match=rf"{table}\.{column} holds what no audit"),
            ):
                store.check_untouched()


def test_what_a_run_itself_wrote_and_can_t_read_is_a_bug(
    audit: Audit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise KeyError("ours")

    monkeypatch.setattr(finish, "summarise", broken)
    audit.out = tmp_path / "new"
    audit.out.mkdir()
    with pytest.raises(KeyError, match="ours"):
        audit.run()


# The command ----------------------------------------------------------------------------------


def run_here(*arguments: object) -> int:
    return cli.run(["audit", *map(str, arguments), "--no-pdf", "--quiet", "--jobs", "1"])


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    whole = tmp_path_factory.mktemp("failing")
    fill(whole / "in", 1)
    assert run_here(whole / "in", "--out", whole / "out", "--at", "now") == 1
    return whole


@pytest.fixture
def out(failing: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(failing / "out", tmp_path / "out"))


def test_no_verdict_is_believed_from_meta(
    failing: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    passes = "✓ The one response passes\n"
    lie = ("UPDATE meta SET value = ? WHERE key = 'summary'", (passes,))
    code = "INSERT OR REPLACE INTO meta VALUES ('exit_code', '0')"
    audit = (failing / "in", "--out", out, "--at", "now", "--resume")
    write(out, lie, code, UNSEALED)  # all is told anew
    capsys.readouterr()
    assert run_here(*audit) == 1
    assert capsys.readouterr().out == "✕ 1 of 1 response fails under this policy\n"
    assert run_here(*audit) == 1
    write(out, lie, code)
    capsys.readouterr()
    assert run_here(*audit) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "its rows are not those the last audit wrote" in told.err
    assert not (out / "index.html").exists()
    assert "the audit has not finished" in (out / "junit.xml").read_text()


def test_pages_of_a_store_that_can_t_be_opened_are_taken_back(failing: Path, out: Path) -> None:
    write(out, "DROP VIEW counted", COUNTED)
    assert run_here(failing / "in", "--out", out, "--rehash") == 2
    assert not (out / "index.html").exists()
    assert "counted is not the one an audit makes" in (out / "junit.xml").read_text()


@pytest.mark.parametrize("value", ["", b"\xff", "abc", "[1]", "5", "null", "9" * 5000, "[" * 9999])
@pytest.mark.parametrize("key", ["run", "now"])
def test_meta_that_no_audit_writes(
    failing: Path, out: Path, key: str, value: object, capsys: pytest.CaptureFixture[str]
) -> None:
    write(out, ("UPDATE meta SET value = ? WHERE key = ?", (value, key)))
    assert run_here(failing / "in", "--out", out, "--at", "now", "--resume") == 2
    first, hint = capsys.readouterr().err.splitlines()
    assert first.endswith("holds what no audit writes")
    assert "somebody changed this store" in hint


def test_pages_of_a_store_that_can_t_be_written_are_taken_back(
    failing: Path, out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def closed(*_: Any) -> None:
        raise OutputError("attempt to write a readonly database", hint="name another folder")

    monkeypatch.setattr(Store, "_prepare", closed)
    assert run_here(failing / "in", "--out", out) == 5
    assert not (out / "index.html").exists()
    assert "readonly database" in (out / "junit.xml").read_text()
    monkeypatch.setattr("reporter.output.files.remove_stale", lambda _: False)
    assert run_here(failing / "in", "--out", out) == 5
    assert "index.html: an earlier run's report holds no longer" in capsys.readouterr().err


def test_where_nobody_can_be_told_junit_says_so(
    failing: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OutputError("the summary can't be written: No space left on device")

    assert run_here(failing / "in", "--out", out) == 1
    before = (out / "junit.xml").read_bytes()
    with monkeypatch.context() as patched:
        patched.setattr("reporter.cli.audit.print_page", full)
        for _ in range(2):  # of a run that finds nothing new, too
            assert run_here(failing / "in", "--out", out) == 5
            added = ElementTree.parse(out / "junit.xml").findall("testsuite")
            assert [suite.get("id") for suite in added] == [str(n) for n in range(len(added))]
            error = added[-1].find("testcase/error")
            assert error is not None
            assert "the exit code is 5" in str(error.get("message"))
            assert len((out / "junit.xml").read_bytes()) > len(before)
        (out / "junit.xml").write_text("of somebody")
        patched.setattr("reporter.cli.audit._judged", lambda *_: (0, None))
        assert run_here(failing / "in", "--out", out) == 5
        assert "<error" in (out / "junit.xml").read_text()
    assert run_here(failing / "in", "--out", out) == 1
    assert (out / "junit.xml").read_bytes() == before


def test_a_bug_leaves_no_page_of_before(
    failing: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("ours")

    monkeypatch.setattr("reporter.audit.run.plan", broken)
    assert run_here(failing / "in", "--out", out, "--at", "now") == 70
    assert not (out / "index.html").exists()
    assert (
        "the audit has not finished: internal error: RuntimeError"
        in (out / "junit.xml").read_text()
    )


def test_the_dump_holds_everything_and_no_sample_of_the_rows(audit: Audit) -> None:
    """ANALYZE reads a sample: of the same rows in another order it says something else."""
    whole = dump(audit.out / FILE_NAME)
    assert {row.split(" ", 1)[0] for row in whole} > {"sqlite_master", "responses", "meta"}
    assert not [row for row in whole if "sqlite_stat" in row]
    write(audit.out, "ANALYZE", "CREATE INDEX mine ON findings(node)")
    assert [row for row in dump(audit.out / FILE_NAME) if row.startswith("sqlite_stat1 ")]
    write(audit.out, "DROP INDEX mine")
    audit.run(rehash=True)
    assert dump(audit.out / FILE_NAME) == whole
