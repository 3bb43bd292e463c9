#!/bin/bash
# nsgate policy: a policy is checked, shown and tried out, and an audit log of a real run explained and judged again.
# shellcheck source-path=SCRIPTDIR disable=SC2016  # what a jailed shell expands
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_command jq

policy() # VERB...
{
	run "$NSGATE" policy "$@"
}
refused() # MESSAGE ARGUMENT...: a mistake, told on standard error alone
{
	local message=$1
	shift

	policy "$@"
	expect_eq "$STATUS/$OUT" 2/ "policy $*"
	expect_match "$ERR" "^nsgate: .*$message" "policy $*"
}

# ---- what is a command, and what a program of that name
for verb in check show test why replay; do
	expect_match "$("$NSGATE" policy --help)" "  $verb  " 'policy --help'
	policy "$verb" --help
	expect_match "$STATUS/$ERR" '^0/$' "policy $verb --help"
	expect_match "$OUT" "^Usage: nsgate policy $verb .*Exit status: " "policy $verb --help"
	refused 'unknown option --hlep: did you mean --help' "$verb" --hlep
done
expect_match "$("$NSGATE" --help)" '  policy  .*policy' --help
refused 'expected check, show, test, why or replay; a program' # no verb
refused 'expected check, show.*got chekc' chekc
printf '#!/bin/sh\necho "the program: $*"\n' >policy
chmod +x policy
run nsgate --net none --env "PATH=$PWD:$PATH" -- policy test
expect_eq "$STATUS/$OUT" '0/the program: test' 'a program of the name policy'
run sh -c '"$@" >/dev/full' sh "$NSGATE" policy test --allow 'domain=*' 'dns a.test A'
expect_match "$STATUS/$ERR" '^2/nsgate: .*cannot write' 'an answer nobody gets'

# ---- behind an upstream proxy no name has an address, and what cannot be kept there is told
cat >upstream.yaml <<'END'
version: 1
network:
  upstream-proxy: http://proxy.corp:3128
  allow:
    - domain=ok.test
    - domain=db.corp cidr=10.0.0.0/8
    - cidr=192.0.2.0/24
    - host-port=80
  deny: [domain=bad.ok.test cidr=10.0.0.0/8, domain=ok.test port=22]
END
for row in 'allow tcp ok.test:80' 'allow GET http://ok.test/ 10.0.0.1' 'deny tcp ok.test:22' 'deny tcp db.corp:80' \
	'deny tls db.corp:80 10.0.0.1' 'deny tcp bad.ok.test:80' 'allow tcp 192.0.2.1:80' 'allow tcp host.nsgate:80 127.0.0.1'; do
	policy test upstream.yaml "${row#* }"
	expect_match "$OUT" "^${row%% *} " "upstream: $row"
done
policy check upstream.yaml
expect_match "$STATUS/$ERR" '^0/$'
printf '{"time":"t","jail":"j","seq":%d,"protocol":"tcp","name":"%s","dialed":"10.0.0.1","port":80,"verdict":"allow","reason":"allow-rule","rule":"domain=%s cidr=10.0.0.1"}\n' \
	1 ok.test ok.test 2 db.corp db.corp >log
policy replay --policy upstream.yaml log
expect_match "$STATUS/$OUT" $'^1/seq 2: allow -> deny \\(no-rule\\): tcp db.corp:80\n2 records: 1 the same'
sed 's/deny: \[/&cidr=10.0.0.0\/8, /' upstream.yaml >kept.yaml
policy check kept.yaml
expect_match "$STATUS/$ERR" '^0/.*kept.yaml: .*cannot be kept behind an upstream proxy'
sed 's/allow:/dns: real\n  &/' upstream.yaml >real.yaml
policy check real.yaml
expect_match "$STATUS/$ERR" '^0/.*real.yaml: .*exclude each other'

# ---- check
cat >p.yaml <<'END'
version: 1
profiles: [npm]
include: [more.yaml]
network:
  allow:
    - domain=ok.test port=80,443
    - domain=db.corp cidr=10.0.0.0/8 port=5432
  deny:
    - domain=gist.github.com
  dns: synthetic
  dns-types: [TXT]
  publish: ["127.0.0.1:3000:3001"]
filesystem:
  write: ["./with \"quotes\" and \u202e", "."]
  hide: [~/.ssh]
