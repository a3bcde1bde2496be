"""What an attacker found: evidence that was passed over, and inputs that never end."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import lzma
import os
import struct
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reporter.errors import InputError
from reporter.sources.containers import _OPENERS, Limits
from reporter.sources.read import read

TASK: dict[str, Any] = {
    "kind": "PreCheckTask",
    "apiVersion": "v3",
    "metadata": {
        "uid": "one",
        "creationTimestamp": "2026-03-01 10:00:00 +0000 UTC",
        "updateTimestamp": "2026-03-01 10:02:00 +0000 UTC",
    },
    "spec": {"clusterID": "c"},
    "status": {"phase": "Success", "clusterCheckStatus": {"itemsStatus": []}},
}
GOOD = json.dumps(TASK).encode()
OTHER = json.dumps({**TASK, "metadata": {"uid": "two"}}).encode()


def zipped(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.json", data)
    return out.getvalue()


# Behind and between -----------------------------------------------------------------------------


def _zstd(data: bytes) -> bytes:
    return subprocess.run(["zstd", "-qc"], input=data, capture_output=True, check=True).stdout


COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "xz": lzma.compress,
    "zstd": _zstd,
}


@pytest.mark.parametrize("kind", sorted(_OPENERS))
def test_whatever_is_compressed_is_read_to_its_end_and_nothing_lies_behind(kind: str) -> None:
    """A library's own file object may take what does not start as a stream for the end."""
    pack = COMPRESSIONS[kind]
    packed, other = pack(GOOD), pack(OTHER)
    assert read(packed).source.containers == (kind,)
    for behind in (b"x", b"GARBAGE" * 99, OTHER, other[:-1], bytes([other[0] ^ 1]) + other[1:]):
        with pytest.raises(InputError):
            read(packed + behind)
    for end in range(1, len(packed)):
        with pytest.raises(InputError):
            read(packed[:end])


@pytest.mark.parametrize("at", [0, 3, 7, 9])
def test_an_xz_stream_that_is_damaged_is_not_the_end(at: int) -> None:
    second = bytearray(lzma.compress(OTHER + b"\n"))
    second[at] ^= 1
    with pytest.raises(InputError):
        read(lzma.compress(GOOD + b"\n") + bytes(second))


@pytest.mark.parametrize("behind", [b"x", b"\x00\x00\x00\x00x", b"GARBAGE" * 99, b"\xfd7zX"])
def test_nothing_follows_behind_an_xz_file(behind: bytes) -> None:
    with pytest.raises(InputError):
        read(lzma.compress(GOOD) + behind)


@pytest.mark.parametrize("between", [b"", b"\x00" * 8])
def test_xz_streams_and_padding_are_read_on(between: bytes) -> None:
    both = lzma.compress(GOOD + b"\n") + between + lzma.compress(OTHER + b"\n") + between
    assert read(both, task="two").task.metadata.uid == "two"  # type: ignore[union-attr]
    with pytest.raises(InputError):
        read(both[: len(both) - len(between) - 3])


def test_a_zip_archive_is_nothing_but_its_members() -> None:
    good, other = zipped(p=GOOD), zipped(f=OTHER)
    assert read(good).task == read(GOOD).task
    for glued in (other + good, good + OTHER, good + other[:-30], b"MZ" + good):
        with pytest.raises(InputError):
            read(glued)


def test_a_member_struck_off_the_list_is_missed() -> None:
    both = zipped(p=GOOD, f=OTHER)
    end = both.rindex(b"PK\x05\x06")
    start = int.from_bytes(both[end + 16 : end + 20], "little")
    second = both.index(b"PK\x01\x02", start + 4)
    directory = both[start:second]
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, len(directory), start, 0)
    with pytest.raises(InputError, match="list of members"):
        read(both[:start] + directory + tail)


@pytest.mark.parametrize("count", [0, 2, 65_535])
def test_a_zip_archive_counts_its_members_rightly(count: int) -> None:
    data = bytearray(zipped(p=GOOD))
    end = data.rindex(b"PK\x05\x06")
    data[end + 8 : end + 12] = struct.pack("<HH", count, count)
    with pytest.raises(InputError):
        read(bytes(data))


