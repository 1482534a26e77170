"""Delivery against what GLPI takes at most: the same tickets by the same client on one session, bulks back to back."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

from glpi_bridge import build, config, deliver, intake
from glpi_bridge.glpi import Glpi
from tests.bench.ratio import Ratio, seconds
from tests.crash.apart import Bridge, standin

_BULK = 50


def measure(quick: bool) -> Iterator[Ratio]:
    """The best of some rounds of each, in turn; the alerts are in the store, as after an outage of GLPI.

    Both sides are warm: logged in, and what the first call reads (names, assets) is read.
    """
    rounds, tickets = (2, 500) if quick else (4, 1500)
    raw, delivered = [], []
    with standin("--single-ms", "20", "--bulk-item-ms", "5") as glpi:
        for number in range(rounds):
            with tempfile.TemporaryDirectory() as scratch:
                bridge = Bridge(Path(scratch), glpi, f"round{number}")
                bridge.write()
                for event in range(tickets):
                    bridge.put(event, host_host=f"host{event % 50}")
                sent = _delivered(bridge)
                raw.append(_raw(bridge, sent) / len(sent))
                with build.bridge(config.load(bridge.settings)) as context:
                    bridge.put(2 * tickets, host_host="host0")
                    deliver.one_pass(context)
                    for event in range(tickets, 2 * tickets):
                        bridge.put(event, host_host=f"host{event % 50}")
                    intake.take_in(context)
                    delivered.append(seconds(lambda: deliver.one_pass(context)) / tickets)
    yield Ratio(
        "delivery",
        "tickets a second against the stand-in's raw bulk rate",
        min(raw) / min(delivered),
        0.9,
        f"{1 / min(delivered):.0f}/s, {1 / min(raw):.0f}/s",
        at_least=True,
    )


def _delivered(bridge: Bridge) -> list[dict[str, Any]]:
    """Deliver what waits, and return the tickets as GLPI was sent them."""
    with (
        build.bridge(config.load(bridge.settings)) as context,
        mock.patch.object(Glpi, "add", autospec=True, side_effect=Glpi.add) as add,
    ):
        deliver.one_pass(context)
    return [dict(item) for call in add.call_args_list if call.args[1] == "Ticket" for item in call.args[2]]


def _raw(bridge: Bridge, sent: Sequence[dict[str, Any]]) -> float:
    # another word for the marker: these are not the bridge's
    items = [{**item, "content": item["content"].replace("zabbix ", "raw ")} for item in sent]
    with build.bridge(config.load(bridge.settings)) as context:
        context.glpi.login()

        def work() -> None:
            for start in range(0, len(items), _BULK):
                outcomes = context.glpi.add("Ticket", items[start : start + _BULK])
                if not all(outcome.id for outcome in outcomes):
                    raise RuntimeError(str(outcomes[0]))

        return seconds(work)
