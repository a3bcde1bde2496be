"""The catalogue of check item names. An unknown name is a first-class case: most are unknown.

Only ten item names occur in public material; everything else about the API's names would be a
guess. `topics.yaml` says for each how sure the connection to a documented topic is.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from reporter import yamlfile


@dataclass(frozen=True)
class Topic:
    """A documented topic of the pre-upgrade check."""

    id: str
    title: str
    checks: str
    fix: str
    documents: dict[str, str]
    """Cluster type → documentation page."""


@dataclass(frozen=True)
class Item:
    """A check item name, and the topic it belongs to."""

    name: str
    topic: Topic
    certainty: Literal["verified", "likely"]
    kinds: tuple[str, ...]
    """The kinds it was seen with."""


@dataclass(frozen=True)
class Catalogue:
    """All items by name, and the day their sources were read."""

    as_of: str
    items: dict[str, Item]


@cache
def catalogue() -> Catalogue:
    """The shipped catalogue."""
    data = files("reporter.catalogue").joinpath("topics.yaml").read_bytes()
    content = yamlfile.load(data, "topics.yaml").data
    topics = {
        topic["id"]: Topic(
            topic["id"], topic["title"], topic["checks"], topic["fix"], topic["documents"]
        )
        for topic in content["topics"]
    }
    items = {
        item["name"]: Item(
            item["name"], topics[item["topic"]], item["certainty"], tuple(item["kinds"])
        )
        for item in content["items"]
    }
    return Catalogue(content["as_of"], items)


def topic_of(name: str) -> str | None:
    """The topic id of a check item name, None where nobody knows."""
    item = catalogue().items.get(name)
    return item.topic.id if item else None


def only_as_exception(name: str) -> bool:
    """Whether a check item was only ever seen as an Exception."""
    item = catalogue().items.get(name)
    return item is not None and item.kinds == ("Exception",)
