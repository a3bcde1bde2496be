"""A policy whose files have names that can be shown and recorded.

On Linux a file's name is bytes, and not all bytes are text. The name a file is opened by stays as
it is; in records and reports it stands with what is no UTF-8 as `\\xff`, so that two names that
differ go on differing.
"""

from __future__ import annotations

from dataclasses import replace

from reporter.policy.load import Policy


def printable(policy: Policy) -> Policy:
    """The policy under the names that records and reports use; itself where all are text."""
    if all(_shown(file.source) == file.source for file in policy.files):
        return policy
    return replace(
        policy,
        files=tuple(replace(file, source=_shown(file.source)) for file in policy.files),
        rules=tuple(replace(rule, source=_shown(rule.source)) for rule in policy.rules),
        waivers=tuple(replace(one, source=_shown(one.source)) for one in policy.waivers),
        applies_to=tuple(replace(one, source=_shown(one.source)) for one in policy.applies_to),
    )


def _shown(source: str) -> str:
    return source.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
