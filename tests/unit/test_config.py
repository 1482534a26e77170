"""bridge.yml: little is enough, everything wrong is said at once with its line, secrets stay in their files."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import dedent
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glpi_bridge.address import glpi_url, zabbix_url
from glpi_bridge.config import (
    Adopt,
    Assets,
    Delivery,
    Glpi,
    Log,
    Maintenance,
    Settings,
    Store,
    Sync,
    Target,
    WriteBack,
    Zabbix,
    load,
)
from glpi_bridge.document import parse, read
from glpi_bridge.errors import SettingsError
from glpi_bridge.secret import Secret
from glpi_bridge.section import Section
from glpi_bridge.units import Mistake, duration, instant, switch

ROOT = Path(__file__).parents[2]
SECTIONS: tuple[type[Section], ...] = (
    *(Settings, Target, Glpi, Zabbix, WriteBack, Maintenance, Store, Assets, Delivery, Sync, Log),
)
ENOUGH = """\
glpi: {url: "https://glpi.example.org", user_token_file: ./glpi.token}
zabbix: {url: "https://zabbix.example.org", token_file: ./zabbix.token}
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for name in ("glpi.token", "zabbix.token", "app.token", "db.password"):
        secret(tmp_path / name, f"value-of-{name}\n")
    return tmp_path


def secret(path: Path, content: str | bytes, mode: int = 0o600) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.chmod(mode)
    return path


def settings(home: Path, more: str = "", enough: str = ENOUGH) -> Settings:
    path = home / "bridge.yml"
    path.write_text(dedent(enough) + dedent(more))
    return load(path)


def faults(home: Path, more: str = "", enough: str = ENOUGH) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        settings(home, more, enough)
    return [str(fault).removeprefix(f"{home}/") for fault in caught.value.faults]


def glpi_with(line: str) -> str:
    return f"""\
glpi:
  url: https://glpi.example.org
  user_token_file: ./glpi.token
  {line}
zabbix: {{url: "https://zabbix.example.org", token_file: ./zabbix.token}}
"""


def zabbix_with(line: str) -> str:
    return f"""\
glpi: {{url: "https://glpi.example.org", user_token_file: ./glpi.token}}
zabbix:
  url: https://zabbix.example.org
  token_file: ./zabbix.token
  {line}
"""


def test_two_addresses_and_two_tokens_are_enough(home: Path) -> None:
    given = settings(home)
    assert given.glpi.url == "https://glpi.example.org/apirest.php"
    assert given.glpi.user_token() == "value-of-glpi.token"
    assert given.glpi.app_token() is None
    assert list(given.zabbix) == ["zabbix"]
    assert given.zabbix["zabbix"].token() == "value-of-zabbix.token"
    assert given.spool == Path("/var/spool/glpi-bridge")
    assert (given.store.path, given.store.url) == (Path("/var/lib/glpi-bridge/bridge.db"), None)
    assert given.rules is None
    assert given.retention == timedelta(days=90)
    assert given.glpi.link(7) == "https://glpi.example.org/front/ticket.form.php?id=7"
    assert given.links["zabbix"] == "https://zabbix.example.org/tr_events.php?triggerid={triggerid}&eventid={eventid}"


def test_an_empty_section_keeps_its_defaults(home: Path) -> None:
    assert settings(home, "delivery:\nsync:\nlog:\nstore:\nretention:\n") == settings(home)


def test_rules_beside_the_file_are_found_and_others_must_be_there(home: Path) -> None:
    (home / "rules.yml").write_text("rules: []")
    assert settings(home).rules == home / "rules.yml"
    (home / "other.yml").write_text("rules: []")
    assert settings(home, "rules: other.yml\n").rules == home / "other.yml"
    assert "nope.yml is not a file; create it" in faults(home, "rules: nope.yml\n")[0]


