"""What a command writes, found on a command line that may be wrong, and what is left there.

A stale green report is worse than none. A command that has read its options sees to it itself; for
one that never came so far, or was interrupted, the entry point does, by what is written here.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click

from reporter.cli.lazy import LazyGroup

_LOOKED_AT = 65_536
_RECORD = b'"precheck.verdict/'
_PACKED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ", b"PK")
_READ_BY_NONE = ("html", "pdf", "junit")
"""Reports that no command takes as what it is to read in the place of one."""
_KEY = re.compile(rb"-----BEGIN |[0-9A-Za-z+/=_-]{32,200}\s*\Z")
_POLICY = re.compile(rb'\{\s*"apiVersion"\s*:\s*"precheck\.(?:policy|catalogue)')
_MADE_HERE = {
    "html": re.compile(
        rb'(?s)<!doctype html>.{0,4096}<meta name="generator" content="cce-precheck '
    ),
    "junit": re.compile(
        rb'<\?xml[^>]*>\s*<testsuites>\s*<testsuite name="[^"]*" package="precheck\.'
    ),
    "json": re.compile(rb'\{\s*"(apiVersion|format)": "precheck\.(?!policy/|catalogue)'),
    "sarif": re.compile(
        rb'\{\s*"\$schema": "[^"]*",\s*"version": "[^"]*",\s*"runs": \[\s*\{\s*"tool": \{'
        rb'\s*"driver": \{\s*"name": "cce-precheck"'
    ),
    "csv": re.compile(rb"\xef\xbb\xbfrow,outcome,count,check,"),
    "markdown": re.compile(rb"(?s)## \S{1,3} .*\ncce-precheck \S+ \xc2\xb7 "),
    "skip-list": re.compile(
        rb'\{\n  "skippedCheckItemList": \[|# For huaweicloud_.*\n# .* made by cce-precheck\.'
    ),
}
"""How a report starts that lies among what is read, and is no part of it: no response, and nothing
that anybody may have put beside one. A case file is none of these: it holds evidence."""
_CASE_FILE = re.compile(rb"(?s)PK\x03\x04.{26}README\.txtCASE FILE OF A PRE-UPGRADE CHECK")
_SEARCHED = 1 << 24
"""How much of a file is searched for a response; what is larger and not ours may hold one."""
_TAIL = 600
"""How much of a file's end is looked at, in bytes: Markdown says there whose it is."""


class Target(click.Option):
    """An option that names a file to write: what is there goes."""


class TakenError(click.UsageError):
    """A target is what the command reads, and stays as it is."""

    def __init__(self, message: str, target: str) -> None:
        super().__init__(message)
        self.target = target


@dataclass
class Given:
    """A command line as far as it can be read, whatever is wrong with it."""

    values: dict[str, list[str]] = field(default_factory=dict)
    """What options were given, by their parameter's name."""
    targets: list[tuple[str, str]] = field(default_factory=list)
    """What is to be written: the option's long name, and where."""
    loose: list[str] = field(default_factory=list)
    """All else: arguments, and what may be an unknown option's value."""
    arguments: int = 0
    """How many of these are arguments, by all appearances."""
    unsure: bool = False
    """Whether what belongs to what may be told in another way."""

    def take(self, option: click.Option, value: str) -> None:
        """Note an option's value."""
        if isinstance(option, Target):
            self.targets.append((option.opts[-1].lstrip("-"), value))
        else:
            self.values.setdefault(option.name or "", []).append(value)

    @property
    def others(self) -> list[str]:
        """Every word that names no target."""
        return [*self.loose, *(value for some in self.values.values() for value in some)]


