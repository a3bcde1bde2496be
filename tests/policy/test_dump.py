"""YAML that is written: byte for byte the library's, whichever way it is made."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from reporter import yamlfile
from tests.examples import examples

ODD = (
    "true Null no Y off ~ << = 1e3 0x12 1:30 .5 2026-11-26 12345678-1234 a- -a --- ... ' \" e5 N_1"
)
UUID = "12345678-1234-1234-1234-123456789012"
LONG = ("x" * 150, "y " * 120, "\u00e9" * 40)
WORDS = st.sampled_from(
    [*ODD.split(), *LONG, UUID, "", "a: b", "a #b", "- a", "a\nb", "\x85", "\u2028"]
)
TEXTS = st.one_of(WORDS, st.text(max_size=12), st.from_regex(r"[A-Za-z0-9:# -]{0,9}"))
KEYS = st.one_of(st.sampled_from(["id", "check", "equals", "on", "null"]), TEXTS)
DATA = st.recursive(
    st.one_of(TEXTS, st.none(), st.integers()),
    lambda parts: st.one_of(st.lists(parts, max_size=3), st.dictionaries(KEYS, parts, max_size=3)),
    max_leaves=8,
)


@settings(max_examples=examples(150), deadline=None)
@given(DATA)
def test_what_is_written_in_a_moment_is_what_the_library_writes(data: Any) -> None:
    assert yamlfile.dump(data) == yamlfile._dumped(data)


def test_a_waiver_to_copy_needs_no_library() -> None:
    once = {"uid": {"equals": [UUID, "node-2"]}}
    waiver = {"id": "a-1f", "check": {"equals": "SampleA"}, "node": once, "starts": "2026-01-02"}
    assert "".join(yamlfile._rows([waiver], "", set())) == yamlfile._dumped([waiver])
    twice = [{"a": once, "b": once}]  # told by an alias
    assert yamlfile.dump(twice) == yamlfile._dumped(twice)
