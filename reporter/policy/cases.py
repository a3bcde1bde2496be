"""Cases for policies: a response, an instant, and the verdict somebody expects of them.

Loading and comparing only; the command line hands over how a response is read and shows what
differs. A case does not depend on the day it is run: its own instant is also its clock.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol, get_args

from pydantic import BaseModel, BeforeValidator, Discriminator, Field, Tag, ValidationError
from pydantic_core import PydanticCustomError

from reporter import resources, yamlfile
from reporter.errors import InputError, PolicyError, ReporterError
from reporter.mistakes import at_path
from reporter.policy.evaluate import evaluate, settle_instant
from reporter.policy.load import Policy, _Problems, builtin_names
from reporter.policy.model import KeysSpec, Metadata, Spec, Text
from reporter.precheck.response import Response
from reporter.record.dates import parse_instant
from reporter.record.model import (
    OUTCOMES_WORST_FIRST,
    Check,
    ClusterType,
    Entry,
    EvidenceState,
    FindingOutcome,
    Outcome,
    RuleUse,
    Scope,
    SkipOutcome,
    Verdict,
    WaiverStatus,
)
from reporter.words import MESSAGES

ABSENT = "not in this response"

CONDITIONS = tuple(
    sorted(code.removeprefix("condition.") for code in MESSAGES if code.startswith("condition."))
)
"""Codes of conditions, as a case writes them."""


def _form(value: Any) -> str:
    return "many" if isinstance(value, (list, dict)) else "one"


Texts = Annotated[
    Annotated[Text, Tag("one")]
    | Annotated[Annotated[list[Text], Field(min_length=1)], Tag("many")],
    Discriminator(_form),
]


def _instant(value: Any) -> Any:
    if isinstance(value, str) and value and value != "response":
        try:
            parse_instant(value)
        except ValueError as error:
            reason = f"{error}; or write response, for its own update time"
            raise PydanticCustomError("date", "{reason}", {"reason": reason}) from None
    return value


class ScopesSpec(KeysSpec):
    """What one check is expected to be, by scope."""

    cluster: FindingOutcome | None = None
    addon: FindingOutcome | None = None
    node: FindingOutcome | None = None


class EvidenceStates(KeysSpec):
    """What lines of evidence are expected to say."""

    recognised: EvidenceState | None = None
    finished: EvidenceState | None = None
    consistent: EvidenceState | None = None
    complete: EvidenceState | None = None
    unexpired: EvidenceState | None = None
    fresh: EvidenceState | None = None
    identity: EvidenceState | None = None
    provider: EvidenceState | None = None


class ExpectSpec(KeysSpec):
    """What a case expects; only what is written is compared."""

    outcome: Outcome | None = None
    checks: (
        Annotated[
            dict[
                str,
                Annotated[
                    Annotated[FindingOutcome, Tag("one")] | Annotated[ScopesSpec, Tag("many")],
                    Discriminator(_form),
                ],
            ],
            Field(min_length=1),
        ]
        | None
    ) = Field(None, description="check → the worst of its findings, or scope → the same")
    skipped: Annotated[dict[str, SkipOutcome], Field(min_length=1)] | None = Field(
        None, description="check skipped on the server → what became of it"
    )
    waivers: Annotated[dict[str, WaiverStatus], Field(min_length=1)] | None = None
    evidence: EvidenceStates | None = None
    conditions: list[Text] | None = Field(
        None, description="all conditions of the verdict, in any order; [] for none"
    )


class CaseSpec(Spec):
    """A response, an instant, and what is expected of them."""

    name: Text
    response: Annotated[
        Annotated[Text, Tag("one")] | Annotated[dict[str, Any], Tag("many")],
        Discriminator(_form),
    ] = Field(description="a path from this file, or the response itself")
    at: Annotated[Text, BeforeValidator(_instant)] = Field(
        description="an instant, or response for the response's own update time"
    )
    expect_cluster: Text | None = None
    expect_target: Text | None = None
    type: ClusterType | None = None
    expect: ExpectSpec


class PolicyTestSpec(Spec):
    """A file of cases."""

    apiVersion: Literal["precheck.policy/v1"]  # noqa: N815
    kind: Literal["PolicyTest"]
    metadata: Metadata
    policy: Texts = Field(description="builtin:NAME, or paths from this file")
    waivers: Annotated[list[Text], Field(min_length=1)] | None = None
    cases: Annotated[list[CaseSpec], Field(min_length=1)]


class Reader(Protocol):
    """How a response is read; handed over by whoever may read files."""

    def __call__(
        self,
        source: Path | bytes,
        *,
        name: str,
        expect_cluster: str | None,
        expect_target: str | None,
    ) -> Response:
        """The response, or `InputError`."""


@dataclass(frozen=True)
class Case:
    """A case, read and ready to be judged."""

    name: str
    response: Response
    expect: ExpectSpec
    at: str
    expect_cluster: str | None
    expect_target: str | None
    cluster_type: ClusterType | None
    source: str
    line: int


@dataclass(frozen=True)
class CaseFile:
    """The cases of one file, and the policy they are for."""

    name: str
    source: str
    policy: Policy
    cases: tuple[Case, ...]


@dataclass(frozen=True)
class Difference:
    """Something that is not as expected, and why it is as it is."""

    what: str
    expected: str
    found: str
    because: tuple[str, ...] = ()


@dataclass(frozen=True)
class CaseResult:
    """What became of a case. `error`: it could not be judged at all."""

    case: Case
    verdict: Verdict | None
    differences: tuple[Difference, ...] = ()
    error: str | None = None

    @property
    def as_expected(self) -> bool:
        """Whether it was judged and nothing differs."""
        return self.error is None and not self.differences


@dataclass(frozen=True)
class Coverage:
    """Rules whose cases show one side only."""

    unfired: tuple[RuleUse, ...]
    """No case makes them match anything."""
    always: tuple[RuleUse, ...]
    """Every case, of at least two, makes them match something."""


# Loading ------------------------------------------------------------------------------------


def shipped_case_files() -> list[str]:
    """The case files of the shipped policies, as `load_cases` takes them."""
    return [f"builtin:{name}" for name in builtin_names() if _shipped(name).is_file()]


def _shipped(name: str) -> Path:
    return Path(str(resources.bundled("policies"))) / "tests" / f"{name}.yaml"


def load_cases(source: str, read: Reader) -> CaseFile:
    """One case file: a path, or `builtin:NAME` for the cases of a shipped policy.

    `PolicyError` lists every mistake by file, line and column: of the file itself, of its policy,
    and responses that can't be read.
    """
    path, label = Path(source), source
    if source.startswith("builtin:"):
        name = source.removeprefix("builtin:")
        path, label = _shipped(name), f"builtin:tests/{name}.yaml"
        _refuse_unknown(name)
    document = yamlfile.load(_bytes_of(path, label), label)
    spec, problems = _spec_of(document)
    policy = _policy_of(spec, path.parent, problems)
    cases = [
        _case(part, index, path.parent, problems, read) for index, part in enumerate(spec.cases)
    ]
    if policy is not None:
        _check_waiver_ids(spec, policy, problems)
    problems.stop()
    assert policy is not None  # noqa: S101 - else there was a problem
    return CaseFile(
        name=spec.metadata.name,
        source=label,
        policy=policy,
        cases=tuple(case for case in cases if case is not None),
    )


def _refuse_unknown(name: str) -> None:
    known = [file.removeprefix("builtin:") for file in shipped_case_files()]
    if name in known:
        return
    close = yamlfile.nearest(name, known)
    raise PolicyError(
        f"builtin:{name}: no such shipped policy with cases"
        + (f'; did you mean "builtin:{close}"?' if close else ""),
        hint="shipped are " + ", ".join(f"builtin:{part}" for part in known),
    )


def _bytes_of(path: Path, label: str) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(yamlfile.MAX_BYTES + 1)
    except FileNotFoundError:
        raise PolicyError(f"{label}: no such file", hint="name a file of cases") from None
    except IsADirectoryError:
        raise PolicyError(
            f"{label}: no file of cases (*.yaml) is in this folder", hint="name a file of cases"
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise PolicyError(f"{label}: can't be read: {reason}") from None


class _CaseProblems(_Problems):
    """Mistakes of a case file: its own keys are the allowed ones."""

    def may_be_null(self, path: yamlfile.Path) -> bool:
        """A response is data; so is what stands in it."""
        return not path or (len(path) > 3 and path[0] == "cases" and path[2] == "response")

    def allowed_keys(self, path: yamlfile.Path) -> list[str]:
        inner = [_INNER[part] for part in path[:-1] if isinstance(part, str) and part in _INNER]
        return list((inner[-1] if inner else PolicyTestSpec).model_fields)

    def _message(self, item: Any, path: yamlfile.Path, missing: str | None) -> str:
        empty = item["type"] == "too_short" and at_path(self.document.data, path) == {}
        if item["type"] == "empty_match" or empty:
            return "nothing is expected here; leave the key out or fill it"
        if item["type"] == "too_short":
            return "an empty list; there has to be at least one"
        if item["type"] == "string_too_short":
            return "an empty text; give it a value"
        return super()._message(item, path, missing)


_INNER: dict[str, type[BaseModel]] = {
    "metadata": Metadata,
    "cases": CaseSpec,
    "expect": ExpectSpec,
    "checks": ScopesSpec,
    "evidence": EvidenceStates,
}


def _spec_of(document: yamlfile.Document) -> tuple[PolicyTestSpec, _CaseProblems]:
    if not isinstance(document.data, dict):
        what = "empty" if document.data is None else "not a mapping"
        raise PolicyError(
            f"{document.name}:1:1: the file is {what}; cases begin with "
            '"apiVersion: precheck.policy/v1" and "kind: PolicyTest"'
        )
    found = document.data.get("kind")
    if found in ("Policy", "WaiverList"):
        raise PolicyError(
            f"{document.at(('kind',))}: this file is a {found}, not a PolicyTest",
            hint="name it under policy: or waivers: of a file of cases",
        )
    problems = _CaseProblems(document)
    problems.refuse_nulls()
    problems.stop()
    try:
        spec = PolicyTestSpec.model_validate(document.data)
    except ValidationError as error:
        problems.add_validation(error)
        problems.stop()
        raise  # pragma: no cover - add_validation always adds at least one problem
    _check_meaning(spec, problems)
    return spec, problems


def _check_meaning(spec: PolicyTestSpec, problems: _CaseProblems) -> None:
    seen: dict[str, int] = {}
    for index, case in enumerate(spec.cases):
        if case.name in seen:
            first = problems.document.where(("cases", seen[case.name])).line
            problems.add(
                ("cases", index, "name"),
                f'case "{case.name}" is there twice; first on line {first}',
            )
        seen.setdefault(case.name, index)
        for place, code in enumerate(case.expect.conditions or []):
            if code not in CONDITIONS:
                close = yamlfile.nearest(code, CONDITIONS)
                known = f"known are {', '.join(CONDITIONS)}"
                problems.add(
                    ("cases", index, "expect", "conditions", place),
                    f'unknown condition "{code}"; '
                    + (f'did you mean "{close}"?' if close else known),
                )


def _check_waiver_ids(spec: PolicyTestSpec, policy: Policy, problems: _CaseProblems) -> None:
    known = [waiver.id for waiver in policy.waivers]
    for index, case in enumerate(spec.cases):
        for name in case.expect.waivers or {}:
            if name in known:
                continue
            close = yamlfile.nearest(name, known)
            problems.add(
                ("cases", index, "expect", "waivers", name),
                f'no waiver "{name}" in the policy or its waiver lists'
                + (f'; did you mean "{close}"?' if close else ""),
                key=True,
            )


def _policy_of(spec: PolicyTestSpec, folder: Path, problems: _CaseProblems) -> Policy | None:
    def located(values: str | list[str], key: str) -> list[str]:
        found = []
        for index, value in enumerate([values] if isinstance(values, str) else values):
            source = value if value.startswith("builtin:") else _beside(folder, value)
            if source != value and not Path(source).is_file():
                place = (key,) if isinstance(values, str) else (key, index)
                problems.add(place, f"no such file: {source}")
            found.append(source)
        return found

    policies = located(spec.policy, "policy")
    waivers = located(spec.waivers or [], "waivers")
    if problems.found:
        return None
    return Policy.load(*policies, waivers=waivers)


def _beside(folder: Path, name: str) -> str:
    """A path from a folder, without `..` where that leads to the same file."""
    path = os.path.join(folder, name)
    plain = os.path.normpath(path)
    return plain if os.path.realpath(plain) == os.path.realpath(path) else path


def _case(
    spec: CaseSpec, index: int, folder: Path, problems: _CaseProblems, read: Reader
) -> Case | None:
    place: yamlfile.Path = ("cases", index, "response")
    line = problems.document.where(("cases", index)).line
    source: Path | bytes
    if isinstance(spec.response, str):
        name = _beside(folder, spec.response)
        source = Path(name)
    else:
        source, name = json.dumps(spec.response).encode(), f"the response of case {spec.name}"
    try:
        response = read(
            source,
            name=name,
            expect_cluster=spec.expect_cluster,
            expect_target=spec.expect_target,
        )
    except InputError as error:
        problems.add(place, error.message)
        return None
    return Case(
        name=spec.name,
        response=response,
        expect=spec.expect,
        at=spec.at,
        expect_cluster=spec.expect_cluster,
        expect_target=spec.expect_target,
        cluster_type=spec.type,
        source=problems.document.name,
        line=line,
    )


# Judging and comparing ------------------------------------------------------------------------


def run_case(case: Case, policy: Policy) -> CaseResult:
    """Judge a case at its own instant and compare what comes out with what it expects."""
    try:
        # Its instant is its clock as well: whether a case holds must not depend on today.
        clock = settle_instant(case.response, case.at, parse_instant("2000-01-01")).at
        verdict = evaluate(
            case.response,
            policy,
            at=case.at,
            now=clock,
            expect_cluster=case.expect_cluster,
            expect_target=case.expect_target,
            cluster_type=case.cluster_type,
        )
    except ReporterError as error:
        return CaseResult(case, None, error=error.message)
    return CaseResult(case, verdict, tuple(_differences(case.expect, verdict)))


def run_cases(file: CaseFile) -> list[CaseResult]:
    """All cases of a file."""
    return [run_case(case, file.policy) for case in file.cases]


def _differences(expect: ExpectSpec, verdict: Verdict) -> Iterator[Difference]:
    if expect.outcome is not None and expect.outcome != verdict.outcome:
        yield Difference("outcome", expect.outcome, verdict.outcome, tuple(_outcome_why(verdict)))
    for name, wanted in (expect.checks or {}).items():
        yield from _check_differences(name, wanted, verdict)
    yield from _skip_differences(expect.skipped or {}, verdict)
    for use in verdict.waivers:
        status = (expect.waivers or {}).get(use.id)
        if status is not None and status != use.status:
            place = f"({use.source}:{use.line})"
            yield Difference(f"waiver {use.id}", status, use.status, (f"{use.why.text} {place}",))
    for line in verdict.evidence:
        state = getattr(expect.evidence, line.id) if expect.evidence is not None else None
        if state is not None and state != line.state:
            said = tuple(part.text for part in line.statements)
            yield Difference(f"evidence {line.id}", state, line.state, said)
    if expect.conditions is not None:
        yield from _condition_differences(expect.conditions, verdict)


def _outcome_why(verdict: Verdict) -> Iterator[str]:
    for reason in verdict.reasons:
        yield f"{reason.what.text}: {reason.why.text}"
    if not verdict.reasons:
        yield ". ".join(part.text for part in verdict.summary)


def _check_differences(
    name: str, wanted: FindingOutcome | ScopesSpec, verdict: Verdict
) -> Iterator[Difference]:
    found = [check for check in verdict.checks if check.name == name]
    if isinstance(wanted, ScopesSpec):
        for scope in get_args(Scope):
            outcome = getattr(wanted, scope)
            here = [check for check in found if check.scope == scope]
            if outcome is not None:
                yield from _one_check(f"check {name} ({scope})", outcome, here)
        return
    if not found:
        names = sorted({check.name for check in verdict.checks if check.name is not None})
        close = yamlfile.nearest(name, names)
        because = (f'did you mean "{close}"?',) if close else ()
        yield Difference(f"check {name}", wanted, ABSENT, because)
        return
    yield from _one_check(f"check {name}", wanted, found)


def _one_check(what: str, wanted: FindingOutcome, found: Sequence[Check]) -> Iterator[Difference]:
    if not found:
        yield Difference(what, wanted, ABSENT)
        return
    worst = min(found, key=lambda check: OUTCOMES_WORST_FIRST.index(check.outcome))
    if worst.outcome != wanted:
        entries = [entry for entry in worst.entries if entry.outcome == worst.outcome]
        yield Difference(what, wanted, worst.outcome, tuple(_entry_why(entries)))


def _entry_why(entries: Sequence[Entry]) -> Iterator[str]:
    for entry in entries[:3]:
        kind = " ".join(part for part in (entry.kind, entry.level) if part)
        yield entry.why.text + (f" [{kind}]" if kind else "")
        for miss in entry.near_misses:
            yield f"waiver {miss.waiver} does not cover it: {miss.why.text}"
    if not entries:
        yield "every finding of it succeeded"


def _skip_differences(wanted: dict[str, SkipOutcome], verdict: Verdict) -> Iterator[Difference]:
    order: Sequence[str] = get_args(SkipOutcome)
    for name, outcome in wanted.items():
        found = [skip for skip in verdict.skipped if skip.name == name]
        if not found:
            yield Difference(f"skipped {name}", outcome, "not on the skip list")
            continue
        worst = min(found, key=lambda skip: order.index(skip.outcome))
        if worst.outcome != outcome:
            misses = [f"waiver {miss.waiver}: {miss.why.text}" for miss in worst.near_misses]
            yield Difference(f"skipped {name}", outcome, worst.outcome, (worst.why.text, *misses))


def _condition_differences(wanted: Sequence[str], verdict: Verdict) -> Iterator[Difference]:
    found = {part.code.removeprefix("condition."): part.text for part in verdict.conditions}
    for code in dict.fromkeys(wanted):
        if code not in found:
            yield Difference(f"condition {code}", "there", "not there")
    for code, text in found.items():
        if code not in wanted:
            yield Difference(f"condition {code}", "not there", "there", (text,))


# Coverage ---------------------------------------------------------------------------------------


def coverage(results: Sequence[CaseResult]) -> Coverage:
    """The rules that no case fires and those that every case fires, over all cases together."""
    seen: dict[tuple[str, str], list[bool]] = {}
    uses: dict[tuple[str, str], RuleUse] = {}
    for result in results:
        if result.verdict is None:
            continue
        for use in result.verdict.rules:
            key = (use.source, use.id)
            uses.setdefault(key, use)
            seen.setdefault(key, []).append(fires(use, result.verdict))
    ordered = sorted(uses, key=lambda key: (key[0], uses[key].line, key[1]))
    return Coverage(
        unfired=tuple(uses[key] for key in ordered if not any(seen[key])),
        always=tuple(uses[key] for key in ordered if len(seen[key]) > 1 and all(seen[key])),
    )


def fires(use: RuleUse, verdict: Verdict) -> bool:
    """Whether a rule did anything: matched a finding, exceeded its limit, or forbade a skip."""
    exceeded = use.limit is not None and use.limit.exceeded
    forbade = any(
        skip.why.code == "skip.not-waivable" and skip.why.params.get("rule") == use.id
        for skip in verdict.skipped
    )
    return use.hits > 0 or exceeded or forbade
