"""The project's GLPI client against a real GLPI: what it reads, how its writes end, and its fence."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from glpi_bridge.errors import Refused
from glpi_bridge.glpi import Glpi, NameNotFound, Names
from glpi_bridge.model import Draft, Level, TicketType, Verdict

BULK = 30


def ticket(source: str, number: int | str, **more: Any) -> dict[str, Any]:
    content = f"<p>CPU is high</p><p><small>zabbix {source}/{number}</small></p>"
    return {"name": f"live {number}", "content": content, **more}


def by_marker(source: str, above: int = 0) -> list[dict[str, Any]]:
    return [
        {"field": 21, "searchtype": "contains", "value": f"zabbix {source}/"},
        {"link": "AND", "field": 2, "searchtype": "contains", "value": f">{above}"},
    ]


def test_login_tells_who_we_are_and_which_glpi_it_is(glpi: Glpi) -> None:
    assert glpi.account is not None
    assert glpi.account.user_id > 0
    assert glpi.version[:1] in {(10,), (11,)}
    assert glpi.account.clock_offset is not None


def test_close_ends_the_session_in_glpi(glpi: Glpi) -> None:
    token = str(glpi.token)
    assert glpi.is_alive(token)
    glpi.close()
    assert not glpi.is_alive(token)


def test_a_read_logs_in_again_after_the_session_was_ended(glpi: Glpi) -> None:
    glpi.kill(str(glpi.token))
    glpi.get("getMyProfiles")
    assert glpi.logins == 2


def test_a_write_does_not_log_in_again_after_the_session_was_ended(glpi: Glpi, source: str) -> None:
    glpi.kill(str(glpi.token))
    assert [one.code for one in glpi.add("Ticket", [ticket(source, 1)])] == ["SESSION_LOST"]
    assert glpi.logins == 1
    assert glpi.search("Ticket", by_marker(source), [2]).total == 0


@pytest.mark.field("F93")
@pytest.mark.field("F35")
def test_one_item_that_glpi_refuses_costs_only_itself(glpi: Glpi, source: str) -> None:
    items = [
        ticket(source, 1),
        ticket(source, 2, date="no date"),
        ticket(source, 3, entities_id=987654),
        ticket(source, 4),
    ]
    told = glpi.add("Ticket", items)
    assert [one.verdict for one in told] == [Verdict.DONE, Verdict.REFUSED, Verdict.REFUSED, Verdict.DONE]
    assert told[1].text, "GLPI's own words are kept"
    assert told[2].text
    assert glpi.search("Ticket", by_marker(source), [2]).total == 2


def test_a_bulk_answer_names_the_tickets_in_the_order_sent(glpi: Glpi, source: str) -> None:
    told = glpi.add("Ticket", [ticket(source, number) for number in range(BULK)])
    names = {row["2"]: row["1"] for row in glpi.search("Ticket", by_marker(source), [1, 2], limit=BULK).rows}
    assert [names[one.id] for one in told] == [f"live {number}" for number in range(BULK)]


@pytest.mark.field("F07")
@pytest.mark.field("F40")
@pytest.mark.parametrize(
    "name",
    [
        'Load > 5 & <b>rising</b> "x"',
        "Température 🔥 日本",
        'l\'accès C:\\temp\\new "q"',
        "🔥" * 255,
    ],
)
def test_a_title_reads_the_same_by_list_and_by_search(glpi: Glpi, source: str, name: str) -> None:
    told = glpi.add("Ticket", [{**ticket(source, 1), "name": name}])
    assert told[0].verdict is Verdict.DONE, told
    [row] = glpi.search("Ticket", by_marker(source), [1, 2, 21]).rows
    assert glpi.get(f"Ticket/{told[0].id}")["name"] == row["1"] == name


def test_content_reads_the_same_by_list_and_by_search(glpi: Glpi, source: str) -> None:
    html = (
        '<p>load &gt; 5 &amp; rising &lt;b&gt;</p><pre>a\n  b &lt; c</pre><p><a href="https://z.example/?a=1&amp;b=2">x</a></p>'
        f"<p><small>zabbix {source}/7</small></p>"
    )
    told = glpi.add("Ticket", [{**ticket(source, 7), "content": html}])
    [row] = glpi.search("Ticket", by_marker(source), [2, 21]).rows
    assert glpi.get(f"Ticket/{told[0].id}")["content"] == row["21"] == html


@pytest.mark.field("F18")
def test_a_marker_search_also_finds_longer_numbers_so_hits_are_compared_here(glpi: Glpi, source: str) -> None:
    glpi.add("Ticket", [ticket(source, 123), ticket(source, 1234)])
    wanted = [{"field": 21, "searchtype": "contains", "value": f"zabbix {source}/123"}]
    rows = glpi.search("Ticket", wanted, [2, 21]).rows
    assert len(rows) == 2
    assert [row["1"] for row in rows if f"zabbix {source}/123<" in row["21"]] == ["live 123"]


@pytest.mark.field("F55")
def test_trashed_tickets_are_found_in_the_trash_only(glpi: Glpi, person: Any, source: str) -> None:
    [told] = glpi.add("Ticket", [ticket(source, 1)])
    person.call("DELETE", f"Ticket/{told.id}")
    assert glpi.search("Ticket", by_marker(source), [2]).total == 0
    assert [row["2"] for row in glpi.search("Ticket", by_marker(source), [2], trash=True).rows] == [told.id]


def test_the_watermark_hides_older_tickets(glpi: Glpi, source: str) -> None:
    first, second = (one.id for one in glpi.add("Ticket", [ticket(source, 1), ticket(source, 2)]))
    assert [row["2"] for row in glpi.search("Ticket", by_marker(source, int(first or 0)), [2]).rows] == [second]


def test_updates_are_matched_by_id_when_glpi_leaves_missing_ones_out(glpi: Glpi, source: str) -> None:
    first, second = (int(one.id or 0) for one in glpi.add("Ticket", [ticket(source, 1), ticket(source, 2)]))
    told = glpi.update(
        "Ticket", [{"id": first, "urgency": 5}, {"id": 987654321, "urgency": 5}, {"id": second, "urgency": 2}]
    )
    assert [one.verdict for one in told] == [Verdict.DONE, Verdict.REFUSED, Verdict.DONE]
    assert [glpi.get(f"Ticket/{number}")["urgency"] for number in (first, second)] == [5, 2]


def test_a_list_is_read_whole_page_by_page(glpi: Glpi, source: str) -> None:
    glpi.add("Ticket", [ticket(source, number) for number in range(11)])
    query = {"searchText[content]": f"zabbix {source}/"}
    assert [row["name"] for row in glpi.rows("Ticket", query, page=5)] == [f"live {number}" for number in range(11)]
    assert glpi.rows("Ticket", {"searchText[content]": f"zabbix {source}/none"}, page=5) == []


def test_purging_without_the_right_is_refused_in_words(glpi: Glpi, source: str) -> None:
    [told] = glpi.add("Ticket", [ticket(source, 1)])
    [gone] = glpi.delete("Ticket", [int(told.id or 0)], purge=True)
    assert gone.verdict is Verdict.REFUSED
    assert gone.text


def test_names_become_ids_and_unknown_ones_cost_only_themselves(glpi: Glpi, source: str) -> None:
    draft = Draft(
        title="live names",
        content=f"<p>x</p><p><small>zabbix {source}/1</small></p>",
        category="Monitoring > CPU",
        urgency=Level.HIGH,
        groups=("Systems", "No such group"),
        requesters=("enduser",),
        request_source="Zabbix",
    )
    item, said = Names(glpi).ticket(draft, None)
    [told] = glpi.add("Ticket", [item])
    assert told.verdict is Verdict.DONE
    made = glpi.get(f"Ticket/{told.id}", {"expand_dropdowns": "true"})
    assert (made["itilcategories_id"], made["requesttypes_id"]) == ("Monitoring > CPU", "Zabbix")
    assert (made["urgency"], made["status"]) == (4, 2)
    assert len(said) == 1
    assert "No such group" in said[0]


@pytest.mark.field("F48")
def test_a_misspelt_category_is_not_taken_and_the_right_one_is_named(glpi: Glpi) -> None:
    with pytest.raises(NameNotFound, match="Monitoring > Disk"):
        Names(glpi).category("Monitoring > Dsk", TicketType.INCIDENT, None)


def test_what_is_missing_is_refused_with_glpis_code(glpi: Glpi) -> None:
    with pytest.raises(Refused) as caught:
        glpi.get("Ticket/987654321")
    assert caught.value.code == "ERROR_ITEM_NOT_FOUND"


def test_kill_waits_for_the_write_that_holds_the_session(new_glpi: Callable[[], Glpi], source: str) -> None:
    """The fence: after the answer to killSession no ticket of that session can appear any more."""
    writer, other = new_glpi(), new_glpi()
    writer.login()
    token = str(writer.token)
    thread = threading.Thread(target=writer.add, args=("Ticket", [ticket(source, number) for number in range(BULK)]))
    thread.start()
    try:
        while thread.is_alive() and other.search("Ticket", by_marker(source), [2]).total == 0:
            pass  # until GLPI is in the middle of it
        assert other.kill(token).status == 200
        at_once = other.search("Ticket", by_marker(source), [2]).total
    finally:
        thread.join()
    assert at_once == BULK
    assert other.search("Ticket", by_marker(source), [2]).total == BULK
    assert not other.is_alive(token)
    assert [one.code for one in writer.add("Ticket", [ticket(source, "late")])] == ["SESSION_LOST"]
    assert other.search("Ticket", by_marker(source), [2]).total == BULK
