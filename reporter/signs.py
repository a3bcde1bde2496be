"""What a person sees of a text: signs nobody sees, and letters that look like others.

Names and words are matched exactly as they came. What is decided here is only whether somebody
who looks at one may take it for something else.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

_IGNORED = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Unicode's Default_Ignorable_Code_Point: nothing is drawn for them, whatever they are called."""

_BLANK = "\u2800"
"""The braille pattern without a dot: a blank that Unicode calls a symbol."""

_NOT_DRAWN = re.compile(f"[{_IGNORED}{_BLANK}]")
_NO_LETTER = re.compile(r"[\W_]+")


def _pairs(text: str) -> dict[int, str]:
    return {ord(pair[0]): pair[1:] for pair in text.split()}


# Before the case is folded: a capital that looks the same may have a small letter that doesn't.
_CAPITALS = _pairs(
    # Greek
    "Αa Βb Εe Ζz Ηh Ιi Κk Μm Νn Οo Ρp Τt Υy Χx Ϲc Ϳj "
    # Cyrillic
    "Аa Вb Еe Кk Мm Нh Оo Рp Сc Тt Уy Хx Іi Ѕs Јj Ԁd Ԍg Ԛq Ԝw Ӏi Үy "
    # Armenian
    "Օo Սu Տs Լl Հh Ոn "
    # Cherokee
    "Ꭰd Ꭱr Ꭲt Ꭵi Ꭹy Ꭺa Ꭻj Ꭼe Ꮃw Ꮇm Ꮋh Ꮍy Ꮐg Ꮓz Ꮟb Ꮢr Ꮤw Ꮥs Ꮩv Ꮪs Ꮮl Ꮯc Ꮲp Ꮶk Ᏻg Ᏼb "
    # Lisu
    "ꓐb ꓑp ꓓd ꓔt ꓖg ꓗk ꓙj ꓚc ꓜz ꓝf ꓟm ꓠn ꓡl ꓢs ꓣr ꓦv ꓧh ꓪw ꓫx ꓬy ꓮa ꓰe ꓲi ꓳo ꓴu"
)
_SMALL = _pairs(
    # Cyrillic
    "аa еe оo рp сc уy хx іi ѕs һh ӏl кk мm тt вb нh ԁd ԛq ԝw ьb јj ԍg үy "
    # Greek
    "αa εe οo ρp νv ιi κk χx υu τt βb ηn ϲc "
    # Armenian
    "օo սu հh ցg զq յj ոn ւi "
    # Latin and letters like Latin ones
    "ɑa ɡg ɢg ıi ɩi ɪi ɨi ȷj ǀl ǃi ʏy ʜh ʟl ɴn ʀr ʙb ᴀa ᴄc ᴅd ᴇe ᴊj ᴋk ᴍm ᴏo ᴘp ᴛt ᴜu ᴠv ᴡw ᴢz "
    "ꜱs ꜰf øo đd ħh łl ŧt ƅb ƍo ƽs ƿp ɼr ʋu ꞵb ⲟo ⲣp ⲥc"
)

_ALIKE = {**_CAPITALS, **_SMALL}


def is_unseen(sign: str) -> bool:
    """Whether nothing is seen of a sign: a blank, a control, or one that is not drawn."""
    return unicodedata.category(sign)[0] in "CZ" or _NOT_DRAWN.match(sign) is not None


def says_nothing(text: str) -> bool:
    """Whether nothing is seen of a text, however long it is."""
    return all(map(is_unseen, text))


def is_todo(words: str) -> bool:
    """Whether a text only holds the place of what somebody has yet to say."""
    seen = "".join(sign for sign in words if sign.isascii() or not is_unseen(sign))
    return re.match(_TODO, seen) is not None


# Compiled where a text is asked: that takes long, and most runs never do.
_TODO = (
    # The word itself, not the key of a ticket (TBC-1042) or somebody's name (todo.k@…); or the
    # form of a place to fill in.
    r"(?!Todo +(?!A(?:dd|pprov|sk)|C(?:heck|onfirm)|F(?:ill|ind)|Get|Later|Name|Set|Update"
    r"|W(?:ho|rite))[A-Z][a-z])(?i:[\s<({\[\"'*_-]*(?:TODO|TBD|TBC|FIXME|XXX)"
    r"(?:[.-]*\Z|[\s:,;!?>)}\]\"'*/]|[^\x00-\x7f]))"
    r"|\s*<(?!(?i:[a-z]{2,9})://)[^<>@]*>\s*\Z"
    # The same in other words, and the key of a ticket without its number.
    r"|(?i:\W*(?:to[ -]do|to be (?:added|announced|approved|confirmed|decided|defined|determined"
    r"|done|filled in|named)"
    r"|n/a|\?+|-{2,}|\.{2,})\W*\Z)"
    r"|\s*[A-Z]{2,10}[-_][XN0?#_]{2,}\s*\Z|\s*(?:\$\{[^}]*\}|\{\{[^}]*\}\})\s*\Z"
    r"|\s*(?:待定|待补充|待确认|待填写|待办|未定|暂无)\W*\Z"
)


def hides_a_sign(text: str) -> bool:
    """Whether a text holds a sign that nobody sees, blanks and ends of lines not counted."""
    if text.isascii() and text.isprintable():
        return False
    return any(
        is_unseen(sign) and sign not in "\t\n" and unicodedata.category(sign) != "Zs"
        for sign in text
    )


