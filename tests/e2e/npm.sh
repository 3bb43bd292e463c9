#!/bin/bash
# npm installs a package from its real registry over direct HTTPS connections, and only where a rule says so.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
real_network
need_nsgate
need_command npm npx node
[[ $(npm config get registry) == https://*.npmjs.org/ ]] ||
	skip 'npm is set up for another registry'
# Before the clock runs, and without nsgate: is it there at all?
timeout 20 npm ping --fetch-retries=0 >/dev/null 2>&1 || skip 'the registry does not answer us'

rule='domain=*.npmjs.org'
quiet=(--no-audit --no-fund --no-update-notifier --fetch-retries=0)

# One folder and home a round, so that no cache answers instead of the registry.
fresh()
{
	cd "$T"
	rm -rf -- "${T:?}/work" "${T:?}/home"
	mkdir -- "$T/work" "$T/home"
	chown -- "$owner" "$T/work" "$T/home"
	cd "$T/work"
}
owner=$TEST_UID

installs()
{
	fresh
	run nsgate --allow "$rule" -- npm install "${quiet[@]}" is-number
	expect_eq "$STATUS" 0 'npm install'
	[[ -f node_modules/is-number/index.js && -f package-lock.json ]] || fail "nothing is installed$(last_run)"
	run nsgate --allow "$rule" -- node -e 'console.log(require("is-number")(7))'
	expect_eq "$STATUS/$OUT/$ERR" 0/true/ 'what was installed'
	# the home was an overlay: npm's cache is thrown away with it
	[[ ! -e $HOME/.npm ]] || fail 'the jail wrote to the real home'
}

# ---- the main job
installs

# ---- nothing tells npm of a proxy: there is no such variable
run nsgate --allow "$rule" -- sh -c 'env | grep -i proxy'
expect_eq "$STATUS/$OUT/$ERR" 1// 'proxy variables'

# ---- what npx fetches and runs is a child of a child (--package: Debian has a semver in /usr/bin)
fresh
run nsgate --allow "$rule" -- npx --yes --fetch-retries=0 --package=semver semver 1.2.3-beta.4
expect_eq "$STATUS/$OUT" 0/1.2.3-beta.4 'npx'

# ---- a grandchild that knows nothing of its parents' environment is intercepted all the same
fresh
# shellcheck disable=SC2016  # the inner shells'
run nsgate --allow "$rule" -- sh -c \
	'sh -c '\''env -i PATH="$PATH" HOME="$HOME" npm view --fetch-retries=0 is-number name; :'\''; :'
expect_eq "$OUT" is-number 'npm with an empty environment'
# shellcheck disable=SC2016  # the inner shells'
run nsgate -- sh -c \
	'sh -c '\''env -i PATH="$PATH" HOME="$HOME" npm view --fetch-retries=0 is-number name; :'\''; :'
expect_eq "$OUT" '' 'npm with an empty environment and without a rule'

# ---- without the rule nothing is fetched, and nsgate does not let npm wait for that
denied() # RULE CODE
{
	fresh
	run nsgate --allow "$1" -- npm install "${quiet[@]}" is-number
	expect_eq "$STATUS" 1 "npm install with $1"
	expect_match "$ERR" "npm (error|ERR!) code $2"
	expect_match "$ERR" "nsgate: denied: .*npmjs\.org.*; to allow: --allow 'domain="
	[[ ! -e node_modules ]] || fail "something is installed$(last_run)"
	[[ $MS -lt 5000 ]] || fail "denied after $MS ms only"
}
denied 'domain=*.example.org' ENOTFOUND
denied 'domain=npmjs.org' ENOTFOUND
denied "$rule port=80" ECONNRESET
denied "$rule port=22" ECONNRESET

# npm tries again by itself, 10 s and 60 s later, whatever the error; the reason is told at once.
fresh
start=${EPOCHREALTIME/./}
nsgate -- npm install is-number >/dev/null 2>"$T/err" &
STARTED+=("$!")
wait_until 10 grep -q 'nsgate: denied: ' "$T/err" || fail 'nothing told of the denial'
took=$(((${EPOCHREALTIME/./} - start) / 1000))
[[ $took -lt 5000 ]] || fail "told after $took ms"
kill "$!"
wait "$!" || true

# ---- the same for a user without any right; when root did not start us, all this was for one already
if as_other true 2>/dev/null; then
	cp -- "$NSGATE" "$T/nsgate" # the clone may be out of their reach
	NSGATE_RUN=(as_other "$T/nsgate")
	owner=$OTHER_UID
	fresh
	expect_eq "$(nsgate -- id -u)" "$owner" 'uid in the jail'
	installs
	expect_eq "$(stat -c %u node_modules/is-number)" "$owner" 'owner of what was installed'
	denied 'domain=*.example.org' ENOTFOUND
fi
