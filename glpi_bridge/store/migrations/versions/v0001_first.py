"""The first schema.

Revision 0001; nothing before it.
"""

from typing import Any

from alembic import op
from sqlalchemy import Boolean, Column, Float, Integer, String, Text, UniqueConstraint

revision = "0001"
down_revision = None

_OPTIONS: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}
_LONG = Text(2**24 - 1)
_TIME = Float(53)


def upgrade() -> None:
    """Create every table."""
    op.create_table(
        "events",
        Column("source", String(64), primary_key=True),
        Column("eventid", String(64), primary_key=True),
        Column("facts", _LONG, nullable=False),
        Column("is_open", Boolean, nullable=False),
        Column("unsorted", Boolean, nullable=False),
        Column("incident_id", Integer, nullable=True),
        Column("verdict", String(255), nullable=False),
        Column("changed_at", _TIME, nullable=False),
        Column("triggerid", String(64), nullable=False),
        Column("checked_at", _TIME, nullable=False),
        **_OPTIONS,
    )
    op.create_index("events_incident", "events", ["incident_id"])
    op.create_index("events_unsorted", "events", ["unsorted"])
    op.create_index("events_changed", "events", ["changed_at"])
    op.create_index("events_checked", "events", ["checked_at"])
    op.create_index("events_trigger", "events", ["triggerid"])
    op.create_table(
        "incidents",
        Column("id", Integer, primary_key=True, autoincrement=True),
        Column("source", String(64), nullable=False),
        Column("key", String(255), nullable=False),
        Column("generation", Integer, nullable=False),
        Column("marker", String(160), nullable=False),
        Column("ticket_id", Integer, nullable=True),
        Column("previous", Integer, nullable=True),
        Column("told", _LONG, nullable=False),
        Column("seen", Text, nullable=True),
        Column("version", Integer, nullable=False),
        Column("state", String(255), nullable=False),
        Column("created_at", _TIME, nullable=False),
        Column("finished_at", _TIME, nullable=True),
        Column("due_at", _TIME, nullable=True),
        Column("not_before", _TIME, nullable=False),
        Column("attempt_id", String(36), nullable=True),
        Column("tries", Integer, nullable=False),
        Column("refused_at", _TIME, nullable=True),
        Column("doubts", Integer, nullable=False),
        Column("parked", Text, nullable=True),
        Column("acknowledged", _LONG, nullable=False),
        Column("ack_due_at", _TIME, nullable=True),
        Column("ack_not_before", _TIME, nullable=False),
        Column("ack_attempt_id", String(36), nullable=True),
        Column("ack_tries", Integer, nullable=False),
        Column("ack_parked", Text, nullable=True),
        UniqueConstraint("source", "key", "generation", name="incidents_key"),
        **_OPTIONS,
    )
    op.create_index("incidents_due", "incidents", ["due_at"])
    op.create_index("incidents_ack_due", "incidents", ["ack_due_at"])
    op.create_index("incidents_ticket", "incidents", ["ticket_id"])
    op.create_index("incidents_marker", "incidents", ["marker"])
    op.create_index("incidents_finished", "incidents", ["finished_at"])
    op.create_index("incidents_attempt", "incidents", ["attempt_id"])
    op.create_table(
        "attempts",
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
        Column("kills", Integer, nullable=False),
        Column("fenced_at", _TIME, nullable=True),
        Column("looks", Integer, nullable=False),
        Column("note", Text, nullable=True),
        **_OPTIONS,
    )
    op.create_index("attempts_next", "attempts", ["next_at"])
    op.create_table(
        "meta",
        Column("name", String(64), primary_key=True),
        Column("value", _LONG, nullable=False),
        **_OPTIONS,
    )
    op.create_table(
        "notices",
        Column("kind", String(32), primary_key=True),
        Column("subject", String(190), primary_key=True),
        Column("text", Text, nullable=False),
        Column("count", Integer, nullable=False),
        Column("first_at", _TIME, nullable=False),
        Column("last_at", _TIME, nullable=False),
        **_OPTIONS,
    )
    op.create_table(
        "found",
        Column("marker", String(160), primary_key=True),
        Column("ticket_id", Integer, nullable=False),
        **_OPTIONS,
    )


def downgrade() -> None:
    """Going below the first schema means an empty store: remove the tables."""
    for table in ("found", "notices", "meta", "attempts", "incidents", "events"):
        op.drop_table(table)
