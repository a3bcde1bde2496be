"""Responses in an object store, from a real S3 server on loopback."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Iterator

import pytest

from reporter.errors import InputError
from reporter.sources import locations
from reporter.sources.read import Unreadable, read, read_responses

pytestmark = pytest.mark.filterwarnings("default::DeprecationWarning")

TASK = {"kind": "PreCheckTask", "apiVersion": "v3", "metadata": {"uid": "one"}, "spec": {}}
GOOD = json.dumps(TASK).encode()
OTHER = json.dumps({**TASK, "metadata": {"uid": "two"}}).encode()
CANARY = "canary-of-a-secret"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    import boto3
    from s3fs import S3FileSystem

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "user")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", CANARY)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", server)
    S3FileSystem.clear_instance_cache()
    client = boto3.client("s3", endpoint_url=server)
    client.create_bucket(Bucket="archive")
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, data in (("a.json", GOOD), ("b.json", OTHER)):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    for key, data in {
        "one/r.json": GOOD,
        "odd/r [1]*.json": GOOD,
        "one/r.json.meta.json": json.dumps({"sha256": "0" * 64}).encode(),
        "many/a.json.gz": gzip.compress(GOOD),
        "many/deep/b.tar": archive.getvalue(),
        "many/c.json": b"{",
    }.items():
        client.put_object(Bucket="archive", Key=key, Body=data)
    yield "s3://archive"
    S3FileSystem.clear_instance_cache()


def test_a_response_in_a_bucket_is_read(bucket: str) -> None:
    response = read(f"{bucket}/one/r.json")
    assert response.source.data == GOOD
    assert response.source.name == "s3://archive/one/r.json"
    assert response.source.sidecar_misfit
    assert read("S3://archive/one/r.json").source.name == "s3://archive/one/r.json"
    assert read(f"{bucket}/odd/r [1]*.json").source.name == "s3://archive/odd/r [1]*.json"


def test_a_prefix_is_walked_as_a_folder_is(bucket: str) -> None:
    found = [
        (part.name, None) if isinstance(part, Unreadable) else (part.source.name, part.source.data)
        for part in read_responses([f"{bucket}/many"])
    ]
    assert found == [
        ("s3://archive/many/a.json.gz", GOOD),
        ("s3://archive/many/c.json", None),
        ("s3://archive/many/deep/b.tar!a.json", GOOD),
        ("s3://archive/many/deep/b.tar!b.json", OTHER),
    ]
    assert read(f"{bucket}/one/").source.data == GOOD
    assert [type(part) for part in read_responses([f"{bucket}/many/*.json"])] == [Unreadable]


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("s3://archive/one/none.json", "no such file or bucket"),
        ("s3://nowhere/r.json", "no such file or bucket"),
        ("s3://archive/many/*.nothing", "no file there"),
        ("zip://r.json::s3://archive/r.zip", "chained locations are not read"),
        ("nothing://x/y", "nothing installed reads nothing:// locations"),
        ("obs://archive/r.json", "nothing installed reads obs:// locations"),
        ("file:///no/such/file", "no such file$"),
        ("http://127.0.0.1:1/r.json", "the server can't be reached"),
    ],
)
def test_what_is_not_there(bucket: str, url: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        read(url)
    assert caught.value.hint


def test_a_server_that_is_gone_is_one_clear_error(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from s3fs import S3FileSystem

    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    S3FileSystem.clear_instance_cache()
    with pytest.raises(InputError) as caught:
        read(f"{bucket}/one/r.json")
    said = caught.value.message + str(caught.value.hint)
    assert "can't be read" in said
    assert CANARY not in said


@pytest.mark.parametrize(
    "url",
    [
        f"https://user:{CANARY}@host/r.json",
        f"https://{CANARY}@host/r.json",
        f"https://host/r.json?X-Amz-Signature={CANARY}#{CANARY}",
    ],
)
def test_a_name_never_holds_what_may_be_secret(url: str) -> None:
    assert locations.public_name(url) == "https://host/r.json"


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(InputError) as caught:
        read("s3://archive/r.json")
    assert "cce-precheck-reporter[remote]" in str(caught.value.hint)


# Over HTTP --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def web() -> Iterator[str]:
    """A web server that tells the truth, or a part of it."""
    import threading
    import zipfile
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("p.json", GOOD)
    lines = GOOD + b"\n" + OTHER
    answers = {
        "/r.json": (200, GOOD, 0),
        "/r.json.gz": (200, gzip.compress(GOOD), 0),
        "/r.zip": (200, packed.getvalue(), 0),
        "/grown.jsonl": (200, lines, -len(OTHER) - 1),
        "/part.jsonl": (206, GOOD, 0),
        "/cut.json": (200, GOOD, 50),
        "/secret.json": (401, b"", 0),
        "/gone.json": (404, b"", 0),
    }

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._answer(body=False)

        def do_GET(self) -> None:
            self._answer(body=True)

        def _answer(self, *, body: bool) -> None:
            status, data, more = answers[self.path]
            # `grown`: a file that was shorter when it was asked how long it is.
            length = len(data) + (more if more > 0 or not body else 0)
            self.send_response(status)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            if body:
                self.wfile.write(data)
                self.close_connection = more > 0

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("name", ["r.json", "r.json.gz", "r.zip"])
def test_a_response_over_http(web: str, name: str) -> None:
    response = read(f"{web}/{name}")
    assert response.task == read(GOOD).task
    assert CANARY not in response.source.name


def test_a_file_that_grew_is_read_to_its_end(web: str) -> None:
    assert read(f"{web}/grown.jsonl", task="two").source.others == 1


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("part.jsonl", "sent a part, not the whole"),
        ("cut.json", "can't be read"),
        ("secret.json", r"access was refused \(HTTP 401\)"),
        ("gone.json", "no such file on the server"),
    ],
)
def test_what_a_web_server_does_not_give_whole(web: str, name: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read(f"{web}/{name}")
