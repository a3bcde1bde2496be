"""Speed and size, as ratios against a floor measured in the same run: `make bench`.

Floor and subject alternate, so that a busy machine slows both. Medians are compared; the spread is
the distance between the quartiles, in percent of the median.
"""

from __future__ import annotations

import compileall
import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pages
from responses import response

if TYPE_CHECKING:
    from reporter.record.model import Verdict

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
PUBLISHED = ROOT / "samples" / "published-autopilot" / "response.json"
FLOOR_IMPORTS = "import pydantic, jinja2, yaml, jsonpath_ng"


@dataclass(frozen=True)
class Figure:
    """A measured ratio and its budget."""

    what: str
    value: float
    budget: float
    detail: str

    @property
    def fine(self) -> bool:
        return self.value <= self.budget


def seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def compare(
    what: str,
    subject: Callable[[], object],
    floor: Callable[[], object],
    *,
    budget: float,
    rounds: int,
) -> Figure:
    """Median of the subject over median of the floor, measured in turn."""
    subject(), floor()  # warm caches and lazily built schemas on both sides
    mine: list[float] = []
    base: list[float] = []
    for _ in range(rounds):
        base.append(seconds(floor))
        mine.append(seconds(subject))
    ratio = statistics.median(mine) / statistics.median(base)
    detail = f"{_shown(mine)} over {_shown(base)}"
    return Figure(what, ratio, budget, detail)


def _shown(times: list[float]) -> str:
    middle = statistics.median(times)
    quarters = statistics.quantiles(times, n=4)
    spread = 100 * (quarters[2] - quarters[0]) / middle
    return f"{middle * 1000:.0f} ms ±{spread:.0f}%"


def process(*arguments: str, codes: tuple[int, ...] = (0,)) -> Callable[[], object]:
    """A run of Python that has to end with one of the codes."""

    def run() -> None:
        done = subprocess.run([sys.executable, *arguments], capture_output=True, cwd=ROOT)
        assert done.returncode in codes, done.stderr

    return run


def whole_process(folder: Path) -> Figure:
    outputs = ["--junit", str(folder / "j.xml"), "--json", str(folder / "r.json")]
    return compare(
        "check of the published example, whole process / bare imports",
        process("-m", "reporter", "check", str(PUBLISHED), "--at", "response", *outputs),
        process("-c", FLOOR_IMPORTS),
        budget=2.2,
        rounds=15,
    )


def read_alone(data: bytes) -> Figure:
    import orjson

    from reporter.sources.read import read

    return compare(
        f"read of {len(data) / 1e6:.1f} MB, models and all / orjson.loads",
        lambda: read(data),
        lambda: orjson.loads(data),
        budget=4.0,
        rounds=9,
    )


def read_and_evaluate(data: bytes) -> Figure:
    from reporter.policy.evaluate import evaluate
    from reporter.policy.load import Policy
    from reporter.precheck.model import PrecheckTask
    from reporter.sources.read import read

    policy = Policy.load("builtin:recommended")
    return compare(
        f"read + evaluate of {len(data) / 1e6:.1f} MB / bare model_validate_json",
        lambda: evaluate(read(data), policy, at="response"),
        lambda: PrecheckTask.model_validate_json(data),
        budget=0.8,
        rounds=9,
    )


def start_of_fetch() -> Figure:
    """Up to the first request, which nobody answers."""
    keys = {"HUAWEICLOUD_SDK_AK": "ak", "HUAWEICLOUD_SDK_SK": "sk", "NO_PROXY": "127.0.0.1"}
    words = ["fetch", "--type", "autopilot", "--cluster", "c", "--region", "eu-west-101",
             "--project-id", "p", "--endpoint", "http://127.0.0.1:1", "--list",
             "--timeout", "0.5"]  # fmt: skip

    def fetch() -> None:
        done = subprocess.run(
            [sys.executable, "-m", "reporter", *words],
            capture_output=True,
            cwd=ROOT,
            env={**os.environ, **keys},
            check=False,
        )
        assert done.returncode == 6, done.stderr

    return compare(
        "start of fetch, whole process / import of the SDK",
        fetch,
        process("-c", "import huaweicloudsdkcce.v3"),
        budget=1.5,
        rounds=9,
    )


