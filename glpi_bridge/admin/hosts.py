"""Which asset of GLPI each host of Zabbix is, host by host: for those that tickets cannot be linked for. Reads only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

from glpi_bridge.assets import Assets, Found, stating
from glpi_bridge.zabbix import Zabbix

_TOGETHER = 100


class Match(StrEnum):
    """How a host stands."""

    ONE = "one"
    NONE = "none"
    SEVERAL = "several"


@dataclass(frozen=True, slots=True)
class Standing:
    """A host, and what was found for it in GLPI."""

    source: str
    host: str
    name: str
    found: Found

    @property
    def match(self) -> Match:
        """Whether its tickets can be linked."""
        if self.found.assets:
            return Match.ONE
        return Match.SEVERAL if self.found.several else Match.NONE


def standings(assets: Assets, source: str, zabbix: Zabbix) -> Iterator[Standing]:
    """Yield every enabled host that our account sees in Zabbix, with what it is in GLPI."""
    hosts = (host for host in zabbix.all_hosts() if host.is_enabled)
    while some := [(host, stating(source, host)) for host in islice(hosts, _TOGETHER)]:
        found, _ = assets.look_up([(event, None) for _, event in some])
        for (host, _), one in zip(some, found, strict=True):
            yield Standing(source, host.host, host.name, one)
