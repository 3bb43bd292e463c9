#!/bin/bash
# Rules with scheme=http, method= and path= decide each request of a connection, and what is allowed passes unharmed.
# shellcheck source-path=SCRIPTDIR disable=SC2016  # what a jailed shell expands
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_command nginx

mkdir "$T/web" "$T/ngx"
echo hello >"$T/web/hello"
head -c 50000000 /dev/urandom >"$T/web/big"
cat >"$T/nginx.conf" <<END
daemon off; master_process off; user root root; pid $T/ngx/pid; error_log $T/ngx/errors info;
events { }
http {
	access_log $T/ngx/access; client_body_temp_path $T/ngx/a; proxy_temp_path $T/ngx/b; fastcgi_temp_path $T/ngx/c;
	uwsgi_temp_path $T/ngx/d; scgi_temp_path $T/ngx/e;
	client_max_body_size 0; large_client_header_buffers 4 64k;
	server { listen 80; root $T/web; location = /gzipped { return 200 "x"; } location /api/ { return 200 "api \$request_uri\n"; } }
}
END
nginx -c "$T/nginx.conf" -e "$T/ngx/errors" &
STARTED+=($!)
disown
wait_listening 80
server http 8080
get='domain=ok.test port=80,8080 scheme=http method=GET,HEAD path=/hello,/big,/api/*,/bytes/*,/headers'
jail() # COMMAND...
{
	rm -f "$T/audit"
	run nsgate --audit "$T/audit" --allow "$get" "$@"
}
requests() # jq FILTER
{
	jq -c "select(has(\"method\")) | $1" <"$T/audit"
}

# ---- allowed and denied on one connection
jail -- curl -sS -w '%{http_code} %{num_connects}\n' http://ok.test/hello http://ok.test/api/1?q=2 http://ok.test/secret
expect_match "$STATUS/$OUT" $'^0/hello\n200 1\napi /api/1\\?q=2\n200 0\nnsgate: denied: no-rule.*\nto allow: --allow .domain=ok.test port=80 scheme=http method=GET path=/secret.\n403 0$' 'keep-alive'
expect_match "$ERR" "denied: http GET ok.test:80/secret \(no-rule.*--allow 'domain=ok.test port=80 scheme=http method=GET path=/secret'" 'told'
expect_eq "$(requests '[.method,.url,.verdict,.reason,.bytes_received > 0]')" \
	'["GET","http://ok.test/hello","allow","allow-rule",true]
["GET","http://ok.test/api/1?q=2","allow","allow-rule",true]
["GET","http://ok.test/secret","deny","no-rule",false]' 'records'
expect_eq "$(jq -c 'select(.protocol == "http" and (has("method") | not)) | [.verdict,.requests]' <"$T/audit")" '["allow",3]' 'the connection'
expect_eq "$(grep -c secret "$T/ngx/access" || true)" 0 'what arrived'
run nsgate policy why "$T/audit" "$(jq 'select(.verdict == "deny") | .seq' <"$T/audit")"
expect_match "$OUT" "asked: +http GET http://ok.test/secret.*--allow 'domain=ok.test port=80 scheme=http method=GET path=/secret'" 'why'
run nsgate policy replay --allow "$get" "$T/audit"
expect_eq "$STATUS" 0 'replay'
run nsgate policy replay --allow domain=ok.test --deny 'domain=ok.test scheme=http path=/hello' "$T/audit"
expect_match "$OUT" 'allow -> deny \(deny-rule\): http GET http://ok.test/hello.*deny -> allow \(allow-rule\): http GET http://ok.test/secret.*1 allow -> deny, 1 deny -> allow' 'replay'
jail -- curl -sS -w '\n%{http_code}\n' -X POST -d x http://ok.test/hello http://ok.test/hello
expect_eq "$(grep -xE '[0-9]+' <<<"$OUT")" $'403\n403' 'method'
jail -- curl -sS -I http://ok.test/hello http://ok.test/hello
expect_eq "$(grep -c '200 OK' <<<"$OUT")" 2 'HEAD'
jail -- curl -sS --path-as-is -w '\n%{http_code}\n' http://ok.test/api/../secret http://ok.test/x/../hello http://ok.test/%68ello
expect_eq "$(grep -xE '[0-9]+' <<<"$OUT")" $'403\n200\n200' 'normalised'

