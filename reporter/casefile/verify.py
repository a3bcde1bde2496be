"""Is this what the tool wrote, and does the evidence in it come to this verdict?

Nothing is believed because a file says it. Digests are counted again, the response is judged again
under the record's own terms, and what people see is rendered again and compared byte by byte: a
page that shows anything else than its record is found without being looked at.
"""

from __future__ import annotations

import json
import zlib
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Literal

from pydantic import ValidationError

from reporter import __version__
from reporter.casefile import archive, attest, bundle, contents, redact, replay
from reporter.errors import InputError, OutputError, ReporterError
from reporter.output import json_record, pdf, render, rendering
from reporter.output.clean import one_line
from reporter.output.rendering import Rendering
from reporter.record.bounds import MAX_CONTAINERS, is_crowded
from reporter.record.model import API_VERSION, SEMANTICS, Verdict

State = Literal["holds", "differs", "unchecked", "absent"]
Kind = Literal["case file", "page", "PDF", "record"]
SHOWN = 20
"""How many differences a line tells; the rest is counted."""


@dataclass(frozen=True)
class Line:
    """One thing that was looked at. `absent`: there is none, and none was asked for."""

    subject: str
    state: State
    text: str
    details: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verification:
    """What came of it."""

    kind: Kind
    record: Verdict | None
    lines: tuple[Line, ...]

    @property
    def state(self) -> Literal["holds", "differs", "unchecked"]:
        """The worst of its lines."""
        states = {line.state for line in self.lines}
        if "differs" in states:
            return "differs"
        return "unchecked" if "unchecked" in states else "holds"

    @property
    def exit_code(self) -> int:
        """0 all was checked and holds · 1 something differs · 3 something was not checked."""
        return {"holds": 0, "differs": 1, "unchecked": 3}[self.state]


@dataclass(frozen=True)
class Given:
    """What whoever checks brings along."""

    key: tuple[bytes, str] | None = None
    """A public key, as PEM, and the name of its file."""
    envelope: bytes | None = None
    """A DSSE envelope that lies beside the file."""
    exhibits: Sequence[bytes] = ()
    redact_key: bytes | None = None


def verify(data: bytes, name: str, given: Given | None = None) -> Verification:
    """Check a case file, a page, a PDF or a record.

    Raises `InputError` for what is none of this tool's or of a newer version, `PolicyError` for a
    key that is none.
    """
    brought = given or Given()
    if brought.key is not None:
        attest.public_key(*brought.key)
    if archive.is_archive(data):
        return _case_file(data, name, brought)
    if data.startswith(b"%PDF"):
        return _report("PDF", data, contents.of_pdf(data, name), name, brought)
    if data.lstrip()[:15].lower().startswith(b"<!doctype html"):
        if len(data) > contents.MAX_PAGE:
            raise InputError(f"{name}: is larger than any page of this tool")
        return _report("page", data, contents.of_page(data, name), name, brought)
    if data.lstrip()[:1] == b"{":
        record, wrong = _read_record(data, name)
        sight = _sight(record, None, {}, brought)
        lines = [_written_record(sight, data), _judged(sight, brought, wrong)]
        return Verification("record", record, (*lines, *_outer_signature((data,), brought, record)))
    raise InputError(
        f"{name}: is neither a case file nor a page, PDF or record of this tool",
        hint="give what cce-precheck bundle or check wrote",
    )


@dataclass(frozen=True)
class _Sight:
    """A record, how it was rendered, and the evidence at hand."""

    record: Verdict
    rendering: Rendering | None
    evidence: Mapping[str, bytes]
    own: tuple[str, ...] = ()
    """The policies `builtin:NAME` that were taken from this tool."""

    @property
    def by_this_tool(self) -> bool:
        """Whether every byte can be asked of it: the very code and templates that are here."""
        if self.rendering is not None:
            return self.rendering.by_this_tool
        return self.record.tool.version == __version__

    def exhibits(self) -> list[bytes]:
        """The evidence at hand, in the record's order."""
        listed = [exhibit.sha256 for exhibit in self.record.exhibits]
        return [self.evidence[digest] for digest in listed if digest in self.evidence]


