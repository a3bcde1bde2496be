"""`cce-precheck doctor`: what of this machine the reports can use, and how to get the rest."""

from __future__ import annotations

import json
import platform
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import click

from reporter.cli.common import CliExit
from reporter.cli.terminal import uses_color

API_VERSION: Final = "precheck.doctor/v1"
DISTRIBUTION: Final = "cce-precheck-reporter"
MISSING: Final = 1
"""The exit code when something is missing that a report needs."""
WIDTH: Final = 80

State = Literal["ok", "missing", "optional"]
System = Literal["Debian", "Alpine", "macOS", "Windows"]

_SAMPLE = "published-autopilot"
_CHINESE = "升级前检查"
_SIGNS: Final[dict[State, tuple[str, str]]] = {
    "ok": ("✓", "green"),
    "missing": ("✕", "red"),
    "optional": ("·", "blue"),
}

DRAWING: Final[dict[str, str]] = {
    "Debian": "apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 "
    "fonts-dejavu-core",
    "Alpine": "apk add pango fontconfig so:libharfbuzz-subset.so.0 font-dejavu",
    "macOS": "brew install pango",
    "Windows": "pacman -S mingw-w64-x86_64-pango (in MSYS2), then set "
    r"WEASYPRINT_DLL_DIRECTORIES=C:\msys64\mingw64\bin",
}
"""How to get what WeasyPrint loads when a PDF is drawn; as its own manual says, but for fonts."""

FONTS: Final[dict[str, str]] = {
    "Debian": "apt-get install fonts-droid-fallback (or fonts-noto-cjk)",
    "Alpine": "apk add font-noto-cjk",
    "macOS": "brew install --cask font-noto-sans-cjk-sc",
    "Windows": "Settings, Optional features: Chinese (Simplified) Supplemental Fonts",
}
"""How to get a font with Chinese characters."""

EXTRAS: Final[dict[str, str]] = {
    "live": "ask CCE itself: cce-precheck fetch",
    "remote": "read s3:// and other object stores",
}
"""Extra → what it is for."""


@dataclass(frozen=True)
class Part:
    """One thing that is there or not."""

    id: str
    state: State
    label: str
    said: str
    remedies: Mapping[str, str] = field(default_factory=dict)
    """What to do, by system; by an empty name where all do the same."""


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--no-color", is_flag=True, help="No colour (also: NO_COLOR=1).")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def command(as_json: bool, no_color: bool, debug: bool) -> None:
    """Say what is installed, what reports lack here, and how to get it.

    A PDF is really made, of a shipped sample; nothing is asked of the network and nothing is
    written. Exit code 0: every report can be made; 1: something they need is missing. Extras that
    are not installed are named and are no fault.
    """
    del debug  # read by the entry point
    parts = list(examine())
    if as_json:
        click.echo(json.dumps(as_data(parts), indent=2, ensure_ascii=False))
    else:
        color = uses_color(sys.stdout, no_color=no_color)
        for row in _rows(parts, _system()):
            click.echo(row if color else click.unstyle(row), color=color)
    if any(part.state == "missing" for part in parts):
        raise CliExit(MISSING)


def as_data(parts: list[Part]) -> dict[str, Any]:
    """The findings as a versioned object."""
    return {
        "apiVersion": API_VERSION,
        "system": _system(),
        "complete": all(part.state != "missing" for part in parts),
        "parts": [
            {
                "id": part.id,
                "state": part.state,
                "label": part.label,
                "said": part.said,
                "remedies": dict(part.remedies),
            }
            for part in parts
        ],
    }


def examine() -> Iterator[Part]:
    """Look at everything, one part after the other."""
    from reporter import __version__

    machine = f"{platform.system()} {platform.machine()}"
    said = f"{__version__}, Python {platform.python_version()}, {machine}"
    yield Part("tool", "ok", "cce-precheck", said)
    required = _required()
    yield _libraries(required.get("", []))
    yield from _drawing()
    for extra, purpose in EXTRAS.items():
        yield _extra(extra, purpose, required.get(extra, []))
    yield _terminal()


def _required() -> dict[str, list[str]]:
    """The distributions this one asks for, by extra; `""` for those it always needs."""
    from importlib import metadata

    found: dict[str, list[str]] = {}
    try:
        wanted = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        return found
    for line in wanted:
        name = re.match(r"[A-Za-z0-9._-]+", line)
        extra = re.search(r"extra == ['\"]([a-z]+)['\"]", line)
        version = re.search(r"python_version < ['\"]3\.(\d+)['\"]", line)
        if name is None or (version and sys.version_info >= (3, int(version[1]))):
            continue
        found.setdefault(extra[1] if extra else "", []).append(name[0])
    return found


