<?php
// The page: a form to log in, or to say thanks, and what one is thanked for.

require __DIR__ . '/../site.php';
begin();
$form = form_token();
$user = user();
$note = $_SESSION['note'] ?? '';
unset($_SESSION['note']);
$molva = getenv('MOLVA_URL') ?: 'http://127.0.0.1:8000';
?>
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Thanks</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="style.css">
<body>
<main>
<?php if ($user === null): ?>
	<h1>Thanks</h1>
	<p>Ann’s password is <b>tea</b>, Bob’s is <b>coffee</b>. Log in as one of them here, and as the other in a private
	window.</p>
	<form action="login.php" method="post">
		<input type="hidden" name="form" value="<?= e($form) ?>">
		<label>Who <select name="user">
<?php foreach (PEOPLE as $id => $person): ?>
			<option value="<?= e($id) ?>"><?= e($person['name']) ?></option>
<?php endforeach ?>
		</select></label>
		<label>Password <input type="password" name="password" autocomplete="current-password" required autofocus></label>
		<button>Log in</button>
	</form>
	<p class="note" role="status"><?= e($note) ?></p>
<?php else: ?>
	<header>
		<h1>Hello, <?= e(PEOPLE[$user]['name']) ?></h1>
		<form action="logout.php" method="post">
			<input type="hidden" name="form" value="<?= e($form) ?>">
			<button class="quiet">Log out</button>
		</form>
	</header>
	<form action="thank.php" method="post">
		<input type="hidden" name="form" value="<?= e($form) ?>">
		<label>Thank <select name="to">
<?php foreach (PEOPLE as $id => $person): if ($id !== $user): ?>
			<option value="<?= e($id) ?>"><?= e($person['name']) ?></option>
<?php endif; endforeach ?>
		</select></label>
		<label>for <input name="text" maxlength="200" autocomplete="off" placeholder="the cake" required></label>
		<button>Thank</button>
	</form>
	<p class="note" role="status"><?= e($note) ?></p>
	<section>
		<h2>You are thanked <span id="state">connecting</span></h2>
		<ul id="thanks" aria-live="polite"></ul>
		<p id="none">for nothing yet. It appears here by itself.</p>
	</section>
	<script type="module" src="page.js" data-molva="<?= e($molva) ?>" id="page"></script>
<?php endif ?>
</main>
