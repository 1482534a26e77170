<?php
/* Hands each request to the sandbox, which is started when nobody answers, and ends with Apache. */
require dirname(__DIR__) . '/standin/common.php';

if (dirname($_SERVER['SCRIPT_NAME']) !== '/') { // GLPI's router cuts this off the path as a prefix, and finds no page
    http_response_code(403);
    exit;
}

if (version_compare(STANDIN_VERSION, '11', '>=') && ini_get('session.cookie_secure') && empty($_SERVER['HTTPS'])) {
    http_response_code(400); // as GLPI 11 does, whatever is asked for
    exit('Session cookies are for https only, and this is http.');
}

const PLACE = GLPI_VAR_DIR . '/_tmp/standin';

try {
    $database = database();
    $state = [config($database, 'version'), config($database, 'maintenance_mode')];
} catch (mysqli_sql_exception) {
    http_response_code(500);
    exit('The connection to the SQL server could not be established.');
}
if ($state[0] !== STANDIN_VERSION || $state[1] === '1') {
    http_response_code(503);
    exit($state[1] === '1' ? 'Service is down for maintenance.' : 'The update of the GLPI database is necessary.');
}
$database->close();

function port(): int
{
    $known = @file_get_contents(PLACE);
    [$release, $port] = $known ? explode(' ', $known) : ['', '0'];
    $answers = $release === GLPI_ROOT && ($try = @fsockopen('127.0.0.1', (int) $port, timeout: 1));
    return $answers && fclose($try) ? (int) $port : 0;
}

function started(): int
{
    $lock = fopen(PLACE . '.lock', 'c');
    flock($lock, LOCK_EX);
    if ($port = port()) {
        return $port;
    }
    $command = ['setsid', '--fork', '/usr/bin/python3', GLPI_ROOT . '/standin/serve.py', GLPI_ROOT, GLPI_CONFIG_DIR, PLACE];
    exec(implode(' ', array_map('escapeshellarg', $command)) . ' >>' . PLACE . '.log 2>&1 9>&- </dev/null');
    for ($i = 0; $i < 300 && !($port = port()); $i++) {
        usleep(100000);
    }
    return $port;
}

if (!($port = port() ?: started())) {
    http_response_code(502);
    exit('The stand-in did not start.');
}
$headers = ["X-Standin-Address: $_SERVER[REMOTE_ADDR]", 'Expect:'];
foreach (getallheaders() as $name => $value) {
    if (!in_array(strtolower($name), ['host', 'content-length', 'expect', 'connection', 'x-standin-address'], true)) {
        $headers[] = "$name: $value";
    }
}
$body = file_get_contents('php://input');
if ($_FILES || ($_POST && str_starts_with($_SERVER['CONTENT_TYPE'] ?? '', 'multipart/'))) {
    $headers = array_filter($headers, fn ($one) => !str_starts_with(strtolower($one), 'content-type:'));
    $body = $_POST;
    foreach ($_FILES as $name => $file) {
        $several = is_array($file['tmp_name']);
        $body[$several ? "{$name}[0]" : $name] = new CURLFile(
            $several ? $file['tmp_name'][0] : $file['tmp_name'],
            $several ? $file['type'][0] : $file['type'],
            $several ? $file['name'][0] : $file['name']
        );
    }
}
$call = curl_init("http://127.0.0.1:$port$_SERVER[REQUEST_URI]");
curl_setopt_array($call, [
    CURLOPT_CUSTOMREQUEST => $_SERVER['REQUEST_METHOD'],
    CURLOPT_HTTPHEADER => array_values($headers),
    CURLOPT_RETURNTRANSFER => true,
    CURLOPT_TIMEOUT => 60,
    CURLOPT_HEADERFUNCTION => function ($_, string $line): int {
        if (preg_match('/^(?!transfer-encoding|content-length|connection|keep-alive|date|server)[\w-]+:/i', $line)) {
            header(trim($line), false);
        }
        return strlen($line);
    },
] + ($body === '' ? [] : [CURLOPT_POSTFIELDS => $body]));
$answer = curl_exec($call);
if ($answer === false) {
    http_response_code(502);
    exit('The stand-in did not answer.');
}
http_response_code(curl_getinfo($call, CURLINFO_RESPONSE_CODE));
header_remove('X-Powered-By');
echo $answer;
