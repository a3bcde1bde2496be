"""The statement and its signatures, read by others: own bytes, `cryptography`, and openssl."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from reporter.casefile import attest
from reporter.errors import PolicyError
from reporter.policy.evaluate import evaluate
from reporter.policy.load import Policy
from reporter.record.model import Gate, Instant, Verdict
from reporter.sources.read import read
from reporter.words import statement
from tests.acceptance.run import ROOT

from .build import members, sample

PLAIN = serialization.NoEncryption()
PRIVATE_KEYS: dict[str, Any] = {
    "ed25519": ed25519.Ed25519PrivateKey.generate(),
    "P-256": ec.generate_private_key(ec.SECP256R1()),
    "P-384": ec.generate_private_key(ec.SECP384R1()),
}


def pem(key: Any, lock: serialization.KeySerializationEncryption = PLAIN) -> bytes:
    form = serialization.PrivateFormat.PKCS8
    return bytes(key.private_bytes(serialization.Encoding.PEM, form, lock))


def public_pem(key: Any) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return bytes(key.public_key().public_bytes(serialization.Encoding.PEM, form))


def nobody() -> bytes | None:
    raise AssertionError("asked for a passphrase")


def pae(kind: str, payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding, from its specification."""
    return f"DSSEv1 {len(kind)} {kind} {len(payload)} ".encode() + payload


# What it says ---------------------------------------------------------------------------------


def verdict(outcome: str = "pass", headline: str = "headline.pass", **update: Any) -> Verdict:
    record = sample("published-autopilot").verdict
    now = Instant(at=record.instant.at, basis="now", backdated=False)
    plain = {"outcome": outcome, "headline": statement(headline), "instant": now, "conditions": []}
    return record.model_copy(update={**plain, **update})


def test_the_result_is_what_a_gate_may_rely_on() -> None:
    past = Instant(at=verdict().instant.at, basis="given", backdated=True)
    assert attest.result_of(verdict()) == "PASSED"
    assert attest.result_of(verdict(headline="headline.pass-conditions")) == "WARNED"
    assert attest.result_of(verdict(instant=past)) == "WARNED"
    assert attest.result_of(verdict("fail", "headline.fail")) == "FAILED"
    assert attest.result_of(verdict("inconclusive", "headline.inconclusive")) == "FAILED"


def test_advisory_changes_nothing_and_a_refused_pass_is_no_pass() -> None:
    advisory = Gate(advisory="pilot")
    assert attest.result_of(verdict("fail", "headline.fail", gate=advisory)) == "FAILED"
    case = sample("waived-risk").verdict
    counts = case.counts.model_copy(
        update={"findings": case.counts.findings.model_copy(update={"warn": 1})}
    )
    refused = case.model_copy(update={"gate": Gate(fail_on="warn"), "counts": counts})
    assert attest.result_of(refused) == "FAILED"
    assert attest.result_of(case) == "WARNED"


