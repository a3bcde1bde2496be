"""What is no response is refused in one clear line that says what it looks like."""

from __future__ import annotations

import gzip
import io
import json
import os
import sys
import tarfile
import zipfile
from functools import partial
from hashlib import sha256
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from reporter.errors import InputError
from reporter.precheck.response import Response
from reporter.sources.read import Unreadable, read, read_responses
from tests.policy.build import zipped

TASK = {
    "kind": "PreCheckTask",
    "apiVersion": "v3",
    "metadata": {"uid": "t-1", "creationTimestamp": "2026-03-01 10:00:00 +0000 UTC"},
    "spec": {"clusterID": "c-1", "targetVersion": "v1.31.4-r2"},
    "status": {"phase": "Success", "clusterCheckStatus": {"phase": "Success"}},
}
GOOD = json.dumps(TASK).encode()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty"),
        (b" \n\t" * 1000, "nothing but blanks"),
        (b"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>", "an HTML page"),
        (b"<html>login</html>", "an HTML page"),
        (b'<?xml version="1.0"?><a/>', "looks like XML"),
        (b"\x1f\x8b\x08\x00", "the gzip file breaks off"),
        (b"PK\x03\x04rest", "the zip archive breaks off"),
        (b"\x00\x01\x02\x03\xff\xfe", "binary data"),
        (b'{"kind": "\xff"}', "is no UTF-8 text (byte 0xFF on line 1)"),
        (GOOD[: len(GOOD) // 2], "breaks off: the file was cut"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b'{"kind": "PreCheckTask", "kind": "x"}', 'key "kind" appears twice'),
        (b'{"status": {"x": NaN}}', "NaN and Infinity are not JSON"),
        (b'{"status": {"x": -Infinity}}', "NaN and Infinity are not JSON"),
        (b'{"kind": "PreCheckTask", "x": 1e999}', "/x holds a number too large"),
        (b'{"kind": "\\ud800"}', "half a character"),
        (b"{}", "is an empty object"),
        (b'{"apiVersion": "v3"}', "holds no metadata, spec or status"),
        (b"null", "holds null"),
        (b"3", "holds a number"),
        (b'"text"', "holds a text"),
        (b"[]", "an empty list"),
        (b"[1, 2]", "a list of something else"),
        (
            b'{"kind": "List", "items": [{"kind": "Pod"}]}',
            ' /items/0 is "Pod", no pre-upgrade check: a list of',
        ),
        (b'{"kind": "List", "items": []}', "without a single task"),
        (b'{"kind": "Pod", "metadata": {}, "status": {"phase": "Running"}}', 'is a "Pod"'),
        (b'{"error_code": "CCE.01404001", "error_msg": "no"}', "CCE.01404001: no"),
        (b'{"errorCode": "CCE.01403001", "errorMessage": "no"}', "an error the API answered with"),
        (
            b'{"kind": "Status", "code": 400, "message": "bad", "metadata": {}}',
            "an error the API answered with (400: bad)",
        ),
        (b'{"cluster_id": "c", "task_id": "t"}', "is the request"),
        (GOOD + b" trailing", "trailing characters"),
        (b"ERROR: connection refused", "starts with text, not JSON"),
    ],
)
def test_bad_input(data: bytes, says: str) -> None:
    with pytest.raises(InputError) as caught:
        read(data, name="in.json")
    assert says in caught.value.message
    assert caught.value.message.startswith("in.json")
    assert "\n" not in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"status": {"phase": 1}}, "/status/phase"),
        ({"status": {"clusterCheckStatus": {"itemsStatus": [{}, {"name": ["x"]}]}}},
         "/status/clusterCheckStatus/itemsStatus/1/name"),
        ({"status": {"nodeCheckStatus": {"nodeStageStatus": {}}}},
         "/status/nodeCheckStatus/nodeStageStatus"),
        ({"spec": {"skippedCheckItemList": [{"resourceSelector": "x"}]}},
         "/spec/skippedCheckItemList/0/resourceSelector"),
        ({"metadata": "x"}, "/metadata"),
    ],
)  # fmt: skip
def test_a_wrong_type_is_named_by_its_pointer(body: dict[str, object], pointer: str) -> None:
    with pytest.raises(InputError) as caught:
        read(json.dumps({"kind": "PreCheckTask", **body}).encode(), name="in.json")
    assert f"in.json: {pointer} should be" in caught.value.message


