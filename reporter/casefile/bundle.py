"""The case file: everything an approver or auditor needs of one verdict, in one zip.

Its bytes are a function of the record, the evidence, the options of its reports and the key. The
verdict's reports are those that `check` writes; the manifest names every file by its digest, the
statement names the manifest, and a signature over the statement so covers them all.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import PurePosixPath
from typing import Any

from reporter import __version__
from reporter.casefile import archive, attest
from reporter.output import Options, Warn, json_record, pdf, render, rendering
from reporter.output.clean import one_line
from reporter.output.exhibits import attach
from reporter.precheck.times import format_instant
from reporter.record.model import Exhibit, Verdict

FORMAT = "precheck.casefile/v1"
README, MANIFEST, SUMS = "README.txt", "manifest.json", "SHA256SUMS"
RECORD, STATEMENT, ENVELOPE = "record.json", "attestation.json", "attestation.dsse.json"
EVIDENCE = "evidence/"
REPORTS = {"html": "report.html", "pdf": "report.pdf", "junit": "junit.xml"}
"""Format → its name in a case file."""

_MEDIA_TYPES = {
    ".html": "text/html",
    ".pdf": "application/pdf",
    ".xml": "application/xml",
    ".json": "application/json",
    ".txt": "text/plain",
}
_WHAT = {
    README: "this text",
    RECORD: "the verdict: what was judged, by what, when, and why it came out so",
    "report.html": "the report as one page; open it in any browser, it loads nothing",
    "report.pdf": "the report on paper, for the approval",
    "junit.xml": "the same for a CI server",
    rendering.NAME: "how the reports were rendered",
    MANIFEST: "every file here with its role, size and SHA-256, and what wrote it",
    STATEMENT: "the verdict as an in-toto statement (test-result), about these files",
    ENVELOPE: "the statement with a signature (DSSE)",
    SUMS: "the digests in the form sha256sum reads",
}


@dataclass(frozen=True)
class Signing:
    """A private key, as PEM, with its file's name and how to ask for its passphrase."""

    key: bytes
    name: str
    password: Callable[[], bytes | None]


def write(
    record: Verdict,
    exhibits: Sequence[bytes],
    *,
    options: Options,
    forms: Sequence[str] = tuple(REPORTS),
    signing: Signing | None = None,
    warn: Warn | None = None,
) -> bytes:
    """The case file of a verdict, as a zip.

    `exhibits` are the files the record lists; none may be given where the record is redacted.
    `OutputError` where a report can't be made, `PolicyError` for a key that can't sign.
    """
    if record.redaction is not None and exhibits:
        raise ValueError("nothing raw goes with a redacted record")
    files: dict[str, bytes] = {}
    given = {part.exhibit.sha256: part.data for part in attach(record, exhibits)}
    evidence = {
        name: given[exhibit.sha256]
        for name, exhibit in evidence_names(record).items()
        if exhibit.sha256 in given
    }
    # One description for all: what a page says of its making is what the PDF says of it.
    stands_on = pdf.libraries() if "pdf" in forms else rendering.libraries()
    described = rendering.describe(record, options, stands_on)
    options = replace(options, described=described)
    files[RECORD] = json_record.write(record)
    for form in forms:
        files[REPORTS[form]] = render(record, form, exhibits, warn, options)
    files[rendering.NAME] = described
    files |= evidence
    files = {README: readme(record, sorted(files), signed=signing is not None), **files}
    files[MANIFEST] = manifest(record, files, written_by())
    files[STATEMENT] = attest.statement(record, subjects(files))
    if signing is not None:
        files[ENVELOPE] = attest.sign(files[STATEMENT], signing.key, signing.name, signing.password)
    files[SUMS] = sums(files)
    return archive.pack(files)


def evidence_names(record: Verdict) -> dict[str, Exhibit]:
    """What each exhibit is called in a case file: its place, then its name in plain letters."""
    return {
        f"{EVIDENCE}{_safe_name(exhibit.name, index)}": exhibit
        for index, exhibit in enumerate(record.exhibits)
    }


def order(names: Iterable[str], record: Verdict) -> list[str]:
    """The names of a case file's members in the order they stand there."""
    first = [README, RECORD, *REPORTS.values(), rendering.NAME, *evidence_names(record)]
    there = set(names)
    return [name for name in (*first, MANIFEST, STATEMENT, ENVELOPE, SUMS) if name in there]


def _safe_name(name: str, index: int) -> str:
    plain = "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in name)
    suffix = PurePosixPath(name).suffix
    if suffix.isascii() and suffix[1:].isalnum() and len(suffix) <= 8:
        plain = plain[: -len(suffix)][:80].strip("-") + suffix
    return f"{index + 1}-{plain[:90].strip('-') or 'file'}"


def subjects(files: Mapping[str, bytes]) -> list[attest.SubjectFile]:
    """What the statement is about: the response first, then reports, record and manifest."""
    responses = [name for name in files if name.startswith(f"{EVIDENCE}1-")]
    named = [*responses, *(name for name in (*REPORTS.values(), RECORD, MANIFEST) if name in files)]
    return [attest.SubjectFile(name, sha256(files[name]).hexdigest()) for name in named]


def sums(files: Mapping[str, bytes]) -> bytes:
    """The digests of all other files, as `sha256sum -c` reads them."""
    lines = [f"{sha256(data).hexdigest()}  {name}\n" for name, data in sorted(files.items())]
    return "".join(lines).encode()


