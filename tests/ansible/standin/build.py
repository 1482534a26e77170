"""`python -m tests.ansible.standin.build VERSION FOLDER [--broken] [--name VERSION]`: glpi-VERSION.tgz in FOLDER.

Has what the role `glpi` relies on (public/, bin/console, front/cron.php, version/, the limits of PHP) and none of
GLPI's code: behind it is the sandbox of this project, which keeps its tables in MariaDB. The same input gives the
same bytes. With --broken the archive's `db:update` breaks off half-way.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent.parent.parent
SPEAKS = {"10": "10.0.19", "11": "11.0.6"}
"""What the sandbox answers as, by the first part of a version."""


def build(folder: Path, version: str, *, broken: bool = False) -> tuple[Path, str]:
    """Make the archive; return its path and its sha256."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, content in sorted(_files(version, broken=broken)):
            one = tarfile.TarInfo(f"glpi/{name}")
            one.size, one.mode = len(content), 0o755 if name == "bin/console" else 0o644
            tar.addfile(one, io.BytesIO(content))
    data = gzip.compress(packed.getvalue(), mtime=0)
    path = folder / f"glpi-{version}{'-broken' if broken else ''}.tgz"
    path.write_bytes(data)
    return path, hashlib.sha256(data).hexdigest()


def _files(version: str, *, broken: bool) -> Iterator[tuple[str, bytes]]:
    major = version.split(".", maxsplit=1)[0]
    limits = b"<?php\ndefine('GLPI_MIN_PHP', '7.4.0');\ndefine('GLPI_MAX_PHP', '9.0.0');\n"
    yield f"version/{version}", b""
    yield "src/autoload/constants.php" if major == "11" else "inc/define.php", limits
    yield "inc/index.html", b""
    yield "vendor/autoload.php", b"<?php\n"
    yield "install/install.php", b"<?php\nhttp_response_code(200);\necho 'anybody may install';\n"
    yield "bin/console", _php("console.php", version, broken=broken)
    yield "front/cron.php", _php("cron.php", version, broken=broken)
    yield "public/index.php", _php("index.php", version, broken=broken)
    yield "standin/common.php", _php("common.php", version, broken=broken)
    yield "standin/serve.py", (HERE / "serve.py").read_bytes()
    yield "standin/speaks", SPEAKS[major].encode()
    package = PROJECT / "glpi_bridge"
    sandbox = [path for path in (package / "sandbox" / "glpi").rglob("*") if path.is_file()]
    for path in [package / "__init__.py", package / "sandbox" / "__init__.py", *sandbox]:
        if "__pycache__" not in path.parts:
            yield f"standin/{path.relative_to(PROJECT)}", path.read_bytes()


def _php(name: str, version: str, *, broken: bool) -> bytes:
    text = (HERE / name).read_text(encoding="utf-8")
    return text.replace("@VERSION@", version).replace("@BROKEN@", str(int(broken))).encode()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Make a stand-in of a GLPI release archive.")
    parser.add_argument("version")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--broken", action="store_true", help="an upgrade to it breaks off half-way")
    given = parser.parse_args()
    made, digest = build(given.folder, given.version, broken=given.broken)
    print(f"{made}\n{digest}")
