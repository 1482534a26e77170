"""GLPI on Server A, after test_pair.py: backup, wipe, restore, upgrades that break off, one that does not."""

from __future__ import annotations

import json

import pytest

from tests.ansible.site import BRIDGE, SECRETS, Site

pytestmark = [pytest.mark.root, pytest.mark.slow]
long = pytest.mark.long
RELEASE = "readlink /srv/glpi/current"
VERSION = "mariadb --skip-column-names glpi -e \"SELECT value FROM glpi_configs WHERE name = 'version'\""
KEY = "sha256sum /etc/glpi/glpicrypt.key"
TABLES = "mariadb --skip-column-names glpi -e 'SHOW TABLES'"


def signed_in(site: Site, password: str) -> str:
    """Sign in as GLPI's administrator, from Server A itself; return what GLPI says."""
    call = (
        "curl -s -m 60 -K - -H App-Token:$(cat /etc/glpi-bridge/site/app.token)"
        " http://127.0.0.1:8080/apirest.php/initSession"
    )
    return site.pair.a.run(call, stdin=f'user = "glpi:{password}"\n')


def output(site: Site, command: str) -> str:
    return site.pair.a.run(command).strip()


def tickets(site: Site, *fields: str) -> set[tuple[str, ...]]:
    """Every ticket, as the bridge's account sees it through Server B's tokens."""
    told = json.loads(site.pair.b.run(f"{BRIDGE} ticket list --json"))
    return {tuple(str(row[name]) for name in ("id", "name", "category", *fields)) for row in told["tickets"]}


def pause(site: Site) -> None:
    """No ticket is made or solved from now on: the machines have problems of their own at any time."""
    site.pair.b.run(f"{BRIDGE} pause 'a backup to be compared with'")


def look(site: Site) -> list[str]:
    """What an upgrade that breaks off leaves as it was."""
    return [output(site, one) for one in (RELEASE, VERSION, KEY, TABLES)]


def test_what_glpi_comes_with_is_closed(site: Site) -> None:
    assert "session_token" in signed_in(site, SECRETS["vault_glpi_admin_password"])
    assert "ERROR_GLPI_LOGIN" in signed_in(site, "glpi")
    without = output(site, "curl -s -m 60 http://127.0.0.1:8080/apirest.php/initSession")
    assert "ERROR_APP_TOKEN_PARAMETERS_MISSING" in without


def test_a_restore_needs_to_be_confirmed(site: Site) -> None:
    assert "confirm=restore" in site.refused("restore.yml", "--limit", "a", restore_from="latest")


def test_backup_wipe_restore_gives_the_same_tickets(site: Site) -> None:
    a, b = site.pair.machines
    pause(site)
    site.must("backup.yml", backup_fetch_to=str(site.directory / "backups"))
    before, key = tickets(site, "status"), output(site, KEY)
    assert before
    a.run("mariadb -e 'DROP DATABASE glpi; CREATE DATABASE glpi'")
    a.run("rm -rf /etc/glpi/* /var/lib/glpi/files/* /etc/glpi-bridge/*")
    b.run("mariadb -e 'DROP DATABASE zabbix; CREATE DATABASE zabbix'")
    b.run("rm -rf /etc/glpi-bridge/* /var/lib/glpi-bridge/*")
    site.must("restore.yml", restore_from="latest", confirm="restore")
    assert (tickets(site, "status"), output(site, KEY)) == (before, key)
    assert "session_token" in signed_in(site, SECRETS["vault_glpi_admin_password"])
    assert "ERROR_APP_TOKEN" in output(site, "curl -s -m 60 http://127.0.0.1:8080/apirest.php/initSession")
    b.run(f"{BRIDGE} resume")
    b.run(f"{BRIDGE} check")
    assert "its number stands in Zabbix" in site.must("smoke.yml", smoke_seconds=120).output


# -- what takes longer ------------------------------------------------------------------------------------------------


@long
def test_site_refuses_another_archive_than_that_in_use(site: Site) -> None:
    said = site.refused("site.yml", "--limit", "a", **site.newer()[1])
    assert "upgrade_glpi.yml" in said


@long
def test_an_upgrade_that_breaks_off_leaves_all_as_it_was(site: Site) -> None:
    before, made = look(site), tickets(site)
    played = site.play("upgrade_glpi.yml", **site.standin("11.0.7", broken=True))
    assert played.code != 0
    assert "nothing was lost" in " ".join(played.output.split())
    assert look(site) == before
    assert tickets(site) >= made
    assert "session_token" in signed_in(site, SECRETS["vault_glpi_admin_password"])


@long
def test_a_full_disk_during_an_upgrade_leaves_all_as_it_was(site: Site) -> None:
    a = site.pair.a
    before, made = look(site), tickets(site)
    a.run("mkdir -p /var/backups/glpi-bridge; mount -t tmpfs -o size=64k full /var/backups/glpi-bridge")
    a.try_to("head -c 1M /dev/zero >/var/backups/glpi-bridge/filling")
    try:
        played = site.play("upgrade_glpi.yml", **site.newer()[1])
    finally:
        a.run("umount /var/backups/glpi-bridge")
    assert played.code != 0
    assert "nothing was lost" in " ".join(played.output.split())
    assert look(site) == before
    assert tickets(site) >= made


@long
def test_an_upgrade_goes_up(site: Site) -> None:
    version, newer = site.newer()
    key, before = output(site, KEY), tickets(site)
    site.must("upgrade_glpi.yml", **newer)
    assert output(site, RELEASE) == f"releases/{version}"
    assert output(site, VERSION) == version
    assert output(site, KEY) == key
    assert tickets(site) >= before
    assert "session_token" in signed_in(site, SECRETS["vault_glpi_admin_password"])
    assert not any(site.must("upgrade_glpi.yml", **newer).changed.values())
    site.variables |= newer
    site.must("site.yml")
    assert "its number stands in Zabbix" in site.must("smoke.yml", smoke_seconds=120).output


@long
def test_a_restore_onto_two_empty_machines_gives_the_same_tickets(site: Site) -> None:
    copies = site.directory / "moved"
    pause(site)
    site.must("backup.yml", backup_fetch_to=str(copies))
    before, key = tickets(site, "status"), output(site, KEY)
    for machine in site.pair.machines:
        machine.wipe()
    site.pair.up()
    site.must("site.yml")
    assert output(site, KEY) != key
    [copy] = copies.iterdir()
    site.must("restore.yml", restore_from=str(copy), confirm="restore")
    assert (tickets(site, "status"), output(site, KEY)) == (before, key)
    site.pair.b.run(f"{BRIDGE} resume")
    site.must("site.yml")
    assert "its number stands in Zabbix" in site.must("smoke.yml", smoke_seconds=120).output
