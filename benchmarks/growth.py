"""How time and memory grow: with nodes, with rules, with responses. Part of `make bench`.

    python benchmarks/growth.py [--responses 100000]

Times are processor time, medians of several rounds with their spread (the distance between the
quartiles). The exponent k of a curve is fitted to what each size takes beyond the smallest:
time(n) - time(smallest) ~ n^k. 1 is linear; above 1.1 the run fails. Memory is the peak resident
size (VmHWM) that the operating system tells of the process.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import audit
from responses import response

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
STEEPEST = 1.1
NODES = (0, 50, 200, 500, 1000, 2000, 5000)
RULES = (1, 10, 50, 100, 200, 500, 1000)
RESPONSES = (1, 10, 100, 1_000, 10_000)
ROUNDS = 5


@dataclass(frozen=True)
class Point:
    """What one size took: seconds, the spread as a share of them, and MB if measured."""

    size: int
    seconds: float
    spread: float
    peak: float | None = None


@dataclass(frozen=True)
class Curve:
    """Points by size, smallest first."""

    what: str
    points: tuple[Point, ...]

    @property
    def exponent(self) -> float:
        """The slope of the logarithms, of what each size takes beyond the smallest."""
        base = self.points[0]
        beyond = [
            (math.log(point.size - base.size), math.log(point.seconds - base.seconds))
            for point in self.points[1:]
            # Below a tenth of the fixed part there is mostly noise.
            if point.seconds - base.seconds > 0.1 * base.seconds
        ]
        return statistics.linear_regression(*zip(*beyond, strict=True)).slope


def processor(action: Callable[[], object], rounds: int = ROUNDS) -> tuple[float, float]:
    """Median processor seconds and spread. The collector runs between the rounds only."""
    action()
    times = []
    for _ in range(rounds):
        gc.collect()
        gc.disable()
        start = time.process_time()
        action()
        times.append(time.process_time() - start)
        gc.enable()
    middle = statistics.median(times)
    quarters = statistics.quantiles(times, n=4)
    return middle, (quarters[2] - quarters[0]) / middle


WATCHED = """
import sys
from reporter.cli import run
code = run(sys.argv[1:])
status = open("/proc/self/status").read()
print(int(status.split("VmHWM:")[1].split()[0]) / 1024)
"""


def peak_of(*words: str) -> float:
    """Peak memory of a command, in MB."""
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, *words], capture_output=True, cwd=ROOT, text=True
    )
    return float(done.stdout.split()[-1])


def with_nodes(folder: Path) -> list[Curve]:
    """Reading, judging and writing, for a cluster of ever more nodes of 40 checks."""
    from reporter.output import render
    from reporter.policy.evaluate import evaluate
    from reporter.policy.load import Policy
    from reporter.precheck.model import PrecheckTask
    from reporter.sources.read import read

    policy = Policy.load("builtin:recommended")
    steps: dict[str, list[Point]] = {}
    for nodes in NODES:
        data = json.dumps(response(nodes, 40, 3.0, 1)).encode()
        found = read(data)
        verdict = evaluate(found, policy, at="response")
        path = folder / "r.json"
        path.write_bytes(data)
        peak = peak_of(
            *("check", str(path), "--at", "response", "-q"),
            *("--html", str(folder / "r.html"), "--junit", str(folder / "r.xml")),
        )
        actions: dict[str, Callable[[], object]] = {
            "bare validation": partial(PrecheckTask.model_validate_json, data),
            "read": partial(read, data),
            "evaluate": partial(evaluate, found, policy, at="response"),
            "JSON record": partial(render, verdict, "json"),
            "JUnit": partial(render, verdict, "junit"),
            "HTML": partial(render, verdict, "html"),
            "PDF": partial(render, verdict, "pdf", [data]),
        }
        for name, action in actions.items():
            rounds = 3 if name == "PDF" else ROUNDS
            point = Point(nodes, *processor(action, rounds), peak if name == "read" else None)
            steps.setdefault(name, []).append(point)
    return [Curve(f"{name}, by nodes", tuple(points)) for name, points in steps.items()]


def with_rules() -> list[Curve]:
    """Compiling and judging under ever more rules, each tenth with a JSONPath."""
    from reporter.policy.evaluate import evaluate
    from reporter.policy.load import Policy
    from reporter.sources.read import read

    found = read(json.dumps(response(1000, 40, 3.0, 1)).encode())
    compiling, judging = [], []
    for count in RULES:
        text = rules(count)
        compiling.append(Point(count, *processor(partial(Policy.parse, text))))
        policy = Policy.parse(text)
        judging.append(
            Point(
                count,
                *processor(partial(evaluate, found, policy, at="response")),
            )
        )
    return [
        Curve("compiling a policy, by rules", tuple(compiling)),
        Curve("evaluate 1,000 nodes, by rules", tuple(judging)),
    ]


def rules(count: int) -> bytes:
    """A policy of so many rules that name checks, kinds and paths."""
    made = []
    for number in range(count):
        match: dict[str, object] = {"check": f"SampleNode{number}*", "kind": ["Risk", "Exception"]}
        if number % 10 == 9:
            path = {"path": "$.riskSource.configurationRisks[*].package", "equals": f"p{number}"}
            match = {"kind": "Risk", "where": [path]}
        made.append({"id": f"rule-{number}", "match": match, "effect": "fail"})
    head = {"apiVersion": "precheck.policy/v1", "kind": "Policy", "metadata": {"name": "many"}}
    return json.dumps(head | {"rules": made}).encode()  # JSON is YAML too


def with_responses(folder: Path, most: int) -> list[Curve]:
    """The audit of ever more responses of 17 kB, all its processes together."""
    points, workers = [], []
    sizes = [size for size in RESPONSES if size < most] + [most]
    for count in sizes:
        archive = folder / f"archive-{count}"
        audit.make(archive, count, nodes=4, items=20, failed=60.0)
        _, used, own, largest = audit.audit(archive, folder / f"out-{count}", "--no-pdf")
        points.append(Point(count, used, 0.0, own))
        workers.append(Point(count, used, 0.0, largest))
    return [
        Curve("audit, by responses (memory of the parent)", tuple(points)),
        Curve("audit, by responses (memory of the largest worker)", tuple(workers)),
    ]


def told(curves: Sequence[Curve]) -> int:
    """Print each curve as a row; 1 if one is too steep."""
    for curve in curves:
        shown = "  ".join(
            f"{point.size:,}: {_time(point.seconds)}"
            + (f" ±{100 * point.spread:.0f}%" if point.spread else "")
            + (f" {point.peak:.0f} MB" if point.peak is not None else "")
            for point in curve.points
        )
        sign = "✓" if curve.exponent <= STEEPEST else "✕ TOO STEEP"
        print(f"{curve.exponent:5.2f} (at most {STEEPEST}) {sign} {curve.what}: {shown}")
    return 0 if all(curve.exponent <= STEEPEST for curve in curves) else 1


def _time(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 10 else f"{1000 * seconds:,.4g} ms"


def main() -> int:
    """Measure all curves."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--responses", type=int, default=RESPONSES[-1], help="of the largest audit")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        curves = [
            *with_nodes(Path(scratch)),
            *with_rules(),
            *with_responses(Path(scratch), options.responses),
        ]
    return told(curves)


if __name__ == "__main__":
    sys.exit(main())
