#!/bin/bash
# --publish lets the caller's side reach servers on the jail's loopback, each connection with a record.
# shellcheck source-path=SCRIPTDIR disable=SC2016  # what a jailed shell expands
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_ipv6
need_command nc

cp -- "$TEST_LIB/servers.py" .
cat >local.py <<'END'
import http.server, socket, sys
class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = f"local {sys.argv[1]} to {self.client_address[0]}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_args):
        pass
server = Server((sys.argv[1], int(sys.argv[2])), Handler)
open("ready", "w").write("ready")
server.serve_forever()
END

cat >"$T/validate.py" <<'END'
import json, sys
import jsonschema
checker = jsonschema.Draft202012Validator(json.load(open(sys.argv[2])))
for line in open(sys.argv[1]):
    checker.validate(json.loads(line))
END
"$PYTHON" -c 'import jsonschema' 2>/dev/null || skip 'no python3-jsonschema: scripts/install-packages test'

# OPTION... -- COMMAND...: in the background, until it has written the file "ready".
serve()
{
	rm -f ready "$T/audit"
	start_nsgate --audit "$T/audit" "$@" 2>"$T/err"
	wait_until 10 test -s ready || fail "the server does not get ready: $(<"$T/err")"
}
stop()
{
	kill -9 "$NSGATE_PID" 2>/dev/null || true
	wait "$NSGATE_PID" 2>/dev/null || true
	wait_until 2 nobody_listens || fail 'a published port is still open'
}
nobody_listens()
{
	! is_listening 3000
}
records()
{
	jq -c 'select(.protocol != "dns") | [.protocol, .verdict, .reason, .address, .port, .published, .client, .error]' \
		"$T/audit"
}
has_records() # COUNT
{
	[[ $(wc -l <"$T/audit") -ge $1 ]]
}

# ---- a server on either loopback address, another port, another address of the caller's
for address in 127.0.0.1 ::1; do
	serve --publish 3000 --publish "$PRIV4:3001:3000" --publish '[::1]:3002:3000' --publish 3003 -- \
		"$PYTHON" local.py "$address" 3000
	for url in http://127.0.0.1:3000/ "http://$PRIV4:3001/" 'http://[::1]:3002/'; do
		run curl -sS --max-time 5 "$url"
		expect_eq "$STATUS/$OUT" "0/local $address to $address" "$url"
	done
	run curl -sS --max-time 5 http://127.0.0.1:3003/
	expect_match "$STATUS" '^(7|55|56)$' 'nobody listens in the jail: reset' # 7: it came before curl looked
	[[ $MS -lt 1000 ]] || fail "the reset took $MS ms"
	# on no other address of the caller's
	run curl -sS --max-time 5 "http://$PRIV4:3000/"
	expect_eq "$STATUS" 7 'another address'
	wait_until 5 has_records 4
	run "$PYTHON" "$T/validate.py" "$T/audit" "$TEST_ROOT/docs/audit.schema.json"
	expect_eq "$STATUS" 0 'the records against their schema'
	expect_eq "$(records)" '["tcp","allow","published","'$address'",3000,"127.0.0.1:3000","127.0.0.1",null]
["tcp","allow","published","'$address'",3000,"'$PRIV4':3001","'$PRIV4'",null]
["tcp","allow","published","'$address'",3000,"[::1]:3002","::1",null]
["tcp","allow","upstream-failed","::1",3003,"127.0.0.1:3003","127.0.0.1","Connection refused"]'
	stop
done

# ---- much, both ways, many at once, half-closed
serve --publish 3000 -- sh -c 'exec "$0" servers.py http 3000 --log log 3>ready' "$PYTHON"
run sh -c 'curl -sS http://127.0.0.1:3000/bytes/67108864 | sha256sum'
expect_eq "$OUT" "$("$PYTHON" -c '
import sys
pattern = bytes(range(251)) * 261
left = 67108864
while left > 0:
    sys.stdout.buffer.write(pattern[:left])
    left -= len(pattern)' | sha256sum)" '64 MiB out of the jail'
