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


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
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