def _read_record(data: bytes, name: str) -> tuple[Verdict, str | None]:
    """A record, and what in it contradicts itself. `InputError` where it is none."""
    if is_crowded(data):
        raise InputError(f"{name}: its record holds more than {MAX_CONTAINERS:,} objects and lists")
    try:
        found = json.loads(data, object_pairs_hook=_once)
        version, semantics = found.get("apiVersion"), found.get("semantics")
        if not str(version).startswith(API_VERSION.split("/")[0] + "/"):
            raise InputError(
                f"{name}: is no record, page, PDF or case file of this tool",
                hint="a response is judged by cce-precheck check",
            )
        if version != API_VERSION or semantics != SEMANTICS:
            raise InputError(
                f"{name}: its record is {one_line(str(version))[:60]} with semantics "
                f"{one_line(str(semantics))[:20]}; this tool knows {API_VERSION} with {SEMANTICS}",
                hint="check it with the version of cce-precheck that wrote it, or a newer one",
            )
        record = Verdict.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = one_line("/".join(str(part) for part in first["loc"]))
        tool = found.get("tool")
        other = str(tool.get("version", ""))[:20] if isinstance(tool, dict) else ""
        raise InputError(
            f"{name}: its record can't be read: /{place}: {first['msg']}",
            hint=None
            if other in ("", __version__)
            else f"cce-precheck {other} wrote it, this is {__version__}: check it with that one",
        ) from None
    except (ValueError, AttributeError, RecursionError) as error:
        why = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise InputError(f"{name}: its record can't be read: {why}") from None
    wrong = record.contradiction()
    if wrong is None and found.get("exit_code") not in (None, record.exit_code):
        wrong = f"exit_code {found['exit_code']} where it comes to {record.exit_code}"
    return record, wrong


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice in it")
    return found


def _sight(
    record: Verdict, how: Rendering | None, inside: Mapping[str, bytes], brought: Given
) -> _Sight:
    """With what is inside and brought; a shipped policy that is neither is taken from here."""
    found = _evidence(inside, record, brought)
    own = []
    for use in record.policies:
        if use.sha256 not in found and (data := replay.shipped(use)) is not None:
            found[use.sha256] = data
            own.append(one_line(use.source))
    return _Sight(record, how, found, tuple(own))


def _evidence(inside: Mapping[str, bytes], record: Verdict, brought: Given) -> dict[str, bytes]:
    found = dict(inside)
    listed = {exhibit.sha256 for exhibit in record.exhibits}
    for data in brought.exhibits:
        digest = sha256(data).hexdigest()
        if digest not in listed:
            raise InputError(
                f"an exhibit with digest {digest[:12]}… is not one this verdict rests on",
                hint="give the very file that was judged, byte for byte",
            )
        found[digest] = data
    return found


# A page, a PDF ---------------------------------------------------------------------------------


def _report(
    kind: Literal["page", "PDF"],
    data: bytes,
    inside: contents.Contents,
    name: str,
    brought: Given,
) -> Verification:
    record, wrong = _read_record(inside.record, name)
    how = _rendering(inside.rendering, name)
    sight = _sight(record, how, inside.evidence, brought)
    lines = [
        _inner_digests(inside, record),
        _judged(sight, brought, wrong),
        _seen_again(kind, "html" if kind == "page" else "pdf", data, sight, inside),
        *_outer_signature((data,), brought, record),
    ]
    return Verification(kind, record, tuple(lines))


def _rendering(data: bytes | None, name: str) -> Rendering | None:
    if data is None:
        return None
    try:
        if is_crowded(data):
            raise ValueError("its rendering.json can't be read")
        return rendering.parse(data)
    except ValueError as error:
        raise InputError(
            f"{name}: {error}", hint="check it with the version of cce-precheck that wrote it"
        ) from None