def test_several_zabbix_servers_have_names(home: Path) -> None:
    given = settings(
        home,
        enough="""\
        glpi: {url: "https://glpi.example.org", user_token_file: ./glpi.token}
        zabbix:
          paris: {url: "https://a", token_file: ./zabbix.token, timezone: Europe/Paris}
          sao.paulo-1: {url: "https://b", token_file: ./zabbix.token, timezone: America/Sao_Paulo}
        """,
    )
    assert list(given.zabbix) == ["paris", "sao.paulo-1"]
    assert given.zone("paris") == ZoneInfo("Europe/Paris")


@pytest.mark.field("F24")
def test_each_source_has_the_zone_of_its_server(home: Path) -> None:
    zone = settings(home, enough=zabbix_with("timezone: America/Sao_Paulo")).zone("zabbix")
    opened = datetime(2026, 11, 25, 23, 30, tzinfo=zone)
    assert opened.astimezone(UTC) == datetime(2026, 11, 26, 2, 30, tzinfo=UTC)


@pytest.mark.parametrize("name", ["a b", "a/b", "é", "a_b", "cron"])
def test_a_source_needs_a_usable_name(home: Path, name: str) -> None:
    said = faults(
        home,
        enough=f"""\
        glpi: {{url: "https://glpi.example.org", user_token_file: ./glpi.token}}
        zabbix:
          "{name}": {{url: "https://a", token_file: ./zabbix.token}}
        """,
    )
    assert said[0].startswith("bridge.yml:3: ")
    assert name in said[0]


@pytest.mark.field("F30")
@pytest.mark.parametrize("front", ["https://glpi.example.org", "http://10.0.0.1:8080/glpi", "https://h/a/b"])
@pytest.mark.parametrize("end", ["", "/", "//", "/apirest.php", "/apirest.php/", "/index.php"])
def test_any_way_to_write_the_address_of_glpi_is_one_address(front: str, end: str) -> None:
    assert glpi_url(front + end) == f"{front}/apirest.php"


@pytest.mark.field("F46")
@pytest.mark.parametrize("end", ["/api.php", "/api.php/", "/api.php/v1", "/api.php/v1/"])
def test_the_second_door_of_glpi_11_is_kept(end: str) -> None:
    assert glpi_url("https://h/glpi" + end) == "https://h/glpi/api.php/v1"


@pytest.mark.field("F30")
@pytest.mark.parametrize("end", ["", "/", "/api_jsonrpc.php", "/index.php", "/zabbix.php?action=dashboard.view"])
def test_any_way_to_write_the_address_of_zabbix_is_one_address(end: str) -> None:
    assert zabbix_url("https://z/zabbix" + end) == "https://z/zabbix"


@given(
    st.sampled_from([glpi_url, zabbix_url]),
    st.from_regex(r"https?://[a-z]{1,5}(:[0-9]{2,4})?(/[a-z.]{1,6}){0,3}/?", fullmatch=True),
)
def test_a_normalised_address_stays_as_it_is(normalise: object, address: str) -> None:
    once = normalise(address)  # type: ignore[operator]  # parametrized, so of no one type
    assert normalise(once) == once  # type: ignore[operator]


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("glpi.example.org", "is not an address of http or https; write it as https://host/path"),
        ("ftp://h", "is not an address of http or https"),
        ("http://", "is not an address of http or https"),
        ("https://h:port/", "the address is broken"),
        ("https://[x/", "the address is broken"),
        ("https://u:hush@h/", "the address holds a password; take it out"),
        ("https://u@h/", "the address holds a user name; take it out"),
        ("https://h/a b", "the address holds a blank; remove it"),
        ("5", "is not an address"),
    ],
)
def test_a_wrong_address_is_said_without_its_password(home: Path, address: str, said: str) -> None:
    (fault,) = faults(home, enough=ENOUGH.replace("https://glpi.example.org", address))
    assert fault.startswith("bridge.yml:1: `glpi.url`")
    assert said in fault
    assert "hush" not in fault


