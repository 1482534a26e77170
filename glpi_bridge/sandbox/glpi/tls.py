"""Certificates for the stand-in: a good one, an expired one, one for another host; made by the openssl command."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

_DATE = "%Y%m%d%H%M%SZ"
_SETTINGS = """\
[ca]
default_ca = own
[own]
database = {issued}
new_certs_dir = {folder}
rand_serial = yes
default_md = sha256
copy_extensions = copy
policy = any
[any]
commonName = supplied
"""


class Tls(StrEnum):
    """What kind of certificate is shown."""

    GOOD = "good"
    EXPIRED = "expired"
    OTHER_NAME = "other_name"


def context(kind: Tls | str, folder: Path) -> tuple[ssl.SSLContext, Path]:
    """Make key and certificate in a folder; return the server's context and the file that a client may trust."""
    kind = Tls(kind)
    key, request, certificate = (folder / name for name in ("key.pem", "request.pem", "certificate.pem"))
    name = "DNS:other.example" if kind is Tls.OTHER_NAME else "IP:127.0.0.1,DNS:localhost"
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    asked = ("-subj", "/CN=GLPI stand-in", "-addext", f"subjectAltName={name}")
    _openssl("req", *curve, "-keyout", str(key), "-out", str(request), *asked)
    # `ca`, because `x509` takes no end in the past from OpenSSL 3.5 on, and no dates at all before 3.4
    settings, issued = folder / "openssl.cnf", folder / "issued"
    settings.write_text(_SETTINGS.format(issued=issued, folder=folder))
    issued.touch()
    end = datetime.now(UTC) + timedelta(days=-1 if kind is Tls.EXPIRED else 30)
    dates = ("-startdate", f"{end - timedelta(days=31):{_DATE}}", "-enddate", f"{end:{_DATE}}")
    signed = ("-selfsign", "-keyfile", str(key), "-in", str(request), "-out", str(certificate), *dates)
    _openssl("ca", "-batch", "-notext", "-config", str(settings), *signed)
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(certificate, key)
    return served, certificate


def _openssl(*arguments: str) -> None:
    command = shutil.which("openssl")
    if command is None:
        raise FileNotFoundError("the stand-in makes its certificates with the openssl command, which is not installed")
    subprocess.run([command, *arguments], check=True, capture_output=True)  # noqa: S603  # fixed words and own paths
