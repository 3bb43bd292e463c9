#!/bin/bash
# A protocol in which the server speaks first works at once: SSH, with real programs on both sides.
# shellcheck source-path=SCRIPTDIR disable=SC2016  # what other shells expand
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_command ssh ssh-keygen ssh-keyscan
sshd=$(PATH=$PATH:/usr/sbin type -P sshd) || skip 'no sshd: scripts/install-packages test'

server banner 2222 --banner 'SSH-2.0-slow_client_test'
run nsgate --allow 'domain=ok.test port=2222' -- bash -c 'exec 5<>/dev/tcp/ok.test/2222; read -r -t 5 line <&5; echo "$line"'
expect_match "$OUT" '^SSH-2.0-slow_client_test' 'banner'
[[ $MS -lt 1000 ]] || fail "the banner took $MS ms"

ssh-keygen -q -t ed25519 -N '' -f "$T/host_key"
mkdir -m 700 "$T/work/.keys"
ssh-keygen -q -t ed25519 -N '' -f "$T/work/.keys/id"
# Real root's sshd lets root in. Any other serves just the user that it runs as, who must not be called root.
sshd=("$sshd") user=root
if [[ $TEST_UID -ne 0 || $(</proc/self/uid_map) != *4294967295* ]]; then
	echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start
	sshd=("${AS_USER[@]}" "${sshd[@]}")
	user=$(as_user id -un 2>/dev/null) || user=
fi
start_sshd()
{
	cat >"$T/sshd_config" <<-END
		Port 22
		HostKey $T/host_key
		AuthorizedKeysFile $T/work/.keys/id.pub
		StrictModes no
		UsePAM no
		PidFile none
		PasswordAuthentication no
		KbdInteractiveAuthentication no
	END
	[[ $user != root ]] || mkdir -p /run/sshd
	"${sshd[@]}" -D -e -f "$T/sshd_config" >>"$T/sshd.log" 2>&1 </dev/null &
	STARTED+=("$!")
	disown
	wait_listening 22
}
start_sshd
run nsgate --allow 'domain=ok.test port=22' -- ssh-keyscan -t ed25519 ok.test
expect_eq "$STATUS/$OUT" "0/ok.test $(cut -d' ' -f1-2 <"$T/host_key.pub")" 'ssh-keyscan'
[[ $MS -lt 1500 ]] || fail "ssh-keyscan took $MS ms"
options=(-o BatchMode=yes -o StrictHostKeyChecking=accept-new -o UserKnownHostsFile=/tmp/known -i .keys/id)
run ssh "${options[@]}" "$user@ok.test" true
rm -f /tmp/known
# where sshd lets nobody in even without nsgate (its user has no name), the key exchange has to do
if [[ $STATUS -eq 0 ]]; then
	run nsgate --allow 'domain=ok.test port=22' -- ssh "${options[@]}" "$user@ok.test" 'echo $((6*7)); exit 9'
	expect_eq "$STATUS/$OUT" 9/42 'ssh'
	head -c 3000000 /dev/urandom >data
	run nsgate --allow 'domain=ok.test port=22' -- sh -c \
		'ssh "$@" sha256sum <data' sh "${options[@]}" "$user@ok.test"
	expect_eq "$STATUS/$OUT" "0/$(sha256sum <data)" 'data through ssh'
elif [[ $user ]]; then
	fail "sshd does not even let us in without nsgate$(last_run)$'\n'$(<"$T/sshd.log")"
fi
: >"$T/sshd.log"
run nsgate --allow 'domain=ok.test port=2222' -- ssh "${options[@]}" nobody@ok.test true
expect_eq "$STATUS" 255 'ssh without a rule'
expect_match "$ERR" "denied: (tcp|ssh) ok.test:22 .*--allow 'domain=ok.test port=22'"
[[ $MS -lt 1000 && ! -s $T/sshd.log ]] || fail "denied after $MS ms: $(<"$T/sshd.log")"