def _inner_digests(inside: contents.Contents, record: Verdict) -> Line:
    listed = {exhibit.sha256: exhibit for exhibit in record.exhibits}
    wrong: list[str] = []
    held = 0
    there = [file for file in inside.files if not file.withheld]
    wrong += [
        f"{file.name}: is none of the files the verdict rests on"
        for file in inside.files
        if file.withheld and file.sha256 not in listed
    ]
    for file in there:
        digest = sha256(file.data).hexdigest()
        own = file.role in ("record", "packed-record", rendering.ROLE)
        if file.role == "packed-record":
            # The digest of the record.json that it stands for.
            digest = sha256(_as_written(inside.record)).hexdigest()
        if file.sha256 and file.sha256 != digest:
            wrong.append(f"{file.name}: has digest {digest[:12]}…, named is {file.sha256[:12]}…")
        elif not own and digest not in listed:
            wrong.append(f"{file.name}: is none of the files the verdict rests on")
        else:
            held += 1
    if wrong:
        return _differs("digests", f"{held} of {len(there)} hold", wrong)
    return Line("digests", "holds", f"{held} of {len(there)} hold")


def _as_written(record: bytes) -> bytes:
    return json_record.write(Verdict.model_validate_json(record))


def _seen_again(
    subject: str, form: str, data: bytes, sight: _Sight, inside: contents.Contents | None
) -> Line:
    """Render a report again and hold it against what is there, byte by byte."""
    how = sight.rendering
    if how is None:
        return Line(subject, "unchecked", "not checked: it does not say how it was rendered")
    if how.beyond:
        named = ", ".join(one_line(name)[:40] for name in how.beyond[:5])
        why = f"not checked: it was rendered with options of its own ({named})"
        return Line(subject, "unchecked", why)
    with_own = len(how.options.own)
    items = "1 item" if with_own == 1 else f"{with_own:,} items"
    note = f", with words of the writer's own for {items}" if with_own else ""
    if inside is not None and inside.withheld - set(sight.evidence):
        return Line(
            subject,
            "unchecked",
            "not checked: a file of it is too large to be inside; give it with --exhibit",
        )
    if how.by_this_tool and how.described(sight.record) != how.data:
        return _differs(subject, "differs: it says more than how it was rendered", ())
    try:
        chosen = replace(how.options, described=how.data)
        again = render(sight.record, form, _attached(sight, inside), None, chosen)
    except (OutputError, ValueError, LookupError, TypeError) as error:
        if isinstance(error, OutputError) and form == "pdf":
            return Line(subject, "unchecked", f"not checked: {error.message}")
        return _differs(subject, f"differs: it can't be rendered again ({error})", ())
    if again == data:
        return Line(subject, "holds", f"same bytes{note}")
    another_zlib = how.libraries.get("zlib") != zlib.ZLIB_RUNTIME_VERSION
    if form == "html" and another_zlib and _packed_alike(again, data) == data:
        return Line(subject, "holds", f"same bytes but for how files in it are packed{note}")
    if reason := _not_comparable(how, form, data, again):
        return Line(subject, "unchecked", f"not compared: {reason}")
    return _differs(subject, *_first_difference(data, again))


def _attached(sight: _Sight, inside: contents.Contents | None) -> list[bytes]:
    """The exhibits that went into a report: not all that are at hand have to be among them."""
    if inside is None:
        return sight.exhibits()
    named = set(inside.evidence) | inside.withheld
    listed = [exhibit.sha256 for exhibit in sight.record.exhibits]
    return [sight.evidence[one] for one in listed if one in named and one in sight.evidence]


def _not_comparable(how: Rendering, form: str, data: bytes, again: bytes) -> str | None:
    """Why other bytes say nothing; None where they would have to be the same."""
    if not how.by_this_tool:
        here = f"{__version__} ({rendering.writer_digest()})"
        return (
            f"it says that cce-precheck {one_line(how.version)} ({one_line(how.writer)}) wrote it, "
            f"this is {here}: check it with that one"
        )
    if form != "pdf":
        return None
    try:
        there, here_fonts = contents.fonts_of(data), contents.fonts_of(again)
    except InputError:
        return None
    if there != here_fonts:
        other = sorted(one_line(font.split(" ")[0]) for font in there - here_fonts)
        return "the fonts it was set in are not at hand" + (
            f": {', '.join(dict.fromkeys(other))}" if other else ""
        )
    here_libraries = pdf.libraries()
    changed = sorted(
        f"{one_line(name)} {one_line(said)}"
        for name, said in how.libraries.items()
        if said != here_libraries.get(name)
    )
    return f"it was set by other libraries: {', '.join(changed)}" if changed else None


