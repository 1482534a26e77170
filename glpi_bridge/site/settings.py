"""site.yml as typed, frozen settings: what the two sites are called, look like and offer; faults are told by line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from glpi_bridge.config import FilePath, SecretFile
from glpi_bridge.document import read
from glpi_bridge.section import Section, check
from glpi_bridge.units import Mistake

LANGUAGES: Final = {"es": "Español", "en": "English", "fr": "Français"}
_ON_BRAND: Final = {"light": "#ffffff", "dark": "#06231b"}
_SURFACE: Final = {"light": "#ffffff", "dark": "#18201d"}
LEAST_CONTRAST: Final = 4.5
"""WCAG 2.2, 1.4.3: text on its ground."""


def luminance(colour: str) -> float:
    """Return the relative luminance of #rrggbb, 0 (black) to 1 (white)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, 1 to 21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _colour(value: str) -> str:
    if not re.fullmatch("#[0-9a-fA-F]{6}", value):
        raise Mistake(f'"{value}" is not a colour', "write it as in #0c5c4c")
    return value.lower()


def _brand(scheme: Literal["light", "dark"]) -> AfterValidator:
    def judged(value: str) -> str:
        colour = _colour(value)
        for ground, what in ((_ON_BRAND[scheme], "the text on buttons"), (_SURFACE[scheme], "the page")):
            if (found := contrast(colour, ground)) < LEAST_CONTRAST:
                raise Mistake(
                    f"{colour} has a contrast of {found:.1f} with {what} ({ground}) in the {scheme} scheme",
                    f"take a {'darker' if scheme == 'light' else 'lighter'} one: {LEAST_CONTRAST} is the least",
                )
        return colour

    return AfterValidator(judged)


class Features(Section):
    """Which parts the sites offer."""

    help: bool = True
    survey: bool = True
    problems: bool = True
    changes: bool = True
    people: bool = True
    bridge: bool = True


class Reader(Section):
    """Where categories and articles are read from, by accounts that may only read."""

    url: str
    user_token_file: SecretFile
    self_service_token_file: SecretFile | None = None
    app_token_file: SecretFile | None = None


class SiteSettings(Section):
    """All of site.yml."""

    name: str = Field(default="Help desk", min_length=1, max_length=60)
    contact: str = Field(default="", max_length=200)
    logo: FilePath | None = None
    brand: Annotated[str, _brand("light")] = "#0c5c4c"
    brand_dark: Annotated[str, _brand("dark")] = "#5fcdb0"
    languages: tuple[Literal["es", "en", "fr"], ...] = Field(default=("es", "en", "fr"), min_length=1)
    notices: tuple[dict[str, str], ...] = ()
    features: Features = Features()
    sign_in: Literal["here", "glpi"] = "here"
    glpi_url: str = Field(default="", pattern=r"^(?:https?://[^\s\"'<>]+)?$")
    idle_minutes: int = Field(default=20, ge=5, le=720)
    out: Path = Path("/var/www/glpi-sites")
    reader: Reader | None = None


def load(path: Path | None) -> SiteSettings:
    """Read site.yml; without a path the defaults. Raises SettingsError with every fault and its line."""
    if path is None:
        return SiteSettings()
    return check(SiteSettings, read(path), {"directory": path.resolve().parent})
