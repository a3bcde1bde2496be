"""A case file, a page and a PDF, true and forged in every way there is."""

from __future__ import annotations

import html
import json
import re
import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from reporter import output
from reporter.casefile import archive, attest, bundle, contents, replay
from reporter.casefile import verify as module
from reporter.casefile.verify import Given, Verification, verify
from reporter.cli.render import parse_record
from reporter.errors import InputError
from reporter.output import Options, json_record, rendering
from reporter.output import html as html_writer
from reporter.record.explanation import Explanation
from reporter.record.model import OutcomeCounts, Verdict
from reporter.words import statement
from tests.examples import examples

from .build import ROOT, Case, members, resealed, sample, small
from .test_attest import PRIVATE_KEYS, nobody, pem, public_pem

KEY = PRIVATE_KEYS["ed25519"]
PUBLIC = public_pem(KEY), "key.pub"


def line(found: Verification, subject: str) -> module.Line:
    """The worst line about something."""
    rank = {"differs": 0, "unchecked": 1, "holds": 2, "absent": 3}
    about = [one for one in found.lines if one.subject == subject]
    return min(about, key=lambda one: rank[one.state])


def refused(data: bytes, name: str = "case.zip", brought: Given | None = None) -> bool:
    """Whether it is not taken for whole: something differs, or it is none of ours."""
    try:
        return verify(data, name, brought).exit_code == 1
    except InputError as error:
        return "\n" not in error.message


@cache
def page(name: str = "waived-risk") -> bytes:
    case = sample(name)
    return output.render(case.verdict, "html", case.exhibits)


@cache
def document() -> bytes:
    case = sample("published-autopilot")
    return output.render(case.verdict, "pdf", case.exhibits)


@cache
def signed() -> bytes:
    return sample("waived-risk").bundle(signing=bundle.Signing(pem(KEY), "key.pem", nobody))


# What is true ---------------------------------------------------------------------------------


def test_a_whole_case_file_holds() -> None:
    case = sample("published-autopilot")
    data = case.bundle(
        forms=tuple(bundle.REPORTS), signing=bundle.Signing(pem(KEY), "key.pem", nobody)
    )
    found = verify(data, "case.zip", Given(key=PUBLIC))
    assert [(one.subject, one.state) for one in found.lines] == [
        (subject, "holds")
        for subject in (
            "archive",
            "digests",
            "manifest",
            "README",
            "attestation",
            "signature",
            "re-judged",
            "page",
            "PDF",
            "JUnit",
        )
    ]
    assert (found.kind, found.exit_code, found.record) == ("case file", 0, case.verdict)
    assert line(found, "digests").text == "13 of 13 hold"
    assert line(found, "re-judged").text == "same (5 findings)"


def test_a_page_and_a_document_hold() -> None:
    for data, subject in ((page(), "page"), (document(), "PDF")):
        found = verify(data, "report")
        assert found.exit_code == 0
        assert line(found, subject).text == "same bytes"


def test_a_page_of_so_many_findings_that_its_record_is_packed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from reporter.output import view

    monkeypatch.setattr(view, "ENTRIES_AT_ONCE", 5)
    monkeypatch.setattr(view, "ENTRIES_OF_MANY", 5)
    case = sample("standard-40-nodes")
    data = output.render(case.verdict, "html", case.exhibits)
    assert b"packed-record" in data
    found = verify(data, "page.html")
    assert (found.exit_code, found.record) == (0, case.verdict)


def test_a_saved_record_with_its_files() -> None:
    case = sample("waived-risk")
    data = json_record.write(case.verdict)
    assert verify(data, "record.json").exit_code == 3
    assert verify(data, "record.json", Given(exhibits=case.exhibits)).exit_code == 0
    fewer = data.replace(b'"nodes": 4,', b'"nodes": 5,')
    assert fewer != data
    assert refused(fewer, "record.json", Given(exhibits=case.exhibits))
    assert refused(data.replace(b'"outcome": "pass"', b'"outcome": "fail"', 1), "record.json")


