<?php
// Logs in.

require __DIR__ . '/../site.php';
begin();
check_form();
$user = (string) ($_POST['user'] ?? '');
if (password_verify((string) ($_POST['password'] ?? ''), PEOPLE[$user]['password'] ?? '')) {
    session_regenerate_id(delete_old_session: true); // nobody has put this session's id into the browser
    $_SESSION['user'] = $user;
} else {
    $_SESSION['note'] = 'That is not the password.';
}
back();
