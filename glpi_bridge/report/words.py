"""How a report says things: English in the code, Spanish and French in gettext catalogs; numbers, days and times."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Final

from babel.core import Locale
from babel.dates import format_date, format_datetime, format_interval, get_day_names
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent
from babel.support import NullTranslations, Translations

from glpi_bridge.report.period import Step

LANGUAGES: Final = ("en", "es", "fr")
_LOCALES: Final = Path(__file__).parent / "locales"
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


@cache
def translations(language: str) -> NullTranslations:
    """Return a language's catalog; English has none of its own."""
    if language == "en":
        return NullTranslations()
    compiled = BytesIO()
    with (_LOCALES / f"{language}.po").open("rb") as file:
        write_mo(compiled, read_po(file, locale=language))
    compiled.seek(0)
    return Translations(compiled)


@dataclass(frozen=True)
class Words:
    """The words of one language; `_` and `many` take texts that are English and are found by it."""

    language: str

    @property
    def locale(self) -> Locale:
        """How numbers and days are written; English as in Great Britain, with the day before the month."""
        return Locale.parse("en_GB" if self.language == "en" else self.language)

    def _(self, text: str, **values: object) -> str:
        """Return a text with its `{name}`s filled in."""
        return str(translations(self.language).ugettext(text)).format(**values)

    def many(self, one: str, more: str, count: int, **values: object) -> str:
        """Return the form of a text that fits `{count}`."""
        text = translations(self.language).ungettext(one, more, count)
        return str(text).format(count=self.number(count), **values)

    def number(self, value: float) -> str:
        """Write a number: whole ones from 100 on, else with one digit at most."""
        digits = "#,##0" if float(value).is_integer() or abs(value) >= 100 else "#,##0.#"
        return str(format_decimal(value, format=digits, locale=self.locale))

    def percent(self, share: float | None) -> str:
        """Write a share; a dash where there is none."""
        return "–" if share is None else str(format_percent(share, locale=self.locale))

    def duration(self, seconds: float | None) -> str:
        """Write seconds in their two greatest units, a dash for none."""
        if seconds is None:
            return "–"
        if seconds < _MINUTE:
            return self._("{n} s", n=round(seconds))
        minutes = round(seconds / _MINUTE)
        if minutes < 60:
            return self._("{n} min", n=minutes)
        hours, minutes = divmod(minutes, 60)
        if hours < 24:
            return self._pair(self._("{n} h", n=hours), self._("{n} min", n=minutes) if minutes else "")
        days, hours = divmod(round(seconds / _HOUR), 24)
        return self._pair(self._("{n} d", n=self.number(days)), self._("{n} h", n=hours) if hours else "")

    def _pair(self, first: str, second: str) -> str:
        return f"{first} {second}" if second else first

    def day(self, value: date) -> str:
        """Write a day with its year."""
        return str(format_date(value, format="long", locale=self.locale))

    def days(self, first: date, last: date) -> str:
        """Write the days from one to another."""
        return str(format_interval(first, last, skeleton="yMMMd", locale=self.locale))

    def moment(self, value: datetime) -> str:
        """Write a day and a time."""
        return str(format_datetime(value, format="d MMMM y, HH:mm", locale=self.locale))

    def weekday(self, number: int) -> str:
        """Name a day of the week shortly, 0 for Monday."""
        return str(get_day_names("abbreviated", "stand-alone", self.locale)[number])

    def step(self, start: date, step: Step) -> str:
        """Name a step of a plot, shortly."""
        pattern = {Step.DAY: "d MMM", Step.WEEK: "d MMM", Step.MONTH: "MMM yy"}[step]
        return str(format_date(start, format=pattern, locale=self.locale))

    def severity(self, number: int) -> str:
        """Name a severity of Zabbix."""
        return [
            self._("Not classified"), self._("Information"), self._("Warning"),
            self._("Average"), self._("High"), self._("Disaster"),
        ][number]  # fmt: skip
