"""The same responses and an equivalent policy through other policy engines: `make bench-peers`.

The policy is the heart of `builtin:recommended`, which each engine can say: refuse a failed
Exception, and a failed Risk of level Warning or Fatal. Every engine has to refuse the same number
of findings, or its time is not shown. Times are of whole processes, from the file on disk to the
result, JUnit XML where an engine writes it; the programs take turns, so that a busy machine slows
them all. Memory is the peak resident size the operating system tells of the process.

What engines do beyond that differs: only cce-precheck also judges evidence, waivers and skipped
checks, and names the place of every finding.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
SIZES = {"without nodes": 0, "100 nodes": 100, "1,000 nodes": 1000}


@dataclass(frozen=True)
class Engine:
    """How one engine judges a response, and where it tells how many findings it refuses."""

    name: str
    command: Callable[[Path, Path], list[str]]
    """From the response and the file to write, the command line."""
    refused: Callable[[str, Path], int]
    """From what it printed and the file it wrote, the number of refusals."""


@dataclass
class Measured:
    """Times in seconds and the peak memory in MB of one engine on one response."""

    times: list[float] = field(default_factory=list)
    peak: float = 0.0
    refused: int = -1


def _failures(_: str, junit: Path) -> int:
    return len(re.findall(r"<failure\b", junit.read_text(encoding="utf-8")))


def _number(printed: str, _: Path) -> int:
    return int(printed.split()[-1])


def _places(_: str, junit: Path) -> int:
    # One case holds all; a finding can break two clauses (kind and level) and is one refusal.
    text = junit.read_text(encoding="utf-8")
    return len(set(re.findall(r"\[(/status/[^\[\]]*/itemsStatus/\d+)/", text)))


def _kyverno(printed: str, _: Path) -> int:
    return sum(map(int, re.findall(r"Invalid value: (\d+): Expected value: 0", printed)))


def _ours(_: str, record: Path) -> int:
    counts = json.loads(record.with_suffix(".json").read_text(encoding="utf-8"))["counts"]
    return int(counts["findings"]["fail"])


def engines(tools: Path) -> list[Engine]:
    """Those that are installed below `tools`, and ours."""
    python = str(tools / "venv" / "bin" / "python")

    def ours(response: Path, out: Path) -> list[str]:
        # With the record, so that the number of refusals can be read: more than the others write.
        return [
            *(sys.executable, "-m", "reporter", "check", str(response), "--at", "response", "-q"),
            *("--junit", str(out), "--json", str(out.with_suffix(".json"))),
        ]

    def conftest(response: Path, out: Path) -> list[str]:
        policy = str(HERE / "policy.rego")
        return [
            *("sh", "-c", '"$0" test "$1" -p "$2" -o junit > "$3"'),
            *(str(tools / "bin" / "conftest"), str(response), policy, str(out)),
        ]

    def spectral(response: Path, out: Path) -> list[str]:
        return [
            *(str(tools / "node_modules" / ".bin" / "spectral"), "lint", str(response), "-q"),
            *("-r", str(HERE / "spectral.yaml"), "-f", "junit", "-o", str(out)),
        ]

    def kyverno(response: Path, out: Path) -> list[str]:
        return [
            *(str(tools / "bin" / "kyverno-json"), "scan", "--payload", str(response)),
            *("--policy", str(HERE / "kyverno.yaml")),
        ]

    def guard(response: Path, out: Path) -> list[str]:
        guard = str(tools / "cargo" / "bin" / "cfn-guard")
        rules = str(HERE / "rules.guard")
        return [
            *("sh", "-c", '"$0" validate -r "$1" -d "$2" --structured -o junit -S none > "$3"'),
            *(guard, rules, str(response), str(out)),
        ]

    def regopy(response: Path, out: Path) -> list[str]:
        return [python, str(HERE / "in_regopy.py"), str(response), str(HERE / "policy.rego")]

    return [
        Engine("cce-precheck", ours, _ours),
        Engine("conftest", conftest, _failures),
        Engine("kyverno-json", kyverno, _kyverno),
        Engine("Spectral", spectral, _failures),
        Engine("cfn-guard", guard, _places),
        Engine("regopy", regopy, _number),
    ]


def once(engine: Engine, response: Path, out: Path, into: Measured) -> None:
    """Run an engine, and add its time and its peak memory."""
    command = engine.command(response, out)
    start = time.perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=ROOT, text=True
    ) as running:
        assert running.stdout is not None
        printed = running.stdout.read()
        _, status, usage = os.wait4(running.pid, 0)
        running.returncode = os.waitstatus_to_exitcode(status)
    into.times.append(time.perf_counter() - start)
    into.peak = max(into.peak, usage.ru_maxrss / 1024)
    into.refused = engine.refused(printed, out)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tools", type=Path, default=ROOT / ".peers")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    work = options.tools / "work"
    work.mkdir(parents=True, exist_ok=True)
    there = [
        engine
        for engine in engines(options.tools)
        if any(Path(word).is_file() for word in engine.command(work, work / "out.xml")[:4])
    ]
    wrong = False
    for what, nodes in SIZES.items():
        response = work / f"{nodes}.json"
        with response.open("wb") as file:
            subprocess.run(
                [sys.executable, str(HERE.parent / "responses.py"), "--nodes", str(nodes)],
                stdout=file,
                check=True,
            )
        found = {engine.name: Measured() for engine in there}
        for turn in range(options.rounds + 1):
            for engine in there:
                measured = Measured() if turn == 0 else found[engine.name]
                once(engine, response, work / f"{engine.name}.xml", measured)
        agreed = found["cce-precheck"].refused
        ours = statistics.median(found["cce-precheck"].times)
        print(f"\n{what}: {response.stat().st_size / 1e6:.2f} MB, {agreed:,} findings refused")
        print(f"  {'':14}{'seconds':>9}{'spread':>8}{'of ours':>9}{'peak MB':>9}")
        for engine in there:
            measured = found[engine.name]
            if measured.refused != agreed:
                wrong = True
                print(f"  {engine.name:14} refuses {measured.refused:,}: not comparable")
                continue
            middle = statistics.median(measured.times)
            quarters = statistics.quantiles(measured.times, n=4)
            spread = (quarters[2] - quarters[0]) / middle
            print(
                f"  {engine.name:14}{middle:9.2f}{spread:8.0%}{middle / ours:8.1f}×"
                f"{measured.peak:9.0f}"
            )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
