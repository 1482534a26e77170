"""`.ci/environment`, which ./demo and ./test call first: what it says where something is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout in a directory with a blank in its name, and a PATH that begins with a directory of our own."""
    place = tmp_path / "the checkout"
    (place / ".ci").mkdir(parents=True)
    (place / "bin").mkdir()
    shutil.copy(ROOT / ".ci" / "environment", place / ".ci")
    shutil.copy(ROOT / "pyproject.toml", place)
    return place


def program(checkout: Path, name: str, text: str) -> None:
    path = checkout / "bin" / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def environment(checkout: Path, *extra: str, only_ours: bool = False) -> subprocess.CompletedProcess[str]:
    path = str(checkout / "bin") if only_ours else f"{checkout / 'bin'}:{os.environ['PATH']}"
    command = ["/bin/sh", str(checkout / ".ci" / "environment"), *extra]
    return subprocess.run(command, env={"PATH": path}, capture_output=True, text=True, check=False)


def installed(checkout: Path, name: str = "") -> None:
    """Leave what an installation leaves."""
    (checkout / ".venv" / "bin").mkdir(parents=True)
    (checkout / ".venv" / "bin" / "python").symlink_to("/bin/true")
    with (checkout / "pyproject.toml").open() as file:
        sums = subprocess.run(["cksum"], stdin=file, capture_output=True, text=True, check=True).stdout.strip()
    (checkout / ".venv" / f"installed-{name}").write_text(f"{sums} {checkout}\n")


def test_without_python3_it_names_the_packages(checkout: Path) -> None:
    for name in ("dirname", "cksum", "cat"):
        (checkout / "bin" / name).symlink_to(str(shutil.which(name)))
    done = environment(checkout, only_ours=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "python3 is missing; on Debian and Ubuntu: apt install python3 python3-venv\n"


def test_an_old_python3_is_named_with_its_version(checkout: Path) -> None:
    program(checkout, "python3", 'case $1 in -V) echo "Python 3.9.2" ;; *) exit 1 ;; esac')
    done = environment(checkout)
    assert (done.returncode, done.stderr) == (1, "python3 is Python 3.9.2, and 3.11 or later is needed\n")


def test_without_python3_venv_it_names_the_package(checkout: Path) -> None:
    program(checkout, "python3", "case $2 in *ensurepip*) exit 1 ;; esac")
    done = environment(checkout)
    assert (done.returncode, done.stderr) == (
        1,
        "python3-venv is missing; on Debian and Ubuntu: apt install python3-venv\n",
    )


@pytest.mark.parametrize(("there", "wanted"), [("", ""), ("test", "test"), ("test", "")])
def test_it_does_nothing_when_all_was_done_before(checkout: Path, there: str, wanted: str) -> None:
    installed(checkout, there)
    program(checkout, "python3", "exit 1")
    done = environment(checkout, *([wanted] if wanted else []))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_it_installs_again_when_pyproject_has_changed_or_more_is_wanted(checkout: Path) -> None:
    installed(checkout)
    program(checkout, "python3", 'echo "asked for Python" >&2; exit 1')
    assert "asked for Python" in environment(checkout, "test").stderr
    with (checkout / "pyproject.toml").open("a") as file:
        file.write("# a dependency more\n")
    assert "asked for Python" in environment(checkout).stderr


def test_pips_own_words_are_shown_when_it_fails(checkout: Path) -> None:
    venv = checkout / ".venv"
    program(
        checkout,
        "python3",
        f"""
case $*  in *venv*--clear*)
    mkdir -p '{venv}/bin'
    printf '#!/bin/sh\\necho "no route to the index"; exit 1\\n' >'{venv}/bin/python'
    chmod +x '{venv}/bin/python' ;;
esac""",
    )
    done = environment(checkout)
    assert done.returncode == 1
    assert "no route to the index" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("the dependencies could not be installed, see above")
    assert not (venv / "installed-").exists()
