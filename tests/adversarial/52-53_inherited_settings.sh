#!/bin/bash
# Rows 52, 53: signals and timers start fresh; limits are the caller's, and a payload cannot raise them.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_confined

# Ignores, blocks and a timer, which exec keeps.
troubled() # COMMAND...
{
	env --ignore-signal=PIPE,HUP,USR1,INT --block-signal=TERM,ALRM,USR2 "$CONFINED" alarmed "$@"
}
zero=0000000000000000

# ---- 52
run troubled grep -E '^Sig(Pnd|Blk|Ign)' /proc/self/status
expect_no_match "$OUT" "SigBlk:.$zero" 'without a jail'
expect_no_match "$OUT" "SigIgn:.$zero" 'without a jail'
run troubled "$CONFINED" state
expect_match "$OUT" 'timers 2' 'without a jail'
run troubled "${NSGATE_RUN[@]}" -- grep -E '^(Sig|Shd)(Pnd|Blk|Ign)' /proc/self/status
expect_eq "$OUT" "SigPnd:	$zero"$'\n'"ShdPnd:	$zero"$'\n'"SigBlk:	$zero"$'\n'"SigIgn:	$zero"
run troubled "${NSGATE_RUN[@]}" -- "$CONFINED" state
expect_match "$OUT" 'timers 0'

# ---- 53: handed on, but for core files
run bash -c 'umask 027; ulimit -n 77; ulimit -Sc 0; exec nice -n 5 "$@"' - "${NSGATE_RUN[@]}" -- \
	bash -c 'ulimit -Hn; ulimit -Hc; umask; nice'
expect_eq "$OUT" $'77\n0\n0027\n5'
run nsgate -- "$CONFINED" rise
for what in nice realtime core-limit; do
	expect_match "$OUT" "$what E(PERM|ACCES)"
done
run bash -c 'ulimit -n 77; exec "$@"' - "${NSGATE_RUN[@]}" -- bash -c 'ulimit -n 78'
expect_eq "$STATUS" 1 'raise a hard limit'
run setarch -R "${NSGATE_RUN[@]}" -- "$CONFINED" syscalls
expect_match "$OUT" $'\n''personality EPERM'
