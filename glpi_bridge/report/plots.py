"""Plots: Vega-Lite specifications from numbers (pure), and `svg`, which lets the library draw one.

Colours are names of CSS variables, so that one drawing serves the light and the dark scheme and paper. What a mark
stands for is its `t`, which becomes the text that shows where the pointer rests.
"""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape, unescape
from typing import Any, Final

from babel.core import Locale

from glpi_bridge.errors import BridgeError

Spec = dict[str, Any]
BRAND, OK, BAD, MUTED = "var(--brand)", "var(--ok)", "var(--bad)", "var(--muted)"
_TICKS: Final = (10, 60, 300, 900, 3600, 4 * 3600, 86400, 3 * 86400, 7 * 86400, 30 * 86400, 180 * 86400)
"""Where an axis of time has its lines, in seconds."""
_ROW: Final = 34
_LABEL: Final = 62
_CONFIG: Final[Spec] = {
    "background": None,
    "font": "system-ui, sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": MUTED, "labelFontSize": 12, "titleColor": MUTED, "gridColor": "var(--line)", "domain": False,
        "ticks": False, "labelPadding": 6, "title": None, "labelOverlap": "greedy", "labelAngle": 0,
    },
    "axisX": {"grid": False},
    "text": {"fontSize": 12, "color": "var(--ink)"},
}  # fmt: skip


class NotInstalled(BridgeError):
    """The library that draws is not there."""


@dataclass(frozen=True, slots=True)
class Series:
    """Numbers by step with their name and colour."""

    name: str
    colour: str
    counts: Sequence[int]


@dataclass(frozen=True, slots=True)
class Bar:
    """A line of `ranked`: what it is, how long, and what is written at its end."""

    label: str
    value: float
    text: str
    colour: str = BRAND


def stacked(labels: Sequence[str], series: Sequence[Series], width: int, height: int = 230) -> Spec:
    """Columns by step, the first series at the bottom."""
    values = [
        {"x": at, "s": one.name, "n": count, "o": order, "t": f"{labels[at]}, {one.name}: {count}"}
        for order, one in enumerate(series)
        for at, count in enumerate(one.counts)
        if count
    ]
    most = max((sum(counts) for counts in zip(*(one.counts for one in series), strict=True)), default=0)
    colours = {"domain": [one.name for one in series], "range": [one.colour for one in series]}
    return _spec(
        values, width, height,
        mark={"type": "bar", "stroke": "var(--surface)", "strokeWidth": 1},
        encoding={
            "x": _steps(labels, width),
            "y": {"field": "n", "type": "quantitative", "stack": True, "axis": _counts(most)},
            "color": {"field": "s", "type": "nominal", "legend": None, "scale": colours},
            "order": {"field": "o", "type": "quantitative"},
            "description": {"field": "t"},
        },
    )  # fmt: skip


def columns(labels: Sequence[str], counts: Sequence[int], width: int, height: int = 230) -> Spec:
    """Columns with their number above them."""
    values = [{"x": at, "n": count, "t": f"{labels[at]}: {count}"} for at, count in enumerate(counts)]
    x = _steps(labels, width)
    x["axis"] |= {"values": list(range(len(labels))), "labelFontSize": 12 if width >= _LABEL * len(labels) else 10}
    y: Spec = {"field": "n", "type": "quantitative", "axis": None}
    return _spec(
        values, width, height,
        layer=[
            {
                "mark": {"type": "bar", "color": BRAND, "cornerRadiusEnd": 4},
                "encoding": {"x": x, "y": y, "description": {"field": "t"}},
            },
            {"mark": {"type": "text", "dy": -9}, "encoding": {"x": x, "y": y, "text": _number("n")}},
        ],
    )  # fmt: skip


