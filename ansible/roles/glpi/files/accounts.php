<?php
/*
 * accounts.php check|change < {"admin_password": …, "clients": {name: address}}
 *
 * Closes what GLPI is delivered with: the password of `glpi`, the three example accounts, the API client that lets
 * this machine in without a token. Only what is still as delivered is changed. Prints {"changes": [words]}.
 */
mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);

class DBmysql
{
}

require '/etc/glpi/config_db.php';
$settings = new DB();
$wanted = json_decode(stream_get_contents(STDIN), true, 8, JSON_THROW_ON_ERROR);
$is_check = ($argv[1] ?? '') !== 'change';
$database = new mysqli(
    $settings->dbhost,
    $settings->dbuser,
    rawurldecode($settings->dbpassword),
    $settings->dbdefault
);
$database->set_charset('utf8mb4');
$changes = [];

function change(string $words, string $sql, array $values): void
{
    global $database, $changes, $is_check;
    $changes[] = $words;
    if (!$is_check) {
        $database->execute_query($sql, $values);
    }
}

$delivered = ['glpi' => 'glpi', 'tech' => 'tech', 'normal' => 'normal', 'post-only' => 'postonly'];
foreach ($delivered as $name => $password) {
    $row = $database->execute_query('SELECT id, password, is_active FROM glpi_users WHERE name = ?', [$name])->fetch_assoc();
    if ($row === null || !password_verify($password, (string) $row['password'])) {
        continue;
    }
    if ($name === 'glpi') {
        $hash = password_hash($wanted['admin_password'], PASSWORD_DEFAULT);
        change('password of glpi', 'UPDATE glpi_users SET password = ? WHERE id = ?', [$hash, $row['id']]);
    } elseif ($row['is_active']) {
        change("account $name disabled", 'UPDATE glpi_users SET is_active = 0 WHERE id = ?', [$row['id']]);
    }
}

$stock = $database->execute_query(
    "SELECT id FROM glpi_apiclients WHERE name = 'full access from localhost' AND is_active = 1"
    . " AND (app_token IS NULL OR app_token = '')"
);
foreach ($stock as $row) {
    change('API client without a token disabled', 'UPDATE glpi_apiclients SET is_active = 0 WHERE id = ?', [$row['id']]);
}

foreach ($wanted['clients'] as $name => $address) {
    if ($database->execute_query('SELECT id FROM glpi_apiclients WHERE name = ?', [$name])->fetch_assoc() === null) {
        change(
            "API client $name for $address",
            'INSERT INTO glpi_apiclients (name, entities_id, is_recursive, is_active, ipv4_range_start, ipv4_range_end)'
            . ' VALUES (?, 0, 1, 1, ?, ?)',
            [$name, ip2long($address), ip2long($address)]
        );
    }
}

echo json_encode(['changes' => $changes]), "\n";
