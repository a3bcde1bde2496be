"""Pseudonyms for what a report should not tell: the same for the same value and key.

A record is rewritten before any output sees it: values are gathered where the record and the
response name them, and replaced wherever they occur, in whatever spelling. What a value is can
only be told by whoever has the key and a guess, which is why the key is given and never made up
or derived: a name like `prod-node-1` is quickly guessed.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
import unicodedata
from array import array
from base64 import b64decode
from binascii import Error as Base64Error
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields, replace
from hashlib import sha256
from html import unescape
from itertools import chain
from typing import Any, Literal, TypeVar, get_args, get_origin
from urllib.parse import unquote

from pydantic import BaseModel

from reporter.catalogue.read import Catalogue
from reporter.errors import PolicyError
from reporter.policy.model import MATCH_KEYS, CountSpec, NodeSpec, WhereSpec
from reporter.policy.stubs import Stubs
from reporter.precheck.finding import iter_items
from reporter.precheck.model import (
    GROUPS,
    KINDS,
    LEVELS,
    NODE_STATUSES,
    NODE_TYPES,
    TASK_PHASES,
    PrecheckTask,
)
from reporter.record.explanation import Explanation
from reporter.record.model import (
    CatalogueEntry,
    Check,
    Entry,
    Node,
    Reason,
    Redaction,
    RedactionProfile,
    RuleMatch,
    SkippedCheck,
    Source,
    Statement,
    Subject,
    Tool,
    Verdict,
    WaiverUse,
)
from reporter.words import MESSAGES, say, statement

PROFILES: tuple[RedactionProfile, ...] = get_args(RedactionProfile)
SHORTEST_KEY = 16
LONGEST_KEY = 4_096
MOST_WORDS = 5
MOST_ALIGNED = 20
MOST_TRIED = 300_000
"""What is tried as the name of a cluster: so many words of a text, what stands in its place in so
many texts, so many names in all."""
_WORDS = re.compile(r"\S+\s*")
_PLAIN_WORDS = re.compile(r"[\w.-]+", re.ASCII)
_AROUND_A_NAME = " \t\n.,;:!?()[]{}<>\"'`\u201c\u201d\u2018\u2019"

SHORT = 5
"""A shorter value is replaced only where it stands alone: it may be part of any word."""

BY_PATTERN = 300
"""Longer values are looked for by their start: a pattern's time grows with text times value."""
START = 48
"""By so much of it; below `FORKS`, since a pattern finds the starts."""
BY_START = 4_096
"""Longer values, of which a record can't hold many, are looked for one by one."""
FORKS = 60
"""So are those of a tree with more forks on the way: a pattern can't be nested much deeper."""

_LABELS = {
    "nodes": "node",
    "uids": "uid",
    "cluster": "cluster",
    "ips": "ip",
    "user-agents": "agent",
}
_UID = r"(?<![0-9A-Za-z])[0-9a-fA-F]{8}(?:[-_][0-9a-fA-F]{4}){3}[-_][0-9a-fA-F]{12}(?![0-9A-Za-z])"
_HEX = r"(?<![0-9A-Za-z])[0-9a-fA-F]{32}(?![0-9A-Za-z])"


def _four_numbers(between: str, label: str) -> str:
    """Four numbers in a row, also right behind a full stop (`harbor.10.0.0.16.nip.io`) or a name
    that ends in a digit (`eth0.10.0.0.16`); of five in a row four are none."""
    of_a_name = "|".join(rf"(?<=[{label}][0-9]{{{count}}}{between})" for count in (1, 2, 3))
    return (
        rf"(?:(?<![0-9])(?<![0-9]{between})|{of_a_name})(?:[0-9]{{1,3}}{between}){{3}}[0-9]{{1,3}}"
        rf"(?![0-9]|{between}[0-9]+(?![0-9A-Za-z]))"
    )


