"""Policy and waiver files as users write them: the models behind loading, schema and manual.

These models check structure; `load.py` turns their errors into `file:line:column` messages and
compiles what they hold.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    model_validator,
)
from pydantic_core import PydanticCustomError
from typing_extensions import TypeAliasType

from reporter.precheck import versions
from reporter.record.dates import parse_duration, parse_instant
from reporter.signs import says_nothing

Effect = Literal["fail", "warn", "note"]
Level = Literal["require", "warn", "off"]
Text = Annotated[str, Field(min_length=1)]


def _not_blank(value: str) -> str:
    if says_nothing(value):
        raise PydanticCustomError("blank", "a blank text says nothing; leave the key out")
    return value


Words = Annotated[Text, AfterValidator(_not_blank)]
"""Text for people: something has to be seen of it."""


class Spec(BaseModel):
    """Base of everything users write: unknown keys are errors, nothing is coerced."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        defer_build=True,
        hide_input_in_errors=True,
        populate_by_name=False,
    )


def alike(first: Any, second: Any) -> bool:
    """Whether two specs, or parts of them, say the same.

    As `==`, but `true` is not 1: a condition on one does not hold for the other.
    """
    if isinstance(first, Spec):
        return type(first) is type(second) and alike(vars(first), vars(second))
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(
            alike(value, second[key]) for key, value in first.items()
        )
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(map(alike, first, second))
    return isinstance(first, bool) == isinstance(second, bool) and bool(first == second)


def _one_or_list(value: Any) -> str:
    return "list" if isinstance(value, list) else "one"


class Regex(Spec):
    """A regular expression (RE2 syntax) over the whole value."""

    regex: Text


class Equals(Spec):
    """The value itself, with no special signs; or any of several."""

    equals: Annotated[
        Annotated[Text, Tag("one")]
        | Annotated[Annotated[list[Text], Field(min_length=1)], Tag("list")],
        Discriminator(_one_or_list),
    ]


def _pattern_form(value: Any) -> str | None:
    if isinstance(value, str):
        return "glob"
    if isinstance(value, Spec):
        return "equals" if isinstance(value, Equals) else "regex"
    if isinstance(value, dict):
        return "equals" if "equals" in value and "regex" not in value else "regex"
    return None


# Named aliases: the schema is built once and referred to, not once per key.
Pattern = TypeAliasType(
    "Pattern",
    Annotated[
        Annotated[Text, Tag("glob")]
        | Annotated[Regex, Tag("regex")]
        | Annotated[Equals, Tag("equals")],
        Discriminator(
            _pattern_form, custom_error_type="pattern", custom_error_message="not a pattern"
        ),
    ],
)
Patterns = TypeAliasType(
    "Patterns",
    Annotated[
        Annotated[Pattern, Tag("one")]
        | Annotated[Annotated[list[Pattern], Field(min_length=1)], Tag("list")],
        Discriminator(_one_or_list),
    ],
)


def _checked(parse: Any, kind: str) -> BeforeValidator:
    def check(value: Any) -> Any:
        if isinstance(value, str) and value:
            try:
                parse(value)
            except ValueError as error:
                raise PydanticCustomError(kind, "{reason}", {"reason": str(error)}) from None
        return value

    return BeforeValidator(check)


Day = Annotated[Text, _checked(parse_instant, "date")]
Duration = Annotated[Text, _checked(parse_duration, "duration")]
VersionRange = Annotated[Text, _checked(versions.parse_range, "version_range")]


def _some_versions(texts: list[str]) -> list[str]:
    """Any of a list will do: two bounds of one range, listed, leave nothing out."""
    ranges = [versions.parse_range(text) for text in texts]
    if len(ranges) > 1 and versions.leave_nothing_out(ranges):
        reason = (
            f"any one of a list will do, and together these leave no version out: "
            f"{', '.join(texts)}; a range of several bounds is one text"
        )
        raise PydanticCustomError("version_range", "{reason}", {"reason": reason})
    return texts


VersionRanges = TypeAliasType(
    "VersionRanges",
    Annotated[
        Annotated[VersionRange, Tag("one")]
        | Annotated[
            Annotated[list[VersionRange], Field(min_length=1), AfterValidator(_some_versions)],
            Tag("list"),
        ],
        Discriminator(_one_or_list),
    ],
)


class KeysSpec(Spec):
    """A mapping of match keys: at least one of them."""

    @model_validator(mode="after")
    def _not_empty(self) -> KeysSpec:
        if not self.model_fields_set:
            raise PydanticCustomError("empty_match", "an empty match would match everything")
        return self


_OPERATORS = ("exists", "equals", "in", "matches", "lt", "le", "gt", "ge", "count", "not")


class CountSpec(KeysSpec):
    """How many values a path may find."""

    eq: Annotated[int, Field(ge=0)] | None = None
    lt: Annotated[int, Field(ge=0)] | None = None
    le: Annotated[int, Field(ge=0)] | None = None
    gt: Annotated[int, Field(ge=0)] | None = None
    ge: Annotated[int, Field(ge=0)] | None = None


