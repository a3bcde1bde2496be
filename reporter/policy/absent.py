"""What leniency leaves out that nothing here is, and what a rule fails by a name nothing here has.

An exclusion that is misspelt leaves nothing out, a rule that is fails nothing, and whatever form it
was misspelt in, this is how it shows. It may as well be in order: a policy for many clusters names
what others have. So it is told where something was let through, and changes no verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from reporter.policy.here import Here, without_trace
from reporter.policy.match import Match
from reporter.policy.written import Written, in_order

OfOthers = Callable[[Written], Iterable[str]]
"""The names of the kind a pattern asks for that no finding has: of checks that passed, of nodes."""


def absent(
    parts: Iterable[tuple[str, Iterable[Written]]], here: Here, others: OfOthers
) -> dict[str, Written]:
    """For each rule or waiver, by its id, the first pattern by the alphabet that fits nothing."""
    known: dict[Written, bool] = {}
    found: dict[str, Written] = {}
    for name, patterns in parts:
        for written in patterns:
            if written not in known:
                known[written] = here.may_have(written, others(written))
            if not known[written]:
                found[name] = min(found.get(name, written), written, key=in_order)
    return found


def leaving_nothing_out(waivers: Iterable[tuple[str, Match]], here: Here) -> dict[str, str]:
    """For each waiver, by its id, the first of what it leaves out that no finding is, or may be."""
    found: dict[str, str] = {}
    for name, match in waivers:
        excluding = sorted(match.leaving_out(), key=lambda one: one[0])
        for said, leaves_out in excluding:
            unlike = here.unlike_for(match)
            if unlike is None:
                break  # no time is left
            targets = without_trace(unlike)
            if unlike and not any(leaves_out(target) is not False for target in targets):
                found[name] = said
                break
    return found
