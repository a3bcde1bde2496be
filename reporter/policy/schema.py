"""The JSON Schema of policies and waiver lists, for editors; made from the models.

The models say what is allowed. What they can't say to an editor is added here: a description for
every key, the values worth completing, and the rules that the models check in code.
"""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic.json_schema import models_json_schema

from reporter.catalogue.read import Catalogue
from reporter.policy import model
from reporter.policy.model import KeysSpec, PolicySpec, WaiverListSpec
from reporter.precheck.model import GROUPS, KINDS, LEVELS, PHASES

Kind = Literal["Policy", "WaiverList"]
Schema = dict[str, Any]

# Text beside a `$ref` counts from 2019-09 on; before, validators ignored it.
DRAFT = "https://json-schema.org/draft/2020-12/schema"

DESCRIPTIONS: dict[str, dict[str, str]] = {
    "PolicySpec": {
        "apiVersion": "The version of the policy language",
        "kind": "Policy: rules, defaults, evidence and waivers",
        "metadata": "Name and owner, shown in every report",
        "extends": "Policies this one builds on: a path, or builtin:NAME",
        "overridable": "What an overlay of this policy may weaken",
        "applies_to": "The clusters and target versions this policy is for",
        "defaults": "What happens where no rule says anything; fail where left out",
        "evidence": "What has to hold before a response may be judged at all",
        "rules": "What failed findings mean; the strictest matching effect wins, in any order",
        "waivers": "Failed Risks that are tolerated, for a time and for a reason",
        "waivers_may_be_permanent": "true: waivers may leave out `expires`",
        "waiver_requires": "Keys that every waiver has to have",
        "max_waiver_days": "The longest a waiver may hold, in days",
    },
    "WaiverListSpec": {
        "apiVersion": "The version of the policy language",
        "kind": "WaiverList: waivers alone, added to a policy with --waivers",
        "metadata": "Name and owner, shown in every report",
        "waivers": "Failed Risks that are tolerated, for a time and for a reason",
    },
    "Metadata": {
        "name": "A short name, as a file would have",
        "title": "The name for people",
        "description": "What it is for, in a sentence",
        "owner": "The team that answers for it",
        "version": "Its version, in quotes: YAML reads 1.30 as the number 1.3",
    },
    "AppliesTo": {
        "cluster": "Cluster id, a glob, or a list of them",
        "target_version": 'Version range, for example ">=1.31,<1.32", or a list of them',
    },
    "DefaultsSpec": {
        "unmatched": "A failed finding that no rule matches; fail unless said otherwise",
        "skipped": "A check skipped on the server that no waiver covers; fail unless said",
    },
    "EvidenceSpec": {
        "recognised": "Every phase, kind, level and group is one the API documents",
        "finished": "The check has ended; can't be set below warn",
        "consistent": "Every Failed task or section is explained by a Failed item",
        "complete": "All sections and nodes hold items; the required checks occur",
        "unexpired": "The check's expiry time has not passed",
        "fresh": "The check is younger than max_age; off unless set",
        "identity": "Cluster and target version are the expected ones",
        "provider": "What CCE itself concluded; a note",
    },
    "EvidenceOptions": {"level": "require: inconclusive when it does not hold; warn; off"},
    "FinishedOptions": {"level": "require: inconclusive when it does not hold; or warn"},
    "ProviderOptions": {"level": "note, or off"},
    "CompleteOptions": {
        "sections": "Which sections a response must hold",
        "required_checks": "Check names or globs, each of which must occur",
        "required_on_every_node": "Check names or globs, each of which must occur on every node",
        "min_nodes": "At least this many worker nodes must have been checked",
    },
    "Sections": {
        "cluster": "The cluster section",
        "addon": "The add-on section",
        "node": "The node section",
    },
    "UnexpiredOptions": {
        "validity": "How long a check holds, from its update time, where it names no expiry: 1h"
    },
    "FreshOptions": {"max_age": "The oldest a check may be: 90s, 30m, 24h, 7d or a sum of these"},
    "RuleSpec": {
        "id": "Its name in every report; unique among all policies of a run",
        "title": "What it asks for, in a sentence",
        "match": "Which findings it is about; all keys have to fit",
        "effect": "What a finding that it matches becomes; the strictest rule wins",
        "limit": "Judge how many fail, instead of each",
        "below": "With limit: what single failures are while it holds; warn unless said",
        "message": "Shown with the finding; may hold placeholders such as {check} or {node.name}",
        "remediation": "What to do about it",
        "reason": "Why it tolerates what it tolerates; needed for an Exception by name",
        "waivable": "false: no waiver covers what it matches",
        "locked": "true: no overlay may weaken it",
        "effective_on": "Before this day (00:00 UTC) its fail is a warn",
    },
    "MatchSpec": {
        "check": "Name of the check item: text or glob, {equals: …}, {regex: …}, or a list",
        "kind": "Exception (has to be resolved) or Risk (may be accepted)",
        "level": "Info, Warning or Fatal",
        "group": "LimitCheck, MasterCheck, NodeCheck, AddonCheck or ExecuteException (it broke)",
        "phase": "Success, Failed, Running or Init; a rule without it looks at Failed only",
        "scope": "Where it was seen: cluster, addon or node",
        "message": "The whole message; use * on both sides to find a part, {equals: …} for [ ]",
        "error_code": "One of the item's error codes",
        "node": "The node it is about; all keys over the same node",
        "addon": "The add-on it is about: template name or alias",
        "cluster": "Cluster id",
        "from_version": 'The version upgraded from, for example ">=1.23,<1.27"',
        "target_version": 'The version upgraded to, for example ">=1.31,<1.32"',
        "topic": "Topic id of the catalogue",
        "not": "Must not fit: a mapping of the same keys",
        "any": "At least one of these mappings must fit",
        "where": "JSONPath conditions on the check item or the response; all have to hold",
    },
    "NodeSpec": {
        "uid": "Its uid; never used twice",
        "name": "Its name or a glob",
        "status": "Its status, for example Active",
        "type": "node or master",
    },
    "WaiverSpec": {
        "id": "Its name in every report; unique among all files of a run",
        "check": "Name of the check item it is for",
        "reason": "Why the Risk is acceptable; shown in every report",
        "expires": "The last day it holds, in UTC, or an instant with offset",
        "starts": "The first day it holds; from approved_on where left out",
        "approved_by": "Who accepts the Risk",
        "approved_on": "The day it was accepted",
        "ticket": "Where the decision is recorded",
        "max_findings": "Over this many findings it covers none",
    },
    "Comparison": {
        "exists": "Whether the path finds anything",
        "equals": "The value is exactly this",
        "in": "The value is one of these",
        "matches": "A regular expression (RE2) over the whole value",
        "lt": "The value is less than this",
        "le": "The value is at most this",
        "gt": "The value is more than this",
        "ge": "The value is at least this",
        "count": "How many values the path finds",
        "not": "The values for which this does not hold",
    },
    "WhereSpec": {
        "on": "item: the check item; response: the whole document",
        "path": "JSONPath, for example $.riskSource.deprecatedAPIRisks[*].url",
        "quantifier": "How many of the values have to fit; any for rules, all for waivers",
    },
    "CountSpec": {
        "eq": "Exactly this many",
        "lt": "Fewer than this",
        "le": "At most this many",
        "gt": "More than this",
        "ge": "At least this many",
    },
    "LimitSpec": {
        "of": "What is counted: findings, distinct nodes or distinct checks",
        "max": "At most this many may be Failed",
        "max_percent": "At most this share of all that match may be Failed",
    },
    "Regex": {"regex": "A regular expression (RE2) over the whole value"},
    "Equals": {"equals": "The value itself, with no special signs; or a list"},
}
"""Model, key, what an editor says about it. A model without an entry takes its base's."""

