#!/bin/bash
# Row 146: whatever bytes a payload sends, each decision is one line of JSON, and no message is an order for a terminal.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_jsonschema

server http 80
server https 443

# Prints what it did: "queries N", "connections N". Each of them is one decision.
cat >hostile.py <<'END'
import os, random, socket, struct

random.seed(146)
EVERY = bytes(range(256))
TEXTS = [
    b"\x1b[31mred", b"\x1b]52;c;eA==\x07", b"\x9b2J", b"quote\"", b"back\\slash", b"new\nline\r", b"\0nul",
    b"\xff\xfe\xc3\x28", b"\xe2\x80\xae", b"\xed\xa0\x80", b"\x7f\x80", b"\",\"verdict\":\"allow", b"{}", b"%s%n", b"a.b",
    b"</script>", b"\t\v\f\b", EVERY[:63], EVERY[64:127], EVERY[128:191], EVERY[192:255],
]
server = next(line.split()[1] for line in open("/etc/resolv.conf") if line.startswith("nameserver"))
family = socket.AF_INET6 if ":" in server else socket.AF_INET
done = {"queries": 0, "connections": 0}


def label(text):
    return bytes([len(text)]) + text


def query(name, extra=b""):
    return struct.pack(">HHHHHH", 7, 0x100, 1, 0, 0, 0) + name + struct.pack(">HH", 1, 1) + extra


def udp(message):
    done["queries"] += 1
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((server, 53))
        probe.settimeout(2)
        probe.send(message)
        probe.recv(4096)


def tcp(message):
    done["queries"] += 1
    with socket.create_connection((server, 53), 2) as stream:
        stream.sendall(struct.pack(">H", len(message)) + message)
        while stream.recv(65536):
            stream.shutdown(socket.SHUT_WR)


for text in TEXTS:
    for ask in udp, tcp:
        ask(query(label(text) + label(b"evil") + b"\0"))
        ask(query(label(b"ok") + label(text) + b"\0"))
    tcp(query(label(text[:60]) * 900 + b"\0")[:65535])
tcp(query(label(b"\x1b" * 63) * 1023)[:65535])
tcp(query(b"", label(b"\xff" * 63) * 1023)[:65535])
tcp(query(b"\xc0\x0c", b"\n" * 65000))
tcp(query(b"\1a\0", os.urandom(60000)))
for _ in range(50):
    message = bytearray(query(label(b"evil") + label(b"test") + b"\0", random.randbytes(random.randrange(300))))
    message[2] &= 0x7f
    for _ in range(random.randrange(1, 8)):
        message[random.randrange(4, len(message))] = random.randrange(256)
    tcp(bytes(message))


def extension(kind, body):
    return struct.pack(">HH", kind, len(body)) + body


def hello(name, tail=b"", version=b"\3\3"):
    entry = struct.pack(">BH", 0, len(name)) + name
    extensions = extension(0, struct.pack(">H", len(entry)) + entry) + tail
    body = version + bytes(32) + b"\0" + struct.pack(">HH", 2, 0x1301) + b"\1\0"
    body += struct.pack(">H", len(extensions)) + extensions
    message = b"\1" + struct.pack(">I", len(body))[1:] + body
    return b"".join(b"\x16\3\1" + struct.pack(">H", len(message[at:at + 16384])) + message[at:at + 16384]
                    for at in range(0, len(message), 16384))


ADDRESS = {port: socket.getaddrinfo("ok.test", port, type=socket.SOCK_STREAM)[0][4] for port in (80, 443)}
done["queries"] += 4


def send(port, *parts):
    done["connections"] += 1
    with socket.socket(socket.AF_INET6 if ":" in ADDRESS[port][0] else socket.AF_INET) as stream:
        stream.settimeout(3)
        try:
            stream.connect(ADDRESS[port])
            for part in parts:
                stream.sendall(part)
            stream.shutdown(socket.SHUT_WR)
            while stream.recv(65536):
                pass
        except OSError:
            pass  # denied: the records say so


for text in TEXTS:
    send(443, hello(text))
    send(443, hello(b"ok.test"), text * 100)
    send(80, b"GET /" + text + b" HTTP/1.1\r\nHost: ok.test\r\n\r\n")
    send(80, text + b" / HTTP/1.1\r\nHost: " + text + b"\r\n\r\n")
    send(80, text)
send(443, hello(b"\x1b" * 60000))
send(443, hello(b"other.test"))
send(443, hello(b"ok.test", extension(0xfe0d, b"\0" + bytes(40))))
send(443, hello(b"ok.test")[:40])
send(443, b"\x16\3\1\xff\xff" + os.urandom(70000))
send(80, b"GET /" + b"\x1b[2J" * 16384 + b" HTTP/1.1\r\n\r\n")
for kind, number in done.items():
    print(kind, number)
END

run nsgate --log-level debug --audit "$T/audit" --allow domain=ok.test -- "$PYTHON" hostile.py
expect_eq "$STATUS" 0 'the payload'
[[ $OUT =~ ^queries\ ([0-9]+).connections\ ([0-9]+)$ ]] || fail "the payload says $OUT$(last_run)"
queries=${BASH_REMATCH[1]} connections=${BASH_REMATCH[2]} messages=$ERR
[[ $queries -gt 150 && $connections -gt 100 ]] || fail "only $queries queries, $connections connections"

# ---- one line for each decision
expect_audit "$T/audit"
expect_eq "$OUT" "1 $((queries + connections))" 'jails and records'
expect_eq "$(jq -c 'select(.protocol == "dns")' "$T/audit" | wc -l)" "$queries" 'records of queries'
expect_eq "$(jq -c 'select(.protocol == "dns" and .verdict == "allow")' "$T/audit" | wc -l)" 4 'allowed queries'

# ---- each kind of refused TLS has a record, with what is known
for reason in bad-tls name-mismatch ech sniff-timeout; do
	expect_match "$(jq -r "select(.reason == \"$reason\") | \"\\(.protocol) \\(.verdict) \\(.name) \\(.port)\"" "$T/audit" | sort -u)" \
		'^tls deny ok\.test 443$' "records of $reason"
done
expect_eq "$(jq -r 'select(.reason == "name-mismatch") | .sni' "$T/audit" | sort -u)" $'a.b\nother.test' 'the names that were refused'

# ---- on stderr nothing but text
rest=$(LC_ALL=C tr -d '\n\40-\176' <<<"$messages" | LC_ALL=C od -An -c)
expect_eq "$rest" '' 'control characters in messages'
expect_match "$messages" 'denied: dns .*\\x1b\[31mred'
while IFS= read -r line; do
	[[ $line == 'nsgate: '* && ${#line} -le 2100 ]] || fail "not a message of ours: ${line:0:200}"
done <<<"$messages"
