"""Conditions by which a policy asks in vain: it decides less than whoever wrote it meant.

A value, field or name that is asked for and that nothing here has, or has in another form. What
only the response and the policies together tell, so no record can be asked for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache

from reporter.policy.absent import absent, leaving_nothing_out
from reporter.policy.evaluate import Judgement
from reporter.policy.here import Here
from reporter.policy.jsonpath import Condition
from reporter.policy.load import Policy, Rule, Waiver
from reporter.policy.match import Facts, Target
from reporter.policy.nearly import nearly_met
from reporter.policy.slips import (
    compares_texts_with_numbers,
    orders_numbers_as_texts,
    path_of,
)
from reporter.policy.written import Written, is_cluster_id
from reporter.precheck.finding import iter_findings, listed_nodes
from reporter.precheck.versions import parse_version
from reporter.record.model import Param, Statement, WaiverUse
from reporter.words import statement


def asked_in_vain(judgement: Judgement, waivers: Sequence[WaiverUse]) -> Iterator[Statement]:
    """What was asked for in vain; `waivers`: what became of each."""
    yield from _odd_values(judgement)
    yield from _names_and_texts(judgement, waivers)
    yield from _unlike_values(judgement)
    yield from _unreadable_versions(judgement)


def _odd_values(judgement: Judgement) -> Iterator[Statement]:
    """Values and fields that were asked for and that the API does not have."""
    seen = {value for _, _, value in judgement.found.unrecognised}
    misspelt: dict[str, str] = {}
    excluded: dict[str, str] = {}
    in_vain = []
    paths: dict[str, str] = {}
    ordered: dict[str, str] = {}
    met = judgement.facts.met
    asked, missed = met | judgement.facts.missed, judgement.facts.missed - met
    for part, slips, conditions in judgement.policy.asking:
        for written, meant in slips.misspelt:
            if written not in seen:
                _least(misspelt, part.id, f"{written} → {meant}" if meant else written)
        for value in slips.excluded:
            if value not in seen:
                _least(excluded, part.id, value)
        if slips.in_vain and isinstance(part, Rule) and not judgement.rules[part.id].hits:
            in_vain.append(part.id)
        for condition in conditions:
            if id(condition) in missed and (path := path_of(condition.spec)).unknown is not None:
                meant = f" → {path.meant}" if path.meant else ""
                _least(paths, part.id, path.unknown + meant)
            number = None
            if id(condition) in met:
                number = orders_numbers_as_texts(condition.spec)
            if number is None and id(condition) in asked:
                number = orders_numbers_as_texts(condition.spec, in_filters=True)
            if number is not None:
                _least(ordered, part.id, f'"{number}"')
    for code, found in (
        ("condition.misspelt-values", misspelt),
        ("condition.excluded-values", excluded),
        ("condition.unknown-fields", paths),
        ("condition.ordered-texts", ordered),
    ):
        if found:
            names = sorted(found)
            values = [found[name] for name in names]
            yield statement(code, count=len(names), rules=names, values=values)
    odd = sorted(set(in_vain) - set(misspelt))
    if odd:
        yield statement("condition.undocumented-values", count=len(odd), rules=odd)


def _least(found: dict[str, str], name: str, text: str) -> None:
    """Keep the first by the alphabet, in whatever order they stand in a policy."""
    found[name] = min(found.get(name, text), text)


def _names_and_texts(judgement: Judgement, waivers: Sequence[WaiverUse]) -> Iterator[Statement]:
    """What is asked for in another form than the response has it, or by what nothing here has."""
    policy, facts = judgement.policy, judgement.facts
    skipped = [
        Target(check=skip.skip.name, scope=None, facts=facts)
        for skip in judgement.skips
        if skip.skip.name
    ]
    targets = [*(part.target for part in judgement.decided), *skipped]
    checks = {*judgement.found.names, *(target.check for target in skipped if target.check)}
    findings = iter_findings(judgement.response.task)
    here = Here(targets, checks, lambda: (Target.of(one, facts) for one in findings))
    nearly = nearly_met(policy.naming, here, lambda name: name in policy.catalogue.items)
    if nearly:
        told = {name: (asked.key, f"{asked.text} → {had}") for name, (asked, had) in nearly.items()}
        yield _of_names("condition.names-nearly", told)

    @cache
    def of_nodes(key: str) -> frozenset[str]:
        listed = listed_nodes(judgement.response.task)
        if key == "node":
            return frozenset(node.name for node in listed if node.name)
        named = [
            node for finding in iter_findings(judgement.response.task) for node in finding.nodes
        ]
        uids = [*filter(None, (*(node.uid for node in listed), *(node.uid for node in named)))]
        return frozenset([*uids, *map(str.lower, uids), *map(str.upper, uids)])

    def others(written: Written) -> Iterable[str]:
        if written.key in ("check", "$.name"):
            return policy.catalogue.items
        if written.key == "cluster" and not is_cluster_id(facts.cluster or ""):
            return (written.text,)  # clusters have other ids here than the API documents
        if written.key == "node.uid" and written.is_plain:
            # In other capitals it is the same uid: no name that nothing here has.
            return (written.text,) if written.text.lower() in of_nodes(written.key) else ()
        return of_nodes(written.key) if written.key in ("node", "node.uid") else ()

    lenient = _lenient(judgement, waivers)
    told_already = {(name, asked) for name, (asked, _) in nearly.items()}
    parts = [
        (name, [written for written in patterns if (name, written) not in told_already])
        for name, patterns in _by_names(judgement, lenient)
    ]
    if found := absent(parts, here, others):
        told = {name: (written.key, written.text) for name, written in found.items()}
        yield _of_names("condition.names-absent", told)
    told_of = {*nearly, *found}
    used = (
        (tally.waiver.id, tally.waiver.match)
        for tally in judgement.waivers
        if (True, tally.waiver.id) in lenient and tally.waiver.id not in told_of
    )
    if unmet := leaving_nothing_out(used, here):
        names = sorted(unmet)
        values = [unmet[name] for name in names]
        count = len(names)
        yield statement("condition.exclusions-unmet", count=count, waivers=names, values=values)


def _of_names(code: str, found: Mapping[str, tuple[str, str]]) -> Statement:
    """By the id of a rule or waiver: the key under which it asks, and what is said of that."""
    names = sorted(found)
    keys, values = zip(*(found[name] for name in names), strict=True)
    told: dict[str, Param] = {"rules": names, "keys": [*keys], "values": [*values]}
    return statement(code, count=len(names), **told)


def _lenient(judgement: Judgement, waivers: Sequence[WaiverUse]) -> set[tuple[bool, str]]:
    """The waivers that are used and the rules that let something through: is it one, its id."""
    used = {(True, use.id) for use in waivers if use.status == "used"}
    return used | {
        (False, rule.id)
        for part in judgement.decided
        if part.outcome in ("warn", "note")
        for rule, effect, _ in part.rules
        if effect in ("warn", "note")
    }


def _by_names(
    judgement: Judgement, lenient: set[tuple[bool, str]]
) -> Iterator[tuple[str, Sequence[Written]]]:
    """By what is left out of what lets something through, and what else would have failed it.

    So would what fails it whatever a waiver says, and what keeps waivers from it.
    """
    for part, patterns in judgement.policy.leaving_out.items():
        if (part.is_waiver, part.id) in lenient:
            yield part.id, patterns
    outcomes = {
        *(part.outcome for part in judgement.decided),
        *(skip.outcome for skip in judgement.skips),
    }
    if outcomes & {"warn", "note", "waived"}:
        yield from judgement.policy.failing_names.items()


def _asking(policy: Policy) -> list[Rule | Waiver]:
    return [*policy.rules, *policy.waivers]


def _is_unlike(condition: Condition, facts: Facts) -> bool:
    """Whether it compared values of another type: its operator did, or its filter did."""
    if id(condition) in facts.unlike:
        return True
    was_asked = id(condition) in facts.met or id(condition) in facts.missed
    return was_asked and compares_texts_with_numbers(condition.spec)


def _unlike_values(judgement: Judgement) -> Iterator[Statement]:
    """Conditions that compared a number with a text, or the like, and were not met for that."""
    paths = {
        part.id: found
        for part, _, conditions in judgement.policy.asking
        if (found := [one.path for one in conditions if _is_unlike(one, judgement.facts)])
    }
    if paths:
        named = sorted({path for found in paths.values() for path in found})
        count = len(paths)
        yield statement("condition.unlike-values", count=count, rules=sorted(paths), paths=named)


def _unreadable_versions(judgement: Judgement) -> Iterator[Statement]:
    """Versions that are in no range because nobody can read them, where a range was asked for."""
    for key in ("from_version", "target_version"):
        version = getattr(judgement.facts, key)
        asking = sorted(part.id for part in _asking(judgement.policy) if key in part.match.keys)
        if asking and version is not None and parse_version(version) is None:
            count = len(asking)
            code = "condition.unreadable-version"
            yield statement(code, count=count, version=version, rules=asking)
