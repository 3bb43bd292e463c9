#!/bin/bash
# Row 25: five thousand flows leave the gate closed for what is denied and open for what is allowed.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_adversary

# The table's size is the machine's (net.netfilter.nf_conntrack_max) and not for a test to fill: what
# happens then is the kernel's word, docs/threat-model.md.
own_addresses "$STRANGER4" "$STRANGER6"
server banner 4444
watch_packets
# shellcheck disable=SC2016  # the inner shell's
jailed --allow "cidr=$PUB4,$PUB6" -- sh -c '
	"$0" flows 2500 "$1" 4444
	"$0" flows 2500 "$2" 4444
	"$0" datagrams 1000 "$1" 443
	"$0" dial "$3" 15001
	"$0" dial "$3" 15053
	"$0" dial "$1" 4444' "$ADVERSARY" "$STRANGER4" "$STRANGER6" "$GATE4"
expect_match "$OUT" "^2500 ECONNRESET
2500 ECONNRESET
1000 ECONNREFUSED
median [0-9]+ us
ECONNREFUSED
ECONNRESET
ECONNRESET\$"
expect_eq "$(records | LC_ALL=C sort | uniq -c | sed 's/^ *//')" "2501 deny raw-ip $STRANGER4 4444
2500 deny raw-ip $STRANGER6 4444
1 deny self $GATE4 $GATE_DNS" 'audit records'
# a flood of one kind is not told packet by packet, and does not hide another kind
expect_match "$(refused_packets)" "^self tcp $GATE4 $GATE_TCP 1
not-tcp udp $STRANGER4 443 [1-9][0-9]*\$"
expect_silence
expect_arrivals banner 4444 0

# ---- and in the same jail, behind as many, an allowed one
# shellcheck disable=SC2016  # the inner shell's
jailed --allow "cidr=$PUB4,$PUB6" -- sh -c '
	"$0" flows 1000 "$1" 4444
	"$0" dial "$2" 4444
	"$0" dial "$3" 4444' "$ADVERSARY" "$STRANGER4" "$PUB4" "$PUB6"
expect_eq "$OUT" "1000 ECONNRESET
got SSH-2.0-nsgate_test
got SSH-2.0-nsgate_test"
