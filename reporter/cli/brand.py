"""The folder that `--templates` names: whose reports its `brand.yaml` says these are."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reporter import yamlfile
from reporter.cli.common import hinting
from reporter.cli.templates import API_VERSION, BRAND, MOST_OF_A_LOGO, shipped
from reporter.errors import PolicyError
from reporter.mistakes import Mistakes
from reporter.output.own import DARK_PAPER, LEAST_CONTRAST, PAPER, Brand, OwnTemplates, contrast
from reporter.resources import bundled

_SVG = "{http://www.w3.org/2000/svg}svg"
_TEMPLATES = (".j2", ".jinja", ".jinja2", ".html", ".htm", ".css", ".js", ".yaml", ".yml")
_LOOKED_AT = 1_000
"""How many files of a folder are looked at for such as no page uses."""
_READ = 1_000_000
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}\Z")


def load(folder: str) -> OwnTemplates:
    """The folder of `--templates`, with its brand. `PolicyError` names every mistake."""
    path = Path(folder)
    if not path.is_dir():
        raise PolicyError(f"{folder}: is no folder", hint="`templates export DIR` writes one")
    file = path / BRAND
    with hinting("mend it there and run again; `templates export DIR` writes an example"):
        try:
            there = file.exists()
            if there and not file.is_file():
                raise PolicyError(f"{file}: is no file", hint="a pipe would never end")
        except OSError as error:
            raise PolicyError(f"{folder}: can't be read: {error.strerror}") from None
        brand = _brand(file) if there else Brand()
    return OwnTemplates(str(path.absolute()), brand)


def strays(folder: str) -> Iterator[str]:
    """The files that look like templates and that no page uses, each with what was meant."""
    known = _known()
    found = _templates_in(Path(folder))
    odd = [name for name in found if name not in known]
    texts = {name: _text_of(found[name]) for name in found} if odd else {}
    for name in odd:
        if _is_named(name, texts):
            continue
        near = " or ".join(_nearest(name, known))
        more = f"; did you mean {near}?" if near else ""
        yield f"{found[name]}: no page is made from it, and no template here names it{more}"


def is_part(folder: str, target: str) -> bool:
    """Whether a file that is there is one of those that pages are made of."""
    try:
        root, path = Path(folder).resolve(), Path(target).resolve()
        if not path.is_file() or not path.is_relative_to(root):
            return False
    except (OSError, ValueError, RuntimeError):
        return False
    name = path.relative_to(root).as_posix()
    texts = {other: _text_of(part) for other, part in _templates_in(root).items()}
    logo = re.search(r"(?m)^logo:\s*(.*)$", texts.get(BRAND, ""))
    return name in _known() or _is_named(name, texts) or bool(logo and name in logo[1])


def _known() -> list[str]:
    """What a folder of templates may hold, as it is named."""
    known = [BRAND, *(name for name, _ in shipped(bundled("templates")))]
    return known + [
        f"{part}/extra.css" for part in sorted({name.split("/")[0] for name in known[1:]})
    ]


def _templates_in(root: Path) -> dict[str, Path]:
    return {
        path.relative_to(root).as_posix(): path
        for path in sorted(islice(root.rglob("*"), _LOOKED_AT))
        if path.suffix in _TEMPLATES and path.is_file()
    }


def _is_named(name: str, texts: Mapping[str, str]) -> bool:
    """Whether another template names this one: they may include parts of their own."""
    quoted = (f'"{name}"', f"'{name}'")
    return any(one in text for other, text in texts.items() if other != name for one in quoted)


def _text_of(path: Path) -> str:
    try:
        with path.open("rb") as opened:
            return opened.read(_READ).decode("utf-8", "replace")
    except OSError:
        return ""


def _nearest(name: str, known: Sequence[str]) -> list[str]:
    """The names somebody may have meant: by the file's own first, then by its folder."""

    def bare(text: str) -> str:
        return text.rpartition("/")[2].removesuffix(".j2")

    close = get_close_matches(bare(name), {bare(one): None for one in known}, n=1, cutoff=0.7)
    meant = [one for one in known if close and bare(one) == close[0]]
    above = name.rpartition("/")[0]
    return [one for one in meant if one.rpartition("/")[0] == above] or meant