# ---- neither TLS nor anything else is opened by such a rule
server https 443
server echo 7
run nsgate --allow 'domain=ok.test scheme=http method=GET' -- sh -c 'curl -sSk https://ok.test/hello; echo $?; echo x | nc -N -w 5 ok.test 7'
expect_match "$OUT" '^(35|56)$' 'no HTTP'
expect_no_match "$(<"$T/https-443.log")" method 'TLS'

# ---- deny rules: one request is denied, all else goes on; what cannot be read is not let through
run nsgate --audit "$T/audit2" --allow domain=ok.test --deny 'domain=ok.test scheme=http path=/secret,/secret/*' -- sh -c '
	curl -sS -o /dev/null -o /dev/null -w "%{http_code}\n" http://ok.test/hello http://ok.test/secret; curl -sSk https://ok.test/hello; echo
	printf "\r\nGET /secret HTTP/1.0\r\n\r\n" | nc -N -w 5 ok.test 80; printf "GET /secret\r\n" | nc -N -w 5 ok.test 80'
expect_match "$OUT" $'^200\n403\nhello from ok.test\n+HTTP/1.1 400 Bad Request' 'deny rule'
expect_eq "$(jq -r 'select(.reason == "uninspected" or .reason == "bad-http") | [.reason,.verdict,.bytes_sent] | join(" ")' <"$T/audit2")" \
	$'bad-http deny 0\nuninspected deny 0' 'what cannot be read'
expect_eq "$(grep -c secret "$T/ngx/access" || true)" 0 'what arrived'

# ---- bodies, both ways
sum=$(sha256sum <"$T/web/big")
jail -- sh -c 'for i in 1 2; do curl -sS http://ok.test/big | sha256sum; done; curl -sS http://ok.test/big http://ok.test/big | wc -c'
expect_eq "$OUT" "$sum"$'\n'"$sum"$'\n100000000' 'download'
cp "$T/web/big" big
jail --allow 'domain=ok.test scheme=http method=POST,PUT' -- sh -c '
	curl -sS --max-time 60 -T big http://ok.test:8080/x
	curl -sS --max-time 60 -H Expect: -T big http://ok.test:8080/x http://ok.test:8080/hello'
expect_eq "$OUT" "50000000 ${sum%  -}"$'\n'"50000000 ${sum%  -}"$'\nhello from ok.test' 'upload'

# ---- an origin that says exactly what it is told to, and a client that does
cat >"$T/work/talk.py" <<'END'
import hashlib, socket, sys, time
HOST = b"Host: ok.test\r\n"
def dial(port=81):
    stream = socket.create_connection(("ok.test", port))
    stream.settimeout(10)
    return stream
def rest(stream):
    out = b""
    try:
        while chunk := stream.recv(65536):
            out += chunk
    except ConnectionResetError:
        out += b"<RESET>"
    return out
def until(stream, end):
    out = b""
    while end not in out:
        chunk = stream.recv(1)
        assert chunk, out
        out += chunk
    return out
END
cat >"$T/origin.py" <<'END'
import socket, sys, threading, time, os
def head(stream):
    out = b""
    while not out.endswith(b"\r\n\r\n"):
        byte = stream.recv(1)
        if not byte:
            return None
        out += byte
    with open(sys.argv[1], "ab") as log:
        log.write(out)
    return out
