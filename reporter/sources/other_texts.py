"""Texts that are no JSON, and no printout that is read, known for what they are.

Each is told with what to do instead. Some are known whatever else they hold; others only once no
response was found in them.
"""

from __future__ import annotations

import re

from reporter.errors import InputError
from reporter.sources.text import SAVE_RAW, UnrecognisedError

_LOOKED_AT = 4096

_HTML = re.compile(rb"(?is)<!doctype html|.{0,505}<html")
_NOTHING = re.compile(rb"(?:<nil>|None|undefined|null)\Z")
_NO_MARKUP = re.compile(rb"<\d{1,3}>|< HTTP/\d")
"""A priority as syslog writes it, a line of what `curl -v` received."""
_YAML = re.compile(
    rb"(?:(?:#[^\n]*|---[^\n]*|%YAML[^\n]*)?\r?\n)*"
    rb"(?:- )?[\"']?(?:(?:apiVersion|kind|metadata|api_version)[\"']?:[ \r\n]"
    rb"|(?:status|spec|items)[\"']?:[ \t]*\r?\n[ \t-]*\w)"
)

_KNOWN = (
    (
        re.compile(rb"\+-[-+]+\+\r?\n\|"),
        "a table (KooCLI's --cli-output=table?)",
        "print JSON: --cli-output=json",
    ),
    (
        re.compile(rb"[\w\\]+ Object\s*\(|object\([\w\\]+\)#\d|array\(\d+\) \{|Array\s*\("),
        "what PHP's print_r or var_dump shows",
        "echo $response, or " + SAVE_RAW,
    ),
    (
        re.compile(rb"&?(?:[\w.]+)?[\[{](?:\w+:)?(?:\(\*\w+\)\()?(?:0x[0-9a-f]+|<nil>)[\s),\]}]"),
        "what Go prints of pointers, without what they point to",
        'print the response with fmt.Printf("%+v\\n", response), or ' + SAVE_RAW,
    ),
    (
        re.compile(rb"[^{\n]*\{\s*(?:'|None\b)"),
        "a Python dict as print shows it",
        "print(response) shows JSON, as does json.dumps(); or " + SAVE_RAW,
    ),
    (
        re.compile(rb"[\[\s]*(?:\w+ )?\{\s*[A-Za-z_]\w*:\s"),
        "what JavaScript's console.log shows, which leaves inner parts out",
        "print JSON.stringify(response), or " + SAVE_RAW,
    ),
    (
        re.compile(rb"[A-Z]+ /\S* HTTP/\d"),
        "an HTTP request",
        "save what came back, with curl -i or without",
    ),
)

_GO_OTHER = re.compile(rb"&?(?:\w+\.)?([A-Z]\w*(?:Response|Request|Body|Spec|Status|Task)) \{\"")


def refuse_known(text: bytes, label: str) -> None:
    """Raise for a text that is known for what it is, whatever stands in it."""
    start = text[:_LOOKED_AT].lstrip()
    if _HTML.match(start):
        raise UnrecognisedError(
            f"{label}: looks like an HTML page (a proxy's or login page?), not JSON", hint=SAVE_RAW
        )
    if len(text) < _LOOKED_AT and (match := _NOTHING.match(start.rstrip())):
        raise InputError(
            f"{label}: holds {match[0].decode()}: what a program prints when it got no response",
            hint="did the call before it fail?",
        )
    if start.startswith(b"<") and not _NO_MARKUP.match(start):
        raise UnrecognisedError(f"{label}: looks like XML, not JSON", hint=SAVE_RAW)
    if _YAML.match(start):
        raise InputError(f"{label}: looks like YAML, not JSON", hint=SAVE_RAW)


def lookalike(text: bytes, label: str) -> InputError | None:
    """What a text is that is no JSON and holds no response, where that is known."""
    start = text[:_LOOKED_AT].lstrip()
    for pattern, what, hint in _KNOWN:
        if pattern.match(start):
            return InputError(f"{label}: looks like {what}, not JSON", hint=hint)
    return None


def without_response(text: bytes, label: str, *, speaks: bool) -> InputError:
    """What a text is in which no response was found; `speaks`: it holds something of one."""
    if known := lookalike(text, label):
        return known
    start = text[:_LOOKED_AT].lstrip()
    if match := _GO_OTHER.match(start):
        return UnrecognisedError(
            f"{label}: is a {match[1].decode()} as the Go SDK prints it, "
            "not a pre-upgrade check response",
            hint=SAVE_RAW,
        )
    shown = f"{label}: starts with text, not JSON: {start[:40].decode('utf-8', 'replace')!r}"
    if speaks:
        return UnrecognisedError(
            f"{shown}, and no whole response follows",
            hint="take the response out of the log and save it alone",
        )
    return UnrecognisedError(shown, hint=SAVE_RAW)
