"""YAML with positions: the only module that imports the YAML library.

Differences from what a YAML 1.1 loader does, all on the side of saying what one means:

- duplicate keys are errors, merge keys (`<<`) and tags are refused;
- depth, size and the number of aliases are bounded, on the event stream, before anything is built
  (the C parser's own composer overflows the stack on 100,000 nested brackets);
- plain scalars are text unless they are `true`/`false`, `null`/`~`/empty, an integer or a float
  as YAML 1.2 has them, exactly, and neither infinite nor none; dates stay text; `yes`, `no`,
  `on` and `off` stay text. The original spelling is kept, so that a caller who wanted text can
  say "quote it".
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any

import yaml

from reporter.errors import PolicyError

try:
    from yaml import CSafeDumper as _Dumper
    from yaml import CSafeLoader as _Loader
except ImportError:  # a PyYAML built without libyaml
    from yaml import SafeDumper as _Dumper  # type: ignore[assignment]
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

MAX_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 40
MAX_ALIASES = 200
MAX_NODES = 400_000
LONGEST_NUMBER = 200
_TOO_DEEP = f"nested more than {MAX_DEPTH} levels deep"

Path = tuple[str | int, ...]

_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)(?:[eE][-+]?[0-9]+)?")
_NO_NUMBER = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_INEXACT = 2**53


@dataclass(frozen=True)
class Mark:
    """A place in a file; line and column count from 1."""

    line: int
    column: int


@dataclass
class Document:
    """A YAML document as plain data, with the place of everything in it.

    `values` maps a path such as `("rules", 0, "effect")` to where its value starts, `keys` the
    same for mapping keys; `spellings` holds how a plain scalar that is not text was written.
    """

    data: Any
    name: str
    values: dict[Path, Mark] = field(default_factory=dict)
    keys: dict[Path, Mark] = field(default_factory=dict)
    spellings: dict[Path, str] = field(default_factory=dict)

    def where(self, path: Path, *, key: bool = False) -> Mark:
        """The place of a path, or of its nearest ancestor that is there."""
        if key and path in self.keys:
            return self.keys[path]
        while path and path not in self.values:
            path = path[:-1]
        return self.values.get(path, Mark(1, 1))

    def at(self, path: Path, *, key: bool = False) -> str:
        """`file:line:column` of a path."""
        mark = self.where(path, key=key)
        return f"{self.name}:{mark.line}:{mark.column}"


# YAML 1.1 ends a comment where no editor and no diff shows it; bidi controls turn one about.
_ENDS_UNSEEN = "[\u0085\u2028\u2029\u202a-\u202e\u2066-\u2069]"
_UNSEEN = re.compile(_ENDS_UNSEEN)
_UNSEEN_OR_CR = re.compile(_ENDS_UNSEEN + r"|\r(?!\n)")
"""Where lines end in LF, a lone CR is none that is seen; old files end all of them in CR."""


def load(data: bytes, name: str) -> Document:
    """Read one YAML document. `PolicyError` names file, line and column of the first mistake."""
    if len(data) > MAX_BYTES:
        raise PolicyError(
            f"{name}: {len(data) / 1e6:.1f} MB of YAML is more than the limit of "
            f"{MAX_BYTES // (1024 * 1024)} MB",
            hint="split the file into several policies or waiver lists",
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = before.count(b"\n") + 1
        column = error.start - (before.rfind(b"\n") + 1) + 1
        raise PolicyError(
            f"{name}:{line}:{column}: not UTF-8 text", hint="save the file as UTF-8"
        ) from None
    if found := (_UNSEEN_OR_CR if "\n" in text else _UNSEEN).search(text):
        head = text[: found.start()]
        line, column = head.count("\n") + 1, found.start() - (head.rfind("\n") + 1) + 1
        raise PolicyError(
            f"{name}:{line}:{column}: U+{ord(found[0]):04X} ends a line, or turns one about, where "
            "no editor shows it",
            hint="take it out; where a text needs it write it in double quotes, as "
            f'"\\u{ord(found[0]):04X}"',
        )
    builder = _Builder(name)
    try:
        return builder.build(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{mark.line + 1}:{mark.column + 1}" if mark else "1:1"
        problem = error.problem or "not YAML"
        if "nesting depth" in problem:  # libyaml's own bound, met before ours while it reads ahead
            problem = _TOO_DEEP
        hint = None
        lines = text.splitlines()
        if mark and mark.line < len(lines) and "\t" in lines[mark.line][: mark.column + 1]:
            hint = "YAML is indented with spaces, not tabs"
        raise PolicyError(f"{name}:{place}: {problem}", hint=hint) from None
    except yaml.YAMLError as error:
        reason = getattr(error, "reason", None) or str(error).splitlines()[0]
        raise PolicyError(f"{name}: not YAML: {reason}") from None


class _Writer(_Dumper):
    """Quotes what the loader here would take for a number: `1e3` is text to YAML 1.1."""


_Writer.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(rf"(?:{_FLOAT.pattern}|{_NO_NUMBER.pattern})\Z"),
    list("-+.0123456789"),
)


def dump(data: Any) -> str:
    """Plain data as block-style YAML, in the order given."""
    try:
        return "".join(_rows(data, "", set()))
    except _NotSimpleError:
        return _dumped(data)


def _dumped(data: Any) -> str:
    return yaml.dump(
        data,
        Dumper=_Writer,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=False,
        width=10_000,
    )


class _NotSimpleError(Exception):
    """Data that the library's emitter has to write."""


