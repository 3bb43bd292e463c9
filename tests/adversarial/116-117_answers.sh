#!/bin/bash
# Rows 116, 117: an allowed name whose server answers with a denied alias, a private address, or another address each time, leads nowhere else.
# shellcheck source-path=SCRIPTDIR disable=SC2016  # what a jailed shell expands
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_adversary

# A server as an attacker runs it: each answer lives 0 seconds, and every other one is the caller's loopback.
cat >rebind.py <<'END'
import os, socket, struct, sys
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind((sys.argv[1], 53))
os.write(3, b"ready\n")
seen = {}
while True:
    message, peer = sock.recvfrom(512)
    end = message.index(b"\0", 12)
    name, qtype = message[12:end + 1], message[end + 1:end + 3]
    first = name[1:1 + name[0]].decode()
    answers = []
    if first == "turn" and qtype == b"\0\1":
        seen[first] = seen.get(first, 0) + 1
        answers = [sys.argv[2] if seen[first] % 2 else "127.0.0.1"]
    elif first == "inner" and qtype == b"\0\1":
        answers = ["10.77.0.1"]
    elif first == "both" and qtype == b"\0\1":
        answers = ["127.0.0.1", sys.argv[2]]
    records = [b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4" + socket.inet_aton(answer) for answer in answers]
    if first == "alias" and qtype == b"\0\1":  # CNAME not.test, A
        records = [b"\xc0\x0c\0\5\0\1\0\0\0\0\0\x0a\3not\4test\0",
                   b"\3not\4test\0\0\1\0\1\0\0\0\0\0\4" + socket.inet_aton(sys.argv[2])]
    head = message[:2] + b"\x81\x80\0\1" + struct.pack("!H", len(records)) + b"\0\0\0\0"
    sock.sendto(head + message[12:end + 5] + b"".join(records), peer)
    print(first, qtype[1], answers, file=sys.stderr)
END
start_ready "$PYTHON" rebind.py "$DNS4" "$PUB4"
server banner 22
run "$ADVERSARY" dial 127.0.0.1 22
expect_eq "$OUT" 'got SSH-2.0-nsgate_test' 'the loopback without a jail'
rules=(--allow 'domain=*.evil.test' --deny domain=not.test)

# ---- row 116
jailed "${rules[@]}" -- bash -c "$EACH_NAME" 22 alias.evil.test inner.evil.test both.evil.test
expect_eq "$OUT" $'alias.evil.test []\ninner.evil.test []\nboth.evil.test [SSH-2.0-nsgate_test]'
expect_eq "$(records)" $'deny deny-rule alias.evil.test 22\ndeny private-address inner.evil.test 22\nallow allow-rule both.evil.test 22'
jailed --dns real "${rules[@]}" -- sh -c 'for name in alias inner both; do dig +tries=1 +time=3 +short $name.evil.test; done'
expect_eq "$OUT" "$PUB4" 'with real addresses: the one that is public'
expect_eq "$(queries)" $'deny deny-rule alias.evil.test A\ndeny private-address inner.evil.test A\nallow allow-rule both.evil.test A'
jailed --dns real "${rules[@]}" -- bash -c "$EACH_NAME" 22 alias.evil.test inner.evil.test both.evil.test
expect_eq "$OUT" $'alias.evil.test []\ninner.evil.test []\nboth.evil.test [SSH-2.0-nsgate_test]'

# ---- row 117: for longer than any answer is kept
turns='for i in 1 2 3 4; do
	line=$(exec 5<>/dev/tcp/turn.evil.test/22 && read -r line <&5 && echo "$line" | tr -d "\r")
	echo "[$line]"
	read -r -t 1.2 <> <(:) || true
done 2>/dev/null'
jailed "${rules[@]}" -- bash -c "$turns"
expect_match "$OUT" '\[\]' 'refused when it is the loopback'
expect_match "$OUT" 'SSH' 'and reached when it is not'
expect_eq "$(records | sort -u)" $'allow allow-rule turn.evil.test 22\ndeny private-address turn.evil.test 22'
expect_eq "$(jq -r '.dialed // empty' "$T/audit" | sort -u)" "$PUB4" 'what was dialled'
jailed --dns real "${rules[@]}" -- bash -c "$turns"
expect_eq "$(jq -r '.dialed // empty' "$T/audit" | sort -u)" "$PUB4" 'what was dialled, with real addresses'
expect_match "$(queries | sort -u)" 'deny private-address turn\.evil\.test A'
# an address that was given stays what it is
jailed --dns real "${rules[@]}" -- bash -c "dig +short turn.evil.test A; dig +short turn.evil.test A; $EACH" "$ADVERSARY" 127.0.0.1 22 "$PUB4" 22
expect_match "$OUT" $'ECONNREFUSED\ngot SSH-2.0-nsgate_test$' 'the jail has a loopback of its own'