limits: { time: 30m, open-files: 4096 }
audit: { file: "audit#1.jsonl", on-failure: stop }
END
printf 'version: 1\nnetwork:\n  allow: ["domain=b\303\274cher.example path=/*/%%41"]\n' >more.yaml
policy check p.yaml
expect_eq "$STATUS/$OUT" '0/p.yaml: ok: 4 allow, 1 deny rules' check
expect_match "$ERR" '^nsgate: more.yaml:3: column [0-9]+: path=' 'what a run would not take'
printf 'version: 1\nnetwork:\n  alow: []\n' >typo.yaml
policy check typo.yaml p.yaml nowhere.yaml
expect_eq "$STATUS/$OUT" '2/p.yaml: ok: 4 allow, 1 deny rules' 'one right, two wrong'
expect_match "$ERR" '^nsgate: typo.yaml:3: column 3: expected a key of network .*did you mean allow.*nowhere.yaml: No such file'
refused 'expected FILE' check

# ---- show: the same policy again, profiles and includes written out
policy show p.yaml
expect_eq "$STATUS/$ERR" 0/ show
printf '%s\n' "$OUT" >shown.yaml
expect_match "$OUT" '- "domain=\*.npmjs.org port=443" # profile npm:[0-9]+'
expect_match "$OUT" '- "domain=ok.test port=80,443" # p.yaml:6'
expect_match "$OUT" '- "domain=b.*cher.example path=/\*/%41" # more.yaml:3'
expect_no_match "$OUT" 'profiles:|include:|[^ -~'$'\n'']'
policy show shown.yaml
expect_eq "$STATUS" 0 'show of what was shown'
expect_eq "$(sed 's/ # .*//' "$T/.out")" "$(sed 's/ # .*//' shown.yaml)" 'shown twice'
expect_match "$OUT" '- "domain=ok.test port=80,443" # shown.yaml:[0-9]+'
"$PYTHON" - shown.yaml <<'END' || fail 'the YAML means something else'
import sys
try:
    import yaml
except ImportError:
    sys.exit(0) # nsgate itself has read it
shown = yaml.safe_load(open(sys.argv[1]))
assert shown["network"]["deny"] == ["domain=gist.github.com"], shown
assert shown["filesystem"]["write"] == ['./with "quotes" and \u202e', "."], shown
assert shown["network"]["publish"] == ["127.0.0.1:3000:3001"], shown
assert shown["limits"] == {"time": "30m", "open-files": "4096"}, shown
assert shown["audit"] == {"file": "audit#1.jsonl", "on-failure": "stop"}, shown
END
cat >rows <<'END'
tls a.npmjs.org:443
tcp ok.test:80
tcp ok.test:81
tcp db.corp:5432 10.0.0.7
tcp db.corp:5432 192.168.0.7
dns gist.github.com A
dns ok.test TXT
dns ok.test MX
GET https://bücher.example/x/A
GET https://xn--bcher-kva.example/x/A
GET https://xn--bcher-kva.example/x/B
END
run "$NSGATE" policy test p.yaml --batch <rows
expect_eq "$(cut -d' ' -f1,2 <<<"$OUT" | paste -sd,)" 'allow allow-rule,allow allow-rule,deny no-rule,allow allow-rule,deny no-rule,deny deny-rule,allow allow-rule,allow empty-type,error line,allow allow-rule,deny no-rule' 'the policy'
expect_eq "$STATUS" 2 'one row is a mistake'
before=$(sed 's/ at .*//' "$T/.out")
run "$NSGATE" policy test shown.yaml --batch <rows
expect_eq "$(sed 's/ at .*//' "$T/.out")" "$before" 'the policy that was shown'
policy show --profile npm --allow domain=x.test --deny port=25
expect_match "$OUT" 'profile npm.*x.test" # --allow.*port=25" # --deny' 'show with options'
refused 'expected one FILE' show a b

