"""What changed between two records of one cluster. Versioned like the record it is made from."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, computed_field, model_validator

from reporter.record.model import (
    Digest,
    FindingOutcome,
    Moment,
    Node,
    Outcome,
    OutcomeCounts,
    Part,
    PolicyUse,
    Scope,
    Statement,
    Timestamp,
    Tool,
)

DIFF_VERSION: Literal["precheck.diff/v1alpha"] = "precheck.diff/v1alpha"

Subject = Literal["finding", "skipped", "limit", "evidence"]
Status = Literal["new", "changed", "gone", "fixed", "same"]
Field_ = Literal["outcome", "kind", "level", "message", "waived", "count", "skipped"]

STATUSES: tuple[Status, ...] = ("new", "changed", "gone", "fixed", "same")
"""In the order reports tell them."""

REFUSING: frozenset[FindingOutcome] = frozenset({"fail", "unknown"})
"""Outcomes that keep a verdict from passing."""


class DiffSide(Part):
    """One of the two: a record, or a response that was judged for the comparison."""

    name: str = Field(description="the path as given")
    form: Literal["response", "record"]
    outcome: Outcome
    headline: Statement
    cluster_id: str | None = None
    cluster_name: str | None = None
    cluster_version: str | None = None
    target_version: str | None = None
    task_uid: str | None = None
    updated: Moment | None = None
    judged_at: Timestamp = Field(description="UTC")
    response_sha256: Digest | None = None
    policies: list[PolicyUse]
    findings: OutcomeCounts


class State(Part):
    """What one side says about one check at one node; several findings are told together."""

    outcome: FindingOutcome = Field(description="the worst of them")
    count: int = Field(description="how many")
    failing: int = Field(description="how many of them fail or are unknown")
    kinds: list[str]
    levels: list[str]
    messages: list[str]
    waived_by: list[str]
    skipped: bool = Field(
        default=False, description="skipped on the server, so that CCE found none"
    )


class Change(Part):
    """One check at one node (or add-on, or neither) that did not pass on both sides."""

    subject: Subject
    status: Status = Field(
        description="`fixed`: it passes now; `gone`: the new check does not show whether it does"
    )
    new_failure: bool = Field(
        description="more of it fails or is unknown than before, or what does is `worse`"
    )
    worse: bool = Field(
        default=False,
        description="what fails or is unknown on both sides is graver now: an Exception that was a "
        "Risk, a higher level, or known to fail where it was unknown or skipped",
    )
    check: str | None = Field(
        default=None, description="check item name; of a limit its rule, of evidence its line"
    )
    scope: Scope | None = None
    node: Node | None = None
    addons: list[str]
    differs: list[Field_] = Field(default=[], description="of a `changed` one, what differs")
    before: State | None = Field(default=None, description="null: passed, or was not there")
    after: State | None = Field(default=None, description="null: passes, or is not there")
    passed: bool = Field(
        default=False, description="where one of the two is null: it is known to pass there"
    )


class Obstacle(Part):
    """Why the two can't be compared, and what to do."""

    what: Statement
    why: list[Statement] = Field(default=[], description="of a side, what its own verdict says")
    action: Statement


class Tally(Part):
    """How many changes there are."""

    new_failures: int = 0
    new: int = 0
    changed: int = 0
    gone: int = 0
    fixed: int = 0
    same: int = 0

    def of(self, status: Status) -> int:
        """The number of one status."""
        number: int = getattr(self, status)
        return number


class Diff(Part):
    """Does the new check fail where the old one did not?

    While `comparable` is false there are `obstacles` and nothing else is said.
    """

    apiVersion: Literal["precheck.diff/v1alpha"] = DIFF_VERSION
    kind: Literal["Diff"] = "Diff"
    tool: Tool
    comparable: bool
    headline: Statement
    obstacles: list[Obstacle]
    notes: list[Statement]
    old: DiffSide
    new: DiffSide
    tally: Tally
    changes: list[Change]

    @model_validator(mode="before")
    @classmethod
    def _exit_code_is_computed(cls, data: Any) -> Any:
        if isinstance(data, dict) and "exit_code" in data:
            data = {key: value for key, value in data.items() if key != "exit_code"}
        return data

    @computed_field(  # type: ignore[prop-decorator]
        description="0 no new failure, 1 new failures, 3 not comparable"
    )
    @property
    def exit_code(self) -> int:
        """0 no new failure · 1 new failures · 3 not comparable."""
        if not self.comparable:
            return 3
        return 1 if self.tally.new_failures else 0
