#!/bin/bash
# Rows 22, 23: no socket option and no source address leads past the gate.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_adversary

own_addresses "$STRANGER4" "$STRANGER6"
server banner 4444
for address in "$STRANGER4" "$STRANGER6"; do
	for how in 'dial-with ttl' 'dial-with priority' 'dial-with dontroute'; do
		[[ $address != *:* || $how != *ttl ]] || how='dial-with hops'
		# shellcheck disable=SC2086  # two words
		run "$ADVERSARY" $how "$address" 4444
		expect_eq "$OUT" 'got SSH-2.0-nsgate_test' "$how $address without a jail"
	done
done
seen=$(arrivals banner 4444)

refused() # ADDRESS WORD...: the call itself
{
	local address=$1
	shift

	jailed "${POLICY[@]}" -- "$ADVERSARY" "$@" "$address" 4444
	expect_match "$OUT" '^(refused )?E[A-Z]+$' "$*"
	expect_denied "$OUT" ''
}

judged() # ADDRESS WORD...: as without it
{
	local address=$1
	shift

	jailed "${POLICY[@]}" -- "$ADVERSARY" "$@" "$address" 4444
	expect_denied ECONNRESET "deny raw-ip $address 4444"
}

# All at once: the payload sends to its own loopback, or from an address that is not its own, so it
# waits for an answer that nobody sends. No record then; any error will do, also a time-out.
nowhere() # ADDRESS WORDS...
{
	local address=$1 line count=0
	shift

	# shellcheck disable=SC2016  # the inner shell's
	jailed "${POLICY[@]}" --env "TO=$address" -- \
		sh -c 'for words; do "$0" $words "$TO" 4444 & done; wait' "$ADVERSARY" "$@"
	while read -r line; do
		expect_match "$line" '^(TIMEOUT|(refused )?E[A-Z]+)$' "$*"
		((++count))
	done <<<"$OUT"
	expect_eq "$count" $# 'how many ended'
	expect_eq "$(records)" '' "audit records of $*"
}

# ---- row 22
watch_packets
for option in mark transparent hdrincl repair mptcp; do
	refused "$STRANGER4" dial-with "$option"
done
for option in mark transparent6 hop-options repair; do
	refused "$STRANGER6" dial-with "$option"
done
judged "$STRANGER4" dial-with eth0
judged "$STRANGER6" dial-with eth0
judged "$STRANGER4" dial-with ttl
judged "$STRANGER6" dial-with hops
judged "$STRANGER6" dial-with dontroute
nowhere "$STRANGER4" 'dial-with lo' 'dial-with source-route' 'dial-with dontroute'
nowhere "$STRANGER6" 'dial-with lo' 'dial-with segment-route'

# ---- row 23
judged "$STRANGER4" dial-from "$JAIL4"
judged "$STRANGER6" dial-from "$JAIL6"
refused "$STRANGER4" dial-from 127.0.0.9
nowhere "$STRANGER4" "dial-from $GATE4" "dial-from $PUB4" 'dial-from 203.0.113.9'
nowhere "$STRANGER6" "dial-from $GATE6" "dial-from $PUB6" 'dial-from 2001:db8::9' 'dial-from ::1'
expect_silence
expect_arrivals banner 4444 "$seen"

# ---- the gate still works for who stays within
# shellcheck disable=SC2016  # the inner shell's
jailed --allow "cidr=$STRANGER4,$STRANGER6" -- sh -c '
	"$0" dial-with ttl "$1" 4444
	"$0" dial-from "$3" "$2" 4444' "$ADVERSARY" "$STRANGER4" "$STRANGER6" "$JAIL6"
expect_eq "$OUT" $'got SSH-2.0-nsgate_test\ngot SSH-2.0-nsgate_test'
