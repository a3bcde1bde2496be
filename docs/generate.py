"""Writes docs/reference/*.md from the code: `make reference`. A test holds them to it.

Pages: every command with its options, every key of a policy, every field of the record.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path
from typing import Any

import click

from reporter.cli import app
from reporter.policy.schema import schema_text

HERE = Path(__file__).parent
RECORD = HERE.parent / "reporter" / "record" / "verdict.schema.json"

Json = dict[str, Any]

NOTE = "\n<!-- Written by docs/generate.py (make reference); changes here are lost. -->\n"


def pages() -> dict[str, str]:
    """Every generated page, by its path from `docs/`."""
    return {
        "reference/command-line.md": _page(_command_line()),
        "reference/policy.md": _page(_policy()),
        "reference/record.md": _page(_record()),
    }


def _page(rows: Iterator[str]) -> str:
    return "\n".join(rows).rstrip() + "\n" + NOTE


def _cell(text: object) -> str:
    return re.sub(r"\s+", " ", str(text)).replace("|", "\\|").replace("<", "&lt;").strip()


# The command line ---------------------------------------------------------------------------


def _command_line() -> Iterator[str]:
    yield "# Every command"
    yield ""
    yield "What `--help` says, in one place. What the codes mean: [exit codes](../exit-codes.md)."
    yield ""
    yield from _commands(app, click.Context(app, info_name="cce-precheck"))


def _commands(group: click.Group, context: click.Context) -> Iterator[str]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None:
            continue
        own = click.Context(command, info_name=name, parent=context)
        if isinstance(command, click.Group):
            yield from _commands(command, own)
        else:
            yield from _command(command, own)


def _command(command: click.Command, context: click.Context) -> Iterator[str]:
    usage = " ".join(command.collect_usage_pieces(context))
    yield f"## `{context.command_path}`"
    yield ""
    yield "```text"
    yield f"{context.command_path} {usage}"
    yield "```"
    yield ""
    for paragraph in _paragraphs(command.help or ""):
        yield paragraph
        yield ""
    rows = [
        record
        for parameter in command.params
        if isinstance(parameter, click.Option)
        and (record := parameter.get_help_record(context)) is not None
    ]
    if rows:
        yield "| option | |"
        yield "|---|---|"
        for left, right in rows:
            yield f"| `{_choices(left)}` | {_cell(right)} |"
        yield ""


def _choices(left: str) -> str:
    """An option with its value; a bar would end the table's cell in one reader or the other."""
    return re.sub(r"\s+", " ", left).replace("|", " or ").strip()


def _paragraphs(text: str) -> Iterator[str]:
    # Cleaned here too: from Python 3.13 on the compiler takes the indentation away already.
    for paragraph in re.split(r"\n\s*\n", cleandoc(text).replace("\b\n", "\b")):
        if paragraph.startswith("\b"):
            yield (
                "```text\n"
                + "\n".join(row.removeprefix("  ") for row in paragraph[1:].splitlines())
                + "\n```"
            )
        else:
            yield _cell(paragraph).replace("\\|", "|")


# JSON Schemas -------------------------------------------------------------------------------


def _policy() -> Iterator[str]:
    policy = json.loads(schema_text("Policy"))
    waivers = json.loads(schema_text("WaiverList"))
    known = {**waivers["$defs"], **policy["$defs"]}
    yield "# Every key of a policy"
    yield ""
    yield "`precheck.policy/v1`: files of `kind: Policy` and `kind: WaiverList`, and what may stand"
    yield "in them. [Writing a policy](../policy.md) explains how it is meant; `cce-precheck policy"
    yield "schema` prints this for editors."
    yield ""
    first = [_target(policy), _target(waivers)]
    yield from _objects(known, first)


def _record() -> Iterator[str]:
    schema = json.loads(RECORD.read_text(encoding="utf-8"))
    version = schema["properties"]["apiVersion"]["const"]
    yield "# Every field of the record"
    yield ""
    yield f"`{version}`, as `check --json` writes it; the schema is in the package as"
    yield "`reporter/record/verdict.schema.json`. Which changes may come is said in"
    yield "[versions](../versions.md)."
    yield ""
    yield from _objects({"Verdict": schema, **schema["$defs"]}, ["Verdict"])


def _target(schema: Json) -> str:
    return str(schema["$ref"]).rpartition("/")[2]


def _objects(known: dict[str, Json], first: list[str]) -> Iterator[str]:
    """A table for each object, in the order in which they are met."""
    names = list(first)
    for name in names:
        names += [other for other in _mentioned(known[name]) if other not in names]
    for name in names:
        schema = known[name]
        yield f"## {name}"
        yield ""
        if described := schema.get("description"):
            yield _cell(described)
            yield ""
        if "properties" not in schema:
            yield f"Type: {_type(schema)}"
            yield ""
            continue
        required = schema.get("required", [])
        yield "| key | type | |"
        yield "|---|---|---|"
        for key, value in schema["properties"].items():
            yield f"| `{key}` | {_type(value)} | {_meaning(value, key in required)} |"
        yield ""


def _mentioned(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key == "$ref":
                yield str(value).rpartition("/")[2]
            elif key != "$defs":
                yield from _mentioned(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _mentioned(value)


def _type(schema: Json) -> str:
    if "$ref" in schema:
        name = _target(schema)
        return f"[{name}](#{name.lower()})"
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if choices := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(dict.fromkeys(_type(choice) for choice in choices))
    kind = schema.get("type", "any")
    if kind == "array":
        return f"list of {_type(schema['items'])}" if schema.get("items") else "list"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"mapping to {_type(schema['additionalProperties'])}"
    if isinstance(kind, list):
        return " or ".join(kind)
    form = schema.get("format")
    return f"{kind} ({form})" if form else str(kind)


def _meaning(schema: Json, required: bool) -> str:
    said = _cell(schema.get("description", ""))
    marks = []
    if required:
        marks.append("**required**")
    default = schema.get("default")
    if (
        default not in (None, [], {}, "")
        and "const" not in schema
        and not isinstance(default, dict)
    ):
        marks.append(f"default `{json.dumps(default)}`")
    return "; ".join(part for part in (said, *marks) if part)


if __name__ == "__main__":
    for name, text in pages().items():
        (HERE / name).write_text(text, encoding="utf-8")
