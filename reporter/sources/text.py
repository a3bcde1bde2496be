"""Bytes as UTF-8 text: byte order marks taken off, UTF-16 turned, anything else refused."""

from __future__ import annotations

from dataclasses import dataclass

from reporter.errors import InputError
from reporter.sources.containers import FOREIGN, FOREIGN_ARCHIVES

SAVE_RAW = "save the raw JSON body that the API answered with"

_UTF16 = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}
_UTF32 = (b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")


class UnrecognisedError(InputError):
    """Nothing about the input says that it was ever meant to be a response."""


class OtherDocumentError(UnrecognisedError):
    """A whole JSON document, and of another kind."""


def one_page(label: str, mark: str) -> InputError:
    """A list, or an answer, that says by a mark of its own that it is not the whole."""
    return InputError(
        f"{label}: is one page of a longer list ({mark})",
        hint="save the whole list, or the answer for the one task",
    )


@dataclass(frozen=True)
class Text:
    """What an input says, in UTF-8 without a byte order mark, and how it was written."""

    data: bytes
    encoding: str = "utf-8"
    """`utf-8`, `utf-16-le` or `utf-16-be`."""

    mark: int = 0
    """Bytes of the byte order mark that was taken off."""


def text_of(data: bytes, label: str) -> Text:
    """The text in a file's bytes; `InputError` says what it looks like when it is none."""
    if not data.strip():
        what = "is empty" if not data else "holds nothing but blanks"
        raise InputError(f"{label}: {what}", hint="did the command that saved it fail? " + SAVE_RAW)
    for magic, what in FOREIGN.items():
        if data.startswith(magic):
            raise InputError(f"{label}: looks like {what}, not JSON", hint=SAVE_RAW)
    for magic, what in FOREIGN_ARCHIVES.items():
        if data.startswith(magic):
            raise InputError(
                f"{label}: looks like {what}, which is not read",
                hint="unpack it, or pack it as .zip, .tar.gz or .tar.zst",
            )
    if data.startswith(b"\xef\xbb\xbf"):
        return Text(data[3:], mark=3)
    if data.startswith(_UTF32):
        raise InputError(f"{label}: looks like UTF-32 text", hint="save it as UTF-8")
    encoding, mark = _utf16(data)
    if encoding is None:
        return Text(data)
    try:
        turned = data[mark:].decode(encoding).encode()
    except UnicodeError:
        raise InputError(f"{label}: is no valid UTF-16 text", hint="save it as UTF-8") from None
    return Text(turned, encoding, mark)


def _utf16(data: bytes) -> tuple[str | None, int]:
    """By its mark, or by the zero beside its first letter: JSON and printouts start with ASCII."""
    for encoding, mark in _UTF16.items():
        if data.startswith(mark):
            return encoding, 2
    first, second = data[0], data[1] if len(data) > 1 else 1
    if first and not second and len(data) > 3 and data[2] and not data[3]:
        return "utf-16-le", 0
    if second and not first and len(data) > 3 and data[3] and not data[2]:
        return "utf-16-be", 0
    return None, 0
