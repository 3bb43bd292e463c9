#!/bin/bash
# Row 49: a working directory that is gone, hidden or out of reach does not let a payload out.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_confined

# In the current directory, which may be an odd one.
must_not_start() # MESSAGE OPTION...
{
	run nsgate "${@:2}" -- touch "$T/work/marker"
	expect_eq "$STATUS" 125
	expect_match "$ERR" "^nsgate: .*$1"
	[[ ! -e $T/work/marker ]] || fail 'the payload ran'
}

echo secret >"$T/secret"

# ---- the control: from an ordinary one, .. ends at the jail's root
# shellcheck disable=SC2016  # the inner shell's
run nsgate -- sh -c 'cd ../../../../../../..; pwd -P; ls -id . / | cut -d" " -f1 | uniq | wc -l; ls /proc/self/cwd/../.. >/dev/null'
expect_eq "$OUT" $'/\n1'
# The way up leads through the jail's own places, not through the caller's.
run nsgate -- sh -c 'ls -A ..; ls -A ../..; cat ../secret /proc/self/cwd/../secret'
expect_eq "$STATUS" 1
expect_eq "$OUT" $'home\nwork\n'"${T##*/}" 'what lies above'

# ---- deleted
mkdir gone
cd gone
rmdir ../gone
must_not_start 'directory'
cd ..

# ---- below a mount that is no longer anywhere
mkdir island
mount -t tmpfs tmpfs island
cd island
umount -l .
must_not_start 'directory'
cd ..

# ---- where the jail has something of its own
mount -t tmpfs tmpfs /dev/shm
mkdir -m 755 /dev/shm/hidden
cd /dev/shm/hidden
must_not_start 'working directory: change to /dev/shm/hidden inside the jail'
expect_match "$ERR" '--chdir'
cd "$T/work"
must_not_start 'change to /dev/shm/hidden inside' --chdir /dev/shm/hidden

# ---- hidden by an option: it is there, and empty
mkdir hidden
echo secret >hidden/file
cd hidden
# shellcheck disable=SC2016  # the inner shell's
run nsgate --hide "$PWD" -- sh -c 'ls -A; ls -A /proc/self/cwd/; cat file; cat "$PWD/file"; : >new'
[[ $STATUS -ne 0 ]] || fail 'wrote to a hidden directory'
expect_eq "$OUT" '' 'a hidden directory'
[[ ! -e new ]] || fail 'wrote through the mask'

# ---- replaced by a link to elsewhere after the shell went there
cd "$T/work"
mkdir project
cd project
mv ../project ../moved
ln -s / ../project
run nsgate -- sh -c 'pwd -P; touch here'
expect_eq "$OUT" "$T/work/moved"
[[ -e $T/work/moved/here ]] || fail 'went elsewhere'