# ---- test: one line, and the status says it, too
answers() # STATUS ANSWER ARGUMENT...
{
	local expected=$1/$2
	shift 2

	policy test "$@"
	expect_eq "$STATUS/$OUT/$ERR" "$expected/" "policy test $*"
}
answers 0 "allow allow-rule 'domain=ok.test port=80,443' at p.yaml:6" p.yaml 'tcp ok.test:443'
answers 0 "allow allow-rule 'domain=ok.test port=80,443' at p.yaml:6" --policy p.yaml 'GET http://ok.test/x?y#z'
answers 1 'deny no-rule' p.yaml 'GET https://ok.test.evil.example/'
answers 1 "deny deny-rule 'domain=gist.github.com' at p.yaml:9" p.yaml --allow 'domain=*' 'tls gist.github.com:443'
answers 1 "deny deny-rule 'port=25' at --deny" --allow 'domain=*' --deny port=25 'tcp a.test:25'
answers 1 'deny no-rule' 'GET https://a.test/' # as a run without options
answers 1 'deny raw-ip' --allow 'domain=*' 'tcp [2001:db8::1]:443'
answers 0 "allow allow-rule 'cidr=2001:db8::/32' at --allow" --allow cidr=2001:db8::/32 'tcp [2001:db8::1]:443'
answers 0 "allow allow-rule 'domain=10.0.0.1' at --allow" --allow domain=10.0.0.1 'GET http://10.0.0.1:8080/'
answers 1 'deny private-embedded' --allow 'domain=a.test' 'tcp a.test:1 64:ff9b::a00:1'
answers 1 'deny private-address' --allow 'domain=a.test' --address 169.254.169.254 'GET http://a.test/'
answers 0 "allow allow-rule 'domain=a.test' at --allow" --allow 'domain=a.test' --address 127.0.0.1 'GET http://a.test/ 8.8.8.8'
answers 1 'deny bad-name' --allow 'domain=*' 'dns a..b A'
answers 0 "allow empty-type 'domain=*' at --allow" --allow 'domain=*' 'dns a.test HTTPS'
answers 0 "allow allow-rule 'domain=a.test path=/x'y' at --allow" --allow "domain=a.test path=/x'y" "GET a.test/x'y"
answers 1 'deny no-rule' --allow 'method=GET' 'tcp a.test:80'
answers 1 'deny no-rule' --allow 'method=GET,, domain=a.test' --dialect boundary 'PUT a.test'
answers 0 "allow allow-rule 'domain=a.test scheme=tls' at --allow" --allow 'domain=a.test scheme=tls' -- 'tls a.test:1'
refused 'column 1: expected METHOD .*tcp, tls or dns, got "get"' test --allow 'domain=*' 'get https://a.test'
refused 'column 5: expected a URL, got nothing' test 'GET '
refused 'column 5: expected HOST:PORT' test 'tcp a.test'
refused 'column 5: expected HOST:PORT' test 'tcp ::1:80'
refused 'column 5: expected HOST:PORT' test 'tls [10.0.0.1]:80'
refused 'column 5: expected HOST:PORT' test 'tcp a.test:0'
refused 'column 5: expected HOST:PORT' test 'tcp a.test:65536'
refused 'column 12: expected a record type' test 'dns a.test AAA'
refused 'column 15: expected the address that' test 'tcp a.test:80 1.2'
refused 'column 17: expected nothing behind an address' test 'tcp 10.0.0.1:80 10.0.0.1'
refused 'column 23: expected nothing more' test 'tcp a.test:80 1.2.3.4 x'
refused 'https://a.test:x/: column 16: expected a port' test 'GET https://a.test:x/'
refused 'expected a row' test
refused 'expected \[FILE\] and a row, got 3 words' test p.yaml GET https://a.test/
refused '--address x: expected' test --address x 'tcp a.test:1'
refused '--dialect go: expected nsgate or boundary' test --dialect go 'tcp a.test:1'
refused '--allow: column 15: expected a key' test --allow 'domain=a.test prot=1' 'tcp a.test:1'
refused 'there is no profile|nmp' test --profile nmp 'tcp a.test:1'
run bash -c 'printf "# a comment\n\n  \ntcp a.test:1\ntcp a.test\ndns a\0b A\ndns a.test A" | "$0" policy test --allow domain=a.test --batch' "$NSGATE"
expect_eq "$STATUS" 2 'a row that is a mistake'
expect_eq "$OUT" "allow allow-rule 'domain=a.test' at --allow
error line 5: column 5: expected HOST:PORT (an IPv6 address in brackets), got \"a.test\"
error line 6: expected text, got a NUL byte
allow allow-rule 'domain=a.test' at --allow" --batch
run bash -c '"$0" policy test --batch </dev/null' "$NSGATE"
expect_eq "$STATUS/$OUT$ERR" 0/ 'no rows'
run bash -c '"$0" policy test --batch </' "$NSGATE"
expect_match "$STATUS/$ERR" '^2/.*read rows' 'rows that cannot be read'