def serve(stream):
    while request := head(stream):
        target = request.split()[1]
        if target == b"/close":
            stream.sendall(b"HTTP/1.1 200 OK\r\n\r\nuntil the end"); break
        if target == b"/chunked":
            stream.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: T\r\n\r\n5\r\nhello\r\n0\r\nT: x\r\n\r\n")
        elif target == b"/sse":
            stream.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for i in range(20):
                now = b"%.6f\n" % time.monotonic()
                stream.sendall(b"%x\r\n%s\r\n" % (len(now), now)); time.sleep(0.02)
            stream.sendall(b"0\r\n\r\n")
        elif target == b"/expect":
            stream.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n")
            body = stream.recv(4, socket.MSG_WAITALL)
            stream.sendall(b"HTTP/1.1 204 No Content\r\nX-Body: %s\r\n\r\n" % body)
        elif target == b"/upload":
            body = b""
            while not body.endswith(b"0\r\nA: b\r\n\r\n"):
                body += stream.recv(65536)
            stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%c" % (65 + len(body) % 26))
        elif target in (b"/ws", b"/h2c"):
            kind = b"websocket" if target == b"/ws" else b"h2c"
            stream.sendall(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %s\r\n\r\nfirst" % kind)
            while chunk := stream.recv(4096):
                stream.sendall(chunk.upper())
            break
        elif target == b"ok.test:81":
            stream.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            while chunk := stream.recv(4096):
                stream.sendall(chunk.upper())
            break
        elif target == b"/slow":
            time.sleep(0.3)
            stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nslow")
        elif target == b"/hang":
            gone = stream.recv(1) == b""
            with open(sys.argv[1], "ab") as log:
                log.write(b"GONE" if gone else b"BYTES")
            break
        elif target == b"/no-http":
            stream.sendall(b"what?\r\n"); break
        else:
            stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(target), b"" if request.startswith(b"HEAD") else target))
    stream.close()
listener = socket.create_server(("::", 81), family=socket.AF_INET6, dualstack_ipv6=True, backlog=64)
os.write(3, b"ready\n"); os.close(3)
while True:
    stream, _ = listener.accept()
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    threading.Thread(target=serve, args=(stream,), daemon=True).start()
END
start_ready "$PYTHON" "$T/origin.py" "$T/origin.log"
talk() # PYTHON-CODE [OPTION...]
{
	local code=$1
	shift

	rm -f "$T/audit"
	run nsgate --audit "$T/audit" --allow 'domain=ok.test port=81 scheme=http method=GET,HEAD,POST' \
		--deny 'domain=ok.test scheme=http path=/denied' "$@" -- "$PYTHON" -c "import sys; sys.path.insert(0, '.')
from talk import *
$code"
	expect_eq "$STATUS/$ERR" "0/${ERR}" "$code"
}

# pipelined: in order, and the denial comes after the answers that are due
talk '
s = dial()
s.sendall(b"GET /slow HTTP/1.1\r\n" + HOST + b"\r\nGET /b HTTP/1.1\r\n" + HOST + b"\r\nGET /denied HTTP/1.1\r\n" + HOST + b"\r\nGET /never HTTP/1.1\r\n" + HOST + b"\r\n")
got = rest(s)
print([got.count(x) for x in (b"200 OK", b"403 Forbidden", b"RESET")], got.index(b"slow") < got.index(b"/b") < got.index(b"403"))'
expect_eq "$OUT" '[2, 1, 0] True' 'pipelined'
expect_eq "$(requests '[.url,.verdict]')" '["http://ok.test/slow","allow"]
["http://ok.test/b","allow"]
["http://ok.test/denied","deny"]'
expect_no_match "$(<"$T/origin.log")" 'denied|never' 'what arrived'

# framing: chunked with trailers, HEAD, 1xx, bodies until the end of stream, an upload in chunks; byte by byte, too
talk '
s = dial()
s.sendall(b"HEAD /head HTTP/1.1\r\n" + HOST + b"\r\n"); print(until(s, b"\r\n\r\n").count(b"200"))
s.sendall(b"GET /chunked HTTP/1.1\r\n" + HOST + b"\r\n"); print(until(s, b"T: x\r\n\r\n").endswith(b"5\r\nhello\r\n0\r\nT: x\r\n\r\n"))
s.sendall(b"POST /expect HTTP/1.1\r\nContent-Length: 4\r\nExpect: 100-continue\r\n" + HOST + b"\r\n"); print(until(s, b"100 Continue\r\n\r\n").count(b"103"))
s.sendall(b"data"); print(until(s, b"\r\n\r\n").count(b"X-Body: data"))
body = b"".join(b"%x;e=1\r\n%s\r\n" % (n, b"z" * n) for n in range(1, 600)) + b"0\r\nA: b\r\n\r\n"
upload = b"POST /upload HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + HOST + b"\r\n" + body
s.sendall(upload); print(until(s, b"\r\n\r\n" + bytes([65 + len(body) % 26]))[:12])
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
for byte in b"GET /small HTTP/1.1\r\n" + HOST + b"\r\n": s.sendall(bytes([byte]))
print(until(s, b"/small")[:12])
s.sendall(b"GET /close HTTP/1.1\r\n" + HOST + b"\r\n"); print(rest(s).endswith(b"until the end"))
s = dial(); s.sendall(b"GET /close HTTP/1.0\r\n" + HOST + b"\r\n"); s.shutdown(socket.SHUT_WR); print(rest(s).endswith(b"until the end"))
s = dial(); s.sendall(b"GET /no-http HTTP/1.1\r\n" + HOST + b"\r\n"); print(rest(s))
s = dial(); s.sendall(b"GET /long HTTP/1.1\r\nX: " + b"x" * 60000 + b"\r\n" + HOST + b"\r\n"); print(until(s, b"/long")[:12])'
expect_eq "$OUT" "1
True
1
1
b'HTTP/1.1 200'
b'HTTP/1.1 200'
True
True
b'what?\\r\\n'
b'HTTP/1.1 200'" 'framing'

