"""cron-glpi: the job notices nothing of it, its failure gets a ticket, its next success ends it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from glpi_bridge.model import Alert, AlertKind
from glpi_bridge.spool import Spool

SCRIPT = Path(__file__).parents[2] / "alert_scripts" / "cron-glpi"
SHELLS = [shell for shell in ("dash", "bash --posix", "bash") if shutil.which(shell.split()[0])]
DEADLINE_SECONDS = 60
PROBLEM, RECOVERY = AlertKind.PROBLEM, AlertKind.RECOVERY


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool.create(tmp_path / "spool")


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> list[str]:
    return str(request.param).split()


Job = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.fixture
def job(spool: Spool) -> Job:
    """Run a command under cron-glpi with the key `job`."""

    def run(
        *command: str, options: tuple[str, ...] = (), shell: list[str] | None = None, stdin: bytes = b"", **more: str
    ) -> subprocess.CompletedProcess[bytes]:
        argv = [*(shell or []), str(SCRIPT), "--spool", str(spool.path), "--key", "job", *options, "--", *command]
        environment = {"PATH": os.environ["PATH"], "LOGNAME": "operator", **more}
        return subprocess.run(argv, input=stdin, capture_output=True, env=environment, check=False)

    return run


def taken(spool: Spool) -> list[Alert]:
    """All alerts in the order they came; they are taken out."""
    alerts = []
    for entry in spool.entries():
        alerts.append(spool.read(entry))
        spool.done(entry)
    return alerts


def kinds(alerts: list[Alert]) -> list[AlertKind]:
    return [alert.kind for alert in alerts]


def state(spool: Spool) -> set[str]:
    """What cron-glpi remembers, without the note that only saves repetitions."""
    directory = spool.path / "cron"
    return {name for name in os.listdir(directory) if not name.endswith(".sent")} if directory.exists() else set()


class TestTheJobItself:
    def test_output_input_and_exit_status_pass_unchanged(self, job: Job, shell: list[str]) -> None:
        data = bytes(range(256)) * 2000 + b"no line end"
        program = (
            "import sys; data = sys.stdin.buffer.read(); sys.stdout.buffer.write(data); "
            "sys.stderr.buffer.write(data[::-1]); sys.exit(42)"
        )
        result = job(sys.executable, "-c", program, stdin=data, shell=shell)
        assert (result.returncode, result.stdout, result.stderr) == (42, data, data[::-1])

    def test_a_success_leaves_no_trace(self, job: Job, spool: Spool) -> None:
        result = job("echo", "-n", "$HOME *", "a  b", "")
        assert (result.returncode, result.stdout, result.stderr) == (0, b"$HOME * a  b ", b"")
        assert taken(spool) == []
        assert state(spool) == set()

    @pytest.mark.parametrize(
        ("command", "status"),
        [
            (["/no/such/program"], 127),
            (["/etc/passwd"], 126),
            (["sh", "-c", "kill -KILL $$"], 137),
            (["sh", "-c", "exit 255"], 255),
        ],
    )
    def test_any_failure_keeps_its_status_and_is_alerted(
        self, job: Job, spool: Spool, command: list[str], status: int, shell: list[str]
    ) -> None:
        assert job(*command, shell=shell).returncode == status
        [alert] = taken(spool)
        assert f"exit status {status}" in alert.fields["event_name"]

    @pytest.mark.parametrize("name", ["HUP", "INT", "QUIT", "TERM", "USR1", "USR2"])
    def test_signals_reach_the_job(self, spool: Spool, tmp_path: Path, name: str, shell: list[str]) -> None:
        os.mkfifo(tmp_path / "ready")
        program = f"trap 'echo got {name}; exit 7' {name}; echo >{tmp_path}/ready; while :; do sleep 0.05; done"
        argv = [*shell, str(SCRIPT), "--spool", str(spool.path), "--key", "job", "--", "bash", "-c", program]
        process = subprocess.Popen(argv, stdout=subprocess.PIPE)
        (tmp_path / "ready").read_text()
        process.send_signal(getattr(signal, f"SIG{name}"))
        output, _ = process.communicate(timeout=DEADLINE_SECONDS)
        assert (output, process.returncode) == (f"got {name}\n".encode(), 7)

    def test_what_it_leaves_in_the_background_does_not_hold_up_the_alert(
        self, job: Job, spool: Spool, tmp_path: Path
    ) -> None:
        os.mkfifo(tmp_path / "gate")
        program = f"(read word <{tmp_path}/gate; echo late $word) & echo early; exit 1"
        argv = [str(SCRIPT), "--spool", str(spool.path), "--key", "job", "--", "sh", "-c", program]
        with (tmp_path / "output").open("wb") as output:
            assert subprocess.run(argv, stdout=output, timeout=DEADLINE_SECONDS, check=False).returncode == 1
        assert kinds(taken(spool)) == [PROBLEM]
        (tmp_path / "gate").write_text("word\n")
        wait_until(lambda: (tmp_path / "output").read_text() == "early\nlate word\n")

    def test_without_room_for_its_scratch_files_the_job_runs_all_the_same(
        self, job: Job, spool: Spool, tmp_path: Path
    ) -> None:
        result = job("sh", "-c", "cat; exit 3", stdin=b"input", TMPDIR=str(tmp_path / "nothing"))
        assert (result.returncode, result.stdout) == (3, b"input")
        assert b"the last lines of the output and the time-out will be missing" in result.stderr
        assert kinds(taken(spool)) == [PROBLEM]

    @pytest.mark.parametrize(
        "options",
        [
            ["--colour", "red", "--"],
            ["--severity", "urgent", "--"],
            ["--timeout", "5m", "--"],
            ["--timeout=0", "--"],
            ["--key", "a/b", "--"],
            ["--key", "..", "--"],
        ],
    )
    def test_wrong_options_are_told_and_nothing_runs(self, tmp_path: Path, options: list[str]) -> None:
        self.check_usage([*options, "touch", f"{tmp_path}/touched"])
        assert not (tmp_path / "touched").exists()

    @pytest.mark.parametrize("options", [[], ["--"], ["--key"], ["--key", "job"], ["--key=job", "--"]])
    def test_without_a_command_it_shows_its_usage(self, options: list[str]) -> None:
        self.check_usage(options)

    @staticmethod
    def check_usage(arguments: list[str]) -> None:
        result = subprocess.run([SCRIPT, *arguments], capture_output=True, check=False)
        assert result.returncode == 125
        assert result.stderr.startswith(b"cron-glpi: ")
        assert b"usage: " in result.stderr


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


class TestAlerts:
    def test_failure_and_next_success_are_one_event(self, job: Job, spool: Spool, shell: list[str]) -> None:
        for command in ("false", "false", "true", "true", "false"):
            job(command, shell=shell)
        alerts = taken(spool)
        assert kinds(alerts) == [PROBLEM, RECOVERY, PROBLEM]
        assert alerts[0].eventid == alerts[1].eventid != alerts[2].eventid
        assert {(alert.source, alert.fields["event_source"]) for alert in alerts} == {("cron", "cron")}
        assert len({alert.fields["trigger_id"] for alert in alerts}) == 1
        assert [warning for alert in alerts for warning in alert.warnings] == []

    def test_the_alert_says_what_a_person_wants_to_know(self, job: Job, spool: Spool) -> None:
        options = ("--severity=high", "--category", "Backup > Nightly", "--host", "db1", "--name", "Nightly\nbackup")
        program = "for n in $(seq 30); do echo line $n; done; printf 'bad \\377 \\0 byte\\n'; exit 3"
        job("sh", "-c", program, options=options)
        [alert] = taken(spool)
        fields = alert.fields
        assert fields["event_name"] == "Nightly backup"
        assert fields["event_nseverity"] == "4"
        assert fields["category"] == "Backup > Nightly"
        assert (fields["host_host"], fields["trigger_id"]) == ("db1", "db1:job")
        assert fields["event_opdata"].startswith("exit status 3 after ")
        assert fields["trigger_description"].startswith("Command: sh -c for n in")
        lines = fields["trigger_description"].split("output:\n")[1].splitlines()
        assert len(lines) == 20
        assert "line 30" in lines
        assert "bad \N{REPLACEMENT CHARACTER}  byte" in lines

    def test_the_alert_holds_what_the_job_wrote_to_its_standard_error_too(self, job: Job, spool: Spool) -> None:
        job("sh", "-c", "echo no room left >&2; exit 1")  # one line: between two streams there is no order
        [alert] = taken(spool)
        assert "no room left" in alert.fields["trigger_description"].split("output:\n")[1].splitlines()

    def test_the_recovery_tells_the_time_of_the_success(self, job: Job, spool: Spool) -> None:
        job("false")
        job("true")
        problem, recovery = taken(spool)
        opened = problem.fields["event_date"], problem.fields["event_time"]
        assert opened == (recovery.fields["event_date"], recovery.fields["event_time"])
        assert (recovery.fields["event_recovery_date"], recovery.fields["event_recovery_time"]) >= opened

    def test_a_time_out_is_alerted_while_the_job_goes_on_and_its_success_ends_it(
        self, spool: Spool, tmp_path: Path, shell: list[str]
    ) -> None:
        os.mkfifo(tmp_path / "gate")
        command = ["sh", "-c", f"read word <{tmp_path}/gate; echo $word"]
        argv = [*shell, str(SCRIPT), "--spool", str(spool.path), "--key", "job", "--timeout", "1", "--", *command]
        process = subprocess.Popen(argv, stdout=subprocess.PIPE)
        assert spool.wait(DEADLINE_SECONDS)
        assert process.poll() is None
        [alert] = taken(spool)
        assert "runs for more than 1 second" in alert.fields["event_name"]
        (tmp_path / "gate").write_text("done\n")
        output, _ = process.communicate(timeout=DEADLINE_SECONDS)
        assert (output, process.returncode) == (b"done\n", 0)
        assert [(alert.kind, alert.eventid)] + [(one.kind, one.eventid) for one in taken(spool)] == [
            (PROBLEM, alert.eventid),
            (RECOVERY, alert.eventid),
        ]

    def test_a_job_that_ends_in_time_is_no_alert(self, job: Job, spool: Spool) -> None:
        assert job("true", options=("--timeout", "30")).returncode == 0
        assert taken(spool) == []

    def test_without_a_key_the_command_line_tells_jobs_apart(self, spool: Spool) -> None:
        for command in (["false", "a"], ["false", "b"], ["false", "a"]):
            subprocess.run([SCRIPT, "--spool", spool.path, "--", *command], check=False)
        alerts = taken(spool)
        assert len({alert.fields["trigger_id"] for alert in alerts}) == len(alerts) == 2
        assert all("false" in alert.fields["trigger_id"] for alert in alerts)

    def test_the_spool_is_found_in_the_settings_beside_the_script(self, spool: Spool, tmp_path: Path) -> None:
        for name in ("cron-glpi", "zabbix-glpi"):
            shutil.copy(SCRIPT.with_name(name), tmp_path)
        (tmp_path / "zabbix-glpi.conf").write_text(f'# spool\nSPOOL="{spool.path}"\n')
        subprocess.run([tmp_path / "cron-glpi", "--", "false"], check=False)
        assert kinds(taken(spool)) == [PROBLEM]


class TestWhatCannotBeHandedOver:
    def test_a_failure_waits_until_the_spool_takes_it(self, job: Job, spool: Spool) -> None:
        spool.new.rmdir()
        result = job("sh", "-c", "echo first; exit 3")
        assert result.returncode == 3
        assert b"handed over with the next run" in result.stderr
        assert str(spool.new).encode() in result.stderr
        spool.new.mkdir()
        job("sh", "-c", "echo second; exit 4")
        [alert] = taken(spool)
        assert "exit status 3" in alert.fields["event_name"]
        assert "first" in alert.fields["trigger_description"]

    def test_a_failure_and_its_recovery_wait_together(self, job: Job, spool: Spool) -> None:
        spool.new.rmdir()
        job("false")
        assert job("true").returncode == 0
        spool.new.mkdir()
        job("true")
        alerts = taken(spool)
        assert kinds(alerts) == [PROBLEM, RECOVERY]
        assert len({alert.eventid for alert in alerts}) == 1
        assert state(spool) == set()

    def test_a_failure_after_a_waiting_recovery_is_an_event_of_its_own(self, job: Job, spool: Spool) -> None:
        job("false")
        [first] = taken(spool)
        spool.new.rmdir()
        assert b"the recovery of job is kept" in job("true").stderr
        spool.new.mkdir()
        job("false")
        recovery, second = taken(spool)
        assert (recovery.kind, recovery.eventid) == (RECOVERY, first.eventid)
        assert second.kind is PROBLEM
        assert second.eventid != first.eventid

    def test_a_recovery_that_waits_is_not_replaced_by_that_of_the_next_event(
        self, job: Job, spool: Spool, tmp_path: Path
    ) -> None:
        """A run has seen the failure; before it renames it another success and another failure come."""
        job("false")
        [first] = taken(spool)
        spool.new.rmdir()
        beside = f"{SCRIPT} --spool {spool.path} --key job --"
        (tmp_path / "bin").mkdir()
        rename = tmp_path / "bin" / "mv"
        rename.write_text(f'#!/bin/sh\nPATH={os.environ["PATH"]}\n{beside} true\n{beside} false\nexec mv "$@"\n')
        rename.chmod(0o755)
        job("true", PATH=f"{rename.parent}:{os.environ['PATH']}")
        spool.new.mkdir()
        job("true")
        told = defaultdict(list)
        for alert in taken(spool):
            told[alert.eventid].append(alert.kind)
        assert first.eventid in told
        assert [kinds_told[-1] for kinds_told in told.values()] == [RECOVERY, RECOVERY]
        assert state(spool) == set()

    def test_without_any_spool_it_says_so_and_the_job_is_not_disturbed(self, job: Job, spool: Spool) -> None:
        shutil.rmtree(spool.path)
        spool.path.write_bytes(b"")
        result = job("sh", "-c", "echo out; exit 3")
        assert (result.returncode, result.stdout) == (3, b"out\n")
        assert b"cron-glpi: the failure of job is not reported" in result.stderr


def test_runs_beside_each_other_share_one_event_and_none_stays_open(job: Job, spool: Spool) -> None:
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(job, ["false"] * 12))
    assert len({alert.eventid for alert in taken(spool)}) == 1
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(job, ["false", "true"] * 12))
    assert job("true").returncode == 0
    told = defaultdict(set)
    for alert in taken(spool):
        told[alert.eventid].add(alert.kind)
    assert all(RECOVERY in kinds_told for kinds_told in told.values())
    assert state(spool) == set()


def test_the_script_is_clean_for_shellcheck() -> None:
    shellcheck = shutil.which("shellcheck") or str(Path(sys.executable).with_name("shellcheck"))
    result = subprocess.run([shellcheck, "--shell=sh", SCRIPT], capture_output=True, text=True, check=False)
    assert result.stdout == ""
