"""Who judges: processes of this machine, or a Dask cluster that exists. One code path for both.

An engine gives a `concurrent.futures.Executor`, says which errors mean that a worker was lost,
and gives a new executor where the old one is broken. The only module that imports `distributed`.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError, Executor, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import forkserver, resource_tracker
from types import FrameType
from typing import Any, Protocol

from reporter.errors import LiveError, OutputError, PolicyError

SCHEDULER_TIMEOUT = 10
"""Seconds until a scheduler that says nothing counts as not there."""


class Engine(Protocol):
    """Something that runs tasks."""

    jobs: int
    lost: tuple[type[BaseException], ...]
    """What a future raises when the worker that had it is gone."""

    gone: tuple[type[BaseException], ...]
    """What it raises when nobody is left who could do anything."""

    def executor(self) -> Executor:
        """The executor to hand tasks to; asked again after a loss, perhaps a new one."""

    def close(self, *, now: bool = False) -> None:
        """End it; `now` without waiting for what runs."""

    def check(self) -> None:
        """Raise where nobody is left who could answer, and no future tells."""

    def where(self) -> str:
        """What it is, for people."""


SECONDS_TO_END = 10
"""How long a worker that is told to end may take for it."""


class LocalEngine:
    """Worker processes on this machine."""

    lost: tuple[type[BaseException], ...] = (BrokenProcessPool,)
    gone: tuple[type[BaseException], ...] = ()

    def __init__(self, jobs: int | None = None) -> None:
        self.jobs = jobs or _processors()
        self._pool: ProcessPoolExecutor | None = None

    def executor(self) -> Executor:
        """The pool; a new one where a worker's death has broken the old."""
        if self._pool is not None and getattr(self._pool, "_broken", False):
            self.close(now=True)
        if self._pool is None:
            begin_to_start_workers()
            self._pool = ProcessPoolExecutor(
                self.jobs, mp_context=_context(), initializer=_prepare_worker
            )
        return self._pool

    def close(self, *, now: bool = False) -> None:
        """Let the workers end; `now` ends them."""
        if self._pool is None:
            return
        if now:
            _end_workers(self._pool)
        with contextlib.suppress(RuntimeError):  # of a thread that could not be started
            self._pool.shutdown(wait=True, cancel_futures=True)
        self._pool = None

    def check(self) -> None:
        """`OutputError` where nobody is left who could answer: a thread could not be started."""
        manager = getattr(self._pool, "_executor_manager_thread", None)
        if manager is not None and not manager.is_alive():
            raise _not_started("no thread more may be started")

    def where(self) -> str:
        """How many processes."""
        return f"{self.jobs} process{'' if self.jobs == 1 else 'es'}"


def _end_workers(pool: ProcessPoolExecutor) -> None:
    """End them in the middle of whatever they do."""
    workers = list((getattr(pool, "_processes", None) or {}).values())
    for worker in workers:
        worker.terminate()
    for worker in workers:
        worker.join(SECONDS_TO_END)
        if worker.is_alive():
            worker.kill()
    # One that was saying its result has said half of it: with the other end of the pipe closed,
    # which this process holds too, nobody waits for the rest.
    with contextlib.suppress(AttributeError, OSError):
        pool._result_queue._writer.close()  # type: ignore[attr-defined]


def _context() -> multiprocessing.context.ForkServerContext:
    # Not forked from here: a store that is open for writing is nobody else's.
    return multiprocessing.get_context("forkserver")


def begin_to_start_workers() -> None:
    """Start the process that workers are forked from: it imports what they need while we do.

    It ends when this process does. `OutputError` where the machine lets none be started.
    """
    _context().set_forkserver_preload(["reporter.audit.judging"])
    with starting():
        resource_tracker.ensure_running()  # which unblocks signals; the next asks for it too
        # Ctrl-C is for this process alone: another that imports would print where it was.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            forkserver.ensure_running()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def starting() -> Iterator[None]:
    """Where workers are started: a socket in the folder for temporary files, and processes."""
    try:
        yield
    except OSError as error:
        raise _not_started(str(error.strerror or error)) from error
    except EOFError as error:
        raise _not_started("what starts them has ended") from error
    except RuntimeError as error:
        if "thread" not in str(error):
            raise
        raise _not_started(str(error)) from error


