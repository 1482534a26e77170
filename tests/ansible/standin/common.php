<?php
/* What the stand-in's web page, console and cron share: settings as GLPI finds its own, and the database. */
const STANDIN_VERSION = '@VERSION@';
define('GLPI_ROOT', dirname(__DIR__));
if (file_exists(GLPI_ROOT . '/inc/downstream.php')) {
    require GLPI_ROOT . '/inc/downstream.php';
}
defined('GLPI_CONFIG_DIR') || define('GLPI_CONFIG_DIR', GLPI_ROOT . '/config');
defined('GLPI_VAR_DIR') || define('GLPI_VAR_DIR', GLPI_ROOT . '/files');

class DBmysql
{
}

function settings(): object
{
    require_once GLPI_CONFIG_DIR . '/config_db.php';
    return new DB();
}

function database(): mysqli
{
    mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
    $settings = settings();
    $password = rawurldecode($settings->dbpassword);
    $database = new mysqli($settings->dbhost, $settings->dbuser, $password, $settings->dbdefault);
    $database->set_charset('utf8mb4');
    return $database;
}

function config(mysqli $database, string $name): ?string
{
    $sql = "SELECT value FROM glpi_configs WHERE context = 'core' AND name = ?";
    return $database->execute_query($sql, [$name])->fetch_column() ?: null;
}
