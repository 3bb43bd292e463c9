#!/bin/bash
# Rows 64, 65: a payload has no privilege, and neither set-uid programs nor file capabilities give it one.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_confined

status_lines()
{
	grep -E '^(NoNewPrivs|Cap...|Seccomp):' "$1"
}

# ---- 65
none=0000000000000000
run nsgate -- sh -c 'grep -E "^(NoNewPrivs|Cap...|Seccomp):" /proc/self/status'
expect_eq "$OUT" "CapInh:	$none
CapPrm:	$none
CapEff:	$none
CapBnd:	$none
CapAmb:	$none
NoNewPrivs:	1
Seccomp:	2"
run nsgate -- grep -E '^(NoNewPrivs|CapEff|CapPrm|CapBnd):' /proc/1/status
expect_eq "$OUT" "CapPrm:	$none
CapEff:	$none
CapBnd:	$none
NoNewPrivs:	1" "the jail's first process"
run nsgate -- "$CONFINED" state
expect_match "$OUT" '^securebits ef'
run nsgate -- "$CONFINED" rise
for what in capset ambient securebits setuid setgid setgroups; do
	expect_match $'\n'"$OUT" $'\n'"$what (EPERM|EINVAL)" "$what"
done
expect_match "$OUT" 'no_new_privs EINVAL'

# ---- 64: a file's capabilities, on a file system that takes them
mkdir priv
mount -t tmpfs -o mode=755 tmpfs priv
cp /usr/bin/grep priv/grep
run "$CONFINED" filecap priv/grep
expect_eq "$OUT" 'filecap allowed'
run as_user priv/grep CapEff /proc/self/status
expect_match "$OUT" '0000000000001000' 'without a jail'
run nsgate -- priv/grep CapEff /proc/self/status
expect_match "$OUT" "CapEff:.$none"

# ---- 64: a set-uid program of root's, started by somebody else
if [[ $TEST_UID -eq 0 ]] && setpriv --reuid 1000 true 2>/dev/null; then
	cp /usr/bin/id priv/id
	chmod 4755 priv/id
	chmod 711 "$T" "$T/work"
	run setpriv --reuid 1000 --regid 1000 --clear-groups priv/id -u
	expect_eq "$OUT" 0 'without a jail'
	run setpriv --reuid 1000 --regid 1000 --clear-groups "$NSGATE" -- "$T/work/priv/id" -u
	expect_eq "$STATUS/$OUT" 0/1000
fi

# ---- 64: no mount honours such bits
run nsgate -- sh -c 'cut -d" " -f5,6 /proc/self/mountinfo | grep -v nosuid'
expect_eq "$OUT" '' 'mounts that are not nosuid'
# ---- and the usual doors say so
need_command sudo
run nsgate -- sudo -n true
[[ $STATUS -ne 0 ]] || fail 'sudo worked'
run nsgate -- su -c 'grep CapEff /proc/self/status' </dev/null
expect_no_match "$OUT" '[1-9a-f]'

umount -l priv # or the test could not be cleaned up
