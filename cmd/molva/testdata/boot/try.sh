#!/bin/sh
# TestTheUnitsOnASystemThatBoots runs this as root on a Debian that systemd has booted. Whatever fails ends it.

set -eux
cd /srv
exec >log 2>&1

# application runs a command as the user of the application, stranger as somebody else.
application() { setpriv --reuid=www-data --regid=www-data --init-groups "$@"; }
stranger() { setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"; }

# connect has a user connect who is logged in; what arrives goes to a file, and why it ended.
connect() {
	: >"/tmp/$1"
	(tail -f /dev/null | molva connect --origin http://app.example.com -H 'Host: app.example.com' \
		-H 'Cookie: PHPSESSID=good' ws://127.0.0.1:8000/ws >>"/tmp/$1" 2>&1) &
	hears "$1" hello
}

# hears waits until a client has been told something.
hears() { timeout 10 sh -c "until grep -q '$2' '/tmp/$1'; do sleep 0.05; done"; }

systemd-run --unit app --uid www-data php -S 127.0.0.1:8080 -t /srv/app
timeout 10 sh -c 'until curl -sSf http://127.0.0.1:8080/whoami.php; do sleep 0.05; done'
. ./install.sh
systemctl is-active molva.socket molva.service

# The hardening holds, and the server works.
pid=$(systemctl show molva -p MainPID --value)
grep -q '^CapBnd:	0000000000000000$' "/proc/$pid/status"
grep -q '^NoNewPrivs:	1$' "/proc/$pid/status"
grep -q '^Seccomp:	2$' "/proc/$pid/status"
if nsenter -t "$pid" -m touch /etc/written; then exit 1; fi
nsenter -t "$pid" -m touch /var/lib/molva/written
curl -sSf http://127.0.0.1:8000/readyz

# The group may send, others may not.
connect first
application molva send --socket /run/molva/molva.sock --user 42 hi
hears first '"data":"hi"'
if stranger molva send --socket /run/molva/molva.sock --user 42 no; then exit 1; fi

# A reload takes over what is right and fails with what is wrong, and clients stay.
sed -i 's/^conns_per_user = .*/conns_per_user = 21/' /etc/molva/molva.toml
systemctl reload molva
sed -i 's/^conns_per_user/conns_per_usr/' /etc/molva/molva.toml
if systemctl reload molva; then exit 1; fi
journalctl -u molva -o cat | grep -q 'did you mean conns_per_user'
application molva send --socket /run/molva/molva.sock --user 42 still
hears first '"data":"still"'
sed -i 's/^conns_per_usr/conns_per_user/' /etc/molva/molva.toml

# A restart tells clients, and who comes meanwhile waits.
systemctl restart --no-block molva
for _ in $(seq 50); do curl -sSf -o /dev/null http://127.0.0.1:8000/healthz; done
hears first '1001 going away'
timeout 10 sh -c 'until systemctl is-active molva; do sleep 0.05; done'
[ "$(systemctl show molva -p MainPID --value)" != "$pid" ]

# Stopping tells clients, too, and the next one who comes starts it again; so does a crash.
connect second
systemctl stop molva
hears second '1001 going away'
if systemctl is-active molva; then exit 1; fi
curl -sSf http://127.0.0.1:8000/healthz
systemctl is-active molva
systemctl kill -s KILL molva
timeout 10 sh -c 'until [ "$(systemctl show molva -p NRestarts --value)" = 1 ]; do sleep 0.05; done'
curl -sSf http://127.0.0.1:8000/healthz

# After a start with a mistake in the file it comes back by what docs/deploy.md says.
echo 'what is this' >>/etc/molva/molva.toml
systemctl restart molva || true
timeout 20 sh -c 'until systemctl is-failed molva molva.socket; do curl -s http://127.0.0.1:8000/healthz; sleep 0.2; done'
sed -i '$d' /etc/molva/molva.toml
systemctl reset-failed molva.service molva.socket
systemctl start molva.socket molva.service
curl -sSf http://127.0.0.1:8000/healthz

systemctl stop molva.socket molva.service
if curl -sSf http://127.0.0.1:8000/healthz; then exit 1; fi
systemd-analyze security --no-pager molva | tail -1
echo 'as it should be'
