#!/bin/bash
# Rows 28, 29: no way into another network namespace, and no new one.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_adversary
export LC_ALL=C

# ---- the system calls themselves; without a jail they all work
run unshare -Urn "$ADVERSARY" namespaces
for what in setns setns-pidfd unshare-net unshare-user-net clone-net clone-user-net; do
	expect_match "$OUT" "(^|"$'\n'")$what OK" 'without a jail'
done
watch_packets
jailed "${ANYTHING[@]}" -- "$ADVERSARY" namespaces
expect_denied 'open-own OK
open-init EACCES
setns EPERM
setns-any EPERM
setns-pidfd EPERM
setns-no-descriptor EPERM
unshare-net EPERM
unshare-user EPERM
unshare-user-net EPERM
clone-net EPERM
clone-user EPERM
clone-user-net EPERM
clone3-user-net ENOSYS' ''

# ---- row 28, by the usual tools
for command in 'nsenter -t 1 -n true' 'nsenter -t 1 -a true' 'nsenter --net=/proc/self/ns/net true' \
	'ip netns add x' 'ip netns exec x true'; do
	# shellcheck disable=SC2086  # words
	jailed "${ANYTHING[@]}" -- $command
	[[ $STATUS -ne 0 ]] || fail "$command worked$(last_run)"
	expect_match "$ERR" 'Operation not permitted|Permission denied|Read-only file system|No such file'
	expect_denied '' ''
done
# Namespaces that the caller has given names lie in /run, and the jail's is empty.
resolv_conf=$(readlink -f /etc/resolv.conf)
mount -t tmpfs none /run
if [[ $resolv_conf == /run/* ]]; then
	mkdir -p "${resolv_conf%/*}"
	cp "$T/resolv.conf" "$resolv_conf"
fi
mkdir /run/netns
touch /run/netns/other
mount --bind /proc/self/ns/net /run/netns/other
run nsenter --net=/run/netns/other true
expect_eq "$STATUS" 0 'without a jail'
jailed "${ANYTHING[@]}" -- nsenter --net=/run/netns/other true
expect_match "$ERR" 'No such file or directory'
# Shown on purpose it can be seen, and still not entered.
jailed "${ANYTHING[@]}" --ro-bind /run/netns/other:/run/other -- nsenter --net=/run/other true
[[ $STATUS -ne 0 && $STATUS -ne 125 ]] || fail "entered a namespace by its file$(last_run)"

# ---- row 29
for words in '-Urn' '-n' '-Ur' '-Urnm' '-U' '-Urnp'; do
	jailed "${ANYTHING[@]}" -- unshare "$words" true
	expect_match "$ERR" '^unshare: .*Operation not permitted'
	expect_denied '' ''
done
expect_silence
