"""News of tickets for Zabbix: the histories of changed tickets are read in bulk, and what is new in them is owed.

It tells nobody anything: `acknowledge` delivers. A GLPI that refuses histories costs the news, never a ticket.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from glpi_bridge import look
from glpi_bridge.context import Context, Source
from glpi_bridge.errors import Refused
from glpi_bridge.model import Event, News, NewsKind, Word
from glpi_bridge.news import FOLLOWUP, SOLUTION, Happening, happenings
from glpi_bridge.render import Text, markers
from glpi_bridge.store import incidents
from glpi_bridge.store.incidents import Owed
from glpi_bridge.text import plain

log = logging.getLogger(__name__)
TOGETHER = 40  # an address of 40 items is 3 KB long
_UNDER_WAY = 30.0  # seconds in which more may happen under the same time of change; clocks differ
_LONGEST = 2000
_NO_HISTORY = "no history"


@dataclass(frozen=True, slots=True)
class _Changed:
    owed: Owed
    source: Source
    date_mod: str


def hear(context: Context, rows: Sequence[Mapping[str, Any]], shown: Mapping[int, look.Shown]) -> int:
    """Read the histories of these rows of GET Ticket, as far as they may hold something new; return how much was new.

    Tickets that nobody but us has ever touched, and those that did not change since, cost nothing.
    """
    account = context.glpi.account or context.glpi.login()
    by_ticket = {int(row["id"]): row for row in rows if not _is_untouched(row, account.user_id)}
    held = context.store.read(incidents.by_tickets, sorted(by_ticket))
    wanted = list(_wanted(context, held, by_ticket, shown))
    news = 0
    for start in range(0, len(wanted), TOGETHER):
        some = wanted[start : start + TOGETHER]
        histories = read_histories(context, [one.owed.incident.told.ticket_id or 0 for one in some])
        fresh = {
            one.owed.incident.id: _fresh(context, one, histories[ticket_id], account.user_id)
            for one in some
            if (ticket_id := one.owed.incident.told.ticket_id or 0) in histories
        }
        texts = _texts(context, [new for found in fresh.values() for new in found])
        for one in some:
            if one.owed.incident.id in fresh:
                news += _keep(context, one, fresh[one.owed.incident.id], texts)
    return news


def _is_untouched(row: Mapping[str, Any], own_user: int) -> bool:
    if int(row["is_deleted"]):  # this changes neither
        return False
    return row["date_mod"] == row["date_creation"] and int(row["users_id_lastupdater"] or 0) == own_user


def _wanted(
    context: Context, held: Iterable[Owed], by_ticket: Mapping[int, Mapping[str, Any]], shown: Mapping[int, look.Shown]
) -> Iterator[_Changed]:
    for owed in held:
        source = context.sources.get(owed.incident.source)
        ticket_id = owed.incident.told.ticket_id or 0
        if source is None or source.zabbix is None or not source.news.kinds:
            continue
        if look.is_anothers(shown[ticket_id], owed.incident.marker):
            continue
        date_mod = str(by_ticket[ticket_id]["date_mod"])
        if date_mod != owed.heard.read:
            yield _Changed(owed, source, date_mod)


def read_histories(context: Context, ticket_ids: Sequence[int]) -> dict[int, list[Mapping[str, Any]]]:
    """Read the histories of at most 40 tickets, together, or one by one where one of them is gone.

    One that GLPI does not show is left out, and it is said.
    """
    histories = {}
    for row in _several(context, [("Ticket", id_) for id_ in ticket_ids], with_logs="true"):
        logs = row.get("_logs") or {}
        found = list(logs.values()) if isinstance(logs, dict) else list(logs)
        if all(isinstance(one, dict) and "linked_action" in one for one in found):
            histories[int(row["id"])] = found
            continue
        text = (
            "GLPI does not show the history of tickets: Zabbix gets no news of them, and none is handed over. Give the "
            "profile `logs`: read"
        )
        if context.notice(_NO_HISTORY, "GLPI", text):
            log.warning("%s", text)
    return histories


def _several(context: Context, items: Sequence[tuple[str, int]], **more: str) -> list[Mapping[str, Any]]:
    asked: dict[str, str | int] = {"get_hateoas": "false", **more}
    for place, (itemtype, id_) in enumerate(items):
        asked |= {f"items[{place}][itemtype]": itemtype, f"items[{place}][items_id]": id_}
    try:
        found: list[Mapping[str, Any]] = context.glpi.get("getMultipleItems", asked)
    except Refused as error:
        if len(items) == 1:
            log.debug("%s %d is not shown: %s", *items[0], error)
            return []
        return [row for one in items for row in _several(context, [one], **more)]
    return found


def _fresh(context: Context, one: _Changed, history: Sequence[Mapping[str, Any]], own_user: int) -> list[Happening]:
    heard, since = one.owed.heard, int(one.owed.heard.since)  # GLPI's times are whole seconds
    return [
        new
        for new in happenings(history, own_user)
        if new.id not in heard.rows and _epoch(context.glpi.to_utc(new.at)) >= since
    ]


@dataclass(frozen=True, slots=True)
class _Text:
    content: str
    is_private: bool
    author: str


def _texts(context: Context, fresh: Sequence[Happening]) -> dict[tuple[str, int], _Text]:
    """Read followups and solutions, with who wrote those that came by mail; one that is gone by now is left out."""
    wanted = sorted({new.child for new in fresh if new.child is not None})
    rows = {(FOLLOWUP if "is_private" in row else SOLUTION, int(row["id"])): row for row in _all(context, wanted)}
    # the history of what came by mail names GLPI's job alone
    by_mail = {new.child for new in fresh if not new.author}
    writers = {int(row["users_id"] or 0) for child, row in rows.items() if child in by_mail} - {0}
    names = {int(row["id"]): _name(row) for row in _all(context, [("User", id_) for id_ in sorted(writers)])}
    return {
        child: _Text(
            content=str(row["content"] or ""),
            is_private=bool(int(row.get("is_private") or 0)),
            author=names.get(int(row["users_id"] or 0), "") if child in by_mail else "",
        )
        for child, row in rows.items()
    }


def _all(context: Context, items: Sequence[tuple[str, int]]) -> Iterator[Mapping[str, Any]]:
    for start in range(0, len(items), TOGETHER):
        yield from _several(context, items[start : start + TOGETHER])


def _name(user: Mapping[str, Any]) -> str:
    """Name a person as GLPI does by default."""
    whole = " ".join(str(user[part]) for part in ("realname", "firstname") if user.get(part))
    return whole or str(user["name"])


def _keep(context: Context, one: _Changed, fresh: Sequence[Happening], texts: Mapping[tuple[str, int], _Text]) -> int:
    """Owe the news to the events that are open, else to the last to end; what is not wanted is heard all the same."""
    now = context.now()
    events = _listeners(one.owed)
    told = [news for new in fresh if (news := _news(context, new, texts)) is not None and _is_wanted(one.source, news)]
    words = [_word(context, one, event, news) for news in told for event in events]
    changed = _epoch(context.glpi.to_utc(one.date_mod))
    read = one.date_mod if changed < now - _UNDER_WAY else ""
    context.store.write(incidents.hear, one.owed.incident.id, [new.id for new in fresh], words, read, now)
    return len(told)


def _listeners(owed: Owed) -> list[Event]:
    said = [event for event in owed.incident.events if event.announced]
    still_open = [event for event in said if event.is_open]
    return still_open or sorted(said, key=lambda event: (_epoch(event.recovered_at), event.eventid))[-1:]


def _news(context: Context, new: Happening, texts: Mapping[tuple[str, int], _Text]) -> News | None:
    """None: a followup that is gone by now, or that some bridge wrote (under another account, say)."""
    held = None if new.child is None else texts.get(new.child)
    if (new.kind is NewsKind.FOLLOWUP and held is None) or (held is not None and _is_a_bridges(new, held.content)):
        return None
    text = plain(held.content) if held is not None else ""
    return News(
        id=new.id,
        kind=new.kind,
        at=context.glpi.to_utc(new.at),
        author=new.author or (held.author if held is not None else ""),
        to=new.to,
        text=text if len(text) <= _LONGEST else text[:_LONGEST] + "…",
        is_private=held is not None and held.is_private,
    )


def _is_a_bridges(new: Happening, content: str) -> bool:
    """Tell whether a text ends with a marker; one that came by mail may end with a ticket's text, quoted."""
    return bool(new.author) and plain(content).rpartition("\n")[2] in markers(content)


def _is_wanted(source: Source, news: News) -> bool:
    return news.kind in source.news.kinds and (source.news.private or not news.is_private)


def _word(context: Context, one: _Changed, event: Event, news: News) -> Word:
    ticket_id = one.owed.incident.told.ticket_id
    link = context.ticket_link.replace("{id}", str(ticket_id))
    text = context.rules.text(Text.NEWS, event, ticket_id=ticket_id, ticket_link=link, news=news).text
    is_solved = news.kind is NewsKind.SOLVED
    wanted = one.source.news
    return Word(
        id=news.id,
        eventid=event.eventid,
        text=text,
        acknowledges=is_solved and wanted.acknowledge_solved,
        closes=is_solved and wanted.close_solved and event.is_open,
    )


def _epoch(moment: datetime | None) -> float:
    return (moment or datetime.fromtimestamp(0, UTC)).timestamp()
