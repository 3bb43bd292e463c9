#!/bin/bash
# Two hundred runs leave nothing behind.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run --userns "$@"
need_nsgate

server http 80
# A run needs one or two of each kind, and the kernel frees them a little later: a leak is soon missed.
limit_namespaces 80
leftovers_snapshot "$T/before"
for ((round = 0; round < 200; round++)); do
	case $((round % 10)) in
	0) command=(sh -c 'curl -sS http://ok.test/hello') expected='0/hello from ok.test' ;;
	1) command=(sh -c 'curl -s http://other.test/') expected=6/ ;;
	2) command=(sh -c 'sleep 100 & setsid sleep 100 & echo daemons') expected=0/daemons ;;
	3) command=(nsgate-no-such-command) expected=127/ ;;
	4) command=(--tmpfs /nowhere -- true) expected=125/ ;;
	*) command=(true) expected=0/ ;;
	esac
	run nsgate --audit "$T/audit" --allow domain=ok.test "${command[@]}"
	expect_eq "$STATUS/$OUT" "$expected" "run $round"
done
rm "$T/audit"
expect_no_leftovers "$T/before"
expect_eq "$(ls -A "$T/work" "$T/home" "$T/tmp")" "$T/home:"$'\n\n'"$T/tmp:"$'\n\n'"$T/work:" 'files'