@pytest.mark.parametrize(
    ("mode", "content", "said"),
    [
        (0o644, "x", "has mode 0644, so that others can read it; chmod 600 "),
        (0o640, "x", "has mode 0640, so that others can read it; chmod 600 "),
        (0o602, "x", "has mode 0602"),
        (0o600, "", "is empty; write the secret into it"),
        (0o600, " \n", "is empty"),
        (0o600, "two\nlines", "does not hold one line of plain text"),
        (0o600, b"\xff\xfe", "does not hold one line of plain text"),
        (0o600, "x" * 5000, "does not hold one line of plain text"),
    ],
)
def test_a_secret_file_must_be_private_and_hold_one_line(
    home: Path, mode: int, content: str | bytes, said: str
) -> None:
    secret(home / "glpi.token", content, mode)
    (fault,) = faults(home)
    assert fault.startswith("bridge.yml:1: `glpi.user_token_file`: ")
    assert said in fault


def test_a_missing_secret_and_a_directory_are_said(home: Path) -> None:
    (home / "glpi.token").unlink()
    (home / "zabbix.token").unlink()
    (home / "zabbix.token").mkdir()
    first, second = faults(home)
    assert "cannot be read: No such file or directory; create it with mode 0600" in first
    assert "is not a regular file" in second


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_secret_of_another_user_is_said(home: Path) -> None:
    (home / "glpi.token").chmod(0o000)
    assert "cannot be read: Permission denied; run the command as the owner" in faults(home)[0]


def test_commands_that_call_nobody_leave_secrets_alone(home: Path) -> None:
    settings(home)
    (home / "glpi.token").unlink()
    assert load(home / "bridge.yml", secrets=False).glpi.url == "https://glpi.example.org/apirest.php"


@pytest.mark.field("F101")
def test_a_token_put_back_is_read_at_the_next_use(home: Path) -> None:
    given = settings(home)
    secret(home / "glpi.token", "new-one")
    assert given.glpi.user_token() == "new-one"
    (home / "glpi.token").chmod(0o644)
    with pytest.raises(SettingsError, match="chmod 600"):
        given.glpi.user_token()


def test_a_bare_name_is_a_systemd_credential(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    enough = ENOUGH.replace("./glpi.token", "glpi.token")
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    assert "$CREDENTIALS_DIRECTORY is not set" in faults(home, enough=enough)[0]
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(home))
    (home / "glpi.token").chmod(0o440)
    assert settings(home, enough=enough).glpi.user_token() == "value-of-glpi.token"
    (home / "glpi.token").unlink()
    assert "systemd handed over no such credential" in faults(home, enough=enough)[0]


@pytest.mark.field("F77")
def test_no_secret_is_shown_by_settings_or_faults(home: Path) -> None:
    given = settings(home, enough=glpi_with("app_token_file: ./app.token"))
    assert given.glpi.app_token() == "value-of-app.token"
    assert "value-of" not in repr(given) + str(given)
    secret(home / "glpi.token", "hush-hush\nhush-hush")
    assert "hush" not in "".join(faults(home))


@pytest.mark.field("F77")
@pytest.mark.parametrize("key", ["user_token_file", "user_token", "app_token", "password", "token"])
def test_a_secret_written_into_the_file_is_not_repeated(home: Path, key: str) -> None:
    enough = glpi_with(f"{key}: q56hqkniwot8wntb3z1qarka5atf365taaa2uyjrn")
    if key == "user_token_file":
        enough = enough.replace("  user_token_file: ./glpi.token\n", "")
    (fault,) = faults(home, enough=enough)
    assert "q56" not in fault
    assert "file" in fault
    assert "q56" not in repr(Secret("q56hqkniwot8wntb3z1qarka5atf365taaa2uyjrn"))


