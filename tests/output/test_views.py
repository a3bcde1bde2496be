"""Three readers, one record: what each view shows, and that none hides why it does not pass."""

from __future__ import annotations

import io
import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any, get_args

import pikepdf
import pytest
from lxml import html as lxml_html

from reporter.output import Options, Reader, approval, pdf, render, templating, view
from reporter.output import work as todo
from reporter.record.model import Verdict
from reporter.words import LANGUAGES, LanguageTag
from tests.acceptance.run import ROOT, command
from tests.output.example import example, hostile
from tests.output.test_markdown import assert_neutral, rendered

VIEWS: tuple[Reader, ...] = ("approver", "operator")
needs_poppler = pytest.mark.skipif(shutil.which("pdftotext") is None, reason="no pdftotext")


def page(verdict: Verdict, reader: Reader, lang: LanguageTag = "en") -> Any:
    data = render(verdict, "html", options=Options(view=reader, lang=lang))
    return lxml_html.document_fromstring(data.decode())


def shown(verdict: Verdict, form: str, reader: Reader, lang: LanguageTag = "en") -> str:
    """All words of a view in a format."""
    data = render(verdict, form, options=Options(view=reader, lang=lang))
    if form == "pdf":
        done = subprocess.run(["pdftotext", "-", "-"], input=data, capture_output=True, check=True)
        return done.stdout.decode()
    if form == "markdown":
        return str(rendered(data.decode()).text_content())
    body = lxml_html.document_fromstring(data.decode()).find("body")
    for script in body.xpath(".//script"):
        script.drop_tree()
    return " ".join(body.itertext())


CASES = [
    *((form, reader) for form in ("html", "markdown") for reader in get_args(Reader)),
    pytest.param("pdf", "approver", marks=needs_poppler),
]


@pytest.mark.parametrize(("form", "reader"), CASES)
def test_a_view_says_which_it_is_and_the_same_verdict_and_totals(form: str, reader: Reader) -> None:
    verdict = example()
    words = " ".join(shown(verdict, form, reader).split())
    named = {"approver": "Approver's view", "operator": "Operator's view", "auditor": "Full report"}
    assert named[reader] in words
    assert verdict.headline.text in words
    for number in (verdict.counts.findings.fail, verdict.counts.findings.passed):
        assert re.search(rf"\b{number:,}\b", words)
    assert "CHG-1042" in words


@pytest.mark.parametrize(
    ("form", "reader"),
    [
        *((form, reader) for form in ("html", "markdown") for reader in VIEWS),
        pytest.param("pdf", "operator", marks=needs_poppler),
    ],
)
def test_every_reason_is_told_or_counted(form: str, reader: Reader) -> None:
    verdict = example()
    words = "".join(shown(verdict, form, reader).split())
    report = view.report(verdict)
    told = sum("".join(reason.what.split())[:60] in words for reason in report.reasons)
    counted = re.search(r"([0-9]+)morereasons?why", words)
    assert told + (int(counted[1]) if counted else 0) >= len(verdict.reasons)
    if reader == "operator":
        assert told == len(verdict.reasons)


def test_a_narrow_page_counts_what_it_leaves_out() -> None:
    report = view.report(example())
    for room in approval.ROOMS:
        short = approval.approval(report, room)
        left = len(report.reasons) - len(short.reasons)
        assert len(short.reasons) >= 1
        assert (short.reasons_left is None) is (left == 0)
        if short.reasons_left:
            assert short.reasons_left.startswith(f"{left} more reason")
        used = sum(use.status == "used" for use in example().waivers)
        assert (short.waivers_left is None) is (used <= room.waivers)


