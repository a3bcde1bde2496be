"""The store of an audit: one SQLite file that any tool opens, and the queue of its work.

The only module that imports sqlite3. Ids come from names and contents, never from a counter or a
clock, so that the same archive under the same policy gives the same rows whatever was judged
first, by whom and how often it was interrupted. `docs/audit.md` explains every table.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import marshal
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from reporter.errors import OutputError, PolicyError
from reporter.output.files import changed_at, mark, microseconds_of

VERSION = 3
"""Raised when a table or the seal changes, so that an older store can't be added to."""

APPLICATION = 0x43434541
"""`CCEA`: marks the file as an audit's."""

FILE_NAME = "audit.sqlite"

TABLES: dict[str, tuple[str, ...]] = {
    "meta": ("key TEXT PRIMARY KEY", "value TEXT NOT NULL"),
    "inputs": (
        "id TEXT PRIMARY KEY",
        "name TEXT NOT NULL",
        "stamp TEXT",
        "state TEXT NOT NULL",
        "sha256 TEXT",
        "size INTEGER",
        "archive INTEGER NOT NULL DEFAULT 0",
    ),
    "responses": (
        "id TEXT PRIMARY KEY",
        "input_id TEXT NOT NULL REFERENCES inputs(id)",
        "name TEXT NOT NULL",
        "pointer TEXT NOT NULL",
        "outcome TEXT NOT NULL",
        "reason TEXT NOT NULL",
        "hint TEXT",
        "cluster_id TEXT",
        "cluster_type TEXT",
        "cluster_version TEXT",
        "target_version TEXT",
        "task_uid TEXT",
        "task_phase TEXT",
        "created_at TEXT",
        "updated_at TEXT",
        "expires_at TEXT",
        "judged_at TEXT",
        "judged_by TEXT",
        "compared_by TEXT",
        "form TEXT",
        "size INTEGER",
        "sha256 TEXT",
        "task_sha256 TEXT",
        "nodes INTEGER NOT NULL DEFAULT 0",
        "failed INTEGER NOT NULL DEFAULT 0",
        "unknown INTEGER NOT NULL DEFAULT 0",
        "warned INTEGER NOT NULL DEFAULT 0",
        "waived INTEGER NOT NULL DEFAULT 0",
        "noted INTEGER NOT NULL DEFAULT 0",
        "passed INTEGER NOT NULL DEFAULT 0",
        "tolerated INTEGER NOT NULL DEFAULT 0",
        "skipped INTEGER NOT NULL DEFAULT 0",
        "report TEXT",
        "copy_of TEXT",
        "same_uid TEXT",
        "upgraded_at TEXT",
        "upgrade_change TEXT",
        "holds_until TEXT",
        "conditions INTEGER NOT NULL DEFAULT 0",
        "condition_codes TEXT NOT NULL DEFAULT ''",
    ),
    "findings": (
        "response_id TEXT NOT NULL REFERENCES responses(id)",
        "number INTEGER NOT NULL",
        "outcome TEXT NOT NULL",
        "check_name TEXT",
        "scope TEXT NOT NULL",
        "kind TEXT",
        "level TEXT",
        "group_name TEXT",
        "phase TEXT",
        "node TEXT",
        "node_uid TEXT",
        "message TEXT",
        "why TEXT NOT NULL",
        "rules TEXT NOT NULL",
        "waivers TEXT NOT NULL",
        "near_misses TEXT NOT NULL",
        "pointer TEXT NOT NULL",
    ),
    "check_sets": ("id TEXT PRIMARY KEY", "checks TEXT NOT NULL"),
    "tallies": (
        "response_id TEXT PRIMARY KEY REFERENCES responses(id)",
        "set_id TEXT NOT NULL REFERENCES check_sets(id)",
        "counts TEXT NOT NULL",
    ),
    "skipped": (
        "response_id TEXT NOT NULL REFERENCES responses(id)",
        "number INTEGER NOT NULL",
        "outcome TEXT NOT NULL",
        "check_name TEXT",
        "node_uids TEXT NOT NULL",
        "why TEXT NOT NULL",
        "waivers TEXT NOT NULL",
    ),
    "evidence": (
        "response_id TEXT NOT NULL REFERENCES responses(id)",
        "line TEXT NOT NULL",
        "state TEXT NOT NULL",
        "level TEXT NOT NULL",
        "text TEXT NOT NULL",
    ),
    "conditions": (
        "response_id TEXT NOT NULL REFERENCES responses(id)",
        "role TEXT NOT NULL",
        "code TEXT NOT NULL",
        "text TEXT NOT NULL",
    ),
    "waiver_uses": (
        "response_id TEXT NOT NULL REFERENCES responses(id)",
        "source TEXT NOT NULL",
        "waiver TEXT NOT NULL",
        "status TEXT NOT NULL",
        "findings INTEGER NOT NULL",
        "skipped INTEGER NOT NULL",
        "not_applicable INTEGER NOT NULL",
        "missed INTEGER NOT NULL",
        "checks TEXT NOT NULL",
    ),
    "waivers": (
        "source TEXT NOT NULL",
        "waiver TEXT NOT NULL",
        "line INTEGER NOT NULL",
        "status TEXT NOT NULL",
        "marks TEXT NOT NULL",
        "check_name TEXT NOT NULL",
        "match TEXT NOT NULL",
        "reason TEXT NOT NULL",
        "approved_by TEXT",
        "approved_on TEXT",
        "ticket TEXT",
        "starts TEXT",
        "expires TEXT",
        "valid_until TEXT",
        "responses INTEGER NOT NULL",
        "clusters INTEGER NOT NULL",
        "findings INTEGER NOT NULL",
        "skipped INTEGER NOT NULL",
        "missed INTEGER NOT NULL",
        "missed_responses INTEGER NOT NULL",
        "not_applicable INTEGER NOT NULL",
        "checks INTEGER NOT NULL",
        "first_used TEXT",
        "last_used TEXT",
        "PRIMARY KEY (source, waiver)",
    ),
    "changes": (
        "response_id TEXT NOT NULL REFERENCES responses(id)",
        "number INTEGER NOT NULL",
        "was TEXT NOT NULL",
        "becomes TEXT NOT NULL",
        "what TEXT NOT NULL",
    ),
    "policies": (
        "kind TEXT NOT NULL",
        "name TEXT NOT NULL",
        "version TEXT",
        "owner TEXT",
        "source TEXT NOT NULL",
        "sha256 TEXT NOT NULL",
        "role TEXT NOT NULL",
        "PRIMARY KEY (role, source, sha256)",
    ),
    "upgrades": (
        "line INTEGER PRIMARY KEY",
        "cluster TEXT NOT NULL",
        "at TEXT NOT NULL",
        "change TEXT NOT NULL",
        "response_id TEXT",
        "outcome TEXT",
        "said TEXT NOT NULL",
    ),
}
"""Every table and its columns, in the order of a row."""

