"""Texts: escaped, cut, cleaned, and the marker that finds a ticket again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import TemplateError

from glpi_bridge.model import Event, News, NewsKind, Note, Severity, Tag
from glpi_bridge.render import MORE_NAMES, NAMES, Renderer, Text, names_of
from glpi_bridge.text import (
    clean,
    decoded,
    html,
    is_web,
    lines,
    link,
    markers,
    spoken,
    title,
    when,
    with_marker,
    without_astral,
)

OPENED = datetime(2026, 11, 25, 8, 30, tzinfo=UTC)
HOSTILE = 'Load > 5 & <b>rising</b> "x"'
RENDERER = Renderer()
MORE: dict[Text, dict[str, object]] = {
    Text.NOTE: {"note": Note(OPENED, "n1", "Ann <Admin>", "commented", "look\nhere & <there>")},
    Text.FLAPPING: {"changes": 12, "since": OPENED, "until": OPENED + timedelta(minutes=10)},
    Text.STORM_TITLE: {"group": "web01 & <co>", "number": 21},
    Text.STORM_CONTENT: {"group": "web01 & <co>", "number": 21},
    Text.STORM_SOLUTION: {"group": "web01 & <co>", "number": 21},
    Text.STORM_REOPEN: {"group": "web01 & <co>", "number": 21, "unfinished": 2},
    Text.ACKNOWLEDGEMENT: {"ticket_id": 5, "ticket_link": "https://glpi.example.org/5"},
    Text.NEWS: {"ticket_id": 5, "ticket_link": "https://glpi.example.org/5", "news": News(7, NewsKind.CLOSED, OPENED)},
    Text.PROBLEM: {"occurrences": [], "same": "key"},
}


def event(**facts: object) -> Event:
    given: dict[str, object] = {"source": "zabbix", "eventid": "101", "name": "CPU is high", "host": "web01"}
    return Event(**(given | {"opened_at": OPENED, "severity": Severity.HIGH} | facts))  # type: ignore[arg-type]  # facts are a mapping of any fields


def render(text: Text, of: Event, source: str | None = None, link: str = "") -> str:
    template = RENDERER.compile(source, text) if source is not None else None
    rendered = RENDERER.render(text, template, names_of(of, link) | MORE.get(text, {}))
    assert rendered.warnings == ()
    return rendered.text


class Shown(HTMLParser):
    """What a browser shows: the text, and the tags with their attributes."""

    def __init__(self, content: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(content)
        self.close()

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "br":
            self.text += "\n"


def stored_by_glpi_10(text: str) -> str:
    return text.replace("&", "&#38;").replace("<", "&#60;").replace(">", "&#62;")


@pytest.mark.field("F07")
def test_an_event_name_with_markup_is_read_as_it_was_written() -> None:
    shown = Shown(render(Text.CONTENT, event(name=HOSTILE)))
    assert HOSTILE in shown.text
    assert [tag for tag, _ in shown.tags].count("b") == render(Text.CONTENT, event(name="x")).count("<b>")


@pytest.mark.field("F07")
def test_a_title_is_plain_text_that_nobody_escapes() -> None:
    assert render(Text.TITLE, event(name=HOSTILE)) == f"web01: {HOSTILE}"


@pytest.mark.field("F07")
def test_a_link_with_ampersands_is_whole_and_clickable() -> None:
    address = "https://zabbix.example.org/tr_events.php?triggerid=1&eventid=2"
    shown = Shown(render(Text.CONTENT, event(), link=address))
    assert ("a", {"href": address}) in shown.tags


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "data:text/html,x", "//host/x", "see the wiki", "http://", "http://[x"]
)
def test_only_web_addresses_become_links(address: str) -> None:
    assert not is_web(address)
    assert "<a" not in link(address)


def test_a_quote_in_an_address_does_not_end_the_attribute() -> None:
    ((tag, attributes),) = Shown(html(str(link("https://h/\"onmouseover='x'")))).tags
    assert (tag, set(attributes)) == ("a", {"href"})


@pytest.mark.field("F59")
@pytest.mark.parametrize("text", list(Text))
def test_active_markup_of_an_event_is_never_a_tag(text: Text) -> None:
    active = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    facts = dict.fromkeys(("name", "host", "opdata", "trigger_description", "trigger_url", "recovery_name"), active)
    rendered = render(text, event(**facts, item_name=active, item_value=active, closed_by=active, recovered_at=OPENED))
    if text.is_html:
        assert {tag for tag, _ in Shown(rendered).tags} <= {"p", "b", "ul", "li", "br", "a", "table", "tr", "th", "td"}


@pytest.mark.field("F59")
def test_control_bytes_go_and_line_ends_stay() -> None:
    shown = Shown(render(Text.CONTENT, event(opdata="a\x1b[31m\x07b\r\nc\rd\x00\x7f\x9b\te")))
    assert "a[31mb\nc\nd\te" in shown.text


@pytest.mark.field("F58")
def test_quotes_and_backslashes_reach_glpi_as_they_are() -> None:
    text = 'l\'accès C:\\temp\\new "q"'
    content = render(Text.CONTENT, event(opdata=text))
    assert text in content
    assert decoded(stored_by_glpi_10(content)) == content
    assert render(Text.TITLE, event(name=text)) == f"web01: {text}"


@pytest.mark.field("F58")
def test_three_lines_stay_three_lines_in_a_note() -> None:
    note = {"note": Note(OPENED, "n", "Ann", "commented", "one\r\ntwo\rthree")}
    content = RENDERER.render(Text.NOTE, None, names_of(event()) | note).text
    assert "one<br>two<br>three" in content


def test_an_entity_that_was_typed_is_shown_as_typed() -> None:
    assert "&#39;&amp;lt;" in Shown(render(Text.CONTENT, event(opdata="&#39;&amp;lt;"))).text


@pytest.mark.parametrize("text", list(Text))
def test_each_text_speaks_without_any_fact(text: Text) -> None:
    rendered = RENDERER.render(text, None, names_of(Event("z", "1")) | MORE.get(text, {}))
    assert rendered.text or text is Text.TITLE
    assert rendered.warnings == ()


@pytest.mark.parametrize("text", [text for text in Text if text.is_html])
def test_html_begins_with_a_tag(text: Text) -> None:
    assert render(text, event()).startswith("<p>")
    assert render(text, event(), "plain & {{ name }}\nsecond line").startswith("<p>plain & CPU is high<br>\nsecond")


def test_content_tells_what_people_need() -> None:
    facts = {"opdata": "97 %", "trigger_url": "https://wiki/runbook", "tags": (Tag("team", "net"), Tag("urgent"))}
    shown = Shown(render(Text.CONTENT, event(**facts, trigger_description="why"), link="https://z/e"))
    for part in ("web01", "CPU is high", "High", "2026-11-25 08:30:00 UTC", "97 %", "team: net, urgent", "why"):
        assert part in shown.text
    assert [attributes["href"] for tag, attributes in shown.tags if tag == "a"] == [
        "https://wiki/runbook",
        "https://z/e",
    ]


def test_the_solution_tells_the_recovery() -> None:
    over = event(recovered_at=OPENED + timedelta(minutes=5, seconds=10), recovery_value="3 %", closed_by="Ann")
    shown = Shown(render(Text.SOLUTION, over))
    for part in ("2026-11-25 08:35:10 UTC", "after 5m 10s", "3 %", "Ann"):
        assert part in shown.text


def test_what_zabbix_is_told_fits_into_one_message() -> None:
    assert len(render(Text.ACKNOWLEDGEMENT, event(), "{{ ticket_id }}" + "x" * 3000)) == 2048


def test_a_template_that_fails_is_replaced_and_said() -> None:
    template = RENDERER.compile("{{ tags.team }}", Text.CONTENT)
    rendered = RENDERER.render(Text.CONTENT, template, names_of(event()))
    assert rendered.text == render(Text.CONTENT, event())
    assert rendered.warnings == ("the content template failed (the event has no tag team); the built-in text was used",)


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ event.__class__.__init__.__globals__ }}",
        "{{ 1 / 0 }}",
        "{{ fields.nothing }}",
        "{% include 'nothing.j2' %}",
        "{{ range(999999999) | list }}",
        "{% include 'default/../render.py' %}",
    ],
)
def test_a_template_can_neither_break_out_nor_break_the_ticket(source: str) -> None:
    rendered = RENDERER.render(Text.CONTENT, RENDERER.compile(source, Text.CONTENT), names_of(event()))
    assert rendered.text == render(Text.CONTENT, event())
    assert len(rendered.warnings) == 1


def test_a_misspelt_name_is_found_before_any_event() -> None:
    with pytest.raises(TemplateError, match="it speaks of hst_label, which is not known; did you mean host_label"):
        RENDERER.compile("{{ hst_label }}", Text.CONTENT)
    RENDERER.compile("{% set x = name %}{% for n in tags %}{{ x }}{{ loop.index }}{% endfor %}{{ range(3) | list }}")


def test_own_templates_may_build_upon_the_built_in_ones(tmp_path: Path) -> None:
    (tmp_path / "own.j2").write_text('{% include "default/content.j2" %}<p>call {{ tags.team }}</p>')
    renderer = Renderer(tmp_path)
    rendered = renderer.render(
        Text.CONTENT, renderer.compile("own.j2", Text.CONTENT), names_of(event(tags=(Tag("team", "A&B"),)))
    )
    assert "call A&amp;B" in rendered.text
    assert "CPU is high" in rendered.text


def test_a_tag_named_like_a_method_is_a_tag() -> None:
    tagged = event(
        tags=(Tag("items", "1"), Tag("keys", "2"), Tag("team", "a"), Tag("team", "b")), fields={"items": "3"}
    )
    source = "{{ tags.items }}{{ tags.keys }}{{ tags.team }}{{ fields.items }}{{ 'team' in tags }}{{ tags | length }}"
    assert render(Text.TITLE, tagged, source) == "12a3True4"


def test_times_are_shown_in_the_zone_of_the_rules() -> None:
    from zoneinfo import ZoneInfo

    assert when(OPENED, ZoneInfo("Europe/Paris")) == "2026-11-25 09:30:00 CET"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "0s"), (59, "59s"), (310, "5m 10s"), (3600, "1h"), (183600, "2d 3h"), (90061, "1d 1h")],
)
def test_a_duration_is_said_with_its_two_largest_units(seconds: int, expected: str) -> None:
    assert spoken(timedelta(seconds=seconds)) == expected


@pytest.mark.field("F56")
@pytest.mark.parametrize(
    ("text", "on_10", "on_11"),
    [
        ("a" * 255, "a" * 255, "a" * 255),
        ("a" * 300, "a" * 254 + "…", "a" * 254 + "…"),
        ("🔥" * 300, "🔥" * 254 + "…", "🔥" * 254 + "…"),
        ("a" * 254 + "&&", "a" * 254 + "…", "a" * 254 + "…"),
        ("a" * 250 + "&", "a" * 250 + "&", "a" * 250 + "&"),
        ("a" * 251 + "&", "a" * 251 + "…", "a" * 251 + "&"),
        ("<" * 100, "<" * 50 + "…", "<" * 100),
        (" \t\n ", "web01: CPU", "web01: CPU"),
        ("one\r\ntwo\x07", "one two", "one two"),
    ],
)
def test_a_title_fits_where_glpi_would_cut_or_refuse_it(text: str, on_10: str, on_11: str) -> None:
    assert title(text, encoded_limit=True, fallback="web01: CPU") == on_10
    assert title(text, encoded_limit=False, fallback="web01: CPU") == on_11


@pytest.mark.field("F56")
@given(st.text(alphabet=st.sampled_from("a&<>🔥é \n\x07"), max_size=600), st.booleans())
def test_no_title_is_too_long_or_blank_and_cutting_twice_changes_nothing(text: str, encoded: bool) -> None:
    cut = title(text, encoded_limit=encoded)
    stored = stored_by_glpi_10(cut) if encoded else cut
    assert 0 < len(stored) <= 255
    assert cut == cut.strip()
    assert title(cut, encoded_limit=encoded) == cut
    assert title(title(text), encoded_limit=encoded) == cut or cut.endswith("…")


@pytest.mark.field("F57")
def test_four_byte_characters_can_be_left_out() -> None:
    assert without_astral("Température 🔥 日本") == "Température  日本"


@given(st.text(alphabet=st.characters()))
def test_clean_text_can_be_sent_and_cleaning_twice_changes_nothing(text: str) -> None:
    cleaned = clean(text)
    cleaned.encode()
    assert clean(cleaned) == cleaned
    assert not any(ord(character) < 32 and character not in "\n\t" for character in cleaned)


@pytest.mark.field("F40")
@pytest.mark.parametrize("stored", [str, stored_by_glpi_10])
@given(opdata=st.text(alphabet=st.sampled_from("ab&<>#;38 60\n\"'/"), max_size=60))
def test_the_marker_is_found_whatever_stands_above_it(stored: object, opdata: str) -> None:
    content = with_marker(render(Text.CONTENT, event(opdata=opdata)), "zabbix main/101")
    text = stored(content)  # type: ignore[operator]  # parametrized, so of no one type
    assert markers(text, encoded=stored is stored_by_glpi_10) == {"zabbix main/101"}


@pytest.mark.field("F18")
def test_markers_are_compared_exactly() -> None:
    content = with_marker("<p>x</p>", "zabbix main/11234")
    assert "zabbix main/123" not in markers(content)
    assert "zabbix main/1123" not in markers(content)
    assert "zabbix Main/11234" not in markers(content)


def test_an_event_that_speaks_of_another_marker_is_not_taken_for_it() -> None:
    forged = event(opdata="x\nzabbix main/999\n<p><small>zabbix main/999</small></p>", name="zabbix main/999")
    assert markers(with_marker(render(Text.CONTENT, forged), "zabbix main/101")) == {"zabbix main/101"}


@pytest.mark.parametrize(
    "marker", ["zabbix a.b-c/1", "zabbix cron/backup-7f_1", "zabbix main/101 note 5f3a", "zabbix main/101 solution"]
)
def test_a_marker_may_have_a_suffix(marker: str) -> None:
    assert markers(with_marker("<p>x</p>", marker)) == {marker}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<p>nothing here</p>",
        "<p>see zabbix main/101</p>",
        "<p>zabbix main/</p>",
        "<p>zabbix main/1&amp;2</p>",
        "&#60;p&#62;zabbix m/1&#60;/p&#62;",
    ],
)
def test_other_texts_have_no_marker(text: str) -> None:
    assert markers(text) == frozenset()


def test_every_name_that_templates_know_is_given_to_them() -> None:
    assert set(names_of(event())) == NAMES
    assert {text: frozenset(names) for text, names in MORE.items()} == dict(MORE_NAMES)


def test_lines_of_a_value_are_kept_in_html() -> None:
    assert lines("a\n<b>") == "a<br>&lt;b&gt;"
