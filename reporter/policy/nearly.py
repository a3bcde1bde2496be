"""What a policy asks for and a response has only in another form: slips that a response shows.

A name in other capitals, among the signs of a list, with another letter; a message, or a part of
a name, that is asked for as the whole and stands within others. It is told where the form that was
probably meant would have made a difference, and only there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from reporter.policy.here import Here, without_trace
from reporter.policy.match import SIGNATURE_KEYS, Match, Target
from reporter.policy.written import (
    Asking,
    Forms,
    Written,
    forms_of,
    in_order,
    with_forms,
    written_in,
)


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
    forms = _OtherForms(here)
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
                if part.id not in found and forms.differ(part, written, meant, tried):
                    found[part.id] = written, meant
    return found


class _OtherForms:
    """What rules and waivers decide where names that they ask for stand in another form."""

    def __init__(self, here: Here) -> None:
        self._here = here
        self._with_all: dict[tuple[str, bool, str], tuple[Forms, Match | None]] = {}

    def differ(self, part: Asking, written: Written, meant: str, tried: Sequence[Target]) -> bool:
        """Whether it decides otherwise about one of the findings where the other form stands."""
        rest = frozenset(SIGNATURE_KEYS) - {written.key}
        tried = [target for target in tried if part.match.by_signature(target, rest)]
        if not tried:
            return False
        form = forms_of([(written, meant)])
        # Names are tried with all the others that stand in another form, once for a list of them.
        forms, match = self._all_of(part, written.key)
        return _unlike(
            part, match if form.items() <= forms.items() else _compiled(part, form), tried
        )

    def _all_of(self, part: Asking, key: str) -> tuple[Forms, Match | None]:
        of = (part.id, part.is_waiver, key)
        if of not in self._with_all:
            plain = (one for one in written_in(part.match.spec) if one.key == key and one.is_plain)
            pairs = ((one, self._here.other_form(one)) for one in plain)
            forms = forms_of((one, meant) for one, meant in pairs if meant is not None)
            self._with_all[of] = forms, _compiled(part, forms) if forms else None
        return self._with_all[of]


def _compiled(part: Asking, forms: Forms) -> Match | None:
    try:
        return Match(with_forms(part.match.spec, forms))
    except ValueError:  # larger than RE2 takes
        return None


def _unlike(part: Asking, other: Match | None, tried: Sequence[Target]) -> bool:
    reads = Match.fits_waiver if part.is_waiver else Match.fits_rule
    return other is not None and any(
        reads(part.match, target) is not reads(other, target) for target in without_trace(tried)
    )