DETAILS = (
    "findings",
    "tallies",
    "skipped",
    "evidence",
    "conditions",
    "waiver_uses",
    "changes",
)
"""What hangs on a response and goes with it."""

SEALED = ("inputs", "responses", "check_sets", "waivers", "upgrades", "policies")
"""What else the reports are made from."""

_CONTRADICTED = """SELECT name FROM responses AS r WHERE
    outcome NOT IN ('pass', 'fail', 'inconclusive', 'unreadable')
    OR (outcome = 'unreadable') <> (judged_by IS NULL)
    OR (outcome = 'pass' AND (failed OR unknown OR EXISTS (
        SELECT 1 FROM evidence WHERE response_id = r.id AND level = 'require')))
    OR failed <> (SELECT count(*) FROM findings WHERE response_id = r.id AND outcome = 'fail')
    OR unknown <> (SELECT count(*) FROM findings WHERE response_id = r.id AND outcome = 'unknown')
    OR r.conditions <> (
        SELECT count(*) FROM conditions WHERE response_id = r.id AND role = 'judged by')
    ORDER BY name LIMIT 1"""
"""A row that no judging gives."""

_LOST = """SELECT name FROM inputs WHERE state = 'done' AND NOT EXISTS (
        SELECT 1 FROM responses WHERE input_id = inputs.id)
    UNION ALL SELECT name FROM responses WHERE judged_at IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM tallies WHERE response_id = responses.id)
    ORDER BY name LIMIT 1"""
