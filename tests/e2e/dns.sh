#!/bin/bash
# Every resolver gets an address of nsgate's own for an allowed name, and NXDOMAIN at once for any other.
# shellcheck source-path=SCRIPTDIR disable=SC2016  # what a jailed shell expands
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_command dig

server udp 53
server http 80
own4='198\.1[89]\.[0-9]+\.[0-9]+' own6='fd6e:7367:6174:[0-9a-f:]+'
jail() # COMMAND...
{
	run nsgate --allow domain=ok.test --allow 'domain=*.example.org' --deny domain=not.example.org -- "$@"
}
at_once()
{
	[[ $MS -lt 500 ]] || fail "$MS ms$(last_run)"
}

# ---- libc
jail getent ahosts ok.test
expect_match "$STATUS/$OUT" "^0/.*$own4"
expect_match "$STATUS/$OUT" "^0/.*$own6"
expect_no_match "$OUT" "$PUB4|$PUB6" 'the real address'
jail getent hosts other.test
expect_eq "$STATUS/$OUT" 2/ 'getent of a denied name'
at_once
jail getent ahosts not.example.org
expect_eq "$STATUS/$OUT" 2/ 'getent of a denied name that another rule allows'
# a name has one address, two names have two; all is new in the next jail
jail sh -c 'for name in ok.test OK.test ok.test. a.example.org; do getent ahostsv4 $name | head -n 1 | cut -d" " -f1; done'
expect_eq "$(sort -u <<<"$OUT" | wc -l)" 2 'addresses of two names'

# ---- dig: types, UDP and TCP, whatever server is asked
for server in '' @8.8.8.8 @1.1.1.1 @2001:4860:4860::8888 @11.77.0.99; do
	for transport in +notcp +tcp; do
		ask() # NAME TYPE
		{
			# shellcheck disable=SC2086  # no word without a server
			jail dig $server $transport +time=2 +tries=1 +noall +answer +comments "$1" "$2"
			at_once
		}
		ask ok.test A
		expect_match "$OUT" "status: NOERROR.*ok.test\.[[:space:]]+[0-9]+[[:space:]]IN[[:space:]]A[[:space:]]$own4" "A $server $transport"
		ask ok.test AAAA
		expect_match "$OUT" "status: NOERROR.*IN[[:space:]]AAAA[[:space:]]$own6" "AAAA $server $transport"
		ask other.test A
		expect_match "$OUT" 'status: NXDOMAIN.*ANSWER: 0' "denied $server $transport"
	done
done
for type in TXT HTTPS SVCB MX SRV NS CAA ANY; do
	jail dig +time=2 +tries=1 +noall +answer +comments ok.test "$type"
	expect_match "$OUT" 'status: (NOERROR|REFUSED|NOTIMP).*ANSWER: 0' "$type of an allowed name"
	jail dig +time=2 +tries=1 +noall +answer +comments other.test "$type"
	expect_match "$OUT" 'status: (NXDOMAIN|REFUSED|NOTIMP)' "$type of a denied name"
	at_once
done
jail dig +time=2 +tries=1 +short -x 8.8.8.8
expect_eq "$OUT" '' 'the name of an address'
at_once
jail dig +time=2 +tries=1 +noall +comments other.test A
expect_match "$OUT" 'EDE: ' 'the extended error of a denied name'
# names that carry data out
jail dig +time=2 +tries=1 +noall +comments "$(printf 'a%.0s' {1..60}).$(printf 'b%.0s' {1..60}).evil.test" A
expect_match "$OUT" 'status: NXDOMAIN'

# ---- resolvers that programs bring along: none of libc's
jail "$PYTHON" -c 'import socket; print(socket.gethostbyname("ok.test")); socket.gethostbyname("other.test")'
expect_match "$STATUS/$OUT" "^1/$own4$" python
expect_match "$ERR" 'Name or service not known'
if type -P node >/dev/null; then
	jail node -e 'const dns = require("dns").promises
		const resolver = new dns.Resolver(); resolver.setServers(["9.9.9.9"])
		Promise.all([dns.lookup("ok.test"), dns.resolve4("ok.test"), resolver.resolve6("ok.test")]).then(async found => {
			console.log(found[0].address, found[1][0], found[2][0])
			await dns.resolve4("other.test").catch(error => console.log(error.code))
			await dns.lookup("other.test").catch(error => console.log(error.code))
		})'
	expect_match "$STATUS/$OUT" "^0/($own4|$own6) $own4 $own6"$'\nENOTFOUND\nENOTFOUND$' node
fi
if type -P busybox >/dev/null; then
	jail busybox nslookup ok.test
	expect_match "$STATUS/$OUT" "^0/.*$own4"
	jail busybox nslookup other.test
	expect_match "$OUT$ERR" NXDOMAIN
	# statically linked: nothing that a library could have changed
	jail busybox wget -qO- http://ok.test/hello
	expect_eq "$STATUS/$OUT" '0/hello from ok.test' 'a static client'
	jail busybox wget -T 5 -qO- http://other.test/
	# Debian's crashes here, outside of a jail as well
	[[ $STATUS -ne 0 && ! $OUT ]] || fail "a static client reaches what is denied$(last_run)"
	at_once
fi
jail wget -T 5 -qO- http://ok.test/hello
expect_eq "$STATUS/$OUT" '0/hello from ok.test' wget
jail wget -T 5 -t 1 -qO- http://other.test/
expect_eq "$STATUS/$OUT" 4/ 'wget, denied'
at_once

# ---- names of the machine itself need no rule and lead nowhere else
run nsgate --hostname box -- sh -c 'getent ahostsv4 localhost; getent ahostsv6 localhost; getent hosts box'
expect_match "$STATUS/$OUT" '^0/127\.0\.0\.1 .*::1 .*box'
expect_no_match "$ERR" denied
run nsgate -- dig +time=2 +tries=1 +short localhost A
expect_match "$OUT" '^(127\.0\.0\.1)?$' 'localhost by dig'

# ---- none of all this left the machine
expect_eq "$(arrivals udp 53)" 0 'queries that got out'
