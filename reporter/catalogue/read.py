"""The catalogue of check item names. An unknown name is a first-class case: most are unknown.

Only ten item names occur in public material; everything else about the API's names would be a
guess. `items.yaml` says for each how sure its connection to a documented topic is; `topics.yaml`
holds the topics. A user's file adds names; it changes what reports show, never a verdict.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from reporter import yamlfile
from reporter.catalogue.model import (
    API_VERSION,
    LANGUAGES,
    ClusterType,
    Item,
    ItemFile,
    Language,
    OwnFile,
    OwnItem,
    Topic,
    TopicFile,
)
from reporter.errors import PolicyError
from reporter.mistakes import Mistakes
from reporter.record.explanation import Explanation
from reporter.signs import hides_a_sign

LONGEST_NAME = 200


class Catalogue:
    """Topics and item names, read from the package when first asked for."""

    def __init__(self, own: Mapping[str, OwnItem] | None = None) -> None:
        self.own: Mapping[str, OwnItem] = own or {}
        """What a user's file says, by item name."""

    @classmethod
    def load(cls, names: str | Path | None = None) -> Catalogue:
        """The shipped catalogue, with a user's file of names over it.

        `PolicyError` names every mistake of the file by line and column.
        """
        if names is None:
            return cls()
        shipped = cls()
        return cls(_own(str(names), shipped))

    @cached_property
    def _topic_file(self) -> TopicFile:
        return TopicFile.model_validate(_shipped("topics.yaml"))

    @cached_property
    def topics(self) -> Mapping[str, Topic]:
        """Every documented topic by its id, in the order of the ids."""
        return {topic.id: topic for topic in self._topic_file.topics}

    @property
    def as_of(self) -> str:
        """The day the sources were read, YYYY-MM-DD."""
        return self._topic_file.as_of

    @cached_property
    def items(self) -> Mapping[str, Item]:
        """The item names of public material; a user's are in `own`."""
        found = ItemFile.model_validate(_shipped("items.yaml"))
        return {item.name: item for item in found.items}

    @property
    def topics_with_items(self) -> list[str]:
        """Ids of the topics that an item name is known of; others never match in a policy."""
        return sorted({item.topic for item in self.items.values()})

    # For judging: the shipped catalogue alone ----------------------------------------------------

    def topic_of(self, name: str) -> str | None:
        """The topic id of an item name, None where nobody knows. A user's file has no say."""
        item = self.items.get(name)
        return item.topic if item else None

    def only_as_exception(self, name: str) -> bool:
        """Whether an item was only ever seen as an Exception, in whatever capitals it is written.

        A user's file has no say.
        """
        return name.casefold() in self._only_as_exception

    @cached_property
    def _only_as_exception(self) -> frozenset[str]:
        known = self.items.items()
        return frozenset(name.casefold() for name, item in known if item.kinds == ["Exception"])

    # For reading ---------------------------------------------------------------------------------

    @property
    def names(self) -> tuple[str, ...]:
        """Every item name something is known of."""
        return tuple(sorted({*self.items, *self.own}))

    def topic(self, key: str) -> Topic | None:
        """A topic by its id, or by the id of one of its pages."""
        if key in self.topics:
            return self.topics[key]
        return next((one for one in self.topics.values() if key in one.pages.values()), None)

    def meant_topic(self, text: str) -> str | None:
        """The id that somebody meant by a text which is none.

        That of a page, title or item name, or the nearest one.
        """
        if (topic := self.topic(text)) is not None:
            return topic.id
        if (own := self.topic_of(text)) is not None:
            return own
        folded = text.casefold()
        for topic in self.topics.values():
            if folded in (topic.words(language).title.casefold() for language in LANGUAGES):
                return topic.id
        return yamlfile.nearest(text[:LONGEST_NAME], list(self.topics))

    def explain(
        self, name: str, cluster_type: ClusterType | None = None, language: Language = "en"
    ) -> Explanation | None:
        """What is known of an item, by its exact name; None if nothing is.

        Links are for the type of cluster, standard where it is not known. A user's words come
        before the shipped ones, field by field.
        """
        item, own = self.items.get(name), self.own.get(name)
        if item is None and own is None:
            return None
        topic = None
        if own is not None and own.topic is not None:
            topic = self.topics[own.topic]
        elif item is not None:
            topic = self.topics[item.topic]
        words = topic.words(language) if topic else None
        said = {
            part: text
            for part in ("topic", "title", "fix", "runbook")
            if own is not None and (text := getattr(own, part)) is not None
        }
        sure = item is not None and (own is None or own.topic in (None, item.topic))
        return Explanation(
            name=name,
            certainty=item.certainty if item is not None and sure else "user",
            as_of=self.as_of,
            topic=topic.id if topic else None,
            title=said.get("title", words.title if words else None),
            checks=words.checks if words else None,
            fix=said.get("fix", words.fix if words else None),
            link=topic.link(cluster_type or "standard", language) if topic else None,
            runbook=said.get("runbook"),
            because=item.because if item is not None and sure else None,
            own=frozenset(said),
        )

    def own_explained(
        self, cluster_type: ClusterType | None = None, language: Language = "en"
    ) -> dict[str, Explanation]:
        """Everything a user's file says, by item name, with the shipped words below it."""
        explained = {name: self.explain(name, cluster_type, language) for name in self.own}
        return {name: known for name, known in explained.items() if known is not None}

    def other_case(self, name: str) -> str | None:
        """A known name that differs from this one in upper and lower case alone."""
        return next((known for known in self.names if known.casefold() == name.casefold()), None)

    def nearest(self, name: str) -> tuple[str, ...]:
        """Known item names and topic ids most like this one, nearest first: hints, no answers."""
        known = {key.casefold(): key for key in (*self.topics, *self.names)}
        import difflib

        close = difflib.get_close_matches(name[:LONGEST_NAME].casefold(), list(known), n=3)
        return tuple(known[key] for key in close)


