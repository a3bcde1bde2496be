"""A second, slow evaluator, written straight from the contract with plain loops over plain dicts.

It shares nothing with the product but the text it was written from, `policy-language.md`: lines
in quotation marks are sentences of that text. Where the text left room the comment says (A…,
W… for `where`, L… for `limit`): see AMBIGUITIES.md beside this file. The rule of thumb there: the
stricter reading wins, because a false pass is the worst bug a gate can have.

Out of scope: `extends`, `overridable`, `locked`, and everything the record says beside the
outcomes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from fnmatch import fnmatchcase
from fractions import Fraction
from functools import cache
from typing import Any

import re2
from jsonpath_ng import Index
from jsonpath_ng.ext.parser import parse

Json = dict[str, Any]
Truth = bool | None  # None: can't be decided, "open"

# Fact sheet, section 0. The section and item phases have no Error.
TASK_PHASES = {"Init", "Running", "Success", "Failed", "Error"}
PHASES = {"Init", "Running", "Success", "Failed"}
KINDS = {"Exception", "Risk"}
GROUPS = {"LimitCheck", "MasterCheck", "NodeCheck", "AddonCheck", "ExecuteException"}
LEVELS = {"Info", "Warning", "Fatal"}
SECTIONS = {"cluster": "clusterCheckStatus", "addon": "addonCheckStatus", "node": "nodeCheckStatus"}

# The fields the API documents: None is a leaf, [shape] a list of such things.
_ITEM: Json = {
    "name": None,
    "kind": None,
    "group": None,
    "level": None,
    "phase": None,
    "message": None,
    "errorCodes": None,
    "riskSource": {
        "configurationRisks": [
            {
                "package": None,
                "sourceFile": None,
                "nodeMsg": None,
                "field": None,
                "operation": None,
                "originalValue": None,
                "value": None,
            }
        ],
        "deprecatedAPIRisks": [{"url": None, "userAgent": None}],
        "nodeRisks": [{"NodeID": None}],
        "addonRisks": [{"addonTemplateName": None, "alias": None}],
    },
}
_NODE_INFO: Json = {"uid": None, "name": None, "status": None, "nodeType": None}
_SELECTOR: Json = {"key": None, "operator": None, "values": None}
_TASK: Json = {
    "apiVersion": None,
    "kind": None,
    "metadata": {"uid": None, "creationTimestamp": None, "updateTimestamp": None},
    "spec": {
        "clusterID": None,
        "clusterVersion": None,
        "targetVersion": None,
        "skippedCheckItemList": [{"name": None, "resourceSelector": _SELECTOR}],
    },
    "status": {
        "phase": None,
        "expireTimeStamp": None,
        "message": None,
        "clusterCheckStatus": {"phase": None, "itemsStatus": [_ITEM]},
        "addonCheckStatus": {"phase": None, "itemsStatus": [_ITEM]},
        "nodeCheckStatus": {
            "phase": None,
            "nodeStageStatus": [{"nodeInfo": _NODE_INFO, "itemsStatus": [_ITEM]}],
        },
    },
}
# "a key that looks like a check (...), whatever the case"
CHECK_LIKE = {"phase", "itemsstatus", "kind", "level", "risksource"}

# id of the line -> what holds when the policy is silent
DEFAULT_LEVELS = {
    "recognised": "require",
    "finished": "require",
    "consistent": "require",
    "complete": "require",
    "unexpired": "require",
    "fresh": "off",
    "identity": "require",
    "provider": "note",
}
LEVEL_ORDER = ("off", "note", "warn", "require")
STATE_ORDER = ("not-applicable", "ok", "not-ok")
EFFECT_ORDER = ("note", "warn", "fail")
FUTURE_TOLERANCE = timedelta(minutes=5)

RESPONSE_KEYS = ("cluster", "from_version", "target_version")
FINDING_KEYS = ("check", "kind", "level", "group", "phase", "scope", "message", "error_code")
MATCH_KEYS = {*RESPONSE_KEYS, *FINDING_KEYS, "node", "addon", "topic", "not", "any", "where"}
# "keys that need a finding (kind, level, group, phase, message, error_code, where)"
NEEDS_FINDING = {"kind", "level", "group", "phase", "message", "error_code", "where"}


# ------------------------------------------------------------------------------------------------
# Absent, null and empty


def without_empty(value: Any) -> Any:
    """The same value without fields that are null or empty.

    "Absent, null and empty are the same everywhere": so a field that only holds such things is
    empty too (A1). Elements of a list stay, since an item about which nothing is said is still an
    item, and pointers count them.
    """
    if isinstance(value, dict):
        fields = {key: without_empty(field) for key, field in value.items()}
        return {key: field for key, field in fields.items() if not is_empty(field)}
    if isinstance(value, list):
        return [without_empty(element) for element in value]
    return value


def is_empty(value: Any) -> bool:
    """Whether a value is null, "", [] or {}; false and 0 are values."""
    return value is None or (isinstance(value, str | list | dict) and not value)


def every(field: Any) -> list[Json]:
    """The mappings of a list; one that is null says as little as an empty one."""
    return [element or {} for element in field or []]


# ------------------------------------------------------------------------------------------------
# Three truth values


def all3(truths: Iterable[Truth]) -> Truth:
    """Conjunction: one False decides, else one open leaves it open."""
    seen = list(truths)
    if False in seen:
        return False
    return None if None in seen else True


def any3(truths: Iterable[Truth]) -> Truth:
    """Disjunction: one True decides, else one open leaves it open."""
    seen = list(truths)
    if True in seen:
        return True
    return None if None in seen else False


def not3(truth: Truth) -> Truth:
    """Negation: open stays open."""
    return None if truth is None else not truth


# ------------------------------------------------------------------------------------------------
# Times, durations, versions, patterns

_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?"
    r"(?:(Z)|([+-])(\d\d):([0-5]\d)| ([+-])(\d\d)([0-5]\d) ([A-Z0-9+-]+)(?: m=[+-][0-9.]+)?)",
    re.ASCII,
)


def read_time(text: str | None) -> datetime | str:
    """A time of the response, or "absent", or "unreadable" (fact sheet, section 6)."""
    if not text:
        return "absent"
    found = _TIME.fullmatch(text)
    if found is None:
        return "unreadable"
    day, clock, fraction, zulu = found.group(1, 2, 3, 4)
    sign, hours, minutes = found.group(5, 6, 7) if found.group(5) else found.group(8, 9, 10)
    offset = timedelta(0) if zulu else timedelta(hours=int(hours), minutes=int(minutes))
    if sign == "-":
        offset = -offset
    if found.group(11) in ("UTC", "GMT", "Z") and offset:
        return "unreadable"  # the name and the offset contradict each other (A36)
    try:
        naive = datetime.fromisoformat(f"{day}T{clock}")
        # Nanoseconds are cut, which makes every time older: never in favour of passing.
        naive = naive.replace(microsecond=int((fraction or "0").ljust(9, "0")[:6]))
        if (day, clock) == ("0001-01-01", "00:00:00") and not naive.microsecond and not offset:
            return "absent"  # Go's zero time; the fact sheet: "treat as missing" (A2)
        return naive.replace(tzinfo=timezone(offset)).astimezone(UTC)
    except (ValueError, OverflowError):
        return "unreadable"


_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)


def instant(text: str, *, end_of_day: bool = False) -> datetime:
    """A date or time of a policy; "any other spelling is an error"."""
    if _DAY.fullmatch(text):
        # "A date is the whole UTC day"; `effective_on`: "a date means 00:00 UTC"
        start = datetime.fromisoformat(text).replace(tzinfo=UTC)
        return start + timedelta(days=1) if end_of_day else start
    if _RFC3339.fullmatch(text):
        return datetime.fromisoformat(text)
    raise ValueError(f"not a date, nor RFC 3339 with offset: {text!r}")


def duration(text: str) -> timedelta:
    """`90s`, `30m`, `1h30m`, `7d` …"""
    if not re.fullmatch(r"(\d+[smhd])+", text, re.ASCII):
        raise ValueError(f"not a duration: {text!r}")
    total = timedelta(0)
    for number, unit in re.findall(r"(\d+)([smhd])", text):
        total += int(number) * timedelta(seconds={"s": 1, "m": 60, "h": 3600, "d": 86400}[unit])
    return total


_VERSION = re.compile(r"v?(\d+)\.(\d+)(?:\.(\d+))?(?:-r(\d+))?", re.ASCII)
_CLAUSE = re.compile(r"\s*(>=|<=|>|<|==|=|)\s*(\S+)\s*")


def version_parts(text: str) -> list[int] | None:
    """The written parts: major, minor, patch, -rN. Unreadable: None."""
    found = _VERSION.fullmatch(text)
    if found is None:
        return None
    major, minor, patch, release = found.groups()
    parts = [int(major), int(minor)]
    if patch is not None or release is not None:
        parts.append(int(patch or "0"))
    if release is not None:  # "`-rN` comes after" the other parts, as one more number (A3)
        parts.append(int(release))
    return parts


def in_range(text: str, wanted: str) -> bool:
    """Whether a version is in a range such as `>=1.23,<1.27`: every clause holds."""
    for clause in wanted.split(","):
        found = _CLAUSE.fullmatch(clause)
        bound = version_parts(found.group(2)) if found else None
        if found is None or bound is None:
            raise ValueError(f"not a version range: {wanted!r}")
        parts = version_parts(text)
        if parts is None:
            return False  # "unreadable is in no range" (A4)
        # "parts compare as numbers, missing ones are 0"; "`<=1.27`, `>1.27` and a bare `1.27`
        # compare only the written parts". For `>=` and `<` that comes to the same.
        written = [*parts, 0, 0, 0][: len(bound)]
        held = {
            ">=": written >= bound,
            "<=": written <= bound,
            ">": written > bound,
            "<": written < bound,
        }.get(found.group(1), written == bound)
        if not held:
            return False
    return True


def as_list(value: Any) -> list[Any]:
    """Anything but a list is a list of one: "a list is 'any of'"; an empty one is an error."""
    if is_empty(value):
        raise ValueError("an empty pattern or list")
    return value if isinstance(value, list) else [value]


def version_fits(ranges: Any, version: str | None) -> Truth:
    """A version in one of the ranges; a missing one is open."""
    if not version:
        return None
    return any(in_range(version, wanted) for wanted in as_list(ranges))


def fits(pattern: Any, value: str | None) -> Truth:
    """One value against a pattern: glob, {regex}, {equals}, or a list of them."""
    if not value:
        return None  # "What a missing field leaves open"; "`*` on a missing value is open"
    opened = False
    for one in as_list(pattern):
        if isinstance(one, str):
            # "strings are case-sensitive globs over the whole value"
            if fnmatchcase(value, one):
                return True
        elif set(one) == {"regex"}:
            # "`{regex: …}` likewise the whole value, linear-time engine"
            truth = regex_fits(one["regex"], value)
            if truth is True:
                return True
            opened = opened or truth is None
        elif set(one) == {"equals"}:
            if value == one["equals"]:
                return True
        else:
            raise ValueError(f"not a pattern: {one!r}")
    return None if opened else False


def regex_fits(pattern: str, value: str) -> Truth:
    """ "`{regex: …}` likewise the whole value", of which a point takes one line (A45).

    Open where it fits only if a point were to go over the end of a line.
    """
    if re2.fullmatch(pattern, value):
        return True
    return None if re2.fullmatch(f"(?s:{pattern})", value) else False


def spells(pattern: Any, value: str) -> bool:
    """Whether a pattern "spells that very value (no glob, no regex …)"."""
    for one in as_list(pattern):
        if isinstance(one, str):
            if one == value and not any(mark in one for mark in "*?["):
                return True
        elif one.get("equals") == value:
            return True
    return False


# ------------------------------------------------------------------------------------------------
# Findings


def find_all(response: Json) -> list[Json]:
    """Pointer, scope, item and nodes of each: "an item plus where it was seen".

    A node's `place` tells nodes without uid apart.
    """
    status = response.get("status", {})
    findings = []
    for scope in ("cluster", "addon"):
        name = SECTIONS[scope]
        for i, item in enumerate(every(status.get(name, {}).get("itemsStatus"))):
            pointer = f"/status/{name}/itemsStatus/{i}"
            nodes = risk_nodes(item)
            for n, node in enumerate(nodes):
                node["place"] = f"{pointer} {n}"
            findings.append({"pointer": pointer, "scope": scope, "item": item, "nodes": nodes})
    for i, stage in enumerate(stages(response)):
        # "Its nodes are its stage node": one node, even when nothing is known of it.
        info = stage.get("nodeInfo", {})
        node = {key: info.get(key) for key in ("uid", "name", "status")}
        node["type"] = info.get("nodeType")
        node["place"] = f"stage {i}"
        for j, item in enumerate(every(stage.get("itemsStatus"))):
            pointer = f"/status/nodeCheckStatus/nodeStageStatus/{i}/itemsStatus/{j}"
            findings.append({"pointer": pointer, "scope": "node", "item": item, "nodes": [node]})
    return findings


def at_pointer(document: Any, pointer: str) -> Any:
    """The value a pointer of ours names (there is no `~` in them)."""
    for part in pointer.split("/")[1:]:
        document = document[int(part)] if isinstance(document, list) else document[part]
    return document


def stages(response: Json) -> list[Json]:
    """The nodes listed."""
    section = response.get("status", {}).get("nodeCheckStatus", {})
    return every(section.get("nodeStageStatus"))


def risk_nodes(item: Json) -> list[Json]:
    """The nodes of other scopes, "the distinct `riskSource.nodeRisks[].NodeID`".

    A node risk without NodeID is a node of which nothing is known (A5). "Of a node known by its
    uid alone, name, status and type are missing." Two without NodeID may be two nodes (L6).
    """
    uids: list[str | None] = []
    for risk in every(item.get("riskSource", {}).get("nodeRisks")):
        uid = risk.get("NodeID")
        if not uid or uid not in uids:
            uids.append(uid)
    return [{"uid": uid} for uid in uids]


# ------------------------------------------------------------------------------------------------
# Matching


def matches(
    match: Json,
    finding: Json | None,
    about: Json,
    *,
    every_value: bool,
    negated: bool = False,
) -> Truth:
    """Whether a match holds for a finding; "`match` is a conjunction".

    `about` is what is known of the whole response. Without a finding all keys of one are open.
    `every_value`: "Where a key yields several values, a **rule** matches when any does, a
    **waiver** only when every one does and there is at least one."
    `negated`: whether this part stands under an odd number of `not:` (W4).
    """
    if not match:
        raise ValueError("an empty match")
    truths: list[Truth] = []
    for key, wanted in match.items():
        if key == "not":
            # "under a waiver's `not:`, one value is enough to exclude": the quantifier turns with
            # the sign. A rule's stays "any" (A6).
            turned = not every_value if about["is_waiver"] else every_value
            held = matches(wanted, finding, about, every_value=turned, negated=not negated)
            truths.append(not3(held))
        elif key == "any":
            truths.append(
                any3(
                    matches(one, finding, about, every_value=every_value, negated=negated)
                    for one in wanted
                )
            )
        elif key == "cluster":
            truths.append(id_fits(wanted, about["cluster"]))
        elif key in ("from_version", "target_version"):
            truths.append(version_fits(wanted, about[key]))
        elif finding is None:
            truths.append(None)
        elif key == "where":
            truths.append(where_holds(wanted, finding, about, every_value, negated))
        else:
            truths.append(finding_key_fits(key, wanted, finding, about, every_value))
    return all3(truths)


def id_fits(wanted: Any, cluster: str | None) -> Truth:
    """An id that fits but for its capitals, or is not what it looks like, is left open (A50)."""
    truth = fits(wanted, plain_or_none(cluster))
    if truth is False and cluster is not None:
        small = [text.lower() for text in spelled_texts(wanted)]
        if fits(wanted, cluster.lower()) is True or cluster.lower() in small:
            return None
    return truth


def spelled_texts(wanted: Any) -> list[str]:
    """The texts of a pattern or of a list of them, under `equals` or not."""
    spelled = [one["equals"] if isinstance(one, dict) and "equals" in one else one
               for one in (wanted if isinstance(wanted, list) else [wanted])]  # fmt: skip
    texts = [text for one in spelled for text in (one if isinstance(one, list) else [one])]
    return [text for text in texts if isinstance(text, str)]


def name_fits(wanted: Any, name: str | None) -> Truth:
    """A name that would fit with narrow brackets and commas is left open (A50)."""
    truth = fits(wanted, plain_or_none(name))
    if truth is False and name is not None:
        narrow = unicodedata.normalize("NFKC", name)
        spelled = {unicodedata.normalize("NFKC", text) for text in spelled_texts(wanted)}
        if fits(wanted, narrow) is True or narrow in spelled:
            return None
    return truth


def finding_key_fits(key: str, wanted: Any, finding: Json, about: Json, every_value: bool) -> Truth:
    """One key that looks at the finding."""
    item = finding["item"]
    quantified = all3 if every_value else any3
    if key == "check":
        return fits(wanted, item.get("name"))
    if key in ("kind", "level", "group", "phase", "message"):
        return fits(wanted, item.get(key))
    if key == "scope":
        return fits(wanted, finding["scope"])
    if key == "topic":
        # A check of which no topic is known may belong to any: open (A7).
        return fits(wanted, about["topics"].get(item.get("name")))
    if key == "error_code":
        codes = item.get("errorCodes", [])
        # "an item without error codes leaves `error_code` open"
        known = [plain_or_none(code) for code in codes]
        return quantified(fits(wanted, code) for code in known) if codes else None
    if key == "addon":
        # An add-on goes by its template name or its alias; none is a missing field: open (A8).
        addons = every(item.get("riskSource", {}).get("addonRisks"))
        named = [
            any3(name_fits(wanted, one.get(key)) for key in ("addonTemplateName", "alias"))
            for one in addons
        ]
        return quantified(named) if named else None
    if key == "node":
        if not finding["nodes"]:
            return False  # "A finding without nodes surely doesn't match `node:`"
        return quantified(node_fits(wanted, node) for node in finding["nodes"])
    raise ValueError(f"unknown key {key!r}")


def node_fits(wanted: Json, node: Json) -> Truth:
    """One node against `node: {name, uid, status, type}`."""
    if not wanted or not set(wanted) <= {"name", "uid", "status", "type"}:
        raise ValueError(f"not a node match: {wanted!r}")
    return all3(
        id_fits(pattern, node.get(key)) if key == "uid" else name_fits(pattern, node.get(key))
        for key, pattern in wanted.items()
    )


# ------------------------------------------------------------------------------------------------
# `where`

BESIDE_OPERATOR = {"path", "on", "quantifier"}
COMPARISONS = {"equals", "in", "matches", "lt", "le", "gt", "ge"}


@cache
def parsed(path: str) -> Any:
    """A JSONPath, in jsonpath-ng's extended dialect."""
    return parse(path)


