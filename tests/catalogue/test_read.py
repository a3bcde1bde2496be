"""Looking names up, and a user's file of names."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporter.catalogue.read import Catalogue
from reporter.errors import PolicyError
from reporter.record.explanation import Explanation

HEAD = "apiVersion: precheck.catalogue/v1\nkind: Catalogue\n"
PAGES = "https://support.huaweicloud.com/intl/en-us"


def own(tmp_path: Path, items: str) -> Catalogue:
    path = tmp_path / "names.yaml"
    path.write_text(f"{HEAD}items:\n{items}")
    return Catalogue.load(path)


def mistakes(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "names.yaml"
    path.write_text(text)
    with pytest.raises(PolicyError) as caught:
        Catalogue.load(path)
    return [line.removeprefix(f"{path}:") for line in caught.value.problems]


# The shipped one ----------------------------------------------------------------------------------


def test_an_item_is_explained_for_a_type_of_cluster() -> None:
    known = Catalogue.load()
    said = known.explain("MasterSSH", "autopilot")
    assert said == Explanation(
        name="MasterSSH",
        certainty="likely",
        as_of=known.as_of,
        topic="cce_10_0435",
        title="SSH connectivity of master nodes",
        checks="Whether the control plane's nodes can be reached for the upgrade",
        fix="Run the check again; open a ticket if it fails again.",
        link=f"{PAGES}/usermanual-cce-autopilot/cce_11_0435.html",
        because="the name says what the page checks",
    )
    assert said.likely
    standard = known.explain("MasterSSH", "standard")
    assert standard is not None
    assert standard.link == f"{PAGES}/usermanual-cce/cce_10_0435.html"
    assert known.explain("MasterSSH") == standard


def test_an_item_is_explained_in_chinese() -> None:
    said = Catalogue.load().explain("AddonLimit", "standard", "zh-CN")
    assert said is not None
    assert said.title == "插件检查"
    assert said.link == "https://support.huaweicloud.com/usermanual-cce/cce_10_0433.html"
    assert not said.likely


def test_no_page_is_made_up_for_a_type_that_has_none() -> None:
    said = Catalogue.load().explain("CoreDNSConfLimit", "autopilot")
    assert said is not None
    assert said.title is not None
    assert said.link is None


def test_names_are_exact() -> None:
    known = Catalogue.load()
    for name in ("addonlimit", "AddonLimit ", "AddonLimi", "", "AddonLimit\x00"):
        assert known.explain(name) is None
        assert known.topic_of(name) is None
    assert known.other_case("addonlimit") == "AddonLimit"
    assert known.other_case("AddonLimi") is None


@given(st.text())
def test_an_unknown_name_is_never_explained(name: str) -> None:
    known = Catalogue.load()
    assert (known.explain(name) is not None) == (name in known.items)


def test_nearest_names_are_hints() -> None:
    known = Catalogue.load()
    assert known.nearest("AddonLmt")[0] == "AddonLimit"
    assert known.nearest("x" * 100_000) == ()


def test_a_topic_is_found_by_its_id_and_its_pages() -> None:
    known = Catalogue.load()
    assert known.topic("cce_10_0529") is known.topic("cce_11_0529") is known.topics["cce_10_0529"]
    assert known.topic("cce_11_0866") is not None
    assert known.topic("0529") is None


# A user's file ------------------------------------------------------------------------------------


def test_a_users_words_come_first_field_by_field(tmp_path: Path) -> None:
    known = own(
        tmp_path,
        "  MasterSSH: {runbook: 'https://wiki.example.com/ssh'}\n"
        "  AddonLimit: {fix: Call us., title: Our add-ons}\n"
        "  SampleNodeDisk: {topic: cce_10_0445}\n"
        "  SampleOther: {title: A sample}\n",
    )
    ssh, addon, disk, other = (
        known.explain(name) for name in ("MasterSSH", "AddonLimit", "SampleNodeDisk", "SampleOther")
    )
    assert ssh is not None
    assert (ssh.certainty, ssh.runbook) == ("likely", "https://wiki.example.com/ssh")
    assert ssh.title == "SSH connectivity of master nodes"
    assert ssh.likely  # the shipped words are still no more than likely
    assert addon is not None
    assert (addon.title, addon.fix, addon.certainty) == ("Our add-ons", "Call us.", "verified")
    assert addon.checks == "Whether every add-on is healthy and supports the target version"
    assert disk is not None
    assert (disk.certainty, disk.title) == ("user", "Node disks")
    assert disk.link == f"{PAGES}/usermanual-cce/cce_10_0445.html"
    assert other == Explanation(
        name="SampleOther",
        certainty="user",
        as_of=known.as_of,
        title="A sample",
        own=frozenset({"title"}),
    )


def test_another_topic_for_a_public_name_is_the_users_word(tmp_path: Path) -> None:
    known = own(tmp_path, "  BlackLimit: {topic: cce_10_0458}\n")
    said = known.explain("BlackLimit")
    assert said is not None
    assert (said.topic, said.certainty, said.because) == ("cce_10_0458", "user", None)


def test_a_users_file_has_no_say_in_judging(tmp_path: Path) -> None:
    known = own(tmp_path, "  BlackLimit: {topic: cce_10_0458}\n  Mine: {topic: cce_10_0445}\n")
    shipped = Catalogue.load()
    for name in ("BlackLimit", "Mine", "AddonLimit"):
        assert known.topic_of(name) == shipped.topic_of(name)
        assert known.only_as_exception(name) == shipped.only_as_exception(name)


def test_mistakes_are_told_by_line_and_column(tmp_path: Path) -> None:
    text = HEAD + (
        "items:\n"
        "  A: {runbok: https://x.example}\n"
        "  B: {topic: cce_10_0432x}\n"
        "  C: {}\n"
        "  D: {title: 12}\n"
        "  E: {fix: ''}\n"
        "  F:\n"
    )
    assert mistakes(tmp_path, text) == ['9:5: "F" has no value']
    assert mistakes(tmp_path, text.replace("  F:\n", "")) == [
        '4:7: unknown key "runbok"; did you mean "runbook"?',
        "6:6: nothing is said of it; give a title, fix or runbook",
        '7:14: 12 is a number in YAML; write "12" in quotes',
        "8:12: an empty text; leave the key out or give it a value",
    ]
    assert mistakes(tmp_path, HEAD + "items:\n  B: {topic: cce_10_0432x}\n") == [
        '4:14: no documented topic is called "cce_10_0432x"; did you mean "cce_10_0432"?'
    ]


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "//wiki.example.com",
        "wiki.example.com/x",
        "https://",
        "https://[::1",
        "https://x.example:port/",
        "https://x.example/a b",
        '"https://x.example/\\u202e"',
        "data:text/html,x",
    ],
)
def test_a_runbook_is_a_page_on_the_web(tmp_path: Path, address: str) -> None:
    value = address if address.startswith('"') else f"'{address}'"
    (said,) = mistakes(tmp_path, f"{HEAD}items:\n  A: {{runbook: {value}}}\n")
    assert said == "4:16: a runbook is an address such as https://wiki.example.com/upgrade"


def test_a_password_in_an_address_is_refused_and_not_repeated(tmp_path: Path) -> None:
    text = f"{HEAD}items:\n  A: {{runbook: 'https://me:hunter2@wiki.example.com/'}}\n"
    (said,) = mistakes(tmp_path, text)
    assert "user name or password" in said
    assert "hunter2" not in said


def test_names_nobody_can_see_are_refused(tmp_path: Path) -> None:
    for key in (r'"A\u202eB"', r'"A\0"', '" A"', '""', r'"A\ufffd"'):
        (said,) = mistakes(tmp_path, f"{HEAD}items:\n  {key}: {{title: x}}\n")
        assert said == "4:3: an item name is visible text, as CCE spells it"
    (said,) = mistakes(tmp_path, f"{HEAD}items:\n  {'A' * 300}: {{title: x}}\n")
    assert said == "4:3: an item name of more than 200 characters"


def test_a_name_in_the_wrong_case_would_never_be_found(tmp_path: Path) -> None:
    (said,) = mistakes(tmp_path, f"{HEAD}items:\n  addonlimit: {{title: x}}\n")
    assert said == '4:3: CCE spells it "AddonLimit"; names are matched exactly'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "1:1: the file is empty; a file of names begins with"),
        ("- a\n", "1:1: the file is not a mapping; a file of names begins with"),
        (
            "apiVersion: precheck.policy/v1\nkind: Policy\n",
            "2:7: this file is a Policy, not a Catalogue",
        ),
        (HEAD, '1:1: "items" is missing'),
        (HEAD + "items: {}\n", "3:8: no item is named; there has to be at least one"),
        (HEAD + "items: [a]\n", "3:8: a list should be a mapping of keys"),
        (HEAD + "items:\n  A: text\n", '4:6: "text" should be a mapping of keys'),
        (HEAD + "item: {}\n", '3:1: unknown key "item"; did you mean "items"?'),
        (HEAD + "items:\n  A: {title: a}\n  A: {title: b}\n", '5:3: key "A" appears twice'),
        ("apiVersion: precheck.catalog/v1\nkind: Catalogue\nitems: {A: {fix: x}}\n", "1:13: "),
    ],
)
def test_what_is_no_file_of_names_is_refused(tmp_path: Path, text: str, said: str) -> None:
    assert mistakes(tmp_path, text)[0].startswith(said)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="no such file"):
        Catalogue.load(tmp_path / "none.yaml")
    with pytest.raises(PolicyError, match="can't be read"):
        Catalogue.load(tmp_path)
