#!/bin/bash
# Rows 26, 27: the payload changes no rule, connection entry, route, address or link.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_adversary
need_command nft ip

server banner 4444
own_addresses "$STRANGER4" "$STRANGER6"
export LC_ALL=C

# ---- row 26: conntrack and nftables are spoken to over NETLINK_NETFILTER, which cannot be opened
jailed "${POLICY[@]}" -- "$ADVERSARY" socket 16 3 12
expect_denied EPERM ''
if type -P conntrack >/dev/null; then
	jailed "${POLICY[@]}" -- conntrack -D
	[[ $STATUS -ne 0 ]] || fail "conntrack -D worked$(last_run)"
fi
for words in 'list ruleset' 'flush ruleset' 'add table inet x'; do
	# shellcheck disable=SC2086  # words
	jailed "${POLICY[@]}" -- nft $words
	expect_match "$ERR" 'Operation not permitted'
	expect_denied '' ''
done

# ---- row 27
commands=(
	'ip link set eth0 down' 'ip link set lo down' 'ip link del eth0' 'ip link set eth0 mtu 1400'
	'ip link set eth0 arp on' 'ip link set eth0 netns 1'
	'ip route del default' 'ip route add 11.0.0.0/8 dev eth0' 'ip -6 route del default'
	'ip -6 route add 2000::/3 via fd6e:7367:6174:6500::1 dev eth0' 'ip route flush all'
	'ip address add 10.0.0.1/8 dev eth0' 'ip -6 address add fd00::1/64 dev lo'
	"ip address del $JAIL4 dev eth0" 'ip neigh add 198.19.255.253 lladdr 02:00:00:00:00:01 dev eth0'
	'ip rule add from all lookup main' 'tc qdisc add dev eth0 root netem loss 100%'
)
for command in "${commands[@]}"; do
	jailed "${POLICY[@]}" -- sh -c "$command"
	expect_match "$ERR" 'Operation not permitted' "$command"
	expect_denied '' ''
done
for command in 'nft flush ruleset' 'ip link set eth0 down'; do
	jailed "${POLICY[@]}" -- sh -c "unshare -Ur $command"
	expect_match "$ERR" '^unshare: .*Operation not permitted'
	expect_denied '' ''
done

# ---- all of it in one jail: what was there before is there afterwards, and so is the gate
# shellcheck disable=SC2016  # the inner shell's
jailed --allow "cidr=$PUB4,$PUB6" --env "DIALS=$STRANGER4 $STRANGER6 $PUB4 $PUB6" -- bash -c '
	state() { ip address; ip route; ip -6 route; }
	before=$(state)
	for command; do $command; done 2>/dev/null
	[[ $(state) == "$before" ]] && echo unchanged
	for address in $DIALS; do "$0" dial "$address" 4444; done' "$ADVERSARY" "${commands[@]}"
expect_eq "$OUT" "unchanged
ECONNRESET
ECONNRESET
got SSH-2.0-nsgate_test
got SSH-2.0-nsgate_test"

# ---- root of a network namespace may
for command in 'nft add table inet x' 'nft flush ruleset' 'ip address add 10.0.0.1/8 dev lo' \
	'ip route add 12.0.0.0/8 dev lo'; do
	run sh -c "$command"
	expect_eq "$STATUS" 0 "$command without a jail"
done
