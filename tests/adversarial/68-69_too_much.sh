#!/bin/bash
# Rows 68, 69: as many processes and as much memory as it may take end with the jail; nsgate survives them.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_confined
leftovers_snapshot "$T/before"

# ---- 68: all in sessions of their own, at the payload's end and at the time limit
run nsgate -- "$CONFINED" bomb 300
expect_eq "$STATUS/$OUT" '0/processes 300'
expect_no_leftovers "$T/before"
run nsgate --time-limit 1s -- "$CONFINED" bomb 300 wait
expect_eq "$STATUS/$OUT" '124/processes 300'
[[ $MS -lt 3000 ]] || fail "the time limit took $MS ms"
expect_no_leftovers "$T/before"

# Where the caller bounds the number, it is reached inside, and nsgate's own work goes on. Root is not bound.
if [[ $TEST_UID -ne 0 ]]; then
	# shellcheck disable=SC2016  # the inner shell's
	run nsgate -- bash -c 'ulimit -u 50; exec "$0" bomb 300' "$CONFINED"
	expect_match "$OUT" '^processes [1-4]?[0-9]$'
	expect_no_leftovers "$T/before"
fi

# ---- 69
# shellcheck disable=SC2016  # the inner shell's
run nsgate -- bash -c 'ulimit -v 150000; exec "$0" eat 200' "$CONFINED"
expect_match "$OUT" '^MiB 1[0-9][0-9] ENOMEM$'
run nsgate -- "$CONFINED" eat 20
expect_eq "$OUT" 'MiB 20 allowed'
# Files in memory stop at their size, not at the machine's.
run nsgate --tmpfs /mnt:4M -- dd if=/dev/zero of=/mnt/file bs=1M count=20 status=none
expect_match "$ERR" 'No space left'
expect_no_leftovers "$T/before"
