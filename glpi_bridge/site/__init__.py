"""The two sites, portal and panel: what is built for a web server, and which requests it lets through to GLPI."""
