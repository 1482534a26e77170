"""The embedded GLPI and Zabbix stand-ins of the demo and the tests."""
