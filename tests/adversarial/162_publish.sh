#!/bin/bash
# Row 162: a published port lets data in, and gives the jail no descriptor, address or listener of the caller's.
# shellcheck source-path=SCRIPTDIR disable=SC2016  # what a jailed shell expands
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_adversary
need_confined

server banner 9999
cat >hostile.py <<'END'
"""Serves one connection that came in, and tries everything with what it has got."""
import os, socket, subprocess, sys
confined, adversary, private = sys.argv[1:]
listener = socket.create_server(("127.0.0.1", 3000))
open("ready", "w").write("ready")
stream, peer = listener.accept()
print("peer", peer[0])
print("cookie", stream.getsockopt(socket.SOL_SOCKET, 71, 8) == listener.getsockopt(socket.SOL_SOCKET, 71, 8))
own = {0, 1, 2, listener.fileno(), stream.fileno()}
seen = map(int, os.listdir("/proc/self/fd"))
print("descriptors", [fd for fd in seen if fd not in own and os.path.lexists(f"/proc/self/fd/{fd}")])
# nothing else comes through it than bytes
_, ancillary, _, _ = stream.recvmsg(10, socket.CMSG_SPACE(64))
print("ancillary", ancillary)
# its other end cannot be had, nor who made it
sys.stdout.flush()
subprocess.run([confined, "process", "1"])
for line in open("/proc/net/unix").read().splitlines()[1:]:
    print("unix", line)
# dialling back through it
for address in ("127.0.0.1", "198.19.255.253", private, "::1"):
    sys.stdout.flush()
    print("back", address, subprocess.run([adversary, "dial", address, "3001"], capture_output=True, text=True).stdout.strip())
stream.sendall(b"done\n")
END

# A hostile server behind port 3000; a second published port leads to the same.
rm -f "$T/audit"
start_nsgate --audit "$T/audit" --publish 3000 --publish "$PRIV4:3001:3000" "${POLICY[@]}" -- \
	"$PYTHON" hostile.py "$CONFINED" "$ADVERSARY" "$PRIV4" >"$T/out" 2>"$T/err"
wait_until 10 test -s ready || fail "not ready: $(<"$T/err")"

# the control: the listeners are there, and the first process has its end of the pair
is_listening 3001 || fail 'the second port is not published'
init=
for pid in $(<"/proc/$NSGATE_PID/task/$NSGATE_PID/children"); do
	[[ $(<"/proc/$pid/comm") != nsgate-init ]] || init=$pid
done
# COUNT PID; where the test is no real root it may not look
expect_sockets()
{
	! ls "/proc/$2/fd" >/dev/null 2>&1 ||
		expect_eq "$(find "/proc/$2/fd" -lname 'socket:*' | wc -l)" "$1" 'sockets of the first process'
}
expect_sockets 1 "$init"
run sh -c 'echo hello | nc -w 10 127.0.0.1 3000'
expect_eq "$OUT" 'done'
finish_nsgate 5

OUT=$(<"$T/out") ERR=$(<"$T/err")
answer() # NAME
{
	sed -n "s|^$1 ||p" <<<"$OUT"
}
expect_eq "$(answer peer)" 127.0.0.1 'who seems to connect'
expect_eq "$(answer cookie)" True 'the network that the connection lives in'
expect_eq "$(answer descriptors)" '[]' 'descriptors of the program'
expect_eq "$(answer ancillary)" '[]' 'what came beside the bytes'
for name in ptrace-seize pidfd_getfd open-mem open-root open-fd/0 open-ns/net; do
	expect_match "$(answer "$name")" '^(EPERM|EACCES)$' "$name of the jail's first process"
done
expect_eq "$(answer unix)" '' 'unix sockets of the jail'
expect_eq "$(answer back)" "127.0.0.1 ECONNREFUSED
198.19.255.253 ECONNRESET
$PRIV4 ECONNRESET
::1 ECONNREFUSED" 'dialling back'
expect_eq "$(records | sort)" "allow published 127.0.0.1 3000
deny raw-ip $PRIV4 3001
deny unknown-name 198.19.255.253 3001"
expect_arrivals banner 9999 0

# ---- where nothing is published, the first process has no such end and makes no socket
rm -f ready
start_nsgate "${POLICY[@]}" -- sh -c 'echo ready >ready; sleep 100'
wait_until 10 test -s ready || fail 'not ready'
for pid in $(<"/proc/$NSGATE_PID/task/$NSGATE_PID/children"); do
	[[ $(<"/proc/$pid/comm") != nsgate-init ]] || expect_sockets 0 "$pid"
done
kill -9 "$NSGATE_PID"
wait "$NSGATE_PID" 2>/dev/null || true
