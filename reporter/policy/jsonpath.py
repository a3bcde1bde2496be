"""JSONPath conditions (`where`): the only module that imports the JSONPath library.

Only what selects is allowed: names, indexes, slices, wildcards, descendants, and filters
that compare. Functions, arithmetic, sorting and regular expressions inside a path are refused:
the library's `=~` backtracks, and `matches` is there for that.
"""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from reporter.policy.model import Comparison, WhereSpec
from reporter.policy.regex import fits_whole
from reporter.precheck.model import is_hollow

MAX_LENGTH = 500
MAX_STEPS = 25
MAX_DESCENTS = 1
"""How often `..` may stand in a path, filters included. With one each value is looked at once; with
three a response of 2 kB, nested 160 deep where no field is documented, takes a quarter of a minute.
"""
_COMPARISONS = frozenset({None, "!", "==", "=", "!=", "<", "<=", ">", ">="})


@dataclass(frozen=True)
class Found:
    """What a path found, and how often it came upon a place that holds no value.

    `[*].userAgent` over two clients of which one has no name finds one value and one gap: who the
    other is, nobody knows.
    """

    values: list[Any]
    gaps: int


@dataclass(frozen=True)
class Names:
    """The names in a path."""

    plain: tuple[str | None, ...]
    """From the root on, up to the first filter or `..`; None where elements are picked."""
    further: tuple[str, ...]
    """Those in filters, and all that stand behind the first filter or `..`."""
    last: str | None
    """The field it ends in, where it is one field."""
    compared: tuple[tuple[str, str, Any], ...]
    """In its filters: a field, an operator and the value it is compared with."""


@cache
def names_in(text: str) -> Names:
    """The names in a path that `compile_path` takes."""
    from jsonpath_ng import Child, Descendants, Fields, Index, Slice, Wildcard
    from jsonpath_ng.ext.filter import Filter

    plain: list[str | None] = []
    further: list[str | None] = []
    compared: list[tuple[str, str, Any]] = []
    names = plain

    def walk(part: Any) -> None:
        nonlocal names
        if isinstance(part, (Child, Descendants)):
            walk(part.left)
            if isinstance(part, Descendants):
                names = further
            walk(part.right)
        elif isinstance(part, Fields):
            names.extend(part.fields)
        elif isinstance(part, (Index, Slice, Wildcard)):
            names.append(None)
        elif isinstance(part, Filter):
            names = further
            for expression in part.expressions:
                walk(expression.target)
                if expression.op is not None and (field := _last(expression.target)):
                    compared.append((field, expression.op, expression.value))

    def _last(part: Any) -> str | None:
        while isinstance(part, Child) and isinstance(part.right, (Index, Slice, Wildcard, Filter)):
            part = part.left
        end = part.right if isinstance(part, (Child, Descendants)) else part
        return end.fields[0] if isinstance(end, Fields) and len(end.fields) == 1 else None

    parsed = _parsed(text)
    walk(parsed)
    return Names(tuple(plain), tuple(filter(None, further)), _last(parsed), tuple(compared))


def finds_one_at_most(text: str) -> bool:
    """Whether a path leads to one place: names and indexes alone, one after the other."""
    from jsonpath_ng import Child, Fields, Index, Root, This

    def leads_to_one(part: Any) -> bool:
        if isinstance(part, Child):
            return leads_to_one(part.left) and leads_to_one(part.right)
        if isinstance(part, Fields):
            return len(part.fields) == 1 and part.fields != ("*",)
        return isinstance(part, (Root, This)) or (
            isinstance(part, Index) and len(part.indices) == 1
        )

    return leads_to_one(_parsed(text))


def values_found(text: str, sample: Any) -> list[Any]:
    """What a path finds in data that holds all there can be.

    Every list there has one element, which any filter, index or slice is taken to select.
    """
    from jsonpath_ng import Child, Descendants, Index, Slice, Wildcard
    from jsonpath_ng.ext.filter import Filter

    def widened(part: Any) -> Any:
        if isinstance(part, (Child, Descendants)):
            return type(part)(widened(part.left), widened(part.right))
        if isinstance(part, Filter):  # it selects the values of an object, too
            return Wildcard()
        return Index(0) if isinstance(part, (Index, Slice)) else part

    return [datum.value for datum in widened(_parsed(text)).find(sample)]