def test_an_operator_finds_every_reason_in_one_step_and_every_node() -> None:
    verdict = example()
    report = view.report(verdict)
    steps = todo.work(view.shown_record(verdict), report).steps
    assert sum(len(step.items) for step in steps) == len(verdict.reasons)
    assert len({step.actions for step in steps}) == len(steps)
    for check in verdict.checks:
        wanted = {
            node.name
            for entry in check.entries
            if entry.outcome == "fail"
            for place in entry.places
            for node in place.nodes
        }
        found = {
            name
            for step in steps
            for item in step.items
            if item.reason.check_id == view.check_id(check.name, check.scope)
            for name in step.names.splitlines()
        }
        assert wanted <= found


def test_an_operator_copies_nodes_waivers_and_commands() -> None:
    tree = page(example(), "operator")
    for button in tree.xpath("//button[@data-copy]"):
        (target,) = tree.xpath(f"//pre[@id='{button.get('data-copy')}']")
        assert target.text
    copied = [pre.text for pre in tree.xpath("//pre")]
    assert any(text.startswith("- id: ") or "id:" in text for text in copied)
    assert any(text.startswith("cce-precheck check ") for text in copied)


TERMS = [
    "--type", "standard", "--expect-cluster", "5e8a04d1-b1f3-11f1-a7c2-0255ac10017b",
    "--expect-target", "v1.31", "--fail-on", "warn",
    "--window", "2026-11-20T10:00:00Z/2026-11-20T12:00:00Z",
]  # fmt: skip


@pytest.mark.parametrize("at", ["2026-11-20T09:30:00.500000Z", "response"])
def test_the_command_to_judge_again_keeps_the_terms(tmp_path: Path, at: str) -> None:
    folder = tmp_path / "saved at night"
    folder.mkdir()
    response = folder / "-r.json"
    shutil.copy(ROOT / "samples" / "waived-risk" / "response.json", response)
    for reader in ("auditor", "operator"):
        done = command("check", str(response), *TERMS, "--at", at, "--view", reader,
                       "--html", "page.html", cwd=tmp_path)  # fmt: skip
        assert done.code == 1
        tree = lxml_html.document_fromstring((tmp_path / "page.html").read_text())
        told = {
            pre.text for pre in tree.xpath("//pre") if pre.text.startswith("cce-precheck check")
        }
        base = ["cce-precheck", "check", str(response), "--policy", "builtin:recommended", *TERMS]
        again = shlex.join([*base, "--at", at, "--waivers", "waivers.yaml"])
        assert again in told
        # What a new check answers has a time of its own.
        anew = shlex.join([*base, "--at", at] if at == "response" else base)
        assert told == ({again} if reader == "auditor" else {again, anew})
        words = shlex.split(again)[1:-2]
        assert command(*words, cwd=tmp_path).code == 1
    relative = command("check", "--at", at, "--html", "page.html", "--", "-r.json", cwd=folder)
    assert relative.code == 1
    assert "cce-precheck check ./-r.json" in (folder / "page.html").read_text()


@pytest.mark.parametrize(("waivers", "said"), [(20, None), (21, 2), (500, 481)])
def test_of_many_waivers_of_one_finding_the_rest_is_counted(waivers: int, said: int | None) -> None:
    verdict = example()
    (use, *_) = (use for use in verdict.waivers if use.status == "used")
    ids = [f"many-{number:03}" for number in range(waivers)]
    for check in verdict.checks:
        for entry in check.entries:
            if entry.waived_by == [use.id]:
                entry.waived_by[:] = ids
    others = [other for other in verdict.waivers if other is not use]
    verdict.waivers[:] = others + [use.model_copy(update={"id": name}) for name in ids]
    report = view.report(verdict)
    groups = [group for check in report.checks for group in check.groups if group.accepted]
    of_many = next(group.accepted for group in groups if group.accepted[0].id == "many-000")
    assert len(of_many) == 20
    assert [part.id for part in of_many[:19]] == ids[:19]
    more = f"{said} more waivers stand in the record." if said else ""
    assert of_many[-1].more == more
    for form in ("html", "markdown"):
        assert more in shown(verdict, form, "auditor")
        assert "many-018" in shown(verdict, form, "auditor")


