"""The comparison as one page without script, in the clothes of a verdict's page."""

from __future__ import annotations

from base64 import b64encode
from typing import Final

from reporter.output import templating
from reporter.output.diff import DIFF_WRITERS, view
from reporter.output.html import content_policy, icon, styles
from reporter.record.diff import Diff
from reporter.words import Language, LanguageTag

OPEN_NODES: Final = 12
"""Up to how many nodes are listed without a fold."""


def write(diff: Diff, *, lang: LanguageTag = "en") -> bytes:
    """One page: UTF-8, nothing fetched, the comparison inside as JSON."""
    report = view.report(diff, lang=lang)
    css = styles(Language(lang))
    data = b64encode(DIFF_WRITERS["json"](diff)).decode()
    page = templating.page(
        "html/diff.html.j2",
        report,
        open_nodes=OPEN_NODES,
        record=f"data:application/json;base64,{data}",
        safe={"css": css, "policy": content_policy(css), "icon": icon(report.tag.shape)},
    )
    return page.encode()