@cache
def compile_path(text: str) -> Callable[[Any], Found]:
    """A function from JSON data to what a path finds. ValueError where it is no path."""
    parsed = _parsed(text)
    steps = _by_steps(parsed)
    return lambda data: Found([datum.value for datum in parsed.find(data)], _gaps(steps, data))


@cache
def _parsed(text: str) -> Any:
    if len(text) > MAX_LENGTH:
        raise ValueError(f"a path of {len(text)} characters; at most {MAX_LENGTH} are allowed")
    from jsonpath_ng import ext
    from jsonpath_ng.exceptions import JSONPathError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            parsed = ext.parse(text)
    except JSONPathError as error:
        if "=~" in text:
            raise ValueError(
                f'"{text}": =~ is not allowed in a path; use matches instead'
            ) from None
        raise ValueError(f'"{text}" is not a JSONPath: {error}') from None
    except Exception as error:  # its functions raise their own, whatever they derive from
        raise ValueError(f'"{text}" is not a JSONPath ({type(error).__name__})') from None
    _refuse_more_than_selecting(parsed, text)
    return parsed


def _by_steps(parsed: Any) -> Any:
    """The same path with `..` before one name alone: `$..a.b` is what `b` is below all `$..a`."""
    from jsonpath_ng import Child, Descendants

    if isinstance(parsed, Descendants) and isinstance(parsed.right, Child):
        return Child(_by_steps(Descendants(parsed.left, parsed.right.left)), parsed.right.right)
    if isinstance(parsed, Child):
        return Child(_by_steps(parsed.left), parsed.right)
    return parsed


def _gaps(parsed: Any, data: Any) -> int:
    """Elements of lists that hold nothing, or not the field that is asked for, however deep."""
    return _walked(parsed, data)[1]


def _walked(parsed: Any, data: Any) -> tuple[list[Any], int]:
    """What a path comes upon, step by step, and the gaps on the way."""
    from jsonpath_ng import Child, Fields, Index, Slice, Wildcard
    from jsonpath_ng.ext.filter import Filter

    if not isinstance(parsed, Child):
        return parsed.find(data), 0
    holders, gaps = _walked(parsed.left, data)
    found = [datum for holder in holders for datum in parsed.right.find(holder)]
    if isinstance(parsed.right, (Index, Slice, Wildcard, Filter)):
        # A field that says nothing, which these find as well, is as good as absent.
        gaps += sum(isinstance(datum.path, Index) and is_hollow(datum.value) for datum in found)
    elif isinstance(parsed.right, Fields) and _of_several(parsed.left):
        for holder in holders:
            if is_hollow(holder.value):
                continue  # counted where it was come upon
            for name in parsed.right.fields:
                if not isinstance(holder.value, dict) or is_hollow(holder.value.get(name)):
                    gaps += 1
    return found, gaps


def _of_several(path: Any) -> bool:
    """Whether a path leads through elements, or `..`, and from there on by names alone."""
    from jsonpath_ng import Child, Descendants, Fields, Index, Slice, Wildcard
    from jsonpath_ng.ext.filter import Filter

    while isinstance(path, Child) and isinstance(path.right, Fields):
        path = path.left
    if isinstance(path, Descendants):
        return isinstance(path.right, Fields)
    return isinstance(path, Child) and isinstance(path.right, (Index, Slice, Wildcard, Filter))


