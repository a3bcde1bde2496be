"""How an answer says that it is one page of a longer one: the API knows no pages, somebody cut it.

Kubernetes, the cloud's other services and the usual frameworks each have their words; whatever the
case and the signs between them, they read the same.
"""

from __future__ import annotations

import re
from typing import Any

from reporter.signs import folded, may_be_one_of

_GOES_ON = frozenset(
    {"continue", "hasmore", "hasmoreitems", "hasmorepages", "hasmoreresults", "hasnext"}
    | {"hasnextpage", "ismore", "istruncated", "moreavailable", "moreitems", "morepages"}
    | {"moreresults", "remainingitemcount", "truncated", "partial", "ispartial"}
    | {"continuation", "continuationtoken", "continuetoken", "odatanextlink"}
    | {"incomplete", "incompleteresults"}
)
_NEXT = frozenset(
    {"next", "nextcontinuationtoken", "nextpagestartindex", "lastevaluatedkey"}
    | {f"next{what}" for what in ("cursor", "href", "key", "link", "marker", "offset", "page")}
    | {f"next{what}" for what in ("pagelink", "pagetoken", "pageurl", "token", "uri", "url")}
)
"""Of what comes next there may be an object, too: a link."""
_LINKS = frozenset({"link", "links"})
_PAGES = frozenset({"pagecount", "pagestotal", "pagetotal", "totalpage", "totalpages"})
_BESIDE_A_LIST = frozenset(
    {"more", "offset", "prev", "previous", "prevpage", "hasprev", "hasprevious"}
    | {"hasprevpage", "haspreviouspage"}
    | {"previouspage", "prevlink", "previouslink", "prevpagetoken", "previouspagetoken"}
)
"""Elsewhere they may say anything. (`previous_marker` is the first record of any page.)"""
_WHOLE = frozenset(
    {"complete", "first", "firstpage", "isfirst", "isfirstpage", "last", "islast", "islastpage"}
)
"""What says that nothing is before or behind a list, and so may deny it."""
_COUNTED_FROM_ONE = frozenset(
    {"page", "start", "skip", "skipped", "number", "first", "from", "index"}
    | {f"page{what}" for what in ("index", "no", "num", "number")}
    | {f"{which}page" for which in ("cur", "current", "this")}
    | {f"{which}index" for which in ("start", "from", "currentpage")}
    | {"startat"}
    | {f"{which}{what}" for which in ("currentpage", "curpage") for what in ("no", "number")}
)
"""Which page of a list this is, or which record its first: some count from 0, others from 1."""
_PAGES_OF_A_LIST = _PAGES | {"pages", "lastpage", "maxpage", "numpages", "numberofpages"}
_NAMES = _GOES_ON | _NEXT | _LINKS | _PAGES | {"more"}

_NOTHING_IN_A_HEADER = frozenset({"", "-", "f", "n", "n/a", "nil", "off"})
_REL_NEXT = re.compile(r"(?i)\brel\s{0,9}=\s{0,9}[\"'\\]{0,3}(?:[\w-]{1,30}\s{1,9}){0,9}next\b")
_PAGE_OF = re.compile(r"(?i:\s*page)?\s*0*(\d{1,9})\s*(?:/|of)\s*0*(\d{1,9})\s*", re.ASCII)
_A_TIME = 100_000_000
"""What is larger counts seconds, and no pages."""
_PLAIN_NUMBER = re.compile(r"\s{0,9}\d{1,18}(?:\.\d{0,9})?\s{0,9}", re.ASCII)


def may_tell_of_pages(name: str) -> bool:
    """Whether a key is one of those that do, whatever it says."""
    return folded(name) in _NAMES


def tells_of_pages(name: str, value: Any) -> bool:
    """Whether a key and its value say that something goes on elsewhere.

    What is empty, false or zero says that nothing does.
    """
    plain = folded(name)
    if plain not in _NAMES or _says_nothing(value):
        return False
    if plain in _NEXT:
        return True
    if plain == "more":
        return value is True
    if plain in _GOES_ON:
        return not isinstance(value, dict | list)
    return (_number(value) or 0) > 1 if plain in _PAGES else _leads_on(value)


def header_tells_of_pages(name: str, value: str, tasks: int) -> bool:
    """The same of a header beside an answer, without what may stand before its name.

    Headers count much else: a number alone is none of a page.
    """
    if value.strip().lower() in _NOTHING_IN_A_HEADER:
        return False
    if tells_of_pages(name, value):
        return True
    plain = folded(name)
    if plain in _PAGES_OF_A_LIST or plain == "totalcount":
        return (_number(value) or 0) > (tasks if plain == "totalcount" else 1)
    parts = _PAGE_OF.fullmatch(value) if plain in _COUNTED_FROM_ONE else None
    return parts is not None and (parts[1] != "1" or parts[2] != "1")


def tells_of_a_longer_list(name: str, value: Any, tasks: int) -> bool:
    """The same of a key beside the `tasks` of a list, or that there are more tasks than these."""
    plain = folded(name)
    if plain in _WHOLE and value is False:
        return True
    if _says_nothing(value):
        return False
    if tells_of_pages(name, value) or plain in _BESIDE_A_LIST:
        return True
    if plain in _LINKS and _leads_on(value, *_BESIDE_A_LIST):
        return True
    if plain in _PAGES_OF_A_LIST:
        return (_number(value) or 0) > 1
    if plain in _COUNTED_FROM_ONE:
        if isinstance(value, str) and (parts := _PAGE_OF.fullmatch(value)):
            return parts[1] != "1" or parts[2] != "1"
        return 1 < (_number(value) or 0) < _A_TIME
    counts = plain.startswith("total") or plain.endswith(("total", "count"))
    if counts and not plain.endswith("account"):
        numbers = value.values() if isinstance(value, dict) else [value]
        return any((_number(number) or 0) > tasks for number in numbers)
    return not name.isascii() and may_be_one_of(name, _GOES_ON | _NEXT)


def _says_nothing(value: Any) -> bool:
    if isinstance(value, str):
        return value.strip().lower() in ("", "0", "false", "no", "none", "null")
    return not value  # none, false, zero, and what holds nothing


def _number(value: Any) -> float | None:
    if isinstance(value, str):
        return float(value) if _PLAIN_NUMBER.fullmatch(value) else None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _leads_on(links: Any, *more: str) -> bool:
    """Whether links, by their relation or each with its own, have one to what comes next."""
    where = {"next", *more}
    if isinstance(links, dict):
        if where.intersection(_relations(links)):
            return True
        return any(folded(name) in where and not _says_nothing(to) for name, to in links.items())
    if isinstance(links, list):
        return any(where.intersection(_relations(link)) for link in links if isinstance(link, dict))
    return isinstance(links, str) and _REL_NEXT.search(links) is not None


def _relations(link: dict[str, Any]) -> list[Any]:
    found = [to for name, to in link.items() if folded(name) in ("rel", "relation")]
    return [
        word
        for to in found
        for part in (to if isinstance(to, list) else [to])
        if isinstance(part, str)
        for word in part.lower().split()
    ]
