"""May this response be judged at all? The eight lines of evidence.

Each check returns a `Line`: ok, not ok or not applicable, with what it found as codes. Several
policies are combined by asking each and taking the worst answer at the strictest level.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any

from reporter.policy.load import Policy, pattern_text
from reporter.policy.match import Patterns, fits_id
from reporter.policy.model import CompleteOptions, EvidenceSpec
from reporter.precheck.finding import Survey, stage_node
from reporter.precheck.model import (
    FINAL_PHASES,
    GROUPS,
    KINDS,
    LEVELS,
    PHASES,
    TASK_PHASES,
    ApiObject,
    CheckItem,
    PrecheckTask,
    ResourceSelector,
    SkippedCheckItem,
    is_empty,
)
from reporter.precheck.times import format_instant, is_missing, parse_timestamp
from reporter.precheck.unknown_fields import UnknownFields
from reporter.precheck.versions import meets
from reporter.record.conditions import CLOCK_SKEW
from reporter.record.dates import parse_duration
from reporter.record.model import (
    ClusterType,
    EvidenceId,
    EvidenceLevel,
    EvidenceLine,
    EvidenceState,
    Param,
)
from reporter.signs import legible, reads_as_written
from reporter.words import statement

MAX_POINTERS = 100
MAX_STATEMENTS = 100
"""Reasons why one line of evidence is not ok; the rest is counted."""

_LEVELS: tuple[EvidenceLevel, ...] = ("require", "warn", "note", "off")
"""Strictest first."""

Said = tuple[str, dict[str, Param]]


@dataclass
class Line:
    """What one evidence check found."""

    state: EvidenceState = "ok"
    said: list[Said] = field(default_factory=list)
    pointers: list[str] = field(default_factory=list)
    left_out: int = 0
    """Reasons beyond the first `MAX_STATEMENTS`."""
    _known: set[str] = field(default_factory=set)

    def bad(self, code: str, pointer: str | None = None, **params: Param) -> None:
        """Note a reason why the line is not ok."""
        self.state = "not-ok"
        self.point(pointer)
        key = repr((code, params))
        if key in self._known:
            return
        self._known.add(key)
        if len(self.said) < MAX_STATEMENTS:
            self.said.append((code, params))
        else:
            self.left_out += 1

    def statements(self) -> list[Said]:
        """What is said of it, and how much is not."""
        if not self.left_out:
            return self.said
        return [*self.said, ("evidence.left-out", {"count": self.left_out})]

    def note(self, code: str, **params: Param) -> None:
        """Say something that leaves the state alone."""
        self.said.append((code, params))

    def point(self, pointer: str | None) -> None:
        """Remember where in the response, up to a bound."""
        if pointer is not None and len(self.pointers) < MAX_POINTERS:
            self.pointers.append(pointer)


@dataclass(frozen=True)
class Circumstances:
    """What a response is held against besides the policy."""

    instant: datetime
    policy: Policy
    cluster_id: str | None
    target_version: str | None
    cluster_type: ClusterType | None
    expect_cluster: str | None
    expect_target: str | None
    sidecar_disagrees: bool


@dataclass
class Tally:
    """What one walk over a task's items gathers for several lines."""

    items: int = 0
    nodes: int = 0
    failed: dict[str, int] = field(default_factory=lambda: {"cluster": 0, "addon": 0, "node": 0})
    unfinished: list[str] = field(default_factory=list)
    unrecognised: list[tuple[str, str, str]] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    open_items: int = 0


def tally(task: PrecheckTask, items: Survey) -> Tally:
    """Phases, unknown values, names: by signature, and one by one where one is irregular."""
    result = Tally()
    regular: set[int] = set()
    for scope, counts in items.counts.items():
        for number, count in counts.items():
            name, kind, group, level, phase = items.signatures[number]
            result.items += count
            if phase == "Failed":
                result.failed[scope] += count
            elif phase != "Success":
                result.open_items += count
            if name:
                result.names.add(name)
            if (
                phase in FINAL_PHASES
                and (kind in KINDS or not kind)
                and (level in LEVELS or not level)
                and (group in GROUPS or not group)
                and (not name or _reads_as_written(name))
            ):
                regular.add(number)
    for part in items.lists:
        if regular.issuperset(part.numbers):
            continue
        for index, number in enumerate(part.numbers):
            if number in regular:
                continue
            item, phase = part.items[index], items.signatures[number][4]
            if phase not in FINAL_PHASES and len(result.unfinished) < MAX_POINTERS:
                result.unfinished.append(f"{part.pointer}/{index}")
            _note_unrecognised(result, f"{part.pointer}/{index}", item)
    status = task.status
    if status and status.node_check_status and status.node_check_status.node_stage_status:
        result.nodes = len(status.node_check_status.node_stage_status)
    return result


