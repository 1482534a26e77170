"""wheels.py SOURCE CACHE PYTHON ARCHITECTURE [EXTRA...]: a tar of glpi-bridge and all it needs, for a machine.

SOURCE is a checkout or a wheel, EXTRA one of its extras. Prints JSON: `release`, the version and the start of its
sha256, and `bundle`, the path of the tar.
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
PARTS = ("pyproject.toml", "README.md", "LICENSE", "glpi_bridge", "alert_scripts", "config", "frontend")
"""What of a checkout a wheel is made from."""
GLIBC = ("2_36", "2_34", "2_31", "2_28", "2_27", "2_26", "2_24", "2_17")


def main(source: Path, cache: Path, python: str, architecture: str, *extras: str) -> None:
    """Build what is not in the cache yet."""
    with tempfile.TemporaryDirectory() as scratch, (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wheel = source if source.suffix == ".whl" else built(source, cache)
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        release = "-".join([wheel.name.split("-")[1], digest[:8], *sorted(extras)])
        bundle = cache / f"glpi-bridge-{release}-py{python}-{architecture}.tar"
        if not bundle.exists():
            pack(wheel, extras, bundle, Path(scratch) / "all", python, architecture)
    print(json.dumps({"release": release, "bundle": str(bundle)}))


def built(checkout: Path, cache: Path) -> Path:
    """Build the wheel, or take the one that was built of the same files; they give the same bytes."""
    digest = hashlib.sha256()
    for path in sorted(path for part in PARTS for path in (checkout / part, *(checkout / part).rglob("*"))):
        if path.is_file() and "__pycache__" not in path.parts:
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{path.relative_to(checkout)} {path.stat().st_mode & 0o111} {content}\n".encode())
    place = cache / f"checkout-{digest.hexdigest()[:16]}"
    if not place.exists():
        environment = {**os.environ, "SOURCE_DATE_EPOCH": "1577836800"}
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            unfinished = Path(scratch) / "wheel"
            run(*PIP, "wheel", "--no-deps", "--wheel-dir", unfinished, checkout, env=environment)
            unfinished.rename(place)
    return next(place.glob("*.whl"))


def pack(wheel: Path, extras: tuple[str, ...], bundle: Path, place: Path, python: str, architecture: str) -> None:
    """Download what the wheel needs, for the other machine's Python, and pack all of it."""
    version = python.replace(".", "")
    abis = [f"--abi={abi}" for abi in (f"cp{version}", "abi3", "none")]
    platforms = [f"--platform=manylinux_{glibc}_{architecture}" for glibc in GLIBC]
    platforms += [f"--platform=manylinux2014_{architecture}", "--platform=any"]
    only = ("--only-binary=:all:", f"--python-version={python}", "--implementation=cp")
    wanted = f"{wheel}[{','.join(extras)}]" if extras else wheel
    run(*PIP, "download", *only, *abis, *platforms, "--dest", place, wanted)
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
    main(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])
