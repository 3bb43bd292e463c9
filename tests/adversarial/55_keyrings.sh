#!/bin/bash
# Row 55: the keys of the caller's session are out of reach, and not even listed.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_confined

run as_user "$CONFINED" keyed "$CONFINED" keys
[[ $STATUS -ne 98 ]] || skip_absent "no keys: $ERR"
expect_match "$OUT" 'search allowed' 'without a jail'
expect_match "$OUT" 'join allowed' 'without a jail'
run "$CONFINED" keyed "${NSGATE_RUN[@]}" -- "$CONFINED" keys
expect_eq "$OUT" $'search EPERM\nadd EPERM\nrequest EPERM\njoin EPERM'

run as_user "$CONFINED" keyed grep -c nsgate-test /proc/keys
expect_match "$OUT" '[1-9]' 'without a jail'
run "$CONFINED" keyed "${NSGATE_RUN[@]}" -- cat /proc/keys
expect_eq "$OUT" ''
[[ $STATUS -ne 0 ]] || fail 'read /proc/keys'