def test_a_key_nobody_knows_is_named_on_one_line() -> None:
    """Found by `make hostile`."""
    record = json.loads(json_record.write(sample("waived-risk").verdict))
    data = json.dumps(record | {"evil\n\x1b[31m::error::x": 1}).encode()
    for read in (verify, parse_record):
        with pytest.raises(InputError, match=r"evil .*: Extra inputs are not permitted") as caught:
            read(data, "record.json")
        assert not re.search("[\x00-\x1f]", caught.value.message)


def test_a_page_whose_response_is_too_large_to_be_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html_writer, "MOST_INSIDE", 6_000)
    case = sample("waived-risk")
    data = output.render(case.verdict, "html", case.exhibits)
    found = verify(data, "page.html")
    assert found.exit_code == 3
    assert line(found, "re-judged").text.startswith("not possible: not inside: response.json")
    assert "--exhibit" in line(found, "page").text
    assert verify(data, "page.html", Given(exhibits=case.exhibits[:1])).exit_code == 0
    with pytest.raises(InputError, match="is not one this verdict rests on"):
        verify(data, "page.html", Given(exhibits=[b"{}"]))


def test_a_users_own_words_are_rendered_again_and_told() -> None:
    case = sample("failed-addon")
    said = Explanation(
        name="AddonLimit",
        certainty="user",
        as_of="2026-01-01",
        fix="Call the team",
        own=frozenset({"fix", "title"}),
        title="Add-ons",
    )
    options = Options(own={"AddonLimit": said, "Elsewhere": said})
    for form, data in {
        "page": output.render(case.verdict, "html", case.exhibits, None, options),
        "case file": case.bundle(options=options),
    }.items():
        found = verify(data, form)
        assert found.exit_code == 0
        assert line(found, "page").text == ("same bytes, with words of the writer's own for 1 item")


# What is forged, byte by byte -----------------------------------------------------------------


@settings(max_examples=examples(20), deadline=None)
@given(st.data())
def test_any_single_byte_changed_in_any_member_is_found(data: Any) -> None:
    files = members(signed())
    name = data.draw(st.sampled_from(sorted(files)))
    place = data.draw(st.integers(0, len(files[name]) - 1))
    changed = bytearray(files[name])
    changed[place] ^= data.draw(st.integers(1, 255))
    files[name] = bytes(changed)
    assert refused(archive.pack(files), brought=Given(key=PUBLIC)), (name, place)


@settings(max_examples=examples(15), deadline=None)
@given(place=st.integers(0, len(small()) - 1), flip=st.integers(1, 255))
def test_any_single_byte_changed_in_the_file_itself_is_found(place: int, flip: int) -> None:
    changed = bytearray(small())
    changed[place] ^= flip
    assert refused(bytes(changed))


VISIBLE = re.compile(rb">([^<>]*[A-Za-z0-9][^<>]*)<")
WORDS = (b"Fail", b"Pass", b"waived", b"Waived", b"Risk", b"Exception", b"never", b"not")


def visible_texts(data: bytes) -> list[re.Match[bytes]]:
    body = data.index(b"<body")
    end = data.index(b"<script>", body)
    return list(VISIBLE.finditer(data, body, end))


@settings(max_examples=examples(25), deadline=None)
@given(st.data())
def test_any_change_of_what_a_page_shows_is_found(data: Any) -> None:
    whole = page()
    found = data.draw(st.sampled_from(visible_texts(whole)))
    text = found[1]
    way = data.draw(st.sampled_from(["digit", "drop", "add", "word"]))
    other = text
    if way == "digit" and (digits := list(re.finditer(rb"[0-9]", text))):
        at = data.draw(st.sampled_from(digits)).start()
        other = text[:at] + str((int(text[at : at + 1]) + 1) % 10).encode() + text[at + 1 :]
    elif way == "drop":
        other = b""
    elif way == "word":
        for word in WORDS:
            other = other.replace(word, b"Passed")
    if other == text:
        other = text + b" (all accepted)"
    forged = whole[: found.start(1)] + other + whole[found.end(1) :]
    assume(forged != whole)
    result = verify(forged, "page.html")
    assert line(result, "page").state == "differs"
    assert line(result, "re-judged").state == "holds"
    assert result.exit_code == 1


