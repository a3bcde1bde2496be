"""The one place that knows Jinja2. Templates loop over a view; they decide nothing.

Everything is escaped unless it is `Markup` of our own making, and a name that is missing is an
error rather than a hole in a report.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import jinja2
from markupsafe import Markup

from reporter.errors import OutputError
from reporter.output.clean import web_address
from reporter.output.diff.view import DiffReport
from reporter.output.view import Report
from reporter.resources import bundled
from reporter.words import Language


def _source(name: str) -> str | None:
    # Our own names only, so no path can lead out of the folder; works from a zipped wheel too.
    found = bundled("templates")
    for part in name.split("/"):
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


def asset(name: str) -> str:
    """A style sheet or script of ours, with the line ends a browser hashes."""
    text = _source(name)
    if text is None:
        raise OutputError(f"the template {name} is missing", hint="install cce-precheck again")
    return text.replace("\r\n", "\n")


def _spoken(words: Language) -> dict[str, object]:
    """How a template says something of its own: `_("Why")`, `n_("{count} node", …, 3)`."""
    return {"_": words.text, "n_": words.count, "listed": words.joined, "gap": words.gap}


def page(name: str, report: Report | DiffReport, *, safe: Mapping[str, str], **more: object) -> str:
    """A page from its template. What is `safe` is of our own making and is not escaped."""
    trusted = {key: Markup(text) for key, text in safe.items()}  # noqa: S704
    try:
        template = _environment().get_template(name)
        return template.render(report=report, **_spoken(Language(report.lang)), **more, **trusted)
    except jinja2.TemplateSyntaxError as error:
        where = f"{error.name or name}:{error.lineno}"
        raise OutputError(f"{where}: {error.message}", hint="mend the template") from error
    except jinja2.TemplateError as error:
        raise OutputError(f"{name}: {error}", hint="mend the template") from error
