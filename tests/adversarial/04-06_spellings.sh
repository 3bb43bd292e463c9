#!/bin/bash
# Rows 4, 5, 6: an IPv4 address is judged as what it is, however it is spelt or wrapped.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_adversary

# NAT64, 6to4, Teredo, IPv4-compatible: each carries 127.0.0.1
wrapped=(64:ff9b::7f00:1 2002:7f00:1:: 2001:0:7f00:1::1 ::7f00:1)
own_addresses "$STRANGER4" "${wrapped[@]}"
server banner 4444
server http 80

# ---- row 4
run "$ADVERSARY" dial "::ffff:$STRANGER4" 4444
expect_eq "$OUT" 'got SSH-2.0-nsgate_test' 'without a jail'
watch_packets
jailed "${POLICY[@]}" -- "$ADVERSARY" dial "::ffff:$STRANGER4" 4444
expect_denied ECONNRESET "deny raw-ip $STRANGER4 4444"
expect_silence
jailed --allow "cidr=$STRANGER4" -- "$ADVERSARY" dial "::ffff:$STRANGER4" 4444
expect_eq "$OUT" 'got SSH-2.0-nsgate_test'
expect_eq "$(records)" "allow allow-rule $STRANGER4 4444"

# ---- row 5: dialled, by a name, and through a deny rule for what is inside
words=() ends='' raw='' denied='' named='' names=()
for address in "${wrapped[@]}"; do
	# the kernel's own spelling
	text=$("$PYTHON" -c 'import ipaddress, sys; print(ipaddress.ip_address(sys.argv[1]))' "$address")
	[[ $address != ::7f00:1 ]] || text=::127.0.0.1
	run "$ADVERSARY" dial "$address" 4444
	expect_eq "$OUT" 'got SSH-2.0-nsgate_test' "$address without a jail"
	names+=("n${#names[@]}.test")
	host "${names[-1]}" "$address"
	words+=("$address" 4444)
	ends+=$'\n'ECONNRESET
	raw+=$'\n'"deny private-embedded $text 4444"
	denied+=$'\n'"deny deny-rule $text 4444"
	named+=$'\n'"deny private-embedded ${names[-1]} 4444"
done
watch_packets
jailed --allow 'domain=*' -- sh -c "$EACH" "$ADVERSARY" "${words[@]}"
expect_denied "${ends:1}" "${raw:1}"
jailed "${ANYTHING[@]}" --deny cidr=127.0.0.0/8 -- sh -c "$EACH" "$ADVERSARY" "${words[@]}"
expect_denied "${ends:1}" "${denied:1}"
jailed --allow 'domain=*' -- bash -c "$EACH_NAME" 4444 "${names[@]}"
expect_denied "$(printf '%s []\n' "${names[@]}")" "${named:1}"
expect_silence
jailed --allow cidr=64:ff9b::/96 -- "$ADVERSARY" dial 64:ff9b::7f00:1 4444
expect_eq "$OUT" 'got SSH-2.0-nsgate_test' 'with a rule'

# ---- row 6: spellings that the C library reads; these are the caller's 127.0.0.1 and $PUB4
watch_packets
urls=(http://0x7f000001/ http://2130706433/ http://127.1/ http://0177.0.0.1/)
jailed "${ANYTHING[@]}" -- curl -sS "${urls[@]}"
expect_match "$ERR" "127.0.0.1 port 80"
expect_denied '' ''
for spelling in 0x0b4d0001 189595649 11.77.1 013.0115.0.01; do
	# shellcheck disable=SC2016  # the inner shell's
	jailed --allow 'domain=*' -- bash -c 'exec 5<>"/dev/tcp/$0/80"; read -r line <&5; echo "[$line]"' "$spelling"
	expect_denied '[]' "deny raw-ip $PUB4 80"
done
jailed --allow 'domain=*' -- dig +short +tries=1 +timeout=2 0x7f000001 2130706433
expect_eq "$(queries)" $'deny bad-name 0x7f000001 A\ndeny bad-name 2130706433 A' 'queries'
expect_silence
jailed --allow "cidr=$PUB4" -- curl -sS http://0x0b4d0001/hello
expect_eq "$OUT" "hello from $PUB4" 'with a rule'