class Writer(click.Command):
    """A command that leaves nothing of an earlier run where it ends before it could write."""

    reads_unnamed = False
    """Whether it reads files that only its inputs name."""

    def files_read(self, given: Given) -> Iterable[str]:
        """What a run reads beside the files on its command line."""
        from reporter.cli.judging import policy_files

        return policy_files(given.values.get("policies", []))

    def clear(self, arguments: Sequence[str], error: click.ClickException | None) -> None:
        """Remove what an earlier run left in the place of what is not written now.

        `error` is what is wrong with the command line, for JUnit; None where it was interrupted.
        Whatever else the command line names is not touched, nor is what may have been meant as
        the file to read.
        """
        from reporter.cli.common import Outputs

        given = self.read(arguments)
        for name, target in self.to_clear(given, error):
            found = Outputs({name: target})
            if error is None:
                found.drop()
            else:
                found.fail(error.format_message(), None)

    def parse_args(self, context: click.Context, arguments: list[str]) -> list[str]:
        """Refuse two targets for one report: what is in the place of the first would stay."""
        named: dict[str, str] = {}
        for name, target in self.read(arguments).targets:
            if named.setdefault(name, target) != target:
                said = f"--{name} is given twice, with {named[name]} and with {target}"
                raise click.UsageError(said, context)
        return super().parse_args(context, arguments)

    def to_clear(self, given: Given, error: click.ClickException | None) -> list[tuple[str, str]]:
        """The targets that hold nothing that is read, with the options that name them."""
        from reporter.cli.common import say, target_of
        from reporter.cli.evidence import Evidence

        spared = _Spared(given, self.files_read(given))
        # Nobody waits for a store that is far away, to hear of a slip, nor for a walk.
        near = [word for word in given.loose if "://" not in word or word.startswith("file:")]
        evidence = Evidence(near)
        if isinstance(error, TakenError):
            spared.add(error.target)
        found = []
        for name, value in given.targets:
            if not value or value.endswith(("/", os.sep)):
                continue
            if value != "-" and value in spared and not _is_junit_of_before(value, name):
                continue
            guessed = self.reads_unnamed or given.unsure or self._lacks_arguments(given)
            if guessed and os.path.isfile(value) and not self.is_surely_of_before(value, name):
                say(f"warning: {value}: is left as it is: it may be what is to be read")
                continue
            target = target_of(value)
            if target != "-" and evidence.is_named(target):
                continue
            among = target != "-" and evidence.location_of(target) is not None
            if among and os.path.lexists(target) and not is_made_here(target, name):
                say(f"warning: {value}: is left as it is: it lies in what is read")
                continue
            found.append((name, target))
        if [target for _, target in found].count("-") > 1:
            # Standard output takes one report, and whose it would have been nobody can tell.
            return [(name, target) for name, target in found if target != "-"]
        return found

    def is_surely_of_before(self, target: str, name: str) -> bool:
        """Whether a file is what `name` writes, and surely not what was to be read.

        Where an argument is missing, an option may have taken it for its value; so it may have a
        key, a record or a response.
        """
        if name not in _READ_BY_NONE and b"{" in _start_of(target):
            return False
        return is_made_here(target, name)

    def read(self, arguments: Sequence[str]) -> Given:
        """A command line, read as click does where nothing is wrong with it."""
        known = {
            name: part
            for part in self.params
            if isinstance(part, click.Option)
            for name in (*part.opts, *part.secondary_opts)
        }
        given, words, unsure = Given(), list(arguments), False
        while words:
            word, unsure_now, unsure = words.pop(0), unsure, False
            if word == "--":
                given.loose += words
                given.arguments += len(words)
                break
            if word[:1] != "-" or word == "-":
                given.loose.append(word)
                # Behind an option that nobody knows it may be its value: a policy, say.
                given.arguments += not unsure_now or _begins_as_what_is_read(word)
                continue
            name, glued, value = word.partition("=")
            if not word.startswith("--"):
                name, value = _flags_skipped(word, known)
                glued = value
            option = known.get(name)
            if option is None or option.is_flag:
                unsure = option is None and not glued
                given.loose += [value] if glued else []
            elif glued:
                given.take(option, value)
            elif words and words[0] in known:
                # A variable that is not set: the next option is no value, whatever click takes.
                given.unsure = True
            elif words:
                given.take(option, words.pop(0))
        return given

    def _lacks_arguments(self, given: Given) -> bool:
        wanted = sum(isinstance(part, click.Argument) and part.required for part in self.params)
        return given.arguments < wanted


def _flags_skipped(word: str, known: Mapping[str, click.Option]) -> tuple[str, str]:
    """Of short options in one word the last, with the value that is glued to it."""
    name, rest = word[:2], word[2:]
    while rest and (option := known.get(name)) is not None and option.is_flag:
        name, rest = f"-{rest[0]}", rest[1:]
    return name, rest


