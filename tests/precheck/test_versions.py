"""Versions and ranges, part by part."""

from __future__ import annotations

import pytest

from reporter.precheck.versions import leave_nothing_out, meets, parse_range, parse_version


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("v1.28.8-r0", (1, 28, 8, 0)),
        ("v1.19.16-r80", (1, 19, 16, 80)),
        ("1.27", (1, 27, 0, 0)),
        ("1.31-r2", (1, 31, 0, 2)),
    ],
)
def test_versions(text: str, parts: tuple[int, ...]) -> None:
    version = parse_version(text)
    assert version is not None
    assert version.parts == parts


@pytest.mark.parametrize(
    "text", ["", "v", "v1", "1", "v1-r2", "1.2.3.4", "v1.27-alpha", "1.27\n", "latest", "١.٢"]
)
def test_unreadable_versions(text: str) -> None:
    assert parse_version(text) is None


@pytest.mark.parametrize(
    ("range_text", "version", "inside"),
    [
        (">=1.23,<1.27", "v1.23.0-r0", True),
        (">=1.23,<1.27", "v1.22.17-r99", False),
        (">=1.23.1-r4", "v1.23.1-r3", False),
        (">=1.23.1-r4", "v1.23.1-r4", True),
        ("<1.23.1-r4", "v1.23.1-r4", False),
        ("<1.23.1-r4", "v1.23.1-r3", True),
        ("<=1.27", "v1.28.0", False),
        ("<=1.27", "v1.26.5", True),
        (">1.27", "v1.26.5", False),
        ("!=1.27", "v1.28.0", True),
        ("1.27", "v1.26.4", False),
        ("==1.27.4", "v1.27.4-r2", True),
        ("==1.27.4", "v1.27.5-r2", False),
        (">1.31-r1", "v1.31.10-r0", True),
        ("1.31-r1", "v1.31.10-r1", False),
        ("1.31-r1", "v1.31.0-r1", True),
        (">=1.23,<1.27", "v1.26.99-r9", True),
        (">=1.23,<1.27", "v1.27.0-r0", False),
        ("<=1.27", "v1.27.9-r3", True),
        (">1.27", "v1.27.9-r3", False),
        (">1.27", "v1.28", True),
        ("1.27", "v1.27.4-r2", True),
        ("1.27", "v1.270.4", False),
        ("1.27", "v2.27.4", False),
        (">1.27", "v2.27.4", True),
        ("!=1.27", "v1.27.4-r2", False),
        (">1.27.3", "v1.27.3-r5", False),
        (">1.27.3-r4", "v1.27.3-r5", True),
        ("=1.27.3-r0", "v1.27.3", True),
        (">= 1.23 , < 1.27", "v1.25.1", True),
        ("<1.9", "v1.10", False),
    ],
)
def test_ranges(range_text: str, version: str, inside: bool) -> None:
    parsed = parse_version(version)
    assert parsed is not None
    assert parse_range(range_text).holds(parsed) is inside


@pytest.mark.parametrize("text", ["", ">=", "~1.2", "1.2,", "1.x", ">=1.2 <1.3"])
def test_what_is_no_range(text: str) -> None:
    with pytest.raises(ValueError, match="not a version range"):
        parse_range(text)


@pytest.mark.parametrize("text", ["1", ">=v1", "1.27,<2", "2-r1"])
def test_a_bound_of_one_part_is_told_so(text: str) -> None:
    with pytest.raises(ValueError, match="with two parts at least"):
        parse_range(text)


@pytest.mark.parametrize(
    ("expected", "actual", "met"),
    [
        ("v1.31", "v1.31.4-r2", True),
        ("v1.3", "v1.31.4-r2", False),
        ("1.31.4", "v1.31.4-r2", True),
        ("v1.31.4-r2", "v1.31.4-r2", True),
        ("v1.31.4-r2", "v1.31.4", False),
        ("anything", "anything", True),
        ("anything", "v1.31", False),
        ("v1.31", "anything", False),
    ],
)
def test_meeting_an_expected_target(expected: str, actual: str, met: bool) -> None:
    assert meets(expected, actual) is met


