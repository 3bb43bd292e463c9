#!/bin/bash
# Refused packets are recorded: the first of a flow at once, the others counted, however many flows there are.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_jsonschema

packets() # JQ-FILTER
{
	jq -c "select(.packets) | $1" "$T/audit"
}

# ---- a flow that goes on for more than a window of 10 s: one record at its start, one for each window
cat >steady.py <<'END'
import socket, time
socket_ = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
end, sent = time.monotonic() + 11.5, 0
while time.monotonic() < end:
    socket_.sendto(b"?", ("198.51.100.7", 443))
    sent += 1
    time.sleep(0.05)
print(sent)
END
start_nsgate --audit "$T/audit" -- "$PYTHON" steady.py >"$T/sent" 2>"$T/told"
has_first()
{
	[[ -s $T/audit ]]
}
wait_until 5 has_first || fail 'no record of the first packet'
expect_eq "$(packets '[.protocol, .address, .port, .verdict, .reason, .packets]')" \
	'["udp","198.51.100.7",443,"deny","not-tcp",1]' 'the record of the first packet'
finish_nsgate 20
expect_eq "$STATUS" 0
expect_audit "$T/audit"
expect_eq "$(jq -c .packets "$T/audit" | wc -l)" 3 'records of a steady flow'
expect_eq "$(jq -s 'map(.packets) | add' "$T/audit")" "$(<"$T/sent")" 'packets sent and told'
expect_eq "$(jq -rs '.[1].time[17:19], .[0].time[17:19]' "$T/audit" | xargs | awk '{ print ($1 - $2 + 60) % 60 }')" 10 \
	'seconds between the first packet and the record of the others'
expect_eq "$(<"$T/told")" 'nsgate: denied: udp 198.51.100.7:443 (not-tcp: only TCP and DNS are carried)' 'what is told'

# ---- more flows at once than are kept apart: each packet is in one record
rm "$T/audit"
run nsgate --audit "$T/audit" -- "$PYTHON" -c '
import socket, time
for port in sorted(list(range(1000, 1400)) * 2):
	socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).sendto(b"?", ("2001:db8::7", port))
	time.sleep(0.003)'
expect_eq "$STATUS" 0
expect_audit "$T/audit"
expect_eq "$(packets .port | sort -u | wc -l)" 400 'flows that have a record'
expect_eq "$(jq -s 'map(.packets) | add' "$T/audit")" 800 'packets told'

# ---- without an audit log they are told on stderr, and cost no record
run nsgate -- "$PYTHON" -c 'import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"?", ("198.51.100.7", 9))'
expect_eq "$ERR" 'nsgate: denied: udp 198.51.100.7:9 (not-tcp: only TCP and DNS are carried)'
