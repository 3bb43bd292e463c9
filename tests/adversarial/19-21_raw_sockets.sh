#!/bin/bash
# Rows 19, 20, 21: no ICMP echo, no raw socket, no packet socket.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_adversary

# A kernel that lets everybody ping: the jail's namespace starts with its own range, closed.
echo '0 4294967294' >/proc/sys/net/ipv4/ping_group_range 2>/dev/null || true

# FAMILY TYPE PROTOCOL WHAT
refused=(
	'2 2 1 ping' '10 2 58 ping6'
	'2 3 1 raw-icmp' '2 3 255 raw' '2 3 6 raw-tcp' '2 3 0 raw-any'
	'10 3 58 raw6-icmp' '10 3 255 raw6' '10 0x80803 17 raw6-udp'
	'17 3 0 packet' '17 2 0x300 packet-datagram' '17 10 0x300 packet-old'
	'2 10 0 packet-by-type' '2 10 0x300 packet-by-type-all' '10 10 0 packet-by-type6'
	'0x100000011 3 0 packet-upper-half' '2 0x100000003 1 raw-upper-half'
)
watch_packets
for row in "${refused[@]}"; do
	read -r family type protocol what <<<"$row"
	jailed "${ANYTHING[@]}" -- "$ADVERSARY" socket "$family" "$type" "$protocol"
	expect_denied EPERM ''
	: "$what"
done
for address in "$PUB4" "$PUB6" "$GATE4" "$GATE6" 127.0.0.1; do
	jailed "${ANYTHING[@]}" -- ping -n -c 1 -W 1 "$address"
	expect_match "$ERR" 'Operation not permitted'
	expect_no_match "$OUT" 'bytes from'
	expect_denied "$OUT" ''
done
jailed "${ANYTHING[@]}" -- "$PYTHON" -c 'import socket; socket.socket(2, 3, 1)'
expect_match "$ERR" 'PermissionError'
expect_silence

# ---- root of a network namespace has all of them
for words in '2 3 1' '10 3 58' '17 3 0'; do
	# shellcheck disable=SC2086  # three words
	run "$ADVERSARY" socket $words
	expect_eq "$OUT" OK "socket $words without a jail"
done
