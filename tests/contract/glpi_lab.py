"""What was done by hand in the lab between the recorded requests: prepared tickets, settings, collected sessions."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glpi_bridge.sandbox.glpi import Fault, FaultKind
from glpi_bridge.sandbox.glpi import documents as documents_of
from glpi_bridge.sandbox.glpi.dialect import Dialect
from glpi_bridge.sandbox.glpi.itemtypes import FOREIGN_KEYS, RENAMED

if TYPE_CHECKING:
    from tests.contract.glpi_player import Player

USERS = {"bridge": 7, "bridge2": 7, "glpi": 2, "technician": 9, "enduser": 8, "enduser2": 10}
FOREIGN = {**FOREIGN_KEYS, "tickets_id_1": "Ticket", "tickets_id_2": "Ticket"}
FIXED = {
    "User",
    "Entity",
    "Group",
    "Profile",
    "ITILCategory",
    "Location",
    "RequestType",
    "Computer",
    "NetworkEquipment",
}


@dataclass(frozen=True)
class Traits:
    """How a request was sent; `source` is the client's address."""

    source: str = ""


def renamed(itemtype: str) -> str:
    """Return the present name of an itemtype."""
    return RENAMED.get(itemtype, itemtype)


def prepare(player: Player, name: str) -> Traits:
    """Do what was done before a record."""
    for prefix, deed in BEFORE.items():
        if name.startswith(prefix) and name[len(prefix) : len(prefix) + 1] in {"", "-"}:
            deed(player)
    prepare_mentioned(player, name)
    align(player, name)
    if not name.startswith(("01-session/018", "01-session/019")):
        return Traits()
    _, response = load(player.version, name)
    return Traits(source=response["json"][1].split("(")[1].rstrip(")"))


def login(credentials: str) -> str:
    """Return the credentials behind a placeholder; some records hide whose they are."""
    return "enduser:End-lab-1" if credentials == "u:p" else credentials


def tidy(player: Player, name: str) -> None:
    """Undo what was only meant for one record."""
    for prefix, deed in AFTER.items():
        if name.startswith(prefix):
            deed(player)


def _set(**settings: Any) -> Callable[[Player], None]:
    return lambda player: player.server.set(**settings)


def _collect(who: str) -> Callable[[Player], None]:
    def deed(player: Player) -> None:
        player.server.world.sessions.files.pop(player.session(who), None)

    return deed


def _renew(who: str) -> Callable[[Player], None]:
    return lambda player: (player.tokens.pop(who, None), None)[1]


def ticket(player: Player, recorded: int, **fields: Any) -> int:
    """Prepare a ticket that has the recorded number, by user 2 unless `user` says otherwise."""
    user = fields.pop("user", 2)
    status, later_user = fields.pop("then", None), fields.pop("then_user", user)
    ours = player.server.people.create(user=user, **{"name": "upd", "content": "x", **fields})
    if status is not None:
        player.server.people.set_status(ours, status, user=later_user)
    player.ids["Ticket", recorded] = ours
    return ours


def found(player: Player, itemtype: str, name: str) -> int:
    """Return the newest row of a name."""
    table = player.server.world.db[itemtype]
    return next(i for i in reversed(table.ids) if table.value(i, "name") == name)


def prepare_mentioned(player: Player, name: str) -> None:
    """Prepare the tickets that a record mentions and nobody has recorded the creation of."""
    folder, _, base = name.partition("/")
    if folder not in PREPARED:
        return
    for recorded in mentioned(player, name):
        known = ("Ticket", recorded) in player.ids or recorded in player.server.world.db["Ticket"].rows
        if folder in {"05-ticket-update", "06-timeline"}:
            known = ("Ticket", recorded) in player.ids
        if not known and recorded < MISSING:
            player.prepared[folder] = player.prepared.get(folder, 0) + 1
            traits = {**PREPARED[folder], **ORDINALS.get(folder, {}).get(player.prepared[folder], {})}
            if name == "05-ticket-update/041-bulk-by-someone-without-right":
                traits |= {"_users_id_requester": 8} if recorded == mentioned(player, name)[-1] else {}
            traits |= RECORDS.get(f"{folder}/{base[:3]}", {})
            if not player.version.startswith("10."):
                traits |= RECORDS_OF_11.get(f"{folder}/{base[:3]}", {})
            ticket(player, recorded, **traits)


