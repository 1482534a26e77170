"""The daemon sleeps until something is due, and no longer."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from glpi_bridge.run import Daemon

NOW = 1_800_000_000.0


def _daemon(interval: float, synced_at: float) -> Daemon:
    settings: Any = SimpleNamespace(sync=SimpleNamespace(interval=timedelta(seconds=interval)))
    daemon = Daemon(SimpleNamespace(), settings, now=lambda: NOW)  # type: ignore[arg-type]  # the path is not asked
    daemon._synced_at = synced_at
    return daemon


@pytest.mark.parametrize(
    ("due", "interval", "synced_at", "seconds"),
    [
        (None, 0, 0.0, 30),
        (NOW + 12, 0, 0.0, 12),
        (NOW + 90, 0, 0.0, 30),
        (NOW - 5, 0, 0.0, 0.2),
        (None, 60, NOW - 55, 5),
        (None, 5, NOW, 5),
        (None, 60, NOW - 300, 0.2),
        (NOW + 2, 60, NOW - 55, 2),
        (None, 600, NOW, 30),
    ],
)
def test_it_waits_for_the_next_delivery_retry_or_sync(
    due: float | None, interval: float, synced_at: float, seconds: float
) -> None:
    context: Any = SimpleNamespace(next_wake=lambda: due)
    assert _daemon(interval, synced_at)._wait(context) == pytest.approx(seconds)


@pytest.mark.parametrize(("interval", "reported_at", "times"), [(60, NOW - 61, 1), (60, NOW - 30, 0), (None, 0.0, 0)])
def test_it_tells_how_it_is_doing_as_often_as_a_zabbix_wants(
    interval: float | None, reported_at: float, times: int
) -> None:
    told: list[float] = []
    settings: Any = SimpleNamespace(sync=SimpleNamespace(interval=timedelta(0)), health_interval=interval)
    daemon = Daemon(
        SimpleNamespace(),  # type: ignore[arg-type]  # the path is not asked
        settings,
        now=lambda: NOW,
        report=lambda _, at: told.append(at),
    )
    daemon._reported_at = reported_at
    daemon._tell()
    daemon._tell()
    assert told == [NOW] * times
    context: Any = SimpleNamespace(next_wake=lambda: None)
    assert daemon._wait(context) == 30
