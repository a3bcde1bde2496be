"""Addresses that credentials may be sent to."""

from __future__ import annotations

from urllib.parse import urlsplit

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def may_carry_credentials(endpoint: str) -> bool:
    """Whether a request goes over TLS, or over no network at all."""
    parts = urlsplit(endpoint)
    return parts.scheme == "https" or parts.hostname in _LOOPBACK