def test_a_folder_in_a_zip_archive_holds_nothing() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("p.json", GOOD)
        archive.writestr("f.json/", OTHER)
    with pytest.raises(InputError, match="content and no name of a file"):
        read(out.getvalue())


@pytest.mark.parametrize("streamed", [False, True])
def test_zip_archives_as_other_tools_write_them(streamed: bool) -> None:
    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.data = b""

        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            self.data += bytes(data)
            return len(data)

    out: Any = Pipe() if streamed else io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("folder/", b"")
        with archive.open("folder/p.json", "w", force_zip64=True) as member:
            member.write(GOOD)
        archive.comment = b"made by us"
    data = out.data if streamed else out.getvalue()
    assert read(data).task == read(GOOD).task


def test_every_damage_of_a_zip_archive_is_an_input_error() -> None:
    data = zipped(p=GOOD)
    for at in range(len(data)):
        for broken in (data[:at] + data[at + 1 :], data[:at] + b"\xff" + data[at + 1 :]):
            # What is left alone are dates and attributes; anything else would raise.
            with contextlib.suppress(InputError):
                assert read(broken).task == read(GOOD).task


# Beside -----------------------------------------------------------------------------------------

Put = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path) -> Put:
    def put(**files: bytes) -> Path:
        (tmp_path / "p.json").write_bytes(GOOD)
        for name, data in files.items():
            (tmp_path / name.replace("_", ".")).write_bytes(data)
        return tmp_path

    return put


CLUSTER = b'{"kind":"Cluster"}'


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("f_jsonl", CLUSTER + b"\n" + OTHER),
        ("f_log", b'{"level":"info"}\n' + OTHER),
        ("f_json", b"[" + CLUSTER + b"," + OTHER + b"]"),
        ("f_json", b'{"kind":"List","items":[' + CLUSTER + b"," + OTHER + b"]}"),
        ("f_json", b'{"items":[' + OTHER + b"]}"),
        ("f_json", b'{"body":' + OTHER + b"}"),
        ("f_log", b'{"level":"info","response":' + OTHER + b"}"),
        ("f_log", json.dumps({"msg": OTHER.decode()}).encode()),
        ("f_log", json.dumps({"msg": json.dumps({"msg": OTHER.decode()})}).encode()),
        ("f_txt", OTHER + b"\x00\x00"),
        ("f_txt", OTHER.replace(b"two", b"tw\xf6")),
        ("f_txt", b"\x00" * 10 + OTHER),
        ("f_txt", OTHER.decode().encode("utf-16-le")[:-3]),
        ("f_txt", b"class ShowPreCheckResponse {\n    kind: PreCheck"),
        ("f_log", b"HTTP/1.1 200 OK\n\nfoo " + OTHER),
        ("f_txt", OTHER[:-1]),
        ("f_json", b""),
    ],
)
def test_a_second_response_in_any_dress_is_not_passed_over(
    folder: Put, name: str, data: bytes
) -> None:
    with pytest.raises(InputError):
        read(folder(**{name: data}))


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("README_md", b"[![badge](x)](y)\n\n# How we check\nSee PreCheckTask and itemsStatus.\n"),
        ("notes_txt", b"The PreCheckTask failed on Monday, itemsStatus was long."),
        ("policy_yaml", b"apiVersion: precheck.policy/v1\nkind: Policy\n"),
        ("report_pdf", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"),
        ("shot_png", b"\x89PNG\r\n\x1a\n\x00\x00\x00"),
        ("report_html", b"<!doctype html><p>/status/addonCheckStatus/itemsStatus/0"),
        ("empty_txt", b""),
        ("cluster_json", CLUSTER),
    ],
)
def test_what_is_no_response_may_lie_beside_one(folder: Put, name: str, data: bytes) -> None:
    assert read(folder(**{name: data})).source.name.endswith("p.json")


