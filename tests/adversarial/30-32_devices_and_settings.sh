#!/bin/bash
# Rows 30, 31, 32: no TUN device, no virtual link, no network setting can be made or changed.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_adversary
need_command ip
export LC_ALL=C
watch_packets

# ---- row 30: not there, and not to be made
jailed "${ANYTHING[@]}" -- sh -c 'exec 3<>/dev/net/tun'
expect_match "$ERR" 'No such file|nonexistent|Directory nonexistent'
expect_denied '' ''
for command in 'mknod tun c 10 200' 'mknod /dev/tun c 10 200' 'mknod /tmp/tun c 10 200' \
	'ip tuntap add mode tun' 'ip tuntap add mode tap'; do
	# shellcheck disable=SC2086  # words
	jailed "${ANYTHING[@]}" -- $command
	[[ $STATUS -ne 0 ]] || fail "$command worked$(last_run)"
	expect_match "$ERR" 'Operation not permitted|No such file|Read-only'
	expect_denied '' ''
done

# ---- row 31: the kernel asks for the right before it asks for the module
links=('x type dummy' 'x type veth peer name y' 'x type bridge' 'x type wireguard' 'x type ifb'
	'link eth0 name x type macvlan' 'link eth0 name x type macvtap' 'link eth0 name x type ipvlan'
	'link eth0 name x type vlan id 5' "x type vxlan id 5 remote $PUB4 dstport 4789"
	"x type gre remote $PUB4" "x type ipip remote $PUB4" "x type sit remote $PUB4"
	"x type ip6tnl remote $PUB6" 'x type vrf table 5' 'x type netdevsim' 'x type xfrm if_id 5')
for link in "${links[@]}"; do
	# shellcheck disable=SC2086  # words
	jailed "${ANYTHING[@]}" -- ip link add $link
	expect_match "$ERR" 'Operation not permitted' "$link"
	expect_denied '' ''
done
run ip link add x type dummy
run ip link add x type veth peer name y
run ip -o link show x
expect_eq "$STATUS" 0 'a link without a jail'

# ---- row 32
settings=(ipv4/ip_forward ipv4/conf/all/forwarding ipv4/conf/all/route_localnet ipv4/ping_group_range
	ipv4/ip_unprivileged_port_start ipv4/tcp_fastopen ipv6/conf/all/forwarding ipv6/conf/eth0/disable_ipv6
	netfilter/nf_conntrack_max core/somaxconn)
for setting in "${settings[@]}"; do
	[[ -e /proc/sys/net/$setting ]] || continue # the interface is the jail's
	jailed "${POLICY[@]}" -- sh -c "echo 1 >/proc/sys/net/$setting"
	[[ $STATUS -ne 0 ]] || fail "$setting was written$(last_run)"
	expect_match "$ERR" 'Read-only file system|Permission denied' "$setting"
	expect_denied '' ''
done
jailed "${POLICY[@]}" -- find /proc/sys -writable
expect_eq "$OUT" '' 'writable settings'
run sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
expect_eq "$STATUS" 0 'a setting without a jail'
expect_silence