_reads_as_written = lru_cache(maxsize=1024)(reads_as_written)


def _note_unrecognised(result: Tally, pointer: str, item: CheckItem) -> None:
    for name, documented in (
        ("kind", KINDS),
        ("level", LEVELS),
        ("group", GROUPS),
        ("phase", PHASES),
    ):
        value = getattr(item, name)
        if value and value not in documented and len(result.unrecognised) < MAX_POINTERS:
            result.unrecognised.append((f"{pointer}/{name}", name, value))
    # Every rule, waiver and required check goes by it, and a person by what it looks like.
    if item.name and not _reads_as_written(item.name) and len(result.unrecognised) < MAX_POINTERS:
        result.unrecognised.append((f"{pointer}/name", "name", item.name))


def recognised(task: PrecheckTask, found: Tally, unknown: UnknownFields) -> Line:
    """Everything that is there is something the API documents."""
    line = Line()
    for name, value, wanted in (
        ("kind", task.kind, "PreCheckTask"),
        ("apiVersion", task.api_version, "v3"),
    ):
        if not value:
            line.bad("evidence.recognised.missing", f"/{name}", field=name, wanted=wanted)
        elif value != wanted:
            line.bad("evidence.recognised.value", f"/{name}", field=name, value=value)
    for pointer, phase, documented in _phases(task):
        if phase and phase not in documented:
            line.bad("evidence.recognised.value", pointer, field="phase", value=phase)
    for pointer, name, value in found.unrecognised:
        if name == "name":
            shown = value.encode("unicode_escape").decode("ascii")
            line.bad("evidence.recognised.name", pointer, value=shown)
        else:
            line.bad("evidence.recognised.value", pointer, field=name, value=value)
    for index, skip in enumerate(skip_list(task)):
        selector = selector_of(skip)
        if selector is not None and not selector_understood(selector):
            line.bad(
                "evidence.recognised.selector",
                f"/spec/skippedCheckItemList/{index}/resourceSelector",
                check=skip.name or None,
            )
    if unknown.suspicious:
        line.bad("evidence.recognised.hidden", count=len(unknown.suspicious))
    for pointer in unknown.suspicious:
        line.point(pointer)
    if line.state == "ok":
        line.note("evidence.recognised.ok")
    if unknown.count:
        line.note("evidence.recognised.fields", count=unknown.count)
    return line


def _phases(task: PrecheckTask) -> Iterator[tuple[str, str | None, frozenset[str]]]:
    status = task.status
    yield "/status/phase", status.phase if status else None, TASK_PHASES
    for name, section in sections(task):
        yield f"/status/{_SECTION_KEYS[name]}/phase", getattr(section, "phase", None), PHASES


_SECTION_KEYS = {
    "cluster": "clusterCheckStatus",
    "addon": "addonCheckStatus",
    "node": "nodeCheckStatus",
}


def sections(task: PrecheckTask) -> list[tuple[str, ApiObject | None]]:
    """The three sections; None where absent, null or empty."""
    status = task.status
    found: list[ApiObject | None] = [None, None, None]
    if status is not None:
        found = [status.cluster_check_status, status.addon_check_status, status.node_check_status]
    return [
        (name, None if is_empty(section) else section)
        for name, section in zip(_SECTION_KEYS, found, strict=True)
    ]


def skip_list(task: PrecheckTask) -> list[SkippedCheckItem]:
    """The checks the server was told to skip."""
    return (task.spec.skipped_check_item_list if task.spec else None) or []


def selector_of(skip: SkippedCheckItem) -> ResourceSelector | None:
    """A skip's resource selector, None where it says nothing."""
    return None if is_empty(skip.resource_selector) else skip.resource_selector


def selector_understood(selector: ResourceSelector) -> bool:
    """Whether a selector is the one form the API documents: `node.uid` / `In`."""
    return (
        selector.key == "node.uid" and selector.operator == "In" and not selector.__pydantic_extra__
    )


