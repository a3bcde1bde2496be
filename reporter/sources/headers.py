"""What the headers of an answer say against it: a page, a part, a copy of a cache.

Headers are given as lines, in any letters, in which a file holds them or a client showed them.
"""

from __future__ import annotations

import re

from reporter.precheck.paging import header_tells_of_pages
from reporter.sources.documents import BLANKS

# What says in a header that the answer is one page, or a part: the API knows neither.
_OF_A_PAGE = re.compile(
    rb"\brel[ \t]{0,9}=[ \t]{0,9}[\"'\\]{0,3}(?:[\w-]{1,30}[ \t]{1,9}){0,9}(?:next|prev)"
    rb"(?:ious)?\b[\"']?"
    rb"|\bx-(?:continuation-token|pagination)[\"']?[ \t]*+:[ \t]*+\S"
    rb"|\bx-(?:next-(?!hop\b)[a-z-]{1,20}"
    rb"|(?:prev|previous)-(?:page|link|token|cursor|marker|url|offset|key|id|start)[a-z-]{0,20}"
    rb"|has-?(?:more|next)[a-z-]{0,20})[\"']?[ \t]*+:[ \t]*+"
    rb"(?!(?:false|no|off|none|null|nil|n/a|0)[\"']?[ \t]*+(?:[\r\n,;]|\Z))[^\s,;\"']"
    rb"|\bx-(?:(?:current-?)?page(?:-?(?:index|number|num|no))?|pages)[\"']?[ \t]*+:[ \t]*+"
    rb"0*+(?:[2-9]|1\d)"
    rb"|\bcontent-range[\"']?[ \t]*+:[ \t]*+[a-z]{1,20} (\d{1,18}|\*)(?:-(\d{1,18}))?/(\d{1,18}|\*)"
)
_TOTAL = re.compile(
    rb"(?im)^(?:[a-z]{1,20}-){0,3}total"
    rb"(?:-(?:count|items|results?|records?|elements?|(pages?)))?[ \t]*+:[ \t]*+(\d{1,18})"
)
# RFC 9111: an age, warnings of a cache that did not ask or of a proxy that changed the body; and
# what caches say in headers of their own.
_OF_A_CACHE = re.compile(
    rb"(?im)^(?:age[ \t]*+:[ \t]*+0*+[1-9]\d*+"
    rb"|warning[ \t]*+:(?:[^\r\n]*,)?[ \t]*+(?:11[0-3]|214)\b"
    rb"|cache-status[ \t]*+:[^\r\n]*;[ \t]*+hit\b"
    rb"|(?:[a-z]{1,20}-){0,2}cache(?:-status)?[ \t]*+:[^\r\n]*?"
    # A hit that was asked about again is none; nor is what a cache is called (`cache-hit-1`).
    rb"(?<![a-z_=])(?:tcp_(?!refresh_hit)(?:[a-z]{1,9}_){0,2}hit|hit|stale|updating)\b(?!-\d)"
    # How often a copy was handed out; of Varnish, the request that fetched it beside this one.
    rb"|x-cache-hits[ \t]*+:[^\r\n]*?(?<!\d)0*+[1-9]"
    rb"|x-varnish[ \t]*+:[ \t]*+\d{1,20}[ \t]++\d"
    # Squid's says what a look-up found, whatever is handed out; that of others, from where it is.
    rb"|x-cache-lookup[ \t]*+:[ \t]*+hit from (?:mem|disk|inner|upstream)[a-z0-9]{0,20}+(?![.:-])"
    rb"|x-(?:[a-z]{1,20}-)?from-cache[ \t]*+:[ \t]*+(?:1|true|yes)\b)"
)
_LINE = re.compile(
    rb"(?im)^(?=[a-z0-9-]{0,60}?(?:page|next|more|trunc|contin|partial|total|complete|link|remain"
    rb"|evaluat|start|first|skip|number|index))"
    rb"([a-z][a-z0-9-]{0,80})[ \t]*+:[ \t]*+([^\r\n]{0,400}?)[ \t]*+\r?$"
)
_BARE = frozenset({"next", "more", "continue", "partial", "incomplete"})
_OF_A_RATE = re.compile(rb"(?i)(?:x-)?(?:rate-?limit|retry|quota|throttle)")
"""What begins so may do these at another time: go on, next."""

