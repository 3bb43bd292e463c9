#!/bin/bash
# kill -9 of the supervisor, the proxy or init, at any moment, ends all of a run within a second and lets nothing out.
# shellcheck source-path=SCRIPTDIR disable=SC2016  # what a jailed shell expands
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate

server sink 9
server udp 53
server http 80
seed=${NSGATE_TEST_SEED:-$RANDOM}
RANDOM=$seed

# Tries all the time to get out by itself, and to get back what it is allowed.
cat >payload <<'END'
for ((;;)); do
	(: >/dev/tcp/11.77.0.1/9) 2>/dev/null
	(: >/dev/tcp/other.test/9) 2>/dev/null
	echo leak 2>/dev/null >/dev/udp/11.77.0.1/53
	(: >/dev/tcp/ok.test/80) 2>/dev/null && : >>running
done
END

pids()
{
	local pid

	for pid in /proc/[0-9]*; do
		echo "${pid#/proc/}"
	done
}

# Whatever lives and did not live before the round.
left()
{
	local pid

	for pid in $(pids); do
		[[ " $before $BASHPID " == *" $pid "* ]] || is_gone "$pid" || echo "$pid $(tr '\0' ' ' <"/proc/$pid/cmdline")"
	done 2>/dev/null
}

nobody_left()
{
	[[ ! $(left) ]]
}

# The pid of one of ours: the supervisor, or a child of its that has the wanted name; never the payload.
victim() # supervisor|nsgate-proxy|nsgate-init
{
	local pid name children=()

	if [[ $1 == supervisor ]]; then
		echo "$NSGATE_PID"
		return
	fi
	read -ra children 2>/dev/null <"/proc/$NSGATE_PID/task/$NSGATE_PID/children" || true
	for pid in "${children[@]}"; do
		read -r name 2>/dev/null <"/proc/$pid/comm" || continue
		# before it has its name it is a copy of the supervisor: as good a victim
		[[ $name == "$1" || $name == nsgate ]] && echo "$pid" && return
	done
}

leftovers_snapshot "$T/before"
killed=0 had_run=0
victims=(supervisor nsgate-proxy nsgate-init)
for ((round = 0; round < 60; round++)); do
	before=$(pids)
	before=${before//$'\n'/ }
	who=${victims[round % 3]}
	rm -f running
	start_nsgate --allow 'domain=ok.test port=80' --audit "$T/audit" -- bash payload 2>>err
	if ((round % 2)); then # while it runs
		wait_until 10 test -e running || fail "seed $seed, round $round: the command does not run: $(tail -n 3 err)"
		had_run=$((had_run + 1))
	fi
	printf -v pause '0.%03d' $((RANDOM % 25 + 1))
	read -r -t "$pause" <>"$T/.never" || true
	pid=$(victim "$who")
	if [[ $pid ]]; then
		kill -9 "$pid"
		killed=$((killed + 1))
	else
		kill -9 "$NSGATE_PID" # it was not there yet
	fi
	wait_until 1 nobody_left || fail "seed $seed, round $round: a second after kill -9 of $who there is still: $(left)"
	STATUS=0
	wait "$NSGATE_PID" 2>/dev/null || STATUS=$?
	[[ $STATUS -ge 125 ]] || fail "seed $seed, round $round: status $STATUS after kill -9 of $who"
	((round % 20 < 18)) || { rm -f "$T/audit" && expect_no_leftovers "$T/before"; }
done
rm -f "$T/audit"
expect_no_leftovers "$T/before"
[[ $killed -ge 45 && $had_run -eq 30 ]] || fail "seed $seed: only $killed of 60 victims were there"
expect_eq "$(arrivals sink 9)/$(arrivals udp 53)" 0/0 "seed $seed: what got out"

# the proxy gone, the command is not let run on without its guard
start_nsgate --allow 'domain=ok.test port=80' -- bash -c 'echo ready; trap "" TERM; sleep 100' >out 2>err
wait_until 10 grep -q ready out
kill -9 "$(victim nsgate-proxy)"
finish_nsgate 1
expect_eq "$STATUS" 137 'without the proxy'
expect_match "$(<err)" 'the proxy ended by signal 9: the jail is killed'
