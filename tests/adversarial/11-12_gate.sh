#!/bin/bash
# Rows 11, 12: the gate's listeners serve nobody who dials them, and the proxy never relays to itself.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_adversary

# Servers with the gate's ports on every address of the caller: what a relay to them would reach.
server banner "$GATE_TCP"
server banner "$GATE_DNS"
server http 80
watch_packets

for rules in POLICY ANYTHING; do
	declare -n options=$rules

	# ---- row 11: the jail's own loopback and addresses have no listener
	words=() ends=''
	for address in 127.0.0.1 ::1 "$JAIL4" "$JAIL6"; do
		words+=("$address" "$GATE_TCP" "$address" "$GATE_DNS")
		ends+=$'\nECONNREFUSED\nECONNREFUSED'
	done
	# ---- row 11: the gate's own have one, behind the fence: no redirect, no DNAT, no entry
	for address in "$GATE4" "$GATE6" "::ffff:$GATE4"; do
		words+=("$address" "$GATE_TCP")
		ends+=$'\n'ECONNREFUSED
	done
	jailed "${options[@]}" -- sh -c "$EACH" "$ADVERSARY" "${words[@]}"
	expect_denied "${ends:1}" ''
	expect_eq "$(refused_packets)" "self tcp $GATE4 $GATE_TCP 2
self tcp $GATE6 $GATE_TCP 1" 'what the fence has refused'

	# ---- row 12: through the redirect to a destination that is the gate itself
	jailed "${options[@]}" -- sh -c "$EACH" "$ADVERSARY" \
		"$GATE4" "$GATE_DNS" "$GATE6" "$GATE_DNS" "::ffff:$GATE4" "$GATE_DNS"
	expect_denied $'ECONNRESET\nECONNRESET\nECONNRESET' \
		"deny self $GATE4 $GATE_DNS
deny self $GATE6 $GATE_DNS
deny self $GATE4 $GATE_DNS"

	# ---- and as datagrams
	for address in "$GATE4" "$GATE6"; do
		for port in "$GATE_DNS" "$GATE_TCP"; do
			jailed "${options[@]}" -- "$ADVERSARY" datagrams 5 "$address" "$port"
			expect_match "$OUT" '^5 ECONNREFUSED'
			expect_eq "$(queries)" '' 'queries'
			expect_eq "$(refused_packets)" "self udp $address $port 5" 'what the fence has refused'
		done
	done

	# ---- other ports of the gate in IPv4: an address without a name
	words=() ends='' expected=''
	for port in 1 22 80 443 15000 15002 65535; do
		words+=("$GATE4" "$port")
		ends+=$'\n'ECONNRESET
		expected+=$'\n'"deny unknown-name $GATE4 $port"
	done
	jailed "${options[@]}" -- sh -c "$EACH" "$ADVERSARY" "${words[@]}"
	expect_denied "${ends:1}" "${expected:1}"
done

# ---- the same in IPv6, where the gate's address is no synthetic one
jailed "${POLICY[@]}" -- sh -c "$EACH" "$ADVERSARY" "$GATE6" 80 "$GATE6" 15002
expect_denied $'ECONNRESET\nECONNRESET' "deny raw-ip $GATE6 80"$'\n'"deny raw-ip $GATE6 15002"
expect_silence
expect_arrivals banner "$GATE_TCP" 0
expect_arrivals banner "$GATE_DNS" 0

# ---- the listeners do work, and their ports are ordinary ones elsewhere
jailed "${POLICY[@]}" -- curl -sS http://ok.test/hello
expect_eq "$OUT" 'hello from ok.test'
jailed --allow "cidr=$PUB4,$PUB6" -- sh -c "$EACH" "$ADVERSARY" "$PUB4" "$GATE_TCP" "$PUB6" "$GATE_DNS"
expect_eq "$OUT" $'got SSH-2.0-nsgate_test\ngot SSH-2.0-nsgate_test'
for address in "$GATE4" "$GATE6"; do
	jailed "${POLICY[@]}" -- dig +short +tries=1 +timeout=2 "@$address" ok.test
	expect_match "$OUT" '^198\.18\.'
done
