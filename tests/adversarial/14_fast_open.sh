#!/bin/bash
# Row 14: TCP Fast Open is redirected and judged like any other connection.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_adversary
(($(</proc/sys/net/ipv4/tcp_fastopen) & 1)) || skip_absent 'no TCP Fast Open for clients here'

request=$'GET /hello HTTP/1.0\r\n\r\n'
own_addresses "$STRANGER4" "$STRANGER6"
server http 80
for address in "$STRANGER4" "$STRANGER6"; do
	run "$ADVERSARY" fast-open "$address" 80 "$request"
	expect_match "$OUT" '^got HTTP/1.1 200' "$address without a jail"
done

watch_packets
for address in "$STRANGER4" "$STRANGER6"; do
	jailed "${POLICY[@]}" -- "$ADVERSARY" fast-open "$address" 80 "$request"
	expect_denied ECONNRESET "deny raw-ip $address 80"
	# straight at the listener: nobody takes the bytes of a SYN there either
	jailed "${POLICY[@]}" -- "$ADVERSARY" fast-open "$GATE4" "$GATE_TCP" "$request"
	expect_denied ECONNREFUSED ''
	expect_eq "$(refused_packets)" "self tcp $GATE4 $GATE_TCP 1" 'what the fence has refused'
done
expect_silence
expect_arrivals http 80 2

for address in "$STRANGER4" "$STRANGER6"; do
	jailed --allow "cidr=$address" -- "$ADVERSARY" fast-open "$address" 80 "$request"
	expect_match "$OUT" '^got HTTP/1.1 200'
	expect_eq "$(records)" "allow allow-rule $address 80"
done
expect_arrivals http 80 4
