"""Problems and Changes that the bridge follows, and the occurrences that they are opened for.

Revision 0003; after 0002.
"""

from typing import Any

from alembic import op
from sqlalchemy import Boolean, Column, Float, Integer, String, Text, UniqueConstraint

revision = "0003"
down_revision = "0002"

_OPTIONS: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}
_LONG = Text(2**24 - 1)
_TIME = Float(53)


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "occurrences",
        Column("cause", String(32), primary_key=True),
        Column("source", String(64), primary_key=True),
        Column("eventid", String(64), primary_key=True),
        Column("fresh", Boolean, nullable=False),
        **_OPTIONS,
    )
    op.create_index("occurrences_fresh", "occurrences", ["fresh"])
    op.create_index("occurrences_event", "occurrences", ["source", "eventid"])
    op.create_table(
        "undertakings",
        Column("id", Integer, primary_key=True, autoincrement=True),
        Column("kind", String(16), nullable=False),
        Column("cause", String(64), nullable=False),
        Column("generation", Integer, nullable=False),
        Column("marker", String(190), nullable=False),
        Column("same", String(16), nullable=False),
        Column("glpi_id", Integer, nullable=True),
        Column("given", _LONG, nullable=False),
        Column("told", _LONG, nullable=False),
        Column("seen", _LONG, nullable=False),
        Column("state", String(255), nullable=False),
        Column("version", Integer, nullable=False),
        Column("due_at", _TIME, nullable=True),
        Column("not_before", _TIME, nullable=False),
        Column("attempt_id", String(36), nullable=True),
        Column("tries", Integer, nullable=False),
        Column("refused_at", _TIME, nullable=True),
        Column("parked", Text, nullable=True),
        Column("created_at", _TIME, nullable=False),
        Column("finished_at", _TIME, nullable=True),
        UniqueConstraint("kind", "cause", "generation", name="undertakings_cause"),
        **_OPTIONS,
    )
    op.create_index("undertakings_due", "undertakings", ["due_at"])
    op.create_index("undertakings_glpi", "undertakings", ["kind", "glpi_id"])


def downgrade() -> None:
    """Forget them; what GLPI has stays."""
    op.drop_table("undertakings")
    op.drop_table("occurrences")
