"""Text as Markdown that is read as text: by GitHub, by GitLab, and in a raw log.

Both hosts act on far more than CommonMark names: mentions that notify people, references to
issues, addresses that become links, emoji, quick actions, mathematics. They look for most of them
in the rendered text, where a backslash is gone, so a zero-width space stands behind what begins
one. Inside a code span they look for nothing, so whatever is one word is shown as code.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from reporter.output.clean import console_safe, one_line, web_address

GAP = "\u200b"

MAX_TEXT = 600
MAX_CODE = 160
MAX_LINE = 2_000

_BEGINNINGS = re.compile(
    r"(?<=[@#!~%$&^\[])(?=[\w\"'\[@#])"  # @user, #1, !1, ~label, %milestone, [vulnerability:1]
    r"|(?<=:)(?=//)"  # https://
    r"|(?<=:)(?=[\w+-]+:)"  # :emoji:
    r"|(?<=\bmailto:)|(?<=\bxmpp:)"
    r"|(?<=\bwww)(?=\.)"
    r"|(?<=\bgh-)(?=\d)",
    re.IGNORECASE,
)
_COMMIT = re.compile(r"\b(?=[a-f]*[0-9])[0-9a-f]{7,40}\b", re.IGNORECASE)
_SIGNS = re.compile(r"[\\`*_{}\[\]<>#|~$^&@!%]")
_START = re.compile(r"^(?:(?=[-+=/:>])|(\d{1,9})(?=[.)]))")
_HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_URI = re.compile(r"(?:[A-Za-z0-9\-._~:/?#@!$&'*+,;=]|%[0-9A-Fa-f]{2})+")


def prose(text: str) -> str:
    """A text in running words, on one line: nothing in it is markup, a link or a reference."""
    text = _cut(console_safe(one_line(text)), MAX_TEXT)
    text = _COMMIT.sub(lambda digest: GAP.join(re.findall(".{1,6}", digest[0])), text)
    text = _BEGINNINGS.sub(GAP, text)
    text = _SIGNS.sub(lambda sign: f"\\{sign[0]}", text)
    return _START.sub(lambda start: f"{start[1] or ''}\\", text)


def code(text: str) -> str:
    """A text as it is, in a code span."""
    text = _cut(console_safe(one_line(text)), MAX_CODE) or "–"
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    fence = "`" * (longest + 1)
    return f"{fence}{pad}{text}{pad}{fence}"


def word(text: str) -> str:
    """A single word (a name, an id, a version) as code; several as prose, and all of Chinese."""
    return prose(text) if " " in one_line(text) or _HAN.search(text) else code(text)


def fenced(lines: Iterable[str]) -> str:
    """Lines as they are, to copy: a fenced block."""
    rows = [_cut(console_safe(one_line(line)), MAX_LINE) for line in lines]
    longest = max((len(run) for row in rows for run in re.findall("`+", row)), default=0)
    fence = "`" * max(longest + 1, 3)
    return "\n".join([f"{fence}text", *rows, fence, ""])


def strong(text: str) -> str:
    """In bold."""
    return f"**{prose(text)}**"


def link(text: str, address: str | None) -> str | None:
    """A link, if the address leads to the web and holds nothing but what an address may hold."""
    target = web_address(address)
    if not target or not _URI.fullmatch(target):
        return None
    return f"[{prose(text)}](<{target}>)"


def item(text: str, depth: int = 0) -> str:
    """A line of a list."""
    return f"{'  ' * depth}- {text}\n"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table whose cells are Markdown already; the first two are its head."""
    lines = [_row([prose(name) for name in columns]), _row(["---"] * len(columns))]
    return [*lines, *(_row(row) for row in rows)]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(_cell(text) for text in cells)} |\n"


def _cell(text: str) -> str:
    """Pipes that are not escaped yet; a backslash of the text must not take the escape away."""
    return re.sub(r"(\\*)\|", _pipe, text)


def _pipe(match: re.Match[str]) -> str:
    slashes = match[1]
    if len(slashes) % 2:
        return match[0]
    return f"{slashes}{GAP if slashes else ''}\\|"


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
