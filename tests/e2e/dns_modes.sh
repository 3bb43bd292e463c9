#!/bin/bash
# Each DNS mode keeps its promise: dummy names are judged at the connection, real addresses are only those that were answered, and record types come when they are asked for.
# shellcheck source-path=SCRIPTDIR disable=SC2016  # what a jailed shell expands
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_command dig openssl
need_ipv6

text=$(printf 'x%.0s' {1..250})
start_dns --local=/test/ --host-record=one.test,$PUB4,$PUB6 --host-record=two.test,$PUB4 \
	--host-record=far.test,$PUB4_B --host-record=mixed.test,$PUB4 --host-record=mixed.test,$PRIV4 \
	--host-record=inner.test,$PRIV4 --cname=alias.test,one.test --cname=hidden.test,not.test \
	--host-record=not.test,$PUB4 \
	--mx-host=mail.test,one.test,10 --mx-host=mail.test,far.test,20 --mx-host=lost.test,far.test,10 \
	--srv-host=_xmpp._tcp.mail.test,one.test,5222,1,2 --srv-host=_xmpp._tcp.mail.test,far.test,5223,3,4 \
	--cname=posta.test,not.test --mx-host=not.test,one.test,5 \
	--txt-record=mail.test,"v=spf1 -all" --txt-record="long.test,$text,$text,$text,$text,$text,$text"
server http 80
server https 443
server banner 22
allowed=(--allow domain=one.test --allow domain=two.test --allow domain=mixed.test --allow domain=alias.test
	--allow domain=hidden.test --allow domain=inner.test --allow 'domain=*.mail.test' --allow domain=mail.test
	--allow domain=lost.test --allow domain=long.test --allow domain=posta.test --allow domain=gone.test
	--deny domain=not.test)
jail() # COMMAND...: in mode $mode
{
	rm -f "$T/audit"
	run nsgate --audit "$T/audit" --dns "$mode" "${allowed[@]}" "${more[@]}" -- "$@"
}
ask() # NAME TYPE [DIG'S...]
{
	jail dig +time=3 +tries=1 +noall +answer +comments "${@:3}" "$1" "$2"
}
# "STATUS ANSWERS" of the last dig.
outcome()
{
	sed -n 's/.*status: \([A-Z]*\),.*/\1/p; s/.*ANSWER: \([0-9]*\),.*/\1/p' <<<"$OUT" | paste -sd ' '
}
# The last connection's record.
record()
{
	jq -r 'select(.protocol != "dns") | "\(.verdict) \(.reason) \(.name // .address)"' "$T/audit" | tail -n 1
}
upstream_queries() # NAME
{
	grep -c "query\[.*\] $1 from" "$T/dns.log" || true
}

# ---- dummy: every name, every server, every transport
mode=dummy more=()
jail dig +short example.com
expect_eq "$STATUS/$OUT" 0/6.6.6.6 'dig +short'
for words in '' +tcp @8.8.8.8 '@2001:4860:4860::8888 +tcp'; do
	# shellcheck disable=SC2086  # words
	ask eXaMple.com A $words
	expect_match "$OUT" $'flags: qr aa rd.*\neXaMple\\.com\\.\t+1\tIN\tA\t6\\.6\\.6\\.6' "A $words"
done
ask not.test AAAA
expect_match "$OUT" $'not\\.test\\.\t+1\tIN\tAAAA\t2001:db8::1' AAAA
for type in TXT MX SRV HTTPS SVCB NS ANY SOA; do
	more=(--dns-type TXT --dns-type MX --dns-type SRV)
	ask one.test "$type"
	expect_eq "$(outcome)" 'NOERROR 0' "dummy $type"
done
more=()
jail dig +short +noedns 'a b.test' A
expect_eq "$OUT" 6.6.6.6 'a name that no host has'
jail getent ahostsv4 localhost
expect_match "$OUT" '^127\.0\.0\.1 ' 'localhost stays the jail'"'"'s'
expect_eq "$(jq -r '.verdict + " " + .reason' "$T/audit" | sort -u)" '' 'localhost needs no query'
ask one.test A
expect_eq "$(jq -r '"\(.verdict) \(.reason) \(.name) \(.qtype)"' "$T/audit")" 'allow dummy-answer one.test A'