def other_forms(data: bytes, folder: Path) -> list[Figure]:
    from reporter.sources.read import read
    from tests.sources import printers

    loose, packed = folder / "r.json", folder / "r.zip"
    loose.write_bytes(data)
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(loose, "r.json")
    printed = printers.java(json.loads(data)).encode()
    places = [
        f"/status/nodeCheckStatus/nodeStageStatus/{node}/itemsStatus/{node % 40}"
        for node in range(0, 1000, 30)
    ]
    source = read(data).source
    locate = source.locate or (lambda _: {})
    return [
        compare(
            "read from .zip / the same loose file",
            lambda: read(packed),
            lambda: read(loose),
            budget=1.2,
            rounds=9,
        ),
        compare(
            f"read of a Java printout of {len(printed) / 1e6:.0f} MB / the same as JSON",
            lambda: read(printed),
            lambda: read(data),
            budget=3.0,
            rounds=9,
        ),
        compare(
            "line and column of 34 places / reading the response",
            lambda: locate(places),
            lambda: read(data),
            budget=0.2,
            rounds=9,
        ),
    ]


def walked_archive(data: bytes, *, megabytes: int = 600) -> Figure:
    """Peak memory over a tar that comes through a pipe, in MB."""
    make = (
        "import io, sys, tarfile; data = sys.stdin.buffer.read()\n"
        "with tarfile.open(fileobj=sys.stdout.buffer, mode='w|') as tar:\n"
        f"    for number in range({megabytes * 1_000_000} // len(data) + 1):\n"
        "        info = tarfile.TarInfo(f'{number}.json'); info.size = len(data)\n"
        "        tar.addfile(info, io.BytesIO(data))\n"
    )
    walk = (
        "from reporter.sources.read import read_responses\n"
        "count = sum(1 for _ in read_responses(['-']))\n"
        # not getrusage: that goes on counting from the process it was started by
        "status = open('/proc/self/status').read()\n"
        "print(count, int(status.split('VmHWM:')[1].split()[0]) // 1024)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", make], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as maker:
        assert maker.stdin is not None
        maker.stdin.write(data)
        maker.stdin.close()
        done = subprocess.run(
            [sys.executable, "-c", walk], stdin=maker.stdout, capture_output=True, cwd=ROOT
        )
    count, peak = map(int, done.stdout.split())
    assert count > megabytes * 1_000_000 // len(data), done.stderr
    detail = f"{count:,} responses of {len(data) / 1e6:.2f} MB"
    return Figure(f"MB at most while a tar of {megabytes:,} MB is walked", peak, 200, detail)


def large_policy() -> bytes:
    """200 rules, 20 of them with JSONPath."""
    plain = [
        {
            "id": f"plain-{number}",
            "match": {"check": f"SampleNode{number}*", "kind": ["Risk", "Exception"]},
            "effect": "fail",
        }
        for number in range(180)
    ]
    paths = ("$.riskSource.configurationRisks[*].package", "$..url")
    pathed = [
        {
            "id": f"path-{number}",
            "match": {
                "kind": "Risk",
                "where": [{"path": paths[number % 2], "equals": f"kubelet-{number}"}],
            },
            "effect": "fail",
        }
        for number in range(20)
    ]
    head = {"apiVersion": "precheck.policy/v1", "kind": "Policy", "metadata": {"name": "large"}}
    return json.dumps(head | {"rules": plain + pathed}).encode()  # JSON is YAML too


def with_a_large_policy(data: bytes, folder: Path) -> list[Figure]:
    from reporter.policy.evaluate import evaluate
    from reporter.policy.load import Policy
    from reporter.precheck.model import PrecheckTask
    from reporter.sources.read import read

    text = large_policy()
    policy = Policy.parse(text)
    judging = compare(
        "read + evaluate under 200 rules, 20 with JSONPath / bare validation",
        lambda: evaluate(read(data), policy, at="response"),
        lambda: PrecheckTask.model_validate_json(data),
        budget=1.5,
        rounds=7,
    )
    compiling = compare(
        "compiling 200 rules / 100 ms",
        lambda: Policy.parse(text),
        lambda: time.sleep(0.1),
        budget=1.0,
        rounds=7,
    )
    path = folder / "large.yaml"
    path.write_bytes(text)
    start = statistics.median(seconds(process("-m", "reporter", "--version")) for _ in range(7))
    lint = statistics.median(
        seconds(process("-m", "reporter", "policy", "lint", str(path))) for _ in range(7)
    )
    detail = f"{1000 * lint:.0f} ms, start-up {1000 * start:.0f} ms"
    linting = Figure(
        "lint of 200 rules beyond start-up / 300 ms", (lint - start) / 0.3, 1.0, detail
    )
    return [judging, compiling, linting]


