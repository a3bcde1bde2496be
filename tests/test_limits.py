"""docs/limits.md is so: each number is a constant's, each limit is met with its code and message.

A limit is lowered to a small number, something larger is given, and what the command says is
compared with the page. What takes seconds is tried by `make hostile` alone.
"""

from __future__ import annotations

import gzip
import importlib
import io
import json
import os
import pkgutil
import re
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from backports import zstd

import reporter
from reporter.casefile import contents
from reporter.cli import run
from reporter.cli.common import exit_code_of
from reporter.errors import InputError, ReporterError
from reporter.live import wait
from reporter.output import confined
from reporter.precheck.model import MAX_TEXT
from reporter.sources.containers import MANY, ONE, ZSTD_WINDOW
from reporter.sources.locations import MAX_SIDECAR
from tests.acceptance.run import PUBLISHED, ROOT
from tests.audit.archive import Audit, fill
from tests.live import api as served

MB = 1024 * 1024
THOROUGH = int(os.environ.get("FAULT_ROUNDS", "2")) > 10
PAGE = (ROOT / "docs" / "limits.md").read_text(encoding="utf-8")
RESPONSE = PUBLISHED.read_bytes()
KINDS = r"^_?(MAX|MOST|LONGEST|SHOWN|ENTRIES)(_[A-Z_]+)?$"

NOT_LIMITS = {
    "reporter.sources.containers.MAX_BYTES": "the default of ONE.max_bytes",
    "reporter.sources.containers.ONE.ratio_from": "told beside ONE.max_ratio",
    "reporter.policy.evaluate.MOST_SIGNATURES": "of a cache",
    "reporter.policy.match._LONGEST_ANCHOR": "of a look-up",
    "reporter.precheck.build.MOST_SHARED": "of a cache",
    "reporter.precheck.build.LONGEST_SHARED": "of a cache",
    "reporter.policy.assemble.SHOWN_NODES": "of one message",
    "reporter.policy.assemble.SHOWN_MESSAGE": "of one message",
    "reporter.audit.words.MOST_NAMED": "of one message",
    "reporter.audit.words.MOST_CONDITIONS": "of one message",
    "reporter.output.audit.text.MOST_CONDITIONS": "of a list on the terminal",
    "reporter.policy.explain.MOST_WAIVERS": "of what is told; the others are counted",
    "reporter.policy.explain.MOST_RULES": "of what is told; the others are counted",
    "reporter.sources.containers.ONE.each_once": "no number",
    "reporter.sources.read.MAX_PASSED_OVER": "of names that are told; all are counted",
    "reporter.sources.read.LONGEST_PASSED_OVER": "of a name that is told",
    "reporter.policy.names.MOST_ALIKE": "of a search",
    "reporter.casefile.redact.MOST_ALIGNED": "of a search",
    "reporter.casefile.redact.MOST_WORDS": "of a search",
    "reporter.casefile.redact.MOST_TRIED": "of a search",
    "reporter.policy.here.MOST_TRIED": "of a search",
    "reporter.policy.names.MOST_MEANT": "of a search",
    "reporter.policy.names.MOST_SEARCHED": "of a search",
    "reporter.policy.here.MOST_LOOKED_AT": "of a search",
    "reporter.policy.here.MOST_SIGNS": "of a search",
    "reporter.policy.stubs.MOST_COMPARED": "of a search; of more the message tells",
    "reporter.policy.lint.MOST_COMPARED": "of notes; beyond it a note says so",
    "reporter.sources.streams.MOST_IDLE": "of what comes to nothing; told as built to explode",
    "reporter.sources.printouts._MOST_PRINTOUTS": "of what is refused anyway",
    "reporter.sources.locations.MAX_LITTER": "of what may be litter; a larger file counts",
    "reporter.audit.run.MOST_READY": "of a batch",
    "reporter.live.wait.LONGEST_PAUSE": "between two questions",
    "reporter.output.markdown.ENTRIES": "a part of its bytes",
    "reporter.output.audit.facts.MOST_RECENT": "of what is shown of a cluster",
    "reporter.output.audit.text.MOST_OF_A_KIND": "of examples on the terminal",
    "reporter.output.audit.view.LONGEST": "of a name that is shown",
    "reporter.output.audit.view.LONGEST_TEXT": "of a sentence that is shown",
    "reporter.output.audit.view.LONGEST_VERSION": "of a version that is shown",
}
"""Constants that are called like a limit and are none of what comes in; and all `SHOWN_…` of what
the terminal names before it says how many more there are."""


