"""The PDF: what conformance asks for that can be seen, attachments, the same bytes, no network."""

from __future__ import annotations

import io
import os
import re
import shutil
import socket
import subprocess
import sys
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any

import pikepdf
import pytest

from reporter.errors import OutputError
from reporter.output import Options, Paper, json_record, pdf, rendering, templating
from reporter.record.model import Verdict
from tests.acceptance.run import ROOT, Run, command

from .example import attached, example, hostile, many

DEJAVU = Path("/usr/share/fonts/truetype/dejavu")
CJK = bool(shutil.which("fc-list")) and bool(
    subprocess.run(["fc-list", ":lang=zh"], capture_output=True, check=False).stdout
)
XMP_UA = "{http://www.aiim.org/pdfua/ns/id/}part"
needs_poppler = pytest.mark.skipif(shutil.which("pdftotext") is None, reason="no pdftotext")


@pytest.fixture(scope="module")
def data() -> bytes:
    return pdf.write(example(), attached(example()))


@pytest.fixture(scope="module")
def document(data: bytes) -> Any:
    with pikepdf.open(io.BytesIO(data)) as opened:
        yield opened


def words(data: bytes, *options: str) -> str:
    done = subprocess.run(
        ["pdftotext", *options, "-", "-"], input=data, capture_output=True, check=True
    )
    return " ".join(done.stdout.decode().split())


def test_it_is_built_to_pdf_a_3a_and_pdf_ua_1(document: Any) -> None:
    root = document.Root
    with document.open_metadata() as meta:
        assert meta.pdfa_status == "3A"
        assert meta[XMP_UA] == "1"
    assert bool(root.MarkInfo.Marked)
    assert str(root.Lang) == "en"
    assert bool(root.ViewerPreferences.DisplayDocTitle)
    assert root.OutputIntents[0].S == "/GTS_PDFA1"
    assert "/StructTreeRoot" in root
    assert "/ID" in document.trailer
    assert "/Encrypt" not in document.trailer
    assert "/JavaScript" not in root.get("/Names", {})
    xmp = root.Metadata.read_bytes().decode()
    assert xmp.count("<rdf:RDF") == 1
    assert "pdfaExtension" in xmp


def test_headings_are_not_skipped_and_table_heads_are_not_empty(document: Any) -> None:
    levels: list[int] = []

    def walk(element: Any) -> None:
        if isinstance(element, pikepdf.Array):
            for part in element:
                walk(part)
        elif isinstance(element, pikepdf.Dictionary) and "/S" in element:
            if re.fullmatch(r"/H[1-6]", str(element.S)):
                levels.append(int(str(element.S)[2:]))
            if element.S == "/TH":
                assert "/K" in element
            if "/K" in element:
                walk(element.K)

    walk(document.Root.StructTreeRoot.K)
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(below <= above + 1 for above, below in pairwise(levels))


def test_every_font_is_embedded(document: Any) -> None:
    fonts = {
        font.objgen: font
        for page in document.pages
        for _, font in page.Resources.get("/Font", {}).items()
    }
    assert fonts
    for font in fonts.values():
        for part in font.get("/DescendantFonts", [font]):
            assert {"/FontFile", "/FontFile2", "/FontFile3"} & set(part.FontDescriptor.keys())
        assert "/ToUnicode" in font


def test_links_say_where_they_lead(document: Any) -> None:
    links = [
        note
        for page in document.pages
        for note in page.get("/Annots", [])
        if note.Subtype == "/Link"
    ]
    assert links
    assert all(str(note.Contents) for note in links)


def test_attached_files_stand_in_the_order_readers_look_them_up_in(document: Any) -> None:
    """Found by `make hostile`: a tree of names that is not sorted is one to repair."""
    assert document.check_pdf_syntax() == []
    names = [bytes(name) for name in list(document.Root.Names.EmbeddedFiles.Names)[::2]]
    assert names == sorted(names)
    assert len(names) > 3


def test_the_record_and_the_evidence_are_attached(document: Any) -> None:
    verdict = example()
    found = {
        str(spec.UF): (str(spec.AFRelationship), spec.EF.F.read_bytes())
        for spec in document.Root.AF
    }
    response, policy, waivers = attached(verdict)
    relation, how = found.pop(rendering.NAME)
    assert relation == "/Supplement"
    assert rendering.parse(how).options == Options()
    assert found == {
        "record.json": ("/Data", json_record.write(verdict)),
        response.exhibit.name: ("/Source", response.data),
        policy.exhibit.name: ("/Supplement", policy.data),
        waivers.exhibit.name: ("/Supplement", waivers.data),
    }


def test_bookmarks_lead_to_sections_and_checks(document: Any) -> None:
    with document.open_outline() as outline:
        titles = [part.title for part in outline.root]
        (findings,) = [part for part in outline.root if part.title == "Findings"]
        checks = [part.title for part in findings.children]
    assert titles == [
        *("Fail: do not upgrade yet", "Conditions", "Why", "Can this check be trusted?"),
        *("Findings", "Waivers", "Policy", "Files and digests"),
    ]
    assert "SampleNodeDisk" in checks


