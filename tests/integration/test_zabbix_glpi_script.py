"""The alert script as Zabbix calls it: exit 0 means kept, anything else is one line that says what to do."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from glpi_bridge.alert import ALERT_FIELDS
from glpi_bridge.spool import Spool
from tests.contract import recorded_alerts

SCRIPT = Path(__file__).parents[2] / "alert_scripts" / "zabbix-glpi"
# what Zabbix gives (recorded in 04-argv/001): PATH, LANG and PWD, nothing else, cwd /
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "PWD": "/"}
SHELLS = [shell for shell in ("dash", "bash --posix", "busybox sh", "mksh", "ksh") if shutil.which(shell.split()[0])]
IDS = (b"event_id=101", b"trigger_id=7")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: mounts file systems and becomes other users")


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool.create(tmp_path / "spool")


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> list[str]:
    return str(request.param).split()


def run(
    *arguments: str | bytes, shell: Sequence[str] = (), script: Path = SCRIPT, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    environment = ENVIRONMENT if env is None else env
    return subprocess.run(
        [*shell, script, *arguments],
        capture_output=True,
        env=environment,
        cwd="/",
        stdin=subprocess.DEVNULL,
        check=False,
    )


def stored(spool: Spool) -> list[bytes]:
    assert os.listdir(spool.tmp) == []
    return [path.read_bytes() for path in spool.new.iterdir()]


def refused(result: subprocess.CompletedProcess[bytes]) -> str:
    """The one line of a refusal."""
    assert result.returncode != 0
    assert result.stdout == b""
    text = result.stderr.decode()
    assert text.startswith("zabbix-glpi: ")
    assert text.index("\n") == len(text) - 1
    return text


@pytest.fixture
def installed(tmp_path: Path) -> Callable[[str], Path]:
    """The script copied to a directory of its own, with this zabbix-glpi.conf beside it."""

    def install(settings: str) -> Path:
        directory = tmp_path / "alert scripts"
        directory.mkdir()
        shutil.copy(SCRIPT, directory)
        (directory / "zabbix-glpi.conf").write_text(settings)
        return directory / "zabbix-glpi"

    return install


class TestHandOff:
    @pytest.mark.field("F67")
    @pytest.mark.parametrize("name", recorded_alerts.names())
    def test_recorded_alerts_arrive_to_the_byte(self, spool: Spool, name: str) -> None:
        arguments = recorded_alerts.arguments(name)
        hostile = [f"lab_{number}={argument}" for number, argument in enumerate(recorded_alerts.argv(name))]
        result = run(str(spool.path), *arguments, *hostile)
        assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")
        assert stored(spool) == [b"".join(item.encode() + b"\0" for item in (*arguments, *hostile))]
        [entry] = spool.entries()
        assert spool.read(entry).eventid == recorded_alerts.macros(name)["EVENT.ID"]

    def test_every_byte_survives_in_every_shell(self, spool: Spool, shell: list[str]) -> None:
        items = [
            *IDS,
            b"all=" + bytes(range(1, 256)),
            b"event_name=" + b"W" * 3000,
            b"event_opdata=five\nlines\n\n\nhere\n",
            *(b"-n", b"-e", b"--", b"--help=x", b"%s\\n\\c%d\\0=%b", b"$(id)=`id`", b"*", b"{EVENT.ID}", b"\\", b"="),
            b"\x81\x82\x88=\x81\x88",
            b"event_id=\xff",
        ]
        result = run(str(spool.path), *items, shell=shell)
        assert (result.returncode, result.stderr) == (0, b"")
        assert stored(spool) == [b"".join(item + b"\0" for item in items)]

    def test_120_kilobytes_in_all_survive(self, spool: Spool, shell: list[str]) -> None:
        items = [*IDS, *(b"field%d=" % number + os.urandom(2900).replace(b"\0", b"0") for number in range(41))]
        assert run(str(spool.path), *items, shell=shell).returncode == 0
        assert stored(spool) == [b"".join(item + b"\0" for item in items)]

    def test_nothing_of_the_environment_is_needed(self, spool: Spool) -> None:
        assert run(str(spool.path), *IDS, env={}).returncode == 0
        assert len(stored(spool)) == 1

    @pytest.mark.parametrize("name", ["with blank", "-n", "a=b", "é", "quo'te", "new\nline"])
    def test_the_spool_may_have_any_name(self, tmp_path: Path, name: str) -> None:
        spool = Spool.create(tmp_path / name)
        assert run(str(spool.path), *IDS).returncode == 0
        assert len(stored(spool)) == 1

    def test_the_file_is_for_its_group_to_read_and_nobody_else(self, spool: Spool) -> None:
        previous = os.umask(0)
        try:
            run(str(spool.path), *IDS)
        finally:
            os.umask(previous)
        [path] = spool.new.iterdir()
        assert path.stat().st_mode & 0o7777 == 0o640
        assert path.stat().st_gid == spool.new.stat().st_gid

    def test_many_at_once_never_overwrite_each_other(self, spool: Spool) -> None:
        with ThreadPoolExecutor(8) as pool:
            results = list(
                pool.map(lambda number: run(str(spool.path), f"event_id={number}", "trigger_id=7"), range(100))
            )
        assert {result.returncode for result in results} == {0}
        assert sorted(spool.read(entry).eventid for entry in spool.entries()) == sorted(map(str, range(100)))

    def test_short_names_are_accepted_and_the_directory_may_be_left_out(
        self, spool: Spool, installed: Callable[[str], Path]
    ) -> None:
        script = installed(f"SPOOL={spool.path}\n")
        result = run(
            "eventid=101", "triggerid=7", "value=1", "nseverity=4", "host=web01", "name=CPU is high", script=script
        )
        assert (result.returncode, result.stderr) == (0, b"")
        [entry] = spool.entries()
        assert spool.read(entry).fields["host_host"] == "web01"


class TestRefusals:
    @pytest.mark.field("F70")
    def test_without_parameters_it_names_what_is_missing_and_where_to_add_it(self, spool: Spool) -> None:
        for arguments in ([], [""], ["", ""]):
            text = refused(run(*arguments))
            assert all(word in text for word in ("event_id", "trigger_id", "Script parameters"))

    @pytest.mark.field("F70")
    @pytest.mark.parametrize(
        ("items", "missing"),
        [
            ([], ["event_id={EVENT.ID}", "trigger_id={TRIGGER.ID}"]),
            (["trigger_id=7"], ["event_id={EVENT.ID}"]),
            (["event_id=101"], ["trigger_id={TRIGGER.ID}"]),
            (["event_id=", "trigger_id=7"], ["event_id={EVENT.ID}"]),
            (["event_id=*UNKNOWN*", "trigger_id=7"], ["event_id={EVENT.ID}"]),
            (["event_id={EVENT.IDD}", "trigger_id=7"], ["event_id={EVENT.IDD}"]),
            (["event_id=1 2", "trigger_id=7"], ["event_id={EVENT.ID}"]),
            (["event_id=../1", "trigger_id=7"], ["event_id={EVENT.ID}"]),
            (["event_id=é", "trigger_id=7"], ["event_id={EVENT.ID}"]),
            (["my_event_id=1", "trigger_id=7"], ["event_id={EVENT.ID}"]),
        ],
    )
    def test_missing_ids_are_named_with_their_macro(
        self, spool: Spool, items: list[str], missing: list[str], shell: list[str]
    ) -> None:
        text = refused(run(str(spool.path), *items, "event_name=CPU", shell=shell))
        named = text.split("for:")[1].split(";")[0].split()
        assert named == [name.replace("IDD", "ID") for name in missing]
        assert "Script parameters" in text
        assert stored(spool) == []

    @pytest.mark.field("F69")
    @pytest.mark.parametrize("name", ["event_id", "eventid"])
    def test_zabbixs_test_button_is_known_and_stores_nothing(self, spool: Spool, name: str, shell: list[str]) -> None:
        raw = [f"{field}={macro}" for field, macro in ALERT_FIELDS.items() if field != "event_id"]
        result = run(str(spool.path), f"{name}={{EVENT.ID}}", *raw, shell=shell)
        assert "test ok, nothing sent" in refused(result)  # Zabbix shows a script's words only when it fails
        assert result.returncode == 3
        assert stored(spool) == []

    @pytest.mark.field("F69")
    def test_zabbixs_test_button_tells_of_a_spool_that_does_not_work(self, tmp_path: Path) -> None:
        result = run(str(tmp_path / "nothing"), "event_id={EVENT.ID}", "trigger_id={TRIGGER.ID}")
        assert "test ok" not in refused(result)

    @pytest.mark.field("F16")
    @pytest.mark.parametrize("missing", ["", "tmp", "new"])
    def test_a_spool_that_is_not_there_is_named(self, spool: Spool, missing: str, shell: list[str]) -> None:
        shutil.rmtree(spool.path / missing)
        text = refused(run(str(spool.path), *IDS, shell=shell))
        assert str(spool.path / missing) in text
        assert "not a directory" in text

    def test_a_first_parameter_that_is_a_file_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        assert f"{tmp_path}/file is not a directory" in refused(run(str(tmp_path / "file"), *IDS))

    @pytest.mark.field("F16")
    @pytest.mark.parametrize("part", ["tmp", "new"])
    @pytest.mark.root
    @needs_root
    def test_a_spool_that_this_user_may_not_write_is_named(self, part: str) -> None:
        with tempfile.TemporaryDirectory() as open_to_others:  # pytest's own directories are for their owner alone
            Path(open_to_others).chmod(0o755)
            spool = Spool.create(Path(open_to_others, "spool"))
            for path in (spool.path, spool.tmp, spool.new):
                path.chmod(0o755 if path.name == part else 0o777)
            as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "sh"]
            script = Path(shutil.copy(SCRIPT, open_to_others))
            text = refused(run(str(spool.path), *IDS, shell=as_nobody, script=script))
            assert f"{spool.path}/{part} is not writable" in text
            assert stored(spool) == []

    @contextmanager
    def mounted(self, where: Path, options: str) -> Iterator[None]:
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", where], check=True)
        try:
            yield
        finally:
            subprocess.run(["umount", where], check=True)

    @pytest.mark.field("F16")
    @pytest.mark.root
    @needs_root
    def test_a_full_disk_refuses_the_alert_and_takes_it_once_there_is_room(
        self, tmp_path: Path, shell: list[str]
    ) -> None:
        (tmp_path / "small").mkdir()
        with self.mounted(tmp_path / "small", "size=64k"):
            spool = Spool.create(tmp_path / "small" / "spool")
            items = [*IDS, b"event_opdata=" + b"x" * 9000]
            whole = b"".join(item + b"\0" for item in items)
            accepted = 0
            while (result := run(str(spool.path), *items, shell=shell)).returncode == 0:
                accepted += 1
                assert accepted < 64
            text = refused(result)
            assert str(spool.path) in text
            assert "No space left on device" in text or "busybox" in shell
            assert stored(spool) == [whole] * accepted  # no half file, and nothing left in tmp
            spool.done(spool.entries()[0])
            assert run(str(spool.path), *items, shell=shell).returncode == 0
            assert stored(spool) == [whole] * accepted

    @pytest.mark.field("F16")
    @pytest.mark.root
    @needs_root
    def test_a_read_only_spool_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "disk").mkdir()
        with self.mounted(tmp_path / "disk", "size=1m"):
            spool = Spool.create(tmp_path / "disk" / "spool")
            subprocess.run(["mount", "-o", "remount,ro", tmp_path / "disk"], check=True)
            text = refused(run(str(spool.path), *IDS))
            assert str(spool.path) in text
            assert "read-only file system" in text.lower()

    @pytest.mark.root
    @needs_root
    @pytest.mark.parametrize("part", ["tmp", "new"])
    def test_tmp_and_new_on_two_file_systems_are_refused_not_copied(
        self, spool: Spool, part: str, shell: list[str]
    ) -> None:
        with self.mounted(spool.path / part, "size=1m"):
            text = refused(run(str(spool.path), *IDS, b"event_opdata=" + b"x" * 9000, shell=shell))
            assert "different file systems" in text
            assert stored(spool) == []


class TestSettings:
    @pytest.mark.parametrize(
        "line",
        [
            "SPOOL={}",
            'SPOOL="{}"',
            "SPOOL='{}'",
            "SPOOL=  {}\t ",
            "# SPOOL=/wrong\n\nSPOOL={}\nCOLOUR=red",
            "SPOOL={}\r",
        ],
    )
    def test_a_dash_stands_for_the_spool_in_the_settings_beside_the_script(
        self, spool: Spool, installed: Callable[[str], Path], line: str, shell: list[str]
    ) -> None:
        script = installed(line.format(spool.path))  # without a newline at its end
        result = run("-", *IDS, script=script, shell=shell)
        assert (result.returncode, result.stderr) == (0, b"")
        assert len(stored(spool)) == 1

    def test_the_example_works_as_it_is(self, spool: Spool, installed: Callable[[str], Path]) -> None:
        example = SCRIPT.with_name("zabbix-glpi.conf.example").read_text()
        assert "\nSPOOL=/var/spool/glpi-bridge\n" in example
        script = installed(example.replace("/var/spool/glpi-bridge", str(spool.path)))
        assert run("-", *IDS, script=script).returncode == 0
        assert len(stored(spool)) == 1

    def test_the_settings_are_read_and_never_run(
        self, spool: Spool, installed: Callable[[str], Path], tmp_path: Path
    ) -> None:
        touch = f"touch {tmp_path}/run"
        script = installed(f"SPOOL={spool.path}\nDELIVER=\n{touch}\nX=$({touch})\n`{touch}`\n")
        assert run("-", *IDS, script=script).returncode == 0
        assert not (tmp_path / "run").exists()

    @pytest.mark.parametrize("settings", ["", "SPOOL=\n", "SPOLL=/var/spool\n"])
    def test_without_a_spool_in_the_settings_the_file_is_named(
        self, installed: Callable[[str], Path], settings: str
    ) -> None:
        script = installed(settings)
        assert f"{script}.conf" in refused(run("-", *IDS, script=script))


class TestDeliver:
    """DELIVER= starts a pass after each alert, in a session of its own, without a pipe that Zabbix would wait for."""

    @pytest.fixture
    def deliver(self, spool: Spool, installed: Callable[[str], Path], tmp_path: Path) -> Callable[[str], Path]:
        def install(program: str) -> Path:
            stub = tmp_path / "deliver.py"
            stub.write_text(program)
            return installed(f"SPOOL={spool.path}\nDELIVER={sys.executable} {stub} {spool.path}\n")

        return install

    def test_it_runs_detached_while_the_script_is_long_gone(
        self, spool: Spool, deliver: Callable[[str], Path], tmp_path: Path, shell: list[str]
    ) -> None:
        os.mkfifo(tmp_path / "gate")
        os.mkfifo(tmp_path / "answer")
        script = deliver(
            "import json, os, sys\n"
            f"open({str(tmp_path / 'gate')!r}).read()\n"
            "fds = [os.readlink(f'/proc/self/fd/{number}') for number in (0, 1, 2)]\n"
            "found = {'leads': os.getsid(0) == os.getpid(), 'fds': fds, 'arguments': sys.argv[1:]}\n"
            f"json.dump(found, open({str(tmp_path / 'answer')!r}, 'w'))\n"
        )
        result = run("-", *IDS, script=script, shell=shell)  # returns only when no pipe to it is open any more
        assert (result.returncode, result.stderr) == (0, b"")
        (tmp_path / "gate").write_text("go")
        found = json.loads((tmp_path / "answer").read_text())
        assert found == {"leads": True, "fds": ["/dev/null"] * 3, "arguments": [str(spool.path)]}

    @pytest.mark.parametrize("command", ["/no/such/program", "false", "sh -c 'exit 1", "*"])
    def test_a_pass_that_cannot_be_started_costs_nothing(
        self, spool: Spool, installed: Callable[[str], Path], command: str
    ) -> None:
        script = installed(f"SPOOL={spool.path}\nDELIVER={command}\n")
        result = run("-", *IDS, script=script)
        assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")
        assert len(stored(spool)) == 1

    def test_passes_exclude_each_other_and_no_wake_up_is_lost(
        self, spool: Spool, deliver: Callable[[str], Path], tmp_path: Path
    ) -> None:
        script = deliver(
            "import os, sys\n"
            "from glpi_bridge.spool import Spool\n"
            "spool = Spool(sys.argv[1])\n"
            f"log, inside = {str(tmp_path / 'log')!r}, {str(tmp_path / 'inside')!r}\n"
            "def one_pass():\n"
            "    os.close(os.open(inside, os.O_CREAT | os.O_EXCL))\n"  # fails if another pass runs
            "    for entry in spool.entries():\n"
            "        with open(log, 'a') as file:\n"
            "            print(spool.read(entry).eventid, file=file)\n"
            "        spool.done(entry)\n"
            "    os.unlink(inside)\n"
            "spool.pass_alone(one_pass)\n"
        )
        numbers = [str(number) for number in range(60)]
        # every pass inherits the writing end: its end of file is the end of the last pass
        reading, writing = os.pipe()

        def send(number: str) -> int:
            command = [script, "-", f"event_id={number}", "trigger_id=7"]
            return subprocess.run(command, pass_fds=[writing], env=ENVIRONMENT, check=False).returncode

        with ThreadPoolExecutor(6) as pool:
            assert set(pool.map(send, numbers)) == {0}
        os.close(writing)
        with open(reading, "rb") as passes:
            assert passes.read() == b""
        assert os.listdir(spool.new) == []
        assert sorted((tmp_path / "log").read_text().split()) == sorted(numbers)


def test_the_script_is_clean_for_shellcheck() -> None:
    shellcheck = shutil.which("shellcheck") or str(Path(sys.executable).with_name("shellcheck"))
    result = subprocess.run([shellcheck, "--shell=sh", SCRIPT], capture_output=True, text=True, check=False)
    assert result.stdout == ""
