"""A loopback CCE, and `fetch` asking it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from reporter.cli import run
from tests.live import api as served

Fetch = Callable[..., "Fetched"]


@dataclass(frozen=True)
class Fetched:
    """What `fetch` left behind."""

    code: int
    out: str
    err: str


@pytest.fixture
def api() -> Iterator[served.Api]:
    with served.serving() as api:
        yield api


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of its own, keys in the environment, and nothing else of the machine's."""
    home = tmp_path_factory.mktemp("home")
    import os

    for name in list(os.environ):
        if name.upper().startswith(("HUAWEICLOUD_", "CLOUD_SDK_", "HC_")) or name.upper().endswith(
            ("_PROXY", "_BUNDLE", "_CERT_FILE")
        ):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("HUAWEICLOUD_SDK_AK", served.AK)
    monkeypatch.setenv("HUAWEICLOUD_SDK_SK", served.SK)
    return home


@pytest.fixture
def fetch(
    api: served.Api, home: Path, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> Iterator[Fetch]:
    """Runs `fetch` for the cluster; afterwards no secret is anywhere it wrote."""
    told: list[str] = []

    def ask(*arguments: str, project: str | None = served.PROJECT, kind: str = "autopilot",
            cluster: str = served.CLUSTER) -> Fetched:  # fmt: skip
        words = ["fetch", "--type", kind, "--cluster", cluster, "--region", "eu-west-101",
                 "--endpoint", api.url, *arguments]  # fmt: skip
        if project is not None:
            words += ["--project-id", project]
        code = run(words)
        out, err = capfd.readouterr()
        told.extend((out, err))
        return Fetched(code, out, err)

    yield ask
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    everything = "\n".join(told).encode() + b"\n".join(files)
    for secret in served.SECRETS:
        assert secret.encode() not in everything
    assert list(home.iterdir()) == []
