<?php
// The action: somebody thanks somebody, who sees it at once wherever they are logged in.

require __DIR__ . '/../site.php';
begin();
check_form();
$to = (string) ($_POST['to'] ?? '');
$text = trim((string) ($_POST['text'] ?? ''));
if (user() === null || !isset(PEOPLE[$to]) || !preg_match('/^.{1,200}$/su', $text)) {
    back();
}
// A real site would keep it in its database first: molva keeps nothing for those who are away.
$sent = molva(['user' => $to, 'message' => ['from' => PEOPLE[user()]['name'], 'text' => $text]]);
$name = PEOPLE[$to]['name'];
$_SESSION['note'] = $sent->reached > 0 ? "$name has seen it." : "$name is not here just now.";
back();