@dataclass(frozen=True)
class Row:
    """A line of the page."""

    path: str
    cell: str
    number: int
    unit: str
    code: int | None
    said: str

    def with_number(self, number: int) -> re.Pattern[str]:
        """What is said where the limit is another."""
        shown = f"{number:,}"
        given = f"{self.number:,}"
        text = re.escape(re.sub(rf"(?<![\d,]){re.escape(given)}(?![\d,])", shown, self.said))
        return re.compile(text.replace("…", ".+"))


_PLACE = re.compile(r"`([\w/]+)\.py` `([\w.]+)`")


def _path(place: re.Match[str]) -> str:
    module = place[1].replace("/", ".").removesuffix(".__init__")
    return f"reporter.{module}.{place[2]}"


def _rows() -> list[Row]:
    found = []
    for line in PAGE.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|") or not (place := _PLACE.search(cells[-1])):
            continue
        amount = re.fullmatch(r"([\d,]+)(?: (MB|kB|s|times))?", cells[1])
        assert amount is not None, line
        found.append(
            Row(
                _path(place),
                cells[1],
                int(amount[1].replace(",", "")),
                amount[2] or "",
                int(cells[2]) if len(cells) == 5 else None,
                cells[-2].strip("`"),
            )
        )
    return found


ROWS = _rows()
REFUSED = [row for row in ROWS if row.code is not None]
UNITS = {"MB": MB, "kB": 1000}


def _named(path: str) -> tuple[Any, list[str]]:
    """The module of a path, and the names from there on."""
    parts = path.split(".")
    for length in range(len(parts) - 1, 0, -1):
        try:
            return importlib.import_module(".".join(parts[:length])), parts[length:]
        except ModuleNotFoundError:
            continue
    raise AssertionError(path)


def value_of(path: str) -> int:
    found, names = _named(path)
    for name in names:
        found = getattr(found, name)
    assert isinstance(found, int)
    return found


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.path)
def test_a_number_is_the_constant_beside_it(row: Row) -> None:
    assert value_of(row.path) == row.number * UNITS.get(row.unit, 1)


def test_the_numbers_of_an_audit_are_the_code_s() -> None:
    for told in (
        f"from {ONE.ratio_from // MB} MB on (in an audit {MANY.max_ratio:,} times, "
        f"from {MANY.ratio_from // MB:,} MB on)",
        f"members of an archive (in an audit {MANY.max_members:,})",
        f"two: {2**ZSTD_WINDOW // MB} MB",
        f"up to {MAX_SIDECAR:,} bytes",
    ):
        assert told in PAGE
    assert MANY.max_unpacked > 1 << 40  # as much as there is


def test_every_constant_called_like_a_limit_is_on_the_page() -> None:
    told = {_path(place) for place in _PLACE.finditer(PAGE)} | set(NOT_LIMITS)
    missing = []
    for module in pkgutil.walk_packages(reporter.__path__, "reporter."):
        if module.name.endswith("__main__"):
            continue
        found = vars(importlib.import_module(module.name))
        for name, value in found.items():
            path = f"{module.name}.{name}"
            of_limits = is_dataclass(value) and type(value).__name__ == "Limits"
            if of_limits and type(value).__module__ == module.name and name != "MANY":
                missing += [f"{path}.{part.name}" for part in fields(type(value))]
            elif re.match(KINDS, name) and isinstance(value, int) and "SHOWN" not in name:
                missing.append(path)
    own = [path for path in missing if _at_home(path)]
    assert len(own) > 40
    assert set(own) - told == set()


def _at_home(path: str) -> bool:
    """Whether a constant is set in the module, not imported into it."""
    module, names = _named(path)
    source = Path(module.__file__).read_text(encoding="utf-8")
    return re.search(rf"^{names[0]}(?:: [\w\[\]]+)? = ", source, re.M) is not None


def test_what_is_said_of_the_rest_is_said_somewhere() -> None:
    files = [*(ROOT / "reporter").rglob("*.py"), *(ROOT / "templates").rglob("*.j2")]
    source = "\n".join(file.read_text(encoding="utf-8") for file in files)
    for row in ROWS:
        if row.code is None and row.said:
            for part in re.split(rf"…|{row.number:,}", row.said):
                assert part.strip() in source, (row, part)


# Each limit, met ------------------------------------------------------------------------------


