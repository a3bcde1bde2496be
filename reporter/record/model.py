"""The record of one judgement: the hinge between judging and reporting.

A report is a pure function of this record and its exhibits. It holds codes with parameters,
never prose alone: each `Statement` has an English `text` beside its code for people who read
the JSON, and reports say the code in their own language.

Text that came from the cloud stands here exactly as it came; reports clean it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, computed_field, model_validator

API_VERSION: Literal["precheck.verdict/v1alpha"] = "precheck.verdict/v1alpha"
SEMANTICS: Literal[1] = 1
"""Under which rules a verdict was reached; raised when the same evidence could judge otherwise."""

Outcome = Literal["pass", "fail", "inconclusive"]
FindingOutcome = Literal["fail", "unknown", "warn", "waived", "note", "pass"]
SkipOutcome = Literal["fail", "warn", "note", "waived"]
Effect = Literal["fail", "warn", "note"]
Scope = Literal["cluster", "addon", "node"]
EvidenceId = Literal[
    "recognised",
    "finished",
    "consistent",
    "complete",
    "unexpired",
    "fresh",
    "identity",
    "provider",
]
EvidenceState = Literal["ok", "not-ok", "not-applicable"]
EvidenceLevel = Literal["require", "warn", "off", "note"]
WaiverStatus = Literal[
    "used",
    "unused",
    "elsewhere",
    "expired",
    "not-yet-valid",
    "not-applicable",
    "exceeded",
]
ClusterType = Literal["autopilot", "standard"]

OUTCOMES_WORST_FIRST: tuple[FindingOutcome, ...] = (
    "fail",
    "unknown",
    "warn",
    "waived",
    "note",
    "pass",
)

NOT_FILES = frozenset({"standard input", "bytes"})
"""Names of a `Source` that is no file, so that no place in it can be opened."""

Param = str | int | list[str] | None


def _on_the_calendar(moment: datetime) -> datetime:
    """Records are a stranger's, and an instant is shown in UTC."""
    if moment.tzinfo is None:
        raise ValueError("an instant without an offset")
    try:
        moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("an instant that is on no calendar") from None
    return moment


