"""What makes all tests quicker; they see nothing of it."""

from __future__ import annotations

import gc

import sqlalchemy as sa

from glpi_bridge.store import engine


def pytest_configure() -> None:
    """Compile each statement once for all stores: an engine keeps what it compiled to itself, and each test has one."""
    first, make = sa.create_engine("sqlite://"), engine._engine
    first.connect().close()  # the dialect learns by it what this SQLite can do

    def like_the_first(url: sa.URL) -> sa.Engine:
        made = make(url)
        if made.dialect.name == first.dialect.name:
            made.dialect = first.dialect  # what was compiled is asked for by dialect
            made._compiled_cache = first._compiled_cache
        return made

    engine._engine = like_the_first


def pytest_collection_finish() -> None:
    """Leave modules and the collected tests out of each later search for garbage, which they would make long."""
    gc.collect()
    gc.freeze()
