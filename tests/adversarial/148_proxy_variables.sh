#!/bin/bash
# Row 148: HTTP_PROXY and its kin in nsgate's own environment lead no connection of its anywhere.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate

server http 80
server banner 3128
for name in HTTP_PROXY HTTPS_PROXY ALL_PROXY FTP_PROXY SOCKS_PROXY http_proxy https_proxy all_proxy socks_proxy; do
	export "$name=http://$PUB4_B:3128"
done

# the control: who believes them goes there
run curl -sS --max-time 5 http://ok.test/hello
expect_arrivals banner 3128 1

# nsgate goes where it should; a program that does not care for them notices nothing
jailed "${POLICY[@]}" -- curl -sS --max-time 5 --noproxy '*' http://ok.test/hello
expect_eq "$STATUS/$OUT" '0/hello from ok.test'
expect_eq "$(records)" 'allow allow-rule ok.test 80'
# one that does is judged by where it goes
jailed "${POLICY[@]}" -- curl -sS --max-time 5 http://ok.test/hello
expect_eq "$(records)" "deny raw-ip $PUB4_B 3128"
# names are looked up as ever
host name.test "$PUB4"
jailed --allow domain=name.test -- curl -sS --max-time 5 --noproxy '*' http://name.test/hello
expect_eq "$STATUS/$OUT" '0/hello from name.test'

expect_arrivals banner 3128 1

# the way that is configured counts
server http 8888
jailed --upstream-proxy "http://$PRIV4:8888" "${POLICY[@]}" -- curl -sS --max-time 5 --noproxy '*' http://ok.test/hello
expect_eq "$(records)" 'allow upstream-failed ok.test 80'
expect_arrivals banner 3128 1
