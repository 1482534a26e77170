"""GLPI's REST API: sessions, reads, fenced writes, and what its answers mean."""

from glpi_bridge.glpi.answers import Answer
from glpi_bridge.glpi.client import Account, Credentials, Glpi, Search
from glpi_bridge.glpi.connect import connect
from glpi_bridge.glpi.names import NameNotFound, Names

__all__ = ["Account", "Answer", "Credentials", "Glpi", "NameNotFound", "Names", "Search", "connect"]
