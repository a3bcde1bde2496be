"""The page for people: one file, whole without its script, nothing fetched, the evidence inside."""

from __future__ import annotations

import zlib
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from urllib.parse import quote

from reporter.output import (
    Options,
    Reader,
    approval,
    confined,
    json_record,
    rendering,
    shown,
    templating,
    view,
)
from reporter.output import work as todo
from reporter.output.exhibits import AttachedExhibit
from reporter.output.own import OwnTemplates
from reporter.record.model import Verdict
from reporter.record.packed import is_packed, pack
from reporter.words import Language

PACKED_FROM = 100_000
"""From how many bytes on a file inside the page is packed with gzip."""

MOST_INSIDE = 2_000_000
"""How much an exhibit may add to the page, in bytes; of a larger one the digest is there."""

_ICONS = {
    "pass": ("#1b6e3f", "<circle cx='8' cy='8' r='8'/>"),
    "fail": ("#b3261e", "<path d='M5 0h6l5 5v6l-5 5H5l-5-5V5z'/>"),
    "unknown": ("#6a3fa0", "<path d='m8 0 8 8-8 8-8-8z'/>"),
}


@dataclass(frozen=True)
class Download:
    """A file inside the page, as a link that saves it."""

    name: str
    role: str
    sha256: str
    """Of the file itself, unpacked; of a packed record, of the record.json it stands for."""
    href: str
    """Empty where the file is too large to be inside."""


def write(
    verdict: Verdict,
    exhibits: Sequence[AttachedExhibit] = (),
    options: Options | None = None,
) -> bytes:
    """The report as one HTML page: UTF-8, the same bytes for the same record and exhibits.

    The record and the exhibits given are inside, each behind a link with `data-role`
    (`record`, or the exhibit's role) and `data-sha256`; `.gz` in its name says it is packed. Of a
    record with more findings than the page shows it is the packed form (`packed-record`). The page
    also says how it was rendered (`rendering`), so that it can be again.
    """
    options = options or Options()
    reader, templates = options.view, options.templates
    report = view.report(verdict, own=options.own, lang=options.lang, reader=reader)
    css = styles(Language(options.lang), templates)
    script = templating.asset("html/report.js", templates)
    name, parts = _view(verdict, report, reader)
    known = {
        **parts,
        "downloads": _downloads(verdict, exhibits, report.withheld is not None, options),
        "most": view.MOST_CHECKS,
    }
    safe = {
        "css": css,
        "script": script,
        "policy": content_policy(css, script),
        "icon": icon(report.tag.shape),
    }
    if templates is None:
        return _page(name, report, known, safe, None)
    return confined.call(_page, name, report, known, safe, templates, limits=confined.PAGE)


def _page(
    name: str,
    report: shown.Report,
    known: dict[str, object],
    safe: dict[str, str],
    templates: OwnTemplates | None,
) -> bytes:
    return templating.page(name, report, safe=safe, own=templates, **known).encode()


def _view(verdict: Verdict, report: shown.Report, reader: Reader) -> tuple[str, dict[str, object]]:
    """The template for a reader, and what it shows besides the report."""
    if reader == "approver":
        return "html/approver.html.j2", {"approval": approval.approval(report)}
    if reader == "operator":
        work = todo.work(view.shown_record(verdict), report)
        return "html/operator.html.j2", {"work": work}
    return "html/report.html.j2", {}


def styles(words: Language, templates: OwnTemplates | None = None) -> str:
    """The style sheet, with what it says itself in the language of the page."""
    where, miss = words.text("In the response: "), words.text("Near miss: ")
    said = f':root{{--in-response:"{where}";--near-miss:"{miss}"}}'
    brand = templates.brand.styles() if templates else ""
    return f"{said}\n{templating.asset('html/report.css', templates)}{brand}"


def content_policy(css: str, script: str | None = None) -> str:
    """What a page may do: show itself in its own style, run its own script, and nothing else."""
    runs = f"'{_hash(script)}'" if script is not None else "'none'"
    return (
        f"default-src 'none'; style-src '{_hash(css)}'; script-src {runs}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


def icon(shape: str) -> str:
    """The shape of an outcome as the page's icon."""
    colour, path = _ICONS[shape]
    svg = (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16' fill='{colour}'>{path}</svg>"
    )
    return "data:image/svg+xml," + quote(svg, safe="")


def _downloads(
    verdict: Verdict, exhibits: Sequence[AttachedExhibit], packed: bool, options: Options
) -> tuple[Download, ...]:
    record = json_record.write(verdict)
    if packed:
        digest, data = sha256(record).hexdigest(), pack(verdict)
        inside = _download("record.packed.jsonl", "packed-record", "application/jsonl", data)
        found = [replace(inside, sha256=digest)]
    else:
        found = [_download("record.json", "record", "application/json", record)]
    how = rendering.describe(verdict, options, rendering.libraries())
    found.append(_download(rendering.NAME, rendering.ROLE, "application/json", how))
    for attached in exhibits:
        exhibit = attached.exhibit
        name = view.file_name(exhibit.name, [part.name for part in found])
        inside = _download(name, exhibit.role, exhibit.media_type, attached.data)
        if len(inside.href) > MOST_INSIDE:
            inside = Download(name, exhibit.role, inside.sha256, "")
        found.append(inside)
    return tuple(found)


def _download(name: str, role: str, media_type: str, data: bytes) -> Download:
    digest = sha256(data).hexdigest()
    if len(data) >= PACKED_FROM:
        name, media_type, data = f"{name}.gz", "application/gzip", _gzipped(data)
    return Download(name, role, digest, f"data:{media_type};base64,{b64encode(data).decode()}")


def _gzipped(data: bytes) -> bytes:
    """The same bytes whenever it is written: without a time."""
    # What is packed hardly repeats itself; looking for the little that does by chance costs 8 %.
    strategy = zlib.Z_FILTERED if is_packed(data) else zlib.Z_DEFAULT_STRATEGY
    packer = zlib.compressobj(6, zlib.DEFLATED, 16 + zlib.MAX_WBITS, 8, strategy)
    return packer.compress(data) + packer.flush()