def _rows(data: Any, indent: str, seen: set[int]) -> Iterator[str]:
    """The lines the library's emitter writes, in a tenth of the time: a record has a waiver to
    copy for each of its findings. Of nested mappings and lists of texts, each of one line."""
    if not data or id(data) in seen:  # `{}`, and what an alias would stand for
        raise _NotSimpleError
    if isinstance(data, dict):
        seen.add(id(data))
        for key, value in data.items():
            if not isinstance(key, str) or not _KEY.fullmatch(key):
                raise _NotSimpleError
            head = f"{indent}{_scalar(key)}:"
            if isinstance(value, str):
                yield f"{head} {_scalar(value)}\n"
            else:
                yield f"{head}\n"
                below = indent if isinstance(value, list) else f"{indent}  "
                yield from _rows(value, below, seen)
    elif isinstance(data, list):
        seen.add(id(data))
        for part in data:
            if isinstance(part, str):
                yield f"{indent}- {_scalar(part)}\n"
            elif isinstance(part, dict):
                first, *others = _rows(part, f"{indent}  ", seen)
                yield f"{indent}- {first[len(indent) + 2 :]}"
                yield from others
            else:
                raise _NotSimpleError
    else:
        raise _NotSimpleError


_KEY = re.compile(r"[a-z_]{1,40}")
_SIMPLE = re.compile(
    r"(?!(?i:true|false|yes|no|y|n|on|off|null)\Z)[A-Za-z][A-Za-z0-9_-]{0,99}"
    r"|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
)
"""Texts that stand for themselves: words, other than those YAML 1.1 takes for something else, and
ids."""


@lru_cache(maxsize=1_000)
def _scalar(text: Any) -> str:
    """A text as it is written on one line."""
    if not isinstance(text, str) or len(text) > 200:
        raise _NotSimpleError
    if _SIMPLE.fullmatch(text):
        return text
    written = _dumped([text])
    if written.count("\n") != 1:
        raise _NotSimpleError
    return written[2:-1]


