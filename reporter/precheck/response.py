"""A response that was read: the task, and how it came in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Literal

from reporter.precheck.model import PrecheckTask
from reporter.precheck.unknown_fields import UnknownFields, unknown_fields
from reporter.signs import says_nothing


@dataclass(frozen=True)
class Sidecar:
    """What `fetch` wrote beside a saved body; believed only when its digest fits the body."""

    cluster_id: str | None
    target_version: str | None
    cluster_type: Literal["autopilot", "standard"] | None
    fetched_at: datetime | None
    name: str
    data: bytes


@dataclass(frozen=True)
class Wanted:
    """By what one task of a file that holds several is chosen."""

    task: str | None = None
    cluster: str | None = None
    target: str | None = None


Locate = Callable[[Iterable[str]], Mapping[str, tuple[int, int]]]
"""Line and column, from 1, of the values that RFC 6901 pointers name in the input."""


@dataclass(frozen=True)
class Source:
    """Where a response came from.

    `pointer` says where in the file the task stands ("" when it is the whole document), `others`
    how many other tasks the same file holds. `doubts` are codes of `reporter.words` that make
    the choice of this task uncertain; they keep a verdict from passing.
    """

    name: str
    data: bytes
    form: str = "json"
    pointer: str = ""
    others: int = 0
    doubts: tuple[str, ...] = ()
    newer: int = 0
    """How many of the others are newer and of the same cluster, or may be, where one was named."""

    elsewhere: int = 0
    """How many of the others are surely of another cluster, where nobody said which is meant."""

    lines_around: int = 0
    """How many lines of the input hold other text than the response: a log's."""

    passed_over: tuple[str, ...] = ()
    """The first twenty files that lay beside the response and are none, by their names."""

    passed_over_count: int = 0

    wanted: Wanted | None = None
    """None: nothing was chosen, every task of the file is a response of its own."""

    sidecar: Sidecar | None = None
    sidecar_misfit: bool = False
    """A sidecar lies beside the file and its digest is another's."""

    encoding: str = "utf-8"
    containers: tuple[str, ...] = ()
    """What `data` was taken out of, outermost first: `zip`, `gzip`, `tar` …"""

    locate: Locate | None = field(default=None, compare=False, repr=False)
    """Where places stand in `data`; None where it is no JSON."""


@dataclass(frozen=True)
class Response:
    """One pre-upgrade check task and its source."""

    task: PrecheckTask
    source: Source

    @property
    def clusters(self) -> tuple[str, ...]:
        """The cluster it is about, by its own word and then by the note of `fetch`, if one says.

        Two are two different ones: which of them is meant is not known. An id of which nothing is
        seen names none.
        """
        own = self.task.spec.cluster_id if self.task.spec else None
        noted = self.source.sidecar.cluster_id if self.source.sidecar else None
        return tuple(
            dict.fromkeys(name for name in (own, noted) if name and not says_nothing(name))
        )

    @cached_property
    def unknown(self) -> UnknownFields:
        """The task's undocumented fields; one walk serves reading and judging."""
        return unknown_fields(self.task)
