"""Addresses that credentials may be sent to."""

from __future__ import annotations

from urllib.parse import urlsplit

from reporter.errors import LiveError

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def may_carry_credentials(endpoint: str) -> bool:
    """Whether a request goes over TLS, or over no network at all.

    An address with a user's name or password in it is none: whatever names it would be saved.
    """
    try:
        parts = urlsplit(endpoint)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or "@" in parts.netloc or "\\" in endpoint:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)


def check_may_carry_credentials(endpoint: str, hint: str) -> None:
    """`LiveError` with `hint` for an address that credentials may not be sent to."""
    if may_carry_credentials(endpoint):
        return
    said = "credentials are sent over https only"
    if "@" in endpoint:
        said = "an address with a user's name or password in it is not asked"
    raise LiveError(f"{without_user(endpoint)}: {said}", hint=hint)


def goes_through_no_proxy(endpoint: str) -> bool:
    """Whether a request stays on this machine: to a proxy it would go over a network, and plain."""
    return urlsplit(endpoint).scheme == "http"


def without_user(endpoint: str) -> str:
    """An address as it may be told: without a user's name and password."""
    scheme, mark, rest = endpoint.rpartition("://")
    return scheme + mark + rest.rpartition("@")[2]
