"""wheels.py SOURCE CACHE PYTHON ARCHITECTURE: a tar of glpi-bridge and all it needs, as wheels for a machine.

SOURCE is a checkout or a wheel. Prints {"release": version and start of its sha256, "bundle": path of the tar}.
"""

import fcntl
import hashlib
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")
GLIBC = ("2_36", "2_34", "2_31", "2_28", "2_27", "2_26", "2_24", "2_17")


def main(source: Path, cache: Path, python: str, architecture: str) -> None:
    """Build what is not in the cache yet."""
    with tempfile.TemporaryDirectory() as scratch, (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wheel = source if source.suffix == ".whl" else build(source, Path(scratch))
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        release = f"{wheel.name.split('-')[1]}-{digest[:8]}"
        bundle = cache / f"glpi-bridge-{release}-py{python}-{architecture}.tar"
        if not bundle.exists():
            pack(wheel, bundle, Path(scratch) / "all", python, architecture)
    print(json.dumps({"release": release, "bundle": str(bundle)}))


def build(checkout: Path, place: Path) -> Path:
    """Build the wheel; the same files give the same bytes."""
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1577836800"}
    run(*PIP, "wheel", "--no-deps", "--wheel-dir", place, checkout, env=environment)
    return next(place.glob("*.whl"))


def pack(wheel: Path, bundle: Path, place: Path, python: str, architecture: str) -> None:
    """Download what the wheel needs, for the other machine's Python, and pack all of it."""
    version = python.replace(".", "")
    abis = [f"--abi={abi}" for abi in (f"cp{version}", "abi3", "none")]
    platforms = [f"--platform=manylinux_{glibc}_{architecture}" for glibc in GLIBC]
    platforms += [f"--platform=manylinux2014_{architecture}", "--platform=any"]
    only = ("--only-binary=:all:", f"--python-version={python}", "--implementation=cp")
    run(*PIP, "download", *only, *abis, *platforms, "--dest", place, wheel)
    unfinished = bundle.with_suffix(".unfinished")
    with tarfile.open(unfinished, "w") as tar:
        for one in sorted(place.glob("*.whl")):
            tar.add(one, one.name)
    unfinished.rename(bundle)


def run(*command: object, env: dict[str, str] | None = None) -> None:
    """Run a command; its own words are the error."""
    done = subprocess.run([str(part) for part in command], env=env, stdout=sys.stderr, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command[:5]))} … failed, see above")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4])
