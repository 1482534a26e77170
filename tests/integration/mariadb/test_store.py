"""The tests of the store that need no file, on MariaDB."""

# ruff: noqa: F403  the same tests, under the fixture `store` of this directory
from __future__ import annotations

from tests.unit.store.test_claims import *
from tests.unit.store.test_intake import *
from tests.unit.store.test_retention import *