def test_a_link_to_a_folder_is_not_passed_over(folder: Put, tmp_path_factory: Any) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "f.json").write_bytes(OTHER)
    here = folder()
    (here / "inner").mkdir()
    (here / "again").symlink_to("inner")
    assert read(here).task.metadata.uid == "one"  # type: ignore[union-attr]
    (here / "more").symlink_to(elsewhere)
    with pytest.raises(InputError, match="leads out of the folder"):
        read(here)


def test_half_a_list_is_none() -> None:
    task = GOOD.decode()
    for text in (
        f'{{"kind":"List","items":[{task}],"Items":[{OTHER.decode()}]}}',
        f'{{"kind":"List","metadata":{{"continue":"x"}},"items":[{task}]}}',
        f'{{"kind":"List","metadata":{{"remainingItemCount":3}},"items":[{task}]}}',
        f'{{"kind":"List","metadata":{{"Continue":"x"}},"items":[{task}]}}',
        f'{{"kind":"List","metadata":{{"remaining_item_count":3}},"items":[{task}]}}',
        f'{{"kind":"List","MetaData":{{"CONTINUE":"x"}},"items":[{task}]}}',
        f'{{"kind":"List","page_info":{{"next_marker":"x"}},"items":[{task}]}}',
        f'{{"kind":"List","hasMore":true,"items":[{task}]}}',
        f'{{"kind":"List","next":"https://cce/?marker=2","items":[{task}]}}',
        f'{{"kind":"List","previous":"https://cce/","next":null,"items":[{task}]}}',
        f'{{"kind":"List","links":[{{"rel":"self"}},{{"rel":"next"}}],"items":[{task}]}}',
        f'{{"kind":"List","links":[{{"rel":["a","next"]}}],"items":[{task}]}}',
        f'{{"kind":"List","_links":{{"next":{{"href":"x"}}}},"items":[{task}]}}',
        f'{{"kind":"List","link":"<x>; rel=\\"next\\"","items":[{task}]}}',
        f'{{"kind":"List","NextContinuationToken":"x","items":[{task}]}}',
        f'{{"kind":"List","last":false,"items":[{task}]}}',
        f'{{"kind":"List","last_page":50,"items":[{task}]}}',
        f'{{"kind":"List","total":{{"value":50}},"items":[{task}]}}',
        f'{{"kind":"List","total":"50.0","items":[{task}]}}',
        f'{{"kind":"List","partial":true,"items":[{task}]}}',
        f'{{"kind":"List","metadata":{{"pagination":{{"total":50}}}},"items":[{task}]}}',
        f'{{"kind":"List","LastEvaluatedKey":"x","items":[{task}]}}',
        f'{{"kind":"List","LastEvaluatedKey":{{"id":{{"S":"x"}}}},"items":[{task}]}}',
        f'{{"kind":"List","hasMoreItems":true,"items":[{task}]}}',
        f'{{"kind":"List","has_more_results":true,"items":[{task}]}}',
        f'{{"kind":"List","nextPageStartIndex":5,"items":[{task}]}}',
        f'{{"kind":"List","startAt":50,"items":[{task}]}}',
        f'{{"kind":"List","page":"Page 2 of 2","items":[{task}]}}',
        f'{{"kind":"List","links":[{{"rel":"prev"}}],"items":[{task}]}}',
        f'{{"kind":"List","truncated":true,"items":[{task}]}}',
        f'{{"kind":"List","more":1,"items":[{task}]}}',
        f'{{"kind":"List","offset":50,"items":[{task}]}}',
        f'{{"kind":"List","page":2,"items":[{task}]}}',
        f'{{"kind":"List","pageIndex":"3","items":[{task}]}}',
        f'{{"kind":"List","current_page":2,"items":[{task}]}}',
        f'{{"kind":"List","start":10,"items":[{task}]}}',
        f'{{"kind":"List","pageable":{{"pageNumber":4}},"items":[{task}]}}',
        f'{{"kind":"List","first":false,"items":[{task}]}}',
        f'{{"kind":"List","firstPage":false,"items":[{task}]}}',
        f'{{"kind":"List","first":21,"items":[{task}]}}',
        f'{{"kind":"List","hasPreviousPage":true,"items":[{task}]}}',
        f'{{"kind":"List","page":{{"number":2}},"items":[{task}]}}',
        f'{{"kind":"List","page":"2/3","items":[{task}]}}',
        f'{{"kind":"List","page":"1 of 3","items":[{task}]}}',
        f'{{"kind":"List","currentPageNo":2,"items":[{task}]}}',
        f'{{"kind":"List","total":2,"items":[{task}]}}',
        f'{{"kind":"List","total_count":"50","items":[{task}]}}',
        f'{{"kind":"List","total":50,"items":{task}}}',
        f'{{"kind":"List","metadata":{{"totalCount":50}},"items":[{task}]}}',
        f'{{"kind":"List","page_info":{{"total":50,"current_count":1}},"items":[{task}]}}',
        f'{{"kind":"List","page":{{"number":0,"totalPages":9}},"items":[{task},{task}]}}',
        f'{{"kind":"List","skippedCheckItemList":[{{"name":"x"}}],"items":[{task}]}}',
        f'{{"kind":"List","status":{{"phase":"Failed"}},"items":[{task}]}}',
        f'{{"kind":"List","spec":{{"clusterID":"other"}},"items":[{task}]}}',
        f'{{"kind":"List","tasks":[{OTHER.decode()}],"items":[{task}]}}',
        f'{{"kind":"List","metadata":{{"more":[{{"phase":"Failed"}}]}},"items":[{task}]}}',
        f'{{"kind":"List","metadata":{{"labels":{{"a":{{"level":"Fatal"}}}}}},"items":[{task}]}}',
    ):
        with pytest.raises(
            InputError, match=r"which one counts|is one page of a longer list|for which"
        ):
            read(text.encode())
    last = f'{{"kind":"List","metadata":{{"continue":"","remainingItemCount":0}},"items":[{task}]}}'
    assert read(last.encode()).source.form == "json-list"
    for said in (
        '"last":true,"last_page":1,"pages":1,"total":{"value":1,"relation":"eq"},"partial":false',
        '"total":1,"count":1,"offset":0,"limit":50,"hasMore":false,"next":null',
        '"page":1,"pageIndex":0,"start":0,"startIndex":1,"first":true,"currentPage":"1"',
        '"start":1764150000,"page":"1/1","hasPrevious":false,"from":0,"index":1',
        '"total_count":"1","truncated":"false","links":{"self":"x","next":null,"prev":null}',
        '"page":{"number":0,"size":20,"totalElements":1,"totalPages":1},"accountId":12345',
        '"page_info":{"previous_marker":"x","current_count":1},"links":[{"rel":"self"}]',
    ):
        whole = f'{{"kind":"List",{said},"items":[{task}]}}'
        assert read(whole.encode()).source.form == "json-list"
    named = f'{{"kind":"List","metadata":{{"labels":{{"level":"prod"}}}},"items":[{task}]}}'
    assert read(named.encode()).source.form == "json-list"


