"""A first policy or waiver list for a response, to be read, completed and signed by people.

Prose stands behind `## `, YAML that waits to be switched on behind `# `: taking `# ` off the
start of lines switches it on and leaves the prose a comment.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Literal

from reporter import yamlfile
from reporter.catalogue.read import Catalogue
from reporter.policy.evaluate import Decided, Judgement
from reporter.policy.load import API_VERSION
from reporter.policy.match import Match
from reporter.policy.model import MatchSpec
from reporter.precheck.finding import Node
from reporter.precheck.model import KINDS, LEVELS
from reporter.record.instants import day_of
from reporter.signs import legible

DAYS = 30
"""How long a suggested waiver would hold."""
WIDTH = 78
SHOWN_NODES = 5
SHOWN_TEXT = 200

Wrap = Callable[[str, int], list[str]]
"""Breaks a text into rows of a width; handed over by whoever knows how wide a sign is."""

_Lines = Iterator[str]


@dataclass(frozen=True)
class _Group:
    """Failed Risks that one waiver is for."""

    check: str
    scope: str
    level: str | None
    parts: tuple[Decided, ...]


def suggest(judgement: Judgement, form: Literal["policy", "waivers"], wrap: Wrap) -> list[str]:
    """The lines of a policy or waiver list that loads as it stands and waives nothing yet.

    As a policy: a rule for each check, kind and level that failed, and the waivers. Waivers are
    for the Risks that `judgement` fails; each covers the findings it was made of and no others.
    """
    return list(_Writer(judgement, wrap, form).lines())


class _Writer:
    """Writes one suggestion."""

    def __init__(
        self, judgement: Judgement, wrap: Wrap, form: Literal["policy", "waivers"]
    ) -> None:
        self.judgement = judgement
        self.form = form
        self.wrap = wrap
        self.failed = [
            part
            for part in judgement.decided
            if part.target.phase == "Failed" and part.target.check is not None
        ]
        sections = {(part.target.check, part.finding.scope) for part in judgement.decided}
        self.scopes = Counter(name for name, _ in sections | judgement.passes.keys())
        levels = {
            (part.target.check, part.target.level)
            for part in judgement.decided
            if part.target.kind != "Exception"
        }
        self.levels = Counter(name for name, _ in levels)
        self.skipped = {(skip.skip.name or "").casefold() for skip in judgement.skips}

    def lines(self) -> _Lines:
        """The whole file."""
        yield from self._head(self.form)
        if self.form == "policy":
            yield from self._rules()
        yield from self._waivers(self.form)
        yield from self._never()

    def _prose(self, text: str, lead: str = "## ") -> list[str]:
        """A comment, wrapped; nothing that came from the cloud can end it."""
        hang = lead.replace("-", " ")
        rows = self.wrap(_visible(text), WIDTH - len(lead))
        return [f"{lead if index == 0 else hang}{row}" for index, row in enumerate(rows or [""])]

    def _head(self, form: str) -> _Lines:
        judgement, facts = self.judgement, self.judgement.facts
        what = "A starting policy" if form == "policy" else "A starting waiver list"
        yield from self._prose(
            f"{what} for cluster {facts.cluster or '(not named)'}, upgrade "
            f"{facts.from_version or '?'} to {facts.target_version or '?'}, from "
            f"{judgement.response.source.name} as of {day_of(judgement.instant.at)}."
        )
        names = ", ".join(file.source for file in judgement.policy.files)
        yield from self._prose(f"Judged by {names}: {judgement.outcome}. Replace every TODO.")
        head: dict[str, Any] = {
            "apiVersion": API_VERSION,
            "kind": "Policy" if form == "policy" else "WaiverList",
            "metadata": {
                "name": "starting-policy" if form == "policy" else "starting-waivers",
                "owner": "TODO",
                "version": "1",
            },
        }
        yield from _yaml(head)
        if form == "policy":
            yield ""
            yield from self._prose(
                "What no rule below names fails, and so does every skip without a waiver."
            )
            yield from _yaml({"defaults": {"unmatched": "fail", "skipped": "fail"}})

    # Rules --------------------------------------------------------------------------------------

    def _rules(self) -> _Lines:
        groups: dict[tuple[str, str, str], list[Decided]] = {}
        for part in self.failed:
            target = part.target
            if part.outcome == "unknown" or target.kind is None or target.level is None:
                continue  # nobody knows what it means: the default has to hold
            groups.setdefault((target.check or "", target.kind, target.level), []).append(part)
        if not groups:
            return
        yield ""
        yield "rules:"
        taken: set[str] = set()
        for (check, kind, level), parts in sorted(groups.items()):
            effect = _effect(parts)
            rule: dict[str, Any] = {
                "id": _unique("-".join(_slug(part) for part in (check, kind, level)), taken),
                "title": _title(check, effect, self.judgement.policy.catalogue),
                "match": {
                    "check": {"equals": check},
                    "kind": _literal(kind, KINDS),
                    "level": _literal(level, LEVELS),
                },
                "effect": effect,
            }
            if effect != "fail" and kind == "Exception":
                rule["reason"] = "TODO"  # who tolerates an Exception by name says why
            yield from self._prose(_findings_text(parts), "  ## ")
            yield from ("  " + line for line in _yaml([rule]))

    # Waivers ------------------------------------------------------------------------------------

    def _waivers(self, form: str) -> _Lines:
        # A rule may fail what succeeded; such a rule is not part of a suggested policy.
        among = self.failed if form == "policy" else self.judgement.decided
        turnable = [
            part
            for part in among
            if part.outcome == "fail" and part.waivable and part.target.check is not None
        ]
        yield ""
        if not turnable:
            yield from self._prose("No Risk failed that a waiver could turn.")
            return
        yield from self._prose(
            "Waivers for the failed Risks. Each is for exactly the findings named above it, for "
            f"{DAYS} days, and none is switched on: that is done by taking the '# ' off the start "
            "of its lines and of 'waivers:'."
        )
        yield "# waivers:"
        for group in _waiver_groups(turnable):
            yield from self._prose(_findings_text(group.parts), "##   ")
            for text in _messages(group.parts):
                yield from self._prose(text, "##   ")
            match = self._match(group)
            if match is None:
                yield from self._prose(
                    "no waiver is narrow enough: the response does not name the place", "##   "
                )
                continue
            match, others = self._narrowed(match, group)
            if others:
                yield from self._prose(
                    f"careful, it covers {others:,} more of this check: nothing in the response "
                    "sets them apart",
                    "##   ",
                )
            waiver = _waiver(self.judgement.instant.at, match)
            yield from ("#   " + line for line in _yaml([waiver]))

    def _match(self, group: _Group) -> dict[str, Any] | None:
        # As the stubs of a verdict: what tells findings apart, and no more.
        match: dict[str, Any] = {"check": {"equals": group.check}}
        skipped = group.check.casefold() in self.skipped
        if self.scopes[group.check] > 1 or skipped:
            match["scope"] = group.scope
        if group.level is not None and (self.levels[group.check] > 1 or skipped):
            match["level"] = _literal(group.level, LEVELS)
        if (cluster := legible(self.judgement.facts.cluster)) is not None:
            match["cluster"] = {"equals": cluster}
        for what in ("node", "addon"):
            found = [_names(part, what) for part in group.parts]
            names = list(dict.fromkeys(name for some in found for name in some))
            if None in names:
                return None  # what nobody can name can't be waived by name
            if names:
                equals = {"equals": names[0] if len(names) == 1 else names}
                match[what] = {"uid": equals} if what == "node" else equals
        return match

    def _narrowed(self, match: dict[str, Any], group: _Group) -> tuple[dict[str, Any], int]:
        """The match, by message too where it would cover others; and how many it still would."""
        others = self._others(match, group)
        messages = list(dict.fromkeys(part.target.message for part in group.parts))
        if not others or None in messages:
            return match, others
        narrow = match | {"message": {"equals": messages[0] if len(messages) == 1 else messages}}
        left = self._others(narrow, group)
        return (narrow, left) if left < others else (match, others)

    def _others(self, match: dict[str, Any], group: _Group) -> int:
        """How many findings a waiver would turn that it was not made for."""
        compiled = Match(MatchSpec.model_validate(match))
        meant = {part.finding.pointer for part in group.parts}
        return sum(
            self._could_turn(part)
            and part.finding.pointer not in meant
            and compiled.fits_waiver(part.target) is True
            for part in self.judgement.decided
        )

    def _could_turn(self, part: Decided) -> bool:
        """As a policy, its rules are for all of a check, kind and level: what was noted, too."""
        noted = part.outcome == "note" and part.target.kind == "Risk"
        return part.waivable or (noted and self.form == "policy")

    # What no waiver helps against ---------------------------------------------------------------

    def _never(self) -> _Lines:
        exceptions, refused, nameless, lenient = [], [], [], []
        for part in self.judgement.decided:
            target, outcome = part.target, part.outcome
            if target.kind == "Exception" and target.phase == "Failed" and outcome != "unknown":
                exceptions.append(part)
            elif outcome in ("warn", "note"):
                lenient.append(part)
            elif outcome in ("fail", "unknown") and not part.waivable:
                refused.append(part)
            elif outcome == "fail" and target.check is None:
                nameless.append(part)
        yield from self._listed(
            "Exceptions: they can't be waived and have to be resolved.", exceptions
        )
        yield from self._listed("These can't be waived either:", refused, why=True)
        yield from self._listed("These have no name that a waiver could use:", nameless)
        yield from self._listed("These stop nothing under the policy judged by:", lenient)
        skips = [skip for skip in self.judgement.skips if skip.outcome == "fail"]
        if skips:
            yield ""
            yield from self._prose("Skipped on the server, which no waiver above covers:")
            for skip in skips:
                name = skip.skip.name or "(without a name)"
                yield from self._prose(f"{name}: {skip.why.text}", "##  - ")
        missing = [
            line
            for line in self.judgement.evidence
            if line.state == "not-ok" and line.level == "require"
        ]
        if missing:
            yield ""
            yield from self._prose("Evidence that does not hold; no waiver helps against it:")
            for line in missing:
                said = "; ".join(part.text for part in line.statements)
                yield from self._prose(f"{line.id}: {said}", "##  - ")

    def _listed(self, title: str, parts: Sequence[Decided], *, why: bool = False) -> _Lines:
        if not parts:
            return
        yield ""
        yield from self._prose(title)
        groups: dict[tuple[str, ...], list[Decided]] = {}
        for part in parts:
            target = part.target
            tag = (part.finding.scope, target.kind or "", target.level or "")
            reason = part.why.text if why else ""
            groups.setdefault((target.check or "", *tag, reason), []).append(part)
        for key, found in sorted(groups.items()):
            said = [_findings_text(found), *([key[-1]] if why else []), *_messages(found)]
            yield from self._prose("; ".join(said), "##  - ")


def _literal(value: str, documented: frozenset[str]) -> object:
    """A documented value as it is; any other so that it can't be read as a pattern."""
    return value if value in documented else {"equals": value}