def test_the_whole_statement_of_an_inconclusive_check() -> None:
    record = sample("unfinished-check").verdict
    made = attest.statement(record, [attest.SubjectFile("response.json", "ab" * 32)])
    found = json.loads(made)
    assert found["_type"] == "https://in-toto.io/Statement/v1"
    assert found["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
    assert found["subject"] == [{"name": "response.json", "digest": {"sha256": "ab" * 32}}]
    predicate = found["predicate"]
    assert predicate["result"] == "FAILED"
    assert [part["digest"]["sha256"] for part in predicate["configuration"]] == [
        use.sha256 for use in record.policies
    ]
    assert "evidence finished" in predicate["failedTests"]
    assert predicate["precheck"]["outcome"] == "inconclusive"
    assert predicate["precheck"]["because"] == [reason.what.text for reason in record.reasons]
    assert predicate["precheck"]["backdated"] is True
    assert attest.statement(record, [attest.SubjectFile("response.json", "ab" * 32)]) == made


def test_every_check_is_in_one_list_and_a_skipped_one_never_passed() -> None:
    record = sample("server-side-skip").verdict
    found = json.loads(attest.statement(record, [attest.SubjectFile("a", "00" * 32)]))["predicate"]
    lists = [found.get(name, []) for name in ("passedTests", "warnedTests", "failedTests")]
    checks = [name for part in lists for name in part if name.startswith("check ")]
    assert sorted(checks) == sorted(f"check {part.name} ({part.scope})" for part in record.checks)
    assert not any("skipped on the server" in name for name in found["passedTests"])
    assert sum("skipped on the server" in name for part in lists for name in part) == 2


def test_what_failed_and_is_only_noted_is_not_among_those_that_passed() -> None:
    """Whoever reads the published type alone sees as many passed tests as the record has."""
    record = noted("failed-addon", "[{id: n, match: {kind: [Risk, Exception]}, effect: note}]")
    assert [part.name for part in record.checks if part.outcome == "note"] == ["AddonLimit"]
    found = json.loads(attest.statement(record, [attest.SubjectFile("a", "00" * 32)]))["predicate"]
    assert found["result"] == attest.result_of(record)
    passed = {
        f"check {part.name} ({part.scope})" for part in record.checks if part.outcome == "pass"
    }
    assert {name for name in found["passedTests"] if name.startswith("check ")} == passed
    assert [name for name in found["warnedTests"] if name.startswith("check ")] == [
        "check AddonLimit (addon)"
    ]


def test_a_limit_that_is_exceeded_and_noted_has_not_passed() -> None:
    record = noted(
        "failed-addon",
        "[{id: n, match: {kind: [Risk, Exception]}, effect: note, below: note, "
        "limit: {of: findings, max: 0}}]",
    )
    (rule,) = record.rules
    assert rule.limit is not None
    assert rule.limit.exceeded
    found = json.loads(attest.statement(record, [attest.SubjectFile("a", "00" * 32)]))["predicate"]
    assert "limit n" in found["warnedTests"]
    assert "limit n" not in found["passedTests"]


def noted(story: str, rules: str) -> Verdict:
    policy = Policy.parse(
        "apiVersion: precheck.policy/v1\nkind: Policy\nmetadata: {name: p}\n"
        f"defaults: {{unmatched: fail, skipped: note}}\nrules: {rules}\n".encode()
    )
    response = read((ROOT / "samples" / story / "response.json").read_bytes(), name="r.json")
    return evaluate(response, policy, at="response")


# Signatures -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", PRIVATE_KEYS)
def test_an_envelope_holds_for_a_second_implementation(kind: str) -> None:
    key = PRIVATE_KEYS[kind]
    payload = sample("waived-risk").bundle()[:500]
    envelope = json.loads(attest.sign(payload, pem(key), "key.pem", nobody))
    assert base64.b64decode(envelope["payload"]) == payload
    signature = base64.b64decode(envelope["signatures"][0]["sig"])
    signed = pae("application/vnd.in-toto+json", payload)
    if kind == "ed25519":
        key.public_key().verify(signature, signed)
    else:
        algorithm = hashes.SHA256() if kind == "P-256" else hashes.SHA384()
        key.public_key().verify(signature, signed, ec.ECDSA(algorithm))
    with pytest.raises(InvalidSignature):
        key.public_key().verify(
            signature, signed + b" ", *(() if kind == "ed25519" else (ec.ECDSA(algorithm),))
        )


@pytest.mark.parametrize("kind", ["ed25519", "P-256"])
def test_openssl_says_the_same(kind: str, tmp_path: Path) -> None:
    key = PRIVATE_KEYS[kind]
    payload = members(sample("waived-risk").bundle())["attestation.json"]
    envelope = json.loads(attest.sign(payload, pem(key), "key.pem", nobody))
    signature, signed, public = (tmp_path / name for name in ("sig", "pae", "pub"))
    signature.write_bytes(base64.b64decode(envelope["signatures"][0]["sig"]))
    signed.write_bytes(pae(envelope["payloadType"], payload))
    public.write_bytes(public_pem(key))
    check: list[str | Path] = [
        "openssl",
        "pkeyutl",
        "-verify",
        "-pubin",
        "-inkey",
        public,
        "-in",
        signed,
    ]
    check += [
        "-sigfile",
        signature,
        "-rawin",
        *([] if kind == "ed25519" else ["-digest", "sha256"]),
    ]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert "Verified Successfully" in done.stdout, done.stderr
    signed.write_bytes(pae(envelope["payloadType"], payload + b" "))
    assert subprocess.run(check, capture_output=True, check=False).returncode != 0


@pytest.mark.parametrize("kind", PRIVATE_KEYS)
def test_an_envelope_holds_for_its_key_alone(kind: str) -> None:
    key, other = PRIVATE_KEYS[kind], ed25519.Ed25519PrivateKey.generate()
    signed = attest.read_envelope(attest.sign(b"{}", pem(key), "key.pem", nobody))
    assert attest.is_canonical(signed)
    assert signed.verify(public_pem(key), "key.pub") is None
    assert signed.verify(public_pem(other), "other.pub") == "not made with other.pub"


def test_a_signature_of_a_tool_that_names_no_key_holds_too() -> None:
    key = PRIVATE_KEYS["ed25519"]
    envelope = json.loads(attest.sign(b"{}", pem(key), "key.pem", nobody))
    del envelope["signatures"][0]["keyid"]
    # As Sigstore's bundles carry it.
    for data in (envelope, {"mediaType": "x", "dsseEnvelope": envelope}):
        signed = attest.read_envelope(json.dumps(data).encode())
        assert signed.verify(public_pem(key), "key.pub") is None
        assert not attest.is_canonical(signed)


def test_ed25519_signs_with_the_same_bytes() -> None:
    key = pem(PRIVATE_KEYS["ed25519"])
    assert attest.sign(b"{}", key, "k", nobody) == attest.sign(b"{}", key, "k", nobody)


def test_a_locked_key_needs_its_passphrase() -> None:
    lock = serialization.BestAvailableEncryption(b"swordfish")
    locked = pem(PRIVATE_KEYS["ed25519"], lock)
    assert attest.sign(b"{}", locked, "k", lambda: b"swordfish")
    with pytest.raises(PolicyError, match="can't be unlocked with this passphrase"):
        attest.sign(b"{}", locked, "k", lambda: b"wrong")


REFUSED = {
    "rsa": pem(rsa.generate_private_key(65537, 2048)),
    "nothing": b"",
    "a public key": public_pem(PRIVATE_KEYS["P-256"]),
    "of cosign": b"-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nx\n",
}


@pytest.mark.parametrize("name", REFUSED)
def test_other_keys_are_refused_in_one_line(name: str) -> None:
    with pytest.raises(PolicyError) as caught:
        attest.sign(b"{}", REFUSED[name], "key.pem", nobody)
    assert caught.value.message.startswith("key.pem: is ")
    assert caught.value.hint


def test_a_private_key_is_not_taken_to_check_with() -> None:
    with pytest.raises(PolicyError, match="is a private key"):
        attest.public_key(pem(PRIVATE_KEYS["ed25519"]), "key.pem")
    with pytest.raises(PolicyError, match="is not a public key"):
        attest.public_key(b"-----BEGIN PUBLIC KEY-----\nx", "key.pem")
    with pytest.raises(PolicyError, match="is not a public key"):
        attest.public_key(public_pem(rsa.generate_private_key(65537, 2048)), "key.pem")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b'{"payloadType": "text/plain", "payload": "", "signatures": []}',
        b'{"payloadType": "application/vnd.in-toto+json", "payload": "%", "signatures": []}',
        b'{"payloadType": "application/vnd.in-toto+json", "payload": "e30=", "signatures": []}',
        b'{"payloadType": "application/vnd.in-toto+json", "payload": "e30=", "signatures": [1]}',
    ],
)
def test_what_is_no_envelope_is_told_apart(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"payload|envelope|signature|base64|Expecting"):
        attest.read_envelope(data)
