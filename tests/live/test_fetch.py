"""`fetch` against a loopback CCE: what is asked, what is saved, and what every fault leads to."""

from __future__ import annotations

import gzip
import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
import zlib
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from traceback import format_exception
from urllib.parse import quote

import pytest
import requests

from reporter.cli import run
from reporter.errors import LiveError
from reporter.live import transport
from reporter.live.client import _host_of
from reporter.live.secrets import Secrets
from tests.live.api import (
    AK,
    CLUSTER,
    PROJECT,
    REQUEST_ID,
    SECRETS,
    SECURITY_TOKEN,
    SK,
    TOKEN,
    UID,
    Api,
    Reply,
    error,
    html,
    listed,
    ok,
    task,
)
from tests.live.conftest import Fetch

pytestmark = pytest.mark.filterwarnings("default::DeprecationWarning")

OTHER = "0d2c1b3a-1600-41c0-9bde-121de5a30660"
# Odd spacing, an unknown field, a duplicate-looking escape: the SDK's model would lose them.
RAW = json.dumps({**task(), "new": "\u4f60"}, indent=3).encode() + b"\r\n\n"


# What is asked and what is saved ---------------------------------------------------------------


@pytest.mark.parametrize(("kind", "prefix"), [("autopilot", "autopilot"), ("standard", "api")])
def test_the_body_is_saved_byte_for_byte_with_its_note(
    api: Api, fetch: Fetch, tmp_path: Path, kind: str, prefix: str
) -> None:
    api.replies = [ok(RAW)]
    file = tmp_path / "r.json"
    done = fetch("--task", UID, "-o", str(file), kind=kind)
    assert (done.code, done.out, done.err) == (0, "", f"check {UID}: Success → {file}\n")
    assert api.asked == [f"/{prefix}/v3/projects/{PROJECT}/clusters/{CLUSTER}"
                         f"/operation/precheck/tasks/{UID}"]  # fmt: skip
    assert api.requests[0].refused is None
    assert file.read_bytes() == RAW
    note = json.loads((tmp_path / "r.json.meta.json").read_text())
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", note.pop("fetched_at"))
    assert note.pop("tool").startswith("cce-precheck ")
    assert note == {
        "sha256": sha256(RAW).hexdigest(),
        "size": len(RAW),
        "cluster_id": CLUSTER,
        "type": kind,
        "project_id": PROJECT,
        "region": "eu-west-101",
        "endpoint": api.url,
        "task_uid": UID,
        "request_id": REQUEST_ID,
    }


def test_check_uses_the_note(api: Api, fetch: Fetch, tmp_path: Path) -> None:
    bare = task()
    del bare["spec"]["clusterID"]
    api.replies = [ok(bare)]
    file = tmp_path / "r.json"
    assert fetch("--task", UID, "-o", str(file)).code == 0
    record = tmp_path / "record.json"
    code = run(["check", str(file), "--at", "response", "--json", str(record), "--quiet",
                "--expect-cluster", CLUSTER])  # fmt: skip
    found = json.loads(record.read_text())
    assert found["subject"]["cluster_id"] == CLUSTER
    assert found["subject"]["cluster_id_from"] == "sidecar"
    assert found["subject"]["cluster_type"] == "autopilot"
    assert code == found["exit_code"]


def test_a_pipe_into_check(api: Api, home: Path) -> None:
    api.replies = [ok(RAW)]
    fetching = subprocess.run(
        [sys.executable, "-m", "reporter", "fetch", "--type", "autopilot", "--cluster", CLUSTER,
         "--region", "eu-west-101", "--project-id", PROJECT, "--endpoint", api.url,
         "--task", UID, "-o", "-"],
        capture_output=True, check=True,
    )  # fmt: skip
    assert fetching.stdout == RAW
    assert fetching.stderr.decode() == f"check {UID}: Success\n"
    checking = subprocess.run(
        [sys.executable, "-m", "reporter", "check", "-", "--at", "response"],
        input=fetching.stdout, capture_output=True, check=False,
    )  # fmt: skip
    assert CLUSTER in checking.stdout.decode()
    assert checking.returncode in (0, 3)


def test_a_compressed_body_is_saved_as_it_was_before(
    api: Api, fetch: Fetch, tmp_path: Path
) -> None:
    api.replies = [ok(gzip.compress(RAW), **{"Content-Encoding": "gzip"})]
    file = tmp_path / "r.json"
    assert fetch("--task", UID, "-o", str(file)).code == 0
    assert file.read_bytes() == RAW


@pytest.mark.parametrize(
    "body",
    [
        gzip.compress(RAW)[:-20],
        gzip.compress(RAW)[:-8],  # all of the text, and not the sum over it
        gzip.compress(RAW)[:-1],
        gzip.compress(RAW)[:-8] + bytes(8),
        gzip.compress(RAW) + b"{}",
        zlib.compress(RAW)[:-4],
    ],
    ids=["text", "end", "length", "sum", "more", "deflate"],
)
def test_a_compressed_body_that_is_cut_is_an_error(body: bytes) -> None:
    encoding = "GZip" if body.startswith(b"\x1f\x8b") else "deflate"
    for whole in (gzip.compress(RAW), zlib.compress(RAW)):
        assert transport._unpacked(whole, encoding) == RAW
    with pytest.raises(transport.BodyCutError):
        transport._unpacked(body, encoding)