def finished(task: PrecheckTask, found: Tally) -> Line:
    """Task, section and item phases are there and final."""
    line = Line()
    status = task.status
    phase = status.phase if status else None
    if phase == "Error":
        if message := getattr(status, "message", None):
            line.bad("evidence.finished.error", "/status/phase", message=message)
        else:
            line.bad("evidence.finished.error-silent", "/status/phase")
    elif phase not in FINAL_PHASES:
        _unfinished(line, "task", phase, "/status/phase")
    for name, section in sections(task):
        if section is not None and (value := getattr(section, "phase", None)) not in FINAL_PHASES:
            _unfinished(line, name, value, f"/status/{_SECTION_KEYS[name]}/phase")
    if found.open_items:
        line.bad("evidence.finished.items", count=found.open_items, total=found.items)
        for pointer in found.unfinished:
            line.point(pointer)
    if line.state == "ok":
        line.note("evidence.finished.ok", count=found.items)
    return line


def _unfinished(line: Line, what: str, phase: str | None, pointer: str) -> None:
    if phase:
        line.bad(f"evidence.finished.{what}", pointer, phase=phase)
    else:
        line.bad(f"evidence.finished.{what}-missing", pointer)


def consistent(task: PrecheckTask, found: Tally) -> Line:
    """Every Failed task or section is explained by a Failed item inside it."""
    line = Line()
    if task.status and task.status.phase == "Failed" and not any(found.failed.values()):
        line.bad("evidence.consistent.task", "/status/phase")
    noted = []
    for name, section in sections(task):
        phase = getattr(section, "phase", None)
        pointer = f"/status/{_SECTION_KEYS[name]}/phase"
        if phase == "Failed" and not found.failed[name]:
            line.bad("evidence.consistent.section", pointer, section=name)
        elif phase == "Success" and found.failed[name]:
            noted.append((name, found.failed[name]))
    if line.state == "ok":
        line.note("evidence.consistent.ok")
    for name, count in noted:
        line.note("evidence.consistent.section-success", section=name, count=count)
    return line


def complete(
    task: PrecheckTask, found: Tally, options: CompleteOptions, cluster_type: ClusterType | None
) -> Line:
    """The sections, checks and nodes that have to be there are there."""
    line = Line()
    there = dict(sections(task))
    for name in ("cluster", "addon"):
        required = getattr(options.sections, name) == "required"
        if required and there[name] is None:
            line.bad("evidence.complete.section", f"/status/{_SECTION_KEYS[name]}", section=name)
        elif required and not getattr(there[name], "items_status", None):
            line.bad("evidence.complete.empty", f"/status/{_SECTION_KEYS[name]}", section=name)
    if there["node"] is None and options.sections.node == "required":
        line.bad("evidence.complete.section", "/status/nodeCheckStatus", section="node")
    if not found.nodes and cluster_type == "standard":
        line.bad("evidence.complete.standard-without-nodes", "/status/nodeCheckStatus")
    _complete_nodes(task, line, options)
    for pattern, text in _each_pattern(options.required_checks):
        if not any(pattern.fits(name) for name in found.names):
            line.bad("evidence.complete.check", check=text)
    if line.state == "ok":
        code = "evidence.complete.ok" if found.nodes else "evidence.complete.ok-without-nodes"
        line.note(code, items=found.items, nodes=found.nodes)
    return line


def _complete_nodes(task: PrecheckTask, line: Line, options: CompleteOptions) -> None:
    status = task.status
    section = status.node_check_status if status else None
    everywhere = list(_each_pattern(options.required_on_every_node))
    workers: set[str] = set()
    masters: set[str] = set()
    empty = 0
    lacking: dict[tuple[str, str], int] = {}
    for index, stage in enumerate((section.node_stage_status if section else None) or []):
        base = f"/status/nodeCheckStatus/nodeStageStatus/{index}"
        node = stage_node(stage)
        if not stage.items_status:
            empty += 1
            line.point(base)
        elif (uid := legible(node.uid)) and node.type == "node":
            workers.add(uid.lower())  # in capitals it is the same UUID
        if node.uid and node.type == "master":
            masters.add(node.uid.lower())
        if not everywhere:
            continue
        names = {item.name for item in stage.items_status or [] if item.name}
        for pattern, text in everywhere:
            if not any(pattern.fits(name) for name in names):
                # Masters count too, and mostly have checks of their own: it is said which they are.
                kind = "masters" if node.type == "master" else "nodes"
                lacking[text, kind] = lacking.get((text, kind), 0) + 1
                line.point(base)
    if empty:
        line.bad("evidence.complete.empty-nodes", count=empty)
    for (text, kind), count in sorted(lacking.items(), key=lambda found: found[0][1] == "masters"):
        line.bad(f"evidence.complete.check-on-{kind}", check=text, count=count)
    counted = len(workers - masters)
    if options.min_nodes is not None and counted < options.min_nodes:
        line.bad("evidence.complete.min-nodes", found=counted, wanted=options.min_nodes)