def _effect(parts: Sequence[Decided]) -> str:
    """As strict as the judgement was; a waived finding fails without its waiver."""
    outcomes = {part.outcome for part in parts}
    if outcomes <= {"note"}:
        return "note"
    return "warn" if outcomes <= {"warn", "note"} else "fail"


def _title(check: str, effect: str, known: Catalogue) -> str:
    item = known.items.get(check)
    said = {"fail": "must not fail", "warn": "warns when it fails", "note": "is noted"}[effect]
    return f"{check} {said}" + (
        f" ({known.topics[item.topic].en.title})" if item is not None else ""
    )


def _waiver_groups(parts: Sequence[Decided]) -> list[_Group]:
    """By check, scope and level; what names its nodes or add-ons apart from what does not."""
    groups: dict[tuple[str, ...], list[Decided]] = {}
    for part in parts:
        target = part.target
        key = (target.check or "", part.finding.scope, target.level or "")
        named = tuple(_naming(_names(part, what)) for what in ("node", "addon"))
        groups.setdefault((*key, *named), []).append(part)
    return [
        _Group(check=key[0], scope=key[1], level=key[2] or None, parts=tuple(found))
        for key, found in sorted(groups.items())
    ]


def _naming(names: Sequence[str | None]) -> str:
    if not names:
        return "none"
    return "nameless" if None in names else "named"