def where_holds(
    conditions: list[Json], finding: Json, about: Json, every_value: bool, negated: bool
) -> Truth:
    """`where`, "a list of JSONPath conditions": all of them have to hold (W1)."""
    if not conditions:
        raise ValueError("an empty where")
    return all3(condition_holds(one, finding, about, every_value, negated) for one in conditions)


def condition_holds(
    condition: Json, finding: Json, about: Json, every_value: bool, negated: bool
) -> Truth:
    """One condition "on the item (`on: response` for the document)", both as they came."""
    on_response = {"item": False, "response": True}[condition.get("on", "item")]
    path = condition["path"]
    if not on_response:
        values = path_values(path, finding["raw"])
    elif path in about["found"]:
        values = about["found"][path]
    else:
        values = about["found"][path] = path_values(path, about["document"])
    known = [value for value in values if value is not None]

    # "`path` with one of `exists`, `equals`, `in`, …, `count: {…}`, `not`"
    operator, operand = only_pair(condition, BESIDE_OPERATOR)
    denied = operator == "not"
    if denied:
        operator, operand = only_pair(operand, set())

    # `exists` and `count` ask about all values together and are never open: that nothing is there
    # is what they are about (W2). No quantifier changes them.
    if operator == "exists":
        there = bool(known)
        return bool((there == operand) != denied)
    if operator == "count":
        return count_fits(len(known), operand) != denied
    if operator not in COMPARISONS:
        raise ValueError(f"unknown operator {operator!r}")

    # "`quantifier: any|all|none` (default as above …)": any for a rule, every one for a waiver,
    # turned under its `not:`.
    quantifier = condition.get("quantifier") or ("all" if every_value else "any")
    if not values:
        # "`all` over nothing is false"; else "What a missing field leaves open counts against
        # passing", so also where `not:` would make a surely true of that false (W3).
        return False if quantifier == "all" and not negated else None
    # Whether a comparison that is false helps the condition to be true. Two negations of one
    # condition cancel out; under a match's `not:` what is unlike proves nothing either way (W4).
    helps = negated or denied != (quantifier == "none")
    truths = [compares(operator, operand, value, helps) for value in values]
    if denied:  # `not` belongs to the comparison of one value, inside the quantifier (W5)
        truths = [not3(truth) for truth in truths]
    if quantifier == "any":
        return any3(truths)
    if quantifier == "all":
        return all3(truths)
    if quantifier == "none":
        return not3(any3(truths))
    raise ValueError(f"unknown quantifier {quantifier!r}")


