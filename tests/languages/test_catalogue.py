"""Every word has its Chinese: none is missing, none left over, and each keeps its parameters."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from reporter.record.model import Param
from reporter.words import LANGUAGES, MESSAGES, Language
from tests.languages import catalogue

OTHERS = LANGUAGES[1:]
CHINESE = Language("zh-CN")

# Signs and names that are the same in every language.
SAME = {"{message}", "{text}", "URL"}
ASCII_PUNCTUATION = re.compile(
    r"[\u4e00-\u9fff）”][,;:!?()]|[,;:!?()][\u4e00-\u9fff（“]|[\u4e00-\u9fff]\."
)


def parameters(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


@pytest.mark.parametrize("language", OTHERS)
def test_every_message_of_code_and_templates_is_translated(language: str) -> None:
    known = {part.id: part.string or "" for part in catalogue.read(language) if part.id}
    said = catalogue.messages()
    assert [message for message in said if message not in known] == [], "make words"
    assert [message for message in known if message not in said] == [], "make words"
    assert [message for message, text in known.items() if not all(text)] == []


@pytest.mark.parametrize("language", OTHERS)
def test_no_entry_is_marked_as_a_guess(language: str) -> None:
    assert [part.id for part in catalogue.read(language) if part.id and part.fuzzy] == []


@pytest.mark.parametrize("language", OTHERS)
def test_what_is_installed_is_what_is_written(language: str) -> None:
    file = catalogue.po(language).with_suffix(".mo")
    assert file.read_bytes() == catalogue.compiled(catalogue.read(language)), "make words"


def test_translations_keep_their_parameters() -> None:
    for english, text in catalogue.pairs("zh-CN"):
        assert parameters(text) == parameters(english), english


def test_chinese_is_chinese_and_set_as_chinese() -> None:
    for english, text in catalogue.pairs("zh-CN"):
        assert ASCII_PUNCTUATION.search(text) is None, text
        assert "  " not in text, text
        if english not in SAME and re.search("[A-Za-z]{2}", re.sub(r"\{\w+\}", "", english)):
            assert text != english


@pytest.mark.parametrize("code", sorted(MESSAGES))
def test_every_code_of_the_record_is_said(code: str) -> None:
    message = MESSAGES[code]
    english = message if isinstance(message, str) else message[1]
    params: dict[str, Param] = {name: f"<{name}>" for name in parameters(english)}
    for count in (1, 2):
        said = CHINESE.say(code, params | ({"count": count} if "count" in params else {}))
        for name in parameters(english) - {"count", "section", "effect"}:
            assert f"<{name}>" in said
        own = code.startswith("month.") or english in SAME
        assert own or re.search("[\u4e00-\u9fff]", said)


def test_english_needs_no_catalogue() -> None:
    code = (
        "import sys; from reporter.words import say, Language;"
        "say('headline.pass'); Language().text('Why');"
        "sys.exit('gettext' in sys.modules and 'gettext was read' or 0)"
    )
    run = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (0, "")
