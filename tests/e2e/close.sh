#!/bin/bash
# The end of a stream and its reset are passed on, each way by itself, and so is each byte at once.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate

# A server of its own ways: what it does is in the first line that it gets.
cat >"$T/server.py" <<'END'
import os, socket, struct, threading, time
def reset(stream):
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    stream.close()
def serve(stream, log):
    first = b""
    while not first.endswith(b"\n"):
        first += stream.recv(1)
    try:
        if first == b"half-close\n":   # ends first, still reads
            stream.sendall(b"all I have")
            stream.shutdown(socket.SHUT_WR)
            rest = b""
            while chunk := stream.recv(4096):
                rest += chunk
            log.write("after my end: %r\n" % rest)
        elif first == b"rest\n":       # reads to the end, then answers
            rest = b""
            while chunk := stream.recv(4096):
                rest += chunk
            time.sleep(0.2)
            stream.sendall(b"you said " + rest)
            stream.close()
        elif first == b"reset\n":
            stream.sendall(b"some")
            time.sleep(0.1)
            reset(stream)
        elif first == b"drip\n":       # a byte every 100 ms
            for i in range(10):
                stream.sendall(b"%d" % i)
                time.sleep(0.1)
            stream.close()
        elif first == b"watch\n":
            stream.sendall(b"ok")
            try:
                while stream.recv(4096):
                    pass
                log.write("end\n")
            except ConnectionResetError:
                log.write("reset\n")
        elif first == b"arrivals\n":
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while chunk := stream.recv(1):
                stream.sendall(chunk)
    finally:
        log.flush()
listener = socket.create_server(("::", 1000), family=socket.AF_INET6, dualstack_ipv6=True)
log = open(os.environ["T"] + "/server.log", "w")
os.write(3, b"ready\n")
while True:
    threading.Thread(target=serve, args=(listener.accept()[0], log), daemon=True).start()
END
export T
start_ready "$PYTHON" "$T/server.py"
logged() # TEXT
{
	grep -qxF "$1" "$T/server.log"
}

cat >client.py <<'END'
import socket, struct, sys, time
def dial(what):
    stream = socket.create_connection((sys.argv[1], 1000), timeout=10)
    stream.sendall(what + b"\n")
    return stream
def rest(stream):
    got = b""
    while chunk := stream.recv(4096):
        got += chunk
    return got.decode()

stream = dial(b"half-close")
print(rest(stream))
time.sleep(0.1)
stream.sendall(b"still heard")
stream.close()

stream = dial(b"rest")
stream.sendall(b"one ")
time.sleep(0.1)
stream.sendall(b"two")
stream.shutdown(socket.SHUT_WR)
print(rest(stream))

stream = dial(b"reset")
try:
    got = stream.recv(4096)
    print(got.decode(), rest(stream))
except ConnectionResetError:
    print(got.decode(), "reset")

stream = dial(b"drip")
times = []
while stream.recv(1):
    times.append(time.monotonic())
gaps = [b - a for a, b in zip(times, times[1:])]
print(len(times), "bytes,", "evenly" if min(gaps) > 0.05 and max(gaps) < 0.2 else gaps)

stream = dial(b"arrivals")
stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
worst = 0
for i in range(20):
    start = time.monotonic()
    stream.sendall(b"x")
    stream.recv(1)
    worst = max(worst, time.monotonic() - start)
    time.sleep(0.01)
print("there and back", "at once" if worst < 0.05 else worst)

stream = dial(b"watch")
stream.recv(2)
stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
stream.close()
time.sleep(0.2)
END
for name in v4.test v6.test; do
	run nsgate --allow "domain=$name" -- "$PYTHON" client.py "$name"
	expect_eq "$STATUS/$ERR" 0/ "$name"
	expect_eq "$OUT" 'all I have
you said one two
some reset
10 bytes, evenly
there and back at once' "$name"
	wait_until 2 logged "after my end: b'still heard'" || fail "half-closed by the server: $(<"$T/server.log")"
	wait_until 2 logged reset || fail "the client's reset did not arrive: $(<"$T/server.log")"
	: >"$T/server.log"
done

# a client that is killed: its connections end, the server sees it
run nsgate --allow domain=v4.test -- "$PYTHON" -c '
import os, signal, socket
stream = socket.create_connection(("v4.test", 1000))
stream.sendall(b"watch\n")
stream.recv(2)
os.kill(os.getpid(), signal.SIGKILL)'
expect_eq "$STATUS" 137
wait_until 3 grep -qE '^(end|reset)$' "$T/server.log" || fail 'the server does not see that its client was killed'
