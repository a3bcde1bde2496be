"""Reports of very large records: sizes, memory, and how fast a browser is with them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from random import Random
from typing import Any

ROOT = Path(__file__).parent.parent
CHROMIUM = Path("/usr/bin/chromium")

# What a keystroke costs: from the event until the frame that shows its result is drawn.
KEYSTROKE = """word => {
  const field = document.querySelector("#finder [name=text]");
  field.value = word;
  const began = performance.now();
  field.dispatchEvent(new Event("input", {bubbles: true}));
  return new Promise(done => requestAnimationFrame(() => setTimeout(
    () => done(performance.now() - began))));
}"""
TWO_FRAMES = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


def large_record(nodes: int, checks: int, *, hard: bool = False) -> Any:
    """A record of nodes × checks failed findings, each with a message of its own.

    `hard`: each message also holds a random UUID, an address and a number of nine digits, which no
    packing can make shorter, and each finding has a waiver to copy.
    """
    from reporter.record.model import Entry, Node, OutcomeCounts, Place
    from tests.output.example import example, many

    random = Random(1)
    (entry, *_) = many(messages=True).entries
    named = [
        Node(uid=_uuid(random), name=f"sample-pool-a-{number:05}-{random.getrandbits(20):05x}",
             status="Active", type="node")
        for number in range(nodes)
    ]  # fmt: skip

    def made(check: int, number: int) -> Entry:
        node = named[number]
        message = (
            f"kubelet on {node.name} answered after {check * 37 + number} ms, at most 5 allowed"
        )
        stub = None
        if hard:
            address = ".".join(str(random.randrange(256)) for _ in range(3))
            message += (
                f" (volume pvc-{_uuid(random)} on 10.{address}, {random.randrange(10**9)} bytes)"
            )
            stub = (
                f"- id: sample-check-{random.getrandbits(24):06x}\n  check:\n    equals: Sample\n"
                f"  scope: node\n  node:\n    uid:\n      equals: {node.uid}\n  reason: TODO\n"
            )
        pointer = f"/status/nodeCheckStatus/nodeStageStatus/{number}/itemsStatus/{check}"
        place = Place.model_construct(
            pointer=pointer, line=1, column=number * 9_219 + check * 230, nodes=[node]
        )
        return entry.model_copy(update={"message": message, "waiver_stub": stub, "places": [place]})

    base = many(messages=True)
    return example(
        checks=[
            base.model_copy(
                update={
                    "name": f"SampleNodeCheck{check:03}",
                    "findings": OutcomeCounts(fail=nodes),
                    "entries": [made(check, number) for number in range(nodes)],
                }
            )
            for check in range(checks)
        ]
    )


def _uuid(random: Random) -> str:
    digits = f"{random.getrandbits(128):032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def in_a_browser(page: Path, words: list[str]) -> dict[str, float]:
    """Seconds until first paint and until the page can be used, and the slowest keystroke in
    milliseconds, medians of three loads; empty without a browser."""
    if not CHROMIUM.exists():
        return {}
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 1280, "height": 844})
        paints, ready = [], []
        for _ in range(3):
            began = time.perf_counter()
            tab.goto(page.as_uri())
            tab.evaluate(TWO_FRAMES)
            ready.append(time.perf_counter() - began)
            painted = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
            paints.append(tab.evaluate(painted) / 1000)
        strokes = [tab.evaluate(KEYSTROKE, words[0])]
        if tab.locator("#rest").count():
            tab.wait_for_selector("#rest li", timeout=120_000)
        strokes += [sorted(tab.evaluate(KEYSTROKE, word) for _ in range(3))[1] for word in words]
        browser.close()
    return {"paint": sorted(paints)[1], "ready": sorted(ready)[1], "stroke": max(strokes)}


def printed_by_chromium(page: Path) -> None:
    """Print a page to PDF as people do without this tool."""
    words = ["--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"]
    out = f"--print-to-pdf={page.with_suffix('.printed.pdf')}"
    subprocess.run([str(CHROMIUM), *words, out, page.as_uri()], capture_output=True, check=True)


def peak_of_a_pdf(kind: str, count: int) -> tuple[float, float]:
    """Megabytes at most and seconds for a PDF of many findings (`entries` of one check, or
    `checks` with one each), in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, kind, str(count)], cwd=ROOT, capture_output=True, check=True
    )
    peak, seconds = json.loads(done.stdout)
    return peak, seconds


def singles(count: int) -> Any:
    """A record of one check with this many findings that differ in their message."""
    return large_record(count, 1)


def plain_table(record: Any) -> bytes:
    """The same findings as a plain table of fixed layout, as a floor."""
    import weasyprint

    rows = "".join(
        f"<tr><td>{check.name}</td><td>Failed</td><td>{entry.kind} {entry.level}</td>"
        f"<td>{entry.message}</td><td>{entry.places[0].nodes[0].name}</td></tr>"
        for check in record.checks
        for entry in check.entries
    )
    style = (
        "@page{size:A4} table{table-layout:fixed;width:100%;border-collapse:collapse;"
        "font:9pt DejaVu Sans} td{border:1px solid}"
    )
    data: bytes = weasyprint.HTML(string=f"<style>{style}</style><table>{rows}</table>").write_pdf()
    return data


def _measure(kind: str, count: int) -> None:
    sys.path.insert(0, str(ROOT))
    from reporter.output import pdf

    record = singles(count) if kind == "entries" else large_record(1, count)
    began = time.perf_counter()
    pdf.write(record)
    seconds = time.perf_counter() - began
    status = Path("/proc/self/status").read_text()
    print(json.dumps([int(status.split("VmHWM:")[1].split()[0]) / 1024, seconds]))


if __name__ == "__main__":
    _measure(sys.argv[1], int(sys.argv[2]))