def test_too_large_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    path = tmp_path / "huge.json"
    with path.open("wb") as file:
        file.truncate(1024**3)  # a sparse gigabyte
    with pytest.raises(InputError, match="limit of 256 MB"):
        read(path)


def test_paths_that_are_no_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read(tmp_path / "none.json")
    with pytest.raises(InputError, match="no file there"):
        read(tmp_path)


def test_a_byte_order_mark_is_no_part_of_the_json() -> None:
    assert read(b"\xef\xbb\xbf" + GOOD).task.kind == "PreCheckTask"


def _listed(*tasks: dict[str, object]) -> bytes:
    return json.dumps({"kind": "List", "apiVersion": "v3", "items": list(tasks)}).encode()


def _task(uid: str, created: str | None, cluster: str = "c-1") -> dict[str, object]:
    times = {} if created is None else {"creationTimestamp": f"{created} +0000 UTC"}
    return {**TASK, "metadata": {"uid": uid, **times}, "spec": {"clusterID": cluster}}


def _uid(data: bytes, **options: str) -> tuple[str | None, tuple[str, ...], str]:
    response = read(data, **options)  # type: ignore[arg-type]
    assert response.task.metadata is not None
    return response.task.metadata.uid, response.source.doubts, response.source.pointer


def test_the_newest_task_of_a_list_is_taken() -> None:
    old, new = _task("old", "2026-03-01 10:00:00"), _task("new", "2026-03-02 10:00:00", "c-2")
    assert _uid(_listed(old, new)) == ("new", (), "/items/1")
    assert _uid(_listed(new, old)) == ("new", (), "/items/0")
    assert _uid(_listed(old, new), task="old") == ("old", (), "/items/0")
    assert _uid(_listed(old, new), expect_cluster="c-1") == ("old", (), "/items/0")
    assert read(_listed(old, new)).source.others == 1


def test_a_tie_or_a_missing_time_leaves_a_doubt() -> None:
    one, two = _task("one", "2026-03-01 10:00:00"), _task("two", "2026-03-01 10:00:00")
    assert _uid(_listed(one, two))[1] == ("choice.tie",)
    assert _uid(_listed(one, _task("x", None)))[1] == ("choice.no-time",)
    assert _uid(_listed(one, _task("one", "2026-03-05 10:00:00")), task="one")[1] == (
        "choice.same-uid",
    )
    with pytest.raises(InputError, match='holds no task "nine"'):
        read(_listed(one, two), task="nine")


def test_which_of_several_tasks_is_looked_at_depends_on_no_order() -> None:
    one, two = _task("one", "2026-03-01 10:00:00"), _task("two", "2026-03-01 10:00:00")
    later, x, y = _task("later", "2026-03-02 10:00:00"), _task("x", None), _task("y", None)
    for tasks in ((one, two), (one, x, later), (x, y)):
        found = {_uid(_listed(*order))[:2] for order in permutations(tasks)}
        assert len(found) == 1
    assert _uid(_listed(one, x, later))[0] == "later"
    twins = [one | {"spec": {"clusterID": "c-1", "targetVersion": v}} for v in ("v1.31", "v1.32")]
    specs = {str(read(_listed(*order), task="one").task.spec) for order in permutations(twins)}
    assert len(specs) == 1


