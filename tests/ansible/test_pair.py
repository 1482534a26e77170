"""Two bare machines become Server A and Server B. Each test stands on those before it.

What is marked `long` runs with `./test ansible-long` only.
"""

from __future__ import annotations

import json

import pytest
import yaml

from tests.ansible.machines import Machine
from tests.ansible.site import ANSIBLE, BRIDGE, SECRETS, Site

pytestmark = [pytest.mark.root, pytest.mark.slow]
long = pytest.mark.long
PLAYS = yaml.safe_load((ANSIBLE / "site.yml").read_text())
ROLES = [role["role"] for play in PLAYS for role in play.get("roles", ())]

# -- on bare machines -------------------------------------------------------------------------------------------------


def as_bare(machine: Machine) -> str:
    """What a playbook would have left first: packages, users, settings."""
    return machine.run("dpkg-query --list | sha256sum; cat /etc/passwd; ls /etc /opt /srv /usr/local/bin")


def test_a_run_on_bare_machines_can_be_tried(site: Site) -> None:
    before = [as_bare(machine) for machine in site.pair.machines]
    played = site.must("site.yml", "--check")
    assert played.changed.keys() == {"a", "b"}
    assert [as_bare(machine) for machine in site.pair.machines] == before


REFUSED = {
    "a short password": (
        {"vault_zabbix_admin_password": "short-12345"},
        "vault_zabbix_admin_password is missing, shorter",
    ),
    "no password": ({"vault_glpi_db_password": ""}, "vault_glpi_db_password and vault_glpi_admin_password must be set"),
    "the example's password": (
        {"vault_glpi_admin_password": "CHANGE-ME-CHANGE-ME"},
        "each 16 characters or longer and not the example's",
    ),
    "an archive without sha256": ({"glpi_archive_sha256": ""}, "glpi_archive and glpi_archive_sha256 are both needed"),
    "another sha256": ({"glpi_archive_sha256": "0" * 64}, "download it again, or correct glpi_archive_sha256"),
    "no archive": (
        {"glpi_archive": "/nowhere/glpi-10.0.19.tgz"},
        "/nowhere/glpi-10.0.19.tgz on the control node is not there",
    ),
    "too small a disk": ({"common_disk_free_mb": {"/var": 900_000_000}}, "and 900000000M are needed"),
    "a name that B does not know": (
        {"glpi_fqdn": "nowhere.invalid"},
        "b cannot resolve nowhere.invalid: add it to DNS",
    ),
    "one name for two sites": ({"site_fqdn": "glpi.test"}, "the sites need a host name of their own"),
    "no certificate": ({"tls_mode": "files"}, "name tls_files_certificate and tls_files_key"),
    "no way in": ({"firewall_rules": []}, "has no rule for ssh, port 22"),
    "neither checkout nor wheel": ({"glpi_bridge_source": "/nowhere"}, "neither a checkout of glpi_bridge nor a wheel"),
}
"""What is wrong: variables, and words of the refusal."""


@long
@pytest.mark.parametrize("what", REFUSED)
def test_what_is_wrong_is_refused_by_name_before_any_change(site: Site, what: str) -> None:
    variables, words = REFUSED[what]
    before = [as_bare(machine) for machine in site.pair.machines]
    said = site.refused("site.yml", **variables)
    assert words in said
    assert "short-12345" not in said
    assert [as_bare(machine) for machine in site.pair.machines] == before


def program(name: str, lines: str) -> tuple[str, str]:
    """Commands that put a program in the place of another, and take it away."""
    path = f"/usr/local/sbin/{name}"
    return f"printf '#!/bin/sh\\n{lines}\\n' >{path}; chmod 755 {path}", f"rm {path}"


UNFIT = {
    "another distribution": (
        (
            "sed s/13/12/g /usr/lib/os-release >/run/os-release; echo 12.1 >/run/debian_version;"
            "mount --bind /run/os-release /usr/lib/os-release; mount --bind /run/debian_version /etc/debian_version",
            "umount /usr/lib/os-release /etc/debian_version",
        ),
        "Debian 13 and Ubuntu 24.04 are supported",
    ),
    "no systemd": (
        ("echo runit-init >/run/comm; mount --bind /run/comm /proc/1/comm", "umount /proc/1/comm"),
        "and the services need systemd",
    ),
    "a clock that is off": (
        program("date", 'exec /usr/bin/date --date "+5 minutes" "$@"'),
        "let both follow an NTP server",
    ),
    "an old MariaDB": (
        program("mariadbd", "echo mariadbd  Ver 10.3.39-MariaDB"),
        "has MariaDB 10.3.39, and GLPI 11 and Zabbix 7 need 10.5",
    ),
    "another firewall": (program("systemctl", "echo active; echo active"), "ufw or firewalld is active on b"),
}
"""What a machine is like: how it becomes and unbecomes so, and words of the refusal."""


