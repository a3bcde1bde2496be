"""A packed record is the record: nothing is lost, and what is not one is refused."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reporter.cli.render import load_record
from reporter.errors import InputError
from reporter.output import json_record
from reporter.record import packed
from reporter.record.model import Entry, Node, Place, Verdict
from reporter.record.packed import TooMuchError, is_packed, pack
from tests.examples import examples
from tests.output.example import example, hostile, many


def unpack(data: bytes, most: int = 1 << 30) -> bytes:
    return packed.unpack(data, most)


@pytest.mark.parametrize("verdict", [example(), hostile(), example(checks=[many(messages=True)])])
def test_unpacking_gives_the_record_byte_for_byte(verdict: Verdict) -> None:
    data = pack(verdict)
    assert is_packed(data)
    assert not is_packed(json_record.write(verdict))
    again = Verdict.model_validate_json(unpack(data))
    assert json_record.write(again) == json_record.write(verdict)


# Words with digits, marks that stand in patterns, and what JSON spells in its own way.
TEXTS = st.lists(
    st.sampled_from(["node-1", "0", "007", "12", " ", "a1b2", "\n", '"', "\\", "\u2028", "盘9"])
    | st.text(max_size=6),
    max_size=6,
).map("".join)
NODES = st.builds(
    Node,
    uid=st.none() | TEXTS,
    name=st.none() | st.just("node-1") | TEXTS,
    status=st.none() | st.just("Active"),
)
PLACES = st.builds(
    Place,
    pointer=TEXTS,
    line=st.none() | st.integers(1, 10**9),
    column=st.none() | st.integers(1, 10**6),
    nodes=st.lists(NODES, max_size=3),
)


def entry_of(message: str | None, stub: str | None, said: str, places: list[Place]) -> Entry:
    """An entry whose own message and names come again in what rules say."""
    (first, *_) = example().checks
    again = f"{said}{message}{places[0].nodes[0].uid if places[0].nodes else ''}"
    return first.entries[0].model_copy(
        update={"message": message, "waiver_stub": stub, "said": [again], "places": places}
    )


ENTRIES = st.builds(
    entry_of, st.none() | TEXTS, st.none() | TEXTS, TEXTS, st.lists(PLACES, min_size=1, max_size=3)
)


@settings(max_examples=examples(20), suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(ENTRIES, max_size=5), max_size=3), st.integers(1, 3))
def test_any_record_survives(checks: list[list[Entry]], rows: int) -> None:
    first = example().checks[0]
    verdict = example(checks=[first.model_copy(update={"entries": entries}) for entries in checks])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packed, "ROWS", rows)
        data = pack(verdict)
    assert json.loads(unpack(data)) == verdict.model_dump(mode="json")
    assert unpack(data) == unpack(pack(verdict))


def test_what_repeats_is_written_once() -> None:
    verdict = example(checks=[many(messages=True)])
    small = gzip.compress(pack(verdict))
    assert len(small) < len(gzip.compress(json_record.write(verdict))) / 2


def test_a_pattern_and_what_follows_it_are_as_documented() -> None:
    entries = [
        entry_of(
            f"{name}: {free} bytes",
            None,
            "",
            [Place(pointer=f"/items/{1_500 + number}", line=line, nodes=[Node(name=name)])],
        )
        for number, (name, free, line) in enumerate(
            [("node-0a", "7", 100_001), ("node-0b", "19", 100_004), ("node-0c", "5", 100_002)]
        )
    ]
    check = example().checks[0].model_copy(update={"entries": entries})
    line = json.loads(pack(example(checks=[check])).splitlines()[1])
    assert line["message"] == {
        "patterns": [[2, ": ", 0, " bytes"]],
        "follows": [0, 0, 0],
        "words": [["7 19 5"]],
    }
    assert line["line"] == [100_001, 3, -2]
    assert line["pointer"]["words"] == [[[1_500, 1, 1]]]
    assert line["nodes"]["name"] == {
        "patterns": [["node-", 0]],
        "follows": [0, 0, 0],
        "words": [[{"width": 2, "text": "0a0b0c"}]],
    }
    assert (line["places"], line["nodes_at"], line["node"]) == ([1] * 3, [1] * 3, [0, 1, 1])


def test_a_small_file_that_stands_for_an_endless_one_is_refused() -> None:
    data = pack(example(checks=[many(messages=True)]))
    with pytest.raises(TooMuchError):
        unpack(data, most=10_000)


def test_a_node_that_is_named_again_and_again_counts_each_time() -> None:
    """6 kB of a page took all memory: one name of a million letters, named 4,000 times."""
    entry = entry_of("full", None, "", [Place(pointer="/items/0", nodes=[Node(name="n" * 1_000)])])
    check = example().checks[0].model_copy(update={"entries": [entry]})
    head, first = pack(example(checks=[check])).splitlines()
    line = json.loads(first)
    line["nodes_at"], line["node"] = [100], [0] * 100
    many_times = b"\n".join([head, json.dumps(line).encode()])
    unpack(many_times, most=200_000)
    tracemalloc.start()
    try:
        with pytest.raises(TooMuchError):
            unpack(many_times.replace(b"n" * 1_000, b"n" * 1_000_000), most=20_000_000)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_places_without_end_are_refused() -> None:
    entry = entry_of("full", None, "", [Place(pointer="", nodes=[])])
    check = example().checks[0].model_copy(update={"entries": [entry]})
    head, first = pack(example(checks=[check])).splitlines()
    line = json.loads(first)
    for name in ("nodes_at", "line", "column"):
        line[name] *= 1_000
    line["places"], line["pointer"]["follows"] = [1_000], [0] * 1_000
    many_times = b"\n".join([head, json.dumps(line).encode()])
    unpack(many_times, most=100_000)
    with pytest.raises(TooMuchError):
        unpack(many_times, most=30_000)


NO_TEXTS: dict[str, list[Any]] = {"patterns": [], "follows": [], "words": []}
"""A column without rows."""
BARE = b'{"format":"precheck.packed-verdict/v1","record":{"checks":[{"entries":[]}]}}\n'


def refused_below(memory: int, data: bytes) -> str:
    """What is said of a packed record that is refused without taking so many bytes more."""
    tracemalloc.start()
    try:
        with pytest.raises(TooMuchError) as caught:
            unpack(data)
        assert tracemalloc.get_traced_memory()[1] < memory
    finally:
        tracemalloc.stop()
    return str(caught.value)


@pytest.mark.parametrize("sign", [b"[]", b"{}", b"0"])
@pytest.mark.parametrize("line", [b'{"x":[%b0],"record":{"checks":[]}}\n', BARE + b"[%b0]\n"])
def test_no_line_is_parsed_before_what_it_holds_is_counted(
    monkeypatch: pytest.MonkeyPatch, line: bytes, sign: bytes
) -> None:
    """389 kB of a page took all memory: a first line of a hundred million empty lists."""
    monkeypatch.setattr("reporter.record.bounds.MAX_CONTAINERS", 10_000)
    said = refused_below(200_000, line % ((sign + b",") * 10_001))
    assert said == "24,000,000 values in one line"


def test_rows_that_say_nothing_are_counted_before_they_are_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """104 kB of a page took 2.3 GB: nulls and entries without a place tell no character."""
    monkeypatch.setattr(packed, "MAX_FINDINGS", 20_000)
    rows = 10_000
    nulls = NO_TEXTS | {"follows": [-1] * rows}
    line: dict[str, Any] = {
        "check": 0,
        "nodes": dict.fromkeys(("uid", "name", "status", "type"), NO_TEXTS),
        "rest": nulls,
        "message": nulls,
        "waiver_stub": nulls,
        "places": [0] * rows,
        "pointer": NO_TEXTS,
        **{name: [] for name in ("line", "column", "nodes_at", "node")},
    }
    with pytest.raises(ValueError, match="Expecting value"):  # it is the entry that is none
        unpack(BARE + json.dumps(line).encode())
    nulls["follows"] *= 3
    line["places"] *= 3
    data = BARE + json.dumps(line).encode()
    assert refused_below(6 * len(data), data) == "20,000 findings"


@pytest.mark.parametrize("column", ["uid", "pointer", "nodes_at", "message"])
def test_findings_are_counted_over_all_lines(monkeypatch: pytest.MonkeyPatch, column: str) -> None:
    check = many(messages=True)
    monkeypatch.setattr(packed, "ROWS", 10)
    data = pack(example(checks=[check]))
    monkeypatch.setattr(packed, "MAX_FINDINGS", len(check.entries))
    unpack(data)
    *before, last = data.splitlines()
    line = json.loads(last)
    texts = line["nodes"][column] if column == "uid" else line[column]
    (texts if column == "nodes_at" else texts["follows"]).append(0)
    with pytest.raises(TooMuchError, match="findings"):
        unpack(b"\n".join([*before, json.dumps(line).encode()]))


def test_parts_of_a_text_that_are_empty_are_counted() -> None:
    check = many(messages=True)
    head, first, *_ = pack(example(checks=[check])).splitlines()
    line = json.loads(first)
    line["message"]["patterns"][0] += [""] * 20_000
    data = b"\n".join([head, json.dumps(line).encode()])
    with pytest.raises(TooMuchError):
        unpack(data, most=10_000_000)


def test_a_line_without_entries_or_of_no_check_is_refused() -> None:
    head, first, *_ = pack(example(checks=[many(messages=False)])).splitlines()
    line = json.loads(first)
    for wrong in (-1, 1, 0.5, "0", None):
        with pytest.raises(ValueError, match="not a packed record"):
            unpack(b"\n".join([head, json.dumps(line | {"check": wrong}).encode()]))
    empty: dict[str, Any] = dict.fromkeys(("rest", "message", "waiver_stub", "pointer"), NO_TEXTS)
    empty |= {name: [] for name in ("places", "line", "column", "nodes_at", "node")}
    empty["nodes"] = dict.fromkeys(("uid", "name", "status", "type"), NO_TEXTS)
    with pytest.raises(ValueError, match="a line without entries"):
        unpack(b"\n".join([head, json.dumps(line | empty).encode()]))


@pytest.mark.parametrize(
    "change",
    [
        lambda line: line["places"].append(1),
        lambda line: line["node"].pop(),
        lambda line: line["message"]["follows"].__setitem__(0, 99),
        lambda line: line["message"]["follows"].append(0),
        lambda line: line["nodes"].pop("uid"),
        lambda line: line.__setitem__("rest", None),
    ],
)
def test_a_damaged_line_is_refused(change: Callable[[Any], None]) -> None:
    head, first, *more = pack(example(checks=[many(messages=True)])).splitlines()
    line = json.loads(first)
    change(line)
    with pytest.raises(ValueError):  # noqa: PT011 - the reader's caller says it
        unpack(b"\n".join([head, json.dumps(line).encode(), *more]))


def test_render_reads_it(tmp_path: Path) -> None:
    verdict = example()
    file = tmp_path / "record.packed.jsonl.gz"
    whole = gzip.compress(pack(verdict), mtime=0)
    file.write_bytes(whole)
    assert load_record(str(file)) == verdict
    for cut in (whole[:-9], gzip.compress(pack(verdict)[:-40]), b"\x1f\x8bno"):
        file.write_bytes(cut)
        with pytest.raises(InputError, match="record"):
            load_record(str(file))
    lines = pack(verdict).splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:-1]))
    with pytest.raises(InputError, match="contradicts itself"):
        load_record(str(file))
