"""The dashboard: one file, whole without its script, nothing fetched."""

from __future__ import annotations

from reporter.output import templating
from reporter.output.audit import view
from reporter.output.audit.facts import AuditFacts
from reporter.output.html import content_policy, icon, styles
from reporter.words import Language


def write(facts: AuditFacts) -> bytes:
    """The page: UTF-8, the same bytes for the same facts."""
    report = view.report(facts)
    css = styles(Language(report.lang)) + templating.asset("audit/audit.css")
    script = templating.asset("audit/audit.js")
    page = templating.page(
        "audit/index.html.j2",
        report,
        safe={
            "css": css,
            "script": script,
            "policy": content_policy(css, script),
            "icon": icon(report.tag.shape),
        },
    )
    return page.encode()
