"""Where policies, templates and samples live: in the wheel, or beside the package in a checkout."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable


def bundled(folder: str) -> Traversable:
    """The folder `policies`, `templates` or `samples`, readable even from a zipped install."""
    package = files("reporter")
    inside = package / "_bundled" / folder
    if inside.is_dir():
        return inside
    # A checkout (editable install): the folders stand beside the package.
    return package.parent / folder  # type: ignore[attr-defined, no-any-return]
