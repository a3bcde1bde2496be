"""Line, column and offset of a pointer, held against a slow reader that counts every character."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporter.sources.locate import Location, locate
from reporter.sources.read import read

_LEAF = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.sampled_from(['"', "\\", '\\"', "[{", "}]", "é\n节", "a/b", "m~n", "\U0001f600"]),
)
_JSON = st.recursive(
    _LEAF,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=12,
)


class _Slow:
    """Reads JSON character by character and notes where each value starts."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.places: dict[str, int] = {}
        self._value("")

    def _blanks(self) -> None:
        while self.at < len(self.text) and self.text[self.at] in " \t\r\n":
            self.at += 1

    def _string(self) -> str:
        start = self.at
        self.at += 1
        while self.text[self.at] != '"':
            self.at += 2 if self.text[self.at] == "\\" else 1
        self.at += 1
        return str(json.loads(self.text[start : self.at]))

    def _value(self, pointer: str) -> None:
        self._blanks()
        self.places[pointer] = self.at
        sign = self.text[self.at]
        if sign == "{" or sign == "[":
            self.at += 1
            index = 0
            self._blanks()
            while self.text[self.at] not in "}]":
                name = str(index)
                if sign == "{":
                    name = self._string().replace("~", "~0").replace("/", "~1")
                    self._blanks()
                    self.at += 1  # the colon
                self._value(f"{pointer}/{name}")
                self._blanks()
                if self.text[self.at] == ",":
                    self.at += 1
                    self._blanks()
                index += 1
            self.at += 1
        elif sign == '"':
            self._string()
        else:
            while self.at < len(self.text) and self.text[self.at] not in ",]} \t\r\n":
                self.at += 1


def _expected(text: str, before: str) -> Iterator[tuple[str, Location]]:
    for pointer, at in _Slow(text).places.items():
        whole = before + text[:at]
        line = whole.count("\n") + 1
        column = len(whole) - whole.rfind("\n")
        yield pointer, Location(line, column, len(whole.encode()))


@given(
    _JSON,
    st.sampled_from([None, 0, 1, 4]),
    st.booleans(),
    st.sampled_from(["", "  \n", "é: ", "one\ntwo: "]),
)
def test_places_are_where_a_slow_reader_finds_them(
    value: Any, indent: int | None, ascii_only: bool, before: str
) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    expected = dict(_expected(text, before))
    data = (before + text).encode()
    assert locate(data, expected, start=len(before.encode())) == expected


@pytest.mark.parametrize(("encoding", "unit", "mark"), [("utf-16-le", 2, 2), ("utf-16-be", 2, 0)])
def test_offsets_count_bytes_of_the_file(encoding: str, unit: int, mark: int) -> None:
    text = '{"a": "\U0001f600é",\n "b": {"c": 1}}'
    places = locate(text.encode(), ["/b/c", "/b", "/a", ""], encoding=encoding, mark=mark)
    assert places["/b/c"].line == 2
    assert {pointer: place.column for pointer, place in places.items()} == {
        "": 1, "/a": 7, "/b": 7, "/b/c": 13,
    }  # fmt: skip
    for place, start in ((places["/a"], '"\U0001f600'), (places["/b/c"], "1}")):
        encoded = text.encode(encoding)[place.offset - mark :]
        assert encoded.startswith(start.encode(encoding))


def test_pointers_that_lead_nowhere_are_left_out() -> None:
    places = locate(b'{"a": [1, {"b": 2}]}', ["/a/1/b", "/a/2", "/a/x", "/a/1/b/c", "/z", "/a/01"])
    assert places == {"/a/1/b": Location(1, 17, 16)}
    assert locate(b"not json", ["/a"]) == {}
    assert locate(b"{}", []) == {}


ITEM = {"name": "AddonLimit", "kind": "Exception", "level": "Fatal", "phase": "Failed"}
TASK = {
    "kind": "PreCheckTask",
    "apiVersion": "v3",
    "status": {"addonCheckStatus": {"itemsStatus": [{"name": "x"}, ITEM]}},
}
POINTER = "/status/addonCheckStatus/itemsStatus/1"


