"""The catalogue's files as they are written: `topics.yaml`, `items.yaml` and a user's own."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from reporter.signs import says_nothing

ClusterType = Literal["standard", "autopilot"]
Language = Literal["en", "zh-CN"]
LANGUAGES: tuple[Language, ...] = ("en", "zh-CN")
API_VERSION = "precheck.catalogue/v1"

_GUIDES: dict[ClusterType, str] = {
    "standard": "usermanual-cce",
    "autopilot": "usermanual-cce-autopilot",
}
_SITES: dict[Language, str] = {
    "en": "https://support.huaweicloud.com/intl/en-us",
    "zh-CN": "https://support.huaweicloud.com",
}


def _seen(value: str) -> str:
    if says_nothing(value):
        raise PydanticCustomError("blank", "a blank text says nothing; leave the key out")
    return value


def _single(value: str) -> str:
    if "\n" in value or "\r" in value:
        raise PydanticCustomError("lines", "a title is one line")
    return value


def _address(value: str) -> str:
    """A page on the web, without a password: it is shown in every report."""
    try:
        parts = urlsplit(value)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    del port  # read for its check alone
    plain = value.isprintable() and " " not in value
    if parts.scheme not in ("http", "https") or not host or not plain:
        raise PydanticCustomError(
            "address", "a runbook is an address such as https://wiki.example.com/upgrade"
        )
    if parts.username is not None or parts.password is not None:
        raise PydanticCustomError(
            "address", "an address with a user name or password would be shown in every report"
        )
    return value


Words = Annotated[str, Field(min_length=1, max_length=2_000), AfterValidator(_seen)]
Title = Annotated[
    str, Field(min_length=1, max_length=200), AfterValidator(_seen), AfterValidator(_single)
]
Address = Annotated[str, Field(min_length=1, max_length=2_000), AfterValidator(_address)]


class Part(BaseModel):
    """Unknown keys are errors, nothing is coerced."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, defer_build=True, hide_input_in_errors=True
    )


class TopicWords(Part):
    """A topic in one language."""

    title: Title
    checks: Words
    fix: Words


class Topic(Part):
    """A documented topic of the pre-upgrade check."""

    id: str
    listed: list[ClusterType]
    """The guides whose list of checks names it today."""
    pages: dict[ClusterType, str]
    """Type of cluster → id of its page."""
    note: str | None = None
    en: TopicWords
    zh_cn: TopicWords = Field(alias="zh-CN")

    def words(self, language: Language) -> TopicWords:
        """Title, checks and fix in a language."""
        return self.en if language == "en" else self.zh_cn

    def link(self, cluster_type: ClusterType, language: Language) -> str | None:
        """Its page in the guide for a type of cluster; None where no such page is known."""
        page = self.pages.get(cluster_type)
        return f"{_SITES[language]}/{_GUIDES[cluster_type]}/{page}.html" if page else None


class TopicFile(Part):
    """`topics.yaml`."""

    as_of: str
    topics: list[Topic]


class Item(Part):
    """A check item name seen in public material, and the topic it belongs to."""

    name: str
    topic: str
    certainty: Literal["verified", "likely"]
    because: str
    kinds: list[str]
    """The kinds it was seen with."""
    seen: list[Literal["show", "list"]]


class ItemFile(Part):
    """`items.yaml`."""

    items: list[Item]


class OwnItem(Part):
    """What a user's file says of one check item."""

    topic: str | None = Field(None, description="id of the documented topic it belongs to")
    title: Title | None = None
    fix: Words | None = None
    runbook: Address | None = None

    @model_validator(mode="before")
    @classmethod
    def _says_something(cls, data: Any) -> Any:
        if data == {}:
            raise PydanticCustomError(
                "blank", "nothing is said of it; give a title, fix or runbook"
            )
        return data


class OwnFile(Part):
    """A user's file of names: item name → what to show beside it."""

    apiVersion: Literal["precheck.catalogue/v1"]  # noqa: N815
    kind: Literal["Catalogue"]
    items: Annotated[dict[str, OwnItem], Field(min_length=1)]
