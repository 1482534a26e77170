"""What `./test` runs, tier by tier: one line for each with its time, the output of what failed, a sum at the end."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
PACKAGES = {
    "strace": "strace",
    "mariadbd": "mariadb-server-core",
    "busybox": "busybox",
    "mksh": "mksh",
    "gcc": "gcc libc6-dev",
    "apache2": "apache2",
    "chromium": "chromium fonts-dejavu-core",
    "node": "nodejs",
    "mmdebstrap": "mmdebstrap debian-archive-keyring",
    "systemd-nspawn": "systemd-container",
    "ssh": "openssh-client",
    "ip": "iproute2",
}
"""Programs that `--all` uses, and the Debian packages that have them."""

WHOLE = "GLPI_BRIDGE_TESTS_WHOLE"
"""Set for tests that are cut short otherwise: the number of seeds, the length of a storm."""


MUST_RUN = "GLPI_BRIDGE_TEST_ALL"
"""Set with `--all`: a test that lacks a program that `--all` installs then fails, instead of being skipped."""


@dataclass
class Result:
    """How a tier went; `notes` are lines to show in any case, `output` is shown where something failed."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    notes: list[str] = field(default_factory=list)
    output: str = ""

    def add(self, name: str, error: str | None) -> None:
        """Count one check; `error` is its output if it failed."""
        if error is None:
            self.passed += 1
        else:
            self.failed += 1
            self.output += f"--- {name}\n{error.rstrip()}\n"

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing ran."""
        return not (self.passed or self.failed or self.skipped)

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


@dataclass(frozen=True)
class Depth:
    """How much of a tier is run."""

    whole: bool


def run(*command: str | Path, cwd: Path = ROOT, env: dict[str, str] | None = None) -> tuple[int, str]:
    """Run a command; give its exit code and all it said."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    return done.returncode, done.stdout


def checked(result: Result, name: str, *command: str | Path, cwd: Path = ROOT) -> str:
    """Run a command as one check, which passes when it exits 0; give what it said."""
    code, output = run(*command, cwd=cwd)
    result.add(name, None if code == 0 else output or f"exit code {code}, and no word")
    return output


# -- tiers ------------------------------------------------------------------------------------------------------------


def style(_: Depth) -> Result:
    """Lint, format, types, layers, shell."""
    result = Result()
    checked(result, "ruff check", BIN / "ruff", "check", "--quiet", ".")
    checked(result, "ruff format", BIN / "ruff", "format", "--check", "--quiet", ".")
    checked(result, "mypy", BIN / "mypy")
    checked(result, "import-linter", BIN / "lint-imports")
    checked(result, "shellcheck", BIN / "shellcheck", *shell_scripts())
    return result


def shell_scripts() -> list[Path]:
    """Find every shell script of the checkout by its first line."""
    places = [ROOT, *(ROOT / name for name in (".ci", "alert_scripts", "config", "ansible", "tests"))]
    files = [path for place in places for path in (place.glob("*") if place == ROOT else place.rglob("*"))]
    return sorted(path for path in files if path.is_file() and _is_shell(path))


def _is_shell(path: Path) -> bool:
    with path.open("rb") as file:
        return file.readline(40).strip() in (b"#!/bin/sh", b"#!/bin/bash", b"#!/usr/bin/env bash")


CORES = max(2, min(8, os.cpu_count() or 2))
"""Workers of the simulation, which is nothing but computing. Integration has one more, as it waits for time-outs as
well; unit and contract have fewer, as each worker imports and collects their thousands of tests anew. The others keep
to two, for what they start computes too."""


def pytest(tier: str, *, workers: int = 2, short: Sequence[str] = ()) -> Callable[[Depth], Result]:
    """Give a tier that is a directory of tests; `short` cuts it where not the whole is asked for."""

    def tests(depth: Depth) -> Result:
        directory = ROOT / "tests" / tier
        if not any(directory.rglob("test_*.py")):
            return Result()
        with tempfile.TemporaryDirectory() as scratch:
            report = Path(scratch) / "report.xml"
            command = [sys.executable, "-m", "pytest", directory, f"--junitxml={report}", "-p", "no:cacheprovider"]
            command += [] if depth.whole else ["-m", "not slow and not root", *short]
            command += ["-n", str(workers)] if workers > 1 else []
            code, output = run(*command, env={WHOLE: "1"} if depth.whole else None)
            return _read(report, code, output)

    return tests


