"""Every word the audit puts into its store, in one place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

MOST_NAMED = 3

FAILS = ("{count} check fails: {names}", "{count} checks fail: {names}")
SKIPPED = (
    "{count} check was skipped on the server: {names}",
    "{count} checks were skipped on the server: {names}",
)
LIMITS = ("{count} limit is exceeded: {names}", "{count} limits are exceeded: {names}")
UNKNOWN = ("{count} check can't be judged: {names}", "{count} checks can't be judged: {names}")
WARNS = ("{count} check warns: {names}", "{count} checks warn: {names}")
WAIVED = ("{count} check is waived: {names}", "{count} checks are waived: {names}")
NOTHING = "the response holds no check item at all"
UNFINISHED = "the task is not finished"
PASSES = "every check passes"
PASSES_NOTED = "every check passes or is noted"
CONDITIONAL = "passes, with conditions: {conditions}"
SHORT = {"condition.recheck-needed": "CCE itself says Failed"}
"""Of a condition that says what to do, what it is about: it stands beside many responses."""

MOST_CONDITIONS = 4
LONGEST = 400
"""Characters of what a condition says: a register may hold thousands of waivers."""

POLICIES_APART = "the policies that may apply to it don't go together: {error}"
NOT_YET = "its own time, {at}, lies in the future: judged as of it, this would be no verdict yet"
NO_POLICY = "no policy of this audit applies to cluster {cluster} and target version {target}"
NOT_NAMED = "(not named)"
UNNAMED = "(a check without a name)"
MORE = "{names} and {more:,} more"
MORE_CONDITIONS = "{more:,} more"
KILLER = (
    "{name}: the process that read it ended without a word, twice, with nothing else to do: "
    "too large for the memory there is?"
)
KILLER_HINT = "read it alone with cce-precheck check, on a machine with more memory"
INTERNAL = "{name}: could not be judged: internal error {kind}"
INTERNAL_HINT = "this is a bug; cce-precheck check --debug shows where"
EMPTY_ARCHIVE = "{name}: holds no pre-upgrade check response"
EMPTY_HINT = "is it the right archive?"
TOO_MANY = "{name}: holds more than {most:,} responses in one file"
TOO_MANY_HINT = "split it, or put the responses into an archive one by one"

NO_ROOM = "make room, or make it writable, and run again with --resume: nothing judged is lost"
"""Not another place: the reports belong beside their store."""

CHECK_CHANGES = "{check}{where}: {was} → {becomes} ({count:,}): {why}"
UPGRADE_UNCHECKED = "the archive holds no earlier response of this cluster"
UPGRADE_SAME_DAY = ("the last response, of the same day, says {outcome}",) * 2
UPGRADE = (
    "the last response, {days} day before, says {outcome}",
    "the last response, {days} days before, says {outcome}",
)
UPGRADE_CONDITIONAL = "pass, with conditions"
UPGRADE_EXPIRED = "; it had expired by then"
UPGRADE_USED = "; it was used already, for the upgrade of {at}"
UPGRADE_USED_CHANGE = UPGRADE_USED + " ({change})"


def used_for(at: str, change: str) -> str:
    """That a response was there for an earlier upgrade, by time and change."""
    return (UPGRADE_USED_CHANGE if change else UPGRADE_USED).format(at=at, change=change)


def cut(text: str) -> str:
    """A text, or as much of it as is kept."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def conditional(conditions: Iterable[str]) -> str:
    """The reason of a pass with conditions, as many of them as are read."""
    said = [cut(text) for text in conditions]
    if len(said) > MOST_CONDITIONS:
        said[MOST_CONDITIONS - 1 :] = [MORE_CONDITIONS.format(more=len(said) - MOST_CONDITIONS + 1)]
    return CONDITIONAL.format(conditions="; ".join(said))


def several(form: tuple[str, str], names: Sequence[str]) -> str:
    """How many, and the first of them by name."""
    distinct = list(dict.fromkeys(names))
    shown = ", ".join(distinct[:MOST_NAMED])
    if len(distinct) > MOST_NAMED:
        shown = MORE.format(names=shown, more=len(distinct) - MOST_NAMED)
    one, many = form
    text = one if len(distinct) == 1 else many
    return text.format(count=f"{len(distinct):,}", names=shown)
