"""Whether a waiver may cover what a record says it covers, as far as its match spells it out.

What it asks for stands in the record as written. A value spelled literally is compared; a glob, a
regular expression, a range, a path, and what stands under `any` or `not`, is not asked again. Of a
value that is missing no waiver is sure. In a redacted record a pseudonym may stand for a whole
glob: there a plain text is believed to be literal only if it is one word.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from reporter.signs import reads_as_written

if TYPE_CHECKING:
    from reporter.record.model import Check, Entry, Node, SkippedCheck, Verdict, WaiverUse

_OF_A_FINDING = frozenset({"kind", "level", "group", "phase", "message", "error_code", "where"})
"""Keys that nothing but a finding has a value for."""
_OF_A_NODE = frozenset({"node", "scope"})
_NODE_KEYS = ("uid", "name", "status", "type")


def exceptions_alone(kinds: Iterable[tuple[str | None, Collection[str]]]) -> frozenset[str]:
    """The names of checks that a response shows only as Exceptions, in small letters.

    One written in other capitals on the skip list is taken for the same.
    """
    found: dict[str, set[str]] = {}
    for name, its in kinds:
        if name is not None:
            found.setdefault(name, set()).update(its)
    return frozenset(
        name.casefold() for name, its in found.items() if "Exception" in its and "Risk" not in its
    )


def can_be_covered(skip: SkippedCheck, record: Verdict, exceptions: Container[str]) -> bool:
    """Whether any waiver may cover a skip: it says what was skipped, and that may be a Risk.

    `exceptions`: of `exceptions_alone`.
    """
    if not skip.name or (skip.has_selector and not skip.node_uids):
        return False
    if record.redaction is not None:
        return True  # two names may have become one
    return reads_as_written(skip.name) and skip.name.casefold() not in exceptions


class Asked:
    """What a waiver asks for, to be held against much of what it covers."""

    def __init__(self, use: WaiverUse, record: Verdict) -> None:
        self._is_redacted = record.redaction is not None
        self._cluster = record.subject.cluster_id
        self._keys = frozenset(_keys(use.match))
        asked = {key: value for key, value in use.match.items() if value is not None}
        of_node = asked.get("node")
        if isinstance(of_node, dict):
            asked |= {f"node.{key}": value for key, value in of_node.items() if value is not None}
        self._asked = {key: self._literals(value) for key, value in asked.items()}

    def may_cover(self, check: Check, entry: Entry) -> bool:
        """Whether it is not surely for something else than these findings."""
        values = {
            "check": check.name,
            "kind": entry.kind,
            "level": entry.level,
            "group": entry.group,
            "phase": entry.phase,
            "scope": check.scope,
            "message": entry.message,
            "cluster": self._cluster,
        }
        if "check" not in self._asked or not all(map(self._fits, values, values.values())):
            return False
        codes: list[str | None] = [*entry.error_codes] or [None]
        return all(self._fits("error_code", code) for code in codes) and (
            "node" not in self._asked or all(self._fit(place.nodes) for place in entry.places)
        )

    def may_cover_skip(self, skip: SkippedCheck) -> bool:
        """Whether it is not surely for something else than this skip, or asks for more of it."""
        if self._keys & _OF_A_FINDING or (self._keys & _OF_A_NODE and not skip.has_selector):
            return False
        return (
            "check" in self._asked
            and self._fits("check", skip.name)
            and self._fits("scope", "node" if skip.has_selector else "cluster")
            and self._fits("cluster", self._cluster)
            # Nothing else is known of the nodes of a skip.
            and not any(f"node.{key}" in self._asked for key in _NODE_KEYS if key != "uid")
            and all(self._fits("node.uid", uid) for uid in skip.node_uids)
        )

    def _fit(self, nodes: list[Node]) -> bool:
        return bool(nodes) and all(
            self._fits(f"node.{key}", getattr(node, key)) for node in nodes for key in _NODE_KEYS
        )

    def _fits(self, key: str, value: str | None) -> bool:
        if key not in self._asked:
            return True
        literals = self._asked[key]
        return value is not None and (literals is None or value in literals)

    def _literals(self, asked: Any) -> frozenset[str] | None:
        """All that patterns may fit, where each of them spells it; None where one does not."""
        if isinstance(asked, list):
            found: set[str] = set()
            for part in asked:
                if (literals := self._literals(part)) is None:
                    return None
                found |= literals
            return frozenset(found)
        if isinstance(asked, dict) and asked.keys() == {"equals"}:
            values = asked["equals"] if isinstance(asked["equals"], list) else [asked["equals"]]
            return frozenset(values) if all(isinstance(one, str) for one in values) else None
        if not isinstance(asked, str) or any(sign in asked for sign in "*?["):
            return None
        return None if self._is_redacted and not asked.isalnum() else frozenset({asked})


def _keys(match: Any) -> Iterator[str]:
    """Every key of a match that asks for something, under `any` and `not` too."""
    if not isinstance(match, dict):
        return
    for key, value in match.items():
        if value is not None:
            yield key
    yield from _keys(match.get("not"))
    alternatives = match.get("any")
    for part in alternatives if isinstance(alternatives, list) else []:
        yield from _keys(part)