def align(player: Player, name: str) -> None:
    """Let other people have used up the ids between ours and the recorded one."""
    request, response = load(player.version, name)
    if request["method"] != "POST" or response["status"] not in {201, 207}:
        return
    rows = response["json"]
    rows = rows[1] if rows and isinstance(rows, list) and isinstance(rows[0], str) else rows
    first = next((one["id"] for one in (rows if isinstance(rows, list) else [rows]) if one.get("id")), 0)
    itemtype = renamed([part for part in request["path"].split("/") if part[:1].isupper()][-1])
    table = player.server.world.db[itemtype]
    table.next_id = max(table.next_id, first)


def mentioned(player: Player, name: str) -> list[int]:
    """Return the recorded ids of the tickets that a request is about."""
    request, _ = load(player.version, name)
    found = [int(n) for n in re.findall(r"/Ticket/(\d+)", request["path"])]
    body = request.get("json") if isinstance(request.get("json"), dict) else {}
    if "multipart" in request:
        body = _manifest(request)
    given = body.get("input") if isinstance(body, dict) else None
    for one in given if isinstance(given, list) else [given]:
        if not isinstance(one, dict):
            continue
        found += [one[key] for key in ("tickets_id", "tickets_id_1", "tickets_id_2") if isinstance(one.get(key), int)]
        if one.get("itemtype") == "Ticket" and isinstance(one.get("items_id"), int):
            found.append(one["items_id"])
        if request["method"] in {"PUT", "DELETE"} and request["path"].endswith("/Ticket") and "id" in one:
            found.append(one["id"])
        if isinstance(one.get("_link"), dict):
            found.append(one["_link"].get("tickets_id_2"))
    return [number for number in found if number]


def _manifest(request: dict[str, Any]) -> dict[str, Any]:
    try:
        return dict(json.loads(request["multipart"]["uploadManifest"]["content"]))
    except ValueError:
        return {}


