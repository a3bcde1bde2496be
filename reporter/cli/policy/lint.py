"""`cce-precheck policy lint`: mistakes in policies and waiver lists, before a run meets them."""

from __future__ import annotations

import json
import os
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import click

from reporter.cli.common import CliExit

if TYPE_CHECKING:
    from reporter.policy.lint import Problem, Report

JSON_VERSION = "precheck.policy-lint/v1"
_PLURALS: Final = {"error": "errors", "warning": "warnings", "note": "notes"}
_WIDTH = 100
"""Of a source line no more than this is shown."""


@click.command("lint")
@click.argument("files", nargs=-1, required=True, metavar="FILE|builtin:NAME…")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "sarif", "github"]),
    default="text",
    help="text (default); json; sarif for code scanning; github: annotations of a workflow.",
)
@click.option("--strict", is_flag=True, help="Warnings and notes are errors too.")
@click.option(
    "--at", default="now", metavar="now|TIME", help="The instant waivers are looked at for."
)
@click.option(
    "--expiring-within",
    default="14d",
    metavar="DURATION",
    help="Note waivers that expire within this time (default: 14d).",
)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def command(
    files: tuple[str, ...], form: str, strict: bool, at: str, expiring_within: str, debug: bool
) -> None:
    """Look for mistakes in policies and waiver lists.

    Everything a run would refuse is an error. What loads is looked at for rules and waivers that
    can't do what they seem to do. Exit code 0: no errors; 2: errors.

    With one policy among the files, the waiver lists are looked at as used with it.
    """
    del debug  # read by the entry point
    from reporter.policy.lint import Report, lint

    instant, soon = _instant(at), _duration(expiring_within)
    report = lint(files, at=instant, expiring_within=soon)
    if strict:
        report = Report(
            report.files,
            tuple(replace(problem, severity="error") for problem in report.problems),
            report.lines,
        )
    if form == "json":
        click.echo(json.dumps(as_json(report, instant), indent=2, ensure_ascii=False))
    elif form == "sarif":
        click.echo(json.dumps(as_sarif(report), indent=2, ensure_ascii=False))
    else:
        rows = _github(report) if form == "github" else _text(report)
        for row in [*rows, *_summary(report)]:
            click.echo(row)
    if any(problem.severity == "error" for problem in report.problems):
        raise CliExit(2)


def _instant(text: str) -> datetime:
    from reporter.record.dates import parse_instant

    if text == "now":
        return datetime.now(UTC)
    try:
        return parse_instant(text)
    except ValueError as error:
        raise click.UsageError(f"--at: {error}") from None


def _duration(text: str) -> timedelta:
    from reporter.record.dates import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise click.UsageError(f"--expiring-within: {error}") from None


# Text --------------------------------------------------------------------------------------------


def _text(report: Report) -> list[str]:
    from reporter.output.clean import console_safe, one_line

    rows = []
    for problem in report.problems:
        place = f"{problem.file}:{problem.line}:{problem.column}"
        said = f"{place}: {problem.severity}: {problem.message} [{problem.code}]"
        rows.append(console_safe(one_line(said)))
        if (line := report.source_line(problem)) is not None and line.strip():
            rows += [console_safe(row) for row in _excerpt(problem.line, problem.column, line)]
        if problem.hint:
            rows.append(f"  → {one_line(problem.hint)}")
    return rows


