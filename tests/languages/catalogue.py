"""What the code and the templates say, and the catalogues of other languages.

    python -m tests.languages.catalogue     (make words)

brings each `reporter/languages/*.po` up to what is said now and compiles it. A new message has an
empty translation until somebody writes it, and a test fails until then.
"""

from __future__ import annotations

import ast
import io
from collections.abc import Iterator
from pathlib import Path

import jinja2
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from reporter.words import LANGUAGES, MESSAGES

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "reporter" / "languages"

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
    environment = jinja2.Environment(autoescape=True, extensions=["jinja2.ext.i18n"])
    for _, _, found in environment.extract_translations(source, ("_", "n_")):
        if isinstance(found, str):
            yield found
        else:
            texts = [part for part in found if part is not None]
            yield texts[0] if len(texts) == 1 else (texts[0], texts[1])


def po(language: str) -> Path:
    """The catalogue people edit."""
    return FOLDER / f"{language.replace('-', '_')}.po"


def read(language: str) -> Catalog:
    """A catalogue as it is written."""
    with po(language).open("rb") as file:
        return read_po(file, locale=language.replace("-", "_"))


def compiled(catalogue: Catalog) -> bytes:
    """The catalogue as gettext reads it."""
    stream = io.BytesIO()
    write_mo(stream, catalogue)
    return stream.getvalue()


def main() -> None:
    """Bring every catalogue up to date."""
    for language in LANGUAGES[1:]:
        old = read(language)
        head = po(language).read_bytes().split(b"\n\n", 1)[0] + b"\n\n"
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