# The manifest ---------------------------------------------------------------------------------


@cache
def written_by() -> dict[str, Any]:
    """This tool and what it stands on, with their versions."""
    found = {}
    for line in requires("cce-precheck-reporter") or ():
        if "extra ==" in line:
            continue
        name = line.split(";")[0].split("[")[0]
        for sign in "<>=!~ (":
            name = name.split(sign)[0]
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue  # one that this Python does not need
    return {
        "name": "cce-precheck",
        "version": __version__,
        "writer": rendering.writer_digest(),
        "dependencies": dict(sorted(found.items())),
    }


def manifest(record: Verdict, files: Mapping[str, bytes], tool: Mapping[str, Any]) -> bytes:
    """What is in the case file: every file but itself, the attestation and the sums over all."""
    roles = evidence_names(record)
    listed = []
    for name, data in files.items():
        if name in (MANIFEST, STATEMENT, ENVELOPE, SUMS):
            continue
        exhibit = roles.get(name)
        listed.append(
            {
                "path": name,
                "role": exhibit.role if exhibit else _role(name),
                "media_type": exhibit.media_type if exhibit else _media_type(name),
                "size": len(data),
                "sha256": sha256(data).hexdigest(),
            }
        )
    text = {
        "format": FORMAT,
        "tool": tool,
        "verdict": {
            "outcome": record.outcome,
            "exit_code": record.exit_code,
            "judged_for": format_instant(record.instant.at),
            "semantics": record.semantics,
        },
        "redacted": list(record.redaction.profiles) if record.redaction else [],
        "files": listed,
    }
    return json.dumps(text, indent=2).encode() + b"\n"


def _role(name: str) -> str:
    if name in REPORTS.values():
        return "report"
    return {RECORD: "record", README: "readme"}.get(name, rendering.ROLE)


def _media_type(name: str) -> str:
    return _MEDIA_TYPES[PurePosixPath(name).suffix]


# The text for people --------------------------------------------------------------------------


def readme(record: Verdict, names: Sequence[str], *, signed: bool) -> bytes:
    """What the case file is and how to check it, for whoever opens it without the tool."""
    subject = record.subject
    evidence = {name: exhibit.role for name, exhibit in evidence_names(record).items()}
    rows = [README, *names, MANIFEST, STATEMENT, *([ENVELOPE] if signed else []), SUMS]
    width = max(len(name) for name in rows)
    facts = [
        ("Verdict", record.headline.text),
        ("Cluster", _joined(subject.cluster_name, subject.cluster_id)),
        ("Upgrade", _joined(subject.cluster_version, subject.target_version, " to ")),
        ("Judged for", format_instant(record.instant.at)),
        ("Change", one_line(subject.change.id) if subject.change.id else None),
    ]
    lines = [
        "CASE FILE OF A PRE-UPGRADE CHECK",
        "",
        *(f"{name + ':':<12}{value}" for name, value in facts if value),
        *(row for part in record.conditions for row in _wrapped(part.text, " " * 12)),
        "",
        "WHAT IS IN IT",
        "",
        *(f"{name:<{width}}  {_WHAT.get(name) or _EXHIBIT[evidence[name]]}" for name in rows),
        "",
        "HOW TO CHECK IT WITHOUT THE TOOL",
        "",
        "Unpack it into an empty folder and run there",
        "",
        "    sha256sum -c SHA256SUMS          (macOS: shasum -a 256 -c SHA256SUMS)",
        "",
        "Every line has to end in OK. That says that the files fit together; it does not say who",
        "made them.",
        *(_SIGNED if signed else _UNSIGNED),
        "",
        "HOW TO CHECK IT WITH THE TOOL",
        "",
        f"    pip install cce-precheck-reporter=={record.tool.version}",
        "    cce-precheck verify CASE.zip" + (" --key PUBLIC.pem" if signed else ""),
        "",
    ]
    if record.redaction is None:
        lines += [
            "It judges the response again by the policies in this file, for the same instant, and",
            "says for every finding whether it comes out the same; then it renders the reports",
            "again and compares them byte by byte. Nothing is fetched.",
        ]
    else:
        lines += [
            "This case file is redacted: pseudonyms stand for values, and the response and the",
            "policies are not in it. Whoever has them and the key of the pseudonyms can have the",
            "verdict judged again: cce-precheck verify CASE.zip --exhibit FILE --redact-key FILE.",
        ]
    return "\n".join(lines).encode() + b"\n"


_EXHIBIT = {
    "response": "evidence: the answer of the CCE API, byte for byte",
    "policy": "evidence: a policy it was judged by",
    "waivers": "evidence: a waiver list it was judged by",
    "sidecar": "evidence: the note of where the answer was fetched",
}
_UNSIGNED = (
    "",
    "The statement is not signed. docs/casefile.md of the tool shows how to sign attestation.json",
    "with a key, cosign or sigstore.",
)
_SIGNED = (
    "",
    f"{ENVELOPE} holds the statement with a signature over it, in the form of DSSE: the",
    "tool checks it with the public key of whoever signed, and so does any other that reads DSSE.",
    "The statement names manifest.json by its digest, and that names every other file.",
)


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        one_line(text),
        88,
        initial_indent=indent,
        subsequent_indent=f"{indent}  ",
        break_on_hyphens=False,
    )


def _joined(first: str | None, second: str | None, between: str = ", ") -> str | None:
    said = [one_line(part) for part in (first, second) if part]
    return between.join(said) or None
