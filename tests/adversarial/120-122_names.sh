#!/bin/bash
# Rows 120 to 122: a name is what it says in one spelling, no search domain is added to it, and a denied one gets no address.
# shellcheck source-path=SCRIPTDIR disable=SC2016  # what a jailed shell expands
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_adversary
into_jail "$TEST_ROOT/tests/adversarial/queries.py" >/dev/null

# ---- row 120: every query on the wire, and whether its name is ok.test
cat >spellings.py <<'END'
import sys
from queries import *
rows = [
    (name("ok.test"), True),
    (name("OK.tEsT"), True),
    (name("ok.test."), True),
    (labels(b"ok.test"), False),                # a dot inside a label
    (labels(b"ok", b"test\0"), False),
    (labels(b"ok\0", b"test"), False),
    (labels(b"ok", b"test", b"\0"), False),
    (labels(b"ok ", b"test"), False),
    (labels(b"\tok", b"test"), False),
    (labels(b"ok", b"test\n"), False),
    (name("ok%00.test"), False),
    (name("ok.test%2eevil"), False),
    (name("a@ok.test"), False),
    (name("evil.test\\.ok.test"), False),
    (name("ok\\046test"), False),
    (name("evil.test/ok.test"), False),
    (name("ok.test:80"), False),
    (name("ok.test#"), False),
    (labels("о".encode(), b"test"), False),     # Cyrillic
    (labels("ｏｋ".encode(), b"test"), False),  # full width
    (labels("ok。test".encode()), False),       # an ideographic full stop
    (labels(b"\xef\xbb\xbfok", b"test"), False),
    (name("xn--ok-.test"), False),
    (name("-ok.test"), False),
    (name("ok-.test"), False),
    (name("_ok.test"), False),
    (name("www.ok.test"), False),
    (name("ok.test.evil.test"), False),
    (name("evilok.test"), False),
    (name("*.test"), False),
    (labels(b"a" * 63, b"b" * 63, b"c" * 63, b"d" * 50, b"ok", b"test"), False),
]
for wire, is_ok in rows:
    answer = ask(query(wire))
    got = rcode(answer)
    if is_ok and not (got == "NOERROR" and count(answer) == 1 and answer[12:12 + len(wire)] == wire):
        print("not taken for ok.test:", wire, got)
    if not is_ok and (count(answer) != 0 or got not in ("NXDOMAIN", "FORMERR", "REFUSED")):
        print("taken for ok.test:", wire, got)
print("done")
END
for mode in synthetic real; do
	jailed "${POLICY[@]}" --dns "$mode" -- "$PYTHON" spellings.py
	expect_eq "$STATUS/$OUT" 0/done "spellings, $mode"
	expect_eq "$(queries | grep '^allow' | sort -u)" 'allow allow-rule ok.test A' "what was allowed, $mode"
done
jailed --allow 'domain=*.ok.test' -- dig +short +tries=1 +time=2 _x._tcp.ok.test
expect_match "$OUT" '^198\.18\.' 'an underscore is part of names'

# ---- row 121: the caller's search domains are nobody's business, and the proxy does not use them, either
start_dns --local=/test/ --address=/ok.corp.test/"$PUB4"
printf 'nameserver %s\nsearch corp.test\noptions ndots:5\n' "$DNS4" >"$T/resolv.conf"
printf '127.0.0.1 localhost\n' >"$T/hosts"
run getent hosts ok
expect_match "$OUT" ok.corp.test 'without a jail'
: >"$T/dns.log"
jailed --allow 'domain=*' -- sh -c 'cat /etc/resolv.conf; getent hosts ok >/dev/null; dig +short +search ok >/dev/null'
expect_no_match "$OUT" 'search|domain|corp' 'resolv.conf'
expect_match "$OUT" 'options.*ndots:1' 'resolv.conf'
expect_eq "$(queries | awk '{ print $3 }' | sort -u)" ok 'names that were asked for'
for mode in synthetic real; do
	jailed --allow 'domain=*' --dns "$mode" -- bash -c "$EACH_NAME" 22 ok
	expect_eq "$OUT" 'ok []' "$mode"
done
expect_eq "$(grep -c 'corp' "$T/dns.log" || true)" 0 'upstream queries with a search domain'
expect_match "$(<"$T/dns.log")" 'query\[A\] ok from' 'upstream queries'

# ---- row 122: a denied name has no address, and takes none from others
host ok.test "$PUB4"
host evil.test "$PUB4_B"
server banner 80
jailed "${POLICY[@]}" -- bash -c 'for i in 1 2 3; do getent hosts evil$i.test evil.test; done
	for address in 198.18.0.1 198.18.0.2 fd6e:7367:6174:6501::1; do "$0" dial $address 80; done
	getent ahostsv4 ok.test | head -n 1 | cut -d " " -f 1; "$0" dial 198.18.0.1 80; "$0" dial 198.18.0.2 80' "$ADVERSARY"
expect_eq "$OUT" $'ECONNRESET\nECONNRESET\nECONNRESET\n198.18.0.1\ngot SSH-2.0-nsgate_test\nECONNRESET'
# sorted: what is allowed is on record when both sides have closed, maybe after the next one
expect_eq "$(records | sort)" $'allow allow-rule ok.test 80\ndeny unknown-name 198.18.0.1 80\ndeny unknown-name 198.18.0.2 80\ndeny unknown-name 198.18.0.2 80\ndeny unknown-name fd6e:7367:6174:6501::1 80'
jailed "${POLICY[@]}" --dns real -- bash -c 'getent hosts evil.test; "$0" dial "$1" 80; "$0" dial 198.18.0.1 80' "$ADVERSARY" "$PUB4_B"
expect_eq "$OUT" $'ECONNRESET\nECONNRESET'
expect_eq "$(records)" "deny raw-ip $PUB4_B 80"$'\ndeny raw-ip 198.18.0.1 80'
