"""mediatype.get, create, update and delete of the stand-in: script media types."""

from __future__ import annotations

from typing import Any

from glpi_bridge.sandbox.zabbix import vocabulary
from glpi_bridge.sandbox.zabbix.accounts import user_row
from glpi_bridge.sandbox.zabbix.model import MediaType, Row, User, no_object, shown
from glpi_bridge.sandbox.zabbix.shapes import (
    NotServed,
    Params,
    bad_params,
    chosen,
    expect_fields,
    expect_known,
    listed,
    needed,
    one_of,
    sent,
    shaped,
)
from glpi_bridge.sandbox.zabbix.world import World

_SCRIPT = "1"
_FIELDS = (
    *("name", "type", "exec_path", "parameters", "maxsessions", "maxattempts", "attempt_interval", "message_templates"),
    *("description", "status", "timeout"),
)
_GET = {"output", "mediatypeids", "filter", "selectMessageTemplates", "selectUsers", "selectActions"}
_SINCE_7_2_NOT = ("content_type",)


class MediaTypes:
    """The media types of a world, as one version of Zabbix shows them."""

    def __init__(self, world: World, version: tuple[int, int, int]) -> None:
        self.world, self.version = world, version

    def mediatype_get(self, user: User, params: Params) -> Any:
        """Media types; six fields of them for all but super admins [contract Z10/006, 007].

        From 7.2 on `output` is checked, from 7.4 on `selectUsers` too [Zabbix's API changes, not recorded].
        """
        expect_known(params, _GET, "mediatype.get")
        if self.version >= (7, 2):
            expect_fields(params.get("output"), self._fields(self._anybody(), MediaType()), "output")
        if self.version >= (7, 4):
            expect_fields(params.get("selectUsers"), user_row(self._anybody()), "selectUsers")
        rows = []
        for media in chosen(self.world.media_types, params, "mediatypeids", "name"):
            row = shaped(self._fields(user, media), params.get("output", "extend"), "mediatypeid")
            if self.world.is_super(user):
                row |= self._parts(media, params)
            rows.append(row)
        return rows

    def _anybody(self) -> User:
        """Give a super admin: the names of fields are the same for all."""
        return next(one for one in self.world.users.values() if self.world.is_super(one))

    def _fields(self, user: User, media: MediaType) -> Row:
        full: Row = {
            "mediatypeid": str(media.mediatypeid),
            "type": _SCRIPT,
            "name": media.name,
            "status": str(media.status),
            "description": media.description,
            "maxattempts": str(media.maxattempts),
        }
        if not self.world.is_super(user):
            return full
        full |= vocabulary.MEDIA_CONSTANTS | {
            "exec_path": media.exec_path,
            "maxsessions": str(media.maxsessions),
            "attempt_interval": shown(media.attempt_interval),
            "timeout": f"{media.timeout:g}s",
            "parameters": [{"sortorder": str(i), "value": one} for i, one in enumerate(media.parameters)],
        }
        gone = _SINCE_7_2_NOT if self.version >= (7, 2) else ()
        return {name: value for name, value in full.items() if name not in gone}

    def _parts(self, media: MediaType, params: Params) -> Row:
        parts: Row = {}
        if "selectMessageTemplates" in params:
            full = [
                {"eventsource": str(source), "recovery": str(kind), "subject": subject, "message": message}
                for (source, kind), (subject, message) in media.templates.items()
            ]
            parts["message_templates"] = [shaped(one, params["selectMessageTemplates"]) for one in full]
        if "selectUsers" in params:
            owners = (one for one in self.world.users.values() if media.mediatypeid in _media_of(one))
            parts["users"] = [{"userid": str(one.userid)} for one in owners]
        if "selectActions" in params:
            parts["actions"] = [{"actionid": str(one)} for one in self._actions_of(media)]
        return parts

    def _actions_of(self, media: MediaType) -> list[int]:
        """List the actions that name the media type, or all of them [contract Z10/002]."""
        named = {"0", str(media.mediatypeid)}
        return [
            number
            for number, one in self.world.actions.items()
            if any(row["opmessage"]["mediatypeid"] in named for row in one.operations)
        ]

    def mediatype_create(self, _user: User, params: Any) -> Any:
        """Make a media type; without `status` it is off [contract Z02/023]."""
        given = sent(params, _FIELDS, "mediatype.create")
        needed(given, "name", "type", "exec_path")
        made = MediaType(0, status=1, templates={}, maxsessions=1)
        self._fill(made, given, None)
        made.mediatypeid = self.world.next_id("mediatype")
        self.world.media_types[made.mediatypeid] = made
        return {"mediatypeids": [str(made.mediatypeid)]}

    def mediatype_update(self, _user: User, params: Any) -> Any:
        """Change a media type."""
        given = sent(params, (*_FIELDS, "mediatypeid"), "mediatype.update")
        media = one_of(self.world.media_types, given, "mediatypeid")
        self._fill(media, given, media)
        return {"mediatypeids": [str(media.mediatypeid)]}

    def _fill(self, media: MediaType, given: Params, own: MediaType | None) -> None:
        _check(given)
        name = str(given.get("name", media.name))
        if any(one.name == name and one is not own for one in self.world.media_types.values()):
            raise bad_params(f'Media type "{name}" already exists.')
        media.name = name
        media.exec_path = str(given.get("exec_path", media.exec_path))
        media.description = str(given.get("description", media.description))
        media.status = int(given.get("status", media.status))
        media.maxsessions = int(given.get("maxsessions", media.maxsessions))
        media.maxattempts = int(given.get("maxattempts", media.maxattempts))
        media.attempt_interval = given.get("attempt_interval", media.attempt_interval)
        if "parameters" in given:
            in_order = sorted(given["parameters"], key=lambda one: int(one["sortorder"]))
            media.parameters = tuple(str(one["value"]) for one in in_order)
        if "message_templates" in given:
            media.templates = {
                (int(one["eventsource"]), int(one["recovery"])): (
                    str(one.get("subject", "")),
                    str(one.get("message", "")),
                )
                for one in given["message_templates"]
            }

    def mediatype_delete(self, _user: User, params: Any) -> Any:
        """Delete media types that no action uses."""
        wanted = listed(params, "mediatype.delete")
        if not set(wanted) <= self.world.media_types.keys():
            raise no_object()
        for number in wanted:
            self._check_unused(self.world.media_types[number])
        for number in wanted:
            del self.world.media_types[number]
            for user in self.world.users.values():
                user.medias = [one for one in user.medias if one.mediatypeid != number]
        return {"mediatypeids": [str(one) for one in wanted]}

    def _check_unused(self, media: MediaType) -> None:
        for action in self.world.actions.values():
            rows = (*action.operations, *action.recovery_operations, *action.update_operations)
            if any(one["opmessage"]["mediatypeid"] == str(media.mediatypeid) for one in rows):
                raise bad_params(f'Media type "{media.name}" is used by action "{action.name}".')


def _media_of(user: User) -> set[int]:
    return {one.mediatypeid for one in user.medias}


def _check(given: Params) -> None:
    if str(given.get("type", _SCRIPT)) != _SCRIPT:
        raise NotServed(f"media types of type {given['type']}")
    if str(given.get("timeout", "30s")) != "30s":
        raise bad_params('Invalid parameter "/1/timeout": value must be 30.')
    if not 1 <= int(given.get("maxattempts", 1)) <= 100:
        raise bad_params('Invalid parameter "/1/maxattempts": value must be one of 1-100.')
    for number, one in enumerate(given.get("parameters", []), 1):
        if "sortorder" not in one:
            raise bad_params(f'Invalid parameter "/1/parameters/{number}": the parameter "sortorder" is missing.')