def _smart_scalar(value: Any) -> str:
    return type(value).__name__


ScalarValue = TypeAliasType(
    "ScalarValue",
    Annotated[
        Annotated[str, Tag("str")]
        | Annotated[int, Tag("int")]
        | Annotated[float, Tag("float")]
        | Annotated[bool, Tag("bool")],
        Discriminator(
            _smart_scalar, custom_error_type="scalar", custom_error_message="not a single value"
        ),
    ],
)


class Comparison(Spec):
    """Exactly one operator, asked of the values a path finds."""

    exists: bool | None = Field(None, description="whether the path finds anything")
    equals: ScalarValue | None = None
    in_: Annotated[list[ScalarValue], Field(min_length=1)] | None = Field(None, alias="in")
    matches: Text | None = Field(None, description="a regular expression over the whole value")
    lt: ScalarValue | None = None
    le: ScalarValue | None = None
    gt: ScalarValue | None = None
    ge: ScalarValue | None = None
    count: CountSpec | None = Field(None, description="how many values the path finds")
    not_: Comparison | None = Field(
        None, alias="not", description="the values for which this does not hold"
    )

    @model_validator(mode="after")
    def _one_operator(self) -> Comparison:
        given = [
            info.alias or name
            for name, info in Comparison.model_fields.items()
            if getattr(self, name) is not None
        ]
        if len(given) != 1:
            raise PydanticCustomError(
                "one_operator",
                "a condition takes exactly one of {operators}; here are {given}",
                {"operators": ", ".join(_OPERATORS), "given": ", ".join(given) or "none"},
            )
        return self


class WhereSpec(Comparison):
    """A JSONPath condition on the check item, or on the whole response."""

    on: Literal["item", "response"] = "item"
    path: Text = Field(description="JSONPath, for example $.riskSource.deprecatedAPIRisks[*].url")
    quantifier: Literal["any", "all", "none"] | None = Field(
        None, description="any for rules and all for waivers, unless said"
    )


class LimitSpec(Spec):
    """Judges a number: of all matching findings, how many are Failed."""

    of: Literal["findings", "nodes", "checks"]
    max: Annotated[int, Field(ge=0)] | None = None
    max_percent: Annotated[float, Field(ge=0, le=100)] | None = None

    @model_validator(mode="after")
    def _one_bound(self) -> LimitSpec:
        if (self.max is None) == (self.max_percent is None):
            raise PydanticCustomError("one_bound", "a limit takes either max or max_percent")
        return self


class NodeSpec(KeysSpec):
    """Keys of a node; all of them over the same node."""

    uid: Patterns | None = None
    name: Patterns | None = None
    status: Patterns | None = None
    type: Patterns | None = None


class MatchSpec(KeysSpec):
    """A conjunction of keys; a list is any of."""

    check: Patterns | None = Field(None, description="check item name")
    kind: Patterns | None = Field(None, description="Exception or Risk")
    level: Patterns | None = Field(None, description="Info, Warning or Fatal")
    group: Patterns | None = Field(
        None, description="LimitCheck, MasterCheck, NodeCheck, AddonCheck or ExecuteException"
    )
    phase: Patterns | None = Field(
        None, description="Success, Failed …; a rule without it looks at Failed only"
    )
    scope: Patterns | None = Field(None, description="cluster, addon or node")
    message: Patterns | None = None
    error_code: Patterns | None = None
    node: NodeSpec | None = None
    addon: Patterns | None = Field(None, description="an add-on's template name or alias")
    cluster: Patterns | None = Field(None, description="cluster id")
    from_version: VersionRanges | None = Field(None, description='for example ">=1.23,<1.27"')
    target_version: VersionRanges | None = Field(None, description='for example ">=1.29"')
    topic: Patterns | None = Field(None, description="topic id of the catalogue")
    not_: MatchSpec | None = Field(None, alias="not")
    any: Annotated[list[MatchSpec], Field(min_length=1)] | None = None
    where: Annotated[list[WhereSpec], Field(min_length=1)] | None = Field(
        None, description="JSONPath conditions; all of them have to hold"
    )


MATCH_KEYS = {name: info.alias or name for name, info in MatchSpec.model_fields.items()}
"""Field name to the key as users write it."""


class RuleSpec(Spec):
    """A rule: what it looks at, and what a failed finding it matches means."""

    id: Words
    title: Words | None = None
    match: MatchSpec
    effect: Effect
    limit: LimitSpec | None = Field(
        None, description="judge how many fail instead of each; effect is for the number"
    )
    below: Effect | None = Field(
        None, description="with limit: what single failures are while it holds; warn unless said"
    )
    message: Text | None = Field(None, description="with placeholders such as {check}")
    remediation: Words | None = None
    reason: Words | None = None
    waivable: bool = True
    locked: bool = False
    effective_on: Day | None = Field(None, description="before it, a fail is a warn")