_VERSION = r"v?[0-9]{1,9}(\.[0-9]{1,9}){1,2}(-r[0-9]{1,9})?"
_TERM = rf"\s*(<=|>=|==|!=|<|>|=)?\s*{_VERSION}\s*"
_RANGE = rf"^{_TERM}(,{_TERM})*$"
_DAY = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2}))?$"
)
_DURATION = r"^(?=.)([0-9]{1,6}d)?([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$"
_FORMS = {
    **dict.fromkeys(("expires", "starts", "approved_on", "effective_on"), _DAY),
    **dict.fromkeys(("validity", "max_age"), _DURATION),
}
"""Keys whose text has a form of its own."""


def schema(kind: Kind | None = None) -> Schema:
    """The schema of one kind of file, or of both, told apart by their `kind`."""
    models: list[tuple[Any, Literal["validation"]]] = [
        (PolicySpec, "validation"),
        (WaiverListSpec, "validation"),
    ]
    _, made = models_json_schema(models)
    definitions: dict[str, Schema] = made["$defs"]
    for name, definition in definitions.items():
        definitions[name] = _tidy(definition)
    for name, definition in definitions.items():
        if "properties" in definition:
            _finish(name, definition)
    _complete_values(definitions)
    _evidence(definitions)
    _rules_in_code(definitions)
    head: Schema = {"$schema": DRAFT, "title": "cce-precheck policy or waiver list"}
    if kind is not None:
        name = "PolicySpec" if kind == "Policy" else "WaiverListSpec"
        head |= {"title": f"cce-precheck {kind}", "$ref": f"#/$defs/{name}"}
        definitions = _reachable(name, definitions)
    else:
        both = definitions["PolicySpec"]["properties"]
        head |= {
            "type": "object",
            "properties": {
                "apiVersion": both["apiVersion"],
                "kind": {
                    "enum": ["Policy", "WaiverList"],
                    "description": "Policy: rules, and waivers if you like. WaiverList: waivers",
                },
            },
            "required": ["apiVersion", "kind", "metadata"],
            "if": {"properties": {"kind": {"const": "WaiverList"}}, "required": ["kind"]},
            "then": {"$ref": "#/$defs/WaiverListSpec"},
            "else": {"$ref": "#/$defs/PolicySpec"},
        }
    return head | {"$defs": definitions}