# ---- why and replay: of a real run
server http 80
server http 8080
run nsgate --audit "$T/audit" --allow 'domain=ok.test port=80' --allow domain=private.test --allow domain=loop.test --deny 'domain=ok.test port=8080' -- sh -c '
	curl -s http://ok.test/; curl -s http://ok.test:8080/; curl -s http://ok.test:81/; curl -s http://other.test/
	curl -s http://private.test/; curl -s http://loop.test/; dig +short localhost >/dev/null; curl -s http://'"$PUB4_B"'/; curl -s http://'"$PUB4_B"'/; :'
expect_eq "$STATUS/$OUT" $'0/hello from ok.test\nhello from private.test' 'the run'
seq_of() # JQ-CONDITION
{
	jq -r "select($1) | .seq" "$T/audit" | head -n 1
}
explained() # JQ-CONDITION REGEX...
{
	local sequence regex

	sequence=$(seq_of "$1")
	[[ $sequence ]] || fail "no record with $1 in $(<"$T/audit")"
	shift
	policy why "$T/audit" "$sequence"
	expect_eq "$STATUS/$ERR" 0/ "policy why $sequence"
	expect_match "$OUT" "^record:   $sequence of jail [0-9a-f]{16}"$'\n''when:     20'
	for regex; do
		expect_match "$OUT" "$regex" "policy why $sequence"
	done
}
explained '.port == 80 and .name == "ok.test"' 'asked:    (http|tcp) ok.test:80' 'verdict:  allowed, allow-rule: an allow rule matches' \
	"rule:     'domain=ok.test port=80' at --allow" 'also: .*denied [0-9]+ .* ok.test:81 \(no-rule\)'
expect_no_match "$OUT" 'to allow'
explained '.port == 8080' 'verdict:  denied, deny-rule' "rule:     'domain=ok.test port=8080' at --deny" 'to allow: change that rule'
explained '.port == 81' 'verdict:  denied, no-rule: no rule allows it' 'rule:     none' \
	"to allow: --allow 'domain=ok.test port=81'" 'also:     denied [0-9]+ tcp ok.test:8080 \(deny-rule\)'
explained '.name == "other.test"' 'asked:    dns other.test A' "to allow: --allow 'domain=other.test'"
explained ".address == \"$PUB4_B\"" "asked:    tcp $PUB4_B:80" 'verdict:  denied, raw-ip' "to allow: --allow 'cidr=$PUB4_B port=80'"
explained '.name == "private.test" and .port == 80' 'asked:    .*private.test:80' "dialed:   ($PRIV4|$PRIV6) \(private\)" 'verdict:  allowed'
explained '.name == "loop.test" and .port == 80' 'refused:  127.0.0.1 \(loopback\)' 'verdict:  denied, private-address' \
	"to allow: --allow 'domain=loop.test cidr=127.0.0.1 port=80'"
policy why "$T/audit" 999
expect_match "$STATUS/$OUT$ERR" '^1/nsgate: .*no record 999' 'a record that is not there'
refused 'expected AUDIT SEQ' why "$T/audit"
refused 'x: expected the number of a record' why "$T/audit" x
refused 'open .*nowhere: No such file' why nowhere 1

# several runs in one file, and lines of somebody else's
jail=$(jq -r .jail "$T/audit" | head -n 1)
explained '.name == "other.test"' '\(no-rule\)'
others=$OUT
run nsgate --audit "$T/audit" -- curl -s http://other.test/ http://evil.test/
policy why "$T/audit" --jail "$jail" "$(seq_of '.name == "other.test"')"
expect_eq "$OUT" "$others" "what else was denied in that jail, not in another"
refused '2 jails have a record 0: choose one with --jail' why "$T/audit" 0
expect_match "$ERR" "$jail" 'the jails'
policy why "$T/audit" --jail "$jail" 0
expect_match "$STATUS/$OUT" "^0/record:   0 of jail $jail" --jail
policy why "$T/audit" --jail 0000 0
expect_eq "$STATUS" 1 'a jail that is not there'
{
	printf 'no json\n{"seq":1}\n[]\n\n\xff\x00\n'
	printf '{"time":"\\u001b[31m","jail":"j\\u0007","seq":7,"protocol":"tcp\\u001b","name":"a\\u202eb","port":1,"verdict":"deny","reason":"\\u001bnew"}\n'
} >"$T/foreign"
policy why "$T/foreign" 7
expect_eq "$STATUS" 0 'a record of somebody else'
expect_match "$ERR" '5 lines are no records of decisions'
expect_no_match "$OUT$ERR" '[^ -~'$'\n'']' 'control characters of a record'

