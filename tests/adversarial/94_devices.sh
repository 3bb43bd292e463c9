#!/bin/bash
# Row 94: /dev is a short list, none can be added, and those that are there can be used but not changed.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate

run nsgate -- ls /dev
expect_eq "$(tr '\n' ' ' <<<"$OUT")" 'fd full null ptmx pts random shm stderr stdin stdout tty urandom zero '
run nsgate -- sh -c 'echo x >/dev/null && head -c 3 /dev/zero /dev/urandom | wc -c && echo x >/dev/full'
expect_match "$OUT" '^[0-9]+$'
expect_match "$ERR" 'I/O error|No space left'

for type in c b; do
	run nsgate -- mknod "$T/work/node" $type 1 3
	expect_match "$ERR" 'Operation not permitted'
done
run nsgate -- sh -c ': >/dev/more'
expect_match "$ERR" 'Read-only file system'

# A payload with the uid that owns them outside needs no capability for this.
before=$(stat -c '%a %u %g %X %Z' /dev/null /dev/tty /dev/full)
# shellcheck disable=SC2016  # the inner shell's
run nsgate -- sh -c 'chmod 666 /dev/null; chown "$(id -u)" /dev/tty; touch -a /dev/full'
[[ $STATUS -ne 0 ]] || fail 'changed a device'
expect_match "$ERR" "chmod: .*Read-only.*chown: .*Read-only.*touch: .*Read-only"
expect_eq "$(stat -c '%a %u %g %X %Z' /dev/null /dev/tty /dev/full)" "$before"
