"""`cce-precheck templates`: the shipped templates, to begin one's own with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reporter.cli.common import say
from reporter.errors import OutputError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

BRAND = "brand.yaml"
API_VERSION = "precheck.brand/v1"
MOST_OF_A_LOGO = 200_000

EXAMPLE = f"""\
# Whose reports these are. Every key but the first two may be left out.
apiVersion: {API_VERSION}
kind: Brand
# organisation: Example Bank
# logo: logo.svg          # .svg or .png in this folder, at most {MOST_OF_A_LOGO // 1000} kB
# accent: "#0b4f96"       # links, on white: a contrast of at least 4.5
# accent_dark: "#9cc8ff"  # links, on a dark screen
"""


@click.group("templates")
def command() -> None:
    """Templates of your own, for --templates."""


@command.command("export")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Write over files that are there.")
def export(folder: Path, force: bool) -> None:
    """Write the shipped templates to DIR, and an example of brand.yaml.

    Keep only what you change: what is not in DIR comes from the shipped templates, so the rest
    of a page goes on following new releases.
    """
    from reporter.output.files import write_file
    from reporter.resources import bundled

    found = {folder / name: data for name, data in shipped(bundled("templates"))}
    found[folder / BRAND] = EXAMPLE.encode()
    there = sorted(str(path) for path in found if path.exists())
    if there and not force:
        raise OutputError(
            f"{there[0]}: is there already" + (f", and {len(there) - 1} more" if there[1:] else ""),
            hint="name an empty folder, or add --force to write over them",
        )
    for path, data in found.items():
        write_file(path, data)
    say(f"{len(found)} files are in {folder}; keep those you change", err=False)


def shipped(folder: Traversable, above: str = "") -> Iterator[tuple[str, bytes]]:
    """The shipped templates, style sheets and scripts: names below `folder`, and contents."""
    for part in sorted(folder.iterdir(), key=lambda part: part.name):
        name = f"{above}{part.name}"
        if part.is_dir():
            yield from shipped(part, f"{name}/")
        elif name.endswith((".j2", ".css", ".js")):
            yield name, part.read_bytes()