def test_an_approver_is_told_how_much_more_a_waiver_accepts() -> None:
    verdict = example()
    (use, *_) = (use for use in verdict.waivers if use.status == "used")
    for check in verdict.checks:
        for entry in check.entries:
            entry.waived_by[:] = [use.id]
    (waiver,) = (part for part in view.report(verdict).waivers if part.id == use.id)
    kinds = {
        (rank, entry.kind, entry.level)
        for rank, check in enumerate(verdict.checks)
        for entry in check.entries
    }
    skipped = sum(use.id in skip.waived_by for skip in verdict.skipped)
    assert len(waiver.accepts) == view.ACCEPTED
    assert waiver.accepts_more == len(kinds) + skipped - view.ACCEPTED > 0


HEAD = "apiVersion: precheck.policy/v1\nkind: Policy\n"
RISKS = "rules: [{id: risks, match: {level: Fatal}, effect: %s, reason: of a test}]\n"


def test_the_command_to_judge_again_names_no_base(tmp_path: Path) -> None:
    """Beside what extends it, a base would be judged by as it stands."""
    for name, more in (
        ("base", "overridable: [risks]\n" + RISKS % "warn"),
        ("over", "extends: base.yaml\n" + RISKS % "fail"),
        ("also", "rules: [{id: also, match: {level: Fatal}, effect: fail}]\n"),
    ):
        metadata = f"metadata: {{name: {name}, title: T, description: d, owner: o}}\n"
        (tmp_path / f"{name}.yaml").write_text(HEAD + metadata + more)
    response = str(ROOT / "samples" / "failed-addon" / "response.json")
    for named in (["over"], ["over", "also"], ["also", "over"]):
        policies = [word for name in named for word in ("--policy", f"{name}.yaml")]
        done = command("check", response, *policies, "--at", "response",
                       "--view", "operator", "--html", "page.html", cwd=tmp_path)  # fmt: skip
        assert done.code == 1
        again = shlex.join(["cce-precheck", "check", response, *policies, "--at", "response"])
        tree = lxml_html.document_fromstring((tmp_path / "page.html").read_text())
        told = [pre.text for pre in tree.xpath("//pre") if pre.text.startswith("cce-precheck")]
        assert {text.removesuffix(" --waivers waivers.yaml") for text in told} == {again}


@pytest.mark.parametrize("form", ["html", "markdown"])
def test_an_approver_reads_what_is_accepted_and_why(form: str) -> None:
    verdict = example()
    text = " ".join(shown(verdict, form, "approver").split())
    used = [use for use in verdict.waivers if use.status == "used"]
    for use in used:
        assert f"Reason given: {use.reason}"[:60] in text
        accepted = [
            check
            for check in verdict.checks
            for entry in check.entries
            if use.id in entry.waived_by
        ]
        assert all(f"{check.name} (" in text for check in accepted[:3])
    assert used


def test_a_pass_leaves_nothing_to_fix(tmp_path: Path) -> None:
    file = tmp_path / "r.json"
    command(
        *("check", "samples/waived-risk/response.json", "--json", str(file)),
        *("--waivers", "samples/waived-risk/waivers.yaml", "--at", "2026-11-20T09:30:00Z"),
        cwd=ROOT,
    )
    verdict = Verdict.model_validate_json(file.read_bytes())
    assert verdict.outcome == "pass"
    tree = page(verdict, "operator")
    assert "Nothing has to be fixed for this verdict." in tree.text_content()
    assert tree.xpath("//section[@aria-labelledby='why']") == []
    assert page(verdict, "approver").xpath("//section[@aria-labelledby='why']") == []


@pytest.mark.parametrize("reader", VIEWS)
def test_the_record_and_the_exhibits_are_inside_every_view(reader: Reader) -> None:
    def inside(view: Reader) -> dict[str, str]:
        links = page(example(), view).xpath("//a[@data-role]")
        return {a.get("data-role"): a.get("href") for a in links}

    full, shown = inside("auditor"), inside(reader)
    # How a page was rendered names its view.
    assert full.pop("rendering") != shown.pop("rendering")
    assert shown == full


