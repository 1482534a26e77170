"""What the bridge knows and what it has told, in one SQL store (SQLite, or MariaDB by URL)."""

from sqlalchemy.engine import URL, Connection, make_url

from glpi_bridge.store.engine import SCHEMA, Store

__all__ = ["SCHEMA", "URL", "Connection", "Store", "make_url"]
