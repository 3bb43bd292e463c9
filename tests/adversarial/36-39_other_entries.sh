#!/bin/bash
# Rows 36 to 39: io_uring, the 32-bit and x32 tables, clone3 and unknown calls lead nowhere.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_confined

answer() # NAME
{
	sed -n "s/^$1 //p" <<<"$OUT"
}

# ---- 36, 39: and programs get along without
run nsgate -- "$CONFINED" syscalls
for name in io_uring_setup io_uring_enter io_uring_register clone3; do
	expect_eq "$(answer $name)" ENOSYS "$name"
done
run nsgate -- "$CONFINED" clones
expect_eq "$(answer clone3-NEWUSER)" ENOSYS
expect_eq "$(answer thread)" allowed
run as_user "$CONFINED" clones
expect_eq "$(answer clone3-NEWUSER)" allowed 'without a jail'

# ---- 37
if [[ $(uname -m) == x86_64 ]]; then
	run as_user "$CONFINED" foreign
	outside=$(answer int80-getpid)
	run nsgate -- "$CONFINED" foreign
	for name in getpid socket socketcall unshare; do
		if [[ $outside == allowed ]]; then
			expect_eq "$(answer int80-$name)" SIGSYS "32-bit $name"
		else
			expect_match "$(answer int80-$name)" '^(SIG|E)' "32-bit $name" # a kernel without that ABI
		fi
	done
	# ---- 38
	for name in getpid socket unshare execve; do
		expect_eq "$(answer x32-$name)" ENOSYS "x32 $name"
	done
fi

# ---- what nobody has looked at: 457 and higher, also with the upper half set
run as_user "$CONFINED" numbers 0x1c7 0x1c8 # futex_wait, futex_requeue: the last ones that pass
before=$OUT
run nsgate -- "$CONFINED" numbers 0x1c7 0x1c8
expect_eq "$OUT" "$before"
run nsgate -- "$CONFINED" numbers 457 700
expect_eq "$(cut -d' ' -f2 <<<"$OUT" | sort | uniq -c | tr -s ' ')" ' 244 ENOSYS'
