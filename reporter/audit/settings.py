"""What an audit judges by: plain values that travel to any worker, wherever it runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from hashlib import sha256
from typing import Literal

from reporter import __version__
from reporter.output.rendering import writer_digest
from reporter.policy.load import Policy, PolicyFile, Waiver
from reporter.policy.match import fits_id
from reporter.policy.printable import printable
from reporter.precheck.versions import parse_version
from reporter.record.model import SEMANTICS
from reporter.signs import reads_as_written

Reports = Literal["none", "failed", "all"]


@dataclass(frozen=True)
class Settings:
    """How responses are judged. A worker needs nothing else, and no file of this machine."""

    policies: tuple[str, ...]
    """Sources as given. Each with `applies_to` judges only what it applies to, or may apply to."""

    waivers: tuple[str, ...]
    others: tuple[str, ...]
    """The policies to compare with; empty for none."""

    files: tuple[tuple[str, bytes], ...]
    """The bytes of all of these and of what they extend, by source."""

    at: str
    """`response`, or an instant in RFC 3339."""

    clock: datetime
    reports: Reports = "none"
    max_bytes: int | None = None

    @classmethod
    def load(
        cls,
        policies: Sequence[str],
        waivers: Sequence[str],
        others: Sequence[str],
        *,
        at: str,
        clock: datetime,
        reports: Reports,
        max_bytes: int | None = None,
    ) -> Settings:
        """Read every file once. `PolicyError` for their mistakes."""
        files: dict[str, bytes] = {}
        always = []
        for name in policies:
            alone = Policy.load(name, waivers=waivers)
            files |= {file.source: file.data for file in alone.files}
            if not alone.applies_to:
                always.append(name)
        if len(always) > 1:
            Policy.load(*always, waivers=waivers)  # what always goes together has to fit together
        for name in others:
            files |= {file.source: file.data for file in Policy.load(name, waivers=waivers).files}
        return cls(
            policies=tuple(policies),
            waivers=tuple(waivers),
            others=tuple(others),
            files=tuple(sorted(files.items())),
            at=at,
            clock=clock,
            reports=reports,
            max_bytes=max_bytes,
        )

    def wants_page(self, outcome: str) -> bool:
        """Whether a response that is judged so gets a page of its own."""
        return self.reports == "all" or (self.reports == "failed" and outcome != "pass")


class Court:
    """The settings with their policies compiled: which of them judges what."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._files = dict(settings.files)
        self.bench = Bench(self, settings.policies)
        self.others = Bench(self, settings.others) if settings.others else None

    def load(self, sources: Sequence[str]) -> Policy:
        """Compile policies from the bytes that were read at the start."""
        return printable(Policy.load_kept(self._files, sources, self.settings.waivers))


class Bench:
    """Policies that judge together, each where it applies or may apply."""

    def __init__(self, court: Court, sources: Sequence[str]) -> None:
        self._court = court
        self._alone = tuple((source, court.load([source])) for source in sources)
        self._unions: dict[tuple[str, ...], Policy] = {}
        self._chosen: dict[tuple[str | None, str | None], tuple[str, ...]] = {}

    def chosen(self, cluster: str | None, target: str | None) -> tuple[str, ...]:
        """The sources of the policies that apply to an upgrade, or that may.

        What is left open by a missing cluster, or by a target version that is missing or can't be
        read, counts against passing: such a policy judges as well, and its line `identity` is not
        ok. Where none surely applies and none requires that line, none is chosen.
        """
        key = _named(cluster, target)
        if key not in self._chosen:
            if len(self._chosen) > 10_000:
                self._chosen.clear()
            found = [part for part in self._alone if _may_apply(part[1], *key)]
            if not any(policy.applies(*key) or _minds(policy) for _, policy in found):
                found = []
            self._chosen[key] = tuple(source for source, _ in found)
        return self._chosen[key]

    def is_sure(self, cluster: str | None, target: str | None) -> bool:
        """Whether each of the chosen surely applies."""
        key = _named(cluster, target)
        chosen = self.chosen(*key)
        return all(policy.applies(*key) for source, policy in self._alone if source in chosen)

    def policy(self, sources: tuple[str, ...]) -> Policy | None:
        """Their union; None where there is none. `PolicyError` where they don't fit together."""
        if not sources:
            return None
        if sources not in self._unions:
            whole = self._alone[0][1] if len(self._alone) == 1 else self._court.load(sources)
            self._unions[sources] = whole
        return self._unions[sources]

    @cached_property
    def waivers(self) -> Mapping[tuple[str, str], Waiver]:
        """Every waiver there is, by source and id."""
        return {
            (waiver.source, waiver.id): waiver
            for _, policy in self._alone
            for waiver in policy.waivers
        }

    @cached_property
    def files(self) -> Sequence[PolicyFile]:
        """Every policy and waiver file, once."""
        found = {
            (file.source, file.digest): file for _, policy in self._alone for file in policy.files
        }
        return tuple(found.values())

    def key(self, sources: tuple[str, ...]) -> str:
        """What a verdict rests on besides the response: where it differs, it is judged again."""
        return _key(self._court.settings, sources)


def _named(cluster: str | None, target: str | None) -> tuple[str | None, str | None]:
    """What a response says of the two; None where it says nothing that could be understood."""
    known = cluster if cluster is not None and reads_as_written(cluster) else None
    return known, target if target is not None and parse_version(target) is not None else None


def _may_apply(policy: Policy, cluster: str | None, target: str | None) -> bool:
    return not any(
        (scope.cluster is not None and fits_id(scope.cluster, cluster) is False)
        or (scope.target_version is not None and scope.target_version.fits(target) is False)
        for scope in policy.applies_to
    )


def _minds(policy: Policy) -> bool:
    """Whether it lets nothing pass that may be about another cluster or target."""
    return any(spec.identity.level == "require" for spec in policy.evidence)


@lru_cache(maxsize=256)
def _key(settings: Settings, sources: tuple[str, ...]) -> str:
    # Two builds of a version may judge otherwise.
    build = f"{__version__} {writer_digest()}"
    digest = sha256(f"{build} {SEMANTICS} {settings.at}".encode())
    court = court_of(settings)
    # Each alone: policies that don't fit together have a key, too.
    files = dict.fromkeys(
        (file.kind, file.source, file.digest)
        for source in sources
        for file in court.load([source]).files
    )
    for kind, source, content in files:
        digest.update(f"\0{kind} {source} {content}".encode())
    return digest.hexdigest()[:16]


@lru_cache(maxsize=4)
def court_of(settings: Settings) -> Court:
    """The court for these settings, compiled once in a process."""
    return Court(settings)
