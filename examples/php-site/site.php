<?php
// What the pages of the site share: who may log in, the session, and how to send by molva.

declare(strict_types=1);

// A real site has them in its database.
const PEOPLE = [
    'ann' => ['name' => 'Ann', 'password' => '$2y$10$mkewe92CBeD/90ZMsuQ7neFdQuRG.FYXDO7xPnJjhE/5tolfBarzu'],
    'bob' => ['name' => 'Bob', 'password' => '$2y$10$qL1t2PtocwhhLSMpqMw5Yer02SoFV3cMCZS9Gcwxwr2QoyQggZ8IW'],
];

/** Begins the session. A page that only looks into it holds no other up. */
function begin(bool $only_look = false): void
{
    session_start([
        'use_strict_mode' => true,
        'cookie_httponly' => true,
        'cookie_samesite' => 'Lax',
        'read_and_close' => $only_look,
    ]);
}

/** The user who is logged in, or null. */
function user(): ?string
{
    return $_SESSION['user'] ?? null;
}

/** Ends the request unless it comes from a form of this site. */
function check_form(): void
{
    if ($_SERVER['REQUEST_METHOD'] !== 'POST' || !hash_equals(form_token(), (string) ($_POST['form'] ?? ''))) {
        http_response_code(400);
        exit('This form is too old. Go back, and load the page again.');
    }
}

/** What a form has to bring back. */
function form_token(): string
{
    return $_SESSION['form'] ??= bin2hex(random_bytes(16));
}

/** Says a command to molva serve by its local socket, and returns the answer: see docs/api.md. */
function molva(array $command): object
{
    $path = getenv('MOLVA_SOCKET') ?: __DIR__ . '/molva.sock';
    $molva = @stream_socket_client("unix://$path", $code, $error, timeout: 2)
        ?: throw new RuntimeException("molva serve does not run: $error");
    stream_set_timeout($molva, 2);
    fwrite($molva, json_encode($command, JSON_THROW_ON_ERROR) . "\n");
    $answer = json_decode(fgets($molva) ?: '', flags: JSON_THROW_ON_ERROR);
    return $answer->ok ? $answer : throw new RuntimeException("molva: $answer->message");
}

function back(): never
{
    header('Location: /', response_code: 303);
    exit;
}

function e(string $text): string
{
    return htmlspecialchars($text, ENT_QUOTES);
}
