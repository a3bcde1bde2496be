"""The verdict as an in-toto attestation, and signatures over it.

A Statement v1 with the predicate test-result v0.1: its subjects are the files of a case, its
configuration the policies. Signed, it is a DSSE envelope; in-toto and securesystemslib are
imported here alone.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reporter.errors import PolicyError
from reporter.output.clean import one_line
from reporter.precheck.times import format_instant
from reporter.record.model import Verdict

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
    from securesystemslib.signer import SSlibKey

PREDICATE = "https://in-toto.io/attestation/test-result/v0.1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
MAX_ENVELOPE = 64 * 1024 * 1024

_OUTCOME_LIST = {
    "fail": "failedTests",
    "unknown": "failedTests",
    "warn": "warnedTests",
    "waived": "warnedTests",
    # It ran and did not pass, and the policy lets it go by name: no test that simply passed.
    "note": "warnedTests",
    "pass": "passedTests",
}
_KEYS = "ed25519, or ECDSA on P-256, P-384 or P-521"


@dataclass(frozen=True)
class SubjectFile:
    """A file the statement is about."""

    name: str
    sha256: str


# The statement --------------------------------------------------------------------------------


def result_of(record: Verdict) -> str:
    """PASSED, WARNED or FAILED.

    Only a pass without a condition is PASSED; an inconclusive verdict, and a pass that the gate
    refuses for its warnings, is FAILED. `--advisory` changes nothing, a verdict for another day is
    never PASSED.
    """
    if record.outcome != "pass" or record.refused_for_warnings:
        return "FAILED"
    conditional = record.headline.code != "headline.pass" or (
        record.instant.backdated or record.instant.postdated
    )
    return "WARNED" if conditional or record.has_warnings else "PASSED"


def statement(record: Verdict, subjects: Sequence[SubjectFile]) -> bytes:
    """The statement, as JSON: the same bytes for the same verdict and files."""
    from google.protobuf.json_format import MessageToDict
    from in_toto_attestation.v1.resource_descriptor import ResourceDescriptor
    from in_toto_attestation.v1.statement import Statement

    files = [ResourceDescriptor(name=one.name, digest={"sha256": one.sha256}) for one in subjects]
    made = Statement([file.pb for file in files], PREDICATE, _predicate(record))
    made.validate()
    text = json.dumps(MessageToDict(made.pb), ensure_ascii=False, sort_keys=True, indent=2)
    return text.encode() + b"\n"


def _predicate(record: Verdict) -> dict[str, Any]:
    from google.protobuf.json_format import MessageToDict, ParseDict
    from in_toto_attestation.predicates.test_result.v0.test_result_pb2 import TestResult

    tests: dict[str, list[str]] = {"passedTests": [], "warnedTests": [], "failedTests": []}
    for kind, name in _tests(record):
        tests[kind].append(name)
    published = {
        "result": result_of(record),
        "configuration": [
            {
                "name": one_line(use.source),
                "digest": {"sha256": use.sha256},
                "mediaType": "application/yaml",
            }
            for use in record.policies
        ],
        **{kind: names for kind, names in tests.items() if names},
    }
    # Through the published type, so that what it would not take is never written.
    predicate: dict[str, Any] = MessageToDict(ParseDict(published, TestResult()))
    predicate["precheck"] = _own_field(record)
    return predicate


def _tests(record: Verdict) -> Iterator[tuple[str, str]]:
    for check in record.checks:
        yield _OUTCOME_LIST[check.outcome], f"check {one_line(check.name or '–')} ({check.scope})"
    for line in record.evidence:
        if line.state == "not-applicable" or line.level in ("off", "note"):
            continue
        bad = "failedTests" if line.level == "require" else "warnedTests"
        yield "passedTests" if line.state == "ok" else bad, f"evidence {line.id}"
    for skip in record.skipped:
        # Never among the passed: nobody ran it.
        kind = "failedTests" if skip.outcome == "fail" else "warnedTests"
        yield kind, f"skipped on the server: {one_line(skip.name or '–')}"
    for rule in record.rules:
        if rule.limit is not None:
            bad = _OUTCOME_LIST[rule.effect] if rule.limit.exceeded else "passedTests"
            yield bad, f"limit {rule.id}"


def _own_field(record: Verdict) -> dict[str, Any]:
    """What the predicate has no word for: readers of the published type pass over it."""
    subject = record.subject
    said = {
        "outcome": record.outcome,
        "headline": record.headline.text,
        "because": [one_line(reason.what.text) for reason in record.reasons],
        "conditions": [one_line(part.text) for part in record.conditions],
        "judgedFor": format_instant(record.instant.at),
        "backdated": record.instant.backdated,
        "postdated": record.instant.postdated,
        "advisory": one_line(record.gate.advisory) if record.gate.advisory else None,
        "cluster": one_line(subject.cluster_id) if subject.cluster_id else None,
        "targetVersion": one_line(subject.target_version) if subject.target_version else None,
        "redacted": list(record.redaction.profiles) if record.redaction else None,
    }
    return {name: value for name, value in said.items() if value not in (None, [])}


# Signatures -----------------------------------------------------------------------------------


def sign(payload: bytes, key: bytes, name: str, password: Callable[[], bytes | None]) -> bytes:
    """A DSSE envelope around a statement, as JSON.

    `key` is the PEM of an ed25519 or ECDSA private key; `password` is asked only where it is
    locked. `PolicyError` where it can't be used. With ed25519 the bytes are always the same.
    """
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import CryptoSigner

    private = _private_key(key, name, password)
    signer = CryptoSigner(private, _public(private.public_key()))
    envelope = Envelope(payload, PAYLOAD_TYPE, {})
    envelope.sign(signer)
    return _dumped(envelope.to_dict())


def _dumped(envelope: dict[str, Any]) -> bytes:
    return json.dumps(envelope, indent=2, sort_keys=True).encode() + b"\n"


@dataclass(frozen=True)
class Signed:
    """An envelope that was read; nothing in it is believed until `verify` says so."""

    payload: bytes
    signatures: tuple[tuple[str, bytes], ...]
    """Key id, as the envelope says (may be empty), and signature."""
    data: bytes

    def verify(self, key: bytes, name: str) -> str | None:
        """None where the key (a public one, PEM) signed the payload; else why not."""
        from securesystemslib.dsse import Envelope
        from securesystemslib.exceptions import VerificationError
        from securesystemslib.signer import Signature

        public = public_key(key, name)
        for _, signature in self.signatures:
            # Some signers give no key id, or one of their own making: the key decides, not a name.
            tried = Signature(public.keyid, signature.hex())
            try:
                Envelope(self.payload, PAYLOAD_TYPE, {public.keyid: tried}).verify([public], 1)
            except VerificationError:
                continue
            return None
        return f"not made with {name}"


def read_envelope(data: bytes) -> Signed:
    """An envelope with a statement in it, alone or in a Sigstore bundle.

    `ValueError` says what is wrong with it.
    """
    try:
        found = json.loads(data)
        found = found.get("dsseEnvelope", found)
        if found["payloadType"] != PAYLOAD_TYPE:
            raise ValueError(f"its payload is of type {found['payloadType']!r}")
        payload = base64.b64decode(found["payload"], validate=True)
        signatures = tuple(
            (str(part.get("keyid", "")), base64.b64decode(part["sig"], validate=True))
            for part in found["signatures"]
        )
    except (LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError("it is no DSSE envelope") from error
    if not signatures:
        raise ValueError("it holds no signature")
    return Signed(payload, signatures, data)


def is_canonical(signed: Signed) -> bool:
    """Whether an envelope is spelled as this tool spells it, to the last byte."""
    spelled = {
        "payload": base64.b64encode(signed.payload).decode(),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [
            {"keyid": name, "sig": base64.b64encode(signature).decode()}
            for name, signature in signed.signatures
        ],
    }
    return _dumped(spelled) == signed.data


def key_id(key: bytes, name: str) -> str:
    """The id of a public key, as envelopes name it."""
    found: str = public_key(key, name).keyid
    return found


def public_key(key: bytes, name: str) -> SSlibKey:
    """A public key from its PEM. `PolicyError` where it is none."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    if b"PRIVATE KEY" in key:
        raise PolicyError(
            f"{name}: is a private key; a signature is checked with the public one",
            hint=f"openssl pkey -in {name} -pubout -out {name}.pub",
        )
    try:
        return _public(load_pem_public_key(key))
    except (ValueError, UnsupportedAlgorithm):
        raise PolicyError(
            f"{name}: is not a public key this tool knows", hint=f"PEM, {_KEYS}"
        ) from None


def _public(found: Any) -> SSlibKey:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from securesystemslib.signer import SSlibKey

    if not isinstance(found, (Ed25519PublicKey, EllipticCurvePublicKey)):
        raise ValueError(type(found).__name__)
    return SSlibKey.from_crypto(found)


def check_private_key(key: bytes, name: str, password: Callable[[], bytes | None]) -> None:
    """`PolicyError` where a key can't sign: before anything is judged."""
    _private_key(key, name, password)


def _private_key(key: bytes, name: str, password: Callable[[], bytes | None]) -> PrivateKeyTypes:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    if b"SIGSTORE" in key or b"COSIGN" in key:
        raise PolicyError(
            f"{name}: is a key of cosign's own form",
            hint="sign attestation.json with cosign itself, or give a PEM key: " + _KEYS,
        )
    locked = b"ENCRYPTED" in key
    word = password() if locked else None
    try:
        private = load_pem_private_key(key, word)
        _public(private.public_key())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        why = "can't be unlocked with this passphrase" if locked else "is not a key to sign with"
        raise PolicyError(f"{name}: {why}", hint=f"a private key as PEM, {_KEYS}") from None
    return private