@pytest.mark.parametrize(
    ("data", "pointer", "line"),
    [
        (json.dumps(TASK, indent=1).encode(), POINTER, 10),
        (json.dumps(TASK, indent=1).encode("utf-16"), POINTER, 10),
        (b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n" + json.dumps(TASK, indent=1).encode(), POINTER, 13),
        (b"line\nline\nINFO " + json.dumps(TASK).encode() + b"\nmore", POINTER, 3),
        (b"ShowPreCheckResponse " + json.dumps(TASK).encode() + b"\n\n", POINTER, 1),
        (
            json.dumps({"kind": "List", "items": [TASK]}, indent=1).encode(),
            "/items/0" + POINTER,
            13,
        ),
    ],
)
def test_a_response_knows_where_its_places_stand(data: bytes, pointer: str, line: int) -> None:
    source = read(data).source
    assert source.locate is not None
    place = source.locate([pointer])[pointer]
    assert place[0] == line
    text = data.decode("utf-16" if data[:1] == b"\xff" else "utf-8")
    there = text.split("\n")[place[0] - 1][place[1] - 1 :]
    assert there.startswith("{")
    assert "AddonLimit" in "\n".join(text.split("\n")[place[0] - 1 :])[place[1] - 1 :][:30]


_ODD = {**TASK, "spec": {"clusterVersion": "\U0001f600é节"}}
_LAST = json.dumps(
    {**_ODD, "metadata": {"uid": "last", "creationTimestamp": "2026-03-02 00:00:00Z"}}
)
_FIRST = json.dumps(
    {**_ODD, "metadata": {"uid": "one", "creationTimestamp": "2026-03-01 00:00:00Z"}}
)
_WHOLE = {
    "compact": json.dumps(_ODD, ensure_ascii=False),
    "indented": json.dumps(_ODD, ensure_ascii=False, indent=2),
    "windows": json.dumps(_ODD, ensure_ascii=False, indent=1).replace("\n", "\r\n"),
    "php": json.dumps(_ODD, indent=4).replace("/", "\\/"),
    "lines": f"{_FIRST}\n\n{_LAST}",
    "windows lines": f"{_FIRST}\r\n{_LAST}\r\n",
    "http": f"HTTP/2 200\r\na: é\r\n\r\n{json.dumps(_ODD, indent=1)}",
    "log": f"one é\U0001f600\n[10:30] INFO 节 {json.dumps(_ODD, indent=1)}\nmore {{}}\n",
    "go": f"ShowPreCheckResponse {json.dumps(_ODD, ensure_ascii=False)}\n\n",
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("form", sorted(_WHOLE))
@pytest.mark.parametrize("packed", ["", "gzip", "zip", "tar"])
def test_a_place_is_where_an_editor_shows_it(form: str, encoding: str, packed: str) -> None:
    text = _WHOLE[form]
    data = text.encode(encoding)
    if packed == "gzip":
        data = gzip.compress(data)
    elif packed:
        out = io.BytesIO()
        if packed == "zip":
            with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr("r.json", data)
        else:
            info = tarfile.TarInfo("r.json")
            info.size = len(data)
            with tarfile.open(fileobj=out, mode="w") as archive:
                archive.addfile(info, io.BytesIO(data))
        data = out.getvalue()
    source = read(data).source
    assert source.locate is not None
    line, column = source.locate([POINTER])[POINTER]
    # The last in the text: JSON Lines hold two.
    at = text.rindex("{", 0, text.rindex('"AddonLimit"'))
    assert line == text.count("\n", 0, at) + 1
    assert column == at - text.rfind("\n", 0, at)


def test_names_of_the_python_sdk_are_found_under_the_names_of_the_api() -> None:
    data = b'{"kind": "PreCheckTask", "api_version": "v3", "status":\n {"addon_check_status": {'
    data += b'"items_status": [{}, {}]}}}'
    source = read(data).source
    assert source.locate is not None
    assert source.locate([POINTER]) == {POINTER: (2, 47)}


def test_a_printout_has_no_places() -> None:
    from tests.sources import printers

    assert read(printers.java(TASK).encode()).source.locate is None
