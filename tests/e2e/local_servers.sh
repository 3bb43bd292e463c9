#!/bin/bash
# Servers inside the jail are the jail's own matter: reached on any of its addresses, not captured, in no audit.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_ipv6

cat >local.py <<'END'
import os, socket, subprocess, threading
def own(family):
    """The jail's own address, without a packet."""
    probe = socket.socket(family, socket.SOCK_DGRAM)
    probe.connect(("198.51.100.1" if family == socket.AF_INET else "2001:db8::1", 9))
    return probe.getsockname()[0]
own4, own6 = own(socket.AF_INET), own(socket.AF_INET6)
def serve(listener):
    while True:
        stream, peer = listener.accept()
        stream.sendall(stream.recv(100) + b" from " + peer[0].encode())
        stream.close()
port = 5000
def check(bind, targets, family=None):
    global port
    port += 1
    family = family or (socket.AF_INET6 if ":" in bind else socket.AF_INET)
    listener = socket.socket(family)
    listener.bind((bind, port))
    listener.listen()
    threading.Thread(target=serve, args=(listener,), daemon=True).start()
    for target in targets:
        stream = socket.create_connection((target, port), timeout=2)
        peer = stream.getsockname()[0]
        stream.sendall(b"hi")
        answer = stream.recv(100).decode()
        assert answer.replace("::ffff:", "") == "hi from " + peer.replace("::ffff:", ""), (bind, target, answer, peer)
        print(bind, "ok")
check("127.0.0.1", ["127.0.0.1", "localhost"])
check("127.1.2.3", ["127.1.2.3"])
check("::1", ["::1", "localhost"])
check("0.0.0.0", ["127.0.0.1", own4, "0.0.0.0", socket.gethostname()])
check("::", ["::1", "127.0.0.1", own4, own6, "::ffff:127.0.0.1", "::"])
check(own4, [own4])
check(own6, [own6])
# UDP as well
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 5353))
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.sendto(b"datagram", ("127.0.0.1", 5353))
server.settimeout(2)
print(server.recv(100).decode())
# nobody there: refused by the jail itself
try:
    socket.create_connection((own4, 6000), timeout=2)
except ConnectionRefusedError:
    print("refused")
END
for options in '--net gate' '--net gate --allow domain=ok.test --allow cidr=127.0.0.0/8'; do
	# shellcheck disable=SC2086  # words
	run nsgate $options --audit "$T/audit" -- "$PYTHON" local.py
	expect_eq "$STATUS/$ERR" 0/ "$options"
	expect_eq "$(grep -c 'ok$' <<<"$OUT") $(tail -n 2 <<<"$OUT" | xargs)" '17 datagram refused' "$options"
	expect_eq "$(<"$T/audit")" '' "audit with $options"
done

# The caller's loopback is another one: its servers are not there.
server http 8080
for address in 127.0.0.1 '[::1]' localhost; do
	run nsgate --allow cidr=127.0.0.0/8,::1 --allow domain=localhost --audit "$T/audit" -- \
		curl -sS --max-time 2 "http://$address:8080/"
	expect_eq "$STATUS/$OUT" 7/ "the caller's $address"
done
expect_eq "$(arrivals http 8080)/$(<"$T/audit")" 0/ "what reached the caller's loopback"
