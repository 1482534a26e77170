"""The reference of zabbix.yml, from its model and the code: `python -m tests.zabbix_reference` writes it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from glpi_bridge.admin.zabbix import role
from glpi_bridge.admin.zabbix.wishes import Action, Health, Host, Maintenance, MediaType, Wishes
from glpi_bridge.section import Section

DOCUMENT = Path(__file__).parents[1] / "docs" / "reference" / "zabbix.md"

INTRO = """\
# What Zabbix is to have: zabbix.yml

`glpi-bridge provision zabbix` reads `zabbix.yml` beside `bridge.yml` (or `--zabbix FILE`) and brings Zabbix 7.0 to
7.4 to it. This page is made from the code, and a test holds it to it. [How to use it](../how-to/first-zabbix.md).
What is said of Zabbix was measured on 7.0.22; of 7.2 and 7.4 it is
[documented, not measured](../explanation/versions.md).

* By name. An object that is there and was not made by this command is left alone, and nothing at all is done until
  the name is free or another one is chosen.
* Everything is looked at before the first write: names, other people's objects, the version, the administrator's
  rights.
* When Zabbix refuses a write on the way all the same, what this run made before is taken away again. When an answer is
  lost the run stops, and the next one takes over what was made.
* What differs is put right. What people add beside it (more media of the user, more groups, templates, macros or
  tags of a host) stays.
* `--remove` takes away what was made. It refuses while other people's actions or hosts still need it.

## Every object, why, and how it is known to be ours

| object | why | ours, if |
|---|---|---|
| media type | runs `zabbix-glpi` with one `name={MACRO}` for each field the bridge reads; enabled, with message \
templates for problem, recovery and update, as Zabbix sends nothing without them | its description says `Made by \
glpi-bridge` |
| user group | the rights on the host groups and those below them; no front end | our user alone is in it |
| role | the few API methods and actions below; everything else that Zabbix has is named as off | our user alone \
has it |
| user | whom alerts go to, and as whom the bridge works; its password is random and kept nowhere | it has our \
token, or our role and our media |
| API token | never expires; in the file that `token_file` of `bridge.yml` names, mode 0600; proved by using it, \
generated anew when it is lost | it is our user's |
| action | tells our user of problems that pass its conditions, and of their recoveries and updates; symptoms too, \
as each has a ticket of its own | it tells our user and nobody else |
| script `Open GLPI ticket` | from an event's menu to its ticket | its description says so |
| templates | [Temperature by glpi_bridge and GLPI bridge health](../how-to/first-zabbix.md) | they have our UUIDs |
| host of the bridge | takes the values that the bridge tells of itself | its description says so |
| action `… health` | tells people of the bridge's own problems by another way than tickets | it is for these \
problems alone |
| user group, role, user and API token `… maintenance` | for [planned work](../how-to/planned-work.md), where \
`maintenance` asks for it: type Admin, as Zabbix wants it for that; read-write on the hosts of the named groups; the \
token in the file that `maintenance` of `bridge.yml` names, mode 0600 | as above, for their own user |
| hosts | those that `hosts` names | their description says so |

Zabbix never tells a pre-shared key again. A digest of key and identity stands in the host's description: a new key
in the file is noticed, one that was changed by hand in Zabbix is not.

A problem with the tag `glpi_ticket: no` is never told to the bridge: put it on a host, an item or a trigger. The
triggers of *GLPI bridge health* carry it.

Zabbix imports media types and templates: `config/zabbix/*.yaml` hold the same ones, and what was imported by hand
is taken over. It has no import for user groups, roles, users, tokens, actions and scripts.
"""


def document() -> str:
    """The page as it should be."""
    lines = [INTRO, "## The role", "", "| may | |", "|---|---|"]
    lines.append(f"| call | {', '.join(f'`{one}`' for one in role.METHODS)} |")
    lines.append(f"| do with problems | {', '.join(f'`{one}`' for one in sorted(role.ACTIONS))} |")
    lines += ["", "The role for planned work may call " + ", ".join(f"`{one}`" for one in role.MAINTENANCE.methods)]
    lines[-1] += f", with the action {', '.join(f'`{one}`' for one in sorted(role.MAINTENANCE.actions))}."
    lines.append("")
    for name, model in (
        ("Keys", Wishes),
        ("media_type", MediaType),
        ("action", Action),
        ("maintenance", Maintenance),
        ("health", Health),
        ("hosts", Host),
    ):
        lines += [f"## {name}", "", *_table(model), ""]
    return "\n".join(lines).rstrip() + "\n"


def _table(model: type[Section]) -> Iterator[str]:
    yield "| key | meaning |"
    yield "|---|---|"
    for name, info in model.model_fields.items():
        need = "; needed" if info.is_required() else ""
        yield f"| `{name}` | {info.description}{need} |"


if __name__ == "__main__":
    DOCUMENT.write_text(document(), "utf-8")