def _refuse_more_than_selecting(parsed: Any, text: str) -> None:
    from jsonpath_ng import jsonpath
    from jsonpath_ng.ext.filter import Expression, Filter

    selecting = (
        jsonpath.Root,
        jsonpath.This,
        jsonpath.Child,
        jsonpath.Descendants,
        jsonpath.Fields,
        jsonpath.Index,
        jsonpath.Slice,
        jsonpath.Wildcard,
    )
    stack = [parsed]
    steps = descents = 0
    while stack:
        part = stack.pop()
        if isinstance(part, Expression):
            if part.op == "=~":
                raise ValueError(f'"{text}": =~ is not allowed in a path; use matches instead')
            if part.op not in _COMPARISONS:
                raise ValueError(f'"{text}": {part.op} is not allowed in a filter')
            stack.append(part.target)
            if isinstance(part.value, jsonpath.JSONPath):
                stack.append(part.value)
        elif isinstance(part, Filter):
            steps += 1
            stack.extend(part.expressions)
        elif type(part) not in selecting:  # the library's functions are subclasses
            name = type(part).__name__.lower()
            raise ValueError(f'"{text}": {name} is not allowed in a path; a path only selects')
        else:
            descents += isinstance(part, jsonpath.Descendants)
            steps += isinstance(part, selecting[4:])
            stack.extend(
                child
                for child in (getattr(part, "left", None), getattr(part, "right", None))
                if child is not None
            )
    if descents > MAX_DESCENTS:
        raise ValueError(f'"{text}": more than {MAX_DESCENTS} .. in a path; name what lies between')
    if steps > MAX_STEPS:
        raise ValueError(f'"{text}": more than {MAX_STEPS} steps in a path')


@dataclass(frozen=True)
class Outcome:
    """What a condition came to: yes, no or open; over how many values; which were unlike."""

    fits: bool | None
    matches: int
    unlike: int
    no_proof: bool = False
    """No, but only for want of a value that could be compared: its opposite is not yes."""


class Condition:
    """A compiled `where` condition."""

    def __init__(self, spec: WhereSpec) -> None:
        self.spec = spec
        self.path = spec.path
        self.on_response = spec.on == "response"
        self._find = compile_path(spec.path)
        self.asks_for_name = not self.on_response and names_in(spec.path).plain == ("name",)
        # `$.name`, and what comes to it as well: `$..name`, `$.*`.
        self.may_ask_for_name = not self.on_response and "x" in self._find({"name": "x"}).values
        self._quantifier = spec.quantifier
        self._wanted = True
        asked: Comparison = spec
        while asked.not_ is not None and (asked.not_.not_ or _is_about_number(asked.not_)):
            self._wanted = not self._wanted
            asked = asked.not_
        self._exists = asked.exists
        self._count = asked.count
        self._test = None if _is_about_number(asked) else _value_test(spec)
        self.compares = self._test is not None
        """Whether it asks for values, and not whether, or how often, there are any."""

    @property
    def leaves_out(self) -> bool:
        """Whether it holds of what is not so: `not`, `none`, no value, at most so many."""
        innermost: Comparison = self.spec
        negated = self.spec.quantifier == "none"
        while innermost.not_ is not None:
            innermost, negated = innermost.not_, not negated
        count = innermost.count
        of_few = count is not None and (count.eq == 0 or (count.le, count.lt) != (None, None))
        return negated is not (innermost.exists is False or of_few)

    def decide(self, data: Any, known: dict[str, Found], *, every: bool) -> Outcome:
        """Over the values the path finds in `data`; null and empty ones are as good as absent.

        `known` holds what was found in the same data, by path: rules ask for the same few paths,
        and a path costs more than all else.
        """
        found = known.get(self.path)
        if found is None:
            found = known[self.path] = self._find(data)
        return self._over(found, every=every)

    def fits_alone(self, value: Any) -> bool | None:
        """The answer where its path finds this value and no other."""
        return self._over(Found([value], 0), every=False).fits

    def _over(self, found: Found, *, every: bool) -> Outcome:
        values = [value for value in found.values if not is_hollow(value)]
        number = len(values)
        if self._exists is not None:
            return Outcome(((number > 0) is self._exists) is self._wanted, number, 0)
        if self._count is not None:
            return Outcome(_in_bounds(number, self._count) is self._wanted, number, 0)
        assert self._test is not None  # noqa: S101 - one of the three is always there
        answers = [self._test(value) for value in values]
        unlike = sum(answer.unlike for answer in answers)
        truths: list[bool | None] = [answer.fits for answer in answers]
        quantifier = self._quantifier or ("all" if every else "any")
        if quantifier == "none":
            # Two negations cancel out: "not" of an unlike value is what "none" looks for.
            truths = [(a.fits is None) if a.unlike else a.fits for a in answers]
        truths += [None] * found.gaps
        if not truths:
            # Nothing found leaves the question open, as a missing value does everywhere; only
            # "all" of nothing is false.
            return Outcome(False if quantifier == "all" else None, 0, 0, no_proof=True)
        fits: bool | None = True in truths
        if quantifier == "all":
            fits = False if False in truths else None if None in truths else True
        elif quantifier == "none":
            # A value of another type fits nothing; that is no proof that it is none.
            fits = False if fits else None if unlike or None in truths else True
        elif not fits and None in truths:
            fits = None
        return Outcome(
            fits, number, unlike, no_proof=fits is False and not _proved(answers, quantifier)
        )


