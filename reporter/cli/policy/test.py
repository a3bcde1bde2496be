"""`cce-precheck policy test`: do the policies still say what their cases expect?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reporter.cli.common import (
    CliExit,
    Outputs,
    file_name,
    hinting,
    put,
    say,
    say_error,
    say_hint,
    target_of,
)
from reporter.cli.targets import Target, Writer, is_made_here
from reporter.errors import OutputError, PolicyError
from reporter.record.instants import second_of

if TYPE_CHECKING:
    from reporter.output.junit import Case as JUnitCase
    from reporter.policy.cases import CaseFile, CaseResult, Coverage
    from reporter.policy.cases import Difference as CaseDifference
    from reporter.precheck.response import Response
    from reporter.record.model import RuleUse

WIDTH = 80
CLASS = "precheck.policy-test"
SHOWN_REASONS = 5


class _Tester(Writer):
    reads_unnamed = True


@click.command("test", cls=_Tester)
@click.argument("files", type=file_name, metavar="[FILE]...", nargs=-1)
@click.option(
    "--junit",
    "junit_file",
    cls=Target,
    metavar="F",
    help="Write JUnit XML to F (- for stdout), a case each.",
)
@click.option("--fail-on-unfired", is_flag=True, help="Exit 1 also for rules that no case fires.")
@click.option("-v", "--verbose", is_flag=True, help="Name the cases that are as expected, too.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def command(
    files: tuple[str, ...],
    junit_file: str | None,
    fail_on_unfired: bool,
    verbose: bool,
    debug: bool,
) -> None:
    """Judge the cases of each FILE and compare the verdicts with what they expect.

    A folder stands for the YAML files in it. Without FILE: the cases of the shipped policies;
    builtin:NAME is those of one. Every case is judged at its own instant, which is also its clock.
    Exit 0: all as expected, 1: some differ, 2: a case, a policy or a waiver list is wrong.
    """
    del debug  # read by the entry point
    junit_file = None if junit_file is None else target_of(junit_file)
    _spare(junit_file, files)
    try:
        _test(files, junit_file, fail_on_unfired=fail_on_unfired, verbose=verbose)
    except (CliExit, OutputError, click.UsageError):
        raise
    except Exception as error:
        if junit_file is not None:
            _put_error(junit_file, [f"internal error: {type(error).__name__}", "nothing is known"])
        raise


def _test(
    files: Sequence[str], junit_file: str | None, *, fail_on_unfired: bool, verbose: bool
) -> None:
    from reporter.policy.cases import coverage, run_cases, shipped_case_files

    loaded = _load(files or tuple(shipped_case_files()), junit_file)
    page = _Page(to_stderr=junit_file == "-")
    judged = [(file, run_cases(file)) for file in loaded]
    results = [result for _, some in judged for result in some]
    for file, some in judged:
        _tell_file(page, file, some, verbose)
    found = coverage(results)
    _tell_coverage(page, found, fail_on_unfired)
    _tell_totals(page, results)
    fine = _write_junit(junit_file, judged, found if fail_on_unfired else None)
    if any(result.error is not None for result in results):
        raise CliExit(2)
    if not fine:
        raise CliExit(5)
    if not all(result.as_expected for result in results) or (fail_on_unfired and found.unfired):
        raise CliExit(1)


def _spare(junit_file: str | None, inputs: Iterable[str]) -> None:
    """Refuse to write over what is read. A report of before in a folder of cases is not."""
    named = [name for name in inputs if not _is_shipped(name)]
    if junit_file is not None and is_made_here(junit_file, "junit"):
        named = [name for name in named if not Path(name).is_dir()]
    Outputs.of_one("junit", junit_file, named)


def _is_shipped(name: str) -> bool:
    return name.startswith("builtin:")


def _load(names: Sequence[str], junit_file: str | None) -> list[CaseFile]:
    """Every file, or the mistakes of all of them."""
    from reporter.policy.cases import load_cases
    from reporter.sources.read import read

    responses: list[str] = []

    def noted(source: Path | bytes, **expected: Any) -> Response:
        if isinstance(source, Path):
            responses.append(str(source))
        return read(source, **expected)

    files, errors = [], []
    for name in dict.fromkeys(part for given in names for part in _in_folder(given)):
        try:
            with hinting("mend it there and run again; docs/policy-tools.md says how", f"{name}:"):
                files.append(load_cases(name, noted))
        except PolicyError as error:
            errors.append(error)
    _spare(junit_file, [*responses, *(part.source for file in files for part in file.policy.files)])
    if not errors:
        return files
    for wrong in errors:
        say_error(wrong)
    if junit_file is not None:
        _put_error(junit_file, [problem for wrong in errors for problem in wrong.problems])
    raise CliExit(2)


def _in_folder(name: str) -> list[str]:
    """The case files of a folder by name; anything else, and a folder without any, is itself."""
    folder = Path(name)
    if _is_shipped(name) or not folder.is_dir():
        return [name]
    found = sorted(
        str(path)
        for path in folder.iterdir()
        if path.suffix in (".yaml", ".yml") and not path.name.startswith(".")
    )
    return found or [name]


def _put_error(target: str, lines: Sequence[str]) -> None:
    from reporter.output.junit import write_error

    _put(target, lambda: write_error(lines[0], "\n".join(lines[1:]) or None))


class _Page:
    """Lines of at most 80 columns, hanging below their first word."""

    def __init__(self, *, to_stderr: bool) -> None:
        self.err = to_stderr

    def add(self, first: str, text: str) -> None:
        from reporter.output.clean import console_safe, one_line
        from reporter.output.text import columns, wrap

        rows = wrap(one_line(text), WIDTH - columns(first)) or [""]
        for index, row in enumerate(rows):
            lead = first if index == 0 else " " * columns(first)
            click.echo(console_safe(lead + row).rstrip(), err=self.err)

    def blank(self) -> None:
        click.echo(err=self.err)


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _tell_file(page: _Page, file: CaseFile, results: Sequence[CaseResult], verbose: bool) -> None:
    fine = sum(result.as_expected for result in results)
    sign = "✓" if fine == len(results) else "✕"
    total = _counted(len(results), "case")
    said = total if fine == len(results) else f"{fine:,} of {total}"
    page.add(f"{sign} ", f"{file.source}: {said} as expected ({file.name})")
    for result in results:
        if result.as_expected:
            if verbose:
                page.add("  ✓ ", result.case.name)
            continue
        page.add("  ✕ ", f"{result.case.name} ({result.case.source}:{result.case.line})")
        if result.error is not None:
            page.add("      ", f"can't be judged: {result.error}")
        for difference in result.differences:
            _tell_difference(page, difference)


def _tell_difference(page: _Page, difference: CaseDifference) -> None:
    page.add("      ", difference.what)
    page.add("        - expected  ", difference.expected)
    page.add("        + found     ", difference.found)
    for reason in difference.because[:SHOWN_REASONS]:
        page.add("          because   ", reason)
    if len(difference.because) > SHOWN_REASONS:
        more = len(difference.because) - SHOWN_REASONS
        page.add("          because   ", f"and {_counted(more, 'more reason')}")


def _tell_coverage(page: _Page, found: Coverage, strict: bool) -> None:
    if found.unfired:
        page.blank()
        page.add("✕ " if strict else "! ", "Rules that no case fires")
        _tell_rules(page, found.unfired)
    if found.always:
        page.blank()
        page.add("! ", "Rules that fire in every case: none shows that they can stay silent")
        _tell_rules(page, found.always)


def _tell_rules(page: _Page, rules: Sequence[RuleUse]) -> None:
    for use in rules:
        title = f": {use.title}" if use.title else ""
        page.add("  - ", f"{use.id} ({use.source}:{use.line}){title}")


def _tell_totals(page: _Page, results: Sequence[CaseResult]) -> None:
    fine = sum(result.as_expected for result in results)
    wrong = sum(result.error is not None for result in results)
    differ = len(results) - fine - wrong
    said = [f"{fine:,} as expected"]
    if differ:
        said.append(f"{differ:,} {'differs' if differ == 1 else 'differ'}")
    if wrong:
        said.append(f"{wrong:,} can't be judged")
    page.blank()
    page.add("", f"{_counted(len(results), 'case')}: {', '.join(said)}")


# JUnit ------------------------------------------------------------------------------------------


def _write_junit(
    target: str | None,
    judged: Sequence[tuple[CaseFile, Sequence[CaseResult]]],
    found: Coverage | None,
) -> bool:
    return target is None or _put(target, lambda: _junit(judged, found))


def _put(target: str, make: Callable[[], bytes]) -> bool:
    from reporter.output.files import remove_stale

    try:
        put(target, make())
    except OutputError as error:
        say(f"--junit: {error.message}")
        if error.hint:
            say_hint(error.hint)
        if target != "-":
            remove_stale(Path(target))
        return False
    return True


def _junit(
    judged: Sequence[tuple[CaseFile, Sequence[CaseResult]]], found: Coverage | None
) -> bytes:
    """A suite per file, a case per case; its time is the latest instant it judged for."""
    from xml.etree import ElementTree

    from reporter.output.clean import one_line
    from reporter.output.junit import distinct, suite, to_bytes

    root = ElementTree.Element("testsuites")
    for file, results in judged:
        moments = [result.verdict.instant.at for result in results if result.verdict is not None]
        suite(
            root,
            distinct([_junit_case(file, result) for result in results]),
            name=one_line(file.source),
            package=f"{CLASS}.{_key(file.name)}",
            timestamp=second_of(max(moments)) if moments else "1970-01-01T00:00:00",
            properties=[
                (f"{part.kind.lower()}-sha256-{number}", part.digest)
                for number, part in enumerate(file.policy.files, 1)
            ],
            out=[],
        )
    if found is not None:
        suite(
            root,
            [_coverage_case(found)],
            name="coverage",
            package=CLASS,
            timestamp="1970-01-01T00:00:00",
            properties=[],
            out=[],
        )
    return to_bytes(root)


def _junit_case(file: CaseFile, result: CaseResult) -> JUnitCase:
    from reporter.output.clean import clean
    from reporter.output.junit import Case

    classname = f"{CLASS}.{_key(file.name)}"
    name = result.case.name
    place = f"{result.case.source}:{result.case.line}"
    if result.error is not None:
        return Case(classname, name, "error", result.error, clean(f"{result.error}\n{place}"))
    if not result.differences:
        return Case(classname, name)
    lines = []
    for part in result.differences:
        lines.append(f"{part.what}: expected {part.expected}, found {part.found}")
        lines += [f"  because {reason}" for reason in part.because]
    first = result.differences[0]
    more = len(result.differences) - 1
    message = f"{first.what}: expected {first.expected}, found {first.found}"
    message += f" (and {more} more)" if more else ""
    return Case(classname, name, "failure", message, clean("\n".join([*lines, place])))


def _coverage_case(found: Coverage) -> JUnitCase:
    from reporter.output.junit import Case

    name = "every rule is fired by a case"
    if not found.unfired:
        return Case(CLASS, name)
    lines = [f"{use.id} ({use.source}:{use.line})" for use in found.unfired]
    said = f"{_counted(len(lines), 'rule')} no case fires"
    return Case(CLASS, name, "failure", f"{said}: {lines[0]}", "\n".join(lines))


def _key(name: str) -> str:
    from reporter.output.clean import one_line

    return "_".join(one_line(name).replace(".", " ").split()) or "cases"
