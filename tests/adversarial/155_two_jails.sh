#!/bin/bash
# Row 155: two jails at once, of one caller, do not see each other's ports, names, files, memory, sockets or processes.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_command ipcs

server http 80
JAIL_A=(--allow domain=ok.test --allow domain=v4.test)
JAIL_B=(--allow domain=other.test)

# What a program finds of another one, a line each: "KIND found" or "KIND none". The directory, which both
# jails share because the caller said so, is how the test leads them.
cat >probe.py <<'END'
import os, socket, subprocess, sys

def found(kind, attempt):
    try:
        attempt()
        print(kind, "found")
    except OSError:
        print(kind, "none")

def dial(family, kind, address):
    with socket.socket(family, kind) as probe:
        probe.settimeout(2)
        probe.connect(address)
        if kind == socket.SOCK_DGRAM:
            probe.send(b"?")
        probe.recv(1)

def shared_memory():
    if "0x00000155" not in subprocess.run(["ipcs", "-m"], capture_output=True, text=True).stdout:
        raise OSError

def process():
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            if b"tenant.py" in file.read():
                return os.kill(int(pid), 0)
    raise ProcessLookupError

v4, v6, unix = socket.AF_INET, socket.AF_INET6, socket.AF_UNIX
found("loopback", lambda: dial(v4, socket.SOCK_STREAM, ("127.0.0.1", 5550)))
found("loopback6", lambda: dial(v6, socket.SOCK_STREAM, ("::1", 5550)))
found("jail-address", lambda: dial(v4, socket.SOCK_STREAM, (sys.argv[1], 5550)))
found("jail-address6", lambda: dial(v6, socket.SOCK_STREAM, (sys.argv[2], 5550)))
found("datagrams", lambda: dial(v4, socket.SOCK_DGRAM, ("127.0.0.1", 5551)))
found("abstract", lambda: dial(unix, socket.SOCK_STREAM, "\0nsgate-155"))
found("unix", lambda: dial(unix, socket.SOCK_STREAM, "/tmp/nsgate-155"))
for directory in "/tmp", "/dev/shm", "/run", "/var/tmp":
    if os.path.exists("wrote" + directory.replace("/", "-")):
        found(directory, lambda: os.stat(directory + "/nsgate-155-file"))
found("shared-memory", shared_memory)
found("process", process)
END

# Leaves something of each kind, asks for two names, probes, and waits.
cat >tenant.py <<'END'
import ctypes, os, socket, subprocess, sys, threading, time

def serve(family, address):
    listener = socket.socket(family, socket.SOCK_STREAM)
    if family == socket.AF_INET6:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    listener.bind(address)
    listener.listen()
    def answer():
        while True:
            peer, _ = listener.accept()
            peer.send(b"x")
            peer.close()
    threading.Thread(target=answer, daemon=True).start()

def echo():
    while True:
        _, peer = datagrams.recvfrom(10)
        datagrams.sendto(b"x", peer)

serve(socket.AF_INET, ("0.0.0.0", 5550))
serve(socket.AF_INET6, ("::", 5550))
serve(socket.AF_UNIX, "\0nsgate-155")
serve(socket.AF_UNIX, "/tmp/nsgate-155")
datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
datagrams.bind(("127.0.0.1", 5551))
threading.Thread(target=echo, daemon=True).start()
for directory in "/tmp", "/dev/shm", "/run", "/var/tmp":
    try:
        open(directory + "/nsgate-155-file", "w").close()
        open("wrote" + directory.replace("/", "-"), "w").close()
    except OSError:
        pass  # not writable in a jail
if ctypes.CDLL(None, use_errno=True).shmget(0x155, 4096, 0o1666) < 0:
    raise OSError(ctypes.get_errno(), "shmget")
with open("names", "w") as names:
    for name in "ok.test", "v4.test":
        print(name, socket.getaddrinfo(name, 80, socket.AF_INET, socket.SOCK_STREAM)[0][4][0], file=names)
with open("own", "w") as own:
    subprocess.run([sys.executable, "probe.py", *sys.argv[1:]], stdout=own, check=True)
os.rename("own", "own-probe")
while not os.path.exists("enough"):
    time.sleep(0.01)
END

rm -f "$T/audit-a"
start_nsgate --audit "$T/audit-a" "${JAIL_A[@]}" -- "$PYTHON" tenant.py "$JAIL4" "$JAIL6" >"$T/.a" 2>&1
wait_until 15 test -e own-probe || fail "the first jail does not get so far: $(<"$T/.a")"
expect_eq "$(grep -c ' found$' own-probe)" "$(grep -c . own-probe)" "what a jail finds of itself: $(<own-probe)"
[[ $(grep -c . own-probe) -ge 11 ]] || fail "too little to find: $(<own-probe)"
# A kind that no second jail could miss is in place: the same address would be there for the taking.
expect_eq "$(<names)" $'ok.test 198.18.0.1\nv4.test 198.18.0.2' 'names of the first jail'

# ---- the second jail finds none of it
jailed "${JAIL_B[@]}" -- "$PYTHON" probe.py "$JAIL4" "$JAIL6"
expect_eq "$STATUS" 0
expect_eq "$OUT" "$(sed 's/ found$/ none/' own-probe)" 'what another jail finds'

# ---- its names are its own: an address that the first jail was given leads nowhere, or to its own name
# shellcheck disable=SC2016  # the inner shell's
jailed "${JAIL_B[@]}" -- sh -c 'for address in 198.18.0.1 198.18.0.2; do
		curl -s --max-time 3 "http://$address/hello"; echo " $?"; done
	curl -s http://other.test/hello; curl -s http://198.18.0.1/hello; curl -s http://198.18.0.2/hello; echo " $?"'
expect_match "$OUT" $'^ [0-9]+\n [0-9]+\nhello from other.test.*hello from 198\.18\.0\.1.* [1-9][0-9]*$'
expect_eq "$(records)" 'deny unknown-name 198.18.0.1 80
deny unknown-name 198.18.0.2 80
allow allow-rule other.test 80
allow allow-rule other.test 80
deny unknown-name 198.18.0.2 80' 'records'

# ---- the first is as it was, and its log has nothing of the other
: >enough
finish_nsgate 10
expect_eq "$STATUS" 0 "the first jail: $(<"$T/.a")"
expect_eq "$(jq -r .name "$T/audit-a" | sort -u | xargs)" 'ok.test v4.test' 'names in the log of the first jail'
[[ $(jq -r .jail "$T/audit-a" | sort -u) != $(jq -r .jail "$T/audit" | sort -u) ]] || fail 'both jails have one id'