def schema_text(kind: Kind | None = None) -> str:
    """The same as text."""
    return json.dumps(schema(kind), indent=2, ensure_ascii=False) + "\n"


def _tidy(part: Any) -> Any:
    """Without what only Python knows: nulls, made-up titles, defaults that are whole objects."""
    if isinstance(part, list):
        return [_tidy(inner) for inner in part]
    if not isinstance(part, dict):
        return part
    # Alternatives exclude one another by type, but for integers, which are numbers as well.
    rest = {"anyOf" if key == "oneOf" else key: value for key, value in part.items()}
    if "properties" in rest:
        rest["properties"] = {key: _tidy(value) for key, value in rest["properties"].items()}
    tidied = {
        key: value if key == "properties" else _tidy(value)
        for key, value in rest.items()
        if key != "title"
        and not (key == "default" and (value is None or isinstance(value, (dict, list))))
    }
    if "anyOf" in tidied:
        # The loader refuses keys without a value, though the models know None as "left out".
        choices = [choice for choice in tidied["anyOf"] if choice != {"type": "null"}]
        if len(choices) == 1:
            del tidied["anyOf"]
            tidied = choices[0] | tidied
        else:
            tidied["anyOf"] = choices
    return tidied


def _finish(name: str, definition: Schema) -> None:
    """Descriptions and forms of a model's keys; an empty mapping of keys is an error."""
    cls = getattr(model, name)
    for key, value in definition["properties"].items():
        if said := _description(cls, key):
            value["description"] = said
        if key in _FORMS:
            value["pattern"] = _FORMS[key]
    if (issubclass(cls, KeysSpec) and "required" not in definition) or name == "AppliesTo":
        definition["minProperties"] = 1


def _description(cls: type, key: str) -> str | None:
    for base in cls.__mro__:
        if key in DESCRIPTIONS.get(base.__name__, {}):
            return DESCRIPTIONS[base.__name__][key]
    return None


