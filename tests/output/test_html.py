"""The page: structure, escaping, its content security policy, the same bytes every time."""

from __future__ import annotations

import gzip
import os
import re
import subprocess
import sys
from base64 import b64decode, b64encode
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from lxml import html as lxml_html

from reporter.errors import OutputError
from reporter.output import Options, html, json_record, rendering, templating, view
from reporter.output.clean import web_address
from reporter.record.model import Entry, OutcomeCounts, Verdict
from reporter.words import statement

from .example import AT, attached, example, hostile, many, node

SECTIONS = ["conditions", "why", "trust", "findings", "waivers", "policy", "files"]


def parsed(verdict: Verdict) -> Any:
    return lxml_html.document_fromstring(html.write(verdict).decode())


def text(element: Any) -> str:
    return " ".join(element.text_content().split())


@pytest.fixture(scope="module")
def page() -> Any:
    return parsed(example())


@pytest.fixture(scope="module")
def attacked() -> Any:
    return parsed(hostile())


def test_the_verdict_comes_first_in_words(page: Any) -> None:
    assert text(page.xpath("//h1")[0]) == "Fail: do not upgrade yet"
    top = text(page.xpath("//main")[0])
    assert top.index("2 failed checks must be resolved") < top.index("Advisory run.")
    assert top.index("trial run of the gate, CHG-1042") < top.index("v1.28.8-r0 → v1.30.4-r2")
    assert "Not a verdict for today." in top
    assert "valid until 11:02 UTC (32 min left)" in top


def test_sections_stand_in_the_order_people_read(page: Any) -> None:
    assert [part.get("id") for part in page.xpath("//main//h2")] == SECTIONS


def test_reasons_say_why_and_what_to_do(page: Any) -> None:
    reasons = [text(part) for part in page.xpath("//ol[@class='reasons']/li")]
    assert len(reasons) == len(example().reasons)
    assert "SampleNodeDisk fails on 3 of 40 nodes" in reasons[0]
    assert "Free at least 2 GB on the system disk." in reasons[0]
    assert "Exception · Fatal" in reasons[0]
    assert "it expired 3 days ago (26 Feb 2026)" in reasons[2]


def test_every_outcome_is_a_word_and_a_shape(page: Any) -> None:
    for tag in page.xpath("//*[contains(concat(' ', @class, ' '), ' tag ')]"):
        assert text(tag)
        (use,) = tag.xpath(".//*[local-name()='use']/@href")
        assert page.xpath("//*[local-name()='symbol'][@id=$id]", id=use.removeprefix("#"))


def test_headings_are_not_skipped_and_there_is_one_h1(page: Any) -> None:
    levels = [int(part.tag[1]) for part in page.xpath("//h1|//h2|//h3|//h4|//h5|//h6")]
    assert levels.count(1) == 1
    assert levels[0] == 1
    for above, below in pairwise(levels):
        assert below <= above + 1


@pytest.mark.parametrize("name", ["page", "attacked"])
def test_ids_are_unique_and_links_within_lead_somewhere(
    name: str, request: pytest.FixtureRequest
) -> None:
    tree = request.getfixturevalue(name)
    ids = tree.xpath("//@id")
    assert len(ids) == len(set(ids))
    for target in tree.xpath("//a[starts-with(@href, '#')]/@href"):
        assert target.removeprefix("#") in ids


def test_tables_have_captions_and_scopes(page: Any) -> None:
    tables = page.xpath("//table")
    assert len(tables) >= 7  # counts, rules, files, and a risk table of each type
    for table in tables:
        assert text(table.xpath("./caption")[0])
        assert all(cell.get("scope") for cell in table.xpath(".//th"))


