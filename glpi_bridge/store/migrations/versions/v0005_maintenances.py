"""What planned work has in Zabbix.

Revision 0005; after 0004.
"""

from typing import Any

from alembic import op
from sqlalchemy import Column, Float, Integer, String, Text, UniqueConstraint

revision = "0005"
down_revision = "0004"

_OPTIONS: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}
_LONG = Text(2**24 - 1)
_TIME = Float(53)


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "maintenances",
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
        **_OPTIONS,
    )
    op.create_index("maintenances_source", "maintenances", ["source", "finished_at"])


def downgrade() -> None:
    """Forget them; what Zabbix has stays."""
    op.drop_table("maintenances")
