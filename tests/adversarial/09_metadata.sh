#!/bin/bash
# Row 9: cloud metadata services are not reached: not dialled, and not by a name that leads to them.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_adversary

services=("$META4" 100.100.100.200 168.63.129.16 192.0.0.192 fd00:ec2::254 fd20:ce::254)
own_addresses "${services[@]:1}"
server banner 80
host metadata.google.internal "$META4"
names=(meta.test metadata.google.internal)
for address in "${services[@]}"; do
	names+=("m${#names[@]}.test")
	host "${names[-1]}" "$address"
	run "$ADVERSARY" dial "$address" 80
	expect_eq "$OUT" 'got SSH-2.0-nsgate_test' "$address without a jail"
done
seen=$(arrivals banner 80)
watch_packets

# ---- dialled
jailed "${POLICY[@]}" -- curl -sS -m 2 "http://$META4/"
expect_match "$STATUS" '^(7|55|56)$' 'curl: refused or reset'
expect_denied '' "deny raw-ip $META4 80"
words=() ends='' expected=''
for address in "${services[@]}"; do
	words+=("$address" 80)
	ends+=$'\n'ECONNRESET
	expected+=$'\n'"deny raw-ip $address 80"
done
jailed --allow 'domain=*' -- sh -c "$EACH" "$ADVERSARY" "${words[@]}"
expect_denied "${ends:1}" "${expected:1}"

# ---- by a name, also one that the hosts file has and rules spell out
expected=''
for name in "${names[@]}"; do
	expected+=$'\n'"deny private-address $name 80"
done
jailed --allow 'domain=*' --allow 'domain=*.test' --allow domain=meta.test \
	--allow domain=metadata.google.internal -- bash -c "$EACH_NAME" 80 "${names[@]}"
expect_denied "$(printf '%s []\n' "${names[@]}")" "${expected:1}"
expect_silence
expect_arrivals banner 80 "$seen"

# ---- only who names the address gets there
jailed --allow "domain=meta.test cidr=$META4" --allow "cidr=fd00:ec2::254" -- \
	bash -c "$EACH_NAME; '$ADVERSARY' dial fd00:ec2::254 80" 80 meta.test
expect_eq "$OUT" $'meta.test [SSH-2.0-nsgate_test]\ngot SSH-2.0-nsgate_test'
