"""Files of tickets: sent with a followup (multipart), listed on the ticket, handed out [15/020-033][13/005-010]."""

from __future__ import annotations

import hashlib
import json
import mimetypes
import re
import secrets
from email.parser import BytesParser
from email.policy import HTTP
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from . import access
from .answers import Answer, Failed
from .course import FaultyCourse
from .http import Request
from .itemtypes import ITIL
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
    kept: Row = {}
    for field, name, data in files:
        if name.rpartition(".")[2].lower() not in TAKEN or not data:
            if not act.world.dialect.encodes:
                return Answer.html("<!DOCTYPE html><html><head><title>Error - GLPI</title></head></html>", 500)
            made["message"] = f"File {name} not found."
            continue
        store(act.world, act, itemtype, made["id"], name, data)
        if not kept:  # of several GLPI shows the first one only [15/025]
            kept[field] = [_shown(act.world, field, name, data)]
            made["message"] = "Document copy succeeded."
    return Answer(201, Answer.json({**made, "upload_result": kept or []}).body, answer.headers)


def _shown(world: World, field: str, name: str, data: bytes) -> Row:
    """Return a file as `upload_result` shows it [15/024-026]."""
    mark = f"{secrets.token_hex(7)}.{secrets.randbelow(10**8):08}"
    where = "apirest.php" if world.dialect.encodes else "index.php"
    kept = f"{mark}{world.dialect.stored(name)}"
    base = world.settings.url_base
    return {
        "name": kept, "size": len(data), "type": _type(name), "url": f"{base}/files/{quote(kept)}",
        "deleteUrl": f"{base}/{where}?file={quote(kept)}", "deleteType": "DELETE", "prefix": mark,
        "display": world.dialect.stored(name), "filesize": f"{len(data)} B",
        "id": f"doc{field}{secrets.randbelow(10**10)}",
    }  # fmt: skip


def _type(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def store(world: World, act: Act, itemtype: str, items_id: int, name: str, data: bytes) -> int:
    """Keep a file and hang it on an item; one that is there already is hung up again, under its new name."""
    documents = world.db["Document"]
    digest = hashlib.sha1(data, usedforsecurity=False).hexdigest()
    number = next((i for i in documents.ids if documents.value(i, "sha1sum") == digest), None)
    ending = name.rpartition(".")[2].upper()
    row: Row = {"filename": world.dialect.stored(name), "mime": _type(name), "date_mod": act.now}
    if number is None:
        row |= {
            "name": f"Document {items_id}", "users_id": act.caller.users_id, "date_creation": act.now,
            "sha1sum": digest, "filepath": f"{ending}/{digest[:2]}/{digest[2:]}.{ending}",
            "tag": f"{secrets.token_hex(4)}-{secrets.token_hex(4)}-{secrets.token_hex(7)}",
        }  # fmt: skip
        number = documents.insert(row)
        world.files[number] = data
    else:
        documents.update(number, row)
    links = world.db["Document_Item"]
    if number not in {links.value(i, "documents_id") for i in links.children("parent", (itemtype, items_id))}:
        links.insert(
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
            extra = {
                "assocID": link, "assocdate": links.value(link, "date_mod"), "entityID": 0, "entity": "Root entity",
                "headings": None,
            }  # fmt: skip
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
    known = itemtype in ITIL and item in world.db[itemtype].rows
    sees = known and access.sees_itil(world.db, caller, itemtype, item)
    if not sees or number not in {row["id"] for row in of_item(world, itemtype, item)}:
        return Answer.html(page, refused)
    row = world.db["Document"].full(number)
    name = world.dialect.shown(str(row["filename"]), sanitized=False)
    attached = "" if str(row["mime"]).startswith("image/") else "attachment; "
    named = f"{attached}filename=\"{ascii_name(name)}\"; filename*=utf-8''{quote(name)}"
    headers = {"Content-Disposition": named, "Cache-Control": "private"}
    kind = f"{row['mime']};charset=UTF-8" if str(row["mime"]).startswith("text/") else str(row["mime"])
    part = re.fullmatch(r"bytes=(\d+)-(\d+)", request.headers.get("range", ""))
    if part is None or not world.dialect.encodes:  # 11 does not look at it [15/033]
        return Answer(200, world.files[number], headers, kind)
    whole = world.files[number]
    first, last = int(part[1]), min(int(part[2]), len(whole) - 1)
    return Answer(
        206, whole[first : last + 1], {**headers, "Content-Range": f"bytes {first}-{last}/{len(whole)}"}, kind
    )


def ascii_name(name: str) -> str:
    """Return a file's name as a header can carry it."""
    return name.encode("ascii", "replace").decode().replace('"', "'")
