"""Case files and envelopes that somebody changed: never taken for whole, nothing ever written.

A case file is an archive of members that name each other by digests. Bytes changed at random are
found by the first of these, so an input of `bundle` says which members change, where, and whether
the digests, the manifest and the statement are made to fit again, as a forger would.
"""

from __future__ import annotations

import base64
import json
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from typing import Any
from unittest import mock

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import ValidationError

from reporter import output
from reporter.casefile import archive, attest, bundle
from reporter.casefile import verify as module
from reporter.casefile.verify import Given, Verification, verify
from reporter.catalogue.read import Catalogue
from reporter.errors import InputError
from reporter.policy.load import Policy
from reporter.sources.read import read
from tests.casefile.build import Case, judge, members, resealed
from tests.casefile.test_attest import nobody, pem, public_pem
from tests.fuzz.printout import told
from tests.policy.build import item, policy, response, waiver

# Always the same, so that an input means the same in every run.
_KEY, _OTHER = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2))
_GIVEN = Given(key=(public_pem(_KEY), "key.pub"))
BETWEEN = b"\n--\n"


_CATALOGUE = Catalogue.load()  # reading it is most of the work of judging little


@cache
def _case() -> Case:
    body = response(item("SampleRisk"), item("SampleWaived", message="m"))
    accepted = policy(waivers=[waiver(check="SampleWaived")])
    return judge(read(json.dumps(body).encode(), name="response.json"), Policy.parse(accepted))


@cache
def _whole() -> bytes:
    """Without a page: rendering it again takes long, and is tried in `tests/casefile`."""
    return _case().bundle(forms=("junit",), signing=bundle.Signing(pem(_KEY), "key.pem", nobody))


@cache
def _page() -> bytes:
    case = _case()
    return output.render(case.verdict, "html", case.exhibits)


@cache
def _of_the_page() -> bytes:
    """The statement somebody would sign of the page alone."""
    about = [attest.SubjectFile("report.html", sha256(_page()).hexdigest())]
    return attest.statement(_case().verdict, about)


# A case file ----------------------------------------------------------------------------------


def casefile(data: bytes) -> None:
    """Changes of a case file, or a whole zip of its own: only what the tool wrote holds."""
    zipped = data if data.startswith(b"PK") else _changed(data)
    if zipped is None:
        return
    found = _verified(zipped, _GIVEN)
    if found is not None and found.exit_code == 0:
        theirs, ours = members(zipped), members(_whole())
        _signed_by_us(theirs.pop(bundle.ENVELOPE))
        for name in (bundle.ENVELOPE, bundle.SUMS):  # the sums are nobody's word
            theirs.pop(name, None)
            ours.pop(name)
        assert theirs == ours, "a changed case file holds"


_CHANGE = re.compile(rb"(\w[\w./-]*) (\d{1,7})(?: (\d{1,5}))?\n(.*)", re.DOTALL)


def _changed(data: bytes) -> bytes | None:
    """The case file with changes applied.

    The first line says `plain`, `sums` or `sealed`: how far the rest is made to fit. Each part
    names a member, a place in it and how many bytes go; what follows its first line comes in.
    Of a member that does not exist, a new one is made.
    """
    how, _, rest = data.partition(b"\n")
    files = members(_whole())
    for part in rest.split(BETWEEN):
        if change := _CHANGE.fullmatch(part):
            name = change[1].decode()
            old, at, gone = files.get(name, b""), int(change[2]), int(change[3] or 0)
            at = min(at, len(old))
            files[name] = old[:at] + change[4] + old[at + gone :]
    if how == b"sums":
        files = {name: part for name, part in files.items() if name != bundle.SUMS}
        files[bundle.SUMS] = bundle.sums(files)
    elif how == b"sealed":
        try:
            return resealed(files)
        except (ValidationError, ValueError, KeyError):
            return None
    return archive.pack(files)


# An envelope ----------------------------------------------------------------------------------


def envelope(data: bytes) -> None:
    """An envelope inside a case file, one beside a page, and a statement signed by the right key.

    What holds was signed by the key, says what the verdict says, and is about this very file.
    (Of the page and the case file, which are whole, the signature alone is looked at here.)
    """
    signed = None
    try:
        signed = attest.read_envelope(data)
    except ValueError as error:
        told(str(error))
    files = members(_whole())
    if _inside({**files, bundle.ENVELOPE: data}) == "holds":
        _signed_by_us(data)
    if _beside(data) == "holds":
        assert signed is not None
        assert signed.payload == _of_the_page(), "an envelope holds that the key never signed"
    payload = data if signed is None else signed.payload
    if _beside(attest.sign(payload, pem(_KEY), "key.pem", nobody)) == "holds":
        _fits(payload)
    foreign = attest.sign(payload, pem(_OTHER), "other.pem", nobody)
    assert _beside(foreign) == "differs", "another key's signature holds"