"""Rows that come with others, which are not there."""

CARRIED = ("inputs", "responses", "check_sets", *DETAILS)
"""What an interrupted run leaves to the next; the other tables are made anew at the end."""

_TIME = "{0} IS NULL OR ({0} GLOB '[0-9]*Z' AND {0} >= '0001' AND length({0}) IN (20, 27) AND " + (
    "substr({0}, 1, 19) = strftime('%Y-%m-%dT%H:%M:%S', substr({0}, 1, 19), '+0 days') AND "
    "substr({0}, 20, 7) NOT GLOB '*[^0-9.Z]*')"
)
_ID = "length({0}) = 16 AND {0} NOT GLOB '*[^0-9a-f]*'"
_NAMES = "CASE WHEN json_valid({0}) THEN json_type({0}) = 'array' ELSE 0 END"

_VALUES: dict[tuple[str, str], str] = {
    ("inputs", "id"): _ID,
    ("inputs", "state"): "{0} IN ('todo', 'done')",
    ("inputs", "archive"): "{0} IN (0, 1)",
    ("responses", "id"): _ID,
    ("responses", "created_at"): _TIME,
    ("responses", "updated_at"): _TIME,
    ("responses", "expires_at"): _TIME,
    ("responses", "judged_at"): _TIME,
    ("responses", "upgraded_at"): _TIME,
    ("responses", "holds_until"): _TIME,
    ("responses", "report"): "{0} IS NULL OR {0} = 'reports/' || id || '.html'",
    ("findings", "outcome"): "{0} IN ('fail', 'unknown', 'warn', 'waived', 'note', 'pass')",
    ("check_sets", "id"): _ID,
    ("check_sets", "checks"): _NAMES,
    # Numbers, and lists of them; none that is too long to be a count.
    ("tallies", "counts"): f"{_NAMES} AND {{0}} NOT GLOB '*[^][0-9, ]*' "
    f"AND {{0}} NOT GLOB '*{'[0-9]' * 16}*'",
    ("skipped", "outcome"): "{0} IN ('fail', 'unknown', 'warn', 'waived', 'note')",
    ("evidence", "state"): "{0} = 'not-ok'",
    ("evidence", "level"): "{0} IN ('require', 'warn')",
    ("conditions", "role"): "{0} IN ('judged by', 'compared with')",
    ("waiver_uses", "checks"): _NAMES,
    ("changes", "was"): "{0} IN ('pass', 'fail', 'inconclusive')",
    ("changes", "becomes"): "{0} IN ('pass', 'fail', 'inconclusive')",
}
"""What a value is beside text or a number that is not negative, as SQL."""

_TEXTS = {str, type(None)}

