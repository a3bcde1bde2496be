"""The document for approvers: PDF/A-3a with PDF/UA's mark, the record and the evidence attached.

WeasyPrint is imported here alone, and only when a PDF is written. Nothing is ever fetched, and
nothing varies but the record: dates come from it, so the same record gives the same bytes (on
one machine: other fonts set other glyphs).
"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import logging
import mmap
import re
import threading
import warnings
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from xml.etree import ElementTree

from reporter.errors import OutputError, TemplateError
from reporter.output import (
    Options,
    Paper,
    Reader,
    approval,
    confined,
    cover,
    json_record,
    rendering,
    shown,
    templating,
    view,
)
from reporter.output import work as todo
from reporter.output.clean import clean
from reporter.output.exhibits import AttachedExhibit
from reporter.output.own import OwnTemplates
from reporter.record.model import Verdict
from reporter.words import Language

VARIANT = "pdf/a-3a"
ENTRIES_IN_ALL = 200
"""How many findings that differ in their message are printed one by one: printing a thousand takes
five times as long as the pages without them, and nobody reads them on paper."""
MOST_CHECKS = 200
"""How many checks are printed, worst first; the rest is counted."""
ROOM = 96 << 20
"""Bytes of address space that have to be left, threads not counted: 40 MB were seen to be used."""
THREADS = 3
"""How many threads have to be allowed: as many as Pango has look for fonts."""
GLYPHS_NAMED = 12
"""How many characters without a glyph are named before the rest is counted."""

_RELATIONSHIP = {"response": "Source", "policy": "Supplement", "waivers": "Supplement"}
_INSTALL = "on Debian: apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"
_FONTS = (
    "install fonts that have them (Debian: fonts-noto-cjk or fonts-droid-fallback for Chinese, "
    "Japanese and Korean, fonts-noto-core for other scripts)"
)
_NO_FONTS = "on Debian: apt-get install fonts-dejavu-core fonts-noto-cjk"
_NO_ROOM = "allow it more (ulimit -v and -u, the container's limits)"
_NOTDEF = ".notdef glyph"

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_UA = "http://www.aiim.org/pdfua/ns/id/"
# WeasyPrint writes one conformance only; PDF/A wants any foreign property, as PDF/UA's is to it,
# described in an extension schema.
_PREFIXES = {
    "pdfuaid": _UA,
    "pdfaExtension": "http://www.aiim.org/pdfa/ns/extension/",
    "pdfaSchema": "http://www.aiim.org/pdfa/ns/schema#",
    "pdfaProperty": "http://www.aiim.org/pdfa/ns/property#",
}
_UA_MARK = f"""<rdf:RDF xmlns:rdf="{_RDF}"
 {" ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in _PREFIXES.items())}>
<rdf:Description rdf:about="" pdfuaid:part="1"/>
<rdf:Description rdf:about=""><pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource">
<pdfaSchema:schema>PDF/UA identification schema</pdfaSchema:schema>
<pdfaSchema:namespaceURI>{_UA}</pdfaSchema:namespaceURI>
<pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix>
<pdfaSchema:property><rdf:Seq><rdf:li rdf:parseType="Resource">
<pdfaProperty:name>part</pdfaProperty:name><pdfaProperty:valueType>Integer</pdfaProperty:valueType>
<pdfaProperty:category>internal</pdfaProperty:category>
<pdfaProperty:description>Part of ISO 14289 that is followed</pdfaProperty:description>
</rdf:li></rdf:Seq></pdfaSchema:property>
</rdf:li></rdf:Bag></pdfaExtension:schemas></rdf:Description></rdf:RDF>"""


_File = tuple[str, bytes, str, str]
"""An attachment: its name, what it holds, its relationship and what it is."""

_PAGE_SIZE = {"a4": "@page{size:A4}", "letter": "@page{size:letter}"}


def write(
    verdict: Verdict,
    exhibits: Sequence[AttachedExhibit] = (),
    options: Options | None = None,
    *,
    warn: Callable[[str], None] | None = None,
) -> bytes:
    """The report as a PDF. `warn` is told, once, of characters that no font of this machine has.

    `record.json` and the exhibits given are attached, and `rendering.json`, which says how the
    document was rendered, so that it can be again. `OutputError` where WeasyPrint or what it needs
    is missing, or where it reports an error; `TemplateError` for mistakes of own templates.
    """
    options = options or Options()
    reader, templates = options.view, options.templates
    branded = templates is not None and templates.brand.organisation is not None
    letter = options.paper == "letter"
    less = (cover.LETTER_LESS if letter else 0) + (cover.BRAND_LESS if branded else 0)
    report = view.report(
        verdict,
        entries_in_all=ENTRIES_IN_ALL,
        most_checks=MOST_CHECKS,
        on_paper=True,
        own=options.own,
        lang=options.lang,
        reader=reader,
        cover_less=less,
    )
    words = Language(options.lang)
    how = rendering.describe(verdict, options, libraries())
    files = _files(verdict, exhibits, how, words)
    css = styles(words, options.paper, templates)
    job = _Job(
        report=report,
        pages=_pages(verdict, report, reader),
        attached=words.joined([name for name, *_ in files]),
        css=css + (templates.brand.paper_styles() if templates else ""),
        files=tuple(files),
        at=verdict.instant.at,
        one_page=reader == "approver",
        templates=templates,
    )
    if templates is None:
        data, warnings_of = _made(job)
    else:
        answer = confined.call(_made_apart, job, limits=confined.DOCUMENT)
        head, _, data = answer.partition(b"\n")
        warnings_of = json.loads(head)
    for text in warnings_of:
        if warn is not None:
            warn(text)
    return data


_Page = tuple[str, dict[str, object]]
"""A template, and what it shows besides the report."""


@dataclass(frozen=True)
class _Job:
    """All that a document is made of; the first of its `pages` that fits is taken."""

    report: shown.Report
    pages: tuple[_Page, ...]
    attached: str
    css: str
    files: tuple[_File, ...]
    at: datetime
    one_page: bool
    templates: OwnTemplates | None


def _pages(verdict: Verdict, report: shown.Report, reader: Reader) -> tuple[_Page, ...]:
    if reader == "approver":
        return tuple(
            ("pdf/approver.html.j2", {"approval": approval.approval(report, room)})
            for room in approval.ROOMS
        )
    if reader == "operator":
        shown = view.shown_record(verdict, on_paper=True)
        return (("pdf/operator.html.j2", {"work": todo.work(shown, report)}),)
    return (("pdf/report.html.j2", {}),)


def _made_apart(job: _Job) -> bytes:
    """As `_made`, in one piece: the warnings on a line of JSON before the document."""
    data, warnings_of = _made(job)
    return json.dumps(warnings_of).encode() + b"\n" + data


def _made(job: _Job) -> tuple[bytes, list[str]]:
    """The document, and what its reader should know."""
    _weasyprint()  # before any work: it may be missing
    pages = [
        templating.page(
            name,
            job.report,
            attached=job.attached,
            safe={"css": job.css},
            own=job.templates,
            **parts,
        )
        for name, parts in job.pages
    ]
    return printed(pages, job.at, job.files, one_page=job.one_page, own=job.templates)


def printed(
    pages: Sequence[str],
    at: datetime,
    files: Sequence[_File] = (),
    *,
    one_page: bool = False,
    own: OwnTemplates | None = None,
) -> tuple[bytes, list[str]]:
    """A page of ours as PDF, dated `at`, with files attached; and what its reader should know.

    Of several `pages`, each shorter than the one before, the first that fits is taken.
    """
    weasyprint = _weasyprint()
    with _listening() as heard, _uncollected():
        data, marked = _printed(weasyprint, pages, files, at, one_page=one_page)
    if heard.errors and own is not None:
        raise TemplateError(
            f"{own.folder}: the PDF could not be made: {heard.errors[0]}",
            hint="nothing is fetched: give pictures as data: addresses",
        )
    if heard.errors:
        raise OutputError(
            f"the PDF could not be made: {heard.errors[0]}",
            hint="the other formats still work; please report this together with the record",
        )
    told = []
    if heard.glyphs:
        told.append(_glyph_warning(heard.glyphs))
    if not marked:
        told.append(
            f"the PDF is {VARIANT.upper()} without PDF/UA's mark: WeasyPrint no longer takes it"
        )
    return data, told


def styles(words: Language, paper: Paper = "a4", own: OwnTemplates | None = None) -> str:
    """The style sheet of paper, with what it says itself in the language of the page."""
    return templating.asset("pdf/report.css", own) + _page_number(words) + _PAGE_SIZE[paper]


def _page_number(words: Language) -> str:
    """Page 2 of 7, in the words of a style sheet."""
    page, pages = '" counter(page) "', '" counter(pages) "'
    said = words.text("Page {page} of {pages}", page=page, pages=pages)
    return f'@page{{@bottom-right{{content:"{said}"}}}}\n'


def libraries() -> dict[str, str]:
    """The versions of what a document's bytes depend on beside its fonts."""
    drawn = _weasyprint().text.ffi.pango.pango_version()  # 15012 is 1.50.12
    return {
        **rendering.libraries("fonttools", "pydyf", "tinycss2", "tinyhtml5", "weasyprint"),
        "pango": f"{drawn // 10000}.{drawn // 100 % 100}.{drawn % 100}",
    }


def _files(
    verdict: Verdict, exhibits: Sequence[AttachedExhibit], how: bytes, words: Language
) -> list[_File]:
    record, made = words.text("The record of the verdict"), words.text("How this document was made")
    files: list[_File] = [
        ("record.json", json_record.write(verdict), "Data", record),
        (rendering.NAME, how, "Supplement", made),
    ]
    for attached in exhibits:
        exhibit = attached.exhibit
        name = view.file_name(exhibit.name, [file[0] for file in files])
        relation = _RELATIONSHIP.get(exhibit.role, "Supplement")
        what = words.joined((words.named("role", exhibit.role), f"SHA-256 {exhibit.sha256}"))
        files.append((name, attached.data, relation, what))
    return files


def _weasyprint() -> Any:
    if (lacking := _lacking()) is not None:
        raise OutputError(f"a PDF needs {lacking}, which this process may not have", hint=_NO_ROOM)
    try:
        # Where a library is missing it prints a page about it, perhaps amid a report.
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            # It says so when there are no fonts; we refuse, below.
            warnings.simplefilter("ignore", UserWarning)
            import weasyprint
    except ImportError as error:
        raise OutputError(
            f"a PDF needs WeasyPrint: {error}", hint="install cce-precheck-reporter again"
        ) from error
    except OSError as error:
        # cffi could not load a library; its message names which, and all that was tried.
        said = clean(str(error)).strip().splitlines() or ["a library is missing"]
        named = re.search(r"library (?:called )?'([^']+)'", said[0])
        raise OutputError(
            f"WeasyPrint can't load a library it draws with: {named[1] if named else said[0]}",
            hint=_INSTALL,
        ) from error
    if not _has_fonts():
        raise OutputError("a PDF needs fonts, and this machine has none", hint=_NO_FONTS)
    return weasyprint


def _lacking() -> str | None:
    """What Pango would not get, which kills the process where it asks for that in vain."""
    done = threading.Event()
    started: list[threading.Thread] = []
    try:
        for _ in range(THREADS):
            thread = threading.Thread(target=done.wait)
            thread.start()
            started.append(thread)
    except (RuntimeError, MemoryError):
        return f"{THREADS} threads"
    finally:
        done.set()
        for thread in started:
            thread.join()
    try:
        with mmap.mmap(-1, ROOM):
            pass
    except (OSError, MemoryError):
        return f"{ROOM >> 20} MiB more of memory"
    return None


def _has_fonts() -> bool:
    """Whether fontconfig finds a font: without any, what WeasyPrint draws with kills the process.

    Asked of WeasyPrint's own binding, which is not promised to stay: where it can't be asked,
    there are fonts until proven otherwise.
    """
    try:
        from weasyprint.text.ffi import fontconfig

        known = fontconfig.FcInitLoadConfigAndFonts()
        found: int = fontconfig.FcConfigGetFonts(known, fontconfig.FcSetSystem).nfont
        fontconfig.FcConfigDestroy(known)
    except (ImportError, AttributeError):
        return True
    return found > 0


def _printed(
    weasyprint: Any,
    pages: Sequence[str],
    files: Sequence[_File],
    at: datetime,
    *,
    one_page: bool,
) -> tuple[bytes, bool]:
    """The first of `pages`, each shorter than the one before, and whether it has PDF/UA's mark;
    with `one_page` the first that is laid out on a single one."""

    class NoFetch(weasyprint.urls.URLFetcher):  # type: ignore[misc]
        """Nothing but what stands in the page itself."""

        def __init__(self) -> None:
            super().__init__(allowed_protocols={"data"}, allow_redirects=False)

    fetcher = NoFetch()

    @cache
    def laid_out(number: int) -> Any:
        html = weasyprint.HTML(string=pages[number], base_url=None, url_fetcher=fetcher)
        return html.render(pdf_variant=VARIANT)

    number = 0
    if one_page:
        number = bisect_left(range(len(pages)), 1, key=lambda one: len(laid_out(one).pages) == 1)
    if number == len(pages):
        raise OutputError(
            "the approver's view does not fit one page with the fonts of this machine",
            hint="write the full report: leave out --view; please report this with the record",
        )
    document = laid_out(number)
    # Dates are given, or the library takes today's and no two documents are alike.
    document.metadata.attachments = [
        weasyprint.Attachment(
            string=data,
            base_url=None,
            url_fetcher=fetcher,
            name=name,
            description=description,
            relationship=relation,
            created=at,
            modified=at,
        )
        for name, data, relation, description in sorted(files, key=_as_key)
    ]
    mark = _UaMark()
    mark.put_into(document.metadata)
    with warnings.catch_warnings():
        # It leaves the file of its colour profile for the collector to close.
        warnings.simplefilter("ignore", ResourceWarning)
        data: bytes = document.write_pdf(pdf_variant=VARIANT)
    return data, mark.made


def _as_key(file: _File) -> bytes:
    """A file's name as the tree of names spells it: readers look names up in a sorted tree."""
    name = file[0]
    return name.encode() if name.isascii() else b"\xfe\xff" + name.encode("utf-16-be")


class _UaMark:
    """Adds PDF/UA's mark to the metadata WeasyPrint makes, or leaves them as they are.

    The place to do so is not promised to stay: where it changes, the document is a PDF/A all the
    same, and `made` says that the mark is missing.
    """

    def __init__(self) -> None:
        self.made = False

    def put_into(self, metadata: Any) -> None:
        """Have the metadata of a document ask here; nothing where they would not."""
        plain = getattr(metadata, "generate_rdf_metadata", None)
        if plain is not None:
            metadata.generate_rdf_metadata = lambda *of: self._marked(plain(*of))

    def _marked(self, rdf: bytes) -> bytes:
        try:
            marked = _with_ua_mark(rdf)
        except (ElementTree.ParseError, TypeError, ValueError):
            return rdf
        self.made = True
        return marked


def _with_ua_mark(rdf: bytes) -> bytes:
    root = ElementTree.fromstring(rdf)  # noqa: S314 - WeasyPrint's own
    root.extend(ElementTree.fromstring(_UA_MARK))  # noqa: S314 - a constant
    # Validators look for these prefixes, not only for what they stand for.
    for prefix, uri in _PREFIXES.items():
        ElementTree.register_namespace(prefix, uri)
    marked: bytes = ElementTree.tostring(root, encoding="utf-8")
    return marked


class _Heard(logging.Handler):
    """What WeasyPrint says: one record per missing glyph as often as it occurs, and errors."""

    def __init__(self) -> None:
        super().__init__()
        self.glyphs: set[str] = set()
        self.errors: list[str] = []
        self.others: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if str(record.msg).startswith(_NOTDEF) and isinstance(record.args, tuple):
            self.glyphs.add(str(record.args[0]))
        elif record.levelno >= logging.ERROR:
            self.errors.append(record.getMessage())
        elif record.levelno >= logging.WARNING:
            self.others.append(record.getMessage())


@contextmanager
def _listening() -> Iterator[_Heard]:
    logger = logging.getLogger("weasyprint")
    heard = _Heard()
    before, propagate = logger.handlers[:], logger.propagate
    logger.handlers, logger.propagate = [heard], False
    try:
        yield heard
    finally:
        logger.handlers, logger.propagate = before, propagate


@contextmanager
def _uncollected() -> Iterator[None]:
    """Layout makes many long-lived boxes; looking for garbage among them takes up to a third."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _glyph_warning(glyphs: set[str]) -> str:
    ordered = sorted(glyphs)
    named = " ".join(f"{glyph} (U+{ord(glyph):04X})" for glyph in ordered[:GLYPHS_NAMED])
    more = len(ordered) - GLYPHS_NAMED
    rest = f" and {more:,} more" if more > 0 else ""
    what = "1 character" if len(ordered) == 1 else f"{len(ordered):,} characters"
    return f"no font here has {what} of the PDF: {named}{rest}; {_FONTS}"
