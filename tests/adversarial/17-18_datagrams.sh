#!/bin/bash
# Rows 17, 18: UDP fails at once instead of in silence, on every port and however much of it there is.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_adversary

own_addresses "$STRANGER4" "$STRANGER6"
ports=(1 53 123 443 5353 51820)
for port in "${ports[@]}"; do
	server udp "$port"
done
server https 443
cp "$T/ca.pem" .

has_arrived()
{
	[[ $(arrivals udp 443) -eq 4 ]]
}
for address in "$PUB4" "$PUB6"; do
	run "$ADVERSARY" datagrams 1 "$address" 443
	expect_match "$OUT" '^1 SILENCE' "$address without a jail"
done
wait_until 5 has_arrived || fail 'the UDP sink did not see what was sent without a jail'

# ---- the second send tells that the first went nowhere; ten thousand do not make it slower
watch_packets
for rules in POLICY ANYTHING; do
	declare -n options=$rules
	for address in "$PUB4" "$PUB6" "$STRANGER4" "$STRANGER6"; do
		for port in 1 123 443 5353 51820; do
			jailed "${options[@]}" -- "$ADVERSARY" datagrams 50 "$address" "$port"
			expect_denied "50 ECONNREFUSED"$'\n'"${OUT##*$'\n'}" ''
			expect_eq "$(refused_packets)" "not-tcp udp $address $port 50" 'what the fence has refused'
			expect_eq "$(($(awk '/^median/ { print $2 }' <<<"$OUT") < 50000))" 1 'under 50 ms'
		done
	done
done
for address in "$PUB4" "$PUB6"; do
	jailed "${POLICY[@]}" -- "$ADVERSARY" datagrams 5000 "$address" 443
	expect_match "$OUT" $'^5000 ECONNREFUSED\nmedian'
	# a flood is one record, and one more at the end; it is told on stderr once
	expect_match "$(refused_packets)" "^not-tcp udp $address 443 [0-9]{3,4}\$"
	expect_eq "$(jq -s 'length' "$T/audit")" 2 'records of a flood'
	expect_eq "$(grep -c denied: <<<"$ERR")" 1 'lines about a flood'
done

# ---- the name is told, and no rule is suggested that would not help
jailed --allow domain=ok.test -- "$PYTHON" -c '
import socket
for kind, *_, address in socket.getaddrinfo("ok.test", 4433, type=socket.SOCK_DGRAM):
	socket.socket(kind, socket.SOCK_DGRAM).sendto(b"?", address)'
expect_eq "$(refused_packets | sort -u)" 'not-tcp udp ok.test 4433 1' 'what the fence has refused'
expect_eq "$ERR" 'nsgate: denied: udp ok.test:4433 (not-tcp: only TCP and DNS are carried)'

# ---- what the kernel sends for a program is refused and recorded, too: a membership report (IGMP)
jailed "${POLICY[@]}" -- "$PYTHON" -c '
import socket, time
group = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
group.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton("239.1.2.3") + socket.inet_aton("0.0.0.0"))
time.sleep(1.5)'
expect_match "$(refused_packets)" '^not-tcp ip-2 224\.0\.0\.22 - [1-9]'

# ---- port 53 is the gate's resolver, whoever was meant
for address in "$STRANGER4" "$STRANGER6"; do
	jailed "${POLICY[@]}" -- dig +tries=1 +timeout=2 "@$address" evil.test
	expect_match "$OUT" 'status: (NXDOMAIN|REFUSED)'
	expect_eq "$(queries)" 'deny no-rule evil.test A' 'queries'
	expect_at_once
done

expect_silence
expect_arrivals udp 443 4
for port in 1 53 123 5353 51820; do
	expect_arrivals udp "$port" 0
done

# ---- the same programs without a jail are noticed
run "$ADVERSARY" datagrams 1 "$STRANGER4" 443
expect_packets

# ---- HTTPS over TCP, to the port that QUIC was refused on
jailed "${POLICY[@]}" -- curl -sS --cacert ca.pem https://ok.test/hello
expect_eq "$OUT" 'hello from ok.test'
expect_eq "$(records)" 'allow allow-rule ok.test 443'
