"""Back to CCE: the waived Risks as the list of checks the next pre-upgrade check is to skip.

A waiver of this tool means nothing to CCE: the console, Terraform and the upgrade itself stop on a
failed check until it is on the request's `skippedCheckItemList`. An entry is written only where it
hides no more than what is waived. Names and ids stand here exactly as they came, escaped for the
format: they have to be found again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from reporter.errors import OutputError
from reporter.output.clean import one_line
from reporter.output.exhibits import AttachedExhibit
from reporter.record.model import Check, Verdict, WaiverUse

SELECTOR_KEY = "node.uid"
SELECTOR_OPERATOR = "In"
"""The only key and operator the API takes."""

Warn = Callable[[str], None]


@dataclass(frozen=True)
class Skip:
    """A check to be skipped: everywhere, or on the nodes with these uids."""

    name: str
    node_uids: tuple[str, ...] = ()


def write_json(verdict: Verdict, exhibits: Sequence[AttachedExhibit], warn: Warn) -> bytes:
    """`{"skippedCheckItemList": […]}`, to go into the `spec` of the request for a check."""
    entries = []
    for skip in skips(verdict, warn):
        entry: dict[str, object] = {"name": skip.name}
        if skip.node_uids:
            entry["resourceSelector"] = {
                "key": SELECTOR_KEY,
                "operator": SELECTOR_OPERATOR,
                "values": list(skip.node_uids),
            }
        entries.append(entry)
    return (json.dumps({"skippedCheckItemList": entries}, indent=2) + "\n").encode()


def write_terraform(verdict: Verdict, exhibits: Sequence[AttachedExhibit], warn: Warn) -> bytes:
    """`skipped_check_item_list` blocks for the resource `huaweicloud_cce_cluster_upgrade`.

    The resource for Autopilot clusters has no such blocks: `OutputError`.
    """
    if verdict.subject.cluster_type == "autopilot":
        raise OutputError(
            "Terraform's resource for Autopilot clusters has no skip list",
            hint="write it as .json, for the API",
        )
    lines = [
        "# For huaweicloud_cce_cluster_upgrade (standard clusters, provider 1.91.0 or newer).",
        "# Waived by the policy; made by cce-precheck.",
    ]
    found = list(skips(verdict, warn))
    if not found:
        lines.append("# No failed Risk is waived: there is nothing to skip.")
    for skip in found:
        lines += ["skipped_check_item_list {", f"  name = {_quoted(skip.name)}"]
        if skip.node_uids:
            values = ", ".join(_quoted(uid) for uid in skip.node_uids)
            lines += [
                "  resource_selector {",
                f'    key      = "{SELECTOR_KEY}"',
                f'    operator = "{SELECTOR_OPERATOR}"',
                f"    values   = [{values}]",
                "  }",
            ]
        lines.append("}")
    return ("\n".join(lines) + "\n").encode()


def skips(verdict: Verdict, warn: Warn) -> Iterator[Skip]:
    """The entries, in the order of the record; `warn` is told what is left out, and why."""
    at_nodes = {check.name for check in verdict.checks if check.scope == "node"}
    # Without nodes named an entry is for the name, in the cluster's section and the add-ons'.
    elsewhere = [check for check in verdict.checks if check.scope != "node"]
    spoilt = {
        check.name for check in elsewhere if any(e.outcome != "waived" for e in check.entries)
    }
    named: set[str] = set()
    waivers = {waiver.id: waiver for waiver in verdict.waivers}
    for check in verdict.checks:
        if not any(e.outcome == "waived" and e.kind == "Risk" for e in check.entries):
            continue
        shown = one_line(check.name or "a check without a name")
        narrow = _narrow(check, waivers, _PARTS)
        if not check.name:
            warn(f"skip list: {shown} can't be named to CCE and is left out")
        elif narrow is not None:
            warn(
                f"skip list: {shown} is left out: waiver {narrow[0]} is for a part of it "
                f"({narrow[1]}), and CCE would skip all"
            )
        elif check.scope == "node":
            uids, left_out = _node_uids(check)
            if left_out:
                warn(
                    f"skip list: {shown} is left out for {left_out} of its nodes: they have no "
                    "uid, or findings that are not waived"
                )
            if uids:
                _warn_of_the_next(check, waivers, _OF_A_FINDING, warn)
                yield Skip(check.name, uids)
        elif check.name in spoilt:
            warn(f"skip list: {shown} is left out: not all that it found is waived")
        elif check.name in at_nodes:
            warn(f"skip list: {shown} is left out: without nodes named it would skip its nodes too")
        elif check.name not in named:
            named.add(check.name)
            _warn_of_the_next(check, waivers, _OF_A_FINDING | {"scope"}, warn)
            if place := _narrow(check, waivers, _PLACES):
                warn(
                    f"skip list: {shown} is skipped wherever it fails, for CCE takes no less; "
                    f"waiver {place[0]} is for some alone ({place[1]})"
                )
            yield Skip(check.name)


_PARTS = frozenset({"message", "error_code", "where", "not", "any"})
_PLACES = frozenset({"node", "addon"})
_OF_A_FINDING = frozenset({"kind", "level", "group", "phase"})
"""What is known of a finding, and not of a check that was skipped."""


def _warn_of_the_next(
    check: Check, waivers: Mapping[str, WaiverUse], keys: frozenset[str], warn: Warn
) -> None:
    """A waiver that turns the finding and will not cover the entry made of it."""
    if asked := _narrow(check, waivers, keys):
        warn(
            f"skip list: waiver {asked[0]} will not cover {one_line(check.name or '')} once it is "
            f"skipped: it asks for {asked[1]}, which a skipped check does not show; write one "
            "without"
        )


def _narrow(
    check: Check, waivers: Mapping[str, WaiverUse], keys: frozenset[str]
) -> tuple[str, str] | None:
    """A waiver of a finding all of whose waivers ask for some of these keys, and which."""
    for entry in check.entries:
        covering = [waivers[name] for name in entry.waived_by if name in waivers]
        if covering and all(waiver.match.keys() & keys for waiver in covering):
            return one_line(covering[0].id), ", ".join(sorted(covering[0].match.keys() & keys))
    return None


def _node_uids(check: Check) -> tuple[tuple[str, ...], int]:
    """The nodes on which all that the check found is waived, and how many others were waived."""
    waived: dict[str, None] = {}
    spoilt: set[str] = set()
    unnamed = 0
    for entry in check.entries:
        for place in entry.places:
            uids = [node.uid for node in place.nodes if node.uid]
            if entry.outcome != "waived":
                spoilt.update(uids)
            elif uids:
                waived.update(dict.fromkeys(uids))
            else:
                unnamed += 1
    kept = tuple(uid for uid in waived if uid not in spoilt)
    return kept, unnamed + len(waived) - len(kept)


def _quoted(text: str) -> str:
    """A text as an HCL string: no quote, template or control sign keeps a meaning."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    escaped = escaped.replace("\r", "\\r").replace("\t", "\\t")
    escaped = escaped.replace("${", "$${").replace("%{", "%%{")
    return '"' + re.sub(r"[^\x20-\x7e]", _code_point, escaped) + '"'


def _code_point(match: re.Match[str]) -> str:
    number = ord(match[0])
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"