def folded(name: str) -> str:
    """A name by its letters and digits alone, as somebody who looks at it reads it.

    SDKs write `items_status`. A sign of no width, a letter of another alphabet that looks the
    same or a wide one does not make another field of it either.
    """
    return _NO_LETTER.sub("", name.lower()) if name.isascii() else _folded(name)


@lru_cache(maxsize=256)
def _folded(name: str) -> str:
    # Each step makes letters that the table has, or takes away what made it fit.
    plain = unicodedata.normalize("NFKD", name.translate(_ALIKE)).translate(_ALIKE)
    plain = _NOT_DRAWN.sub("", plain.casefold().translate(_ALIKE)).lower()
    # Marks are no letters either.
    return _NO_LETTER.sub("", plain)


def reads_as_written(name: str) -> bool:
    """Whether a name is what a person reads.

    No blank at its edge, no sign unseen, no letters that look like others: nobody can list those,
    so a name of ASCII letters has no others but ideographs, kana and syllables of Hangul.
    """
    return _reads_as_written(name) if len(name) < _LONG else _long_reads_as_written(name)


def _reads_as_written(name: str) -> bool:
    if name != name.strip() or not name.isprintable():
        return False
    if name.isascii():
        return True
    if _NOT_DRAWN.search(name):
        return False
    plain = re.sub(_UNMISTAKABLE, "", name)
    return plain.isascii() or not (_ASCII_LETTER.search(plain) or folded(plain).isascii())


_long_reads_as_written = lru_cache(maxsize=256)(_reads_as_written)
"""What is long is looked at once, however many findings are of it."""


def legible(name: str | None) -> str | None:
    """A name, or None where it may be taken for another: whose it is, is open."""
    return name if name is not None and reads_as_written(name) else None


_ASCII_LETTER = re.compile("[A-Za-z]")
_UNMISTAKABLE = (
    # Brackets and commas, as Huawei writes the names of add-ons; not 〇, a circle.
    "[\u3001-\u3003\u3008-\u3011\u3014-\u301b\uff08\uff09\uff0c\u3041-\u3096\u30a1-\u30fa"
    "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\U00020000-\U0003134f]+"
)
"""Letters and signs of which none looks like a letter of ASCII."""


def may_be_one_of(name: str, words: Iterable[str]) -> bool:
    """Whether a name reads as one of some folded words.

    Whose letters look alike, nobody can list: beside ASCII letters, every other sign of a name
    may stand for any letter, or for none.
    """
    plain = folded(name)
    if name.isascii():
        return plain in words
    known = tuple(words)
    return plain in known or any(_fits(name, word) for word in known)


def read_as(name: str, words: frozenset[str]) -> frozenset[str]:
    """The folded words that a name reads as; see `may_be_one_of`."""
    plain = folded(name)
    if name.isascii():
        return words & {plain}
    return frozenset(word for word in words if word == plain or _fits(name, word))


def may_hold(name: str, word: str, *, at_start: bool = False) -> bool:
    """Whether a folded word stands somewhere in a name, or at its start, as a person may read it.

    Half the word has to be in ASCII letters where others stand for any.
    """
    plain = folded(name)
    if plain.startswith(word) if at_start else word in plain:
        return True
    return not name.isascii() and any(
        _fits(part, word, within=True, at_start=at_start) for part in (name, plain)
    )


def _fits(name: str, word: str, *, within: bool = False, at_start: bool = True) -> bool:
    """Whether a mixed name is a word, where what is not ASCII may be any one sign or none."""
    plain = _plain_signs(name)
    if plain.isdigit() or not plain:
        return False
    # Nearly all are told by their letters alone.
    if within:
        if 2 * sum(letter in plain for letter in word) < len(word):
            return False
    elif len(plain) > len(word) or not all(sign in word for sign in plain):
        return False
    if len(name) > _LONG and len(name := _MANY_OTHERS.sub(r"\1", name)) > _LONG:
        return True  # nobody reads it, so nobody knows what it looks like
    # Bit N of `read[others]`: N letters of the word were read, so many of them as other signs.
    places: dict[str, int] = {}
    for place, letter in enumerate(word, 1):
        places[letter] = places.get(letter, 0) | 1 << place
    most = len(word) // 2 if within else len(word)
    whole = 1 << len(word)
    anew = 1 if within and not at_start else 0
    read = [1] + [0] * most
    for sign in name.lower():
        if not sign.isascii():
            for others in range(most, 0, -1):
                read[others] |= read[others - 1] << 1
            read[0] |= anew
        elif sign.isalnum():
            here = places.get(sign, 0)
            read = [(bits << 1) & here for bits in read]
            read[0] |= anew
        if within and any(bits & whole for bits in read):
            return True
        if not any(read):
            return False
    return not within and any(bits & whole for bits in read)


@lru_cache(maxsize=256)
def _plain_signs(name: str) -> str:
    return _NO_PLAIN.sub("", name.lower())


_NO_PLAIN = re.compile("[^a-z0-9]+")
_LONG = 200
_MANY_OTHERS = re.compile(r"([^\x00-\x7f]{30})[^\x00-\x7f]+")
"""More of them than any word has letters make no other reading."""