@long
@pytest.mark.parametrize("what", UNFIT)
def test_a_machine_that_does_not_fit_is_refused_by_name(site: Site, what: str) -> None:
    (begin, end), words = UNFIT[what]
    before = as_bare(site.pair.b)
    site.pair.b.run(begin)
    try:
        said = site.refused("site.yml", "--limit", "b")
    finally:
        site.pair.b.run(end)
    assert words in said
    assert as_bare(site.pair.b) == before


def key_of_another(site: Site) -> dict[str, object]:
    return site.own_certificate() | {"tls_files_key": site.own_certificate()["tls_files_key"]}


ENDED = "-not_before 20200101000000Z -not_after 20200201000000Z"
CERTIFICATES = {
    "a key of another": (key_of_another, "is not the key of"),
    "one that has ended": (lambda site: site.own_certificate(lifetime=ENDED), "has ended on 20200201000000Z"),
    "other names": (lambda site: site.own_certificate("*.example", "glpi.test"), "and a needs one for help.test too"),
}
"""What is wrong with a certificate: variables, and words of the refusal."""


@long
@pytest.mark.parametrize("what", CERTIFICATES)
def test_a_certificate_that_does_not_fit_is_refused_by_name_before_any_change(site: Site, what: str) -> None:
    variables, words = CERTIFICATES[what]
    before = [as_bare(machine) for machine in site.pair.machines]
    assert words in site.refused("site.yml", **variables(site))
    assert [as_bare(machine) for machine in site.pair.machines] == before


@pytest.mark.field("F107")
def test_two_bare_machines_become_the_pair_and_no_secret_is_shown(site: Site) -> None:
    played = site.must("site.yml", "-vvv")
    assert not site.pair.b.run("systemctl --failed --no-legend").strip()
    assert not site.pair.a.run("systemctl --failed --no-legend").strip()
    files = "find /etc/zabbix /etc/glpi-bridge -name '*.psk' -o -name '*.token' | xargs cat"
    secrets = {*SECRETS.values(), *(line for machine in site.pair.machines for line in machine.run(files).split())}
    assert len(secrets) > len(SECRETS) + 4
    assert [secret for secret in secrets if secret in played.output] == []


# -- on the pair ------------------------------------------------------------------------------------------------------


@pytest.mark.field("F102")
def test_a_second_run_changes_nothing(site: Site) -> None:
    played = site.must("site.yml")
    assert played.changed == {"a": 0, "b": 0}, played.what_changed


@long
@pytest.mark.parametrize("what", ROLES)
def test_each_tag_alone_changes_nothing(site: Site, what: str) -> None:
    played = site.must("site.yml", "--tags", what)
    assert not any(played.changed.values()), played.what_changed
    assert f"TASK [{what} : " in played.output


@long
def test_a_trial_on_the_pair_would_change_nothing(site: Site) -> None:
    played = site.must("site.yml", "--check", "--diff")
    assert played.changed == {"a": 0, "b": 0}, played.what_changed


def test_agents_answer_with_their_key_only(site: Site) -> None:
    a, b = site.pair.a, site.pair.b
    key = a.run("cat /etc/zabbix/agent.psk")
    b.run("umask 077; cat >/run/a.psk", stdin=key)
    ask = f"zabbix_get -s {a.address} -k agent.ping"
    with_key = f"{ask} --tls-connect psk --tls-psk-identity a --tls-psk-file /run/a.psk"
    assert b.run(with_key).strip() == "1"
    assert b.try_to(ask).output.strip() != "1"
    b.run("openssl rand -hex 32 >/run/a.psk")
    assert b.try_to(with_key).output.strip() != "1"
    b.run("rm /run/a.psk")


STATUS = "curl -s -o /dev/null -w %{http_code}"


def from_elsewhere(site: Site, name: str, machine: Machine, path: str) -> str:
    """The HTTP status that the third address gets."""
    to = ("--resolve", f"{name}:443:{machine.address}")
    return site.pair.elsewhere(*STATUS.split(), "-k", "-m", "5", *to, f"https://{name}{path}").output.strip()


def test_zabbix_shows_itself_to_administrators_only(site: Site) -> None:
    b = site.pair.b
    assert b.run(f"{STATUS} https://zabbix.test/") == "200"
    assert b.run(f"{STATUS} https://zabbix.test/setup.php") == "403"
    assert b.run(f"{STATUS} https://zabbix.test/include/config.inc.php") == "403"
    assert from_elsewhere(site, "zabbix.test", b, "/") in ("000", "403")


