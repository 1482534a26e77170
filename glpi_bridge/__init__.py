"""One problem in Zabbix becomes one right ticket in GLPI, whatever fails in between."""

__version__ = "0.1.0"
