#!/bin/bash
# The test library does what it says: a private network, servers that answer, leftovers that are seen.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"

# expects COMMAND... to fail; in a subshell, because fail() exits
must_fail()
{
	! ("$@") >/dev/null 2>&1 || fail "$* passed, and should not"
}

# ---- a private world
expect_eq "$(ip -o link | wc -l)" 1 'interfaces'
expect_eq "$(ip route show table main | grep -c default || true)" 0 'default routes'
run getent ahosts ok.test
expect_match "$OUT" "$PUB4"
expect_match "$OUT" "$PUB6"
run as_user sh -c 'grep CapEff /proc/self/status; id -u'
expect_match "$OUT" '0000000000000000'
expect_no_match "$OUT" $'\n0$' 'uid'
run sh -c 'echo out; echo err >&2; exit 3'
expect_eq "$STATUS/$OUT/$ERR" 3/out/err

# ---- verdicts
must_fail expect_eq a b
must_fail expect_match abc '^b'
must_fail expect_no_match abc b
must_fail wait_until 0 false
STATUS=0
(JAIL_TESTS_MUST_RUN='' skip reason) 2>/dev/null || STATUS=$?
expect_eq "$STATUS" 77 'skip'
STATUS=0
(JAIL_TESTS_MUST_RUN=1 skip reason) 2>/dev/null || STATUS=$?
expect_eq "$STATUS" 1 'skip where tests must run'

# ---- servers
server http 80
run curl -sS http://ok.test/hello "http://[$PUB6]/hello"
expect_eq "$OUT" $'hello from ok.test\nhello from [2a11:77::1]'
expect_eq "$(arrivals http 80)" 2 'requests'
run sh -c 'curl -sS http://v4.test/bytes/1000000 | tee data | wc -c'
expect_eq "$OUT" 1000000
run curl -sS --data-binary @data http://v6.test/
expect_eq "$OUT" "1000000 $(sha256sum <data | cut -d' ' -f1)"

server https 443
run curl -sS --cacert "$T/ca.pem" https://ok.test/hello
expect_eq "$OUT" 'hello from ok.test'
run curl -sS https://ok.test/hello
expect_eq "$STATUS" 60 'curl without our CA'

server banner 22
# shellcheck disable=SC2016  # the inner shell's
run timeout 10 bash -c 'exec 5<>/dev/tcp/ok.test/22; read -r line <&5; echo "$line"'
expect_match "$OUT" '^SSH-2.0-'
server echo 7
run sh -c 'printf abc | nc -N -w 5 ok.test 7'
expect_eq "$OUT" abc
server sink 9
run sh -c 'nc -N -w 5 ok.test 9 <data'
expect_eq "$OUT" "1000000 $(sha256sum <data | cut -d' ' -f1)"
server source 19 --bytes 1000000
run sh -c 'nc -d -w 5 ok.test 19 | cmp - data'
expect_eq "$STATUS" 0 'source'
server udp 53
expect_eq "$(arrivals udp 53)" 0 'datagrams before'
echo leak >"/dev/udp/$PUB4/53"
has_datagram()
{
	[[ $(arrivals udp 53) -eq 1 ]]
}
wait_until 2 has_datagram || fail 'the UDP sink did not see a datagram'
kill -9 "$SERVER_PID"
wait_until 2 is_gone "$SERVER_PID" || fail 'killed, and still there'
if type -P dnsmasq >/dev/null; then
	start_dns --address=/x.test/11.77.0.9
	expect_eq "$(getent ahostsv4 x.test | awk 'NR == 1 { print $1 }')" 11.77.0.9 'dnsmasq'
fi

# ---- leftovers: each kind is seen, and gone again
left()
{
	local what=$1 add=$2 remove=$3

	leftovers_snapshot "$T/before"
	expect_no_leftovers "$T/before"
	eval "$add"
	! leftovers_gone "$T/before" || fail "a leftover $what was not seen"
	eval "$remove"
	expect_no_leftovers "$T/before"
}
# shellcheck disable=SC2016  # left evaluates them
{
	left process 'tail -f /dev/null & pid=$!' 'kill "$pid"; wait "$pid" || true'
	left namespace 'unshare -U tail -f /dev/null & pid=$!' 'kill "$pid"; wait "$pid" || true'
	left interface 'ip link add x0 type veth peer name x1' 'ip link del x0'
	left address 'ip address add 11.78.0.1/32 dev lo' 'ip address del 11.78.0.1/32 dev lo'
	left rule 'nft add table ip x' 'nft delete table ip x'
	left mount 'mount -t tmpfs none "$T/home"' 'umount "$T/home"'
	left file 'touch "$TMPDIR/x"' 'rm "$TMPDIR/x"'
	left 'file in /tmp' 'touch /tmp/nsgate.selftest.$$' 'rm /tmp/nsgate.selftest.$$'
}