def test_glpi_shows_its_pages_to_people_and_its_api_to_the_bridge_only(site: Site) -> None:
    a, b = site.pair.a, site.pair.b
    initialise = "https://glpi.test/apirest.php/initSession"
    assert from_elsewhere(site, "glpi.test", a, "/apirest.php/initSession") == "403"
    assert from_elsewhere(site, "glpi.test", a, "/api.php") == "403"
    assert from_elsewhere(site, "glpi.test", a, "/install/install.php") in ("403", "404")
    assert from_elsewhere(site, "glpi.test", a, "/") != "403"
    headers = (
        f"curl -s --cacert /etc/ssl/glpi-bridge/ca.pem -D - -o /dev/null -H 'Origin: https://evil.example' {initialise}"
    )
    answered = b.run(headers).lower()
    assert " 400" in answered.splitlines()[0]  # reached, and refused for want of an App-Token
    assert "access-control-allow-origin" not in answered


TRY = 'timeout 2 bash -c "</dev/tcp/$0/$port" 2>/dev/null && echo $port'
OPEN = f"for port in 22 80 443 3306 8080 10050 10051; do {TRY}; done; true"


def test_ports_are_open_as_listed(site: Site) -> None:
    a, b = site.pair.a, site.pair.b
    from_third = {one.name: site.pair.elsewhere("bash", "-c", OPEN, one.address).output.split() for one in (a, b)}
    assert from_third == {"a": ["80", "443"], "b": []}
    asked = OPEN.replace("$0", "{}")
    assert b.run(asked.format(a.address)).split() == ["80", "443", "10050"]
    assert a.run(asked.format(b.address)).split() == ["80", "443", "10051"]


def test_no_secret_can_be_read_by_others(site: Site) -> None:
    words = "|".join(SECRETS.values())
    find = f'runuser -u nobody -- grep -rlsE "{words}" /etc /opt /var/lib /var/log /usr/local /run /tmp /srv; true'
    for machine in site.pair.machines:
        assert not machine.run(find).strip()


def test_a_problem_becomes_one_ticket(site: Site) -> None:
    played = site.must("smoke.yml")
    assert "its number stands in Zabbix" in played.output


def queue(site: Site) -> int:
    """What waits, as the panel shows it to anybody who may open it."""
    site.pair.b.run("systemctl start glpi-bridge-health.service")
    to = ("--resolve", f"help.test:443:{site.pair.a.address}")
    told = site.pair.elsewhere("curl", "-sk", "-m", "10", *to, "https://help.test/panel/health.json").output
    return int(json.loads(told)["waiting"])


def test_the_panel_shows_the_live_queue(site: Site) -> None:
    b = site.pair.b
    b.run(f"{BRIDGE} pause 'a look at the panel'")
    try:
        before = queue(site)
        b.run("runuser -u zabbix -- /etc/zabbix/alert.d/zabbix-glpi - event_id=9$(date +%s) trigger_id=1 event_value=1")
        assert queue(site) > before  # alerts of the machines themselves may come meanwhile
    finally:
        b.run(f"{BRIDGE} resume")


@pytest.mark.field("F109")
def test_people_can_choose_their_time_zone_and_nobody_sees_more_than_pages(site: Site) -> None:
    a = site.pair.a
    code = (
        'class DBmysql {} require "/etc/glpi/config_db.php"; $d = new DB(); $m = new mysqli($d->dbhost, $d->dbuser,'
        ' rawurldecode($d->dbpassword), "mysql"); echo (int) $d->use_timezones, " ",'
        ' $m->query("SELECT COUNT(*) FROM time_zone_name")->fetch_row()[0];'
    )
    used, zones = a.run(f"runuser -u www-data -- php -r '{code}'").split()
    assert used == "1"
    assert int(zones) > 400
    zone = "SELECT CONVERT_TZ('2026-07-01 12:00:00', 'UTC', 'America/New_York')"
    assert a.run(f'mariadb -N -e "{zone}"').strip() == "2026-07-01 08:00:00"
    for hidden in (
        "/config/config_db.php",
        "/bin/console",
        "/front/../bin/console",
        "/files/_log/x.log",
        "/version/10",
    ):
        assert a.run(f"{STATUS} -k --path-as-is https://glpi.test{hidden}") in ("400", "403", "404")


# -- what takes longer ------------------------------------------------------------------------------------------------


def since(machine: Machine) -> dict[str, str]:
    """When each service began."""
    services = ("apache2", "mariadb", "zabbix-server", "zabbix-agent", "glpi-bridge")
    show = "systemctl show --property ActiveEnterTimestampMonotonic --value"
    return {name: machine.run(f"{show} {name}").strip() for name in services}


