#!/bin/bash
# Row 48: standard streams through which a jail could be left are refused, and the payload never runs.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_confined


started_with() # KIND FD
{
	rm -f marker
	run "$CONFINED" given "$1" "$2" "${NSGATE_RUN[@]}" -- touch marker
}

for fd in 0 1 2; do
	for kind in directory directory-path tcp tcp-listener tcp-connection udp netlink unix-datagram unix-unconnected; do
		started_with $kind $fd
		expect_eq "$STATUS" 125 "$kind on descriptor $fd"
		[[ ! -e marker ]] || fail "the payload ran with a $kind on descriptor $fd"
		[[ $fd -eq 2 ]] || expect_match "$ERR" "^nsgate: descriptor $fd is a (directory|socket)"
	done
	for kind in unix-stream unix-packet pipe file nothing; do
		started_with $kind $fd
		expect_eq "$STATUS" 0 "$kind on descriptor $fd"
		[[ -e marker ]] || fail "the payload did not run with a $kind on descriptor $fd"
	done
done

# A closed one is open, or the payload's next file would be its standard output.
run "$CONFINED" given nothing 0 "${NSGATE_RUN[@]}" -- readlink /proc/self/fd/0
expect_eq "$OUT" /dev/null

# Nobody reads what nsgate says: the run's end is the same.
run bash -c '"$@" 2> >(exec 0<&-)' - "${NSGATE_RUN[@]}" --time-limit 500ms -- sleep 9
expect_eq "$STATUS" 124 'a time limit that nobody hears of'
