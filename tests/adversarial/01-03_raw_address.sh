#!/bin/bash
# Rows 1, 2, 3: TCP to a literal address is denied with raw-ip on every port, in IPv4 and in IPv6.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_adversary

ports=(22 25 853 4444 6667)
own_addresses "$STRANGER4" "$STRANGER6"
for port in 53 "${ports[@]}"; do
	server banner "$port"
done

# ---- outside of the jail the strangers answer
for address in "$STRANGER4" "$STRANGER6"; do
	run "$ADVERSARY" dial "$address" 4444
	expect_eq "$OUT" 'got SSH-2.0-nsgate_test' "$address without a jail"
done

# ---- rows 1 and 3
watch_packets
# shellcheck disable=SC2016  # the inner shell's
jailed "${POLICY[@]}" -- bash -c 'exec 5<>/dev/tcp/198.51.100.7/4444; read -r line <&5; echo "[$line]"'
expect_denied '[]' "deny raw-ip $STRANGER4 4444"
expect_match "$ERR" "nsgate: denied: tcp $STRANGER4:4444 \(raw-ip: "
jailed "${POLICY[@]}" -- curl -sS -g "http://[$STRANGER6]/"
expect_match "$STATUS" '^(7|55|56)$' 'curl: refused or reset'
expect_denied '' "deny raw-ip $STRANGER6 80"

# ---- row 2: ports that have a meaning elsewhere; the allowed host's own address is no name either
for address in "$STRANGER4" "$STRANGER6" "$PUB4" "$PUB6"; do
	words=() ends='' expected=''
	for port in "${ports[@]}"; do
		words+=("$address" "$port")
		ends+=$'\n'ECONNRESET expected+=$'\n'"deny raw-ip $address $port"
	done
	jailed "${POLICY[@]}" -- sh -c "$EACH" "$ADVERSARY" "${words[@]}"
	expect_denied "${ends:1}" "${expected:1}"
done

# ---- row 2: port 53 is the gate's resolver, whoever was meant; it speaks nothing but DNS
jailed "${POLICY[@]}" -- dig +tcp +tries=1 +timeout=2 "@$STRANGER4" evil.test
expect_match "$OUT" 'status: (NXDOMAIN|REFUSED)'
expect_eq "$(queries)" 'deny no-rule evil.test A' 'queries'
expect_at_once
jailed "${POLICY[@]}" -- "$ADVERSARY" dial "$STRANGER6" 53 $'\1\1no query at all: 257 bytes'"$(printf '%0300d' 0)"
expect_no_match "$OUT" SSH
expect_match "$(queries)" '^deny bad-query ' 'queries'
expect_eq "$(records)" '' 'audit records'

expect_silence
expect_arrivals banner 53 0
expect_arrivals banner 4444 2

# ---- a rule makes each of them reachable
jailed --allow "cidr=$STRANGER4,$STRANGER6 port=4444" -- \
	sh -c "$EACH" "$ADVERSARY" "$STRANGER4" 4444 "$STRANGER6" 4444
expect_eq "$OUT" $'got SSH-2.0-nsgate_test\ngot SSH-2.0-nsgate_test'
expect_eq "$(records)" "allow allow-rule $STRANGER4 4444"$'\n'"allow allow-rule $STRANGER6 4444"
expect_packets
