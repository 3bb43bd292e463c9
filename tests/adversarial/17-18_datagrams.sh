#!/bin/bash
# Rows 17, 18: UDP fails at once instead of in silence, on every port and however much of it there is.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_adversary

own_addresses "$STRANGER4" "$STRANGER6"
ports=(1 53 123 443 5353 51820)
for port in "${ports[@]}"; do
	server udp "$port"
done
server https 443
cp "$T/ca.pem" .

has_arrived()
{
	[[ $(arrivals udp 443) -eq 4 ]]
}
for address in "$PUB4" "$PUB6"; do
	run "$ADVERSARY" datagrams 1 "$address" 443
	expect_match "$OUT" '^1 SILENCE' "$address without a jail"
done
wait_until 5 has_arrived || fail 'the UDP sink did not see what was sent without a jail'

# ---- the second send tells that the first went nowhere; ten thousand do not make it slower
watch_packets
for rules in POLICY ANYTHING; do
	declare -n options=$rules
	for address in "$PUB4" "$PUB6" "$STRANGER4" "$STRANGER6"; do
		for port in 1 123 443 5353 51820; do
			jailed "${options[@]}" -- "$ADVERSARY" datagrams 50 "$address" "$port"
			expect_denied "50 ECONNREFUSED"$'\n'"${OUT##*$'\n'}" ''
			expect_eq "$(($(awk '/^median/ { print $2 }' <<<"$OUT") < 50000))" 1 'under 50 ms'
		done
	done
done
for address in "$PUB4" "$PUB6"; do
	jailed "${POLICY[@]}" -- "$ADVERSARY" datagrams 5000 "$address" 443
	expect_match "$OUT" $'^5000 ECONNREFUSED\nmedian'
done

# ---- port 53 is the gate's resolver, whoever was meant
for address in "$STRANGER4" "$STRANGER6"; do
	jailed "${POLICY[@]}" -- dig +tries=1 +timeout=2 "@$address" evil.test
	expect_match "$OUT" 'status: (NXDOMAIN|REFUSED)'
	expect_eq "$(queries)" 'deny no-rule evil.test A' 'queries'
	expect_at_once
done

expect_silence
expect_arrivals udp 443 4
for port in 1 53 123 5353 51820; do
	expect_arrivals udp "$port" 0
done

# ---- the same programs without a jail are noticed
run "$ADVERSARY" datagrams 1 "$STRANGER4" 443
expect_packets

# ---- HTTPS over TCP, to the port that QUIC was refused on
jailed "${POLICY[@]}" -- curl -sS --cacert ca.pem https://ok.test/hello
expect_eq "$OUT" 'hello from ok.test'
expect_eq "$(records)" 'allow allow-rule ok.test 443'