@pytest.mark.field("F80")
def test_a_ca_file_must_hold_certificates(home: Path) -> None:
    (home / "ca.pem").write_text("hello")
    assert (
        "ca.pem holds no certificate; name a file with certificates"
        in faults(home, enough=glpi_with("ca_file: ca.pem"))[0]
    )
    assert "cannot be read" in faults(home, enough=zabbix_with("ca_file: ./nope.pem"))[0]
    (home / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n")
    assert settings(home, enough=zabbix_with("ca_file: ca.pem")).zabbix["zabbix"].ca_file == home / "ca.pem"


@pytest.mark.field("F09")
def test_each_target_has_its_own_proxy_and_exceptions(home: Path) -> None:
    given = settings(home, enough=glpi_with("proxy: http://proxy:3128/\n  no_proxy: localhost, .example.net"))
    assert (given.glpi.proxy, given.glpi.no_proxy) == ("http://proxy:3128", ("localhost", ".example.net"))
    assert given.zabbix["zabbix"].proxy is None


@pytest.mark.parametrize(
    ("written", "adopt"),
    [
        ("off", Adopt(is_on=False)),
        ("all", Adopt(is_on=True)),
        ("since 2026-11-01 08:00", Adopt(is_on=True, since=datetime(2026, 11, 1, 7, tzinfo=UTC))),
        ("since 2026-11-01", Adopt(is_on=True, since=datetime(2026, 10, 31, 23, tzinfo=UTC))),
        ("since 2026-11-01T08:00:00+00:00", Adopt(is_on=True, since=datetime(2026, 11, 1, 8, tzinfo=UTC))),
    ],
)
def test_adoption_is_off_all_or_since_a_time_of_that_server(home: Path, written: str, adopt: Adopt) -> None:
    given = settings(home, enough=zabbix_with(f"adopt: {written}\n  timezone: Europe/Paris"))
    assert given.zabbix["zabbix"].adoption == adopt


def test_what_adoption_takes() -> None:
    then = datetime(2026, 11, 1, tzinfo=UTC)
    assert not Adopt().takes(then)
    assert Adopt(is_on=True).takes(then)
    assert Adopt(is_on=True, since=then).takes(then)
    assert not Adopt(is_on=True, since=then).takes(then - timedelta(seconds=1))


@pytest.mark.parametrize(
    ("store", "path", "url"),
    [
        ("./my.db", "my.db", None),
        ("{path: ./my.db}", "my.db", None),
        ("mysql+pymysql://bridge@db/bridge", None, "mysql+pymysql://bridge@db/bridge"),
        ("{url: 'mariadb+pymysql://db/x', password_file: ./db.password}", None, "mariadb+pymysql://db/x"),
        (
            "{url: 'mysql+pymysql://bridge@/bridge?unix_socket=/run/mysqld.sock'}",
            None,
            "mysql+pymysql://bridge@/bridge?unix_socket=/run/mysqld.sock",
        ),
    ],
)
def test_a_store_is_a_file_or_an_address(home: Path, store: str, path: str | None, url: str | None) -> None:
    given = settings(home, f"store: {store}\n").store
    assert given.url == url
    if path:
        assert given.path == home / path
    assert given.password() == ("value-of-db.password" if "password" in store else None)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("glp: {}", "`glp` is not a setting; did you mean `glpi`?"),
        ("delivery: {lese: 1m}", "`delivery.lese` is not a setting; did you mean `lease`?"),
        ("delivery: {xyz: 1m}", "`delivery.xyz` is not a setting; known here: settle_after, lease,"),
        ("delivery: {lease: 90}", '`delivery.lease`: "90" is not a duration; write a number with its unit, as in 30s'),
        ("delivery: {lease: 0}", "`delivery.lease`: 0 leaves no time at all"),
        ("delivery: {lease: -5s}", '"-5s" is not a duration'),
        ("delivery: {settle_after: soon}", '"soon" is not a duration'),
        ("delivery: {refusals: 0}", '`delivery.refusals` is "0"; write a number greater than or equal to 1'),
        ("delivery: {refusals: five}", '`delivery.refusals` is "five"; write a whole number'),
        ("delivery: {refusals: 1.5}", '`delivery.refusals` is "1.5"; write a whole number'),
        ("delivery: {backoff_cap: 1s}", "`delivery`: `backoff_cap` is shorter than `backoff_first`"),
        ("delivery: 5", '`delivery` is "5"; write keys with values below it (how hard and how long the bridge tries)'),
        ("delivery: [a]", "`delivery` is a list; write keys with values below it"),
        ("log: {level: loud}", "`log.level` is \"loud\"; write one of 'debug', 'info', 'warning' or 'error'"),
        ("log: {format: xml}", "`log.format` is \"xml\"; write one of 'text' or 'json'"),
        ("retention: 90", '`retention`: "90" is not a duration'),
        ("retention: 9999999999d", "is longer than time goes"),
        ("spool: 5", '`spool`: "5" is not a path'),
        ("spool: [a]", "`spool`: a list is not a path"),
        ("templates: ./nope", "nope is not a directory; create it, or leave the key out"),
        ("store: postgresql://db/x", "is not an address of mysql+pymysql or mariadb+pymysql"),
        ("store: mysql+pymysql://db", "the address names no database; write it as mysql+pymysql://user@host/database"),
        (
            "store: mysql+pymysql://u:hush@db/x",
            "the address holds a password; take it out: secrets are read from files",
        ),
        ("store: {path: a, url: 'mysql+pymysql://db/x'}", "there are both a `path` and a `url`; keep one of them"),
        ("store: {password_file: ./db.password}", "`password_file` belongs to a `url`, and there is none"),
        ("sync: {interval: always}", '"always" is not a duration'),
    ],
)
def test_a_wrong_setting_is_said_in_words(home: Path, more: str, said: str) -> None:
    (fault,) = faults(home, more + "\n")
    assert fault.startswith("bridge.yml:3: ")
    assert said in fault
    assert "hush" not in fault


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("bulk: 51", '`glpi.bulk` is "51"; write a number less than or equal to 50'),
        ("bulk: 1.5", '`glpi.bulk` is "1.5"; write a whole number'),
        ("total_timeout: 1s", "`total_timeout` is shorter than `connect_timeout`"),
        ("connect_timeout: 0", "0 leaves no time at all"),
        ("entity: 5", '`glpi.entity` is "5"; write text'),
        ("verify: false", "`glpi.verify` is not a setting"),
        ("proxy: proxy:3128", "is not an address of http or https or socks5"),
        ("proxy: http://u:hush@proxy:3128", "the address holds a password"),
        ("ticket_link: 'https://h/{ticket}'", "{ticket} is unknown in it; use {id}"),
        ("no_proxy: {a: b}", "`glpi.no_proxy` is a mapping; write a list"),
    ],
)
def test_a_wrong_setting_of_glpi_is_said_in_words(home: Path, line: str, said: str) -> None:
    (fault,) = faults(home, enough=glpi_with(line))
    assert said in fault
    assert "hush" not in fault


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("adopt: sometimes", '"sometimes" is none of its values; write off, all, or since 2026-11-01 08:00'),
        ("timezone: Mars/X", '"Mars/X" is not a time zone of this machine'),
        ("adopt: since yesterday", "is not a time; write it as 2026-11-01 or 2026-11-01 08:00"),
        ("write_back: {acknowlege: true}", "did you mean `acknowledge`?"),
        ("write_back: {acknowledge: perhaps}", '"perhaps" is neither true nor false'),
        ("event_link: 'https://h/{id}'", "{id} is unknown in it; use {triggerid}, {eventid}"),
        ("token: hush", "`zabbix.token` is not a setting; secrets are read from files of mode 0600"),
    ],
)
def test_a_wrong_setting_of_zabbix_is_said_in_words(home: Path, line: str, said: str) -> None:
    (fault,) = faults(home, enough=zabbix_with(line))
    assert said in fault
    assert "hush" not in fault


