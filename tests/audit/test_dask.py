"""The same audit on a real Dask cluster of separate worker processes."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reporter import cli
from reporter.audit import engines
from reporter.audit.store import FILE_NAME, dump
from reporter.errors import LiveError
from tests.acceptance.run import ROOT
from tests.audit.archive import fill

pytest.importorskip("distributed")

CLUSTER = """
import sys
from distributed import LocalCluster

if __name__ == "__main__":
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None,
        host="127.0.0.1",
    ) as cluster:
        print(cluster.scheduler_address, flush=True)
        print(*[worker.pid for worker in cluster.workers.values()], flush=True)
        sys.stdin.read()
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, list[int]]]:
    """A scheduler with two worker processes, apart from this one: its address and their ids."""
    script = tmp_path_factory.mktemp("dask") / "cluster.py"
    script.write_text(CLUSTER)
    running = subprocess.Popen(
        [sys.executable, script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=script.parent,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert running.stdout is not None
    address = running.stdout.readline().strip()
    workers = [int(part) for part in running.stdout.readline().split()]
    yield address, workers
    assert running.stdin is not None
    running.stdin.close()
    running.wait(20)
    running.stdout.close()


def everything(out: Path) -> dict[str, Any]:
    names = ("responses.csv", "findings.csv", "junit.xml", "manifest.json", "index.html")
    found: dict[str, Any] = {name: (out / name).read_bytes() for name in names}
    found["dump"] = dump(out / FILE_NAME)
    return found


def audit(folder: Path, out: Path, *more: str) -> int:
    return cli.run(["audit", str(folder), "--out", str(out), "--no-pdf", "--quiet", *more])


@pytest.mark.filterwarnings("ignore")  # distributed leaves sockets to the collector
def test_the_same_rows_and_bytes_with_a_worker_killed_on_the_way(
    cluster: tuple[str, list[int]], tmp_path: Path
) -> None:
    address, workers = cluster
    folder = tmp_path / "archive"
    fill(folder, 300)
    assert audit(folder, tmp_path / "local", "--jobs", "1") == 1

    def kill() -> None:
        time.sleep(0.3)
        os.kill(workers[0], signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    code = audit(folder, tmp_path / "dask", "--engine", "dask", "--scheduler", address)
    killer.join()
    assert code == 1
    assert everything(tmp_path / "dask") == everything(tmp_path / "local")


def test_no_scheduler_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "archive"
    fill(folder, 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("reporter.audit.engines.SCHEDULER_TIMEOUT", 1)
        code = audit(
            folder, tmp_path / "out", "--engine", "dask", "--scheduler", "tcp://127.0.0.1:9"
        )
    assert code == 6
    assert "tcp://127.0.0.1:9: no Dask scheduler answers there" in capsys.readouterr().err


def test_dask_prints_no_traceback_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scheduler that goes is told in two lines; with --debug its own log is there too."""
    monkeypatch.setattr(engines, "SCHEDULER_TIMEOUT", 0.2)
    names = ("distributed", "distributed.client", "distributed.made.later", "tornado", "asyncio")
    before = {name: logging.getLogger(name).level for name in names}
    heard: list[str] = []

    class Hears(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            heard.append(record.name)

    class Client:
        def __init__(self, *_: object, **__: object) -> None:
            self.speak()

        def speak(self) -> None:
            for name in names:
                logging.getLogger(name).error("Traceback (most recent call last)")

        def nthreads(self) -> dict[str, int]:
            return {"tcp://127.0.0.1:1": 3}

        def close(self, **_: object) -> None:
            self.speak()

    monkeypatch.setattr("distributed.Client", Client)
    ears = Hears()
    for name in names:
        logging.getLogger(name).addHandler(ears)
    try:
        for debug in (False, True):
            engine = engines.DaskEngine("tcp://127.0.0.1:9", debug=debug)
            assert engine.jobs == 3
            engine.close(now=True)
            loud = {"distributed.client", "distributed.made.later", "asyncio"}
            assert loud & set(heard) == (loud if debug else set())
            assert {name: logging.getLogger(name).level for name in names} == before
        monkeypatch.setattr(Client, "nthreads", lambda self: 1 / 0)
        with pytest.raises(LiveError, match="no Dask scheduler answers there"):
            engines.DaskEngine("tcp://127.0.0.1:9")
        assert {name: logging.getLogger(name).level for name in names} == before
    finally:
        for name in names:
            logging.getLogger(name).removeHandler(ears)
