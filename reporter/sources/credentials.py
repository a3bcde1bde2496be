"""Credentials in what a terminal or a log shows around a response: the call that got it, mostly.

What is read stands in every report as it came. What hides a secret (`***`, `$TOKEN`, `<token>`)
or says something of one (`token expired`) is none. Each look costs a fixed number of steps for
each byte, whatever stands there.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator

_VALUE = rb"[^\s\"'\\,;&<>(){}|`]"
_QUOTES = rb"[\"'\\]{0,6}"

_NAMES = {
    **dict.fromkeys((b"token", b"password", b"passwd", b"passphrase", b"pwd"), (b"",)),
    b"adminpass": (b"",),
    b"pass": (b"_", b"-"),
    **dict.fromkeys((b"appcode", b"key-data", b"ak", b"sk"), (b"",)),
    b"key": tuple(
        word + sign
        for word in (b"api", b"auth", b"access", b"secret", b"private")
        for sign in (b"", b" ", b"_", b"-")
    ),
    b"secret": tuple(
        word + sign
        for word in (b"client", b"app", b"api", b"consumer", b"shared", b"hw", b"huaweicloud")
        for sign in (b"", b"_", b"-")
    ),
}
"""How the name of a secret ends, in small letters, and what has to stand before that."""

_BEHIND_A_NAME = re.compile(
    # Or as the environment of a container is listed: {"name": NAME, "value": SECRET}.
    rb"(?:[ _-]?id)?" + _QUOTES
    + rb"(?:[ \t]{0,9},\s{0,99}[\"']?value[\"']?(?=[ \t]{0,9}:))?"
    + rb"([ \t]*+(?::=?|=>?)[ \t]*+|[ \t]++)(" + _QUOTES
    + rb")(" + _VALUE + rb"{4,128})"
)  # fmt: skip
_SIGNS_OF_A_NAME = b"abcdefghijklmnopqrstuvwxyz0123456789_.-"
_NO_SECRETS = re.compile(rb"(?:next|page|continue|continuation|cancel\w*|resume|sync)[_-]?token")

_HEADER = re.compile(
    rb"\b(?:x-auth-token|x-subject-token|x-security-token|authorization)"
    + _QUOTES
    + rb"[ \t]*+[:=,]"
    rb"[ \t]*+b?[\[\"'\\]{0,6}(?:[a-z0-9-]++[ \t]++)?(?:[a-z]++=)?[a-z0-9+/=._-]{16}"
)
_BASIC = re.compile(rb"\bbasic[ \t]++([a-z0-9+/]{4,400}+)")
_OF_A_REGISTRY = re.compile(rb"[\"']auth[\"']\s{0,9}:\s{0,9}[\"']([a-z0-9+/]{4,400}+)")
_COOKIE = re.compile(
    rb"(?:\bcookie2?[\"']?[ \t]*+[:= ,]|(?<!\S)-b[ \t])"
    rb"[ \t]*+b?[\[\"'\\]{0,6}(?=[^\s=;,\"']{1,128}=)"
)
_PAIR = re.compile(rb"(?<![^\s:=;,\"'\[])([^\s:=;,\"'\[]{1,128})=\"?(" + _VALUE + rb"{8,128})")
_OF_A_COOKIE = {b"path", b"domain", b"expires", b"max-age", b"samesite", b"version", b"comment"}
_USER = re.compile(
    rb"(?<![^\s\"'])(?:-[a-z]{0,8}u|--(?:proxy-)?user)(?:[ \t]++|=)" + _QUOTES
    + rb"([\w.@$-]{1,128}):(" + _VALUE + rb"{3,128})"
)  # fmt: skip
_CURL_USER = re.compile(
    rb"\bcurl [^\n]{0,512}?(?<=\s)-[a-z]{0,3}u" + _QUOTES + rb"([\w.@$-]{1,128}):("
    + _VALUE + rb"{3,128})"
)  # fmt: skip
_IN_AN_ADDRESS = re.compile(
    rb"://(?:[^\s/@:\"'<>?#]{0,128}:([^\s/@\"'<>?#]{3,256})|([^\s/@:\"'<>?#]{20,256}))@"
)
_BARE = re.compile(
    rb"\bsignature=" + _QUOTES + rb"[a-z0-9+/%_-]{20}"
    rb"|\b(?:sdk|v11|aws4)-[a-z0-9-]{3,40}+[ \t]++(?:access|credential)=[a-z0-9]{8}"
    rb"|(?<![\w-])eyj[\w-]{10,}+\.eyj[\w-]{10}"
    rb"|(?<![a-z0-9+/_-])mii[a-z0-9+/_-]{500}"
    rb"|-----begin [a-z ]{0,40}private key-----"
    rb"|[?&]sig=[a-z0-9+/%_-]{20}|\bbearer[ \t]++[a-z0-9+/=._-]{20}|token%3d[a-z0-9+/%._-]{16}"
    rb"|\bgh[opsu]_(?!x+\b)[a-z0-9]{30}|\bgithub_pat_[a-z0-9_]{30}"
    rb"|\bgl(?:pat|rt|dt|soat|cbt|ft)-(?!x+\b)[a-z0-9_.-]{20}"
    rb"|\bdckr_(?:pat|oat)_[a-z0-9_-]{20}|\bpypi-ageichlwas[a-z0-9_-]{10}"
    rb"|\bxox[abeoprs]-[a-z0-9-]{20}|\bhv[bs]\.[a-z0-9_-]{20}|\bnpm_[a-z0-9]{30}"
    rb"|[\"']secret[\"'][ \t]{0,9}:[ \t]{0,9}[\"'][a-z0-9+/]{20}"
)
"""What is a secret without a name: a signature, a JWT, an IAM token, a key."""

_SIGNS_OF_BARE = (
    *(b"signature=", b"sdk-", b"v11-", b"aws4-", b"eyj", b"mii", b"-----b"),
    *(b"sig=", b"bearer", b"token%3d", b"gho_", b"ghp_", b"ghs_", b"ghu_", b"secret"),
    *(b"github_pat_", b"gl", b"dckr_", b"pypi-", b"xox", b"hvb.", b"hvs.", b"npm_"),
)
_COMMANDS = re.compile(
    # What a registry, object storage and a netrc file take.
    rb"\b(?:docker|podman|nerdctl|helm registry|oras|skopeo) login\b[^\n;&|]{0,200}?\s-p"
    rb"(?:[ \t]++|=)?" + _QUOTES + rb"(" + _VALUE + rb"{4,128})"
    rb"|\bsshpass[ \t]++-p[ \t]*+" + _QUOTES + rb"(" + _VALUE + rb"{4,128})"
    rb"|\bobsutil config\b[^\n;&|]{0,200}?\s-k[ =]" + _QUOTES + rb"(" + _VALUE + rb"{8,128})"
    rb"|(?:\bmachine\s{1,9}\S{1,128}|\n[ \t]{0,9}default)\s{1,9}login\s{1,9}\S{1,128}\s{1,9}"
    rb"password\s{1,9}(" + _VALUE + rb"{4,128})"
)  # fmt: skip

_BEHIND_P = (b"rod", b"rofile", b"rint", b"rivate", b"roxy", b"ublic", b"assword", b"lain", b"ull")
_HIDDEN = re.compile(
    rb"\$[\w:]+|%\w+%|\[[a-z _-]*\]{0,2}|[*x.#?\xe2\x80\xa2\xa6-]+"
    rb"|.*(?:\*\*\*|\.\.\.|\xe2\x80\xa6).*"
    # The kinds of GitLab's tokens, with as much of a job's as its runner leaves.
    rb"|gl(?:agent|cbt|dt|ffct|ft|imt|oas|pat|ptt|rtr?|soat|wt)-[a-z0-9]{2}",
    re.DOTALL,
)
_WORDS = frozenset(
    b"true false null none nil undefined empty unset hidden masked redacted removed omitted secret "
    b"sensitive expired invalid missing valid required unknown denied failed refreshed obtained "
    b"password passwd pass token changed unchanged accepted reset policy prompt".split()
)
_WORD = re.compile(rb"[a-z]+(?:[._/:-]+[a-z]+)*")
_MOMENT = re.compile(rb"\d{4}-\d\d-\d\d.*|\d{1,15}(?:\.\d+)?(?:ms|s|m|h|d)?")
_PLACE = re.compile(
    rb"(?:[a-z]:|~|\.{1,2})?(?:[/\\]+[a-z._@-][\w.@-]*){2,}|/[a-z._-]+|.*://.*"
    rb"|[\w./-]+\.(?:crt|env|jks|json|key|p12|pem|pub|txt|ya?ml)"
)
_END = b".:!?]"


def holds_credentials(text: bytes) -> bool:
    """Whether a token, key, password, session or signature stands in a text."""
    small = text.lower()

    def found(pattern: re.Pattern[bytes], *signs: bytes) -> Iterator[re.Match[bytes]]:
        # Nearly all texts have none: that is told many times faster.
        return pattern.finditer(small) if any(sign in small for sign in signs) else iter(())

    return (
        any(found(_HEADER, b"x-auth", b"x-sub", b"x-sec", b"authorization"))
        or any(found(_BARE, *_SIGNS_OF_BARE))
        or any(map(_is_of_a_user, found(_CURL_USER, b"curl")))
        or any(map(_is_of_a_command, _COMMANDS.finditer(_in_one_line(small))))
        or any(_names_a_secret(small, name) for name in _NAMES)
        or any(_is_basic(text, match) for match in found(_BASIC, b"basic"))
        or any(_is_basic(text, match) for match in found(_OF_A_REGISTRY, b"auth"))
        or _holds_a_session(small)
        or any(map(_is_of_a_user, found(_USER, b"u ", b"u\t", b"u=", b"-user")))
        or any(map(_is_of_an_address, found(_IN_AN_ADDRESS, b"://")))
    )


def _names_a_secret(text: bytes, core: bytes) -> bool:
    """Whether a value stands behind one of the names that end so."""
    at = text.find(core)
    while at >= 0:
        end = at + len(core)
        match = _BEHIND_A_NAME.match(text, end)
        if match and _is_secret(text[max(0, at - 64) : at], core, *match.groups()):
            return True
        at = text.find(core, end)
    return False


def _is_secret(before: bytes, core: bytes, how: bytes, quotes: bytes, value: bytes) -> bool:
    """Whether a value behind a name is a secret, by what parts them."""
    name = before[len(before.rstrip(_SIGNS_OF_A_NAME)) :] + core
    if not (how.strip() or name.startswith(b"--")) or not before.endswith(_NAMES[core]):
        return False
    if _says_no_secret(value) or _NO_SECRETS.search(name):
        return False
    if core == b"pass" and how != b"=":
        return False  # a run, a stage
    if core.startswith(b"pass") and value.isdigit():
        return len(value) >= 6
    if core in (b"ak", b"sk"):
        return not before[-1:].isalnum() and len(value) >= 16 and not _is_prose(value)
    if how == b"=" or name.startswith(b"-") or (quotes and core.startswith(b"pass")):
        return not _MOMENT.fullmatch(value)
    return len(value) >= 8 and not _is_prose(value)


def _says_no_secret(value: bytes) -> bool:
    """Whether a value, in small letters, is hidden, a word that is said of secrets, or a place."""
    plain = value.rstrip(_END)
    return plain in _WORDS or bool(_HIDDEN.fullmatch(value) or _PLACE.fullmatch(plain))


def _is_prose(value: bytes) -> bool:
    """Whether a value, in small letters, is a word, a moment or a number."""
    plain = value.rstrip(_END)
    return bool((len(plain) < 32 and _WORD.fullmatch(plain)) or _MOMENT.fullmatch(plain))


def _is_basic(text: bytes, match: re.Match[bytes]) -> bool:
    """Whether what stands there is a user and a password, in base64."""
    packed = text[match.start(1) : match.end(1)]
    try:
        plain = b64decode(packed + b"=" * (-len(packed) % 4))
    except ValueError:
        return False
    return b":" in plain and plain.isascii() and min(plain) >= 32


def _holds_a_session(text: bytes) -> bool:
    """Whether a cookie has a value that somebody could send."""
    at = 0 if b"cookie" in text or b"-b" in text else len(text)
    while match := _COOKIE.search(text, at):
        at = text.find(b"\n", match.end())
        at = len(text) if at < 0 else at
        for name, value in _PAIR.findall(text, match.end(), at):
            if name not in _OF_A_COOKIE and not (_says_no_secret(value) or _is_prose(value)):
                return True
    return False


def _is_of_a_user(match: re.Match[bytes]) -> bool:
    """Whether `-u` names a user and a password, not a user and a group, a time or a place."""
    user, password = match[1], match[2]
    is_place = password.startswith((b"/", b"~", b"."))
    return not (
        user == password or (user + password).isdigit() or is_place or _says_no_secret(password)
    )


def _is_of_a_command(match: re.Match[bytes]) -> bool:
    """Whether what a command was given as a password is one."""
    number = match.lastindex or 0
    # Glued to `-p` it may be another option, or the end of a name.
    glued = match.string[match.start(number) - 2 : match.start(number)] == b"-p"
    if glued and match[number].startswith(_BEHIND_P):
        return False
    return not _says_no_secret(match[number])


def _in_one_line(small: bytes) -> bytes:
    """Commands that go on behind the end of a line; nothing where none of these is."""
    if not any(sign in small for sign in (b"login", b"obsutil", b"sshpass")):
        return b""
    return b"\n" + small.replace(b"\\\r\n", b" ").replace(b"\\\n", b" ")


def _is_of_an_address(match: re.Match[bytes]) -> bool:
    """Whether `//user:password@` has a password; a long user alone may be a token."""
    if match[1] is None:
        return not (_says_no_secret(match[2]) or _is_prose(match[2]))
    return not _says_no_secret(match[1])