_TABLES_MADE = tuple(
    f"CREATE TABLE IF NOT EXISTS {name} ({', '.join(parts)})" for name, parts in TABLES.items()
)
_INDEXES = (
    "CREATE INDEX IF NOT EXISTS responses_of_input ON responses(input_id)",
    *(
        f"CREATE INDEX IF NOT EXISTS {table}_of_response ON {table}(response_id)"
        for table in DETAILS
        if table != "tallies"
    ),
)
_LATE_INDEXES = (
    "CREATE INDEX IF NOT EXISTS responses_by_cluster ON responses(cluster_id, updated_at)",
    "CREATE INDEX IF NOT EXISTS responses_by_outcome ON responses(outcome, updated_at)",
    "CREATE INDEX IF NOT EXISTS responses_by_task ON responses(task_uid)",
    "CREATE INDEX IF NOT EXISTS findings_by_check ON findings(check_name, outcome)",
    "CREATE INDEX IF NOT EXISTS waiver_uses_by_waiver ON waiver_uses(waiver, status)",
)
"""For people's questions: made when everything is in, where that is cheaper."""

_BY_ANALYZE = ("sqlite_stat1", "sqlite_stat4")
"""What ANALYZE leaves. No query of ours needs it: each has the plan it wants without."""

_VIEWS = (
    # Every response once: what totals are made of.
    "CREATE VIEW IF NOT EXISTS counted AS SELECT * FROM responses "
    "WHERE copy_of IS NULL AND outcome != 'unreadable'",
    # `tallies` as rows, for people: a response's checks with how many findings had which outcome.
    # Findings that passed are counted here alone. Most checks have passed everywhere: one number.
    """CREATE VIEW IF NOT EXISTS checks AS SELECT response_id,
    json_extract(named.value, '$[0]') AS scope, json_extract(named.value, '$[1]') AS check_name,
    json_extract(named.value, '$[2]') AS kind, json_extract(named.value, '$[3]') AS level,
    iif(counted.type = 'array', json_extract(counted.value, '$[0]'), 0) AS failed,
    iif(counted.type = 'array', json_extract(counted.value, '$[1]'), 0) AS unknown,
    iif(counted.type = 'array', json_extract(counted.value, '$[2]'), 0) AS warned,
    iif(counted.type = 'array', json_extract(counted.value, '$[3]'), 0) AS waived,
    iif(counted.type = 'array', json_extract(counted.value, '$[4]'), 0) AS noted,
    iif(counted.type = 'array', json_extract(counted.value, '$[5]'), counted.value) AS passed
    FROM tallies JOIN check_sets ON check_sets.id = set_id,
    json_each(check_sets.checks) AS named, json_each(counts) AS counted
    WHERE named.key = counted.key""",
)

Row = Sequence[Any]

CHANGED_HINT = "somebody changed this store: name a new folder with --out"


class RefusedStoreError(PolicyError):
    """A store that is not added to: what was made from it earlier holds no longer."""


class NoStoreError(RefusedStoreError):
    """A file that is no store of any audit."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path}: is no store of an audit", hint="name another folder with --out")


class ChangedStoreError(RefusedStoreError):
    """The store is an audit's, and somebody else has written to it."""

    def __init__(self, path: Path, said: str) -> None:
        super().__init__(f"{path}: {said}", hint=CHANGED_HINT)


def make_id(*parts: object) -> str:
    """An id that depends on nothing but what it is for: 64 bits of SHA-256, in hex."""
    text = "\0".join(str(part) for part in parts)
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def columns(table: str) -> tuple[str, ...]:
    """The names of a table's columns, in the order of a row."""
    return tuple(
        part.split(" ", 1)[0] for part in TABLES[table] if not part.startswith("PRIMARY KEY")
    )


def _values_of(table: str) -> Iterator[tuple[str, str]]:
    """What has to hold of each column of a table, as SQL."""
    for part in TABLES[table]:
        name, kind = part.split()[:2]
        held = f"typeof({name}) = 'text'" if kind == "TEXT" else f"typeof({name}) = 'integer'"
        if kind == "INTEGER":
            held += f" AND {name} >= 0"
        if "NOT NULL" not in part and "PRIMARY KEY" not in part:
            held = f"({name} IS NULL OR {held})"
        more = _VALUES.get((table, name))
        yield name, f"({held})" if more is None else f"({held} AND ({more.format(name)}))"


