#!/bin/bash
# Row 13: caller, gate and jail are three network namespaces, so what the proxy dials is not captured.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_adversary

# ---- while a jail runs: who is where
server http 80
mkfifo "$T/work/go" "$T/work/ready"
# shellcheck disable=SC2016  # the inner shell's
nsgate "${POLICY[@]}" -- bash -c '
	readlink /proc/self/ns/net >jail-net
	cat /proc/net/tcp /proc/net/tcp6 >jail-tcp
	cat /proc/net/dev >jail-dev
	echo ready >ready
	read -r line <go
	curl -sS http://ok.test/hello >answer' &
run_pid=$!
read -r -t 10 <>"$T/work/ready" || fail 'the jail did not start'

own=$(readlink /proc/self/ns/net)
jail=$(<"$T/work/jail-net")
[[ $jail != "$own" ]] || fail "the jail is in our own network, $own"

# The gate holds no process: what it has must be with neither of the others.
for pid in $(nsgate_pids); do
	net=$(readlink "/proc/$pid/ns/net") || continue
	[[ $net == "$own" || $net == "$jail" ]] || fail "process $pid is in the gate's network, $net"
done
expect_eq "$(ss -Htln "sport = :$GATE_TCP or sport = :$GATE_DNS")" '' 'listeners in our network'
expect_no_match "$(<"$T/work/jail-tcp")" ':(3A99|3ACD) ' 'listeners in the jail' # 15001, 15053
expect_match "$(<"$T/work/jail-dev")" 'eth0:' "the jail's end of the link"
expect_eq "$(ip -o link | wc -l)" 1 'our interfaces: the other end is not here'
expect_eq "$(nft list ruleset)" '' 'our rules'

# ---- the proxy's own connection leaves from here, and is not redirected again
echo go >"$T/work/go"
STATUS=0
wait "$run_pid" || STATUS=$?
expect_eq "$STATUS" 0
expect_eq "$(<"$T/work/answer")" 'hello from ok.test'
expect_arrivals http 80 1