_PARTS = 6
"""Of a field's name; what stands before them is the name of whose field it is."""
_SENT = re.compile(rb"(?im)^content-length[ \t]*+:[ \t]*+([^\r\n]*)")
_CODED = re.compile(
    rb"(?im)^(?:transfer-encoding[ \t]*+:[ \t]*+[^\s]"
    rb"|content-encoding[ \t]*+:[ \t]*+(?!identity[ \t]*+\r?$)[^\s])"
)
_SHOWN = re.compile(rb"(?m)^(?:[\d:. ]{0,30}<[-=]{0,2} ?|header: )")


def page_told_by(headers: bytes, tasks: int) -> str | None:
    """What says in headers that an answer is one page of several, or that there are more tasks."""
    if mark := mark_of_a_page(headers):
        return mark
    for total in _TOTAL.finditer(headers):
        if int(total[2]) > (1 if total[1] else tasks):
            return total[0].decode()
    # Whatever the cloud, a framework or a proxy puts before a field's name: X-WP-TotalPages.
    for line in _LINE.finditer(headers):
        parts, value = line[1].decode().split("-")[-_PARTS:], line[2].decode("utf-8", "replace")
        names = ["".join(parts[at:]) for at in range(len(parts))]
        if _OF_A_RATE.match(line[0]):
            names = [name for name in names if name.lower() not in _BARE]
        if any(header_tells_of_pages(name, value, tasks) for name in names):
            return line[0].decode("utf-8", "replace").rstrip()
    return None


def mark_of_a_page(text: bytes) -> str | None:
    """What says that an answer is one page of several, in small letters."""
    small = text.lower()
    if not any(
        word in small
        for word in (
            b"rel",
            b"x-next",
            b"x-prev",
            b"x-has",
            b"x-cont",
            b"x-pag",
            b"x-curr",
            b"content-range",
        )
    ):
        return None
    for mark in _OF_A_PAGE.finditer(small):
        first, last, whole = mark.groups()
        if first is None or not (last and whole.isdigit()):
            return mark[0].decode()
        if int(first) or int(last) + 1 < int(whole):
            return mark[0].decode()
    return None


def cache_told_by(headers: bytes) -> str | None:
    """What says in headers that an answer is a copy of a cache, and so perhaps of yesterday."""
    mark = _OF_A_CACHE.search(headers)
    return mark[0].decode("utf-8", "replace") if mark else None


def length_told_by(headers: bytes, body: bytes) -> str | None:
    """The `Content-Length` that is not the body's; it is none of what was packed or in chunks.

    Line ends that a copy turned, and blanks at its end, are no difference.
    """
    if _CODED.search(headers):
        return None
    bare = body.rstrip(BLANKS)
    blanks = max(len(body) - len(bare), 2)
    turned = bare.count(b"\r\n")
    as_sent = {len(bare), len(bare) - turned, len(bare) - turned + bare.count(b"\n")}
    for sent in _SENT.finditer(headers):
        for number in sent[1].split(b","):
            told = re.fullmatch(rb"\d{1,18}", number.strip())
            if not told or not any(0 <= int(told[0]) - one <= blanks for one in as_sent):
                return sent[0].rstrip().decode("utf-8", "replace")
    return None


def shown_from(text: bytes, start: int) -> bytes:
    """The headers a log shows behind the status line at `start`, up to the empty line."""
    lines = _SHOWN.sub(b"", text[start:])
    return re.split(rb"\n[ \t]*\r?\n", lines, maxsplit=1)[0]