ADDED = {
    "a script": (b"</body>", b"<script>document.title='Pass'</script></body>"),
    "a style": (b"</head>", b"<style>.verdict{display:none}</style></head>"),
    "a comment": (b"</body>", b"<!-- approved --></body>"),
    "a cover": (b'<main id="main"', b'<h1>Pass</h1><main id="main"'),
    "a second record": (
        b"</body>",
        b'<a data-role="record" download="r" href="data:text/plain;base64,e30="></a></body>',
    ),
    "another policy of what it may do": (b"default-src 'none'", b"default-src *"),
    "text behind its end": (b"</html>\n", b"</html>\n<h1>Pass</h1>"),
}


@pytest.mark.parametrize("what", ADDED)
def test_whatever_is_added_to_a_page_is_found(what: str) -> None:
    old, new = ADDED[what]
    assert old in page()
    assert refused(page().replace(old, new, 1), "page.html")


# What is forged with care ---------------------------------------------------------------------


def forged_pass(case: Case) -> Verdict:
    """A failing verdict made a pass, in all of its places."""
    record = case.verdict
    checks = [
        check.model_copy(
            update={
                "outcome": "pass",
                "entries": [],
                "findings": check.findings.model_copy(
                    update={
                        "fail": 0,
                        "unknown": 0,
                        "warn": 0,
                        "passed": check.findings.total,
                    }
                ),
            }
        )
        for check in record.checks
    ]
    totals = [check.findings.passed for check in checks]
    counts = record.counts.model_copy(
        update={
            "findings": record.counts.findings.model_copy(
                update={"fail": 0, "unknown": 0, "warn": 0, "passed": sum(totals)}
            ),
            "checks": OutcomeCounts(passed=len(checks)),
        }
    )
    passed = {"passed": len(checks), "total": len(checks), "nodes": record.counts.nodes}
    lines = {
        "provider": {
            "state": "ok",
            "statements": [statement("evidence.provider.phase", phase="Success")],
        },
        "unexpired": {"level": "off", "statements": [statement("evidence.off")]},
    }
    return record.model_copy(
        update={
            "outcome": "pass",
            "headline": statement("headline.pass-conditions"),
            "reasons": [],
            "subject": record.subject.model_copy(update={"task_phase": "Success"}),
            "evidence": [
                part.model_copy(update=lines.get(part.id, {})) for part in record.evidence
            ],
            "checks": checks,
            "rules": [rule.model_copy(update={"hits": 0}) for rule in record.rules],
            "counts": counts,
            "summary": [statement("summary.passed-no-nodes", **passed)],
        }
    )


def test_a_verdict_changed_everywhere_alike_is_found_by_judging_again() -> None:
    case = sample("failed-addon")
    forged = forged_pass(case)
    assert forged.contradiction() is None
    forgery = Case(forged, case.response, case.exhibits)
    for data in (forgery.bundle(), output.render(forged, "html", case.exhibits)):
        found = verify(data, "forged")
        judged = line(found, "re-judged")
        assert (judged.state, found.exit_code) == ("differs", 1)
        assert judged.details[0] == "the record says pass, the evidence fail"
        assert any("AddonLimit (addon)" in detail for detail in judged.details)
        assert line(found, "page").state == "holds"


def test_another_response_with_a_record_that_names_it_is_found() -> None:
    case, other = sample("failed-addon"), sample("published-autopilot")
    exhibits = [other.verdict.exhibits[0], *case.verdict.exhibits[1:]]
    forged = case.verdict.model_copy(update={"exhibits": exhibits})
    data = Case(forged, case.response, [other.exhibits[0], *case.exhibits[1:]]).bundle()
    found = verify(data, "forged")
    assert line(found, "re-judged").state == "differs"


def test_a_lying_manifest_with_fitting_sums_is_found() -> None:
    files = members(small())
    manifest = json.loads(files["manifest.json"])
    manifest["verdict"]["outcome"] = "pass and more"
    files["manifest.json"] = json.dumps(manifest, indent=2).encode() + b"\n"
    del files["SHA256SUMS"]
    files["SHA256SUMS"] = bundle.sums(files)
    found = verify(archive.pack(files), "case.zip")
    assert line(found, "digests").state == "holds"
    assert line(found, "manifest").state == "differs"
    assert found.exit_code == 1


