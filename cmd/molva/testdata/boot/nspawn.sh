#!/bin/sh
# Boots the folder that is $1, which stays as it is, with $2 as /srv and $3 as molva, has /srv/try.sh run there, and
# ends with its exit code. What it says is in /srv/log. It is to run in namespaces of its own for mounts and control groups, and needs root.

set -eu

# Control groups of its own, by whichever version the machine has them.
for hierarchy in /sys/fs/cgroup /sys/fs/cgroup/*; do
	[ -e "$hierarchy/cgroup.procs" ] && mountpoint -q "$hierarchy" || continue
	mkdir -p "$hierarchy/molva-boot"
	if [ -e "$hierarchy/cpuset.cpus" ] && [ ! -e "$hierarchy/cgroup.controllers" ]; then
		cat "$hierarchy/cpuset.cpus" >"$hierarchy/molva-boot/cpuset.cpus"
		cat "$hierarchy/cpuset.mems" >"$hierarchy/molva-boot/cpuset.mems"
	fi
	echo $$ >"$hierarchy/molva-boot/cgroup.procs"
done

mount -t tmpfs tmpfs /run # which nspawn wants to be one
exec systemd-nspawn --quiet --directory "$1" --volatile=overlay --boot --register=no --keep-unit \
	--private-network --console=pipe --bind="$2:/srv" --bind-ro="$3:/usr/local/bin/molva" \
	'systemd.run="/bin/sh /srv/try.sh"' systemd.run_success_action=exit-force systemd.run_failure_action=exit-force
