#!/bin/bash
# Signals reach the command once, a terminal's too, and with the command everything in the jail ends.
# shellcheck source-path=SCRIPTDIR disable=SC2016  # what a jailed shell expands
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate

# Writes a line for each signal, and ends at USR2 with 7.
cat >count.py <<'END'
import os, signal, sys, time

def told(number, frame):
    os.write(1, signal.Signals(number).name.encode() + b"\n")
    if number == signal.SIGUSR2:
        os._exit(7)
for name in sys.argv[1:]:
    signal.signal(getattr(signal, name), told)
os.write(1, b"ready\n")
while True:
    time.sleep(0.05)
END
all=(SIGHUP SIGINT SIGQUIT SIGTERM SIGUSR1 SIGUSR2 SIGWINCH)
count=("$PYTHON" "$PWD/count.py" "${all[@]}")

# A signal is through when the one sent after it is: two are never sent at once, or they could merge.
lines_are() # FILE COUNT
{
	[[ $(wc -l <"$1") -ge $2 ]]
}

# ---- sent to the supervisor: each once
for mode in gate none host; do
	start_nsgate --net "$mode" -- "${count[@]}" >out 2>err
	expected=ready
	sent=0
	for signal in SIGHUP SIGINT SIGQUIT SIGTERM SIGUSR1 SIGWINCH SIGINT SIGUSR2; do
		wait_until 10 lines_are out $((++sent)) || fail "the command lacks a signal: $(<out) $(<err)"
		kill -s "$signal" "$NSGATE_PID"
		expected+=$'\n'$signal
	done
	finish_nsgate 5
	expect_eq "$STATUS/$(<out)/$(<err)" "7/$expected/" "signals with --net $mode"
done

# what ends the command ends the run, with its status
for signal in HUP INT TERM QUIT USR1; do
	start_nsgate --net none -- bash -c 'echo ready; exec sleep 100' >out
	wait_until 10 lines_are out 1
	kill -s "$signal" "$NSGATE_PID"
	finish_nsgate 2
	expect_eq "$STATUS" $((128 + $(kill -l "$signal"))) "after SIG$signal"
done

# of what came before the command was there, nothing is lost: it starts, and ends by it
start_nsgate -- bash -c 'echo ready; exec sleep 100' >out
kill -s TERM "$NSGATE_PID"
finish_nsgate 5
expect_eq "$STATUS" 143 'SIGTERM right after the start'

# ---- a terminal: its signals go to the whole foreground group
in_terminal() # STEPS ARGUMENT...
{
	local steps=$1
	shift

	run "$PYTHON" "$TEST_LIB/terminal.py" "$steps" "$@"
}
in_terminal '[["expect", "ready"], ["type", "\u0003"], ["expect", "SIGINT"], ["type", "\u001c"], ["expect", "SIGQUIT"],
	["resize", 33, 99], ["expect", "SIGWINCH"], ["type", "now"]]' \
	"${NSGATE_RUN[@]}" --time-limit 1s -- "${count[@]}"
expect_eq "$STATUS" 124 'a terminal'
expect_eq "$(grep -oE 'SIG(INT|QUIT|WINCH)' <<<"$OUT" | xargs)" 'SIGINT SIGQUIT SIGWINCH' 'a terminal: each once'
in_terminal '[["expect", "ready"], ["type", "\u0003"]]' "${NSGATE_RUN[@]}" -- bash -c 'echo ready; exec sleep 100'
expect_eq "$STATUS" 130 'Ctrl-C'
in_terminal '[["expect", "ready"], ["hangup"]]' "${NSGATE_RUN[@]}" -- bash -c 'echo ready; exec sleep 100'
expect_eq "$STATUS" 129 'a terminal that goes away'
in_terminal '[]' "${NSGATE_RUN[@]}" -- sh -c 'test -t 0 && test -t 1 && test -t 2 && : </dev/tty && stty size'
expect_eq "$STATUS/$OUT" '0/0 0' 'the terminal in the jail'

