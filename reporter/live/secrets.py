"""What must not be told: the credentials a run knows, kept out of all that it says.

A server may answer with what it was asked with: an error that quotes the token, a phase that is
the access key, whole, cut off or spelled as in an address. Whatever the live commands say goes
through `Secrets`; only what is saved is what came.
"""

from __future__ import annotations

import json
import string
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from traceback import format_exception_only
from urllib.parse import quote, quote_plus, unquote, urlsplit

from reporter.errors import ReporterError

HIDDEN = "[hidden]"
SHORTEST = 6
"""A secret with fewer signs stays: hiding it everywhere would hide what is none."""
PIECE = 16
"""So many signs of a longer secret are hidden too: what an error quotes may be cut off."""

_VARIABLES = (
    "HUAWEICLOUD_TOKEN",
    "HUAWEICLOUD_SDK_AK",
    "HUAWEICLOUD_SDK_SK",
    "HUAWEICLOUD_SDK_SECURITY_TOKEN",
    "CLOUD_SDK_AK",
    "CLOUD_SDK_SK",
    "CLOUD_SDK_SECURITY_TOKEN",
)
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


class Secrets:
    """The secrets of a run, and texts without them."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._fixed = frozenset(_in_environment(environment))
        self._more: Callable[[], Iterable[str | None]] = tuple
        self._known: frozenset[str] = frozenset()
        self._forms: frozenset[str] = frozenset()
        self._pieces: dict[int, set[str]] = {}

    def watch(self, more: Callable[[], Iterable[str | None]]) -> None:
        """Ask here as well, each time: credentials of a machine change while it waits."""
        self._more = more

    def hide(self, text: str) -> str:
        """A text with `[hidden]` for each secret, or piece of one, however it is spelled."""
        self._look()
        plain = text.translate(_LOWER)
        covered = bytearray(len(text))
        for size, pieces in self._pieces.items():
            for start in range(len(text) - size + 1):
                if plain[start : start + size] in pieces:
                    covered[start : start + size] = b"\1" * size
        shown = []
        for place, sign in enumerate(text):
            if not covered[place]:
                shown.append(sign)
            elif place == 0 or not covered[place - 1]:
                shown.append(HIDDEN)
        return "".join(shown)

    def are_in(self, body: bytes) -> bool:
        """Whether what came holds one of them, whole."""
        self._look()
        return any(form.encode("utf-8", "surrogateescape") in body for form in self._forms)

    def taken_out_of(self, error: BaseException) -> BaseException:
        """The error as it may be told, traceback and all: itself where it tells nothing."""
        message = getattr(error, "message", None)
        if isinstance(message, str):  # ours, and those about the command line
            vars(error).update(message=self.hide(message))
            error.args = (self.hide(message),)
        if isinstance(error, ReporterError):
            error.hint = None if error.hint is None else self.hide(error.hint)
            error.problems = tuple(map(self.hide, error.problems))
        told = "".join(line for part in _chain(error) for line in format_exception_only(part))
        if not isinstance(error, Exception) or self.hide(told) == told:
            return error
        if isinstance(message, str):
            # What it came of tells one.
            error.__cause__, error.__suppress_context__ = None, True
            return error
        plain = RuntimeError(self.hide(f"{type(error).__name__}: {error}"))
        plain.__suppress_context__ = True
        return plain.with_traceback(error.__traceback__)

    def _look(self) -> None:
        known = self._fixed | {one for one in self._more() if one}
        known = frozenset(one for one in known if len(one) >= SHORTEST)
        if known == self._known:
            return
        self._known = known
        self._forms = frozenset(form for one in known for form in _spellings(one))
        self._pieces = {}
        for form in self._forms:
            plain, size = form.translate(_LOWER), min(len(form), PIECE)
            pieces = self._pieces.setdefault(size, set())
            pieces.update(plain[start : start + size] for start in range(len(plain) - size + 1))


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error and all that a traceback shows it came of."""
    seen: list[BaseException] = []
    part: BaseException | None = error
    while part is not None and part not in seen:
        seen.append(part)
        yield part
        part = part.__cause__ or part.__context__


def _in_environment(environment: Mapping[str, str]) -> Iterable[str]:
    for name in _VARIABLES:
        yield environment.get(name, "").strip()
    for name, value in environment.items():
        if name.upper().endswith("_PROXY"):
            try:
                password = urlsplit(value).password or ""
            except ValueError:
                continue
            yield from (password, unquote(password))


def _spellings(secret: str) -> Iterable[str]:
    """As it is, in JSON, in an address, and in base64 wherever in the packed text it stands."""
    raw = secret.encode("utf-8", "surrogateescape")
    yield secret
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret)[1:-1].replace("/", "\\/")
    yield quote(raw, safe="")
    yield quote(raw)
    yield quote_plus(raw)
    for before in range(3):
        # Only the signs that come of the secret alone.
        first, end = (0, 2, 3)[before], (before + len(raw)) * 8 // 6
        packed = b64encode(b"\0" * before + raw).decode()[first:end]
        if len(packed) >= SHORTEST:
            yield packed
            yield packed.replace("+", "-").replace("/", "_")
