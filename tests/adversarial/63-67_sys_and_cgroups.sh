#!/bin/bash
# Rows 63, 67: nothing in /sys can be written, and there is no cgroup to join or to make.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_confined

run nsgate -- sh -c 'find . -maxdepth 0 -writable; find /sys -writable 2>/dev/null'
expect_eq "$OUT" .
# Whatever lies below belongs to the jail's sysfs: no debugfs, tracefs, bpf, securityfs, efivarfs, cgroups of the machine.
# shellcheck disable=SC2016  # the inner shell's
run nsgate -- sh -c 'for place in kernel/debug kernel/tracing fs/bpf kernel/security firmware/efi/efivars fs/cgroup; do
	find "/sys/$place" -mindepth 1 -maxdepth 1 2>/dev/null; done'
own=$(nsgate -- findmnt -no FSTYPE,OPTIONS /sys | tail -n 1)
expect_match "$own" '[[:space:]]ro,' 'what /sys is'
[[ $(nsgate -- sh -c 'ls /sys/class/net') != *dummy* ]] || fail 'sees links that are not its own'
[[ ! $OUT || $own != *noexec* || ! -e /sys/fs/cgroup/cgroup.procs ]] || expect_eq "$OUT" '' 'places of the machine'

# ---- 67
run nsgate -- mkdir /sys/fs/cgroup/x
expect_match "$ERR" 'Read-only file system|Permission denied|Operation not permitted|No such file'
# shellcheck disable=SC2016
run nsgate -- sh -c 'for file in $(find /sys -name cgroup.procs -o -name tasks); do
	echo 0 >"$file" && echo "joined $file"; done; for file in $(find /sys -name release_agent -o -name notify_on_release); do
	echo 1 >"$file" && echo "wrote $file"; done; echo end' 2>/dev/null
expect_eq "$OUT" end
# The jail is its own root of what it belongs to.
run nsgate -- cut -d: -f3 /proc/self/cgroup
expect_eq "$(sort -u <<<"$OUT")" /
# shellcheck disable=SC2016
run nsgate -- unshare -C true
expect_match "$ERR" 'Operation not permitted'
