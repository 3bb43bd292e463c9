#!/bin/bash
# Row 115: DNS over TLS, HTTPS and QUIC, multicast DNS, LLMNR and NetBIOS lead nowhere.
# shellcheck source-path=SCRIPTDIR disable=SC2016  # what a jailed shell expands
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_adversary

own_addresses 8.8.8.8 2001:4860:4860::8888
host dns.google 8.8.8.8
server banner 853
server https 443
for port in 137 853 5353 5355; do
	server udp "$port"
done
run "$ADVERSARY" dial 8.8.8.8 853
expect_eq "$OUT" 'got SSH-2.0-nsgate_test' 'without a jail'

watch_packets
# ---- DoT and DoH, by address and by name
jailed "${POLICY[@]}" -- sh -c "$EACH" "$ADVERSARY" 8.8.8.8 853 2001:4860:4860::8888 853 8.8.8.8 443
expect_denied $'ECONNRESET\nECONNRESET\nECONNRESET' \
	$'deny raw-ip 8.8.8.8 853\ndeny raw-ip 2001:4860:4860::8888 853\ndeny raw-ip 8.8.8.8 443'
jailed "${POLICY[@]}" -- curl -sSk --doh-url https://dns.google/dns-query --doh-insecure https://ok.test/hello
expect_eq "$STATUS/$OUT" 6/ 'DoH by name'
expect_match "$(queries)" 'deny no-rule dns\.google A'
jailed "${POLICY[@]}" -- curl -sSk -m 5 --doh-url https://8.8.8.8/dns-query --doh-insecure https://ok.test/hello
expect_eq "$STATUS/$OUT" 6/ 'DoH by address'
expect_match "$(records | sort -u)" '^deny raw-ip 8\.8\.8\.8 443$'
for mode in dummy real; do
	jailed "${POLICY[@]}" --dns "$mode" -- curl -sSk https://dns.google/dns-query
	expect_eq "$OUT" '' "DoH with dns: $mode"
	expect_match "$(jq -r '"\(.verdict) \(.reason) \(.name)"' "$T/audit")" 'deny no-rule dns\.google'
done

# ---- by UDP
for port in 137 853 5353 5355; do
	for address in 8.8.8.8 2001:4860:4860::8888; do
		jailed "${ANYTHING[@]}" -- "$ADVERSARY" datagrams 5 "$address" "$port"
		expect_match "$OUT" '^5 ECONNREFUSED' "$address $port"
	done
done
# to a group nobody answers, not even that it is refused (RFC 1122, 3.2.2)
for group in 224.0.0.251\ 5353 224.0.0.252\ 5355 ff02::fb\ 5353; do
	# shellcheck disable=SC2086  # two words
	jailed "${ANYTHING[@]}" -- "$ADVERSARY" datagrams 2 $group
	expect_match "$OUT" '^2 (SILENCE|ENETUNREACH|EADDRNOTAVAIL|EINVAL)' "$group"
done
expect_silence
for port in 137 853 5353 5355; do
	expect_arrivals udp "$port" 0
done
expect_arrivals banner 853 1

# ---- a rule makes it possible, as for every other host
jailed --allow domain=dns.google -- bash -c "$EACH_NAME" 853 dns.google
expect_eq "$OUT" 'dns.google [SSH-2.0-nsgate_test]'