def reports(data: bytes, bare: bytes) -> list[Figure]:
    from reporter.output import render
    from reporter.policy.evaluate import evaluate
    from reporter.policy.load import Policy
    from reporter.sources.read import read

    policy = Policy.load("builtin:recommended")
    large = evaluate(read(data), policy, at="response")
    small = evaluate(read(bare), policy, at="response")
    pdf = compare(
        "PDF of 1,000 nodes / PDF of the same cluster without nodes",
        lambda: render(large, "pdf", [data]),
        lambda: render(small, "pdf", [bare]),
        budget=3.0,
        rounds=3,
    )
    size = len(render(large, "html")) / 1e6
    html = compare(
        "HTML of 1,000 nodes beyond evaluation / 0.5 s",
        lambda: render(large, "html"),
        lambda: time.sleep(0.5),
        budget=1.0,
        rounds=5,
    )
    return [pdf, html, Figure("HTML of 1,000 nodes, MB", size, 3.0, "one file")]


def large_reports(data: bytes, folder: Path) -> list[Figure]:
    from reporter.output import pdf, render
    from reporter.policy.evaluate import evaluate
    from reporter.policy.load import Policy
    from reporter.sources.read import read

    figures = []
    thousand = pages.singles(1000)
    figures.append(
        compare(
            "PDF of 1,000 single findings / a plain fixed table of the same",
            lambda: pdf.write(thousand),
            lambda: pages.plain_table(thousand),
            budget=0.5,
            rounds=3,
        )
    )
    for kind, count in (("entries", 10_000), ("checks", 20_000)):
        peak, took = pages.peak_of_a_pdf(kind, count)
        what = f"MB at most for the PDF of {count:,} failed {kind}"
        figures.append(Figure(what, peak, 600, f"{took:.1f} s"))
    page = folder / "page.html"
    policy = Policy.load("builtin:recommended")
    verdict = evaluate(read(data), policy, at="response")
    page.write_bytes(render(verdict, "html", [data]))
    figures += _printing(verdict, page)
    figures += _browsing("1,000 nodes", page, ["d", "di", "disk", "pool-b"], ready=1.0)
    for name, hard in (("300,000 findings", False), ("300,000 findings that hardly repeat", True)):
        page.write_bytes(render(pages.large_record(7_500, 40, hard=hard), "html"))
        size = page.stat().st_size / 1e6
        figures.append(Figure(f"HTML of {name}, MB", size, 15, "one file"))
        figures += _browsing(name, page, ["k", "kube", "kubelet 4711", "00017", "zzz"], ready=2.0)
    return figures


def _printing(verdict: Verdict, page: Path) -> list[Figure]:
    """The PDF that is written for an approval, and what a browser makes of the same page."""
    from reporter.output import render

    if not pages.CHROMIUM.exists():
        return []
    record = page.with_suffix(".json")
    record.write_bytes(render(verdict, "json"))
    paper = str(page.with_suffix(".pdf"))
    return [
        compare(
            "PDF of 1,000 nodes, whole process / Chromium's print of the same page",
            process("-m", "reporter", "render", str(record), "--pdf", paper, codes=(1,)),
            lambda: pages.printed_by_chromium(page),
            budget=1.5,
            rounds=3,
        )
    ]


def _browsing(name: str, page: Path, words: list[str], ready: float) -> list[Figure]:
    found = pages.in_a_browser(page, words)
    if not found:
        return []
    first, stroke = found["paint"], found["stroke"]
    detail = f"first paint {first:.2f} s"
    return [
        Figure(f"{name} in chromium, ready / {ready:.0f} s", found["ready"] / ready, 1.0, detail),
        Figure(f"{name} in chromium, slowest keystroke, ms", stroke, 150, "until it is drawn"),
    ]


def main(walk: int = 0) -> int:
    """Measure everything; or with `walk` the archive walk alone, over that many megabytes."""
    # As an installed package has it, whatever the environment says about writing bytecode.
    compileall.compile_dir(ROOT / "reporter", quiet=1)
    document = response(nodes=1000, items_per_node=40, failed_percent=3.0, seed=1)
    data = json.dumps(document).encode()
    document["status"]["nodeCheckStatus"] = {"phase": "Success"}
    bare = json.dumps(document).encode()
    small = json.dumps(response(nodes=100, items_per_node=40, failed_percent=3.0, seed=2)).encode()
    if walk:
        return told([walked_archive(small, megabytes=walk)])
    with tempfile.TemporaryDirectory() as folder:
        figures = [
            whole_process(Path(folder)),
            start_of_fetch(),
            read_alone(data),
            read_and_evaluate(data),
            *with_a_large_policy(data, Path(folder)),
            *other_forms(data, Path(folder)),
            walked_archive(small),
            *reports(data, bare),
            *large_reports(data, Path(folder)),
        ]
    gc.collect()
    return told(figures)


def told(figures: list[Figure]) -> int:
    for figure in figures:
        sign = "✓" if figure.fine else "✕ OVER BUDGET"
        print(
            f"{figure.value:6.2f} (at most {figure.budget}) {sign} {figure.what}: {figure.detail}"
        )
    return 0 if all(figure.fine for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
