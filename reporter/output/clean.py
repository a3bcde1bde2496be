"""Text that came from the cloud, made safe to show. Done once, here; escaping is each format's own.

Matching and evidence keep what came: this works on a copy of the record for people to read. Its
statements are said anew by their codes, so that all reports say the same, whatever stands beside.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel
from pydantic_core import PydanticSerializationError

from reporter.record.model import Node, Place, Risks, RuleMatch, Statement, Verdict
from reporter.words import said

if TYPE_CHECKING:
    from reporter.record.diff import Diff

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
# Everything XML 1.0 forbids, C1 controls and lone surrogates; tab and newline stay.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_NEWLINES = re.compile("\r\n?|[\u2028\u2029\x85]")
# Direction marks and overrides turn what is shown around; soft hyphens, joiners, fillers, format
# signs and selectors take no room, or that of a blank; tag characters hide text altogether. What
# letters and emoji are joined by (U+200C, U+200D, U+FE00 to U+FE0F) stays.
_UNSEEN = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_INVISIBLE = re.compile(f"[{_UNSEEN}]")

REPLACEMENT = "\ufffd"


def clean(text: str) -> str:
    """A text without control characters, terminal escapes and signs that nobody sees.

    Escapes and controls become U+FFFD, so that something is seen to have been there; signs that
    nobody sees are spelled out as [U+202E]. Newlines and tabs stay.
    """
    if text.isascii() and text.isprintable():
        return text
    text = _NEWLINES.sub("\n", text)
    text = _ANSI.sub(REPLACEMENT, text)
    text = _CONTROL.sub(REPLACEMENT, text)
    return _INVISIBLE.sub(lambda match: f"[U+{ord(match[0]):04X}]", text)


def one_line(text: str) -> str:
    """A clean text on a single line."""
    return " ".join(clean(text).split())


_Record = TypeVar("_Record", Verdict, "Diff")


def cleaned(record: _Record) -> _Record:
    """The record, safe to show: the one door every report goes through.

    Each statement says what its code says; a code of a newer version keeps the record's words.
    What needs no cleaning is handed on as it is: a large record is not taken apart for one odd
    sign in one of its messages.
    """
    return _cleaned_model(said_anew(record))


def said_anew(record: _Record) -> _Record:
    """The record with the English of every statement from its code; itself where that holds."""
    spoken: _Record = _said_anew(record)
    return spoken


# A large record is made of these, and they say nothing in codes.
_WITHOUT_STATEMENTS = (str, Place, Risks, RuleMatch)


def _said_anew(value: Any) -> Any:
    if isinstance(value, Statement):
        text = said(value)
        return value if text == value.text else value.model_copy(update={"text": text})
    if isinstance(value, list):
        if not value or isinstance(value[0], _WITHOUT_STATEMENTS):
            return value
        return _with_members(value, _said_anew)
    if isinstance(value, BaseModel) and not isinstance(value, _WITHOUT_STATEMENTS):
        return _with_parts(value, _said_anew)
    return value


_Model = TypeVar("_Model", bound=BaseModel)
# Whatever `clean` might change, in JSON: escapes of controls, and signs that stand as they are.
_SUSPECT = re.compile(
    r"\\(?:u[0-9a-f]{4}|[bfr])"
    f"|[\x7f-\x9f\u2028\u2029\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff{_UNSEEN}]"
)


def _cleaned_model(part: _Model) -> _Model:
    try:
        if _SUSPECT.search(part.model_dump_json()) is None:
            return part
    except PydanticSerializationError:
        pass  # a lone surrogate, which no JSON text holds
    fields = type(part).model_fields
    return part.model_copy(update={name: _cleaned(getattr(part, name)) for name in fields})


def shortened(verdict: Verdict) -> Verdict:
    """A copy for paper: texts cut to what a page can hold, endless words broken.

    Layout takes time that grows with the square of a word; the attached record has everything.
    """
    short: Verdict = _with_texts(verdict, for_paper)
    return short


LONGEST_NAME = 120
"""So many signs of a node's name are set; Kubernetes allows 253, CCE 56."""
LONGEST_TEXT = 1_500
LONGEST_WORD = 80
MOST_LINES = 30
_LONG_WORD = re.compile(rf"\S{{{LONGEST_WORD}}}(?=\S)")


def for_paper(text: str) -> str:
    """A text as `shortened` leaves it."""
    if len(text) <= LONGEST_WORD:
        return text
    lines = text[:LONGEST_TEXT].split("\n")
    cut = "\n".join(lines[:MOST_LINES])
    if len(cut) < len(text):
        cut += " … (all of it stands in the attached record.json)"
    return _LONG_WORD.sub(lambda word: word[0] + "\u200b", cut)


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, BaseModel):
        return _cleaned_model(value)
    if isinstance(value, (list, tuple)):
        return type(value)(_cleaned(part) for part in value)
    if isinstance(value, dict):
        return {_cleaned(key): _cleaned(part) for key, part in value.items()}
    return value


def _with_texts(value: Any, change: Callable[[str], str]) -> Any:
    """A copy with every text changed; what holds none that changes is handed on as it is."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Node):  # many stand in one paragraph
        return _with_parts(value, lambda part: part and change(_name_on_paper(part)))
    if isinstance(value, BaseModel):
        return _with_parts(value, lambda part: _with_texts(part, change))
    if isinstance(value, list):
        return _with_members(value, lambda part: _with_texts(part, change))
    if isinstance(value, dict):
        return {change(key): _with_texts(part, change) for key, part in value.items()}
    return value


def _name_on_paper(name: str) -> str:
    return f"{name[: LONGEST_NAME - 1]}…" if len(name) > LONGEST_NAME else name


def _with_parts(value: BaseModel, change: Callable[[Any], Any]) -> BaseModel:
    changed = {
        name: found for name, part in value.__dict__.items() if (found := change(part)) is not part
    }
    return value.model_copy(update=changed) if changed else value


def _with_members(value: list[Any], change: Callable[[Any], Any]) -> list[Any]:
    parts = [change(part) for part in value]
    return parts if any(map(operator.is_not, parts, value)) else value


_COMMANDS = re.compile(r"##(?=\w*\[)")


def console_safe(row: str) -> str:
    """A row for a terminal or a CI log, with workflow commands defused.

    Runners act on a line that starts with `::` (after blanks) and on `##vso[` or `##[` anywhere.
    """
    row = _COMMANDS.sub("# #", row)
    start = len(row) - len(row.lstrip())
    return row[:start] + ": :" + row[start + 2 :] if row.startswith("::", start) else row


def web_address(value: object) -> str:
    """The address if it leads to the web, else an empty one: never `javascript:` or `file:`."""
    text = str(value or "")
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    return text if parts.scheme in ("http", "https") and parts.netloc else ""
