"""What goes into a case file, under which name, and what it says of itself."""

from __future__ import annotations

import json
import re

from hypothesis import given
from hypothesis import strategies as st

from reporter.casefile import archive, bundle
from reporter.output import Options
from reporter.record.model import Exhibit

from .build import members, sample, small


def test_the_members_of_a_case_file_and_their_order() -> None:
    assert list(members(small())) == [
        "README.txt",
        "record.json",
        "report.html",
        "junit.xml",
        "rendering.json",
        "evidence/1-response.json",
        "evidence/2-recommended.yaml",
        "evidence/3-change-board.yaml",
        "evidence/4-platform-team.yaml",
        "manifest.json",
        "attestation.json",
        "SHA256SUMS",
    ]


def test_the_evidence_is_there_byte_for_byte() -> None:
    case = sample("waived-risk")
    files = members(small())
    assert [data for name, data in files.items() if name.startswith("evidence/")] == case.exhibits


def test_the_same_verdict_gives_the_same_bytes() -> None:
    assert sample("waived-risk").bundle() == small()
    assert sample("waived-risk").bundle(forms=("junit",)) != small()


def test_the_manifest_names_each_file_once_and_what_wrote_it() -> None:
    manifest = json.loads(members(small())["manifest.json"])
    assert manifest["format"] == "precheck.casefile/v1"
    assert [part["role"] for part in manifest["files"]] == [
        "readme",
        "record",
        "report",
        "report",
        "rendering",
        "response",
        "policy",
        "waivers",
        "waivers",
    ]
    assert manifest["verdict"] == {
        "outcome": "pass",
        "exit_code": 0,
        "judged_for": "2026-11-20T09:06:58.411907Z",
        "semantics": 1,
    }
    assert manifest["tool"]["name"] == "cce-precheck"
    assert manifest["redacted"] == []


def test_the_text_for_people_names_every_file() -> None:
    files = members(small())
    text = files["README.txt"].decode()
    assert all(re.search(rf"^{re.escape(name)}  ", text, re.MULTILINE) for name in files)
    assert "The statement is not signed." in text
    assert "Verdict:    Pass, with conditions" in text


@given(st.lists(st.text(min_size=1, max_size=300), min_size=1, max_size=4))
def test_any_name_of_a_file_is_a_safe_one_in_a_case_file(names: list[str]) -> None:
    record = sample("waived-risk").verdict
    part = record.exhibits[0]
    exhibits = [Exhibit(**{**part.model_dump(), "name": name}) for name in names]
    given_names = bundle.evidence_names(record.model_copy(update={"exhibits": exhibits}))
    assert len(given_names) == len(names)
    packed = archive.pack(dict.fromkeys(given_names, b"x"))
    assert list(archive.unpack(packed, "case.zip").members) == list(given_names)


def test_own_words_of_other_checks_are_left_out() -> None:
    from reporter.record.explanation import Explanation

    said = Explanation(name="Elsewhere", certainty="user", as_of="2026-01-01", fix="secret")
    data = sample("waived-risk").bundle(options=Options(own={"Elsewhere": said}))
    assert b"secret" not in data
