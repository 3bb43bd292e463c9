#!/bin/bash
# Rows 128 to 132: where rules speak of HTTP, no request passes unjudged: not smuggled, not for another host, not in a tunnel.
# shellcheck source-path=SCRIPTDIR disable=SC2016  # what a jailed shell expands
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate

# An origin that keeps every byte it gets and answers whatever it likes.
cat >"$T/origin.py" <<'END'
import os, socket, sys, threading
log = open(sys.argv[1], "ab", buffering=0)
def serve(stream):
    try:
        while chunk := stream.recv(65536):
            log.write(chunk)
            if b"Upgrade: h2c" in chunk:
                stream.sendall(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
            elif chunk.endswith((b"\r\n\r\n", b"abc")) and b"chunked" not in chunk:
                stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    except OSError:
        pass
    stream.close()
listener = socket.create_server(("::", 80), family=socket.AF_INET6, dualstack_ipv6=True, backlog=64)
os.write(3, b"ready\n"); os.close(3)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
END
: >"$T/origin.log"
start_ready "$PYTHON" "$T/origin.py" "$T/origin.log"

cat >table.py <<'END'
import socket, sys
HOST = b"Host: ok.test\r\n"
EVIL = b"GET /smuggled HTTP/1.1\r\n" + HOST + b"\r\n"
POST = b"POST /p HTTP/1.1\r\n" + HOST
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
GET = b"GET / HTTP/1.1\r\n"
rows = [
    # row 129: CONNECT, also inside of another one
    (b"CONNECT evil.test:22 HTTP/1.1\r\nHost: evil.test:22\r\n\r\n", 403),
    (b"CONNECT ok.test:22 HTTP/1.1\r\n" + HOST + b"\r\n" + EVIL, 403),
    (b"CONNECT evil.test:80 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    (b"CONNECT http://ok.test/ HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    # row 130: whom it is for
    (b"GET http://evil.test/ HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    (b"GET http://evil.test/ HTTP/1.1\r\nHost: evil.test\r\n\r\n", 403),
    (b"GET http://ok.test@evil.test/ HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    (b"GET http:///x HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    (b"GET ok.test/x HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    (GET + b"\r\n", 400),
    (GET + b"Host:\r\n\r\n", 400),
    (GET + HOST + HOST + b"\r\n", 400),
    (GET + HOST + b"Host: evil.test\r\n\r\n", 400),
    (GET + b"Host: ok.test, evil.test\r\n\r\n", 400),
    (GET + b"Host: ok.test evil.test\r\n\r\n", 400),
    (GET + b"Host: ok.test\tevil.test\r\n\r\n", 400),
    (GET + b"Host: ok.test\0evil.test\r\n\r\n", 400),
    (GET + b"Host: user@ok.test\r\n\r\n", 400),
    (GET + b"Host: ok.test:80:80\r\n\r\n", 400),
    (GET + b"Host: ok.test:x\r\n\r\n", 400),
    (GET + b"Host: ok.test/\r\n\r\n", 400),
    (GET + b"Host: [ok.test]\r\n\r\n", 400),
    (GET + b"Host: evil.test\r\n\r\n", 403),
    (GET + b"Host: x.ok.test\r\n\r\n", 403),
    (GET + b"Host : ok.test\r\n\r\n", 400),
    (GET + b" Host: ok.test\r\n\r\n", 400),
    (GET + b"Host:\r\n ok.test\r\n\r\n", 400),
    (GET + HOST + b" folded\r\n\r\n", 400),
    (GET + HOST + b"no colon\r\n\r\n", 400),
    (b"GET / HTTP/1.0\r\n\r\n", 400),
    # row 131: where it ends
    (POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + EVIL, 400),
    (POST + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n" + EVIL, 400),
    (POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n" + EVIL, 400),
    (POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + EVIL, 400),
    (POST + b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n" + EVIL, 400),
    (POST + b"Content-Length: 3\r\nContent-Length: 50\r\n\r\nabc" + EVIL, 400),
    (POST + b"Content-Length: +3\r\n\r\nabc" + EVIL, 400),
    (POST + b"Content-Length: 0x3\r\n\r\nabc" + EVIL, 400),
    (POST + b"Content-Length: 3,3\r\n\r\nabc" + EVIL, 400),
    (GET + b"Host: ok.test\nX: y\r\n\r\n" + EVIL, 400),
    (GET + HOST + b"X: y\rContent-Length: 60\r\n\r\n" + EVIL, 400),
    (GET + HOST + b"X: y\nContent-Length: 60\r\n\r\n" + EVIL, 400),
    (GET + HOST + b"\n" + EVIL, 400),
    (CHUNKED + b"3\nabc\r\n0\r\n\r\n" + EVIL, 400),
    (CHUNKED + b"3\r\nabc\n0\r\n\r\n" + EVIL, 400),
    (CHUNKED + b"+3\r\nabc\r\n0\r\n\r\n" + EVIL, 400),
    (CHUNKED + b"3;\nx\r\nabc\r\n0\r\n\r\n" + EVIL, 400),
    (CHUNKED + b"0\r\n\n" + EVIL, 400),
    (CHUNKED + b"0\r\nT: x\n\n" + EVIL, 400),
    # row 132: the second one, with or without waiting for the first one's answer
    (GET + HOST + b"\r\n" + GET + b"Host: evil.test\r\n\r\n" + EVIL, 403),
    (GET + HOST + b"\r\n" + EVIL, 403),
    (POST + b"Content-Length: 3\r\n\r\nabc\r\n" + EVIL, 400),
]
bad = 0
for cut in 0, 1:
    for number, (stream, status) in enumerate(rows):
        connection = socket.create_connection(("ok.test", 80))
        connection.settimeout(15)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            for i in range(0, len(stream), 1 if cut else len(stream)):
                connection.sendall(stream[i:i + (1 if cut else len(stream))])
        except OSError:
            pass # refused already
        got = b""
        try:
            while chunk := connection.recv(65536):
                got += chunk
        except ConnectionResetError:
            pass # bytes behind a refusal
        last = got.rpartition(b"HTTP/1.1 ")[2][:3]
        if last != b"%d" % status:
            bad += 1
            print(cut, number, stream, "->", got, "instead of", status)
print("bad:", bad)
END
allow='domain=ok.test port=80 scheme=http method=GET,POST path=/p'
run nsgate --audit "$T/audit" --allow "$allow" --allow 'domain=ok.test scheme=http method=GET path=/*' --deny 'domain=ok.test scheme=http path=/smuggled' \
	-- "$PYTHON" table.py
expect_eq "$STATUS/$OUT" '0/bad: 0' 'the table'
expect_no_match "$(tr -d '\0' <"$T/origin.log")" 'smuggled|evil' 'what arrived'
expect_match "$(jq -r 'select(.verdict == "deny") | .reason' <"$T/audit" | sort | uniq -c | xargs)" \
	'^[0-9]+ bad-http [0-9]+ deny-rule [0-9]+ name-mismatch [0-9]+ no-rule$' 'records'

# ---- the same host by another way: with dummy addresses a connection is to the name of its first request
run nsgate --dns dummy --allow 'domain=ok.test scheme=http method=GET' --allow 'domain=other.test scheme=http method=GET' -- "$PYTHON" -c '
import socket
s = socket.create_connection(("ok.test", 80)); s.settimeout(10)
s.sendall(b"GET /1 HTTP/1.1\r\nHost: ok.test\r\n\r\nGET /2 HTTP/1.1\r\nHost: other.test\r\n\r\n")
got = b""
while chunk := s.recv(4096): got += chunk
print(got.count(b"200 OK"), got.count(b"403 Forbidden"), b"name-mismatch" in got)'
expect_eq "$STATUS/$OUT" '0/1 1 True' 'another name on a connection'

# ---- row 128: what is no HTTP/1 cannot be looked into, so a deny rule for requests refuses it
: >"$T/origin.log"
run nsgate --audit "$T/audit2" --allow domain=ok.test --deny 'domain=ok.test scheme=http path=/smuggled' -- "$PYTHON" -c '
import socket
def ask(data):
    s = socket.create_connection(("ok.test", 80)); s.settimeout(10)
    try:
        s.sendall(data); return s.recv(4096)[:12]
    except ConnectionResetError:
        return b"reset"
print(ask(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"))
print(ask(b"\r\nGET /smuggled HTTP/1.1\r\nHost: ok.test\r\n\r\n"))
print(ask(b"GET  /smuggled HTTP/1.1\r\nHost: ok.test\r\n\r\n"))
print(ask(b"GET /smuggled\r\n"))
print(ask(b"GET /" + b"x" * 9000 + b"/../smuggled HTTP/1.1\r\nHost: ok.test\r\n\r\n"))
print(ask(b"GET /x HTTP/1.1\r\nHost: ok.test\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"))
print(ask(b"GET /%73muggled HTTP/1.1\r\nHost: ok.test\r\n\r\n"))
print(ask(b"GET /x/..%2fsmuggled HTTP/1.1\r\nHost: ok.test\r\n\r\n"))'
expect_eq "$OUT" "b'reset'
b'HTTP/1.1 400'
b'reset'
b'reset'
b'reset'
b'reset'
b'HTTP/1.1 403'
b'HTTP/1.1 403'" 'other protocols'
expect_no_match "$(tr -d '\0' <"$T/origin.log")" 'muggled|PRI' 'what arrived'
expect_eq "$(jq -r 'select(.reason == "uninspected") | .protocol' <"$T/audit2" | sort | uniq -c | xargs)" '1 h2 2 http 3 tcp' 'records'