def _shipped(name: str) -> Any:
    return yamlfile.load(files("reporter.catalogue").joinpath(name).read_bytes(), name).data


# A user's file ----------------------------------------------------------------------------------


class _OwnMistakes(Mistakes):
    """Mistakes of a user's file of names."""

    def may_be_null(self, path: yamlfile.Path) -> bool:
        return not path

    def allowed_keys(self, path: yamlfile.Path) -> list[str]:
        model: type[BaseModel] = OwnItem if path[0] == "items" else OwnFile
        return list(model.model_fields)

    def _message(self, item: Any, path: yamlfile.Path, missing: str | None) -> str:
        if item["type"] in ("blank", "address", "lines"):
            return str(item["msg"])
        if item["type"] == "string_too_long":
            return f"{item['ctx']['max_length']:,} characters are the most"
        if item["type"] == "too_short":
            return "no item is named; there has to be at least one"
        return super()._message(item, path, missing)


def _own(source: str, shipped: Catalogue) -> Mapping[str, OwnItem]:
    document = yamlfile.load(_read(source), source)
    if not isinstance(document.data, dict):
        what = "empty" if document.data is None else "not a mapping"
        raise PolicyError(
            f'{source}:1:1: the file is {what}; a file of names begins with "apiVersion: '
            f'{API_VERSION}" and "kind: Catalogue"'
        )
    if document.data.get("kind") in ("Policy", "WaiverList", "PolicyTest"):
        found = document.data["kind"]
        raise PolicyError(f"{document.at(('kind',))}: this file is a {found}, not a Catalogue")
    mistakes = _OwnMistakes(document)
    mistakes.refuse_nulls()
    mistakes.stop()
    try:
        spec = OwnFile.model_validate(document.data)
    except ValidationError as error:
        mistakes.add_validation(error)
        mistakes.stop()
        raise  # pragma: no cover - add_validation always adds at least one problem
    for name, item in spec.items.items():
        _check(name, item, shipped, mistakes)
    mistakes.stop()
    return spec.items


def _check(name: str, item: OwnItem, shipped: Catalogue, mistakes: Mistakes) -> None:
    path: yamlfile.Path = ("items", name)
    visible = name.isprintable() and name == name.strip() and not hides_a_sign(name)
    if not visible or not name or "\ufffd" in name:
        mistakes.add(path, "an item name is visible text, as CCE spells it", key=True)
    elif len(name) > LONGEST_NAME:
        mistakes.add(path, f"an item name of more than {LONGEST_NAME} characters", key=True)
    elif name not in shipped.items and (known := shipped.other_case(name)) is not None:
        # It would never be found: CCE's names are matched exactly.
        mistakes.add(path, f'CCE spells it "{known}"; names are matched exactly', key=True)
    if item.topic is not None and item.topic not in shipped.topics:
        close = yamlfile.nearest(item.topic, list(shipped.topics))
        more = f'; did you mean "{close}"?' if close else "; `cce-precheck catalogue` lists them"
        mistakes.add((*path, "topic"), f'no documented topic is called "{item.topic}"{more}')


def _read(source: str) -> bytes:
    try:
        with Path(source).open("rb") as file:
            return file.read(yamlfile.MAX_BYTES + 1)
    except FileNotFoundError:
        raise PolicyError(f"{source}: no such file", hint="check the path") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise PolicyError(f"{source}: can't be read: {reason}") from None