def _packed_alike(again: bytes, data: bytes) -> bytes:
    """The page rendered again, with each packed file as the given page packs it.

    Only where the contents are the same and the compressor is another: two of them may spell one
    content in two ways.
    """
    try:
        there, here = contents.of_page(data, "page"), contents.of_page(again, "page")
    except InputError:
        return again
    if len(there.files) != len(here.files):
        return again
    for ours, theirs in zip(here.files, there.files, strict=True):
        if ours.data == theirs.data and ours.href != theirs.href and _plainly_packed(theirs.href):
            again = again.replace(ours.href.encode(), theirs.href.encode())
    return again


def _plainly_packed(href: str) -> bool:
    """Whether a packed file has the head ours have: no name, no comment, no time."""
    try:
        head = b64decode(href.partition(",")[2][:16])
    except ValueError:
        return False
    return head[:8] == b"\x1f\x8b\x08\x00\x00\x00\x00\x00"


def _first_difference(data: bytes, again: bytes) -> tuple[str, tuple[str, ...]]:
    place = next(
        (i for i, (one, other) in enumerate(zip(data, again, strict=False)) if one != other),
        min(len(data), len(again)),
    )
    line = data.count(b"\n", 0, place) + 1
    if data.startswith(b"%PDF"):
        return f"differs from what its record gives, from byte {place:,} on", ()
    return (
        f"differs from what its record gives, from line {line:,} on",
        (f"it says      {_around(data, place)}", f"should be    {_around(again, place)}"),
    )


def _around(data: bytes, place: int) -> str:
    start = max(data.rfind(b"\n", 0, place) + 1, place - 30)
    end = data.find(b"\n", place)
    cut = data[start : min(end if end >= 0 else len(data), place + 40)]
    return one_line(cut.decode("utf-8", "replace"))


# Judged again ---------------------------------------------------------------------------------


def _written_record(sight: _Sight, data: bytes) -> Line:
    if not sight.by_this_tool:
        return Line("record", "holds", f"of cce-precheck {one_line(sight.record.tool.version)}")
    if json_record.write(sight.record) != data:
        return _differs("record", "differs from how this tool spells it", ())
    return Line("record", "holds", "spelled as this tool does")


def _judged(sight: _Sight, brought: Given, wrong: str | None = None) -> Line:
    record = sight.record
    if wrong is not None:
        return _differs("re-judged", f"the record contradicts itself: {wrong}", ())
    absent = replay.missing(record, sight.evidence)
    if absent:
        names = ", ".join(one_line(exhibit.name) for exhibit in absent[:5])
        why = "redacted" if record.redaction else "not inside"
        lacked = {exhibit.sha256 for exhibit in absent}
        other = [
            one_line(use.source)
            for use in record.policies
            if use.sha256 in lacked and use.source.startswith("builtin:")
        ]
        text = f"not possible: {why}: {names}; who has the files gives them with --exhibit"
        if other:
            text += f" (this version of cce-precheck ships another {', '.join(other[:5])})"
        return Line("re-judged", "unchecked", text)
    if record.redaction is not None and brought.redact_key is None:
        return Line(
            "re-judged", "unchecked", "not possible without the key of its pseudonyms: --redact-key"
        )
    if (
        record.redaction is not None
        and brought.redact_key is not None
        and redact.key_id(brought.redact_key) != record.redaction.key_id
    ):
        return Line("re-judged", "unchecked", "not possible: its pseudonyms are of another key")
    try:
        again = (
            replay.judge_again(record, sight.evidence)[0]
            if record.redaction is None or brought.redact_key is None
            else _judged_by_pseudonyms(record, sight, brought.redact_key)
        )
    except ReporterError as error:
        return _differs("re-judged", f"the evidence can't be judged: {error.message}", ())
    compared = replay.compare(record, again, strict=sight.by_this_tool)
    if compared.differences:
        number = len(compared.differences)
        places = "1 place" if number == 1 else f"{number:,} places"
        return _differs("re-judged", f"differs in {places}", compared.differences)
    count = compared.findings
    findings = "1 finding" if count == 1 else f"{count:,} findings"
    taken = f", {', '.join(sight.own)} taken from this tool" if sight.own else ""
    if not sight.by_this_tool:
        wrote = f"cce-precheck {one_line(record.tool.version)}"
        said = f"same ({findings}{taken}); its wording, of {wrote}, is not compared"
        return Line("re-judged", "unchecked", said)
    return Line("re-judged", "holds", f"same ({findings}{taken})")