def only_pair(mapping: Json, beside: set[str]) -> tuple[str, Any]:
    """The one operator and its operand."""
    pairs = [(key, value) for key, value in mapping.items() if key not in beside]
    if len(pairs) != 1:
        raise ValueError(f"not exactly one operator: {mapping!r}")
    return pairs[0]


# `[*].a.b`, `[0].a`, `[?(...)].a`, and `..a.b`
_NAMES_BELOW_SEVERAL = re.compile(r"(?:(?<=\])|(?<=\.\.)\w+)(?P<names>(?:\.\w+)+)")


def path_values(path: str, document: Any) -> list[Any]:
    """What a path finds; None stands for an element of a list that is null or empty.

    "Absent, null and empty are the same everywhere": a field that is null or empty is not found,
    as if it were absent; an empty element of a list is a value of which nothing is known, as it
    is for `error_code`, and so is a field that an element lacks (W6).
    """
    values = []
    for found in parsed(path).find(document):
        if not is_empty(without_empty(found.value)):
            values.append(found.value)
        elif isinstance(found.path, Index):
            values.append(None)
    # An element of a list, or one of many that `..` finds, without the field that is asked for,
    # however deep below it that is and whatever the path goes on to: who that is, nobody knows.
    for names in _NAMES_BELOW_SEVERAL.finditer(path):
        for holder in parsed(path[: names.start("names")]).find(document):
            said = without_empty(holder.value)
            if is_empty(said) and not isinstance(holder.path, Index):
                continue  # a field that is empty is as good as absent
            for name in names["names"].split(".")[1:]:
                said = said.get(name) if isinstance(said, dict) else None
                if is_empty(said):
                    values.append(None)
                    break
    return values


