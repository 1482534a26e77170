"""Certificates for the stand-in: a good one, an expired one, one for another host; made by the openssl command."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from enum import StrEnum
from pathlib import Path


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
    days = "-1" if kind is Tls.EXPIRED else "30"
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    asked = ("-subj", "/CN=GLPI stand-in", "-addext", f"subjectAltName={name}")
    _openssl("req", *curve, "-keyout", str(key), "-out", str(request), *asked)
    signed = ("-in", str(request), "-signkey", str(key), "-days", days, "-copy_extensions", "copy")
    _openssl("x509", "-req", *signed, "-out", str(certificate))
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(certificate, key)
    return served, certificate


def _openssl(*arguments: str) -> None:
    command = shutil.which("openssl")
    if command is None:
        raise FileNotFoundError("the stand-in makes its certificates with the openssl command, which is not installed")
    subprocess.run([command, *arguments], check=True, capture_output=True)  # noqa: S603  # fixed words and own paths
