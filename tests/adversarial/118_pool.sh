#!/bin/bash
# Row 118: after 65536 names the answer is SERVFAIL; no address ever changes its name, and none is valid in another jail.
# shellcheck source-path=SCRIPTDIR disable=SC2016  # what a jailed shell expands
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_adversary
into_jail "$TEST_ROOT/tests/adversarial/queries.py" >/dev/null

start_dns --address=/ok.test/"$PUB4"
printf '127.0.0.1 localhost\n' >"$T/hosts"
server banner 22

cat >exhaust.py <<'END'
import socket, struct, threading
from queries import *
TOTAL, POOL = 70000, 65536
def batch(first, last):
    """Answers to names first..last, one connection."""
    out = []
    with socket.create_connection(SERVER, timeout=20) as sock:
        def send():
            for i in range(first, last):
                message = query(name(f"host-{i}.ok.test"), number=i % 65536)
                sock.sendall(struct.pack("!H", len(message)) + message)
        sender = threading.Thread(target=send)
        sender.start()
        stream = sock.makefile("rb")
        for i in range(first, last):
            size, = struct.unpack("!H", stream.read(2))
            answer = stream.read(size)
            assert struct.unpack("!H", answer[:2])[0] == i % 65536
            out.append(address(answer) if rcode(answer) == "NOERROR" and count(answer) == 1 else rcode(answer))
        sender.join()
    return out
first = batch(0, TOTAL)
print(len(set(first[:POOL])), set(first[POOL:]))
again = batch(0, TOTAL)
print(again == first)
for i in (0, 4711, POOL - 1):
    with socket.create_connection((first[i], 22), timeout=5) as sock:
        print(sock.recv(64).decode().strip())
END
jailed --allow 'domain=*.ok.test' -- "$PYTHON" exhaust.py
expect_eq "$STATUS/$OUT" "0/65536 {'SERVFAIL'}"$'\nTrue\nSSH-2.0-nsgate_test\nSSH-2.0-nsgate_test\nSSH-2.0-nsgate_test'
[[ $MS -lt 30000 ]] || fail "took $MS ms"
expect_eq "$(records)" $'allow allow-rule host-0.ok.test 22\nallow allow-rule host-4711.ok.test 22\nallow allow-rule host-65535.ok.test 22'
expect_eq "$(queries | grep -c '^deny pool-exhausted')" $((2 * (70000 - 65536))) 'names without an address'
expect_eq "$(queries | grep -v 'pool-exhausted' | sort -u | wc -l)" 65536 'names with one'

# ---- the next jail knows nothing of them
jailed --allow 'domain=*.ok.test' -- sh -c "$EACH" "$ADVERSARY" 198.18.0.1 22 198.18.255.255 22 fd6e:7367:6174:6501::1 22
expect_denied $'ECONNRESET\nECONNRESET\nECONNRESET' \
	$'deny unknown-name 198.18.0.1 22\ndeny unknown-name 198.18.255.255 22\ndeny unknown-name fd6e:7367:6174:6501::1 22'
