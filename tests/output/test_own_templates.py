"""A user's own templates: what they may change, and what they can't do."""

from __future__ import annotations

import os
import re
import time
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import pytest
from lxml import html as lxml_html

from reporter.cli import brand
from reporter.cli.common import Outputs
from reporter.errors import PolicyError, TemplateError
from reporter.output import Options, confined, render, templating
from reporter.output.own import Brand, OwnTemplates, contrast
from tests.acceptance.run import PUBLISHED, command

from .example import example, hostile
from .test_pdf import needs_poppler, words

SMALL = confined.Limits(cpu=1, clock=60, memory=512 << 20)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0h9v9z"/></svg>'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("html", "pdf"):
        (tmp_path / "own" / name).mkdir(parents=True)
    return tmp_path / "own"


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a process of its own, which takes half a second to start."""
    monkeypatch.setattr(confined, "call", lambda function, *of, limits: function(*of))


def put(folder: Path, text: str, name: str = "html/report.html.j2") -> None:
    (folder / name).write_text(text)


def page(folder: Path, own: Brand | None = None) -> str:
    templates = OwnTemplates(str(folder), own or Brand())
    return render(example(), "html", options=Options(templates=templates)).decode()


def test_a_block_is_replaced_and_the_rest_stays(folder: Path) -> None:
    put(
        folder,
        '{% extends "builtin/html/report.html.j2" %}\n'
        "{% block waivers %}<p>Ask the change board.</p>{{ super() }}{% endblock %}\n"
        "{% block policy %}{% endblock %}",
    )
    root = lxml_html.document_fromstring(page(folder))
    assert root.xpath("string(//p[.='Ask the change board.']/following::h2[1])") == "Waivers"
    assert not root.xpath("//*[@id='policy']")
    assert root.xpath("string(//h1)") == "Fail: do not upgrade yet"


@pytest.mark.usefixtures("here")
def test_a_file_is_replaced_wherever_it_is_used(folder: Path) -> None:
    shipped = templating._source("shared/parts.j2") or ""
    (folder / "shared").mkdir()
    changed = shipped.replace("{{ of.word }}</span>", "{{ of.word|upper }}</span>")
    put(folder, changed, "shared/parts.j2")
    assert "FAILED</span>" in page(folder)


@pytest.mark.usefixtures("here")
def test_the_policy_of_the_page_allows_the_style_and_script_that_are_there(folder: Path) -> None:
    put(folder, "h1 { letter-spacing: 1px }", "html/extra.css")
    put(folder, '"use strict";', "html/report.js")
    text = page(folder, Brand(accent="#7a1f5c"))
    (style,) = re.findall("<style>(.*?)</style>", text, re.S)
    assert "h1 { letter-spacing: 1px }" in style
    assert ":root{--link:light-dark(#7a1f5c,#9cc8ff)}" in style
    for part in (style, '"use strict";'):
        digest = b64encode(sha256(part.encode()).digest()).decode()
        assert f"sha256-{digest}" in text


@pytest.mark.parametrize("name", ["html/extra.css", "html/report.css", "html/report.js"])
def test_a_style_sheet_can_not_end_its_own_part(folder: Path, name: str) -> None:
    put(folder, "p{}</STYLE><script>alert(1)</script>", name)
    with pytest.raises(TemplateError, match=re.escape(str(folder / name))):
        page(folder)


def test_such_a_page_says_so_whatever_the_template_leaves_out(folder: Path) -> None:
    put(folder, "<!doctype html><title>t</title><body><p>{{ report.headline }}</body>")
    root = lxml_html.document_fromstring(page(folder))
    (mark,) = root.xpath("//*[@data-templates='own']")
    assert "Set with templates of one's own" in mark.text
    put(folder, "<p>no end")
    with pytest.raises(TemplateError, match="no </body>"):
        page(folder)


@pytest.mark.usefixtures("here")
def test_without_own_files_the_page_differs_by_that_alone(folder: Path) -> None:
    ours = render(example(), "html").decode()
    mark = re.compile(r'<p class="own foot".*?</p>\n')
    how = re.compile(r'<a class="save" download="rendering.json".*?</a>')  # names own templates
    assert how.sub("", mark.sub("", page(folder))) == how.sub("", ours)
    assert page(folder) == page(folder)


@needs_poppler
def test_the_pdf_follows_them_too(folder: Path) -> None:
    put(
        folder,
        '{% extends "builtin/pdf/report.html.j2" %}{% block contents %}{% endblock %}',
        "pdf/report.html.j2",
    )
    put(folder, "h1 { color: #7a1f5c }", "pdf/extra.css")
    (folder / "logo.svg").write_bytes(SVG)
    (folder / "brand.yaml").write_text(
        "apiVersion: precheck.brand/v1\nkind: Brand\norganisation: Example Bank\nlogo: logo.svg\n"
    )
    options = Options(templates=brand.load(str(folder)), paper="letter")
    data = render(example(), "pdf", options=options)
    assert "Example Bank" in words(data, "-l", "1")
    assert "Approved by" in words(data, "-l", "1")
    assert "Contents" not in words(data, "-f", "2", "-l", "2")
    put(folder, "body { background: url(https://example.invalid/x.png) }", "pdf/extra.css")
    with pytest.raises(TemplateError, match="could not be made: Failed to load image"):
        render(example(), "pdf", options=options)


MISTAKES = {
    "an unknown name": ("\n{{ nonsense }}", "'nonsense' is undefined", 2),
    "an unknown part": ("\n\n{{ report.nonsense }}", "has no attribute 'nonsense'", 3),
    "no syntax": ("\n{% if %}", "Expected an expression", 2),
    "no such template": ("\n{% include 'html/none.j2' %}", 'no template "html/none.j2"', 2),
    "a way out": ("{% include '../../../etc/passwd' %}", "no template", 1),
    "a shorter way out": ("{% include '../pyproject.toml' %}", "no template", 1),
    "a way out of the shipped": ("{% include 'builtin/../README.md' %}", "no template", 1),
    "an absolute way out": ("{% include '/etc/passwd' %}", "no template", 1),
    "attributes": ("\n{{ report.__class__.__mro__ }}", "is unsafe", 2),
    "attributes by filter": ("{{ report|attr('__class__') }}", "is unsafe", 1),
    "a function's inside": ("{{ _.__globals__ }}", "is unsafe", 1),
    "a format": ("{{ '{0.__class__}'.format(report) }}", "is unsafe", 1),
    "a change": ("{% do 1 %}", "unknown tag 'do'", 1),
    "a list changed": ("{% set a = [] %}{{ a.append(1) }}", "is unsafe", 1),
    "a long range": ("{{ range(10000000)|list }}", "Range too big", 1),
}


@pytest.mark.parametrize("name", MISTAKES)
@pytest.mark.usefixtures("here")
def test_a_mistake_is_named_by_file_and_line(folder: Path, name: str) -> None:
    text, said, line = MISTAKES[name]
    put(folder, text)
    with pytest.raises(TemplateError) as caught:
        page(folder)
    assert said in caught.value.message
    assert f"{folder / 'html' / 'report.html.j2'}:{line}: " in caught.value.message


@pytest.mark.parametrize(
    "text",
    [
        "\n{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "\n{{ ('a' * 10 ** 9) * 9 }}",
        "\n{{ '%1000000000d'|format(1) ~ '%1000000000d'|format(1) }}",
        "\n{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}",
        "\n{% for a in range(99999) %}{{ 'a' * 9999 }}{% endfor %}",
    ],
    ids=["time", "memory", "a wide number", "itself", "output"],
)
def test_what_takes_too_much_is_stopped(
    folder: Path, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confined, "PAGE", SMALL)
    put(folder, text)
    began = time.monotonic()
    with pytest.raises(TemplateError) as caught:
        page(folder)
    assert time.monotonic() - began < SMALL.clock
    assert re.search("more than|more memory|too often|ended early", caught.value.message)


def variables() -> bytes:
    return repr(sorted(os.environ)).encode()


def test_the_process_is_told_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUAWEICLOUD_SDK_SK", "secret")
    told = confined.call(variables, limits=SMALL)
    assert b"PATH" in told
    assert b"HUAWEICLOUD_SDK_SK" not in told


def test_a_process_that_does_not_answer_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = confined.Limits(cpu=20, clock=1, memory=512 << 20)
    with pytest.raises(TemplateError, match="more than 1 s"):
        confined.call(time.sleep, 30, limits=limits)  # type: ignore[arg-type]


@pytest.mark.usefixtures("here")
def test_a_link_out_of_the_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    os.symlink(secret, folder / "html" / "stolen.j2")
    put(folder, "{% include 'html/stolen.j2' %}")
    with pytest.raises(TemplateError, match="leads out of the folder"):
        page(folder)


def test_hostile_texts_stay_texts(folder: Path) -> None:
    put(folder, "<body><a title='{{ report.title }}'>{{ report.checks[0].name }}</a></body>")
    templates = OwnTemplates(str(folder))
    data = render(hostile(), "html", options=Options(templates=templates))
    root = lxml_html.document_fromstring(data.decode())
    assert not root.xpath("//script | //img | //*[@onerror]")


def test_contrast_is_as_wcag_has_it() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.478, abs=0.001)


HEAD = "apiVersion: precheck.brand/v1\nkind: Brand\n"
BRANDS = {
    "organization: X": '3:1: unknown key "organization"; did you mean "organisation"?',
    "accent: '#777777'": "3:9: #777777 on #ffffff has a contrast of 4.5; text needs 4.5",
    "accent: red": '3:9: "red" should be a colour like "#0b4f96"',
    "accent_dark: '#222222'": "3:14: #222222 on #15181c has a contrast of 1.1; text needs 4.5",
    "organisation: X\nlogo: none.svg": '4:7: "none.svg" can\'t be read: No such file',
    "organisation: X\nlogo: ../logo.svg": '4:7: "../logo.svg" leads out of the folder',
    "organisation: X\nlogo: text.svg": '4:7: "text.svg" is neither a PNG nor an SVG picture',
    "organisation: X\nlogo: script.svg": '4:7: "script.svg" holds <script>',
    "organisation: X\nlogo: bomb.svg": '4:7: "bomb.svg" has a DOCTYPE',
    "organisation: X\nlogo: link.svg": '4:7: "link.svg" links to something outside itself',
    "organisation: X\nlogo: large.svg": '4:7: "large.svg" has more than 200 kB',
    "logo: text.svg": "3:7: needs organisation beside it",
}


@pytest.mark.parametrize("text", BRANDS)
def test_a_mistake_of_the_brand_is_named_by_line_and_column(folder: Path, text: str) -> None:
    inside = (
        b'<svg xmlns="http://www.w3.org/2000/svg" xmlns:x="http://www.w3.org/1999/xlink">%s</svg>'
    )
    files = {
        "text.svg": b"no picture",
        "script.svg": inside % b"<script>alert(1)</script>",
        "bomb.svg": b'<!DOCTYPE svg [<!ENTITY a "aaaa">]>' + SVG,
        "link.svg": inside % b'<use x:href="https://example.invalid/x.svg#a"/>',
        "large.svg": inside % (b"<g/>" * 60_000),
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    (folder / "brand.yaml").write_text(f"{HEAD}{text}\n")
    with pytest.raises(PolicyError) as caught:
        brand.load(str(folder))
    assert any(f"brand.yaml:{BRANDS[text]}" in said for said in caught.value.problems)


def test_export_gives_what_check_takes_and_writes_over_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    run = command("templates", "export", folder)
    assert run.code == 0
    assert (folder / "html" / "report.html.j2").exists()
    again = command("templates", "export", folder)
    assert again.code == 5
    assert "is there already" in again.err
    assert command("templates", "export", folder, "--force").code == 0
    written = tmp_path / "r.html"
    run = command("check", PUBLISHED, "--at", "response", "--templates", folder, "--html", written)
    plain = tmp_path / "plain.html"
    assert command("check", PUBLISHED, "--at", "response", "--html", plain).code == run.code
    assert 'data-templates="own"' in written.read_text()


def test_on_the_command_line_a_mistake_is_exit_2_and_the_rest_comes_out(tmp_path: Path) -> None:
    (tmp_path / "own" / "html").mkdir(parents=True)
    put(tmp_path / "own", "\n{{ nonsense }}")
    page, junit = tmp_path / "r.html", tmp_path / "r.xml"
    page.write_text("of yesterday")
    words: list[str | Path] = [
        "check",
        PUBLISHED,
        "--at",
        "response",
        "--html",
        page,
        "--junit",
        junit,
    ]
    run = command(*words, "--templates", tmp_path / "own")
    assert run.code == 2
    assert "html/report.html.j2:2: 'nonsense' is undefined" in run.err
    assert "Traceback" not in run.err
    assert not page.exists()
    assert junit.exists()
    assert command(*words, "--templates", tmp_path / "nowhere").code == 2
    assert command("check", PUBLISHED, "--templates", tmp_path / "own").code == 2


def test_files_that_no_page_is_made_from_are_told(folder: Path) -> None:
    put(folder, '{% extends "builtin/html/report.html.j2" %}{% include "html/mine.j2" %}')
    for name in ("html/mine.j2", "html/extra.css", "html/report.htm", "report.html", "odd.css",
                 "brand.yml", "README.md", "logo.svg"):  # fmt: skip
        put(folder, "", name)
    tail = ": no page is made from it, and no template here names it"
    assert list(brand.strays(str(folder))) == [
        f"{folder}/brand.yml{tail}; did you mean brand.yaml?",
        f"{folder}/html/report.htm{tail}; did you mean html/report.html.j2?",
        f"{folder}/odd.css{tail}",
        f"{folder}/report.html{tail}; did you mean html/report.html.j2 or pdf/report.html.j2?",
    ]


def test_every_file_that_is_exported_is_used(tmp_path: Path) -> None:
    assert command("templates", "export", tmp_path / "own").code == 0
    assert list(brand.strays(str(tmp_path / "own"))) == []


def test_a_warning_of_a_stray_file_and_the_full_path_of_a_mistake(folder: Path) -> None:
    put(folder, "<p>no end")
    put(folder, "", "report.html")
    target = folder.parent / "r.html"
    run = command(
        "check", PUBLISHED, "--at", "response", "--templates", "own", "--html", target,
        cwd=folder.parent,
    )  # fmt: skip
    assert run.code == 2
    warning, error, hint = run.err.splitlines()
    assert warning.startswith("warning: own/report.html: no page is made from it")
    assert error == f"{folder}/html/report.html.j2: the page has no </body>"
    assert hint == "  → mend the template"


def test_templates_that_take_too_long_are_named_by_their_folder(folder: Path) -> None:
    outputs = Outputs({"html": str(folder.parent / "r.html")}, templates=OwnTemplates(str(folder)))

    def slow(_: str) -> bytes:
        raise TemplateError("the templates took more than 1 s")

    with pytest.raises(TemplateError, match=f"^{re.escape(str(folder))}: the templates took"):
        outputs.put(slow)
