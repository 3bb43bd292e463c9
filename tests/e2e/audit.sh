#!/bin/bash
# Each decision is one line of JSON that docs/audit.schema.json allows, and without a record nothing is let through.
# shellcheck source-path=SCRIPTDIR disable=SC2016  # what a jailed shell expands
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_jsonschema

server http 80
server https 443
server banner 22
server sink 9
server source 19 --bytes 12345

valid() # RECORDS-AT-LEAST
{
	expect_audit "$T/audit"
	[[ ${OUT#* } -ge $1 ]] || fail "only ${OUT#* } records"
}
jail() # COMMAND...
{
	rm -f "$T/audit"
	run nsgate --audit "$T/audit" --allow domain=ok.test --allow "cidr=$PUB4_B" --deny 'domain=ok.test port=1234' -- "$@"
}
records() # JQ-FILTER
{
	jq -c "select(.protocol != \"dns\") | $1" "$T/audit"
}

# ---- one of each kind
cp -- "$T/ca.pem" ca.pem
jail sh -c '
	curl -s http://ok.test/hello; curl -s --cacert ca.pem https://ok.test/hello; curl -s http://'"$PUB4_B"'/
	nc -w 1 -d ok.test 22; curl -s http://ok.test:1234/; curl -s http://other.test/; curl -s http://8.8.8.8/
	curl -s "http://[2001:db8::1]/"; curl -s http://ok.test:99/; curl -sk --connect-to x.test:443:ok.test:443 https://x.test/
	printf "GET / HTTP/1.0\r\n\r\n" | nc -N ok.test 80; dig +short ok.test TXT; dig +short other.test MX
	dig +tcp +short ok.test; :'
expect_eq "$STATUS" 0
valid 20
# how much of a client is seen before its destination turns out to be dead is a matter of luck
expect_eq "$(records '[if .reason == "upstream-failed" then "http" else .protocol end, .name // .address, .port, .verdict,
	.reason]' | sort -u)" '["http","11.77.0.2",80,"allow","allow-rule"]
["http","ok.test",80,"allow","allow-rule"]
["http","ok.test",99,"allow","upstream-failed"]
["tcp","2001:db8::1",80,"deny","raw-ip"]
["tcp","8.8.8.8",80,"deny","raw-ip"]
["tcp","ok.test",1234,"deny","deny-rule"]
["tcp","ok.test",22,"allow","allow-rule"]
["tls","ok.test",443,"allow","allow-rule"]
["tls","ok.test",443,"deny","name-mismatch"]' 'connections'
expect_eq "$(stat -c %a "$T/audit")" 600 'the mode of the audit file'

# ---- bytes to the byte
jail sh -c 'nc -d -w 5 ok.test 19 >/dev/null; head -c 54321 /dev/zero | nc -N -w 5 ok.test 9 >answer'
valid 2
expect_eq "$(records '[.port, .bytes_sent, .bytes_received]')" "[19,0,12345]"$'\n'"[9,54321,$(wc -c <answer)]" 'bytes'

# ---- the last record is there when nsgate has ended, whatever the end was
jail "$PYTHON" -c '
import os, signal, socket
stream = socket.create_connection(("ok.test", 22))
stream.recv(3)
os.kill(os.getpid(), signal.SIGKILL)'
expect_eq "$STATUS" 137
valid 2
expect_eq "$(records '[.port, .verdict]')" '[22,"allow"]' 'the record of an open connection'
rm -f "$T/audit"
run nsgate --audit "$T/audit" --allow domain=ok.test --time-limit 1s -- nc -d ok.test 22
expect_eq "$STATUS" 124
valid 2
expect_eq "$(records '[.port, .verdict]')" '[22,"allow"]' 'the record after the time limit'

# ---- appends, and two jails may share a file
run nsgate --audit "$T/audit" --allow domain=ok.test -- curl -s http://ok.test/
valid 3
expect_eq "${OUT%% *}" 2 'jails in one file'

# ---- hostile names give one valid line each
jail "$PYTHON" -c '
import os, socket, struct
server = next(line.split()[1] for line in open("/etc/resolv.conf") if line.startswith("nameserver"))
family = socket.AF_INET6 if ":" in server else socket.AF_INET
probe = socket.socket(family, socket.SOCK_DGRAM)
probe.connect((server, 53))
probe.settimeout(2)
for labels in [b"quote\"", b"back\\slash"], [b"new\nline\r"], [b"\x00nul"], [b"\xff\xfe\xc3\x28"], [b"\x1b[31m"], [b"a.b"], \
        [b"x" * 63] * 3, [bytes(range(1, 32))], [b"\xe2\x80\xae"], [b"{}", b"</script>"]:
    name = b"".join(bytes([len(label)]) + label for label in labels + [b"evil"]) + b"\0"
    probe.send(struct.pack(">HHHHHH", 7, 0x100, 1, 0, 0, 0) + name + struct.pack(">HH", 1, 1))
    probe.recv(512)
'
expect_eq "$STATUS" 0 'hostile names'
valid 10
expect_eq "$(jq -r .verdict "$T/audit" | sort | uniq -c | xargs)" '10 deny' 'hostile names'
expect_no_match "$ERR" $'\e|\xff' 'what is told of hostile names'

# ---- it cannot be written: nothing starts
refused() # PATH MESSAGE
{
	run nsgate --audit "$1" -- touch ran
	expect_eq "$STATUS" 125 "--audit $1"
	expect_match "$ERR" "^nsgate: audit: open $1: $2"
	[[ ! -e ran ]] || fail "ran with --audit $1"
}
refused /nowhere/audit 'No such file'
refused "$T" 'Is a directory'
ln -s "$T/elsewhere" link
refused "$PWD/link" 'Too many levels of symbolic links'
mkdir -m 500 locked
[[ $TEST_UID -eq 0 ]] || refused "$PWD/locked/audit" 'Permission denied'

# ---- the disk is full in the middle: the network closes, the command is told, nobody hangs
# over /mnt, in the mount namespace of the test: nothing to unmount when it fails
mount -t tmpfs -o size=4k,mode=777 none /mnt
: >"$T/http-80.log"
run nsgate --audit "/mnt/audit" --allow domain=ok.test -- sh -c '
	for i in $(seq 40); do curl -s --max-time 3 http://ok.test/hello || { echo "failed with $?"; break; }; done
	curl -s --max-time 3 http://ok.test/hello || echo "fails with $?"; nc -d -w 3 ok.test 22 </dev/null; echo end'
expect_match "$OUT" $'failed with [0-9]+\nfails with [0-9]+\nend$' 'a full disk'
[[ $MS -lt 3000 ]] || fail "a full disk makes the command wait: $MS ms"
expect_match "$ERR" 'audit: cannot write the record: No space left on device; the network is closed'
# one record may be lost, after which there is nothing to write
[[ $(arrivals http 80) -le $(($(grep -c '"http"' "/mnt/audit") + 1)) ]] || fail 'connections without a record were let through'
expect_eq "$(grep -c 'No space left' <<<"$ERR")" 1 'lines about the full disk'