# the client says whom it wants
jail curl -sS http://one.test/hello
expect_eq "$STATUS/$OUT/$(record)" '0/hello from one.test/allow allow-rule one.test' 'HTTP'
jail curl -sSk https://one.test/hello
expect_eq "$STATUS/$OUT/$(record)" '0/hello from one.test/allow allow-rule one.test' 'TLS'
jail curl -sS -6 http://one.test/hello
expect_eq "$STATUS/$OUT" '0/hello from one.test' 'HTTP at the IPv6 dummy'
expect_eq "$(jq -r 'select(.port) | .address' "$T/audit")" 2001:db8::1
jail curl -sS -H 'Host: TWO.test:80' http://far.test/hello
expect_eq "$STATUS/$(record)" '0/allow allow-rule two.test' 'the name is what the request says'
queries=$(grep -c 'query\[' "$T/dns.log" || true)
for url in http://far.test/ https://far.test/; do
	jail curl -sSk "$url"
	expect_match "$STATUS" '^(35|56)$' "$url"
	expect_eq "$(record)" 'deny no-rule far.test'
done
jail curl -sSk https://not.test/
expect_eq "$(record)" 'deny deny-rule not.test'

say() # REQUEST: sends it to the dummy, as printf writes it
{
	jail bash -c 'exec 5<>/dev/tcp/one.test/80; printf "$0" >&5; timeout 20 cat <&5' "$1"
}
denied() # REASON [NAME]
{
	expect_eq "$(record)" "deny $1 ${2-6.6.6.6}" "$LAST_RUN"
}
say 'GET /hello HTTP/1.0\r\n\r\n'
denied no-name
say 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
denied no-name
say 'SSH-2.0-x\r\n'
denied no-name
say 'hello there\r\n'
denied no-name
say 'GET / HTTP/1.1\r\nHost: one.test\r\nHost: two.test\r\n\r\n'
denied bad-http
say 'GET / HTTP/1.1\r\nHost: one.test\r\n folded\r\n\r\n'
denied bad-http
say 'GET http://two.test/ HTTP/1.1\r\nHost: one.test\r\n\r\n'
denied bad-http
say 'GET / HTTP/1.1\r\nHost: a@one.test\r\n\r\n'
denied bad-name
say 'GET / HTTP/1.1\r\nHost: 11.77.0.1\r\n\r\n'
denied bad-name
jail openssl s_client -connect 6.6.6.6:443 -noservername
denied no-name
# half a word, half a request, or the server is to speak first
jail bash -c 'for words in hel "GET /hello HTTP/1.1\r\nHost: one.test\r\n" ""; do
	{ exec 5<>/dev/tcp/one.test/22; printf "$words" >&5; timeout 20 cat <&5; } &
done; wait'
expect_eq "$(jq -r 'select(.port) | .reason' "$T/audit" | uniq)" sniff-timeout 'who does not go on'
jail bash -c 'exec 5<>/dev/tcp/11.77.0.1/22'
denied raw-ip "$PUB4"
expect_eq "$(grep -c 'query\[' "$T/dns.log" || true)" "$queries" 'queries for what was denied'
expect_eq "$(arrivals banner 22)" 0 'connections without a name'

# ---- real: the addresses that the name has
mode=real
ask one.test A
expect_match "$OUT" $'NOERROR.*\none\\.test\\.\t+[0-9]+\tIN\tA\t11\\.77\\.0\\.1'
ask one.test AAAA +tcp
expect_match "$OUT" $'NOERROR.*IN\tAAAA\t'"$PUB6" 'AAAA over TCP'
ask two.test AAAA
expect_eq "$(outcome)" 'NOERROR 0' 'a name without IPv6'
ask gone.test A
expect_eq "$(outcome)" 'NXDOMAIN 0' 'a name that is not there'
ask far.test A
expect_eq "$(outcome)/$(upstream_queries far.test)" 'NXDOMAIN 0/0' 'a denied name'
ask alias.test A
expect_match "$OUT" $'alias\\.test\\.\t+[0-9]+\tIN\tA\t11\\.77\\.0\\.1' 'an alias'
ask hidden.test A
expect_eq "$(outcome)" 'NXDOMAIN 0' 'an alias of a denied name'
ask mixed.test A
expect_match "$OUT" $'\tA\t11\\.77\\.0\\.1' 'the public address'
expect_no_match "$OUT" "$PRIV4" 'the private address'
ask inner.test A
expect_eq "$(outcome)" 'NXDOMAIN 0' 'a name with nothing but a private address'
expect_eq "$(jq -r '"\(.reason) \(.refused)"' "$T/audit")" "private-address $PRIV4"
expect_match "$ERR" "to allow: --allow 'domain=inner.test cidr=$PRIV4'"
more=(--allow "domain=inner.test cidr=$PRIV4")
ask inner.test A
expect_match "$OUT" $'\tA\t'"$PRIV4" 'a private address that a rule names'
more=()
jail dig +short +noedns -x "$PUB4"
expect_eq "$OUT" '' 'an address that nobody has asked for'
jail sh -c "dig +short one.test A >/dev/null; dig +short -x $PUB4"
expect_eq "$OUT" one.test. 'the name of an address that was given'

