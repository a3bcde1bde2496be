"""Waivers to copy: what the summary and the page offer below a failed Risk."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from reporter import yamlfile
from reporter.precheck.finding import Scope
from reporter.record.instants import day_of
from reporter.record.model import Entry
from reporter.signs import hides_a_sign, legible

STUB_DAYS = 30
"""How long a ready-to-paste waiver stub would hold."""


class Stubs:
    """Waivers to copy: each for exactly the findings of one entry of a check, as YAML.

    It asks for no more than it takes to tell them apart: once a check is on the skip list, nothing
    is known of its level, and a waiver that asks for one would not cover it there. `elsewhere`:
    whether the response has a check of this name in another scope; `skipped`: whether its skip list
    has one already, which is not accepted with it. Where a waiver would cover another entry as
    well, it asks for the message, too.
    """

    def __init__(
        self,
        check: str | None,
        scope: Scope,
        entries: Sequence[Entry],
        instant: datetime,
        *,
        elsewhere: bool,
        skipped: bool,
    ) -> None:
        self._check, self._scope, self._instant = check, scope, instant
        self._elsewhere, self._skipped = elsewhere, skipped
        # No waiver covers an Exception.
        risks = [entry for entry in entries if entry.kind != "Exception"]
        self._at: dict[tuple[str | None, str | None], list[_Finding]] = {}
        for finding in (_Finding(entry, *named) for entry in risks for named in _named(entry)):
            for name in {*finding.nodes, *(name for risk in finding.addons for name in risk), ""}:
                for level in {finding.entry.level, None}:
                    self._at.setdefault((name, level), []).append(finding)
        self._levels = len({entry.level for entry in risks})
        self._of_message = Counter(entry.message for entry in risks)

    def of(self, entry: Entry) -> str | None:
        """To be given a reason and signed; None where it can't name the findings, or them alone."""
        uids, names = _uids(entry), _addon_names(entry)
        if self._check is None or None in map(legible, [*uids, *names]):
            return None  # what nobody can name can't be waived by name
        if self._scope == "node" and not uids:
            return None
        match: dict[str, object] = {"check": {"equals": self._check}}
        if self._elsewhere or self._skipped:
            match["scope"] = self._scope
        if entry.level is not None and (self._levels > 1 or self._skipped):
            match["level"] = entry.level
        if uids:
            match["node"] = {"uid": {"equals": uids[0] if len(uids) == 1 else uids}}
        if names:
            match["addon"] = {"equals": names[0] if len(names) == 1 else names}
        covers_a_skip = self._skipped and entry.level is None
        if covers_a_skip or self._covers_another(entry, uids or names):
            message = entry.message
            if message is None or hides_a_sign(message) or self._of_message[message] > 1:
                return None
            match["message"] = {"equals": message}
        slug = re.sub(r"[^A-Za-z0-9]+", "-", self._check).strip("-").lower() or "waiver"
        digest = sha256(repr(match).encode()).hexdigest()[:6]
        waiver: dict[str, object] = {"id": f"{slug}-{digest}", **match}
        waiver["reason"] = "TODO"
        waiver["approved_by"] = "TODO"
        waiver["starts"] = day_of(self._instant)
        waiver["expires"] = _stub_end(self._instant)
        return yamlfile.dump([waiver])

    def _covers_another(self, entry: Entry, names: Sequence[str | None]) -> bool:
        """Whether a waiver for its level, nodes and add-ons covers another entry, or may."""
        looked_at = 0
        nodes, addons = set(_uids(entry)), set(_addon_names(entry))
        for name in names or [""]:
            for finding in self._at.get((name, entry.level), ()):
                if finding.entry is entry:
                    continue
                looked_at += 1
                if looked_at > MOST_COMPARED or finding.is_within(nodes, addons):
                    return True
        return False


MOST_COMPARED = 200
"""Entries at the same nodes or add-ons: of more, the message tells which are meant."""


@dataclass(frozen=True)
class _Finding:
    entry: Entry
    nodes: frozenset[str | None]
    addons: frozenset[frozenset[str]]
    """Of each add-on its names: a waiver may mean it by either."""

    def is_within(self, nodes: set[str | None], addons: set[str | None]) -> bool:
        """Whether a waiver for these covers it: each node and add-on of its own is among them."""
        return (not nodes or (bool(self.nodes) and self.nodes <= nodes)) and (
            not addons or (bool(self.addons) and all(map(addons.intersection, self.addons)))
        )


def _named(entry: Entry) -> Iterator[tuple[frozenset[str | None], frozenset[frozenset[str]]]]:
    """Nodes and add-ons of each finding of an entry, each combination once."""
    addons = frozenset(
        frozenset(name for name in (risk.template_name, risk.alias) if name)
        for risk in entry.risks.addons
    )
    for nodes in {frozenset(node.uid for node in place.nodes) for place in entry.places}:
        yield nodes, addons


def _uids(entry: Entry) -> list[str | None]:
    return list(dict.fromkeys(node.uid for place in entry.places for node in place.nodes))


def _addon_names(entry: Entry) -> list[str | None]:
    addons = entry.risks.addons
    return list(dict.fromkeys(risk.template_name or risk.alias or None for risk in addons))


def _stub_end(instant: datetime) -> str:
    try:
        return day_of(instant + timedelta(days=STUB_DAYS))
    except OverflowError:
        return "9999-12-31"