_IP4 = _four_numbers(r"\.", "A-Za-z_-")
_DASHED = "|".join((_four_numbers("-", "A-Za-z_."), _four_numbers("_", "A-Za-z.-")))
# Also right behind a label: `ip:fd00::1`; what such a label ends in may go with it.
_IP6 = (
    r"(?:(?<![0-9A-Fa-f:])|(?<=[G-Zg-z_]:)|(?<=[G-Zg-z_][0-9]:))(?=[0-9A-Fa-f]{1,4}:|::)"
    r"(?=[0-9A-Fa-f:.]{0,44}:[0-9A-Fa-f:.]{0,44}:)[0-9A-Fa-f:.]{2,45}(?![0-9A-Za-z:])"
)
_PSEUDONYM = re.compile(r"\b(?:node|uid|cluster|ip|agent)-[0-9a-f]{10}\b")
_CUT_UID = re.compile(r"[0-9a-fA-F][0-9a-fA-F_-]{5,35}…$")
_CUT_ESCAPE = re.compile(r"(?:%[0-9a-fA-F]?|\\u?[0-9a-fA-F]{0,3}|&#?[A-Za-z0-9]{0,6})…$")
# From the start of a run alone: one that nothing is cut behind is looked at once.
_CUT_BASE64 = re.compile(r"(?<![A-Za-z0-9+/_-])([A-Za-z0-9+/_-]{8,}+)…$")
_CUT_DIGITS = re.compile(r"(?<![0-9._-])[0-9._-]++…$")
_IP_BEGINS = re.compile(r"(?<![0-9])[0-9]{1,3}[._-]")
_STUB_ID = re.compile(r"\A- id: [^\n]*\n")
LAYERS = 6
"""How many spellings laid over each other are undone."""
_MAY_HIDE = re.compile(r"[%\\&~]|[^\x00-\x7f]|[A-Za-z0-9+/_-]{8,}")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{8,}={0,2}")
_OWN_PARAMS = frozenset(
    {"section", "effect", "line", "lines", "keys", "field"}
    | {"at", "expires", "window", "validity", "max_age"}
)
"""Parameters that hold words of this tool, not of the cloud."""

_DOCUMENTED: dict[str, frozenset[str]] = {
    "kind": KINDS,
    "kinds": KINDS,
    "level": LEVELS,
    "levels": LEVELS,
    "group": GROUPS,
    "phase": TASK_PHASES,
    "task_phase": TASK_PHASES,
    "status": NODE_STATUSES,
    "type": NODE_TYPES,
    "scope": frozenset({"cluster", "addon", "node"}),
}
"""What the API documents for a field. It stays there: it tells nothing of a node that somebody
called the same, and how badly a check failed would be hidden behind the name of a node."""
_OF_A_CHECK: dict[type[BaseModel], str] = {Check: "name", SkippedCheck: "name", Reason: "check"}
_WITH_ENUMERATIONS = (Check, Entry, Node, Reason, Subject)
_ITEM_NAME = re.compile(r"(?=[A-Z][A-Za-z0-9]*[A-Z])[A-Za-z0-9]*[a-z][A-Za-z0-9]*")
"""How the API writes names of check items: `NodeReady`. No node of Kubernetes has a capital."""
_POINTER = re.compile(
    r"(?:/(?:[0-9]+|items|status|itemsStatus|nodeStageStatus|spec|skippedCheckItemList"
    r"|(?:cluster|addon|node)CheckStatus))+"
)
"""A place made of documented names alone."""
_MATCH_WORDS = frozenset(
    {*MATCH_KEYS.values(), "regex", "max_findings"}
    | {
        info.alias or name
        for spec in (NodeSpec, WhereSpec, CountSpec)
        for name, info in spec.model_fields.items()
    }
)

_Part = TypeVar("_Part", bound=BaseModel)


