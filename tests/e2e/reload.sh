#!/bin/bash
# A run reads its policy again on SIGHUP and on nsgate reload: new rules hold at once, also for what is open; a mistake changes nothing.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
server echo 80

policy=$T/policy.yaml
policy() # RULE...
{
	local rule

	{
		printf 'version: 1\nnetwork:\n  allow:\n    - domain=never.test\n'
		for rule; do
			printf '    - %s\n' "$rule"
		done
	} >"$policy.new"
	mv -- "$policy.new" "$policy"
}

# Says a word on an open connection for each line it reads, or dials anew: "open NAME", "say", "dial NAME".
cat >payload.py <<'END'
import os, signal, socket, sys
signal.signal(signal.SIGHUP, lambda *_: os.write(1, b"hangup\n"))  # print() may be under way
stream = None
print("ready", flush=True)
for line in sys.stdin:
    words = line.split()
    try:
        if words[0] != "say":
            stream = socket.create_connection((words[1], 80), timeout=10)
        stream.sendall(b"x")
        print("+" if stream.recv(1) == b"x" else "closed", flush=True)
    except OSError as error:
        print(type(error).__name__, flush=True)
END
mkfifo "$T/orders" "$T/answers"
ask() # WORD... -> ANSWER
{
	echo "$*" >&4
	read -r -t 10 ANSWER <&5 || fail "no answer to '$*'"
}
start() # OPTION...
{
	exec 4<>"$T/orders" 5<>"$T/answers"
	start_nsgate "$@" -- "$PYTHON" payload.py <&4 >&5 2>"$T/stderr"
	read -r -t 10 ANSWER <&5 || ANSWER=
	[[ $ANSWER == ready ]] || fail "no start: $(<"$T/stderr")"
}
end()
{
	kill -TERM "$NSGATE_PID"
	finish_nsgate 10
	exec 4<&- 5<&-
}
said() # PATTERN
{
	grep -Eq -- "$1" "$T/stderr"
}
expect_said() # PATTERN
{
	wait_until 10 said "$1" || fail "not said: $1; but: $(<"$T/stderr")"
}
reload() # OPTION-OR-RUN...
{
	run nsgate reload "$@"
}

run nsgate reload
expect_eq "$STATUS/$ERR" '1/nsgate: reload: there is no run here that could'

# ---- SIGHUP
policy domain=ok.test
start -v --policy "$policy" --audit "$T/audit"
ask dial ok.test
expect_eq "$ANSWER" +
ask dial other.test
expect_eq "$ANSWER" gaierror
ask dial ok.test
policy domain=other.test
kill -HUP "$NSGATE_PID"
expect_said 'reload: 2 allow and 0 deny rules, 1 connections closed'
ask say
expect_eq "$ANSWER" ConnectionResetError 'an open connection that is now denied'
ask dial other.test
expect_eq "$ANSWER" + 'what is allowed now'
ask dial ok.test
expect_eq "$ANSWER" gaierror 'what is denied now'
expect_eq "$(jq -r 'select(.verdict == "deny" and .bytes_sent == 1) | [.name, .reason] | join(" ")' "$T/audit")" 'ok.test no-rule'
ask dial other.test

# ---- a mistake: said with its place, and everything stays
policy domain=other.test 'domain=ok.test prot=80'
kill -HUP "$NSGATE_PID"
expect_said "reload: $policy:6: column 22: expected a key .*\"prot\""
ask say
expect_eq "$ANSWER" + 'after a mistake'
rm -- "$policy"
reload
expect_eq "$STATUS/$OUT" 1/
expect_match "$ERR" "^nsgate: nsgate/[0-9a-f]{16}/[0-9]+: .*$policy.*No such file"
ask say
expect_eq "$ANSWER" + 'without the file'

# ---- by command: by nothing, by process id, by id
id=$(jq -r .jail "$T/audit" | head -n 1)
pid=$(sed -nE 's|.*@nsgate/[0-9a-f]{16}/([0-9]+)$|\1|p' /proc/net/unix)
policy domain=other.test domain=ok.test
for name in '' "$pid" "$id" --all; do
	# shellcheck disable=SC2086  # nothing is no word
	reload $name
	expect_eq "$STATUS/$OUT/$ERR" "0/nsgate/$id/$pid: 3 allow and 0 deny rules, 0 connections closed/" "reload $name"
done
for name in 1 "${id:0:15}" "$id/" nonsense; do
	reload "$name"
	expect_eq "$STATUS/$OUT/$ERR" "1//nsgate: reload: there is no run $name here"
