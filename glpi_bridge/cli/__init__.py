"""The command `glpi-bridge`: thin functions over the library. Exit codes: 0 done, 1 something failed, 2 usage."""

from glpi_bridge.cli.main import main

__all__ = ["main"]