def type_name(value: Any) -> str:
    """Numbers are alike, whole or not; true and false are no numbers."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else "other"


def compares(operator: str, operand: Any, value: Any, helps: bool) -> Truth:
    """One value against one operator.

    "unlike types compare false": where that false would be turned into a true it is open instead,
    for what is unlike counts against passing (W4). Versions are texts here.
    """
    if value is None:
        return None
    wanted = as_list(operand) if operator == "in" else [operand]
    alike = [one for one in wanted if type_name(one) == type_name(value) != "other"]
    if operator not in ("equals", "in") and type_name(value) == "boolean":
        alike = []
    if operator == "matches" and type_name(value) != "text":
        alike = []
    if not alike:
        return None if helps else False
    if operator in ("equals", "in"):
        return value in alike
    if operator == "matches":
        return regex_fits(operand, value)  # the whole value, as in patterns
    return in_order(operator, value, operand)


def in_order(operator: str, value: Any, operand: Any) -> bool:
    """Numbers by size, texts by their characters."""
    return bool(
        {
            "lt": value < operand,
            "le": value <= operand,
            "gt": value > operand,
            "ge": value >= operand,
        }[operator]
    )


def count_fits(count: int, wanted: Json) -> bool:
    """`count: {eq|lt|le|gt|ge: N}`."""
    operator, number = only_pair(wanted, set())
    if operator == "eq":
        return bool(count == number)
    return in_order(operator, count, number)


# ------------------------------------------------------------------------------------------------
# Parts of matches, and rules


def keys_in(match: Json) -> set[str]:
    """Every key of a match, "nested ones included"."""
    keys = set(match)
    for part in [match["not"]] if "not" in match else []:
        keys |= keys_in(part)
    for part in match.get("any", []):
        keys |= keys_in(part)
    return keys


def rule_matches(rule: Json, finding: Json, about: Json) -> Truth:
    """Whether a rule holds for a finding, before "also when it can't be decided"."""
    # "rules look at phase `Failed` unless `phase` occurs anywhere in their match" (A9)
    if finding["item"].get("phase") != "Failed" and "phase" not in keys_in(rule["match"]):
        return False
    return matches(rule["match"], finding, about, every_value=False)


def rule_spells(match: Json, key: str, finding: Json, about: Json) -> bool:
    """Whether the match's `kind`/`level` key spells the finding's value, "not under `not:`".

    Inside `any:` only an alternative that surely holds counts (A10).
    """
    value = finding["item"].get(key)
    if not value:
        return False
    if key in match and spells(match[key], value):
        return True
    for part in match.get("any", []):
        holds = matches(part, finding, about, every_value=False) is True
        if holds and rule_spells(part, key, finding, about):
            return True
    return False


# ------------------------------------------------------------------------------------------------
# One finding


def decide(
    finding: Json,
    rules: list[Json],
    unmatched: str,
    about: Json,
    at: datetime,
    limits: Mapping[str, Json],
) -> None:
    """Write `outcome`, `doubt` and `blocked` into a finding; waivers come later."""
    item = finding["item"]
    phase = item.get("phase")
    truths = [(rule, rule_matches(rule, finding, about)) for rule in rules]
    # A limit of nodes counts nodes: what it thinks of a finding without any is left open (L6).
    truths = [
        (rule, None if truth and counts_nodes(rule) and not finding["nodes"] else truth)
        for rule, truth in truths
    ]
    sure = [rule for rule, truth in truths if truth is True]
    undecided = [rule for rule, truth in truths if truth is None]

    # "a `note` rule … match[es] only when surely true; a `fail` or `warn` rule also when it can't
    # be decided"
    effects = [effect_on_finding(rule, at, limits, unmatched) for rule in sure]
    for rule in undecided:
        effect = effect_on_finding(rule, at, limits, unmatched)
        if effect in ("fail", "warn"):
            effects.append(effect)

    # "`waivable` (default true; one matching `false` blocks every waiver)": what is open counts
    # against passing, so one that may match blocks too, even a note rule (A11).
    finding["blocked"] = any(rule.get("waivable") is False for rule in sure + undecided)
    finding["doubt"] = False
    finding["sure"] = {rule["id"] for rule in sure}

    if phase == "Success":
        # "phase `Success` → `pass` (rules look at phase `Failed` unless …)": a rule that does
        # look may say something else (A12).
        finding["outcome"] = strictest(effects) if effects else "pass"
        return

    if phase != "Failed":
        # "phase not final, unknown or absent → `unknown`; a rule may make it `fail`, never better"
        finding["doubt"] = True
        finding["outcome"] = "fail" if "fail" in effects else "unknown"
        return

    # "`Failed` with an unknown or absent kind or level → `unknown`, unless a matching rule says
    # `fail`, or a matching rule's `kind`/`level` key spells that very value (… where both are
    # unknown, both)". One rule has to spell both, and to match surely: what is open must not lift
    # a doubt (A10). A rule that says `fail` doesn't count here: see `doubt` in `may_turn`. Nor does
    # a limit, which says nothing about a single finding (L8).
    not_known = [key for key, known in (("kind", KINDS), ("level", LEVELS))
                 if item.get(key) not in known]  # fmt: skip
    if not_known:
        finding["doubt"] = not any(
            not rule.get("limit")
            and effect_at(rule, at) != "fail"
            and all(rule_spells(rule["match"], key, finding, about) for key in not_known)
            for rule in sure
        )
    # "`Failed` in group `ExecuteException` (the check itself broke) → `unknown`, unless a matching
    # rule says `fail`; never waivable."
    if item.get("group") == "ExecuteException":
        finding["doubt"] = True

    if "fail" in effects:
        finding["outcome"] = "fail"
    elif finding["doubt"]:
        finding["outcome"] = "unknown"
    else:
        # "phase `Failed` → the strictest effect of the matching rules …; none matches →
        # `defaults.unmatched`". A `warn` rule that can't be decided must not soften a default
        # `fail`: "What a missing field leaves open counts against passing" (A13).
        if not sure:
            effects.append(unmatched)
        finding["outcome"] = strictest(effects)


def effect_at(rule: Json, at: datetime) -> str:
    """The effect, given `effective_on`: "before it a `fail` is a `warn`"."""
    effect: str = rule["effect"]
    if effect == "fail" and rule.get("effective_on") and at < instant(rule["effective_on"]):
        return "warn"
    return effect


def counts_nodes(rule: Json) -> bool:
    """Whether a rule is a limit of nodes."""
    return bool(rule.get("limit")) and rule["limit"]["of"] == "nodes"


def effect_on_finding(rule: Json, at: datetime, limits: Mapping[str, Json], unmatched: str) -> str:
    """The effect of a rule on a finding it matches.

    A limit "gives single findings no effect: they take `below:` (beside `effect:`, default
    `warn`) when not exceeded and `defaults.unmatched` when exceeded, and other rules still hold":
    taken like the effect of any rule, the strictest wins (L7). `effective_on` doesn't soften it
    (L9).
    """
    if not rule.get("limit"):
        return effect_at(rule, at)
    if limits[rule["id"]]["exceeded"]:
        return unmatched
    below: str = rule.get("below") or "warn"
    return below


def strictest(effects: Iterable[str]) -> str:
    """The strictest of some effects: "`fail` > `warn` > `note`"."""
    return max(effects, key=EFFECT_ORDER.index)


def standing_in(findings: list[Json], policies: Sequence[Json]) -> list[str]:
    """Rules that let a failed finding through for which another policy has no rule (A47).

    Alone it would have taken its own default, "`fail` unless said otherwise", and that is stricter.
    """
    found: set[str] = set()
    for finding in findings:
        if finding["outcome"] not in ("warn", "note") or finding["item"].get("phase") != "Failed":
            continue
        for policy in policies:
            default = (policy.get("defaults") or {}).get("unmatched") or "fail"
            own = {rule["id"] for rule in every(policy.get("rules"))}
            if strictest([default, finding["outcome"]]) != finding["outcome"] and not (
                own & finding["sure"]
            ):
                found |= finding["sure"]
    return sorted(found)


def may_turn(finding: Json) -> bool:
    """Whether a waiver that matches would turn this finding into `waived`."""
    # "A waiver turns `fail`/`warn` into `waived`"
    if finding["outcome"] not in ("fail", "warn"):
        return False
    # "It never lifts doubt: what would be `unknown` without its `fail` rules stays so." (A14)
    if finding["doubt"] or finding["blocked"]:
        return False
    # "Only Risks can be waived."
    return bool(finding["item"].get("kind") == "Risk")


# ------------------------------------------------------------------------------------------------
# Limits


def judge_limit(rule: Json, findings: list[Json], about: Json) -> Json:
    """How many failed, of how many, and whether that is too much."""
    limit = rule["limit"]
    base: set[str] = set()
    failed: set[str] = set()
    for finding in findings:
        # "of all matching findings of any phase": here `phase` isn't implied (L1).
        truth = matches(rule["match"], finding, about, every_value=False)
        has_failed = finding["item"].get("phase") == "Failed"
        if truth is False:
            continue
        if truth is None:
            # "a `note` rule … match[es] only when surely true; a `fail` or `warn` rule also when
            # it can't be decided" (L2)
            if rule["effect"] == "note":
                continue
            # "an undecided finding that isn't Failed doesn't enlarge the base of `max_percent`"
            if not has_failed:
                continue
        for unit in units(finding, limit["of"]):
            if has_failed:  # "how many are Failed, before waivers"
                failed.add(unit)
            # A uid in other capitals is the same node, one that isn't what it looks like may be
            # (A50): neither makes the base larger.
            if limit["of"] == "nodes" and unit.startswith("uid "):
                if is_not_what_it_looks_like(unit.removeprefix("uid ")):
                    continue
                unit = unit.lower()
            base.add(unit)
    size = max(len(base), len(failed))
    if set(limit) == {"of", "max"}:
        exceeded = len(failed) > limit["max"]
    elif set(limit) == {"of", "max_percent"}:
        # Of the number as it is written, in tenths and hundredths; 0 of 0 is 0 (L3).
        exceeded = 100 * len(failed) > Fraction(str(limit["max_percent"])) * size
    else:
        raise ValueError(f"not a limit: {limit!r}")
    return {"failed": len(failed), "base": size, "exceeded": exceeded}


def units(finding: Json, of: str) -> list[str]:
    """What is counted: "findings|nodes|checks"."""
    if of == "findings":
        return [finding["pointer"]]
    if of == "nodes":
        # All nodes of the finding, whichever of them `node:` meant (L5); "nodes distinct by uid";
        # "A node without uid counts as its own" (L6)
        return [
            f"uid {node['uid']}" if node.get("uid") else f"place {node['place']}"
            for node in finding["nodes"]
        ]
    if of == "checks":
        # Distinct by name; one without a name may be any, so it counts as its own (L4).
        name = finding["item"].get("name")
        return [f"name {name}" if name else f"place {finding['pointer']}"]
    raise ValueError(f"limit of {of!r}")


# ------------------------------------------------------------------------------------------------
# Waivers and skipped checks


def waiver_match(waiver: Json) -> Json:
    """The keys beside `check`: "`check` plus any match key, down to single nodes"."""
    return {key: value for key, value in waiver.items() if key in MATCH_KEYS}


def waiver_dates(waiver: Json, at: datetime) -> str:
    """`valid`, `expired` or `not-yet-valid`."""
    # "(`expires: 2026-03-01` holds until 2026-03-02T00:00Z, `starts` from 00:00Z); otherwise
    # RFC 3339 with offset, half-open"
    if waiver.get("expires") and at >= instant(waiver["expires"], end_of_day=True):
        return "expired"
    # "Without `starts` it holds from `approved_on`"
    since = waiver.get("starts") or waiver.get("approved_on")
    if since and at < instant(since):
        return "not-yet-valid"
    return "valid"


def covers_skip(waiver: Json, entry: Json, about: Json) -> bool:
    """Whether a valid waiver covers one entry of the skip list."""
    match = waiver_match(waiver)
    keys = keys_in(match)
    # "without keys that need a finding (…), nested ones included"
    if keys & NEEDS_FINDING:
        return False
    selector = entry.get("resourceSelector")
    if selector is None:
        # "one without needs a waiver without `node` and `scope`"
        if keys & {"node", "scope"}:
            return False
        seen: Json = {"item": {"name": entry.get("name")}, "scope": None, "nodes": []}
    else:
        # "which alone contains each listed `node.uid` (an entry with a selector has scope `node`)"
        nodes = [{"uid": uid} for uid in selector.get("values", [])]
        seen = {"item": {"name": entry.get("name")}, "scope": "node", "nodes": nodes}
    # "a waiver match[es] only when surely true"
    return matches(match, seen, about, every_value=True) is True


def is_east_asian(sign: str) -> bool:
    kinds = ("CJK UNIFIED IDEOGRAPH", "HIRAGANA LETTER", "KATAKANA LETTER", "HANGUL SYLLABLE")
    if (
        sign in "、。〃〈〉《》「」『』【】〔〕〖〗〘〙〚〛（），"
    ):  # brackets and commas in Chinese names
        return True
    return not sign.isascii() and unicodedata.name(sign, "").startswith(kinds)


def plain_or_none(name: str | None) -> str | None:
    """A name that may be taken for another is left open (A50)."""
    return None if name and is_not_what_it_looks_like(name) else name


def is_not_what_it_looks_like(name: str) -> bool:
    """Whether a person may take a name for another: a check's (A46, A49), a node's (A50).

    A blank at its edge, a sign nobody sees, letters that look like others do that.
    """
    if name != name.strip() or not name.isprintable() or any(map(not_drawn, name)):
        return True
    # Beside ASCII letters any other may look like one that isn't there: nobody can list them all,
    # but no ideograph, kana or syllable of Hangul does.
    name = "".join(sign for sign in name if not is_east_asian(sign))
    return not name.isascii() and bool(
        re.search("[a-z]", name, re.ASCII | re.IGNORECASE) or letters_of(name).isascii()
    )


def never_covered(entry: Json, findings: list[Json], rules: list[Json], about: Json) -> bool:
    """What no waiver can cover: "Never covered: an entry without a name or …"."""
    name = entry.get("name")
    if not name:
        return True
    if is_not_what_it_looks_like(name) or not re.fullmatch(r"[\w.-]+", name):
        return True  # a list of names or a pattern is no name
    # What else stands in it may say more of what was skipped (A51).
    if entry.keys() - {"name", "resourceSelector"}:
        return True
    selector = entry.get("resourceSelector")
    # "with a selector not understood or without values"; an empty value is a missing one.
    if selector is not None and (
        not understood(selector) or not all(selector.get("values", [None]))
    ):
        return True
    # "a check this response … shows only as an Exception": once so, and never as a Risk (A15).
    # (The catalogue's word isn't part of this evaluator's input.)
    # One in other capitals may be the same.
    alike = {
        other
        for found in findings
        if isinstance(other := found["item"].get("name"), str)
        and other.casefold() == name.casefold()
    }
    for other in alike:
        kinds = [f["item"].get("kind") for f in findings if f["item"].get("name") == other]
        if "Exception" in kinds and "Risk" not in kinds:
            return True
    # "a check that a `waivable: false` rule names"
    return any(
        rule.get("waivable") is False and names(rule["match"], name, about) for rule in rules
    )


def names(match: Json, name: str, about: Json) -> bool:
    """Whether a match, not under `not:`, asks for a check of the name, or of its topic (A16)."""
    if "check" in match and fits(match["check"], name) is not False:
        return True
    topic = about["topics"].get(name)
    if "topic" in match and topic is not None and fits(match["topic"], topic) is not False:
        return True
    of_that_name = {"raw": {"name": name}}
    for one in match.get("where", []):
        asks = one.get("not", one).keys() & COMPARISONS
        about_name = one["path"] in ("$.name", "name") and one.get("on", "item") == "item"
        if (
            about_name
            and asks
            and condition_holds(one, of_that_name, about, False, False) is not False
        ):
            return True
    return any(names(part, name, about) for part in match.get("any", []))


def understood(selector: Json) -> bool:
    """Whether a selector is one the API documents: "`node.uid` / `In`"."""
    return selector.get("key") == "node.uid" and selector.get("operator") == "In"


# ------------------------------------------------------------------------------------------------
# Evidence


def recognised(raw: Json, response: Json) -> str:
    """Only documented values, and no check hidden in a field nobody knows."""
    # "`kind` is PreCheckTask and `apiVersion` v3"
    good = response.get("kind") == "PreCheckTask" and response.get("apiVersion") == "v3"
    # "every phase, kind, level and group that is there is one the API documents"
    status = response.get("status", {})
    if status.get("phase", "Init") not in TASK_PHASES:
        good = False
    for section in SECTIONS.values():
        if status.get(section, {}).get("phase", "Init") not in PHASES:
            good = False
    for found in find_all(response):
        item = found["item"]
        for key, documented in (
            ("phase", PHASES),
            ("kind", KINDS),
            ("level", LEVELS),
            ("group", GROUPS),
        ):
            if key in item and item[key] not in documented:
                good = False
        if is_not_what_it_looks_like(item.get("name", "")):
            good = False  # A49
    # "skip selectors use `node.uid` / `In`"
    for entry in every(response.get("spec", {}).get("skippedCheckItemList")):
        if "resourceSelector" in entry and not understood(entry["resourceSelector"]):
            good = False
    # "Unknown *fields* are kept, counted and noted, unless their value holds, at any depth, a key
    # that looks like a check": looked for in the response as it came (A17).
    if hides_check(raw, _TASK):
        good = False
    return "ok" if good else "not-ok"


def hides_check(value: Any, shape: Any) -> bool:
    """Whether a field that the shape doesn't know holds a key that looks like a check."""
    if isinstance(shape, list) and isinstance(value, list):
        return any(hides_check(element, shape[0]) for element in value)
    if isinstance(shape, dict) and isinstance(value, dict):
        for key, field in value.items():
            if key in shape:
                if hides_check(field, shape[key]):
                    return True
            elif holds_check_like_key(field):
                return True
            elif field not in (None, "", [], {}) and (
                looks_like_a_check(key, field)
                or any(may_spell(key, letters_of(name)) for name in shape)
            ):
                # Beyond the letter: `Phase` beside `phase` is the same field to a reader that
                # ignores case, a phase where none is documented may say what nobody here would
                # hear, and what is unknown is never a pass (A17).
                return True
    return False


