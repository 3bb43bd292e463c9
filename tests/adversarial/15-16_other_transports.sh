#!/bin/bash
# Rows 15, 16: no stream but TCP and no datagram but UDP: MPTCP, SCTP, DCCP and UDP-Lite do not exist.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_adversary

# FAMILY TYPE PROTOCOL: 2 and 10 are IPv4 and IPv6; 1, 2, 5, 6 stream, datagram, seqpacket, DCCP. The
# filter answers before the kernel looks for a module, so this needs none.
sockets() # PROGRAM
{
	local family rest

	for family in 2 10; do
		for rest in '1 262' '1 132' '5 132' '5 0' '6 33' '6 0' '2 136' '4 0' '0 0'; do
			# shellcheck disable=SC2086  # two words
			"$1" socket "$family" $rest
		done
	done
}
expected=$'EPROTONOSUPPORT\nEPROTONOSUPPORT\nEPERM\nEPERM\nEPERM\nEPERM\nEPERM\nEPERM\nEPERM'

jailed "${ANYTHING[@]}" -- bash -c "$(declare -f sockets); sockets $ADVERSARY"
expect_denied "$expected"$'\n'"$expected" ''
# Bits that the kernel does not look at change nothing: upper half, SOCK_CLOEXEC and SOCK_NONBLOCK.
for words in '2 0x80801 262' '0x100000002 1 262' '2 0x100000001 0x100000106' '10 0x805 132'; do
	# shellcheck disable=SC2086  # three words
	jailed "${ANYTHING[@]}" -- "$ADVERSARY" socket $words
	expect_match "$OUT" '^(EPROTONOSUPPORT|EPERM)$'
done
# Nor can a TCP socket become one.
jailed "${ANYTHING[@]}" -- "$ADVERSARY" dial-with mptcp "$PUB4" 80
expect_match "$OUT" '^refused '

# ---- without a jail some of them do exist; TCP and UDP exist in both
run sockets "$ADVERSARY"
expect_match "$OUT" OK 'other transports without a jail'
for words in '2 1 0' '2 1 6' '2 2 0' '2 2 17' '10 0x80801 6' '10 0x80802 17'; do
	# shellcheck disable=SC2086  # three words
	jailed "${POLICY[@]}" -- "$ADVERSARY" socket $words
	expect_eq "$OUT" OK "socket $words"
done
