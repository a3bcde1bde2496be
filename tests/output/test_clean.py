"""Hostile text is made safe once, and shown to have been there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from reporter.output.clean import clean, console_safe, one_line


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("node pool 节点池 é", "node pool 节点池 é"),
        ("a\x1b[31mred\x1b[0m", "a\ufffdred\ufffd"),
        ("a\x1b]0;title\x07b", "a\ufffdb"),
        ("a\x00b\x07c\x9bd", "a\ufffdb\ufffdc\ufffdd"),
        ("a\u202eb", "a[U+202E]b"),
        ("a\u200bb", "a[U+200B]b"),
        ("a\ufffeb", "a\ufffdb"),
        ("a\r\nb\rc\u2028d\te", "a\nb\nc\nd\te"),
    ],
)
def test_clean(text: str, expected: str) -> None:
    assert clean(text) == expected


@given(st.text(alphabet=st.characters()))
def test_clean_text_is_xml_and_stays_clean(text: str) -> None:
    cleaned = clean(text)
    assert clean(cleaned) == cleaned
    element = etree.Element("a")
    element.text = cleaned
    assert "\x1b" not in cleaned
    assert "\n" not in one_line(text)


@pytest.mark.parametrize(
    ("row", "safe"),
    [
        ("::error file=a::b", ": :error file=a::b"),
        ("   ::set-output name=a::b", "   : :set-output name=a::b"),
        ("x ##vso[task.setvariable]y", "x # #vso[task.setvariable]y"),
        ("##[error]x", "# #[error]x"),
        ("fe80::1 is fine", "fe80::1 is fine"),
    ],
)
def test_workflow_commands_are_defused(row: str, safe: str) -> None:
    assert console_safe(row) == safe