def holds_check_like_key(value: Any) -> bool:
    """Whether a value holds, "at any depth, a key that looks like a check"."""
    if isinstance(value, dict):
        for key, field in value.items():
            if looks_like_a_check(key, field) or holds_check_like_key(field):
                return True
    if isinstance(value, list):
        return any(holds_check_like_key(element) for element in value)
    return False


def letters_of(key: str) -> str:
    """What a person reads who looks at a key: wide letters, marks and blanks make no other."""
    plain = unicodedata.normalize("NFKD", key).translate(LIKE_CAPITALS).casefold().lower()
    plain = "".join(sign for sign in plain if not (unicodedata.combining(sign) or not_drawn(sign)))
    for alike, letter in LOOKS_ALIKE.items():
        plain = plain.replace(alike, letter)
    return "".join(sign for sign in plain if sign.isalnum())


LOOKS_ALIKE = {"а": "a", "е": "e", "о": "o", "р": "p", "с": "c", "х": "x", "і": "i", "ѕ": "s"}
LIKE_CAPITALS = str.maketrans("ΑΒΕΗΙΚΜΝΟΡΤΥΧАВЕКМНОРСТХІЅ", "abehikmnoptyxabekmhopctxis")


def not_drawn(sign: str) -> bool:
    """A sign for which nothing is drawn, though Unicode may call it a letter: fillers and such."""
    fillers = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
    selectors = "\u180b" <= sign <= "\u180f" or "\ufe00" <= sign <= "\ufe0f" or sign > "\U000dffff"
    return sign in fillers or selectors or unicodedata.category(sign) in ("Cf", "Cc")


