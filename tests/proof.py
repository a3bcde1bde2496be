"""What validators say of every sample's reports: `make proof`.

Fetches veraPDF through Maven and vnu and html-validate through npm, into .proof/; writes what they
found to docs/conformance.md, and fails if any of them finds something. Needs Java 11 and Node.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from reporter.cli.demo import stories
from reporter.output import Options, Reader, render
from tests.acceptance.run import ROOT, command
from tests.output.example import attached, example, hostile

TOOLS = ROOT / ".proof"
PAGES = TOOLS / "pages"
DOCUMENT = ROOT / "docs" / "conformance.md"
VERAPDF = "org.verapdf.apps:greenfield-apps:1.28.2"
COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"
# Of html-validate's recommendations: what is about taste, or about forms that are sent somewhere.
OFF = ("aria-label-misuse", "doctype-style", "long-title", "prefer-native-element", "wcag/h32")
HTML_VALIDATE = {
    "root": True,
    "extends": ["html-validate:recommended"],
    "rules": dict.fromkeys(OFF, "off"),
}


@dataclass(frozen=True)
class Proof:
    """What one tool found."""

    tool: str
    what: str
    files: int
    found: tuple[str, ...]


def run(*words: str | Path, cwd: Path = ROOT) -> str:
    """What a command says, on both streams; its exit code is not looked at."""
    done = subprocess.run(
        [str(word) for word in words], cwd=cwd, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


def fetch() -> tuple[Path, Path]:
    """The jar of veraPDF and the folder of npm's packages."""
    TOOLS.mkdir(exist_ok=True)
    jar = TOOLS / "greenfield-apps-1.28.2.jar"
    if not jar.exists():
        run("mvn", "-q", "-B", COPY, f"-Dartifact={VERAPDF}", f"-DoutputDirectory={TOOLS}")
    packages = TOOLS / "node_modules"
    if not (packages / "html-validate").exists():
        run("npm", "install", "--no-fund", "--no-audit", "--prefix", TOOLS,
            "vnu-jar", "html-validate")  # fmt: skip
    if not jar.exists() or not (packages / "vnu-jar").exists():
        sys.exit("veraPDF needs Java 11 and Maven, the others need npm")
    return jar, packages


def write_reports() -> None:
    """Every sample in both languages, and two records that hold everything, in each view."""
    shutil.rmtree(PAGES, ignore_errors=True)
    PAGES.mkdir(parents=True)
    for story in stories():
        for lang in ("en", "zh-CN"):
            stem = PAGES / f"{story.name}.{lang}"
            options = [part for name, end in (("html", "html"), ("pdf", "pdf"), ("junit", "xml"))
                       for part in (f"--{name}", f"{stem}.{end}")]  # fmt: skip
            command("check", *story.arguments, *options, "--lang", lang, cwd=ROOT)
    for name, verdict in (("example", example()), ("hostile", hostile())):
        exhibits = [one.data for one in attached(verdict)]
        for form, end in (("html", "html"), ("pdf", "pdf"), ("junit", "xml")):
            data = render(verdict, form, exhibits, options=Options(paper="letter"))
            (PAGES / f"{name}.{end}").write_bytes(data)
        readers: tuple[Reader, ...] = ("approver", "operator")
        for reader in readers:
            for form in ("html", "pdf"):
                data = render(verdict, form, exhibits, options=Options(view=reader))
                (PAGES / f"{name}.{reader}.{form}").write_bytes(data)


def files(ending: str) -> list[Path]:
    return sorted(PAGES.glob(f"*.{ending}"))


def verapdf(jar: Path) -> Iterator[Proof]:
    for flavour, name in (("3a", "PDF/A-3a"), ("ua1", "PDF/UA-1")):
        said = run("java", "-cp", jar, "org.verapdf.apps.GreenfieldCliWrapper",
                   "--flavour", flavour, "--format", "text", *files("pdf"))  # fmt: skip
        passed = set(re.findall(r"^PASS (\S+)", said, re.M))
        failed = tuple(path.name for path in files("pdf") if str(path) not in passed)
        yield Proof(f"veraPDF {VERAPDF.rsplit(':', 1)[1]}", name, len(files("pdf")), failed)


def vnu(packages: Path) -> Proof:
    jar = packages / "vnu-jar" / "build" / "dist" / "vnu.jar"
    said = run("java", "-jar", jar, "--Werror", "--format", "gnu", *files("html"))
    # It does not compute hashes, so it takes what the policy allows by its hash for forbidden;
    # tests/output/test_browser.py has a browser decide.
    lines = [line for line in said.splitlines() if "Inline s" not in line or "violates" not in line]
    number = run("java", "-jar", jar, "--version").split()[0]
    return Proof(f"vnu {number}", "HTML and CSS, warnings too", len(files("html")), tuple(lines))


def html_validate(packages: Path) -> Proof:
    (PAGES / ".htmlvalidate.json").write_text(json.dumps(HTML_VALIDATE))
    said = run(packages / ".bin" / "html-validate", *files("html"), cwd=PAGES)
    package = json.loads((packages / "html-validate" / "package.json").read_text())
    found = tuple(line for line in said.splitlines() if line.strip())
    return Proof(f"html-validate {package['version']}", "HTML", len(files("html")), found)


