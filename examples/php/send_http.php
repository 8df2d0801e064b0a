<?php
// Says something to a user, in every tab they have open, by HTTP: molva serve may run on another machine.
//
//     MOLVA_URL=http://127.0.0.1:8000 MOLVA_KEY=… php send_http.php 42 "hi"
//
// The key is what molva serve printed, or was given.

[, $user, $message] = $argv;
$body = file_get_contents(getenv('MOLVA_URL') . '/api/send', context: stream_context_create(['http' => [
    'method' => 'POST',
    'header' => ['Authorization: Bearer ' . getenv('MOLVA_KEY'), 'Content-Type: application/json'],
    'content' => json_encode(['user' => $user, 'message' => $message], JSON_THROW_ON_ERROR),
    'ignore_errors' => true, // an answer of status 400 says what is wrong
    'timeout' => 5,
]]));
$answer = json_decode($body ?: throw new Exception('no answer'), flags: JSON_THROW_ON_ERROR);
$answer->ok ?: throw new Exception("$answer->error: $answer->message");
echo "reached $answer->reached\n"; // tabs; 0 if the user is away
