#!/bin/bash
# TLS passes untouched where its SNI is the name that was asked for, and is denied where it is another one.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_command openssl

server https 443
server https 8443
cp -- "$T/ca.pem" ca.pem
jail() # COMMAND...
{
	run nsgate --audit "$T/audit" --allow domain=ok.test --allow domain=v6.test --allow "cidr=$PUB4_B" \
		--deny domain=not.test -- "$@"
}
last_record() # FIELD...
{
	tail -n 1 "$T/audit" | jq -r "[.$1, .$2, .$3] | join(\" \")"
}

# ---- the name is the name: the client talks to the server itself, whose certificate it checks
for url in https://ok.test/hello https://ok.test:8443/hello https://v6.test/hello; do
	for version in --tlsv1.2\ --tls-max\ 1.2 --tlsv1.3; do
		# shellcheck disable=SC2086  # two words
		jail curl -sS --cacert ca.pem $version "$url"
		name=${url#https://} name=${name%%[:/]*}
		expect_eq "$STATUS/$OUT/$ERR" "0/hello from $name/" "$url $version"
		expect_eq "$(last_record protocol verdict name)" "tls allow $name"
	done
done
jail sh -c 'openssl s_client -connect ok.test:443 -servername ok.test </dev/null 2>/dev/null |
	openssl x509 -noout -fingerprint -sha256'
expect_eq "$OUT" "$(openssl x509 -in "$T/server.pem" -noout -fingerprint -sha256)" 'the certificate seen in the jail'
# without our CA it fails, as outside
jail curl -sS https://ok.test/
expect_eq "$STATUS" 60 'an unknown CA'
# names are compared without regard to case
jail curl -sS --cacert ca.pem https://OK.test/hello
expect_eq "$STATUS" 0 'https://OK.test'
: >"$T/https-443.log"
: >"$T/https-8443.log"

# ---- another name: fronting
mismatch() # SNI ARGUMENT...
{
	local sni=$1
	shift

	: >"$T/audit"
	jail curl -sS --cacert ca.pem --max-time 5 "$@"
	[[ $STATUS -ne 0 && ! $OUT ]] || fail "SNI $sni was let through$(last_run)"
	[[ $MS -lt 500 ]] || fail "SNI $sni was denied after $MS ms only"
	expect_match "$ERR" "denied: tls ok.test:443 \(name-mismatch: .*SNI $sni\)" "SNI $sni"
	expect_eq "$(last_record verdict reason sni)" "deny name-mismatch $sni"
	expect_eq "$(tail -n 1 "$T/audit" | jq .bytes_sent)" 0 'bytes of a denied handshake'
}
mismatch v6.test --connect-to v6.test:443:ok.test:443 https://v6.test/ # allowed as well, but not asked for
mismatch other.test --connect-to other.test:443:ok.test:443 https://other.test/
mismatch x.ok.test --connect-to x.ok.test:443:ok.test:443 https://x.ok.test/
jail openssl s_client -connect ok.test:443 -servername other.test -tls1_2
expect_match "$STATUS/$ERR" '^1/.*name-mismatch'
# the proxy dialled, since a server might have spoken first, and said nothing
expect_eq "$(jq -c 'select(.error == null)' "$T/https-443.log" "$T/https-8443.log")" '' 'denied handshakes at the server'

# ---- without SNI it is the name of the query that counts
jail curl -sSk --connect-to "192.0.2.1:443:ok.test:443" https://192.0.2.1/hello
expect_eq "$STATUS" 0 'without SNI'
# an address alone: its rule lets every name through but a forbidden one
jail curl -sSk "https://$PUB4_B/hello"
expect_eq "$STATUS" 0 'an address'
jail curl -sSk --connect-to "other.test:443:$PUB4_B:443" https://other.test/hello
expect_eq "$STATUS/$OUT" '0/hello from other.test' 'an address, and an SNI'
jail curl -sSk --connect-to "not.test:443:$PUB4_B:443" https://not.test/hello
expect_match "$STATUS/$ERR" '^35/.*denied: tls .*deny-rule' 'an address, and a forbidden SNI'

# ---- what begins as TLS and is none
# shellcheck disable=SC2016  # the inner shell's
jail bash -c 'exec 5<>/dev/tcp/ok.test/443; printf "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00" >&5; cat <&5'
expect_match "$ERR" 'denied: tls ok.test:443 \(bad-tls'
