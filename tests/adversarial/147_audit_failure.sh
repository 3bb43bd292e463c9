#!/bin/bash
# Row 147: on a full disk, a blocked or a closed pipe, the network closes or records are counted, as asked, and nobody hangs.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_jsonschema

server http 80
server banner 22

# For the jail: queries.py COUNT [FILE-TO-WAIT-FOR COUNT] prints "RCODE HOW-MANY" and whether the
# connection that was open before lives.
cat >queries.py <<'END'
import collections, os, socket, struct, sys, time

server = next(line.split()[1] for line in open("/etc/resolv.conf") if line.startswith("nameserver"))
probe = socket.socket(socket.AF_INET6 if ":" in server else socket.AF_INET, socket.SOCK_DGRAM)
probe.connect((server, 53))
probe.settimeout(5)
early = socket.create_connection(("ok.test", 22))
early.settimeout(2)
early.recv(100)
words = sys.argv[1:]
while words:
    rcodes = collections.Counter()
    for number in range(int(words.pop(0))):
        name = b"\4evil" + bytes([60]) + b"x" * 60 + b"\4test\0"
        probe.send(struct.pack(">HHHHHH", number, 0x100, 1, 0, 0, 0) + name + struct.pack(">HH", 1, 1))
        rcodes[probe.recv(512)[3] & 15] += 1
    print(*(f"{rcode} {count}" for rcode, count in sorted(rcodes.items())), flush=True)
    if words:
        open("waiting", "w").close()
        while not os.path.exists(words[0]):
            time.sleep(0.01)
        words.pop(0)
try:
    early.send(b"x")
    early.settimeout(0.2)
    print("open" if early.recv(100) else "closed")
except TimeoutError:
    print("open")
except OSError:
    print("reset")
END
RUN=("$PYTHON" queries.py)

# 3 is NXDOMAIN, 5 REFUSED.
expect_stopped() # REASON
{
	expect_eq "$STATUS" 0 'the payload'
	expect_match "$OUT" $'^3 [0-9]+ 5 [0-9]+\nreset$' 'a network that closed'
	expect_match "$ERR" "audit: cannot write the record: $1; the network is closed from now on"
	expect_eq "$(grep -c 'audit:' <<<"$ERR")" 1 'lines about it'
}

expect_counted() # REASON QUERIES
{
	expect_eq "$STATUS" 0 'the payload'
	expect_eq "$OUT" "3 $2"$'\nopen' 'a network that stays open'
	expect_match "$ERR" "audit: cannot write the record: $1; records that are lost are counted"
	expect_match "$ERR" 'audit: [1-9][0-9]* records could not be written$'
	expect_eq "$(grep -c 'audit:' <<<"$ERR")" 2 'lines about it'
}
lost()
{
	sed -n 's/.*audit: \([0-9]*\) records could not be written/\1/p' <<<"$ERR"
}

# ---- a full disk; over /mnt, in the mount namespace of the test
mount -t tmpfs -o size=16k,mode=777 none /mnt
run nsgate --audit /mnt/stop --allow domain=ok.test -- "${RUN[@]}" 200
expect_stopped 'No space left on device'
[[ $MS -lt 4000 ]] || fail "a full disk makes the command wait: $MS ms"
expect_audit /mnt/stop 1
rm /mnt/stop

run nsgate --audit /mnt/count --audit-on-failure count --allow domain=ok.test -- "${RUN[@]}" 200
expect_counted 'No space left on device' 200
[[ $MS -lt 4000 ]] || fail "a full disk makes the command wait: $MS ms"
lost=$(lost)
expect_audit /mnt/count 1
# the two lookups of ok.test, the connection
expect_eq "$((${OUT#* } + lost))" 203 'written and lost records'

# ---- with room again: the next record says how many are missing; a file that was emptied is appended to
: >/mnt/count
start_nsgate --audit /mnt/count --audit-on-failure count --allow domain=ok.test -- "${RUN[@]}" 200 go-on 5 >"$T/.out" 2>"$T/.err"
wait_until 10 test -e waiting || fail 'the payload did not get so far'
: >/mnt/count
: >go-on
finish_nsgate 10
OUT=$(<"$T/.out") ERR=$(<"$T/.err")
expect_eq "$STATUS/$OUT" $'0/3 200\n3 5\nopen' 'a network that stays open'
lost=$(lost)
# what was emptied away is no longer there to count from: the first record says how many were lost
first=$(jq -c 'select(.lost) | [.seq, .lost]' /mnt/count)
expect_eq "$first" "[202,$lost]" 'the first record after the loss'
expect_eq "$(jq -c .seq /mnt/count | xargs)" '202 203 204 205 206 207' 'numbers after the loss'

# ---- the next run starts on a line of its own
printf '{"half' >/mnt/count
run nsgate --audit /mnt/count --allow domain=ok.test -- "${RUN[@]}" 1
expect_audit /mnt/count 1
expect_eq "${OUT#* }" 4 'records after half a line'

# ---- a pipe that nobody reads
mkfifo -m 666 blocked
exec 7<>blocked
run nsgate --audit blocked --allow domain=ok.test -- "${RUN[@]}" 400
expect_stopped 'its reader does not read'
[[ $MS -ge 1000 && $MS -lt 5000 ]] || fail "a pipe that nobody reads made the command wait $MS ms"
timeout 1 cat <&7 >"$T/audit" || true
expect_audit "$T/audit"

run nsgate --audit blocked --audit-on-failure count --allow domain=ok.test -- "${RUN[@]}" 400
expect_counted 'its reader does not read' 400
[[ $MS -lt 4000 ]] || fail "a pipe that nobody reads made the command wait $MS ms"
lost=$(lost)
timeout 1 cat <&7 >"$T/audit" || true
exec 7<&-
expect_audit "$T/audit"
expect_eq "$((${OUT#* } + lost))" 403 'written and lost records'

# ---- a pipe whose reader goes away
for mode in stop count; do
	rm -f closed
	mkfifo -m 666 closed
	head -c 2000 <closed >/dev/null &
	run nsgate --audit closed --audit-on-failure "$mode" --allow domain=ok.test -- "${RUN[@]}" 100
	wait $!
	if [[ $mode == stop ]]; then
		expect_stopped 'Broken pipe'
	else
		expect_counted 'Broken pipe' 100
	fi
	[[ $MS -lt 4000 ]] || fail "a closed pipe makes the command wait: $MS ms"
done

# ---- a file that may not grow: a signal elsewhere, an error here
run bash -c 'ulimit -f 8; exec "$@"' - "${NSGATE_RUN[@]}" --audit "$T/limited" --audit-on-failure count \
	--allow domain=ok.test -- "${RUN[@]}" 100
expect_counted 'File too large' 100
expect_audit "$T/limited" 1
