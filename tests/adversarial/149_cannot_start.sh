#!/bin/bash
# Row 149: where namespaces are not to be had, nsgate says why and what helps, and runs nothing.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_command strace
export ASAN_OPTIONS=detect_leaks=0 # which cannot be traced

expect_not_started() # MESSAGE
{
	expect_eq "$STATUS" 125
	expect_match "$ERR" "^nsgate: jail: .*$1"
	[[ ! -e marker ]] || fail 'the payload ran'
	expect_no_leftovers "$T/before"
}

# A command in a user namespace that may hold COUNT more namespaces of a KIND.
limited() # KIND COUNT COMMAND...
{
	# shellcheck disable=SC2016  # the inner shell's
	unshare --user --map-root-user sh -c \
		'echo "$2" >"/proc/sys/user/max_$1_namespaces" && shift 2 && exec "$@"' - "$@"
}

run limited user 99 "$NSGATE" -- touch marker
expect_eq "$STATUS" 0 'the control'
rm marker
leftovers_snapshot "$T/before"

# ---- the administrator allows none
for kind in user pid net mnt ipc uts cgroup; do
	run limited "$kind" 0 "$NSGATE" -- touch marker
	expect_not_started 'namespace.*\(ENOSPC\)'
	expect_match "$ERR" '[Rr]aise the limits?: sysctl user.max_(user|net)_namespaces'
done

# ---- a container's filter, or a hardened kernel
refusing() # ERRNO CALL[,CALL]
{
	run "${NSGATE_RUN[@]:0:${#NSGATE_RUN[@]}-1}" strace -f -qqq -o /dev/null \
		-e trace="$2" -e inject="$2:error=$1" "$NSGATE" -- touch marker
}
refusing EPERM clone3
expect_not_started 'namespaces.*\(EPERM\)'
expect_match "$ERR" 'kernel.unprivileged_userns_clone'
expect_match "$ERR" 'Docker'
refusing EINVAL clone3
expect_not_started 'CONFIG_USER_NS'
# clone3 alone is what filters of containers cannot read: there is the old way
refusing ENOSYS clone3
expect_eq "$STATUS" 0
rm marker
