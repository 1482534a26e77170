"""The tables. Times are epoch seconds, so that SQLite and MariaDB compare them alike; JSON lies in text.

Keys compare byte by byte (`utf8mb4_bin`): trigger 123 is not 1230, host DB1 is not db1.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, Column, Float, Index, Integer, MetaData, String, Table, Text, UniqueConstraint, false

metadata = MetaData()
_OPTIONS: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}
_LONG = Text(2**24 - 1)
_TIME = Float(53)

events = Table(
    "events",
    metadata,
    Column("source", String(64), primary_key=True),
    Column("eventid", String(64), primary_key=True),
    Column("facts", _LONG, nullable=False),
    Column("is_open", Boolean, nullable=False),
    Column("unsorted", Boolean, nullable=False),
    Column("incident_id", Integer, nullable=True),
    Column("verdict", String(255), nullable=False, default=""),
    Column("changed_at", _TIME, nullable=False),
    Column("triggerid", String(64), nullable=False, default=""),
    Column("checked_at", _TIME, nullable=False, default=0.0),
    Column("cause_eventid", String(64), nullable=False, server_default=""),
    Index("events_incident", "incident_id"),
    Index("events_unsorted", "unsorted"),
    Index("events_changed", "changed_at"),
    Index("events_checked", "checked_at"),
    Index("events_trigger", "triggerid"),
    Index("events_cause", "cause_eventid"),
    **_OPTIONS,
)

incidents = Table(
    "incidents",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("source", String(64), nullable=False),
    Column("key", String(255), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("marker", String(160), nullable=False),
    Column("ticket_id", Integer, nullable=True),
    Column("previous", Integer, nullable=True),
    Column("told", _LONG, nullable=False),
    Column("seen", Text, nullable=True),
    Column("version", Integer, nullable=False, default=0),
    Column("state", String(255), nullable=False, default=""),
    Column("created_at", _TIME, nullable=False),
    Column("finished_at", _TIME, nullable=True),
    # GLPI's side
    Column("due_at", _TIME, nullable=True),
    Column("not_before", _TIME, nullable=False, default=0.0),
    Column("attempt_id", String(36), nullable=True),
    Column("tries", Integer, nullable=False, default=0),
    Column("refused_at", _TIME, nullable=True),
    Column("doubts", Integer, nullable=False, default=0),
    Column("parked", Text, nullable=True),
    # Zabbix's side, which never waits for GLPI's nor holds it up
    Column("acknowledged", _LONG, nullable=False, default="[]"),
    Column("ack_due_at", _TIME, nullable=True),
    Column("ack_not_before", _TIME, nullable=False, default=0.0),
    Column("ack_attempt_id", String(36), nullable=True),
    Column("ack_tries", Integer, nullable=False, default=0),
    Column("ack_parked", Text, nullable=True),
    Column("news", _LONG, nullable=True),
    # storms: the store's number of the parent, whether this is one, the group that is watched for storms
    Column("parent_id", Integer, nullable=True),
    Column("is_storm", Boolean, nullable=False, server_default=false()),
    Column("storm_group", String(32), nullable=True),
    Column("opened_at", _TIME, nullable=True),
    UniqueConstraint("source", "key", "generation", name="incidents_key"),
    Index("incidents_due", "due_at"),
    Index("incidents_ack_due", "ack_due_at"),
    Index("incidents_ticket", "ticket_id"),
    Index("incidents_marker", "marker"),
    Index("incidents_finished", "finished_at"),
    Index("incidents_attempt", "attempt_id"),
    Index("incidents_parent", "parent_id"),
    Index("incidents_storm", "storm_group", "opened_at"),
    **_OPTIONS,
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("worker", String(128), nullable=False),
    Column("operation", String(16), nullable=False),
    Column("token", String(255), nullable=False),
    Column("watermark", Integer, nullable=False),
    Column("read_at", _TIME, nullable=False),
    Column("started_at", _TIME, nullable=False),
    Column("lease_until", _TIME, nullable=False),
    Column("items", _LONG, nullable=False),
    Column("doubt", Text, nullable=True),
    Column("next_at", _TIME, nullable=False),
    Column("kills", Integer, nullable=False, default=0),
    Column("fenced_at", _TIME, nullable=True),
    Column("looks", Integer, nullable=False, default=0),
    Column("note", Text, nullable=True),
    Index("attempts_next", "next_at"),
    **_OPTIONS,
)

meta = Table(
    "meta",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", _LONG, nullable=False),
    **_OPTIONS,
)

# What a person should know and `status` shows; one row a subject, however often it happens.
notices = Table(
    "notices",
    metadata,
    Column("kind", String(32), primary_key=True),
    Column("subject", String(190), primary_key=True),
    Column("text", Text, nullable=False),
    Column("count", Integer, nullable=False, default=1),
    Column("first_at", _TIME, nullable=False),
    Column("last_at", _TIME, nullable=False),
    **_OPTIONS,
)

# Tickets of ours that a new store found in GLPI by their markers; who asks for one gets it instead of a second.
found = Table(
    "found",
    metadata,
    Column("marker", String(160), primary_key=True),
    Column("ticket_id", Integer, nullable=False),
    **_OPTIONS,
)

# Events by the cause that they share, for those that are counted; `fresh` until they were looked at.
occurrences = Table(
    "occurrences",
    metadata,
    Column("cause", String(32), primary_key=True),
    Column("source", String(64), primary_key=True),
    Column("eventid", String(64), primary_key=True),
    Column("fresh", Boolean, nullable=False),
    Index("occurrences_fresh", "fresh"),
    Index("occurrences_event", "source", "eventid"),
    **_OPTIONS,
)

# Problems and Changes that the bridge follows; at most one of a cause is not finished.
undertakings = Table(
    "undertakings",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("kind", String(16), nullable=False),
    Column("cause", String(64), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("marker", String(190), nullable=False),
    Column("same", String(16), nullable=False, default=""),
    Column("glpi_id", Integer, nullable=True),
    Column("given", _LONG, nullable=False),
    Column("told", _LONG, nullable=False),
    Column("seen", _LONG, nullable=False),
    Column("state", String(255), nullable=False, default=""),
    Column("version", Integer, nullable=False, default=0),
    Column("due_at", _TIME, nullable=True),
    Column("not_before", _TIME, nullable=False, default=0.0),
    Column("attempt_id", String(36), nullable=True),
    Column("tries", Integer, nullable=False, default=0),
    Column("refused_at", _TIME, nullable=True),
    Column("parked", Text, nullable=True),
    Column("created_at", _TIME, nullable=False),
    Column("finished_at", _TIME, nullable=True),
    UniqueConstraint("kind", "cause", "generation", name="undertakings_cause"),
    Index("undertakings_due", "due_at"),
    Index("undertakings_glpi", "kind", "glpi_id"),
    **_OPTIONS,
)

# What planned work has in Zabbix: one maintenance for a Change and a source. `step` is a call without an answer yet.
maintenances = Table(
    "maintenances",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("change_id", Integer, nullable=False),
    Column("source", String(64), nullable=False),
    Column("name", String(128), nullable=False),
    Column("marker", String(255), nullable=False),
    Column("title", String(255), nullable=False),
    Column("wanted", _LONG, nullable=True),
    Column("why", String(255), nullable=False),
    Column("names", _LONG, nullable=False),
    Column("told", _LONG, nullable=True),
    Column("maintenanceid", String(64), nullable=False),
    Column("step", _LONG, nullable=True),
    Column("begun_at", _TIME, nullable=False),
    Column("worker", String(128), nullable=False),
    Column("lease_until", _TIME, nullable=False),
    Column("left", String(255), nullable=False),
    Column("state", String(255), nullable=False),
    Column("version", Integer, nullable=False),
    Column("not_before", _TIME, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("refused_at", _TIME, nullable=True),
    Column("parked", Text, nullable=True),
    Column("finished_at", _TIME, nullable=True),
    UniqueConstraint("change_id", "source", name="maintenances_change"),
    Index("maintenances_source", "source", "finished_at"),
    **_OPTIONS,
)
