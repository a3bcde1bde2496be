"""The merged policy, with the origin of every value."""

from __future__ import annotations

from typing import Any

from reporter import yamlfile
from reporter.policy.layers import EVIDENCE_LINES, LEVELS, Layered
from reporter.policy.load import Policy
from reporter.yamlfile import Document, Mark

_FIRST = ("id", "title", "match", "check")


def shown(policy: Policy) -> str:
    """YAML that says what holds, each line with a comment that says where it was said."""
    whole = policy.layered
    if whole is None:
        return ""
    lines = ["# Merged from:"]
    lines += [f"#   {file.kind} {file.name}  ({file.source})" for file in policy.files]
    lines += _defaults(whole) + _evidence(whole)
    for scope in policy.applies_to:
        said = [
            text
            for text in (
                f"cluster {scope.cluster_text}" if scope.cluster_text else "",
                f"target_version {scope.target_text}" if scope.target_text else "",
            )
            if text
        ]
        lines.append(f"applies_to: {'; '.join(said)}  # {scope.source}")
    lines += _demands(whole)
    if whole.rules:
        lines.append("rules:")
    for placed in whole.rules.values():
        note = None if placed.softens else "does not replace defaults.unmatched"
        lines += _entry(placed.document, ("rules", placed.index), note)
    if policy.waivers:
        lines.append("waivers:")
    for pooled in whole.waivers.values():
        lines += _entry(pooled.document, ("waivers", pooled.index), None)
    return "\n".join(lines) + "\n"


def _defaults(whole: Layered) -> list[str]:
    return [
        "defaults:",
        f"  unmatched: {whole.unmatched}  # {whole.place('defaults.unmatched')}",
        f"  skipped: {whole.skipped}  # {whole.place('defaults.skipped')}",
    ]


def _evidence(whole: Layered) -> list[str]:
    lines = ["evidence:"]
    for name in EVIDENCE_LINES:
        asked: dict[str, Any] = {}
        said = [
            getattr(spec, name).model_dump(exclude_none=True, exclude_defaults=True)
            | {"level": getattr(spec, name).level}
            for spec in whole.evidence
        ]
        for options in said:
            for key, value in options.items():
                asked.setdefault(key, [])
                if value not in asked[key]:
                    asked[key].append(value)
        if any("validity" not in options and options["level"] != "off" for options in said):
            asked.pop("validity", None)  # one of several that accepts no missing expiry decides
        flat = {key: values[0] if len(values) == 1 else values for key, values in asked.items()}
        # Asked by several: the strictest level holds, and every option is asked for.
        flat["level"] = min(asked["level"], key=LEVELS.index)
        text = flat["level"] if list(flat) == ["level"] else _inline(flat)
        lines.append(f"  {name}: {text}  # {whole.place(f'evidence.{name}')}")
    return lines


def _inline(value: dict[str, Any]) -> str:
    return "{" + ", ".join(f"{key}: {part}" for key, part in value.items()) + "}"


def _demands(whole: Layered) -> list[str]:
    permanent = str(whole.permanent).lower()
    lines = [f"waivers_may_be_permanent: {permanent}  # {whole.place('waivers_may_be_permanent')}"]
    if whole.max_days is not None:
        lines.append(f"max_waiver_days: {whole.max_days}  # {whole.place('max_waiver_days')}")
    if whole.requires:
        lines.append(f"waiver_requires: [{', '.join(sorted(whole.requires))}]")
    if whole.permitted:
        lines.append(f"overridable: [{', '.join(sorted(whole.permitted))}]")
    return lines


def _entry(document: Document, path: tuple[str, int], note: str | None) -> list[str]:
    """An entry of a list as it was written, its keys with their places."""
    written: dict[str, Any] = document.data[path[0]][path[1]]
    ordered = {key: written[key] for key in _FIRST if key in written} | written
    lines: list[str] = []
    for key, value in ordered.items():
        rows = yamlfile.dump({key: value}).splitlines()
        mark: Mark = document.where((*path, key), key=True)
        place = f"{document.name}:{mark.line}"
        if note is not None and not lines:
            place += f"; {note}"
        lead = "- " if not lines else "  "
        lines.append(f"{lead}{rows[0]}  # {place}")
        lines += [f"  {row}" for row in rows[1:]]
    return lines