def test_a_sidecar_counts_only_when_its_digest_fits(tmp_path: Path) -> None:
    path = tmp_path / "response.json"
    path.write_bytes(GOOD)
    beside = tmp_path / "response.json.meta.json"
    meta = {"sha256": sha256(GOOD).hexdigest(), "cluster_id": "c-9", "type": "standard"}
    beside.write_text(json.dumps(meta))
    sidecar = read(path).source.sidecar
    assert sidecar is not None
    assert (sidecar.cluster_id, sidecar.cluster_type) == ("c-9", "standard")
    beside.write_text(json.dumps({**meta, "sha256": "0" * 64}))
    assert read(path).source.sidecar is None
    beside.write_text("[")
    assert read(path).source.sidecar is None
    beside.unlink()
    assert not read(path).source.sidecar_misfit
    for odd in (os.mkfifo, os.mkdir, partial(os.symlink, "gone")):
        odd(beside)
        source = read(path).source
        assert (source.sidecar, source.sidecar_misfit) == (None, True)
        beside.rmdir() if beside.is_dir() else beside.unlink()


def _packed(form: str, *members: tuple[str, bytes]) -> bytes:
    file = io.BytesIO()
    if form == "zip":
        with zipfile.ZipFile(file, "w") as archive:
            for name, data in members:
                archive.writestr(name, data)
    else:
        with tarfile.open(fileobj=file, mode="w:gz" if form == "tgz" else "w") as tar:
            for name, data in members:
                info = tarfile.TarInfo(name)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    return file.getvalue()


def _note(**more: str) -> bytes:
    meta = {"sha256": sha256(GOOD).hexdigest(), "cluster_id": "c-9", "type": "standard"}
    return json.dumps(meta | more).encode()


@pytest.mark.parametrize("form", ["zip", "tar", "tgz"])
@pytest.mark.parametrize("reverse", [False, True])
def test_a_sidecar_in_an_archive_counts_as_beside_a_file(
    tmp_path: Path, form: str, reverse: bool
) -> None:
    members = [("x/r.json", GOOD), ("README", b"hello"), ("x/r.json.meta.json", _note())]
    members = members[::-1] if reverse else members
    path = tmp_path / f"a.{form}"
    path.write_bytes(_packed(form, *members))
    for source in (read(path).source, read(path.read_bytes(), name=str(path)).source):
        assert source.sidecar is not None
        assert source.sidecar.name == f"{path}!x/r.json.meta.json"
        assert (source.sidecar.cluster_id, source.sidecar.cluster_type) == ("c-9", "standard")
        assert source.passed_over == (f"{path}!README",)
    many = [part for part in read_responses([path]) if isinstance(part, Response)]
    assert [part.source.sidecar for part in many] == [source.sidecar]
    # It is the note of another answer, or of another file.
    misfit = ("x/r.json.meta.json", _note(sha256="0" * 64))
    path.write_bytes(_packed(form, ("x/r.json", GOOD), misfit))
    assert (read(path).source.sidecar, read(path).source.sidecar_misfit) == (None, True)
    path.write_bytes(_packed(form, ("r.json", GOOD), ("x/r.json.meta.json", _note())))
    assert (read(path).source.sidecar, read(path).source.sidecar_misfit) == (None, False)


def test_what_a_desktop_left_beside_a_note_is_no_note(tmp_path: Path) -> None:
    litter = b"\x00\x05\x16\x07" + b"\0" * 60
    members = (("r.json", GOOD), ("__MACOSX/._r.json.meta.json", litter))
    assert read(_packed("zip", *members, ("r.json.meta.json", _note()))).source.sidecar is not None


def test_the_last_member_before_a_pipe_breaks_off_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = _packed("tar", ("a.json", GOOD), ("b.json", GOOD), ("c.json", GOOD + b" " * 9_000))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(_Once(whole[:4_000]))))
    found = list(read_responses("-"))
    assert [isinstance(part, Response) for part in found[:3]] == [True, True, False]