class Redactor:
    """Rewrites one verdict. `task`, where it is at hand, names nodes that all passed as well.

    `kept` are texts to leave: pseudonyms that a verdict was judged with again.
    """

    def __init__(
        self,
        verdict: Verdict,
        profiles: Iterable[RedactionProfile],
        key: bytes,
        task: PrecheckTask | None = None,
        *,
        kept: Iterable[str] = (),
    ) -> None:
        if verdict.redaction is not None:
            raise PolicyError(
                "the record is redacted already", hint="redact the record it was made from"
            )
        if len(key) < SHORTEST_KEY:
            raise PolicyError(
                f"a key of pseudonyms needs {SHORTEST_KEY} bytes, this has {len(key)}",
                hint="make one: openssl rand -hex 32 > redact.key",
            )
        self._verdict = verdict
        self._scopes = Counter(check.name for check in verdict.checks)
        self._skipped = {(skip.name or "").casefold() for skip in verdict.skipped}
        self._key = key
        chosen = set(profiles)
        self.profiles = [profile for profile in PROFILES if profile in chosen]
        self._kinds: dict[str, RedactionProfile] = {}
        clusters = _cluster_values(verdict, task) if "cluster" not in chosen else ()
        self._kept = {_joined(value) for value in (*clusters, *kept)}
        gather = {
            "cluster": _cluster_values,
            "uids": _uid_values,
            "nodes": _node_values,
            "user-agents": _agent_values,
        }
        for profile, values in gather.items():
            if profile in chosen:
                for value in values(verdict, task):
                    if value.strip() and _joined(value) not in self._kept:
                        self._kinds.setdefault(value, profile)
        self._lower: dict[str, str] = {_joined(value): value for value in reversed(self._kinds)}
        for value in self._kinds:
            for other in _other_spellings(value):
                if other.strip() and _joined(other) not in self._kept:
                    self._lower.setdefault(_joined(other), value)
        self._sought = _no_pattern_for(self._lower)
        self._longer = [value for value in self._sought if len(value) > BY_START]
        self._long = _Starts(self._sought)
        self._pattern = self._compiled()
        self._sorted = sorted(self._lower)
        self._longest = max(map(len, self._sorted), default=0)
        self._known: dict[str, str] = {}
        self._public = frozenset(Catalogue().items)

    def record(self) -> Verdict:
        """The verdict by pseudonyms, marked as such. Nothing raw may go with it."""
        raw = self._verdict
        made = self._rewritten(raw)
        checks = [self._named_anew(*parts) for parts in zip(raw.checks, made.checks, strict=True)]
        made = made.model_copy(update={"checks": checks})
        redaction = Redaction(profiles=list(self.profiles), key_id=key_id(self._key))
        mark = statement("condition.redacted", profiles=list(self.profiles))
        return made.model_copy(
            update={"redaction": redaction, "conditions": [mark, *made.conditions]}
        )

    def _named_anew(self, raw: Check, made: Check) -> Check:
        """Waivers to copy are made of what they match, and so are their ids: made again of what
        is there now, with the key."""
        entries = []
        elsewhere = self._scopes[raw.name] > 1
        skipped = (raw.name or "").casefold() in self._skipped
        instant = self._verdict.instant.at
        of_raw, of_made = (
            Stubs(
                check.name,
                check.scope,
                check.entries,
                instant,
                elsewhere=elsewhere,
                skipped=skipped,
            )
            for check in (raw, made)
        )
        for before, entry in zip(raw.entries, made.entries, strict=True):
            text = before.waiver_stub
            if text is not None and text == of_raw.of(before):
                text = of_made.of(entry)
            elif text is not None:  # from elsewhere: a text like any other
                text = self.text(text)
            stub = None if text is None else self._stub(text)
            entries.append(entry.model_copy(update={"waiver_stub": stub}))
        return made.model_copy(update={"entries": entries})

    def _stub(self, text: str) -> str:
        body = _STUB_ID.sub("", text)
        digest = hmac.new(self._key, f"stub\0{body}".encode("utf-8", "replace"), sha256)
        return f"- id: waiver-{digest.hexdigest()[:6]}\n{body}"

    def own(self, own: Mapping[str, Explanation]) -> dict[str, Explanation]:
        """A user's own words, by the same pseudonyms."""
        return {self._check(name): self._explained(said) for name, said in own.items()}

    def text(self, text: str) -> str:
        """A text by pseudonyms."""
        found = self._known.get(text)
        if found is None:
            found = self._known[text] = self._written(text)
        return found

    def restored(self, record: Verdict) -> tuple[Verdict, set[str]]:
        """A redacted record with what it was asked for in raw values again, as far as this one's
        values tell them; and the pseudonyms that stay."""
        known = {self._pseudonym(kind, value): value for value, kind in self._kinds.items()}
        stays: set[str] = set()

        def raw(match: re.Match[str]) -> str:
            if match[0] not in known:
                stays.add(match[0])
            return known.get(match[0], match[0])

        def asked(value: Any) -> Any:
            if isinstance(value, str):
                return _PSEUDONYM.sub(raw, value)
            if isinstance(value, BaseModel):
                names = type(value).model_fields
                return value.model_copy(update={n: asked(getattr(value, n)) for n in names})
            return [asked(part) for part in value] if isinstance(value, list) else value

        parts = ("subject", "source", "policies", "exhibits", "gate")
        return record.model_copy(
            update={name: asked(getattr(record, name)) for name in parts}
        ), stays

    def named(self, pseudonym: str, record: Verdict, redacted: Verdict) -> str | None:
        """The cluster's name that a pseudonym of a redacted record stands for, where some text of
        the record in raw values has it."""
        raw = list(dict.fromkeys(_strings(record.model_dump(mode="json"))))
        shown = dict.fromkeys(_strings(redacted.model_dump(mode="json")))
        around = [
            text.split(pseudonym) for text in shown if pseudonym in text and text != pseudonym
        ]
        likely = (
            # It may stand there several times.
            text[len(parts[0]) :][: (len(text) - sum(map(len, parts))) // (len(parts) - 1)]
            for parts in around[:MOST_ALIGNED]
            for text in raw
            if text.startswith(parts[0]) and text.endswith(parts[-1])
        )
        words = (name for text in raw if _SEEN.search(text) for name in _may_be_names(text))
        tried: set[str] = set()
        for name in chain(likely, words):
            if name in tried:
                continue
            if self._pseudonym("cluster", name) == pseudonym:
                return name
            tried.add(name)
            if len(tried) == MOST_TRIED:
                break
        return None

    # Text -------------------------------------------------------------------------------------

    def _compiled(self) -> re.Pattern[str] | None:
        sought = set(self._sought)
        long = [value for value in self._lower if len(value) >= SHORT and value not in sought]
        short = [value for value in self._lower if len(value) < SHORT]
        parts = []
        if long:
            parts.append(f"(?P<long>{_any_of(long)})")
        if short:
            parts.append(f"(?<![A-Za-z0-9])(?P<short>{_any_of(short)})(?![A-Za-z0-9])")
        if "uids" in self.profiles:
            parts.append(f"(?P<uid>{_UID}|{_HEX})")
        if "ips" in self.profiles:
            parts.append(f"(?P<ip>{_IP4}|{_DASHED}|{_IP6})")
        return re.compile("|".join(parts)) if parts else None

    def _written(self, text: str) -> str:
        if text.endswith("…"):
            text = _CUT_ESCAPE.sub("…", text)
        out, _ = self._replaced(text)
        if _MAY_HIDE.search(text) is not None:
            # What stands there as it is goes first: a value may itself hold what opening changes.
            opened = self._opened(out)
            if opened != out and self._replaced(opened)[1]:
                # Hidden in another spelling: shown decoded, so that it can be replaced.
                out = self._replaced(opened)[0]
            opened = self._opened(text)
            if text.endswith("…") and self._cut(opened) != opened:
                out = self._cut(self._replaced(self._cut(opened))[0])
        return self._cut(out) if out.endswith("…") else out

    def _opened(self, text: str, depth: int = 3) -> str:
        """A text with every spelling undone that may hide a value."""
        text = _decoded(text)
        return _BASE64.sub(lambda match: self._unpacked(match[0], depth), text) if depth else text

    def _unpacked(self, word: str, depth: int) -> str:
        """What base64 or hex holds, where that is a text with a value in it; else the word."""
        for found in _held_by(word):
            opened = self._opened(found, depth - 1)
            if self._replaced(opened)[1]:
                return opened
        # A slash, a hyphen or an underscore is part of a word of base64, or stands beside one.
        parts = re.split(r"([/+_-])", word)
        if len(parts) == 1:
            return word
        return "".join(self._unpacked(part, depth) if len(part) >= 8 else part for part in parts)

    def _replaced(self, text: str) -> tuple[str, int]:
        spans = self._found_in(text)
        if not spans:
            return self._by_pattern(text)
        parts, count, at = [], 0, 0
        for start, end, folded in spans:
            before, more = self._by_pattern(text[at:start])
            found = text[start:end]
            value = found if found in self._kinds else self._lower[folded]
            parts += [before, self._pseudonym(self._kinds[value], value)]
            count, at = count + more + 1, end
        behind, more = self._by_pattern(text[at:])
        return "".join([*parts, behind]), count + more

    def _found_in(self, text: str) -> list[tuple[int, int, str]]:
        """From where to where values stand that no pattern looks for, and which; none in another,
        longer one."""
        if not self._sought:
            return []
        spans, folded = [], _joined(text)
        for value in self._longer:
            if (start := folded.find(value)) < 0:
                continue
            while start >= 0:
                spans.append((start, start + len(value), value))
                start = folded.find(value, start + len(value))
            folded = folded.replace(value, "A" * len(value))  # no value holds a capital letter
        return sorted([*spans, *self._long.found_in(folded)])

    def _by_pattern(self, text: str) -> tuple[str, int]:
        if self._pattern is None:
            return text, 0
        small, parts, count, at, done = _small(text), [], 0, 0, 0
        while (match := self._pattern.search(small, at)) is not None:
            start, end = match.span()
            said = self._pseudonym_of(text[start:end], match.lastgroup)
            if said is None:
                at = start + 1  # no address, but a value may stand in what looked like one
                continue
            parts += [text[done:start], said]
            count += said != text[start:end]
            at = done = end
        return "".join([*parts, text[done:]]), count

    def _pseudonym_of(self, found: str, group: str | None) -> str | None:
        """None if it is no address; what stays is its own."""
        if group in ("long", "short"):
            value = found if found in self._kinds else self._lower[_joined(found)]
            return self._pseudonym(self._kinds[value], value)
        if _joined(found) in self._kept:
            return found
        if group == "uid":
            return self._pseudonym("uids", found)
        address = re.sub("[-_]", ".", found) if ":" not in found else found
        try:
            shown = str(ipaddress.ip_address(address.rstrip(".")))
        except ValueError:
            return None
        return self._pseudonym("ips", shown)

    def _pseudonym(self, kind: RedactionProfile, value: str) -> str:
        if kind in ("uids", "cluster"):
            value = _uid_of(value) or value.lower()
        digest = hmac.new(self._key, f"{kind}\0{value}".encode("utf-8", "replace"), sha256)
        return f"{_LABELS[kind]}-{digest.hexdigest()[:10]}"

    def _cut(self, text: str) -> str:
        """A text that was cut short, without the start of a value at its end."""
        body = text[:-1]
        if (start := self._cut_value(body)) is not None:
            return f"{body[:start]}…"
        if (word := _CUT_BASE64.search(text)) is not None and self._packs_text(word[1]):
            return f"{text[: word.start()]}…"
        if "uids" in self.profiles:
            text = _CUT_UID.sub("…", text)
        if "ips" not in self.profiles or (run := _CUT_DIGITS.search(text)) is None:
            return text
        begins = _IP_BEGINS.search(text, run.start())
        return text if begins is None else f"{text[: begins.start()]}…"

    def _cut_value(self, body: str) -> int | None:
        """Where the longest start of a value begins that a text ends in. Of a start longer than
        `BY_START` no more is compared: what stands behind it goes too."""
        folded = _joined(body[max(0, len(body) - self._longest) :])
        before, near = len(body) - len(folded), max(0, len(folded) - BY_PATTERN)
        for at in chain(self._long.starts(folded, near), range(near, len(folded) - 2)):
            if self._starts_a_value(folded[at : at + BY_START]):
                return before + at
        return None

    def _starts_a_value(self, text: str) -> bool:
        index = bisect_left(self._sorted, text)
        return len(text) > 2 and index < len(self._sorted) and self._sorted[index].startswith(text)

    @staticmethod
    def _packs_text(word: str) -> bool:
        try:
            packed = word[: len(word) // 4 * 4].replace("-", "+").replace("_", "/")
            return b64decode(packed, validate=True).decode().isprintable()
        except (Base64Error, ValueError):
            return False

    # The record -------------------------------------------------------------------------------

    def _rewritten(self, part: _Part) -> _Part:
        if isinstance(part, (Tool, CatalogueEntry)):
            return part
        if isinstance(part, Statement):
            return self._said(part)  # type: ignore[return-value]
        kept = _KEPT.get(type(part), frozenset())
        update = {}
        for name, info in type(part).model_fields.items():
            if name in kept or name in _DIGESTS or _is_literal(info.annotation):
                continue
            value = getattr(part, name)
            rewritten = self._field(type(part), name, value)
            if rewritten is not value:
                update[name] = rewritten
        return part.model_copy(update=update) if update else part

    def _field(self, owner: type[BaseModel], name: str, value: Any) -> Any:
        if name == _OF_A_CHECK.get(owner):
            return self._names(value)
        if owner in _WITH_ENUMERATIONS and name in _DOCUMENTED:
            return self._worded(name, value)
        if owner is Verdict and name == "catalogue":
            return {self._check(check): known for check, known in value.items()}
        if owner is WaiverUse and name == "match":
            return self._match(value)
        if isinstance(value, str) and name == "pointer" and _POINTER.fullmatch(value):
            return value
        return self._value(value)

    def _check(self, name: str) -> str:
        """The name of a check item: which check failed must not hide behind the name of a node.

        A public name stays; so does one as only items are written, where a node is called like it
        or like a plain word of it: that tells of no node. In any other, what is to be hidden is.
        """
        if name in self._public or (_ITEM_NAME.fullmatch(name) and self._is_of_words(name)):
            return name
        return self.text(name)

    def _is_of_words(self, name: str) -> bool:
        """Whether nothing is found in a name but itself or plain words, in no other spelling."""
        if name in self._kinds:
            return True
        if self._pattern is None or self._found_in(name):
            return False
        if self.text(name) != self._by_pattern(name)[0]:
            return False
        return all(match[0].isalpha() for match in self._pattern.finditer(_small(name)))

    def _names(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._names(part) for part in value]
        if isinstance(value, dict):
            return {self._word(key): self._names(part) for key, part in value.items()}
        return self._check(value) if isinstance(value, str) else value

    def _worded(self, name: str, value: Any) -> Any:
        """The value of a field, or what a match asks of it: what is documented for it stays."""
        if isinstance(value, list):
            return [self._worded(name, part) for part in value]
        if isinstance(value, dict):
            return {self._word(key): self._worded(name, part) for key, part in value.items()}
        return value if value in _DOCUMENTED[name] else self._value(value)

    def _match(self, match: Any) -> Any:
        """What a waiver asks for: the words of its language stay."""
        if isinstance(match, list):
            return [self._match(part) for part in match]
        if not isinstance(match, dict):
            return self._value(match)
        return {
            self._word(key): self._names(value)
            if key == "check"
            else self._worded(key, value)
            if key in _DOCUMENTED
            else self._match(value)
            for key, value in match.items()
        }

    def _word(self, key: str) -> str:
        return key if key in _MATCH_WORDS else self.text(key)

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, BaseModel):
            return self._rewritten(value)
        if isinstance(value, list):
            return [self._value(part) for part in value]
        if isinstance(value, dict):
            return {self._value(key): self._value(part) for key, part in value.items()}
        return value

    def _said(self, said: Statement) -> Statement:
        params = {
            name: value
            if name in _OWN_PARAMS
            else self._names(value)
            if name in ("check", "checks")
            else self._worded(name, value)
            if name in _DOCUMENTED
            else self._value(value)
            for name, value in said.params.items()
        }
        if params == said.params and said.code in MESSAGES:
            return said
        known = said.code in MESSAGES  # a record may be newer, and says things anew
        text = say(said.code, params) if known else self.text(said.text)
        return Statement(code=said.code, params=params, text=text)

    def _explained(self, said: Explanation) -> Explanation:
        texts = {
            part.name: self.text(value)
            for part in fields(said)
            if part.name not in ("certainty", "as_of", "topic")
            and isinstance(value := getattr(said, part.name), str)
        }
        return replace(said, **{**texts, "name": self._check(said.name)})  # type: ignore[arg-type]


_KEPT: dict[type[BaseModel], frozenset[str]] = {
    Verdict: frozenset({"apiVersion", "defaults", "redaction"}),
    RuleMatch: frozenset({"fields", "undecided"}),
    Source: frozenset({"form", "encoding", "containers"}),
    Entry: frozenset({"waiver_stub"}),  # made again
}
_DIGESTS = frozenset({"sha256", "media_type"})


def key_id(key: bytes) -> str:
    """Which key it is, without saying anything of it."""
    return hmac.new(key, b"cce-precheck: id of a key of pseudonyms", sha256).hexdigest()[:12]


def chosen(text: str) -> list[RedactionProfile]:
    """What `--redact` names: `all`, or profiles with commas between. `PolicyError` if none is."""
    named = [part.strip() for part in text.split(",")]
    if "all" in named:
        return list(PROFILES)
    wrong = [name for name in named if name not in PROFILES]
    if wrong:
        raise PolicyError(
            f'--redact: "{wrong[0]}" is none of its profiles',
            hint="all, or with commas between: " + ", ".join(PROFILES),
        )
    return [profile for profile in PROFILES if profile in named]


def _is_literal(annotation: Any) -> bool:
    if get_origin(annotation) is Literal:
        return True
    return any(_is_literal(part) for part in get_args(annotation) if part is not type(None))


# Values ---------------------------------------------------------------------------------------


def _entries(verdict: Verdict) -> Iterator[Entry]:
    for check in verdict.checks:
        yield from check.entries


def _nodes(verdict: Verdict, task: PrecheckTask | None, name: str) -> Iterator[str]:
    for entry in _entries(verdict):
        for place in entry.places:
            yield from (value for node in place.nodes if (value := getattr(node, name)))
    if task is not None:
        section = task.status.node_check_status if task.status else None
        for stage in (section.node_stage_status if section else None) or ():
            if stage.node_info is not None and (value := getattr(stage.node_info, name)):
                yield value


def _node_values(verdict: Verdict, task: PrecheckTask | None) -> Iterator[str]:
    yield from _nodes(verdict, task, "name")
    yield from _matched(verdict.waivers, "node", "name")
    # A name may stand under uid, and a part of one in what is asked of a value.
    yield from _asked_of(verdict, "node", "node.uid", "matches", "message")


def _asked_of(verdict: Verdict, *of: str) -> Iterator[str]:
    """What rules ask of nodes or clusters: conditions tell it, and nothing else."""
    for said in verdict.conditions:
        keys, values = (said.params.get(name) for name in ("keys", "values"))
        if said.code.startswith("condition.names-") and isinstance(keys, list):
            pairs = zip(keys, values if isinstance(values, list) else (), strict=False)
            yield from (part for key, told in pairs if key in of for part in _TO.split(told))


_TO = re.compile(" → ")
"""Between what a policy asks for and what the response has."""


def _uid_values(verdict: Verdict, task: PrecheckTask | None) -> Iterator[str]:
    yield from _nodes(verdict, task, "uid")
    yield from _matched(verdict.waivers, "node", "uid")
    yield from _asked_of(verdict, "node.uid")
    for entry in _entries(verdict):
        yield from entry.risks.nodes
    for skip in verdict.skipped:
        yield from skip.node_uids
    choice = verdict.source.choice
    yield from _given(verdict.subject.task_uid, choice.task if choice else None)
    if task is not None:
        for _, _, _, items in iter_items(task):
            for item in items:
                risks = item.risk_source.node_risks if item.risk_source else None
                yield from (risk.node_id for risk in risks or () if risk.node_id)


def _cluster_values(verdict: Verdict, task: PrecheckTask | None) -> Iterator[str]:
    subject, choice = verdict.subject, verdict.source.choice
    yield from _given(
        subject.cluster_id,
        subject.cluster_name,
        subject.expected_cluster,
        choice.cluster if choice else None,
        task.spec.cluster_id if task is not None and task.spec is not None else None,
    )
    yield from _matched(verdict.waivers, "cluster")
    yield from _asked_of(verdict, "cluster")
    for line in verdict.evidence:
        for said in line.statements:
            if said.code.startswith("evidence.identity.cluster"):
                yield from _texts(said.params)


def _agent_values(verdict: Verdict, task: PrecheckTask | None) -> Iterator[str]:
    for entry in _entries(verdict):
        yield from _given(*(risk.user_agent for risk in entry.risks.deprecated_apis))
    if task is not None:
        for _, _, _, items in iter_items(task):
            for item in items:
                risks = item.risk_source.deprecated_api_risks if item.risk_source else None
                yield from _given(*(risk.user_agent for risk in risks or ()))


def _given(*values: str | None) -> Iterator[str]:
    yield from (value for value in values if value)


def _matched(waivers: Sequence[WaiverUse], *path: str) -> Iterator[str]:
    for waiver in waivers:
        yield from _under(waiver.match, path)


def _under(match: Any, path: tuple[str, ...]) -> Iterator[str]:
    """What a match asks of a key, wherever it stands in it."""
    if isinstance(match, list):
        for part in match:
            yield from _under(part, path)
    elif isinstance(match, dict):
        for key, value in match.items():
            if key != path[0]:
                yield from _under(value, path)
            elif len(path) == 1:
                yield from _texts(value)
            else:
                yield from _under(value, path[1:])


def _may_be_names(text: str) -> Iterator[str]:
    """Words of a text, alone or several together, with and without the signs around them."""
    words = _WORDS.findall(text)
    for count in range(1, 1 + MOST_WORDS):
        for at in range(len(words) - count + 1):
            whole = "".join(words[at : at + count]).strip()
            yield from filter(None, (whole, whole.strip(_AROUND_A_NAME)))
    # Within an address, or among signs of another script.
    for word in _PLAIN_WORDS.findall(text):
        yield from filter(None, (word, word.strip("._-"), *word.split(".")))


def _texts(value: Any) -> Iterator[str]:
    # "*" alone names nothing.
    return filter(_SEEN.search, _strings(value))


_SEEN = re.compile(r"[A-Za-z0-9]")


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for part in value:
            yield from _strings(part)
    elif isinstance(value, dict):
        for part in value.values():
            yield from _strings(part)


# Spellings ------------------------------------------------------------------------------------


_ALIKE = str.maketrans(
    "\u0130\u0131\u017f\u03a3\u03c2\u00b5\u0345\u1fbe\u03d0\u03d1\u03d5\u03d6\u03f0\u03f1\u03f5"
    "\u1c80\u1c81\u1c82\u1c83\u1c84\u1c85\u1c86\u1c87\u1c88\u1e9b\u1fd3\u1fe3\ufb06",
    "iis\u03c3\u03c3\u03bc\u03b9\u03b9\u03b2\u03b8\u03c6\u03c0\u03ba\u03c1\u03b5"
    "\u0432\u0434\u043e\u0441\u0442\u0442\u044a\u0463\ua64b\u1e61\u0390\u03b0\ufb05",
)
"""Letters that are the same but for their case, of which `lower` does not make the same one."""


def _small(text: str) -> str:
    """A text in small letters, each where it stood and whatever stands beside it: so what a text
    holds is held by it in small letters too. `lower` alone makes two letters of "\u0130", and
    tells a sigma at the end of a word from another."""
    return text.lower() if text.isascii() else text.translate(_ALIKE).lower()


def _joined(text: str) -> str:
    """A text as values are looked up, each letter where it stood: metrics, labels and file names
    write `a.b-c` as `a_b_c`."""
    return _small(text).replace("_", "-").replace(".", "-")


def _other_spellings(value: str) -> Iterator[str]:
    """Of a value that is not plain: as it is once it is decoded, and where its case changes its
    length."""
    plain = _decoded(value)
    if plain == value and value.isascii():
        return
    for spelled in (value, plain):
        yield from (spelled, spelled.lower(), spelled.upper())


def _uid_of(value: str) -> str | None:
    """A UUID, however its parts are joined, as it is written usually."""
    bare = re.sub("[-_]", "", value.lower())
    if re.fullmatch("[0-9a-f]{32}", bare) is None:
        return None
    return "-".join((bare[:8], bare[8:12], bare[12:16], bare[16:20], bare[20:]))


def _held_by(word: str) -> Iterator[str]:
    """What a word may hold as base64, also its variant for URLs, or as hex."""
    packed = word.rstrip("=").replace("-", "+").replace("_", "/")
    with suppress(Base64Error, ValueError):
        yield b64decode(packed + "=" * (-len(packed) % 4), validate=True).decode()
    with suppress(ValueError):
        yield bytes.fromhex(word).decode()


def _any_of(values: Sequence[str]) -> str:
    """A pattern that finds the longest of many texts without trying them one by one.

    The texts are `_joined`, and found however they are joined.
    """
    return _branch(_tree_of(values))


def _tree_of(values: Iterable[str]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for value in values:
        branch = tree
        for sign in value:
            branch = branch.setdefault(sign, {})
        branch[""] = {}
    return tree


def _no_pattern_for(values: Iterable[str]) -> list[str]:
    """The values that no pattern can look for in good time, the longest first."""
    few = [value for value in values if len(value) <= BY_PATTERN]
    tree = _tree_of(few)

    def forks(value: str) -> int:
        count, branch = 0, tree
        for sign in value:
            count += len(branch) > 1
            branch = branch[sign]
        return count

    sought = [value for value in values if len(value) > BY_PATTERN]
    sought += [value for value in few if len(value) > FORKS and forks(value) > FORKS]
    return sorted(sought, key=lambda value: (-len(value), value))


def _branch(tree: dict[str, Any]) -> str:
    ends = "" in tree
    options = []
    for sign, below in tree.items():
        if not sign:
            continue
        run = sign
        while len(below) == 1 and "" not in below:  # a run without a fork is one text
            ((sign, below),) = below.items()
            run += sign
        options.append(re.escape(run).replace(r"\-", "[-_.]") + _branch(below))
    if not options:
        return ""
    body = options[0] if len(options) == 1 and not ends else f"(?:{'|'.join(options)})"
    return f"{body}?" if ends else body


class _Starts:
    """Finds long values by their start, each in the same time however many they are.

    The values are `_joined`, and so are the texts they are looked for in.
    """

    def __init__(self, values: Iterable[str]) -> None:
        starts = {value[:START] for value in values}
        self._pattern = re.compile(_any_of(sorted(starts))) if starts else None
        self._values = sorted(value for value in values if len(value) <= BY_START)
        self._lengths: list[array[int]] = []
        """Of each value, of those it begins with and its own."""
        within: list[str] = []
        for value in self._values:
            while within and not value.startswith(within[-1]):
                within.pop()
            within.append(value)
            self._lengths.append(array("H", map(len, within)))

    def starts(self, text: str, until: int) -> Iterator[int]:
        """Where a value may begin."""
        at = 0
        while self._pattern is not None and at < until:
            match = self._pattern.search(text, at, until + START)
            if match is None or match.start() >= until:
                return
            yield match.start()
            at = match.start() + 1

    def found_in(self, text: str) -> Iterator[tuple[int, int, str]]:
        """The longest value wherever one stands: from where, to where, which."""
        behind = 0
        for start in self.starts(text, len(text)):
            if start < behind:
                continue
            if (found := self._longest(text[start : start + BY_START])) is not None:
                behind = start + len(found)
                yield start, behind, found

    def _longest(self, text: str) -> str | None:
        """The longest value that a text begins with: the one before it in their order begins with
        it too, if there is any."""
        index = bisect_right(self._values, text) - 1
        if index < 0:
            return None
        value = self._values[index]
        same = bisect_left(
            range(len(value)), True, key=lambda at: not text.startswith(value[: at + 1])
        )
        lengths = self._lengths[index]
        fitting = bisect_right(lengths, same)
        return value[: lengths[fitting - 1]] if fitting else None


def _json_opened(text: str) -> str:
    if "\\" not in text:
        return text
    return re.sub(
        r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([\"\\/]))",
        lambda match: match[3] or chr(int(match[1] or match[2], 16)),
        text,
    )


def _seen(text: str) -> str:
    """A text without what nobody sees in it, and in plain letters: zero-width characters and soft
    hyphens go, full-width letters and typographic hyphens become their plain ones."""
    if text.isascii():
        return text
    shown = "".join(sign for sign in text if unicodedata.category(sign) != "Cf")
    plain = (unicodedata.normalize("NFKC", part) for part in shown.split("…"))  # it marks a cut
    return _HYPHENS.sub("-", "…".join(plain))


_HYPHENS = re.compile("[\u2010-\u2015\u2212]")

_DECODERS: tuple[Callable[[str], str], ...] = (
    _seen,
    unquote,
    _json_opened,
    unescape,
    lambda text: text.replace("~1", "/").replace("~0", "~"),
)


def _decoded(text: str) -> str:
    """A text with every spelling undone that does not stand for all of it, as base64 does."""
    for _ in range(LAYERS):
        before = text
        for decode in _DECODERS:
            text = decode(text)
        if text == before:
            break
    return text