def durations(
    labels: Sequence[str], rows: Sequence[tuple[float, float] | None], names: Mapping[int, str], texts: Sequence[str],
    width: int, height: int = 230,
) -> Spec:  # fmt: skip
    """Median and 90th percentile by step (seconds, None for a gap) with the room between them, on an axis of times.

    `names` says the `ticks` of such an axis in words, `texts` what each step stands for.
    """
    ends = [end for row in rows if row for end in row]
    low = max((tick for tick in _TICKS if tick <= min(ends, default=60)), default=_TICKS[0])
    high = min(
        (tick for tick in _TICKS if tick >= max(ends, default=3600) and tick > low), default=max(ends, default=0)
    )
    values = [
        {"x": at, "m": row and max(row[0], low), "p": row and max(row[1], low), "t": text}
        for at, (row, text) in enumerate(zip(rows, texts, strict=True))
    ]
    shown = [tick for tick in _TICKS if low <= tick <= high]
    y: Spec = {
        "type": "quantitative",
        "scale": {"type": "log", "domain": [low, high], "nice": False},
        "axis": {"values": shown, "labelExpr": f"{_literal({str(tick): names[tick] for tick in shown})}[datum.value]"},
    }
    x = _steps(labels, width)
    median, p90 = {**y, "field": "m"}, {**y, "field": "p"}
    line: Spec = {"type": "line", "interpolate": "monotone", "strokeWidth": 2.5, "color": BRAND}
    point: Spec = {"type": "point", "filled": True, "size": 42, "opacity": 1, "color": BRAND}
    says: Spec = {"description": {"field": "t"}}
    return _spec(
        values, width, height,
        layer=[
            {
                "mark": {"type": "area", "interpolate": "monotone", "color": BRAND, "opacity": 0.14},
                "encoding": {"x": x, "y": median, "y2": {"field": "p"}},
            },
            {"mark": {**line, "strokeWidth": 1.5, "strokeDash": [4, 3]}, "encoding": {"x": x, "y": p90}},
            {"mark": line, "encoding": {"x": x, "y": median}},
            {"mark": {**point, "filled": False, "fill": "var(--surface)"}, "encoding": {"x": x, "y": p90, **says}},
            {"mark": point, "encoding": {"x": x, "y": median, **says}},
        ],
    )  # fmt: skip


def ticks() -> tuple[int, ...]:
    """Return the seconds that `durations` may name at its axis."""
    return _TICKS


def ranked(bars: Sequence[Bar], width: int) -> Spec:
    """Lines, one below the other, each with its name above it and its number at the end."""
    most = max((bar.value for bar in bars), default=1) or 1
    values = [{"i": at, "l": bar.label, "n": bar.value, "e": bar.text, "c": bar.colour} for at, bar in enumerate(bars)]
    y: Spec = {"field": "i", "type": "ordinal", "axis": None}
    bar: Spec = {"type": "bar", "height": 8, "yOffset": 8, "cornerRadius": 4}
    x: Spec = {"field": "n", "type": "quantitative", "axis": None, "stack": None}
    x["scale"] = {"domain": [0, most], "nice": False}
    words: Spec = {"type": "text", "dy": -8, "baseline": "middle"}
    return _spec(
        values, width, _ROW * max(1, len(bars)),
        layer=[
            {
                "mark": {**bar, "color": "var(--sunken)"},
                "encoding": {"y": y, "x": {"value": 0}, "x2": {"value": "width"}},
            },
            {
                "mark": bar,
                "encoding": {"y": y, "x": x, "color": {"field": "c", "scale": None}, "description": {"field": "l"}},
            },
            {
                "mark": {**words, "align": "left", "limit": width - 70},
                "encoding": {"y": y, "x": {"value": 0}, "text": {"field": "l"}},
            },
            {
                "mark": {**words, "align": "right", "fontWeight": 650},
                "encoding": {"y": y, "x": {"value": "width"}, "text": {"field": "e"}},
            },
        ],
    )  # fmt: skip


def rhythm(weekdays: Sequence[str], hours: Sequence[Sequence[int]], width: int) -> Spec:
    """A square for each hour of the week, the fuller the more; `hours` has 24 numbers for each weekday."""
    most = max((count for row in hours for count in row), default=0) or 1
    values = [
        {"h": hour, "d": day, "n": count / most, "t": f"{weekdays[day]} {hour}:00: {count}"}
        for day, row in enumerate(hours)
        for hour, count in enumerate(row)
    ]
    named = f"{_literal(list(weekdays))}[datum.value]"
    return _spec(
        values, width, 230,
        mark={"type": "rect", "color": BRAND, "stroke": "var(--surface)", "strokeWidth": 1.5, "cornerRadius": 3},
        encoding={
            "x": {"field": "h", "type": "ordinal", "axis": {"values": [0, 6, 12, 18, 23]}},
            "y": {"field": "d", "type": "ordinal", "axis": {"labelExpr": named, "grid": False}},
            "opacity": {
                "field": "n", "type": "quantitative", "legend": None, "scale": {"domain": [0, 1], "range": [0.06, 1]},
            },
            "description": {"field": "t"},
        },
    )  # fmt: skip


