#!/bin/bash
# Row 66: a payload cannot make a namespace, in which it would have capabilities, nor enter one.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_confined

run as_user "$CONFINED" clones
expect_match $'\n'"$OUT" $'\n''NEWUSER allowed' 'without a jail'
run nsgate -- "$CONFINED" clones
for name in NEWNS NEWCGROUP NEWUTS NEWIPC NEWUSER NEWPID NEWNET 'NEWUSER\+high' 'NEWUSER\|NEWNET' \
	unshare-NEWTIME unshare-nothing; do
	expect_match $'\n'"$OUT"$'\n' $'\n'"$name EPERM"$'\n'
done
expect_match "$OUT" 'clone3-NEWUSER ENOSYS'
expect_match "$OUT" 'thread allowed'

run as_user unshare -U true
expect_eq "$STATUS" 0 'without a jail'
for flags in -U -Ur -n -Urn -m -p -i -u -C -T; do
	run nsgate -- unshare "$flags" true
	[[ $STATUS -ne 0 ]] || fail "unshare $flags worked"
	expect_match "$ERR" 'Operation not permitted' "unshare $flags"
done
for kind in net user mount pid; do
	run nsgate -- nsenter --target 1 "--$kind" true
	[[ $STATUS -ne 0 ]] || fail "nsenter $kind worked"
	expect_match "$ERR" 'not permitted|denied'
done
# A jail within the jail cannot start either, and says so.
into_jail "$NSGATE" >/dev/null
run nsgate -- ./nsgate -- touch marker
expect_eq "$STATUS" 125
[[ ! -e marker ]] || fail 'the payload ran'