def _each_pattern(spec: Any) -> Iterator[tuple[Patterns, str]]:
    if spec is None:
        return
    for pattern in spec if isinstance(spec, list) else [spec]:
        written = pattern if isinstance(pattern, str) else pattern.model_dump()
        if isinstance(written, dict) and isinstance(written.get("equals"), list):
            # Each of several literal names has to occur, not just one of them.
            for name in written["equals"]:
                yield Patterns(type(pattern)(equals=name)), name
            continue
        yield Patterns(pattern), pattern_text(written)


def update_time(task: PrecheckTask, instant: datetime) -> datetime | Said:
    """The update time if it can be counted from, else what is wrong with it."""
    text = task.metadata.update_timestamp if task.metadata else None
    if is_missing(text):
        return "evidence.update-missing", {}
    moment = parse_timestamp(text)
    if moment is None:
        return "evidence.update-unreadable", {"value": text}
    if moment - instant > CLOCK_SKEW:
        return "evidence.update-future", {"at": format_instant(moment)}
    return moment


def unexpired(task: PrecheckTask, validity: str | None, instant: datetime) -> Line:
    """The result's expiry lies after the instant."""
    line = Line()
    text = task.status.expire_time_stamp if task.status else None
    pointer = "/status/expireTimeStamp"
    if not is_missing(text):
        expires = parse_timestamp(text)
        if expires is None:
            line.bad("evidence.unexpired.unreadable", pointer, value=text)
        elif expires > instant:
            line.note("evidence.unexpired.ok", at=format_instant(expires))
        else:
            line.bad("evidence.unexpired.expired", pointer, at=format_instant(expires))
        return line
    if validity is None:
        if task.status and task.status.phase == "Failed":
            line.state = "not-applicable"
            line.note("evidence.unexpired.failed-task")
        else:
            line.bad("evidence.unexpired.missing", pointer)
        return line
    pointer = "/metadata/updateTimestamp"
    updated = update_time(task, instant)
    if isinstance(updated, tuple):
        line.bad(updated[0], pointer, **updated[1])
        return line
    try:
        expires = updated + parse_duration(validity)
    except OverflowError:
        expires = datetime.max.replace(tzinfo=UTC)
    said: dict[str, Param] = {"at": format_instant(expires), "validity": validity}
    if expires > instant:
        line.note("evidence.unexpired.validity-ok", **said)
    else:
        line.bad("evidence.unexpired.validity-over", pointer, **said)
    return line


def fresh(task: PrecheckTask, max_age: str, instant: datetime) -> Line:
    """The update time is younger than `max_age`."""
    line = Line()
    pointer = "/metadata/updateTimestamp"
    updated = update_time(task, instant)
    if isinstance(updated, tuple):
        line.bad(updated[0], pointer, **updated[1])
    elif instant - updated < parse_duration(max_age):
        line.note("evidence.fresh.ok", at=format_instant(updated), max_age=max_age)
    else:
        line.bad("evidence.fresh.old", pointer, at=format_instant(updated), max_age=max_age)
    return line


def identity(circumstances: Circumstances) -> Line:
    """Cluster and target version are the ones that were meant."""
    line = Line()
    at = circumstances
    wanted = at.expect_cluster is not None or at.expect_target is not None or at.policy.applies_to
    if not wanted:
        line.state = "not-applicable"
        line.note("evidence.identity.not-given")
        return line
    if at.sidecar_disagrees:
        line.bad("evidence.identity.sidecar", "/spec/clusterID")
    cluster, target = at.cluster_id, at.target_version
    if at.expect_cluster is not None:
        _hold(line, "cluster", cluster, cluster == at.expect_cluster, at.expect_cluster)
    if at.expect_target is not None:
        met = target is not None and meets(at.expect_target, target)
        _hold(line, "target", target, met, at.expect_target)
    for scoping in at.policy.applies_to:
        if scoping.cluster is not None:
            fits = fits_id(scoping.cluster, cluster)
            _hold(line, "cluster", cluster, fits, scoping.cluster_text)
        if scoping.target_version is not None:
            fits = scoping.target_version.fits(target)
            _hold(line, "target", target, fits, scoping.target_text)
    if line.state == "ok":
        line.note("evidence.identity.ok")
    return line