class WaiverSpec(MatchSpec):
    """Tolerates listed Risks, for a time, for a reason."""

    id: Words
    check: Patterns
    reason: Words
    expires: Day | None = Field(None, description="a day holds to its end, in UTC")
    starts: Day | None = None
    approved_by: Words | None = None
    approved_on: Day | None = None
    ticket: Words | None = None
    max_findings: Annotated[int, Field(ge=1)] | None = Field(
        None, description="over this many findings it covers none"
    )


class Metadata(Spec):
    """Who owns a policy or waiver list."""

    name: Words
    title: Words | None = None
    description: Text | None = None
    owner: Words | None = None
    version: Words | None = None


class DefaultsSpec(Spec):
    """What happens where no rule says anything."""

    unmatched: Effect | None = Field(None, description="fail unless said otherwise")
    skipped: Effect | None = Field(None, description="checks skipped on the server; fail")


def _bare_level(value: Any) -> Any:
    # `require` is short for `{level: require}`.
    return {"level": value} if isinstance(value, str) else value


class EvidenceOptions(Spec):
    """An evidence line: how much it counts."""

    level: Level = "require"


class FinishedOptions(Spec):
    """Evidence `finished`; it can't be switched off."""

    level: Literal["require", "warn"] = "require"


class ProviderOptions(Spec):
    """Evidence `provider`: a note."""

    level: Literal["note", "off"] = "note"


class Sections(Spec):
    """Which sections a response must hold."""

    cluster: Literal["required", "optional"] = "required"
    addon: Literal["required", "optional"] = "required"
    node: Literal["required", "optional"] = "required"


class CompleteOptions(EvidenceOptions):
    """Evidence `complete`."""

    # Defaults are made without validation: what validates takes long to build, and each start
    # of the command would wait for it.
    sections: Sections = Sections.model_construct()
    required_checks: Patterns | None = None
    required_on_every_node: Patterns | None = None
    min_nodes: Annotated[int, Field(ge=0)] | None = None


class UnexpiredOptions(EvidenceOptions):
    """Evidence `unexpired`."""

    validity: Duration | None = Field(
        None, description="counted from the update time where the response names no expiry"
    )


class FreshOptions(EvidenceOptions):
    """Evidence `fresh`."""

    max_age: Duration | None = None


Line = Annotated[EvidenceOptions, BeforeValidator(_bare_level)]


class EvidenceSpec(Spec):
    """May a response be judged at all? Each line: require, warn, off, or a mapping of options."""

    recognised: Line = EvidenceOptions.model_construct()
    finished: Annotated[FinishedOptions, BeforeValidator(_bare_level)] = (
        FinishedOptions.model_construct()
    )
    consistent: Line = EvidenceOptions.model_construct()
    complete: Annotated[CompleteOptions, BeforeValidator(_bare_level)] = (
        CompleteOptions.model_construct()
    )
    unexpired: Annotated[UnexpiredOptions, BeforeValidator(_bare_level)] = (
        UnexpiredOptions.model_construct()
    )
    fresh: Annotated[FreshOptions, BeforeValidator(_bare_level)] = FreshOptions.model_construct(
        level="off"
    )
    identity: Line = EvidenceOptions.model_construct()
    provider: Annotated[ProviderOptions, BeforeValidator(_bare_level)] = (
        ProviderOptions.model_construct()
    )


class AppliesTo(Spec):
    """Which cluster and target version a policy is for."""

    cluster: Patterns | None = None
    target_version: VersionRanges | None = None


class PolicySpec(Spec):
    """A policy file."""

    apiVersion: Literal["precheck.policy/v1"]  # noqa: N815
    kind: Literal["Policy"]
    metadata: Metadata
    extends: (
        Annotated[
            Annotated[Text, Tag("one")]
            | Annotated[Annotated[list[Text], Field(min_length=1)], Tag("list")],
            Discriminator(_one_or_list),
        ]
        | None
    ) = Field(None, description="bases: paths relative to this file, or builtin:NAME")
    overridable: list[Text] | None = Field(
        None, description="rule ids and settings a policy on top may weaken"
    )
    applies_to: AppliesTo | None = None
    defaults: DefaultsSpec | None = None
    evidence: EvidenceSpec | None = None
    rules: list[RuleSpec] | None = None
    waivers: list[WaiverSpec] | None = None
    waivers_may_be_permanent: bool = False
    waiver_requires: (
        list[Literal["approved_by", "approved_on", "ticket", "starts", "max_findings"]] | None
    ) = None
    max_waiver_days: Annotated[int, Field(ge=1, le=36_500)] | None = None


class WaiverListSpec(Spec):
    """A waiver file, so that a change board can own waivers and a platform team the rules."""

    apiVersion: Literal["precheck.policy/v1"]  # noqa: N815
    kind: Literal["WaiverList"]
    metadata: Metadata
    waivers: list[WaiverSpec] | None = None