def may_spell(key: str, word: str) -> bool:
    """Whether a person may read a key as a word: any sign that isn't ASCII may be one, or none."""
    mixed = not key.isascii() and re.search("[A-Za-z]", key)
    return letters_of(key) == word or bool(mixed and re.fullmatch(_reading(key), word))


def may_stand_in(key: str, word: str, *, first: bool = False) -> bool:
    """The same of a part of a key, perhaps its first letters, half of it plain letters."""
    if key.isascii():
        return False
    parts = [
        key[i:j]
        for i in range(len(key))
        if not (first and any(sign.isascii() and sign.isalnum() for sign in key[:i]))
        for j in range(i + 1, len(key) + 1)
    ]
    return any(
        2 * len(re.findall("[a-z0-9]", part, re.ASCII | re.IGNORECASE)) >= len(word)
        and re.fullmatch(_reading(part), word)
        for part in parts
    )


def _reading(key: str) -> str:
    signs = [sign.lower() if sign.isascii() else ".?" for sign in key]
    return "".join(sign for sign in signs if sign == ".?" or sign.isalnum())


def looks_like_a_check(key: str, field: Any) -> bool:
    """The words of the letter; beyond it a section's name, and a skip that isn't denied (A17)."""
    plain = letters_of(key)

    def within(*words: str) -> bool:
        return any(
            word in plain or may_stand_in(key, word) or may_stand_in(plain, word) for word in words
        )

    skipped = (
        plain.startswith("skip")
        or may_stand_in(key, "skip", first=True)
        or may_stand_in(plain, "skip", first=True)
        or (within("skip", "ignore", "exclude") and within("check", "item", "risk", "node"))
    )
    if skipped and field not in (None, False, "", [], {}):
        return True
    # A documented word under a name in other letters: whose letters look alike, nobody can list.
    if not key.isascii() and field in (
        TASK_PHASES | KINDS | LEVELS if isinstance(field, str) else ()
    ):
        return True
    if any(may_spell(key, word) for word in CHECK_LIKE):
        return True
    if tells_of_a_next_page(key, field):
        return True
    return within("checkstatus", "checkitem", "itemstatus", "itemsstatus")


def tells_of_a_next_page(key: str, field: Any) -> bool:
    """What a page of something longer says of itself: on the others there may be more checks."""
    if field in (None, False, 0, "", [], {}) or str(field).strip().lower() in NOTHING_MORE:
        return False
    plain = letters_of(key)
    if plain == "more":
        return field is True
    if plain in MORE_PAGES:
        return plain.startswith("next") or not isinstance(field, dict | list)
    if plain in PAGES:
        digits = str(field).strip()
        return not isinstance(field, bool) and digits.isdigit() and int(digits) > 1
    if plain not in ("link", "links"):
        return False
    # Links by what they lead to, or a list of them, each of which says it.
    if isinstance(field, str):
        return re.search(r"\brel=[\"'\\]{0,3}next\b", field, re.IGNORECASE) is not None
    links = field if isinstance(field, list) else [field]
    named = [part for link in links if isinstance(link, dict) for part in link.items()]
    relations = [to for name, to in named if letters_of(name) in ("rel", "relation")]
    to_next = [to for name, to in named if isinstance(field, dict) and letters_of(name) == "next"]
    return any(to not in (None, False, 0, "", [], {}) for to in to_next) or any(
        str(one).lower() == "next"
        for to in relations
        for one in (to if isinstance(to, list) else [to])
    )


NOTHING_MORE = ("", "0", "false", "no", "none", "null")
PAGES = ("pagecount", "pagestotal", "pagetotal", "totalpage", "totalpages")
MORE_PAGES = (
    *("continue", "continuationtoken", "continuetoken", "hasmore", "hasnext", "hasnextpage"),
    *("incomplete", "incompleteresults", "ismore", "istruncated", "moreavailable"),
    *("morepages", "moreresults", "next", "nextcursor", "nexthref", "nextkey", "nextlink"),
    *("nextmarker", "nextoffset", "nextpage", "nextpagelink", "nextpagetoken", "nextpageurl"),
    *("nexttoken", "nexturi", "nexturl", "odatanextlink", "remainingitemcount", "truncated"),
)


