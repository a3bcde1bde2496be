"""Regular expressions as policies have them: RE2, linear in time, over whole values.

The only module that imports re2.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any


def fits_whole(text: str) -> Callable[[str], bool | None]:
    """Whether a value fits from its first sign to its last. `ValueError` says what is wrong.

    A point stops at the end of a line, and messages have several. Where it decides alone whether
    a value of several lines fits, that is left open: `.*forbidden.*` is not evaded by a new line,
    and `.*harmless.*` covers none of it.
    """
    whole, across = _compiled(text).fullmatch, _compiled(text, across_lines=True).fullmatch

    def fits(value: str) -> bool | None:
        if whole(value) is not None:
            return True
        return None if "\n" in value and across(value) is not None else False

    return fits


def steps(text: str) -> int:
    """How many steps it compiles to. `ValueError` says what is wrong with it."""
    return int(_compiled(text).programsize)


def looks_like_glob(text: str) -> bool:
    """Whether a star repeats a letter or hyphen, as in `prod-*`, and nothing else is special."""
    return _LIKE_GLOB.fullmatch(text) is not None


_LIKE_GLOB = re.compile(r"[\w /-]*[\w/-]\*[\w /-]*(?:\*[\w /-]*)*")


@lru_cache(maxsize=1024)
def _compiled(text: str, *, across_lines: bool = False) -> Any:
    import re2

    options = re2.Options()
    options.log_errors = False
    options.dot_nl = across_lines
    try:
        return re2.compile(text, options)
    except re2.error as error:
        reason = error.args[0]
        said = reason.decode() if isinstance(reason, bytes) else str(reason)
        raise ValueError(said) from None
