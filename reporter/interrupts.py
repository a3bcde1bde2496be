"""SIGINT, SIGTERM and SIGHUP, heard before anything heavy is imported."""

from __future__ import annotations

import signal
import sys
import time
from types import FrameType

SAME_WISH = 1.0
"""Seconds within which several signals are one."""
SOON = 0.02
"""Seconds after which is looked again whether an import has ended."""


class Interrupts:
    """SIGTERM and SIGHUP are as Ctrl-C: what is being written is taken back.

    `came` are the signals that came, as they come: a library may swallow the exception, or wrap it
    into an error of its own. They raise `KeyboardInterrupt` only between `obey` and `hold`, where
    somebody takes it, and never in the middle of an import: what is half imported can't be imported
    again, and is needed to take back what an earlier run left.
    """

    def __init__(self) -> None:
        self.came: list[int] = []
        self._latest = float("-inf")
        self._held = True

    def hear(self) -> None:
        """Take the signals from now on."""
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            # Who starts this in the background with signals ignored (nohup, `&`) means it.
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._stop)
        signal.signal(signal.SIGALRM, self._stop_behind_imports)
        sys.unraisablehook = _unraisable

    def obey(self) -> None:
        """From now on a signal raises; so does one that came before, at once."""
        self._held = False
        if self.came:
            raise KeyboardInterrupt

    def hold(self) -> None:
        """From now on a signal is noted, and no more."""
        self._held = True

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.came.append(number)
        before, self._latest = self._latest, time.monotonic()
        # A runner sends SIGINT to the group and SIGTERM to each: the second of them must not end
        # the taking back that the first began.
        if self._latest - before > SAME_WISH:
            self._stop_behind_imports(number, frame)

    def _stop_behind_imports(self, _: int, frame: FrameType | None) -> None:
        if self._held:
            return
        while frame is not None:
            if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
                signal.setitimer(signal.ITIMER_REAL, SOON)
                return
            frame = frame.f_back
        raise KeyboardInterrupt


def _unraisable(what: sys.UnraisableHookArgs) -> None:
    """Where a library calls back and hears of no error, an interruption is lost, and `came` has
    it: nobody needs to read of that."""
    if what.exc_type is not KeyboardInterrupt:
        sys.__unraisablehook__(what)