def _complete_values(definitions: dict[str, Schema]) -> None:
    """Values an editor can offer. Other texts stay allowed where the loader allows them."""
    known = Catalogue.load()
    words = {
        "kind": KINDS,
        "level": LEVELS,
        "group": GROUPS,
        "phase": PHASES,
        "check": known.items,
        "topic": known.topics_with_items,
    }
    for name in ("MatchSpec", "WaiverSpec"):
        keys = definitions[name]["properties"]
        for key, values in words.items():
            _offer(keys[key], {"enum": sorted(values)}, {"$ref": "#/$defs/Patterns"})
        _offer(keys["scope"], {"$ref": "#/$defs/Scopes"})
    definitions["Scope"] = {
        "anyOf": [
            {"enum": ["cluster", "addon", "node"]},
            {"type": "string", "pattern": r"[*?\[]"},
            {"$ref": "#/$defs/Regex"},
            {"$ref": "#/$defs/Equals"},
        ]
    }
    definitions["Scopes"] = {
        "anyOf": [
            {"$ref": "#/$defs/Scope"},
            {"type": "array", "items": {"$ref": "#/$defs/Scope"}, "minItems": 1},
        ]
    }
    for choice in definitions["VersionRanges"]["anyOf"]:
        choice.get("items", choice)["pattern"] = _RANGE


def _offer(key: Schema, *choices: Schema) -> None:
    key.pop("$ref", None)
    key["anyOf"] = list(choices)


def _evidence(definitions: dict[str, Schema]) -> None:
    """An evidence line is a mapping of options, or its level alone."""
    for name, line in definitions["EvidenceSpec"]["properties"].items():
        options = definitions[line["$ref"].removeprefix("#/$defs/")]
        # `fresh: require` would lack its max_age.
        levels = ["off"] if name == "fresh" else options["properties"]["level"]["enum"]
        _offer(line, {"enum": levels}, {"$ref": line["$ref"]})
        line.pop("default", None)


def _rules_in_code(definitions: dict[str, Schema]) -> None:
    """What the loader checks in code, as far as a schema can say it."""
    definitions["FreshOptions"] |= {
        "if": {"properties": {"level": {"const": "off"}}, "required": ["level"]},
        "else": {"required": ["max_age"]},
    }
    definitions["PolicySpec"] |= {
        "if": {
            "properties": {"waivers_may_be_permanent": {"const": True}},
            "required": ["waivers_may_be_permanent"],
        },
        "else": {"properties": {"waivers": {"items": {"required": ["expires"]}}}},
    }
    if "limit" in definitions["RuleSpec"]["properties"]:
        definitions["RuleSpec"]["dependentRequired"] = {"below": ["limit"]}
    if "LimitSpec" in definitions:
        definitions["LimitSpec"]["oneOf"] = _one_of(["max", "max_percent"])
    if "Comparison" in definitions:
        operators = sorted(definitions["Comparison"]["properties"])
        definitions["Comparison"] |= {"minProperties": 1, "maxProperties": 1}
        definitions["WhereSpec"]["oneOf"] = _one_of(operators)


def _one_of(keys: list[str]) -> list[Schema]:
    return [{"required": [key]} for key in keys]


def _reachable(name: str, definitions: dict[str, Schema]) -> dict[str, Schema]:
    """The definitions that one of them needs."""
    found: dict[str, Schema] = {}
    pending = [name]
    while pending:
        here = pending.pop()
        if here in found:
            continue
        found[here] = definitions[here]
        pending.extend(_references(definitions[here]))
    return {key: definitions[key] for key in definitions if key in found}


def _references(part: Any) -> list[str]:
    if isinstance(part, list):
        return [name for inner in part for name in _references(inner)]
    if not isinstance(part, dict):
        return []
    own = [part["$ref"].removeprefix("#/$defs/")] if isinstance(part.get("$ref"), str) else []
    return own + [name for value in part.values() for name in _references(value)]