FORGED_MEMBERS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "README": ("README.txt", lambda data: data.replace(b"Verdict:", b"Verdict: Pass,")),
    "JUnit": ("junit.xml", lambda data: data.replace(b"<testsuites", b"<testsuites ", 1)),
    "page": ("report.html", lambda data: data.replace(b"Waivers", b"Nothing", 1)),
    "record": ("record.json", lambda data: data.replace(b'  "kind"', b'   "kind"', 1)),
}


@pytest.mark.parametrize("subject", FORGED_MEMBERS)
def test_a_member_changed_with_all_digests_made_to_fit_is_found(subject: str) -> None:
    name, change = FORGED_MEMBERS[subject]
    files = members(small())
    changed = change(files[name])
    assert changed != files[name]
    found = verify(resealed({**files, name: changed}), "case.zip")
    assert line(found, "digests").state == "holds"
    assert line(found, "manifest").state == "holds"
    assert line(found, subject).state == "differs"


def test_members_of_nobodys_are_found() -> None:
    files = members(small())
    found = verify(archive.pack({**files, "evidence/9-more.json": b"{}"}), "case.zip")
    assert line(found, "digests").state == "differs"
    assert "evidence/9-more.json" in line(found, "members").details
    swapped = dict(reversed(list(files.items())))
    assert line(verify(archive.pack(swapped), "case.zip"), "members").state == "differs"
    without = {name: data for name, data in files.items() if name != "junit.xml"}
    assert refused(archive.pack(without))
    assert refused(archive.pack({**files, "extra.txt": b""}))


def test_a_statement_that_says_passed_is_found() -> None:
    files = members(sample("failed-addon").bundle())
    files["attestation.json"] = files["attestation.json"].replace(b"FAILED", b"PASSED")
    del files["SHA256SUMS"]
    files["SHA256SUMS"] = bundle.sums(files)
    assert line(verify(archive.pack(files), "c.zip"), "attestation").state == "differs"


def test_how_a_report_was_rendered_can_hide_nothing() -> None:
    files = members(small())
    how = json.loads(files["rendering.json"])
    how["note"] = "hidden"
    files["rendering.json"] = json.dumps(how, indent=2).encode() + b"\n"
    assert verify(resealed(files), "case.zip").exit_code == 1
    how.pop("note")
    how["options"]["folder"] = "mine"
    files["rendering.json"] = json.dumps(how, indent=2).encode() + b"\n"
    found = verify(resealed(files), "case.zip")
    assert line(found, "page").text == (
        "not checked: it was rendered with options of its own (folder)"
    )


@pytest.mark.parametrize("value", [{"html": "{{ 1 }}"}, ["x"], {"own": {}}])
def test_what_a_page_says_of_its_options_is_never_more_than_plain_values(value: Any) -> None:
    how = json.loads(members(small())["rendering.json"])
    how["options"]["sarif_waived"] = value
    with pytest.raises(ValueError, match="is not one this tool writes"):
        rendering.parse(json.dumps(how).encode())


# Signatures -----------------------------------------------------------------------------------


def test_a_signed_case_file_needs_the_key_to_be_checked_whole() -> None:
    found = verify(signed(), "case.zip")
    assert (line(found, "signature").state, found.exit_code) == ("unchecked", 3)
    assert verify(signed(), "case.zip", Given(key=PUBLIC)).exit_code == 0


def test_a_wrong_key_and_a_signature_taken_away_differ() -> None:
    other = public_pem(PRIVATE_KEYS["P-256"]), "other.pub"
    found = verify(signed(), "case.zip", Given(key=other))
    assert line(found, "signature").text == "does not hold: not made with other.pub"
    files = members(signed())
    del files["attestation.dsse.json"]
    found = verify(resealed(files), "case.zip", Given(key=PUBLIC))
    assert line(found, "signature").text == "a key was given, and the case file is not signed"
    assert found.exit_code == 1


