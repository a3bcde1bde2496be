"""What a policy asks for and a response has only in another form: slips that a response shows.

A name in other capitals, among the signs of a list, with another letter; a message, or a part of
a name, that is asked for as the whole and stands within others. It is told where the form that was
probably meant would have made a difference, and only there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from reporter.policy.here import Here, without_trace
from reporter.policy.match import SIGNATURE_KEYS, Match, Target
from reporter.policy.written import Asking, Written, in_order, with_form


def nearly_met(
    asking: Mapping[Written, Sequence[Asking]],
    here: Here,
    known: Callable[[str], bool],
) -> dict[str, tuple[Written, str]]:
    """For a rule or waiver, by its id: what it asks for, and what the response has.

    `known`: whether a name is that of a check.
    """
    if not asking or not here.targets:
        return {}
    found: dict[str, tuple[Written, str]] = {}
    # By the alphabet: what is told depends neither on the order of rules nor on that of findings.
    for written in sorted(asking, key=in_order):
        told = [
            part
            for part in sorted(asking[written], key=lambda part: (part.id, part.is_waiver))
            if part.id not in found and (written.key == "check" or here.has_checks_of(part))
        ]
        if not told or here.has(written):
            continue
        for meant, having in here.meant(written, known):
            left = [part for part in told if part.id not in found]
            for part, tried in here.tried(left, written, having):
                if part.id not in found and _differs(part, written, meant, tried, here):
                    found[part.id] = written, meant
    return found


def _differs(
    part: Asking, written: Written, meant: str, tried: Sequence[Target], here: Here
) -> bool:
    """Whether it decides otherwise about one of the findings where the other form stands."""
    rest = frozenset(SIGNATURE_KEYS) - {written.key}
    tried = [target for target in tried if part.match.by_signature(target, rest)]
    if not tried or not here.may_compile(part):
        return False
    try:
        other = Match(with_form(part.match.spec, written, meant))
    except ValueError:  # larger than RE2 takes
        return False
    reads = Match.fits_waiver if part.is_waiver else Match.fits_rule
    return any(
        reads(part.match, target) is not reads(other, target) for target in without_trace(tried)
    )