@long
def test_one_changed_setting_restarts_its_service_only(site: Site) -> None:
    before = {machine.name: since(machine) for machine in site.pair.machines}
    settings = {"zabbix_server_settings": {"StartPollers": 6}}
    played = site.must("site.yml", **settings)
    assert played.changed == {"a": 0, "b": 2}, played.what_changed  # the file, the restart
    after = {machine.name: since(machine) for machine in site.pair.machines}
    assert after["b"].pop("zabbix-server") != before["b"].pop("zabbix-server")
    assert after == before
    site.must("site.yml", "--tags", "zabbix_server_configure")


@long
def test_a_certificate_of_ones_own_serves_as_well(site: Site) -> None:
    own = site.own_certificate()
    site.must("site.yml", **own)
    assert not any(site.must("site.yml", **own).changed.values())
    for name in ("glpi.test", "help.test", "zabbix.test"):
        shown = (
            f"openssl s_client -connect {name}:443 -servername {name} -CAfile /etc/ssl/glpi-bridge/ca.pem </dev/null"
        )
        told = site.pair.b.run(f"{shown} 2>&1")
        assert "an authority of our own" in told
        assert "Verify return code: 0 (ok)" in told
    assert "its number stands in Zabbix" in site.must("smoke.yml").output
    site.must("site.yml")


@long
def test_after_a_reboot_all_runs_and_nothing_changes(site: Site) -> None:
    for machine in site.pair.machines:
        machine.reboot()
        machine.run("systemctl is-system-running --wait || systemctl --failed")
        assert not machine.run("systemctl --failed --no-legend").strip()
    played = site.must("site.yml")
    assert played.changed == {"a": 0, "b": 0}, played.what_changed


@long
def test_glpi_that_stands_still_meanwhile_gets_one_ticket(site: Site) -> None:
    a = site.pair.a
    a.run("systemctl stop apache2")
    a.run("systemd-run --collect --on-active=45s systemctl start apache2")
    played = site.must("smoke.yml", smoke_seconds=300)
    assert "its number stands in Zabbix" in played.output


@long
def test_a_wrong_key_of_an_agent_is_repaired(site: Site) -> None:
    a = site.pair.a
    a.run("openssl rand -hex 32 >/etc/zabbix/agent.psk; systemctl restart zabbix-agent")
    site.must("site.yml", "--tags", "zabbix_agent,bridge_configure")
    ask = (
        "zabbix_get -s a -k agent.ping --tls-connect psk --tls-psk-identity a --tls-psk-file /etc/glpi-bridge/psk/a.psk"
    )
    assert site.pair.b.run(ask).strip() == "1"


@long
def test_cron_instead_of_the_service_and_back(site: Site) -> None:
    b = site.pair.b
    site.must("site.yml", "--tags", "bridge_configure", glpi_bridge_form="cron")
    assert b.try_to("systemctl is-active glpi-bridge").output.strip() == "inactive"
    assert "its number stands in Zabbix" in site.must("smoke.yml", smoke_seconds=150).output
    site.must("site.yml", "--tags", "bridge_configure")
    b.run("systemctl is-active glpi-bridge; test ! -e /etc/cron.d/glpi-bridge; test ! -e /etc/sudoers.d/glpi-bridge")
    assert "DELIVER" not in b.run("cat /etc/zabbix/alert.d/zabbix-glpi.conf")


@long
def test_a_report_is_made_each_week_where_it_is_wanted(site: Site) -> None:
    b = site.pair.b
    site.must("site.yml", "--tags", "bridge", glpi_bridge_reports=True)
    b.run("systemctl is-active glpi-bridge-report.timer; systemctl start glpi-bridge-report.service")
    assert "<html" in b.run("cat /var/lib/glpi-bridge/reports/*.html")
    assert b.try_to("runuser -u nobody -- sh -c 'cat /var/lib/glpi-bridge/reports/*.html'").code
    site.must("site.yml", "--tags", "bridge")
    assert b.try_to("systemctl is-active glpi-bridge-report.timer").output.strip() == "inactive"


@long
@pytest.mark.field("F105")
def test_an_import_that_broke_off_is_begun_anew(site: Site) -> None:
    b = site.pair.b
    b.run("systemctl stop zabbix-server; mariadb zabbix -e 'DROP TABLE dbversion'")
    b.run("touch /var/lib/zabbix-import-unfinished")
    site.must("site.yml")
    assert b.run("mariadb -N zabbix -e 'SELECT COUNT(*) FROM dbversion'").strip() == "1"
    assert b.try_to("test -e /var/lib/zabbix-import-unfinished").code
    b.run("systemctl is-active zabbix-server")
