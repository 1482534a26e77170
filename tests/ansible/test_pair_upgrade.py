"""The bridge on Server B, after test_pair_glpi.py: wheels that are none, do not work, work; then it goes."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.ansible.site import ANSIBLE, ROOT, Site

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.long]

RELEASE = "readlink /opt/glpi-bridge/venv"
SETTINGS = "find /etc/glpi-bridge /etc/systemd/system/glpi-bridge* /etc/zabbix/alert.d -type f | sort | xargs sha256sum"
STORE = (
    "import sqlite3; c = sqlite3.connect('file:/var/lib/glpi-bridge/bridge.db?mode=ro', uri=True);"
    " print(sorted(c.execute('SELECT name, sql FROM sqlite_master')))"
)
BROKEN = """
import sys
if "check" in sys.argv:
    import sqlite3
    with sqlite3.connect("/var/lib/glpi-bridge/bridge.db") as store:
        store.execute("CREATE TABLE half_migrated (id)")
    sys.exit("this release does not work")
"""


def wheel(place: Path, code: str) -> Path:
    """The checkout's wheel, with code of ours run first."""
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "wheel", "--no-deps")
    place.mkdir()
    subprocess.run([*pip, "--wheel-dir", place / "built", ROOT], check=True)
    [built] = (place / "built").iterdir()
    changed = place / built.name
    with zipfile.ZipFile(built) as old, zipfile.ZipFile(changed, "w") as new:
        for one in old.infolist():
            text = old.read(one)
            new.writestr(one, code.encode() + text if one.filename == "glpi_bridge/cli/__init__.py" else text)
    return changed


def look(site: Site) -> tuple[str, ...]:
    store = f'runuser -u glpi-bridge -- python3 -c "{STORE}"'
    return tuple(site.pair.b.run(command) for command in (RELEASE, SETTINGS, store))


def test_a_wheel_that_is_none_is_refused_while_all_runs(site: Site, tmp_path: Path) -> None:
    bad = tmp_path / "glpi_bridge-99.0-py3-none-any.whl"
    bad.write_bytes(b"no wheel")
    running = "systemctl show --property ActiveEnterTimestampMonotonic --value glpi-bridge"
    before = look(site), site.pair.b.run(running)
    assert "is invalid" in site.refused("upgrade_bridge.yml", glpi_bridge_source=str(bad))
    assert (look(site), site.pair.b.run(running)) == before


def test_a_release_that_does_not_work_leaves_all_as_it_was(site: Site, tmp_path: Path) -> None:
    before = look(site)
    # other settings, as a new release brings them, go back as well
    played = site.play(
        "upgrade_bridge.yml",
        glpi_bridge_source=str(wheel(tmp_path / "broken", BROKEN)),
        bridge_settings={"delivery": {"lease": "7m"}},
    )
    said = " ".join(played.output.split())
    assert played.code != 0
    assert "does not work (Everything works: glpi-bridge check finds faults" in said, said[-4000:]
    assert "this release does not work" in said
    assert "nothing was lost" in said
    assert look(site) == before
    site.pair.b.run("systemctl is-active glpi-bridge glpi-bridge-health.timer")
    assert "its number stands in Zabbix" in site.must("smoke.yml", smoke_seconds=120).output


def test_a_release_that_works_is_in_use_afterwards(site: Site, tmp_path: Path) -> None:
    source = str(wheel(tmp_path / "good", "# a newer one\n"))
    before = look(site)[0]
    site.must("upgrade_bridge.yml", glpi_bridge_source=source)
    assert look(site)[0] != before
    assert "in use on b already" in site.must("upgrade_bridge.yml", glpi_bridge_source=source).output
    site.must("upgrade_bridge.yml")  # to this checkout's again
    assert look(site)[0] == before


def test_uninstall_wants_to_be_confirmed(site: Site) -> None:
    assert "say -e confirm=uninstall" in site.refused("uninstall.yml")


def test_uninstall_refuses_while_alerts_wait(site: Site) -> None:
    b = site.pair.b
    b.run("systemctl stop glpi-bridge")
    b.run("runuser -u zabbix -- /etc/zabbix/alert.d/zabbix-glpi - event_id=987654322 trigger_id=1 event_value=1")
    assert "they would be lost" in site.refused("uninstall.yml", confirm="uninstall")
    b.run("rm /var/spool/glpi-bridge/new/*; systemctl start glpi-bridge")


def test_uninstall_leaves_what_it_says(site: Site) -> None:
    a, b = site.pair.machines
    store = b.run("sha256sum /etc/glpi-bridge/bridge.yml")
    tickets = "mariadb -N glpi -e 'SELECT COUNT(*) FROM glpi_users'"
    users = a.run(tickets)
    site.must("uninstall.yml", confirm="uninstall")
    assert b.try_to("systemctl cat glpi-bridge").code
    assert b.try_to("command -v glpi-bridge").code
    assert a.try_to("test -e /var/www/glpi-sites").code
    assert b.run("sha256sum /etc/glpi-bridge/bridge.yml") == store
    b.run("test -s /var/lib/glpi-bridge/bridge.db")
    b.run("systemctl is-active zabbix-server apache2")
    assert a.run(tickets) == users
    named = "SELECT COUNT(*) FROM media_type WHERE name LIKE '%GLPI%' OR name LIKE '%glpi%'"
    assert b.run(f'mariadb -N zabbix -e "{named}"').strip() == "0"


def test_bridge_and_sites_alone_are_put_beside_what_is_there(site: Site) -> None:
    roles = {"server_b": ["bridge"], "server_a": ["bridge_package", "site"]}
    playbook = site.directory / "alone.yml"
    (site.directory / "group_vars").symlink_to(ANSIBLE / "group_vars")
    playbook.write_text(json.dumps([{"hosts": hosts, "roles": names} for hosts, names in roles.items()]))
    places = "/etc/mysql /etc/glpi /etc/zabbix/zabbix* /etc/nftables* /srv/glpi/current/inc"
    theirs = f"find {places} -type f | sort | xargs cat"
    since = "systemctl show --property ActiveEnterTimestampMonotonic mariadb zabbix-server zabbix-agent nftables"
    before = [machine.try_to(f"({theirs}) 2>&1 | sha256sum; {since}").output for machine in site.pair.machines]
    site.must(str(playbook), glpi_bridge_source=str(ROOT))
    assert [machine.try_to(f"({theirs}) 2>&1 | sha256sum; {since}").output for machine in site.pair.machines] == before
    assert not any(site.must(str(playbook), glpi_bridge_source=str(ROOT)).changed.values())
    assert "its number stands in Zabbix" in site.must("smoke.yml", smoke_seconds=120).output


def test_what_was_uninstalled_is_there_again_after_a_run(site: Site) -> None:
    site.must("site.yml")
    assert "its number stands in Zabbix" in site.must("smoke.yml", smoke_seconds=120).output


def test_purge_takes_settings_and_store_too(site: Site) -> None:
    site.must("uninstall.yml", confirm="uninstall", purge=True)
    for machine in site.pair.machines:
        assert not machine.run("find /etc /var/lib /var/spool -maxdepth 1 -name glpi-bridge").strip()
    site.pair.a.run("test -e /srv/glpi/current/bin/console")


def test_what_was_purged_is_made_anew_by_a_run(site: Site) -> None:
    """GLPI keeps the App-Tokens, whose files are gone: the clients get others."""
    site.must("site.yml")
    assert not any(site.must("site.yml").changed.values())
    assert "its number stands in Zabbix" in site.must("smoke.yml", smoke_seconds=120).output
