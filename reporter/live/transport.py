"""How the SDK's requests go over the wire: nothing of an answer is lost, and nothing is waited for
for ever.

The SDK signs, resolves endpoints and fails over; its own handling of answers is not used. It
decodes error bodies blindly (a proxy's HTML page becomes a bare JSON error), loses the body of a
429, drops fields it does not know, and makes an empty model of a 200 that holds no JSON. So the
adapter below hands every answer of CCE over as it came, before the SDK sees it.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from reporter.live.deadline import held_pools
from reporter.live.endpoints import (
    check_may_carry_credentials,
    goes_through_no_proxy,
    without_user,
)

MAX_BYTES = 256 * 1024 * 1024
_CHUNK = 256 * 1024
_PACKED = frozenset({"gzip", "x-gzip", "deflate"})
ENCODINGS = "gzip"
"""What a body may be packed with, as a request says it."""


@dataclass(frozen=True)
class Answer:
    """What a server answered: the status, the headers and the body as it came."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    endpoint: str
    """Who answered: scheme and host of the address."""

    @property
    def request_id(self) -> str | None:
        """The id that support asks for."""
        return self.headers.get("X-Request-Id") or self.headers.get("X-IAM-Trace-Id")


class AnswerCame(Exception):  # noqa: N818 - carries an answer past the SDK
    """An answer of CCE, on its way past the SDK's own handling of answers."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class BodyTooLargeError(Exception):
    """An answer of more than `MAX_BYTES`."""


class BodyCutError(Exception):
    """A packed answer that breaks off, is damaged, or goes on behind its end."""


class Transport(HTTPAdapter):
    """Sends one request at a time, within a deadline, and none where credentials may not go.

    `handed_over` tells by a URL's path whose answers are raised as `AnswerCame`; others (the
    look-up of a project id) go back to the SDK. `last` is the last answer of either kind.
    """

    def __init__(
        self,
        handed_over: Callable[[str], bool],
        clock: Callable[[], float] = time.monotonic,
        **settings: Any,
    ) -> None:
        self._handed_over = handed_over
        self._clock = clock
        self._deadline: float | None = None
        self._size = 0
        self.last: Answer | None = None
        # No retries below: urllib3 would throw away what a 429 says.
        super().__init__(max_retries=0, **settings)

    def begin(self, deadline: float | None) -> None:
        """A new question, to be answered until `deadline` on the clock."""
        self._deadline = deadline
        self.last = None

    def init_poolmanager(self, *arguments: Any, **settings: Any) -> None:
        super().init_poolmanager(*arguments, **settings)
        self._hold(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **settings: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **settings)
        self._hold(manager)
        return manager

    def _hold(self, manager: Any) -> None:
        manager.pool_classes_by_scheme = held_pools(self._seconds, self._came)

    def send(  # type: ignore[override]
        self, request: requests.PreparedRequest, **settings: Any
    ) -> requests.Response:
        """Send, read the whole answer within the deadline, and keep it."""
        self._size = 0
        address = request.url or ""
        check_may_carry_credentials(address.partition("?")[0], "check the SDK's endpoints")
        if goes_through_no_proxy(address):
            settings["proxies"] = {}
        left = self._left()
        connect, read = settings.get("timeout") or (10, 60)
        settings["timeout"] = (min(connect, left), min(read, left))
        settings["stream"] = True
        response = super().send(request, **settings)
        try:
            body = self._body(response)
        except BaseException:
            response.close()
            raise
        # As requests itself keeps what it has read.
        vars(response).update(_content=body, _content_consumed=True)
        asked = urlsplit(address)
        endpoint = without_user(f"{asked.scheme}://{asked.netloc}")
        self.last = Answer(response.status_code, response.headers, body, endpoint)
        if self._handed_over(request.path_url):
            raise AnswerCame(self.last)
        return response

    def _body(self, response: requests.Response) -> bytes:
        # As it comes over the wire: urllib3 unpacks, and does not ask whether it was all of it.
        parts, size = [], 0
        while part := response.raw.read1(_CHUNK, decode_content=False):
            size += len(part)
            if size > MAX_BYTES:
                raise BodyTooLargeError
            parts.append(part)
            self._left()
        return _unpacked(b"".join(parts), response.headers.get("Content-Encoding", ""))

    def _came(self, count: int) -> None:
        # Whatever it is: also headers and the sizes of chunks can be without end.
        self._size += count
        if self._size > MAX_BYTES:
            raise BodyTooLargeError

    def _left(self) -> float:
        """Seconds until the deadline. Raises where there are none."""
        left = self._seconds()
        if left <= 0:
            raise requests.exceptions.ReadTimeout("the time given is over")
        return left

    def _seconds(self) -> float:
        return 3600.0 if self._deadline is None else self._deadline - self._clock()


def _unpacked(body: bytes, encoding: str) -> bytes:
    """A body without its `Content-Encoding`. `BodyCutError` where it is not one packed text."""
    if not body or encoding.strip().lower() not in _PACKED:
        return body  # packed as nobody asked for, it is no JSON
    # zlib tells its own form from gzip, and checks the sum at the end of both.
    packed = zlib.decompressobj(zlib.MAX_WBITS | 32)
    try:
        data = packed.decompress(body, MAX_BYTES + 1)
    except zlib.error:
        raise BodyCutError from None
    if len(data) > MAX_BYTES:
        raise BodyTooLargeError
    if not packed.eof or packed.unused_data:
        raise BodyCutError
    return data
