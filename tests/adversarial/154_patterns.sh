#!/bin/bash
# Row 154: a pattern matches what it says and nothing that looks like it. The engine's fuzz and property tests are beside.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
real_network # nothing is connected to
need_nsgate

# VERDICT|RULE|ROW. unit/policy_engine and fuzz/rule hold the engine against a naive matcher on random ones.
cat >table <<'END'
allow|domain=ok.test|tls ok.test:443
allow|domain=ok.test|tls OK.TEST:443
allow|domain=ok.test|tls ok.test.:443
allow|domain=OK.Test.|tls ok.test:443
deny|domain=ok.test|tls evilok.test:443
deny|domain=ok.test|tls ok.test.evil:443
deny|domain=ok.test|tls ok.test.evil.example:443
deny|domain=ok.test|tls www.ok.test:443
deny|domain=ok.test|tls test:443
deny|domain=ok.test|tls ok.tes:443
deny|domain=ok.test|tls ok-test:443
deny|domain=ok.test|tls okxtest:443
deny|domain=ok.test|tls ok.testx:443
deny|domain=ok.test|tls ok.test-evil.example:443
deny|domain=ok.test|GET https://ok.test@evil.example/
deny|domain=ok.test|GET https://evil.example/ok.test
deny|domain=ok.test|GET https://evil.example?ok.test
deny|domain=ok.test|GET https://evil.example#ok.test
allow|domain=ok.test|GET https://evil.example@ok.test/
error|domain=ok.test|GET https://ok.test\.evil.example/
error|domain=ok.test|GET https://ok.test%00.evil.example/
error|domain=ok.test|GET https://ok.test%2eevil.example/
deny|domain=ok.test|dns evilok.test A
deny|domain=ok.test|dns ok.test.evil A
deny|domain=ok.test|dns x.ok.test TXT
deny|domain=ok.test|dns ok..test A
deny|domain=ok.test|dns ok.test.. A
deny|domain=ok.test|dns .ok.test A
deny|domain=ok.test|dns ok.test\000.evil A
allow|domain=*.ok.test|tls a.ok.test:443
allow|domain=*.ok.test|tls a.b.c.ok.test:443
deny|domain=*.ok.test|tls ok.test:443
deny|domain=*.ok.test|tls evilok.test:443
deny|domain=*.ok.test|tls a.evilok.test:443
deny|domain=*.ok.test|tls a.ok.test.evil:443
deny|domain=*.ok.test|tls ok.test.a:443
allow|domain=*.*.ok.test|tls a.b.ok.test:443
allow|domain=*.*.ok.test|tls a.b.c.ok.test:443
deny|domain=*.*.ok.test|tls a.ok.test:443
allow|domain=api.*.test|tls api.v1.test:443
deny|domain=api.*.test|tls api.test:443
deny|domain=api.*.test|tls api.v1.v2.test:443
deny|domain=api.*.test|tls x.api.v1.test:443
deny|domain=api.*.test|tls evilapi.v1.test:443
allow|domain=**.ok.test|tls ok.test:443
allow|domain=**.ok.test|tls a.b.ok.test:443
deny|domain=**.ok.test|tls evilok.test:443
deny|domain=**.ok.test|tls ok.test.evil:443
allow|domain=*|tls anything.example:443
deny|domain=*|tls 192.0.2.7:443
deny|domain=*|tls [2001:db8::7]:443
deny|domain=*|tls [::ffff:192.0.2.7]:443
allow|domain=ok.test port=443|tls ok.test:443
deny|domain=ok.test port=443|tls ok.test:80
deny|domain=ok.test port=443|tls ok.test:4430
deny|domain=ok.test port=443|tls ok.test:44
deny|domain=ok.test port=443|GET http://ok.test/
allow|domain=ok.test port=443|GET http://ok.test:443/
allow|domain=ok.test port=80,8000-8100|tcp ok.test:8100
deny|domain=ok.test port=80,8000-8100|tcp ok.test:8101
deny|domain=ok.test port=80,8000-8100|tcp ok.test:7999
allow|cidr=192.0.2.0/24|tcp 192.0.2.255:80
allow|cidr=192.0.2.0/24|tcp [::ffff:192.0.2.1]:80
deny|cidr=192.0.2.0/24|tcp 192.0.3.0:80
deny|cidr=192.0.2.0/24|tcp ok.test:80
deny|domain=ok.test|tcp ok.test:80 10.0.0.7
deny|domain=ok.test|tcp ok.test:80 169.254.169.254
deny|domain=ok.test|tcp ok.test:80 ::ffff:127.0.0.1
deny|domain=ok.test cidr=10.0.0.0/8|tcp ok.test:80 11.0.0.7
allow|domain=ok.test cidr=10.0.0.0/8|tcp ok.test:80 10.255.0.7
allow|domain=ok.test path=/api/*|GET https://ok.test/api/x
deny|domain=ok.test path=/api/*|GET https://ok.test/apix
deny|domain=ok.test path=/api/*|GET https://ok.test/api/../x
deny|domain=ok.test path=/api/*|GET https://ok.test/api/%2e%2e/x
deny|domain=ok.test path=/api/*|GET https://ok.test/?/api/x
deny|domain=ok.test method=GET|POST https://ok.test/
allow|domain=bücher.example|tls xn--bcher-kva.example:443
deny|domain=bücher.example|tls bucher.example:443
END
[[ $(wc -l <table) -ge 60 ]] || fail 'fewer than 60 rows'

number=0
while IFS='|' read -r verdict rule row; do
	number=$((number + 1))
	run "$NSGATE" policy test --allow "$rule" --batch <<<"$row"
	expect_eq "${OUT%% *}" "$verdict" "row $number: $rule: $row"
	# what an allow rule lets through, the same rule denies
	[[ $verdict == allow ]] || continue
	run "$NSGATE" policy test --allow 'domain=*' --allow cidr=0.0.0.0/0,::/0 --deny "$rule" --batch <<<"$row"
	expect_eq "${OUT%% *}" deny "row $number, as a deny rule: $rule: $row"
done <table

# ---- patterns that would match more than they seem to
for rule in 'domain=*ok.test' 'domain=ok*.test' 'domain=ok.*' 'domain=*.*' 'domain=.ok.test' 'domain=a.**.test' 'domain=**' \
	'domain=ok.test,evil.example' 'domain=https://ok.test' 'domain=ok.test:443' 'domain=ok.test/x' 'domain=ok.test@evil.example' \
	'domain=ok..test' 'domain=ok.test port=' 'domain=ok.test port=443,' 'domain=' 'domain=0x7f.1' 'cidr=10.0.0.1/8' ''; do
	for option in --allow --deny; do
		run "$NSGATE" policy test "$option" "$rule" 'tls ok.test:443'
		expect_match "$STATUS/$OUT/$ERR" "^2//nsgate: $option: column [0-9]+: " "$option '$rule'"
	done
done