_NOTHING_COLLECTED = 5


def _read(report: Path, code: int, output: str) -> Result:
    if code == _NOTHING_COLLECTED:
        return Result()
    result = Result(output=output)
    if report.exists():
        for case in ET.parse(report).getroot().iter("testcase"):
            if case.find("failure") is not None or case.find("error") is not None:
                result.failed += 1
            elif case.find("skipped") is not None:
                result.skipped += 1
            else:
                result.passed += 1
        result.notes = list(_reasons(report))
    if code and not result.failed:
        result.failed = 1  # pytest itself broke off
    return result


def _reasons(report: Path) -> Iterator[str]:
    reasons = Counter(str(one.get("message")) for one in ET.parse(report).getroot().iter("skipped"))
    for reason, times in sorted(reasons.items()):
        yield f"skipped {times}: {reason}"


def demo(_: Depth) -> Result:
    """Run the demo once, as either GLPI."""
    result = Result()
    for version in ("10", "11"):
        result.add(f"demo as GLPI {version}", _demo(ROOT / "demo", "--once", "--json", "--glpi-version", version))
    return result


def _demo(*command: str | Path, cwd: Path = ROOT) -> str | None:
    code, output = run(*command, cwd=cwd)
    try:
        shown = json.loads(output)
        tickets = shown["tickets"]
        solved = [ticket for ticket in tickets if ticket["status"] == "solved"]
        is_right = (
            code == 0
            and (shown["lost"], shown["duplicates"], len(tickets), len(solved)) == (0, 0, 5, 1)
            and len({ticket["category"] for ticket in tickets}) == 5
        )
    except (ValueError, LookupError, TypeError):
        is_right = False
    return None if is_right else f"exit code {code}\n{output}"


def wheel(_: Depth) -> Result:
    """Build the wheel, install it into a fresh environment and start it there, away from the checkout."""
    result = Result()
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")
        checked(result, "build", *pip, "wheel", "--no-deps", "--wheel-dir", place, ROOT)
        checked(result, "environment", sys.executable, "-m", "venv", place / "venv")
        there = place / "venv" / "bin"
        checked(
            result, "install", there / "pip", "--quiet", "--disable-pip-version-check", "install", *place.glob("*.whl")
        )
        if not result.failed:
            checked(result, "--version", there / "glpi-bridge", "--version", cwd=place)
            result.add("demo", _demo(there / "glpi-bridge", "demo", "--once", "--json", cwd=place))
    return result


def bench(_: Depth) -> Result:
    """Run the quick form of the benchmarks and show them.

    A missed goal is shown and fails nothing here: among other tests a machine's speed proves little. `./test bench`
    exits 1 for it.
    """
    result = Result()
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "ratios.json"
        _, output = run(sys.executable, "-m", "tests.bench", "--quick", "--json", file)
        result.add("bench", None if file.exists() else output)  # it is written once everything was measured
        result.notes = output.splitlines()
    return result


def ansible(depth: Depth) -> Result:
    """Run the playbooks on two bare machines; Ansible itself is installed first, as it is large."""
    error = install_ansible()
    return pytest("ansible", workers=1)(depth) if error is None else Result(failed=1, output=error)


def install_ansible() -> str | None:
    """Add Ansible to the environment; give what was said where that cannot be done."""
    code, output = run(ROOT / ".ci" / "environment", "test,ansible")
    return output if code else None


def ansible_long(depth: Depth) -> Result:
    """Run what takes too long for every day, too."""
    os.environ["GLPI_BRIDGE_TEST_LONG"] = "1"
    return ansible(depth)