def _versions(names: list[str]) -> tuple[list[str], list[str]]:
    """`name version` of what is installed, and the names of what is not."""
    from importlib import metadata

    there, lacking = [], []
    for name in names:
        try:
            there.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            lacking.append(name)
    return there, lacking


def _libraries(names: list[str]) -> Part:
    there, lacking = _versions(names)
    again = {"": f"pip install --force-reinstall {DISTRIBUTION}"}
    if not names:
        said = "this copy runs from a folder and is not installed, so nobody checked what it needs"
        return Part("libraries", "optional", "Libraries", said, {"": "pip install ."})
    if lacking:
        return Part("libraries", "missing", "Libraries", f"not installed: {_list(lacking)}", again)
    return Part("libraries", "ok", "Libraries", _list(there))


def _drawing() -> Iterator[Part]:
    """A shipped sample, judged and made a PDF, with Chinese text in it."""
    import reporter
    from reporter.errors import OutputError
    from reporter.output import render
    from reporter.output.clean import one_line
    from reporter.resources import bundled

    response = reporter.read((bundled("samples") / _SAMPLE / "response.json").read_bytes())
    verdict = reporter.evaluate(
        response,
        reporter.Policy.load("builtin:recommended"),
        at="response",
        cluster_name=_CHINESE,
    )
    heard: list[str] = []
    try:
        render(verdict, "pdf", warn=heard.append)
    except OutputError as error:
        yield Part("pdf", "missing", "PDF", one_line(error.message), DRAWING)
        yield Part("cjk", "optional", "Chinese text", "not tried, as there is no PDF")
        return
    there, _ = _versions(["weasyprint"])
    yield Part("pdf", "ok", "PDF", f"drawn with {_list(there)}")
    if heard:
        said = "no font here has Chinese characters; PDFs show boxes in their place"
        yield Part("cjk", "missing", "Chinese text", said, FONTS)
    else:
        yield Part("cjk", "ok", "Chinese text", "a font has it")


def _extra(extra: str, purpose: str, names: list[str]) -> Part:
    there, lacking = _versions(names)
    if names and not lacking:
        return Part(extra, "ok", f"Extra {extra}", _list(there))
    said = f"not installed; it is there to {purpose}"
    if there:
        said = f"incomplete, without {_list(lacking)}; it is there to {purpose}"
    how = {"": f"pip install '{DISTRIBUTION}[{extra}]'"}
    return Part(extra, "optional", f"Extra {extra}", said, how)


def _terminal() -> Part:
    encoding = (getattr(sys.stdout, "encoding", None) or "unknown").lower()
    columns = shutil.get_terminal_size().columns
    kind = f"{columns} columns" if sys.stdout.isatty() else "no terminal: 80 columns"
    color = "colour" if uses_color(sys.stdout, no_color=False) else "no colour"
    said = f"{encoding}, {kind}, {color}"
    if "utf" in encoding:
        return Part("terminal", "ok", "Terminal", said)
    plain = f"{said}; signs it can't show become letters"
    return Part("terminal", "optional", "Terminal", plain, {"": "set PYTHONUTF8=1"})


def _list(names: list[str]) -> str:
    return ", ".join(names)


def _system() -> System | None:
    """This machine's kind, of those that remedies are known for."""
    if sys.platform == "darwin":
        return "macOS"
    if sys.platform == "win32":
        return "Windows"
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return None
    family = {release.get("ID", ""), *release.get("ID_LIKE", "").split()}
    if family & {"debian", "ubuntu"}:
        return "Debian"
    return "Alpine" if "alpine" in family else None


def _rows(parts: list[Part], here: System | None) -> Iterator[str]:
    from reporter.output.clean import console_safe
    from reporter.output.text import wrap

    label_width = max(len(part.label) for part in parts) + 2
    indent = " " * (4 + label_width)
    for part in parts:
        sign, color = _SIGNS[part.state]
        first, *further = wrap(part.said, WIDTH - len(indent)) or [""]
        lead = f"  {click.style(sign, fg=color)} {part.label:<{label_width}}"
        yield lead + console_safe(first)
        yield from (indent + console_safe(row) for row in further)
        yield from _remedies(part, here, indent)
    lacking = [part.label for part in parts if part.state == "missing"]
    yield ""
    yield (
        f"{click.style('✕', fg='red')} Missing for every report: {', '.join(lacking)}"
        if lacking
        else f"{click.style('✓', fg='green')} Every report can be made on this machine"
    )


def _remedies(part: Part, here: System | None, indent: str) -> Iterator[str]:
    """The remedy for this machine; all of them where it is none that is known."""
    one = part.remedies.get(here) if here is not None else None
    chosen: Mapping[str, str] = {"": one} if one is not None else part.remedies
    for system, how in chosen.items():
        # In one piece, to copy.
        yield f"{indent}→ {f'{system}: ' if system else ''}{how}"
