"""GLPI on Server A, after test_pair.py: an upgrade that breaks off, one that does not, backup, restore, refusals."""

from __future__ import annotations

import pytest

from tests.ansible.site import SECRETS, Site

pytestmark = [pytest.mark.root, pytest.mark.long]
RELEASE = "readlink /srv/glpi/current"
VERSION = "mariadb --skip-column-names glpi -e \"SELECT value FROM glpi_configs WHERE name = 'version'\""
KEY = "sha256sum /etc/glpi/glpicrypt.key"
TABLES = "mariadb --skip-column-names glpi -e 'SHOW TABLES'"
STATE = "mariadb --skip-column-names glpi -e 'SELECT sha2(state, 256) FROM glpi_standin'"


def signed_in(site: Site, password: str) -> str:
    """Sign in as GLPI's administrator, from Server A itself; return what GLPI says."""
    call = (
        "curl -s -m 60 -K - -H App-Token:$(cat /etc/glpi-bridge/site/app.token)"
        " http://127.0.0.1:8080/apirest.php/initSession"
    )
    return site.pair.a.run(call, stdin=f'user = "glpi:{password}"\n')


def output(site: Site, command: str) -> str:
    return site.pair.a.run(command).strip()


def test_server_a_is_whole(site: Site) -> None:
    site.must("site.yml", "--limit", "a")


def test_what_glpi_comes_with_is_closed(site: Site) -> None:
    assert "session_token" in signed_in(site, SECRETS["vault_glpi_admin_password"])
    assert "ERROR_GLPI_LOGIN" in signed_in(site, "glpi")
    without = output(site, "curl -s -m 60 http://127.0.0.1:8080/apirest.php/initSession")
    assert "ERROR_APP_TOKEN_PARAMETERS_MISSING" in without


def test_site_refuses_another_archive_than_that_in_use(site: Site) -> None:
    said = site.refused("site.yml", "--limit", "a", "--tags", "glpi", **site.standin("11.0.6"))
    assert "upgrade_glpi.yml" in said


def test_a_wrong_checksum_is_refused(site: Site) -> None:
    said = site.refused("site.yml", "--limit", "a", "--tags", "glpi", glpi_archive_sha256="0" * 64)
    assert "download it again" in said


def test_an_upgrade_that_breaks_off_leaves_all_as_it_was(site: Site) -> None:
    before = [output(site, one) for one in (RELEASE, VERSION, KEY, TABLES, STATE)]
    played = site.play("upgrade_glpi.yml", **site.standin("11.0.7", broken=True))
    assert played.code != 0
    assert "nothing was lost" in " ".join(played.output.split())
    assert [output(site, one) for one in (RELEASE, VERSION, KEY, TABLES, STATE)] == before
    assert "session_token" in signed_in(site, SECRETS["vault_glpi_admin_password"])


def test_a_restore_needs_to_be_confirmed(site: Site) -> None:
    assert "confirm=restore" in site.refused("restore.yml", "--limit", "a", restore_from="latest")


def test_backup_wipe_restore_gives_the_same(site: Site) -> None:
    site.must("backup.yml", "--limit", "a")
    before = [output(site, one) for one in (KEY, TABLES, STATE)]
    output(site, "mariadb -e 'DROP DATABASE glpi; CREATE DATABASE glpi'; rm -rf /etc/glpi/* /var/lib/glpi/files/*")
    site.must("restore.yml", "--limit", "a", restore_from="latest", confirm="restore")
    assert [output(site, one) for one in (KEY, TABLES, STATE)] == before
    assert "session_token" in signed_in(site, SECRETS["vault_glpi_admin_password"])


def test_an_upgrade_goes_up(site: Site) -> None:
    newer = site.standin("11.0.6")
    key = output(site, KEY)
    site.must("upgrade_glpi.yml", **newer)
    assert output(site, RELEASE) == "releases/11.0.6"
    assert output(site, VERSION) == "11.0.6"
    assert output(site, KEY) == key
    assert "session_token" in signed_in(site, SECRETS["vault_glpi_admin_password"])
    assert not any(site.must("upgrade_glpi.yml", **newer).changed.values())
