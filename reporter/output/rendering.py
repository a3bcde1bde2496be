"""How a report was rendered: carried inside it, so that it can be rendered again and compared.

A page is a function of the record, its exhibits and these options; with all three at hand, every
sign of it can be held against what the tool writes.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import Field, dataclass, fields
from functools import cache
from hashlib import sha256
from importlib import metadata
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from pydantic import TypeAdapter, ValidationError

from reporter import __version__
from reporter.output import Options
from reporter.output.clean import clean
from reporter.record.explanation import Explanation
from reporter.record.model import Verdict
from reporter.resources import bundled

NAME = "rendering.json"
ROLE = "rendering"
FORMAT = "precheck.rendering/v1"


@dataclass(frozen=True)
class Rendering:
    """What a report says of its own making. Nothing in it is believed before it is tried."""

    version: str
    """Of the tool that wrote it."""
    writer: str
    """Digest of the code and templates that wrote it."""
    libraries: Mapping[str, str]
    """What its bytes also depend on: name → version."""
    options: Options
    beyond: tuple[str, ...]
    """Options that were set and that no file can carry, such as a folder of templates."""
    data: bytes
    """The description itself."""

    def described(self, verdict: Verdict) -> bytes:
        """How this tool spells the same description."""
        return _described(verdict, self.options, self.libraries, self.version, self.writer)

    @property
    def by_this_tool(self) -> bool:
        """Whether the code and the templates are those of this very installation."""
        return self.version == __version__ and self.writer == writer_digest()


def describe(verdict: Verdict, options: Options, libraries: Mapping[str, str]) -> bytes:
    """The description of a rendering of `verdict`; the same bytes for the same rendering.

    A report that is rendered again carries the description it had (`options.described`).
    """
    if options.described is not None:
        return options.described
    return _described(verdict, options, libraries, __version__, writer_digest())


def _described(
    verdict: Verdict,
    options: Options,
    libraries: Mapping[str, str],
    version: str,
    writer: str,
) -> bytes:
    names = {clean(check.name) for check in verdict.checks if check.name is not None}
    names |= {clean(skip.name) for skip in verdict.skipped if skip.name is not None}
    chosen: dict[str, Any] = {}
    beyond: list[str] = []
    for part in _chosen():
        value = getattr(options, part.name)
        if part.name == "own":
            said = {name: one for name, one in options.own.items() if clean(name) in names}
            chosen["own"] = {name: _explained(one) for name, one in sorted(said.items())}
        elif isinstance(value, _PLAIN):
            chosen[part.name] = value
        else:
            beyond.append(part.name)
    text = {
        "format": FORMAT,
        "tool": {"name": "cce-precheck", "version": version, "writer": writer},
        "libraries": dict(sorted(libraries.items())),
        "options": chosen,
        "beyond": beyond,
    }
    return json.dumps(text, indent=2).encode() + b"\n"


def libraries(*packages: str) -> dict[str, str]:
    """The versions of what a report's bytes depend on."""
    return {
        "zlib": zlib.ZLIB_RUNTIME_VERSION,
        **{name: metadata.version(name) for name in ("jinja2", "pydantic", *packages)},
    }


def parse(data: bytes) -> Rendering:
    """What a description says. `ValueError` where it is none of ours, or of a newer tool."""
    try:
        found = json.loads(data)
        form = found["format"]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise ValueError("its rendering.json can't be read") from error
    if form != FORMAT:
        raise ValueError(f"its rendering.json is in format {form!r}; this tool knows {FORMAT}")
    try:
        given, beyond, tool = found["options"], found["beyond"], found["tool"]
        known = {part.name for part in _chosen()}
        taken = {name: value for name, value in given.items() if name in known}
        # Plain values alone: what a file says is never taken for templates or anything that runs.
        if not all(isinstance(value, _PLAIN) for name, value in taken.items() if name != "own"):
            raise TypeError
        options = TypeAdapter(Options).validate_python(taken)
        return Rendering(
            version=str(tool["version"]),
            writer=str(tool["writer"]),
            libraries={str(name): str(version) for name, version in found["libraries"].items()},
            options=options,
            beyond=tuple(sorted({str(name) for name in beyond} | (set(given) - known))),
            data=data,
        )
    except (ValidationError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError("its rendering.json is not one this tool writes") from error


def _chosen() -> list[Field[Any]]:
    """The options a reader chooses: all but the description itself."""
    return [part for part in fields(Options) if part.name != "described"]


_PLAIN = (str, int, float, type(None))


def _explained(said: Explanation) -> dict[str, Any]:
    return {
        part.name: sorted(value) if isinstance(value, frozenset) else value
        for part in fields(said)
        for value in [getattr(said, part.name)]
    }


@cache
def writer_digest() -> str:
    """A digest of this installation's own code and templates, as hex."""
    found = sha256()
    roots = (("reporter", files("reporter")), ("templates", bundled("templates")))
    for name, data in sorted(_texts(*root) for root in roots for root in _walked(*root)):
        found.update(f"{name}\0{len(data)}\0".encode() + data)
    return found.hexdigest()[:16]


_CARRIED = ("_bundled", "__pycache__")


def _walked(name: str, folder: Traversable) -> Iterator[tuple[str, Traversable]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            if entry.name not in _CARRIED:
                yield from _walked(f"{name}/{entry.name}", entry)
        elif not entry.name.endswith((".pyc", ".pyo")):
            yield f"{name}/{entry.name}", entry


def _texts(name: str, entry: Traversable) -> tuple[str, bytes]:
    return name, entry.read_bytes()
