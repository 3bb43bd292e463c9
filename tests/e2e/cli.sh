#!/bin/bash
# Every option is explained and understood, mistakes are named, and each way to end has its exit status.
# shellcheck source-path=SCRIPTDIR disable=SC2016  # what a jailed shell expands
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate

jail() # [OPTION...] -- COMMAND...: without a network, which starts sooner
{
	run nsgate --net none "$@"
}

# ---- --help and --version
run nsgate --help
expect_eq "$STATUS/$ERR" 0/ '--help'
help=$OUT
mapfile -t rows < <(tr -d '\n\t' <"$TEST_ROOT/jail/options.c" | grep -oP '[{] [.]name = "\K[a-z-]+",( *[.]letter = .{3},)?( *[.]value = "[^"]*")?' |
	sed -E 's/^([a-z-]+)",( *[.]letter = .{3},)?$/\1 NULL/; s/^([a-z-]+)",.*[.]value = /\1 /')
[[ ${#rows[@]} -ge 20 ]] || fail "only ${#rows[@]} rows found in jail/options.c"
with_value=() without_value=()
for row in "${rows[@]}"; do
	name=--${row%% *} value=${row#* }
	if [[ $value == NULL ]]; then
		without_value+=("$name")
		expect_match "$help" "(^|[ ,])$name  " "--help: $name"
	else
		with_value+=("$name")
		value=${value//\"/}
		[[ $help == *" $name $value"* ]] || fail "--help lacks $name $value"
	fi
done
while IFS= read -r line; do
	[[ ${#line} -le 80 ]] || fail "--help has a line of ${#line} columns: $line"
done <<<"$help"
expect_match "$help" '^Usage: nsgate \[options\] \[--\] command'
expect_match "$help" 'Exit status: .*128\+n.*127.*126.*124.*125'
run nsgate -h
expect_eq "$STATUS/$OUT" "0/$help" -h
run nsgate --version
expect_match "$STATUS/$OUT/$ERR" '^0/nsgate [0-9]+\.[0-9]+\.[0-9]+/$' --version
version=$OUT
run nsgate -V
expect_eq "$STATUS/$OUT" "0/$version" -V
run sh -c '"$@" --help >/dev/full' sh "${NSGATE_RUN[@]}"
expect_eq "$STATUS" 125 '--help to a full disk'

# ---- mistakes: the word that was wrong, and what was meant; nothing runs
refused() # MESSAGE ARGUMENT...
{
	local message=$1
	shift

	rm -f ran
	run nsgate "$@"
	expect_eq "$STATUS/$OUT" 125/ "nsgate $*"
	expect_match "$ERR" "^nsgate: $message" "nsgate $*"
	[[ ! -e ran ]] || fail "the command ran despite $*"
}
ran=(-- touch ran)
refused 'unknown option --alow: did you mean --allow\?' --alow x "${ran[@]}"
refused 'unknown option --alow=x: did you mean --allow\?' --alow=x "${ran[@]}"
refused 'unknown option --dney: did you mean --deny\?' --dney x "${ran[@]}"
refused 'unknown option --hostnam: did you mean --hostname\?' --hostnam x "${ran[@]}"
refused 'unknown option --timelimit: did you mean --time-limit\?' --timelimit 1s "${ran[@]}"
refused 'unknown option --completely-different: see nsgate --help' --completely-different "${ran[@]}"
refused 'unknown option -x: ' -x "${ran[@]}"
refused 'unknown option -vx: ' -vx "${ran[@]}"
refused 'unknown option --Allow' --Allow x "${ran[@]}"
refused 'unknown option --all' --all "${ran[@]}" # abbreviations would change their meaning one day
refused 'unknown option --\\x0a\\x1b\[31m' --$'\n\e[31m' "${ran[@]}"
for name in "${with_value[@]}"; do
	refused "$name: expected [^ ]+ after it" "$name"
	expect_no_match "$ERR" 'unknown'
done
for name in "${without_value[@]}"; do
	refused "$name takes no value" "$name=1" "${ran[@]}"
done
refused 'no command: expected nsgate \[options\]'
refused 'no command' --
refused 'no command' --net none
refused 'no command' --net none --
refused '--net bridge: expected gate, none or host' --net bridge "${ran[@]}"
refused '--net : expected gate' --net '' "${ran[@]}"
refused '--log-level loud: expected error, warn, info or debug' --log-level loud "${ran[@]}"
refused '--clear-env and --keep-env exclude each other' --clear-env --keep-env "${ran[@]}"
for value in 5 0s -1s 1d 1.5s '' ' 1s' 99999999999999999999s 0x1s s; do
	refused "--time-limit: column 1: expected a number above 0 with a unit: .*got (\"$value\"|nothing)" --time-limit "$value" "${ran[@]}"
done
for value in x -1 '' 3x 99999999999; do
	refused "--status-fd $value: expected the number" --status-fd "$value" "${ran[@]}"
	refused "--pass-fd $value: expected the number" --pass-fd "$value" "${ran[@]}"
done
refused '--status-fd 77: Bad file descriptor' --status-fd 77 "${ran[@]}"
refused '--pass-fd 77: Bad file descriptor' --pass-fd 77 "${ran[@]}"

# ---- where options end
jail -- printf '%s,' --help -x -- --net none
expect_eq "$OUT" '--help,-x,--,--net,none,' 'after --'
jail printf '%s,' --help -x --
expect_eq "$OUT" '--help,-x,--,' 'after the command'
jail printf '[%s]' '' 'a b' $'c\nd' $'\xff' '*'
expect_eq "$OUT" "[][a b]["$'c\nd'"]["$'\xff'"][*]" 'arguments'
run nsgate --net=none --hostname=h=i -- true
expect_eq "$STATUS" 125 '--hostname=h=i'
run nsgate --net=none --hostname=abc -- hostname
expect_eq "$STATUS/$OUT" 0/abc '--name=value'

# ---- the exit status is the command's own
for ((status = 0; status < 256; status++)); do
	jail -- sh -c "exit $status"
	expect_eq "$STATUS/$OUT/$ERR" "$status//" "exit $status"
done
run nsgate -- sh -c 'exit 42'
expect_eq "$STATUS" 42 'exit 42 behind the gate'
run nsgate --net host -- sh -c 'exit 43'
expect_eq "$STATUS" 43 'exit 43 with --net host'
# 128+n: every signal that ends a process (32 and 33 are glibc's own)
for number in {1..16} 24 25 26 27 29 30 31 {34..64}; do
	jail -- sh -c "kill -$number \$\$"
	expect_eq "$STATUS" $((128 + number)) "signal $number"
done

# ---- 127, 126
printf 'text' >text
printf '#!/nowhere/interpreter\n' >bad-interpreter
printf '\x7fELF not really' >bad-elf
chmod +x bad-interpreter bad-elf
mkdir folder
for command in nsgate-no-such-command ./nsgate-no-such-command /nowhere/x ./bad-interpreter; do
	jail -- "$command"
	expect_eq "$STATUS/$OUT" 127/ "$command"
	expect_match "$ERR" "^nsgate: .*find $command: No such file"
done
jail -- ''
expect_eq "$STATUS" 127 'an empty command'
for command in ./text ./folder /etc/passwd; do
	jail -- "$command"
	expect_eq "$STATUS/$OUT" 126/ "$command"
	expect_match "$ERR" "^nsgate: .*execute $command: Permission denied"
done

# ---- 124
leftovers_snapshot "$T/before"
jail --time-limit 300ms -- sh -c 'trap "" TERM INT HUP; sleep 100 & setsid sleep 100 & wait'
expect_eq "$STATUS" 124 '--time-limit'
[[ $MS -ge 300 && $MS -lt 1500 ]] || fail "--time-limit 300ms took $MS ms"
expect_match "$ERR" 'time limit of 300 ms'
expect_no_leftovers "$T/before"
jail --time-limit 1m -- sh -c 'exit 5'
expect_eq "$STATUS/$ERR" 5/ 'within the time limit'

# ---- --status-fd
status_of() # EXPECTED ARGUMENT...
{
	local expected=$1
	shift

	run nsgate --net none --status-fd 9 "$@" 9>"$T/status"
	expect_eq "$(<"$T/status")" "$expected" "--status-fd: $*"
	expect_eq "$(wc -l <"$T/status")" 1 'lines'
}
status_of '{"outcome":"exited","exit_status":0}' -- true
status_of '{"outcome":"exited","exit_status":130}' -- sh -c 'exit 130'
status_of '{"outcome":"signaled","exit_status":130,"signal":"SIGINT"}' -- sh -c 'kill -INT $$'
status_of '{"outcome":"signaled","exit_status":165,"signal":"37"}' -- sh -c 'kill -37 $$'
status_of '{"outcome":"time-limit","exit_status":124}' --time-limit 50ms -- sleep 100
status_of '{"outcome":"not-run","exit_status":127}' -- nsgate-no-such-command
status_of '{"outcome":"not-run","exit_status":126}' -- ./text
status_of '{"outcome":"failed","exit_status":125}' --tmpfs /nowhere -- true
status_of '{"outcome":"exited","exit_status":0}' -- sh -c '[ ! -e /proc/self/fd/9 ]'

# ---- --pass-fd: that one, and no other
jail --pass-fd 7 -- sh -c 'cat <&7; ls /proc/self/fd' 7<<<'from outside' 8</dev/null
expect_eq "$OUT" $'from outside\n0\n1\n2\n3\n7' '--pass-fd'
jail -- sh -c 'ls /proc/self/fd' 7</dev/null 8</dev/null
expect_eq "$OUT" $'0\n1\n2\n3' 'inherited descriptors'

# ---- --log-level, -v: what is told of connections
server http 80
told() # OPTION...: what was heard of a connection that worked, one that was denied, one that nobody answered
{
	run nsgate "$@" --allow 'domain=ok.test' -- sh -c 'curl -sS http://ok.test/; curl -s http://other.test/
		curl -s http://ok.test:81/; :'
	expect_eq "$STATUS/$OUT" '0/hello from ok.test' "$*"
	TOLD=
	[[ $ERR != *' denied: '* ]] || TOLD+='denied '
	[[ $ERR != *'ok.test:81: '* ]] || TOLD+='failed '
	[[ $ERR != *'connection '[0-9]*' -> '* ]] || TOLD+='states '
}
told
expect_eq "$TOLD" 'denied ' 'told by default'
for options in '--log-level=error:' '--log-level=warn:denied ' '--log-level=info:denied failed ' \
	'-v:denied failed ' '--verbose:denied failed ' '--log-level=debug:denied failed states ' \
	'-vv:denied failed states ' '-vvv:denied failed states '; do
	told "${options%%:*}"
	expect_eq "$TOLD" "${options#*:}" "told with ${options%%:*}"
done