def finished(response: Json) -> str:
    """Nothing is still going on: "task, section and item phases are there and final"."""
    # Error ends a task without a conclusion: not ok, "its message is shown" (A18).
    final = ("Success", "Failed")
    status = response.get("status", {})
    phases = [status.get("phase")]
    # "An absent section is [the business of `complete`] alone."
    there = [status[section] for section in SECTIONS.values() if section in status]
    phases += [section.get("phase") for section in there]
    phases += [found["item"].get("phase") for found in find_all(response)]
    return "ok" if all(phase in final for phase in phases) else "not-ok"


def consistent(response: Json) -> str:
    """No failure without a cause: each "is explained by a Failed item inside it"."""
    status = response.get("status", {})
    failed = [found["scope"] for found in find_all(response)
              if found["item"].get("phase") == "Failed"]  # fmt: skip
    if status.get("phase") == "Failed" and not failed:
        return "not-ok"
    for scope, section in SECTIONS.items():
        if status.get(section, {}).get("phase") == "Failed" and scope not in failed:
            return "not-ok"
    return "ok"


def complete(response: Json, options: Json, standard: bool) -> str:
    """Everything that has to be in the response is in it."""
    status = response.get("status", {})
    findings = find_all(response)
    good = True
    # "the three section objects are there; the cluster and the add-on section … hold at least one
    # item (`sections: {addon: optional}` relaxes one)"
    for scope, section in SECTIONS.items():
        if options.get("sections", {}).get(scope) == "optional":
            continue
        if section not in status:
            good = False
        if scope != "node" and not any(found["scope"] == scope for found in findings):
            good = False
    # "… and every node listed": also where the node section is optional (A19).
    for stage in stages(response):
        if not stage.get("itemsStatus"):
            good = False
    # "`required_checks` (names or globs) each occur"
    seen = [found["item"].get("name") for found in findings]
    for wanted in options.get("required_checks", []):
        if not any(name and fnmatchcase(name, wanted) for name in seen):
            good = False
    # "`required_on_every_node` occur on each"; no node listed asks nothing here (A20)
    for stage in stages(response):
        there = [item.get("name") for item in every(stage.get("itemsStatus"))]
        for wanted in options.get("required_on_every_node", []):
            if not any(name and fnmatchcase(name, wanted) for name in there):
                good = False
    # "`min_nodes` counts distinct nodes of known uid and type, masters not, that hold an item"
    counted = set()
    masters = set()
    for stage in stages(response):
        info = stage.get("nodeInfo", {})
        if info.get("nodeType") == "master":
            masters.add((info.get("uid") or "").lower())
        # A type nobody documents isn't a known one (A21), nor is such a uid (A50).
        elif (
            plain_or_none(info.get("uid"))
            and info.get("nodeType") == "node"
            and stage.get("itemsStatus")
        ):
            counted.add(info["uid"].lower())
    if len(counted - masters) < options.get("min_nodes", 0):
        good = False
    # "No node listed: accepted, …, and not ok when the cluster is known to be `standard`"
    if not stages(response) and standard:
        good = False
    return "ok" if good else "not-ok"


def update_time(response: Json, at: datetime) -> datetime | None:
    """The update time, unless "absent or more than 5 minutes in the future"."""
    found = read_time(response.get("metadata", {}).get("updateTimestamp"))
    if isinstance(found, str) or found - at > FUTURE_TOLERANCE:
        return None
    return found


def unexpired(response: Json, options: Json, at: datetime) -> str:
    """The result may still be used."""
    status = response.get("status", {})
    expires = read_time(status.get("expireTimeStamp"))
    if isinstance(expires, datetime):
        # "`expireTimeStamp` is later than the instant."
        return "ok" if expires > at else "not-ok"
    if expires == "unreadable":
        return "not-ok"
    if options.get("validity"):
        # "`validity` (counted from the update time)"; "nor does any `validity` count from such a
        # time"
        updated = update_time(response, at)
        if updated is None:
            return "not-ok"
        return "ok" if updated + duration(options["validity"]) > at else "not-ok"
    # "Absent on a Failed task: not applicable unless …; absent on a Success task: not ok unless …"
    # The text is silent on other phases: not ok (A22).
    return "not-applicable" if status.get("phase") == "Failed" else "not-ok"


def fresh(response: Json, options: Json, at: datetime) -> str:
    """Not too old: "the update time is younger than `max_age` (which `fresh` needs)"."""
    if not options.get("max_age"):
        raise ValueError("evidence fresh needs max_age")
    updated = update_time(response, at)
    if updated is None:
        return "not-ok"
    return "ok" if at - updated < duration(options["max_age"]) else "not-ok"


def identity(
    response: Json,
    policy: Json,
    expect_cluster: str | None,
    expect_target: str | None,
    sidecar: Mapping[str, Any],
) -> str:
    """About the right cluster and version.

    They are "those of `--expect-cluster`, `--expect-target`, or the policy's `applies_to`":
    whatever is given has to hold (A23).
    """
    spec = response.get("spec", {})
    # "Absent in the response: taken from the fetch sidecar if its digest fits, else not ok"
    cluster = spec.get("clusterID") or sidecar.get("cluster")
    target = spec.get("targetVersion") or sidecar.get("target_version")
    applies_to = policy.get("applies_to") or {}
    held: list[Truth] = []
    if spec.get("clusterID") and sidecar.get("cluster") not in (None, "", spec["clusterID"]):
        held.append(False)  # two sources, two clusters: nobody knows which (A23)
    expected = expect_cluster or expect_target or any(applies_to.values())
    if not expected:
        return "not-applicable"  # "require when given"
    if expect_cluster:
        held.append(cluster == expect_cluster)  # "values compare exactly"
    if expect_target:
        # "`v1.31` is met by `v1.31.4-r2`, `v1.3` is not"
        held.append(version_fits(expect_target, target))
    if applies_to.get("cluster"):
        held.append(id_fits(applies_to["cluster"], cluster))
    if applies_to.get("target_version"):
        held.append(version_fits(applies_to["target_version"], target))
    return "ok" if all3(held) is True else "not-ok"


def provider(response: Json) -> str:
    """A note of "what CCE itself concluded" (A24)."""
    phase = response.get("status", {}).get("phase")
    return {"Success": "ok", "Failed": "not-ok", "Error": "not-ok"}.get(phase, "not-applicable")


def evidence_setting(policy: Json, line: str) -> tuple[str, Json]:
    """The level and the options one policy gives a line."""
    # "each is `require` …, `warn`, `off`, or a mapping of its options (`level:` in it, else
    # `require`)"
    given = (policy.get("evidence") or {}).get(line)
    level: str = DEFAULT_LEVELS[line]
    options: Json = {}
    if given and isinstance(given, dict):
        level, options = given.get("level") or "require", without_empty(given)
    elif given:
        level = given
    if level not in LEVEL_ORDER:
        raise ValueError(f"evidence {line}: {level!r}")
    if line == "finished" and level not in ("warn", "require"):
        raise ValueError("evidence finished can't be set below warn")
    return level, options


# ------------------------------------------------------------------------------------------------
# Several policies


def pooled(sources: Sequence[Json], key: str) -> list[Json]:
    """All rules or waivers; "the same id with different content is an error"."""
    by_id: dict[str, Json] = {}
    for source in sources:
        for one in source.get(key) or []:
            if by_id.setdefault(one["id"], one) != one:
                raise ValueError(f"{key}: {one['id']!r} twice with different content")
    return list(by_id.values())


def strictest_default(policies: Sequence[Json], key: str) -> str:
    """The strictest; "A default that one leaves out counts as `fail`"."""
    return strictest((policy.get("defaults") or {}).get(key) or "fail" for policy in policies)


# ------------------------------------------------------------------------------------------------
# The verdict


