"""Alembic runs inside the connection and transaction that `store.engine.migrate` holds under its lock."""

from alembic import context

from glpi_bridge.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