class Tried:
    """A place to try a limit at, with the limit lowered."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch, capsys: Any, row: Row) -> None:
        self.folder, self.patch, self.capsys, self.row = folder, patch, capsys, row

    def lower(self, number: int, path: str | None = None) -> int:
        """Lower the limit (or another beside it) to so many of its units."""
        module, names = _named(path or self.row.path)
        value = number * (1 if path else UNITS.get(self.row.unit, 1))
        if len(names) == 1:
            self.patch.setattr(module, names[0], value)
        else:
            whole = getattr(module, names[0])
            self.patch.setattr(module, names[0], replace(whole, **{names[1]: value}))
        return number

    def file(self, name: str, data: bytes | str) -> str:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return str(path)

    def says(self, *arguments: str) -> tuple[int, str]:
        self.capsys.readouterr()
        code = run(arguments)
        return code, self.capsys.readouterr().err

    def check(self, name: str, data: bytes, *more: str) -> tuple[int, str]:
        return self.says("check", self.file(name, data), "--at", "response", "-q", *more)

    def policy(self, text: str, *more: str) -> tuple[int, str]:
        file = self.file("p.yaml", text)
        return self.says("check", str(PUBLISHED), "-p", file, "--at", "response", "-q", *more)

    def templated(self, text: str, form: str = "html") -> tuple[int, str]:
        self.file(f"own/{form}/report.html.j2", text)
        return self.says("check", str(PUBLISHED), "--at", "response", "-q", "--templates",
                         str(self.folder / "own"), f"--{form}", str(self.folder / "r"))  # fmt: skip

    def verified(self, data: bytes) -> tuple[int, str]:
        return self.says("verify", self.file("f", data))


Told = tuple[int, str]
Try = Callable[[Tried], Told]
TRIES: dict[str, Try] = {}
SLOW: set[str] = set()


def met(path: str, *, slow: bool = False) -> Callable[[Try], Try]:
    """How a limit is met. What it returns is the code and what was said, of `lowered` limits."""

    def keep(function: Try) -> Try:
        TRIES[path] = function
        SLOW.update({path} if slow else ())
        return function

    return keep


def raised(function: Callable[[], object]) -> Told:
    with pytest.raises(ReporterError) as caught:
        function()
    return exit_code_of(caught.value), caught.value.message


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: row.path)
def test_a_limit_is_met(
    row: Row, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    key = f"{row.path} pipe" if "through a pipe" in row.said else row.path
    if key in SLOW and not THOROUGH:
        pytest.skip("make hostile")
    tried = Tried(tmp_path, monkeypatch, capsys, row)
    numbers: list[int] = []
    lower = tried.lower

    def noted(number: int, path: str | None = None) -> int:
        if path is None:
            numbers.append(number)
        return lower(number, path)

    tried.lower = noted  # type: ignore[method-assign]
    code, said = TRIES[key](tried)
    assert code == row.code, said
    assert row.with_number(numbers[-1] if numbers else row.number).search(said), said
    first = said.splitlines()[0]
    assert "Traceback" not in said
    assert len(first) <= 600


# A response, and the archive around it

CONTAINERS = "reporter.sources.containers.ONE"


def tar(*members: tuple[str, bytes], **header: str) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size, info.pax_headers = len(data), header
            archive.addfile(info, io.BytesIO(data))
    return file.getvalue()


def zipped(*members: tuple[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in members:
            archive.writestr(name, data)
    return file.getvalue()


@met(f"{CONTAINERS}.max_bytes")
def _(t: Tried) -> Told:
    t.lower(1)
    assert t.check("ok.json", RESPONSE)[0] == 0
    assert t.says("check", str(PUBLISHED), "--at", "response", "-q", "--max-size", "1")[0] == 0
    return t.check("r.json", RESPONSE + b" " * MB)


@met(f"{CONTAINERS}.max_bytes pipe")
def _(t: Tried) -> Told:
    t.lower(1)
    return t.check("r.tar", tar(("in.zip", zipped(("r.json", RESPONSE + os.urandom(MB))))))


@met(f"{CONTAINERS}.max_ratio")
def _(t: Tried) -> Told:
    packed = gzip.compress(RESPONSE + b" " * 2_000_000)
    t.lower(1_000, f"{CONTAINERS}.ratio_from")
    t.lower(5)
    return t.check("r.json.gz", packed)


@met(f"{CONTAINERS}.max_depth")
def _(t: Tried) -> Told:
    t.lower(2)
    packed = gzip.compress(gzip.compress(RESPONSE))
    assert t.check("ok.gz.gz", packed)[0] == 0
    return t.check("r.gz.gz.gz", gzip.compress(packed))


@met(f"{CONTAINERS}.max_members")
def _(t: Tried) -> Told:
    t.lower(2)
    assert t.check("ok.zip", zipped(("r.json", RESPONSE), ("a.txt", b"")))[0] == 0
    zip_file = t.check("r.zip", zipped(("r.json", RESPONSE), ("a.txt", b""), ("b.txt", b"")))
    tar_file = t.check("r.tar", tar(("r.json", RESPONSE), ("a.txt", b""), ("b.txt", b"")))
    assert zip_file[0] == tar_file[0]
    assert zip_file[1].replace("r.zip", "r.tar") == tar_file[1]
    return tar_file


@met(f"{CONTAINERS}.max_unpacked")
def _(t: Tried) -> Told:
    t.lower(1)
    member = gzip.compress(RESPONSE + b" " * (MB // 2))
    return t.check("r.tar", tar(("a.json.gz", member), ("b.json.gz", member)))


@met("reporter.sources.read.MAX_NOTES")
def _(t: Tried) -> Told:
    t.lower(1)
    note = json.dumps({"sha256": sha256(RESPONSE).hexdigest(), "more": "x" * 900_000}).encode()
    assert t.check("ok.tar", tar(("r.json", RESPONSE), ("r.json.meta.json", note)))[0] == 0
    notes = [(f"{name}.json.meta.json", note) for name in "ab"]
    return t.check("r.tar", tar(("r.json", RESPONSE), *notes))


@met("reporter.sources.streams.TAR_HEADER")
def _(t: Tried) -> Told:
    t.lower(1)
    return t.check("r.tar", tar(("r.json", RESPONSE), comment="x" * 2 * MB))


@met("reporter.sources.containers.ZSTD_WINDOW")
def _(t: Tried) -> Told:
    window: dict[int, int] = {zstd.CompressionParameter.window_log: 28}
    packer = zstd.ZstdCompressor(options=window)
    packed = packer.compress(RESPONSE) + packer.compress(b" " * MB) + packer.flush()
    return t.check("r.json.zst", packed)


def nested(depth: int) -> bytes:
    task = json.loads(RESPONSE)
    task["status"]["new"] = {}
    text = json.dumps(task).replace('"new": {}', '"new": ' + "[" * depth + "1" + "]" * depth)
    return text.encode()


@met("reporter.sources.documents.MAX_DEPTH")
def _(t: Tried) -> Told:
    within, beyond = nested(t.row.number - 2), nested(t.row.number - 1)
    assert t.check("ok.json", within)[0] in (0, 3)
    return t.check("r.json", beyond)


@met("reporter.sources.documents.MAX_CONTAINERS")
def _(t: Tried) -> Told:
    count = RESPONSE.count(b"{") + RESPONSE.count(b"[")
    t.lower(count)
    assert t.check("ok.json", RESPONSE)[0] == 0
    t.lower(count - 1)
    return t.check("r.json", RESPONSE)


@met("reporter.sources.documents.MAX_VALUES")
def _(t: Tried) -> Told:
    t.lower(100, "reporter.sources.documents.MAX_CONTAINERS")
    within = b'{"a":[' + b"1," * 199 + b"1]}"
    t.lower(200)
    assert "values are more" not in t.check("ok.json", within)[1]
    t.lower(100)
    return t.check("r.json", within)


@met("reporter.sources.streams.LONGEST_NUMBER")
def _(t: Tried) -> Told:
    assert t.check("ok.tar", tar(("r.json", RESPONSE), comment="1" * 99))[0] == 0
    return t.check("r.tar", tar(("r.json", RESPONSE), comment="1" * 200))


@met("reporter.precheck.model.MAX_TEXT")
def _(t: Tried) -> Told:
    task = json.loads(RESPONSE)
    task["spec"] = {"targetVersion": "v" * MAX_TEXT}
    assert t.check("ok.json", json.dumps(task).encode())[0] == 0
    task["spec"]["targetVersion"] += "1"
    return t.check("r.json", json.dumps(task).encode())


@met("reporter.precheck.unknown_fields.MOST_NAMES")
def _(t: Tried) -> Told:
    t.lower(3)
    task, names = json.loads(RESPONSE), dict.fromkeys("abc", 1)
    assert t.check("ok.json", json.dumps(task | {"a": [names, names]}).encode())[0] == 0
    held = [task | names | {"d": 1}, task | {"a": [names, {"d": 1}]}]
    listed = {"kind": "List", "items": [task]}
    held += [listed | names, listed | {"a": names}, listed | {"metadata": names | {"d": 1}}]
    told = [t.check("r.json", json.dumps(body).encode()) for body in held]
    assert {code for code, _ in told} == {4}
    assert len({said.partition("more than")[2] for _, said in told}) == 1
    return told[0]


@met("reporter.sources.tasks.MAX_ITEMS")
def _(t: Tried) -> Told:
    t.lower(1)
    return t.check("r.json", RESPONSE)


@met("reporter.sources.tasks.MAX_ITEMS_IN_LIST")
def _(t: Tried) -> Told:
    t.lower(1)
    return t.check("r.json", RESPONSE)


def held(names: int, skipped: int = 0) -> bytes:
    """A response with checks of so many names in its cluster section, and as many on each node."""
    task = json.loads(RESPONSE)
    (item, *_) = task["status"]["clusterCheckStatus"]["itemsStatus"]
    items = [{**item, "name": f"Sample{number}"} for number in range(names)]
    stages = [{"nodeInfo": {"uid": f"u{node}"}, "itemsStatus": items} for node in range(3)]
    for section in task["status"].values():
        if isinstance(section, dict):
            section["itemsStatus"] = []
    task["status"]["clusterCheckStatus"]["itemsStatus"] = items
    task["status"]["nodeCheckStatus"]["nodeStageStatus"] = stages
    task["spec"]["skippedCheckItemList"] = [{"name": "SampleA"}] * skipped
    return json.dumps(task).encode()


@met("reporter.sources.tasks.MAX_CHECKS")
def _(t: Tried) -> Told:
    t.lower(10)
    assert t.check("ok.json", held(5))[0] in (0, 3)
    return t.check("r.json", held(6))


@met("reporter.sources.tasks.MAX_SKIPPED")
def _(t: Tried) -> Told:
    t.lower(3)
    assert t.check("ok.json", held(1, skipped=3))[0] in (1, 3)
    return t.check("r.json", held(1, skipped=4))


@met("reporter.sources.printouts.MAX_LOG")
def _(t: Tried) -> Told:
    t.lower(1)
    assert t.check("ok.log", b"a line\n" + RESPONSE)[0] == 0
    return t.check("r.log", b"a line\n" * 200_000 + RESPONSE)


@met("reporter.sources.printouts.MAX_AROUND")
def _(t: Tried) -> Told:
    t.lower(1)
    assert t.check("ok.log", b"a line\n" * 100_000 + RESPONSE)[0] == 0
    return t.check("r.log", b"a line\n" * 200_000 + RESPONSE)


@met("reporter.sources.java.MAX_LOOKALIKES")
def _(t: Tried) -> Told:
    kept = ROOT / "tests" / "data" / "printouts"
    printed = (kept / "show.java.txt").read_text(encoding="utf-8")  # with a text of two lines
    t.lower(0)
    return t.check("r.txt", printed.encode())


@met("reporter.audit.compare.MOST_COMPARED")
def _(t: Tried) -> Told:
    task = json.loads(RESPONSE)
    entry = {"key": "node.uid", "operator": "In", "values": ["a", "b", "c"]}
    task["spec"] = {"skippedCheckItemList": [{"name": "X", "resourceSelector": entry}] * 2}
    wide = t.file("wide.json", json.dumps(task))
    t.lower(5)
    assert t.says("diff", str(PUBLISHED), str(PUBLISHED), "--at", "response", "-q")[0] == 0
    return t.says("diff", str(PUBLISHED), wide, "--at", "response", "-q")


@met("reporter.audit.judging.MOST_IN_A_FILE")
def _(t: Tried) -> Told:
    t.lower(2)
    line = json.dumps(json.loads(RESPONSE)).encode()
    t.file("in/r.json", b"\n".join([line] * 3))
    audit = Audit(t.folder / "in", t.folder / "out")
    audit.run()
    (unreadable,) = audit.facts.unreadable_inputs if audit.facts else ()
    return exit_code_of(InputError("")), unreadable.reason


def fetched(t: Tried, api: served.Api, *more: str) -> Told:
    t.patch.setenv("HUAWEICLOUD_SDK_AK", served.AK)
    t.patch.setenv("HUAWEICLOUD_SDK_SK", served.SK)
    t.patch.setenv("HOME", str(t.folder))
    return t.says("fetch", "--type", "autopilot", "--cluster", served.CLUSTER, "--region",
                  "eu-west-101", "--endpoint", api.url, "--project-id", served.PROJECT,
                  "--task", served.UID, "-o", str(t.folder / "r.json"), *more)  # fmt: skip


@met("reporter.live.transport.MAX_BYTES")
def _(t: Tried) -> Told:
    import warnings

    t.lower(1)
    t.patch.setattr(wait, "ATTEMPTS", 1)
    t.patch.setattr("reporter.live.client.MAX_BYTES", MB)
    with served.serving() as api, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the SDK
        api.replies = [served.ok(json.dumps(served.task()).encode() + b" " * MB)]
        return fetched(t, api)


@met("reporter.live.credentials.MAX_TOKEN")
def _(t: Tried) -> Told:
    import warnings

    t.lower(100)
    with served.serving() as api, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the SDK
        return fetched(t, api, "--token-file", t.file("token", "x" * 101))


# Policies, waiver lists and other YAML

POLICY = """\
apiVersion: precheck.policy/v1
kind: Policy
metadata: {name: test}
"""
RULE = """\
rules:
  - id: a
    effect: fail
    match: {check: "*", %s}
