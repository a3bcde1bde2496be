"""The audit against bare validation of the same files, and how it grows: `make bench-audit`.

    python benchmarks/audit.py --nodes 50 --count 1000
    python benchmarks/audit.py --nodes 4 --items 20 --failed 60 --count 100000

Wall clocks say little on a machine that others use: beside them stands the processor time of all
processes together, which others disturb least. The floor is `PrecheckTask.model_validate_json` in
one process over the same bytes, as a plain loop has it (the collector on).
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from responses import UPDATED, go_time, response

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
CLUSTERS = 300
BASES = 24


def make(folder: Path, count: int, nodes: int, items: int, failed: float = 3.0) -> int:
    """Write `count` responses of up to 300 clusters over two years; returns their bytes."""
    bases = [
        response(nodes, items, 0.0 if seed % 4 == 0 else failed, seed + 1)
        for seed in range(min(BASES, count))
    ]
    total = 0
    for number in range(count):
        made = bases[number % len(bases)]
        cluster = number % CLUSTERS
        moment = UPDATED - timedelta(days=730 * (count - number) / count)
        made["metadata"] = {
            "uid": f"{number:08x}-0000-4000-8000-{number:012x}",
            "creationTimestamp": go_time(moment - timedelta(seconds=96)),
            "updateTimestamp": go_time(moment),
        }
        made["spec"]["clusterID"] = f"{cluster:08x}-c400-11f1-9c00-0255ac10{cluster:04x}"
        if "expireTimeStamp" in made["status"]:
            made["status"]["expireTimeStamp"] = go_time(moment + timedelta(hours=1))
        below = folder / f"cluster-{cluster:03}"
        below.mkdir(parents=True, exist_ok=True)
        data = json.dumps(made, ensure_ascii=False, separators=(",", ":")).encode()
        (below / f"{number:06}.json").write_bytes(data)
        total += len(data)
    return total


def floor(files: list[Path]) -> tuple[float, float]:
    """Wall and processor seconds of bare validation, by the size of a sample."""
    from reporter.precheck.model import PrecheckTask

    gc.enable()
    PrecheckTask.model_validate_json(files[0].read_bytes())
    wall, processor = time.perf_counter(), time.process_time()
    for file in files:
        PrecheckTask.model_validate_json(file.read_bytes())
    return time.perf_counter() - wall, time.process_time() - processor


def audit(folder: Path, out: Path, *more: str) -> tuple[float, float, float, float]:
    """Wall and processor seconds, and the peak memory of the parent and of a worker, in MB."""
    start = time.perf_counter()
    run = subprocess.Popen(
        [sys.executable, "-m", "reporter", "audit", folder, "--out", out, "--quiet", *more],
        stdout=subprocess.DEVNULL,
        cwd=ROOT,
    )
    # Workers are the children of the pool's server, which nobody waits for: they are watched.
    used: dict[int, float] = {}
    peak: dict[int, float] = {}
    while run.poll() is None:
        for pid in [run.pid, *descendants(run.pid)]:
            try:
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                status = Path(f"/proc/{pid}/status").read_text()
            except OSError:
                continue
            used[pid] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
            if "VmHWM:" in status:
                peak[pid] = int(status.partition("VmHWM:")[2].split()[0]) / 1024
        time.sleep(0.05)
    wall = time.perf_counter() - start
    assert run.returncode in (0, 1, 3), run.returncode
    own = peak.pop(run.pid, 0.0)
    return wall, sum(used.values()), own, max(peak.values(), default=0.0)


def descendants(pid: int) -> list[int]:
    """All processes below one."""
    below: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            below.setdefault(parent, []).append(int(entry.name))
    found, left = [], [pid]
    while left:
        children = below.get(left.pop(), [])
        found += children
        left += children
    return found


def timed(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def main() -> None:
    """Measure one size."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--nodes", type=int, default=50)
    parser.add_argument("--items", type=int, default=40)
    parser.add_argument("--count", type=int, default=600)
    parser.add_argument("--failed", type=float, default=3.0, help="percent that fail on nodes")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--folder", help="where the archive goes; kept. Default: a temporary one")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        base = Path(options.folder or scratch)
        archive = (
            base / f"archive-{options.nodes}x{options.items}-{options.failed:g}-{options.count}"
        )
        if archive.exists():
            total = sum(path.stat().st_size for path in archive.rglob("*.json"))
        else:
            total = make(archive, options.count, options.nodes, options.items, options.failed)
        files = sorted(archive.rglob("*.json"))
        sample = files[:: max(1, len(files) // 400)]
        share = sum(path.stat().st_size for path in sample) / total
        wall, processor = floor(sample)
        wall, processor = wall / share, processor / share
        mb = total / 1e6
        print(f"{options.count:,} responses of {mb / options.count * 1000:,.0f} kB, {mb:,.0f} MB")
        print(f"  bare validation: {mb / wall:6.1f} MB/s, {mb / processor:6.1f} per processor")
        out = Path(scratch) / "out"
        took, used, own, largest = audit(archive, out, "--no-pdf", "--jobs", str(options.jobs))
        print(f"  audit:           {mb / took:6.1f} MB/s, {mb / used:6.1f} per processor second")
        print(f"  of jobs x bare:  {wall / took / options.jobs:6.2f} by the clock, ", end="")
        print(f"{processor / used:.2f} by processor time")
        print(f"  a response:      {1000 * used / options.count:6.2f} ms of processor time")
        print(f"  memory:          {own:6.0f} MB parent, {largest:.0f} MB largest worker")
        size = sum(path.stat().st_size for path in out.iterdir())
        store = (out / "audit.sqlite").stat().st_size
        page = (out / "index.html").stat().st_size
        sizes = f"store {store / 1e6:.1f}, page {page / 1e6:.2f}"
        print(f"  written:         {size / 1e6:6.1f} MB, {sizes}")
        idle = timed(lambda: audit(archive, out, "--no-pdf", "--resume"))
        print(f"  --resume, nothing to do: {idle:.1f} s")


if __name__ == "__main__":
    main()
