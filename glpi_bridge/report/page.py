"""The page: one file that needs no other, no script and no server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from glpi_bridge import __version__
from glpi_bridge.report import cards, plots
from glpi_bridge.report.cards import Card
from glpi_bridge.report.figures import Figures
from glpi_bridge.report.words import Words

_HERE: Final = Path(__file__).parent
_WIDTHS: Final = {"narrow": 300, "half": 480}
_WIDE: Final = {"narrow": 300, "half": 660, "full": 1016}


@dataclass(frozen=True, slots=True)
class About:
    """What the figures are of (`of` names the GLPI), when they were read, and the name of their time zone."""

    of: str
    made_at: datetime
    zone: str


def page(figures: Figures, words: Words, about: About, drawing: Callable[[int, int], None]) -> str:
    """Return the page; `drawing` is told how many of its plots are drawn. Raises NotInstalled without the library."""
    chapters = cards.chapters(figures, words)
    drawn = _draw([card for chapter in chapters for card in chapter.cards if card.draw], words, drawing)
    environment = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("page.html.j2").render(
        _=words._,
        language=words.language,
        version=__version__,
        css=Markup((_HERE / "page.css").read_text("utf-8")),  # noqa: S704  # ours
        days=words.days(figures.first, figures.last),
        of=about.of,
        lead=_lead(figures, words),
        tiles=cards.tiles(figures, words),
        chapters=chapters,
        drawn=lambda card: Markup(drawn[card.id]),  # noqa: S704  # the library's, its texts escaped
        definitions=_definitions(words, about),
        made=words._(
            "Made on {time} ({zone}) by glpi-bridge {version}.",
            time=words.moment(about.made_at), zone=about.zone, version=__version__,
        ),
    )  # fmt: skip


def _draw(shown: list[Card], words: Words, drawing: Callable[[int, int], None]) -> dict[str, str]:
    """Draw each plot for the widths it may get: shrinking one for all would leave its words too small to read."""
    found = {}
    for number, card in enumerate(shown):
        drawing(number, len(shown))
        assert card.draw is not None  # noqa: S101  # those without were left out
        found[card.id] = "".join(
            plots.svg(card.draw(width), words.locale, f"{card.title}. {card.says}", f"{name}-{card.id}", name)
            for name, width in (_WIDE if card.is_wide else _WIDTHS).items()
        )
    drawing(len(shown), len(shown))
    return found


def _lead(figures: Figures, words: Words) -> str:
    _ = words._
    if not figures.incidents:
        return _("GLPI has no incident that was opened in this time.")
    own, resolve = figures.to_own.all, figures.to_resolve.all
    told = [
        words.many("{count} incident was opened.", "{count} incidents were opened.", figures.incidents),
        _("Half of them were taken within {time}.", time=words.duration(own.median)) if own else "",
        _("Half of those solved took {time} at most.", time=words.duration(resolve.median)) if resolve else "",
        _("{share} kept the time to resolve of their SLA.", share=words.percent(figures.sla_resolve.share))
        if figures.sla_resolve.share is not None
        else "",
    ]
    return " ".join(one for one in told if one)


def _definitions(words: Words, about: About) -> list[tuple[str, str]]:
    _ = words._
    return [
        (
            _("Incidents"),
            _(
                "Tickets of type incident that the bridge's account sees and that were opened in this time, in the "
                "zone {zone}. How they went on is told as it stood when the page was made.",
                zone=about.zone,
            ),
        ),
        (
            _("Time to own, time to resolve"),
            _(
                "As GLPI counts them: from opening until somebody took the ticket, or until it was solved, in the "
                "hours of its calendar and without the time it waited. A ticket that is assigned when it is made is "
                "taken at once. Open tickets are not counted."
            ),
        ),
        (
            _("SLA"),
            _(
                "Tickets with a time to own or to resolve of an SLA; one that is still open counts as missed once "
                "its time is over."
            ),
        ),
        (
            _("Severity, hosts, triggers"),
            _(
                "As the bridge's store remembers them: the highest severity of a ticket's problems. What it has "
                "forgotten (setting retention) or never knew counts as reported by people."
            ),
        ),
        (_("Solved by itself"), _("Zabbix saw the problem recover, and this solved the ticket.")),
        (
            _("Recurring, flapping"),
            _(
                "Recurring: the same cause had a ticket before. Flapping: a problem came back and joined the ticket "
                "it already had. Returns are both together."
            ),
        ),
        (
            _("Alerts"),
            _(
                "A problem's beginning, its end, and what Zabbix told about it in between, of those problems that "
                "have a ticket."
            ),
        ),
        (
            _("Problems and Changes"),
            _(
                "Those of GLPI that were opened in this time; from incidents are those linked to a ticket, or to a "
                "Problem."
            ),
        ),
    ]
