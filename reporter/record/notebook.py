"""A verdict as a notebook shows it: a few lines of HTML, from the record's own English words."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

from reporter.record.instants import minute_of

if TYPE_CHECKING:
    from reporter.record.model import Verdict

SHOWN = 8
"""How many reasons and conditions are shown before the rest is counted."""

_SIGNS = {"pass": "✓", "fail": "✕", "inconclusive": "?"}


def summary(verdict: Verdict) -> str:
    """A fragment without script, style sheet or link, in the notebook's own colours.

    What came from the cloud is escaped, and signs that don't print become U+FFFD.
    """
    subject = verdict.subject
    change = f"{subject.cluster_version or '?'} → {subject.target_version or '?'}"
    cluster = subject.cluster_name or subject.cluster_id or "id not in the response"
    instant = minute_of(verdict.instant.at)
    judged = f"{instant}, by {', '.join(policy.name for policy in verdict.policies)}"
    said = ". ".join(part.text for part in verdict.summary)
    parts = [
        f"<p><strong>{_SIGNS[verdict.outcome]} {_shown(verdict.headline.text)}</strong>"
        f" (exit code {verdict.exit_code})</p>",
        f"<p>{_shown(said)}.</p>" if said else "",
        f"<p>Upgrade {_shown(change)}; cluster {_shown(cluster)}; judged for {_shown(judged)}</p>",
        _listed("ol", [f"{reason.what.text} ({reason.why.text})" for reason in verdict.reasons]),
        _listed("ul", [condition.text for condition in verdict.conditions]),
    ]
    return f'<section lang="en" aria-label="Verdict">{"".join(parts)}</section>'


def _listed(tag: str, texts: list[str]) -> str:
    if not texts:
        return ""
    more = len(texts) - SHOWN
    rows = [*map(_shown, texts[:SHOWN]), *([f"and {more:,} more"] if more > 0 else [])]
    return f"<{tag}>{''.join(_items(rows))}</{tag}>"


def _items(rows: Iterable[str]) -> Iterable[str]:
    return (f"<li>{row}</li>" for row in rows)


def _shown(text: str) -> str:
    plain = " ".join(text.split())
    return escape("".join(sign if sign.isprintable() else "\ufffd" for sign in plain))
