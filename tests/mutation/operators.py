"""The small mistakes a module is changed by, one at a time, and a name for each that lasts.

What is changed: comparisons, each part of `and` and `or` (left out), `not`, conditions (always,
never), loops (over nothing; `break`, `continue`), numbers, `True` and `False`, sums and unions,
`any` and `all`, `min` and `max`, members of spelled-out sets, what a function that answers yes, no
or nothing returns, and statements that only have an effect (left out). What is not: annotations,
what is only said (`QUIET`), and text. Changes that whatever sees another one sees too are left out:
`or` for `and` where each part is left out in turn, the opposite of a condition that always and
never holds in turn.
"""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256

QUIET = frozenset({"statement", "PolicyError", "InputError", "ValueError"})
"""Calls whose arguments only say something."""

MOST_MEMBERS = 12
"""Longer spelled-out sets are vocabularies, with tests of their own."""

_OPPOSITES: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
}
_BOUNDS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
}
_SUMS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
_TWINS = {"any": "all", "all": "any", "min": "max", "max": "min", "any_of": "all_of"}
_TWINS |= {"all_of": "any_of"}


@dataclass(frozen=True)
class Mutant:
    """One change of one module."""

    module: str
    function: str
    """Dotted, empty for the module itself."""
    line: int
    before: str
    """The lines that change, without what surrounds them."""
    change: str
    source: str = field(repr=False)
    """The whole module, changed."""
    occurrence: int = 0

    @property
    def name(self) -> str:
        """Stays while its own line and function do, wherever they move to."""
        parts = (self.module, self.function, self.before, self.change, str(self.occurrence))
        return sha256("\0".join(parts).encode()).hexdigest()[:10]

    def shown(self) -> str:
        """For people, in one line."""
        short = self.module.removeprefix("reporter.")
        return f"{short}:{self.line} {self.function}: {self.change}"


@dataclass(frozen=True)
class _Change:
    node: ast.stmt | ast.expr
    text: str
    function: str


def mutants(module: str, source: str, left_out: Iterable[str] = ()) -> Iterator[Mutant]:
    """Every mutant of a module that compiles, in the order of its lines.

    `left_out` are functions that are not changed.
    """
    tree = ast.parse(source)
    skipped = frozenset(left_out)
    lines = source.encode().splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    seen = {source}
    names: Counter[tuple[str, str, str]] = Counter()
    for change in _Walk().changes(tree):
        node = change.node
        if change.function in skipped:
            continue
        assert node.end_lineno is not None and node.end_col_offset is not None  # noqa: PT018
        begin = starts[node.lineno - 1] + node.col_offset
        end = starts[node.end_lineno - 1] + node.end_col_offset
        whole = source.encode()
        changed = (whole[:begin] + change.text.encode() + whole[end:]).decode()
        if changed in seen:
            continue
        seen.add(changed)
        try:
            compile(changed, module, "exec", dont_inherit=True)
        except SyntaxError:
            continue
        before = " ".join(
            line.decode().strip() for line in lines[node.lineno - 1 : node.end_lineno]
        )
        said = f"{ast.unparse(node)}  →  {change.text}"
        key = (change.function, before, said)
        yield Mutant(module, change.function, node.lineno, before, said, changed, names[key])
        names[key] += 1


