<?php
/* The commands of GLPI's console that the role uses. */
if (posix_geteuid() === 0) {
    fwrite(STDERR, "WARNING: running as root is discouraged.\n");
    exit(1);
}
require dirname(__DIR__) . '/standin/common.php';

$options = array_values(array_filter(array_slice($argv, 2), fn ($one) => str_starts_with($one, '-')));
$arguments = array_values(array_filter(array_slice($argv, 2), fn ($one) => !str_starts_with($one, '-')));

const TABLES = [
    'CREATE TABLE glpi_configs (id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY, context VARCHAR(150), name VARCHAR(150),'
    . ' value TEXT, UNIQUE (context, name)) ENGINE=InnoDB',
    'CREATE TABLE glpi_users (id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY, name VARCHAR(255) UNIQUE,'
    . ' password VARCHAR(255), is_active TINYINT NOT NULL DEFAULT 1) ENGINE=InnoDB',
    'CREATE TABLE glpi_apiclients (id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY, entities_id INT UNSIGNED DEFAULT 0,'
    . ' is_recursive TINYINT DEFAULT 0, name VARCHAR(255), is_active TINYINT NOT NULL DEFAULT 0,'
    . ' ipv4_range_start BIGINT, ipv4_range_end BIGINT, app_token VARCHAR(255)) ENGINE=InnoDB',
    'CREATE TABLE glpi_standin (id INT UNSIGNED PRIMARY KEY, revision BIGINT UNSIGNED NOT NULL, state LONGTEXT)'
    . ' ENGINE=InnoDB',
];

function install(bool $force): int
{
    $database = database();
    $there = $database->query("SHOW TABLES LIKE 'glpi\\_%'")->fetch_all();
    if ($there && !$force) {
        fwrite(STDERR, "Database already contains \"glpi_*\" tables. Use --force option to override.\n");
        return 6;
    }
    foreach ($there as [$table]) {
        $database->query("DROP TABLE `$table`");
    }
    $key = GLPI_CONFIG_DIR . '/glpicrypt.key';
    file_put_contents($key, random_bytes(32));
    chmod($key, 0600);
    foreach (TABLES as $sql) {
        $database->query($sql);
    }
    $delivered = [2 => ['glpi', 'glpi'], 3 => ['post-only', 'postonly'], 4 => ['tech', 'tech'], 5 => ['normal', 'normal']];
    foreach ($delivered as $id => [$name, $password]) {
        $hash = password_hash($password, PASSWORD_DEFAULT, ['cost' => 4]);
        $database->execute_query('INSERT INTO glpi_users (id, name, password) VALUES (?, ?, ?)', [$id, $name, $hash]);
    }
    $database->query(
        "INSERT INTO glpi_apiclients (name, is_recursive, is_active, ipv4_range_start, ipv4_range_end)"
        . " VALUES ('full access from localhost', 1, 1, 2130706433, 2130706433)"
    );
    $settings = ['version' => STANDIN_VERSION, 'dbversion' => STANDIN_VERSION, 'enable_api' => '0',
        'enable_api_login_credentials' => '0', 'enable_api_login_external_token' => '1', 'maintenance_mode' => '0',
        'url_base' => 'http://localhost', 'url_base_api' => 'http://localhost/apirest.php'];
    foreach ($settings as $name => $value) {
        set($database, $name, $value);
    }
    $database->query('INSERT INTO glpi_standin VALUES (1, 0, NULL)');
    return 0;
}

function set(mysqli $database, string $name, string $value): int
{
    $sql = "REPLACE INTO glpi_configs (context, name, value) VALUES ('core', ?, ?)";
    $database->execute_query($sql, [$name, $value]);
    return 0;
}

function update(): int
{
    $database = database();
    if (config($database, 'version') === STANDIN_VERSION) {
        echo "No migration needed.\n";
        return 0;
    }
    if ('@BROKEN@' === '1') {
        $database->query("UPDATE glpi_standin SET state = 'half migrated', revision = revision + 1");
        $database->query('CREATE TABLE glpi_half_migrated (id INT)');
        fwrite(STDERR, "Error during the migration.\n");
        return 1;
    }
    set($database, 'version', STANDIN_VERSION);
    set($database, 'dbversion', STANDIN_VERSION);
    return 0;
}

exit(match ($argv[1] ?? '') {
    'db:install' => install(in_array('--force', $options, true)),
    'db:update' => update(),
    'db:check' => config(database(), 'version') === STANDIN_VERSION ? 0 : 1,
    'config:set' => set(database(), $arguments[0], $arguments[1]),
    'maintenance:enable' => set(database(), 'maintenance_mode', '1'),
    'maintenance:disable' => set(database(), 'maintenance_mode', '0'),
    'system:check_requirements', 'cache:clear', 'plugin:resume_execution' => 0,
    default => (function () { fwrite(STDERR, "There is no such command.\n"); return 1; })(),
});
