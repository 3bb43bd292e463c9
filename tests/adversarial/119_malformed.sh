#!/bin/bash
# Row 119: a malformed message gets an error or nothing, a record, and does no harm to the next one.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
into_jail "$TEST_ROOT/tests/adversarial/queries.py" >/dev/null

# The parser itself is held by tests/fuzz/fuzz_dns.c, fuzz_records.c and tests/unit/check_proxy_dns_answer.c; here it is live.
cat >malformed.py <<'END'
import os, struct
from queries import *
OK = name("ok.test")
OPT = b"\0\0\x29\x04\xd0\0\0\0\0"
rows = [
    ("no question", struct.pack("!6H", 7, 0x100, 0, 0, 0, 0), "FORMERR"),
    ("two questions", query(OK, counts=(2, 0, 0, 0), tail=OK + b"\0\1\0\1"), "FORMERR"),
    ("two announced", query(OK, counts=(2, 0, 0, 0)), "FORMERR"),
    ("65535 announced", query(OK, counts=(65535, 65535, 65535, 65535)), "FORMERR"),
    ("an answer inside", query(OK, counts=(1, 1, 0, 0), tail=b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4abcd"), "FORMERR"),
    ("a pointer to itself", query(b"\xc0\x0c"), "FORMERR"),
    ("a pointer forward", query(b"\xc0\xff"), "FORMERR"),
    ("a loop of two", query(b"\2ok\xc0\x0c"), "FORMERR"),
    ("a label type of old", query(b"\x40ok\0"), "FORMERR"),
    ("a label past the end", struct.pack("!6H", 7, 0x100, 1, 0, 0, 0) + b"\x3fok", "FORMERR"),
    ("a name of 300 bytes", query(labels(*[b"a" * 59] * 5)), "FORMERR"),
    ("a name without an end", struct.pack("!6H", 7, 0x100, 1, 0, 0, 0) + labels(*[b"a"] * 120)[:-1], "FORMERR"),
    ("cut in the type", query(OK)[:-3], "FORMERR"),
    ("bytes behind it", query(OK, tail=b"x"), "FORMERR"),
    ("EDNS twice", query(OK, counts=(1, 0, 0, 2), tail=(OPT + b"\0\0") * 2), "FORMERR"),
    ("EDNS cut", query(OK, counts=(1, 0, 0, 1), tail=OPT[:5]), "FORMERR"),
    ("EDNS whose length lies", query(OK, counts=(1, 0, 0, 1), tail=OPT + b"\xff\xff"), "FORMERR"),
    ("EDNS of no size", query(OK, counts=(1, 0, 0, 1), tail=b"\0\0\x29\0\0\0\0\0\0\0\0"), "NOERROR"),
    ("an update", query(OK, flags=0x2900), "NOTIMP"),
    ("a response", query(OK, flags=0x8180), "none"),
    ("less than a header", b"\0" * 11, "none"),
    ("nothing", b"", "none"),
]
for what, message, expected in rows:
    got = rcode(ask(message, 0.3 if expected == "none" else 2))
    if got != expected:
        print(f"{what}: {got} instead of {expected}")
frame = lambda message: struct.pack("!H", len(message)) + message
good = query(OK)
for what, data, answers in [
    ("a length of zero", b"\0\0" + frame(good), 0),
    ("a length that lies", struct.pack("!H", len(good) + 40) + good, 0),
    ("a length that is too small", struct.pack("!H", len(good) - 1) + good, 1),
    ("half a length", b"\0", 0),
    ("a response, then a query", frame(query(OK, flags=0x8180)) + frame(good), 0),
    ("a good one", frame(good), 1),
]:
    got = ask_stream(data) or b""
    count = 0
    while got:
        count, got = count + 1, got[2 + struct.unpack("!H", got[:2])[0]:]
    if count != answers:
        print(f"{what}: {count} answers instead of {answers}")
for _ in range(2000):
    ask_silently = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    ask_silently.sendto(os.urandom(1 + _ % 300), SERVER)
    ask_silently.close()
for _ in range(5): # what comes while the queue is full is lost, as with every resolver
    got = ask(good)
    if got:
        break
print(rcode(got), address(got))
END
sed -i 's/^import os, struct$/import os, socket, struct/' malformed.py
for mode in synthetic dummy real; do
	jailed "${POLICY[@]}" --dns "$mode" --dns-type MX -- "$PYTHON" malformed.py
	case $mode in
	synthetic) expected=198.18.0.1 ;;
	dummy) expected=6.6.6.6 ;;
	real) expected=$PUB4 ;;
	esac
	expect_eq "$STATUS/$OUT" "0/NOERROR $expected" "$mode"
	[[ $(queries | grep -c '^deny bad-query ') -gt 20 ]] || fail "no records of malformed messages: $mode"
	jq -es 'length > 0' "$T/audit" >/dev/null || fail "the audit is no JSON any more: $mode"
done
