#!/bin/bash
# Row 47: a payload inherits descriptors 0, 1 and 2, and those that --pass-fd names, if they are harmless.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_confined
server echo 7

# run, holding all sorts of descriptors: a connection, a directory, a deleted file, a pipe, and a plain file as 30
holding() # COMMAND...
{
	(
		exec 20<>"/dev/tcp/$PUB4/7" 21</ 22>"$T/tmp/deleted" 30</proc/version 200</proc/self/ns/net
		rm "$T/tmp/deleted"
		exec 23< <(sleep 1)
		"$@"
	)
}

run holding "$CONFINED" state
expect_match "$OUT" ' 20 21 22 23 30 (.* )?200' 'without a jail'
run holding nsgate -- "$CONFINED" state
expect_match "$OUT" $'\n''descriptors 0 1 2$'
run holding nsgate --pass-fd 30 -- "$CONFINED" state
expect_match "$OUT" $'\n''descriptors 0 1 2 30$'

# The proxy and the jail's first process run for the payload: they must not keep open what is not theirs.
# Nobody but root may look at what they hold.
if [[ $TEST_UID -eq 0 ]]; then
	start_nsgate --pass-fd 30 --publish 3000 --audit "$T/audit" -- sleep 100 30</proc/version 31<"$0" 200</proc/self/ns/net
	for name in nsgate-proxy nsgate-init; do
		wait_until 10 pgrep -x "$name" >/dev/null || fail "no $name"
		holds_foreign()
		{
			ls -l "/proc/$(pgrep -x "$name")/fd" >"$T/fds" && grep -E "/proc/version|$0|net:" "$T/fds"
		}
		are_ours()
		{
			! holds_foreign >"$T/foreign"
		}
		wait_until 10 are_ours || fail "$name holds $(<"$T/foreign")"
		grep -q 'socket:' "$T/fds" || fail "$name: the test does not see its descriptors"
	done
	kill -TERM "$NSGATE_PID"
	finish_nsgate 10
fi

for fd in 20 21; do
	run holding nsgate --pass-fd "$fd" -- touch marker
	expect_eq "$STATUS" 125
	expect_match "$ERR" "^nsgate: descriptor $fd is a (socket|directory)"
	[[ ! -e marker ]] || fail 'the payload ran'
done
run holding nsgate --pass-fd 77 -- touch marker
expect_eq "$STATUS" 125
expect_match "$ERR" '^nsgate: --pass-fd 77: Bad file descriptor'
[[ ! -e marker ]] || fail 'the payload ran'