class _Walk:
    """Every change of a tree. Annotations, decorators and imports are left alone."""

    def __init__(self) -> None:
        self._path: list[str] = []
        self._returns: list[str] = []
        self._assigned: list[set[str]] = [set()]
        self._tests: set[ast.expr] = set()

    def changes(self, node: ast.AST) -> Iterator[_Change]:
        """Of a node and everything in it."""
        if isinstance(node, ast.FunctionDef):
            self._path.append(node.name)
            self._returns.append(ast.unparse(node.returns) if node.returns else "")
            self._assigned.append(set())
            for default in (*node.args.defaults, *node.args.kw_defaults):
                if default is not None:
                    yield from self.changes(default)
            for part in node.body:
                yield from self.changes(part)
            self._assigned.pop()
            self._returns.pop()
            self._path.pop()
            return
        if isinstance(node, ast.ClassDef):
            self._path.append(node.name)
            for part in node.body:
                yield from self.changes(part)
            self._path.pop()
            return
        if isinstance(node, ast.JoinedStr | ast.Import | ast.ImportFrom | ast.Assert):
            return
        if isinstance(node, ast.stmt | ast.expr):
            for target, text in self._of(node):
                yield _Change(target, text, ".".join(self._path))
        if isinstance(node, ast.Raise):
            return
        if isinstance(node, ast.AnnAssign):
            if node.value is not None:
                yield from self.changes(node.value)
            return
        if isinstance(node, ast.Call) and _called(node) in QUIET:
            return
        if isinstance(node, ast.Subscript) and getattr(node.value, "id", "") == "Literal":
            return
        for child in ast.iter_child_nodes(node):
            yield from self.changes(child)

    def _of(self, node: ast.stmt | ast.expr) -> Iterator[tuple[ast.stmt | ast.expr, str]]:
        """Of a node itself: what is replaced, by what."""
        if isinstance(node, ast.If | ast.While | ast.IfExp):
            yield from self._decided(node.test)
        elif isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            for part in node.generators:
                for test in part.ifs:
                    yield from self._decided(test)
                yield part.iter, "()"
        elif isinstance(node, ast.Compare):
            for index, sign in enumerate(node.ops):
                for others in (_BOUNDS, _OPPOSITES):
                    if type(sign) not in others or (others is _OPPOSITES and node in self._tests):
                        continue
                    changed = copy.deepcopy(node)
                    changed.ops[index] = others[type(sign)]()
                    yield node, f"({ast.unparse(changed)})"
        elif isinstance(node, ast.BoolOp):
            for index in range(len(node.values)):
                rest = node.values[:index] + node.values[index + 1 :]
                whole = rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)
                yield node, f"({ast.unparse(whole)})"
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            if node not in self._tests:
                yield node, f"({ast.unparse(node.operand)})"
        elif isinstance(node, ast.BinOp) and type(node.op) in _SUMS:
            yield node, f"({ast.unparse(ast.BinOp(node.left, _SUMS[type(node.op)](), node.right))})"
        elif isinstance(node, ast.Constant) and isinstance(node.value, int):
            if isinstance(node.value, bool):
                yield node, str(not node.value)
            else:
                yield node, str(node.value + 1)
                yield node, f"({node.value - 1})"
        elif isinstance(node, ast.Name) and node.id in _TWINS:
            yield node, _TWINS[node.id]
        elif isinstance(node, ast.Set | ast.List | ast.Tuple) and _spelled_out(node):
            for index in range(len(node.elts)):
                changed_set = copy.deepcopy(node)
                del changed_set.elts[index]
                yield node, ast.unparse(changed_set)
        elif isinstance(node, ast.stmt):
            yield from self._of_statement(node)

    def _decided(self, test: ast.expr) -> Iterator[tuple[ast.expr, str]]:
        """A condition that always holds, and one that never does."""
        if isinstance(test, ast.Constant):
            return
        self._tests.add(test)
        # Whatever sees that a part of `and` is missing sees that all of it is.
        sign = test.op if isinstance(test, ast.BoolOp) else None
        if not isinstance(sign, ast.And):
            yield test, "True"
        if not isinstance(sign, ast.Or):
            yield test, "False"

    def _of_statement(self, node: ast.stmt) -> Iterator[tuple[ast.stmt | ast.expr, str]]:
        known = self._assigned[-1]
        if isinstance(node, ast.Break | ast.Continue):
            yield node, "continue" if isinstance(node, ast.Break) else "break"
            yield node, "pass"
        elif isinstance(node, ast.For):
            yield node.iter, "()"
        elif isinstance(node, ast.Raise):
            yield node, "pass"
        elif isinstance(node, ast.Expr):
            if not isinstance(node.value, ast.Constant):
                yield node, "pass"
        elif isinstance(node, ast.AugAssign):
            yield node, "pass"
            if type(node.op) in _SUMS:
                other = ast.AugAssign(node.target, _SUMS[type(node.op)](), node.value)
                yield node, ast.unparse(other)
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [part.id for target in targets for part in ast.walk(target)
                     if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)]  # fmt: skip
            # Without its first assignment a name is only an error.
            if self._path and all(name in known for name in names):
                yield node, "pass"
            known.update(names)
        elif isinstance(node, ast.Return) and node.value is not None and self._returns:
            said = ast.unparse(node.value)
            for answer in _answers(self._returns[-1]):
                if said != answer:
                    yield node.value, f"({answer})"


def _answers(annotation: str) -> tuple[str, ...]:
    """The answers without content a function may give by what it says it returns."""
    if annotation == "bool":
        return "True", "False"
    if annotation in ("Tri", "bool | None"):
        return "True", "False", "None"
    return ("None",) if annotation.endswith("| None") else ()


def _spelled_out(node: ast.Set | ast.List | ast.Tuple) -> bool:
    return 2 <= len(node.elts) <= MOST_MEMBERS and all(
        isinstance(part, ast.Constant) and isinstance(part.value, str) for part in node.elts
    )


def _called(node: ast.Call) -> str:
    name = node.func
    return name.id if isinstance(name, ast.Name) else getattr(name, "attr", "")
