"""From settings to a Context: the one place where the parts are put together."""

from __future__ import annotations

import os
import socket
import ssl
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import requests

from glpi_bridge import http
from glpi_bridge.assets import Assets, AssetTerms
from glpi_bridge.config import Settings, Target
from glpi_bridge.config import Zabbix as ZabbixSettings
from glpi_bridge.context import Context, Maintaining, Source, Terms
from glpi_bridge.errors import Fault, SettingsError
from glpi_bridge.glpi import Credentials, Glpi, Names
from glpi_bridge.rules import Rules
from glpi_bridge.secret import Secret
from glpi_bridge.spool import Spool
from glpi_bridge.store import URL, Store, make_url
from glpi_bridge.zabbix import Zabbix


@contextmanager
def bridge(settings: Settings) -> Iterator[Context]:
    """Build what a pass needs and give it back afterwards: sessions are ended, also after an error."""
    store, client = Store(store_url(settings)), glpi(settings)
    names = Names(client)
    made = Context(
        store=store,
        spool=Spool(settings.spool),
        rules=rules(settings),
        glpi=client,
        names=names,
        sources={name: source(name, one) for name, one in settings.zabbix.items()},
        worker=f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}",
        ticket_link=settings.glpi.link_pattern,
        terms=terms(settings),
        assets=assets(settings, client, names),
        glpi_zone=settings.glpi.timezone,
    )
    try:
        yield made
    finally:
        give_back(made)


def give_back(made: Context) -> None:
    """End every session and close the store."""
    made.glpi.close()
    for one in made.sources.values():
        if one.zabbix is not None:
            one.zabbix.close()
        if one.maintaining is not None:
            one.maintaining.zabbix.close()
    made.store.close()


def store_url(settings: Settings) -> URL:
    """Return SQLAlchemy's URL of the store; the password is read from its file at this moment."""
    if settings.store.url is None:
        return URL.create("sqlite", database=str(settings.store.path))
    return make_url(settings.store.url).set(password=settings.store.password())


def glpi(settings: Settings) -> Glpi:
    """Return the client of GLPI, not yet logged in; tokens are read at each log-in, so a new one is picked up."""
    one = settings.glpi

    def credentials() -> Credentials:
        return Credentials(user_token=one.user_token(), app_token=one.app_token() or "")

    return Glpi(one.url, credentials, wire(one, "GLPI"), profile=one.profile, entity=one.entity)


def source(name: str, settings: ZabbixSettings) -> Source:
    """Return one Zabbix server with its client."""
    return Source(
        name=name,
        zone=settings.timezone,
        zabbix=zabbix(settings),
        acknowledges=settings.write_back.acknowledge,
        adopts=settings.adoption.takes,
        news=settings.write_back.news,
        maintaining=maintaining(settings),
    )


def maintaining(settings: ZabbixSettings) -> Maintaining | None:
    """Return how planned work becomes maintenance there; None where the settings do not say that it does."""
    one = settings.maintenance
    if one is None:
        return None
    return Maintaining(zabbix(settings, secret=one.token_file), one.host_groups, one.collect_data, one.when)


def zabbix(settings: ZabbixSettings, *, token: str | None = None, secret: Secret | None = None) -> Zabbix:
    """Return the client of a Zabbix server, with the token of its file or another."""
    return Zabbix(
        settings.url,
        token=token,
        token_file=None if token is not None else (secret or settings.token_file).path,
        ca_file=settings.ca_file,
        proxy=settings.proxy,
        no_proxy=settings.no_proxy,
        connect_timeout=settings.connect_timeout.total_seconds(),
        total_timeout=settings.total_timeout.total_seconds(),
    )


def rules(settings: Settings) -> Rules:
    """Return the rules; without a file there are none, and every event gets a ticket."""
    return Rules.load(
        settings.rules,
        templates=settings.templates,
        links=settings.links,
        link_assets=bool(settings.assets.types),
    )


def assets(settings: Settings, client: Glpi, names: Names) -> Assets | None:
    """Return the look-up of assets; None where the settings name no itemtypes."""
    one = settings.assets
    terms_ = AssetTerms(one.types, one.order, one.tag, one.location, one.group)
    return Assets(client, names, terms_) if one.types else None


def terms(settings: Settings) -> Terms:
    """Return how patient delivery is."""
    one = settings.delivery
    return Terms(
        settle_after=one.settle_after.total_seconds(),
        lease=one.lease.total_seconds(),
        first_pause=one.backoff_first.total_seconds(),
        longest_pause=one.backoff_cap.total_seconds(),
        give_up_after_refusals=one.refusals,
        give_up_after=one.refused_for.total_seconds(),
        bulk_items=settings.glpi.bulk,
        retention=settings.retention.total_seconds(),
        problem_solved=settings.itil.problem_solved,
        change_solved=settings.itil.change_solved,
        look_every=settings.sync.interval.total_seconds() or 60.0,
    )


def wire(target: Target, name: str) -> requests.Session:
    """Return the HTTP session to a server as its settings say: CA, proxy, times."""
    try:
        return http.session(
            ca_file=target.ca_file,
            proxy=target.proxy,
            no_proxy=target.no_proxy,
            connect_timeout=target.connect_timeout.total_seconds(),
            total_timeout=target.total_timeout.total_seconds(),
            target=name,
        )
    except (OSError, ssl.SSLError) as error:
        fault = Fault(str(target.ca_file), 0, f"the CA file cannot be used: {error}", "name a file of PEM certificates")
        raise SettingsError([fault]) from error
