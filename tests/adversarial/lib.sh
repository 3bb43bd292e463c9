# shellcheck shell=bash disable=SC2034 # what is set here is for the tests
# What the rows of the threat model share, on top of tests/e2e/lib.sh. A row looks like this:
#
#   watch_packets
#   jailed "${POLICY[@]}" -- "$ADVERSARY" dial 198.51.100.7 4444
#   expect_denied ECONNRESET 'deny raw-ip 198.51.100.7 4444'
#   expect_silence
#
# "Denied" is: the named end, within a second, and exactly those audit records. Each test also shows
# that the forbidden thing is there and works for somebody who may.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../e2e/lib.sh"

NSGATE_PROBES=${NSGATE_PROBES:-$TEST_ROOT/build/dev/probes}
# The threat model's "policy p".
POLICY=(--allow 'domain=ok.test port=80,443')
# Everything that rules can allow.
ANYTHING=(--allow 'domain=*' --allow 'cidr=0.0.0.0/0' --allow 'cidr=::/0')
GATE4=198.19.255.253 GATE6=fd6e:7367:6174:6500::1 GATE_TCP=15001 GATE_DNS=15053
JAIL4=198.19.255.254 JAIL6=fd6e:7367:6174:6500::2
STRANGER4=198.51.100.7 STRANGER6=2606:2800::1

# For the jail: sh -c "$EACH" "$ADVERSARY" ADDRESS PORT [ADDRESS PORT]... prints one end a line;
# bash -c "$EACH_NAME" PORT NAME... prints "NAME [WHAT THE SERVER SAID FIRST]".
# shellcheck disable=SC2016  # the inner shell's
{
	EACH='while [ $# -gt 0 ]; do "$0" dial "$1" "$2"; shift 2; done'
	EACH_NAME='for name; do
		line=$(exec 5<>"/dev/tcp/$name/$0" && read -r line <&5 && echo "$line" | tr -d "\r")
		echo "$name [$line]"
	done 2>/dev/null'
}

# The program that makes odd calls, where the jail sees it.
need_adversary()
{
	[[ -x $NSGATE_PROBES/adversary ]] || fail "$NSGATE_PROBES/adversary is not built"
	ADVERSARY=$(into_jail "$NSGATE_PROBES/adversary")
}

# The same for the program of rows 33 and on.
need_confined()
{
	[[ -x $NSGATE_PROBES/confined ]] || fail "$NSGATE_PROBES/confined is not built"
	# shellcheck disable=SC2034  # for the tests
	CONFINED=$(into_jail "$NSGATE_PROBES/confined")
}

# More addresses that the caller has: servers listen on them, too.
own_addresses() # ADDRESS...
{
	local address

	for address; do
		if [[ $address == *:* ]]; then
			ip -6 address add "$address/128" dev lo nodad
		else
			ip address add "$address/32" dev lo
		fi
	done
}

# The same as run nsgate, with an audit file of this run alone.
jailed() # OPTION... -- COMMAND...
{
	rm -f "$T/audit"
	run nsgate --audit "$T/audit" "$@"
}

# What the last run's connections came to: "VERDICT REASON NAME-OR-ADDRESS PORT", one a line.
records()
{
	jq -r 'select(.protocol != "dns" and .packets == null) |
		"\(.verdict) \(.reason) \(.name // .address) \(.port)"' \
		"$T/audit"
}

# Packets that the gate's rules refused, a line a flow: "REASON PROTOCOL NAME-OR-ADDRESS PORT PACKETS".
refused_packets()
{
	jq -rs 'map(select(.packets)) | group_by([.protocol, .address, .port])[] |
		"\(.[0].reason) \(.[0].protocol) \(.[0].name // .[0].address) \(.[0].port // "-") \(map(.packets) | add)"' \
		"$T/audit"
}

# The same for DNS: "VERDICT REASON NAME QTYPE".
queries()
{
	jq -r 'select(.protocol == "dns") | "\(.verdict) \(.reason) \(.name) \(.qtype)"' "$T/audit"
}

expect_at_once()
{
	[[ $MS -lt 1000 ]] || fail "took $MS ms$(last_run)"
}

# The last run's output, and its connections' records; no record when the gate never saw it.
expect_denied() # OUTPUT RECORDS
{
	expect_eq "$OUT" "$1" 'outcome'
	expect_eq "$(records)" "$2" 'audit records'
	expect_at_once
}

expect_arrivals() # KIND PORT COUNT
{
	expect_eq "$(arrivals "$1" "$2")" "$3" "what $1 on port $2 has seen"
}

# Counts, from now on, all that programs in the caller's network send, but for TCP that goes on.
watch_packets()
{
	need_command nft
	nft -f - <<-'RULES'
		table inet watch
		delete table inet watch
		table inet watch {
			counter flows { }
			chain out {
				type filter hook output priority 0
				tcp flags & (syn | ack) == syn counter name flows
				meta l4proto != tcp counter name flows
			}
		}
	RULES
}

flows_seen()
{
	nft -j list counter inet watch flows | jq '.nftables[].counter.packets // empty'
}

# The counter does count: what the allowed one did is seen.
expect_packets()
{
	[[ $(flows_seen) -gt 0 ]] || fail 'not one packet in the network of the caller'
}

# Nothing has left since watch_packets.
expect_silence()
{
	expect_eq "$(flows_seen)" 0 'packets in the network of the caller'
}