def _proved(answers: Sequence[_Answer], quantifier: str) -> bool:
    """Whether a no rests on values that could be compared: on one of them, or for `any` on all."""
    if quantifier == "any":
        return not any(answer.unlike for answer in answers)
    against = quantifier == "none"
    return any(answer.fits is against and not answer.unlike for answer in answers)


@dataclass(frozen=True)
class _Answer:
    """What a test says of one value: unlike types compare false, and "not" of that is open.

    Open without being unlike is what a regular expression says of some values of several lines.
    """

    fits: bool | None
    unlike: bool = False


_YES, _NO = _Answer(True), _Answer(False)
_UNLIKE = _Answer(False, unlike=True)


def _is_about_number(part: Comparison) -> bool:
    """Whether it asks how many values there are, not what they are."""
    return part.exists is not None or part.count is not None


_Test = Callable[[Any], _Answer]


def _in_bounds(number: int, bounds: Any) -> bool:
    return (
        (bounds.eq is None or number == bounds.eq)
        and (bounds.lt is None or number < bounds.lt)
        and (bounds.le is None or number <= bounds.le)
        and (bounds.gt is None or number > bounds.gt)
        and (bounds.ge is None or number >= bounds.ge)
    )


def _alike(left: Any, right: Any) -> bool:
    """Whether two values can be compared: text with text, number with number."""
    if isinstance(left, bool) or isinstance(right, bool):
        return isinstance(left, bool) and isinstance(right, bool)
    if isinstance(left, (int, float)):
        return isinstance(right, (int, float))
    return isinstance(left, str) and isinstance(right, str)


def _value_test(spec: Comparison) -> _Test:
    """The test of a single value."""
    if spec.not_ is not None:
        inner = _value_test(spec.not_)

        def negated(value: Any) -> _Answer:
            answer = inner(value)
            if answer.unlike:
                return _Answer(None, unlike=True)
            if answer.fits is None:
                return answer
            return _NO if answer.fits else _YES

        return negated
    if spec.in_ is not None:
        allowed = spec.in_

        def within(value: Any) -> _Answer:
            comparable = [other for other in allowed if _alike(value, other)]
            return _said(value in comparable) if comparable else _UNLIKE

        return within
    if spec.matches is not None:
        fits = fits_whole(spec.matches)
        return lambda value: _Answer(fits(value)) if isinstance(value, str) else _UNLIKE
    name = next(name for name in _COMPARING if getattr(spec, name) is not None)
    holds, bound = _COMPARING[name], getattr(spec, name)
    return lambda value: _said(holds(value, bound)) if _alike(value, bound) else _UNLIKE


_COMPARING: dict[str, Callable[[Any, Any], bool]] = {
    "equals": operator.eq,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
}


def _said(fits: bool) -> _Answer:
    return _YES if fits else _NO
