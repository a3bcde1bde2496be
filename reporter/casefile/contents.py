"""What a page or a PDF carries: the record, how it was rendered, and the evidence.

Nothing here trusts what it reads: sizes are bounded before anything is unpacked, a PDF is taken as
it is or not at all, and what comes out still has to give the same page again. pikepdf is imported
here alone.
"""

from __future__ import annotations

import re
import zlib
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from html import unescape
from io import BytesIO
from typing import Any

from reporter.errors import InputError
from reporter.output import rendering
from reporter.record.packed import TooMuchError, is_packed, unpack

MAX_PAGE = 512 * 1024 * 1024
MAX_FILE = 512 * 1024 * 1024
"""How large a file inside a page or PDF may be, unpacked."""
MAX_INSIDE = 1024 * 1024 * 1024
"""How large all of them together may be."""
MAX_FONT = 64 * 1024 * 1024
MAX_ATTACHMENTS = 200

_TAG = re.compile(rb"<(?:a|small)\s[^<>]*>")
# From the start of a name alone: a long one that nothing follows is looked at once.
_ATTRIBUTE = re.compile(rb'(?<![a-z0-9-])([a-z0-9-]++)="([^"]*+)"')
_DATA = re.compile(rb"data:[a-z0-9.+/-]+;base64,([A-Za-z0-9+/]*={0,2})")


@dataclass(frozen=True)
class Carried:
    """A file inside a report."""

    name: str
    role: str
    """`record`, `packed-record`, `rendering`, or an exhibit's role; empty in a PDF."""
    sha256: str
    """As the report says; empty where it says nothing."""
    data: bytes
    """Unpacked."""
    href: str = ""
    """How it stands in a page."""
    withheld: bool = False
    """Named by a page and too large to be inside it."""


@dataclass(frozen=True)
class Contents:
    """The files inside a report."""

    record: bytes
    """As JSON, also where it stands packed."""
    rendering: bytes | None
    files: tuple[Carried, ...]
    """All of them, in their order."""

    @property
    def evidence(self) -> dict[str, bytes]:
        """What may be exhibits, by digest."""
        inside = ("record", "packed-record", rendering.ROLE)
        return {
            sha256(file.data).hexdigest(): file.data
            for file in self.files
            if file.role not in inside and not file.withheld
        }

    @property
    def withheld(self) -> frozenset[str]:
        """The digests of what is too large to be inside."""
        return frozenset(file.sha256 for file in self.files if file.withheld)


# Pages ----------------------------------------------------------------------------------------


def of_page(page: bytes, name: str) -> Contents:
    """What a page carries. `InputError` where it is none of this tool's."""
    files = []
    left = MAX_INSIDE
    for tag in _TAG.finditer(page):
        if b"data-role=" not in tag[0]:
            continue
        attributes = {key: unescape(value) for key, value in _attributes(tag[0])}
        withheld = tag[0].startswith(b"<small")
        data = b"" if withheld else _from_address(attributes.get("href", ""), name)
        if attributes.get("download", "").endswith(".gz"):
            data = _inflated(data, min(MAX_FILE, left), name, gzip=True)
        left -= len(data)
        files.append(
            Carried(
                name=attributes.get("download", ""),
                role=attributes.get("data-role", ""),
                sha256=attributes.get("data-sha256", ""),
                data=data,
                href=attributes.get("href", ""),
                withheld=withheld,
            )
        )
        if left < 0 or len(files) > MAX_ATTACHMENTS:
            raise _not_ours(name, "it holds more than any page of this tool")
    records = [file for file in files if file.role in ("record", "packed-record")]
    how = [file for file in files if file.role == rendering.ROLE]
    if len(records) != 1 or len(how) > 1:
        count = len(records) if len(records) != 1 else len(how)
        what = "record" if len(records) != 1 else "description of its rendering"
        raise _not_ours(name, f"it holds {count or 'no'} {what}{'s' if count > 1 else ''}")
    record = records[0].data
    if is_packed(record):
        try:
            record = unpack(record, MAX_INSIDE)
        except TooMuchError as error:
            raise _not_ours(name, f"its packed record stands for more than {error}") from None
        except (ValueError, RecursionError):
            raise _not_ours(name, "its packed record is not whole") from None
    return Contents(record, how[0].data if how else None, tuple(files))


def _attributes(tag: bytes) -> Iterator[tuple[str, str]]:
    for key, value in _ATTRIBUTE.findall(tag):
        yield key.decode(), value.decode("utf-8", "replace")


def _from_address(address: str, name: str) -> bytes:
    found = _DATA.fullmatch(address.encode())
    if found is None:
        raise _not_ours(name, "a file in it is not a data address")
    try:
        return b64decode(found[1], validate=True)
    except ValueError:
        raise _not_ours(name, "a file in it is not whole base64") from None


