<?php
// Says something to a user, in every tab they have open, by the local socket of a molva serve on this machine.
//
//     MOLVA_SOCKET=/run/user/1000/molva.sock php send_socket.php 42 "hi"
//
// The path is what molva serve printed. The socket is for programs of the same system user and needs no key.

[, $user, $message] = $argv;
$molva = @stream_socket_client('unix://' . getenv('MOLVA_SOCKET'), $code, $error, timeout: 5)
    ?: throw new Exception("molva serve does not run there: $error");
stream_set_timeout($molva, 5);
fwrite($molva, json_encode(['user' => $user, 'message' => $message], JSON_THROW_ON_ERROR) . "\n");
$answer = json_decode(fgets($molva) ?: throw new Exception('no answer'), flags: JSON_THROW_ON_ERROR);
$answer->ok ?: throw new Exception("$answer->error: $answer->message");
echo "reached $answer->reached\n"; // tabs; 0 if the user is away