def test_a_compressed_body_that_is_cut_leaves_no_file(
    api: Api, fetch: Fetch, tmp_path: Path
) -> None:
    cut = ok(gzip.compress(RAW)[:-8], **{"Content-Encoding": "gzip"})
    api.replies = [cut, error(404)]
    file = tmp_path / "r.json"
    file.write_bytes(RAW)
    done = fetch("--task", UID, "-o", str(file))
    assert (done.code, "404" in done.err) == (6, True)
    assert not file.exists()


def test_the_latest_is_the_newest_by_creation_time(api: Api, fetch: Fetch, tmp_path: Path) -> None:
    older = task(uid=OTHER, created="2026-02-01 10:00:00 +0000 UTC")
    api.replies = [ok(listed(older, task())), ok(RAW)]
    assert fetch("--latest", "-o", str(tmp_path / "r.json")).code == 0
    assert [path.rpartition("/")[2] for path in api.asked] == ["tasks", UID]
    assert (tmp_path / "r.json").read_bytes() == RAW


@pytest.mark.parametrize(
    ("tasks", "said"),
    [
        ([], "the cluster has no pre-upgrade check"),
        ([task(), task(uid=OTHER)], "two tasks were created at the same, newest time"),
        ([task(created="soon"), task(uid=OTHER)], "a task has no readable creation time"),
    ],
    ids=["none", "tie", "undated"],
)
def test_no_newest_is_guessed(
    api: Api, fetch: Fetch, tmp_path: Path, tasks: list[dict[str, object]], said: str
) -> None:
    api.replies = [ok(listed(*tasks))]
    done = fetch("--latest", "-o", str(tmp_path / "r.json"))
    assert done.code == 6
    assert said in done.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        (
            {"Link": '<https://x/?page=2>; rel="next"'},
            'one page of a longer list, or a part (rel="next")',
        ),
        ({"X-Total-Count": "50"}, "one page of a longer list, or a part (X-Total-Count: 50)"),
        (
            {"Content-Range": "items 0-0/50"},
            "one page of a longer list, or a part (content-range: items 0-0/50)",
        ),
        ({"Age": "90000"}, "a copy of a cache (Age: 90000)"),
    ],
)
@pytest.mark.parametrize("option", ["--latest", "--list"])
def test_a_page_of_a_list_or_a_copy_of_one_is_no_list(
    api: Api, fetch: Fetch, tmp_path: Path, headers: dict[str, str], said: str, option: str
) -> None:
    api.replies = [ok(listed(task()), **headers)]
    done = fetch(option, "-o", str(tmp_path / "r.json"))
    assert done.code == 6
    assert f"HTTP 200, but the answer is {said}" in done.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "body",
    [
        b'{"kind":"List","items":[],"next":"/tasks?page=2"}',
        b'{"kind":"List","items":[],"metadata":{"total":50}}',
        b'{"kind":"List","items":[{"kind":"PreCheckTask"}],"items":[]}',
        b'{"kind":"List","items":"none"}',
        b'{"items":[]}',
    ],
)
def test_what_is_no_whole_list_tells_of_no_empty_one(api: Api, fetch: Fetch, body: bytes) -> None:
    api.replies = [ok(body)]
    done = fetch("--list")
    assert (done.code, done.out) == (6, "")
    assert "HTTP 200, but the answer is" in done.err


@pytest.mark.parametrize("body", [b'{"kind":"List"}', b'{"kind":"List","items":null}'])
def test_an_empty_list_may_be_one_without_items(api: Api, fetch: Fetch, body: bytes) -> None:
    api.replies = [ok(body)]
    assert fetch("--list").code == 0


def test_the_list_is_a_table(api: Api, fetch: Fetch, tmp_path: Path) -> None:
    older = task("Failed", uid=OTHER, created="2026-02-01 10:00:00.5 +0000 UTC")
    body = listed(older, task())
    api.replies = [ok(body)]
    file = tmp_path / "list.json"
    done = fetch("--list", "-o", str(file))
    assert done.code == 0
    assert done.out == (
        "CREATED                  PHASE    TARGET      TASK\n"
        f"2026-03-01 10:00:00 UTC  Success  v1.33.1-r0  {UID}\n"
        f"2026-02-01 10:00:00 UTC  Failed   v1.33.1-r0  {OTHER}\n"
    )
    assert json.loads(file.read_bytes()) == body


def test_a_list_with_hostile_names_is_one_line_each(api: Api, fetch: Fetch) -> None:
    hostile = task("Suc\x1b[31mcess\nx", created="2026\u202e")
    api.replies = [ok(listed(hostile))]
    done = fetch("--list")
    assert done.code == 0
    assert len(done.out.splitlines()) == 2
    assert "\x1b" not in done.out
    assert "\u202e" not in done.out


def test_the_archive_keeps_every_version(api: Api, fetch: Fetch, tmp_path: Path) -> None:
    running = ok(task("Running"))
    api.replies = [running, running, ok(RAW), ok(RAW)]
    for _ in range(4):
        assert fetch("--task", UID, "--archive", str(tmp_path)).code == 0
    folder = tmp_path / CLUSTER
    name = f"20260301T100000Z--{UID}"
    assert sorted(path.name for path in folder.iterdir()) == [
        f"{name}.2.json",
        f"{name}.2.json.meta.json",
        f"{name}.json",
        f"{name}.json.meta.json",
    ]
    assert (folder / f"{name}.json").read_bytes() == running.body
    assert (folder / f"{name}.2.json").read_bytes() == RAW


# Credentials ------------------------------------------------------------------------------------


