<?php
/* GLPI's automatic actions: here only the time of the last run. */
require dirname(__DIR__) . '/standin/common.php';

if (config(database(), 'maintenance_mode') === '1') {
    echo "Service is down for maintenance. It will be back shortly.\n";
    exit(1);
}
file_put_contents(GLPI_VAR_DIR . '/_cron/ran', (string) time());