LISTED = b'{"kind":"List","items":[' + GOOD + b"]}"
PAGES = ['Link: <https://cce/?marker=2>; rel="next"', "link: <x>; rel=next", "X-Next-Page: 2",
         "Content-Range: items 0-0/50", "Content-Range: items 50-50/51", "x-has-more: true",
         'Link: <x>; rel="last next"', "Link: <x>; rel = next", "Content-Range: items */50",
         "X-Continuation-Token: x", 'X-Pagination: {"TotalCount":50}',
         "Content-Range: bytes 0-99/*", "Total-Count: 50", "x-pagination-total-count: 2",
         "X-Total-Count: 50", "X-Page: 2", "X-Current-Page: 12",
         'Link: <x>; rel="prev"', "X-Prev-Page: 1", "X-Page-Num: 2",
         "X-Total: 2", "X-Total-Pages: 2",
         "X-Next-Key: a", "X-Next-Cursor: 0-1700",
         "X-Next-Marker: no-prod-7", "X-Next-Link: /v3?page=2",
         "X-Has-Next-Page: true", "X-Pages: 3", "X-Page: 10", "X-Page: 1/3", "X-Page: 1 of 3",
         "X-WP-TotalPages: 3", "X-TotalPages: 3", "X-TotalCount: 50", "X-Page-Count: 3",
         "X-Last-Page: 3", "X-Num-Pages: 3", "X-Pagination-Page-Count: 3", "X-Is-Truncated: true",
         "X-Truncated: true", "X-Next: abc", "Next-Page: 2", "X-Continuation: abc",
         "X-Ms-Continuation: abc", "X-Pagination-Next: 2", "X-Result-Next: a",
         "X-Kubernetes-Continue: a", "X-Response-Partial: true", "X-Link-Next: /b",
         "Last-Evaluated-Key: a",
         "X-LastEvaluatedKey: a", "X-Start: 2 of 3", "X-Page-Number: 2 of 3",
         "Start-At: 2/3"]  # fmt: skip
