"""The page, its words, its plots and its tables."""

from __future__ import annotations

import ast
import csv
import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path

import pytest
from babel.core import Locale
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import glpi_bridge.report
from glpi_bridge.report import cards, data, plots
from glpi_bridge.report.figures import Figures, Tally
from glpi_bridge.report.page import About, page
from glpi_bridge.report.period import Period, Step
from glpi_bridge.report.rows import Kind, Known, Ticket, Undertaken
from glpi_bridge.report.words import LANGUAGES, Words

PLACE = Path(glpi_bridge.report.__file__).parent
ABOUT = About("glpi.example.org", datetime(2026, 11, 20, 9, tzinfo=UTC), "UTC")
EVIL = '<script>alert("1")</script> & \' {name} {{x}} \\u0027'


def figures(days: int = 10, host: str = "web01") -> Figures:
    counted = Tally(Period(date(2026, 11, 1), date(2026, 11, 1) + timedelta(days=days - 1)))
    for number in range(4 * days):
        opened = datetime(2026, 11, 1, number % 24, tzinfo=UTC) + timedelta(days=number % days)
        one = Ticket(number, opened, number % 9, number % 5 > 0, 60.0 * number, 600.0 * number, number % 3 > 0, True)
        told = Known(number % 6, ((host, "CPU is high"),), 1 + number % 3, 2, number % 2 > 0, number % 4 > 0)
        counted.add(one, told if number % 3 else None)
    counted.undertaken(Undertaken(Kind.PROBLEM, datetime(2026, 11, 2, tzinfo=UTC), 3))
    return counted.figures(lambda id_: f"Category {id_} {host}" if id_ else "")


def nothing() -> Figures:
    return Tally(Period(date(2026, 11, 1), date(2026, 11, 7))).figures(str)


def made(found: Figures, language: str = "en") -> str:
    return page(found, Words(language), ABOUT, lambda _number, _all: None)


