<?php
// Logs out, and ends the connections. Those of another browser in which the user is logged in come back by themselves.

require __DIR__ . '/../site.php';
begin();
check_form();
$user = user();
session_destroy();
setcookie(session_name(), '', ['expires' => 1, 'path' => '/']);
if ($user !== null) {
    molva(['command' => 'disconnect', 'user' => $user, 'code' => 4000, 'reason' => 'logged out']);
}
back();