jail bash -c 'getent ahostsv4 one.test; echo >/dev/udp/198.18.0.1/443'
expect_eq "$(record)" 'deny not-tcp 198.18.0.1' 'an address that stands for no name here'

jail curl -sS http://one.test/hello
expect_eq "$STATUS/$OUT/$(record)" '0/hello from one.test/allow allow-rule one.test' 'HTTP'
jail bash -c 'exec 5<>/dev/tcp/two.test/22; read -r line <&5; echo "$line"'
expect_match "$OUT" SSH- 'a server that speaks first'
expect_eq "$(jq -r 'select(.port) | "\(.address) \(.dialed)"' "$T/audit")" "$PUB4 $PUB4"
jail bash -c "exec 5<>/dev/tcp/$PUB4/22; read -r line <&5"
expect_eq "$(record)" "deny raw-ip $PUB4" 'an address that was not asked for'
jail bash -c "getent hosts far.test; exec 5<>/dev/tcp/$PUB4_B/22; read -r line <&5"
expect_eq "$(record)" "deny raw-ip $PUB4_B" 'the address of a denied name'
# two names, one address: each may be asked for once it was answered, no other
jail sh -c "getent ahostsv4 one.test two.test >/dev/null
	curl -4sSk --connect-to ::one.test https://two.test/hello; curl -4sSk --connect-to ::two.test https://one.test/hello"
expect_eq "$OUT" $'hello from two.test\nhello from one.test' 'two names share an address'
expect_eq "$(jq -r 'select(.port) | .name' "$T/audit")" $'two.test\none.test'
jail curl -4sSk --connect-to ::one.test https://two.test/hello
expect_eq "$(record)" 'deny name-mismatch one.test' 'a name that was not asked for'
jail curl -4sSk --connect-to ::one.test https://far.test/hello
expect_eq "$(jq -r 'select(.port) | "\(.reason) \(.sni)"' "$T/audit")" 'name-mismatch far.test'
allowed=(--allow 'domain=one.test port=80,443' --allow 'domain=two.test port=80')
jail sh -c "getent ahostsv4 two.test >/dev/null
	curl -4sSk --connect-to ::two.test https://two.test/hello || true
	getent ahostsv4 one.test >/dev/null; curl -4sSk --connect-to ::one.test https://two.test/hello"
expect_eq "$(jq -r 'select(.port) | "\(.verdict) \(.reason) \(.name)"' "$T/audit")" \
	$'deny no-rule two.test\ndeny no-rule two.test' 'a name that another port is allowed for'

# ---- record types, synthetic and real
for mode in synthetic real; do
	allowed=(--allow domain=one.test --allow domain=mail.test --allow domain=_xmpp._tcp.mail.test
		--allow domain=lost.test --allow domain=long.test --allow domain=posta.test --deny domain=not.test)
	more=(--dns-type MX --dns-type SRV --dns-type TXT)
	ask mail.test MX
	expect_match "$OUT" $'ANSWER: 1,.*mail\\.test\\.\t+[0-9]+\tIN\tMX\t10 one\\.test\\.' "$mode MX"
	ask _xmpp._tcp.mail.test SRV
	expect_match "$OUT" $'ANSWER: 1,.*\tIN\tSRV\t1 2 5222 one\\.test\\.' "$mode SRV"
	ask mail.test TXT +tcp
	expect_match "$OUT" $'ANSWER: 1,.*\tIN\tTXT\t"v=spf1 -all"' "$mode TXT"
	ask long.test TXT
	expect_match "$OUT" "\"$text\" \"$text\" \"$text\" \"$text\" \"$text\" \"$text\"" "$mode TXT by TCP, since it is long"
	ask long.test TXT +ignore
	expect_match "$OUT" 'flags: qr tc .*ANSWER: 0' "$mode TXT that is too long for UDP"
	ask lost.test MX
	expect_eq "$(outcome)" 'NOERROR 0' "$mode MX that leads to denied names only"
	ask posta.test MX
	expect_eq "$(outcome)" 'NXDOMAIN 0' "$mode MX of an alias of a denied name"
	ask far.test MX
	expect_eq "$(outcome)" 'NXDOMAIN 0' "$mode MX of a denied name"
	ask one.test HTTPS
	expect_eq "$(outcome)" 'NOERROR 0' "$mode HTTPS"
	jail "$PYTHON" -c '
