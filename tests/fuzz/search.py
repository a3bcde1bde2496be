"""A coverage-guided search for inputs that break a target's promises.

    python -m tests.fuzz.search response --seconds 300
    python -m tests.fuzz.search response --keep

What is found is written to `tests/fuzz/found/TARGET/`, where the ordinary tests try it for ever.
What reached something new stays in `build/fuzz/TARGET/`, where the next search goes on; `--keep`
takes the smallest of these that reach it all into `tests/fuzz/corpus/TARGET/`.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from hashlib import sha256
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).parents[2]
FOUND = Path(__file__).parent / "found"
MOST_KEPT = 30_000
"""Bytes of a target's corpus in the repository."""
LARGEST_KEPT = 6_000


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("target")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if options.keep:
        keep(options.target)
    else:
        search(options.target, options.seconds, options.seed)


def search(target: str, seconds: int, seed: int) -> None:
    """Search for so long; ends the process."""
    import atheris

    with atheris.instrument_imports(include=["reporter"]):
        from tests.fuzz.targets import CORPUS, TARGETS, TOKENS, seeds

        # What is imported when first needed is instrumented too.
        for data in seeds(target):
            TARGETS[target](data)
    check = TARGETS[target]

    def one(data: bytes) -> None:
        try:
            check(data)
        except BaseException:
            folder = FOUND / target
            folder.mkdir(parents=True, exist_ok=True)
            (folder / sha256(data).hexdigest()[:16]).write_bytes(data)
            raise

    work = ROOT / "build" / "fuzz" / target
    work.mkdir(parents=True, exist_ok=True)
    for data in [*seeds(target), *(path.read_bytes() for path in (CORPUS / target).glob("*"))]:
        (work / sha256(data).hexdigest()[:16]).write_bytes(data)
    words = work.with_suffix(".dict")
    words.write_text("".join(f'"{_escaped(token)}"\n' for token in TOKENS))
    arguments = [
        sys.argv[0],
        str(work),
        f"-dict={words}",
        f"-max_total_time={seconds}",
        "-max_len=16384",
        "-timeout=20",
        "-rss_limit_mb=4096",
        f"-artifact_prefix={work.parent}/{target}-",
        "-print_final_stats=1",
        f"-seed={seed}",
    ]
    atheris.Setup(arguments, one)
    atheris.Fuzz()


def _escaped(token: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in token)


# The corpus -----------------------------------------------------------------------------------


def keep(target: str) -> None:
    """Choose the smallest inputs that together take every step between lines that all take.

    A step that is taken once, twice, a few times or many times is another each time.
    """
    from tests.fuzz.targets import CORPUS, TARGETS, seeds

    check = TARGETS[target]
    known: set[Any] = set()
    for data in seeds(target):
        check(data)  # what is imported and remembered when first needed
        known |= _steps(check, data)
    folder = CORPUS / target
    paths = [*folder.glob("*"), *(ROOT / "build" / "fuzz" / target).glob("*")]
    kept: dict[str, bytes] = {}
    room = MOST_KEPT
    for data in sorted({path.read_bytes() for path in paths}, key=lambda data: (len(data), data)):
        if len(data) > min(room, LARGEST_KEPT):
            continue
        steps = _steps(check, data)
        if not steps <= known:
            known |= steps
            room -= len(data)
            kept[sha256(data).hexdigest()[:16]] = data
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*"):
        path.unlink()
    for name, data in kept.items():
        (folder / name).write_bytes(data)
    size = sum(map(len, kept.values()))
    print(
        f"{target}: {len(kept)} of {len(paths)} inputs kept, {size:,} bytes; {len(known):,} steps"
    )


def _steps(check: Any, data: bytes) -> set[tuple[str, int, int, int]]:
    """The steps from line to line that an input takes in this project's own code."""
    found: Counter[tuple[str, int, int]] = Counter()
    own = str(ROOT / "reporter")

    def enter(frame: FrameType, event: str, _: Any) -> Any:
        file = frame.f_code.co_filename
        if not file.startswith(own):
            return None
        last = 0

        def line(frame: FrameType, event: str, _: Any) -> Any:
            nonlocal last
            if event == "line":
                found[file, last, frame.f_lineno] += 1
                last = frame.f_lineno
            return line

        return line

    sys.settrace(enter)
    try:
        check(data)
    finally:
        sys.settrace(None)
    return {(*step, min(number.bit_length(), 5)) for step, number in found.items()}


if __name__ == "__main__":
    main()