class _Reader(HTMLParser):
    """Collects tags, their attributes and the texts of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def whole() -> str:
    """Drawn once, as that takes its time; its host would break out of the page if it could."""
    return made(figures(host=EVIL))


def test_the_page_needs_nothing_else(whole: str) -> None:
    read = _Reader(whole)
    assert not read.all("script")
    assert not read.all("link")
    assert not [one for name, one in read.tags if name in {"img", "iframe", "object"}]
    assert not re.search(r"url\((?!#)|@import|https?://(?!www\.w3\.org)", whole)
    assert all((one.get("href") or "").startswith("#") for one in read.all("a"))


def test_every_plot_has_its_words_and_its_numbers_beside_it(whole: str) -> None:
    for text in re.findall(r"<article.*?</article>", whole, re.DOTALL):
        card = _Reader(text)
        assert card.all("h3")
        assert re.search(r'<p class="says">[^<]{8,}', text)
        for drawn in card.all("svg"):
            assert drawn["role"] == "img"
            assert drawn["aria-label"]
        if card.all("svg"):
            assert len(card.all("th")) > 2
        else:
            assert 'class="nothing"' in text


def test_no_id_is_given_twice_and_every_one_named_is_there(whole: str) -> None:
    read = _Reader(whole)
    ids = [one["id"] for _, one in read.tags if "id" in one]
    assert len(ids) == len(set(ids))
    named = [one["aria-labelledby"] for _, one in read.tags if "aria-labelledby" in one]
    named += [(one["href"] or "")[1:] for one in read.all("a")]
    assert set(named) <= set(ids)
    assert set(re.findall(r"url\(#([^)]+)\)", whole)) <= set(ids)


def test_colours_are_the_page_s_variables_in_both_schemes(whole: str) -> None:
    css = (PLACE / "page.css").read_text("utf-8")
    pairs = set(re.findall(r"--([a-z0-9]+):light-dark\(", css)) | {"colour", "focus"}
    assert set(re.findall(r"var\(--([a-z0-9]+)\)", whole)) <= pairs
    drawn = "".join(re.findall(r"<svg.*?</svg>", whole, re.DOTALL))
    assert set(re.findall(r'(?:fill|stroke)="([^"]+)"', drawn)) - {"none", "transparent"} == set(
        re.findall(r'(?:fill|stroke)="(var\(--[a-z0-9]+\))"', drawn)
    )


@pytest.mark.parametrize("scheme", [0, 1])
def test_words_and_plots_stand_out_from_what_is_behind_them(scheme: int) -> None:
    css = (PLACE / "page.css").read_text("utf-8")
    colours = {
        name: (light, dark)[scheme]
        for name, light, dark in re.findall(r"--([a-z0-9]+):light-dark\((#\w+),(#\w+)\)", css)
    }
    for name in ("ink", "muted", "strong", "ok", "bad"):
        assert _contrast(colours[name], colours["surface"]) >= 4.5, name
    for name in ("ink", "muted", "brand"):
        assert _contrast(colours[name], colours["paper"]) >= 4.5, name
    for name in [f"s{number}" for number in range(6)] + [f"c{number}" for number in range(1, 8)] + ["rest", "control"]:
        assert _contrast(colours[name], colours["surface"]) >= 3, name


def _contrast(first: str, second: str) -> float:
    light, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(one * 2 for one in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_names_from_elsewhere_are_text_and_nothing_else(whole: str) -> None:
    assert EVIL in "".join(_Reader(whole).texts)
    assert "<script" not in whole


def test_the_largest_category_is_named_though_the_rest_together_is_larger() -> None:
    counted = Tally(Period(date(2026, 11, 1), date(2026, 11, 7)))
    for number, category in enumerate([1, 1, *range(2, 40), 0, 0, 0]):
        opened = datetime(2026, 11, 1, number % 24, tzinfo=UTC)
        counted.add(Ticket(number, opened, category, False, None, None, None, None), None)
    found = counted.figures(lambda id_: f"Category {id_}" if id_ else "")
    [card] = [one for chapter in cards.chapters(found, Words("en")) for one in chapter.cards if one.id == "category"]
    assert card.says == "The largest category is Category 1, with 5%."


def test_nothing_at_all_is_a_page_too() -> None:
    text = made(nothing())
    assert "GLPI has no incident that was opened in this time." in text
    assert "<svg" not in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_speaks_each_language(language: str) -> None:
    text = made(nothing(), language)
    assert f'<html lang="{language}">' in text
    assert {"en": "Time to own", "es": "Tiempo hasta hacerse cargo", "fr": "Délai de prise en charge"}[language] in text


def _messages() -> Iterator[str | tuple[str, ...]]:
    methods = [("**.py", "python"), ("**.j2", "jinja2.ext:babel_extract")]
    for found in extract_from_dir(PLACE, method_map=methods, keywords={"_": None, "many": (1, 2)}):
        yield found[2]


@pytest.mark.parametrize("language", [one for one in LANGUAGES if one != "en"])
def test_every_text_is_translated_with_the_same_places_in_it(language: str) -> None:
    with (PLACE / "locales" / f"{language}.po").open("rb") as file:
        catalog = read_po(file, locale=language)
    told = {one.id: one.string for one in catalog if one.id}
    assert set(told) == set(_messages())
    for english, words in told.items():
        forms = [words] if isinstance(words, str) else list(words)
        for form in forms:
            assert form, english
            needed = english if isinstance(english, str) else english[1]
            assert set(re.findall(r"\{\w+\}", form)) == set(re.findall(r"\{\w+\}", needed)), english


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "–"), (0, "0 s"), (59, "59 s"), (60, "1 min"), (3599, "1 h"), (3600, "1 h"), (7800, "2 h 10 min"),
        (86399, "1 d"), (86400, "1 d"), (90000, "1 d 1 h"), (1e8, "1,157 d 10 h"),
    ],
)  # fmt: skip
def test_times_are_told_in_their_greatest_units(seconds: float | None, shown: str) -> None:
    assert Words("en").duration(seconds) == shown


def test_numbers_and_days_are_written_as_in_the_language() -> None:
    english, spanish, french = map(Words, LANGUAGES)
    assert (english.number(12345), spanish.number(12345), english.number(3.14159)) == ("12,345", "12.345", "3.1")
    assert english.percent(0.756) == "76%"
    assert english.percent(None) == "–"
    assert french.duration(100000) == "1 j 4 h"
    assert spanish.many("{count} alert", "{count} alerts", 1) == "1 alerta"
    assert spanish.many("{count} alert", "{count} alerts", 2) == "2 alertas"
    assert english.step(date(2026, 11, 1), Step.MONTH) == "Nov 26"
    assert english.severity(5) == "Disaster"


@pytest.mark.parametrize("days", [1, 45, 200, 800])
def test_plots_of_any_time_are_drawn(days: int) -> None:
    found = figures(days)
    for chapter in cards.chapters(found, Words("en")):
        for card in chapter.cards:
            if card.draw:
                for width in (300, 1016):
                    spec = card.draw(width)
                    assert spec["width"] == width
                    json.dumps(spec)


def test_a_drawing_follows_the_page_and_has_the_numbers_where_the_pointer_rests() -> None:
    spec = plots.stacked(["1 Nov", "2 Nov"], [plots.Series("High <b>", "var(--s4)", [2, 0])], 300)
    drawn = plots.svg(spec, Locale("en"), "Name & more", "x", "narrow")
    assert drawn.startswith('<svg class="narrow" viewBox="0 0 ')
    assert 'aria-label="Name &amp; more"' in drawn
    assert "<title>1 Nov, High &lt;b&gt;: 2</title>" in drawn
    assert drawn.count("<title>") == 1  # no mark for what is none


def test_the_axis_of_times_has_a_line_below_and_above() -> None:
    names = dict.fromkeys(plots.ticks(), "x")
    spec = plots.durations(["a", "b"], [(70.0, 4000.0), None], names, ["a", "b"], 300)
    scale = spec["layer"][0]["encoding"]["y"]["scale"]
    assert scale["domain"] == [60, 4 * 3600]
    flat = plots.durations(["a"], [(0.0, 0.0)], names, ["a"], 300)["layer"][0]["encoding"]["y"]["scale"]["domain"]
    assert flat[0] < flat[1]
    endless = plots.durations(["a"], [(1e9, 2e9)], names, ["a"], 300)["layer"][0]["encoding"]["y"]["scale"]["domain"]
    assert endless[1] == 2e9


def test_few_are_counted_in_whole_numbers() -> None:
    spec = plots.stacked(["a"], [plots.Series("x", "red", [1])], 300)
    assert spec["encoding"]["y"]["axis"]["values"] == [0, 1]


def test_without_the_library_a_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(plots.NotInstalled, match=r"pip install 'glpi-bridge\[report\]'"):
        plots.check()


def test_the_numbers_are_json() -> None:
    found = json.loads(json.dumps(data.as_mapping(figures()), default=str))
    assert found["first"] == "2026-11-01"
    assert len(found["steps"]) == len(found["by_itself"]) == 10
    assert 0 <= found["sla_own"]["share"] <= 1


def test_the_numbers_are_a_table_that_runs_nothing_in_a_spreadsheet() -> None:
    found = figures(host="=cmd|'/C calc'!A0")
    rows = list(csv.reader(StringIO(data.as_csv(found))))
    assert rows[0] == ["figure", "series", "from", "value"]
    assert {len(row) for row in rows} == {4}
    assert ["incidents", "", "", "40"] in rows
    assert sum(int(row[3]) for row in rows if row[0] == "incidents by severity") == 40
    assert sum(int(row[3]) for row in rows if row[0] == "incidents by category") == 40
    hosts = [row for row in rows if row[0] == "host, tickets"]
    assert hosts[0][1].startswith("'=")


def test_only_the_plots_import_the_library() -> None:
    """And only when they draw: the command's help and `--json` do without it."""
    tree = ast.parse((PLACE / "plots.py").read_text("utf-8"))
    assert not [node for node in tree.body if isinstance(node, ast.Import) and "vl_convert" in ast.unparse(node)]
