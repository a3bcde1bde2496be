"""Small archives, built by hand, and engines that do what a test wants."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from concurrent.futures import Executor, Future
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

from reporter.audit import judging, run
from reporter.audit.finish import Wanted, finish
from reporter.audit.judging import name_of
from reporter.audit.settings import Settings
from reporter.audit.store import FILE_NAME, Store, dump
from reporter.output.audit.facts import AuditFacts
from tests.policy.build import item, response, stage

NOW = datetime(2026, 6, 1, tzinfo=UTC)
POLICY = "builtin:recommended"


def check(
    *cluster: dict[str, Any],
    uid: str = "task-1",
    cluster_id: str = "c-1",
    at: str = "2026-03-01 10:00:00 +0000 UTC",
    **more: Any,
) -> bytes:
    """A response in JSON; without items it passes."""
    made = response(*cluster, **more)
    made["metadata"] = {"uid": uid, "creationTimestamp": at, "updateTimestamp": at}
    made["spec"]["clusterID"] = cluster_id
    return json.dumps(made).encode()


def risk(name: str = "SampleRisk", **fields: Any) -> dict[str, Any]:
    """A failed Risk."""
    return item(name, **fields)


def fill(folder: Path, count: int, clusters: int = 4) -> None:
    """An archive in which every third response fails, on nodes too."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=number)
        items = [risk("SampleRisk")] if number % 3 == 0 else []
        nodes = [stage(f"n{n}", item("SampleNode", "Success")) for n in range(3)]
        if number % 6 == 0:
            nodes.append(stage("n9", risk("SampleNode")))
        data = check(
            *items,
            uid=f"task-{number}",
            cluster_id=f"c-{number % clusters}",
            at=f"{moment:%Y-%m-%d %H:%M:%S} +0000 UTC",
            nodes=nodes,
        )
        (folder / f"{number:04}.json").write_bytes(data)


class Inline(Executor):
    """Does at once what it is told; `before` may object."""

    def __init__(self, before: Callable[[Any], None] = lambda tasks: None) -> None:
        self.before = before
        self.done: list[Any] = []

    def submit(self, fn: Any, /, *args: Any, **_: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            self.before(args[-1])
            self.done += args[-1]
            future.set_result(fn(*args))
        except Exception as error:
            future.set_exception(error)
        return future


class InlineEngine:
    """An engine without processes."""

    jobs = 2
    gone: tuple[type[BaseException], ...] = ()

    def __init__(
        self,
        executor: Inline | None = None,
        lost: tuple[type[BaseException], ...] = (),
    ) -> None:
        self.inline = executor or Inline()
        self.lost = lost

    def executor(self) -> Executor:
        return self.inline

    def close(self, *, now: bool = False) -> None:
        return None

    def check(self) -> None:
        pass

    def where(self) -> str:
        return "here"


class Audit:
    """One audit of a folder into another, step by step."""

    def __init__(self, folder: Path, out: Path, **settings: Any) -> None:
        self.folder, self.out = folder, out
        self.out.mkdir(parents=True, exist_ok=True)
        named: dict[str, Any] = {"at": "response", "clock": NOW, "reports": "none"} | settings
        policies = named.pop("policies", [POLICY])
        waivers, others = named.pop("waivers", []), named.pop("others", [])
        self.settings = Settings.load(policies, waivers, others, **named)
        self.facts: AuditFacts | None = None

    def run(
        self, engine: Any = None, *, rehash: bool = False, upgrades: Path | None = None
    ) -> list[str]:
        """Judge and finish; the names of the inputs that were judged."""
        engine = engine or InlineEngine()
        # On a busy machine a worker would give back half of what it was told, to be told again.
        unhurried = mock.patch.object(judging, "CHUNK_SECONDS", 600.0)
        with unhurried, Store(self.out / FILE_NAME) as store:
            plan = run.plan(store, [str(self.folder)], self.settings, out=self.out, rehash=rehash)
            run.work(store, plan, self.settings, engine, self.out, lambda _: None)
            wanted = Wanted((str(self.folder),), "response", upgrades=upgrades, pdf=False)
            self.facts = finish(store, self.settings, wanted, self.out, lambda _: None)
        names = []
        for task in getattr(engine, "inline", Inline()).done:
            found = task.file.name if hasattr(task, "file") else name_of(task.found)
            names.append(str(found).removeprefix(f"{self.folder}/"))
        return sorted(names)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What the store says."""
        with Store(self.out / FILE_NAME) as store:
            return list(store.ask(sql))

    def everything(self) -> dict[str, Any]:
        """All that has to be the same, whatever happened on the way."""
        names = ("responses.csv", "findings.csv", "junit.xml", "manifest.json", "index.html")
        found: dict[str, Any] = {name: (self.out / name).read_bytes() for name in names}
        found["dump"] = [row for row in dump(self.out / FILE_NAME) if not row.startswith("meta ")]
        return found


class Shuffled(Inline):
    """Answers later, in an order of its own."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._random = random.Random(seed)
        self._waiting: list[tuple[Future[Any], Any, Any]] = []

    def submit(self, fn: Any, /, *args: Any, **_: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self._waiting.append((future, fn, args))
        if len(self._waiting) >= 4:
            self._some()
        else:
            import threading

            threading.Timer(0.02, self._some).start()
        return future

    def _some(self) -> None:
        self._random.shuffle(self._waiting)
        while self._waiting:
            future, fn, args = self._waiting.pop()
            self.done += args[-1]
            future.set_result(fn(*args))