def _excerpt(number: int, column: int, line: str) -> list[str]:
    """The line of the file, and a caret below the place."""
    from reporter.output.clean import clean

    # A long line is shown around the place.
    start = max(0, column - 1 - _WIDTH // 2) if len(line) > _WIDTH else 0
    before = _flat(clean(line[start : column - 1]))
    shown = before + _flat(clean(line[column - 1 : start + _WIDTH]))
    gutter = f"{number:>5} | "
    caret = " " * (len(gutter) - 2) + "| " + " " * _cells(before) + "^"
    return [(gutter + shown).rstrip(), caret]


def _flat(text: str) -> str:
    return text.replace("\t", " ").replace("\n", " ")


def _cells(text: str) -> int:
    """How wide a terminal shows it: Chinese characters take two cells, marks none."""
    return sum(
        0 if unicodedata.combining(sign) else 2 if unicodedata.east_asian_width(sign) in "WF" else 1
        for sign in text
    )


def _summary(report: Report) -> list[str]:
    """A line for every file; with several, one for all of them."""
    from reporter.output.clean import console_safe, one_line

    names = list(dict.fromkeys([*report.files, *(problem.file for problem in report.problems)]))
    rows = []
    for name in names:
        counted = _counted([problem for problem in report.problems if problem.file == name])
        rows.append(console_safe(one_line(f"{counted} in {name}" if counted else f"{name}: fine")))
    if len(names) > 1:
        counted = _counted(report.problems)
        rows.append(f"{counted} in {len(names)} files" if counted else f"{len(names)} files: fine")
    return rows


def _counted(problems: Sequence[Problem]) -> str:
    counts = Counter(problem.severity for problem in problems)
    return ", ".join(
        f"{number} {severity if number == 1 else plural}"
        for severity, plural in _PLURALS.items()
        if (number := counts[severity])  # type: ignore[index]
    )


# GitHub ------------------------------------------------------------------------------------------


def _github(report: Report) -> list[str]:
    from reporter.output.clean import one_line

    rows = []
    for problem in report.problems:
        level = "notice" if problem.severity == "note" else problem.severity
        properties = {
            "file": problem.file,
            "line": str(problem.line),
            "col": str(problem.column),
            "title": f"policy lint: {problem.code}",
        }
        listed = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
        parts = [problem.message, *([problem.hint] if problem.hint else [])]
        shown = "\n".join(map(one_line, parts))
        rows.append(f"::{level} {listed}::{_data(shown)}")
    return rows


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    from reporter.output.clean import one_line

    return _data(one_line(text)).replace(":", "%3A").replace(",", "%2C")


# JSON and SARIF ----------------------------------------------------------------------------------


def as_json(report: Report, instant: datetime) -> dict[str, Any]:
    """The report as a versioned object."""
    from reporter.output.clean import clean
    from reporter.record.instants import exactly_of

    problems = [asdict(problem) for problem in report.problems]
    for problem in problems:
        for key in ("file", "message", "hint"):
            problem[key] = clean(problem[key]) if problem[key] is not None else None
    return {
        "apiVersion": JSON_VERSION,
        "at": exactly_of(instant),
        "files": [
            {"file": clean(name)}
            | {
                plural: sum(
                    problem.file == name and problem.severity == severity
                    for problem in report.problems
                )
                for severity, plural in _PLURALS.items()
            }
            for name in report.files
        ],
        "problems": problems,
    }


def as_sarif(report: Report) -> dict[str, Any]:
    """The report as SARIF 2.1.0, as code scanning takes it: every result has a place in a file."""
    from reporter import __version__
    from reporter.output.clean import clean
    from reporter.policy.lint import CODES

    order = {code: index for index, code in enumerate(CODES)}
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "cce-precheck policy lint",
                        "version": __version__,
                        "rules": [
                            {
                                "id": code,
                                "shortDescription": {"text": meaning},
                                "fullDescription": {"text": meaning},
                                "help": {"text": f"{meaning} See docs/policy-lint.md."},
                                "defaultConfiguration": {"level": severity},
                            }
                            for code, (severity, meaning) in CODES.items()
                        ],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": [
                    {
                        "ruleId": problem.code,
                        "ruleIndex": order[problem.code],
                        "level": problem.severity,
                        "message": {
                            "text": clean(
                                problem.message + (f"\n{problem.hint}" if problem.hint else "")
                            )
                        },
                        "locations": [
                            {
                                "physicalLocation": {
                                    "artifactLocation": {"uri": _uri(problem.file)},
                                    "region": {
                                        "startLine": problem.line,
                                        "startColumn": problem.column,
                                    },
                                }
                            }
                        ],
                    }
                    for problem in report.problems
                ],
            }
        ],
    }


def _uri(name: str) -> str:
    if name.startswith("builtin:"):
        return "builtin:" + quote(name.removeprefix("builtin:"), safe="")
    path = Path(name)
    return path.as_uri() if path.is_absolute() else quote(os.fsencode(path.as_posix()))