# replay: nothing changes under the policy of the run, not even what the hosts file let through; what does
# change is told once
head -n "$(grep -c "$jail" "$T/audit")" "$T/audit" >"$T/one"
same=(--allow 'domain=ok.test port=80' --allow domain=private.test --allow domain=loop.test --deny 'domain=ok.test port=8080')
policy replay "$T/one" "${same[@]}"
expect_eq "$STATUS/$ERR" 0/ 'replay under the same policy'
expect_match "$OUT" '^[0-9]+ records: [0-9]+ the same, 0 allow -> deny, 0 deny -> allow, 0 cannot be judged$'
policy replay --allow 'domain=ok.test port=8080,81' --allow "cidr=$PUB4_B" "$T/one"
expect_eq "$STATUS/$ERR" 1/ 'replay under another policy'
expect_match "$OUT" 'seq [0-9]+: allow -> deny \(no-rule\): (http|tcp) ok.test:80'$'\n'
expect_match "$OUT" "seq [0-9]+: deny -> allow \(allow-rule\): tcp ok.test:81, 'domain=ok.test port=8080,81' at --allow"
expect_match "$OUT" 'seq [0-9]+: deny -> allow \(allow-rule\): tcp ok.test:8080'
expect_match "$OUT" "seq $(seq_of ".address == \"$PUB4_B\""): deny -> allow \(allow-rule\): tcp $PUB4_B:80, 'cidr=$PUB4_B' at --allow, 2 times"
expect_match "$OUT" 'seq [0-9]+: allow -> deny \(no-rule\): dns private.test A'
printf 'version: 1\nnetwork:\n  deny: ["domain=**.test"]\n' >none.yaml
policy replay "$T/audit" --policy none.yaml "${same[@]}"
expect_match "$STATUS/$OUT" "^1/.*allow -> deny \(deny-rule\): (http|tcp) ok.test:80, 'domain=\*\*.test' at none.yaml:3, first in jail $jail"
expect_no_match "$OUT" 'deny -> allow \('
policy replay "$T/foreign" --allow domain=x.test
expect_match "$STATUS/$OUT/$ERR" '^0/1 records: 0 the same, .*1 cannot be judged/nsgate: .*5 lines are no records' 'records of somebody else'
refused 'expected a policy' replay "$T/one"
refused 'expected AUDIT' replay --allow domain=x.test
refused 'open .*nowhere' replay --allow domain=x.test nowhere

# whoever reads a log, which has a jail's words in it, has given up every right before
mkfifo "$T/pipe"
"$NSGATE" policy replay "$T/pipe" --allow domain=x.test >"$T/replayed" 2>&1 &
reader=$!
STARTED+=("$reader")
exec 7>"$T/pipe"
has_no_rights()
{
	local status

	status=$(<"/proc/$reader/status")
	[[ $status =~ CapEff:[[:space:]]+0+$'\n' && $status =~ CapPrm:[[:space:]]+0+$'\n' && $status =~ NoNewPrivs:[[:space:]]+1 ]]
}
[[ $(</proc/self/status) =~ CapEff:[[:space:]]+0*[1-9a-f] ]] || fail 'the test itself has no rights to give up'
wait_until 10 has_no_rights || fail "it reads with $(grep -E '^Cap|NoNew' "/proc/$reader/status")"
cat "$T/one" >&7
exec 7>&-
STATUS=0
wait "$reader" || STATUS=$?
expect_match "$STATUS/$(<"$T/replayed")" '^1/.* records: ' 'what it read'
run "$NSGATE" policy why <(cat "$T/one") 0
expect_match "$STATUS/$OUT$ERR" '^2/nsgate: read .* a second time' 'a log that can be read only once'