TIERS: dict[str, Callable[[Depth], Result]] = {
    "style": style,
    "unit": pytest("unit", workers=CORES // 2),
    "contract": pytest("contract", workers=1),
    "simulation": pytest("simulation", workers=CORES),
    "integration": pytest("integration", workers=CORES + 1, short=["--one-glpi"]),
    "demo": demo,
    "crash": pytest("crash"),
    "e2e": pytest("e2e"),
    "browser": pytest("browser"),
    "ansible": ansible,
    "live": pytest("live", workers=1),
    "wheel": wheel,
    "bench": bench,
}
ASKED_FOR = {"ansible-long": ansible_long}
"""Not part of `--all`."""
PLAIN = ("style", "unit", "contract", "simulation", "integration", "demo")
SIDE_BY_SIDE = {False: ("style", "unit", "contract", "simulation"), True: ("simulation", "ansible")}
"""What runs at the same time, by whether all is run: the simulation knows no clock but its own, the others leave cores
idle, for they begin and end on one or wait for machines."""


# -- the command ------------------------------------------------------------------------------------------------------


def hear_signals() -> None:
    """Take signals as usual: what `nohup` or `&` starts ignores some of them, and would hand that on to each test."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


def main(arguments: Sequence[str]) -> int:
    """Run what was asked for; 0 when all of it passed."""
    hear_signals()
    if arguments and arguments[0] == "bench":
        return subprocess.run([sys.executable, "-m", "tests.bench", *arguments[1:]], cwd=ROOT, check=False).returncode
    parser = argparse.ArgumentParser(prog="./test", description="Run the tests.")
    parser.add_argument("--all", action="store_true", help="install system packages (as root) and run everything")
    parser.add_argument("tiers", nargs="*", metavar="TIER", help=f"only these: {', '.join(TIERS)}")
    given = parser.parse_args(arguments)
    if unknown := [name for name in given.tiers if name not in {**TIERS, **ASKED_FOR}]:
        parser.error(f"there is no tier {unknown[0]!r}; there are {', '.join(TIERS)}")
    if given.all and (error := install_packages()):
        print(f"./test --all: {error}", file=sys.stderr)
        return 1
    if given.all:
        os.environ[MUST_RUN] = "1"
    names = given.tiers or (list(TIERS) if given.all else list(PLAIN))
    return run_tiers(names, whole=given.all, asked=bool(given.tiers))


def run_tiers(names: Sequence[str], *, whole: bool, asked: bool) -> int:
    """Run tiers in order; the last line is the sum."""
    total, began = Result(), time.monotonic()
    with ThreadPoolExecutor() as pool:
        for group in _groups(names, () if asked else SIDE_BY_SIDE[whole]):
            running = [(name, pool.submit(_timed, name, Depth(whole or name not in PLAIN))) for name in group]
            for name, tier in running:
                print(f"{name:12}", end="", flush=True)
                _show(*tier.result(), total, asked=asked)
    print(f"{len(names)} tiers in {time.monotonic() - began:.0f} s")
    print(total)
    return 1 if total.failed else 0


def _groups(names: Sequence[str], together: Sequence[str]) -> Iterator[Sequence[str]]:
    """Give tiers one after the other, but those together that may be, at the place of the first."""
    beside = [name for name in names if name in together]
    if "ansible" in beside:
        install_ansible()  # what the others import is put in place anew by it
    for name in names:
        if name not in beside:
            yield [name]
        elif name == beside[0]:
            yield beside


def _timed(name: str, depth: Depth) -> tuple[Result, float]:
    start = time.monotonic()
    return {**TIERS, **ASKED_FOR}[name](depth), time.monotonic() - start


def _show(result: Result, seconds: float, total: Result, *, asked: bool) -> None:
    """Print a tier's line, its notes and what failed; add it to the sum."""
    if result.is_empty:
        print("no tests yet")
        total.failed += asked
        return
    print(f"{result!s:40} {seconds:6.1f} s")
    for line in result.notes:
        print(f"            {line}")
    if result.failed:
        print(result.output, flush=True)
    total.passed += result.passed
    total.failed += result.failed
    total.skipped += result.skipped


def install_packages() -> str | None:
    """Install with apt what is missing; give the reason in words where that cannot be done."""
    missing = [packages for program, packages in PACKAGES.items() if not shutil.which(program, path=_path())]
    if not missing:
        return None
    wanted = " ".join(missing).split()
    if not shutil.which("apt-get"):
        return f"{', '.join(wanted)} cannot be installed without apt-get; install them by hand"
    if os.geteuid() != 0:
        return f"root is needed to install {', '.join(wanted)}: apt install {' '.join(wanted)}"
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "--no-install-recommends", "-y", *wanted]):
        code, output = run("apt-get", "-qq", *command, env=quiet)
        if code:
            return f"apt-get {' '.join(command)} failed:\n{output}"
    return None


def _path() -> str:
    return f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
