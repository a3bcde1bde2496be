"""The names a response has, and which of them somebody meant who wrote none of them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from functools import cached_property, lru_cache
from itertools import islice

from reporter.policy.match import Target
from reporter.policy.written import Written, asked

MOST_ALIKE = 200
"""Names of a response that are compared letter by letter: there are some sixty."""

MOST_SEARCHED = 2_000
"""Names that are tried against globs and regular expressions, messages that are looked into."""

MOST_MEANT = 20
"""Names that are tried in the place of one pattern."""

_ONE_ASK = 40
"""Signs that could be looked through while a pattern is put to an empty text."""

_LIST = re.compile(r"[!|,{}();]")
_WORD = re.compile(r"[\w.-]+")
_DIGITS = re.compile(r"\d+")


class Left:
    """How much may still be looked through."""

    def __init__(self, signs: int) -> None:
        self._signs = signs

    @property
    def is_spent(self) -> bool:
        """Whether some texts could not be looked through."""
        return self._signs < 0

    def of(self, texts: Iterable[str]) -> Iterator[str]:
        """The texts, as long as there is time for them."""
        for text in texts:
            self._signs -= len(text) + _ONE_ASK
            if self._signs < 0:
                return
            yield text


class Spelled:
    """Names, by how they are folded."""

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names
        self._folded = {_fold(name): name for name in sorted(names)}
        self._known: dict[tuple[str, bool], str | None] = {}

    def __contains__(self, text: str) -> bool:
        return text in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._sorted)

    @cached_property
    def _sorted(self) -> list[str]:
        return sorted(self._names)

    def meant(self, text: str, *, alike: bool) -> str | None:
        """The name somebody meant by a text that is none of them; looked for once.

        In other capitals or wide signs, or among signs that lists are written with elsewhere (`!A`,
        `A|B`); `alike`: with a letter more, less or another as well.
        """
        key = text, alike
        if key not in self._known:
            self._known[key] = self._meant(text, alike=alike)
        return self._known[key]

    def _meant(self, text: str, *, alike: bool) -> str | None:
        if text in self._names:
            return None
        if (meant := self._folded.get(_fold(text))) is not None:
            return meant
        parts = _WORD.findall(text) if _LIST.search(text) else ()
        found = next((part for part in parts if part in self._names), None)
        if found is not None or not alike:
            return found
        near = [name for name in self._some if abs(len(name) - len(text)) <= 2]
        # With another number it is another check: of two partitions, say.
        near = [name for name in near if _DIGITS.findall(name) == _DIGITS.findall(text)]
        near = [name for name in near if not _is_another(self._folded[name], text)]
        close = get_close_matches(_fold(text), near, n=1, cutoff=0.9)
        return self._folded[close[0]] if close else None

    @cached_property
    def _some(self) -> list[str]:
        return list(islice(self._folded, MOST_ALIKE))


@lru_cache(maxsize=16)
def spelled_alike(names: frozenset[str]) -> Spelled:
    """The checks of a response: of an audit's thousands many have the same."""
    return Spelled(names)


class Names:
    """Names that are here, and what has them."""

    def __init__(self, spelled: Spelled, having: Iterable[tuple[str, Target]], left: Left) -> None:
        self.spelled, self._pairs, self._left = spelled, having, left
        self.meant = spelled.meant

    @cached_property
    def _having(self) -> dict[str, list[Target]]:
        found: dict[str, list[Target]] = {}
        for name, target in self._pairs:
            found.setdefault(name, []).append(target)
        return found

    def having(self, name: str) -> Sequence[Target]:
        """The findings that have it."""
        return self._having.get(name, ())

    def may_mean(self, text: str) -> bool:
        """Whether a text is a name that is here, or may be one written in another form."""
        return text in self.spelled or self.meant(text, alike=False) is not None

    def fitted_otherwise(self, written: Written) -> list[str]:
        """Names that a pattern fits but for its capitals, or that hold it, where it fits none."""
        some = list(islice(self.spelled, MOST_SEARCHED))
        text, own = written.text, written.fits()
        if any(own(name) is not False for name in self._left.of(some)):
            return []
        fold = (lambda name: name) if written.is_regex else str.lower
        capitals = f"(?i:{text})" if written.is_regex else text.lower()
        found: list[str] = []
        if other := asked(capitals, is_regex=written.is_regex):
            fitted = (name for name in self._left.of(some) if other(fold(name)))
            found = list(islice(fitted, MOST_MEANT))
        if not found and written.is_for_a_part:
            within = asked(written.within(), is_regex=written.is_regex)
            fitted = (name for name in self._left.of(some) if within and within(name))
            found = list(islice(fitted, MOST_MEANT))
        return found


def _is_another(name: str, text: str) -> bool:
    """Whether they differ in letters of an abbreviation alone, as `GPU` and `CPU` do."""
    if len(name) != len(text):
        return False
    unlike = [at for at, (one, other) in enumerate(zip(name, text, strict=True)) if one != other]
    return all(name[at].isupper() and text[at].isupper() for at in unlike)


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
