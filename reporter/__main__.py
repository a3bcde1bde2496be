"""The command `cce-precheck`, and `python -m reporter`: the same."""

from __future__ import annotations

from reporter.interrupts import Interrupts


def main() -> None:
    """The entry point: signals are heard first, for all else takes its time to import."""
    interrupts = Interrupts()
    interrupts.hear()
    from reporter.cli import main as command

    command(interrupts)


if __name__ == "__main__":
    main()
