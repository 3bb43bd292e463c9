#!/bin/bash
# Rows 33, 34, 35: sockets of a payload are UNIX, TCP, UDP and NETLINK_ROUTE, and nothing else.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_confined

# "FAMILY/TYPE/PROTOCOL" of the allowed ones, in hexadecimal
allowed() # KIND
{
	awk -v kind="$1" '$1 == kind && $5 == "allowed" { printf "%s/%s/%s ", $2, $3, $4 }' <<<"$OUT"
}

# How often each answer came.
answers() # KIND [FAMILY...]
{
	awk -v kind="$1" -v wanted=" ${*:2} " '
		$1 == kind && (wanted == "  " || index(wanted, " " $2 " ")) { print $5 }' <<<"$OUT" | sort -u
}

inet6='a/1/0 a/2/0 ' inet6_more='a/1/0 a/1/6 a/100000001/0 a/2/0 a/2/11 a/100000002/0 '
[[ -e /proc/net/if_inet6 ]] || inet6='' inet6_more=''

# ---- the control: without the jail's filter the same rights give more
run as_user "$CONFINED" sockets
expect_match "$(allowed netlink)" '10/3/10 ' 'generic netlink without a jail'
expect_match "$(answers socket 28)" 'E|allowed' # vsock, the answer of the kernel itself
expect_no_match "$(answers socket 28)" EPERM 'vsock without a jail'
expect_match "$(allowed internet)" '2/1/106 |2/1/6 '

run nsgate -- "$CONFINED" sockets
expect_eq "$(allowed socket)" "1/1/0 1/2/0 1/3/0 1/5/0 2/1/0 2/2/0 ${inet6}10/2/0 10/3/0 " 'families'
expect_eq "$(allowed pair)" '1/1/0 1/2/0 1/3/0 1/5/0 ' 'families of pairs'
expect_eq "$(allowed netlink)" '10/3/0 ' 'netlink protocols'
expect_eq "$(allowed internet)" \
	"2/1/0 2/1/6 2/100000001/0 2/2/0 2/2/11 2/100000002/0 $inet6_more" 'internet sockets'
expect_eq "$(allowed high)" '' 'families whose upper half the kernel does not see'

# What is denied is denied by the filter, whatever the kernel has built in.
others=()
for ((family = 0; family < 70; family++)); do
	case $family in 1 | 2 | 10 | 16) ;; *) others+=("$(printf %x "$family")") ;; esac
done
for kind in socket pair; do
	expect_eq "$(answers $kind "${others[@]}")" EPERM "other families, $kind"
done
expect_eq "$(answers high)" EPERM
expect_eq "$(answers netlink)" $'EPERM\nallowed'

# What tools need still works: the list of interfaces comes through NETLINK_ROUTE.
run nsgate -- ip -o link
expect_eq "$STATUS" 0
expect_match "$OUT" ': lo:'
