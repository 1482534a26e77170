"""Two bare machines become Server A and Server B. Each test stands on those before it.

The first is part of every run; the others are not green as a whole yet and run with `./test ansible-long`.
"""

from __future__ import annotations

import pytest

from tests.ansible.site import Site

pytestmark = [pytest.mark.root, pytest.mark.slow]


def test_a_run_on_bare_machines_can_be_tried(site: Site) -> None:
    played = site.must("site.yml", "--check")
    assert played.changed.keys() == {"a", "b"}
    assert site.pair.a.try_to("command -v apache2").code


@pytest.mark.long
@pytest.mark.field("F107")
def test_two_bare_machines_become_the_pair(site: Site) -> None:
    site.must("site.yml")
    assert not site.pair.b.run("systemctl --failed --no-legend").strip()
    assert not site.pair.a.run("systemctl --failed --no-legend").strip()


@pytest.mark.long
@pytest.mark.field("F102")
def test_a_second_run_changes_nothing(site: Site) -> None:
    played = site.must("site.yml")
    assert played.changed == {"a": 0, "b": 0}, played.what_changed


@pytest.mark.long
def test_a_trial_on_the_pair_would_change_nothing(site: Site) -> None:
    played = site.must("site.yml", "--check", "--diff")
    assert played.changed == {"a": 0, "b": 0}, played.what_changed


@pytest.mark.long
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


@pytest.mark.long
def test_zabbix_shows_itself_to_administrators_only(site: Site) -> None:
    b = site.pair.b
    status = "curl -s -o /dev/null -w %{http_code} https://zabbix.test"
    assert b.run(f"{status}/") == "200"
    assert b.run(f"{status}/setup.php") == "403"
    assert b.run(f"{status}/include/config.inc.php") == "403"
    ask = (
        "curl",
        "-sk",
        "-m",
        "5",
        "-o",
        "/dev/null",
        "-w",
        "%{http_code}",
        "--resolve",
        f"zabbix.test:443:{b.address}",
    )
    assert site.pair.elsewhere(*ask, "https://zabbix.test/").output.strip() in ("000", "403")


@pytest.mark.long
def test_no_secret_can_be_read_by_others(site: Site) -> None:
    words = "zabbix-base'0123456789|zabbix-admin-0123456789|glpi-base'0123456789|glpi-admin-0123456789"
    find = f'runuser -u nobody -- grep -rlsE "{words}" /etc /opt /var/lib /var/log /usr/local /run /tmp /srv; true'
    for machine in site.pair.machines:
        assert not machine.run(find).strip()


@pytest.mark.long
def test_a_problem_becomes_one_ticket(site: Site) -> None:
    played = site.must("smoke.yml", smoke_seconds=120)  # as many machines as this one hosts are slower than one
    assert "its number stands in Zabbix" in played.output


@pytest.mark.long
def test_a_password_that_is_too_short_is_refused_by_name(site: Site) -> None:
    said = site.refused("site.yml", "--tags", "zabbix_server", vault_zabbix_admin_password="short-12345")
    assert "vault_zabbix_admin_password is missing, shorter than 16 characters or an example" in said
    assert "short-12345" not in said


@pytest.mark.long
@pytest.mark.field("F105")
def test_an_import_that_broke_off_is_begun_anew(site: Site) -> None:
    b = site.pair.b
    b.run("systemctl stop zabbix-server; mariadb zabbix -e 'DROP TABLE dbversion'")
    b.run("touch /var/lib/zabbix-import-unfinished")
    site.must("site.yml")
    assert b.run("mariadb -N zabbix -e 'SELECT COUNT(*) FROM dbversion'").strip() == "1"
    assert b.try_to("test -e /var/lib/zabbix-import-unfinished").code
    b.run("systemctl is-active zabbix-server")
