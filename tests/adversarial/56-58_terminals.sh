#!/bin/bash
# Rows 56, 58: a payload cannot type into the caller's terminal, nor see anybody's else.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_confined
need_command script

# A command with a terminal of its own as stdin, stdout and controlling terminal.
on_terminal() # COMMAND...
{
	script -qefc "$*" /dev/null </dev/null | tr -d '\r'
}
forbidden=(TIOCSTI TIOCSTI+high TIOCLINUX TIOCLINUX+high TIOCSETD TIOCSETD+high)

expect_forbidden() # WHERE
{
	local name

	expect_match "$OUT" 'TCGETS allowed' "$1"
	for name in "${forbidden[@]}"; do
		expect_match $'\n'"$OUT"$'\n' $'\n'"${name/+/\\+} EPERM"$'\n' "$1"
	done
}

# ---- 56
run on_terminal "$CONFINED" terminal
expect_match "$OUT" 'TCGETS allowed'
expect_match "$OUT" 'TIOCSETD allowed' 'without a jail'
expect_match "$OUT" 'TIOCSTI (allowed|EIO)' 'without a jail'
run on_terminal "${NSGATE_RUN[@]}" -- "$CONFINED" terminal
expect_forbidden 'the standard input'
run on_terminal "${NSGATE_RUN[@]}" -- "$CONFINED" terminal /dev/tty
expect_forbidden '/dev/tty'

# ---- 58: the jail has pseudo-terminals of its own
# shellcheck disable=SC2016  # the inner shell's
run on_terminal 'ls /dev/pts'
expect_match "$OUT" '[0-9]' 'without a jail'
run on_terminal "${NSGATE_RUN[@]}" -- ls /dev/pts
expect_eq "$OUT" ptmx
run nsgate -- script -qefc "'$CONFINED' terminal; ls -1 /dev/pts" /dev/null </dev/null
OUT=$(tr -d '\r' <<<"$OUT")
expect_forbidden 'a terminal of the payload'
expect_match "$OUT" $'\n0\nptmx$'
run nsgate -- sh -c 'ls /dev/pts/ptmx /dev/ptmx; ls -l /dev/ptmx'
expect_match "$OUT" '/dev/ptmx -> pts/ptmx'
