"""Where the files lie that are not Python: the alert scripts and the examples of settings and rules."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def path(*parts: str) -> Path:
    """Return the place of `alert_scripts/…` or `config/…`: inside the wheel, or beside the package in a checkout.

    Raises FileNotFoundError where it is in neither.
    """
    places = [root.joinpath(*parts) for root in (_PACKAGE / "share", _PACKAGE.parent)]
    for place in places:
        if place.exists():
            return place
    raise FileNotFoundError(f"the installation lacks {places[0]}; install glpi-bridge again")
