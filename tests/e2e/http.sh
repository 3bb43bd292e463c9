#!/bin/bash
# An allowed name is reached over plain TCP by its own port, IPv4 and IPv6 alike, and nothing else is.
# shellcheck source-path=SCRIPTDIR disable=SC2016  # what a jailed shell expands
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate

server http 80
jail() # COMMAND...
{
	run nsgate --allow 'domain=ok.test port=80,22,25,5432' --allow domain=v4.test --allow domain=v6.test -- "$@"
}

# ---- allowed
jail curl -sS http://ok.test/hello
expect_eq "$STATUS/$OUT/$ERR" '0/hello from ok.test/' 'curl'
jail curl -sS -I http://ok.test/hello
expect_match "$STATUS/$OUT" $'^0/HTTP/1.1 200 OK\r\n.*Content-Length: 19' 'HEAD'
jail sh -c 'printf abc | curl -sS -X PUT --data-binary @- http://ok.test/x'
expect_eq "$STATUS/$OUT" "0/3 $(printf abc | sha256sum | cut -d' ' -f1)" 'PUT'
jail curl -sS http://ok.test/1 http://OK.TEST/2 http://ok.test./3
expect_eq "$STATUS/$(wc -l <<<"$OUT")" 0/3 'three on one connection'
jail wget -qO- http://ok.test/hello
expect_eq "$STATUS/$OUT" '0/hello from ok.test' 'wget'
# the server sees the caller's own addresses, the jail's are nobody's business
expect_no_match "$(<"$T/http-80.log")" '198\.1[89]\.|fd6e:' 'peers'

# ---- both families: as the client wants it, and as the server has it
need_ipv6
: >"$T/http-80.log"
for client in -4 -6; do
	for name in ok.test v4.test v6.test; do
		jail curl -sS "$client" "http://$name/hello"
		expect_eq "$STATUS/$OUT" "0/hello from $name" "curl $client to $name"
	done
done
jail "$PYTHON" -c '
import socket
for family, name in (socket.AF_INET, "v6.test"), (socket.AF_INET6, "v4.test"), ("mapped", "v4.test"), ("mapped", "v6.test"):
    if family == "mapped":
        address = ("::ffff:" + socket.gethostbyname(name), 80)
        stream = socket.socket(socket.AF_INET6)
    else:
        address = socket.getaddrinfo(name, 80, family, socket.SOCK_STREAM)[0][4]
        stream = socket.socket(family)
    stream.connect(address)
    stream.sendall(b"GET /hello HTTP/1.0\r\nHost: %s\r\n\r\n" % name.encode())
    answer = b""
    while chunk := stream.recv(4096):
        answer += chunk
    print(answer.split(b"\r\n\r\n")[1].decode().strip())
'
expect_eq "$STATUS/$OUT/$ERR" $'0/hello from v6.test\nhello from v4.test\nhello from v4.test\nhello from v6.test/' 'IPv4-mapped'
expect_eq "$(jq -r .peer "$T/http-80.log" | grep -c :)" 10 'connections to the server'
# one of the two families does not answer: the other one is used, without a pause that is felt
nft -f - <<END
add table ip6 broken
add chain ip6 broken out { type filter hook output priority 0; }
add rule ip6 broken out ip6 daddr $PUB6 tcp dport 80 drop
END
jail curl -sS http://ok.test/hello
expect_eq "$STATUS/$OUT" '0/hello from ok.test' 'with a broken IPv6'
[[ $MS -lt 1000 ]] || fail "with a broken IPv6 it takes $MS ms"
nft flush ruleset

# ---- other ports, by name: whatever is spoken there
for port in 22 25 5432; do
	server banner "$port" --banner "hello on $port"
	jail sh -c "echo question | nc -N -w 5 ok.test $port"
	expect_eq "$STATUS/$OUT" "0/hello on $port"$'\r\nquestion' "nc to port $port"
done

# ---- denied: refused at once, the server never hears of it
: >"$T/http-80.log"
server http 81
refused() # STATUS MESSAGE URL
{
	jail curl -sS --max-time 5 "$3"
	expect_match "$STATUS/$OUT" "^($1)/$" "$3"
	expect_match "$ERR" "$2" "$3"
	[[ $MS -lt 500 ]] || fail "$3 was refused after $MS ms only"
}
refused 6 "denied: dns other.test A \(no-rule.*--allow 'domain=other.test'" http://other.test/
refused 6 'denied: dns x.ok.test' http://x.ok.test/
refused '7|55|56' "denied: (tcp|http) ok.test:81 \(no-rule.*--allow 'domain=ok.test port=81'" http://ok.test:81/
refused '7|55|56' "denied: (tcp|http) $PUB4:80 \(raw-ip.*--allow 'cidr=$PUB4 port=80'" "http://$PUB4/"
refused '7|55|56' "denied: (tcp|http) \[$PUB6\]:80 \(raw-ip" "http://[$PUB6]/"
refused '7|55|56' "denied: (tcp|http) \[$PUB6_B\]:80 \(raw-ip" "http://[$PUB6_B]/"
expect_eq "$(arrivals http 80)/$(arrivals http 81)" 0/0 'what arrived of denied connections'
# allowed, and nobody there: told as such
jail curl -sS --max-time 5 http://v4.test:82/
[[ $STATUS -ne 0 && $MS -lt 1000 ]] || fail "nobody listens, and after $MS ms:$(last_run)"
expect_no_match "$ERR" 'denied'