def _judged_by_pseudonyms(record: Verdict, sight: _Sight, key: bytes) -> Verdict:
    """A redacted record's verdict again: judged raw, and told by the same pseudonyms."""
    profiles = record.redaction.profiles if record.redaction else []
    bare = record.model_copy(update={"redaction": None})
    # First any reading of the response, to learn what its pseudonyms stand for.
    task = replay.response_at(record, sight.evidence).task
    redactor = redact.Redactor(bare, profiles, key, task)
    asked, stays = redactor.restored(bare)
    again, response = replay.judge_again(asked, sight.evidence)
    given = asked.subject.cluster_name
    # A name that was given stands in no evidence; where a text has it too, that tells.
    if given in stays and (found := redactor.named(given, again, bare)) is not None:
        subject = asked.subject.model_copy(update={"cluster_name": found})
        again = again.model_copy(update={"subject": subject})
        stays = stays - {given}
    return redact.Redactor(again, profiles, key, response.task, kept=stays).record()


# A case file -----------------------------------------------------------------------------------


def _case_file(data: bytes, name: str, brought: Given) -> Verification:
    found = archive.unpack(data, name)
    files = dict(found.members)
    lines = [
        Line("archive", "holds", f"nothing beside its {len(files)} members")
        if found.exact
        else _differs("archive", "holds bytes beside its members, or in another order", ())
    ]
    manifest, problems = _manifest(files, name)
    lines.append(_digests(files, manifest, problems))
    if problems or manifest is None:
        return Verification("case file", None, tuple(lines))
    try:
        record, wrong = _read_record(files[bundle.RECORD], name)
        how = _rendering(files[rendering.NAME], name)
    except InputError as error:
        if lines[-1].state == "holds":
            raise
        lines.append(_differs("re-judged", f"not possible: {error.message}", ()))
        return Verification("case file", None, tuple(lines))
    inside = {
        sha256(part).hexdigest(): part
        for member, part in files.items()
        if member.startswith(bundle.EVIDENCE)
    }
    sight = _sight(record, how, inside, brought)
    lines += [
        *_claims(files, manifest, sight),
        _statement(files, sight),
        *_signature(files, data, brought, record),
        _judged(sight, brought, wrong),
        *_reports(files, sight, set(inside)),
    ]
    return Verification("case file", record, tuple(lines))


_NEEDED = (
    bundle.README,
    bundle.MANIFEST,
    bundle.SUMS,
    bundle.RECORD,
    bundle.STATEMENT,
    rendering.NAME,
)


def _manifest(files: Mapping[str, bytes], name: str) -> tuple[dict[str, Any] | None, list[str]]:
    """The manifest, and what keeps the case file from being read on."""
    if bundle.MANIFEST not in files:
        raise InputError(
            f"{name}: is not a case file of this tool: it holds no {bundle.MANIFEST}",
            hint="give what cce-precheck bundle wrote",
        )
    try:
        if is_crowded(files[bundle.MANIFEST]):
            raise ValueError
        manifest = json.loads(files[bundle.MANIFEST], object_pairs_hook=_once)
        form = manifest["format"]
        listed = {part["path"]: part for part in manifest["files"]}
        if not isinstance(form, str) or not all(isinstance(path, str) for path in listed):
            raise TypeError
    except (ValueError, LookupError, TypeError, RecursionError):
        return None, [f"{bundle.MANIFEST}: can't be read"]
    if form != bundle.FORMAT and bundle.sums(_but_sums(files)) == files.get(bundle.SUMS):
        raise InputError(
            f"{name}: is a case file of format {one_line(form)[:60]}; this tool knows "
            f"{bundle.FORMAT}",
            hint="check it with the version of cce-precheck that wrote it, or a newer one",
        )
    return manifest, [f"{part}: is missing" for part in _NEEDED if part not in files]


