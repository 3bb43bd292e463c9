#!/bin/bash
# Row 54: supplementary groups are gone where the kernel lets us, and a payload cannot take any.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_confined

groups()
{
	sed -n 's/^Groups:[[:space:]]*//p' <<<"$OUT"
}

run nsgate -- "$CONFINED" rise
for what in setgroups setgid setuid; do
	expect_match "$OUT" "$what (EPERM|EINVAL)" # EINVAL: that id does not even exist
done
run unshare --user --map-root-user --keep-caps "$CONFINED" rise
expect_match "$OUT" 'no_new_privs EINVAL' # the control: the program runs, and says what the kernel says

if setpriv --groups 4,20 true 2>/dev/null; then
	run setpriv --groups 4,20 grep ^Groups: /proc/self/status
	expect_eq "$(groups)" '4 20 ' 'without a jail'
	run setpriv --groups 4,20 "${NSGATE_RUN[@]}" -- grep ^Groups: /proc/self/status
	expect_eq "$(groups)" '' 'groups that root hands on'
else
	# The residual: an unprivileged caller's groups stay, as the kernel will have it. No more than those.
	run grep ^Groups: /proc/self/status
	before=$(groups)
	run nsgate -- grep ^Groups: /proc/self/status
	expect_eq "$(groups | wc -w)" "$(wc -w <<<"$before")"
	run nsgate -- cat /proc/self/setgroups
	expect_eq "$OUT" deny
fi
