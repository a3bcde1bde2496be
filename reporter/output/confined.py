"""Work with what a user's templates say, in a process that may not take much time or memory.

The sandbox of the template language keeps templates from what is not theirs; it does not keep
them from running for ever or asking for all memory. A process of its own, with the limits of the
operating system, does.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from reporter.errors import OutputError, TemplateError


@dataclass(frozen=True)
class Limits:
    """What a process may take."""

    cpu: int
    """Seconds at work."""
    clock: int
    """Seconds in all."""
    memory: int
    """Bytes of address space."""


PAGE = Limits(cpu=20, clock=120, memory=1 << 30)
DOCUMENT = Limits(cpu=120, clock=600, memory=2 << 30)

_PASSED_ON = ("PATH", "HOME", "TMPDIR", "LANG", "LC_", "FONTCONFIG_", "XDG_", "LD_LIBRARY_PATH")
"""How variables begin that the process is told: what finds fonts and libraries, and no secrets."""

_KINDS: dict[str, type[TemplateError] | type[OutputError]] = {
    "template": TemplateError,
    "output": OutputError,
}
_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from reporter.output.confined import main; main()"
)


class LimitReached(BaseException):
    """Raised within the process when it has taken what it may."""


def call(function: Callable[..., bytes], *arguments: Any, limits: Limits) -> bytes:
    """What a function of a module gives for the arguments, computed in a process of its own.

    `TemplateError` and `OutputError` come back as they were raised; `TemplateError` also where
    the process took too much.
    """
    job = pickle.dumps((limits, function, arguments))
    with subprocess.Popen(  # noqa: S603 - ourselves
        [sys.executable, "-I", "-c", _START, json.dumps(sys.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={name: value for name, value in os.environ.items() if name.startswith(_PASSED_ON)},
    ) as process:
        try:
            answer, _ = process.communicate(job, timeout=limits.clock)
        except subprocess.TimeoutExpired:
            process.kill()
            raise TemplateError(f"the templates took more than {limits.clock} s") from None
        except BaseException:
            process.kill()
            raise
    if answer[:1] == b"+":
        return answer[1:]
    if answer[:1] == b"-":
        told = json.loads(answer[1:])
        if told["kind"] in _KINDS:
            raise _KINDS[told["kind"]](told["message"], hint=told["hint"])
        raise RuntimeError(told["message"])
    if process.returncode == -signal.SIGXCPU:
        raise TemplateError(f"the templates were at work for more than {limits.cpu} s")
    memory = _allowed(limits.memory)
    few = "" if memory == limits.memory else "allow it more memory (ulimit -v), "
    raise TemplateError(
        "the process that works with the templates ended early "
        f"(it may take {memory >> 20:,} MiB of memory and {limits.cpu} s)",
        hint=f"{few}mend the templates, or leave out --templates",
    )


def main() -> None:
    """The process itself: a job on standard input, its answer on standard output."""
    # What libraries print must not get into the answer.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    limits, function, arguments = pickle.loads(sys.stdin.buffer.read())  # noqa: S301 - ours
    _limit(limits)
    try:
        answer = b"+" + function(*arguments)
    except (TemplateError, OutputError) as error:
        kind = "template" if isinstance(error, TemplateError) else "output"
        answer = _refusal(kind, error.message, error.hint)
    except MemoryError:
        memory = _allowed(limits.memory) >> 20
        answer = _refusal("template", f"the templates need more than {memory:,} MiB of memory")
    except LimitReached as error:
        answer = _refusal("template", str(error))
    except Exception as error:
        answer = _refusal("internal", f"{type(error).__name__}: {error}")
    out.write(answer)
    out.flush()
    os._exit(0)


def _refusal(kind: str, message: str, hint: str | None = None) -> bytes:
    return b"-" + json.dumps({"kind": kind, "message": message, "hint": hint}).encode()


def _limit(limits: Limits) -> None:
    import resource

    def too_long(*_: object) -> None:
        raise LimitReached(f"takes more than {limits.cpu} s")

    signal.signal(signal.SIGXCPU, too_long)
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu, limits.cpu + 2))
    memory = _allowed(limits.memory)
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _allowed(memory: int) -> int:
    """So many bytes, or as many as the machine allows where that is less."""
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_AS)
    return memory if most == resource.RLIM_INFINITY else min(memory, most)