def test_a_signature_over_another_statement_differs() -> None:
    files = members(signed())
    files["attestation.dsse.json"] = attest.sign(b"{}", pem(KEY), "k", nobody)
    del files["SHA256SUMS"]
    files["SHA256SUMS"] = bundle.sums(files)
    found = verify(archive.pack(files), "case.zip", Given(key=PUBLIC))
    assert line(found, "signature").text == "is not over the statement beside it"


def test_a_page_out_of_a_case_file_with_its_envelope_beside_it() -> None:
    files = members(signed())
    envelope = files["attestation.dsse.json"]
    given_key = Given(key=PUBLIC, envelope=envelope)
    found = verify(files["report.html"], "report.html", given_key)
    assert (line(found, "signature").state, found.exit_code) == ("holds", 0)
    found = verify(page("failed-addon"), "other.html", given_key)
    assert line(found, "signature").text == "is about other files than this one"
    assert verify(files["report.html"], "r.html", Given(key=PUBLIC)).exit_code == 3
    subjects = json.loads(attest.read_envelope(envelope).payload)["subject"]
    for kind, result in ((attest.PREDICATE, "FAILED"), ("https://example/other", "WARNED")):
        said = {"subject": subjects, "predicateType": kind, "predicate": {"result": result}}
        other = attest.sign(json.dumps(said).encode(), pem(KEY), "key.pem", nobody)
        found = verify(files["report.html"], "r.html", Given(key=PUBLIC, envelope=other))
        assert "says something else" in line(found, "signature").text
        assert found.exit_code == 1


def test_a_policy_called_by_a_shipped_name_is_the_shipped_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    data = members(signed())["report.html"]
    monkeypatch.setattr(replay, "bundled", lambda _: tmp_path)
    (tmp_path / "recommended.yaml").write_text("another")
    found = verify(data, "page.html", Given())
    assert "is not the policy that is shipped" in line(found, "re-judged").text
    assert found.exit_code == 1


def test_a_shipped_policy_that_is_not_at_hand_is_taken_from_the_tool(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    case = sample("waived-risk")
    shipped = (ROOT / "policies" / "recommended.yaml").read_bytes()
    others = [data for data in case.exhibits if data != shipped]
    record = json_record.write(case.verdict)
    given_page = output.render(case.verdict, "html", others)
    for data in (record, given_page):
        found = verify(data, "a file", Given(exhibits=others))
        assert found.exit_code == 0
        text = line(found, "re-judged").text
        assert text == "same (24 findings, builtin:recommended taken from this tool)"
    # A record's word for where a policy came from opens no other file.
    (use,) = [one for one in case.verdict.policies if one.source == "builtin:recommended"]
    assert replay.shipped(use) == shipped
    for source in ("builtin:waivers/../recommended", "builtin:none", "recommended"):
        assert replay.shipped(use.model_copy(update={"source": source})) is None
    monkeypatch.setattr(replay, "bundled", lambda _: tmp_path)
    (tmp_path / "recommended.yaml").write_text("another")
    found = verify(record, "record.json", Given(exhibits=others))
    assert line(found, "re-judged").text == (
        "not possible: not inside: recommended.yaml; who has the files gives them with --exhibit "
        "(this version of cce-precheck ships another builtin:recommended)"
    )
    assert found.exit_code == 3


def test_a_packed_file_with_a_name_of_its_own_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    case = sample("standard-40-nodes")
    monkeypatch.setattr(zlib, "ZLIB_RUNTIME_VERSION", "9.9")
    data = output.render(case.verdict, "html", case.exhibits).decode()
    monkeypatch.undo()
    mark = "data:application/gzip;base64,"
    start = data.index(mark) + len(mark)
    packed = b64decode(data[start : data.index('"', start)])
    named = packed[:3] + b"\x08" + packed[4:10] + b"evil.exe\0" + packed[10:]
    forged = data.replace(b64encode(packed).decode(), b64encode(named).decode())
    assert forged != data
    found = verify(forged.encode(), "page.html", Given())
    assert found.exit_code != 0


# Other versions, other builds -----------------------------------------------------------------


def test_a_case_file_of_a_newer_form_is_told_in_one_line() -> None:
    files = members(small())
    manifest = json.loads(files["manifest.json"])
    manifest["format"] = "precheck.casefile/v2"
    files["manifest.json"] = json.dumps(manifest).encode()
    del files["SHA256SUMS"]
    files["SHA256SUMS"] = bundle.sums(files)
    with pytest.raises(InputError, match=r"is a case file of format precheck\.casefile/v2"):
        verify(archive.pack(files), "case.zip")


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"precheck.verdict/v1alpha", b"precheck.verdict/v2"), (b'"semantics": 1', b'"semantics": 2')],
)
def test_a_record_of_a_newer_version_is_told_in_one_line(old: bytes, new: bytes) -> None:
    data = json_record.write(sample("waived-risk").verdict).replace(old, new)
    with pytest.raises(InputError, match=r"this tool knows precheck\.verdict/v1alpha with 1"):
        verify(data, "record.json")