class _Builder:
    """Builds plain data from parse events, iteratively, within bounds."""

    def __init__(self, name: str) -> None:
        self.document = Document(data=None, name=name)
        self.anchors: dict[str, tuple[Any, Path]] = {}
        self.aliases = 0
        self.nodes = 0

    def fail(self, mark: Any, message: str, hint: str | None = None) -> PolicyError:
        place = f"{self.document.name}:{mark.line + 1}:{mark.column + 1}"
        return PolicyError(f"{place}: {message}", hint=hint)

    def build(self, text: str) -> Document:
        self._documents(self._bounded(yaml.parse(text, Loader=_Loader)))
        return self.document

    def _bounded(self, events: Iterator[Any]) -> Iterator[Any]:
        depth = 0
        for event in events:
            if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
                depth += 1
                if depth > MAX_DEPTH:
                    raise self.fail(event.start_mark, _TOO_DEEP)
            elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
                depth -= 1
            yield event

    def _documents(self, events: Iterator[Any]) -> None:
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self.fail(
                        event.start_mark,
                        "a second YAML document in one file",
                        "put each policy into a file of its own",
                    )
                self.document.data = self._node(next(events), events, ())

    def _node(self, event: Any, events: Iterator[Any], path: Path) -> Any:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise self.fail(event.start_mark, f"more than {MAX_NODES:,} values")
        mark = event.start_mark
        self.document.values[path] = Mark(mark.line + 1, mark.column + 1)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, path)
        if event.tag is not None and event.tag != "!":
            raise self.fail(mark, f"tags such as {event.tag} are not used here")
        value: Any
        if isinstance(event, yaml.ScalarEvent):
            value = self._scalar(event, path)
        elif isinstance(event, yaml.SequenceStartEvent):
            value = []
            while not isinstance(item := next(events), yaml.SequenceEndEvent):
                value.append(self._node(item, events, (*path, len(value))))
        else:
            value = self._mapping(events, path)
        if event.anchor is not None:
            self.anchors[event.anchor] = (value, path)
        return value

    def _mapping(self, events: Iterator[Any], path: Path) -> dict[str, Any]:
        value: dict[str, Any] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            mark = event.start_mark
            if not isinstance(event, yaml.ScalarEvent):
                raise self.fail(mark, "a key must be a plain word")
            key = event.value
            if key == "<<" and event.implicit[0]:
                raise self.fail(
                    mark, "merge keys (<<) are not used here", "write the keys out in full"
                )
            here = (*path, key)
            if key in value:
                first = self.document.keys[here]
                raise self.fail(
                    mark, f'key "{key}" appears twice; the first is on line {first.line}'
                )
            self.document.keys[here] = Mark(mark.line + 1, mark.column + 1)
            value[key] = self._node(next(events), events, here)
        return value

    def _alias(self, event: Any, path: Path) -> Any:
        self.aliases += 1
        if self.aliases > MAX_ALIASES:
            raise self.fail(event.start_mark, f"more than {MAX_ALIASES} aliases")
        if event.anchor not in self.anchors:
            raise self.fail(event.start_mark, f"alias *{event.anchor} has no anchor before it")
        value, target = self.anchors[event.anchor]
        self._copy_places(value, target, path, event.start_mark)
        return value

    def _copy_places(self, value: Any, target: Path, path: Path, mark: Any) -> None:
        # Everything below an alias is counted again, so that aliases of aliases can't explode,
        # and is found at its anchor.
        self.nodes += 1
        if self.nodes > MAX_NODES or len(path) > MAX_DEPTH:
            raise self.fail(mark, "its aliases expand to too many values, or too deep")
        document = self.document
        document.values[path] = document.values[target]
        if target in document.spellings:
            document.spellings[path] = document.spellings[target]
        children: Iterator[tuple[str | int, Any]] = iter(())
        if isinstance(value, dict):
            children = iter(value.items())
        elif isinstance(value, list):
            children = enumerate(value)
        for key, child in children:
            if (*target, key) in document.keys:
                document.keys[(*path, key)] = document.keys[(*target, key)]
            self._copy_places(child, (*target, key), (*path, key), mark)

    def _scalar(self, event: Any, path: Path) -> Any:
        text: str = event.value
        if not event.implicit[0]:  # quoted or block
            return text
        value: Any = text
        if text in ("", "~", "null", "Null", "NULL"):
            value = None
        elif text in ("true", "True", "TRUE"):
            value = True
        elif text in ("false", "False", "FALSE"):
            value = False
        elif _NO_NUMBER.fullmatch(text):
            raise self.fail(event.start_mark, f"{text} is no number", "quote it if text is meant")
        elif _FLOAT.fullmatch(text):
            value = self._number(text, event.start_mark)
        if not isinstance(value, str):
            self.document.spellings[path] = text
        return value

    def _number(self, text: str, mark: Any) -> int | float:
        """Exactly the number that is written: two that differ stay two."""
        if len(text) > LONGEST_NUMBER:
            raise self.fail(
                mark,
                f"a number of more than {LONGEST_NUMBER} characters",
                "quote it if text is meant",
            )
        if _INTEGER.fullmatch(text):
            return int(text)
        value = float(text)
        if not math.isfinite(value):
            raise self.fail(mark, f"{text} is too large to be a number", "quote it if it is text")
        if abs(value) >= _INEXACT and Decimal(text) != Decimal(value):
            raise self.fail(
                mark, f"{text} can't be held exactly", "write a number this large without a point"
            )
        return value


def nearest(word: str, allowed: Mapping[str, Any] | list[str] | tuple[str, ...]) -> str | None:
    """The allowed word somebody most likely meant."""
    import difflib

    folded = {name.casefold(): name for name in allowed}
    close = difflib.get_close_matches(word.casefold(), list(folded), n=1, cutoff=0.6)
    return folded[close[0]] if close else None
