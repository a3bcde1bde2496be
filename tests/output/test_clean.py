"""Hostile text is made safe once, and shown to have been there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from reporter.output.clean import clean, cleaned, console_safe, one_line, shortened
from tests.policy.build import item, judged, response, stage

from .example import example


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
        ("a\u00adb\u2061c\u3164d", "a[U+00AD]b[U+2061]c[U+3164]d"),
        ("葛\U000e0100", "葛[U+E0100]"),
        ("👩\u200d💻 ❤\ufe0f می\u200cخواهم", "👩\u200d💻 ❤\ufe0f می\u200cخواهم"),
        ("a\ufffeb", "a\ufffdb"),
        ("a\r\nb\rc\u2028d\te", "a\nb\nc\nd\te"),
    ],
)
def test_clean(text: str, expected: str) -> None:
    assert clean(text) == expected


# Default_Ignorable_Code_Point of Unicode, and U+FFF0 to U+FFF8 with it.
IGNORABLE = [
    *(0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFEFF, 0xFFA0),
    *range(0x180B, 0x1810), *range(0x200B, 0x2010), *range(0x202A, 0x202F),
    *range(0x2060, 0x2070), *range(0xFE00, 0xFE10), *range(0xFFF0, 0xFFF9),
    *range(0x1BCA0, 0x1BCA4), *range(0x1D173, 0x1D17B), *range(0xE0000, 0xE1000),
]  # fmt: skip
JOIN = {0x200C, 0x200D, *range(0xFE00, 0xFE10)}


def test_what_nobody_sees_is_spelled_out() -> None:
    for code in IGNORABLE:
        assert clean(f"a{chr(code)}b") == (
            f"a{chr(code)}b" if code in JOIN else f"a[U+{code:04X}]b"
        )


@given(st.text(alphabet=st.characters()))
def test_clean_text_is_xml_and_stays_clean(text: str) -> None:
    cleaned = clean(text)
    assert clean(cleaned) == cleaned
    element = etree.Element("a")
    element.text = cleaned
    assert "\x1b" not in cleaned
    assert "\n" not in one_line(text)


@given(st.text(alphabet=st.characters()), st.text(alphabet=st.characters(max_codepoint=0x100)))
def test_a_record_is_cleaned_wherever_a_text_needs_it(one: str, other: str) -> None:
    (first, *rest) = example().checks
    entries = [first.entries[0].model_copy(update={"message": one, "said": [other]})]
    verdict = example(checks=[first.model_copy(update={"entries": entries}), *rest])
    shown = cleaned(verdict)
    entry = shown.checks[0].entries[0]
    assert (entry.message, entry.said) == (clean(one), [clean(other)])
    # What was clean is not copied.
    assert shown.checks[1] is verdict.checks[1]
    assert (shown.checks[0] is verdict.checks[0]) <= (clean(one) == one)


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


@pytest.mark.parametrize("sign", ["\u00ad", "\u206a", "\ufff0", "\U000e0100", "\x85", "\u2028"])
def test_one_odd_sign_is_enough_for_a_record_to_be_cleaned(sign: str) -> None:
    (first, *rest) = example().checks
    entries = [first.entries[0].model_copy(update={"message": sign, "said": []})]
    verdict = example(checks=[first.model_copy(update={"entries": entries}), *rest])
    assert cleaned(verdict).checks[0].entries[0].message == clean(sign)


def test_on_paper_names_of_nodes_are_cut_as_many_stand_in_one_paragraph() -> None:
    long = "n" * 900
    nodes = [stage("u", item(), name=long), stage("v", item(), name="short")]
    verdict = judged(response(nodes=nodes))
    (entry,) = shortened(verdict).checks[0].entries
    names = [place.nodes[0].name or "" for place in entry.places]
    assert [name.replace("\u200b", "") for name in names] == ["n" * 119 + "…", "short"]
    assert verdict.checks[0].entries[0].places[0].nodes[0].name == long
