"""Files of tickets: sent with a followup (multipart), listed on the ticket, handed out [15/020-033][13/005-010]."""

from __future__ import annotations

import hashlib
import json
import mimetypes
from email.parser import BytesParser
from email.policy import HTTP
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from . import access
from .answers import Answer, Failed
from .course import FaultyCourse
from .http import Request
from .recorded import Row
from .writing import Act

if TYPE_CHECKING:
    from .lists import Lists
    from .world import World

TAKEN: Final = frozenset(
    {
        "bmp", "csv", "doc", "docx", "gif", "gz", "ics", "jpeg", "jpg", "json", "log", "md", "mp4", "odp", "ods", "odt",
        "pdf", "png", "ppt", "pptx", "rtf", "sql", "tar", "tif", "tiff", "txt", "webp", "xls", "xlsx", "xml", "zip",
    }
)  # fmt: skip
"""Endings of files that this GLPI takes, as a fresh one does."""


def parts(request: Request) -> tuple[Row, list[tuple[str, str, bytes]]]:
    """Return the manifest's input and the files (field, name, bytes) of a multipart body."""
    head = b"Content-Type: " + request.headers["content-type"].encode("latin-1") + b"\r\n\r\n"
    message: Any = BytesParser(policy=HTTP).parsebytes(head + request.body)
    given: Row = {}
    files = []
    for part in message.iter_parts():
        field = str(part.get_param("name", header="content-disposition") or "")
        data = part.get_payload(decode=True) or b""
        if field == "uploadManifest":
            given = json.loads(data)
        elif part.get_filename() is not None:
            files.append((field, part.get_filename(), data))
    return given, files


def create_with_files(lists: Lists, act: Act, course: FaultyCourse, itemtype: str) -> Answer:
    """Add a followup and its files: 10 leaves out what it refuses under 201, 11 breaks off with a page under 500."""
    try:
        given, files = parts(course.request)
    except (ValueError, LookupError):
        raise Failed(400, "ERROR_JSON_PAYLOAD_INVALID", "JSON payload seems not valid") from None
    answer = lists.create(act, course, itemtype, itemtype, given)
    made = json.loads(answer.body)
    refused = ""
    kept: Row = {}
    for field, name, data in files:
        if name.rpartition(".")[2].lower() not in TAKEN or not data:
            refused = name
            if not act.world.dialect.encodes:
                return Answer.html("<!DOCTYPE html><html><head><title>Error - GLPI</title></head></html>", 500)
            continue
        store(act.world, act, itemtype, made["id"], name, data)
        kept[field] = [{"name": name, "size": len(data), "type": _type(name), "display": name}]
    said = f"File {refused} not found." if refused else made["message"]
    return Answer(201, Answer.json({"id": made["id"], "message": said, "upload_result": kept}).body, answer.headers)


def _type(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def store(world: World, act: Act, itemtype: str, items_id: int, name: str, data: bytes) -> int:
    """Keep a file and hang it on an item."""
    row = {
        "name": f"Document {items_id}", "filename": world.dialect.stored(name), "mime": _type(name),
        "users_id": act.caller.users_id, "date_creation": act.now, "date_mod": act.now,
        "sha1sum": hashlib.sha1(data, usedforsecurity=False).hexdigest(),
    }  # fmt: skip
    number = world.db["Document"].insert(row)
    world.files[number] = data
    world.db["Document_Item"].insert(
        {
            "documents_id": number, "itemtype": itemtype, "items_id": items_id, "users_id": act.caller.users_id,
            "date": act.now, "date_creation": act.now, "date_mod": act.now,
        }
    )  # fmt: skip
    return number


def of_item(world: World, itemtype: str, items_id: int) -> list[Row]:
    """Return the documents of a ticket and of what was said on it, as `with_documents` shows them [15/021]."""
    holders = [(itemtype, items_id)]
    for child in ("ITILFollowup", "ITILSolution"):
        holders += [(child, i) for i in world.db[child].children("parent", (itemtype, items_id))]
    links = world.db["Document_Item"]
    found = []
    for link in sorted(i for holder in holders for i in links.children("parent", holder)):
        number = links.value(link, "documents_id")
        if number in world.db["Document"].rows:
            row = world.db["Document"].full(number)
            extra = {"assocID": link, "assocdate": links.value(link, "date"), "entityID": 0, "entity": "Root entity"}
            found.append({**extra, **row, "filename": world.dialect.shown(str(row["filename"]), sanitized=False)})
    return found


def send(world: World, request: Request, query: Row) -> Answer:
    """Hand out a file to who may see its ticket; a page without Content-Disposition otherwise."""
    refused = 200 if world.dialect.encodes else 403
    page = "<!DOCTYPE html><html><head><title>Access denied - GLPI</title></head></html>"
    entered = world.sessions.enter(request.headers.get("session-token", ""))
    if entered is None:
        return Answer.html(page, refused)
    world.sessions.leave(entered)
    caller = world.caller(entered.session)
    number, itemtype = int(query.get("docid", 0)), str(query.get("itemtype", ""))
    item = int(query.get("items_id", 0))
    if number not in world.files:
        return Answer.html(page, 200 if world.dialect.encodes else 404)
    sees = item in world.db[itemtype].rows and access.sees_itil(world.db, caller, itemtype, item)
    if not sees or number not in {row["id"] for row in of_item(world, itemtype, item)}:
        return Answer.html(page, refused)
    row = world.db["Document"].full(number)
    name = world.dialect.shown(str(row["filename"]), sanitized=False)
    headers = {"Content-Disposition": f"attachment; filename*=utf-8''{quote(name)}", "Cache-Control": "private"}
    return Answer(200, world.files[number], headers, str(row["mime"]))