def load(version: str, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read request and response of a recording."""
    path = Path(__file__).parent / "recordings" / f"glpi-{version}" / f"{name}.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    return data["request"], data["response"]


MISSING = 900_000
PREPARED: dict[str, dict[str, Any]] = {
    "05-ticket-update": {"name": "upd"},
    "06-timeline": {"name": "timeline"},
    "11-failure": {"name": "failure"},
    "07-document": {"name": "with files"},
    "08-end-user": {"name": "of nobody"},
    "15-frontend": {"name": "record sv", "user": 8, "_users_id_requester": 8},
}
ORDINALS: dict[str, dict[int, dict[str, Any]]] = {
    "05-ticket-update": {3: {"_users_id_requester": 8}},
    "06-timeline": {1: {"_users_id_requester": 8, "user": 7}},
}
RECORDS: dict[str, dict[str, Any]] = {
    "06-timeline/024": {"then": 4},
    "06-timeline/025": {"then": 5},
    "06-timeline/026": {"status": 6},
    "06-timeline/027": {"status": 4, "_users_id_requester": 8},
    "06-timeline/040": {"user": 7},
    "08-end-user/036": {"user": 8, "_users_id_requester": 8},
    "06-timeline/060": {"user": 7},
    "06-timeline/034": {"_users_id_requester": 8},
    "06-timeline/035": {"_users_id_requester": 8},
    "06-timeline/037": {"_groups_id_assign": 1},
}


RECORDS_OF_11: dict[str, dict[str, Any]] = {
    "05-ticket-update/051": {"then": 3, "then_user": 7},
    "06-timeline/025": {"status": 5, "then": None},
}


def _keys(player: Player) -> None:
    for number, host in ((349, "49"), (350, "0"), (351, "1")):
        player.server.people.create(user=2, name=f"[ZBX-572440209{number}] Disk is full on host{host}", content="x")
    player.server.people.create(user=2, name="[KEY-Abc] case", content="x")


def _close_039(player: Player) -> None:
    if not player.version.startswith("10."):
        return
    number = mentioned(player, "06-timeline/039-reopen-closed.2-plain-followup")[0]
    player.server.people.set_status(player.ids["Ticket", number], 6, user=7)


def _close_at_once_on_11(player: Player) -> None:
    if not player.version.startswith("10."):
        player.server.people.edit(0, itemtype="Entity", user=2, autoclose_delay=0)


class Clock:
    """The lab's time: real, and a little later after each pause that made rows sort."""

    def __init__(self) -> None:
        self.shift = 0.0

    def __call__(self) -> float:
        return time.time() + self.shift


def _long_names_on_11(player: Player) -> None:
    if not player.version.startswith("10."):
        player.clock.shift += 2
        for name in ("N" * 255, "🔥" * 255, "a" * 250 + "&&&&&"):
            player.server.people.create(user=7, name=name, content="x")


def _first_links_on_11(player: Player) -> None:
    if not player.version.startswith("10."):
        for number in (98, 99, 100, 101):
            ticket(player, number, name="timeline")
        for first, second, kind in ((97, 98, 1), (99, 97, 2), (100, 97, 3), (101, 98, 1)):
            _link(player, first, second, kind)


def _link(player: Player, first: int, second: int, kind: int) -> None:
    ids = [player.ids.get(("Ticket", number), number) for number in (first, second)]
    player.server.people.create(user=7, itemtype="Ticket_Ticket", tickets_id_1=ids[0], tickets_id_2=ids[1], link=kind)


def _upgrade(player: Player) -> None:
    world = player.server.world
    world.dialect = Dialect(player.version, upgraded=True)
    old = {"name": "R&#38;D &#60;x&#62; old", "content": "&#60;p&#62;a &#38; b &#38;lt; c&#60;/p&#62;\nzabbix prod/555"}
    dates = {"date": world.now(), "date_mod": world.now(), "date_creation": world.now()}
    by = {"users_id_recipient": 7, "users_id_lastupdater": 7, "urgency": 5, "priority": 4}
    player.ids["Ticket", 5530] = world.db["Ticket"].insert({**old, **dates, **by})
    text = "load &lt; 5 &amp; &lt;script&gt;alert(1)&lt;/script&gt;\nzabbix prod/1"
    ticket(player, 5531, user=7, name="A &lt;b&gt; B", content=text)
    ticket(player, 5532, user=7, name="C", content="<p>load &lt; 5 &amp; &lt;b&gt;</p>\nzabbix prod/2")


def _ask_everybody(player: Player) -> None:
    player.server.people.edit(0, itemtype="Entity", user=2, inquest_config=1, inquest_rate=100)


def _solve_screen(player: Player) -> None:
    player.server.people.solve(found(player, "Ticket", "My screen flickers"), "Cable replaced")
    solutions = player.server.world.db["ITILSolution"]
    _, response = load(player.version, "08-end-user/041-solutions")
    player.ids["ITILSolution", response["json"][0]["id"]] = solutions.ids[-1]
    player.ids["ITILSolution", response["json"][0]["id"] + 1] = solutions.ids[-1] + 1


def _solve_screen_again(player: Player) -> None:
    player.server.people.solve(found(player, "Ticket", "My screen flickers"), "Replaced again")


def _forget_14(player: Player) -> None:
    if not player.version.startswith("10."):
        player.ids.pop(("Ticket", 14), None)


def _query_fails(player: Player) -> None:
    if not player.version.startswith("10."):
        player.server.order(Fault(FaultKind.QUERY_ERROR))


def _never_close(player: Player) -> None:
    player.server.people.edit(0, itemtype="Entity", user=2, autoclose_delay=-10)


def _neighbours(player: Player) -> None:
    fields = {"requesttypes_id": 7, "_users_id_requester": 8}
    player.server.people.create(user=7, name="B neighbour", content="CPU high\nzabbix prod/1234567", **fields)
    trashed = player.server.people.create(user=7, name="B trashed", content="CPU high\nzabbix prod/123457", **fields)
    player.server.people.delete(trashed)


def _change(player: Player) -> None:
    _renew("bridge")(player)
    for itemtype in ("Problem", "Change"):
        player.server.people.create(user=7, itemtype=itemtype, name="A5", content="x")
    player.server.people.create(user=7, itemtype="Change_Problem", changes_id=1, problems_id=1)


def _followups(player: Player) -> None:
    request, _ = load(player.version, "12-fence/122-followups-of-ticket-newest-first")
    recorded = int(request["path"].split("/")[3])
    ours = ticket(player, recorded, name="F", user=7)
    for i in range(80):
        player.server.people.reply(ours, f"f {i}\nzabbix prod/500001/u{i}", user=7, private=True)


def _trash_external(player: Player) -> None:
    player.server.people.delete(found(player, "Ticket", "ext one"))


def _may_see_tasks_and_ask(player: Player) -> None:
    """Give the bridge's profile what `provision glpi` gives it since."""
    player.server.world.db["Profile"].update(9, {"task": 8193, "changevalidation": 4})
    _renew("bridge")(player)


def _kill(player: Player) -> None:
    token = player.session("bridge")
    player.server.world.sessions.files.pop(token, None)


def _dump(player: Player) -> None:
    _renew("bridge")(player)
    _renew("bridge2")(player)
    player.session("bridge")
    player.server.fill(3)
    player.server.people.create(user=7, name="C dbg1", content="x")
    table = player.server.world.db["Ticket"]
    _, response = load(player.version, "14-restore/001-create-before-restore")
    table.next_id = max(table.next_id, response["json"][0]["id"])
    player.dump = player.server.snapshot()


def _restore(player: Player) -> None:
    player.session("bridge2")
    player.server.restore_backup(player.dump)


def _order(kind: FaultKind, **traits: Any) -> Callable[[Player], None]:
    return lambda player: (player.server.order(Fault(kind, **traits)), None)[1]


def _die_in_list(player: Player) -> None:
    _, response = load(player.version, "11-failure/030-database-killed-in-bulk")
    made = sum(1 for one in response["json"][1] if isinstance(one, dict) and one["id"])
    player.server.order(Fault(FaultKind.GONE_AWAY, after_items=made))


def _drop_second_group(player: Player) -> None:
    player.server.world.db["Group"].remove(found(player, "Group", "Systems"))


def _lose_sessions(player: Player) -> None:
    player.server.world.sessions.files.clear()
    player.server.set(session_folder=False)


def _stock_rest(player: Player) -> None:
    """Make what the lab has and nobody recorded: a second group, three categories, places, assets, profiles' people."""
    people = player.server.people
    people.create(user=2, itemtype="Group", name="Networks", entities_id=0, is_recursive=1)
    people.create(user=2, itemtype="Location", name="Room 1", entities_id=0, is_recursive=1)
    for name in ("Workstation", "Lab only", "Requests only"):
        people.create(user=2, itemtype="ITILCategory", name=name, entities_id=0)


def _give_profiles(player: Player) -> None:
    links = player.server.world.db["Profile_User"]
    links.insert({"users_id": 9, "profiles_id": 6, "entities_id": 0, "is_recursive": 1})


def _many_keys(player: Player) -> None:
    if player.version.startswith("10."):
        for number, host in (("272282001", "1"), ("272329002", "2")):
            player.server.people.create(user=2, name=f"[ZBX-572{number}] Disk is full on host{host}", content="x")


def _purge_second_template(player: Player) -> None:
    player.server.world.db["TicketTemplate"].remove(2)


def _graph(player: Player) -> None:
    [recorded] = mentioned(player, "07-document/002-document-item-list")
    ours = ticket(player, recorded, name="with files")
    act = player.server.people.act(7)
    world = player.server.world
    if player.version.startswith("10."):
        world.db["Ticket"].update(ours, {"users_id_lastupdater": 7})
    else:
        world.timeline.itil("Ticket").touched(act, ours, {})
    documents = world.db["Document"]
    documents.next_id = 10
    number = documents_of.store(world, act, "Ticket", ours, "graph.txt", b"value;time\n95;12:00\n")
    name = "Document: Ticket - with files" if player.version.startswith("10.") else "graph"
    documents.update(number, {"name": name})
    world.db["Document_Item"].update(world.db["Document_Item"].ids[-1], {"date": None})


def _own(player: Player) -> None:
    table = player.server.world.db["Ticket"]
    rows = {4027: "C x", 4028: "C dbg1", 4029: "C own", 4031: "C body tokens", 4032: "C dbg1"}
    if not player.version.startswith("10."):
        rows = {5: "C x", 7: "with my computer", 9: "changed while fresh", 11: "without location", 14: "cors"}
    for recorded, name in rows.items():
        table.next_id = max(table.next_id, recorded)
        player.ids["Ticket", recorded] = player.server.people.create(name=name, content="x")


def _survey_of_the_entity(player: Player) -> None:
    rule = {"inquest_max_rate": 10, "inquest_mandatory_comment": 3} if not player.version.startswith("10.") else {}
    player.server.people.edit(0, itemtype="Entity", user=2, inquest_config=1, inquest_rate=100, **rule)


def _of_version(player: Player, on_10: int, on_11: int) -> int:
    return on_10 if player.version.startswith("10.") else on_11


def _picture_through_the_front(player: Player) -> None:
    _picture(player, 708)


def _picture(player: Player, recorded: int = 0) -> None:
    recorded = recorded or _of_version(player, 664, 691)
    ours = ticket(player, recorded, name="record two files", user=8, _users_id_requester=8)
    request, _ = load(player.version, "15-frontend/025-create-then-followup-with-files")
    picture = request["multipart"]["file0"]["content"].encode("latin-1")
    world = player.server.world
    number = documents_of.store(world, player.server.people.act(8), "Ticket", ours, "shot one.png", picture)
    player.ids["Document", _of_version(player, 1, 9)] = number


def _articles(player: Player) -> None:
    world, act = player.server.world, player.server.people.act(2)
    articles = world.db["KnowbaseItem"]
    dates = {"date_creation": world.now(), "date_mod": world.now()}
    articles.insert({"name": "FAQ & untargeted", "answer": "x", "is_faq": 1, **dates}, 3)
    articles.insert({"name": "FAQ self-service", "answer": "x", "is_faq": 1, **dates}, 6)
    world.db["Entity_KnowbaseItem"].insert({"knowbaseitems_id": 6, "entities_id": 0, "is_recursive": 1})
    request, _ = load(player.version, "15-frontend/025-create-then-followup-with-files")
    picture = request["multipart"]["file0"]["content"].encode("latin-1")
    world.db["Document"].remove(player.ids["Document", _of_version(player, 1, 9)])
    number = documents_of.store(world, act, "KnowbaseItem", 6, "k.png", picture)
    name = "Document: Knowledge base - FAQ self-service" if player.version.startswith("10.") else "kbimg"
    world.db["Document"].update(number, {"name": name, "tickets_id": 0})


def _problem_to_link(player: Player) -> None:
    recorded = _of_version(player, 669, 696)
    ours = ticket(player, recorded, name="record links")
    if player.version.startswith("10."):
        player.ids["Problem", 2] = player.server.people.create(user=2, itemtype="Problem", name="P", content="x")
    player.server.world.db["Item_Ticket"].insert({"tickets_id": ours, "itemtype": "Computer", "items_id": 1})


def _solved(player: Player) -> None:
    recorded = _of_version(player, 670, 697)
    ours = ticket(player, recorded, name="record sv", user=8, _users_id_requester=8, then=4, then_user=9)
    player.server.people.solve(ours, "done")
    player.ids["TicketSatisfaction", recorded] = ours
    player.ids["TicketSatisfaction", _of_version(player, 6, 10)] = player.server.world.db["TicketSatisfaction"].next_id


def _closed(player: Player) -> None:
    recorded = _of_version(player, 681, 706)
    ours = ticket(player, recorded, name="record sv", user=8, _users_id_requester=8)
    player.server.people.solve(ours, "done")
    player.ids["TicketSatisfaction", 7] = player.server.world.db["TicketSatisfaction"].next_id
    player.server.people.approve(ours)
    player.ids["TicketSatisfaction", recorded] = ours


def _expired(player: Player) -> None:
    player.server.world.db["User"].next_id = 13
    who = player.server.people.create(
        user=2, itemtype="User", name="expired", password="Exp-lab-1", password2="Exp-lab-1", _profiles_id=1
    )
    player.server.people.expire_password(who)
    player.ids["User", 13] = who


BEFORE: dict[str, Callable[[Player], None]] = {
    "07-document/002": _graph,
    "13-facade/002": _own,
    "13-facade/023": _picture_through_the_front,
    "15-frontend/001": _survey_of_the_entity,
    "15-frontend/030": _picture,
    "15-frontend/042": _articles,
    "15-frontend/050": _problem_to_link,
    "15-frontend/060": _solved,
    "15-frontend/063": _closed,
    "15-frontend/081": _expired,
    "01-session/020": _set(api_enabled=False),
    "01-session/022": _set(api_enabled=True, login_with_credentials=False),
    "01-session/023": _set(login_with_credentials=True, login_with_token=False),
    "01-session/030": _set(login_with_token=True),
    "01-session/043": lambda player: (_renew("bridge2")(player), _collect("bridge2")(player))[1],
    "01-session/045": lambda player: (player.session("enduser2"), player.server.people.deactivate(10))[1],
    "01-session/050": lambda player: player.server.people.activate(10),
    "01-session/070": _renew("bridge"),
    "06-timeline/039-reopen-closed.2": _close_039,
    "06-timeline/039-reopen-closed.1": _close_at_once_on_11,
    "06-timeline/040": _never_close,
    "06-timeline/060": _never_close,
    "06-timeline/080": _first_links_on_11,
    "03-ticket-read/001": _long_names_on_11,
    "10-cors/006": _forget_14,
    "11-failure/003": _query_fails,
    "11-failure/004": _query_fails,
    "11-failure/002-row-lock-wait-timeout": _order(FaultKind.LOCK_WAIT),
    "11-failure/010": _set(maintenance=True),
    "11-failure/013": _set(maintenance=False),
    "11-failure/020": _set(database_down=True),
    "11-failure/024": _set(database_down=False),
    "11-failure/030": _die_in_list,
    "09-admin/039": _drop_second_group,
    "11-failure/044": _lose_sessions,
    "11-failure/046": _set(session_folder=True),
    "12-fence/011": _kill,
    "12-fence/020": _renew("bridge"),
    "12-fence/100": _change,
    "12-fence/101": _neighbours,
    "12-fence/120": _followups,
    "12-fence/170": _upgrade,
    "12-fence/167": _trash_external,
    "14-restore/001": _dump,
    "17-service-levels/030": _purge_second_template,
    "19-changes/001": _may_see_tasks_and_ask,
    "14-restore/010": _restore,
    "08-end-user/002": _ask_everybody,
    "08-end-user/041": _solve_screen,
    "08-end-user/043": _solve_screen_again,
    "09-admin/006": _stock_rest,
    "09-admin/033": _give_profiles,
    "09-admin/097": _set(mail=True),
    "04-search/091": _keys,
    "04-search/093": _many_keys,
}
AFTER: dict[str, Callable[[Player], None]] = {}
