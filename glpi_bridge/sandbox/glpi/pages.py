"""Two pages to look at: the list of tickets and one ticket with its timeline."""

from __future__ import annotations

from datetime import datetime, timedelta
from html import escape
from typing import Any, Final

from .access import actors
from .answers import Answer
from .recorded import Row
from .world import World

STATUS: Final = {
    1: "New",
    2: "Processing (assigned)",
    3: "Processing (planned)",
    4: "Pending",
    5: "Solved",
    6: "Closed",
}
LEVEL: Final = {1: "Very low", 2: "Low", 3: "Medium", 4: "High", 5: "Very high", 6: "Major"}
ROLE: Final = {1: "Requester", 2: "Assigned", 3: "Observer"}
NEWEST: Final = 200
RUNNING: Final = 2
STUCK_AFTER: Final = timedelta(hours=2)
_STYLE: Final = """
body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:72rem;padding:1rem;color:#1d2733;background:#f6f7f9}
h1{font-size:1.4rem}
table{border-collapse:collapse;width:100%;background:#fff}
td,th{border-bottom:1px solid #d8dee6;padding:.5rem;text-align:left}
article{background:#fff;border:1px solid #d8dee6;border-radius:.4rem;margin:1rem 0;padding:1rem}
article header{color:#526070;font-size:.9rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem}
dt{color:#526070}
pre{white-space:pre-wrap;font:inherit;margin:.5rem 0 0}
"""


def answer_page(world: World, path: str, query: Row) -> Answer:
    """Answer a browser: the list, a ticket, or 404."""
    if path in {"/", "/front/ticket.php"}:
        return Answer.html(_page("Tickets", _list(world)))
    if path.endswith("/status.php") and query.get("format") == "json":
        return Answer.json({"glpi": {"status": "OK"}, "crontasks": _actions(world)})
    if path == "/front/ticket.form.php":
        number = str(query.get("id", ""))
        if number.isdigit() and int(number) in world.db["Ticket"].rows:
            ticket = world.db["Ticket"].full(int(number))
            return Answer.html(_page(f"Ticket {number}", _ticket(world, ticket)))
    return Answer.html(_page("Not found", f"<p>There is no page {escape(path)} here.</p>"), 404)


def _actions(world: World) -> Row:
    """Tell which automatic actions are stuck: at work for two hours (measured on 10.0.19 and 11.0.6)."""
    table = world.db["CronTask"]
    limit = parsed(world.now()) - STUCK_AFTER
    stuck = [
        row["name"]
        for row in (table.full(id_) for id_ in table.ids)
        if row["state"] == RUNNING and parsed(row["lastrun"]) < limit
    ]
    return {"status": "PROBLEM" if stuck else "OK", "stuck": stuck}


def parsed(text: str) -> datetime:
    """Read a time as GLPI writes it."""
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007  # GLPI's dates carry no zone


def _page(title: str, body: str) -> str:
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{title} - GLPI stand-in</title>"
    )
    return (
        f'<!DOCTYPE html><html lang="en"><head>{head}<style>{_STYLE}</style></head>'
        f"<body><main><h1>{title}</h1>{body}</main></body></html>"
    )


def _text(world: World, value: Any) -> str:
    return escape(world.dialect.shown(str(value or ""), sanitized=False))


def _list(world: World) -> str:
    table = world.db["Ticket"]
    rows = "".join(_line(world, table.full(i)) for i in reversed(table.ids[-NEWEST:]))
    head = "".join(
        f'<th scope="col">{name}</th>' for name in ("Number", "Title", "Status", "Urgency", "Category", "Opened")
    )
    note = f"<p>The stand-in for GLPI {world.version}: {len(table.ids)} tickets, the newest {NEWEST} are shown.</p>"
    return f"{note}<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _line(world: World, ticket: Row) -> str:
    link = f'<a href="/front/ticket.form.php?id={ticket["id"]}">{_text(world, ticket["name"]) or "(no title)"}</a>'
    cells = (str(ticket["id"]), link, _status(ticket), LEVEL.get(ticket["urgency"], "?"), _category(world, ticket))
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in (*cells, escape(str(ticket['date']))))}</tr>"


def _status(ticket: Row) -> str:
    return STATUS.get(ticket["status"], str(ticket["status"])) + (" (in the trash)" if ticket["is_deleted"] else "")


def _category(world: World, ticket: Row) -> str:
    categories = world.db["ITILCategory"]
    number = ticket["itilcategories_id"]
    return _text(world, categories.value(number, "completename")) if number in categories.rows else "-"


def _ticket(world: World, ticket: Row) -> str:
    facts = {
        "Title": _text(world, ticket["name"]),
        "Status": _status(ticket),
        "Urgency": LEVEL.get(ticket["urgency"], "?"),
        "Priority": LEVEL.get(ticket["priority"], "?"),
        "Category": _category(world, ticket),
        "Opened": escape(str(ticket["date"])),
        "Solved": escape(str(ticket["solvedate"] or "-")),
        "Actors": escape(", ".join(_actors(world, ticket["id"])) or "-"),
    }
    listed = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in facts.items())
    entries = [_entry(world, "Description", ticket["users_id_recipient"], ticket["date"], ticket["content"])]
    for itemtype, label in (("ITILFollowup", "Followup"), ("ITILSolution", "Solution")):
        table = world.db[itemtype]
        for i in table.children("parent", ("Ticket", ticket["id"])):
            row = table.full(i)
            kind = "Private followup" if row.get("is_private") else label
            entries.append(_entry(world, kind, row["users_id"], row["date_creation"], row["content"]))
    timeline = f'<section aria-label="Timeline">{"".join(entries)}</section>'
    return f'<p><a href="/">All tickets</a></p><dl>{listed}</dl>{timeline}'


def _actors(world: World, ticket: int) -> list[str]:
    found = []
    for kind, who, role in sorted(actors(world.db, "Ticket", ticket), key=lambda a: a[2]):
        users = kind == "user" and who in world.db["User"].rows
        name = world.friendly_name(who) if users else str(world.db["Group"].rows.get(who, {}).get("name", who))
        found.append(f"{ROLE.get(role, role)}: {name}")
    return found


def _entry(world: World, kind: str, user: int, date: Any, content: Any) -> str:
    who = world.friendly_name(user) if user in world.db["User"].rows else str(user)
    header = f"<header>{kind}, {escape(who)}, {escape(str(date))}</header>"
    return f"<article>{header}<pre>{_text(world, content)}</pre></article>"