def test_a_sidecar_in_an_archive_may_stand_for_what_was_packed(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    inner = _packed("zip", ("r.json.gz", gzip.compress(GOOD)), ("r.json.meta.json", _note()))
    path.write_bytes(_packed("tar", ("in.zip", inner)))
    sidecar = read(path).source.sidecar
    assert sidecar is not None
    assert sidecar.name == f"{path}!in.zip!r.json.meta.json"


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("form", ["zip", "tgz"])
def test_an_archive_through_a_pipe_has_notes_too(
    monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    def pipe(*members: tuple[str, bytes]) -> str:
        stream = io.TextIOWrapper(io.BufferedReader(_Once(_packed(form, *members))))
        monkeypatch.setattr(sys, "stdin", stream)
        return "-"

    good, note, more = ("r.json", GOOD), ("r.json.meta.json", _note()), ("README", b"hello")
    for members in ((note, good), (good, note), (good, more, note), (more, note, good)):
        sidecar = read(pipe(*members)).source.sidecar
        assert sidecar is not None
        assert (sidecar.name, sidecar.cluster_id) == ("standard input!r.json.meta.json", "c-9")
        found = list(read_responses(pipe(*members)))
        late = [part for part in found if isinstance(part, Unreadable) and not part.foreign]
        late = [part for part in late if "behind its response" in part.error.message]
        told = [part for part in found if isinstance(part, Response)]
        assert [part.source.sidecar is None for part in told] == [members[1] == more]
        assert len(late) == (members[1] == more)
    # What is only called a note is a file as any other.
    other = json.dumps({**TASK, "metadata": {"uid": "t-2"}}).encode()
    with pytest.raises(InputError, match="holds more than one response"):
        read(pipe(good, more, ("r.json.meta.json", other)))
    with pytest.raises(InputError, match=r"CCE\.01"):
        read(pipe(good, more, ("r.json.meta.json", b'{"error_code":"CCE.01","error_msg":"no"}')))
    assert read(pipe(good, ("s.json.meta.json", _note()))).source.sidecar is None
    misfit = ("r.json.meta.json", _note(sha256="0" * 64))
    assert read(pipe(good, more, misfit)).source.sidecar_misfit


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("form", ["zip", "tar"])
def test_of_two_notes_in_an_archive_neither_wins(form: str, tmp_path: Path) -> None:
    good, note = ("r.json", GOOD), ("r.json.meta.json", _note())
    other = ("r.json.meta.json", _note(type="autopilot"))
    misfit = ("r.json.meta.json", _note(sha256="0" * 64))
    path = tmp_path / "a"
    for notes in ((note, other), (other, note), (note, note, other)):
        path.write_bytes(_packed(form, ("a.json", GOOD), good, *notes, ("z.json", GOOD)))
        first, found, last = read_responses(path)
        assert isinstance(first, Response)
        assert isinstance(last, Response)
        assert isinstance(found, Unreadable)
        assert "two notes of fetch lie beside it and fit it, and" in found.error.message
        with pytest.raises(InputError, match="stands twice in its archive"):
            read(_packed(form, good, *notes))
    for notes in ((note, note), (misfit, note), (note, misfit)):
        path.write_bytes(_packed(form, good, *notes))
        (found,) = read_responses(path)
        assert isinstance(found, Response)
        assert found.source.sidecar is not None


def test_names_that_are_no_text_are_told_apart() -> None:
    """As of a tar made where names are GBK; and a label is no file of its name."""
    labelled = tarfile.TarInfo("r.json")
    labelled.type = b"V"
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
        archive.addfile(labelled)
        for name in ("r.json", "报告.txt", "备份.txt"):
            data = GOOD if name == "r.json" else b"x"
            info = tarfile.TarInfo(name.encode("gbk").decode("utf-8", "surrogateescape"))
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    assert read(out.getvalue()).source.form == "json"


class _Once(io.RawIOBase):
    """What comes through a pipe."""

    def __init__(self, data: bytes) -> None:
        self._left = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._left.readinto(buffer)


@pytest.mark.parametrize("form", ["zip", "tar"])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_one_name_that_stands_twice_is_refused(form: str, reverse: bool, tmp_path: Path) -> None:
    """Whoever unpacks it has the last of them alone; an audit judges each."""
    other = b'{"kind": "Verdict", "x": {}}'
    pairs = [
        [("r.json", GOOD), ("./r.json", other)],
        [("r.json", GOOD), ("r.json", b"")],
        [("x" * 600, GOOD), ("x" * 600, other)],
        [("in.zip", zipped({"r.json": GOOD})), ("in.zip", zipped({"README": b"x"}))],
        [("in.zip", zipped({"r.json": GOOD})), ("in.zip", zipped({}))],
    ]
    for members in pairs:
        data = _packed(form, *(members[::-1] if reverse else members))
        with pytest.raises(InputError, match=r"^b!.*: (stands twice in its archive|is empty)"):
            read(data, name="b")
        path = tmp_path / "b"
        path.write_bytes(data)
        assert sum(isinstance(part, Response) for part in read_responses(path)) == 1
    folders = [("a/", b""), ("a/r.json", GOOD), ("a/", b""), ("b/in.zip", zipped({"a": b"x"}))]
    if form == "zip":
        assert read(_packed(form, *folders), name="b").source.name == "b!a/r.json"


def test_a_sidecar_with_a_key_twice_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "response.json"
    path.write_bytes(GOOD)
    digest = sha256(GOOD).hexdigest()
    for text in (
        f'{{"sha256": "{digest}", "cluster_id": "c-8", "cluster_id": "c-9"}}',
        f'{{"sha256": "{digest}", "cluster_id": "c-9", "cluster_id": "c-9"}}',
        f'{{"sha256": "{digest}", "cluster_id": "c-9", "more": {{"a": 1, "a": 2}}}}',
        f'{{"sha256": "{digest}", "cluster_id": "\\ud800abc"}}',
    ):
        (tmp_path / "response.json.meta.json").write_text(text)
        source = read(path).source
        assert source.sidecar is None
        assert source.sidecar_misfit


def test_two_notes_of_fetch_that_fit_and_differ_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "response.json.gz"
    path.write_bytes(gzip.compress(GOOD))
    one, other = tmp_path / "response.json.gz.meta.json", tmp_path / "response.json.meta.json"
    meta = {"sha256": sha256(GOOD).hexdigest(), "cluster_id": "c-9"}
    one.write_text(json.dumps(meta))
    for same in (meta, {**meta, "sha256": "0" * 64}):
        other.write_text(json.dumps(same))
        sidecar = read(path).source.sidecar
        assert sidecar is not None
        assert sidecar.cluster_id == "c-9"
    other.write_text(json.dumps({**meta, "cluster_id": "c-8"}))
    with pytest.raises(InputError, match=r"two notes of fetch .* and differ"):
        read(path)
    assert isinstance(next(read_responses([path])), Unreadable)


@pytest.mark.parametrize(
    ("other", "fits"), [("c-9", True), ("", True), (None, True), ("c-8", False)]
)
def test_a_note_that_names_two_clusters_is_not_used(
    tmp_path: Path, other: str | None, fits: bool
) -> None:
    path = tmp_path / "response.json"
    path.write_bytes(GOOD)
    meta = {"sha256": sha256(GOOD).hexdigest(), "cluster_id": "c-9", "cluster": other}
    (tmp_path / "response.json.meta.json").write_text(json.dumps(meta))
    source = read(path).source
    assert (source.sidecar is not None, source.sidecar_misfit) == (fits, not fits)


@pytest.mark.parametrize(
    "beside",
    [
        {"kind": "Status", "status": "Failure", "code": 401},
        {"message": "Unauthorized"},
        {"items": []},
        {"apiVersion": "v3"},
        {"kind": "List"},
        {"title": "Unauthorized", "status": 401, "more": 1},
        {"error": {"text": "no"}, "a": 1},
        [],
        [{"error_code": "CCE.01400001", "error_msg": "no"}],
        [{"message": "Unauthorized"}],
        {"kind": "Error", "apiVersion": "v3"},
        {"response": {"statusCode": 500}},
        {"response": None},
        [None],
        [{}],
        [[]],
        [[None], {"a": ""}],
    ],
)
def test_an_answer_without_a_check_beside_a_response_is_not_passed_over(
    tmp_path: Path, beside: Any
) -> None:
    (tmp_path / "a.json").write_bytes(GOOD)
    (tmp_path / "b.json").write_text(json.dumps(beside))
    with pytest.raises(InputError, match=r"b\.json"):
        read(tmp_path)
    (tmp_path / "b.json").write_text(
        json.dumps({"name": "a", "errors": [], "code": 200, "app": {"title": "x"}})
    )
    assert read(tmp_path).source.name.endswith("a.json")


ERROR = b'{"error_code":"CCE.01400001","error_msg":"no"}'


@pytest.mark.parametrize("name", ["b.jsonl", "b.json", "b.log"])
def test_of_json_lines_beside_a_response_each_is_looked_at(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.json").write_bytes(GOOD)
    lines = b'{"event":"asked"}\n[1]\n{"event":"asked again"}\n'
    (tmp_path / name).write_bytes(lines)
    assert read(tmp_path).source.passed_over_count == 1
    for more in (ERROR, b"{", b"[]", GOOD):
        (tmp_path / name).write_bytes(lines + more + b"\n")
        with pytest.raises(InputError, match=name):
            read(tmp_path)


def test_an_error_that_koocli_printed_does_not_lie_beside_a_response(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(GOOD)
    (tmp_path / "b.log").write_bytes(b"[INFO] timeout\n")
    assert read(tmp_path).source.passed_over == (f"{tmp_path}/b.log",)
    (tmp_path / "b.log").write_bytes(b"[NETWORK_ERROR]timeout\n")
    with pytest.raises(InputError, match="an error that KooCLI printed"):
        read(tmp_path)


def test_what_was_passed_over_beside_a_response_is_named(tmp_path: Path) -> None:
    for name, data in {
        "r.json": GOOD, "README.md": b"# Notes", "x/other.json": b'{"event":"saved"}',
        "x/empty.txt": b"", "n.zip": zipped({"a.md": b"#"}), ".hidden": b"x", ".git/config": b"x",
        "desktop.ini": b"[.ShellClassInfo]\r\n", "a\nb.txt": b"note",
        "r.json.meta.json": json.dumps({"sha256": sha256(GOOD).hexdigest()}).encode(),
    }.items():  # fmt: skip
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    found = ["README.md", "a\nb.txt", "n.zip!a.md", "x/empty.txt", "x/other.json"]
    for location in (tmp_path, f"{tmp_path}/**"):
        source = read(location).source
        assert source.passed_over == tuple(f"{tmp_path}/{name}" for name in found)
        assert source.passed_over_count == len(found)
    assert read(tmp_path / "r.json").source.passed_over == ()
    source = read(zipped({"r.json": GOOD, "b.md": b"#", "a.txt": b"x"}), name="a.zip").source
    assert (source.passed_over, source.passed_over_count) == (("a.zip!a.txt", "a.zip!b.md"), 2)
    many = read(zipped({"r.json": GOOD} | {f"{n:03}.txt": b"x" for n in range(99, -1, -1)})).source
    assert many.passed_over == tuple(f"bytes!{number:03}.txt" for number in range(20))
    assert many.passed_over_count == 100
    (name,) = read(zipped({"r.json": GOOD, "x" * 9_000: b"x"})).source.passed_over
    assert name == f"bytes!{'x' * 494}…"
    alone = [part for part in read_responses(tmp_path) if not isinstance(part, Unreadable)]
    assert [part.source.passed_over for part in alone] == [()]