done
reload --all "$pid"
expect_eq "$STATUS/$ERR" '2/nsgate: reload: --all and names exclude each other'
ask say
expect_eq "$ANSWER" +
ask dial ok.test
expect_eq "$ANSWER" +

# ---- what cannot change while it runs is said, the rules change
printf 'version: 1\nnetwork:\n  allow: [domain=other.test]\nlimits:\n  time: 9m\n' >"$policy"
reload
expect_eq "$STATUS/${OUT#*: }" '0/1 allow and 0 deny rules, 1 connections closed'
expect_said 'reload: limits.time has changed, which takes effect with the next run'

# ---- the audit file may be moved away
mv -- "$T/audit" "$T/audit.1"
ask dial other.test
[[ ! -e $T/audit ]] || fail 'written to a file that was not there'
reload
ask dial other.test
wait_until 10 test -s "$T/audit" || fail 'no new audit file'
expect_eq "$(cat -- "$T/audit.1" "$T/audit" | jq -s 'map(.seq) == [range(length)]')" true 'no record is lost on the way'

# ---- whoever is not the same user is not heard
if [[ $TEST_UID -eq 0 ]] && setpriv --reuid=1000 --clear-groups true 2>/dev/null; then
	chmod 711 "$T"
	LAST_RUN='reload as another user' STATUS=0
	setpriv --reuid=1000 --regid=1000 --clear-groups -- "$NSGATE" reload "$pid" >"$T/.out" 2>"$T/.err" || STATUS=$?
	OUT=$(<"$T/.out") ERR=$(<"$T/.err")
	expect_eq "$STATUS/$OUT" 1/
fi
# nor asked: whoever else listens under such a name is none of our runs, and says nothing to our terminal
cat >fake.py <<'END'
import socket
fake = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
fake.bind("\0nsgate/0123456789abcdef/1")
fake.listen(4)
print("ready", flush=True)
while True:
    caller, _ = fake.accept()
    try:
        caller.send(b"+\033]0;owned\007")
    except OSError:
        pass
END
if [[ $TEST_UID -eq 0 ]] && setpriv --reuid=1000 --clear-groups true 2>/dev/null; then
	setpriv --reuid=1000 --regid=1000 --clear-groups -- "$PYTHON" - <fake.py >"$T/fake" &
	fake=$!
	STARTED+=("$fake")
	wait_until 10 grep -q ready "$T/fake" || fail 'no fake run'
	for name in '' --all; do
		# shellcheck disable=SC2086  # nothing is no word
		reload $name
		expect_eq "$STATUS/$OUT/$ERR" "0/nsgate/$id/$pid: 1 allow and 0 deny rules, 0 connections closed/" "beside a fake, reload $name"
	done
	# only root may name it
	reload 0123456789abcdef
	expect_eq "$STATUS/$OUT" '0/nsgate/0123456789abcdef/1: ?]0;owned?'
	kill "$fake"
fi
# nor from inside, where the socket is not to be seen
ask say
expect_eq "$ANSWER" +
end
expect_eq "$STATUS" 143 'the payload never saw a hangup'

# ---- several runs: one has to be named
policy domain=ok.test
nsgate --policy "$policy" -- sleep 100 &
STARTED+=("$!")
nsgate --policy "$policy" -- sleep 100 &
STARTED+=("$!")
# shellcheck disable=SC2317  # called by wait_until
are_two()
{
	[[ $(grep -c '@nsgate/' /proc/net/unix) -eq 2 ]] && [[ $(pgrep -xc sleep) -eq 2 ]]
}
wait_until 10 are_two || fail 'two runs do not start'
reload
expect_eq "$STATUS/$OUT" 2/
expect_match "$ERR" 'which\? expected an id.*nsgate/.*nsgate/'
reload --all
expect_eq "$STATUS/$ERR" 0/
expect_eq "$(wc -l <<<"$OUT")" 2
for pid in "${STARTED[@]: -2}"; do
	kill -TERM "$pid"
	wait "$pid" || true
done

# ---- without policy file and audit a hangup is the payload's, as ever
start --allow domain=ok.test
kill -HUP "$NSGATE_PID"
read -r -t 10 ANSWER <&5
expect_eq "$ANSWER" hangup
end
run nsgate --net none -- grep -c @nsgate/ /proc/net/unix
expect_eq "$OUT" 0 'no socket without a gate'
