#!/bin/bash
# What is sent arrives, to the byte: large downloads and uploads, both ways at once, many connections at once.
# shellcheck source-path=SCRIPTDIR disable=SC2016  # what a jailed shell expands
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate

server http 80
server echo 7
server sink 9
jail() # COMMAND...
{
	run nsgate --audit "$T/audit" --allow domain=ok.test --allow domain=v4.test --allow domain=v6.test -- "$@"
}
size=268435456
expected=$("$PYTHON" -c '
import hashlib
pattern, digest, left = bytes(range(251)) * 261, hashlib.sha256(), '$size'
while left > 0:
    digest.update(pattern[:left])
    left -= len(pattern[:left])
print(digest.hexdigest())')

# ---- 256 MiB down and up
for name in v4.test v6.test; do
	jail sh -c "curl -sS --max-time 60 http://$name/bytes/$size | sha256sum"
	expect_eq "$STATUS/$OUT" "0/$expected  -" "download from $name"
done
record=$(jq -c 'select(.protocol == "http") | [.name, .verdict, .bytes_received >= '$size']' <"$T/audit")
expect_eq "$record" $'["v4.test","allow",true]\n["v6.test","allow",true]'
head -c $size /dev/zero >"$T/work/zeros"
jail curl -sS --max-time 60 -H Expect: -T zeros http://ok.test/
expect_eq "$STATUS/$OUT" "0/$size $(sha256sum <zeros | cut -d' ' -f1)" 'upload'
jail sh -c 'nc -N -w 10 ok.test 9 <zeros'
expect_eq "$STATUS/$OUT" "0/$size $(sha256sum <zeros | cut -d' ' -f1)" 'upload until end of stream'
sent=$(jq -c 'select(.port == 9) | .bytes_sent' <"$T/audit")
expect_eq "$sent" $size 'bytes in the audit record'

# ---- both ways at once, by a client that reads late
head -c 20000000 /dev/urandom >random
jail sh -c 'nc -N -w 10 ok.test 7 <random | (sleep 0.3; cmp - random)'
expect_eq "$STATUS/$OUT" 0/ 'echo'

# ---- what was sent before the command ended is delivered
for size in 1 100000 4000000; do
	: >"$T/sink-9.log"
	jail "$PYTHON" -c '
import os, socket
stream = socket.create_connection(("ok.test", 9))
stream.sendall(b"x" * '$size')
os._exit(0)'
	expect_eq "$STATUS" 0
	expect_eq "$(tail -n 1 "$T/audit" | jq .bytes_sent)" "$size" 'delivered after the end'
done

# ---- 200 connections at once, all open at the same time
jail "$PYTHON" -c '
import socket
streams = [socket.create_connection((("ok.test", "v4.test", "v6.test")[i % 3], 7)) for i in range(200)]
for i, stream in enumerate(streams):
    stream.sendall(b"%d:" % i * 1000)
for i, stream in enumerate(streams):
    stream.shutdown(socket.SHUT_WR)
    got = b""
    while chunk := stream.recv(65536):
        got += chunk
    assert got == b"%d:" % i * 1000, i
print("equal")'
expect_eq "$STATUS/$OUT/$ERR" 0/equal/ '200 connections'
jail sh -c 'seq 200 | xargs -P 40 -n 5 sh -c '\''curl -sS http://ok.test/1 http://ok.test/2; :'\'' | sort | uniq -c'
expect_eq "$OUT" '     80 hello from ok.test' '40 clients at once'
