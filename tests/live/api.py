"""CCE's API on loopback: as documented, with the faults real ones have, and signatures checked."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

AK = "AKCANARYAKCANARYAKCA"
SK = "canary-secret-key-%-of-the-tests"
SECURITY_TOKEN = "canary-security-token"  # noqa: S105 - it opens nothing
TOKEN = "canary-iam-token-" + "x" * 2000
SECRETS = (SK, SECURITY_TOKEN, TOKEN)
PROJECT = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
CLUSTER = "e69bbcc0-1cd0-11ee-8ec2-0255ac100b09"
UID = "f61e008c-1600-41c0-9bde-121de5a30660"
REQUEST_ID = "59a1b2c3d4e5f60718293a4b5c6d7e8f"

_ERRORS = {
    400: ("CCE.01400001", "Invalid request."),
    401: ("CCE.01401001", "Authorization failed."),
    403: ("CCE.01403001", "Forbidden."),
    404: ("CCE.01404001", "Resource not found."),
    409: ("CCE.01409002", "The resource is stale."),
    429: ("APIGW.0308", "The throttling threshold has been reached."),
    500: ("CCE.01500001", "Internal error."),
}


@dataclass(frozen=True)
class Reply:
    """One answer; `fault` is what goes wrong on the wire."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    fault: str = ""
    again: bytes = b""
    """Of an answer that is `endless`: what follows behind the raw body, again and again."""


def ok(body: Any, **headers: str) -> Reply:
    """A 200 with this JSON, or these bytes."""
    data = body if isinstance(body, bytes) else json.dumps(body, indent=1).encode()
    return Reply(200, data, {"Content-Type": "application/json", **headers})


def error(status: int, **headers: str) -> Reply:
    """An error as CCE words it."""
    code, text = _ERRORS[status]
    return Reply(
        status,
        json.dumps({"error_code": code, "error_msg": text}).encode(),
        {"Content-Type": "application/json", **headers},
    )


def html(status: int) -> Reply:
    """A page of some gateway or login."""
    page = b"<html><head><title>Bad Gateway</title></head><body>nginx</body></html>"
    return Reply(status, page, {"Content-Type": "text/html"})


def task(
    phase: str = "Success", uid: str = UID, created: str = "2026-03-01 10:00:00 +0000 UTC"
) -> dict[str, Any]:
    """A small check in this phase."""
    item = {"name": "AddonLimit", "kind": "Exception", "group": "AddonCheck", "level": "Fatal"}
    items = [
        {**item, "phase": "Success" if phase != "Running" else "Running"},
        {**item, "name": "CoreDNSConfLimit", "phase": "Success"},
    ]
    return {
        "kind": "PreCheckTask",
        "apiVersion": "v3",
        "metadata": {"uid": uid, "creationTimestamp": created, "updateTimestamp": created},
        "spec": {
            "clusterID": CLUSTER,
            "clusterVersion": "v1.32.6-r2",
            "targetVersion": "v1.33.1-r0",
        },
        "status": {
            "phase": phase,
            "clusterCheckStatus": {"phase": phase, "itemsStatus": []},
            "addonCheckStatus": {"phase": phase, "itemsStatus": items},
            "nodeCheckStatus": {"phase": phase},
        },
    }


def listed(*tasks: dict[str, Any]) -> dict[str, Any]:
    """A list answer."""
    return {"kind": "List", "apiVersion": "v3", "items": list(tasks)}


@dataclass
class Request:
    """What came in."""

    path: str
    headers: dict[str, str]
    refused: str | None


class Api:
    """Answers each question with the next of its replies; the last one stays."""

    def __init__(self) -> None:
        self.replies: list[Reply] = []
        self.iam: Reply = ok({"projects": [{"id": PROJECT, "name": "eu-west-101"}]})
        self.requests: list[Request] = []
        self.url = ""
        self.release = threading.Event()

    @property
    def asked(self) -> list[str]:
        """The paths that were asked for."""
        return [request.path for request in self.requests]

    def answer(self, path: str, headers: dict[str, str]) -> Reply:
        refused = _refusal(path, headers)
        self.requests.append(Request(path, headers, refused))
        if refused:
            return error(401)
        if urlsplit(path).path == "/v3/projects":
            return self.iam
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


def _refusal(path: str, headers: dict[str, str]) -> str | None:
    """Why a request is not let in; its signature is made again by the SDK's own signer."""
    if "x-auth-token" in headers:
        if "authorization" in headers:
            return "token and signature"
        return None if headers["x-auth-token"] == TOKEN else "wrong token"
    if "authorization" not in headers:
        return "neither token nor signature"
    from huaweicloudsdkcore.auth.credentials import BasicCredentials
    from huaweicloudsdkcore.sdk_request import SdkRequest
    from huaweicloudsdkcore.signer.signer import Signer

    given = headers["authorization"]
    signed = given.partition("SignedHeaders=")[2].partition(",")[0].split(";")
    if not {"host", "x-sdk-date"} <= set(signed):
        return "too little is signed"
    parts = urlsplit(path)
    query = [tuple(pair.split("=", 1)) for pair in parts.query.split("&") if pair]
    again = SdkRequest(
        method="GET",
        schema="http",
        host=headers["host"],
        resource_path=parts.path,
        query_params=query,
        header_params={name: headers[name] for name in signed},
        body="",
    )
    Signer(BasicCredentials(AK, SK)).sign(again)
    return None if again.header_params["Authorization"] == given else "wrong signature"


@contextmanager
def serving() -> Iterator[Api]:
    """The API, listening."""
    api = Api()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            self._send(api.answer(self.path, headers))

        def _send(self, reply: Reply) -> None:
            if reply.fault == "reset":
                # Linger of nought: the peer sees a reset, not an end.
                off = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, off)
                self.close_connection = True
                self.connection.close()
                return
            if reply.fault == "endless":
                self.close_connection = True
                self.wfile.write(reply.body)
                given_up = time.monotonic() + 15
                while time.monotonic() < given_up and not api.release.wait(0.05):
                    self.wfile.write(reply.again)
                return
            self.send_response(reply.status)
            self.send_header("X-Request-Id", REQUEST_ID)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if reply.fault == "chunked":
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                self.wfile.write(b"%x\r\n%s\r\n" % (len(reply.body), reply.body))
                self.close_connection = True  # and no last chunk
                return
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            if reply.fault == "truncated":
                self.wfile.write(reply.body[: len(reply.body) // 2])
                self.close_connection = True
            elif reply.fault == "slow":
                for at in range(len(reply.body)):
                    if api.release.wait(0.2):
                        return
                    self.wfile.write(reply.body[at : at + 1])
                    self.wfile.flush()
            else:
                self.wfile.write(reply.body)

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            """A client that has gone away is what some tests are about."""

    server = Server(("127.0.0.1", 0), Handler)
    api.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield api
    finally:
        api.release.set()
        server.shutdown()
        thread.join()
        server.server_close()
