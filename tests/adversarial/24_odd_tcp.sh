#!/bin/bash
# Row 24: self-connects stay in the jail, and connections that share a source port are not mixed up.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_adversary
server banner 4444

# ---- a socket that connects to itself is TCP's simultaneous open
watch_packets
for address in 127.0.0.1 ::1 "$JAIL4" "$JAIL6"; do
	for port in 4444 "$GATE_TCP" "$GATE_DNS"; do
		jailed "${POLICY[@]}" -- "$ADVERSARY" self "$address" "$port"
		expect_denied 'got to myself' ''
	done
done
expect_silence
expect_arrivals banner 4444 0

# ---- behind the redirect both connections have the same four numbers: the source port is changed for
# one of them, and each is still judged by where it was going
twins() # ALLOWED DENIED
{
	local seen

	seen=$(arrivals banner 4444)
	jailed --allow "cidr=$1" -- "$ADVERSARY" twins 7777 "$1" 4444 "$2" 4444
	expect_eq "$OUT" $'got SSH-2.0-nsgate_test\nECONNRESET'
	expect_eq "$(records | sort)" "allow allow-rule $1 4444"$'\n'"deny raw-ip $2 4444"
	jailed --allow "cidr=$1" -- "$ADVERSARY" twins 7777 "$2" 4444 "$1" 4444
	expect_eq "$OUT" $'ECONNRESET\ngot SSH-2.0-nsgate_test'
	expect_eq "$(records | sort)" "allow allow-rule $1 4444"$'\n'"deny raw-ip $2 4444"
	expect_arrivals banner 4444 "$((seen + 2))"
}
twins "$PUB4" "$PUB4_B"
twins "$PUB6" "$PUB6_B"

# ---- from the gate's own ports
for port in "$GATE_TCP" "$GATE_DNS"; do
	jailed --allow "cidr=$PUB4" -- "$ADVERSARY" twins "$port" "$PUB4" 4444 "$GATE4" "$GATE_TCP"
	expect_eq "$OUT" $'got SSH-2.0-nsgate_test\nECONNREFUSED'
	expect_eq "$(records)" "allow allow-rule $PUB4 4444"
	expect_eq "$(refused_packets)" "self tcp $GATE4 $GATE_TCP 1" 'what the fence has refused'
done
