"""Asking until there is an answer, and until the check has ended: within the time given.

Clock, sleep and chance are handed in. Reads are throttled by CCE at some 70 a second and answered
with 429, at times with a Retry-After; a check takes minutes, so asking every ten seconds is enough.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception

from reporter.live import checks
from reporter.live.client import AskedInVainError
from reporter.live.transport import Answer
from reporter.precheck.model import PrecheckTask

LONGEST_PAUSE = 60.0
ATTEMPTS = 4
"""How often one question is asked before it is given up, where nobody waits for an end."""

_Result = TypeVar("_Result")


class TimeIsOverError(AskedInVainError):
    """The check had not ended when the time given was over."""


@dataclass(frozen=True)
class Pace:
    """How patiently to ask: seconds between questions, and a deadline on `clock`."""

    poll: float = 10.0
    deadline: float = float("inf")
    attempts: int | None = None
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    chance: random.Random = field(default_factory=random.Random)

    def left(self) -> float:
        """Seconds until the deadline."""
        return self.deadline - self.clock()


def patiently(ask: Callable[[], _Result], pace: Pace, tell: Callable[[str], None]) -> _Result:
    """Ask, and ask again after what may pass: a throttle, a server's error, a lost connection.

    Waits as long as the server wants, else twice as long each time, with some chance so that many
    pipelines do not come back at once. Raises the last error when the time or the attempts are
    used up.
    """

    def pause(state: RetryCallState) -> float:
        error = _error_of(state)
        wanted = error.retry_after if error is not None else None
        if wanted is None:
            # A throttled reader keeps the throttle up by asking soon.
            throttled = error is not None and error.status == 429
            first = pace.poll if throttled else min(pace.poll, 2.0)
            wanted = min(LONGEST_PAUSE, first * 2.0 ** (state.attempt_number - 1))
        return wanted + pace.chance.uniform(0, max(0.5, wanted / 4))

    def is_over(state: RetryCallState) -> bool:
        used = pace.attempts is not None and state.attempt_number >= pace.attempts
        return used or pace.left() <= state.upcoming_sleep

    def before_sleep(state: RetryCallState) -> None:
        error = _error_of(state)
        if error is not None:
            tell(f"{error.message}; asking again in {state.upcoming_sleep:.0f} s")

    retrying = Retrying(
        retry=retry_if_exception(lambda error: getattr(error, "transient", False)),
        wait=pause,
        stop=is_over,
        before_sleep=before_sleep,
        sleep=pace.sleep,
        reraise=True,
    )
    return retrying(ask)


def until_ended(
    show: Callable[[], Answer],
    read: Callable[[Answer], PrecheckTask],
    pace: Pace,
    *,
    tell: Callable[[str], None],
    progress: Callable[[checks.Progress], None],
) -> tuple[Answer, PrecheckTask]:
    """Ask until the task has ended: Success, Failed or Error. Raises `TimeIsOverError`."""
    seen: str | None = None
    while True:
        try:
            answer = patiently(show, pace, tell)
        except AskedInVainError as error:
            if error.status == 404 and seen is not None:
                raise AskedInVainError(
                    f"the check has vanished; when last seen it was {seen} ({error.message})",
                    hint="see which checks there are with --list",
                    status=404,
                ) from None
            raise
        task = read(answer)
        found = checks.progress(task)
        progress(found)
        if checks.has_ended(task):
            return answer, task
        seen = found.phase or "in no phase"
        if pace.left() <= pace.poll:
            raise TimeIsOverError(f"the check is still {seen} and the time given is over")
        pace.sleep(pace.poll)


def _error_of(state: RetryCallState) -> AskedInVainError | None:
    error = state.outcome.exception() if state.outcome is not None else None
    return error if isinstance(error, AskedInVainError) else None