class _Spec(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    apiVersion: str  # noqa: N815 - its name in the file
    kind: str
    organisation: str | None = Field(default=None, min_length=1, max_length=80)
    logo: str | None = Field(default=None, min_length=1)
    accent: str | None = None
    accent_dark: str | None = None


class _BrandMistakes(Mistakes):
    def allowed_keys(self, path: yamlfile.Path) -> list[str]:
        return list(_Spec.model_fields)

    def _message(self, item: Any, path: yamlfile.Path, missing: str | None) -> str:
        if item["type"] == "string_too_long":
            return f"{item['ctx']['max_length']} characters are the most"
        return super()._message(item, path, missing)


def _brand(file: Path) -> Brand:
    try:
        with file.open("rb") as opened:
            data = opened.read(yamlfile.MAX_BYTES + 1)
        document = yamlfile.load(data, str(file))
    except OSError as error:
        raise PolicyError(f"{file}: can't be read: {error.strerror}") from None
    if not isinstance(document.data, dict):
        raise PolicyError(f'{file}:1:1: begins with "apiVersion: {API_VERSION}" and "kind: Brand"')
    mistakes = _BrandMistakes(document)
    mistakes.refuse_nulls()
    try:
        spec = _Spec.model_validate(document.data)
    except ValidationError as error:
        mistakes.add_validation(error)
        mistakes.stop()
        raise  # pragma: no cover - add_validation always adds at least one problem
    for key, wanted in (("apiVersion", API_VERSION), ("kind", "Brand")):
        if getattr(spec, key) != wanted:
            mistakes.add((key,), f'"{getattr(spec, key)}" should be {wanted}')
    if spec.logo is not None and spec.organisation is None:
        mistakes.add(("logo",), "needs organisation beside it, for those who can't see the picture")
    logo = _logo(file.parent, spec.logo, mistakes) if spec.logo else None
    for key, against in (("accent", PAPER), ("accent_dark", DARK_PAPER)):
        _check_colour(key, getattr(spec, key), against, mistakes)
    mistakes.stop()
    return Brand(spec.organisation, logo, spec.accent, spec.accent_dark)


def _check_colour(key: str, colour: str | None, against: str, mistakes: Mistakes) -> None:
    if colour is None:
        return
    if not _COLOUR.match(colour):
        mistakes.add((key,), f'"{colour}" should be a colour like "#0b4f96"')
        return
    found = contrast(colour, against)
    if found < LEAST_CONTRAST:
        mistakes.add(
            (key,),
            f"{colour} on {against} has a contrast of {found:.1f}; text needs {LEAST_CONTRAST}",
        )


def _logo(folder: Path, name: str, mistakes: Mistakes) -> str | None:
    """The picture as an address that holds it; a mistake where it can't serve."""
    path = folder / name
    try:
        if not path.resolve().is_relative_to(folder.resolve()):
            mistakes.add(("logo",), f'"{name}" leads out of the folder')
            return None
        with path.open("rb") as opened:
            data = opened.read(MOST_OF_A_LOGO + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        mistakes.add(("logo",), f'"{name}" can\'t be read: {reason}')
        return None
    if len(data) > MOST_OF_A_LOGO:
        mistakes.add(("logo",), f'"{name}" has more than {MOST_OF_A_LOGO // 1000} kB')
        return None
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return f"data:image/png;base64,{base64.b64encode(data).decode()}"
    if (wrong := _wrong_with_svg(data)) is not None:
        mistakes.add(("logo",), f'"{name}" {wrong}')
        return None
    return f"data:image/svg+xml;base64,{base64.b64encode(data).decode()}"


def _wrong_with_svg(data: bytes) -> str | None:
    # A browser runs and fetches nothing of a picture; readers of PDF and mail may be less strict.
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        return "has a DOCTYPE; save it without"
    try:
        root = ElementTree.fromstring(data)  # noqa: S314 - without a DOCTYPE it has no entities
    except ElementTree.ParseError:
        return "is neither a PNG nor an SVG picture"
    if root.tag != _SVG:
        return "is neither a PNG nor an SVG picture"
    for element in root.iter():
        name = str(element.tag).rpartition("}")[2].lower()
        if name in ("script", "foreignobject", "style", "animate", "set", "image", "a"):
            return f"holds <{name}>; save it as plain shapes"
        for key, value in element.attrib.items():
            local = key.rpartition("}")[2].lower()
            if local.startswith("on"):
                return f"holds {local}=; save it as plain shapes"
            if local == "href" and not value.startswith("#"):
                return "links to something outside itself"
            if re.search(r"url\(\s*['\"]?(?!#)", value, re.I):
                return "links to something outside itself"
    return None
