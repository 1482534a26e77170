"""What the bridge needs in a Zabbix: one module for each kind of object; `provision` puts them together."""
