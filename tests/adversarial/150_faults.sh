#!/bin/bash
# Row 150: whichever call of the start fails, the payload does not run, or runs in a whole jail.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_confined
need_command strace

# A sanitizer's own last words are no part of this, and its leak check cannot be traced.
export ASAN_OPTIONS=detect_leaks=0

# The calls with which namespaces, identity, mounts, network, proxy and payload are set up.
calls=(bind capset chdir clone clone3 close_range dup2 epoll_create1 epoll_ctl execve fchdir fchmod fchmodat
	fchownat fcntl fsconfig fsmount fsopen getcwd getrandom getsockname getsockopt landlock_add_rule
	landlock_create_ruleset landlock_restrict_self listen mkdirat mount mount_setattr move_mount open_tree
	openat openat2 pidfd_open pipe2 pivot_root prctl prlimit64 read recvfrom recvmsg rt_sigprocmask seccomp
	sendmsg sendto sethostname setgroups setns setsid setsockopt signalfd4 socket socketpair symlinkat
	timerfd_create timerfd_settime umount2 unshare vfork write)
options=(--time-limit 20s --hostname faulty --tmpfs /mnt:1M --overlay /usr --hide /boot)

# nsgate with faults; what the payload saw is in the file "seen".
faulty() # STRACE-OPTION...
{
	rm -f seen
	# strace without what only makes us unprivileged
	run timeout -s KILL 10 "${NSGATE_RUN[@]:0:${#NSGATE_RUN[@]}-1}" strace -f -qqq -o "$T/trace" "$@" \
		"$NSGATE" "${options[@]}" -- "$CONFINED" witness seen </dev/null
}

# The witness' account, without what differs from run to run, and without two places that may fail: a
# sysfs of its own (the caller's stays, read-only) and the missing link-local address.
account()
{
	sed -E 's/^[0-9]+ [0-9]+ [0-9]+:[0-9]+ //; s/size=[0-9]+k//; s,(dir=/proc/self/fd/)[0-9]+,\1N,g
		s/^( *eth0:) .*/\1/; /^fe80/d; /^\/ \/sys ro,nosuid,nodev,noexec/d
		/^(Vm|Rss|voluntary|nonvoluntary|Cpus_|Mems_|TracerPid|SigQ)/d' seen | sort
}

faulty -e trace=none
expect_eq "$STATUS" 0 'without faults'
account >"$T/whole"
faulty -e trace=none
account | diff "$T/whole" - >&2 || fail "two accounts differ"
grep -q 'Seccomp:.2' "$T/whole" || fail 'the account says too little'
leftovers_snapshot "$T/before"

# How often the busiest process makes each call.
faulty
declare -A most
while read -r count call; do
	[[ ${most[$call]-0} -ge $count ]] || most[$call]=$count
done < <(sed -nE 's/^([0-9]+) +([a-z0-9_]+)\(.*/\1 \2/p' "$T/trace" | sort | uniq -c | awk '{ print $1, $3 }')

# Each of the first calls, some of the others, and the last one.
is_tried() # NTH MOST
{
	[[ $1 -le 6 || $1 -eq $2 || $(($1 % 7)) -eq 0 ]]
}

try_fault() # CALL NTH
{
	local what="fault $2 of $1"

	faulty -e trace="$1" -e inject="$1:error=EPERM:when=$2"
	if [[ -e seen ]]; then
		expect_eq "$STATUS" 0 "$what: the payload ran, status"
		account | diff "$T/whole" - >&2 || fail "$what: the payload ran in another jail"
		ran+=1
		return
	fi
	stopped+=1
	# a sanitizer's run time makes calls of its own, and gives up as it likes
	[[ ! $ERR =~ Sanitizer\ [a-z_]+\(\)\ failed|Sanitizer:?\ CHECK\ failed ]] || return 0
	case $1:$STATUS in
	execve:126) ;; # the payload's own
	read:127) expect_match "$ERR" 'error while loading shared libraries' "$what" ;; # nsgate's own loader
	*)
		expect_eq "$STATUS" 125 "$what: status"
		# a message is a write, too
		[[ $1 == write ]] || expect_match "$ERR" '^nsgate: [a-z].*: ' "$what"
		;;
	esac
}

declare -i ran=0 stopped=0
for call in "${calls[@]}"; do
	for ((nth = 1; nth <= ${most[$call]-0}; nth++)); do
		! is_tried "$nth" "${most[$call]}" || try_fault "$call" "$nth"
	done
done
[[ $stopped -gt 100 && $ran -gt 10 ]] || fail "$stopped faults stopped the start, $ran did not: too few of either"
expect_no_leftovers "$T/before"
