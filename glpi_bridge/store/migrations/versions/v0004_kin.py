"""Kin of incidents: the cause of an event in Zabbix, the storm that an incident is part of.

Revision 0004; after 0003.
"""

from alembic import op
from sqlalchemy import Boolean, Column, Float, Integer, String, false

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the columns and their indexes; what is held keeps no kin until it is read again."""
    op.add_column("events", Column("cause_eventid", String(64), nullable=False, server_default=""))
    op.create_index("events_cause", "events", ["cause_eventid"])
    op.add_column("incidents", Column("parent_id", Integer, nullable=True))
    op.add_column("incidents", Column("is_storm", Boolean, nullable=False, server_default=false()))
    op.add_column("incidents", Column("storm_group", String(32), nullable=True))
    op.add_column("incidents", Column("opened_at", Float(53), nullable=True))
    op.create_index("incidents_parent", "incidents", ["parent_id"])
    op.create_index("incidents_storm", "incidents", ["storm_group", "opened_at"])


def downgrade() -> None:
    """Forget the kin; the links in GLPI stay."""
    op.drop_index("incidents_storm", "incidents")
    op.drop_index("incidents_parent", "incidents")
    for column in ("opened_at", "storm_group", "is_storm", "parent_id"):
        op.drop_column("incidents", column)
    op.drop_index("events_cause", "events")
    op.drop_column("events", "cause_eventid")