# Ctrl-Z and fg of the whole jail, from the shell outside
printf '#!/bin/sh\necho listening\nexec cat\n' >reader
chmod +x reader
export TERM=dumb
in_terminal '[["expect", "out> "], ["type", "\"${run[@]}\" -- ./reader\n"], ["expect", "listening"],
	["type", "one\n"], ["expect", "one\r\none"],
	["type", "\u001a"], ["expect", "Stopped"], ["expect", "out> "], ["type", "jobs\n"], ["expect", "Stopped"],
	["expect", "out> "], ["type", "fg\n"], ["expect", "reader"], ["type", "two\n"], ["expect", "two\r\n.*two"],
	["type", "\u0004"], ["expect", "out> "], ["type", "echo status $?; exit\n"], ["expect", "status 0"]]' \
	bash --noediting --rcfile <(declare -p NSGATE_RUN | sed 's/NSGATE_RUN/run/'; echo "PS1='out> '") -i
expect_eq "$STATUS" 0 'job control outside'
# and of a job inside
in_terminal '[["expect", "in> "], ["type", "./reader\n"], ["expect", "listening"],
	["type", "one\n"], ["expect", "one\r\none"], ["type", "\u001a"],
	["expect", "Stopped"], ["expect", "in> "], ["type", "fg\n"], ["expect", "reader"], ["type", "two\n"],
	["expect", "two\r\n.*two"], ["type", "\u0003"], ["expect", "in> "], ["type", "echo status $?; exit 9\n"],
	["expect", "status 130"]]' \
	"${NSGATE_RUN[@]}" --env 'PS1=in> ' -- bash --norc --noediting -i
expect_eq "$STATUS" 9 'job control inside'
expect_no_match "$OUT" 'no job control' 'job control inside'

# ---- pipes
head -c 20000000 /dev/urandom >data
run sh -c '"$@" --net none -- cat <data | cmp - data' sh "${NSGATE_RUN[@]}"
expect_eq "$STATUS/$OUT/$ERR" 0// 'through stdin and stdout'
run nsgate -- sh -c 'echo out; echo err >&2'
expect_eq "$OUT/$ERR" out/err 'stdout and stderr'
# nobody else holds the command's stdin or stdout: the other end sees at once when it closes them
mkfifo pipe
for mode in gate none host; do
	(cat pipe >out && echo end >>out) &
	start_nsgate --net "$mode" -- sh -c 'echo text; exec >&-; exec sleep 100' >pipe
	wait_until 5 lines_are out 2 || fail "--net $mode: the reader does not see that stdout was closed: $(<out)"
	kill "$NSGATE_PID"
	finish_nsgate 2
	exec 7<>pipe
	exec 8>pipe
	start_nsgate --net "$mode" -- sh -c 'exec <&-; echo closed; exec sleep 100' <pipe >out 7>&- 8>&-
	exec 7>&-
	wait_until 5 lines_are out 1
	! (trap '' PIPE; echo text >&8) 2>/dev/null || fail "--net $mode: the writer does not see that stdin was closed"
	exec 8>&-
	kill "$NSGATE_PID"
	finish_nsgate 2
done
run sh -c '"$@" --net none -- yes | head -n 1' sh "${NSGATE_RUN[@]}"
expect_eq "$STATUS/$OUT" 0/y 'a reader that goes away'
run nsgate --net none -- cat <&-
expect_eq "$STATUS/$OUT/$ERR" 0// 'without stdin: /dev/null'
run sh -c '"$@" --net none -- true >&- 2>&-' sh "${NSGATE_RUN[@]}"
expect_eq "$STATUS/$OUT" 0/ 'without stdout'

# ---- with the command ends what it left behind, daemons too
leftovers_snapshot "$T/before"
for mode in gate none host; do
	run nsgate --net "$mode" -- sh -c 'sleep 100 & setsid sleep 100 & (setsid sh -c "trap \"\" TERM HUP; sleep 100" &)
		sleep 0.1; exit 3'
	expect_eq "$STATUS" 3 "background processes with --net $mode"
	[[ $MS -lt 1500 ]] || fail "waited $MS ms for what the command left behind"
	expect_no_leftovers "$T/before"
done

# ---- pid 1 reaps orphans
run nsgate --net none -- sh -c 'for i in 1 2 3 4 5 6 7 8 9 10; do (sleep 0.0$i &) ; done; sleep 0.5
	cat /proc/[0-9]*/stat | grep -c ") Z"; ls -d /proc/[0-9]* | wc -l'
expect_match "$OUT" $'^0\n[3-6]$' 'zombies'