def test_a_page_of_another_build_is_not_called_forged_and_not_called_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    case = sample("waived-risk")
    monkeypatch.setattr(rendering, "writer_digest", lambda: "00" * 8)
    data = case.bundle()
    monkeypatch.undo()
    files = members(data)
    # What another build might have written: the same page with another word.
    files["report.html"] = files["report.html"].replace(b"Waivers", b"Exemptions")
    manifest = json.loads(files["manifest.json"])
    manifest["tool"]["writer"] = "00" * 8
    record = Verdict.model_validate_json(files["record.json"])
    beside = ("manifest.json", "attestation.json", "SHA256SUMS")
    kept = {name: part for name, part in files.items() if name not in beside}
    files["manifest.json"] = bundle.manifest(record, kept, manifest["tool"])
    files["attestation.json"] = attest.statement(record, bundle.subjects(files))
    del files["SHA256SUMS"]
    files["SHA256SUMS"] = bundle.sums(files)
    found = verify(archive.pack(files), "case.zip")
    assert found.exit_code == 3
    assert line(found, "re-judged").text.startswith("same (24 findings); its wording")
    assert "check it with that one" in line(found, "page").text


def test_another_compressor_is_not_another_page(monkeypatch: pytest.MonkeyPatch) -> None:
    case = sample("standard-40-nodes")
    real = zlib.compressobj
    monkeypatch.setattr(zlib, "ZLIB_RUNTIME_VERSION", "9.9")
    monkeypatch.setattr(zlib, "compressobj", lambda level, *rest: real(1, *rest))
    data = output.render(case.verdict, "html", case.exhibits)
    monkeypatch.undo()
    found = verify(data, "page.html")
    assert line(found, "page").text == "same bytes but for how files in it are packed"
    assert refused(data.replace(b"Findings", b"Nothing", 1), "page.html")


# PDF ------------------------------------------------------------------------------------------


def saved(change: Callable[[pikepdf.Pdf], None]) -> bytes:
    with pikepdf.open(BytesIO(document())) as pdf:
        change(pdf)
        out = BytesIO()
        pdf.save(out, deterministic_id=True)
    return out.getvalue()


def test_a_document_with_somebody_elses_attachment_differs() -> None:
    def attach(pdf: pikepdf.Pdf) -> None:
        pdf.attachments["invoice.pdf"] = pikepdf.AttachedFileSpec(pdf, b"pay me")

    found = verify(saved(attach), "a.pdf")
    assert line(found, "digests").details == (
        "invoice.pdf: is none of the files the verdict rests on",
    )
    assert (line(found, "PDF").state, found.exit_code) == ("differs", 1)


def test_a_document_with_another_record_differs() -> None:
    other = json_record.write(sample("failed-addon").verdict)

    def replace(pdf: pikepdf.Pdf) -> None:
        pdf.attachments["record.json"] = pikepdf.AttachedFileSpec(pdf, other)

    found = verify(saved(replace), "a.pdf")
    assert found.exit_code == 1


