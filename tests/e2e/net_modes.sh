#!/bin/bash
# --net gate judges, --net none leaves loopback alone, --net host is the caller's network as it is.
# shellcheck source-path=SCRIPTDIR disable=SC2016  # what a jailed shell expands
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate

server http 80
server udp 5000
inode=$(readlink /proc/self/ns/net)

# gate: an interface of its own, default routes, no rule of the jail's
run nsgate -- sh -c 'ls /sys/class/net | xargs; readlink /proc/self/ns/net'
expect_match "$STATUS/$OUT" '^0/eth0 lo'
expect_no_match "$OUT" "${inode//[[]/\\[}" 'the network namespace'
for default in nsgate 'nsgate --net gate'; do
	run $default --allow domain=ok.test -- curl -sS http://ok.test/hello
	expect_eq "$STATUS/$OUT" '0/hello from ok.test' "$default"
	run $default --allow domain=ok.test -- curl -sS http://other.test/hello
	expect_eq "$STATUS" 6 "$default, denied"
done
# all but TCP and DNS is refused at once, not left to time out
run nsgate --allow "cidr=$PUB4,$PUB6" -- "$PYTHON" -c '
import socket, time
for family, address in (socket.AF_INET, "'$PUB4'"), (socket.AF_INET6, "'$PUB6'"):
    probe = socket.socket(family, socket.SOCK_DGRAM)
    probe.connect((address, 5000))
    probe.settimeout(2)
    start = time.monotonic()
    probe.send(b"leak")
    try:
        probe.recv(1)
        print("answered")
    except TimeoutError:
        print("silence")
    except OSError:
        print("refused", "at once" if time.monotonic() - start < 0.05 else "late")
'
expect_eq "$STATUS/$OUT" $'0/refused at once\nrefused at once' 'UDP'
expect_eq "$(arrivals udp 5000)" 0 'datagrams that got out'

# none: loopback works, there is no other interface and no name server
run nsgate --net none -- sh -c 'ls /sys/class/net; readlink /proc/self/ns/net'
expect_match "$STATUS/$OUT" $'^0/lo\nnet:'
expect_no_match "$OUT" "${inode//[[]/\\[}" 'the network namespace'
run nsgate --net none -- "$PYTHON" -c '
import socket
for family, address in (socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"):
    server = socket.create_server((address, 0), family=family)
    socket.create_connection(server.getsockname()[:2])
    print("works")'
expect_eq "$STATUS/$OUT" $'0/works\nworks' 'loopback'
for url in http://ok.test/ "http://$PUB4/" "http://[$PUB6]/"; do
	run nsgate --net none --allow domain=ok.test -- curl -sS --max-time 5 "$url"
	expect_match "$STATUS/$OUT" '^(6|7)/$' "$url with --net none"
	[[ $MS -lt 1000 ]] || fail "$url fails after $MS ms"
done

# host: the caller's namespace, its names and servers; no rule has a say
run nsgate --net host -- sh -c 'readlink /proc/self/ns/net; curl -sS http://ok.test/hello http://127.0.0.1/hello'
expect_eq "$STATUS/$OUT" "0/$inode"$'\nhello from ok.test\nhello from 127.0.0.1' '--net host'
expect_eq "$ERR" '' '--net host without rules'
run nsgate --net host --deny 'domain=*' --audit "$T/unused" -- curl -sS http://ok.test/hello
expect_eq "$OUT/$ERR" 'hello from ok.test/nsgate: --net host: nothing is intercepted: no rule holds, the audit log stays empty'
run nsgate --net host -- bash -c "echo x >/dev/udp/$PUB4/5000"
has_datagram()
{
	[[ $(arrivals udp 5000) -eq 1 ]]
}
wait_until 2 has_datagram || fail 'UDP with --net host does not arrive'
