"""Worker processes end when they are told to."""

from __future__ import annotations

import struct
import sys
import threading
import time
from pathlib import Path

from reporter.audit.engines import LocalEngine


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