def test_the_keys_of_the_api_pages_samples(
    api: Api, fetch: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HUAWEICLOUD_SDK_AK")
    monkeypatch.delenv("HUAWEICLOUD_SDK_SK")
    monkeypatch.setenv("CLOUD_SDK_AK", AK)
    monkeypatch.setenv("CLOUD_SDK_SK", SK)
    monkeypatch.setenv("CLOUD_SDK_SECURITY_TOKEN", SECURITY_TOKEN)
    api.replies = [ok(listed(task()))]
    assert fetch("--list").code == 0
    assert api.requests[0].refused is None
    assert api.requests[0].headers["x-security-token"] == SECURITY_TOKEN
    assert "x-security-token" in api.requests[0].headers["authorization"].lower()


def test_a_security_token_of_the_sdks_environment(
    api: Api, fetch: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUAWEICLOUD_SDK_SECURITY_TOKEN", SECURITY_TOKEN)
    api.replies = [ok(listed(task()))]
    assert fetch("--list").code == 0
    assert api.requests[0].headers["x-security-token"] == SECURITY_TOKEN


@pytest.mark.parametrize("way", ["environment", "file"])
def test_an_iam_token(
    api: Api,
    fetch: Fetch,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
    way: str,
) -> None:
    api.replies = [ok(listed(task()))]
    if way == "environment":
        monkeypatch.setenv("HUAWEICLOUD_TOKEN", TOKEN)
        done = fetch("--list")
    else:
        file = tmp_path_factory.mktemp("token") / "token"
        file.write_text(TOKEN + "\n")
        done = fetch("--list", "--token-file", str(file))
    assert done.code == 0
    assert api.requests[0].refused is None
    assert api.requests[0].headers["x-auth-token"] == TOKEN
    assert "authorization" not in api.requests[0].headers


def test_a_profile(
    api: Api,
    fetch: Fetch,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    monkeypatch.delenv("HUAWEICLOUD_SDK_AK")
    monkeypatch.delenv("HUAWEICLOUD_SDK_SK")
    file = tmp_path_factory.mktemp("profile") / "credentials"
    file.write_text(
        f"[basic]\nak = other\nsk = other\n[prod]\nak = {AK}\nsk = {SK}\nproject_id = {PROJECT}\n"
    )
    monkeypatch.setenv("HUAWEICLOUD_SDK_CREDENTIALS_FILE", str(file))
    api.replies = [ok(listed(task()))]
    assert fetch("--list", "--profile", "prod", project=None).code == 0
    assert api.requests[0].refused is None
    assert f"/projects/{PROJECT}/" in api.asked[0]
    # Without a name it is the SDK's own section.
    assert fetch("--list").code == 6
    assert api.requests[1].refused == "wrong signature"
    wrong = fetch("--list", "--profile", "prd")
    assert (wrong.code, wrong.err) == (
        6,
        f'{file}: has no profile "prd"\n  → it has basic, prod\n',
    )


def test_no_credentials_anywhere(api: Api, fetch: Fetch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HUAWEICLOUD_SDK_SK")
    # The SDK's last resort, the machine's metadata, is not on this machine.
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    done = fetch("--list")
    assert done.code == 6
    assert "credentials" in done.err
    assert api.asked == []


@pytest.mark.parametrize("text", ["", "two\nlines", "tok\u00e9n", "x" * 16_385])
def test_what_is_no_token(
    api: Api, fetch: Fetch, tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    file = tmp_path_factory.mktemp("token") / "token"
    file.write_text(text)
    done = fetch("--list", "--token-file", str(file))
    assert done.code == 6
    assert text[:5] not in done.err or not text
    assert api.asked == []


def test_a_project_id_is_looked_up_as_the_sdk_does(
    api: Api, fetch: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUAWEICLOUD_SDK_IAM_ENDPOINT", api.url)
    monkeypatch.setenv("HUAWEICLOUD_TOKEN", TOKEN)  # keys are cached by the SDK in one process
    api.replies = [ok(listed(task()))]
    assert fetch("--list", project=None).code == 0
    assert api.asked[0] == "/v3/projects?name=eu-west-101"
    assert f"/projects/{PROJECT}/" in api.asked[1]
    assert [request.refused for request in api.requests] == [None, None]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (ok({"projects": []}), "IAM knows no single project named eu-west-101"),
        (ok({"projects": [{"id": "a"}, {"id": "b"}]}), "IAM knows no single project"),
        (error(403), "could not be looked up: HTTP 403, CCE.01403001: Forbidden."),
        (html(200), "IAM knows no single project"),
        (ok([]), "IAM knows no single project"),
    ],
    ids=["none", "two", "403", "html", "empty"],
)
def test_a_project_id_that_is_not_found(
    api: Api, fetch: Fetch, monkeypatch: pytest.MonkeyPatch, answer: Reply, said: str
) -> None:
    monkeypatch.setenv("HUAWEICLOUD_SDK_IAM_ENDPOINT", api.url)
    monkeypatch.setenv("HUAWEICLOUD_TOKEN", TOKEN)
    api.iam = answer
    done = fetch("--list", project=None)
    assert done.code == 6
    assert said in done.err
    assert "--project-id" in done.err


# Faults -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "said", "hint"),
    [
        (error(400), "HTTP 400, CCE.01400001: Invalid request.", "check the cluster's id"),
        (error(401), "HTTP 401, CCE.01401001: Authorization failed.", "the machine's clock"),
        (error(403), "HTTP 403, CCE.01403001: Forbidden.", "permission"),
        (error(404), "HTTP 404, CCE.01404001: Resource not found.", "a standard cluster (--type)"),
        (error(409), "HTTP 409, CCE.01409002: The resource is stale.", "another operation"),
        (
            Reply(403, b'{"errorCode":"X.1","errorMessage":"no\\u001b[31m\\nred",}'),
            "HTTP 403, request id",
            "permission",
        ),
        (
            Reply(404, b'{"kind":"Status","code":404,"message":"gone","reason":"NotFound"}'),
            "HTTP 404, 404: gone",
            "--type",
        ),
        (Reply(403, b'{"error":{"code":"A.1","message":"\\u202edeeper"}}'), "A.1", "permission"),
        (html(404), "HTTP 404, an HTML page, not an answer of the API", "--type"),
        (Reply(302, b"", {"Location": "http://127.0.0.1:9/"}), "HTTP 302", "points elsewhere"),
        (Reply(204), "HTTP 204", "support"),
    ],
    ids=["400", "401", "403", "404", "409", "comma", "status", "nested", "html", "302", "204"],
)
def test_what_cce_answers_is_told_and_nothing_is_saved(
    api: Api, fetch: Fetch, tmp_path: Path, reply: Reply, said: str, hint: str
) -> None:
    api.replies = [reply]
    file = tmp_path / "r.json"
    file.write_text("of an earlier run")
    done = fetch("--task", UID, "-o", str(file))
    assert (done.code, done.out) == (6, "")
    assert said in done.err
    assert REQUEST_ID in done.err
    assert hint in done.err
    assert len(done.err.splitlines()) == 2
    assert "\x1b" not in done.err
    assert "\u202e" not in done.err
    assert len(api.requests) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (html(200), "HTTP 200, but the answer is no pre-upgrade check"),
        (ok(b"[]"), "HTTP 200, but the answer is no pre-upgrade check"),
        (ok(b""), "HTTP 200, but the answer is no pre-upgrade check"),
        (ok(b"{}"), "HTTP 200, but the answer is no pre-upgrade check"),
        (ok(RAW[:-40]), "HTTP 200, but the answer is no pre-upgrade check"),
        (ok(task(uid=OTHER)), f"task {OTHER}, not task {UID}"),
        (ok({**task(), "spec": {"clusterID": OTHER}}), f"a check of cluster {OTHER}"),
        (ok(listed(task())), "is a list, not"),
        (ok(listed(task(), task(uid=OTHER))), "is a list, not"),
    ],
    ids=["html", "array", "nothing", "object", "cut", "task", "cluster", "list of 1", "list"],
)
def test_a_200_that_holds_no_answer(
    api: Api, fetch: Fetch, tmp_path: Path, reply: Reply, said: str
) -> None:
    api.replies = [reply]
    done = fetch("--task", UID, "-o", str(tmp_path / "r.json"))
    assert (done.code, done.out) == (6, "")
    assert said in done.err
    assert len(done.err.splitlines()) == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ([error(429, **{"Retry-After": "0.2"})], "asking again"),
        ([error(429, **{"Retry-After": f"Mon, 01 Jan 2024 00:00:00 +{'9' * 20}"})], "asking again"),
        ([error(429)], "APIGW.0308: The throttling threshold has been reached."),
        ([error(500), html(502)], "an HTML page, not an answer of the API"),
        ([Reply(fault="reset")], "127.0.0.1: the connection broke off"),
        ([Reply(200, RAW, fault="truncated")], "127.0.0.1: the connection broke off"),
        ([Reply(200, RAW, fault="chunked")], "127.0.0.1: the connection broke off"),
    ],
    ids=["429 told", "429 at no time", "429", "5xx", "reset", "truncated", "no last chunk"],
)
def test_what_may_pass_is_asked_again(
    api: Api, fetch: Fetch, tmp_path: Path, fault: list[Reply], said: str
) -> None:
    api.replies = [*fault, ok(RAW)]
    done = fetch("--task", UID, "-o", str(tmp_path / "r.json"), "--poll", "0.1")
    assert done.code == 0
    assert said in done.out + done.err
    assert len(api.requests) == len(fault) + 1
    assert (tmp_path / "r.json").read_bytes() == RAW


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (error(429, **{"Retry-After": "57.3"}), "HTTP 429, APIGW.0308"),
        (Reply(200, RAW, fault="slow"), "no answer in time"),
        (Reply(fault="reset"), "the connection broke off"),
    ],
    ids=["429", "slow", "reset"],
)
def test_the_time_given_is_kept(
    api: Api, fetch: Fetch, tmp_path: Path, reply: Reply, said: str
) -> None:
    api.replies = [reply]
    began = time.monotonic()
    done = fetch("--task", UID, "-o", str(tmp_path / "r.json"), "--timeout", "1", "--poll", "0.1")
    assert done.code == 6
    assert said in done.err
    # Ten times what was given: only a wait for the 57 seconds or the slow body would be longer.
    assert time.monotonic() - began < 10
    assert list(tmp_path.iterdir()) == []


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@pytest.mark.parametrize(
    ("begins", "again"),
    [
        (b"", b"H"),
        (b"", CONTINUE),
        (b"HTTP/1.1 200 OK\r\n", b"X"),
        (CHUNKED + b"\r\n", b"0"),
        (CHUNKED + b"\r\n2\r\n{}\r\n0\r\n", b"A: b\r\n"),
        (CHUNKED + b"Content-Encoding: gzip\r\n\r\n", b"14\r\n%s\r\n" % gzip.compress(b"")),
    ],
    ids=["status", "continue", "header", "size", "trailer", "gzip"],
)
def test_whatever_a_server_sends_without_end_is_held_to_the_time_given(
    api: Api, fetch: Fetch, tmp_path: Path, begins: bytes, again: bytes
) -> None:
    """The server gives up after 15 seconds: later than any that keeps the time."""
    api.replies = [Reply(body=begins, fault="endless", again=again)]
    began = time.monotonic()
    done = fetch("--task", UID, "-o", str(tmp_path / "r.json"), "--timeout", "0.5")
    assert (done.code, "no answer in time" in done.err) == (6, True), done.err
    assert time.monotonic() - began < 10
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_body_counts_as_a_part_of_the_answer(
    api: Api, fetch: Fetch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reporter.live.transport.MAX_BYTES", 1 << 20)
    api.replies = [Reply(fault="endless", again=CONTINUE * 20_000)]
    done = fetch("--task", UID, "-o", str(tmp_path / "r.json"), "--timeout", "10")
    assert (done.code, "the answer is larger than" in done.err) == (6, True), done.err


def test_nobody_listens(api: Api, fetch: Fetch, tmp_path: Path) -> None:
    done = fetch("--task", UID, "-o", str(tmp_path / "r.json"), "--timeout", "1",
                 "--endpoint", "http://127.0.0.1:1")  # fmt: skip
    assert done.code == 6
    assert "127.0.0.1: " in done.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("way", ["environment", "option"])
def test_a_proxy_that_is_not_there(
    api: Api, fetch: Fetch, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, way: str
) -> None:
    if way == "environment":
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:{SECURITY_TOKEN}@127.0.0.1:1")
    more = ["--proxy", "http://127.0.0.1:1"] if way == "option" else []
    more += ["--endpoint", "https://cce.example.com"]
    done = fetch("--task", UID, "-o", str(tmp_path / "r.json"), "--timeout", "1", *more)
    assert done.code == 6
    assert "the proxy can't be reached or refuses" in done.err
    assert api.asked == []


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "ALL_PROXY", "http_proxy"])
def test_what_is_asked_on_this_machine_goes_through_no_proxy(
    api: Api, fetch: Fetch, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv("HUAWEICLOUD_SDK_IAM_ENDPOINT", api.url)
    monkeypatch.setenv("HUAWEICLOUD_TOKEN", TOKEN)
    monkeypatch.setenv(variable, "http://127.0.0.1:1")
    api.replies = [ok(listed(task()))]
    assert fetch("--list", project=None).code == 0
    assert len(api.asked) == 2
    # Nor through one that is named for it, by whatever way the endpoint is.
    monkeypatch.setenv("HUAWEICLOUD_SDK_REGION_CCE_EU_WEST_101", api.url)
    for endpoint, code in ((api.url, 2), ("", 6)):
        words = ["fetch", "--type", "standard", "--cluster", CLUSTER, "--region", "eu-west-101",
                 "--list", "--proxy", "http://127.0.0.1:1"]  # fmt: skip
        assert run([*words, "--endpoint", endpoint] if endpoint else words) == code
    assert len(api.asked) == 2


@pytest.mark.parametrize(
    ("variable", "address", "said"),
    [
        ("HUAWEICLOUD_SDK_IAM_ENDPOINT", "http://iam.example.com", "http://iam.example.com: cred"),
        ("HUAWEICLOUD_SDK_IAM_ENDPOINT", "iam.example.com", "iam.example.com: credentials are"),
        ("HUAWEICLOUD_SDK_IAM_ENDPOINT", f"https://u:{SK}@iam.example.com", "name or password"),
        ("iam_endpoint", "http://iam.example.com", "http://iam.example.com: credentials are sent"),
        ("HUAWEICLOUD_SDK_STS_ENDPOINT", "http://sts.example.com", "http://sts.example.com: cred"),
        ("HUAWEICLOUD_SDK_REGION_CCE_EU_WEST_101", f"http://u:{SK}@127.0.0.1:1", "or password"),
    ],
)
def test_every_address_is_asked_whether_credentials_may_go_there_before_anything_is_sent(
    api: Api, home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str],
    tmp_path: Path, variable: str, address: str, said: str,
) -> None:  # fmt: skip
    words = ["fetch", "--type", "autopilot", "--cluster", CLUSTER, "--region", "eu-west-101",
             "--latest", "-o", str(tmp_path / "r.json")]  # fmt: skip
    if variable == "iam_endpoint":
        file = tmp_path / "credentials"
        file.write_text(f"[prod]\nak = {AK}\nsk = {SK}\niam_endpoint = {address}\n")
        monkeypatch.setenv("HUAWEICLOUD_SDK_CREDENTIALS_FILE", str(file))
        words += ["--profile", "prod"]
    else:
        monkeypatch.setenv(variable, address)
    if "STS" in variable:
        for name in ("PROVIDER_URN", "AGENCY_URN", "ID_TOKEN"):
            monkeypatch.setenv(f"HUAWEICLOUD_OIDC_{name}", "canary")
        for name in ("AK", "SK"):
            monkeypatch.delenv(f"HUAWEICLOUD_SDK_{name}")
        words += ["--project-id", PROJECT]
    if "REGION" not in variable:
        words += ["--endpoint", api.url]
    assert run(words) == 6
    err = capfd.readouterr().err
    assert said in err
    assert SK not in err
    assert not (tmp_path / "r.json").exists()
    assert api.asked == []