@pytest.mark.parametrize("reader", VIEWS)
@pytest.mark.parametrize("lang", LANGUAGES)
def test_hostile_text_is_text_in_every_view(reader: Reader, lang: LanguageTag) -> None:
    tree = page(hostile(), reader, lang)
    assert tree.xpath("//*[self::img or self::iframe or self::object]") == []
    assert len(tree.xpath("//script")) == 1
    assert not [a for a in tree.xpath("//@href") if str(a).startswith("javascript:")]
    markdown = render(hostile(), "markdown", options=Options(view=reader, lang=lang)).decode()
    assert_neutral(markdown, blocks=reader == "operator")


def enormous() -> Verdict:
    """Long words, wide letters, tall letters, and more of everything than a page holds."""
    wide = "\ufdfd" * 300 + "W" * 900 + "Z̷̡̢̛͇̫̲͒̊͗͝" * 200 + "检查项" * 200
    verdict = hostile()
    change = verdict.subject.change.model_copy(update={"id": wide, "prepared_by": wide})
    subject = verdict.subject.model_copy(
        update={
            "change": change,
            **dict.fromkeys(("cluster_name", "cluster_version", "target_version"), wide),
        }
    )
    said = verdict.reasons[0].what
    what = said.model_copy(update={"params": {**said.params, "check": wide, "message": wide}})
    reason = verdict.reasons[0].model_copy(update={"what": what})
    return verdict.model_copy(
        update={
            "subject": subject,
            "reasons": [reason] * 60 + verdict.reasons * 3,
            "conditions": verdict.conditions * 20,
            "policies": verdict.policies * 30,
        }
    )


def wide_font(monkeypatch: pytest.MonkeyPatch, size: str) -> None:
    """What a machine with DejaVu alone would set, on a sheet of another size."""
    plain = templating.asset

    def asset(name: str, own: object = None) -> str:
        css = re.sub(r'"Noto Sans","Liberation Sans",', "", plain(name))
        return css.replace("size:A4", f"size:{size}")

    monkeypatch.setattr(templating, "asset", asset)


@pytest.mark.parametrize(
    ("verdict", "lang"),
    [(example(), "en"), (enormous(), "zh-CN"), (hostile(), "en")],
    ids=["example", "enormous", "hostile"],
)
def test_the_approvers_pdf_is_one_page_of_a4_or_letter(
    verdict: Verdict, lang: LanguageTag, monkeypatch: pytest.MonkeyPatch
) -> None:
    wide_font(monkeypatch, "A4")
    data = pdf.write(verdict, options=Options(lang=lang, view="approver"))
    with pikepdf.open(io.BytesIO(data)) as document:
        assert len(document.pages) == 1
        box = [float(number) for number in document.pages[0].MediaBox]
        assert "record.json" in [str(spec.UF) for spec in document.Root.AF]
    # What a sheet of Letter has below the edge of A4's is empty: nothing is cut off there.
    if shutil.which("pdftotext"):
        letter = 279.4 / 25.4 * 72
        done = subprocess.run(
            ["pdftotext", "-bbox", "-", "-"], input=data, capture_output=True, check=True
        )
        lowest = max(float(edge) for edge in re.findall(r'yMax="([0-9.]+)"', done.stdout.decode()))
        assert round(box[3]) == 842
        assert lowest < letter - 20


def test_render_writes_a_view_in_a_language_from_a_record(tmp_path: Path) -> None:
    record, target = tmp_path / "r.json", tmp_path / "r.html"
    record.write_text(example().model_dump_json())
    run = command(
        *("render", str(record), "--view", "operator", "--lang", "zh-CN", "--html", str(target)),
        cwd=ROOT,
    )
    assert run.code == example().exit_code
    wanted = render(example(), "html", options=Options(view="operator", lang="zh-CN"))
    assert target.read_bytes() == wanted
    assert json.loads(record.read_text())["headline"]["text"] == example().headline.text
