#!/bin/bash
# Row 10: one address of every class that is not public, dialled and behind a name: denied.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_adversary

# Which address belongs to which class is tests/unit/check_policy_addr.c's; here each class is live.
# The kernel refuses the last ones before there is a packet.
addresses=(10.1.2.3 172.16.0.1 192.168.1.1 100.64.0.1 169.254.1.1 192.0.2.1 198.51.100.1 203.0.113.1
	192.0.0.1 192.88.99.1 0.1.2.3 240.0.0.1 fc00::1 fd12:3456::1 fec0::1 2001:db8::1 3fff::1 4000::1)
unroutable=(224.0.0.1 239.1.2.3 255.255.255.255 ff02::1 ff0e::1)

words=() ends='' raw='' named='' names=()
for address in "${addresses[@]}" "${unroutable[@]}"; do
	names+=("n${#names[@]}.test")
	host "${names[-1]}" "$address"
	named+=$'\n'"deny private-address ${names[-1]} 80"
	words+=("$address" 80)
done
for address in "${addresses[@]}"; do
	# Those that an interface can have have a server, too.
	own_addresses "$address" 2>/dev/null || true
	ends+=$'\n'ECONNRESET raw+=$'\n'"deny raw-ip $address 80"
done
for address in "${unroutable[@]}"; do
	ends+=$'\n'ENETUNREACH
done
server banner 80
for address in 10.1.2.3 169.254.1.1 fec0::1; do
	run "$ADVERSARY" dial "$address" 80
	expect_eq "$OUT" 'got SSH-2.0-nsgate_test' "$address without a jail"
done

watch_packets
jailed --allow 'domain=*' -- sh -c "$EACH" "$ADVERSARY" "${words[@]}"
expect_denied "${ends:1}" "${raw:1}"
jailed --allow 'domain=*' -- bash -c "$EACH_NAME" 80 "${names[@]}"
expect_denied "$(printf '%s []\n' "${names[@]}")" "${named:1}"
# a link-local address belongs to a link, here the jail's own
jailed "${ANYTHING[@]:0:2}" -- curl -sS -g 'http://[fe80::1%25eth0]/'
expect_match "$STATUS" '^(7|55|56)$' 'curl: refused or reset'
expect_denied '' 'deny raw-ip fe80::1 80'
expect_silence
expect_arrivals banner 80 3

jailed --allow 'domain=*' -- bash -c "$EACH_NAME" 80 ok.test
expect_eq "$OUT" 'ok.test [SSH-2.0-nsgate_test]' 'a public address under the same rule'
