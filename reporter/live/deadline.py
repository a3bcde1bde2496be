"""Connections whose every read is held to one deadline.

The timeout of `requests` is one of each read: a server that sends a byte now and then, of its
status line, its headers, a chunk's size or trailers, or one `100 Continue` after the other, would
be listened to for ever. Here each read gets what is left of the time, and one answer is no longer
than it may be, whatever it consists of.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from http.client import HTTPResponse
from typing import Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection


def held_pools(
    left: Callable[[], float], came: Callable[[int], None]
) -> dict[str, type[HTTPConnectionPool]]:
    """The pools of a urllib3 manager, by scheme, whose connections read no longer than `left()`
    and, each time, than the timeout they have.

    `left` gives seconds, none or less once the time is over; `came` is told of each read how many
    bytes it gave, and may raise.
    """

    class Response(HTTPResponse):
        def __init__(self, sock: Any, *arguments: Any, **options: Any) -> None:
            super().__init__(sock, *arguments, **options)
            self.fp = io.BufferedReader(_Held(self.fp.detach(), sock, left, came))

    class Plain(HTTPConnection):
        response_class = Response

    class Secure(HTTPSConnection):
        response_class = Response

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


class _Held(io.RawIOBase):
    """What a socket gives, each read within what is left of the time."""

    def __init__(
        self, raw: io.RawIOBase, sock: Any, left: Callable[[], float], came: Callable[[int], None]
    ) -> None:
        self._raw = raw
        self._socket = sock
        self._longest: float | None = sock.gettimeout()
        self._left = left
        self._came = came

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._raw.fileno()

    def readinto(self, buffer: Any) -> int | None:
        left = self._left()
        if left <= 0:
            raise TimeoutError("the time given is over")
        self._socket.settimeout(left if self._longest is None else min(left, self._longest))
        count: int | None = self._raw.readinto(buffer)
        self._came(count or 0)
        return count

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()