def _but_sums(files: Mapping[str, bytes]) -> dict[str, bytes]:
    return {name: data for name, data in files.items() if name != bundle.SUMS}


def _digests(
    files: Mapping[str, bytes], manifest: dict[str, Any] | None, problems: Sequence[str]
) -> Line:
    wrong = list(problems)
    said = {}
    for row in files.get(bundle.SUMS, b"").decode("utf-8", "replace").splitlines():
        digest, _, member = row.partition("  ")
        said[member] = digest
    beside = (bundle.MANIFEST, bundle.STATEMENT, bundle.ENVELOPE, bundle.SUMS)
    rows = {} if manifest is None else {part["path"]: part for part in manifest["files"]}
    for member, part in _but_sums(files).items():
        digest = sha256(part).hexdigest()
        listed = rows.get(member)
        if said.get(member) != digest:
            wrong.append(f"{member}: has digest {digest[:12]}…, not the one in {bundle.SUMS}")
        elif member in beside or manifest is None:
            continue
        elif listed is None:
            wrong.append(f"{member}: is not in the manifest")
        elif (listed.get("sha256"), listed.get("size")) != (digest, len(part)):
            wrong.append(f"{member}: is not as the manifest says")
    for member in [*said, *rows]:
        if member not in files and f"{one_line(member)}: is missing" not in wrong:
            wrong.append(f"{one_line(member)}: is missing")
    if not wrong and bundle.sums(_but_sums(files)) != files.get(bundle.SUMS):
        wrong.append(f"{bundle.SUMS}: says more than the digests of the files")
    count = len(files) - 1
    held = count - len({line.split(":")[0] for line in wrong} & set(files))
    if wrong:
        return _differs("digests", f"{held} of {count} hold", wrong)
    return Line("digests", "holds", f"{count} of {count} hold")


def _claims(files: Mapping[str, bytes], manifest: dict[str, Any], sight: _Sight) -> Iterator[Line]:
    """The manifest and the README are what this record and these files give, and nothing more."""
    record = sight.record
    listed = set() if record.redaction else set(bundle.evidence_names(record))
    known = {*_NEEDED, bundle.ENVELOPE, *bundle.REPORTS.values(), *listed}
    if strange := [member for member in files if member not in known]:
        yield _differs("members", "a case file of this verdict has no such", strange)
        return
    expected = bundle.manifest(record, files, manifest.get("tool", {}))
    if expected != files[bundle.MANIFEST]:
        yield _differs("manifest", "says other things than its files do", ())
    else:
        yield Line("manifest", "holds", "says what its files do")
    if sight.by_this_tool and json_record.write(record) != files[bundle.RECORD]:
        yield _differs("record", "differs from how this tool spells it", ())
    names = [
        member
        for member in files
        if member not in (*_NEEDED, bundle.ENVELOPE) or member in (bundle.RECORD, rendering.NAME)
    ]
    readme = bundle.readme(record, sorted(names), signed=bundle.ENVELOPE in files)
    how = sight.rendering
    if [*files] != bundle.order(files, record):
        yield _differs("members", "stand in another order than in a case file", ())
    if readme == files[bundle.README]:
        yield Line("README", "holds", "same bytes")
    elif sight.by_this_tool or how is None:
        yield _differs("README", *_first_difference(files[bundle.README], readme))
    else:
        yield Line("README", "unchecked", f"not compared: {_not_comparable(how, 'txt', b'', b'')}")
    tool = manifest.get("tool")
    if how is not None and isinstance(tool, dict):
        said = tool.get("version"), tool.get("writer")
        if said != (how.version, how.writer) or set(tool) != set(bundle.written_by()):
            yield _differs("manifest", "and rendering.json name different tools", ())


def _statement(files: Mapping[str, bytes], sight: _Sight) -> Line:
    data = files[bundle.STATEMENT]
    result = attest.result_of(sight.record)
    if data == attest.statement(sight.record, bundle.subjects(files)):
        count = len(bundle.subjects(files))
        return Line("attestation", "holds", f"{result}, about {count} files; fits the record")
    if not sight.by_this_tool and _says_the_same(data, files, sight.record):
        return Line(
            "attestation", "unchecked", f"{result} and its digests fit; its wording is not compared"
        )
    return _differs("attestation", "is not about these files and this verdict", ())