def judge(
    response: Json,
    policies: Sequence[Json],
    waiver_lists: Sequence[Json] = (),
    *,
    at: datetime,
    now: datetime | None = None,
    expect_cluster: str | None = None,
    expect_target: str | None = None,
    cluster_type: str | None = None,
    sidecar: Mapping[str, Any] | None = None,
    topics: Mapping[str, str] | None = None,
) -> Json:
    """Judge one response; the shape of the answer is fixed by the project (see the tests)."""
    raw, response = response, without_empty(response)
    sidecar = sidecar or {}
    spec = response.get("spec", {})
    named = {spec.get("clusterID"), sidecar.get("cluster")} - {None, ""}
    about_rule = {
        # Where the response names none, a sidecar whose digest fits does (A25); where they name
        # different ones, it is not known (A48).
        "cluster": named.pop() if len(named) == 1 else None,
        "from_version": spec.get("clusterVersion"),
        "target_version": spec.get("targetVersion") or sidecar.get("target_version"),
        "topics": topics or {},
        "document": raw,
        "found": {},  # what paths find in it: the same for every finding
        "is_waiver": False,
    }
    about_waiver = {**about_rule, "is_waiver": True}

    # "Several `--policy` are a union"; "waivers are pooled; they may be permanent only if every
    # policy says so"
    if not policies:
        raise ValueError("no policy")
    rules = pooled(policies, "rules")
    waivers = pooled([*policies, *waiver_lists], "waivers")
    unmatched = strictest_default(policies, "unmatched")
    skipped_default = strictest_default(policies, "skipped")
    permanent = all(policy.get("waivers_may_be_permanent") is True for policy in policies)
    for waiver in waivers:
        if not waiver.get("expires") and not permanent:
            raise ValueError(f"waiver {waiver['id']!r} needs expires")

    # Findings, before waivers.
    findings = find_all(response)
    for found in findings:
        found["raw"] = at_pointer(raw, found["pointer"]) or {}
    limits = {
        rule["id"]: judge_limit(rule, findings, about_rule) for rule in rules if rule.get("limit")
    }
    for found in findings:
        decide(found, rules, unmatched, about_rule, at, limits)

    # Waivers. All of them look at the findings as the rules left them: order-free.
    statuses: dict[str, str] = {}
    turned: list[str] = []
    covering: list[Json] = []
    entries = every(spec.get("skippedCheckItemList"))
    for waiver in waivers:
        match = waiver_match(waiver)
        hits = [found for found in findings
                if matches(match, found, about_waiver, every_value=True) is True]  # fmt: skip
        would_turn = [found["pointer"] for found in hits if may_turn(found)]
        dates = waiver_dates(waiver, at)
        limit = waiver.get("max_findings")
        # "`max_findings` (counting what it would turn; over it, it covers none)": no skip list
        # entry either, and those aren't counted (A26).
        exceeded = limit is not None and len(would_turn) > limit
        covered = []
        if dates == "valid" and not exceeded:
            turned += would_turn
            covering.append(waiver)
            covered = [
                entry
                for entry in entries
                if not never_covered(entry, findings, rules, about_rule)
                and covers_skip(waiver, entry, about_waiver)
            ]
        # "for such a finding the waiver changes nothing and is reported *not applicable*": said of
        # Exceptions, and taken for every finding that isn't fine and that no waiver may turn (A27).
        refused = [
            found
            for found in hits
            if found["outcome"] != "pass"
            and (found["item"].get("kind") != "Risk" or found["doubt"] or found["blocked"])
        ]
        # The order of these is a choice (A28).
        if matches(match, None, about_waiver, every_value=True) is False:
            statuses[waiver["id"]] = "elsewhere"  # "scoped to another cluster or version"
        elif dates != "valid":
            statuses[waiver["id"]] = dates
        elif exceeded:
            statuses[waiver["id"]] = "exceeded"
        elif would_turn or covered:
            statuses[waiver["id"]] = "used"
        elif refused:
            statuses[waiver["id"]] = "not-applicable"
        else:
            statuses[waiver["id"]] = "unused"
    # "Without `starts` it holds from `approved_on`; without both it is marked `undated`."
    undated = [w["id"] for w in waivers if not w.get("starts") and not w.get("approved_on")]
    for found in findings:
        if found["pointer"] in turned:
            found["outcome"] = "waived"

    # "Each entry takes `defaults.skipped` … unless covered"
    skipped = []
    for entry in entries:
        is_covered = not never_covered(entry, findings, rules, about_rule) and any(
            covers_skip(waiver, entry, about_waiver) for waiver in covering
        )
        skipped.append("waived" if is_covered else skipped_default)

    # Evidence: every policy asks with its own options; the worst answer counts, at the strictest
    # level ("the strictest evidence") (A29).
    # "known to be `standard`": by either of the two (A38).
    standard = "standard" in (cluster_type, sidecar.get("type"))
    evidence: dict[str, str] = {}
    levels: dict[str, str] = {}
    for line in DEFAULT_LEVELS:
        states = ["not-applicable"]
        levels[line] = "off"
        for policy in policies:
            level, options = evidence_setting(policy, line)
            levels[line] = max(levels[line], level, key=LEVEL_ORDER.index)
            if level == "off" and line != "identity":
                continue
            if line == "recognised":
                states.append(recognised(raw, response))
            elif line == "finished":
                states.append(finished(response))
            elif line == "consistent":
                states.append(consistent(response))
            elif line == "complete":
                states.append(complete(response, options, standard))
            elif line == "unexpired":
                states.append(unexpired(response, options, at))
            elif line == "fresh":
                states.append(fresh(response, options, at))
            elif line == "identity":
                states.append(identity(response, policy, expect_cluster, expect_target, sidecar))
            else:
                states.append(provider(response))
        if levels[line] == "off":
            states = ["not-applicable"]
        evidence[line] = max(states, key=STATE_ORDER.index)

    # "`fail` beats `inconclusive` beats `pass`."
    task_phase = response.get("status", {}).get("phase")
    outcomes = [found["outcome"] for found in findings]
    inconclusive = (
        # "`require` (not ok → inconclusive)"
        any(evidence[line] == "not-ok" and levels[line] == "require" for line in evidence)
        # "A response without a single item is never a pass, and a task phase other than Success
        # or Failed is always inconclusive, whatever `evidence:` says."
        or not findings
        or task_phase not in ("Success", "Failed")
        # "What is unknown is never a pass."
        or "unknown" in outcomes
    )
    # "Exceeded, it is a line of the verdict with the rule's effect, and nothing waives it." That
    # effect is the one at the instant.
    exceeded_effects = [
        effect_at(rule, at)
        for rule in rules
        if rule.get("limit") and limits[rule["id"]]["exceeded"]
    ]
    if "fail" in outcomes or "fail" in skipped or "fail" in exceeded_effects:
        outcome = "fail"
    elif inconclusive:
        outcome = "inconclusive"
    else:
        outcome = "pass"

    # "A failed Exception that ends as `warn` or `note` is counted as *tolerated Exception*"
    tolerated = [
        found
        for found in findings
        if found["item"].get("kind") == "Exception"
        and found["item"].get("phase") == "Failed"
        and found["outcome"] in ("warn", "note")
    ]
    # Findings, skipped checks, exceeded limits and evidence lines alike (A30).
    warnings = outcomes.count("warn") + skipped.count("warn") + exceeded_effects.count("warn")
    warnings += [evidence[line] == "not-ok" and levels[line] == "warn" for line in evidence].count(
        True
    )
    return {
        "outcome": outcome,
        "findings": [{"pointer": f["pointer"], "outcome": f["outcome"]} for f in findings],
        "evidence": evidence,
        "skipped": skipped,
        "limits": limits,
        "waivers": statuses,
        "undated": undated,
        "tolerated_exceptions": len(tolerated),
        "warnings": warnings,
        "standing_in": standing_in(findings, policies),
        # "A past instant sets the condition `backdated`"
        "backdated": now is not None and at < now,
        # "Verdict pass while the task is Failed → condition `recheck-needed`" (A31)
        "recheck_needed": outcome == "pass" and task_phase == "Failed",
    }
