"""An archive in an object store: read by the worker processes themselves, known again by ETag."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.acceptance.run import command
from tests.audit.archive import check, risk

pytestmark = pytest.mark.filterwarnings("default::DeprecationWarning")
CANARY = "canary-of-a-secret"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    import boto3
    from moto.server import ThreadedMotoServer
    from s3fs import S3FileSystem

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "user")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", CANARY)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    S3FileSystem.clear_instance_cache()
    client = boto3.client("s3", endpoint_url=f"http://{host}:{port}")
    client.create_bucket(Bucket="archive")
    for number in range(3):
        client.put_object(Bucket="archive", Key=f"y/{number}.json", Body=check(uid=str(number)))
    yield f"http://{host}:{port}"
    server.stop()
    S3FileSystem.clear_instance_cache()


def test_objects_are_judged_once(bucket: str, tmp_path: Path) -> None:
    import boto3

    out = tmp_path / "out"

    def audit() -> tuple[int, str]:
        run = command("audit", "s3://archive/y", "--out", out, "--no-pdf", "--jobs", "1")
        return run.code, run.out

    code, said = audit()
    assert (code, said.partition("\n")[0]) == (0, "✓ All 3 responses pass")
    assert "0 of 3 responses were judged now" in audit()[1]
    client = boto3.client("s3", endpoint_url=bucket)
    client.put_object(Bucket="archive", Key="y/1.json", Body=check(risk(), uid="1"))
    code, said = audit()
    assert code == 1
    assert "1 of 3 responses were judged now" in said
    with closing(sqlite3.connect(out / "audit.sqlite")) as db:
        names = db.execute("SELECT name FROM inputs ORDER BY 1").fetchall()
    assert [name for (name,) in names] == [f"s3://archive/y/{number}.json" for number in range(3)]
    assert all(CANARY.encode() not in path.read_bytes() for path in out.iterdir())