def _inflated(data: bytes, limit: int, name: str, *, gzip: bool) -> bytes:
    reader = zlib.decompressobj(wbits=31 if gzip else 15)
    try:
        found = reader.decompress(data, limit + 1)
    except zlib.error:
        raise _not_ours(name, "a packed file in it is broken") from None
    if len(found) > limit:
        raise _not_ours(name, f"a file in it unpacks to more than {limit >> 20:,} MB")
    if not reader.eof or reader.unused_data:
        raise _not_ours(name, "a packed file in it does not end where it should")
    return found


# PDF ------------------------------------------------------------------------------------------


def of_pdf(document: bytes, name: str) -> Contents:
    """What is attached to a PDF. `InputError` where it is none of this tool's."""
    import pikepdf

    try:
        # As it stands: a document that has to be mended first is not the one that was written.
        with pikepdf.open(BytesIO(document), attempt_recovery=False, suppress_warnings=True) as pdf:
            files = list(_attached(pdf, name))
    except _broken() as error:
        raise _not_ours(name, "as it stands it can't be read as a PDF") from error
    by_name = {file.name: file for file in files}
    if "record.json" not in by_name:
        raise _not_ours(name, "no record.json is attached")
    how = by_name.get(rendering.NAME)
    return Contents(by_name["record.json"].data, how.data if how else None, tuple(files))


def creator_of(path: str) -> str | None:
    """The program that a PDF says it was created by; None where that can't be read."""
    import pikepdf

    try:
        with pikepdf.open(path, attempt_recovery=False, suppress_warnings=True) as pdf:
            said = pdf.docinfo.get("/Creator")
            return str(said) if said is not None else None
    except _broken():
        return None


def _broken() -> tuple[type[Exception], ...]:
    """What pikepdf raises for a document whose parts are not what they should be."""
    import pikepdf

    return (
        pikepdf.PdfError,
        OSError,
        LookupError,
        TypeError,
        ValueError,
        AttributeError,
        RuntimeError,
        NotImplementedError,
    )


def _attached(pdf: Any, name: str) -> Iterator[Carried]:
    left = MAX_INSIDE
    if len(pdf.attachments) > MAX_ATTACHMENTS:
        raise _not_ours(name, f"{len(pdf.attachments):,} files are attached")
    for title, spec in pdf.attachments.items():
        if len(spec.get_all_filenames()) == 0:
            raise _not_ours(name, "a file is attached without its data")
        stream = spec.get_file().obj
        packed = stream.get("/Filter")
        data = stream.read_raw_bytes()
        if str(packed) == "/FlateDecode" and "/DecodeParms" not in stream:
            data = _inflated(data, min(MAX_FILE, left), name, gzip=False)
        elif packed is not None:
            raise _not_ours(name, f"the attachment {title} is packed in a way ours are not")
        left -= len(data)
        if left < 0:
            raise _not_ours(name, "it holds more than any PDF of this tool")
        role = {"record.json": "record", rendering.NAME: rendering.ROLE}.get(title, "")
        yield Carried(name=title, role=role, sha256="", data=data)


def fonts_of(document: bytes) -> set[str]:
    """The fonts a PDF embeds, each with what tells its version from another.

    `InputError` where one can't be read, or is no font: such a document is not as it was written.
    """
    import pikepdf

    try:
        with pikepdf.open(BytesIO(document), attempt_recovery=False, suppress_warnings=True) as pdf:
            return {
                _font(part)
                for part in pdf.objects
                if isinstance(part, pikepdf.Dictionary) and part.get("/Type") == "/FontDescriptor"
            }
    except _broken() as error:
        raise _not_ours("a font", "as it stands it can't be read") from error


def _font(descriptor: Any) -> str:
    # Subsets are named at random by some writers; the name after the plus is the font's.
    title = str(descriptor.get("/FontName", "")).rpartition("+")[2]
    for key in ("/FontFile2", "/FontFile3"):
        if key in descriptor:
            revision = _revision(_font_bytes(descriptor[key]))
            if not revision and key == "/FontFile2":
                raise _not_ours("a font", "it has no head")
            return f"{title} {revision}".strip()
    return title


def _font_bytes(stream: Any) -> bytes:
    raw: bytes = stream.read_raw_bytes()
    return raw if "/Filter" not in stream else _inflated(raw, MAX_FONT, "a font", gzip=False)


def _revision(font: bytes) -> str:
    """`head.fontRevision` and the day the font was made, of a font as it is embedded."""
    for index in range(min(int.from_bytes(font[4:6], "big"), 100)):
        entry = font[12 + 16 * index : 28 + 16 * index]
        if entry[:4] == b"head":
            start = int.from_bytes(entry[8:12], "big")
            return (font[start + 4 : start + 8] + font[start + 20 : start + 28]).hex()
    return ""


def _not_ours(name: str, why: str) -> InputError:
    return InputError(
        f"{name}: is not a report of this tool: {why}",
        hint="give a page, a PDF or a case file that cce-precheck wrote",
    )
