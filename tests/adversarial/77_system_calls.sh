#!/bin/bash
# Row 77: system calls that no build or test tool needs are closed, whatever they are asked.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_confined

absent='clone3|open_tree_attr|io_uring_(setup|enter|register)|create_module|query_module|get_kernel_syms|nfsservctl'

run as_user "$CONFINED" syscalls
# the control: with the same rights, and without the filter, these do something, or look at what they are asked
for name in unshare open_tree personality keyctl; do
	expect_match "$OUT" "(^|"$'\n'")$name allowed" 'without a jail'
done
expect_match "$OUT" 'name_to_handle_at EFAULT' 'without a jail'
count=$(wc -l <<<"$OUT")
[[ $count -gt 45 ]] || fail "tried $count calls only"

rm -f whiteout
run nsgate -- "$CONFINED" syscalls
expect_eq "$(wc -l <<<"$OUT")" "$count"
expect_eq "$(grep -vE "^($absent) ENOSYS\$" <<<"$OUT" | grep -v ' EPERM$' || true)" '' 'neither EPERM nor ENOSYS'
expect_eq "$(grep -E "^($absent) " <<<"$OUT" | grep -v ' ENOSYS$' || true)" '' 'what libraries probe for'
[[ ! -e whiteout ]] || fail 'made a device node'

# A filter of one's own is fine, a listener is not (row 159 leans on it).
run as_user "$CONFINED" filter
expect_eq "$OUT" $'plain allowed\nlistener allowed\nlistener+tsync allowed\nlistener+high allowed'
run nsgate -- "$CONFINED" filter
expect_eq "$OUT" $'plain allowed\nlistener EPERM\nlistener+tsync EPERM\nlistener+high EPERM'