WHOLE = ['Link: <x>; rel="self", <y>; rel="preload"', "Content-Range: items 0-0/1", "X-Next-Page: ",
         "X-Has-More: false", "X-Page: 1", "X-Next-Page: 0", "X-Prev-Page: null", "X-Has-More: no",
         "X-Prev-Page: none", "X-Next-Page: n/a", "X-Page: 01",
         "X-Next-Hop: 10.0.0.1", "X-Ratelimit-Next: 60",
         "X-Next: n/a", "X-Is-Truncated: false", "X-TotalCount: 1",
         "X-Page: 1/1", "X-Retry-Count: 3", "X-Consul-Index: 17", "X-Request-Start: 12345",
         "X-WP-TotalPages: 1", "Connection: close", "Via: 1.1 next", "X-Link: <x>; rel=self",
         "X-Prev-Version: 3", "X-Pages: 1", "X-Has-More: 0",
         "X-Total-Count: 1", "X-Total-Pages: 1", "Total-Count: 1"]  # fmt: skip


@pytest.mark.parametrize("header", PAGES)
def test_a_capture_of_one_page_is_refused(header: str) -> None:
    text = b"HTTP/1.1 200 OK\r\nA: b\r\n" + header.encode() + b"\r\n\r\n" + LISTED
    with pytest.raises(InputError, match="is one page of a longer list"):
        read(text)
    with pytest.raises(InputError, match="is one page of a longer list"):
        read(b"> GET /x\n< HTTP/2 200\n< " + header.encode() + b"\n<\n" + LISTED)


@pytest.mark.parametrize("header", WHOLE)
def test_a_capture_of_the_whole_list_is_read(header: str) -> None:
    text = b"HTTP/1.1 200 OK\r\nA: b\r\n" + header.encode() + b"\r\n\r\n" + LISTED
    assert read(text).source.form == "http"


CACHED = ["Age: 90000", "age: 01", 'Warning: 110 - "Response is Stale"', "Age: 7, 9",
          'Warning: 299 - "x", 111 - "Revalidation Failed"', 'warning: 214 proxy "Transformed"',
          "X-Cache: HIT", "X-Cache: HIT-STALE", "X-Cache: Edge-Hit",
          "X-Cache: TCP_REFRESH_FAIL_HIT",
          "X-Cache: Hit from cloudfront", "X-Cache: TCP_MEM_HIT from x, MISS",
          "CF-Cache-Status: STALE", "X-Cache-Status: UPDATING",
          "X-Cache-Hits: 0, 3", "X-Varnish: 123 456", "X-From-Cache: 1",
          "X-Cache-Lookup: Hit From MemCache", "X-Cache-Lookup: Hit From Disktank3",
          "X-Cache-Lookup: HIT from memcache, MISS",
          "X-Cache-Lookup: Hit From Disktank3 Gz", "X-Served-From-Cache: true",
          "Cache-Status: proxy; hit; ttl=9"]  # fmt: skip
