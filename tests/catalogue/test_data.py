"""The shipped catalogue holds what it promises: every topic, every link, both languages."""

from __future__ import annotations

import re
from collections import Counter
from urllib.parse import urlsplit

import pytest

from reporter.catalogue.model import LANGUAGES, ClusterType
from reporter.catalogue.read import Catalogue

# The list of the guide for standard clusters, by the number of the page: all there are.
# fmt: off
STANDARD = [
    431, 432, 433, 434, 436, 437, 439, 440, 441, 442, 443, 445, 446, 447, 448, 449, 450, 451, 452,
    455, 456, 457, 458, 459, 460, 478, 479, 480, 484, 485, 486, 487, 488, 489, 490, 491, 492, 493,
    494, 495, 496, 497, 498, 499, 500, 501, 502, 503, 504, 505, 506, 507, 508, 510, 511, 512, 513,
    515, 516, 517, 518, 520, 521, 522, 523, 524, 525, 526, 527, 528, 529, 530, 531,
]
# fmt: on
AUTOPILOT = [432, 433, 434, 435, 440, 479, 487, 497, 529, 866]
# Item names that occur in public material, with the kind they have there.
PUBLIC = {
    "AddonLimit": "Exception",
    "BlackLimit": "Exception",
    "ClusterNoArm": "Exception",
    "CoreDNSConfLimit": "Exception",
    "DeprecatedApiCheck": "Risk",
    "EverestLimitHungVersion": "Risk",
    "MasterSSH": "Exception",
    "NodeContainerdPodRestartRisk": "Risk",
    "ReleaseLimit": "Exception",
    "ResiduePackageVersion": "Exception",
}
HAN = re.compile("[\u4e00-\u9fff]")
TYPES: tuple[ClusterType, ...] = ("standard", "autopilot")


@pytest.fixture(scope="module")
def known() -> Catalogue:
    return Catalogue.load()


def test_all_documented_topics_are_there_once(known: Catalogue) -> None:
    topics = known.topics.values()
    assert len(STANDARD) == 73
    assert len(AUTOPILOT) == 10
    standard = [topic.pages["standard"] for topic in topics if "standard" in topic.listed]
    autopilot = [topic.pages["autopilot"] for topic in topics if "autopilot" in topic.listed]
    assert standard == [f"cce_10_{number:04}" for number in STANDARD]
    assert sorted(autopilot) == [f"cce_11_{number:04}" for number in AUTOPILOT]
    assert {topic.id for topic in topics if not topic.listed} == {
        *("cce_10_0444", "cce_10_0453", "cce_10_0514"),
        "arm-nodes",
    }
    raw = known._topic_file.topics
    assert len(raw) == len(known.topics)  # no id twice


def test_an_id_is_that_of_its_page(known: Catalogue) -> None:
    for topic in known.topics.values():
        for kind, page in topic.pages.items():
            assert re.fullmatch(r"cce_1[01]_\d{4}", page)
            assert page[:6] == {"standard": "cce_10", "autopilot": "cce_11"}[kind]
            assert page[-4:] == topic.id[-4:]
        assert set(topic.listed) <= set(topic.pages)


def test_links_lead_to_the_documentation_alone(known: Catalogue) -> None:
    folders = {"standard": "usermanual-cce", "autopilot": "usermanual-cce-autopilot"}
    sites = {"en": "/intl/en-us", "zh-CN": ""}
    seen: Counter[str] = Counter()
    for topic in known.topics.values():
        for kind in TYPES:
            for language in LANGUAGES:
                link = topic.link(kind, language)
                assert (link is None) == (kind not in topic.pages)
                if link is None:
                    continue
                seen[link] += 1
                parts = urlsplit(link)
                assert (parts.scheme, parts.netloc) == ("https", "support.huaweicloud.com")
                folder = f"{sites[language]}/{folders[kind]}"
                assert parts.path == f"{folder}/{topic.pages[kind]}.html"
                assert not parts.query
                assert not parts.fragment
    assert set(seen.values()) == {1}


def test_every_topic_is_told_in_both_languages(known: Catalogue) -> None:
    for topic in known.topics.values():
        for text in (topic.en.title, topic.en.checks, topic.en.fix):
            assert text == " ".join(text.split())
            assert not HAN.search(text), topic.id
        assert re.match(r"(Whether|Not a check) ", topic.en.checks), topic.id
        assert topic.en.checks[-1] not in ".;", topic.id
        assert topic.en.fix[-1] == ".", topic.id
        for text in (topic.zh_cn.title, topic.zh_cn.checks, topic.zh_cn.fix):
            assert HAN.search(text), topic.id
        assert topic.zh_cn.checks[-1] not in "。；", topic.id
        assert topic.zh_cn.fix[-1] == "。", topic.id


def test_titles_tell_topics_apart(known: Catalogue) -> None:
    for language in LANGUAGES:
        titles = Counter(topic.words(language).title for topic in known.topics.values())
        assert max(titles.values()) == 1, titles.most_common(1)


def test_only_public_item_names_are_there_each_with_a_reason(known: Catalogue) -> None:
    assert {name: item.kinds for name, item in known.items.items()} == {
        name: [kind] for name, kind in PUBLIC.items()
    }
    for item in known.items.values():
        assert item.topic in known.topics
        assert item.because
        assert item.seen
    verified = [item.name for item in known.items.values() if item.certainty == "verified"]
    assert verified == ["AddonLimit", "DeprecatedApiCheck"]


def test_a_day_says_how_old_it_is(known: Catalogue) -> None:
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", known.as_of)