def each_pdf(name: str, what: str, wrong: Callable[[str], str | None], *words: str) -> Proof:
    """A tool of qpdf or Poppler over every PDF; `wrong` says what its words tell of a fault."""
    found = []
    for path in files("pdf"):
        told = wrong(run(*(str(path) if word == "FILE" else word for word in words)))
        if told is not None:
            found.append(f"{path.name}: {told}")
    said = run(words[0], "--version" if words[0] == "qpdf" else "-v")
    number = re.search(r"version (\S+)", said)
    return Proof(f"{name} {number[1] if number else '?'}", what, len(files("pdf")), tuple(found))


def damaged(said: str) -> str | None:
    return None if "No syntax or stream encoding errors found" in said else said[:200]


def untagged(said: str) -> str | None:
    fine = re.search(r"^Tagged:\s+yes$", said, re.M) and re.search(
        r"^JavaScript:\s+no$", said, re.M
    )
    return None if fine else "not tagged, or with JavaScript"


def loose_fonts(said: str) -> str | None:
    rows = [line for line in said.splitlines()[2:] if line.strip()]
    loose = [row.split()[0] for row in rows if not re.search(r"\byes\s+yes\s+yes\s", row)]
    return ", ".join(loose) or (None if rows else "no font")


def unattached(said: str) -> str | None:
    return None if "record.json" in said else "record.json is not attached"


def strace() -> Proof | None:
    """Whether writing the page and the document asks the kernel for any connection."""
    if shutil.which("strace") is None:
        return None
    body = (
        "from tests.output.example import attached, hostile\n"
        "from reporter.output import render\n"
        "for form in ('html', 'pdf', 'markdown'):\n"
        "    render(hostile(), form, [one.data for one in attached(hostile())])\n"
    )
    said = run("strace", "-f", "-qq", "-e", "trace=connect,sendto", sys.executable, "-c", body)
    asked = [line for line in said.splitlines() if "AF_INET" in line]
    number = run("strace", "--version").split()[3:4]
    return Proof(f"strace {''.join(number)}", "no network: HTML, PDF, Markdown", 3, tuple(asked))


def readers() -> Iterator[Proof]:
    """JUnit XML as two readers that are not ours count it, against the XML itself."""
    from tests.output.test_junit import counted_by

    for name in ("junitparser", "junit2html"):
        found = []
        for path in files("xml"):
            ours, theirs = counted_by(name, path)
            if ours != theirs:
                found.append(f"{path.name}: {theirs} instead of {ours}")
        yield Proof(f"{name} {version(name)}", "JUnit XML", len(files("xml")), tuple(found))


TEXT = """\
# Conformance

What validators found on {at:%d %b %Y} in the reports of every sample, in English and Chinese, and of two
records that hold everything the format can say, one of them hostile, in each view. `make proof` (Java 11, Maven, Node)
does it again and writes this page; the default tests run qpdf and Poppler, the JUnit and SARIF schemas,
two JUnit readers and axe-core.

| tool | what | files | found |
|---|---|---|---|
{rows}

vnu does not compute the hashes of a content security policy; its two warnings for each page, that the
page's own style and script are forbidden, are left out, and a browser decides in the tests. Of
html-validate's recommendations these are off, which are about taste or about forms that are sent:
{off}.

Nobody who uses a screen reader was asked yet.
"""  # noqa: E501


def document(proofs: Sequence[Proof], at: datetime) -> str:
    rows = [
        f"| {proof.tool} | {proof.what} | {proof.files} | {len(proof.found) or 'nothing'} |"
        for proof in proofs
    ]
    off = ", ".join(f"`{rule}`" for rule in OFF)
    return TEXT.format(at=at, rows="\n".join(rows), off=off)


def main() -> int:
    jar, packages = fetch()
    write_reports()
    proofs = [
        *verapdf(jar),
        each_pdf("qpdf", "structure", damaged, "qpdf", "--check", "FILE"),
        each_pdf("pdfinfo", "tagged, no JavaScript", untagged, "pdfinfo", "FILE"),
        each_pdf("pdffonts", "fonts embedded, with Unicode", loose_fonts, "pdffonts", "FILE"),
        each_pdf("pdfdetach", "the record attached", unattached, "pdfdetach", "-list", "FILE"),
        vnu(packages),
        html_validate(packages),
        *readers(),
    ]
    if (traced := strace()) is not None:
        proofs.append(traced)
    for proof in proofs:
        sign = "✕" if proof.found else "✓"
        print(f"{sign} {proof.tool}: {proof.what}, {proof.files} files")
        for line in proof.found[:10]:
            print(f"    {line}")
    DOCUMENT.write_text(document(proofs, datetime.now(UTC)), encoding="utf-8")
    return 1 if any(proof.found for proof in proofs) else 0


if __name__ == "__main__":
    sys.exit(main())
