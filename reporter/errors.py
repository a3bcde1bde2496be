"""The one exception family. Raised anywhere, caught once, in the command line."""

from __future__ import annotations

import re

_BREAKS = re.compile("[\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029]")


class ReporterError(Exception):
    """Something a person has to act on: one line that says what and where, one on what to do.

    `problems` holds further lines of the same kind (a policy may have several mistakes).
    """

    def __init__(
        self, message: str, *, hint: str | None = None, problems: tuple[str, ...] = ()
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.problems = problems or (message,)


class InputError(ReporterError):
    """An input could not be read or is not a pre-upgrade check response.

    Its name may be anybody's, with line breaks in it: the message stays one line.
    """

    def __init__(
        self, message: str, *, hint: str | None = None, problems: tuple[str, ...] = ()
    ) -> None:
        told = _BREAKS.sub(lambda found: repr(found[0])[1:-1], message)
        super().__init__(told, hint=hint, problems=problems)


class PolicyError(ReporterError):
    """A policy or waiver file, or what the command line says, is wrong."""


class LiveError(ReporterError):
    """The live API could not be asked, or answered with an error."""


class OutputError(ReporterError):
    """A report could not be made or written."""


class TemplateError(ReporterError):
    """A user's own template is wrong, or took more than it may."""
