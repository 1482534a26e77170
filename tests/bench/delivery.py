"""Delivery against what GLPI takes at most: the same client on one session, bulks of 50 back to back."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from glpi_bridge import build, config, deliver, intake
from tests.bench.ratio import Ratio, seconds
from tests.crash.apart import Bridge, standin

_BULK = 50


def measure(quick: bool) -> Iterator[Ratio]:
    """The best of some rounds of each, in turn; the alerts are in the store, as after an outage of GLPI."""
    rounds, tickets = (2, 500) if quick else (4, 1500)
    raw, delivered = [], []
    with standin("--single-ms", "20", "--bulk-item-ms", "5") as glpi:
        for number in range(rounds):
            with tempfile.TemporaryDirectory() as scratch:
                bridge = Bridge(Path(scratch), glpi, f"round{number}")
                bridge.write()
                raw.append(_raw(bridge, tickets // _BULK) / (tickets // _BULK * _BULK))
                for event in range(tickets):
                    bridge.put(event, host_host=f"host{event % 50}")
                with build.bridge(config.load(bridge.settings)) as context:
                    deliver.one_pass(context)  # warm: the session is open, the names are read
                with build.bridge(config.load(bridge.settings)) as context:
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


def _raw(bridge: Bridge, bulks: int) -> float:
    item = {"content": "<p>raw</p>" * 20, "itilcategories_id": 1, "urgency": 4, "impact": 4}
    with build.bridge(config.load(bridge.settings)) as context:
        context.glpi.login()

        def work() -> None:
            for bulk in range(bulks):
                outcomes = context.glpi.add("Ticket", [item | {"name": f"raw {bulk} {one}"} for one in range(_BULK)])
                if not all(outcome.id for outcome in outcomes):
                    raise RuntimeError(str(outcomes[0]))

        return seconds(work)
