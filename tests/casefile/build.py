"""Verdicts with their evidence, and case files of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from reporter.casefile import archive, bundle
from reporter.output import Options
from reporter.policy.evaluate import evaluate
from reporter.policy.load import Policy
from reporter.precheck.response import Response
from reporter.record.model import Verdict
from reporter.sources.read import read

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "samples"
WAIVERS = ROOT / "policies" / "waivers"
WITHOUT_PDF = ("html", "junit")


@dataclass(frozen=True)
class Case:
    """A verdict, what it was reached from, and the exhibits."""

    verdict: Verdict
    response: Response
    exhibits: list[bytes]

    @property
    def evidence(self) -> dict[str, bytes]:
        return {sha256(data).hexdigest(): data for data in self.exhibits}

    def bundle(self, **options: Any) -> bytes:
        return bundle.write(
            self.verdict,
            self.exhibits,
            **{"options": Options(), "forms": WITHOUT_PDF, **options},
        )


def judge(response: Response, policy: Policy, **asked: Any) -> Case:
    """A verdict with its exhibits; as of the response's own time unless something else is asked."""
    verdict = evaluate(response, policy, **{"at": "response", **asked})
    exhibits = [response.source.data, *(file.data for file in policy.files)]
    if response.source.sidecar is not None:
        exhibits.append(response.source.sidecar.data)
    return Case(verdict, response, exhibits)


@cache
def sample(name: str) -> Case:
    """A sample judged by the recommended policy and both waiver lists."""
    lists = [WAIVERS / "change-board.yaml", WAIVERS / "platform-team.yaml"]
    policy = Policy.load("builtin:recommended", waivers=lists)
    return judge(read(SAMPLES / name / "response.json"), policy)


@cache
def small() -> bytes:
    """A small case file, without a PDF."""
    return sample("waived-risk").bundle()


def members(data: bytes) -> dict[str, bytes]:
    """The members of a case file."""
    return dict(archive.unpack(data, "case.zip").members)


def resealed(files: dict[str, bytes]) -> bytes:
    """A case file of changed members, with manifest, statement and sums made to fit them."""
    from reporter.casefile import attest

    record = Verdict.model_validate_json(files["record.json"])
    files = {name: data for name, data in files.items() if name != bundle.SUMS}
    files[bundle.MANIFEST] = bundle.manifest(
        record,
        {name: data for name, data in files.items() if not name.startswith("attestation")},
        bundle.written_by(),
    )
    files[bundle.STATEMENT] = attest.statement(record, bundle.subjects(files))
    files[bundle.SUMS] = bundle.sums(files)
    return archive.pack(files)