@pytest.mark.parametrize(
    ("enough", "said"),
    [
        ("", ["1: `glpi` is missing; write GLPI", "1: `zabbix` is missing; write Zabbix servers"]),
        ("glpi: {}\nzabbix: {}", ["`glpi.url` is missing", "`glpi.user_token_file` is missing", "no server is named"]),
        ("glpi:\nzabbix: 5", ["`glpi` is missing", '`zabbix` is "5"; write keys with values below it']),
    ],
)
def test_what_is_missing_is_said_with_its_meaning(home: Path, enough: str, said: list[str]) -> None:
    found = faults(home, enough=enough)
    assert len(found) == len(said)
    for fault, part in zip(found, said, strict=True):
        assert part.removeprefix("1: ").split(";")[0] in fault


def test_everything_wrong_is_said_at_once_in_the_order_of_the_file(home: Path) -> None:
    found = faults(
        home,
        enough="""\
        glpi:
          url: nowhere
          usr_token_file: ./glpi.token
          bulk: 100
        zabbix:
          url: https://zabbix.example.org
          token_file: ./nope
          adopt: perhaps
        retention: 90
        rules: ./nope.yml
        delivery: {lease: 5, refusals: 0}
        """,
    )
    assert [fault.split(":")[1] for fault in found] == ["1", "2", "3", "4", "7", "8", "9", "10", "11", "11"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"a: 1\nb: 2\na: 3\n", "3: `a` is given twice, first on line 1; keep one of them"),
        (b"a:\n\tb: 1\n", "2: a tab stands where the indentation is; indent with spaces"),
        (b"a: 1\nb: \xff\n", "2: byte 0xff is not UTF-8; save the file as UTF-8"),
        (b"a: b: c\n", "1: this is not YAML: mapping values are not allowed here"),
        (b"a: [1\n", "this is not YAML"),
        (b"a: 'x\n", "this is not YAML"),
        (b"a: 1\n---\nb: 2\n", "2: a second document begins here (---); keep one document in the file"),
        (b"a: \x07\n", "1: character U+0007 is not allowed in YAML; remove it"),
        (b"? [a]\n: 1\n", "1: a key is a list or a mapping"),
        (b"a: &x\n  b: *x\n", "an anchor holds itself; write the values out"),
        (b"a: *x\n", "this is not YAML: found undefined alias"),
        (b"[" * 5000, "1: the file is nested too deeply; look for stray brackets"),
    ],
)
def test_a_file_that_is_no_settings_file_is_said_with_its_line(tmp_path: Path, text: bytes, said: str) -> None:
    path = tmp_path / "x.yml"
    path.write_bytes(text)
    with pytest.raises(SettingsError) as caught:
        read(path)
    assert said in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nope\.yml: cannot be read: No such file or directory; create it"):
        load(tmp_path / "nope.yml")
    with pytest.raises(SettingsError, match="cannot be read: Is a directory"):
        load(tmp_path)