OF_NOW = ["Age: 0", 'Warning: 299 - "Deprecated API"', "X-Cache: MISS from x", "Average: 7",
          "X-Cache: TCP_MISS", "Cache-Status: proxy; fwd=stale", "Cache-Control: max-age=60",
          "Warning: 1100 x", "X-Cache-Lookup: HIT from x",
          "X-Cache-Lookup: HIT from memproxy1:3128",
          "X-Cache-Lookup: HIT from upstream-px:3128", "X-Cache: MISS from cache-hit-1",
          "X-Cache: TCP_REFRESH_HIT",
          "X-Cache-Hits: 0", "X-Cache-Status: EXPIRED", "X-Varnish: 123456",
          "X-From-Cache: 0"]  # fmt: skip


@pytest.mark.parametrize("header", [*CACHED, *OF_NOW])
def test_a_copy_of_a_cache_is_no_answer_of_now(header: str) -> None:
    shown = header.encode()
    for text in (
        b"HTTP/1.1 301 Moved\r\nAge: 9\r\n\r\nHTTP/1.1 200 OK\r\n" + shown + b"\r\n\r\n" + LISTED,
        b"> GET /x\n< HTTP/1.1 301 Moved\n< Age: 9\n<\n< HTTP/2 200\n< "
        + shown
        + b"\n<\n"
        + LISTED,
        b"$ curl -i https://cce/x\nHTTP/2 200\n" + shown + b"\n\n" + LISTED + b"\n$\n",
        b"send: b'GET /x'\nreply: 'HTTP/1.1 200 OK'\nheader: " + shown + b"\n" + LISTED,
    ):
        if header in OF_NOW:
            assert read(text).source.form in ("http", "log")
            continue
        with pytest.raises(InputError, match="is a copy of a cache, not an answer of now"):
            read(text)
    # Behind the headers they are words of a log.
    assert read(b"$ curl -i x\nHTTP/2 200\n\n" + shown + b"\n" + LISTED).source.form == "log"


PRETTY = json.dumps(json.loads(LISTED), indent=1).encode()
SIZE = len(PRETTY)
LINES = PRETTY.count(b"\n")


@pytest.mark.parametrize(
    ("headers", "body", "whole"),
    [
        (b"Content-Length: %d" % SIZE, PRETTY, True),
        (b"content-length:%d" % SIZE, PRETTY + b"\n", True),
        (b"Content-Length: %d" % (SIZE + 2), PRETTY, True),
        (b"Content-Length: %d" % SIZE, PRETTY.replace(b"\n", b"\r\n"), True),
        (b"Content-Length: %d" % (SIZE + LINES), PRETTY, True),
        (b"Content-Length: %d" % (SIZE + 3), b"\xef\xbb\xbf" + PRETTY, True),
        (b"Content-Length: %d\r\nContent-Length: %d, %d" % (SIZE, SIZE, SIZE), PRETTY, True),
        (b"Content-Length: 9\r\nContent-Encoding: gzip", PRETTY, True),
        (b"Content-Length: 9\r\nTransfer-Encoding: chunked", PRETTY, True),
        (b"Content-Length: 9\r\nContent-Encoding: identity", PRETTY, False),
        (b"Content-Length: %d" % (SIZE + 3), PRETTY, False),
        (b"Content-Length: %d" % (SIZE + LINES + 3), PRETTY, False),
        (b"Content-Length: %d" % (SIZE - 1), PRETTY, False),
        (b"Content-Length: 999999", PRETTY, False),
        (b"Content-Length: %d, 9" % SIZE, PRETTY, False),
        (b"Content-Length: " + b"9" * 5000, PRETTY, False),
        (b"Content-Length: many", PRETTY, False),
    ],
)
def test_a_capture_is_as_long_as_its_headers_say(headers: bytes, body: bytes, whole: bool) -> None:
    moved = b"HTTP/1.1 301 Moved\r\nContent-Length: 7\r\n\r\n"
    text = moved + b"HTTP/1.1 200 OK\r\n" + headers + b"\r\n\r\n" + body
    if whole:
        assert read(text).source.form == "http"
        return
    with pytest.raises(InputError, match=r"has another length than its headers say.*cut or chang"):
        read(text)


