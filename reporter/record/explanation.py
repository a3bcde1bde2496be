"""What is known of a check item, for people to read beside a verdict. Never part of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Explanation:
    """A check item name explained in one language; what nobody knows is None."""

    name: str
    """The item's name, exactly as the API spells it."""
    certainty: Literal["verified", "likely", "user"]
    """How sure the connection between name and topic is; `user`: a user's file makes it."""
    as_of: str
    """The day the shipped texts' sources were read, YYYY-MM-DD."""
    topic: str | None = None
    title: str | None = None
    checks: str | None = None
    """"Whether …", without a full stop."""
    fix: str | None = None
    link: str | None = None
    """Huawei Cloud's page, for the type of cluster and the language."""
    runbook: str | None = None
    """The user's own page."""
    because: str | None = None
    """Why the connection is as sure as it is."""
    own: frozenset[str] = frozenset()
    """The fields above that a user's file says."""

    @property
    def likely(self) -> bool:
        """Whether something shown rests on a connection that is only likely."""
        shipped = {"title", "checks", "fix", "link"} - self.own
        return self.certainty == "likely" and any(getattr(self, part) for part in shipped)