def test_all_risk_types_waiver_statuses_and_skips_are_told(page: Any) -> None:
    said = text(page)
    for word in (
        *("Configuration (2)", "Deprecated APIs (2)", "Nodes at risk (2)", "Add-ons (2)"),
        *("Used", "Not needed", "For elsewhere", "Expired", "Not yet valid"),
        *("Not applicable", "Exceeded", "names no start date", "never expires", "still says TODO"),
        *("NodeMount", "NodeTimeSync", "likely, not certain", "from your own catalogue"),
        *("max_findings: 1", "waivers/shop-waivers.yaml:54", "(a check without a name)"),
        "Waived to 31 Dec 2026",
    ):
        assert word in said
    assert "被手动修改" in said
    assert page.xpath("//pre[contains(., 'deprecatedapicheck-20260301')]")


def test_messages_keep_their_lines(page: Any) -> None:
    (message,) = page.xpath("//p[contains(@class, 'message')][contains(., '1.2 GB')]/text()")
    assert message == "Free space on / is 1.2 GB,\n    2 GB are needed."


def test_the_policy_of_the_page_allows_its_own_style_and_nothing_else(page: Any) -> None:
    head = page.xpath("//head/*")
    assert head[0].get("charset") == "utf-8"
    assert head[1].get("http-equiv") == "Content-Security-Policy"
    (style,) = page.xpath("//style/text()")
    digest = b64encode(sha256(style.encode()).digest()).decode()
    (script,) = page.xpath("//script/text()")
    run = b64encode(sha256(script.encode()).digest()).decode()
    assert head[1].get("content") == (
        f"default-src 'none'; style-src 'sha256-{digest}'; script-src 'sha256-{run}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


@pytest.mark.parametrize("name", ["page", "attacked"])
def test_nothing_runs_and_nothing_is_fetched(name: str, request: pytest.FixtureRequest) -> None:
    tree = request.getfixturevalue(name)
    assert not tree.xpath("//iframe|//img|//object|//embed|//base")
    (script,) = tree.xpath("//script")
    assert script.text == templating.asset("html/report.js")
    assert all(form.get("action") is None for form in tree.xpath("//form"))
    assert not tree.xpath("//@style")
    assert not [key for part in tree.iter() for key in part.attrib if key.startswith("on")]
    for link in tree.xpath("//@href|//@src"):
        assert link.startswith(("#", "https://", "http://", "data:"))
    assert [part.get("rel") for part in tree.xpath("//link")] == ["icon"]


def test_hostile_text_is_shown_not_obeyed(attacked: Any) -> None:
    said = attacked.text_content()
    assert "<script>alert(1)</script></style></script><!--<img src=x onerror=alert(2)>" in said
    assert '"\'><a href="javascript:alert(3)">{{7*7}}{% raw %}${7*7}]]>&amp;&lt;' in said
    assert "[U+202E]gpj.exe[U+2066]" in said
    assert not re.search(
        "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffe\uffff]", said
    )


def test_only_web_addresses_become_links() -> None:
    assert web_address("https://example.com/a?b#c") == "https://example.com/a?b#c"
    for address in (
        "javascript:alert(1)",
        "file:///etc/passwd",
        "//host",
        "https:",
        "http://[",
        None,
    ):
        assert web_address(address) == ""


def test_the_same_record_gives_the_same_bytes() -> None:
    first = html.write(example(), attached(example()))
    assert html.write(example(), attached(example())) == first
    code = (
        "import hashlib, tests.output.example as e; from reporter.output import html;"
        "v = e.example(); print(hashlib.sha256(html.write(v, e.attached(v))).hexdigest())"
    )
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": "Asia/Shanghai"},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == sha256(first).hexdigest()


def test_the_record_and_the_evidence_are_inside() -> None:
    verdict = example()
    tree = lxml_html.document_fromstring(html.write(verdict, attached(verdict)).decode())
    links = {link.get("download"): link for link in tree.xpath("//a[@download]")}
    names = ["record.json", rendering.NAME, *(part.name for part in verdict.exhibits)]
    assert list(links) == names
    for name, data in {
        "record.json": json_record.write(verdict),
        **{part.exhibit.name: part.data for part in attached(verdict)},
    }.items():
        head, body = links[name].get("href").split(",", 1)
        assert head.endswith(";base64")
        assert b64decode(body) == data
        assert links[name].get("data-sha256") == sha256(data).hexdigest()
    assert [link.get("data-role") for link in links.values()] == [
        *("record", rendering.ROLE, "response", "policy", "waivers")
    ]


def test_a_large_file_is_packed() -> None:
    verdict = example(reasons=example().reasons * 200)
    tree = parsed(verdict)
    link, _ = tree.xpath("//a[@download]")
    assert link.get("download") == "record.json.gz"
    data = gzip.decompress(b64decode(link.get("href").split(",", 1)[1]))
    assert data == json_record.write(verdict)
    assert link.get("data-sha256") == sha256(data).hexdigest()


def test_the_anchor_of_a_check_does_not_depend_on_its_place() -> None:
    more = example().checks[-1:] + example().checks
    for verdict in (example(), example(checks=more)):
        (found,) = [part for part in view.report(verdict).checks if part.name == "AddonLimit"]
        assert found.id == view.check_id("AddonLimit", "addon")
        member = found.groups[0].members[0].id
        assert member == view.report(example()).checks[1].groups[0].members[0].id


def test_a_pass_shows_its_checks_and_no_reasons() -> None:
    passed = [check for check in example().checks if not check.entries]
    counts = OutcomeCounts.model_validate({"pass": len(passed)})
    verdict = example(
        outcome="pass",
        headline=statement("headline.pass"),
        reasons=[],
        conditions=[],
        checks=passed,
        counts=example().counts.model_copy(update={"checks": counts, "findings": counts}),
    )
    tree = parsed(verdict)
    assert "why" not in tree.xpath("//h2/@id")
    assert tree.xpath("//details[contains(@class, 'passed')]/@open")


def test_a_response_that_is_too_large_is_known_by_its_digest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(html, "MOST_INSIDE", 50)
    verdict = example()
    tree = lxml_html.document_fromstring(html.write(verdict, attached(verdict)).decode())
    assert tree.xpath("//a[@class='save']/@data-role") == ["record", rendering.ROLE]
    (response,) = [part for part in verdict.exhibits if part.role == "response"]
    said = text(tree)
    assert f"{response.name} is too large to be inside" in said
    assert response.sha256 in said


def test_many_entries_are_all_there_and_of_far_too_many_the_rest_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tree = parsed(example(checks=[many(messages=True)]))
    assert len(tree.xpath("//div[@class='member']")) == 1000
    assert not tree.xpath("//*[@id='rest']")
    monkeypatch.setattr(view, "ENTRIES_AT_ONCE", 999)
    tree = parsed(example(checks=[many(messages=True)]))
    assert len(tree.xpath("//div[@class='member']")) == view.ENTRIES_IN_FULL
    assert "800 more findings of this kind" in text(tree)
    assert "800 differing findings did not fit above" in text(tree.xpath("//*[@id='rest']")[0])
    folded = parsed(example(checks=[many(messages=False)]))
    assert "and 940 more" in text(folded)
    (body,) = folded.xpath("//details[contains(@class, 'check')]")
    assert len(body.xpath(".//ul[@class='compact']/li")) == 1000
    assert str(node(999).uid) in text(body)


def test_of_far_too_many_checks_the_worst_are_listed_and_the_rest_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = parsed(example())
    monkeypatch.setattr(view, "MOST_CHECKS", 1)
    verdict = example()
    tree = parsed(verdict)
    for place, count in (("ul[@class='checks']", 6), ("details[@class='fold passed']/ul", 38)):
        assert len(whole.xpath(f"//{place}/li")) == count + 1
        assert len(tree.xpath(f"//{place}/li")) == 1
        assert f"and {count} more checks: they stand in the record inside" in text(tree)
    assert len(tree.xpath("//ol[@class='reasons']/li")) == 1
    assert "and 5 more reasons: they stand in the record inside this page." in text(tree)
    assert "and 1 more skipped check: they stand in the record inside this page." in text(tree)
    (rest,) = tree.xpath("//*[@id='rest']")
    entries = sum(len(check.entries) for check in verdict.checks[1:])
    assert f"{entries} differing findings did not fit above" in text(rest)
    (link,) = tree.xpath("//a[@data-role='packed-record']/@href")
    assert b"SampleNodeCheck36" in b64decode(link.partition(",")[2])
    anchors = {part.get("id") for part in tree.xpath("//*[@id]")}
    assert {part[1:] for part in tree.xpath("//a/@href") if part.startswith("#")} <= anchors


def test_an_operator_is_told_how_many_reasons_are_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = example().reasons[0]
    monkeypatch.setattr(view, "MOST_CHECKS", 2)
    options = Options(view="operator")
    page = html.write(example(reasons=[first] * 5), options=options).decode()
    assert page.count(first.what.text) == 2
    assert "and 3 more reasons: they stand in the record inside this page." in page


def test_a_reason_for_a_check_the_record_lacks_is_no_dead_link() -> None:
    tree = parsed(example(checks=example().checks[1:]))
    (first, *_) = tree.xpath("//ol[@class='reasons']/li")
    assert "SampleNodeDisk fails" in text(first)
    assert not first.xpath(".//a[starts-with(@href, '#')]")


def test_a_large_cluster_costs_less_than_a_kilobyte_an_entry() -> None:
    checks = [
        many(messages=bool(number % 2)).model_copy(update={"name": f"Check{number}"})
        for number in range(6)
    ]
    entries = sum(len(check.entries) for check in checks)
    assert len(html.write(example(checks=checks))) < 1_000_000 + 1_000 * entries


def test_a_code_this_version_does_not_know_is_said_in_the_records_words() -> None:
    unknown = statement("headline.pass").model_copy(
        update={"code": "new", "text": "Said by a newer"}
    )
    assert "Said by a newer" in text(parsed(example(conditions=[unknown])))


def test_times_that_are_missing_or_over_are_said() -> None:
    subject = example().subject
    gone = subject.expires and subject.expires.model_copy(update={"at": AT.replace(hour=8)})
    odd = subject.expires and subject.expires.model_copy(update={"at": None, "text": "soon"})
    for expires, words in (
        (gone, "expired 08:30 UTC (2 h before)"),
        (odd, "expiry time unreadable: soon"),
        (None, "no expiry time given"),
    ):
        shown = example(subject=subject.model_copy(update={"expires": expires}))
        assert words in text(parsed(shown))


def test_a_broken_template_names_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    source = templating._source
    monkeypatch.setattr(
        templating, "_source", lambda name: "{% if %}" if name.endswith(".j2") else source(name)
    )
    templating._environment.cache_clear()
    try:
        with pytest.raises(OutputError, match=r"html/report\.html\.j2:1"):
            html.write(example())
    finally:
        templating._environment.cache_clear()


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_colours_are_readable_in_light_and_dark(scheme: int) -> None:
    css = templating.asset("html/report.css")
    found = re.findall(r"--([\w-]+):light-dark\((#\w{6}),(#\w{6})\)", css)
    colours = {name: pair[scheme] for name, *pair in found}
    outcomes = ("fail", "unknown", "warn", "waived", "pass")
    pairs = [(name, f"{name}-bg") for name in outcomes]
    pairs += [(name, "paper") for name in (*outcomes, "ink", "soft", "link")]
    pairs += [("soft", ground) for ground in ("wash", "note-bg", "unknown-bg", "warn-bg")]
    pairs += [("ink", ground) for ground in ("wash", "unknown-bg", "warn-bg")]
    for ink, ground in pairs:
        assert _contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)
    assert _contrast(colours["edge"], colours["paper"]) >= 3


def test_entries_differ_in_their_anchors_even_when_cleaning_makes_them_alike() -> None:
    check = example().checks[0]
    first: Entry = check.entries[0]
    twins = [first.model_copy(update={"message": f"a{mark}"}) for mark in ("\x00", "\x01")]
    shown = view.report(example(checks=[check.model_copy(update={"entries": twins})]))
    ids = [member.id for group in shown.checks[0].groups for member in group.members]
    assert len(set(ids)) == 2