import socket, struct, threading
def ask(name, number, out):
    stream = socket.create_connection(("9.9.9.9", 53), timeout=5)
    query = struct.pack("!6H", number, 0x100, 1, 0, 0, 0) + b"".join(
        bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0" + struct.pack("!2H", 15, 1)
    framed = struct.pack("!H", len(query)) + query
    stream.sendall(framed * 3) # pipelined
    stream.shutdown(socket.SHUT_WR)
    data = b""
    while chunk := stream.recv(4096):
        data += chunk
    while data:
        length, = struct.unpack("!H", data[:2])
        out.append(struct.unpack("!H", data[2:4])[0] == number and data[9] == 1)
        data = data[2 + length:]
out = []
threads = [threading.Thread(target=ask, args=("mail.test", n, out)) for n in range(20)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(len(out), all(out))'
	expect_eq "$STATUS/$OUT/$ERR" '0/60 True/' "$mode: many at once, three a connection"
	more=()
	queries=$(upstream_queries mail.test)
	ask mail.test MX
	expect_eq "$(outcome)/$(upstream_queries mail.test)" "NOERROR 0/$queries" "$mode MX that the policy does not want"
done

# ---- no upstream server: the jail hears of it, and the record says why
printf 'nameserver 127.0.0.99\noptions timeout:1 attempts:1\n' >"$T/resolv.conf"
more=(--dns-type MX)
mode=real
for type in A MX; do
	ask one.test $type +time=15
	expect_eq "$(outcome)" 'SERVFAIL 0' "$type without a server"
	expect_eq "$(jq -r '"\(.verdict) \(.reason)"' "$T/audit")" 'allow resolve-failed'
	expect_match "$(jq -r .error "$T/audit")" 'DNS server' "why there is no $type"
done

# ---- a server that is silent: so many may wait, the others are told at once; streams and datagrams alike
start_ready "$PYTHON" -c 'import os, socket, time
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(("127.0.0.98", 53))
os.write(3, b"ready\n")
time.sleep(100)'
printf 'nameserver 127.0.0.98\noptions timeout:1 attempts:1\n' >"$T/resolv.conf"
allowed=(--allow 'domain=*.one.test')
more=(--dns-type MX)
cat >wait.py <<'END'
import socket, struct, time
def query(number):
    name = b"".join(bytes([len(label)]) + label for label in (b"n%d" % number, b"one", b"test"))
    return struct.pack("!6H", number, 0x100, 1, 0, 0, 0) + name + b"\0\0" + bytes([15 if number % 2 else 1]) + b"\0\1"
streams = []
for number in range(20):
    stream = socket.create_connection(("9.9.9.9", 53))
    stream.sendall(struct.pack("!H", len(query(number))) + query(number))
    streams.append(stream)
for stream in streams[:10]: # gone before there is an answer
    stream.close()
time.sleep(0.2)
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.connect(("9.9.9.9", 53))
sock.settimeout(0.5)
for number in range(20, 300):
    sock.send(query(number))
    time.sleep(0.001) # or some are lost on the way
rcodes = []
try:
    while True:
        rcodes.append(sock.recv(512)[3] & 15)
except OSError:
    pass
print(len(rcodes), set(rcodes))
END
jail "$PYTHON" wait.py
expect_eq "$STATUS/$OUT" '0/44 {2}' 'those who cannot wait'
expect_eq "$(jq -r '"\(.verdict) \(.reason)"' "$T/audit" | sort | uniq -c | awk '{ $1 = $1; print }')" \
	$'256 allow resolve-failed\n44 deny limit' 'one record for each query'
