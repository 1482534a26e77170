"""`python -m glpi_bridge` is the command `glpi-bridge`."""

from glpi_bridge.cli import main

if __name__ == "__main__":
    main(prog_name="glpi-bridge")