def test_a_list_is_no_settings_file(home: Path) -> None:
    (fault,) = faults(home, enough="- a\n")
    assert fault == "bridge.yml:1: the file holds a list, not a mapping; begin each line with a key, as in `glpi:`"


def test_yaml_has_no_traps() -> None:
    data = parse(
        "a: off\nb: no\nc: 18:00\nd: 2026-11-01\ne: 010\nf: true\ng: 1\nh: ~\ni: !!str 5\nj: !foo x\n", "x"
    ).data
    assert data == {
        "a": "off",
        "b": "no",
        "c": "18:00",
        "d": "2026-11-01",
        "e": "010",
        "f": True,
        "g": 1,
        "h": None,
        "i": "5",
        "j": "x",
    }


def test_an_anchor_may_be_used_twice() -> None:
    assert parse("a: &x {b: 1}\nc: *x\n", "x").data == {"a": {"b": 1}, "c": {"b": 1}}


@given(st.binary(max_size=60))
def test_any_bytes_are_settings_or_a_fault(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yml"
    path.write_bytes(raw)
    try:
        read(path)
    except SettingsError as error:
        told = error.faults
    else:
        return
    assert all(fault.found for fault in told)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("30s", 30),
        ("10m", 600),
        ("1h", 3600),
        ("90d", 7776000),
        ("1h30m", 5400),
        ("1.5h", 5400),
        ("2w", 1209600),
    ],
)
def test_a_duration_has_its_unit(text: str, seconds: int) -> None:
    assert duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("value", ["", "5", 5, True, None, "h", "1 hour", "-1h", "1h-", [], "1y"])
def test_what_is_no_duration_is_refused(value: object) -> None:
    with pytest.raises(Mistake):
        duration(value)


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=9999)))
def test_a_duration_in_whole_seconds_reads_back(lasting: timedelta) -> None:
    whole = timedelta(seconds=int(lasting.total_seconds()))
    assert duration(f"{int(whole.total_seconds())}s") == whole


