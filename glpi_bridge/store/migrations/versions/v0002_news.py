"""What was heard of a ticket's history in GLPI, and what Zabbix is owed of it.

Revision 0002; after 0001. What people did to tickets before is history, and no news.
"""

import json
import time
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Column, Text

revision = "0002"
down_revision = "0001"

_LONG: Any = Text(2**24 - 1)


def upgrade() -> None:
    """Add the column; of the tickets that are there, news begin now."""
    op.add_column("incidents", Column("news", _LONG, nullable=True))
    incidents = sa.table("incidents", sa.column("news"), sa.column("ticket_id"))
    begins = json.dumps({"since": time.time(), "rows": [], "read": "", "words": []})
    op.execute(incidents.update().where(incidents.c.ticket_id.is_not(None)).values(news=begins))


def downgrade() -> None:
    """Forget what was heard."""
    op.drop_column("incidents", "news")