class _Spared:
    """Files by name and by what the disk knows them as."""

    def __init__(self, given: Given, more: Iterable[str]) -> None:
        self._names: set[str] = set()
        self._known: set[tuple[int, int]] = set()
        self._folders = given.values.get("templates", [])
        for name in (*given.others, *more):
            self.add(name)

    def add(self, name: str) -> None:
        """Spare this file too."""
        with contextlib.suppress(OSError, ValueError, RuntimeError):
            self._names.add(str(Path(name).resolve()))
            found = os.stat(name)
            self._known.add((found.st_dev, found.st_ino))

    def __contains__(self, target: str) -> bool:
        try:
            if str(Path(target).resolve()) in self._names:
                return True
            found = os.stat(target)
        except FileNotFoundError:
            return False
        except (OSError, ValueError, RuntimeError):
            return True
        return (found.st_dev, found.st_ino) in self._known or self._is_template(target)

    def _is_template(self, target: str) -> bool:
        from reporter.cli.brand import is_part

        return any(is_part(folder, target) for folder in self._folders)


def _begins_as_what_is_read(name: str) -> bool:
    """Whether a file begins as the responses and records do that nearly everybody has."""
    return _start_of(name).startswith((b"{", b"[", *_PACKED))


def is_no_report(target: str, name: str) -> bool:
    """Whether a file is no report of ours and somebody may need it: a response in whatever form one
    is read, a key, a policy.

    `name` is the option that names it as what is to be written.
    """
    start = _start_of(target, tail=_TAIL)
    if not start or is_made_here(target, name) or (name == "output" and _CASE_FILE.match(start)):
        return False
    if start.startswith(_PACKED) or _KEY.match(start) or _POLICY.match(start):
        return True
    if start.startswith(b"{") and _RECORD in start:
        return False
    from reporter.sources.marks import speaks_of_a_response

    try:
        with Path(target).open("rb") as file:
            data, more = file.read(_SEARCHED), file.read(1)
    except OSError:
        return True
    return bool(more) or speaks_of_a_response(data)


def _is_junit_of_before(target: str, name: str) -> bool:
    """A report for CI alone, that a walk came upon: nobody means it to be read."""
    return name == "junit" and is_made_here(target, name)


def is_made_here(target: str, name: str) -> bool:
    """Whether a file is a report of ours, in the format of the option `name`."""
    if name == "pdf":
        return _start_of(target).startswith(b"%PDF-") and _created_here(target)
    marks = _MADE_HERE.get(name)
    return marks is not None and marks.match(_start_of(target, tail=_TAIL)) is not None


def _created_here(document: str) -> bool:
    from reporter.casefile.contents import creator_of

    return (creator_of(document) or "").startswith("cce-precheck ")


def _start_of(name: str, *, tail: int = 0) -> bytes:
    """Of a regular file that can be read; nobody may ever write to a pipe.

    With `tail` what is behind that counts too, up to so many bytes of the end.
    """
    try:
        if not os.path.isfile(name):
            return b""
        with Path(name).open("rb") as file:
            start = file.read(_LOOKED_AT)
            if tail and (size := file.seek(0, os.SEEK_END)) > len(start):
                file.seek(max(len(start), size - tail))
                start += file.read(tail)
            return start.lstrip()
    except (OSError, ValueError):
        return b""


def written_by(group: click.Group, arguments: Sequence[str]) -> tuple[Writer, list[str]] | None:
    """The command that is asked for, where it writes files, and the words that are its own."""
    words, before = list(arguments), list[str]()
    found: click.Command | None = group
    while isinstance(found, click.Group):
        # An option may stand before it that belongs behind it, or that nobody knows.
        group, found = found, None
        while words and found is None:
            word = words.pop(0)
            found = group.get_command(click.Context(group), word)
            if found is None and not before and word[:1] != "-" and isinstance(group, LazyGroup):
                found = group.nearest(click.Context(group), word)
            if found is None:
                before.append(word)
        # An option without a value took the command for it, by all appearances.
        while before and before[-1].startswith("-") and "=" not in before[-1]:
            before.pop()
    return (found, before + words) if isinstance(found, Writer) else None
