"""What the code and the templates say, and the catalogues of other languages.

    python -m tests.languages.catalogue     (make words)

brings each `reporter/languages/*.po` up to what is said now and compiles it. A new message has an
empty translation until somebody writes it, and a test fails until then.
"""

from __future__ import annotations

import ast
import io
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

import jinja2
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po
from jinja2.ext import extract_from_ast

from reporter.words import LANGUAGES, MESSAGES

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "reporter" / "languages"

HEADER = "Content-Type: text/plain; charset=utf-8"

Message = str | tuple[str, str]


def messages() -> dict[Message, str]:
    """Everything that is said, in the order it stands in the code, and the file it is said in."""
    found: dict[Message, str] = {}
    for message in MESSAGES.values():
        found.setdefault(message, "reporter/words.py")
    for path in sorted((ROOT / "reporter").rglob("*.py")):
        for message in _said(ast.parse(path.read_text(encoding="utf-8"))):
            found.setdefault(message, path.relative_to(ROOT).as_posix())
    for path in sorted((ROOT / "templates").rglob("*.j2")):
        for message in _said_by_template(path.read_text(encoding="utf-8")):
            found.setdefault(message, path.relative_to(ROOT).as_posix())
    return found


def _said(tree: ast.Module) -> Iterator[Message]:
    """The literals given to `text` and `count` of a language."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if isinstance(node.func, ast.Name) and node.func.id == "named":  # `named = words.text`
            name = node.func.id
        given = [part.value for part in node.args if isinstance(part, ast.Constant)]
        texts = [part for part in given if isinstance(part, str)]
        if name in ("text", "named") and len(texts) == 1 and len(node.args) == 1:
            yield texts[0]
        elif name == "count" and len(texts) == 2:
            yield texts[0], texts[1]


def _said_by_template(source: str) -> Iterator[Message]:
    tree = jinja2.Environment(autoescape=True).parse(source)
    for _, _, found in extract_from_ast(tree, ("_", "n_")):
        if isinstance(found, str):
            yield found
        else:
            texts = [part for part in found or () if part is not None]
            yield texts[0] if len(texts) == 1 else (texts[0], texts[1])


def po(language: str) -> Path:
    """The catalogue people edit."""
    return FOLDER / f"{language.replace('-', '_')}.po"


def read(language: str) -> Catalog:
    """A catalogue as it is written."""
    locale = language.replace("-", "_")
    if not po(language).exists():
        return Catalog(locale=locale)
    with po(language).open("rb") as file:
        return read_po(file, locale=locale)


def compiled(catalogue: Catalog) -> bytes:
    """The catalogue as gettext reads it: the same bytes whenever and by whatever it is made.

    Babel's writer puts its version and the time into the header.
    """
    found = {"": f"{HEADER}\nPlural-Forms: {catalogue.plural_forms}\n"}
    for part in catalogue:
        # What nobody has written yet stays English, as msgfmt has it.
        if part.id and all([part.string] if isinstance(part.string, str) else part.string or [""]):
            found[_joined(part.id)] = _joined(part.string or "")
    texts = sorted((key.encode(), value.encode()) for key, value in found.items())
    start = 28 + 16 * len(texts)
    head = struct.pack("<7I", 0x950412DE, 0, len(texts), 28, 28 + 8 * len(texts), 0, 0)
    rows, body = b"", b""
    for column in (0, 1):
        for text in texts:
            rows += struct.pack("<2I", len(text[column]), start + len(body))
            body += text[column] + b"\0"
    return head + rows + body


def _joined(forms: str | Sequence[str]) -> str:
    return forms if isinstance(forms, str) else "\0".join(forms)


def pairs(language: str) -> Iterator[tuple[str, str]]:
    """English, the plural where there are two, and what it is in a language."""
    for part in read(language):
        english = part.id if isinstance(part.id, str) else part.id[1]
        said = part.string if isinstance(part.string, str) else (part.string or ("",))[0]
        if english:
            yield english, said


def _head(language: str, catalogue: Catalog) -> bytes:
    """The first entry of a file as it stands; of a new one, what gettext needs to know."""
    if po(language).exists():
        return po(language).read_bytes().split(b"\n\n", 1)[0] + b"\n\n"
    rows = [
        "Project-Id-Version: cce-precheck",
        f"Language: {catalogue.locale}",
        "MIME-Version: 1.0",
        HEADER,
        "Content-Transfer-Encoding: 8bit",
        f"Plural-Forms: {catalogue.plural_forms}",
    ]
    text = "".join(f'"{row}\\n"\n' for row in rows)
    said = "# The words of cce-precheck; `make words` keeps them."
    return f'{said}\nmsgid ""\nmsgstr ""\n{text}\n'.encode()


def main() -> None:
    """Bring every catalogue up to date."""
    for language in LANGUAGES[1:]:
        old = read(language)
        head = _head(language, old)
        new = Catalog(locale=old.locale)
        for message, place in messages().items():
            known = old.get(message if isinstance(message, str) else message[0])
            new.add(message, known.string if known else None, [(place, 0)])
        body = io.BytesIO()
        write_po(body, new, width=100, omit_header=True, include_lineno=False)
        po(language).write_bytes(head + body.getvalue().strip(b"\n") + b"\n")
        po(language).with_suffix(".mo").write_bytes(compiled(read(language)))


if __name__ == "__main__":
    main()