@pytest.mark.parametrize(
    ("ranges", "whole"),
    [
        ([">=1.32", "<1.33"], True),
        (["<1.33", ">=1.32"], True),
        ([">1.31", "<=1.31"], True),
        (["!=1.31", "1.31"], True),
        (["!=1.31", "!=1.32"], True),
        (["<1.30,!=1.29", "1.29", ">=1.30"], True),
        ([">=0.0"], True),
        ([">=1.33", "<1.32"], False),
        ([">1.31", "<1.31"], False),
        (["!=1.31", "<1.31"], False),
        (["<1.30,!=1.29", ">=1.30"], False),
        (["<1.30", "1.30"], False),
        ([">=0.1", "<0.0.5"], False),
        ([">=0.0.0-r1", "1.31"], False),
        (["<=1.31", ">1.31.4"], True),
        ([">=1.32,<1.33", "1.40"], False),
        ([">=1.31.4-r2", "<1.31.4-r1"], False),
    ],
)
def test_ranges_that_leave_no_version_out(ranges: list[str], whole: bool) -> None:
    assert leave_nothing_out([parse_range(text) for text in ranges]) is whole


@pytest.mark.parametrize(
    "text",
    [
        "1.31,1.32", "1.32,=1.31", "==1.31,=1.32", ">=1.31,<1.31", ">1.31,<1.32", "<=1.30,>=1.31",
        "<1.30,>1.30", "<=1.30,>1.30", "1.31,!=1.31", ">=1.31,<1.32,!=1.31", "1.31.4,>1.31",
        "1.31.4-r2,!=1.31.4", ">=1.31.5,<=1.31.4", ">1.31.4,<1.31.5", ">1.31.4-r2,<1.31.4-r3",
        ">1.31.4-r2,<=1.31.4-r2", "<0.0", "1.30,<1.30", "==1.30,>1.30", "=1.30,!=1.30",
        ">=1.31.2,<=1.31.2,!=1.31.2",
        "==1.31,<1.31", "1.31.4-r1,!=1.31", "2.0,<=1.99", "1.31.4-r2,1.31.4-r3",
    ],
)  # fmt: skip
def test_a_range_that_no_version_is_in_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="no version is in"):
        parse_range(text)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("1.31,1.31.4", "1.31.4"), (">=1.31,<=1.31", "1.31.9"), (">1.31,<1.33", "1.32.0"),
        ("1.31,!=1.31.0", "1.31.1"), ("1.31,!=1.30", "1.31.0"), (">=1.31,!=1.31", "1.32.0"),
        (">1.30,<=1.31", "1.31.0"), ("<=1.31.4-r2,>=1.31.4-r2", "1.31.4-r2"), ("<0.1", "0.0.0"),
        (">1.31.4-r1,<1.31.4-r3", "1.31.4-r2"), ("<=1.31,>1.30.99", "1.31.0"), ("<1.1", "1.0.9"),
        ("==1.31,>=1.31.9", "1.31.9"), (">=1.31.4,<1.31.4-r1", "1.31.4-r0"), ("<=0.0", "0.0.7"),
        ("<0.0.1", "0.0.0-r5"), ("<0.0.0-r1", "0.0.0-r0"), ("=1.31,<1.31.1", "1.31.0"),
        (">1.31.4,<=1.31.5", "1.31.5"), ("1.31.4-r2,>1.31.4-r1", "1.31.4-r2"),
        (">=999999999.5", "999999999.5"),
        ("!=1.31.0,1.31", "1.31.1"), ("1.31.4-r2,!=1.31.4-r1", "1.31.4-r2"),
    ],
)  # fmt: skip
def test_a_range_with_a_version_in_it_is_one(text: str, version: str) -> None:
    found = parse_version(version)
    assert found is not None
    assert parse_range(text).holds(found)