def _names(part: Decided, what: str) -> list[str | None]:
    """The node uids or add-on names of a finding; None for one without a name to go by."""
    if what == "node":
        return [legible(node.uid) for node in part.finding.nodes]
    return [legible(template or alias) for template, alias in part.target.addons]


def _waiver(instant: datetime, match: dict[str, Any]) -> dict[str, Any]:
    digest = sha256(repr(match).encode()).hexdigest()[:6]
    try:
        end = day_of(instant + timedelta(days=DAYS))
    except OverflowError:
        end = "9999-12-31"
    return {
        "id": f"{_slug(match['check']['equals'])}-{digest}",
        **match,
        "reason": "TODO",
        "approved_by": "TODO",
        "ticket": "TODO",
        "starts": day_of(instant),
        "expires": end,
    }


# Texts -------------------------------------------------------------------------------------------


def _findings_text(parts: Sequence[Decided]) -> str:
    """`SampleSwap (node, Risk Warning): 3 findings on a, b, c`."""
    target = parts[0].target
    scopes = " and ".join(sorted({part.finding.scope for part in parts}))
    tag = " ".join(word for word in (target.kind, target.level) if word)
    nodes = [_node_name(node) for part in parts for node in part.finding.nodes]
    distinct = list(dict.fromkeys(nodes))
    more = f" and {len(distinct) - SHOWN_NODES:,} more" if len(distinct) > SHOWN_NODES else ""
    where = f" on {', '.join(distinct[:SHOWN_NODES])}{more}" if distinct else ""
    count = f"{len(parts):,} finding{'' if len(parts) == 1 else 's'}"
    name = target.check or "(a check without a name)"
    return f"{name} ({', '.join(word for word in (scopes, tag) if word)}): {count}{where}"