"""


@met("reporter.yamlfile.MAX_BYTES")
def _(t: Tried) -> Told:
    t.lower(1)
    return t.policy(POLICY + "#" * MB)


@met("reporter.yamlfile.MAX_DEPTH")
def _(t: Tried) -> Told:
    # The message is made when the module is read: the number stays.
    return t.policy(POLICY + "rules: " + "[" * t.row.number + "]" * t.row.number)


@met("reporter.yamlfile.MAX_ALIASES")
def _(t: Tried) -> Told:
    t.lower(3)
    return t.policy(POLICY + "description: &a x\nrules: [*a, *a, *a, *a]\n")


@met("reporter.yamlfile.MAX_NODES")
def _(t: Tried) -> Told:
    t.lower(50)
    assert "values" not in t.policy(POLICY)[1]
    bombs = t.policy(POLICY + "a: &a [x, x, x, x, x]\nb: &b [*a, *a, *a]\nc: [*b, *b, *b, *b]\n")
    assert bombs[0] == 2
    assert "its aliases expand to too many values, or too deep" in bombs[1]
    return t.policy(POLICY + "rules: [" + "x, " * 60 + "]")


@met("reporter.yamlfile.LONGEST_NUMBER")
def _(t: Tried) -> Told:
    assert "a number" not in t.policy(POLICY + "rules: " + "1" * t.row.number)[1].split("write")[0]
    return t.policy(POLICY + "rules: " + "1" * (t.row.number + 1))


@met("reporter.policy.load.MAX_LAYERS")
def _(t: Tried) -> Told:
    t.lower(2)
    for number in range(4):
        t.file(f"p{number}.yaml", POLICY + f"extends: p{number + 1}.yaml\n")
    return t.says("check", str(PUBLISHED), "-p", str(t.folder / "p0.yaml"), "-q")


@met("reporter.policy.load.MAX_REGEX")
def _(t: Tried) -> Told:
    t.lower(100)
    assert "regular" not in t.policy(POLICY + RULE % 'message: {regex: "a{50}"}')[1]
    where = RULE % 'where: [{path: "$.name", matches: "a{200}"}]'
    assert "more than 100 steps" in t.policy(POLICY + where)[1]
    return t.policy(POLICY + RULE % 'message: {regex: "a{200}"}')


def path(text: str) -> str:
    return POLICY + RULE % f'where: [{{path: "{text}", exists: true}}]'


@met("reporter.policy.jsonpath.MAX_LENGTH")
def _(t: Tried) -> Told:
    t.lower(20)
    return t.policy(path("$." + "a" * 40))


@met("reporter.policy.jsonpath.MAX_STEPS")
def _(t: Tried) -> Told:
    t.lower(4)
    assert "steps" not in t.policy(path("$.b[0].c[*]"))[1]
    return t.policy(path("$.b[0].c[*].d"))


@met("reporter.policy.jsonpath.MAX_DESCENTS")
def _(t: Tried) -> Told:
    assert ".. in a path" not in t.policy(path("$..b[*].c"))[1]
    assert ".. in a path" in t.policy(path("$..b[?(@..c == 1)]"))[1]
    return t.policy(path("$..b..c"))


@met("reporter.catalogue.read.LONGEST_NAME")
def _(t: Tried) -> Told:
    t.lower(50)
    head = "apiVersion: precheck.catalogue/v1\nkind: Catalogue\n"
    names = f"{head}items:\n  {'x' * 60}: {{title: A}}\n"
    return t.check("r.json", RESPONSE, "--catalogue", t.file("names.yaml", names))


@met("reporter.audit.summary.MOST_OF_UPGRADES")
def _(t: Tried) -> Told:
    t.lower(1)
    fill(t.folder / "in", 1)
    file = t.file("upgrades.csv", "cluster,time\n" + "\n" * MB)
    return t.says("audit", str(t.folder / "in"), "--out", str(t.folder / "out"), "--upgrades", file)


@met("reporter.cli.audit.MAX_JOBS")
def _(t: Tried) -> Told:
    # The range is made when the module is read: the number stays.
    fill(t.folder / "in", 1)
    beyond = str(t.row.number + 1)
    return t.says("audit", str(t.folder / "in"), "--out", str(t.folder / "out"), "--jobs", beyond)


@met("reporter.cli.common.MAX_MEGABYTES")
def _(t: Tried) -> Told:
    # The range is made when the module is read: the number stays.
    beyond = str(t.row.number + 1)
    for command in (["check", str(PUBLISHED)], ["diff", str(PUBLISHED), str(PUBLISHED)]):
        assert t.says(*command, "-q", "--max-size", str(t.row.number))[0] in (0, 1, 3)
        told = t.says(*command, "--max-size", beyond)
        assert told[0] == 2
    return told


@met("reporter.cli.bundle.MAX_KEY")
def _(t: Tried) -> Told:
    t.lower(100)
    key = t.file("key.pem", "x" * 101)
    return t.says("bundle", str(PUBLISHED), "-o", str(t.folder / "c.zip"), "--key", key, "-q")


@met("reporter.casefile.redact.LONGEST_KEY")
def _(t: Tried) -> Told:
    t.lower(100)
    key = t.file("key", "x" * 101)
    return t.check("r.json", RESPONSE, "--redact", "all", "--redact-key", key)


# Templates of your own

ENDLESS = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}</body>"
LARGE = "{{ ('a' * 10 ** 9) * 9 }}</body>"
SANDBOX = "reporter.output.confined"


@met("reporter.output.templating.MOST_OF_A_FILE")
def _(t: Tried) -> Told:
    t.patch.setattr(confined, "call", lambda function, *of, limits: function(*of))
    t.lower(1_000)
    return t.templated("x" * 1_001)


@met("reporter.cli.templates.MOST_OF_A_LOGO")
def _(t: Tried) -> Told:
    t.patch.setattr("reporter.cli.brand.MOST_OF_A_LOGO", t.lower(1) * 1000)
    t.file("own/logo.svg", "x" * 1_001)
    t.file("own/brand.yaml", "apiVersion: precheck.brand/v1\nkind: Brand\norganisation: A\n"
                             "logo: logo.svg\n")  # fmt: skip
    return t.templated("")


@met("reporter.output.templating.MOST_OF_A_PAGE")
def _(t: Tried) -> Told:
    t.patch.setattr(confined, "call", lambda function, *of, limits: function(*of))
    t.lower(1_000)
    return t.templated("{% for a in range(99) %}{{ 'a' * 99 }}{% endfor %}</body>")


@met(f"{SANDBOX}.PAGE.cpu", slow=True)
def _(t: Tried) -> Told:
    t.lower(1)
    return t.templated(ENDLESS)


@met(f"{SANDBOX}.PAGE.clock", slow=True)
def _(t: Tried) -> Told:
    t.lower(1)
    return t.templated(ENDLESS)


@met(f"{SANDBOX}.PAGE.memory", slow=True)
def _(t: Tried) -> Told:
    t.lower(400)
    return t.templated(LARGE)


@met(f"{SANDBOX}.DOCUMENT.cpu", slow=True)
def _(t: Tried) -> Told:
    t.lower(2)
    return t.templated(ENDLESS, "pdf")


@met(f"{SANDBOX}.DOCUMENT.clock", slow=True)
def _(t: Tried) -> Told:
    t.lower(3)
    return t.templated(ENDLESS, "pdf")


@met(f"{SANDBOX}.DOCUMENT.memory", slow=True)
def _(t: Tried) -> Told:
    t.lower(900)
    return t.templated(LARGE, "pdf")


# Records, case files and reports that are read again


@met("reporter.cli.render.MAX_RECORD_BYTES")
def _(t: Tried) -> Told:
    t.lower(1)
    record = t.file("record.json", b"{" + b" " * MB)
    exhibit = t.says("render", str(PUBLISHED), "--exhibit", record)
    assert exhibit[0] == 4
    return t.says("render", record, "--html", str(t.folder / "r.html"))


@met("reporter.record.bounds.MAX_CONTAINERS")
def _(t: Tried) -> Told:
    for module in ("reporter.cli.render", "reporter.casefile.verify"):
        importlib.import_module(module)
    number = t.lower(50)
    t.patch.setattr("reporter.casefile.verify.MAX_CONTAINERS", number)
    t.patch.setattr("reporter.record.packed.MAX_CONTAINERS", number)
    packed = b'{"format":"precheck.packed-verdict/v1","a":[' + b"0," * 50 + b"0]}"
    code, said = t.says("render", t.file("packed", packed), "--html", str(t.folder / "r.html"))
    assert code == 4
    assert "the packed record stands for more than 50 values in one line" in said
    record = b'{"a": [' + b"[]," * 50 + b"[]]}"
    told = t.says("render", t.file("record.json", record), "--html", str(t.folder / "r.html"))
    assert t.row.with_number(number).search(told[1]), told
    return t.verified(b"<!doctype html>" + link(gzip.compress(record)).encode())


@met("reporter.record.bounds.MAX_FINDINGS")
def _(t: Tried) -> Told:
    from reporter.record.packed import pack
    from tests.output.example import example, many

    t.patch.setattr("reporter.record.packed.MAX_FINDINGS", t.lower(50))
    packed = pack(example(checks=[many(messages=False)]))
    told = t.says("render", t.file("packed", packed), "--html", str(t.folder / "r.html"))
    assert t.row.with_number(50).search(told[1]), told
    page = b"<!doctype html>" + link(gzip.compress(packed), "packed-record").encode()
    return t.verified(page)


@met("reporter.cli.verify.MAX_FILE")
def _(t: Tried) -> Told:
    t.lower(1)
    return t.verified(b"PK" + b" " * MB)


@met("reporter.casefile.contents.MAX_PAGE")
def _(t: Tried) -> Told:
    t.lower(1)
    return t.verified(b"<!doctype html>" + b" " * MB)


def link(data: bytes, role: str = "record", name: str = "record.json.gz") -> str:
    from base64 import b64encode

    href = f"data:application/gzip;base64,{b64encode(data).decode()}"
    return f'<a href="{href}" download="{name}" data-role="{role}" data-sha256="0">'


@met("reporter.casefile.contents.MAX_FILE")
def _(t: Tried) -> Told:
    t.lower(1)
    return t.verified(b"<!doctype html>" + link(gzip.compress(b" " * 2 * MB)).encode())


@met("reporter.casefile.contents.MAX_INSIDE")
def _(t: Tried) -> Told:
    t.lower(1)
    part = link(gzip.compress(b" " * (MB - 10)))
    return t.verified(b"<!doctype html>" + part.encode() * 2)


@met("reporter.casefile.contents.MAX_ATTACHMENTS")
def _(t: Tried) -> Told:
    t.lower(2)
    return t.verified(b"<!doctype html>" + link(gzip.compress(b"{}")).encode() * 3)


@met("reporter.casefile.contents.MAX_FONT")
def _(t: Tried) -> Told:
    t.lower(1)
    pdf = pikepdf.new()
    pdf.add_blank_page()
    font = pdf.make_stream(b" " * 2 * MB)
    pdf.Root.Held = pdf.make_indirect(
        pikepdf.Dictionary(Type=pikepdf.Name("/FontDescriptor"), FontFile2=font)
    )
    made = io.BytesIO()
    disabled = pikepdf.ObjectStreamMode.disable
    pdf.save(made, compress_streams=True, stream_decode_level=pikepdf.StreamDecodeLevel.none,
             recompress_flate=True, object_stream_mode=disabled)  # fmt: skip
    return raised(lambda: contents.fonts_of(made.getvalue()))


@met("reporter.casefile.archive.MAX_BYTES")
def _(t: Tried) -> Told:
    t.lower(1)
    return t.verified(zipped(("a", b" " * MB)))


@met("reporter.casefile.archive.MAX_MEMBERS")
def _(t: Tried) -> Told:
    t.lower(2)
    return t.verified(zipped(("a", b""), ("b", b""), ("c", b"")))


@met("reporter.casefile.attest.MAX_ENVELOPE")
def _(t: Tried) -> Told:
    t.lower(1)
    file = t.file("e", b" " * (MB + 1))
    return t.says("verify", str(PUBLISHED), "--attestation", file)


def test_every_limit_is_tried_and_nothing_else() -> None:
    assert {name.removesuffix(" pipe") for name in TRIES} == {row.path for row in REFUSED}