head -c 20000000 /dev/urandom >"$T/upload"
run curl -sS -T "$T/upload" http://127.0.0.1:3000/
expect_eq "$OUT" "20000000 $(sha256sum <"$T/upload" | cut -d' ' -f1)" '20 MB into the jail'
run sh -c 'for i in $(seq 100); do curl -sS "http://127.0.0.1:3000/bytes/300000" | wc -c & done | sort | uniq -c | xargs'
expect_eq "$OUT" '100 300000' 'a hundred at once'
wait_until 5 has_records 102
expect_eq "$(jq -s '[.[2:][] | select(.bytes_sent > 300000 and .bytes_received > 30)] | length' "$T/audit")" 100 'bytes'
expect_eq "$(jq -s '.[1].bytes_received > 20000000 and .[1].bytes_sent < 1000' "$T/audit")" true 'bytes of the upload'
stop
serve --publish 3000 -- sh -c 'exec "$0" servers.py sink 3000 --log log 3>ready' "$PYTHON"
run sh -c 'nc -N 127.0.0.1 3000 <"$0"' "$T/upload"
expect_eq "$OUT" "20000000 $(sha256sum <"$T/upload" | cut -d' ' -f1)" 'an end of stream is passed on'
stop

# ---- what a program sent before it exited is still delivered
serve --publish 3000 -- "$PYTHON" -c '
import socket
listener = socket.create_server(("127.0.0.1", 3000))
open("ready", "w").write("ready")
stream, _ = listener.accept()
stream.sendall(b"x" * 3000000)
open("sent", "w").write("sent")'
# a client that has read nothing when the program is gone
run timeout 20 "$PYTHON" -c '
import os, socket, time
stream = socket.socket()
stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
stream.connect(("127.0.0.1", 3000))
while not os.path.exists("sent"):
    time.sleep(0.01)
while os.path.exists("/proc/'"$NSGATE_PID"'/task/'"$NSGATE_PID"'/children") and len(
        open("/proc/'"$NSGATE_PID"'/task/'"$NSGATE_PID"'/children").read().split()) > 1:
    time.sleep(0.01)
count = 0
while got := stream.recv(65536):
    count += len(got)
print(count)'
expect_eq "$OUT" 3000000 'the last words'
finish_nsgate 5
expect_eq "$STATUS" 0

# ---- without a record nothing comes in: the first one is lost, with it the network closes
rm -f ready
start_nsgate --audit /dev/full --publish 3000 -- "$PYTHON" local.py 127.0.0.1 3000 2>"$T/err"
wait_until 10 grep -q ready ready
run curl -sS --max-time 5 http://127.0.0.1:3000/
network_is_closed()
{
	grep -q 'the network is closed' "$T/err"
}
wait_until 5 network_is_closed || fail "the lost record is not told: $(<"$T/err")"
run curl -sS --max-time 5 http://127.0.0.1:3000/
expect_match "$STATUS/$OUT" '^(7|55|56)/$' 'after a lost record'
stop

# ---- kill -9 of any process leaves neither listener nor process
for who in nsgate nsgate-proxy nsgate-init; do
	serve --publish 3000 -- "$PYTHON" local.py 127.0.0.1 3000
	run curl -sS --max-time 5 http://127.0.0.1:3000/
	expect_eq "$STATUS" 0
	victim=$NSGATE_PID
	for pid in $(<"/proc/$NSGATE_PID/task/$NSGATE_PID/children"); do
		[[ $(<"/proc/$pid/comm") != "$who" ]] || victim=$pid
	done
	kill -9 "$victim"
	wait_until 1 nobody_listens || fail "a second after kill -9 of $who somebody still listens"
	wait_until 1 is_gone "$NSGATE_PID" || fail "a second after kill -9 of $who nsgate still lives"
	expect_eq "$(nsgate_pids)" '' "what kill -9 of $who leaves"
	stop
done

# ---- mistakes stop the run before it begins
refused() # MESSAGE OPTION...
{
	local message=$1
	shift

	run nsgate "$@" -- touch ran
	expect_eq "$STATUS/$OUT" 125/ "$*"
	expect_match "$ERR" "$message" "$*"
	[[ ! -e ran ]] || fail "ran despite $*"
}
server http 3000
refused '^nsgate: --publish: publish 127.0.0.1:3000: Address already in use \(EADDRINUSE\)$' --publish 3000
refused 'publish 127.0.0.1:3005: Address already in use' --publish 3005 --publish 127.0.0.1:3005:1
refused 'publish 192.0.2.1:3006: Cannot assign' --publish 192.0.2.1:3006:3006
refused '^nsgate: --publish: column 1: expected \[ADDRESS:\]PORT\[:JAIL_PORT\]' --publish localhost:3000
for mode in none host; do
	refused '^nsgate: --publish: publish 127.0.0.1:3007: only a jail with --net gate' --net "$mode" --publish 3007
done
# each listener takes a descriptor that no connection can have
many=()
for port in {3100..3139}; do
	many+=(--publish "$port")
done
(ulimit -n 100 && refused 'the limit of 100 open files is too low' "${many[@]}") || exit
