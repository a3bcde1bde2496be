"""A user's own templates: where they are, and the organisation they are for."""

from __future__ import annotations

from dataclasses import dataclass

PAPER = "#ffffff"
DARK_PAPER = "#15181c"
"""What text stands on in light and in dark; `--paper` in report.css."""
LEAST_CONTRAST = 4.5
"""Of text against what it stands on, as WCAG 2.2 asks of level AA."""


@dataclass(frozen=True)
class Brand:
    """Whose report it is. Outcomes keep their colours: they are words of their own."""

    organisation: str | None = None
    logo: str | None = None
    """The picture, as a `data:` address."""
    accent: str | None = None
    accent_dark: str | None = None
    """The colour of links, on paper and on a dark screen: #rrggbb."""

    def styles(self) -> str:
        """The colours as a style sheet, to stand after the shipped one."""
        if self.accent is None and self.accent_dark is None:
            return ""
        light, dark = self.accent or "#0b4f96", self.accent_dark or "#9cc8ff"
        return f"\n:root{{--link:light-dark({light},{dark})}}"

    def paper_styles(self) -> str:
        """The same for paper."""
        return f"\na,.help a{{color:{self.accent}}}" if self.accent else ""


@dataclass(frozen=True)
class OwnTemplates:
    """A folder whose files stand before the shipped templates of the same name."""

    folder: str
    brand: Brand = Brand()


def contrast(colour: str, other: str) -> float:
    """The contrast of two colours `#rrggbb`, from 1 to 21, as WCAG defines it."""
    lighter, darker = sorted((_luminance(colour), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
