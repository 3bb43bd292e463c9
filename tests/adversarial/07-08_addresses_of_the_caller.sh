#!/bin/bash
# Rows 7, 8: the caller's loopback and other addresses are not reached, neither dialled nor by a name.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_adversary

server banner 9999
loopback=(127.0.0.1 127.0.0.2 0.0.0.0 ::1 :: ::ffff:127.0.0.1)
host loop6.test ::1
host lo-alias.test 127.0.0.2
host zero.test 0.0.0.0
host zero6.test ::
host mapped.test ::ffff:127.0.0.1

for address in "${loopback[@]}" "$PRIV4" "$PRIV6"; do
	run "$ADVERSARY" dial "$address" 9999
	expect_eq "$OUT" 'got SSH-2.0-nsgate_test' "$address without a jail"
done
seen=$(arrivals banner 9999)

# ---- row 7: they are the jail's own loopback, whatever the rules say, and the gate never sees them
watch_packets
words=() ends=''
for address in "${loopback[@]}"; do
	words+=("$address" 9999)
	ends+=$'\n'ECONNREFUSED
done
for rules in POLICY ANYTHING; do
	declare -n options=$rules
	jailed "${options[@]}" -- sh -c "$EACH" "$ADVERSARY" "${words[@]}"
	expect_denied "${ends:1}" ''
done
jailed "${POLICY[@]}" -- "$ADVERSARY" self 127.0.0.1 9999
expect_eq "$OUT" 'got to myself' "the jail's own loopback"

# ---- row 7: a name that leads there is no way either, even when a rule spells it out
names=(loop.test loop6.test lo-alias.test zero.test zero6.test mapped.test)
expected=''
for name in "${names[@]}"; do
	expected+=$'\n'"deny private-address $name 9999"
done
jailed --allow 'domain=*' -- bash -c "$EACH_NAME" 9999 "${names[@]}"
expect_denied "$(printf '%s []\n' "${names[@]}")" "${expected:1}"
jailed --allow 'domain=*.test' -- bash -c "$EACH_NAME" 9999 "${names[@]}"
expect_denied "$(printf '%s []\n' "${names[@]}")" "${expected:1}"

# ---- row 8
jailed "${POLICY[@]}" -- sh -c "$EACH" "$ADVERSARY" "$PRIV4" 9999 "$PRIV6" 9999 "$DNS4" 9999
expect_denied $'ECONNRESET\nECONNRESET\nECONNRESET' \
	"deny raw-ip $PRIV4 9999"$'\n'"deny raw-ip $PRIV6 9999"$'\n'"deny raw-ip $DNS4 9999"
jailed --allow 'domain=*' -- bash -c "$EACH_NAME" 9999 private.test
expect_denied 'private.test []' 'deny private-address private.test 9999'

expect_silence
expect_arrivals banner 9999 "$seen"

# ---- who is allowed gets there
jailed --allow domain=private.test -- bash -c "$EACH_NAME" 9999 private.test
expect_eq "$OUT" 'private.test [SSH-2.0-nsgate_test]'
jailed --allow "domain=loop.test cidr=127.0.0.1" -- bash -c "$EACH_NAME" 9999 loop.test
expect_eq "$OUT" 'loop.test [SSH-2.0-nsgate_test]'
expect_arrivals banner 9999 "$((seen + 2))"
