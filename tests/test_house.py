"""The house keeps its rules: who may import whom, and which module alone imports a library."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "reporter"

BASE = {"errors", "resources", "yamlfile", "mistakes", "record", "words", "signs"}
ALLOWED = {
    "errors": set[str](),
    "resources": set[str](),
    "yamlfile": {"errors"},
    "mistakes": {"errors", "yamlfile"},
    "record": {"signs"},
    "signs": set[str](),
    "interrupts": set[str](),
    "words": {"record"},
    "precheck": BASE,
    "catalogue": BASE,
    "sources": BASE | {"precheck", "catalogue"},
    "policy": BASE | {"precheck", "catalogue"},
    "output": {"errors", "resources", "words", "record"},
    "live": BASE | {"precheck", "catalogue", "sources", "policy", "output"},
    "audit": BASE | {"precheck", "catalogue", "sources", "policy", "output"},
    "casefile": BASE | {"precheck", "catalogue", "sources", "policy", "output"},
}
"""Room → the rooms it may import; `cli` may import all of them."""

ONE_HOME: dict[str, str | tuple[str, ...]] = {
    "yaml": "yamlfile.py",
    "jinja2": "output/templating.py",
    "weasyprint": "output/pdf.py",
    "click": "cli",
    "jsonpath_ng": "policy/jsonpath.py",
    "re2": "policy",
    "jiter": "sources/strict_json.py",
    "huaweicloudsdkcce": "live",
    "huaweicloudsdkcore": "live",
    "requests": "live/transport.py",
    "urllib3": "live/deadline.py",
    "rich": "cli/live_line.py",
    "tenacity": "live/wait.py",
    "msgspec": "sources/locate.py",
    "gettext": "words.py",
    "fsspec": "sources/locations.py",
    "backports": "sources/containers.py",
    "in_toto_attestation": "casefile/attest.py",
    "google": "casefile/attest.py",
    "securesystemslib": "casefile/attest.py",
    "cryptography": "casefile/attest.py",
    "pikepdf": "casefile/contents.py",
    "zipfile": ("casefile/archive.py", "sources"),
    "sqlite3": "audit/store.py",
    "distributed": "audit/engines.py",
}
"""Library → the only place in the house that imports it."""


def _modules() -> list[Path]:
    return sorted(ROOT.rglob("*.py"))


@cache
def _imports(path: Path) -> tuple[str, ...]:
    return tuple(_imported(path))


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide where things come from"
            base = node.module or ""
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _room(name: str) -> str:
    return name.split(".")[1] if "." in name else ""


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_rooms_import_only_what_they_may(path: Path) -> None:
    relative = path.relative_to(ROOT)
    room = relative.parts[0].removesuffix(".py")
    if room in ("cli", "__init__", "__main__"):
        return
    allowed = ALLOWED[room] | {room, "__version__"}
    reached = {_room(name) for name in _imports(path) if name.startswith("reporter")}
    assert reached <= allowed | {""}, f"{relative} reaches {reached - allowed}"


@pytest.mark.parametrize("library", sorted(ONE_HOME))
def test_a_library_has_one_home(library: str) -> None:
    homes = {
        str(path.relative_to(ROOT))
        for path in _modules()
        if any(name.split(".")[0] == library for name in _imports(path))
    }
    allowed = ONE_HOME[library]
    assert all(home.startswith(allowed) for home in homes)


def test_only_the_command_line_prints_and_exits() -> None:
    for path in _modules():
        if path.relative_to(ROOT).parts[0] in ("cli", "__main__.py"):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
        names = {call.id for call in calls if isinstance(call, ast.Name)}
        assert not names & {"print", "exit", "quit"}, path
        assert "sys.exit" not in path.read_text(encoding="utf-8"), path


def test_the_package_alone_imports_next_to_nothing() -> None:
    code = (
        "import sys, reporter, reporter.cli;"
        "heavy = {'pydantic', 'jinja2', 'weasyprint', 'jsonpath_ng', 'yaml', 're2'};"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or 0)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_every_language_can_be_asked_for() -> None:
    """The command line spells them out: the words themselves are slow to import."""
    import click

    from reporter.cli import check, render
    from reporter.words import LANGUAGES

    for command in (check.command, render.command):
        (option,) = (part for part in command.params if part.name == "lang")
        assert isinstance(option.type, click.Choice)
        assert tuple(option.type.choices) == LANGUAGES


def test_the_promised_names_are_there() -> None:
    import reporter

    for name in reporter.__all__:
        assert getattr(reporter, name) is not None
    with pytest.raises(AttributeError, match="nonsense"):
        _ = reporter.nonsense


def test_colour_is_decided_in_one_place() -> None:
    asking = {
        str(path.relative_to(ROOT))
        for path in _modules()
        if re.search(r"environ\S*(?:NO_COLOR|FORCE_COLOR)", path.read_text(encoding="utf-8"))
    }
    assert asking == {"cli/terminal.py"}
