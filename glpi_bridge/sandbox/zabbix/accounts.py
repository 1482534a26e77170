"""usergroup, user and token of the stand-in: who there is, what they may see, and by which token they come."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from glpi_bridge.sandbox.zabbix.model import Media, Row, Token, User, UserGroup, no_object
from glpi_bridge.sandbox.zabbix.roles import role_row
from glpi_bridge.sandbox.zabbix.shapes import (
    Params,
    bad_params,
    chosen,
    expect_fields,
    expect_known,
    expect_strictly,
    listed,
    needed,
    one_of,
    sent,
    shaped,
)
from glpi_bridge.sandbox.zabbix.world import World

_GROUP_FIELDS = ("name", "gui_access", "users_status", "debug_mode", "hostgroup_rights", "users")
_GROUP_GET = {
    *("output", "usrgrpids", "filter", "selectHostGroupRights", "selectTemplateGroupRights", "selectTagFilters"),
    "selectUsers",
}
_USER_FIELDS = ("username", "name", "surname", "passwd", "roleid", "usrgrps", "medias")
_USER_GET = {"output", "userids", "filter", "selectRole", "selectMedias", "selectUsrgrps", "selectMediatypes"}
_TOKEN_FIELDS = ("name", "description", "userid", "status", "expires_at")


class Accounts:
    """The accounts of a world, as one version of Zabbix shows them."""

    def __init__(self, world: World, version: tuple[int, int, int]) -> None:
        self.world, self.version = world, version

    # user groups

    def usergroup_get(self, user: User, params: Params) -> Any:
        """User groups; an account that is no super admin sees its own. 7.4 checks `selectUsers` [not recorded]."""
        expect_known(params, _GROUP_GET, "usergroup.get")
        if self.version >= (7, 4):
            expect_fields(params.get("selectUsers"), user_row(user), "selectUsers")
        pool = chosen(self.world.usergroups, params, "usrgrpids", "name")
        pool = [one for one in pool if self.world.is_super(user) or one.usrgrpid in user.usergroups]
        rows = []
        for one in pool:
            row = shaped(_group_row(one), params.get("output", "extend"), "usrgrpid")
            if "selectUsers" in params:
                members = (member for member in self.world.users.values() if one.usrgrpid in member.usergroups)
                row["users"] = [{"userid": str(member.userid)} for member in members]
            if "selectHostGroupRights" in params:
                rights = ({"id": str(key), "permission": str(right)} for key, right in sorted(one.rights.items()))
                row["hostgroup_rights"] = [shaped(right, params["selectHostGroupRights"]) for right in rights]
            for select, name in (
                ("selectTemplateGroupRights", "templategroup_rights"),
                ("selectTagFilters", "tag_filters"),
            ):
                row |= {name: []} if select in params else {}
            rows.append(row)
        return rows

    def usergroup_create(self, _user: User, params: Any) -> Any:
        """Make a user group."""
        given = sent(params, _GROUP_FIELDS, "usergroup.create")
        needed(given, "name")
        made = UserGroup(0, "")
        self._fill_group(made, given)
        made.usrgrpid = self.world.next_id("usergroup")
        self.world.usergroups[made.usrgrpid] = made
        self._set_members(made, given)
        return {"usrgrpids": [str(made.usrgrpid)]}

    def usergroup_update(self, _user: User, params: Any) -> Any:
        """Change a user group."""
        given = sent(params, (*_GROUP_FIELDS, "usrgrpid"), "usergroup.update")
        group = one_of(self.world.usergroups, given, "usrgrpid")
        self._fill_group(group, given)
        self._set_members(group, given)
        return {"usrgrpids": [str(group.usrgrpid)]}

    def _fill_group(self, group: UserGroup, given: Params) -> None:
        name = str(given.get("name", group.name))
        if any(one.name == name and one is not group for one in self.world.usergroups.values()):
            raise bad_params(f'User group "{name}" already exists.')
        rights = {int(one["id"]): int(one["permission"]) for one in given.get("hostgroup_rights", [])}
        for missing in sorted(rights.keys() - self.world.groups.keys()):
            raise bad_params(f'Host group with ID "{missing}" is not available.')
        group.name = name
        group.rights = rights if "hostgroup_rights" in given else group.rights
        for field in ("gui_access", "users_status", "debug_mode"):
            setattr(group, field, int(given.get(field, getattr(group, field))))

    def _set_members(self, group: UserGroup, given: Params) -> None:
        if "users" not in given:
            return
        members = {int(one["userid"]) for one in given["users"]}
        for one in self.world.users.values():
            without = one.usergroups - {group.usrgrpid}
            one.usergroups = without | {group.usrgrpid} if one.userid in members else without

    def usergroup_delete(self, _user: User, params: Any) -> Any:
        """Delete user groups, also the only one of a user [contract Z10/175]."""
        wanted = listed(params, "usergroup.delete")
        if not set(wanted) <= self.world.usergroups.keys():
            raise no_object()
        for number in wanted:
            del self.world.usergroups[number]
            for one in self.world.users.values():
                one.usergroups -= {number}
        return {"usrgrpids": [str(one) for one in wanted]}

    # users

    def user_get(self, user: User, params: Params) -> Any:
        """Accounts; one that is no super admin sees itself.

        7.4 checks parameters and gives `userid` only when it is asked for [Zabbix's API changes, not recorded].
        """
        if self.version >= (7, 4):
            expect_strictly(params, _USER_GET, "user.get")
            expect_fields(params.get("output"), user_row(user), "output")
        expect_known(params, _USER_GET, "user.get")
        pool = chosen(self.world.users, params, "userids", "username")
        always = () if self.version >= (7, 4) else ("userid",)
        rows = []
        for one in (one for one in pool if self.world.is_super(user) or one.userid == user.userid):
            row = shaped(user_row(one), params.get("output", "extend"), *always)
            rows.append(row | self._parts(one, params))
        return rows

    def _parts(self, user: User, params: Params) -> Row:
        parts: Row = {}
        if "selectRole" in params:
            parts["role"] = shaped(role_row(self.world.roles[user.roleid]), params["selectRole"], "roleid")
        if "selectUsrgrps" in params:
            groups = (self.world.usergroups.get(one) or UserGroup(one, "") for one in sorted(user.usergroups))
            parts["usrgrps"] = [shaped(_group_row(one), params["selectUsrgrps"]) for one in groups]
        if "selectMedias" in params:
            parts["medias"] = [shaped(_media_row(one), params["selectMedias"]) for one in user.medias]
        if "selectMediatypes" in params:
            parts["mediatypes"] = [
                {"mediatypeid": str(one)} for one in sorted({media.mediatypeid for media in user.medias})
            ]
        return parts

    def user_create(self, _user: User, params: Any) -> Any:
        """Make an account."""
        given = sent(params, _USER_FIELDS, "user.create")
        needed(given, "username", "roleid")
        made = User(0, "", 0)
        self._fill_user(made, given)
        made.userid = self.world.next_id("user")
        self.world.users[made.userid] = made
        return {"userids": [str(made.userid)]}

    def user_update(self, _user: User, params: Any) -> Any:
        """Change an account."""
        given = sent(params, (*_USER_FIELDS, "userid"), "user.update")
        user = one_of(self.world.users, given, "userid")
        self._fill_user(user, given)
        return {"userids": [str(user.userid)]}

    def _fill_user(self, user: User, given: Params) -> None:
        username = str(given.get("username", user.username))
        if any(one.username == username and one is not user for one in self.world.users.values()):
            raise bad_params(f'User with username "{username}" already exists.')
        self._check_references(given)
        user.username = username
        user.roleid = int(given.get("roleid", user.roleid))
        user.name, user.surname = str(given.get("name", user.name)), str(given.get("surname", user.surname))
        user.password = str(given.get("passwd", user.password))
        if "usrgrps" in given:
            user.usergroups = frozenset(int(one["usrgrpid"]) for one in given["usrgrps"])
        if "medias" in given:
            user.medias = self._medias(user, given["medias"])

    def _check_references(self, given: Params) -> None:
        if "roleid" in given and int(given["roleid"]) not in self.world.roles:
            raise bad_params('Invalid parameter "/1/roleid": object does not exist.')
        for number, one in enumerate(given.get("usrgrps", []), 1):
            if int(one["usrgrpid"]) not in self.world.usergroups:
                raise bad_params(f'Invalid parameter "/1/usrgrps/{number}": object does not exist.')
        for number, one in enumerate(given.get("medias", []), 1):
            if int(one["mediatypeid"]) not in self.world.media_types:
                raise bad_params(f'Invalid parameter "/1/medias/{number}/mediatypeid": object does not exist.')

    def _medias(self, user: User, given: Iterable[Mapping[str, Any]]) -> list[Media]:
        """Read media: those that carry their id stay, the others are made anew [contract Z10/033, 038]."""
        held = {one.mediaid for one in user.medias}
        made = []
        for one in given:
            known = int(one.get("mediaid") or 0)
            media = Media(
                known if known in held else self.world.next_id("media"),
                int(one["mediatypeid"]),
                str(one["sendto"]),
                int(one.get("active", 0)),
                int(one.get("severity", 63)),
                str(one.get("period", "1-7,00:00-24:00")),
            )
            made.append(media)
        return made

    def user_delete(self, _user: User, params: Any) -> Any:
        """Delete accounts that no action tells, with their tokens."""
        wanted = listed(params, "user.delete")
        if not set(wanted) <= self.world.users.keys():
            raise no_object()
        for number in wanted:
            self._check_unused(self.world.users[number])
        for number in wanted:
            del self.world.users[number]
        world = self.world
        world.tokens = {key: one for key, one in world.tokens.items() if one.userid not in wanted}
        world.sessions = {key: one for key, one in world.sessions.items() if one not in wanted}
        return {"userids": [str(one) for one in wanted]}

    def _check_unused(self, user: User) -> None:
        for action in self.world.actions.values():
            rows = (*action.operations, *action.recovery_operations, *action.update_operations)
            if any(one["userid"] == str(user.userid) for row in rows for one in row.get("opmessage_usr", [])):
                raise bad_params(f'User "{user.username}" is used in "{action.name}" action.')

    # tokens

    def token_get(self, user: User, params: Params) -> Any:
        """API tokens, never their values; an account that is no super admin sees its own."""
        expect_known(params, {"output", "tokenids", "filter"}, "token.get")
        pool = chosen(self.world.tokens, params, "tokenids", "name")
        pool = [one for one in pool if self.world.is_super(user) or one.userid == user.userid]
        return [shaped(_token_row(one), params.get("output", "extend"), "tokenid") for one in pool]

    def token_create(self, user: User, params: Any) -> Any:
        """Make a token, which has no value before it is generated."""
        given = sent(params, _TOKEN_FIELDS, "token.create")
        needed(given, "name")
        owner = int(given.get("userid", user.userid))
        if owner not in self.world.users:
            raise bad_params(f'User with ID "{owner}" is not available.')
        made = Token(0, "", owner, "")
        self._fill_token(made, given)
        made.tokenid, made.created_at = self.world.next_id("token"), self.world.now()
        self.world.tokens[made.tokenid] = made
        return {"tokenids": [str(made.tokenid)]}

    def token_update(self, _user: User, params: Any) -> Any:
        """Change a token."""
        given = sent(params, ("tokenid", "name", "description", "status", "expires_at"), "token.update")
        token = one_of(self.world.tokens, given, "tokenid")
        self._fill_token(token, given)
        return {"tokenids": [str(token.tokenid)]}

    def _fill_token(self, token: Token, given: Params) -> None:
        name = str(given.get("name", token.name))
        same = (one for one in self.world.tokens.values() if one is not token and one.userid == token.userid)
        if any(one.name == name for one in same):
            raise bad_params(f'API token "{name}" already exists for userid "{token.userid}".')
        token.name, token.description = name, str(given.get("description", token.description))
        token.status = int(given.get("status", token.status))
        token.expires_at = int(given.get("expires_at", token.expires_at))

    def token_generate(self, _user: User, params: Any) -> Any:
        """Give a token a value, told this once; the one before is worth nothing any more [contract Z10/042]."""
        wanted = listed(params, "token.generate")
        if not set(wanted) <= self.world.tokens.keys():
            raise no_object()
        for number in wanted:
            self.world.tokens[number].value = secrets.token_hex(32)
        return [{"tokenid": str(one), "token": self.world.tokens[one].value} for one in wanted]

    def token_delete(self, _user: User, params: Any) -> Any:
        """Delete tokens."""
        wanted = listed(params, "token.delete")
        if not set(wanted) <= self.world.tokens.keys():
            raise no_object()
        for number in wanted:
            del self.world.tokens[number]
        return {"tokenids": [str(one) for one in wanted]}


def _group_row(group: UserGroup) -> Row:
    return {
        "usrgrpid": str(group.usrgrpid),
        "name": group.name,
        "gui_access": str(group.gui_access),
        "users_status": str(group.users_status),
        "debug_mode": str(group.debug_mode),
        "userdirectoryid": "0",
        "mfa_status": "0",
        "mfaid": "0",
    }


def _media_row(media: Media) -> Row:
    return {
        "mediaid": str(media.mediaid),
        "mediatypeid": str(media.mediatypeid),
        "sendto": media.sendto,
        "active": str(media.active),
        "severity": str(media.severity),
        "period": media.period,
        "userdirectory_mediaid": "0",
        "provisioned": "0",
    }


def _token_row(token: Token) -> Row:
    return {
        "tokenid": str(token.tokenid),
        "name": token.name,
        "description": token.description,
        "userid": str(token.userid),
        "lastaccess": str(token.lastaccess),
        "status": str(token.status),
        "expires_at": str(token.expires_at),
        "created_at": str(token.created_at),
        "creator_userid": "1",
    }


def user_row(user: User) -> Row:
    """Give the fields of a user."""
    return {
        "userid": str(user.userid),
        "username": user.username,
        "name": user.name,
        "surname": user.surname,
        "url": "",
        "autologin": "1" if user.userid == 1 else "0",
        "autologout": "0" if user.userid == 1 else "15m",
        "lang": "en_US" if user.userid == 1 else "default",
        "refresh": "30s",
        "theme": "default",
        "attempt_failed": str(user.attempt_failed),
        "attempt_ip": "",
        "attempt_clock": "0",
        "rows_per_page": "50",
        "timezone": "default",
        "roleid": str(user.roleid),
        "userdirectoryid": "0",
        "ts_provisioned": "0",
        "provisioned": "0",
    }