def _signed_by_us(data: bytes) -> None:
    """An envelope that was accepted: the statement and a signature of the key's, at least.

    The name of the key beside a signature is nobody's word: DSSE signs the statement alone.
    """
    said, ours = json.loads(data), json.loads(members(_whole())[bundle.ENVELOPE])
    assert base64.b64decode(said["payload"]) == base64.b64decode(ours["payload"])
    signature = base64.b64decode(ours["signatures"][0]["sig"])
    assert any(base64.b64decode(one["sig"]) == signature for one in said["signatures"])


def _inside(files: dict[str, bytes]) -> str:
    record = _case().verdict
    return _worst(module._signature(files, _whole(), _GIVEN, record))


def _beside(data: bytes) -> str:
    given = Given(key=_GIVEN.key, envelope=data)
    return _worst(module._outer_signature((_page(),), given, _case().verdict))


def _worst(lines: Iterable[module.Line]) -> str:
    with nothing_written():
        states = {line.state for line in lines}
    return next(state for state in ("differs", "unchecked", "holds") if state in states)


def _fits(payload: bytes) -> None:
    """A statement that was accepted, read in the simplest way there is."""
    said: Any = json.loads(payload)
    ours = json.loads(_of_the_page())
    digest = ours["subject"][0]["digest"]["sha256"]
    assert any(part["digest"]["sha256"] == digest for part in said["subject"])
    assert said["predicateType"] == ours["predicateType"]
    assert said["predicate"]["result"] == ours["predicate"]["result"]


# Looking --------------------------------------------------------------------------------------


def _verified(data: bytes, given: Given) -> Verification | None:
    """What `verify` says, or None where it refuses; nothing may be written or run meanwhile."""
    with nothing_written(), mock.patch.object(Catalogue, "load", return_value=_CATALOGUE):
        try:
            found = verify(data, "case", given)
        except InputError as error:
            told(error.message)
            return None
    assert found.exit_code in (0, 1, 3)
    return found


_looking: list[bool] = []
_done: list[str] = []
_ACTS = frozenset(
    {
        *("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.symlink", "os.link", "os.chmod"),
        *("os.truncate", "shutil.unpack_archive", "subprocess.Popen", "os.system", "os.exec"),
        *("socket.connect", "socket.getaddrinfo", "tempfile.mkstemp", "tempfile.mkdtemp"),
    }
)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if not _looking:
        return
    writes = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
    # Python writes what it compiled of a module it imports.
    if event in _ACTS or (writes and "__pycache__" not in str(arguments[0])):
        _done.append(f"{event} {arguments[0]!r}")


@contextmanager
def nothing_written() -> Iterator[None]:
    """An assertion where meanwhile a file is written, a process started or a host called."""
    if _hook not in _hooked:
        _hooked.append(_hook)
        sys.addaudithook(_hook)
    _done.clear()
    _looking.append(True)
    try:
        yield
    finally:
        _looking.pop()
    assert not _done, _done


_hooked: list[Any] = []


# Seeds ----------------------------------------------------------------------------------------


def casefile_seeds() -> Iterator[bytes]:
    yield b"plain\n"
    yield b"sealed\n"
    yield b"sums\nREADME.txt 10 3\nYES"
    yield b"sums\n../outside 0\nx" + BETWEEN + b"evidence/9-x 0\ny"
    yield b'sealed\nrecord.json 60 4\n"pa"'
    yield b"sealed\njunit.xml 900 1\nX"
    yield b"sealed\nrendering.json 1 0\n "
    yield b"sealed\nattestation.dsse.json 5 0\n "


def envelope_seeds() -> Iterator[bytes]:
    files = members(_whole())
    yield files[bundle.ENVELOPE]
    yield attest.sign(_of_the_page(), pem(_KEY), "key.pem", nobody)
    yield json.dumps({"dsseEnvelope": json.loads(files[bundle.ENVELOPE])}).encode()
    yield _of_the_page()
    yield files[bundle.STATEMENT]
    said = json.loads(files[bundle.ENVELOPE])
    said["signatures"] *= 2
    said["signatures"][0]["sig"] = base64.b64encode(b"x" * 64).decode()
    yield json.dumps(said).encode()