def test_the_same_record_gives_the_same_bytes(data: bytes) -> None:
    assert pdf.write(example(), attached(example())) == data
    code = (
        "import hashlib, tests.output.example as e; from reporter.output import pdf;"
        "v = e.example(); print(hashlib.sha256(pdf.write(v, e.attached(v))).hexdigest())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Shanghai"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == sha256(data).hexdigest()


@needs_poppler
def test_it_says_the_verdict_and_the_reasons(data: bytes) -> None:
    said = words(data)
    assert "Fail: do not upgrade yet" in said
    for words_of in (
        *("SampleNodeDisk fails on 3 of 40 nodes", "Free at least 2 GB on the system disk."),
        *("DeprecatedApiCheck fails", "it expired 3 days ago (26 Feb 2026)", "被手动修改"),
        *("Configuration (2)", "Deprecated APIs (2)", "Nodes at risk (2)", "Add-ons (2)"),
        *("Waived to 31 Dec 2026", "Exceeded", "For elsewhere", "NodeTimeSync"),
        example().exhibits[0].sha256[:20],
    ):
        assert words_of in said


def wide_font(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a machine with DejaVu alone would set: the widest letters a report meets."""
    css = templating.asset("pdf/report.css")
    sheet = re.sub(r'"Noto Sans","Liberation Sans",', "", css)
    monkeypatch.setattr(templating, "asset", lambda name, own=None: sheet)


@needs_poppler
@pytest.mark.parametrize(
    ("verdict", "font", "paper"),
    [
        pytest.param(verdict, font, paper, id=f"{font}-{paper}-{name}")
        for verdict, font, paper, name in (
            (example(), "usual", "a4", "example"),
            (example(), "wide", "letter", "example"),
            (hostile(), "wide", "a4", "hostile"),
            (hostile(), "wide", "letter", "hostile"),
        )
    ],
)
def test_the_cover_is_one_page_and_can_be_signed(
    verdict: Verdict, font: str, paper: Paper, monkeypatch: pytest.MonkeyPatch
) -> None:
    if font == "wide":
        wide_font(monkeypatch)
    data = pdf.write(verdict, options=Options(paper=paper))
    with pikepdf.open(io.BytesIO(data)) as opened:
        assert [round(float(size)) for size in list(opened.pages[0].MediaBox)[2:]] == {
            "a4": [595, 842],
            "letter": [612, 792],
        }[paper]
    first, second = words(data, "-l", "1"), words(data, "-f", "2", "-l", "2")
    for part in ("Fail: do not upgrade yet", "Advisory run", "CHG-1042", "Why", "Conditions"):
        assert part in first
    for part in ("Sign-off", "Prepared by", "Reviewed by", "Approved by", "Signature"):
        assert part in first
    assert "Sign-off" not in second
    assert re.search(r"Page 2 of \d+", second)
    assert "Cluster shop-prod-eu" in second


@needs_poppler
def test_the_cover_in_chinese_is_one_page() -> None:
    first = words(pdf.write(hostile(), options=Options(lang="zh-CN")), "-l", "1")
    for part in ("不通过：暂不可升级", "原因", "附带条件", "签署", "编制人", "批准人"):
        assert part in first


@needs_poppler
def test_a_large_cluster_is_told_in_few_pages() -> None:
    checks = [
        many(messages=True).model_copy(update={"name": f"Check{number}"}) for number in range(20)
    ]
    data = pdf.write(example(checks=checks))
    assert words(data).count("bytes left") <= pdf.ENTRIES_IN_ALL
    assert "990 more findings of this kind" in words(data)
    with pikepdf.open(io.BytesIO(data)) as opened:
        assert len(opened.pages) < 30


@needs_poppler
def test_no_reason_leads_to_a_check_that_is_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was a dead link, and the PDF was refused."""
    monkeypatch.setattr(pdf, "MOST_CHECKS", 1)
    assert "and 6 more in the attached record.json" in words(pdf.write(example()))


def test_nothing_is_asked_of_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a PDF asked the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert pdf.write(hostile()).startswith(b"%PDF")


def test_a_page_that_wants_a_file_or_the_web_gets_neither(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret.css"
    secret.write_text("p { color: red }")
    monkeypatch.setattr(
        templating,
        "page",
        lambda *_, **__: f"<title>t</title><link rel=stylesheet href='{secret.as_uri()}'><p>x",
    )
    with pytest.raises(OutputError, match="could not be made"):
        pdf.write(example())


def test_our_own_style_sheet_is_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = [pdf._Heard()]
    monkeypatch.setattr(pdf, "_Heard", lambda: heard[0])
    pdf.write(example())
    assert heard[0].errors == []
    assert heard[0].others == []


@needs_poppler
def test_the_contents_name_the_page_of_each_section(data: bytes) -> None:
    contents = words(data, "-f", "2", "-l", "2", "-layout")
    found = re.findall(r"(Findings|Waivers|Policy|Files and digests) ?\.+ ?(\d+)", contents)
    assert [title for title, _ in found] == ["Findings", "Waivers", "Policy", "Files and digests"]
    for title, page in found:
        assert title in words(data, "-f", page, "-l", page)


def test_characters_without_a_glyph_are_told_once() -> None:
    said: list[str] = []
    change = example().subject.change.model_copy(update={"prepared_by": "\U000e1000\U000e1001"})
    subject = example().subject.model_copy(update={"change": change})
    pdf.write(example(subject=subject), warn=said.append)
    assert len(said) == 1
    assert "U+E1000" in said[0]
    assert "fonts-droid-fallback" in said[0]


def on_a_machine_with(tmp_path: Path, fonts: Path, *names: str) -> Run:
    """The command where fontconfig knows one folder of fonts alone."""
    config = tmp_path / "fonts.conf"
    config.write_text(
        '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>'
        f"<dir>{fonts}</dir><cachedir>{tmp_path / 'cache'}</cachedir></fontconfig>"
    )
    response = ROOT / "samples" / "standard-40-nodes" / "response.json"
    options = [part for name in names for part in (f"--{name}", str(tmp_path / f"r.{name}"))]
    return command(
        *("check", str(response), "--at", "response", "--quiet", *options),
        env={"FONTCONFIG_FILE": str(config)},
    )


@pytest.mark.skipif(not DEJAVU.is_dir(), reason="no DejaVu in its usual place")
def test_chinese_without_a_chinese_font_is_one_warning(tmp_path: Path) -> None:
    run = on_a_machine_with(tmp_path, DEJAVU, "pdf")
    assert run.code == 1
    (warning,) = [line for line in run.err.splitlines() if "no font here" in line]
    assert "升 (U+5347)" in warning or "more;" in warning
    assert "fonts-noto-cjk" in warning
    assert (tmp_path / "r.pdf").read_bytes().startswith(b"%PDF")


@needs_poppler
@pytest.mark.skipif(not CJK, reason="no Chinese font")
def test_chinese_is_printed_and_can_be_found_again(tmp_path: Path) -> None:
    said: list[str] = []
    change = example().subject.change.model_copy(update={"prepared_by": "升级检查员"})
    subject = example().subject.model_copy(update={"change": change})
    data = pdf.write(example(subject=subject), warn=said.append)
    assert said == []
    assert "升级检查员" in words(data, "-l", "1")


def test_without_any_font_the_pdf_is_refused_and_the_rest_comes_out(tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    run = on_a_machine_with(tmp_path, tmp_path / "none", "html", "pdf", "junit")
    assert run.code == 5
    assert "--pdf: a PDF needs fonts, and this machine has none" in run.err
    assert "apt-get install fonts-dejavu-core" in run.err
    assert not (tmp_path / "r.pdf").exists()
    assert (tmp_path / "r.html").exists()
    assert (tmp_path / "r.junit").exists()
    assert "Pango" not in run.err
    assert "Warning" not in run.err


@pytest.mark.parametrize("change", ["no XML", "another name", "gone"])
def test_where_the_mark_of_pdf_ua_is_refused_it_is_a_pdf_a_all_the_same(
    change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from weasyprint.pdf.metadata import DocumentMetadata

    plain, include = DocumentMetadata.generate_rdf_metadata, DocumentMetadata.include_in_pdf

    def under_another_name(self: Any, *of: Any) -> None:
        # Whatever was put in the place of its own method, it does not ask for it.
        self.generate_rdf_metadata = lambda *of: plain(self, *of)
        include(self, *of)

    if change == "no XML":
        monkeypatch.setattr(pdf, "_UA_MARK", "<no xml")
    else:
        monkeypatch.setattr(DocumentMetadata, "include_in_pdf", under_another_name)
    if change == "gone":
        monkeypatch.delattr(DocumentMetadata, "generate_rdf_metadata")
    said: list[str] = []
    data = pdf.write(example(), warn=said.append)
    (warning,) = said
    assert "PDF/A-3A without PDF/UA's mark" in warning
    with pikepdf.open(io.BytesIO(data)) as opened, opened.open_metadata() as meta:
        assert meta.pdfa_status == "3A"
        assert XMP_UA not in meta


def test_a_missing_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str, *rest: Any) -> Any:
        if name == "weasyprint":
            raise OSError("cannot load library 'libpango-1.0-0': no such file\nmore")
        return original(name, *rest)

    original = __import__
    monkeypatch.setattr("builtins.__import__", fail)
    with pytest.raises(OutputError, match="libpango") as caught:
        pdf.write(example())
    assert caught.value.hint is not None
    assert "libpangoft2-1.0-0" in caught.value.hint


def test_the_collector_and_the_logger_are_left_as_they_were() -> None:
    import gc
    import logging

    logger = logging.getLogger("weasyprint")
    before = (logger.handlers[:], logger.propagate)
    pdf.write(example())
    assert gc.isenabled()
    assert (logger.handlers, logger.propagate) == before


@pytest.mark.skipif(shutil.which("qpdf") is None, reason="no qpdf")
def test_qpdf_finds_nothing_wrong(data: bytes, tmp_path: Path) -> None:
    file = tmp_path / "report.pdf"
    file.write_bytes(data)
    subprocess.run(["qpdf", "--check", file], check=True, capture_output=True)
