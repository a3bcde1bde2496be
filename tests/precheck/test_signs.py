"""What a person sees of a text, and what a name may read as."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporter.signs import folded, may_be_one_of, may_hold, reads_as_written, says_nothing


@pytest.mark.parametrize(
    "text",
    ["", " ", "\n\t", "\u3164", "\u2800", "\u200b\u00a0", "\u115f\ufe0f\U000e0041", "\xad\u034f"],
)
def test_what_says_nothing(text: str) -> None:
    assert says_nothing(text)
    assert not says_nothing(f"{text}x")
    assert not says_nothing(f"{text}\u5907")


def test_what_is_folded() -> None:
    alike = ["\u0392lackLimit", "Bl\u0251ckL\u0131mit", "B\u01c0ackLimit", "\uff22lack_Limi\u03c4"]
    alike += ["Black\u3164Limit\u2800", "\ua4d0lack\ua4e1imit", "\u13f4la\u03f2kLimit"]
    assert {folded(name) for name in alike} == {"blacklimit"}
    assert folded("\u5907\u6ce8") == "\u5907\u6ce8"


def test_names_that_read_as_written() -> None:
    assert reads_as_written("BlackLimit")
    assert reads_as_written("Black_Limit v2")
    assert reads_as_written("\u8282\u70b9\u68c0\u67e5")
    assert reads_as_written("CPU\u4f7f\u7528-\u30b5\ud55c")  # none of them looks like a letter
    assert not reads_as_written("CPU\u4f7f\u7528\u0430")  # any other may
    assert reads_as_written("CCE\u5bb9\u5668\u5b58\u50a8\uff08Everest\uff09")
    assert reads_as_written("\u300aa\u300b\u3001\u3010b\u3011\uff0cc")
    assert not reads_as_written("CCE\u3007Everest")  # a circle is no bracket


def test_very_long_names_are_read_at_once() -> None:
    hidden = "ph" + "\u200b" * 200_000 + "se"
    assert may_be_one_of(hidden, {"phase"})
    assert not may_be_one_of("a" + "\u4f7f" * 200_000, {"phase"})
    assert not may_hold("\u4f7fskxip" * 20, "skip")
    assert may_hold("\u4f7fskxip" * 1_000, "skip")  # nobody reads it, so nobody knows


_NAMES = st.text("skipnodeax\u4f7f\u0251_S", max_size=9)


@given(_NAMES, st.sampled_from(["skip", "node", "aaa"]))
def test_any_other_sign_may_be_one_or_none(name: str, word: str) -> None:
    def reads(part: str) -> bool:
        signs = [sign if sign.isascii() else ".?" for sign in part.lower() if sign != "_"]
        return re.fullmatch("".join(signs), word) is not None

    def is_half_plain(part: str) -> bool:
        return 2 * sum(sign.isascii() and sign != "_" for sign in part) >= len(word)

    mixed = not name.isascii() and any(sign.isascii() and sign != "_" for sign in name)
    whole = folded(name) == word or (mixed and reads(name))
    assert may_be_one_of(name, {word}) is whole
    if mixed and any(
        reads(name[i:j]) and is_half_plain(name[i:j])
        for i in range(len(name))
        for j in range(i + 1, len(name) + 1)
    ):
        assert may_hold(name, word)


def test_a_very_long_name_is_looked_at_once_however_often_it_is_asked_about() -> None:
    plain, mixed = "\u8282" * 900_000, "\u8282" * 900_000 + "\u0430a"
    assert all(reads_as_written(plain) for _ in range(50_000))
    assert not any(reads_as_written(mixed) for _ in range(50_000))
