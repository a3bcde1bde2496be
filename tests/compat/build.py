"""Writes the case files of this release, to be verified for ever: `make compat`, once a release."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from reporter import Policy, __version__, read
from reporter.casefile import bundle
from reporter.casefile.redact import PROFILES, Redactor
from reporter.output import Options
from reporter.policy.evaluate import evaluate
from reporter.record.model import Change, Gate

HERE = Path(__file__).parent
# Anybody may know these two: they prove that files stay readable, and nothing else.
SEED = sha256(b"the key of the compatibility tests").digest()
PSEUDONYMS = b"the pseudonyms of the compatibility tests"


def private_pem() -> bytes:
    """The key that the case files are signed with."""
    key = Ed25519PrivateKey.from_private_bytes(SEED)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def public_pem() -> bytes:
    """The key that they are checked with."""
    key = Ed25519PrivateKey.from_private_bytes(SEED).public_key()
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(serialization.Encoding.PEM, form)


def main() -> None:
    """Write `tests/compat/VERSION/`."""
    os.chdir(HERE.parents[1])  # paths stand in the record
    folder = HERE / __version__
    folder.mkdir(exist_ok=True)
    lists = ["policies/waivers/change-board.yaml", "policies/waivers/platform-team.yaml"]
    response = read("samples/waived-risk/response.json")
    policy = Policy.load("builtin:recommended", waivers=lists)
    verdict = evaluate(
        response,
        policy,
        at="response",
        expect_target="v1.31",
        cluster_name="sandbox",
        cluster_type="standard",
        change=Change(id="CHG-1042", prepared_by="a person"),
        gate=Gate(fail_on="warn"),
    )
    exhibits = [response.source.data, *(file.data for file in policy.files)]
    signing = bundle.Signing(private_pem(), "compat.pem", lambda: None)
    whole = bundle.write(verdict, exhibits, options=Options(), signing=signing)
    (folder / "case.zip").write_bytes(whole)
    hidden = Redactor(verdict, PROFILES, PSEUDONYMS, response.task).record()
    redacted = bundle.write(hidden, [], options=Options(), forms=("html", "junit"), signing=signing)
    (folder / "redacted.zip").write_bytes(redacted)


if __name__ == "__main__":
    main()
