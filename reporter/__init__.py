"""May this Kubernetes cluster be upgraded? Judges CCE pre-upgrade checks against policies.

>>> import reporter
>>> response = reporter.read("samples/failed-addon/response.json")
>>> policy = reporter.Policy.load("builtin:recommended")
>>> verdict = reporter.evaluate(response, policy, at="2026-11-20T09:30:00Z")
>>> verdict.outcome, verdict.exit_code
('fail', 1)
>>> for reason in verdict.reasons:
...     print(reason.what.text)
AddonLimit fails: addon [ CoreDNS ] status is abnormal, check and try again
>>> page = reporter.render(verdict, "html", exhibits=["samples/failed-addon/response.json"])
>>> page.startswith("<!doctype html>")
True

What can't be relied on is an exception with a hint, never a verdict:

>>> reporter.read(b"{}")
Traceback (most recent call last):
reporter.errors.InputError: ...

Everything here is imported when it is first asked for. What may change in the names of
`__all__`, and how long before it is said, stands in docs/versions.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, get_args, overload

if TYPE_CHECKING:
    from pathlib import Path

    from reporter.errors import InputError, LiveError, OutputError, PolicyError, ReporterError
    from reporter.policy.evaluate import evaluate
    from reporter.policy.load import Policy
    from reporter.precheck.response import Response
    from reporter.record.model import Verdict
    from reporter.sources.read import Unreadable, read, read_responses

__version__ = "0.1.0"

__all__ = [
    "InputError",
    "LiveError",
    "OutputError",
    "Policy",
    "PolicyError",
    "ReporterError",
    "Response",
    "Unreadable",
    "Verdict",
    "__version__",
    "evaluate",
    "read",
    "read_responses",
    "render",
]

_HOMES = {
    "InputError": "reporter.errors",
    "LiveError": "reporter.errors",
    "OutputError": "reporter.errors",
    "PolicyError": "reporter.errors",
    "ReporterError": "reporter.errors",
    "Policy": "reporter.policy.load",
    "Response": "reporter.precheck.response",
    "Verdict": "reporter.record.model",
    "Unreadable": "reporter.sources.read",
    "evaluate": "reporter.policy.evaluate",
    "read": "reporter.sources.read",
    "read_responses": "reporter.sources.read",
}


@overload
def render(
    verdict: Verdict,
    form: Literal["pdf"],
    exhibits: Iterable[bytes | str | Path] = (),
    *,
    lang: Literal["en", "zh-CN"] = "en",
    view: Literal["approver", "operator", "auditor"] = "auditor",
) -> bytes: ...
@overload
def render(
    verdict: Verdict,
    form: Literal["html", "junit", "json", "markdown", "sarif", "csv"],
    exhibits: Iterable[bytes | str | Path] = (),
    *,
    lang: Literal["en", "zh-CN"] = "en",
    view: Literal["approver", "operator", "auditor"] = "auditor",
) -> str: ...
@overload
def render(
    verdict: Verdict,
    form: str,
    exhibits: Iterable[bytes | str | Path] = (),
    *,
    lang: Literal["en", "zh-CN"] = "en",
    view: Literal["approver", "operator", "auditor"] = "auditor",
) -> str | bytes: ...
def render(
    verdict: Verdict,
    form: str,
    exhibits: Iterable[bytes | str | Path] = (),
    *,
    lang: Literal["en", "zh-CN"] = "en",
    view: Literal["approver", "operator", "auditor"] = "auditor",
) -> str | bytes:
    """A report: `html`, `junit`, `json`, `markdown`, `sarif` and `csv` as text, `pdf` as bytes.

    `exhibits` are the judged files (paths, or their bytes); one whose digest the record does not
    list is refused. `lang` and `view` are for HTML, PDF and Markdown.

    >>> from reporter import Policy, evaluate, read, render
    >>> response = read("samples/published-autopilot/response.json")
    >>> verdict = evaluate(response, Policy.load("builtin:recommended"), at="response")
    >>> print(render(verdict, "markdown", lang="zh-CN", view="approver").splitlines()[0])
    ## ✓ 有条件通过
    """
    from pathlib import Path

    from reporter import output
    from reporter.words import LANGUAGES

    for value, known in (
        (form, output.WRITERS),
        (lang, LANGUAGES),
        (view, get_args(output.Reader)),
    ):
        if value not in known:
            raise ValueError(f"{value!r} is none of {', '.join(known)}")
    files = [part if isinstance(part, bytes) else _bytes_of(Path(part)) for part in exhibits]
    options = output.Options(lang=lang, view=view)
    data = output.render(verdict, form, files, options=options)
    return data.decode() if form in output.TEXT_FORMATS else data


def _bytes_of(path: Path) -> bytes:
    from reporter.errors import InputError

    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{path}: can't be read: {said}", hint="check the path") from None


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
