<?php
// molva serve asks here who a client is, with the cookie of the client's browser: docs/identity.md has the fields.

require __DIR__ . '/../site.php';
begin(only_look: true);
header('Content-Type: application/json');
if (user() === null) {
    http_response_code(401); // nobody that we know
    exit;
}
echo json_encode(['user' => user()]);