def test_the_wire_itself_sends_credentials_nowhere_else() -> None:
    carrier = transport.Transport(lambda path: True)
    for address in ("http://cce.example.com/", "https://u:p@cce.example.com/", "https://"):
        request = requests.Request("GET", "https://cce.example.com").prepare()
        request.url = address
        with pytest.raises(LiveError) as caught:
            carrier.send(request)
        assert "u:p" not in caught.value.message


def test_libraries_say_nothing_themselves(api: Api, home: Path, tmp_path: Path) -> None:
    api.replies = [Reply(fault="reset")]
    done = subprocess.run(
        [sys.executable, "-m", "reporter", "fetch", "--type", "standard", "--cluster", CLUSTER,
         "--region", "eu-west-101", "--project-id", PROJECT, "--endpoint", api.url,
         "--task", UID, "--timeout", "0.5", "-o", str(tmp_path / "r.json")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr == (
        "127.0.0.1: the connection broke off before the whole answer came\n  → try again\n"
    )
    assert list(home.iterdir()) == []


# Waiting ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["Success", "Failed", "Error"])
def test_a_wait_ends_on_every_final_phase(api: Api, fetch: Fetch, tmp_path: Path, end: str) -> None:
    api.replies = [ok(task("Init")), ok(task("Running")), error(429), html(502),
                   Reply(fault="reset"), ok(task("Running")), ok(task(end))]  # fmt: skip
    file = tmp_path / "r.json"
    done = fetch("--task", UID, "--wait", "--poll", "0.1", "-o", str(file))
    assert done.code == 0
    assert f"check {UID}: {end} → {file}\n" in done.err
    assert json.loads(file.read_bytes())["status"]["phase"] == end
    assert "Running: 1 of 2 items done\n" in done.err
    assert len(api.requests) == 7


def test_the_latest_that_is_the_latest_no_more_when_it_has_ended(
    api: Api, fetch: Fetch, tmp_path: Path
) -> None:
    newer = task("Failed", OTHER, "2026-03-01 11:00:00 +0000 UTC")
    replies = [ok(listed(task("Running"))), ok(task("Running")), ok(task())]
    file = tmp_path / "r.json"
    words = ("--latest", "--wait", "--poll", "0.1", "-o", str(file))
    api.replies = [*replies, ok(listed(newer, task()))]
    done = fetch(*words)
    assert done.code == 6
    assert f"while check {UID} was waited for, another became the latest: {OTHER}" in done.err
    assert f"--task {UID}" in done.err
    assert list(tmp_path.iterdir()) == []
    api.replies = [*replies, ok(listed(task()))]
    assert fetch(*words).code == 0
    assert file.exists()


def test_a_check_that_vanishes(api: Api, fetch: Fetch, tmp_path: Path) -> None:
    api.replies = [ok(task("Running")), error(404)]
    done = fetch("--task", UID, "--wait", "--poll", "0.1", "-o", str(tmp_path / "r.json"))
    assert done.code == 6
    assert "the check has vanished; when last seen it was Running (HTTP 404" in done.err
    assert "--list" in done.err
    assert list(tmp_path.iterdir()) == []


def test_a_wait_whose_time_is_over_says_how_to_go_on(
    api: Api, fetch: Fetch, tmp_path: Path
) -> None:
    api.replies = [ok(listed(task("Running"))), ok(task("Running"))]
    file = tmp_path / "r.json"
    done = fetch("--latest", "--wait", "--poll", "0.2", "--timeout", "1", "-o", str(file))
    assert done.code == 6
    assert "the check is still Running and the time given is over" in done.err
    assert f"  → go on with: cce-precheck fetch --task {UID} --wait --type autopilot" in done.err
    assert f"--output {file}" in done.err
    assert "--poll 0.2" in done.err
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_wait_says_how_to_go_on(api: Api, home: Path, tmp_path: Path) -> None:
    api.replies = [ok(task("Running"))]
    file = tmp_path / "r.json"
    waiting = subprocess.Popen(
        [sys.executable, "-m", "reporter", "fetch", "--type", "autopilot", "--cluster", CLUSTER,
         "--region", "eu-west-101", "--project-id", PROJECT, "--endpoint", api.url,
         "--task", UID, "--wait", "--poll", "5", "-o", str(file)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert waiting.stderr is not None
    assert waiting.stderr.readline() == "Running: 1 of 2 items done\n"
    waiting.send_signal(signal.SIGINT)
    out, err = waiting.communicate(timeout=30)
    assert waiting.returncode == 130
    assert f"cce-precheck fetch --task {UID} --wait" in err
    assert list(tmp_path.iterdir()) == []
    assert not any(secret in out + err for secret in SECRETS)


def test_on_a_terminal_the_line_stays_and_ends(api: Api, home: Path, tmp_path: Path) -> None:
    import pty

    api.replies = [ok(task("Running")), error(500), ok(task("Success"))]
    parent, child = pty.openpty()
    done = subprocess.Popen(
        [sys.executable, "-m", "reporter", "fetch", "--type", "autopilot", "--cluster", CLUSTER,
         "--region", "eu-west-101", "--project-id", PROJECT, "--endpoint", api.url,
         "--task", UID, "--wait", "--poll", "0.3", "-o", str(tmp_path / "r.json")],
        stderr=child, env={**os.environ, "TERM": "xterm-256color"},
    )  # fmt: skip
    os.close(child)
    shown = b""
    try:
        while chunk := os.read(parent, 4096):
            shown += chunk
    except OSError:
        pass
    os.close(parent)
    assert done.wait(timeout=30) == 0
    assert b"Running: 1 of 2 items done" in shown
    assert b"HTTP 500, CCE.01500001" in shown
    assert b"\x1b[?25h" in shown  # the cursor is back
    assert f"check {UID}: Success".encode() in shown


def test_endpoints_of_the_sdks_environment(
    api: Api, home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:  # fmt: skip
    name = "HUAWEICLOUD_SDK_REGION_CCE_EU_WEST_101"
    words = ["fetch", "--type", "autopilot", "--cluster", CLUSTER, "--region", "eu-west-101",
             "--project-id", PROJECT, "--task", UID, "-o", str(tmp_path / "r.json")]  # fmt: skip
    monkeypatch.setenv(name, api.url)
    api.replies = [ok(RAW)]
    code = run(words)
    assert (code, capfd.readouterr().err[:6]) == (0, "check ")
    assert json.loads((tmp_path / "r.json.meta.json").read_text())["endpoint"] == api.url
    # The SDK goes on to the second only when the first can't be found.
    monkeypatch.setenv(name, f"{api.url},http://cce.example.com")
    assert run(words) == 6
    assert "credentials are sent over https only" in capfd.readouterr().err


# The command line -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--task", UID], "say where to save it"),
        (["-o", "r.json"], "name the check: one of --task UID, --latest and --list"),
        (["--task", UID, "--latest", "-o", "r"], "name the check"),
        (["--task", "../x", "-o", "r"], "--task '../x' is no id"),
        (["--task", UID, "-o", "r", "--archive", "a"], "either -o FILE or --archive DIR"),
        (["--list", "--wait"], "--list goes with neither"),
        (["--task", UID, "-o", "r", "--endpoint", "http://cce.example.com"], "over https only"),
        (["--task", UID, "-o", "r", "--timeout", "nan"], "--timeout takes seconds"),
        (["--task", UID, "-o", "r", "--token-file", ""], "an empty name is no file's"),
        (["--task", UID, "-o", "r", "--proxy", f"http://u:{SK}@p"], "HTTPS_PROXY"),
        (["--task", UID, "-o", "r", "--region", "eu-west-1O1", "--endpoint", ""], "--endpoint"),
    ],
)
def test_the_command_line(fetch: Fetch, arguments: list[str], said: str) -> None:
    done = fetch(*arguments)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


@pytest.mark.parametrize(
    "arguments",
    [["--task", ""], ["--task", UID, "--endpoint", "ftp://x"], ["--task", UID, "--latest"]],
)
def test_a_slip_in_the_command_leaves_no_older_answer(
    fetch: Fetch, tmp_path: Path, arguments: list[str]
) -> None:
    for name in ("r.json", "r.json.meta.json"):
        (tmp_path / name).write_text("of yesterday")
    assert fetch(*arguments, "-o", str(tmp_path / "r.json")).code == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", ["--token-file", "--ca-bundle", "the environment"])
@pytest.mark.parametrize("output", ["own", "link", "note"])
def test_what_is_read_is_never_written_over(
    fetch: Fetch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str, output: str
) -> None:
    own = tmp_path / ("own.meta.json" if output == "note" else "own")
    own.write_text("mine")
    (tmp_path / "link").hardlink_to(own)
    if option == "the environment":
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(own))
    given = [] if option == "the environment" else [option, str(own)]
    target = tmp_path / ("link" if output == "link" else "own")
    done = fetch("--task", UID, "-o", str(target), *given)
    assert done.code == 2
    assert "the same file is an input" in done.err or "is an input; it would be" in done.err
    assert own.read_text() == "mine"


def test_a_region_nobody_knows(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code = run(["fetch", "--type", "autopilot", "--cluster", CLUSTER, "--region", "eu-west-11",
                "--project-id", PROJECT, "--list"])  # fmt: skip
    assert code == 2
    assert 'did you mean "eu-west-101"?' in capfd.readouterr().err


def test_a_netrc_does_not_sign_for_us(
    api: Api,
    fetch: Fetch,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    netrc = tmp_path_factory.mktemp("netrc") / "netrc"
    netrc.write_text("machine 127.0.0.1 login other password other\n")
    netrc.chmod(stat.S_IRUSR)
    monkeypatch.setenv("NETRC", str(netrc))
    api.replies = [ok(listed(task()))]
    assert fetch("--list").code == 0


def test_debug_tells_no_secret(api: Api, home: Path, tmp_path: Path) -> None:
    for reply in (error(401), html(200), Reply(fault="reset")):
        api.replies = [reply]
        done = subprocess.run(
            [sys.executable, "-m", "reporter", "fetch", "--type", "autopilot", "--cluster",
             CLUSTER, "--region", "eu-west-101", "--project-id", PROJECT, "--endpoint", api.url,
             "--task", UID, "--debug", "--timeout", "0.5", "-o", str(tmp_path / "r.json")],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert "Traceback" in done.stderr
        assert not any(secret in done.stdout + done.stderr for secret in (*SECRETS, AK))


@pytest.mark.parametrize("missing", ["huaweicloudsdkcce", "requests", "tenacity"])
def test_without_the_extra(home: Path, tmp_path: Path, missing: str) -> None:
    file, note = tmp_path / "r.json", tmp_path / "r.json.meta.json"
    for stale in (file, note):
        stale.write_text("of an earlier run")
    code = (
        f"import sys; sys.modules[{missing!r}] = None;"
        "from reporter.cli import run; sys.exit(run(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "fetch", "--type", "standard", "--cluster", CLUSTER,
         "--region", "eu-west-101", "--list", "-o", str(file)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 6
    assert not file.exists()
    assert not note.exists()
    assert "pip install 'cce-precheck-reporter[live]'" in done.stderr


# What a server gives back -----------------------------------------------------------------------

_ECHOES = {
    "whole": lambda secret: secret,
    "address": lambda secret: quote(secret, safe=""),
    "basic": lambda secret: b64encode(f"me:{secret}".encode()).decode(),
    "shouted": str.upper,
}


@pytest.mark.parametrize("spelling", _ECHOES)
def test_an_error_that_gives_the_credentials_back_tells_none(
    api: Api, fetch: Fetch, monkeypatch: pytest.MonkeyPatch, spelling: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://me:pa%2Fss-of-the-proxy@127.0.0.1:9")
    monkeypatch.setenv("CLOUD_SDK_SECURITY_TOKEN", SECURITY_TOKEN)
    echoed = [_ECHOES[spelling](one) for one in (AK, SK, SECURITY_TOKEN, "pa/ss-of-the-proxy")]
    for secret in echoed:
        body = json.dumps({"error_code": "X.1", "error_msg": f"refused: {secret}"}).encode()
        api.replies = [Reply(400, body, {"X-Request-Id": secret})]
        done = fetch("--task", UID, "-o", "-", "--debug")
        assert done.code == 6
        assert "refused: " in done.err
        assert "[hidden]" in done.err
        assert secret.lower() not in done.err.lower()


def test_a_token_that_an_error_cuts_is_hidden_as_well(
    api: Api, fetch: Fetch, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HUAWEICLOUD_TOKEN", TOKEN)
    body = json.dumps({"error_msg": f"TOKENECHO {TOKEN}"}).encode()
    api.replies = [Reply(500, body), Reply(400, body)]
    done = fetch("--task", UID, "--wait", "--poll", "0.1", "-o", str(tmp_path / "r.json"))
    assert done.code == 6
    assert "HTTP 500, TOKENECHO [hidden], request id" in done.err
    assert "HTTP 400, TOKENECHO [hidden], request id" in done.err
    assert TOKEN[:17] not in done.err


def test_an_answer_that_holds_the_token_is_saved_as_it_came(
    api: Api, home: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:  # fmt: skip
    monkeypatch.setenv("HUAWEICLOUD_TOKEN", TOKEN)
    body = json.dumps(task(phase=TOKEN)).encode()
    api.replies = [ok(body, **{"X-Request-Id": TOKEN})]
    file = tmp_path / "r.json"
    code = run(["fetch", "--type", "autopilot", "--cluster", CLUSTER, "--region", "eu-west-101",
                "--endpoint", api.url, "--project-id", PROJECT, "--task", UID,
                "-o", str(file)])  # fmt: skip
    out, err = capfd.readouterr()
    assert code == 0
    assert file.read_bytes() == body
    assert json.loads((tmp_path / "r.json.meta.json").read_text())["request_id"].endswith(
        "[hidden]"
    )
    assert err.splitlines()[0] == (
        "warning: the answer holds the credentials it was asked with, and is saved as it came"
    )
    assert f"check {UID}: [hidden]" in err
    assert TOKEN[:17] not in out + err


def test_what_is_hidden_and_what_is_not() -> None:
    environment = {"HUAWEICLOUD_SDK_AK": "short", "HUAWEICLOUD_SDK_SK": "s3cret"}
    secrets = Secrets({**environment, "HTTPS_PROXY": "http://["})
    assert secrets.hide("short and s3cret") == "short and [hidden]"
    changing = ["first-of-them"]
    secrets.watch(lambda: [*changing, None])
    assert secrets.hide("first-of-them, second-of-them") == "[hidden], second-of-them"
    changing[0] = "second-of-them"
    assert secrets.hide("second-of-them") == "[hidden]"


def test_a_bug_that_quotes_a_secret_stays_a_bug_without_it() -> None:
    secrets = Secrets({"HUAWEICLOUD_TOKEN": TOKEN})
    try:
        try:
            raise KeyError(TOKEN)
        except KeyError as cause:
            raise ValueError("broken") from cause
    except ValueError as error:
        told = secrets.taken_out_of(error)
    shown = "".join(format_exception(told))
    assert isinstance(told, RuntimeError)
    assert "ValueError: broken" in shown
    assert TOKEN[:17] not in shown
    fine = ValueError("nothing")
    assert secrets.taken_out_of(fine) is fine


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
def test_a_pipe_gets_the_body_and_nothing_lies_beside_it(
    api: Api, fetch: Fetch, tmp_path: Path
) -> None:
    api.replies = [ok(RAW), ok(RAW)]
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert fetch("--task", UID, "-o", str(pipe)).code == 0
        assert os.read(reader, 2 * len(RAW)) == RAW
    finally:
        os.close(reader)
    (tmp_path / "null").symlink_to(os.devnull)
    assert fetch("--task", UID, "-o", str(tmp_path / "null")).code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["null", "pipe"]


def test_a_host_is_written_as_an_address_writes_it() -> None:
    """`::1` at the start of a line is a workflow command to a runner."""
    assert _host_of("http://[::1]:8080/x") == "[::1]"
    assert _host_of("https://cce.example.com") == "cce.example.com"
