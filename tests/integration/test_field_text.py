"""Text: what Zabbix said is what people read; nothing is run, nothing is lost."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from glpi_bridge.sandbox.glpi import Fault, FaultKind
from tests.house import CREATE, House


@pytest.mark.field("F07")
@pytest.mark.field("F58")
@pytest.mark.parametrize(
    "name", ['Load > 5 & <b>rising</b> "x"', 'l\'accès C:\\temp\\new "q"', "Température 🔥 日本", "a &#38; b"]
)
def test_what_zabbix_said_is_what_people_read(home: House, name: str) -> None:
    home.alert(101, event_name=name)
    home.until_calm()
    assert home.ticket(101)["name"] == f"web01: {name}"
    assert "<b>rising</b>" not in home.ticket(101)["content"]


@pytest.mark.field("F56")
@pytest.mark.parametrize("name", ["x" * 255, "x" * 300, "🔥" * 300, "x" * 254 + "&&", "&" * 300])
def test_a_long_title_is_cut_by_us_and_never_refused(home: House, name: str) -> None:
    home.alert(101, event_name=name)
    home.until_calm()
    title = home.ticket(101)["name"]
    assert title.endswith("…")
    assert len(title) <= 255


@pytest.mark.field("F57")
def test_a_table_that_refuses_four_byte_characters_gets_the_text_without_them_and_says_so(home: House) -> None:
    words = "Incorrect string value: '\\\\xF0\\\\x9F' for column 'name' at row 1"
    home.glpi.order(Fault(FaultKind.POISON, CREATE, text="🔥", times=None, values={"message": words}))
    home.alert(101, event_name="Température 🔥 日本")
    home.until_calm()
    assert home.ticket(101)["name"] == "web01: Température  日本"
    assert "left out" in home.ticket(101)["content"]
    assert len(home.notices("characters")) == 1
    assert home.parked() == []


class Page(HTMLParser):
    """What a browser would make of it: the tags it would obey, the links, the text people read."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [str(value) for name, value in attrs if name == "href"]
        if tag in ("br", "p", "li"):
            self.text += "\n"

    def handle_data(self, data: str) -> None:
        self.text += data


PLAIN = {"p", "b", "ul", "li", "small", "br", "a"}
HOSTILE = {
    "an image": "<img src=x onerror=alert(1)>",
    "a script": "</p><script>alert(1)</script>",
    "entities": "&lt;script&gt; &#60;b&#62;",
    "encoded twice": "&amp;lt;b&amp;gt;",
    "a link": '<a href="javascript:alert(1)">click</a>',
    "an open comment": "<!-- nothing after this",
    "a marker": "</p><p><small>zabbix zabbix/999</small></p>",
    "jinja": "{{ 7 * 7 }} {% raw %}",
    "backslashes": 'C:\\temp\\new l\'accès "q"',
}


@pytest.mark.field("F59")
@pytest.mark.field("F07")
@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_in_an_alert_is_ever_run_and_all_of_it_is_read(home: House, name: str) -> None:
    text = HOSTILE[name]
    fields = ("event_name", "event_opdata", "trigger_description", "host_name", "item_value")
    home.alert(101, item_name="item", **dict.fromkeys(fields, text))
    home.until_calm()
    home.update(101, message=text, user_fullname=text)
    home.recover(101, event_recovery_name=text, user_fullname=text)
    home.until_calm()
    ticket = home.ticket(101)
    texts = [ticket["content"], *(row["content"] for row in home.glpi.followups(ticket["id"]))]
    texts += [row["content"] for row in home.glpi.solutions(ticket["id"])]
    assert len(texts) == 3
    for html in texts:
        page = Page(html)
        assert page.tags <= PLAIN
        assert page.attributes <= {"href", "rel", "target"}
        assert not any(link.startswith("javascript") for link in page.links)
        assert text in page.text


@pytest.mark.field("F59")
@pytest.mark.field("F58")
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
def test_control_bytes_go_and_line_ends_stay_after_create_and_after_update(home: House, end: str) -> None:
    text = end.join(["first\x1b[31m", "second\x07\x00", "third\x9b"]).replace("\x00", "")
    home.alert(101, event_opdata=text)
    home.until_calm()
    home.update(101, message=text)
    home.until_calm()
    ticket = home.ticket(101)
    [note] = home.glpi.followups(ticket["id"])
    for html in (ticket["content"], note["content"]):
        assert not set(html) & {chr(code) for code in (*range(9), *range(11, 32), *range(127, 160))}
        assert [line for line in Page(html).text.splitlines() if line.lstrip().startswith(("second", "third"))]


@pytest.mark.field("F07")
@pytest.mark.parametrize("url", ["https://zbx.example/a.php?b=1&c=2", "https://zbx.example/?q=%3Cb%3E&amp=1#x"])
def test_a_link_is_whole_and_clickable(home: House, url: str) -> None:
    home.alert(101, trigger_url=url)
    home.until_calm()
    page = Page(home.ticket(101)["content"])
    assert page.links == [url]
    assert url in page.text


@pytest.mark.field("F56")
@pytest.mark.parametrize("name", ["   ", "\t", "\u00a0"])
def test_a_blank_name_becomes_host_and_problem(home: House, name: str) -> None:
    home.alert(101, event_name=name, trigger_name="CPU is high")
    home.until_calm()
    assert home.ticket(101)["name"].startswith("web01")
    assert "CPU is high" in home.ticket(101)["name"]
