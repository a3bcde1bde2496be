"""A packed record is the record: nothing is lost, and what is not one is refused."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporter.cli.render import load_record
from reporter.errors import InputError
from reporter.output import json_record
from reporter.record.model import Verdict
from reporter.record.packed import is_packed, pack, unpack
from tests.output.example import example, hostile, many


@pytest.mark.parametrize("verdict", [example(), hostile(), example(checks=[many(messages=True)])])
def test_unpacking_gives_the_record_byte_for_byte(verdict: Verdict) -> None:
    data = pack(verdict)
    assert is_packed(data)
    assert not is_packed(json_record.write(verdict))
    again = Verdict.model_validate_json(unpack(data))
    assert json_record.write(again) == json_record.write(verdict)


@given(st.text(max_size=40), st.text(max_size=40), st.none() | st.text(max_size=10))
def test_any_text_survives(message: str, stub: str, uid: str | None) -> None:
    (first, *rest) = example().checks
    entry = first.entries[0]
    place = entry.places[0]
    nodes = [node.model_copy(update={"uid": uid}) for node in place.nodes]
    odd = entry.model_copy(
        update={
            "message": message,
            "waiver_stub": stub,
            "places": [place.model_copy(update={"nodes": nodes}), *entry.places[1:]],
        }
    )
    check = first.model_copy(update={"entries": [odd, *first.entries[1:]]})
    verdict = example(checks=[check, *rest])
    assert json.loads(unpack(pack(verdict))) == verdict.model_dump(mode="json")


def test_many_nodes_and_shapes_are_written_once() -> None:
    verdict = example(checks=[many(messages=True)])
    assert len(pack(verdict)) < len(json_record.write(verdict)) / 6


def test_render_reads_it(tmp_path: Path) -> None:
    verdict = example()
    file = tmp_path / "record.packed.jsonl.gz"
    packed = gzip.compress(pack(verdict), mtime=0)
    file.write_bytes(packed)
    assert load_record(str(file)) == verdict
    for cut in (packed[:-9], gzip.compress(pack(verdict)[:-40]), b"\x1f\x8bno"):
        file.write_bytes(cut)
        with pytest.raises(InputError, match="record"):
            load_record(str(file))
    whole = pack(verdict).splitlines(keepends=True)
    file.write_bytes(b"".join(whole[:-1]))
    with pytest.raises(InputError, match="contradicts itself"):
        load_record(str(file))
