"""A client of GLPI in one line, for programs of your own."""

from __future__ import annotations

import os
from collections.abc import Sequence

from glpi_bridge import http
from glpi_bridge.address import glpi_url
from glpi_bridge.errors import Fault, SettingsError
from glpi_bridge.glpi.client import Credentials, Glpi
from glpi_bridge.units import Mistake


def connect(
    url: str,
    credentials: Credentials,
    *,
    profile: str | None = None,
    entity: str | None = None,
    ca_file: str | os.PathLike[str] | None = None,
    proxy: str | None = None,
    no_proxy: Sequence[str] = (),
    connect_timeout: float = 5.0,
    total_timeout: float = 60.0,
) -> Glpi:
    """Return a client to be used with `with`: the session opens there and ends with the block, also after an error.

    `url` as people copy it, with or without apirest.php; time-outs in seconds. Raises SettingsError for an address that
    is none; entering the block raises Held for a log-in that is refused, NotConnected or NoAnswer for a GLPI that is
    down.
    """
    try:
        address = glpi_url(url)
    except Mistake as mistake:
        raise SettingsError([Fault("url", 0, mistake.found, mistake.advice)]) from None
    wire = http.session(
        ca_file=ca_file,
        proxy=proxy,
        no_proxy=no_proxy,
        connect_timeout=connect_timeout,
        total_timeout=total_timeout,
        target="GLPI",
    )
    return Glpi(address, lambda: credentials, wire, profile=profile, entity=entity)
