"""`site data`: the public files that the sites search at once: categories, what files are taken, titles of articles."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from glpi_bridge import http
from glpi_bridge.address import glpi_url
from glpi_bridge.errors import Refused
from glpi_bridge.glpi.client import Credentials, Glpi
from glpi_bridge.secret import Secret

from .build import put
from .settings import Reader

_INHERITED: Final = -2
_GLPI_10: Final = {"most": 5, "comment": 0}


def refresh(reader: Reader, out: Path) -> dict[str, int]:
    """Read categories and articles from GLPI into `out`/data; return how many there are of each.

    Articles are those that the Self-Service account may open: each is opened once, as a list of GLPI shows more. Raises
    BridgeError as every call to GLPI.
    """
    with _client(reader, reader.user_token_file) as glpi:
        catalog = read_catalog(glpi)
    account = reader.self_service_token_file or reader.user_token_file
    with _client(reader, account) as glpi:
        articles = read_articles(glpi)
    for name, value in (("catalog", catalog), ("kb", {"articles": articles})):
        put(out / "data" / f"{name}.json", f"{json.dumps(value, ensure_ascii=False, sort_keys=True)}\n".encode())
    return {"categories": len(catalog["categories"]), "articles": len(articles)}


def _client(reader: Reader, token: Secret) -> Glpi:
    app = reader.app_token_file.read() if reader.app_token_file else ""
    return Glpi(glpi_url(reader.url), lambda: Credentials(user_token=token.read(), app_token=app), http.session())


def read_catalog(glpi: Glpi) -> dict[str, Any]:
    """Return categories and the limits of files; nothing that names a person, host or ticket."""
    categories = [
        {
            "id": row["id"],
            "path": row["completename"],
            "entity": row["entities_id"],
            "recursive": bool(row["is_recursive"]),
            "helpdesk": bool(row["is_helpdeskvisible"]),
            "incident": bool(row["is_incident"]),
            "request": bool(row["is_request"]),
        }
        for row in glpi.rows("ITILCategory")
    ]
    surveys = {str(number): rule for number, rule in _surveys(glpi).items()}
    ordered = sorted(categories, key=lambda one: str(one["path"]))
    return {"categories": ordered, "surveys": surveys, "upload": _upload(glpi)}


def _surveys(glpi: Glpi) -> dict[int, dict[str, int]]:
    """Return the rule of each entity whose survey differs from GLPI 10's: highest rate, up to which words are wanted.

    An entity's own rule is that of the nearest one above with a survey of its own (`inquest_config` -2 is inherited).
    """
    try:
        entities = {int(row["id"]): row for row in glpi.rows("Entity")}
    except Refused:
        return {}
    rules = {}
    for number, entity in entities.items():
        at = entity
        while at.get("inquest_config") == _INHERITED and at["entities_id"] in entities and at["id"] != 0:
            at = entities[at["entities_id"]]
        rule = {"most": at.get("inquest_max_rate") or 5, "comment": at.get("inquest_mandatory_comment") or 0}
        if rule != _GLPI_10:
            rules[number] = rule
    return rules


def _upload(glpi: Glpi) -> dict[str, Any]:
    config = glpi.get("getGlpiConfig").get("cfg_glpi", {})
    largest = int(config.get("document_max_size") or 2) * 1_000_000
    try:
        rows = glpi.rows("DocumentType")
    except Refused:
        return {"bytes": largest, "extensions": []}  # GLPI says itself which it does not take
    endings = sorted(
        {str(row["ext"]).lower() for row in rows if row["is_uploadable"] and not str(row["ext"]).startswith("/")}
    )
    return {"bytes": largest, "extensions": endings}


def read_articles(glpi: Glpi) -> list[dict[str, Any]]:
    """Return id and title of every article of the FAQ that this account may open."""
    found = []
    try:
        listed = glpi.rows("KnowbaseItem")
    except Refused:
        return []
    for row in listed:
        if not row.get("is_faq"):
            continue
        try:
            one = glpi.get(f"KnowbaseItem/{int(row['id'])}")
        except Refused:
            continue
        found.append({"id": one["id"], "title": one["name"], "keywords": ""})
    return sorted(found, key=lambda one: str(one["title"]))
