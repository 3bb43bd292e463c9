#!/bin/bash
# Row 57: what nsgate writes about a payload's tries holds no orders for the terminal.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_confined
server http 80
order=$'\e]52;c;eA==\a\x9b2J'

expect_harmless() # TEXT WHAT
{
	local rest

	rest=$(LC_ALL=C tr -d '\n\t\40-\176' <<<"$1" | LC_ALL=C od -An -c)
	expect_eq "$rest" '' "control characters in $2"
}

# What the payload itself prints is not ours: it goes to a file of its own.
payload() # BASH-TEXT
{
	rm -f "$T/audit"
	run nsgate --log-level debug --audit "$T/audit" --allow 'domain=ok.test' -- bash -c "$1" - "$order"
	expect_harmless "$ERR" 'messages'
	expect_harmless "$(<"$T/audit")" 'the audit file'
	jq -e . "$T/audit" >/dev/null || fail "not JSON: $(<"$T/audit")"
}

# ---- a host name of HTTP
# shellcheck disable=SC2016  # the inner shell's
payload 'exec 2>/dev/null 5<>/dev/tcp/'"$PUB4"'/80; printf "GET / HTTP/1.1\r\nHost: %s.test\r\n\r\n" "$1" >&5; cat <&5'
expect_match "$ERR" 'nsgate: denied: '
# ---- a method, a path
# shellcheck disable=SC2016
payload 'exec 2>/dev/null 5<>/dev/tcp/'"$PUB4"'/80; printf "%s /%s HTTP/1.1\r\nHost: other.test\r\n\r\n" "$1" "$1" >&5; cat <&5'
expect_match "$ERR" 'nsgate: denied: '
# ---- a name asked for: one question of one label with these bytes, then "test"
# shellcheck disable=SC2016
payload 'exec 2>/dev/null; gate=$(sed -n "s/nameserver //p" /etc/resolv.conf); exec 5<>"/dev/udp/$gate/53"
	LC_ALL=C; { printf "\\0\\1\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0"; printf "\\x$(printf %x "${#1}")%s" "$1"
	printf "\\4test\\0\\0\\1\\0\\1"; } | cat >&5; timeout 2 head -c 12 <&5 >/dev/null'
expect_match "$(<"$T/audit")" 'dns'
expect_match "$ERR" 'nsgate: denied: '

# ---- names that come from the command line, which a script may have taken from a stranger
for options in "--allow=domain=$order" "--chdir=/$order" "--hide=/$order" "--time-limit=$order" "--$order"; do
	run nsgate "$options" -- true
	expect_harmless "$ERR" "the answer to ${options%%=*}"
	expect_match "$ERR" '^nsgate: '
done
run nsgate -- "$order"
expect_eq "$STATUS" 127
expect_harmless "$ERR" 'the name of a program'
