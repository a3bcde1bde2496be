"""`cce-precheck catalogue`: what is known of the pre-upgrade check's items."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from reporter.cli.common import (
    OF_NAMES,
    CliExit,
    file_name,
    hinting,
    language_option,
    say,
    say_hint,
)

if TYPE_CHECKING:
    from reporter.catalogue.model import ClusterType, Item, Topic
    from reporter.catalogue.read import Catalogue
    from reporter.record.explanation import Explanation
    from reporter.words import Language, LanguageTag

WIDTH = 80
UNKNOWN_NAME = 2
"""The exit code for a NAME nobody knows: the command line asks for what is not there."""

_ID = 13
_MARKS = {"standard": "S", "autopilot": "A"}


@click.command("catalogue")
@click.argument("name", required=False)
@click.option(
    "--type",
    "cluster_type",
    type=click.Choice(["autopilot", "standard"]),
    help="Only topics for this kind of cluster, and its guide's pages.",
)
@language_option
@click.option(
    "--names",
    type=file_name,
    metavar="FILE",
    help="Your own item names, as check --catalogue takes.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def command(
    name: str | None,
    cluster_type: ClusterType | None,
    lang: LanguageTag,
    names: str | None,
    as_json: bool,
    debug: bool,
) -> None:
    """Print what is known of the check's items: all of them, or the one called NAME.

    NAME is an item's name as the response spells it, or a topic's id. Most item names are not
    public, so most are unknown: exit code 2, with the names that look most like it.
    """
    del debug  # read by the entry point
    from reporter.catalogue.read import Catalogue

    with hinting(OF_NAMES):
        known = Catalogue.load(names)
    shown = _Shown(known, cluster_type, lang)
    if name is None:
        _print(shown.as_data() if as_json else shown.table())
        return
    found = shown.one(name)
    if found is not None:
        _print(found if as_json else shown.page(name))
        return
    if as_json:
        _print(shown.unknown(name))
    else:
        _say_unknown(shown.known, name)
    raise CliExit(UNKNOWN_NAME)


def _print(what: dict[str, Any] | Iterator[str]) -> None:
    from reporter.output.clean import clean, console_safe

    if isinstance(what, dict):
        click.echo(json.dumps(what, indent=2, ensure_ascii=False))
        return
    for row in what:
        click.echo(console_safe(clean(row)))


def _say_unknown(known: Catalogue, name: str) -> None:
    other = known.other_case(name)
    say(f'the catalogue of {known.as_of} knows nothing called "{name}"')
    if other is not None and other != name:
        say_hint(f'it knows "{other}"; names are matched exactly, upper and lower case included')
    elif nearest := known.nearest(name):
        say_hint(f"what looks like it: {', '.join(nearest)}")
    else:
        say_hint("most item names are not public; --names FILE adds those you have met")


class _Shown:
    """The catalogue for one kind of cluster and one language."""

    def __init__(
        self,
        known: Catalogue,
        cluster_type: ClusterType | None,
        language: LanguageTag,
    ) -> None:
        from reporter.words import Language

        self.words = Language(language)
        self.known = known
        self.cluster_type = cluster_type
        self.language = language

    @property
    def topics(self) -> list[Topic]:
        """The topics there are for this kind of cluster."""
        return [
            topic
            for topic in self.known.topics.values()
            if self.cluster_type is None
            or self.cluster_type in topic.pages
            or (not topic.pages and self.cluster_type == "standard")
        ]

    def _items_of(self, topic: Topic) -> list[tuple[str, str]]:
        """Names that belong to a topic, each with how sure that is."""
        found = [self.known.explain(name) for name in self.known.names]
        return [(one.name, one.certainty) for one in found if one and one.topic == topic.id]

    # Text ------------------------------------------------------------------------------------

    def table(self) -> Iterator[str]:
        """All topics, a line each, with the item names below."""
        from reporter.output.text import wrap

        topics, known, words = self.topics, self.known, self.words
        yield words.text("What CCE's pre-upgrade check looks at, as of {date}", date=known.as_of)
        yield ""
        for topic in topics:
            marks = "".join(mark for kind, mark in _MARKS.items() if kind in topic.listed)
            title = topic.words(self.language).title
            left = f"{topic.id:<{_ID}}{marks:<4}"
            if not marks:
                title = words.text("{title}  (not listed today)", title=title)
            rows = wrap(title, WIDTH - len(left))
            yield f"{left}{rows[0]}"
            yield from (" " * len(left) + row for row in rows[1:])
            for name, sure in self._items_of(topic):
                yield " " * (len(left) + 2) + self._beside(name, sure)
        loose = [
            name for name, own in known.own.items() if own.topic is None and name not in known.items
        ]
        if loose:
            yield ""
            yield words.text("Yours, of no documented topic")
            for name in sorted(loose):
                said = known.own[name].title
                yield from _hanging(
                    "  ", words.text("{label}: {said}", label=name, said=said) if said else name
                )
        yield ""
        yield words.text("S, A: in the list of the guide for standard, for Autopilot clusters.")
        told = words.text(
            "{topics} topics, {items} public item names; all other names are unknown. "
            "cce-precheck catalogue NAME tells more of one.",
            topics=len(topics),
            items=len(known.items),
        )
        yield from wrap(told, WIDTH)

    def page(self, name: str) -> Iterator[str]:
        """One item, or one topic."""
        known = self.known.explain(name, self.cluster_type, self.language)
        if known is None:
            topic = self.known.topic(name)
            if topic is None:
                return
            yield topic.id
            yield from self._topic(topic)
            items = self.words.joined(self._named(topic))
            unnamed = self.words.text("none is known by name")
            yield from _row(self.words.text("Items"), items or unnamed)
            yield from _row(self.words.text("As of"), self.known.as_of)
            return
        yield known.name
        yield from self._item(known)
        yield from _row(self.words.text("As of"), known.as_of)

    def _named(self, topic: Topic) -> list[str]:
        return [self._beside(name, sure) for name, sure in self._items_of(topic)]

    def _beside(self, name: str, sure: str) -> str:
        """A name, with how sure its topic is where that has to be said."""
        if sure == "likely":
            return self.words.text("{name} (likely)", name=name)
        return self.words.text("{name} (yours)", name=name) if sure == "user" else name

    def _item(self, known: Explanation) -> Iterator[str]:
        topic = self.known.topics[known.topic] if known.topic else None
        yield from _row(self.words.text("Sureness"), _sureness(known, self.words))
        if topic is not None:
            yield from _row(self.words.text("Topic"), topic.id)
        if known.title is not None:
            yield from _row(self.words.text("Title"), known.title)
        if known.checks is not None:
            yield from _row(self.words.text("Checks"), known.checks)
        if known.fix is not None:
            yield from _row(self.words.text("Fix"), known.fix)
        if known.runbook is not None:
            yield from _address(self.words.text("Runbook"), known.runbook)
        if topic is not None:
            yield from self._about(topic)
        if (item := self.known.items.get(known.name)) is not None:
            yield from _row(self.words.text("Seen"), _seen(item, self.words))

    def _topic(self, topic: Topic) -> Iterator[str]:
        of = topic.words(self.language)
        yield from _row(self.words.text("Title"), of.title)
        yield from _row(self.words.text("Checks"), of.checks)
        yield from _row(self.words.text("Fix"), of.fix)
        yield from self._about(topic)

    def _about(self, topic: Topic) -> Iterator[str]:
        if topic.note is not None:
            yield from _row(self.words.text("Note"), topic.note)
        for kind, link in self._links(topic).items():
            yield from _address(kind.capitalize(), link)
        if self.cluster_type is not None and self.cluster_type not in topic.pages:
            unknown = self.words.text("no page is known in the guide for such clusters")
            yield from _row(self.cluster_type.capitalize(), unknown)

    def _links(self, topic: Topic) -> dict[str, str]:
        kinds: tuple[ClusterType, ...] = ("standard", "autopilot")
        return {
            kind: link
            for kind in kinds
            if self.cluster_type in (None, kind)
            and (link := topic.link(kind, self.language)) is not None
        }

    # JSON ------------------------------------------------------------------------------------

    def as_data(self) -> dict[str, Any]:
        """Everything, as JSON."""
        return {
            **self._head(),
            "topics": [self._topic_data(topic) for topic in self.topics],
            "items": [self._item_data(name) for name in self.known.names],
        }

    def one(self, name: str) -> dict[str, Any] | None:
        """One item or topic, as JSON; None for what nobody knows."""
        if name in self.known.names:
            return {**self._head(), "known": True, "item": self._item_data(name)}
        topic = self.known.topic(name)
        if topic is not None:
            return {**self._head(), "known": True, "topic": self._topic_data(topic)}
        return None

    def unknown(self, name: str) -> dict[str, Any]:
        """What can be said of a name nobody knows."""
        return {
            **self._head(),
            "known": False,
            "name": name,
            "other_case": self.known.other_case(name),
            "nearest": list(self.known.nearest(name)),
        }

    def _head(self) -> dict[str, Any]:
        from reporter.catalogue.model import API_VERSION

        return {
            "apiVersion": API_VERSION,
            "kind": "CatalogueListing",
            "as_of": self.known.as_of,
            "language": self.language,
            "type": self.cluster_type,
        }

    def _topic_data(self, topic: Topic) -> dict[str, Any]:
        return {
            "id": topic.id,
            "listed": list(topic.listed),
            **topic.words(self.language).model_dump(),
            "note": topic.note,
            "links": self._links(topic),
            "items": [name for name, _ in self._items_of(topic)],
        }

    def _item_data(self, name: str) -> dict[str, Any]:
        known = self.known.explain(name, self.cluster_type, self.language)
        assert known is not None  # noqa: S101 - of the catalogue's own names
        item = self.known.items.get(name)
        topic = self.known.topics[known.topic] if known.topic else None
        return {
            "name": name,
            "certainty": known.certainty,
            "because": known.because,
            "topic": known.topic,
            "title": known.title,
            "checks": known.checks,
            "fix": known.fix,
            "runbook": known.runbook,
            "links": self._links(topic) if topic else {},
            "own": sorted(known.own),
            "kinds": list(item.kinds) if item else [],
            "seen": list(item.seen) if item else [],
        }


def _sureness(known: Explanation, words: Language) -> str:
    said = {
        "verified": words.text("verified"),
        "likely": words.text("likely, not certain"),
        "user": words.text("from your own catalogue"),
    }[known.certainty]
    if known.because:
        said = words.text("{label}: {said}", label=said, said=known.because)
    if known.certainty != "user" and known.own:
        fields = words.joined(sorted(known.own))
        said = words.text("{said} ({fields} from your own catalogue)", said=said, fields=fields)
    return said


def _seen(item: Item, words: Language) -> str:
    pages = {"show": "ShowAutopilotPreCheck", "list": "ListAutopilotPreCheckTasks"}
    return words.text(
        "as {kinds}, in the example of {pages}",
        kinds=words.joined(item.kinds),
        pages=words.text(" and ").join(pages[page] for page in item.seen),
    )


def _row(label: str, text: str) -> Iterator[str]:
    from reporter.output.text import padded

    return _hanging(f"  {padded(label, 11)}", text)


def _hanging(first: str, text: str) -> Iterator[str]:
    from reporter.output.clean import one_line
    from reporter.output.text import columns, wrap

    left = columns(first)
    rows = wrap(one_line(text), WIDTH - left) or [""]
    yield first + rows[0]
    yield from (" " * left + row for row in rows[1:])


def _address(label: str, address: str) -> Iterator[str]:
    """An address on one row: half of it would lead nowhere, so a long one has its own."""
    from reporter.output.text import padded

    row = f"  {padded(label, 11)}{address}"
    if len(row) <= WIDTH:
        yield row
        return
    yield f"  {label}"
    yield f"    {address}"
