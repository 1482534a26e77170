"""A GLPI to test against: as hard as the real one, as 10.0.19 or 11.0.6, each from its own recordings."""

from .control import Control
from .faults import Fault, FaultKind, Match
from .people import People
from .server import GlpiServer
from .sessions import Handler
from .tls import Tls
from .world import Call, Cost, Mail

__all__ = ["Call", "Control", "Cost", "Fault", "FaultKind", "GlpiServer", "Handler", "Mail", "Match", "People", "Tls"]