def _hold(line: Line, what: str, found: str | None, met: bool | None, wanted: str) -> None:
    pointer = "/spec/clusterID" if what == "cluster" else "/spec/targetVersion"
    if found is None:
        line.bad(f"evidence.identity.{what}-missing", pointer, wanted=wanted)
    elif not met:
        line.bad(f"evidence.identity.{what}", pointer, found=found, wanted=wanted)


def provider(task: PrecheckTask) -> Line:
    """What CCE itself concluded."""
    line = Line()
    status = task.status
    phase = status.phase if status else None
    message = status.message if status else None
    if phase not in ("Success", "Failed", "Error"):
        line.state = "not-applicable"
    elif phase != "Success":
        line.state = "not-ok"
    if not phase:
        line.note("evidence.provider.missing")
    elif message:
        line.note("evidence.provider.message", phase=phase, message=message)
    else:
        line.note("evidence.provider.phase", phase=phase)
    return line


def judge(
    task: PrecheckTask, found: Tally, unknown: UnknownFields, circumstances: Circumstances
) -> list[EvidenceLine]:
    """All eight lines, in the order of the contract."""
    at = circumstances
    specs = at.policy.evidence

    def fixed(name: EvidenceId, line: Line) -> EvidenceLine:
        return _combine(name, [(_level(spec, name), line) for spec in specs])

    def asked(name: EvidenceId, ask: Any) -> EvidenceLine:
        answers = [(_level(spec, name), ask(spec)) for spec in specs if _level(spec, name) != "off"]
        return _combine(name, answers)

    return [
        fixed("recognised", recognised(task, found, unknown)),
        fixed("finished", finished(task, found)),
        fixed("consistent", consistent(task, found)),
        asked("complete", lambda spec: complete(task, found, spec.complete, at.cluster_type)),
        asked("unexpired", lambda spec: unexpired(task, spec.unexpired.validity, at.instant)),
        asked("fresh", lambda spec: fresh(task, spec.fresh.max_age, at.instant)),
        fixed("identity", identity(at)),
        fixed("provider", provider(task)),
    ]


def _level(spec: EvidenceSpec, name: EvidenceId) -> EvidenceLevel:
    level: EvidenceLevel = getattr(spec, name).level
    return level


def _combine(name: EvidenceId, answers: Sequence[tuple[EvidenceLevel, Line]]) -> EvidenceLine:
    """The strictest level, the worst state, and all that was said in that state."""
    if len(answers) == 1 and answers[0][0] != "off":
        return _line_of(name, *answers[0])
    level = min((level for level, _ in answers), key=_LEVELS.index, default="off")
    if level == "off":
        return EvidenceLine(
            id=name, state="not-applicable", level="off", statements=[statement("evidence.off")]
        )
    worst: EvidenceState = "not-applicable"
    for state in ("ok", "not-ok"):
        if any(line.state == state for _, line in answers):
            worst = state
    said: list[Said] = []
    pointers: list[str] = []
    for _, line in answers:
        if line.state == worst:
            said.extend(part for part in line.statements() if part not in said)
            pointers.extend(pointer for pointer in line.pointers if pointer not in pointers)
    return EvidenceLine(
        id=name,
        state=worst,
        level=level,
        statements=[statement(code, **params) for code, params in said],
        pointers=pointers[:MAX_POINTERS],
    )


def _line_of(name: EvidenceId, level: EvidenceLevel, line: Line) -> EvidenceLine:
    if not line.pointers and len(line.said) == 1 and not line.said[0][1]:
        return _usual_line(name, line.state, level, line.said[0][0])
    return EvidenceLine(
        id=name,
        state=line.state,
        level=level,
        statements=[statement(code, **params) for code, params in line.statements()],
        pointers=list(dict.fromkeys(line.pointers))[:MAX_POINTERS],
    )


@cache
def _usual_line(
    name: EvidenceId, state: EvidenceState, level: EvidenceLevel, code: str
) -> EvidenceLine:
    """A line that names nothing of its response: the same for most."""
    return EvidenceLine(id=name, state=state, level=level, statements=[statement(code)])