@dataclass
class Rows:
    """What judging gave, ready to be put into the store."""

    input_id: str
    responses: list[Row] = field(default_factory=list)
    details: dict[str, list[Row]] = field(default_factory=lambda: {name: [] for name in DETAILS})
    check_sets: dict[str, str] = field(default_factory=dict)
    sha256: str | None = None
    size: int | None = None


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Nobody else writes to the folder meanwhile. `OutputError` where somebody does."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise OutputError(
                f"{folder}: another audit is writing there", hint="wait for it, or name another"
            ) from None
        yield
    finally:
        os.close(handle)


class Store:
    """The store of one audit, open for writing. Use as a context manager."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._held = False
        """Whether an earlier run, or somebody else, has left anything."""
        self._as_left = False
        """Whether its rows are known to be those the last audit wrote."""
        self._changed_at = changed_at(path)
        with _clear_errors(path):
            _check_kind(path)
            self._db = sqlite3.connect(path, isolation_level=None)
            try:
                self._prepare()
                filled = (f"EXISTS (SELECT 1 FROM {name})" for name in ("meta", *CARRIED))
                self._held = bool(self.one(f"SELECT {' OR '.join(filled)}"))
            except BaseException:
                self._db.close()
                raise

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave one file behind, without a journal beside it.

        The time of one whose rows are known tells so, in its microseconds: whoever writes to it
        changes that, and what nobody wrote to need not be summed up again.
        """
        seal = None
        with contextlib.suppress(sqlite3.Error, PolicyError):
            seal = self.meta().get("seal") if self._as_left else None
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._db.execute("PRAGMA journal_mode = DELETE")
        self._db.close()
        if seal:
            mark(self.path, seal)

    def _prepare(self) -> None:
        run = self._db.execute
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = NORMAL")
        run("PRAGMA cache_size = -32000")
        run("PRAGMA temp_store = FILE")
        run("PRAGMA wal_autocheckpoint = 4000")
        with self.writing():
            for text in (*_TABLES_MADE, *_INDEXES, *_VIEWS):
                run(text)  # those that are there were compared before
            run(f"PRAGMA application_id = {APPLICATION}")
            run(f"PRAGMA user_version = {VERSION}")

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """All of it or nothing: what was written before stays whole when the disk is full."""
        with _clear_errors(self.path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException as error:
                with contextlib.suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")
                if self._held and isinstance(error, sqlite3.IntegrityError):
                    raise ChangedStoreError(self.path, "its rows don't fit together") from error
                raise

    @contextlib.contextmanager
    def reading(self, what: str = "a row") -> Iterator[None]:
        """Read what an earlier run wrote: where it can't be read, somebody else has written it.

        `ChangedStoreError`. In a store that began empty this run wrote it all: errors are our own.
        """
        try:
            yield
        except _UNREADABLE as error:
            if not self._held:
                raise
            raise ChangedStoreError(self.path, f"{what} holds what no audit writes") from error

    def ask(self, sql: str, values: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """The rows that answer a query."""
        with _clear_errors(self.path):
            # Not `yield from`, which would close the cursor of a store that is closed already.
            for row in self._db.execute(sql, values):  # noqa: UP028
                yield row

    def one(self, sql: str, values: Sequence[Any] = ()) -> Any:
        """The one value that answers a query."""
        row = next(self.ask(sql, values), None)
        return None if row is None else row[0]

    def run(self, sql: str, values: Sequence[Any] = ()) -> None:
        """Change something."""
        self._db.execute(sql, values)

    def put(self, table: str, rows: Iterable[Row], *, replace: bool = False) -> None:
        """Add rows."""
        marks = ", ".join("?" * len(columns(table)))
        verb = "REPLACE" if replace else "INSERT"
        self._db.executemany(f"{verb} INTO {table} VALUES ({marks})", rows)

    # Meta -------------------------------------------------------------------------------------

    def meta(self) -> dict[str, str]:
        """What is known of the run as a whole. `ChangedStoreError` for anything but text."""
        found = {}
        for key, value in self.ask("SELECT key, value FROM meta"):
            if not (isinstance(key, str) and isinstance(value, str)):
                raise ChangedStoreError(self.path, "meta.value holds what no audit writes")
            found[key] = value
        return found

    def set_meta(self, values: Mapping[str, str]) -> None:
        """Remember something of the run as a whole: it goes on, and the seal is off."""
        self.put("meta", [*values.items(), ("seal", "")], replace=True)

    # Untouched --------------------------------------------------------------------------------

    def complete(self, values: Mapping[str, str]) -> None:
        """The reports are written: remember of what, and seal rows and meta until they change."""
        with self.writing():
            self.set_meta({**values, "state": "complete"})
            self.put("meta", [("seal", self._digest())], replace=True)
        self._as_left = True

    def unseal(self) -> None:
        """The rows are about to be changed. Part of the transaction that changes them."""
        self.set_meta({})

    def is_sealed(self) -> bool:
        """Whether the last audit came to its end, and nothing was changed by an audit since."""
        return bool(self.meta().get("seal"))

    def check_untouched(self) -> None:
        """Refuse a store whose rows somebody else has changed. `ChangedStoreError`.

        After a run that ended well any change is found, after one that was interrupted whatever
        contradicts itself or is no value an audit writes. Whoever changes rows and seal together
        is not found: nobody signs it.
        """
        with self.reading(), _clear_errors(self.path):
            if seal := self.meta().get("seal"):
                # A sum over five million rows takes half a minute.
                changed = self._changed_at
                as_left = changed is not None and changed % 1_000_000 == microseconds_of(seal)
                if not as_left and seal != self._digest():
                    raise ChangedStoreError(
                        self.path, "its rows are not those the last audit wrote"
                    )
                self._as_left = True
                return  # what a run that ended well wrote contradicts nothing
            if self._held:
                self._check_values()
            if (name := self.one(_CONTRADICTED)) is not None:
                raise ChangedStoreError(self.path, f"the row of {name} contradicts its findings")

    def _check_values(self) -> None:
        """What an interrupted run left: each value of its kind, each reference to a row."""
        for table in CARRIED:
            conditions = [(name, f"NOT ifnull({text}, 0)") for name, text in _values_of(table)]
            wrong = " OR ".join(text for _, text in conditions)
            number = self.one(f"SELECT rowid FROM {table} WHERE {wrong} LIMIT 1")
            for name, text in conditions if number is not None else ():
                if self.one(f"SELECT count(*) FROM {table} WHERE rowid = ? AND {text}", (number,)):
                    said = f"{table}.{name} holds what no audit writes"
                    raise ChangedStoreError(self.path, said)
        if (row := next(self.ask("PRAGMA foreign_key_check"), None)) is not None:
            raise ChangedStoreError(self.path, f"a row of {row[0]} belongs to no row of {row[2]}")
        if (name := self.one(_LOST)) is not None:
            raise ChangedStoreError(self.path, f"what was judged of {name} is missing")
        for (text,) in self.ask("SELECT checks FROM check_sets"):
            for check in json.loads(text):
                scope, name, kind, level = check
                if type(scope) is not str or not {type(name), type(kind), type(level)} <= _TEXTS:
                    raise ChangedStoreError(
                        self.path, "check_sets.checks holds what no audit writes"
                    )

    def _digest(self) -> str:
        """A sum over the rows, the same in whatever order they were written."""
        total = 0
        meta = "SELECT 'meta', * FROM meta WHERE key <> 'seal'"
        rows = [f"SELECT '{table}', * FROM {table}" for table in (*SEALED, *DETAILS)]
        for query in (meta, *rows):
            for row in self._db.execute(query):
                # Version 2 of the format depends on nothing but the values, and is quick.
                total += int.from_bytes(sha256(marshal.dumps(row, 2)).digest())
        return f"{total % 2**256:064x}"

    # The queue --------------------------------------------------------------------------------

    def forget(self, input_id: str) -> None:
        """Take out what is known of the responses of an input."""
        for table in DETAILS:
            self.run(
                f"DELETE FROM {table} WHERE response_id IN "
                "(SELECT id FROM responses WHERE input_id = ?)",
                (input_id,),
            )
        self.run("DELETE FROM responses WHERE input_id = ?", (input_id,))

    def forget_responses(self, ids: Iterable[str]) -> None:
        """Take out single responses."""
        wanted = [(name,) for name in ids]
        for table in DETAILS:
            self._db.executemany(
                f"DELETE FROM {table} WHERE response_id = ?",
                wanted,
            )
        self._db.executemany("DELETE FROM responses WHERE id = ?", wanted)

    def list_inputs(self, rows: Iterable[tuple[str, str, str | None]]) -> None:
        """Note inputs as they are listed, in a table that ends with the run."""
        with self.writing():
            self._db.executemany("INSERT OR IGNORE INTO listed VALUES (?, ?, ?, 0)", rows)

    def take(self, ids: Sequence[str]) -> list[str]:
        """Which of these are in the queue and not handed out yet; from now on they are."""
        marks = ", ".join("?" * len(ids))
        found = {
            row[0]
            for row in self.ask(
                "SELECT inputs.id FROM inputs JOIN listed ON listed.id = inputs.id "
                f"WHERE state = 'todo' AND NOT taken AND inputs.id IN ({marks})",
                ids,
            )
        }
        with self.writing():
            self._db.executemany(
                "UPDATE listed SET taken = 1 WHERE id = ?", [(name,) for name in found]
            )
        return [name for name in ids if name in found]

    def add(self, batch: Sequence[Rows]) -> None:
        """Put in what was judged."""
        self.put("responses", (row for rows in batch for row in rows.responses))
        sets = {name: text for rows in batch for name, text in rows.check_sets.items()}
        self._db.executemany("INSERT OR IGNORE INTO check_sets VALUES (?, ?)", sets.items())
        for table in DETAILS:
            found = [row for rows in batch for row in rows.details[table]]
            if found:
                self.put(table, found)

    def finish(self, rows: Iterable[tuple[str | None, int | None, str]]) -> None:
        """Inputs that are done: their digest, size and id."""
        self._db.executemany(
            "UPDATE inputs SET state = 'done', sha256 = ?, size = ? WHERE id = ?", rows
        )

    def index(self) -> None:
        """Make the indexes that people's questions want.

        What somebody's ANALYZE left goes: it is a sample, and depends on the order of the rows.
        """
        with self.writing():
            for text in _LATE_INDEXES:
                self.run(text)
            for name in _BY_ANALYZE:
                self.run(f"DROP TABLE IF EXISTS {name}")


def dump(path: Path) -> list[str]:
    """All a store holds as text, sorted: two stores that say the same have the same dump.

    What was made in it (`sqlite_master`), the two marks of its kind, and each row of each table,
    SQLite's own tables among them.
    """
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        made = db.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall()
        found = [f"sqlite_master {row!r}" for row in made]
        for name in ("application_id", "user_version"):
            found += [f"{name} {row!r}" for row in db.execute(f"PRAGMA {name}")]
        for table in (name for kind, name, _, _ in made if kind == "table"):
            found += [f"{table} {row!r}" for row in db.execute(f'SELECT * FROM "{table}"')]
    finally:
        db.close()
    return sorted(found)


def _check_kind(path: Path) -> None:
    """Only a store of ours, of this version and as we made it, is added to."""
    if not path.exists() or path.stat().st_size == 0:
        return
    db = sqlite3.connect(path)
    try:
        application = db.execute("PRAGMA application_id").fetchone()[0]
        version = db.execute("PRAGMA user_version").fetchone()[0]
        empty = not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if empty:
            return  # whoever made it was interrupted before anything else
        if application == APPLICATION and version == VERSION:
            _check_schema(db, path)
    except sqlite3.DatabaseError as error:
        if "locked" in str(error):
            raise
        raise NoStoreError(path) from None
    finally:
        db.close()
    if application != APPLICATION:
        raise NoStoreError(path)
    if version != VERSION:
        raise RefusedStoreError(
            f"{path}: is a store of version {version}; this cce-precheck writes version {VERSION}",
            hint="name a new folder with --out: the archive is judged again in full",
        )


def _check_schema(db: sqlite3.Connection, path: Path) -> None:
    """Every table, view and index as this version makes it. `ChangedStoreError`.

    A view or trigger of somebody else's could change what is read or written; a plain index of
    theirs makes nothing but their questions faster, and stays.
    """
    ours = _schema()
    found = db.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall()
    for kind, name, table, sql in found:
        if ours.get(name) == (kind, table, sql):
            continue
        if name in ours:
            raise ChangedStoreError(path, f"its {kind} {name} is not the one an audit makes")
        by_analyze = kind == "table" and name in _BY_ANALYZE
        if not by_analyze and not (kind == "index" and _only_speeds_up(db, table, name)):
            article = "an" if kind == "index" else "a"
            raise ChangedStoreError(path, f"holds {article} {kind} that is not ours ({name})")
    missing = sorted(set(TABLES) - {name for _, name, _, _ in found})
    if missing:
        raise ChangedStoreError(path, f"its table {missing[0]} is missing")


def _only_speeds_up(db: sqlite3.Connection, table: str, name: str) -> bool:
    """An index that refuses no row: on columns as they are, in an order that SQLite knows."""
    (unique, partial), *_ = db.execute(
        'SELECT "unique", partial FROM pragma_index_list(?) WHERE name = ?', (table, name)
    )
    parts = db.execute("SELECT cid, coll FROM pragma_index_xinfo(?)", (name,)).fetchall()
    plain = all(
        cid >= -1 and order.upper() in ("BINARY", "NOCASE", "RTRIM") for cid, order in parts
    )
    return plain and not unique and not partial


@cache
def _schema() -> Mapping[str, tuple[str, str, str | None]]:
    """Kind, table and SQL of all that this version makes, by name, as SQLite writes it down."""
    db = sqlite3.connect(":memory:")
    try:
        for text in (*_TABLES_MADE, *_INDEXES, *_LATE_INDEXES, *_VIEWS):
            db.execute(text)
        found = db.execute("SELECT name, type, tbl_name, sql FROM sqlite_master")
        return {name: (kind, table, sql) for name, kind, table, sql in found}
    finally:
        db.close()


@contextlib.contextmanager
def _clear_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        text = str(error)
        if "decode" in text or "malformed JSON" in text:  # whatever an audit writes, it can read
            raise ChangedStoreError(path, "a row holds what no audit writes") from error
        for words, hint in _TROUBLES.items():
            if any(word in text for word in words):
                raise OutputError(f"{path}: can't be written: {text}", hint=hint) from error
        raise


_UNREADABLE = (
    sqlite3.Error,
    TypeError,
    ValueError,  # JSON that is none among them
    LookupError,
    AttributeError,
    ArithmeticError,
    RecursionError,
)
"""What reading a value ends with that is not what it should be."""

_TROUBLES = {
    (
        "full",
        "disk I/O",
    ): "make room and run again with --resume: nothing judged so far is lost",
    ("locked",): "something else holds the file open for writing; close it and use --resume",
    ("readonly", "unable to open"): "name another folder with --out",
    (
        "malformed",
        "not a database",
    ): "the file is damaged: name a new folder, and the archive is judged again",
}
"""What SQLite says of the world outside, and what to do; all else would be a bug of ours."""
