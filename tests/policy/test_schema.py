"""The schema for editors: complete, described, and of one mind with the loader."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from reporter import yamlfile
from reporter.errors import PolicyError
from reporter.policy.load import Policy
from reporter.policy.schema import DESCRIPTIONS, schema, schema_text

ROOT = Path(__file__).parents[2]
SHIPPED = sorted([*ROOT.glob("policies/*.yaml"), *ROOT.glob("policies/waivers/*.yaml")])
HEAD = "apiVersion: precheck.policy/v1\nkind: Policy\nmetadata: {name: x}\n"
RULE = "rules:\n  - id: a\n    match: {check: X}\n    effect: fail\n"
WAIVER = "waivers:\n  - {id: w, check: X, reason: r, expires: 2026-01-01}\n"


def problems(text: str | bytes, made: dict[str, Any] | None = None) -> list[str]:
    data = text.encode() if isinstance(text, str) else text
    validator = jsonschema.Draft202012Validator(made or schema())
    return [error.message for error in validator.iter_errors(yamlfile.load(data, "x.yaml").data)]


@pytest.mark.parametrize("kind", [None, "Policy", "WaiverList"])
def test_it_is_a_schema(kind: Any) -> None:
    made = schema(kind)
    jsonschema.Draft202012Validator.check_schema(made)
    assert json.loads(schema_text(kind)) == made
    named = set(re.findall(r'"#/\$defs/(\w+)"', schema_text(kind)))
    assert named <= set(made["$defs"])
    assert '"null"' not in schema_text(kind)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_every_shipped_file_validates(path: Path) -> None:
    assert problems(path.read_bytes()) == []
    fits = [problems(path.read_bytes(), schema(kind)) == [] for kind in ("Policy", "WaiverList")]
    assert fits == ([False, True] if "waivers" in path.parts else [True, False])


def test_every_key_has_a_description_and_no_mapping_takes_others() -> None:
    for name, definition in schema()["$defs"].items():
        if "properties" not in definition:
            continue
        assert definition["additionalProperties"] is False, name
        for key, value in definition["properties"].items():
            assert value.get("description"), f"{name}.{key} has no description"


def test_no_description_is_left_over() -> None:
    from reporter.policy import model

    # Keys of the language that a model may not have yet.
    planned = {"extends", "overridable", "limit", "below", "where"}
    for name, keys in DESCRIPTIONS.items():
        cls = getattr(model, name, None)
        if cls is None:
            continue
        known = {info.alias or field for field, info in cls.model_fields.items()}
        assert set(keys) - planned <= known, name


REFUSED = [
    "- a\n",
    "kind: Policy\n",
    HEAD.replace("Policy", "Polcy"),
    HEAD.replace("policy/v1", "policy/v2"),
    HEAD.replace("{name: x}", "{}"),
    HEAD + "wibble: 1\n",
    HEAD + RULE.replace("match:", "mach:"),
    HEAD + RULE.replace("fail", "fial"),
    HEAD + RULE.replace("{check: X}", "{}"),
    HEAD + RULE.replace("{check: X}", "{check: []}"),
    HEAD + RULE.replace("{check: X}", "{check: ''}"),
    HEAD + RULE.replace("{check: X}", "{check: }"),
    HEAD + RULE.replace("{check: X}", "{node: {}}"),
    HEAD + RULE.replace("{check: X}", "{any: []}"),
    HEAD + RULE.replace("X", "1.30"),
    HEAD + RULE.replace("X", "true"),
    HEAD + RULE.replace("X", "{regexp: a}"),
    HEAD + RULE.replace("X", "{regex: a, equals: b}"),
    HEAD + RULE.replace("check: X", "scope: nodes"),
    HEAD + RULE.replace("check: X", "scope: [node, clster]"),
    HEAD + RULE.replace("check: X", "from_version: '~1'"),
    HEAD + RULE.replace("check: X", "kind: 1"),
    HEAD + RULE + "    effective_on: 2026-3-1\n",
    HEAD + RULE + "    waivable: yes\n",
    HEAD + "evidence: {finished: off}\n",
    HEAD + "evidence: {fresh: require}\n",
    HEAD + "evidence: {fresh: {}}\n",
    HEAD + "evidence: {fresh: {max_age: 1 day}}\n",
    HEAD + "evidence: {provider: require}\n",
    HEAD + "evidence: {complete: {min_nodes: -1}}\n",
    HEAD + "evidence: {complete: {sections: {addon: no}}}\n",
    HEAD + "defaults: {unmatched: pass}\n",
    HEAD + "applies_to: {}\n",
    HEAD + "max_waiver_days: 0\n",
    HEAD + "waiver_requires: [tickets]\n",
    HEAD + WAIVER.replace(", expires: 2026-01-01", ""),
    HEAD + WAIVER.replace(", reason: r", ""),
    HEAD + WAIVER.replace("2026-01-01", "01/02/2026"),
    HEAD + WAIVER.replace("2026-01-01", "2026-01-01T10:00:00"),
    HEAD.replace("Policy", "WaiverList") + RULE,
]


@pytest.mark.parametrize("text", REFUSED)
def test_what_the_loader_refuses_for_its_structure_the_schema_refuses(text: str) -> None:
    with pytest.raises(PolicyError):
        Policy.parse(text.encode())
    assert problems(text) != []


@pytest.mark.parametrize(
    "text",
    [
        HEAD,
        HEAD + RULE + WAIVER,
        HEAD + RULE.replace("X", "[A*, {regex: B.*}, {equals: [C, D]}]"),
        HEAD + RULE.replace("check: X", "scope: ['n*', addon, {equals: node}]"),
        HEAD + RULE.replace("check: X", "kind: Unheard, not: {any: [{level: L}]}"),
        HEAD + RULE.replace("check: X", "from_version: ['>=v1.23, <1.27.4-r2', '1.29']"),
        HEAD + RULE + "    effective_on: 2026-03-01T10:30:00.5+08:00\n",
        HEAD + "waivers_may_be_permanent: true\n" + WAIVER.replace(", expires: 2026-01-01", ""),
        HEAD + "evidence: {fresh: {max_age: 1h30m}, identity: off, finished: warn}\n",
        HEAD + "evidence: {fresh: off, complete: {sections: {addon: optional}, min_nodes: 3}}\n",
        HEAD + "evidence: {unexpired: {level: warn, validity: 1h}, provider: off}\n",
    ],
)
def test_what_the_loader_accepts_the_schema_accepts(text: str) -> None:
    Policy.parse(text.encode())
    assert problems(text) == []


# A real editor's language server -----------------------------------------------------------------


class Server:
    """yaml-language-server over stdio, as an editor talks to it."""

    def __init__(self, command: list[str]) -> None:
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.number = 0
        self.diagnostics: dict[str, list[dict[str, Any]]] = {}

    def send(self, message: dict[str, Any]) -> None:
        data = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(data), data))
        self.process.stdin.flush()

    def receive(self) -> dict[str, Any]:
        stream = self.process.stdout
        assert stream is not None
        length = 0
        while line := stream.readline().strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        assert length, "the server ended"
        message: dict[str, Any] = json.loads(stream.read(length))
        if message.get("method") == "textDocument/publishDiagnostics":
            found = message["params"]
            self.diagnostics[found["uri"]] = found["diagnostics"]
        elif "id" in message and "method" in message:
            asked = message.get("params", {}).get("items")
            settings = {"validate": True, "hover": True, "completion": True}
            answer = [settings for _ in asked] if asked else None
            self.send({"id": message["id"], "result": answer})
        return message

    def ask(self, method: str, **params: Any) -> Any:
        self.number += 1
        self.send({"id": self.number, "method": method, "params": params})
        while True:
            message = self.receive()
            if message.get("id") == self.number and "method" not in message:
                assert "error" not in message, message
                return message["result"]

    def open(self, uri: str, text: str) -> None:
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self.send({"method": "textDocument/didOpen", "params": {"textDocument": document}})

    def diagnosed(self, uri: str) -> list[str]:
        while uri not in self.diagnostics:
            self.receive()
        return [part["message"] for part in self.diagnostics[uri]]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server from the npm registry, started."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("npm is not here")
    folder = tmp_path_factory.mktemp("npm")
    install = subprocess.run(
        [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "yaml-language-server"],
        cwd=folder,
        capture_output=True,
        check=False,
        timeout=180,
    )
    program = folder / "node_modules" / ".bin" / "yaml-language-server"
    if install.returncode != 0 or not program.exists():
        pytest.skip("the npm registry can't be reached")
    server = Server([node, str(program), "--stdio"])
    server.ask(
        "initialize",
        processId=None,
        rootUri=folder.as_uri(),
        capabilities={
            "textDocument": {
                "completion": {"completionItem": {"documentationFormat": ["markdown"]}},
                "hover": {"contentFormat": ["markdown"]},
            },
            "workspace": {"configuration": True},
        },
    )
    server.send({"method": "initialized", "params": {}})
    yield server
    server.ask("shutdown")
    server.send({"method": "exit", "params": {}})
    server.process.wait(timeout=20)
    for stream in (server.process.stdin, server.process.stdout):
        assert stream is not None
        stream.close()


class Editor:
    """One document open in an editor; `|` in its text is the cursor."""

    def __init__(self, server: Server, folder: Path, name: str, text: str) -> None:
        (folder / "policy.schema.json").write_text(schema_text(), encoding="utf-8")
        modeline = "# yaml-language-server: $schema=policy.schema.json\n"
        before, _, after = (modeline + text).partition("|")
        self.server = server
        self.uri = (folder / name).as_uri()
        line = before.count("\n")
        character = len(before) - (before.rfind("\n") + 1)
        self.position = {"line": line, "character": character}
        server.open(self.uri, before + after)

    def completions(self) -> dict[str, str]:
        found = self.server.ask(
            "textDocument/completion", textDocument={"uri": self.uri}, position=self.position
        )
        return {item["label"]: str(item.get("documentation", "")) for item in found["items"]}

    def hover(self) -> str:
        found = self.server.ask(
            "textDocument/hover", textDocument={"uri": self.uri}, position=self.position
        )
        return str(found["contents"]["value"])


@pytest.mark.npm
def test_an_editor_completes_match_keys_with_their_descriptions(
    server: Server, tmp_path: Path
) -> None:
    text = HEAD + "rules:\n  - id: a\n    effect: fail\n    match:\n      |\n"
    found = Editor(server, tmp_path, "keys.yaml", text).completions()
    assert {"check", "kind", "level", "node", "not", "any", "target_version"} <= set(found)
    assert "Exception (has to be resolved)" in found["kind"]


@pytest.mark.npm
@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("|\n", {"apiVersion", "kind", "metadata", "rules", "waivers", "evidence"}),
        (HEAD + "|\n", {"rules", "waivers", "evidence", "defaults"}),
        (HEAD.replace("Policy", "WaiverList") + "|\n", {"waivers"}),
        ("kind: |\n", {"Policy", "WaiverList"}),
        (HEAD + "rules:\n  - |\n", {"id", "match", "effect", "title", "waivable"}),
        (HEAD + "rules:\n  - id: a\n    effect: |\n", {"fail", "warn", "note"}),
        (HEAD + "rules:\n  - id: a\n    match:\n      kind: |\n", {"Exception", "Risk"}),
        (HEAD + "rules:\n  - id: a\n    match:\n      scope: |\n", {"cluster", "addon", "node"}),
        (HEAD + "rules:\n  - id: a\n    match:\n      check: |\n", {"AddonLimit"}),
        (HEAD + "rules:\n  - id: a\n    match:\n      node:\n        |\n", {"uid", "name"}),
        (HEAD + "rules:\n  - id: a\n    match:\n      not:\n        |\n", {"check", "kind"}),
        (HEAD + "evidence:\n  |\n", {"fresh", "complete", "identity"}),
        (HEAD + "evidence:\n  complete: |\n", {"require", "warn", '"off"'}),
        (HEAD + "evidence:\n  complete:\n    |\n", {"sections", "min_nodes", "level"}),
        (HEAD + "waivers:\n  - |\n", {"id", "check", "reason", "expires", "ticket"}),
    ],
)
def test_an_editor_completes_everywhere(
    server: Server, tmp_path: Path, text: str, wanted: set[str]
) -> None:
    found = Editor(server, tmp_path, "open.yaml", text).completions()
    assert wanted <= set(found), sorted(found)
    if "WaiverList\n" in text:
        assert "rules" not in found


@pytest.mark.npm
def test_an_editor_explains_a_key(server: Server, tmp_path: Path) -> None:
    text = HEAD + RULE.replace("match", "ma|tch")
    assert "all keys have to fit" in Editor(server, tmp_path, "hover.yaml", text).hover()
    text = HEAD + RULE.replace("check", "ch|eck")
    assert "Name of the check item" in Editor(server, tmp_path, "hover2.yaml", text).hover()


@pytest.mark.npm
def test_an_editor_marks_a_typo_and_nothing_else(server: Server, tmp_path: Path) -> None:
    typo = Editor(server, tmp_path, "typo.yaml", HEAD + RULE.replace("check:", "chek:"))
    (message,) = server.diagnosed(typo.uri)
    assert message == "Property chek is not allowed."
    for number, path in enumerate(SHIPPED):
        fine = Editor(server, tmp_path, f"fine-{number}.yaml", path.read_text().replace("|", "/"))
        assert server.diagnosed(fine.uri) == []
