"""A stand-in for Zabbix 7.0 to 7.4: its API, its alerts through the real media script, and a world to play with.

As hard as the recorded 7.0.22 where the bridge meets it: lists that leave out what the account may not see, events that
vanish, updates and recoveries that arrive in the other order, macros that stay unresolved. It keeps nothing on disk.
"""

from glpi_bridge.sandbox.zabbix.control import Control
from glpi_bridge.sandbox.zabbix.server import Standin

__all__ = ["Control", "Standin"]