def check() -> None:
    """Raise NotInstalled where the library is missing; to be asked before the long reading."""
    if importlib.util.find_spec("vl_convert") is None:
        raise NotInstalled(
            "plots need the extra `report`, which is not installed; install it beside the bridge: "
            "pip install 'glpi-bridge[report]'"
        )


def svg(spec: Spec, locale: Locale, name: str, prefix: str, kind: str) -> str:
    """Draw a specification as an SVG element of the class `kind`, with a `name` for who does not see it.

    `prefix` makes its ids different from those of others on one page.
    """
    import vl_convert  # noqa: PLC0415  # an extra, which not everybody has

    drawn = vl_convert.vegalite_to_svg(spec, format_locale=_format(locale))
    return _element(drawn, name, prefix, kind)


def _element(drawn: str, name: str, prefix: str, kind: str) -> str:
    found = re.match(r'<svg[^>]*? width="([\d.]+)" height="([\d.]+)"[^>]*>', drawn)
    if found is None:
        raise AssertionError(drawn[:200])
    width, height = (round(float(size)) for size in found.groups())
    inner = drawn[found.end() :].replace(' aria-hidden="true"', "")
    inner = re.sub(r' role="graphics-[a-z]+"| aria-roledescription="[^"]*"| class="[^"]*"', "", inner)
    inner = re.sub(r' (?:pointer-events="none"|stroke-miterlimit="10")', "", inner)
    inner = re.sub(r'<(path|rect)( [^>]*?)? aria-label="([^"]*)"([^>]*?)/>', _titled, inner)
    inner = re.sub(r' aria-label="[^"]*"', "", inner)
    inner = re.sub(r'<path d="" display="none"/>', "", inner)
    inner = re.sub(r'(?<= d=")[^"]*|(?<= transform=")[^"]*', lambda one: _short(one.group()), inner)
    inner = re.sub(r'(?<= id=")|(?<=url\(#)', f"{prefix}-", inner)
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    return f'<svg class="{kind}" {size} role="img" aria-label="{escape(name)}">{inner}'


def _titled(found: re.Match[str]) -> str:
    """Turn what a mark stands for into what shows where the pointer rests."""
    tag, before, text, after = found.groups()
    return f"<{tag}{before or ''}{after}><title>{escape(unescape(text), quote=False)}</title></{tag}>"


def _short(numbers: str) -> str:
    return re.sub(r"-?\d+\.\d+", lambda one: f"{float(one.group()):.1f}".removesuffix(".0"), numbers)


def _spec(values: Sequence[Mapping[str, Any]], width: int, height: int, **parts: Any) -> Spec:
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": width,
        "height": height,
        "autosize": {"type": "fit", "contains": "padding"},
        "padding": 2,
        "config": _CONFIG,
        "data": {"values": values},
        **parts,
    }


def _steps(labels: Sequence[str], width: int) -> Spec:
    """The axis of steps: every step has its place, also one without a value; as many are named as there is room for."""
    every = max(1, -(-len(labels) * _LABEL // width))
    return {
        "field": "x",
        "type": "ordinal",
        "scale": {"domain": list(range(len(labels))), "paddingInner": 0.18, "paddingOuter": 0.1},
        "axis": {
            "labelExpr": f"{_literal(list(labels))}[datum.value]",
            "values": list(range(0, len(labels), every)),
            "labelOverlap": False,
        },
    }


def _counts(most: int) -> Spec:
    """The axis of counts, which come in whole numbers also where there are few."""
    few: Spec = {"values": list(range(most + 1))}
    return {"format": ",d", **(few if most <= 4 else {"tickCount": 4})}


def _number(column: str) -> Spec:
    return {"field": column, "type": "quantitative", "format": ",d"}


def _literal(value: Iterable[object]) -> str:
    """Write a value into an expression of Vega, whose literals are JavaScript's."""
    return json.dumps(value, ensure_ascii=True)


def _format(locale: Locale) -> dict[str, Any]:
    symbols = locale.number_symbols["latn"]
    return {"decimal": symbols["decimal"], "thousands": symbols["group"], "grouping": [3], "currency": ["", ""]}
