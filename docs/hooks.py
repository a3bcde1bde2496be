"""Checks of the built manual: whoever reads it asks nobody else for anything."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

_LOADS = re.compile(
    r"<(?:script|img|iframe|source|video|audio|embed)\b[^>]*\bsrc=[\"']?(?:https?:)?//[^\"'> ]+"
    r"|<link\b(?=[^>]*\brel=[\"']?(?:stylesheet|preconnect|preload|icon))[^>]*"
    r"\bhref=[\"']?(?:https?:)?//[^\"'> ]+"
)


def on_post_build(config: Any, **_: Any) -> None:
    """Refuse a site that would load something from elsewhere."""
    for page in sorted(Path(config["site_dir"]).rglob("*.html")):
        if found := _LOADS.search(page.read_text(encoding="utf-8")):
            raise SystemExit(f"{page}: loads something from elsewhere: {found[0]}")