def _node_name(node: Node) -> str:
    return node.name or node.uid or "a node without a name"


def _messages(parts: Sequence[Decided]) -> list[str]:
    """What the first of them says, and how many say something else."""
    messages = list(dict.fromkeys(part.target.message for part in parts if part.target.message))
    if not messages:
        return []
    first = _visible(messages[0])
    first = first if len(first) <= SHOWN_TEXT else first[: SHOWN_TEXT - 1] + "…"
    others = len(messages) - 1
    more = f" (and {others:,} other message{'' if others == 1 else 's'})" if others else ""
    return [f"says: {first}{more}"]


def _visible(text: str) -> str:
    """On one line, with U+FFFD for every character that shows nothing or moves others about."""
    shown = "".join(
        sign if sign.isprintable() else " " if sign.isspace() else "\ufffd" for sign in text
    )
    return " ".join(shown.split())


def _slug(text: str) -> str:
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", text)
    return re.sub(r"[^A-Za-z0-9]+", "-", words).strip("-").lower() or "check"


def _unique(name: str, taken: set[str]) -> str:
    unique, number = name, 2
    while unique in taken:
        unique, number = f"{name}-{number}", number + 1
    taken.add(unique)
    return unique


def _yaml(data: Any) -> list[str]:
    """YAML lines of printable characters alone, which say exactly the same."""
    odd: dict[str, str] = {}

    def held(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: held(part) for key, part in value.items()}
        if isinstance(value, list):
            return [held(part) for part in value]
        if value.isprintable() and "##" not in value:
            return value
        # Spelled as escapes below: `##[` would be a command to some consoles, the rest unseen.
        name = f"Odd{sha256(value.encode()).hexdigest()}"
        odd[name] = '"' + "".join(_escaped(sign) for sign in value) + '"'
        return name

    text = yamlfile.dump(held(data))
    for name, spelled in odd.items():
        text = text.replace(name, spelled)
    return text.splitlines()


def _escaped(sign: str) -> str:
    plain = sign.isascii() and sign.isprintable() and sign not in '"\\#'
    return sign if plain else f"\\U{ord(sign):08X}"