# a stream of events arrives when it is sent
talk '
s = dial(); s.sendall(b"GET /sse HTTP/1.1\r\n" + HOST + b"\r\n"); until(s, b"\r\n\r\n"); late = []
for i in range(20):
    until(s, b"\r\n"); line = until(s, b"\n\r\n"); late.append(time.monotonic() - float(line))
print(sorted(late)[10] < 0.01)'
expect_eq "$OUT" True 'events'

# a client that leaves is not kept from the server
talk '
s = dial(); s.sendall(b"GET /hang HTTP/1.1\r\n" + HOST + b"\r\n"); time.sleep(0.1); s.close()
time.sleep(0.3); print("done")'
expect_match "$(tail -c 20 "$T/origin.log")" 'GONE' 'the client that left'

# tunnels: a WebSocket and what CONNECT asks for; nothing else that leaves HTTP
tunnels='
s = dial(); s.sendall(b"GET /ws HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n" + HOST + b"\r\n")
until(s, b"first"); s.sendall(b"GET /denied HTTP/1.1\r\n\r\n"); print(until(s, b"\r\n\r\n")); s.close()
s = dial(); s.sendall(b"GET /h2c HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n" + HOST + b"\r\n"); print(b"101" in rest(s))
s = dial(); s.sendall(b"CONNECT ok.test:81 HTTP/1.1\r\n" + HOST + b"\r\n"); got = until(s, b"\r\n\r\n"); print(got[:12])
if b"200" in got: s.sendall(b"abc"); print(until(s, b"ABC")); s.close()'
talk "$tunnels"
expect_eq "$OUT" "b'GET /DENIED HTTP/1.1\\r\\n\\r\\n'
False
b'HTTP/1.1 403'" 'tunnels'
talk "$tunnels" --allow 'domain=ok.test scheme=http method=CONNECT'
expect_match "$OUT" $'HTTP/1.1 200.\nb.ABC.$' 'CONNECT'

# whom it is for; a client that does not read what it is told
talk '
def ask(text):
    s = dial(); s.sendall(text); got = rest(s).decode(); return got[9:12] + " " + got.split("nsgate: ")[-1].split(": ")[1]
print(ask(b"GET / HTTP/1.1\r\nHost: other.test\r\n\r\n"))
print(ask(b"GET http://other.test/ HTTP/1.1\r\nHost: other.test\r\n\r\n"))
print(ask(b"GET http://other.test/ HTTP/1.1\r\n" + HOST + b"\r\n"))
print(ask(b"GET / HTTP/1.1\r\n\r\n"))
print(ask(b"GET / HTTP/1.1\nHost: ok.test\n\n"))
s = dial(); s.sendall(b"POST /denied HTTP/1.1\r\nContent-Length: 300000\r\n" + HOST + b"\r\n")
for i in range(10): time.sleep(0.03); s.sendall(b"x" * 30000)
got = rest(s); print(got[:12], b"RESET" in got)'
expect_eq "$OUT" "403 name-mismatch
403 name-mismatch
400 bad-http
400 bad-http
400 bad-http
b'HTTP/1.1 403' False" 'refusals'
expect_eq "$(requests .reason | sort | uniq -c | xargs)" '2 bad-http 1 deny-rule 2 name-mismatch' 'records'
expect_no_match "$(tail -c 200 "$T/origin.log")" 'other' 'what arrived'