Timestamp = Annotated[datetime, AfterValidator(_on_the_calendar)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256, lower-case hex")]


class Part(BaseModel):
    """Base of everything in the record: frozen, and strict about what it holds."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Statement(Part):
    """Something the record says: a code of `reporter.words`, its parameters, and the English."""

    code: str
    params: dict[str, Param] = {}
    text: str


class Tool(Part):
    """Which program judged."""

    name: str = "cce-precheck"
    version: str


class Instant(Part):
    """The point in time the verdict is for."""

    at: Timestamp = Field(description="UTC")
    basis: Literal["now", "response", "given"] = Field(
        description="the clock, the response's own update time, or a time given by hand"
    )
    backdated: bool = Field(description="the instant lay in the past when the verdict was reached")
    postdated: bool = Field(
        default=False, description="the instant lay in the future when the verdict was reached"
    )


class Moment(Part):
    """A timestamp of the response: as it came, and in UTC where it could be read."""

    text: str
    at: Timestamp | None = None


class Change(Part):
    """What the person who ran the check said about the change it belongs to."""

    id: str | None = None
    window_start: Timestamp | None = None
    window_end: Timestamp | None = None
    prepared_by: str | None = None


class Subject(Part):
    """What was judged: the cluster, the upgrade and the pre-upgrade check task."""

    cluster_id: str | None = None
    cluster_id_from: Literal["response", "sidecar"] | None = None
    cluster_name: str | None = Field(default=None, description="as given by the person who ran it")
    cluster_type: ClusterType | None = None
    cluster_type_from: Literal["option", "sidecar"] | None = None
    cluster_version: str | None = None
    target_version: str | None = None
    target_version_from: Literal["response", "sidecar"] | None = None
    task_uid: str | None = None
    task_phase: str | None = None
    task_message: str | None = None
    created: Moment | None = None
    updated: Moment | None = None
    expires: Moment | None = None
    expected_cluster: str | None = Field(default=None, description="--expect-cluster")
    expected_target: str | None = Field(default=None, description="--expect-target")
    change: Change = Change.model_construct()


class Gate(Part):
    """How the verdict becomes an exit code."""

    fail_on: Literal["fail", "warn"] = "fail"
    advisory: str | None = Field(
        default=None, description="reason given with --advisory: exit 0 whatever the verdict"
    )


class NearMiss(Part):
    """A waiver that names this check and still does not cover the finding, and why."""

    waiver: str
    why: Statement


class Reason(Part):
    """One reason why the verdict is not `pass`, and what to do; worst first in the record."""

    outcome: Literal["fail", "unknown", "inconclusive"]
    what: Statement
    details: list[Statement] = Field(
        default=[], description="for node findings: what their message says, and which nodes"
    )
    why: Statement
    actions: list[Statement] = Field(min_length=1)
    near_misses: list[NearMiss] = []
    check: str | None = None
    scope: Scope | None = None
    kind: str | None = None
    level: str | None = None


class EvidenceLine(Part):
    """One line of: may this response be judged at all?"""

    id: EvidenceId
    state: EvidenceState
    level: EvidenceLevel
    statements: list[Statement] = Field(min_length=1)
    pointers: list[str] = Field(
        default=[], description="RFC 6901, where in the response; the first hundred"
    )


class Node(Part):
    """A node as the response names it; what it leaves out is null."""

    uid: str | None = None
    name: str | None = None
    status: str | None = None
    type: str | None = None


class Place(Part):
    """Where a finding was seen."""

    pointer: str = Field(description="RFC 6901 pointer of the check item in the response")
    line: int | None = None
    column: int | None = None
    nodes: list[Node] = []


class ConfigurationRisk(Part):
    """A row of `riskSource.configurationRisks`."""

    package: str | None = None
    source_file: str | None = None
    node_message: str | None = None
    field: str | None = None
    operation: str | None = None
    original_value: str | None = None
    value: str | None = None


class DeprecatedApiRisk(Part):
    """A row of `riskSource.deprecatedAPIRisks`."""

    url: str | None = None
    user_agent: str | None = None


class AddonRisk(Part):
    """A row of `riskSource.addonRisks`."""

    template_name: str | None = None
    alias: str | None = None


class Risks(Part):
    """`riskSource`, by type."""

    configuration: list[ConfigurationRisk] = []
    deprecated_apis: list[DeprecatedApiRisk] = []
    nodes: list[str] = Field(default=[], description="distinct node ids")
    addons: list[AddonRisk] = []


class PathMatches(Part):
    """What a JSONPath condition found: zero matches are as visible as many."""

    path: str
    matches: int = Field(description="values found, null and empty ones not counted")
    unlike: int = Field(
        default=0, description="of those, values of a type it can't be compared with"
    )


class RuleMatch(Part):
    """A rule that matched a finding."""

    rule: str
    effect: Effect
    fields: list[str] = Field(description="match keys that surely matched")
    undecided: list[str] = Field(
        default=[], description="match keys a missing value left open (counted against passing)"
    )
    where: list[PathMatches] = []


class Entry(Part):
    """Findings of one check and scope that differ in nothing but their place."""

    outcome: FindingOutcome
    kind: str | None = None
    level: str | None = None
    group: str | None = None
    phase: str | None = None
    message: str | None = None
    error_codes: list[str] = []
    risks: Risks = Risks.model_construct()
    why: Statement
    rules: list[RuleMatch] = []
    said: list[str] = Field(default=[], description="the matching rules' own messages, filled in")
    remediation: list[str] = Field(default=[], description="the matching rules' own advice")
    waived_by: list[str] = []
    near_misses: list[NearMiss] = []
    tolerated: bool = Field(
        default=False, description="a failed Exception that a rule or default lets through"
    )
    waiver_stub: str | None = Field(
        default=None, description="YAML to paste into a waiver list, for a failed Risk"
    )
    places: list[Place] = Field(min_length=1)


class OutcomeCounts(Part):
    """How many, by outcome."""

    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True)

    fail: int = 0
    unknown: int = 0
    warn: int = 0
    waived: int = 0
    note: int = 0
    passed: int = Field(default=0, alias="pass")

    def of(self, outcome: FindingOutcome) -> int:
        """The number of one outcome."""
        number: int = getattr(self, "passed" if outcome == "pass" else outcome)
        return number

    @property
    def total(self) -> int:
        """All of them."""
        return self.fail + self.unknown + self.warn + self.waived + self.note + self.passed


class Check(Part):
    """One check item name in one scope: its counts, and an entry for all that did not pass."""

    name: str | None
    scope: Scope
    outcome: FindingOutcome = Field(description="the worst of its findings")
    findings: OutcomeCounts
    nodes_seen: int = Field(default=0, description="nodes that were checked, for scope `node`")
    kinds: list[str] = []
    levels: list[str] = []
    entries: list[Entry] = []


class SkippedCheck(Part):
    """An entry of `spec.skippedCheckItemList`: not checked by CCE, so it leaves no finding."""

    name: str | None
    node_uids: list[str] = Field(default=[], description="empty: skipped everywhere")
    has_selector: bool
    outcome: SkipOutcome = Field(description="`waived`: covered by a waiver")
    why: Statement
    waived_by: list[str] = []
    near_misses: list[NearMiss] = []
    pointer: str


class WaiverUse(Part):
    """A waiver, and what became of it here."""

    id: str
    status: WaiverStatus
    why: Statement
    marks: list[Literal["undated", "permanent", "todo", "broad"]] = []
    match: dict[str, Any] = Field(description="`check` and the other match keys, as written")
    reason: str
    approved_by: str | None = None
    approved_on: str | None = None
    ticket: str | None = None
    starts: str | None = Field(default=None, description="as written")
    expires: str | None = Field(default=None, description="as written")
    valid_until: Timestamp | None = Field(default=None, description="exclusive, UTC")
    days_left: int | None = Field(
        default=None, description="whole days until valid_until, negative once over"
    )
    findings: int = Field(default=0, description="findings it turned into waived")
    skipped: int = Field(default=0, description="server-side skips it covers")
    not_applicable: int = Field(
        default=0, description="findings it matches but can never waive: Exceptions and the like"
    )
    source: str
    line: int


class LimitUse(Part):
    """What a limit rule counted, before waivers, and whether it is exceeded."""

    of: Literal["findings", "nodes", "checks"]
    failed: int
    base: int = Field(description="all it matches, in any phase")
    max: int | None = None
    max_percent: float | None = None
    exceeded: bool
    below: Effect = Field(description="what single failures are while it holds")
    said: Statement


class RuleUse(Part):
    """A rule of the policy, and how often it matched."""

    id: str
    title: str | None = None
    effect: Effect = Field(description="as it holds at the instant")
    written_effect: Effect
    effective_on: str | None = None
    reason: str | None = None
    waivable: bool = True
    hits: int = Field(default=0, description="findings it matched")
    decided: int = Field(default=0, description="findings whose outcome was its effect")
    limit: LimitUse | None = None
    source: str
    line: int


class PolicyUse(Part):
    """A policy or waiver file that was judged with."""

    kind: Literal["Policy", "WaiverList"]
    name: str
    version: str | None = None
    owner: str | None = None
    title: str | None = None
    source: str = Field(description="the path as given, or builtin:NAME")
    sha256: Digest
    rules: int
    waivers: int
    given: list[int] = Field(
        default=[],
        description="its places among the policies (or the waiver lists) that were named, from 1; "
        "none: a base that a policy extends",
    )


class CatalogueEntry(Part):
    """What is known of a check item name."""

    topic: str
    certainty: Literal["verified", "likely", "user"]
    title: str
    checks: str
    fix: str
    link: str | None = None
    as_of: str


class Exhibit(Part):
    """A file the verdict rests on, by its digest."""

    role: Literal["response", "policy", "waivers", "sidecar"]
    name: str
    sha256: Digest
    size: int
    media_type: str


class Choice(Part):
    """By what the judged task was chosen among the tasks of its file."""

    task: str | None = Field(default=None, description="--task")
    cluster: str | None = None
    target: str | None = None


class Source(Part):
    """How the response came in."""

    name: str
    form: str = Field(description="what was recognised: json, json-list, go, java …")
    encoding: str = Field(default="utf-8", description="utf-8, utf-16-le or utf-16-be")
    containers: list[str] = Field(
        default=[], description="what it was taken out of, outermost first: zip, gzip, tar …"
    )
    pointer: str = Field(default="", description="where in the file the task stands")
    others: int = Field(default=0, description="other tasks in the same file")
    newer: int = Field(
        default=0,
        ge=0,
        description="of these, newer and of the same cluster, or may be, where --task named one",
    )
    elsewhere: int = Field(
        default=0,
        ge=0,
        description="of these, surely of another cluster, where nobody said which is meant",
    )
    lines_around: int = Field(
        default=0, ge=0, description="lines of other text around the response, as in a log"
    )
    passed_over: list[str] = Field(
        default=[],
        description="files beside the response in its folder or archive that were not judged; "
        "the first 20",
    )
    passed_over_count: int = Field(default=0, ge=0, description="how many those are")
    choice: Choice | None = Field(
        default=None, description="null: none was chosen, each task of the file is judged"
    )
    unknown_fields: int = Field(default=0, description="fields the API page does not document")
    unknown_field_pointers: list[str] = Field(default=[], description="the first hundred")


RedactionProfile = Literal["nodes", "uids", "cluster", "ips", "user-agents"]


class Redaction(Part):
    """What a record says by pseudonyms: keyed, the same for the same value and key."""

    profiles: list[RedactionProfile] = Field(min_length=1)
    key_id: str = Field(
        pattern=r"^[0-9a-f]{12}$",
        description="which key made the pseudonyms; it says nothing of the key itself",
    )


class Counts(Part):
    """The totals every report shows."""

    findings: OutcomeCounts
    checks: OutcomeCounts
    skipped: int = 0
    skipped_covered: int = 0
    nodes: int = Field(default=0, description="nodes listed by the response")
    tolerated_exceptions: int = 0


class Verdict(Part):
    """May this cluster be upgraded on the strength of this pre-upgrade check?"""

    apiVersion: Literal["precheck.verdict/v1alpha"] = API_VERSION
    kind: Literal["Verdict"] = "Verdict"
    semantics: Literal[1] = SEMANTICS
    tool: Tool
    outcome: Outcome
    headline: Statement
    summary: list[Statement] = Field(default=[], description="the sentences under the headline")
    instant: Instant
    gate: Gate = Gate.model_construct()
    subject: Subject
    reasons: list[Reason] = []
    conditions: list[Statement] = []
    counts: Counts
    evidence: list[EvidenceLine]
    checks: list[Check] = []
    skipped: list[SkippedCheck] = []
    waivers: list[WaiverUse] = []
    rules: list[RuleUse] = []
    defaults: dict[str, str] = {}
    policies: list[PolicyUse]
    catalogue: dict[str, dict[str, CatalogueEntry]] = Field(
        default={}, description="check item name → language → entry, for the checks concerned"
    )
    source: Source
    exhibits: list[Exhibit] = []
    redaction: Redaction | None = Field(
        default=None, description="pseudonyms stand for values; the exhibits go with no report"
    )

    @model_validator(mode="before")
    @classmethod
    def _exit_code_is_computed(cls, data: Any) -> Any:
        # The exit code stands in the file for its readers; it is never taken from there.
        if isinstance(data, dict) and "exit_code" in data:
            data = {key: value for key, value in data.items() if key != "exit_code"}
        return data

    @computed_field(  # type: ignore[prop-decorator]
        description="0 pass, 1 fail, 3 inconclusive; the gate's options applied"
    )
    @property
    def exit_code(self) -> int:
        """0 pass · 1 fail (or only warnings under `--fail-on warn`) · 3 inconclusive."""
        if self.gate.advisory is not None:
            return 0
        if self.outcome == "pass":
            return 1 if self.refused_for_warnings else 0
        return 1 if self.outcome == "fail" else 3

    def _repr_html_(self) -> str:
        """What a notebook shows in place of the whole record."""
        from reporter.record.notebook import summary

        return summary(self)

    def contradiction(self) -> str | None:
        """What in the record disagrees with the rest of it; None in one this tool wrote."""
        from reporter.record.consistency import contradictions

        return next(contradictions(self), None)

    def implied_outcome(self) -> Outcome:
        """The outcome that follows from what the record lists."""
        exceeded = any(
            rule.limit is not None and rule.limit.exceeded and rule.effect == "fail"
            for rule in self.rules
        )
        if (
            self.counts.findings.fail
            or exceeded
            or any(skip.outcome == "fail" for skip in self.skipped)
        ):
            return "fail"
        doubtful = (
            self.counts.findings.unknown
            or any(line.state == "not-ok" and line.level == "require" for line in self.evidence)
            or any(reason.outcome == "inconclusive" for reason in self.reasons)
            or not self.counts.findings.total
        )
        return "inconclusive" if doubtful else "pass"

    @property
    def refused_for_warnings(self) -> bool:
        """A pass that `--fail-on warn` turns into exit code 1."""
        return self.gate.fail_on == "warn" and self.outcome == "pass" and self.has_warnings

    @property
    def has_warnings(self) -> bool:
        """Whether anything warns: a finding, a skipped check, an evidence line or a limit."""
        return (
            self.counts.findings.warn > 0
            or any(skip.outcome == "warn" for skip in self.skipped)
            or any(line.state == "not-ok" and line.level == "warn" for line in self.evidence)
            or any(
                rule.limit is not None and rule.limit.exceeded and rule.effect == "warn"
                for rule in self.rules
            )
        )
