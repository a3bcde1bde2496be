"""The one place that knows Jinja2. Templates loop over a view; they decide nothing.

Everything is escaped unless it is `Markup` of our own making, and a name that is missing is an
error rather than a hole in a report. A user's own templates see the same plain frozen view in
Jinja's sandbox; they are rendered in a process of their own (`confined`), never in ours.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from reporter.errors import OutputError, TemplateError
from reporter.output.audit.view import AuditReport
from reporter.output.clean import web_address
from reporter.output.confined import LimitReached
from reporter.output.diff.view import DiffReport
from reporter.output.own import Brand, OwnTemplates
from reporter.output.shown import Report
from reporter.resources import bundled
from reporter.words import Language

MOST_OF_A_FILE = 2_000_000
"""The largest template or style sheet of a user, in bytes."""
MOST_OF_A_PAGE = 100_000_000
"""The largest page a user's templates may make, in characters."""

SHIPPED = "builtin"
"""The folder under which a user's template finds the shipped one it stands before."""


def _parts(name: str) -> list[str] | None:
    """The parts of a template's name; None where they could lead out of its folder."""
    parts = name.split("/")
    if any(part in ("", ".", "..") or "\\" in part or "\0" in part for part in parts):
        return None
    return parts


def _source(name: str) -> str | None:
    # Piece by piece, so that it works from a zipped wheel too.
    parts = _parts(name)
    if parts is None:
        return None
    found = bundled("templates")
    for part in parts:
        found = found / part
    return found.read_text(encoding="utf-8") if found.is_file() else None


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_source),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    environment.filters["web_address"] = web_address
    return environment


@cache
def _own_environment(folder: str) -> jinja2.Environment:
    shipped = jinja2.FunctionLoader(_source)
    environment = ImmutableSandboxedEnvironment(
        loader=jinja2.ChoiceLoader(
            [_Folder(folder), jinja2.PrefixLoader({SHIPPED: shipped}), shipped]
        ),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    environment.filters["web_address"] = web_address
    for name in ("lipsum", "cycler", "joiner", "namespace"):
        del environment.globals[name]
    return environment


class _Folder(jinja2.BaseLoader):
    """The files of a user's folder, and no others."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def get_source(
        self, environment: jinja2.Environment, template: str
    ) -> tuple[str, str, Callable[[], bool]]:
        found = _own_file(self._folder, template)
        if found is None:
            raise jinja2.TemplateNotFound(template)
        path, text = found
        return text, str(path), lambda: True


def _own_file(folder: str, name: str) -> tuple[Path, str] | None:
    """A file of a user's folder. None where there is none; `TemplateError` where it can't serve."""
    parts = _parts(name)
    if parts is None:
        return None
    path = Path(folder, *parts)
    try:
        if not path.is_file():
            return None
        if not path.resolve().is_relative_to(Path(folder).resolve()):
            raise TemplateError(
                f"{path}: leads out of the folder of templates", hint="put the file itself there"
            )
        with path.open("rb") as opened:
            data = opened.read(MOST_OF_A_FILE + 1)
    except OSError as error:
        raise TemplateError(f"{path}: can't be read: {error.strerror}") from None
    if len(data) > MOST_OF_A_FILE:
        raise TemplateError(f"{path}: more than {MOST_OF_A_FILE:,} bytes are no template")
    try:
        return path, data.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise TemplateError(f"{path}: is not UTF-8 (byte {error.start + 1:,})") from None


def asset(name: str, own: OwnTemplates | None = None) -> str:
    """A style sheet or script, with the line ends a browser hashes; a user's before ours.

    After a style sheet comes what a user's `extra.css` beside it adds.
    """
    text = _source(name)
    if text is None:
        raise OutputError(f"the template {name} is missing", hint="install cce-precheck again")
    text = text.replace("\r\n", "\n")
    if own is None:
        return text
    text = _own_asset(own, name) or text
    if name.endswith(".css"):
        text += _own_asset(own, f"{name.partition('/')[0]}/extra.css")
    return text


def _own_asset(own: OwnTemplates, name: str) -> str:
    found = _own_file(own.folder, name)
    if found is None:
        return ""
    path, text = found
    for end in ("</style", "</script", "<!--"):
        if end in text.lower():
            raise TemplateError(f'{path}: "{end}" would end the page\'s own part early')
    return text


def _spoken(words: Language) -> dict[str, object]:
    """How a template says something of its own: `_("Why")`, `n_("{count} node", …, 3)`."""
    return {"_": words.text, "n_": words.count, "listed": words.joined, "gap": words.gap}


def page(
    name: str,
    report: Report | DiffReport | AuditReport,
    *,
    safe: Mapping[str, str],
    own: OwnTemplates | None = None,
    **more: object,
) -> str:
    """A page from its template. What is `safe` is of our own making and is not escaped.

    With a user's `own` templates this is for a confined process alone.
    """
    trusted = {key: Markup(text) for key, text in safe.items()}  # noqa: S704
    known = {"report": report, "brand": own.brand if own else Brand(), **more, **trusted}
    words = Language(report.lang)
    known |= _spoken(words)
    if own is not None:
        mark = words.text(
            "Set with templates of one's own: what stands here is theirs, not cce-precheck's."
        )
        return _own_page(name, own, known, mark)
    try:
        return _environment().get_template(name).render(**known)
    except jinja2.TemplateSyntaxError as error:
        where = f"{error.name or name}:{error.lineno}"
        raise OutputError(f"{where}: {error.message}", hint="mend the template") from error
    except jinja2.TemplateError as error:
        raise OutputError(f"{name}: {error}", hint="mend the template") from error


def _own_page(name: str, own: OwnTemplates, known: Mapping[str, object], mark: str) -> str:
    parts: list[str] = []
    size = 0
    try:
        for part in _own_environment(own.folder).get_template(name).generate(**known):
            size += len(part)
            if size > MOST_OF_A_PAGE:
                raise LimitReached(f"the page has more than {MOST_OF_A_PAGE:,} characters")
            parts.append(part)
    except jinja2.TemplateSyntaxError as error:
        where = f"{error.filename or _full(own, error.name or name)}:{error.lineno}"
        raise TemplateError(f"{where}: {error.message}", hint="mend the template") from None
    except (TemplateError, OutputError):
        raise
    except (Exception, LimitReached) as error:
        what = _said(error)
        parts.clear()
        where = _where(error, own.folder) or _full(own, name)
        raise TemplateError(f"{where}: {what}", hint="mend the template") from None
    text = "".join(parts)
    body, end, rest = text.rpartition("</body>")
    if not end:
        where = _full(own, name)
        raise TemplateError(f"{where}: the page has no </body>", hint="mend the template")
    return f'{body}<p class="own foot" data-templates="own">{escape(mark)}</p>\n{end}{rest}'


def _full(own: OwnTemplates, name: str) -> str:
    """Where a template stands: in the user's folder, or among ours."""
    path = Path(own.folder, *name.split("/"))
    return str(path) if path.is_file() else name


def _said(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return "needs more memory than a template may have"
    if isinstance(error, jinja2.TemplateNotFound):
        return f'there is no template "{error.name}"'
    if isinstance(error, RecursionError):
        return "calls itself too often"
    return str(error) or type(error).__name__


def _where(error: BaseException, folder: str) -> str | None:
    """The line of a user's template that an error came from."""
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(folder)
    ]  # fmt: skip
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else None