@pytest.mark.parametrize("shown", [b"$ curl -i https://x\n", b"INFO got\n"])
def test_a_capture_in_a_log_is_as_long_as_its_headers_say(shown: bytes) -> None:
    head = shown + b"HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: %d\r\n\r\n"
    assert read(head % SIZE + PRETTY + b"\n$ \n").source.form == "log"
    with pytest.raises(InputError, match="another length"):
        read(head % 99 + PRETTY + b"\n$ \n")
    # What curl -v shows of the headers, something else may have laid the body out anew.
    verbose = shown + b"< HTTP/1.1 200 OK\r\n< Content-Length: 99\r\n<\r\n" + PRETTY
    assert read(verbose).source.form == "log"


@pytest.mark.parametrize(
    "body",
    [b'{"httpStatusCode":404}', b'{"reason":"Unauthorized"}', b'{"success":false}',
     b'{"errcode":40001,"errmsg":"x"}', b'{"Code":"X","Msg":"y"}', b'{"phase":"Running"}'],
)  # fmt: skip
def test_what_an_api_may_have_answered_does_not_lie_beside_a_response(
    folder: Put, body: bytes
) -> None:
    with pytest.raises(InputError):
        read(folder(f_json=body))


def test_an_error_of_the_api_in_a_list_or_beside_it_is_told() -> None:
    task = GOOD.decode()
    error = '"error_code":"CCE.01500001","error_msg":"internal error"'
    for text in (
        f'{{"kind":"List",{error},"items":[{task}]}}',
        f'{{"kind":"List","items":[{task[:-1]},{error}}}]}}',
        f"[{task[:-1]},{error}}}]",
        f"{task[:-1]},{error}}}",
    ):
        with pytest.raises(InputError, match=r"an error the API answered with \(CCE\.01500001"):
            read(text.encode())


# Without end ------------------------------------------------------------------------------------


def judged(location: Path | str, timeout: float = 20) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "reporter", "check", str(location), "--at", "response", "-q"],
        capture_output=True, text=True, timeout=timeout, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["f.json", "p.json.meta.json"])
def test_a_pipe_in_a_folder_is_not_waited_for(folder: Put, name: str) -> None:
    here = folder()
    os.mkfifo(here / name)
    done = judged(here)
    assert (done.returncode == 4) is (name == "f.json"), done.stderr
    assert name != "f.json" or "is a device or pipe" in done.stderr


@pytest.mark.parametrize(
    "data",
    [
        b"x " + b'{"a":x ' * 150_000,
        b"log\n" + b"class ShowPreCheckResponse {\n" * 100_000 + b"\n}\n",
        b"log\n" + b"class ShowPreCheckResponse {\n}\n" * 60_000,
    ],
    ids=["broken JSON", "nested printouts", "printouts"],
)
def test_the_work_is_in_proportion_to_the_text(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "f.log").write_bytes(data)
    assert judged(tmp_path / "f.log").returncode == 4


def test_archives_in_an_archive_share_a_limit() -> None:
    import gzip

    packed = gzip.compress(b"x " * 500_000)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for number in range(20):
            info = tarfile.TarInfo(f"{number}.txt.gz")
            info.size = len(packed)
            archive.addfile(info, io.BytesIO(packed))
    with pytest.raises(InputError, match="come out of it"):
        read(out.getvalue(), limits=Limits(max_unpacked=10_000_000))


def test_millions_of_values_are_no_response() -> None:
    with pytest.raises(InputError, match="values are more than the limit"):
        read(b'{"x":[' + b"1,1," * 2_100_000 * 2 + b"1]}")


# Written over -----------------------------------------------------------------------------------