def _says_the_same(data: bytes, files: Mapping[str, bytes], record: Verdict) -> bool:
    try:
        found = json.loads(data, object_pairs_hook=_once)
        named = {part["name"]: part["digest"]["sha256"] for part in found["subject"]}
        policies = [part["digest"]["sha256"] for part in found["predicate"]["configuration"]]
        return (
            named == {one.name: one.sha256 for one in bundle.subjects(files)}
            and policies == [use.sha256 for use in record.policies]
            and found["predicateType"] == attest.PREDICATE
            and found["predicate"]["result"] == attest.result_of(record)
        )
    except (ValueError, LookupError, TypeError, RecursionError):
        return False


def _reports(files: Mapping[str, bytes], sight: _Sight, inside: set[str]) -> Iterator[Line]:
    for form, member in bundle.REPORTS.items():
        if member in files:
            subject = {"html": "page", "pdf": "PDF", "junit": "JUnit"}[form]
            kept = {digest: data for digest, data in sight.evidence.items() if digest in inside}
            own = _Sight(sight.record, sight.rendering, kept)
            yield _seen_again(subject, form, files[member], own, None)


# Signatures -----------------------------------------------------------------------------------


def _signature(
    files: Mapping[str, bytes], whole: bytes, brought: Given, record: Verdict
) -> Iterator[Line]:
    data = files.get(bundle.ENVELOPE)
    if brought.envelope is not None:
        yield from _outer_signature((whole, files[bundle.MANIFEST]), brought, record)
    if data is None:
        if brought.envelope is None:
            yield (
                _differs("signature", "a key was given, and the case file is not signed", ())
                if brought.key is not None
                else Line("signature", "absent", "none: the statement is not signed")
            )
        return
    try:
        signed = attest.read_envelope(data)
    except ValueError as error:
        yield _differs("signature", f"can't be read: {error}", ())
        return
    if signed.payload != files[bundle.STATEMENT] or not attest.is_canonical(signed):
        yield _differs("signature", "is not over the statement beside it", ())
        return
    held = _held(signed, brought.key)
    if held.state == "differs" and brought.envelope is not None:
        # The key is that of the envelope beside it.
        held = Line("signature", "unchecked", "the one inside is by another key, not checked")
    yield held


def _held(signed: attest.Signed, key: tuple[bytes, str] | None) -> Line:
    names = [name for name, _ in signed.signatures]
    ids = ", ".join(one_line(name)[:12] or "without a name" for name in names)
    if key is None:
        return Line("signature", "unchecked", f"not checked: by key {ids}…; give it with --key")
    why = signed.verify(*key)
    if why is not None:
        return _differs("signature", f"does not hold: {why}", ())
    if names != [attest.key_id(*key)]:
        return Line("signature", "holds", f"by {key[1]}")
    return Line("signature", "holds", f"by {key[1]} (key {ids}…)")


def _outer_signature(about: Sequence[bytes], brought: Given, record: Verdict) -> Iterator[Line]:
    """An envelope that lies beside the file: signed by the key, and about this very file."""
    if brought.envelope is None:
        if brought.key is not None:
            yield Line(
                "signature",
                "unchecked",
                "not checked: a report carries none; give its envelope with --attestation",
            )
        return
    try:
        signed = attest.read_envelope(brought.envelope)
        said = json.loads(signed.payload)
        digests = {part["digest"]["sha256"] for part in said["subject"]}
        result = (said["predicateType"], said["predicate"]["result"])
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        yield _differs("signature", f"can't be read: {error}", ())
        return
    if not digests & {sha256(data).hexdigest() for data in about}:
        yield _differs("signature", "is about other files than this one", ())
        return
    if result != (attest.PREDICATE, attest.result_of(record)):
        yield _differs("signature", "is over a statement that says something else of it", ())
        return
    yield _held(signed, brought.key)


def _differs(subject: str, text: str, details: Sequence[str]) -> Line:
    shown = tuple(one_line(detail) for detail in details[:SHOWN])
    more = len(details) - SHOWN
    return Line(subject, "differs", text, (*shown, f"and {more:,} more") if more > 0 else shown)
