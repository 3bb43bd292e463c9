#!/bin/bash
# Rows 59, 60, 61: outside processes are invisible, and the jail's first one is out of reach.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_confined

answer() # NAME
{
	sed -n "s|^$1 ||p" <<<"$OUT"
}

echo secret >"$T/secret"
sleep 4321 &
outsider=$!
STARTED+=("$outsider")
reach=(ptrace-seize ptrace-attach process_vm_readv process_vm_writev kcmp pidfd_getfd setns
	open-mem open-environ open-maps open-auxv open-root open-cwd open-exe open-fd/0 open-ns/net open-ns/user)

# ---- 59: the control is a process of one's own
run nsgate -- sh -c "sleep 9 & '$CONFINED' process \$!"
expect_eq "$(answer process_vm_readv)" EFAULT "reading one's own child" # let in: nothing is at our address
for name in ptrace-seize pidfd_getfd open-mem open-environ open-root open-cwd open-fd/0; do
	expect_eq "$(answer $name)" allowed "$name of one's own child"
done
run nsgate -- "$CONFINED" process 1
for name in "${reach[@]}"; do
	expect_match "$(answer "$name")" '^(EPERM|EACCES)$' "$name of the jail's first process"
done
# A pid of the caller's, the supervisor's and the proxy's means nothing here.
run nsgate -- "$CONFINED" process 32767
for name in "${reach[@]}" pidfd_open prlimit; do
	[[ $name != setns && $name != pidfd_getfd ]] || continue # there is no pidfd to ask with
	expect_match "$(answer "$name")" '^(ESRCH|ENOENT)$' "$name of a process that is not here"
done
# shellcheck disable=SC2016  # the inner shell's
run nsgate -- sh -c 'echo $PPID; readlink /proc/1/exe /proc/1/root /proc/1/cwd /proc/1/ns/net /proc/1/fd/*; cat /proc/1/environ'
expect_eq "$OUT" 1

# ---- 60
run sh -c 'cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\0" " "'
expect_match "$OUT" 'sleep 4321' 'without a jail'
run nsgate -- sh -c 'cat /proc/[0-9]*/cmdline | tr "\0" " "; echo; ls -d /proc/[0-9]* | wc -l'
expect_no_match "$OUT" 'sleep 4321'
[[ $(tail -n 1 <<<"$OUT") -le 4 ]] || fail "more processes than the jail has$(last_run)"
# shellcheck disable=SC2016
run nsgate -- sh -c 'sleep 9 & kill -9 -1; wait $!; echo killed $?; kill -9 1; for pid in $(seq 2 2000); do [ $pid = $$ ] || kill -9 $pid; done 2>/dev/null; exit 7'
expect_eq "$OUT" 'killed 137' 'the control: it can kill its own'
expect_eq "$STATUS" 7 'supervisor and first process, after everything was shot at'
kill -0 "$outsider" || fail 'killed a process outside'

# ---- 61
[[ -e /proc/self/root$T/secret && -e /proc/$outsider/root$T/secret ]] || fail 'the control'
# shellcheck disable=SC2016
run nsgate -- sh -c 'echo x >own; for p in /proc/[0-9]* /proc/self /proc/thread-self; do
	for way in root root/.. root/proc/1/root cwd/../.. cwd/../../../../proc/1/root; do
		for file in "$0/secret" "$0/work/own"; do [ ! -e "$p/$way$file" ] || echo "$way ${file##*/}"; done
	done; done | sort -u' "$T"
expect_eq "$OUT" $'root own\nroot/.. own'