@pytest.mark.parametrize("location", ["{dir}", "{dir}/*.json", "file://{dir}/p.json"])
@pytest.mark.parametrize("cut", [0, 40])
def test_no_report_is_written_over_the_evidence(folder: Put, location: str, cut: int) -> None:
    here = folder()
    evidence = GOOD[: len(GOOD) - cut]
    (here / "p.json").write_bytes(evidence)
    done = subprocess.run(
        [sys.executable, "-m", "reporter", "check", location.format(dir=here),
         "--json", str(here / "p.json")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert "would write over it" in done.stderr or "is an input" in done.stderr
    assert (here / "p.json").read_bytes() == evidence


def test_nor_over_what_standard_input_reads_a_note_or_a_policys_base(folder: Put) -> None:
    here = folder(**{"g_json_gz": b"x"})
    (here / "g.json.meta.json").write_text("{}")
    (here / "base.yaml").write_text("x")
    for words, target in (
        (["-"], "p.json"),
        ([str(here / "g.json.gz")], "g.json.meta.json"),
        ([str(here / "p.json"), "-p", "no-such-policy.yaml"], "base.yaml"),
    ):
        before = (here / target).read_bytes()
        with (here / "p.json").open("rb") as stdin:
            done = subprocess.run(
                [sys.executable, "-m", "reporter", "check", *words, "--json", str(here / target)],
                stdin=stdin, capture_output=True, text=True, check=False,
            )  # fmt: skip
        assert done.returncode == 2, done.stderr
        assert (here / target).read_bytes() == before


def test_debug_keeps_the_exit_code(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_bytes(b"{")
    done = subprocess.run(
        [sys.executable, "-m", "reporter", "check", str(tmp_path / "p.json"), "--debug"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 4
    assert "Traceback" in done.stderr


@pytest.mark.parametrize(
    "before",
    [
        b"nodeinfo " + b"\t" * 2_000_000 + b"x\n",
        b"+" + b"-" * 1_000_000 + b"x\n",
        b"+-" * 500_000 + b"x\n",
        b"400\n\n" + b"_" * 5_000 + b"\n" + b" " * 5_000 + b"\nx\n",
        (b"class ShowPreCheckResponse {\n}\n" + b"[" * 940 + b"x\n") * 5_000,
    ],
    ids=["tabs", "rule", "rules", "answer", "printouts"],
)
def test_text_that_is_made_to_be_slow_is_read_or_refused_at_once(
    tmp_path: Path, before: bytes
) -> None:
    """Each took minutes when its time grew by the square."""
    (tmp_path / "r.log").write_bytes(before + (b"" if before.startswith(b"4") else GOOD))
    assert judged(tmp_path / "r.log", timeout=60).returncode in (0, 1, 3, 4)


@pytest.mark.parametrize("kind", ["zst", "xz", "gz"])
def test_frames_that_come_to_nothing_are_not_read_by_the_million(tmp_path: Path, kind: str) -> None:
    if kind == "zst":
        packed = subprocess.run(["zstd", "-qc"], input=b"", capture_output=True, check=True).stdout
    else:
        packed = lzma.compress(b"") if kind == "xz" else gzip.compress(b"")
    (tmp_path / f"r.{kind}").write_bytes(packed * (3_000_000 // len(packed)))
    done = judged(tmp_path / f"r.{kind}", timeout=90)  # a minute and more, if all were read
    assert done.returncode == 4
    assert "built to explode" in done.stderr


@pytest.mark.parametrize("key", ["size", "GNU.sparse.size", "GNU.sparse.realsize"])
@pytest.mark.parametrize("less", [1, 600])
def test_a_size_that_a_tar_gives_all_its_members_is_refused(key: str, less: int) -> None:
    """tarfile believes it, and goes on where the member's own size says: the rest is not read."""
    body = GOOD + b" " * 700
    out = io.BytesIO()
    headers = {key: str(len(body) - less)}
    with tarfile.open(
        fileobj=out, mode="w", format=tarfile.PAX_FORMAT, pax_headers=headers
    ) as archive:
        info = tarfile.TarInfo("r.json")
        info.size = len(body)
        archive.addfile(info, io.BytesIO(body))
    with pytest.raises(InputError, match=r"names two sizes|is a sparse file"):
        read(out.getvalue())