def test_switches_and_instants() -> None:
    assert [switch(word) for word in (True, "yes", "On", "false", "no")] == [True, True, True, False, False]
    assert instant("2026-11-01 08:00", ZoneInfo("Europe/Paris")) == datetime(2026, 11, 1, 7, tzinfo=UTC)


def test_settings_do_not_change(home: Path) -> None:
    with pytest.raises(ValueError, match="frozen"):
        settings(home).retention = timedelta(0)  # type: ignore[misc]  # frozen: that is what is tested


def test_a_mapping_is_checked_like_a_file(home: Path) -> None:
    given = Settings.from_mapping(
        {
            "glpi": {"url": "http://g", "user_token_file": "./glpi.token"},
            "zabbix": {"url": "http://z", "token_file": "./zabbix.token"},
            "delivery": {"settle_after": timedelta(seconds=1)},
            "spool": home,
        },
        directory=home,
    )
    assert given.glpi.user_token() == "value-of-glpi.token"
    assert (given.delivery.settle_after, given.spool) == (timedelta(seconds=1), home)


def test_the_example_loads_with_nothing_but_defaults(home: Path) -> None:
    given = load(ROOT / "config/bridge.yml", secrets=False)
    assert (given.glpi.url, given.zabbix["zabbix"].url) == (
        "https://glpi.example.org/apirest.php",
        "https://zabbix.example.org",
    )
    assert given.rules == ROOT / "config/rules.yml"
    plain = settings(home)
    for name in ("spool", "store", "retention", "delivery", "sync", "log"):
        assert getattr(given, name) == getattr(plain, name)


def shown_example() -> str:
    """The example with each `#key: value` switched on."""
    return re.sub(r"(?m)^(\s*)#(\w+:)", r"\1\2", (ROOT / "config/bridge.yml").read_text())


def test_each_value_that_the_example_shows_is_right_and_a_default_is_the_default(home: Path) -> None:
    for name in ("glpi-app.token", "database.password", "zabbix-maintenance.token"):
        secret(home / name, "x")
    (home / "rules.yml").write_text("")
    (home / "templates").mkdir()
    (home / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    shown = settings(home, enough=shown_example().replace("/etc/ssl/certs/ca-certificates.crt", "./ca.pem"))
    plain = load(ROOT / "config/bridge.yml", secrets=False)
    for section, default in (
        (shown, plain),
        (shown.glpi, plain.glpi),
        (shown.zabbix["zabbix"], plain.zabbix["zabbix"]),
    ):
        for name, info in type(section).model_fields.items():
            if not info.is_required() and info.default is not None and name not in {"no_proxy", "timezone", "store"}:
                assert getattr(section, name) == getattr(default, name), name
    assert shown.store.path == plain.store.path


@pytest.mark.parametrize("section", SECTIONS)
def test_every_setting_has_a_meaning_and_is_in_the_example(section: type[Section]) -> None:
    example = (ROOT / "config/bridge.yml").read_text()
    for name, info in section.model_fields.items():
        assert info.description, name
        assert re.search(rf"(?m)\b{name}:", example), name


def test_maintenance_is_opt_in_and_what_is_wrong_in_it_is_told(home: Path) -> None:
    assert settings(home).zabbix["zabbix"].maintenance is None
    of_zabbix = ENOUGH.replace("zabbix.token}", "zabbix.token, maintenance: {token_file: ./app.token%s}}")
    one = settings(home, enough=of_zabbix % ", host_groups: Linux servers, when: Accepted").zabbix["zabbix"].maintenance
    assert one is not None
    assert (one.host_groups, one.when, one.collect_data) == (("Linux servers",), "accepted", True)
    with pytest.raises(SettingsError, match="take of approved, accepted, planned"):
        settings(home, enough=of_zabbix % ", when: tonight")
    with pytest.raises(SettingsError, match="token_file"):
        settings(home, enough=of_zabbix.replace("token_file: ./app.token%s", "when: planned"))
