"""A coverage-guided search for inputs that break a target's promises.

    python -m tests.fuzz.search response --seconds 300

What is found is written to `tests/fuzz/found/TARGET/`, where the ordinary tests try it for ever.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from hashlib import sha256
from pathlib import Path

FOUND = Path(__file__).parent / "found"


def main() -> None:
    import atheris

    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("target")
    parser.add_argument("--seconds", type=int, default=60)
    options = parser.parse_args()
    with atheris.instrument_imports(include=["reporter"]):
        from tests.fuzz.targets import TARGETS, seeds

        # What is imported when first needed is instrumented too.
        for data in seeds(options.target):
            TARGETS[options.target](data)
    check = TARGETS[options.target]

    def one(data: bytes) -> None:
        try:
            check(data)
        except BaseException:
            folder = FOUND / options.target
            folder.mkdir(parents=True, exist_ok=True)
            (folder / sha256(data).hexdigest()[:16]).write_bytes(data)
            raise

    with tempfile.TemporaryDirectory() as corpus:
        for number, data in enumerate(seeds(options.target)):
            (Path(corpus) / str(number)).write_bytes(data)
        words = [
            sys.argv[0],
            corpus,
            f"-max_total_time={options.seconds}",
            "-max_len=16384",
            "-timeout=20",
            "-rss_limit_mb=4096",
            f"-artifact_prefix={corpus}/",
            "-print_final_stats=1",
            "-seed=1",
        ]
        atheris.Setup(words, one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
