"""Worker processes end when they are told to."""

from __future__ import annotations

import struct
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from reporter.audit.engines import LocalEngine, starting
from reporter.errors import OutputError


def say_half_of_an_answer(told: Path) -> None:
    """As a worker does that is ended while it writes: the length of a message, and no more."""
    answers = sys._getframe(1).f_locals["result_queue"]
    answers._writer._send(struct.pack("!i", 1_000))
    told.touch()
    time.sleep(600)


def test_nobody_waits_for_the_rest_of_an_answer(tmp_path: Path) -> None:
    engine, told = LocalEngine(1), tmp_path / "told"
    engine.executor().submit(say_half_of_an_answer, told)
    while not told.exists():
        time.sleep(0.05)
    ending = threading.Thread(target=engine.close, kwargs={"now": True}, daemon=True)
    ending.start()
    ending.join(20)
    assert not ending.is_alive()


def test_a_pool_whose_own_thread_has_ended_answers_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = LocalEngine(1)
    engine.check()
    ended = threading.Thread(target=lambda: None)
    ended.start()
    ended.join()
    pool = SimpleNamespace(_executor_manager_thread=ended)
    monkeypatch.setattr(engine, "_pool", pool)
    with pytest.raises(OutputError, match="can't be started: no thread more may be started"):
        engine.check()
    with pytest.raises(OutputError, match="can't start new thread"), starting():
        raise RuntimeError("can't start new thread")
    with pytest.raises(OutputError, match="what starts them has ended"), starting():
        raise EOFError
    with pytest.raises(RuntimeError, match="another"), starting():
        raise RuntimeError("another")
