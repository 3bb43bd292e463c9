#!/bin/bash
# Row 145: once a reload has denied a destination, nothing goes there any more: no open connection lives on, none that races with it; nor can the jail stall it.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
server echo 80

policy=$T/policy.yaml
allow() # NAME
{
	printf 'version: 1\nnetwork:\n  allow:\n    - domain=%s\n' "$1" >"$policy.new"
	mv -- "$policy.new" "$policy"
}

# Holds 200 connections open, makes new ones as fast as it can, and never gives up. After a word on
# stdin it says how many of those it held still carry a byte, and whether a new one does.
cat >racer.py <<'END'
import select, socket, sys
address = socket.gethostbyname("ok.test")
def dial():
    stream = socket.create_connection((address, 80), timeout=5)
    stream.sendall(b"x\n")
    if stream.recv(2, socket.MSG_WAITALL) != b"x\n":
        raise OSError("nothing came back")
    return stream
held = [dial() for _ in range(200)]
print("held", len(held), flush=True)
while not select.select([sys.stdin], [], [], 0)[0]:
    try:
        held.append(dial())
        if len(held) > 300:
            held.pop().close()
    except OSError:
        pass
alive = 0
for stream in held:
    try:
        stream.sendall(b"y")
        alive += stream.recv(1) == b"y"
    except OSError:
        pass
try:
    dial()
    print("alive", alive, "new one", flush=True)
except OSError:
    print("alive", alive, "none new", flush=True)
END

for new in other.test ok.test; do
	allow ok.test
	mkfifo "$T/orders" "$T/answers"
	exec 4<>"$T/orders" 5<>"$T/answers"
	start_nsgate --log-level error --policy "$policy" --audit "$T/audit" -- "$PYTHON" racer.py <&4 >&5 2>"$T/stderr"
	read -r -t 20 line <&5 || fail "the payload does not start: $(cat "$T/stderr")"
	expect_eq "$line" 'held 200'
	allow "$new"
	run nsgate reload
	expect_eq "$STATUS" 0
	echo go >&4
	read -r -t 20 line <&5 || fail 'no answer'
	if [[ $new == ok.test ]]; then
		# the same policy again: nobody notices
		expect_match "$line" '^alive (2|3)[0-9]{2} new one$'
	else
		expect_eq "$line" 'alive 0 none new'
		expect_match "$OUT" ', (2|3)[0-9]{2} connections closed$'
	fi
	finish_nsgate 10
	exec 4<&- 5<&-
	rm -- "$T/orders" "$T/answers"
done
expect_eq "$(jq -r 'select(.verdict == "deny" and .bytes_sent > 0) | .reason' "$T/audit" | sort -u)" no-rule

# ---- a log that the jail has made a pipe of: the reload is refused, and the time limit holds
allow ok.test
start_nsgate --policy "$policy" --audit log --time-limit 3s -- sh -c 'rm log && mkfifo log && sleep 30' 2>"$T/stderr"
wait_until 2 test -p log || fail "no pipe: $(<"$T/stderr")"
run timeout 10 "$NSGATE" reload
expect_eq "$STATUS/$OUT" 1/
expect_match "$ERR" $'audit: open log: .*ENXIO.*\n''it is a pipe that nobody reads'
finish_nsgate 10
expect_eq "$STATUS" 124 'the time limit'