def test_a_document_without_a_record_and_one_that_is_cut_are_refused() -> None:
    def bare(pdf: pikepdf.Pdf) -> None:
        del pdf.attachments["record.json"]

    with pytest.raises(InputError, match=r"no record\.json is attached"):
        verify(saved(bare), "a.pdf")
    with pytest.raises(InputError, match="as it stands it can't be read as a PDF"):
        verify(document()[:-500], "a.pdf")


def test_an_attachment_that_explodes_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "MAX_FILE", 1 << 20)

    def explode(pdf: pikepdf.Pdf) -> None:
        pdf.attachments["record.json"] = pikepdf.AttachedFileSpec(pdf, b" " * 2_000_000)

    with pytest.raises(InputError, match="unpacks to more than 1 MB"):
        verify(saved(explode), "a.pdf")


_NO_FONTS: dict[str, Callable[[pikepdf.Pdf], object]] = {
    "list": lambda pdf: pikepdf.Array([1]),
    "number": lambda pdf: 5,
    "mapping": lambda pdf: pikepdf.Dictionary(),
    "another part": lambda pdf: pdf.Root,
    "packed otherwise": lambda pdf: pdf.make_stream(b"x", Filter=pikepdf.Name.LZWDecode),
    "no font": lambda pdf: pdf.make_stream(b"MZ" * 100),
}


@pytest.mark.parametrize("put", _NO_FONTS)
def test_a_pdf_whose_font_is_none_differs(put: str) -> None:
    def forge(pdf: pikepdf.Pdf) -> None:
        fonts = [
            part
            for part in pdf.objects
            if isinstance(part, pikepdf.Dictionary) and part.get("/Type") == "/FontDescriptor"
        ]
        fonts[0].FontFile2 = _NO_FONTS[put](pdf)

    found = verify(saved(forge), "a.pdf")
    assert found.exit_code == 1
    assert line(found, "PDF").text.startswith("differs from what its record gives")


def test_a_document_in_other_fonts_is_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    real, here = contents.fonts_of, document()
    monkeypatch.setattr(
        contents, "fonts_of", lambda data: {"Elsewhere 1"} if data != here else real(data)
    )
    monkeypatch.setattr(module, "render", lambda *_: b"%PDF other glyphs")
    found = verify(document(), "a.pdf")
    assert line(found, "PDF").text.startswith("not compared: the fonts it was set in are not at")
    assert (line(found, "re-judged").state, found.exit_code) == ("holds", 3)


# Scraps ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"{}",
        b"[]",
        b'{"apiVersion": 1}',
        b"%PDF-1.7",
        b"<!doctype html>",
        b"<!doctype html><p>x</p>",
        b'<!doctype html><a data-role="record" href="https://example.com/x">x</a>',
        b'<!doctype html><a data-role="record" href="data:a/b;base64,e30=">x</a>',
        b'<!doctype html><a data-role="record" href="data:a/b;base64,%%">x</a>',
        b"PK\x03\x04" + b"\0" * 40,
        archive.pack({"a": b"b"}),
        archive.pack({"manifest.json": b"{}"}),
        archive.pack({"manifest.json": b'{"format": [], "files": []}'}),
        b"[" * 200_000,
        b'{"a":' * 200_000,
    ],
)
def test_scraps_are_told_apart_in_one_line(data: bytes) -> None:
    assert refused(data, "scrap")


def test_a_packed_file_in_a_page_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "MAX_FILE", 1_000)
    with pytest.raises(InputError, match="unpacks to more than"):
        verify(page("standard-40-nodes"), "page.html")


def test_a_page_names_the_digest_of_each_file_in_it() -> None:
    found = contents.of_page(page(), "page.html").files
    assert all(len(file.sha256) == 64 for file in found)
    wrong = page().replace(found[2].sha256.encode(), b"0" * 64)
    assert line(verify(wrong, "page.html"), "digests").details == (
        f"{found[2].name}: has digest {found[2].sha256[:12]}…, named is 000000000000…",
    )


def test_html_of_names_is_read_as_it_was_written() -> None:
    found = contents.of_page(page(), "page.html")
    names = [file.name for file in found.files]
    assert names[:2] == ["record.json", "rendering.json"]
    assert all(html.unescape(name) == name for name in names)
