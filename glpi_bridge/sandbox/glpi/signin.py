"""Sessions from outside: sign-in, profiles, entities, configuration [01]."""

from __future__ import annotations

import base64
import binascii
import copy
from typing import Any, Final

from .administration import digest
from .answers import Answer, Failed, item_not_found
from .dialect import encode
from .http import Request
from .query import truthy
from .recorded import Row
from .sessions import Session
from .world import NO_PROFILE, World

_MAIL_SENT: Final = (
    "If the given email address corresponds to one and only one GLPI user, you will receive an email containing the "
    "information required to reset your password. Please contact your administrator if you do not receive an email."
)


_OF_A_PROFILE: Final = {
    "glpiactive_entity", "glpiactive_entity_name", "glpiactive_entity_recursive", "glpiactive_entity_shortname",
    "glpiactiveentities", "glpiactiveentities_string", "glpiactiveprofile", "glpientity_fullstructure", "glpigroups",
    "glpigroups_cache_date", "glpiparententities", "glpiparententities_string", "glpiprofiles", "glpisearch",
    "glpishowallentities",
}  # fmt: skip


class SignIn:
    """Answers every call about the session itself."""

    def __init__(self, world: World) -> None:
        self.world = world

    # -- sign in --

    def start(self, request: Request, parameters: Row, *, stripped: bool) -> Answer:
        """Open a session for a token or for login and password."""
        header = "" if stripped else request.headers.get("authorization", "")
        token = parameters.get("user_token") or _after(header, "user_token")
        if token:
            return self.opened(self.by_token(str(token)), parameters, by_token=True)
        login, password = _basic(header) or (str(parameters.get("login") or ""), str(parameters.get("password") or ""))
        if not login or not password:
            text = "parameter(s) login, password or user_token are missing"
            raise Failed(400, "ERROR_LOGIN_PARAMETERS_MISSING", text, documented=True)
        return self.opened(self.by_password(login, password), parameters)

    def by_token(self, token: str) -> int:
        """Return the active user of a token."""
        users = self.world.db["User"]
        for user, own in self.world.user_tokens.items():
            active = user in users.rows and users.value(user, "is_active") and not users.value(user, "is_deleted")
            if own == token and active and self.world.settings.login_with_token:
                return user
        raise Failed(401, "ERROR_GLPI_LOGIN_USER_TOKEN", "parameter user_token seems invalid")

    def by_password(self, login: str, password: str) -> int:
        """Return the active user of a login and password."""
        if not self.world.settings.login_with_credentials:
            text = "usage of initSession resource with credentials is disabled"
            raise Failed(400, "ERROR_LOGIN_WITH_CREDENTIALS_DISABLED", text)
        users = self.world.db["User"]
        for user in users.ids:
            if users.value(user, "name") == login and self.world.passwords.get(user) == digest(password):
                if not users.value(user, "is_active"):
                    text = "You don't have access to this application because your account was deactivated or removed"
                    raise Failed(401, "ERROR_GLPI_LOGIN", text)
                return user
        raise Failed(401, "ERROR_GLPI_LOGIN", "Incorrect username or password")

    def opened(self, user: int, parameters: Row, *, by_token: bool = False) -> Answer:
        """Open the session in the user's first profile."""
        if not self.world.settings.session_folder:
            if self.world.dialect.encodes:
                return Answer.json({"session_token": ""})  # GLPI does not notice that PHP could not keep it [11/045]
            self.world.sessions.files.clear()
            self.world.settings.session_folder = True
        session = self.open(user, by_token=by_token)
        self.world.db["User"].update(user, {"last_login": self.world.now()})
        body: Row = {"session_token": session.token}
        if truthy(parameters.get("get_full_session", "")):
            body["session"] = {k: v for k, v in self.full(session).items() if k != "MESSAGE_AFTER_REDIRECT"}
        return Answer.json(body)

    def open(self, user: int, *, by_token: bool = True) -> Session:
        """Start a session for a user; 401 without any profile; an expired password gives one without [15/081]."""
        if user in self.world.expired and not by_token:
            bare = self.world.sessions.start(user, NO_PROFILE, 0, is_recursive=0)
            bare.by_token = False
            return bare
        given = self.world.profiles_of(user)
        if not given:
            raise Failed(401, "ERROR_GLPI_LOGIN", "You don't have right to connect")
        chosen = self.world.db["User"].value(user, "profiles_id")
        ranked = sorted(given, key=lambda g: (g["profiles_id"] != chosen, not g["is_default_profile"]))
        first = ranked[0]
        recursive = first["is_recursive"]
        session = self.world.sessions.start(user, first["profiles_id"], first["entities_id"], is_recursive=recursive)
        session.by_token = by_token
        self.world.rights_at_login[session.token] = self.world.db["Profile"].full(first["profiles_id"])
        return session

    def lost_password(self, method: str, parameters: Row) -> Answer:
        """Answer who has lost a password; nobody learns whether the address is known [09/090-098]."""
        if method not in {"PUT", "PATCH"}:
            raise Failed(400, "ERROR", "Only HTTP verb PUT is allowed", documented=True)
        if not self.world.settings.mail:
            raise Failed(400, "ERROR", "Email notifications are disabled", documented=True)
        if "password_forget_token" in parameters:
            text = "Your password reset request has expired or is invalid. Please renew it."
            raise Failed(400, "ERROR", text, documented=True)
        return Answer.json([_MAIL_SENT])

    # -- calls in a session --

    def route(self, session: Session, name: str, parameters: Row) -> Answer | None:
        """Answer a call about the session, None when the name is another's."""
        match name:
            case "getMyProfiles":
                return Answer.json({"myprofiles": self.profiles(session)})
            case "getActiveProfile":
                return Answer.json({"active_profile": self.profile(session)})
            case "changeActiveProfile":
                return self.change_profile(session, parameters)
            case "getMyEntities":
                return Answer.json(
                    {"myentities": self.entities(session, recursive=truthy(parameters.get("is_recursive", "")))}
                )
            case "getActiveEntities":
                return Answer.json({"active_entity": self.active(session)})
            case "changeActiveEntities":
                return self.change_entities(session, parameters)
            case "getFullSession":
                return Answer.json({"session": self.full(session)})
            case "getGlpiConfig":
                return Answer.json({"cfg_glpi": self.config()})
            case _:
                return None

    def profiles(self, session: Session) -> list[Row]:
        """Return the user's profiles with the entities of each."""
        found: dict[int, Row] = {}
        for row in self.world.profiles_of(session.users_id):
            number = row["profiles_id"]
            name = self.world.db["Profile"].value(number, "name")
            profile = found.setdefault(number, {"id": number, "name": name, "entities": []})
            profile["entities"].append(self.entity_of(row))
        return [found[number] for number in sorted(found)]

    def entity_of(self, row: Row) -> Row:
        """Return an entity as it is shown beside a profile."""
        name = self.world.db["Entity"].value(row["entities_id"], "completename")
        return {"id": row["entities_id"], "name": self.shown(name), "is_recursive": row["is_recursive"]}

    def shown(self, path: str) -> str:
        """Return a path as these calls show it: encoded by 10 [01/053]."""
        return encode(path) if self.world.dialect.encodes else path

    def profile(self, session: Session) -> Row:
        """Return the active profile with its rights as they were at sign-in."""
        row = dict(self.world.rights_at_login.get(session.token) or self.world.db["Profile"].full(session.profiles_id))
        for recorded in self.world.recorded.profiles.values():
            if recorded["name"] == row["name"]:
                row = {k: row.get(k, v) if isinstance(row.get(k, v), int) else v for k, v in recorded.items()}
        given = [g for g in self.world.profiles_of(session.users_id) if g["profiles_id"] == session.profiles_id]
        row["entities"] = [self.entity_of(g) for g in given]
        return row

    def change_profile(self, session: Session, parameters: Row) -> Answer:
        """Switch to another profile of the user; 404 for anybody else's [01/061]."""
        wanted = int(parameters.get("profiles_id") or 0)
        given = [g for g in self.world.profiles_of(session.users_id) if g["profiles_id"] == wanted]
        if not given:
            raise item_not_found()
        session.profiles_id = wanted
        session.entities_id, session.is_recursive = given[0]["entities_id"], given[0]["is_recursive"]
        self.world.rights_at_login[session.token] = self.world.db["Profile"].full(wanted)
        return Answer.json(True)

    def mine(self, session: Session) -> frozenset[int]:
        """Return every entity the active profile reaches."""
        found: frozenset[int] = frozenset()
        for row in self.world.profiles_of(session.users_id):
            if row["profiles_id"] == session.profiles_id:
                found |= self.world.entities_below(row["entities_id"], recursive=bool(row["is_recursive"]))
        return found

    def entities(self, session: Session, *, recursive: bool) -> list[Row]:
        """Return the user's entities, the deeper ones first when asked for all [01/052 053]."""
        rows = [g for g in self.world.profiles_of(session.users_id) if g["profiles_id"] == session.profiles_id]
        tops = list(dict.fromkeys(g["entities_id"] for g in rows))
        ids = tops if not recursive else [*(i for i in sorted(self.mine(session)) if i not in tops), *tops]
        return [{"id": i, "name": self.shown(self.world.db["Entity"].value(i, "completename"))} for i in ids]

    def active(self, session: Session) -> Row:
        """Return where the session works."""
        below = sorted(self.world.entities_below(session.entities_id, recursive=bool(session.is_recursive)))
        return {
            "id": session.entities_id,
            "active_entity_recursive": session.is_recursive,
            "active_entities": [{"id": i} for i in below],
        }

    def change_entities(self, session: Session, parameters: Row) -> Answer:
        """Work elsewhere; an unknown entity is answered false under 200 [01/057]."""
        wanted = parameters.get("entities_id", "all")
        if wanted == "all":
            session.entities_id, session.is_recursive = 0, False
            return Answer.json(True)
        if int(wanted) not in self.mine(session):
            return Answer.json(False)
        session.entities_id = int(wanted)
        session.is_recursive = truthy(parameters.get("is_recursive", ""))
        return Answer.json(True)

    def full(self, session: Session) -> Row:
        """Return the session as PHP keeps it."""
        user = self.world.db["User"].full(session.users_id)
        body: dict[str, Any] = copy.deepcopy(self.world.recorded.session)
        active = [one["id"] for one in self.active(session)["active_entities"]]
        whole = self.world.db["Entity"].ids
        entity = self.world.db["Entity"].value(session.entities_id, "name")
        body.update(
            valid_id=session.token,
            glpi_currenttime=self.world.now(),
            glpiID=session.users_id,
            glpiname=user["name"],
            glpirealname=user["realname"],
            glpifirstname=user["firstname"],
            glpifriendlyname=self.world.friendly_name(session.users_id),
            glpiprofiles={str(p["id"]): {"name": p["name"], "entities": p["entities"]} for p in self.profiles(session)},
            glpiextauth=int(session.by_token),
            glpishowallentities=int(set(active) == set(whole)),
            glpiactive_entity=session.entities_id,
            glpiactive_entity_recursive=session.is_recursive,
            glpiactive_entity_name=f"{entity} (tree structure)" if session.is_recursive else entity,
            glpiactive_entity_shortname=f"{entity} (tree structure)" if session.is_recursive else entity,
            glpiactiveentities=active,
            glpiactiveentities_string=", ".join(f"'{i}'" for i in active),
            glpigroups=sorted(self.world.groups_of(session.users_id)),
        )
        if not session.by_token:
            body["noAUTO"] = 1
        if session.profiles_id == NO_PROFILE:
            body = {k: v for k, v in body.items() if k not in _OF_A_PROFILE} | {"glpi_password_expired": 1}
        else:
            body["glpiactiveprofile"] = self.profile(session)
        return body

    def config(self) -> Row:
        """Return the configuration, with what may be switched here as it is now."""
        config = dict(self.world.recorded.config)
        settings = self.world.settings
        config["url_base"] = settings.url_base
        if "url_base_api" in config:
            config["url_base_api"] = f"{settings.url_base}/apirest.php"
        config["enable_api"] = str(int(settings.api_enabled))
        config["enable_api_login_credentials"] = str(int(settings.login_with_credentials))
        return config


def _after(header: str, scheme: str) -> str:
    kind, _, value = header.partition(" ")
    return value.strip() if kind.lower() == scheme else ""


def _basic(header: str) -> tuple[str, str] | None:
    value = _after(header, "basic")
    if not value:
        return None
    try:
        login, _, password = base64.b64decode(value).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return login, password