def _not_started(why: str) -> OutputError:
    return OutputError(
        f"worker processes can't be started: {why}",
        hint="make room in /tmp, or name a folder with TMPDIR; fewer --jobs need less",
    )


@contextlib.contextmanager
def signals_later() -> Iterator[None]:
    """Ctrl-C and its like wait until the end of the block; outside the main thread nothing does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[tuple[int, FrameType | None]] = []
    names = ("SIGINT", "SIGTERM", "SIGHUP")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = {
        number: signal.signal(number, lambda *found: came.append(found)) for number in numbers
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    for code, frame in came[:1]:
        first = before[signal.Signals(code)]
        if callable(first):
            first(code, frame)
        elif first == signal.SIG_DFL:
            signal.raise_signal(code)


def _processors() -> int:
    with contextlib.suppress(AttributeError):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def _prepare_worker() -> None:
    # Ctrl-C is for the parent, which ends its workers itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # What was imported is never garbage, and what is read is freed by itself.
    gc.freeze()
    gc.disable()
    threading.Thread(target=_end_with_the_parent, daemon=True).start()


def _end_with_the_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)


_TALKATIVE = ("distributed", "tornado", "asyncio")
"""Loggers that print tracebacks of their own when a scheduler goes."""


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """What Dask logs is not printed: what it means for the audit is said by the audit."""
    loggers = [logging.getLogger(name) for name in _TALKATIVE]
    loggers += [
        logger
        for name, logger in logging.root.manager.loggerDict.items()
        # The others have the level of the one above.
        if isinstance(logger, logging.Logger) and logger.level
        if name.partition(".")[0] in _TALKATIVE and name not in _TALKATIVE
    ]
    before = [(logger, logger.level) for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in before:
            logger.setLevel(level)


class DaskEngine:
    """A Dask cluster that is there already. `LiveError` where it isn't.

    Until it is closed Dask's own log is silent, unless `debug`.
    """

    def __init__(self, address: str, jobs: int | None = None, *, debug: bool = False) -> None:
        try:
            import distributed as found
        except ImportError:
            raise PolicyError(
                "--engine dask needs more packages",
                hint="pip install 'cce-precheck-reporter[dask]'",
            ) from None
        distributed: Any = found
        self._address = address
        self._silence = contextlib.ExitStack()
        if not debug:
            self._silence.enter_context(_silence())
        try:
            self._client: Any = distributed.Client(
                address, timeout=SCHEDULER_TIMEOUT, set_as_default=False, name="cce-precheck"
            )
            cores = sum(self._client.nthreads().values())
        except BaseException as error:
            self._silence.close()
            if not isinstance(error, Exception):
                raise
            raise LiveError(
                f"{address}: no Dask scheduler answers there ({type(error).__name__})",
                hint="is it running, and is this the address its log names?",
            ) from None
        self.jobs = jobs or max(1, cores)
        self.lost: tuple[type[BaseException], ...] = (distributed.scheduler.KilledWorker,)
        self.gone: tuple[type[BaseException], ...] = (
            CancelledError,
            distributed.client.FutureCancelledError,
            distributed.comm.CommClosedError,
        )
        self._executor: Executor | None = None

    def executor(self) -> Executor:
        """The cluster as an executor. It replaces lost workers itself."""
        if self._executor is None:
            # The same bytes may well be asked about twice: no answer is taken from before.
            self._executor = self._client.get_executor(pure=False)
        return self._executor

    def close(self, *, now: bool = False) -> None:
        """Leave the cluster as it was."""
        with self._silence:
            if self._executor is not None:
                self._executor.shutdown(wait=not now)
            with contextlib.suppress(Exception):
                self._client.close(timeout=SCHEDULER_TIMEOUT)

    def check(self) -> None:
        """What becomes of the cluster its futures tell."""

    def where(self) -> str:
        """Which cluster."""
        return f"the Dask cluster at {self._address}"
